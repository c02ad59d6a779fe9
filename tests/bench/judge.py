#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Table and verdict of make bench from the lines that peer/run.py printed.

    tests/bench/judge.py RESULTS.jsonl USERS

CPU is user + system time over P-, I- and S-CSCF (the HSS is the same for both and not counted).
"""
import json
import statistics
import sys

from rows import row

CSCFS = ("pcscf", "icscf", "scscf")


def rows(path):
    with open(path) as f:
        for line in f:
            if line.startswith("{"):
                yield json.loads(line)


def core(r):
    return sum(r["cpu_ms_per_op"].get(c, 0) for c in CSCFS)


def main():
    by = {}
    users = int(sys.argv[2])
    for r in rows(sys.argv[1]):
        by.setdefault((r["scenario"], r["tag"].split(".")[0]), []).append(r)
    bad = 0
    print(f"{'':10} {'who':9} {'done':>7} {'failed':>7} {'CPU us/op':>10} {'pcscf':>7} {'icscf':>7} {'scscf':>7}")
    med, lost = {}, {}
    for (scenario, who), rs in sorted(by.items()):
        med[scenario, who] = statistics.median(core(r) for r in rs)
        parts = [statistics.median(r["cpu_ms_per_op"].get(c, 0) for r in rs) * 1e3 for c in CSCFS]
        failed = sum(r["failed"] for r in rs)
        print(f"{scenario:10} {who:9} {sum(r['ok'] for r in rs):7} {failed:7} {med[scenario, who] * 1e3:10.1f} " + " ".join(f"{p:7.1f}" for p in parts))
        lost[scenario, who] = failed
    # On a machine that is too busy the phones lose some with either core: not more than with the other one.
    for scenario in ("register", "call"):
        if lost.get((scenario, "kims"), 0) > lost.get((scenario, "kamailio"), 0):
            print(f"{scenario}: kims failed more often than kamailio")
            bad += 1
    for scenario in ("register", "call"):
        if (scenario, "kims") in med and med.get((scenario, "kamailio")):
            ratio = med[scenario, "kims"] / med[scenario, "kamailio"]
            ok = 0 < ratio <= 0.5
            bad += not ok
            row(f"{'registration' if scenario == 'register' else scenario}, us of CPU", med[scenario, "kims"] * 1e3, med[scenario, "kamailio"] * 1e3, "Kamailio", 0.5, of_peer=True)
            print(f"{scenario}: kims / kamailio = {ratio:.3f}   (at most 0.5: {'held' if ok else 'FAILED'})")
        else:
            bad += 1
    memory = {}
    for who in ("kamailio", "kims"):
        rs = by.get(("register", who), [])
        if rs:
            mem = {c: statistics.median((r["pss_mb"][c][1] - r["pss_mb"][c][0]) * 1024 / users for r in rs) for c in CSCFS if c in rs[0]["pss_mb"]}
            held = who != "kims" or all(v <= 8 for v in mem.values())
            bad += not held
            memory[who] = mem
            print(f"memory per registered user, {who}: " + ", ".join(f"{c} {v:.1f} kB" for c, v in mem.items()) + ("" if who != "kims" else f"   (at most 8 kB: {'held' if held else 'FAILED'})"))
    for c, v in memory.get("kims", {}).items():
        row(f"registration, kB per user: {c}", v, memory.get("kamailio", {}).get(c), "Kamailio", 8)
    print(f"{2 + 1 - min(bad, 3)} passed, {min(bad, 3)} failed, 0 skipped")
    return bad > 0


sys.exit(main())
