# SPDX-License-Identifier: GPL-2.0-or-later
"""A CP function in miniature: PFCP (TS 29.244) by hand, so that the UPF is read by somebody else's decoder.

    cp = Cp("10.44.0.2")                      # inside the namespace of the address
    answer = cp.ask(5, node_id + recovery)    # Association Setup; answer[19] is the value of its Cause
    ies(value)                                # of a grouped IE: {type: [values]}
"""
import socket
import struct
import time

PORT = 8805
HEARTBEAT, HEARTBEAT_RESPONSE, SETUP, RELEASE = 1, 2, 5, 9
ESTABLISH, MODIFY, DELETE, REPORT = 50, 52, 54, 56
ACCEPTED = 1


def ie(kind, *parts):
    body = b"".join(parts)
    return struct.pack("!HH", kind, len(body)) + body


def u8(kind, v):
    return ie(kind, bytes([v]))


def u16(kind, v):
    return ie(kind, struct.pack("!H", v))


def u32(kind, v):
    return ie(kind, struct.pack("!I", v))


def ies(data):
    out, at = {}, 0
    while at < len(data):
        kind, n = struct.unpack_from("!HH", data, at)
        if at + 4 + n > len(data):
            raise ValueError("an IE is longer than its message")
        out.setdefault(kind, []).append(data[at + 4:at + 4 + n])
        at += 4 + n
    return out


def ip(address):
    return socket.inet_pton(socket.AF_INET6 if ":" in address else socket.AF_INET, address)


# --- IEs (table 8.1.2-1) ---

def node_id(address):
    return ie(60, bytes([":" in address]), ip(address))


def fseid(seid, address):
    return ie(57, bytes([1 if ":" in address else 2]), struct.pack("!Q", seid), ip(address))


def choose(v4=True, v6=False, number=None):
    flags = v4 | v6 << 1 | 4 | (8 if number is not None else 0)
    return ie(21, bytes([flags]), bytes([number]) if number is not None else b"")


def fteid(teid, address):
    return ie(21, bytes([2 if ":" in address else 1]), struct.pack("!I", teid), ip(address))


def ue_ip(v4=None, v6=None, destination=False):
    flags = (1 if v6 else 0) | (2 if v4 else 0) | (4 if destination else 0)
    return ie(93, bytes([flags]), ip(v4) if v4 else b"", ip(v6) if v6 else b"")


def sdf(text):
    return ie(23, b"\x01\x00", struct.pack("!H", len(text)), text.encode())


def creation(teid, address):
    return ie(84, struct.pack("!HI", 0x200 if ":" in address else 0x100, teid), ip(address))


def pdi(source, *more):
    return ie(2, u8(20, source), *more)


def create_pdr(number, precedence, pdi_ie, far, *more, removal=None):
    return ie(1, u16(56, number), u32(29, precedence), pdi_ie,
              u8(95, removal) if removal is not None else b"", u32(108, far), *more)


def create_far(number, action, destination=None, *more):
    forwarding = ie(4, u8(42, destination), *more) if destination is not None else b""
    return ie(3, u32(108, number), u8(44, action), forwarding)


def update_far(number, action=None, *forwarding):
    return ie(10, u32(108, number), u8(44, action) if action is not None else b"",
              ie(11, *forwarding) if forwarding else b"")


def create_urr(number, total):
    """A volume threshold in octets."""
    return ie(6, u32(81, number), u8(62, 2), ie(37, b"\x02\x00"),
              ie(31, b"\x01", struct.pack("!Q", total)))


def create_qer(number, gate=0, mbr=None):
    rate = ie(26, *[v.to_bytes(5, "big") for v in mbr]) if mbr else b""
    return ie(7, u32(109, number), u8(25, gate), rate)


def volume(value):
    """total, uplink, downlink of a Volume Measurement."""
    if value[0] & 7 != 7:
        raise ValueError(f"flags of the volume: {value[0]:#x}")
    return struct.unpack_from("!QQQ", value, 1)


# --- messages ---

class Message(dict):
    """{IE type: [values]} of a message; kind, seid, seq."""

    def __init__(self, data):
        flags, self.kind, length = struct.unpack_from("!BBH", data)
        if flags >> 5 != 1 or length != len(data) - 4:
            raise ValueError("header of the message")
        self.seid = struct.unpack_from("!Q", data, 4)[0] if flags & 1 else None
        at = 12 if flags & 1 else 4
        self.seq = struct.unpack_from("!I", data, at)[0] >> 8
        super().__init__(ies(data[at + 4:]))

    def one(self, kind):
        return self[kind][0]

    def cause(self):
        return self.one(19)[0]


def message(kind, seq, body, seid=None):
    head = struct.pack("!Q", seid) if seid is not None else b""
    rest = head + struct.pack("!I", seq << 8) + body
    return struct.pack("!BBH", 0x21 if seid is not None else 0x20, kind, len(rest)) + rest


class Cp:
    def __init__(self, address, upf, recovery=1000):
        self.address, self.upf, self.recovery = address, (upf, PORT), recovery
        self.sock = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, socket.SOCK_DGRAM)
        self.sock.bind((address, PORT))
        self.seq, self.reports, self.upf_recovery = 0, [], None

    def close(self):
        self.sock.close()

    def take(self, seconds):
        """The next message that is an answer, or None; heartbeats and reports are answered meanwhile."""
        end = time.monotonic() + seconds
        while True:
            self.sock.settimeout(max(end - time.monotonic(), 0.001))
            try:
                m = Message(self.sock.recv(65536))
            except TimeoutError:
                return None
            if m.kind == HEARTBEAT:
                self.sock.sendto(message(2, m.seq, u32(96, self.recovery)), self.upf)
            elif m.kind == REPORT:
                self.reports.append(m)
                self.sock.sendto(message(57, m.seq, u8(19, ACCEPTED), 0), self.upf)
            else:
                return m

    def ask(self, kind, body=b"", seid=None, seconds=30.0):
        return self.ask_all(kind, [(seid, body)], seconds)[0]

    def ask_all(self, kind, what, seconds=30.0):
        """The answers to requests of (SEID, IEs), all sent at once; repeated every second (6.4); None: none came."""
        first, answers = self.seq + 1, {}
        self.seq += len(what)
        end = time.monotonic() + seconds
        while len(answers) < len(what) and time.monotonic() < end:
            for seq, (seid, body) in enumerate(what, first):
                if seq not in answers:
                    self.sock.sendto(message(kind, seq, body, seid), self.upf)
            again = min(end, time.monotonic() + 1)
            while len(answers) < len(what) and time.monotonic() < again:
                m = self.take(again - time.monotonic())
                if m is not None and first <= m.seq < first + len(what):
                    answers.setdefault(m.seq, m)
        for m in answers.values():
            if 96 in m:
                self.upf_recovery = struct.unpack("!I", m.one(96))[0]
        return [answers.get(seq) for seq in range(first, first + len(what))]

    def report(self, seconds=20.0):
        """The next Session Report Request that came."""
        end = time.monotonic() + seconds
        while not self.reports and time.monotonic() < end:
            self.take(0.05)
        return self.reports.pop(0) if self.reports else None

    def associate(self):
        return self.ask(SETUP, node_id(self.address) + u32(96, self.recovery))

    def heartbeat(self):
        return self.ask(HEARTBEAT, u32(96, self.recovery))
