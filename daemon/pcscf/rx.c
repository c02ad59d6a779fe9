// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * AF sessions (TS 29.214 4.4.1, 4.4.2, 4.4.4): an AAR opens one, further ones change it, a STR ends it; the PCRF's
 * ASR and RAR are handed to whose it is (4.4.6). RFC 6733 8.16: restarts of a PCRF.
 *
 * Invariants: see rx.h. A STR is repeated, since a PCRF that missed it would keep a bearer for
 * nobody; an AAR is not, since its call cannot wait.
 */
#include "pcscf/pcscf.h"

#define STR_RETRY_USEC	   (2 * USEC_PER_SEC)
#define STR_RETRY_MAX_USEC (64 * USEC_PER_SEC)
#define CLOSING_MAX \
	20000 /* beyond it the PCRF has been away for long: it has to find out by itself */

METRIC_COUNTER(m_aar, "kims_pcscf_rx_aar_total", "AA-Requests sent");
METRIC_COUNTER(m_str, "kims_pcscf_rx_str_total", "Session-Termination-Requests sent");
METRIC_COUNTER(m_refused, "kims_pcscf_rx_refused_total", "AA-Requests refused by a PCRF");
METRIC_COUNTER(m_unreachable, "kims_pcscf_rx_unreachable_total",
	       "AA-Requests that no PCRF answered, those not sent included");
METRIC_COUNTER(m_rar, "kims_pcscf_rx_rar_total", "Re-Auth-Requests of PCRFs");
METRIC_COUNTER(m_asr, "kims_pcscf_rx_asr_total", "Abort-Session-Requests of PCRFs");
METRIC_COUNTER(m_given_up, "kims_pcscf_rx_given_up_total",
	       "AF sessions whose Session-Termination-Request was never answered");
METRIC_GAUGE(m_sessions, "kims_pcscf_rx_sessions", "AF sessions, those being ended included");

static struct metric *const metrics[] = { &m_aar, &m_str, &m_refused,  &m_unreachable,
					  &m_rar, &m_asr, &m_given_up, &m_sessions };

const char *rx_outcome_str(enum rx_outcome o)
{
	switch (o) {
	case RX_OK:
		return "accepted";
	case RX_REFUSED:
		return "refused";
	case RX_UNREACHABLE:
		return "not answered";
	case RX_FORGOTTEN:
		return "unknown to the PCRF";
	}
	return "?";
}

const char *rx_state_str(const struct rx_af *x)
{
	return x ? fsm_state_name(&x->fsm) : NULL;
}

/* --- owners --- */

static struct session *session_of(const struct rx_af *x)
{
	return x->owner == RX_OF_SESSION ? session_by_id(x->p, x->owner_id) : NULL;
}

static struct reg *reg_of(const struct rx_af *x)
{
	return x->owner == RX_OF_REG ? reg_by_id(x->p, x->owner_id) : NULL;
}

static void detach(struct rx_af *x)
{
	struct session *s = session_of(x);
	struct reg *r = reg_of(x);

	if (s && s->rx.af == x)
		s->rx.af = NULL;
	if (r && r->rx == x)
		r->rx = NULL;
}

/* --- requests --- */

static struct rx_af *af_of(struct fsm *f)
{
	return container_of(f, struct rx_af, fsm);
}

static struct dia_to to_of(const struct rx_af *x)
{
	return (struct dia_to){ .host = x->host, .realm = x->realm, .session_id = str_of(x->id) };
}

static void on_sta(void *arg, const struct ie_env *env, const void *a _unused_)
{
	struct rx_af *x = arg;
	uint64_t wait = STR_RETRY_USEC << MIN(x->tries, 5);

	x->busy = false;
	if (x->p->rx->quitting)
		return;
	if (env) /* also DIAMETER_UNKNOWN_SESSION_ID: there is nothing left to end */
		fsm_event(&x->fsm, RXV_CLOSED, NULL);
	else
		fsm_set_timer(&x->fsm, MIN(wait, STR_RETRY_MAX_USEC));
}

static void send_str(struct rx_af *x)
{
	struct rx *rx = x->p->rx;
	struct dia_to to = to_of(x);
	struct rx_str r;

	fsm_set_timer(&x->fsm,
		      STR_RETRY_MAX_USEC); /* its answer, or the lack of it, sets another */
	if (!rx->ops->is_up(rx->arg)) /* rx_on_peer() hastens it; not a try: who is away cannot have said no */
		return;
	x->tries++;
	ie_init(&rx_str_cmd, &r);
	r.termination_cause = x->cause;
	if (rx->ops->request(rx->arg, &rx_str_cmd, &to, &r,
			     (struct dia_done){ .fn = on_sta, .arg = x }) < 0)
		return;
	x->busy = true;
	metric_inc(&m_str);
}

struct answer {
	enum rx_outcome outcome;
	bool sent; /* a PCRF may have taken it */
};

static enum rx_outcome outcome_of(const struct ie_env *env, int result)
{
	if (!env || (result >= 3000 && result < 4000))
		return RX_UNREACHABLE;
	if (result >= 2000 && result < 3000)
		return RX_OK;
	return result == PCC_UNKNOWN_SESSION_ID ? RX_FORGOTTEN : RX_REFUSED;
}

static void learn_host(struct rx_af *x, const struct ie_env *env)
{
	char *host, *realm;

	if (x->host && str_eqz(env->origin_host, x->host))
		return;
	host = str_dup(env->origin_host);
	realm = str_dup(env->origin_realm);
	if (!host || !realm) {
		free(host);
		free(realm);
		return;
	}
	free(x->host);
	free(x->realm);
	x->host = host;
	x->realm = realm;
	persist_rx(x);
}

static void pcrf_seen(struct rx *rx, const struct ie_env *env);
static void forget(struct rx *rx, struct str host);

static void tell_owner(struct rx *rx, const struct rx_af *was, enum rx_outcome o,
		       const struct rx_aaa *a)
{
	struct session *s = session_of(was);
	struct reg *r = reg_of(was);

	if (o == RX_REFUSED)
		metric_inc(&m_refused);
	if (o == RX_UNREACHABLE)
		metric_inc(&m_unreachable);
	if (s)
		rx_call_answered(s, o, a);
	else if (r)
		rx_reg_answered(r, o, a);
	rx_drain(rx);
}

static void on_aaa(void *arg, const struct ie_env *env, const void *in)
{
	const struct rx_aaa *a = in;
	struct rx_af *x = arg, was = *x;
	struct rx *rx = x->p->rx;
	struct answer ans = { outcome_of(env, a->result), !env };
	bool probed = rx->probe == x;

	x->busy = false;
	if (probed)
		rx->probe = NULL;
	if (rx->quitting)
		return;
	if (env) {
		pcrf_seen(rx, env);
		if (ans.outcome == RX_OK) {
			x->stale = false;
			learn_host(x, env);
		}
	}
	if (x->closing)
		was.owner = RX_OF_NONE;
	fsm_event(&x->fsm, ans.outcome == RX_OK ? RXV_ACCEPTED : RXV_FAILED, &ans);
	/* One that counts its starts has told by that what it has forgotten; this AF session it has in any case. */
	if (probed && ans.outcome == RX_FORGOTTEN && !env->origin_state_id)
		forget(rx, env->origin_host);
	else if (probed && ans.outcome == RX_FORGOTTEN)
		rx_reg_sweep(rx);
	else if (probed && ans.outcome == RX_UNREACHABLE)
		rx_reg_reprobe(rx);
	tell_owner(rx, &was, ans.outcome, a);
}

static int send_aar(struct rx_af *x, const struct rx_aar *r)
{
	struct rx *rx = x->p->rx;
	struct dia_to to = to_of(x);
	int e = rx->ops->request(rx->arg, &rx_aar_cmd, &to, r,
				 (struct dia_done){ .fn = on_aaa, .arg = x });

	if (e < 0)
		return e;
	x->busy = true;
	metric_inc(&m_aar);
	return 0;
}

/* --- the state machine --- */

static void opening_event(struct fsm *f, int event, void *data)
{
	const struct answer *ans = data;
	struct rx_af *x = af_of(f);

	switch ((enum rx_event)event) {
	case RXV_ACCEPTED:
		fsm_go(f, x->closing ? RXS_CLOSING : RXS_OPEN);
		break;
	case RXV_FAILED:
		fsm_go(f, ans->outcome == RX_UNREACHABLE && ans->sent ? RXS_CLOSING : RXS_GONE);
		break;
	case RXV_CLOSE:
		x->closing = true;
		break;
	case RXV_UPDATE:
	case RXV_CLOSED:
	case RXV_N_EVENTS:
		break;
	}
}

static void open_event(struct fsm *f, int event, void *data _unused_)
{
	if (event == RXV_UPDATE)
		fsm_go(f, RXS_UPDATING);
	else if (event == RXV_CLOSE)
		fsm_go(f, RXS_CLOSING);
}

static void updating_event(struct fsm *f, int event, void *data)
{
	const struct answer *ans = data;
	struct rx_af *x = af_of(f);

	switch ((enum rx_event)event) {
	case RXV_ACCEPTED:
		fsm_go(f, x->closing ? RXS_CLOSING : RXS_OPEN);
		break;
	case RXV_FAILED:
		if (ans->outcome == RX_FORGOTTEN)
			fsm_go(f, RXS_GONE);
		else /* what it was told before still holds (TS 29.214 4.4.2) */
			fsm_go(f, x->closing ? RXS_CLOSING : RXS_OPEN);
		break;
	case RXV_CLOSE:
		x->closing = true;
		break;
	case RXV_UPDATE:
	case RXV_CLOSED:
	case RXV_N_EVENTS:
		break;
	}
}

static void closing_enter(struct fsm *f, int prev _unused_)
{
	struct rx_af *x = af_of(f);
	struct rx *rx = x->p->rx;

	detach(x);
	x->owner = RX_OF_NONE;
	if (++rx->n_closing <= CLOSING_MAX) {
		send_str(x);
		return;
	}
	x->tries = RX_TRIES;
	fsm_set_timer(f, STR_RETRY_USEC);
}

static void closing_event(struct fsm *f, int event, void *data _unused_)
{
	if (event == RXV_CLOSED)
		fsm_go(f, RXS_GONE);
}

static void closing_timeout(struct fsm *f)
{
	struct rx_af *x = af_of(f);

	if (x->busy) {
		fsm_set_timer(f, STR_RETRY_MAX_USEC);
	} else if (x->tries < RX_TRIES) {
		send_str(x);
	} else {
		log_warn("AF session %s: no PCRF answers its end", x->id);
		metric_inc(&m_given_up);
		fsm_go(f, RXS_GONE);
	}
}

static void free_af(struct rx_af *x)
{
	HASH_DELETE(hh, x->p->rx->af, x);
	if (x->p->rx->probe == x)
		x->p->rx->probe = NULL;
	m_sessions.value--;
	fsm_fini(&x->fsm);
	free(x->id);
	free(x->host);
	free(x->realm);
	free(x);
}

static void gone_enter(struct fsm *f, int prev)
{
	struct rx_af *x = af_of(f);

	if (prev == RXS_CLOSING)
		x->p->rx->n_closing--;
	detach(x);
	persist_rx_gone(x);
	free_af(x);
}

static const struct fsm_state states[RXS_N_STATES] = {
	[RXS_OPENING] = { .name = "opening",
			  .doc = "AAR sent (TS 29.214 4.4.1); its call always ends",
			  .events =
				  FSM_BIT(RXV_ACCEPTED) | FSM_BIT(RXV_FAILED) | FSM_BIT(RXV_CLOSE),
			  .next = FSM_BIT(RXS_OPEN) | FSM_BIT(RXS_CLOSING) | FSM_BIT(RXS_GONE),
			  .on_event = opening_event },
	[RXS_OPEN] = { .name = "open",
		       .doc = "the PCRF knows it",
		       .events = FSM_BIT(RXV_UPDATE) | FSM_BIT(RXV_CLOSE),
		       .next = FSM_BIT(RXS_UPDATING) | FSM_BIT(RXS_CLOSING),
		       .on_event = open_event },
	[RXS_UPDATING] = { .name = "updating",
			   .doc = "another AAR sent (4.4.2)",
			   .events =
				   FSM_BIT(RXV_ACCEPTED) | FSM_BIT(RXV_FAILED) | FSM_BIT(RXV_CLOSE),
			   .next = FSM_BIT(RXS_OPEN) | FSM_BIT(RXS_CLOSING) | FSM_BIT(RXS_GONE),
			   .on_event = updating_event },
	[RXS_CLOSING] = { .name = "closing",
			  .doc = "STR sent or to be sent (4.4.4); repeated until it is answered",
			  .events = FSM_BIT(RXV_CLOSED),
			  .next = FSM_BIT(RXS_GONE),
			  .waiting = true,
			  .on_enter = closing_enter,
			  .on_event = closing_event,
			  .on_timeout = closing_timeout },
	[RXS_GONE] = { .name = "gone", .doc = "neither side knows it", .on_enter = gone_enter },
};

static const char *const event_names[RXV_N_EVENTS] = {
	[RXV_UPDATE] = "update", [RXV_ACCEPTED] = "accepted", [RXV_FAILED] = "failed",
	[RXV_CLOSE] = "close",	 [RXV_CLOSED] = "closed",
};

const struct fsm_desc rx_fsm = { .name = "rx",
				 .states = states,
				 .n_states = RXS_N_STATES,
				 .event_names = event_names,
				 .n_events = RXV_N_EVENTS };

/* --- life --- */

struct rx_af *rx_by_id(const struct rx *rx, struct str id)
{
	struct rx_af *x;

	HASH_FIND(hh, rx->af, id.p, id.n, x);
	return x;
}

static struct rx_af *af_new(struct rx *rx, struct str id, enum rx_state state)
{
	struct rx_af *x = calloc(1, sizeof(*x));

	if (!x)
		return NULL;
	x->p = rx->p;
	x->cause = RX_LOGOUT;
	x->id = str_dup(id);
	if (!x->id) {
		free(x);
		return NULL;
	}
	HASH_ADD_KEYPTR(hh, rx->af, x->id, id.n, x);
	m_sessions.value++;
	fsm_init(&x->fsm, &rx_fsm, rx->p->loop, state, x->id);
	return x;
}

/* A clock that was set back may bring one again that a former run's AF session has. */
static struct str new_id(struct rx *rx, char *dst)
{
	struct str id;

	do
		id = rx->ops->session_id(rx->arg, dst);
	while (rx_by_id(rx, id));
	return id;
}

int rx_open(struct rx *rx, enum rx_owner owner, uint64_t owner_id, const struct rx_aar *r,
	    struct rx_af **ret)
{
	char id[DIA_SESSION_ID_MAX];
	struct rx_af *x;
	int e;

	if (rx->quitting || !rx->ops->is_up(rx->arg)) {
		metric_inc(&m_unreachable);
		return -ENOTCONN;
	}
	x = af_new(rx, new_id(rx, id), RXS_OPENING);
	if (!x)
		return -ENOMEM;
	x->owner = owner;
	x->owner_id = owner_id;
	/* Whoever ends us from here on, the next run knows what the PCRF may know. */
	persist_rx_now(x);
	e = send_aar(x, r);
	if (e < 0) {
		persist_rx_gone(x);
		free_af(x);
		return e;
	}
	*ret = x;
	return 0;
}

int rx_update(struct rx_af *x, const struct rx_aar *r)
{
	int e;

	if (x->busy || x->fsm.state != RXS_OPEN)
		return -EBUSY;
	e = send_aar(x, r);
	if (e < 0)
		return e;
	fsm_event(&x->fsm, RXV_UPDATE, NULL);
	return 0;
}

void rx_close(struct rx_af *x, enum rx_termination_cause cause)
{
	if (!x || x->p->rx->quitting)
		return;
	x->cause = cause;
	fsm_event(&x->fsm, RXV_CLOSE, NULL);
}

int rx_restore(struct rx *rx, struct str id, struct str host, struct str realm, enum rx_owner owner,
	       uint64_t owner_id)
{
	struct rx_af *x = rx_by_id(rx, id) ? NULL : af_new(rx, id, RXS_OPEN);

	if (!x)
		return -ENOMEM;
	x->host = host.n ? str_dup(host) : NULL;
	x->realm = realm.n ? str_dup(realm) : NULL;
	x->owner = owner;
	x->owner_id = owner_id;
	if (session_of(x) && !session_of(x)->rx.af) {
		session_of(x)->rx.af = x;
	} else if (reg_of(x) && !reg_of(x)->rx) {
		reg_of(x)->rx = x;
	} else {
		x->owner = RX_OF_NONE;
		rx_close(x, RX_ADMINISTRATIVE);
	}
	return 0;
}

/* --- PCRFs --- */

static void forget(struct rx *rx, struct str host)
{
	struct rx_af *x, *tmp;
	unsigned int n = 0;

	HASH_ITER (hh, rx->af, x, tmp) {
		if (!x->host || !str_eqz(host, x->host))
			continue;
		n++;
		if (x->fsm.state == RXS_CLOSING && !x->busy) {
			fsm_event(&x->fsm, RXV_CLOSED, NULL);
			continue;
		}
		x->stale = true;
		if (session_of(x))
			rx_call_renew(session_of(x));
	}
	log_warn("PCRF %.*s has restarted: %u AF sessions are unknown to it", STR_FMT(host), n);
	rx_reg_sweep(rx);
}

/* RFC 6733 8.16: a higher Origin-State-Id says that it has forgotten its sessions. */
static void pcrf_seen(struct rx *rx, const struct ie_env *env)
{
	size_t i = 0;

	if (!env->origin_state_id)
		return;
	while (i < rx->n_pcrf && !str_eqz(env->origin_host, rx->pcrf[i].host))
		i++;
	if (i == RX_PCRFS_MAX)
		return;
	if (i == rx->n_pcrf) {
		rx->pcrf[i].host = str_dup(env->origin_host);
		if (!rx->pcrf[i].host)
			return;
		rx->pcrf[rx->n_pcrf++].state_id = env->origin_state_id;
		return;
	}
	if (env->origin_state_id > rx->pcrf[i].state_id) {
		rx->pcrf[i].state_id = env->origin_state_id;
		forget(rx, env->origin_host);
	}
}

/* Did it restart? Each call asks for itself, one registration for all. */
static void ask_again(struct rx *rx, const char *identity)
{
	struct rx_af *x, *tmp;
	uint64_t n = 0;

	HASH_ITER (hh, rx->af, x, tmp) {
		if (x->fsm.state == RXS_CLOSING && !x->busy) /* a thousand a second */
			fsm_set_timer(&x->fsm, ++n * USEC_PER_MSEC);
		if (!x->host || strcasecmp(x->host, identity))
			continue;
		if (session_of(x))
			rx_call_renew(session_of(x));
		else if (reg_of(x) && !rx->probe && !x->busy && x->fsm.state == RXS_OPEN)
			rx_reg_probe(x);
	}
}

void rx_on_peer(void *arg, const char *identity, bool up)
{
	struct rx *rx = arg;
	struct session *s, *tmp;

	log_notice("Diameter connection with %s is %s", identity, up ? "up" : "down");
	if (!up)
		return;
	rx->probes = 0;
	ask_again(rx, identity);
	HASH_ITER (hh, rx->p->sessions, s, tmp) {
		if (!s->rx.af)
			rx_call_renew(s); /* it was set up while there was none */
	}
	rx_reg_sweep(rx);
}

/* --- requests of a PCRF --- */

static void answer(struct rx *rx, struct dia_token *t, bool is_asr, bool known)
{
	int result = known ? PCC_SUCCESS : PCC_UNKNOWN_SESSION_ID;
	struct rx_asa asa;
	_cleanup_free_ struct rx_raa *raa = NULL;

	if (is_asr) {
		ie_init(&rx_asa_cmd, &asa);
		asa.result = result;
		rx->ops->answer(rx->arg, t, &rx_asa_cmd, &asa);
		return;
	}
	raa = malloc(sizeof(*raa));
	if (!raa)
		return; /* the PCRF repeats it, or takes it for lost */
	ie_init(&rx_raa_cmd, raa);
	raa->result = result;
	rx->ops->answer(rx->arg, t, &rx_raa_cmd, raa);
}

static void on_rar(struct rx_af *x, const struct rx_rar *r)
{
	struct session *s = session_of(x);
	struct reg *reg = reg_of(x);

	if (s)
		rx_call_rar(s, r);
	else if (reg)
		rx_reg_rar(reg, r);
}

static void on_asr(struct rx_af *x, const struct rx_asr *r)
{
	struct session *s = session_of(x);
	struct reg *reg = reg_of(x);

	if (s)
		rx_call_asr(s, r->abort_cause);
	else if (reg)
		rx_reg_asr(reg, r->abort_cause);
}

bool rx_on_request(void *arg, struct dia_token *t, const struct ie_command *cmd,
		   const struct ie_env *env, void *in)
{
	bool is_asr = cmd == &rx_asr_cmd;
	struct rx *rx = arg;
	struct rx_af *x;
	bool known;

	if (!is_asr && cmd != &rx_rar_cmd)
		return false;
	metric_inc(is_asr ? &m_asr : &m_rar);
	pcrf_seen(rx, env);
	x = rx_by_id(rx, env->session_id);
	known = x && x->fsm.state != RXS_CLOSING && !x->closing;
	/* What comes of it may end the AF session, the call, the registration. The request's memory is the token's. */
	if (known && is_asr) {
		int cause = ((const struct rx_asr *)in)->abort_cause;

		answer(rx, t, true, true);
		on_asr(x, &(struct rx_asr){ .abort_cause = cause });
	} else if (known) {
		on_rar(x, in);
		answer(rx, t, false, true);
	} else {
		answer(rx, t, is_asr, false);
	}
	rx_drain(rx);
	return true;
}

/* --- the whole --- */

int rx_new(struct pcscf *p, const struct rx_ops *ops, void *arg, struct rx **ret, char *err,
	   size_t errsize)
{
	struct rx *rx;
	int r = 0;

	*ret = NULL;
	if (!p->conf->pcscf.rx)
		return 0;
	rx = calloc(1, sizeof(*rx));
	if (!rx)
		return -ENOMEM;
	rx->p = p;
	rx->ops = ops;
	rx->arg = arg;
	for (size_t i = 0; i < ARRAY_SIZE(metrics); i++)
		metric_register(metrics[i]);
	if (!ops)
		r = rx_node_open(rx, persist_rx_state(p), err, errsize);
	if (r < 0) {
		rx_free(rx);
		return r;
	}
	*ret = rx;
	return 0;
}

void rx_quit(struct rx *rx)
{
	if (!rx)
		return;
	rx->quitting = true;
	if (rx->dia)
		dia_quit(rx->dia);
}

void rx_free(struct rx *rx)
{
	struct rx_af *x, *tmp;

	if (!rx)
		return;
	HASH_ITER (hh, rx->af, x, tmp)
		free_af(x);
	timer_stop(rx->p->loop, &rx->drain);
	timer_stop(rx->p->loop, &rx->sweep.timer);
	if (rx->dia)
		dia_close(rx->dia);
	for (size_t i = 0; i < rx->n_pcrf; i++)
		free(rx->pcrf[i].host);
	free(rx);
}
