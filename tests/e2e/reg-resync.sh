#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The SIM's SQN is ahead of the HSS's: AUTS, resynchronisation (TS 33.102 6.3.5), then a registration; and again after it.
. tests/e2e/lib.sh
$UE --phone "$(phone 1)" --json "$LAB_OUT/resync.ndjson" sqn --phone 1 --seqs 100000 register --phone 1 deregister --phone 1 register --phone 1 deregister --phone 1 || exit 1
grep -q '"resynced":true' "$LAB_OUT/resync.ndjson" || fail "no AUTS was sent"
