// SPDX-License-Identifier: GPL-2.0
/*
 * What a media flow may have besides, on netlink and in memory: latching, continuity, telephone
 * events, SRTP, a recorder. A flow that has none of it has no struct kims_rtp_options.
 */
#include <linux/slab.h>
#include "genl.h"
#include "rtp/rtp.h"
#include "rtp/srtp.h"

void kims_rtp_options_free(struct kims_rtp_options *o)
{
	if (!o)
		return;
	kims_srtp_put_ref(o->in);
	kims_srtp_put_ref(o->out);
	kims_record_free(o->record);
	kfree(o);
}

struct kims_rtp_options *kims_rtp_options_copy(const struct kims_rtp_flow *rf)
{
	struct kims_rtp_options *o = kmemdup(rf->options, sizeof(*o), GFP_KERNEL_ACCOUNT);
	struct kims_rewrite out;

	if (!o)
		return NULL;
	if (o->record) {
		out = kims_record_out(o->record);
		o->record = kims_record_new(&rf->flow, &out);
		if (!o->record) {
			kfree(o);
			return NULL;
		}
		kims_record_bind(o->record, rf->rtp);
	}
	kims_srtp_get(o->in);
	kims_srtp_get(o->out);
	return o;
}

/* Whether the peer is known: given, or learned. */
static bool kims_rtp_settled(const struct kims_rtp_flow *rf)
{
	return rf->options->latch == KIMS_LATCH_OFF || rf->flow.from.port;
}

const struct kims_flow_ops *kims_rtp_ops(const struct kims_rtp_flow *rf)
{
	const struct kims_rtp_options *o = rf->options;

	if (!o || (!o->in && !o->out && !o->record && o->telephone_event < 0 &&
		   kims_rtp_settled(rf)))
		return &kims_rtp_flow_ops;
	return &kims_rtp_whole_ops;
}

/* --- reading --- */

int kims_rtp_read_end(struct nlattr **tb, int attr4, int attr6, int port, struct kims_end *ret,
		      struct netlink_ext_ack *extack)
{
	ret->port = kims_nl_port(tb, port);
	return kims_nl_get_addr(tb, attr4, attr6, &ret->addr, extack);
}

bool kims_end_given(const struct kims_end *end)
{
	return end->addr.family != AF_UNSPEC && end->port;
}

static bool kims_end_absent(const struct kims_end *end)
{
	return end->addr.family == AF_UNSPEC && !end->port;
}

static int kims_rtp_read_latch(struct nlattr **tb, const struct kims_rtp_flow *rf,
			       struct kims_rtp_options *o, struct netlink_ext_ack *extack)
{
	o->latch = kims_nl_u32(tb, KIMS_RTP_A_LATCH, KIMS_LATCH_OFF);
	o->reverse = kims_nl_u32(tb, KIMS_RTP_A_REVERSE, 0);
	o->peer = rf->flow.from.addr;
	if (o->latch != KIMS_LATCH_OFF && rf->flow.from.port)
		return KIMS_REFUSE_ATTR(extack, -EINVAL, tb[KIMS_RTP_A_PEER_PORT],
					"a flow that learns its peer takes no peer-port");
	return 0;
}

static int kims_rtp_read_source(struct nlattr **tb, const struct kims_rtp_flow *rf,
				struct kims_rtp_options *o, struct netlink_ext_ack *extack)
{
	bool has_rtp = rf->media == KIMS_MEDIA_RTP || rf->media == KIMS_MEDIA_RTP_RTCP;

	o->has_ssrc = tb[KIMS_RTP_A_SSRC];
	o->ssrc = kims_nl_u32(tb, KIMS_RTP_A_SSRC, 0);
	o->continuity = kims_nl_u32(tb, KIMS_RTP_A_CONTINUITY, KIMS_CONTINUITY_OFF);
	o->telephone_event = kims_nl_u32(tb, KIMS_RTP_A_TELEPHONE_EVENT, -1);
	if (has_rtp || (!o->has_ssrc && o->continuity == KIMS_CONTINUITY_OFF &&
			o->telephone_event < 0))
		return 0;
	return KIMS_REFUSE(extack, -EINVAL,
			   "ssrc, continuity and telephone-event are for media that has RTP");
}

static int kims_rtp_read_record(struct nlattr **tb, const struct kims_rtp_flow *rf,
				struct kims_rtp_options *o, struct netlink_ext_ack *extack)
{
	struct kims_rewrite out = { .dscp = rf->flow.dscp };
	int err;

	err = kims_rtp_read_end(tb, KIMS_RTP_A_RECORD_SRC_IPV4, KIMS_RTP_A_RECORD_SRC_IPV6,
				KIMS_RTP_A_RECORD_SRC_PORT, &out.src, extack) ?:
	      kims_rtp_read_end(tb, KIMS_RTP_A_RECORD_DST_IPV4, KIMS_RTP_A_RECORD_DST_IPV6,
				KIMS_RTP_A_RECORD_DST_PORT, &out.dst, extack);
	if (err || (kims_end_absent(&out.src) && kims_end_absent(&out.dst)))
		return err;
	if (!kims_end_given(&out.src) || !kims_end_given(&out.dst))
		return KIMS_REFUSE(extack, -EINVAL,
				   "a recorder needs addresses and ports of both ends");
	if (out.src.addr.family != out.dst.addr.family)
		return KIMS_REFUSE(extack, -EINVAL,
				   "addresses of the recorder are of different families");
	o->record = kims_record_new(&rf->flow, &out);
	return o->record ? 0 : -ENOMEM;
}

static int kims_rtp_read_srtp(struct nlattr **tb, const struct kims_rtp_flow *rf,
			      struct kims_rtp_options *o, struct netlink_ext_ack *extack)
{
	if (rf->media == KIMS_MEDIA_UDP && (tb[KIMS_RTP_A_SRTP_IN] || tb[KIMS_RTP_A_SRTP_OUT]))
		return KIMS_REFUSE(extack, -EINVAL, "SRTP is for media that has RTP or RTCP");
	return kims_srtp_read(tb[KIMS_RTP_A_SRTP_IN], &o->in, extack) ?:
	       kims_srtp_read(tb[KIMS_RTP_A_SRTP_OUT], &o->out, extack);
}

static bool kims_rtp_has_options(struct nlattr **tb)
{
	int attr;

	for (attr = KIMS_RTP_A_LATCH; attr <= KIMS_RTP_A_RECORD_DST_PORT; attr++)
		if (tb[attr])
			return true;
	return false;
}

int kims_rtp_read_options(struct nlattr **tb, struct kims_rtp_flow *rf,
			  struct netlink_ext_ack *extack)
{
	struct kims_rtp_options *o;
	int err;

	if (!kims_rtp_has_options(tb))
		return 0;
	o = kzalloc(sizeof(*o), GFP_KERNEL_ACCOUNT);
	if (!o)
		return -ENOMEM;
	rf->options = o;
	err = kims_rtp_read_latch(tb, rf, o, extack) ?:
	      kims_rtp_read_source(tb, rf, o, extack) ?:
	      kims_rtp_read_record(tb, rf, o, extack) ?:
	      kims_rtp_read_srtp(tb, rf, o, extack);
	rf->flow.ops = kims_rtp_ops(rf);
	return err;
}

/* --- writing --- */

int kims_rtp_put_end(struct sk_buff *skb, int attr4, int attr6, int port,
		     const struct kims_end *end)
{
	if (end->port && nla_put_u32(skb, port, ntohs(end->port)))
		return -EMSGSIZE;
	return kims_nl_put_addr(skb, attr4, attr6, &end->addr);
}

static int kims_rtp_put_source(struct sk_buff *skb, const struct kims_rtp_options *o)
{
	if ((o->has_ssrc && nla_put_u32(skb, KIMS_RTP_A_SSRC, o->ssrc)) ||
	    (o->telephone_event >= 0 &&
	     nla_put_u32(skb, KIMS_RTP_A_TELEPHONE_EVENT, o->telephone_event)))
		return -EMSGSIZE;
	return nla_put_u32(skb, KIMS_RTP_A_CONTINUITY, o->continuity);
}

static int kims_rtp_put_record(struct sk_buff *skb, const struct kims_rtp_options *o)
{
	struct kims_rewrite out;

	if (!o->record)
		return 0;
	out = kims_record_out(o->record);
	return kims_rtp_put_end(skb, KIMS_RTP_A_RECORD_SRC_IPV4, KIMS_RTP_A_RECORD_SRC_IPV6,
				KIMS_RTP_A_RECORD_SRC_PORT, &out.src) ?:
	       kims_rtp_put_end(skb, KIMS_RTP_A_RECORD_DST_IPV4, KIMS_RTP_A_RECORD_DST_IPV6,
				KIMS_RTP_A_RECORD_DST_PORT, &out.dst);
}

int kims_rtp_put_options(struct sk_buff *skb, const struct kims_rtp *rtp,
			 const struct kims_rtp_flow *rf)
{
	const struct kims_rtp_options *o = rf->options;

	if (!o)
		return 0;
	if (nla_put_u32(skb, KIMS_RTP_A_LATCH, o->latch) ||
	    (o->reverse && nla_put_u32(skb, KIMS_RTP_A_REVERSE, o->reverse)))
		return -EMSGSIZE;
	return kims_rtp_put_end(skb, KIMS_RTP_A_LATCHED_IPV4, KIMS_RTP_A_LATCHED_IPV6,
				KIMS_RTP_A_LATCHED_PORT, &rtp->latched) ?:
	       kims_rtp_put_source(skb, o) ?:
	       kims_srtp_put(skb, KIMS_RTP_A_SRTP_IN, o->in) ?:
	       kims_srtp_put(skb, KIMS_RTP_A_SRTP_OUT, o->out) ?:
	       kims_rtp_put_record(skb, o);
}
