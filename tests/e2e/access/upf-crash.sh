#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# UPF killed in a call: voice goes on without it; started again it has its sessions from the kernel.
. tests/e2e/lib.sh
gtp_ue attach register call --from 1 --to 2 --hangup no --duration 1s --bearer yes \
	run --command "tests/lab/nf kill upf" wait --duration 2s run --command "tests/demo/check.py flowing" \
	run --command "tests/lab/nf start upf" run --command "tests/demo/check.py pdn 2" hangup --phone 1 bearers --count 0 \
	call --from 2 --to 1 --duration 1s --bearer yes deregister detach
