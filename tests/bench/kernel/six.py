# SPDX-License-Identifier: GPL-2.0-or-later
"""The cases of tests/bench/kernel/run with IPv6, inside, outside, and both; as those of IPv4 with QER,
URR, anti-spoofing and all statistics. The ratio is to the forwarding of IPv6 in the same boot. From
tunnel to tunnel by the relay no limit is judged: there are no entries (kmod/gtpu/fused.c) with IPv6.

      fd01:1::2: gNB of the frame               gNB of the last fd01:2::2
              |                                            |
            in0 fd01:1::1 --------- the kernel ---------- out0 fd01:2::1
                       endpoint fd46:f::1, relay fd46::1
"""
import struct
import sys

import gtpu
import guest
from packet import Received, datagram, rtp, udp

GNB = {4: gtpu.GNB, 6: "fd01:2::2"}
FROM = {4: guest.UE, 6: "fd01:1::2"}
FAR = {4: guest.FAR, 6: "fd01:2::3"}
UPF = {4: gtpu.UPF, 6: "fd46:f::1"}
HEADERS = {4: 20 + 8 + 8, 6: 40 + 8 + 8}
RELAY = "fd46::1"


def phone(i):
    return f"fd45:0:0:{i + 1:x}::5"


def teid(i):
    return gtpu.teid(1000 + i)


def seq(at):
    """The field of the RTP sequence number behind at octets of headers, and its partner."""
    return [((at + 2, at + 18), 0, 1, 65536)]


def set_up():
    for dev, net in (("in0", "fd01:1::1/64"), ("out0", "fd01:2::1/64")):
        guest.sh(f"ip addr add {net} dev {dev} nodad")
    guest.sh(f"ip addr add {RELAY}/128 dev lo nodad", f"ip addr add {UPF[6]}/128 dev lo nodad",
             "sysctl -qw net.ipv6.conf.all.forwarding=1")


def endpoints(k):
    """Of each family one: 11 for IPv6, 1 is that of gtpu.py."""
    if not k.eps():
        gtpu.set_up(k)
    device = k.eps()[0]["device"]
    guest.sh("ip -6 route add fd45::/32 dev kims0")
    k.ep_new({"id": 11, "local-ipv6": UPF[6], "device": device})


def session(i, outer):
    s = gtpu.session(i, None, teid(i), 1000 + i)
    del s["ue-ipv4"]
    s["ue-ipv6"] = phone(i)
    s["pdr"][0]["endpoint"] = 11 if outer == 6 else 1
    far = s["far"][1]
    far["endpoint"] = s["pdr"][0]["endpoint"]
    del far["peer-ipv4"]
    far[f"peer-ipv{outer}"] = GNB[outer]
    return s


def uplink(outer, dst, dport):
    inner = datagram((phone(0), guest.FROM), (dst, dport), rtp(0))
    gpdu = struct.pack("!BBHI", 0x30, 255, len(inner), teid(0)) + inner
    body = udp((FROM[outer], 2152), (UPF[outer], 2152), gpdu, check=False)
    return guest.ip(FROM[outer], UPF[outer], body)


def check_plain(src, dst, data=None):
    got = Received(data or guest.last()[14:])
    have = (got.src, got.dst, got.sum_ok, got.ttl)
    if have != (src, dst, True, 63):
        sys.exit(f"packet is wrong: {have}, wanted {src} to {dst}")


def check_tunnel(outer, src, dst):
    got = Received(guest.last()[14:])
    if (got.src, got.dst, got.dport, got.header_ok) != (UPF[outer], GNB[outer], 2152, True):
        sys.exit(f"outer packet is wrong: {got.src} to {got.dst}")
    check_plain(src, dst, got.payload[8:])


def relay(src, dst):
    return {"media": "rtp", "local-ipv6": RELAY, "local-port": guest.IN, "peer-ipv6": src,
            "peer-port": guest.FROM, "src-ipv6": RELAY, "src-port": guest.OUT, "dst-ipv6": dst,
            "dst-port": guest.TO}


def bench_outer(k, table, outer):
    h = guest.ETH_LEN + HEADERS[outer] + 48
    name = f"IPv{outer}"
    for i in (0, 1):
        k.session_new(session(i, outer))
    flow = k.rtp_new(relay(phone(0), phone(1)))
    gtpu.measure(k, table, f"IPv6 in {name} to IPv6", uplink(outer, FAR[6], guest.TO), seq(h),
                 lambda: check_plain(phone(0), FAR[6]), 0.6)
    gtpu.measure(k, table, f"IPv6 to IPv6 in {name}",
                 datagram((FROM[6], guest.FROM), (phone(1), guest.TO), rtp(0)),
                 seq(guest.ETH_LEN + 48), lambda: check_tunnel(outer, FROM[6], phone(1)), 0.6)
    gtpu.measure(k, table, f"IPv6 in {name}, relay, the same",
                 uplink(outer, RELAY, guest.IN), seq(h),
                 lambda: check_tunnel(outer, RELAY, phone(1)), None)
    gtpu.counted(k, table, 1000)
    k.rtp_del(flow)
    for i in (0, 1):
        k.session_del(1000 + i)


def bench_ipv6(k, table):
    set_up()
    before = table.forward
    case = guest.Case(datagram((FROM[6], guest.FROM), (FAR[6], guest.TO), rtp(0)),
                      seq(guest.ETH_LEN + 48))
    null = case.run("null")
    table.forward = None
    table.forward = table.row("ip6_forward", case.run("rx"), null)
    flow = k.rtp_new(relay(FROM[6], FAR[6]))
    gtpu.measure(k, table, "RTP relay, IPv6",
                 datagram((FROM[6], guest.FROM), (RELAY, guest.IN), rtp(0)),
                 seq(guest.ETH_LEN + 48), lambda: check_plain(RELAY, FAR[6]), 0.55)
    k.rtp_del(flow)
    endpoints(k)
    for outer in (4, 6):
        bench_outer(k, table, outer)
    k.ep_del(11)
    table.forward = before
