// SPDX-License-Identifier: GPL-2.0
/*
 * The way out of a flow: route, headers of either family, checksums.
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
#include <net/addrconf.h>
#include <net/inet_ecn.h>
#include <net/ip.h>
#include <net/ip6_checksum.h>
#include <net/ip6_route.h>
#include <net/route.h>
#include <net/udp.h>
#include <net/xfrm.h>
#include "flow.h"

static unsigned int kims_header_len(const struct kims_flow *f)
{
	return f->out.src.addr.family == AF_INET ? sizeof(struct iphdr) : sizeof(struct ipv6hdr);
}

static u8 kims_dsfield(const struct kims_flow *f, u8 dsfield)
{
	return f->out.dscp < 0 ? dsfield : f->out.dscp << 2 | (dsfield & INET_ECN_MASK);
}

/* --- route --- */

static struct dst_entry *kims_route4(struct kims_net *kn, struct kims_flow *f)
{
	struct flowi4 fl4 = {
		.flowi4_proto = IPPROTO_UDP,
		.saddr = f->out.src.addr.v4,
		.daddr = f->out.dst.addr.v4,
		.fl4_sport = f->out.src.port,
		.fl4_dport = f->out.dst.port,
	};
	struct rtable *rt;

	rt = ip_route_output_flow(kn->net, &fl4, NULL);
	if (IS_ERR(rt))
		return NULL;
	dst_cache_set_ip4(&f->dst, &rt->dst, fl4.saddr);
	return &rt->dst;
}

static struct dst_entry *kims_route6(struct kims_net *kn, struct kims_flow *f)
{
	struct flowi6 fl6 = {
		.flowi6_proto = IPPROTO_UDP,
		.saddr = f->out.src.addr.v6,
		.daddr = f->out.dst.addr.v6,
		.fl6_sport = f->out.src.port,
		.fl6_dport = f->out.dst.port,
	};
	struct dst_entry *dst;

	/* Unlike IPv4's, the IPv6 lookup does not ask whether the source is ours. */
	if (!ipv6_chk_addr(kn->net, &fl6.saddr, NULL, 0))
		return NULL;
	dst = ip6_dst_lookup_flow(kn->net, NULL, &fl6, NULL);
	if (IS_ERR(dst))
		return NULL;
	dst_cache_set_ip6(&f->dst, dst, &fl6.saddr);
	return dst;
}

static struct dst_entry *kims_route(struct kims_net *kn, struct kims_flow *f)
{
	struct dst_entry *dst = dst_cache_get(&f->dst);

	if (likely(dst))
		return dst;
	return f->out.src.addr.family == AF_INET ? kims_route4(kn, f) : kims_route6(kn, f);
}

int kims_output_prepare(struct kims_net *kn, struct kims_flow *f, struct sk_buff *skb,
			const struct kims_packet *p, struct dst_entry **ret_dst)
{
	struct dst_entry *dst;

	if (unlikely(p->ttl <= 1))
		return KIMS_DROP_TTL;
	dst = kims_route(kn, f);
	if (unlikely(!dst))
		return KIMS_DROP_NO_ROUTE;
	/* What lies behind the UDP packet is not sent on. */
	if (pskb_trim_rcsum(skb, p->l4 + sizeof(struct udphdr) + p->len) ||
	    skb_cow(skb, LL_RESERVED_SPACE(dst->dev) + kims_header_len(f))) {
		dst_release(dst);
		return KIMS_DROP_NO_MEMORY;
	}
	*ret_dst = dst;
	return 0;
}

/* --- checksum --- */

__wsum kims_end_csum(const struct kims_end *a, const struct kims_end *b)
{
	unsigned int len = a->addr.family == AF_INET ? 4 : 16;
	__wsum sum = csum_add((__force __wsum)a->port, (__force __wsum)b->port);

	return csum_partial(&b->addr.v6, len, csum_partial(&a->addr.v6, len, sum));
}

/* Sum of addresses and ports as the packet came. */
static __wsum kims_csum_old(const struct sk_buff *skb, const struct udphdr *uh)
{
	__wsum sum = csum_add((__force __wsum)uh->source, (__force __wsum)uh->dest);

	if (skb->protocol == htons(ETH_P_IP)) {
		sum = csum_add(sum, (__force __wsum)ip_hdr(skb)->saddr);
		return csum_add(sum, (__force __wsum)ip_hdr(skb)->daddr);
	}
	return csum_partial(&ipv6_hdr(skb)->saddr, 2 * sizeof(struct in6_addr), sum);
}

/* The device, or the stack in its place, fills in the checksum over pseudo header and packet. */
static void kims_csum_partial(const struct kims_rewrite *out, struct sk_buff *skb,
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
static void kims_csum_update(const struct kims_rewrite *out, struct sk_buff *skb,
			     struct udphdr *uh, const struct kims_packet *p)
{
	unsigned int len = sizeof(*uh) + p->len;
	__wsum sum;

	if (skb->ip_summed == CHECKSUM_PARTIAL) {
		kims_csum_partial(out, skb, uh, len);
		return;
	}
	if (p->no_csum) {
		skb->ip_summed = CHECKSUM_NONE;
		if (out->src.addr.family == AF_INET6)
			kims_csum_partial(out, skb, uh, len);
		return;
	}
	skb_forward_csum(skb);
	sum = csum_sub(~csum_unfold(uh->check), kims_csum_old(skb, uh));
	uh->check = csum_fold(csum_add(sum, out->csum)) ?: CSUM_MANGLED_0;
}

/* --- headers --- */

static void kims_push4(struct kims_net *kn, const struct kims_flow *f, struct sk_buff *skb,
		       const struct kims_packet *p, const struct dst_entry *dst)
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
	iph->saddr = f->out.src.addr.v4;
	iph->daddr = f->out.dst.addr.v4;
	/* The sender's number need not be unique among all that we send to this address. */
	if (!iph->id || skb->len > dst_mtu(dst))
		__ip_select_ident(kn->net, iph, 1);
	ip_send_check(iph);
	skb->protocol = htons(ETH_P_IP);
	memset(IPCB(skb), 0, sizeof(*IPCB(skb)));
}

static void kims_push6(const struct kims_flow *f, struct sk_buff *skb, const struct kims_packet *p)
{
	struct ipv6hdr *ip6h = __skb_push(skb, sizeof(*ip6h));

	ip6_flow_hdr(ip6h, kims_dsfield(f, p->dsfield), 0);
	ip6h->payload_len = htons(skb->len - sizeof(*ip6h));
	ip6h->nexthdr = IPPROTO_UDP;
	ip6h->hop_limit = p->ttl - 1;
	ip6h->saddr = f->out.src.addr.v6;
	ip6h->daddr = f->out.dst.addr.v6;
	skb->protocol = htons(ETH_P_IPV6);
	memset(IP6CB(skb), 0, sizeof(*IP6CB(skb)));
}

/* Nothing that the packet met on its way in goes out with it. */
static void kims_scrub(struct sk_buff *skb, struct dst_entry *dst)
{
	skb_dst_drop(skb);
	nf_reset_ct(skb);
	secpath_reset(skb);
	skb_clear_hash(skb);
	skb_clear_tstamp(skb);
	skb->ignore_df = 1; /* we are the source: fragments are ours to make */
	skb->pkt_type = PACKET_HOST;
	skb->dev = dst->dev;
	skb_dst_set(skb, dst);
}

void kims_output_rewrite(struct kims_net *kn, const struct kims_flow *f, struct sk_buff *skb,
			 const struct kims_packet *p, struct dst_entry *dst)
{
	struct udphdr *uh = (struct udphdr *)(skb->data + p->l4);

	kims_csum_update(&f->out, skb, uh, p);
	uh->source = f->out.src.port;
	uh->dest = f->out.dst.port;
	__skb_pull(skb, p->l4);
	skb_reset_transport_header(skb);
	if (f->out.src.addr.family == AF_INET)
		kims_push4(kn, f, skb, p, dst);
	else
		kims_push6(f, skb, p);
	skb_reset_network_header(skb);
	skb->priority = rt_tos2priority(kims_dsfield(f, p->dsfield));
	kims_scrub(skb, dst);
}
