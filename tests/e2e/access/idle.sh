#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# A phone that is idle, its bearers in a SGW-U (kims-upf in the access namespace, Sxa): a call to it waits there, is reported once,
# pages it, and goes on after its service request. One that does not answer: the caller is told.
. tests/e2e/lib.sh
nf start sgwu || fail "no SGW-U"
trap 'nf stop sgwu' EXIT
$UE --access netns=access --phone "$(gtp_phone 1 gtpu=pfcp)" --phone "$(gtp_phone 2 gtpu=pfcp)" \
	attach register call --from 1 --to 2 --duration 1s --bearer yes bearers --count 0 \
	idle --phone 2 --delay 300ms call --from 1 --to 2 --duration 1s --bearer yes paged --phone 2 --count 1 \
	deregister detach || exit 1
# the same with the rules of kims.ko by netlink
gtp_ue attach register idle --phone 2 --delay 300ms call --from 1 --to 2 --duration 1s --bearer yes paged --phone 2 --count 1 \
	deregister detach || exit 1
$UE --access netns=access --phone "$(gtp_phone 1 gtpu=pfcp)" --phone "$(gtp_phone 2 gtpu=pfcp)" \
	attach register idle --phone 2 --answer none call --from 1 --to 2 --expect 408 paged --phone 2 --answer none --count 1 \
	deregister detach
