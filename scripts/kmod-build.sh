#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Builds kims.ko for one kernel, outside the source tree, and prints the path of the module.
#
#   scripts/kmod-build.sh [-n NAME] KERNEL [make arguments]
#
# KERNEL is a release with headers under /lib/modules, or the path of a kernel build directory.
# The objects go to build/kmod/NAME (the release, or the last part of the path). Make arguments
# are passed on: ARCH=um, W=1, C=2.
set -euo pipefail
top=$(cd "$(dirname "$0")/.." && pwd)
name=
if [ "${1:-}" = -n ]; then
	name=$2
	shift 2
fi
kernel=${1:?usage: kmod-build.sh [-n NAME] KERNEL [make arguments]}
shift

case $kernel in
/*) kdir=$kernel ;;
*) kdir=/lib/modules/$kernel/build ;;
esac
[ -e "$kdir/Makefile" ] || { echo "$kdir: no kernel build directory; install linux-headers-$kernel" >&2; exit 1; }
out=$top/build/kmod/${name:-$(basename "$kernel")}
mkdir -p "$out"

# Copies what changed and removes what is gone, so that make sees true time stamps.
mirror() {
	(cd "$top" && find Kbuild kmod include -name '*.[ch]' -o -name Kbuild) | sort >"$out/.files"
	while read -r f; do
		[ "$out/$f" -nt "$top/$f" ] && cmp -s "$out/$f" "$top/$f" && continue
		mkdir -p "$out/$(dirname "$f")"
		cp "$top/$f" "$out/$f"
	done <"$out/.files"
	(cd "$out" && find kmod include -name '*.[ch]' ! -name '*.mod.c') | sort |
		comm -23 - "$out/.files" | while read -r f; do rm "$out/$f"; done
}

exec 9>"$out/.lock"
flock 9
mirror
make -C "$kdir" M="$out" --no-print-directory "$@" modules >&2
echo "$out/kims.ko"
