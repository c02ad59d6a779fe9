# SPDX-License-Identifier: GPL-2.0-or-later
"""A reader of an NFQUEUE by raw netlink (linux/netfilter/nfnetlink_queue.h)."""
import select
import socket
import struct

from knl import attr, attrs

NETLINK_NETFILTER, SUBSYS = 12, 3
PACKET, VERDICT, CONFIG = 0, 1, 2
DROP, ACCEPT, REPEAT = 0, 1, 4


class Queue:
    """One queue of the namespace that the caller is in; OSError when the kernel has none."""

    def __init__(self, number, fail_open=False):
        self.number = number
        self.sock = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, NETLINK_NETFILTER)
        self.sock.bind((0, 0))
        self.sock.setsockopt(270, 5, 1)  # NETLINK_NO_ENOBUFS
        self.config(attr(1, struct.pack("!BBH", 1, 0, 0)))  # bind
        self.config(attr(2, struct.pack("!IB", 0xffff, 2)))  # whole packets
        if fail_open:
            self.config(attr(4, struct.pack("!I", 1)) + attr(5, struct.pack("!I", 1)))

    def send(self, kind, payload, flags):
        body = struct.pack("!BBH", 0, 0, self.number) + payload
        self.sock.send(struct.pack("=IHHII", 16 + len(body), SUBSYS << 8 | kind, flags, 1, 0)
                       + body)

    def config(self, payload):
        self.send(CONFIG, payload, 5)
        data = self.sock.recv(65536)
        err = struct.unpack_from("=i", data, 16)[0]
        if err:
            raise OSError(-err, "NFQUEUE")

    def next(self, seconds=10.0):
        """(id, packet) or None."""
        while select.select([self.sock], [], [], seconds)[0]:
            data = self.sock.recv(1 << 17)
            if struct.unpack_from("=H", data, 4)[0] != SUBSYS << 8 | PACKET:
                continue
            a = dict(attrs(data[20:struct.unpack_from("=I", data)[0]]))
            return struct.unpack_from("!I", a[1])[0], a[10]
        return None

    def verdict(self, number, what):
        self.send(VERDICT, attr(2, struct.pack("!II", what, number)), 1)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.sock.close()
