#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Helpers of the e2e tests that are shell scripts: phones on kims-ue's command line.
. tests/lab/lab.sh

phone() { # I [key=value ...]: phone I of the lab
	local i=$1 h=$((10 + $1)) opts="" kv; shift
	local fam=4
	for kv in "$@"; do case $kv in family=6) fam=6 ;; *) opts="$opts,$kv" ;; esac; done
	local addr=10.45.0.$h pcscf=10.46.0.1
	[ $fam = 6 ] && addr=fd45::$h pcscf=fd46::1
	printf 'name=p%d,imsi=00101%010d,k=465b5ce8b199b49faa5f0a2e%08x,opc=e8ed289deba952e4283b54e8%08x,msisdn=+1555%07d,netns=ue%d,addr=%s,pcscf=%s%s' \
		"$i" "$i" "$i" $((i * 7919)) "$i" "$i" "$addr" "$pcscf" "$opts"
}

gtp_phone() { # I [key=value ...]: phone I of the lab with LAB_ACCESS; IPv4 unless pdn_type says otherwise
	local i=$1 opts="" kv; shift
	for kv in "$@"; do opts="$opts,$kv"; done
	printf 'name=p%d,imsi=00101%010d,k=465b5ce8b199b49faa5f0a2e%08x,opc=e8ed289deba952e4283b54e8%08x,msisdn=+1555%07d,netns=ue%d,apn=ims,pdn_type=ipv4,audio_delay=500ms%s' \
		"$i" "$i" "$i" $((i * 7919)) "$i" "$i" "$opts"
}

gtp_ue() { # kims-ue with phones 1 and 2 by GTP
	$UE --access netns=access --phone "$(gtp_phone 1)" --phone "$(gtp_phone 2)" "$@"
}

check() { tests/demo/check.py "$@"; }
nf() { tests/lab/nf "$@"; }
fail() { echo "FAILED: $*"; exit 1; }
