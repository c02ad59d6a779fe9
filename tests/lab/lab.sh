#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The lab network, for the demo and the e2e tests: sourced, not run.
#
#    ue1 [eth0 10.45.0.11 fd45::11]----gm1-.                     .- 10.46.0.1  fd46::1   pcscf (Gm, Mw, RTP relay)
#    ue2 [eth0 10.45.0.12 fd45::12]----gm2--+-- core namespace --+- 10.46.0.2  fd46::2   icscf
#    ueN ...                           gmN-'    10.45.0.1        +- 10.46.0.3  fd46::3   scscf
#                                               fd45::1          +- 10.46.0.4  fd46::4   hss
#                                                                '- 10.46.0.53 fd46::53  DNS (unbound)
#
# With LAB_ACCESS=1 the phones come by GTP: they have a link to the namespace "access" (the SGWs and the ePDG of kims-ue) and
# no address until they attach:
#
#    ue1 [eth0]----gm1-.                                                          .- 10.46.0.5  fd46::5  smf
#    ue2 [eth0]----gm2--+-- access [s5 10.47.0.1-5 fd47::1-5] ---- [s5] core -----+- 10.46.0.6  fd46::6  upf (PFCP, GTP-U)
#    ueN ...       gmN-'          SGW 1, SGW 2, ePDG, gtp.ko, SGW-U 10.47.0.254      '- 10.46.0.7  fd46::7  pcrf
#                                                                fd47::fe            (and those above)
#
# Phones by the thousand share one link (lab_crowd_link): namespace "ues", whose eth0 is gms in access.
#
# CORE is the namespace that the daemons run in: "" is the one we are in (a VM of our own), else
# a name. Nothing outside of CORE, access and the ueN namespaces is touched; lab_down removes all.

LAB_DIR=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
LAB_BIN=${LAB_BIN:-$LAB_DIR/build/bin}
LAB_OUT=${LAB_OUT:-$LAB_DIR/build/lab}
LAB_RUN=${LAB_RUN:-/run/kims}
LAB_STATE=${LAB_STATE:-/var/lib/kims}
LAB_CONF=${LAB_CONF:-}
LAB_DOMAIN=ims.mnc001.mcc001.3gppnetwork.org
CORE=${CORE:-}
LAB_ACCESS=${LAB_ACCESS:-}
LAB_ALL_NFS="dns hss icscf scscf pcrf upf smf pcscf"
LAB_NFS=${LAB_NFS:-$([ -n "$LAB_ACCESS" ] && echo "$LAB_ALL_NFS" || echo dns hss icscf scscf pcscf)}

# A daemon with a thousand phones has more descriptors open than a shell's soft limit; the units have LimitNOFILE.
ulimit -Sn "$(ulimit -Hn)" 2>/dev/null
[ "$(id -u)" != 0 ] || ulimit -n 524288 2>/dev/null || true

core() { if [ -n "$CORE" ]; then ip netns exec "$CORE" "$@"; else "$@"; fi; }
# For what goes to the background: $! is then the command's own pid, not a subshell's.
core_exec() { if [ -n "$CORE" ]; then exec ip netns exec "$CORE" "$@"; else exec "$@"; fi; }
core_ip() { ip ${CORE:+-n "$CORE"} "$@"; }

lab_net_up() { # N phones
	local n=${1:-2} i a
	[ -z "$CORE" ] || ip netns add "$CORE"
	core_ip link set lo up
	core_ip link add kims0 type dummy && core_ip link set kims0 up
	for a in 1 2 3 4 5 6 7 53; do
		core_ip addr add 10.46.0.$a/32 dev kims0
		core_ip addr add fd46::$a/128 dev kims0 nodad
	done
	if [ -n "$LAB_ACCESS" ]; then
		lab_access_up || return
		for i in $(seq 1 "$n"); do lab_phone_link "$i" access; done
		return
	fi
	core_ip addr add 10.45.0.1/32 dev kims0
	for i in $(seq 1 "$n"); do lab_phone_up "$i"; done
}

lab_access_up() { # the namespace of SGWs and ePDG, and its link to the core
	local a
	ip netns add access
	ip link add s5 netns access type veth peer name s5 ${CORE:+netns "$CORE"}
	ip -n access link set lo up
	ip -n access link set s5 up
	core_ip link set s5 up
	core_ip addr add 10.47.0.254/24 dev s5
	core_ip addr add fd47::fe/64 dev s5 nodad
	for a in 1 2 3 4 5; do
		ip -n access addr add 10.47.0.$a/24 dev s5
		ip -n access addr add fd47::$a/64 dev s5 nodad
	done
	ip -n access route add 10.46.0.0/24 via 10.47.0.254
	ip -n access -6 route add fd46::/64 via fd47::fe
}

lab_phone_link() { # I NAMESPACE: namespace ueI, whose eth0 is gmI there
	ip netns add "ue$1"
	ip link add "gm$1" netns "ue$1" type veth peer name "gm$1" ${2:+netns "$2"}
	ip -n "ue$1" link set "gm$1" name eth0
	ip -n "ue$1" link set lo up
	ip -n "ue$1" link set eth0 up
	ip ${2:+-n "$2"} link set "gm$1" up
}

lab_crowd_link() { lab_phone_link s access; }

lab_phone_up() { # I: namespace ueI, addresses 10.45.0.(10+I), fd45::(10+I)
	local i=$1 h=$((10 + $1))
	lab_phone_link "$i" "$CORE"
	core_ip addr add fd45::1/128 dev "gm$i" nodad # neighbours are asked for on their own link only
	ip -n "ue$i" addr add "10.45.0.$h/32" dev eth0
	ip -n "ue$i" -6 addr add "fd45::$h/128" dev eth0 nodad
	core_ip route add "10.45.0.$h/32" dev "gm$i" src 10.46.0.1
	core_ip -6 route add "fd45::$h/128" dev "gm$i"
	ip -n "ue$i" route add 10.45.0.1/32 dev eth0
	ip -n "ue$i" route add default via 10.45.0.1 dev eth0 src "10.45.0.$h"
	ip -n "ue$i" -6 route add fd45::1/128 dev eth0
	ip -n "ue$i" -6 route add default via fd45::1 dev eth0
}

lab_net_down() {
	local ns
	core_ip link del s5 2>/dev/null
	for ns in $(ip netns list | awk '/^(ue[0-9]+|ues|access)( |$)/{print $1}'); do
		core_ip link del "gm${ns#ue}" 2>/dev/null # at once: a namespace's devices go when it pleases the kernel
		ip netns del "$ns"
	done
	if [ -n "$CORE" ]; then ip netns del "$CORE" 2>/dev/null; else ip link del kims0 2>/dev/null; fi
	return 0
}

lab_module_load() { # kims.ko of the running kernel, as built in the tree
	local ko
	[ -d /sys/module/kims ] && return 0
	for ko in "$LAB_DIR/build/kmod/$(uname -r)/kims.ko" "${KIMS_KO:-}"; do
		[ -n "$ko" ] && [ -e "$ko" ] || continue
		modprobe -q udp_tunnel 2>/dev/null; modprobe -q ip6_udp_tunnel 2>/dev/null
		modprobe -q nf_defrag_ipv4 2>/dev/null; modprobe -q nf_defrag_ipv6 2>/dev/null
		insmod "$ko" && return 0
	done
	echo "lab: no kims.ko for kernel $(uname -r); build it with: make kmod-$(uname -r)" >&2
	return 1
}

lab_subscribers() { # N: IMSI 001010000000001.., MSISDN +15550000001.., keys by formula
	local n=${1:-2}
	lab_csv "$n" >"$LAB_OUT/subscribers.csv"
	"$LAB_BIN/kimsctl" ${LAB_CONF:+-c "$LAB_CONF"} -s "$LAB_STATE" -r "$LAB_RUN" subscriber import "$LAB_OUT/subscribers.csv"
}

# Header and rows that "kimsctl subscriber import" reads; kims-ue reads K and OPc from the same file.
lab_csv() {
	awk -v n="$1" 'BEGIN {
		print "imsi,msisdn,k,opc,amf,sqn"
		for (i = 1; i <= n; i++)
			printf "00101%010d,1555%07d,465b5ce8b199b49faa5f0a2e%08x,e8ed289deba952e4283b54e8%08x,8000,0\n", i, i, i, i * 7919
	}'
}

lab_start() { # NAME: a daemon or dns, in CORE, log in $LAB_OUT/NAME.log, pid in NAME.pid; waits until it is ready
	local nf=$1; shift
	case $nf in
	dns)
		"$LAB_BIN/kimsctl" ${LAB_CONF:+-c "$LAB_CONF"} dns zone >"$LAB_OUT/unbound.conf" || return
		lab_spawn dns unbound -d -c "$LAB_OUT/unbound.conf" ;;
	sgwu) # a second kims-upf, in the namespace of the SGWs
		mkdir -p "$LAB_RUN/sgwu"
		printf 'network:\n  trusted: 10.47.0.0/24 fd47::/64\nupf:\n  addr: 10.47.0.5\n  addr6: fd47::5\n  device: sgwu0\n  pools: ""\n' >"$LAB_OUT/sgwu.yaml"
		lab_spawn sgwu ip netns exec access "${LAB_UPF:-$LAB_BIN/kims-upf}" -c "$LAB_OUT/sgwu.yaml" -r "$LAB_RUN/sgwu" -s "$LAB_RUN/sgwu" -l "${LAB_LOG:-info}" ;;
	*)
		lab_spawn "$nf" "$LAB_BIN/kims-$nf" ${LAB_CONF:+-c "$LAB_CONF"} -r "$LAB_RUN" -s "$LAB_STATE" -l "${LAB_LOG:-info}" "$@" ;;
	esac
	lab_wait_ready "$nf"
}

lab_spawn() { # NAME COMMAND...
	local nf=$1; shift
	core_exec "$@" >>"$LAB_OUT/$nf.log" 2>&1 </dev/null &
	echo $! >"$LAB_OUT/$nf.pid"
	disown
}

lab_alive() { [ -s "$LAB_OUT/$1.pid" ] && kill -0 "$(cat "$LAB_OUT/$1.pid")" 2>/dev/null; }

lab_wait_ready() {
	local nf=$1 i
	for i in $(seq 600); do
		lab_alive "$nf" || { echo "lab: $nf ended at its start:" >&2; tail -n 5 "$LAB_OUT/$nf.log" >&2; return 1; }
		if [ "$nf" = dns ]; then core dig +short +time=1 +tries=1 @10.46.0.53 "pcscf.$LAB_DOMAIN" A 2>/dev/null | grep -q . && return 0
		elif [ "$nf" = sgwu ]; then "$LAB_BIN/kimsctl" -r "$LAB_RUN/sgwu" ping upf >/dev/null 2>&1 && return 0
		elif "$LAB_BIN/kimsctl" -r "$LAB_RUN" ping "$nf" >/dev/null 2>&1; then return 0; fi
		sleep 0.1
	done
	echo "lab: $nf did not become ready in a minute" >&2
	return 1
}

lab_capturing() { # DIR: until "kimsctl trace -o DIR" has begun
	local i
	for i in $(seq 600); do [ ! -s "$1/trace.pcapng" ] || return 0; sleep 0.1; done
	echo "lab: no capture in $1 after a minute" >&2
	return 1
}

lab_stop() { # NAME [SIGNAL]: ends it and waits until it is gone
	local nf=$1 sig=${2:-TERM} pid i
	pid=$(cat "$LAB_OUT/$nf.pid" 2>/dev/null) || return 0
	kill -"$sig" "$pid" 2>/dev/null
	for i in $(seq 100); do kill -0 "$pid" 2>/dev/null || break; sleep 0.1; done
	kill -KILL "$pid" 2>/dev/null
	rm -f "$LAB_OUT/$nf.pid"
}

lab_up() { # N phones: network, module if the kernel takes it, daemons
	local n=${1:-2} nf
	mkdir -p "$LAB_OUT" "$LAB_RUN" "$LAB_STATE"
	lab_net_up "$n" || return
	lab_subscribers "$n" || return
	for nf in $LAB_NFS; do lab_start "$nf" || return; done
}

lab_down() {
	local nf
	for nf in sgwu $(printf '%s\n' $LAB_ALL_NFS | tac); do lab_stop "$nf"; done
	lab_net_down
}
