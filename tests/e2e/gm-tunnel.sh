#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# A phone whose address has a GTP-U session at this host gets SAs that are bound to it: what comes past its tunnel is dropped as
# wrong-tunnel and reported with the subscriber, IPv4 and IPv6. A phone without a session, or whose session has gone, registers as ever.
. tests/e2e/lib.sh
session() { # new|del
	PYTHONPATH=tests/kmod python3 - "$1" <<'EOF' || fail "GTP-U session: $1"
import sys
import knl
k = knl.Knl()
if sys.argv[1] == "del":
    k.session_del(4711, 4712)
    sys.exit(0)
far = [{"id": 1, "apply-action": "forw", "destination-interface": "core"}]
pdr = [{"id": 1, "precedence": 100, "source-interface": "core", "far-id": 1}]
k.session_new({"id": 4711, "ue-ipv4": "10.45.0.11", "pdr": pdr, "far": far},
              {"id": 4712, "ue-ipv6": "fd45::", "pdr": pdr, "far": far})
EOF
}
nf restart pcscf || exit 1 # a fresh ring of drops
session new
trap 'session del 2>/dev/null' EXIT
timeout 12 $UE --phone "$(phone 1)" --phone "$(phone 2 family=6)" register --phone all && fail "registered past its tunnel"
check drops wrong-tunnel 001010000000001 || exit 1
check drops wrong-tunnel 001010000000002 || exit 1
$UE --phone "$(phone 3)" register --phone all deregister --phone all || fail "a phone without a session"
session del
trap - EXIT
nf restart pcscf || exit 1 # forgets the attempts above
$UE --phone "$(phone 1)" --phone "$(phone 2 family=6)" register --phone all call --from 1 --to 2 --duration 1s deregister --phone all || fail "after the session had gone"
