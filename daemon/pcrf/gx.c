// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * IP-CAN sessions (TS 29.212 4.5): CCR -> CCA, what they report, how they end.
 *
 * Invariants: a repeated CCR (same number) has the same effect as one; a CCR-I with a known Session-Id or with the
 * address of another session at the same APN and PCEF takes its place.
 */
#include <stdio.h>

#include "lib/core/log.h"
#include "lib/core/metrics.h"
#include "pcrf/pcrf.h"

METRIC_COUNTER(m_initial, "kims_pcrf_ccr_initial_total", "IP-CAN sessions opened");
METRIC_COUNTER(m_update, "kims_pcrf_ccr_update_total", "CCR updates served");
METRIC_COUNTER(m_final, "kims_pcrf_ccr_termination_total", "CCR terminations served");
METRIC_COUNTER(m_refused, "kims_pcrf_ccr_refused_total", "CCR answered with an error");
METRIC_COUNTER(m_rar, "kims_pcrf_gx_rar_total", "RAR sent to PCEFs");
METRIC_GAUGE(m_sessions, "kims_pcrf_gx_sessions", "IP-CAN sessions");
METRIC_GAUGE(m_rx, "kims_pcrf_rx_sessions", "AF sessions");

void pcrf_metrics(void)
{
	struct metric *all[] = { &m_initial, &m_update,	  &m_final, &m_refused,
				 &m_rar,     &m_sessions, &m_rx };

	for (size_t i = 0; i < ARRAY_SIZE(all); i++)
		metric_register(all[i]);
	pcrf_rx_metrics();
}

void pcrf_gauges(const struct pcrf *p)
{
	m_sessions.value = p->n_gx;
	m_rx.value = p->n_rx;
}

/* --- the machine --- */

static struct pcrf_gx *gx_of(struct fsm *f)
{
	return container_of(f, struct pcrf_gx, fsm);
}

static void start_push(struct fsm *f)
{
	gx_of(f)->tries = 0;
	if (!fsm_go(f, GXS_PUSHING)) {
		metric_inc(&m_rar);
		pcrf_push_send(gx_of(f));
	}
}

static void on_idle(struct fsm *f, int event, void *data _unused_)
{
	switch ((enum gx_event)event) {
	case GXE_PUSH:
		start_push(f);
		break;
	case GXE_RELEASE:
		fsm_go(f, GXS_ENDING);
		break;
	case GXE_CLOSED:
		fsm_go(f, GXS_GONE);
		break;
	case GXE_DONE:
	case GXE_AGAIN:
		break;
	}
}

static void on_pushing(struct fsm *f, int event, void *data _unused_)
{
	switch ((enum gx_event)event) {
	case GXE_DONE:
		if (!fsm_go(f, GXS_IDLE))
			pcrf_push(gx_of(f));
		break;
	case GXE_AGAIN:
		fsm_go(f, GXS_BACKOFF);
		break;
	case GXE_RELEASE:
		fsm_go(f, GXS_ENDING);
		break;
	case GXE_CLOSED:
		fsm_go(f, GXS_GONE);
		break;
	case GXE_PUSH:
		break;
	}
}

static void push_timeout(struct fsm *f)
{
	pcrf_push_fail(gx_of(f), false);
	fsm_event(f, GXE_DONE, NULL);
}

static void backoff_over(struct fsm *f)
{
	if (!fsm_go(f, GXS_PUSHING))
		pcrf_push_send(gx_of(f));
}

static void ending_timeout(struct fsm *f)
{
	pcrf_gx_end(gx_of(f));
}

static const struct fsm_state states[] = {
	[GXS_IDLE] = { .name = "idle",
		       .doc = "the PCEF has what it shall have",
		       .events = FSM_BIT(GXE_PUSH) | FSM_BIT(GXE_RELEASE) | FSM_BIT(GXE_CLOSED),
		       .next = FSM_BIT(GXS_PUSHING) | FSM_BIT(GXS_ENDING) | FSM_BIT(GXS_GONE),
		       .on_event = on_idle },
	[GXS_PUSHING] = { .name = "pushing",
			  .doc = "RAR sent, RAA to come; TS 29.212 4.5.2.1",
			  .events = FSM_BIT(GXE_DONE) | FSM_BIT(GXE_AGAIN) | FSM_BIT(GXE_RELEASE) |
				    FSM_BIT(GXE_CLOSED),
			  .next = FSM_BIT(GXS_IDLE) | FSM_BIT(GXS_BACKOFF) | FSM_BIT(GXS_ENDING) |
				  FSM_BIT(GXS_GONE),
			  .waiting = true,
			  .timer_usec = 60 * USEC_PER_SEC,
			  .on_event = on_pushing,
			  .on_timeout = push_timeout },
	[GXS_BACKOFF] = { .name = "backoff",
			  .doc = "the PCEF was busy with the session (4144), or away",
			  .events = FSM_BIT(GXE_RELEASE) | FSM_BIT(GXE_CLOSED),
			  .next = FSM_BIT(GXS_PUSHING) | FSM_BIT(GXS_ENDING) | FSM_BIT(GXS_GONE),
			  .waiting = true,
			  .timer_usec = 200 * USEC_PER_MSEC,
			  .on_event = on_pushing,
			  .on_timeout = backoff_over },
	[GXS_ENDING] = { .name = "ending",
			 .doc = "released by us, CCR-T to come; TS 29.212 4.5.9",
			 .events = FSM_BIT(GXE_CLOSED),
			 .next = FSM_BIT(GXS_GONE),
			 .waiting = true,
			 .timer_usec = 10 * USEC_PER_SEC,
			 .on_event = on_idle,
			 .on_timeout = ending_timeout },
	[GXS_GONE] = { .name = "gone", .doc = "freed at the end of the round" },
};
static const char *const events[] = { "push", "done", "again", "release", "closed" };

const struct fsm_desc pcrf_gx_fsm = { .name = "gx",
				      .states = states,
				      .n_states = ARRAY_SIZE(states),
				      .event_names = events,
				      .n_events = ARRAY_SIZE(events) };

/* --- the tables --- */

struct pcrf_gx *pcrf_gx_by_id(const struct pcrf *p, struct str id)
{
	struct hnode *n = htab_find(&p->gx_by_id, pcrf_hash(p, id.p, id.n));

	for (; n; n = htab_next(n)) {
		struct pcrf_gx *g = container_of(n, struct pcrf_gx, by_id);

		if (str_eqz(id, g->id))
			return g;
	}
	return NULL;
}

/* "ims.mnc001.mcc001.gprs" is "ims" (TS 23.003 9.1). */
struct str pcrf_apn_name(struct str apn)
{
	for (size_t i = 0; i + 4 < apn.n; i++)
		if (!strncasecmp(apn.p + i, ".mnc", 4))
			return (struct str){ apn.p, i };
	return apn;
}

static bool at_apn(const struct pcrf_gx *g, struct str apn)
{
	return !apn.p || str_ieqz(pcrf_apn_name(apn), g->apn);
}

struct pcrf_gx *pcrf_gx_by_ue(const struct pcrf *p, struct str v4, struct str v6, struct str apn)
{
	struct hnode *n;
	struct pcrf_gx *g;

	if (v4.p && v4.n == 4)
		for (n = htab_find(&p->gx_by_v4, pcrf_hash(p, v4.p, 4)); n; n = htab_next(n)) {
			g = container_of(n, struct pcrf_gx, by_v4);
			if (!memcmp(g->v4, v4.p, 4) && at_apn(g, apn))
				return g;
		}
	if (v6.p && v6.n >= 8)
		for (n = htab_find(&p->gx_by_v6, pcrf_hash(p, v6.p, 8)); n; n = htab_next(n)) {
			g = container_of(n, struct pcrf_gx, by_v6);
			if (!memcmp(g->v6, v6.p, 8) && at_apn(g, apn))
				return g;
		}
	return NULL;
}

static void set_address(struct pcrf_gx *g, const struct gx_ccr *r)
{
	struct pcrf *p = g->pcrf;

	if (!g->has_v4 && r->framed_ip.p && r->framed_ip.n == 4) {
		memcpy(g->v4, r->framed_ip.p, 4);
		g->has_v4 = true;
		htab_insert(&p->gx_by_v4, &g->by_v4, pcrf_hash(p, g->v4, 4));
	}
	if (!g->has_v6 && r->framed_ipv6.p && r->framed_ipv6.n > 2) {
		memcpy(g->v6, r->framed_ipv6.p + 2, MIN(r->framed_ipv6.n - 2, 8));
		g->has_v6 = true;
		htab_insert(&p->gx_by_v6, &g->by_v6, pcrf_hash(p, g->v6, 8));
	}
}

static void release_v4(struct pcrf_gx *g)
{
	if (g->has_v4)
		htab_remove(&g->pcrf->gx_by_v4, &g->by_v4);
	g->has_v4 = false;
}

void pcrf_gx_free(struct pcrf_gx *g)
{
	while (g->rules)
		pcrf_rule_drop(g, g->rules);
	fsm_fini(&g->fsm);
	free(g->id);
	free(g->host);
	free(g->realm);
	pcrf_profile_drop(g);
	free(g);
}

static void unlist(struct pcrf_gx *g)
{
	struct pcrf *p = g->pcrf;

	htab_remove(&p->gx_by_id, &g->by_id);
	release_v4(g);
	if (g->has_v6)
		htab_remove(&p->gx_by_v6, &g->by_v6);
	g->has_v6 = false;
	*g->pprev = g->next;
	if (g->next)
		g->next->pprev = g->pprev;
	g->next = p->dead_gx;
	p->dead_gx = g;
	p->n_gx--;
	pcrf_gauges(p);
}

void pcrf_gx_end(struct pcrf_gx *g)
{
	if (fsm_event(&g->fsm, GXE_CLOSED, NULL))
		return;
	while (g->rx) {
		struct pcrf_rx *x = g->rx;

		pcrf_rx_unbind(x);
		pcrf_rx_abort(x, RX_BEARER_RELEASED);
	}
	unlist(g);
}

int pcrf_gx_release(struct pcrf_gx *g)
{
	int e = fsm_event(&g->fsm, GXE_RELEASE, NULL);

	return e ? -EALREADY : pcrf_push_release(g);
}

static struct pcrf_gx *gx_new(struct pcrf *p, const struct ie_env *env)
{
	struct pcrf_gx *g = calloc(1, sizeof(*g));

	if (!g)
		return NULL;
	g->pcrf = p;
	g->id = str_dup(env->session_id);
	g->host = str_dup(env->origin_host);
	g->realm = str_dup(env->origin_realm);
	g->ip_can = g->rat = -1;
	fsm_init(&g->fsm, &pcrf_gx_fsm, p->loop, GXS_IDLE, g->id);
	if (!g->id || !g->host || !g->realm) {
		pcrf_gx_free(g);
		return NULL;
	}
	htab_insert(&p->gx_by_id, &g->by_id, pcrf_hash(p, g->id, strlen(g->id)));
	g->next = p->gx;
	g->pprev = &p->gx;
	if (g->next)
		g->next->pprev = &g->next;
	p->gx = g;
	p->n_gx++;
	return g;
}

/* --- what a CCR tells --- */

static bool keep(uint8_t *dst, size_t size, uint8_t *n, struct str s)
{
	if (!s.p || s.n > size || (s.n == *n && !memcmp(dst, s.p, s.n)))
		return false;
	memcpy(dst, s.p, s.n);
	*n = (uint8_t)s.n;
	return true;
}

#define KEEP(g, f, s) keep((g)->f, sizeof((g)->f), &(g)->n_##f, s)

/* Bits of enum rx_specific_action that the change is one for. */
static uint32_t learn(struct pcrf_gx *g, const struct gx_ccr *r)
{
	uint32_t what = 0;

	if ((r->ip_can_type >= 0 && r->ip_can_type != g->ip_can) ||
	    (r->rat_type >= 0 && r->rat_type != g->rat))
		what |= FSM_BIT(RX_IP_CAN_CHANGE);
	if (r->ip_can_type >= 0)
		g->ip_can = r->ip_can_type;
	if (r->rat_type >= 0)
		g->rat = r->rat_type;
	if (KEEP(g, uli, r->location.uli) | KEEP(g, timezone, r->location.timezone) |
	    KEEP(g, mcc_mnc, r->location.mcc_mnc))
		what |= FSM_BIT(RX_ACCESS_NETWORK_INFO_REPORT);
	if (r->n_charging_id && KEEP(g, charging_id, r->charging_id[0].value))
		what |= FSM_BIT(RX_CHARGING_CORRELATION_EXCHANGE);
	return what;
}

static bool has_trigger(const struct gx_ccr *r, enum gx_event_trigger t)
{
	for (size_t i = 0; i < r->n_event_trigger; i++)
		if (r->event_trigger[i] == (uint32_t)t)
			return true;
	return false;
}

/* TS 29.212 5.3.18, 5.3.19, 5.3.38. */
static enum pcrf_event event_of(const struct gx_rule_report *r, const struct pcrf_cause *c)
{
	switch ((enum gx_rule_status)r->status) {
	case GX_RULE_ACTIVE:
		return c->recovered ? PCRF_EV_RECOVERED : PCRF_EV_ALLOCATED;
	case GX_RULE_TEMPORARILY_INACTIVE:
		return PCRF_EV_LOST;
	case GX_RULE_INACTIVE:
		break;
	}
	return r->failure >= 0 && r->failure != GX_PS_TO_CS_HANDOVER && !c->lost ? PCRF_EV_FAILED
										 : PCRF_EV_RELEASED;
}

void pcrf_gx_report(struct pcrf_gx *g, const struct gx_rule_report *r, size_t n,
		    const struct pcrf_cause *c)
{
	for (size_t i = 0; i < n; i++)
		for (size_t k = 0; k < r[i].n_name; k++) {
			struct pcrf_rule *rule = pcrf_rule_by_name(g, r[i].name[k]);

			if (!rule)
				continue;
			rule->event = event_of(&r[i], c);
			if (rule->event == PCRF_EV_FAILED || rule->event == PCRF_EV_RELEASED)
				rule->known = rule->inflight;
			if (!rule->rx && !rule->known && !rule->inflight)
				pcrf_rule_drop(g, rule);
		}
	pcrf_rx_tell(g);
}

/* --- the answer --- */

/* What the PCEF shall report (TS 29.212 4.5.3). */
static const uint32_t triggers[] = {
	GX_RAT_CHANGE,
	GX_LOSS_OF_BEARER,
	GX_RECOVERY_OF_BEARER,
	GX_IP_CAN_CHANGE,
	GX_USER_LOCATION_CHANGE,
	GX_UE_IP_ADDRESS_ALLOCATE,
	GX_UE_IP_ADDRESS_RELEASE,
	GX_DEFAULT_EPS_BEARER_QOS_CHANGE,
	GX_AN_GW_CHANGE,
	GX_SUCCESSFUL_RESOURCE_ALLOCATION,
	GX_UE_TIME_ZONE_CHANGE,
	GX_CHARGING_CORRELATION_EXCHANGE,
	GX_ACCESS_NETWORK_INFO_REPORT,
};

static void order_usage(const struct pcrf_gx *g, struct gx_orders *o)
{
	if (!g->profile || !g->profile->quota)
		return;
	o->n_usage = 1;
	o->usage[0] = (struct gx_usage){ .key = STR("session"),
					 .granted_total = g->profile->quota,
					 .report = -1,
					 .support = -1 };
}

void pcrf_gx_order_qos(const struct pcrf_gx *g, struct gx_orders *o)
{
	o->has_default_qos = true;
	o->default_qos = g->qos;
	if (g->ambr_ul < 0)
		return;
	o->has_qos = true;
	o->qos.ambr_ul = g->ambr_ul;
	o->qos.ambr_dl = g->ambr_dl;
}

void pcrf_gx_order_triggers(const struct pcrf_gx *g, struct gx_orders *o)
{
	memcpy(o->event_trigger, triggers, sizeof(triggers));
	o->n_event_trigger = ARRAY_SIZE(triggers);
	if (g->profile->quota)
		o->event_trigger[o->n_event_trigger++] = GX_USAGE_REPORT;
}

static void order_initial(const struct pcrf_gx *g, struct gx_orders *o)
{
	const struct pcrf_policy *f = g->profile;

	pcrf_gx_order_triggers(g, o);
	pcrf_gx_order_qos(g, o);
	order_usage(g, o);
	if (!*f->rule && !*f->base)
		return;
	o->n_install = 1;
	o->install[0].allocation_notification = -1;
	if (*f->rule)
		o->install[0].name[o->install[0].n_name++] = str_of(f->rule);
	if (*f->base)
		o->install[0].base_name[o->install[0].n_base_name++] = str_of(f->base);
}

/* TS 29.212 4.5.5.8, 4.5.5.9: the operator's, else what was asked for. */
static void authorise(struct pcrf_gx *g, const struct gx_ccr *r)
{
	const struct pcrf_policy *f = g->profile;

	if (r->has_default_qos)
		g->qos = r->default_qos;
	else
		g->qos = (struct gx_default_qos){ 9, { 9, 1, 0 }, true };
	if (f->qci > 0)
		g->qos.qci = f->qci;
	if (f->arp || !g->qos.has_arp) {
		g->qos.has_arp = true;
		g->qos.arp = (struct pcc_arp){ f->arp ? f->arp : 9, 1, 0 };
	}
	g->ambr_ul = f->ambr_ul >= 0 ? f->ambr_ul * 1000 : r->has_qos ? r->qos.ambr_ul : -1;
	g->ambr_dl = f->ambr_dl >= 0 ? f->ambr_dl * 1000 : r->has_qos ? r->qos.ambr_dl : -1;
}

void pcrf_gx_authorise(struct pcrf_gx *g)
{
	const struct pcrf_policy *f = g->profile;

	if (f->qci > 0)
		g->qos.qci = f->qci;
	if (f->arp)
		g->qos.arp.level = f->arp;
	if (f->ambr_ul >= 0)
		g->ambr_ul = f->ambr_ul * 1000;
	if (f->ambr_dl >= 0)
		g->ambr_dl = f->ambr_dl * 1000;
}

static struct str imsi_of(const struct gx_ccr *r)
{
	for (size_t i = 0; i < r->n_subscription; i++)
		if (r->subscription[i].type == PCC_IMSI)
			return r->subscription[i].data;
	return (struct str){ NULL, 0 };
}

/* A session that this one takes the place of: the PCEF has forgotten it. */
static void end_former(struct pcrf *p, const struct ie_env *env, const struct gx_ccr *r,
		       struct str apn)
{
	struct str v6 = { NULL, 0 };
	struct pcrf_gx *g;

	if (r->framed_ipv6.p && r->framed_ipv6.n >= 10)
		v6 = (struct str){ r->framed_ipv6.p + 2, 8 };
	g = pcrf_gx_by_id(p, env->session_id);
	if (g)
		pcrf_gx_end(g);
	while ((g = pcrf_gx_by_ue(p, r->framed_ip, v6, apn))) {
		if (!str_ieqz(env->origin_host, g->host))
			log_notice("%s: its address is now of a session of %.*s", g->id,
				   STR_FMT(env->origin_host));
		pcrf_gx_end(g);
	}
}

static int bad_address(const struct gx_ccr *r)
{
	if (r->framed_ip.p && r->framed_ip.n != 4)
		return PCC_INVALID_AVP_VALUE;
	if (r->framed_ipv6.p && (r->framed_ipv6.n < 2 || r->framed_ipv6.n > 18))
		return PCC_INVALID_AVP_VALUE;
	return 0;
}

/* The same CCR-I again: its answer got lost (RFC 6733 5.5.4). */
static bool is_again(const struct pcrf_gx *g, const struct gx_ccr *r)
{
	return g && g->number == r->number && g->fsm.state != GXS_ENDING &&
	       g->has_v4 == !!r->framed_ip.p && g->has_v6 == !!r->framed_ipv6.p &&
	       (!g->has_v4 || !memcmp(g->v4, r->framed_ip.p, 4));
}

static int on_initial(struct pcrf *p, const struct ie_env *env, const struct gx_ccr *r,
		      struct gx_cca *a, struct pcrf_gx **ret)
{
	struct str apn = pcrf_apn_name(r->called_station_id), imsi = imsi_of(r);
	struct pcrf_gx *g = pcrf_gx_by_id(p, env->session_id);
	const struct pcrf_policy *f;
	struct pcrf_policy *own;
	int e;

	if (bad_address(r))
		return PCC_INVALID_AVP_VALUE;
	if (!is_again(g, r)) {
		e = pcrf_profile_find(p, imsi, apn, &f, &own);
		if (e)
			return e == -ENOENT ? GX_ERROR_INITIAL_PARAMETERS : PCC_OUT_OF_SPACE;
		end_former(p, env, r, apn);
		g = gx_new(p, env);
		if (!g) {
			free(own);
			return PCC_OUT_OF_SPACE;
		}
		str_copy(g->apn, sizeof(g->apn), apn);
		str_copy(g->imsi, sizeof(g->imsi), imsi);
		pcrf_profile_take(g, f, own);
		set_address(g, r);
		authorise(g, r);
		learn(g, r);
	}
	g->number = r->number;
	a->bearer_control_mode = r->network_request_support == 1 ? 2 : -1;
	a->online = 0;
	a->offline = 0;
	order_initial(g, &a->orders);
	*ret = g;
	return PCC_SUCCESS;
}

static void on_usage(struct pcrf_gx *g, const struct gx_ccr *r, struct gx_orders *o)
{
	for (size_t i = 0; i < r->n_usage; i++)
		g->used += r->usage[i].used_total ? r->usage[i].used_total
						  : r->usage[i].used_ul + r->usage[i].used_dl;
	if (r->n_usage)
		order_usage(g, o);
}

/* TS 29.212 4.5.6: events; TS 29.212 4.5.12: rules that failed. */
static int on_update(struct pcrf_gx *g, const struct gx_ccr *r, struct gx_cca *a)
{
	uint32_t what;
	bool again = g->number == r->number;

	if (bad_address(r))
		return PCC_INVALID_AVP_VALUE;
	g->number = r->number;
	if (has_trigger(r, GX_UE_IP_ADDRESS_RELEASE))
		release_v4(g);
	else
		set_address(g, r);
	what = learn(g, r);
	if (has_trigger(r, GX_ACCESS_NETWORK_INFO_REPORT))
		what |= FSM_BIT(RX_ACCESS_NETWORK_INFO_REPORT);
	if (!again)
		on_usage(g, r, &a->orders);
	if (has_trigger(r, GX_DEFAULT_EPS_BEARER_QOS_CHANGE) || has_trigger(r, GX_QOS_CHANGE)) {
		authorise(g, r);
		pcrf_gx_order_qos(g, &a->orders);
	}
	for (int i = 0; i < 32; i++)
		if (what & FSM_BIT(i))
			pcrf_rx_tell_access(g, (enum rx_specific_action)i);
	pcrf_gx_report(g, r->report, r->n_report,
		       &(struct pcrf_cause){ has_trigger(r, GX_LOSS_OF_BEARER),
					     has_trigger(r, GX_RECOVERY_OF_BEARER) });
	return PCC_SUCCESS;
}

static int serve(struct pcrf *p, const struct ie_env *env, const struct gx_ccr *r, struct gx_cca *a,
		 struct pcrf_gx **ret)
{
	struct pcrf_gx *g = pcrf_gx_by_id(p, env->session_id);

	switch ((enum gx_request_type)r->type) {
	case GX_INITIAL_REQUEST:
		metric_inc(&m_initial);
		return on_initial(p, env, r, a, ret);
	case GX_UPDATE_REQUEST:
		metric_inc(&m_update);
		if (!g)
			return PCC_UNKNOWN_SESSION_ID;
		*ret = g;
		return on_update(g, r, a);
	case GX_TERMINATION_REQUEST:
		metric_inc(&m_final);
		if (!g)
			return PCC_UNKNOWN_SESSION_ID;
		learn(g, r);
		on_usage(g, r, &a->orders);
		a->orders.n_usage = 0;
		pcrf_gx_end(g);
		return PCC_SUCCESS;
	}
	return PCC_INVALID_AVP_VALUE;
}

bool pcrf_on_gx(void *arg, struct dia_token *t, const struct ie_command *cmd,
		const struct ie_env *env, void *in)
{
	_cleanup_free_ struct gx_cca *a = malloc(sizeof(*a));
	const struct gx_ccr *r = in;
	struct pcrf_gx *g = NULL;
	struct pcrf *p = arg;
	bool initial = r->type == GX_INITIAL_REQUEST;

	if (cmd != &gx_ccr_cmd || !a)
		return false;
	pcrf_peer_seen(p, env);
	ie_init(&gx_cca_cmd, a);
	a->type = r->type;
	a->number = r->number;
	a->result = serve(p, env, r, a, &g);
	if (a->result != PCC_SUCCESS)
		metric_inc(&m_refused);
	dia_answer(t, &gx_cca_cmd, a, NULL);
	if (g && g->fsm.state != GXS_GONE && initial)
		pcrf_rx_bind_waiting(g); /* after the answer: the RAR must not overtake it */
	pcrf_gauges(p);
	return true;
}
