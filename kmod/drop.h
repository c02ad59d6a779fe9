/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Packets that are dropped, for those who watch the kernel's drops (skb:kfree_skb, drop_monitor,
 * dropwatch, perf): each is freed with the reason of the kernel that comes nearest, in a function
 * that has the name of ours.
 */
#ifndef KIMS_DROP_H
#define KIMS_DROP_H

#include <linux/netfilter.h>
#include "kims.h"

/*
 * Frees a packet that has been counted. why: enum kims_drop_reason, 0: what it was for is gone
 * meanwhile. NF_STOLEN, for a hook to return.
 */
unsigned int kims_drop(struct sk_buff *skb, int why);

/* A verdict inside of kims.ko: dropped for the reason, counted, and the packet is the caller's. */
#define KIMS_DROPPED(why) (NF_DROP | (why) << NF_VERDICT_QBITS)

/* A verdict for netfilter: what is to be dropped is, here. */
static inline unsigned int kims_verdict(struct sk_buff *skb, unsigned int verdict)
{
	return unlikely((verdict & NF_VERDICT_MASK) == NF_DROP) ?
		       kims_drop(skb, verdict >> NF_VERDICT_QBITS) : verdict;
}

#endif /* KIMS_DROP_H */
