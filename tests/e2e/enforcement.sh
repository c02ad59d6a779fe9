#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# kims.ko lets a packet reach a protected port only through the SA set bound to that UE: cleartext, another UE's SA, a
# spoofed source are dropped, counted, reported with the subscriber; an identity that is not the UE's gets 403.
. tests/e2e/lib.sh
for fam in 4 6; do
	$UE --phone "$(phone 1 family=$fam)" --phone "$(phone 2 family=$fam)" register --phone all \
		cleartext --phone 2 run --command "tests/demo/check.py drops cleartext 001010000000002" \
		wrong_sa --phone 2 --as 1 run --command "tests/demo/check.py drops wrong-sa 001010000000001" \
		spoof --phone 2 --as 1 run --command "tests/demo/check.py drops spoofed 001010000000002" \
		identity --phone 2 --as 1 --expect 403 call --from 1 --to 2 --duration 1s deregister --phone all || exit 1
	nf restart pcscf || exit 1 # a fresh ring of drops for the next family
done
grep -aq '001010000000002' "$LAB_OUT/pcscf.log" || fail "the log does not name the subscriber"
