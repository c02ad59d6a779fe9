# SPDX-License-Identifier: GPL-2.0-or-later
"""The kims device: what the stack sends to UEs and receives from them; topology: gtp.py.

A socket in core, at an address of the relay, talks to a phone: from it through kims0, to it through
kims0.
"""
import socket
import subprocess

from gtp import REMOTE, Tunnels
from lab import RELAY, check, core, ensure, inside, ip_batch, run, sysctl, test, until
from packet import Received, datagram

FAMILIES = (4, 6)
PORT = 7000


def server(family):
    with inside("core"):
        s = socket.socket(socket.AF_INET6 if family == 6 else socket.AF_INET, socket.SOCK_DGRAM)
    s.settimeout(10)
    s.bind((RELAY[family], PORT))
    return s


def stats(device="kims0"):
    out = run("ip", "-n", "core", "-s", "link", "show", device).splitlines()
    rx, tx = out[-3].split(), out[-1].split()
    return {"rx": int(rx[1]), "tx": int(tx[1]), "tx-dropped": int(tx[3])}


@test
def local_socket():
    """a phone talks to a socket of this host and back, all families; rp_filter is content"""
    with core() as k, Tunnels(k, own_device=True) as t:
        sysctl("core", ipv4__conf__kims0__rp_filter=1)
        for inner in FAMILIES:
            for outer in FAMILIES:
                s = t.session(71, inner, outer)
                with server(inner) as sock:
                    before = stats()
                    t.extra -= 1  # goes to the socket
                    t.up(s, datagram((s.ue, 4000), (RELAY[inner], PORT), b"hello"))
                    data, where = sock.recvfrom(100)
                    check("at the socket", (b"hello", s.ue, 4000), (data, *where[:2]))
                    t.extra += 1
                    sock.sendto(b"answer", where)
                    p = t.at_enb().gtp.inner
                    check("at the phone", (b"answer", RELAY[inner], True, True),
                          (p.payload, p.src, p.sum_ok, p.header_ok))
                    after = stats()
                    check("counters of the device", (1, 1),
                          (after["rx"] - before["rx"], after["tx"] - before["tx"]))
                s.remove(k)


@test
def packet_socket():
    """a packet socket on the device sees plain IP packets"""
    with core() as k, Tunnels(k, stack=1) as t:
        with inside("core"):
            tap = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
        tap.bind(("kims0", 3))
        tap.settimeout(10)
        for inner in FAMILIES:
            s = t.session(72, inner)
            t.up(s, datagram((s.ue, 4000), (REMOTE[inner], 53), b"plain"))
            while True:
                p = Received(tap.recv(2000))
                if p.protocol == 17:
                    break
            check("seen", (s.ue, b"plain"), (p.src, p.payload))
            ensure("forwarded by the stack", t.at_inet())
            s.remove(k)
        tap.close()


@test
def nobody_there():
    """to an address of the pool that no session has: dropped, and the sender is told"""
    with core() as k, Tunnels(k) as t:
        for family, address in ((4, "10.45.0.99"), (6, "fd45:0:0:99::1")):
            with server(family) as sock:
                sock.setsockopt(*((socket.IPPROTO_IPV6, 25) if family == 6 else
                                  (socket.IPPROTO_IP, 11)), 1)  # IP_RECVERR
                sock.connect((address, 4000))
                t.extra += 1

                def told():
                    try:
                        sock.send(b"x")
                        t.extra += 1
                        return False
                    except OSError as e:
                        return e.strerror
                t.extra -= 1
                check("error", "No route to host", until(told))
        check("reason", {"no-pdr"}, set(t.drops()))


@test
def own_tunnel():
    """the outer packet is routed to the device itself: dropped, no loop"""
    with core() as k, Tunnels(k) as t:
        s = t.session(73, peer="10.45.0.73")
        with server(4) as sock:
            t.extra += 3
            for _ in range(3):
                sock.sendto(b"x", (s.ue, 4000))
        t.quiet()
        ensure(f"drops: {t.drops()}", sum(t.drops().values()) >= 3)
        t.extra += sum(t.drops().values()) - 3
        s.remove(k)


@test
def device_goes():
    """down, up, another namespace, deleted: packets that need it are dropped and counted"""
    with core() as k, Tunnels(k, check_wire=False, own_device=True, stack=1) as t:
        s = t.session(74)

        def one():
            t.up(s, datagram((s.ue, 4000), (REMOTE[4], 53), b"x"))

        one()
        ensure("up", t.at_inet())
        run("ip", "-n", "core", "link", "set", "kims0", "down")
        t.dropped("no-device", one, what="down")
        run("ip", "-n", "core", "link", "set", "kims0", "up")
        one()
        ensure("up again", t.at_inet())
        run("ip", "-n", "core", "link", "set", "kims0", "netns", "inet")
        t.dropped("no-device", one, what="in another namespace")
        run("ip", "-n", "inet", "link", "del", "kims0")
        t.dropped("no-device", one, what="deleted")
        s.remove(k)
        for e in k.eps():
            k.ep_del(e["id"])


@test
def many_devices():
    """devices come and go by the dozen, also with their namespace"""
    run("ip", "netns", "add", "kimstest")
    try:
        ip_batch("kimstest", [f"link add k{i} type kims" for i in range(20)]
                 + [f"link set k{i} up" for i in range(20)])
        ip_batch("kimstest", [f"link del k{i}" for i in range(0, 20, 2)])
    finally:
        subprocess.run(["ip", "netns", "del", "kimstest"], check=False)
