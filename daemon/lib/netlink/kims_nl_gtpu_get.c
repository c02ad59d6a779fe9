// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Sessions from attributes of kims.ko; see kims_nl_gtpu.h. A session comes in one or several
 * messages, in each of which it has its id; a PDR whose filters did not fit goes on in the next.
 */
#include "lib/netlink/kims_nl_gtpu_priv.h"

/* --- attributes that are absent where they say nothing --- */

static int get_int(struct nlattr **tb, int attr)
{
	return tb[attr] ? (int)knl_u32(tb, attr) : -1;
}

static void get_volume(struct nlattr **tb, int total, int ul, int dl, struct knl_volume *ret)
{
	ret->total = knl_u64(tb, total);
	ret->ul = knl_u64(tb, ul);
	ret->dl = knl_u64(tb, dl);
}

static size_t get_ids(struct nlattr *nest, int attr, uint32_t *ids, size_t max)
{
	struct nlattr *a;
	size_t n = 0;
	int rem;

	nla_for_each_nested(a, nest, rem)
		if (nla_type(a) == attr && n < max && nla_len(a) >= 4)
			ids[n++] = nla_get_u32(a);
	return n;
}

/* --- counters --- */

void knl_read_usage(struct nlattr *nest, struct knl_usage *ret)
{
	struct nlattr *tb[KIMS_URR_A_MAX + 1];

	knl_nested(nest, KIMS_URR_A_MAX, tb);
	memset(ret, 0, sizeof(*ret));
	ret->urr = knl_u32(tb, KIMS_URR_A_ID);
	ret->trigger = knl_u32(tb, KIMS_URR_A_TRIGGER);
	ret->seq = knl_u32(tb, KIMS_URR_A_SEQ);
	ret->exhausted = knl_u32(tb, KIMS_URR_A_EXHAUSTED);
	get_volume(tb, KIMS_URR_A_OCTETS, KIMS_URR_A_OCTETS_UL, KIMS_URR_A_OCTETS_DL, &ret->octets);
	get_volume(tb, KIMS_URR_A_PACKETS, KIMS_URR_A_PACKETS_UL, KIMS_URR_A_PACKETS_DL,
		   &ret->packets);
	get_volume(tb, KIMS_URR_A_REPORTED_OCTETS, KIMS_URR_A_REPORTED_OCTETS_UL,
		   KIMS_URR_A_REPORTED_OCTETS_DL, &ret->reported);
	ret->duration_ms = knl_u64(tb, KIMS_URR_A_DURATION);
	ret->reported_duration_ms = knl_u64(tb, KIMS_URR_A_REPORTED_DURATION);
	ret->first_ns = knl_u64(tb, KIMS_URR_A_FIRST_PACKET);
	ret->last_ns = knl_u64(tb, KIMS_URR_A_LAST_PACKET);
}

static void read_pdr_count(struct nlattr *nest, struct knl_pdr_count *ret)
{
	struct nlattr *tb[KIMS_PDR_A_MAX + 1];

	knl_nested(nest, KIMS_PDR_A_MAX, tb);
	*ret = (struct knl_pdr_count){ knl_u32(tb, KIMS_PDR_A_ID), knl_u64(tb, KIMS_PDR_A_PACKETS),
				       knl_u64(tb, KIMS_PDR_A_OCTETS),
				       knl_u64(tb, KIMS_PDR_A_DROPPED) };
}

static void read_qer_count(struct nlattr *nest, struct knl_qer_count *ret)
{
	struct nlattr *tb[KIMS_QER_A_MAX + 1];

	knl_nested(nest, KIMS_QER_A_MAX, tb);
	*ret = (struct knl_qer_count){ knl_u32(tb, KIMS_QER_A_ID), knl_u64(tb, KIMS_QER_A_OCTETS_UL),
				       knl_u64(tb, KIMS_QER_A_OCTETS_DL),
				       knl_u64(tb, KIMS_QER_A_DROPPED_UL),
				       knl_u64(tb, KIMS_QER_A_DROPPED_DL) };
}

/* A PDR that goes on from the message before is the one that was read last. */
static bool pdr_goes_on(const struct knl_counters *c, struct nlattr *nest)
{
	struct nlattr *tb[KIMS_PDR_A_MAX + 1];

	knl_nested(nest, KIMS_PDR_A_MAX, tb);
	return c->n_pdrs && c->pdrs[c->n_pdrs - 1].id == knl_u32(tb, KIMS_PDR_A_ID);
}

void knl_read_counters(struct nlattr *session, struct knl_counters *ret)
{
	struct nlattr *tb[KIMS_SESSION_A_MAX + 1], *a;
	int rem;

	knl_nested(session, KIMS_SESSION_A_MAX, tb);
	ret->session = knl_u64(tb, KIMS_SESSION_A_ID);
	if (tb[KIMS_SESSION_A_LABEL])
		knl_get_string(tb, KIMS_SESSION_A_LABEL, ret->label, sizeof(ret->label));
	if (tb[KIMS_SESSION_A_IDLE])
		ret->idle_ms = knl_u32(tb, KIMS_SESSION_A_IDLE);
	if (tb[KIMS_SESSION_A_BUFFERED_PACKETS])
		ret->buffered = knl_u32(tb, KIMS_SESSION_A_BUFFERED_PACKETS);
	nla_for_each_nested(a, session, rem) {
		if (nla_type(a) == KIMS_SESSION_A_PDR && ret->n_pdrs < KNL_RULES &&
		    !pdr_goes_on(ret, a))
			read_pdr_count(a, &ret->pdrs[ret->n_pdrs++]);
		else if (nla_type(a) == KIMS_SESSION_A_QER && ret->n_qers < KNL_RULES)
			read_qer_count(a, &ret->qers[ret->n_qers++]);
		else if (nla_type(a) == KIMS_SESSION_A_URR && ret->n_urrs < KNL_RULES)
			knl_read_usage(a, &ret->urrs[ret->n_urrs++]);
	}
}

/* --- rules --- */

struct knl_session_copy {
	struct knl_session s;
	struct knl_counters counters;
	struct knl_bar bar;
	struct knl_pdr pdrs[KNL_RULES];
	struct knl_far fars[KNL_RULES];
	struct knl_qer qers[KNL_RULES];
	struct knl_urr urrs[KNL_RULES];
	struct knl_filter *filters; /* of all PDRs in turn */
	size_t n_filters, room;
};

static void get_prefix(struct nlattr **tb, int attr4, struct knl_prefix *ret)
{
	knl_get_addr(tb, attr4, attr4 + 1, &ret->addr);
	ret->len = knl_u32(tb, attr4 + 2);
}

static size_t get_ports(struct nlattr *nest, int attr, struct knl_ports *ret)
{
	uint32_t ranges[KNL_FILTER_PORTS];
	size_t n = get_ids(nest, attr, ranges, KNL_FILTER_PORTS), i;

	for (i = 0; i < n; i++)
		ret[i] = (struct knl_ports){ ranges[i] >> 16, ranges[i] };
	return n;
}

static void read_filter(struct nlattr *nest, struct knl_filter *f)
{
	struct nlattr *tb[KIMS_FILTER_A_MAX + 1];

	knl_nested(nest, KIMS_FILTER_A_MAX, tb);
	memset(f, 0, sizeof(*f));
	f->id = knl_u32(tb, KIMS_FILTER_A_ID);
	f->protocol = get_int(tb, KIMS_FILTER_A_PROTOCOL);
	get_prefix(tb, KIMS_FILTER_A_UE_IPV4, &f->ue);
	get_prefix(tb, KIMS_FILTER_A_REMOTE_IPV4, &f->remote);
	f->n_ue_ports = get_ports(nest, KIMS_FILTER_A_UE_PORTS, f->ue_ports);
	f->n_remote_ports = get_ports(nest, KIMS_FILTER_A_REMOTE_PORTS, f->remote_ports);
	f->tos = get_int(tb, KIMS_FILTER_A_TOS);
	f->tos_mask = knl_u32(tb, KIMS_FILTER_A_TOS_MASK);
	f->spi = knl_u32(tb, KIMS_FILTER_A_SPI);
	f->flow_label = get_int(tb, KIMS_FILTER_A_FLOW_LABEL);
	f->direction = knl_u32(tb, KIMS_FILTER_A_DIRECTION);
}

static int add_filter(struct knl_session_copy *c, struct nlattr *nest)
{
	size_t room = c->room ? c->room * 2 : 16;
	struct knl_filter *more;

	if (c->n_filters == c->room) {
		more = realloc(c->filters, room * sizeof(*more));
		if (!more)
			return -ENOMEM;
		c->filters = more;
		c->room = room;
	}
	read_filter(nest, &c->filters[c->n_filters++]);
	return 0;
}

static int add_filters(struct knl_session_copy *c, struct knl_pdr *p, struct nlattr *nest)
{
	struct nlattr *a;
	int rem, r;

	nla_for_each_nested(a, nest, rem) {
		if (nla_type(a) != KIMS_PDR_A_FILTER)
			continue;
		r = add_filter(c, a);
		if (r)
			return r;
		p->n_filters++;
	}
	return 0;
}

static void read_pdr(struct nlattr *nest, struct nlattr **tb, struct knl_pdr *p)
{
	memset(p, 0, sizeof(*p));
	p->id = knl_u32(tb, KIMS_PDR_A_ID);
	p->precedence = knl_u32(tb, KIMS_PDR_A_PRECEDENCE);
	p->source = get_int(tb, KIMS_PDR_A_SOURCE_INTERFACE);
	p->endpoint = knl_u32(tb, KIMS_PDR_A_ENDPOINT);
	p->teid = knl_u32(tb, KIMS_PDR_A_TEID);
	p->qfi = get_int(tb, KIMS_PDR_A_QFI);
	p->app_id = knl_u32(tb, KIMS_PDR_A_APP_ID);
	p->app_queue = knl_u32(tb, KIMS_PDR_A_APP_QUEUE);
	p->app_fail_open = knl_u32(tb, KIMS_PDR_A_APP_FAIL) == KIMS_APP_FAIL_OPEN;
	p->keep_outer_header = knl_u32(tb, KIMS_PDR_A_KEEP_OUTER_HEADER);
	p->any_source = knl_u32(tb, KIMS_PDR_A_ANY_SOURCE);
	p->device = knl_u32(tb, KIMS_PDR_A_DEVICE);
	p->far = knl_u32(tb, KIMS_PDR_A_FAR_ID);
	p->n_qers = get_ids(nest, KIMS_PDR_A_QER_ID, p->qers, KNL_PDR_QERS);
	p->n_urrs = get_ids(nest, KIMS_PDR_A_URR_ID, p->urrs, KNL_PDR_URRS);
}

static int add_pdr(struct knl_session_copy *c, struct nlattr *nest)
{
	struct nlattr *tb[KIMS_PDR_A_MAX + 1];
	struct knl_pdr *p;

	knl_nested(nest, KIMS_PDR_A_MAX, tb);
	if (!c->s.n_pdrs || c->pdrs[c->s.n_pdrs - 1].id != knl_u32(tb, KIMS_PDR_A_ID)) {
		if (c->s.n_pdrs == KNL_RULES)
			return 0;
		read_pdr(nest, tb, &c->pdrs[c->s.n_pdrs++]);
	}
	p = &c->pdrs[c->s.n_pdrs - 1];
	return add_filters(c, p, nest);
}

static void add_far(struct knl_session_copy *c, struct nlattr *nest)
{
	struct nlattr *tb[KIMS_FAR_A_MAX + 1];
	struct knl_far *f = &c->fars[c->s.n_fars];

	if (c->s.n_fars == KNL_RULES)
		return;
	c->s.n_fars++;
	memset(f, 0, sizeof(*f));
	knl_nested(nest, KIMS_FAR_A_MAX, tb);
	f->id = knl_u32(tb, KIMS_FAR_A_ID);
	f->action = knl_u32(tb, KIMS_FAR_A_APPLY_ACTION);
	f->destination = get_int(tb, KIMS_FAR_A_DESTINATION_INTERFACE);
	f->endpoint = knl_u32(tb, KIMS_FAR_A_ENDPOINT);
	f->teid = knl_u32(tb, KIMS_FAR_A_TEID);
	knl_get_end(tb, KIMS_FAR_A_PEER_IPV4, KIMS_FAR_A_PEER_IPV6, KIMS_FAR_A_PEER_PORT, &f->peer);
	f->dscp = get_int(tb, KIMS_FAR_A_DSCP);
	f->device = knl_u32(tb, KIMS_FAR_A_DEVICE);
	f->dup_endpoint = knl_u32(tb, KIMS_FAR_A_DUP_ENDPOINT);
	f->dup_teid = knl_u32(tb, KIMS_FAR_A_DUP_TEID);
	knl_get_addr(tb, KIMS_FAR_A_DUP_IPV4, KIMS_FAR_A_DUP_IPV6, &f->dup_peer);
}

static void add_qer(struct knl_session_copy *c, struct nlattr *nest)
{
	struct nlattr *tb[KIMS_QER_A_MAX + 1];
	struct knl_qer *q = &c->qers[c->s.n_qers];

	if (c->s.n_qers == KNL_RULES)
		return;
	c->s.n_qers++;
	knl_nested(nest, KIMS_QER_A_MAX, tb);
	q->id = knl_u32(tb, KIMS_QER_A_ID);
	q->gate_ul = knl_u32(tb, KIMS_QER_A_GATE_UL);
	q->gate_dl = knl_u32(tb, KIMS_QER_A_GATE_DL);
	q->mbr_ul = knl_u64(tb, KIMS_QER_A_MBR_UL);
	q->mbr_dl = knl_u64(tb, KIMS_QER_A_MBR_DL);
	q->gbr_ul = knl_u64(tb, KIMS_QER_A_GBR_UL);
	q->gbr_dl = knl_u64(tb, KIMS_QER_A_GBR_DL);
	q->burst_ms = knl_u32(tb, KIMS_QER_A_BURST);
	q->qfi = get_int(tb, KIMS_QER_A_QFI);
}

static void add_urr(struct knl_session_copy *c, struct nlattr *nest)
{
	struct nlattr *tb[KIMS_URR_A_MAX + 1];
	struct knl_urr *u = &c->urrs[c->s.n_urrs];

	if (c->s.n_urrs == KNL_RULES)
		return;
	c->s.n_urrs++;
	knl_nested(nest, KIMS_URR_A_MAX, tb);
	u->id = knl_u32(tb, KIMS_URR_A_ID);
	u->method = knl_u32(tb, KIMS_URR_A_METHOD);
	u->triggers = knl_u32(tb, KIMS_URR_A_TRIGGERS);
	get_volume(tb, KIMS_URR_A_VOLUME_THRESHOLD, KIMS_URR_A_VOLUME_THRESHOLD_UL,
		   KIMS_URR_A_VOLUME_THRESHOLD_DL, &u->threshold);
	get_volume(tb, KIMS_URR_A_VOLUME_QUOTA, KIMS_URR_A_VOLUME_QUOTA_UL,
		   KIMS_URR_A_VOLUME_QUOTA_DL, &u->quota);
	u->time_threshold = knl_u32(tb, KIMS_URR_A_TIME_THRESHOLD);
	u->time_quota = knl_u32(tb, KIMS_URR_A_TIME_QUOTA);
	u->period = knl_u32(tb, KIMS_URR_A_PERIOD);
	u->inactivity = knl_u32(tb, KIMS_URR_A_INACTIVITY);
	u->monitoring_time = knl_u64(tb, KIMS_URR_A_MONITORING_TIME);
	u->before_qos = knl_u32(tb, KIMS_URR_A_BEFORE_QOS);
	u->linked = knl_u32(tb, KIMS_URR_A_LINKED_URR);
}

/* --- session --- */

static void read_bar(struct nlattr *nest, struct knl_bar *b)
{
	struct nlattr *tb[KIMS_BAR_A_MAX + 1];

	knl_nested(nest, KIMS_BAR_A_MAX, tb);
	*b = (struct knl_bar){ knl_u32(tb, KIMS_BAR_A_PACKETS), knl_u32(tb, KIMS_BAR_A_OCTETS),
			       knl_u32(tb, KIMS_BAR_A_TIMEOUT), knl_u32(tb, KIMS_BAR_A_DELAY) };
}

static void read_head(struct nlattr **tb, struct knl_session_copy *c)
{
	struct xfrm_addr none;

	if (!tb[KIMS_SESSION_A_LABEL])
		return;
	c->s.label = c->counters.label;
	if (tb[KIMS_SESSION_A_UE_IPV4])
		knl_get_addr(tb, KIMS_SESSION_A_UE_IPV4, KIMS_SESSION_A_UE_IPV6, &c->s.ue4);
	tb[KIMS_SESSION_A_UE_IPV4] = NULL;
	knl_get_addr(tb, KIMS_SESSION_A_UE_IPV4, KIMS_SESSION_A_UE_IPV6, &none);
	if (none.family == AF_INET6)
		c->s.ue6 = none;
	c->s.idle_timeout = knl_u32(tb, KIMS_SESSION_A_IDLE_TIMEOUT);
	c->s.monitored = knl_u32(tb, KIMS_SESSION_A_MONITORED);
	read_bar(tb[KIMS_SESSION_A_BAR], &c->bar);
	c->s.bar = &c->bar;
}

static int add_message(struct knl_session_copy *c, struct nlattr *session)
{
	struct nlattr *tb[KIMS_SESSION_A_MAX + 1], *a;
	int rem, r = 0;

	knl_nested(session, KIMS_SESSION_A_MAX, tb);
	knl_read_counters(session, &c->counters);
	c->s.id = knl_u64(tb, KIMS_SESSION_A_ID);
	read_head(tb, c);
	nla_for_each_nested(a, session, rem) {
		if (nla_type(a) == KIMS_SESSION_A_PDR && !r)
			r = add_pdr(c, a);
		else if (nla_type(a) == KIMS_SESSION_A_FAR)
			add_far(c, a);
		else if (nla_type(a) == KIMS_SESSION_A_QER)
			add_qer(c, a);
		else if (nla_type(a) == KIMS_SESSION_A_URR)
			add_urr(c, a);
	}
	return r;
}

/* --- sessions of an answer --- */

static void tell(struct knl_sessions *s)
{
	struct knl_session_copy *c = s->now;
	size_t i, at = 0;

	for (i = 0; i < c->s.n_pdrs; i++) {
		c->pdrs[i].filters = c->filters ? c->filters + at : NULL;
		at += c->pdrs[i].n_filters;
	}
	c->s.pdrs = c->pdrs;
	c->s.fars = c->fars;
	c->s.qers = c->qers;
	c->s.urrs = c->urrs;
	s->result = s->fn(s->arg, &c->s, &c->counters);
	s->begun = false;
}

/* What was allocated for the one before serves again. */
static int begin(struct knl_sessions *s)
{
	struct knl_session_copy *c = s->now ?: calloc(1, sizeof(*c));

	if (!c)
		return -ENOMEM;
	memset(&c->s, 0, sizeof(c->s));
	knl_counters_init(&c->counters);
	c->n_filters = 0;
	s->now = c;
	s->begun = true;
	return 0;
}

static uint64_t id_of(struct nlattr *session)
{
	struct nlattr *tb[KIMS_SESSION_A_MAX + 1];

	knl_nested(session, KIMS_SESSION_A_MAX, tb);
	return knl_u64(tb, KIMS_SESSION_A_ID);
}

int knl_read_session(struct knl_sessions *s, struct nlattr *session)
{
	int r = 0;

	if (s->begun && s->now->s.id != id_of(session))
		tell(s);
	if (s->result)
		return s->result;
	if (!s->begun)
		r = begin(s);
	return r ? r : add_message(s->now, session);
}

int knl_sessions_end(struct knl_sessions *s, int r)
{
	if (s->begun && !r) {
		tell(s);
		r = s->result;
	}
	if (s->now)
		free(s->now->filters);
	free(s->now);
	s->now = NULL;
	return r;
}
