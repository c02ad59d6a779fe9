#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The HSS is down: an error answer at once, not silence; it comes back: registration works within seconds.
. tests/e2e/lib.sh
nf stop hss || exit 1
t0=$SECONDS
$UE --phone "$(phone 1)" register --phone 1 --expect 504 || $UE --phone "$(phone 1)" register --phone 1 --expect 480 || { nf start hss; fail "no 504 or 480"; }
[ $((SECONDS - t0)) -lt 30 ] || fail "the answer took $((SECONDS - t0)) s"
nf start hss || exit 1
for _ in $(seq 15); do $UE --phone "$(phone 1)" register --phone 1 deregister --phone 1 && exit 0; sleep 1; done
fail "no registration within 15 s after the HSS was back"
