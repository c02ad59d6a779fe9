// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * AF sessions (TS 29.214 4.4): AAR and STR in, RAR and ASR out.
 *
 * The AAR is answered as soon as the service is authorised (TS 29.214 4.4.1); what then fails at the PCEF is told by
 * RAR, or by ASR when nothing of the session is left. An AAR without an IP-CAN session waits a moment for its CCR.
 *
 * Invariants: a session is bound to at most one Gx session; one without ends by ASR or by the refusal of its AAR.
 */
#include <stdio.h>

#include "lib/core/log.h"
#include "lib/core/metrics.h"
#include "pcrf/pcrf.h"

METRIC_COUNTER(m_aar, "kims_pcrf_aar_total", "AAR served");
METRIC_COUNTER(m_refused, "kims_pcrf_aar_refused_total", "AAR answered with an error");
METRIC_COUNTER(m_str, "kims_pcrf_str_total", "STR served");
METRIC_COUNTER(m_rar, "kims_pcrf_rx_rar_total", "RAR sent to AFs");
METRIC_COUNTER(m_asr, "kims_pcrf_asr_total", "ASR sent to AFs");

void pcrf_rx_metrics(void)
{
	struct metric *all[] = { &m_aar, &m_refused, &m_str, &m_rar, &m_asr };

	for (size_t i = 0; i < ARRAY_SIZE(all); i++)
		metric_register(all[i]);
}

static struct pcrf_rx *rx_of(struct fsm *f)
{
	return container_of(f, struct pcrf_rx, fsm);
}

/* --- the list --- */

static struct pcrf_rx *rx_by_id(const struct pcrf *p, struct str id)
{
	struct hnode *n = htab_find(&p->rx_by_id, pcrf_hash(p, id.p, id.n));

	for (; n; n = htab_next(n)) {
		struct pcrf_rx *x = container_of(n, struct pcrf_rx, by_id);

		if (str_eqz(id, x->id))
			return x;
	}
	return NULL;
}

void pcrf_rx_free(struct pcrf_rx *x)
{
	fsm_fini(&x->fsm);
	free(x->id);
	free(x->host);
	free(x->realm);
	free(x);
}

static struct pcrf_rx *rx_new(struct pcrf *p, const struct ie_env *env)
{
	struct pcrf_rx *x = calloc(1, sizeof(*x));

	if (!x)
		return NULL;
	x->pcrf = p;
	x->id = str_dup(env->session_id);
	x->host = str_dup(env->origin_host);
	x->realm = str_dup(env->origin_realm);
	fsm_init(&x->fsm, &pcrf_rx_fsm, p->loop, RXS_WAITING, x->id);
	if (!x->id || !x->host || !x->realm) {
		pcrf_rx_free(x);
		return NULL;
	}
	htab_insert(&p->rx_by_id, &x->by_id, pcrf_hash(p, x->id, strlen(x->id)));
	x->next = p->rx;
	x->pprev = &p->rx;
	if (x->next)
		x->next->pprev = &x->next;
	p->rx = x;
	p->n_rx++;
	return x;
}

static void unlist(struct pcrf_rx *x)
{
	struct pcrf *p = x->pcrf;

	htab_remove(&p->rx_by_id, &x->by_id);
	*x->pprev = x->next;
	if (x->next)
		x->next->pprev = x->pprev;
	x->next = p->dead_rx;
	p->dead_rx = x;
	p->n_rx--;
	pcrf_gauges(p);
}

void pcrf_rx_unbind(struct pcrf_rx *x)
{
	struct pcrf_rx **at;

	if (!x->gx)
		return;
	for (at = &x->gx->rx; *at && *at != x; at = &(*at)->gx_next)
		;
	if (*at)
		*at = x->gx_next;
	x->gx = NULL;
}

static void bind_to(struct pcrf_rx *x, struct pcrf_gx *g)
{
	x->gx = g;
	x->gx_next = g->rx;
	g->rx = x;
}

static void answer(struct dia_token *t, struct rx_aaa *a, int result)
{
	a->result = result;
	if (result != PCC_SUCCESS)
		metric_inc(&m_refused);
	dia_answer(t, &rx_aaa_cmd, a, NULL);
}

static void refuse(struct dia_token *t, int result)
{
	struct rx_aaa *a = malloc(sizeof(*a));

	if (a) {
		ie_init(&rx_aaa_cmd, a);
		answer(t, a, result);
	}
	free(a);
}

void pcrf_rx_end(struct pcrf_rx *x)
{
	if (fsm_event(&x->fsm, RXE_CLOSED, NULL))
		return;
	if (x->token)
		refuse(x->token, RX_IP_CAN_SESSION_NOT_AVAILABLE);
	x->token = NULL;
	pcrf_rules_remove(x);
	pcrf_rx_unbind(x);
	unlist(x);
}

/* --- what the AF says of its session --- */

static bool is_sos(struct str urn)
{
	if (str_has_prefix(urn, STR("urn:service:")))
		urn = (struct str){ urn.p + 12, urn.n - 12 };
	return urn.n >= 3 && !strncasecmp(urn.p, "sos", 3) && (urn.n == 3 || urn.p[3] == '.');
}

static bool has_media(const struct rx_aar *r)
{
	for (size_t i = 0; i < r->n_component; i++)
		for (size_t k = 0; k < r->component[i].n_sub; k++)
			if (r->component[i].sub[k].usage != RX_AF_SIGNALLING)
				return true;
	return false;
}

static bool sponsor_known(const struct pcrf *p, struct str sponsor)
{
	struct str rest = str_of(p->sponsors), one;

	while (rest.p && str_split(&rest, ' ', &one))
		if (one.n && str_eq(one, sponsor))
			return true;
	return false;
}

static int check(const struct pcrf_rx *x, const struct rx_aar *r)
{
	if (r->sponsor.p && !sponsor_known(x->pcrf, r->sponsor))
		return RX_UNAUTHORIZED_SPONSORED_DATA_CONNECTIVITY;
	if (has_media(r) && !strcmp(x->gx->apn, "sos") && !x->emergency && !is_sos(r->service_urn))
		return RX_UNAUTHORIZED_NON_EMERGENCY_SESSION;
	return PCC_SUCCESS;
}

static void learn(struct pcrf_rx *x, const struct rx_aar *r)
{
	if (r->n_specific_action)
		x->actions = 0;
	for (size_t i = 0; i < r->n_specific_action; i++)
		if (r->specific_action[i] < 32)
			x->actions |= FSM_BIT(r->specific_action[i]);
	if (r->af_app_id.p)
		str_copy(x->app, sizeof(x->app), r->af_app_id);
	if (r->af_charging_id.p)
		str_copy(x->charging_id, sizeof(x->charging_id), r->af_charging_id);
	if (r->sponsor.p) {
		str_copy(x->sponsor, sizeof(x->sponsor), r->sponsor);
		str_copy(x->asp, sizeof(x->asp), r->asp);
	}
	x->emergency = x->emergency || is_sos(r->service_urn);
	x->mps = x->mps || r->mps_id.p;
	if (r->reservation_priority >= 0)
		x->priority = r->reservation_priority;
	if (r->n_component)
		x->signalling = !has_media(r);
}

static struct pcc_location location_of(const struct pcrf_gx *g)
{
	struct pcc_location l = { 0 };

	if (g->n_uli)
		l.uli = (struct str){ (const char *)g->uli, g->n_uli };
	if (g->n_timezone)
		l.timezone = (struct str){ (const char *)g->timezone, g->n_timezone };
	if (g->n_mcc_mnc)
		l.mcc_mnc = (struct str){ (const char *)g->mcc_mnc, g->n_mcc_mnc };
	return l;
}

static size_t charging_of(const struct pcrf_gx *g, struct pcc_charging_id *ret)
{
	if (!g->n_charging_id)
		return 0;
	*ret = (struct pcc_charging_id){ .value = { (const char *)g->charging_id,
						    g->n_charging_id } };
	return 1;
}

static void authorise(struct pcrf_rx *x, struct dia_token *t, const struct rx_aar *r)
{
	_cleanup_free_ struct rx_aaa *a = malloc(sizeof(*a));
	int result = a ? check(x, r) : PCC_OUT_OF_SPACE;

	if (!a) {
		refuse(t, PCC_OUT_OF_SPACE);
		return;
	}
	if (result == PCC_SUCCESS && !dia_peer_up(x->pcrf->dia, x->gx->host))
		result = RX_TEMPORARY_NETWORK_FAILURE;
	if (result == PCC_SUCCESS) {
		learn(x, r);
		result = pcrf_rules_apply(x, r);
	}
	ie_init(&rx_aaa_cmd, a);
	if (result == PCC_SUCCESS) {
		a->ip_can_type = x->gx->ip_can;
		a->rat_type = x->gx->rat;
		a->n_charging_id = charging_of(x->gx, &a->charging_id[0]);
		if (r->n_required_access_info)
			a->location = location_of(x->gx);
	}
	answer(t, a, result);
	if (result != PCC_SUCCESS && x->aar) /* the first one: there is no session */
		pcrf_rx_end(x);
	x->aar = NULL;
}

/* --- the machine --- */

static void on_waiting(struct fsm *f, int event, void *data)
{
	struct pcrf_rx *x = rx_of(f);
	struct dia_token *t = x->token;

	switch ((enum rx_event)event) {
	case RXE_BOUND:
		bind_to(x, data);
		x->token = NULL;
		if (!fsm_go(f, RXS_OPEN))
			authorise(x, t, x->aar);
		break;
	case RXE_CLOSED:
		fsm_go(f, RXS_GONE);
		break;
	case RXE_AAR:
	case RXE_ABORT:
		break;
	}
}

static void wait_over(struct fsm *f)
{
	pcrf_rx_end(rx_of(f));
}

static void start_wait(struct fsm *f, int prev _unused_)
{
	fsm_set_timer(f, (uint64_t)rx_of(f)->pcrf->aar_wait_ms * USEC_PER_MSEC);
}

struct held {
	struct dia_token *token;
	const struct rx_aar *aar;
};

static void on_open(struct fsm *f, int event, void *data)
{
	struct held *h = data;

	switch ((enum rx_event)event) {
	case RXE_AAR:
		authorise(rx_of(f), h->token, h->aar);
		break;
	case RXE_ABORT:
		fsm_go(f, RXS_ABORTING);
		break;
	case RXE_CLOSED:
		fsm_go(f, RXS_GONE);
		break;
	case RXE_BOUND:
		break;
	}
}

static void abort_over(struct fsm *f)
{
	pcrf_rx_end(rx_of(f));
}

static void send_asr(struct fsm *f, int prev);

static const struct fsm_state states[] = {
	[RXS_WAITING] = { .name = "waiting",
			  .doc = "AAR came before its CCR",
			  .events = FSM_BIT(RXE_BOUND) | FSM_BIT(RXE_CLOSED),
			  .next = FSM_BIT(RXS_OPEN) | FSM_BIT(RXS_GONE),
			  .waiting = true,
			  .on_enter = start_wait,
			  .on_event = on_waiting,
			  .on_timeout = wait_over },
	[RXS_OPEN] = { .name = "open",
		       .doc = "bound to an IP-CAN session",
		       .events = FSM_BIT(RXE_AAR) | FSM_BIT(RXE_ABORT) | FSM_BIT(RXE_CLOSED),
		       .next = FSM_BIT(RXS_ABORTING) | FSM_BIT(RXS_GONE),
		       .on_event = on_open },
	[RXS_ABORTING] = { .name = "aborting",
			   .doc = "ASR sent, STR to come; TS 29.214 4.4.6.1",
			   .events = FSM_BIT(RXE_CLOSED),
			   .next = FSM_BIT(RXS_GONE),
			   .waiting = true,
			   .timer_usec = 10 * USEC_PER_SEC,
			   .on_enter = send_asr,
			   .on_event = on_open,
			   .on_timeout = abort_over },
	[RXS_GONE] = { .name = "gone", .doc = "freed at the end of the round" },
};
static const char *const events[] = { "aar", "bound", "abort", "closed" };

const struct fsm_desc pcrf_rx_fsm = { .name = "rx",
				      .states = states,
				      .n_states = ARRAY_SIZE(states),
				      .event_names = events,
				      .n_events = ARRAY_SIZE(events) };

void pcrf_rx_bind_waiting(struct pcrf_gx *g)
{
	struct pcrf *p = g->pcrf;
	struct pcrf_rx *x, *next;

	for (x = p->rx; x; x = next) {
		struct str v6 = { NULL, 0 };

		next = x->next;
		if (x->fsm.state != RXS_WAITING || !x->token)
			continue;
		if (x->aar->framed_ipv6.n >= 10)
			v6 = (struct str){ x->aar->framed_ipv6.p + 2, 8 };
		if (pcrf_gx_by_ue(p, x->aar->framed_ip, v6, x->aar->called_station_id) == g)
			fsm_event(&x->fsm, RXE_BOUND, g);
	}
}

/* --- requests --- */

static void on_first(struct pcrf *p, struct dia_token *t, const struct ie_env *env,
		     const struct rx_aar *r)
{
	struct str v6 = { NULL, 0 };
	struct pcrf_gx *g;
	struct pcrf_rx *x;

	if (r->framed_ipv6.n >= 10)
		v6 = (struct str){ r->framed_ipv6.p + 2, 8 };
	if (r->framed_ip.n != 4 && !v6.p) {
		refuse(t, r->framed_ip.p || r->framed_ipv6.p ? PCC_INVALID_AVP_VALUE
							     : PCC_MISSING_AVP);
		return;
	}
	x = rx_new(p, env);
	if (!x) {
		refuse(t, PCC_OUT_OF_SPACE);
		return;
	}
	x->priority = -1;
	x->token = t;
	x->aar = r;
	g = pcrf_gx_by_ue(p, r->framed_ip, v6, r->called_station_id);
	if (g && g->fsm.state != GXS_ENDING)
		fsm_event(&x->fsm, RXE_BOUND, g);
}

static struct pcrf_gx *gx_by_subscription(const struct pcrf *p, const struct rx_aar *r)
{
	struct str apn = pcrf_apn_name(r->called_station_id);

	for (size_t i = 0; i < r->n_subscription; i++)
		for (struct pcrf_gx *g = p->gx; g && r->subscription[i].type == PCC_IMSI;
		     g = g->next)
			if (str_eqz(r->subscription[i].data, g->imsi) &&
			    (!apn.n || str_ieqz(apn, g->apn)))
				return g;
	return NULL;
}

/*
 * P-CSCF restoration (TS 23.380 5.3, TS 29.214 5.3.36): another P-CSCF says that the one of this UE is gone; the PCEF is
 * told. No session comes of it.
 */
static void on_restoration(struct pcrf *p, struct dia_token *t, const struct rx_aar *r)
{
	struct str v6 = { NULL, 0 };
	struct pcrf_gx *g = NULL;
	struct rx_aaa a;

	if (r->framed_ipv6.n >= 10)
		v6 = (struct str){ r->framed_ipv6.p + 2, 8 };
	if (r->framed_ip.n == 4 || v6.p)
		g = pcrf_gx_by_ue(p, r->framed_ip, v6, r->called_station_id);
	if (!g)
		g = gx_by_subscription(p, r);
	if (!g || g->fsm.state == GXS_ENDING) {
		refuse(t, RX_IP_CAN_SESSION_NOT_AVAILABLE);
		return;
	}
	ie_init(&rx_aaa_cmd, &a);
	a.result = PCC_SUCCESS;
	dia_answer(t, &rx_aaa_cmd, &a, NULL);
	g->restore = true;
	pcrf_push(g);
}

static void on_aar(struct pcrf *p, struct dia_token *t, const struct ie_env *env,
		   const struct rx_aar *r)
{
	struct pcrf_rx *x = rx_by_id(p, env->session_id);

	if (r->rx_request_type == RX_PCSCF_RESTORATION_REQUEST)
		on_restoration(p, t, r);
	else if (!x)
		on_first(p, t, env, r);
	else if (fsm_event(&x->fsm, RXE_AAR, &(struct held){ t, r }))
		refuse(t, x->fsm.state == RXS_WAITING ? RX_DUPLICATED_AF_SESSION
						      : PCC_UNKNOWN_SESSION_ID);
}

static void on_str(struct pcrf *p, struct dia_token *t, const struct ie_env *env,
		   const struct rx_str *r)
{
	struct pcrf_rx *x = rx_by_id(p, env->session_id);
	struct rx_sta a;

	ie_init(&rx_sta_cmd, &a);
	a.result = x ? PCC_SUCCESS : PCC_UNKNOWN_SESSION_ID;
	if (x && x->gx && r->n_required_access_info)
		a.location = location_of(x->gx);
	dia_answer(t, &rx_sta_cmd, &a, NULL);
	if (x)
		pcrf_rx_end(x);
}

bool pcrf_on_rx(void *arg, struct dia_token *t, const struct ie_command *cmd,
		const struct ie_env *env, void *in)
{
	struct pcrf *p = arg;

	if (cmd != &rx_aar_cmd && cmd != &rx_str_cmd)
		return false;
	metric_inc(cmd == &rx_aar_cmd ? &m_aar : &m_str);
	pcrf_peer_seen(p, env);
	if (cmd == &rx_aar_cmd)
		on_aar(p, t, env, in);
	else
		on_str(p, t, env, in);
	pcrf_gauges(p);
	return true;
}

/* --- to the AF --- */

struct call {
	struct pcrf *p;
	size_t n;
	char id[];
};

static void on_rar_answer(void *arg, const struct ie_env *env _unused_, const void *a)
{
	struct call *c = arg;
	struct pcrf_rx *x = rx_by_id(c->p, (struct str){ c->id, c->n });

	if (x && ((const struct rx_raa *)a)->result == PCC_UNKNOWN_SESSION_ID)
		pcrf_rx_end(x);
	free(c);
}

static void on_asa(void *arg, const struct ie_env *env _unused_, const void *a)
{
	struct call *c = arg;
	struct pcrf_rx *x = rx_by_id(c->p, (struct str){ c->id, c->n });

	if (x && ((const struct rx_asa *)a)->result != PCC_SUCCESS)
		pcrf_rx_end(x);
	free(c);
}

static void send_request(struct pcrf_rx *x, const struct ie_command *cmd, const void *r,
			 dia_answer_fn fn)
{
	size_t n = strlen(x->id);
	struct call *c = malloc(sizeof(*c) + n + 1);
	struct dia_to to = { .host = x->host, .realm = x->realm, .session_id = { x->id, n } };

	if (!c)
		return;
	c->p = x->pcrf;
	c->n = n;
	memcpy(c->id, x->id, n + 1);
	if (dia_request(x->pcrf->dia, &rx_app, cmd, &to, r,
			(struct dia_done){ .fn = fn, .arg = c }))
		free(c);
}

static void send_asr(struct fsm *f, int prev _unused_)
{
	struct rx_asr r;

	ie_init(&rx_asr_cmd, &r);
	r.abort_cause = rx_of(f)->abort_cause;
	metric_inc(&m_asr);
	send_request(rx_of(f), &rx_asr_cmd, &r, on_asa);
}

void pcrf_rx_abort(struct pcrf_rx *x, int cause)
{
	x->abort_cause = cause;
	fsm_event(&x->fsm, RXE_ABORT, NULL);
}

/* What an event on a rule is called on Rx; 0: nobody is told. */
static uint32_t action_of(const struct pcrf_rx *x, enum pcrf_event e)
{
	uint32_t a = 0;

	switch (e) {
	case PCRF_EV_FAILED:
		a = RX_INDICATION_OF_FAILED_RESOURCES_ALLOCATION;
		break;
	case PCRF_EV_RELEASED:
		a = x->actions & FSM_BIT(RX_INDICATION_OF_RELEASE_OF_BEARER)
			    ? RX_INDICATION_OF_RELEASE_OF_BEARER
			    : RX_INDICATION_OF_LOSS_OF_BEARER;
		break;
	case PCRF_EV_LOST:
		a = RX_INDICATION_OF_LOSS_OF_BEARER;
		break;
	case PCRF_EV_RECOVERED:
		a = RX_INDICATION_OF_RECOVERY_OF_BEARER;
		break;
	case PCRF_EV_ALLOCATED:
		a = RX_INDICATION_OF_SUCCESSFUL_RESOURCES_ALLOCATION;
		break;
	case PCRF_EV_NONE:
	case PCRF_N_EVENTS:
		break;
	}
	return x->actions & FSM_BIT(a) ? a : 0;
}

static void add_flow(struct rx_rar *r, const struct pcrf_rule *rule)
{
	struct pcc_flows *f = r->flows, *end = r->flows + r->n_flows;

	while (f < end && f->component != rule->component)
		f++;
	if (f == end) {
		if (r->n_flows == RX_COMPONENTS_MAX)
			return;
		r->n_flows++;
		*f = (struct pcc_flows){ .component = rule->component, .final_unit_action = -1 };
	}
	if (f->n_number < ARRAY_SIZE(f->number))
		f->number[f->n_number++] = rule->sub;
}

static void send_rar(struct pcrf_rx *x, uint32_t action, struct rx_rar *r)
{
	metric_inc(&m_rar);
	r->specific_action[0] = action;
	r->n_specific_action = 1;
	switch ((enum rx_specific_action)action) {
	case RX_IP_CAN_CHANGE:
		r->ip_can_type = x->gx->ip_can;
		r->rat_type = x->gx->rat;
		break;
	case RX_ACCESS_NETWORK_INFO_REPORT:
		r->location = location_of(x->gx);
		break;
	case RX_CHARGING_CORRELATION_EXCHANGE:
		r->n_charging_id = charging_of(x->gx, &r->charging_id[0]);
		break;
	case RX_INDICATION_OF_LOSS_OF_BEARER:
	case RX_INDICATION_OF_RECOVERY_OF_BEARER:
	case RX_INDICATION_OF_RELEASE_OF_BEARER:
	case RX_INDICATION_OF_OUT_OF_CREDIT:
	case RX_INDICATION_OF_SUCCESSFUL_RESOURCES_ALLOCATION:
	case RX_INDICATION_OF_FAILED_RESOURCES_ALLOCATION:
	case RX_INDICATION_OF_LIMITED_PCC_DEPLOYMENT:
	case RX_USAGE_REPORT:
		break;
	}
	send_request(x, &rx_rar_cmd, r, on_rar_answer);
}

/* Takes the rules of x with this event into the RAR; those that are gone leave the list. Their number. */
static size_t collect(struct pcrf_rx *x, enum pcrf_event e, struct rx_rar *r)
{
	struct pcrf_rule *rule, *next;
	size_t n = 0;

	for (rule = x->gx->rules; rule; rule = next) {
		next = rule->next;
		if (rule->rx != x || rule->event != e)
			continue;
		rule->event = PCRF_EV_NONE;
		add_flow(r, rule);
		n++;
		if (e == PCRF_EV_FAILED || e == PCRF_EV_RELEASED)
			pcrf_rule_remove(x->gx, rule);
	}
	return n;
}

static bool has_rules(const struct pcrf_rx *x)
{
	for (const struct pcrf_rule *r = x->gx->rules; r; r = r->next)
		if (r->rx == x)
			return true;
	return false;
}

/* TS 29.214 4.4.6.1: nothing is left of it; 4.4.6.2, 4.4.6.3: some flows. */
static void tell(struct pcrf_rx *x, enum pcrf_event e)
{
	_cleanup_free_ struct rx_rar *r = malloc(sizeof(*r));
	uint32_t action = action_of(x, e);
	bool left;

	if (!r)
		return;
	ie_init(&rx_rar_cmd, r);
	if (!collect(x, e, r))
		return;
	left = has_rules(x);
	if (!left && (e == PCRF_EV_RELEASED || (e == PCRF_EV_FAILED && !action)))
		pcrf_rx_abort(x, e == PCRF_EV_FAILED ? RX_INSUFFICIENT_BEARER_RESOURCES
						     : RX_BEARER_RELEASED);
	else if (action)
		send_rar(x, action, r);
}

void pcrf_rx_tell(struct pcrf_gx *g)
{
	struct pcrf_rx *x, *next;

	for (x = g->rx; x; x = next) {
		next = x->gx_next;
		for (int e = PCRF_EV_NONE + 1; e < PCRF_N_EVENTS; e++)
			tell(x, (enum pcrf_event)e);
	}
	pcrf_push(g);
}

void pcrf_rx_tell_access(struct pcrf_gx *g, enum rx_specific_action what)
{
	_cleanup_free_ struct rx_rar *r = malloc(sizeof(*r));

	for (struct pcrf_rx *x = g->rx; r && x; x = x->gx_next)
		if (x->fsm.state == RXS_OPEN && (x->actions & FSM_BIT(what))) {
			ie_init(&rx_rar_cmd, r);
			send_rar(x, what, r);
		}
}
