# SPDX-License-Identifier: GPL-2.0-or-later
"""Bulk TCP through a tunnel, in the guest: kims.ko on both ends beside gtp.ko on both ends.

        ue                                   upf                              srv
    10.45.0.1  (tunnel device)          (tunnel device)
    10.44.0.2   u0 ------ GTP-U ------ g0  10.44.0.1   n0 ----- IP ----- s0   10.47.0.2

One connection; the sender writes from one buffer and the receiver throws away what it gets
(MSG_TRUNC), so that what is measured is the kernel. Rounds are interleaved and the best counts.
"""
import os
import pathlib
import socket
import struct
import subprocess
import sys
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "kmod"))
from knl import Knl, attr  # noqa: E402 pylint: disable=wrong-import-position
from lab import inside, ip_batch, run, sysctl  # noqa: E402 pylint: disable=wrong-import-position

UE, SERVER, GNB, UPF = "10.45.0.1", "10.47.0.2", "10.44.0.2", "10.44.0.1"
SECONDS = float(os.environ.get("KIMS_TCP_SECONDS", "4"))
WARM = float(os.environ.get("KIMS_TCP_WARM", "1"))
ROUNDS = int(os.environ.get("KIMS_TCP_ROUNDS", "2"))
WANTED = 3.0
PORT = 8080


def network():
    for s in ("ue", "upf", "srv"):
        run("ip", "netns", "add", s)
    ip_batch(None, ["link add u0 netns ue type veth peer name g0 netns upf",
                    "link add s0 netns srv type veth peer name n0 netns upf"])
    ip_batch("ue", ["link set lo up", f"addr add {GNB}/24 dev u0", "link set u0 up"])
    ip_batch("upf", ["link set lo up", f"addr add {UPF}/24 dev g0", "addr add 10.47.0.1/24 dev n0",
                     "link set g0 up", "link set n0 up"])
    ip_batch("srv", ["link set lo up", f"addr add {SERVER}/24 dev s0", "link set s0 up",
                     "route add default via 10.47.0.1"])
    sysctl("upf", ipv4__ip_forward=1)
    for s in ("ue", "upf"):
        sysctl(s, ipv4__conf__all__rp_filter=0, ipv4__conf__default__rp_filter=0)


def number(space, device):
    return int(run("ip", "-n", space, "-o", "link", "show", device).split(":")[0])


def routes(device):
    ip_batch("ue", [f"link set {device} up", f"addr add {UE}/32 dev {device}",
                    f"route add {SERVER} dev {device} src {UE}"])
    ip_batch("upf", [f"link set {device} up", f"route add 10.45.0.0/24 dev {device}"])


def gtp_pdp(space, peer, here, there):
    """GTP_CMD_NEWPDP of linux/gtp.h."""
    ifindex = number(space, "tun")
    with inside(space), Knl() as k:
        family, _ = k.find(b"gtp")
        values = [(1, "=I", ifindex), (2, "=I", 1), (8, "=I", here), (9, "=I", there)]
        payload = b"".join(attr(kind, struct.pack(f, v)) for kind, f, v in values)
        payload += attr(4, socket.inet_aton(peer)) + attr(5, socket.inet_aton(UE))
        k.send(family, 0, payload, 4, version=0)
        list(k.answer())


class GtpKo:
    name = "gtp.ko"

    def __enter__(self):
        run("ip", "-n", "ue", "link", "add", "tun", "type", "gtp", "role", "sgsn")
        run("ip", "-n", "upf", "link", "add", "tun", "type", "gtp", "role", "ggsn")
        routes("tun")
        gtp_pdp("ue", UPF, 2, 1)
        gtp_pdp("upf", GNB, 1, 2)

    def __exit__(self, *_):
        for s in ("ue", "upf"):
            run("ip", "-n", s, "link", "del", "tun")


class Kims:
    """On the phone's side the session's "UE" is the server: it is what is behind that end."""

    name = "kims.ko"

    @staticmethod
    def end(space, local, peer, ue, here, there):
        with inside(space), Knl() as k:
            k.call("gtpu-ep-new", {"gtpu-ep": {"id": 1, "local-ipv4": local,
                                               "device": number(space, "tun")}})
            k.call("session-new", {"session": [{
                "id": 1, "label": "bench", "ue-ipv4": ue,
                "pdr": [{"id": 1, "precedence": 1, "source-interface": "access", "endpoint": 1,
                         "teid": here, "far-id": 1, "qer-id": [1], "urr-id": [1]},
                        {"id": 2, "precedence": 1, "source-interface": "core", "far-id": 2,
                         "qer-id": [1], "urr-id": [1]}],
                "far": [{"id": 1, "apply-action": 2, "destination-interface": "core"},
                        {"id": 2, "apply-action": 2, "destination-interface": "access",
                         "endpoint": 1, "teid": there, "peer-ipv4": peer}],
                "qer": [{"id": 1}], "urr": [{"id": 1, "method": 2}]}]})

    def __enter__(self):
        for s in ("ue", "upf"):
            run("ip", "-n", s, "link", "add", "tun", "type", "kims")
        routes("tun")
        self.end("ue", GNB, UPF, SERVER, 2, 1)
        self.end("upf", UPF, GNB, UE, 1, 2)

    def __exit__(self, *_):
        for s in ("ue", "upf"):
            with inside(s), Knl() as k:
                k.call("session-del", {"session": [{"id": 1}]})
                k.call("gtpu-ep-del", {"gtpu-ep": {"id": 1}})
            run("ip", "-n", s, "link", "del", "tun")


def listener(space, address):
    with inside(space):
        s = socket.socket()
    s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    s.bind((address, PORT))
    s.listen()
    s.settimeout(20)
    return s


def sender(sock, end):
    data = bytes(1 << 20)
    sock.settimeout(20)
    try:
        while time.monotonic() < end:
            sock.send(data)
    except OSError:
        pass
    sock.close()


def receive(sock, end):
    """Octets and seconds, from the first second on: slow start is over."""
    begin, total, nowhere = None, 0, bytearray(4 << 20)
    warm = time.monotonic() + WARM
    sock.settimeout(20)
    while True:
        have = sock.recv_into(nowhere, len(nowhere), socket.MSG_TRUNC)
        now = time.monotonic()
        if begin is not None:
            total += have
        elif now > warm:
            begin = now
        if not have or now > end:
            return total, now - (begin or now)


def transfer(source, sink, source_address, sink_address):
    """Mbit/s of one connection; the sink listens."""
    ls = listener(sink, sink_address)
    with inside(source):
        out = socket.socket()
    out.bind((source_address, 0))
    out.settimeout(10)
    out.connect((sink_address, PORT))
    into, _ = ls.accept()
    ls.close()
    end = time.monotonic() + WARM + SECONDS
    thread = threading.Thread(target=sender, args=(out, end))
    thread.start()
    total, seconds = receive(into, end)
    into.close()
    thread.join()
    return total * 8 / seconds / 1e6 if seconds > 0 else 0.0


DIRECTIONS = {"downlink": ("srv", "ue", SERVER, UE), "uplink": ("ue", "srv", UE, SERVER)}


# For a profile: KIMS_TCP_ONLY=kims.ko perf record -a -e cpu-clock tcp_guest.py kims.ko
KINDS = [k for k in (GtpKo, Kims) if os.environ.get("KIMS_TCP_ONLY", k.name) == k.name]


def main(module):
    for name in ("veth", "gtp"):
        subprocess.run(["modprobe", "-q", name], check=False)
    depends = run("modinfo", "-F", "depends", module).strip().replace(",", " ").split()
    if depends:
        subprocess.run(["modprobe", "-aq", *depends], check=False)
    run("insmod", module)
    network()
    best = {}
    for _ in range(ROUNDS):
        for kind in KINDS:
            with kind():
                for direction, ends in DIRECTIONS.items():
                    rate = transfer(*ends)
                    best[kind.name, direction] = max(rate, best.get((kind.name, direction), 0))
    status = 0
    print(f"{'':10}{'gtp.ko':>12}{'kims.ko':>12}{'ratio':>8}   (Mbit/s, one connection)")
    for direction in DIRECTIONS:
        peer, ours = (best.get((name, direction), 0.0) for name in ("gtp.ko", "kims.ko"))
        ratio = ours / peer if peer else 0.0
        good = ratio >= WANTED
        status |= not good
        print(f"{direction:10}{peer:12.0f}{ours:12.0f}{ratio:8.2f}   "
              f"{'ok' if good else f'NOT OK: at least {WANTED}'}", flush=True)
    return status


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
