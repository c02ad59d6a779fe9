// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The Gx session of a PDN connection (TS 29.212 4.5): CCR-I, CCR-U, CCR-T, what their answers and RARs order.
 *
 * Without an answer to CCR-I the connection is refused with "remote peer not responding" (TS 29.274 8.4), one
 * for an emergency goes on with what was asked for; PCRFs that refuse are quoted by on_refused(). Later a PCRF that
 * is away changes nothing: the CCR-U is repeated once, then every AWAY seconds. One that has lost the session
 * (DIAMETER_UNKNOWN_SESSION_ID) gets a new one, and rules that it does not install again go; it is asked for every
 * session when its connection comes up.
 *
 * Invariants: one CCR under way per session, the next one carries what came up meanwhile; orders are taken in the
 * order in which they arrive; answers find their session by TEID and serial number, as it may have ended.
 */
#include <stdio.h>

#include "lib/core/log.h"
#include "lib/core/metrics.h"
#include "lib/core/sbuf.h"
#include "smf/bearer.h"
#include "smf/gx.h"

METRIC_COUNTER(m_ccr, "kims_smf_gx_ccr_total", "CCRs sent");
METRIC_COUNTER(m_failed, "kims_smf_gx_failed_total", "CCRs refused or without an answer");
METRIC_COUNTER(m_rar, "kims_smf_gx_rar_total", "RARs served");

enum {
	AWAY = 10, /* seconds between tries to tell a PCRF that does not answer what it has to know */
	CHECK_USEC = 1000, /* between questions for sessions of a PCRF that is back */
	FINAL_TRIES = 3,   /* of the CCR-T again: nothing else ends the session at the PCRF */
};

/* --- sending --- */

struct call {
	struct smf *s;
	uint32_t teid;
	uint64_t serial;
	enum gx_request_type type;
};

static void on_cca(void *arg, const struct ie_env *env, const void *answer);

static int send_ccr(struct smf_gx *g, enum gx_request_type type)
{
	static struct gx_ccr r;
	struct smf *s = g->pdn->smf;
	struct call *c = malloc(sizeof(*c));
	struct dia_to to = { .host = g->host, .session_id = str_of(g->id) };
	int e;

	if (!c)
		return -ENOMEM;
	*c = (struct call){ .s = s, .teid = g->pdn->teid, .serial = g->serial, .type = type };
	smf_gx_fill(g, type, &r);
	metric_inc(&m_ccr);
	e = dia_request(s->dia, &gx_app, &gx_ccr_cmd, &to, &r,
			(struct dia_done){ .fn = on_cca, .arg = c });
	if (e)
		free(c);
	else
		g->busy = true;
	return e;
}

/* Sends what is new, if there is something and nothing is under way. */
static void push(struct smf_gx *g)
{
	if (g->state != SMF_GX_OPEN || g->busy || g->hold || timer_running(&g->again) ||
	    !smf_gx_has_news(g))
		return;
	g->tries = 0;
	g->check = false;
	if (send_ccr(g, GX_UPDATE_REQUEST))
		smf_gx_told(g, false);
}

static void terminate(struct smf_gx *g)
{
	g->state = SMF_GX_CLOSING;
	g->tries = 0;
	g->number += g->busy; /* the one under way has it */
	if (!send_ccr(g, GX_TERMINATION_REQUEST))
		return;
	g->state = SMF_GX_CLOSED;
	timer_start(g->pdn->smf->loop, &g->soon, 0);
}

/* --- orders --- */

static void set_default_qos(struct smf_pdn *p, const struct gx_orders *o)
{
	if (o->has_default_qos) {
		int qci = o->default_qos.qci;

		if (pcc_is_gbr(qci)) /* TS 23.401 4.7.2.1 */
			log_warn("%s: QCI %d of the PCRF is none of a default bearer; it keeps %d",
				 p->name, qci, p->default_qos.qci);
		else if (qci > 0 && qci <= 255)
			p->default_qos.qci = (uint8_t)qci;
		if (o->default_qos.has_arp)
			p->default_qos.arp = smf_arp_of(&o->default_qos.arp);
	}
	if (o->has_qos && o->qos.ambr_ul >= 0)
		p->ambr_ul = (uint64_t)o->qos.ambr_ul;
	if (o->has_qos && o->qos.ambr_dl >= 0)
		p->ambr_dl = (uint64_t)o->qos.ambr_dl;
}

static void set_triggers(struct smf_gx *g, const struct gx_orders *o)
{
	if (!o->n_event_trigger)
		return;
	g->subscribed = 0;
	for (size_t i = 0; i < o->n_event_trigger; i++)
		if (o->event_trigger[i] < 64)
			g->subscribed |= SMF_TRIGGER(o->event_trigger[i]);
	if (g->subscribed & SMF_TRIGGER(GX_NO_EVENT_TRIGGERS))
		g->subscribed = 0;
}

static struct smf_monitor *monitor_by_key(struct smf_pdn *p, struct str key, bool create)
{
	struct smf_monitor **at = &p->monitors, *m;
	uint32_t id = 0;

	for (; *at; at = &(*at)->next) {
		if (str_eqz(key, (*at)->key))
			return *at;
		id = MAX(id, (*at)->urr_id);
	}
	m = create && id < 8 ? calloc(1, sizeof(*m)) : NULL;
	if (m && str_copy(m->key, sizeof(m->key), key)) {
		free(m);
		return NULL;
	}
	if (m) {
		m->urr_id = id + 1;
		*at = m;
	}
	return m;
}

static void end_monitor(struct smf_pdn *p, struct smf_monitor *m)
{
	struct smf_monitor **at = &p->monitors;

	while (*at != m)
		at = &(*at)->next;
	*at = m->next;
	free(m);
}

/* No new grant after a report: monitoring of this key is over (TS 29.212 4.5.16). */
static void set_usage(struct smf_pdn *p, const struct gx_orders *o)
{
	for (size_t i = 0; i < o->n_usage; i++) {
		const struct gx_usage *u = &o->usage[i];
		bool granted = u->granted_total || u->granted_ul || u->granted_dl;
		struct smf_monitor *m = monitor_by_key(p, u->key, granted);

		if (!m)
			continue;
		if (u->support == 0) {
			end_monitor(p, m);
			continue;
		}
		m->report |= u->report == 0;
		if (u->level >= 0)
			m->session = u->level == 0;
		else if (granted && !m->total && !m->ul && !m->dl)
			m->session = true;
		if (!granted)
			continue;
		m->total = u->granted_total;
		m->ul = u->granted_ul;
		m->dl = u->granted_dl;
	}
}

static void on_again(struct timer *t)
{
	struct smf_gx *g = container_of(t, struct smf_gx, again);

	if (g->state != SMF_GX_OPENING)
		push(g);
	else if (!g->busy && send_ccr(g, GX_INITIAL_REQUEST))
		timer_start(g->pdn->smf->loop, &g->again, AWAY * USEC_PER_SEC);
}

/* A PCRF that was away may have started again without its sessions; only a CCR-U tells (5002). */
void smf_gx_peer_up(struct smf *s)
{
	uint64_t after = 0;

	for (struct smf_pdn *p = s->pdns; p; p = p->next) {
		if (!p->gx || p->gx->state != SMF_GX_OPEN)
			continue;
		p->gx->check = true;
		timer_start(s->loop, &p->gx->again, after += CHECK_USEC);
	}
}

static void on_revalidation(struct timer *t)
{
	struct smf_gx *g = container_of(t, struct smf_gx, revalidation);

	g->revalidation_time = 0;
	g->pending |= SMF_TRIGGER(GX_REVALIDATION_TIMEOUT);
	push(g);
}

static void set_revalidation(struct smf_gx *g, uint32_t when)
{
	struct loop *l = g->pdn->smf->loop;
	uint64_t at = pfcp_time_usec(when), now = loop_wall(l);

	if (!when)
		return;
	g->revalidation_time = when;
	timer_start(l, &g->revalidation, at > now ? at - now : 0);
}

/* The number of rules that could not be taken. The bearers are the caller's. */
static int obey(struct smf_gx *g, const struct gx_orders *o)
{
	int failed;

	set_triggers(g, o);
	set_default_qos(g->pdn, o);
	set_usage(g->pdn, o);
	set_revalidation(g, o->revalidation);
	failed = smf_rules_apply(g->pdn, o);
	smf_pdn_changed(g->pdn);
	return failed;
}

static uint8_t release_cause(int cause)
{
	return cause == GX_UE_SUBSCRIPTION_REASON ? S5_PDN_RECONNECTION_DISALLOWED
						  : S5_REACTIVATION_REQUESTED;
}

/* --- answers --- */

/* The cause for the Create Session Response (TS 29.274 7.2.2, TS 29.212 4.5.1). */
static uint8_t cause_for(int result)
{
	if (result < 0 || result == DIA_TOO_BUSY)
		return S5_PEER_NOT_RESPONDING;
	if (result == GX_ERROR_INITIAL_PARAMETERS)
		return S5_USER_AUTHENTICATION_FAILED;
	if (result == PCC_OUT_OF_SPACE || result == PCC_UNABLE_TO_COMPLY)
		return S5_NO_RESOURCES;
	return S5_REQUEST_REJECTED;
}

static void policy_failed(struct smf_gx *g, int result)
{
	struct s5_cause_ie c = { .value = cause_for(result) };
	struct smf_pdn *p = g->pdn;

	metric_inc(&m_failed);
	if (result < 0 && p->emergency) {
		log_notice("%s: no PCRF: an emergency goes on without", p->name);
		g->state = SMF_GX_LOCAL;
		smf_bearers_apply(p);
		fsm_event(&p->fsm, SMF_PDN_EV_POLICY_OK, NULL);
		return;
	}
	log_notice("%s: CCR-I: %d", p->name, result);
	if (result < 0 && g->reopen && !g->close) { /* it goes on as it was */
		timer_start(p->smf->loop, &g->again, AWAY * USEC_PER_SEC);
		return;
	}
	g->state = SMF_GX_CLOSED;
	if (g->reopen)
		smf_pdn_release(p, S5_REACTIVATION_REQUESTED);
	else
		fsm_event(&p->fsm, SMF_PDN_EV_POLICY_FAILED, &c);
}

static void keep_host(struct smf_gx *g, const struct ie_env *env)
{
	if (g->host || !env || !env->origin_host.p)
		return;
	g->host = str_dup(env->origin_host);
}

static void remove_all(struct smf_pdn *p)
{
	for (struct smf_rule *r = p->rules; r; r = r->next)
		if (smf_rule_is_live(r)) {
			r->state = SMF_RULE_REMOVED;
			smf_rule_drop_filters(r);
		}
}

static void on_initial(struct smf_gx *g, int result, const struct gx_cca *a)
{
	struct smf_pdn *p = g->pdn;
	bool reopen = g->reopen;

	if (result == PCC_SUCCESS)
		g->state = SMF_GX_OPEN;
	if (g->close && result != PCC_SUCCESS)
		g->state = SMF_GX_CLOSED;
	if (g->close && g->state == SMF_GX_OPEN) {
		g->number++;
		terminate(g);
		return;
	}
	if (g->close) {
		fsm_event(&p->fsm, SMF_PDN_EV_GX_CLOSED, NULL);
		return;
	}
	if (g->state != SMF_GX_OPEN) {
		policy_failed(g, result);
		return;
	}
	g->number++;
	g->reopen = false;
	if (reopen)
		remove_all(p);
	obey(g, &a->orders);
	smf_bearers_apply(p);
	if (!reopen)
		fsm_event(&p->fsm, SMF_PDN_EV_POLICY_OK, NULL);
}

static void new_session_id(struct smf_gx *g);

static void reopen(struct smf_gx *g)
{
	log_notice("%s: the PCRF does not know %s any more", g->pdn->name, g->id);
	new_session_id(g);
	free(g->host);
	g->host = NULL;
	g->number = 0;
	g->reopen = true;
	g->state = g->id ? SMF_GX_OPENING : SMF_GX_CLOSED;
	if (!g->id || send_ccr(g, GX_INITIAL_REQUEST))
		policy_failed(g, DIA_NO_PEER);
}

static void answer_ask(struct smf_gx *g, int result)
{
	struct smf_pdn *p = g->pdn;

	g->asking = g->ask_default = false;
	free(g->ask);
	g->ask = NULL;
	smf_bearers_answered(p, result == PCC_SUCCESS ? 0
				: result < 0	      ? S5_NO_RESOURCES
						      : S5_SERVICE_DENIED);
}

/* smf_bearers_answered() may end the session. */
static void after_update(struct smf_pdn *p, bool asked, int result)
{
	if (asked && p->gx)
		answer_ask(p->gx, result);
	else
		smf_bearers_apply(p);
	if (p->gx)
		push(p->gx);
}

static void on_update(struct smf_gx *g, int result, const struct gx_cca *a)
{
	struct smf_pdn *p = g->pdn;
	bool asked = g->asking && g->ask_sent;
	int release = -1;

	if (result < 0 && g->tries++ < 1) {
		smf_gx_told(g, false);
		if (!send_ccr(g, GX_UPDATE_REQUEST))
			return;
	}
	g->number++;
	if (result != PCC_SUCCESS)
		metric_inc(&m_failed);
	if (result == PCC_UNKNOWN_SESSION_ID) {
		smf_gx_told(g, true); /* there is nobody to hear it */
		if (asked)
			answer_ask(g, DIA_NO_PEER);
		reopen(g);
		return;
	}
	smf_gx_told(g, result >= 0);
	if (result < 0)
		timer_start(p->smf->loop, &g->again, AWAY * USEC_PER_SEC);
	if (result == PCC_SUCCESS) {
		obey(g, &a->orders);
		release = a->orders.session_release_cause;
	} else {
		log_notice("%s: CCR-U: %d", p->name, result);
	}
	if (release >= 0)
		smf_pdn_release(p, release_cause(release));
	else
		after_update(p, asked, result);
}

static void on_final(struct smf_gx *g, int result)
{
	if (result < 0 && g->tries++ < FINAL_TRIES) {
		smf_gx_told(g, false);
		if (!send_ccr(g, GX_TERMINATION_REQUEST))
			return;
	}
	g->state = SMF_GX_CLOSED;
	fsm_event(&g->pdn->fsm, SMF_PDN_EV_GX_CLOSED, NULL);
}

static void on_cca(void *arg, const struct ie_env *env, const void *answer)
{
	struct call *c = arg;
	struct smf_pdn *p = smf_pdn_by_teid(c->s, c->teid);
	struct smf_gx *g = p ? p->gx : NULL;
	const struct gx_cca *a = answer;
	enum gx_request_type type = c->type;
	bool stale = !g || g->serial != c->serial;

	free(c);
	if (stale)
		return;
	if (type == GX_UPDATE_REQUEST && g->state != SMF_GX_OPEN)
		return; /* CCR-T has overtaken it */
	g->busy = false;
	keep_host(g, env);
	switch (type) {
	case GX_INITIAL_REQUEST:
		on_initial(g, a->result, a);
		break;
	case GX_UPDATE_REQUEST:
		on_update(g, a->result, a);
		break;
	case GX_TERMINATION_REQUEST:
		on_final(g, a->result);
		break;
	}
}

/* --- RAR --- */

/* The TEID is the last word of our Session-Ids. */
static struct smf_gx *session_by_id(const struct smf *s, struct str id)
{
	struct smf_pdn *p;
	uint8_t t[4];

	if (id.n < 9 || hex_decode((struct str){ id.p + id.n - 8, 8 }, t, sizeof(t)) != 4)
		return NULL;
	p = smf_pdn_by_teid(s, (uint32_t)t[0] << 24 | (uint32_t)t[1] << 16 | (uint32_t)t[2] << 8 |
				       t[3]);
	return p && p->gx && p->gx->id && str_eqz(id, p->gx->id) ? p->gx : NULL;
}

/* Rules that failed at once are told in the answer; those whose bearer fails in a CCR-U (TS 29.212 4.5.12). */
static void put_failures(struct smf_gx *g, struct gx_raa *a)
{
	for (struct smf_gx_report *n = g->reports; n; n = n->next) {
		struct gx_rule_report *r = &a->report[a->n_report];

		if (n->sent || n->status != GX_RULE_INACTIVE)
			continue;
		*r = (struct gx_rule_report){ .status = n->status, .failure = n->failure };
		if (n->base)
			r->base_name[r->n_base_name++] = str_of(n->name);
		else
			r->name[r->n_name++] = str_of(n->name);
		n->in_raa = true;
		if (++a->n_report == GX_RULES_MAX)
			return;
	}
}

static void drop_told(struct smf_gx *g)
{
	struct smf_gx_report **at = &g->reports, *n;

	while ((n = *at)) {
		if (n->in_raa) {
			*at = n->next;
			free(n);
		} else {
			at = &n->next;
		}
	}
}

static int obey_rar(struct smf_gx *g, const struct gx_orders *o, struct gx_raa *a)
{
	g->hold = true;
	obey(g, o);
	smf_bearers_apply(g->pdn);
	smf_gx_report(g->pdn);
	put_failures(g, a);
	return a->n_report ? GX_PCC_RULE_EVENT : PCC_SUCCESS;
}

static void serve_rar(struct smf_gx *g, struct dia_token *t, const struct gx_rar *r)
{
	static struct gx_raa a;
	int release = g ? r->orders.session_release_cause : -1;

	ie_init(&gx_raa_cmd, &a);
	if (!g || g->state == SMF_GX_CLOSING || g->state == SMF_GX_CLOSED)
		a.result = PCC_UNKNOWN_SESSION_ID;
	else if (g->state != SMF_GX_OPEN)
		a.result = GX_PENDING_TRANSACTION;
	else if (release >= 0)
		a.result = PCC_SUCCESS;
	else
		a.result = obey_rar(g, &r->orders, &a);
	dia_answer(t, &gx_raa_cmd, &a, NULL);
	if (!g)
		return;
	g->hold = false;
	drop_told(g);
	if (release >= 0 && a.result == PCC_SUCCESS) {
		smf_pdn_release(g->pdn, release_cause(release));
		return;
	}
	push(g);
	if (g->state == SMF_GX_OPEN && r->pcscf_restoration == 0) /* TS 23.380 5.3 */
		smf_pcscf_restore(g->pdn);
}

static bool on_request(void *arg, struct dia_token *t, const struct ie_command *cmd,
		       const struct ie_env *env, void *r)
{
	if (cmd != &gx_rar_cmd)
		return false;
	metric_inc(&m_rar);
	serve_rar(session_by_id(arg, env->session_id), t, r);
	return true;
}

/* --- for the rest of the SMF --- */

void smf_gx_serve(struct smf *s)
{
	struct metric *all[] = { &m_ccr, &m_failed, &m_rar };

	for (size_t i = 0; i < ARRAY_SIZE(all); i++)
		metric_register(all[i]);
	smf_bearer_metrics();
	if (s->dia)
		dia_serve(s->dia, &gx_app, on_request, s);
}

static void new_session_id(struct smf_gx *g)
{
	char buf[DIA_SESSION_ID_MAX + 16];
	struct str id = dia_session_id(g->pdn->smf->dia, &gx_app, buf);

	str_fmt(buf + id.n, sizeof(buf) - id.n, ";%02x%02x%02x%02x", g->pdn->teid >> 24,
		g->pdn->teid >> 16 & 0xff, g->pdn->teid >> 8 & 0xff, g->pdn->teid & 0xff);
	free(g->id);
	g->id = str_dup(str_of(buf));
}

/* What comes of a call of ours, after that call. */
static void on_soon(struct timer *t)
{
	struct smf_gx *g = container_of(t, struct smf_gx, soon);
	struct smf_pdn *p = g->pdn;

	if (g->state == SMF_GX_CLOSED) {
		fsm_event(&p->fsm, SMF_PDN_EV_GX_CLOSED, NULL);
	} else if (p->fsm.state == SMF_PDN_POLICY) {
		smf_bearers_apply(p);
		fsm_event(&p->fsm, SMF_PDN_EV_POLICY_OK, NULL);
	}
}

static struct smf_gx *gx_new(struct smf_pdn *p)
{
	static uint64_t serial;
	struct smf_gx *g = calloc(1, sizeof(*g));

	if (!g)
		return NULL;
	g->pdn = p;
	g->serial = ++serial;
	g->soon.fn = on_soon;
	g->revalidation.fn = on_revalidation;
	g->again.fn = on_again;
	p->gx = g;
	return g;
}

int smf_gx_open(struct smf_pdn *p)
{
	struct smf_gx *g = gx_new(p);

	if (!g)
		return -ENOMEM;
	if (!p->smf->dia || !p->smf->conf->smf.gx) {
		g->state = SMF_GX_LOCAL;
		timer_start(p->smf->loop, &g->soon, 0);
		return 0;
	}
	g->state = SMF_GX_OPENING;
	new_session_id(g);
	return g->id ? send_ccr(g, GX_INITIAL_REQUEST) : -ENOMEM;
}

void smf_gx_access_changed(struct smf_pdn *p, uint64_t triggers)
{
	static const uint64_t always = SMF_TRIGGER(GX_APN_AMBR_MODIFICATION_FAILURE) |
				       SMF_TRIGGER(GX_DEFAULT_EPS_BEARER_QOS_MODIFICATION_FAILURE);
	struct smf_gx *g = p->gx;

	if (!g)
		return;
	g->pending |= triggers & (g->subscribed | always);
	push(g);
}

/* Rules of a Charging-Rule-Base-Name are reported together (TS 29.212 4.5.12). */
static bool is_reported(const struct smf_gx *g, const struct smf_rule *r, int status)
{
	for (const struct smf_gx_report *n = g->reports; n && r->group; n = n->next)
		if (!n->sent && n->base && n->status == status && !strcmp(n->name, r->group))
			return true;
	return false;
}

static void add_report(struct smf_gx *g, const struct smf_rule *r, int status)
{
	struct smf_gx_report **at = &g->reports, *n;

	n = is_reported(g, r, status) ? NULL : calloc(1, sizeof(*n));
	if (!n)
		return;
	str_copy(n->name, sizeof(n->name), str_of(r->group ? r->group : r->name));
	n->base = r->base || r->group;
	n->lost = r->lost;
	n->status = status;
	n->failure = status == GX_RULE_ACTIVE ? -1 : r->failure;
	n->charging_id = r->bearer && status == GX_RULE_ACTIVE ? r->bearer->charging_id : 0;
	while (*at)
		at = &(*at)->next;
	*at = n;
}

void smf_gx_report(struct smf_pdn *p)
{
	struct smf_gx *g = p->gx;
	bool tell = g && (g->state == SMF_GX_OPEN || g->state == SMF_GX_OPENING);
	struct smf_rule *r, *next;

	for (r = p->rules; r; r = next) {
		next = r->next;
		if (r->state == SMF_RULE_ACTIVE && r->notify && !r->told) {
			r->told = true;
			if (tell)
				add_report(g, r, GX_RULE_ACTIVE);
		}
		if (r->state != SMF_RULE_FAILED)
			continue;
		if (tell)
			add_report(g, r, GX_RULE_INACTIVE);
		smf_rule_free(p, r);
	}
	if (tell)
		push(g);
}

void smf_gx_usage(struct smf_pdn *p, uint32_t urr_id, uint64_t total, uint64_t ul, uint64_t dl)
{
	for (struct smf_monitor *m = p->monitors; m; m = m->next) {
		if (m->urr_id != urr_id)
			continue;
		m->used_total += total;
		m->used_ul += ul;
		m->used_dl += dl;
		m->due = true;
	}
	if (p->gx && p->fsm.state == SMF_PDN_ACTIVE)
		push(p->gx);
}

/* The PCRF is away, knows nothing of it, and is not to hear of it later. */
static void never_opened(struct smf_gx *g)
{
	g->state = SMF_GX_CLOSED;
	timer_stop(g->pdn->smf->loop, &g->again);
	fsm_event(&g->pdn->fsm, SMF_PDN_EV_GX_CLOSED, NULL);
}

void smf_gx_close(struct smf_pdn *p)
{
	struct smf_gx *g = p->gx;

	if (!g || g->state == SMF_GX_LOCAL || g->state == SMF_GX_CLOSED || !g->id)
		fsm_event(&p->fsm, SMF_PDN_EV_GX_CLOSED, NULL);
	else if (g->state == SMF_GX_OPENING && g->busy)
		g->close = true;
	else if (g->state == SMF_GX_OPENING)
		never_opened(g);
	else if (g->state == SMF_GX_OPEN)
		terminate(g);
}

void smf_gx_free(struct smf_pdn *p)
{
	struct smf_gx *g = p->gx;
	struct smf_gx_report *n;

	while (p->rules)
		smf_rule_free(p, p->rules);
	while (p->monitors)
		end_monitor(p, p->monitors);
	if (!g)
		return;
	while ((n = g->reports)) {
		g->reports = n->next;
		free(n);
	}
	timer_stop(p->smf->loop, &g->soon);
	timer_stop(p->smf->loop, &g->revalidation);
	timer_stop(p->smf->loop, &g->again);
	free(g->ask);
	free(g->id);
	free(g->host);
	free(g);
	p->gx = NULL;
}

/* --- requests of the UE and the HSS --- */

static void ask_filter(struct smf_gx_ask *a, const struct nas_filter *f, int operation)
{
	struct ipfilter i = { .has_proto = f->has & NAS_PROTO, .proto = f->proto };

	i.from = (struct ipf_end){ .host = f->has & (NAS_REMOTE4 | NAS_REMOTE6) ? IPF_ADDR
										: IPF_ANY };
	i.from.v6 = f->has & NAS_REMOTE6;
	i.from.ip4 = f->remote4;
	i.from.ip6 = f->remote6;
	i.from.bits =
		i.from.v6 ? f->remote6_bits : (uint8_t)__builtin_popcount(f->remote4_mask.s_addr);
	i.to.host = IPF_ASSIGNED;
	if (f->has & NAS_REMOTE_PORT) {
		i.from.n_port = 1;
		i.from.port[0].low = f->remote_low;
		i.from.port[0].high = f->remote_high;
	}
	if (f->has & NAS_LOCAL_PORT) {
		i.to.n_port = 1;
		i.to.port[0].low = f->local_low;
		i.to.port[0].high = f->local_high;
	}
	a->filter[a->n].direction = f->dir ? f->dir : GX_BIDIRECTIONAL;
	if (operation != GX_FILTER_ADDITION)
		str_fmt(a->filter[a->n].id, sizeof(a->filter[0].id), "%u", f->id);
	if (operation == GX_FILTER_DELETION ||
	    ipfilter_format(&i, a->filter[a->n].text, sizeof(a->filter[0].text)) > 0)
		a->n++;
}

static int operation_of(uint8_t op)
{
	switch ((enum nas_tft_op)op) {
	case NAS_TFT_CREATE:
	case NAS_TFT_ADD:
		return GX_FILTER_ADDITION;
	case NAS_TFT_DELETE:
	case NAS_TFT_DELETE_FILTERS:
		return GX_FILTER_DELETION;
	case NAS_TFT_REPLACE:
	case NAS_TFT_NO_OP:
		break;
	}
	return GX_FILTER_MODIFICATION;
}

static bool can_ask(const struct smf_gx *g)
{
	return g && g->state == SMF_GX_OPEN && !g->asking;
}

int smf_gx_ask(struct smf_pdn *p, const struct s5_bearer_resource_command *r)
{
	struct smf_gx *g = p->gx;
	struct smf_gx_ask *a = can_ask(g) ? calloc(1, sizeof(*a)) : NULL;

	if (!a)
		return can_ask(g) ? -ENOMEM : -EBUSY;
	a->operation = operation_of(r->tad.op);
	for (int i = 0; i < r->tad.n_filter && a->n < GX_FLOWS_MAX; i++)
		ask_filter(a, &r->tad.filter[i], a->operation);
	a->has_qos = r->has_flow_qos;
	a->qos = (struct smf_qos){ .qci = r->flow_qos.qci,
				   .mbr_ul = r->flow_qos.mbr_ul * 1000,
				   .mbr_dl = r->flow_qos.mbr_dl * 1000,
				   .gbr_ul = r->flow_qos.gbr_ul * 1000,
				   .gbr_dl = r->flow_qos.gbr_dl * 1000 };
	g->ask = a;
	g->asking = true;
	push(g);
	return 0;
}

int smf_gx_ask_default(struct smf_pdn *p, const struct smf_qos *q, uint64_t ambr_ul,
		       uint64_t ambr_dl)
{
	struct smf_gx *g = p->gx;

	if (!g || g->state == SMF_GX_LOCAL) {
		p->default_qos = *q;
		p->ambr_ul = ambr_ul;
		p->ambr_dl = ambr_dl;
		smf_bearers_answered(p, 0);
		return 0;
	}
	if (!can_ask(g))
		return -EBUSY;
	g->default_qos = *q;
	g->ambr_ul = ambr_ul;
	g->ambr_dl = ambr_dl;
	g->asking = g->ask_default = true;
	g->pending |= SMF_TRIGGER(GX_DEFAULT_EPS_BEARER_QOS_CHANGE);
	push(g);
	return 0;
}

/* --- over a restart of this process --- */

int smf_gx_save(const struct smf_pdn *p, char *dst, size_t size)
{
	_cleanup_sbuf_ struct sbuf b = { 0 };
	const struct smf_gx *g = p->gx;
	size_t n = 0;

	if (!g)
		return 0;
	sbuf_put_u64(&b, g->state);
	sbuf_put_str(&b, str_of(g->id));
	sbuf_put_str(&b, str_of(g->host));
	sbuf_put_u64(&b, g->number + g->busy);
	sbuf_put_u64(&b, g->subscribed);
	sbuf_put_u64(&b, g->pending | g->sent);
	sbuf_put_u64(&b, g->revalidation_time);
	for (const struct smf_gx_report *r = g->reports; r; r = r->next)
		n++;
	sbuf_put_u64(&b, n);
	for (const struct smf_gx_report *r = g->reports; r; r = r->next) {
		sbuf_put_str(&b, str_of(r->name));
		sbuf_put_u64(&b, (uint64_t)r->base << 1 | r->lost);
		sbuf_put_u64(&b, (uint64_t)r->status);
		sbuf_put_u64(&b, (uint64_t)(r->failure + 1));
		sbuf_put_u64(&b, r->charging_id);
	}
	if (b.failed || 2 * b.n >= size)
		return -ENOSPC;
	hex_encode((const uint8_t *)b.p, b.n, dst);
	return (int)(2 * b.n);
}

static int load_reports(struct smf_gx *g, struct cursor *c)
{
	struct smf_gx_report **at = &g->reports;

	for (uint64_t n = cur_u64(c); n && !c->failed; n--) {
		struct smf_gx_report *r = calloc(1, sizeof(*r));
		uint64_t flags;

		if (!r)
			return -ENOMEM;
		*at = r;
		at = &r->next;
		str_copy(r->name, sizeof(r->name), cur_str(c));
		flags = cur_u64(c);
		r->base = flags >> 1 & 1;
		r->lost = flags & 1;
		r->status = (int)cur_u64(c);
		r->failure = (int)cur_u64(c) - 1;
		r->charging_id = (uint32_t)cur_u64(c);
	}
	return c->failed ? -EBADMSG : 0;
}

static int load(struct smf_gx *g, struct cursor *c)
{
	uint64_t state = cur_u64(c);

	g->id = cur_dup(c);
	g->host = cur_dup(c);
	g->number = (uint32_t)cur_u64(c);
	g->subscribed = cur_u64(c);
	g->pending = cur_u64(c);
	set_revalidation(g, (uint32_t)cur_u64(c));
	if (c->failed || state > SMF_GX_CLOSED || (state != SMF_GX_LOCAL && !g->id))
		return -EBADMSG;
	/* one that was opening may be at the PCRF: it is closed there */
	g->state = state == SMF_GX_OPENING || state == SMF_GX_CLOSING ? SMF_GX_OPEN
								      : (enum smf_gx_state)state;
	return load_reports(g, c);
}

int smf_gx_load(struct smf_pdn *p, struct str s)
{
	_cleanup_free_ uint8_t *octets = malloc(s.n / 2 + 1);
	int len = octets ? hex_decode(s, octets, s.n / 2 + 1) : -ENOMEM;
	struct cursor c = { .s = { (const char *)octets, len > 0 ? (size_t)len : 0 } };

	if (len < 0)
		return len;
	return gx_new(p) ? load(p->gx, &c) : -ENOMEM;
}
