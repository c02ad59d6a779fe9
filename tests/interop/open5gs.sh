#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Open5GS's SMF and UPF beside the lab's daemons (tests/lab/lab.sh, sourced before): configuration and start. Sourced by
# tests/interop/open5gs-guest and tests/bench/epc-guest. They take the place of kims-smf and kims-upf: same addresses, pools,
# P-CSCF and DNS.
#
# O5_DIR: a finished build of Open5GS 2.7 or later (meson's build directory, or a copy of its programs, libraries and freeDiameter extensions
# with the same folders); found where O5_DIR points or in ~/.cache/kims/open5gs. O5_UES: as many UEs does it make room for.

O5_DIR=${O5_DIR:-${KIMS_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/kims}/open5gs}
O5_CONF=${O5_CONF:-/run/open5gs}
O5_UES=${O5_UES:-1024}
O5_LEVEL=${O5_LEVEL:-info}

o5_have() {
	[ -x "$O5_DIR/src/smf/open5gs-smfd" ] && [ -x "$O5_DIR/src/upf/open5gs-upfd" ] && return
	echo "open5gs: no build in $O5_DIR; O5_DIR tells where it is" >&2
	return 1
}

o5_common() { # NAME
	cat <<-Y
	logger: { level: $O5_LEVEL }
	global: { max: { ue: $O5_UES } }
	$1:
	  metrics: { server: [ { address: 127.0.0.4, port: 909$([ "$1" = smf ] && echo 0 || echo 1) } ] }
	Y
}

# Its freeDiameter wants credentials of TLS, though its only peer is spoken to without.
o5_diameter() {
	local x d=$O5_DIR/subprojects/freeDiameter/extensions
	openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj "/CN=smf.$LAB_DOMAIN" -keyout "$O5_CONF/key" -out "$O5_CONF/cert" 2>/dev/null || return
	cat <<-C
	Identity = "smf.$LAB_DOMAIN";
	Realm = "$LAB_DOMAIN";
	ListenOn = "10.46.0.5";
	TLS_Cred = "$O5_CONF/cert", "$O5_CONF/key";
	TLS_CA = "$O5_CONF/cert";
	No_SCTP;
	NoRelay;
	C
	for x in dict_rfc5777 dict_mip6i dict_nasreq dict_nas_mipv6 dict_dcca dict_dcca_3gpp/dict_dcca_3gpp; do echo "LoadExtension = \"$d/$x.fdx\";"; done
	echo "ConnectPeer = \"pcrf.$LAB_DOMAIN\" { ConnectTo = \"10.46.0.7\"; No_TLS; };"
}

o5_smf_conf() {
	mkdir -p "$O5_CONF"
	o5_diameter >"$O5_CONF/smf-diameter.conf" || return
	{
		o5_common smf
		cat <<-Y
		  session:
		    - { subnet: 10.45.0.0/16, gateway: 10.45.255.254, dnn: ims }
		    - { subnet: "fd45::/48", gateway: "fd45:0:0:ffff::1", dnn: ims }
		    - { subnet: 10.48.0.0/16, gateway: 10.48.255.254, dnn: internet }
		    - { subnet: "fd48::/48", gateway: "fd48:0:0:ffff::1", dnn: internet }
		  pfcp: { server: [ { address: 10.46.0.5 } ], client: { upf: [ { address: 10.46.0.6 } ] } }
		  gtpc: { server: [ { address: 10.46.0.5 } ] }
		  gtpu: { server: [ { address: 10.46.0.5 } ] }
		  dns: [ 10.46.0.53, "fd46::53" ]
		  p-cscf: [ 10.46.0.1, "fd46::1" ]
		  mtu: 1400
		  ctf: { enabled: no }
		  freeDiameter: $O5_CONF/smf-diameter.conf
		Y
	} >"$O5_CONF/smf.yaml"
}

# No dnn: it looks the subnet up for each PDR by the Network Instance of that PDR, and ours has none towards the access.
o5_upf_conf() {
	mkdir -p "$O5_CONF"
	{
		o5_common upf
		cat <<-Y
		  session:
		    - { subnet: 10.45.0.0/16, gateway: 10.45.255.254 }
		    - { subnet: "fd45::/48", gateway: "fd45:0:0:ffff::1" }
		  pfcp: { server: [ { address: 10.46.0.6 } ] }
		  gtpu: { server: [ { address: 10.46.0.6 }, { address: "fd46::6" } ] }
		Y
	} >"$O5_CONF/upf.yaml"
}

# The TUN device is made before, as Open5GS's manual says.
o5_tun() {
	modprobe -q tun
	mkdir -p /dev/net
	[ -e /dev/net/tun ] || mknod /dev/net/tun c 10 200
	core_ip tuntap add name ogstun mode tun
	core_ip addr add 10.45.255.254/16 dev ogstun
	core_ip addr add fd45:0:0:ffff::1/48 dev ogstun nodad
	core_ip link set ogstun up
}

o5_start() { # smf|upf: log in $LAB_OUT/o5-NAME.log
	local nf=$1 i addr=10.46.0.5
	[ "$nf" = smf ] || addr=10.46.0.6
	"o5_$nf""_conf" || return
	[ "$nf" = smf ] || o5_tun || return
	lab_spawn "o5-$nf" "$O5_DIR/src/$nf/open5gs-${nf}d" -c "$O5_CONF/$nf.yaml"
	for i in $(seq 200); do
		lab_alive "o5-$nf" || { echo "open5gs: $nf ended at its start:" >&2; tail -n 5 "$LAB_OUT/o5-$nf.log" >&2; return 1; }
		core ss -Huanl "src $addr:8805" | grep -q . && return
		sleep 0.1
	done
	echo "open5gs: $nf did not become ready in 20 s" >&2
	return 1
}

o5_wait() { # WHAT WORDS: until Open5GS's WHAT says WORDS
	for _ in $(seq 200); do
		grep -qE "$2" "$LAB_OUT/o5-$1.log" && return
		sleep 0.1
	done
	echo "open5gs: $1 never said \"$2\"" >&2
	return 1
}
