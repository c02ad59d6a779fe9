# SPDX-License-Identifier: GPL-2.0-or-later
"""Media between tunnels: GTP-U, RTP relay and GTP-U in one pass, and every mixture with plain IP.

    phone 11 ==tunnel== enb ---- core: relay 10.46.0.1, fd46::1 ---- enb ==tunnel== phone 12
                                       |
                                      ue2 (plain IP)

Topology: lab.py and gtp.py.
"""
from gtp import GNB2, Tap, Tunnels, read_gtp
from lab import RELAY, UE2, check, core, drops, ensure, mac, test
from packet import datagram, rtp
from test_gtpu import FAMILIES, PAIRS

IN, OUT, FROM, TO = 20100, 20102, 40000, 40002


def address(name, value):
    return {f"{name}-ipv{6 if ':' in value else 4}": value}


def relay(peer, dst, in_family, out_family, **more):
    """A flow from peer to dst."""
    return {"media": "rtp", "local-port": IN, "peer-port": FROM, "src-port": OUT, "dst-port": TO} \
        | address("local", RELAY[in_family]) | address("peer", peer) \
        | address("src", RELAY[out_family]) | address("dst", dst) | more


def media(src, fam, seq, **kwargs):
    return datagram((src, FROM), (RELAY[fam], IN), rtp(seq), **kwargs)


def check_media(what, p, fam, dst, seq):
    """The packet that the relay has sent on."""
    check(f"{what}: from, to", ((RELAY[fam], OUT), (dst, TO)), ((p.src, p.sport), (p.dst, p.dport)))
    check(f"{what}: payload", rtp(seq), p.payload)
    ensure(f"{what}: checksums", p.header_ok and p.sum_ok and p.check)


def of(s, fam):
    return next(a for a in s.addresses if (":" in a) == (fam == 6))


@test
def tunnel_to_tunnel():
    """tunnel, relay, tunnel: outer and inner families of both sides in all 16 ways"""
    with core() as k, Tunnels(k) as t:
        for outer_a, outer_b in PAIRS:
            a = t.session(11, inner=(4, 6), outer=outer_a)
            b = t.session(12, inner=(4, 6), outer=outer_b, peer=GNB2[outer_b])
            for in_fam, out_fam in PAIRS:
                what = f"IPv{in_fam} in IPv{outer_a} to IPv{out_fam} in IPv{outer_b}"
                number = k.rtp_new(relay(of(a, in_fam), of(b, out_fam), in_fam, out_fam))
                for seq in range(3):
                    # without an outer checksum: by the short way
                    t.up(a, media(of(a, in_fam), in_fam, seq, tos=0xb8), outer={"check": seq == 1})
                    p = t.at_enb()
                    ensure(f"{what}: arrives", p and p.gtp)
                    check("tunnel", (b.upf, b.peer, b.teid_out), (p.src, p.dst, p.gtp.teid))
                    check_media(what, p.gtp.inner, out_fam, of(b, out_fam), seq)
                    check("DSCP, inner and outer", (0xb8, 0xb8), (p.gtp.inner.tos, p.tos))
                c = k.rtp_del(number)["counters"]
                check("flow", (3, 516, {}), (c["packets"], c["octets"], drops(c)))
            check("PDRs", [12, 0, 0, 12], [p["packets"] for s in (a, b) for p in s.remove(k)["pdr"]])


@test
def tunnel_to_ip_and_back():
    """tunnel, relay, plain IP; plain IP, relay, tunnel"""
    with core() as k, Tunnels(k) as t:
        plain = Tap("ue2", "v2", mac("core", "c2"))
        for outer in FAMILIES:
            a = t.session(11, inner=(4, 6), outer=outer)
            for fam, far in PAIRS:
                what = f"IPv{fam} in IPv{outer} and IPv{far}"
                there = k.rtp_new(relay(of(a, fam), UE2[far], fam, far))
                back = k.rtp_new(relay(UE2[far], of(a, fam), far, fam, **{"local-port": IN + 2}))
                t.up(a, media(of(a, fam), fam, 1), outer={"check": False})
                p = plain.next(lambda p: p.protocol == 17 and p.dport == TO)
                ensure(f"{what}: arrives", p)
                check_media(what, p, far, UE2[far], 1)
                plain.send(datagram((UE2[far], FROM), (RELAY[far], IN + 2), rtp(2)))
                p = t.at_enb()
                ensure(f"{what}, back: arrives", p and p.gtp)
                check_media(what, p.gtp.inner, fam, of(a, fam), 2)
                for number in (there, back):
                    check("flow", 1, k.rtp_del(number)["counters"]["packets"])
            check("PDRs", [4, 4], [p["packets"] for p in a.remove(k)["pdr"]])
        plain.close()
        t.extra += 0  # as many came from ue2 as went there


@test
def rules_hold():
    """on the way through the relay the rules of both sessions hold, and the flow's own"""
    with core() as k, Tunnels(k) as t:
        a, b = t.session(11), t.session(12)
        number = k.rtp_new(relay(a.ue, b.ue, 4, 4))
        t.dropped("spoofed-ue", lambda: t.up(a, media(b.ue, 4, 1)))
        t.dropped("far", lambda: (a.change(k, far=[{"id": 1, "apply-action": "drop"}]),
                                  t.up(a, media(a.ue, 4, 1))), what="sender's FAR")
        a.change(k, far=[a.far(1)])
        t.dropped("far", lambda: (b.change(k, far=[{"id": 2, "apply-action": "drop"}]),
                                  t.up(a, media(a.ue, 4, 1))), what="receiver's FAR")
        b.change(k, far=[b.far(2)])
        k.rtp_replace(number, relay(a.ue, b.ue, 4, 4, gate="closed"))
        t.dropped("gate", lambda: t.up(a, media(a.ue, 4, 1)), what="the flow's gate")
        k.rtp_replace(number, relay(a.ue, b.ue, 4, 4))
        t.dropped("source", lambda: t.up(b, media(b.ue, 4, 1)), what="another phone")
        t.dropped("ttl", lambda: t.up(a, media(a.ue, 4, 1, ttl=1)), what="hop limit")
        t.up(a, media(a.ue, 4, 7))
        check_media("and then", t.at_enb().gtp.inner, 4, b.ue, 7)
        k.rtp_del(number)


@test
def waits_for_the_phone():
    """media to a phone whose FAR buffers waits, and comes in order when it forwards"""
    with core() as k, Tunnels(k) as t:
        a, b = t.session(11), t.session(12)
        number = k.rtp_new(relay(a.ue, b.ue, 4, 4))
        b.change(k, far=[b.far(2) | {"apply-action": "buff"}])
        for seq in range(10):
            t.up(a, media(a.ue, 4, seq))
        t.quiet("they wait")
        check("they wait", 10, k.stats()["buffered-packets"])
        b.change(k, far=[b.far(2)])
        out = [read_gtp(p).gtp.inner.payload for p in t.enb.rest()]
        check("in order", [rtp(seq) for seq in range(10)], out)
        k.rtp_del(number)


@test
def flow_goes():
    """a flow that is deleted under a tunnel's traffic: the packet is the host's again"""
    with core() as k, Tunnels(k, check_wire=False) as t:
        a, b = t.session(11), t.session(12)
        number = k.rtp_new(relay(a.ue, b.ue, 4, 4))
        t.up(a, media(a.ue, 4, 1))
        ensure("through", t.at_enb())
        k.rtp_del(number)
        t.up(a, media(a.ue, 4, 2))
        ensure("no media", not [p for p in map(read_gtp, t.enb.rest())
                                if p.gtp and p.gtp.teid == b.teid_out])
