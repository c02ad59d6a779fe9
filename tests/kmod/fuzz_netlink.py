# SPDX-License-Identifier: GPL-2.0-or-later
"""A fuzzer of the generic netlink family that is made from its schema.

Each message is of a command, with attributes that the command's policy knows: mostly values that
make sense together (few ids, addresses and TEIDs, so that they meet), now and then what does not:
boundaries and beyond, missing, doubled, of wrong length or type, nests that are garbage or none,
whole messages cut short. Every refusal must have a sentence; the kernel must not complain.

    fuzz_netlink.py [SECONDS [SEED]]    in a machine of its own, with kims.ko loaded; lab.py
"""
import errno
import os
import random
import struct
import sys
import time

from knl import DUMP, NESTED, SCHEMA_DOC, Knl, NlError, attr
from lab import UE1, Failed, core, inside, run, set_up, tear_down
from test_flow import flow
from test_gm import A, sa_set

DOC = SCHEMA_DOC.doc
SETS = {s["name"]: s for s in DOC["attribute-sets"]}
OPS = [op for op in DOC["operations"]["list"] if "do" in op or "dump" in op]
# Those that have most to read, and none that undoes it all, come as often as all others.
MANY = [op for op in OPS if op["name"] in ("session-new", "session-change", "session-new",
                                           "session-del", "app-flow-new")]

# By name of the attribute: values that meet one another.
POOLS = {
    "local-ipv4": ("10.46.0.1", "10.46.0.6", "10.46.0.16"),
    "local-ipv6": ("fd46::1", "fd46::6"),
    "ue-ipv4": ("10.45.0.1", "10.45.0.2", "10.45.0.3"), "ue-ipv6": ("fd45:0:0:1::", "fd45:0:0:2::"),
    "peer-ipv4": ("10.44.1.2", "10.44.1.3"), "peer-ipv6": ("fd44:1::2",),
    "dup-ipv4": ("10.44.1.2",), "dup-ipv6": ("fd44:1::2",),
    "src-ipv4": ("10.46.0.1",), "src-ipv6": ("fd46::1",), "ipv4": ("10.44.1.2",),
    "port": (2152, 2153, 5064), "teid": (1, 2, 3, 4, 0xffffffff), "endpoint": (1, 2, 1, 2, 3),
    "dup-endpoint": (1, 2), "apply-action": (1, 2, 2, 2, 4, 12, 18), "source-interface": (0, 1),
    "far-id": (1, 2), "qer-id": (1, 2), "urr-id": (1, 2), "direction": (1, 2, 3),
    "method": (1, 2, 3), "period": (1, 5), "linked-urr": (1, 2), "idle-timeout": (0, 1),
    "time-threshold": (0, 1), "time-quota": (0, 1), "volume-quota": (0, 1000),
    "remote-prefix-len": (0, 8, 32), "ue-prefix-len": (0, 32, 64),
    "remote-ports": (0x00350035, 0x0000ffff), "ue-ports": (0x00010002,), "app-queue": (0, 1),
}
# Attributes that a sensible message nearly always has.
NEEDED = {"id", "precedence", "far-id", "apply-action", "device", "endpoint", "session", "label",
          "local-ipv4", "local-port", "src-ipv4", "src-port", "dst-ipv4", "dst-port", "pdr", "far",
          "ue-ipv4", "port-uc", "port-us", "port-pc", "port-ps", "spi-uc", "spi-us", "spi-pc",
          "spi-ps", "rtp-flow", "gm-port", "sa-set", "gtpu-ep", "gtpu-peer", "app-flow", "settings",
          "ingress"}
# Out of memory and of the kernel's own lists of names; no sentence can be set for these.
SPEECHLESS = {errno.ENOMEM, errno.EOPNOTSUPP, errno.EPERM, errno.ENOBUFS}


def attributes(name):
    """Of a set by name: the base's definition with what the subset says of it."""
    s = SETS[name]
    if "subset-of" not in s:
        return s["attributes"]
    base = {a["name"]: a for a in SETS[s["subset-of"]]["attributes"]}
    return [base[a["name"]] | a for a in s["attributes"]]


def base_of(name):
    return SETS[name].get("subset-of", name)


class Templates:
    """Requests that are right, about few objects, so that they meet."""

    def __init__(self, rnd):
        self.rnd = rnd

    def some(self, low=1, high=4):
        return self.rnd.randint(low, high)

    def filter(self):
        return self.rnd.choice((
            {"id": 1, "protocol": 17, "remote-ipv4": "10.9.0.0", "remote-prefix-len": 16,
             "remote-ports": [53 << 16 | 53] * self.some(0, 8), "direction": self.some(1, 3)},
            {"id": 2, "ue-ipv6": "fd45::", "ue-prefix-len": self.some(0, 128), "flow-label": 7},
            {"id": 3, "protocol": 50, "spi": 77, "tos": 0xb8, "tos-mask": 0xfc}))

    def pdr(self, n, i, urrs, qers):
        tunnel = {"endpoint": self.some(1, 2), "teid": n * 4 + self.some()} if self.some() > 1 else {}
        more = {"app-id": 1, "app-queue": 0} if self.some() == 1 else {}
        return tunnel | more | {
            "id": i, "precedence": self.some(1, 100), "far-id": self.some(1, 2),
            "qfi": self.some(0, 63), "filter": [self.filter() for _ in range(self.some(0, 3))],
            "qer-id": self.rnd.sample(qers, self.some(0, len(qers))),
            "urr-id": self.rnd.sample(urrs, self.some(0, len(urrs)))}

    def far(self, i):
        outer = {"endpoint": 1, "teid": self.some(1, 9), "peer-ipv4": "10.44.1.2"}
        dup = {"dup-endpoint": 2, "dup-teid": 1, "dup-ipv6": "fd44:1::2"}
        return {"id": i, "send-end-marker": self.some(0, 1)} | self.rnd.choice((
            {"apply-action": 2} | outer, {"apply-action": 2}, {"apply-action": 1},
            {"apply-action": 12}, {"apply-action": 18} | outer | dup))

    def qer(self, i):
        return {"id": i, "mbr-ul": self.some(0, 10 ** 9), "gate-dl": self.some(0, 1), "qfi": i}

    def urr(self, i):
        return {"id": i, "method": self.some(1, 7), "triggers": self.rnd.randint(0, 4095) & ~1,
                "volume-quota": self.some(0, 9), "time-threshold": self.some(0, 1),
                "period": self.some(0, 1), "monitoring-time": int(time.time()) + self.some(0, 2)}

    def session(self, change):
        n = self.some(1, 8)
        ids = list(range(1, self.some(2, 5)))
        s = {"id": n, "label": f"00101{n}", "ue-ipv4": f"10.45.0.{n if self.some() > 1 else 9}",
             "ue-ipv6": f"fd45:0:0:{n}::", "idle-timeout": self.some(0, 1), "bar": {"packets": 1},
             "pdr": [self.pdr(n, i, ids, ids) for i in range(1, self.some(2, 5))],
             "far": [self.far(1), self.far(2)], "qer": [self.qer(i) for i in ids],
             "urr": [self.urr(i) for i in ids]}
        if not change:
            return s
        s = {name: v for name, v in s.items() if name == "id" or self.some() == 1}
        for kind in ("pdr", "far", "qer", "urr"):
            if self.some(1, 6) == 1:
                s[f"del-{kind}"] = [self.some()]
        return s

    def of(self, op):
        """Values of a request, or None."""
        if op in ("session-new", "session-change"):
            return {"session": [self.session(op != "session-new") for _ in range(self.some(1, 3))]}
        if op in ("session-del", "session-get"):
            return {"session": [{"id": i} for i in self.rnd.sample(range(1, 9), self.some(1, 3))]}
        if op in ("rtp-new", "rtp-replace"):
            return {"rtp-flow": [flow(id=self.some(), **{"local-port": self.some(2000, 2003)})]}
        if op in ("sa-set-new", "sa-set-replace"):
            return {"sa-set": sa_set(A, UE1[4], 0x1000 * self.some(), id=self.some())}
        if op == "app-flow-new":
            n = self.some(1, 8)
            return {"app-flow": [{"session": n, "app-id": 1, "protocol": 17,
                                  "ue-ipv4": f"10.45.0.{n}", "ue-port": 1,
                                  "remote-ipv4": "10.9.0.1", "remote-port": self.some()}]}
        return None


class Fuzz:
    def __init__(self, seed, devices=()):
        self.rnd, self.devices = random.Random(seed), list(devices) or [1]
        self.templates = Templates(self.rnd)
        self.sent = self.accepted = 0
        self.refused, self.ops = {}, {}
        self.wild = 0.0  # how much of a message is wrong

    def chance(self, p):
        return self.rnd.random() < p

    def integer(self, a, size):
        """A number that the policy allows, or one at or beyond its bounds."""
        top = (1 << 8 * size) - 1
        checks = a.get("checks", {})
        low, high = checks.get("min", 0), checks.get("max", top)
        if self.chance(self.wild):
            return self.rnd.choice((0, 1, low, max(low - 1, 0), high, min(high + 1, top), top,
                                    top >> 1, self.rnd.randint(0, top))) & top
        return max(low, min(high, self.rnd.choice((low, 1, 2, 3, self.rnd.randint(1, 20)))))

    def scalar(self, a):
        kind, name = a["type"], a["name"]
        pool = self.devices if name == "device" else POOLS.get(name)
        if pool and not self.chance(self.wild):
            v = self.rnd.choice(list(pool))
            if name == "ue-ipv4" and self.chance(0.5):
                v = f"10.45.0.{self.rnd.randint(1, 254)}"
            return SCHEMA_DOC.value(a, v)
        if kind == "string":
            return bytes(self.rnd.choices(b"abc0019\xff", k=self.rnd.choice((0, 1, 15, 255, 300)
                                          if self.chance(self.wild) else (1, 15)))) + b"\0"
        if kind == "binary":
            checks = a.get("checks", {})
            return self.rnd.randbytes(checks.get("exact-len") or
                                      self.rnd.randint(0, checks.get("max-len", 64)))
        size = {"u32": 4, "u64": 8, "s64": 8}[kind]
        return self.integer(a, size).to_bytes(size, sys.byteorder)

    def spoil(self, payload):
        """Another length, or none."""
        return self.rnd.choice((b"", payload[:-1], payload + b"x", payload * 2,
                                self.rnd.randbytes(self.rnd.choice((1, 3, 4, 8, 64)))))

    def one(self, aset, a, depth, value=None):
        number = SCHEMA_DOC.number(base_of(aset), a["name"])
        if a["type"] == "nest":
            payload = self.garbage() if self.chance(self.wild / 4) else \
                self.nest(a["nested-attributes"], depth + 1, value)
            if not self.chance(self.wild / 4):
                number |= NESTED
        elif value is not None and not self.chance(self.wild / 4):
            payload = SCHEMA_DOC.value(a, value)
        else:
            payload = self.scalar(a)
        if self.chance(self.wild / 3):
            payload = self.spoil(payload)
        return attr(number, payload[:60000])

    def garbage(self):
        out = b""
        for _ in range(self.rnd.randint(0, 4)):
            out += struct.pack("=HH", self.rnd.choice((0, 3, 4, 5, 8, 0xffff)),
                               self.rnd.choice((0, 1, 2, 5, 99, 0x8001, 0x3fff)))
            out += self.rnd.randbytes(self.rnd.choice((0, 4, 8)))
        return out

    def times(self, a):
        """How often an attribute is there."""
        if a["type"] == "pad" or (a["name"] not in NEEDED and self.chance(0.8)):
            return 0
        if self.chance(self.wild / 2):
            return self.rnd.choice((0, 2))
        if a["name"].startswith("del-"):
            return self.chance(0.2)
        return self.rnd.choice((1, 1, 2, 3)) if a.get("multi-attr") else 1

    def filled(self, aset, depth, values):
        """Attributes by values, some of them wrong."""
        defined = {a["name"]: a for a in attributes(aset)}
        out = []
        for name, v in values.items():
            for one in v if isinstance(v, list) else [v]:
                if name in defined and not self.chance(self.wild / 6):
                    out += [self.one(aset, defined[name], depth, one)]
                if name in defined and self.chance(self.wild / 6):
                    out += [self.one(aset, defined[name], depth, one)]
        return b"".join(out)

    def nest(self, aset, depth=0, values=None):
        if values is not None:
            return self.filled(aset, depth, values)
        out = [self.one(aset, a, depth) for a in attributes(aset) if a["type"] != "pad"
               for _ in range(self.times(a))]
        if depth > 1 and len(out) > 1:
            out = self.tidy(aset, out)
        if self.chance(self.wild / 3):
            out.append(attr(self.rnd.choice((0, 77, 0x3fff)), self.rnd.randbytes(4)))
        if self.chance(self.wild / 3):
            self.rnd.shuffle(out)
        return b"".join(out)

    def tidy(self, aset, out):
        """Of addresses given as IPv4 and IPv6 mostly one, and rules that need nothing else."""
        if self.chance(self.wild):
            return out
        names = {SCHEMA_DOC.number(base_of(aset), a["name"]): a["name"] for a in attributes(aset)}
        kept, seen = [], set()
        for one in out:
            name = names.get(struct.unpack_from("=H", one, 2)[0] & 0x3fff, "")
            stem = name.rsplit("-ipv", 1)[0] if "-ipv" in name else name
            if "-ipv" in name and stem in seen:
                continue
            seen.add(stem)
            kept.append(one)
        return kept

    def message(self):
        op = self.rnd.choice(OPS if self.chance(0.5) else MANY)
        if op["name"] == "session-flush" and self.chance(0.9):
            op = self.rnd.choice(MANY)
        self.wild = self.rnd.choice((0.0, 0.0, 0.02, 0.1, 0.3))
        data = b""
        modes = [op[m] for m in ("do", "dump") if m in op]
        if any(m.get("request", {}).get("attributes") for m in modes):
            values = self.templates.of(op["name"]) if self.chance(0.7) else None
            data = self.nest(op["attribute-set"], 0, values)
        if self.chance(self.wild / 2) and data:
            data = data[:self.rnd.randrange(len(data))]
        flags = 4 if "do" in op else DUMP
        if "dump" in op and self.chance(0.3):
            flags, data = DUMP, data if self.chance(0.2) else b""
        if self.chance(self.wild):
            flags = self.rnd.choice((4, DUMP, 4 | 0x100, 4 | 0x800, 4 | 0x400))
        return op["name"], data[:200000], flags

    def step(self, k):
        name, data, flags = self.message()
        self.sent += 1
        cmd = SCHEMA_DOC.cmds[name]
        if self.chance(0.005):
            cmd = self.rnd.randint(0, 255)
        try:
            k.raw(cmd, data, flags)
            self.accepted += 1
            self.ops[name] = self.ops.get(name, 0) + 1
        except NlError as e:
            self.refused[e.errno] = self.refused.get(e.errno, 0) + 1
            if not e.sentence and e.errno not in SPEECHLESS:
                raise Failed(f"{name} refused without a sentence: {e}: {data.hex()}") from e


def clean(k):
    """Deletes all that there is."""
    k.call("session-flush")
    for e in k.eps():
        k.ep_del(e["id"])
    for f in k.rtp_dump():
        k.rtp_del(f["id"])
    for s in k.sa_dump():
        k.sa_del(s["id"])
    for p in k.ports():
        k.port_del(p.get("local-ipv4") or p["local-ipv6"], p["port"])
    if "ingress-get" in SCHEMA_DOC.cmds:
        for i in k.dump("ingress-get"):
            k.call("ingress-del", {"ingress": {"device": i["ingress"]["device"]}})
    k.call("settings-set", {"settings": {"postrouting": 0}})


def endpoints(k, index):
    """Those that the templates name, if they are not there."""
    for number, family, address in ((1, "local-ipv4", "10.46.0.6"), (2, "local-ipv6", "fd46::6")):
        try:
            k.ep_new({"id": number, family: address, "device": index})
        except NlError as e:
            if e.errno not in (errno.EEXIST, errno.EADDRINUSE):
                raise


def prepare(k):
    """Something that messages can be about. The indices of devices."""
    run("ip", "-n", "core", "link", "add", "fuzz0", "type", "kims")
    run("ip", "-n", "core", "link", "set", "fuzz0", "up")
    index = int(run("ip", "-n", "core", "-o", "link", "show", "fuzz0").split(":")[0])
    endpoints(k, index)
    return [index, index, 1, int(run("ip", "-n", "core", "-o", "link", "show", "c1").split(":")[0])]


def fuzz(seconds, seed=None):
    """Messages for so long; the Fuzz, for its figures. Events are asked for, and read now and then."""
    seed = seed if seed is not None else random.randrange(1 << 32)
    print(f"# fuzz_netlink: seed {seed}", flush=True)
    with core() as k, core(["rtp", "gm", "gtpu"]) as events:
        f = Fuzz(seed, prepare(k))
        end = time.monotonic() + seconds
        try:
            while time.monotonic() < end:
                for _ in range(100):
                    f.step(k)
                try:
                    events.events()
                except OSError as e:
                    if e.errno != errno.ENOBUFS:
                        raise
                endpoints(k, f.devices[0])
                if f.chance(0.02):
                    clean(k)
                    run("ip", "-n", "core", "link", "del", "fuzz0")
                    f.devices = prepare(k)
        finally:
            clean(k)
            run("ip", "-n", "core", "link", "del", "fuzz0")
    names = {errno.errorcode[e]: n for e, n in sorted(f.refused.items())}
    print(f"# {f.sent} messages, {f.accepted} accepted: {f.ops}, refused: {names}", flush=True)
    return f


def unprivileged(seconds, seed=1):
    """The same by a user without capabilities: whatever it sends, nothing is accepted."""
    pid = os.fork()
    if pid:
        return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    code = 1
    try:
        with inside("core"):
            k = Knl()
        os.setgroups([])
        os.setgid(65534)
        os.setuid(65534)
        f = Fuzz(seed)
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            f.step(k)
        code = 0 if f.sent and not f.accepted else 3
    finally:
        os._exit(code)


if __name__ == "__main__":
    set_up()
    try:
        fuzz(float(sys.argv[1]) if len(sys.argv) > 1 else 600.0,
             int(sys.argv[2]) if len(sys.argv) > 2 else None)
        sys.exit(unprivileged(5))
    finally:
        tear_down()
