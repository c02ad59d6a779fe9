/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Tunnel, media flow, tunnel: what packets of one phone to another need, in one entry; see fused.c
 * for its life and fast.c for its use. All of it is for use under RCU and with BH off.
 */
#ifndef KIMS_GTPU_FUSED_H
#define KIMS_GTPU_FUSED_H

#include "gtpu/gtpu.h"
#include "gtpu/message.h"
#include "path.h"

/* Behind the outer IPv4 header of a plain G-PDU. */
struct kims_fast_gtpu {
	struct udphdr udp;
	struct kims_gtpu_header gtp;
	struct iphdr ip;    /* inner */
	struct udphdr port; /* of inner UDP */
} __packed __aligned(4);

/* dscp < 0: that of the packet. Both to be applied by kims_tos(). */
struct kims_tos {
	u8 keep, set;
};

static inline u8 kims_tos(const struct kims_tos *t, u8 tos)
{
	return (tos & t->keep) | t->set;
}

/*
 * Found by the tunnel (endpoint and TEID), addresses and ports of the inner packet. Never changes
 * but for dead, and for the lists that it is in.
 */
struct kims_fused {
	struct hlist_node by_tunnel; /* kims_tunnel.fused */
	u64 addrs;		     /* inner source and destination as in the header, */
	u32 ports;		     /* ports: the same */
	bool dead;		     /* see fused.c */
	struct kims_tos tos;	     /* of the inner packet when it leaves */
	struct kims_tos outer_tos;   /* by that one */
	u32 out_ports;
	u64 out_addrs;
	__wsum csum; /* out_addrs and out_ports less addrs and ports */
	__wsum ip_csum; /* for kims_fast_hop() */
	u32 nexthop;
	u32 mtu;  /* of the inner packet */
	u32 room; /* before the outer headers as they came */
	const struct kims_path *path; /* as long as *far_path has its serial */
	struct kims_path __rcu *const *far_path; /* of the receiver's FAR */
	u64 serial; /* of path: another one may lie where it lay */
	struct kims_gtpu_ep_stats __percpu *stats; /* of the endpoint that it leaves by */
	struct kims_flow *flow;
	struct kims_session *session[KIMS_N_DIRECTIONS]; /* of the sender, of the receiver */
	const struct kims_pdr *pdr[KIMS_N_DIRECTIONS];
	struct hlist_node by_session[KIMS_N_DIRECTIONS]; /* kims_session.fused */
	struct kims_tunnel *tunnel;
	unsigned long made; /* jiffies */
	struct rcu_head rcu;
};

/* The path is another by now. */
static inline bool kims_fused_is_stale(const struct kims_fused *e)
{
	const struct kims_path *path = rcu_dereference(*e->far_path);

	/* Not by its address, behind which another's serial might be read as the old one's. */
	return !path || path->serial != e->serial;
}

/* The entry of a packet in the tunnel, NULL: none. */
static __always_inline struct kims_fused *kims_fused_find(const struct kims_tunnel *tunnel,
							  const struct kims_fast_gtpu *h)
{
	struct kims_fused *e;

	hlist_for_each_entry_rcu(e, &tunnel->fused, by_tunnel)
		if (e->addrs == get_unaligned((const u64 *)&h->ip.saddr) &&
		    e->ports == *(const u32 *)&h->port)
			return e;
	return NULL;
}

/*
 * A packet of the tunnel that has met pdr of rules goes to the flow next: may make an entry for
 * those that follow.
 */
void kims_fused_make(struct kims_tunnel *tunnel, const struct kims_rules *rules,
		     const struct kims_pdr *pdr, struct kims_flow *f,
		     const struct kims_fast_gtpu *h);

#endif /* KIMS_GTPU_FUSED_H */
