/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A kimsmon device of one's own, and what is seen on it: inner packets of monitored sessions.
 */
#ifndef KIMS_NETLINK_MON_H
#define KIMS_NETLINK_MON_H

#include "lib/core/base.h"

struct knl_mon;

struct knl_mon_packet {
	uint64_t session;
	bool uplink;
	struct timespec at;	/* real time */
	const uint8_t *data;	/* an IP packet; valid until the next read */
	size_t len, whole;	/* whole: before it was cut to the buffer */
};

/* Makes the device, up, in this network namespace. -EOPNOTSUPP: no kims.ko; -EPERM. */
int knl_mon_open(struct knl_mon **ret);
int knl_mon_fd(const struct knl_mon *m);
/* 1: a packet, 0: none is there, or -errno. */
int knl_mon_read(struct knl_mon *m, struct knl_mon_packet *ret);
/* Packets that came too fast, since the last call. */
unsigned int knl_mon_lost(struct knl_mon *m);
void knl_mon_close(struct knl_mon *m); /* the device goes, too */

#endif
