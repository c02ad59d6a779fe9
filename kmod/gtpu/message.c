// SPDX-License-Identifier: GPL-2.0
/*
 * GTP-U messages made here, and their way out: UDP with a checksum, from the endpoint's address
 * and port, through the stack as any local packet.
 */
#include <linux/udp.h>
#include <net/inet_ecn.h>
#include <net/ip.h>
#include <net/ip6_checksum.h>
#include <net/ip6_route.h>
#include <net/route.h>
#include <net/udp.h>
#include "gtpu/message.h"

#define GTPU_FLAGS 0x30 /* version 1, GTP */
#define GTPU_S 0x02
#define GTPU_E 0x04

/* --- content --- */

void kims_message_init(struct kims_message *m, const struct kims_gtpu_ep *ep,
		       const struct kims_end *peer, u8 type, __be32 teid)
{
	struct kims_gtpu_header *h = (struct kims_gtpu_header *)m->data;

	m->net = ep->kn->net;
	m->src = ep->local.key.local;
	m->dst = *peer;
	m->dscp = 0;
	m->len = sizeof(*h);
	*h = (struct kims_gtpu_header){ .flags = GTPU_FLAGS, .type = type, .teid = teid };
}

void kims_message_put(struct kims_message *m, u8 octet)
{
	if (!WARN_ON_ONCE(m->len >= sizeof(m->data)))
		m->data[m->len++] = octet;
}

void kims_message_seq(struct kims_message *m, __be16 seq, u8 next)
{
	m->data[0] |= GTPU_S | (next ? GTPU_E : 0);
	kims_message_put(m, ntohs(seq) >> 8);
	kims_message_put(m, ntohs(seq));
	kims_message_put(m, 0); /* N-PDU number */
	kims_message_put(m, next);
}

/* --- the way out --- */

static struct sk_buff *kims_message_skb(const struct kims_message *m)
{
	unsigned int len = sizeof(struct udphdr) + m->len;
	struct sk_buff *skb = alloc_skb(LL_MAX_HEADER + sizeof(struct ipv6hdr) + len, GFP_ATOMIC);
	struct udphdr *uh;

	if (!skb)
		return NULL;
	skb_reserve(skb, LL_MAX_HEADER + sizeof(struct ipv6hdr));
	uh = skb_put(skb, sizeof(*uh));
	*uh = (struct udphdr){ .source = m->src.port, .dest = m->dst.port, .len = htons(len) };
	skb_put_data(skb, m->data, m->len);
	skb_reset_transport_header(skb);
	skb->priority = rt_tos2priority(m->dscp << 2);
	return skb;
}

/* What dev_queue_xmit() and netfilter say. */
static int kims_message_result(int rc)
{
	return rc > 0 ? net_xmit_errno(rc) : rc;
}

static int kims_message_send4(const struct kims_message *m)
{
	struct flowi4 fl4 = {
		.flowi4_proto = IPPROTO_UDP,
		.saddr = m->src.addr.v4,
		.daddr = m->dst.addr.v4,
		.fl4_sport = m->src.port,
		.fl4_dport = m->dst.port,
	};
	struct sk_buff *skb;
	struct iphdr *iph;
	struct rtable *rt;

	rt = ip_route_output_flow(m->net, &fl4, NULL);
	if (IS_ERR(rt))
		return -EHOSTUNREACH;
	skb = kims_message_skb(m);
	if (!skb) {
		ip_rt_put(rt);
		return -ENOMEM;
	}
	udp_set_csum(false, skb, fl4.saddr, fl4.daddr, skb->len);
	iph = skb_push(skb, sizeof(*iph));
	*iph = (struct iphdr){
		.version = 4,
		.ihl = sizeof(*iph) / 4,
		.tos = m->dscp << 2,
		.ttl = ip4_dst_hoplimit(&rt->dst),
		.protocol = IPPROTO_UDP,
		.saddr = fl4.saddr,
		.daddr = fl4.daddr,
	};
	skb_reset_network_header(skb);
	skb->protocol = htons(ETH_P_IP);
	skb_dst_set(skb, &rt->dst);
	__ip_select_ident(m->net, iph, 1);
	return kims_message_result(ip_local_out(m->net, NULL, skb));
}

static int kims_message_send6(const struct kims_message *m)
{
	struct flowi6 fl6 = {
		.flowi6_proto = IPPROTO_UDP,
		.saddr = m->src.addr.v6,
		.daddr = m->dst.addr.v6,
		.fl6_sport = m->src.port,
		.fl6_dport = m->dst.port,
	};
	struct dst_entry *dst;
	struct sk_buff *skb;
	struct ipv6hdr *ip6h;

	dst = ip6_dst_lookup_flow(m->net, NULL, &fl6, NULL);
	if (IS_ERR(dst))
		return -EHOSTUNREACH;
	skb = kims_message_skb(m);
	if (!skb) {
		dst_release(dst);
		return -ENOMEM;
	}
	udp6_set_csum(false, skb, &fl6.saddr, &fl6.daddr, skb->len);
	ip6h = skb_push(skb, sizeof(*ip6h));
	ip6_flow_hdr(ip6h, m->dscp << 2, 0);
	ip6h->payload_len = htons(skb->len - sizeof(*ip6h));
	ip6h->nexthdr = IPPROTO_UDP;
	ip6h->hop_limit = ip6_dst_hoplimit(dst);
	ip6h->saddr = fl6.saddr;
	ip6h->daddr = fl6.daddr;
	skb_reset_network_header(skb);
	skb->protocol = htons(ETH_P_IPV6);
	skb_dst_set(skb, dst);
	return kims_message_result(ip6_local_out(m->net, NULL, skb));
}

int kims_message_send(struct kims_message *m)
{
	struct kims_gtpu_header *h = (struct kims_gtpu_header *)m->data;

	h->length = htons(m->len - sizeof(*h));
	return m->src.addr.family == AF_INET ? kims_message_send4(m) : kims_message_send6(m);
}
