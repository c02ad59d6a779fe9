// SPDX-License-Identifier: GPL-2.0
/*
 * Inner super-packets: segmented once, each segment with its own outer headers.
 *
 * The UDP tunnel offloads of devices and of the stack repeat the outer headers as they are. In
 * GTP-U each G-PDU says its length (TS 29.281 5.1), so the inner packet is cut here. What comes
 * of it goes on together where the device takes that (NETIF_F_GSO_FRAGLIST: veth, virtual
 * switches): a list of whole UDP packets under the first one's headers, as rx-gro-list makes
 * it, which queueing disciplines, link layer and the next host's stack handle once. Each packet of
 * the list is complete by itself, so whoever has to can take it apart without knowing GTP-U.
 *
 * Inner checksums that are left to the device stay so (CHECKSUM_PARTIAL); the outer UDP checksum,
 * where there is one, then comes from the inner pseudo header (local checksum offload).
 */
#include <linux/udp.h>
#include <net/gso.h>
#include <net/ip.h>
#include <net/ip6_checksum.h>
#include <net/udp.h>
#include "gtpu/gtpu.h"
#include "path.h"

/* Outer IPv6, UDP and GTP-U headers with one extension header, and room for another. */
#define KIMS_GSO_OUTER_MAX (40 + 8 + 16 + 16)
#define KIMS_GSO_FEATURES (NETIF_F_SG | NETIF_F_HW_CSUM)

/* What is put before each segment. */
struct kims_gso_outer {
	u8 head[KIMS_GSO_OUTER_MAX];
	unsigned int len;
	unsigned int l4; /* offset of the UDP header */
	u16 family;
	u16 id; /* of the next IPv4 packet */
};

static void kims_gso_read(struct kims_gso_outer *o, const struct sk_buff *skb, unsigned int len,
			    u16 family)
{
	o->len = len;
	o->family = family;
	o->l4 = family == AF_INET ? sizeof(struct iphdr) : sizeof(struct ipv6hdr);
	o->id = family == AF_INET ? ntohs(((const struct iphdr *)skb->data)->id) : 0;
	memcpy(o->head, skb->data, len);
}

/* --- one segment --- */

static void kims_gso_lengths(const struct kims_gso_outer *o, struct sk_buff *skb)
{
	struct iphdr *iph = ip_hdr(skb);

	udp_hdr(skb)->len = htons(skb->len - o->l4);
	if (o->family == AF_INET6) {
		ipv6_hdr(skb)->payload_len = htons(skb->len - sizeof(struct ipv6hdr));
		return;
	}
	iph->tot_len = htons(skb->len);
	ip_send_check(iph);
}

static void kims_gso_csum(const struct kims_gso_outer *o, struct sk_buff *skb)
{
	unsigned int len = skb->len - o->l4;

	if (o->family == AF_INET)
		udp_set_csum(false, skb, ip_hdr(skb)->saddr, ip_hdr(skb)->daddr, len);
	else
		udp6_set_csum(false, skb, &ipv6_hdr(skb)->saddr, &ipv6_hdr(skb)->daddr, len);
}

/* The outer headers before an inner packet, with its lengths. -ENOMEM. */
static int kims_gso_push(struct kims_gso_outer *o, struct sk_buff *skb)
{
	struct udphdr *uh;
	__be16 *gtp_len;

	if (skb_cow_head(skb, o->len + LL_RESERVED_SPACE(skb->dev)))
		return -ENOMEM;
	if (skb->ip_summed == CHECKSUM_PARTIAL) {
		skb_reset_inner_headers(skb);
		skb->encapsulation = 1;
	}
	memcpy(__skb_push(skb, o->len), o->head, o->len);
	skb_reset_mac_header(skb);
	skb_reset_network_header(skb);
	skb_set_transport_header(skb, o->l4);
	skb->protocol = o->family == AF_INET ? htons(ETH_P_IP) : htons(ETH_P_IPV6);
	if (o->family == AF_INET)
		ip_hdr(skb)->id = htons(o->id++);
	kims_gso_lengths(o, skb);
	uh = udp_hdr(skb);
	gtp_len = (__be16 *)(uh + 1) + 1;
	*gtp_len = htons(skb->len - o->l4 - sizeof(*uh) - 8);
	if (uh->check)
		kims_gso_csum(o, skb);
	return 0;
}

/* --- the list --- */

/* The packet becomes the head of a list. */
static void kims_gso_begin(const struct kims_gso_outer *o, struct sk_buff *head)
{
	skb_shinfo(head)->gso_type = SKB_GSO_UDP_L4 | SKB_GSO_FRAGLIST;
	skb_shinfo(head)->gso_size = head->len - o->l4 - sizeof(struct udphdr);
	skb_shinfo(head)->gso_segs = 1;
}

/* What a socket is charged for a packet it is charged for the head now. */
static void kims_gso_disown(struct sk_buff *head, struct sk_buff *skb)
{
	if (head->sk && skb->sk == head->sk && skb->destructor == head->destructor) {
		skb->destructor = NULL;
		skb->sk = NULL;
		return;
	}
	skb_orphan(head);
	skb_orphan(skb);
}

/* Puts a packet into the list of head; last: the last one in it. False: it does not fit. */
static bool kims_gso_append(const struct kims_gso_outer *o, struct sk_buff *head, struct sk_buff *last,
			    struct sk_buff *skb)
{
	unsigned int header = o->l4 + sizeof(struct udphdr);

	if (skb_has_frag_list(head) != !!last || skb_has_frag_list(skb) ||
	    skb->len > skb_pagelen(head) || head->len + skb->len - header > IP_MAX_MTU ||
	    skb->ip_summed != head->ip_summed)
		return false;
	if (!last)
		kims_gso_begin(o, head);
	kims_gso_disown(head, skb);
	__skb_pull(skb, header);
	if (last)
		last->next = skb;
	else
		skb_shinfo(head)->frag_list = skb;
	head->len += skb->len;
	head->data_len += skb->len;
	head->truesize += skb->truesize;
	skb_shinfo(head)->gso_segs++;
	return true;
}

static void kims_gso_send(struct kims_net *kn, const struct kims_path *path,
			  const struct kims_gso_outer *o, struct sk_buff *skb)
{
	if (skb_is_gso(skb))
		kims_gso_lengths(o, skb); /* of the whole list */
	if (!kims_path_send(kn, path, skb))
		kims_output_stack(kn, path, skb);
}

/*
 * A device without checksums of its own has the stack take the list apart, and that leaves
 * CHECKSUM_PARTIAL as it is in all of its packets: then they go one by one.
 */
static bool kims_gso_may_list(const struct kims_path *path, const struct sk_buff *skb)
{
	netdev_features_t features = path->dst->dev->features;

	return features & NETIF_F_GSO_FRAGLIST && !dst_xfrm(path->dst) &&
	       (features & NETIF_F_HW_CSUM || skb->ip_summed != CHECKSUM_PARTIAL);
}

static void kims_gso_send_all(struct kims_net *kn, const struct kims_path *path,
			      struct kims_gso_outer *o, struct sk_buff *segs)
{
	bool list = kims_gso_may_list(path, segs);
	struct sk_buff *skb, *next, *head = NULL, *last = NULL;

	skb_list_walk_safe(segs, skb, next) {
		skb_mark_not_on_list(skb);
		skb->dev = path->dst->dev;
		if (kims_gso_push(o, skb)) {
			kims_net_drop(kn, KIMS_DROP_NO_MEMORY);
			kims_drop(skb, KIMS_DROP_NO_MEMORY);
			continue;
		}
		if (head && list && kims_gso_append(o, head, last, skb)) {
			last = skb;
			continue;
		}
		if (head)
			kims_gso_send(kn, path, o, head);
		head = skb;
		last = NULL;
	}
	if (head)
		kims_gso_send(kn, path, o, head);
}

/* Takes the outer headers off. The list of inner packets, NULL: no memory. */
static struct sk_buff *kims_gso_cut(struct sk_buff *skb, unsigned int outer)
{
	struct sk_buff *segs;

	__skb_pull(skb, outer);
	skb_reset_network_header(skb);
	skb->protocol = (*skb->data & 0xf0) == 0x40 ? htons(ETH_P_IP) : htons(ETH_P_IPV6);
	skb->encapsulation = 0;
	segs = __skb_gso_segment(skb, KIMS_GSO_FEATURES, false);
	return IS_ERR(segs) ? NULL : segs;
}

struct sk_buff *kims_gtpu_unmerge(struct sk_buff *skb, u16 l4)
{
	unsigned int gtp = l4 + sizeof(struct udphdr), outer = gtp + (skb->data[gtp] == 0x30 ? 8 : 16);
	struct sk_buff *segs, *seg, *next, **at = &segs;
	struct kims_gso_outer o;

	kims_gso_read(&o, skb, outer, skb->protocol == htons(ETH_P_IP) ? AF_INET : AF_INET6);
	segs = kims_gso_cut(skb, outer);
	if (!segs) {
		kims_drop(skb, KIMS_DROP_NO_MEMORY);
		return NULL;
	}
	consume_skb(skb);
	for (seg = segs; seg; seg = next) {
		next = seg->next;
		if (kims_gso_push(&o, seg)) {
			*at = next;
			kims_drop(seg, KIMS_DROP_NO_MEMORY);
		} else {
			at = &seg->next;
		}
	}
	return segs;
}

void kims_gtpu_send_gso(struct kims_net *kn, const struct kims_path *path, struct sk_buff *skb,
			unsigned int outer)
{
	struct kims_gso_outer o;
	struct sk_buff *segs;

	if (WARN_ON_ONCE(outer > sizeof(o.head)))
		goto drop;
	kims_gso_read(&o, skb, outer, path->family);
	segs = kims_gso_cut(skb, outer);
	if (!segs)
		goto drop;
	consume_skb(skb); /* a list that was taken apart has a reference more */
	kims_gso_send_all(kn, path, &o, segs);
	return;

drop:
	kims_net_drop(kn, KIMS_DROP_NO_MEMORY);
	kims_drop(skb, KIMS_DROP_NO_MEMORY);
}
