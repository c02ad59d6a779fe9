/* SPDX-License-Identifier: GPL-2.0 */
/* What the short ways of both families share: fast.c (IPv4 in IPv4) and fast6.c (all else). */
#ifndef KIMS_GTPU_SHORT_H
#define KIMS_GTPU_SHORT_H

#include "fast.h"
#include "gtpu/gtpu.h"
#include "gtpu/message.h"
#include "gtpu/meter.h"
#include "path.h"
#include "trace.h"

/* Version 1, GTP, nothing optional; and that there are extension headers. */
#define KIMS_FAST_FLAGS 0x30
#define KIMS_FAST_FLAG_E 0x04

/* Before an inner packet; with E a PDU Session Container. */
struct kims_fast_outer {
	struct iphdr ip;
	struct udphdr udp;
	struct kims_gtpu_header gtp;
	__be32 seq_next, container; /* with E */
} __packed __aligned(4);

#define KIMS_FAST_OUTER offsetof(struct kims_fast_outer, seq_next)
#define KIMS_FAST_EXT (sizeof(struct kims_fast_outer) - KIMS_FAST_OUTER)

/* No options, no fragment, the length says that this is all, hop limit for one more. */
static inline bool kims_fast_ip(const struct iphdr *iph, unsigned int len)
{
	return *(const u8 *)iph == 0x45 && iph->tot_len == htons(len) && iph->ttl > 1 &&
	       !(iph->frag_off & htons((u16)~IP_DF));
}

/* The meters. -1: something has changed, or the packet must wait, and nothing has happened. */
static __always_inline int kims_fast_charge(struct kims_session *s, const struct kims_rules *rules,
					    const struct kims_pdr *pdr, unsigned int len)
{
	int why = -1;

	spin_lock(&s->lock);
	if (likely(!s->dead && !s->flushing && rcu_access_pointer(s->rules) == rules))
		why = likely(kims_meter_one(s, pdr, pdr->direction, len)) ? 0 : kims_meter(s, pdr, len, 1, 0);
	spin_unlock(&s->lock);
	return why;
}

/*
 * A packet to a UE that a short way has had, with what became of it, is counted, once. why: of
 * kims_gtpu_fast_ue(), not 0. Returns 0: it has gone on; or the reason of its drop.
 */
static __always_inline int kims_fast_count(struct kims_session *s, const struct sk_buff *skb,
					   int why)
{
	kims_downlink_count(s->kn);
	if (likely(why < 0))
		return 0;
	kims_net_drop(s->kn, why);
	trace_kims_session_drop(s->id, 0, why, skb);
	return why;
}

static __always_inline void kims_fast_received(struct kims_gtpu_ep *ep)
{
	struct kims_gtpu_ep_stats *stats = this_cpu_ptr(ep->stats);

	u64_stats_update_begin(&stats->syncp);
	u64_stats_inc(&stats->received);
	u64_stats_inc(&stats->forwarded);
	u64_stats_update_end(&stats->syncp);
}

static __always_inline __sum16 kims_fast_sum(const struct kims_template *t, __be16 tot_len, u8 tos,
					     u8 ttl)
{
	u32 sum = t->sum + (__force u32)tot_len + (__force u32)htons(tos) +
		  (__force u32)htons(ttl << 8);

	if (sum < t->sum)
		sum++;
	return csum_fold((__force __wsum)sum);
}

/* The outer headers at o of a packet of len octets with them. */
static __always_inline void kims_fast_outer(struct kims_fast_outer *o,
					    const struct kims_template *t, unsigned int len,
					    u8 tos, u8 ttl)
{
	memcpy(o, t->head, KIMS_FAST_OUTER);
	if (t->len != KIMS_FAST_OUTER) {
		o->seq_next = t->head[9];
		o->container = t->head[10];
	}
	o->ip.tot_len = htons(len);
	o->ip.tos = tos;
	o->ip.ttl = ttl;
	o->ip.check = kims_fast_sum(t, o->ip.tot_len, tos, ttl);
	len -= sizeof(o->ip);
	o->udp.len = htons(len);
	o->gtp.length = htons(len - sizeof(o->udp) - sizeof(o->gtp));
}

/* How outer packets leave. */
struct kims_fast_way {
	const struct kims_path *path;
	struct neighbour *neigh;
};

/* For an inner packet of len octets; room: octets before it in the buffer. */
static __always_inline bool kims_fast_way(const struct kims_net *kn, const struct kims_pdr *pdr,
					  unsigned int len, unsigned int room,
					  struct kims_fast_way *ret)
{
	const struct kims_path *path = rcu_dereference(pdr->far->way.path);

	if (!path || !path->direct || !READ_ONCE(kn->direct) || !kims_path_valid4(kn, path) ||
	    !kims_path_fits4(path, len + pdr->outer.len) || room < path->room + pdr->outer.len)
		return false;
	ret->path = path;
	ret->neigh = kims_path_neigh4(path, pdr->far->way.dst.addr.v4);
	return ret->neigh;
}

/* skb->data is at the outer header, which is ready, and ip_summed says what its UDP checksum is. */
static __always_inline void kims_fast_leave_summed(struct neighbour *n, struct sk_buff *skb,
						   struct kims_gtpu_ep_stats __percpu *counts,
						   u8 tos)
{
	struct kims_gtpu_ep_stats *stats = this_cpu_ptr(counts);

	u64_stats_update_begin(&stats->syncp);
	u64_stats_inc(&stats->sent);
	u64_stats_update_end(&stats->syncp);
	skb_clear_hash(skb);
	skb_clear_tstamp(skb);
	skb->priority = rt_tos2priority(tos);
	skb->dev = n->dev;
	kims_fast_output(&n->hh, skb);
}

/* The same without an outer UDP checksum. */
static __always_inline void kims_fast_leave(struct neighbour *n, struct sk_buff *skb,
					    struct kims_gtpu_ep_stats __percpu *counts, u8 tos)
{
	skb->ip_summed = CHECKSUM_NONE;
	kims_fast_leave_summed(n, skb, counts, tos);
}

/* The outer headers, of len octets, go. */
static __always_inline void kims_fast_strip(struct sk_buff *skb, unsigned int len)
{
	skb->ip_summed = CHECKSUM_NONE;
	kims_gtpu_strip(skb, len);
	skb_reset_network_header(skb);
}

/* fast6.c */

/* For outer IPv6; all else is kims_fast_prepare()'s. */
void kims_fast6_prepare(struct kims_pdr *pdr);
/*
 * A packet to an endpoint whose UDP header is at outer and in the linear part; the IP headers are
 * not both IPv4. -1: not for that, and untouched; else the verdict.
 */
int kims_fast6_rx(struct kims_gtpu_ep *ep, struct sk_buff *skb, unsigned int outer);
/*
 * A plain packet to the UE; as kims_gtpu_fast_ue(). hop: it is being forwarded, and its hop limit
 * is more than 1.
 */
int kims_fast6_into(struct kims_session *s, struct sk_buff *skb, bool hop);

/* fast.c: an inner packet with nothing about it to a media flow, which is not to be had any more. */
void kims_fast_relay(struct kims_gtpu_ep *ep, struct kims_local *l, struct sk_buff *skb, u16 l4);

#endif /* KIMS_GTPU_SHORT_H */
