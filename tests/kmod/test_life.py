# SPDX-License-Identifier: GPL-2.0-or-later
"""Namespaces and the module: objects end with their namespace; the module stays while in use."""
import os
import socket
import subprocess
import threading
import time

from failslab import failing_allocations, tried
from gtp import GNB, PORT, REMOTE, UPF, Tunnels, gpdu, ue4, ue6
from knl import Knl, refused
from lab import (RELAY, UE1, Skipped, check, core, drops, ensure, everywhere, inside, ip_batch, mac, run,
                 space_add, space_del, test, until)
from packet import Wire, datagram, rtp
from test_flow import FROM, IN, Phones, flow
from test_gm import A, B, PS, sa_set

IN_USE = "/sys/module/kims/parameters/in_use"


def in_use():
    with open(IN_USE, encoding="ascii") as f:
        return f.read().strip()


def rmmod():
    return subprocess.run(["rmmod", "kims"], capture_output=True, text=True, check=False)


@test
def unload_refused():
    """the module cannot be unloaded while there are objects, and says which"""
    check("not in use", "no", in_use())
    makers = (("rtp-flow", lambda k: k.rtp_new(flow()), lambda k, n: k.rtp_del(n)),
              ("sa-set", lambda k: k.sa_new(sa_set(A, UE1[4], 0x1000)), lambda k, n: k.sa_del(n)),
              ("gm-port", lambda k: k.port_new(RELAY[4], PS),
               lambda k, n: k.port_del(RELAY[4], PS)))
    for name, make, unmake in makers:
        with core() as k:
            number = make(k)
        done = rmmod()
        ensure(f"refused with a {name}", done.returncode)
        ensure("in use: " + done.stderr, "in use" in done.stderr)
        ensure(in_use(), f"1 {name}" in in_use())
        with core() as k:
            unmake(k, number)
        check("not in use", "no", in_use())
    log = subprocess.run(["dmesg"], capture_output=True, text=True, check=False).stdout
    ensure("kernel log tells", "kims: namespace" in log and "no unloading" in log)


@test
def other_namespace():
    """namespaces do not see each other's objects"""
    space_add("other")
    try:
        with inside("other"):
            other = Knl()
        with core() as k:
            mine, theirs = k.rtp_new(flow(id=5)), other.rtp_new(flow(id=5, cookie=99))
            check("same id in both", (5, 5), (mine, theirs))
            check("other's", 99, other.rtp_get(5)["cookie"])
            k.rtp_del(5)
            check("still there", 1, other.stats()["rtp-flows"])
            check("not here", "ENOENT", refused(k.rtp_get, 5)[0])
        other.close()
    finally:
        space_del("other")
    ensure("reference dropped with the namespace", until(lambda: in_use() == "no"))


@test
def exit_with_objects():
    """a namespace goes with flows, ports and sets in it, timers running"""
    for _ in range(3):
        space_add("gone")
        with inside("gone"), Knl(["rtp", "gm"]) as k:
            for i in range(50):
                k.rtp_new(flow(**{"local-port": IN + i, "timeout": 1 + i}))
                k.rtp_new(flow(6, 6, **{"local-port": IN + i, "timeout": 1 + i}))
            k.port_new(RELAY[4], PS)
            k.port_new(RELAY[6], PS)
            k.sa_new(sa_set(A, UE1[4], 0x1000))
            k.sa_new(sa_set(B, UE1[6], 0x1000, 6))
        space_del("gone")
    ensure("nothing left: " + in_use(), until(lambda: in_use() == "no"))


def phone(fam):
    return {4: ue4, 6: ue6}[fam](15)


def outer_packet(outer, inner):
    """What phone 11 + outer sends."""
    packet = datagram(({4: ue4, 6: ue6}[inner](11 + outer), 4000), (REMOTE[inner], 53), bytes(100))
    return datagram((GNB[outer], PORT), (UPF[outer], PORT), gpdu(0x100b + outer, packet), check=False)


def flood(stop, s, where):
    everywhere()
    seq = 0
    while not stop.is_set():
        seq += 1
        try:
            s.sendto(rtp(seq), where)
        except OSError:
            pass  # the other end has gone


@test
def exit_under_traffic():
    """a namespace goes while its flows and its protected port are under fire"""
    for _ in range(3):
        stop = threading.Event()
        space_add("near")
        space_add("far")
        ip_batch(None, ["link add n1 netns near type veth peer name f1 netns far"])
        for space, dev, a in (("near", "n1", "10.99.0.1/24"), ("far", "f1", "10.99.0.2/24")):
            ip_batch(space, [f"addr add {a} dev {dev}", f"link set {dev} up"])
        with inside("far"), Knl(["gm", "rtp"]) as k:
            f = {"local-ipv4": "10.99.0.2", "local-port": IN, "src-ipv4": "10.99.0.2",
                 "src-port": 5, "dst-ipv4": "10.99.0.1", "dst-port": 6, "timeout": 1}
            k.rtp_new(f)
            k.port_new("10.99.0.2", PS)
        with inside("near"):
            s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        threads = [threading.Thread(target=flood, args=(stop, s, ("10.99.0.2", port)))
                   for port in (IN, PS)]
        for t in threads:
            t.start()
        time.sleep(0.3)
        space_del("far")
        time.sleep(0.2)
        stop.set()
        for t in threads:
            t.join()
        s.close()
        space_del("near")
    ensure("nothing left: " + in_use(), until(lambda: in_use() == "no"))


@test
def unload_under_traffic():
    """the module goes, and comes back, while packets of all kinds come for what it has had until just now"""
    module = os.environ.get("KIMS_MODULE")
    if not module:
        raise Skipped("no KIMS_MODULE")
    stop, threads = threading.Event(), []
    wires = {}
    for space, device, there in (("ue1", "v1", "c1"), ("enb", "e1", "ce"), ("inet", "i1", "ci")):
        with inside(space):
            wires[space] = Wire(device, mac("core", there))
    packets = {"ue1": [datagram((UE1[f], FROM), (RELAY[f], port), rtp(1))
                       for f in (4, 6) for port in (IN, PS)],
               "enb": [outer_packet(*pair) for pair in ((4, 4), (4, 6), (6, 4), (6, 6))],
               "inet": [datagram((REMOTE[f], 53), (phone(f), 4000), bytes(100)) for f in (4, 6)]}

    def send(space):
        everywhere()
        while not stop.is_set():
            for p in packets[space]:
                try:
                    wires[space].send(p)
                except OSError:
                    time.sleep(0.001)

    try:
        for turn in range(3):
            with core() as k, Tunnels(k, check_wire=False, own_device=True) as t:
                for f in (4, 6):
                    t.session(11 + f, inner=(4, 6), outer=f)
                    k.rtp_new(flow(in_family=f, out_family=f))
                    k.port_new(RELAY[f], PS)
                if not threads:
                    threads = [threading.Thread(target=send, args=(s,)) for s in packets]
                    for thread in threads:
                        thread.start()
                kinds = ("rtp-packets", "gtpu-received", "downlink-received")
                ensure(f"turn {turn}: all kinds come", until(
                    lambda t=t: all(t.delta(kind) for kind in kinds)))
                for f in k.rtp_dump():
                    k.rtp_del(f["id"])
                for p in k.ports():
                    k.port_del(p.get("local-ipv4") or p["local-ipv6"], p["port"])
            ensure(f"turn {turn}: rmmod", until(lambda: not rmmod().returncode))
            time.sleep(0.1)
            run("insmod", module)
    finally:
        stop.set()
        for thread in threads:
            thread.join()
        for w in wires.values():
            w.sock.close()
        if not os.path.isdir("/sys/module/kims"):
            run("insmod", module)


@test
def objects_stay():
    """objects stay when the socket that made them is closed"""
    with core() as k:
        number = k.rtp_new(flow())
    with core() as k, Phones() as p:
        p.send(rtp(1))
        check("still forwards", rtp(1), p.got()[0])
        k.rtp_del(number)


@test
def change_under_traffic():
    """2 seconds of replace, delete, create and dump under traffic; every packet is accounted for"""
    stop, sent = threading.Event(), [0]

    def traffic(p):
        everywhere()
        while not stop.is_set():
            p.send(rtp(sent[0]))
            sent[0] += 1

    with core() as k, core() as reader, Phones() as p:
        before = k.stats()
        thread = threading.Thread(target=traffic, args=(p,))
        number, total = k.rtp_new(flow()), {"packets": 0, "drops": 0}
        thread.start()
        end, turns = time.monotonic() + 2, 0
        while time.monotonic() < end:
            k.rtp_replace(number, flow(gate="closed" if turns % 2 else "open"))
            if turns % 10 == 9:
                c = k.rtp_del(number)["counters"]
                total["packets"] += c["packets"]
                total["drops"] += sum(c.get("drops", {}).values())
                number = k.rtp_new(flow())
            reader.rtp_dump()
            turns += 1
        stop.set()
        thread.join()
        c = k.rtp_del(number)["counters"]
        total["packets"] += c["packets"]
        total["drops"] += sum(c.get("drops", {}).values())
        after = k.stats()
    check("packets", total["packets"], after["rtp-packets"] - before["rtp-packets"])
    check("drops", total["drops"],
          sum(after["drops"].values()) - sum(before.get("drops", {}).values()))
    ensure(f"{sent[0]} sent, {total}", 0 < total["packets"] + total["drops"] <= sent[0])


@test
def route_changes():
    """a changed route, a device that goes down and comes back"""
    with core() as k, Phones() as p:
        number = k.rtp_new(flow())
        p.send(rtp(1))
        check("before", rtp(1), p.got()[0])
        run("ip", "-n", "core", "link", "set", "c2", "down")
        p.send(rtp(2))
        check("while down", (None, None), p.got(0.2))
        run("ip", "-n", "core", "link", "set", "c2", "up")

        def again():
            p.send(rtp(3))
            return p.got(0.3)[0]

        check("after", rtp(3), until(again))
        k.rtp_del(number)
    # IPv6 addresses go with the link.
    run("ip", "-n", "core", "addr", "replace", "fd45:2::1/64", "dev", "c2", "nodad")


def try_everything(k, i):
    """Calls that may fail; what comes back does not matter."""
    calls = (lambda: k.call("rtp-new", {"rtp-flow": [
                 flow(**{"local-port": IN + 8 * i + n, "cookie": 1}) for n in range(8)]}),
             lambda: k.call("rtp-replace", {"rtp-flow": [
                 flow(4, 6, **{"id": 1 + n, "local-port": 9 + n, "timeout": 9}) for n in range(4)]}),
             lambda: k.sa_new(sa_set(A, UE1[4], 0x1000 + 8 * i)),
             lambda: k.sa_replace(1, sa_set(B, UE1[4], 0x900000 + 8 * i)),
             lambda: k.port_new(RELAY[6], 1 + i), lambda: k.rtp_dump(1), lambda: k.sa_del(i),
             lambda: k.call("rtp-del", {"rtp-flow": {"cookie": 1}}) if i % 7 == 0 else None)
    for call in calls:
        tried(call)


@test
def no_memory():
    """allocations fail at random: nothing is half made, nothing leaks"""
    with core(["rtp", "gm"]) as k:
        k.sock.settimeout(0.2)  # an acknowledgement may be lost, too
        with failing_allocations():
            for i in range(150):
                try_everything(k, i)
    with core() as k:
        s = k.stats()
        check("flows", s["rtp-flows"], len(k.rtp_dump()))
        check("sets", s["sa-sets"], len(k.sa_dump()))
        check("ports", s["gm-ports"], len(k.ports()))
        ensure(f"some were made: {s}", s["gm-ports"] and s["sa-sets"])
        for f in k.rtp_dump():
            k.rtp_del(f["id"])
        for f in k.sa_dump():
            k.sa_del(f["id"])
        for p in k.ports():
            k.port_del(p["local-ipv6"], p["port"])
    ensure("nothing left: " + in_use(), until(lambda: in_use() == "no"))


@test
def tracepoints():
    """forward, drop and Gm drop can be traced"""
    tracing = "/sys/kernel/tracing"
    if not os.path.isdir(f"{tracing}/events"):
        raise Skipped("no tracefs")

    def put(name, text):
        with open(f"{tracing}/{name}", "w", encoding="ascii") as f:
            f.write(text)

    put("trace", "")
    put("events/kims/enable", "1")
    try:
        with core() as k, Phones() as p:
            number = k.rtp_new(flow())
            p.send(rtp(1))
            p.send(b"no")
            p.got()
            k.rtp_del(number)
            k.port_new(RELAY[4], IN)
            p.send(rtp(1))
            until(lambda: drops(k.ports()[0]))
            k.port_del(RELAY[4], IN)
        with open(f"{tracing}/trace", encoding="ascii") as f:
            text = f.read()
    finally:
        put("events/kims/enable", "0")
    for wanted in (f"kims_forward: flow={number} ", f"kims_drop: object={number} reason=1 ",
                   "kims_gm_drop: object=0 reason=8 "):
        ensure(wanted, wanted in text)
