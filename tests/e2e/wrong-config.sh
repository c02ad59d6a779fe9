#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# A wrong configuration names file, line and key; the daemon exits with EX_CONFIG and does not start half.
. tests/e2e/lib.sh
f=$LAB_OUT/wrong.yaml
try() { # TEXT WHAT
	printf '%s\n' "$1" >"$f"
	out=$("$LAB_BIN/kimsctl" config check "$f" 2>&1) && fail "accepted: $1"
	echo "$out" | grep -q "wrong.yaml:$2" || fail "says \"$out\", not wrong.yaml:$2"
	"$LAB_BIN/kims-pcscf" -c "$f" -r "$LAB_OUT/x" -s "$LAB_OUT/x" >/dev/null 2>&1; [ $? = 78 ] || fail "kims-pcscf did not exit with 78"
}
try $'pcscf:\n  gm_prot: 5060' '2: pcscf.gm_prot'
try $'pcscf:\n  gm_port: many' '2: pcscf.gm_port'
try $'log_level: info\npcscf:\n  gm_port: 99999' '3: pcscf.gm_port'
try $'pcscf:\n  gm4: 10.46.0.300' '2: pcscf.gm4'
echo "four wrong files, four sentences"
