# SPDX-License-Identifier: GPL-2.0-or-later
"""Media packets as they are on the wire: headers, checksums, fragments, super-packets.

What comes out is read by packet.py, and by tcpdump's and the receiving stack's checks: a UDP
socket gets nothing with a wrong checksum.
"""
import socket
import struct

from lab import RELAY, UE1, UE2, check, core, drops, ensure, inside, mac, run, test, until
from packet import Wire, datagram, ip, rtp, udp
from test_flow import FROM, IN, OUT, TO, Phones, flow

UDP_SEGMENT = 103
PAIRS = ((4, 4), (6, 6), (4, 6), (6, 4))


class Ends:
    """Whole packets into ue1's end of the link and out of ue2's."""

    def __init__(self, in_family=4, out_family=4):
        with inside("ue1"):
            self.tx = Wire("v1", mac("core", "c1"))
        with inside("ue2"):
            self.rx = Wire("v2", bytes(6))
        self.src = (UE1[in_family], FROM)
        self.dst = (RELAY[in_family], IN)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.tx.sock.close()
        self.rx.sock.close()

    def send(self, payload, **kwargs):
        self.tx.send(datagram(self.src, self.dst, payload, **kwargs))

    def got(self, seconds=10.0):
        return self.rx.receive(lambda p: p.protocol == 17 and p.dport == TO, seconds)


def header(in_family, out_family):
    with core() as k, Ends(in_family, out_family) as e:
        number = k.rtp_new(flow(in_family, out_family))
        e.send(rtp(1), tos=0xb8 | 1, ttl=40)
        p = e.got()
        ensure("arrived", p)
        check("addresses", (RELAY[out_family], UE2[out_family]), (p.src, p.dst))
        check("ports", (OUT, TO), (p.sport, p.dport))
        check("payload", rtp(1), p.payload)
        check("length", 8 + 172, p.length)
        ensure("header checksum", p.header_ok)
        ensure("UDP checksum", p.check and p.sum_ok)
        check("hop limit", 39, p.ttl)
        check("DSCP and ECN", 0xb9, p.tos)
        k.rtp_replace(number, flow(in_family, out_family, dscp=46))
        e.send(rtp(2), tos=2)
        check("DSCP set, ECN kept", 46 << 2 | 2, e.got().tos)
        # What was damaged on the way in stays so.
        e.send(rtp(3), check=0x1234)
        p = e.got()
        ensure("damage is not mended", p and not p.sum_ok)
        k.rtp_del(number)


@test
def header_4_4():
    """every field of the packet that leaves, IPv4 to IPv4"""
    header(4, 4)


@test
def header_6_6():
    """every field of the packet that leaves, IPv6 to IPv6"""
    header(6, 6)


@test
def header_4_6():
    """every field of the packet that leaves, IPv4 to IPv6"""
    header(4, 6)


@test
def header_6_4():
    """every field of the packet that leaves, IPv6 to IPv4"""
    header(6, 4)


@test
def all_checksums():
    """the checksum is right for every sum of the payload, 0xffff and 0 too"""
    with core() as k:
        for pair in PAIRS:
            number = k.rtp_new(flow(*pair))
            with Ends(*pair) as e:
                for i in range(0, 65536, 1021):
                    e.send(rtp(i, size=8) + struct.pack("!H", i))
                    p = e.got()
                    ensure(f"{pair}: sum {i}", p and p.check and p.sum_ok)
            check("packets", 65, k.rtp_del(number)["counters"]["packets"])


@test
def no_checksum():
    """no UDP checksum: kept so over IPv4, made over IPv6, refused from IPv6"""
    with core() as k:
        number = k.rtp_new(flow(4, 4))
        with Ends(4, 4) as e:
            e.send(rtp(1), check=False)
            check("IPv4 to IPv4", 0, e.got().check)
        k.rtp_replace(number, flow(4, 6))
        with Ends(4, 6) as e:
            e.send(rtp(2), check=False)
            p = e.got()
            ensure("IPv4 to IPv6", p and p.check and p.sum_ok)
            check("payload", rtp(2), p.payload)
        check("counted", 2, k.rtp_del(number)["counters"]["packets"])
        number = k.rtp_new(flow(6, 6))
        with Ends(6, 6) as e:
            e.send(rtp(3), check=False)
            check("from IPv6", None, e.got(0.3))
        check("drops", {"malformed": 1}, drops(k.rtp_del(number)["counters"]))


@test
def hop_limit():
    """TTL and hop limit 1 are used up"""
    with core() as k:
        for pair in PAIRS:
            number = k.rtp_new(flow(*pair))
            with Ends(*pair) as e:
                e.send(rtp(1), ttl=1)
                e.send(rtp(2), ttl=2)
                check(f"{pair}: the second", (rtp(2), 1), (lambda p: (p.payload, p.ttl))(e.got()))
            check("drops", {"ttl": 1}, drops(k.rtp_del(number)["counters"]))


@test
def options():
    """IPv4 options and IPv6 extension headers do not pass"""
    with core() as k:
        for out in (4, 6):
            number = k.rtp_new(flow(4, out))
            with Ends(4, out) as e:
                e.send(rtp(1), options=b"\x01" * 12)
                p = e.got()
                check("options", b"", p.options)
                check("payload", rtp(1), p.payload)
                ensure("checksums", p.header_ok and p.sum_ok)
            k.rtp_del(number)
        for out in (6, 4):
            number = k.rtp_new(flow(6, out))
            with Ends(6, out) as e:
                padding = struct.pack("!BBBB", 17, 0, 1, 4) + bytes(4)
                e.tx.send(ip(e.src[0], e.dst[0], padding + udp(e.src, e.dst, rtp(1)), protocol=60))
                p = e.got()
                check("next header", 17, p.protocol)
                check("payload", rtp(1), p.payload)
                ensure("checksum", p.sum_ok)
            k.rtp_del(number)


@test
def truncated():
    """a packet cut at each octet is dropped, counted or left to the stack, never sent on wrong"""
    with core() as k:
        for pair in ((4, 4), (6, 4)):
            number = k.rtp_new(flow(*pair))
            with Ends(*pair) as e:
                whole = datagram(e.src, e.dst, rtp(1, size=20))
                head = 20 if pair[0] == 4 else 40
                for n in range(head, len(whole)):
                    body = whole[head:n]
                    e.tx.send(ip(e.src[0], e.dst[0], body))       # IP's length fits, UDP's not
                    e.tx.send(whole[:n])                          # IP's length does not fit
                e.tx.send(whole)
                check("only the whole one", rtp(1, size=20), e.got().payload)
                check("no other", None, e.got(0.2))
            c = k.rtp_del(number)["counters"]
            check("packets", 1, c["packets"])
            check("those with a UDP header", {"malformed": 32}, drops(c))


@test
def udp_length():
    """what lies behind the UDP length is not sent on"""
    with core() as k:
        for pair in PAIRS:
            number = k.rtp_new(flow(*pair))
            with Ends(*pair) as e:
                exact = udp(e.src, e.dst, rtp(1))
                e.tx.send(ip(e.src[0], e.dst[0], exact + b"behind"))
                p = e.got()
                check(f"{pair}: payload", rtp(1), p.payload)
                ensure("checksum", p.sum_ok)
                for length in (0, 7, 8 + 173):
                    e.tx.send(ip(e.src[0], e.dst[0], udp(e.src, e.dst, rtp(2), length=length)))
                check("wrong lengths", None, e.got(0.2))
            check("drops", {"malformed": 3}, drops(k.rtp_del(number)["counters"]))


@test
def fragments_4():
    """fragments to a media port are put together, IPv4"""
    with core() as k:
        for out in (4, 6):
            number = k.rtp_new(flow(4, out))
            with Ends(4, out) as e, Phones(4, out) as phones:
                body = udp(e.src, e.dst, rtp(1, size=1180))
                for offset in (600, 0):
                    part = body[offset:offset + 600]
                    e.tx.send(ip(e.src[0], e.dst[0], part, ident=42,
                                 frag=offset // 8 | (0 if offset else 0x2000)))
                check("put together", rtp(1, size=1180), phones.got()[0])
            check("one packet", 1, k.rtp_del(number)["counters"]["packets"])


@test
def fragments_6():
    """fragments to a media port are put together, IPv6"""
    with core() as k:
        for out in (6, 4):
            number = k.rtp_new(flow(6, out))
            with Ends(6, out) as e, Phones(6, out) as phones:
                body = udp(e.src, e.dst, rtp(1, size=1180))
                for offset in (600, 0):
                    part = body[offset:offset + 600]
                    head = struct.pack("!BBHI", 17, 0, offset | (0 if offset else 1), 43)
                    e.tx.send(ip(e.src[0], e.dst[0], head + part, protocol=44))
                check("put together", rtp(1, size=1180), phones.got()[0])
            check("one packet", 1, k.rtp_del(number)["counters"]["packets"])


@test
def mtu():
    """a packet too big for the second leg leaves in fragments, DF or not"""
    run("ip", "-n", "core", "link", "set", "c2", "mtu", "1280")
    try:
        with core() as k:
            for pair in PAIRS:
                number = k.rtp_new(flow(*pair, media="udp"))
                with Ends(*pair) as e, Phones(*pair) as phones:
                    payload = bytes(range(256)) * 5
                    e.send(payload, **({"frag": 0x4000} if pair[0] == 4 else {}))
                    check(f"{pair}", payload, phones.got()[0])
                    p = e.rx.receive(lambda p: True)
                    ensure("in fragments", p.frag & 0x2000 if pair[1] == 4 else p.protocol == 44)
                check("one packet", 1, k.rtp_del(number)["counters"]["packets"])
    finally:
        run("ip", "-n", "core", "link", "set", "c2", "mtu", "1500")


def big_send(phones, count, size):
    payloads = [rtp(i, size=size - 12) for i in range(count)]
    phones.tx.setsockopt(socket.SOL_UDP, UDP_SEGMENT, size)
    phones.send(b"".join(payloads))
    return payloads


@test
def super_packets():
    """a GSO super-packet is cut into its datagrams, each counted"""
    with core() as k:
        for pair in PAIRS:
            number = k.rtp_new(flow(*pair))
            with Phones(*pair) as phones:
                payloads = big_send(phones, 40, 172) + big_send(phones, 3, 1200)
                for want in payloads:
                    check(f"{pair}", want, phones.got()[0])
                check("no more", (None, None), phones.got(0.1))
            c = k.rtp_del(number)["counters"]
            check("packets", (43, 40 * 172 + 3 * 1200), (c["packets"], c["octets"]))


@test
def receive_offload():
    """datagrams that GRO has merged (rx-udp-gro-forwarding, rx-gro-list) are not lost"""
    with core() as k:
        for feature in ("rx-udp-gro-forwarding", "rx-gro-list"):
            with inside("core"):
                run("ethtool", "-K", "c1", "gro", "on", feature, "on")
            try:
                for pair in PAIRS:
                    number = k.rtp_new(flow(*pair))
                    with Phones(*pair) as phones:
                        for i in range(200):
                            phones.send(rtp(i))
                        ensure(f"{feature} {pair}", until(
                            lambda n=number: k.rtp_get(n)["counters"]["packets"] == 200))
                        for i in range(200):
                            check("payload", rtp(i), phones.got()[0])
                    check("lost", 0, k.rtp_del(number)["counters"]["lost"])
            finally:
                with inside("core"):
                    run("ethtool", "-K", "c1", feature, "off")


@test
def no_route():
    """no route to the destination, or a source address that is not here"""
    with core() as k:
        for out, dst in ((4, "192.0.2.1"), (6, "2001:db8::1")):
            number = k.rtp_new(flow(4, out, **{f"dst-ipv{out}": dst}))
            with Ends(4, out) as e:
                e.send(rtp(1))
                ensure("no route", until(
                    lambda n=number: drops(k.rtp_get(n)["counters"]) == {"no-route": 1}))
                k.rtp_replace(number, flow(4, out, **{f"src-ipv{out}": dst}))
                e.send(rtp(2))
                ensure("no source", until(
                    lambda n=number: drops(k.rtp_get(n)["counters"]) == {"no-route": 2}))
                # A route that comes later is found.
                run("ip", "-n", "core", "addr", "add", dst, "dev", "lo",
                    *(["nodad"] if out == 6 else []))
                e.send(rtp(3))
                check("then", rtp(3), e.got().payload)
                run("ip", "-n", "core", "addr", "del", dst + ("/128" if out == 6 else "/32"),
                    "dev", "lo")
            k.rtp_del(number)


@test
def conserve():
    """packets in = packets out + drops by reason, in the flow and in the namespace"""
    with core() as k, Ends() as e:
        before = k.stats()
        number = k.rtp_new(flow(**{"payload-types": bytes([0, 1]) + bytes(14)}))
        kinds = ({}, {"pt": 0}, {"ttl": 1}, {"port": 1}, {"bad": 1})
        for i in range(200):
            kind = kinds[i % 5]
            payload = b"no" if "bad" in kind else rtp(i, pt=kind.get("pt", 8))
            src = (e.src[0], e.src[1] + kind.get("port", 0))
            e.tx.send(datagram(src, e.dst, payload, ttl=kind.get("ttl", 64)))
        for _ in range(40):
            ensure("sent on", e.got())
        after, c = k.stats(), k.rtp_del(number)["counters"]
        want = {"malformed": 40, "payload-type": 40, "source": 40, "ttl": 40}
        check("drops of the flow", want, drops(c))
        check("packets of the flow", 40, c["packets"])
        check("packets of the namespace", 40, after["rtp-packets"] - before["rtp-packets"])
        check("drops of the namespace", want,
              {n: v - drops(before).get(n, 0) for n, v in drops(after).items()
               if v - drops(before).get(n, 0)})
