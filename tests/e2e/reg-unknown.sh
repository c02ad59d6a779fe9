#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# An IMSI that the HSS does not have: 403, and why is said; nothing stays.
. tests/e2e/lib.sh
$UE --phone "name=x,imsi=001019999999999,k=465b5ce8b199b49faa5f0a2e00000001,opc=e8ed289deba952e4283b54e800001eef,netns=ue1,addr=10.45.0.11,pcscf=10.46.0.1" \
	register --phone x --expect 403
