#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Network-initiated de-registration (TS 24.229 5.4.1.5): RTR from the HSS, NOTIFY terminated to the phone, nothing stays.
. tests/e2e/lib.sh
$UE --phone "$(phone 1)" register --phone 1 run --command "$KIMSCTL deregister sip:001010000000001@$LAB_DOMAIN" \
	wait --event unregistered --phone 1 --timeout 10s run --command "tests/demo/check.py empty"
