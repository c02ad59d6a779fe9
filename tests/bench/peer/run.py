#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Runs one load scenario against an IMS core and reports throughput, latency and CPU per operation.

usage: run.py SCENARIO --rate R --n N [options]

SCENARIO  register | register_fast | deregister | call | message
options   --rate R        operations started per second
          --n N           operations in all (cycles through the CSV when it is shorter)
          --users DIR     folder made by gen_users.py            (default $USERS_DIR)
          --csv FILE      sipp CSV for register                  (default reg.csv)
          --pcscf IP      P-CSCF address, port 5060              (default $P_IP)
          --domain D      home domain                            (default $DOMAIN)
          --sroute S      Service-Route value for calls; "probe" asks the core by registering one user
          --hold MS       time between ACK and BYE (call)        (default 1000)
          --expires S     Expires of REGISTER                    (default 600000)
          --proc NAME=PIDFILE[,...]  processes to account, each with all its children
                          (default: pcscf, icscf, scscf, hss from $RUN/*.pid)
          --ns NAME       network namespace to run sipp in; "" for none (default $NS)
          --tag T         label written in the result
          --limit S       give up after S seconds (default n/rate*1.5+40)
          --pcap          capture at the P-CSCF and report latencies in ms (p50, p95, p99) for each method>status
          --uenet NET     the UEs' network, for the capture filter (default 127.16.0.0/12)
          --max-calls L   sipp -l: limit of calls open at once
Prints one JSON object and appends it to $OUT/results.jsonl.
CPU is user+system time of the process and all its children (from /proc/PID/task/*/schedstat and /proc/PID/stat).
"""
import argparse, json, os, re, signal, subprocess, sys, time

E = os.environ.get
ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
ap.add_argument("scenario")
ap.add_argument("--rate", type=float, required=True)
ap.add_argument("--n", type=int, required=True)
ap.add_argument("--users", default=E("USERS_DIR", "users"))
ap.add_argument("--csv", default="reg.csv")
ap.add_argument("--pcscf", default=E("P_IP", "127.0.1.1"))
ap.add_argument("--domain", default=E("DOMAIN"))
ap.add_argument("--sroute", default="probe")
ap.add_argument("--hold", type=int, default=1000)
ap.add_argument("--expires", type=int, default=600000)
ap.add_argument("--proc", default="")
ap.add_argument("--ns", default=E("NS", ""))
ap.add_argument("--tag", default="")
ap.add_argument("--limit", type=float, default=0)
ap.add_argument("--max-calls", type=int, default=0)
ap.add_argument("--pcap", action="store_true")
ap.add_argument("--uenet", default="127.16.0.0/12")
ap.add_argument("--ip", default="127.0.2.1")
o = ap.parse_args()
RIG, OUT, CG = E("RIG"), E("OUT"), E("CG_GEN", "")
TICK = os.sysconf("SC_CLK_TCK")


def procs():
    """pid -> (ppid, utime+stime in s, starttime)"""
    r = {}
    for d in os.listdir("/proc"):
        if d.isdigit():
            try:
                s = open(f"/proc/{d}/stat").read()
                f = s[s.rindex(")") + 2:].split()
                r[int(d)] = (int(f[1]), (int(f[11]) + int(f[12])) / TICK)
            except OSError:
                pass
    return r


def sched(pid):
    t = 0
    try:
        for x in os.listdir(f"/proc/{pid}/task"):
            t += int(open(f"/proc/{pid}/task/{x}/schedstat").read().split()[0])
    except (OSError, ValueError):
        return None
    return t / 1e9


def comps():
    r = {}
    if o.proc:
        for x in o.proc.split(","):
            k, v = x.split("=")
            r[k] = int(open(v).read() if not v.isdigit() else v)
    else:
        for k in ("pcscf", "icscf", "scscf", "hss"):
            try:
                r[k] = int(open(f"{E('RUN')}/{k}.pid").read())
            except OSError:
                pass
    return r


def tree(root, ps):
    out, todo = [], [root]
    kids = {}
    for p, v in ps.items():
        kids.setdefault(v[0], []).append(p)
    while todo:
        p = todo.pop()
        if p in ps:
            out.append(p)
            todo += kids.get(p, [])
    return out


def snap():
    ps, r = procs(), {}
    for k, root in comps().items():
        t = tree(root, ps)
        pss = rss = 0
        for p in t:
            try:
                for l in open(f"/proc/{p}/smaps_rollup"):
                    if l.startswith("Pss:"):
                        pss += int(l.split()[1])
                    elif l.startswith("Rss:"):
                        rss += int(l.split()[1])
            except OSError:
                pass
        ns = [sched(p) for p in t]
        r[k] = dict(cpu=sum(ps[p][1] for p in t), ns=sum(x for x in ns if x is not None), pss=pss, n=len(t))
    return r


def sipp(xml, args, tagname):
    c = ["ip", "netns", "exec", o.ns] if o.ns else []
    c += ["sipp", "-sf", f"{RIG}/sipp/{xml}.xml", "-nostdin", "-max_socket", "19900", "-t", "ui", "-p", "5060",
          "-key", "domain", o.domain, "-key", "pcscf", o.pcscf, "-buff_size", "4194304"] + args
    f = open(f"{OUT}/{tagname}.scr", "w")
    pre = (lambda: open(f"/sys/fs/cgroup/cpu/{CG}/tasks", "w").write(str(os.getpid()))) if CG else None
    return subprocess.Popen(c, stdout=f, stderr=f, cwd=OUT, preexec_fn=pre)


def probe():
    """Registers the first user of the CSV through sipp and reads the Service-Route."""
    f = f"{OUT}/probe.msg"
    if os.path.exists(f):
        os.remove(f)
    p = sipp("register", ["-i", "127.0.2.9", "-inf", f"{o.users}/{o.csv}", "-ip_field", "2", "-key", "expires", str(o.expires), "-m", "1", "-r", "1",
                          "-trace_msg", "-message_file", f, "-timeout", "8", f"{o.pcscf}:5060"], "probe")
    p.wait()
    m = re.findall(r"^Service-Route:\s*(.*?)\s*$", open(f).read(), re.M | re.I)
    return m[-1] if m else ""


def pct(v, q):
    return round(v[min(len(v) - 1, int(q * len(v)))], 3) if v else None


def latency(path, pip):
    """From a capture at the P-CSCF's UE side: time from the first copy of a request sent by a UE to each first response,
    keyed by method and status; ms."""
    import struct
    d = open(path, "rb").read()
    link = struct.unpack_from("<I", d, 20)[0]
    ns = struct.unpack_from("<I", d, 0)[0] == 0xA1B23C4D
    l2 = {1: 14, 0: 4, 113: 16, 276: 20}.get(link, 14)
    pos, sent, lat, resent = 24, {}, {}, 0
    pb = bytes(int(x) for x in pip.split("."))
    while pos + 16 <= len(d):
        ts, tf, cl, ol = struct.unpack_from("<IIII", d, pos)
        k = d[pos + 16:pos + 16 + cl]
        pos += 16 + cl
        t = ts * 1000 + tf / (1e6 if ns else 1e3)
        i = l2
        ihl = (k[i] & 15) * 4
        src, dst = k[i + 12:i + 16], k[i + 16:i + 20]
        m = k[i + ihl + 8:]
        if not m:
            continue
        if dst == pb and not m.startswith(b"SIP/2.0"):
            x = re.search(rb"\r\nCall-ID: *([^\r]+)", m, re.I)
            y = re.search(rb"\r\nCSeq: *(\d+ [A-Z]+)", m, re.I)
            if x and y:
                key = (x.group(1), y.group(1))
                if key in sent:
                    resent += 1
                else:
                    sent[key] = t
        elif src == pb and m.startswith(b"SIP/2.0"):
            x = re.search(rb"\r\nCall-ID: *([^\r]+)", m, re.I)
            y = re.search(rb"\r\nCSeq: *(\d+ [A-Z]+)", m, re.I)
            if x and y:
                key = (x.group(1), y.group(1))
                st = m[8:11].decode()
                if key in sent and (key, st) not in lat:
                    lat[(key, st)] = t - sent[key]
    g = {}
    for (key, st), v in lat.items():
        g.setdefault(key[1].split()[1].decode() + ">" + st, []).append(v)
    r = dict(lat_resent=resent)
    for k, v in sorted(g.items()):
        v.sort()
        r["lat " + k] = dict(n=len(v), p50=pct(v, .5), p95=pct(v, .95), p99=pct(v, .99), max=round(v[-1], 3))
    return r


res = dict(scenario=o.scenario, tag=o.tag, rate=o.rate, n=o.n, time=time.strftime("%F %T"))
sroute = ""
if o.scenario in ("call", "message"):
    sroute = probe() if o.sroute == "probe" else o.sroute
    res["sroute"] = sroute
lim = o.limit or o.n / o.rate * 1.5 + 40
common = ["-inf", "", "-ip_field", "2", "-m", str(o.n), "-r", str(o.rate), "-rp", "1000", "-timeout", f"{int(lim)}s",
          "-trace_err", "-error_file", f"{OUT}/{o.scenario}.err", "-recv_timeout", "40000", "-i", o.ip]
if o.max_calls:
    common += ["-l", str(o.max_calls)]
else:
    common += ["-l", str(max(1000, int(o.rate * 60)))]
if os.path.exists(f"{OUT}/{o.scenario}.err"):
    os.remove(f"{OUT}/{o.scenario}.err")
uas = None
if o.scenario in ("call", "message"):
    common[1] = f"{o.users}/caller.csv"
    uas = sipp(f"{o.scenario}_uas", ["-i", "127.0.2.2", "-inf", f"{o.users}/callee.csv", "-ip_field", "1", "-trace_err", "-error_file", f"{OUT}/uas.err"], "uas")
    time.sleep(3)
    uac_xml, extra = f"{o.scenario}_uac", ["-key", "sroute", sroute, "-d", str(o.hold)]
else:
    common[1] = f"{o.users}/{o.csv}"
    uac_xml, extra = o.scenario, ["-key", "expires", str(o.expires)]
load0 = os.getloadavg()[0]


def uas_cpu():
    ps = procs()
    if not uas or uas.pid not in ps:
        return 0
    return sum(ps[p][1] for p in tree(uas.pid, ps))


cap = None
if o.pcap:
    capf = f"{OUT}/lat.pcap"
    c = ["ip", "netns", "exec", o.ns] if o.ns else []
    cap = subprocess.Popen(c + ["dumpcap", "-q", "-P", "-i", "lo", "-s", "700", "-B", "64", "-f", f"udp port 5060 and host {o.pcscf} and net {o.uenet}", "-w", capf],
                           stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    time.sleep(2)
stat0 = [int(x) for x in open("/proc/stat").readline().split()[1:]]
a, u0, t0 = snap(), uas_cpu(), time.time()
p = sipp(uac_xml, common + extra + [f"{o.pcscf}:5060"], "uac")
_, st, ru = os.wait4(p.pid, 0)
t1 = time.time()
b = snap()
stat1 = [int(x) for x in open("/proc/stat").readline().split()[1:]]
u1 = uas_cpu()
if uas:
    uas.send_signal(signal.SIGUSR1)
    try:
        uas.wait(3)
    except subprocess.TimeoutExpired:
        uas.kill()
        uas.wait()
scr = open(f"{OUT}/uac.scr", errors="replace").read()


def last(name, col=-1):
    m = re.findall(re.escape(name) + r"\s*\|\s*(\S+)\s*\|\s*(\S+)", scr)
    return m[-1][col] if m else None


ok, bad = int(last("Successful call") or 0), int(last("Failed call") or 0)
m = re.findall(r"-+> *[^\n]*|[A-Z]+ -{5,}> +(?:[BE]-RTD\d+ +)?(\d+) +(\d+)", scr)
retr = sum(int(x[1]) for x in re.findall(r"(?:REGISTER|INVITE|MESSAGE|BYE|ACK) -{5,}>\s+(?:[BE]-RTD\d+\s+)*(\d+)\s+(\d+)", scr.split("Start Time")[-2] if "Start Time" in scr else scr))
wall = t1 - t0
res.update(ok=ok, failed=bad, retrans=retr, wall=round(wall, 2), ops=round(ok / wall, 1), load0=load0)
rech = last("Counter rechallenged")
if rech is not None:
    res["rechallenged"] = int(rech)
if cap:
    time.sleep(0.5)
    cap.send_signal(signal.SIGINT)
    cap.wait()
    res.update(latency(capf, o.pcscf))
    os.remove(capf)
done = max(ok, 1)
tot = 0
res["cpu_ms_per_op"], res["cpu_s"], res["pss_mb"] = {}, {}, {}
for k in b:
    if k in a:
        d = b[k]["ns"] - a[k]["ns"]
        tot += d
        res["cpu_ms_per_op"][k] = round(d / done * 1e3, 4)
        res["cpu_s"][k] = round(d, 3)
        res["cpu_s"][k + "_stat"] = round(b[k]["cpu"] - a[k]["cpu"], 2)
        res["pss_mb"][k] = [round(a[k]["pss"] / 1024, 1), round(b[k]["pss"] / 1024, 1)]
        if a[k]["n"] != b[k]["n"]:
            res.setdefault("proc_count_changed", {})[k] = [a[k]["n"], b[k]["n"]]
    else:
        res.setdefault("gone", []).append(k)
res["cpu_ms_per_op"]["core_total"] = round(tot / done * 1e3, 4)
res["cpu_ms_per_op"]["sipp"] = round((ru.ru_utime + ru.ru_stime + u1 - u0) / done * 1e3, 4)
d = [y - x for x, y in zip(stat0, stat1)]
if E("CG_CORE"):
    try:
        res["cg_quota"] = int(open(f"/sys/fs/cgroup/cpu/{E('CG_CORE')}/cpu.cfs_quota_us").read()) / int(open(f"/sys/fs/cgroup/cpu/{E('CG_CORE')}/cpu.cfs_period_us").read())
    except OSError:
        pass
res["core_cpus_used"] = round(tot / wall, 3)
res["machine_busy_pct"] = round(100 * (1 - (d[3] + d[4]) / max(sum(d), 1)), 1)
res["steal_pct"] = round(100 * d[7] / max(sum(d), 1), 1)
err = f"{OUT}/{o.scenario}.err"
if os.path.exists(err):
    c = {}
    for l in open(err, errors="replace"):
        m = re.search(r"received '(SIP/2.0 \d+ .*?)\s*$", l)
        if m and "404 Not here" not in m.group(1):
            c[m.group(1)] = c.get(m.group(1), 0) + 1
        elif "timeout" in l.lower():
            c["timeout"] = c.get("timeout", 0) + 1
    res["errors"] = c
print(json.dumps(res))
if E("RESULTS"):
  with open(E("RESULTS"), "a") as f:
    f.write(json.dumps(res) + "\n")
