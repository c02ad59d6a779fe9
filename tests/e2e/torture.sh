#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# RFC 4475 and worse to every SIP port, UDP and TCP: each daemon still answers, none dies.
. tests/e2e/lib.sh
rc=0
# Mw takes requests from the trust domain only: there the messages come from the DNS server's address
core_one() { echo "$*"; tests/e2e/torture.py --bind 10.46.0.53 "$@" || rc=1; }
one() { echo "$*"; ip netns exec ue8 tests/e2e/torture.py "$@" || rc=1; }
for tp in "" --tcp; do
	one 10.46.0.1 5060 tests/torture/rfc4475 --quick $tp
	one fd46::1 5060 tests/torture/rfc4475 --quick $tp
	core_one 10.46.0.1 5070 tests/torture/rfc4475 --quick $tp
	core_one 10.46.0.2 5060 tests/torture/rfc4475 --quick $tp
	core_one 10.46.0.3 5060 tests/torture/rfc4475 --quick $tp
done
[ $rc = 0 ] || exit 1
$UE --phone "$(phone 1)" --phone "$(phone 2)" register --phone all call --from 1 --to 2 --duration 1s deregister --phone all
