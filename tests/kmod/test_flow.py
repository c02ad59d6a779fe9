# SPDX-License-Identifier: GPL-2.0-or-later
"""Media flows: ue1 sends to the relay's port 20000, ue2 gets it from the relay's port 20002."""
import socket

from knl import refused
from lab import RELAY, UE1, UE2, check, core, drops, ensure, inside, test, until
from packet import rtcp, rtp

IN, OUT, FROM, TO = 20000, 20002, 40000, 40002


def address(name, value):
    return {f"{name}-ipv{6 if ':' in value else 4}": value}


def flow(in_family=4, out_family=4, **more):
    """Attributes of a flow from ue1 to ue2."""
    f = {"media": "rtp", "local-port": IN, "peer-port": FROM, "src-port": OUT, "dst-port": TO}
    f |= address("local", RELAY[in_family]) | address("peer", UE1[in_family])
    f |= address("src", RELAY[out_family]) | address("dst", UE2[out_family])
    f |= more
    return {k: v for k, v in f.items() if v is not None}


def sock(space, where, family):
    kind = socket.AF_INET6 if family == 6 else socket.AF_INET
    with inside(space):
        s = socket.socket(kind, socket.SOCK_DGRAM)
        s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        s.bind(where)
        s.settimeout(5)
    return s


class Phones:
    """A sender in ue1 and a receiver in ue2."""

    def __init__(self, in_family=4, out_family=4, port=FROM):
        self.tx = sock("ue1", (UE1[in_family], port), in_family)
        self.rx = sock("ue2", (UE2[out_family], TO), out_family)
        self.to = (RELAY[in_family], IN)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.tx.close()
        self.rx.close()

    def send(self, payload):
        self.tx.sendto(payload, self.to)

    def got(self, seconds=5.0):
        self.rx.settimeout(seconds)
        try:
            return self.rx.recvfrom(70000)
        except TimeoutError:
            return None, None


def through(in_family, out_family):
    with core() as k, Phones(in_family, out_family) as p:
        number = k.rtp_new(flow(in_family, out_family))
        for seq in range(10):
            p.send(rtp(seq))
            data, sender = p.got()
            check("payload", rtp(seq), data)
            check("sender", (RELAY[out_family], OUT), sender[:2])
        final = k.rtp_del(number)["counters"]
        check("packets", 10, final["packets"])
        check("octets", 10 * 172, final["octets"])
        check("lost", 0, final["lost"])
        check("ssrc", 0x1234, final["ssrc"])
        check("drops", {}, drops(final))


@test
def forward_4_4():
    """IPv4 to IPv4, counters in the answer to the delete"""
    through(4, 4)


@test
def forward_6_6():
    """IPv6 to IPv6"""
    through(6, 6)


@test
def forward_4_6():
    """IPv4 to IPv6"""
    through(4, 6)


@test
def forward_6_4():
    """IPv6 to IPv4"""
    through(6, 4)
