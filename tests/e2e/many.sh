#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Eight phones call pairwise at once, twice; RTP quality holds.
. tests/e2e/lib.sh
args=()
for i in 1 2 3 4 5 6 7 8; do args+=(--phone "$(phone $i family=$((i % 3 ? 4 : 6)))"); done
$UE "${args[@]}" register --phone all call --pairs yes --duration 3s --max-loss 2 call --pairs yes --duration 1s deregister --phone all
