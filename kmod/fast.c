// SPDX-License-Identifier: GPL-2.0
/*
 * The short way of the most common packet: plain UDP over IPv4 or IPv6 that leaves as the same over a
 * known neighbour, with nothing about it that flow.c and output.c have code for.
 *
 * It does what they do, in place: no header is moved, nothing is looked up but the neighbour.
 * Everything that could make a difference is asked before anything is changed or counted, and any
 * doubt leaves the packet, untouched, to them; so every packet could as well go without this file,
 * and comes out the same.
 */
#include <linux/udp.h>
#include <net/inet_ecn.h>
#include <net/ip.h>
#include "fast.h"
#include "path.h"
#include "trace.h"

#define KIMS_FAST_HEADERS (sizeof(struct iphdr) + sizeof(struct udphdr) + KIMS_LINEAR)

/* Header without options, lengths that agree, hop limit and checksum there, the right sender. */
static bool kims_fast_read(const struct kims_flow *f, const struct sk_buff *skb,
			   const struct iphdr *iph)
{
	const struct udphdr *uh = (const struct udphdr *)(iph + 1);
	u16 len = ntohs(uh->len);

	if (*(const u8 *)iph != 0x45 || skb->len != sizeof(*iph) + len ||
	    len < sizeof(*uh) + KIMS_LINEAR || iph->ttl <= 1 || !uh->check || !iph->id)
		return false;
	return f->from.addr.v4 == iph->saddr && f->from.port == uh->source;
}

void kims_fast_rewrite(const struct kims_flow *f, struct sk_buff *skb, struct iphdr *iph)
{
	struct udphdr *uh = (struct udphdr *)(iph + 1);
	__wsum sum;

	sum = csum_sub(f->ip_csum, (__force __wsum)iph->saddr);
	kims_fast_hop(iph, csum_add(sum, KIMS_FAST_HOP_SUM));
	sum = csum_add((__force __wsum)iph->saddr, (__force __wsum)uh->source);
	sum = csum_sub(csum_add(~csum_unfold(uh->check), f->csum), sum);
	uh->check = csum_fold(sum) ?: CSUM_MANGLED_0;
	uh->source = f->way.src.port;
	uh->dest = f->way.dst.port;
	if (f->dscp >= 0)
		kims_fast_tos(iph, f->dscp << 2 | (iph->tos & INET_ECN_MASK));
	iph->saddr = f->way.src.addr.v4;
	iph->daddr = f->way.dst.addr.v4;
	skb_forward_csum(skb);
	skb_clear_hash(skb);
	skb_clear_tstamp(skb);
	skb->priority = rt_tos2priority(iph->tos);
}

/* l4: offset of the UDP header. */
static int kims_fast_account(struct kims_flow *f, const struct sk_buff *skb, unsigned int l4)
{
	l4 += sizeof(struct udphdr);
	return f->ops->account(f, skb->data + l4, skb->len - l4, 0);
}

/* Rewritten, it leaves: into the tunnel of a UE of ours, or, s is NULL, by the neighbour. */
static __always_inline void kims_fast_go(struct kims_session *s, struct neighbour *n,
					 struct sk_buff *skb)
{
	if (s) {
		kims_ue_send(s, skb, false);
		return;
	}
	skb->dev = n->dev;
	kims_fast_output(&n->hh, skb);
}

/* The neighbour by which the packet may leave at once, NULL: none. */
static __always_inline struct neighbour *kims_fast_neigh4(const struct kims_net *kn,
							  const struct kims_flow *f,
							  const struct sk_buff *skb)
{
	const struct kims_path *path = rcu_dereference(f->way.path);

	if (!path || !path->direct || !READ_ONCE(kn->direct) || !kims_path_valid4(kn, path) ||
	    !kims_path_fits4(path, skb->len) || skb_headroom(skb) < path->room)
		return NULL;
	return kims_path_neigh4(path, f->way.dst.addr.v4);
}

static __always_inline int kims_fast4(struct kims_net *kn, struct kims_flow *f, struct sk_buff *skb)
{
	struct iphdr *iph = ip_hdr(skb);
	struct neighbour *n = NULL;
	struct kims_session *s;
	int why;

	if (f->way.dst.addr.family != AF_INET || !kims_fast_plain(skb, KIMS_FAST_HEADERS) ||
	    !kims_fast_read(f, skb, iph))
		return 0;
	s = kims_ue_session(kn, &f->way.dst.addr);
	if (!s)
		n = kims_fast_neigh4(kn, f, skb);
	if (!s && !n)
		return 0;
	why = kims_fast_account(f, skb, sizeof(*iph));
	if (unlikely(why))
		return why == KIMS_FLOW_GONE ? 0 : why;
	trace_kims_forward(f->id, skb);
	kims_fast_rewrite(f, skb, iph);
	kims_fast_go(s, n, skb);
	return -1;
}

/* --- IPv6 --- */

static bool kims_fast_read6(const struct kims_flow *f, const struct sk_buff *skb,
			    const struct ipv6hdr *ip6h)
{
	const struct udphdr *uh = (const struct udphdr *)(ip6h + 1);
	u16 len = ntohs(uh->len);

	if (ip6h->version != 6 || ip6h->nexthdr != IPPROTO_UDP || ip6h->payload_len != uh->len ||
	    skb->len != sizeof(*ip6h) + len || len < sizeof(*uh) + KIMS_LINEAR ||
	    ip6h->hop_limit <= 1 || !uh->check)
		return false;
	return f->from.addr.family == AF_INET6 && f->from.port == uh->source &&
	       ipv6_addr_equal(&f->from.addr.v6, &ip6h->saddr);
}

static void kims_fast_rewrite6(const struct kims_flow *f, struct sk_buff *skb,
			       struct ipv6hdr *ip6h)
{
	struct udphdr *uh = (struct udphdr *)(ip6h + 1);
	u8 dsfield = ipv6_get_dsfield(ip6h);
	__wsum sum;

	if (f->dscp >= 0)
		dsfield = f->dscp << 2 | (dsfield & INET_ECN_MASK);
	sum = csum_partial(&ip6h->saddr, sizeof(ip6h->saddr), (__force __wsum)uh->source);
	sum = csum_sub(csum_add(~csum_unfold(uh->check), f->csum), sum);
	uh->check = csum_fold(sum) ?: CSUM_MANGLED_0;
	uh->source = f->way.src.port;
	uh->dest = f->way.dst.port;
	ip6_flow_hdr(ip6h, dsfield, 0);
	ip6h->hop_limit--;
	ip6h->saddr = f->way.src.addr.v6;
	ip6h->daddr = f->way.dst.addr.v6;
	skb_forward_csum(skb);
	skb_clear_hash(skb);
	skb_clear_tstamp(skb);
	skb->priority = rt_tos2priority(dsfield);
}

/* As kims_fast_neigh4(). */
static struct neighbour *kims_fast_neigh6(const struct kims_net *kn, const struct kims_flow *f,
					  const struct sk_buff *skb)
{
	const struct kims_path *path = rcu_dereference(f->way.path);

	if (!path || !path->direct || !READ_ONCE(kn->direct) || !kims_path_valid(kn, path) ||
	    !kims_path_fits6(path, skb->len) || skb_headroom(skb) < path->room)
		return NULL;
	return kims_path_neigh6(path, &f->way.dst.addr.v6);
}

static int __flatten kims_fast6(struct kims_net *kn, struct kims_flow *f, struct sk_buff *skb)
{
	struct ipv6hdr *ip6h = ipv6_hdr(skb);
	struct neighbour *n = NULL;
	struct kims_session *s;
	int why;

	if (f->way.dst.addr.family != AF_INET6 ||
	    !kims_fast_plain(skb, sizeof(*ip6h) + sizeof(struct udphdr) + KIMS_LINEAR) ||
	    !kims_fast_read6(f, skb, ip6h))
		return 0;
	s = kims_ue_session(kn, &f->way.dst.addr);
	if (!s)
		n = kims_fast_neigh6(kn, f, skb);
	if (!s && !n)
		return 0;
	why = kims_fast_account(f, skb, sizeof(*ip6h));
	if (unlikely(why))
		return why == KIMS_FLOW_GONE ? 0 : why;
	trace_kims_forward(f->id, skb);
	kims_fast_rewrite6(f, skb, ip6h);
	kims_fast_go(s, n, skb);
	return -1;
}

/* --- what comes to a flow --- */

unsigned int __flatten kims_flow_take(struct kims_net *kn, struct kims_local *l,
				      struct sk_buff *skb, u16 l4)
{
	struct kims_flow *f = kims_flow(l);
	int why = likely(skb->protocol == htons(ETH_P_IP)) ? kims_fast4(kn, f, skb) :
							     kims_fast6(kn, f, skb);

	if (likely(why < 0))
		return NF_STOLEN;
	return why ? kims_flow_drop(kn, f, skb, why) : kims_flow_receive(kn, f, skb, l4);
}

unsigned int __flatten kims_fast_flow(struct kims_net *kn, struct kims_local *l,
				      struct sk_buff *skb)
{
	struct kims_flow *f = kims_flow(l);
	int why = kims_fast4(kn, f, skb);

	if (likely(why < 0))
		return NF_STOLEN;
	return kims_verdict(skb, why ? kims_flow_drop(kn, f, skb, why) :
				       kims_flow_receive(kn, f, skb, sizeof(struct iphdr)));
}

unsigned int kims_fast_flow6(struct kims_net *kn, struct kims_local *l, struct sk_buff *skb)
{
	return kims_verdict(skb, kims_flow_take(kn, l, skb, sizeof(struct ipv6hdr)));
}
