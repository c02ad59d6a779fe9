# SPDX-License-Identifier: GPL-2.0-or-later
"""GTP-U by hand (TS 29.281), sessions of TS 29.244 for kims.ko, and the two ends of a tunnel.

       phone        gNB                        core: kims.ko                    data network
    10.45.0.N   10.44.1.2  (enb: e1) ---- (ce)  10.46.0.6   (ci) ---- (i1: inet)  203.0.113.9
  fd45:0:0:N::5 fd44:1::2                       fd46::6                           2001:db8:9::9
                          G-PDU   ------>      decapsulated  ------>   up()  ... at_inet()
              at_enb()  <------  encapsulated            <------                down()

    with core(["gtpu"]) as k, Tunnels(k) as t:
        s = t.session(11)                   # a session of phone 11, installed: plain up and down
        t.up(s, datagram((s.ue, 4000), (REMOTE[4], 53), b"x"))
        p = t.at_inet()                     # Received, or None
        t.down(datagram((REMOTE[4], 53), (s.ue, 4000), b"y"))
        g = t.at_enb().gtp                  # Gtp: .teid, .qfi, .inner

Whatever goes in through a Tunnels and whatever comes out of the core on the two links is counted,
and the end of the block checks that packets in = packets out + signalling + drops + buffered, by
the counters of kims.ko and by the wire. A test in which kims.ko makes packets of its own (answers,
ICMP, fragments, copies) says so in t.extra; one that sends what never becomes a packet of kims.ko
(another port, a broken IP header), in t.astray.
"""
import ipaddress
import os
import struct
import time

from lab import (Failed, check, device, device_lost, ensure, if_index, inside, mac, neighbours)
from packet import Received, Wire, datagram, family, pton

PORT = 2152
UPF = {4: "10.46.0.6", 6: "fd46::6"}
UPF2 = {4: "10.46.0.16", 6: "fd46::16"}
GNB = {4: "10.44.1.2", 6: "fd44:1::2"}
GNB2 = {4: "10.44.1.3", 6: "fd44:1::3"}
REMOTE = {4: "203.0.113.9", 6: "2001:db8:9::9"}
REMOTE2 = {4: "203.0.113.10", 6: "2001:db8:9::10"}
ENB_LINK = {4: "10.44.0.2", 6: "fd44::2"}  # addresses that answer, of the two namespaces
PLAIN = {"check": False}  # outer=PLAIN: without a UDP checksum, as the short ways want it of a packet socket
INET_LINK = {4: "10.47.0.2", 6: "fd47::2"}

ECHO_REQUEST, ECHO_RESPONSE, ERROR_INDICATION, SUPPORTED_EXT = 1, 2, 26, 31
END_MARKER, G_PDU = 254, 255
EXT_PDU_SESSION, EXT_PDCP, EXT_LONG_PDCP, EXT_UDP_PORT = 0x85, 0xc0, 0x82, 0x40
EXT_SERVICE_CLASS, EXT_RAN, EXT_XW, EXT_NR = 0x20, 0x81, 0x83, 0x84


def ue4(n):
    return f"10.45.0.{n}"


def ue6(n, host="5"):
    """An address of the phone; all of its /64 is the phone's."""
    return f"fd45:0:0:{n}:{host}" if host.count(":") == 3 else f"fd45:0:0:{n}::{host}"


# --- building ---

def psc(qfi, downlink=False, more=b"", rqi=0):
    """A PDU Session Container (TS 38.415 5.5.2) as an extension header of gtpu()."""
    first, second = (0, rqi << 6 | qfi) if downlink else (1 << 4, qfi)
    return EXT_PDU_SESSION, bytes([first, second]) + more


def pdcp(number=1):
    """A PDCP PDU Number (TS 29.281 5.2.2.2)."""
    return EXT_PDCP, struct.pack("!H", number)


def extensions(chain):
    """Headers behind the fixed one; chain: (type, content), the content padded to 4n - 2."""
    out = b""
    for i, (_, content) in enumerate(chain):
        content += bytes(-(len(content) + 2) % 4)
        following = chain[i + 1][0] if i + 1 < len(chain) else 0
        out += bytes([(len(content) + 2) // 4]) + content + bytes([following])
    return out


def gtpu(kind, teid, body=b"", seq=None, npdu=None, ext=(), flags=None, length=None):
    """A message. flags and length are right unless given."""
    if flags is None:
        flags = 0x30 | (0x04 if ext else 0) | (0x02 if seq is not None else 0) \
            | (0x01 if npdu is not None else 0)
    optional = b""
    if flags & 7:
        optional = struct.pack("!HBB", seq or 0, npdu or 0, ext[0][0] if ext else 0)
        optional += extensions(ext)
    size = len(optional) + len(body) if length is None else length
    return struct.pack("!BBHI", flags, kind, size, teid) + optional + body


def gpdu(teid, inner, **kwargs):
    return gtpu(G_PDU, teid, inner, **kwargs)


def echo(seq=1):
    return gtpu(ECHO_REQUEST, 0, seq=seq)


def end_marker(teid, **kwargs):
    return gtpu(END_MARKER, teid, **kwargs)


def error_indication(teid, address):
    """About a G-PDU to that TEID at that address (TS 29.281 7.3.1)."""
    where = pton(address)
    return gtpu(ERROR_INDICATION, 0, struct.pack("!BI", 16, teid) + struct.pack("!BH", 133, len(where))
                + where, seq=0)


# --- reading ---

class Gtp:
    """A GTP-U message taken apart; ValueError when it is not one by TS 29.281."""

    def __init__(self, data):
        if len(data) < 8:
            raise ValueError("shorter than its header")
        self.flags, self.kind, self.length, self.teid = struct.unpack_from("!BBHI", data)
        if self.flags >> 5 != 1 or not self.flags & 0x10:
            raise ValueError(f"version or protocol type: {self.flags:#x}")
        if self.flags & 0x08:
            raise ValueError("spare bit is set")
        if self.length != len(data) - 8:
            raise ValueError(f"length {self.length} of {len(data) - 8}")
        self.seq = self.npdu = None
        self.ext, at = [], 8
        if self.flags & 7:
            seq, npdu, following = struct.unpack_from("!HBB", data, 8)
            at = 12
            self.seq = seq if self.flags & 2 else None
            self.npdu = npdu if self.flags & 1 else None
            while self.flags & 4 and following:
                size = data[at] * 4
                if not size or at + size > len(data):
                    raise ValueError("extension header of wrong length")
                self.ext.append((following, data[at + 1:at + size - 1]))
                following = data[at + size - 1]
                at += size
            if self.flags & 4 and not self.ext:
                raise ValueError("E without an extension header")
        self.body = data[at:]
        self.qfi = None
        for kind, content in self.ext:
            if kind == EXT_PDU_SESSION:
                self.pdu_type, self.qfi = content[0] >> 4, content[1] & 63

    @property
    def inner(self):
        """The T-PDU as an IP packet."""
        return Received(self.body)

    def elements(self):
        """Information elements of a signalling message: {type: value}."""
        out, data = {}, self.body
        sizes = {14: 1, 16: 4}
        while data:
            if data[0] in sizes:
                size = sizes[data[0]]
                out[data[0]], data = data[1:1 + size], data[1 + size:]
            elif data[0] == 141:
                out[141], data = data[2:2 + data[1]], data[2 + data[1]:]
            else:
                size = struct.unpack_from("!H", data, 1)[0]
                out[data[0]], data = data[3:3 + size], data[3 + size:]
        return out


class Pcap:
    """What the taps have seen, for tshark (link type 101, raw IP); one file per run."""

    path = os.environ.get("KIMS_PCAP", "/tmp/kims-gtp.pcap")
    file = None

    @classmethod
    def add(cls, data):
        if not cls.file:
            cls.file = open(cls.path, "wb")  # pylint: disable=consider-using-with
            cls.file.write(struct.pack("=IHHIIII", 0xa1b2c3d4, 2, 4, 0, 0, 1 << 18, 101))
        now = time.time()
        cls.file.write(struct.pack("=IIII", int(now), int(now % 1 * 1e6), len(data), len(data))
                       + data)


def is_noise(p):
    """Neighbour discovery, what goes to groups; that fragments of an earlier case were never whole."""
    if p.protocol in (1, 58) and p.body[:2] == {1: b"\x0b\x01", 58: b"\x03\x01"}[p.protocol]:
        return True
    if p.dst.startswith(("ff", "224.")):
        return True
    return p.protocol == 58 and p.body[:1] and p.body[0] in range(130, 138)


MARK = b"kims-end"


class Fence:
    """Tells when all that was sent on two taps is through the core: marks come behind it.

    A processor keeps the order of what waits for it, and the test is on one (lab.main()), so marks
    that go through the core's plain forwarding come last. A packet through a tunnel may queue up
    twice as often as a mark; hence a second round. Where marks do not pass, because a test has
    changed the way, or senders beside the test were elsewhere, rest() has to wait.
    """

    def __init__(self, enb, inet):
        self.taps, self.count, self.works = (enb, inet), 0, True
        enb.fence = inet.fence = self

    def round(self):
        self.count += 1
        number = struct.pack("!I", self.count)
        for tap, ends in zip(self.taps, (("10.44.1.250", "203.0.113.250"),
                                         ("203.0.113.250", "10.44.1.250"))):
            tap.wire.send(datagram((ends[0], 9), (ends[1], 9), MARK + number))
        silent, end = 0, time.monotonic() + 60
        for tap in self.taps:
            while tap.mark != number:
                # A second, but not one that the machine has slept through.
                if silent == 20 or time.monotonic() > end:
                    return False
                silent += not tap.pump(0.05)
        return True

    def passed(self):
        self.works = self.works and self.round() and self.round()
        for tap in self.taps:
            tap.pump()
        return self.works


class Tap:
    """One end of a link: sends whole IP packets, keeps all that arrives."""

    def __init__(self, space, device, gateway):
        with inside(space):
            self.wire = Wire(device, gateway)
            self.wire.sock.setsockopt(1, 33, 32 << 20)  # SO_RCVBUFFORCE
        self.seen, self.at, self.sent = [], 0, 0
        self.fence, self.mark = None, None

    def close(self):
        self.wire.sock.close()

    def send(self, packet):
        self.sent += 1
        self.wire.send(packet)

    def pump(self, seconds=0.0):
        """Takes what is there; waits for the first at most so long. True when something came."""
        before = len(self.seen)
        end = time.monotonic() + seconds
        while True:
            left = end - time.monotonic()
            self.wire.sock.settimeout(max(left, 0) if len(self.seen) == before else 0)
            try:
                data, where = self.wire.sock.recvfrom(70000)
            except (TimeoutError, BlockingIOError):
                return len(self.seen) > before
            if where[2] == 4 or where[1] not in (0x0800, 0x86dd):
                continue
            if data[28:36] == MARK:
                self.mark = data[36:]
                return True
            p = Received(data)
            if not is_noise(p):
                p.link_kind = where[2]
                self.seen.append(p)
                Pcap.add(data)

    def next(self, wanted=lambda p: True, seconds=10.0):
        """The next packet for which wanted is true, or None; the others are passed over."""
        end = time.monotonic() + seconds
        while True:
            while self.at < len(self.seen):
                p = self.seen[self.at]
                self.at += 1
                if wanted(p):
                    return p
            if not self.pump(max(0, end - time.monotonic())) and time.monotonic() >= end:
                return None

    def rest(self, seconds=None):
        """All that has come when what was sent is through; or until nothing has come for so long."""
        if seconds is not None or not self.fence or not self.fence.passed():
            while self.pump(0.1 if seconds is None else seconds):
                pass
        return self.take()

    def take(self):
        out, self.at = self.seen[self.at:], len(self.seen)
        return out


def read_gtp(p):
    """Gives a packet its .gtp, None when it is none; checks what every sender must keep."""
    p.gtp = None
    if p and p.protocol == 17 and not p.frag & 0x1fff and PORT in (p.dport, p.sport):
        ensure("outer header checksum", p.header_ok)
        ensure("outer UDP checksum", p.sum_ok)
        check("outer UDP length", len(p.body), p.length)
        p.gtp = Gtp(p.payload)
    return p


# --- sessions ---

def interface(name, address):
    return {f"{name}-ipv{family(address)}": address}


class Session:
    """The rules of one phone: PDR 1 and FAR 1 uplink, PDR 2 and FAR 2 downlink.

    ue: its address, or several; what is given for IPv6 stands for its /64. .conf is what install()
    sends and may be changed before: .pdr(1)["qfi"] = 9; .add("qer", {"id": 1}, pdrs=(1, 2)).
    """

    def __init__(self, ue="10.45.0.11", teid_in=0x1001, teid_out=0x2001, peer=GNB[4], ep=1,
                 number=1, label="001010000000001", upf=UPF[4]):
        self.addresses = [ue] if isinstance(ue, str) else list(ue)
        self.ue = self.addresses[0]
        self.id, self.teid_in, self.teid_out = number, teid_in, teid_out
        self.peer, self.upf = peer, upf
        self.conf = {"id": number, "label": label}
        for a in self.addresses:
            self.conf |= interface("ue", a if family(a) == 4 else prefix(a))
        self.conf |= {
            "pdr": [{"id": 1, "precedence": 100, "source-interface": "access", "endpoint": ep,
                     "teid": teid_in, "far-id": 1},
                    {"id": 2, "precedence": 100, "source-interface": "core", "far-id": 2}],
            "far": [{"id": 1, "apply-action": "forw", "destination-interface": "core"},
                    {"id": 2, "apply-action": "forw", "destination-interface": "access",
                     "endpoint": ep, "teid": teid_out} | interface("peer", peer)]}

    def rule(self, kind, number):
        return next(r for r in self.conf[kind] if r["id"] == number)

    def pdr(self, number):
        return self.rule("pdr", number)

    def far(self, number):
        return self.rule("far", number)

    def add(self, kind, rule, pdrs=()):
        """A rule more; QERs and URRs for these PDRs."""
        self.conf.setdefault(kind, []).append(rule)
        for number in pdrs:
            self.pdr(number).setdefault(f"{kind}-id", []).append(rule["id"])
        return self

    def install(self, k):
        k.session_new(self.conf)
        return self

    def change(self, k, **diff):
        """Rules as given (kind=[...], del_kind=[...]); the reply's final counters."""
        return k.session_change({"id": self.id}
                                | {name.replace("_", "-"): v for name, v in diff.items()})

    def get(self, k):
        return k.session_get(self.id)

    def remove(self, k):
        return k.session_del(self.id)[0]

    def counters(self, k, kind, number):
        return next(r for r in self.get(k)[kind] if r["id"] == number)


def prefix(address):
    return str(ipaddress.ip_network(f"{address}/64", strict=False).network_address)


# --- the two ends ---

# Which way packets take in all tests: by the environment, or by test_gtpu_ways.py.
MODE = {"ingress": os.environ.get("KIMS_INGRESS") == "1",
        "postrouting": os.environ.get("KIMS_POSTROUTING") == "1",
        "stack": os.environ.get("KIMS_STACK") == "1"}
LINKS = ("ce", "ci")


class Tunnels:
    """The kims device, endpoints 1 (IPv4) and 2 (IPv6), and taps on both links.

    Keywords are attributes of both endpoints. check_wire=False: the end does not count.
    own_device=True: kims0 is made for this block and goes with it.
    """

    def __init__(self, k, check_wire=True, own_device=False, **ep):
        self.k, self.check_wire, self.own_device = k, check_wire, own_device
        self.ep = ({"stack": 1} if MODE["stack"] else {}) | ep
        self.sessions, self.extra, self.astray = [], 0, 0

    def __enter__(self):
        if self.own_device:
            device_lost()
        self.ifindex = device()
        for number, fam in ((1, 4), (2, 6)):
            self.endpoint(number, UPF[fam])
        self.enb = Tap("enb", "e1", mac("core", "ce"))
        self.inet = Tap("inet", "i1", mac("core", "ci"))
        self.fence = Fence(self.enb, self.inet)
        self.warm()
        if MODE["ingress"]:
            for dev in LINKS:
                self.k.call("ingress-new", {"ingress": {"device": if_index(dev)}})
        if MODE["postrouting"]:
            self.k.call("settings-set", {"settings": {"postrouting": 1}})
        self.before = self.k.stats()
        return self

    def __exit__(self, kind, *_):
        try:
            if kind is None and self.check_wire:
                self.conserved()
        finally:
            self.enb.close()
            self.inet.close()
            if MODE["ingress"]:
                for dev in LINKS:
                    self.k.call("ingress-del", {"ingress": {"device": if_index(dev)}})
            self.k.call("session-flush")
            for e in self.k.eps():
                self.k.ep_del(e["id"])
            if self.own_device:
                device_lost()

    def endpoint(self, number, address, **more):
        return self.k.ep_new({"id": number, "device": self.ifindex} | interface("local", address)
                             | self.ep | more)

    def warm(self):
        """The neighbours are known, so that no first packet waits for them."""
        e1, i1 = mac("enb", "e1"), mac("inet", "i1")
        neighbours("core", [(ENB_LINK[f], e1, "ce") for f in (4, 6)]
                   + [(INET_LINK[f], i1, "ci") for f in (4, 6)])

    def session(self, n=11, inner=4, outer=4, install=True, **more):
        """Phone n with an address of each family in inner, tunnels between addresses of outer."""
        inner = inner if isinstance(inner, (tuple, list)) else (inner,)
        ues = [ue6(n) if f == 6 else ue4(n) for f in inner]
        more = {"teid_in": 0x1000 + n, "teid_out": 0x2000 + n, "peer": GNB[outer],
                "ep": 1 if outer == 4 else 2, "number": n, "upf": UPF[outer]} | more
        s = Session(ues, **more)
        return s.install(self.k) if install else s

    def up_raw(self, session, message, sport=PORT, outer=None, **kwargs):
        """A GTP-U message (or anything) from the session's gNB; keywords of datagram()."""
        src = (session.peer, sport)
        self.enb.send(datagram(src, (session.upf, PORT), message, **(outer or {}), **kwargs))

    def up(self, session, inner, outer=None, sport=PORT, **kwargs):
        """A G-PDU in the session's tunnel; outer: keywords of datagram(), others of gtpu()."""
        self.up_raw(session, gpdu(kwargs.pop("teid", session.teid_in), inner, **kwargs),
                    sport=sport, outer=outer)

    def down(self, packet):
        self.inet.send(packet)

    def at_inet(self, seconds=10.0):
        return self.inet.next(seconds=seconds)

    def at_enb(self, seconds=10.0):
        p = self.enb.next(seconds=seconds)
        return read_gtp(p) if p else None

    def quiet(self, what="nothing comes out", seconds=None):
        check(what, ([], []), tuple([p.raw.hex() for p in out] for out in self.rest(seconds)))

    def rest(self, seconds=None):
        """What has come at the two ends; see Tap.rest()."""
        one, fence = self.enb.rest(seconds), self.enb.fence
        fenced = seconds is None and fence and fence.works and fence is self.inet.fence
        return one, self.inet.take() if fenced else self.inet.rest(seconds)

    def drops(self, now=None):
        """By reason, since the begin; now: what the namespace's counters are."""
        old = self.before.get("drops", {})
        new = (now or self.k.stats()).get("drops", {})
        return {r: v - old.get(r, 0) for r, v in new.items() if v - old.get(r, 0)}

    def dropped(self, reason, action, count=1, what=None):
        """The action leads to count drops for the reason, to no other, and nothing comes out."""
        before = self.drops()
        action()
        self.quiet(what or reason)
        after = self.drops()
        check(what or reason, {reason: count} if count else {},
              {r: v - before.get(r, 0) for r, v in after.items() if v - before.get(r, 0)})

    def delta(self, name, now=None):
        return (now or self.k.stats()).get(name, 0) - self.before.get(name, 0)

    def conserved(self):
        """Packets in = packets out + signalling + drops + waiting, to the packet."""
        self.rest()
        went_in = self.enb.sent + self.inet.sent - self.astray + self.extra
        came_out = len(self.enb.seen) + len(self.inet.seen)
        now = self.k.stats()
        dropped, waiting = sum(self.drops(now).values()), self.delta("buffered-packets", now)
        signals = self.delta("gtpu-signalling", now)
        if went_in != came_out + signals + dropped + waiting:
            raise Failed(f"in {self.enb.sent} + {self.inet.sent} - astray {self.astray} + extra "
                         f"{self.extra} != out {len(self.enb.seen)} + {len(self.inet.seen)} + "
                         f"signalling {signals} + drops {self.drops(now)} + waiting {waiting}; "
                         f"at the gNB: {sorted({(p.protocol, p.src, p.dst) for p in self.enb.seen})}")
        arrived = self.delta("gtpu-received", now)
        gone = self.delta("gtpu-forwarded", now) + signals
        ensure(f"received {arrived} >= forwarded and signalling {gone}", arrived >= gone)
