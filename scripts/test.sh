#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# make test: every test there is, part by part. Each part ends with "N passed, N failed, N skipped"; so does the whole.
#
#   scripts/test.sh [PART]...      check check-vm check-e2e check-install check-demo (default: all)
#
# The logs of the parts are kept in build/test-logs. The User-Mode Linux kernel, when it is not in the cache yet, is
# built beside the first part.
set -u
cd "$(dirname "$0")/.." || exit 1
[ $# -gt 0 ] || set -- check check-vm check-demo check-e2e check-install
passed=0 failed=0 skipped=0
logs=build/test-logs
mkdir -p "$logs"

command_of() { # PART
	case $1 in
	check) echo "make -j2 check" ;;
	check-vm) echo "make -j2 check-vm" ;;
	check-e2e) echo "make -j2 check-e2e" ;;
	check-install) echo "tests/install/run" ;;
	check-demo) echo "make -j2 demo SUMMARY=1" ;;
	*) echo "test.sh: no part '$1'" >&2; exit 2 ;;
	esac
}

run_part() { # PART
	local command log=$logs/$1.log status start=$SECONDS p f s
	command=$(command_of "$1") || exit 2
	echo "=== $1"
	$command 2>&1 | tee "$log"
	status=${PIPESTATUS[0]}
	if ! read -r p _ f _ s _ < <(grep -aE '^[0-9]+ passed, [0-9]+ failed, [0-9]+ skipped$' "$log" | tail -n 1); then
		p=0 f=0 s=0
	fi
	[ "$status" = 0 ] || [ "$f" != 0 ] || f=1
	[ "$f" = 0 ] || bad+=("$1")
	summary+=("$(printf '%-14s %4d passed %4d failed %4d skipped %6d s' "$1" "$p" "$f" "$s" $((SECONDS - start)))")
	passed=$((passed + p)) failed=$((failed + f)) skipped=$((skipped + s))
}

# Says again, at the end, what failed in a part: its head may be thousands of lines above.
say_failures() { # PART
	local log
	[ "$1" != check-vm ] || set -- build/check-vm/*.log
	for log; do
		[ -e "$log" ] || log=$logs/$log.log
		scripts/what-failed.sh "$(basename "$log" .log)" "$log"
	done
}

summary=() bad=()
case " $* " in
*" check-vm "*) tests/vm/uml-build -q debug >"$logs/uml-build.log" 2>&1 & ;;
esac
for part; do
	run_part "$part"
done
wait
for part in "${bad[@]}"; do
	echo "=== what failed in $part"
	say_failures "$part"
done
echo "==="
printf '%s\n' "${summary[@]}"
echo "$passed passed, $failed failed, $skipped skipped"
[ $failed = 0 ] && [ $passed -gt 0 ]
