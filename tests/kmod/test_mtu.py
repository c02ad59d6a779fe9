# SPDX-License-Identifier: GPL-2.0-or-later
"""Path MTU of tunnels in kims.ko: inner senders are told, fragments, what routers report, MSS.

Topology: lab.py and gtp.py. The path to the gNBs (10.44.1.0/24, fd44:1::/64) has a smaller MTU
than the links: by its route in the core, or by a router on the way that says so.
"""
import struct

from gtp import ENB_LINK, REMOTE, UPF, Tunnels
from lab import check, core, ensure, ip_batch, run, sysctl, test, until
from packet import Received, csum, ip, pseudo, tcp
from test_gtpu import downward

FAMILIES = (4, 6)
PAIRS = tuple((o, i) for o in FAMILIES for i in FAMILIES)
DF = 0x4000
INET_CORE = {4: "10.47.0.1", 6: "fd47::1"}  # of the core, towards the data network


def overhead(outer):
    return (20 if outer == 4 else 40) + 8 + 8


class PathMtu:
    """The routes to the gNBs have this MTU."""

    def __init__(self, mtu):
        self.mtu = mtu

    def __enter__(self):
        self.routes(f"mtu {self.mtu}")
        return self

    def routes(self, what):
        ip_batch("core", [f"route replace 10.44.1.0/24 via 10.44.0.2 {what}",
                          f"route replace fd44:1::/64 via fd44::2 {what}"])

    def __exit__(self, *_):
        self.routes("")
        run("ip", "-n", "core", "route", "flush", "cache")
        run("ip", "-n", "core", "-6", "route", "flush", "cache")


def sized(s, fam, size, **kwargs):
    """A downlink packet of size octets in all."""
    head = 28 if fam == 4 else 48
    return downward(s, fam, bytes(i & 255 for i in range(size - head)), **kwargs)


def icmp_mtu(p):
    """The MTU that an ICMP error tells, which must be right in every other way."""
    check("type and code", (3, 4) if p.version == 4 else (2, 0), (p.body[0], p.body[1]))
    summed = p.body if p.version == 4 else \
        pseudo(p.src, p.dst, len(p.body), 58) + p.body
    check("checksum", 0, csum(summed))
    return struct.unpack_from("!H", p.body, 6)[0] if p.version == 4 \
        else struct.unpack_from("!I", p.body, 4)[0]


def was_told(t, fam, mtu, packet, what):
    """The inner sender has heard of the MTU, about this packet, from an address of the core."""
    p = t.inet.next(lambda p: p.protocol in (1, 58))
    ensure(f"{what}: told", p)
    t.extra += 1
    check(f"{what}: to, from", (REMOTE[fam], INET_CORE[fam]), (p.dst, p.src))
    check(f"{what}: MTU", mtu, icmp_mtu(p))
    quoted = Received(p.body[8:] + bytes(64))
    check(f"{what}: about", (REMOTE[fam], Received(packet).dst), (quoted.src, quoted.dst))


@test
def told():
    """"don't fragment" and IPv6: the inner sender is told what fits; what fits goes"""
    with core() as k, PathMtu(1400):
        for outer, fam in PAIRS:
            with Tunnels(k) as t:
                s = t.session(11, inner=fam, outer=outer)
                most = 1400 - overhead(outer)
                what = f"IPv{fam} in IPv{outer}"
                more = {"frag": DF} if fam == 4 else {}
                t.down(sized(s, fam, most, **more))
                p = t.at_enb()
                ensure(f"{what}: what fits", p and p.gtp)
                check(f"{what}: fills the path", 1400, len(p.raw))
                packet = sized(s, fam, most + 1, **more)
                t.down(packet)
                was_told(t, fam, most, packet, what)
                check(f"{what}: the tunnel", None, t.at_enb(0.05))
                check(f"{what}: dropped", {"too-big": 1}, t.drops())
                pdr = s.remove(k)["pdr"][1]
                check(f"{what}: PDR", (1, 1), (pdr["packets"], pdr["dropped"]))


@test
def not_charged():
    """what is too big is in no URR"""
    with core() as k, PathMtu(1400), Tunnels(k) as t:
        s = t.session(11, install=False).add("urr", {"id": 1}, (1, 2)).install(k)
        t.down(sized(s, 4, 1450, frag=DF))
        ensure("told", t.inet.next())
        t.extra += 1
        check("URR", 0, s.counters(k, "urr", 1)["octets"])


def reassembled(parts):
    """The IPv4 packet of inner fragments that came in order; each fits, and each is right."""
    body, first = b"", parts[0]
    for i, p in enumerate(parts):
        ensure("header checksum", p.header_ok)
        check("offset", len(body), (p.frag & 0x1fff) * 8)
        check("more", i + 1 < len(parts), bool(p.frag & 0x2000))
        check("identification", struct.unpack_from("!H", first.raw, 4), struct.unpack_from("!H", p.raw, 4))
        body += p.body
    return first.src, first.dst, first.tos, body


@test
def inner_fragments():
    """IPv4 that may be cut goes in inner fragments, each in a tunnel packet that fits"""
    with core() as k, PathMtu(1300):
        for outer in FAMILIES:
            with Tunnels(k) as t:
                s = t.session(11, outer=outer, install=False).add("urr", {"id": 1}, (1, 2))
                s.install(k)
                mtu = 1300 if outer == 4 else 1300
                for size, count in ((mtu - overhead(outer) + 1, 2), (1500, 2), (1400, 2)):
                    packet = sized(s, 4, size, tos=0x28, ident=0x1234)
                    t.down(packet)
                    parts = [t.at_enb() for _ in range(count)]
                    ensure(f"{size}: all parts", all(p and p.gtp for p in parts))
                    for p in parts:
                        ensure("fits", len(p.raw) <= mtu)
                        check("tunnel", (s.teid_out, 0), (p.gtp.teid, p.frag & 0x3fff))
                    check(f"{size}", (REMOTE[4], s.ue, 0x28, packet[20:]),
                          reassembled([p.gtp.inner for p in parts]))
                    t.extra += count - 1
                check("each once in the URR", 1500 + 1400 + mtu - overhead(outer) + 1,
                      s.counters(k, "urr", 1)["octets"])
                check("each once in the PDR", 3, s.counters(k, "pdr", 2)["packets"])


@test
def inner_fragment_of_fragment():
    """a fragment that does not fit is cut further; its offsets stay right"""
    with core() as k, PathMtu(1300), Tunnels(k) as t:
        s = t.session(11)
        body = bytes(i & 255 for i in range(1480))
        t.down(ip(REMOTE[4], s.ue, body, frag=0x2000 | 185, ident=9))
        parts = [t.at_enb().gtp.inner for _ in range(2)]
        t.extra += 1
        check("offsets", [185, 185 + len(parts[0].body) // 8], [p.frag & 0x1fff for p in parts])
        check("more follow", [0x2000, 0x2000], [p.frag & 0x2000 for p in parts])
        check("content", body, parts[0].body + parts[1].body)


@test
def outer_fragments():
    """fragment-outer: the tunnel packet is cut instead, in both families, nobody is told"""
    with core() as k, PathMtu(1300):
        for outer, fam in PAIRS:
            with Tunnels(k, **{"fragment-outer": 1}) as t:
                s = t.session(11, inner=fam, outer=outer)
                packet = sized(s, fam, 1400, **({"frag": DF} if fam == 4 else {}))
                t.down(packet)
                parts = [t.enb.next(), t.enb.next()]
                what = f"IPv{fam} in IPv{outer}"
                ensure(f"{what}: two parts", all(parts))
                ensure(f"{what}: fit", all(len(p.raw) <= 1300 for p in parts))
                t.extra += 1
                if outer == 4:
                    ensure(f"{what}: fragments", all(p.frag & 0x3fff for p in parts))
                    whole = parts[0].body + parts[1].body
                else:
                    check(f"{what}: fragments", [44, 44], [p.protocol for p in parts])
                    whole = parts[0].body[8:] + parts[1].body[8:]
                check(f"{what}: content", packet[-1300:], whole[-1300:])
                check(f"{what}: drops", {}, t.drops())


@test
def ipv6_minimum():
    """IPv6 of 1280 octets and less goes whatever the path: in outer fragments, never told less"""
    with core() as k, PathMtu(1280), Tunnels(k) as t:
        s = t.session(11, inner=6, outer=4)
        t.down(sized(s, 6, 1280))
        parts = [t.enb.next(), t.enb.next()]
        ensure("two parts", all(parts))
        t.extra += 1
        packet = sized(s, 6, 1281)
        t.down(packet)
        was_told(t, 6, 1280, packet, "1281 octets")


# --- what a router on the way says ---

def router_says(t, fam, mtu, quoted):
    """An ICMP "too big" from the router about an outer packet of which so much is quoted."""
    if fam == 4:
        body = struct.pack("!BBHHH", 3, 4, 0, 0, mtu) + quoted
        body = body[:2] + struct.pack("!H", csum(body)) + body[4:]
        t.enb.send(ip(ENB_LINK[4], UPF[4], body, protocol=1))
    else:
        body = struct.pack("!BBHI", 2, 0, 0, mtu) + quoted
        total = csum(pseudo(ENB_LINK[6], UPF[6], len(body), 58) + body)
        t.enb.send(ip(ENB_LINK[6], UPF[6], body[:2] + struct.pack("!H", total) + body[4:],
                      protocol=58))
    t.astray += 1


@test
def learned():
    """a router that says "too big" about an outer packet: the next inner sender is told"""
    with core() as k:
        for outer, fam, part, entropy in [(o, i, "all", 0) for o, i in PAIRS] \
                + [(o, 4, "little", 1) for o in FAMILIES]:
            with PathMtu(1500), Tunnels(k, entropy=entropy) as t:
                learn_one(t, outer, fam, part, f"IPv{fam} in IPv{outer}, {part} quoted, "
                          f"entropy {entropy}")


def learn_one(t, outer, fam, part, what):
    s = t.session(11, inner=fam, outer=outer)
    more = {"frag": DF} if fam == 4 else {}
    big = sized(s, fam, 1430, **more)
    t.down(big)
    p = t.at_enb()
    ensure(f"{what}: fits at first", p and p.gtp)
    ensure(f"{what}: outer packet may not be cut", outer == 6 or p.frag & DF)
    head = 20 if outer == 4 else 40
    router_says(t, outer, 1380, p.raw[:head + 8] if part == "little" else p.raw[:548])
    told_by_now = [None]

    def send_again():
        t.down(big)
        told_by_now[0] = t.inet.next(lambda p: p.protocol in (1, 58), 0.1)
        return told_by_now[0]

    ensure(f"{what}: told", until(send_again))
    t.extra += 1
    check(f"{what}: MTU", 1380 - overhead(outer), icmp_mtu(told_by_now[0]))
    t.down(sized(s, fam, 1380 - overhead(outer), **more))
    ensure(f"{what}: what fits goes", [p for p in [t.at_enb()] if p and len(p.raw) == 1380]
           or [p for p in t.enb.rest() if len(p.raw) == 1380])


@test
def router_between():
    """a real router with a small link behind it: told as by the wire"""
    with core() as k, PathMtu(1500):
        small_link("add")
        try:
            for outer in FAMILIES:
                with Tunnels(k, check_wire=False) as t:
                    s = t.session(11, inner=4, outer=outer)
                    big = sized(s, 4, 1430, frag=DF)

                    def sent(big=big, t=t):
                        t.down(big)
                        return t.inet.next(lambda p: p.protocol == 1, 0.1)

                    p = until(sent)
                    ensure(f"IPv{outer}: told", p)
                    check(f"IPv{outer}: MTU", 1320 - overhead(outer), icmp_mtu(p))
        finally:
            small_link("del")


def small_link(what):
    if what == "add":
        ip_batch("enb", ["link add small type dummy", "link set small mtu 1320 up",
                         "route add 10.44.1.0/24 dev small", "route add fd44:1::/64 dev small"])
    else:
        ip_batch("enb", ["link del small"])
    on = int(what == "add")
    sysctl("enb", ipv4__ip_forward=on, ipv6__conf__all__forwarding=on)


# --- MSS ---

def syn(src, dst, mss, flags=2, before=b""):
    option = struct.pack("!BBH", 2, 4, mss) if mss else b""
    body = tcp((src, 1000), (dst, 2000), flags=flags, options=before + option)
    return ip(src, dst, body, protocol=6)


def mss_of(raw):
    """MSS option of an IP packet, None without; its TCP checksum must be right."""
    p = Received(raw)
    check("TCP checksum", 0, csum(pseudo(p.src, p.dst, len(p.body), 6) + p.body))
    options = p.body[20:(p.body[12] >> 4) * 4]
    while options and options[0] != 0:
        if options[0] == 1:
            options = options[1:]
            continue
        if options[0] == 2:
            return struct.unpack_from("!H", options, 2)[0]
        options = options[options[1]:]
    return None


@test
def mss():
    """mss-clamp: SYN and SYN-ACK of both directions say no more than fits; checksums stay right"""
    with core() as k:
        for outer, fam in PAIRS:
            with Tunnels(k, **{"mss-clamp": 1}) as t:
                s = t.session(11, inner=fam, outer=outer)
                head = 40 if fam == 4 else 60
                fits = 1500 - overhead(outer) - head
                what = f"IPv{fam} in IPv{outer}"
                for flags in (2, 0x12):
                    for before in (b"", b"\x01", b"\x01\x01", b"\x01\x01\x01", b"\x03\x03\x07"):
                        t.down(syn(REMOTE[fam], s.ue, 1460, flags, before))
                        check(f"{what}: downlink {before.hex()}", fits,
                              mss_of(t.at_enb().gtp.body))
                        t.up(s, syn(s.ue, REMOTE[fam], 1460, flags, before))
                        got = mss_of(t.at_inet().raw)
                        ensure(f"{what}: uplink {got}", 1300 < got <= fits)
                for value in (fits, 536, 0):
                    t.down(syn(REMOTE[fam], s.ue, value))
                    check(f"{what}: {value} stays", value or None, mss_of(t.at_enb().gtp.body))
                packet = syn(REMOTE[fam], s.ue, 1460, 0x10)
                t.down(packet)
                check(f"{what}: no SYN", 1460, mss_of(t.at_enb().gtp.body))


@test
def mss_odd():
    """mss-clamp: options that are cut, of length 0, or behind the end are left alone"""
    with core() as k, Tunnels(k, **{"mss-clamp": 1}) as t:
        s = t.session(11)
        for options in (b"\x02\x04\x05", b"\x02\x00\x05\xb4", b"\x03\xff\x02\x04", b"\x00\x02\x04\x05",
                        b"\x02", b"\x02\x03\x05\x00", b"\x02\x06\x05\xb4\x05\xb4"):
            packet = ip(REMOTE[4], s.ue, tcp((REMOTE[4], 1), (s.ue, 2), flags=2, options=options),
                        protocol=6)
            t.down(packet)
            p = t.at_enb()
            ensure("goes", p)
            check(options.hex(), packet[20:], p.gtp.body[20:])
        cut = ip(REMOTE[4], s.ue, syn(REMOTE[4], s.ue, 1460)[20:42], protocol=6)
        t.down(cut)
        ensure("cut in its options", t.at_enb())
        fragment = ip(REMOTE[4], s.ue, syn(REMOTE[4], s.ue, 1460)[20:], protocol=6, frag=8)
        t.down(fragment)
        check("a later fragment", fragment[20:], t.at_enb().gtp.body[20:])


@test
def mss_off():
    """without mss-clamp a SYN is not touched"""
    with core() as k, Tunnels(k) as t:
        s = t.session(11)
        t.down(syn(REMOTE[4], s.ue, 1460))
        check("downlink", 1460, mss_of(t.at_enb().gtp.body))
        t.up(s, syn(s.ue, REMOTE[4], 1460))
        check("uplink", 1460, mss_of(t.at_inet().raw))
