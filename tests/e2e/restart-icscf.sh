#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# I-CSCF killed and started again between calls.
. tests/e2e/lib.sh
$UE --phone "$(phone 1)" --phone "$(phone 2)" register --phone all run --command "tests/lab/nf crash icscf" call --from 1 --to 2 --duration 1s deregister --phone all
