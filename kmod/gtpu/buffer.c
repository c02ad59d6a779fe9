// SPDX-License-Identifier: GPL-2.0
/*
 * Buffering of downlink packets (TS 29.244 5.2.3).
 */
#include "gtpu/gtpu.h"

int kims_buffer_put(struct kims_session *s, const struct kims_pdr *pdr, struct sk_buff *skb)
{
	return KIMS_DROP_BUFFER_FULL;
}

void kims_buffer_flush(struct kims_session *s)
{
}

void kims_buffer_drop(struct kims_session *s, int why)
{
}
