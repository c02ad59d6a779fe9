#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# S-CSCF killed and started again: registrations stay, calls work, re-registration and de-registration too.
. tests/e2e/lib.sh
$UE --phone "$(phone 1)" --phone "$(phone 2)" register --phone all run --command "tests/lab/nf crash scscf" run --command "tests/demo/check.py registered 2" \
	call --from 1 --to 2 --duration 1s reregister --phone 1 call --from 2 --to 1 --duration 1s deregister --phone all
