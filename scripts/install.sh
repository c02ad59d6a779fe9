#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# make install, make uninstall: daemons, tools, units, users, man pages.
#
#   DESTDIR= PREFIX=/usr scripts/install.sh install|uninstall
#
# Every file that it installs is listed in PREFIX/share/kims/files, which is what uninstall removes. On the machine
# itself (no DESTDIR, root) it also makes the user, tells systemd and udev, and enables kims.target, without starting it.
# The configuration is never overwritten. uninstall keeps what the operator made (/etc/kims, /var/lib/kims) and says so;
# PURGE=1 removes that too.
set -euo pipefail
cd "$(dirname "$0")/.."
dest=${DESTDIR:-}
prefix=${PREFIX:-/usr}
list=$prefix/share/kims/files
installed=$(mktemp)
trap 'rm -f "$installed"' EXIT

die() { echo "install: $*" >&2; exit 1; }

put() { # MODE SOURCE TARGET
	install -D -m "$1" "$2" "$dest$3" || die "cannot write $dest$3 (run as root, or set DESTDIR)"
	echo "$3" >>"$installed"
}

put_unit() { # SOURCE TARGET: with the paths of this prefix
	local tmp
	tmp=$(mktemp)
	sed "s|/usr/sbin/kims-|$prefix/sbin/kims-|; s|/usr/bin/kimsctl|$prefix/bin/kimsctl|g" "$1" >"$tmp"
	put 644 "$tmp" "$2"
	rm -f "$tmp"
}

put_man() { # FILE
	local section=${1##*.}
	put 644 "$1" "$prefix/share/man/man$section/$(basename "$1")"
	gzip -9nf "$dest$prefix/share/man/man$section/$(basename "$1")"
	sed -i '$s/$/.gz/' "$installed"
}

on_this_machine() { [ -z "$dest" ] && [ "$(id -u)" = 0 ]; }
systemd_runs() { [ -d /run/systemd/system ]; }

install_programs() {
	local program
	for program in build/bin/*; do
		case $(basename "$program") in
		kimsctl | kims-ue | kims-ladder) put 755 "$program" "$prefix/bin/$(basename "$program")" ;;
		*) put 755 "$program" "$prefix/sbin/$(basename "$program")" ;;
		esac
	done
	for program in tools/*/kims-*; do
		[ ! -x "$program" ] || put 755 "$program" "$prefix/bin/$(basename "$program")"
	done
}

install_system_files() {
	local unit
	for unit in deploy/systemd/*.service deploy/systemd/*.target; do
		put_unit "$unit" "$prefix/lib/systemd/system/$(basename "$unit")"
	done
	put_unit deploy/systemd/kims-common.conf "$prefix/lib/systemd/system/kims-.service.d/10-common.conf"
	put 644 deploy/systemd/kims.sysusers "$prefix/lib/sysusers.d/kims.conf"
	put 644 deploy/systemd/kims.tmpfiles "$prefix/lib/tmpfiles.d/kims.conf"
	put 644 deploy/udev/70-kims.rules "$prefix/lib/udev/rules.d/70-kims.rules"
}

# The sample has every key commented out: it is the default configuration and its documentation in one.
install_configuration() {
	local sample
	sample=$(mktemp)
	if build/bin/kimsctl config sample >"$sample"; then
		put 644 "$sample" "$prefix/share/kims/kims.yaml"
		[ -e "$dest/etc/kims/kims.yaml" ] || install -D -m 644 "$sample" "$dest/etc/kims/kims.yaml"
	fi
	rm -f "$sample"
}

do_install() {
	local page
	[ -x build/bin/kimsctl ] || die "nothing is built: make"
	if [ -e "$dest$list" ]; then
		remove_listed
	fi
	install_programs
	install_system_files
	install_configuration
	for page in docs/man/*.[1-8] build/man/*.[1-8]; do
		[ ! -e "$page" ] || put_man "$page"
	done
	echo "$list" >>"$installed"
	install -D -m 644 "$installed" "$dest$list"
	on_this_machine || return 0
	systemd-sysusers "$prefix/lib/sysusers.d/kims.conf"
	systemctl enable --quiet kims.target
	enable_services
	if systemd_runs; then
		systemd-tmpfiles --create "$prefix/lib/tmpfiles.d/kims.conf"
		systemctl daemon-reload
		udevadm control --reload
	fi
	echo "installed; start with: systemctl start kims.target (it is enabled and starts at every boot)"
}

enable_services() {
	local unit
	for unit in deploy/systemd/*.service; do
		systemctl enable --quiet "$(basename "$unit")"
	done
}

remove_listed() {
	local file dir
	while read -r file; do
		rm -f "$dest$file"
		for dir in "$(dirname "$file")" "$(dirname "$(dirname "$file")")"; do
			case $dir in
			*/kims | */kims-.service.d) rmdir --ignore-fail-on-non-empty "$dest$dir" 2>/dev/null || true ;;
			esac
		done
	done <"$dest$list"
}

unmodified() { cmp -s "$dest/etc/kims/kims.yaml" "$dest$prefix/share/kims/kims.yaml"; }

do_uninstall() {
	local unit units=() left=()
	[ -e "$dest$list" ] || die "nothing is installed under $dest$prefix"
	if on_this_machine; then
		for unit in "$prefix"/lib/systemd/system/kims*.target "$prefix"/lib/systemd/system/kims-*.service; do
			units+=("$(basename "$unit")")
		done
		! systemd_runs || systemctl stop "${units[@]}" || true
		"$prefix/bin/kimsctl" kernel clear || true
		systemctl disable --quiet "${units[@]}" || true
	fi
	if unmodified; then
		rm -f "$dest/etc/kims/kims.yaml"
		rmdir --ignore-fail-on-non-empty "$dest/etc/kims"
	fi
	remove_listed
	[ "${PURGE:-0}" = 0 ] || rm -rf "$dest/etc/kims" "$dest/var/lib/kims"
	[ ! -e "$dest/etc/kims" ] || left+=(/etc/kims)
	[ ! -e "$dest/var/lib/kims" ] || rmdir "$dest/var/lib/kims" 2>/dev/null || left+=(/var/lib/kims)
	if on_this_machine; then
		rm -rf /run/kims /run/kims-dns
		[ ${#left[@]} -gt 0 ] || remove_user
		if systemd_runs; then
			systemctl daemon-reload
			systemctl reset-failed "${units[@]}" 2>/dev/null || true
			udevadm control --reload
		fi
	fi
	[ ${#left[@]} = 0 ] || echo "kept: ${left[*]} and the user kims (make uninstall PURGE=1 removes what it holds)"
}

remove_user() {
	! getent passwd kims >/dev/null || userdel kims
	! getent group kims >/dev/null || groupdel kims
}

case ${1:-} in
install) do_install ;;
uninstall) do_uninstall ;;
*) die "install or uninstall?" ;;
esac
