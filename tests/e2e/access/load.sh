#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Forty phones behind one link, eight calls up at once: what "make demo UES=1000" does (tests/demo/load.py), small.
# Long packets, because the machine that tests it may be slow and busy.
. tests/e2e/lib.sh
out=$LAB_OUT/load
rm -rf "$out"; mkdir -p "$out"
away() { ip -n access link del gms; ip netns del ues; }
trap away EXIT
lab_crowd_link || fail "no link"
lab_subscribers 40 || fail "no subscribers"
export LAB_NFS DEMO_UES=40 DEMO_CALLS=8 DEMO_WINDOW=8 DEMO_TALK=5 DEMO_PTIME=240
tests/demo/load.py "$out" --ue "$UE"
rc=$?
python3 -c 'import json, sys
for v in map(json.loads, open(sys.argv[1])): print("held  " if v["ok"] else "FAILED", v["name"], "|", v["seen"])' "$out/verdicts.ndjson"
[ $rc = 0 ] || fail "see above"
