#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# make check-static: what analysers say of the sources: cppcheck over userspace, sparse and
# checkpatch over kmod. Prints a line for each part and "N passed, N failed, N skipped".
set -u
cd "$(dirname "$0")/.." || exit 1
pass=0 fail=0 skip=0
out=$(mktemp -d); trap 'rm -rf "$out"' EXIT

part() { # NAME COMMAND...: passes when the command prints nothing and succeeds
	local name=$1; shift
	if "$@" >"$out/log" 2>&1 && [ ! -s "$out/log" ]; then
		pass=$((pass + 1)); echo "ok    $name"
	else
		fail=$((fail + 1)); echo "FAIL  $name"; head -n 40 "$out/log" | sed 's/^/      /'
	fi
}

# uninitvar: it cannot see through the loops of utlist.h; gcc -Wextra, ASan and valgrind can. varFuncNullUB: NULL is a
# pointer where we run.
part cppcheck cppcheck --quiet -j2 --error-exitcode=1 --inline-suppr --std=c11 --enable=warning,portability \
	--suppress=missingIncludeSystem --suppress=normalCheckLevelMaxBranches --suppress=unknownMacro --suppress=uninitvar --suppress=varFuncNullUB -D_GNU_SOURCE '-DKIMS_VERSION=""' \
	-Idaemon daemon tools

sparse_kmod() {
	local k
	k=$(ls -d /lib/modules/6.1.*-amd64 2>/dev/null | tail -n 1) || return 1
	scripts/kmod-build.sh "$(basename "$k")" C=2 W=1 2>&1 | grep -E 'kmod/.*(warning|error):' | grep -v '/usr/src/'
	return 0
}
part sparse sparse_kmod

checkpatch=$(ls "${KIMS_CACHE:-$HOME/.cache/kims}"/linux-source-*/scripts/checkpatch.pl 2>/dev/null | tail -n 1)
if [ -n "$checkpatch" ]; then
	part checkpatch sh -c "find kmod -name '*.[ch]' ! -name 'genl-gen.*' ! -path '*/compat/*' | xargs perl '$checkpatch' --no-tree -q -f --terse --no-summary --max-line-length=100 \
		--ignore LINUX_VERSION_CODE,SPDX_LICENSE_TAG,FILE_PATH_CHANGES,MACRO_ARG_REUSE,COMPLEX_MACRO,TRACE,CONSTANT_COMPARISON,JIFFIES_COMPARISON"
else
	skip=$((skip + 1)); echo "skip  checkpatch: no kernel source in the cache (tests/vm/uml-build unpacks it)"
fi

echo "$pass passed, $fail failed, $skip skipped"
[ $fail = 0 ]
