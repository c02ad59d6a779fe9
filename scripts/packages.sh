#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Installs the Debian packages of scripts/packages.list that are missing.
#
#   scripts/packages.sh [-n] [GROUP...]      groups: build vm test bench (default: all of them)
#
#   -n   prints the names of what is missing, installs nothing, fails when there is something
#
# Says nothing and takes no time when nothing is missing. Needs only what every Debian has (dash, awk, dpkg), because
# it is what brings make and gcc. Services of the new packages (unbound, kamailio) are not started.

set -eu
list=$(dirname "$0")/packages.list
tries=5      # rounds of ten seconds for a lock of dpkg or apt held by somebody else
only_print=0

say() { echo "packages: $*"; }
die() { echo "packages: $*" >&2; exit 1; }

if [ "${1:-}" = -n ]; then
	only_print=1
	shift
fi
[ -r "$list" ] || die "cannot read $list"
for group; do
	awk -v g="$group" '!/^#/ && $2 == g { found = 1 } END { exit !found }' "$list" ||
		die "no group '$group' in $list (build, vm, test, bench)"
done
command -v dpkg-query >/dev/null || die "this is not Debian: install the equivalents of $list by hand"

# Names in the wanted groups, then the same without the ones that dpkg has installed.
wanted=$(awk -v groups="$*" '
	BEGIN { all = split(groups, g, " ") == 0; for (i in g) want[g[i]] = 1 }
	!/^#/ && NF >= 2 && (all || ($2 in want)) { printf "%s ", $1 }' "$list")
missing=$(
	# shellcheck disable=SC2086
	dpkg-query -W -f '${db:Status-Status} ${Package}\n' $wanted 2>/dev/null |
		awk -v wanted="$wanted" '
			$1 == "installed" { have[$2] = 1 }
			END { n = split(wanted, w, " "); for (i = 1; i <= n; i++) if (!(w[i] in have)) print w[i] }')
[ -n "$missing" ] || exit 0
if [ $only_print = 1 ]; then
	echo "$missing"
	exit 1
fi

as_root=
if [ "$(id -u)" != 0 ]; then
	command -v sudo >/dev/null ||
		die "these packages are missing and only root can install them (there is no sudo either):" $missing
	as_root="sudo"
fi

work=$(mktemp -d)
policy=/usr/sbin/policy-rc.d
own_policy=0
cleanup() {
	[ $own_policy = 0 ] || $as_root rm -f $policy
	rm -rf "$work"
}
trap cleanup EXIT
trap 'exit 130' INT TERM

if [ ! -e $policy ]; then
	printf '#!/bin/sh\nexit 101\n' >"$work/policy"
	$as_root install -m 755 "$work/policy" $policy
	own_policy=1
fi

apt() {
	$as_root env DEBIAN_FRONTEND=noninteractive LC_ALL=C apt-get -q -y -o Dpkg::Use-Pty=0 \
		-o DPkg::Lock::Timeout=$((tries * 10)) -o Acquire::Retries=3 \
		-o Dpkg::Options::=--force-confdef -o Dpkg::Options::=--force-confold "$@"
}

# Runs apt with its output in $work/log, one line of progress for each package that is set up.
apt_with_progress() {
	{ apt "$@" 2>&1; echo $? >"$work/status"; } | tee -a "$work/log" | awk '
		/ newly installed, / { for (i = 1; i <= NF; i++) if ($i == "newly") total = $1 + $(i - 1) }
		/^Need to get / { sub(/ of archives.*/, ""); sub(/^Need to get /, ""); print "packages: downloading " $0; fflush() }
		/Waiting for cache lock/ && !waiting++ { print "packages: somebody else holds the lock of dpkg, waiting"; fflush() }
		/^Setting up / { printf "packages: [%d/%s] %s\n", ++n, total ? total : "?", $3; fflush() }'
	return "$(cat "$work/status")"
}

retry_on_lock() {
	round=0
	while :; do
		: >"$work/log"
		"$@" && return 0
		grep -qE 'Could not get lock|Unable to acquire|Resource temporarily unavailable' "$work/log" || return 1
		round=$((round + 1))
		[ $round -lt $tries ] || return 1
		say "somebody else holds the lock of apt or dpkg, waiting (round $round of $tries)"
		sleep 10
	done
}

update() { apt update >>"$work/log" 2>&1; }
install() { apt_with_progress install --no-install-recommends $missing; }

failed() {
	tail -n 20 "$work/log" >&2
	die "$1"
}

say "missing:" $missing
# shellcheck disable=SC2086
if ! apt-cache show --no-all-versions $missing >/dev/null 2>&1; then
	say "reading the package lists"
	retry_on_lock update || failed "apt-get update failed"
fi
if ! retry_on_lock install; then
	grep -qE '404 +Not Found|Failed to fetch|Unable to fetch' "$work/log" || failed "apt-get install failed"
	say "the package lists are stale, reading them again"
	retry_on_lock update || failed "apt-get update failed"
	retry_on_lock install || failed "apt-get install failed"
fi
say "done"
