/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the files of kims_nl_gtpu share. */
#ifndef KIMS_NETLINK_KIMS_NL_GTPU_PRIV_H
#define KIMS_NETLINK_KIMS_NL_GTPU_PRIV_H

#include "lib/netlink/kims_nl_gtpu.h"
#include "lib/netlink/kims_nl_priv.h"

/* Writes KIMS_A_SESSION; -NLE_NOMEM: no room. */
int knl_put_session(struct nl_msg *m, const struct knl_session *s);

/* Empties it: only the counters that it will have are written. */
static inline void knl_counters_init(struct knl_counters *c)
{
	memset(c, 0, offsetof(struct knl_counters, pdrs));
	c->idle_ms = UINT64_MAX;
}

/* One URR, or the counters of a session as far as the nest has them, added to ret. */
void knl_read_usage(struct nlattr *nest, struct knl_usage *ret);
void knl_read_counters(struct nlattr *session, struct knl_counters *ret);

/* Sessions of an answer, put together from their messages. */
struct knl_sessions {
	knl_session_fn fn;
	void *arg;
	struct knl_session_copy *now; /* being read; NULL: none yet */
	bool begun;		      /* there is one in it */
	int result;
};

int knl_read_session(struct knl_sessions *r, struct nlattr *session);
/* Tells of the last one, when r is 0; gives r, or what fn returned, back and frees. */
int knl_sessions_end(struct knl_sessions *s, int r);

#endif
