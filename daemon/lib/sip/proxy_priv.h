/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Private to the proxy core: a target as kept for a branch, and how it is applied to a copy of the request.
 */
#ifndef KIMS_SIP_PROXY_PRIV_H
#define KIMS_SIP_PROXY_PRIV_H

#include "lib/sip/proxy.h"
#include "lib/sip/tx_priv.h"

struct fwd_target { /* owns its strings */
	char *uri, *next_hop, *record_route, *route;
	bool has_path, has_sentby;
	struct path_small path;
	struct sip_ep *ep;
	struct sa_small sentby;
	int (*edit)(void *arg, struct sip_msg *branch_req, void *target_user);
	void *user;
	uint32_t q;
};

int fwd_target_copy(struct fwd_target *dst, const struct sip_target *src);
void fwd_target_fini(struct fwd_target *t);
/* RFC 3261 16.6 steps 2, 3, 4, 6 on m. */
int fwd_target_apply(struct sip_msg *m, const struct fwd_target *t);
int fwd_obey_strict_route(struct sip_msg *m); /* 16.6 step 6, after the way was chosen */
/* URI to resolve: the target's, else the topmost Route's, else the Request-URI, as t will make m. View into m or t. */
struct str fwd_next_hop(const struct sip_msg *m, const struct fwd_target *t);
int fwd_hop_path(struct sip_stack *s, const struct fwd_target *t, const struct sip_hop *hop,
		 struct sip_path *ret);
/* ctx_start() with the target's Via. */
int fwd_start(struct sip_stack *s, struct sip_msg *m, const struct fwd_target *t,
	      const struct sip_path *path, uint64_t loop_hash, sip_ctx_fn fn, void *arg,
	      struct sip_ctx **ret);
uint64_t proxy_loop_hash(const struct sip_stack *s, const struct sip_msg *m);

#endif
