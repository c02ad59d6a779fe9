# SPDX-License-Identifier: GPL-2.0-or-later
"""kimsctl show kernel beside the tests' own reading of the same objects (knl.py).

Topology: lab.py and gtp.py. kimsctl runs in the core; KIMSCTL names another than build/bin/kimsctl.
"""
import json
import os
import pathlib
import subprocess

from gtp import REMOTE, Tunnels, if_index, ue4, ue6
from knl import SCHEMA_DOC
from lab import RELAY, Skipped, UE1, check, core, ensure, inside, test
from test_app import APP, flow as app_flow
from test_flow import flow
from test_gm import A, sa_set
from test_gtpu import downward, upward, went_down, went_up
from test_srtp import master, nest

PROGRAM = os.environ.get("KIMSCTL") or str(pathlib.Path(__file__).resolve().parents[2]
                                           / "build/bin/kimsctl")
LABEL = "001010000000011"


def kimsctl(*argv, prefix=()):
    """(exit status, standard output, standard error)"""
    if not os.access(PROGRAM, os.X_OK):
        raise Skipped(f"no {PROGRAM}")
    with inside("core"):
        done = subprocess.run([*prefix, PROGRAM, *argv], capture_output=True, text=True,
                              check=False)
    return done.returncode, done.stdout, done.stderr


def shown(*what):
    status, out, err = kimsctl("--json", "show", "kernel", *what)
    check(f"show kernel {what}: {err}", 0, status)
    return json.loads(out)


def table(*what):
    """Rows by head."""
    status, out, err = kimsctl("show", "kernel", *what)
    check(f"show kernel {what}: {err}", 0, status)
    head, *rows = out.splitlines()
    return [dict(zip(head.split(), row.split())) for row in rows]


def as_json(aset, values):
    """What knl.py reads, as kimsctl should tell it."""
    out = {}
    for name, v in values.items():
        a = SCHEMA_DOC.sets[aset][name][1]
        one = as_json_one(a, v[0] if a.get("multi-attr") else v)
        out[name] = [as_json_one(a, x) for x in v] if a.get("multi-attr") else one
    return out


def as_json_one(a, v):
    if a["type"] == "nest":
        return as_json(a["nested-attributes"], v)
    if a.get("enum") in SCHEMA_DOC.flags:
        return [n for n in SCHEMA_DOC.flags[a["enum"]] if n in SCHEMA_DOC.bit_names(a["enum"], v)]
    return v.hex() if isinstance(v, bytes) else v


def still(values):
    """Without what changes by itself."""
    if isinstance(values, dict):
        return {k: still(v) for k, v in values.items() if k not in ("idle", "duration")}
    return [still(v) for v in values] if isinstance(values, list) else values


def same(what, aset, objects):
    check(what, still([as_json(aset, o) for o in objects]), still(shown(what)))


def whole(session):
    """PDRs that went on in the next message put together."""
    pdrs = {}
    for p in session["pdr"]:
        have = pdrs.setdefault(p["id"], p)
        if have is not p:
            have["filter"] += p.pop("filter", [])
            have.update(p)
    return session | {"pdr": list(pdrs.values())}


def full_session(t):
    """One with all kinds of rules."""
    s = t.session(11, inner=(4, 6), install=False)
    s.add("qer", {"id": 1, "mbr-ul": 2000000, "mbr-dl": 128000, "gate-ul": "open"}, pdrs=(1, 2))
    s.add("urr", {"id": 1, "method": "volum+durat", "triggers": "volth", "volume-threshold": 10**9},
          pdrs=(1, 2))
    s.conf["label"] = LABEL
    s.conf["bar"] = {"packets": 10}
    s.conf["pdr"].append(
        {"id": 3, "precedence": 10, "source-interface": "core", "far-id": 2, "app-id": APP,
         "app-queue": 7, "filter": [
             {"id": 1, "protocol": 17, "remote-ports": [53 << 16 | 53, 5000 << 16 | 5100],
              "remote-ipv4": "198.51.100.0", "remote-prefix-len": 24, "direction": 2},
             {"id": 2, "flow-label": 77}]})
    return s.install(t.k)


@test
def every_object():
    """all objects with all attributes and counters, as JSON; keys of SRTP are not told"""
    suite = "aes-cm-128-hmac-sha1-80"
    with core() as k, Tunnels(k) as t:
        s = full_session(t)
        went_up(t, s, upward(s, 4))
        went_down(t, s, downward(s, 6))
        t.up(s, upward(s), teid=0x9999)
        ensure("Error Indication", t.at_enb())
        t.extra += 1
        k.call("app-flow-new", app_flow(s, 4, APP))
        f = k.rtp_new(flow(**{"media": "rtp-rtcp", "srtp-in": nest(suite), "dscp": 46,
                              "payload-types": bytes(16)}))
        g = k.rtp_new(flow(6, 6))
        k.port_new(RELAY[4], 5063)
        k.port_new(RELAY[6], 5063)
        a = k.sa_new(sa_set(A, UE1[4], 0x1000))
        k.call("ingress-new", {"ingress": {"device": if_index("c1")}})
        try:
            same("endpoint", "gtpu-ep", k.eps())
            same("session", "session", k.sessions())
            same("rtp", "rtp-flow", k.rtp_dump())
            same("port", "gm-port", k.ports())
            same("set", "sa-set", k.sa_dump())
            same("settings", "settings", [k.call("settings-get")["settings"]])
            ensure("ingress", {"device": if_index("c1")} in shown("ingress"))
            check("app flow", [(11, APP, s.ue)],
                  [(x["session"], x["app-id"], x["ue-ipv4"]) for x in shown("app-flow")])
            have = shown("stats")
            check("stats", k.stats() | {"drops": None}, have | {"drops": None})
            check("drops", shown("drops"), have["drops"])
            check("reasons", {a for a, (_, x) in SCHEMA_DOC.sets["drops"].items()
                              if x["type"] != "pad"}, set(have["drops"]))
            rtp = next(r for r in shown("rtp") if r["id"] == f)
            check("suite", suite, rtp["srtp-in"]["suite"])
            ensure("no key", master(suite).hex() not in json.dumps(rtp)
                   and "key" not in rtp["srtp-in"])
        finally:
            k.call("ingress-del", {"ingress": {"device": if_index("c1")}})
            k.sa_del(a)
            k.port_del(RELAY[4], 5063)
            k.port_del(RELAY[6], 5063)
            k.rtp_del(f)
            k.rtp_del(g)


@test
def tables():
    """for people: a row each, counters, names in place of numbers"""
    with core() as k, Tunnels(k) as t:
        s = full_session(t)
        went_up(t, s, upward(s, 4, bytes(100)))
        rows = table("session")
        check("session", ["11", LABEL, f"{ue4(11)},{ue6(11).split('::')[0]}::", "3", "2", "1", "1", "1",
                          "128", "0", "0"], list(rows[0].values())[:-1])
        check("endpoint", ("10.46.0.6:2152", "kims0", "1", "0"),
              tuple(table("endpoint")[0][c] for c in ("local", "device", "received", "drops")))
        t.dropped("spoofed-ue", lambda: t.up(s, downward(s)))
        ensure("drops", any(r["drops"] == "spoofed-ue" for r in table("drops")))
        check("one reason", ["wrong-tunnel"], [r["drops"] for r in table("drops", "wrong-t")])
        ensure("stats", {"what": "sessions", "count": "1"} in table("stats"))
        f = k.rtp_new(flow(**{"srtp-out": nest("aead-aes-128-gcm")}))
        row = table("rtp")[0]
        check("rtp", ("rtp", "open", "-", "aead-aes-128-gcm", "0.0"),
              tuple(row[c] for c in ("media", "gate", "srtp_in", "srtp_out", "jitter_ms")))
        check("key selects", [], table("rtp", "rtcp"))
        k.rtp_del(f)


@test
def one_session():
    """by id, label and either address: its rules and their counters"""
    with core() as k, Tunnels(k) as t:
        full_session(t)
        t.session(12, label="someone")
        for key in ("11", LABEL, ue4(11), ue6(11), ue6(11, "beef:1:2:3")):
            check(key, [11], [s["id"] for s in shown("session", key)])
        _, out, _ = kimsctl("show", "kernel", "session", LABEL)
        parts = [p.splitlines() for p in out.strip().split("\n\n")]
        check("parts", ["id", "pdr", "pdr", "far", "qer", "urr"],
              [p[0].split()[0] for p in parts])
        check("rows", [1, 3, 2, 2, 1, 1], [len(p) - 1 for p in parts])
        ensure("ports", "53,5000-5100" in parts[2][1] and "198.51.100.0/24" in parts[2][1])
        ensure("rates", "2M" in parts[4][1] and "128k" in parts[4][1])
        ensure("bits", "durat,volum" in parts[5][1])
        status, out, err = kimsctl("show", "kernel", "session", "nobody")
        check("nobody", (1, ""), (status, out))
        ensure(err, "nobody" in err)


@test
def long_session():
    """a session that comes in many messages is shown as one"""
    with core() as k, Tunnels(k) as t:
        s = t.session(11, install=False)
        for number in range(3, 9):
            s.conf["pdr"].append({"id": number, "precedence": number, "source-interface": "core",
                                  "far-id": 2, "filter": [
                                      {"id": i, "protocol": 17, "remote-ipv4": REMOTE[4],
                                       "remote-ports": [i << 16 | i]} for i in range(1, 256)]})
        s.install(k)
        other = t.session(12)
        same("session", "session", [whole(x) for x in k.sessions()])
        ensure("in parts", len(k.dump("session-get")) > 3)
        check("by its id", as_json("session", still(k.session_get(12))), still(shown("session", "12")[0]))
        other.remove(k)


@test
def refusals():
    """exit status 2 for wrong usage, 1 for who may not"""
    check("what", 2, kimsctl("show", "kernel", "nonsense")[0])
    check("more", 2, kimsctl("show", "kernel", "rtp", "1", "2")[0])
    status, out, err = kimsctl("--json", "show", "kernel", prefix=("setpriv", "--reuid=65534",
                                                                   "--clear-groups"))
    check(f"unprivileged: {err}", 1, status)
    ensure(out + err, "kims.ko" in err and not out)
