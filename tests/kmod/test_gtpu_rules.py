# SPDX-License-Identifier: GPL-2.0-or-later
"""Rules of TS 29.244 on packets: which PDR, what its FAR does with it.

Topology: lab.py and gtp.py. Which PDR a packet met is read from the PDRs' counters.
"""
import struct

from gtp import GNB2, REMOTE, REMOTE2, Tap, Tunnels, gpdu, if_index, psc, read_gtp, ue4, ue6
from lab import (UE2, check, core, ensure, ip_batch, mac, neighbours, spoilt, test,
                 until)
from packet import datagram, family, fragments, ip, tcp, udp
from test_gtpu import FAMILIES, PAIRS, downward, one_hop, upward, went_down, went_up


def met(s, k):
    """Ids of the PDRs that have counted something, with packets."""
    return {p["id"]: p["packets"] for p in s.get(k)["pdr"] if p["packets"]}


class Meets:
    """with Meets(k, s) as m: ... m.only(3): the packets since the last look met PDR 3."""

    def __init__(self, k, s):
        self.k, self.s, self.old = k, s, met(s, k)

    def __call__(self, count=1):
        """Of count packets, which may still be on their way."""
        want = count + sum(self.old.values())
        until(lambda: sum(met(self.s, self.k).values()) >= want, 0.5)
        new = met(self.s, self.k)
        out = {i: n - self.old.get(i, 0) for i, n in new.items() if n != self.old.get(i, 0)}
        self.old = new
        return out


def uplink_pdr(number, precedence, far=1, ep=1, teid=0x100b, **more):
    return {"id": number, "precedence": precedence, "source-interface": "access", "endpoint": ep,
            "teid": teid, "far-id": far} | more


def downlink_pdr(number, precedence, far=2, **more):
    return {"id": number, "precedence": precedence, "source-interface": "core",
            "far-id": far} | more


@test
def precedence():
    """the PDR of the lowest precedence that matches; equal ones by their id"""
    with core() as k, Tunnels(k) as t:
        s = t.session(11, install=False)
        s.conf["pdr"] += [uplink_pdr(5, 50), uplink_pdr(4, 50), uplink_pdr(6, 49, qfi=9),
                          uplink_pdr(7, 0xffffffff), downlink_pdr(8, 10), downlink_pdr(9, 11)]
        s.install(k)
        meets = Meets(k, s)
        went_up(t, s, upward(s))
        check("the lowest, then the lowest id", {4: 1}, meets())
        went_up(t, s, upward(s), ext=(psc(9),))
        check("lower with its QFI", {6: 1}, meets())
        went_down(t, s, downward(s))
        check("downlink", {8: 1}, meets())
        s.change(k, del_pdr=[4, 8])
        went_up(t, s, upward(s))
        check("after removal", {5: 1}, meets())
        went_down(t, s, downward(s))
        check("after removal", {9: 1}, meets())
        s.change(k, pdr=[uplink_pdr(7, 0)])
        went_up(t, s, upward(s), ext=(psc(9),))
        check("after a change of precedence", {7: 1}, meets())


@test
def qfi():
    """the QFI of the PDU Session Container selects; a PDR without one takes all"""
    with core() as k, Tunnels(k) as t:
        s = t.session(11, install=False)
        s.conf["pdr"] = [uplink_pdr(1, 10, qfi=1), uplink_pdr(2, 20, qfi=63),
                         uplink_pdr(3, 30, qfi=0), downlink_pdr(4, 10)]
        s.install(k)
        meets = Meets(k, s)
        for value, number in ((1, 1), (63, 2), (0, 3)):
            went_up(t, s, upward(s), ext=(psc(value),))
            check(f"QFI {value}", {number: 1}, meets())
        t.dropped("no-pdr", lambda: t.up(s, upward(s), ext=(psc(2),)), what="another QFI")
        t.dropped("no-pdr", lambda: t.up(s, upward(s)), what="no QFI")
        # A downlink container is of the other direction, yet carries a QFI (TS 38.415 5.5.2.1).
        went_up(t, s, upward(s), ext=(psc(1, downlink=True),))
        s.change(k, pdr=[uplink_pdr(9, 90)])
        meets(0)
        went_up(t, s, upward(s), ext=(psc(2),))
        went_up(t, s, upward(s))
        check("any", {9: 2}, meets(2))


@test
def no_rules():
    """a session whose PDRs match nothing, and one that loses them"""
    with core() as k, Tunnels(k) as t:
        s = t.session(11, install=False)
        never = {"filter": [{"protocol": 254}]}
        s.pdr(1).update(never)
        s.pdr(2).update(never)
        s.install(k)
        t.dropped("no-pdr", lambda: t.up(s, upward(s)))
        t.dropped("no-pdr", lambda: t.down(downward(s)))


# --- filters ---

def filter_sides(fam):
    """(filter, matching keywords, another) of packets by (ue port, remote, remote port, ...)."""
    far, far2 = REMOTE[fam], REMOTE2[fam]
    name = f"remote-ipv{fam}"
    full = 32 if fam == 4 else 128
    low = {4: "203.0.113.8", 6: "2001:db8:9::8"}[fam]
    return [
        ({"protocol": 17}, {"proto": 17}, {"proto": 6}),
        ({"protocol": 6}, {"proto": 6}, {"proto": 17}),
        ({"protocol": 0}, {"proto": 0}, {"proto": 17}) if fam == 4 else
        ({"protocol": 17}, {}, {"proto": 6}),
        ({name: far}, {"remote": far}, {"remote": far2}),
        ({name: far, "remote-prefix-len": full}, {"remote": far}, {"remote": far2}),
        ({name: low, "remote-prefix-len": full - 1}, {"remote": far}, {"remote": far2}),
        ({name: far2, "remote-prefix-len": 0}, {"remote": far}, None),
        ({"ue-ports": [4000 << 16 | 4000]}, {"ue_port": 4000}, {"ue_port": 4001}),
        ({"ue-ports": [4000 << 16 | 4010]}, {"ue_port": 4000}, {"ue_port": 3999}),
        ({"ue-ports": [4000 << 16 | 4010]}, {"ue_port": 4010}, {"ue_port": 4011}),
        ({"remote-ports": [80 << 16 | 80]}, {"remote_port": 80}, {"remote_port": 4000}),
        ({"remote-ports": [1 << 16 | 2, 80 << 16 | 80, 90 << 16 | 99]}, {"remote_port": 99},
         {"remote_port": 81}),
        ({"remote-ports": [i << 16 | i for i in range(1, 9)]}, {"remote_port": 8},
         {"remote_port": 9}),
        ({"remote-ports": [0 << 16 | 65535]}, {"remote_port": 0}, None),
        ({"remote-ports": [80 << 16 | 80]}, {"remote_port": 80}, {"proto": 50}),
        ({"ue-ports": [4000 << 16 | 4000]}, {"proto": 6, "ue_port": 4000}, {"proto": 1}),
        ({"tos": 0xb8}, {"tos": 0xb8}, {"tos": 0xb9}),
        ({"tos": 0xb8, "tos-mask": 0xfc}, {"tos": 0xb9}, {"tos": 0x28}),
        ({"spi": 0x1234}, {"proto": 50, "spi": 0x1234}, {"proto": 50, "spi": 0x1235}),
        ({"spi": 0x1234}, {"proto": 51, "spi": 0x1234}, {"proto": 17}),
        ({"protocol": 17, name: far, "remote-ports": [53 << 16 | 53],
          "ue-ports": [4000 << 16 | 4001]}, {"remote_port": 53}, {"remote_port": 54}),
    ] + ([({"flow-label": 0xabcde}, {"label": 0xabcde}, {"label": 0xabcdf}),
          ({"flow-label": 0}, {"label": 0}, {"label": 1})] if fam == 6 else [])


def made(ue, uplink, proto=17, remote=None, ue_port=4000, remote_port=53, tos=0, spi=1, label=0):
    fam = family(ue)
    remote = remote or REMOTE[fam]
    a, b = (ue, ue_port), (remote, remote_port)
    src, dst = (a, b) if uplink else (b, a)
    if proto == 17:
        body = udp(src, dst, b"filtered")
    elif proto == 6:
        body = tcp(src, dst, b"filtered")
    elif proto == 50:
        body = struct.pack("!II", spi, 1) + bytes(24)
    elif proto == 51:
        body = struct.pack("!BBHII", 59 if fam == 6 else 253, 4, 0, spi, 1) + bytes(12)
    else:
        body = bytes(16)
    packet = ip(src[0], dst[0], body, protocol=proto, tos=tos)
    if label:
        packet = struct.pack("!I", struct.unpack_from("!I", packet)[0] | label) + packet[4:]
    return packet


@test
def filters():
    """every field of an SDF filter, at its edges, uplink and downlink, IPv4 and IPv6"""
    with core() as k, Tunnels(k) as t:
        for fam in FAMILIES:
            for f, yes, no in filter_sides(fam):
                s = t.session(11, inner=fam, install=False)
                s.conf["pdr"] += [uplink_pdr(3, 1, filter=[f]), downlink_pdr(4, 1, filter=[f])]
                s.install(k)
                meets = Meets(k, s)
                for packet, hit in ((yes, True), (no, False)):
                    if packet is None:
                        continue
                    what = f"IPv{fam}, {f}, {packet}"
                    t.up(s, made(s.ue, True, **packet))
                    check(f"{what}: uplink", {3 if hit else 1: 1}, meets())
                    t.down(made(s.ue, False, **packet))
                    check(f"{what}: downlink", {4 if hit else 2: 1}, meets())
                s.remove(k)


@test
def filter_ue_side():
    """the UE's side of a filter: its address and prefix, source uplink and destination downlink"""
    with core() as k, Tunnels(k) as t:
        s = t.session(11, inner=(4, 6), install=False)
        host = ue6(11, "77")
        f = [{"ue-ipv6": host}]
        g = [{"ue-ipv4": "10.45.0.0", "ue-prefix-len": 24}]
        h = [{"ue-ipv6": ue6(12, "0"), "ue-prefix-len": 64}]
        s.conf["pdr"] += [uplink_pdr(3, 1, filter=f), downlink_pdr(4, 1, filter=f),
                          uplink_pdr(5, 2, filter=g), downlink_pdr(6, 2, filter=g),
                          uplink_pdr(7, 0, filter=h), downlink_pdr(8, 0, filter=h)]
        s.install(k)
        meets = Meets(k, s)
        went_up(t, s, datagram((host, 1), (REMOTE[6], 2), b"x"))
        went_down(t, s, datagram((REMOTE[6], 1), (host, 2), b"x"))
        check("one address of the prefix", {3: 1, 4: 1}, meets(2))
        went_up(t, s, upward(s, 6))
        went_down(t, s, downward(s, 6))
        check("another of it", {1: 1, 2: 1}, meets(2))
        went_up(t, s, upward(s, 4))
        went_down(t, s, downward(s, 4))
        check("IPv4", {5: 1, 6: 1}, meets(2))


@test
def filter_directions():
    """a filter of one direction matches in that one only; several filters: one is enough"""
    with core() as k, Tunnels(k) as t:
        s = t.session(11, install=False)
        for direction, up, down in ((1, 3, 2), (2, 1, 4), (3, 3, 4), (None, 3, 4)):
            f = {"protocol": 17} | ({"direction": direction} if direction else {})
            s = t.session(11, install=False)
            s.conf["pdr"] += [uplink_pdr(3, 1, filter=[{"protocol": 254}, f]),
                              downlink_pdr(4, 1, filter=[f, {"protocol": 254}])]
            s.install(k)
            meets = Meets(k, s)
            went_up(t, s, upward(s))
            went_down(t, s, downward(s))
            check(f"direction {direction}", {up: 1, down: 1}, meets(2))
            s.remove(k)


@test
def filter_fragments():
    """inner fragments: those that have no ports match no filter with ports; none leaks elsewhere"""
    with core() as k, Tunnels(k) as t:
        for fam in FAMILIES:
            s = t.session(11, inner=fam, install=False)
            ports = [{"protocol": 17, "remote-ports": [53 << 16 | 53]}]
            s.conf["pdr"] += [uplink_pdr(3, 1, filter=ports), downlink_pdr(4, 1, filter=ports)]
            s.install(k)
            meets = Meets(k, s)
            pieces = fragments(upward(s, fam, bytes(1000)), 400)
            for piece in pieces:
                t.up(s, piece)
            have = meets(3)
            # The first has the ports; a later one may be known by the first, or be the default's.
            ensure(f"IPv{fam} uplink {have}", have.get(3, 0) >= 1 and sum(have.values()) == 3
                   and set(have) <= {1, 3})
            # A fragment that is alone has no ports, whatever its first octets look like.
            alone = fragments(ip(s.ue, REMOTE[fam], bytes(400) + struct.pack("!HH", 4000, 53)
                                 + bytes(396)), 400 if fam == 4 else 408)[1]
            t.up(s, alone)
            check(f"IPv{fam}: alone", {1: 1}, meets())
            for piece in fragments(downward(s, fam, bytes(1000)), 400):
                t.down(piece)
            have = meets(3)
            ensure(f"IPv{fam} downlink {have}", have.get(4, 0) >= 1 and set(have) <= {2, 4})
            s.remove(k)


@test
def filter_short_transport():
    """a transport header that is cut short has no ports to match"""
    with core() as k, Tunnels(k) as t:
        for fam in FAMILIES:
            s = t.session(11, inner=fam, install=False)
            s.conf["pdr"] += [uplink_pdr(3, 1, filter=[{"remote-ports": [0 << 16 | 65535]}])]
            s.install(k)
            for size in range(0, 4):
                before = sum(t.drops().values())
                t.up(s, ip(s.ue, REMOTE[fam], struct.pack("!HH", 4000, 53)[:size]))
                passed = t.at_inet(0.02)
                ensure("passed by the default, or malformed",
                       bool(passed) == (sum(t.drops().values()) == before))
            check("not matched", {}, {i: n for i, n in met(s, k).items() if i == 3})
            s.remove(k)


@test
def filter_extension_headers():
    """IPv6 extension headers before the transport header do not hide it from filters"""
    with core() as k, Tunnels(k) as t:
        s = t.session(11, inner=6, install=False)
        s.conf["pdr"] += [uplink_pdr(3, 1, filter=[{"protocol": 17,
                                                    "remote-ports": [53 << 16 | 53]}])]
        s.install(k)
        meets = Meets(k, s)
        transport = udp((s.ue, 4000), (REMOTE[6], 53), b"x")
        hop = bytes([17, 0, 1, 4, 0, 0, 0, 0])          # PadN
        dst = bytes([17, 1, 1, 12]) + bytes(12)
        chain = bytes([60, 0, 1, 4, 0, 0, 0, 0]) + dst  # hop-by-hop, destination options
        for what, head, protocol in (("hop-by-hop", hop, 0), ("destination", dst, 60),
                                     ("both", chain, 0)):
            t.up(s, ip(s.ue, REMOTE[6], head + transport, protocol=protocol))
            check(f"{what}; drops {t.drops()}", {3: 1}, meets())


# --- FAR ---

@test
def drop():
    """apply-action drop, both ways; counted by FAR and PDR"""
    with core() as k, Tunnels(k) as t:
        s = t.session(11)
        s.change(k, far=[{"id": 1, "apply-action": "drop"}, {"id": 2, "apply-action": "drop"}])
        t.dropped("far", lambda: t.up(s, upward(s)))
        t.dropped("far", lambda: t.down(downward(s)))
        check("by PDR", [1, 1], [p["dropped"] for p in s.get(k)["pdr"]])
        s.change(k, far=[s.far(1), s.far(2)])
        went_up(t, s, upward(s))
        went_down(t, s, downward(s))


@test
def transport_marking():
    """DSCP of the outer header: the FAR's, else the inner packet's; of the packet without a tunnel"""
    with core() as k, Tunnels(k) as t:
        for outer, inner in PAIRS:
            s = t.session(11, inner=inner, outer=outer)
            for inner_dscp in (0, 10, 46, 63):
                p = went_down(t, s, downward(s, inner, tos=inner_dscp << 2))
                check("the inner packet's", inner_dscp, p.tos >> 2)
            for dscp in (0, 34, 63):
                s.change(k, far=[s.far(2) | {"dscp": dscp}, s.far(1) | {"dscp": dscp}])
                p = went_down(t, s, downward(s, inner, tos=46 << 2))
                check("the FAR's", dscp, p.tos >> 2)
                check("inner unchanged", 46, p.gtp.inner.tos >> 2)
                t.up(s, upward(s, inner, tos=46 << 2))
                p = t.at_inet()
                check("uplink: the FAR's", dscp, p.tos >> 2)
                ensure("header checksum", p.header_ok)
            s.remove(k)


@test
def ecn():
    """ECN by RFC 6040: copied out, combined on the way in, CE over Not-ECT dropped"""
    not_ect, ect1, ect0, ce = range(4)
    table = {(i, o): i for i in range(4) for o in range(4)}
    table |= {(ect0, ect1): ect1, (ect0, ce): ce, (ect1, ce): ce, (not_ect, ce): None}
    with core() as k, Tunnels(k) as t:
        for outer, inner in PAIRS:
            s = t.session(11, inner=inner, outer=outer)
            for e in range(4):
                p = went_down(t, s, downward(s, inner, tos=40 | e))
                check(f"IPv{outer}: outer of {e}", e, p.tos & 3)
                check(f"IPv{outer}: inner of {e}", e, p.gtp.inner.tos & 3)
            for (i, o), wanted in table.items():
                t.up(s, upward(s, inner, tos=40 | i), outer={"tos": 0xb8 | o})
                p = t.at_inet(0.05 if wanted is None else 10)
                check(f"IPv{inner} in IPv{outer}: inner {i}, outer {o}", wanted,
                      p and p.tos & 3)
                if p:
                    check("DSCP is the inner one", 10, p.tos >> 2)
                    ensure("checksum", p.header_ok and p.sum_ok)
            s.remove(k)


@test
def qfi_marking():
    """a QER's QFI goes out in a PDU Session Container of the downlink, first of the headers"""
    with core() as k, Tunnels(k) as t:
        for outer, inner in PAIRS:
            s = t.session(11, inner=inner, outer=outer, install=False)
            s.add("qer", {"id": 1, "qfi": 9}, pdrs=(1, 2)).install(k)
            g = went_down(t, s, downward(s, inner)).gtp
            check("flags", 0x34, g.flags)
            check("one header", [0x85], [kind for kind, _ in g.ext])
            check("downlink, QFI", (0, 9), (g.pdu_type, g.qfi))
            for value in (0, 63):
                s.change(k, qer=[{"id": 1, "qfi": value}])
                check("changed", value, went_down(t, s, downward(s, inner)).gtp.qfi)
            s.remove(k)


@test
def peer_port():
    """outer header creation with a port"""
    with core() as k, Tunnels(k) as t:
        s = t.session(11, install=False)
        s.far(2)["peer-port"] = 32152
        s.install(k)
        t.down(downward(s))
        p = t.at_enb()
        check("port", 32152, p.dport)
        ensure("GTP-U", read_gtp(p).gtp or p.dport == 32152)


@test
def tunnel_to_tunnel():
    """an SGW-U: from one tunnel into another, both ways, without an address of the UE"""
    with core() as k, Tunnels(k) as t:
        for outer_in, outer_out in PAIRS:
            for keep in (0, 1):
                a = t.session(11, outer=outer_in, install=False)
                ep_out = 1 if outer_out == 4 else 2
                peer_out = {f"peer-ipv{outer_out}": GNB2[outer_out]}
                a.conf.pop("ue-ipv4")
                a.conf["pdr"] = [
                    uplink_pdr(1, 1, far=1, ep=1 if outer_in == 4 else 2)
                    | {"any-source": 1, "keep-outer-header": keep},
                    uplink_pdr(2, 1, far=2, ep=ep_out, teid=0x5555)
                    | {"source-interface": "core", "keep-outer-header": keep}]
                a.conf["far"][0] = {"id": 1, "apply-action": "forw", "destination-interface": "core",
                                    "endpoint": ep_out, "teid": 0x999} | peer_out
                a.install(k)
                inner = datagram((ue4(99), 1), (REMOTE[4], 2), b"s5")
                t.up(a, inner)
                p = t.at_enb()
                ensure(f"uplink, keep {keep}", p and p.gtp)
                check("uplink", (GNB2[outer_out], 0x999), (p.dst, p.gtp.teid))
                ensure("inner", p.gtp.body in (inner, one_hop(inner)))
                back = datagram((REMOTE[4], 2), (ue4(99), 1), b"s5")
                src = (GNB2[outer_out], 2152)
                upf = "10.46.0.6" if outer_out == 4 else "fd46::6"
                t.enb.send(datagram(src, (upf, 2152), gpdu(0x5555, back)))
                p = t.at_enb()
                ensure(f"downlink, keep {keep}", p and p.gtp)
                check("downlink", (a.peer, a.teid_out), (p.dst, p.gtp.teid))
                ensure("inner", p.gtp.body in (back, one_hop(back)))
                a.remove(k)


@test
def duplicate():
    """a copy of what a FAR forwards goes to the duplication's tunnel, too"""
    with core() as k, Tunnels(k) as t:
        for outer in FAMILIES:
            dup = {"dup-endpoint": 1 if outer == 4 else 2, "dup-teid": 0xd00d,
                   f"dup-ipv{outer}": GNB2[outer]}
            for action in ("forw+dupl", "drop+dupl"):
                s = t.session(11, install=False)
                for f in s.conf["far"]:
                    f.update(dup | {"apply-action": action})
                s.install(k)
                forw = action == "forw+dupl"
                t.up(s, upward(s))
                copies = [read_gtp(p) for p in t.enb.rest()]
                check(f"{action}: copies uplink", [(GNB2[outer], 0xd00d)],
                      [(p.dst, p.gtp.teid) for p in copies])
                ensure("of the packet", copies[0].gtp.body in (upward(s), one_hop(upward(s))))
                check(f"{action}: goes on", forw, bool(t.at_inet(0.1)))
                t.down(downward(s))
                out = sorted((p.gtp.teid, p.dst) for p in map(read_gtp, t.enb.rest()))
                check(f"{action}: downlink", sorted([(0xd00d, GNB2[outer])]
                      + ([(s.teid_out, s.peer)] if forw else [])), out)
                t.extra += 2
                s.remove(k)


# --- network instances ---

@test
def network_instance():
    """a PDR of a device takes only what has arrived by it; a FAR's device is where it leaves"""
    with core() as k, Tunnels(k) as t:
        ci, c2 = if_index("ci"), if_index("c2")
        for fam in FAMILIES:
            s = t.session(11, inner=fam, install=False)
            s.pdr(2)["device"] = c2
            s.install(k)
            t.dropped("no-pdr", lambda s=s, f=fam: t.down(downward(s, f)), what="another device")
            s.change(k, pdr=[s.pdr(2) | {"device": ci}])
            went_down(t, s, downward(s, fam))
            s.change(k, far=[s.far(1) | {"device": ci}])
            went_up(t, s, upward(s, fam))
            s.remove(k)


@test
def vrf():
    """network instances as VRFs: two UEs of the same remote address, each in its own"""
    ip_batch("core", ["link add red type vrf table 77", "link set red up",
                      "link set c2 master red"])
    try:
        # Addresses of a device go to its VRF's table; what is behind ue2 is red's internet.
        ip_batch("core", ["addr replace fd45:2::1/64 dev c2 nodad",
                          "route replace 203.0.113.0/24 via 10.45.2.2 dev c2 table 77",
                          "route replace 2001:db8:9::/48 via fd45:2::2 dev c2 table 77"])
        with core() as k, Tunnels(k, check_wire=False) as t:
            red = if_index("red")
            # The device went down and up: no packet is to wait for the neighbour to be found.
            neighbours("core", [(UE2[f], mac("ue2", "v2"), "c2") for f in FAMILIES])
            other = Tap("ue2", "v2", mac("core", "c2"))
            for fam in FAMILIES:
                s = t.session(11, inner=fam, install=False)
                s.far(1)["device"] = red
                s.pdr(2)["device"] = red
                s.install(k)
                t.up(s, upward(s, fam))
                p = other.next()
                ensure(f"IPv{fam}: leaves by the VRF", p)
                check("packet", one_hop(upward(s, fam)), p.raw)
                check("not by the other", None, t.at_inet(0.05))
                other.send(downward(s, fam))
                ensure(f"IPv{fam}: comes by the VRF", t.at_enb())
                before = t.drops().get("no-pdr", 0)
                t.down(downward(s, fam))
                check("not from the other", before + 1, t.drops().get("no-pdr", 0))
                s.remove(k)
            other.close()
    finally:
        ip_batch("core", ["link set c2 nomaster", "link del red",
                          "addr replace fd45:2::1/64 dev c2 nodad"])
        spoilt("the policy rule of VRFs stays, and with it every packet takes the stack's way")


# --- changes ---

@test
def replace_in_place():
    """a rule that is given again replaces the old one as a whole; counters go on"""
    with core() as k, Tunnels(k) as t:
        s = t.session(11, install=False)
        s.pdr(1)["filter"] = [{"protocol": 17}]
        s.install(k)
        went_up(t, s, upward(s))
        s.change(k, pdr=[uplink_pdr(1, 5)])
        t.up(s, made(s.ue, True, proto=6))
        ensure("the filter is gone", t.at_inet())
        check("count goes on", 2, s.counters(k, "pdr", 1)["packets"])
        s.change(k, pdr=[uplink_pdr(1, 5) | {"teid": 0x4444}])
        before = t.drops().get("unknown-teid", 0)
        t.up(s, upward(s))
        t.extra += len(t.enb.rest())
        check("the old TEID is gone", before + 1, t.drops().get("unknown-teid", 0))
        went_up(t, s, upward(s), teid=0x4444)
        check("count goes on", 3, s.counters(k, "pdr", 1)["packets"])


@test
def change_of_address():
    """a session gets another UE address: the old one's is nobody's, the new one's is its"""
    with core() as k, Tunnels(k, check_wire=False) as t:
        s = t.session(11)
        went_down(t, s, downward(s))
        s.change(k, ue_ipv4=ue4(21))
        s.addresses, s.ue = [ue4(21)], ue4(21)
        went_down(t, s, downward(s))
        went_up(t, s, upward(s))
        t.dropped("spoofed-ue", lambda: t.up(s, datagram((ue4(11), 1), (REMOTE[4], 2), b"x")))
        before = t.delta("gtpu-sent")
        t.down(datagram((REMOTE[4], 1), (ue4(11), 2), b"x"))
        t.inet.rest()
        check("old address: no tunnel", before, t.delta("gtpu-sent"))


@test
def removal():
    """a removed session takes nothing more; its TEID and address are free at once"""
    with core() as k, Tunnels(k, check_wire=False) as t:
        for _ in range(3):
            s = t.session(11, inner=(4, 6))
            went_up(t, s, upward(s))
            went_down(t, s, downward(s, 6))
            final = s.remove(k)
            check("final", [1, 1], [p["packets"] for p in final["pdr"]])
            t.up(s, upward(s))
            check("nothing", None, t.at_inet(0.05))
            t.enb.rest()


@test
def local_delivery():
    """a UE talks with a socket of the core itself, both ways, IPv4 and IPv6"""
    import socket
    from lab import RELAY, inside
    with core() as k, Tunnels(k, check_wire=False) as t:
        for outer, inner in PAIRS:
            s = t.session(11, inner=inner, outer=outer)
            with inside("core"):
                server = socket.socket(socket.AF_INET6 if inner == 6 else socket.AF_INET,
                                       socket.SOCK_DGRAM)
            server.bind((RELAY[inner], 5060))
            server.settimeout(10)
            t.up(s, datagram((s.ue, 4000), (RELAY[inner], 5060), b"REGISTER"))
            data, where = server.recvfrom(100)
            check("arrives", (b"REGISTER", s.ue, 4000), (data, where[0], where[1]))
            server.sendto(b"200 OK", where)
            p = t.at_enb()
            ensure("answer", p and p.gtp)
            check("answer in the tunnel", (s.teid_out, b"200 OK"),
                  (p.gtp.teid, p.gtp.inner.payload))
            ensure("checksums", p.gtp.inner.sum_ok and p.gtp.inner.header_ok)
            server.close()
            s.remove(k)


@test
def packed():
    """addresses that differ in one bit, TEIDs in sequence: 200 sessions, each gets its own"""
    with core() as k, Tunnels(k) as t:
        many = [t.session(n, inner=(4, 6), outer=4 + n % 2 * 2, install=False)
                for n in range(20, 220)]
        for i in range(0, len(many), 50):
            k.session_new(*[s.conf for s in many[i:i + 50]])
        check("all there", len(many), len(k.sessions()))
        for s in many:
            t.down(downward(s, 6))
            t.up(s, upward(s, 4))
        out = [read_gtp(p) for p in t.enb.rest()]
        check("downlink", sorted(s.teid_out for s in many), sorted(p.gtp.teid for p in out))
        check("to its own phone", True,
              all(p.gtp.inner.dst == ue6(p.gtp.teid - 0x2000) for p in out))
        check("uplink", sorted(s.ue for s in many), sorted(p.src for p in t.inet.rest()))
        for i in range(0, len(many), 50):
            k.session_del(*[s.id for s in many[i:i + 50]])
