// SPDX-License-Identifier: GPL-2.0
/*
 * Media flows on netlink: rtp-new, rtp-replace, rtp-del, rtp-get and their events;
 * include/netlink/kims.yaml. What only some flows have is options.c's.
 *
 * rtp-new and rtp-replace are transactions: everything that can be refused without looking at
 * other objects is read first, then under the lock each flow is put in place, and when one cannot
 * be, those before it are taken back.
 */
#include <linux/slab.h>
#include "genl.h"
#include "rtp/rtp.h"

#define KIMS_RTP_MSG_SIZE 1536 /* at least the longest KIMS_A_RTP_FLOW */

/* One flow of an rtp-new or rtp-replace. */
struct kims_rtp_request {
	u32 id;
	u64 cookie;
	bool has_cookie;
	const struct nlattr *attr;
	struct kims_rtp_flow *flow; /* until it is applied */
	struct kims_rtp_change change;
};

/* --- reading --- */

static int kims_rtp_read_local(struct nlattr **tb, struct kims_flow_key *key,
			       struct netlink_ext_ack *extack)
{
	int err;

	key->kind = KIMS_FLOW_MEDIA;
	err = kims_rtp_read_end(tb, KIMS_RTP_A_LOCAL_IPV4, KIMS_RTP_A_LOCAL_IPV6,
				KIMS_RTP_A_LOCAL_PORT, &key->local, extack);
	if (err)
		return err;
	if (!kims_end_given(&key->local))
		return KIMS_REFUSE(extack, -EINVAL, "local address or local-port is missing");
	return 0;
}

static int kims_rtp_read_peer(struct nlattr **tb, const struct kims_end *local,
			      struct kims_end *peer, struct netlink_ext_ack *extack)
{
	int err;

	err = kims_rtp_read_end(tb, KIMS_RTP_A_PEER_IPV4, KIMS_RTP_A_PEER_IPV6,
				KIMS_RTP_A_PEER_PORT, peer, extack);
	if (err)
		return err;
	if (peer->addr.family == AF_UNSPEC)
		return peer->port ? KIMS_REFUSE_ATTR(extack, -EINVAL, tb[KIMS_RTP_A_PEER_PORT],
						     "peer-port needs a peer address") :
				    0;
	if (peer->addr.family != local->addr.family)
		return KIMS_REFUSE(extack, -EINVAL,
				   "peer and local address are of different families");
	return 0;
}

static int kims_rtp_read_out(struct nlattr **tb, struct kims_rewrite *out,
			     struct netlink_ext_ack *extack)
{
	int err;

	err = kims_rtp_read_end(tb, KIMS_RTP_A_SRC_IPV4, KIMS_RTP_A_SRC_IPV6, KIMS_RTP_A_SRC_PORT,
				&out->src, extack) ?:
	      kims_rtp_read_end(tb, KIMS_RTP_A_DST_IPV4, KIMS_RTP_A_DST_IPV6, KIMS_RTP_A_DST_PORT,
				&out->dst, extack);
	if (err)
		return err;
	if (!kims_end_given(&out->src))
		return KIMS_REFUSE(extack, -EINVAL, "source address or src-port is missing");
	if (!kims_end_given(&out->dst))
		return KIMS_REFUSE(extack, -EINVAL, "destination address or dst-port is missing");
	if (out->src.addr.family != out->dst.addr.family)
		return KIMS_REFUSE(extack, -EINVAL,
				   "source and destination address are of different families");
	out->dscp = tb[KIMS_RTP_A_DSCP] ? nla_get_u32(tb[KIMS_RTP_A_DSCP]) : -1;
	return 0;
}

static int kims_rtp_read_filter(struct nlattr **tb, struct kims_rtp_flow *rf,
				struct netlink_ext_ack *extack)
{
	const struct nlattr *attr = tb[KIMS_RTP_A_PAYLOAD_TYPES];
	const u8 *octets;
	unsigned int pt;

	if (!attr)
		return 0;
	if (rf->media == KIMS_MEDIA_RTCP || rf->media == KIMS_MEDIA_UDP)
		return KIMS_REFUSE_ATTR(extack, -EINVAL, attr,
					"payload-types is for media that has RTP");
	octets = nla_data(attr);
	for (pt = 0; pt < 128; pt++)
		if (octets[pt / 8] & 1 << pt % 8)
			__set_bit(pt, rf->payload_types);
	rf->filter = true;
	return 0;
}

static int kims_rtp_read_flow(struct nlattr **tb, struct kims_rtp_flow *rf,
			      struct netlink_ext_ack *extack)
{
	struct kims_rewrite out = {};
	struct kims_flow_key key = {};
	struct kims_end peer = {};
	int err;

	rf->media = kims_nl_u32(tb, KIMS_RTP_A_MEDIA, KIMS_MEDIA_RTP);
	rf->gate = kims_nl_u32(tb, KIMS_RTP_A_GATE, KIMS_GATE_OPEN);
	rf->timeout = kims_nl_u32(tb, KIMS_RTP_A_TIMEOUT, 0);
	rf->clock_rate = kims_nl_u32(tb, KIMS_RTP_A_CLOCK_RATE, KIMS_RTP_CLOCK);
	rf->clock_mult = div_u64((u64)rf->clock_rate << 32, NSEC_PER_SEC);
	err = kims_rtp_read_local(tb, &key, extack) ?:
	      kims_rtp_read_peer(tb, &key.local, &peer, extack) ?:
	      kims_rtp_read_out(tb, &out, extack) ?:
	      kims_rtp_read_filter(tb, rf, extack);
	if (err)
		return err;
	kims_flow_init(&rf->flow, &key, &peer, &out, &kims_rtp_flow_ops);
	return kims_rtp_read_options(tb, rf, extack);
}

static int kims_rtp_read_request(const struct nlattr *attr, struct kims_rtp_request *r,
				 struct netlink_ext_ack *extack)
{
	struct nlattr *tb[KIMS_RTP_A_RECORD_DST_PORT + 1];
	struct kims_rtp_flow *rf;
	int err;

	err = nla_parse_nested(tb, KIMS_RTP_A_RECORD_DST_PORT, attr, kims_rtp_flow_conf_nl_policy,
			       extack);
	if (err)
		return err;
	rf = kzalloc(sizeof(*rf), GFP_KERNEL_ACCOUNT);
	if (!rf)
		return -ENOMEM;
	err = kims_rtp_read_flow(tb, rf, extack);
	if (err) {
		kims_rtp_flow_free(rf);
		return err;
	}
	r->attr = attr;
	r->flow = rf;
	r->id = kims_nl_u32(tb, KIMS_RTP_A_ID, 0);
	r->has_cookie = tb[KIMS_RTP_A_COOKIE];
	r->cookie = r->has_cookie ? nla_get_u64(tb[KIMS_RTP_A_COOKIE]) : 0;
	return 0;
}

/* Number of flows in the request, or -EINVAL. */
static int kims_rtp_count_requests(const struct genl_info *info)
{
	const struct nlattr *attr;
	int n = 0, rem;

	nlmsg_for_each_attr(attr, info->nlhdr, GENL_HDRLEN, rem)
		n += nla_type(attr) == KIMS_A_RTP_FLOW;
	if (!n)
		return KIMS_REFUSE(info->extack, -EINVAL, "rtp-flow is missing");
	if (n > KIMS_RTP_BATCH_MAX)
		return KIMS_REFUSE(info->extack, -EINVAL, "too many flows in one message");
	return n;
}

static int kims_rtp_read_requests(const struct genl_info *info, struct kims_rtp_request *r)
{
	const struct nlattr *attr;
	int rem, err;

	nlmsg_for_each_attr(attr, info->nlhdr, GENL_HDRLEN, rem) {
		if (nla_type(attr) != KIMS_A_RTP_FLOW)
			continue;
		err = kims_rtp_read_request(attr, r++, info->extack);
		if (err)
			return err;
	}
	return 0;
}

/* --- rtp-new, rtp-replace --- */

static int kims_rtp_apply_new(struct kims_net *kn, struct kims_rtp_request *r,
			      struct netlink_ext_ack *extack)
{
	if (r->id && kims_rtp_find(kn, r->id))
		return KIMS_REFUSE_ATTR(extack, -EEXIST, r->attr, "there is a flow of this id");
	return kims_rtp_create(kn, r->id, r->cookie, r->flow, &r->change, extack);
}

static int kims_rtp_apply_replace(struct kims_net *kn, struct kims_rtp_request *r,
				  struct netlink_ext_ack *extack)
{
	struct kims_rtp *rtp = r->id ? kims_rtp_find(kn, r->id) : NULL;

	if (!r->id)
		return KIMS_REFUSE_ATTR(extack, -EINVAL, r->attr, "id is missing");
	if (!rtp)
		return KIMS_REFUSE_ATTR(extack, -ENOENT, r->attr, "no flow of this id");
	if (r->has_cookie && r->cookie != rtp->cookie)
		return KIMS_REFUSE_ATTR(extack, -EINVAL, r->attr, "the flow has another cookie");
	return kims_rtp_replace(rtp, r->flow, &r->change, extack);
}

static int kims_rtp_apply(struct kims_net *kn, struct kims_rtp_request *r,
			  const struct genl_info *info)
{
	int err;

	err = info->genlhdr->cmd == KIMS_CMD_RTP_NEW ?
		      kims_rtp_apply_new(kn, r, info->extack) :
		      kims_rtp_apply_replace(kn, r, info->extack);
	if (!err)
		r->flow = NULL;
	return err;
}

static int kims_rtp_put_id(struct sk_buff *skb, const struct kims_rtp *rtp)
{
	struct nlattr *nest = nla_nest_start(skb, KIMS_A_RTP_FLOW);

	if (!nest || nla_put_u32(skb, KIMS_RTP_A_ID, rtp->id))
		return -EMSGSIZE;
	nla_nest_end(skb, nest);
	return 0;
}

/* All or none; fills the reply. */
static int kims_rtp_transact(struct kims_net *kn, struct kims_rtp_request *r, int n,
			     struct genl_info *info, struct sk_buff *reply)
{
	int err = 0, i;

	mutex_lock(&kn->lock);
	for (i = 0; i < n; i++) {
		err = kims_rtp_apply(kn, &r[i], info);
		if (err)
			break;
		err = kims_rtp_put_id(reply, r[i].change.rtp);
		if (err) {
			i++; /* this one is in place */
			break;
		}
	}
	while (err && i-- > 0)
		kims_rtp_undo(&r[i].change);
	for (i = 0; !err && i < n; i++)
		kims_rtp_commit(&r[i].change);
	mutex_unlock(&kn->lock);
	return err;
}

static void kims_rtp_free_requests(struct kims_rtp_request *r, int n)
{
	int i;

	for (i = 0; i < n; i++)
		if (r[i].flow)
			kims_flow_free(&r[i].flow->flow);
	kfree(r);
}

static int kims_rtp_change(struct genl_info *info)
{
	struct kims_net *kn = kims_net(genl_info_net(info));
	struct kims_rtp_request *r;
	struct sk_buff *reply;
	int n, err;
	void *hdr;

	n = kims_rtp_count_requests(info);
	if (n < 0)
		return n;
	r = kcalloc(n, sizeof(*r), GFP_KERNEL);
	reply = kims_nl_reply_new(info, n * nla_total_size(nla_total_size(sizeof(u32))), &hdr);
	err = r && reply ? kims_rtp_read_requests(info, r) : -ENOMEM;
	if (!err)
		err = kims_rtp_transact(kn, r, n, info, reply);
	if (r)
		kims_rtp_free_requests(r, n);
	return reply ? kims_nl_reply_send(info, reply, hdr, err) : err;
}

int kims_nl_rtp_new_doit(struct sk_buff *skb, struct genl_info *info)
{
	return kims_rtp_change(info);
}

int kims_nl_rtp_replace_doit(struct sk_buff *skb, struct genl_info *info)
{
	return kims_rtp_change(info);
}

/* --- writing; under kims_rtp.lock --- */

static int kims_rtp_put_source(struct sk_buff *skb, const struct kims_rtp *rtp)
{
	const struct kims_rtp_source *s = &rtp->source;

	if (nla_put_s64(skb, KIMS_RTP_COUNTERS_A_LOST, kims_rtp_lost(rtp),
			KIMS_RTP_COUNTERS_A_PAD) ||
	    nla_put_u32(skb, KIMS_RTP_COUNTERS_A_JITTER, s->jitter >> 4) ||
	    nla_put_u32(skb, KIMS_RTP_COUNTERS_A_SSRC_CHANGES, rtp->count.ssrc_changes))
		return -EMSGSIZE;
	if (!s->heard)
		return 0;
	return nla_put_u32(skb, KIMS_RTP_COUNTERS_A_SSRC, s->ssrc) ?:
	       nla_put_u32(skb, KIMS_RTP_COUNTERS_A_MAX_SEQ, s->cycles + s->max_seq);
}

static int kims_rtp_put_drops(struct sk_buff *skb, const struct kims_rtp_counters *c)
{
	struct nlattr *nest = nla_nest_start(skb, KIMS_RTP_COUNTERS_A_DROPS);
	unsigned int slot;

	if (!nest)
		return -EMSGSIZE;
	for (slot = 1; slot < KIMS_RTP_N_DROPS; slot++)
		if (c->drops[slot] &&
		    nla_put_u64_64bit(skb, kims_rtp_drop_reason(slot), c->drops[slot],
				      KIMS_DROP_PAD))
			return -EMSGSIZE;
	nla_nest_end(skb, nest);
	return 0;
}

static int kims_rtp_put_copies(struct sk_buff *skb, const struct kims_rtp *rtp)
{
	const struct kims_rtp_counters *c = &rtp->count;

	if (!c->copies && !c->copies_lost)
		return 0;
	return nla_put_u64_64bit(skb, KIMS_RTP_COUNTERS_A_COPIES, c->copies,
				 KIMS_RTP_COUNTERS_A_PAD) ?:
	       nla_put_u64_64bit(skb, KIMS_RTP_COUNTERS_A_COPIES_LOST, c->copies_lost,
				 KIMS_RTP_COUNTERS_A_PAD);
}

static int kims_rtp_put_counters(struct sk_buff *skb, const struct kims_rtp *rtp)
{
	struct nlattr *nest = nla_nest_start(skb, KIMS_RTP_A_COUNTERS);
	const struct kims_rtp_counters *c = &rtp->count;

	if (!nest ||
	    nla_put_u64_64bit(skb, KIMS_RTP_COUNTERS_A_PACKETS, c->packets,
			      KIMS_RTP_COUNTERS_A_PAD) ||
	    nla_put_u64_64bit(skb, KIMS_RTP_COUNTERS_A_OCTETS, c->octets,
			      KIMS_RTP_COUNTERS_A_PAD) ||
	    nla_put_u64_64bit(skb, KIMS_RTP_COUNTERS_A_RTCP_PACKETS, c->rtcp_packets,
			      KIMS_RTP_COUNTERS_A_PAD) ||
	    kims_rtp_put_source(skb, rtp) || kims_rtp_put_drops(skb, c) ||
	    kims_rtp_put_copies(skb, rtp) || kims_rtcp_put(skb, rtp))
		return -EMSGSIZE;
	nla_nest_end(skb, nest);
	return 0;
}

/* The peer as it was given, not as it was learned. */
static int kims_rtp_put_peer(struct sk_buff *skb, const struct kims_rtp_flow *rf)
{
	struct kims_end peer = rf->flow.from;

	if (rf->options && rf->options->latch != KIMS_LATCH_OFF)
		peer = (struct kims_end){ .addr = rf->options->peer };
	return kims_rtp_put_end(skb, KIMS_RTP_A_PEER_IPV4, KIMS_RTP_A_PEER_IPV6,
				KIMS_RTP_A_PEER_PORT, &peer);
}

static int kims_rtp_put_ends(struct sk_buff *skb, const struct kims_rtp_flow *rf)
{
	const struct kims_way *out = &rf->flow.way;

	return kims_rtp_put_end(skb, KIMS_RTP_A_LOCAL_IPV4, KIMS_RTP_A_LOCAL_IPV6,
				KIMS_RTP_A_LOCAL_PORT, &rf->flow.local.key.local) ?:
	       kims_rtp_put_peer(skb, rf) ?:
	       kims_rtp_put_end(skb, KIMS_RTP_A_SRC_IPV4, KIMS_RTP_A_SRC_IPV6,
				KIMS_RTP_A_SRC_PORT, &out->src) ?:
	       kims_rtp_put_end(skb, KIMS_RTP_A_DST_IPV4, KIMS_RTP_A_DST_IPV6,
				KIMS_RTP_A_DST_PORT, &out->dst);
}

static int kims_rtp_put_filter(struct sk_buff *skb, const struct kims_rtp_flow *rf)
{
	u8 octets[16] = {};
	unsigned int pt;

	if (!rf->filter)
		return 0;
	for_each_set_bit(pt, rf->payload_types, 128)
		octets[pt / 8] |= 1 << pt % 8;
	return nla_put(skb, KIMS_RTP_A_PAYLOAD_TYPES, sizeof(octets), octets);
}

static int kims_rtp_put_conf(struct sk_buff *skb, const struct kims_rtp_flow *rf)
{
	if (nla_put_u32(skb, KIMS_RTP_A_MEDIA, rf->media) ||
	    nla_put_u32(skb, KIMS_RTP_A_GATE, rf->gate) ||
	    nla_put_u32(skb, KIMS_RTP_A_TIMEOUT, rf->timeout) ||
	    nla_put_u32(skb, KIMS_RTP_A_CLOCK_RATE, rf->clock_rate))
		return -EMSGSIZE;
	if (rf->flow.dscp >= 0 && nla_put_u32(skb, KIMS_RTP_A_DSCP, rf->flow.dscp))
		return -EMSGSIZE;
	return kims_rtp_put_ends(skb, rf) ?: kims_rtp_put_filter(skb, rf);
}

static int kims_rtp_put_idle(struct sk_buff *skb, const struct kims_rtp *rtp)
{
	if (!rtp->seen)
		return 0;
	return nla_put_u32(skb, KIMS_RTP_A_IDLE, jiffies_to_msecs(jiffies - rtp->last));
}

static int kims_rtp_put(struct sk_buff *skb, const struct kims_rtp *rtp)
{
	struct nlattr *nest = nla_nest_start(skb, KIMS_A_RTP_FLOW);
	const struct kims_rtp_flow *rf =
		rcu_dereference_check(rtp->flow, lockdep_is_held(&rtp->kn->lock));

	if (!nest || nla_put_u32(skb, KIMS_RTP_A_ID, rtp->id) ||
	    nla_put_u64_64bit(skb, KIMS_RTP_A_COOKIE, rtp->cookie, KIMS_RTP_A_PAD) ||
	    kims_rtp_put_conf(skb, rf) || kims_rtp_put_options(skb, rtp, rf) ||
	    kims_rtp_put_counters(skb, rtp) ||
	    kims_rtp_put_idle(skb, rtp))
		return -EMSGSIZE;
	nla_nest_end(skb, nest);
	return 0;
}

static int kims_rtp_put_lock(struct sk_buff *skb, struct kims_rtp *rtp)
{
	int err;

	spin_lock_bh(&rtp->lock);
	err = kims_rtp_put(skb, rtp);
	spin_unlock_bh(&rtp->lock);
	return err;
}

void kims_rtp_notify(struct kims_rtp *rtp, u8 cmd)
{
	struct sk_buff *skb;
	void *hdr;

	skb = kims_nl_event_new(rtp->kn, cmd, KIMS_NLGRP_RTP, &hdr);
	if (skb)
		kims_nl_event_send(rtp->kn, skb, hdr, KIMS_NLGRP_RTP, kims_rtp_put(skb, rtp));
}

/* --- rtp-del, rtp-get --- */

/* id or cookie of the request; *ret_id is 0 when it names a cookie. */
static int kims_rtp_read_ref(struct genl_info *info, u32 *ret_id, u64 *ret_cookie)
{
	struct nlattr *tb[KIMS_RTP_A_COOKIE + 1];
	int err;

	if (!info->attrs[KIMS_A_RTP_FLOW])
		return KIMS_REFUSE(info->extack, -EINVAL, "rtp-flow is missing");
	err = nla_parse_nested(tb, KIMS_RTP_A_COOKIE, info->attrs[KIMS_A_RTP_FLOW],
			       kims_rtp_flow_ref_nl_policy, info->extack);
	if (err)
		return err;
	if (!tb[KIMS_RTP_A_ID] == !tb[KIMS_RTP_A_COOKIE])
		return KIMS_REFUSE(info->extack, -EINVAL, "give the id of a flow or a cookie");
	*ret_id = kims_nl_u32(tb, KIMS_RTP_A_ID, 0);
	*ret_cookie = tb[KIMS_RTP_A_COOKIE] ? nla_get_u64(tb[KIMS_RTP_A_COOKIE]) : 0;
	return 0;
}

static int kims_rtp_delete_one(struct kims_rtp *rtp, struct sk_buff *reply)
{
	int err;

	kims_rtp_delete(rtp);
	spin_lock_bh(&rtp->lock);
	err = kims_rtp_put(reply, rtp);
	kims_rtp_notify(rtp, KIMS_CMD_RTP_DEL_NTF);
	spin_unlock_bh(&rtp->lock);
	kims_rtp_free(rtp);
	return err;
}

static int kims_rtp_delete_id(struct kims_net *kn, u32 id, struct sk_buff *reply,
			      struct netlink_ext_ack *extack)
{
	struct kims_rtp *rtp = kims_rtp_find(kn, id);

	if (!rtp)
		return KIMS_REFUSE(extack, -ENOENT, "no flow of this id");
	return kims_rtp_delete_one(rtp, reply);
}

static int kims_rtp_delete_cookie(struct kims_net *kn, u64 cookie, struct sk_buff *reply,
				  struct netlink_ext_ack *extack)
{
	struct kims_rtp *rtp;
	int n, err;
	u32 left;

	rtp = kims_rtp_find_cookie(kn, cookie, &left);
	if (!rtp)
		return KIMS_REFUSE(extack, -ENOENT, "no flow of this cookie");
	for (n = 0; rtp && n < KIMS_RTP_BATCH_MAX; n++) {
		err = kims_rtp_delete_one(rtp, reply);
		if (err)
			return err;
		rtp = kims_rtp_find_cookie(kn, cookie, &left);
	}
	return nla_put_u32(reply, KIMS_A_REMAINING, left);
}

int kims_nl_rtp_del_doit(struct sk_buff *skb, struct genl_info *info)
{
	struct kims_net *kn = kims_net(genl_info_net(info));
	struct sk_buff *reply;
	u64 cookie;
	void *hdr;
	int err;
	u32 id;

	err = kims_rtp_read_ref(info, &id, &cookie);
	if (err)
		return err;
	reply = kims_nl_reply_new(info, KIMS_RTP_MSG_SIZE * (id ? 1 : KIMS_RTP_BATCH_MAX), &hdr);
	if (!reply)
		return -ENOMEM;
	mutex_lock(&kn->lock);
	err = id ? kims_rtp_delete_id(kn, id, reply, info->extack) :
		   kims_rtp_delete_cookie(kn, cookie, reply, info->extack);
	mutex_unlock(&kn->lock);
	return kims_nl_reply_send(info, reply, hdr, err);
}

int kims_nl_rtp_get_doit(struct sk_buff *skb, struct genl_info *info)
{
	struct kims_net *kn = kims_net(genl_info_net(info));
	struct sk_buff *reply;
	struct kims_rtp *rtp;
	u64 cookie;
	void *hdr;
	int err;
	u32 id;

	err = kims_rtp_read_ref(info, &id, &cookie);
	if (err)
		return err;
	if (!id)
		return KIMS_REFUSE(info->extack, -EINVAL, "flows of a cookie: ask for a dump");
	reply = kims_nl_reply_new(info, KIMS_RTP_MSG_SIZE, &hdr);
	if (!reply)
		return -ENOMEM;
	mutex_lock(&kn->lock);
	rtp = kims_rtp_find(kn, id);
	err = rtp ? kims_rtp_put_lock(reply, rtp) :
		    KIMS_REFUSE(info->extack, -ENOENT, "no flow of this id");
	mutex_unlock(&kn->lock);
	return kims_nl_reply_send(info, reply, hdr, err);
}

/* The cookie that a dump asks for; false: all flows. -EINVAL. */
static int kims_rtp_dump_filter(struct netlink_callback *cb, bool *ret_filter, u64 *ret_cookie)
{
	struct nlattr *nest = genl_info_dump(cb)->attrs ?
				      genl_info_dump(cb)->attrs[KIMS_A_RTP_FLOW] : NULL;
	struct nlattr *tb[KIMS_RTP_A_COOKIE + 1];
	int err;

	*ret_filter = false;
	if (!nest)
		return 0;
	err = nla_parse_nested(tb, KIMS_RTP_A_COOKIE, nest, kims_rtp_flow_ref_nl_policy,
			       cb->extack);
	if (err)
		return err;
	if (tb[KIMS_RTP_A_ID] || !tb[KIMS_RTP_A_COOKIE])
		return KIMS_REFUSE(cb->extack, -EINVAL, "a dump selects by cookie only");
	*ret_filter = true;
	*ret_cookie = nla_get_u64(tb[KIMS_RTP_A_COOKIE]);
	return 0;
}

static int kims_rtp_dump_one(struct sk_buff *skb, struct netlink_callback *cb,
			     struct kims_rtp *rtp)
{
	void *hdr = kims_nl_dump_hdr(skb, cb, KIMS_CMD_RTP_GET);

	if (!hdr)
		return -EMSGSIZE;
	if (kims_rtp_put_lock(skb, rtp)) {
		genlmsg_cancel(skb, hdr);
		return -EMSGSIZE;
	}
	genlmsg_end(skb, hdr);
	return 0;
}

int kims_nl_rtp_get_dumpit(struct sk_buff *skb, struct netlink_callback *cb)
{
	struct kims_net *kn = kims_net(sock_net(skb->sk));
	struct kims_rtp *rtp;
	unsigned long id;
	u64 cookie = 0;
	bool filter;
	int err;

	err = kims_rtp_dump_filter(cb, &filter, &cookie);
	if (err)
		return err;
	mutex_lock(&kn->lock);
	cb->seq = kn->seq + 1;
	xa_for_each_start(&kn->rtp->flows, id, rtp, cb->args[0]) {
		if (filter && rtp->cookie != cookie)
			continue;
		if (kims_rtp_dump_one(skb, cb, rtp))
			break;
	}
	cb->args[0] = rtp ? id : ULONG_MAX;
	mutex_unlock(&kn->lock);
	return skb->len;
}
