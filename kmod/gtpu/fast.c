// SPDX-License-Identifier: GPL-2.0
/*
 * The short ways of the most common packets: plain IPv4 inside of and outside of GTP-U without
 * options (fast6.c: IPv6 on either side), out of a tunnel and into one, in place. As kmod/fast.c for media: everything that could
 * make a difference is asked before anything is changed or counted, and any doubt leaves the
 * packet, untouched, to rx.c and act.c; so every packet could as well go without this file, and
 * comes out the same.
 *
 * From tunnel to tunnel both are met, with a media flow between them (flow.c) or without. With one, an
 * entry of the flow cache (fused.h) says all, and the packet is rewritten once; it is charged and
 * counted step by step all the same, so that it can go on step by step from wherever anything has
 * changed on its way.
 */
#include <linux/udp.h>
#include <net/inet_ecn.h>
#include <net/ip.h>
#include "gtpu/short.h"
#include "gtpu/fused.h"
#include "route.h"
#include "trace.h"

/* --- into a tunnel --- */

void kims_fast_prepare(struct kims_pdr *pdr)
{
	struct kims_fast_outer *o = (struct kims_fast_outer *)pdr->outer.head;
	const struct kims_far *far = pdr->far;

	BUILD_BUG_ON(sizeof(*o) > sizeof(pdr->outer.head));
	pdr->outer.len = 0;
	pdr->outer.len6 = 0;
	pdr->one = pdr->n_qers == 1 && pdr->n_urrs == 1;
	pdr->limit = pdr->one ? &pdr->qers[0]->mbr[pdr->direction] : NULL;
	pdr->plain = pdr->qfi < 0 && !pdr->ifindex && !pdr->n_filters && !pdr->app_id &&
		     far->action == KIMS_APPLY_ACTION_FORW;
	pdr->to_core = pdr->direction == KIMS_UPLINK && !far->encap && !far->ifindex &&
		       far->dscp < 0;
	/* kims_fast_into() asks for no source. */
	if (pdr->direction != KIMS_DOWNLINK || !far->encap)
		return;
	if (far->ep->entropy || far->ep->mss_clamp || far->ep->fragment_outer)
		return;
	if (far->way.dst.addr.family != AF_INET) {
		kims_fast6_prepare(pdr);
		return;
	}
	if (far->ep->udp_csum)
		return;
	*o = (struct kims_fast_outer){
		.ip = { .version = 4, .ihl = 5, .frag_off = htons(IP_DF), .protocol = IPPROTO_UDP,
			.saddr = far->way.src.addr.v4, .daddr = far->way.dst.addr.v4 },
		.udp = { .source = far->way.src.port, .dest = far->way.dst.port },
		.gtp = { .flags = KIMS_FAST_FLAGS, .type = GTPU_G_PDU, .teid = far->teid },
	};
	pdr->outer.len = KIMS_FAST_OUTER;
	if (pdr->mark_qfi >= 0) {
		pdr->outer.len += KIMS_FAST_EXT;
		o->gtp.flags |= KIMS_FAST_FLAG_E;
		o->seq_next = htonl(0x85);
		o->container = htonl(1 << 24 | pdr->mark_qfi << 8);
	}
	pdr->outer.sum = (__force u32)csum_partial(&o->ip, sizeof(o->ip), 0);
}

/* hop: it is being forwarded, and its hop limit is more than 1. */
static __always_inline int kims_fast_into(struct kims_session *s, struct sk_buff *skb, bool hop)
{
	struct iphdr *iph = (struct iphdr *)skb->data;
	const struct kims_rules *rules = rcu_dereference(s->rules);
	unsigned int len = skb->len;
	const struct kims_pdr *pdr;
	struct kims_fast_way way;
	struct kims_far *far;
	int why;
	u8 tos;

	pdr = kims_fast_match(rules, NULL);
	if (!pdr || unlikely(READ_ONCE(s->monitored)))
		return 0;
	if (unlikely(!pdr->outer.len))
		return pdr->outer.len6 ? kims_fast6_into(s, skb, hop) : 0;
	if (!kims_fast_way(s->kn, pdr, len, skb_headroom(skb), &way))
		return 0;
	why = kims_fast_charge(s, rules, pdr, len);
	if (unlikely(why))
		return why < 0 ? 0 : why;
	trace_kims_session_forward(s->id, pdr->id, 0, skb);
	if (hop)
		ip_decrease_ttl(iph);
	far = pdr->far;
	tos = iph->tos;
	if (far->dscp >= 0)
		tos = far->dscp << 2 | (tos & INET_ECN_MASK);
	kims_fast_outer(__skb_push(skb, pdr->outer.len), &pdr->outer, len + pdr->outer.len, tos,
			kims_path_ttl4(s->kn, way.path));
	skb_reset_network_header(skb);
	skb_set_transport_header(skb, sizeof(struct iphdr));
	kims_fast_leave(way.neigh, skb, far->ep->stats, tos);
	return -1;
}

int __flatten kims_gtpu_fast_ue(struct kims_session *s, struct sk_buff *skb)
{
	const struct iphdr *iph = (const struct iphdr *)skb->data;

	if (unlikely(skb->protocol != htons(ETH_P_IP)))
		return kims_fast6_into(s, skb, false);
	if (!kims_fast_plain(skb, sizeof(*iph)) || *(const u8 *)iph != 0x45 ||
	    iph->tot_len != htons(skb->len))
		return 0;
	return kims_fast_into(s, skb, false);
}

unsigned int __flatten kims_gtpu_fast_core(struct kims_net *kn, struct sk_buff *skb)
{
	const struct iphdr *iph = (const struct iphdr *)skb->data;
	struct kims_session *s;
	struct kims_ue *ue;
	int why;

	if (likely(!READ_ONCE(kn->has_ues)))
		return NF_ACCEPT;
	if (kims_access_used(kn))
		return kims_gtpu_core_rx(kn, skb);
	ue = kims_ue_find4(kn, iph->daddr);
	if (!ue)
		return NF_ACCEPT;
	if (!kims_fast_plain(skb, sizeof(*iph)) || !kims_fast_ip(iph, skb->len) ||
	    skb->pkt_type != PACKET_HOST || kims_is_dev(skb->dev))
		return kims_gtpu_core_rx(kn, skb);
	s = ue->session;
	why = kims_fast_into(s, skb, true);
	if (!why)
		return kims_gtpu_core_rx(kn, skb);
	why = kims_fast_count(s, skb, why);
	return likely(!why) ? NF_STOLEN : kims_drop(skb, why);
}

/* --- out of a tunnel --- */

/* A G-PDU without anything optional, and the inner packet, of len octets, plain, too. */
static bool kims_fast_gpdu(const struct iphdr *outer, const struct kims_fast_gtpu *h,
			   unsigned int len)
{
	return h->udp.len == htons(len + sizeof(h->udp) + sizeof(h->gtp)) && !h->udp.check &&
	       *(const __be16 *)&h->gtp == htons(KIMS_FAST_FLAGS << 8 | GTPU_G_PDU) &&
	       h->gtp.length == h->ip.tot_len && kims_fast_ip(&h->ip, len) &&
	       !(outer->tos & INET_ECN_MASK) && !ip_fast_csum(&h->ip, sizeof(h->ip) / 4);
}

/* The outer headers go. */
static struct iphdr *kims_fast_pull(struct sk_buff *skb)
{
	kims_fast_strip(skb, KIMS_FAST_OUTER);
	return (struct iphdr *)skb->data;
}

void kims_fast_relay(struct kims_gtpu_ep *ep, struct kims_local *l, struct sk_buff *skb, u16 l4)
{
	unsigned int verdict = kims_flow_take(ep->kn, l, skb, l4);

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
	skb->dev = path->dst->dev;
	kims_fast_output(&n->hh, skb);
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

/* --- out of a tunnel, by a media flow, into a tunnel --- */

/* Counted for the sender; the flow keeps it, or has been deleted. */
static noinline void kims_fused_stop(struct kims_gtpu_ep *ep, const struct kims_fused *e,
				     struct sk_buff *skb, int why)
{
	if (why == KIMS_FLOW_GONE) {
		kims_fast_pull(skb);
		kims_fast_relay(ep, &e->flow->local, skb, sizeof(struct iphdr));
		return;
	}
	kims_fast_pull(skb);
	kims_verdict(skb, kims_flow_drop(ep->kn, e->flow, skb, why));
}

/* Counted for the sender and by the flow; the receiver's rules have changed, or do not let it in. */
static noinline void kims_fused_rest(const struct kims_fused *e, struct sk_buff *skb, int why)
{
	struct kims_session *s = e->session[KIMS_DOWNLINK];

	kims_fast_rewrite(e->flow, skb, kims_fast_pull(skb));
	if (why < 0) {
		kims_ue_send(s, skb, false);
		return;
	}
	kims_drop(skb, kims_fast_count(s, skb, why));
}

/* The inner headers as they leave. Returns the TOS. */
static __always_inline u8 kims_fused_rewrite(const struct kims_fused *e,
					     struct kims_fast_gtpu *h)
{
	u8 tos = kims_tos(&e->tos, h->ip.tos);

	kims_fast_hop(&h->ip, e->ip_csum);
	kims_fast_tos(&h->ip, tos);
	put_unaligned(e->out_addrs, (u64 *)&h->ip.saddr);
	h->port.check = csum_fold(csum_add(~csum_unfold(h->port.check), e->csum)) ?:
			CSUM_MANGLED_0;
	*(u32 *)&h->port = e->out_ports;
	return tos;
}

/*
 * The outer headers as they leave, in the place of those that came: when they are as long, the
 * lengths in them are right already, and all else that no two of them differ in.
 */
static __always_inline void kims_fused_outer(const struct kims_fused *e, struct sk_buff *skb,
					     unsigned int len, u8 tos, u8 ttl)
{
	const struct kims_template *t = &e->pdr[KIMS_DOWNLINK]->outer;
	const struct kims_fast_outer *from = (const struct kims_fast_outer *)t->head;
	struct kims_fast_outer *o;

	if (unlikely(t->len != KIMS_FAST_OUTER)) {
		o = __skb_push(skb, t->len - KIMS_FAST_OUTER);
		skb_reset_network_header(skb);
		skb_set_transport_header(skb, sizeof(struct iphdr));
		kims_fast_outer(o, t, len + t->len, tos, ttl);
		return;
	}
	o = (struct kims_fast_outer *)skb->data;
	o->ip.tos = tos;
	o->ip.id = 0;
	o->ip.frag_off = htons(IP_DF);
	o->ip.ttl = ttl;
	o->ip.check = kims_fast_sum(t, o->ip.tot_len, tos, ttl);
	o->ip.saddr = from->ip.saddr;
	o->ip.daddr = from->ip.daddr;
	o->udp.source = from->udp.source;
	o->udp.dest = from->udp.dest;
	o->gtp.teid = from->gtp.teid;
}

/* As kims_fast_charge(): the entry is alive as long as the rules are those that it knows. */
static __always_inline int kims_fused_charge(const struct kims_fused *e, enum kims_direction d,
					     unsigned int len)
{
	struct kims_session *s = e->session[d];
	int why = -1;

	spin_lock(&s->lock);
	if (likely(!READ_ONCE(e->dead)))
		why = likely(kims_meter_one(s, e->pdr[d], d, len)) ?
			      0 : kims_meter(s, e->pdr[d], len, 1, 0);
	spin_unlock(&s->lock);
	return why;
}

/* The way that the entry knows is that of its FAR still, and good for the packet. */
static __always_inline struct neighbour *kims_fused_way(const struct kims_net *kn,
							const struct kims_fused *e,
							const struct sk_buff *skb,
							unsigned int len)
{
	const struct kims_path *path = e->path;

	if (kims_fused_is_stale(e) || !kims_path_valid4(kn, path) ||
	    READ_ONCE(path->dst->expires) || len > e->mtu || skb_headroom(skb) < e->room ||
	    !READ_ONCE(kn->direct))
		return NULL;
	return kims_path_ready(__ipv4_neigh_lookup_noref(path->dst->dev, e->nexthop));
}

static __always_inline bool kims_fused_traced(void)
{
	return trace_kims_forward_enabled() || trace_kims_session_forward_enabled();
}

/* -1: not for that, and untouched; else the verdict. len: of the inner packet. */
static __always_inline int kims_fused_pass(struct kims_gtpu_ep *ep, const struct kims_fused *e,
					   struct sk_buff *skb, struct kims_fast_gtpu *h,
					   unsigned int len)
{
	unsigned int udp = len - sizeof(h->ip);
	struct neighbour *n;
	int why;
	u8 tos;

	if (kims_fused_traced() || h->ip.protocol != IPPROTO_UDP || h->port.len != htons(udp) ||
	    !h->port.check || !h->ip.id)
		return -1;
	n = kims_fused_way(ep->kn, e, skb, len);
	if (unlikely(!n))
		return -1;
	why = kims_fused_charge(e, KIMS_UPLINK, len);
	if (unlikely(why))
		return why < 0 ? -1 : kims_gtpu_rx_drop(ep, skb, why);
	kims_fast_received(ep);
	why = e->flow->ops->account(e->flow, (const u8 *)(h + 1), udp - sizeof(h->port), 0);
	if (unlikely(why)) {
		kims_fused_stop(ep, e, skb, why);
		return NF_STOLEN;
	}
	why = kims_fused_charge(e, KIMS_DOWNLINK, len);
	if (unlikely(why)) {
		kims_fused_rest(e, skb, why);
		return NF_STOLEN;
	}
	kims_downlink_count(ep->kn);
	tos = kims_tos(&e->outer_tos, kims_fused_rewrite(e, h));
	kims_fused_outer(e, skb, len, tos, kims_path_ttl4(ep->kn, e->path));
	skb->csum_valid = 0;
	skb->csum_level = 0;
	skb->encapsulation = 0;
	kims_fast_leave(n, skb, e->stats, tos);
	return NF_STOLEN;
}

/* --- what comes to an endpoint --- */

/* Step by step. -1: not for that, and untouched; else the verdict. */
static __always_inline int kims_fast_steps(struct kims_gtpu_ep *ep, struct kims_tunnel *tunnel,
					   const struct kims_fused *e, struct sk_buff *skb,
					   const struct kims_fast_gtpu *h)
{
	struct kims_session *s = tunnel->session;
	const struct kims_rules *rules = rcu_dereference(s->rules);
	const struct kims_pdr *pdr = kims_fast_match(rules, tunnel);
	struct kims_fast_next next;
	struct kims_ue *ue;
	int why;

	if (!pdr || !pdr->to_core || unlikely(READ_ONCE(s->monitored)))
		return -1;
	ue = READ_ONCE(s->ue[0]);
	if (!ue || ue->addr.v4 != h->ip.saddr || !kims_fast_next(ep->kn, skb, h, &next))
		return -1;
	if (next.flow && (!e || kims_fused_is_stale(e)))
		kims_fused_make(tunnel, rules, pdr, kims_flow(next.flow), h);
	why = kims_fast_charge(s, rules, pdr, ntohs(h->ip.tot_len));
	if (unlikely(why))
		return why < 0 ? -1 : kims_gtpu_rx_drop(ep, skb, why);
	kims_fast_received(ep);
	trace_kims_session_forward(s->id, pdr->id, 0, skb);
	if (next.flow) {
		kims_fast_pull(skb);
		kims_fast_relay(ep, next.flow, skb, sizeof(struct iphdr));
	} else if (next.ue) {
		kims_fast_ue(next.ue, skb);
	} else {
		kims_fast_path(next.path, next.neigh, skb);
	}
	return NF_STOLEN;
}

unsigned int __flatten kims_gtpu_fast_rx(struct kims_net *kn, struct kims_local *l,
					 struct sk_buff *skb)
{
	struct kims_gtpu_ep *ep = kims_gtpu_ep(l);
	const struct iphdr *outer = ip_hdr(skb);
	struct kims_fast_gtpu *h = (struct kims_fast_gtpu *)(outer + 1);
	unsigned int len = skb->len - KIMS_FAST_OUTER;
	struct kims_tunnel *tunnel;
	struct kims_fused *e;
	int verdict = -1;

	if (!kims_fast_plain(skb, sizeof(*outer) + sizeof(*h) + KIMS_LINEAR) ||
	    !kims_fast_gpdu(outer, h, len) || h->ip.protocol == IPPROTO_TCP || ep->stack ||
	    kims_is_dev(skb->dev) || kims_access_used(kn))
		goto whole;
	tunnel = kims_tunnel_find(kn, ep, h->gtp.teid);
	if (!tunnel)
		goto whole;
	e = kims_fused_find(tunnel, h);
	if (e)
		verdict = kims_fused_pass(ep, e, skb, h, len);
	if (verdict < 0)
		verdict = kims_fast_steps(ep, tunnel, e, skb, h);
	if (likely(verdict >= 0))
		return verdict;
whole:
	verdict = kims_fast6_rx(ep, skb, sizeof(*outer));
	return verdict >= 0 ? verdict : kims_gtpu_rx(kn, l, skb, sizeof(*outer));
}
