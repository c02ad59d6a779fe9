# SPDX-License-Identifier: GPL-2.0-or-later
"""Tunnel, media relay, tunnel by one entry of the flow cache (kmod/gtpu/fused.c): the same packets
and counters as step by step, and whatever changes on the way counts from the next packet on.

    phone 11 ==tunnel== enb ---- core: relay 10.46.0.1 ---- enb ==tunnel== phone 12

The way step by step is had by options that change nothing of a packet but that no entry covers: a
session that is monitored. Every case sends packets before a change, so that there is an entry.
Topology: lab.py and gtp.py.
"""
import random
import threading
import time

from gtp import GNB2, MODE, PLAIN, REMOTE, Tunnels, psc, read_gtp
from lab import RELAY, check, core, drops, ensure, ip_batch, mac, test
from packet import datagram, rtp
from test_gtpu_media import check_media, media, relay

RATE = 10**9


def metered(t, n, **more):
    s = t.session(n, install=False, **more)
    s.add("qer", {"id": 1, "mbr-ul": RATE, "mbr-dl": RATE}, pdrs=(1, 2))
    s.add("urr", {"id": 1, "method": "volum", "triggers": "volth", "volume-threshold": 1 << 40},
          pdrs=(1, 2))
    return s.install(t.k)


class Call:
    """Phones 11 and 12 with media from one to the other."""

    def __init__(self, k, t, **more):
        self.k, self.t = k, t
        self.a = metered(t, 11)
        self.b = metered(t, 12, **more)
        self.number = k.rtp_new(relay(self.a.ue, self.b.ue, 4, 4))
        self.seq = 0

    def send(self, **kwargs):
        self.seq += 1
        self.t.up(self.a, media(self.a.ue, 4, self.seq, **kwargs), outer=PLAIN)

    def passes(self, what, n=3, teid=None, **kwargs):
        for _ in range(n):
            self.send(**kwargs)
            p = self.t.at_enb()
            ensure(f"{what}: arrives", p and p.gtp)
            check(f"{what}: tunnel", (self.b.peer, teid or self.b.teid_out), (p.dst, p.gtp.teid))
            check_media(what, p.gtp.inner, 4, self.b.ue, self.seq)

    def counters(self):
        a, b = self.a.get(self.k), self.b.get(self.k)
        c = self.k.rtp_get(self.number)["counters"]
        return ([(p["packets"], p["octets"], p.get("dropped", 0)) for s in (a, b) for p in s["pdr"]],
                [u["octets"] for s in (a, b) for u in s["urr"]],
                (c["packets"], c["octets"], drops(c)))


@test
def same_as_step_by_step():
    """what comes out and what is counted is the same by an entry and step by step"""
    cases = [{}, {"tos": 0xb8}, {"tos": 0x02}, {"tos": 0x03}, {"ttl": 2}, {"ttl": 255},
             {"frag": 0x4000}, {"ident": 1}, {"ident": 0xffff}]
    with core() as k, Tunnels(k) as t:
        for dscp, far, qfi in ((None, {}, None), (46, {}, None), (None, {"dscp": 10}, None),
                               (34, {"dscp": 18}, 9)):
            call = Call(k, t)
            flow = {} if dscp is None else {"dscp": dscp}
            k.rtp_replace(call.number, relay(call.a.ue, call.b.ue, 4, 4, **flow))
            change = {"far": [call.b.far(2) | far]} if far else {}
            if qfi:
                change["qer"] = [{"id": 1, "mbr-ul": RATE, "mbr-dl": RATE, "qfi": qfi}]
            if change:
                call.b.change(k, **change)
            have, spent = [], []
            for monitored in (0, 1):
                call.a.change(k, monitored=monitored)
                call.seq = 100
                call.passes("warm", ident=7)
                before = call.counters()
                out = []
                for case in cases:
                    for _ in range(2):
                        call.send(**{"ident": 7} | case)
                        p = t.at_enb()
                        ensure(f"{case}: arrives", p and p.gtp)
                        out.append(p.raw.hex())
                after = call.counters()
                have.append(out)
                spent.append([[x - y if isinstance(x, int) else x for x, y in zip(m, n)]
                              for m, n in ((after[1], before[1]), (after[2], before[2]))])
            for i, (x, y) in enumerate(zip(*have)):
                check(f"{flow} {far} {cases[i // 2]}", y, x)
            check("counted", spent[1], spent[0])
            k.rtp_del(call.number)
            for s in (call.a, call.b):
                s.remove(k)


@test
def what_is_not_plain():
    """packets that an entry is not for pass between those it is for, each as it should"""
    with core() as k, Tunnels(k) as t:
        call = Call(k, t)
        call.passes("plain")
        call.seq += 1
        t.up(call.a, media(call.a.ue, 4, call.seq), outer=PLAIN, ext=[psc(5)])
        check_media("with an extension header", t.at_enb().gtp.inner, 4, call.b.ue, call.seq)
        call.seq += 1
        t.up(call.a, media(call.a.ue, 4, call.seq), outer=PLAIN, seq=77)
        check_media("with a sequence number", t.at_enb().gtp.inner, 4, call.b.ue, call.seq)
        call.seq += 1
        t.up(call.a, media(call.a.ue, 4, call.seq))
        check_media("with an outer checksum", t.at_enb().gtp.inner, 4, call.b.ue, call.seq)
        call.passes("plain again")
        t.dropped("ttl", lambda: call.send(ttl=1))
        t.dropped("spoofed-ue", lambda: t.up(call.a, media(call.b.ue, 4, 1), outer=PLAIN))
        t.dropped("source", lambda: t.up(call.b, media(call.b.ue, 4, 1), outer=PLAIN),
                  what="another phone")
        call.passes("and again")
        k.rtp_del(call.number)


@test
def session_changes():
    """FARs, gates, quotas, addresses: changed in mid-flow, each packet goes by the rules of now"""
    with core() as k, Tunnels(k) as t:
        call = Call(k, t)
        a, b = call.a, call.b
        call.passes("before")
        b.change(k, far=[b.far(2) | {"teid": 0x7777, "peer-ipv4": GNB2[4]}])
        b.peer = GNB2[4]
        call.passes("handover of the receiver", teid=0x7777)
        for s, number, what in ((a, 1, "sender"), (b, 2, "receiver")):
            s.change(k, far=[{"id": number, "apply-action": "drop"}])
            t.dropped("far", lambda: [call.send() for _ in range(3)], 3, what=f"FAR of the {what}")
            s.change(k, far=[s.far(number)])
        b.peer = b.far(2)["peer-ipv4"]
        call.passes("forwards again")
        for s, gate, what in ((a, "gate-ul", "sender"), (b, "gate-dl", "receiver")):
            qer = {"id": 1, "mbr-ul": RATE, "mbr-dl": RATE}
            s.change(k, qer=[qer | {gate: "closed"}])
            t.dropped("gate", lambda: [call.send() for _ in range(3)], 3, what=f"gate, {what}")
            s.change(k, qer=[qer | {gate: "open"}])
            call.passes(f"gate of the {what} opens")
        for s, what in ((a, "sender"), (b, "receiver")):
            urr = {"id": 1, "method": "volum", "triggers": "volqu"}
            s.change(k, urr=[urr | {"volume-quota": 5 * 200}])
            call.passes(f"quota of the {what}", 5)
            t.dropped("quota", lambda: [call.send() for _ in range(3)], 3, what=f"quota, {what}")
            s.change(k, urr=[urr | {"volume-quota": 1 << 40}])
            call.passes("a new quota")
        a.change(k, ue_ipv4="10.45.0.99")
        t.dropped("spoofed-ue", call.send, what="the sender has another address")
        a.change(k, ue_ipv4=a.ue)
        call.passes("and the old one")
        b.change(k, far=[b.far(2) | {"apply-action": "buff"}])
        for _ in range(4):
            call.send()
        t.quiet("they wait")
        b.change(k, far=[b.far(2)])
        out = [read_gtp(p).gtp.inner.payload for p in t.enb.rest()]
        check("in order", [rtp(call.seq - 3 + i) for i in range(4)], out)
        call.passes("after buffering")
        k.rtp_del(call.number)


@test
def session_goes():
    """either session is deleted in mid-flow, and comes again"""
    with core() as k, Tunnels(k, check_wire=False) as t:
        call = Call(k, t)
        for n, which in ((12, "b"), (11, "a")):
            call.passes("before")
            gone = getattr(call, which)
            count = gone.get(k)["urr"][0]["octets"]
            check("final counts", count, gone.remove(k)["urr"][0]["octets"])
            for _ in range(3):
                call.send()
            ensure("no media", not [p for p in map(read_gtp, t.enb.rest())
                                    if p.gtp and p.gtp.teid == call.b.teid_out])
            setattr(call, which, metered(t, n))
            call.passes("it is there again")
        k.rtp_del(call.number)


@test
def flow_changes():
    """the flow gets another destination, gate, payload types; is deleted and made anew"""
    with core() as k, Tunnels(k) as t:
        call = Call(k, t)
        c = metered(t, 13)
        call.passes("before")
        args = (call.a.ue, call.b.ue, 4, 4)
        k.rtp_replace(call.number, relay(*args, gate="closed"))
        t.dropped("gate", lambda: [call.send() for _ in range(3)], 3)
        k.rtp_replace(call.number, relay(*args, **{"payload-types": bytes(15) + b"\x80"}))
        t.dropped("payload-type", lambda: [call.send() for _ in range(3)], 3)
        k.rtp_replace(call.number, relay(*args))
        call.passes("open")
        k.rtp_replace(call.number, relay(call.a.ue, c.ue, 4, 4))
        b, call.b = call.b, c
        call.passes("to another phone")
        call.b = b
        k.rtp_replace(call.number, relay(*args))
        call.passes("back")
        before = k.rtp_get(call.number)["counters"]["packets"]
        check("final count", before, k.rtp_del(call.number)["counters"]["packets"])
        call.number = k.rtp_new(relay(*args))
        call.passes("made anew")
        k.rtp_del(call.number)


@test
def way_changes():
    """route, neighbour, MTU, link and settings on the receiver's way out change in mid-flow"""
    with core() as k, Tunnels(k, check_wire=False) as t:
        call = Call(k, t)
        e1 = mac("enb", "e1").hex(":")
        call.passes("before")
        ip_batch("core", ["neigh replace 10.44.0.2 lladdr 02:00:00:00:00:77 dev ce nud permanent"])
        call.send()
        p = t.enb.next()
        ensure("to the new address", not p or p.link_kind == 3)  # PACKET_OTHERHOST
        ip_batch("core", [f"neigh replace 10.44.0.2 lladdr {e1} dev ce nud permanent"])
        t.enb.rest()
        call.passes("neighbour back")
        ip_batch("core", [f"neigh change 10.44.0.2 lladdr {e1} dev ce nud stale"])
        call.passes("stale")
        t.warm()
        ip_batch("core", ["route add unreachable 10.44.1.2/32"])
        for _ in range(3):
            call.send()
        ensure("no route", not [p for p in map(read_gtp, t.enb.rest())
                                if p.gtp and p.gtp.teid == call.b.teid_out])
        ip_batch("core", ["route del unreachable 10.44.1.2/32"])
        call.passes("route back")
        if not MODE["postrouting"]:
            k.call("settings-set", {"settings": {"postrouting": 1}})
            call.passes("by the stack")
            k.call("settings-set", {"settings": {"postrouting": 0}})
            call.passes("past it")
        ip_batch("core", ["link set ce mtu 1400"])
        call.passes("another MTU")
        ip_batch("core", ["link set ce mtu 1500"])
        ip_batch("core", ["link add w1 type veth peer name w2", "link set w1 up", "link del w1"])
        call.passes("another device comes and goes")
        k.rtp_del(call.number)


@test
def way_that_comes_again():
    """an entry that no packet used while the way changed twice does not take the third way for its first"""
    macs = {2: mac("enb", "e1").hex(":"), 3: "02:00:00:00:44:03", 4: "02:00:00:00:44:04"}

    def by(n):
        # the memory of the way before last is free again
        ip_batch("core", [f"route replace 10.44.1.0/24 via 10.44.0.{n}"])

    with core() as k, Tunnels(k, check_wire=False) as t:
        call = Call(k, t)
        for n in (3, 4):
            ip_batch("core", [f"neigh replace 10.44.0.{n} lladdr {macs[n]} dev ce nud permanent"])
        try:
            for turn in range(8):
                by(2)
                call.passes("first way", 2)
                for n in (3, 4):
                    by(n)
                    time.sleep(0.02)
                    t.down(datagram((REMOTE[4], 53), (call.b.ue, 4000), b"other traffic"))
                    check(f"turn {turn}: to another's address", 3, t.at_enb().link_kind)
                    time.sleep(0.02)
                call.send()
                check(f"turn {turn}: media", 3, t.at_enb().link_kind)
        finally:
            by(2)
            for n in (3, 4):
                ip_batch("core", [f"neigh del 10.44.0.{n} dev ce"])
        k.rtp_del(call.number)


@test
def changes_under_traffic():
    """sessions, flow, neighbours change while packets come: every one is accounted for"""
    with core() as k, Tunnels(k) as t:
        call = Call(k, t)
        a, b = call.a, call.b
        call.passes("before")
        sent, stop = [0], threading.Event()

        def pump():
            while not stop.is_set():
                for _ in range(20):
                    call.send()
                    sent[0] += 1
                t.enb.pump()

        start = call.counters()
        thread = threading.Thread(target=pump)
        thread.start()
        rng = random.Random(29281)
        e1 = mac("enb", "e1").hex(":")
        qer = {"id": 1, "mbr-ul": RATE, "mbr-dl": RATE}
        try:
            for i in range(60):
                s = rng.choice((a, b))
                match rng.randrange(5):
                    case 0:
                        s.change(k, far=[s.far(n) for n in (1, 2)])
                    case 1:
                        s.change(k, qer=[qer | {"mbr-ul": RATE + i}])
                    case 2:
                        k.rtp_replace(call.number, relay(a.ue, b.ue, 4, 4, dscp=i % 64))
                    case 3:
                        b.change(k, far=[b.far(2) | {"teid": 0x3000 + i}])
                    case 4:
                        ip_batch("core", [f"neigh replace 10.44.0.2 lladdr {e1} dev ce nud permanent",
                                          "route flush cache"])
        finally:
            stop.set()
            thread.join()
        t.enb.rest()
        end = call.counters()
        check("sender's PDR", sent[0], end[0][0][0] - start[0][0][0])
        check("flow", sent[0], end[2][0] - start[2][0])
        check("receiver's PDR", sent[0], end[0][3][0] - start[0][3][0])
        check("drops", {}, t.drops())
        b.change(k, far=[b.far(2)])
        call.passes("after all")
        k.rtp_del(call.number)


@test
def others_of_the_tunnel():
    """many flows from one tunnel, more than have entries: each goes its way"""
    with core() as k, Tunnels(k) as t:
        call = Call(k, t)
        k.rtp_del(call.number)
        flows = []
        for i in range(20):
            f = relay(call.a.ue, call.b.ue, 4, 4) | {"local-port": 21000 + 2 * i,
                                                     "dst-port": 41000 + 2 * i}
            flows.append((k.rtp_new(f), 21000 + 2 * i, 41000 + 2 * i))
        for turn in range(3):
            for _, local, dst in flows:
                t.up(call.a, datagram((call.a.ue, 40000), (RELAY[4], local), rtp(turn)),
                     outer=PLAIN)
                p = t.at_enb()
                check("port", dst, p.gtp.inner.dport)
        for number, _, _ in flows:
            check("counted", 3, k.rtp_del(number)["counters"]["packets"])
