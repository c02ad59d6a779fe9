#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# kims.ko unloaded while in use is refused with a reason, and the phones do not notice.
. tests/e2e/lib.sh
cat >"$LAB_OUT/unload-try" <<'X'
rmmod kims 2>&1 && { echo "kims.ko could be unloaded while in use"; exit 1; } || { echo refused; exit 0; }
X
$UE --phone "$(phone 1)" --phone "$(phone 2)" register --phone all run --command "bash $LAB_OUT/unload-try" call --from 1 --to 2 --duration 1s deregister --phone all
