#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# A wrong RES: 403 (TS 24.229 5.4.1.2.3C), the HSS is told (SAR AUTHENTICATION_FAILURE), no SA stays; the right one then registers.
. tests/e2e/lib.sh
$UE --phone "$(phone 1)" register --phone 1 --wrong-res yes --expect 403 || exit 1
check empty || exit 1
grep -aq 'AUTHENTICATION_FAILURE\|authentication failure' "$LAB_OUT/hss.log" "$LAB_OUT/scscf.log" || fail "nobody told the HSS"
$UE --phone "$(phone 1)" register --phone 1 deregister --phone 1
