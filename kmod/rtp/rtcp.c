// SPDX-License-Identifier: GPL-2.0
/*
 * What RTCP that passes says about the call: sender information and report blocks (RFC 3550 6.4.1,
 * 6.4.2), VoIP metrics (RFC 3611 4.7), and the round trip between here and who reports.
 *
 * The round trip (RFC 3550 6.4.1) is taken here instead of at the sender: the report of the phone
 * on this side names a sender report that came through the reverse flow, which remembers when it
 * sent it on.
 *
 * Values are kept as they come; nothing is computed with them but the round trip.
 */
#include <linux/slab.h>
#include <linux/timekeeping.h>
#include <linux/unaligned.h>
#include <net/netlink.h>
#include "rtp/rtp.h"

enum { RTCP_SR = 200, RTCP_RR = 201, RTCP_XR = 207 };

#define RTCP_HEADER 8	     /* with the SSRC */
#define RTCP_SENDER_INFO 20
#define RTCP_BLOCK 24
#define XR_VOIP 7
#define XR_VOIP_WORDS 8 /* behind the header of the block */

/* --- reading; under kims_rtp.lock --- */

static void kims_rtcp_block(struct kims_rtcp *r, u32 reporter, const u8 *b)
{
	r->reports++;
	r->reporter = reporter;
	r->source = get_unaligned_be32(b);
	r->fraction = b[4];
	r->lost = sign_extend32(get_unaligned_be24(b + 5), 23);
	r->max_seq = get_unaligned_be32(b + 8);
	r->jitter = get_unaligned_be32(b + 12);
	r->lsr = get_unaligned_be32(b + 16);
	r->dlsr = get_unaligned_be32(b + 20);
}

static void kims_rtcp_sender_info(struct kims_rtcp *r, u32 ssrc, const u8 *b)
{
	r->has_sr = true;
	r->sr_ssrc = ssrc;
	r->sr_ntp = get_unaligned_be64(b);
	r->sr_timestamp = get_unaligned_be32(b + 8);
	r->sr_packets = get_unaligned_be32(b + 12);
	r->sr_octets = get_unaligned_be32(b + 16);
	r->sent[r->n_sent % KIMS_RTCP_SENT].ntp = r->sr_ntp >> 16;
	r->sent[r->n_sent % KIMS_RTCP_SENT].at = ktime_get_ns();
	r->n_sent++;
}

static void kims_rtcp_extended(struct kims_rtcp *r, const u8 *b, const u8 *end)
{
	unsigned int words;

	for (; end - b >= 4; b += 4 + words * 4) {
		words = get_unaligned_be16(b + 2);
		if (end - b < 4 + words * 4)
			return;
		if (b[0] != XR_VOIP || words != XR_VOIP_WORDS)
			continue;
		memcpy(r->voip, b + 4, sizeof(r->voip));
		r->has_voip = true;
	}
}

/* One packet of the compound one, from its header to end. */
static void kims_rtcp_packet(struct kims_rtcp *r, const u8 *p, const u8 *end)
{
	unsigned int n = p[0] & 0x1f, off = RTCP_HEADER;
	u32 ssrc;

	if (end - p < RTCP_HEADER)
		return;
	ssrc = get_unaligned_be32(p + 4);
	if (p[1] == RTCP_XR)
		kims_rtcp_extended(r, p + RTCP_HEADER, end);
	if (p[1] == RTCP_SR && end - p >= RTCP_HEADER + RTCP_SENDER_INFO) {
		kims_rtcp_sender_info(r, ssrc, p + RTCP_HEADER);
		off += RTCP_SENDER_INFO;
	} else if (p[1] != RTCP_RR) {
		return;
	}
	for (; n-- && end - p >= off + RTCP_BLOCK; off += RTCP_BLOCK)
		kims_rtcp_block(r, ssrc, p + off);
}

void kims_rtcp_read(struct kims_rtp *rtp, const u8 *payload, unsigned int len)
{
	const u8 *p = payload, *end = payload + len;
	unsigned int size;

	if (!rtp->rtcp)
		rtp->rtcp = kzalloc(sizeof(*rtp->rtcp), GFP_ATOMIC | __GFP_NOWARN);
	if (!rtp->rtcp)
		return;
	for (; end - p >= 4; p += size) {
		size = (get_unaligned_be16(p + 2) + 1) * 4;
		if (end - p < size)
			return;
		kims_rtcp_packet(rtp->rtcp, p, p + size);
	}
}

/* --- round trip --- */

/* When the sender report was sent on, ns; 0: not known. */
static u64 kims_rtcp_sent_at(struct kims_rtp *reverse, u32 lsr)
{
	struct kims_rtcp *r;
	u64 at = 0;
	int i;

	spin_lock(&reverse->lock);
	r = reverse->rtcp;
	for (i = 0; r && i < KIMS_RTCP_SENT; i++)
		if (r->sent[i].at && r->sent[i].ntp == lsr)
			at = r->sent[i].at;
	spin_unlock(&reverse->lock);
	return at;
}

static void kims_rtcp_set_trip(struct kims_rtp *rtp, u32 lsr, u32 dlsr, u64 at)
{
	u64 delay = ((u64)dlsr * NSEC_PER_SEC) >> 16, now = ktime_get_ns();

	if (!at || now < at + delay)
		return;
	spin_lock(&rtp->lock);
	if (rtp->rtcp->lsr == lsr) {
		rtp->rtcp->round_trip = min_t(u64, div_u64(now - at - delay, NSEC_PER_USEC),
					      U32_MAX);
		rtp->rtcp->has_trip = true;
	}
	spin_unlock(&rtp->lock);
}

/* Never both locks: the reverse flow's packets look for this flow at the same time. */
void kims_rtcp_round_trip(struct kims_rtp *rtp, u32 reverse)
{
	struct kims_rtp *other = xa_load(&rtp->kn->rtp->flows, reverse);
	u32 lsr = 0, dlsr = 0;

	if (!other || other == rtp)
		return;
	spin_lock(&rtp->lock);
	if (rtp->rtcp) {
		lsr = rtp->rtcp->lsr;
		dlsr = rtp->rtcp->dlsr;
	}
	spin_unlock(&rtp->lock);
	if (lsr)
		kims_rtcp_set_trip(rtp, lsr, dlsr, kims_rtcp_sent_at(other, lsr));
}

/* --- netlink --- */

static int kims_rtcp_put_block(struct sk_buff *skb, const struct kims_rtcp *r)
{
	if (nla_put_u64_64bit(skb, KIMS_RTCP_A_REPORTS, r->reports, KIMS_RTCP_A_PAD))
		return -EMSGSIZE;
	if (!r->reports)
		return 0;
	if (nla_put_u32(skb, KIMS_RTCP_A_REPORTER, r->reporter) ||
	    nla_put_u32(skb, KIMS_RTCP_A_SOURCE, r->source) ||
	    nla_put_u32(skb, KIMS_RTCP_A_FRACTION_LOST, r->fraction) ||
	    nla_put_s64(skb, KIMS_RTCP_A_LOST, r->lost, KIMS_RTCP_A_PAD) ||
	    nla_put_u32(skb, KIMS_RTCP_A_MAX_SEQ, r->max_seq) ||
	    nla_put_u32(skb, KIMS_RTCP_A_JITTER, r->jitter) ||
	    nla_put_u32(skb, KIMS_RTCP_A_LSR, r->lsr) ||
	    nla_put_u32(skb, KIMS_RTCP_A_DLSR, r->dlsr))
		return -EMSGSIZE;
	return r->has_trip ? nla_put_u32(skb, KIMS_RTCP_A_ROUND_TRIP, r->round_trip) : 0;
}

static int kims_rtcp_put_sr(struct sk_buff *skb, const struct kims_rtcp *r)
{
	if (!r->has_sr)
		return 0;
	if (nla_put_u32(skb, KIMS_RTCP_A_SR_SSRC, r->sr_ssrc) ||
	    nla_put_u64_64bit(skb, KIMS_RTCP_A_SR_NTP, r->sr_ntp, KIMS_RTCP_A_PAD) ||
	    nla_put_u32(skb, KIMS_RTCP_A_SR_TIMESTAMP, r->sr_timestamp) ||
	    nla_put_u32(skb, KIMS_RTCP_A_SR_PACKETS, r->sr_packets) ||
	    nla_put_u32(skb, KIMS_RTCP_A_SR_OCTETS, r->sr_octets))
		return -EMSGSIZE;
	return 0;
}

/* Fields of the block (RFC 3611 4.7) by attribute: where, and how many octets. */
static const struct {
	u8 off, len;
} kims_voip_fields[KIMS_VOIP_A_MAX + 1] = {
	[KIMS_VOIP_A_SOURCE] = { 0, 4 },
	[KIMS_VOIP_A_LOSS_RATE] = { 4, 1 },
	[KIMS_VOIP_A_DISCARD_RATE] = { 5, 1 },
	[KIMS_VOIP_A_BURST_DENSITY] = { 6, 1 },
	[KIMS_VOIP_A_GAP_DENSITY] = { 7, 1 },
	[KIMS_VOIP_A_BURST_DURATION] = { 8, 2 },
	[KIMS_VOIP_A_GAP_DURATION] = { 10, 2 },
	[KIMS_VOIP_A_ROUND_TRIP_DELAY] = { 12, 2 },
	[KIMS_VOIP_A_END_SYSTEM_DELAY] = { 14, 2 },
	[KIMS_VOIP_A_SIGNAL_LEVEL] = { 16, 1 },
	[KIMS_VOIP_A_NOISE_LEVEL] = { 17, 1 },
	[KIMS_VOIP_A_RERL] = { 18, 1 },
	[KIMS_VOIP_A_GMIN] = { 19, 1 },
	[KIMS_VOIP_A_R_FACTOR] = { 20, 1 },
	[KIMS_VOIP_A_EXT_R_FACTOR] = { 21, 1 },
	[KIMS_VOIP_A_MOS_LQ] = { 22, 1 },
	[KIMS_VOIP_A_MOS_CQ] = { 23, 1 },
	[KIMS_VOIP_A_RX_CONFIG] = { 24, 1 },
	[KIMS_VOIP_A_JB_NOMINAL] = { 26, 2 },
	[KIMS_VOIP_A_JB_MAXIMUM] = { 28, 2 },
	[KIMS_VOIP_A_JB_ABS_MAX] = { 30, 2 },
};

static u32 kims_voip_value(const u8 *voip, int attr)
{
	const u8 *at = voip + kims_voip_fields[attr].off;

	if (kims_voip_fields[attr].len == 1)
		return *at;
	return kims_voip_fields[attr].len == 2 ? get_unaligned_be16(at) : get_unaligned_be32(at);
}

static int kims_rtcp_put_voip(struct sk_buff *skb, const struct kims_rtcp *r)
{
	struct nlattr *nest;
	int attr;

	if (!r->has_voip)
		return 0;
	nest = nla_nest_start(skb, KIMS_RTCP_A_VOIP);
	if (!nest)
		return -EMSGSIZE;
	for (attr = 1; attr <= KIMS_VOIP_A_MAX; attr++)
		if (nla_put_u32(skb, attr, kims_voip_value(r->voip, attr)))
			return -EMSGSIZE;
	nla_nest_end(skb, nest);
	return 0;
}

int kims_rtcp_put(struct sk_buff *skb, const struct kims_rtp *rtp)
{
	const struct kims_rtcp *r = rtp->rtcp;
	struct nlattr *nest;

	if (!r)
		return 0;
	nest = nla_nest_start(skb, KIMS_RTP_COUNTERS_A_RTCP);
	if (!nest || kims_rtcp_put_block(skb, r) || kims_rtcp_put_sr(skb, r) ||
	    kims_rtcp_put_voip(skb, r))
		return -EMSGSIZE;
	nla_nest_end(skb, nest);
	return 0;
}
