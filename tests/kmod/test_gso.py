# SPDX-License-Identifier: GPL-2.0-or-later
"""Bulk TCP with kims.ko at both ends: super-packets cut, listed, merged, and not one octet wrong.

        enb: the phone's side                    core                         inet
    10.45.0.81 on kims1   10.44.0.2 ----- 10.46.0.6   kims0   10.47.0.1 ----- 10.47.0.2
         fd45:0:0:81::1                    fd46::6                              fd47::2

At the phone's end the session's "UE" is the server, which is what is behind that end.
"""
import hashlib
import os
import subprocess

from gtp import ENB_LINK, INET_LINK, UPF, Tunnels, if_index, interface
from knl import Knl
from lab import check, core, ensure, inside, ip_batch, run, test
from test_gtpu_peer import bulk, tcp_server

PHONE = {4: "10.45.0.81", 6: "fd45:0:0:81::1"}
PREFIX = {4: "10.45.0.81", 6: "fd45:0:0:81::"}
SERVER_PREFIX = {4: INET_LINK[4], 6: "fd47::"}
SIZE = 3 << 20


class Phone:
    """with Phone(inner, outer, csum): the phone's end in enb; .k is a client there."""

    def __init__(self, inner, outer, csum, qfi):
        self.inner, self.outer, self.csum, self.qfi = inner, outer, csum, qfi

    def __enter__(self):
        i = self.inner
        run("ip", "-n", "enb", "link", "add", "kims1", "type", "kims")
        length = 32 if i == 4 else 128
        ip_batch("enb", ["link set kims1 up",
                         f"addr add {PHONE[i]}/{length} dev kims1" + (" nodad" if i == 6 else ""),
                         f"route add {INET_LINK[i]}/{length} dev kims1 src {PHONE[i]}"])
        with inside("enb"):
            self.k = Knl()
        self.k.ep_new({"id": 1, "device": if_index("kims1", "enb"), "udp-checksum": self.csum}
                      | interface("local", ENB_LINK[self.outer]))
        pdrs = [{"id": 1, "precedence": 1, "source-interface": "access", "endpoint": 1,
                 "teid": 0x2000 + 81, "far-id": 1},
                {"id": 2, "precedence": 1, "source-interface": "core", "far-id": 2}]
        self.k.session_new({"id": 1, "label": "server", "pdr": pdrs, "far": [
            {"id": 1, "apply-action": "forw", "destination-interface": "core"},
            {"id": 2, "apply-action": "forw", "destination-interface": "access", "endpoint": 1,
             "teid": 0x1000 + 81} | interface("peer", UPF[self.outer])]}
            | interface("ue", SERVER_PREFIX[i]))
        return self

    def __exit__(self, *_):
        self.k.session_del(1)
        self.k.ep_del(1)
        self.k.close()
        run("ip", "-n", "enb", "link", "del", "kims1")


def offloads(*settings):
    for space, dev in (("enb", "e1"), ("core", "ce"), ("core", "ci"), ("inet", "i1")):
        run("ip", "netns", "exec", space, "ethtool", "-K", dev, *settings)


def both_ways(k, inner, outer, csum=0, qfi=False):
    """Megabytes up and down; what one end counts as sent the other has received."""
    with Tunnels(k, check_wire=False, **{"udp-checksum": csum}) as t, \
            Phone(inner, outer, csum, qfi) as phone:
        number = 1 if outer == 4 else 2
        s = t.session(81, inner, outer, install=False, peer=ENB_LINK[outer])
        if qfi:
            s.add("qer", {"id": 1, "qfi": 9}, pdrs=(1, 2))
        s.install(k)
        up, down, out = os.urandom(SIZE), os.urandom(SIZE), []
        thread = tcp_server("inet", (INET_LINK[inner], 8080), down, out)
        bulk("enb", (INET_LINK[inner], 8080), up, down, PHONE[inner])
        thread.join()
        check("server", [(hashlib.sha256(up).hexdigest(), PHONE[inner])], out)
        check("no drops", {}, t.drops())
        far, near = phone.k.ep_get(1), k.ep_get(number)
        check("up: sent and received", far["sent"], near["received"])
        check("down: sent and received", near["sent"], far["received"])
        check("all of them forwarded", (near["received"], far["received"]),
              (near["forwarded"], far["forwarded"]))
        mine = {p["id"]: p for p in s.get(k)["pdr"]}
        theirs = {p["id"]: p for p in phone.k.session_get(1)["pdr"]}
        check("packets by the rules", (near["received"], near["sent"]),
              (mine[1]["packets"], mine[2]["packets"]))
        check("octets of both ends", (mine[1]["octets"], mine[2]["octets"]),
              (theirs[2]["octets"], theirs[1]["octets"]))
        ensure("octets", mine[1]["octets"] > SIZE and mine[2]["octets"] > SIZE)


@test
def families():
    """inner and outer IPv4 and IPv6, outer checksum or none, with and without a QFI"""
    with core() as k:
        for inner in (4, 6):
            for outer in (4, 6):
                for csum in (0, 1):
                    both_ways(k, inner, outer, csum, qfi=bool(csum))


@test
def devices():
    """devices that cut, sum and merge more or less themselves"""
    plain = ("tso", "off", "gso", "off", "tx", "off", "gro", "off")
    full = ("tx", "on", "gso", "on", "tso", "on", "gro", "on")
    with core() as k:
        try:
            for settings in (plain, full, full + ("rx-udp-gro-forwarding", "on"),
                             full + ("rx-gro-list", "on"), ("tx-udp-segmentation", "off"),
                             ("tx-gso-list", "off")):
                done = subprocess.run(["ip", "netns", "exec", "core", "ethtool", "-K", "ce",
                                       *settings], capture_output=True, check=False)
                if done.returncode:
                    continue
                offloads(*settings)
                both_ways(k, 4, 4)
        finally:
            subprocess.run(["ip", "netns", "exec", "core", "ethtool", "-K", "ce", "gro", "off",
                            "rx-udp-gro-forwarding", "off", "rx-gro-list", "off"],
                           capture_output=True, check=False)
            for more in (("rx-udp-gro-forwarding", "off", "rx-gro-list", "off", "gro", "off"),
                         ("tx", "on", "gso", "on", "tso", "on", "tx-udp-segmentation", "on")):
                for space, dev in (("enb", "e1"), ("core", "ce"), ("core", "ci"), ("inet", "i1")):
                    subprocess.run(["ip", "netns", "exec", space, "ethtool", "-K", dev, *more],
                                   capture_output=True, check=False)
            # As lab.py has it: checksums of what leaves the core are made.
            for dev in ("ce", "ci"):
                subprocess.run(["ip", "netns", "exec", "core", "ethtool", "-K", dev, "tx", "off"],
                               capture_output=True, check=False)
