/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * RTP ports of the media relay: pairs of an even port for RTP and the next one for RTCP
 * (RFC 3550 11), of each of the two families its own.
 *
 * Next fit from a random start: a port that was given back is the last one to be given again, so
 * that a late packet of an old call does not meet a new one.
 */
#ifndef KIMS_PCSCF_PORTS_H
#define KIMS_PCSCF_PORTS_H

#include "lib/core/base.h"

struct ports {
	uint16_t min, n_pairs;
	struct {
		uint64_t *used; /* bitmap of pairs */
		uint32_t next, n_used;
	} family[2];
};

int ports_init(struct ports *p, uint16_t min, uint16_t max); /* -EINVAL: no pair in the range */
void ports_fini(struct ports *p);
int ports_get(struct ports *p, bool v6, uint16_t *ret); /* -ENOSPC */
int ports_take(struct ports *p, bool v6,
	       uint16_t port); /* read back after a restart: -EEXIST, -ERANGE */
void ports_put(struct ports *p, bool v6, uint16_t port); /* 0 is fine */

#endif
