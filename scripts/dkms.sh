#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# make dkms-install, make dkms-remove: kims.ko through dkms, for every installed kernel that has headers.
#
#   scripts/dkms.sh install|remove
#
# A kernel without headers is named and skipped; a kernel that comes later gets the module by itself (AUTOINSTALL).
set -euo pipefail
cd "$(dirname "$0")/.."

die() { echo "dkms: $*" >&2; exit 1; }

[ "$(id -u)" = 0 ] || die "only root can install a kernel module (sudo make dkms-install)"
command -v dkms >/dev/null || die "dkms is missing: scripts/packages.sh build"
version=$(sed -n 's/^PACKAGE_VERSION="\(.*\)"/\1/p' dkms.conf)
[ -n "$version" ] || die "no PACKAGE_VERSION in dkms.conf"
source=/usr/src/kims-$version

added() { [ -n "$(dkms status -m kims -v "$version" 2>/dev/null)" ]; }

copy_source() {
	rm -rf "$source"
	mkdir -p "$source"
	cp dkms.conf Kbuild "$source/"
	find kmod include -name '*.[ch]' ! -name '*.mod.c' -exec cp --parents {} "$source/" \;
}

build_for() { # KERNEL
	if [ ! -e "/lib/modules/$1/build/Makefile" ]; then
		echo "dkms: $1 has no headers: skipped"
		return
	fi
	dkms install -m kims -v "$version" -k "$1" --force
	built=$((built + 1))
}

do_install() {
	local dir
	built=0
	! added || dkms remove -m kims -v "$version" --all
	copy_source
	dkms add -m kims -v "$version"
	for dir in /lib/modules/*/kernel; do
		build_for "$(basename "$(dirname "$dir")")"
	done
	[ $built -gt 0 ] || die "no installed kernel has headers: apt-get install linux-headers-amd64"
}

do_remove() {
	if [ -d /sys/module/kims ] && ! rmmod kims; then
		die "kims.ko is in use: systemctl stop kims.target, then kimsctl kernel clear"
	fi
	! added || dkms remove -m kims -v "$version" --all
	rm -rf "$source" /var/lib/dkms/kims
}

case ${1:-} in
install) do_install ;;
remove) do_remove ;;
*) die "install or remove?" ;;
esac
