#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Re-registration makes new SAs before it breaks the old ones, several times, over both transports; calls go on between.
. tests/e2e/lib.sh
for tp in udp tcp; do
	$UE --phone "$(phone 1 transport=$tp)" --phone "$(phone 2 transport=$tp)" register --phone all reregister --phone 1 call --from 2 --to 1 --duration 1s \
		reregister --phone 1 reregister --phone 2 call --from 1 --to 2 --duration 1s deregister --phone all || exit 1
done
