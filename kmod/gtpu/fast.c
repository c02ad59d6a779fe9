// SPDX-License-Identifier: GPL-2.0
/*
 * The short ways of the most common packets: plain IPv4 inside of and outside of GTP-U without
 * options, out of a tunnel and into one, in place. As kmod/fast.c for media: everything that could
 * make a difference is asked before anything is changed or counted, and any doubt leaves the
 * packet, untouched, to rx.c and act.c; so every packet could as well go without this file, and
 * comes out the same.
 *
 * From tunnel to tunnel both are met, with a media flow between them (flow.c) or without.
 */
#include <linux/udp.h>
#include <net/inet_ecn.h>
#include <net/ip.h>
#include "fast.h"
#include "gtpu/message.h"
#include "gtpu/meter.h"
#include "route.h"
#include "trace.h"

#define GTPU_FLAGS 0x30
#define GTPU_FLAG_E 0x04

/* Behind the outer IPv4 header. */
struct kims_fast_gtpu {
	struct udphdr udp;
	struct kims_gtpu_header gtp;
	struct iphdr ip;    /* inner */
	struct udphdr port; /* of inner UDP */
} __packed __aligned(4);

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
static bool kims_fast_ip(const struct iphdr *iph, unsigned int len)
{
	return *(const u8 *)iph == 0x45 && iph->tot_len == htons(len) && iph->ttl > 1 &&
	       !(iph->frag_off & htons((u16)~IP_DF));
}

/*
 * The PDR of a packet, when it and all that come before it ask for nothing but the tunnel, and
 * what its FAR does is to forward, and nothing else.
 */
static const struct kims_pdr *kims_fast_match(const struct kims_rules *rules,
					      const struct kims_tunnel *tunnel)
{
	const struct kims_pdr *pdr, *end;

	if (unlikely(!rules))
		return NULL;
	for (pdr = rules->pdrs, end = pdr + rules->n_pdrs; pdr < end; pdr++) {
		if (pdr->tunnel != tunnel)
			continue;
		return likely(pdr->plain) ? pdr : NULL;
	}
	return NULL;
}

/* The meters. -1: something has changed, or the packet must wait, and nothing has happened. */
static __always_inline int kims_fast_charge(struct kims_session *s, const struct kims_rules *rules,
					    const struct kims_pdr *pdr, unsigned int len)
{
	int why = -1;

	spin_lock(&s->lock);
	if (likely(!s->dead && !s->flushing && rcu_access_pointer(s->rules) == rules))
		why = likely(kims_meter_one(s, pdr, len)) ? 0 : kims_meter(s, pdr, len, 1, 0);
	spin_unlock(&s->lock);
	return why;
}

static __always_inline void kims_fast_count(u64_stats_t *one, u64_stats_t *other,
					    struct u64_stats_sync *syncp)
{
	u64_stats_update_begin(syncp);
	u64_stats_inc(one);
	if (other)
		u64_stats_inc(other);
	u64_stats_update_end(syncp);
}

/* --- into a tunnel --- */

void kims_fast_prepare(struct kims_pdr *pdr)
{
	struct kims_fast_outer *o = (struct kims_fast_outer *)pdr->outer.head;
	const struct kims_far *far = pdr->far;

	BUILD_BUG_ON(sizeof(*o) != sizeof(pdr->outer.head));
	pdr->outer.len = 0;
	pdr->one = pdr->n_qers == 1 && pdr->n_urrs == 1;
	pdr->plain = pdr->qfi < 0 && !pdr->ifindex && !pdr->n_filters && !pdr->app_id &&
		     far->action == KIMS_APPLY_ACTION_FORW;
	pdr->to_core = pdr->direction == KIMS_UPLINK && !far->encap && !far->ifindex &&
		       far->dscp < 0;
	/* kims_fast_into() asks for no source. */
	if (pdr->direction != KIMS_DOWNLINK || !far->encap)
		return;
	if (far->way.dst.addr.family != AF_INET || far->ep->udp_csum || far->ep->entropy ||
	    far->ep->mss_clamp || far->ep->fragment_outer)
		return;
	*o = (struct kims_fast_outer){
		.ip = { .version = 4, .ihl = 5, .frag_off = htons(IP_DF), .protocol = IPPROTO_UDP,
			.saddr = far->way.src.addr.v4, .daddr = far->way.dst.addr.v4 },
		.udp = { .source = far->way.src.port, .dest = far->way.dst.port },
		.gtp = { .flags = GTPU_FLAGS, .type = GTPU_G_PDU, .teid = far->teid },
	};
	pdr->outer.len = KIMS_FAST_OUTER;
	if (pdr->mark_qfi >= 0) {
		pdr->outer.len += KIMS_FAST_EXT;
		o->gtp.flags |= GTPU_FLAG_E;
		o->seq_next = htonl(0x85);
		o->container = htonl(1 << 24 | pdr->mark_qfi << 8);
	}
	pdr->outer.sum = (__force u32)csum_partial(&o->ip, sizeof(o->ip), 0);
}

static __always_inline void kims_fast_push(struct sk_buff *skb, const struct kims_pdr *pdr,
					   const struct kims_path *path, u8 tos)
{
	const struct kims_template *t = &pdr->outer;
	unsigned int len = skb->len;
	struct kims_fast_outer *o = __skb_push(skb, t->len);
	u8 ttl = ip4_dst_hoplimit(path->dst);
	u32 sum = t->sum;

	memcpy(o, t->head, KIMS_FAST_OUTER);
	if (t->len != KIMS_FAST_OUTER) {
		o->seq_next = t->head[9];
		o->container = t->head[10];
	}
	len += t->len;
	o->ip.tot_len = htons(len);
	o->ip.tos = tos;
	o->ip.ttl = ttl;
	sum += (__force u32)o->ip.tot_len + (__force u32)htons(tos) + (__force u32)htons(ttl << 8);
	if (sum < t->sum)
		sum++;
	o->ip.check = csum_fold((__force __wsum)sum);
	len -= sizeof(o->ip);
	o->udp.len = htons(len);
	o->gtp.length = htons(len - sizeof(o->udp) - sizeof(o->gtp));
}

/* hop: it is being forwarded, and its hop limit is more than 1. */
static __always_inline int kims_fast_into(struct kims_session *s, struct sk_buff *skb, bool hop)
{
	struct iphdr *iph = (struct iphdr *)skb->data;
	const struct kims_rules *rules = rcu_dereference(s->rules);
	struct kims_gtpu_ep_stats *stats;
	const struct kims_path *path;
	const struct kims_pdr *pdr;
	struct kims_far *far;
	struct net_device *dev;
	struct neighbour *n;
	int why;
	u8 tos;

	pdr = kims_fast_match(rules, NULL);
	if (!pdr || !pdr->outer.len || unlikely(READ_ONCE(s->monitored)))
		return 0;
	far = pdr->far;
	path = rcu_dereference(far->way.path);
	if (!path || !path->direct || !READ_ONCE(s->kn->direct) ||
	    !kims_path_valid4(s->kn, path) || !kims_path_fits4(path, skb->len + pdr->outer.len))
		return 0;
	dev = path->dst->dev;
	if (skb_headroom(skb) < path->room + pdr->outer.len)
		return 0;
	n = kims_path_neigh4(path, far->way.dst.addr.v4);
	if (!n)
		return 0;
	why = kims_fast_charge(s, rules, pdr, skb->len);
	if (unlikely(why))
		return why < 0 ? 0 : why;
	trace_kims_session_forward(s->id, pdr->id, 0, skb);
	if (hop)
		ip_decrease_ttl(iph);
	tos = iph->tos;
	if (far->dscp >= 0)
		tos = far->dscp << 2 | (tos & INET_ECN_MASK);
	kims_fast_push(skb, pdr, path, tos);
	stats = this_cpu_ptr(far->ep->stats);
	kims_fast_count(&stats->sent, NULL, &stats->syncp);
	skb->ip_summed = CHECKSUM_NONE;
	skb_reset_network_header(skb);
	skb_set_transport_header(skb, sizeof(struct iphdr));
	skb_clear_hash(skb);
	skb_clear_tstamp(skb);
	skb->priority = rt_tos2priority(tos);
	skb->dev = dev;
	neigh_hh_output(&n->hh, skb);
	return -1;
}

int __flatten kims_gtpu_fast_ue(struct kims_session *s, struct sk_buff *skb)
{
	const struct iphdr *iph = (const struct iphdr *)skb->data;

	if (!kims_fast_plain(skb, sizeof(*iph)) || skb->protocol != htons(ETH_P_IP) ||
	    *(const u8 *)iph != 0x45 || iph->tot_len != htons(skb->len))
		return 0;
	return kims_fast_into(s, skb, false);
}

int __flatten kims_gtpu_fast_core(struct kims_net *kn, struct sk_buff *skb)
{
	const struct iphdr *iph = (const struct iphdr *)skb->data;
	struct kims_session *s;
	struct kims_ue *ue;
	int why;

	if (likely(!READ_ONCE(kn->has_ues)) || kims_access_used(kn))
		return -1;
	ue = kims_ue_find4(kn, iph->daddr);
	if (!ue || !kims_fast_plain(skb, sizeof(*iph)) || !kims_fast_ip(iph, skb->len) ||
	    skb->pkt_type != PACKET_HOST || kims_is_dev(skb->dev))
		return -1;
	s = ue->session;
	why = kims_fast_into(s, skb, true);
	if (!why)
		return -1;
	kims_downlink_count(kn);
	if (likely(why < 0))
		return NF_STOLEN;
	kims_net_drop(kn, why);
	trace_kims_session_drop(s->id, 0, why, skb);
	return kims_drop(skb, why);
}

/* --- out of a tunnel --- */

/* A G-PDU without anything optional, and the inner packet plain, too. */
static bool kims_fast_gpdu(const struct sk_buff *skb, const struct iphdr *outer,
			   const struct kims_fast_gtpu *h)
{
	unsigned int len = skb->len - sizeof(*outer);

	return outer->ihl == sizeof(*outer) / 4 && h->udp.len == htons(len) && !h->udp.check &&
	       *(const __be16 *)&h->gtp == htons(GTPU_FLAGS << 8 | GTPU_G_PDU) &&
	       h->gtp.length == htons(len - sizeof(h->udp) - sizeof(h->gtp)) &&
	       kims_fast_ip(&h->ip, len - sizeof(h->udp) - sizeof(h->gtp)) &&
	       !(outer->tos & INET_ECN_MASK) && !ip_fast_csum(&h->ip, sizeof(h->ip) / 4);
}

/* The outer headers go. */
static struct iphdr *kims_fast_pull(struct sk_buff *skb)
{
	skb->ip_summed = CHECKSUM_NONE;
	skb->csum_valid = 0;
	skb->csum_level = 0;
	skb->encapsulation = 0;
	__skb_pull(skb, offsetof(struct kims_fast_outer, seq_next));
	skb_reset_network_header(skb);
	skb_clear_hash(skb);
	return (struct iphdr *)skb->data;
}

static void kims_fast_relay(struct kims_gtpu_ep *ep, struct kims_local *l, struct sk_buff *skb)
{
	unsigned int verdict;

	kims_fast_pull(skb);
	verdict = kims_flow_take(ep->kn, l, skb, sizeof(struct iphdr));
	if (likely(verdict == NF_STOLEN))
		return;
	if (verdict == NF_ACCEPT) /* the flow is gone */
		kims_gtpu_to_stack(ep, skb);
	else
		kims_verdict(skb, verdict);
}

static void kims_fast_ue(struct kims_session *s, struct sk_buff *skb)
{
	ip_decrease_ttl(kims_fast_pull(skb));
	kims_ue_send(s, skb, false);
}

static void kims_fast_path(const struct kims_path *path, struct neighbour *n, struct sk_buff *skb)
{
	struct iphdr *iph = kims_fast_pull(skb);

	ip_decrease_ttl(iph);
	skb_clear_tstamp(skb);
	skb->priority = rt_tos2priority(iph->tos);
	skb->pkt_type = PACKET_HOST;
	skb->dev = path->dst->dev;
	neigh_hh_output(&n->hh, skb);
}

/* Where an inner packet goes: to one of these. */
struct kims_fast_next {
	struct kims_local *flow;
	struct kims_session *ue;
	const struct kims_path *path;
	struct neighbour *neigh;
};

static __always_inline bool kims_fast_next(struct kims_net *kn, const struct sk_buff *skb,
					   const struct kims_fast_gtpu *h,
					   struct kims_fast_next *ret)
{
	struct kims_ue *ue;

	ret->flow = NULL;
	ret->ue = NULL;
	if (h->ip.protocol == IPPROTO_UDP) {
		ret->flow = kims_local_at4(kn, h->ip.daddr, h->port.dest);
		if (ret->flow)
			return ret->flow->key.kind == KIMS_FLOW_MEDIA;
	}
	ue = kims_ue_find4(kn, h->ip.daddr);
	if (ue) {
		ret->ue = ue->session;
		return true;
	}
	ret->path = kims_route_direct4(kn, h->ip.daddr, ntohs(h->ip.tot_len), &ret->neigh);
	return ret->path && skb_headroom(skb) + KIMS_FAST_OUTER >= ret->path->room;
}

int __flatten kims_gtpu_fast_rx(struct kims_net *kn, struct kims_local *l, struct sk_buff *skb)
{
	struct kims_gtpu_ep *ep = kims_gtpu_ep(l);
	const struct iphdr *outer = ip_hdr(skb);
	const struct kims_fast_gtpu *h = (const struct kims_fast_gtpu *)(outer + 1);
	const struct kims_tunnel *tunnel;
	struct kims_gtpu_ep_stats *stats;
	const struct kims_rules *rules;
	const struct kims_pdr *pdr;
	struct kims_fast_next next;
	struct kims_session *s;
	struct kims_ue *ue;
	int why;

	if (!kims_fast_plain(skb, sizeof(*outer) + sizeof(*h)) || !kims_fast_gpdu(skb, outer, h) ||
	    h->ip.protocol == IPPROTO_TCP || ep->stack || kims_is_dev(skb->dev) ||
	    kims_access_used(kn))
		return -1;
	tunnel = kims_tunnel_find(kn, ep, h->gtp.teid);
	if (!tunnel)
		return -1;
	s = tunnel->session;
	rules = rcu_dereference(s->rules);
	pdr = kims_fast_match(rules, tunnel);
	if (!pdr || !pdr->to_core || unlikely(READ_ONCE(s->monitored)))
		return -1;
	ue = READ_ONCE(s->ue[0]);
	if (!ue || ue->addr.v4 != h->ip.saddr || !kims_fast_next(kn, skb, h, &next))
		return -1;
	why = kims_fast_charge(s, rules, pdr, ntohs(h->ip.tot_len));
	if (unlikely(why))
		return why < 0 ? -1 : kims_gtpu_rx_drop(ep, skb, why);
	stats = this_cpu_ptr(ep->stats);
	kims_fast_count(&stats->received, &stats->forwarded, &stats->syncp);
	trace_kims_session_forward(s->id, pdr->id, 0, skb);
	if (next.flow)
		kims_fast_relay(ep, next.flow, skb);
	else if (next.ue)
		kims_fast_ue(next.ue, skb);
	else
		kims_fast_path(next.path, next.neigh, skb);
	return NF_STOLEN;
}
