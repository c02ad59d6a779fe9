/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Inside n4.c, upf.c, bearer.c, gx.c: PFCP sessions and the UPFs that have them. */
#ifndef KIMS_SMF_N4_H
#define KIMS_SMF_N4_H

#include "smf/smf.h"

/* A PDR, FAR, QER or URR as the UPF has it. */
struct smf_n4_object {
	uint8_t type; /* enum sx_rule_type */
	uint32_t id;
	uint64_t hash; /* of what it says */
};

enum smf_n4_state {
	SMF_N4_NONE, /* the UPF has no session */
	SMF_N4_ESTABLISHING,
	SMF_N4_UP,
	SMF_N4_MODIFYING,
	SMF_N4_DELETING,
};

struct smf_n4 {
	struct smf_pdn *pdn;
	struct smf_upf *upf;
	struct smf_n4 *next, **pprev; /* of the UPF */
	enum smf_n4_state state;
	uint64_t up_seid;
	struct xchg_call *call;
	struct timer soon;
	struct smf_n4_object *known, *sent; /* sent: known when the request under way is accepted */
	uint16_t n_known, n_sent;
	bool wanted; /* somebody waits for N4_OK or _FAILED */
	bool again;  /* something changed while the request was under way */
	bool closing;
	bool end_marker;
	bool restore;	 /* was there before: with the F-TEIDs of before */
	bool unsure;	 /* no answer to a modification: nobody knows what the UPF has */
	bool doubt;	 /* no answer to an establishment: the UPF may have it, nobody knows its SEID */
	uint8_t retries; /* of a refused modification */
	uint8_t tries;	 /* to let go of it */
	uint8_t cause;	 /* enum s5_cause: why it failed; 0: it did not */
};

struct smf_upf {
	struct smf_upf *next;
	struct smf *smf;
	struct sockaddr_storage addr;
	struct pfcp_peer *peer; /* NULL: no association */
	struct xchg_call *call; /* Association Setup Request */
	struct timer retry, gone;
	struct smf_n4 *sessions;
	uint32_t n_sessions;
	struct sx_up_features features;
	uint32_t next_teid; /* without FTUP it is us who choose */
	bool configured, releasing;
	uint32_t release_step; /* sessions that end in a second of a graceful release */
	struct timer leave;
	/* what it says of itself (TS 29.244 6.2.3, 6.2.4) */
	bool has_load, has_overload;
	uint8_t load, reduction; /* per cent */
	uint32_t load_seq, overload_seq;
	uint64_t overload_until; /* usec of the loop; UINT64_MAX: until it says another thing */
};

void smf_n4_metrics(void);

/* --- n4_rules.c --- */
enum {
	SMF_N4_DEFAULT_ID = 1,
	SMF_N4_GUARD = 0x8000, /* and the rule's number: PDR of its guard */
};
static inline uint32_t smf_n4_rule_of(uint32_t pdr)
{
	return pdr > SMF_N4_GUARD ? pdr - SMF_N4_GUARD : pdr / 2;
}
struct smf_n4_object *smf_n4_find(struct smf_n4_object *list, size_t n, uint8_t type, uint32_t id);
bool smf_n4_is_enforced(const struct smf_rule *r); /* it has PDRs */
/* Everything that is wanted; n->sent is that. Static; NULL: no memory. */
struct sx_session_establishment_request *smf_n4_all(struct smf_n4 *n);
/* 1: *ret has changes, after which n->sent is what there is; 0: there are none; -ENOMEM. */
int smf_n4_changes(struct smf_n4 *n, const struct sx_session_modification_request **ret);

/* --- upf.c --- */
struct smf_upf *smf_upf_choose(const struct smf *s); /* NULL: none is associated */
struct smf_upf *smf_upf_get(struct smf *s,
			    const struct sockaddr_storage *addr); /* NULL: no memory */
/* NULL: nothing was said. */
void smf_upf_learn(struct smf_upf *u, const struct sx_load *l, const struct sx_overload *o);
/* A new session is one that it asks to be spared; another draw each time. */
bool smf_upf_throttles(const struct smf_upf *u);
void smf_upf_session_gone(struct smf_upf *u); /* the last one of a UPF that leaves lets it go */
bool smf_upf_ready(const struct smf_upf *u);			  /* associated, and it answers */
/* It says that there is no association: there is none, nor a session; a new one is asked for, as after a restart. */
void smf_upf_disowns(struct smf_upf *u);
struct sx_node_id smf_n4_node_id(const struct smf *s);
void smf_upf_request(void *arg, struct xchg_token *t, const struct xchg_msg *m,
		     struct pfcp_peer *peer);

/* --- n4.c, for upf.c --- */
void smf_n4_restore(struct smf_n4 *n); /* its UPF is back, without it */
void smf_n4_resume(struct smf_n4 *n);  /* its UPF is back, with it */
void smf_n4_forget(struct smf_n4 *n);  /* its UPF has lost it */
void smf_n4_give_up(struct smf_n4 *n); /* its UPF stays away: the PDN connection ends */
void smf_n4_report(struct smf *s, struct xchg_token *t, const struct xchg_msg *m);

#endif
