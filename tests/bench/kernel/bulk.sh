#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# 100,000 sessions of 4 PDRs, 2 FARs, 2 QERs and 2 URRs each: how long it takes to install and to
# remove them in a stock kernel in the VM, and how much memory of the kernel each takes.
#
#   tests/bench/kernel/bulk.sh [-n SESSIONS] [KERNEL]...
#
# KERNEL: a release or its beginning (default: 6.1 6.12). The status is 0 when each limit is kept:
# 20 s, 20 s, 4096 octets (for 100,000; the times in proportion to SESSIONS). The times are of the
# clock: a machine that is busy with something else shows in them.
set -u
cd "$(dirname "$0")/../../.." || exit 1
sessions=100000
if [ "${1:-}" = -n ]; then
	sessions=$2
	shift 2
fi
[ $# -gt 0 ] || set -- 6.1 6.12
status=0
out=$PWD/build/bench/kernel
mkdir -p "$out"

make -s build/lib/libkims-netlink.a build/lib/libkims-core.a || exit 1
read -ra nl <<<"$(pkg-config --cflags --libs libnl-genl-3.0)"
"${CC:-gcc}" -std=gnu11 -O2 -Wall -Wextra -D_GNU_SOURCE -Idaemon -I. -Iinclude/uapi -include daemon/lib/core/base.h \
	-o "$out/bulk" tests/bench/kernel/bulk.c build/lib/libkims-netlink.a build/lib/libkims-core.a "${nl[@]}" || exit 1

judge() { # NAME VALUE LIMIT
	local verdict=ok
	awk -v v="$2" -v l="$3" 'BEGIN { exit !(v != "" && v + 0 <= l + 0) }' || { verdict=TOO-MUCH; status=1; }
	printf '%-20s %10s  at most %s  %s\n' "$1" "${2:-nothing}" "$3" "$verdict"
}

for kernel; do
	release=$(find /lib/modules -maxdepth 2 -name build -path "*/$kernel[.+-]*amd64/build" | sort -V | tail -n 1)
	release=$(basename "$(dirname "$release")")
	module=$(scripts/kmod-build.sh "$release" 2>build/kmod-build.log) || { cat build/kmod-build.log; exit 1; }
	echo "== $release, $sessions sessions"
	tests/vm/vm -k "$release" -m 1280 -t 400 -- "
		modinfo -F depends '$module' | tr , '\n' | xargs -r modprobe -a && insmod '$module' &&
		ip link add kims0 type kims && ip link set kims0 up &&
		'$out/bulk' -n 100 kims0 >/dev/null && '$out/bulk' -n $sessions -g kims0 &&
		ip link del kims0 && rmmod kims" >"$out/bulk.out" || { cat "$out/bulk.out"; status=1; continue; }
	value() { awk -v n="$1" '$1 == n { print $2 }' "$out/bulk.out"; }
	seconds=$(awk -v n="$sessions" 'BEGIN { print 20 * n / 100000 }')
	judge install_seconds "$(value install_seconds)" "$seconds"
	judge remove_seconds "$(value remove_seconds)" "$seconds"
	judge octets_per_session "$(value octets_per_session)" 4096
	printf '%-20s %10s\n' dump_seconds "$(value dump_seconds)"
done
exit $status
