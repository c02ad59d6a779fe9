// SPDX-License-Identifier: GPL-2.0
/*
 * Inner packets and the path MTU of their tunnel.
 */
#include "gtpu/gtpu.h"

int kims_gtpu_too_big(struct kims_session *s, const struct kims_far *far, struct sk_buff *skb,
		      unsigned int mtu, unsigned int overhead)
{
	return KIMS_DROP_TOO_BIG;
}

void kims_gtpu_clamp_mss(struct sk_buff *skb, unsigned int mtu)
{
}
