# SPDX-License-Identifier: GPL-2.0-or-later
"""GTP-U through kims.ko: tunnels in all families, headers in every form, and what is not GTP-U.

Topology: lab.py and gtp.py. Clauses are those of TS 29.281 unless told otherwise.
"""
import struct

from gtp import (END_MARKER, G_PDU, GNB, GNB2, PORT, REMOTE, UPF, UPF2, Gtp, Tunnels, gpdu, gtpu,
                 pdcp, psc, ue4, ue6)
from lab import check, core, ensure, test
from packet import datagram, echo_request, fragments, ip, tcp, udp

FAMILIES = (4, 6)
PAIRS = tuple((o, i) for o in FAMILIES for i in FAMILIES)  # outer, inner


def upward(s, fam=4, payload=b"up", **kwargs):
    """What the phone sends."""
    ue = next(a for a in s.addresses if (":" in a) == (fam == 6))
    return datagram((ue, 4000), (REMOTE[fam], 53), payload, **kwargs)


def downward(s, fam=4, payload=b"down", **kwargs):
    ue = next(a for a in s.addresses if (":" in a) == (fam == 6))
    return datagram((REMOTE[fam], 53), (ue, 4000), payload, **kwargs)


def one_hop(packet):
    """The packet as a router passes it on."""
    p = bytearray(packet)
    if p[0] >> 4 == 6:
        p[7] -= 1
        return bytes(p)
    p[8] -= 1
    total = struct.unpack_from("!H", p, 10)[0] + 0x100
    struct.pack_into("!H", p, 10, (total & 0xffff) + (total >> 16))
    return bytes(p)


def went_up(t, s, inner, what="", **kwargs):
    """A G-PDU whose inner packet comes out towards the data network, one hop later."""
    t.up(s, inner, **kwargs)
    p = t.at_inet()
    ensure(f"{what} uplink: arrives", p)
    check(f"{what} uplink: the packet", one_hop(inner).hex(), p.raw[:len(inner)].hex())
    check(f"{what} uplink: nothing behind it", len(inner), len(p.raw))
    return p


def went_down(t, s, inner, what=""):
    """A packet from the data network that comes out in the session's tunnel, one hop later."""
    t.down(inner)
    p = t.at_enb()
    ensure(f"{what} downlink: arrives", p and p.gtp)
    check(f"{what} downlink: addresses and port", (s.upf, s.peer, PORT), (p.src, p.dst, p.dport))
    check(f"{what} downlink: message, TEID", (G_PDU, s.teid_out), (p.gtp.kind, p.gtp.teid))
    check(f"{what} downlink: the packet", one_hop(inner).hex(), p.gtp.body.hex())
    return p


@test
def codec():
    """(the tests' own reading and writing of GTP-U agree)"""
    inner = datagram(("10.45.0.11", 1), (REMOTE[4], 2), b"abc")
    for ext in ((), (psc(9),), (pdcp(5), psc(9)), (psc(9, more=bytes(6)), pdcp(5))):
        for seq in (None, 7):
            for npdu in (None, 3):
                g = Gtp(gpdu(0x1234, inner, seq=seq, npdu=npdu, ext=ext))
                check("fields", (G_PDU, 0x1234, seq, npdu, len(ext)),
                      (g.kind, g.teid, g.seq, g.npdu, len(g.ext)))
                check("QFI", 9 if any(kind == 0x85 for kind, _ in ext) else None, g.qfi)
                check("inner", inner, g.body)
    check("end marker", END_MARKER, Gtp(gtpu(END_MARKER, 1)).kind)


@test
def tunnels():
    """outer IPv4 and IPv6 by inner IPv4 and IPv6: both ways, one hop, nothing else changed"""
    with core() as k, Tunnels(k) as t:
        for n, (outer, inner) in enumerate(PAIRS, 11):
            s = t.session(n, inner=inner, outer=outer)
            what = f"IPv{inner} in IPv{outer}"
            for size in (0, 1, 160, 1200):
                went_up(t, s, upward(s, inner, bytes(size)), what)
                g = went_down(t, s, downward(s, inner, bytes(size)), what)
                check(f"{what}: source port", PORT, g.sport)
                check(f"{what}: flags", 0x30, g.gtp.flags)
                check(f"{what}: no extension header", [], g.gtp.ext)
                # Default: no checksum over IPv4, one over IPv6.
                check(f"{what}: checksum", outer == 6, bool(g.check))
            c = s.remove(k)
            check(f"{what}: counted", [(4, sum((0, 1, 160, 1200)) + 4 * (28 if inner == 4 else 48))] * 2,
                  [(p["packets"], p["octets"]) for p in c["pdr"]])


@test
def both_addresses():
    """a session with an IPv4 address and an IPv6 prefix: every address of the /64 is the phone's"""
    with core() as k, Tunnels(k) as t:
        s = t.session(11, inner=(4, 6))
        went_up(t, s, upward(s, 4))
        went_up(t, s, upward(s, 6))
        went_down(t, s, downward(s, 4))
        went_down(t, s, downward(s, 6))
        other = ue6(11, "beef:1:2:3")
        went_up(t, s, datagram((other, 1), (REMOTE[6], 2), b"x"))
        went_down(t, s, datagram((REMOTE[6], 2), (other, 1), b"x"))
        t.down(datagram((REMOTE[6], 2), (ue6(12), 1), b"x"))  # the next /64 is nobody's
        t.astray += 1
        ensure("another prefix: no tunnel", not [p for p in t.enb.rest() if p.protocol == 17])
        t.inet.rest()
        t.check_wire = False  # the stack may answer for the address that nobody has


@test
def spoofing():
    """an inner source that is not the UE's is dropped; any-source lets it through, but no other UE's"""
    with core() as k, Tunnels(k) as t:
        one = t.session(11, inner=(4, 6))
        two = t.session(12, inner=(4, 6))
        for fam, near in ((4, ue4(13)), (6, ue6(13)), (6, "fe80::1"), (4, "0.0.0.0"), (6, "::")):
            packet = datagram((near, 1), (REMOTE[fam], 2), b"x")
            t.dropped("spoofed-ue", lambda p=packet: t.up(one, p), what=f"from {near}")
        for fam in FAMILIES:
            t.dropped("spoofed-ue", lambda f=fam: t.up(one, upward(two, f)), what="another UE's")
        check("dropped by the PDR", 7, one.counters(k, "pdr", 1)["dropped"])
        pdr = one.pdr(1) | {"any-source": 1}
        one.change(k, pdr=[pdr])
        went_up(t, one, datagram((ue4(13), 1), (REMOTE[4], 2), b"x"), "any-source")
        went_up(t, one, datagram((ue6(13), 1), (REMOTE[6], 2), b"x"), "any-source")
        for fam in FAMILIES:
            t.dropped("spoofed-ue", lambda f=fam: t.up(one, upward(two, f)), what="another UE's")
            went_up(t, one, upward(one, fam), "its own")


@test
def only_one_family():
    """a UE with an IPv4 address only sends no IPv6, and the other way round"""
    with core() as k, Tunnels(k) as t:
        four, six = t.session(11, inner=4), t.session(12, inner=6)
        t.dropped("spoofed-ue", lambda: t.up(four, upward(six, 6)))
        t.dropped("spoofed-ue", lambda: t.up(six, upward(four, 4)))


HEADERS = [("sequence number", {"seq": 7}), ("N-PDU number", {"npdu": 3}),
           ("both", {"seq": 0xffff, "npdu": 255}), ("E, no header", {"flags": 0x34}),
           ("S, E, PN, no header", {"flags": 0x37}),
           ("spare bit, which is not evaluated", {"flags": 0x38}),
           ("QFI", {"ext": (psc(9),)}), ("QFI, sequence number", {"ext": (psc(9),), "seq": 1}),
           ("long PDU session container", {"ext": (psc(63, more=bytes(20)),)}),
           ("very long one", {"ext": (psc(1, more=bytes(254 * 4)),)}),
           ("not required, 00", {"ext": ((0x01, b"ab"),)}),
           ("not required, 01", {"ext": ((0x5f, bytes(6)),)}),
           ("UDP port", {"ext": ((0x40, b"\x08\x68"),)}),
           ("service class", {"ext": ((0x20, b"\x01\x00"),)}),
           ("chain", {"ext": ((0x20, b"ab"), psc(9), (0x40, b"cd"))}),
           ("chain, QFI last", {"ext": ((0x01, bytes(10)), (0x3f, b"ab"), (0x7f, b"cd"), psc(5))}),
           ("chain of 8", {"ext": tuple((i, bytes(2)) for i in range(1, 8)) + (psc(1),)})]


@test
def header_forms():
    """sequence and N-PDU numbers, spare bit, extension headers in chains (5.1, 5.2)"""
    with core() as k, Tunnels(k) as t:
        for outer, inner in PAIRS:
            s = t.session(11, inner=inner, outer=outer)
            for what, kwargs in HEADERS:
                if 0x38 == kwargs.get("flags"):
                    t.up_raw(s, gtpu(G_PDU, s.teid_in, upward(s, inner), flags=0x38))
                    ensure(what, t.at_inet())
                    continue
                went_up(t, s, upward(s, inner), f"IPv{inner} in IPv{outer}, {what}", **kwargs)
            s.remove(k)


@test
def unknown_extension():
    """an extension header that must be understood and is not: no packet, a notification (7.2.3)"""
    with core() as k, Tunnels(k) as t:
        for outer in FAMILIES:
            s = t.session(11, outer=outer)
            for chain in (((0x9f, b"ab"),), ((0xdf, b"ab"),), (psc(9), (0xfe, bytes(6))),
                          ((0x20, b"ab"), (0x90, b"ab"), psc(1))):
                before = t.drops().get("extension-header", 0)
                t.up(s, upward(s), ext=chain)
                g = t.at_enb()
                check(f"{chain}: dropped", before + 1, t.drops().get("extension-header", 0))
                check(f"{chain}: nothing goes on", None, t.at_inet(0.05))
                ensure(f"{chain}: told", g and g.gtp)
                check("notification", (31, s.upf, s.peer), (g.gtp.kind, g.src, g.dst))
                ensure("its list names what is supported", 0x85 in g.gtp.elements()[141])
                t.extra += 1
            s.remove(k)


def inner_of(outer, s):
    return upward(s, 4, b"0123456789" * 4)


@test
def truncation():
    """a G-PDU that ends at any byte: never forwarded in part, always counted"""
    with core() as k, Tunnels(k) as t:
        for outer in FAMILIES:
            for fam in FAMILIES:
                s = t.session(11, inner=fam, outer=outer)
                whole = gpdu(s.teid_in, upward(s, fam, b"0123456789"), seq=1,
                             ext=((0x20, b"ab"), psc(9, more=bytes(4))))
                for size in range(len(whole)):
                    # the outer lengths say what is there; GTP-U says what was
                    t.up_raw(s, whole[:size])
                t.up_raw(s, whole)
                ensure("the whole one arrives", t.at_inet())
                t.quiet(f"IPv{fam} in IPv{outer}, truncated")
                s.remove(k)
        check("counted", sum(t.drops().values()), t.delta("gtpu-received") - 4)


@test
def truncation_relabelled():
    """the same with lengths of GTP-U that are made right: what is no packet does not go on"""
    with core() as k, Tunnels(k) as t:
        for fam in FAMILIES:
            s = t.session(11, inner=fam)
            inner = upward(s, fam, b"0123456789")
            whole = gpdu(s.teid_in, inner, seq=1, ext=((0x20, b"ab"), psc(9, more=bytes(4))))
            for size in range(8, len(whole)):
                t.up_raw(s, whole[:2] + struct.pack("!H", size - 8) + whole[4:size])
            t.quiet(f"IPv{fam}")
            s.remove(k)


@test
def truncated_outer():
    """an outer packet that ends before its own lengths say"""
    with core() as k, Tunnels(k, check_wire=False) as t:
        for outer in FAMILIES:
            s = t.session(11, outer=outer)
            whole = datagram((s.peer, PORT), (s.upf, PORT),
                             gpdu(s.teid_in, upward(s), ext=(psc(1),)))
            for size in range(20 if outer == 4 else 40, len(whole)):
                t.enb.send(whole[:size])
            t.quiet(f"IPv{outer}")
            went_up(t, s, upward(s), "and then a whole one")
            s.remove(k)


def wrong_lengths(s, inner):
    """(what, message, keywords of datagram) that must not go on."""
    right = gpdu(s.teid_in, inner)
    yield "GTP-U length too large", gpdu(s.teid_in, inner, length=len(inner) + 1), {}
    yield "GTP-U length 65535", gpdu(s.teid_in, inner, length=65535), {}
    yield "GTP-U length cuts the inner packet", gpdu(s.teid_in, inner, length=len(inner) - 1), {}
    yield "GTP-U length 0", gpdu(s.teid_in, inner, length=0), {}
    yield "nothing inside", gpdu(s.teid_in, b""), {}
    yield "one octet inside", gpdu(s.teid_in, b"\x45"), {}
    yield "version 2", bytes([0x50]) + right[1:], {}
    yield "version 0", bytes([0x10]) + right[1:], {}
    yield "GTP'", bytes([0x20]) + right[1:], {}
    yield "extension header of length 0", \
        gpdu(s.teid_in, b"\x00\x00\x00\x00" + inner, flags=0x34)[:11] + b"\x85" + bytes(4) + inner, {}
    yield "extension header beyond the end", \
        gtpu(G_PDU, s.teid_in, bytes([255, 0, 1, 0]) + inner, flags=0)[:0] + \
        struct.pack("!BBHIHBB", 0x34, G_PDU, 8 + len(inner), s.teid_in, 0, 0, 0x85) \
        + bytes([255, 0, 1, 0]) + inner, {}
    yield "inner version 5", gpdu(s.teid_in, b"\x55" + inner[1:]), {}
    yield "inner version 0", gpdu(s.teid_in, b"\x05" + inner[1:]), {}
    yield "UDP length 8", right, {"length": 8}
    yield "UDP length 0", right, {"length": 0}
    yield "UDP length of the header only", right, {"length": 16}


@test
def lengths():
    """wrong lengths and versions: dropped and counted, none goes on"""
    with core() as k, Tunnels(k, check_wire=False) as t:
        for outer, fam in PAIRS:
            s = t.session(11, inner=fam, outer=outer)
            for what, message, kwargs in wrong_lengths(s, upward(s, fam)):
                before = sum(t.drops().values())
                t.up_raw(s, message, outer=kwargs)
                what = f"IPv{fam} in IPv{outer}, {what}"
                t.quiet(what)
                ensure(f"{what}: counted", sum(t.drops().values()) == before + 1)
            went_up(t, s, upward(s, fam), "and then a good one")
            s.remove(k)


@test
def inner_lengths():
    """inner packets whose own header is wrong; octets behind an inner packet do not go on"""
    with core() as k, Tunnels(k) as t:
        s = t.session(11, inner=(4, 6))
        four, six = upward(s, 4, b"payload"), upward(s, 6, b"payload")
        bad = [("IPv4 length too large", ip(s.ue, REMOTE[4], four[20:], length=len(four) + 1)),
               ("IPv4 length below its header", ip(s.ue, REMOTE[4], four[20:], length=19)),
               ("IPv4 length 0", ip(s.ue, REMOTE[4], four[20:], length=0)),
               ("IPv4 header length 4", b"\x44" + four[1:]),
               ("IPv4 header length 15", b"\x4f" + four[1:30]),
               ("IPv6 length too large", six[:4] + struct.pack("!H", len(six)) + six[6:]),
               ("IPv6 header cut", six[:39]), ("IPv4 header cut", four[:19])]
        for what, inner in bad:
            t.dropped("malformed", lambda i=inner: t.up(s, i), what=what)
        damaged = four[:10] + bytes([four[10] ^ 0x55]) + four[11:]
        t.dropped("malformed", lambda: t.up(s, damaged), what="IPv4 header checksum")
        for inner in (four, six):
            t.up(s, inner + b"behind")
            p = t.at_inet()
            ensure("padding: passes", p)
            check("padding: removed", one_hop(inner).hex(), p.raw.hex())


@test
def udp_checksums():
    """outer UDP checksum: right, absent (also IPv6: RFC 6935), wrong"""
    with core() as k, Tunnels(k) as t:
        for outer in FAMILIES:
            s = t.session(11, outer=outer)
            went_up(t, s, upward(s), "right", outer={"check": True})
            went_up(t, s, upward(s), f"absent, IPv{outer}", outer={"check": False})
            s.remove(k)
        s = t.session(11)
        # The inner packet protects itself; whether a wrong outer sum is looked at is ours to say.
        t.up(s, upward(s), outer={"check": 0x1234})
        if not t.at_inet(0.1):
            check("counted", {"malformed": 1}, t.drops())


@test
def checksum_setting():
    """the endpoint's udp-checksum: made, or zero, in both families"""
    with core() as k:
        for value in (0, 1):
            with Tunnels(k, **{"udp-checksum": value}) as t:
                for outer, inner in PAIRS:
                    s = t.session(11, inner=inner, outer=outer)
                    for size in (0, 1, 2, 1000):
                        p = went_down(t, s, downward(s, inner, bytes(size)), f"IPv{outer}")
                        check(f"IPv{outer}, udp-checksum {value}", bool(value), bool(p.check))
                    s.remove(k)


@test
def entropy():
    """source port by inner flow when the endpoint says so: one per flow, many over flows (4.4.2.3)"""
    with core() as k, Tunnels(k, entropy=1) as t:
        for outer, inner in PAIRS:
            s = t.session(11, inner=inner, outer=outer)
            ports = set()
            for flow in range(16):
                packet = datagram((REMOTE[inner], 1000 + flow), (s.ue, 4000), b"x")
                have = {went_down(t, s, packet).sport for _ in range(3)}
                check("one flow, one port", 1, len(have))
                ports |= have
            ensure(f"IPv{inner} in IPv{outer}: {len(ports)} ports of 16 flows", len(ports) > 8)
            ensure("no well-known port", min(ports) >= 1024)
            s.remove(k)


@test
def teids():
    """TEIDs are the endpoint's: another endpoint's or nobody's are unknown"""
    with core() as k, Tunnels(k) as t:
        t.endpoint(3, UPF2[4])
        one = t.session(11)
        two = t.session(12, ep=3, teid_in=one.teid_in, upf=UPF2[4])  # the same TEID elsewhere
        went_up(t, one, upward(one))
        went_up(t, two, upward(two))
        t.dropped("spoofed-ue", lambda: t.up(one, upward(two)))
        went_down(t, two, downward(two))
        for teid in (0, 1, 0xffffffff, one.teid_in + 1):
            before = t.drops().get("unknown-teid", 0)
            t.up(one, upward(one), teid=teid)
            t.extra += len(t.enb.rest())  # Error Indication
            check(f"TEID {teid:#x}", before + 1, t.drops().get("unknown-teid", 0))
        check("nothing went on", [], t.inet.rest())


@test
def edge_teids():
    """TEIDs 1 and 0xffffffff, in and out, byte order"""
    with core() as k, Tunnels(k) as t:
        for n, teid in enumerate((1, 0xffffffff, 0x01020304, 0x80000000), 11):
            s = t.session(n, teid_in=teid, teid_out=teid ^ 0x00ff0000)
            went_up(t, s, upward(s))
            went_down(t, s, downward(s))


@test
def source_ports():
    """G-PDUs come from any UDP port, with and without IP options"""
    with core() as k, Tunnels(k) as t:
        s = t.session(11)
        for port in (1, 1023, 2123, 40000, 65535):
            went_up(t, s, upward(s), f"port {port}", sport=port)
        went_up(t, s, upward(s), "outer options", outer={"options": b"\x01" * 8})
        went_up(t, s, upward(s, options=b"\x01" * 4), "inner options")


@test
def protocols():
    """whatever IP carries: TCP, ICMP, ESP, SCTP, fragments, unknown protocols"""
    with core() as k, Tunnels(k) as t:
        for inner in FAMILIES:
            s = t.session(11, inner=inner)
            ue, far = (s.ue, 4000), (REMOTE[inner], 80)
            bodies = [(6, tcp(ue, far, b"GET")), (50, struct.pack("!II", 0x100, 1) + bytes(20)),
                      (132, struct.pack("!HHII", 4000, 80, 1, 0) + bytes(8)), (47, bytes(12)),
                      (253, b""), (17, udp(ue, far, b"x", check=False))]
            for protocol, body in bodies:
                went_up(t, s, ip(s.ue, far[0], body, protocol=protocol), f"protocol {protocol}")
                went_down(t, s, ip(far[0], s.ue, body, protocol=protocol), f"protocol {protocol}")
            went_up(t, s, echo_request(s.ue, far[0]))
            went_down(t, s, echo_request(far[0], s.ue))
            for f in fragments(upward(s, inner, bytes(1000)), 400):
                went_up(t, s, f, "fragment")
            for f in fragments(downward(s, inner, bytes(1000)), 400):
                went_down(t, s, f, "fragment")
            s.remove(k)


@test
def hop_limit():
    """a packet at its last hop does not go on, either way"""
    with core() as k, Tunnels(k, check_wire=False) as t:
        for inner in FAMILIES:
            s = t.session(11, inner=inner)
            went_up(t, s, upward(s, inner, ttl=2))
            went_down(t, s, downward(s, inner, ttl=2))
            for ttl in (0, 1):
                before = t.drops().get("ttl", 0)
                t.up(s, upward(s, inner, ttl=ttl))
                t.down(downward(s, inner, ttl=ttl))
                out = [p for p in t.inet.rest() if p.protocol == 17]
                out += [p for p in map(t_gtp, t.enb.rest()) if p.gtp and p.gtp.inner.protocol == 17]
                check(f"hop limit {ttl}: nothing goes on", [], out)
                ensure(f"hop limit {ttl}: counted", t.drops().get("ttl", 0) - before <= 2)
            s.remove(k)


def t_gtp(p):
    from gtp import read_gtp
    return read_gtp(p)


@test
def sessions_share_nothing():
    """two UEs at one gNB and one UE that changed its gNB keep their tunnels apart"""
    with core() as k, Tunnels(k) as t:
        one, two = t.session(11), t.session(12)
        went_down(t, one, downward(one))
        went_down(t, two, downward(two))
        one.peer = GNB2[4]
        one.teid_out = 0x777
        one.change(k, far=[one.far(2) | {"peer-ipv4": GNB2[4], "teid": 0x777}])
        went_down(t, one, downward(one))
        went_down(t, two, downward(two))
        went_up(t, one, upward(one), "from the new gNB")
        # Handover between families.
        two.peer, two.upf = GNB[6], UPF[6]
        two.conf["far"][1] = {"id": 2, "apply-action": "forw", "endpoint": 2,
                              "teid": two.teid_out, "peer-ipv6": GNB[6]}
        two.change(k, far=[two.far(2)])
        went_down(t, two, downward(two))


@test
def ue_to_ue():
    """UE to UE goes from tunnel to tunnel, by both sessions' rules"""
    with core() as k, Tunnels(k) as t:
        for inner in FAMILIES:
            for outer_one, outer_two in PAIRS:
                one = t.session(11, inner=inner, outer=outer_one)
                two = t.session(12, inner=inner, outer=outer_two)
                for a, b in ((one, two), (two, one)):
                    packet = datagram((a.ue, 5000), (b.ue, 6000), b"hello")
                    t.up(a, packet)
                    g = t.at_enb()
                    ensure(f"IPv{inner}, IPv{outer_one} to IPv{outer_two}: arrives", g and g.gtp)
                    check("tunnel", (b.upf, b.peer, b.teid_out), (g.src, g.dst, g.gtp.teid))
                    check("one hop", one_hop(packet).hex(), g.gtp.body.hex())
                for s in (one, two):
                    check("each counted once", [1, 1], [p["packets"] for p in s.remove(k)["pdr"]])
        t.quiet()


@test
def ue_to_itself():
    """a UE that sends to its own address gets its packet back, or nothing; never a loop"""
    with core() as k, Tunnels(k) as t:
        s = t.session(11)
        t.up(s, datagram((s.ue, 1), (s.ue, 2), b"me"))
        out = t.enb.rest()
        ensure("at most once", len(out) <= 1)


@test
def tunnel_in_tunnel():
    """a UE cannot reach the endpoint as if it were a gNB: a G-PDU inside a G-PDU opens no tunnel"""
    with core() as k, Tunnels(k, check_wire=False) as t:
        for outer in FAMILIES:
            for inner in FAMILIES:
                evil = t.session(11, inner=inner, outer=outer)
                good = t.session(12, inner=4, outer=inner)
                nested = datagram((evil.ue, PORT), (good.upf, PORT),
                                  gpdu(good.teid_in, upward(good, 4, b"forged")))
                t.up(evil, nested)
                out = t.inet.rest()
                check(f"IPv{inner} in IPv{outer}: nothing of the victim's goes out", [],
                      [p.raw for p in out if p.src == good.ue])
                t.enb.rest()
                evil.remove(k)
                good.remove(k)


@test
def unwanted_destinations():
    """inner packets to loopback, broadcast and the core's own link do not slip in"""
    with core() as k, Tunnels(k, check_wire=False) as t:
        s = t.session(11, inner=(4, 6))
        for dst in ("127.0.0.1", "255.255.255.255", "0.0.0.0", "240.0.0.1", "::1", "::",
                    "224.0.0.1", "ff02::1"):
            fam = 6 if ":" in dst else 4
            src = s.addresses[0] if fam == 4 else s.addresses[1]
            t.up(s, datagram((src, 4000), (dst, 9), b"x"))
            out = [p for p in t.inet.rest() if p.dst == dst]
            check(f"to {dst}", [], [p.raw.hex() for p in out])
            t.enb.rest()
