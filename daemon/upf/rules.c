// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Rules of PFCP (TS 29.244 5.2, 7.5.2, 7.5.4) to those of kims.ko, and what is wrong with them: a Cause
 * (8.2.1), the offending IE, the rule that failed. No I/O.
 *
 * Order: FARs, QERs, URRs and the BAR come before PDRs, which name them; removals come first. What a PDR
 * names must be there in the end.
 */
#include <stdio.h>

#include "ref/ipfilter.h"
#include "upf/upf.h"

struct work {
	struct upf *u;
	struct upf_model *m;
	struct upf_session *s;
};

/* --- failures --- */

static int fail(struct work *w, uint8_t cause, uint16_t ie)
{
	w->m->fail.cause = cause;
	w->m->fail.offending = ie;
	return -EINVAL;
}

static int fail_rule(struct work *w, enum sx_rule_type type, uint32_t id, uint16_t ie)
{
	w->m->fail.has_rule = true;
	w->m->fail.rule = (struct sx_failed_rule){ type, id };
	return fail(w, SX_RULE_FAILURE, ie);
}

/* Ids of CP functions have 31 bits; the kernel's are one more and have to fit, too. */
static bool id_ok(uint32_t id)
{
	return id < 0x7fffffff;
}

/* --- FAR --- */

static int far_action(struct work *w, uint32_t id, const struct sx_action *a, struct knl_far *f)
{
	if (a->drop + a->forw + a->buff != 1 || (a->nocp && !a->buff) || a->ipma || a->ipmd ||
	    a->fssm || a->mbsu)
		return fail_rule(w, SX_RULE_FAR, id, SX_IE_APPLY_ACTION);
	f->action = (a->drop ? KNL_DROP : 0) | (a->forw ? KNL_FORW : 0) | (a->buff ? KNL_BUFF : 0) |
		    (a->nocp ? KNL_NOCP : 0) | (a->dupl ? KNL_DUPL : 0);
	return 0;
}

/* The endpoint that has this header's family, and the peer of it. */
static int outer(struct work *w, uint32_t id, const struct sx_creation *c, uint32_t *ret_ep,
		 struct xfrm_addr *ret_peer)
{
	bool v4 = c->desc & SX_CREATE_GTPU4, v6 = c->desc & SX_CREATE_GTPU6;

	if (c->desc & ~(SX_CREATE_GTPU4 | SX_CREATE_GTPU6) & 0xff00)
		return fail_rule(w, SX_RULE_FAR, id, SX_IE_CREATION);
	if (v4 && w->u->has4) {
		*ret_ep = w->u->ep4;
		*ret_peer = (struct xfrm_addr){ .family = AF_INET, .v4 = c->ip4 };
		return 0;
	}
	if (v6 && w->u->has6) {
		*ret_ep = w->u->ep6;
		*ret_peer = (struct xfrm_addr){ .family = AF_INET6, .v6 = c->ip6 };
		return 0;
	}
	return fail_rule(w, SX_RULE_FAR, id, SX_IE_CREATION);
}

static uint32_t instance_device(const struct upf *u, struct str v)
{
	struct sx_name name;

	if (sx_network_instance_text(v, &name))
		return 0;
	for (size_t i = 0; i < u->n_instances; i++)
		if (!strcasecmp(u->instances[i].name, name.s))
			return u->instances[i].device;
	return 0;
}

/* What Forwarding Parameters and Update Forwarding Parameters have alike. */
struct way {
	const uint8_t *destination;
	const struct str *instance;
	const struct sx_creation *creation;
	const uint16_t *marking;
	bool redirect, policy, enrichment;
};
#define IF_HAS(p, f) ((p)->has_##f ? &(p)->f : NULL)
#define WAY(p)                                                                            \
	{                                                                                 \
		IF_HAS(p, destination), IF_HAS(p, network_instance), IF_HAS(p, creation), \
			IF_HAS(p, marking), (p)->has_redirect, (p)->has_policy,           \
			(p)->n_enrichment > 0                                             \
	}

static int far_way(struct work *w, uint32_t id, const struct way *p, struct knl_far *f)
{
	int e;

	if (p->policy) {
		w->m->fail.has_rule = true;
		w->m->fail.rule = (struct sx_failed_rule){ SX_RULE_FAR, id };
		return fail(w, SX_INVALID_FORWARDING_POLICY, SX_IE_FORWARDING_POLICY);
	}
	if (p->redirect || p->enrichment)
		return fail_rule(w, SX_RULE_FAR, id,
				 p->redirect ? SX_IE_REDIRECT : SX_IE_HEADER_ENRICHMENT);
	if (p->destination) {
		if (*p->destination > SX_CP_FUNCTION)
			return fail_rule(w, SX_RULE_FAR, id, SX_IE_DESTINATION_INTERFACE);
		f->destination = *p->destination;
	}
	if (p->creation) {
		e = outer(w, id, p->creation, &f->endpoint, &f->peer.addr);
		if (e)
			return e;
		f->teid = p->creation->teid;
		f->peer.port = 0;
		f->device = 0;
	}
	if (p->instance && !f->endpoint)
		f->device = instance_device(w->u, *p->instance);
	if (p->marking)
		f->dscp = (*p->marking >> 10) & 0x3f;
	return 0;
}

static int far_dup(struct work *w, uint32_t id, const struct sx_creation *c, struct knl_far *f)
{
	int e = outer(w, id, c, &f->dup_endpoint, &f->dup_peer);

	f->dup_teid = c->teid;
	return e;
}

/* The kernel takes duplication parameters with dupl only, and needs them then. */
static int far_done(struct work *w, uint32_t id, struct knl_far *f)
{
	if (!(f->action & KNL_DUPL)) {
		f->dup_endpoint = 0;
		f->dup_peer.family = AF_UNSPEC;
	} else if (!f->dup_endpoint) {
		return fail_rule(w, SX_RULE_FAR, id, SX_IE_DUPLICATING);
	}
	return 0;
}

static int create_far(struct work *w, const struct sx_create_far *in)
{
	struct upf_model *m = w->m;
	struct knl_far *f;
	int e;

	if (!id_ok(in->id) || upf_model_far(m, in->id + 1) >= 0 || m->n_fars == KNL_RULES)
		return fail_rule(w, SX_RULE_FAR, in->id, SX_IE_FAR_ID);
	f = &m->far[m->n_fars];
	*f = (struct knl_far){ .id = in->id + 1, .destination = -1, .dscp = -1 };
	e = far_action(w, in->id, &in->action, f);
	if (e)
		return e;
	if (in->action.forw && !in->has_forwarding)
		return fail(w, SX_CONDITIONAL_IE_MISSING, SX_IE_FORWARDING);
	if (in->has_forwarding) {
		struct way way = WAY(&in->forwarding);

		e = far_way(w, in->id, &way, f);
	}
	if (!e && in->n_duplicating && in->duplicating[0].has_creation)
		e = far_dup(w, in->id, &in->duplicating[0].creation, f);
	if (!e)
		e = far_done(w, in->id, f);
	if (e)
		return e;
	if (in->has_bar_id && !(w->s->has_bar && w->s->bar == in->bar_id))
		return fail_rule(w, SX_RULE_FAR, in->id, SX_IE_BAR_ID);
	m->far_mark[m->n_fars++] = UPF_FRESH;
	return 0;
}

static int update_far(struct work *w, const struct sx_update_far *in)
{
	int i = id_ok(in->id) ? upf_model_far(w->m, in->id + 1) : -1, e = 0;
	struct knl_far *f;

	if (i < 0)
		return fail_rule(w, SX_RULE_FAR, in->id, SX_IE_FAR_ID);
	f = &w->m->far[i];
	if (in->has_action)
		e = far_action(w, in->id, &in->action, f);
	if (!e && in->has_forwarding) {
		struct way way = WAY(&in->forwarding);

		f->send_end_marker = in->forwarding.has_smreq_flags &&
				     in->forwarding.smreq_flags.sndem &&
				     in->forwarding.has_creation && f->endpoint;
		e = far_way(w, in->id, &way, f);
	}
	if (!e && in->n_duplicating && in->duplicating[0].has_creation)
		e = far_dup(w, in->id, &in->duplicating[0].creation, f);
	if (!e)
		e = far_done(w, in->id, f);
	if (w->m->far_mark[i] == UPF_SAME)
		w->m->far_mark[i] = UPF_CHANGED;
	return e;
}

/* --- QER --- */

struct qos {
	const struct sx_gate_status *gate;
	const struct sx_rate *mbr, *gbr;
	const uint8_t *qfi;
};
#define QOS(p)                                                                  \
	{                                                                       \
		IF_HAS(p, gate), IF_HAS(p, mbr), IF_HAS(p, gbr), IF_HAS(p, qfi) \
	}

static int qer_set(struct work *w, uint32_t id, const struct qos *in, struct knl_qer *q)
{
	if (in->gate) {
		if (in->gate->ul > SX_GATE_CLOSED || in->gate->dl > SX_GATE_CLOSED)
			return fail_rule(w, SX_RULE_QER, id, SX_IE_GATE_STATUS);
		q->gate_ul = in->gate->ul == SX_GATE_OPEN ? KNL_GATE_OPEN : KNL_GATE_CLOSED;
		q->gate_dl = in->gate->dl == SX_GATE_OPEN ? KNL_GATE_OPEN : KNL_GATE_CLOSED;
	}
	if (in->mbr) { /* kbit/s */
		q->mbr_ul = in->mbr->ul * 1000;
		q->mbr_dl = in->mbr->dl * 1000;
	}
	if (in->gbr) {
		q->gbr_ul = in->gbr->ul * 1000;
		q->gbr_dl = in->gbr->dl * 1000;
	}
	if (in->qfi)
		q->qfi = *in->qfi;
	return 0;
}

static int create_qer(struct work *w, const struct sx_create_qer *in)
{
	struct upf_model *m = w->m;
	struct qos q = { &in->gate, IF_HAS(in, mbr), IF_HAS(in, gbr), IF_HAS(in, qfi) };

	if (!id_ok(in->id) || upf_model_qer(m, in->id + 1) >= 0 || m->n_qers == KNL_RULES)
		return fail_rule(w, SX_RULE_QER, in->id, SX_IE_QER_ID);
	m->qer[m->n_qers] = (struct knl_qer){ .id = in->id + 1, .qfi = -1 };
	m->qer_mark[m->n_qers] = UPF_FRESH;
	return qer_set(w, in->id, &q, &m->qer[m->n_qers++]);
}

static int update_qer(struct work *w, const struct sx_update_qer *in)
{
	int i = id_ok(in->id) ? upf_model_qer(w->m, in->id + 1) : -1;
	struct qos q = QOS(in);

	if (i < 0)
		return fail_rule(w, SX_RULE_QER, in->id, SX_IE_QER_ID);
	if (w->m->qer_mark[i] == UPF_SAME)
		w->m->qer_mark[i] = UPF_CHANGED;
	return qer_set(w, in->id, &q, &w->m->qer[i]);
}

/* --- URR --- */

static void volume_set(struct knl_volume *v, const struct sx_volume *in)
{
	*v = (struct knl_volume){ in->has_total ? in->total : 0, in->has_ul ? in->ul : 0,
				  in->has_dl ? in->dl : 0 };
}

static unsigned int triggers_of(const struct sx_triggers *t)
{
	return (t->perio ? KNL_PERIO : 0) | (t->volth ? KNL_VOLTH : 0) |
	       (t->timth ? KNL_TIMTH : 0) | (t->start ? KNL_START : 0) |
	       (t->stopt ? KNL_STOPT : 0) | (t->droth ? KNL_DROTH : 0) |
	       (t->volqu ? KNL_VOLQU : 0) | (t->timqu ? KNL_TIMQU : 0) | (t->evequ ? KNL_EVEQU : 0);
}

static void urr_method(struct knl_urr *r, const struct sx_method *m)
{
	r->method = (m->durat ? KNL_DURAT : 0) | (m->volum ? KNL_VOLUM : 0) |
		    (m->event ? KNL_EVENT : 0);
	if (!r->method)
		r->method = KNL_VOLUM;
}

/* The rows that Create URR and Update URR share. */
#define URR_SET(r, in)                                                                \
	do {                                                                          \
		if ((in)->has_period)                                                 \
			(r)->period = (in)->period;                                   \
		if ((in)->has_volume_threshold)                                       \
			volume_set(&(r)->threshold, &(in)->volume_threshold);         \
		if ((in)->has_volume_quota)                                           \
			volume_set(&(r)->quota, &(in)->volume_quota);                 \
		if ((in)->has_time_threshold)                                         \
			(r)->time_threshold = (in)->time_threshold;                   \
		if ((in)->has_time_quota)                                             \
			(r)->time_quota = (in)->time_quota;                           \
		if ((in)->has_monitoring_time)                                        \
			(r)->monitoring_time =                                        \
				pfcp_time_usec((in)->monitoring_time) / USEC_PER_SEC; \
		if ((in)->has_inactivity)                                             \
			(r)->inactivity = (in)->inactivity;                           \
		if ((in)->has_measurement_info)                                       \
			(r)->before_qos = (in)->measurement_info.mbqe;                \
	} while (0)

static int urr_check(struct work *w, uint32_t id, const struct knl_urr *r)
{
	if (r->triggers & KNL_PERIO && !r->period)
		return fail_rule(w, SX_RULE_URR, id, SX_IE_PERIOD);
	if (r->period > 31536000 || r->inactivity > 31536000)
		return fail_rule(w, SX_RULE_URR, id,
				 r->period > 31536000 ? SX_IE_PERIOD : SX_IE_INACTIVITY);
	return 0;
}

static int create_urr(struct work *w, const struct sx_create_urr *in)
{
	struct upf_model *m = w->m;
	struct knl_urr *r = &m->urr[m->n_urrs];

	if (!id_ok(in->id) || upf_model_urr(m, in->id + 1) >= 0 || m->n_urrs == KNL_RULES)
		return fail_rule(w, SX_RULE_URR, in->id, SX_IE_URR_ID);
	*r = (struct knl_urr){ .id = in->id + 1, .triggers = triggers_of(&in->triggers) };
	urr_method(r, &in->method);
	URR_SET(r, in);
	m->urr_mark[m->n_urrs++] = UPF_FRESH;
	return urr_check(w, in->id, r);
}

static int update_urr(struct work *w, const struct sx_update_urr *in)
{
	int i = id_ok(in->id) ? upf_model_urr(w->m, in->id + 1) : -1;
	struct knl_urr *r;

	if (i < 0)
		return fail_rule(w, SX_RULE_URR, in->id, SX_IE_URR_ID);
	r = &w->m->urr[i];
	if (in->has_method)
		urr_method(r, &in->method);
	if (in->has_triggers)
		r->triggers = triggers_of(&in->triggers);
	URR_SET(r, in);
	if (w->m->urr_mark[i] == UPF_SAME)
		w->m->urr_mark[i] = UPF_CHANGED;
	return urr_check(w, in->id, r);
}

/*
 * "Linked URR ID" of a rule names those whose reports it wants to be in (TS 29.244 5.2.2.4); the kernel's
 * linked names the one that is to be reported, too. One per URR.
 */
static int link_urr(struct work *w, uint32_t id, const uint32_t *linked, size_t n)
{
	struct upf_model *m = w->m;

	for (size_t i = 0; i < m->n_urrs && n; i++) {
		if (m->urr[i].linked != id + 1)
			continue;
		m->urr[i].linked = 0; /* given anew */
		if (m->urr_mark[i] == UPF_SAME)
			m->urr_mark[i] = UPF_CHANGED;
	}
	for (size_t i = 0; i < n; i++) {
		int at = id_ok(linked[i]) && linked[i] != id ? upf_model_urr(m, linked[i] + 1) : -1;

		if (at < 0 || m->urr[at].linked)
			return fail_rule(w, SX_RULE_URR, id, SX_IE_LINKED_URR);
		m->urr[at].linked = id + 1;
		if (m->urr_mark[at] == UPF_SAME)
			m->urr_mark[at] = UPF_CHANGED;
	}
	return 0;
}

/* --- BAR --- */

static void bar_set(struct upf_model *m, const struct sx_create_bar *b)
{
	if (b->has_packets)
		m->bar.packets = b->packets;
	if (b->has_delay)
		m->bar.delay_ms = b->delay * 50u;
	m->bar_changed = true;
}

void upf_bar_update(struct upf_model *m, const struct sx_report_bar *b)
{
	uint64_t usec = b->has_duration ? tlv_timer_usec(b->duration) : 0;

	if (b->has_packets)
		m->bar.packets = b->packets;
	if (b->has_dl_packets)
		m->bar.packets = (uint32_t)MIN(b->dl_packets.v, 4096u);
	if (b->has_delay)
		m->bar.delay_ms = b->delay * 50u;
	if (b->has_duration)
		m->bar.timeout_ms = (uint32_t)MIN(usec / USEC_PER_MSEC, 600000u);
	m->bar_changed = true;
}

static int create_bar(struct work *w, const struct sx_create_bar *b)
{
	if (w->s->has_bar && w->s->bar != b->id)
		return fail_rule(w, SX_RULE_BAR, b->id,
				 SX_IE_BAR_ID); /* one per session (5.2.4.1) */
	w->s->has_bar = true;
	w->s->bar = b->id;
	bar_set(w->m, b);
	return 0;
}

static int update_bar(struct work *w, const struct sx_create_bar *b)
{
	if (!w->s->has_bar || w->s->bar != b->id)
		return fail_rule(w, SX_RULE_BAR, b->id, SX_IE_BAR_ID);
	bar_set(w->m, b);
	return 0;
}

/* --- PDR: filters --- */

static void filter_host(const struct ipf_end *e, struct knl_prefix *ret)
{
	*ret = (struct knl_prefix){ .addr.family = AF_UNSPEC };
	if (e->host != IPF_ADDR)
		return;
	ret->addr.family = e->v6 ? AF_INET6 : AF_INET;
	if (e->v6)
		ret->addr.v6 = e->ip6;
	else
		ret->addr.v4 = e->ip4;
	ret->len = e->bits;
}

static uint8_t filter_ports(const struct ipf_end *e, struct knl_ports *ret)
{
	for (uint8_t i = 0; i < e->n_port; i++)
		ret[i] = (struct knl_ports){ e->port[i].low, e->port[i].high };
	return e->n_port;
}

static bool filter_flow(struct knl_filter *f, struct str text)
{
	struct ipfilter p;

	if (ipfilter_parse(text, &p) || p.deny)
		return false;
	f->protocol = p.has_proto ? p.proto : -1;
	filter_host(ipfilter_ue(&p), &f->ue);
	filter_host(ipfilter_remote(&p), &f->remote);
	f->n_ue_ports = filter_ports(ipfilter_ue(&p), f->ue_ports);
	f->n_remote_ports = filter_ports(ipfilter_remote(&p), f->remote_ports);
	return f->ue.addr.family == AF_UNSPEC || f->remote.addr.family == AF_UNSPEC ||
	       f->ue.addr.family == f->remote.addr.family;
}

/* The filter of this SDF Filter ID that another PDR of the session has (8.2.5, BID). */
static const struct knl_filter *filter_by_id(const struct upf_model *m, uint32_t id)
{
	for (size_t i = 0; i < m->n_filters; i++)
		if (m->filter[i].id == id)
			return &m->filter[i];
	return NULL;
}

static bool filter_set(const struct upf_model *m, struct knl_filter *f,
		       const struct sx_sdf_filter *in)
{
	const struct knl_filter *same = in->bid && !in->fd ? filter_by_id(m, in->id) : NULL;

	if (in->bid && !in->id)
		return false; /* the kernel's "none" */
	if (same && same != f) {
		*f = *same;
		return true;
	}
	*f = (struct knl_filter){ .protocol = -1, .tos = -1, .flow_label = -1 };
	if (in->bid && !in->fd)
		return false;
	f->id = in->bid ? in->id : 0;
	if (in->fd && !filter_flow(f, in->flow))
		return false;
	if (in->ttc) {
		f->tos = in->tos;
		f->tos_mask = in->tos_mask;
	}
	if (in->spi)
		f->spi = in->spi_value;
	if (in->fl)
		f->flow_label = (int)(in->flow_label & 0xfffff);
	return true;
}

static int pdr_filters(struct work *w, uint32_t id, const struct sx_pdi *in, struct knl_pdr *p)
{
	struct knl_filter *f;

	p->filters = NULL;
	p->n_filters = 0;
	if (!in->n_sdf)
		return 0;
	f = upf_model_filters(w->m, in->n_sdf);
	if (!f)
		return fail(w, SX_NO_RESOURCES, 0);
	memset(f, 0, in->n_sdf * sizeof(*f)); /* no id of an earlier life */
	p->filters = f;
	p->n_filters = in->n_sdf;
	for (size_t i = 0; i < in->n_sdf; i++)
		if (!filter_set(w->m, &f[i], &in->sdf[i]))
			return fail_rule(w, SX_RULE_PDR, id, SX_IE_SDF_FILTER);
	return 0;
}

/* --- PDR: F-TEID --- */

/* What the CP function left to us: the TEID for this CHOOSE ID, or a new one. */
static int choose_teid(struct work *w, const struct sx_fteid *in, uint32_t *ret)
{
	struct upf_model *m = w->m;
	int e;

	for (size_t i = 0; in->chid && i < m->n_choices; i++) {
		if (m->choice[i].id != in->choose_id)
			continue;
		*ret = m->choice[i].teid;
		return 0;
	}
	e = upf_teid_alloc(w->u, w->s, ret);
	if (e)
		return fail(w, SX_NO_RESOURCES, 0);
	if (in->chid && m->n_choices < ARRAY_SIZE(m->choice)) {
		m->choice[m->n_choices].id = in->choose_id;
		m->choice[m->n_choices++].teid = *ret;
	}
	return 0;
}

static bool ours(const struct upf *u, const struct sx_fteid *f)
{
	return f->teid && (f->v4 || f->v6) &&
	       (!f->v4 || (u->has4 && f->ip4.s_addr == u->gtpu4.s_addr)) &&
	       (!f->v6 || (u->has6 && !memcmp(&f->ip6, &u->gtpu6, sizeof(f->ip6))));
}

/* Fills ret with the F-TEID that the PDR has from now on. */
static int pdr_fteid(struct work *w, uint32_t id, const struct sx_fteid *in, struct sx_fteid *ret)
{
	*ret = (struct sx_fteid){ .teid = in->teid };
	if (!in->ch) {
		if (!ours(w->u, in) || upf_teid_take(w->u, w->s, in->teid))
			return fail_rule(w, SX_RULE_PDR, id, SX_IE_F_TEID);
		ret->v4 = in->v4;
		ret->v6 = in->v6;
	} else {
		ret->v4 = w->u->has4 && in->v4;
		ret->v6 = w->u->has6 && in->v6;
		if (!ret->v4 && !ret->v6)
			return fail(w, SX_INVALID_FTEID_ALLOCATION, SX_IE_F_TEID);
		if (choose_teid(w, in, &ret->teid))
			return -EINVAL;
	}
	ret->ip4 = w->u->gtpu4;
	ret->ip6 = w->u->gtpu6;
	return 0;
}

/* --- PDR: address of the UE --- */

static const char *instance_of(const struct sx_pdi *in, struct sx_name *name)
{
	if (!in->has_network_instance || sx_network_instance_text(in->network_instance, name))
		return NULL;
	return name->s;
}

static int choose_ue(struct work *w, const struct sx_pdi *in)
{
	struct upf_session *s = w->s;
	struct sx_name name;
	const char *instance = instance_of(in, &name);

	if (in->ue_ip.chv4 && !s->has_ue4) {
		if (upf_ue4_alloc(w->u, instance, &s->ue4))
			return fail(w, SX_ADDRESSES_OCCUPIED, SX_IE_UE_IP);
		s->has_ue4 = s->own_ue4 = w->m->ue4_new = true;
	}
	if (in->ue_ip.chv6 && !s->has_ue6) {
		if (upf_ue6_alloc(w->u, instance, &s->ue6))
			return fail(w, SX_ADDRESSES_OCCUPIED, SX_IE_UE_IP);
		s->has_ue6 = s->own_ue6 = w->m->ue6_new = true;
	}
	return 0;
}

static bool same_prefix(const struct in6_addr *a, const struct in6_addr *b)
{
	return !memcmp(a, b, 8);
}

/* A session of the kernel has one address of each family. */
static int pdr_ue(struct work *w, uint32_t id, const struct sx_pdi *in)
{
	const struct sx_ue_ip *a = &in->ue_ip;
	struct upf_session *s = w->s;

	if (a->ip6d || (a->ip6pl && a->prefix_len != 64))
		return fail_rule(w, SX_RULE_PDR, id, SX_IE_UE_IP);
	if (a->chv4 || a->chv6)
		return choose_ue(w, in);
	if (a->v4) {
		if (s->has_ue4 && s->ue4.s_addr != a->ip4.s_addr)
			return fail_rule(w, SX_RULE_PDR, id, SX_IE_UE_IP);
		s->ue4 = a->ip4;
		s->has_ue4 = true;
	}
	if (a->v6) {
		if (s->has_ue6 && !same_prefix(&s->ue6, &a->ip6))
			return fail_rule(w, SX_RULE_PDR, id, SX_IE_UE_IP);
		memset(&s->ue6, 0, sizeof(s->ue6));
		memcpy(&s->ue6, &a->ip6, 8);
		s->has_ue6 = true;
	}
	return 0;
}

/* --- PDR --- */

static void created(struct work *w, uint16_t id, const struct sx_pdi *in,
		    const struct sx_fteid *fteid)
{
	struct sx_created_pdr *c = &w->m->created[w->m->n_created];
	bool teid = in->has_fteid && in->fteid.ch,
	     ue = in->has_ue_ip && (in->ue_ip.chv4 || in->ue_ip.chv6);

	if ((!teid && !ue) || w->m->n_created == ARRAY_SIZE(w->m->created))
		return;
	w->m->n_created++;
	c->id = id;
	c->has_fteid = teid;
	c->fteid = *fteid;
	c->n_ue_ip = ue;
	c->ue_ip[0] = (struct sx_ue_ip){ .v4 = in->ue_ip.chv4,
					 .v6 = in->ue_ip.chv6,
					 .sd = in->ue_ip.sd,
					 .ip4 = w->s->ue4,
					 .ip6 = w->s->ue6 };
}

static int pdr_application(struct work *w, uint32_t id, const struct sx_pdi *in, struct knl_pdr *p)
{
	p->app_id = 0;
	if (!in->has_application_id)
		return 0;
	p->app_id = upf_app_number(w->u, in->application_id);
	p->app_queue = w->u->app_queue;
	p->app_fail_open = true;
	return p->app_id ? 0 : fail_rule(w, SX_RULE_PDR, id, SX_IE_APPLICATION_ID);
}

/* All but the F-TEID. */
static int pdr_pdi(struct work *w, uint32_t id, const struct sx_pdi *in, struct knl_pdr *p)
{
	int e;

	if (in->source > SX_CP_FUNCTION)
		return fail_rule(w, SX_RULE_PDR, id, SX_IE_SOURCE_INTERFACE);
	if (in->n_endpoint_id || in->n_framed_route || in->n_framed_ipv6_route || in->n_qfi > 1)
		return fail_rule(w, SX_RULE_PDR, id,
				 in->n_endpoint_id    ? SX_IE_ENDPOINT_ID
				 : in->n_framed_route ? SX_IE_FRAMED_ROUTE
				 : in->n_qfi > 1      ? SX_IE_QFI
						      : SX_IE_FRAMED_IPV6_ROUTE);
	p->source = in->source;
	p->qfi = in->n_qfi ? in->qfi[0] : -1;
	p->device = in->has_network_instance && !in->has_fteid
			    ? instance_device(w->u, in->network_instance)
			    : 0;
	e = pdr_filters(w, id, in, p);
	if (!e)
		e = pdr_application(w, id, in, p);
	if (!e && in->has_ue_ip)
		e = pdr_ue(w, id, in);
	return e;
}

static int pdr_removal(struct work *w, uint32_t id, const struct sx_removal *r, struct knl_pdr *p)
{
	p->keep_outer_header = !r;
	if (r && r->desc != SX_REMOVE_GTPU4 && r->desc != SX_REMOVE_GTPU6 &&
	    r->desc != SX_REMOVE_GTPU)
		return fail_rule(w, SX_RULE_PDR, id, SX_IE_REMOVAL);
	return 0;
}

static int pdr_refs(struct work *w, uint32_t id, const uint32_t *qers, size_t n_qers,
		    const uint32_t *urrs, size_t n_urrs, struct knl_pdr *p)
{
	if (n_qers > KNL_PDR_QERS || n_urrs > KNL_PDR_URRS)
		return fail_rule(w, SX_RULE_PDR, id,
				 n_qers > KNL_PDR_QERS ? SX_IE_QER_ID : SX_IE_URR_ID);
	for (size_t i = 0; i < n_qers; i++)
		p->qers[i] = qers[i] + 1;
	for (size_t i = 0; i < n_urrs; i++)
		p->urrs[i] = urrs[i] + 1;
	if (n_qers)
		p->n_qers = (uint8_t)n_qers;
	if (n_urrs)
		p->n_urrs = (uint8_t)n_urrs;
	return 0;
}

static void add_pdr(struct upf_model *m, const struct knl_pdr *p)
{
	m->pdr[m->n_pdrs] = *p;
	m->pdr_mark[m->n_pdrs++] = UPF_FRESH;
}

static void drop_pdr(struct upf_model *m, int i)
{
	uint32_t id = m->pdr[i].id;

	if (m->pdr_mark[i] != UPF_FRESH)
		m->del_pdr[m->n_del_pdrs++] = id;
	m->n_pdrs--;
	m->pdr[i] = m->pdr[m->n_pdrs];
	m->pdr_mark[i] = m->pdr_mark[m->n_pdrs];
}

/* The PDR with its F-TEID, and its twin where that has both families. */
static int put_pdr(struct work *w, uint32_t id, struct knl_pdr *p, const struct sx_fteid *f)
{
	struct upf_model *m = w->m;

	if (m->n_pdrs + 2 > KNL_RULES)
		return fail(w, SX_NO_RESOURCES, SX_IE_CREATE_PDR);
	p->id = id + 1;
	p->teid = f ? f->teid : 0;
	p->endpoint = !f ? 0 : f->v4 ? w->u->ep4 : w->u->ep6;
	if (!f)
		p->keep_outer_header = false;
	add_pdr(m, p);
	if (!f || !f->v4 || !f->v6)
		return 0;
	p->id += UPF_TWIN;
	p->endpoint = w->u->ep6;
	add_pdr(m, p);
	return 0;
}

static int create_pdr(struct work *w, const struct sx_create_pdr *in)
{
	struct knl_pdr p = { .precedence = in->precedence };
	struct sx_fteid fteid = { 0 };
	int e;

	if (upf_model_pdr(w->m, in->id + 1u) >= 0)
		return fail_rule(w, SX_RULE_PDR, in->id, SX_IE_PDR_ID);
	if (in->n_activate)
		return fail(w, SX_UNKNOWN_PREDEFINED_RULE, SX_IE_ACTIVATE_RULES);
	if (!in->has_far_id)
		return fail(w, SX_CONDITIONAL_IE_MISSING, SX_IE_FAR_ID);
	p.far = in->far_id + 1;
	e = pdr_pdi(w, in->id, &in->pdi, &p) ?:
	    pdr_removal(w, in->id, IF_HAS(in, removal), &p) ?:
	    pdr_refs(w, in->id, in->qer_id, in->n_qer_id, in->urr_id, in->n_urr_id, &p);
	if (!e && in->pdi.has_fteid)
		e = pdr_fteid(w, in->id, &in->pdi.fteid, &fteid);
	if (!e)
		e = put_pdr(w, in->id, &p, in->pdi.has_fteid ? &fteid : NULL);
	if (!e)
		created(w, in->id, &in->pdi, &fteid);
	return e;
}

static int update_pdr(struct work *w, const struct sx_update_pdr *in)
{
	struct upf_model *m = w->m;
	int i = upf_model_pdr(m, in->id + 1u), twin = upf_model_pdr(m, in->id + 1u + UPF_TWIN),
	    e = 0;
	struct sx_fteid f = { 0 };
	struct knl_pdr p;

	if (i < 0)
		return fail_rule(w, SX_RULE_PDR, in->id, SX_IE_PDR_ID);
	if (in->n_activate || in->n_deactivate)
		return fail(w, SX_UNKNOWN_PREDEFINED_RULE,
			    in->n_activate ? SX_IE_ACTIVATE_RULES : SX_IE_DEACTIVATE_RULES);
	p = m->pdr[i];
	f = (struct sx_fteid){ .v4 = p.endpoint && p.endpoint == w->u->ep4,
			       .v6 = (p.endpoint && p.endpoint == w->u->ep6) || twin >= 0,
			       .teid = p.teid };
	if (in->has_precedence)
		p.precedence = in->precedence;
	if (in->has_far_id)
		p.far = in->far_id + 1;
	if (in->has_removal)
		e = pdr_removal(w, in->id, &in->removal, &p);
	if (!e)
		e = pdr_refs(w, in->id, in->qer_id, in->n_qer_id, in->urr_id, in->n_urr_id, &p);
	if (!e && in->has_pdi)
		e = pdr_pdi(w, in->id, &in->pdi, &p);
	if (!e && in->has_pdi && !in->pdi.has_fteid)
		f.v4 = f.v6 = false;
	else if (!e && in->has_pdi)
		e = pdr_fteid(w, in->id, &in->pdi.fteid, &f);
	if (e)
		return e;
	m->pdr_mark[i] = UPF_FRESH; /* its place is taken by what follows, not removed */
	drop_pdr(m, i);
	twin = upf_model_pdr(m, in->id + 1u + UPF_TWIN);
	if (twin >= 0 && f.v4 && f.v6)
		m->pdr_mark[twin] = UPF_FRESH;
	if (twin >= 0)
		drop_pdr(m, twin);
	e = put_pdr(w, in->id, &p, f.v4 || f.v6 ? &f : NULL);
	if (!e && in->has_pdi)
		created(w, in->id, &in->pdi, &f);
	return e;
}

/* --- removals --- */

static int remove_pdr(struct work *w, const struct sx_remove_pdr *in)
{
	int i = upf_model_pdr(w->m, in->id + 1u);

	if (i < 0)
		return fail_rule(w, SX_RULE_PDR, in->id, SX_IE_PDR_ID);
	drop_pdr(w->m, i);
	i = upf_model_pdr(w->m, in->id + 1u + UPF_TWIN);
	if (i >= 0)
		drop_pdr(w->m, i);
	return 0;
}

#define REMOVER(kind, KIND)                                                             \
	static int remove_##kind(struct work *w, const struct sx_remove_##kind *in)     \
	{                                                                               \
		struct upf_model *m = w->m;                                             \
		int i = id_ok(in->id) ? upf_model_##kind(m, in->id + 1u) : -1;          \
                                                                                        \
		if (i < 0)                                                              \
			return fail_rule(w, SX_RULE_##KIND, in->id, SX_IE_##KIND##_ID); \
		m->del_##kind[m->n_del_##kind##s++] = in->id + 1u;                      \
		m->n_##kind##s--;                                                       \
		m->kind[i] = m->kind[m->n_##kind##s];                                   \
		m->kind##_mark[i] = m->kind##_mark[m->n_##kind##s];                     \
		return 0;                                                               \
	}
REMOVER(far, FAR)
REMOVER(qer, QER)
REMOVER(urr, URR)

static bool in_ids(uint32_t id, const uint32_t *ids, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (ids[i] == id)
			return true;
	return false;
}

static uint8_t prune(uint32_t *ids, uint8_t n, const uint32_t *gone, size_t n_gone)
{
	uint8_t k = 0;

	for (uint8_t i = 0; i < n; i++)
		if (!in_ids(ids[i], gone, n_gone))
			ids[k++] = ids[i];
	return k;
}

/* A PDR that names a QER or URR that is removed loses it (5.2.1: its removal does not need an update). */
static void prune_refs(struct upf_model *m)
{
	for (size_t i = 0; i < m->n_pdrs; i++) {
		struct knl_pdr *p = &m->pdr[i];
		uint8_t q = prune(p->qers, p->n_qers, m->del_qer, m->n_del_qers);
		uint8_t r = prune(p->urrs, p->n_urrs, m->del_urr, m->n_del_urrs);

		if ((q != p->n_qers || r != p->n_urrs) && m->pdr_mark[i] == UPF_SAME)
			m->pdr_mark[i] = UPF_CHANGED;
		p->n_qers = q;
		p->n_urrs = r;
	}
	for (size_t i = 0; i < m->n_urrs; i++) {
		if (!m->urr[i].linked || !in_ids(m->urr[i].linked, m->del_urr, m->n_del_urrs))
			continue;
		m->urr[i].linked = 0;
		if (m->urr_mark[i] == UPF_SAME)
			m->urr_mark[i] = UPF_CHANGED;
	}
}

/* --- the whole --- */

static bool has_all(const struct upf_model *m, const uint32_t *ids, size_t n,
		    int (*find)(const struct upf_model *m, uint32_t id))
{
	for (size_t i = 0; i < n; i++)
		if (find(m, ids[i]) < 0)
			return false;
	return true;
}

/* The CP function takes router solicitations itself (5.3.3): some uplink packets go to it. */
static bool cp_takes(const struct upf_model *m)
{
	for (size_t i = 0; i < m->n_fars; i++)
		if (m->far[i].destination == KNL_CP_FUNCTION)
			return true;
	return false;
}

static bool is_own(const struct knl_pdr *p)
{
	return p->id == UPF_RA || p->id == UPF_RA + 1;
}

/* The uplink PDR that is tried last and has no filter: that of the default bearer. At this endpoint, or -1. */
static int default_uplink(const struct upf_model *m, uint32_t endpoint)
{
	int last = -1;

	for (size_t i = 0; i < m->n_pdrs; i++) {
		const struct knl_pdr *p = &m->pdr[i];

		if (p->source != KNL_ACCESS || p->endpoint != endpoint || p->n_filters ||
		    p->app_id || is_own(p))
			continue;
		if (last < 0 || p->precedence > m->pdr[last].precedence)
			last = (int)i;
	}
	return last;
}

/*
 * Our own PDR beside it, of packets to all routers, which are asked of by the queue and answered by detect.c. What
 * the queue does not take is dropped.
 */
static void own_pdr(struct work *w, uint32_t id, uint32_t endpoint)
{
	struct upf_model *m = w->m;
	bool wanted = w->u->queue && w->s->has_ue6 && endpoint && !cp_takes(m);
	int i = wanted ? default_uplink(m, endpoint) : -1, have = upf_model_pdr(m, id);
	struct knl_pdr p = { .id = id,
			     .source = KNL_ACCESS,
			     .endpoint = endpoint,
			     .qfi = -1,
			     .any_source = true,
			     .app_id = UPF_RA_APP,
			     .app_queue = w->u->app_queue,
			     .n_filters = 1 };
	struct knl_filter *f;

	if (i >= 0 && have >= 0 && m->pdr[have].teid == m->pdr[i].teid &&
	    m->pdr[have].far == m->pdr[i].far)
		return;
	if (have >= 0) {
		if (i >= 0)
			m->pdr_mark[have] = UPF_FRESH; /* replaced */
		drop_pdr(m, have);
		i = i >= 0 ? default_uplink(m, endpoint) : -1;
	}
	f = i >= 0 && m->n_pdrs < KNL_RULES ? upf_model_filters(m, 1) : NULL;
	if (!f)
		return;
	*f = (struct knl_filter){ .protocol = IPPROTO_ICMPV6,
				  .tos = -1,
				  .flow_label = -1,
				  .remote.len = 128,
				  .remote.addr = { .family = AF_INET6,
						   .v6.s6_addr = { 0xff, 2, [15] = 2 } } };
	p.filters = f;
	p.teid = m->pdr[i].teid;
	p.far = m->pdr[i].far;
	add_pdr(m, &p);
}

/* What PDRs name is there, and which of them must come from the UE's address. */
static int finish(struct work *w)
{
	struct upf_model *m = w->m;

	own_pdr(w, UPF_RA, w->u->ep4);
	own_pdr(w, UPF_RA + 1, w->u->ep6);

	for (size_t i = 0; i < m->n_pdrs; i++) {
		struct knl_pdr *p = &m->pdr[i];
		int far = upf_model_far(m, p->far);
		bool any;

		if (is_own(p))
			continue;
		if (far < 0)
			return fail_rule(w, SX_RULE_PDR, upf_pdr_id(p->id), SX_IE_FAR_ID);
		if (!has_all(m, p->qers, p->n_qers, upf_model_qer))
			return fail_rule(w, SX_RULE_PDR, upf_pdr_id(p->id), SX_IE_QER_ID);
		if (!has_all(m, p->urrs, p->n_urrs, upf_model_urr))
			return fail_rule(w, SX_RULE_PDR, upf_pdr_id(p->id), SX_IE_URR_ID);
		any = p->source == KNL_ACCESS && ((!w->s->has_ue4 && !w->s->has_ue6) ||
						  m->far[far].destination == KNL_CP_FUNCTION);
		if (any != p->any_source && m->pdr_mark[i] == UPF_SAME)
			m->pdr_mark[i] = UPF_CHANGED;
		p->any_source = any;
	}
	return 0;
}

/* for each of an array of the message, until one fails */
#define EACH(fn, list)                                     \
	for (size_t i_ = 0; i_ < in->n_##list && !e; i_++) \
	e = fn(&w, &in->list[i_])
#define EACH_LINK(list)                                    \
	for (size_t i_ = 0; i_ < in->n_##list && !e; i_++) \
	e = link_urr(&w, in->list[i_].id, in->list[i_].linked_urr, in->list[i_].n_linked_urr)

int upf_rules_establish(struct upf *u, struct upf_model *m, struct upf_session *s,
			const struct sx_session_establishment_request *in)
{
	struct work w = { u, m, s };
	int e = 0;

	EACH(create_bar, create_bar);
	EACH(create_far, create_far);
	EACH(create_qer, create_qer);
	EACH(create_urr, create_urr);
	EACH_LINK(create_urr);
	EACH(create_pdr, create_pdr);
	if (in->n_create_endpoint && !e)
		e = fail(&w, SX_SERVICE_NOT_SUPPORTED, SX_IE_CREATE_ENDPOINT);
	m->idle_timeout = in->has_up_inactivity ? (int)MIN(in->up_inactivity, 2000000u) : 0;
	return e ?: finish(&w);
}

int upf_rules_modify(struct upf *u, struct upf_model *m, struct upf_session *s,
		     const struct sx_session_modification_request *in)
{
	struct work w = { u, m, s };
	int e = 0;

	if (in->n_create_endpoint || in->n_update_endpoint || in->n_remove_endpoint)
		return fail(&w, SX_SERVICE_NOT_SUPPORTED, SX_IE_CREATE_ENDPOINT);
	EACH(remove_pdr, remove_pdr);
	EACH(remove_far, remove_far);
	EACH(remove_qer, remove_qer);
	EACH(remove_urr, remove_urr);
	prune_refs(m);
	EACH(create_bar, create_bar);
	EACH(update_bar, update_bar);
	EACH(create_far, create_far);
	EACH(create_qer, create_qer);
	EACH(create_urr, create_urr);
	EACH(update_far, update_far);
	EACH(update_qer, update_qer);
	EACH(update_urr, update_urr);
	EACH_LINK(create_urr);
	EACH_LINK(update_urr);
	EACH(create_pdr, create_pdr);
	EACH(update_pdr, update_pdr);
	for (size_t i = 0; i < in->n_remove_bar && !e; i++) {
		if (!s->has_bar || s->bar != in->remove_bar[i].id)
			return fail_rule(&w, SX_RULE_BAR, in->remove_bar[i].id, SX_IE_BAR_ID);
		s->has_bar = false;
		m->bar = (struct knl_bar){ 0 };
		m->bar_changed = true;
	}
	if (in->has_up_inactivity)
		m->idle_timeout = (int)MIN(in->up_inactivity, 2000000u);
	return e ?: finish(&w);
}
