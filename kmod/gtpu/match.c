// SPDX-License-Identifier: GPL-2.0
/*
 * Which PDR an inner packet meets (TS 29.244 5.2.1, 8.2.5; SDF filters as TFTs of TS 24.008
 * 10.5.6.12): the first by precedence of which everything fits.
 *
 * An inner packet may be a fragment, and each goes its own way: only the first has ports, so a
 * filter that asks for ports (or an SPI) never matches a later one.
 */
#include <linux/icmp.h>
#include <linux/tcp.h>
#include <linux/unaligned.h>
#include <net/dsfield.h>
#include <net/ip.h>
#include <net/l3mdev.h>
#include "gtpu/gtpu.h"

/* --- where a session is found --- */

struct kims_ue *kims_ue_find6(const struct kims_net *kn, const struct in6_addr *addr)
{
	const struct kims_table *t = &kn->gtpu->ues;
	struct kims_buckets *b;
	struct kims_node *node;
	struct kims_ue *ue;

	kims_table_for_each(t, b, node, kims_ue_hash6(t, addr)) {
		ue = container_of(node, struct kims_ue, node);
		if (ue->addr.family == AF_INET6 && ipv6_prefix_equal(&ue->addr.v6, addr, 64))
			return ue;
	}
	return NULL;
}

/* --- reading the inner packet --- */

static bool kims_has_ports(u8 protocol)
{
	switch (protocol) {
	case IPPROTO_UDP:
	case IPPROTO_TCP:
	case IPPROTO_SCTP:
	case IPPROTO_UDPLITE:
	case IPPROTO_DCCP:
		return true;
	}
	return false;
}

/* The first words of the transport header; the packet is no later fragment. */
static int kims_inner_transport(struct kims_inner *in, struct sk_buff *skb)
{
	const __be16 *ports;

	if (kims_has_ports(in->protocol) && in->ip.len >= 8) {
		if (!pskb_may_pull(skb, in->ip.l4 + 8))
			return KIMS_DROP_NO_MEMORY;
		ports = (const __be16 *)(skb->data + in->ip.l4);
		in->ip.sport = ports[0];
		in->dport = ports[1];
		in->ports = true;
	} else if ((in->protocol == IPPROTO_ESP && in->ip.len >= 4) ||
		   (in->protocol == IPPROTO_AH && in->ip.len >= 8)) {
		if (!pskb_may_pull(skb, in->ip.l4 + 8 - 4 * (in->protocol == IPPROTO_ESP)))
			return KIMS_DROP_NO_MEMORY;
		in->spi = get_unaligned_be32(skb->data + in->ip.l4 +
					     4 * (in->protocol == IPPROTO_AH));
	}
	return 0;
}

/* A super-packet is cut into packets with its headers before each. */
static void kims_inner_gso(struct kims_inner *in, struct sk_buff *skb)
{
	unsigned int header = in->ip.l4 + sizeof(struct udphdr), size = skb_shinfo(skb)->gso_size;

	if (in->protocol == IPPROTO_TCP && pskb_may_pull(skb, in->ip.l4 + sizeof(struct tcphdr)))
		header = in->ip.l4 + tcp_hdrlen(skb);
	if (!size || skb->len <= header)
		return;
	in->packets = DIV_ROUND_UP(skb->len - header, size);
	in->octets += (in->packets - 1) * header;
}

static int kims_inner_trim(struct sk_buff *skb, unsigned int len)
{
	return skb->len != len && !skb_is_gso(skb) && pskb_trim_rcsum(skb, len) ?
		       KIMS_DROP_NO_MEMORY : 0;
}

static int kims_inner_read4(struct kims_inner *in, struct sk_buff *skb)
{
	const struct iphdr *iph;
	unsigned int len, ihl;

	if (!pskb_may_pull(skb, sizeof(*iph)))
		return KIMS_DROP_MALFORMED;
	iph = (const struct iphdr *)skb->data;
	ihl = iph->ihl * 4;
	if (ihl < sizeof(*iph) || !pskb_may_pull(skb, ihl))
		return KIMS_DROP_MALFORMED;
	iph = (const struct iphdr *)skb->data;
	len = skb_is_gso(skb) ? skb->len : ntohs(iph->tot_len);
	if (iph->version != 4 || ip_fast_csum((u8 *)iph, iph->ihl) || len > skb->len || len < ihl)
		return KIMS_DROP_MALFORMED;
	in->family = AF_INET;
	in->protocol = iph->protocol;
	in->fragment = ip_is_fragment(iph);
	in->ip.saddr = iph->saddr;
	in->ip.id = iph->id;
	in->ip.ttl = iph->ttl;
	in->ip.dsfield = iph->tos;
	in->ip.l4 = ihl;
	in->ip.len = min(len - ihl, 0xffffU);
	in->octets = len;
	skb->protocol = htons(ETH_P_IP);
	if (kims_inner_trim(skb, len))
		return KIMS_DROP_NO_MEMORY;
	iph = (const struct iphdr *)skb->data;
	return iph->frag_off & htons(IP_OFFSET) ? 0 : kims_inner_transport(in, skb);
}

/*
 * The transport header behind extension headers. AH is one: its SPI may be asked for. A chain that
 * ends early, or in "no next header" (RFC 8200 4.7), has none, and so no ports; that is for the
 * receiver to judge.
 */
static int kims_inner_extensions(struct kims_inner *in, struct sk_buff *skb)
{
	int flags = IP6_FH_F_AUTH, nexthdr;
	unsigned short frag_off = 0;
	unsigned int off = 0;

	nexthdr = ipv6_find_hdr(skb, &off, -1, &frag_off, &flags);
	in->fragment = flags & IP6_FH_F_FRAG;
	if (nexthdr < 0 || off > skb->len) {
		in->protocol = NEXTHDR_NONE;
		return 0;
	}
	in->protocol = nexthdr;
	if (frag_off)
		return 0;
	in->ip.l4 = off;
	in->ip.len = min_t(unsigned int, skb->len - off, 0xffffU);
	return kims_inner_transport(in, skb);
}

static int kims_inner_read6(struct kims_inner *in, struct sk_buff *skb)
{
	const struct ipv6hdr *ip6h;
	unsigned int len;

	if (!pskb_may_pull(skb, sizeof(*ip6h)))
		return KIMS_DROP_MALFORMED;
	ip6h = (const struct ipv6hdr *)skb->data;
	len = skb_is_gso(skb) ? skb->len : sizeof(*ip6h) + ntohs(ip6h->payload_len);
	if (ip6h->version != 6 || len > skb->len || ipv6_addr_is_multicast(&ip6h->saddr))
		return KIMS_DROP_MALFORMED;
	in->family = AF_INET6;
	in->protocol = ip6h->nexthdr;
	in->ip.ttl = ip6h->hop_limit;
	in->ip.dsfield = ipv6_get_dsfield(ip6h);
	in->ip.l4 = sizeof(*ip6h);
	in->ip.len = min_t(unsigned int, len - sizeof(*ip6h), 0xffffU);
	in->octets = len;
	skb->protocol = htons(ETH_P_IPV6);
	if (kims_inner_trim(skb, len))
		return KIMS_DROP_NO_MEMORY;
	return ipv6_ext_hdr(in->protocol) ? kims_inner_extensions(in, skb) :
					    kims_inner_transport(in, skb);
}

int kims_inner_read(struct kims_inner *in, struct sk_buff *skb)
{
	int why;

	in->ip = (struct kims_packet){};
	in->ports = false;
	in->fragment = false;
	in->spi = 0;
	in->packets = 1;
	if (!pskb_may_pull(skb, 1))
		return KIMS_DROP_MALFORMED;
	skb_reset_network_header(skb);
	why = *skb->data >> 4 == 4 ? kims_inner_read4(in, skb) : kims_inner_read6(in, skb);
	if (why)
		return why;
	skb_reset_network_header(skb);
	skb_set_transport_header(skb, in->ip.l4);
	if (unlikely(skb_is_gso(skb)))
		kims_inner_gso(in, skb);
	return 0;
}

/* --- filters --- */

static bool kims_ports_match(const struct kims_ports *ports, unsigned int n, __be16 port)
{
	unsigned int i;

	for (i = 0; i < n; i++)
		if (ntohs(port) >= ports[i].low && ntohs(port) <= ports[i].high)
			return true;
	return !n;
}

static bool kims_filter_ports(const struct kims_filter *f, const struct kims_inner *in, bool up)
{
	__be16 ue = up ? in->ip.sport : in->dport, remote = up ? in->dport : in->ip.sport;

	if (!f->n_ue_ports && !f->n_remote_ports)
		return true;
	return in->ports && kims_ports_match(f->ports, f->n_ue_ports, ue) &&
	       kims_ports_match(f->ports + f->n_ue_ports, f->n_remote_ports, remote);
}

static bool kims_filter_addrs4(const struct kims_filter *f, const struct iphdr *iph, bool up)
{
	__be32 ue = up ? iph->saddr : iph->daddr, remote = up ? iph->daddr : iph->saddr;

	return !((ue ^ f->ue.s6_addr32[0]) & f->ue_mask.s6_addr32[0]) &&
	       !((remote ^ f->remote.s6_addr32[0]) & f->remote_mask.s6_addr32[0]);
}

static bool kims_filter_addrs6(const struct kims_filter *f, const struct ipv6hdr *ip6h, bool up)
{
	return !ipv6_masked_addr_cmp(up ? &ip6h->saddr : &ip6h->daddr, &f->ue_mask, &f->ue) &&
	       !ipv6_masked_addr_cmp(up ? &ip6h->daddr : &ip6h->saddr, &f->remote_mask,
				     &f->remote);
}

static bool kims_filter_addrs(const struct kims_filter *f, const struct kims_inner *in,
			      const struct sk_buff *skb, bool up)
{
	if (f->family == AF_UNSPEC)
		return true;
	if (f->family != in->family)
		return false;
	return in->family == AF_INET ?
		       kims_filter_addrs4(f, (const struct iphdr *)skb->data, up) :
		       kims_filter_addrs6(f, (const struct ipv6hdr *)skb->data, up);
}

static bool kims_filter_label(const struct kims_filter *f, const struct kims_inner *in,
			      const struct sk_buff *skb)
{
	if (f->flow_label == ~0U)
		return true;
	return in->family == AF_INET6 &&
	       ntohl(ip6_flowlabel((const struct ipv6hdr *)skb->data)) == f->flow_label;
}

static bool kims_filter_match(const struct kims_filter *f, const struct kims_inner *in,
			      const struct sk_buff *skb, u8 direction)
{
	bool up = direction == KIMS_UPLINK;

	return f->directions & BIT(direction) &&
	       (f->protocol < 0 || f->protocol == in->protocol) &&
	       !((in->ip.dsfield ^ f->tos) & f->tos_mask) && (!f->spi || f->spi == in->spi) &&
	       kims_filter_addrs(f, in, skb, up) && kims_filter_ports(f, in, up) &&
	       kims_filter_label(f, in, skb);
}

static bool kims_filters_match(const struct kims_pdr *pdr, const struct kims_inner *in,
			       const struct sk_buff *skb)
{
	unsigned int i;

	for (i = 0; i < pdr->n_filters; i++)
		if (kims_filter_match(pdr->filters[i], in, skb, pdr->direction))
			return true;
	return false;
}

/* --- rules --- */

/* By the device, or by one that the VRF device is master of. */
static bool kims_pdr_device(const struct kims_pdr *pdr, const struct sk_buff *skb)
{
	return skb->dev && (skb->dev->ifindex == pdr->ifindex ||
			    l3mdev_master_ifindex_rcu(skb->dev) == pdr->ifindex);
}

static bool kims_pdr_match(const struct kims_pdr *pdr, const struct kims_inner *in,
			   const struct sk_buff *skb)
{
	if (unlikely(pdr->qfi >= 0) && pdr->qfi != in->qfi)
		return false;
	if (unlikely(pdr->ifindex) && !kims_pdr_device(pdr, skb))
		return false;
	return !pdr->n_filters || kims_filters_match(pdr, in, skb);
}

int kims_gtpu_match(struct kims_inner *in, const struct kims_tunnel *tunnel,
		    const struct sk_buff *skb)
{
	const struct kims_rules *rules = rcu_dereference(in->session->rules);
	bool asked = false;
	unsigned int i;
	u32 app = 0;
	int why;

	in->rules = rules;
	in->pdr = NULL;
	if (unlikely(!rules))
		return KIMS_DROP_NO_PDR;
	for (i = 0; i < rules->n_pdrs; i++) {
		const struct kims_pdr *pdr = &rules->pdrs[i];

		if (pdr->tunnel != tunnel &&
		    likely(!in->flush || pdr->direction != KIMS_DOWNLINK))
			continue;
		if (!kims_pdr_match(pdr, in, skb))
			continue;
		in->pdr = pdr;
		if (likely(!pdr->app_id))
			return 0;
		why = asked ? 0 : kims_app_find(in->session, in, skb, &app);
		if (why)
			return why;
		asked = true;
		if (app == pdr->app_id)
			return 0;
	}
	in->pdr = NULL;
	return KIMS_DROP_NO_PDR;
}
