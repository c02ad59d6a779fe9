# SPDX-License-Identifier: GPL-2.0-or-later
"""Application detection: userspace is asked of the first packets of a flow, by NFQUEUE.

The topology is gtp.py's; the reader of the queue is in core. Every session has a PDR of application
7 in each direction before its plain ones.
"""
import subprocess

from gtp import REMOTE, Gtp, Tunnels
from knl import refused
from lab import Skipped, check, core, ensure, inside, test
from nfq import ACCEPT, REPEAT, Queue
from packet import Received, datagram

APP, QUEUE = 7, 5
FAMILIES = (4, 6)


def queue(**kwargs):
    subprocess.run(["modprobe", "-q", "nfnetlink_queue"], check=False)
    try:
        with inside("core"):
            return Queue(QUEUE, **kwargs)
    except OSError as e:
        raise Skipped("no NFQUEUE") from e


def session(t, inner=4, outer=4, fail="closed"):
    s = t.session(31, inner, outer, install=False)
    app = {"precedence": 10, "app-id": APP, "app-queue": QUEUE, "app-fail": fail}
    s.conf["pdr"] += [s.pdr(1) | app | {"id": 3}, s.pdr(2) | app | {"id": 4}]
    return s.install(t.k)


def up(s, inner, port=4000, payload=b"first"):
    return datagram((s.ue, port), (REMOTE[inner], 53), payload)


def down(s, inner, port=4000, payload=b"back"):
    return datagram((REMOTE[inner], 53), (s.ue, port), payload)


def flow(s, inner, app, port=4000):
    return {"app-flow": [{"session": s.id, "app-id": app, "protocol": 17,
                          f"ue-ipv{inner}": s.ue, "ue-port": port,
                          f"remote-ipv{inner}": REMOTE[inner], "remote-port": 53}]}


def packets(s, k):
    return {p["id"]: p["packets"] for p in s.get(k)["pdr"]}


@test
def asked_once():
    """uplink: the packet comes as it came, the answer counts for both directions from then on"""
    with core() as k, queue() as q, Tunnels(k) as t:
        for inner in FAMILIES:
            for outer in FAMILIES:
                s = session(t, inner, outer)
                t.up(s, up(s, inner))
                number, packet = q.next()
                outer_packet = Received(packet)
                check("the G-PDU itself", (s.upf, 2152), (outer_packet.dst, outer_packet.dport))
                inner_packet = Gtp(outer_packet.payload).inner
                check("and in it", (s.ue, b"first"), (inner_packet.src, inner_packet.payload))
                t.quiet("waits for userspace")
                k.call("app-flow-new", flow(s, inner, APP))
                q.verdict(number, REPEAT)
                p = t.at_inet()
                check("goes on", b"first", p.payload)
                ensure("checksum", p.sum_ok)
                check("by the PDR of the application", {1: 0, 2: 0, 3: 1, 4: 0}, packets(s, k))
                t.up(s, up(s, inner, payload=b"second"))
                check("second", b"second", t.at_inet().payload)
                t.down(down(s, inner))
                check("downlink", b"back", t.at_enb().gtp.inner.payload)
                check("counted", {1: 0, 2: 0, 3: 2, 4: 1}, packets(s, k))
                check("userspace sees no more", None, q.next(0.05))
                s.remove(k)


@test
def downlink_asks():
    """downlink: the same, and the hop limit is counted down once"""
    with core() as k, queue() as q, Tunnels(k) as t:
        for inner in FAMILIES:
            s = session(t, inner)
            packet = datagram((REMOTE[inner], 53), (s.ue, 4000), b"back", ttl=9)
            t.down(packet)
            number, seen = q.next()
            check("as it came", packet, seen)
            k.call("app-flow-new", flow(s, inner, APP))
            q.verdict(number, REPEAT)
            p = t.at_enb().gtp.inner
            check("goes on", (b"back", 8, True), (p.payload, p.ttl, p.sum_ok))
            check("counted", {1: 0, 2: 0, 3: 0, 4: 1}, packets(s, k))
            s.remove(k)


@test
def another_application():
    """what is found to be another application, or none, meets the next PDR"""
    with core() as k, queue() as q, Tunnels(k) as t:
        s = session(t)
        for app, port in ((0, 4001), (8, 4002)):
            t.up(s, up(s, 4, port))
            number, _ = q.next()
            k.call("app-flow-new", flow(s, 4, app, port))
            q.verdict(number, REPEAT)
            ensure("goes on", t.at_inet())
        check("by the plain PDR", {1: 2, 2: 0, 3: 0, 4: 0}, packets(s, k))


@test
def nobody_reads():
    """without a reader: closed drops, open goes by the next PDR; also what a reader only accepts"""
    with core() as k, Tunnels(k) as t:
        for inner in FAMILIES:
            s = session(t, inner)
            t.dropped("app", lambda: t.up(s, up(s, inner)))
            t.dropped("app", lambda: t.down(down(s, inner)))
            s.remove(k)
            s = session(t, inner, fail="open")
            t.up(s, up(s, inner))
            ensure("uplink", t.at_inet())
            t.down(down(s, inner))
            ensure("downlink", t.at_enb())
            check("by the plain PDRs", {1: 1, 2: 1, 3: 0, 4: 0}, packets(s, k))
            s.remove(k)
    with core() as k, queue() as q, Tunnels(k) as t:
        for fail in ("closed", "open"):
            s = session(t, fail=fail)
            t.up(s, up(s, 4))
            number, _ = q.next()
            if fail == "closed":
                t.dropped("app", lambda n=number: q.verdict(n, ACCEPT))
            else:
                q.verdict(number, ACCEPT)
                ensure("accepted, open", t.at_inet())
            s.remove(k)


@test
def asked_so_often():
    """a reader that does not answer is asked 16 times of a flow"""
    with core() as k, queue() as q, Tunnels(k) as t:
        s = session(t, fail="open")
        for i in range(40):
            t.up(s, up(s, 4, payload=bytes([i])))
        asked = []
        while (one := q.next(0.1)):
            asked.append(one[0])
        check("asked", 16, len(asked))
        check("the others went on", 24, len(t.inet.rest()))
        for number in asked:
            q.verdict(number, ACCEPT)
        check("and these, when they come back", 16, len(t.inet.rest()))


@test
def flows():
    """app-flow-get lists what was said; a session keeps a bounded number; what is refused"""
    with core() as k, Tunnels(k) as t:
        s = session(t)
        for port in range(1, 1601, 50):
            many = [flow(s, 4, APP, p)["app-flow"][0] for p in range(port, port + 50)]
            k.call("app-flow-new", {"app-flow": many})
        have = [f for m in k.dump("app-flow-get", {"session": [{"id": s.id}]})
                for f in m["app-flow"]]
        ensure(f"{len(have)} of 1600", 500 < len(have) <= 1024)
        check("one of them", (s.id, APP, 17, s.ue, REMOTE[4], 53),
              tuple(have[0][n] for n in ("session", "app-id", "protocol", "ue-ipv4",
                                         "remote-ipv4", "remote-port")))
        good = flow(s, 4, APP)["app-flow"][0]
        for what, wrong in (("EINVAL", good | {"ue-ipv4": "10.45.0.99"}),
                            ("ENOENT", good | {"session": 99}),
                            ("EINVAL", {n: v for n, v in good.items() if n != "protocol"}),
                            ("EINVAL", {n: v for n, v in good.items() if n != "remote-ipv4"})):
            err, sentence = refused(k.call, "app-flow-new", {"app-flow": [wrong]})
            check(str(wrong), what, err)
            ensure("a sentence", sentence)
        check("no such session", "ENOENT",
              refused(k.dump, "app-flow-get", {"session": [{"id": 99}]})[0])
