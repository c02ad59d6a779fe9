#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""tlv_scapy.py gtpv2|pfcp FILE.pcap: scapy reads every IE that the tests of s5 and sx made.

Each IE whose type scapy knows, at any depth, is dissected by scapy's own class and built again: the
octets must be the same, and none may be left over. Says nothing when all is well; else one line for each
IE that is not, and one when too few IEs were looked at for this to mean anything.
"""
import logging
import struct
import sys

logging.getLogger("scapy").setLevel(logging.ERROR)
from scapy.all import Packet, Padding, Raw, rdpcap  # noqa: E402
from scapy.contrib import gtp_v2, pfcp  # noqa: E402

# Types that this scapy reads otherwise than the specification, and how.
SKIP = {"gtpv2": {}, "pfcp": {}}
GROUPS = {"gtpv2": {93, 180, 181, 191, 214}, "pfcp": set()}


def ies(kind, data):
    """Top-level (type, octets, value) of the IEs in data."""
    while data:
        if kind == "gtpv2":
            t, n = data[0], struct.unpack("!H", data[1:3])[0]
        else:
            t, n = struct.unpack("!HH", data[:4])
        yield t, data[:4 + n], data[4:4 + n]
        data = data[4 + n:]


def left(p):
    """Octets that scapy could not place, anywhere in the packet."""
    if isinstance(p, (Raw, Padding)):
        return bytes(p)
    for v in p.fields.values():
        for q in v if isinstance(v, list) else [v]:
            if isinstance(q, Packet) and (r := left(q)):
                return r
    return left(p.payload) if p.payload else b""


def wrong(cls, octets):
    try:
        p = cls(octets)
        if r := left(p):
            return f"leaves {r.hex()} over"
        p.raw_packet_cache = None
        if bytes(p) != octets:
            return f"builds {bytes(p).hex()}"
    except Exception as e:  # scapy's own trouble is told, too
        return f"{type(e).__name__}: {e}"
    return None


def main():
    kind, path = sys.argv[1:]
    known = gtp_v2.ietypecls if kind == "gtpv2" else pfcp.ietypecls
    seen, told = 0, set()
    for n, packet in enumerate(rdpcap(path), 1):
        udp = packet["UDP"]
        data = bytes(udp.payload)[:udp.len - 8]  # without padding of Ethernet
        flag = data[0] & (8 if kind == "gtpv2" else 1)
        todo = list(ies(kind, data[8 + (flag and (4 if kind == "gtpv2" else 8)):]))
        while todo:
            t, octets, value = todo.pop()
            if t in GROUPS[kind]:
                todo += ies(kind, value)
            elif t in known and t not in SKIP[kind]:
                seen += 1
                why = wrong(known[t], octets)
                if why and t not in told:
                    told.add(t)
                    print(f"frame {n}, IE {t}, {octets.hex()}: scapy {why}"[:300])
    if seen < 100:
        print(f"scapy saw {seen} IEs only")


main()
