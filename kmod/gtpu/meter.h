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
	return l->ns_per_octet * octets >> (KIMS_RATE_SHIFT - KIMS_TIME_SHIFT);
}

/* Conforms at the time that was read last, and so does now. */
static __always_inline bool kims_limit_easily(const struct kims_qer_limit *l)
{
	return (s64)(l->tat - l->easy) <= 0;
}

static inline void kims_limit_read(struct kims_qer_limit *l, u64 now)
{
	l->easy = now + (l->burst >> 4);
}

/* Nothing comes of the octets but counting; false: perhaps more. */
static __always_inline bool kims_urr_is_plain(const struct kims_urr *u, unsigned int octets)
{
	return likely(octets < u->room);
}

/* After a change of stop or attention, and of octets when nothing was plain. */
static inline void kims_urr_find_room(struct kims_urr *u)
{
	unsigned int v;

	u->room = u->attention ? 0 : U64_MAX;
	for (v = 0; v < KIMS_N_VOLUMES; v++)
		u->room = min(u->room, u->stop[v] - min(u->stop[v], u->octets[v]));
}

/* Packets that are plain; all others need kims_urr_find_room() behind it. */
static __always_inline void kims_urr_add(struct kims_urr *u, u8 direction, unsigned int octets,
					 unsigned int packets)
{
	u->octets[direction] += octets;
	u->octets[KIMS_VOLUME_TOTAL] += octets;
	u->packets[direction] += packets;
	u->packets[KIMS_VOLUME_TOTAL] += packets;
	u->room -= octets;
	u->seen = jiffies;
}

/*
 * kims_meter() for one packet of a PDR with one QER and one URR (kims_pdr.one), when nothing comes
 * of it but counting. dir: of the PDR. False: nothing was done.
 */
static __always_inline bool kims_meter_one(struct kims_session *s, const struct kims_pdr *pdr,
					   enum kims_direction dir, unsigned int octets)
{
	struct kims_qer_limit *l;
	struct kims_urr *u;
	struct kims_qer *q;

	if (!pdr->one || unlikely(!s->awake))
		return false;
	q = pdr->qers[0];
	u = pdr->urrs[0];
	l = pdr->limit;
	if (unlikely(q->gate[dir] != KIMS_GATE_OPEN || !kims_limit_easily(l) ||
		     !kims_urr_is_plain(u, octets)))
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
