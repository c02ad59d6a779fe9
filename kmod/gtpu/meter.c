// SPDX-License-Identifier: GPL-2.0
/*
 * QoS enforcement and usage measurement of a packet (TS 29.244 5.2.2, 5.4).
 */
#include "gtpu/gtpu.h"

int kims_meter(struct kims_session *s, const struct kims_pdr *pdr, unsigned int octets,
	       unsigned int packets, int why)
{
	return why;
}

void kims_qer_limit_set(struct kims_qer_limit *l, u64 rate, u32 burst_ms)
{
	*l = (struct kims_qer_limit){ .rate = rate };
}
