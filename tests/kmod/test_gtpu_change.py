# SPDX-License-Identifier: GPL-2.0-or-later
"""Changes of rules under traffic: every packet goes by the rules from before or from after, in
order, and is counted once.

Topology: lab.py and gtp.py. The traffic is a process of its own.
"""
import os
import random
import signal
import struct
import time

from gtp import END_MARKER, G_PDU, GNB, GNB2, PORT, REMOTE, UPF, Tunnels, gpdu, read_gtp, ue4
from lab import Failed, check, core, drops, ensure, everywhere, inside, mac, test, until
from packet import Wire, datagram

# A burst, and then so long nothing: so that what comes out can be read meanwhile.
BURST, PAUSE = 5, 0.002
# So many at most from another processor: what a packet socket keeps while nobody reads it.
MOST = 20000


class Stream:
    """Numbered packets from a process: with Stream("inet", make) as s: ...; then s.sent.

    Between two processors a link keeps no order: without anywhere=True it is on the test's own.
    """

    def __init__(self, space, make, anywhere=False):
        self.space, self.make, self.anywhere, self.sent = space, make, anywhere, 0

    def __enter__(self):
        out, self.pipe = os.pipe()
        self.pid = os.fork()
        if not self.pid:
            if self.anywhere:
                everywhere()
            self.child()
        os.close(self.pipe)
        self.pipe = out
        return self

    def child(self):
        going = [True]
        signal.signal(signal.SIGTERM, lambda *_: going.clear())
        signal.alarm(600)
        device, toward = {"enb": ("e1", "ce"), "inet": ("i1", "ci")}[self.space]
        with inside(self.space):
            w = Wire(device, mac("core", toward))
        n = 0
        while going:
            for _ in range(BURST if n < MOST or not self.anywhere else 0):
                w.send(self.make(n))
                n += 1
            time.sleep(PAUSE)
        os.write(self.pipe, struct.pack("=I", n))
        os._exit(0)

    def __exit__(self, *_):
        os.kill(self.pid, signal.SIGTERM)
        self.sent = struct.unpack("=I", os.read(self.pipe, 4))[0]
        os.close(self.pipe)
        os.waitpid(self.pid, 0)


def numbered_down(n):
    return datagram((REMOTE[4], 53), (ue4(11), 4000), struct.pack("!I", n) + bytes(n % 500))


def numbered_up(n):
    inner = datagram((ue4(11), 4000), (REMOTE[4], 53), struct.pack("!I", n) + bytes(n % 500))
    return datagram((GNB[4], PORT), (UPF[4], PORT), gpdu(0x100b, inner))


def number(payload):
    return struct.unpack_from("!I", payload)[0]


def for_a_while(t, change, seconds=2.0, least=1):
    """Calls change(i) again and again, so often at least, reading what comes out; how often."""
    end, i = time.monotonic() + seconds, 0
    while i < least or time.monotonic() < end:
        change(i)
        i += 1
        t.enb.pump()
        t.inet.pump()
        time.sleep(0.001)
    return i


def come(tap, sent, seconds=5):
    """The packets of a stream, in the order in which they have come. Of one that was made on another
    processor no mark tells the end: they are waited for as long as any come."""
    while len(tap.seen) < sent and tap.pump(seconds):
        pass
    tap.rest(0.1)
    return tap.seen


def check_numbers(what, sent, numbers):
    """Each once and in order; the first that differs tells more than all of them."""
    wrong = next((i for i, n in enumerate(numbers) if i != n), len(numbers))
    if numbers != list(range(sent)):
        raise Failed(f"{what}: {len(numbers)} for {sent}; from {wrong}: {numbers[wrong:wrong + 9]}; "
                     f"missing {sorted(set(range(sent)) - set(numbers))[:9]}")


def gtp_kind(p):
    return read_gtp(p).gtp.kind


@test
def path_switch():
    """the tunnel changes under traffic: no packet lost or twice, in order, End Marker behind the last"""
    with core() as k, Tunnels(k, check_wire=False) as t:
        s = t.session(11)
        ways = [{"peer-ipv4": GNB[4], "teid": 0xa}, {"peer-ipv4": GNB2[4], "teid": 0xb}]

        def change(i):
            far = {"id": 2, "apply-action": "forw", "destination-interface": "access",
                   "endpoint": 1, "send-end-marker": 1} | ways[i % 2]
            s.change(k, far=[far])

        def goes_on(i):
            """One goes by the new tunnel behind the End Marker: then a change back may begin."""
            teid = ways[i % 2]["teid"]
            return t.enb.next(lambda p: gtp_kind(p) == END_MARKER) \
                and t.enb.next(lambda p: gtp_kind(p) == G_PDU and p.gtp.teid == teid)

        def step(i):
            change(i)
            ensure(f"change {i}: End Marker, then the new tunnel", goes_on(i))

        change(1)
        t.enb.rest()
        t.enb.seen.clear()
        t.enb.at = 0
        with Stream("inet", numbered_down) as stream:
            changes = for_a_while(t, step, least=12)
        t.enb.rest()
        out = [read_gtp(p) for p in t.enb.seen]
        data = [number(p.gtp.inner.payload) for p in out if p.gtp.kind == G_PDU]
        check_numbers("each once, in order", stream.sent, data)
        # Each change ends one tunnel: between two End Markers there are packets of the new one,
        # then perhaps, when the next change has made it the new one again, of the other.
        markers = [i for i, p in enumerate(out) if p.gtp.kind == END_MARKER]
        check("End Markers", [ways[i % 2 - 1]["teid"] for i in range(changes)],
              [out[i].gtp.teid for i in markers])
        for first, last in zip(markers, markers[1:] + [len(out)]):
            teids = [p.gtp.teid for p in out[first + 1:last]]
            runs = [n for i, n in enumerate(teids) if not i or teids[i - 1] != n]
            ensure("nothing behind the End Marker", runs[0] != out[first].gtp.teid)
            ensure(f"{len(runs)} tunnels between two End Markers", len(runs) <= 2)
        check("the session has counted", stream.sent, s.counters(k, "pdr", 2)["packets"])


@test
def buffer_switch():
    """a FAR buffers and forwards in turns under traffic: no packet lost, in order"""
    with core() as k, Tunnels(k, check_wire=False) as t:
        s = t.session(11, install=False)
        s.conf["bar"] = {"packets": 4096, "octets": 16777216}
        s.install(k)

        def change(i):
            s.change(k, far=[s.far(2) | {"apply-action": ("buff", "forw")[i % 2]}])
            time.sleep(0.003)

        with Stream("inet", numbered_down) as stream:
            for_a_while(t, change, least=12)
        change(1)
        ensure("nothing waits", until(lambda: not k.stats()["buffered-packets"]))
        t.enb.rest()
        check_numbers("stream", stream.sent, [number(read_gtp(p).gtp.inner.payload)
                                              for p in come(t.enb, stream.sent)])
        check("no drops", {}, t.drops())
        check("counted", stream.sent, s.counters(k, "pdr", 2)["packets"])


def totals(final, sums):
    for p in final["pdr"]:
        sums["packets"] += p["packets"]
        sums["octets"] += p["octets"]
        sums["dropped"] += p["dropped"]
    for u in final.get("urr", []):
        sums["urr"] += u["packets"]


@test
def exact_counters():
    """rules, meters and whole sessions replaced under traffic both ways: final counts are exact"""
    rnd = random.Random(29244)
    with core() as k, Tunnels(k, check_wire=False) as t:
        def make():
            s = t.session(11, install=False)
            s.add("urr", {"id": 1, "method": "volum"}, pdrs=(1, 2))
            s.add("qer", {"id": 1}, pdrs=(1, 2))
            return s.install(k)

        s = make()
        sums = {"packets": 0, "octets": 0, "dropped": 0, "urr": 0}

        def change(i):
            nonlocal s
            what = rnd.randrange(6)
            if what == 0:
                totals(s.remove(k), sums)
                s = make()
            elif what == 1:
                s.change(k, far=[s.far(1) | {"apply-action": rnd.choice(("drop", "forw"))}])
            elif what == 2:
                s.change(k, qer=[{"id": 1, "gate-dl": rnd.choice(("open", "closed"))}])
            elif what == 3:
                s.change(k, pdr=[s.pdr(1), s.pdr(2) | {"precedence": i}])
            elif what == 4:
                # The URR goes and comes back: what it had is in the reply.
                gone = s.change(k, del_urr=[1], pdr=[{n: v for n, v in p.items() if n != "urr-id"}
                                                     for p in s.conf["pdr"]])
                sums["urr"] += sum(u["packets"] for g in gone for u in g.get("urr", []))
                sums["without"] = True
                s.change(k, urr=[{"id": 1, "method": "volum"}], pdr=s.conf["pdr"])
            else:
                s.change(k, far=[s.far(2) | {"dscp": rnd.randrange(64)}])

        with Stream("inet", numbered_down, True) as down, Stream("enb", numbered_up, True) as up:
            for_a_while(t, change, 3)
        totals(s.remove(k), sums)
        t.inet.rest(2)
        t.enb.rest(2)
        # Between sessions the phone's address is nobody's: those packets go by the stack's route.
        gone_on = len([p for p in t.inet.seen if p.src == ue4(11)]) \
            + len([p for p in t.enb.seen if read_gtp(p).gtp and p.gtp.kind == G_PDU])
        check("PDRs have counted what came out", gone_on, sums["packets"])
        by_reason = t.drops()
        in_session = sum(v for r, v in by_reason.items() if r in ("far", "gate"))
        check("and what they dropped", in_session, sums["dropped"])
        check("endpoint: all that came", up.sent, t.delta("gtpu-received"))
        ep = k.ep_get(1)
        check("endpoint: went on or dropped", up.sent, ep["forwarded"] + sum(drops(ep).values()))
        ensure("the URR has no more than the PDRs", sums["urr"] <= sums["packets"])
        if "without" not in sums:
            check("the URR has what the PDRs have", sums["packets"], sums["urr"])
        ensure("something came", down.sent and up.sent and gone_on)


@test
def session_churn():
    """other sessions come and go beside one under traffic, by the hundred: it notices nothing"""
    with core() as k, Tunnels(k, check_wire=False) as t:
        s = t.session(11)

        def change(i):
            many = [t.session(n, inner=(4, 6), install=False) for n in range(20, 80)]
            k.session_new(*[m.conf for m in many])
            k.session_del(*[m.id for m in many])

        with Stream("inet", numbered_down, True) as down, Stream("enb", numbered_up, True) as up:
            for_a_while(t, change, 2)
        check_numbers("uplink", up.sent, [number(p.payload) for p in come(t.inet, up.sent)])
        check_numbers("downlink", down.sent, [number(read_gtp(p).gtp.inner.payload)
                                              for p in come(t.enb, down.sent)])
        check("no drops", {}, t.drops())
        check("counted", [up.sent, down.sent], [p["packets"] for p in s.get(k)["pdr"]])
