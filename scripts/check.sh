#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# make check: runs the unit and procedure tests that the Makefile built (ASan, UBSan), then the
# checks over the tree: layering, netlink contract, style, words that do not belong here.
# With a path part as argument: only the tests whose path contains it.
# Prints a line per test that fails (with its output), a progress line, and "N passed, N failed, N skipped".
set -u
cd "$(dirname "$0")/.." || exit 1
sel=${1:-}
pass=0 fail=0 skip=0
export ASAN_OPTIONS=detect_leaks=1:abort_on_error=0 UBSAN_OPTIONS=print_stacktrace=1
export LSAN_OPTIONS=suppressions=$PWD/scripts/lsan.supp:print_suppressions=0
out=$(mktemp); trap 'rm -f "$out"' EXIT

verdict() { # NAME STATUS SECONDS
	case $2 in
	0) pass=$((pass + 1)); printf 'ok    %-58s %5ss\n' "$1" "$3" ;;
	77) skip=$((skip + 1)); printf 'skip  %-58s %5ss  %s\n' "$1" "$3" "$(tail -n 1 "$out")" ;;
	*) fail=$((fail + 1)); printf 'FAIL  %-58s %5ss\n' "$1" "$3"; sed 's/^/      /' "$out" | tail -n 60 ;;
	esac
}

run() { # NAME COMMAND...
	local name=$1 t0=$EPOCHREALTIME rc; shift
	timeout -k 5 300 "$@" >"$out" 2>&1; rc=$?
	verdict "$name" $rc "$(awk -v a="$t0" -v b="$EPOCHREALTIME" 'BEGIN{printf "%.1f", b-a}')"
}

while read -r t; do
	run "${t#build/asan/test/}" "$t"
done < <(for s in daemon/lib/*/*_test.c daemon/ref/*_test.c daemon/*/*_test.c tools/*/*_test.c; do
	case $s in daemon/lib/netlink/*) continue ;; esac # need a kernel: make check-vm runs them
	[ -e "$s" ] && echo "build/asan/test/${s%.c}"; done | sort -u | grep -F -- "$sel")

if [ -z "$sel" ]; then
	for c in scripts/check.d/*; do
		[ -x "$c" ] && run "${c#scripts/}" "$c"
	done
fi
echo "$pass passed, $fail failed, $skip skipped"
[ $fail = 0 ] && [ $pass -gt 0 ]
