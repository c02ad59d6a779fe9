# SPDX-License-Identifier: GPL-2.0-or-later
"""Buffering of downlink packets in kims.ko (TS 29.244 5.2.3, 5.2.4).

Topology: lab.py and gtp.py. Packets carry numbers, so that order shows.
"""
import os
import struct
import threading
import time

from gtp import GNB, REMOTE, Tunnels
from lab import Stalls, check, core, ensure, test, until
from packet import datagram
from test_gtpu import upward

FAMILIES = (4, 6)
BUFF, NOCP, FORW, DROP = "buff", "buff+nocp", "forw", "drop"


def numbered(s, number, fam=4, port=4000, **kwargs):
    ue = next(a for a in s.addresses if (":" in a) == (fam == 6))
    return datagram((REMOTE[fam], 53), (ue, port), struct.pack("!I", number), **kwargs)


def numbers(packets):
    """Of G-PDUs at the gNB, by order of arrival."""
    return [struct.unpack("!I", p.payload[8:][-4:])[0] for p in packets]


def far_set(k, s, action, number=2):
    s.change(k, far=[s.far(number) | {"apply-action": action}])


def holding(t, action=NOCP, fam=4, outer=4, bar=None, install=True, **more):
    """A session whose downlink FAR buffers."""
    s = t.session(11, inner=fam, outer=outer, install=False, **more)
    s.far(2)["apply-action"] = action
    if bar:
        s.conf["bar"] = bar
    return s.install(t.k) if install else s


def final(k, s):
    """Packets and drops of the downlink PDR of a session that goes."""
    pdr = s.remove(k)["pdr"][1]
    return pdr["packets"], pdr["dropped"]


def waiting(k, s):
    have = s.get(k)
    return have.get("buffered-packets", 0), have.get("buffered-octets", 0)


def told(k, wait=20.0):
    """(session, label, PDR, FAR, DSCP) of the next downlink data report, or None."""
    e = k.event("dl-data-ntf", wait)
    if not e:
        return None
    s = e["session"][0]
    return s["id"], s["label"], s["event-pdr"], s["event-far"], s["event-dscp"]


@test
def hold_and_flush():
    """packets wait, one report tells, the change that forwards sends them in order"""
    with core(["gtpu"]) as k, Tunnels(k) as t:
        for fam, outer, dscp in ((4, 4, 46), (6, 4, 34), (4, 6, 0), (6, 6, 63)):
            s = holding(t, fam=fam, outer=outer)
            what = f"IPv{fam} in IPv{outer}"
            for i in range(20):
                t.down(numbered(s, i, fam, tos=dscp << 2))
            t.quiet(what)
            size = len(numbered(s, 0, fam))
            check(f"{what}: waiting", (20, 20 * size), waiting(k, s))
            check(f"{what}: in the namespace", 20, k.stats()["buffered-packets"])
            check(f"{what}: report", (11, "001010000000001", 2, 2, dscp), told(k))
            check(f"{what}: one", None, told(k, 0.05))
            check(f"{what}: not counted yet", 0, s.counters(k, "pdr", 2)["packets"])
            far_set(k, s, FORW)
            check(f"{what}: in order, when the change is done", list(range(20)),
                  numbers(t.enb.rest(0.02)))
            t.down(numbered(s, 99, fam))
            check(f"{what}: and then", [99], numbers(t.enb.rest()))
            check(f"{what}: nothing waits", (0, 0), waiting(k, s))
            pdr = s.remove(k)["pdr"][1]
            check(f"{what}: PDR", (21, 21 * size), (pdr["packets"], pdr["octets"]))


@test
def silent():
    """without notify nobody is told; packets wait all the same"""
    with core(["gtpu"]) as k, Tunnels(k) as t:
        s = holding(t, BUFF)
        t.down(numbered(s, 1))
        check("no report", None, told(k, 0.1))
        check("waits", 1, waiting(k, s)[0])
        far_set(k, s, FORW)
        check("goes", [1], numbers(t.enb.rest()))


@test
def again():
    """each burst is reported once: after a flush, after a drop, after all have timed out"""
    with core(["gtpu"]) as k, Tunnels(k) as t:
        s = holding(t)

        def burst(what):
            for i in range(3):
                t.down(numbered(s, i))
            ensure(f"{what}: report", told(k))
            check(f"{what}: one", None, told(k, 0.05))

        burst("first")
        far_set(k, s, FORW)
        check("flushed", 3, len(t.enb.rest()))
        far_set(k, s, NOCP)
        burst("second")
        far_set(k, s, DROP)
        check("dropped", {"far": 3}, t.drops())
        s.change(k, far=[s.far(2) | {"apply-action": NOCP}], bar={"timeout": 1000})
        burst("third")
        ensure("timed out", until(lambda: t.drops() == {"far": 3, "buffer-timeout": 3}))
        burst("fourth")
        s.remove(k)


@test
def to_drop():
    """a FAR that turns to drop drops what waits, for that reason, in the change"""
    with core() as k, Tunnels(k) as t:
        for fam in FAMILIES:
            s = holding(t, fam=fam)
            before = t.drops().get("far", 0)
            for i in range(5):
                t.down(numbered(s, i, fam))
            ensure("waiting", until(lambda s=s: waiting(k, s)[0] == 5))
            far_set(k, s, DROP)
            check("dropped", before + 5, t.drops().get("far"))
            check("nothing waits", (0, 0, 0), waiting(k, s) + (k.stats()["buffered-packets"],))
            t.quiet()
            check("PDR", (0, 5), final(k, s))


@test
def deleted():
    """a session that goes takes what waits with it, counted in its final answer"""
    with core() as k, Tunnels(k) as t:
        s = holding(t)
        for i in range(7):
            t.down(numbered(s, i))
        ensure("waiting", until(lambda: waiting(k, s)[0] == 7))
        check("final", 7, s.remove(k)["pdr"][1]["dropped"])
        check("reason", {"buffer-timeout": 7}, t.drops())
        check("nothing waits", 0, k.stats()["buffered-packets"])
        t.quiet()


@test
def flushed_all():
    """session-flush with packets waiting in many sessions"""
    with core() as k, Tunnels(k) as t:
        for n in range(11, 31):
            s = t.session(n, install=False)
            s.far(2)["apply-action"] = BUFF
            s.install(k)
            for i in range(3):
                t.down(numbered(s, i))
        ensure("waiting", until(lambda: k.stats()["buffered-packets"] == 60))
        k.call("session-flush")
        check("reason", {"buffer-timeout": 60}, t.drops())
        check("nothing waits", 0, k.stats()["buffered-packets"])


@test
def bounds():
    """no more packets or octets wait than the BAR allows; the newest are dropped"""
    with core() as k, Tunnels(k) as t:
        size = len(numbered(holding(t, install=False), 0))
        for bar, fit in (({"packets": 3}, 3), ({"octets": 5 * size}, 5),
                         ({"octets": 5 * size - 1}, 4), ({}, 64), ({"packets": 200}, 200)):
            s = holding(t, bar=bar)
            before = t.drops().get("buffer-full", 0)
            for i in range(fit + 6):
                t.down(numbered(s, i))
            t.quiet(f"{bar}")
            check(f"{bar}: wait", (fit, fit * size), waiting(k, s))
            check(f"{bar}: refused", before + 6, t.drops().get("buffer-full"))
            far_set(k, s, FORW)
            check(f"{bar}: the first", list(range(fit)), numbers(t.enb.rest()))
            check(f"{bar}: PDR", (fit, 6), final(k, s))


@test
def octets_default():
    """the default bound of octets: 98304"""
    with core() as k, Tunnels(k) as t:
        s = holding(t, bar={"packets": 4096})
        big = datagram((REMOTE[4], 53), (s.ue, 4000), bytes(996))  # 1024 octets
        for _ in range(100):
            t.down(big)
        t.quiet()
        check("wait", (96, 98304), waiting(k, s))
        check("refused", {"buffer-full": 4}, t.drops())
        s.remove(k)


@test
def timeout():
    """each packet waits for the time of the BAR, and no longer"""
    with core() as k, Tunnels(k) as t:
        s = holding(t, bar={"timeout": 300})
        with Stalls() as stalls:
            begin = time.monotonic()
            t.down(numbered(s, 1))
            time.sleep(0.15)
            later = time.monotonic() - begin
            t.down(numbered(s, 2))
            ensure("the first", until(lambda: waiting(k, s)[0] <= 1))
            first = time.monotonic() - begin
            ensure("the second", until(lambda: waiting(k, s)[0] == 0))
            second = time.monotonic() - begin
        ensure(f"after {first:.3f}", 0.28 < first < 0.55 + stalls.seconds)
        ensure(f"after {second:.3f}", later + 0.28 < second < later + 0.6 + stalls.seconds)
        check("reason", {"buffer-timeout": 2}, t.drops())
        check("PDR", 2, s.remove(k)["pdr"][1]["dropped"])


@test
def delay():
    """the report comes after the delay of the BAR, and not at all when all has gone by then"""
    with core(["gtpu"]) as k, Tunnels(k) as t:
        s = holding(t, bar={"delay": 300})
        with Stalls() as stalls:
            begin = time.monotonic()
            t.down(numbered(s, 1, tos=0x28))
            t.down(numbered(s, 2, tos=0xb8))
            got = told(k)
            after = time.monotonic() - begin
        check("of the first packet", (11, "001010000000001", 2, 2, 10), got)
        ensure(f"after {after:.3f}", 0.28 < after < 0.6 + stalls.seconds)
        far_set(k, s, FORW)
        check("flush", [1, 2], numbers(t.enb.rest()))
        for i in range(3, 20):
            far_set(k, s, NOCP)
            begin = time.monotonic()
            t.down(numbered(s, i))
            ensure("waits", until(lambda: waiting(k, s)[0] == 1))
            far_set(k, s, FORW)
            took = time.monotonic() - begin
            check("gone before", [i], numbers(t.enb.rest()))
            report = told(k, 0.5)
            if took < 0.28:  # else it may have come in time
                break
        check(f"no report, gone after {took:.3f}", None, report)


@test
def metered_when_sent():
    """what waits is in no URR and no QER until it goes"""
    with core() as k, Tunnels(k) as t:
        s = holding(t, install=False)
        s.add("urr", {"id": 1, "volume-quota-dl": 3 * len(numbered(s, 0))}, (1, 2))
        s.add("qer", {"id": 1, "mbr-dl": 1_000_000}, (1, 2)).install(k)
        for i in range(5):
            t.down(numbered(s, i))
        ensure("waiting", until(lambda: waiting(k, s)[0] == 5))
        check("URR", 0, s.counters(k, "urr", 1)["octets"])
        far_set(k, s, FORW)
        check("as far as the quota goes", [0, 1, 2], numbers(t.enb.rest()))
        check("the others", {"quota": 2}, t.drops())
        u, q = s.counters(k, "urr", 1), s.counters(k, "qer", 1)
        check("URR, QER", [3 * len(numbered(s, 0))] * 2, [u["octets-dl"], q["octets-dl"]])


def two_fars(t):
    """A session of which FAR 3 is for port 4001."""
    s = holding(t, install=False)
    s.conf["pdr"].append({"id": 3, "precedence": 10, "source-interface": "core", "far-id": 3,
                          "filter": [{"id": 1, "protocol": 17, "ue-ports": [4001 << 16 | 4001]}]})
    s.conf["far"].append(s.far(2) | {"id": 3})
    return s.install(t.k)


@test
def one_of_two():
    """of two FARs that buffer one forwards: its packets go, the others stay, each in order"""
    with core() as k, Tunnels(k) as t:
        s = two_fars(t)
        for i in range(20):
            t.down(numbered(s, i, port=4000 + i % 2))
        ensure("waiting", until(lambda: waiting(k, s)[0] == 20))
        far_set(k, s, FORW, 3)
        check("odd ones", list(range(1, 20, 2)), numbers(t.enb.rest()))
        check("stay", 10, waiting(k, s)[0])
        t.down(numbered(s, 20))
        t.down(numbered(s, 21, port=4001))
        check("goes at once", [21], numbers(t.enb.rest()))
        far_set(k, s, FORW, 2)
        check("even ones", list(range(0, 21, 2)), numbers(t.enb.rest()))


@test
def rule_goes():
    """a PDR is removed while its packets wait: they meet the rules of now"""
    with core() as k, Tunnels(k) as t:
        s = two_fars(t)
        for i in range(4):
            t.down(numbered(s, i, port=4001))
        ensure("waiting", until(lambda: waiting(k, s)[0] == 4))
        s.change(k, del_pdr=[3], del_far=[3], far=[s.far(2) | {"apply-action": FORW}])
        check("by PDR 2", list(range(4)), numbers(t.enb.rest()))
        check("counted", 4, s.counters(k, "pdr", 2)["packets"])


@test
def new_tunnel():
    """a handover while packets wait: they leave in the new tunnel"""
    with core() as k, Tunnels(k) as t:
        s = holding(t)
        for i in range(3):
            t.down(numbered(s, i))
        ensure("waiting", until(lambda: waiting(k, s)[0] == 3))
        s.change(k, far=[s.far(2) | {"apply-action": FORW, "teid": 0x9999, "peer-ipv4": "10.44.1.3"}])
        out = t.enb.rest()
        check("in order", [0, 1, 2], numbers(out))
        check("where to", {("10.44.1.3", 0x9999)},
              {(p.dst, struct.unpack_from("!I", p.payload, 4)[0]) for p in out})
        ensure("never to the old", GNB[4] not in {p.dst for p in out})


@test
def under_traffic():
    """under a steady stream the switch to forward and back keeps order and count"""
    with core() as k, Tunnels(k) as t:
        s = holding(t, BUFF, bar={"packets": 4096, "octets": 1 << 24})
        stop, sent = threading.Event(), [0]
        cpus = os.sched_getaffinity(0)
        # A veth has a queue for each processor: between two of them there is no order to see.
        os.sched_setaffinity(0, {min(cpus)})

        def sender():
            while not stop.is_set() and sent[0] < 5000:
                t.down(numbered(s, sent[0]))
                sent[0] += 1
                if sent[0] % 32 == 0:
                    time.sleep(0.001)

        thread = threading.Thread(target=sender)
        thread.start()
        try:
            for i in range(40):
                time.sleep(0.01)
                far_set(k, s, (FORW, BUFF)[i % 2])
        finally:
            stop.set()
            thread.join()
            os.sched_setaffinity(0, cpus)
        far_set(k, s, FORW)
        t.enb.rest(0.3)
        got = numbers(t.enb.seen)
        check("how many", sent[0], len(got) + sum(t.drops().values()))
        check("in order", sorted(got), got)
        check("drops", {}, t.drops())


@test
def uplink_goes_on():
    """while downlink packets wait, uplink goes; a silent phone's packets do not block another"""
    with core() as k, Tunnels(k) as t:
        s = holding(t)
        other = t.session(12)
        t.down(numbered(s, 1))
        t.up(s, upward(s))
        ensure("uplink", t.at_inet())
        t.down(numbered(other, 2))
        check("the other phone", [2], numbers(t.enb.rest()))
        check("waits", 1, waiting(k, s)[0])


@test
def namespace_bound():
    """all sessions together hold no more than the namespace may: 65536 packets, 64 MB of memory"""
    with core() as k, Tunnels(k) as t:
        bar = {"packets": 4096, "octets": 1 << 24, "timeout": 600000}
        size, sent = 1400, 0
        packets = []
        for n in range(11, 31):
            s = t.session(n, install=False)
            s.far(2)["apply-action"] = BUFF
            s.conf["bar"] = bar
            s.install(k)
            packets.append(datagram((REMOTE[4], 53), (s.ue, 4000), bytes(size)))
        while not t.drops().get("buffer-full") and sent < 80000:
            for p in packets:
                t.down(p)
            sent += len(packets)
        ensure("it ends", t.drops().get("buffer-full"))
        held = k.stats()["buffered-packets"]
        check("all are somewhere", sent, held + t.drops()["buffer-full"])
        ensure(f"{held} packets of more than {size} octets", held * size <= 64 << 20)
        k.call("session-flush")
        check("returned", 0, k.stats()["buffered-packets"])
        s = holding(t)
        t.down(numbered(s, 1))
        ensure("there is room again", until(lambda: waiting(k, s)[0] == 1))
