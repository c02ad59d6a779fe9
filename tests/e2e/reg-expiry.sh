#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The registration runs out and nobody says good-bye: SAs, registration and binding end by themselves.
. tests/e2e/lib.sh
$UE --phone "$(phone 1 expires=6)" --no-leave register --phone 1 || $UE --phone "$(phone 1 expires=6)" register --phone 1 || exit 1
check registered 1 || exit 1
for _ in $(seq 60); do [ "$(ip xfrm state | grep -c ^src)" = 0 ] && break; sleep 1; done
check empty
