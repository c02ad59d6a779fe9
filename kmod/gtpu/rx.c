// SPDX-License-Identifier: GPL-2.0
/*
 * GTP-U packets that arrive at an endpoint (TS 29.281 4, 5), and packets that arrive for a UE.
 *
 * A GTP-U packet is whole (flow.c puts fragments together and here super-packets are cut), its
 * UDP checksum is right or not there, and it did not come out of a tunnel: a UE that sends GTP-U
 * to an endpoint of ours is dropped.
 *
 * Every packet to an endpoint is counted for it exactly once: forwarded, signalling, or under one
 * reason of drop.
 */
#include <net/dsfield.h>
#include <net/gso.h>
#include <net/inet_ecn.h>
#include <net/ip.h>
#include <net/ip6_checksum.h>
#include <net/udp.h>
#include "gtpu/message.h"
#include "trace.h"

#define GTPU_VERSION 0x20
#define GTPU_VERSION_MASK 0xf0 /* version and protocol type */
#define GTPU_PROTOCOL_TYPE 0x10
#define GTPU_E 0x04
#define GTPU_OPTIONAL 0x07 /* E, S, PN: the second part of the header is there */

/* TS 29.281 5.2.1; the upper bits of others say whether a receiver must understand them. */
#define GTPU_EXT_NONE 0x00
#define GTPU_EXT_LONG_PDCP_PDU_NUMBER 0x82
#define GTPU_EXT_PDU_SESSION_CONTAINER 0x85
#define GTPU_EXT_PDCP_PDU_NUMBER 0xc0
#define GTPU_EXT_REQUIRED_BY_ENDPOINT 0x80

/* --- counters --- */

void kims_gtpu_ep_count(struct kims_gtpu_ep *ep, int what, unsigned int packets)
{
	struct kims_gtpu_ep_stats *s = this_cpu_ptr(ep->stats);

	u64_stats_update_begin(&s->syncp);
	if (what != KIMS_EP_SENT)
		u64_stats_add(&s->received, packets);
	if (what > 0)
		u64_stats_add(&s->drops[what], packets);
	else if (what == KIMS_EP_FORWARDED)
		u64_stats_add(&s->forwarded, packets);
	else if (what == KIMS_EP_SIGNALLING)
		u64_stats_add(&s->signalling, packets);
	else
		u64_stats_add(&s->sent, packets);
	u64_stats_update_end(&s->syncp);
}

unsigned int kims_gtpu_rx_drop(struct kims_gtpu_ep *ep, struct sk_buff *skb, int why)
{
	unsigned int packets = kims_gso_packets(skb);

	kims_gtpu_ep_count(ep, why, packets);
	while (packets--)
		kims_net_drop(ep->kn, why);
	trace_kims_gtpu_drop(ep->id, why, skb);
	return kims_drop(skb, why);
}

/* --- the outer packet --- */

/* Header at p->l4 is linear. Trims, and checks the UDP checksum. 0 or the reason of drop. */
static int kims_outer_udp(struct sk_buff *skb, struct kims_packet *p)
{
	const struct udphdr *uh = (const struct udphdr *)(skb->data + p->l4);
	u16 len = ntohs(uh->len);
	bool bad;

	p->sport = uh->source;
	p->no_csum = !uh->check && skb->ip_summed != CHECKSUM_PARTIAL;
	if (len < sizeof(*uh) + sizeof(struct kims_gtpu_header) || len > skb->len - p->l4)
		return KIMS_DROP_MALFORMED;
	p->len = len - sizeof(*uh);
	if (pskb_trim_rcsum(skb, p->l4 + len))
		return KIMS_DROP_NO_MEMORY;
	if (likely(p->no_csum || skb_csum_unnecessary(skb)))
		return 0;
	skb_pull(skb, p->l4);
	skb_set_transport_header(skb, 0);
	bad = skb->protocol == htons(ETH_P_IP) ?
		      skb_checksum_validate(skb, IPPROTO_UDP, inet_compute_pseudo) :
		      skb_checksum_validate(skb, IPPROTO_UDP, ip6_compute_pseudo);
	skb_push(skb, p->l4);
	return bad ? KIMS_DROP_MALFORMED : 0;
}

static int kims_outer_read(struct sk_buff *skb, struct kims_packet *p, u16 l4)
{
	p->l4 = l4;
	if (likely(skb->protocol == htons(ETH_P_IP))) {
		p->saddr = ip_hdr(skb)->saddr;
		p->id = ip_hdr(skb)->id;
		p->ttl = ip_hdr(skb)->ttl;
		p->dsfield = ip_hdr(skb)->tos;
	} else {
		p->saddr = 0;
		p->id = 0;
		p->ttl = ipv6_hdr(skb)->hop_limit;
		p->dsfield = ipv6_get_dsfield(ipv6_hdr(skb));
	}
	return kims_outer_udp(skb, p);
}

/* --- the GTP-U header --- */

/* Octet at off, which is less than skb->len. Negative: no memory. */
static int kims_octet(struct sk_buff *skb, unsigned int off)
{
	return pskb_may_pull(skb, off + 1) ? skb->data[off] : -ENOMEM;
}

/*
 * The chain of extension headers from off, of the type next; the packet ends at end. Each has its
 * length in units of four octets first and the type of the one behind it last.
 */
static int kims_gtpu_extensions(struct sk_buff *skb, u8 next, unsigned int *off, unsigned int end,
				s16 *ret_qfi)
{
	unsigned int len;
	int why = 0;

	while (next != GTPU_EXT_NONE) {
		if (*off + 4 > end)
			return KIMS_DROP_MALFORMED;
		if (kims_octet(skb, *off + 3) < 0)
			return KIMS_DROP_NO_MEMORY;
		len = skb->data[*off] * 4;
		if (!len || *off + len > end)
			return KIMS_DROP_MALFORMED;
		if (next == GTPU_EXT_PDU_SESSION_CONTAINER)
			*ret_qfi = skb->data[*off + 2] & 0x3f;
		else if (next & GTPU_EXT_REQUIRED_BY_ENDPOINT && next != GTPU_EXT_PDCP_PDU_NUMBER &&
			 next != GTPU_EXT_LONG_PDCP_PDU_NUMBER)
			why = KIMS_DROP_EXTENSION_HEADER;
		*off += len;
		if (kims_octet(skb, *off - 1) < 0)
			return KIMS_DROP_NO_MEMORY;
		next = skb->data[*off - 1];
	}
	return why;
}

/* A G-PDU whose GTP-U header is at *off: moves that to the inner packet and trims to the length. */
static int kims_gtpu_read(struct sk_buff *skb, unsigned int *off, s16 *ret_qfi)
{
	const struct kims_gtpu_header *h = (const struct kims_gtpu_header *)(skb->data + *off);
	unsigned int end = *off + sizeof(*h) + ntohs(h->length);
	u8 flags = h->flags;

	*ret_qfi = -1;
	*off += sizeof(*h);
	if (end > skb->len || (flags & GTPU_OPTIONAL && *off + 4 > end))
		return KIMS_DROP_MALFORMED;
	if (pskb_trim_rcsum(skb, end))
		return KIMS_DROP_NO_MEMORY;
	if (!(flags & GTPU_OPTIONAL))
		return 0;
	if (!pskb_may_pull(skb, *off + 4))
		return KIMS_DROP_NO_MEMORY;
	*off += 4;
	return flags & GTPU_E ?
		       kims_gtpu_extensions(skb, skb->data[*off - 1], off, end, ret_qfi) : 0;
}

/* --- the inner packet --- */

/*
 * The outer headers go. What the device said of the outer checksum says nothing of the inner one,
 * but for one that is still to be filled in.
 */
static void kims_decap(struct sk_buff *skb, unsigned int outer)
{
	if (skb->ip_summed != CHECKSUM_PARTIAL || skb_checksum_start_offset(skb) < (int)outer)
		skb->ip_summed = CHECKSUM_NONE;
	kims_gtpu_strip(skb, outer);
}

/*
 * The packet as it came, for userspace and another pass through the hook; outer: as above. open:
 * its outer checksum was still to be filled in, which is forgotten: it has none now.
 */
static void kims_recap(struct sk_buff *skb, const struct kims_packet *p, unsigned int outer,
		       __be16 protocol, bool open)
{
	__skb_push(skb, outer);
	skb_reset_network_header(skb);
	skb_set_transport_header(skb, p->l4);
	skb->protocol = protocol;
	if (open && skb->ip_summed == CHECKSUM_NONE &&
	    !skb_ensure_writable(skb, p->l4 + sizeof(struct udphdr)))
		udp_hdr(skb)->check = 0;
}

/* RFC 6040 4.2: what the outer header says of congestion. 0 or the reason of drop. */
static int kims_ecn_decap(struct kims_inner *in, struct sk_buff *skb, u8 outer)
{
	int rc;

	if (likely(!((outer ^ in->ip.dsfield) & INET_ECN_MASK) || !(outer & INET_ECN_MASK)))
		return 0;
	if (skb_ensure_writable(skb, in->ip.l4))
		return KIMS_DROP_NO_MEMORY;
	rc = INET_ECN_decapsulate(skb, outer, in->ip.dsfield);
	in->ip.dsfield = in->family == AF_INET ? ip_hdr(skb)->tos :
						 ipv6_get_dsfield(ipv6_hdr(skb));
	return rc > 1 ? KIMS_DROP_MALFORMED : 0;
}

/* The G-PDU of a tunnel, its GTP-U header at off. 0: gone; the reason; -EINPROGRESS. */
static int kims_gtpu_gpdu(struct kims_gtpu_ep *ep, struct sk_buff *skb,
			  const struct kims_packet *p, unsigned int off, struct kims_inner *in)
{
	__be32 teid = ((const struct kims_gtpu_header *)(skb->data + off))->teid;
	bool open = skb->ip_summed == CHECKSUM_PARTIAL;
	__be16 protocol = skb->protocol;
	struct kims_tunnel *tunnel;
	int why;

	why = kims_gtpu_read(skb, &off, &in->qfi);
	if (why == KIMS_DROP_EXTENSION_HEADER)
		kims_gtpu_unsupported_header(ep, skb, p);
	if (why)
		return why;
	tunnel = kims_tunnel_find(ep->kn, ep, teid);
	if (unlikely(!tunnel)) {
		kims_gtpu_error_indication(ep, skb, p, teid);
		return KIMS_DROP_UNKNOWN_TEID;
	}
	kims_decap(skb, off);
	in->session = tunnel->session;
	why = kims_inner_read(in, skb) ?: kims_ecn_decap(in, skb, p->dsfield);
	why = why ?: kims_gtpu_act(in, tunnel, ep, skb, false);
	if (unlikely(why == -EINPROGRESS))
		kims_recap(skb, p, off, protocol, open);
	return why;
}

static unsigned int kims_gtpu_rx_one(struct kims_gtpu_ep *ep, struct sk_buff *skb, u16 l4)
{
	unsigned int packets = kims_gso_packets(skb);
	const struct kims_gtpu_header *h;
	struct kims_packet p;
	struct kims_inner in;
	unsigned int off;
	int why;

	why = kims_outer_read(skb, &p, l4);
	if (unlikely(why))
		return kims_gtpu_rx_drop(ep, skb, why);
	if (unlikely(kims_is_dev(skb->dev) || kims_access_from(ep->kn, skb)))
		return kims_gtpu_rx_drop(ep, skb, KIMS_DROP_SOURCE);
	off = l4 + sizeof(struct udphdr);
	if (!pskb_may_pull(skb, off + sizeof(*h)))
		return kims_gtpu_rx_drop(ep, skb, KIMS_DROP_NO_MEMORY);
	h = (const struct kims_gtpu_header *)(skb->data + off);
	if ((h->flags & GTPU_VERSION_MASK) != (GTPU_VERSION | GTPU_PROTOCOL_TYPE))
		return kims_gtpu_rx_drop(ep, skb, KIMS_DROP_MALFORMED);
	if (unlikely(h->type != GTPU_G_PDU)) {
		why = kims_gtpu_signal(ep, skb, &p, off);
		if (why)
			return kims_gtpu_rx_drop(ep, skb, why);
		kims_gtpu_ep_count(ep, KIMS_EP_SIGNALLING, 1);
		return NF_STOLEN;
	}
	why = kims_gtpu_gpdu(ep, skb, &p, off, &in);
	if (unlikely(why > 0))
		return kims_gtpu_rx_drop(ep, skb, why);
	if (unlikely(why)) /* counted when it comes back */
		return kims_app_queue(in.pdr);
	kims_gtpu_ep_count(ep, KIMS_EP_FORWARDED, packets);
	return NF_STOLEN;
}

/* Datagrams that the receive offload has merged, of several UEs; or one with a big inner packet. */
static unsigned int kims_gtpu_rx_gso(struct kims_gtpu_ep *ep, struct sk_buff *skb, u16 l4)
{
	enum kims_app_mode mode;
	struct sk_buff *segs, *seg;

	segs = kims_gtpu_split(skb, l4);
	if (unlikely(!segs))
		return kims_gtpu_rx_drop(ep, skb, KIMS_DROP_NO_MEMORY);
	mode = kims_app_peek();
	while (segs) {
		seg = kims_gtpu_merge(&segs, l4);
		if (!pskb_may_pull(seg, l4 + sizeof(struct udphdr)))
			kims_gtpu_rx_drop(ep, seg, KIMS_DROP_NO_MEMORY);
		else if (kims_gtpu_rx_one(ep, seg, l4) != NF_STOLEN)
			kims_app_requeue(ep, seg, l4);
	}
	kims_app_mode(mode);
	return NF_STOLEN;
}

unsigned int kims_gtpu_rx(struct kims_net *kn, struct kims_local *l, struct sk_buff *skb, u16 l4)
{
	struct kims_gtpu_ep *ep = kims_gtpu_ep(l);

	if (likely(!skb_is_gso(skb)))
		return kims_gtpu_rx_one(ep, skb, l4);
	if (skb_shinfo(skb)->gso_type & SKB_GSO_UDP) {
		/* One big datagram that a device was to cut into fragments. */
		skb_gso_reset(skb);
		return kims_gtpu_rx_one(ep, skb, l4);
	}
	return kims_gtpu_rx_gso(ep, skb, l4);
}

/* --- packets for UEs --- */

struct kims_session *__kims_ue_session(const struct kims_net *kn, const struct kims_addr *addr)
{
	const struct kims_ue *ue;

	ue = addr->family == AF_INET ? kims_ue_find4(kn, addr->v4) : kims_ue_find6(kn, &addr->v6);
	return ue ? ue->session : NULL;
}

static struct kims_ue *kims_ue_of(const struct kims_net *kn, const struct sk_buff *skb, u8 *ret_ttl)
{
	if (skb->protocol == htons(ETH_P_IP)) {
		*ret_ttl = ip_hdr(skb)->ttl;
		return kims_ue_find4(kn, ip_hdr(skb)->daddr);
	}
	*ret_ttl = ipv6_hdr(skb)->hop_limit;
	return kims_ue_find6(kn, &ipv6_hdr(skb)->daddr);
}

int kims_hop(struct sk_buff *skb)
{
	if (skb->protocol == htons(ETH_P_IP)) {
		if (skb_ensure_writable(skb, sizeof(struct iphdr)))
			return KIMS_DROP_NO_MEMORY;
		ip_decrease_ttl(ip_hdr(skb));
		return 0;
	}
	if (skb_ensure_writable(skb, sizeof(struct ipv6hdr)))
		return KIMS_DROP_NO_MEMORY;
	ipv6_hdr(skb)->hop_limit--;
	return 0;
}

/* What kims_hop() did is undone: the packet comes again. */
static void kims_unhop(struct sk_buff *skb)
{
	if (skb->protocol == htons(ETH_P_IP)) {
		ip_hdr(skb)->ttl++;
		ip_send_check(ip_hdr(skb));
	} else {
		ipv6_hdr(skb)->hop_limit++;
	}
}

unsigned int kims_gtpu_core_rx(struct kims_net *kn, struct sk_buff *skb)
{
	struct kims_inner in;
	struct kims_ue *ue;
	int why;
	u8 ttl;

	if (likely(!READ_ONCE(kn->has_ues)))
		return NF_ACCEPT;
	why = kims_access_rx(kn, skb);
	if (unlikely(why >= 0))
		return why;
	ue = kims_ue_of(kn, skb, &ttl);
	if (!ue)
		return NF_ACCEPT;
	/* Out of a tunnel by way of the stack: it goes on there. Hop limit: the stack tells. */
	if (kims_is_dev(skb->dev) || skb->pkt_type != PACKET_HOST || ttl <= 1)
		return NF_ACCEPT;
	why = kims_hop(skb);
	if (likely(!why))
		why = kims_gtpu_to_ue(&in, ue->session, skb, false);
	else
		kims_net_drop(kn, why);
	if (unlikely(why < 0)) { /* counted when it comes back */
		kims_unhop(skb);
		return kims_app_queue(in.pdr);
	}
	kims_downlink_count(kn);
	return why ? kims_drop(skb, why) : NF_STOLEN;
}
