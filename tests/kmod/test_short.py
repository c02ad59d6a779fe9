# SPDX-License-Identifier: GPL-2.0-or-later
"""The short ways of GTP-U (kmod/gtpu/fast.c, fast6.c, fused.c) are taken by the packets that they are
for, and what comes out is what the long way makes. Which way a packet took tells kims_classify, a
tracepoint of the long way only.

Topology: lab.py and gtp.py.
"""
import os

from gtp import MODE, PLAIN, REMOTE, Tunnels
from lab import Failed, Skipped, check, core, ensure, inside, run, test
from packet import datagram, rtp
from test_fused import RATE, metered
from test_gtpu import FAMILIES, PAIRS
from test_gtpu_media import media, of, relay

TRACING = "/sys/kernel/tracing"


def put(name, text):
    with open(f"{TRACING}/{name}", "w", encoding="ascii") as f:
        f.write(text)


class Traced:
    """with Traced("kims_classify") as t: ...; t.lines() are those of its events."""

    def __init__(self, *events):
        if not os.path.isdir(f"{TRACING}/events/kims"):
            raise Skipped("no tracefs")
        self.events = events

    def __enter__(self):
        put("trace", "")
        for e in self.events:
            put(f"events/kims/{e}/enable", "1")
        return self

    def __exit__(self, *_):
        for e in self.events:
            put(f"events/kims/{e}/enable", "0")

    def lines(self):
        with open(f"{TRACING}/trace", encoding="ascii") as f:
            return [line for line in f if any(f" {e}: " in line for e in self.events)]


# So many times something else may change routes while a packet passes: what follows a device that comes
# up (addresses, carrier) comes whenever the kernel has time for it, and the packet behind it goes the long way.
TRIES = 10


def short_only(what, send, arrives):
    """A packet takes short ways only, which a namespace may have none of; the how many-th did."""
    for n in range(1, TRIES + 1):
        with Traced("kims_classify") as traced:
            send()
            ensure(f"{what}: arrives", arrives())
        if MODE["postrouting"] or MODE["stack"] or not traced.lines():
            return n
    raise Failed(f"{what}: the long way, {TRIES} times: {traced.lines()}")


def up(s, fam, port=53):
    return datagram((of(s, fam), 4000), (REMOTE[fam], port), b"uplink, long enough")


def down(s, fam):
    return datagram((REMOTE[fam], 53), (of(s, fam), 4000), b"downlink, long enough")


@test
def taken():
    """plain packets of every pair of families, up, from phone to phone, by a media flow: none takes the long way"""
    with core() as k, Tunnels(k) as t:
        for outer, inner in PAIRS:
            what = f"IPv{inner} in IPv{outer}"
            a, b = metered(t, 11, outer=outer, inner=inner), metered(t, 12, outer=outer, inner=inner)
            flow = k.rtp_new(relay(of(a, inner), of(b, inner), inner, inner))
            to_phone = datagram((of(a, inner), 4000), (of(b, inner), 4000), b"to the other phone")
            ways = [("up", lambda a=a: t.up(a, up(a, inner), outer=PLAIN), t.at_inet),
                    ("down", lambda a=a: t.down(down(a, inner)), t.at_enb),
                    ("phone to phone", lambda a=a: t.up(a, to_phone, outer=PLAIN), t.at_enb)]
            ways += [(f"relay {i}", lambda a=a, i=i: t.up(a, media(of(a, inner), inner, i, ident=7),
                                                          outer=PLAIN), t.at_enb) for i in range(3)]
            sent = {}
            for name, send, arrives in ways:
                # The first finds the route, and the short way none yet.
                send()
                ensure(f"{what}, {name}: the first arrives", arrives())
                if name == "down":  # packets of a packet socket have no room for outer headers
                    send()
                    ensure(f"{what}, {name}: arrives", arrives())
                    sent[name] = 2
                else:
                    sent[name] = 1 + short_only(f"{what}, {name}", send, arrives)
            relayed = sum(sent[f"relay {i}"] for i in range(3))
            to_b = sent["phone to phone"] + relayed
            check("PDRs", [sent["up"] + to_b, 2, 0, to_b],
                  [p["packets"] for s in (a, b) for p in s.get(k)["pdr"]])
            check("URRs", [sent["up"] + to_b + 2, to_b],
                  [sum(u["packets"] for u in s.get(k)["urr"]) for s in (a, b)])
            check("flow", relayed, k.rtp_del(flow)["counters"]["packets"])
            for s in (a, b):
                s.remove(k)


CASES = [{}, {"tos": 0xb8}, {"tos": 0x01}, {"tos": 0x03}, {"ttl": 2}, {"ttl": 255}]


@test
def same_as_long():
    """marking, QFI, ECN, hop limits, every family: what comes out and is counted is as by the long way"""
    with core() as k, Tunnels(k) as t:
        for outer, inner in PAIRS:
            for dscp, far, qfi in ((None, {}, None), (34, {"dscp": 18}, 9)):
                a = metered(t, 11, outer=outer, inner=inner)
                b = metered(t, 12, outer=outer, inner=inner)
                flow = {} if dscp is None else {"dscp": dscp}
                number = k.rtp_new(relay(of(a, inner), of(b, inner), inner, inner, **flow))
                if qfi:
                    for s in (a, b):
                        s.change(k, far=[s.far(2) | far],
                                 qer=[{"id": 1, "mbr-ul": RATE, "mbr-dl": RATE, "qfi": qfi}])
                have = []
                for monitored in (0, 1, 0):
                    for s in (a, b):
                        s.change(k, monitored=monitored)
                    out = []
                    for case in CASES:
                        src = (of(a, inner), 4000)
                        for packet, arrives in (
                                (media(of(a, inner), inner, 9, ident=7, **case), t.at_enb),
                                (datagram(src, (of(b, inner), 5), rtp(1), **case), t.at_enb),
                                (datagram(src, (REMOTE[inner], 53), rtp(1), **case), t.at_inet)):
                            t.up(a, packet, outer=PLAIN)
                            p = arrives()
                            ensure(f"{case}: arrives", p)
                            out.append(p.raw.hex())
                        t.down(datagram((REMOTE[inner], 53), (of(b, inner), 4000), rtp(1), **case))
                        out.append(t.at_enb().raw.hex())
                    have.append(out)
                for i, (x, y, z) in enumerate(zip(*have)):
                    check(f"IPv{inner} in IPv{outer} {flow} {far} {CASES[i // 4]} {i % 4}",
                          (y, y), (x, z))
                check("counted", (6 * 3 * 3, 6 * 3 * 3, [6 * 3 * 3] * 2),
                      (a.counters(k, "pdr", 1)["packets"], b.counters(k, "pdr", 2)["packets"],
                       [s.counters(k, "urr", 1)["packets"] for s in (a, b)]))
                k.rtp_del(number)
                for s in (a, b):
                    s.remove(k)


@test
def not_for_it():
    """IPv6 that a short way is not for passes, or drops, as it should between packets that it is for"""
    with core() as k, Tunnels(k) as t:
        for outer in FAMILIES:
            a, b = metered(t, 11, outer=outer, inner=6), metered(t, 12, outer=outer, inner=6)
            number = k.rtp_new(relay(of(a, 6), of(b, 6), 6, 6))

            def plain(what):
                t.up(a, up(a, 6), outer=PLAIN)
                ensure(f"IPv{outer}, {what}: up", t.at_inet())
                t.up(a, media(of(a, 6), 6, 1), outer=PLAIN)
                ensure(f"IPv{outer}, {what}: media", t.at_enb())

            plain("first")
            t.up(a, up(a, 6), outer=PLAIN, seq=5)
            ensure("with a sequence number", t.at_inet())
            plain("after a sequence number")
            t.dropped("spoofed-ue", lambda: t.up(a, up(b, 6), outer=PLAIN))
            t.dropped("source", lambda: t.up(b, media(of(b, 6), 6, 1), outer=PLAIN),
                      what="another phone")
            wrong = bytearray(up(a, 6))
            wrong[5] += 1
            t.dropped("malformed", lambda: t.up(a, bytes(wrong), outer=PLAIN))
            a.change(k, qer=[{"id": 1, "gate-ul": "closed"}])
            t.dropped("gate", lambda: t.up(a, up(a, 6), outer=PLAIN))
            t.dropped("gate", lambda: t.up(a, media(of(a, 6), 6, 2), outer=PLAIN))
            a.change(k, qer=[{"id": 1, "gate-ul": "open"}])
            plain("the gate is open again")
            k.rtp_replace(number, relay(of(a, 6), of(b, 6), 6, 6, gate="closed"))
            t.dropped("gate", lambda: t.up(a, media(of(a, 6), 6, 2), outer=PLAIN))
            k.rtp_replace(number, relay(of(a, 6), of(b, 6), 6, 6))
            plain("so is the flow's")
            b.change(k, far=[b.far(2) | {"apply-action": "drop"}])
            t.dropped("far", lambda: t.up(a, media(of(a, 6), 6, 2), outer=PLAIN))
            b.change(k, far=[b.far(2)])
            plain("the receiver is back")
            k.rtp_del(number)
            for s in (a, b):
                s.remove(k)


@test
def tracepoints():
    """classify, forward and drop can be traced, with session, PDR, endpoint and reason"""
    with core() as k, Tunnels(k) as t, \
            Traced("kims_classify", "kims_session_forward", "kims_session_drop",
                   "kims_gtpu_drop") as traced:
        s = metered(t, 11)
        t.up(s, up(s, 4))
        ensure("up", t.at_inet())
        t.down(down(s, 4))
        ensure("down", t.at_enb())
        s.change(k, far=[s.far(1) | {"apply-action": "drop"}])
        t.dropped("far", lambda: t.up(s, up(s, 4)))
        text = "".join(traced.lines())
    for wanted in ("kims_classify: session=11 pdr=1 reason=0 ",
                   "kims_session_forward: session=11 pdr=1 reason=0 ",
                   "kims_session_forward: session=11 pdr=2 reason=0 ",
                   "kims_session_drop: session=11 pdr=1 reason=16 ", "kims_gtpu_drop: object=1 reason=16 "):
        ensure(wanted + text, wanted in text)


@test
def rules_of_the_stack():
    """an endpoint with stack: nftables rules see and drop inner packets, both families; without, they do not"""
    rules = "table inet kimstest { chain c { type filter hook forward priority 0; " \
            'iifname "kims0" udp dport 54 counter drop; }; }'
    for stack in (0, 1):
        with core() as k, Tunnels(k, check_wire=False, stack=stack) as t:
            with inside("core"):
                try:
                    run("nft", rules)
                except (Failed, OSError) as e:
                    raise Skipped("no nftables") from e
            try:
                for outer, inner in PAIRS:
                    s = t.session(11, outer=outer, inner=inner)
                    t.up(s, up(s, inner, 53), outer=PLAIN)
                    ensure(f"stack {stack}: other ports pass", t.at_inet())
                    t.up(s, up(s, inner, 54), outer=PLAIN)
                    if stack:
                        t.quiet("the rule drops")
                    else:
                        ensure("past the rule", t.at_inet())
                    s.remove(k)
            finally:
                with inside("core"):
                    run("nft", "delete table inet kimstest")
