#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Questions that the demo and the e2e tests ask the network between steps.

    tests/demo/check.py sas N                 SAs of XFRM and sets of kims.ko: 4 x N and N
    tests/demo/check.py flows N               media flows in kims.ko (N+ : at least N)
    tests/demo/check.py drops REASON IMPI     a drop of this reason was reported with this subscriber
    tests/demo/check.py empty                 no SA, no set, no flow, no registration, no session
    tests/demo/check.py registered N          registrations at the S-CSCF
    tests/demo/check.py counters FILE         the kernel's counters of ended calls and the phones' (kims-ue --json) agree
    tests/demo/check.py pdn N                 PDN connections at the SMF, and as many sessions at UPF, PCRF and in kims.ko
    tests/demo/check.py waiting N             packets that wait at the SGW-U in namespace access (N+ : at least N)
    tests/demo/check.py pcrf                  SMF and P-CSCF have their connections with the PCRF (Gx, Rx); pcrf Rx: the P-CSCF
    tests/demo/check.py rows WHAT N [K=V]...  rows of "kimsctl show WHAT" with these values (N+ : at least N)
    tests/demo/check.py flowing               packets go through tunnels while one looks
    tests/demo/check.py userspace             the daemons relay no media: no UDP socket in the RTP port range

Prints one sentence, what was seen; exit status 0 when it is as asked. Waits up to 30 s for it, as a machine
under emulation is slow; "--within S" as the first arguments: S seconds.
KIMSCTL, CORE: as tests/lab/lab.sh sets them.
"""
import json
import os
import pathlib
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
CTL = os.environ.get("KIMSCTL", str(ROOT / "build/bin/kimsctl")).split()
CORE = os.environ.get("CORE", "")
NS = ["ip", "netns", "exec", CORE] if CORE else []


def sh(*cmd):
    return subprocess.run(NS + list(cmd), capture_output=True, text=True).stdout


def show(what):
    r = subprocess.run(NS + CTL + ["--json", "show", what], capture_output=True, text=True)
    if r.returncode:
        raise RuntimeError(r.stderr.strip() or f"kimsctl show {what} failed")
    return json.loads(r.stdout)


def status():
    r = subprocess.run(NS + CTL + ["--json", "status"], capture_output=True, text=True)
    carries = json.loads(r.stdout)["kims.ko"]["carries"]
    return {k: int(v) for k, v in (x.split("=") for x in carries.split())}


def n_states():
    return sum(line.startswith("src ") for line in sh("ip", "xfrm", "state").split("\n"))


def as_many(n, want):
    """N: exactly; N+: at least."""
    return n >= int(want[:-1]) if want.endswith("+") else n == int(want)


def rows(what, want, *values):
    n = sum(all(str(r.get(k)) == v for k, v in (x.split("=", 1) for x in values)) for r in show(what))
    return as_many(n, want), f"{n} x {what}" + (f" with {', '.join(values)}" if values else "")


def sas(want):
    n = int(want)
    states, sets = n_states(), status().get("sa_sets", -1)
    return states == 4 * n and sets == n, f"{states} SAs in XFRM, {sets} sets bound in kims.ko"


def flows(want):
    n = status().get("rtp_flows", -1)
    return as_many(n, want), f"{n} media flows in kims.ko"


def drops(reason, impi):
    rows = [d for d in show("drops") if d["reason"].startswith(reason)]
    hit = [d for d in rows if impi in (str(d.get("sa_impi", "")) + " " + str(d.get("victim_impi", "")))]
    n = sum(int(d.get("count", 1)) for d in hit)
    return bool(hit), f"{n} packets dropped ({reason}) and reported with {impi}" if hit else f"{len(rows)} reports of {reason}, none with {impi}"


def registered(want):
    n = len([r for r in show("registration") if r.get("state", "registered") == "registered"])
    return n == int(want), f"{n} registrations at the S-CSCF"


def parts(name):
    r = subprocess.run(NS + CTL + ["--json", "status"], capture_output=True, text=True)
    part = json.loads(r.stdout).get(name)
    if not part or part.get("state") != "up":
        return None
    return dict(x.split("=", 1) for x in part["carries"].split())


def tunnels():
    """PDN connections as each part sees them; a part that is not there is left out."""
    where = {"smf": "pdn", "upf": "sessions", "pcrf": "gx_sessions"}
    seen = {f"{nf} {key}": int(p[key]) for nf, key in where.items() if (p := parts(nf))}
    return {**seen, "kims.ko sessions": int(kernel_counts().get("sessions", 0))}


def kernel_counts():
    r = subprocess.run(NS + CTL + ["--json", "show", "kernel"], capture_output=True, text=True)
    return json.loads(r.stdout)


def pdn(want):
    seen = tunnels()
    return all(v == int(want) for v in seen.values()), ", ".join(f"{k}: {v}" for k, v in seen.items())


def flowing():
    a = kernel_counts()
    time.sleep(1)
    b = kernel_counts()
    n = int(b["gtpu-forwarded"]) - int(a["gtpu-forwarded"])
    return n > 50, f"{n} packets through tunnels in a second"


def waiting(want):
    """In the namespace of the SGWs: its kims.ko has state of its own."""
    r = subprocess.run(["ip", "netns", "exec", "access"] + CTL + ["--json", "show", "kernel"], capture_output=True, text=True)
    n = int(json.loads(r.stdout)["buffered-packets"])
    return as_many(n, want), f"{n} packets wait at the SGW-U"


def pcrf(only=""):
    rx = (parts("pcscf") or {}).get("pcrf", "none")
    if only == "Rx":
        return rx == "connected", f"Rx {rx}"
    gx = [p.get("state", "") for p in show("sgw") if p.get("identity", "").startswith("pcrf.")]
    return gx in (["up"], ["open"]) and rx == "connected", f"Gx {gx[0] if gx else 'none'}, Rx {rx}"


def empty():
    left = {**tunnels(), "SAs": n_states(), **status(), "registrations": len(show("ue")), "sessions": len(show("session")), "S-CSCF registrations": len(show("registration"))}
    bad = {k: v for k, v in left.items() if v}
    return not bad, "nothing left" if not bad else ", ".join(f"{v} {k}" for k, v in bad.items()) + " left"


def phones_rtp(path):
    """Per call of kims-ue's report: packets that each phone sent and received."""
    out = []
    for line in pathlib.Path(path).read_text().split("\n"):
        if not line.strip():
            continue
        obj = json.loads(line)
        for d in obj.get("detail", {}).get("rtp", []) if obj.get("event") == "step" else []:
            out.append(d)
    return out


def counters(path):
    """Every ended session of the last calls, newest first, until as many as the phones report (two for a call)."""
    phones = phones_rtp(path)
    sent = sum(d["sent"] for d in phones)
    received = sum(d["received"] for d in phones)
    notes = [n for n in show("history") if any(f["packets"] for f in n["flows"])][-len(phones):]
    kernel = sum(f["packets"] for n in notes for f in n["flows"] if f["kind"] == "rtp up")
    down = sum(f["packets"] for n in notes for f in n["flows"] if f["kind"] == "rtp down")
    ok = sent > 0 and kernel == sent and down == received
    return ok, f"phones sent {sent}, received {received}; kims.ko relayed {kernel} up, {down} down"


def userspace():
    relay = ("10.46.0.1", "[fd46::1]", "*", "0.0.0.0", "[::]")  # others have ports there by chance
    used = [line for line in sh("ss", "-Hlnup").split("\n")
            if line and line.split()[3].rsplit(":", 1)[0] in relay and 20000 <= int(line.split()[3].rsplit(":", 1)[1]) <= 39999]
    return not used, "no daemon has a socket on a media port" if not used else f"{len(used)} sockets on media ports: {used[0].split()[3]} {used[0].split()[-1]}"


def wait_for(fn, *args, seconds=30):
    """Asks until it is so, or the time is over: (as asked, a sentence)."""
    end = time.time() + seconds
    while True:
        try:
            ok, seen = fn(*args)
        except (RuntimeError, KeyError, ValueError) as e:
            ok, seen = False, f"{type(e).__name__}: {e}"
        if ok or time.time() > end:
            return ok, seen
        time.sleep(0.3)


def main():
    args, seconds = sys.argv[1:], 30
    if len(args) > 2 and args[0] == "--within":
        args, seconds = args[2:], int(args[1])
    fn = globals().get(args[0]) if args else None
    if fn not in (sas, flows, drops, registered, pdn, flowing, waiting, pcrf, rows, empty, counters, userspace):
        sys.exit(__doc__)
    ok, seen = wait_for(fn, *args[1:], seconds=seconds)
    print(seen)
    return not ok


if __name__ == "__main__":
    sys.exit(main())
