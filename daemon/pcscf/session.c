// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Sessions: dialogs that pass, watched so that they can be ended.
 *
 * TS 24.229 5.2.6.3.3, 5.2.6.4.3 (what is saved of an initial INVITE), 5.2.7 (session timer of
 * RFC 4028 observed), 5.2.8.1 (release by the P-CSCF: BYE both ways with Reason, CANCEL before an
 * answer). Invariants: a session ends before its registration; what it has in the kernel and the
 * port pool goes with it; a request of our own is numbered after the last one that the end that we
 * stand for has sent.
 */
#include <sys/random.h>
#include <utlist.h>

#include "pcscf/pcscf.h"

/* A session that nobody refreshes ends so much after its Session-Expires: the ends' own BYE goes first. */
#define SESSION_GRACE_S 32
/* How long an answer to our BYE is waited for: timer F. */
#define RELEASE_USEC (32 * USEC_PER_SEC)

METRIC_GAUGE(m_sessions, "kims_pcscf_sessions", "sessions, those not answered yet included");
METRIC_COUNTER(m_released, "kims_pcscf_sessions_released_total", "sessions ended by the network");

/* --- the state machine --- */

static struct session *of_fsm(struct fsm *f)
{
	return container_of(f, struct session, fsm);
}

static void early_event(struct fsm *f, int event, void *data _unused_)
{
	switch ((enum session_event)event) {
	case SES_EV_ANSWERED:
		fsm_go(f, SES_CONFIRMED);
		break;
	case SES_EV_RELEASE:
	case SES_EV_BYE: /* of an early dialog, RFC 3261 15 */
		fsm_go(f, SES_ENDING);
		break;
	case SES_EV_FAILED:
		fsm_go(f, SES_GONE);
		break;
	case SES_N_EVENTS:
		break;
	}
}

static void early_enter(struct fsm *f _unused_, int prev _unused_)
{
	/* The INVITE's timer C is the proxy core's and ends the state by its failure. */
}

static void confirmed_enter(struct fsm *f, int prev _unused_)
{
	struct session *s = of_fsm(f);

	s->start = loop_wall(s->p->loop);
	session_media_watch(s);
	rx_call_changed(s); /* its gates open */
}

static void confirmed_event(struct fsm *f, int event, void *data _unused_)
{
	switch ((enum session_event)event) {
	case SES_EV_ANSWERED: /* another 2xx of a fork */
		break;
	case SES_EV_RELEASE:
	case SES_EV_BYE:
		fsm_go(f, SES_ENDING);
		break;
	case SES_EV_FAILED:
		fsm_go(f, SES_GONE);
		break;
	case SES_N_EVENTS:
		break;
	}
}

static void confirmed_timeout(struct fsm *f)
{
	session_release(of_fsm(f), "session timer expired",
			"SIP;cause=408;text=\"Session timer expired\"");
}

/* TS 29.213 annex B.5: the bearer goes with the BYE, not with its answer. */
static void ending_enter(struct fsm *f, int prev _unused_)
{
	rx_call_end(of_fsm(f));
}

static void ending_event(struct fsm *f, int event, void *data _unused_)
{
	if (event == SES_EV_FAILED)
		fsm_go(f, SES_GONE);
}

static void ending_timeout(struct fsm *f)
{
	fsm_go(f, SES_GONE);
}

static void gone_enter(struct fsm *f, int prev _unused_)
{
	session_free(of_fsm(f), "ended");
}

static const struct fsm_state states[SES_N_STATES] = {
	[SES_EARLY] = {
		.name = "early",
		.doc = "INVITE passed; no 2xx yet (5.2.6.3.3, 5.2.6.4.3)",
		.events = FSM_BIT(SES_EV_ANSWERED) | FSM_BIT(SES_EV_FAILED) | FSM_BIT(SES_EV_BYE) |
			  FSM_BIT(SES_EV_RELEASE),
		.next = FSM_BIT(SES_CONFIRMED) | FSM_BIT(SES_ENDING) | FSM_BIT(SES_GONE),
		.waiting = true,
		.on_enter = early_enter,
		.on_event = early_event,
	},
	[SES_CONFIRMED] = {
		.name = "confirmed",
		.doc = "answered; refreshes are watched if the ends agreed on them (RFC 4028)",
		.events = FSM_BIT(SES_EV_ANSWERED) | FSM_BIT(SES_EV_FAILED) | FSM_BIT(SES_EV_BYE) |
			  FSM_BIT(SES_EV_RELEASE),
		.next = FSM_BIT(SES_ENDING) | FSM_BIT(SES_GONE),
		.on_enter = confirmed_enter,
		.on_event = confirmed_event,
		.on_timeout = confirmed_timeout,
	},
	[SES_ENDING] = {
		.name = "ending",
		.doc = "BYE passed or was sent by us (5.2.8.1); waits for its answer",
		.events = FSM_BIT(SES_EV_FAILED),
		.next = FSM_BIT(SES_GONE),
		.waiting = true,
		.timer_usec = RELEASE_USEC,
		.on_enter = ending_enter,
		.on_event = ending_event,
		.on_timeout = ending_timeout,
	},
	[SES_GONE] = {
		.name = "gone",
		.doc = "flows and ports are given back",
		.on_enter = gone_enter,
	},
};

static const char *const event_names[SES_N_EVENTS] = {
	[SES_EV_ANSWERED] = "answered",
	[SES_EV_FAILED] = "failed",
	[SES_EV_BYE] = "bye",
	[SES_EV_RELEASE] = "release",
};

const struct fsm_desc session_fsm = {
	.name = "session",
	.states = states,
	.n_states = SES_N_STATES,
	.event_names = event_names,
	.n_events = SES_N_EVENTS,
};

/* --- tables, life --- */

struct session *session_by_id(struct pcscf *p, uint64_t id)
{
	struct session *s;

	HASH_FIND(hh, p->sessions, &id, sizeof(id), s);
	return s;
}

struct session *session_by_token(struct pcscf *p, struct str token)
{
	uint64_t id;

	return reg_token_parse(token, &id) ? NULL : session_by_id(p, id);
}

bool session_from_caller(const struct session *s, enum side from)
{
	return (from == SIDE_UE) == s->orig;
}

static void media_timer(struct timer *t)
{
	struct session *s = container_of(t, struct session, media_timer);

	if (s->fsm.state == SES_CONFIRMED && alg_is_dead(s))
		session_release(s, "media stopped", "SIP;cause=503;text=\"Media inactivity\"");
}

int session_attach(struct session *s)
{
	if (session_by_id(s->p, s->id))
		return -EEXIST;
	s->media_timer.fn = media_timer;
	HASH_ADD(hh, s->p->sessions, id, sizeof(s->id), s);
	DL_APPEND2(s->reg->sessions, s, reg_prev, reg_next);
	s->reg->n_sessions++;
	metric_register(&m_sessions);
	m_sessions.value++;
	return 0;
}

static char *contact_uri(const struct sip_msg *m)
{
	struct sip_elem e = { 0 };
	struct sip_name_addr na;

	if (!sip_msg_next_elem(m, SIP_H_CONTACT, &e) || sip_name_addr_parse(e.text, &na))
		return NULL;
	return line_dup(na.uri);
}

static void replace(char **slot, char *z)
{
	if (!z)
		return;
	free(*slot);
	*slot = z;
}

static void free_memory(struct session *s)
{
	fsm_fini(&s->fsm);
	timer_stop(s->p->loop, &s->media_timer);
	rx_call_free(s);
	if (session_by_id(s->p, s->id) == s) {
		HASH_DELETE(hh, s->p->sessions, s);
		DL_DELETE2(s->reg->sessions, s, reg_prev, reg_next);
		s->reg->n_sessions--;
		m_sessions.value--;
	}
	free(s->call_id);
	free(s->caller);
	free(s->callee);
	free(s->caller_contact);
	free(s->callee_contact);
	free(s->record_route);
	free(s);
}

int session_new(struct reg *r, bool orig, struct sip_msg *invite, struct session **ret)
{
	struct session *s = calloc(1, sizeof(*s));
	uint8_t b[8];
	int e = -ENOMEM;

	if (!s)
		return -ENOMEM;
	s->p = r->p;
	s->reg = r;
	s->orig = orig;
	s->call_id = line_dup(sip_msg_call_id(invite));
	s->caller = line_dup(sip_msg_value(invite, SIP_H_FROM));
	s->callee = line_dup(sip_msg_value(invite, SIP_H_TO));
	s->caller_contact = contact_uri(invite);
	s->caller_cseq = s->invite_cseq = sip_msg_cseq(invite);
	if (!s->call_id || !s->caller || !s->callee)
		goto fail;
	if (getrandom(b, sizeof(b), 0) != sizeof(b)) {
		e = -EIO;
		goto fail;
	}
	hex_encode(b, sizeof(b), s->token);
	reg_token_parse(str_of(s->token), &s->id);
	e = session_attach(s);
	if (e < 0)
		goto fail;
	fsm_init(&s->fsm, &session_fsm, s->p->loop, SES_EARLY, s->token);
	*ret = s;
	return 0;
fail:
	free_memory(s);
	return e;
}

/* What the kernel lost meanwhile is made again from what both sides had agreed on. */
void session_restored(struct session *s)
{
	alg_restored(s);
	timer_stop(s->p->loop, &s->rx.sync); /* the PCRF has been told in the former run */
	if (s->session_expires_s)
		fsm_set_timer(&s->fsm,
			      ((uint64_t)s->session_expires_s + SESSION_GRACE_S) * USEC_PER_SEC);
}

/* --- what is remembered of ended ones --- */

static struct session_note *note_of(struct session *s)
{
	struct pcscf *p = s->p;
	struct session_note *n;

	for (uint64_t i = p->n_history; i-- > 0 && i + HISTORY_RING >= p->n_history;)
		if (p->history[i % HISTORY_RING].id == s->id)
			return &p->history[i % HISTORY_RING];
	n = &p->history[p->n_history++ % HISTORY_RING];
	memset(n, 0, sizeof(*n));
	n->id = s->id;
	n->start = s->start;
	n->orig = s->orig;
	snprintf(n->impi, sizeof(n->impi), "%s", s->reg->impi);
	snprintf(n->caller, sizeof(n->caller), "%s", s->caller);
	snprintf(n->callee, sizeof(n->callee), "%s", s->callee);
	return n;
}

/* Flows that end while their session goes on (a stream was removed) are only logged. */
void session_note_flow(struct session *s, size_t stream, int flow, const struct knl_rtp_stats *st)
{
	struct session_note *n;

	if (s->fsm.state != SES_GONE && s->fsm.state != SES_ENDING)
		return;
	n = note_of(s);
	if (n->n == ARRAY_SIZE(n->flow))
		return;
	n->flow[n->n].stream = (uint32_t)stream;
	n->flow[n->n].flow = flow;
	n->flow[n->n++].stats = *st;
}

void session_free(struct session *s, const char *why)
{
	struct session_note *n;

	rx_call_end(s);
	s->fsm.state = SES_GONE;
	n = note_of(s);
	n->end = loop_wall(s->p->loop);
	snprintf(n->why, sizeof(n->why), "%s", why);
	alg_free(s, true);
	persist_session_gone(s);
	if (s->start)
		log_info("%s: session %s ended after %llu s: %s", s->reg->impi, s->token,
			 (unsigned long long)((n->end - s->start) / USEC_PER_SEC), why);
	free_memory(s);
}

void session_forget(struct session *s)
{
	alg_free(s, false);
	free_memory(s);
}

/* --- what passes --- */

static char *join(const struct sip_msg *m, enum sip_hdr id)
{
	struct sip_elem e = { 0 };
	char *out = NULL;
	size_t n = 0;

	while (sip_msg_next_elem(m, id, &e)) {
		char *z = realloc(out, n + e.text.n + 3);

		if (!z) {
			free(out);
			return NULL;
		}
		out = z;
		n += (size_t)sprintf(out + n, "%s%.*s", n ? ", " : "", STR_FMT(e.text));
	}
	for (size_t i = 0; i < n; i++) /* unfolded */
		if ((unsigned char)out[i] < ' ')
			out[i] = ' ';
	return out;
}

static void watch_timer(struct session *s, const struct sip_msg *resp)
{
	struct str v = sip_msg_value(resp, SIP_H_SESSION_EXPIRES), num;
	uint64_t u;

	if (!v.n) /* RFC 4028 7.2: no session timer in this 2xx, none runs */
		s->session_expires_s = 0;
	else if (str_split(&v, ';', &num) && !str_to_u64(str_trim(num), UINT32_MAX, &u))
		s->session_expires_s = (uint32_t)u;
	if (s->fsm.state != SES_CONFIRMED)
		return;
	if (s->session_expires_s)
		fsm_set_timer(&s->fsm,
			      ((uint64_t)s->session_expires_s + SESSION_GRACE_S) * USEC_PER_SEC);
	else
		timer_stop(s->p->loop, &s->fsm.timer);
}

void session_response(struct session *s, struct sip_msg *resp)
{
	int status = sip_msg_status(resp);

	if (status < 200 || status >= 300 || s->fsm.state != SES_EARLY)
		return;
	replace(&s->callee, line_dup(sip_msg_value(resp, SIP_H_TO)));
	replace(&s->callee_contact, contact_uri(resp));
	replace(&s->record_route, join(resp, SIP_H_RECORD_ROUTE));
	fsm_event(&s->fsm, SES_EV_ANSWERED, NULL);
	alg_confirm(s, sip_msg_to_tag(resp));
	watch_timer(s, resp);
	persist_session(s);
}

void session_seen(struct session *s, const struct sip_msg *req, enum side from)
{
	bool caller = session_from_caller(s, from);
	uint32_t *last = caller ? &s->caller_cseq : &s->callee_cseq;
	enum sip_method_id method = sip_msg_method(req);

	if (sip_msg_cseq(req) > *last)
		*last = sip_msg_cseq(req);
	if (method == SIP_M_INVITE || method == SIP_M_UPDATE)
		replace(caller ? &s->caller_contact : &s->callee_contact, contact_uri(req));
}

void session_refreshed(struct session *s, struct sip_msg *resp)
{
	watch_timer(s, resp);
	persist_session(s);
}

/* --- media --- */

void session_media_changed(struct session *s)
{
	rx_call_changed(s);
	if (s->fsm.state == SES_CONFIRMED)
		session_media_watch(s);
}

/* A flow that was silent before the answer is judged again some time after it. */
void session_media_watch(struct session *s)
{
	uint64_t t = s->p->conf->pcscf.media_timeout_s * USEC_PER_SEC;

	if (t && s->p->kops)
		timer_start(s->p->loop, &s->media_timer, t);
}

void session_media_event(struct pcscf *p, uint64_t cookie, uint32_t flow_id, bool inactive)
{
	struct session *s = session_by_id(p, cookie);

	if (!s)
		return;
	if (alg_inactive(s, flow_id, inactive) && s->fsm.state == SES_CONFIRMED &&
	    !timer_running(&s->media_timer))
		session_release(s, "media stopped", "SIP;cause=503;text=\"Media inactivity\"");
}

/* --- release by the network --- */

/* An answer to one of our BYEs is waited for. */
struct bye {
	struct pending pending;
	struct pcscf *p;
	uint64_t session;
};

static void bye_free(struct bye *b)
{
	pending_del(b->p, &b->pending);
	free(b);
}

static void bye_drop(struct pending *w)
{
	bye_free(container_of(w, struct bye, pending));
}

static void bye_answered(void *arg, struct sip_ctx *t _unused_, struct sip_msg *resp,
			 int err _unused_)
{
	struct bye *b = arg;
	struct session *s = session_by_id(b->p, b->session);

	if (resp && sip_msg_status(resp) < 200)
		return;
	bye_free(b);
	if (s && s->byes_left && --s->byes_left == 0)
		fsm_event(&s->fsm, SES_EV_FAILED, NULL);
}

/* Our entries for this session: both ends of a call may be here, each with a session of its own. */
static bool is_ours(const struct session *s, struct str route)
{
	struct sip_name_addr na;
	struct sip_uri u;

	return !sip_name_addr_parse(route, &na) && !sip_uri_parse(na.uri, &u) &&
	       str_eqz(u.user, s->token) && gm_is_me(s->p, &u);
}

/*
 * The route beyond us: Record-Route stands in the order callee ... caller; towards the caller it
 * is used as it stands, behind our own entries; towards the callee from us back to the front.
 */
static int add_route(const struct session *s, struct sip_msg *m, bool to_caller)
{
	struct str rest = str_of(s->record_route), v;
	bool past_us = false;
	int r = 0;

	while (rest.n && !r && str_split(&rest, ',', &v)) {
		v = str_trim(v);
		if (is_ours(s, v)) {
			past_us = true;
			continue;
		}
		if (to_caller && past_us)
			r = sip_msg_add(m, SIP_H_ROUTE, "%.*s", STR_FMT(v));
		else if (!to_caller && !past_us)
			r = sip_msg_prepend(m, SIP_H_ROUTE, "%.*s", STR_FMT(v));
	}
	return r;
}

static struct sip_msg *build_bye(struct session *s, bool to_caller, const char *reason)
{
	const char *uri = to_caller ? s->caller_contact : s->callee_contact;
	uint32_t *cseq = to_caller ? &s->callee_cseq : &s->caller_cseq;
	struct sip_msg *m = uri ? sip_msg_new_request("BYE", uri) : NULL;
	int r;

	if (!m)
		return NULL;
	r = sip_msg_add(m, SIP_H_FROM, "%s", to_caller ? s->callee : s->caller);
	if (!r)
		r = sip_msg_add(m, SIP_H_TO, "%s", to_caller ? s->caller : s->callee);
	if (!r)
		r = sip_msg_add(m, SIP_H_CALL_ID, "%s", s->call_id);
	if (!r)
		r = sip_msg_add(m, SIP_H_CSEQ, "%u BYE", ++*cseq);
	if (!r)
		r = sip_msg_add(m, SIP_H_REASON, "%s", reason);
	if (!r)
		r = add_route(s, m, to_caller);
	if (r < 0) {
		sip_msg_unref(m);
		return NULL;
	}
	return m;
}

static int send_bye(struct session *s, bool to_caller, const char *reason, struct bye *b)
{
	_cleanup_msg_ struct sip_msg *m = build_bye(s, to_caller, reason);
	const union sip_sa *sentby;
	struct sip_path path;
	struct sip_ctx *ctx;

	if (!m)
		return -ENOMEM;
	if (to_caller != s->orig) { /* the core's side */
		if (charging_add(s->p, m, s->icid, s->rx.charging) < 0)
			return -ENOMEM;
		sip_msg_ref(m);
		return core_send(s->p, m, bye_answered, b);
	}
	gm_path_to(s->reg, 0, &path, &sentby);
	if (!path.ep)
		return -EHOSTUNREACH;
	return sip_ctx_start(s->p->stack, m, &path, sentby, bye_answered, b, &ctx);
}

static bool bye_one(struct session *s, bool to_caller, const char *reason)
{
	struct bye *b = calloc(1, sizeof(*b));

	if (!b)
		return false;
	b->p = s->p;
	b->session = s->id;
	pending_add(s->p, &b->pending, bye_drop);
	if (send_bye(s, to_caller, reason, b) == 0)
		return true;
	bye_free(b);
	return false;
}

static void bye_both(struct session *s, const char *reason)
{
	/* One more than there are: an answer may come at once and must not end the session under us. */
	s->byes_left = 3;
	for (int to_caller = 0; to_caller < 2; to_caller++)
		if (!bye_one(s, to_caller, reason))
			s->byes_left--;
	if (--s->byes_left == 0)
		fsm_event(&s->fsm, SES_EV_FAILED, NULL);
}

void session_release(struct session *s, const char *why, const char *reason)
{
	session_refuse(s, 503, why, reason);
}

void session_refuse(struct session *s, int status, const char *why, const char *reason)
{
	bool confirmed = s->fsm.state == SES_CONFIRMED;
	struct sip_fwd *fwd = s->fwd;

	if (s->fsm.state == SES_ENDING || s->fsm.state == SES_GONE)
		return;
	log_notice("%s: session %s is released: %s", s->reg->impi, s->token, why);
	metric_register(&m_released);
	metric_inc(&m_released);
	timer_stop(s->p->loop, &s->media_timer);
	fsm_event(&s->fsm, SES_EV_RELEASE, NULL);
	alg_stop(s);
	if (confirmed)
		bye_both(s, reason);
	else if (fwd)
		sip_fwd_cancel(fwd, status, reason);
}
