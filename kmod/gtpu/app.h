/* SPDX-License-Identifier: GPL-2.0 */
/* Inner flows that userspace has said something of; see app.c. */
#ifndef KIMS_GTPU_APP_H
#define KIMS_GTPU_APP_H

#include "gtpu/gtpu.h"

/* Both directions of an inner flow; compared as a whole, so all of it is written, also padding. */
struct kims_app_key {
	struct in6_addr ue, remote; /* IPv4 in the first word */
	__be16 ue_port, remote_port; /* 0: the protocol has none */
	u8 family, protocol;
	u8 zero[2];
};

/* Where a walk over the flows of a session is. */
struct kims_app_at {
	u32 bucket, index;
};

/* The caller of these holds kims_net.lock. Adds or replaces. -ENOMEM. */
int kims_app_set(struct kims_session *s, const struct kims_app_key *key, u32 app_id);
/* fn returns 0, or an error that ends the walk before that flow; the walk returns it. */
int kims_app_walk(struct kims_session *s, struct kims_app_at *at,
		  int (*fn)(void *arg, const struct kims_app_key *key, u32 app_id), void *arg);

#endif /* KIMS_GTPU_APP_H */
