#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# P-CSCF killed and started again: registrations and SAs stay, a call that was up goes on and ends well, new ones work.
. tests/e2e/lib.sh
$UE --phone "$(phone 1)" --phone "$(phone 2)" --phone "$(phone 3 transport=tcp)" register --phone all call --from 1 --to 2 --hangup no --duration 1s \
	run --command "tests/lab/nf crash pcscf" run --command "tests/demo/check.py sas 3" run --command "tests/demo/check.py flows 4+" \
	hangup --phone 1 run --command "tests/demo/check.py flows 0" call --from 2 --to 1 --duration 1s call --from 3 --to 1 --duration 1s deregister --phone all
