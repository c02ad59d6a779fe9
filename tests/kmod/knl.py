# SPDX-License-Identifier: GPL-2.0-or-later
"""A client of the generic netlink family that knows nothing but include/netlink/kims.yaml.

It is not the daemons' client (daemon/lib/netlink) on purpose: what the two understand alike is
what the schema says. It can also send what no client should: see Attr.
"""
import errno
import os
import pathlib
import select
import socket
import struct

import yaml

SCHEMA = pathlib.Path(__file__).resolve().parents[2] / "include/netlink/kims.yaml"
SOL_NETLINK, NETLINK_GENERIC = 270, 16
NLMSG_ERROR, NLMSG_DONE = 2, 3
REQUEST, MULTI, ACK, DUMP = 1, 2, 4, 0x300
CAPPED, ACK_TLVS = 0x100, 0x200
NESTED = 0x8000
NUMBERS = {"u32": struct.Struct("=I"), "u64": struct.Struct("=Q"), "s64": struct.Struct("=q")}
GENL_ID_CTRL = 16


class NlError(OSError):
    """A refusal; .sentence is the kernel's, or an empty string."""

    def __init__(self, err, sentence):
        super().__init__(err, sentence or os.strerror(err))
        self.sentence = sentence


class Attr(bytes):
    """Ready attributes in place of a dict: for messages that are wrong on purpose."""


def attr(kind, payload):
    length = 4 + len(payload)
    return struct.pack("=HH", length, kind) + payload + bytes(-length % 4)


def attrs(data):
    """(type, payload) of each attribute."""
    while len(data) >= 4:
        length, kind = struct.unpack_from("=HH", data)
        if length < 4 or length > len(data):
            raise ValueError("attribute of wrong length")
        yield kind & 0x3fff, data[4:length]
        data = data[(length + 3) & ~3:]


class Schema:
    def __init__(self):
        loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
        self.doc = yaml.load(SCHEMA.read_text(), loader)
        self.sets, self.enums, self.flags = {}, {}, {}
        for d in self.doc["definitions"]:
            if d["type"] in ("enum", "flags"):
                where = self.enums if d["type"] == "enum" else self.flags
                where[d["name"]] = [e["name"] for e in d["entries"]]
        for s in self.doc["attribute-sets"]:
            if "subset-of" not in s:
                self.sets[s["name"]] = {a["name"]: (i, a)
                                        for i, a in enumerate(s["attributes"], 1)}
        self.by_number = {name: {i: (n, a) for n, (i, a) in aset.items()}
                          for name, aset in self.sets.items()}
        self.subsets = {s["name"]: [a["name"] for a in s["attributes"]]
                        for s in self.doc["attribute-sets"] if "subset-of" in s}
        self.cmds = {op["name"]: i for i, op in enumerate(self.doc["operations"]["list"], 1)}
        self.names = {i: name for name, i in self.cmds.items()}

    def number(self, aset, name):
        return self.sets[aset][name][0]

    def bits(self, name, text):
        """The number of "one+two" of a set of flags."""
        return sum(1 << self.flags[name].index(one) for one in text.split("+") if one)

    def bit_names(self, name, value):
        """The reverse: {"one", "two"}."""
        return {n for i, n in enumerate(self.flags[name]) if value >> i & 1}

    def value(self, a, v):
        if isinstance(v, bytes) and not isinstance(v, Attr):
            return v
        kind = a["type"]
        if kind == "nest":
            return v if isinstance(v, Attr) else self.encode(a["nested-attributes"], v)
        if "display-hint" in a:
            return socket.inet_pton(socket.AF_INET6 if ":" in v else socket.AF_INET, v)
        if a.get("enum") in self.enums and isinstance(v, str):
            v = self.enums[a["enum"]].index(v)
        if a.get("enum") in self.flags and isinstance(v, str):
            v = self.bits(a["enum"], v)
        if kind == "string":
            return v.encode() + b"\0"
        return NUMBERS[kind].pack(v)

    def encode(self, aset, values):
        out = b""
        for name, v in values.items():
            number, a = self.sets[aset][name]
            for one in v if isinstance(v, list) else [v]:
                flag = NESTED if a["type"] == "nest" else 0
                out += attr(number | flag, self.value(a, one))
        return Attr(out)

    def read(self, a, data):
        kind = a["type"]
        if kind == "nest":
            return self.decode(a["nested-attributes"], data)
        if kind in NUMBERS and "enum" not in a and "display-hint" not in a:
            return NUMBERS[kind].unpack(data)[0]
        if "display-hint" in a:
            return socket.inet_ntop(socket.AF_INET6 if len(data) == 16 else socket.AF_INET, data)
        if kind == "string":
            return data.rstrip(b"\0").decode(errors="replace")
        if kind in NUMBERS:
            v = NUMBERS[kind].unpack(data)[0]
            return self.enums[a["enum"]][v] if a["enum"] in self.enums else v
        return data

    def decode(self, aset, data):
        by_number, out = self.by_number[aset], {}
        for kind, payload in attrs(data):
            name, a = by_number[kind]
            if a["type"] == "pad":
                continue
            v = self.read(a, payload)
            if a.get("multi-attr"):
                out.setdefault(name, []).append(v)
            else:
                out[name] = v
        return out


SCHEMA_DOC = Schema()


class Knl:
    """One socket, in the network namespace that the caller is in when it makes it."""

    def __init__(self, groups=()):
        self.schema = SCHEMA_DOC
        self.sock = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, NETLINK_GENERIC)
        self.sock.bind((0, 0))
        self.sock.setsockopt(SOL_NETLINK, 11, 1)  # NETLINK_EXT_ACK
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
        self.seq, self.kept = 1, []
        self.family, self.groups = self.find()
        self.parts = 0  # messages of the last dump
        for g in groups:
            self.sock.setsockopt(SOL_NETLINK, 1, self.groups[g])  # NETLINK_ADD_MEMBERSHIP

    def close(self):
        self.sock.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def send(self, family, cmd, payload, flags, version=1):
        self.seq += 1
        body = struct.pack("=BBH", cmd, version, 0) + payload
        self.sock.send(struct.pack("=IHHII", 16 + len(body), family, REQUEST | flags, self.seq, 0)
                       + body)

    def messages(self):
        data = self.sock.recv(1 << 20)
        while len(data) >= 16:
            length, kind, flags, seq, _ = struct.unpack_from("=IHHII", data)
            yield kind, flags, seq, data[16:length]
            data = data[(length + 3) & ~3:]

    @staticmethod
    def refusal(err, tlvs):
        sentence = ""
        for kind, payload in attrs(tlvs):
            if kind == 1:
                sentence = payload.rstrip(b"\0").decode()
        return NlError(-err, sentence)

    def answer(self):
        """Payloads behind the generic header, up to the acknowledgement."""
        while True:
            for kind, flags, seq, body in self.messages():
                if seq != self.seq:
                    self.keep(kind, seq, body)
                    continue
                if kind in (NLMSG_ERROR, NLMSG_DONE):
                    err = struct.unpack_from("=i", body)[0] if len(body) >= 4 else 0
                    if not err:
                        return
                    skip = 4
                    if kind == NLMSG_ERROR:
                        skip = 20 if flags & CAPPED else 4 + struct.unpack_from("=I", body, 4)[0]
                    skip = (skip + 3) & ~3
                    raise self.refusal(err, body[skip:] if flags & ACK_TLVS else b"")
                yield body[4:]

    def keep(self, kind, seq, body):
        """An event that came before an answer."""
        if kind == self.family and not seq:
            self.kept.append((self.schema.names[body[0]], self.schema.decode("kims", body[4:])))

    def raw(self, cmd, payload, flags=ACK):
        self.send(self.family, cmd, payload, flags)
        return list(self.answer())

    def find(self, name=b"kims"):
        self.send(GENL_ID_CTRL, 3, attr(2, name + b"\0"), ACK)
        family, groups = None, {}
        for body in self.answer():
            for kind, payload in attrs(body):
                if kind == 1:
                    family = struct.unpack("=H", payload)[0]
                if kind == 7:
                    for _, g in attrs(payload):
                        one = dict(attrs(g))
                        groups[one[1].rstrip(b"\0").decode()] = struct.unpack("=I", one[2])[0]
        return family, groups

    def call(self, op, values=None):
        """The answer's top-level attributes, {} without one."""
        out = {}
        payload = self.schema.encode("kims", values) if values else b""
        for body in self.raw(self.schema.cmds[op], payload):
            out = self.schema.decode("kims", body)
        return out

    def dump(self, op, values=None):
        payload = self.schema.encode("kims", values) if values else b""
        bodies = self.raw(self.schema.cmds[op], payload, DUMP)
        return [self.schema.decode("kims", b) for b in bodies]

    # --- the objects ---

    def rtp_new(self, flow):
        return self.call("rtp-new", {"rtp-flow": flow})["rtp-flow"][0]["id"]

    def rtp_replace(self, number, flow):
        self.call("rtp-replace", {"rtp-flow": flow | {"id": number}})

    def rtp_get(self, number):
        return self.call("rtp-get", {"rtp-flow": {"id": number}})["rtp-flow"][0]

    def rtp_del(self, number):
        return self.call("rtp-del", {"rtp-flow": {"id": number}})["rtp-flow"][0]

    def rtp_dump(self, cookie=None):
        select_by = {"rtp-flow": {"cookie": cookie}} if cookie is not None else None
        return [f for m in self.dump("rtp-get", select_by) for f in m["rtp-flow"]]

    def sa_new(self, sa_set):
        return self.call("sa-set-new", {"sa-set": sa_set})["sa-set"]["id"]

    def sa_replace(self, number, sa_set):
        self.call("sa-set-replace", {"sa-set": sa_set | {"id": number}})

    def sa_get(self, number):
        return self.call("sa-set-get", {"sa-set": {"id": number}})["sa-set"]

    def sa_del(self, number):
        return self.call("sa-set-del", {"sa-set": {"id": number}})["sa-set"]

    def sa_dump(self, ue=None):
        select_by = {"sa-set": {"ue-id": ue}} if ue is not None else None
        return [m["sa-set"] for m in self.dump("sa-set-get", select_by)]

    def port_new(self, address, port):
        family = "local-ipv6" if ":" in address else "local-ipv4"
        self.call("gm-port-new", {"gm-port": {family: address, "port": port}})

    def port_del(self, address, port):
        family = "local-ipv6" if ":" in address else "local-ipv4"
        return self.call("gm-port-del", {"gm-port": {family: address, "port": port}})["gm-port"]

    def ports(self):
        return [m["gm-port"] for m in self.dump("gm-port-get")]

    def stats(self):
        return self.call("stats-get")["stats"]

    def ep_new(self, ep):
        return self.call("gtpu-ep-new", {"gtpu-ep": ep})["gtpu-ep"]["id"]

    def ep_del(self, number):
        return self.call("gtpu-ep-del", {"gtpu-ep": {"id": number}})["gtpu-ep"]

    def ep_get(self, number):
        return self.call("gtpu-ep-get", {"gtpu-ep": {"id": number}})["gtpu-ep"]

    def eps(self):
        return [m["gtpu-ep"] for m in self.dump("gtpu-ep-get")]

    def session_new(self, *sessions):
        self.call("session-new", {"session": list(sessions)})

    def session_change(self, *diffs):
        """Final counters of what went, by session: the reply's list, [] without one."""
        return self.call("session-change", {"session": list(diffs)}).get("session", [])

    def session_del(self, *ids):
        """The sessions with their final counters."""
        return self.call("session-del", {"session": [{"id": i} for i in ids]})["session"]

    def session_get(self, number):
        return self.call("session-get", {"session": {"id": number}})["session"][0]

    def sessions(self):
        """All, by a dump; a session's parts may come in several messages."""
        out = {}
        for m in self.dump("session-get"):
            for s in m["session"]:
                have = out.setdefault(s["id"], s)
                if have is not s:
                    for name, v in s.items():
                        have[name] = have.get(name, []) + v if isinstance(v, list) else v
        return list(out.values())

    # --- events ---

    def events(self, wait=0.0):
        """(name, attributes) of what has come, after at most wait seconds for the first."""
        out, self.kept = self.kept, []
        while select.select([self.sock], [], [], wait if not out else 0)[0]:
            for kind, _, _, body in self.messages():
                self.keep(kind, 0, body)
            out, self.kept = out + self.kept, []
        return out

    def event(self, name, wait=20.0):
        """The first event of this name, or None after wait seconds; those before it are gone."""
        while True:
            while self.kept:
                got, values = self.kept.pop(0)
                if got == name:
                    return values
            if not select.select([self.sock], [], [], wait)[0]:
                return None
            for kind, _, _, body in self.messages():
                self.keep(kind, 0, body)


def refused(call, *args, **kwargs):
    """The errno name and sentence of a call that must be refused."""
    try:
        call(*args, **kwargs)
    except NlError as e:
        return errno.errorcode[e.errno], e.sentence
    return "accepted", ""
