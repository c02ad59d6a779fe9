/* SPDX-License-Identifier: GPL-2.0 */
/* Metering of the most common packet, inline; see meter.c. */
#ifndef KIMS_GTPU_METER_H
#define KIMS_GTPU_METER_H

#include "gtpu/gtpu.h"

/* The fraction bits of kims_qer_limit.ns_per_octet, and of its times. */
#define KIMS_RATE_SHIFT 16
#define KIMS_TIME_SHIFT 8

static inline u64 kims_limit_time(const struct kims_qer_limit *l, unsigned int octets)
{
	return mul_u64_u32_shr(l->ns_per_octet, octets, KIMS_RATE_SHIFT - KIMS_TIME_SHIFT);
}

/* Conforms at the time that was read last, and so does now. */
static __always_inline bool kims_limit_easily(const struct kims_qer_limit *l)
{
	return (s64)(l->tat - l->read) <= (s64)(l->burst >> 4);
}

static __always_inline bool kims_urr_is_plain(const struct kims_urr *u, u8 direction,
					      unsigned int octets)
{
	return likely(!u->attention && u->octets[direction] + octets < u->stop[direction] &&
		      u->octets[KIMS_VOLUME_TOTAL] + octets < u->stop[KIMS_VOLUME_TOTAL]);
}

static __always_inline void kims_urr_add(struct kims_urr *u, u8 direction, unsigned int octets,
					 unsigned int packets)
{
	u->octets[direction] += octets;
	u->octets[KIMS_VOLUME_TOTAL] += octets;
	u->packets[direction] += packets;
	u->packets[KIMS_VOLUME_TOTAL] += packets;
	u->seen = jiffies;
}

/*
 * kims_meter() for one packet of a PDR with one QER and one URR (kims_pdr.one), when nothing comes
 * of it but counting. False: nothing was done.
 */
static __always_inline bool kims_meter_one(struct kims_session *s, const struct kims_pdr *pdr,
					   unsigned int octets)
{
	struct kims_qer_limit *l;
	struct kims_urr *u;
	struct kims_qer *q;
	u8 dir;

	if (!pdr->one || unlikely(!s->awake))
		return false;
	dir = pdr->direction;
	q = pdr->qers[0];
	u = pdr->urrs[0];
	l = &q->mbr[dir];
	if (unlikely(q->gate[dir] != KIMS_GATE_OPEN || !kims_limit_easily(l) ||
		     !kims_urr_is_plain(u, dir, octets)))
		return false;
	s->last = jiffies;
	q->octets[dir] += octets;
	l->tat += kims_limit_time(l, octets);
	kims_urr_add(u, dir, octets, 1);
	pdr->count->packets++;
	pdr->count->octets += octets;
	return true;
}

#endif /* KIMS_GTPU_METER_H */
