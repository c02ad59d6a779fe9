# SPDX-License-Identifier: GPL-2.0-or-later
"""Every case of the GTP-U tests again by each other way that packets can take: taken at the ingress
of the devices, out by POST_ROUTING, through the whole stack. The results are the same.

What a way changes by its nature is left out by name. KIMS_WAYS=all runs all cases by all ways, which
takes a quarter of an hour. Without it each kernel has its share: at the ingress headers where there are
sanitizers, and headers, rules and links before Linux 6.12; later kernels headers by the two others.
"""
import functools
import os

import gtp
import test_gtpu  # pylint: disable=unused-import
import test_gtpu_change  # pylint: disable=unused-import
import test_gtpu_rules  # pylint: disable=unused-import
import test_gtpu_wire  # pylint: disable=unused-import
from lab import TESTS, test

ALL = ("test_gtpu", "test_gtpu_rules", "test_gtpu_wire", "test_gtpu_change")
if os.environ.get("KIMS_WAYS") == "all":
    CASES = {"ingress": ALL, "postrouting": ALL, "stack": ALL}
elif os.path.isdir("/sys/kernel/debug/failslab"):
    CASES = {"ingress": ALL[:1], "postrouting": (), "stack": ()}
elif os.uname().release.startswith("6.1."):
    CASES = {"ingress": ALL[:3], "postrouting": (), "stack": ()}
else:
    CASES = {"ingress": (), "postrouting": ALL[:1], "stack": ALL[:1]}
WAYS = {
    "ingress": set(),
    "postrouting": {"same_packets_every_way"},
    # The stack routes inner packets itself: it has its own mind about what is no unicast, what
    # leaves by which device, and packets that come back where they came from.
    "stack": {"same_packets_every_way", "network_instance", "vrf", "ue_to_itself",
              "hop_limit"},
}


def by_way(way, f):
    @functools.wraps(f)
    def run():
        gtp.MODE[way] = True
        try:
            f()
        finally:
            gtp.MODE[way] = False
    run.__module__ = f"ways.{way}.{f.__module__.removeprefix('test_')}"
    return run


for name, without in WAYS.items():
    for case in [t for t in TESTS if t.__module__ in CASES[name]]:
        if case.__name__ not in without and case.__name__ != "codec":
            test(by_way(name, case))
