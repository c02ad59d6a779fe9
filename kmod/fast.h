/* SPDX-License-Identifier: GPL-2.0 */
/* What the short ways (fast.c, gtpu/fast.c) ask of every packet. */
#ifndef KIMS_FAST_H
#define KIMS_FAST_H

#include <linux/skbuff.h>

/* Nothing attached to the packet, and its first headers octets are ours to write and linear. */
static inline bool kims_fast_plain(const struct sk_buff *skb, unsigned int headers)
{
	return !skb->_skb_refdst && !skb_nfct(skb) && !skb_has_extensions((struct sk_buff *)skb) &&
	       !skb_is_gso(skb) && !skb_cloned(skb) && skb->ip_summed != CHECKSUM_PARTIAL &&
	       skb_headlen(skb) >= headers;
}

#endif /* KIMS_FAST_H */
