/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What every part of kims.ko shares: addresses, the state of a network namespace, counters.
 *
 * Invariants:
 *  - everything belongs to one struct kims_net; there is no global state but the family;
 *  - objects change only under kims_net.lock; packets read them under RCU;
 *  - while a namespace has an object the module cannot be unloaded (kims_net_hold()).
 */
#ifndef KIMS_H
#define KIMS_H

#include <linux/in6.h>
#include <linux/mutex.h>
#include <linux/netfilter.h>
#include <linux/skbuff.h>
#include <linux/u64_stats_sync.h>
#include <net/ipv6.h>
#include <net/net_namespace.h>
#include <uapi/linux/kims.h>

struct kims_flow_net;
struct kims_rtp_net;
struct kims_gm_net;
struct kims_gtpu_net;
struct kims_routes;

/* An address of either family; an IPv4 address lies in the first word and the rest is 0. */
struct kims_addr {
	union {
		__be32 v4;
		struct in6_addr v6;
	};
	u8 family; /* AF_INET, AF_INET6, AF_UNSPEC: none */
};

struct kims_end {
	struct kims_addr addr;
	__be16 port;
};

static inline bool kims_addr_equal(const struct kims_addr *a, const struct kims_addr *b)
{
	return a->family == b->family && ipv6_addr_equal(&a->v6, &b->v6);
}

static inline void kims_addr_set4(struct kims_addr *a, __be32 addr)
{
	a->v6 = (struct in6_addr){};
	a->v4 = addr;
	a->family = AF_INET;
}

static inline void kims_addr_set6(struct kims_addr *a, const struct in6_addr *addr)
{
	a->v6 = *addr;
	a->family = AF_INET6;
}

/* Per CPU, updated with BH off. */
struct kims_net_stats {
	u64_stats_t rtp_packets;
	u64_stats_t downlink_received; /* packets for a UE address of a session */
	u64_stats_t access_received;   /* plain packets from a UE on the access side */
	u64_stats_t drops[__KIMS_DROP_MAX];
	struct u64_stats_sync syncp;
};

struct kims_net {
	struct net *net;
	struct mutex lock;    /* every change of an object */
	unsigned int objects; /* by lock; holds the module while not 0 */
	u32 seq;	      /* by lock; changes since the start, for dumps */
	bool direct;	      /* by lock; packets may leave past POST_ROUTING */
	bool has_ues;	      /* by lock; there is, or was, a UE address */
	struct kims_net_stats __percpu *stats;
	struct kims_flow_net *flow;
	struct kims_rtp_net *rtp;
	struct kims_gm_net *gm;
	struct kims_gtpu_net *gtpu;
	struct kims_routes *routes; /* NULL: no GTP-U endpoint yet */
	struct list_head ingress; /* by RTNL; ingress.c */
	struct hlist_head monitors; /* by RTNL; gtpu/monitor.c */
};

struct kims_net *kims_net(const struct net *net);

/* An object came or went; the caller holds the lock. */
void kims_net_hold(struct kims_net *kn);
void kims_net_release(struct kims_net *kn);

/* One more packet dropped for the reason; BH is off. */
void kims_net_drop(struct kims_net *kn, enum kims_drop_reason reason);

/* Sums of all CPUs. */
struct kims_net_totals {
	u64 rtp_packets;
	u64 downlink_received;
	u64 access_received;
	u64 drops[__KIMS_DROP_MAX];
};

void kims_net_totals(const struct kims_net *kn, struct kims_net_totals *ret);

#endif /* KIMS_H */
