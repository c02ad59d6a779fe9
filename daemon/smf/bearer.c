// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Bearers follow rules: binding by QCI and ARP (TS 29.213 5.4), Create, Update and Delete Bearer procedures
 * (TS 23.401 5.4.1 to 5.4.5, TS 29.274 7.2.3, 7.2.15, 7.2.9.2) towards an SGW or ePDG. Commands are command.c's.
 *
 * smf_bearers_apply() looks at what is there and what is wanted, and sends the next request; each answer ends in it.
 * A new bearer: uplink rules at the UPF, which chooses its F-TEID; Create Bearer Request; downlink rules when it
 * is accepted. A bearer without rules: downlink rules away; Delete Bearer Request; the rest away.
 *
 * Invariants: one request under way; what the SGW knows of a bearer (qos, filters) changes when it has accepted it;
 * a removed rule is freed when no TFT has filters of it; a rule fails alone when its bearer does.
 */
#include <stdio.h>

#include "lib/core/log.h"
#include "lib/core/metrics.h"
#include "smf/bearer.h"
#include "smf/n4.h"

METRIC_COUNTER(m_created, "kims_smf_bearers_created_total", "Dedicated bearers that were accepted");
METRIC_COUNTER(m_refused, "kims_smf_bearers_refused_total", "Dedicated bearers that were not");
METRIC_COUNTER(m_updated, "kims_smf_bearers_updated_total", "Bearers updated");
METRIC_COUNTER(m_deleted, "kims_smf_bearers_deleted_total", "Dedicated bearers deleted");

enum {
	HANDOVER_MS = 500, /* before a request refused with 110 is sent again */
	HANDOVER_TRIES = 10,
};

void smf_bearer_metrics(void)
{
	struct metric *all[] = { &m_created, &m_refused, &m_updated, &m_deleted };

	for (size_t i = 0; i < ARRAY_SIZE(all); i++)
		metric_register(all[i]);
}

/* --- binding --- */

static bool same_arp(const struct s5_arp *a, const struct s5_arp *b)
{
	return a->priority == b->priority && a->pci == b->pci && a->pvi == b->pvi;
}

/* The QCI and ARP that a rule asks for; without one it is the default bearer's. */
static struct smf_qos class_of(const struct smf_pdn *p, const struct smf_rule *r)
{
	struct smf_qos q = r->qos;

	if (!q.qci)
		q.qci = p->default_qos.qci;
	if (!q.arp.priority)
		q.arp = p->default_qos.arp;
	return q;
}

static bool same_class(const struct smf_qos *a, const struct smf_qos *b)
{
	return a->qci == b->qci && same_arp(&a->arp, &b->arp);
}

static bool is_default(const struct smf_bearer *b)
{
	return b == b->pdn->bearers;
}

static struct smf_bearer *same_bearer(const struct smf_pdn *p, const struct smf_qos *q)
{
	for (struct smf_bearer *b = p->bearers->next; b; b = b->next)
		if (!b->lost && b->state != SMF_BEARER_DELETING && same_class(&b->qos, q))
			return b;
	return NULL;
}

static struct smf_bearer *bearer_for(struct smf_pdn *p, const struct smf_qos *q)
{
	struct smf_bearer *b = same_bearer(p, q);

	if (b)
		return b;
	b = smf_bearer_new(p);
	if (b) {
		b->state = SMF_BEARER_WANTED;
		b->qos = (struct smf_qos){ .qci = q->qci, .arp = q->arp };
	}
	return b;
}

enum draw { NOT_DRAWN, GO, SPARE };

/*
 * An overloaded SGW, ePDG or MME is spared new bearers (TS 29.274 12.3.9.3), not those of emergencies and of the
 * highest priorities (MPS); one draw for all rules that come together.
 */
static bool is_spared(const struct smf_pdn *p, const struct smf_qos *q, enum draw *draw)
{
	if (p->emergency || q->arp.priority <= 3 || same_bearer(p, q))
		return false;
	if (*draw == NOT_DRAWN)
		*draw = smf_path_throttles(p) ? SPARE : GO;
	return *draw == SPARE;
}

static void bind_dedicated(struct smf_pdn *p, struct smf_rule *r, const struct smf_qos *q,
			   enum draw *draw)
{
	if (!r->bearer && is_spared(p, q, draw)) {
		smf_rule_fail(r, GX_RESOURCES_LIMITATION);
		return;
	}
	if (!r->bearer)
		r->bearer = bearer_for(p, q);
	if (!r->bearer)
		smf_rule_fail(r, GX_MAX_NR_BEARERS_REACHED);
	else if (smf_rule_take_filters(p, r))
		smf_rule_fail(r, GX_RESOURCES_LIMITATION);
}

static void bind_rule(struct smf_pdn *p, struct smf_rule *r, enum draw *draw)
{
	struct smf_qos q = class_of(p, r);
	bool by_default = same_class(&q, &p->default_qos) || !r->n_flow;
	struct smf_bearer *b = r->bearer;

	if (b && is_default(b) != by_default)
		b = NULL;
	if (b && !by_default && (!same_class(&b->qos, &q) || b->state == SMF_BEARER_DELETING))
		b = NULL;
	if (!b) {
		smf_rule_drop_filters(r);
		if (r->bearer) /* other PDRs: an F-TEID is chosen for a new one only */
			r->n4_id = smf_new_n4_id(p);
	}
	r->bearer = by_default ? p->bearers : b;
	if (!by_default)
		bind_dedicated(p, r, &q, draw);
}

static void bind_all(struct smf_pdn *p)
{
	enum draw draw = NOT_DRAWN;

	for (struct smf_rule *r = p->rules; r; r = r->next)
		if (smf_rule_is_live(r))
			bind_rule(p, r, &draw);
}

static void activate(struct smf_rule *r)
{
	r->state = SMF_RULE_ACTIVE;
	r->dirty = false;
}

static bool has_rules(const struct smf_bearer *b)
{
	for (const struct smf_rule *r = b->pdn->rules; r; r = r->next)
		if (r->bearer == b && smf_rule_is_live(r))
			return true;
	return false;
}

/* --- what is wanted of a bearer --- */

static uint64_t sum(uint64_t a, uint64_t b)
{
	return a > UINT64_MAX - b ? UINT64_MAX : a + b;
}

/* TS 29.213 5.4.1: rates of the rules together; without a guaranteed rate there are none (TS 29.274 8.15). */
static struct smf_qos qos_of(const struct smf_bearer *b)
{
	struct smf_qos q = { .qci = b->qos.qci, .arp = b->qos.arp };

	if (is_default(b))
		return b->pdn->default_qos;
	if (!pcc_is_gbr(q.qci))
		return q;
	for (const struct smf_rule *r = b->pdn->rules; r; r = r->next) {
		if (r->bearer != b || !smf_rule_is_live(r))
			continue;
		q.mbr_ul = sum(q.mbr_ul, r->qos.mbr_ul);
		q.mbr_dl = sum(q.mbr_dl, r->qos.mbr_dl);
		q.gbr_ul = sum(q.gbr_ul, r->qos.gbr_ul);
		q.gbr_dl = sum(q.gbr_dl, r->qos.gbr_dl);
	}
	return q;
}

static bool same_qos(const struct smf_qos *a, const struct smf_qos *b)
{
	return same_class(a, b) && a->mbr_ul == b->mbr_ul && a->mbr_dl == b->mbr_dl &&
	       a->gbr_ul == b->gbr_ul && a->gbr_dl == b->gbr_dl;
}

/* The next operation that brings the TFT to what is wanted: one per request (TS 24.008 10.5.6.12). */
static enum nas_tft_op tft_op(const struct smf_bearer *b, struct nas_tft *ret)
{
	static const enum nas_tft_op order[] = { NAS_TFT_ADD, NAS_TFT_REPLACE,
						 NAS_TFT_DELETE_FILTERS };

	if (is_default(b))
		return NAS_TFT_NO_OP;
	for (size_t i = 0; i < ARRAY_SIZE(order); i++)
		if (!smf_rule_tft(b, order[i], ret) && ret->n_filter)
			return order[i];
	return NAS_TFT_NO_OP;
}

static bool ambr_changed(const struct smf_bearer *b)
{
	const struct smf_pdn *p = b->pdn;

	return is_default(b) && (p->ambr_ul != p->ambr_known_ul || p->ambr_dl != p->ambr_known_dl);
}

static bool needs_qos(const struct smf_bearer *b, const struct smf_qos *q)
{
	return !same_qos(q, &b->qos) && !same_qos(q, &b->refused);
}

static bool needs_update(const struct smf_bearer *b)
{
	struct smf_qos q = qos_of(b);
	struct nas_tft t;

	return b->state == SMF_BEARER_ACTIVE &&
	       (needs_qos(b, &q) || ambr_changed(b) || (is_default(b) && b->pdn->pcscf_due) ||
		tft_op(b, &t) != NAS_TFT_NO_OP);
}

/* --- messages --- */

static union s5_any msg; /* one is made at a time */
static uint8_t out[16384];

struct s5_qos smf_wire_qos(const struct smf_qos *q)
{
	return (struct s5_qos){ .arp = q->arp,
				.qci = q->qci,
				.mbr_ul = smf_kbit(q->mbr_ul),
				.mbr_dl = smf_kbit(q->mbr_dl),
				.gbr_ul = smf_kbit(q->gbr_ul),
				.gbr_dl = smf_kbit(q->gbr_dl) };
}

struct s5_ambr smf_wire_ambr(const struct smf_pdn *p)
{
	return (struct s5_ambr){ .ul = (uint32_t)MIN(smf_kbit(p->ambr_ul), UINT32_MAX),
				 .dl = (uint32_t)MIN(smf_kbit(p->ambr_dl), UINT32_MAX) };
}

static bool answers(const struct smf_bearer_op *op, enum s5_message type)
{
	if (!op->command || !op->command_ready)
		return false;
	switch (op->command_type) {
	case S5_MODIFY_BEARER_COMMAND:
		return type == S5_UPDATE_BEARER_REQUEST;
	case S5_DELETE_BEARER_COMMAND:
		return type == S5_DELETE_BEARER_REQUEST;
	}
	return true;
}

/* A request that a command triggers has its sequence number and procedure transaction (TS 29.274 7.6). */
static int start(struct smf_pdn *p, enum s5_message type, xchg_done *done)
{
	struct smf_bearer_op *op = &p->op;
	struct tlv_buf b = TLV_BUF(out);
	int e;

	op->type = (uint8_t)type;
	if (!answers(op, type))
		return smf_s5_request(p, type, &msg, done, p, &op->call);
	e = s5_encode(type, p->peer.teid, &msg, &b);
	if (e)
		return e;
	e = gtpc_trigger(op->command, &p->to, b.p, b.n, done, p, &op->call);
	op->command = NULL;
	return e;
}

static void note(struct smf_bearer_op *op, const struct smf_bearer *b, uint16_t filters)
{
	op->bearer[op->n] = b->n4_id;
	op->qos[op->n] = qos_of(b);
	op->filters[op->n++] = filters;
}

static uint16_t live_filters(const struct smf_bearer *b, uint32_t hash[SMF_FILTERS_MAX])
{
	uint16_t ids = 0;

	for (const struct smf_rule *r = b->pdn->rules; r; r = r->next)
		if (r->bearer == b && smf_rule_is_live(r))
			ids |= smf_rule_filters(r, hash);
	return ids;
}

static void put_created(struct smf_pdn *p, struct smf_bearer *b)
{
	struct s5_create_bearer_request *m = &msg.create_bearer_request;
	struct s5_cbr_bearer *c = &m->bearer[m->n_bearer];
	struct smf_qos q = qos_of(b);

	memset(c, 0, sizeof(*c));
	if (smf_rule_tft(b, NAS_TFT_CREATE, &c->tft) || !c->tft.n_filter)
		return;
	m->n_bearer++;
	c->has_tft = true;
	c->qos = smf_wire_qos(&q);
	c->has_charging_id = true;
	c->charging_id = b->charging_id;
	b->local.iface = p->non_3gpp ? S5_IF_S2BU_PGW : S5_IF_S5U_PGW;
	c->has_s5u_pgw = !p->non_3gpp;
	c->has_s2bu_pgw = p->non_3gpp;
	c->s5u_pgw = c->s2bu_pgw = b->local;
	note(&p->op, b, live_filters(b, p->op.hash));
}

static void on_created(void *arg, const struct xchg_msg *m);
static void on_updated(void *arg, const struct xchg_msg *m);
static void on_deleted(void *arg, const struct xchg_msg *m);

static void set_states(struct smf_pdn *p, enum smf_bearer_state state)
{
	for (int i = 0; i < p->op.n; i++) {
		struct smf_bearer *b = smf_bearer_by_n4_id(p, p->op.bearer[i]);

		if (b)
			b->state = state;
	}
}

static bool has_pti(const struct smf_bearer_op *op, enum s5_message type)
{
	return answers(op, type) && op->command_type == S5_BEARER_RESOURCE_COMMAND;
}

static bool create(struct smf_pdn *p)
{
	struct s5_create_bearer_request *m = &msg.create_bearer_request;

	s5_init(S5_CREATE_BEARER_REQUEST, m);
	p->op.n = 0;
	p->op.pco = false;
	for (struct smf_bearer *b = p->bearers->next; b; b = b->next)
		if (b->state == SMF_BEARER_WANTED && b->local.teid && has_rules(b))
			put_created(p, b);
	if (!m->n_bearer)
		return false;
	m->lbi = p->bearers->ebi;
	m->has_pti = has_pti(&p->op, S5_CREATE_BEARER_REQUEST);
	m->pti = p->op.pti;
	if (start(p, S5_CREATE_BEARER_REQUEST, on_created))
		return false;
	set_states(p, SMF_BEARER_CREATING);
	return true;
}

/* TS 23.380 5.3.2: in the container in which the UE asked. */
static void put_pcscf(struct smf_pdn *p, struct s5_ubr_bearer *c)
{
	static uint8_t room[SMF_PCO_ROOM];
	static struct nas_pco pco;

	p->pcscf_due = false;
	p->op.pco = true;
	smf_pcscf_put(p, room, &pco);
	if (!pco.n)
		return;
	c->has_pco = p->pco.container & SMF_PCO;
	c->has_apco = p->pco.container & SMF_APCO;
	c->has_epco = p->pco.container & SMF_EPCO;
	c->pco = c->apco = c->epco = pco;
}

static void put_updated(struct smf_pdn *p, struct smf_bearer *b)
{
	struct s5_update_bearer_request *m = &msg.update_bearer_request;
	struct s5_ubr_bearer *c = &m->bearer[m->n_bearer++];
	struct smf_qos q = qos_of(b);
	uint32_t hash[SMF_FILTERS_MAX] = { 0 };
	uint16_t wanted = live_filters(b, hash), known = b->filters;
	enum nas_tft_op op;

	memset(c, 0, sizeof(*c));
	c->ebi = b->ebi;
	c->has_qos = needs_qos(b, &q);
	c->qos = smf_wire_qos(&q);
	if (is_default(b) && p->pcscf_due)
		put_pcscf(p, c);
	op = tft_op(b, &c->tft);
	c->has_tft = op != NAS_TFT_NO_OP;
	for (int i = 0; i < c->tft.n_filter && c->has_tft; i++) {
		uint8_t id = c->tft.filter[i].id;

		p->op.hash[id] = hash[id];
	}
	if (op == NAS_TFT_ADD)
		known |= wanted;
	if (op == NAS_TFT_DELETE_FILTERS)
		known &= wanted | b->stuck;
	note(&p->op, b, known);
	if (!c->has_qos)
		p->op.qos[p->op.n - 1] = b->qos;
}

static bool update(struct smf_pdn *p, bool forced)
{
	struct s5_update_bearer_request *m = &msg.update_bearer_request;

	s5_init(S5_UPDATE_BEARER_REQUEST, m);
	p->op.n = 0;
	p->op.pco = false;
	memcpy(p->op.hash, p->filter_hash, sizeof(p->op.hash));
	for (struct smf_bearer *b = p->bearers; b; b = b->next)
		if (needs_update(b) || (forced && is_default(b)))
			put_updated(p, b);
	if (!m->n_bearer)
		return false;
	m->ambr = smf_wire_ambr(p);
	p->op.ambr_ul = p->ambr_ul;
	p->op.ambr_dl = p->ambr_dl;
	m->has_pti = has_pti(&p->op, S5_UPDATE_BEARER_REQUEST);
	m->pti = p->op.pti;
	if (start(p, S5_UPDATE_BEARER_REQUEST, on_updated)) {
		p->pcscf_due |= p->op.pco;
		return false;
	}
	set_states(p, SMF_BEARER_UPDATING);
	return true;
}

static bool delete (struct smf_pdn *p)
{
	struct s5_delete_bearer_request *m = &msg.delete_bearer_request;

	s5_init(S5_DELETE_BEARER_REQUEST, m);
	p->op.n = 0;
	p->op.pco = false;
	for (struct smf_bearer *b = p->bearers->next; b; b = b->next) {
		if (b->state != SMF_BEARER_ACTIVE || has_rules(b))
			continue;
		m->ebi[m->n_ebi++] = b->ebi;
		note(&p->op, b, 0);
	}
	if (!m->n_ebi)
		return false;
	m->has_pti = has_pti(&p->op, S5_DELETE_BEARER_REQUEST);
	m->pti = p->op.pti;
	if (start(p, S5_DELETE_BEARER_REQUEST, on_deleted))
		return false;
	set_states(p, SMF_BEARER_DELETING);
	smf_n4_update(p); /* no downlink any more */
	return true;
}

/* --- the step --- */

/* Gone before anybody heard of them. */
static void drop_unborn(struct smf_pdn *p)
{
	struct smf_bearer *next;

	for (struct smf_bearer *b = p->bearers->next; b; b = next) {
		next = b->next;
		if (b->state == SMF_BEARER_WANTED && !has_rules(b))
			smf_bearer_free(b);
	}
}

static bool is_settled(const struct smf_bearer *b)
{
	return b->state == SMF_BEARER_ACTIVE && !needs_update(b);
}

/* Removed rules that the UE does not have. */
static void drop_removed(struct smf_pdn *p)
{
	struct smf_rule *r, *next;

	for (r = p->rules; r; r = next) {
		next = r->next;
		if (r->state == SMF_RULE_REMOVED &&
		    (!r->bearer || is_default(r->bearer) ||
		     (is_settled(r->bearer) && has_rules(r->bearer))))
			smf_rule_free(p, r);
	}
}

/* Rules that UPF and UE have as they are. */
static void activate_rules(struct smf_pdn *p)
{
	for (struct smf_rule *r = p->rules; r; r = r->next)
		if (r->state == SMF_RULE_WANTED && r->bearer &&
		    (is_default(r->bearer) || is_settled(r->bearer)))
			activate(r);
}

static bool is_waiting(const struct smf_pdn *p)
{
	for (const struct smf_bearer *b = p->bearers->next; b; b = b->next)
		if (b->state != SMF_BEARER_ACTIVE)
			return true;
	return false;
}

static void step(struct smf_pdn *p)
{
	struct smf_bearer_op *op = &p->op;

	if (op->call || timer_running(&op->retry))
		return;
	if (delete (p) || create(p) || update(p, false))
		return;
	op->n = 0;
	if (!op->command || !op->command_ready || is_waiting(p))
		return;
	if (op->command_type == S5_MODIFY_BEARER_COMMAND)
		update(p, true);
	else
		smf_command_refuse(p, S5_REQUEST_REJECTED);
}

void smf_bearers_apply(struct smf_pdn *p)
{
	if (!p->bearers || p->fsm.state > SMF_PDN_ACTIVE)
		return;
	bind_all(p);
	if (p->fsm.state != SMF_PDN_ACTIVE) {
		p->bearers->qos = p->default_qos;
		p->bearers->state = SMF_BEARER_ACTIVE;
		p->ambr_known_ul = p->ambr_ul;
		p->ambr_known_dl = p->ambr_dl;
		return;
	}
	drop_unborn(p);
	drop_removed(p);
	if (smf_n4_update(p) <= 0)
		activate_rules(p);
	smf_gx_report(p);
	step(p);
	smf_pdn_changed(p);
}

/* --- answers --- */

static enum gx_rule_failure failure_of(uint8_t cause)
{
	switch (cause) {
	case S5_NO_RESOURCES:
	case S5_NO_MEMORY:
		return GX_RESOURCES_LIMITATION;
	case S5_TFT_SEMANTIC:
	case S5_TFT_SYNTACTIC:
	case S5_FILTER_SEMANTIC:
	case S5_FILTER_SYNTACTIC:
		return GX_INCORRECT_FLOW_INFORMATION;
	}
	return GX_RESOURCE_ALLOCATION_FAILURE;
}

static int fail_rules(struct smf_bearer *b, enum gx_rule_failure why, bool dirty_only, bool lost)
{
	int n = 0;

	for (struct smf_rule *r = b->pdn->rules; r; r = r->next) {
		if (r->bearer != b || !smf_rule_is_live(r) || (dirty_only && !r->dirty))
			continue;
		r->lost = lost;
		smf_rule_fail(r, why);
		n++;
	}
	return n;
}

static bool accepted(uint8_t cause)
{
	return cause == S5_ACCEPTED || cause == S5_ACCEPTED_PARTIALLY;
}

/* What the SGW says of one of the bearers; 0: nothing. */
struct verdict {
	uint8_t cause, ebi;
	const struct s5_fteid *peer;
};

static bool retry_later(struct smf_pdn *p)
{
	if (timer_running(&p->op.retry)) /* by another bearer of this answer */
		return true;
	if (p->op.tries >= HANDOVER_TRIES)
		return false;
	p->op.tries++;
	timer_start(p->smf->loop, &p->op.retry, HANDOVER_MS * USEC_PER_MSEC);
	return true;
}

static void on_retry(struct timer *t)
{
	smf_bearers_apply(container_of(t, struct smf_pdn, op.retry));
}

static uint8_t cause_of(const struct xchg_msg *m, uint8_t type)
{
	struct tlv_error e;

	if (!m)
		return S5_PEER_NOT_RESPONDING;
	if (m->hdr->type != type || s5_decode(m->p, m->n, NULL, &msg, &e))
		return S5_INVALID_REPLY;
	switch (type) {
	case S5_CREATE_BEARER_RESPONSE:
		return msg.create_bearer_response.cause.value;
	case S5_UPDATE_BEARER_RESPONSE:
		return msg.update_bearer_response.cause.value;
	}
	return msg.delete_bearer_response.cause.value;
}

/*
 * The cause of the answer, which is in msg; one of its own when there is none, or none that can be read. That of an
 * SGW that was left since is no reason to give up: the new one is asked.
 */
static uint8_t take_answer(struct smf_pdn *p, const struct xchg_msg *m, uint8_t type)
{
	bool moved = p->op.moved;
	uint8_t cause = cause_of(m, type);

	p->op.call = NULL;
	p->op.moved = false;
	p->op.retry.fn = on_retry;
	if (!moved || (type != S5_CREATE_BEARER_RESPONSE && cause != S5_CONTEXT_NOT_FOUND &&
		       cause != S5_PEER_NOT_RESPONDING))
		return cause;
	s5_init((enum s5_message)type, &msg);
	return S5_HANDOVER_IN_PROGRESS;
}

static void finish(struct smf_pdn *p)
{
	if (!timer_running(&p->op.retry))
		p->op.tries = 0;
	p->op.n = 0;
	smf_gx_report(p);
	smf_bearers_apply(p);
}

/* --- Create Bearer Response --- */

static bool same_fteid(const struct s5_fteid *a, const struct s5_fteid *b)
{
	return a->teid == b->teid && ((a->v4 && b->v4 && a->ip4.s_addr == b->ip4.s_addr) ||
				      (a->v6 && b->v6 && !memcmp(&a->ip6, &b->ip6, 16)));
}

static const struct s5_cbp_bearer *context_of(const struct smf_pdn *p, const struct smf_bearer *b)
{
	const struct s5_create_bearer_response *r = &msg.create_bearer_response;

	for (size_t i = 0; i < r->n_bearer; i++) {
		const struct s5_cbp_bearer *c = &r->bearer[i];

		if ((c->has_s5u_pgw && same_fteid(&c->s5u_pgw, &b->local)) ||
		    (c->has_s2bu_pgw && same_fteid(&c->s2bu_pgw, &b->local)))
			return c;
	}
	return p->op.n == 1 && r->n_bearer == 1 ? &r->bearer[0] : NULL;
}

static struct verdict verdict_on(const struct smf_pdn *p, const struct smf_bearer *b, uint8_t cause)
{
	const struct s5_cbp_bearer *c;

	if (!accepted(cause))
		return (struct verdict){ .cause = cause };
	c = context_of(p, b);
	if (!c)
		return (struct verdict){ .cause = S5_INVALID_REPLY };
	return (struct verdict){ .cause = c->cause.value,
				 .ebi = c->ebi,
				 .peer = c->has_s5u_sgw	    ? &c->s5u_sgw
					 : c->has_s2bu_epdg ? &c->s2bu_epdg
							    : NULL };
}

static void be_created(struct smf_pdn *p, struct smf_bearer *b, int i, const struct verdict *v)
{
	b->ebi = v->ebi;
	b->peer = *v->peer;
	b->state = SMF_BEARER_ACTIVE;
	b->qos = p->op.qos[i];
	b->filters = p->op.filters[i];
	for (int k = 0; k < SMF_FILTERS_MAX; k++)
		if (b->filters & 1 << k)
			p->filter_hash[k] = p->op.hash[k];
	metric_inc(&m_created);
}

static void not_created(struct smf_pdn *p, struct smf_bearer *b, uint8_t cause)
{
	if (cause == S5_HANDOVER_IN_PROGRESS && retry_later(p)) {
		b->state = SMF_BEARER_WANTED;
		return;
	}
	log_notice("%s: bearer refused: %s", p->name, s5_cause_name(cause));
	metric_inc(&m_refused);
	fail_rules(b, failure_of(cause), false, false);
	smf_bearer_free(b);
}

static void on_created(void *arg, const struct xchg_msg *m)
{
	struct smf_pdn *p = arg;
	uint8_t cause = take_answer(p, m, S5_CREATE_BEARER_RESPONSE);

	if (cause == S5_CONTEXT_NOT_FOUND) {
		fsm_event(&p->fsm, SMF_PDN_EV_DELETED, NULL);
		return;
	}
	for (int i = 0; i < p->op.n; i++) {
		struct smf_bearer *b = smf_bearer_by_n4_id(p, p->op.bearer[i]);
		struct verdict v;

		if (!b || b->state != SMF_BEARER_CREATING)
			continue;
		v = verdict_on(p, b, cause);
		if (v.cause == S5_ACCEPTED && v.ebi >= 5 && v.peer && v.peer->teid &&
		    !smf_bearer_by_ebi(p, v.ebi))
			be_created(p, b, i, &v);
		else
			not_created(p, b, v.cause == S5_ACCEPTED ? S5_INVALID_REPLY : v.cause);
	}
	finish(p);
}

/* --- Update Bearer Response --- */

static uint8_t update_cause(const struct smf_bearer *b, uint8_t cause)
{
	const struct s5_update_bearer_response *r = &msg.update_bearer_response;

	if (cause == S5_INVALID_REPLY || cause == S5_PEER_NOT_RESPONDING)
		return cause;
	for (size_t i = 0; i < r->n_bearer; i++)
		if (r->bearer[i].ebi == b->ebi)
			return r->bearer[i].cause.value;
	return cause == S5_ACCEPTED_PARTIALLY ? S5_INVALID_REPLY : cause;
}

static void know(struct smf_pdn *p, struct smf_bearer *b, int i)
{
	if (!same_qos(&b->qos, &p->op.qos[i]))
		b->refused = (struct smf_qos){ 0 };
	b->qos = p->op.qos[i];
	b->filters = p->op.filters[i];
	for (int k = 0; k < SMF_FILTERS_MAX; k++)
		if (b->filters & 1 << k)
			p->filter_hash[k] = p->op.hash[k];
	if (!is_default(b))
		return;
	p->ambr_known_ul = p->op.ambr_ul;
	p->ambr_known_dl = p->op.ambr_dl;
}

/* TS 29.212 4.5.5.11: what was before stays. */
static void default_refused(struct smf_pdn *p)
{
	uint64_t what = 0;

	if (!same_qos(&p->default_qos, &p->bearers->qos))
		what |= SMF_TRIGGER(GX_DEFAULT_EPS_BEARER_QOS_MODIFICATION_FAILURE);
	if (ambr_changed(p->bearers))
		what |= SMF_TRIGGER(GX_APN_AMBR_MODIFICATION_FAILURE);
	p->default_qos = p->bearers->qos;
	p->ambr_ul = p->ambr_known_ul;
	p->ambr_dl = p->ambr_known_dl;
	smf_gx_access_changed(p, what);
}

static void not_updated(struct smf_pdn *p, struct smf_bearer *b, int i, uint8_t cause)
{
	if (cause == S5_HANDOVER_IN_PROGRESS && retry_later(p)) {
		p->pcscf_due |= is_default(b) && p->op.pco;
		return;
	}
	log_notice("%s: update of bearer %u refused: %s", p->name, b->ebi, s5_cause_name(cause));
	if (is_default(b)) {
		default_refused(p);
	} else if (cause == S5_CONTEXT_NOT_FOUND) {
		fail_rules(b, GX_RESOURCE_ALLOCATION_FAILURE, false, true);
		smf_bearer_free(b);
	} else if (!fail_rules(b, failure_of(cause), true, false)) {
		/* what goes away cannot fail; it would be asked for ever */
		b->stuck |= (uint16_t)(b->filters & ~live_filters(b, NULL));
		b->refused = p->op.qos[i];
	}
}

static void on_updated(void *arg, const struct xchg_msg *m)
{
	struct smf_pdn *p = arg;
	uint8_t cause = take_answer(p, m, S5_UPDATE_BEARER_RESPONSE);

	if (cause == S5_CONTEXT_NOT_FOUND && !msg.update_bearer_response.n_bearer) {
		fsm_event(&p->fsm, SMF_PDN_EV_DELETED, NULL);
		return;
	}
	for (int i = 0; i < p->op.n; i++) {
		struct smf_bearer *b = smf_bearer_by_n4_id(p, p->op.bearer[i]);
		uint8_t c;

		if (!b || b->state != SMF_BEARER_UPDATING)
			continue;
		b->state = SMF_BEARER_ACTIVE;
		c = update_cause(b, cause);
		if (accepted(c)) {
			know(p, b, i);
			metric_inc(&m_updated);
		} else {
			not_updated(p, b, i, c);
		}
	}
	finish(p);
}

/* --- Delete Bearer Response --- */

static void on_deleted(void *arg, const struct xchg_msg *m)
{
	struct smf_pdn *p = arg;
	uint8_t cause = take_answer(p, m, S5_DELETE_BEARER_RESPONSE);
	bool again = cause == S5_HANDOVER_IN_PROGRESS && retry_later(p);
	for (int i = 0; i < p->op.n; i++) {
		struct smf_bearer *b = smf_bearer_by_n4_id(p, p->op.bearer[i]);

		if (!b || b->state != SMF_BEARER_DELETING)
			continue;
		if (again) {
			b->state = SMF_BEARER_ACTIVE;
			continue;
		}
		smf_bearer_free(b); /* whatever it said: we have it no more */
		metric_inc(&m_deleted);
	}
	finish(p);
}

/* --- from elsewhere --- */

struct smf_bearer *smf_bearer_by_n4_id(const struct smf_pdn *p, uint16_t id)
{
	for (struct smf_bearer *b = p->bearers; b; b = b->next)
		if (b->n4_id == id)
			return b;
	return NULL;
}

void smf_bearer_mark_lost(struct smf_bearer *b)
{
	fail_rules(b, GX_RESOURCE_ALLOCATION_FAILURE, false, true);
	b->lost = true;
}

void smf_bearer_lost(struct smf_bearer *b)
{
	struct smf_pdn *p = b->pdn;

	log_notice("%s: bearer %u has no peer any more", p->name, b->ebi);
	if (is_default(b)) {
		smf_pdn_release(p, S5_REACTIVATION_REQUESTED);
		return;
	}
	smf_bearer_mark_lost(b);
	smf_bearers_apply(p);
}

void smf_bearers_cancel(struct smf_pdn *p)
{
	gtpc_cancel(p->op.call);
	p->op.call = NULL;
	p->op.moved = false;
	p->op.n = 0;
	timer_stop(p->smf->loop, &p->op.retry);
	if (p->op.command)
		smf_command_refuse(p, S5_REQUEST_REJECTED);
}
