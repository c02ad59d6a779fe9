# SPDX-License-Identifier: GPL-2.0-or-later
"""Gm: ue1 has two subscribers, A and B, at two addresses of its link; the relay is the P-CSCF.

XFRM does the ESP, with states only on the P-CSCF's side and no policies there: that kims.ko drops
what it must shows without them (its refusal comes before theirs anyway).
"""
import socket
import struct
import time

from knl import refused
from lab import (OTHER, RELAY, UE1, Failed, check, core, drops, ensure, inside, ip_batch, mac, run,
                 test, until)
from packet import Wire, ip, udp

PS, PC = 5064, 5063
UC, US = 6000, 6001
KEY = "0x000102030405060708090a0b0c0d0e0f10111213"
ALGORITHMS = f"auth hmac(sha1) {KEY} enc ecb(cipher_null) \"\""
A = {"label": "001010000000001@ims", "ue-id": 0xa0000001}
B = {"label": "001010000000002@ims", "ue-id": 0xb0000002}


def address(name, value):
    return {f"{name}-ipv{6 if ':' in value else 4}": value}


def sa_set(who, where, base, family=4, **more):
    """The set of a subscriber at an address; its SPIs count from base."""
    s = {"port-uc": UC, "port-us": US, "port-pc": PC, "port-ps": PS, "spi-uc": base + 1,
         "spi-us": base + 2, "spi-pc": base + 3, "spi-ps": base + 4}
    return who | address("ue", where) | address("local", RELAY[family]) | s | more


def states(where, base, family=4, reqid=0):
    """XFRM states of the set on both sides; reqid on that of the P-CSCF."""
    ends = ((where, RELAY[family], 4), (where, RELAY[family], 3), (RELAY[family], where, 1))
    lines = [f"xfrm state add src {src} dst {dst} proto esp spi {base + n} mode transport "
             + ALGORITHMS for src, dst, n in ends]
    ip_batch("ue1", lines)
    ip_batch("core", [f"{line} reqid {reqid}" if reqid else line for line in lines])


def policy(where, base, family=4, sport=UC, dport=PS, src=None):
    """In ue1: what goes from src:sport to dport is sent under the SA with that SPI."""
    src = src or where
    relay, bits = RELAY[family], 128 if family == 6 else 32
    for proto in ("udp", "tcp"):
        run("ip", "-n", "ue1", "xfrm", "policy", "add", "src", f"{src}/{bits}",
            "dst", f"{relay}/{bits}", "proto", proto, "sport", str(sport), "dport", str(dport),
            "dir", "out", "tmpl", "src", where, "dst", relay, "proto", "esp",
            "spi", str(base + (4 if dport == PS else 3)), "mode", "transport")


def flush():
    for space in ("ue1", "core"):
        ip_batch(space, ["xfrm policy flush", "xfrm state flush"])


class Gm:
    """Protected ports, servers on them, and a listener to events; all gone at the end."""

    def __init__(self, family=4):
        self.family = family
        kind = socket.AF_INET6 if family == 6 else socket.AF_INET
        self.k, self.ntf = core(), core(["gm"])
        self.k.port_new(RELAY[family], PS)
        self.k.port_new(RELAY[family], PC)
        with inside("core"):
            self.udp = socket.socket(kind, socket.SOCK_DGRAM)
            self.udp.bind((RELAY[family], PS))
            self.tcp = socket.socket(kind, socket.SOCK_STREAM)
            self.tcp.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            self.tcp.bind((RELAY[family], PS))
            self.tcp.listen(5)
        self.sets = []

    def add(self, *args, **kwargs):
        self.sets.append(self.k.sa_new(sa_set(*args, family=self.family, **kwargs)))
        return self.sets[-1]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        flush()
        for number in self.sets:
            self.k.sa_del(number)
        for port in (PS, PC):
            self.k.port_del(RELAY[self.family], port)
        for s in (self.udp, self.tcp, self.k, self.ntf):
            s.close()

    def got(self, seconds=10.0):
        self.udp.settimeout(seconds)
        try:
            return self.udp.recvfrom(2000)[0]
        except TimeoutError:
            return None

    def send(self, src, sport=UC, data=b"x", dport=PS):
        kind = socket.AF_INET6 if self.family == 6 else socket.AF_INET
        with inside("ue1"):
            s = socket.socket(kind, socket.SOCK_DGRAM)
            s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            s.bind((src, sport))
            s.sendto(data, (RELAY[self.family], dport))
            s.close()

    def dropped(self, reason, before):
        """Waits until one more is counted under reason; its event."""
        ensure(f"counted as {reason}",
               until(lambda: drops(self.k.stats()).get(reason, 0) == before.get(reason, 0) + 1))
        check("delivered", None, self.got(0.05))
        event = self.ntf.event("violation-ntf")
        ensure("event", event)
        return event["violation"]

    def reason(self, name):
        return self.k.schema.number("drops", name)


def right_sa(family):
    with Gm(family) as gm:
        number = gm.add(A, UE1[family], 0x1000)
        states(UE1[family], 0x1000, family)
        policy(UE1[family], 0x1000, family)
        for i in range(5):
            gm.send(UE1[family], data=b"%d" % i)
            check("delivered", b"%d" % i, gm.got())
        counters = gm.k.sa_get(number)["counters"]
        check("packets-ps", 5, counters["packets-ps"])
        head = 48 if family == 6 else 28
        check("octets-ps", 5 * (head + 1), counters["octets-ps"])
        check("drops", {}, drops(counters))
        check("port", 5, [p for p in gm.k.ports() if p["port"] == PS][0]["packets"])


@test
def right_sa_4():
    """UDP under the UE's own SA is delivered and counted, IPv4"""
    right_sa(4)


@test
def right_sa_6():
    """UDP under the UE's own SA is delivered and counted, IPv6"""
    right_sa(6)


def cleartext(family):
    with Gm(family) as gm:
        gm.add(A, UE1[family], 0x1000)
        before = drops(gm.k.stats())
        gm.send(UE1[family])
        v = gm.dropped("cleartext", before)
        check("reason", gm.reason("cleartext"), v["reason"])
        check("owner", (A["label"], A["ue-id"]), (v["owner-label"], v["owner-ue-id"]))
        check("no SA", (None, None), (v.get("sa-label"), v.get("spi")))
        check("ports", (UC, PS, 17), (v["src-port"], v["dst-port"], v["protocol"]))
        check("src", UE1[family], v[f"src-ipv{family}"])
        check("dst", RELAY[family], v[f"dst-ipv{family}"])
        before = drops(gm.k.stats())
        gm.send(OTHER[family], sport=7777)
        check("owner of nobody's address", None,
              gm.dropped("cleartext", before).get("owner-label"))


@test
def cleartext_4():
    """cleartext to a protected port is dropped, counted and reported, IPv4"""
    cleartext(4)


@test
def cleartext_6():
    """cleartext to a protected port is dropped, counted and reported, IPv6"""
    cleartext(6)


def wrong_sa(family):
    with Gm(family) as gm:
        gm.add(A, UE1[family], 0x1000)
        b = gm.add(B, OTHER[family], 0x2000)
        # B's SA, A's address and ports: the state's source is what the packet gets.
        states(UE1[family], 0x2000, family)
        policy(UE1[family], 0x2000, family)
        before = drops(gm.k.stats())
        gm.send(UE1[family])
        v = gm.dropped("wrong-sa", before)
        check("reason", gm.reason("wrong-sa"), v["reason"])
        check("spi", 0x2004, v["spi"])
        check("whose SA", (B["label"], B["ue-id"], b), (v["sa-label"], v["sa-ue-id"],
                                                        v["sa-set-id"]))
        check("whose address", (A["label"], A["ue-id"]), (v["owner-label"], v["owner-ue-id"]))
        check("counted at the SA", {"wrong-sa": 1}, drops(gm.k.sa_get(b)["counters"]))


@test
def wrong_sa_4():
    """another UE's address and ports under one's own SA, IPv4"""
    wrong_sa(4)


@test
def wrong_sa_6():
    """another UE's address and ports under one's own SA, IPv6"""
    wrong_sa(6)


@test
def wrong_sa_of_set():
    """the SA of port_pc used for port_ps"""
    with Gm() as gm:
        gm.add(A, UE1[4], 0x1000)
        states(UE1[4], 0x1000)
        run("ip", "-n", "ue1", "xfrm", "policy", "add", "src", UE1[4], "dst", RELAY[4], "dir",
            "out", "tmpl", "src", UE1[4], "dst", RELAY[4], "proto", "esp", "spi", str(0x1003),
            "mode", "transport")
        before = drops(gm.k.stats())
        gm.send(UE1[4])
        v = gm.dropped("wrong-sa", before)
        check("whose SA", A["label"], v["sa-label"])
        check("whose address", A["label"], v["owner-label"])


@test
def wrong_port():
    """another source port than the one bound to the SA"""
    with Gm() as gm:
        gm.add(A, UE1[4], 0x1000)
        states(UE1[4], 0x1000)
        policy(UE1[4], 0x1000, sport=UC + 7)
        before = drops(gm.k.stats())
        gm.send(UE1[4], sport=UC + 7)
        gm.dropped("wrong-sa", before)


def spoofed(family):
    with Gm(family) as gm:
        gm.add(A, UE1[family], 0x1000)
        gm.add(B, OTHER[family], 0x2000, **{"port-uc": 6100, "port-us": 6101})
        states(UE1[family], 0x2000, family)
        policy(UE1[family], 0x2000, family, sport=6100)
        before = drops(gm.k.stats())
        gm.send(UE1[family], sport=6100)
        v = gm.dropped("spoofed-source", before)
        check("whose SA", B["label"], v["sa-label"])
        check("whose address", A["label"], v["owner-label"])


@test
def spoofed_4():
    """another UE's address with one's own ports and SA, IPv4"""
    spoofed(4)


@test
def spoofed_6():
    """another UE's address with one's own ports and SA, IPv6"""
    spoofed(6)


@test
def unbound():
    """an SA that is in no set, or has another reqid than the set says"""
    with Gm() as gm:
        states(UE1[4], 0x1000, reqid=9)
        policy(UE1[4], 0x1000)
        before = drops(gm.k.stats())
        gm.send(UE1[4])
        v = gm.dropped("unbound", before)
        check("spi", 0x1004, v["spi"])
        check("no set", None, v.get("sa-label"))
        gm.add(A, UE1[4], 0x1000, reqid=8)
        before = drops(gm.k.stats())
        gm.send(UE1[4])
        gm.dropped("unbound", before)
        gm.k.sa_replace(gm.sets[0], sa_set(A, UE1[4], 0x1000, reqid=9))
        gm.send(UE1[4], data=b"now")
        check("delivered", b"now", gm.got())


def tcp_connect(family, seconds):
    kind = socket.AF_INET6 if family == 6 else socket.AF_INET
    with inside("ue1"):
        s = socket.socket(kind, socket.SOCK_STREAM)
        s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        s.settimeout(seconds)
        s.bind((UE1[family], UC))
        s.connect((RELAY[family], PS))
    return s


def tcp(family):
    with Gm(family) as gm:
        before = drops(gm.k.stats())
        gm.add(A, UE1[family], 0x1000)
        try:
            tcp_connect(family, 0.5).close()
            raise Failed("cleartext TCP has connected")
        except TimeoutError:
            pass
        v = gm.ntf.event("violation-ntf")["violation"]
        check("protocol", 6, v["protocol"])
        ensure("counted", drops(gm.k.stats())["cleartext"] > before.get("cleartext", 0))
        states(UE1[family], 0x1000, family)
        policy(UE1[family], 0x1000, family)
        relay, bits = RELAY[family], 128 if family == 6 else 32
        run("ip", "-n", "core", "xfrm", "policy", "add", "src", f"{relay}/{bits}",
            "dst", f"{UE1[family]}/{bits}", "proto", "tcp", "sport", str(PS), "dport", str(UC),
            "dir", "out", "tmpl", "src", relay, "dst", UE1[family], "proto", "esp",
            "spi", str(0x1001), "mode", "transport")
        client = tcp_connect(family, 5)
        gm.tcp.settimeout(5)
        server, _ = gm.tcp.accept()
        client.sendall(b"REGISTER")
        check("request", b"REGISTER", server.recv(100))
        server.sendall(bytes(20000))
        left = 20000
        while left:
            left -= len(client.recv(left))
        counters = gm.k.sa_get(gm.sets[0])["counters"]
        ensure("received under spi-ps", counters["packets-ps"] >= 3)
        ensure("sent under spi-uc", counters["packets-uc"] >= 15)
        ensure("octets under spi-uc", counters["octets-uc"] > 20000)
        # The connection dies with its set.
        gm.k.sa_del(gm.sets.pop())
        client.sendall(b"MESSAGE")
        server.settimeout(0.5)
        try:
            raise Failed(f"delivered without a set: {server.recv(100)}")
        except TimeoutError:
            pass
        client.close()
        server.close()


@test
def tcp_4():
    """TCP: refused in cleartext, works under the SA, dies with it, IPv4"""
    tcp(4)


@test
def tcp_6():
    """TCP: refused in cleartext, works under the SA, dies with it, IPv6"""
    tcp(6)


@test
def old_and_new_set():
    """two sets of one UE side by side, as during re-registration; dump by UE"""
    with Gm() as gm:
        gm.add(A, UE1[4], 0x1000)
        gm.add(A, UE1[4], 0x3000, **{"port-uc": 6200})
        gm.add(B, OTHER[4], 0x2000)
        states(UE1[4], 0x1000)
        states(UE1[4], 0x3000)
        policy(UE1[4], 0x1000)
        policy(UE1[4], 0x3000, sport=6200)
        for sport in (UC, 6200):
            gm.send(UE1[4], sport=sport, data=b"%d" % sport)
            check("delivered", b"%d" % sport, gm.got())
        check("dump by UE", sorted(gm.sets[:2]), sorted(s["id"] for s in gm.k.sa_dump(A["ue-id"])))
        check("dump", sorted(gm.sets), sorted(s["id"] for s in gm.k.sa_dump()))
        gm.k.sa_del(gm.sets.pop(0))
        event = gm.ntf.event("sa-set-del-ntf")
        check("deleted", A["label"], event["sa-set"]["label"])
        check("its counters", 1, event["sa-set"]["counters"]["packets-ps"])
        before = drops(gm.k.stats())
        gm.send(UE1[4])
        gm.dropped("unbound", before)
        gm.send(UE1[4], sport=6200)
        check("delivered by the new", b"x", gm.got())


@test
def replace_keeps_counters():
    """a replaced set keeps id and counters; refused, it stays as it was"""
    with Gm() as gm:
        number = gm.add(A, UE1[4], 0x1000)
        gm.add(B, OTHER[4], 0x2000)
        states(UE1[4], 0x1000)
        states(UE1[4], 0x4000)
        policy(UE1[4], 0x1000)
        gm.send(UE1[4])
        check("delivered", b"x", gm.got())
        check("SPI of another set", "EEXIST",
              refused(gm.k.sa_replace, number, sa_set(A, UE1[4], 0x2000))[0])
        check("unchanged", 0x1004, gm.k.sa_get(number)["spi-ps"])
        gm.k.sa_replace(number, sa_set(A, UE1[4], 0x4000))
        run("ip", "-n", "ue1", "xfrm", "policy", "flush")
        policy(UE1[4], 0x4000)
        gm.send(UE1[4])
        check("delivered under the new SPI", b"x", gm.got())
        s = gm.k.sa_get(number)
        check("counted", 2, s["counters"]["packets-ps"])
        check("spi-ps", 0x4004, s["spi-ps"])


@test
def events_are_limited():
    """a flood makes a few events, and the next one says how many were not sent"""
    with Gm() as gm:
        before = drops(gm.k.stats()).get("cleartext", 0)
        begin = time.monotonic()
        for _ in range(100):
            gm.send(UE1[4])
        ensure("all counted",
               until(lambda: drops(gm.k.stats())["cleartext"] == before + 100))
        told = [e["violation"] for n, e in gm.ntf.events(1) if n == "violation-ntf"]
        most = min(99, 20 + 10 * (time.monotonic() - begin))
        ensure(f"few events: {len(told)}, at most {most:.0f}", 1 <= len(told) <= most)
        time.sleep(1.1)
        gm.send(UE1[4])
        told.append(gm.ntf.event("violation-ntf")["violation"])
        check("each packet told or said to be missing", 101,
              sum(v["suppressed"] + 1 for v in told))


@test
def fragments_6():
    """fragmented cleartext over IPv6 does not pass by the check"""
    with Gm(6) as gm:
        body = udp((UE1[6], UC), (RELAY[6], PS), bytes(1200))
        before = drops(gm.k.stats())
        with inside("ue1"):
            wire = Wire("v1", mac("core", "c1"))
        for offset, more in ((0, 1), (600, 0)):
            part = body[offset:offset + 600] if more else body[offset:]
            head = struct.pack("!BBHI", 17, 0, offset | more, 99)
            wire.send(ip(UE1[6], RELAY[6], head + part, protocol=44))
        v = gm.dropped("cleartext", before)
        check("ports", (UC, PS), (v["src-port"], v["dst-port"]))


@test
def other_ports_are_free():
    """ports that are not protected are left alone"""
    with Gm() as gm:
        with inside("core"):
            s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            s.bind((RELAY[4], 5060))
            s.settimeout(10)
        gm.send(UE1[4], dport=5060, data=b"REGISTER")
        check("delivered", b"REGISTER", s.recv(100))
        s.close()
