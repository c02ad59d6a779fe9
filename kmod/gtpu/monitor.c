// SPDX-License-Identifier: GPL-2.0
/*
 * The device kind "kimsmon": sees the inner packets of monitored sessions, in both directions.
 */
#include <linux/module.h>
#include <net/rtnetlink.h>
#include "gtpu/gtpu.h"

void kims_monitor_packet(struct kims_session *s, const struct sk_buff *skb, u8 direction)
{
}

int kims_monitor_link_init(void)
{
	return 0;
}

void kims_monitor_link_exit(void)
{
}
