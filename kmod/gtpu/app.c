// SPDX-License-Identifier: GPL-2.0
/*
 * Application detection: what userspace has said of the inner flows of a session.
 */
#include "gtpu/gtpu.h"

int kims_app_find(struct kims_session *s, const struct kims_inner *in, const struct sk_buff *skb,
		  u32 *ret_app)
{
	*ret_app = 0;
	return 0;
}

void kims_app_free(struct kims_session *s)
{
}

unsigned int kims_app_queue(const struct kims_pdr *pdr)
{
	return NF_QUEUE_NR(pdr->queue) | NF_VERDICT_FLAG_QUEUE_BYPASS;
}
