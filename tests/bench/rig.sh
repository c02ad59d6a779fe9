#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The rig of the benchmark and of tests/interop, sourced: a network namespace with DNS, a small Cx HSS, and in it
# either Kamailio's IMS (kamailio_up) or kims (kims_up) on the same addresses. N: number of users in $USERS_DIR.

export RIG=$PWD/tests/bench/peer OUT=${OUT:-$PWD/build/bench/out} NS=kims-bench DOMAIN=ims.mnc001.mcc001.3gppnetwork.org
export P_IP=127.0.1.1 I_IP=127.0.1.2 S_IP=127.0.1.3 HSS_IP=127.0.1.10 DNS_IP=127.0.1.53
export USERS_DIR=$OUT/users RUN=$OUT/run WORKERS=2 CDP_WORKERS=2
in_ns() { ip netns exec "$NS" "$@"; }
[ "$(id -u)" = 0 ] || { echo "bench: makes a network namespace: run it as root" >&2; exit 1; }
sh scripts/packages.sh build bench test || exit 1

declare -A PID
# Not through in_ns: a function in the background is a shell of its own, whose death its child does not notice.
start() { local n=$1; shift; ip netns exec "$NS" "$@" >"$RUN/$n.log" 2>&1 & PID[$n]=$!; echo "$!" >"$RUN/$n.pid"; }
stop() {
	local n
	for n in "$@"; do
		[ -n "${PID[$n]:-}" ] || continue
		kill "${PID[$n]}" 2>/dev/null; wait "${PID[$n]}" 2>/dev/null
		unset "PID[$n]"; rm -f "$RUN/$n.pid"
	done
}
cleanup() { stop "${!PID[@]}"; ip netns del "$NS" 2>/dev/null; rm -rf "/etc/netns/$NS"; }
trap cleanup EXIT

network() {
	rm -rf "$OUT"; mkdir -p "$RUN" "$USERS_DIR" "/etc/netns/$NS"
	ip netns add "$NS" || exit 1
	in_ns ip link set lo up
	# freeDiameter wants an address that is not the loopback's
	in_ns ip link add d0 type veth peer name d1; in_ns ip link set d1 up; in_ns ip link set d0 up; in_ns ip addr add 192.0.2.9/32 dev d0
	sysctl -qw net.core.rmem_max=16777216 net.core.wmem_max=16777216 2>/dev/null
	echo "nameserver $DNS_IP" >"/etc/netns/$NS/resolv.conf"
	printf '%s\n' "127.0.0.1 localhost" "$P_IP pcscf.$DOMAIN" "$I_IP icscf.$DOMAIN" "$S_IP scscf.$DOMAIN" "$HSS_IP hss.$DOMAIN" >"/etc/netns/$NS/hosts"
	cat >"$RUN/unbound.conf" <<-U
	server:
	  interface: $DNS_IP
	  access-control: 127.0.0.0/8 allow
	  username: ""
	  chroot: ""
	  directory: "$RUN"
	  pidfile: ""
	  use-syslog: no
	  module-config: "iterator"
	  num-threads: 1
	  local-zone: "$DOMAIN." static
	  local-data: "pcscf.$DOMAIN. 86400 A $P_IP"
	  local-data: "icscf.$DOMAIN. 86400 A $I_IP"
	  local-data: "scscf.$DOMAIN. 86400 A $S_IP"
	  local-data: "hss.$DOMAIN. 86400 A $HSS_IP"
	  local-data: "$DOMAIN. 86400 A $I_IP"
	  local-data: "_sip._udp.$DOMAIN. 86400 SRV 0 0 4060 icscf.$DOMAIN."
	  local-data: "_sip._udp.scscf.$DOMAIN. 86400 SRV 0 0 6060 scscf.$DOMAIN."
	remote-control:
	  control-enable: no
	U
	start dns unbound -d -c "$RUN/unbound.conf"
	cc -O2 -o "$RUN/cxhss" "$RIG/cxhss.c" -lcrypto -Wno-deprecated-declarations || exit 1
	"$RIG/gen_users.py" "$N" --auth AKA --out "$USERS_DIR" >/dev/null
}

hss() { start hss "$RUN/cxhss" -b "$HSS_IP" -i "hss.$DOMAIN" -r "$DOMAIN" -s "sip:scscf.$DOMAIN:6060" -u "$USERS_DIR/hss.csv" -P "$RUN/hss.own" -Z; sleep 0.5; }

kamailio_up() {
	local r
	for r in icscf scscf; do sed -e "s/@DOMAIN@/$DOMAIN/g; s/@I_IP@/$I_IP/; s/@S_IP@/$S_IP/; s/@CDP_WORKERS@/$CDP_WORKERS/" "$RIG/cfg/$r.xml.in" >"$RUN/$r.xml"; done
	sed -e "s#@RUN@#$RUN#; s#@RIG@#$RIG#; s/@DOMAIN@/$DOMAIN/g; s/@P_IP@/$P_IP/; s/@I_IP@/$I_IP/; s/@S_IP@/$S_IP/" "$RIG/cfg/site.cfg.in" >"$RUN/site.cfg"
	cp "$RIG"/cfg/[pis]cscf.cfg "$RUN/"
	hss
	for r in icscf scscf pcscf; do
		mkdir -p "$RUN/$r"
		start $r /usr/sbin/kamailio -x fm -X fm -DD -E -f "$RUN/$r.cfg" -Y "$RUN/$r" -w "$RUN" -m 512 -M 16 \
			-A WORKERS="$WORKERS" -A HASHBITS=14 -A LOGLEVEL=-1 -A MAXBUF=262144 -A WITH_DIALOG
		sleep 0.7
	done
	sleep 2
}

kims_up() {
	local r
	cat >"$RUN/kims.yaml" <<-Y
	log_level: warn
	network: { domain: $DOMAIN, visited: $DOMAIN, dns: $DNS_IP }
	pcscf: { gm4: $P_IP, gm6: none, mw: 127.0.1.4, mw_port: 5070, kernel: false, ipsec_required: false, reg_event: false }
	icscf: { addr: $I_IP, addr6: none, port: 4060, scscf_list: "sip:scscf.$DOMAIN:6060" }
	scscf: { addr: $S_IP, addr6: none, port: 6060 }
	diameter: { hss_addr: $HSS_IP, icscf_port: 3869, scscf_port: 3870 }
	Y
	hss
	rm -rf "$RUN/kims-state"
	for r in icscf scscf pcscf; do
		mkdir -p "$RUN/kims-run" "$RUN/kims-state"
		start $r build/bin/kims-$r -c "$RUN/kims.yaml" -r "$RUN/kims-run" -s "$RUN/kims-state"
		sleep 0.5
	done
	for r in $(seq 50); do in_ns build/bin/kimsctl -r "$RUN/kims-run" ping pcscf >/dev/null 2>&1 && break; sleep 0.2; done
	sleep 2
}

