// SPDX-License-Identifier: GPL-2.0
/*
 * G-PDUs that came in one super-packet (rx-gro-list, rx-udp-gro-forwarding, or gso.c at the other
 * end) and carry one TCP flow are put together before anything else looks at them, so that the
 * tunnel, the rules and the meters see one inner super-packet instead of dozens of packets.
 *
 * What may be merged is what GRO merges (net/ipv4/tcp_offload.c): neighbours of one flow whose
 * headers differ in length, identification, sequence number and checksum only, in order and
 * without a gap, with nothing but ACK and PSH, checksums verified or left to us. In addition
 * all outer headers say the same but for lengths. Anything else stays as it is. The result has the
 * outer headers of the first packet, with lengths of the whole, and no outer UDP checksum.
 */
#include <linux/tcp.h>
#include <linux/udp.h>
#include <net/gso.h>
#include <net/ip.h>
#include <net/ip6_checksum.h>
#include <net/tcp.h>
#include "gtpu/gtpu.h"
#include "gtpu/message.h"

#define KIMS_TCP_MERGE_FLAGS (TCP_FLAG_CWR | TCP_FLAG_URG | TCP_FLAG_RST | TCP_FLAG_SYN | \
			      TCP_FLAG_FIN)

/* Where the headers of one packet are, from skb->data; of all in a run alike. */
struct kims_run {
	unsigned int l4;      /* outer UDP */
	unsigned int inner;   /* IP */
	unsigned int tcp;
	unsigned int payload;
	unsigned int size;    /* octets of payload */
};

static const struct kims_gtpu_header *kims_run_gtp(const struct sk_buff *skb,
						   const struct kims_run *r)
{
	return (const struct kims_gtpu_header *)(skb->data + r->l4 + sizeof(struct udphdr));
}

static struct tcphdr *kims_run_tcp(const struct sk_buff *skb, const struct kims_run *r)
{
	return (struct tcphdr *)(skb->data + r->tcp);
}

/* --- is it one that may be merged with others --- */

/* G-PDU without optional fields, or with nothing but a PDU Session Container of 4 octets. */
static unsigned int kims_gtp_len(const u8 *gtp)
{
	if (gtp[1] != GTPU_G_PDU)
		return 0;
	if (gtp[0] == 0x30)
		return 8;
	return gtp[0] == 0x34 && gtp[11] == 0x85 && gtp[12] == 1 && !gtp[15] ? 16 : 0;
}

/* The inner IP header: sets r->tcp; the length of the inner packet, 0: not for us. */
static unsigned int kims_run_inner(const struct sk_buff *skb, struct kims_run *r)
{
	const struct iphdr *iph = (const struct iphdr *)(skb->data + r->inner);
	const struct ipv6hdr *ip6h = (const struct ipv6hdr *)iph;

	if (iph->version == 4) {
		r->tcp = r->inner + sizeof(*iph);
		return iph->ihl == 5 && iph->protocol == IPPROTO_TCP &&
		       !(iph->frag_off & htons(IP_MF | IP_OFFSET)) &&
		       !ip_fast_csum(iph, 5) ? ntohs(iph->tot_len) : 0;
	}
	r->tcp = r->inner + sizeof(*ip6h);
	return ip6h->version == 6 && ip6h->nexthdr == IPPROTO_TCP ?
		       ntohs(ip6h->payload_len) + sizeof(*ip6h) : 0;
}

static bool kims_run_csum_ok(const struct sk_buff *skb, const struct kims_run *r)
{
	const struct iphdr *iph = (const struct iphdr *)(skb->data + r->inner);
	const struct ipv6hdr *ip6h = (const struct ipv6hdr *)iph;
	const struct udphdr *uh = (const struct udphdr *)(skb->data + r->l4);
	unsigned int len = skb->len - r->tcp;
	__wsum sum;

	if (skb->ip_summed == CHECKSUM_PARTIAL)
		return skb_checksum_start_offset(skb) == (int)r->tcp;
	if (uh->check) /* not looked at yet */
		return false;
	sum = skb_checksum(skb, r->tcp, len, 0);
	return !(iph->version == 4 ?
			 csum_tcpudp_magic(iph->saddr, iph->daddr, len, IPPROTO_TCP, sum) :
			 csum_ipv6_magic(&ip6h->saddr, &ip6h->daddr, len, IPPROTO_TCP, sum));
}

/* Reads a packet whose UDP header is at l4 and says whether it may be one of a run. */
static bool kims_run_read(struct sk_buff *skb, u16 l4, struct kims_run *r)
{
	unsigned int gtp = l4 + sizeof(struct udphdr), len;
	const struct udphdr *uh;

	/* The shortest that there is has all of its headers in the linear part. */
	if (l4 != (skb->protocol == htons(ETH_P_IP) ? sizeof(struct iphdr) : sizeof(struct ipv6hdr)) ||
	    skb_is_gso(skb) || skb_cloned(skb) || skb_has_frag_list(skb) || skb_zcopy(skb) ||
	    !pskb_may_pull(skb, gtp + 16 + sizeof(struct ipv6hdr)))
		return false;
	r->l4 = l4;
	uh = (const struct udphdr *)(skb->data + l4);
	len = kims_gtp_len(skb->data + gtp);
	r->inner = gtp + len;
	if (!len || ntohs(uh->len) != skb->len - l4 ||
	    ntohs(kims_run_gtp(skb, r)->length) + 8 != skb->len - gtp)
		return false;
	if (!pskb_may_pull(skb, r->inner + sizeof(struct ipv6hdr)) ||
	    kims_run_inner(skb, r) != skb->len - r->inner)
		return false;
	if (!pskb_may_pull(skb, r->tcp + sizeof(struct tcphdr)))
		return false;
	r->payload = r->tcp + __tcp_hdrlen(kims_run_tcp(skb, r));
	if (r->payload < r->tcp + sizeof(struct tcphdr) || skb->len <= r->payload ||
	    !pskb_may_pull(skb, r->payload))
		return false;
	r->size = skb->len - r->payload;
	return !(tcp_flag_word(kims_run_tcp(skb, r)) & KIMS_TCP_MERGE_FLAGS) &&
	       kims_run_csum_ok(skb, r);
}

/* --- is it the next one --- */

static bool kims_same(const struct sk_buff *a, const struct sk_buff *b, unsigned int from,
		      unsigned int to)
{
	return !memcmp(a->data + from, b->data + from, to - from);
}

static bool kims_same_ip4(const struct sk_buff *a, const struct sk_buff *b, unsigned int at,
			  unsigned int n)
{
	const struct iphdr *x = (const struct iphdr *)(a->data + at);
	const struct iphdr *y = (const struct iphdr *)(b->data + at);

	if (x->tos != y->tos || x->ttl != y->ttl || x->frag_off != y->frag_off ||
	    x->saddr != y->saddr || x->daddr != y->daddr)
		return false;
	/* Cut again, they are numbered one by one; what must not be fragmented needs no number. */
	return x->frag_off & htons(IP_DF) || (u16)(ntohs(x->id) + n) == ntohs(y->id);
}

/* n: how many packets are in a. Inner and outer version are alike, or the lengths would not be. */
static bool kims_same_headers(const struct sk_buff *a, const struct sk_buff *b,
			      const struct kims_run *r, unsigned int n)
{
	unsigned int gtp = r->l4 + sizeof(struct udphdr);

	if (a->protocol != b->protocol || a->ip_summed != b->ip_summed)
		return false;
	if (a->protocol == htons(ETH_P_IP) ?
		    !kims_same(a, b, 0, 2) || !kims_same(a, b, 12, 20) :
		    !kims_same(a, b, 0, 4) || !kims_same(a, b, 6, 40))
		return false;
	if (!kims_same(a, b, r->l4 + 2, r->l4 + 4) || !kims_same(a, b, gtp, gtp + 2) ||
	    !kims_same(a, b, gtp + 4, r->inner))
		return false;
	if (r->tcp - r->inner == sizeof(struct iphdr))
		return kims_same_ip4(a, b, r->inner, n);
	return kims_same(a, b, r->inner, r->inner + 4) &&
	       kims_same(a, b, r->inner + 6, r->tcp);
}

/* head has n packets with size octets of payload, each but the last mss octets. */
static bool kims_run_continues(const struct sk_buff *head, const struct kims_run *h,
			       const struct sk_buff *skb, const struct kims_run *r,
			       unsigned int n, unsigned int size)
{
	const struct tcphdr *a = kims_run_tcp(head, h), *b = kims_run_tcp(skb, r);

	if (h->l4 != r->l4 || h->inner != r->inner || h->tcp != r->tcp ||
	    h->payload != r->payload || r->size > h->size ||
	    h->payload + size + r->size > IP_MAX_MTU)
		return false;
	if (ntohl(a->seq) + size != ntohl(b->seq) || a->ack_seq != b->ack_seq || a->psh ||
	    (tcp_flag_word(a) ^ tcp_flag_word(b)) & ~TCP_FLAG_PSH)
		return false;
	return kims_same(head, skb, r->tcp, r->tcp + 4) &&
	       kims_same(head, skb, r->tcp + sizeof(*a), r->payload) &&
	       kims_same_headers(head, skb, r, n);
}

/* --- put together --- */

/* Payload that is all in pages goes behind the head's own. */
static bool kims_run_take_pages(struct sk_buff *head, struct sk_buff *skb)
{
	struct skb_shared_info *to = skb_shinfo(head), *from = skb_shinfo(skb);
	unsigned int i, n = to->nr_frags;

	if (skb_headlen(skb) || skb_has_frag_list(head) || head->pp_recycle || skb->pp_recycle ||
	    n + from->nr_frags > MAX_SKB_FRAGS)
		return false;
	for (i = 0; i < from->nr_frags; i++) {
		skb_frag_t *f = &from->frags[i];

		if (skb_can_coalesce(head, n, skb_frag_page(f), skb_frag_off(f))) {
			skb_frag_size_add(&to->frags[n - 1], skb_frag_size(f));
			continue;
		}
		get_page(skb_frag_page(f));
		to->frags[n++] = *f;
		to->nr_frags = n;
	}
	to->flags |= from->flags & SKBFL_SHARED_FRAG;
	head->truesize += skb->truesize - SKB_TRUESIZE(skb_end_offset(skb));
	return true;
}

static void kims_run_append(struct sk_buff *head, struct sk_buff **last, struct sk_buff *skb,
			    const struct kims_run *r)
{
	unsigned int len = r->size;

	kims_run_tcp(head, r)->psh |= kims_run_tcp(skb, r)->psh;
	__skb_pull(skb, r->payload);
	head->len += len;
	head->data_len += len;
	if (kims_run_take_pages(head, skb)) {
		napi_consume_skb(skb, in_serving_softirq());
		return;
	}
	skb_orphan(skb);
	head->truesize += skb->truesize;
	if (*last)
		(*last)->next = skb;
	else
		skb_shinfo(head)->frag_list = skb;
	*last = skb;
}

static void kims_run_lengths(struct sk_buff *skb, unsigned int at, unsigned int len)
{
	struct iphdr *iph = (struct iphdr *)(skb->data + at);

	if (iph->version == 6) {
		((struct ipv6hdr *)iph)->payload_len = htons(len - sizeof(struct ipv6hdr));
		return;
	}
	iph->tot_len = htons(len);
	ip_send_check(iph);
}

/* The headers speak of n packets. */
static void kims_run_finish(struct sk_buff *skb, const struct kims_run *r, unsigned int n)
{
	const struct iphdr *iph = (const struct iphdr *)(skb->data + r->inner);
	const struct ipv6hdr *ip6h = (const struct ipv6hdr *)iph;
	struct udphdr *uh = (struct udphdr *)(skb->data + r->l4);
	struct tcphdr *th = kims_run_tcp(skb, r);
	unsigned int len = skb->len - r->tcp;

	kims_run_lengths(skb, 0, skb->len);
	uh->len = htons(skb->len - r->l4);
	uh->check = 0;
	((struct kims_gtpu_header *)(uh + 1))->length = htons(skb->len - r->l4 - sizeof(*uh) - 8);
	kims_run_lengths(skb, r->inner, skb->len - r->inner);
	skb_shinfo(skb)->gso_size = r->size;
	skb_shinfo(skb)->gso_segs = n;
	if (iph->version == 4) {
		skb_shinfo(skb)->gso_type = SKB_GSO_TCPV4;
		th->check = ~tcp_v4_check(len, iph->saddr, iph->daddr, 0);
	} else {
		skb_shinfo(skb)->gso_type = SKB_GSO_TCPV6;
		th->check = ~tcp_v6_check(len, &ip6h->saddr, &ip6h->daddr, 0);
	}
	skb->ip_summed = CHECKSUM_PARTIAL;
	skb->csum_start = (unsigned char *)th - skb->head;
	skb->csum_offset = offsetof(struct tcphdr, check);
}

/* --- apart --- */

/* The list is one that can be taken apart as it is: nobody else has a part of it. */
static bool kims_list_is_plain(const struct sk_buff *skb, u16 l4)
{
	unsigned int header = l4 + sizeof(struct udphdr);
	const struct sk_buff *one;

	if (!(skb_shinfo(skb)->gso_type & SKB_GSO_FRAGLIST) || skb_cloned(skb) ||
	    skb_headlen(skb) < header ||
	    skb_pagelen(skb) - header != skb_shinfo(skb)->gso_size)
		return false;
	for (one = skb_shinfo(skb)->frag_list; one; one = one->next)
		if (skb_shared(one) || skb_network_offset(one) != -(int)header ||
		    memcmp(skb_network_header(one), skb->data, 1))
			return false;
	return true;
}

static void kims_list_take(struct sk_buff *head, struct sk_buff *skb, u16 l4)
{
	head->len -= skb->len;
	head->data_len -= skb->len;
	head->truesize -= skb->truesize;
	__skb_push(skb, l4 + sizeof(struct udphdr));
	skb_reset_mac_header(skb);
	skb_set_transport_header(skb, l4);
	skb_scrub_packet(skb, true);
	skb->dev = head->dev;
	skb->skb_iif = head->skb_iif;
	skb->protocol = head->protocol;
}

/* Each packet of the list has headers of its own, right but for those of the first. */
static struct sk_buff *kims_list_apart(struct sk_buff *skb, u16 l4)
{
	struct sk_buff *one;

	for (one = skb_shinfo(skb)->frag_list; one; one = one->next)
		kims_list_take(skb, one, l4);
	skb->next = skb_shinfo(skb)->frag_list;
	skb_shinfo(skb)->frag_list = NULL;
	skb_gso_reset(skb);
	kims_run_lengths(skb, 0, skb->len);
	((struct udphdr *)(skb->data + l4))->len = htons(skb->len - l4);
	return skb;
}

struct sk_buff *kims_gtpu_split(struct sk_buff *skb, u16 l4)
{
	struct sk_buff *segs;

	if (kims_list_is_plain(skb, l4))
		return kims_list_apart(skb, l4);
	segs = __skb_gso_segment(skb, NETIF_F_SG | NETIF_F_HW_CSUM, false);
	if (IS_ERR_OR_NULL(segs))
		return NULL;
	consume_skb(skb);
	return segs;
}

struct sk_buff *kims_gtpu_merge(struct sk_buff **list, u16 l4)
{
	struct sk_buff *head = *list, *last = NULL, *skb;
	struct kims_run h, r;
	unsigned int n = 1, size;

	*list = head->next;
	skb_mark_not_on_list(head);
	if (!*list || !kims_run_read(head, l4, &h))
		return head;
	for (size = h.size; (skb = *list); size += r.size, n++) {
		if (!kims_run_read(skb, l4, &r) || !kims_run_continues(head, &h, skb, &r, n, size))
			break;
		*list = skb->next;
		skb_mark_not_on_list(skb);
		kims_run_append(head, &last, skb, &r);
		if (r.size < h.size) {
			n++;
			break;
		}
	}
	if (n > 1)
		kims_run_finish(head, &h, n);
	return head;
}
