/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Media flows: one direction of RTP, RTCP or other UDP between two ends, in one namespace.
 *
 * A struct kims_rtp is the object of netlink: id, owner's cookie, counters. What a replace can
 * change lies in its struct kims_rtp_flow, which is also the entry of the flow cache and never
 * changes once it is there.
 *
 * Counters and the RFC 3550 state are under kims_rtp.lock, which the packets of a flow take: they
 * arrive on one CPU, so it is not contended, and it makes the counters that a delete returns
 * final.
 */
#ifndef KIMS_RTP_H
#define KIMS_RTP_H

#include <linux/timer.h>
#include <linux/xarray.h>
#include "flow.h"

#define KIMS_RTP_N_DROPS (KIMS_DROP_NO_MEMORY + 1) /* those that a media flow can have */
#define KIMS_RTP_ID_MAX 0x7fffffff
#define KIMS_RTP_CLOCK 8000

/* Sequence numbers and jitter of the source heard last; RFC 3550 A.1, A.3, A.8. */
struct kims_rtp_source {
	u32 ssrc;
	u32 cycles;
	u32 base_seq;
	u32 bad_seq;
	u32 received;
	u32 transit;
	u32 jitter; /* times 16 */
	u16 max_seq;
	bool heard;
};

struct kims_rtp_counters {
	u64 packets;
	u64 octets;
	u64 rtcp_packets;
	u64 drops[KIMS_RTP_N_DROPS];
	s64 lost_before; /* of sources before the one heard last */
	u32 ssrc_changes;
};

enum kims_rtp_activity {
	KIMS_RTP_SILENT, /* no packet yet, or rtp-inactive-ntf sent */
	KIMS_RTP_ACTIVE,
	KIMS_RTP_DEAD, /* deleted */
};

struct kims_rtp_flow;

struct kims_rtp {
	spinlock_t lock;
	enum kims_rtp_activity activity; /* by lock */
	struct kims_rtp_counters count;	 /* by lock */
	struct kims_rtp_source source;	 /* by lock */
	bool seen;			 /* by lock; last is set */
	unsigned long last;		 /* jiffies of the last packet from the peer */
	unsigned long since;		 /* jiffies from which silence counts, when last is older */
	struct timer_list timer;
	struct kims_rtp_flow __rcu *flow;
	struct kims_node by_cookie;
	struct kims_net *kn;
	u64 cookie; /* never changes */
	u32 id;
	struct rcu_head rcu;
};

/* What a replace changes as a whole. */
struct kims_rtp_flow {
	struct kims_flow flow;
	struct kims_rtp *rtp;
	u32 media;	      /* enum kims_media */
	u32 gate;	      /* enum kims_gate */
	u32 clock_rate;
	u64 clock_mult; /* clock_rate * 2^32 / 10^9 */
	u32 timeout;	/* ms, 0: none */
	bool filter;	/* payload_types is set */
	DECLARE_BITMAP(payload_types, 128);
};

struct kims_rtp_net {
	struct xarray flows;
	struct kims_table by_cookie;
	u32 next_id;
	u32 count;
};

static inline struct kims_rtp_flow *kims_rtp_flow(const struct kims_flow *f)
{
	return container_of(f, struct kims_rtp_flow, flow);
}

/* flow.c */

int kims_rtp_net_init(struct kims_net *kn);
void kims_rtp_net_exit(struct kims_net *kn);
u32 kims_rtp_count(const struct kims_net *kn);

/* One change of a transaction: made by apply, then either committed or undone. */
struct kims_rtp_change {
	struct kims_rtp *rtp;
	struct kims_rtp_flow *new;
	struct kims_rtp_flow *old; /* NULL: the object is new */
};

/* The caller holds the lock for all of these. */
int kims_rtp_create(struct kims_net *kn, u32 id, u64 cookie, struct kims_rtp_flow *new,
		    struct kims_rtp_change *ret, struct netlink_ext_ack *extack);
int kims_rtp_replace(struct kims_rtp *rtp, struct kims_rtp_flow *new, struct kims_rtp_change *ret,
		     struct netlink_ext_ack *extack);
void kims_rtp_commit(struct kims_rtp_change *change);
void kims_rtp_undo(struct kims_rtp_change *change);
struct kims_rtp *kims_rtp_find(struct kims_net *kn, u32 id);
/* Any flow of the cookie; ret_count: how many there are. */
struct kims_rtp *kims_rtp_find_cookie(struct kims_net *kn, u64 cookie, u32 *ret_count);
/* Takes it off the packets and stops its timer; kims_rtp_free() is the caller's to call. */
void kims_rtp_delete(struct kims_rtp *rtp);
void kims_rtp_free(struct kims_rtp *rtp);

static inline struct kims_rtp_flow *kims_rtp_conf(const struct kims_rtp *rtp)
{
	return rcu_dereference_protected(rtp->flow, lockdep_is_held(&rtp->kn->lock));
}

/* inspect.c */

extern const struct kims_flow_ops kims_rtp_flow_ops;
/* RTP packets lost so far (RFC 3550 A.3); under kims_rtp.lock. */
s64 kims_rtp_lost(const struct kims_rtp *rtp);

/* netlink.c */

/* Sends an event with the state of the flow; under kims_rtp.lock and RCU or kims_net.lock. */
void kims_rtp_notify(struct kims_rtp *rtp, u8 cmd);

#endif /* KIMS_RTP_H */
