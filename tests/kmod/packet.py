# SPDX-License-Identifier: GPL-2.0-or-later
"""Packets by hand: RTP, and whole IP packets for a packet socket."""
import socket
import struct

ETH = {4: 0x0800, 6: 0x86dd}


def rtp(seq, timestamp=None, ssrc=0x1234, pt=8, size=160):
    """An RTP packet (RFC 3550 5.1) of size octets of payload."""
    timestamp = seq * 160 if timestamp is None else timestamp
    return struct.pack("!BBHII", 0x80, pt, seq & 0xffff, timestamp & 0xffffffff, ssrc) + bytes(size)


def rtcp(kind=200, ssrc=0x1234):
    """A sender report without blocks (RFC 3550 6.4.1)."""
    return struct.pack("!BBHIQIII", 0x80, kind, 6, ssrc, 0, 0, 1, 160)


def csum(data):
    data += bytes(len(data) % 2)
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return ~total & 0xffff


def family(address):
    return 6 if ":" in address else 4


def pton(address):
    return socket.inet_pton(socket.AF_INET6 if ":" in address else socket.AF_INET, address)


def pseudo(src, dst, length, protocol):
    return pton(src) + pton(dst) + struct.pack("!II", length, protocol)


def udp(src, dst, payload, check=True, length=None):
    """src, dst: (address, port). check: True right, False zero, or a number."""
    length = 8 + len(payload) if length is None else length
    head = struct.pack("!HHHH", src[1], dst[1], length, 0)
    value = check
    if check is True:
        value = csum(pseudo(src[0], dst[0], 8 + len(payload), 17) + head + payload) or 0xffff
    return head[:6] + struct.pack("!H", int(value)) + payload


def ip(src, dst, body, ttl=64, tos=0, options=b"", ident=7, frag=0, protocol=17, length=None):
    """An IPv4 or IPv6 packet around body; frag is the IPv4 field as it is."""
    if family(src) == 6:
        length = len(body) if length is None else length
        return struct.pack("!IHBB", 6 << 28 | tos << 20, length, protocol, ttl) + pton(src) \
            + pton(dst) + body
    ihl = 5 + len(options) // 4
    length = ihl * 4 + len(body) if length is None else length
    head = struct.pack("!BBHHHBBH", 0x40 | ihl, tos, length, ident, frag, ttl, protocol, 0) \
        + pton(src) + pton(dst) + options
    return head[:10] + struct.pack("!H", csum(head)) + head[12:] + body


def datagram(src, dst, payload, **kwargs):
    """IP packet with UDP; keywords of ip(), and check and length of udp()."""
    parts = {k: kwargs.pop(k) for k in ("check", "length") if k in kwargs}
    return ip(src[0], dst[0], udp(src, dst, payload, **parts), **kwargs)


def tcp(src, dst, payload=b"", flags=0x18, seq=1, ack=1, options=b"", window=65535):
    """A TCP segment; src, dst: (address, port). Options are padded."""
    options += bytes(-len(options) % 4)
    head = struct.pack("!HHIIBBHHH", src[1], dst[1], seq, ack, (5 + len(options) // 4) << 4, flags,
                       window, 0, 0) + options
    value = csum(pseudo(src[0], dst[0], len(head) + len(payload), 6) + head + payload)
    return head[:16] + struct.pack("!H", value) + head[18:] + payload


def echo_request(src, dst, ident=1, seq=1, payload=b"echo"):
    """An ICMP or ICMPv6 echo request as a whole IP packet; addresses only."""
    six = family(src) == 6
    body = struct.pack("!BBHHH", 128 if six else 8, 0, 0, ident, seq) + payload
    value = csum((pseudo(src, dst, len(body), 58) if six else b"") + body)
    return ip(src, dst, body[:2] + struct.pack("!H", value) + body[4:], protocol=58 if six else 1)


def fragments(packet, size, ident=0x77):
    """The IP packet cut into fragments with at most size octets behind their headers."""
    if packet[0] >> 4 == 4:
        ihl = (packet[0] & 15) * 4
        head, body, unit = packet[:ihl], packet[ihl:], size & ~7
        out = []
        for at in range(0, len(body), unit):
            part = body[at:at + unit]
            more = 0x2000 if at + unit < len(body) else 0
            h = bytearray(head)
            struct.pack_into("!HHH", h, 2, ihl + len(part), ident, more | at >> 3)
            h[10:12] = bytes(2)
            struct.pack_into("!H", h, 10, csum(bytes(h)))
            out.append(bytes(h) + part)
        return out
    head, body, unit = packet[:40], packet[40:], (size - 8) & ~7
    out = []
    for at in range(0, len(body), unit):
        part = body[at:at + unit]
        more = 1 if at + unit < len(body) else 0
        frag = struct.pack("!BBHI", head[6], 0, at | more, ident) + part
        out.append(head[:4] + struct.pack("!HBB", len(frag), 44, head[7]) + head[8:] + frag)
    return out


class Received:
    """An IP packet taken apart."""

    def __init__(self, data):
        self.raw, self.version = data, data[0] >> 4
        if self.version == 4:
            ihl = (data[0] & 15) * 4
            self.tos, self.ttl, self.protocol = data[1], data[8], data[9]
            length = struct.unpack_from("!H", data, 2)[0]
            self.frag = struct.unpack_from("!H", data, 6)[0]
            self.src = socket.inet_ntop(socket.AF_INET, data[12:16])
            self.dst = socket.inet_ntop(socket.AF_INET, data[16:20])
            self.options = data[20:ihl]
            self.header_ok = csum(data[:ihl]) == 0
            body = data[ihl:length]
        else:
            word, length, self.protocol, self.ttl = struct.unpack_from("!IHBB", data)
            self.tos, self.frag, self.options, self.header_ok = word >> 20 & 255, 0, b"", True
            self.src = socket.inet_ntop(socket.AF_INET6, data[8:24])
            self.dst = socket.inet_ntop(socket.AF_INET6, data[24:40])
            body = data[40:40 + length]
        self.body = body
        if self.protocol != 17 or len(body) < 8:
            return
        self.sport, self.dport, self.length, self.check = struct.unpack_from("!HHHH", body)
        self.payload = body[8:]
        self.sum_ok = not self.check or \
            csum(pseudo(self.src, self.dst, len(body), 17) + body) == 0


class Wire:
    """Whole IP packets in and out of a device; made inside the namespace of the device."""

    def __init__(self, device, gateway_mac):
        self.sock = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(3))
        self.sock.bind((device, 3))
        self.device, self.mac = device, gateway_mac

    def send(self, packet):
        self.sock.sendto(packet, (self.device, ETH[packet[0] >> 4], 0, 0, self.mac))

    def receive(self, wanted, seconds=10.0):
        """The first packet that comes in and for which wanted(Received) is true, or None."""
        self.sock.settimeout(seconds)
        try:
            while True:
                data, where = self.sock.recvfrom(70000)
                if where[2] != 4 and where[1] in ETH.values():  # not our own
                    packet = Received(data)
                    if wanted(packet):
                        self.last_kind = where[2]  # 0: to our link-layer address
                        return packet
        except TimeoutError:
            return None
