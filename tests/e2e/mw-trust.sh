#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Mw is closed to phones: a request straight to I-CSCF, S-CSCF or the P-CSCF's Mw port is not answered, and counted.
. tests/e2e/lib.sh
ask() { # ADDRESS PORT: prints the status line, or nothing within 2 s
	ip netns exec ue8 python3 - "$1" "$2" <<-'P'
	import socket, sys
	s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
	s.settimeout(2)
	s.connect((sys.argv[1], int(sys.argv[2])))
	me = "%s:%d" % s.getsockname()
	s.send((f"OPTIONS sip:{sys.argv[1]} SIP/2.0\r\nVia: SIP/2.0/UDP {me};branch=z9hG4bKmw\r\nFrom: <sip:x@y>;tag=1\r\nTo: <sip:x@y>\r\n"
	        f"Call-ID: mw@{me}\r\nCSeq: 1 OPTIONS\r\nMax-Forwards: 70\r\nContent-Length: 0\r\n\r\n").encode())
	try:
	    print(s.recv(2000).decode().split("\r\n")[0])
	except OSError:
	    pass
	P
}
for to in "10.46.0.1 5070" "10.46.0.2 5060" "10.46.0.3 5060"; do
	# shellcheck disable=SC2086
	got=$(ask $to)
	[ -z "$got" ] || fail "$to answered a phone: $got"
done
$KIMSCTL show metrics scscf | grep -q '^kims_scscf_untrusted_total [1-9]' || fail "the S-CSCF did not count it"
echo "three Mw ports, no answer to a phone"
