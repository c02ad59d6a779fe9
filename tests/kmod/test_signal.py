# SPDX-License-Identifier: GPL-2.0-or-later
"""GTP-U messages that are no G-PDU (TS 29.281 7): Echo, Error Indication, End Marker, headers.

Topology: lab.py and gtp.py. A message of kims.ko's own counts as extra in the conservation.
"""
import struct
import threading
import time

from gtp import (ECHO_REQUEST, ECHO_RESPONSE, END_MARKER, ERROR_INDICATION, EXT_UDP_PORT, G_PDU,
                 GNB, GNB2, PORT, SUPPORTED_EXT, UPF, Tunnels, echo, end_marker, error_indication,
                 gpdu, gtpu, psc, read_gtp)
from knl import refused
from lab import check, core, ensure, test, until
from packet import datagram, pton
from test_gtpu import downward, upward

FAMILIES = (4, 6)
RECOVERY, TEID_DATA_I, PEER_ADDRESS, EXTENSION_LIST = 14, 16, 133, 141
PRIVATE = struct.pack("!BHH", 255, 4, 0x7777) + b"ab"


def peer_of(fam, **more):
    return {"endpoint": 1 if fam == 4 else 2, f"ipv{fam}": GNB[fam]} | more


def answer(t, what, kind, seconds=10.0):
    """The next message at the gNB, which kims.ko has made."""
    p = t.at_enb(seconds)
    ensure(f"{what}: comes", p and p.gtp)
    check(f"{what}: type", kind, p.gtp.kind)
    t.extra += 1
    return p


# --- Echo ---

@test
def echo_answered():
    """Echo Request: answered from where it was sent to, to where it came from, Recovery 0"""
    with core() as k, Tunnels(k) as t:
        for fam in FAMILIES:
            s = t.session(11, outer=fam)
            for sport, message in ((PORT, echo(1)), (40000, echo(0xffff)), (PORT, echo(0)),
                                   (PORT, gtpu(ECHO_REQUEST, 0, PRIVATE, seq=7)),
                                   (PORT, gtpu(ECHO_REQUEST, 0, bytes(900), seq=8)),
                                   (PORT, gtpu(ECHO_REQUEST, 5, seq=9, ext=((0x20, b"ab"),)))):
                t.up_raw(s, message, sport=sport)
                p = answer(t, f"IPv{fam} {message[:12].hex()}", ECHO_RESPONSE)
                check("from, to", (UPF[fam], PORT, GNB[fam], sport),
                      (p.src, p.sport, p.dst, p.dport))
                check("sequence number", struct.unpack_from("!H", message, 8)[0], p.gtp.seq)
                check("TEID", 0, p.gtp.teid)
                check("elements", {RECOVERY: b"\0"}, p.gtp.elements())
            check("signalling", 6, k.ep_get(1 if fam == 4 else 2)["signalling"])
            s.remove(k)


@test
def echo_without_sequence():
    """an Echo Request without the sequence number that it must have is answered with 0"""
    with core() as k, Tunnels(k) as t:
        s = t.session(11)
        t.up_raw(s, gtpu(ECHO_REQUEST, 0))
        check("sequence number", 0, answer(t, "answer", ECHO_RESPONSE).gtp.seq)


@test
def echo_asked():
    """the echo command: a request leaves, its response is an event"""
    with core(["gtpu"]) as k, Tunnels(k) as t:
        for fam in FAMILIES:
            seqs = []
            for _ in range(2):
                k.call("echo", {"gtpu-peer": peer_of(fam)})
                p = answer(t, f"IPv{fam}", ECHO_REQUEST)
                check("from, to", (UPF[fam], PORT, GNB[fam], PORT),
                      (p.src, p.sport, p.dst, p.dport))
                check("TEID, elements", (0, {}), (p.gtp.teid, p.gtp.elements()))
                seqs.append(p.gtp.seq)
            ensure(f"sequence numbers {seqs}", seqs[0] is not None and seqs[1] == seqs[0] + 1)
            t.enb.send(datagram((GNB[fam], PORT), (UPF[fam], PORT),
                                gtpu(ECHO_RESPONSE, 0, bytes([RECOVERY, 42]), seq=seqs[1])))
            e = k.event("echo-ntf")
            ensure("event", e)
            check("event", peer_of(fam, port=PORT, recovery=42), e["gtpu-peer"])
        t.quiet("a response is never answered")


@test
def echo_refused():
    """the echo command: no such endpoint, no address, another family, no route"""
    with core() as k, Tunnels(k) as t:
        for peer in ({"endpoint": 7, "ipv4": GNB[4]}, {"endpoint": 1},
                     {"endpoint": 1, "ipv6": GNB[6]}, {"ipv4": GNB[4]}):
            error, sentence = refused(k.call, "echo", {"gtpu-peer": peer})
            ensure(f"{peer}: {error} {sentence}", error != "accepted" and sentence)
        t.quiet("nothing leaves")


# --- Error Indication ---

@test
def error_sent():
    """G-PDU to an unknown TEID: Error Indication with TEID, address and the UDP port (7.3.1)"""
    with core() as k, Tunnels(k) as t:
        for fam in FAMILIES:
            s = t.session(11, outer=fam)
            for sport, teid in ((PORT, 0xdeadbeef), (40001, 1), (PORT, 0)):
                t.up(s, upward(s), teid=teid, sport=sport)
                p = answer(t, f"IPv{fam} {teid:#x}", ERROR_INDICATION)
                check("from, to", (UPF[fam], PORT, GNB[fam], PORT),
                      (p.src, p.sport, p.dst, p.dport))
                check("TEID of the header", 0, p.gtp.teid)
                ensure("sequence number is there", p.gtp.seq is not None)
                check("extension", [(EXT_UDP_PORT, struct.pack("!H", sport))], p.gtp.ext)
                check("elements", {TEID_DATA_I: struct.pack("!I", teid),
                                   PEER_ADDRESS: pton(UPF[fam])}, p.gtp.elements())
            s.remove(k)
        check("drops", {"unknown-teid": 6}, t.drops())


@test
def error_limited():
    """Error Indications are limited per peer, and one peer's flood does not silence another"""
    with core() as k, Tunnels(k) as t:
        for fam in FAMILIES:
            s = t.session(11, outer=fam)
            begin = time.monotonic()
            for i in range(100):
                t.up(s, upward(s), teid=0x5000 + i)
            got, most = len(t.enb.rest()), 12 + 10 * (time.monotonic() - begin)
            t.extra += got
            ensure(f"IPv{fam}: {got}, at most {most}", 8 <= got <= most)
            # At once: no time for the limit to forget. A few peers may share one, by their hash.
            others = [GNB[fam][:-1] + str(n) for n in range(3, 7)]
            for other in others:
                t.enb.send(datagram((other, PORT), (UPF[fam], PORT), gpdu(1, upward(s))))
            told = [read_gtp(p).dst for p in t.enb.rest()]
            t.extra += len(told)
            ensure(f"IPv{fam}: of {others} are told {told}", len(set(told) & set(others)) >= 2)
            s.remove(k)
        check("drops", {"unknown-teid": 208}, t.drops())


@test
def error_not_answered():
    """no message of a tunnel but a G-PDU is answered with an Error Indication"""
    with core() as k, Tunnels(k) as t:
        s = t.session(11)
        t.up_raw(s, error_indication(0x7777, UPF[4]))
        t.up_raw(s, gtpu(ERROR_INDICATION, 0x7777, error_indication(1, UPF[4])[12:], seq=0))
        t.up_raw(s, gtpu(SUPPORTED_EXT, 0x7777, bytes([141, 1, 0x85]), seq=0))
        t.up_raw(s, end_marker(0x7777))
        t.up_raw(s, gtpu(ECHO_RESPONSE, 0x7777, bytes([14, 0]), seq=0))
        t.quiet("no answer")
        check("drops", {"unknown-teid": 1}, t.drops())


@test
def error_received():
    """Error Indication: each FAR that sends to the tunnel is named; others are not"""
    with core(["gtpu"]) as k, Tunnels(k) as t:
        for fam in FAMILIES:
            s = t.session(11, outer=fam)
            other = t.session(12, outer=fam)
            for message in (error_indication(s.teid_out, GNB[fam]),
                            gtpu(ERROR_INDICATION, 0, PRIVATE[:0]
                                 + error_indication(s.teid_out, GNB[fam])[12:] + PRIVATE, seq=3,
                                 ext=((EXT_UDP_PORT, struct.pack("!H", PORT)),))):
                t.up_raw(s, message)
                e = k.event("error-indication-ntf")
                ensure(f"IPv{fam}: event", e)
                check(f"IPv{fam}: event",
                      peer_of(fam, port=PORT, teid=s.teid_out, session=11, far=2,
                              label="001010000000001"), e["gtpu-peer"])
            for teid, address in ((s.teid_out + 100, GNB[fam]), (s.teid_out, GNB2[fam]),
                                  (s.teid_out, GNB[10 - fam])):
                t.up_raw(s, error_indication(teid, address))
            check(f"IPv{fam}: of no tunnel", None, k.event("error-indication-ntf", 0.1))
            s.remove(k)
            t.up_raw(s, error_indication(s.teid_out, GNB[fam]))
            check(f"IPv{fam}: of a tunnel that was", None, k.event("error-indication-ntf", 0.1))
            other.remove(k)
        t.quiet("no answer")
        check("drops", {}, t.drops())


@test
def error_malformed():
    """Error Indications without an element or cut at any octet are malformed, and no event"""
    with core(["gtpu"]) as k, Tunnels(k) as t:
        for fam in FAMILIES:
            s = t.session(11, outer=fam)
            whole = error_indication(s.teid_out, GNB[fam])
            elements = whole[12:]
            before, count = t.drops().get("malformed", 0), 0
            for size in range(len(elements)):
                t.up_raw(s, gtpu(ERROR_INDICATION, 0, elements[:size], seq=0))
                count += 1
            for bad in (elements[:5], elements[5:], elements[:6] + b"\0\5" + elements[8:] + b"x"):
                t.up_raw(s, gtpu(ERROR_INDICATION, 0, bad, seq=0))
                count += 1
            for size in range(8, len(whole)):
                t.up_raw(s, whole[:size])  # its length says more
                count += 1
            t.quiet()
            check(f"IPv{fam}: malformed", before + count, t.drops().get("malformed"))
            check("no event", None, k.event("error-indication-ntf", 0.05))
            s.remove(k)


# --- extension headers of messages ---

@test
def headers():
    """a notification of extension headers is taken; unknown ones in messages are answered by one"""
    with core() as k, Tunnels(k) as t:
        for fam in FAMILIES:
            s = t.session(11, outer=fam)
            t.up_raw(s, gtpu(SUPPORTED_EXT, 0, bytes([141, 3, 0x40, 0x85, 0xc0]), seq=0))
            t.quiet("taken")
            t.up_raw(s, gtpu(ECHO_REQUEST, 0, seq=5, ext=((0x9f, b"ab"),)))
            p = answer(t, "unknown extension header", SUPPORTED_EXT)
            check("to", (UPF[fam], PORT, GNB[fam], PORT), (p.src, p.sport, p.dst, p.dport))
            check("the list", {EXTENSION_LIST: bytes([0x40, 0x85])}, p.gtp.elements())
            t.up_raw(s, gtpu(ERROR_INDICATION, 0, error_indication(1, GNB[fam])[12:], seq=0,
                             ext=((0x9f, b"ab"),)))
            t.up_raw(s, gtpu(SUPPORTED_EXT, 0, bytes([141, 1, 0x85]), seq=0, ext=((0x9f, b"ab"),)))
            t.quiet("an error or a notification is not answered")
            t.up_raw(s, gtpu(ECHO_REQUEST, 0, seq=5, ext=(psc(1), (0x01, b"ab"))))
            answer(t, "known and optional ones", ECHO_RESPONSE)
            s.remove(k)
        check("drops", {"extension-header": 6}, t.drops())


@test
def headers_limited():
    """notifications are limited, too"""
    with core() as k, Tunnels(k) as t:
        s = t.session(11)
        begin = time.monotonic()
        for _ in range(60):
            t.up(s, upward(s), ext=((0xfe, b"ab"),))
        got, most = len(t.enb.rest()), 12 + 10 * (time.monotonic() - begin)
        t.extra += got
        ensure(f"{got}, at most {most}", 1 <= got <= min(most, 59))
        check("drops", {"extension-header": 60}, t.drops())


@test
def malformed():
    """messages that are none: unknown types, wrong lengths, an Echo cut at any octet"""
    with core() as k, Tunnels(k) as t:
        for fam in FAMILIES:
            s = t.session(11, outer=fam)
            bad = [gtpu(kind, 0, seq=1) for kind in (0, 3, 4, 5, 16, 27, 30, 32, 200, 253)]
            bad += [gtpu(ECHO_REQUEST, 0, flags=0x32, length=3) + bytes(4),
                    gtpu(ECHO_REQUEST, 0, seq=1, length=5), gtpu(ECHO_REQUEST, 0, seq=1, length=0xffff),
                    struct.pack("!BBHIHBB", 0x36, 1, 4, 0, 1, 0, 0x20),
                    struct.pack("!BBHIHBB", 0x36, 1, 8, 0, 1, 0, 0x20) + bytes([0, 0, 0, 0]),
                    struct.pack("!BBHIHBB", 0x36, 1, 8, 0, 1, 0, 0x20) + bytes([2, 0, 0, 0])]
            before = t.drops().get("malformed", 0)
            for message in bad:
                t.up_raw(s, message)
            whole = echo(1)
            for size in range(len(whole)):
                t.up_raw(s, whole[:size])
            t.quiet("no answer")
            check(f"IPv{fam}", before + len(bad) + len(whole), t.drops().get("malformed"))
            s.remove(k)


# --- End Marker ---

def relayed(t, fam, out):
    """A session whose uplink goes on in a tunnel to GNB2 of family out."""
    s = t.session(11, outer=fam, install=False)
    s.conf["far"][0] = {"id": 1, "apply-action": "forw", "destination-interface": "core",
                        "endpoint": 1 if out == 4 else 2, "teid": 0x7007,
                        f"peer-ipv{out}": GNB2[out], "dscp": 46}
    return s


@test
def end_marker_passed_on():
    """an End Marker goes on in the tunnel that its packets go on in, once"""
    with core(["gtpu"]) as k, Tunnels(k) as t:
        for fam in FAMILIES:
            for out in FAMILIES:
                s = relayed(t, fam, out)
                s.conf["pdr"].append(dict(s.pdr(1), id=3, precedence=50))
                s.install(k)
                t.up(s, upward(s))
                t.up_raw(s, end_marker(s.teid_in))
                first, second = t.at_enb(), t.at_enb()
                what = f"IPv{fam} to IPv{out}"
                ensure(f"{what}: both", first and second)
                check(f"{what}: in order", [G_PDU, END_MARKER], [first.gtp.kind, second.gtp.kind])
                check(f"{what}: to", (UPF[out], PORT, GNB2[out], PORT, 0x7007, 46),
                      (second.src, second.sport, second.dst, second.dport, second.gtp.teid,
                       second.tos >> 2))
                t.extra += 1  # it is signalling, and leaves
                check(f"{what}: no event", None, k.event("end-marker-ntf", 0.05))
                s.remove(k)


@test
def end_marker_told():
    """an End Marker of a tunnel that ends here is an event; of an unknown one, a drop"""
    with core(["gtpu"]) as k, Tunnels(k) as t:
        for fam in FAMILIES:
            s = t.session(11, outer=fam)
            for message in (end_marker(s.teid_in), end_marker(s.teid_in, ext=(psc(5),)),
                            end_marker(s.teid_in, seq=1)):
                t.up_raw(s, message)
                e = k.event("end-marker-ntf")
                ensure("event", e)
                e = e["session"][0]
                check("event", (11, "001010000000001", 1), (e["id"], e["label"], e["event-pdr"]))
            before = t.drops().get("unknown-teid", 0)
            t.up_raw(s, end_marker(0x4444))
            t.quiet("ignored")
            check("unknown", before + 1, t.drops().get("unknown-teid"))
            s.remove(k)


@test
def end_marker_sent():
    """a new tunnel with send-end-marker: the old one gets its End Marker; without, none"""
    with core() as k, Tunnels(k) as t:
        for fam in FAMILIES:
            s = t.session(11, outer=fam)
            new = {"id": 2, "apply-action": "forw", "endpoint": s.far(2)["endpoint"],
                   "teid": 0x8008, f"peer-ipv{fam}": GNB2[fam]}
            t.down(downward(s))
            check("the old tunnel", (GNB[fam], s.teid_out), where(t.at_enb()))
            s.change(k, far=[new | {"send-end-marker": 1}])
            p = answer(t, f"IPv{fam}", END_MARKER)
            check("to the old", (GNB[fam], s.teid_out), where(p))
            t.down(downward(s))
            check("the new tunnel", (GNB2[fam], 0x8008), where(t.at_enb()))
            s.change(k, far=[s.far(2)])
            t.quiet("not asked for")
            s.change(k, far=[s.far(2) | {"send-end-marker": 1}])
            t.quiet("the same tunnel")
            s.remove(k)


def where(p):
    return p.dst, p.gtp.teid


@test
def end_marker_last():
    """under traffic nothing comes in the old tunnel behind its End Marker, and nothing is lost"""
    with core() as k, Tunnels(k) as t:
        s = t.session(11)
        stop, sent = threading.Event(), [0]

        def sender():
            while not stop.is_set() and sent[0] < 5000:
                t.down(downward(s))
                sent[0] += 1
                if sent[0] % 16 == 0:
                    time.sleep(0.0005)

        thread = threading.Thread(target=sender)
        thread.start()
        moves = 12
        try:
            for i in range(moves):
                time.sleep(0.03)
                s.change(k, far=[s.far(2) | {"teid": 0x8000 + i, "send-end-marker": 1}])
        finally:
            stop.set()
            thread.join()
        kinds = {}
        ensure("all End Markers", until(
            lambda: t.enb.rest(0.05) is not None
            and sum(read_gtp(p).gtp.kind == END_MARKER for p in t.enb.seen) == moves))
        t.extra += moves
        for p in t.enb.seen:
            g = read_gtp(p).gtp
            kinds.setdefault(g.teid, []).append(g.kind)
        for teid, seen in kinds.items():
            ensure(f"{teid:#x}: nothing behind the End Marker", END_MARKER not in seen[:-1])
        check("nothing lost", sent[0] + moves, len(t.enb.seen))


@test
def end_marker_after_flush():
    """packets that waited leave in the new tunnel; the old one's End Marker comes all the same"""
    with core() as k, Tunnels(k) as t:
        s = t.session(11)
        t.down(downward(s))
        ensure("the old tunnel", t.at_enb())
        s.change(k, far=[s.far(2) | {"apply-action": "buff"}])
        for _ in range(3):
            t.down(downward(s))
        ensure("waiting", until(lambda: s.get(k)["buffered-packets"] == 3))
        s.change(k, far=[s.far(2) | {"teid": 0x8008, "send-end-marker": 1}])
        got = [where(read_gtp(p)) + (p.gtp.kind,) for p in t.enb.rest(0.2)]
        check("what comes", sorted([(GNB[4], 0x8008, G_PDU)] * 3
                                   + [(GNB[4], s.teid_out, END_MARKER)]), sorted(got))
        t.extra += 1


@test
def end_marker_command():
    """the end-marker command"""
    with core() as k, Tunnels(k) as t:
        for fam in FAMILIES:
            k.call("end-marker", {"gtpu-peer": peer_of(fam, teid=0x1234)})
            p = answer(t, f"IPv{fam}", END_MARKER)
            check("where", (UPF[fam], PORT, GNB[fam], PORT, 0x1234, None),
                  (p.src, p.sport, p.dst, p.dport, p.gtp.teid, p.gtp.seq))
