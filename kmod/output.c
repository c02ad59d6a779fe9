// SPDX-License-Identifier: GPL-2.0
/*
 * The way out of a flow: headers of either family, checksums. Where to is path.c's.
 *
 * To IP the relay is an end of each leg: the packet that leaves has a header of our own (no
 * options or extension headers, not "don't fragment"), so that a packet that fits into the first
 * leg only is fragmented on the second. The hop limit is still counted down, which ends circles.
 *
 * The UDP checksum is adjusted, never made new, as long as there is one (RFC 1624): what was
 * damaged on the first leg stays visibly damaged on the second. Between the families nothing but
 * addresses and ports changes in the pseudo headers (RFC 768, RFC 8200 8.1): length and protocol
 * add up to the same. Only a packet that came without a checksum (IPv4) and must have one (IPv6)
 * gets a new one.
 */
#include <linux/udp.h>
#include <net/inet_ecn.h>
#include <net/ip.h>
#include <net/ip6_checksum.h>
#include <net/udp.h>
#include <net/xfrm.h>
#include "path.h"

static unsigned int kims_header_len(const struct kims_flow *f)
{
	return f->way.src.addr.family == AF_INET ? sizeof(struct iphdr) : sizeof(struct ipv6hdr);
}

static u8 kims_dsfield(const struct kims_flow *f, u8 dsfield)
{
	return f->dscp < 0 ? dsfield : f->dscp << 2 | (dsfield & INET_ECN_MASK);
}

/* Room for the biggest outer headers, which kims_gtpu_downlink() makes. */
#define KIMS_OUTPUT_UE_ROOM (LL_MAX_HEADER + 64)

int kims_output_prepare(struct kims_net *kn, struct kims_flow *f, struct sk_buff *skb,
			const struct kims_packet *p, struct kims_hop *ret)
{
	unsigned int room = KIMS_OUTPUT_UE_ROOM;

	ret->path = NULL;
	if (unlikely(p->ttl <= 1))
		return KIMS_DROP_TTL;
	ret->ue = kims_ue_session(kn, &f->way.dst.addr);
	if (!ret->ue) {
		ret->path = kims_path_get(kn, &f->way);
		if (unlikely(!ret->path))
			return KIMS_DROP_NO_ROUTE;
		room = LL_RESERVED_SPACE(ret->path->dst->dev);
	}
	/* What lies behind the UDP packet is not sent on. */
	if (pskb_trim_rcsum(skb, p->l4 + sizeof(struct udphdr) + p->len) ||
	    skb_cow(skb, room + kims_header_len(f)))
		return KIMS_DROP_NO_MEMORY;
	return 0;
}

/* --- checksum --- */

__wsum kims_end_csum(const struct kims_end *end)
{
	unsigned int len = end->addr.family == AF_INET ? 4 : 16;

	return csum_partial(&end->addr.v6, len, (__force __wsum)end->port);
}

/* Sum of source address and port as the packet came. */
static __wsum kims_csum_source(const struct sk_buff *skb, const struct kims_packet *p)
{
	__wsum sum = (__force __wsum)p->sport;

	if (likely(skb->protocol == htons(ETH_P_IP)))
		return csum_add(sum, (__force __wsum)p->saddr);
	return csum_partial(&ipv6_hdr(skb)->saddr, sizeof(struct in6_addr), sum);
}

/* The device, or the stack in its place, fills in the checksum over pseudo header and packet. */
static void kims_csum_partial(const struct kims_way *out, struct sk_buff *skb,
			      struct udphdr *uh, unsigned int len)
{
	const struct kims_addr *s = &out->src.addr, *d = &out->dst.addr;

	uh->check = s->family == AF_INET ?
			    ~csum_tcpudp_magic(s->v4, d->v4, len, IPPROTO_UDP, 0) :
			    ~csum_ipv6_magic(&s->v6, &d->v6, len, IPPROTO_UDP, 0);
	skb->ip_summed = CHECKSUM_PARTIAL;
	skb->csum_start = (unsigned char *)uh - skb->head;
	skb->csum_offset = offsetof(struct udphdr, check);
}

/* Before the IP header is touched. */
static void kims_csum_update(const struct kims_flow *f, struct sk_buff *skb, struct udphdr *uh,
			     const struct kims_packet *p)
{
	__wsum sum;

	if (skb->ip_summed == CHECKSUM_PARTIAL) {
		kims_csum_partial(&f->way, skb, uh, sizeof(*uh) + p->len);
		return;
	}
	if (unlikely(p->no_csum)) {
		skb->ip_summed = CHECKSUM_NONE;
		if (f->way.src.addr.family == AF_INET6)
			kims_csum_partial(&f->way, skb, uh, sizeof(*uh) + p->len);
		return;
	}
	skb_forward_csum(skb);
	sum = csum_sub(~csum_unfold(uh->check), kims_csum_source(skb, p));
	uh->check = csum_fold(csum_add(sum, f->csum)) ?: CSUM_MANGLED_0;
}

/* --- headers --- */

static void kims_push4(struct kims_net *kn, const struct kims_flow *f, struct sk_buff *skb,
		       const struct kims_packet *p)
{
	struct iphdr *iph = __skb_push(skb, sizeof(*iph));

	iph->version = 4;
	iph->ihl = sizeof(*iph) / 4;
	iph->tos = kims_dsfield(f, p->dsfield);
	iph->tot_len = htons(skb->len);
	iph->id = p->id;
	iph->frag_off = 0;
	iph->ttl = p->ttl - 1;
	iph->protocol = IPPROTO_UDP;
	iph->saddr = f->way.src.addr.v4;
	iph->daddr = f->way.dst.addr.v4;
	if (unlikely(!iph->id))
		__ip_select_ident(kn->net, iph, 1);
	iph->check = 0;
	iph->check = ip_fast_csum(iph, sizeof(*iph) / 4);
	skb->protocol = htons(ETH_P_IP);
}

static void kims_push6(const struct kims_flow *f, struct sk_buff *skb, const struct kims_packet *p)
{
	struct ipv6hdr *ip6h = __skb_push(skb, sizeof(*ip6h));

	ip6_flow_hdr(ip6h, kims_dsfield(f, p->dsfield), 0);
	ip6h->payload_len = htons(skb->len - sizeof(*ip6h));
	ip6h->nexthdr = IPPROTO_UDP;
	ip6h->hop_limit = p->ttl - 1;
	ip6h->saddr = f->way.src.addr.v6;
	ip6h->daddr = f->way.dst.addr.v6;
	skb->protocol = htons(ETH_P_IPV6);
}

void kims_output_scrub(struct sk_buff *skb, const struct kims_path *path)
{
	skb_dst_drop(skb);
	nf_reset_ct(skb);
	secpath_reset(skb);
	skb_clear_hash(skb);
	skb_clear_tstamp(skb);
	skb->pkt_type = PACKET_HOST;
	if (likely(path))
		skb->dev = path->dst->dev;
}

void kims_output_rewrite(struct kims_net *kn, const struct kims_flow *f, struct sk_buff *skb,
			 const struct kims_packet *p, const struct kims_hop *hop)
{
	struct udphdr *uh = (struct udphdr *)(skb->data + p->l4);

	kims_csum_update(f, skb, uh, p);
	uh->source = f->way.src.port;
	uh->dest = f->way.dst.port;
	__skb_pull(skb, p->l4);
	skb_reset_transport_header(skb);
	if (f->way.src.addr.family == AF_INET)
		kims_push4(kn, f, skb, p);
	else
		kims_push6(f, skb, p);
	skb_reset_network_header(skb);
	skb->priority = rt_tos2priority(kims_dsfield(f, p->dsfield));
	kims_output_scrub(skb, hop->path);
}

void kims_output_stack(struct kims_net *kn, const struct kims_path *path, struct sk_buff *skb)
{
	struct iphdr *iph = ip_hdr(skb);

	memset(skb->cb, 0, max(sizeof(*IPCB(skb)), sizeof(*IP6CB(skb))));
	skb->ignore_df = 1; /* we are the source: fragments are ours to make */
	skb_dst_set(skb, dst_clone(path->dst));
	if (skb->protocol == htons(ETH_P_IP) && skb->len > dst_mtu(path->dst)) {
		/* The sender's number need not be unique among all that we send to this address. */
		__ip_select_ident(kn->net, iph, 1);
		ip_send_check(iph);
	}
	dst_output(kn->net, NULL, skb);
}
