# SPDX-License-Identifier: GPL-2.0-or-later
"""Gm: rotation of SA sets under traffic, ESP in UDP, AEAD, the way by GTP-U, unusual headers.

The topology is that of test_gm.py. Behind a NAT, ue1's packets are made by hand: outer source
OTHER:40000, inner checksums over an address that nobody here has.
"""
import hashlib
import hmac
import socket
import struct
import subprocess
import threading
import time

from gtp import Tunnels
from lab import (OTHER, RELAY, UE1, Skipped, check, core, drops, ensure, inside, ip_batch, mac, run,
                 test, until)
from packet import Wire, fragments, ip, udp
from test_gm import A, ALGORITHMS, B, KEY, PS, UC, Gm, policy, sa_set, states

NAT_PORT, PRIVATE = 40000, "192.168.7.2"
UDP_ENCAP, UDP_ENCAP_ESPINUDP = 100, 2
SO_RCVBUFFORCE = 33


def esp(spi, seq, inner, protocol=17):
    """ESP with HMAC-SHA1-96 and no encryption, by hand (RFC 4303 2)."""
    pad = -(len(inner) + 2) % 4
    body = struct.pack("!II", spi, seq) + inner + bytes(range(1, pad + 1)) + bytes([pad, protocol])
    return body + hmac.new(bytes.fromhex(KEY[2:]), body, hashlib.sha1).digest()[:12]


# --- rotation ---

class Stream:
    """Sends from a port of ue1 in batches and waits for each, so that no queue overflows."""

    def __init__(self, gm, sport):
        self.gm, self.sent = gm, 0
        kind = socket.AF_INET6 if gm.family == 6 else socket.AF_INET
        with inside("ue1"):
            self.s = socket.socket(kind, socket.SOCK_DGRAM)
            self.s.bind((UE1[gm.family], sport))
            self.s.connect((RELAY[gm.family], PS))

    def batch(self, n=25):
        for _ in range(n):
            self.s.send(b"%d" % self.sent)
            self.sent += 1


class Churn(threading.Thread):
    """Replaces sets by themselves as fast as it can, by a client of its own."""

    def __init__(self, sets):
        super().__init__()
        self.sets, self.n, self.stop, self.error = sets, 0, False, None
        self.k = core()

    def run(self):
        try:
            while not self.stop:
                for number, content in list(self.sets.items()):
                    self.k.sa_replace(number, content)
                    self.n += 1
        except Exception as e:  # pylint: disable=broad-except
            self.error = e
        self.k.close()


def drain(gm, total):
    gm.udp.settimeout(10)
    for _ in range(total):
        try:
            gm.udp.recv(100)
        except TimeoutError:
            check("delivered", "all", f"one of {total} is missing")


def rotation(family):
    with Gm(family) as gm:
        old = sa_set(A, UE1[family], 0x1000, family=family)
        new = sa_set(A, UE1[family], 0x3000, family=family, **{"port-uc": 6200})
        states(UE1[family], 0x1000, family)
        states(UE1[family], 0x3000, family)
        policy(UE1[family], 0x1000, family)
        policy(UE1[family], 0x3000, family, sport=6200)
        before = drops(gm.k.stats())
        first, second = Stream(gm, UC), Stream(gm, 6200)
        sets = {gm.k.sa_new(old): old}
        churn = Churn(sets)
        churn.start()
        for _ in range(20):
            first.batch()
            drain(gm, 25)
        one = next(iter(sets))
        two = gm.k.sa_new(new)
        sets[two] = new
        for _ in range(40):  # both in flight
            first.batch()
            second.batch()
            drain(gm, 50)
        del sets[one]
        first.batch()        # the last under the old set are delivered before it goes
        second.batch()
        drain(gm, 50)
        churn.stop = True
        churn.join()
        check("replacing", None, churn.error)
        ensure(f"replaced {churn.n} times", churn.n > 20)
        check("old", first.sent, gm.k.sa_del(one)["counters"]["packets-ps"])
        second.batch()
        drain(gm, 25)
        check("new", second.sent, gm.k.sa_del(two)["counters"]["packets-ps"])
        check("drops", before, drops(gm.k.stats()))
        port = [p for p in gm.k.ports() if p["port"] == PS][0]
        check("port", first.sent + second.sent, port["packets"])


@test
def rotation_4():
    """sets replaced and rotated under traffic: nothing lost, nothing counted twice, IPv4"""
    rotation(4)


@test
def rotation_6():
    """sets replaced and rotated under traffic: nothing lost, nothing counted twice, IPv6"""
    rotation(6)


@test
def delete_is_final():
    """what a delete returns and what is dropped after it are all packets that were sent"""
    with Gm() as gm:
        states(UE1[4], 0x1000)
        policy(UE1[4], 0x1000)
        number = gm.k.sa_new(sa_set(A, UE1[4], 0x1000))
        before = drops(gm.k.stats())
        gm.udp.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, 1 << 22)
        stream, final = Stream(gm, UC), []
        k = core()
        t = threading.Thread(target=lambda: final.append(k.sa_del(number)["counters"]))
        for i in range(40):
            if i == 20:
                t.start()
            stream.batch()
        t.join()
        k.close()
        end = time.monotonic() + 20  # the last ones may still be on their way through ESP
        late = -1
        while final[0]["packets-ps"] + late != stream.sent and time.monotonic() < end:
            late = drops(gm.k.stats()).get("unbound", 0) - before.get("unbound", 0)
        check("all packets", stream.sent, final[0]["packets-ps"] + late)
        drain(gm, final[0]["packets-ps"])
        check("delivered after the end", None, gm.got(0.05))


# --- which port counts ---

@test
def port_comes_later():
    """a set that is older than its protected port, and one that outlives it"""
    with Gm() as gm:
        states(UE1[4], 0x1000)
        policy(UE1[4], 0x1000)
        number = gm.add(A, UE1[4], 0x1000)
        gm.send(UE1[4])
        check("delivered", b"x", gm.got())
        passed = gm.k.stats()["gm-packets"]
        check("counted by the port", 1, gm.k.port_del(RELAY[4], PS)["packets"])
        gm.send(UE1[4], data=b"free")
        check("delivered", b"free", gm.got())
        check("not counted", 1, gm.k.sa_get(number)["counters"]["packets-ps"])
        gm.k.port_new(RELAY[4], PS)
        gm.send(UE1[4], data=b"again")
        check("delivered", b"again", gm.got())
        check("counted", 2, gm.k.sa_get(number)["counters"]["packets-ps"])
        check("in all", passed + 1, gm.k.stats()["gm-packets"])


# --- the way by GTP-U ---

def no_tunnel(family):
    with Gm(family) as gm:
        number = gm.add(A, UE1[family], 0x1000, **{"gtpu-session": 77})
        states(UE1[family], 0x1000, family)
        policy(UE1[family], 0x1000, family)
        before = drops(gm.k.stats())
        gm.send(UE1[family])
        v = gm.dropped("wrong-tunnel", before)
        check("reason", gm.reason("wrong-tunnel"), v["reason"])
        check("whose SA", A["label"], v["sa-label"])
        check("by no session", None, v.get("gtpu-session"))
        check("counted at the SA", {"wrong-tunnel": 1}, drops(gm.k.sa_get(number)["counters"]))
        check("shown", 77, gm.k.sa_get(number)["gtpu-session"])
        gm.k.sa_replace(number, sa_set(A, UE1[family], 0x1000, family=family))
        gm.send(UE1[family])
        check("delivered when any way will do", b"x", gm.got())


@test
def no_tunnel_4():
    """a set that names a GTP-U session: what comes by no tunnel is dropped, IPv4"""
    no_tunnel(4)


@test
def no_tunnel_6():
    """a set that names a GTP-U session: what comes by no tunnel is dropped, IPv6"""
    no_tunnel(6)


class Phone:
    """A phone whose ESP comes by a GTP-U session of Tunnels t; by hand."""

    def __init__(self, t, session, base):
        self.t, self.session, self.base, self.seq = t, session, base, 0

    def state(self):
        relay = RELAY[6 if ":" in self.session.ue else 4]
        ip_batch("core", [f"xfrm state add src {self.session.ue} dst {relay} proto esp spi "
                          f"{self.base + 4} mode transport {ALGORITHMS}"])

    def esp(self, data):
        self.seq += 1
        ue = self.session.ue
        relay = RELAY[6 if ":" in ue else 4]
        inner = udp((ue, UC), (relay, PS), data)
        return ip(ue, relay, esp(self.base + 4, self.seq, inner), protocol=50)


def by_tunnel(family):
    with Gm(family) as gm, Tunnels(gm.k, check_wire=False) as t:
        s, other = t.session(11, inner=family), t.session(12, inner=family)
        number = gm.add(A, s.ue, 0x1000, **{"gtpu-session": s.id})
        ue = Phone(t, s, 0x1000)
        ue.state()
        t.up(s, ue.esp(b"one"))
        check("delivered", b"one", gm.got())
        check("counted", 1, gm.k.sa_get(number)["counters"]["packets-ps"])
        # Right SA, right address, but not by the phone's own bearer: from the data network ...
        before = drops(gm.k.stats())
        t.inet.send(ue.esp(b"two"))
        v = gm.dropped("wrong-tunnel", before)
        check("by no session", None, v.get("gtpu-session"))
        # ... and by another phone's tunnel, where it does not even come so far.
        for any_source in (0, 1):
            other.change(gm.k, pdr=[other.pdr(1) | {"any-source": any_source}])
            before = drops(gm.k.stats())
            t.up(other, ue.esp(b"three"))
            ensure("spoofed", until(lambda b=before: drops(gm.k.stats()).get("spoofed-ue", 0)
                                    == b.get("spoofed-ue", 0) + 1))
            check("delivered", None, gm.got(0.05))
        # The set names another session than the one that has its UE's address.
        gm.k.sa_replace(number, sa_set(A, s.ue, 0x1000, family=family,
                                       **{"gtpu-session": other.id}))
        before = drops(gm.k.stats())
        t.up(s, ue.esp(b"four"))
        v = gm.dropped("wrong-tunnel", before)
        check("by session", s.id, v["gtpu-session"])
        check("whose SA", A["label"], v["sa-label"])


@test
def by_tunnel_4():
    """a set that names a GTP-U session: delivered by its tunnel, by no other way, IPv4"""
    by_tunnel(4)


@test
def by_tunnel_6():
    """a set that names a GTP-U session: delivered by its tunnel, by no other way, IPv6"""
    by_tunnel(6)


# --- ESP in UDP (RFC 3948) ---

class Nat:
    """A UE behind a NAT: what it sends and gets is made and read by hand."""

    def __init__(self, base, sport=NAT_PORT, mode="transport"):
        self.base, self.sport, self.seq, self.mode = base, sport, 0, mode
        ends = ((OTHER[4], RELAY[4], 4, sport, 4500), (RELAY[4], OTHER[4], 1, 4500, sport))
        ip_batch("core", [f"xfrm state add src {src} dst {dst} proto esp spi {base + n} mode "
                          f"{mode} {ALGORITHMS} encap espinudp {a} {b} 0.0.0.0"
                          for src, dst, n, a, b in ends])
        if mode == "tunnel":  # without a policy the stack delivers nothing of a tunnel
            ip_batch("core", [f"xfrm policy add src {OTHER[4]} dst {RELAY[4]} proto udp "
                              f"dport {PS} dir in tmpl src {OTHER[4]} dst {RELAY[4]} "
                              "proto esp mode tunnel"])
        with inside("core"):
            self.encap = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            self.encap.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            self.encap.bind((RELAY[4], 4500))
            self.encap.setsockopt(socket.IPPROTO_UDP, UDP_ENCAP, UDP_ENCAP_ESPINUDP)
        with inside("ue1"):
            self.wire = Wire("v1", mac("core", "c1"))

    def send(self, data, sport=UC, dport=PS, n=4, src=OTHER[4]):
        """Tunnel mode: the inner header is as the UE made it, from src (TS 33.203 annex M)."""
        self.seq += 1
        if self.mode == "tunnel":
            inner, protocol = ip(src, RELAY[4], udp((src, sport), (RELAY[4], dport), data)), 4
        else:
            inner, protocol = udp((PRIVATE, sport), (RELAY[4], dport), data), 17
        outer = udp((OTHER[4], self.sport), (RELAY[4], 4500),
                    esp(self.base + n, self.seq, inner, protocol))
        self.wire.send(ip(OTHER[4], RELAY[4], outer))

    def close(self):
        self.encap.close()


@test
def behind_nat():
    """ESP in UDP: delivered under the SA, its ports are checked, answers are counted"""
    with Gm() as gm:
        number = gm.add(A, OTHER[4], 0x1000)
        gm.add(B, UE1[4], 0x2000)
        ue = Nat(0x1000)
        ue.send(b"one")
        check("delivered", b"one", gm.got())
        check("counted", 1, gm.k.sa_get(number)["counters"]["packets-ps"])
        before = drops(gm.k.stats())
        ue.send(b"two", sport=UC + 7)
        check("whose", A["label"], gm.dropped("wrong-sa", before)["sa-label"])
        before = drops(gm.k.stats())
        outer = udp((OTHER[4], UC), (RELAY[4], PS), b"bare")
        ue.wire.send(ip(OTHER[4], RELAY[4], outer))
        gm.dropped("cleartext", before)
        run("ip", "-n", "core", "xfrm", "policy", "add", "src", RELAY[4], "dst", OTHER[4],
            "proto", "udp", "sport", str(PS), "dport", str(UC), "dir", "out", "tmpl", "src",
            RELAY[4], "dst", OTHER[4], "proto", "esp", "spi", str(0x1001), "mode", "transport")
        with inside("ue1"):
            mapped = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            mapped.bind((OTHER[4], NAT_PORT))
            mapped.settimeout(10)
        gm.udp.sendto(b"answer", (OTHER[4], UC))
        answer, source = mapped.recvfrom(2000)
        check("from", (RELAY[4], 4500), source)
        check("spi", 0x1001, struct.unpack_from("!I", answer)[0])
        ensure("answer", b"answer" in answer)
        check("counted", 1, gm.k.sa_get(number)["counters"]["packets-uc"])
        mapped.close()
        ue.close()


@test
def behind_nat_tunnel():
    """ESP in UDP in tunnel mode: the inner header is what is checked"""
    with Gm() as gm:
        number = gm.add(A, OTHER[4], 0x1000)
        gm.add(B, UE1[4], 0x2000)
        ue = Nat(0x1000, mode="tunnel")
        ue.send(b"one")
        check("delivered", b"one", gm.got())
        check("counted", 1, gm.k.sa_get(number)["counters"]["packets-ps"])
        before = drops(gm.k.stats())
        ue.send(b"two", sport=UC + 7)
        check("whose", A["label"], gm.dropped("wrong-sa", before)["sa-label"])
        before = drops(gm.k.stats())
        ue.send(b"three", src=UE1[4])  # B's address in the inner header, and B's ports
        v = gm.dropped("wrong-sa", before)
        check("whose address", (A["label"], B["label"]), (v["sa-label"], v["owner-label"]))
        before = drops(gm.k.stats())
        ue.send(b"four", src=PRIVATE)
        gm.dropped("spoofed-source", before)
        ue.close()


@test
def two_behind_one_nat():
    """two UEs behind one NAT address: each under its own SA and ports only"""
    with Gm() as gm:
        gm.add(A, OTHER[4], 0x1000)
        b = gm.add(B, OTHER[4], 0x2000, **{"port-uc": 6300, "port-us": 6301})
        first, second = Nat(0x1000), Nat(0x2000, NAT_PORT + 1)
        first.send(b"one")
        check("delivered", b"one", gm.got())
        second.send(b"two", sport=6300)
        check("delivered", b"two", gm.got())
        before = drops(gm.k.stats())
        second.send(b"three", sport=UC)  # A's port under B's SA
        v = gm.dropped("wrong-sa", before)
        check("whose SA", (b, B["label"]), (v["sa-set-id"], v["sa-label"]))
        check("whose address", A["label"], v["owner-label"])
        first.close()
        second.close()


# --- algorithms ---

def aead(name, bits, family):
    octets = bytes(range(bits // 8 + 4)).hex()
    subprocess.run(["modprobe", "-qa", "gcm", "ghash_generic", "seqiv", "ctr", "aes_generic"],
                   check=False)
    with Gm(family) as gm:
        number = gm.add(A, UE1[family], 0x1000)
        line = (f"xfrm state add src {UE1[family]} dst {RELAY[family]} proto esp spi {0x1004} mode "
                f"transport aead {name} 0x{octets} 128")
        ip_batch("core", [line])
        ip_batch("ue1", [line])
        policy(UE1[family], 0x1000, family)
        for i in range(3):
            gm.send(UE1[family], data=b"%d" % i)
            check("delivered", b"%d" % i, gm.got())
        check("counted", 3, gm.k.sa_get(number)["counters"]["packets-ps"])
        before = drops(gm.k.stats())
        run("ip", "-n", "ue1", "xfrm", "policy", "flush")
        gm.send(UE1[family])
        gm.dropped("cleartext", before)


@test
def aes_gcm():
    """SAs of AES-GCM, 128 and 256 bits"""
    aead("rfc4106(gcm(aes))", 128, 4)
    aead("rfc4106(gcm(aes))", 256, 6)


@test
def aes_gmac():
    """SAs of AES-GMAC, 128 and 256 bits (RFC 4543)"""
    aead("rfc4543(gcm(aes))", 128, 6)
    aead("rfc4543(gcm(aes))", 256, 4)


# --- unusual headers ---

@test
def fragments_4():
    """fragments over IPv4: cleartext is dropped, ESP is delivered"""
    with Gm() as gm:
        gm.add(A, UE1[4], 0x1000)
        states(UE1[4], 0x1000)
        with inside("ue1"):
            wire = Wire("v1", mac("core", "c1"))
        body = udp((UE1[4], UC), (RELAY[4], PS), bytes(1200))
        before = drops(gm.k.stats())
        for part in fragments(ip(UE1[4], RELAY[4], body), 600):
            wire.send(part)
        gm.dropped("cleartext", before)
        for part in fragments(ip(UE1[4], RELAY[4], esp(0x1004, 1, body), protocol=50), 600, 0x78):
            wire.send(part)
        check("delivered", bytes(1200), gm.got())


@test
def options_4():
    """IPv4 options: checked the long way, with the same result"""
    with Gm() as gm:
        number = gm.add(A, UE1[4], 0x1000)
        states(UE1[4], 0x1000)
        with inside("ue1"):
            wire = Wire("v1", mac("core", "c1"))
        before = drops(gm.k.stats())
        bare = udp((UE1[4], UC), (RELAY[4], PS), b"bare")
        wire.send(ip(UE1[4], RELAY[4], bare, options=b"\1\1\1\0"))
        gm.dropped("cleartext", before)
        good = udp((UE1[4], UC), (RELAY[4], PS), b"good")
        wire.send(ip(UE1[4], RELAY[4], esp(0x1004, 1, good), protocol=50, options=b"\1\1\1\0"))
        check("delivered", b"good", gm.got())
        check("counted", 1, gm.k.sa_get(number)["counters"]["packets-ps"])
        before = drops(gm.k.stats())
        bad = udp((UE1[4], UC + 1), (RELAY[4], PS), b"bad")
        wire.send(ip(UE1[4], RELAY[4], esp(0x1004, 2, bad), protocol=50, options=b"\1\1\1\0"))
        gm.dropped("wrong-sa", before)
        short = struct.pack("!H", UC)  # not even both ports
        wire.send(ip(UE1[4], RELAY[4], esp(0x1004, 3, short), protocol=50))
        check("delivered", None, gm.got(0.05))
