#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The long run of torture.py. Runs as root in a machine of its own (tests/vm/vm, tests/vm/uml).
#
#   tests/kmod/torture.sh KIMS.KO [SECONDS [SEED]]       (600)
#
#   tests/vm/uml -k debug -L -m 1024 -t 900 -- tests/kmod/torture.sh build/kmod/uml-debug/kims.ko
#   tests/vm/vm -k 6.12 -m 1024 -t 900 -- tests/kmod/torture.sh build/kmod/6.12.../kims.ko
set -u
module=$(readlink -f "${1:?usage: tests/kmod/torture.sh KIMS.KO [SECONDS [SEED]]}")
shift
cd "$(dirname "$0")" || exit 1
export PYTHONDONTWRITEBYTECODE=1
modinfo -F depends "$module" | tr , '\n' | xargs -r modprobe -a 2>/dev/null
modprobe -qa veth esp4 esp6 xfrm_user authenc hmac sha1_generic cbc aes_generic crypto_null echainiv
grep -q '^kims ' /proc/modules || insmod "$module" || { echo "Bail out! insmod $module"; exit 1; }
/usr/bin/python3 -u torture.py "$@"
status=$?
rmmod kims || { echo "not ok: rmmod kims"; exit 1; }
exit $status
