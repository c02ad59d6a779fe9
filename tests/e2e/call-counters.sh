#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# What the phones sent and received is what kims.ko counted, to the packet.
. tests/e2e/lib.sh
$UE --phone "$(phone 1)" --phone "$(phone 2 family=6)" --json "$LAB_OUT/counters.ndjson" register --phone all call --from 1 --to 2 --duration 3s deregister --phone all || exit 1
check counters "$LAB_OUT/counters.ndjson"
