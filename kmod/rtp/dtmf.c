// SPDX-License-Identifier: GPL-2.0
/*
 * Telephone events (RFC 4733) on their way: one rtp-dtmf-ntf for each, at its end.
 *
 * Packets of one event share the RTP timestamp; the end comes three times (2.5.1.4). An event
 * longer than 65535 units goes on in a segment with another timestamp (2.5.1.3) and is one here.
 * When all ends are lost, the next event, or other RTP a quarter of a second later, ends it with
 * the duration that was heard.
 *
 * Who sends can make as many events as packets: there are KIMS_DTMF_RATE a second, after a burst.
 */
#include <linux/unaligned.h>
#include "genl.h"
#include "rtp/rtp.h"

#define EVENT_LEN 4
#define EVENT_END 0x80
#define EVENT_VOLUME 0x3f
#define SEGMENT_MAX 0xffff

/* --- the event --- */

static int kims_dtmf_put(struct sk_buff *skb, const struct kims_rtp *rtp)
{
	struct nlattr *nest = nla_nest_start(skb, KIMS_A_DTMF);
	const struct kims_dtmf *d = &rtp->dtmf;

	if (!nest || nla_put_u32(skb, KIMS_DTMF_A_FLOW_ID, rtp->id) ||
	    nla_put_u64_64bit(skb, KIMS_DTMF_A_COOKIE, rtp->cookie, KIMS_DTMF_A_PAD) ||
	    nla_put_u32(skb, KIMS_DTMF_A_SSRC, d->ssrc) ||
	    nla_put_u32(skb, KIMS_DTMF_A_EVENT, d->event) ||
	    nla_put_u32(skb, KIMS_DTMF_A_DURATION, d->before + d->duration) ||
	    nla_put_u32(skb, KIMS_DTMF_A_TIMESTAMP, d->start) ||
	    nla_put_u32(skb, KIMS_DTMF_A_VOLUME, d->volume) ||
	    nla_put_u32(skb, KIMS_DTMF_A_SUPPRESSED, rtp->dtmf_suppressed))
		return -EMSGSIZE;
	nla_nest_end(skb, nest);
	return 0;
}

static bool kims_dtmf_may_tell(struct kims_rtp *rtp)
{
	unsigned long passed = jiffies - rtp->dtmf_since;
	u32 more = min_t(unsigned long, passed / (HZ / KIMS_DTMF_RATE ?: 1), KIMS_DTMF_BURST);

	if (more) {
		rtp->dtmf_credit = min_t(u32, rtp->dtmf_credit + more, KIMS_DTMF_BURST);
		rtp->dtmf_since = jiffies;
	}
	if (!rtp->dtmf_credit)
		return false;
	rtp->dtmf_credit--;
	return true;
}

static void kims_dtmf_tell(struct kims_rtp *rtp)
{
	struct sk_buff *skb;
	void *hdr;

	rtp->dtmf.open = false;
	if (!kims_dtmf_may_tell(rtp)) {
		rtp->dtmf_suppressed++;
		return;
	}
	skb = kims_nl_event_new(rtp->kn, KIMS_CMD_RTP_DTMF_NTF, KIMS_NLGRP_RTP, &hdr);
	if (!skb)
		return;
	kims_nl_event_send(rtp->kn, skb, hdr, KIMS_NLGRP_RTP, kims_dtmf_put(skb, rtp));
	rtp->dtmf_suppressed = 0;
}

/* --- packets --- */

struct kims_dtmf_packet {
	u32 ssrc;
	u32 timestamp;
	u16 duration;
	u8 event;
	u8 volume;
	bool end;
};

static void kims_dtmf_begin(struct kims_dtmf *d, const struct kims_dtmf_packet *p)
{
	*d = (struct kims_dtmf){
		.ssrc = p->ssrc,
		.start = p->timestamp,
		.timestamp = p->timestamp,
		.event = p->event,
		.heard = true,
		.open = true,
	};
}

/* The next segment of an event that is as long as one can be. */
static bool kims_dtmf_goes_on(const struct kims_dtmf *d, const struct kims_dtmf_packet *p)
{
	return d->open && d->event == p->event && d->duration == SEGMENT_MAX &&
	       p->timestamp == d->timestamp + SEGMENT_MAX;
}

static void kims_dtmf_packet(struct kims_rtp *rtp, const struct kims_dtmf_packet *p)
{
	struct kims_dtmf *d = &rtp->dtmf;
	bool same = d->heard && d->ssrc == p->ssrc;

	if (same && (s32)(p->timestamp - d->timestamp) < 0)
		return;
	if (same && kims_dtmf_goes_on(d, p)) {
		d->before += d->duration;
		d->timestamp = p->timestamp;
		d->duration = 0;
	} else if (!same || p->timestamp != d->timestamp) {
		if (d->open)
			kims_dtmf_tell(rtp);
		kims_dtmf_begin(d, p);
	}
	if (!d->open)
		return;
	d->duration = max(d->duration, p->duration);
	d->volume = p->volume;
	if (p->end)
		kims_dtmf_tell(rtp);
}

void kims_dtmf_look(struct kims_rtp_flow *rf, const u8 *payload, unsigned int len)
{
	const struct kims_rtp_header *h = (const struct kims_rtp_header *)payload;
	struct kims_dtmf_packet p = { ntohl(h->ssrc), ntohl(h->timestamp) };
	unsigned int header = kims_rtp_header_len(payload, len);
	struct kims_dtmf *d = &rf->rtp->dtmf;

	if (!header)
		return;
	if ((h->mpt & 0x7f) != rf->options->telephone_event) {
		if (d->open && d->ssrc == p.ssrc &&
		    (s32)(p.timestamp - d->timestamp - d->duration) > (s32)(rf->clock_rate / 4))
			kims_dtmf_tell(rf->rtp);
		return;
	}
	if (len < header + EVENT_LEN)
		return;
	p.event = payload[header];
	p.end = payload[header + 1] & EVENT_END;
	p.volume = payload[header + 1] & EVENT_VOLUME;
	p.duration = get_unaligned_be16(payload + header + 2);
	kims_dtmf_packet(rf->rtp, &p);
}
