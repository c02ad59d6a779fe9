#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Makes the user files of the rig.

usage: gen_users.py N [--domain D] [--auth MD5|AKA] [--out DIR] [--net 127.16] [--start 0]

Writes in DIR:
  hss.csv    impi;impu;tel;auth;password;K;OP;AMF      (for cxhss)
  reg.csv    user;[authentication ...];ue-ip           (sipp, one line per user)
  caller.csv user;[authentication];ue-ip;callee-user   (sipp UAC: first half of the users)
  callee.csv user;ue-ip                                (sipp UAS: second half)
Each user has its own IP address (a UE has): NET.x.y in 127/8, port 5060.
K and OP are 16 printable bytes, since sipp keeps them as C strings.
"""
import argparse, os

a = argparse.ArgumentParser()
a.add_argument("n", type=int)
a.add_argument("--domain", default=os.environ.get("DOMAIN", "ims.mnc001.mcc001.3gppnetwork.org"))
a.add_argument("--auth", default="MD5")
a.add_argument("--out", default=os.environ.get("USERS_DIR", "."))
a.add_argument("--net", default="127.16")
a.add_argument("--start", type=int, default=0)
o = a.parse_args()
os.makedirs(o.out, exist_ok=True)
n0, n1 = (int(x) for x in o.net.split("."))


def ip(i):
    v = (n0 << 24) + (n1 << 16) + 256 + i
    return ".".join(str((v >> s) & 255) for s in (24, 16, 8, 0))


def hexs(s):
    return s.encode().hex()


hss, reg, caller, callee = [], [], [], []
half = o.n // 2
for i in range(o.start, o.start + o.n):
    u = "u%07d" % i
    k, op, amf = "K%015d" % i, "OPOPOPOPOPOPOPOP", "8181"
    pw = "pw%d" % i
    hss.append(f"{u}@{o.domain};sip:{u}@{o.domain};tel:+1{i:010d};{o.auth};{pw};{hexs(k)};{hexs(op)};{amf}")
    if o.auth == "AKA":
        au = f"[authentication username={u}@{o.domain} aka_K=0x{hexs(k)} aka_OP=0x{hexs(op)} aka_AMF=0x{amf}]"
    else:
        au = f"[authentication username={u}@{o.domain} password={pw}]"
    reg.append(f"{u};{au};{ip(i)}")
    j = i - o.start
    if j < half:
        caller.append(f"{u};{au};{ip(i)};u{i + half:07d}")
    else:
        callee.append(f"{u};{ip(i)}")
for name, rows, head in (("hss.csv", hss, None), ("reg.csv", reg, "SEQUENTIAL"), ("caller.csv", caller, "SEQUENTIAL"), ("callee.csv", callee, "SEQUENTIAL")):
    with open(os.path.join(o.out, name), "w") as f:
        if head:
            f.write(head + "\n")
        f.write("\n".join(rows) + "\n")
print(f"{o.n} users in {o.out}")
