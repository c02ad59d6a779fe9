// SPDX-License-Identifier: GPL-2.0
/*
 * Super-packets: inner TCP and UDP that is larger than a packet, encapsulated.
 */
#include <net/gso.h>
#include "gtpu/gtpu.h"
#include "path.h"

void kims_gtpu_send_gso(struct kims_net *kn, const struct kims_path *path, struct sk_buff *skb,
			unsigned int outer)
{
	kfree_skb(skb);
}
