# SPDX-License-Identifier: GPL-2.0-or-later
"""Application detection: userspace is asked of the first packets of a flow, by NFQUEUE.

The topology is gtp.py's; the reader of the queue is in core. Every session has a PDR of application
7 in each direction before its plain ones.
"""
import hashlib
import os
import socket
import subprocess
import threading

from gtp import ENB_LINK, INET_LINK, PORT, REMOTE, Gtp, Tunnels, gpdu
from knl import refused
from lab import Skipped, check, core, ensure, inside, test
from nfq import ACCEPT, REPEAT, Queue
from packet import Received, datagram
from test_gso import PHONE, SIZE, Phone
from test_gtpu_peer import bulk, tcp_server

APP, QUEUE = 7, 5
FAMILIES = (4, 6)


def queue(**kwargs):
    subprocess.run(["modprobe", "-q", "nfnetlink_queue"], check=False)
    try:
        with inside("core"):
            return Queue(QUEUE, **kwargs)
    except OSError as e:
        raise Skipped("no NFQUEUE") from e


def session(t, inner=4, outer=4, fail="closed", n=31, **more):
    s = t.session(n, inner, outer, install=False, **more)
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


# --- packets that are not what the hook was called with ---

def plain(t, n=32, inner=4):
    """Another phone, without applications."""
    return t.session(n, inner)


def passes_by_userspace(t, k, q, s, send, inner=4, port=4000, ttl=None, count=1):
    """What send() sends to the session: closed without an answer, through once userspace has told."""
    send()
    number, seen = q.next()
    p = Received(seen)
    check("a plain packet", (s.ue, b"first"), (p.dst, p.payload))
    t.quiet("waits for userspace")
    k.call("app-flow-new", {"app-flow": [{"session": s.id, "app-id": APP, "protocol": 17,
                                          f"ue-ipv{inner}": s.ue, "ue-port": port,
                                          f"remote-ipv{inner}": p.src, "remote-port": p.sport}]})
    q.verdict(number, REPEAT)
    out = t.at_enb()
    ensure("goes on", out and out.gtp)
    check("in the tunnel", (s.teid_out, b"first", True),
          (out.gtp.teid, out.gtp.inner.payload, out.gtp.inner.sum_ok))
    if ttl:
        check("hop limit", ttl, out.gtp.inner.ttl)
    send()
    check("the next one", b"first", t.at_enb().gtp.inner.payload)
    check("userspace sees no more", None, q.next(0.05))
    check("counted", (0, 2), (packets(s, k)[2], packets(s, k)[4]))
    check("received", 2 * count, t.delta("downlink-received"))


@test
def phone_to_phone():
    """from another phone's tunnel: asked of as any; nobody reads: as app-fail says"""
    with core() as k, queue() as q:
        for inner in FAMILIES:
            with Tunnels(k) as t:
                s, other = session(t, inner), plain(t, inner=inner)
                packet = datagram((other.ue, 4000), (s.ue, 4000), b"first", ttl=9)
                passes_by_userspace(t, k, q, s, lambda p=packet: t.up(other, p), inner, ttl=8)
    with core() as k, Tunnels(k) as t:
        for inner in FAMILIES:
            s, other = session(t, inner), plain(t, inner=inner)
            packet = datagram((other.ue, 4000), (s.ue, 4000), b"first")
            t.dropped("app", lambda: t.up(other, packet))
            s.remove(k)
            s = session(t, inner, fail="open")
            t.up(other, packet)
            ensure("open", t.at_enb())
            check("by the plain PDR", 1, packets(s, k)[2])
            s.remove(k)
            other.remove(k)
    with core() as k, queue() as q, Tunnels(k) as t:
        s, other = session(t), plain(t)
        t.up(other, datagram((other.ue, 4000), (s.ue, 4000), b"first"))
        number, _ = q.next()
        t.dropped("app", lambda: q.verdict(number, ACCEPT), what="only accepted")


@test
def by_the_device():
    """from a socket of the core, by the kims device"""
    with core() as k, queue() as q:
        for inner in FAMILIES:
            with Tunnels(k) as t:
                s = session(t, inner)
                with inside("core"):
                    sock = socket.socket(socket.AF_INET6 if inner == 6 else socket.AF_INET,
                                         socket.SOCK_DGRAM)
                t.extra += 2
                passes_by_userspace(t, k, q, s, lambda: sock.sendto(b"first", (s.ue, 4000)), inner)
                sock.close()


@test
def in_a_super_packet():
    """uplink, flows that begin in one super-packet: each is asked of by itself"""
    with core() as k, queue() as q, Tunnels(k, check_wire=False) as t:
        s = session(t, peer=ENB_LINK[4])
        with inside("enb"):
            sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        sock.bind((ENB_LINK[4], PORT))
        messages = [gpdu(s.teid_in, up(s, 4, port)) for port in range(4000, 4006)]
        sock.setsockopt(socket.SOL_UDP, 103, len(messages[0]))  # UDP_SEGMENT
        sock.sendto(b"".join(messages), (s.upf, PORT))
        for port in range(4000, 4006):
            number, seen = q.next()
            p = Gtp(Received(seen).payload).inner
            check("in order", (port, b"first"), (p.sport, p.payload))
            k.call("app-flow-new", flow(s, 4, APP, port))
            q.verdict(number, REPEAT)
            check("goes on", (port, b"first"),
                  (lambda p: (p.sport, p.payload))(t.at_inet()))
        check("counted", {1: 0, 2: 0, 3: 6, 4: 0}, packets(s, k))
        sock.sendto(b"".join(messages), (s.upf, PORT))
        check("all are known", 6, len(t.inet.rest()))
        check("userspace sees no more", None, q.next(0.05))
        check("each once", 12, k.ep_get(1)["received"])
        sock.close()


class Reader(threading.Thread):
    """Knows a flow by its first payload; what has none it accepts."""

    def __init__(self, k, q, s):
        super().__init__(daemon=True)
        self.k, self.q, self.s, self.asked, self.end = k, q, s, 0, False

    def judge(self, number, packet):
        p = Received(packet)
        up = p.src != INET_LINK[4]
        inner = Gtp(p.payload).inner if up else p
        if len(inner.body) <= (inner.body[12] >> 4) * 4:
            self.q.verdict(number, ACCEPT)
            return
        port = int.from_bytes(inner.body[:2] if up else inner.body[2:4], "big")
        self.k.call("app-flow-new", {"app-flow": [
            {"session": self.s.id, "app-id": APP, "protocol": 6, "ue-ipv4": PHONE[4],
             "ue-port": port, "remote-ipv4": INET_LINK[4], "remote-port": 8080}]})
        self.q.verdict(number, REPEAT)

    def run(self):
        while not self.end:
            one = self.q.next(0.1)
            if one:
                self.asked += 1
                self.judge(*one)


@test
def bulk_tcp():
    """TCP in super-packets that are merged: found by its first payload, not an octet is lost"""
    with core() as k, queue() as q, Tunnels(k, check_wire=False) as t, Phone(4, 4, 0, False):
        s = session(t, fail="open", n=81, peer=ENB_LINK[4])
        with core() as own:
            reader = Reader(own, q, s)
            reader.start()
            up_data, down_data, out = os.urandom(SIZE), os.urandom(SIZE), []
            thread = tcp_server("inet", (INET_LINK[4], 8080), down_data, out)
            bulk("enb", (INET_LINK[4], 8080), up_data, down_data, PHONE[4])
            thread.join()
            reader.end = True
            reader.join()
        check("server", [(hashlib.sha256(up_data).hexdigest(), PHONE[4])], out)
        check("no drops", {}, t.drops())
        ensure(f"asked {reader.asked} times", 0 < reader.asked < 17)
        octets = {p["id"]: p["octets"] for p in s.get(k)["pdr"]}
        ensure(f"by the application's PDRs: {octets}", octets[3] > SIZE and octets[4] > SIZE)
