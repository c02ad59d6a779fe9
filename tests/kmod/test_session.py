# SPDX-License-Identifier: GPL-2.0-or-later
"""The control of GTP-U: endpoints and sessions made, changed, read, deleted; every refusal.

Topology: lab.py and gtp.py; packets only where counters are the matter.
"""
import os
import pathlib
import subprocess

from failslab import failing_allocations, tried
from gtp import GNB, REMOTE, UPF, UPF2, Tunnels, ue4
from knl import DUMP, SCHEMA_DOC, NlError, refused
from lab import (RELAY, Failed, check, core, device, device_lost, ensure, inside, test, until)
from packet import datagram
from test_flow import flow

IN_USE = pathlib.Path("/sys/module/kims/parameters/in_use")


class Ends:
    """A kims device and endpoints 1 (IPv4) and 2 (IPv6); no packets."""

    def __init__(self, k):
        self.k = k

    def __enter__(self):
        self.ifindex = device()
        self.k.ep_new({"id": 1, "local-ipv4": UPF[4], "device": self.ifindex})
        self.k.ep_new({"id": 2, "local-ipv6": UPF[6], "device": self.ifindex})
        return self

    def __exit__(self, kind, *_):
        self.k.call("session-flush")
        for e in self.k.eps():
            self.k.ep_del(e["id"])


def plain(n=1, **more):
    """A session of the least that does something."""
    return {"id": n, "label": f"00101{n:010}", "ue-ipv4": f"10.45.{n >> 8}.{n & 255}",
            "pdr": [{"id": 1, "precedence": 10, "endpoint": 1, "teid": n, "far-id": 1},
                    {"id": 2, "precedence": 10, "far-id": 2}],
            "far": [{"id": 1, "apply-action": 2},
                    {"id": 2, "apply-action": 2, "endpoint": 1, "teid": n, "peer-ipv4": GNB[4]}],
            } | more


def full():
    """A session in which every attribute says something, as a dump tells it."""
    f1 = {"id": 7, "protocol": 17, "ue-ipv4": "10.45.0.1", "ue-prefix-len": 32,
          "remote-ipv4": "10.46.0.0", "remote-prefix-len": 16, "ue-ports": [4000 << 16 | 4999],
          "remote-ports": [53 << 16 | 53, 5060 << 16 | 5061], "tos": 0xb8, "tos-mask": 0xfc,
          "direction": 1}
    f2 = {"protocol": 50, "remote-ipv6": "2001:db8::", "remote-prefix-len": 33, "spi": 0x1234,
          "flow-label": 0x12345, "direction": 3}
    return {
        "id": 1 << 40, "label": "001010000000001", "ue-ipv4": "10.45.0.1", "ue-ipv6": "fd45:0:0:1::",
        "idle-timeout": 60, "monitored": 1,
        "bar": {"packets": 10, "octets": 10000, "timeout": 5000, "delay": 50},
        "pdr": [
            {"id": 3, "precedence": 5, "source-interface": "access", "endpoint": 1, "teid": 0xffffffff,
             "qfi": 9, "filter": [f1, f2], "any-source": 1, "far-id": 1, "qer-id": [1, 2],
             "urr-id": [1, 2]},
            {"id": 1, "precedence": 10, "source-interface": "core", "endpoint": 2, "teid": 1,
             "keep-outer-header": 1, "far-id": 2, "urr-id": [2]},
            {"id": 2, "precedence": 0xffffffff, "source-interface": "sgi-lan", "app-id": 77,
             "app-queue": 3, "app-fail": "open", "device": 1, "far-id": 3, "qer-id": [2]}],
        "far": [
            {"id": 1, "apply-action": 2, "destination-interface": "core", "dscp": 46, "device": 1},
            {"id": 2, "apply-action": 18, "destination-interface": "access", "endpoint": 2,
             "teid": 0, "peer-ipv6": "fd44:1::2", "peer-port": 2153, "dup-endpoint": 1, "dup-teid": 5,
             "dup-ipv4": GNB[4]},
            {"id": 3, "apply-action": 12, "destination-interface": "cp-function"}],
        "qer": [
            {"id": 1, "gate-ul": "closed", "gate-dl": "open", "mbr-ul": 1000, "mbr-dl": 1 << 40,
             "gbr-ul": 1, "gbr-dl": 2, "burst": 10000, "qfi": 63},
            {"id": 2, "gate-ul": "open", "gate-dl": "closed"}],
        "urr": [
            {"id": 1, "method": 7, "triggers": 4095, "volume-threshold": 1, "volume-threshold-ul": 2,
             "volume-threshold-dl": 3, "volume-quota": 1 << 60, "volume-quota-ul": 5,
             "volume-quota-dl": 6, "time-threshold": 7, "time-quota": 8, "period": 9,
             "monitoring-time": 4102444800, "inactivity": 10, "before-qos": 1, "linked-urr": 2},
            {"id": 2, "method": 2, "triggers": 0}]}


CONF = {"pdr": "pdr-conf", "far": "far-conf", "qer": "qer-conf", "urr": "urr-conf"}


def conf_of(session):
    """What of a session that was read is configuration."""
    allowed = set(SCHEMA_DOC.subsets["session-conf"])
    out = {n: v for n, v in session.items() if n in allowed}
    for kind, subset in CONF.items():
        if kind in out:
            keep = set(SCHEMA_DOC.subsets[subset])
            out[kind] = [{n: v for n, v in r.items() if n in keep} for r in out[kind]]
    return out


def without(d, *names):
    return {n: v for n, v in d.items() if n not in names}


def alter(session, kind, number, **more):
    """The session with other attributes (None: none) in one of its rules."""
    more = {n.replace("_", "-"): v for n, v in more.items()}
    rules = [{n: v for n, v in (r | more).items() if v is not None} if r["id"] == number else r
             for r in session[kind]]
    return session | {kind: rules}


def counts(k):
    s = k.stats()
    return s["sessions"], s["gtpu-eps"], [e["users"] for e in k.eps()]


# --- endpoints ---

@test
def endpoints():
    """made, read, dumped, deleted; the port is taken and free again; the device may go"""
    with core() as k, Ends(k) as e:
        got = k.ep_get(1)
        check("what was made", {"id": 1, "local-ipv4": UPF[4], "port": 2152, "device": e.ifindex,
                                "udp-checksum": 0, "entropy": 0, "users": 0},
              {n: got[n] for n in ("id", "local-ipv4", "port", "device", "udp-checksum", "entropy",
                                   "users")})
        check("IPv6 has checksums", 1, k.ep_get(2)["udp-checksum"])
        number = k.ep_new({"local-ipv4": UPF2[4], "port": 40000, "device": e.ifindex, "entropy": 1,
                           "fragment-outer": 1, "stack": 1, "mss-clamp": 1, "udp-checksum": 1})
        check("all of it", [1] * 5, [k.ep_get(number)[n] for n in
                                     ("entropy", "fragment-outer", "stack", "mss-clamp",
                                      "udp-checksum")])
        check("dump", [1, 2, number], [x["id"] for x in k.eps()])
        k.ep_del(number)
        check("gone", ("ENOENT", "kims: no endpoint of this id"), refused(k.ep_get, number))
        k.ep_new({"id": 9, "local-ipv4": UPF2[4], "port": 40000, "device": e.ifindex})
        device_lost()
        ensure("no device", "device" not in k.ep_get(9))
        k.session_new(plain())
        check("users", [2, 0, 0], counts(k)[2])
        k.session_del(1)


@test
def endpoint_refusals():
    """each with its sentence, and nothing left"""
    with core() as k, Ends(k) as e:
        good = {"local-ipv4": UPF2[4], "device": e.ifindex}
        k.rtp_new(flow(id=1) | {"local-ipv4": UPF2[4], "local-port": 2152})
        cases = [
            (good, "EEXIST", "a flow or endpoint has this local address and port"),
            ({"device": e.ifindex}, "EINVAL", "local address is missing"),
            ({"local-ipv4": UPF2[4]}, "EINVAL", "device is missing"),
            (good | {"device": 1}, "ENODEV", "device is not the index of a kims device here"),
            (good | {"device": 0x7fffffff}, "ENODEV", "device is not the index of a kims device here"),
            (good | {"local-ipv4": "10.46.9.9"}, "EADDRNOTAVAIL", "the address is not one of this host"),
            (good | {"local-ipv4": UPF[4]}, "EADDRINUSE", "something else has this address and port"),
            (good | {"local-ipv4": "224.0.0.1"}, "EINVAL", "not a unicast IPv4 address"),
            (good | {"local-ipv6": UPF[6]}, "EINVAL", "address given as IPv4 and as IPv6"),
            (good | {"port": 2153, "id": 1}, "EEXIST", "there is an endpoint of this id"),
        ]
        for values, err, sentence in cases:
            check(sentence, (err, f"kims: {sentence}"), refused(k.ep_new, values))
        k.rtp_del(1)
        k.session_new(plain())
        check("used", ("EBUSY", "kims: sessions use the endpoint"), refused(k.ep_del, 1))
        check("dump by id", "EINVAL", refused(k.dump, "gtpu-ep-get", {"gtpu-ep": {"id": 1}})[0])
        check("no more than before", (1, 2, [2, 0]), counts(k))


# --- sessions ---

@test
def everything():
    """every attribute of a session is read back as it was given, by get and by dump"""
    with core() as k, Ends(k):
        s = full()
        k.session_new(s)
        check("get", s, conf_of(k.session_get(s["id"])))
        check("dump", [s], [conf_of(x) for x in k.sessions()])
        check("counters", (1, 2, [2, 2]), (lambda c: (c[0], c[1], c[2]))(counts(k)))
        k.session_change({"id": s["id"]})
        check("a change of nothing", s, conf_of(k.session_get(s["id"])))
        k.session_change({n: v for n, v in s.items()})
        check("a change to the same", s, conf_of(k.session_get(s["id"])))
        k.session_del(s["id"])
        check("nothing left", (0, 2, [0, 0]), counts(k))


@test
def defaults():
    """what is absent has its default"""
    with core() as k, Ends(k):
        k.session_new(without(plain(), "label"))
        got = k.session_get(1)
        check("label", "", got["label"])
        check("interfaces", ["access", "core"], [p["source-interface"] for p in got["pdr"]])
        check("destinations", ["core", "access"],
              [f["destination-interface"] for f in got["far"]])
        check("peer port", 2152, got["far"][1]["peer-port"])
        k.session_new(plain(2) | {"ue-ipv6": "fd45:0:0:2:1:2:3:4"})
        check("prefix", "fd45:0:0:2::", k.session_get(2)["ue-ipv6"])


REFUSALS = [
    (lambda s: without(s, "id"), "EINVAL", "id of a session is missing or 0"),
    (lambda s: s | {"id": 0}, "EINVAL", "id of a session is missing or 0"),
    (lambda s: s | {"id": 99}, "EEXIST", "there is a session of this id"),
    (lambda s: s | {"ue-ipv4": "10.45.0.99"}, "EEXIST", "another session has the UE address"),
    (lambda s: s | {"ue-ipv6": "fd45:0:0:99:7::7"}, "EEXIST", "another session has the UE address"),
    (lambda s: s | {"ue-ipv4": "224.0.0.1"}, "EINVAL", "no UE has this IPv4 address"),
    (lambda s: s | {"ue-ipv4": "0.0.0.0"}, "EINVAL", "no UE has this IPv4 address"),
    (lambda s: s | {"ue-ipv4": "127.0.0.1"}, "EINVAL", "no UE has this IPv4 address"),
    (lambda s: s | {"ue-ipv6": "ff02::1"}, "EINVAL", "no UE has this IPv6 prefix"),
    (lambda s: s | {"ue-ipv6": "fe80::1"}, "EINVAL", "no UE has this IPv6 prefix"),
    (lambda s: s | {"ue-ipv6": "::1"}, "EINVAL", "no UE has this IPv6 prefix"),
    (lambda s: without(s, "ue-ipv4"), "EINVAL",
     "a PDR without a teid needs a UE address of the session"),
    (lambda s: alter(s, "pdr", 1, teid=99), "EEXIST", "another session has the TEID of a PDR"),
    (lambda s: alter(s, "pdr", 1, id=None), "EINVAL", "id of a rule is missing"),
    (lambda s: alter(s, "far", 1, id=None), "EINVAL", "id of a rule is missing"),
    (lambda s: s | {"qer": [{}]}, "EINVAL", "id of a rule is missing"),
    (lambda s: s | {"urr": [{}]}, "EINVAL", "id of a rule is missing"),
    (lambda s: alter(s, "pdr", 1, precedence=None), "EINVAL", "precedence of a PDR is missing"),
    (lambda s: alter(s, "pdr", 1, far_id=None), "EINVAL", "far-id of a PDR is missing"),
    (lambda s: alter(s, "pdr", 1, endpoint=None), "EINVAL",
     "a PDR has both of endpoint and teid or none"),
    (lambda s: alter(s, "pdr", 1, teid=None), "EINVAL", "a PDR has both of endpoint and teid or none"),
    (lambda s: alter(s, "pdr", 1, endpoint=7), "ENOENT", "a PDR names an endpoint that there is not"),
    (lambda s: alter(s, "pdr", 1, far_id=7), "ENOENT", "a PDR names a FAR that the session has not"),
    (lambda s: alter(s, "pdr", 1, qer_id=[7]), "ENOENT", "a PDR names a QER that the session has not"),
    (lambda s: alter(s, "pdr", 1, urr_id=[7]), "ENOENT", "a PDR names a URR that the session has not"),
    (lambda s: alter(s, "pdr", 1, qer_id=[1, 1]), "EINVAL", "a PDR names a QER or URR twice"),
    (lambda s: alter(s, "pdr", 1, qer_id=[1, 2, 3, 4, 5]), "EINVAL",
     "a PDR names too many QERs or URRs"),
    (lambda s: alter(s, "pdr", 1, urr_id=list(range(1, 10))), "EINVAL",
     "a PDR names too many QERs or URRs"),
    (lambda s: alter(s, "pdr", 2, keep_outer_header=1), "EINVAL",
     "keep-outer-header is for a PDR with a teid"),
    (lambda s: alter(s, "pdr", 2, app_id=1), "EINVAL", "a PDR has both of app-id and app-queue or none"),
    (lambda s: alter(s, "pdr", 2, app_queue=1), "EINVAL",
     "a PDR has both of app-id and app-queue or none"),
    (lambda s: s | {"pdr": s["pdr"] + s["pdr"][:1]}, "EINVAL", "a PDR is given twice"),
    (lambda s: s | {"far": s["far"] + s["far"][:1]}, "EINVAL", "a FAR is given twice"),
    (lambda s: s | {"qer": [{"id": 1}, {"id": 1}]}, "EINVAL", "a QER is given twice"),
    (lambda s: s | {"urr": [{"id": 1}, {"id": 1}]}, "EINVAL", "a URR is given twice"),
    (lambda s: alter(s, "pdr", 1, id=[3, 2]), "EINVAL", "a rule has two ids"),
    (lambda s: alter(s, "far", 1, id=[3, 2]), "EINVAL", "a rule has two ids"),
    (lambda s: s | {"qer": [{"id": [1, 1]}]}, "EINVAL", "a rule has two ids"),
    (lambda s: s | {"urr": [{"id": 1}, {"id": [2, 1]}]}, "EINVAL", "a rule has two ids"),
    (lambda s: s | {"far": s["far"] + [{"id": i, "apply-action": 1} for i in range(10, 74)]},
     "EINVAL", "too many rules in a session"),
    (lambda s: alter(s, "far", 1, apply_action=None), "EINVAL", "apply-action of a FAR is missing"),
    (lambda s: alter(s, "far", 1, apply_action=0), "EINVAL",
     "apply-action has not exactly one of drop, forw and buff"),
    (lambda s: alter(s, "far", 1, apply_action=3), "EINVAL",
     "apply-action has not exactly one of drop, forw and buff"),
    (lambda s: alter(s, "far", 1, apply_action=10), "EINVAL", "apply-action nocp is for buff"),
    (lambda s: alter(s, "far", 1, apply_action=18), "EINVAL",
     "apply-action dupl needs, and alone has, dup-endpoint, dup-teid and dup address"),
    (lambda s: alter(s, "far", 1, dup_teid=1), "EINVAL",
     "apply-action dupl needs, and alone has, dup-endpoint, dup-teid and dup address"),
    (lambda s: alter(s, "far", 2, teid=None), "EINVAL",
     "a FAR has all of endpoint, teid and peer address or none"),
    (lambda s: alter(s, "far", 2, peer_ipv4=None), "EINVAL",
     "a FAR has all of endpoint, teid and peer address or none"),
    (lambda s: alter(s, "far", 1, peer_port=1), "EINVAL", "peer-port of a FAR without a peer address"),
    (lambda s: alter(s, "far", 2, endpoint=7), "ENOENT", "a FAR names an endpoint that there is not"),
    (lambda s: alter(s, "far", 2, endpoint=2), "EINVAL",
     "endpoint and peer of a FAR are of different families"),
    (lambda s: s | {"urr": [{"id": 1, "linked-urr": 1}]}, "EINVAL", "linked-urr of a URR is itself"),
    (lambda s: s | {"urr": [{"id": 1, "linked-urr": 2}]}, "ENOENT",
     "linked-urr names a URR that the session has not"),
    (lambda s: s | {"urr": [{"id": 1, "triggers": 1}]}, "EINVAL", "trigger perio without period"),
]

FILTERS = [
    ({"ue-ipv4": "10.0.0.1", "remote-ipv6": "fd00::1"}, "addresses of a filter are of different families"),
    ({"ue-ipv4": "10.0.0.1", "ue-ipv6": "fd00::1"}, "address given as IPv4 and as IPv6"),
    ({"ue-prefix-len": 8}, "prefix length without an address"),
    ({"remote-ipv4": "10.0.0.1", "remote-prefix-len": 33}, "prefix length is longer than the address"),
    ({"ue-ports": [5 << 16 | 4]}, "range of ports is reversed"),
    ({"ue-ports": [5 << 16 | 5] * 9}, "too many ranges of ports in a filter"),
    ({"protocol": 1, "ue-ports": [5 << 16 | 5]}, "the protocol of a filter has no ports"),
    ({"tos-mask": 1}, "tos-mask without tos"),
    ({"ue-ipv4": "10.0.0.1", "flow-label": 1}, "IPv4 has no flow label"),
]


@test
def refusals():
    """each reason to refuse a session, with its sentence; nothing is left of it"""
    with core() as k, Ends(k):
        k.session_new(plain(99, **{"ue-ipv6": "fd45:0:0:99::"}))
        before = counts(k)
        for make, err, sentence in REFUSALS:
            check(sentence, (err, f"kims: {sentence}"), refused(k.session_new, make(plain(5))))
        for f, sentence in FILTERS:
            check(sentence, ("EINVAL", f"kims: {sentence}"),
                  refused(k.session_new, alter(plain(5), "pdr", 1, filter=[f])))
        many = alter(plain(5), "pdr", 1, filter=[{"id": i} for i in range(1, 257)])
        check("filters", ("EINVAL", "kims: too many filters in a PDR"), refused(k.session_new, many))
        check("no more than before", before, counts(k))
        k.session_new(plain(5))


@test
def change_refusals():
    """a change that is refused leaves the session as it was, to the last counter"""
    cases = [
        ({"del-pdr": [7]}, "ENOENT", "no PDR of this id to remove"),
        ({"del-far": [7]}, "ENOENT", "no FAR of this id to remove"),
        ({"del-qer": [7]}, "ENOENT", "no QER of this id to remove"),
        ({"del-urr": [7]}, "ENOENT", "no URR of this id to remove"),
        ({"del-far": [1]}, "ENOENT", "a PDR names a FAR that the session has not"),
        ({"del-qer": [1]}, "ENOENT", "a PDR names a QER that the session has not"),
        ({"del-urr": [1]}, "ENOENT", "a PDR names a URR that the session has not"),
        ({"far": [{"id": 2, "apply-action": 2, "endpoint": 1, "teid": 7, "peer-ipv4": GNB[4]}],
          "qer": [{"id": 1, "mbr-ul": 1}], "urr": [{"id": 1, "volume-quota": 7}, {"id": 9}],
          "ue-ipv6": "fd45:0:0:7::", "label": "other",
          "pdr": [{"id": 9, "precedence": 1, "endpoint": 1, "teid": 77, "far-id": 8}]},
         "ENOENT", "a PDR names a FAR that the session has not"),
        ({"ue-ipv4": "10.45.0.2"}, "EEXIST", "another session has the UE address"),
        ({"pdr": [{"id": 1, "precedence": 1, "endpoint": 1, "teid": 2, "far-id": 1}]}, "EEXIST",
         "another session has the TEID of a PDR"),
    ]
    with core() as k, Ends(k):
        s = plain(1, qer=[{"id": 1}], urr=[{"id": 1}])
        s = alter(alter(s, "pdr", 1, qer_id=[1], urr_id=[1]), "pdr", 2, qer_id=[1], urr_id=[1])
        k.session_new(s, plain(2))
        before, users = k.session_get(1), counts(k)
        for diff, err, sentence in cases:
            check(sentence, (err, f"kims: {sentence}"), refused(k.session_change, {"id": 1} | diff))
            check(f"as it was: {diff}", before, k.session_get(1))
        check("users", users, counts(k))
        check("unknown", ("ENOENT", "kims: no session of this id"),
              refused(k.session_change, {"id": 3}))
        check("twice", ("EINVAL", "kims: a session is in the batch twice"),
              refused(k.session_change, {"id": 1}, {"id": 1}))
        k.session_new(plain(7) | {"ue-ipv6": "fd45:0:0:7::"})


@test
def transactions():
    """a batch is refused for one of its sessions, wherever that stands: none of it stays"""
    with core() as k, Ends(k):
        k.session_new(plain(100))
        before = counts(k)
        for at in range(6):
            batch = [plain(n) for n in range(1, 7)]
            for bad in (plain(100), alter(batch[at], "pdr", 2, far_id=9),
                        batch[at] | {"ue-ipv4": "10.45.0.100"}, batch[at - 1],
                        alter(batch[at], "pdr", 1, teid=batch[at - 1]["id"])):
                wrong = batch[:at] + [bad] + batch[at + 1:]
                ensure(f"refused at {at}", refused(k.session_new, *wrong)[0] in ("EEXIST", "ENOENT"))
                check("none of it", before, counts(k))
        batch = [plain(n) for n in range(1, 7)]
        k.session_new(*batch)
        check("all of it", before[0] + 6, counts(k)[0])
        old = k.sessions()
        for at in range(6):
            diffs = [{"id": n, "label": "x", "far": [{"id": 2, "apply-action": 4}],
                      "pdr": [{"id": 3, "precedence": 1, "endpoint": 1, "teid": 1000 + n,
                               "far-id": 1}]} for n in range(1, 7)]
            diffs[at]["del-far"] = [1]
            check(f"changes refused at {at}", "ENOENT", refused(k.session_change, *diffs)[0])
            check("as they were", old, k.sessions())
        for at in range(6):
            ids = list(range(1, 7))
            ids[at] = 55
            check(f"deletes refused at {at}", "ENOENT", refused(k.session_del, *ids)[0])
        check("twice", "EINVAL", refused(k.session_del, 1, 1)[0])
        check("as they were", old, k.sessions())
        check("each is told of", list(range(1, 7)), [s["id"] for s in k.session_del(*range(1, 7))])
        check("as before", before, counts(k))


@test
def addresses_move():
    """TEIDs and UE addresses are free for others once a change or deletion gave them up"""
    with core() as k, Ends(k):
        k.session_new(plain(1, **{"ue-ipv6": "fd45:0:0:1::"}))
        k.session_change({"id": 1, "ue-ipv4": "10.45.0.50", "ue-ipv6": "fd45:0:0:50::",
                          "pdr": [{"id": 1, "precedence": 1, "endpoint": 2, "teid": 1, "far-id": 1}]})
        check("users", [1, 1], counts(k)[2])
        k.session_new(plain(2) | {"ue-ipv4": "10.45.0.1", "ue-ipv6": "fd45:0:0:1::",
                                  "pdr": plain(1)["pdr"]})
        k.session_del(2)
        k.session_new(plain(1) | {"id": 3})
        # Two PDRs share a TEID; it goes with the last of them.
        k.session_change({"id": 3, "pdr": [{"id": 5, "precedence": 1, "endpoint": 1, "teid": 1,
                                            "far-id": 1}]})
        k.session_change({"id": 3, "del-pdr": [1]})
        check("still taken", "EEXIST", refused(k.session_new, plain(1) | {"id": 4, "ue-ipv4": ue4(60)})[0])
        k.session_change({"id": 3, "del-pdr": [5]})
        k.session_new(plain(1) | {"id": 4, "ue-ipv4": ue4(60)})


@test
def flush():
    """all sessions of the namespace go, each with an event"""
    with core(["gtpu"]) as events, core() as k, Ends(k):
        k.session_new(*[plain(n) for n in range(1, 201)])
        k.call("session-flush")
        check("none left", (0, 2, [0, 0]), counts(k))
        gone = []
        until(lambda: gone.extend(e for e in events.events(0.5)) or len(gone) >= 200)
        check("events", list(range(1, 201)),
              sorted(a["session"][0]["id"] for n, a in gone if n == "session-del-ntf"))


# --- many, and large ---

def large(n):
    """As many rules as may be; 500 filters."""
    pdrs = [{"id": i, "precedence": i, "endpoint": 1, "teid": n << 8 | i, "far-id": i,
             "qer-id": [i], "urr-id": [i],
             "filter": [{"id": j, "protocol": 17, "remote-ipv4": "10.0.0.0", "remote-prefix-len": 8,
                         "remote-ports": [1 << 16 | 2, 3 << 16 | 4], "direction": 3}
                        for j in range(1, 9)]} for i in range(1, 65)]
    return {"id": n, "label": f"{n}", "pdr": pdrs,
            "far": [{"id": i, "apply-action": 2} for i in range(1, 65)],
            "qer": [{"id": i} for i in range(1, 65)], "urr": [{"id": i} for i in range(1, 65)]}


def shape(s):
    return (s["id"], s.get("label"), [p["id"] for p in s["pdr"]],
            [len(p.get("filter", [])) for p in s["pdr"]], [f["id"] for f in s["far"]],
            [q["id"] for q in s.get("qer", [])], [u["id"] for u in s.get("urr", [])])


def merged(parts):
    """One session of its messages."""
    out = {}
    for s in parts:
        for name, v in s.items():
            if name == "pdr" and out.get("pdr") and out["pdr"][-1]["id"] == v[0]["id"]:
                last = out["pdr"][-1]
                last.setdefault("filter", []).extend(v[0].get("filter", []))
                v = v[1:]
            out[name] = out.get(name, []) + v if isinstance(v, list) else v
    return out


def messages(k, op, values=None, flags=4):
    payload = SCHEMA_DOC.encode("kims", values) if values else b""
    return [SCHEMA_DOC.decode("kims", b) for b in k.raw(SCHEMA_DOC.cmds[op], payload, flags)]


@test
def large_session():
    """64 PDRs with 512 filters, 64 FARs, QERs and URRs: told in as many messages as it takes"""
    with core() as k, Ends(k):
        s = large(1)
        k.session_new(s)
        parts = [m["session"][0] for m in messages(k, "session-get", {"session": [{"id": 1}]})]
        ensure(f"{len(parts)} messages", len(parts) > 1)
        got = merged(parts)
        check("get", shape(s), shape(got))
        check("filters", s["pdr"][40]["filter"], got["pdr"][40]["filter"])
        parts = [x for m in messages(k, "session-get", flags=DUMP) for x in m["session"]]
        check("dump", shape(s), shape(merged(parts)))
        k.session_change({"id": 1, "del-pdr": list(range(1, 64)), "del-far": list(range(1, 64)),
                          "del-qer": list(range(1, 64))})
        check("what stays", [64], [p["id"] for p in k.session_get(1)["pdr"]])
        gone = k.session_change({"id": 1, "del-urr": list(range(1, 64))})
        check("URRs that went", list(range(1, 64)), [u["id"] for u in gone[0]["urr"]])
        check("one filter list", 255, len(shape_filters(k)))
        k.session_change({"id": 1, "del-pdr": [64], "del-far": [64], "del-qer": [64], "del-urr": [64]})
        check("empty", {"id": 1, "label": "1", "bar": {}}, conf_of(k.session_get(1)))


def shape_filters(k):
    """A PDR with as many filters as may be, read back."""
    filters = [{"id": i, "ue-ports": [(i << 16) | i] * 8, "direction": 3} for i in range(1, 256)]
    k.session_change({"id": 1, "pdr": [{"id": 64, "precedence": 1, "endpoint": 1, "teid": 9,
                                        "far-id": 64, "filter": filters}]})
    parts = [m["session"][0] for m in messages(k, "session-get", {"session": [{"id": 1}]})]
    got = merged(parts)["pdr"][0]["filter"]
    check("as given", filters, got)
    return got


@test
def many():
    """3000 sessions in batches: a dump has each once; an answer that is too long is refused"""
    with core() as k, Ends(k):
        for i in range(1, 3001, 250):
            k.session_new(*[plain(n) for n in range(i, i + 250)])
        check("all", 3000, counts(k)[0])
        check("dump", list(range(1, 3001)), sorted(s["id"] for s in k.sessions()))
        check("too many", ("EINVAL", "kims: too many sessions in one message"),
              refused(k.session_new, *[plain(n) for n in range(4000, 4257)]))
        for n in range(5000, 5010):
            k.session_new(large(n) | {"label": "x" * 255})
        check("too long an answer", "EMSGSIZE", refused(k.session_del, *range(5000, 5010))[0])
        check("still all", 3010, counts(k)[0])
        k.session_del(5000, 5001)
        for i in range(1, 3001, 250):
            check("deleted", 250, len(all_of(k, list(range(i, i + 250)))))
        check("left", 8, counts(k)[0])


def all_of(k, ids):
    """Delete: the answer may be in several messages."""
    return [s for m in messages(k, "session-del", {"session": [{"id": i} for i in ids]})
            for s in m["session"]]


@test
def dump_while_changing():
    """a dump during changes has every session that was there all the time, once"""
    with core() as k, core() as other, Ends(k):
        for i in range(1, 1001, 250):
            k.session_new(*[plain(n) for n in range(i, i + 250)])
        k.send(k.family, SCHEMA_DOC.cmds["session-get"], b"", DUMP)
        for n in range(1, 401):
            other.session_del(n)
        for n in range(5001, 5301):
            other.session_new(plain(n))
        seen, pdrs = [], {}
        for i, body in enumerate(k.answer()):
            for s in SCHEMA_DOC.decode("kims", body)["session"]:
                # One that goes on in the next message is there twice in a row.
                if not seen or seen[-1] != s["id"]:
                    seen.append(s["id"])
                pdrs.setdefault(s["id"], []).extend(p["id"] for p in s.get("pdr", []))
            if i % 4 == 0 and i < 1600:
                other.session_new(plain(6001 + i))
        check("each at most once", len(seen), len(set(seen)))
        check("each whole", {}, {n: ids for n, ids in pdrs.items() if n > 400 and ids != [1, 2]})
        ensure("what stayed", set(range(401, 1001)) <= set(seen))


# --- counters ---

def meters(n=11):
    return {"qer": [{"id": 1}], "urr": [{"id": 1}, {"id": 2}]}


@test
def counters_carry_over():
    """PDR, QER and URR counters go on through changes of their rules and end with the rules"""
    with core(["gtpu"]) as k, Tunnels(k) as t:
        s = t.session(11, install=False)
        s.add("qer", {"id": 1}, pdrs=(1, 2)).add("urr", {"id": 1}, pdrs=(1, 2))
        s.install(k)
        packet = datagram((s.ue, 4000), (REMOTE[4], 53), b"x" * 72)

        def go(n=1):
            for _ in range(n):
                t.up(s, packet)
                ensure("forwarded", t.at_inet())

        go(3)
        s.change(k, pdr=[s.pdr(1) | {"precedence": 7}], qer=[{"id": 1, "mbr-ul": 10 ** 9}],
                 urr=[{"id": 1, "volume-threshold": 10 ** 6}])
        go(2)
        check("PDR", (5, 500, 0), tuple(s.counters(k, "pdr", 1)[n]
                                        for n in ("packets", "octets", "dropped")))
        check("QER", 500, s.counters(k, "qer", 1)["octets-ul"])
        check("URR", (5, 500), tuple(s.counters(k, "urr", 1)[n] for n in ("packets-ul", "octets")))
        # A URR that goes takes its counters with it; a new one of its id begins.
        pdrs = [without(p, "urr-id") for p in s.conf["pdr"]]
        gone = s.change(k, del_urr=[1], pdr=pdrs)
        check("final", (5, 500, 1 << 9), tuple(gone[0]["urr"][0][n]
                                               for n in ("packets", "octets", "trigger")))
        go(1)
        s.change(k, urr=[{"id": 1}], pdr=s.conf["pdr"])
        go(2)
        check("new URR", 2, s.counters(k, "urr", 1)["packets"])
        # Removed and given in one change: a new one, too.
        gone = s.change(k, del_urr=[1], urr=[{"id": 1}])
        check("final of the second", 2, gone[0]["urr"][0]["packets"])
        go(1)
        check("third URR", 1, s.counters(k, "urr", 1)["packets"])
        check("the PDR has all", 9, next(p for p in s.remove(k)["pdr"] if p["id"] == 1)["packets"])


@test
def final_counters():
    """reply and event of a deletion have the same final counters; the address is nobody's then"""
    with core(["gtpu"]) as events, core() as k, Tunnels(k, check_wire=False) as t:
        s = t.session(11, install=False)
        s.add("qer", {"id": 1}, pdrs=(1, 2)).add("urr", {"id": 1}, pdrs=(1, 2))
        s.install(k)
        t.up(s, datagram((s.ue, 4000), (REMOTE[4], 53), b"x"))
        ensure("forwarded", t.at_inet())
        t.down(datagram((REMOTE[4], 53), (s.ue, 4000), b"yy"))
        ensure("to the UE", t.at_enb())
        final = s.remove(k)
        event = events.event("session-del-ntf")["session"][0]
        check("the same", without(final, "idle"), without(event, "idle"))
        check("label", "001010000000001", final["label"])
        check("packets", [1, 1], [p["packets"] for p in final["pdr"]])
        check("URR", (2, 29 + 30, 1 << 9), tuple(final["urr"][0][n]
                                                 for n in ("packets", "octets", "trigger")))
        t.up(s, datagram((s.ue, 1), (REMOTE[4], 2), b"x"))
        check("nobody's", {"unknown-teid": 1}, until(t.drops))


# --- life ---

@test
def no_memory():
    """allocations fail at random: a batch is whole or not there, a change made or not, nothing leaks"""
    with core(["gtpu"]) as k, core() as sure, Ends(sure):
        k.sock.settimeout(0.2)  # an acknowledgement may be lost, too
        with failing_allocations():
            for i in range(200):
                fail_somewhere(k, i)
        have = {s["id"] for s in sure.sessions()}
        for i in range(0, 200, 4):
            whole = have & {i * 10 + n for n in range(1, 4)}
            ensure(f"batch {i} is whole", len(whole) in (0, 3))
        users = counts(sure)
        sure.call("session-flush")
        check("nothing left", (0, 2, [0, 0]), counts(sure))
        ensure(f"some were made: {users}", users[0])


def fail_somewhere(k, i):
    n = i * 10 + 1
    third = [{"id": 3, "precedence": 1, "endpoint": 2, "teid": n, "far-id": 1, "urr-id": [1]}]
    calls = [lambda: k.session_new(plain(n), plain(n + 1), plain(n + 2)),
             lambda: k.session_change({"id": n, "label": "x" * 200, "ue-ipv6": f"fd45:0:1:{n:x}::",
                                       "urr": [{"id": 1}], "qer": [{"id": 1}], "pdr": third}),
             lambda: k.session_change({"id": n, "del-pdr": [3], "del-urr": [1]}),
             lambda: k.session_get(n), lambda: k.dump("session-get")]
    if i % 4:
        calls.append(lambda: k.session_del(n, n + 1, n + 2))
    for call in calls:
        tried(call)


@test
def module_in_use():
    """an endpoint, and a session, hold the module; in_use names them"""
    with core() as k, Ends(k):
        k.session_new(plain(1), plain(2))
        ensure(IN_USE.read_text(), "2 gtpu-ep, 2 session" in IN_USE.read_text())
        ensure("rmmod refused", subprocess.run(["rmmod", "kims"], check=False,
                                               capture_output=True).returncode)
        k.session_del(1, 2)
        ensure(IN_USE.read_text(), "2 gtpu-ep, 0 session" in IN_USE.read_text())
    check("free", "no\n", until(lambda: IN_USE.read_text() == "no\n" and IN_USE.read_text())
          or IN_USE.read_text())


CHILD = """
import os, subprocess, sys
sys.path.insert(0, {path!r})
from knl import Knl
from test_session import large, plain
for c in ("link set lo up", "link add kims0 type kims", "link set kims0 up"):
    subprocess.run(["ip"] + c.split(), check=True)
k = Knl()
with open("/sys/class/net/kims0/ifindex") as f: dev = int(f.read())
if {named}:
    dev = int(subprocess.run(["ip", "-o", "link", "show", "kims0"], capture_output=True, text=True).stdout.split(":")[0])
k.ep_new({{"id": 1, "local-ipv4": "127.0.0.1", "device": dev}})
k.session_new(*[plain(n) for n in range(1, 101)])
k.session_new(large(500))
print(k.stats()["sessions"])
"""


@test
def namespace_exit():
    """a namespace goes with sessions and endpoints in it: nothing holds the module"""
    code = CHILD.format(path=os.path.dirname(os.path.abspath(__file__)), named=True)
    code = code.replace('with open("/sys/class/net/kims0/ifindex") as f: dev = int(f.read())\n', "")
    for _ in range(3):
        done = subprocess.run(["unshare", "-n", "/usr/bin/python3", "-c", code], check=False,
                              capture_output=True, text=True)
        check("sessions of it", "101", done.stdout.strip() or done.stderr)
    ensure("nothing left", until(lambda: "session" not in IN_USE.read_text(), 20))


@test
def peers():
    """end-marker and echo on demand: what is wrong with them"""
    with core() as k, Ends(k):
        good = {"endpoint": 1, "ipv4": GNB[4]}
        cases = [("echo", {"ipv4": GNB[4]}, "EINVAL", "endpoint or peer address is missing"),
                 ("echo", {"endpoint": 1}, "EINVAL", "endpoint or peer address is missing"),
                 ("echo", good | {"endpoint": 7}, "ENOENT", "no endpoint of this id"),
                 ("echo", good | {"teid": 1}, "EINVAL", "an Echo Request has no teid"),
                 ("echo", good | {"endpoint": 2}, "EINVAL",
                  "endpoint and peer are of different families"),
                 ("end-marker", good, "EINVAL", "teid is missing")]
        for op, values, err, sentence in cases:
            check(sentence, (err, f"kims: {sentence}"), refused(k.call, op, {"gtpu-peer": values}))


@test
def ask_wrongly():
    """session-get and session-del without what they need"""
    with core() as k, Ends(k):
        for op in ("session-new", "session-change", "session-del", "session-get"):
            check(op, ("EINVAL", "kims: session is missing"), refused(k.call, op))
        for op in ("session-del", "session-get"):
            check(op, ("EINVAL", "kims: id of a session is missing or 0"),
                  refused(k.call, op, {"session": [{}]}))
            check(op, ("ENOENT", "kims: no session of this id"),
                  refused(k.call, op, {"session": [{"id": 5}]}))
        check("dump by id", "EINVAL", refused(k.dump, "session-get", {"session": [{"id": 1}]})[0])
        try:
            k.dump("session-new")
            raise Failed("dump of session-new")
        except NlError:
            pass
    with inside("core"):
        ensure("closed", RELAY)
