// SPDX-License-Identifier: GPL-2.0
/*
 * A recorder: a second destination, which gets a copy of each packet that a flow sends on, as it
 * is before encryption. It has a way out of its own, an entry of the flow cache that no packet is
 * found by. Whatever goes wrong with a copy is counted as copies-lost and nowhere else.
 */
#include <linux/slab.h>
#include "path.h"
#include "rtp/rtp.h"

struct kims_rtp_record {
	struct kims_flow flow;
	struct kims_rtp *rtp;
};

static struct kims_rtp_record *kims_record(const struct kims_flow *f)
{
	return container_of(f, struct kims_rtp_record, flow);
}

/* GONE for a copy that is lost: that is no packet dropped. */
static int kims_record_account(struct kims_flow *f, const u8 *payload, unsigned int len, int why)
{
	struct kims_rtp *rtp = kims_record(f)->rtp;

	spin_lock(&rtp->lock);
	if (rtp->activity == KIMS_RTP_DEAD)
		why = KIMS_FLOW_GONE; /* its counters have been told */
	else if (why)
		rtp->count.copies_lost++;
	else
		rtp->count.copies++;
	spin_unlock(&rtp->lock);
	return why ? KIMS_FLOW_GONE : KIMS_FLOW_SEND;
}

/* Freed with the flow that it belongs to. */
static const struct kims_flow_ops kims_record_ops = {
	.account = kims_record_account,
};

/* The key is that of the flow, so that checksums are adjusted as the flow's. */
struct kims_rtp_record *kims_record_new(const struct kims_flow *f, const struct kims_rewrite *out)
{
	struct kims_rtp_record *record = kzalloc(sizeof(*record), GFP_KERNEL_ACCOUNT);
	const struct kims_end anybody = {};

	if (record)
		kims_flow_init(&record->flow, &f->local.key, &anybody, out, &kims_record_ops);
	return record;
}

void kims_record_free(struct kims_rtp_record *record)
{
	if (!record)
		return;
	kims_path_drop(&record->flow.way);
	kfree(record);
}

void kims_record_bind(struct kims_rtp_record *record, struct kims_rtp *rtp)
{
	record->rtp = rtp;
	record->flow.id = rtp->id;
}

struct kims_rewrite kims_record_out(const struct kims_rtp_record *record)
{
	return kims_rtp_out(&record->flow);
}

struct sk_buff *kims_record_copy(struct kims_rtp *rtp, const struct sk_buff *skb)
{
	struct sk_buff *copy = skb_copy(skb, GFP_ATOMIC | __GFP_NOWARN);

	if (!copy)
		rtp->count.copies_lost++;
	return copy;
}

void kims_record_send(struct kims_rtp_record *record, struct sk_buff *copy, u16 l4)
{
	kims_flow_send_copy(record->rtp->kn, &record->flow, copy, l4);
}
