#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The same over TCP on Gm, and from TCP to UDP.
. tests/e2e/lib.sh
$UE --phone "$(phone 1 transport=tcp)" --phone "$(phone 2 transport=tcp)" --phone "$(phone 3 transport=udp)" register --phone all \
	call --from 1 --to 2 --duration 1s --max-loss 1 call --from 1 --to 3 --duration 1s --hangup to call --from 3 --to 2 --duration 1s \
	message --from 1 --to 3 --text hello deregister --phone all
