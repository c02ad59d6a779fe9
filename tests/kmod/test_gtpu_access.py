# SPDX-License-Identifier: GPL-2.0-or-later
"""The access side of kims.ko: a namespace as SGW, eNodeB or ePDG of phones behind its links.

      phone1                 sgw                          upf                      net
    10.45.0.11 --- p1 sp1 ---+  kims.ko        kims.ko    +
    fd45:0:0:11::5           |  10.47.0.1 -- veth -- 10.47.0.2  203.0.113.1 --- 203.0.113.9
      phone2                 |  fd47::1              fd47::2    2001:db8:9::1   2001:db8:9::9
    10.45.0.12 --- p2 sp2 ---+  gateway of the phones:
    fd45:0:0:12::5              10.47.9.1, fe80::1

Plain packets of a phone go by the filters of the sgw's session into the tunnel of the default or of
the dedicated bearer (UDP, remote port 5000 to 5100), and by those of the upf's session back. Both
ends are kims.ko; the phones and net are the kernel's own stack. TS 29.244 5.2.1, 8.2.62.
"""
import hashlib
import os
import socket
import struct

from gtp import MODE, PORT, if_index
from knl import Knl, NlError
from lab import (Failed, check, drops, ensure, inside, ip_batch, run, space_add, space_del, sysctl,
                 test, until)
from test_gtpu_peer import bulk, tcp_server

SPACES = ("phone1", "phone2", "sgw", "upf", "net")
LINKS = """
link add p1 netns phone1 type veth peer name sp1 netns sgw
link add p2 netns phone2 type veth peer name sp2 netns sgw
link add x1 netns sgw type veth peer name x2 netns upf
link add n1 netns upf type veth peer name n2 netns net
"""
PHONES = {1: {4: "10.45.0.11", 6: "fd45:0:0:11::5"}, 2: {4: "10.45.0.12", 6: "fd45:0:0:12::5"}}
SGW, UPF = {4: "10.47.0.1", 6: "fd47::1"}, {4: "10.47.0.2", 6: "fd47::2"}
NET = {4: "203.0.113.9", 6: "2001:db8:9::9"}
GATEWAY = "10.47.9.1"
DEDICATED = 5001  # remote port of the dedicated bearer, else the default one
FILTER = {"protocol": 17, "remote-ports": 5000 << 16 | 5100}


def addresses(device, *values):
    return [f"addr add {a} dev {device}" + (" nodad" if ":" in a else "") for a in values]


def topology():
    for s in SPACES:
        space_add(s)
    ip_batch(None, LINKS.strip().splitlines())
    devices = {"phone1": ["p1"], "phone2": ["p2"], "sgw": ["sp1", "sp2", "x1"],
               "upf": ["x2", "n1"], "net": ["n2"]}
    for space, devs in devices.items():
        for dev in devs:
            sysctl(space, **{f"ipv6__conf__{dev}__accept_dad": 0,
                             f"ipv6__conf__{dev}__router_solicitations": 0})
        ip_batch(space, ["link add kims0 type kims"] * (space in ("sgw", "upf"))
                 + [f"link set {d} up" for d in ["lo"] + devs])
    for n, a in PHONES.items():
        ip_batch(f"phone{n}", addresses(f"p{n}", a[4] + "/32", a[6] + "/64")
                 + [f"route add {GATEWAY} dev p{n}", f"route add default via {GATEWAY}",
                    f"route add default via fe80::1 dev p{n}"])
        ip_batch("sgw", addresses(f"sp{n}", "fe80::1/64")
                 + [f"route add {a[4]} dev sp{n}", f"route add {a[6]}/128 dev sp{n}"])
    ip_batch("sgw", addresses("x1", "10.47.0.1/24", "fd47::1/64")
             + addresses("lo", GATEWAY + "/32") + ["link set kims0 up"])
    ip_batch("upf", addresses("x2", "10.47.0.2/24", "fd47::2/64") + ["link set kims0 up"]
             + addresses("n1", "203.0.113.1/24", "2001:db8:9::1/64")
             + ["route add 10.45.0.0/16 dev kims0", "route add fd45::/48 dev kims0"])
    ip_batch("net", addresses("n2", "203.0.113.9/24", "2001:db8:9::9/64")
             + ["route add default via 203.0.113.1", "route add default via 2001:db8:9::1"])
    for s in ("sgw", "upf"):
        sysctl(s, ipv4__ip_forward=1, ipv6__conf__all__forwarding=1)


def client(space):
    with inside(space):
        return Knl()


def encap(number, outer, peer, teid, to):
    return {"id": number, "apply-action": "forw", "destination-interface": to, "endpoint": outer,
            "teid": teid, f"peer-ipv{outer}": peer}


def pdr(number, source, far, outer=None, teid=None, **more):
    tunnel = {"endpoint": outer, "teid": teid} if teid else {}
    return {"id": number, "precedence": 100 if "filter" in more else 200,
            "source-interface": source, "far-id": far} | tunnel | more


def phone_of(n):
    return {"id": n, "label": f"00101000000000{n}", "ue-ipv4": PHONES[n][4],
            "ue-ipv6": PHONES[n][6].replace("::5", "::")}


def sgw_session(n, outer=4):
    """PDR 1 and 2 are the default bearer up and down, 3 and 4 the dedicated one."""
    peer = UPF[outer]
    return phone_of(n) | {
        "pdr": [pdr(1, "access", 1), pdr(2, "core", 2, outer, 0xd000 + n),
                pdr(3, "access", 3, filter=[FILTER]), pdr(4, "core", 2, outer, 0xd100 + n)],
        "far": [encap(1, outer, peer, 0xa000 + n, "core"), encap(3, outer, peer, 0xa100 + n, "core"),
                {"id": 2, "apply-action": "forw", "destination-interface": "access"}]}


def upf_session(n, outer=4):
    """The same numbers at the other end."""
    peer = SGW[outer]
    return phone_of(n) | {
        "pdr": [pdr(1, "access", 1, outer, 0xa000 + n), pdr(2, "core", 2),
                pdr(3, "access", 1, outer, 0xa100 + n, filter=[FILTER]),
                pdr(4, "core", 4, filter=[FILTER])],
        "far": [{"id": 1, "apply-action": "forw", "destination-interface": "core"},
                encap(2, outer, peer, 0xd000 + n, "access"),
                encap(4, outer, peer, 0xd100 + n, "access")]}


class Access:
    """Endpoints in sgw and upf; sessions of both phones, in tunnels of the outer family."""

    def __init__(self, outer=4, install=True, **ep):
        self.outer, self.install, self.ep = outer, install, ep

    def __enter__(self):
        for s in SPACES:
            # What an aborted test has left.
            try:
                space_del(s)
            except Failed:
                pass
        topology()
        self.sgw, self.upf = client("sgw"), client("upf")
        for k, space, own in ((self.sgw, "sgw", SGW), (self.upf, "upf", UPF)):
            device = if_index("kims0", space)
            stack = {"stack": 1} if MODE["stack"] else {}
            for number in (4, 6):
                k.ep_new({"id": number, "device": device, f"local-ipv{number}": own[number]}
                         | stack | self.ep)
            for dev in {"sgw": ("sp1", "sp2", "x1"), "upf": ("x2", "n1")}[space]:
                if MODE["ingress"]:
                    k.call("ingress-new", {"ingress": {"device": if_index(dev, space)}})
        if self.install:
            for n in PHONES:
                self.sgw.session_new(sgw_session(n, self.outer))
                self.upf.session_new(upf_session(n, self.outer))
        return self

    def __exit__(self, kind, *_):
        try:
            if kind is None:
                s = self.sgw.stats()
                ensure(f"conserved: {s}", s["access-received"] <= s["gtpu-sent"]
                       + sum(drops(s).values()))
        finally:
            for k in (self.sgw, self.upf):
                k.call("session-flush")
                k.close()
            for s in SPACES:
                space_del(s)

    @staticmethod
    def packets(k, n=1):
        """By PDR, of those that have seen any."""
        return {p["id"]: p["packets"] for p in k.session_get(n)["pdr"] if p["packets"]}


def udp_socket(space, fam, where=None, **options):
    with inside(space):
        s = socket.socket(socket.AF_INET6 if fam == 6 else socket.AF_INET, socket.SOCK_DGRAM)
    s.settimeout(10)
    s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    for name, (level, option, value) in options.items():
        del name
        s.setsockopt(level, option, value)
    if where:
        s.bind(where)
    return s


def there_and_back(fam, port, size=100, n=1):
    """A datagram of a phone to net, and the answer."""
    server = udp_socket("net", fam, (NET[fam], port))
    phone = udp_socket(f"phone{n}", fam)
    data = os.urandom(size)
    phone.sendto(data, (NET[fam], port))
    have, where = server.recvfrom(65535)
    check("at net", (data, PHONES[n][fam]), (have, where[0]))
    server.sendto(data[::-1], where)
    have, where = phone.recvfrom(65535)
    check("at the phone", (data[::-1], NET[fam]), (have, where[0]))
    phone.close()
    server.close()


@test
def bearers():
    """default and dedicated bearer by the TFTs at both ends, IPv4 and IPv6 in both"""
    for outer in (4, 6):
        with Access(outer) as a:
            for i, fam in enumerate((4, 6), 1):
                for _ in range(3):
                    there_and_back(fam, 53)
                there_and_back(fam, DEDICATED)
                for k, name in ((a.sgw, "sgw"), (a.upf, "upf")):
                    check(f"IPv{fam} in IPv{outer}: {name}", {1: 3 * i, 2: 3 * i, 3: i, 4: i},
                          a.packets(k))
            check("phone 2", {}, a.packets(a.sgw, 2))
            there_and_back(4, DEDICATED, n=2)
            check("phone 2", {3: 1, 4: 1}, a.packets(a.sgw, 2))
            check("no drops", ({}, {}), (drops(a.sgw.stats()), drops(a.upf.stats())))
            check("counted", 9, a.sgw.stats()["access-received"])
            check("upf: none of this side", 0, a.upf.stats()["access-received"])


@test
def as_said():
    """session-get shows a rule of this side without tunnel; a change keeps it"""
    with Access() as a:
        rule = next(p for p in a.sgw.session_get(1)["pdr"] if p["id"] == 3)
        check("PDR", ("access", None, None), (rule["source-interface"], rule.get("endpoint"),
                                              rule.get("teid")))
        a.sgw.session_change({"id": 1, "far": [encap(3, 4, UPF[4], 0xa001, "core")]})
        there_and_back(4, 53)
        there_and_back(4, 6000)
        check("sgw", {1: 2, 2: 2}, a.packets(a.sgw))
        try:
            a.sgw.session_new({"id": 9, "pdr": [pdr(1, "access", 1)],
                               "far": [encap(1, 4, UPF[4], 9, "core")]})
        except NlError as e:
            ensure(e.sentence, "UE address" in e.sentence)
        else:
            raise Failed("without a UE address it was not refused")


@test
def no_bearer():
    """what matches no bearer is dropped and counted at either end"""
    with Access() as a:
        a.sgw.session_change({"id": 1, "del-pdr": [1]})
        a.upf.session_change({"id": 1, "del-pdr": [2]})
        phone, net = udp_socket("phone1", 4), udp_socket("net", 4)
        for _ in range(5):
            phone.sendto(b"x", (NET[4], 53))
            net.sendto(b"x", (PHONES[1][4], 4000))
        for k in (a.sgw, a.upf):
            ensure("no-pdr", until(lambda k=k: drops(k.stats()) == {"no-pdr": 5}))
        there_and_back(4, DEDICATED)
        check("received", 6, a.sgw.stats()["access-received"])
        phone.close()
        net.close()


@test
def without_a_rule():
    """a session whose last PDR of this side goes: its phone's packets are the stack's again"""
    with Access() as a:
        a.sgw.session_change({"id": 1, "del-pdr": [1, 3]})
        ip_batch("sgw", ["route add 203.0.113.0/24 via 10.47.0.2"])
        server, phone = udp_socket("net", 4, (NET[4], 53)), udp_socket("phone1", 4)
        phone.sendto(b"plain", (NET[4], 53))
        check("by the route", b"plain", server.recvfrom(100)[0])
        check("not counted", 0, a.sgw.stats()["access-received"])
        there_and_back(4, 54, n=2)
        check("phone 2 goes its way", {1: 1, 2: 1}, a.packets(a.sgw, 2))
        phone.close()
        server.close()


@test
def hop_limit():
    """the sgw is no router of what goes up; upf and the way back count down"""
    with Access():
        for fam, level, receive, kind in ((4, socket.IPPROTO_IP, 12, 2),
                                          (6, socket.IPPROTO_IPV6, 51, 52)):
            server = udp_socket("net", fam, (NET[fam], 53), hop=(level, receive, 1))
            phone = udp_socket("phone1", fam, hop=(level, receive, 1))
            phone.sendto(b"x", (NET[fam], 53))
            _, more, _, where = server.recvmsg(100, 100)
            check(f"IPv{fam} up", [(level, kind, 63)],
                  [(lev, t, struct.unpack("=i", v)[0]) for lev, t, v in more])
            server.sendto(b"x", where)
            _, more, _, _ = phone.recvmsg(100, 100)
            check(f"IPv{fam} down", [(level, kind, 62)],
                  [(lev, t, struct.unpack("=i", v)[0]) for lev, t, v in more])
            phone.close()
            server.close()


@test
def for_the_gateway():
    """neighbour discovery and what is for the sgw itself stay there; a phone is no GTP-U peer"""
    with Access() as a:
        server, phone = udp_socket("sgw", 4, (GATEWAY, 53)), udp_socket("phone1", 4)
        phone.sendto(b"ike", (GATEWAY, 53))
        data, where = server.recvfrom(100)
        check("at the gateway", (b"ike", PHONES[1][4]), (data, where[0]))
        server.sendto(b"back", where)
        check("back", b"back", phone.recvfrom(100)[0])
        run("ip", "-n", "phone1", "neigh", "flush", "dev", "p1")
        run("ip", "-n", "sgw", "neigh", "flush", "dev", "sp1")
        there_and_back(6, 53)
        there_and_back(4, 53)
        check("bearers", {1: 2, 2: 2}, a.packets(a.sgw))
        inner = bytes.fromhex("4500001c00010000401100000a2d000bcb007109") + bytes(8)
        phone.sendto(struct.pack("!BBHI", 0x30, 255, len(inner), 0xd002) + inner, (SGW[4], PORT))
        ensure("source", until(lambda: drops(a.sgw.stats()) == {"source": 1}))
        phone.close()
        server.close()


@test
def pieces():
    """fragments: the first goes by the filters, the others by the default bearer; all arrive"""
    with Access() as a:
        for space, via in (("phone1", (GATEWAY, "fe80::1 dev p1")),
                           ("net", ("203.0.113.1", "2001:db8:9::1"))):
            ip_batch(space, [f"route change default via {v} mtu 1400" for v in via])
        for fam in (4, 6):
            there_and_back(fam, 53, size=4000)
        before = a.packets(a.sgw)
        check("default bearer alone", {1, 2}, set(before))
        for fam in (4, 6):
            there_and_back(fam, DEDICATED, size=4000)
        after = a.packets(a.sgw)
        check("first ones", 2, after[3])
        ensure(f"others {before} {after}", after[1] >= before[1] + 4)
        check("no drops", {}, drops(a.sgw.stats()))


@test
def too_long():
    """a packet that does not fit into the tunnel: the phone learns the path's MTU"""
    with Access():
        for fam, discover, mtu in ((4, (0, 10, 2), (0, 14)), (6, (41, 23, 2), (41, 24))):
            server = udp_socket("net", fam, (NET[fam], 53))
            phone = udp_socket("phone1", fam, mtu=discover)
            phone.connect((NET[fam], 53))
            phone.send(bytes(1400))
            try:
                phone.send(bytes(1500 - (28 if fam == 4 else 48)))
            except OSError:
                pass
            check(f"IPv{fam}", 1500 - 36,
                  until(lambda p=phone, m=mtu: p.getsockopt(*m) == 1500 - 36
                        and p.getsockopt(*m)))
            phone.close()
            server.close()


@test
def tcp():
    """megabytes of TCP both ways through both ends, IPv4 and IPv6"""
    with Access() as a:
        for fam in (4, 6):
            up, down, out = os.urandom(1 << 20), os.urandom(1 << 20), []
            thread = tcp_server("net", (NET[fam], 8080), down, out)
            bulk("phone1", (NET[fam], 8080), up, down)
            thread.join()
            check(f"IPv{fam}", [(hashlib.sha256(up).hexdigest(), PHONES[1][fam])], out)
        octets = {p["id"]: p["octets"] for p in a.sgw.session_get(1)["pdr"]}
        ensure(f"counted {octets}", octets[1] > 2 << 20 and octets[2] > 2 << 20)


@test
def phone_to_phone():
    """both phones behind one sgw: up one's tunnel, back in the other's"""
    with Access() as a:
        for fam in (4, 6):
            server = udp_socket("phone2", fam, (PHONES[2][fam], 53))
            phone = udp_socket("phone1", fam)
            phone.sendto(b"hello", (PHONES[2][fam], 53))
            data, where = server.recvfrom(100)
            check("arrives", (b"hello", PHONES[1][fam]), (data, where[0]))
            phone.close()
            server.close()
        check("sgw", ({1: 2}, {2: 2}), (a.packets(a.sgw, 1), a.packets(a.sgw, 2)))
        check("upf", ({1: 2}, {2: 2}), (a.packets(a.upf, 1), a.packets(a.upf, 2)))
