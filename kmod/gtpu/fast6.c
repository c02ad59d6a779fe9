// SPDX-License-Identifier: GPL-2.0
/*
 * The short ways with IPv6 inside of GTP-U, outside of it, or both; see fast.c, of which this is what
 * differs. Packets go step by step: there are no entries (fused.h) with IPv6.
 *
 * The outer UDP checksum is zero (RFC 6935) or the device's: verified by that, or left to that.
 */
#include <net/addrconf.h>
#include <net/dsfield.h>
#include <net/inet_ecn.h>
#include <net/ip6_checksum.h>
#include <net/ip6_route.h>
#include "gtpu/short.h"
#include "route.h"
#include "trace.h"

/* As struct kims_fast_outer. */
struct kims_fast_outer6 {
	struct ipv6hdr ip;
	struct udphdr udp;
	struct kims_gtpu_header gtp;
	__be32 seq_next, container; /* with E */
} __packed __aligned(4);

#define KIMS_FAST_OUTER6 offsetof(struct kims_fast_outer6, seq_next)

/* --- into a tunnel --- */

void kims_fast6_prepare(struct kims_pdr *pdr)
{
	struct kims_fast_outer6 *o = (struct kims_fast_outer6 *)pdr->outer.head;
	const struct kims_far *far = pdr->far;

	BUILD_BUG_ON(sizeof(*o) > sizeof(pdr->outer.head));
	*o = (struct kims_fast_outer6){
		.ip = { .nexthdr = IPPROTO_UDP, .saddr = far->way.src.addr.v6,
			.daddr = far->way.dst.addr.v6 },
		.udp = { .source = far->way.src.port, .dest = far->way.dst.port },
		.gtp = { .flags = KIMS_FAST_FLAGS, .type = GTPU_G_PDU, .teid = far->teid },
	};
	pdr->outer.sum = (__force u32)~csum_unfold(csum_ipv6_magic(&o->ip.saddr, &o->ip.daddr, 0,
								   IPPROTO_UDP, 0));
	pdr->outer.len6 = KIMS_FAST_OUTER6;
	if (pdr->mark_qfi < 0)
		return;
	pdr->outer.len6 += KIMS_FAST_EXT;
	o->gtp.flags |= KIMS_FAST_FLAG_E;
	o->seq_next = htonl(0x85);
	o->container = htonl(1 << 24 | pdr->mark_qfi << 8);
}

/* As kims_fast_way(), for outer IPv6. */
static bool kims_fast6_way(const struct kims_net *kn, const struct kims_pdr *pdr, unsigned int len,
			   unsigned int room, struct kims_fast_way *ret)
{
	const struct kims_path *path = rcu_dereference(pdr->far->way.path);

	if (!path || !path->direct || !READ_ONCE(kn->direct) || !kims_path_valid(kn, path) ||
	    !kims_path_fits6(path, len + pdr->outer.len6) || room < path->room + pdr->outer.len6)
		return false;
	ret->path = path;
	ret->neigh = kims_path_neigh6(path, &pdr->far->way.dst.addr.v6);
	return ret->neigh;
}

/* The device fills the checksum in: udp6_set_csum(), with what never changes of it. */
static void kims_fast6_sum(struct sk_buff *skb, const struct kims_template *t, struct udphdr *uh)
{
	uh->check = ~csum_fold(csum_add((__force __wsum)t->sum, (__force __wsum)uh->len));
	skb->ip_summed = CHECKSUM_PARTIAL;
	skb->csum_start = (unsigned char *)uh - skb->head;
	skb->csum_offset = offsetof(struct udphdr, check);
}

/* The outer headers before an inner packet. */
static void kims_fast6_push(struct sk_buff *skb, const struct kims_template *t, u8 tos,
			    const struct kims_path *path, bool summed)
{
	unsigned int len = skb->len + t->len6 - sizeof(struct ipv6hdr);
	struct kims_fast_outer6 *o = __skb_push(skb, t->len6);

	memcpy(o, t->head, t->len6);
	ip6_flow_hdr(&o->ip, tos, 0);
	o->ip.payload_len = htons(len);
	o->ip.hop_limit = ip6_dst_hoplimit(path->dst);
	o->udp.len = htons(len);
	o->gtp.length = htons(len - sizeof(o->udp) - sizeof(o->gtp));
	skb->ip_summed = CHECKSUM_NONE;
	if (summed)
		kims_fast6_sum(skb, t, &o->udp);
	skb->protocol = htons(ETH_P_IPV6);
	skb_reset_network_header(skb);
	skb_set_transport_header(skb, sizeof(o->ip));
}

static void kims_fast6_push4(struct sk_buff *skb, const struct kims_template *t, u8 tos, u8 ttl)
{
	unsigned int len = skb->len + t->len;

	kims_fast_outer(__skb_push(skb, t->len), t, len, tos, ttl);
	skb->ip_summed = CHECKSUM_NONE;
	skb->protocol = htons(ETH_P_IP);
	skb_reset_network_header(skb);
	skb_set_transport_header(skb, sizeof(struct iphdr));
}

/* The packet is all that its header says, and nothing else. Its traffic class, or TOS; -1: no. */
static int kims_fast6_whole(const struct sk_buff *skb)
{
	const struct ipv6hdr *ip6h = (const struct ipv6hdr *)skb->data;
	const struct iphdr *iph = (const struct iphdr *)skb->data;

	if (skb->protocol == htons(ETH_P_IP))
		return *(const u8 *)iph == 0x45 && iph->tot_len == htons(skb->len) ? iph->tos : -1;
	if (ip6h->version != 6 || ip6h->payload_len != htons(skb->len - sizeof(*ip6h)) ||
	    ipv6_addr_is_multicast(&ip6h->saddr))
		return -1;
	return ipv6_get_dsfield(ip6h);
}

static void kims_fast6_hop(struct sk_buff *skb)
{
	if (skb->protocol == htons(ETH_P_IP))
		ip_decrease_ttl((struct iphdr *)skb->data);
	else
		((struct ipv6hdr *)skb->data)->hop_limit--;
}

int __flatten kims_fast6_into(struct kims_session *s, struct sk_buff *skb, bool hop)
{
	const struct kims_rules *rules = rcu_dereference(s->rules);
	const struct kims_pdr *pdr = kims_fast_match(rules, NULL);
	unsigned int len = skb->len;
	struct kims_fast_way way;
	int why, tos;
	bool ok;

	if (!pdr || !(pdr->outer.len | pdr->outer.len6) || unlikely(READ_ONCE(s->monitored)) ||
	    !kims_fast_plain(skb, sizeof(struct ipv6hdr)))
		return 0;
	tos = kims_fast6_whole(skb);
	ok = tos >= 0 && (pdr->outer.len6 ?
				  kims_fast6_way(s->kn, pdr, len, skb_headroom(skb), &way) :
				  kims_fast_way(s->kn, pdr, len, skb_headroom(skb), &way));
	if (!ok)
		return 0;
	why = kims_fast_charge(s, rules, pdr, len);
	if (unlikely(why))
		return why < 0 ? 0 : why;
	trace_kims_session_forward(s->id, pdr->id, 0, skb);
	if (hop)
		kims_fast6_hop(skb);
	if (pdr->far->dscp >= 0)
		tos = pdr->far->dscp << 2 | (tos & INET_ECN_MASK);
	if (pdr->outer.len6)
		kims_fast6_push(skb, &pdr->outer, tos, way.path, pdr->far->ep->udp_csum);
	else
		kims_fast6_push4(skb, &pdr->outer, tos, kims_path_ttl4(s->kn, way.path));
	kims_fast_leave_summed(way.neigh, skb, pdr->far->ep->stats, tos);
	return -1;
}

unsigned int kims_gtpu_fast_core6(struct kims_net *kn, struct sk_buff *skb)
{
	struct kims_session *s;
	struct kims_ue *ue;
	int why;

	if (likely(!READ_ONCE(kn->has_ues)))
		return NF_ACCEPT;
	if (kims_access_used(kn))
		return kims_gtpu_core_rx(kn, skb);
	ue = kims_ue_find6(kn, &ipv6_hdr(skb)->daddr);
	if (!ue)
		return NF_ACCEPT;
	s = ue->session;
	why = ipv6_hdr(skb)->hop_limit > 1 && skb->pkt_type == PACKET_HOST && !kims_is_dev(skb->dev) ?
		      kims_fast6_into(s, skb, true) : 0;
	if (!why)
		return kims_gtpu_core_rx(kn, skb);
	why = kims_fast_count(s, skb, why);
	return likely(!why) ? NF_STOLEN : kims_drop(skb, why);
}

/* --- out of a tunnel --- */

/* The inner packet. */
struct kims_fast6 {
	const struct ipv6hdr *ip6h; /* NULL: IPv4 */
	const struct iphdr *iph;
	const struct udphdr *uh; /* where the protocol is UDP */
	unsigned int off, l4, len; /* of it in the outer one; of its transport header; octets */
	u8 dsfield;
};

/* Its header, and that nothing is unusual about it. */
static bool kims_fast6_read(struct kims_fast6 *in, const u8 *data)
{
	u8 protocol;

	if (*data == 0x45) {
		in->ip6h = NULL;
		in->iph = (const struct iphdr *)data;
		in->l4 = sizeof(*in->iph);
		in->dsfield = in->iph->tos;
		protocol = in->iph->protocol;
		if (!kims_fast_ip(in->iph, in->len) || ip_fast_csum(in->iph, in->iph->ihl))
			return false;
	} else {
		in->ip6h = (const struct ipv6hdr *)data;
		in->l4 = sizeof(*in->ip6h);
		in->dsfield = ipv6_get_dsfield(in->ip6h);
		protocol = in->ip6h->nexthdr;
		if (in->ip6h->version != 6 || in->ip6h->hop_limit <= 1 ||
		    in->ip6h->payload_len != htons(in->len - sizeof(*in->ip6h)))
			return false;
	}
	in->uh = protocol == IPPROTO_UDP ? (const struct udphdr *)(data + in->l4) : NULL;
	return protocol == IPPROTO_UDP || protocol == IPPROTO_ESP;
}

static bool kims_fast6_is_from(const struct kims_session *s, const struct kims_fast6 *in)
{
	const struct kims_ue *ue = READ_ONCE(s->ue[!!in->ip6h]);

	if (!ue)
		return false;
	return in->ip6h ? ipv6_prefix_equal(&ue->addr.v6, &in->ip6h->saddr, 64) :
			  ue->addr.v4 == in->iph->saddr;
}

/* Where it goes: to one of these. */
struct kims_fast6_next {
	struct kims_local *flow;
	struct kims_ue *ue;
	const struct kims_path *path;
	struct neighbour *neigh;
};

static bool kims_fast6_next(struct kims_net *kn, const struct sk_buff *skb,
			    const struct kims_fast6 *in, struct kims_fast6_next *ret)
{
	*ret = (struct kims_fast6_next){};
	if (in->uh)
		ret->flow = in->ip6h ? kims_local_at6(kn, &in->ip6h->daddr, in->uh->dest) :
				       kims_local_at4(kn, in->iph->daddr, in->uh->dest);
	if (ret->flow)
		return ret->flow->key.kind == KIMS_FLOW_MEDIA;
	ret->ue = in->ip6h ? kims_ue_find6(kn, &in->ip6h->daddr) :
			     kims_ue_find4(kn, in->iph->daddr);
	if (ret->ue)
		return true;
	ret->path = in->ip6h ?
			    kims_route_direct6(kn, &in->ip6h->daddr, in->len, &ret->neigh) :
			    kims_route_direct4(kn, in->iph->daddr, in->len, &ret->neigh);
	return ret->path && skb_headroom(skb) + in->off >= ret->path->room;
}

/* Counted: it goes. */
static void kims_fast6_go(struct kims_gtpu_ep *ep, struct sk_buff *skb,
			  const struct kims_fast6 *in, const struct kims_fast6_next *next)
{
	kims_fast_strip(skb, in->off);
	skb->protocol = in->ip6h ? htons(ETH_P_IPV6) : htons(ETH_P_IP);
	skb_set_transport_header(skb, in->l4);
	if (next->flow) {
		kims_fast_relay(ep, next->flow, skb, in->l4);
		return;
	}
	kims_fast6_hop(skb);
	if (next->ue) {
		kims_ue_send(next->ue->session, skb, false);
		return;
	}
	skb_clear_tstamp(skb);
	skb->priority = rt_tos2priority(in->dsfield);
	skb->dev = next->path->dst->dev;
	kims_fast_output(&next->neigh->hh, skb);
}

/* A G-PDU without anything optional, that is all there is. */
static bool kims_fast6_gpdu(const struct sk_buff *skb, const struct udphdr *uh, unsigned int len)
{
	const struct kims_gtpu_header *h = (const struct kims_gtpu_header *)(uh + 1);

	return uh->len == htons(len + sizeof(*uh) + sizeof(*h)) &&
	       (!uh->check || skb_csum_unnecessary(skb)) &&
	       *(const __be16 *)h == htons(KIMS_FAST_FLAGS << 8 | GTPU_G_PDU) &&
	       h->length == htons(len);
}

static u8 kims_fast6_outer_ds(const struct sk_buff *skb, unsigned int outer)
{
	return outer == sizeof(struct iphdr) ? ip_hdr(skb)->tos : ipv6_get_dsfield(ipv6_hdr(skb));
}

int kims_fast6_rx(struct kims_gtpu_ep *ep, struct sk_buff *skb, unsigned int outer)
{
	const struct udphdr *uh = (const struct udphdr *)(skb->data + outer);
	const struct kims_gtpu_header *h = (const struct kims_gtpu_header *)(uh + 1);
	const struct kims_rules *rules;
	struct kims_fast6_next next;
	const struct kims_pdr *pdr;
	struct kims_tunnel *tunnel;
	struct kims_session *s;
	struct kims_fast6 in;
	int why;

	in.off = outer + sizeof(*uh) + sizeof(*h);
	in.len = skb->len - in.off;
	if (!kims_fast_plain(skb, in.off + sizeof(struct ipv6hdr)) || ep->stack ||
	    kims_is_dev(skb->dev) || kims_access_used(ep->kn) ||
	    !kims_fast6_gpdu(skb, uh, in.len) || !kims_fast6_read(&in, (const u8 *)(h + 1)) ||
	    skb_headlen(skb) < in.off + in.l4 + sizeof(*uh) + KIMS_LINEAR ||
	    kims_fast6_outer_ds(skb, outer) & INET_ECN_MASK)
		return -1;
	if (!in.ip6h && outer == sizeof(struct iphdr))
		return -1;
	tunnel = kims_tunnel_find(ep->kn, ep, h->teid);
	if (!tunnel)
		return -1;
	s = tunnel->session;
	rules = rcu_dereference(s->rules);
	pdr = kims_fast_match(rules, tunnel);
	if (!pdr || !pdr->to_core || unlikely(READ_ONCE(s->monitored)) ||
	    !kims_fast6_is_from(s, &in) || !kims_fast6_next(ep->kn, skb, &in, &next))
		return -1;
	why = kims_fast_charge(s, rules, pdr, in.len);
	if (unlikely(why))
		return why < 0 ? -1 : kims_gtpu_rx_drop(ep, skb, why);
	kims_fast_received(ep);
	trace_kims_session_forward(s->id, pdr->id, 0, skb);
	kims_fast6_go(ep, skb, &in, &next);
	return NF_STOLEN;
}

unsigned int __flatten kims_gtpu_fast_rx6(struct kims_net *kn, struct kims_local *l,
					  struct sk_buff *skb)
{
	const struct ipv6hdr *outer = ipv6_hdr(skb);
	int verdict = -1;

	if (outer->payload_len == htons(skb->len - sizeof(*outer)))
		verdict = kims_fast6_rx(kims_gtpu_ep(l), skb, sizeof(*outer));
	return verdict >= 0 ? verdict : kims_gtpu_rx(kn, l, skb, sizeof(*outer));
}
