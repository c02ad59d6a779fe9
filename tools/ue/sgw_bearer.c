// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Requests of the PGW: Create, Update and Delete Bearer (TS 29.274 7.2.3, 7.2.9.2, 7.2.15), answered as a phone and
 * its SGW or ePDG would, or as the scenario orders.
 */
#include <stdio.h>

#include "report.h"
#include "sgw_priv.h"

#define EARLY_USEC (5 * USEC_PER_MSEC) /* between looks whether the connection is there */

struct late {
	struct pdn *n;
	struct xchg_token *t;
	struct timer timer;
	struct tlv_hdr hdr;
	struct sockaddr_storage from;
	size_t size;
	uint8_t msg[];
};

/* Refuses the request or parts of it: 0, every part is accepted. */
struct refusal {
	uint8_t cause;
	bool partial; /* all but the first bearer */
};

static void respond(struct pdn *n, struct xchg_token *t, const struct tlv_buf *b)
{
	sgw_ladder(n, true, b->p, b->n, gtpc_token_from(t));
	gtpc_respond(t, b->p, b->n);
}

static void refuse(struct pdn *n, struct xchg_token *t, uint8_t type, struct s5_cause_ie cause)
{
	uint8_t buf[256];
	struct tlv_buf b = TLV_BUF(buf);

	n->a->totals.refused++;
	if (s5_encode_refusal(type, n->peer_teid, cause, &b))
		gtpc_drop(t);
	else
		respond(n, t, &b);
}

static void tell(struct pdn *n, const char *event, const struct bearer *b, uint8_t cause)
{
	char one[160];
	json_t *list = json_array();

	for (uint8_t i = 0; i < b->n_filter; i++)
		json_array_append_new(list, json_string(tft_str(&b->filter[i], one, sizeof(one))));
	report_phone(n->p, event,
		     json_pack("{s:i, s:i, s:I, s:I, s:i, s:s, s:o}", "ebi", (int)b->ebi, "qci",
			       (int)b->qos.qci, "gbr_ul", (json_int_t)b->qos.gbr_ul, "gbr_dl",
			       (json_int_t)b->qos.gbr_dl, "cause", (int)cause, "cause_name",
			       s5_cause_name(cause), "filters", list));
}

static uint8_t overall(size_t n, size_t good, uint8_t bad)
{
	return good == n ? S5_ACCEPTED : good ? S5_ACCEPTED_PARTIALLY : bad;
}

static uint8_t part_cause(const struct refusal *no, size_t i)
{
	return no->cause && (i || !no->partial) ? no->cause : 0;
}

/* --- create --- */

static uint8_t create_one(struct pdn *n, const struct s5_cbr_bearer *c, struct bearer **ret)
{
	bool s2b = on_s2b(n->node), has = s2b ? c->has_s2bu_pgw : c->has_s5u_pgw;
	const struct s5_fteid *f = s2b ? &c->s2bu_pgw : &c->s5u_pgw;
	struct bearer *b;
	uint8_t cause;

	if (n->gtpu == GTPU_GTP_KO) /* one bearer for each phone is all that gtp.ko has */
		return S5_BEARER_HANDLING_NOT_SUPPORTED;
	if (!has)
		return S5_CONDITIONAL_IE_MISSING;
	b = pdn_free_bearer(n);
	if (!b)
		return S5_NO_RESOURCES;
	b->qos = c->qos;
	b->peer_teid = f->teid;
	cause = c->tft.op == NAS_TFT_CREATE ? tft_apply(b, &c->tft) : S5_TFT_SEMANTIC;
	if (!cause && !msg_peer(n->node, f, GTPU_PORT, &b->peer))
		cause = S5_MANDATORY_IE_INCORRECT;
	if (cause)
		*b = (struct bearer){ 0 };
	else
		*ret = b;
	return cause;
}

static void put_created(struct pdn *n, const struct s5_cbr_bearer *c, const struct bearer *b,
			struct s5_cbp_bearer *r)
{
	bool s2b = on_s2b(n->node);

	r->ebi = b->ebi;
	r->has_s2bu_epdg = r->has_s2bu_pgw = s2b;
	r->has_s5u_sgw = r->has_s5u_pgw = !s2b;
	msg_fteid(n, n->node, true, b->teid, s2b ? &r->s2bu_epdg : &r->s5u_sgw);
	if (s2b)
		r->s2bu_pgw = c->s2bu_pgw;
	else
		r->s5u_pgw = c->s5u_pgw;
}

/* Nothing of it holds; 0. */
static size_t take_back(struct bearer **made, size_t n, struct s5_create_bearer_response *r,
			uint8_t cause)
{
	for (size_t i = 0; i < n; i++) {
		if (!made[i])
			continue;
		*made[i] = (struct bearer){ 0 };
		made[i] = NULL;
		r->bearer[i].cause.value = cause;
	}
	return 0;
}

/* The answer to Create Bearer Request, until the user plane has the bearers. */
struct held {
	struct pdn *n;
	struct xchg_token *t;
	uint8_t ebi[BEARERS];
	size_t n_ebi, size;
	uint8_t msg[MSG_MAX];
};

static void on_plane(void *arg, int err, const char *why)
{
	struct held *h = arg;
	struct pdn *n = h->n;
	struct bearer *b;

	if (err == -ECONNRESET) {
		gtpc_drop(h->t);
	} else if (err) {
		report_phone(n->p, "user-plane", json_pack("{s:s}", "error", why));
		for (size_t i = 0; i < h->n_ebi; i++) {
			b = pdn_bearer(n, h->ebi[i]);
			if (b)
				*b = (struct bearer){ 0 };
		}
		refuse(n, h->t, S5_CREATE_BEARER_REQUEST,
		       (struct s5_cause_ie){ .value = S5_NO_RESOURCES });
	} else {
		respond(n, h->t, &(struct tlv_buf){ .p = h->msg, .n = h->size });
	}
	free(h);
}

static void respond_then(struct pdn *n, struct xchg_token *t, const struct tlv_buf *b,
			 struct bearer *const *made, size_t n_made)
{
	struct held *h = calloc(1, sizeof(*h));

	if (!h) {
		gtpc_drop(t);
		return;
	}
	*h = (struct held){ .n = n, .t = t, .size = b->n };
	memcpy(h->msg, b->p, b->n);
	for (size_t i = 0; i < n_made; i++)
		if (made[i])
			h->ebi[h->n_ebi++] = made[i]->ebi;
	up_then(n, on_plane, h);
}

static void end_create(struct pdn *n, struct s5_create_bearer_response *r, struct xchg_token *t,
		       struct bearer *const *made)
{
	uint8_t buf[MSG_MAX];
	struct tlv_buf b = TLV_BUF(buf);

	r->has_recovery = true;
	r->recovery = n->node->restart_counter;
	r->has_uli = r->has_time_zone = !on_s2b(n->node);
	msg_uli(n, &r->uli);
	if (s5_encode(S5_CREATE_BEARER_RESPONSE, n->peer_teid, r, &b))
		gtpc_drop(t);
	else
		respond_then(n, t, &b, made, r->n_bearer);
}

static void create(struct pdn *n, struct xchg_token *t, const struct s5_create_bearer_request *q,
		   const struct refusal *no)
{
	static struct s5_create_bearer_response r;
	struct bearer *made[BEARERS] = { NULL };
	uint8_t bad = S5_REQUEST_REJECTED;
	size_t good = 0;
	char why[160];

	s5_init(S5_CREATE_BEARER_RESPONSE, &r);
	r.n_bearer = q->n_bearer;
	for (size_t i = 0; i < q->n_bearer; i++) {
		uint8_t cause = part_cause(no, i);

		if (!cause && q->lbi != n->lbi)
			cause = S5_CONTEXT_NOT_FOUND;
		if (!cause)
			cause = create_one(n, &q->bearer[i], &made[i]);
		r.bearer[i].cause.value = cause ? cause : S5_ACCEPTED;
		bad = cause ? cause : bad;
		good += !cause;
	}
	if (good && up_set(n, why, sizeof(why))) {
		report_phone(n->p, "user-plane", json_pack("{s:s}", "error", why));
		bad = S5_NO_RESOURCES;
		good = take_back(made, q->n_bearer, &r, bad);
	}
	for (size_t i = 0; i < q->n_bearer; i++) {
		if (made[i]) {
			put_created(n, &q->bearer[i], made[i], &r.bearer[i]);
			tell(n, "bearer-created", made[i], S5_ACCEPTED);
		}
	}
	n->a->totals.created += good;
	n->a->totals.refused += q->n_bearer - good;
	r.cause.value = overall(q->n_bearer, good, bad);
	end_create(n, &r, t, made);
}

/* --- update --- */

static uint8_t update_one(struct pdn *n, const struct s5_ubr_bearer *u)
{
	struct bearer *b = pdn_bearer(n, u->ebi);
	uint8_t cause = b ? 0 : S5_CONTEXT_NOT_FOUND;

	if (!cause && u->has_tft)
		cause = tft_apply(b, &u->tft);
	if (!cause && u->has_qos)
		b->qos = u->qos;
	if (!cause)
		tell(n, "bearer-updated", b, S5_ACCEPTED);
	return cause;
}

static void update(struct pdn *n, struct xchg_token *t, const struct s5_update_bearer_request *q,
		   const struct refusal *no)
{
	static struct s5_update_bearer_response r;
	uint8_t buf[MSG_MAX], bad = S5_REQUEST_REJECTED;
	struct tlv_buf b = TLV_BUF(buf);
	size_t good = 0;
	char why[160];

	s5_init(S5_UPDATE_BEARER_RESPONSE, &r);
	r.n_bearer = q->n_bearer;
	for (size_t i = 0; i < q->n_bearer; i++) {
		uint8_t cause = part_cause(no, i);

		if (!cause)
			cause = update_one(n, &q->bearer[i]);
		r.bearer[i].ebi = q->bearer[i].ebi;
		r.bearer[i].cause.value = cause ? cause : S5_ACCEPTED;
		bad = cause ? cause : bad;
		good += !cause;
	}
	if (good && up_set(n, why, sizeof(why)))
		report_phone(n->p, "user-plane", json_pack("{s:s}", "error", why));
	n->a->totals.updated += good;
	n->a->totals.refused += q->n_bearer - good;
	r.cause.value = overall(q->n_bearer, good, bad);
	r.has_recovery = true;
	r.recovery = n->node->restart_counter;
	if (s5_encode(S5_UPDATE_BEARER_RESPONSE, n->peer_teid, &r, &b))
		gtpc_drop(t);
	else
		respond(n, t, &b);
}

/* --- delete --- */

static uint8_t delete_one(struct pdn *n, uint8_t ebi)
{
	struct bearer *b = pdn_bearer(n, ebi);

	if (!b || b == &n->bearer[0])
		return S5_CONTEXT_NOT_FOUND;
	tell(n, "bearer-deleted", b, S5_ACCEPTED);
	*b = (struct bearer){ 0 };
	return 0;
}

static void put_deleted(struct pdn *n, const struct s5_delete_bearer_request *q,
			const struct refusal *no, struct s5_delete_bearer_response *r)
{
	uint8_t bad = S5_CONTEXT_NOT_FOUND;
	size_t good = 0;
	char why[160];

	r->n_bearer = q->n_ebi;
	for (size_t i = 0; i < q->n_ebi; i++) {
		uint8_t cause = part_cause(no, i);

		if (!cause)
			cause = delete_one(n, q->ebi[i]);
		r->bearer[i].ebi = q->ebi[i];
		r->bearer[i].cause.value = cause ? cause : S5_ACCEPTED;
		bad = cause ? cause : bad;
		good += !cause;
	}
	if (good && up_set(n, why, sizeof(why)))
		report_phone(n->p, "user-plane", json_pack("{s:s}", "error", why));
	n->a->totals.deleted += good;
	r->cause.value = q->n_ebi ? overall(q->n_ebi, good, bad) : S5_CONDITIONAL_IE_MISSING;
}

/* The whole connection, by its linked EBI: it is gone when the answer has left. */
static void gone(struct pdn *n, uint8_t cause)
{
	char text[120];

	report_phone(n->p, "pdn-deleted",
		     json_pack("{s:s, s:i, s:s}", "pdn", pdn_describe(n, text, sizeof(text)),
			       "cause", (int)cause, "cause_name",
			       cause ? s5_cause_name(cause) : ""));
	if (n->done) {
		pdn_lost(n, "the PGW has deleted the connection");
		return;
	}
	pdn_free(n);
}

static void delete (struct pdn *n, struct xchg_token *t, const struct s5_delete_bearer_request *q,
		    const struct refusal *no)
{
	static struct s5_delete_bearer_response r;
	uint8_t buf[MSG_MAX];
	struct tlv_buf b = TLV_BUF(buf);
	bool whole = q->has_lbi && !part_cause(no, 0);

	s5_init(S5_DELETE_BEARER_RESPONSE, &r);
	if (whole && q->lbi != n->lbi) {
		r.cause.value = S5_CONTEXT_NOT_FOUND;
		whole = false;
	} else if (q->has_lbi) {
		r.has_lbi = true;
		r.lbi = q->lbi;
		r.cause.value = whole ? S5_ACCEPTED : no->cause;
	} else {
		put_deleted(n, q, no, &r);
	}
	r.has_recovery = true;
	r.recovery = n->node->restart_counter;
	if (s5_encode(S5_DELETE_BEARER_RESPONSE, n->peer_teid, &r, &b))
		gtpc_drop(t);
	else
		respond(n, t, &b);
	if (whole)
		gone(n, q->has_cause ? q->cause.value : 0);
}

/* --- orders --- */

static enum order_for kind_of(uint8_t type)
{
	switch (type) {
	case S5_CREATE_BEARER_REQUEST:
		return ORDER_CREATE;
	case S5_UPDATE_BEARER_REQUEST:
		return ORDER_UPDATE;
	case S5_DELETE_BEARER_REQUEST:
		return ORDER_DELETE;
	default:
		return ORDER_ANY;
	}
}

static struct pdn_order take_order(struct phone *p, uint8_t type)
{
	struct pdn_order o = p->order;

	if (!o.count || (o.request != ORDER_ANY && o.request != kind_of(type)))
		return (struct pdn_order){ .what = ORDER_ACCEPT };
	p->order.count--;
	return o;
}

static void handle(struct pdn *n, struct xchg_token *t, const uint8_t *p, size_t size,
		   const struct refusal *no)
{
	static union s5_any m;
	struct tlv_error e;

	if (s5_decode(p, size, NULL, &m, &e)) {
		report_phone(n->p, "gtp-bad",
			     json_pack("{s:i, s:s, s:s}", "message", (int)p[1], "cause",
				       s5_cause_name(e.cause), "ie", e.name ? e.name : ""));
		refuse(n, t, p[1], s5_cause_of(&e));
		return;
	}
	switch (p[1]) {
	case S5_CREATE_BEARER_REQUEST:
		create(n, t, &m.create_bearer_request, no);
		break;
	case S5_UPDATE_BEARER_REQUEST:
		update(n, t, &m.update_bearer_request, no);
		break;
	case S5_DELETE_BEARER_REQUEST:
		delete (n, t, &m.delete_bearer_request, no);
		break;
	default:
		refuse(n, t, p[1], (struct s5_cause_ie){ .value = S5_SERVICE_NOT_SUPPORTED });
	}
}

static void on_late(struct timer *timer)
{
	struct late *late = container_of(timer, struct late, timer);
	struct pdn *n = late->n;
	const struct refusal none = { 0 };

	if (n->state == PDN_ATTACHING || n->radio == RADIO_PAGING) {
		timer_start(n->a->ue->loop, timer, EARLY_USEC);
		return;
	}
	n->late = NULL;
	if (n->radio == RADIO_IDLE) /* it did not answer */
		refuse(n, late->t, late->msg[1],
		       (struct s5_cause_ie){ .value = S5_UNABLE_TO_PAGE });
	else
		handle(n, late->t, late->msg, late->size, &none);
	free(late);
}

void bearer_late_cancel(struct pdn *n)
{
	struct late *late = n->late;

	if (!late)
		return;
	n->late = NULL;
	timer_stop(n->a->ue->loop, &late->timer);
	gtpc_drop(late->t);
	free(late);
}

static void put_off(struct pdn *n, struct xchg_token *t, const struct xchg_msg *m, uint64_t delay)
{
	struct late *late = n->late ? NULL : malloc(sizeof(*late) + m->n);

	if (!late) {
		gtpc_drop(t);
		return;
	}
	*late = (struct late){ .n = n, .t = t, .timer.fn = on_late, .size = m->n };
	memcpy(late->msg, m->p, m->n);
	n->late = late;
	timer_start(n->a->ue->loop, &late->timer, delay);
}

static void obey(struct pdn *n, struct xchg_token *t, const struct xchg_msg *m)
{
	struct pdn_order o;
	struct refusal no = { 0 };

	if (n->state == PDN_ATTACHING) { /* it has overtaken the Create Session Response */
		put_off(n, t, m, EARLY_USEC);
		return;
	}
	/* An idle phone is asked first (TS 23.401 5.4.1); a bearer is taken from it without. */
	if (n->radio != RADIO_UP && m->hdr->type != S5_DELETE_BEARER_REQUEST) {
		idle_page(n, "bearer request");
		put_off(n, t, m, EARLY_USEC);
		return;
	}
	o = take_order(n->p, m->hdr->type);
	switch (o.what) {
	case ORDER_SILENT:
		gtpc_drop(t);
		return;
	case ORDER_LATE:
		put_off(n, t, m, o.delay);
		return;
	case ORDER_REFUSE:
	case ORDER_PARTIAL:
		no.cause = o.cause ? o.cause : S5_UE_REFUSES;
		no.partial = o.what == ORDER_PARTIAL;
		break;
	case ORDER_ACCEPT:
		break;
	}
	handle(n, t, m->p, m->n, &no);
}

/* A TEID that nobody has (TS 29.274 7.6: context not found, TEID 0 in the header). */
static void unknown(struct xchg_token *t, uint8_t type)
{
	uint8_t buf[256];
	struct tlv_buf b = TLV_BUF(buf);
	struct s5_cause_ie cause = { .value = S5_CONTEXT_NOT_FOUND };

	if (s5_encode_refusal(type, 0, cause, &b))
		gtpc_drop(t);
	else
		gtpc_respond(t, b.p, b.n);
}

void bearer_request(struct sgw *s, struct xchg_token *t, const struct xchg_msg *m)
{
	struct hnode *h = m->hdr->has_id ? htab_find(&s->a->by_teid, m->hdr->id) : NULL;
	struct pdn *n = h ? container_of(h, struct pdn, by_teid) : NULL;

	if (!n || (n->node != s && n->old != s) || n->state == PDN_LOST) {
		unknown(t, m->hdr->type);
		return;
	}
	sgw_ladder(n, false, m->p, m->n, m->from);
	obey(n, t, m);
}
