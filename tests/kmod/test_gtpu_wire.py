# SPDX-License-Identifier: GPL-2.0-or-later
"""GTP-U in every shape that a link delivers: fragments, jumbo, VLAN, bridge, shared and scattered
buffers, super-packets, reordered and repeated.

Topology: lab.py and gtp.py.
"""
import mmap
import random
import socket
import struct
import subprocess

from gtp import (ENB_LINK, GNB, PORT, REMOTE, UPF, Tap, Tunnels, gpdu, psc, read_gtp)
from lab import Failed, Skipped, check, core, ensure, inside, ip_batch, mac, run, test, until
from packet import ETH, Wire, datagram, fragments, ip
from test_gtpu import FAMILIES, PAIRS, downward, one_hop, upward, went_down, went_up

SOL_PACKET, PACKET_TX_RING = 263, 13
UDP_SEGMENT = 103


def outer_packet(s, inner, **kwargs):
    return datagram((s.peer, PORT), (s.upf, PORT), gpdu(s.teid_in, inner, **kwargs))


@test
def outer_fragments():
    """an outer packet in fragments is put together: in order, reversed, at many sizes"""
    with core() as k, Tunnels(k) as t:
        for outer, inner in PAIRS:
            s = t.session(11, inner=inner, outer=outer)
            payload = bytes(range(250)) * 4
            packet = upward(s, inner, payload)
            for i, size in enumerate((48, 400, 800, 1024)):
                pieces = fragments(outer_packet(s, packet, ext=(psc(9),)), size, 0x1000 + i)
                ensure("in pieces", len(pieces) > 1)
                for order in (pieces, pieces[::-1]):
                    for piece in order:
                        t.enb.send(piece)
                    t.astray += len(pieces) - 1
                    p = t.at_inet()
                    ensure(f"IPv{inner} in IPv{outer}, pieces of {size}", p)
                    check("the packet", one_hop(packet).hex(), p.raw.hex())
            s.remove(k)


@test
def missing_fragment():
    """fragments of which one is missing bring nothing out, and hold up no other packet"""
    with core() as k, Tunnels(k, check_wire=False) as t:
        for outer in FAMILIES:
            s = t.session(11, outer=outer)
            for lost in range(3):
                pieces = fragments(outer_packet(s, upward(s, 4, bytes(1000))), 400, 0x2000 + lost)
                for i, piece in enumerate(pieces):
                    if i != lost:
                        t.enb.send(piece)
            t.quiet()
            went_up(t, s, upward(s))
            s.remove(k)


@test
def order_and_repeats():
    """500 packets shuffled and repeated: each comes out as often as it went in, in that order"""
    rnd = random.Random(281)
    with core() as k, Tunnels(k) as t:
        s = t.session(11, inner=(4, 6))
        ups, downs = [], []
        for i in range(250):
            fam = rnd.choice(FAMILIES)
            ups += [upward(s, fam, bytes([i]) * rnd.randrange(1, 1200))] * rnd.choice((1, 1, 2))
            downs += [downward(s, fam, bytes([i]) * rnd.randrange(1, 1200))] * rnd.choice((1, 1, 2))
        rnd.shuffle(ups)
        rnd.shuffle(downs)
        for i, packet in enumerate(ups):
            t.up(s, packet, seq=rnd.randrange(65536))
            if i % 100 == 99:
                t.inet.pump()
        for i, packet in enumerate(downs):
            t.down(packet)
            if i % 100 == 99:
                t.enb.pump()
        check("uplink", [one_hop(p) for p in ups], [p.raw for p in t.inet.rest()])
        check("downlink", [one_hop(p) for p in downs],
              [read_gtp(p).gtp.body for p in t.enb.rest()])


def set_mtu(mtu):
    ip_batch("core", [f"link set {d} mtu {mtu}" for d in ("ce", "ci")])
    ip_batch("enb", [f"link set e1 mtu {mtu}"])
    ip_batch("inet", [f"link set i1 mtu {mtu}"])


@test
def jumbo():
    """packets of 9000 and 65000 octets, to the last octet that fits"""
    for mtu in (9000, 65535):
        set_mtu(mtu)
        try:
            with core() as k, Tunnels(k, own_device=True) as t:
                subprocess.run(["ip", "-n", "core", "link", "set", "kims0", "mtu", str(mtu)],
                               capture_output=True, check=False)
                for outer, inner in PAIRS:
                    s = t.session(11, inner=inner, outer=outer)
                    head = 28 if inner == 4 else 48
                    overhead = (20 if outer == 4 else 40) + 8 + 8
                    for size in {1400, 8000, mtu - overhead - head}:
                        what = f"MTU {mtu}, IPv{inner} in IPv{outer}"
                        went_up(t, s, upward(s, inner, bytes(size)), what)
                        went_down(t, s, downward(s, inner, bytes(size)), what)
                    s.remove(k)
        finally:
            set_mtu(1500)


class Ring:
    """Sends by a PACKET_TX_RING: in the packet only the Ethernet header is linear."""

    FRAME = 4096

    def __init__(self, device, gateway):
        self.sock = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, 0)
        self.sock.setsockopt(SOL_PACKET, PACKET_TX_RING,
                             struct.pack("=IIII", self.FRAME * 4, 1, self.FRAME, 4))
        self.map = mmap.mmap(self.sock.fileno(), self.FRAME * 4)
        self.device, self.mac, self.at = device, gateway, 0

    def send(self, packet):
        base = self.at * self.FRAME
        self.at = (self.at + 1) % 4
        self.map[base + 32:base + 32 + len(packet)] = packet
        struct.pack_into("=QII", self.map, base, 0, len(packet), 0)
        struct.pack_into("=Q", self.map, base, 1)  # TP_STATUS_SEND_REQUEST
        self.sock.sendto(b"", (self.device, ETH[packet[0] >> 4], 0, 0, self.mac))

    def close(self):
        self.map.close()
        self.sock.close()


@test
def scattered():
    """packets whose headers all lie in page fragments, both ways"""
    with core() as k, Tunnels(k) as t:
        with inside("enb"):
            enb = Ring("e1", mac("core", "ce"))
        with inside("inet"):
            inet = Ring("i1", mac("core", "ci"))
        for outer, inner in PAIRS:
            s = t.session(11, inner=inner, outer=outer)
            for size in (0, 5, 100, 1200):
                for kwargs in ({}, {"seq": 5}, {"ext": (psc(9, more=bytes(100)), (0x20, b"ab"))}):
                    packet = upward(s, inner, bytes(size))
                    enb.send(outer_packet(s, packet, **kwargs))
                    t.enb.sent += 1
                    p = t.at_inet()
                    ensure(f"IPv{inner} in IPv{outer}, {size} octets: arrives", p)
                    check("uplink", one_hop(packet).hex(), p.raw.hex())
                packet = downward(s, inner, bytes(size))
                inet.send(packet)
                t.inet.sent += 1
                p = t.at_enb()
                ensure("downlink: arrives", p and p.gtp)
                check("downlink", one_hop(packet).hex(), p.gtp.body.hex())
            s.remove(k)
        enb.close()
        inet.close()


@test
def scattered_truncation():
    """the same, cut at every byte"""
    with core() as k, Tunnels(k) as t:
        with inside("enb"):
            enb = Ring("e1", mac("core", "ce"))
        for outer, inner in PAIRS:
            s = t.session(11, inner=inner, outer=outer)
            whole = gpdu(s.teid_in, upward(s, inner), seq=1, ext=((0x20, b"ab"), psc(9)))
            for size in range(len(whole)):
                enb.send(datagram((s.peer, PORT), (s.upf, PORT), whole[:size]))
                t.enb.sent += 1
            t.quiet(f"IPv{inner} in IPv{outer}")
            s.remove(k)
        enb.close()


@test
def shared():
    """a sniffer on the way in sees what came, not what kims.ko made of it; mirrored packets too"""
    with core() as k, Tunnels(k) as t:
        with inside("core"):
            sniff = {d: Wire(d, bytes(6)) for d in ("ce", "ci")}
        run("ip", "-n", "core", "link", "add", "mirror", "type", "dummy")
        try:
            run("ip", "-n", "core", "link", "set", "mirror", "up")
            for dev in ("ce", "ci"):
                run("tc", "-n", "core", "qdisc", "add", "dev", dev, "clsact")
                run("tc", "-n", "core", "filter", "add", "dev", dev, "ingress", "matchall",
                    "action", "mirred", "egress", "mirror", "dev", "mirror")
            with inside("core"):
                copy = Wire("mirror", bytes(6))
            for outer, inner in PAIRS:
                s = t.session(11, inner=inner, outer=outer)
                up, down = upward(s, inner), downward(s, inner)
                went_up(t, s, up, ext=(psc(9),))
                p = sniff["ce"].receive(lambda p, s=s: p.src == s.peer)
                check("sniffed uplink", outer_packet(s, up, ext=(psc(9),)), p.raw)
                went_down(t, s, down)
                p = sniff["ci"].receive(lambda p: p.dst == s.ue)  # pylint: disable=cell-var-from-loop
                check("sniffed downlink", down, p.raw)
                copied = [mirrored(copy) for _ in range(2)]
                check("mirrored", [outer_packet(s, up, ext=(psc(9),)), down], copied)
                s.remove(k)
            copy.sock.close()
        finally:
            for dev in ("ce", "ci"):
                subprocess.run(["tc", "-n", "core", "qdisc", "del", "dev", dev, "clsact"],
                               capture_output=True, check=False)
            run("ip", "-n", "core", "link", "del", "mirror")
            for w in sniff.values():
                w.sock.close()


def mirrored(wire):
    """What goes out of the mirror: UDP packets."""
    wire.sock.settimeout(10)
    while True:
        data, where = wire.sock.recvfrom(70000)
        if where[1] in ETH.values() and (data[9] if data[0] >> 4 == 4 else data[6]) == 17:
            return data


@test
def vlan():
    """endpoints and networks behind VLAN devices, on both sides"""
    ip_batch("core", ["link add link ce name ce.10 type vlan id 10",
                      "link add link ci name ci.20 type vlan id 20",
                      "addr add 10.44.10.1/24 dev ce.10", "addr add fd44:10::1/64 dev ce.10 nodad",
                      "addr add 10.47.20.1/24 dev ci.20", "addr add fd47:20::1/64 dev ci.20 nodad",
                      "link set ce.10 up", "link set ci.20 up"])
    ip_batch("enb", ["link add link e1 name e1.10 type vlan id 10", "link set e1.10 up"])
    ip_batch("inet", ["link add link i1 name i1.20 type vlan id 20", "link set i1.20 up"])
    run("ip", "netns", "exec", "core", "ethtool", "-K", "ce.10", "tx", "off")
    run("ip", "netns", "exec", "core", "ethtool", "-K", "ci.20", "tx", "off")
    try:
        with core() as k, Tunnels(k) as t:
            t.enb.close()
            t.inet.close()
            t.enb = Tap("enb", "e1.10", mac("core", "ce.10"))
            t.inet = Tap("inet", "i1.20", mac("core", "ci.20"))
            e, i = mac("enb", "e1.10").hex(":"), mac("inet", "i1.20").hex(":")
            far = {4: "203.0.113.9/32", 6: "2001:db8:9::9/128"}
            ip_batch("core", [
                f"neigh add 10.44.10.2 lladdr {e} dev ce.10", f"neigh add fd44:10::2 lladdr {e} dev ce.10",
                f"neigh add 10.47.20.2 lladdr {i} dev ci.20", f"neigh add fd47:20::2 lladdr {i} dev ci.20",
                f"route add {far[4]} via 10.47.20.2", f"route add {far[6]} via fd47:20::2"])
            for outer, inner in PAIRS:
                s = t.session(11, inner=inner, outer=outer,
                              peer={4: "10.44.10.2", 6: "fd44:10::2"}[outer])
                for size in (0, 100, 1300):
                    went_up(t, s, upward(s, inner, bytes(size)), f"IPv{inner} in IPv{outer}")
                    went_down(t, s, downward(s, inner, bytes(size)), f"IPv{inner} in IPv{outer}")
                s.remove(k)
    finally:
        ip_batch("core", ["link del ce.10", "link del ci.20"])
        ip_batch("enb", ["link del e1.10"])
        ip_batch("inet", ["link del i1.20"])


@test
def bridge():
    """the access link is a port of a bridge"""
    ip_batch("core", ["link add br0 type bridge", "link set br0 up", "link set ce master br0",
                      "addr del 10.44.0.1/24 dev ce", "addr del fd44::1/64 dev ce",
                      "addr add 10.44.0.1/24 dev br0", "addr add fd44::1/64 dev br0 nodad",
                      "route replace 10.44.1.0/24 via 10.44.0.2 dev br0",
                      "route replace fd44:1::/64 via fd44::2 dev br0"])
    try:
        run("ip", "netns", "exec", "core", "ethtool", "-K", "br0", "tx", "off")
        with core() as k, Tunnels(k) as t:
            e = mac("enb", "e1").hex(":")
            ip_batch("core", [f"neigh replace {ENB_LINK[f]} lladdr {e} dev br0 nud permanent"
                              for f in FAMILIES])
            t.enb.wire.mac = mac("core", "br0")
            for outer, inner in PAIRS:
                s = t.session(11, inner=inner, outer=outer)
                went_up(t, s, upward(s, inner))
                went_down(t, s, downward(s, inner))
                s.remove(k)
    finally:
        ip_batch("core", ["link set ce nomaster", "link del br0", "addr add 10.44.0.1/24 dev ce",
                          "addr add fd44::1/64 dev ce nodad",
                          "route replace 10.44.1.0/24 via 10.44.0.2 dev ce",
                          "route replace fd44:1::/64 via fd44::2 dev ce"])


class Enodeb:
    """A real UDP socket of the eNB, for what only a socket makes."""

    def __init__(self, outer):
        with inside("enb"):
            self.sock = socket.socket(socket.AF_INET6 if outer == 6 else socket.AF_INET,
                                      socket.SOCK_DGRAM)
            self.sock.bind((ENB_LINK[outer], PORT))
        self.to = (UPF[outer], PORT)

    def super_packet(self, messages):
        """Messages of one size as one GSO super-packet."""
        self.sock.setsockopt(socket.SOL_UDP, UDP_SEGMENT, len(messages[0]))
        self.sock.sendto(b"".join(messages), self.to)

    def close(self):
        self.sock.close()


@test
def super_packets():
    """a super-packet of several phones' G-PDUs is cut: each goes its way, none is lost"""
    with core() as k, Tunnels(k) as t:
        for outer in FAMILIES:
            e = Enodeb(outer)
            many = [t.session(n, inner=(4, 6), outer=outer, peer=ENB_LINK[outer])
                    for n in range(11, 16)]
            for fam in FAMILIES:
                for size in (10, 172, 1200):
                    packets = [upward(many[i % 5], fam, bytes([i]) * size)
                               for i in range(40 if size < 1000 else 20)]
                    e.super_packet([gpdu(many[i % 5].teid_in, p) for i, p in enumerate(packets)])
                    t.enb.sent += len(packets)
                    check(f"IPv{fam} in IPv{outer}, {size} octets: all, in order",
                          [one_hop(p) for p in packets], [p.raw for p in t.inet.rest()])
            for s in many:
                s.remove(k)
            e.close()


@test
def receive_offload():
    """G-PDUs that GRO has merged (rx-udp-gro-forwarding, rx-gro-list) are not lost"""
    with core() as k:
        for feature in ("rx-udp-gro-forwarding", "rx-gro-list"):
            with inside("core"):
                done = subprocess.run(["ethtool", "-K", "ce", "gro", "on", feature, "on"],
                                      capture_output=True, check=False)
            if done.returncode:
                raise Skipped(f"no {feature}")
            try:
                with Tunnels(k) as t:
                    for outer in FAMILIES:
                        many = [t.session(n, outer=outer) for n in range(11, 15)]
                        want = []
                        for i in range(200):
                            packet = upward(many[i % 4], 4, bytes([i]) * 100)
                            t.up(many[i % 4], packet)
                            want.append(one_hop(packet))
                        have = [p.raw for p in t.inet.rest()]
                        check(f"{feature}, IPv{outer}: how many", 200, len(have))
                        check("each", sorted(want), sorted(have))
                        for s in many:
                            s.remove(k)
            finally:
                with inside("core"):
                    run("ethtool", "-K", "ce", feature, "off", "gro", "off")


@test
def super_packets_down():
    """a super-packet from the data network comes out as G-PDUs, every one right"""
    with core() as k, Tunnels(k, check_wire=False) as t:
        for outer, inner in PAIRS:
            s = t.session(11, inner=inner, outer=outer)
            with inside("inet"):
                sock = socket.socket(socket.AF_INET6 if inner == 6 else socket.AF_INET,
                                     socket.SOCK_DGRAM)
                sock.bind(({4: "10.47.0.2", 6: "fd47::2"}[inner], 53))
            for size in (10, 172, 1200):
                sock.setsockopt(socket.SOL_UDP, UDP_SEGMENT, size)
                payloads = [bytes([i]) * size for i in range(20)]
                sock.sendto(b"".join(payloads), (s.ue, 4000))
                out = [read_gtp(p) for p in t.enb.rest()]
                check(f"IPv{inner} in IPv{outer}, {size}: payloads", payloads,
                      [p.gtp.inner.payload for p in out])
                check(f"IPv{inner} in IPv{outer}, {size}: wrong inner checksums", [],
                      [hex(p.gtp.inner.check) for p in out
                       if not (p.gtp.inner.sum_ok and p.gtp.inner.header_ok)])
            c = s.remove(k)["pdr"][1]
            check("counted", 60, c["packets"])
            sock.close()


@test
def same_packets_every_way():
    """direct way, POST_ROUTING and the whole stack give the same packets"""
    results = {}
    for name, setting, ep in (("direct", 0, {}), ("postrouting", 1, {}), ("stack", 0, {"stack": 1})):
        with core() as k, Tunnels(k, check_wire=name != "stack", **ep) as t:
            k.call("settings-set", {"settings": {"postrouting": setting}})
            try:
                out = []
                for outer, inner in PAIRS:
                    s = t.session(11, inner=inner, outer=outer, install=False)
                    s.add("qer", {"id": 1, "qfi": 5}, pdrs=(1, 2)).install(k)
                    for kwargs in ({}, {"tos": 0xb9}, {"ttl": 7}):
                        for size in (0, 33, 1200):
                            # without an outer checksum: by the short way
                            for outer_sum in (True, False):
                                t.up(s, upward(s, inner, bytes(size), **kwargs),
                                     outer={"check": outer_sum})
                                p = t.at_inet()
                                ensure(f"{name}: uplink", p)
                                out.append(p.raw)
                            t.down(downward(s, inner, bytes(size), **kwargs))
                            p = t.at_enb()
                            ensure(f"{name}: downlink", p and p.gtp)
                            out.append((p.src, p.dst, p.sport, p.dport, p.tos, bool(p.check),
                                        p.payload))
                    s.remove(k)
                results[name] = out
            finally:
                k.call("settings-set", {"settings": {"postrouting": 0}})
    for name in ("postrouting", "stack"):
        for i, (a, b) in enumerate(zip(results["direct"], results[name])):
            check(f"{name}, packet {i}", a, b)


@test
def nothing_for_others():
    """packets that are nobody's pass as if kims.ko were not there"""
    with core() as k, Tunnels(k, check_wire=False) as t:
        s = t.session(11, inner=(4, 6))
        for fam in FAMILIES:
            # routed through the core from one link to the other
            packet = datagram((GNB[fam], 1), (REMOTE[fam], 2), b"plain")
            t.enb.send(packet)
            p = t.at_inet()
            ensure("routed", p)
            check("as it was", one_hop(packet), p.raw)
            packet = datagram((REMOTE[fam], 2), (GNB[fam], PORT), gpdu(1, upward(s, fam)))
            t.inet.send(packet)
            p = t.enb.next(lambda p: p.protocol == 17)
            ensure("GTP-U that is not for us", p)
            check("as it was", one_hop(packet), p.raw)
        check("not counted", 0, t.delta("gtpu-received"))


@test
def half_a_datagram():
    """a first outer fragment that holds only a part of the headers does no harm"""
    with core() as k, Tunnels(k, check_wire=False) as t:
        for outer in FAMILIES:
            s = t.session(11, outer=outer)
            whole = outer_packet(s, upward(s))
            for i, piece in enumerate(fragments(whole, 16 if outer == 6 else 8, 0x900)):
                t.enb.send(piece)
            p = t.at_inet()
            if p:
                check("put together", one_hop(upward(s)), p.raw)
            # Overlap: the second begins inside the first.
            pieces = fragments(whole, 32, 0x901)
            t.enb.send(pieces[0])
            if outer == 4:
                lie = bytearray(pieces[1])
                struct.pack_into("!H", lie, 6, 0x2000 | 1)
                lie[10:12] = bytes(2)
                from packet import csum
                struct.pack_into("!H", lie, 10, csum(bytes(lie[:20])))
                t.enb.send(bytes(lie))
            for piece in pieces[1:]:
                t.enb.send(piece)
            t.inet.rest()
            t.enb.rest()
            went_up(t, s, upward(s))
            s.remove(k)
