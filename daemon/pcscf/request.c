// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Everything but REGISTER: initial and subsequent requests of and to registered UEs.
 *
 * TS 24.229 5.2.6.3.3 and 5.2.6.3.7 (initial, UE-originated), 5.2.6.3.5, 5.2.6.3.9 (subsequent),
 * 5.2.6.4.3, 5.2.6.4.4 (UE-terminated and their responses), 4.4 (trust domain), RFC 3261 16,
 * RFC 5658 (one Record-Route entry for each side). Invariants: what a UE says about its identity,
 * its charging or its network ends here; a UE uses only dialogs of its own registration; a
 * request to a UE goes by its registration's way, not by the host in its Contact.
 */
#include "pcscf/pcscf.h"

METRIC_COUNTER(m_from_ue, "kims_pcscf_requests_from_ue_total", "requests from registered UEs");
METRIC_COUNTER(m_to_ue, "kims_pcscf_requests_to_ue_total", "requests to registered UEs");

static const char *const supported[] = { "sec-agree", "path", NULL };

/* What of a request is needed when its response comes. */
struct reqtx {
	struct pending pending;
	struct pcscf *p;
	uint64_t reg_id, session_id; /* 0: none */
	enum side from;
	enum sip_method_id method;
	uint32_t cseq;
	bool initial;
	char icid[ICID_LEN];
	struct rx_hold *holds; /* its responses that wait for the PCRF */
	struct sip_stx *stx;   /* kept while it waits itself; else NULL */
	struct sip_msg *req;
	char *called;	/* P-Called-Party-ID */
	char *orig_ioi; /* of a request to the UE: goes back with the response */
};

static void reqtx_free(struct reqtx *t)
{
	if (!t)
		return;
	pending_del(t->p, &t->pending);
	rx_call_forget(&t->holds);
	if (t->stx)
		sip_stx_unref(t->stx);
	sip_msg_unref(t->req);
	free(t->called);
	free(t->orig_ioi);
	free(t);
}

static void reqtx_drop(struct pending *w)
{
	struct reqtx *t = container_of(w, struct reqtx, pending);

	t->stx = NULL; /* it went with the stack */
	reqtx_free(t);
}

static bool makes_dialog(enum sip_method_id m)
{
	return m == SIP_M_INVITE || m == SIP_M_SUBSCRIBE || m == SIP_M_REFER || m == SIP_M_UNKNOWN;
}

/* --- header fields that do not cross the border --- */

/* TS 24.229 4.4: nothing of these is the UE's to say. */
static void strip_from_ue(struct sip_msg *m)
{
	static const enum sip_hdr mine[] = {
		SIP_H_P_CHARGING_VECTOR,    SIP_H_P_CHARGING_FUNCTION_ADDRESSES,
		SIP_H_P_VISITED_NETWORK_ID, SIP_H_P_SERVED_USER,
		SIP_H_P_ASSERTED_SERVICE,   SIP_H_P_CALLED_PARTY_ID,
	};

	sec_strip(m);
	for (size_t i = 0; i < ARRAY_SIZE(mine); i++)
		sip_msg_remove(m, mine[i]);
}

/* Nothing of these is another UE's to know: who pays, and in which cell the other one is (RFC 7315 5.4, 6). */
static void strip_to_ue(struct sip_msg *m)
{
	static const enum sip_hdr ours[] = {
		SIP_H_P_CHARGING_VECTOR,     SIP_H_P_CHARGING_FUNCTION_ADDRESSES,
		SIP_H_P_ACCESS_NETWORK_INFO, SIP_H_P_VISITED_NETWORK_ID,
		SIP_H_P_SERVED_USER,
	};

	for (size_t i = 0; i < ARRAY_SIZE(ours); i++)
		sip_msg_remove(m, ours[i]);
	identity_to_ue(m);
}

int charging_add(struct pcscf *p, struct sip_msg *m, const char *icid, const char *access)
{
	if (!*icid)
		return 0;
	return sip_msg_set(m, SIP_H_P_CHARGING_VECTOR,
			   "icid-value=\"%s\";icid-generated-at=%s;orig-ioi=\"%s\"%s", icid,
			   p->name, visited_network(p), access ? access : "");
}

/* 5.2.6.4.3: icid-value and orig-ioi wait for the response. */
static void save_charging(const struct sip_msg *m, struct reqtx *t)
{
	struct str v = sip_msg_value(m, SIP_H_P_CHARGING_VECTOR), x;

	if (sip_param(v, "icid-value", &x))
		str_copy(t->icid, sizeof(t->icid), x);
	if (sip_param(v, "orig-ioi", &x) && !memchr(x.p, '\\', x.n))
		t->orig_ioi = line_dup(x);
}

static struct session *session_of(const struct reqtx *t)
{
	return t->session_id ? session_by_id(t->p, t->session_id) : NULL;
}

/* 5.2.6.4.4: what the request had, and who we are. */
static void answer_charging(const struct reqtx *t, struct sip_msg *resp)
{
	bool ioi = t->orig_ioi && *t->orig_ioi;
	const struct session *s = session_of(t);

	if (*t->icid)
		sip_msg_add(resp, SIP_H_P_CHARGING_VECTOR,
			    "icid-value=\"%s\"%s%s%s;term-ioi=\"%s\"%s", t->icid,
			    ioi ? ";orig-ioi=\"" : "", ioi ? t->orig_ioi : "", ioi ? "\"" : "",
			    visited_network(t->p), s && s->rx.charging ? s->rx.charging : "");
}

/* One entry for each side, RFC 5658: the port that this side may use. */
static int add_record_route(struct sip_msg *m, const struct reg *r, const char *token,
			    enum side from)
{
	uint16_t port = r->ipsec ? reg_port_ps(r) : r->gm->open.port;

	if (from == SIDE_UE)
		return sip_msg_prepend(m, SIP_H_RECORD_ROUTE, "<sip:%s@%s;lr>, <sip:%s@%s:%u;lr>",
				       token, r->p->mw_uri, token, r->gm->host, port);
	return sip_msg_prepend(m, SIP_H_RECORD_ROUTE, "<sip:%s@%s:%u;lr>, <sip:%s@%s;lr>", token,
			       r->gm->host, port, token, r->p->mw_uri);
}

/* --- Route --- */

/* The user part of what sip_proxy_prepare() took from Route: a registration's or session's id. */
static struct str token_of(struct str route)
{
	struct sip_uri u;

	if (!route.n || sip_uri_parse(route, &u))
		return (struct str){ NULL, 0 };
	return u.user;
}

static bool route_is_service_route(const struct reg *r, const struct sip_msg *m)
{
	struct str want = str_of(r->service_route);
	struct sip_elem e = { 0 };

	while (sip_msg_next_elem(m, SIP_H_ROUTE, &e)) {
		if (!str_has_prefix(want, e.text))
			return false;
		want.p += e.text.n;
		want.n -= e.text.n;
		if (want.n >= 2 && want.p[0] == ',') {
			want.p += 2;
			want.n -= 2;
		}
	}
	return !want.n;
}

/* 5.2.6.3.3 b): what the UE preloads is replaced unless it is what the registrar gave it. */
static int force_service_route(const struct reg *r, struct sip_msg *m)
{
	if (route_is_service_route(r, m))
		return 0;
	log_debug("%s: preloaded Route replaced by the Service-Route", r->impi);
	sip_msg_remove(m, SIP_H_ROUTE);
	return r->service_route ? sip_msg_add(m, SIP_H_ROUTE, "%s", r->service_route) : 0;
}

/* --- who is next to us in a dialog --- */

static struct str host_of(struct str name_addr)
{
	struct sip_name_addr na;
	struct sip_uri u;

	if (sip_name_addr_parse(name_addr, &na) || sip_uri_parse(na.uri, &u) || u.is_tel)
		return (struct str){ NULL, 0 };
	return u.host;
}

static bool is_our_entry(const struct reg *r, struct str name_addr)
{
	struct sip_name_addr na;
	struct sip_uri u;

	return !sip_name_addr_parse(name_addr, &na) && !sip_uri_parse(na.uri, &u) &&
	       gm_is_me(r->p, &u);
}

/*
 * What the core sent to set up a dialog names who stands beside us: in a request the first
 * Record-Route, in a response the one before ours; the Contact when there is none.
 */
static void learn_hop(struct reg *r, const struct sip_msg *m)
{
	struct str host = { NULL, 0 };
	struct sip_elem e = { 0 };

	while (sip_msg_next_elem(m, SIP_H_RECORD_ROUTE, &e) && !is_our_entry(r, e.text)) {
		host = host_of(e.text);
		if (sip_msg_is_request(m))
			break;
	}
	e = (struct sip_elem){ 0 };
	if (!host.n && sip_msg_next_elem(m, SIP_H_CONTACT, &e))
		host = host_of(e.text);
	reg_learn_hop(r, host);
}

/*
 * 5.2.6.3.7: nobody looks at the identity in a request within a dialog, so it must be one: of the
 * session that its Route names, or a request that can belong to a subscription; and it goes to who
 * stands beside us in dialogs of this UE, not to where the UE likes.
 */
static const char *dialog_refused(const struct reg *r, const struct session *s,
				  const struct sip_msg *m)
{
	enum sip_method_id method = sip_msg_method(m);
	struct sip_elem e = { 0 };
	struct sip_uri u;
	struct str hop;

	if (s && !str_eqz(sip_msg_call_id(m), s->call_id))
		return "Call-ID is not the session's";
	if (!s && method != SIP_M_SUBSCRIBE && method != SIP_M_NOTIFY && method != SIP_M_REFER &&
	    method != SIP_M_INFO && method != SIP_M_UNKNOWN)
		return "Dialog is not known here";
	if (!r->service_route)
		return NULL;
	if (sip_msg_next_elem(m, SIP_H_ROUTE, &e))
		hop = host_of(e.text);
	else
		hop = sip_uri_parse(sip_msg_ruri(m), &u) ? (struct str){ NULL, 0 } : u.host;
	return reg_knows_hop(r, hop) ? NULL : "Route does not lead to the dialog's other end";
}

/* --- responses --- */

/* 5.2.6.4.4: the called UE must give Record-Route back as it got it. */
static void restore_record_route(struct sip_fwd *f, struct sip_msg *resp)
{
	const struct sip_msg *req = sip_fwd_request(f);
	struct sip_elem a = { 0 }, b = { 0 };
	bool x, y;

	do {
		x = sip_msg_next_elem(req, SIP_H_RECORD_ROUTE, &a);
		y = sip_msg_next_elem(resp, SIP_H_RECORD_ROUTE, &b);
		if (x != y || (x && !str_eq(a.text, b.text)))
			break;
	} while (x);
	if (!x && !y)
		return;
	sip_msg_remove(resp, SIP_H_RECORD_ROUTE);
	a = (struct sip_elem){ 0 };
	while (sip_msg_next_elem(req, SIP_H_RECORD_ROUTE, &a))
		sip_msg_add(resp, SIP_H_RECORD_ROUTE, "%.*s", STR_FMT(a.text));
}

static void response_from_ue(struct reqtx *t, struct sip_fwd *f, struct sip_msg *resp)
{
	struct reg *r = reg_by_id(t->p, t->reg_id);
	int status = sip_msg_status(resp);

	strip_from_ue(resp);
	access_stamp(r, resp);
	if (t->initial && r)
		identity_response(r, resp, t->called);
	else
		sip_msg_remove(resp, SIP_H_P_ASSERTED_IDENTITY);
	if (t->initial && status < 300 && makes_dialog(t->method))
		restore_record_route(f, resp);
	if (status < 300)
		answer_charging(t, resp);
}

static void response_from_core(struct reqtx *t, struct sip_msg *resp)
{
	struct reg *r = reg_by_id(t->p, t->reg_id);

	if (r && t->initial && sip_msg_status(resp) < 300 && sip_msg_to_tag(resp).n &&
	    makes_dialog(t->method))
		learn_hop(r, resp);
	strip_to_ue(resp);
}

static void offer_failed(struct session *s, uint32_t cseq)
{
	bool had = s->alg.offer;

	alg_refused(s, cseq);
	if (had && !s->alg.offer)
		rx_call_offer_failed(s);
}

static void session_on_response(struct reqtx *t, struct session *s, struct sip_msg *resp,
				enum side from)
{
	int status = sip_msg_status(resp), r;

	if (status >= 300) {
		if (t->method == SIP_M_INVITE || t->method == SIP_M_UPDATE)
			offer_failed(s, t->cseq);
		return;
	}
	r = alg_pass(s, resp, from, sip_msg_to_tag(resp));
	if (r < 0)
		log_warn("%s: session %s: description in %d response: %s", s->reg->impi, s->token,
			 status, strerror(-r));
	if (t->initial)
		session_response(s, resp);
	else if (status >= 200 && (t->method == SIP_M_INVITE || t->method == SIP_M_UPDATE))
		session_refreshed(s, resp);
}

static int on_response(void *arg, struct sip_fwd *f, struct sip_msg *resp, bool best)
{
	struct reqtx *t = arg;
	enum side from = t->from == SIDE_UE ? SIDE_CORE : SIDE_UE;
	struct session *s;
	bool has_sdp;

	s = session_of(t);
	if (sip_msg_status(resp) >= 200 && !best) {
		if (s)
			rx_call_failed(s);
		return 0;
	}
	if (from == SIDE_UE)
		response_from_ue(t, f, resp);
	else
		response_from_core(t, resp);
	s = session_of(t);
	if (!s)
		return 0;
	has_sdp = t->p->rx && sip_msg_sdp(resp).n;
	if (from == SIDE_CORE)
		rx_call_early(s, resp);
	session_on_response(t, s, resp, from);
	return sip_msg_status(resp) < 300 ? rx_call_hold(s, f, resp, has_sdp, &t->holds) : 0;
}

static void on_end(void *arg, struct sip_fwd *f _unused_, int status)
{
	struct reqtx *t = arg;
	struct session *s = session_of(t);

	if (s && t->initial) {
		s->fwd = NULL;
		if (status >= 300 || !status)
			fsm_event(&s->fsm, SES_EV_FAILED, NULL);
	} else if (s && t->method == SIP_M_BYE) {
		if (status != 401 && status != 407) /* RFC 3261 15.1.1 */
			fsm_event(&s->fsm, SES_EV_FAILED, NULL);
	} else if (s && status >= 300) {
		offer_failed(s, t->cseq);
	}
	reqtx_free(t);
}

static const struct sip_fwd_ops fwd_ops = { .response = on_response, .end = on_end };

/* --- forwarding --- */

static struct reqtx *reqtx_new(struct reg *r, const struct session *s, const struct sip_msg *m,
			       enum side from, bool initial)
{
	struct reqtx *t = calloc(1, sizeof(*t));

	if (!t)
		return NULL;
	t->p = r->p;
	pending_add(r->p, &t->pending, reqtx_drop);
	t->reg_id = r->id;
	t->session_id = s ? s->id : 0;
	t->from = from;
	t->method = sip_msg_method(m);
	t->cseq = sip_msg_cseq(m);
	t->initial = initial;
	return t;
}

/* Via and what the transport adds come on top of the size that is known now. */
#define ADDED_LATER 150

static int way(struct reg *r, struct sip_msg *m, enum side from, struct sip_target *target,
	       struct sip_path *path)
{
	memset(target, 0, sizeof(*target));
	target->ep = r->p->mw.ep;
	if (from == SIDE_UE)
		return 0;
	gm_path_to(r, sip_msg_size(m) + ADDED_LATER, path, &target->via_sentby);
	if (!path->ep)
		return -EHOSTUNREACH;
	target->path = path;
	return 0;
}

/* Takes t over. */
static void forward(struct reg *r, struct session *s, struct sip_stx *stx, struct sip_msg *m,
		    struct reqtx *t)
{
	struct pcscf *p = r->p;
	uint64_t session = s && t->initial ? s->id : 0;
	struct sip_target target;
	struct sip_path path;
	struct sip_fwd *f;
	int e;

	e = way(r, m, t->from, &target, &path);
	if (!e)
		e = sip_proxy_forward(p->stack, p->resolver, stx, m, &target, 1, 0, &fwd_ops, t,
				      &f);
	if (e < 0) {
		if (session)
			fsm_event(&s->fsm, SES_EV_FAILED, NULL);
		reqtx_free(t);
		if (!sip_stx_done(stx))
			refuse(p, stx, r, e == -EHOSTUNREACH ? 480 : 500, "No way to %s: %s",
			       target.path ? "the UE" : "the core", strerror(-e));
		return;
	}
	if (session) /* what ends it comes from the loop, not from within sip_proxy_forward() */
		s->fwd = f;
}

static int alg_status(int e)
{
	switch (e) {
	case -EINVAL:
		return 488;
	case -ENOSPC:
		return 503;
	default:
		return 500;
	}
}

/* A session for an INVITE; the description in it goes through the relay. Refuses by itself. */
static struct session *open_session(struct reg *r, struct sip_stx *stx, struct sip_msg *m,
				    enum side from)
{
	struct session *s;
	int e;

	if (r->n_sessions >= SESSIONS_PER_UE_MAX) {
		refuse(r->p, stx, r, from == SIDE_UE ? 403 : 486, "Too many sessions at once");
		return NULL;
	}
	e = session_new(r, from == SIDE_UE, m, &s);
	if (e < 0) {
		refuse(r->p, stx, r, 500, "Session cannot be kept: %s", strerror(-e));
		return NULL;
	}
	e = alg_pass(s, m, from, (struct str){ NULL, 0 });
	if (e < 0) {
		fsm_event(&s->fsm, SES_EV_FAILED, NULL);
		refuse(r->p, stx, r, alg_status(e), "Session description: %s", strerror(-e));
		return NULL;
	}
	priority_note(s, m);
	return s;
}

/* Record-Route, session, forwarding: the same for both directions. */
static void initial_request(struct reg *r, struct sip_stx *stx, struct sip_msg *m, struct reqtx *t)
{
	struct session *s = NULL;

	if (t->method == SIP_M_INVITE) {
		s = open_session(r, stx, m, t->from);
		if (!s) {
			reqtx_free(t);
			return;
		}
		t->session_id = s->id;
		memcpy(s->icid, t->icid, sizeof(s->icid));
	}
	if (makes_dialog(t->method) &&
	    add_record_route(m, r, s ? s->token : r->token, t->from) < 0) {
		if (s)
			fsm_event(&s->fsm, SES_EV_FAILED, NULL);
		reqtx_free(t);
		refuse(r->p, stx, r, 500, "Too many header fields");
		return;
	}
	forward(r, s, stx, m, t);
}

/* --- from the UE --- */

static void originating(struct reg *r, struct sip_stx *stx, struct sip_msg *m)
{
	struct pcscf *p = r->p;
	const char *why = NULL;
	struct reqtx *t;
	int status;

	if (r->fsm.state != REG_REGISTERED) {
		refuse(p, stx, r, 403, "Not registered");
		return;
	}
	status = identity_originating(r, m, &why);
	if (status) {
		refuse(p, stx, r, status, "%s", why);
		return;
	}
	strip_from_ue(m);
	priority_from_ue(r, m);
	access_stamp(r, m);
	t = reqtx_new(r, NULL, m, SIDE_UE, true);
	if (t)
		icid_make(p, t->icid);
	if (!t || force_service_route(r, m) < 0 || charging_add(p, m, t->icid, NULL) < 0) {
		reqtx_free(t);
		refuse(p, stx, r, 500, "Out of memory");
		return;
	}
	initial_request(r, stx, m, t);
}

/* --- within a dialog --- */

static void forward_ack(struct reg *r, struct session *s, struct sip_msg *m, enum side from)
{
	struct sip_target target;
	struct sip_path path;
	int e;

	if (s) {
		e = alg_pass(s, m, from, (struct str){ NULL, 0 });
		if (e < 0)
			log_warn("%s: session %s: description in ACK: %s", r->impi, s->token,
				 strerror(-e));
		rx_call_ack(s);
	}
	if (way(r, m, from, &target, &path) < 0)
		return;
	e = sip_proxy_forward_ack(r->p->stack, r->p->resolver, m, &target);
	if (e < 0)
		log_info("%s: ACK could not be forwarded: %s", r->impi, strerror(-e));
}

static bool pass_session(struct reg *r, struct session *s, struct sip_stx *stx, struct sip_msg *m,
			 enum side from)
{
	int e;

	session_seen(s, m, from);
	e = alg_pass(s, m, from, (struct str){ NULL, 0 });
	if (e < 0) {
		refuse(r->p, stx, r, alg_status(e), "Session description: %s", strerror(-e));
		return false;
	}
	if (priority_note(s, m))
		rx_call_changed(s);
	if (sip_msg_method(m) == SIP_M_BYE)
		fsm_event(&s->fsm, SES_EV_BYE, NULL);
	return true;
}

/* --- within a dialog: offers that wait for the PCRF --- */

static void on_ask_cancelled(void *arg, struct sip_stx *stx, struct sip_msg *cancel _unused_)
{
	struct reqtx *t = arg;
	struct session *s = session_of(t);

	sip_stx_reply(stx, 487, NULL, NULL);
	if (s) {
		alg_refused(s, t->cseq);
		rx_call_unask(s);
	}
	reqtx_free(t);
}

static void wait_for_pcrf(struct reqtx *t, struct sip_stx *stx, struct sip_msg *m)
{
	t->stx = sip_stx_ref(stx);
	t->req = sip_msg_ref(m);
	sip_stx_on_cancel(stx, on_ask_cancelled, t);
}

void request_go(struct reqtx *t)
{
	struct session *s = session_of(t); /* which ends no earlier: rx_call_end() */
	struct sip_stx *stx = t->stx;
	_cleanup_msg_ struct sip_msg *m = t->req;

	t->stx = NULL;
	t->req = NULL;
	forward(s->reg, s, stx, m, t);
	sip_stx_unref(stx);
}

void request_refused(struct reqtx *t, int status, const char *text)
{
	struct session *s = session_of(t);
	char why[96];

	sip_stx_on_cancel(t->stx, NULL, NULL);
	snprintf(why, sizeof(why), "SIP;cause=%d;text=\"%s\"", status, text);
	log_notice("%s: session %s: offer refused with %d: %s", s->reg->impi, s->token, status,
		   text);
	sip_stx_reply_because(t->stx, status, why, text);
	alg_refused(s, t->cseq);
	reqtx_free(t);
}

static void subsequent(struct reg *r, struct session *s, struct sip_stx *stx, struct sip_msg *m,
		       enum side from)
{
	struct reqtx *t;

	if (from == SIDE_UE) {
		strip_from_ue(m);
		priority_from_ue(r, m);
		access_stamp(stx ? r : NULL, m); /* not in ACK */
		sip_msg_remove(m, SIP_H_P_PREFERRED_IDENTITY);
		sip_msg_remove(m, SIP_H_P_ASSERTED_IDENTITY);
		if (s && stx) /* not in ACK, RFC 7315 5.6 */
			charging_add(r->p, m, s->icid, s->rx.charging);
	} else {
		strip_to_ue(m);
	}
	if (!stx) {
		forward_ack(r, s, m, from);
		return;
	}
	if (s && !pass_session(r, s, stx, m, from))
		return;
	t = reqtx_new(r, s, m, from, false);
	if (!t) {
		refuse(r->p, stx, r, 500, "Out of memory");
		return;
	}
	if (s && (t->method == SIP_M_INVITE || t->method == SIP_M_UPDATE) &&
	    rx_call_ask(s, t, t->cseq, from))
		wait_for_pcrf(t, stx, m);
	else
		forward(r, s, stx, m, t);
}

/* A target refresh of a dialog that is no session still needs us on its way: nothing to add, RFC 3261 16.6 4. */

void request_from_ue(struct pcscf *p, struct sip_stx *stx, struct sip_msg *m, struct gm_bind *bind)
{
	struct reg *r = bind->reg;
	const char *why;
	struct session *s;
	struct str mine;

	metric_register(&m_from_ue);
	metric_inc(&m_from_ue);
	if (bind->set)
		reg_set_used(bind->set);
	if (sip_proxy_prepare(p->stack, stx, m, supported, gm_is_me, p, &mine))
		return;
	if (stx && !sip_msg_to_tag(m).n) {
		originating(r, stx, m);
		return;
	}
	mine = token_of(mine);
	s = session_by_token(p, mine);
	if (s ? s->reg != r : reg_by_token(p, mine) != r) {
		if (stx)
			refuse(p, stx, r, s ? 403 : 481, "Dialog is not known here");
		return;
	}
	why = dialog_refused(r, s, m);
	if (why) {
		if (stx)
			refuse(p, stx, r, 403, "%s", why);
		return;
	}
	subsequent(r, s, stx, m, SIDE_UE);
}

/* --- from the core --- */

/*
 * The way of this Path leads to nobody any more (the bearer was lost, we were restarted without a store): what RFC 5626 5.3
 * says with 430, in a Reason, since a caller must never get a 430. flow tells the S-CSCF which contact it was.
 */
static void flow_failed(struct sip_stx *stx, struct str token)
{
	char why[96];

	snprintf(why, sizeof(why), "SIP;cause=430;text=\"Flow failed\";flow=%.*s", STR_FMT(token));
	sip_stx_reply_because(stx, 480, why, "Not registered any more");
}

static void terminating(struct reg *r, struct sip_stx *stx, struct sip_msg *m)
{
	struct reqtx *t;

	if (r->fsm.state == REG_LEAVING) {
		flow_failed(stx, str_of(r->token));
		return;
	}
	if (r->fsm.state != REG_REGISTERED) {
		refuse(r->p, stx, r, 480, "Not registered any more");
		return;
	}
	t = reqtx_new(r, NULL, m, SIDE_CORE, true);
	if (t && sip_msg_hf(m, SIP_H_P_CALLED_PARTY_ID))
		t->called = line_dup(sip_msg_value(m, SIP_H_P_CALLED_PARTY_ID));
	if (!t || (sip_msg_hf(m, SIP_H_P_CALLED_PARTY_ID) && !t->called)) {
		reqtx_free(t);
		refuse(r->p, stx, r, 500, "Out of memory");
		return;
	}
	save_charging(m, t);
	if (makes_dialog(t->method))
		learn_hop(r, m);
	strip_to_ue(m);
	initial_request(r, stx, m, t);
}

/* Something for ourselves: NOTIFY of the reg event package, OPTIONS as a sign of life. */
static void for_us(struct pcscf *p, struct sip_stx *stx, struct sip_msg *m)
{
	struct sip_uri u;

	if (sip_uri_parse(sip_msg_ruri(m), &u) || !gm_is_me(p, &u)) {
		refuse(p, stx, NULL, 404, "Neither Route nor Request-URI lead to a registered UE");
		return;
	}
	switch (sip_msg_method(m)) {
	case SIP_M_NOTIFY:
		regevent_notify(p, stx, m, u.user);
		break;
	case SIP_M_OPTIONS:
		sip_stx_reply(stx, 200, NULL, NULL);
		break;
	case SIP_M_UNKNOWN:
	case SIP_M_INVITE:
	case SIP_M_ACK:
	case SIP_M_CANCEL:
	case SIP_M_BYE:
	case SIP_M_REGISTER:
	case SIP_M_INFO:
	case SIP_M_PRACK:
	case SIP_M_UPDATE:
	case SIP_M_MESSAGE:
	case SIP_M_SUBSCRIBE:
	case SIP_M_REFER:
	case SIP_M_PUBLISH:
		refuse(p, stx, NULL, 405, "Only NOTIFY and OPTIONS are for the P-CSCF itself");
		break;
	}
}

void request_from_core(struct pcscf *p, struct sip_stx *stx, struct sip_msg *m)
{
	struct session *s;
	struct reg *r;
	struct str mine;
	uint64_t id;

	if (sip_proxy_prepare(p->stack, stx, m, supported, gm_is_me, p, &mine))
		return;
	mine = token_of(mine);
	s = session_by_token(p, mine);
	r = s ? s->reg : reg_by_token(p, mine);
	if (!r) {
		if (!stx)
			return;
		if (!sip_msg_to_tag(m).n && mine.n == REG_TOKEN_LEN && !reg_token_parse(mine, &id))
			flow_failed(stx, mine);
		else if (mine.n)
			refuse(p, stx, NULL, sip_msg_to_tag(m).n ? 481 : 480,
			       "Nobody is registered here under this id");
		else
			for_us(p, stx, m);
		return;
	}
	metric_register(&m_to_ue);
	metric_inc(&m_to_ue);
	if (s || !stx || sip_msg_to_tag(m).n)
		subsequent(r, s, stx, m, SIDE_CORE);
	else
		terminating(r, stx, m);
}
