#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Of the TCP connections of phones that have de-registered nothing is left that the P-CSCF would repeat into SAs that are gone.
. tests/e2e/lib.sh
left() { core ss -Htan | grep -E ':506[34] ' | grep -vE '^(LISTEN|TIME-WAIT) '; }
for family in 4 6; do
	$UE --phone "$(phone 1 transport=tcp family=$family)" --phone "$(phone 2 transport=tcp family=$family)" register --phone all \
		call --from 1 --to 2 --duration 1s --max-loss 1 deregister --phone all || exit 1
	[ -n "$(left)" ] || fail "they have gone before the last answers"
	for ((i = 0; i < 150; i++)); do # as long as the SAs stay, and a bit
		[ -n "$(left)" ] || break
		sleep 0.1
	done
	if [ $i = 150 ]; then left; fail "connections outlive their SAs"; fi
done
