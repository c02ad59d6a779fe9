# SPDX-License-Identifier: GPL-2.0-or-later
"""GTP-U with those who know it, too: the kernel's own gtp.ko as the far end, scapy, tshark.

gtp.ko runs in enb in the role of an SGSN, with the phone's address on its device; Linux 6.1 has it
for IPv4 without extension headers.
"""
import hashlib
import os
import shutil
import socket
import struct
import subprocess
import threading

from gtp import (ENB_LINK, INET_LINK, REMOTE, UPF, Pcap, Tunnels)
from knl import Knl, attr
from lab import Failed, Skipped, check, core, ensure, everywhere, inside, ip_batch, run, test
from packet import echo_request, ip, tcp
from test_gtpu import PAIRS, downward, upward, went_down, went_up

PHONE = "10.45.0.51"


def gtp_ko_new_pdp(ifindex, peer, ms, teid_here, teid_there):
    """GTP_CMD_NEWPDP, as in linux/gtp.h; made inside the namespace of the device."""
    with Knl() as k:
        family, _ = k.find(b"gtp")
        values = [(1, "=I", ifindex), (2, "=I", 1), (8, "=I", teid_here), (9, "=I", teid_there)]
        payload = b"".join(attr(kind, struct.pack(f, v)) for kind, f, v in values)
        payload += attr(4, socket.inet_aton(peer)) + attr(5, socket.inet_aton(ms))
        k.send(family, 0, payload, 4, version=0)
        list(k.answer())


class GtpKo:
    """with GtpKo(t): the phone's stack is enb, its bearer gtp.ko's."""

    def __init__(self, t):
        self.t = t

    def __enter__(self):
        subprocess.run(["modprobe", "-q", "gtp"], check=False)
        try:
            run("ip", "-n", "enb", "link", "add", "gtp0", "type", "gtp", "role", "sgsn")
        except Failed as e:
            raise Skipped("no gtp.ko") from e
        ip_batch("enb", ["link set gtp0 up", f"addr add {PHONE}/32 dev gtp0",
                         f"route add {INET_LINK[4]} dev gtp0 src {PHONE}"])
        with inside("enb"):
            number = int(run("ip", "-o", "link", "show", "gtp0").split(":")[0])
            gtp_ko_new_pdp(number, UPF[4], PHONE, 0x2033, 0x1033)
        self.session = self.t.session(51, peer=ENB_LINK[4])
        return self.session

    def __exit__(self, *_):
        run("ip", "-n", "enb", "link", "del", "gtp0")


def tcp_server(space, where, data, out):
    """Takes a connection, reads all, answers with data."""
    with inside(space):
        s = socket.socket(socket.AF_INET6 if ":" in where[0] else socket.AF_INET)
    s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    s.bind(where)
    s.listen()
    s.settimeout(30)

    def serve():
        everywhere()
        c, peer = s.accept()
        c.settimeout(30)
        have = hashlib.sha256()
        while True:
            part = c.recv(65536)
            if not part:
                break
            have.update(part)
        out.append((have.hexdigest(), peer[0]))
        c.sendall(data)
        c.close()
        s.close()

    thread = threading.Thread(target=serve)
    thread.start()
    return thread


def bulk(space, where, up, down, source=None):
    """Sends up over TCP and reads the answer."""
    with inside(space):
        s = socket.socket(socket.AF_INET6 if ":" in where[0] else socket.AF_INET)
    if source:
        s.bind((source, 0))
    s.settimeout(30)
    s.connect(where)
    s.sendall(up)
    s.shutdown(socket.SHUT_WR)
    have = b""
    while True:
        part = s.recv(65536)
        if not part:
            break
        have += part
    s.close()
    check("what came back", hashlib.sha256(down).hexdigest(), hashlib.sha256(have).hexdigest())


def ping(dst, src):
    """Echo requests by the phone's stack, each answered."""
    with inside("enb"):
        s = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP)
    s.bind((src, 0))
    s.settimeout(10)
    for seq in range(3):
        request = echo_request(src, dst, 77, seq, bytes(seq * 400))[20:]
        s.sendto(request, (dst, 0))
        while True:
            answer = s.recvfrom(2000)[0][20:]
            if answer[0] == 0:
                break
        check("echo", request[4:], answer[4:])
    s.close()


@test
def gtp_ko():
    """a phone behind gtp.ko: UDP, ICMP and megabytes of TCP both ways through kims.ko"""
    with core() as k, Tunnels(k, check_wire=False) as t, GtpKo(t) as s:
        with inside("enb"):
            phone = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            phone.bind((PHONE, 4000))
        with inside("inet"):
            server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            server.bind((INET_LINK[4], 53))
        for sock in (phone, server):
            sock.settimeout(10)
        for size in (0, 1, 100, 1300):
            phone.sendto(bytes(size), (INET_LINK[4], 53))
            data, where = server.recvfrom(2000)
            check("uplink", (size, (PHONE, 4000)), (len(data), where))
            server.sendto(bytes(size), where)
            check("downlink", size, len(phone.recvfrom(2000)[0]))
        phone.close()
        server.close()
        ping(INET_LINK[4], PHONE)
        up, down, out = os.urandom(1 << 20), os.urandom(1 << 20), []
        thread = tcp_server("inet", (INET_LINK[4], 8080), down, out)
        bulk("enb", (INET_LINK[4], 8080), up, down, PHONE)
        thread.join()
        check("server", [(hashlib.sha256(up).hexdigest(), PHONE)], out)
        check("no drops", {}, t.drops())
        c = s.get(k)["pdr"]
        ensure("counted", c[0]["octets"] > 1 << 20 and c[1]["octets"] > 1 << 20)


@test
def gtp_ko_two_ways():
    """the same through the whole stack, and with GRO, super-packets and outer checksums"""
    for what, ep, features in (("stack", {"stack": 1}, None), ("checksums", {"udp-checksum": 1}, None),
                               ("entropy", {"entropy": 1}, None),
                               ("GRO", {}, ("gro", "on", "rx-udp-gro-forwarding", "on")),
                               ("MSS clamp", {"mss-clamp": 1}, None)):
        with core() as k, Tunnels(k, check_wire=False, **ep) as t, GtpKo(t):
            for dev in ("ce", "ci") if features else ():
                run("ip", "netns", "exec", "core", "ethtool", "-K", dev, *features)
            try:
                up, down, out = os.urandom(300000), os.urandom(300000), []
                thread = tcp_server("inet", (INET_LINK[4], 8080), down, out)
                bulk("enb", (INET_LINK[4], 8080), up, down, PHONE)
                thread.join()
                check(what, [(hashlib.sha256(up).hexdigest(), PHONE)], out)
            finally:
                for dev in ("ce", "ci") if features else ():
                    run("ip", "netns", "exec", "core", "ethtool", "-K", dev, "gro", "off",
                        "rx-udp-gro-forwarding", "off")


@test
def gtp_ko_to_core():
    """a phone behind gtp.ko talks TCP with a socket of the core"""
    with core() as k, Tunnels(k, check_wire=False) as t, GtpKo(t):
        ip_batch("enb", ["route add 10.46.0.1 dev gtp0 src " + PHONE])
        up, down, out = os.urandom(200000), os.urandom(200000), []
        thread = tcp_server("core", ("10.46.0.1", 5060), down, out)
        bulk("enb", ("10.46.0.1", 5060), up, down, PHONE)
        thread.join()
        check("server", [(hashlib.sha256(up).hexdigest(), PHONE)], out)
        ip_batch("enb", ["route del 10.46.0.1 dev gtp0"])


@test
def gtp_ko_alone():
    """gtp.ko in the core on another port's address lives beside kims.ko"""
    with core() as k, Tunnels(k) as t:
        s = t.session(11)
        try:
            run("ip", "-n", "core", "link", "add", "gtp9", "type", "gtp", "role", "ggsn")
        except Failed:
            # The port is taken: kims.ko holds it, as it should for a wildcard.
            return
        try:
            went_up(t, s, upward(s))
            went_down(t, s, downward(s))
        finally:
            run("ip", "-n", "core", "link", "del", "gtp9")


SCAPY = """
from scapy.all import IP, IPv6, UDP, TCP, Raw, raw, conf
from scapy.contrib.gtp import GTP_U_Header, GTPPDUSessionContainer
import sys
def show(p): print(raw(p).hex())
inner4 = IP(src="10.45.0.11", dst="203.0.113.9", id=7)/UDP(sport=4000, dport=53)/b"scapy"
inner6 = IPv6(src="fd45:0:0:11::5", dst="2001:db8:9::9")/UDP(sport=4000, dport=53)/b"scapy"
for inner in (inner4, inner6):
    show(inner)
    for outer in (IP(src="10.44.1.2", dst="10.46.0.6"), IPv6(src="fd44:1::2", dst="fd46::6")):
        udp = outer/UDP(sport=2152, dport=2152)
        show(udp/GTP_U_Header(teid=0x100b)/inner)
        show(udp/GTP_U_Header(teid=0x100b, S=1, seq=77)/inner)
        show(udp/GTP_U_Header(teid=0x100b, E=1, next_ex=0x85)/GTPPDUSessionContainer(type=1, QFI=9)/inner)
"""


@test
def scapy_made():
    """G-PDUs as scapy makes them; they are ours byte for byte, and pass"""
    done = subprocess.run(["/usr/bin/python3", "-c", SCAPY], capture_output=True, text=True,
                          check=False)
    if done.returncode:
        raise Skipped("no scapy: " + done.stderr.strip().splitlines()[-1])
    lines = [bytes.fromhex(line) for line in done.stdout.split()]
    with core() as k, Tunnels(k) as t:
        for at in range(0, len(lines), 7):
            inner, made = lines[at], lines[at + 1:at + 7]
            for outer, messages in ((4, made[:3]), (6, made[3:])):
                fam = inner[0] >> 4
                s = t.session(11, inner=fam, outer=outer)
                for m in messages:
                    t.enb.send(m)
                    p = t.at_inet()
                    ensure("passes", p)
                    check("payload", b"scapy", p.payload)
                    check("source", s.ue, p.src)
                s.remove(k)


TSHARK = ["-o", "ip.check_checksum:TRUE", "-o", "udp.check_checksum:TRUE",
          "-o", "tcp.check_checksum:TRUE", "-o", "gtp.dissect_tpdu_as:TPDU Heuristic",
          "--disable-protocol", "dns"]


def tshark(path, wanted, *more):
    return subprocess.run(["tshark", "-n", "-r", path, *TSHARK, "-Y", wanted, *more],
                          capture_output=True, text=True, check=False)


def tshark_says_bad(path):
    """Frames that are malformed or have a wrong checksum, but for those that a test damaged."""
    done = tshark(path, "_ws.malformed || ip.checksum.status == Bad || udp.checksum.status == Bad || "
                  "tcp.checksum.status == Bad || gtp.malformed")
    if done.returncode:
        done = tshark(path, "_ws.malformed || ip.checksum.status == 0 || udp.checksum.status == 0")
    return done


@test
def tshark_reads():
    """tshark finds nothing malformed, every checksum right, and the fields that we meant"""
    if not shutil.which("tshark"):
        raise Skipped("no tshark")
    path = "/tmp/kims-tshark.pcap"
    old = Pcap.path, Pcap.file
    Pcap.path, Pcap.file = path, None
    try:
        with core() as k, Tunnels(k, **{"udp-checksum": 1}) as t:
            for outer, inner in PAIRS:
                s = t.session(11, inner=inner, outer=outer, install=False)
                s.add("qer", {"id": 1, "qfi": 9}, pdrs=(1, 2)).install(k)
                for size in (0, 5, 600):
                    went_up(t, s, upward(s, inner, bytes(size)))
                    went_down(t, s, downward(s, inner, bytes(size)))
                t.down(tcp_packet(REMOTE[inner], s.ue))
                ensure("TCP", t.at_enb())
                s.remove(k)
        Pcap.file.close()
    finally:
        Pcap.path, Pcap.file = old
    done = tshark_says_bad(path)
    check("tshark runs", 0, done.returncode)
    check("nothing bad", "", done.stdout)
    done = tshark(path, "gtp", "-T", "fields", "-e", "gtp.message", "-e", "gtp.teid",
                  "-e", "gtp.ext_hdr.pdu_ses_con.qos_flow_id")
    check("fields", {"0xff\t0x0000200b\t9"}, set(done.stdout.split("\n")) - {""})
    check("how many", 4 * 4, len(done.stdout.split("\n")) - 1)


def tcp_packet(src, dst):
    return ip(src, dst, tcp((src, 80), (dst, 4000), b"tshark"), protocol=6)
