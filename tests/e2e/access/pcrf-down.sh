#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# PCRF away: no new PDN connection, with the cause that says so; who is there keeps talking. Back again: everything works.
. tests/e2e/lib.sh
gtp_ue attach --phone 1 register --phone 1 run --command "tests/lab/nf kill pcrf" attach --phone 2 --expect refused \
	run --command "tests/lab/nf start pcrf" run --command "tests/demo/check.py pcrf" attach --phone 2 register --phone 2 \
	call --from 2 --to 1 --duration 1s deregister detach
