#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Registration with each algorithm of TS 33.203 that is asked for, over UDP and TCP, IPv4 and IPv6: 32 phones in
# four rounds of eight, all at once; each leaves again.
. tests/e2e/lib.sh
i=0 set -- ; args=()
round() { $UE "${args[@]}" register --phone all deregister --phone all || fail "round with ${what[*]}"; args=(); what=(); }
what=()
for pair in hmac-{md5,sha-1}-96/{null,aes-cbc,des-ede3-cbc} aes-gmac/null null/aes-gcm; do for tp in udp tcp; do for fam in 4 6; do
	i=$((i + 1)); n=$(((i - 1) % 8 + 1))
	args+=(--phone "$(phone $n family=$fam algs="${pair%/*}" ealgs="${pair#*/}" transport=$tp)"); what+=("$pair/$tp/IPv$fam")
	[ $n = 8 ] && round
done; done; done
