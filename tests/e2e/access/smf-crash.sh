#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# SMF killed and started again in a call: voice goes on, the bearers end with the call, new calls get theirs.
. tests/e2e/lib.sh
gtp_ue attach register call --from 1 --to 2 --hangup no --duration 1s --bearer yes \
	run --command "tests/lab/nf crash smf" wait --duration 3s bearers --qci 1 --count 1 hangup --phone 1 bearers --count 0 \
	call --from 2 --to 1 --duration 1s --bearer yes deregister detach
