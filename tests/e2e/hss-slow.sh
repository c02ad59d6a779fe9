#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The HSS answers nothing (stopped process): 504 within the SIP timer, never silence; afterwards all works.
. tests/e2e/lib.sh
nf freeze hss
t0=$SECONDS
$UE --phone "$(phone 1)" register --phone 1 --expect 504; rc=$?
nf thaw hss
[ $rc = 0 ] && [ $((SECONDS - t0)) -lt 32 ] || fail "status $rc after $((SECONDS - t0)) s"
for _ in $(seq 15); do $UE --phone "$(phone 1)" register --phone 1 deregister --phone 1 && exit 0; sleep 1; done
fail "no registration after the HSS answered again"
