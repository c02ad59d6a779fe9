/* SPDX-License-Identifier: GPL-2.0 */
/* What the short ways (fast.c, gtpu/fast.c) ask of every packet. */
#ifndef KIMS_FAST_H
#define KIMS_FAST_H

#include <net/checksum.h>
#include <net/ip.h>
#include <net/neighbour.h>

/* Nothing attached to the packet, and its first headers octets are ours to write and linear. */
static inline bool kims_fast_plain(const struct sk_buff *skb, unsigned int headers)
{
	return !skb->_skb_refdst && !skb_nfct(skb) && !skb_has_extensions((struct sk_buff *)skb) &&
	       !skb_is_gso(skb) && !skb_cloned(skb) && skb->ip_summed != CHECKSUM_PARTIAL &&
	       skb_headlen(skb) >= headers;
}

/*
 * neigh_hh_output() of a packet that has room for the link layer (kims_path.room), which is for
 * any header that fits into the first part of the cache.
 */
static __always_inline void kims_fast_output(const struct hh_cache *hh, struct sk_buff *skb)
{
	unsigned int seq, len;

	do {
		seq = read_seqbegin(&hh->hh_lock);
		len = READ_ONCE(hh->hh_len);
		memcpy(skb->data - HH_DATA_MOD, hh->hh_data, HH_DATA_MOD);
	} while (read_seqretry(&hh->hh_lock, seq));
	if (unlikely(len > HH_DATA_MOD)) {
		neigh_hh_output(hh, skb);
		return;
	}
	__skb_push(skb, len);
	dev_queue_xmit(skb);
}

/* Of the words of a header that a hop changes: what its hop limit adds to the sum. */
#define KIMS_FAST_HOP_SUM ((__force __wsum)(u32)(__force u16)htons(0xfeff))

/*
 * One hop of a header whose checksum is right (RFC 1624), to the end of a leg: hop limit and IP_DF
 * go. sum: of the new addresses less the old ones, which are the caller's to write, and
 * KIMS_FAST_HOP_SUM.
 */
static __always_inline void kims_fast_hop(struct iphdr *iph, __wsum sum)
{
	u32 words = (u16)~(__force u16)iph->check + (u16)~(__force u16)iph->frag_off;

	iph->check = csum_fold(csum_add(sum, (__force __wsum)words));
	iph->frag_off = 0;
	iph->ttl--;
}

static inline void kims_fast_tos(struct iphdr *iph, u8 tos)
{
	if (iph->tos == tos)
		return;
	csum_replace2(&iph->check, htons(iph->tos), htons(tos));
	iph->tos = tos;
}

#endif /* KIMS_FAST_H */
