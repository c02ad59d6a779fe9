# SPDX-License-Identifier: GPL-2.0-or-later
"""kimsmon: inner packets of monitored sessions on a device of their own; topology: gtp.py."""
import json
import os
import pathlib
import shutil
import socket
import struct
import subprocess
import time

from gtp import REMOTE, Tunnels
from lab import Skipped, check, core, ensure, inside, run, test, until
from packet import Received, datagram

HOST, OUTGOING = 0, 4
FAMILIES = (4, 6)


class Monitor:
    """with Monitor() as m: a kimsmon device in core and a packet socket on it."""

    def __enter__(self):
        done = subprocess.run(["ip", "-n", "core", "link", "add", "kimsmon0", "type", "kimsmon"],
                              capture_output=True, check=False)
        if done.returncode:
            raise Skipped("no kimsmon")
        run("ip", "-n", "core", "link", "set", "kimsmon0", "up")
        with inside("core"):
            self.sock = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
            self.sock.bind(("kimsmon0", 3))
        return self

    def __exit__(self, *_):
        self.sock.close()
        subprocess.run(["ip", "-n", "core", "link", "del", "kimsmon0"], capture_output=True,
                       check=False)

    def next(self, seconds=10.0):
        """(direction, session, packet) or None; neighbour discovery of the device is not ours."""
        self.sock.settimeout(seconds)
        try:
            while True:
                data, where = self.sock.recvfrom(70000)
                if where[4]:
                    return where[2], struct.unpack("!Q", where[4])[0], Received(data)
        except TimeoutError:
            return None


@test
def seen():
    """both directions, both families, with direction and session; others' packets are not seen"""
    with core() as k, Tunnels(k) as t, Monitor() as m:
        for inner in FAMILIES:
            for outer in FAMILIES:
                s = t.session(41, inner, outer, install=False)
                s.conf["monitored"] = 1
                s.install(k)
                other = t.session(42, inner, outer)
                for one in (s, other):
                    t.up(one, datagram((one.ue, 4000), (REMOTE[inner], 53), b"up"))
                    ensure("passes", t.at_inet())
                    t.down(datagram((REMOTE[inner], 53), (one.ue, 4000), b"down"))
                    ensure("passes", t.at_enb())
                seen_by = [m.next(), m.next(), m.next(0.05)]
                check("two packets", None, seen_by.pop())
                seen_by.sort(key=lambda x: x[0])
                for (direction, number, p), want in zip(seen_by, (
                        (HOST, s.ue, REMOTE[inner], b"up"),
                        (OUTGOING, REMOTE[inner], s.ue, b"down"))):
                    check("seen", want, (direction, p.src, p.dst, p.payload))
                    check("session", s.id, number)
                    ensure("checksums", p.sum_ok and p.header_ok)
                s.remove(k)
                other.remove(k)


@test
def not_spoofed():
    """what is dropped is not seen; what is switched off is not seen"""
    with core() as k, Tunnels(k) as t, Monitor() as m:
        s = t.session(43, install=False)
        s.conf["monitored"] = 1
        s.install(k)
        t.dropped("spoofed-ue", lambda: t.up(s, datagram(("10.45.0.99", 1), (REMOTE[4], 53), b"")))
        check("spoofed", None, m.next(0.05))
        s.change(k, monitored=0)
        t.up(s, datagram((s.ue, 4000), (REMOTE[4], 53), b"up"))
        ensure("passes", t.at_inet())
        check("switched off", None, m.next(0.05))


@test
def goes():
    """the device goes down, away, and to another namespace while sessions are monitored"""
    with core() as k, Tunnels(k) as t, Monitor() as m:
        s = t.session(44, install=False)
        s.conf["monitored"] = 1
        s.install(k)

        def one():
            t.up(s, datagram((s.ue, 4000), (REMOTE[4], 53), b"up"))
            ensure("passes", t.at_inet())

        one()
        ensure("seen", m.next())
        run("ip", "-n", "core", "link", "set", "kimsmon0", "down")
        one()
        run("ip", "-n", "core", "link", "set", "kimsmon0", "netns", "inet")
        one()
        run("ip", "-n", "inet", "link", "set", "kimsmon0", "up")
        one()
        run("ip", "-n", "inet", "link", "set", "kimsmon0", "netns", "core")
        run("ip", "-n", "core", "link", "set", "kimsmon0", "up")
        with inside("core"):
            m.sock.bind(("kimsmon0", 3))
        m.sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)  # that it went down
        one()
        ensure("seen again", m.next())
        run("ip", "-n", "core", "link", "del", "kimsmon0")
        one()


@test
def own_packets():
    """who sends by the device himself is told no session, and nothing goes anywhere"""
    with core() as k, Tunnels(k) as t, Monitor() as m:
        with inside("core"):
            out = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(0x800))
            out.bind(("kimsmon0", 0x800))
        out.sendto(datagram(("10.45.0.1", 1), (REMOTE[4], 2), b"x"), ("kimsmon0", 0x800))
        out.close()
        check("no session", None, m.next(0.1))
        t.quiet()


KIMSCTL = pathlib.Path(__file__).resolve().parents[2] / "build/bin/kimsctl"


def monitor(t, *args):
    """kimsctl monitor, started; waits until the session is monitored."""
    if not KIMSCTL.exists():
        raise Skipped("kimsctl is not built")
    with inside("core"):
        p = subprocess.Popen([KIMSCTL, "monitor", *args], stdout=subprocess.PIPE,
                             stderr=subprocess.PIPE, text=True)
    ensure("monitored", until(lambda: any(s.get("monitored") for s in t.k.sessions())))
    time.sleep(0.1)
    return p


def two_packets(t, s, inner):
    t.up(s, datagram((s.ue, 4000), (REMOTE[inner], 40053), b"up"))
    ensure("passes", t.at_inet())
    t.down(datagram((REMOTE[inner], 40053), (s.ue, 4000), b"down"))
    ensure("passes", t.at_enb())


@test
def kimsctl_lines():
    """kimsctl monitor: a line per packet of the subscriber; nothing stays behind"""
    with core() as k, Tunnels(k) as t:
        for inner in FAMILIES:
            s = t.session(45, inner, label="001010000000045")
            other = t.session(46, inner, label="001010000000046")
            p = monitor(t, "-n", "2", "001010000000045")
            two_packets(t, other, inner)
            two_packets(t, s, inner)
            out, err = p.communicate(timeout=60)
            check(f"status ({err})", 0, p.returncode)
            lines = sorted(line.split(None, 1)[1] for line in out.splitlines())
            check("lines", 2, len(lines))
            for line, way in zip(lines, ("down", "up")):
                ensure(line, line.startswith(way) and "001010000000045 session 45 " in line
                       and "UDP" in line)
            check("off again", [0, 0], [one.get("monitored", 0) for one in k.sessions()])
            s.remove(k)
            other.remove(k)
        ensure("no device stays", "kimsmon" not in run("ip", "-n", "core", "link"))


@test
def kimsctl_pcapng():
    """kimsctl monitor -w: tshark shows whose each packet is, which way, and nothing malformed"""
    if not shutil.which("tshark"):
        raise Skipped("no tshark")
    path = "/tmp/kims-monitor.pcapng"
    with core() as k, Tunnels(k) as t:
        for inner in FAMILIES:
            s = t.session(47, inner, label="001010000000047")
            p = monitor(t, "-n", "2", "-w", path)
            two_packets(t, s, inner)
            _, err = p.communicate(timeout=60)
            check(f"status ({err})", 0, p.returncode)
            seen = json.loads(run("tshark", "-r", path, "-T", "json", "-o",
                                  "udp.check_checksum:TRUE", "-o", "ip.check_checksum:TRUE"))
            check("packets", 2, len(seen))
            text = json.dumps(seen)
            for want in ("subscriber 001010000000047, session 47, uplink",
                         "subscriber 001010000000047, session 47, downlink",
                         '"udp.checksum.status": "1"'):
                ensure(f"{want} in {text}", want in text)
            ensure("nothing malformed", "_ws.malformed" not in text)
            s.remove(k)
    os.unlink(path)
