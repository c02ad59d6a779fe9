// SPDX-License-Identifier: GPL-2.0
/*
 * What a media flow looks at in each packet: who sent it, whether it is RTP or RTCP of a payload
 * type that may pass, loss and jitter (RFC 3550 A.1, A.3, A.8; RFC 5761 for both on one port).
 *
 * Loss and jitter are those of what arrives: a packet that a closed gate or the payload type
 * filter keeps has still been received. What arrives from anybody but the expected peer counts
 * under its reason of drop and nowhere else, and does not end the silence either.
 *
 * kims_rtp_net is freed after the hooks are gone, so kims_rtp.kn is safe to use here.
 */
#include <linux/sched/clock.h>
#include <linux/slab.h>
#include <linux/unaligned.h>
#include "rtp/rtp.h"

#define RTP_VERSION 2
#define RTP_MAX_DROPOUT 3000
#define RTP_MAX_MISORDER 100
#define RTP_SEQ_MOD (1U << 16)

/* --- loss and jitter --- */

static s64 kims_rtp_source_lost(const struct kims_rtp_source *s)
{
	if (!s->heard)
		return 0;
	return (s64)(u32)(s->cycles + s->max_seq - s->base_seq + 1) - s->received;
}

s64 kims_rtp_lost(const struct kims_rtp *rtp)
{
	return rtp->count.lost_before + kims_rtp_source_lost(&rtp->source);
}

static void kims_rtp_seq_init(struct kims_rtp_source *s, u16 seq)
{
	s->base_seq = seq;
	s->max_seq = seq;
	s->bad_seq = RTP_SEQ_MOD + 1;
	s->cycles = 0;
	s->received = 1;
}

/*
 * RFC 3550 A.1 without probation: the source is known from signalling. False: the sequence number
 * does not go on.
 */
static __always_inline bool kims_rtp_seq_update(struct kims_rtp *rtp, u16 seq)
{
	struct kims_rtp_source *s = &rtp->source;
	u16 delta = seq - s->max_seq;

	if (delta < RTP_MAX_DROPOUT) {
		if (seq < s->max_seq)
			s->cycles += RTP_SEQ_MOD;
		s->max_seq = seq;
	} else if (delta <= RTP_SEQ_MOD - RTP_MAX_MISORDER) {
		if (seq != s->bad_seq) {
			s->bad_seq = (seq + 1) & (RTP_SEQ_MOD - 1);
			return false;
		}
		/* Two in sequence: the sender has begun anew. */
		rtp->count.lost_before += kims_rtp_source_lost(s);
		kims_rtp_seq_init(s, seq);
		return true;
	}
	s->received++;
	return true;
}

/* Now, in units of the RTP clock; only differences are of use, and so the overflow does no harm. */
static __always_inline u32 kims_rtp_clock(const struct kims_rtp_flow *rf)
{
	return local_clock() * rf->clock_mult >> 32;
}

static __always_inline void kims_rtp_jitter(struct kims_rtp_source *s, u32 transit)
{
	s32 d = transit - s->transit;

	s->transit = transit;
	s->jitter += abs(d) - ((s->jitter + 8) >> 4);
}

static noinline void kims_rtp_source_new(struct kims_rtp *rtp, u32 ssrc, u16 seq, u32 transit)
{
	struct kims_rtp_source *s = &rtp->source;

	if (s->heard)
		rtp->count.ssrc_changes++;
	rtp->count.lost_before += kims_rtp_source_lost(s);
	kims_rtp_seq_init(s, seq);
	s->ssrc = ssrc;
	s->transit = transit;
	s->jitter = 0;
	s->heard = true;
}

/* Here and below rtp is rf->rtp, handed on because it would be loaded again after each store. */
static __always_inline bool kims_rtp_received(struct kims_rtp_flow *rf, struct kims_rtp *rtp,
					      const struct kims_rtp_header *h)
{
	u32 transit = kims_rtp_clock(rf) - ntohl(h->timestamp);
	bool goes_on;

	if (!rtp->source.heard || rtp->source.ssrc != ntohl(h->ssrc)) {
		kims_rtp_source_new(rtp, ntohl(h->ssrc), ntohs(h->seq), transit);
		return true;
	}
	goes_on = kims_rtp_seq_update(rtp, ntohs(h->seq));
	kims_rtp_jitter(&rtp->source, transit);
	return goes_on;
}

/* --- payload --- */

unsigned int kims_rtp_header_len(const u8 *payload, unsigned int len)
{
	unsigned int n = sizeof(struct kims_rtp_header);

	if (len < n)
		return 0;
	n += (payload[0] & 0xf) * 4;
	if (!(payload[0] & 0x10))
		return n <= len ? n : 0;
	if (n + 4 > len)
		return 0;
	n += 4 + get_unaligned_be16(payload + n + 2) * 4;
	return n <= len ? n : 0;
}

/* RFC 3550 A.2: version 2, and the first packet of the compound one inside the datagram. */
static int kims_rtcp_check(const u8 *payload, unsigned int len)
{
	const struct kims_rtcp_header *h = (const struct kims_rtcp_header *)payload;

	if (len < sizeof(*h) || h->vprc >> 6 != RTP_VERSION || h->type < 192 || h->type > 223 ||
	    (ntohs(h->length) + 1) * 4 > len)
		return KIMS_DROP_MALFORMED;
	return 0;
}

/* Whether a flow that accepts only one SSRC accepts this. */
static noinline bool kims_rtp_ssrc_allowed(const struct kims_rtp *rtp,
					   const struct kims_rtp_options *o, u32 ssrc)
{
	if (o->has_ssrc)
		return o->ssrc == ssrc;
	return o->continuity == KIMS_CONTINUITY_OFF || !rtp->source.heard || rtp->ssrc_free ||
	       rtp->source.ssrc == ssrc;
}

static __always_inline int kims_rtp_source_check(struct kims_rtp_flow *rf, struct kims_rtp *rtp,
						 const struct kims_rtp_header *h,
						 const struct kims_rtp_options *o)
{
	if (likely(!o)) {
		kims_rtp_received(rf, rtp, h);
		return 0;
	}
	if (!kims_rtp_ssrc_allowed(rtp, o, ntohl(h->ssrc)))
		return KIMS_DROP_SSRC;
	rtp->ssrc_free = false;
	return kims_rtp_received(rf, rtp, h) || o->continuity != KIMS_CONTINUITY_SEQUENCE ?
		       0 : KIMS_DROP_SEQUENCE;
}

/* RFC 3550 A.1: version 2, and the contributing sources inside the datagram. */
static __always_inline int kims_rtp_check(struct kims_rtp_flow *rf, struct kims_rtp *rtp,
					  const u8 *payload, unsigned int len,
					  const struct kims_rtp_options *o)
{
	const struct kims_rtp_header *h = (const struct kims_rtp_header *)payload;
	int why;

	BUILD_BUG_ON(sizeof(*h) > KIMS_LINEAR);
	if (unlikely(len < sizeof(*h)))
		return KIMS_DROP_MALFORMED;
	/* Most have no contributing source. */
	if (unlikely((h->vpxcc & 0xcf) != RTP_VERSION << 6) &&
	    (h->vpxcc >> 6 != RTP_VERSION || sizeof(*h) + (h->vpxcc & 0xf) * 4 > len))
		return KIMS_DROP_MALFORMED;
	why = kims_rtp_source_check(rf, rtp, h, o);
	if (unlikely(why))
		return why;
	if (rf->filter && !test_bit(h->mpt & 0x7f, rf->payload_types))
		return KIMS_DROP_PAYLOAD_TYPE;
	return 0;
}

/* RFC 5761 4: payload types 64 to 95 are RTCP packet types 192 to 223. */
bool kims_rtp_is_rtcp(const struct kims_rtp_flow *rf, const u8 *payload, unsigned int len)
{
	if (likely(rf->media == KIMS_MEDIA_RTP))
		return false;
	if (rf->media == KIMS_MEDIA_RTP_RTCP)
		return len >= 2 && payload[1] >= 192 && payload[1] <= 223;
	return rf->media == KIMS_MEDIA_RTCP;
}

int kims_rtp_look(struct kims_rtp_flow *rf, const u8 *payload, unsigned int len, bool rtcp)
{
	int why = 0;

	if (rtcp)
		why = kims_rtcp_check(payload, len);
	else if (rf->media != KIMS_MEDIA_UDP)
		why = kims_rtp_check(rf, rf->rtp, payload, len, rf->options);
	return why ?: rf->gate == KIMS_GATE_CLOSED ? KIMS_DROP_GATE : 0;
}

/* --- accounting --- */

static void kims_rtp_heard(struct kims_rtp_flow *rf, struct kims_rtp *rtp)
{
	rtp->last = jiffies;
	rtp->seen = true;
	if (likely(rtp->activity == KIMS_RTP_ACTIVE))
		return;
	rtp->activity = KIMS_RTP_ACTIVE;
	if (rf->timeout)
		mod_timer(&rtp->timer, jiffies + msecs_to_jiffies(rf->timeout) + 1);
	kims_rtp_notify(rtp, KIMS_CMD_RTP_ACTIVE_NTF);
}

static __always_inline void kims_rtp_sent(struct kims_rtp *rtp, unsigned int len, bool rtcp)
{
	struct kims_net_stats *stats = this_cpu_ptr(rtp->kn->stats);

	rtp->count.packets++;
	rtp->count.octets += len;
	rtp->count.rtcp_packets += rtcp;
	u64_stats_update_begin(&stats->syncp);
	u64_stats_inc(&stats->rtp_packets);
	u64_stats_update_end(&stats->syncp);
}

void kims_rtp_count_packet(struct kims_rtp_flow *rf, unsigned int len, bool rtcp, int why)
{
	struct kims_rtp *rtp = rf->rtp;

	if (likely(!why))
		kims_rtp_sent(rtp, len, rtcp);
	else
		rtp->count.drops[kims_rtp_drop_slot(why)]++;
	if (likely(!why) || why == KIMS_DROP_GATE || why == KIMS_DROP_PAYLOAD_TYPE)
		kims_rtp_heard(rf, rtp);
}

/* With the lock. RTCP is whole.c's, which can read all of it. */
static noinline int kims_rtp_account_any(struct kims_rtp_flow *rf, const u8 *payload,
					 unsigned int len, int why)
{
	if (unlikely(rf->rtp->activity == KIMS_RTP_DEAD))
		return KIMS_FLOW_GONE;
	if (!why) {
		if (kims_rtp_is_rtcp(rf, payload, len))
			return KIMS_FLOW_GONE;
		why = kims_rtp_look(rf, payload, len, false);
	}
	kims_rtp_count_packet(rf, len, false, why);
	return why;
}

/* The same, with what most packets need of it inline. */
static int kims_rtp_account(struct kims_flow *f, const u8 *payload, unsigned int len, int why)
{
	struct kims_rtp_flow *rf = kims_rtp_flow(f);
	struct kims_rtp *rtp = rf->rtp;

	spin_lock(&rtp->lock);
	if (unlikely(why || !rf->usual || rtp->activity != KIMS_RTP_ACTIVE)) {
		why = kims_rtp_account_any(rf, payload, len, why);
	} else {
		why = kims_rtp_check(rf, rtp, payload, len, NULL);
		if (likely(!why)) {
			kims_rtp_sent(rtp, len, false);
			rtp->last = jiffies;
			rtp->seen = true;
		} else {
			kims_rtp_count_packet(rf, len, false, why);
		}
	}
	spin_unlock(&rtp->lock);
	return why;
}

static void kims_rtp_free_flow(struct kims_flow *f)
{
	kims_rtp_flow_free(kims_rtp_flow(f));
}

const struct kims_flow_ops kims_rtp_flow_ops = {
	.account = kims_rtp_account,
	.transform = kims_rtp_transform,
	.free = kims_rtp_free_flow,
	.fuses = true,
};

/* For the short ways: not for them. */
static int kims_rtp_no_account(struct kims_flow *f, const u8 *payload, unsigned int len, int why)
{
	return KIMS_FLOW_GONE;
}

const struct kims_flow_ops kims_rtp_whole_ops = {
	.account = kims_rtp_no_account,
	.transform = kims_rtp_transform,
	.free = kims_rtp_free_flow,
};
