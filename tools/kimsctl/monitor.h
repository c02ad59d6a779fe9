/* SPDX-License-Identifier: GPL-2.0-or-later */
/* kimsctl monitor: how packets are shown, as lines and as pcapng. */
#ifndef KIMSCTL_MONITOR_H
#define KIMSCTL_MONITOR_H

#include <stdio.h>

#include "lib/netlink/mon.h"

/* "10.45.0.2:4000 > 10.46.0.1:53 UDP 120"; what is cut off is shown as far as it goes. */
void monitor_line(const struct knl_mon_packet *p, char *line, size_t size);
/* The comment of a packet: subscriber, session, direction. */
void monitor_comment(const struct knl_mon_packet *p, const char *label, char *text, size_t size);

/*
 * pcapng (draft-ietf-opsawg-pcapng): link type 101 (raw IP), time in ns, a comment and the direction with each
 * packet, so that Wireshark needs nothing to show whose it is. 0 or -errno.
 */
int pcapng_begin(FILE *f);
int pcapng_packet(FILE *f, const struct knl_mon_packet *p, const char *comment);

#endif
