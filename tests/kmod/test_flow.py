# SPDX-License-Identifier: GPL-2.0-or-later
"""Media flows: ue1 sends to the relay's port 20000, ue2 gets it from the relay's port 20002."""
import socket

from knl import refused
from lab import RELAY, UE1, UE2, check, core, drops, ensure, inside, test, until
from packet import rtcp, rtp

SO_RCVBUFFORCE = 33
IN, OUT, FROM, TO = 20000, 20002, 40000, 40002


def address(name, value):
    return {f"{name}-ipv{6 if ':' in value else 4}": value}


def flow(in_family=4, out_family=4, **more):
    """Attributes of a flow from ue1 to ue2."""
    f = {"media": "rtp", "local-port": IN, "peer-port": FROM, "src-port": OUT, "dst-port": TO}
    f |= address("local", RELAY[in_family]) | address("peer", UE1[in_family])
    f |= address("src", RELAY[out_family]) | address("dst", UE2[out_family])
    f |= more
    return {k: v for k, v in f.items() if v is not None}


def sock(space, where, family):
    kind = socket.AF_INET6 if family == 6 else socket.AF_INET
    with inside(space):
        s = socket.socket(kind, socket.SOCK_DGRAM)
        s.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, 4 << 20)
        s.bind(where)
        s.settimeout(10)
    return s


class Phones:
    """A sender in ue1 and a receiver in ue2."""

    def __init__(self, in_family=4, out_family=4):
        self.tx = sock("ue1", (UE1[in_family], FROM), in_family)
        self.rx = sock("ue2", (UE2[out_family], TO), out_family)
        self.to = (RELAY[in_family], IN)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.tx.close()
        self.rx.close()

    def send(self, payload):
        self.tx.sendto(payload, self.to)

    def got(self, seconds=10.0):
        self.rx.settimeout(seconds)
        try:
            return self.rx.recvfrom(70000)
        except TimeoutError:
            return None, None


def through(in_family, out_family):
    with core() as k, Phones(in_family, out_family) as p:
        number = k.rtp_new(flow(in_family, out_family))
        for seq in range(10):
            p.send(rtp(seq))
            data, sender = p.got()
            check("payload", rtp(seq), data)
            check("sender", (RELAY[out_family], OUT), sender[:2])
        final = k.rtp_del(number)["counters"]
        check("packets", 10, final["packets"])
        check("octets", 10 * 172, final["octets"])
        check("lost", 0, final["lost"])
        check("ssrc", 0x1234, final["ssrc"])
        check("drops", {}, drops(final))


@test
def forward_4_4():
    """IPv4 to IPv4, counters in the answer to the delete"""
    through(4, 4)


@test
def forward_6_6():
    """IPv6 to IPv6"""
    through(6, 6)


@test
def forward_4_6():
    """IPv4 to IPv6"""
    through(4, 6)


@test
def forward_6_4():
    """IPv6 to IPv4"""
    through(6, 4)


@test
def source_check():
    """media from another address or port is dropped; absent peer, any may send"""
    with core() as k, Phones() as p, sock("ue1", (UE1[4], FROM + 2), 4) as other:
        number = k.rtp_new(flow())
        other.sendto(rtp(1), p.to)
        check("other port", (None, None), p.got(0.2))
        check("drops", {"source": 1}, drops(k.rtp_get(number)["counters"]))
        check("idle", None, k.rtp_get(number).get("idle"))
        k.rtp_replace(number, flow(**{"peer-port": None}))
        other.sendto(rtp(2), p.to)
        check("any port", rtp(2), p.got()[0])
        k.rtp_replace(number, flow(**{"peer-port": None, "peer-ipv4": UE2[4]}))
        other.sendto(rtp(3), p.to)
        check("other address", (None, None), p.got(0.2))
        k.rtp_replace(number, flow(**{"peer-port": None, "peer-ipv4": None}))
        other.sendto(rtp(4), p.to)
        check("anybody", rtp(4), p.got()[0])
        final = k.rtp_del(number)
        check("drops at the end", {"source": 2}, drops(final["counters"]))
        check("packets", 2, final["counters"]["packets"])


@test
def gate_and_replace():
    """a closed gate drops and counts; replace keeps counters and id"""
    with core() as k, Phones() as p:
        number = k.rtp_new(flow(cookie=77))
        p.send(rtp(1))
        check("open", rtp(1), p.got()[0])
        k.rtp_replace(number, flow(gate="closed"))
        p.send(rtp(2))
        check("closed", (None, None), p.got(0.2))
        k.rtp_replace(number, flow())
        p.send(rtp(3))
        check("open again", rtp(3), p.got()[0])
        f = k.rtp_get(number)
        check("cookie", 77, f["cookie"])
        check("packets", 2, f["counters"]["packets"])
        check("drops", {"gate": 1}, drops(f["counters"]))
        check("nothing lost on the way in", 0, f["counters"]["lost"])
        ensure("idle", f["idle"] < 5000)
        # To another local port and another destination, at once.
        k.rtp_replace(number, flow(**{"local-port": IN + 4}))
        p.send(rtp(4))
        check("old port", (None, None), p.got(0.2))
        p.to = (RELAY[4], IN + 4)
        p.send(rtp(5))
        check("new port", rtp(5), p.got()[0])
        check("packets", 3, k.rtp_del(number)["counters"]["packets"])


@test
def refused_replace():
    """a replace that is refused changes nothing"""
    with core() as k, Phones() as p:
        number = k.rtp_new(flow())
        other = k.rtp_new(flow(**{"local-port": IN + 4}))
        before = k.rtp_get(number)
        check("taken port", ("EEXIST", "kims: another flow has this local address and port"),
              refused(k.rtp_replace, number, flow(**{"local-port": IN + 4})))
        check("no such flow", "ENOENT", refused(k.rtp_replace, 999, flow())[0])
        check("cookie", "EINVAL", refused(k.rtp_replace, number, flow(cookie=5))[0])
        check("unchanged", before, k.rtp_get(number))
        p.send(rtp(1))
        check("works", rtp(1), p.got()[0])
        k.rtp_del(number)
        k.rtp_del(other)


@test
def payload_types():
    """the filter of payload types"""
    allowed = bytearray(16)
    allowed[8 // 8] |= 1 << 8 % 8
    allowed[101 // 8] |= 1 << 101 % 8
    with core() as k, Phones() as p:
        number = k.rtp_new(flow(**{"payload-types": bytes(allowed)}))
        check("filter read back", bytes(allowed), k.rtp_get(number)["payload-types"])
        for pt, passes in ((8, True), (0, False), (101, True), (96, False)):
            p.send(rtp(pt, pt=pt))
            check(f"payload type {pt}", rtp(pt, pt=pt) if passes else None,
                  p.got(10 if passes else 0.2)[0])
        check("drops", {"payload-type": 2}, drops(k.rtp_del(number)["counters"]))


@test
def not_rtp():
    """what is no RTP, or RTCP, is dropped as malformed"""
    with core() as k, Phones() as p:
        number = k.rtp_new(flow())
        for bad in (b"", b"\x80", rtp(1)[:11], b"\x00" + rtp(1)[1:], b"\x8f" + rtp(1, size=4)[1:]):
            p.send(bad)
        check("no RTP", (None, None), p.got(0.2))
        check("drops", {"malformed": 5}, drops(k.rtp_get(number)["counters"]))
        k.rtp_replace(number, flow(media="rtcp"))
        p.send(rtcp())
        check("RTCP", rtcp(), p.got()[0])
        for bad in (rtp(1), rtcp()[:7], rtcp()[:20], rtcp(kind=191)):
            p.send(bad)
        check("no RTCP", (None, None), p.got(0.2))
        counters = k.rtp_get(number)["counters"]
        check("drops", {"malformed": 9}, drops(counters))
        check("RTCP packets", 1, counters["rtcp-packets"])
        k.rtp_replace(number, flow(media="rtp-rtcp"))
        for good in (rtp(1), rtcp()):
            p.send(good)
            check("both", good, p.got()[0])
        k.rtp_replace(number, flow(media="udp"))
        for good in (b"", b"x", bytes(1400)):
            p.send(good)
            check("anything", good, p.got()[0])
        final = k.rtp_del(number)["counters"]
        check("packets", 6, final["packets"])
        check("RTCP packets", 2, final["rtcp-packets"])


@test
def loss_and_jitter():
    """loss over the wrap of sequence numbers, reordering, duplicates, change of SSRC (RFC 3550)"""
    with core() as k, Phones() as p:
        number = k.rtp_new(flow())
        sent = [65530, 65531, 65533, 65532, 65535, 0, 1, 1, 5]  # lost 65534, 2, 3, 4; 1 twice
        for seq in sent:
            p.send(rtp(seq))
        for _ in sent:
            p.got()
        counters = k.rtp_get(number)["counters"]
        check("lost", 4 - 1, counters["lost"])
        check("max-seq", 65536 + 5, counters["max-seq"])
        for seq in (100, 102):
            p.send(rtp(seq, ssrc=0x9999))
            p.got()
        counters = k.rtp_get(number)["counters"]
        check("lost with the new source", 3 + 1, counters["lost"])
        check("ssrc", 0x9999, counters["ssrc"])
        check("changes", 1, counters["ssrc-changes"])
        # A sender that begins anew is believed at its second packet.
        for seq in (40000, 40001, 40002):
            p.send(rtp(seq, ssrc=0x9999))
            p.got()
        check("lost after a restart", 4, k.rtp_get(number)["counters"]["lost"])
        check("packets", len(sent) + 5, k.rtp_del(number)["counters"]["packets"])


@test
def jitter_value():
    """jitter follows the difference of arrival and timestamp"""
    with core() as k, Phones() as p:
        number = k.rtp_new(flow(**{"clock-rate": 8000}))
        p.send(rtp(0, timestamp=0))
        p.got()
        check("first", 0, k.rtp_get(number)["counters"]["jitter"])
        p.send(rtp(1, timestamp=1600000))  # 200 s of media in no time
        p.got()
        jitter = k.rtp_get(number)["counters"]["jitter"]
        ensure(f"200 s / 16 in units of the clock: {jitter}", 98000 < jitter <= 100000)
        k.rtp_del(number)


@test
def events():
    """first packet, inactivity, first packet again, delete; with counters"""
    with core() as k, core(["rtp"]) as ntf, Phones() as p:
        number = k.rtp_new(flow(cookie=5, timeout=300))
        e = ntf.event("rtp-inactive-ntf")
        ensure("silent from the start", e and e["rtp-flow"][0]["id"] == number)
        p.send(rtp(1))
        e = ntf.event("rtp-active-ntf")["rtp-flow"][0]
        check("first packet", (number, 5), (e["id"], e["cookie"]))
        p.send(rtp(2))
        e = ntf.event("rtp-inactive-ntf")["rtp-flow"][0]
        check("inactive", (number, 2), (e["id"], e["counters"]["packets"]))
        ensure(f"idle {e['idle']}", 300 <= e["idle"] < 3000)
        check("one event only", [], ntf.events(0.5))
        p.send(rtp(3))
        check("again", number, ntf.event("rtp-active-ntf")["rtp-flow"][0]["id"])
        k.rtp_replace(number, flow())
        check("no timeout, no event", [], ntf.events(0.6))
        k.rtp_del(number)
        e = ntf.event("rtp-del-ntf")["rtp-flow"][0]
        check("deleted", (number, 3), (e["id"], e["counters"]["packets"]))


@test
def batch():
    """many flows in one message: all or none"""
    with core() as k:
        flows = [flow(**{"local-port": IN + 2 * i, "cookie": 9}) for i in range(8)]
        ids = [f["id"] for f in k.call("rtp-new", {"rtp-flow": flows})["rtp-flow"]]
        check("made", 8, len(set(ids)))
        more = [flow(**{"local-port": 30000 + 2 * i, "cookie": 10}) for i in range(8)]
        more[6]["local-port"] = IN
        check("one taken", "EEXIST", refused(k.call, "rtp-new", {"rtp-flow": more})[0])
        check("none made", [], k.rtp_dump(10))
        moved = [f | {"id": n, "local-port": 31000 + n} for f, n in zip(flows, ids)]
        bad = moved[:5] + [moved[5] | {"local-port": IN + 14}]
        check("one taken", "EEXIST", refused(k.call, "rtp-replace", {"rtp-flow": bad})[0])
        check("none moved", sorted(f["local-port"] for f in flows),
              sorted(f["local-port"] for f in k.rtp_dump(9)))
        k.call("rtp-replace", {"rtp-flow": moved})
        check("all moved", sorted(f["local-port"] for f in moved),
              sorted(f["local-port"] for f in k.rtp_dump(9)))
        check("too many", "EINVAL",
              refused(k.call, "rtp-new", {"rtp-flow": [flow()] * 33})[0])
        gone = k.call("rtp-del", {"rtp-flow": {"cookie": 9}})
        check("deleted by cookie", (8, 0), (len(gone["rtp-flow"]), gone["remaining"]))
        check("twice", "ENOENT", refused(k.call, "rtp-del", {"rtp-flow": {"cookie": 9}})[0])


@test
def thousands():
    """5000 flows: made, dumped, found by packets, deleted by cookie"""
    with core() as k, Phones() as p:
        for start in range(0, 5000, 25):
            k.call("rtp-new", {"rtp-flow": [
                flow(**{"local-port": IN + i, "cookie": 3}) for i in range(start, start + 25)]})
        check("count", 5000, k.stats()["rtp-flows"])
        dumped = k.rtp_dump()
        check("dumped", 5000, len({f["id"] for f in dumped}))
        check("ports", set(range(IN, IN + 5000)), {f["local-port"] for f in dumped})
        for i in (0, 1, 63, 64, 2500, 4999):
            p.to = (RELAY[4], IN + i)
            p.send(rtp(i))
            check(f"flow {i}", rtp(i), p.got()[0])
        left, gone = 1, 0
        while left:
            m = k.call("rtp-del", {"rtp-flow": {"cookie": 3}})
            left, gone = m["remaining"], gone + len(m["rtp-flow"])
        check("deleted", (5000, 0), (gone, k.stats()["rtp-flows"]))


@test
def both_phones_here():
    """two flows in a row on one relay, with one pass each; a circle ends"""
    with core() as k, Phones() as p:
        first = k.rtp_new(flow(**{"dst-ipv4": RELAY[4], "dst-port": IN + 10}))
        second = k.rtp_new(flow(**{"local-port": IN + 10, "peer-ipv4": RELAY[4],
                                   "peer-port": OUT, "src-port": OUT + 10}))
        before = k.stats()["rtp-packets"]
        p.send(rtp(1))
        data, sender = p.got()
        check("payload", rtp(1), data)
        check("sender", (RELAY[4], OUT + 10), sender)
        for number in (first, second):
            check("counted", 1, k.rtp_get(number)["counters"]["packets"])
        check("two passes", before + 2, k.stats()["rtp-packets"])
        k.rtp_replace(second, flow(**{"local-port": IN + 10, "peer-ipv4": None, "peer-port": None,
                                      "dst-ipv4": RELAY[4], "dst-port": IN + 10}))
        p.send(rtp(2))
        check("in a circle", (None, None), p.got(0.3))
        c = k.rtp_get(second)["counters"]
        check("the hop limit ends it", {"ttl": 1}, drops(c))
        check("64 less one at each pass, the first flow's too", 1 + 62, c["packets"])
        k.rtp_del(first)
        k.rtp_del(second)
