/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Stateful proxy core (RFC 3261 16): forwards a request to one or more targets, gathers
 * responses, picks the best one, cancels the losers, timer C, CANCEL from upstream, 408/487.
 *
 * The owner validates and edits the request first (sip_proxy_prepare() does 16.3: Max-Forwards,
 * loops, Proxy-Require; 16.4: Route preprocessing) and says where it goes; responses pass its
 * hook before they go upstream. It has no idea of IMS.
 */
#ifndef KIMS_SIP_PROXY_H
#define KIMS_SIP_PROXY_H

#include "lib/sip/resolve.h"
#include "lib/sip/tx.h"

struct sip_fwd; /* one request being forwarded: the response context */

struct sip_fwd_ops {
	/*
	 * A response from a branch (or one that the core makes for it: 408 when none came, 503 for a
	 * transport or DNS failure, 504 for a DNS timeout), before it goes upstream; resp's topmost Via (ours) is removed
	 * already; the owner may edit resp. Return 0: pass on / take part in the choice; -EAGAIN:
	 * the owner keeps it (ref taken) and later calls sip_fwd_resume(); -ECANCELED: swallow it.
	 * Called for every 1xx but 100, and for finals as they come (best = false) and for the chosen
	 * one (best = true; 2xx: always best).
	 */
	int (*response)(void *arg, struct sip_fwd *f, struct sip_msg *resp, bool best);
	/*
	 * All branches done and upstream answered, or upstream cancelled and all ended. status: what
	 * went upstream; 0: nothing, the owner has swallowed the best response and still owes one.
	 * f is gone afterwards; sip_proxy_forward() may be called again for the same stx (from here too).
	 * Never called before sip_proxy_forward() has returned.
	 */
	void (*end)(void *arg, struct sip_fwd *f, int status);
	void (*cancelled)(void *arg, struct sip_fwd *f); /* CANCEL came from upstream */
};

struct sip_target {
	struct str uri; /* new Request-URI; n == 0: unchanged */
	struct str
		next_hop; /* sip URI to resolve for the way; n == 0: topmost Route, else Request-URI (RFC 3261 16.6.6) */
	const struct sip_path *path; /* way known already (Gm): no resolution */
	struct sip_ep *ep; /* endpoint to leave from when resolved; NULL: sip_tp_ep_for() */
	const union sip_sa *via_sentby; /* for our Via; NULL: path's endpoint */
	const char *record_route;	/* value to prepend, NULL: none */
	const char *route;		/* header value(s) to put on top of Route, or NULL */
	/*
	 * Called on the branch's own copy of the request just before it is sent (again for each further
	 * hop); may edit; may be NULL. A status >= 300 or -errno instead of 0: the branch ends with it.
	 */
	int (*edit)(void *arg, struct sip_msg *branch_req, void *target_user);
	void *user;
	uint32_t q; /* 0..1000: parallel within equal q, serial otherwise, highest first */
};

/*
 * Checks of RFC 3261 16.3 and 16.4 on a request that arrived: 483, 482 (loop: same branch hash),
 * 420 for Proxy-Require tags that are not in supported (NULL-terminated list), 416 for a strange
 * scheme; removes topmost Route values that are ours: is_me(arg, uri) decides; *ret_my_route gets the text of the
 * first one that was removed (a copy owned by m's arena; n == 0: none), since its user part and
 * parameters are the owner's memory ("orig", "term", an id).
 * 0: go on. Otherwise the status was sent already and is returned.
 */
int sip_proxy_prepare(struct sip_stack *s, struct sip_stx *stx, struct sip_msg *m,
		      const char *const *supported,
		      bool (*is_me)(void *arg, const struct sip_uri *uri), void *arg,
		      struct str *ret_my_route);

/*
 * Forwards stx's request m (edited by the owner; borrowed) to the targets. ops may be NULL.
 * Max-Forwards is decremented; 100 Trying is sent for an INVITE at once. Takes over stx's on_cancel and on_end.
 * timer_c_ms 0: 180 s. resolver: needed when a target has no path.
 */
int sip_proxy_forward(struct sip_stack *s, struct sip_resolver *r, struct sip_stx *stx,
		      struct sip_msg *m, const struct sip_target *targets, size_t n,
		      uint32_t timer_c_ms, const struct sip_fwd_ops *ops, void *arg,
		      struct sip_fwd **ret);
/* Without transaction: ACK to 2xx. The target's strings are copied; edit() gets arg NULL. */
int sip_proxy_forward_ack(struct sip_stack *s, struct sip_resolver *r, struct sip_msg *ack,
			  const struct sip_target *t);
/* Default treatment of responses without a transaction: to the next Via. */
int sip_proxy_stray_response(struct sip_stack *s, struct sip_msg *m);

void sip_fwd_cancel(
	struct sip_fwd *f, int status,
	const char *reason_value); /* cancels all branches; status goes upstream (487 if 0), with this Reason */
void sip_fwd_resume(
	struct sip_fwd *f,
	struct sip_msg *resp); /* after -EAGAIN: as if response() had returned 0; unrefs */
void sip_fwd_drop(struct sip_fwd *f,
		  struct sip_msg *resp); /* after -EAGAIN: as if -ECANCELED; unrefs */
struct sip_stx *sip_fwd_stx(struct sip_fwd *f);
void *sip_fwd_arg(struct sip_fwd *f);
struct sip_msg *sip_fwd_request(struct sip_fwd *f); /* as the owner passed it */
/*
 * One more target, e.g. from within response() for a 3xx or a failed application server. It starts
 * when the q values say so. -EALREADY: a final response went upstream, or cancelled.
 */
int sip_fwd_add_target(struct sip_fwd *f, const struct sip_target *t);

#endif
