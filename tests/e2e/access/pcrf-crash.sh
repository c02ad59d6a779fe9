#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# PCRF killed in a call and started again: calls and registrations are told to it anew; the call ends well; the phones attach
# anew and get bearers again.
. tests/e2e/lib.sh
gtp_ue attach register call --from 1 --to 2 --hangup no --duration 1s --bearer yes \
	run --command "tests/lab/nf crash pcrf" \
	run --command "tests/demo/check.py rows af 4" \
	hangup --phone 1 deregister detach \
	attach register call --from 2 --to 1 --duration 1s --bearer yes deregister detach
