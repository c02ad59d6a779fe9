/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the control side of GTP-U shares: endpoints and sessions as netlink asks for them.
 *
 * A batch of sessions is a transaction of two steps. Prepare reads, checks and allocates
 * everything, and puts what may collide (session ids, tunnels, UE addresses) into the tables;
 * until the second step no PDR uses it. Commit cannot fail: it swaps rules and meters of a
 * session under its lock and takes away what the new rules do not use. When a session of the
 * batch is refused, those prepared before it are undone.
 *
 * All of it is under kims_net.lock.
 */
#ifndef KIMS_GTPU_CONTROL_H
#define KIMS_GTPU_CONTROL_H

#include "genl.h"
#include "gtpu/gtpu.h"

/* --- alloc.c --- */

/* Zeroed; NULL: no memory. */
struct kims_session *kims_session_zalloc(void);
struct kims_urr *kims_urr_zalloc(void);
struct kims_rules *kims_rules_zalloc(size_t size);

/* --- ep.c --- */

struct kims_gtpu_ep_conf {
	u32 id; /* 0: to be chosen */
	struct kims_end local;
	u32 ifindex;
	const struct nlattr *dev_attr;
	bool udp_csum, entropy, fragment_outer, stack, mss_clamp;
};

int kims_gtpu_ep_create(struct kims_net *kn, const struct kims_gtpu_ep_conf *conf,
			struct kims_gtpu_ep **ret, struct netlink_ext_ack *extack);
/* -EBUSY: used. Else it is out of the tables and counts no more; to be freed by the caller. */
int kims_gtpu_ep_delete(struct kims_gtpu_ep *ep, struct netlink_ext_ack *extack);
void kims_gtpu_ep_free(struct kims_gtpu_ep *ep);
void kims_gtpu_eps_exit(struct kims_net *kn);
/* Adds the endpoint's counters. */
void kims_gtpu_ep_add_totals(const struct kims_gtpu_ep *ep, struct kims_gtpu_ep_totals *t);

/* --- read.c: one object of a request; rules.c puts them together --- */

#define KIMS_PDR_FILTERS 255 /* most of one PDR */

/* Ids that a PDR of the request names. */
struct kims_pdr_refs {
	u32 endpoint, far;
	__be32 teid;
	u32 qers[KIMS_PDR_QERS], urrs[KIMS_PDR_URRS];
};

/* The rest of a far that is read: what it names. */
struct kims_far_refs {
	u32 endpoint, dup_endpoint;
	bool end_marker;
};

/* The required id of a rule. -EINVAL. */
int kims_read_id(const struct nlattr *attr, u32 *ret_id, struct netlink_ext_ack *extack);
/* Octets that the filters of a PDR take in struct kims_rules, and how many they are. */
int kims_read_filters_size(const struct nlattr *pdr, u32 *ret_n, size_t *ret_size,
			   struct netlink_ext_ack *extack);
/* Of a zeroed filter with room; returns its size in *ret_size. */
int kims_read_filter(const struct nlattr *attr, struct kims_filter *ret, size_t *ret_size,
		     struct netlink_ext_ack *extack);
/* All but the filters and what the refs name, of a zeroed PDR. */
int kims_read_pdr(const struct nlattr *attr, struct kims_pdr *ret, struct kims_pdr_refs *ret_refs,
		  struct netlink_ext_ack *extack);
int kims_read_far(const struct nlattr *attr, struct kims_far *ret, struct kims_far_refs *ret_refs,
		  struct netlink_ext_ack *extack);
int kims_read_qer(const struct nlattr *attr, struct kims_qer *ret, struct netlink_ext_ack *extack);
int kims_read_urr(const struct nlattr *attr, struct kims_urr *ret, struct netlink_ext_ack *extack);
void kims_read_bar(const struct nlattr *attr, struct kims_bar *ret);

static inline size_t kims_filter_size(unsigned int ports)
{
	return ALIGN(sizeof(struct kims_filter) + ports * sizeof(struct kims_ports), 8);
}

/* --- a session of a batch --- */

/* What a session owns besides its rules; the arrays are one allocation that begins at qers. */
struct kims_parts {
	struct kims_qer **qers;
	struct kims_urr **urrs;
	struct kims_pdr_count **counts;
	struct kims_tunnel **tunnels;
	u32 n_qers, n_urrs, n_counts, n_tunnels;
};

struct kims_label {
	struct rcu_head rcu;
	char text[];
};

struct kims_plan {
	const struct nlattr *attr; /* KIMS_A_SESSION of the request */
	struct kims_session *s;
	bool fresh; /* the session is new */
	/* Of the session when committed, before that to be; and the reverse. */
	struct kims_rules *rules;
	struct kims_parts parts;
	/* How meters that stay change, NULL: not; beside parts.qers and parts.urrs. */
	struct kims_qer **qer_confs;
	struct kims_urr **urr_confs;
	u32 n_confs; /* room in both, which are one allocation */
	struct kims_ue *ue[2]; /* new ones */
	struct kims_label *label;
	u32 linked;	 /* FARs of rules, from the first, that are in the tables */
	u32 urrs_gone;	 /* that the change removes */
	u64 end_markers; /* bit of a FAR of rules: the tunnel of its predecessor ends */
	u32 idle_timeout;
	struct kims_bar bar;
	bool monitored;
};

/* --- rules.c --- */

/*
 * Rules and parts of the plan from its request and what the session has. -errno with a sentence,
 * and then kims_rules_undo() is to be called all the same.
 */
int kims_rules_prepare(struct kims_plan *plan, struct netlink_ext_ack *extack);
/* Out of the tables what the plan put there, and freed. */
void kims_rules_undo(struct kims_plan *plan);
/* After the swap: plan has the old ones. Out of the tables with what is not used any more. */
void kims_rules_unlink(struct kims_plan *plan);
/* Frees what is not used any more; packets may still be on it. */
void kims_rules_release(struct kims_plan *plan);
/* Of a session that is dead: out of the tables; freed, when no packet is on it any more. */
void kims_rules_unlink_all(const struct kims_session *s);
void kims_rules_free_all(struct kims_session *s);
/* FAR by id, or NULL; rules may be NULL. */
struct kims_far *kims_far_find(const struct kims_rules *rules, u32 id);
bool kims_has(const void *array, u32 n, const void *p);

static inline struct kims_rules *kims_session_rules(const struct kims_session *s)
{
	return rcu_dereference_protected(s->rules, lockdep_is_held(&s->kn->lock));
}

/* --- session.c --- */

/* Prepares one session; on refusal nothing is left of it. */
int kims_session_prepare_new(struct kims_net *kn, struct kims_plan *plan,
			     struct netlink_ext_ack *extack);
int kims_session_prepare_change(struct kims_net *kn, struct kims_plan *plan,
				struct netlink_ext_ack *extack);
void kims_session_undo(struct kims_plan *plan);
/* Each of these for all sessions of the batch before the next. */
void kims_session_commit(struct kims_plan *plan);
void kims_session_settle(struct kims_plan *plan); /* tables, buffer, End Marker */
void kims_session_finish(struct kims_plan *plan); /* frees */
/* Counts nothing from here, is found no more; its counters can be read until it is freed. */
void kims_session_delete(struct kims_session *s);
void kims_session_free(struct kims_session *s);
/* Deletes all sessions. */
void kims_gtpu_net_flush(struct kims_net *kn);

/* --- write.c --- */

/* Where a message that was full has stopped. All 0: the beginning. */
struct kims_put_at {
	u32 part;  /* which kind of rule, enum kims_put_part */
	u32 index; /* of the rule */
	u32 sub;   /* PDR: 0 all of it, n: its filters from n - 1 */
};

/*
 * A session with rules and counters, as much as fits, from *at: 0 all is said, -EMSGSIZE the
 * message is full and *at says where to go on. Nothing fits at all: *at has not moved.
 */
int kims_session_put(struct sk_buff *skb, struct kims_session *s, struct kims_put_at *at);
/* Its counters only; final says that the session is deleted. -EMSGSIZE. */
int kims_session_put_counters(struct sk_buff *skb, struct kims_session *s, bool final);
size_t kims_session_counters_size(const struct kims_session *s);
/* URRs that a committed change has removed, in a session. */
int kims_session_put_gone(struct sk_buff *skb, const struct kims_plan *plan);
size_t kims_session_gone_size(const struct kims_plan *plan);
void kims_session_notify_del(struct kims_session *s);

#endif /* KIMS_GTPU_CONTROL_H */
