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
static int kims_fast_charge(struct kims_session *s, const struct kims_rules *rules,
			    const struct kims_pdr *pdr, unsigned int len)
{
	int why = -1;

	spin_lock(&s->lock);
	if (likely(!s->dead && !s->flushing && rcu_access_pointer(s->rules) == rules))
		why = kims_meter(s, pdr, len, 1, 0);
	spin_unlock(&s->lock);
	return why;
}

/* --- into a tunnel --- */

static void kims_fast_push(struct sk_buff *skb, const struct kims_pdr *pdr,
			   const struct kims_path *path, u8 tos)
{
	const struct kims_far *far = pdr->far;
	unsigned int len = skb->len, ext = pdr->mark_qfi < 0 ? 0 : KIMS_FAST_EXT;
	struct kims_fast_outer *o = __skb_push(skb, KIMS_FAST_OUTER + ext);
	bool df = !far->ep->fragment_outer;

	len += ext;
	o->gtp.flags = GTPU_FLAGS | (ext ? GTPU_FLAG_E : 0);
	o->gtp.type = GTPU_G_PDU;
	o->gtp.length = htons(len);
	o->gtp.teid = far->teid;
	if (ext) {
		o->seq_next = htonl(0x85);
		o->container = htonl(1 << 24 | (pdr->direction == KIMS_UPLINK) << 20 |
				     pdr->mark_qfi << 8);
	}
	len += sizeof(o->gtp) + sizeof(o->udp);
	o->udp.source = far->way.src.port;
	o->udp.dest = far->way.dst.port;
	o->udp.len = htons(len);
	o->udp.check = 0;
	len += sizeof(o->ip);
	*(__be16 *)&o->ip = htons(0x4500 | tos);
	o->ip.tot_len = htons(len);
	o->ip.id = 0;
	o->ip.frag_off = df ? htons(IP_DF) : 0;
	o->ip.ttl = ip4_dst_hoplimit(path->dst);
	o->ip.protocol = IPPROTO_UDP;
	o->ip.saddr = far->way.src.addr.v4;
	o->ip.daddr = far->way.dst.addr.v4;
	if (!df)
		__ip_select_ident(far->ep->kn->net, &o->ip, 1);
	o->ip.check = 0;
	o->ip.check = ip_fast_csum(&o->ip, sizeof(o->ip) / 4);
}

int kims_gtpu_fast_ue(struct kims_session *s, struct sk_buff *skb)
{
	const struct iphdr *iph = (const struct iphdr *)skb->data;
	const struct kims_rules *rules = rcu_dereference(s->rules);
	const struct kims_path *path;
	const struct kims_pdr *pdr;
	struct kims_far *far;
	struct net_device *dev;
	struct neighbour *n;
	unsigned int outer;
	int why;
	u8 tos;

	if (!kims_fast_plain(skb, sizeof(*iph)) || skb->protocol != htons(ETH_P_IP) ||
	    *(const u8 *)iph != 0x45 || iph->tot_len != htons(skb->len))
		return 0;
	pdr = kims_fast_match(rules, NULL);
	if (!pdr || !pdr->far->encap || unlikely(READ_ONCE(s->monitored)))
		return 0;
	far = pdr->far;
	if (far->ep->udp_csum || far->ep->entropy || far->ep->mss_clamp)
		return 0;
	path = rcu_dereference(far->way.path);
	outer = KIMS_FAST_OUTER + (pdr->mark_qfi < 0 ? 0 : KIMS_FAST_EXT);
	if (!path || !path->direct || path->family != AF_INET || !READ_ONCE(s->kn->direct) ||
	    !kims_path_valid(s->kn, path) || !kims_path_fits4(path, skb->len + outer))
		return 0;
	dev = path->dst->dev;
	if (skb_headroom(skb) < LL_RESERVED_SPACE(dev) + outer)
		return 0;
	n = kims_path_neigh4(path, far->way.dst.addr.v4);
	if (!n)
		return 0;
	why = kims_fast_charge(s, rules, pdr, skb->len);
	if (unlikely(why))
		return why < 0 ? 0 : why;
	trace_kims_session_forward(s->id, pdr->id, 0, skb);
	tos = iph->tos;
	if (far->dscp >= 0)
		tos = far->dscp << 2 | (tos & INET_ECN_MASK);
	kims_fast_push(skb, pdr, path, tos);
	kims_gtpu_ep_count(far->ep, KIMS_EP_SENT);
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
	skb_set_transport_header(skb, sizeof(struct iphdr));
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
		kfree_skb(skb);
}

static void kims_fast_ue(struct kims_session *s, struct sk_buff *skb)
{
	ip_decrease_ttl(kims_fast_pull(skb));
	if (kims_gtpu_downlink(s, skb, false))
		kfree_skb(skb);
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

int kims_gtpu_fast_rx(struct kims_gtpu_ep *ep, struct sk_buff *skb)
{
	const struct iphdr *outer = ip_hdr(skb);
	const struct kims_fast_gtpu *h = (const struct kims_fast_gtpu *)(outer + 1);
	const struct kims_path *path = NULL;
	const struct kims_tunnel *tunnel;
	const struct kims_rules *rules;
	const struct kims_pdr *pdr;
	struct kims_local *l = NULL;
	struct kims_ue *ue = NULL;
	struct kims_session *s;
	struct neighbour *n;
	int why;

	if (!kims_fast_plain(skb, sizeof(*outer) + sizeof(*h)) || !kims_fast_gpdu(skb, outer, h) ||
	    h->ip.protocol == IPPROTO_TCP || ep->stack || kims_is_dev(skb->dev))
		return 0;
	tunnel = kims_tunnel_find(ep->kn, ep, h->gtp.teid);
	if (!tunnel)
		return 0;
	s = tunnel->session;
	rules = rcu_dereference(s->rules);
	pdr = kims_fast_match(rules, tunnel);
	if (!pdr || pdr->direction != KIMS_UPLINK || pdr->far->encap || pdr->far->ifindex ||
	    pdr->far->dscp >= 0 || unlikely(READ_ONCE(s->monitored)))
		return 0;
	ue = READ_ONCE(s->ue[0]);
	if (!ue || (ue->addr.v4 != h->ip.saddr && !pdr->any_source))
		return 0;
	if (h->ip.protocol == IPPROTO_UDP)
		l = kims_local_at4(ep->kn, h->ip.daddr, h->port.dest);
	if (l) {
		if (l->key.kind != KIMS_FLOW_MEDIA)
			return 0;
		ue = NULL;
	} else {
		ue = kims_ue_find4(ep->kn, h->ip.daddr);
		if (!ue)
			path = kims_route_direct4(ep->kn, h->ip.daddr, ntohs(h->ip.tot_len), &n);
		if (!ue && (!path || skb_headroom(skb) + KIMS_FAST_OUTER <
					     LL_RESERVED_SPACE(path->dst->dev)))
			return 0;
	}
	why = kims_fast_charge(s, rules, pdr, ntohs(h->ip.tot_len));
	if (unlikely(why))
		return why < 0 ? 0 : why;
	kims_gtpu_ep_count(ep, KIMS_EP_FORWARDED);
	trace_kims_session_forward(s->id, pdr->id, 0, skb);
	if (l)
		kims_fast_relay(ep, l, skb);
	else if (ue)
		kims_fast_ue(ue->session, skb);
	else
		kims_fast_path(path, n, skb);
	return -1;
}
