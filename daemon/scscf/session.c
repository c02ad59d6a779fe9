// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Requests other than REGISTER: TS 24.229 5.4.3.2 (originating), 5.4.3.3 (terminating), 5.4.3.4
 * (within a dialog).
 *
 *   originating: served user = the asserted identity, registered here and not barred; the other
 *   form of its number is asserted too; tel URIs of the home network become sip URIs; on to the
 *   I-CSCF of the home domain, or to where the Request-URI's domain points.
 *   terminating: Request-URI -> contacts by q, Route = Path, P-Called-Party-ID.
 *
 * Both put a Record-Route. A struct session only remembers that there is a call, for the operator;
 * routing within a dialog needs no state. Invariant: a session goes with its BYE, with the failure
 * of its INVITE, or when its refresh time is over.
 */
#include "scscf/priv.h"

#include "lib/core/log.h"

#define UNREFRESHED_S 21600 /* how long a call without session timer is shown */

struct session {
	UT_hash_handle hh; /* by call_id */
	struct scscf *s;
	struct timer timer;
	uint64_t since;	   /* wall clock, usec */
	unsigned int legs; /* originating and terminating service of one call may both be here */
	bool confirmed, orig, term;
	char *caller, *callee;
	char call_id[];
};

/* One INVITE or UPDATE on its way through, until its final response. */
struct leg {
	struct scscf *s;
	bool orig, invite;
	struct se_state se;
	char *call_id;
};

/* ---- sessions ---- */

static void session_free(struct session *x)
{
	HASH_DEL(x->s->sessions, x);
	timer_stop(x->s->env.loop, &x->timer);
	g_sessions.value--;
	free(x->caller);
	free(x->callee);
	free(x);
}

static struct session *session_find(struct scscf *s, struct str call_id)
{
	struct session *x;

	HASH_FIND(hh, s->sessions, call_id.p, call_id.n, x);
	return x;
}

static void on_session_timeout(struct timer *t)
{
	session_free(container_of(t, struct session, timer));
}

static void session_arm(struct session *x, uint32_t seconds)
{
	timer_start(x->s->env.loop, &x->timer, (seconds + seconds / 8) * USEC_PER_SEC);
}

static struct str identity_of(const struct sip_msg *m)
{
	struct sip_elem e = { 0 };
	struct sip_name_addr na;

	if (sip_msg_next_elem(m, SIP_H_P_ASSERTED_IDENTITY, &e) &&
	    sip_name_addr_parse(e.text, &na) == 0)
		return na.uri;
	return STR("anonymous");
}

static void session_begin(struct scscf *s, const struct sip_msg *m, bool orig)
{
	struct str id = sip_msg_call_id(m);
	struct session *x = session_find(s, id);

	if (!x) {
		x = calloc(1, sizeof(*x) + id.n + 1);
		if (!x)
			return;
		memcpy(x->call_id, id.p, id.n);
		x->s = s;
		x->since = now_wall(s);
		x->caller = str_dup(identity_of(m));
		x->callee = str_dup(sip_msg_ruri(m));
		x->timer.fn = on_session_timeout;
		HASH_ADD_KEYPTR(hh, s->sessions, x->call_id, id.n, x);
		g_sessions.value++;
	}
	x->legs++;
	x->orig = x->orig || orig;
	x->term = x->term || !orig;
	session_arm(x, UNREFRESHED_S);
}

static void session_failed(struct scscf *s, const char *call_id)
{
	struct session *x = session_find(s, str_of(call_id));

	if (x && !x->confirmed && --x->legs == 0)
		session_free(x);
}

/* By a 2xx to INVITE; one to UPDATE refreshes what is confirmed already. */
static void session_confirmed(struct scscf *s, const char *call_id, uint32_t expires, bool invite)
{
	struct session *x = session_find(s, str_of(call_id));

	if (!x || (!invite && !x->confirmed))
		return;
	x->confirmed = true;
	session_arm(x, expires ? expires : UNREFRESHED_S);
}

void sessions_free(struct scscf *s)
{
	struct session *x, *tmp;

	HASH_ITER (hh, s->sessions, x, tmp)
		session_free(x);
}

json_t *sessions_json(const struct scscf *s)
{
	json_t *list = json_array();
	const struct session *x;

	for (x = s->sessions; x; x = x->hh.next)
		json_array_append_new(
			list, json_pack("{s:s,s:s?,s:s?,s:s,s:b,s:b,s:I}", "call_id", x->call_id,
					"caller", x->caller, "callee", x->callee, "state",
					x->confirmed ? "confirmed" : "early", "originating",
					x->orig, "terminating", x->term, "seconds",
					(json_int_t)((now_wall(s) - x->since) / USEC_PER_SEC)));
	return list;
}

/* ---- what both sides do ---- */

/*
 * TS 24.229 5.4.3.2, 5.4.3.3: who is charged by whom. What the P-CSCF said (type 1: the visited network)
 * does not go on to the other home network, ours does (type 2).
 */
static void set_ioi(struct scscf *s, struct sip_msg *m, const char *name)
{
	const struct sip_hf *hf = sip_msg_hf(m, SIP_H_P_CHARGING_VECTOR);
	_cleanup_sbuf_ struct sbuf b = { 0 };
	struct str rest, one;

	if (!hf)
		return;
	rest = hf->value;
	while (next_param(&rest, &one)) {
		if (sip_param(one, name, NULL))
			continue;
		sbuf_add(&b, one);
		sbuf_addz(&b, ";");
	}
	sbuf_addf(&b, "%s=%s", name, s->env.conf->network.domain);
	if (!b.failed)
		sip_hf_set(m, hf, "%.*s", (int)b.n, b.p);
}

/* 5.4.3.2: the service that the UE prefers is asserted; which ones a user has, the profile does not limit. */
static void assert_service(struct sip_msg *m)
{
	struct str v = sip_msg_value(m, SIP_H_P_PREFERRED_SERVICE);

	if (v.n && !sip_msg_hf(m, SIP_H_P_ASSERTED_SERVICE))
		sip_msg_add(m, SIP_H_P_ASSERTED_SERVICE, "%.*s", STR_FMT(v));
	sip_msg_remove(m, SIP_H_P_PREFERRED_SERVICE);
}

/* Only these leave a route set behind (RFC 3261 16.6 step 4, 12.1). */
static bool makes_dialog(const struct sip_msg *m)
{
	enum sip_method_id x = sip_msg_method(m);

	return x != SIP_M_MESSAGE && x != SIP_M_OPTIONS && x != SIP_M_PUBLISH;
}

static void leg_free(struct leg *l)
{
	free(l->call_id);
	free(l);
}

static void assert_callee(struct scscf *s, struct sip_msg *resp);
static struct impu *find_called(struct scscf *s, const struct sip_msg *m);

#define FLOW_MIN 16 /* octets: nobody guesses one */

/* Whole, and as user part only: the rest of a Path is no secret. */
static bool path_has_flow(const char *path, struct str flow)
{
	struct str rest = str_of(path), one;
	struct sip_name_addr na;
	struct sip_uri u;

	while (rest.n && str_split(&rest, ',', &one))
		if (!sip_name_addr_parse(str_trim(one), &na) && !sip_uri_parse(na.uri, &u) &&
		    !u.is_tel && str_eq(u.user, flow))
			return true;
	return false;
}

static bool end_flow(struct irs *r, struct str flow)
{
	struct contact *c;
	bool any = false;

	DL_FOREACH (r->contacts, c) {
		if (contact_is_ended(c) || !c->path || !path_has_flow(c->path, flow))
			continue;
		log_notice("%s: the P-CSCF reaches %s no more", c->impi->name, c->uri);
		contact_end(c, CE_DEACTIVATED);
		any = true;
	}
	return any;
}

/*
 * The P-CSCF has lost the way to a contact (its bearer is gone): network-initiated de-registration, TS 24.229 5.4.1.5. It
 * names the flow that it put into the Path; nobody else knows it, as the caller does not learn it.
 */
static void flow_failed(struct scscf *s, struct sip_fwd *f, struct sip_msg *resp)
{
	struct str why = sip_msg_value(resp, SIP_H_REASON), cause, flow;
	struct impu *u;

	if (sip_msg_status(resp) != 480 || !why.n || !sip_param(why, "cause", &cause) ||
	    !str_eqz(cause, "430") || !sip_param(why, "flow", &flow) || flow.n < FLOW_MIN)
		return;
	u = find_called(s, sip_fwd_request(f));
	if (u && end_flow(u->irs, flow))
		irs_changed(u->irs, CX_ADMINISTRATIVE_DEREGISTRATION);
	sip_msg_remove(resp, SIP_H_REASON);
}

static int on_response(void *arg, struct sip_fwd *f, struct sip_msg *resp, bool best _unused_)
{
	struct leg *l = arg;
	int status = sip_msg_status(resp);

	if (!l->orig) {
		set_ioi(l->s, resp, "term-ioi");
		assert_callee(l->s, resp);
		flow_failed(l->s, f, resp);
	}
	if (status / 100 == 2) {
		se_response(resp, &l->se);
		session_confirmed(l->s, l->call_id, l->se.expires, l->invite);
	}
	return 0;
}

static void on_end(void *arg, struct sip_fwd *f _unused_, int status)
{
	struct leg *l = arg;

	if (l->invite && status / 100 != 2)
		session_failed(l->s, l->call_id);
	leg_free(l);
}

static const struct sip_fwd_ops leg_ops = { .response = on_response, .end = on_end };

static struct leg *leg_new(struct scscf *s, const struct sip_msg *m, bool orig)
{
	struct leg *l = calloc(1, sizeof(*l));

	if (!l)
		return NULL;
	*l = (struct leg){
		.s = s,
		.orig = orig,
		.invite = sip_msg_method(m) == SIP_M_INVITE,
		.call_id = str_dup(sip_msg_call_id(m)),
	};
	if (l->call_id)
		return l;
	free(l);
	return NULL;
}

static int on_plain_response(void *arg, struct sip_fwd *f, struct sip_msg *resp,
			     bool best _unused_)
{
	flow_failed(arg, f, resp);
	return 0;
}

static const struct sip_fwd_ops plain_ops = { .response = on_plain_response };

static void forward_plain(struct scscf *s, struct sip_stx *stx, struct sip_msg *m,
			  const struct sip_target *t, size_t n, bool orig)
{
	if (sip_proxy_forward(s->stack, s->env.resolver, stx, m, t, n, 0, orig ? NULL : &plain_ops,
			      s, NULL) < 0 &&
	    !sip_stx_done(stx))
		sip_stx_reply(stx, 500, NULL, NULL);
}

/* INVITE, and UPDATE with a session timer. */
static void forward_timed(struct scscf *s, struct sip_stx *stx, struct sip_msg *m,
			  const struct sip_target *t, size_t n, bool orig)
{
	struct leg *l = leg_new(s, m, orig);
	struct sip_fwd *f;

	if (!l) {
		sip_stx_reply(stx, 500, NULL, NULL);
		return;
	}
	if (se_request(s, stx, m, &l->se)) {
		leg_free(l);
		return;
	}
	if (l->invite && !sip_msg_to_tag(m).n) {
		metric_inc(&m_calls);
		session_begin(s, m, orig);
	}
	if (sip_proxy_forward(s->stack, s->env.resolver, stx, m, t, n,
			      s->env.conf->scscf.no_answer_s * 1000, &leg_ops, l, &f) < 0) {
		if (!sip_stx_done(stx))
			sip_stx_reply(stx, 500, NULL, NULL);
		on_end(l, NULL, 500);
	}
}

static void forward(struct scscf *s, struct sip_stx *stx, struct sip_msg *m,
		    const struct sip_target *t, size_t n, bool orig)
{
	enum sip_method_id method = sip_msg_method(m);

	if (method == SIP_M_INVITE ||
	    (method == SIP_M_UPDATE && sip_msg_hf(m, SIP_H_SESSION_EXPIRES)))
		forward_timed(s, stx, m, t, n, orig);
	else
		forward_plain(s, stx, m, t, n, orig);
}

/* ---- originating ---- */

/* The first asserted identity that is ours; -EPERM: barred, -ENOENT: none. */
static int find_served(struct scscf *s, const struct sip_msg *m, struct impu **ret)
{
	struct sip_elem e = { 0 };
	struct sip_name_addr na;
	char canon[ID_MAX];
	int r = -ENOENT;

	while (sip_msg_next_elem(m, SIP_H_P_ASSERTED_IDENTITY, &e)) {
		struct impu *u;

		if (sip_name_addr_parse(e.text, &na) < 0 ||
		    sip_uri_canon(na.uri, canon, sizeof(canon)) < 0)
			continue;
		u = impu_find(s, str_of(canon));
		if (!u || !irs_active(u->irs))
			continue;
		if (!u->barred) {
			*ret = u;
			return 0;
		}
		r = -EPERM;
	}
	return r;
}

static bool is_tel(const char *uri)
{
	return !strncasecmp(uri, "tel:", 4);
}

/* The alias of u in the other scheme: the tel URI for a sip URI and the other way round. */
static const struct impu *other_form(const struct impu *u)
{
	const struct irs *r = u->irs;

	for (size_t i = 0; i < r->n_impus; i++) {
		const struct impu *x = r->impus[i];

		if (x->barred || is_tel(x->canon) == is_tel(u->canon))
			continue;
		/* A sip URI is the same number only if it begins with it. */
		if (is_tel(u->canon) && strncmp(x->canon + 4, u->canon + 4, strlen(u->canon + 4)))
			continue;
		return x;
	}
	return NULL;
}

/* TS 24.229 5.4.3.2 step 7: tel and sip form of the same user go out together. */
static void assert_both(struct sip_msg *m, const struct impu *u)
{
	const struct impu *o = other_form(u);
	struct sip_elem e = { 0 };
	size_t n = 0;

	while (sip_msg_next_elem(m, SIP_H_P_ASSERTED_IDENTITY, &e))
		n++;
	if (o && n == 1)
		sip_msg_add(m, SIP_H_P_ASSERTED_IDENTITY, "<%s>", o->uri);
}

/* TS 24.229 5.4.3.3: the caller, too, learns both forms of who answers. */
static void assert_callee(struct scscf *s, struct sip_msg *resp)
{
	struct impu *u;

	if (sip_msg_status(resp) < 300 && find_served(s, resp, &u) == 0)
		assert_both(resp, u);
}

static bool is_home(const struct scscf *s, const struct sip_uri *u)
{
	return str_ieqz(u->host, s->env.conf->network.domain);
}

/* Dialled as at home: no phone-context, our domain, or "geo-local." before it (TS 24.229 5.1.2A.1.5). */
static bool is_home_context(const struct scscf *s, struct str params)
{
	static const struct str geo = { "geo-local.", 10 };
	struct str c;

	if (!sip_param(params, "phone-context", &c))
		return true;
	if (str_has_prefix(c, geo))
		c = (struct str){ c.p + geo.n, c.n - geo.n };
	return str_ieqz(c, s->env.conf->network.domain);
}

/*
 * TS 24.229 5.4.3.2 step 10: a number becomes a SIP URI; without ENUM the home network is the only
 * one that we know. A local one does so as it was dialled: whose it is, the HSS tells (an identity
 * of a subscriber, or none). -ENOTSUP: local somewhere else.
 */
static int resolve_number(struct scscf *s, struct sip_msg *m, const struct sip_uri *u)
{
	struct str number = u->user, params = u->params;
	char tel[ID_MAX], canon[ID_MAX], uri[2 * ID_MAX];

	if (!u->is_tel) { /* sip:NUMBER;phone-context=...@DOMAIN;user=phone (RFC 3261 19.1.6) */
		params = u->user;
		str_split(&params, ';', &number);
	}
	if (!number.n || (number.p[0] != '+' && !is_home_context(s, params)) ||
	    (size_t)snprintf(tel, sizeof(tel), "tel:%.*s", STR_FMT(number)) >= sizeof(tel) ||
	    sip_uri_canon(str_of(tel), canon, sizeof(canon)) < 0)
		return -ENOTSUP;
	snprintf(uri, sizeof(uri), "sip:%s@%s;user=phone", canon + 4, s->env.conf->network.domain);
	return sip_msg_set_ruri(m, str_of(uri));
}

static bool has_number(const struct scscf *s, const struct sip_uri *u)
{
	struct str v;

	return u->is_tel || (is_home(s, u) && u->user.n && memchr(u->user.p, ';', u->user.n) &&
			     sip_param(u->params, "user", &v) && str_ieqz(v, "phone"));
}

static void send_out(struct scscf *s, struct sip_stx *stx, struct sip_msg *m)
{
	struct sip_target t = { .record_route = makes_dialog(m) ? s->rr_orig : NULL };
	struct sip_uri u;

	if (sip_uri_parse(sip_msg_ruri(m), &u) == 0 && !sip_msg_hf(m, SIP_H_ROUTE) &&
	    is_home(s, &u))
		t.next_hop = str_of(s->icscf_uri);
	forward(s, stx, m, &t, 1, true);
}

void session_originating(struct scscf *s, struct sip_stx *stx, struct sip_msg *m)
{
	struct sip_uri u;
	struct impu *served;
	int r = find_served(s, m, &served);

	if (r < 0) {
		sip_stx_reply(stx, 403, NULL,
			      r == -EPERM ? "The identity is barred"
					  : "The user is not registered here");
		return;
	}
	r = sip_uri_parse(sip_msg_ruri(m), &u);
	if (r == 0 && has_number(s, &u))
		r = resolve_number(s, m, &u);
	if (r < 0) {
		sip_stx_reply(stx, r == -ENOTSUP ? 404 : 416, NULL, NULL);
		return;
	}
	assert_both(m, served);
	assert_service(m);
	set_ioi(s, m, "orig-ioi");
	send_out(s, stx, m);
}

/* ---- terminating ---- */

static struct impu *find_called(struct scscf *s, const struct sip_msg *m)
{
	char canon[ID_MAX], tel[ID_MAX + 8];
	struct sip_uri u;
	struct impu *i;

	if (sip_uri_canon(sip_msg_ruri(m), canon, sizeof(canon)) < 0)
		return NULL;
	i = impu_find(s, str_of(canon));
	if (i || sip_uri_parse(sip_msg_ruri(m), &u) < 0 || u.is_tel || u.user.n > ID_MAX - 8)
		return i;
	/* The number may be known as tel URI only. */
	snprintf(tel, sizeof(tel), "tel:%.*s", STR_FMT(u.user));
	if (sip_uri_canon(str_of(tel), canon, sizeof(canon)) < 0)
		return NULL;
	return impu_find(s, str_of(canon));
}

static size_t make_targets(const struct irs *r, struct scscf *s, const struct sip_msg *m,
			   struct sip_target *t)
{
	const struct contact *c;
	size_t n = 0;

	DL_FOREACH (r->contacts, c) {
		if (contact_is_ended(c) || n == CONTACTS_MAX)
			continue;
		t[n++] = (struct sip_target){
			.uri = str_of(c->uri),
			.route = c->path,
			.record_route = makes_dialog(m) ? s->rr_term : NULL,
			.q = c->q,
		};
	}
	return n;
}

void session_terminating(struct scscf *s, struct sip_stx *stx, struct sip_msg *m)
{
	struct impu *u = find_called(s, m);
	struct sip_target t[CONTACTS_MAX];
	size_t n;

	if (!u || !irs_active(u->irs)) {
		sip_stx_reply(stx, 480, NULL, NULL);
		return;
	}
	if (u->barred) {
		sip_stx_reply(stx, 404, NULL, NULL); /* 5.4.3.3 step 1 */
		return;
	}
	n = make_targets(u->irs, s, m, t);
	sip_msg_set(m, SIP_H_P_CALLED_PARTY_ID, "<%.*s>", STR_FMT(sip_msg_ruri(m)));
	forward(s, stx, m, t, n, false);
}

/* ---- within a dialog ---- */

void session_in_dialog(struct scscf *s, struct sip_stx *stx, struct sip_msg *m)
{
	struct sip_target t = { 0 };

	if (sip_msg_method(m) == SIP_M_BYE) {
		struct session *x = session_find(s, sip_msg_call_id(m));

		if (x)
			session_free(x);
	}
	forward(s, stx, m, &t, 1, true);
}

void session_ack(struct scscf *s, struct sip_msg *m)
{
	struct sip_target t = { 0 };

	sip_proxy_forward_ack(s->stack, s->env.resolver, m, &t);
}
