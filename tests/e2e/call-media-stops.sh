#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Media stops in both directions: the network ends the call (TS 24.229 5.2.8.1), and no flow stays.
. tests/e2e/lib.sh
$UE --phone "$(phone 1)" --phone "$(phone 2)" register --phone all call --from 1 --to 2 --hangup no --duration 1s \
	stop-media --phone all wait --event call-ended --phone 1 --timeout 20s expect --phone all --calls 0 \
	run --command "tests/demo/check.py flows 0" deregister --phone all
