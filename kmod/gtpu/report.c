// SPDX-License-Identifier: GPL-2.0
/*
 * Reports and deadlines of a session (TS 29.244 5.2.2.3, 5.2.3).
 */
#include "gtpu/gtpu.h"

void kims_urr_report(struct kims_session *s, struct kims_urr *u, u32 trigger)
{
}

void kims_urr_settle(struct kims_urr *u, u64 now_ns)
{
}

void kims_session_arm(struct kims_session *s)
{
}

void kims_session_timer(struct timer_list *timer)
{
}

void kims_urr_start(struct kims_urr *u, bool fresh_quota)
{
}
