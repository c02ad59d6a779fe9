# SPDX-License-Identifier: GPL-2.0-or-later
"""What media flows may have besides: a peer that is learned, continuity of the source, statistics
from RTCP, telephone events, a recorder.

    ue1, from 10.45.1.2 and 10.45.1.77 ---- relay ---- ue2, which is the recorder, too
"""
import random
import struct
import threading
import time

from knl import DUMP, NESTED, SCHEMA_DOC, NlError, attr, refused
from lab import (OTHER, RELAY, UE1, UE2, check, core, drops, ensure, everywhere, inside, run, test, until)
from packet import rtcp, rtp
from test_flow import FROM, IN, OUT, TO, Phones, address, flow, sock
from test_hostile import nested, refuse
from test_path import postrouting

RECORDER = 41000
EVENTS = 101


def conserved(counters, arrived):
    check("packets in = sent + drops", arrived,
          counters["packets"] + sum(drops(counters).values()))


def back(family=4, **more):
    """Attributes of the flow of the other direction: from ue2 to ue1, out of the port IN."""
    f = {"media": "rtp", "local-port": OUT, "peer-port": TO, "src-port": IN, "dst-port": FROM + 9}
    f |= address("local", RELAY[family]) | address("peer", UE2[family])
    f |= address("src", RELAY[family]) | address("dst", UE1[family])
    return f | more


def latching(family=4, latch="once", peer=None, **more):
    """flow() with no peer but perhaps an address."""
    f = flow(family, family, latch=latch, **more)
    for name in ("peer-ipv4", "peer-ipv6", "peer-port"):
        f.pop(name, None)
    return f | (address("peer", peer) if peer else {})


def learned(f):
    return f.get("latched-ipv4") or f.get("latched-ipv6"), f.get("latched-port")


class Socks:
    """Some UDP sockets, closed at the end."""

    def __init__(self, *socks):
        self.socks = socks

    def __enter__(self):
        return self.socks

    def __exit__(self, *_):
        for s in self.socks:
            s.close()


def receive(s, seconds=10.0):
    s.settimeout(seconds)
    try:
        return s.recvfrom(70000)
    except TimeoutError:
        return None, None


# --- latching ---

@test
def latch_once():
    """the first sender is the peer from then on, nobody else; the reverse flow is told; an event"""
    for family in (4, 6):
        with core() as k, core(["rtp"]) as ntf, Phones(family, family) as p, \
                Socks(sock("ue1", (UE1[family], FROM + 2), family),
                      sock("ue1", (OTHER[family], FROM), family)) as (port, host):
            number = k.rtp_new(latching(family))
            reverse = k.rtp_new(back(family))
            k.rtp_replace(number, latching(family, reverse=reverse))
            check("nobody yet", (None, None), learned(k.rtp_get(number)))
            p.send(rtp(1))
            check("first", rtp(1), p.got()[0])
            e = ntf.event("rtp-latched-ntf")["rtp-flow"][0]
            check("event", (number, (UE1[family], FROM)), (e["id"], learned(e)))
            for s in (port, host):
                s.sendto(rtp(2), p.to)
            p.send(rtp(3))
            check("nobody else", rtp(3), p.got()[0])
            f = k.rtp_get(number)
            check("drops", {"source": 2}, drops(f["counters"]))
            check("shown", (UE1[family], FROM), learned(f))
            check("the peer shown is what was given", None, f.get("peer-port"))
            # The other direction goes to where the first came from, out of the same port.
            p.rx.sendto(rtp(9), (RELAY[family], OUT))
            data, sender = receive(p.tx)
            check("back", (rtp(9), (RELAY[family], IN)), (data, (sender or ())[:2]))
            check("told", FROM, k.rtp_get(reverse)["dst-port"])
            check("one event", [], [e for e, _ in ntf.events(0.1) if e == "rtp-latched-ntf"])
            conserved(k.rtp_del(number)["counters"], 4)
            conserved(k.rtp_del(reverse)["counters"], 1)


@test
def latch_race():
    """before the change of the flow is through, the lock is there: a burst of two senders"""
    with core() as k, Phones() as p, \
            Socks(*[sock("ue1", (UE1[4], FROM + n), 4) for n in range(2, 6)]) as others:
        for _ in range(10):
            number = k.rtp_new(latching())
            for i in range(40):
                (others + (p.tx,))[i % 5].sendto(rtp(i), p.to)
            peers = {receive(p.rx)[0] for _ in range(8)}
            check("those of the first", {rtp(i) for i in range(0, 40, 5)}, peers)
            c = k.rtp_del(number)["counters"]
            check("drops", {"source": 32}, drops(c))
            conserved(c, 40)


@test
def latch_restricted():
    """a peer address restricts who may be learned; what is dropped is not learned"""
    for family in (4, 6):
        with core() as k, Phones(family, family) as p, \
                Socks(sock("ue1", (OTHER[family], FROM), family)) as (host,):
            allowed = bytearray(16)
            allowed[1] = 1
            number = k.rtp_new(latching(family, peer=UE1[family], gate="closed",
                                        **{"payload-types": bytes(allowed)}))
            host.sendto(rtp(1), p.to)
            p.send(b"no RTP")
            p.send(rtp(2, pt=0))
            p.send(rtp(3))
            check("dropped", (None, None), p.got(0.1))
            check("not learned", (None, None), learned(k.rtp_get(number)))
            k.rtp_replace(number, latching(family, peer=UE1[family]))
            host.sendto(rtp(4), p.to)
            p.send(rtp(5))
            check("the UE", rtp(5), p.got()[0])
            ensure("learned", until(lambda: learned(k.rtp_get(number)) == (UE1[family], FROM)))
            c = k.rtp_del(number)["counters"]
            check("drops", {"source": 2, "malformed": 1, "payload-type": 1, "gate": 1}, drops(c))
            conserved(c, 6)


@test
def latch_replace():
    """once stays over a replace, again and another peer address forget; off lets go"""
    with core() as k, core(["rtp"]) as ntf, Phones() as p, \
            Socks(sock("ue1", (UE1[4], FROM + 2), 4), sock("ue1", (OTHER[4], FROM), 4)) as \
            (port, host):
        reverse = k.rtp_new(back())
        number = k.rtp_new(latching(reverse=reverse))

        def who(expected, what):
            """Sends from all; whose packet comes through."""
            for i, s in enumerate((p.tx, port, host)):
                s.sendto(rtp(i), p.to)
            check(what, [rtp(i) for i in expected], [p.got()[0] for _ in expected])
            check(f"{what}: nobody else", (None, None), p.got(0.05))

        who([0], "first")
        ensure("event", ntf.event("rtp-latched-ntf"))
        k.rtp_replace(number, latching(reverse=reverse, gate="closed"))
        who([], "gate closed")
        k.rtp_replace(number, latching(reverse=reverse))
        port.sendto(rtp(7), p.to)
        check("still the first", (None, None), p.got(0.1))
        who([0], "still the first")
        k.rtp_replace(number, latching(latch="again", reverse=reverse))
        check("forgotten", (None, None), learned(k.rtp_get(number)))
        port.sendto(rtp(8), p.to)
        check("anew", rtp(8), p.got()[0])
        check("event", (UE1[4], FROM + 2), learned(ntf.event("rtp-latched-ntf")["rtp-flow"][0]))
        who([1], "anew")
        p.rx.sendto(rtp(9), (RELAY[4], OUT))
        check("back to the new one", rtp(9), receive(port)[0])
        k.rtp_replace(reverse, back())
        p.rx.sendto(rtp(10), (RELAY[4], OUT))
        check("a replace of the reverse flow does not undo it", rtp(10), receive(port)[0])
        k.rtp_replace(number, latching(peer=OTHER[4], reverse=reverse))
        who([2], "another address")
        ensure("event", ntf.event("rtp-latched-ntf"))
        k.rtp_replace(number, flow(reverse=reverse))
        who([0], "no latching")
        k.rtp_replace(reverse, back())
        check("its own destination", FROM + 9, k.rtp_get(reverse)["dst-port"])
        k.rtp_del(number)
        k.rtp_del(reverse)


@test
def latch_reverse_later():
    """a reverse flow that comes later is told by the next replace; without one nothing breaks"""
    with core() as k, Phones() as p:
        number = k.rtp_new(latching(reverse=777))
        p.send(rtp(1))
        check("first", rtp(1), p.got()[0])
        ensure("learned", until(lambda: learned(k.rtp_get(number))[1] == FROM))
        reverse = k.rtp_new(back(id=777))
        check("not yet", FROM + 9, k.rtp_get(reverse)["dst-port"])
        k.rtp_replace(number, latching(reverse=777))
        ensure("told", until(lambda: k.rtp_get(reverse)["dst-port"] == FROM))
        k.rtp_del(reverse)
        k.rtp_replace(number, latching(reverse=number))
        p.send(rtp(2))
        check("itself is no reverse", rtp(2), p.got()[0])
        check("destination", TO, k.rtp_get(number)["dst-port"])
        k.rtp_del(number)


@test
def latch_under_change():
    """flows come and go while packets are learned from; nothing is left of it"""
    stop = threading.Event()

    def send():
        everywhere()
        with Phones() as p:
            while not stop.is_set():
                for i in range(20):
                    p.tx.sendto(rtp(i), p.to)
                p.got(0.001)

    sender = threading.Thread(target=send)
    sender.start()
    try:
        with core() as k:
            for i in range(150):
                number = k.rtp_new(latching(id=5 + i % 3, reverse=99))
                reverse = k.rtp_new(back(id=99)) if i % 2 else None
                for latch in ("once", "again", "off"):
                    k.rtp_replace(number, latching(latch=latch, reverse=99) if latch != "off"
                                  else flow())
                if reverse:
                    k.rtp_del(reverse)
                k.rtp_del(number)
    finally:
        stop.set()
        sender.join()


# --- source ---

@test
def one_ssrc():
    """ssrc: no other passes; continuity ssrc: that of the first packet"""
    for family in (4, 6):
        with core() as k, Phones(family, family) as p:
            number = k.rtp_new(flow(family, family, ssrc=0))
            check("ssrc 0 is one", 0, k.rtp_get(number)["ssrc"])
            k.rtp_replace(number, flow(family, family, ssrc=0x99, media="rtp-rtcp"))
            for packet, passes in ((rtp(1), False), (rtp(1, ssrc=0x99), True), (rtp(2), False),
                                   (rtcp(), True), (rtp(2, ssrc=0x99), True)):
                p.send(packet)
                check("given", packet if passes else None, p.got(2 if passes else 0.05)[0])
            c = k.rtp_get(number)["counters"]
            check("drops", {"ssrc": 2}, drops(c))
            check("what is dropped is no source", (0x99, 0, 0),
                  (c["ssrc"], c["ssrc-changes"], c["lost"]))
            k.rtp_replace(number, flow(family, family, continuity="ssrc"))
            for packet, passes in ((rtp(3, ssrc=0x99), True), (rtp(4), False),
                                   (rtp(60000, ssrc=0x99), True)):
                p.send(packet)
                check("that of the first", packet if passes else None,
                      p.got(2 if passes else 0.05)[0])
            c = k.rtp_del(number)["counters"]
            check("drops", {"ssrc": 3}, drops(c))
            conserved(c, 8)


@test
def sequence():
    """continuity sequence: after a jump the first packet that follows another passes"""
    with core() as k, Phones() as p:
        number = k.rtp_new(flow(continuity="sequence"))
        steps = [(65534, True), (1, True), (0, True), (2999, True), (9000, False), (12000, False),
                 (12001, True), (12002, True), (12000, True), (5, False), (7, False), (8, True)]
        for seq, passes in steps:
            p.send(rtp(seq))
            check(f"{seq}", rtp(seq) if passes else None, p.got(2 if passes else 0.05)[0])
        c = k.rtp_del(number)["counters"]
        check("drops", {"sequence": 4}, drops(c))
        conserved(c, len(steps))


@test
def ssrc_after_latching_anew():
    """who is learned anew may have another SSRC"""
    with core() as k, Phones() as p:
        number = k.rtp_new(latching(continuity="ssrc"))
        for packet, passes in ((rtp(1), True), (rtp(1, ssrc=5), False)):
            p.send(packet)
            check("first", packet if passes else None, p.got(2 if passes else 0.05)[0])
        k.rtp_replace(number, latching(latch="again", continuity="ssrc"))
        for packet, passes in ((rtp(1, ssrc=5), True), (rtp(2), False)):
            p.send(packet)
            check("anew", packet if passes else None, p.got(2 if passes else 0.05)[0])
        check("drops", {"ssrc": 2}, drops(k.rtp_del(number)["counters"]))


# --- RTCP ---

def block(source, fraction=0, lost=0, max_seq=0, jitter=0, lsr=0, dlsr=0):
    return struct.pack("!IIIIII", source, fraction << 24 | lost & 0xffffff, max_seq, jitter, lsr,
                       dlsr)


def report(ssrc, ntp=None, blocks=(), packets=10, octets=1600):
    """A sender report, or without ntp a receiver report (RFC 3550 6.4)."""
    body = struct.pack("!I", ssrc)
    if ntp is not None:
        body += struct.pack("!QIII", ntp, 4711, packets, octets)
    body += b"".join(blocks)
    return struct.pack("!BBH", 0x80 | len(blocks), 201 if ntp is None else 200,
                       len(body) // 4) + body


VOIP = {"source": 0xabcd, "loss-rate": 1, "discard-rate": 2, "burst-density": 3,
        "gap-density": 4, "burst-duration": 500, "gap-duration": 600, "round-trip-delay": 700,
        "end-system-delay": 800, "signal-level": 9, "noise-level": 10, "rerl": 11, "gmin": 16,
        "r-factor": 93, "ext-r-factor": 127, "mos-lq": 44, "mos-cq": 43, "rx-config": 0x81,
        "jb-nominal": 1000, "jb-maximum": 2000, "jb-abs-max": 3000}


def voip():
    """RTCP XR (RFC 3611) with two other blocks around the VoIP metrics."""
    v = list(VOIP.values())
    blocks = struct.pack("!BBHI", 4, 0, 1, 5) + struct.pack("!BBH", 7, 0, 8) \
        + struct.pack("!IBBBBHHHHBBBBBBBBBBHHH", *v[:18], 0, *v[18:]) \
        + struct.pack("!BBH", 6, 0, 0)
    body = struct.pack("!I", 0xabcd) + blocks
    return struct.pack("!BBH", 0x80, 207, len(body) // 4) + body


@test
def rtcp_statistics():
    """what SR, RR and XR say is kept, from compound packets, on a port of its own and muxed"""
    for media, families in (("rtcp", (4, 4)), ("rtp-rtcp", (6, 6)), ("rtp-rtcp", (4, 6))):
        with core() as k, Phones(*families) as p:
            number = k.rtp_new(flow(*families, media=media))
            check("absent", None, k.rtp_get(number)["counters"].get("rtcp"))

            def send(packet):
                p.send(packet)
                check("passes", packet, p.got()[0])
                return k.rtp_get(number)["counters"]["rtcp"]

            r = send(report(0x11))
            check("no block", {"reports": 0}, r)
            r = send(report(0x11, 0x0123456789abcdef, [block(1, 2), block(
                0x22, 64, -5, 70000, 33, 0x456789ab, 65536)], 77, 88))
            check("SR", {
                "reports": 2, "reporter": 0x11, "source": 0x22, "fraction-lost": 64, "lost": -5,
                "max-seq": 70000, "jitter": 33, "lsr": 0x456789ab, "dlsr": 65536, "sr-ssrc": 0x11,
                "sr-ntp": 0x0123456789abcdef, "sr-timestamp": 4711, "sr-packets": 77,
                "sr-octets": 88}, r)
            r = send(report(0x33, None, [block(0x44, 255, 0x7fffff)]) + voip()
                     + struct.pack("!BBHI", 0x81, 203, 1, 0x33))
            check("RR in a compound", (3, 0x33, 0x44, 255, 0x7fffff, 0x11),
                  (r["reports"], r["reporter"], r["source"], r["fraction-lost"], r["lost"],
                   r["sr-ssrc"]))
            check("VoIP metrics", VOIP, r["voip"])
            conserved(k.rtp_del(number)["counters"], 3)


@test
def rtcp_cut_short():
    """RTCP that says more than it has, at each length: no more is read than is there"""
    whole = report(1, 1 << 40, [block(2, 1)] * 3) + voip()
    rnd = random.Random(3550)
    with core() as k, Phones() as p:
        number = k.rtp_new(flow(media="rtcp"))
        sent = 0
        for n in range(0, len(whole), 3):
            p.send(whole[:n])
            sent += 1
        for _ in range(300):
            bad = bytearray(whole)
            for _ in range(rnd.randint(1, 5)):
                bad[rnd.randrange(len(bad))] = rnd.randrange(256)
            p.send(bytes(bad))
            sent += 1
        ensure("all there", until(lambda: sum(drops(c := k.rtp_get(number)["counters"]).values())
                                  + c["packets"] == sent))
        conserved(k.rtp_del(number)["counters"], sent)


@test
def round_trip():
    """a report that names a sender report of the reverse flow gives the time to its sender"""
    for family in (4, 6):
        with core() as k, Phones(family, family) as p:
            there = k.rtp_new(flow(family, family, media="rtcp", id=31, reverse=32))
            k.rtp_new(back(family, media="rtcp", id=32, reverse=31) | {"dst-port": FROM})
            for i in range(6):
                p.rx.sendto(report(0x99, (0x1000 + i) << 16), (RELAY[family], OUT))
                ensure("SR", receive(p.tx)[0])
            time.sleep(0.2)
            p.send(report(0x11, None, [block(0x99, lsr=0x1000)]))
            ensure("RR", p.got()[0])
            check("too long ago", None, k.rtp_get(there)["counters"]["rtcp"].get("round-trip"))
            p.send(report(0x11, None, [block(0x99, lsr=0x1005)]))
            ensure("RR", p.got()[0])
            us = k.rtp_get(there)["counters"]["rtcp"]["round-trip"]
            ensure(f"0.2 s: {us}", 200000 <= us < 3000000)
            p.send(report(0x11, None, [block(0x99, lsr=0x1005, dlsr=65536 // 8)]))
            ensure("RR", p.got()[0])
            less = k.rtp_get(there)["counters"]["rtcp"]["round-trip"]
            ensure(f"less the delay of 0.125 s: {less}", us - 125000 <= less < 3000000 - 125000)
            p.send(report(0x11, None, [block(0x99, lsr=0x1005, dlsr=0xffffffff)]))
            ensure("RR", p.got()[0])
            check("a delay that cannot be", less,
                  k.rtp_get(there)["counters"]["rtcp"]["round-trip"])
            k.rtp_del(there)
            k.rtp_del(32)


# --- telephone events ---

def tone(seq, event, duration, end=False, timestamp=1000, ssrc=0x1234, volume=10):
    return rtp(seq, timestamp=timestamp, ssrc=ssrc, pt=EVENTS, size=0) \
        + struct.pack("!BBH", event, end << 7 | volume, duration)


class Keys:
    """A flow with telephone events and who listens."""

    def __init__(self, family=4, **more):
        self.k, self.ntf, self.phones = core(), core(["rtp"]), Phones(family, family)
        self.number = self.k.rtp_new(flow(family, family, cookie=55, **more,
                                          **{"telephone-event": EVENTS}))
        self.sent = 0

    def __enter__(self):
        return self

    def __exit__(self, *_):
        conserved(self.k.rtp_del(self.number)["counters"], self.sent)
        for x in (self.k, self.ntf, self.phones):
            x.__exit__()

    def send(self, *packets):
        for packet in packets:
            self.phones.send(packet)
            self.sent += 1
            check("passes", packet, self.phones.got()[0])

    def told(self):
        return [e["dtmf"] for name, e in self.ntf.events(0.05) if name == "rtp-dtmf-ntf"]


@test
def dtmf():
    """one event per digit, at its end, whatever of its packets is lost or comes twice"""
    for family in (4, 6):
        with Keys(family) as f:
            f.send(tone(1, 5, 160), tone(2, 5, 320))
            check("not yet", [], f.told())
            f.send(*[tone(3, 5, 800, True)] * 3)
            check("at the end, once", [{
                "flow-id": f.number, "cookie": 55, "ssrc": 0x1234, "event": 5, "duration": 800,
                "timestamp": 1000, "volume": 10, "suppressed": 0}], f.told())
            f.send(tone(4, 5, 320))
            check("late", [], f.told())
            f.send(*[tone(5, 5, 480, True, 3000)] * 2)
            check("the same digit again, beginning lost", [(5, 480, 3000)],
                  [(d["event"], d["duration"], d["timestamp"]) for d in f.told()])
            f.send(tone(6, 11, 640, False, 5000), tone(7, 10, 160, False, 9000))
            check("end lost", [(11, 640)], [(d["event"], d["duration"]) for d in f.told()])
            f.send(rtp(8, timestamp=9100))
            check("other RTP meanwhile", [], f.told())
            f.send(rtp(9, timestamp=9160 + 2001))
            check("other RTP long after", [(10, 160)],
                  [(d["event"], d["duration"]) for d in f.told()])
            f.send(tone(10, 1, 160, True, 3000))
            check("an old one", [], f.told())
            f.send(tone(11, 1, 160, True, 3000, ssrc=7))
            check("of another source", [7], [d["ssrc"] for d in f.told()])


@test
def dtmf_long():
    """an event longer than 65535 units comes in segments and is one"""
    with Keys() as f:
        f.send(tone(1, 3, 30000), tone(2, 3, 65535), tone(3, 3, 100, False, 1000 + 65535),
               tone(4, 3, 65535, False, 1000 + 65535), tone(5, 3, 50, True, 1000 + 2 * 65535),
               tone(5, 3, 50, True, 1000 + 2 * 65535))
        check("one", [(3, 2 * 65535 + 50, 1000)],
              [(d["event"], d["duration"], d["timestamp"]) for d in f.told()])


@test
def dtmf_not():
    """other payload types, cut short, at a closed gate, of a flow without: no event"""
    with Keys() as f:
        f.send(rtp(1, pt=100), tone(2, 1, 10, True)[:-1])
        check("no event", [], f.told())
        f.k.rtp_replace(f.number, flow(gate="closed", **{"telephone-event": EVENTS}))
        f.phones.send(tone(3, 1, 10, True, 5000))
        f.sent += 1
        ensure("dropped", until(lambda: drops(f.k.rtp_get(f.number)["counters"])))
        check("closed", [], f.told())
        f.k.rtp_replace(f.number, flow())
        f.send(tone(4, 1, 10, True, 9000))
        check("without", [], f.told())


@test
def dtmf_flood():
    """more events than a phone has keys for are counted, not sent"""
    with Keys() as f:
        begin = time.monotonic()
        for i in range(300):
            f.phones.send(tone(i, 1, 10, True, 2000 * i))
        f.sent += 300
        ensure("all passed", until(lambda: f.k.rtp_get(f.number)["counters"]["packets"] == 300))
        most = min(299, 42 + 20 * (time.monotonic() - begin))
        told = f.told()
        ensure(f"{len(told)} events, at most {most:.0f}", 40 <= len(told) <= most)
        time.sleep(0.2)
        f.phones.send(tone(301, 2, 10, True, 2000 * 301))
        f.sent += 1
        last = f.told()[-1]
        check("the last", 2, last["event"])
        check("together", 300, len(told) + sum(d["suppressed"] for d in told)
              + last["suppressed"])


# --- recorder ---

def recorder(family=4, port=RECORDER, src_port=OUT + 100):
    return address("record-src", RELAY[family]) | address("record-dst", UE2[family]) \
        | {"record-src-port": src_port, "record-dst-port": port}


@test
def record():
    """each packet that is sent on goes to the recorder, too; what is dropped does not"""
    for families, rec in (((4, 4), 4), ((6, 6), 6), ((4, 6), 4), ((6, 4), 6), ((4, 4), 6)):
        with core() as k, Phones(*families) as p, \
                Socks(sock("ue2", (UE2[rec], RECORDER), rec)) as (r,):
            number = k.rtp_new(flow(*families, media="rtp-rtcp", **recorder(rec)))
            packets = [rtp(1), rtcp(), rtp(2, size=0), rtp(3, size=1200)]
            for packet in packets:
                p.send(packet)
                check("original", packet, p.got()[0])
                data, sender = receive(r)
                check(f"{families} copy", (packet, (RELAY[rec], OUT + 100)),
                      (data, (sender or ())[:2]))
            p.send(b"no RTP")
            check("dropped", (None, None), receive(r, 0.1))
            f = k.rtp_get(number)
            check("shown", RECORDER, f["record-dst-port"])
            k.rtp_replace(number, flow(*families))
            p.send(rtp(4))
            check("original", rtp(4), p.got()[0])
            check("no recorder any more", (None, None), receive(r, 0.1))
            c = k.rtp_del(number)["counters"]
            check("copies", (4, 0), (c["copies"], c["copies-lost"]))
            conserved(c, 6)


@test
def record_big():
    """fragments, super-packets' segments and packets without checksum are recorded whole"""
    with core() as k, Phones() as p, Socks(sock("ue2", (UE2[4], RECORDER), 4)) as (r,):
        number = k.rtp_new(flow(**recorder()))
        packet = rtp(1, size=5000)
        p.send(packet)
        check("original", packet, p.got()[0])
        check("copy", packet, receive(r)[0])
        p.tx.setsockopt(17, 103, 172)  # UDP_SEGMENT
        packets = [rtp(i) for i in range(2, 12)]
        p.send(b"".join(packets))
        check("originals", packets, [p.got()[0] for _ in packets])
        check("copies", packets, [receive(r)[0] for _ in packets])
        p.tx.setsockopt(17, 103, 0)
        c = k.rtp_del(number)["counters"]
        check("copies", (11, 0), (c["copies"], c.get("copies-lost", 0)))


@test
def record_fails():
    """a recorder that cannot be reached harms nothing"""
    with core() as k, Phones() as p:
        before = drops(k.stats())
        number = k.rtp_new(flow(**recorder() | {"record-dst-ipv4": "10.99.0.1"}))
        for i in range(5):
            p.send(rtp(i))
            check("no route", rtp(i), p.got()[0])
        k.rtp_replace(number, flow(**recorder() | {"record-src-ipv4": "10.77.0.1"}))
        p.send(rtp(5))
        check("source not ours", rtp(5), p.got()[0])
        c = k.rtp_get(number)["counters"]
        check("lost", (0, 6), (c["copies"], c["copies-lost"]))
        k.rtp_replace(number, flow(**recorder() | {"record-dst-ipv4": RELAY[4],
                                                   "record-dst-port": IN}))
        for i in range(6, 9):
            p.send(rtp(i))
            check("to itself", rtp(i), p.got()[0])
        check("and not again", (None, None), p.got(0.1))
        c = k.rtp_del(number)["counters"]
        check("drops", ({}, 9, 9), (drops(c), c["packets"], c["copies-lost"]))
        check("nor does it count as dropped", before, drops(k.stats()))


@test
def record_route_changes():
    """the recorder's way is its own: link down and up again, stack and direct way"""
    with core() as k, Phones() as p, Socks(sock("ue2", (UE2[4], RECORDER), 4)) as (r,):
        number = k.rtp_new(flow(**recorder()))
        for on in (0, 1, 0):
            postrouting(k, on)
            for i in range(3):
                p.send(rtp(i))
                check("original", rtp(i), p.got()[0])
                check("copy", rtp(i), receive(r)[0])
        with inside("core"):
            run("ip", "route", "add", "prohibit", f"{UE2[4]}/32")
        p.send(rtp(9))
        check("both gone", (None, None), p.got(0.1))
        with inside("core"):
            run("ip", "route", "del", "prohibit", f"{UE2[4]}/32")
        p.send(rtp(10))
        check("original again", rtp(10), p.got()[0])
        check("copy again", rtp(10), receive(r)[0])
        c = k.rtp_del(number)["counters"]
        check("copies", (10, 0), (c["copies"], c.get("copies-lost", 0)))


@test
def record_in_clear():
    """what is encrypted is recorded as it was before; what cannot be encrypted is not recorded"""
    import srtp
    suite = "aead-aes-128-gcm"
    key = bytes(range(28))
    ref = srtp.Srtp(suite, key)
    keys = {"suite": suite, "key": key}
    with core() as k, Phones() as p, Socks(sock("ue2", (UE2[4], RECORDER), 4)) as (r,):
        for more in ({"srtp-out": keys}, {"srtp-in": keys}, {"srtp-in": keys, "srtp-out": keys}):
            number = k.rtp_new(flow(**recorder(), **more))
            clear, sealed = rtp(1), ref.protect(rtp(1))
            p.send(sealed if "srtp-in" in more else clear)
            check("original", sealed if "srtp-out" in more else clear, p.got()[0])
            check("copy", clear, receive(r)[0])
            p.send(sealed if "srtp-in" in more else clear)
            check("again", None, p.got(0.1)[0])
            check("not recorded", None, receive(r, 0.05)[0])
            c = k.rtp_del(number)["counters"]
            check("copies", 1, c["copies"])
            conserved(c, 2)


@test
def latch_authentic():
    """with SRTP only who has the key is learned"""
    import srtp
    suite = "aes-cm-128-hmac-sha1-80"
    key = bytes(range(30))
    ref = srtp.Srtp(suite, key)
    with core() as k, Phones() as p, Socks(sock("ue1", (UE1[4], FROM + 2), 4)) as (other,):
        number = k.rtp_new(latching(**{"srtp-in": {"suite": suite, "key": key}}))
        other.sendto(rtp(1), p.to)
        other.sendto(ref.protect(rtp(2))[:-1] + b"x", p.to)
        p.send(ref.protect(rtp(3)))
        check("the true one", rtp(3), p.got()[0])
        other.sendto(ref.protect(rtp(4)), p.to)
        check("the other not any more", (None, None), p.got(0.1))
        ensure("learned", until(lambda: learned(k.rtp_get(number)) == (UE1[4], FROM)))
        c = k.rtp_del(number)["counters"]
        check("drops", {"srtp-auth": 2, "source": 1}, drops(c))
        conserved(c, 4)


# --- netlink ---

@test
def refusals():
    """what contradicts is refused with a sentence; what is asked for is shown"""
    bad = [
        ("latch with peer-port", flow(latch="once")),
        ("ssrc of rtcp", flow(media="rtcp", ssrc=1)),
        ("continuity of udp", flow(media="udp", continuity="ssrc")),
        ("events of udp", flow(media="udp", **{"telephone-event": 101})),
        ("reply attributes", flow(**{"latched-port": 5})),
        ("latch", flow(latch=3)),
        ("reverse", flow(reverse=0)),
        ("telephone-event", flow(**{"telephone-event": 128})),
        ("families", flow(**recorder() | address("record-dst", UE2[6]) | {
            "record-dst-ipv4": None})),
        ("both families", flow(**recorder() | address("record-dst", UE2[6]))),
        ("multicast", flow(**recorder() | {"record-dst-ipv4": "224.0.0.1"})),
    ]
    bad += [(f"recorder without {n}", flow(**{a: v for a, v in recorder().items() if a != n}))
            for n in recorder()]
    with core() as k:
        for what, f in bad:
            name, sentence = refused(k.rtp_new, f)
            ensure(f"{what}: {name}, {sentence}", name in ("EINVAL", "ERANGE") and sentence)
        check("nothing is left", 0, k.stats()["rtp-flows"])
        want = latching(latch="again", reverse=6, ssrc=4, continuity="sequence",
                        **{"telephone-event": 96}, **recorder(6))
        number = k.rtp_new(want)
        have = k.rtp_dump()[0]
        check("shown", want, {n: have.get(n) for n in want})
        k.rtp_replace(number, flow())
        have = k.rtp_get(number)
        check("absent is the default", [], [n for n in (
            "latch", "reverse", "ssrc", "continuity", "telephone-event", "record-dst-port")
            if n in have])
        k.rtp_del(number)


def everything():
    return flow(reverse=6, ssrc=4, continuity="sequence", **{"telephone-event": 96}, **recorder(),
                **{"srtp-in": {"suite": "aead-aes-128-gcm", "key": bytes(28), "mki": b"m"},
                   "srtp-out": {"suite": "aes-cm-128-hmac-sha1-80", "key": bytes(30)}})


def changed(aset, values, name, payload):
    """The attributes, of which one has another payload."""
    out = b""
    for n, v in values.items():
        number, a = SCHEMA_DOC.sets[aset][n]
        flag = NESTED if a["type"] == "nest" else 0
        out += attr(number | flag, payload if n == name else bytes(SCHEMA_DOC.value(a, v)))
    return out


@test
def wrong_lengths_and_ranges():
    """each attribute of them with wrong lengths and values, in the flow and in the keys"""
    with core() as k:
        for aset, values in (("rtp-flow", everything()), ("srtp", everything()["srtp-in"])):
            for name in values:
                a = SCHEMA_DOC.sets[aset][name][1]
                bad = []
                if a["type"] == "u32":
                    bad = [bytes([1]) * n for n in (0, 1, 3, 5, 8, 1000)]
                    checks = a.get("checks", {})
                    bad += [struct.pack("=I", v) for v in (checks.get("min", 0) - 1,
                                                           checks.get("max", 1 << 32) + 1)
                            if 0 <= v < 1 << 32]
                elif "exact-len" in a.get("checks", {}):
                    bad = [bytes([1]) * n for n in (0, 1, 15, 17, 1000)]
                elif "max-len" in a.get("checks", {}):
                    bad = [b"", bytes(a["checks"]["max-len"] + 1), bytes(5000)]
                elif a["type"] == "nest":
                    bad = [b"", b"x", bytes(4), bytes(100)]
                for payload in bad:
                    inner = changed(aset, values, name, payload)
                    if aset == "srtp":
                        inner = changed("rtp-flow", everything(), "srtp-in", inner)
                    refuse(k, f"{name} of {payload[:8]}", "rtp-new", nested("rtp-new", inner))
        check("nothing is left", 0, k.stats()["rtp-flows"])


@test
def garbage():
    """2000 messages with random changes: no crash; what they made is deleted"""
    rnd = random.Random(4733)
    whole = bytes(nested("rtp-new", SCHEMA_DOC.encode("rtp-flow", everything())))
    with core() as k:
        for i in range(2000):
            data = bytearray(whole)
            for _ in range(rnd.randint(1, 4)):
                data[rnd.randrange(len(data))] = rnd.randrange(256)
            op = rnd.choice(("rtp-new", "rtp-new", "rtp-replace"))
            try:
                k.raw(SCHEMA_DOC.cmds[op], bytes(data), rnd.choice((4, 4, 4, DUMP)))
            except NlError:
                pass
            if i % 50 == 0:
                for f in k.rtp_dump():
                    k.rtp_del(f["id"])
        for f in k.rtp_dump():
            k.rtp_del(f["id"])
