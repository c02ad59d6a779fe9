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
#include <linux/udp.h>
#include <net/checksum.h>
#include <net/icmp.h>
#include <net/ip.h>
#include <net/ipv6.h>
#include <net/route.h>
#include <net/sock.h>
#include <net/tcp.h>
#include "gtpu/gtpu.h"

/* IPv6, UDP, GTP-U with its optional part and one extension header. */
#define KIMS_OUTER_MAX (40 + 8 + 12 + 4)

/* RFC 791: every module must forward as much. */
#define KIMS_MTU_MIN4 68

/* --- tell the inner sender --- */

/* What icmp_send() wants to know is where the answer leaves; the packet itself is not routed. */
static bool kims_route_back4(struct net *net, struct sk_buff *skb)
{
	struct flowi4 fl4 = { .daddr = ip_hdr(skb)->saddr };
	struct rtable *rt;

	if (skb_dst(skb))
		return true;
	rt = ip_route_output_key(net, &fl4);
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

/* Into a packet that ip_frag_next() has made: its options lie in it already. */
static int kims_fragment_all(struct sk_buff *skb, struct ip_frag_state *state,
			     int (*send)(struct sk_buff *skb, void *arg), void *arg)
{
	struct sk_buff *part;
	int err;

	while (state->left > 0) {
		part = ip_frag_next(skb, state);
		if (IS_ERR(part))
			return PTR_ERR(part);
		skb_reset_network_header(part);
		ip_send_check(ip_hdr(part));
		part->protocol = htons(ETH_P_IP);
		err = send(part, arg);
		if (err)
			return err;
	}
	return 0;
}

int kims_gtpu_fragment(struct sk_buff *skb, unsigned int mtu,
		       int (*send)(struct sk_buff *skb, void *arg), void *arg)
{
	unsigned int hlen = ip_hdrlen(skb);
	struct ip_frag_state state;
	int err = -EINVAL;

	if (mtu < hlen + 8)
		goto out;
	if (skb->ip_summed == CHECKSUM_PARTIAL) {
		err = skb_checksum_help(skb);
		if (err)
			goto out;
	}
	memset(skb->cb, 0, sizeof(struct inet_skb_parm));
	ip_frag_init(skb, hlen, LL_MAX_HEADER + KIMS_OUTER_MAX, mtu - hlen, false, &state);
	err = kims_fragment_all(skb, &state, send, arg);
out:
	if (err)
		kfree_skb(skb);
	else
		consume_skb(skb);
	return err;
}

/* --- MSS --- */

/* Its value lies at *ret, which is in the linear part. false: no such option. */
static bool kims_mss_find(struct sk_buff *skb, unsigned int tcp, unsigned int *ret)
{
	const struct tcphdr *th = (const struct tcphdr *)(skb->data + tcp);
	unsigned int at = tcp + sizeof(*th), end = tcp + th->doff * 4;
	const u8 *p;

	while (at + 1 < end) {
		p = skb->data + at;
		if (p[0] == TCPOPT_EOL)
			return false;
		if (p[0] == TCPOPT_NOP) {
			at++;
			continue;
		}
		if (p[1] < 2 || at + p[1] > end)
			return false;
		if (p[0] == TCPOPT_MSS && p[1] == TCPOLEN_MSS) {
			*ret = at + 2;
			return true;
		}
		at += p[1];
	}
	return false;
}

static void kims_mss_lower(struct sk_buff *skb, unsigned int tcp, unsigned int max)
{
	struct tcphdr *th;
	unsigned int at;
	__be16 old, new;

	if (!kims_mss_find(skb, tcp, &at))
		return;
	old = get_unaligned((__be16 *)(skb->data + at));
	if (ntohs(old) <= max || skb_ensure_writable(skb, at + sizeof(old)))
		return;
	th = (struct tcphdr *)(skb->data + tcp);
	new = htons(max);
	/* An odd offset swaps the octets in the sum. */
	if ((at - tcp) & 1) {
		inet_proto_csum_replace2(&th->check, skb, htons(swab16(ntohs(old))),
					 htons(swab16(max)), false);
	} else {
		inet_proto_csum_replace2(&th->check, skb, old, new, false);
	}
	put_unaligned(new, (__be16 *)(skb->data + at));
}

/* Offset of the TCP header of a whole packet or first fragment, and IP octets before it; or 0. */
static unsigned int kims_tcp_offset(const struct sk_buff *skb)
{
	const struct iphdr *iph = (const struct iphdr *)skb->data;
	__be16 frag_off;
	u8 nexthdr;
	int off;

	if (skb->protocol == htons(ETH_P_IP))
		return iph->protocol == IPPROTO_TCP && !(iph->frag_off & htons(IP_OFFSET)) ?
			       iph->ihl * 4 : 0;
	nexthdr = ((const struct ipv6hdr *)iph)->nexthdr;
	if (likely(nexthdr == IPPROTO_TCP))
		return sizeof(struct ipv6hdr);
	off = ipv6_skip_exthdr(skb, sizeof(struct ipv6hdr), &nexthdr, &frag_off);
	return off > 0 && nexthdr == IPPROTO_TCP && !(frag_off & htons(IP6_OFFSET)) ? off : 0;
}

void kims_gtpu_clamp_mss(struct sk_buff *skb, unsigned int mtu)
{
	unsigned int tcp = kims_tcp_offset(skb), head;
	const struct tcphdr *th;

	/* RFC 6691: headers without options are what the value leaves out. */
	head = sizeof(*th) + (skb->protocol == htons(ETH_P_IP) ? sizeof(struct iphdr) :
								   sizeof(struct ipv6hdr));
	if (!tcp || mtu <= head || !pskb_may_pull(skb, tcp + sizeof(*th)))
		return;
	th = (const struct tcphdr *)(skb->data + tcp);
	if (!th->syn || th->doff * 4 < sizeof(*th) || !pskb_may_pull(skb, tcp + th->doff * 4))
		return;
	kims_mss_lower(skb, tcp, mtu - head);
}

/* --- what the stack hears of our outer packets --- */

struct kims_quoted {
	struct udphdr udp;
	u8 flags, type;
	__be16 length;
	__be32 teid;
};

/* The destination of the packet that an ICMP error quotes, its IP header at the network header. */
static void kims_quoted_peer(const struct sk_buff *skb, struct kims_addr *ret)
{
	if (ip_hdr(skb)->version == 4)
		kims_addr_set4(ret, ip_hdr(skb)->daddr);
	else
		kims_addr_set6(ret, &ipv6_hdr(skb)->daddr);
}

/*
 * Whether the packet is one of ours: to a tunnel that a FAR sends to, as far as the error quotes
 * it; a router need not quote more than the UDP header. (Newer kernels have updated the route
 * before they ask.)
 */
int kims_gtpu_err_lookup(struct sock *sk, struct sk_buff *skb)
{
	const struct kims_gtpu_ep *ep = rcu_dereference_sk_user_data(sk);
	int at = skb_transport_offset(skb);
	const struct kims_quoted *q;
	struct kims_quoted buf;
	struct kims_addr peer;

	if (!ep)
		return -ENOENT;
	q = skb_header_pointer(skb, at, sizeof(buf), &buf);
	if (!q || q->type != GTPU_G_PDU)
		return 0;
	kims_quoted_peer(skb, &peer);
	return kims_far_known(ep, &peer, q->teid) ? 0 : -ENOENT;
}
