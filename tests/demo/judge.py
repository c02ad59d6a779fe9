#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""The end of make demo: judges the trace with tshark, joins all verdicts, prints the table, writes the page.

    tests/demo/judge.py OUT --seconds N --guest-status RC [--load [--json]]

Reads OUT/verdicts.ndjson (one object a step: name, expected, seen, seconds, ok), OUT/calls.json and
OUT/trace; writes OUT/verdicts.json and OUT/index.html. Exit status 0 only when every step held. With --load there is no
trace, but OUT/load.json with the figures.
"""
import argparse
import json
import os
import pathlib
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]


def tshark(out, display, fields=("frame.number",), trace="trace"):
    cmd = ["tshark", "-n", "-r", str(out / trace / "trace.pcapng"), "-Y", display, "-T", "fields"]
    for f in fields:
        cmd += ["-e", f]
    env = dict(os.environ, WIRESHARK_CONFIG_DIR=str(out / trace / "wireshark"))
    r = subprocess.run(cmd, capture_output=True, text=True, env=env)
    return [line for line in r.stdout.split("\n") if line]


def verdict(name, expected, seen, ok, t0):
    return {"name": name, "expected": expected, "seen": seen, "seconds": round(time.time() - t0, 2), "ok": bool(ok)}


def judge(out):
    """What only the trace can show."""
    if not (out / "trace/trace.pcapng").exists():
        yield verdict("trace", "a capture of every interface", "no capture file", False, time.time())
        return
    t = time.time()
    n = len(tshark(out, "sip || diameter || rtp || esp || rtcp || gtpv2 || pfcp"))
    # TCP is seen inside of a tunnel and behind it: repetitions overlap for the one who puts streams together.
    bad = tshark(out, "(sip || sdp || diameter || rtcp || gtp || gtpv2 || pfcp) && (_ws.malformed || _ws.expert.severity == 8388608) && "
                      "!(_ws.expert.message contains \"New fragment overlaps old data\")", ("frame.number", "_ws.col.Info"))
    yield verdict("trace: decoded by tshark", "no malformed message, no expert error",
                  f"{n} frames, {len(bad)} bad" + (f": frame {bad[0]}" if bad else ""), n and not bad, t)
    t = time.time()
    own = "!icmp && !icmpv6"  # an error of ICMP quotes the beginning of a packet only
    esp = len(tshark(out, f"esp && {own}"))
    good = len(tshark(out, f"esp.icv_good == 1 && {own}"))
    wrong = len(tshark(out, f"esp.icv_bad == 1 && {own}"))
    yield verdict("trace: ESP decrypts with the keys beside it", "every ESP packet's integrity is good",
                  f"{esp} ESP packets, {good} good, {wrong} bad", esp and not wrong and good == esp, t)
    t = time.time()
    clear = tshark(out, "sip && !esp && (ip.dst == 10.46.0.1 || ip.src == 10.46.0.1 || ipv6.dst == fd46::1 || ipv6.src == fd46::1) && "
                        "(udp.port == 5064 || udp.port == 5063 || tcp.port == 5064 || tcp.port == 5063) && sip.Method != \"OPTIONS\"")
    yield verdict("trace: Gm is protected", "no SIP in clear at the protected ports but the attack's own",
                  f"{len(clear)} in clear", not clear, t)


def judge_access(out):
    """Sxa, seen in the namespace of the SGWs."""
    if not (out / "trace-access/trace.pcapng").exists():
        yield verdict("trace: Sxa", "a capture in the SGWs' namespace", "no capture file", False, time.time())
        return
    t = time.time()
    n = len(tshark(out, "pfcp || gtpv2", trace="trace-access"))
    bad = tshark(out, "(pfcp || gtp || gtpv2) && (_ws.malformed || _ws.expert.severity == 8388608)", ("frame.number", "_ws.col.Info"), "trace-access")
    # One that is asked again, as its answer was slow, is one.
    reports = len(set(tshark(out, "pfcp.msg_type == 56 && pfcp.report_type.dldr == 1", ("pfcp.seqno",), "trace-access")))
    buffers = len(tshark(out, "pfcp.msg_type == 52 && pfcp.apply_action.buff == 1 && pfcp.apply_action.nocp == 1", trace="trace-access"))
    yield verdict("trace: paging by downlink data report (Sxa)", "FAR to BUFF and NOCP, one report; no malformed message",
                  f"{n} frames, {len(bad)} bad; {buffers} times BUFF and NOCP, {reports} reports", n and not bad and buffers and reports == 1, t)


def load_lines(path):
    if not path.exists():
        return []
    return [json.loads(line) for line in path.read_text().split("\n") if line.strip()]


def print_table(rows):
    heads = ("step", "expected", "seen", "time", "verdict")
    cells = [(v["name"], v.get("expected", ""), v.get("seen", ""), f"{float(v.get('seconds', 0)):.2f} s", "held" if v["ok"] else "FAILED") for v in rows]
    limit = (46, 46, 58, 9, 7)
    width = [min(limit[i], max([len(heads[i])] + [len(c[i]) for c in cells])) for i in range(5)]
    line = "  ".join("{:%d}" % w for w in width)
    print(line.format(*heads))
    for c in cells:
        while any(c):
            print(line.format(*(x[:w] for x, w in zip(c, width))).rstrip())
            c = tuple(x[w:] for x, w in zip(c, width))


def end_of_load(a, rows):
    held = sum(v["ok"] for v in rows)
    path = a.out / "load.json"
    figures = dict(json.loads(path.read_text()) if path.exists() else {}, verdicts=rows, seconds=a.seconds)
    path.write_text(json.dumps(figures, indent=1))
    if a.json:
        print(path.read_text())
    else:
        print()
        print_table(rows)
        print(f"\n{held} of {len(rows)} steps held, {a.seconds} s in all\nfigures: {path}")
    if a.summary:
        print(f"{held} passed, {len(rows) - held} failed, 0 skipped")
    return held != len(rows)


def main():
    p = argparse.ArgumentParser()
    p.add_argument("out", type=pathlib.Path)
    p.add_argument("--seconds", type=int, default=0)
    p.add_argument("--guest-status", type=int, default=0)
    p.add_argument("--load", action="store_true", help="many phones: no trace")
    p.add_argument("--json", action="store_true", help="with --load: figures and verdicts as JSON instead of the table")
    p.add_argument("--summary", action="store_true", help="end with the line that scripts/test.sh adds up")
    a = p.parse_args()
    rows = load_lines(a.out / "verdicts.ndjson")
    if not rows:
        rows.append({"name": "start", "expected": "the lab comes up", "seen": f"nothing was run (status {a.guest_status})", "ok": False})
    elif a.guest_status not in (0, 1):
        rows.append({"name": "machine", "expected": "ends cleanly, no kernel complaint", "seen": f"status {a.guest_status}", "ok": False})
    elif a.guest_status and all(r["ok"] for r in rows):
        rows.append({"name": "guest", "expected": "comes to its end", "seen": f"ended early (status {a.guest_status}), see above", "ok": False})
    if not a.load:
        rows += judge(a.out)
        rows += judge_access(a.out)
    (a.out / "verdicts.json").write_text(json.dumps(rows, indent=1))
    if a.load:
        return end_of_load(a, rows)
    calls = a.out / "calls.json"
    page = a.out / "index.html"
    subprocess.run([str(ROOT / "tools/ladder/kims-ladder"), str(a.out / "trace"), "-o", str(page), "--verdicts", str(a.out / "verdicts.json"),
                    "--title", "kims: two phones register with AKA over IPsec and talk"] + (["--calls", str(calls)] if calls.exists() else []))
    print()
    print_table(rows)
    held = sum(v["ok"] for v in rows)
    print(f"\n{held} of {len(rows)} steps held, {a.seconds} s in all")
    print(f"trace:   {a.out}/trace/trace.pcapng   (opens decrypted with {a.out}/trace/open)")
    print(f"report:  {page}")
    if a.summary:
        print(f"{held} passed, {len(rows) - held} failed, 0 skipped")
    return held != len(rows)


sys.exit(main())
