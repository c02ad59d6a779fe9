#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Many phones in the lab: runs kims-ue, shows it live, judges, tells what it cost.

    tests/demo/load.py OUT [--ue kims-ue]

All phones attach, register, some of them call one another, all these calls are up together, then everything is released. Appends its verdicts
to OUT/verdicts.ndjson (as tests/demo/guest does) and leaves OUT/load.json: figures of every second, of each stage, and of each call.
Exit status 0 only when every verdict holds.

DEMO_UES phones, DEMO_CALLS calls, DEMO_WINDOW procedures at once, DEMO_TALK seconds with all calls up, DEMO_PTIME ms of audio in a
packet (default 20; 240 in an emulated processor), DEMO_VIEW: "ROWS COLUMNS" of a terminal, empty: a line now and then.
KIMSCTL, CORE, LAB_OUT, LAB_NFS, DEMO_MODE: as tests/demo/guest sets them.
"""
import argparse
import json
import os
import pathlib
import subprocess
import sys
import time

import check

MAX_LOSS = 1.0       # percent of RTP, each direction of each call
MIN_SENT = 75.0      # percent of the RTP that was due with all calls up: with less the machine is too slow to be a judge
MAX_MEMORY = 32      # kB that a daemon keeps for a phone (registered, perhaps in a call),
MAX_BASE = 6144      # beside so much that the first ones cost
STAGES = ("attach", "register", "settle", "call", "bearers", "deregister", "detach")
SETTLE = 8           # seconds in which nothing happens, so that what N registered phones cost can be looked at
BOLD, DIM, RED, OFF = "\033[1m", "\033[2m", "\033[31m", "\033[0m"


def env(name, default):
    return int(os.environ.get(name) or default)


def emulated():
    return "QEMU TCG" in pathlib.Path("/proc/cpuinfo").read_text()


class Daemons:
    """Processor time, memory and identity of every daemon, and of the phones."""

    def __init__(self, nfs):
        self.tick, self.page = os.sysconf("SC_CLK_TCK"), os.sysconf("SC_PAGE_SIZE") // 1024
        self.nfs = nfs
        self.pids = self.find()

    def find(self):
        return {nf: self.pid(nf) for nf in self.nfs}

    @staticmethod
    def pid(nf):
        if os.environ.get("DEMO_MODE") == "systemd":
            return int(subprocess.run(["systemctl", "show", "-p", "MainPID", "--value", f"kims-{nf}"], capture_output=True, text=True).stdout or 0)
        try:
            return int(pathlib.Path(os.environ["LAB_OUT"], f"{nf}.pid").read_text())
        except (OSError, ValueError):
            return 0

    def sample(self):
        """Per daemon: (CPU seconds so far, kB resident)."""
        out = {}
        for nf, pid in self.pids.items():
            try:
                f = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
                out[nf] = ((int(f[11]) + int(f[12])) / self.tick, int(f[21]) * self.page)
            except OSError:
                out[nf] = (0, 0)
        return out


class Kernel:
    """Counters of kims.ko, asked for now and then: kimsctl is a process of its own."""

    def __init__(self):
        self.now, self.asked = {}, 0

    def look(self, every=0):
        if time.monotonic() - self.asked >= every:
            try:
                self.now = flat(check.kernel_counts())
            except (ValueError, OSError):
                pass
            self.asked = time.monotonic()
        return self.now


def flat(o):
    """kimsctl's answer as {name: number}; drops as "drop REASON"."""
    out = {}
    for k, v in o.items():
        if isinstance(v, list):
            out.update({f"drop {d['drops']}": int(d["count"]) for d in v if "drops" in d})
        elif isinstance(v, dict):
            out.update({f"drop {d}": int(n) for d, n in v.items()})
        elif str(v).isdigit():
            out[k] = int(v)
    return out


def drops(kernel):
    return {k[5:]: v for k, v in kernel.items() if k.startswith("drop ") and v}


def listed(d, none="none"):
    return ", ".join(f"{k} {v}" for k, v in sorted(d.items(), key=lambda x: -x[1])) or none


class View:
    """What one sees while it runs."""

    def __init__(self, ues, calls, daemons, kernel):
        size = os.environ.get("DEMO_VIEW", "").split()
        self.live, self.columns = bool(size), (int(size[1]) if len(size) > 1 else 0) or 100
        self.ues, self.calls, self.daemons, self.kernel = ues, calls, daemons, kernel
        self.began, self.stage, self.drawn, self.said = time.monotonic(), "start", 0, 0
        self.before = None      # (time, stats, sample) of the last drawing
        self.cpu, self.rate, self.machine = {}, {}, (0, 0)

    def whole(self):
        """How busy all processors are, in percent of one of them; the kernel's own work and everything else included."""
        f = [int(x) for x in pathlib.Path("/proc/stat").read_text().split("\n")[0].split()[1:9]]
        idle, total, was = f[3] + f[4], sum(f), self.machine
        self.machine = (idle, total)
        return 100 * os.cpu_count() * (1 - (idle - was[0]) / ((total - was[1]) or 1))

    def rates(self, s, now, sample):
        if self.before and now - self.before[0] >= 0.5:
            t, old, cpu = self.before
            self.cpu = {nf: 100 * (sample[nf][0] - cpu[nf][0]) / (now - t) for nf in sample if nf in cpu}
            self.cpu["machine"] = self.whole()
            self.rate = {k: (s["rtp"][k] - old["rtp"][k]) / (now - t) for k in ("sent", "received")}
        if not self.before or now - self.before[0] >= 0.5:
            self.before = (now, s, sample)

    @staticmethod
    def times(s, what):
        t = s.get(what, {})
        return f"p50 {t['p50']:.2f} s, p95 {t['p95']:.2f} s, longest {t['max']:.2f} s" if t.get("n") else ""

    def bar(self, n, of, width=30):
        full = min(width, round(width * n / of)) if of else 0
        return "█" * full + DIM + "·" * (width - full) + OFF

    def busy(self):
        return "  ".join(f"{nf} {self.cpu[nf]:.0f}" for nf in sorted(self.cpu, key=lambda x: x != "machine")) + " %" * bool(self.cpu)

    def lines(self, s, sample, k):
        rtp = s["rtp"]
        yield f"{BOLD}kims: {self.ues} phones, {self.calls} calls{OFF}   {time.monotonic() - self.began:.0f} s   {BOLD}{self.stage}{OFF}"
        yield f"  attached    {s['attached']:6}  {self.bar(s['attached'], self.ues)}  {self.times(s, 'attach')}"
        yield f"  registered  {s['registered']:6}  {self.bar(s['registered'], self.ues)}  {self.times(s, 'register')}"
        yield f"  calls up    {s['calls']:6}  {self.bar(s['calls'], self.calls)}  {self.times(s, 'setup')}"
        yield f"  RTP         {self.rate.get('sent', 0):6.0f}/s sent  {self.rate.get('received', 0):.0f}/s received"
        yield f"              {rtp['sent']} sent, {rtp['lost']} lost, {rtp['skipped']} too late to be sent, {rtp['outside']} outside of a bearer"
        yield f"  CPU         {self.busy()}"
        yield f"  memory      {'  '.join(f'{nf} {m / 1024:.0f}' for nf, (_, m) in sample.items())} MB"
        yield (f"  kims.ko     {k.get('sessions', 0)} sessions, {k.get('sa-sets', 0)} SA sets, {k.get('rtp-flows', 0)} flows; packets: {k.get('gtpu-forwarded', 0)} out of tunnels, "
               f"{k.get('rtp-packets', 0)} relayed")
        yield f"  drops       {listed(drops(k))}"
        yield f"  failures    {(RED + listed(s['reasons']) + OFF) if s['failures'] else 'none'}"

    def show(self, s, last=False):
        now, sample = time.monotonic(), self.daemons.sample()
        self.rates(s, now, sample)
        k = self.kernel.look(every=5)
        if self.live:
            rows = list(self.lines(s, sample, k))
            sys.stdout.write((f"\033[{self.drawn}A" if self.drawn else "") + "".join("\r\033[K" + cut(r, self.columns) + "\n" for r in rows))
            self.drawn = len(rows)
        elif last or now - self.said >= 5:
            self.said = now
            print(f"{now - self.began:5.0f} s  {self.stage:10}  {s['attached']} attached, {s['registered']} registered, {s['calls']} calls"
                  + (f" (set-up {self.times(s, 'setup')})" if s.get("setup", {}).get("n") else "")
                  + f"; RTP {self.rate.get('sent', 0):.0f}/s, {s['rtp']['lost']} lost, {s['rtp']['skipped']} late; CPU {self.busy()}; drops {listed(drops(k))}; failures {listed(s['reasons'])}")
        sys.stdout.flush()


def cut(text, columns):
    """A line of a terminal: what is too long is cut, colours cost no room."""
    out, n, i = [], 0, 0
    while i < len(text) and n < columns - 1:
        if text[i] == "\033":
            j = text.index("m", i) + 1
            out.append(text[i:j])
            i = j
            continue
        out.append(text[i])
        n, i = n + 1, i + 1
    return "".join(out) + OFF


class Load:
    def __init__(self, out, ue):
        self.out, self.ue = out, ue
        self.n, self.calls = env("DEMO_UES", 100), env("DEMO_CALLS", env("DEMO_UES", 100) // 5)
        self.window, self.talk = env("DEMO_WINDOW", 16), env("DEMO_TALK", 30)
        self.ptime = env("DEMO_PTIME", 240 if emulated() else 20)
        self.daemons = Daemons([nf for nf in os.environ["LAB_NFS"].split() if nf != "dns"])
        self.kernel = Kernel()
        self.view = View(self.n, self.calls, self.daemons, self.kernel)
        self.steps, self.notes, self.series, self.errors = {}, {}, [], {}
        self.failed = False
        self.together = None    # RTP when all calls came up, and when they were last seen so

    # --- running ---

    def command(self):
        limit = f"{300 + 3 * self.n}s"
        callers = f"1-{2 * self.calls}"
        return [self.ue, "--json=-", "--stats", "1s", "--keep-going", "--access", f"netns=access,pgw=10.46.0.5,window={self.window}",
                "--set", f"apn=ims,pdn_type=ipv4,netns=ues,dev=eth0,audio_delay=1000ms,ptime={self.ptime}ms,port=0,bearer_wait=20s",
                "--csv", f"{os.environ['LAB_OUT']}/subscribers.csv", "--count", str(self.n),
                "attach", "--timeout", limit,
                "register", "--window", str(self.window), "--timeout", limit,
                "wait", "--duration", f"{SETTLE}s",
                "call", "--pairs", "yes", "--phone", callers, "--window", str(self.window), "--together", "yes", "--duration", f"{self.talk}s",
                "--max-loss", str(MAX_LOSS), "--bearer", "yes", "--timeout", limit,
                "bearers", "--count", "0", "--phone", callers, "--timeout", "60s",
                "deregister", "--window", str(self.window), "--timeout", limit,
                "detach", "--timeout", limit]

    def note(self, name):
        """Kernel, daemons and parts as they are at this moment of the run."""
        self.notes[name] = {"kernel": dict(self.kernel.look()), "daemons": self.daemons.sample(), "time": time.monotonic() - self.view.began}

    def stats(self, s):
        if s["calls"] == self.calls and "talking" not in self.notes:
            self.note("talking")
        if s["calls"] == self.calls:
            self.together = (self.together[0] if self.together else s["rtp"], s["rtp"])
        self.series.append({k: s[k] for k in ("t", "attached", "registered", "calls", "failures", "rtp")})
        self.last = s
        self.view.show(s)

    def count_errors(self, e):
        """Why phones failed: each sentence with the first phone that said it."""
        why = e.get("why")
        if why and not (e.get("ok", True) and e.get("status", 200) in (0, 200)):
            n, phone = self.errors.get((e["event"], why), (0, e["phone"]))
            self.errors[e["event"], why] = (n + 1, phone)

    def take(self, e):
        kind = e["event"]
        if kind == "stats":
            self.stats(e)
        elif kind == "step-begin":
            self.view.stage = STAGES[e["step"] - 1]
            if self.view.stage == "settle":
                self.note("registered")
                self.notes["registered parts"] = self.parts()
        elif kind == "step":
            self.steps[STAGES[e["step"] - 1]] = e
            if self.view.stage == "call":
                self.note("talked")
        elif "phone" in e:
            self.count_errors(e)

    def parts(self):
        """The same phones as each part of the network counts them."""
        ok, seen = check.wait_for(check.pdn, self.n)
        st = check.status()
        return {"pdn": ok, "seen": seen, "sa_sets": st.get("sa_sets", -1), "registrations": len(check.show("registration"))}

    def run(self):
        self.note("start")
        log = open(self.out / "kims-ue.err", "wb")
        p = subprocess.Popen(self.command(), stdout=subprocess.PIPE, stderr=log)
        self.daemons.pids["phones"] = p.pid
        buf = b""
        while True:
            got = os.read(p.stdout.fileno(), 1 << 20)
            if not got:
                break
            *lines, buf = (buf + got).split(b"\n")
            for line in lines:
                self.take(json.loads(line))
        p.wait()
        del self.daemons.pids["phones"]
        if getattr(self, "last", None):
            self.view.stage = "over"
            self.view.show(self.last, last=True)
        self.after = check.wait_for(check.empty, seconds=60)
        self.note("end")

    # --- judging ---

    def verdict(self, name, expected, seen, ok, seconds=0.0):
        self.failed = self.failed or not ok
        row = {"name": name, "expected": expected, "seen": seen, "seconds": seconds, "ok": bool(ok)}
        with open(self.out / "verdicts.ndjson", "a", encoding="utf-8") as f:
            f.write(json.dumps(row) + "\n")

    def step(self, stage, name, expected):
        e = self.steps.get(stage)
        if not e:
            self.verdict(name, expected, f"kims-ue did not come so far: {(self.out / 'kims-ue.err').read_text().strip()[-200:]}", False)
            return None
        why = [f"{n} x {text} (first: phone {phone})" for (_, text), (n, phone) in sorted(self.errors.items(), key=lambda x: -x[1][0])]
        seen = e["seen"] + ("" if e["verdict"] == "held" or not why else "; of all failures: " + "; ".join(why[:3]))
        self.verdict(name, expected, seen, e["verdict"] == "held", e.get("seconds", 0))
        return e

    def judge_network(self):
        p = self.notes.get("registered parts", {"pdn": False, "seen": "nobody asked", "sa_sets": -1, "registrations": -1})
        ok = p["pdn"] and p["sa_sets"] == self.n == p["registrations"]
        self.verdict("the network has them", f"{self.n} of each at SMF, UPF, PCRF, S-CSCF, kims.ko",
                     f"{p['seen']}; {p['registrations']} registrations at the S-CSCF, {p['sa_sets']} SA sets", ok)

    def judge_calls(self, e):
        d = e["detail"]
        self.verdict("all calls up at the same time", f"{self.calls}", f"{d['most_at_once']}; set-up {View.times(self.last, 'setup')}", d["most_at_once"] == self.calls)
        k = self.notes.get("talking", {}).get("kernel", {})
        bearers = [b for c in d["list"] for b in c.get("bearers", []) if b["qci"] == 1]
        idle = [b for b in bearers if not b["ul_packets"] or not b["dl_packets"]]
        rtp = self.last["rtp"]
        wrong = sum(b["dl_wrong"] for b in bearers)
        self.verdict("media on dedicated bearers, both directions", f"{2 * self.calls} bearers of QCI 1 that carry RTP up and down, none outside",
                     f"{len(bearers)} bearers, {len(idle)} of them idle in a direction; {rtp['outside']} RTP or RTCP outside, {wrong} in a wrong tunnel; "
                     f"{k.get('rtp-flows', 0)} flows in kims.ko", len(bearers) == 2 * self.calls and not idle and not rtp["outside"] and not wrong)
        self.judge_rtp(d, rtp)

    def judge_rtp(self, d, rtp):
        ends = d["rtp"]
        lost, sent = sum(x["lost"] for x in ends), sum(x["expected"] for x in ends) or 1
        worst = max((x["loss_percent"] for x in ends), default=100)
        late = max((x["delay_p95_ms"] for x in ends), default=0)
        during = {k: v - drops(self.notes["registered"]["kernel"]).get(k, 0) for k, v in drops(self.notes["talked"]["kernel"]).items()}
        self.verdict(f"RTP, {self.ptime} ms a packet", f"at most {MAX_LOSS:g} % lost in each direction of each call",
                     f"{lost} of {sent} lost ({100 * lost / sent:.3f} %), worst direction {worst:.2f} %, delay p95 at worst {late:.0f} ms; kims.ko dropped meanwhile: "
                     f"{listed({k: v for k, v in during.items() if v})}", len(ends) == 2 * self.calls and worst <= MAX_LOSS)
        a, b = self.together or (rtp, rtp)
        due = self.pace(a, b)
        self.verdict("the phones kept their pace", f"at least {MIN_SENT:g} % of the RTP that was due while all calls were up",
                     f"{due:.1f} %; {self.pace({'sent': 0, 'skipped': 0}, rtp):.1f} % with set-up and end of the calls: {rtp['skipped']} packets were 200 ms late and not sent"
                     + ("" if due >= MIN_SENT else "; this machine is too slow, try a longer PTIME or fewer CALLS"), due >= MIN_SENT)

    @staticmethod
    def pace(a, b):
        sent, skipped = b["sent"] - a["sent"], b["skipped"] - a["skipped"]
        return 100 * sent / ((sent + skipped) or 1)

    def judge_memory(self):
        start, full, end = (self.notes.get(x, {}).get("daemons", {}) for x in ("start", "registered", "end"))
        talking = self.notes.get("talking", {}).get("daemons", full)
        per = {nf: (max(full[nf][1], talking[nf][1]) - start[nf][1]) / self.n for nf in start if nf in full}
        self.memory = {nf: {"start_kb": start[nf][1], "registered_kb": full[nf][1], "talking_kb": talking[nf][1], "end_kb": end[nf][1], "per_phone_kb": round(per[nf], 2),
                            "cpu_seconds": round(end[nf][0] - start[nf][0], 2)} for nf in per}
        self.verdict("memory", f"a daemon grows by at most {MAX_MEMORY} kB a phone, and {MAX_BASE // 1024} MB", ", ".join(f"{nf} {per[nf]:.1f} kB" for nf in per) + "; resident at the end "
                     + ", ".join(f"{nf} {end[nf][1] / 1024:.1f} MB" for nf in per), per and max(per.values()) <= MAX_MEMORY + MAX_BASE / self.n)
        self.verdict("processor", "as it is", ", ".join(f"{nf} {m['cpu_seconds']:.1f} s" for nf, m in self.memory.items()) + f"; {1000 * sum(m['cpu_seconds'] for m in self.memory.values()) / self.n:.0f} ms for a phone", True)

    def judge(self):
        self.step("attach", f"{self.n} phones attach", "accepted, address, P-CSCF")
        self.step("register", f"{self.n} phones register", "200 OK, 4 SAs, reg event active")
        self.judge_network()
        e = self.step("call", f"{self.calls} calls", f"each answered, all together for {self.talk} s")
        if e and e.get("detail"):
            self.judge_calls(e)
        self.step("bearers", "the bearers went with the calls", "no dedicated bearer")
        self.step("deregister", f"{self.n} phones de-register", "200 OK")
        self.step("detach", f"{self.n} phones detach", "accepted")
        self.verdict("everything is released", "no SA, flow, registration, session, PDN connection", self.after[1], self.after[0])
        now = self.daemons.find()
        gone = [nf for nf in now if now[nf] != self.daemons.pids[nf] or not pathlib.Path(f"/proc/{now[nf]}").exists()]
        self.verdict("the daemons", "the same processes as at the start", f"not {', '.join(gone)}" if gone else "the same", not gone)
        self.judge_memory()

    def save(self):
        figures = {"phones": self.n, "calls": self.calls, "window": self.window, "talk_seconds": self.talk, "ptime_ms": self.ptime, "emulated": emulated(),
                   "last": getattr(self, "last", None), "notes": self.notes, "memory": getattr(self, "memory", None), "series": self.series,
                   "steps": {k: {x: v.get(x) for x in ("verdict", "seen", "seconds", "detail")} for k, v in self.steps.items()},
                   "errors": [{"step": k, "why": why, "count": n, "first": phone} for (k, why), (n, phone) in self.errors.items()]}
        (self.out / "load.json").write_text(json.dumps(figures, indent=1))


def main():
    p = argparse.ArgumentParser()
    p.add_argument("out", type=pathlib.Path)
    p.add_argument("--ue", default="build/bin/kims-ue")
    a = p.parse_args()
    load = Load(a.out, a.ue)
    load.run()
    try:
        load.judge()
    finally:
        load.save()
    return load.failed


if __name__ == "__main__":
    sys.exit(main())
