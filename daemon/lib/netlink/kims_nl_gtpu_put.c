// SPDX-License-Identifier: GPL-2.0-or-later
/* Sessions to attributes of kims.ko; see kims_nl_gtpu.h. */
#include "lib/netlink/kims_nl_gtpu_priv.h"

/* --- what is 0, or less than 0, is not said --- */

static int put_set(struct nl_msg *m, int attr, uint32_t v)
{
	return v ? knl_put_u32(m, attr, v) : 0;
}

static int put_set64(struct nl_msg *m, int attr, uint64_t v)
{
	return v ? knl_put_u64(m, attr, v) : 0;
}

static int put_int(struct nl_msg *m, int attr, int v)
{
	return v >= 0 ? knl_put_u32(m, attr, v) : 0;
}

static int put_ids(struct nl_msg *m, int attr, const uint32_t *ids, size_t n)
{
	int r = 0;

	while (n-- && !r)
		r = knl_put_u32(m, attr, *ids++);
	return r;
}

/* --- filter --- */

/* The attribute of the IPv6 address follows that of the IPv4 one, then the prefix length. */
static int put_prefix(struct nl_msg *m, int attr4, const struct knl_prefix *p)
{
	if (p->addr.family == AF_UNSPEC)
		return 0;
	return knl_put_addr(m, attr4, attr4 + 1, &p->addr) || knl_put_u32(m, attr4 + 2, p->len);
}

static int put_ports(struct nl_msg *m, int attr, const struct knl_ports *p, size_t n)
{
	int r = 0;

	for (; n-- && !r; p++)
		r = knl_put_u32(m, attr, (uint32_t)p->low << 16 | p->high);
	return r;
}

static int put_tos(struct nl_msg *m, const struct knl_filter *f)
{
	if (f->tos < 0)
		return 0;
	return knl_put_u32(m, KIMS_FILTER_A_TOS, f->tos) ||
	       knl_put_u32(m, KIMS_FILTER_A_TOS_MASK, f->tos_mask);
}

static int put_filter(struct nl_msg *m, const struct knl_filter *f)
{
	struct nlattr *nest = knl_nest(m, KIMS_PDR_A_FILTER);

	if (!nest || f->n_ue_ports > KNL_FILTER_PORTS || f->n_remote_ports > KNL_FILTER_PORTS)
		return -1;
	if (put_set(m, KIMS_FILTER_A_ID, f->id) ||
	    put_int(m, KIMS_FILTER_A_PROTOCOL, f->protocol) ||
	    put_prefix(m, KIMS_FILTER_A_UE_IPV4, &f->ue) ||
	    put_prefix(m, KIMS_FILTER_A_REMOTE_IPV4, &f->remote) ||
	    put_ports(m, KIMS_FILTER_A_UE_PORTS, f->ue_ports, f->n_ue_ports) ||
	    put_ports(m, KIMS_FILTER_A_REMOTE_PORTS, f->remote_ports, f->n_remote_ports) ||
	    put_tos(m, f) || put_set(m, KIMS_FILTER_A_SPI, f->spi) ||
	    put_int(m, KIMS_FILTER_A_FLOW_LABEL, f->flow_label) ||
	    put_set(m, KIMS_FILTER_A_DIRECTION, f->direction))
		return -1;
	knl_nest_end(m, nest);
	return 0;
}

/* --- rules --- */

static int put_pdr_match(struct nl_msg *m, const struct knl_pdr *p)
{
	size_t i;
	int r;

	r = put_int(m, KIMS_PDR_A_SOURCE_INTERFACE, p->source) ||
	    put_set(m, KIMS_PDR_A_ENDPOINT, p->endpoint) || put_set(m, KIMS_PDR_A_TEID, p->teid) ||
	    put_int(m, KIMS_PDR_A_QFI, p->qfi) || put_set(m, KIMS_PDR_A_DEVICE, p->device) ||
	    put_set(m, KIMS_PDR_A_KEEP_OUTER_HEADER, p->keep_outer_header) ||
	    put_set(m, KIMS_PDR_A_ANY_SOURCE, p->any_source);
	for (i = 0; i < p->n_filters && !r; i++)
		r = put_filter(m, &p->filters[i]);
	return r;
}

static int put_pdr_app(struct nl_msg *m, const struct knl_pdr *p)
{
	if (!p->app_id)
		return 0;
	return knl_put_u32(m, KIMS_PDR_A_APP_ID, p->app_id) ||
	       knl_put_u32(m, KIMS_PDR_A_APP_QUEUE, p->app_queue) ||
	       knl_put_u32(m, KIMS_PDR_A_APP_FAIL, p->app_fail_open);
}

static int put_pdr(struct nl_msg *m, const struct knl_pdr *p)
{
	struct nlattr *nest = knl_nest(m, KIMS_SESSION_A_PDR);

	if (!nest || p->n_qers > KNL_PDR_QERS || p->n_urrs > KNL_PDR_URRS)
		return -1;
	if (knl_put_u32(m, KIMS_PDR_A_ID, p->id) ||
	    knl_put_u32(m, KIMS_PDR_A_PRECEDENCE, p->precedence) || put_pdr_match(m, p) ||
	    put_pdr_app(m, p) || put_set(m, KIMS_PDR_A_FAR_ID, p->far) ||
	    put_ids(m, KIMS_PDR_A_QER_ID, p->qers, p->n_qers) ||
	    put_ids(m, KIMS_PDR_A_URR_ID, p->urrs, p->n_urrs))
		return -1;
	knl_nest_end(m, nest);
	return 0;
}

static int put_far_outer(struct nl_msg *m, const struct knl_far *f)
{
	if (!f->endpoint)
		return 0;
	return knl_put_u32(m, KIMS_FAR_A_ENDPOINT, f->endpoint) ||
	       knl_put_u32(m, KIMS_FAR_A_TEID, f->teid) ||
	       knl_put_end(m, KIMS_FAR_A_PEER_IPV4, KIMS_FAR_A_PEER_IPV6, KIMS_FAR_A_PEER_PORT,
			   &f->peer);
}

static int put_far_dup(struct nl_msg *m, const struct knl_far *f)
{
	if (!f->dup_endpoint)
		return 0;
	return knl_put_u32(m, KIMS_FAR_A_DUP_ENDPOINT, f->dup_endpoint) ||
	       knl_put_u32(m, KIMS_FAR_A_DUP_TEID, f->dup_teid) ||
	       knl_put_addr(m, KIMS_FAR_A_DUP_IPV4, KIMS_FAR_A_DUP_IPV6, &f->dup_peer);
}

static int put_far(struct nl_msg *m, const struct knl_far *f)
{
	struct nlattr *nest = knl_nest(m, KIMS_SESSION_A_FAR);

	if (!nest || knl_put_u32(m, KIMS_FAR_A_ID, f->id) ||
	    knl_put_u32(m, KIMS_FAR_A_APPLY_ACTION, f->action) ||
	    put_int(m, KIMS_FAR_A_DESTINATION_INTERFACE, f->destination) ||
	    put_far_outer(m, f) || put_int(m, KIMS_FAR_A_DSCP, f->dscp) ||
	    put_set(m, KIMS_FAR_A_DEVICE, f->device) ||
	    put_set(m, KIMS_FAR_A_SEND_END_MARKER, f->send_end_marker) || put_far_dup(m, f))
		return -1;
	knl_nest_end(m, nest);
	return 0;
}

static int put_qer(struct nl_msg *m, const struct knl_qer *q)
{
	struct nlattr *nest = knl_nest(m, KIMS_SESSION_A_QER);

	if (!nest || knl_put_u32(m, KIMS_QER_A_ID, q->id) ||
	    put_set(m, KIMS_QER_A_GATE_UL, q->gate_ul) ||
	    put_set(m, KIMS_QER_A_GATE_DL, q->gate_dl) ||
	    put_set64(m, KIMS_QER_A_MBR_UL, q->mbr_ul) ||
	    put_set64(m, KIMS_QER_A_MBR_DL, q->mbr_dl) ||
	    put_set64(m, KIMS_QER_A_GBR_UL, q->gbr_ul) ||
	    put_set64(m, KIMS_QER_A_GBR_DL, q->gbr_dl) ||
	    put_set(m, KIMS_QER_A_BURST, q->burst_ms) || put_int(m, KIMS_QER_A_QFI, q->qfi))
		return -1;
	knl_nest_end(m, nest);
	return 0;
}

static int put_volume(struct nl_msg *m, int total, const struct knl_volume *v)
{
	return put_set64(m, total, v->total) || put_set64(m, total + 1, v->ul) ||
	       put_set64(m, total + 2, v->dl);
}

static int put_urr(struct nl_msg *m, const struct knl_urr *u)
{
	struct nlattr *nest = knl_nest(m, KIMS_SESSION_A_URR);

	if (!nest || knl_put_u32(m, KIMS_URR_A_ID, u->id) ||
	    put_set(m, KIMS_URR_A_METHOD, u->method) ||
	    put_set(m, KIMS_URR_A_TRIGGERS, u->triggers) ||
	    put_volume(m, KIMS_URR_A_VOLUME_THRESHOLD, &u->threshold) ||
	    put_volume(m, KIMS_URR_A_VOLUME_QUOTA, &u->quota) ||
	    put_set(m, KIMS_URR_A_TIME_THRESHOLD, u->time_threshold) ||
	    put_set(m, KIMS_URR_A_TIME_QUOTA, u->time_quota) ||
	    put_set(m, KIMS_URR_A_PERIOD, u->period) ||
	    put_set64(m, KIMS_URR_A_MONITORING_TIME, u->monitoring_time) ||
	    put_set(m, KIMS_URR_A_INACTIVITY, u->inactivity) ||
	    put_set(m, KIMS_URR_A_BEFORE_QOS, u->before_qos) ||
	    put_set(m, KIMS_URR_A_LINKED_URR, u->linked))
		return -1;
	knl_nest_end(m, nest);
	return 0;
}

static int put_bar(struct nl_msg *m, const struct knl_bar *b)
{
	struct nlattr *nest = b ? knl_nest(m, KIMS_SESSION_A_BAR) : NULL;

	if (!b)
		return 0;
	if (!nest || put_set(m, KIMS_BAR_A_PACKETS, b->packets) ||
	    put_set(m, KIMS_BAR_A_OCTETS, b->octets) ||
	    put_set(m, KIMS_BAR_A_TIMEOUT, b->timeout_ms) ||
	    put_set(m, KIMS_BAR_A_DELAY, b->delay_ms))
		return -1;
	knl_nest_end(m, nest);
	return 0;
}

/* --- session --- */

static int put_rules(struct nl_msg *m, const struct knl_session *s)
{
	size_t i;
	int r = 0;

	for (i = 0; i < s->n_pdrs && !r; i++)
		r = put_pdr(m, &s->pdrs[i]);
	for (i = 0; i < s->n_fars && !r; i++)
		r = put_far(m, &s->fars[i]);
	for (i = 0; i < s->n_qers && !r; i++)
		r = put_qer(m, &s->qers[i]);
	for (i = 0; i < s->n_urrs && !r; i++)
		r = put_urr(m, &s->urrs[i]);
	return r;
}

static int put_removals(struct nl_msg *m, const struct knl_session *s)
{
	return put_ids(m, KIMS_SESSION_A_DEL_PDR, s->del_pdrs, s->n_del_pdrs) ||
	       put_ids(m, KIMS_SESSION_A_DEL_FAR, s->del_fars, s->n_del_fars) ||
	       put_ids(m, KIMS_SESSION_A_DEL_QER, s->del_qers, s->n_del_qers) ||
	       put_ids(m, KIMS_SESSION_A_DEL_URR, s->del_urrs, s->n_del_urrs);
}

int knl_put_session(struct nl_msg *m, const struct knl_session *s)
{
	struct nlattr *nest = knl_nest(m, KIMS_A_SESSION);

	if (!nest || knl_put_u64(m, KIMS_SESSION_A_ID, s->id) ||
	    (s->label && knl_put(m, KIMS_SESSION_A_LABEL, s->label, strlen(s->label) + 1)) ||
	    knl_put_addr(m, KIMS_SESSION_A_UE_IPV4, KIMS_SESSION_A_UE_IPV6, &s->ue4) ||
	    knl_put_addr(m, KIMS_SESSION_A_UE_IPV4, KIMS_SESSION_A_UE_IPV6, &s->ue6) ||
	    put_int(m, KIMS_SESSION_A_IDLE_TIMEOUT, s->idle_timeout) ||
	    put_int(m, KIMS_SESSION_A_MONITORED, s->monitored) || put_bar(m, s->bar) ||
	    put_rules(m, s) || put_removals(m, s))
		return -NLE_NOMEM;
	return knl_nest_end(m, nest); /* -NLE_ATTRSIZE: over 64 kB */
}
