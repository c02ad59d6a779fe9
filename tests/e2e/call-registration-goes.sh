#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The registration goes while a call is up (de-registration by the network): the call ends at both phones.
. tests/e2e/lib.sh
$UE --phone "$(phone 1)" --phone "$(phone 2)" register --phone all call --from 1 --to 2 --hangup no --duration 1s \
	run --command "$KIMSCTL deregister sip:001010000000001@$LAB_DOMAIN" wait --event call-ended --phone 2 --timeout 20s \
	run --command "tests/demo/check.py flows 0" deregister --phone 2
