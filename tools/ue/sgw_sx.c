// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The SGWs as SGW-C: their user plane is a SGW-U, by PFCP (Sxa: TS 23.214 5, 6; TS 29.244 6.2, 6.3, 7.5). One association and
 * one session for each connection; rules are those of sgw_rules.c.
 *
 * A connection says what it wants by sx_set() and sx_radio(), at any time; requests follow, one at a time for each session,
 * until the SGW-U has it, and sx_then() says when.
 *
 * Invariants: a session that the SGW-U may have belongs to a struct sx, which outlives its connection until the deletion
 * has been answered; whoever waits is told once; nothing that the SGW-U sends ends the process.
 */
#include <netinet/in.h>
#include <stdio.h>

#include "lib/pfcp/pfcp.h"
#include "ladder.h"
#include "report.h"
#include "sgw_sx.h"

struct wait {
	struct wait *next;
	up_then_fn *fn;
	void *arg;
};

struct sx {
	struct sx *next, **pprev;
	struct sgwu *u;
	struct pdn *n; /* NULL: gone; what is left is to delete it */
	uint64_t cp_seid, up_seid;
	struct xchg_call *call;
	bool rules_due, radio_due, drop_due;
	struct sx_have have, sent;
	struct wait *waits;
	int err; /* the last request failed; 0: it did not */
	char why[200];
};

struct sgwu {
	struct access *a;
	struct pfcp *pfcp;
	struct sockaddr_storage user[2]; /* the SGW-U: IPv4, IPv6 */
	struct sockaddr_storage to;	 /* its PFCP */
	struct sockaddr_storage local;
	char name[SIP_SA_STRLEN];
	struct pfcp_peer *peer; /* NULL: no association */
	struct xchg_call *call; /* Association Setup Request */
	struct sx *list;
	uint64_t next_seid;
};

static union sx_any in, out;

/* --- messages --- */

static void log_message(const struct sgwu *u, const struct sx *s, bool sent, const uint8_t *p,
			size_t n)
{
	char own[SIP_SA_STRLEN], other[SIP_SA_STRLEN];
	union sip_sa a = { .ss = u->local }, b = { .ss = u->to };

	if (!s->n)
		return;
	sip_sa_str(&a, own);
	sip_sa_str(&b, other);
	ladder_log_pfcp(u->a->ue->ladder, s->n->p, sent, p, n, sent ? own : other,
			sent ? other : own);
}

static void put_node_id(const struct sgwu *u, struct sx_node_id *id)
{
	bool v6 = u->local.ss_family == AF_INET6;

	*id = (struct sx_node_id){ .type = v6 ? SX_NODE_IPV6 : SX_NODE_IPV4 };
	if (v6)
		id->ip6 = ((const struct sockaddr_in6 *)&u->local)->sin6_addr;
	else
		id->ip4 = ((const struct sockaddr_in *)&u->local)->sin_addr;
}

static void put_fseid(const struct sx *s, struct sx_fseid *f)
{
	const struct sockaddr_storage *l = &s->u->local;

	*f = (struct sx_fseid){ .seid = s->cp_seid,
				.v4 = l->ss_family == AF_INET,
				.v6 = l->ss_family == AF_INET6 };
	if (f->v4)
		f->ip4 = ((const struct sockaddr_in *)l)->sin_addr;
	else
		f->ip6 = ((const struct sockaddr_in6 *)l)->sin6_addr;
}

/* From out. */
static int request(struct sx *s, enum sx_message type, xchg_done *done)
{
	static uint8_t buf[16384];
	struct tlv_buf b = TLV_BUF(buf);
	int e = sx_encode(type, s->up_seid, &out, &b);

	if (e)
		return e;
	log_message(s->u, s, true, b.p, b.n);
	return pfcp_request(s->u->pfcp, &s->u->to, b.p, b.n, done, s, &s->call);
}

static void respond(struct xchg_token *t, enum sx_message type, uint64_t seid, const void *m,
		    const struct sx *s)
{
	uint8_t buf[256];
	struct tlv_buf b = TLV_BUF(buf);

	if (sx_encode(type, seid, m, &b)) {
		pfcp_drop(t);
		return;
	}
	if (s)
		log_message(s->u, s, true, b.p, b.n);
	pfcp_respond(t, b.p, b.n);
}

static void refuse(struct sgwu *u, struct xchg_token *t, uint8_t type, uint8_t cause, uint16_t ie)
{
	uint8_t buf[256];
	struct tlv_buf b = TLV_BUF(buf);
	struct sx_node_id id;

	put_node_id(u, &id);
	if (sx_encode_refusal(type, 0, &id, cause, ie, &b))
		pfcp_drop(t);
	else
		pfcp_respond(t, b.p, b.n);
}

/* --- who waits --- */

static bool in_sync(const struct sx *s)
{
	return !s->call && !s->rules_due && !s->radio_due && !s->drop_due;
}

/* Whoever is told may do anything: s is not to be used afterwards. */
static void tell(struct sx *s, int err, const char *why)
{
	struct wait *w = s->waits, *next;

	s->waits = NULL;
	if (err && !w && s->n)
		report_phone(s->n->p, "user-plane", json_pack("{s:s}", "error", why));
	for (; w; w = next) {
		next = w->next;
		w->fn(w->arg, err, why);
		free(w);
	}
}

static void fail(struct sx *s, int err, const char *what)
{
	s->rules_due = s->radio_due = s->drop_due = false;
	s->err = err;
	snprintf(s->why, sizeof(s->why), "SGW-U %s: %s", s->u->name, what);
	tell(s, err, s->why);
}

static void sx_free(struct sx *s)
{
	*s->pprev = s->next;
	if (s->next)
		s->next->pprev = s->pprev;
	free(s);
}

/* --- requests --- */

static void advance(struct sx *s);

/* 0: no answer, or none that can be read. */
static uint8_t cause_of(const struct sx *s, const struct xchg_msg *m, uint8_t type)
{
	struct tlv_error e;

	if (!m)
		return 0;
	log_message(s->u, s, false, m->p, m->n);
	if (m->hdr->type != type || sx_decode(m->p, m->n, NULL, &in, &e))
		return 0;
	switch (type) {
	case SX_SESSION_ESTABLISHMENT_RESPONSE:
		return in.session_establishment_response.cause;
	case SX_SESSION_MODIFICATION_RESPONSE:
		return in.session_modification_response.cause;
	case SX_ASSOCIATION_SETUP_RESPONSE:
		return in.association_setup_response.cause;
	}
	return 0;
}

static void refused(struct sx *s, const struct xchg_msg *m, uint8_t cause, const char *request)
{
	char what[120];

	snprintf(what, sizeof(what), "%s: %s", request,
		 !m	 ? "no answer"
		 : cause ? sx_cause_name(cause)
			 : "bad answer");
	fail(s, m ? -EPROTO : -ETIMEDOUT, what);
}

static void on_established(void *arg, const struct xchg_msg *m)
{
	struct sx *s = arg;
	const struct sx_session_establishment_response *r = &in.session_establishment_response;
	uint8_t cause = cause_of(s, m, SX_SESSION_ESTABLISHMENT_RESPONSE);

	s->call = NULL;
	if (cause == SX_ACCEPTED && r->has_up_fseid) {
		s->up_seid = r->up_fseid.seid;
		s->have = s->sent;
		advance(s);
	} else if (!s->n) {
		advance(s);
	} else {
		refused(s, m, cause == SX_ACCEPTED ? 0 : cause, "Session Establishment Request");
	}
}

static int establish(struct sx *s)
{
	struct sx_session_establishment_request *q = &out.session_establishment_request;
	int e;

	sx_init(SX_SESSION_ESTABLISHMENT_REQUEST, q);
	e = sx_rules_all(s->n, s->u->user, q, &s->sent);
	if (e)
		return e;
	put_node_id(s->u, &q->node_id);
	put_fseid(s, &q->cp_fseid);
	q->has_pdn_type = q->has_apn = true;
	q->pdn_type = s->n->paa.type;
	snprintf(q->apn.s, sizeof(q->apn.s), "%s", s->n->apn);
	s->rules_due = s->radio_due = s->drop_due = false;
	return request(s, SX_SESSION_ESTABLISHMENT_REQUEST, on_established);
}

/* Of bearers that are gone, what was counted stays; a report without packets (8.2.44, MNOP) stands for one. */
static void take_usage(struct pdn *n, const struct sx_session_modification_response *r)
{
	for (size_t i = 0; i < r->n_usage_report; i++) {
		const struct sx_usage_report *u = &r->usage_report[i];

		if (!u->has_volume)
			continue;
		if (u->urr_id > EBI_LAST) {
			n->gone.dl_wrong +=
				u->volume.has_dl_packets ? u->volume.dl_packets : u->volume.dl > 0;
			continue;
		}
		n->gone.ul_packets += u->volume.ul_packets;
		n->gone.dl_packets += u->volume.dl_packets;
		n->gone.ul_octets += u->volume.ul;
		n->gone.dl_octets += u->volume.dl;
	}
}

static void on_modified(void *arg, const struct xchg_msg *m)
{
	struct sx *s = arg;
	uint8_t cause = cause_of(s, m, SX_SESSION_MODIFICATION_RESPONSE);

	s->call = NULL;
	if (cause == SX_ACCEPTED)
		s->have = s->sent;
	if (cause == SX_ACCEPTED && s->n)
		take_usage(s->n, &in.session_modification_response);
	if (cause == SX_SESSION_NOT_FOUND && s->n) { /* from the beginning */
		s->up_seid = 0;
		s->rules_due = true;
	}
	if (cause == SX_ACCEPTED || cause == SX_SESSION_NOT_FOUND || !s->n)
		advance(s);
	else
		refused(s, m, cause, "Session Modification Request");
}

static int modify(struct sx *s)
{
	struct sx_session_modification_request *q = &out.session_modification_request;
	int e = 0;

	sx_init(SX_SESSION_MODIFICATION_REQUEST, q);
	q->has_smreq_flags = q->smreq_flags.drobu = s->drop_due;
	s->sent = s->have;
	if (s->rules_due)
		e = sx_rules_change(s->n, s->u->user, &s->have, q, &s->sent);
	else if (s->radio_due)
		sx_rules_radio(s->n, q);
	if (e)
		return e;
	s->rules_due = s->radio_due = s->drop_due = false;
	return request(s, SX_SESSION_MODIFICATION_REQUEST, on_modified);
}

static void on_deleted(void *arg, const struct xchg_msg *m _unused_)
{
	struct sx *s = arg;

	s->call = NULL;
	sx_free(s); /* without an answer the next association ends it */
}

static void leave(struct sx *s)
{
	sx_init(SX_SESSION_DELETION_REQUEST, &out.session_deletion_request);
	if (!s->up_seid || !s->u->peer || request(s, SX_SESSION_DELETION_REQUEST, on_deleted))
		sx_free(s);
}

static int associate(struct sgwu *u);

/* The next request, or the word that there is none. */
static void advance(struct sx *s)
{
	int e = 0;

	if (s->call)
		return;
	if (!s->n) {
		leave(s);
		return;
	}
	if (in_sync(s)) {
		tell(s, 0, "");
		return;
	}
	if (!s->u->peer)
		e = associate(s->u);
	else
		e = s->up_seid ? modify(s) : establish(s);
	if (e)
		fail(s, e, e == -ENOSPC ? "more filters than rules" : strerror(-e));
}

/* --- association --- */

static void each(struct sgwu *u, void (*fn)(struct sx *s))
{
	struct sx *next;

	for (struct sx *s = u->list; s; s = next) {
		next = s->next;
		fn(s);
	}
}

static void no_association(struct sx *s)
{
	fail(s, -ETIMEDOUT, "Association Setup Request: no answer");
}

static void not_associated(struct sx *s)
{
	fail(s, -EPROTO, "it refuses the association");
}

static void on_associated(void *arg, const struct xchg_msg *m)
{
	struct sgwu *u = arg;
	struct tlv_error e;
	bool good = m && m->hdr->type == SX_ASSOCIATION_SETUP_RESPONSE &&
		    !sx_decode(m->p, m->n, NULL, &in, &e) &&
		    in.association_setup_response.cause == SX_ACCEPTED && u->peer;

	u->call = NULL;
	report_event(u->a->ue->report, "sgw-u",
		     json_pack("{s:s, s:b}", "addr", u->name, "associated", good));
	each(u, good ? advance : m ? not_associated : no_association);
}

static int associate(struct sgwu *u)
{
	struct sx_association_setup_request q;
	uint8_t buf[256];
	struct tlv_buf b = TLV_BUF(buf);
	int e;

	if (u->call)
		return 0;
	sx_init(SX_ASSOCIATION_SETUP_REQUEST, &q);
	put_node_id(u, &q.node_id);
	q.recovery_ts = pfcp_recovery_ts(u->pfcp);
	e = sx_encode(SX_ASSOCIATION_SETUP_REQUEST, 0, &q, &b);
	return e ? e : pfcp_request(u->pfcp, &u->to, b.p, b.n, on_associated, u, &u->call);
}

static void lost(struct sx *s)
{
	pfcp_cancel(s->call);
	s->call = NULL;
	s->up_seid = 0;
	s->have = (struct sx_have){ 0 };
	s->rules_due = true;
	advance(s);
}

static const char *event_name(enum pfcp_event ev)
{
	switch (ev) {
	case PFCP_UP:
		return "up";
	case PFCP_DOWN:
		return "released";
	case PFCP_LOST:
		return "no answer to heartbeats";
	case PFCP_BACK:
		return "answers again";
	case PFCP_RESTARTED:
		return "restarted";
	}
	return "";
}

static void on_peer(void *arg, struct pfcp_peer *p, enum pfcp_event ev)
{
	struct sgwu *u = arg;
	bool gone = ev == PFCP_DOWN || ev == PFCP_RESTARTED;

	if (!xchg_same_ip(pfcp_peer_addr(p), &u->to))
		return;
	u->peer = gone ? NULL : p;
	report_event(u->a->ue->report, "sgw-u",
		     json_pack("{s:s, s:s}", "addr", u->name, "state", event_name(ev)));
	if (gone)
		each(u, lost);
}

/* --- reports (TS 29.244 7.5.8; TS 23.401 5.3.4.3) --- */

static struct sx *by_seid(const struct sgwu *u, uint64_t seid)
{
	struct sx *s = u->list;

	while (s && s->cp_seid != seid)
		s = s->next;
	return s;
}

/* While the phone is paged what comes is kept as long as that may take: DL Buffering Duration (8.2.29). */
static void put_bar(const struct sx *s, struct sx_session_report_response *r)
{
	uint64_t sec = s->u->a->conf.paging_time / USEC_PER_SEC + 2;

	r->n_update_bar = 1;
	r->update_bar[0] = (struct sx_report_bar){
		.id = BAR_ID,
		.has_duration = true,
		.duration = { .unit = 0, .value = (uint8_t)MIN(sec / 2, 31u) },
		.has_dl_packets = true,
		.dl_packets = { .v = BAR_PACKETS, .octets = 1 },
	};
}

static void act_on(struct pdn *n, const struct sx_session_report_request *q)
{
	if (q->type.erir) {
		n->error_indications++;
		report_phone(n->p, "gtpu-error-indication", json_pack("{s:s}", "apn", n->apn));
	}
	if (q->type.dldr)
		idle_downlink(n);
}

static void on_report(struct sgwu *u, struct xchg_token *t, const struct xchg_msg *m)
{
	struct sx_session_report_response r = { .cause = SX_ACCEPTED };
	struct sx *s = m->hdr->has_id ? by_seid(u, m->hdr->id) : NULL;
	struct tlv_error e;

	if (!s || !s->n || !s->up_seid) {
		r.cause = SX_SESSION_NOT_FOUND;
		respond(t, SX_SESSION_REPORT_RESPONSE, 0, &r, NULL);
		return;
	}
	log_message(u, s, false, m->p, m->n);
	if (sx_decode(m->p, m->n, NULL, &in, &e)) {
		refuse(u, t, SX_SESSION_REPORT_REQUEST, e.cause, e.has_ie ? e.type : 0);
		return;
	}
	if (in.session_report_request.type.dldr)
		put_bar(s, &r);
	respond(t, SX_SESSION_REPORT_RESPONSE, s->up_seid, &r, s);
	act_on(s->n, &in.session_report_request);
}

static void on_request(void *arg, struct xchg_token *t, const struct xchg_msg *m,
		       struct pfcp_peer *peer)
{
	struct sgwu *u = arg;

	if (!peer)
		refuse(u, t, m->hdr->type, SX_NO_ASSOCIATION, 0);
	else if (m->hdr->type == SX_SESSION_REPORT_REQUEST)
		on_report(u, t, m);
	else
		refuse(u, t, m->hdr->type, SX_SERVICE_NOT_SUPPORTED, 0);
}

static const struct pfcp_ops ops = { .request = on_request, .peer = on_peer };

/* --- open and close --- */

static int read_address(struct sgwu *u)
{
	struct str rest = str_of(u->a->conf.sgwu ? u->a->conf.sgwu : ""), w;
	union sip_sa a;

	while (str_split(&rest, ' ', &w)) {
		if (!str_trim(w).n)
			continue;
		if (sip_sa_parse_str(str_trim(w), PFCP_PORT, &a))
			return -EINVAL;
		memcpy(&u->user[a.sa.sa_family == AF_INET6], &a.ss, sizeof(a.ss));
		if (!u->to.ss_family)
			memcpy(&u->to, &a.ss, sizeof(a.ss));
	}
	sip_sa_str(&(union sip_sa){ .ss = u->to }, u->name);
	return u->to.ss_family ? 0 : -EINVAL;
}

static int open_pfcp(struct sgwu *u)
{
	struct access *a = u->a;
	struct pfcp_conf c = { .t1_ms = a->conf.t3_ms,
			       .n1 = (uint8_t)a->conf.n3,
			       .recovery_ts = pfcp_time(loop_wall(a->ue->loop)),
			       .send = a->send,
			       .send_arg = &a->node[SGW_1] };
	_cleanup_netns_ int back = a->send ? -1 : netns_enter(&a->ns);
	union sip_sa local = { .ss = a->node[SGW_1].local[u->to.ss_family == AF_INET6] };

	if (back < -1)
		return back + 1;
	if (!local.ss.ss_family)
		return -EADDRNOTAVAIL;
	sip_sa_set_port(&local, PFCP_PORT);
	u->local = c.local[u->to.ss_family == AF_INET6] = local.ss;
	return pfcp_open(a->ue->loop, &c, &ops, u, &u->pfcp);
}

int sx_open(struct access *a, char *err, size_t size)
{
	struct sgwu *u = a->sgwu ? NULL : calloc(1, sizeof(*u));
	int r = 0;

	if (a->sgwu)
		return 0;
	if (!u)
		return -ENOMEM;
	u->a = a;
	u->next_seid = loop_wall(a->ue->loop);
	r = read_address(u);
	if (!r)
		r = open_pfcp(u);
	if (r) {
		snprintf(err, size, "PFCP towards the SGW-U \"%s\": %s",
			 a->conf.sgwu ? a->conf.sgwu : "", strerror(-r));
		free(u);
		return r;
	}
	a->sgwu = u;
	return 0;
}

void sx_close(struct access *a)
{
	struct sgwu *u = a->sgwu;

	if (!u)
		return;
	a->sgwu = NULL;
	pfcp_close(u->pfcp);
	while (u->list)
		sx_free(u->list);
	free(u);
}

struct pfcp *sx_pfcp(const struct access *a)
{
	return a->sgwu ? a->sgwu->pfcp : NULL;
}

const struct sockaddr_storage *sx_user(const struct access *a, bool v6)
{
	const struct sgwu *u = a->sgwu;

	return u && u->user[v6].ss_family ? &u->user[v6] : NULL;
}

/* --- for the rest of the SGW --- */

static struct sx *sx_new(struct pdn *n)
{
	struct sgwu *u = n->a->sgwu;
	struct sx *s = calloc(1, sizeof(*s));

	if (!s)
		return NULL;
	*s = (struct sx){ .next = u->list, .pprev = &u->list, .u = u, .n = n };
	s->cp_seid = ++u->next_seid;
	if (s->next)
		s->next->pprev = &s->next;
	u->list = s;
	return s;
}

int sx_set(struct pdn *n, char *err, size_t size)
{
	int r = sx_open(n->a, err, size);

	if (r)
		return r;
	if (!n->sx)
		n->sx = sx_new(n);
	if (!n->sx) {
		snprintf(err, size, "out of memory");
		return -ENOMEM;
	}
	n->up = true;
	n->sx->rules_due = true;
	n->sx->err = 0;
	advance(n->sx);
	return 0;
}

void sx_radio(struct pdn *n, bool drop)
{
	if (!n->sx)
		return;
	n->sx->radio_due = true;
	n->sx->err = 0;
	n->sx->drop_due = n->sx->drop_due || drop;
	advance(n->sx);
}

void sx_then(struct pdn *n, up_then_fn *fn, void *arg)
{
	struct wait *w, **at;

	if (!n->sx || in_sync(n->sx)) {
		fn(arg, n->sx ? n->sx->err : 0, n->sx ? n->sx->why : "");
		return;
	}
	w = calloc(1, sizeof(*w));
	if (!w) {
		fn(arg, -ENOMEM, "out of memory");
		return;
	}
	*w = (struct wait){ .fn = fn, .arg = arg };
	for (at = &n->sx->waits; *at; at = &(*at)->next)
		;
	*at = w;
}

void sx_clear(struct pdn *n)
{
	struct sx *s = n->sx;

	if (!s)
		return;
	n->sx = NULL;
	s->n = NULL;
	tell(s, -ECONNRESET, "the connection is gone");
	advance(s);
}

uint64_t sx_session(const struct pdn *n)
{
	return n->sx ? n->sx->up_seid : 0;
}
