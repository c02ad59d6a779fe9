# SPDX-License-Identifier: GPL-2.0-or-later
"""The way out of a media flow: what changes on it counts from the next packet on.

Every case sends packets before, so that route, neighbour and header are cached and the flow's
packets take the direct way when the change comes. `postrouting` says which way they took.
"""
import random
import subprocess
import threading
import time

from lab import (RELAY, UE1, UE2, Failed, Skipped, check, core, drops, ensure, everywhere, inside,
                 ip_batch, mac, run, test, until)
from packet import Wire, rtp
from test_flow import TO, flow
from test_wire import Ends

SAME = (4, 6)  # families
BIG = 1300


def postrouting(k, on):
    k.call("settings-set", {"settings": {"postrouting": on}})


class Relay:
    """A flow in use; with Relay(k, family) as r: r.passes("what"), r.stops("what", reason)."""

    def __init__(self, k, family):
        self.k, self.family, self.seq = k, family, 0

    def __enter__(self):
        self.ends = Ends(self.family, self.family)
        self.known()
        self.number = self.k.rtp_new(flow(self.family, self.family, media="udp"))
        ensure("first packet", until(self.one))
        self.passes("warm")
        return self

    def __exit__(self, *_):
        self.ends.__exit__()
        self.k.rtp_del(self.number)

    def known(self):
        """The neighbour is reachable, for 15 s at least. What an earlier test has found may be stale by now, and
        then packets go by the stack until it has been probed."""
        at = mac("ue2", "v2").hex(":")
        core_ip(f"neigh replace {UE2[self.family]} lladdr {at} dev c2 nud reachable")

    def one(self, size=160, seconds=0.5):
        """Sends a packet; what arrives of it, or None."""
        self.seq += 1
        payload = rtp(self.seq, size=size)
        self.ends.send(payload)
        return self.ends.rx.receive(
            lambda p: p.protocol == 17 and p.dport == TO and
            p.payload == payload[:len(p.payload)], seconds)

    def passes(self, what):
        for i in range(3):
            p = self.one(seconds=10)
            ensure(f"IPv{self.family}, {what}: packet {i} passes", p)
            ensure(f"{what}: checksums", p.sum_ok and p.header_ok)

    def comes_back(self, what):
        """Addresses may have to be resolved first."""
        ensure(f"IPv{self.family}, {what}: packets pass again", until(self.one))
        self.passes(what)

    def stops(self, what, reason=None):
        before = drops(self.k.rtp_get(self.number)["counters"])
        for _ in range(3):
            check(f"IPv{self.family}, {what}: packet passes", None, self.one(seconds=0.1))
        if reason:
            after = drops(self.k.rtp_get(self.number)["counters"])
            check(f"{what}: dropped as {reason}", before.get(reason, 0) + 3, after.get(reason, 0))


def core_ip(*lines):
    ip_batch("core", lines)


def host(family):
    return f"{UE2[family]}/{32 if family == 4 else 128}"


@test
def postrouting_setting():
    """the direct way passes by POST_ROUTING; the setting sends packets through it"""
    rules = "table inet kimstest { chain c { type filter hook postrouting priority 0; " \
            f"udp dport {TO} drop; }}; }}"
    with core() as k:
        check("from the start", {"postrouting": 0}, k.call("settings-get")["settings"])
        for family in SAME:
            with Relay(k, family) as r:
                with inside("core"):
                    done = subprocess.run(["nft", rules], capture_output=True, check=False)
                if done.returncode:
                    raise Skipped("no nftables")
                try:
                    r.known()
                    r.passes("past the rule")
                    postrouting(k, 1)
                    check("read back", {"postrouting": 1}, k.call("settings-get")["settings"])
                    r.stops("the rule")
                    postrouting(k, 0)
                    r.known()
                    r.passes("past the rule again")
                finally:
                    postrouting(k, 0)
                    with inside("core"):
                        run("nft", "delete table inet kimstest")
                k.call("settings-set", {"settings": {}})
                check("absent: as it was", {"postrouting": 0}, k.call("settings-get")["settings"])


@test
def same_packets_both_ways():
    """a packet comes out the same on the direct way and through the stack"""
    with core() as k:
        for family in SAME:
            with Relay(k, family) as r:
                have = []
                for on in (0, 1):
                    postrouting(k, on)
                    for dscp in (None, 46):
                        k.rtp_replace(r.number, flow(family, family, media="udp", dscp=dscp))
                        for kwargs in ({}, {"tos": 0x29, "ttl": 9}, {"frag": 0x4000}):
                            until(r.one)
                            r.ends.send(b"payload of the case", **kwargs)
                            p = r.ends.rx.receive(lambda p: p.body.endswith(b"of the case"))
                            have.append((p.body, p.ttl, p.tos, p.frag, p.src, p.dst, p.sum_ok,
                                         p.header_ok))
                postrouting(k, 0)
                half = len(have) // 2
                check(f"IPv{family}", have[half:], have[:half])


@test
def neighbour_moves():
    """another link-layer address, a removed and a failed neighbour"""
    old = mac("ue2", "v2").hex(":")
    new = "02:00:00:00:77:01"
    with core() as k:
        for family in SAME:
            with Relay(k, family) as r:
                try:
                    run("ip", "-n", "ue2", "link", "set", "v2", "address", new)
                    core_ip(f"neigh replace {UE2[family]} lladdr {new} dev c2 nud reachable")
                    p = r.one(seconds=10)
                    ensure("the very next packet goes to the new address", p)
                    check("not to another's", 0, r.ends.rx.last_kind)
                    r.passes("new address")
                    core_ip(f"neigh del {UE2[family]} dev c2")
                    r.comes_back("removed")
                    core_ip(f"neigh replace {UE2[family]} lladdr {new} dev c2 nud stale")
                    r.comes_back("stale")
                finally:
                    run("ip", "-n", "ue2", "link", "set", "v2", "address", old)
                    core_ip(f"neigh flush dev c2")
                r.comes_back("old address")


@test
def route_changes():
    """an unreachable route, another next hop over another device, and back"""
    with core() as k:
        for family in SAME:
            with Relay(k, family) as r:
                core_ip(f"route add unreachable {host(family)}")
                r.stops("unreachable", "no-route")
                core_ip(f"route del unreachable {host(family)}")
                r.passes("reachable")
                core_ip(f"route add {host(family)} via {UE1[family]} dev c1")
                try:
                    with inside("ue1"):
                        other = Wire("v1", bytes(6))
                    until(lambda: r.one(seconds=0.05) or True)
                    ensure("leaves by the other link", other.receive(
                        lambda p: p.protocol == 17 and p.dport == TO and p.dst == UE2[family]))
                    other.sock.close()
                    r.stops("not by the first")
                finally:
                    core_ip(f"route del {host(family)} via {UE1[family]} dev c1")
                r.passes("first link again")
                # The relay's own address goes, and comes back.
                mask = 32 if family == 4 else 128
                core_ip(f"addr del {RELAY[family]}/{mask} dev lo")
                r.stops("source address gone")
                core_ip(f"addr add {RELAY[family]}/{mask} dev lo"
                        + (" nodad" if family == 6 else ""))
                r.comes_back("source address back")


@test
def policy_appears():
    """an XFRM policy for the way out counts from the next packet on"""
    with core() as k:
        for family in SAME:
            with Relay(k, family) as r:
                policy = ["dir", "out", "src", RELAY[family], "dst", UE2[family]]
                try:
                    run("ip", "-n", "core", "xfrm", "policy", "add", *policy, "action", "block")
                except Failed as e:
                    raise Skipped("no XFRM") from e
                r.stops("blocked", "no-route")
                run("ip", "-n", "core", "xfrm", "policy", "delete", *policy)
                r.passes("allowed")


@test
def link_goes_down():
    """the device goes down and up"""
    with core() as k:
        for family in SAME:
            with Relay(k, family) as r:
                core_ip("link set c2 down")
                r.stops("down", "no-route")
                core_ip("link set c2 up")
                if family == 6:
                    core_ip("addr add fd45:2::1/64 dev c2 nodad")
                else:
                    core_ip("addr replace fd45:2::1/64 dev c2 nodad")
                r.comes_back("up")


@test
def mtu_changes():
    """a smaller MTU fragments the next packet, of device and of route; a bigger one no longer"""
    with core() as k:
        for family in SAME:
            with Relay(k, family) as r:
                def whole(what):
                    p = r.one(BIG, 10)
                    ensure(f"IPv{family}, {what}: whole", p and p.frag & 0x2000 == 0)

                def pieces(what):
                    r.ends.send(rtp(1, size=BIG))
                    p = r.ends.rx.receive(lambda p: p.frag & 0x2000 or p.protocol == 44)
                    ensure(f"IPv{family}, {what}: in pieces", p)

                whole("1500")
                core_ip("link set c2 mtu 1280")
                pieces("device 1280")
                core_ip("link set c2 mtu 1500")
                whole("1500 again")
                gate = f"route replace {host(family)} dev c2 mtu 1280"
                core_ip(gate)
                pieces("route 1280")
                core_ip(f"route del {host(family)} dev c2")
                whole("route gone")


class Fire(threading.Thread):
    """Sends to a flow until told to stop; .sent packets."""

    def __init__(self, relay):
        super().__init__()
        self.relay, self.sent, self.stop = relay, 0, False

    def run(self):
        everywhere()
        while not self.stop:
            for _ in range(10):
                self.relay.ends.send(rtp(self.sent))
                self.sent += 1
            time.sleep(0.002)


@test
def changes_under_fire():
    """routes, neighbours, MTU, setting and flow change under traffic: every packet is counted once"""
    rnd = random.Random(6)
    with core() as k, Relay(k, 4) as four, Relay(k, 6) as six:
        relays = (four, six)
        before = [total(k, r) for r in relays]
        fire = [Fire(r) for r in relays]
        for f in fire:
            f.start()
        end = time.monotonic() + 4
        while time.monotonic() < end:
            r = rnd.choice(relays)
            change = rnd.randrange(6)
            if change == 0:
                core_ip(f"route add unreachable {host(r.family)}",
                        f"route del unreachable {host(r.family)}")
            elif change == 1:
                core_ip("neigh flush dev c2")
            elif change == 2:
                core_ip("link set c2 mtu 1400", "link set c2 mtu 1500")
            elif change == 3:
                postrouting(k, rnd.randrange(2))
            elif change == 4:
                core_ip(f"route add {host(r.family)} dev c2 mtu 1290",
                        f"route del {host(r.family)} dev c2")
            else:
                k.rtp_replace(r.number, flow(r.family, r.family, media="udp",
                                             dscp=rnd.choice((None, 10))))
        for f in fire:
            f.stop = True
            f.join()
        postrouting(k, 0)
        for f, r, old in zip(fire, relays, before):
            until(lambda r=r, f=f, old=old: total(k, r) == old + f.sent)
            check(f"IPv{r.family}: counted", old + f.sent, total(k, r))
            r.comes_back("after the fire")


def total(k, relay):
    """Packets that the flow has counted, sent or dropped."""
    c = k.rtp_get(relay.number)["counters"]
    return c["packets"] + sum(drops(c).values())
