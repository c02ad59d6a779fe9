#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Hostile SIP to a port: RFC 4475, truncations, oversize, unknown methods and option tags.

    tests/e2e/torture.py HOST PORT DIR [--tcp] [--quick] [--bind ADDRESS]

Sends every .dat of DIR (RFC 4475), each also cut at many places, then messages of our own; after each part asks with
an OPTIONS or REGISTER that is well-formed whether the port still answers. What must be answered is in the table
below; silence there is a failure. Prints a line for each failure and "N passed, N failed, N skipped".
"""
import argparse
import pathlib
import random
import socket
import sys
import time

WELL = ("{m} sip:ims.mnc001.mcc001.3gppnetwork.org SIP/2.0\r\nVia: SIP/2.0/{t} {host}:{port};branch=z9hG4bK{n};rport\r\n"
        "From: <sip:t@example.com>;tag=a{n}\r\nTo: <sip:t@example.com>\r\nCall-ID: torture-{n}@{host}\r\nCSeq: 1 {m}\r\n"
        "Max-Forwards: 70\r\n{extra}Content-Length: 0\r\n\r\n")
OURS = [  # name, method, extra header fields, statuses of which one must come
    ("unknown method", "FROBNICATE", "", None),
    ("unknown Proxy-Require", "OPTIONS", "Proxy-Require: no-such-extension\r\n", (403, 420)),
    ("unknown Require", "REGISTER", "Require: no-such-extension\r\n", None),
    ("negative Content-Length", "OPTIONS", "Content-Length: -5\r\n", (400,)),
    ("two From", "OPTIONS", "From: <sip:x@y>;tag=2\r\n", (400,)),
]


class Peer:
    def __init__(self, host, port, tcp, bind):
        self.host, self.port, self.tcp, self.bind = host, port, tcp, bind
        self.family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self.n = random.randrange(1 << 30)
        self.sock = None
        self.open()

    def open(self):
        if self.sock:
            self.sock.close()
        self.sock = socket.socket(self.family, socket.SOCK_STREAM if self.tcp else socket.SOCK_DGRAM)
        self.sock.settimeout(3)
        if self.bind:
            self.sock.bind((self.bind, 0))
        self.sock.connect((self.host, self.port))

    def send(self, data):
        try:
            self.sock.sendall(data[:65000] if not self.tcp else data)
        except OSError:
            self.open()

    def drain(self):
        self.sock.settimeout(0.01)
        try:
            while self.sock.recv(65535):
                pass
            self.open()
        except OSError:
            pass
        self.sock.settimeout(3)

    def ask(self, method, extra):
        """Status of the first response to a request of ours, or None."""
        self.n += 1
        me = self.sock.getsockname()
        host = f"[{me[0]}]" if ":" in me[0] else me[0]
        msg = WELL.format(m=method, t="TCP" if self.tcp else "UDP", host=host, port=me[1], n=self.n, extra=extra)
        if "Content-Length: -" in extra:
            msg = msg.replace("Content-Length: 0\r\n", "")
        end = time.time() + 3
        self.send(msg.encode())
        seen = b""
        while time.time() < end:
            try:
                got = self.sock.recv(65535)
            except OSError:
                return None
            if not got:
                self.open()
                return None
            seen = seen + got if self.tcp else got
            mark = b"torture-%d@" % self.n
            if mark in seen or b"z9hG4bK%d" % self.n in seen:
                for part in seen.split(b"SIP/2.0 ")[1:]:
                    if mark in part or b"z9hG4bK%d" % self.n in part:
                        status = int(part[:3])
                        if status != 100:
                            return status
        return None


def variants(data, quick):
    yield data
    step = max(1, len(data) // (6 if quick else 40))
    for cut in range(1, len(data), step):
        yield data[:cut]


def main():
    p = argparse.ArgumentParser()
    p.add_argument("host")
    p.add_argument("port", type=int)
    p.add_argument("dir", type=pathlib.Path)
    p.add_argument("--tcp", action="store_true")
    p.add_argument("--bind", help="own address")
    p.add_argument("--quick", action="store_true")
    a = p.parse_args()
    ok = bad = 0
    peer = Peer(a.host, a.port, a.tcp, a.bind)
    for f in sorted(a.dir.glob("*.dat")):
        for v in variants(f.read_bytes(), a.quick):
            if a.tcp:
                peer.open()
            peer.send(v)
        peer.drain()
        if a.tcp:
            peer.open()
        if peer.ask("OPTIONS", "") is None and peer.ask("OPTIONS", "") is None:
            print(f"after {f.name}: {a.host}:{a.port} does not answer any more")
            bad += 1
        else:
            ok += 1
    for name, method, extra, want in OURS:
        peer.drain()
        if a.tcp:
            peer.open()
        got = peer.ask(method, extra)
        if got is None or (want and got not in want):
            print(f"{name}: got {got}, wanted {want or 'an answer'}")
            bad += 1
        else:
            ok += 1
    big = WELL.format(m="OPTIONS", t="TCP" if a.tcp else "UDP", host="x", port=1, n=7, extra="X-Fill: " + "a" * 70000 + "\r\n").encode()
    peer.send(big)
    peer.drain()
    peer.open()
    if peer.ask("OPTIONS", "") is None:
        print("after an oversized message: no answer any more")
        bad += 1
    else:
        ok += 1
    print(f"{ok} passed, {bad} failed, 0 skipped")
    return bad > 0


sys.exit(main())
