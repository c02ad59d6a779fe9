#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Garbage to GTPv2-C, PFCP and GTP-U of the network, in a call: nothing of it shows.
. tests/e2e/lib.sh
gtp_ue attach register call --from 1 --to 2 --hangup no --duration 1s --bearer yes \
	run --command "ip netns exec access python3 tests/e2e/garbage.py" hangup --phone 1 call --from 2 --to 1 --duration 1s --bearer yes deregister detach
