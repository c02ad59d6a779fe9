# SPDX-License-Identifier: GPL-2.0-or-later
"""What tools that know nothing of kims see of its drops: the tracepoint skb:kfree_skb, which
drop_monitor, dropwatch and perf use, tells the kernel's nearest reason and, as the place, a function
with the name of ours.

Topology: lab.py and gtp.py.
"""
import bisect
import os
import re

from gtp import Tunnels
from lab import RELAY, Skipped, check, core, drops, ensure, test, until
from packet import rtp
from test_flow import IN, Phones, flow
from test_gtpu import downward, upward

TRACING = "/sys/kernel/tracing"
# Ours, the kernel's.
NEAREST = {"malformed": "HDR_TRUNC", "source": "IP_RPFILTER", "gate": "NETFILTER_DROP",
           "payload-type": "NETFILTER_DROP", "cleartext": "XFRM_POLICY",
           "unknown-teid": "NO_SOCKET", "no-pdr": "NETFILTER_DROP", "spoofed-ue": "IP_RPFILTER",
           "far": "NETFILTER_DROP", "quota": "NETFILTER_DROP", "app": "NETFILTER_DROP",
           "extension-header": "UNHANDLED_PROTO", "too-big": "PKT_TOO_BIG", "rate": "QDISC_DROP"}


def put(name, text):
    with open(f"{TRACING}/{name}", "w", encoding="ascii") as f:
        f.write(text)


def symbols():
    """Addresses and names of the module's functions, in order."""
    with open("/proc/kallsyms", encoding="ascii") as f:
        rows = [line.split() for line in f if line.endswith("[kims]\n")]
    return sorted((int(r[0], 16), r[2]) for r in rows if r[1] in "tT")


def printed(pattern, hashed):
    """What the pattern finds in each line of the trace; places are numbers where not hashed."""
    put("options/hash-ptr", hashed)
    with open(f"{TRACING}/trace", encoding="ascii") as f:
        return re.findall("kfree_skb: .*" + pattern, f.read())


class Watch:
    """with Watch() as w: ...; then w.drops is {(our reason, kernel's reason): packets}."""

    def __enter__(self):
        if not os.path.isdir(f"{TRACING}/events/skb/kfree_skb"):
            raise Skipped("no tracefs")
        put("trace", "")
        put("events/skb/kfree_skb/enable", "1")
        return self

    def __exit__(self, *_):
        put("events/skb/kfree_skb/enable", "0")
        # 6.1 prints no reason where it hashes no pointer.
        places, reasons = printed(r"location=(\S+)", "0"), printed(r"reason: (\w+)", "1")
        check("places and reasons", len(places), len(reasons))
        self.drops, known = {}, symbols()
        for place, reason in zip(places, reasons):
            name = self.function(place, known)
            if name and name.startswith("kims_drop_"):
                key = name.removeprefix("kims_drop_").replace("_", "-"), reason
                self.drops[key] = self.drops.get(key, 0) + 1

    @staticmethod
    def function(place, known):
        if not re.fullmatch(r"(0x)?[0-9a-f]+", place):
            return place.split("+")[0]
        at = bisect.bisect_right(known, (int(place, 16), "\x7f")) - 1
        return known[at][1] if at >= 0 else None


def expected(counts):
    return {(ours, NEAREST[ours]): n for ours, n in counts.items()}


@test
def tunnels():
    """GTP-U: every packet that a counter tells of is seen once, with our name and a reason"""
    with core() as k, Tunnels(k) as t:
        s = t.session(11)
        t.session(12, install=False).add("qer", {"id": 1, "mbr-ul": 1000, "burst": 100},
                                         pdrs=(1,)).install(k)
        slow = t.session(13, install=False).add("qer", {"id": 1, "mbr-ul": 8000, "burst": 1},
                                                pdrs=(1,)).install(k)
        t.check_wire = False
        with Watch() as w:
            for _ in range(3):
                t.up(s, upward(s), teid=0x9999)
            t.up(s, downward(s))
            t.up(s, upward(s), ext=((0xcf, b"\0\0"),))
            t.up(s, b"\x45")
            for _ in range(40):
                t.up(slow, upward(slow, payload=bytes(1000)))
            s.change(k, far=[{"id": 1, "apply-action": "drop"}], del_pdr=[2])
            t.up(s, upward(s))
            t.down(downward(s))
            until(lambda: t.drops().get("no-pdr"))
            t.enb.rest()
            t.inet.rest()
        have = t.drops()
        ensure(f"all of them: {have}", {"unknown-teid", "spoofed-ue", "extension-header", "malformed",
                                        "rate", "far", "no-pdr"} <= set(have))
        check("seen", expected(have), w.drops)


@test
def media():
    """media flows and protected ports: the same"""
    with core() as k, Phones() as p:
        before = drops(k.stats())
        number = k.rtp_new(flow(**{"payload-types": b"\x01" + bytes(15)}))
        with Watch() as w:
            p.send(b"no")
            p.send(rtp(1, pt=8))
            k.rtp_replace(number, flow(gate="closed"))
            p.send(rtp(2))
            k.rtp_replace(number, flow(**{"peer-port": 5}))
            p.send(rtp(3))
            k.rtp_del(number)
            k.port_new(RELAY[4], IN)
            p.send(rtp(4))
            until(lambda: drops(k.ports()[0]))
            k.port_del(RELAY[4], IN)
        have = {r: n - before.get(r, 0) for r, n in drops(k.stats()).items()
                if n - before.get(r, 0)}
        check("counted", {"malformed": 1, "payload-type": 1, "gate": 1, "source": 1,
                          "cleartext": 1}, have)
        check("seen", expected(have), w.drops)
