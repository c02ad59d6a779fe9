# SPDX-License-Identifier: GPL-2.0-or-later
"""Messages that no client should send: each must be refused with a sentence, and leave nothing."""
import errno
import os
import random
import struct
import subprocess
import sys

from knl import DUMP, NESTED, SCHEMA_DOC, NlError, attr, refused
from lab import RELAY, UE1, Skipped, check, core, ensure, inside, test
from test_flow import flow
from test_gm import A, sa_set

REQUIRED = {
    "rtp-new": ("local-ipv4", "local-port", "src-ipv4", "src-port", "dst-ipv4", "dst-port"),
    "sa-set-new": ("label", "ue-ipv4", "local-ipv4", "port-uc", "port-us", "port-pc", "port-ps",
                   "spi-uc", "spi-us", "spi-pc", "spi-ps"),
    "gm-port-new": ("local-ipv4", "port"),
}
TOP = {"rtp-new": "rtp-flow", "rtp-replace": "rtp-flow", "sa-set-new": "sa-set",
       "sa-set-replace": "sa-set", "gm-port-new": "gm-port"}


def good(op):
    if op.startswith("rtp"):
        f = flow(cookie=1, timeout=1000, dscp=46, gate="open")
        return f | {"payload-types": bytes(16), "clock-rate": 8000}
    if op.startswith("sa"):
        return sa_set(A, UE1[4], 0x1000, reqid=3)
    return {"local-ipv4": RELAY[4], "port": 5064}


def refuse(k, what, op, payload, flags=4):
    """The kernel must refuse with a sentence."""
    try:
        k.raw(SCHEMA_DOC.cmds[op], payload, flags)
    except NlError as e:
        ensure(f"{what}: sentence", e.sentence)
        return errno.errorcode[e.errno]
    raise AssertionError(f"{what}: accepted")


def nested(op, inner):
    return attr(SCHEMA_DOC.number("kims", TOP[op]) | NESTED, bytes(inner))


@test
def missing():
    """each required attribute missing"""
    with core() as k:
        for op, names in REQUIRED.items():
            for name in names:
                values = {n: v for n, v in good(op).items() if n != name}
                inner = SCHEMA_DOC.encode(TOP[op], values)
                check(name, "EINVAL", refuse(k, f"{op} without {name}", op, nested(op, inner)))
            check("empty nest", "EINVAL", refuse(k, f"{op} empty", op, nested(op, b"")))
            check("nothing", "EINVAL", refuse(k, f"{op} nothing", op, b""))


def with_attr(op, name, payload, flag=0):
    """A good request in which one attribute has another payload."""
    out = b""
    for n, v in good(op).items():
        number, a = SCHEMA_DOC.sets[TOP[op]][n]
        out += attr(number | (flag if n == name else 0),
                    payload if n == name else SCHEMA_DOC.value(a, v))
    return nested(op, out)


def wrong_lengths(a):
    if a["type"] == "string":
        return [b"", b"no end", b"x" * 256 + b"\0", bytes(2000)]
    right = {"u32": 4, "u64": 8}.get(a["type"]) or a["checks"]["exact-len"]
    return [bytes([1]) * n for n in (0, 1, right - 1, right + 1, right * 2, 1000)]


@test
def lengths():
    """each attribute with wrong lengths"""
    with core() as k:
        for op in ("rtp-new", "sa-set-new", "gm-port-new"):
            for name in good(op):
                for payload in wrong_lengths(SCHEMA_DOC.sets[TOP[op]][name][1]):
                    if name == "label" and payload == b"":
                        continue
                    refuse(k, f"{op} {name} of {len(payload)}", op, with_attr(op, name, payload))


@test
def ranges():
    """each number below and above its range"""
    with core() as k:
        for op in ("rtp-new", "sa-set-new", "gm-port-new"):
            for name in good(op):
                a = SCHEMA_DOC.sets[TOP[op]][name][1]
                checks = a.get("checks", {})
                bad = []
                if checks.get("min"):
                    bad += [0, checks["min"] - 1]
                if "max" in checks:
                    bad += [checks["max"] + 1, 0xffffffff]
                for v in bad:
                    refuse(k, f"{op} {name}={v}", op, with_attr(op, name, struct.pack("=I", v)))


@test
def addresses():
    """addresses that nobody can have; both families; different families"""
    with core() as k:
        for bad in ("0.0.0.0", "224.0.0.1", "255.255.255.255"):
            for name in ("local-ipv4", "src-ipv4", "dst-ipv4", "peer-ipv4"):
                check(bad, "EINVAL", refused(k.rtp_new, flow() | {name: bad})[0])
        for bad in ("::", "ff02::1", "fe80::1", "::ffff:10.0.0.1"):
            for name in ("local-ipv6", "src-ipv6", "dst-ipv6", "peer-ipv6"):
                check(bad, "EINVAL", refused(k.rtp_new, flow(6, 6) | {name: bad})[0])
        both = (("local", flow() | {"local-ipv6": "fd46::1"}),
                ("dst", flow() | {"dst-ipv6": "fd46::1"}))
        for name, f in both:
            check(f"{name} twice", "EINVAL", refused(k.rtp_new, f)[0])
        mixed = {n: v for n, v in flow().items() if n != "peer-ipv4"} | {"peer-ipv6": "fd45::2"}
        check("peer of another family",
              ("EINVAL", "kims: peer and local address are of different families"),
              refused(k.rtp_new, mixed))
        mixed = {n: v for n, v in flow().items() if n != "dst-ipv4"} | {"dst-ipv6": "fd45::2"}
        check("destination of another family", "EINVAL", refused(k.rtp_new, mixed)[0])
        mixed = {n: v for n, v in sa_set(A, UE1[4], 0x1000).items() if n != "ue-ipv4"}
        check("UE of another family", "EINVAL",
              refused(k.sa_new, mixed | {"ue-ipv6": "fd45::2"})[0])


@test
def contradictions():
    """values that are right one by one and wrong together"""
    with core() as k:
        for more in ({"media": "rtcp"}, {"media": "udp"}):
            check("filter without RTP", "EINVAL",
                  refused(k.rtp_new, flow(**more, **{"payload-types": bytes(16)}))[0])
        check("peer-port alone", "EINVAL", refused(k.rtp_new, flow(**{"peer-ipv4": None}))[0])
        for more in ({"spi-pc": 0x1004}, {"spi-uc": 0x1002}, {"port-pc": 5064}):
            check(str(more), "EINVAL", refused(k.sa_new, sa_set(A, UE1[4], 0x1000, **more))[0])
        number = k.rtp_new(flow(id=7))
        check("id", 7, number)
        check("id taken", ("EEXIST", "kims: there is a flow of this id"),
              refused(k.rtp_new, flow(id=7, **{"local-port": 9})))
        check("port taken", "EEXIST", refused(k.rtp_new, flow())[0])
        check("replace without id", "EINVAL",
              refused(k.call, "rtp-replace", {"rtp-flow": flow()})[0])
        k.rtp_del(7)
        for call, what in ((k.rtp_get, "get"), (k.rtp_del, "delete"), (k.sa_get, "set"),
                           (k.sa_del, "delete set")):
            check(what, "ENOENT", refused(call, 7)[0])
        check("port", "ENOENT", refused(k.port_del, RELAY[4], 5064)[0])
        k.port_new(RELAY[4], 5064)
        check("port twice", "EEXIST", refused(k.port_new, RELAY[4], 5064)[0])
        k.port_del(RELAY[4], 5064)
        both = {"rtp-flow": {"id": 1, "cookie": 2}}
        for op in ("rtp-get", "rtp-del"):
            check("id and cookie", "EINVAL", refused(k.call, op, both)[0])
        check("dump by id", "EINVAL", refused(k.dump, "rtp-get", {"rtp-flow": {"id": 1}})[0])
        check("dump of sets by id", "EINVAL",
              refused(k.dump, "sa-set-get", {"sa-set": {"id": 1}})[0])


@test
def unknown():
    """unknown attributes and commands, attributes of replies, flags of netlink"""
    with core() as k:
        for op in ("rtp-new", "sa-set-new", "gm-port-new"):
            whole = SCHEMA_DOC.encode(TOP[op], good(op))
            for kind in (0, 200, 0x3fff):
                refuse(k, f"{op} with {kind}", op, nested(op, whole + attr(kind, bytes(4))))
                refuse(k, f"{op} beside {kind}", op, nested(op, whole) + attr(kind, bytes(4)))
            refuse(k, f"{op} not a nest", op, attr(SCHEMA_DOC.number("kims", TOP[op]), whole))
        for name in ("counters", "idle", "pad"):
            number = SCHEMA_DOC.number("rtp-flow", name)
            refuse(k, name, "rtp-new", nested("rtp-new", SCHEMA_DOC.encode("rtp-flow", flow())
                                              + attr(number, bytes(4))))
        for cmd in (0, 99, 255):
            try:
                k.raw(cmd, b"")
                raise AssertionError(f"command {cmd} accepted")
            except NlError as e:
                check(f"command {cmd}", errno.EOPNOTSUPP, e.errno)
        refuse(k, "attributes of stats-get", "stats-get", attr(1, bytes(4)))
        for flags in (0x100, 0x200, 0x400, 0x800):
            refuse(k, f"flags {flags:x}", "rtp-new",
                   nested("rtp-new", SCHEMA_DOC.encode("rtp-flow", flow())), 4 | flags)
        # What is not there cannot be dumped.
        for op in ("rtp-new", "gm-port-new", "stats-get"):
            try:
                k.raw(SCHEMA_DOC.cmds[op], b"", DUMP)
                raise AssertionError(f"dump of {op}")
            except NlError as e:
                check(f"dump of {op}", errno.EOPNOTSUPP, e.errno)


@test
def cut_short():
    """a request cut at each octet; its last attribute is a required one"""
    with core() as k:
        for op, values in (("rtp-new", flow()), ("sa-set-new", sa_set(A, UE1[4], 0x1000)),
                           ("gm-port-new", good("gm-port-new"))):
            whole = nested(op, SCHEMA_DOC.encode(TOP[op], values))
            for n in range(4, len(whole)):
                refuse(k, f"{op} cut at {n}", op, struct.pack("=H", n) + whole[2:n])


@test
def garbage():
    """3000 messages with random changes: no crash; what they made is deleted"""
    rnd = random.Random(1)
    with core() as k:
        for i in range(3000):
            op = rnd.choice(("rtp-new", "rtp-replace", "sa-set-new", "sa-set-replace",
                             "gm-port-new"))
            data = bytearray(nested(op, SCHEMA_DOC.encode(TOP[op], good(op))))
            for _ in range(rnd.randint(1, 4)):
                data[rnd.randrange(len(data))] = rnd.randrange(256)
            cmd = SCHEMA_DOC.cmds[op] if i % 3 else rnd.randint(1, len(SCHEMA_DOC.cmds))
            try:
                k.raw(cmd, bytes(data), rnd.choice((4, DUMP)))
            except NlError:
                pass
            if i % 100 == 0:
                for f in k.rtp_dump():
                    k.rtp_del(f["id"])
        for f in k.rtp_dump():
            k.rtp_del(f["id"])
        for s in k.sa_dump():
            k.sa_del(s["id"])
        for p in k.ports():
            k.port_del(p.get("local-ipv4") or p["local-ipv6"], p["port"])


CHILD = """
import os, sys
sys.path.insert(0, {path!r})
from knl import Knl, refused
from test_flow import flow
if {uid}:
    os.setgroups([]); os.setgid({uid}); os.setuid({uid})
k = Knl()
print(refused(k.rtp_new, flow())[0], refused(k.stats)[0], refused(k.rtp_dump)[0], end=" ")
try:
    Knl(["gm"]); print("joined")
except PermissionError:
    print("EPERM")
"""


def child(uid=0, *prefix):
    code = CHILD.format(path=os.path.dirname(os.path.abspath(__file__)), uid=uid)
    done = subprocess.run([*prefix, sys.executable, "-c", code], capture_output=True, text=True,
                          check=False)
    return done.stdout.strip() or done.stderr.strip().splitlines()[-1]


@test
def unprivileged():
    """a user without CAP_NET_ADMIN may do nothing, nor listen"""
    with inside("core"):
        check("nobody", "EPERM EPERM EPERM EPERM", child(65534))


@test
def user_namespace():
    """root of a user namespace rules its own network namespace and no other"""
    if not os.path.exists("/proc/self/ns/user"):
        raise Skipped("no user namespaces")
    check("its own", "accepted accepted accepted joined", child(0, "unshare", "-r", "-n"))
    with inside("core"):
        check("ours", "EPERM EPERM EPERM EPERM", child(0, "unshare", "-r"))
