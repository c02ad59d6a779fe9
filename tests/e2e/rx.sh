#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Rx from the P-CSCF to kims-pcrf: calls go on while no PCRF is there; a PCRF that knows no IP-CAN session of the phones
# (they came without an SMF) ends them before they are answered, and the 503 of a proxy arrives as 500; a call whose first answer
# stands in its 200 is ended by a BYE of the network; a call that is up outlives its PCRF. Registrations stand in every case.
# Nothing is left at either end.
. tests/e2e/lib.sh
cp "$LAB_CONF" "$LAB_CONF.rx"
restore() {
	mv "$LAB_CONF.rx" "$LAB_CONF"
	nf stop pcrf >/dev/null 2>&1
	nf restart pcscf
}
trap restore EXIT
sed -i 's/^pcscf:$/pcscf:\n  rx: yes/' "$LAB_CONF"
nf stop pcrf >/dev/null 2>&1
nf restart pcscf || exit 1

$UE --phone "$(phone 1)" --phone "$(phone 2 family=6)" register --phone all \
	call --from 1 --to 2 --duration 1s --max-loss 1 call --from 2 --to 1 --precondition no --duration 1s deregister --phone all || fail "no calls without a PCRF"
grep -q "no PCRF answers; the call goes on" "$LAB_OUT/pcscf.log" || fail "nobody said that there is no PCRF"
check rows rx 0 || fail "AF sessions left at the P-CSCF"

$UE --phone "$(phone 1)" --phone "$(phone 2)" register --phone all call --from 1 --to 2 --hangup no --duration 1s \
	run --command "tests/lab/nf start pcrf" run --command "tests/demo/check.py pcrf Rx" hangup --phone 1 \
	call --from 1 --to 2 --expect 500 call --from 2 --to 1 --precondition no --rel100 no --duration 15s --expect 200 \
	run --command "sleep 2" run --command "tests/demo/check.py flows 0" deregister --phone all || fail "refused calls"
grep -q "refused its media with 5065" "$LAB_OUT/pcscf.log" || fail "the PCRF refused nothing"
check rows rx 0 || fail "AF sessions left at the P-CSCF"
check rows af 0 || fail "AF sessions left at the PCRF"
echo "without a PCRF, refused, PCRF in mid-call"
