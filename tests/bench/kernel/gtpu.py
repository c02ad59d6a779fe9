# SPDX-License-Identifier: GPL-2.0-or-later
"""The cases of GTP-U of tests/bench/kernel/run: kims.ko with QER, URR, anti-spoofing and all
statistics, and the kernel's own gtp.ko, which has none of them, in the same boot.

        10.0.1.2: gNB of the frame                gNB of the last 10.0.2.2
              |                                            |
            in0 10.0.1.1 ---------- the kernel ---------- out0 10.0.2.1
                           endpoint 10.46.15.1, relay 10.46.0.0/20
"""
import random
import socket
import struct
import subprocess
import sys

import guest
from knl import ACK, Knl, attr
from packet import Received, datagram, rtp, udp

GNB, UPF, PORT = "10.0.2.2", "10.46.15.1", 2152
PHONE = (10 << 24) + (64 << 16) + 0x100  # 10.64.1.0: the first
MANY, ROW, BATCH = 100000, 10000, 50  # sessions; addresses of one upper half; in one message
RELAYS = 0x0800  # low half of the first relay address; those before are of the media flows
RATE = 100 * 10**9
# Octets of the frame: the TEID, the inner header; upper and lower half of its source address,
# destination port, RTP sequence number, each with the word of the payload that evens out the sum.
TEID, INNER = 46, 50
SRC_HIGH, SRC_LOW, SEQ = (62, 92), (64, 94), (80, 96)
DST_HIGH, DST_LOW, DPORT = (66, 98), (68, 100), (72, 102)
PLAIN_SEQ, PLAIN_HIGH, PLAIN_LOW = (44, 60), (30, 62), (32, 64)


def phone(i):
    return socket.inet_ntoa(struct.pack("!I", PHONE + (i // ROW << 16) + i % ROW))


def teid(i):
    """As pktbench's teid=."""
    return (i + 1) * 0x9e3779b1 % 2**32


def session(i, ue=None, teid_in=None, number=None):
    meters = {"qer-id": [1], "urr-id": [1]}
    return {"id": number or i + 1, "label": "001010000000001", "ue-ipv4": ue or phone(i),
            "pdr": [{"id": 1, "precedence": 100, "source-interface": "access", "endpoint": 1,
                     "teid": teid_in or teid(i), "far-id": 1} | meters,
                    {"id": 2, "precedence": 100, "source-interface": "core", "far-id": 2} | meters],
            "far": [{"id": 1, "apply-action": "forw", "destination-interface": "core"},
                    {"id": 2, "apply-action": "forw", "destination-interface": "access",
                     "endpoint": 1, "teid": 0x1234, "peer-ipv4": GNB}],
            "qer": [{"id": 1, "mbr-ul": RATE, "mbr-dl": RATE}],
            "urr": [{"id": 1, "method": "volum", "triggers": "volth",
                     "volume-threshold": 1 << 50}]}


def g_pdu(inner):
    return struct.pack("!BBHI", 0x30, 255, len(inner), teid(0)) + inner


def uplink(dst, dport, src=None):
    inner = datagram((src or phone(0), guest.FROM), (dst, dport), rtp(0))
    outer = udp((guest.UE, PORT), (UPF, PORT), g_pdu(inner))
    return guest.ip(guest.UE, UPF, outer[:6] + b"\0\0" + outer[8:], protocol=17)


# --- what came out ---

def check_plain(src, dst, ttl=63, data=None):
    got = Received((data or guest.last())[14 if data is None else 0:])
    have = (got.src, got.dst, got.sum_ok, got.header_ok, got.ttl)
    if have != (src, dst, True, True, ttl):
        sys.exit(f"packet is wrong: {have}, wanted {src} to {dst}")


def check_tunnel(src, dst, ttl, of=UPF):
    data = guest.last()[14:]
    got = Received(data)
    if (got.src, got.dst, got.dport, got.header_ok) != (of, GNB, PORT, True):
        sys.exit(f"outer packet is wrong: {got.src} to {got.dst}")
    check_plain(src, dst, ttl, data[36:])


# --- kims.ko ---

def set_up(k):
    guest.sh("ip link add kims0 type kims", "ip link set kims0 up",
             "ip route add 10.64.0.0/10 dev kims0")
    index = int(subprocess.run(["ip", "-o", "link", "show", "kims0"], capture_output=True,
                               text=True, check=True).stdout.split(":")[0])
    k.ep_new({"id": 1, "local-ipv4": UPF, "device": index})


def relay(i, j):
    """The flow from phone i to phone j."""
    return {"media": "rtp", "local-ipv4": guest.RELAY, "local-port": guest.IN,
            "peer-ipv4": phone(i), "peer-port": guest.FROM, "src-ipv4": guest.RELAY,
            "src-port": guest.OUT, "dst-ipv4": phone(j), "dst-port": guest.TO}


def measure(k, table, name, packet, fields, check, limit, **options):
    case = guest.Case(packet, fields, **options)
    null = case.run("null")
    net = table.row(name, case.run("rx"), null, limit)
    check()
    return net


def counted(k, table, number):
    s = k.session_get(number)
    for p in s["pdr"]:
        if p.get("dropped"):
            sys.exit(f"session {number} has dropped: {s['pdr']}")
    if not sum(u["octets"] for u in s["urr"]):
        sys.exit(f"session {number}: its URR counted nothing: {s['urr']}")


# gtp.ko, nft_rtpengine and gtp.ko again measured the same way (net): 10381 on 6.1, 10578 on 6.12.
STACK_LIMIT = 10381 * 2 // 13


def bench_gtpu(k, table):
    if not k.eps():
        set_up(k)
    for i in (0, 1):
        k.session_new(session(i))
    flow = k.rtp_new(relay(0, 1))
    up = [(SEQ, 0, 1, 65536)]
    common = {"inner": INNER}
    measure(k, table, "GTP-U to IP, 1 session", uplink(guest.FAR, guest.TO), up,
            lambda: check_plain(phone(0), guest.FAR), 0.6, **common)
    measure(k, table, "IP to GTP-U, 1 session",
            datagram((guest.UE, guest.FROM), (phone(1), guest.TO), rtp(0)),
            [(PLAIN_SEQ, 0, 1, 65536)], lambda: check_tunnel(guest.UE, phone(1), 63), 0.6)
    measure(k, table, "GTP-U to GTP-U", uplink(phone(1), guest.TO), up,
            lambda: check_tunnel(phone(0), phone(1), 63), None, **common)
    net = measure(k, table, "GTP-U, RTP relay, GTP-U", uplink(guest.RELAY, guest.IN), up,
                  lambda: check_tunnel(guest.RELAY, phone(1), 63), 0.65, **common)
    table.extra("gtp.ko's and rtpengine's by 6.5", net, STACK_LIMIT)
    counted(k, table, 1)
    k.rtp_del(flow)
    for i in (0, 1):
        k.session_del(i + 1)


# --- 100,000 sessions ---

def positions(message, value, n):
    at = [i for i in range(len(message)) if message[i:i + len(value)] == value]
    if len(at) != n:
        sys.exit(f"{len(at)} places for {value.hex()} in a message, not {n}")
    return at


def send_patched(k, command, probe, patches, count, batch=BATCH):
    """One message is encoded, and what differs is patched: patches are (places, bytes of i)."""
    message = bytearray(probe)
    for first in range(0, count, batch):
        for j in range(batch):
            for places, value in patches:
                data = value(first + j)
                message[places[j]:places[j] + len(data)] = data
        k.send(k.family, k.schema.cmds[command], bytes(message), ACK)
        for _ in k.answer():
            pass


def make_sessions(k):
    number, address, tunnel = 0x0123456789abcdef, "1.2.3.4", 0x5ca1ab1e
    probe = k.schema.encode("kims", {"session": [session(0, address, tunnel, number)] * BATCH})
    send_patched(k, "session-new", probe, [
        (positions(probe, struct.pack("=Q", number), BATCH), lambda i: struct.pack("=Q", i + 1)),
        (positions(probe, socket.inet_aton(address), BATCH), lambda i: socket.inet_aton(phone(i))),
        (positions(probe, struct.pack("=I", tunnel), BATCH), lambda i: struct.pack("=I", teid(i))),
    ], MANY)


def make_flows(k):
    """From each phone of the first half to one of the second."""
    f = relay(0, 1) | {"local-ipv4": "1.2.3.4", "local-port": 0x5678, "peer-ipv4": "2.3.4.5",
                       "dst-ipv4": "3.4.5.6"}
    probe = k.schema.encode("kims", {"rtp-flow": [f] * guest.BATCH})
    inet = socket.inet_aton
    send_patched(k, "rtp-new", probe, [
        (positions(probe, inet("1.2.3.4"), guest.BATCH),
         lambda i: struct.pack("!I", 0x0a2e0000 + RELAYS + i // ROW)),
        (positions(probe, struct.pack("=I", 0x5678), guest.BATCH),
         lambda i: struct.pack("=I", guest.IN + i % ROW)),
        (positions(probe, inet("2.3.4.5"), guest.BATCH), lambda i: inet(phone(i))),
        (positions(probe, inet("3.4.5.6"), guest.BATCH), lambda i: inet(phone(i + MANY // 2))),
    ], MANY // 2, guest.BATCH)


def bench_gtpu_many(k, table):
    """What varies is 0 in the frame, as its partners are, so that the checksum stays right."""
    if not k.eps():
        set_up(k)
    make_sessions(k)
    make_flows(k)
    rounds = -(-MANY // 64) * 64
    phones = [(SRC_HIGH, PHONE >> 16, ROW, MANY // ROW), (SRC_LOW, PHONE & 0xffff, 1, ROW)]
    step = random.Random(29281).randrange(MANY // 3, MANY) // 10 * 10 + 1
    many = {"n": rounds, "warm": rounds, "wrap": MANY, "step": step}
    up = many | {"inner": INNER, "teid": TEID}
    measure(k, table, "GTP-U to IP, 100,000 sessions", uplink(guest.FAR, guest.TO, "0.0.0.0"), phones,
            lambda: check_plain(Received(guest.last()[14:]).src, guest.FAR), 0.6, **up)
    measure(k, table, "IP to GTP-U, 100,000 sessions",
            datagram((guest.UE, guest.FROM), ("0.0.0.0", guest.TO), rtp(0)),
            [(PLAIN_HIGH, PHONE >> 16, ROW, MANY // ROW), (PLAIN_LOW, PHONE & 0xffff, 1, ROW)],
            lambda: check_tunnel(guest.UE, Received(guest.last()[50:]).dst, 63), 0.6, **many)
    flows = [(DST_LOW, RELAYS, ROW, MANY // ROW), (DPORT, guest.IN, 1, ROW)]
    measure(k, table, "GTP-U, RTP, GTP-U, 100,000", uplink("10.46.0.0", 0, "0.0.0.0"),
            phones + flows,
            lambda: check_tunnel(guest.RELAY, Received(guest.last()[50:]).dst, 63), 0.65,
            **(up | {"wrap": MANY // 2}))


# --- gtp.ko ---

def new_pdp(index, peer, ms, number):
    """GTP_CMD_NEWPDP of linux/gtp.h."""
    with Knl() as k:
        family, _ = k.find(b"gtp")
        values = [(1, "=I", index), (2, "=I", 1), (8, "=I", number), (9, "=I", number)]
        payload = b"".join(attr(kind, struct.pack(f, v)) for kind, f, v in values)
        payload += attr(4, socket.inet_aton(peer)) + attr(5, socket.inet_aton(ms))
        k.send(family, 0, payload, ACK, version=0)
        list(k.answer())


def bench_gtp_ko(_, table):
    if subprocess.run(["modprobe", "-q", "gtp"], check=False).returncode:
        print("gtp.ko: none")
        return
    guest.sh("ip link add gtp0 type gtp role ggsn", "ip link set gtp0 up",
             "ip route add 10.64.0.0/10 dev gtp0", "sysctl -qw net.ipv4.conf.gtp0.rp_filter=0",
             f"ip addr add {UPF}/32 dev lo")
    index = int(subprocess.run(["ip", "-o", "link", "show", "gtp0"], capture_output=True,
                               text=True, check=True).stdout.split(":")[0])
    for i in (0, 1):
        new_pdp(index, GNB, phone(i), teid(i))
    up = [(SEQ, 0, 1, 65536)]
    measure(None, table, "gtp.ko: GTP-U to IP", uplink(guest.FAR, guest.TO), up,
            lambda: check_plain(phone(0), guest.FAR), None, inner=INNER)
    measure(None, table, "gtp.ko: IP to GTP-U",
            datagram((guest.UE, guest.FROM), (phone(1), guest.TO), rtp(0)),
            [(PLAIN_SEQ, 0, 1, 65536)],
            lambda: check_tunnel(guest.UE, phone(1), 63, "10.0.2.1"), None)
    measure(None, table, "gtp.ko: GTP-U to GTP-U", uplink(phone(1), guest.TO), up,
            lambda: check_tunnel(phone(0), phone(1), 63, "10.0.2.1"), None, inner=INNER)
    guest.sh("ip link del gtp0")
