# SPDX-License-Identifier: GPL-2.0-or-later
"""QERs and URRs of kims.ko (TS 29.244 5.2.2, 5.4): gates, rates, usage, quotas, reports.

Topology: lab.py and gtp.py. Volumes are of inner packets; each test checks them to the octet.
"""
import socket
import time

from gtp import INET_LINK, Tunnels
from lab import Stalls, check, core, ensure, inside, test, until
from test_gtpu import downward, upward

FAMILIES = (4, 6)
UDP_SEGMENT = 103


def report(k, wait=20.0):
    """The next usage report: (session id, label, urr, set of triggers), or None."""
    e = k.event("usage-ntf", wait)
    if not e:
        return None
    s = e["session"][0]
    urr = s["urr"][0]
    return s["id"], s["label"], urr, k.schema.bit_names("urr-trigger", urr["trigger"])


def reports(k, wait=0.1):
    """All that have come, or come with the first within wait seconds: (urr id, seq, triggers)."""
    out = []
    while (new := k.events(wait)):
        wait = 0.05
        for name, e in new:
            if name == "usage-ntf":
                u = e["session"][0]["urr"][0]
                out.append((u["id"], u["seq"], k.schema.bit_names("urr-trigger", u["trigger"])))
    return out


def with_urr(t, urr, inner=4, pdrs=(1, 2), install=True, **more):
    s = t.session(11, inner=inner, install=False, **more)
    s.add("urr", {"id": 1} | urr, pdrs)
    return s.install(t.k) if install else s


def volumes(u):
    return tuple(u[n] for n in ("octets", "octets-ul", "octets-dl", "packets", "packets-ul",
                                "packets-dl"))


# --- QER ---

@test
def gates():
    """a closed gate drops its direction, the other stays open; the QER counts what it drops"""
    with core() as k, Tunnels(k) as t:
        for fam in FAMILIES:
            s = t.session(11, inner=fam, install=False).add("qer", {"id": 1}, (1, 2)).install(k)
            for ul, dl in (("open", "open"), ("closed", "open"), ("open", "closed"),
                           ("closed", "closed")):
                s.change(k, qer=[{"id": 1, "gate-ul": ul, "gate-dl": dl}])
                what = f"IPv{fam} {ul} {dl}"
                if ul == "open":
                    t.up(s, upward(s, fam))
                    ensure(f"{what}: uplink", t.at_inet())
                else:
                    t.dropped("gate", lambda f=fam: t.up(s, upward(s, f)), what=what)
                if dl == "open":
                    t.down(downward(s, fam))
                    ensure(f"{what}: downlink", t.at_enb())
                else:
                    t.dropped("gate", lambda f=fam: t.down(downward(s, f)), what=what)
            q = s.counters(k, "qer", 1)
            check("octets", (2 * len(upward(s, fam)), 2 * len(downward(s, fam))),
                  (q["octets-ul"], q["octets-dl"]))
            check("dropped", (2, 2), (q["dropped-ul"], q["dropped-dl"]))
            check("PDRs dropped", [2, 2], [p["dropped"] for p in s.remove(k)["pdr"]])


def burst_up(t, s, count, payload=100, fam=4):
    """Sends uplink packets as fast as it goes; how many came out, octets of one, seconds."""
    begin = time.monotonic()
    packet = upward(s, fam, bytes(payload))
    for _ in range(count):
        t.up(s, packet)
    passed = len(t.inet.rest())
    return passed, len(packet), time.monotonic() - begin


@test
def rate():
    """the maximum bit rate: a burst passes, then no more than the rate; the rest drops as rate"""
    with core() as k, Tunnels(k) as t:
        for fam in FAMILIES:
            s = t.session(11, inner=fam, install=False)
            s.add("qer", {"id": 1, "mbr-ul": 8000, "mbr-dl": 1_000_000}, (1, 2)).install(k)
            passed, size, seconds = burst_up(t, s, 100, fam=fam)
            least = 3000 // size + 1  # the least burst is of 3000 octets, after a pause 1/16 more
            most = least + (seconds * 1000 + 3000 / 16 + size) // size + 1
            ensure(f"IPv{fam}: {least} <= {passed} <= {most}", least <= passed <= most)
            check("the others", 100 - passed, t.drops().get("rate"))
            q = s.counters(k, "qer", 1)
            check("QER", (passed * size, 100 - passed), (q["octets-ul"], q["dropped-ul"]))
            t.down(downward(s, fam))
            ensure("downlink has its own rate", t.at_enb())
            s.remove(k)
            t.before = k.stats()
            t.enb.sent = t.inet.sent = 0
            t.enb.seen.clear()
            t.inet.seen.clear()
            t.enb.at = t.inet.at = 0


def by_bucket(times, rate_, burst):
    """How many packets sent at these times a rate a second lets through, burst at most at once."""
    tokens, passed, last = burst, 0, times[0]
    for now in times:
        tokens, last = min(burst, tokens + (now - last) * rate_), now
        if tokens >= 1:
            tokens, passed = tokens - 1, passed + 1
    return passed


@test
def rate_over_time():
    """over a second of steady sending the rate is kept within 5 %, whenever packets come"""
    with core() as k, Tunnels(k) as t:
        s = t.session(11, install=False)
        s.add("qer", {"id": 1, "mbr-ul": 800_000, "burst": 500}, (1,)).install(k)
        packet = upward(s, 4, bytes(472))  # 500 octets: 200 a second
        times = [time.monotonic()]
        while times[-1] - times[0] < 1.0:
            t.up(s, packet)
            time.sleep(0.0005)
            times.append(time.monotonic())
        passed, want = len(t.inet.rest()), by_bucket(times[:-1], 200, 100)
        ensure(f"{passed} of {len(times) - 1}, {want} expected",
               want * 0.95 - 2 <= passed <= want * 1.05 + 2)


@test
def rate_extremes():
    """rates from 1 bit/s to 400 Gbit/s and beyond: no overflow, nothing passes that should not"""
    with core() as k, Tunnels(k) as t:
        for rate_, least, most in ((1, 1, 26), (1000, 22, 27), (400_000_000_000, 60, 60),
                                   (0xffffffffffffffff, 60, 60)):
            s = t.session(11, install=False)
            s.add("qer", {"id": 1, "mbr-ul": rate_}, (1,)).install(k)
            passed, size, seconds = burst_up(t, s, 60)
            if most < 60:
                most += seconds * rate_ / 8 / size
            ensure(f"{rate_} bit/s: {passed}", least <= passed <= most)
            check("as it was given", rate_, s.counters(k, "qer", 1)["mbr-ul"])
            s.remove(k)


@test
def several_qers():
    """all QERs of a PDR are asked before any is charged: each has the same octets"""
    with core() as k, Tunnels(k) as t:
        s = t.session(11, install=False)
        for number, rate_ in ((1, 10_000_000), (2, 4000), (3, 0)):
            s.add("qer", {"id": number, "mbr-ul": rate_}, (1,))
        s.add("urr", {"id": 1}, (1,)).install(k)
        passed, size, _ = burst_up(t, s, 80)
        ensure(f"some passed, some not: {passed}", 0 < passed < 80)
        check("octets of each", [passed * size] * 3,
              [s.counters(k, "qer", n)["octets-ul"] for n in (1, 2, 3)])
        check("URR", passed * size, s.counters(k, "urr", 1)["octets"])


@test
def session_ambr():
    """a QER that several PDRs share limits their sum (session AMBR)"""
    with core() as k, Tunnels(k) as t:
        s = t.session(11, install=False)
        s.conf["pdr"].append({"id": 3, "precedence": 10, "source-interface": "access",
                              "endpoint": 1, "teid": s.teid_in, "far-id": 1,
                              "filter": [{"id": 1, "protocol": 17, "remote-ports": [53 << 16 | 53]}]})
        s.add("qer", {"id": 1, "mbr-ul": 80_000}, (1, 3)).install(k)
        one, two = upward(s, 4, bytes(100)), bytearray(upward(s, 4, bytes(100)))
        two[22:24] = (99).to_bytes(2, "big")  # another port: PDR 1; the UDP checksum is not read
        begin = time.monotonic()
        for _ in range(50):
            t.up(s, one)
            t.up(s, bytes(two))
        passed = len(t.inet.rest())
        seconds = time.monotonic() - begin
        most = 3200 // len(one) + 2 + seconds * 10_000 / len(one) + 1
        ensure(f"together {passed} of at most {most:.0f}", 20 <= passed <= most)
        pdrs = {p["id"]: p for p in s.get(k)["pdr"]}
        check("both PDRs together", (passed, 100 - passed),
              (pdrs[1]["packets"] + pdrs[3]["packets"], pdrs[1]["dropped"] + pdrs[3]["dropped"]))
        ensure("both had some", pdrs[1]["packets"] and pdrs[3]["packets"])


# --- URR: volume ---

@test
def volume():
    """octets and packets of each direction, to the octet; a PDR's URRs all count"""
    with core() as k, Tunnels(k) as t:
        for fam in FAMILIES:
            s = with_urr(t, {"method": "volum"}, inner=fam, install=False)
            s.add("urr", {"id": 2, "method": "volum"}, (1,)).install(k)
            ups = [upward(s, fam, bytes(n)) for n in (0, 1, 100, 999)]
            downs = [downward(s, fam, bytes(n)) for n in (5, 1200)]
            for p in ups:
                t.up(s, p)
                ensure("up", t.at_inet())
            for p in downs:
                t.down(p)
                ensure("down", t.at_enb())
            ul, dl = sum(map(len, ups)), sum(map(len, downs))
            check("URR 1", (ul + dl, ul, dl, 6, 4, 2), volumes(s.counters(k, "urr", 1)))
            check("URR 2", (ul, ul, 0, 4, 4, 0), volumes(s.counters(k, "urr", 2)))
            u = s.counters(k, "urr", 1)
            now = time.time_ns()
            ensure("first and last packet", now - 10e9 < u["first-packet"] <= u["last-packet"]
                   <= now + 1e8)
            final = s.remove(k)
            check("final", (ul + dl, ul, dl, 6, 4, 2),
                  volumes(next(u for u in final["urr"] if u["id"] == 1)))


@test
def threshold():
    """a volume threshold: one report each time it is reached, with what was counted since"""
    with core(["gtpu"]) as k, Tunnels(k) as t:
        for name, packet_of in (("volume-threshold", upward), ("volume-threshold-ul", upward),
                                ("volume-threshold-dl", downward)):
            s = with_urr(t, {"method": "volum", "triggers": "volth", name: 1000})
            packet = packet_of(s, 4, bytes(272))  # 300 octets: the 4th reaches it
            for i in range(12):
                if packet_of is upward:
                    t.up(s, packet)
                    ensure("up", t.at_inet())
                else:
                    t.down(packet)
                    ensure("down", t.at_enb())
                if i % 4 != 3:
                    continue
                got = report(k)
                ensure(f"{name}: report", got)
                check(f"{name}: report", (11, "001010000000001", 1, i // 4, {"volth"}),
                      (got[0], got[1], got[2]["id"], got[2]["seq"], got[3]))
                check(f"{name}: volume", ((i + 1) * 300, (i - 3) * 300),
                      (got[2]["octets"], got[2]["reported-octets"]))
            check(f"{name}: no more", [], reports(k))
            s.remove(k)


@test
def unheard():
    """reports that nobody hears: the sequence tells, the counters have it all"""
    with core() as k, Tunnels(k) as t:
        s = with_urr(t, {"method": "volum", "triggers": "volth", "volume-threshold": 100})
        for _ in range(5):
            t.up(s, upward(s, 4, bytes(100)))
            ensure("up", t.at_inet())
        with core(["gtpu"]) as late:
            t.up(s, upward(s, 4, bytes(100)))
            _, _, u, _ = report(late)
            check("the sixth", (5, 6 * 128, 5 * 128), (u["seq"], u["octets"],
                                                       u["reported-octets"]))
        t.at_inet()
        u = s.remove(k)["urr"][0]
        check("final", (6, 6 * 128), (u["seq"], u["octets"]))


@test
def quota():
    """a volume quota: never more passes, to the packet; one report; a new one opens again"""
    with core(["gtpu"]) as k, Tunnels(k) as t:
        for name, fam in (("volume-quota", 4), ("volume-quota-ul", 6)):
            conf = {"id": 1, "method": "volum", "triggers": "volqu+droth", name: 1000}
            s = with_urr(t, conf, inner=fam)
            packet = upward(s, fam, bytes(300 - len(upward(s, fam, b""))))
            for i in range(3):
                t.up(s, packet)
                ensure(f"packet {i} fits", t.at_inet())
            check("no report yet", [], reports(k, 0.05))
            t.dropped("quota", lambda p=packet: t.up(s, p), what="the 4th does not fit")
            got = report(k)
            check("report", ({"volqu", "droth"}, 900, 1),
                  (got[3], got[2]["octets"], got[2]["exhausted"]))
            t.dropped("quota", lambda f=fam: [t.up(s, upward(s, f, b"")) for _ in range(5)],
                      count=5, what="smaller ones, too")
            check("one report", [], reports(k, 0.05))
            check("stands", (900, 1), (s.counters(k, "urr", 1)["octets"],
                                       s.counters(k, "urr", 1)["exhausted"]))
            s.change(k, urr=[conf | {name: 600}])
            for _ in range(2):
                t.up(s, packet)
                ensure("the new quota", t.at_inet())
            got = report(k)
            check("used up exactly", ({"volqu"}, 1500), (got[3], got[2]["octets"]))
            t.dropped("quota", lambda p=packet: t.up(s, p))
            check("then droth", [(1, 2, {"droth"})], reports(k))
            final = s.remove(k)
            check("final", 1500, final["urr"][0]["octets"])
            check("PDR", (5, 7), (final["pdr"][0]["packets"], final["pdr"][0]["dropped"]))


@test
def quota_of_super_packet():
    """of a super-packet so many packets pass as the quota has room for"""
    with core(["gtpu"]) as k, Tunnels(k, check_wire=False) as t:
        s = with_urr(t, {"method": "volum", "volume-quota": 1000, "triggers": "volqu+droth"})
        with inside("inet"), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
            sock.bind((INET_LINK[4], 53))
            sock.setsockopt(socket.SOL_UDP, UDP_SEGMENT, 100)
            for what in ("the first", "the second"):
                sock.sendto(bytes(1000), (s.ue, 4000))  # 10 of 128 octets
                t.enb.rest(0.1)
                check(f"behind {what}", 7, len(t.enb.seen))
        check("counted", (7 * 128, 7), volumes(s.counters(k, "urr", 1))[::3])
        check("reports", [(1, 0, {"volqu", "droth"})], reports(k))
        pdr = s.remove(k)["pdr"][1]
        check("PDR", (7, 13), (pdr["packets"], pdr["dropped"]))


@test
def quota_of_one_urr():
    """when one URR's quota is used up, no other URR or QER is charged for the packet"""
    with core() as k, Tunnels(k) as t:
        s = with_urr(t, {"method": "volum", "volume-quota": 500}, install=False)
        s.add("urr", {"id": 2, "method": "volum"}, (1, 2)).add("qer", {"id": 1}, (1, 2)).install(k)
        for _ in range(6):
            t.up(s, upward(s, 4, bytes(172)))
        check("pass", 2, len(t.inet.rest(0.1)))
        check("drops", {"quota": 4}, t.drops())
        check("all the same", [400, 400, 400],
              [s.counters(k, "urr", 1)["octets"], s.counters(k, "urr", 2)["octets"],
               s.counters(k, "qer", 1)["octets-ul"]])


@test
def before_qos():
    """a URR that measures before QoS counts what the QERs drop, another does not"""
    with core() as k, Tunnels(k) as t:
        s = with_urr(t, {"method": "volum", "before-qos": 1}, install=False)
        s.add("urr", {"id": 2, "method": "volum"}, (1, 2))
        s.add("qer", {"id": 1, "mbr-ul": 8000, "gate-dl": "closed"}, (1, 2)).install(k)
        passed, size, _ = burst_up(t, s, 50)
        for _ in range(3):
            t.down(downward(s))
        t.quiet("the gate")
        check("before", (50 * size, 3 * len(downward(s))),
              tuple(s.counters(k, "urr", 1)[n] for n in ("octets-ul", "octets-dl")))
        check("after", (passed * size, 0),
              tuple(s.counters(k, "urr", 2)[n] for n in ("octets-ul", "octets-dl")))


@test
def dropped_elsewhere():
    """what a FAR or the anti-spoofing drops is in no URR"""
    with core() as k, Tunnels(k) as t:
        s = with_urr(t, {"method": "volum", "before-qos": 1})
        s.change(k, far=[{"id": 1, "apply-action": "drop"}])
        t.dropped("far", lambda: t.up(s, upward(s)))
        other = t.session(12)
        t.dropped("spoofed-ue", lambda: t.up(s, upward(other)))
        check("nothing", 0, s.counters(k, "urr", 1)["octets"])


# --- URR: events, time ---

@test
def events():
    """start, stop after a silence, each event; a linked URR is reported along"""
    with core(["gtpu"]) as k, Tunnels(k) as t:
        s = with_urr(t, {"method": "volum", "triggers": "start+stopt", "inactivity": 1,
                         "linked-urr": 2}, install=False)
        s.add("urr", {"id": 2, "method": "event", "triggers": "evequ"}, (2,)).install(k)
        t.up(s, upward(s))
        ensure("up", t.at_inet())
        check("start", [(1, 0, {"start"}), (2, 0, {"liusa"})], reports(k, 1.0))
        t.up(s, upward(s))
        ensure("up", t.at_inet())
        with Stalls() as stalls:
            begin = time.monotonic()
            check("stop", [(1, 1, {"stopt"}), (2, 1, {"liusa"})], reports(k, 20.0))
            after = time.monotonic() - begin
        ensure(f"after a second: {after:.3f}", 0.9 < after < 1.7 + stalls.seconds)
        t.up(s, upward(s))
        ensure("up", t.at_inet())
        check("start again", [(1, 2, {"start"}), (2, 2, {"liusa"})], reports(k, 1.0))
        for i in range(2):
            t.down(downward(s))
            ensure("down", t.at_enb())
            check("an event", (2, 3 + i, {"evequ"}), reports(k, 1.0)[-1])


@test
def period():
    """a periodic report every second, also without traffic, by the clock of its start"""
    with core(["gtpu"]) as k, Tunnels(k) as t:
        with Stalls() as stalls:
            begin = time.monotonic()
            s = with_urr(t, {"method": "volum", "triggers": "perio", "period": 1})
            begun = time.monotonic()
            t.up(s, upward(s))
            ensure("up", t.at_inet())
            for i in (1, 2):
                got = report(k)
                check("report", ({"perio"}, i - 1, len(upward(s)), len(upward(s)) * (i - 1)),
                      (got[3], got[2]["seq"], got[2]["octets"], got[2]["reported-octets"]))
                now = time.monotonic()
                ensure(f"not before {i} s: {now - begin:.3f}", now - begin > i - 0.05)
                ensure(f"in time: {now - begun:.3f}", now - begun < i + 0.7 + stalls.seconds)


@test
def time_limits():
    """time threshold and time quota: reported in time, traffic stops at the quota"""
    with core(["gtpu"]) as k, Tunnels(k) as t:
        conf = {"id": 1, "method": "durat+volum", "triggers": "timth+timqu", "time-threshold": 1,
                "time-quota": 2}
        s = with_urr(t, conf)
        time.sleep(0.3)  # time begins with the first packet
        with Stalls() as stalls:
            begin = time.monotonic()
            t.up(s, upward(s))
            ensure("up", t.at_inet())
            got = report(k)
            after = time.monotonic() - begin
            ensure(f"threshold in time: {after:.3f}", 0.95 < after < 1.7 + stalls.seconds)
            check("threshold", {"timth"}, got[3])
            ensure(f"duration {got[2]['duration']}",
                   1000 <= got[2]["duration"] < 1700 + 1000 * stalls.seconds)
            got = report(k)
            after = time.monotonic() - begin
            ensure(f"quota in time: {after:.3f}", 1.95 < after < 2.7 + stalls.seconds)
        ensure(f"quota: {got[3]}", "timqu" in got[3])
        t.dropped("quota", lambda: t.up(s, upward(s)))
        used = s.counters(k, "urr", 1)["duration"]
        time.sleep(0.15)
        check("time stands while nothing may pass", used, s.counters(k, "urr", 1)["duration"])
        s.change(k, urr=[conf])
        t.up(s, upward(s))
        ensure("a new quota", t.at_inet())


@test
def inactivity():
    """time counts until the inactivity time is over, and again from the next packet"""
    with core() as k, Tunnels(k) as t:
        s = with_urr(t, {"method": "durat", "inactivity": 1})
        t.up(s, upward(s))
        ensure("up", t.at_inet())
        time.sleep(1.4)
        d = s.counters(k, "urr", 1)["duration"]
        ensure(f"a second: {d}", 990 <= d <= 1060)
        begin = time.monotonic()
        t.up(s, upward(s))
        ensure("up", t.at_inet())
        time.sleep(0.3)
        d = s.counters(k, "urr", 1)["duration"] - d
        took = 1000 * (time.monotonic() - begin)
        ensure(f"and what came then: {d}", 290 <= d <= min(took, 1050) + 20)
        ensure("final", s.remove(k)["urr"][0]["duration"] >= 1290)


@test
def monitoring_time():
    """a report at a time of day, also when the clock is set over it; thresholds begin anew"""
    with core(["gtpu"]) as k, Tunnels(k) as t:
        s = with_urr(t, {"method": "volum", "triggers": "volth", "volume-threshold": 300,
                         "monitoring-time": int(time.time()) + 2})
        t.up(s, upward(s, 4, bytes(172)))
        ensure("up", t.at_inet())
        want = s.get(k)["urr"][0].get("monitoring-time")
        with Stalls() as stalls:
            got = report(k)
            late = time.time() - (want or 0)
        check("report", ({"monit"}, 200), (got[3], got[2]["octets"]))
        ensure(f"in time: {late:.3f}", -0.02 < late < 0.7 + stalls.seconds or want is None)
        t.up(s, upward(s, 4, bytes(172)))
        ensure("up", t.at_inet())
        check("200 since: below the threshold", [], reports(k, 0.1))
        s.change(k, urr=[{"id": 1, "method": "volum", "monitoring-time": int(time.time()) + 3600}])
        check("an hour from now", [], reports(k, 0.2))
        shift_clock(3601)
        try:
            got = report(k)
        finally:
            shift_clock(-3601)
        ensure("the clock was set: report", got and got[3] == {"monit"})


def shift_clock(seconds):
    time.clock_settime(time.CLOCK_REALTIME, time.clock_gettime(time.CLOCK_REALTIME) + seconds)


# --- removal, session ---

@test
def final_counts():
    """what a removed URR or session returns is final; its last packet is in it"""
    with core(["gtpu"]) as k, Tunnels(k) as t:
        s = with_urr(t, {"method": "durat+volum"}, install=False)
        s.add("urr", {"id": 2, "method": "volum"}, (1, 2)).install(k)
        for _ in range(7):
            t.up(s, upward(s))
        ensure("counted", until(lambda: s.counters(k, "pdr", 1)["packets"] == 7))
        pdrs = [dict(p, **{"urr-id": [1]}) for p in s.conf["pdr"]]
        gone = s.change(k, pdr=pdrs, del_urr=[2])
        check("of the removed URR", (2, 7), (gone[0]["urr"][0]["id"], gone[0]["urr"][0]["packets"]))
        for _ in range(3):
            t.up(s, upward(s))
        final = s.remove(k)
        out, late = len(t.inet.rest(0.1)), len(t.enb.rest())
        t.extra += late  # they came after the removal: Error Indications
        check("all", 10, out + late)
        check("the other URR", out, final["urr"][0]["packets"])
        check("PDR", out, final["pdr"][0]["packets"])


@test
def idle():
    """user plane inactivity: told once, again after the next silence; without a packet, too"""
    with core(["gtpu"]) as k, Tunnels(k) as t:
        s = t.session(11, install=False)
        s.conf["idle-timeout"] = 1
        with Stalls() as stalls:
            begin = time.monotonic()
            s.install(k)
            e = k.event("session-idle-ntf")
            after = time.monotonic() - begin
        ensure("never a packet: told", e)
        check("who", (11, "001010000000001", None),
              (e["session"][0]["id"], e["session"][0]["label"], e["session"][0].get("idle")))
        ensure(f"in time: {after:.3f}", 0.9 < after < 1.7 + stalls.seconds)
        check("once", None, k.event("session-idle-ntf", 0.3))
        with Stalls() as stalls:
            t.up(s, upward(s))
            ensure("up", t.at_inet())
            e = k.event("session-idle-ntf")
        ensure("again", e)
        ensure(f"idle: {e['session'][0]}",
               990 <= e["session"][0]["idle"] <= 1700 + 1000 * stalls.seconds)


@test
def usage_conserves():
    """under several meters every packet is in exactly one count of its PDR"""
    with core() as k, Tunnels(k) as t:
        s = with_urr(t, {"method": "volum", "volume-quota": 20000}, install=False)
        s.add("qer", {"id": 1, "mbr-ul": 400_000, "mbr-dl": 300_000}, (1, 2)).install(k)
        for i in range(150):
            t.up(s, upward(s, 4, bytes(i)))
            t.down(downward(s, 4, bytes(i)))
        until(lambda: sum(p["packets"] + p["dropped"] for p in s.get(k)["pdr"]) == 300)
        pdrs = s.get(k)["pdr"]
        check("PDRs", [150, 150], [p["packets"] + p["dropped"] for p in pdrs])
        u, q = s.counters(k, "urr", 1), s.counters(k, "qer", 1)
        check("octets", sum(p["octets"] for p in pdrs), u["octets"])
        check("of the QER", (pdrs[0]["octets"], pdrs[1]["octets"]),
              (q["octets-ul"], q["octets-dl"]))
        ensure(f"quota kept: {u['octets']}", u["octets"] <= 20000)
        check("drops", sum(p["dropped"] for p in pdrs), sum(t.drops().values()))
