// SPDX-License-Identifier: GPL-2.0
/*
 * GTP-U packets that arrive at an endpoint, and packets that arrive for a UE.
 */
#include "gtpu/gtpu.h"

unsigned int kims_gtpu_rx(struct kims_net *kn, struct kims_local *l, struct sk_buff *skb, u16 l4)
{
	return NF_ACCEPT;
}

unsigned int kims_gtpu_core_rx(struct kims_net *kn, struct sk_buff *skb)
{
	return NF_ACCEPT;
}
