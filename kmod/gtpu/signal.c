// SPDX-License-Identifier: GPL-2.0
/*
 * GTP-U messages that are no G-PDU (TS 29.281 7).
 */
#include "gtpu/gtpu.h"

int kims_gtpu_signal(struct kims_gtpu_ep *ep, struct sk_buff *skb, const struct kims_packet *p,
		     unsigned int gtp)
{
	return KIMS_DROP_MALFORMED;
}

void kims_gtpu_error_indication(struct kims_gtpu_ep *ep, const struct sk_buff *skb,
				const struct kims_packet *p, __be32 teid)
{
}

void kims_gtpu_unsupported_header(struct kims_gtpu_ep *ep, const struct sk_buff *skb,
				  const struct kims_packet *p)
{
}

int kims_gtpu_end_marker(struct kims_gtpu_ep *ep, const struct kims_end *peer, __be32 teid,
			 s16 dscp)
{
	return -EOPNOTSUPP;
}

int kims_gtpu_echo(struct kims_gtpu_ep *ep, const struct kims_end *peer)
{
	return -EOPNOTSUPP;
}
