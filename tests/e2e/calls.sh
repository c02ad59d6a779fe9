#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Calls, each way of ending: caller, callee, busy, no answer and CANCEL, rejected, not registered, without preconditions,
# without 100rel, hold and resume, codec change, UPDATE, IPv4 to IPv6.
. tests/e2e/lib.sh
$UE --phone "$(phone 1)" --phone "$(phone 2)" --phone "$(phone 3 family=6)" --phone "$(phone 4)" register --phone 1-3 \
	call --from 1 --to 2 --duration 2s --max-loss 1 \
	call --from 2 --to 1 --duration 1s --hangup to \
	call --from 1 --to 3 --duration 2s --max-loss 1 \
	call --from 3 --to 1 --duration 1s \
	call --from 1 --to 2 --reject 486 --expect 486 \
	call --from 1 --to 2 --reject 603 --expect 603 \
	call --from 1 --to 2 --never yes --cancel-after 1s --expect 487 \
	call --from 1 --to 4 --expect 480 \
	call --from 1 --to sip:nobody@$LAB_DOMAIN --expect 404 \
	call --from 1 --to 2 --precondition no --duration 1s \
	call --from 1 --to 2 --precondition no --rel100 no --duration 1s \
	call --from 1 --to 2 --hangup no --duration 1s hold --phone 1 --hold 1s resume --phone 1 codec --phone 1 update --phone 2 hangup --phone 1 \
	run --command "tests/demo/check.py flows 0" \
	deregister --phone 1-3
