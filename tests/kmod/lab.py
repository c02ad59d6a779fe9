# SPDX-License-Identifier: GPL-2.0-or-later
"""What the tests of kims.ko run in: five network namespaces, and KTAP output.

        ue1                          core                          ue2
    10.45.1.2 ---- veth ---- 10.45.1.1 | 10.45.2.1 ---- veth ---- 10.45.2.2
    fd45:1::2 v1          c1 fd45:1::1 | fd45:2::1 c2          v2 fd45:2::2
                       the relay, the P-CSCF: 10.46.0.1, fd46::1

        enb                          core                          inet
    10.44.0.2 ---- veth ---- 10.44.0.1 | 10.47.0.1 ---- veth ---- 10.47.0.2
    fd44::2   e1          ce fd44::1   | fd47::1   ci          i1 fd47::2
    behind it: 10.44.1.0/24            |             behind it: 203.0.113.0/24
               fd44:1::/64             |                        2001:db8:9::/48
               GTP-U endpoints: 10.46.0.6, fd46::6, 10.46.0.16, fd46::16
               phones in tunnels (gtp.py): 10.45.0.0/24, fd45:0:0:N::/64

kims.ko works in core. A test is a function with @test; it leaves no object behind. What is behind
enb and inet answers nothing, neither with packets nor with errors, so that a test sees on the two
links what kims.ko sends and nothing else.

All tests share the namespaces, and those of GTP-U the device kims0 (device()); a test that does
something to them undoes it, or asks for a new device. After a test that failed everything is made
anew, so that it takes no other along.
"""
import ctypes
import fcntl
import os
import pathlib
import socket
import struct
import subprocess
import sys
import threading
import time
import traceback

from knl import Knl, attr

RELAY = {4: "10.46.0.1", 6: "fd46::1"}
UE1 = {4: "10.45.1.2", 6: "fd45:1::2"}
UE2 = {4: "10.45.2.2", 6: "fd45:2::2"}
OTHER = {4: "10.45.1.77", 6: "fd45:1::77"}  # another address of ue1's link
SPACES = ("ue1", "core", "ue2", "enb", "inet")

TOPOLOGY = """
link add v1 netns ue1 type veth peer name c1 netns core
link add v2 netns ue2 type veth peer name c2 netns core
link add e1 netns enb type veth peer name ce netns core
link add i1 netns inet type veth peer name ci netns core
"""

ADDRESSES = {
    "ue1": ("v1", ["10.45.1.2/24", "fd45:1::2/64", "10.45.1.77/24", "fd45:1::77/64"],
            ["10.45.1.1", "fd45:1::1"]),
    "ue2": ("v2", ["10.45.2.2/24", "fd45:2::2/64"], ["10.45.2.1", "fd45:2::1"]),
    "enb": ("e1", ["10.44.0.2/24", "fd44::2/64"], ["10.44.0.1", "fd44::1"]),
    "inet": ("i1", ["10.47.0.2/24", "fd47::2/64"], ["10.47.0.1", "fd47::1"]),
}
CORE = [("c1", "10.45.1.1/24"), ("c1", "fd45:1::1/64"), ("c2", "10.45.2.1/24"),
        ("c2", "fd45:2::1/64"), ("lo", "10.46.0.1/32"), ("lo", "fd46::1/128"),
        ("ce", "10.44.0.1/24"), ("ce", "fd44::1/64"), ("ci", "10.47.0.1/24"), ("ci", "fd47::1/64"),
        ("lo", "10.46.0.6/32"), ("lo", "fd46::6/128"), ("lo", "10.46.0.16/32"),
        ("lo", "fd46::16/128")]
CORE_DEVICES = ("c1", "c2", "ce", "ci")
CORE_ROUTES = ["10.44.1.0/24 via 10.44.0.2", "fd44:1::/64 via fd44::2",
               "203.0.113.0/24 via 10.47.0.2", "2001:db8:9::/48 via fd47::2"]

TESTS = []
libc = ctypes.CDLL(None, use_errno=True)


class Failed(Exception):
    pass


class Skipped(Exception):
    """The kernel has no such thing."""


CPUS = os.sched_getaffinity(0)


def everywhere():
    """A process or thread of a test may run on every processor again; see main()."""
    os.sched_setaffinity(0, CPUS)


def test(f):
    TESTS.append(f)
    return f


def brief(value):
    text = repr(value)
    return text if len(text) < 200 else f"{text[:160]}... ({len(text)} characters)"


def check(what, want, have):
    if want != have:
        raise Failed(f"{what}: want {brief(want)}, have {brief(have)}")


def ensure(what, truth):
    if not truth:
        raise Failed(what)


def until(truth, seconds=20.0):
    """Waits for a condition; its last value."""
    end = time.monotonic() + seconds
    while True:
        value = truth()
        if value or time.monotonic() > end:
            return value
        time.sleep(0.01)


class Stalls:
    """with Stalls() as s: ...; s.seconds: how long the machine has stood still meanwhile, which a
    slow or busy one does; 0 on one that does not. An upper limit of time is given so much more."""

    STEP, STILL = 0.02, 0.03

    def __enter__(self):
        self.sum, self.last, self.stop = 0.0, time.monotonic(), threading.Event()
        self.thread = threading.Thread(target=self.watch, daemon=True)
        self.thread.start()
        return self

    def late(self):
        late = time.monotonic() - self.last - self.STEP
        return late if late > self.STILL else 0.0

    def watch(self):
        while not self.stop.wait(self.STEP):
            self.sum, self.last = self.sum + self.late(), time.monotonic()

    @property
    def seconds(self):
        return self.sum + (0.0 if self.stop.is_set() else self.late())

    def __exit__(self, *_):
        self.sum = self.seconds
        self.stop.set()
        self.thread.join()


def at_once():
    """What is left to ksoftirqd is done before the test goes on, which so sees it done. (Before Linux 6.5
    packets wait for it whenever it has anything to do.)"""
    for name in pathlib.Path("/proc").glob("[0-9]*/comm"):
        try:
            if name.read_text(encoding="ascii", errors="replace").startswith("ksoftirqd/"):
                os.sched_setscheduler(int(name.parent.name), os.SCHED_FIFO, os.sched_param(1))
        except OSError:
            pass  # a process that has ended


def run(*argv, stdin=None):
    done = subprocess.run(argv, input=stdin, capture_output=True, text=True, check=False)
    if done.returncode:
        raise Failed(f"{' '.join(argv)}: {done.stderr.strip() or done.stdout.strip()}")
    return done.stdout


def ip_batch(space, lines):
    run("ip", *(["-n", space] if space else []), "-batch", "-", stdin="\n".join(lines) + "\n")


class inside:
    """with inside("core"): sockets and netlink of the block belong to that namespace."""

    def __init__(self, space):
        self.space = space

    def enter(self, path):
        fd = os.open(path, os.O_RDONLY)
        if libc.setns(fd, 0x40000000):
            raise OSError(ctypes.get_errno(), "setns")
        os.close(fd)

    def __enter__(self):
        self.old = os.open("/proc/thread-self/ns/net", os.O_RDONLY)
        self.enter(f"/run/netns/{self.space}")

    def __exit__(self, *_):
        libc.setns(self.old, 0x40000000)
        os.close(self.old)


def space_add(name):
    run("ip", "netns", "add", name)


def space_del(name):
    run("ip", "netns", "del", name)


def sysctl(space, **values):
    with inside(space):
        for name, value in values.items():
            with open("/proc/sys/net/" + name.replace("__", "/"), "w", encoding="ascii") as f:
                f.write(str(value))


def device_ioctl(space, request, name):
    """What the kernel says behind the name, 16 octets; OSError."""
    with inside(space), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        return fcntl.ioctl(s, request, struct.pack("16s16x", name.encode()))[16:]


def mac(space, name):
    return device_ioctl(space, 0x8927, name)[2:8]  # SIOCGIFHWADDR


def if_index(name, space="core"):
    with inside(space):
        return socket.if_nametoindex(name)


def neighbours(space, entries):
    """Permanent ones: (address, link-layer address, device)."""
    with inside(space), socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0) as s:
        for address, lladdr, name in entries:
            family = socket.AF_INET6 if ":" in address else socket.AF_INET
            body = struct.pack("=BxxxIHBB", family, socket.if_nametoindex(name), 0x80, 0, 0) \
                + attr(1, socket.inet_pton(family, address)) + attr(2, lladdr)
            s.send(struct.pack("=IHHII", 16 + len(body), 28, 0x505, 1, 0) + body)  # RTM_NEWNEIGH
            err = struct.unpack_from("=i", s.recv(4096), 16)[0]
            if err:
                raise Failed(f"neighbour {address}: {os.strerror(-err)}")


KIMS0 = {"index": 0}


def device_lost():
    """A test leaves kims0 otherwise than it was, or wants its own: there is none any more."""
    subprocess.run(["ip", "-n", "core", "link", "del", "kims0"], capture_output=True, check=False)
    KIMS0["index"] = 0


def device():
    """The index of kims0 in core, which is up and has the routes of the phones."""
    try:
        index = if_index("kims0")
        up = struct.unpack_from("=H", device_ioctl("core", 0x8913, "kims0"))[0] & 1  # SIOCGIFFLAGS
    except OSError:
        index = up = 0
    if not up or index != KIMS0["index"]:
        device_lost()
        ip_batch("core", ["link add kims0 type kims", "link set kims0 up",
                          "route replace 10.45.0.0/24 dev kims0",
                          "route replace fd45::/48 dev kims0"])
        KIMS0["index"] = if_index("kims0")
    return KIMS0["index"]


def is_up(space, dev):
    """Also by the link watch, whose news comes later and makes every route be looked up again."""
    return " state UP " in run("ip", "-n", space, "-o", "link", "show", dev)


def set_up():
    for s in SPACES:
        space_add(s)
        sysctl(s, **{f"ipv6__conf__default__{name}": 0
                     for name in ("accept_dad", "accept_ra", "router_solicitations")})
    ip_batch(None, TOPOLOGY.strip().splitlines())
    for space, (dev, addresses, gateways) in ADDRESSES.items():
        lines = [f"addr add {a} dev {dev}" + (" nodad" if ":" in a else "") for a in addresses]
        lines += ["link set lo up", f"link set {dev} up"]
        lines += [f"route add default via {g}" for g in gateways]
        ip_batch(space, lines)
    ip_batch("core", [f"addr add {a} dev {d}" + (" nodad" if ":" in a else "") for d, a in CORE]
             + [f"link set {d} up" for d in ("lo",) + CORE_DEVICES]
             + [f"route add {r}" for r in CORE_ROUTES])
    # What leaves the core has its checksums filled in, so that a packet socket can check them.
    for dev in ("c2", "ce", "ci"):
        run("ip", "netns", "exec", "core", "ethtool", "-K", dev, "tx", "off")
    sysctl("core", ipv4__ip_forward=1, ipv6__conf__all__forwarding=1)
    for space, dev in [(s, d) for s, (d, _, _) in ADDRESSES.items()] \
            + [("core", d) for d in CORE_DEVICES]:
        ensure(f"{dev} comes up", until(lambda s=space, d=dev: is_up(s, d)))


SPOILT = {"for": ""}


def spoilt(reason):
    """What a test did to a namespace cannot be taken back: the next one gets new ones."""
    SPOILT["for"] = reason


def tear_down():
    KIMS0["index"] = 0
    SPOILT["for"] = ""
    for s in SPACES:
        subprocess.run(["ip", "netns", "del", s], capture_output=True, check=False)


def core(groups=()):
    """A client in the core."""
    with inside("core"):
        return Knl(groups)


def drops(stats):
    return {k: v for k, v in stats.get("drops", {}).items() if v}


def leftovers():
    """What a test has left behind, which it must not."""
    with core() as k:
        s = k.stats()
        k.call("settings-set", {"settings": {"postrouting": 0}})
        for f in k.rtp_dump():
            k.rtp_del(f["id"])
        for f in k.sa_dump():
            k.sa_del(f["id"])
        for p in k.ports():
            k.port_del(p.get("local-ipv4") or p["local-ipv6"], p["port"])
        if s.get("sessions"):
            k.call("session-flush")
        if s.get("gtpu-eps"):
            for e in k.eps():
                k.ep_del(e["id"])
    return {n: s[n] for n in ("rtp-flows", "gm-ports", "sa-sets", "sessions", "gtpu-eps")
            if s.get(n)}


def run_one(number, f):
    name = f"{f.__module__}: {f.__name__} {(f.__doc__ or '').strip().splitlines()[0]}"
    begin = time.monotonic()
    try:
        f()
        left = leftovers()
        if left:
            raise Failed(f"left behind: {left}")
        if SPOILT["for"]:
            tear_down()
            set_up()
        took = time.monotonic() - begin
        print(f"ok {number} {name}" + (f" ({took:.1f} s)" if took > 1 else ""), flush=True)
        return True
    except Skipped as e:
        print(f"ok {number} {name} # SKIP {e}", flush=True)
        return True
    except Exception as e:  # pylint: disable=broad-except
        print(f"not ok {number} {name}")
        text = str(e) if isinstance(e, Failed) else traceback.format_exc()
        print("".join(f"# {line}\n" for line in text.splitlines()), end="", flush=True)
        leftovers()
        tear_down()
        set_up()
        return False


def main(wanted):
    tests = [t for t in TESTS if not wanted or any(w in f"{t.__module__}.{t.__name__}"
                                                   for w in wanted)]
    print("KTAP version 1")
    print(f"1..{len(tests)}", flush=True)
    # What a test itself sends stays on one processor, which keeps its order and, in an emulator,
    # costs no messages between processors. Traffic beside a test comes from everywhere().
    os.sched_setaffinity(0, {min(CPUS)})
    at_once()
    set_up()
    try:
        passed = sum(run_one(i, t) for i, t in enumerate(tests, 1))
    finally:
        tear_down()
    print(f"# {passed} of {len(tests)} passed", flush=True)
    return 0 if passed == len(tests) else 1


if __name__ == "__main__":
    sys.exit("run tests/kmod/run")
