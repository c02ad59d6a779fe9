# SPDX-License-Identifier: GPL-2.0-or-later
"""Packets taken at the ingress of devices; topology: lab.py.

That packets come out the same is tested by all cases of GTP-U with KIMS_INGRESS=1, and by
test_gtpu_ways.py; here: the objects themselves, and what the hook must leave to the stack.
"""
from gtp import MODE, REMOTE, Tunnels, if_index
from knl import refused
from lab import check, core, ensure, ip_batch, run, test
from packet import datagram


def devices(k):
    return sorted(m["ingress"]["device"] for m in k.dump("ingress-get"))


def ref(number):
    return {"ingress": {"device": number}}


@test
def objects():
    """new, get, del; refusals with a sentence; it ends with the device or when that moves"""
    with core() as k:
        check("none", [], devices(k))
        ce, ci = if_index("ce"), if_index("ci")
        for dev in (ce, ci):
            k.call("ingress-new", ref(dev))
        check("both", sorted((ce, ci)), devices(k))
        for op, what, want in (("ingress-new", ref(ce), "EEXIST"),
                               ("ingress-new", ref(99999), "ENODEV"),
                               ("ingress-del", ref(99999), "ENOENT"),
                               ("ingress-new", {"ingress": {}}, "EINVAL"),
                               ("ingress-new", {}, "EINVAL")):
            err, sentence = refused(k.call, op, what)
            check(f"{op} {what}", want, err)
            ensure("a sentence", sentence)
        for dev in (ce, ci):
            k.call("ingress-del", ref(dev))
        check("none again", [], devices(k))
        check("del again", "ENOENT", refused(k.call, "ingress-del", ref(ce))[0])
        ip_batch("core", ["link add x0 type dummy", "link add x1 type dummy"])
        for name in ("x0", "x1"):
            k.call("ingress-new", ref(if_index(name)))
        run("ip", "-n", "core", "link", "del", "x0")
        check("gone with its device", 1, len(devices(k)))
        run("ip", "-n", "core", "link", "set", "x1", "netns", "inet")
        check("not in another namespace", [], devices(k))
        run("ip", "-n", "inet", "link", "del", "x1")


@test
def changes_under_traffic():
    """switched on and off between packets: none is lost or doubled"""
    with core() as k, Tunnels(k) as t:
        on = if_index("ce") in devices(k)
        for inner in (4, 6):
            s = t.session(61, inner)
            for i in range(60):
                if i % 10 == 5:
                    for name in ("ce", "ci"):
                        k.call("ingress-del" if on else "ingress-new", ref(if_index(name)))
                    on = not on
                t.up(s, datagram((s.ue, 4000), (REMOTE[inner], 53), bytes([i])))
                check("up", bytes([i]), t.at_inet().payload)
                t.down(datagram((REMOTE[inner], 53), (s.ue, 4000), bytes([i])))
                check("down", bytes([i]), t.at_enb().gtp.inner.payload)
            check("counted", [60, 60], [p["packets"] for p in s.get(k)["pdr"]])
            s.remove(k)


@test
def left_to_the_stack():
    """options, wrong checksums, trailing octets: the same as without"""
    with core() as k, Tunnels(k) as t:
        s = t.session(62)
        for dev in (() if devices(k) else ("ce", "ci")):
            k.call("ingress-new", ref(if_index(dev)))
        try:
            inner = datagram((s.ue, 4000), (REMOTE[4], 53), b"x")
            t.up(s, inner, outer={"options": b"\x94\x04\0\0"})
            ensure("options of the outer packet", t.at_inet())
            t.down(datagram((REMOTE[4], 53), (s.ue, 4000), b"y", options=b"\x94\x04\0\0"))
            ensure("options of the inner packet", t.at_enb())
            packet = bytearray(datagram((REMOTE[4], 53), (s.ue, 4000), b"y"))
            packet[10] ^= 1
            t.astray += 1
            t.down(bytes(packet))
            t.quiet("wrong header checksum")
            t.down(datagram((REMOTE[4], 53), (s.ue, 4000), b"y") + bytes(9))
            p = t.at_enb().gtp.inner
            check("what lies behind the packet", (b"y", True), (p.payload, p.sum_ok))
        finally:
            for dev in devices(k):
                k.call("ingress-del", ref(dev))
            for dev in ("ce", "ci"):  # Tunnels ends it when it has made it
                if MODE["ingress"]:
                    k.call("ingress-new", ref(if_index(dev)))
