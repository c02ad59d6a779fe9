// SPDX-License-Identifier: GPL-2.0
/*
 * Sessions as they are told: rules, counters, or counters alone; include/netlink/kims.yaml.
 *
 * A session with all its rules may be longer than a message. It is written piece by piece, a
 * piece being a rule, or a filter of a PDR, and struct kims_put_at says where to go on; in every
 * message the session has its id, and a PDR that goes on has its own.
 */
#include "gtpu/control.h"

enum kims_put_part {
	KIMS_PUT_HEAD,
	KIMS_PUT_PDRS,
	KIMS_PUT_FARS,
	KIMS_PUT_QERS,
	KIMS_PUT_URRS,
	KIMS_PUT_END,
};

/* Octets of attributes in messages; each nest and number is aligned to 4. */
#define KIMS_U32_SIZE 8
#define KIMS_U64_SIZE 16 /* with padding */
#define KIMS_COUNT_SIZE (4 + KIMS_U32_SIZE + 3 * KIMS_U64_SIZE)
#define KIMS_METER_SIZE (4 + KIMS_U32_SIZE + 4 * KIMS_U64_SIZE)
#define KIMS_USAGE_SIZE (4 + 4 * KIMS_U32_SIZE + 16 * KIMS_U64_SIZE)

static int kims_put_u64(struct sk_buff *skb, int attr, u64 value)
{
	return nla_put(skb, attr, sizeof(value), &value);
}

/* What is 0 is the default and not said. */
static int kims_put_u32_set(struct sk_buff *skb, int attr, u32 value)
{
	return value ? nla_put_u32(skb, attr, value) : 0;
}

static int kims_put_u64_set(struct sk_buff *skb, int attr, u64 value)
{
	return value ? kims_put_u64(skb, attr, value) : 0;
}

static int kims_put_s16(struct sk_buff *skb, int attr, s16 value)
{
	return value >= 0 ? nla_put_u32(skb, attr, value) : 0;
}

/* --- session --- */

static int kims_put_bar(struct sk_buff *skb, const struct kims_bar *bar)
{
	struct nlattr *nest = nla_nest_start(skb, KIMS_SESSION_A_BAR);

	if (!nest || kims_put_u32_set(skb, KIMS_BAR_A_PACKETS, bar->packets) ||
	    kims_put_u32_set(skb, KIMS_BAR_A_OCTETS, bar->octets) ||
	    kims_put_u32_set(skb, KIMS_BAR_A_TIMEOUT, bar->timeout) ||
	    kims_put_u32_set(skb, KIMS_BAR_A_DELAY, bar->delay))
		return -EMSGSIZE;
	nla_nest_end(skb, nest);
	return 0;
}

static int kims_put_ue(struct sk_buff *skb, const struct kims_ue *ue)
{
	return ue ? kims_nl_put_addr(skb, KIMS_SESSION_A_UE_IPV4, KIMS_SESSION_A_UE_IPV6,
				     &ue->addr) : 0;
}

static int kims_put_idle(struct sk_buff *skb, const struct kims_session *s)
{
	return s->seen ? nla_put_u32(skb, KIMS_SESSION_A_IDLE, jiffies_to_msecs(jiffies - s->last)) :
			 0;
}

static int kims_put_head(struct sk_buff *skb, const struct kims_session *s)
{
	return nla_put_string(skb, KIMS_SESSION_A_LABEL, s->label) ?:
	       kims_put_ue(skb, s->ue[0]) ?: kims_put_ue(skb, s->ue[1]) ?:
	       kims_put_u32_set(skb, KIMS_SESSION_A_IDLE_TIMEOUT, s->idle_timeout) ?:
	       kims_put_u32_set(skb, KIMS_SESSION_A_MONITORED, s->monitored) ?:
	       nla_put_u32(skb, KIMS_SESSION_A_BUFFERED_PACKETS, skb_queue_len(&s->buffer)) ?:
	       nla_put_u32(skb, KIMS_SESSION_A_BUFFERED_OCTETS, s->buffered) ?:
	       kims_put_idle(skb, s) ?: kims_put_bar(skb, &s->bar);
}

/* --- filters --- */

/* Of an IPv4 mask, too: all but its first word is 0. */
static u32 kims_mask_len(const struct in6_addr *mask)
{
	u32 len = 0;
	int i;

	for (i = 0; i < 4; i++)
		len += hweight32((__force u32)mask->s6_addr32[i]);
	return len;
}

static int kims_put_prefix(struct sk_buff *skb, int attr4, u8 family, const struct in6_addr *addr,
			   const struct in6_addr *mask)
{
	struct kims_addr a = { .v6 = *addr, .family = family };

	if (family == AF_UNSPEC || ipv6_addr_any(mask))
		return 0;
	return kims_nl_put_addr(skb, attr4, attr4 + 1, &a) ?:
	       nla_put_u32(skb, attr4 + 2, kims_mask_len(mask));
}

static int kims_put_ports(struct sk_buff *skb, int attr, const struct kims_ports *p, u32 n)
{
	int err = 0;

	for (; n-- && !err; p++)
		err = nla_put_u32(skb, attr, (u32)p->low << 16 | p->high);
	return err;
}

static int kims_put_filter_rest(struct sk_buff *skb, const struct kims_filter *f)
{
	if (f->tos_mask && (nla_put_u32(skb, KIMS_FILTER_A_TOS, f->tos) ||
			    nla_put_u32(skb, KIMS_FILTER_A_TOS_MASK, f->tos_mask)))
		return -EMSGSIZE;
	if (f->flow_label != ~0U && nla_put_u32(skb, KIMS_FILTER_A_FLOW_LABEL, f->flow_label))
		return -EMSGSIZE;
	return kims_put_u32_set(skb, KIMS_FILTER_A_SPI, f->spi) ?:
	       nla_put_u32(skb, KIMS_FILTER_A_DIRECTION, f->directions);
}

static int kims_put_filter(struct sk_buff *skb, const struct kims_filter *f)
{
	struct nlattr *nest = nla_nest_start(skb, KIMS_PDR_A_FILTER);

	if (!nest || kims_put_u32_set(skb, KIMS_FILTER_A_ID, f->id) ||
	    kims_put_s16(skb, KIMS_FILTER_A_PROTOCOL, f->protocol) ||
	    kims_put_prefix(skb, KIMS_FILTER_A_UE_IPV4, f->family, &f->ue, &f->ue_mask) ||
	    kims_put_prefix(skb, KIMS_FILTER_A_REMOTE_IPV4, f->family, &f->remote,
			    &f->remote_mask) ||
	    kims_put_ports(skb, KIMS_FILTER_A_UE_PORTS, f->ports, f->n_ue_ports) ||
	    kims_put_ports(skb, KIMS_FILTER_A_REMOTE_PORTS, f->ports + f->n_ue_ports,
			   f->n_remote_ports) ||
	    kims_put_filter_rest(skb, f))
		return -EMSGSIZE;
	nla_nest_end(skb, nest);
	return 0;
}

/* --- PDR --- */

static int kims_put_pdr_match(struct sk_buff *skb, const struct kims_pdr *p)
{
	if (p->tunnel && p->tunnel->ep &&
	    (nla_put_u32(skb, KIMS_PDR_A_ENDPOINT, p->tunnel->ep->id) ||
	     nla_put_u32(skb, KIMS_PDR_A_TEID, ntohl(p->tunnel->teid))))
		return -EMSGSIZE;
	if (p->app_id && (nla_put_u32(skb, KIMS_PDR_A_APP_ID, p->app_id) ||
			  nla_put_u32(skb, KIMS_PDR_A_APP_QUEUE, p->queue) ||
			  nla_put_u32(skb, KIMS_PDR_A_APP_FAIL, p->fail_open)))
		return -EMSGSIZE;
	return nla_put_u32(skb, KIMS_PDR_A_PRECEDENCE, p->precedence) ?:
	       nla_put_u32(skb, KIMS_PDR_A_SOURCE_INTERFACE, p->source) ?:
	       kims_put_s16(skb, KIMS_PDR_A_QFI, p->qfi) ?:
	       kims_put_u32_set(skb, KIMS_PDR_A_KEEP_OUTER_HEADER, !p->decap) ?:
	       kims_put_u32_set(skb, KIMS_PDR_A_ANY_SOURCE, p->any_source) ?:
	       kims_put_u32_set(skb, KIMS_PDR_A_DEVICE, p->ifindex);
}

static int kims_put_pdr_refs(struct sk_buff *skb, const struct kims_pdr *p)
{
	int err = nla_put_u32(skb, KIMS_PDR_A_FAR_ID, p->far->id);
	u32 i;

	for (i = 0; i < p->n_qers && !err; i++)
		err = nla_put_u32(skb, KIMS_PDR_A_QER_ID, p->qers[i]->id);
	for (i = 0; i < p->n_urrs && !err; i++)
		err = nla_put_u32(skb, KIMS_PDR_A_URR_ID, p->urrs[i]->id);
	return err;
}

static int kims_put_pdr_count(struct sk_buff *skb, const struct kims_pdr_count *c)
{
	return kims_put_u64(skb, KIMS_PDR_A_PACKETS, c->packets) ?:
	       kims_put_u64(skb, KIMS_PDR_A_OCTETS, c->octets) ?:
	       kims_put_u64(skb, KIMS_PDR_A_DROPPED, c->dropped);
}

static int kims_put_pdr_head(struct sk_buff *skb, const struct kims_pdr *p)
{
	return kims_put_pdr_match(skb, p) ?: kims_put_pdr_refs(skb, p) ?:
	       kims_put_pdr_count(skb, p->count);
}

/* Of a PDR, what fits; *sub as in struct kims_put_at. */
static int kims_put_pdr(struct sk_buff *skb, const struct kims_pdr *p, u32 *sub)
{
	struct nlattr *nest = nla_nest_start(skb, KIMS_SESSION_A_PDR);
	unsigned char *end;
	u32 before = *sub;
	int err;

	err = nest ? nla_put_u32(skb, KIMS_PDR_A_ID, p->id) : -EMSGSIZE;
	if (!err && !*sub) {
		err = kims_put_pdr_head(skb, p);
		if (!err)
			*sub = 1;
	}
	while (!err && *sub - 1 < p->n_filters) {
		end = skb_tail_pointer(skb);
		err = kims_put_filter(skb, p->filters[*sub - 1]);
		if (err)
			nlmsg_trim(skb, end);
		else
			++*sub;
	}
	if (err && *sub == before)
		return err; /* trimmed by the caller */
	nla_nest_end(skb, nest);
	return err;
}

/* --- FAR --- */

static int kims_put_far_outer(struct sk_buff *skb, const struct kims_far *f)
{
	if (!f->encap)
		return 0;
	return nla_put_u32(skb, KIMS_FAR_A_ENDPOINT, f->ep->id) ?:
	       nla_put_u32(skb, KIMS_FAR_A_TEID, ntohl(f->teid)) ?:
	       kims_nl_put_addr(skb, KIMS_FAR_A_PEER_IPV4, KIMS_FAR_A_PEER_IPV6,
				&f->way.dst.addr) ?:
	       nla_put_u32(skb, KIMS_FAR_A_PEER_PORT, ntohs(f->way.dst.port));
}

static int kims_put_far_dup(struct sk_buff *skb, const struct kims_far *f)
{
	if (!f->dup_ep)
		return 0;
	return nla_put_u32(skb, KIMS_FAR_A_DUP_ENDPOINT, f->dup_ep->id) ?:
	       nla_put_u32(skb, KIMS_FAR_A_DUP_TEID, ntohl(f->dup_teid)) ?:
	       kims_nl_put_addr(skb, KIMS_FAR_A_DUP_IPV4, KIMS_FAR_A_DUP_IPV6, &f->dup.dst.addr);
}

static int kims_put_far(struct sk_buff *skb, const struct kims_far *f)
{
	struct nlattr *nest = nla_nest_start(skb, KIMS_SESSION_A_FAR);

	if (!nest || nla_put_u32(skb, KIMS_FAR_A_ID, f->id) ||
	    nla_put_u32(skb, KIMS_FAR_A_APPLY_ACTION, f->action) ||
	    nla_put_u32(skb, KIMS_FAR_A_DESTINATION_INTERFACE, f->dst_interface) ||
	    kims_put_s16(skb, KIMS_FAR_A_DSCP, f->dscp) ||
	    kims_put_u32_set(skb, KIMS_FAR_A_DEVICE, f->ifindex) || kims_put_far_outer(skb, f) ||
	    kims_put_far_dup(skb, f))
		return -EMSGSIZE;
	nla_nest_end(skb, nest);
	return 0;
}

/* --- QER, URR --- */

static int kims_put_qer_count(struct sk_buff *skb, const struct kims_qer *q)
{
	return kims_put_u64(skb, KIMS_QER_A_OCTETS_UL, q->octets[KIMS_UPLINK]) ?:
	       kims_put_u64(skb, KIMS_QER_A_OCTETS_DL, q->octets[KIMS_DOWNLINK]) ?:
	       kims_put_u64(skb, KIMS_QER_A_DROPPED_UL, q->dropped[KIMS_UPLINK]) ?:
	       kims_put_u64(skb, KIMS_QER_A_DROPPED_DL, q->dropped[KIMS_DOWNLINK]);
}

static int kims_put_qer_conf(struct sk_buff *skb, const struct kims_qer *q)
{
	return nla_put_u32(skb, KIMS_QER_A_GATE_UL, q->gate[KIMS_UPLINK]) ?:
	       nla_put_u32(skb, KIMS_QER_A_GATE_DL, q->gate[KIMS_DOWNLINK]) ?:
	       kims_put_u64_set(skb, KIMS_QER_A_MBR_UL, q->mbr[KIMS_UPLINK].rate) ?:
	       kims_put_u64_set(skb, KIMS_QER_A_MBR_DL, q->mbr[KIMS_DOWNLINK].rate) ?:
	       kims_put_u64_set(skb, KIMS_QER_A_GBR_UL, q->gbr[KIMS_UPLINK]) ?:
	       kims_put_u64_set(skb, KIMS_QER_A_GBR_DL, q->gbr[KIMS_DOWNLINK]) ?:
	       kims_put_u32_set(skb, KIMS_QER_A_BURST, q->burst) ?:
	       kims_put_s16(skb, KIMS_QER_A_QFI, q->qfi);
}

static int kims_put_qer(struct sk_buff *skb, const struct kims_qer *q, bool conf)
{
	struct nlattr *nest = nla_nest_start(skb, KIMS_SESSION_A_QER);

	if (!nest || nla_put_u32(skb, KIMS_QER_A_ID, q->id) ||
	    (conf && kims_put_qer_conf(skb, q)) || kims_put_qer_count(skb, q))
		return -EMSGSIZE;
	nla_nest_end(skb, nest);
	return 0;
}

/* Total, uplink, downlink. */
static int kims_put_volumes(struct sk_buff *skb, int attr, const u64 *v)
{
	return kims_put_u64_set(skb, attr, v[KIMS_VOLUME_TOTAL]) ?:
	       kims_put_u64_set(skb, attr + 1, v[KIMS_VOLUME_UL]) ?:
	       kims_put_u64_set(skb, attr + 2, v[KIMS_VOLUME_DL]);
}

static int kims_put_urr_conf(struct sk_buff *skb, const struct kims_urr *u)
{
	return nla_put_u32(skb, KIMS_URR_A_METHOD, u->method) ?:
	       nla_put_u32(skb, KIMS_URR_A_TRIGGERS, u->triggers) ?:
	       kims_put_volumes(skb, KIMS_URR_A_VOLUME_THRESHOLD, u->threshold) ?:
	       kims_put_volumes(skb, KIMS_URR_A_VOLUME_QUOTA, u->quota) ?:
	       kims_put_u32_set(skb, KIMS_URR_A_TIME_THRESHOLD, u->time_threshold) ?:
	       kims_put_u32_set(skb, KIMS_URR_A_TIME_QUOTA, u->time_quota) ?:
	       kims_put_u32_set(skb, KIMS_URR_A_PERIOD, u->period) ?:
	       kims_put_u64_set(skb, KIMS_URR_A_MONITORING_TIME, u->monitoring) ?:
	       kims_put_u32_set(skb, KIMS_URR_A_INACTIVITY, u->inactivity) ?:
	       kims_put_u32_set(skb, KIMS_URR_A_BEFORE_QOS, u->before_qos) ?:
	       kims_put_u32_set(skb, KIMS_URR_A_LINKED_URR, u->linked);
}

/* final: removed, by itself or with its session. */
static int kims_put_urr(struct sk_buff *skb, const struct kims_urr *u, bool conf, bool final)
{
	struct nlattr *nest = nla_nest_start(skb, KIMS_SESSION_A_URR);

	if (!nest || nla_put_u32(skb, KIMS_URR_A_ID, u->id) ||
	    (conf && kims_put_urr_conf(skb, u)) ||
	    (final && nla_put_u32(skb, KIMS_URR_A_TRIGGER, KIMS_URR_TRIGGER_TERMR)) ||
	    kims_nl_put_urr_usage(skb, u))
		return -EMSGSIZE;
	nla_nest_end(skb, nest);
	return 0;
}

/* --- pieces --- */

static u32 kims_put_number(const struct kims_session *s, const struct kims_rules *r, u32 part)
{
	switch (part) {
	case KIMS_PUT_HEAD:
		return 1;
	case KIMS_PUT_PDRS:
		return r ? r->n_pdrs : 0;
	case KIMS_PUT_FARS:
		return r ? r->n_fars : 0;
	case KIMS_PUT_QERS:
		return s->n_qers;
	case KIMS_PUT_URRS:
		return s->n_urrs;
	}
	return 0;
}

static int kims_put_piece(struct sk_buff *skb, const struct kims_session *s,
			  const struct kims_rules *r, struct kims_put_at *at)
{
	switch (at->part) {
	case KIMS_PUT_HEAD:
		return kims_put_head(skb, s);
	case KIMS_PUT_PDRS:
		return kims_put_pdr(skb, &r->pdrs[at->index], &at->sub);
	case KIMS_PUT_FARS:
		return kims_put_far(skb, &r->fars[at->index]);
	case KIMS_PUT_QERS:
		return kims_put_qer(skb, s->qers[at->index], true);
	case KIMS_PUT_URRS:
		return kims_put_urr(skb, s->urrs[at->index], true, false);
	}
	return 0;
}

/* Pieces from *at until one does not fit; of that nothing is left, but the filters that fit. */
static int kims_put_pieces(struct sk_buff *skb, const struct kims_session *s,
			   const struct kims_rules *r, struct kims_put_at *at)
{
	unsigned char *end;
	u32 sub;
	int err;

	for (; at->part < KIMS_PUT_END; at->part++, at->index = 0) {
		for (; at->index < kims_put_number(s, r, at->part); at->index++, at->sub = 0) {
			end = skb_tail_pointer(skb);
			sub = at->sub;
			err = kims_put_piece(skb, s, r, at);
			if (err && at->sub == sub)
				nlmsg_trim(skb, end);
			if (err)
				return -EMSGSIZE;
		}
	}
	return 0;
}

static void kims_session_settle_urrs(struct kims_session *s)
{
	u64 now = ktime_get_boottime_ns();
	u32 i;

	for (i = 0; i < s->n_urrs && !s->dead; i++)
		kims_urr_settle(s->urrs[i], now);
}

int kims_session_put(struct sk_buff *skb, struct kims_session *s, struct kims_put_at *at)
{
	const struct kims_rules *r = kims_session_rules(s);
	struct nlattr *nest = nla_nest_start(skb, KIMS_A_SESSION);
	struct kims_put_at before = *at;
	int err;

	if (!nest)
		return -EMSGSIZE;
	err = kims_put_u64(skb, KIMS_SESSION_A_ID, s->id);
	if (!err) {
		spin_lock_bh(&s->lock);
		kims_session_settle_urrs(s);
		err = kims_put_pieces(skb, s, r, at);
		spin_unlock_bh(&s->lock);
	}
	if (err && !memcmp(at, &before, sizeof(before)))
		nla_nest_cancel(skb, nest);
	else
		nla_nest_end(skb, nest);
	return err;
}

/* --- counters --- */

static int kims_put_count(struct sk_buff *skb, const struct kims_pdr_count *c)
{
	struct nlattr *nest = nla_nest_start(skb, KIMS_SESSION_A_PDR);

	if (!nest || nla_put_u32(skb, KIMS_PDR_A_ID, c->id) || kims_put_pdr_count(skb, c))
		return -EMSGSIZE;
	nla_nest_end(skb, nest);
	return 0;
}

static int kims_put_counters(struct sk_buff *skb, const struct kims_session *s, bool final)
{
	int err = 0;
	u32 i;

	for (i = 0; i < s->n_counts && !err; i++)
		err = kims_put_count(skb, s->counts[i]);
	for (i = 0; i < s->n_qers && !err; i++)
		err = kims_put_qer(skb, s->qers[i], false);
	for (i = 0; i < s->n_urrs && !err; i++)
		err = kims_put_urr(skb, s->urrs[i], false, final);
	return err ?: kims_put_idle(skb, s);
}

int kims_session_put_counters(struct sk_buff *skb, struct kims_session *s, bool final)
{
	struct nlattr *nest = nla_nest_start(skb, KIMS_A_SESSION);
	int err;

	if (!nest || kims_nl_put_session_name(skb, s))
		return -EMSGSIZE;
	spin_lock_bh(&s->lock);
	err = kims_put_counters(skb, s, final);
	spin_unlock_bh(&s->lock);
	if (err)
		return -EMSGSIZE;
	nla_nest_end(skb, nest);
	return 0;
}

static size_t kims_session_name_size(const struct kims_session *s)
{
	return 4 + KIMS_U64_SIZE + nla_total_size(strlen(s->label) + 1) + KIMS_U32_SIZE;
}

size_t kims_session_counters_size(const struct kims_session *s)
{
	return kims_session_name_size(s) + s->n_counts * KIMS_COUNT_SIZE +
	       s->n_qers * KIMS_METER_SIZE + s->n_urrs * KIMS_USAGE_SIZE;
}

/* --- URRs that a change has removed: in the plan, and no more in the session --- */

size_t kims_session_gone_size(const struct kims_plan *plan)
{
	return plan->urrs_gone ?
		       kims_session_name_size(plan->s) + plan->urrs_gone * KIMS_USAGE_SIZE : 0;
}

int kims_session_put_gone(struct sk_buff *skb, const struct kims_plan *plan)
{
	const struct kims_session *s = plan->s;
	const struct kims_parts *old = &plan->parts;
	struct nlattr *nest;
	u32 i;

	if (!plan->urrs_gone)
		return 0;
	nest = nla_nest_start(skb, KIMS_A_SESSION);
	if (!nest || kims_nl_put_session_name(skb, s))
		return -EMSGSIZE;
	for (i = 0; i < old->n_urrs; i++)
		if (!kims_has(s->urrs, s->n_urrs, old->urrs[i]) &&
		    kims_put_urr(skb, old->urrs[i], false, true))
			return -EMSGSIZE;
	nla_nest_end(skb, nest);
	return 0;
}

/* --- session-del-ntf --- */

void kims_session_notify_del(struct kims_session *s)
{
	struct kims_net *kn = s->kn;
	struct sk_buff *skb;
	void *hdr;

	if (!genl_has_listeners(&kims_genl_family, kn->net, KIMS_NLGRP_GTPU))
		return;
	skb = genlmsg_new(kims_session_counters_size(s), GFP_KERNEL);
	if (!skb)
		return;
	hdr = genlmsg_put(skb, 0, 0, &kims_genl_family, 0, KIMS_CMD_SESSION_DEL_NTF);
	kims_nl_event_send(kn, skb, hdr, KIMS_NLGRP_GTPU, kims_session_put_counters(skb, s, true));
}
