// SPDX-License-Identifier: GPL-2.0
/*
 * Outer headers of GTP-U (TS 29.281 4.4, 5; TS 38.415 5.5.2 for the PDU Session Container) and the
 * way out of what has them.
 *
 * Outer IPv4 is "don't fragment" unless the endpoint may send fragments, and then has an
 * identification of its own (RFC 6864). ECN is copied to the outer header (RFC 6040 4.1, normal
 * mode), which is the caller's to put into kims_outer.dsfield.
 */
#include <net/ip.h>
#include <net/ip6_checksum.h>
#include <net/ip6_route.h>
#include <net/udp.h>
#include "gtpu/message.h"
#include "path.h"

#define GTPU_FLAGS 0x30 /* version 1, GTP */
#define GTPU_FLAG_E 0x04
#define GTPU_EXT_PDU_SESSION_CONTAINER 0x85
#define GTPU_PDU_TYPE_UL 0x10

/* With E: the optional part, and the container in its smallest form. */
struct kims_gtpu_push_qfi {
	struct kims_gtpu_header h;
	__be16 seq;
	u8 n_pdu;
	u8 next;
	u8 ext_len;
	u8 pdu_type;
	u8 qfi;
	u8 ext_next;
};

int kims_outer_room(struct sk_buff *skb, const struct kims_outer *o, const struct kims_path *path)
{
	return skb_cow_head(skb, LL_RESERVED_SPACE(path->dst->dev) + kims_outer_len(o)) ?
		       KIMS_DROP_NO_MEMORY : 0;
}

static void kims_push_gtpu(struct sk_buff *skb, const struct kims_outer *o)
{
	unsigned int len = skb->len;
	struct kims_gtpu_push_qfi *q;
	struct kims_gtpu_header *h;

	if (o->qfi >= 0) {
		q = __skb_push(skb, sizeof(*q));
		h = &q->h;
		q->seq = 0;
		q->n_pdu = 0;
		q->next = GTPU_EXT_PDU_SESSION_CONTAINER;
		q->ext_len = 1;
		q->pdu_type = o->uplink ? GTPU_PDU_TYPE_UL : 0;
		q->qfi = o->qfi;
		q->ext_next = 0;
		len += sizeof(*q) - sizeof(*h);
	} else {
		h = __skb_push(skb, sizeof(*h));
	}
	h->flags = GTPU_FLAGS | o->flags | (o->qfi >= 0 ? GTPU_FLAG_E : 0);
	h->type = o->type;
	h->length = htons(len);
	h->teid = o->teid;
}

/* RFC 6335 dynamic ports, by the inner flow (TS 29.281 4.4.2.3). */
static __be16 kims_outer_sport(struct sk_buff *skb, const struct kims_outer *o)
{
	if (!o->ep->entropy || o->type != GTPU_G_PDU)
		return o->way->src.port;
	return htons(49152 | skb_get_hash(skb) >> 18);
}

static void kims_push_ip4(struct sk_buff *skb, const struct kims_outer *o,
			  const struct kims_path *path)
{
	struct iphdr *iph = __skb_push(skb, sizeof(*iph));

	iph->version = 4;
	iph->ihl = sizeof(*iph) / 4;
	iph->tos = o->dsfield;
	iph->tot_len = htons(skb->len);
	iph->frag_off = o->df ? htons(IP_DF) : 0;
	iph->ttl = ip4_dst_hoplimit(path->dst);
	iph->protocol = IPPROTO_UDP;
	iph->saddr = o->way->src.addr.v4;
	iph->daddr = o->way->dst.addr.v4;
	iph->id = 0;
	if (!o->df)
		__ip_select_ident(o->ep->kn->net, iph, max_t(u16, skb_shinfo(skb)->gso_segs, 1));
	ip_send_check(iph);
	skb->protocol = htons(ETH_P_IP);
	skb_reset_network_header(skb);
	udp_set_csum(!o->ep->udp_csum, skb, iph->saddr, iph->daddr, skb->len - sizeof(*iph));
}

static void kims_push_ip6(struct sk_buff *skb, const struct kims_outer *o,
			  const struct kims_path *path)
{
	struct ipv6hdr *ip6h = __skb_push(skb, sizeof(*ip6h));

	ip6_flow_hdr(ip6h, o->dsfield, 0);
	ip6h->payload_len = htons(min_t(unsigned int, skb->len - sizeof(*ip6h), 0xffff));
	ip6h->nexthdr = IPPROTO_UDP;
	ip6h->hop_limit = ip6_dst_hoplimit(path->dst);
	ip6h->saddr = o->way->src.addr.v6;
	ip6h->daddr = o->way->dst.addr.v6;
	skb->protocol = htons(ETH_P_IPV6);
	skb_reset_network_header(skb);
	udp6_set_csum(!o->ep->udp_csum, skb, &ip6h->saddr, &ip6h->daddr,
		      skb->len - sizeof(*ip6h));
}

void kims_outer_push(struct sk_buff *skb, const struct kims_outer *o, const struct kims_path *path)
{
	__be16 sport = kims_outer_sport(skb, o);
	struct udphdr *uh;

	if (skb->ip_summed == CHECKSUM_PARTIAL) {
		skb_reset_inner_headers(skb);
		skb->encapsulation = 1;
	} else {
		skb->ip_summed = CHECKSUM_NONE;
		skb->encapsulation = 0;
	}
	kims_push_gtpu(skb, o);
	uh = __skb_push(skb, sizeof(*uh));
	skb_reset_transport_header(skb);
	uh->source = sport;
	uh->dest = o->way->dst.port;
	uh->len = htons(skb->len);
	uh->check = 0;
	if (o->way->dst.addr.family == AF_INET)
		kims_push_ip4(skb, o, path);
	else
		kims_push_ip6(skb, o, path);
	skb->priority = rt_tos2priority(o->dsfield);
	kims_output_scrub(skb, path);
}

void kims_outer_send(const struct kims_outer *o, const struct kims_path *path, struct sk_buff *skb)
{
	struct kims_net *kn = o->ep->kn;
	bool gso = skb_is_gso(skb);

	kims_outer_push(skb, o, path);
	if (o->type == GTPU_G_PDU)
		kims_gtpu_ep_count(o->ep, KIMS_EP_SENT, kims_gso_packets(skb));
	if (unlikely(gso))
		kims_gtpu_send_gso(kn, path, skb, kims_outer_len(o));
	else if (!kims_path_send(kn, path, skb))
		kims_output_stack(kn, path, skb);
}
