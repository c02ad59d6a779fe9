#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# TCP connections under SAs end before these do, at both ends: nothing is left that would be repeated in the clear, or into SAs that are gone.
. tests/e2e/lib.sh
UP=$LAB_RUN/tcp-ends.up
left() { core ss -Htan | grep -E ':506[2-5] ' | grep -vE '^(LISTEN|TIME-WAIT) '; }
cleartext() { # segments that kims.ko has dropped for it
	core $KIMSCTL --json show kernel port | python3 -c 'import json, sys; print(sum(p["drops"].get("cleartext", 0) for p in json.load(sys.stdin)))'
}
phones() { # FAMILY OPTION STEP...: two phones, with connections that they made and such as the P-CSCF made
	local family=$1 option=$2; shift 2
	exec $UE $option --phone "$(phone 1 transport=tcp family=$family)" --phone "$(phone 2 transport=tcp family=$family)" \
		register --phone all call --from 1 --to 2 --duration 1s --max-loss 1 "$@"
}
lost() { # add|del: nothing that the phones send arrives
	for ns in ue1 ue2; do ip -n $ns route "$1" blackhole 10.46.0.1 && ip -n $ns route "$1" blackhole fd46::1; done
}
not_in_clear() { # a FIN would be repeated after 0.2 s, 0.6 s, 1.4 s
	local n
	sleep 2
	n=$(cleartext) || fail "no counters"
	[ "$n" = "$before" ] || fail "$((n - before)) segments in the clear"
}
closed_by_phones() { # the P-CSCF may want to make one for a NOTIFY
	if left | grep -v ^SYN-SENT; then fail "connections that the phones did not close under their SAs"; fi
	not_in_clear
}
interrupted() { # FAMILY SIGNAL...
	local family=$1 ue i sig; shift
	rm -f "$UP"
	(phones $family "" run --command "touch $UP" wait --duration 60s) &
	ue=$!
	for ((i = 0; i < 600; i++)); do [ ! -e "$UP" ] || break; sleep 0.1; done
	for sig; do kill -"$sig" "$ue"; done
	wait "$ue"
	[ $? = 1 ] || fail "the phones were not interrupted"
}
network_ends() { for i in 1 2; do $KIMSCTL deregister "sip:00101000000000$i@$LAB_DOMAIN"; done; }

for family in 4 6; do
	before=$(cleartext) || fail "no counters"
	(phones $family "" reregister --phone 1 call --from 2 --to 1 --duration 1s --max-loss 1 deregister --phone all) || exit 1
	closed_by_phones
	interrupted $family TERM
	closed_by_phones
	interrupted $family TERM INT # at once: they do not de-register
	closed_by_phones
	network_ends # of those whose de-REGISTER did not leave any more
	check rows ue 0 || exit 1

	# the P-CSCF's own part, when it hears no more of them
	(phones $family --no-leave run --command "$(declare -f lost); lost add"); rc=$?
	lost del && [ $rc = 0 ] || exit 1
	[ -n "$(left)" ] || fail "they have gone before the phones"
	network_ends
	for ((i = 0; i < 150; i++)); do # as long as the SAs stay, and a bit
		[ -n "$(left)" ] || break
		sleep 0.1
	done
	if [ $i = 150 ]; then left; fail "connections outlive their SAs"; fi
	not_in_clear
done
