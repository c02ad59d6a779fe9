// SPDX-License-Identifier: GPL-2.0
/*
 * QoS enforcement and usage measurement of a packet: gates and maximum bit rates of its QERs,
 * volumes and quotas of its URRs (TS 29.244 5.2.2, 5.4, 8.2.7, 8.2.8).
 *
 * Invariants:
 *  - all limits are asked before any is charged: what one QER drops costs no other QER or URR
 *    anything, but for URRs that measure before QoS enforcement;
 *  - never more octets pass than a volume quota has: the first packet that does not fit is
 *    dropped and ends it, as reaching it exactly does; of a super-packet, so many of its packets
 *    pass as fit;
 *  - a packet reads a clock only for an MBR. Whether a URR needs more than counting says one
 *    comparison with the octets up to the next of interest (kims_urr.room).
 *
 * The maximum bit rate is kept by the generic cell rate algorithm (ITU-T I.371 Annex A): a packet
 * conforms when its theoretical arrival time is no more than the burst ahead, and puts it off by
 * its octets. Times are in 2^-8 ns and wrap around; a session is not silent for a year. Most packets
 * need no clock (meter.h): a sixteenth of the burst may go by the time that was read last, so
 * that a burst after a pause can be longer by that much; the rate over time is exact.
 */
#include "gtpu/meter.h"

#define KIMS_BURST_MS 100
/* Least burst in octets, whatever the rate: two packets may come back to back. */
#define KIMS_BURST_OCTETS 3000

/* For times of a super-packet in 64 bits. Rates of less than 30 bit/s count as that. */
#define KIMS_NS_PER_OCTET_MAX ((1ULL << 44) - 1)

/* --- rates --- */

void kims_qer_limit_set(struct kims_qer_limit *l, u64 rate, u32 burst_ms)
{
	u64 burst_ns = (u64)(burst_ms ?: KIMS_BURST_MS) * NSEC_PER_MSEC;

	*l = (struct kims_qer_limit){ .rate = rate };
	if (!rate)
		return;
	l->ns_per_octet = div64_u64((8ULL * NSEC_PER_SEC << KIMS_RATE_SHIFT) + rate / 2, rate);
	l->ns_per_octet = min(l->ns_per_octet, KIMS_NS_PER_OCTET_MAX);
	l->burst = max(burst_ns << KIMS_TIME_SHIFT, kims_limit_time(l, KIMS_BURST_OCTETS));
	l->easy = -1ULL; /* nothing conforms easily before the first reading */
}

static u64 kims_limit_now(void)
{
	return ktime_get_ns() << KIMS_TIME_SHIFT;
}

static bool kims_limit_conforms(const struct kims_qer_limit *l, u64 now)
{
	return !l->tat || (s64)(l->tat - now) <= (s64)l->burst;
}

static void kims_limit_charge(struct kims_qer_limit *l, u64 now, unsigned int octets)
{
	u64 from = l->tat && (s64)(l->tat - now) > 0 ? l->tat : now;

	kims_limit_read(l, now);
	l->tat = (from + kims_limit_time(l, octets)) ?: 1;
}

/* --- QERs --- */

/* Returns 0 or the reason of drop; *now becomes the time when a rate had to be looked at. */
static __always_inline int kims_qers_check(const struct kims_pdr *pdr, u64 *now)
{
	const struct kims_qer *q;
	unsigned int i;

	for (i = 0; i < pdr->n_qers; i++) {
		q = pdr->qers[i];
		if (unlikely(q->gate[pdr->direction] != KIMS_GATE_OPEN))
			return KIMS_DROP_GATE;
		if (!q->mbr[pdr->direction].rate)
			continue;
		if (!*now)
			*now = kims_limit_now();
		if (unlikely(!kims_limit_conforms(&q->mbr[pdr->direction], *now)))
			return KIMS_DROP_RATE;
	}
	return 0;
}

static __always_inline void kims_qers_charge(const struct kims_pdr *pdr, u64 now,
					     unsigned int octets)
{
	struct kims_qer *q;
	unsigned int i;

	for (i = 0; i < pdr->n_qers; i++) {
		q = pdr->qers[i];
		q->octets[pdr->direction] += octets;
		if (q->mbr[pdr->direction].rate)
			kims_limit_charge(&q->mbr[pdr->direction], now, octets);
	}
}

static void kims_qers_dropped(const struct kims_pdr *pdr, unsigned int packets)
{
	unsigned int i;

	for (i = 0; i < pdr->n_qers; i++)
		pdr->qers[i]->dropped[pdr->direction] += packets;
}

/* --- URRs --- */

static bool kims_quota_fits(const struct kims_urr *u, enum kims_volume v, unsigned int octets)
{
	return !u->quota[v] || u->octets[v] - u->quota_base[v] + octets <= u->quota[v];
}

static bool kims_urr_fits(const struct kims_urr *u, u8 direction, unsigned int octets)
{
	if (u->exhausted)
		return false;
	return !(u->method & KIMS_URR_METHOD_VOLUM) ||
	       (kims_quota_fits(u, (enum kims_volume)direction, octets) &&
		kims_quota_fits(u, KIMS_VOLUME_TOTAL, octets));
}

/* Exactly used up. */
static bool kims_urr_used_up(const struct kims_urr *u)
{
	unsigned int v;

	if (!(u->method & KIMS_URR_METHOD_VOLUM))
		return false;
	for (v = 0; v < KIMS_N_VOLUMES; v++)
		if (u->quota[v] && u->octets[v] - u->quota_base[v] >= u->quota[v])
			return true;
	return false;
}

static bool kims_urr_threshold(const struct kims_urr *u)
{
	unsigned int v;

	if (!(u->method & KIMS_URR_METHOD_VOLUM))
		return false;
	for (v = 0; v < KIMS_N_VOLUMES; v++)
		if (u->threshold[v] && u->octets[v] - u->base[v] >= u->threshold[v])
			return true;
	return false;
}

/* A packet does not fit into the quota, and is dropped or was before. */
static void kims_urr_refuse(struct kims_session *s, struct kims_urr *u, bool drops)
{
	u32 trigger = 0;

	if (!u->exhausted) {
		kims_urr_exhaust(u);
		trigger |= KIMS_URR_TRIGGER_VOLQU;
	}
	if (drops && !u->refused) {
		u->refused = true;
		trigger |= KIMS_URR_TRIGGER_DROTH;
	}
	trigger &= u->triggers;
	if (trigger)
		kims_urr_report(s, u, trigger);
}

/* Counts a packet that fits, and all that may come of it. */
static void kims_urr_count(struct kims_session *s, struct kims_urr *u, u8 direction,
			   unsigned int octets, unsigned int packets)
{
	u32 trigger = kims_urr_activate(s, u);

	kims_urr_add(u, direction, octets, packets);
	kims_urr_find_room(u);
	if (kims_urr_threshold(u))
		trigger |= KIMS_URR_TRIGGER_VOLTH;
	if (u->method & KIMS_URR_METHOD_EVENT)
		trigger |= KIMS_URR_TRIGGER_EVEQU;
	if (kims_urr_used_up(u)) {
		kims_urr_exhaust(u);
		trigger |= KIMS_URR_TRIGGER_VOLQU;
	}
	trigger &= u->triggers;
	if (trigger)
		kims_urr_report(s, u, trigger);
}

/* A quota that has room for some packet, if not for octets. */
static bool kims_urrs_want_less(const struct kims_pdr *pdr, unsigned int octets)
{
	unsigned int i;

	for (i = 0; i < pdr->n_urrs; i++)
		if (!pdr->urrs[i]->exhausted &&
		    !kims_urr_fits(pdr->urrs[i], pdr->direction, octets))
			return true;
	return false;
}

/* Some URR needs more than counting. Returns 0, the reason of drop, or KIMS_METER_CUT. */
static noinline int kims_urrs_look(struct kims_session *s, const struct kims_pdr *pdr,
				   unsigned int octets, unsigned int packets)
{
	unsigned int i;
	int why = 0;

	if (packets > 1 && kims_urrs_want_less(pdr, octets))
		return KIMS_METER_CUT;
	for (i = 0; i < pdr->n_urrs; i++) {
		if (kims_urr_fits(pdr->urrs[i], pdr->direction, octets))
			continue;
		kims_urr_refuse(s, pdr->urrs[i], true);
		why = KIMS_DROP_QUOTA;
	}
	return why;
}

static noinline void kims_urrs_count(struct kims_session *s, const struct kims_pdr *pdr,
				     unsigned int octets, unsigned int packets)
{
	unsigned int i;

	for (i = 0; i < pdr->n_urrs; i++)
		kims_urr_count(s, pdr->urrs[i], pdr->direction, octets, packets);
}

/* What the QERs drop was there all the same for some (TS 29.244 8.2.41, MBQE). */
static noinline void kims_urrs_before_qos(struct kims_session *s, const struct kims_pdr *pdr,
					  unsigned int octets, unsigned int packets)
{
	struct kims_urr *u;
	unsigned int i;

	for (i = 0; i < pdr->n_urrs; i++) {
		u = pdr->urrs[i];
		if (!u->before_qos)
			continue;
		if (kims_urr_fits(u, pdr->direction, octets))
			kims_urr_count(s, u, pdr->direction, octets, packets);
		else
			kims_urr_refuse(s, u, false);
	}
}

/* --- a packet --- */

static noinline int kims_meter_drop(struct kims_session *s, const struct kims_pdr *pdr,
				    unsigned int octets, unsigned int packets, int why)
{
	pdr->count->dropped += packets;
	if (why != KIMS_DROP_GATE && why != KIMS_DROP_RATE)
		return why;
	kims_qers_dropped(pdr, packets);
	kims_urrs_before_qos(s, pdr, octets, packets);
	return why;
}

static __always_inline bool kims_urrs_are_plain(const struct kims_pdr *pdr, unsigned int octets)
{
	unsigned int i;

	for (i = 0; i < pdr->n_urrs; i++)
		if (!kims_urr_is_plain(pdr->urrs[i], octets))
			return false;
	return true;
}

int kims_meter(struct kims_session *s, const struct kims_pdr *pdr, unsigned int octets,
	       unsigned int packets, int why)
{
	bool plain = false;
	unsigned int i;
	u64 now = 0;

	if (unlikely(why)) {
		pdr->count->dropped += packets;
		return why;
	}
	if (packets == 1 && kims_meter_one(s, pdr, pdr->direction, octets))
		return 0;
	s->last = jiffies;
	if (unlikely(!s->awake))
		kims_session_wake(s);
	why = kims_qers_check(pdr, &now);
	if (likely(!why)) {
		plain = kims_urrs_are_plain(pdr, octets);
		if (unlikely(!plain))
			why = kims_urrs_look(s, pdr, octets, packets);
	}
	if (unlikely(why < 0))
		return why;
	if (unlikely(why))
		return kims_meter_drop(s, pdr, octets, packets, why);
	kims_qers_charge(pdr, now, octets);
	pdr->count->packets += packets;
	pdr->count->octets += octets;
	if (unlikely(!plain)) {
		kims_urrs_count(s, pdr, octets, packets);
		return 0;
	}
	for (i = 0; i < pdr->n_urrs; i++)
		kims_urr_add(pdr->urrs[i], pdr->direction, octets, packets);
	return 0;
}
