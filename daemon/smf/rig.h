/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * For tests of the whole SMF object in one process with a virtual clock: an SGW that keeps bearers and TFTs by the
 * rules of TS 24.008, a UPF that keeps PDRs, FARs, QERs and URRs and refuses what does not fit, a PCRF that the test
 * speaks for. Messages wait in a queue between them; every one goes through its encoder and decoder.
 */
#ifndef KIMS_SMF_RIG_H
#define KIMS_SMF_RIG_H

#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#include "smf/gx.h"
#include "smf/n4.h"

enum { RIG_SMF = 0x0a2e0005, RIG_UPF = 0x0a2e0006, RIG_SGW = 0x0a2f0001 };
#ifndef RIG_PDNS
#define RIG_PDNS 8
#endif

/* --- what each peer has --- */

struct rig_bearer {
	bool there;
	uint32_t teid, pgw_teid;
	struct s5_qos qos;
	struct nas_filter filter[16];
	uint16_t filters;
};
struct rig_pdn {
	unsigned int n; /* user; 0: free */
	uint32_t teid, pgw_teid;
	struct s5_ambr ambr;
	struct rig_bearer b[16];
};

struct rig_object {
	uint8_t type;
	uint32_t id;
	bool up;
	uint32_t teid, far, precedence; /* PDR */
	uint32_t qer[2];
	size_t n_sdf, n_qer;
	bool forw;	    /* FAR */
	int interface_type; /* PDR, FAR; -1: not told */
	struct sx_creation creation;
	struct sx_gate_status gate; /* QER */
	uint64_t mbr_ul, gbr_ul;
	uint64_t threshold;
};
struct rig_session {
	uint64_t up_seid, cp_seid; /* up_seid 0: free */
	struct rig_object o[256];
	size_t n;
};

struct rig_policy {
	char id[300]; /* "": free */
	char rule[32][32];
	size_t n_rules;
	uint32_t number;
};

enum rig_link { RIG_TO_SGW, RIG_TO_SMF_GTP, RIG_TO_UPF, RIG_TO_SMF_PFCP, RIG_CCA };

struct rig_dgram {
	struct rig_dgram *next;
	enum rig_link link;
	struct dia_done done;
	size_t n;
	uint8_t p[];
};

struct dia_token {
	int result;
	struct gx_raa raa;
	struct ie_env env;
};

static struct rig {
	struct loop *loop;
	struct conf *conf;
	struct smf smf;
	struct gtpc *sgw;
	struct pfcp *upf;
	struct rig_dgram *first, **last;
	unsigned int loss, seed; /* one datagram of so many is lost; 0: none */
	/* SGW */
	struct rig_pdn pdn[RIG_PDNS];
	uint32_t next_teid;
	uint8_t refuse;	    /* cause for the next bearer request; 0: accept */
	uint8_t refuse_one; /* for the second bearer of a request */
	int refuse_times;
	bool deaf;
	int created, updated, deleted, create_contexts;
	int pco_updates, pco_options;
	uint32_t pcscf4;
	bool restore; /* PCSCF-Restoration-Indication in RARs */
	uint8_t last_pti, last_answer;
	struct xchg_token *held; /* request that the SGW does not answer yet */
	bool hold;
	uint8_t held_type;
	uint8_t *held_p;
	size_t held_n;
	/* UPF */
	struct rig_session session[RIG_PDNS];
	uint64_t next_seid;
	bool ftup, associated;
	uint8_t upf_refuse;
	bool upf_lied; /* accepted what it never saw: from then on it refuses what does not fit */
	bool upf_mute; /* what it says gets lost */
	int established, modified, removed, end_markers, restored, released;
	/* PCRF */
	struct rig_policy policy[RIG_PDNS];
	dia_serve_fn serve;
	void *serve_arg;
	int ccrs, cca_result, ccr_lost;
	struct gx_ccr ccr; /* the last one */
	char ccr_names[8][64];
	bool hold_cca;
	struct gx_orders *orders; /* for the next CCA */
	unsigned int sids;
} rig;

/* Every message, for tshark. */
static FILE *rig_gtp, *rig_pfcp, *rig_dia;

/* Another UPF than the one of this file, when a test has one. */
static const struct rig_upf_ops {
	void (*open)(void);
	void (*close)(void);
	void (*input)(const struct sockaddr_storage *from, const uint8_t *p, size_t n);
	void (*agree)(const struct smf_pdn *s);
	void (*empty)(void);
} * rig_upf_ops;

/* Another access side than the one of this file, when a test has one: gets what the SMF sends. */
static void (*rig_access)(const struct sockaddr_storage *to, const void *p, size_t n);

/* --- the queue --- */

static inline void rig_put(enum rig_link link, const void *p, size_t n, struct dia_done done)
{
	struct rig_dgram *d = malloc(sizeof(*d) + n);

	assert_non_null(d);
	*d = (struct rig_dgram){ .link = link, .n = n, .done = done };
	memcpy(d->p, p, n);
	*rig.last = d;
	rig.last = &d->next;
}

static inline void rig_dump(FILE *f, const uint8_t *p, size_t n)
{
	for (size_t i = 0; f && i < n; i++)
		fprintf(f, "%06zx %02x\n", i, p[i]);
}

static inline void rig_addr(struct sockaddr_storage *a, uint32_t ip, uint16_t port)
{
	struct sockaddr_in *sin = (struct sockaddr_in *)a;

	memset(a, 0, sizeof(*a));
	*sin = (struct sockaddr_in){ .sin_family = AF_INET,
				     .sin_port = htons(port),
				     .sin_addr.s_addr = htonl(ip) };
}

static inline bool rig_is_lost(void)
{
	return rig.loss && rand_r(&rig.seed) % rig.loss == 0;
}

static inline void rig_send(void *arg, const struct sockaddr_storage *to, const void *p, size_t n)
{
	enum rig_link link = (enum rig_link)(intptr_t)arg;

	rig_dump(link <= RIG_TO_SMF_GTP ? rig_gtp : rig_pfcp, p, n);
	if (link == RIG_TO_SGW && rig_access) {
		rig_access(to, p, n);
		return;
	}
	if (!rig_is_lost())
		rig_put(link, p, n, (struct dia_done){ 0 });
	if (rig_is_lost()) /* as often, twice */
		rig_put(link, p, n, (struct dia_done){ 0 });
}

static inline void rig_cca(const struct rig_dgram *d);

static inline void rig_deliver(const struct rig_dgram *d)
{
	struct sockaddr_storage from;

	switch (d->link) {
	case RIG_TO_SGW:
		rig_addr(&from, RIG_SMF, GTPC_PORT);
		if (!rig.deaf)
			gtpc_input(rig.sgw, &from, d->p, d->n);
		break;
	case RIG_TO_SMF_GTP:
		rig_addr(&from, RIG_SGW, GTPC_PORT);
		gtpc_input(rig.smf.gtpc, &from, d->p, d->n);
		break;
	case RIG_TO_UPF:
		rig_addr(&from, RIG_SMF, PFCP_PORT);
		if (rig_upf_ops)
			rig_upf_ops->input(&from, d->p, d->n);
		else if (rig.upf)
			pfcp_input(rig.upf, &from, d->p, d->n);
		break;
	case RIG_TO_SMF_PFCP:
		rig_addr(&from, RIG_UPF, PFCP_PORT);
		if (!rig.upf_mute)
			pfcp_input(rig.smf.pfcp, &from, d->p, d->n);
		break;
	case RIG_CCA:
		rig_cca(d);
		break;
	}
}

static inline bool rig_step(void)
{
	struct rig_dgram *d = rig.first;

	if (!d)
		return false;
	rig.first = d->next;
	if (!rig.first)
		rig.last = &rig.first;
	rig_deliver(d);
	free(d);
	return true;
}

static inline void rig_ms(unsigned int ms)
{
	for (unsigned int i = 0; i < ms; i++) {
		for (int k = 0; k < 1000 && rig_step(); k++)
			;
		loop_advance(rig.loop, USEC_PER_MSEC);
	}
}

static inline void rig_seconds(unsigned int s)
{
	for (unsigned int i = 0; i < 20 * s; i++) {
		for (int k = 0; k < 1000 && rig_step(); k++)
			;
		loop_advance(rig.loop, 50 * USEC_PER_MSEC);
	}
}

/* --- the SGW --- */

static inline struct rig_pdn *rig_pdn_by_teid(uint64_t teid)
{
	for (int i = 0; i < RIG_PDNS; i++)
		if (rig.pdn[i].n && rig.pdn[i].teid == teid)
			return &rig.pdn[i];
	return NULL;
}

static inline struct s5_fteid rig_fteid(uint8_t iface, uint32_t teid, uint32_t ip)
{
	return (struct s5_fteid){
		.iface = iface, .teid = teid, .v4 = true, .ip4.s_addr = htonl(ip)
	};
}

static inline void rig_add_filters(struct rig_pdn *p, struct rig_bearer *b, const struct nas_tft *t,
				   bool new)
{
	for (int i = 0; i < t->n_filter; i++) {
		uint8_t id = t->filter[i].id;

		for (int e = 5; e < 16;
		     e++) { /* TS 24.008 10.5.6.12: both unique in the connection */
			assert_false(p->b[e].there && new && p->b[e].filters & 1 << id);
			for (int k = 0; k < 16 && p->b[e].there; k++)
				assert_false(p->b[e].filters & 1 << k && k != id &&
					     p->b[e].filter[k].precedence ==
						     t->filter[i].precedence);
		}
		assert_int_equal(!(b->filters & 1 << id), new);
		b->filters |= (uint16_t)(1 << id);
		b->filter[id] = t->filter[i];
	}
}

static inline void rig_tft(struct rig_pdn *p, struct rig_bearer *b, const struct nas_tft *t)
{
	switch ((enum nas_tft_op)t->op) {
	case NAS_TFT_CREATE:
	case NAS_TFT_ADD:
		rig_add_filters(p, b, t, true);
		break;
	case NAS_TFT_REPLACE:
		rig_add_filters(p, b, t, false);
		break;
	case NAS_TFT_DELETE_FILTERS:
		for (int i = 0; i < t->n_filter; i++) {
			assert_true(b->filters & 1 << t->filter[i].id);
			b->filters &= (uint16_t) ~(1 << t->filter[i].id);
		}
		assert_true(b->filters); /* an empty TFT is none */
		break;
	case NAS_TFT_DELETE:
	case NAS_TFT_NO_OP:
		fail();
	}
}

static inline void rig_respond(struct xchg_token *t, enum s5_message type, uint32_t teid,
			       const void *m)
{
	static uint8_t buf[16384];
	struct tlv_buf b = TLV_BUF(buf);

	assert_int_equal(s5_encode(type, teid, m, &b), 0);
	assert_int_equal(gtpc_respond(t, b.p, b.n), 0);
}

static inline uint8_t rig_verdict(void)
{
	uint8_t c = rig.refuse;

	if (c && rig.refuse_times > 0 && --rig.refuse_times == 0)
		rig.refuse = 0;
	return c ? c : S5_ACCEPTED;
}

static inline void rig_on_create(struct xchg_token *t, struct rig_pdn *p,
				 const struct s5_create_bearer_request *r)
{
	static struct s5_create_bearer_response a;
	uint8_t cause = rig_verdict();

	s5_init(S5_CREATE_BEARER_RESPONSE, &a);
	a.cause.value = cause;
	a.n_bearer = r->n_bearer;
	rig.last_pti = r->has_pti ? r->pti : 0;
	rig.create_contexts = (int)r->n_bearer;
	assert_int_equal(r->lbi, 5);
	for (size_t i = 0; i < r->n_bearer; i++) {
		uint8_t e = 5;

		a.bearer[i].cause.value = i == 1 && rig.refuse_one ? rig.refuse_one : cause;
		a.bearer[i].has_s5u_pgw = true;
		a.bearer[i].s5u_pgw = r->bearer[i].s5u_pgw;
		assert_true(r->bearer[i].s5u_pgw.teid && r->bearer[i].tft.op == NAS_TFT_CREATE);
		if (a.bearer[i].cause.value != S5_ACCEPTED)
			continue;
		while (p->b[e].there)
			e++;
		assert_true(e < 16);
		p->b[e] = (struct rig_bearer){ .teid = ++rig.next_teid,
					       .pgw_teid = r->bearer[i].s5u_pgw.teid,
					       .qos = r->bearer[i].qos };
		rig_tft(p, &p->b[e], &r->bearer[i].tft);
		p->b[e].there = true;
		a.bearer[i].ebi = e;
		a.bearer[i].has_s5u_sgw = true;
		a.bearer[i].s5u_sgw = rig_fteid(S5_IF_S5U_SGW, p->b[e].teid, RIG_SGW);
		rig.created++;
	}
	if (rig.refuse_one && cause == S5_ACCEPTED)
		a.cause.value = S5_ACCEPTED_PARTIALLY;
	rig_respond(t, S5_CREATE_BEARER_RESPONSE, p->pgw_teid, &a);
}

/* P-CSCFs that the UE is told, in whichever container. */
static inline void rig_pco(const struct s5_ubr_bearer *b)
{
	const struct nas_pco *o = b->has_pco ? &b->pco : b->has_apco ? &b->apco : &b->epco;

	if (!b->has_pco && !b->has_apco && !b->has_epco)
		return;
	rig.pco_updates++;
	rig.pco_options = (int)o->n;
	for (size_t i = 0; i < o->n; i++)
		if (o->opt[i].id == NAS_PCO_PCSCF4 && o->opt[i].v.n == 4)
			memcpy(&rig.pcscf4, o->opt[i].v.p, 4);
}

static inline void rig_on_update(struct xchg_token *t, struct rig_pdn *p,
				 const struct s5_update_bearer_request *r)
{
	static struct s5_update_bearer_response a;
	uint8_t cause = rig_verdict();

	s5_init(S5_UPDATE_BEARER_RESPONSE, &a);
	a.cause.value = cause;
	a.n_bearer = r->n_bearer;
	rig.last_pti = r->has_pti ? r->pti : 0;
	for (size_t i = 0; i < r->n_bearer; i++) {
		struct rig_bearer *b = &p->b[r->bearer[i].ebi];

		rig_pco(&r->bearer[i]);
		a.bearer[i].ebi = r->bearer[i].ebi;
		a.bearer[i].cause.value = b->there ? cause : S5_CONTEXT_NOT_FOUND;
		if (!b->there || cause != S5_ACCEPTED)
			continue;
		if (r->bearer[i].has_qos)
			b->qos = r->bearer[i].qos;
		if (r->bearer[i].has_tft)
			rig_tft(p, b, &r->bearer[i].tft);
		rig.updated++;
	}
	if (cause == S5_ACCEPTED)
		p->ambr = r->ambr;
	rig_respond(t, S5_UPDATE_BEARER_RESPONSE, p->pgw_teid, &a);
}

static inline void rig_on_delete(struct xchg_token *t, struct rig_pdn *p,
				 const struct s5_delete_bearer_request *r)
{
	static struct s5_delete_bearer_response a;

	s5_init(S5_DELETE_BEARER_RESPONSE, &a);
	a.cause.value = S5_ACCEPTED;
	rig.last_pti = r->has_pti ? r->pti : 0;
	a.has_lbi = r->has_lbi;
	a.lbi = r->lbi;
	for (size_t i = 0; i < r->n_ebi; i++) {
		a.bearer[i].ebi = r->ebi[i];
		a.bearer[i].cause.value =
			p->b[r->ebi[i]].there ? S5_ACCEPTED : S5_CONTEXT_NOT_FOUND;
		p->b[r->ebi[i]].there = false;
		rig.deleted++;
	}
	a.n_bearer = r->n_ebi;
	rig_respond(t, S5_DELETE_BEARER_RESPONSE, p->pgw_teid, &a);
	if (r->has_lbi)
		p->n = 0;
}

static inline void rig_serve_sgw(struct xchg_token *t, const uint8_t *p, size_t n)
{
	static union s5_any q;
	struct tlv_error e;
	struct tlv_hdr h;
	struct rig_pdn *pdn;
	uint8_t buf[128];
	struct tlv_buf b = TLV_BUF(buf);

	if (s5_decode(p, n, &h, &q, &e))
		fail_msg("SGW cannot read message %u: cause %u %s", p[1], e.cause, e.name);
	pdn = rig_pdn_by_teid(h.id);
	if (!pdn) {
		assert_int_equal(s5_encode_refusal(
					 h.type, 0,
					 (struct s5_cause_ie){ .value = S5_CONTEXT_NOT_FOUND }, &b),
				 0);
		gtpc_respond(t, b.p, b.n);
	} else if (h.type == S5_CREATE_BEARER_REQUEST) {
		rig_on_create(t, pdn, &q.create_bearer_request);
	} else if (h.type == S5_UPDATE_BEARER_REQUEST) {
		rig_on_update(t, pdn, &q.update_bearer_request);
	} else {
		assert_int_equal(h.type, S5_DELETE_BEARER_REQUEST);
		rig_on_delete(t, pdn, &q.delete_bearer_request);
	}
}

static inline void rig_sgw_request(void *arg _unused_, struct xchg_token *t,
				   const struct xchg_msg *m)
{
	if (!rig.hold) {
		rig_serve_sgw(t, m->p, m->n);
		return;
	}
	assert_null(rig.held);
	rig.held = t;
	rig.held_type = m->hdr->type;
	rig.held_p = malloc(m->n);
	rig.held_n = m->n;
	memcpy(rig.held_p, m->p, m->n);
}

/* Answers what was held back. */
static inline void rig_release(void)
{
	struct xchg_token *t = rig.held;

	rig.hold = false;
	rig.held = NULL;
	if (t)
		rig_serve_sgw(t, rig.held_p, rig.held_n);
	free(rig.held_p);
	rig.held_p = NULL;
}

static inline void rig_sgw_done(void *arg, const struct xchg_msg *m)
{
	static union s5_any a;
	struct rig_pdn *p = arg;
	struct tlv_error e;

	rig.last_answer = 0;
	if (!m || s5_decode(m->p, m->n, NULL, &a, &e))
		return;
	rig.last_answer = m->hdr->type;
	if (m->hdr->type == S5_CREATE_SESSION_RESPONSE) {
		if (a.create_session_response.cause.value >= 64) {
			p->n = 0;
			return;
		}
		p->pgw_teid = a.create_session_response.pgw.teid;
		p->b[5].pgw_teid = a.create_session_response.bearer[0].s5u_pgw.teid;
		p->b[5].there = true;
	} else if (m->hdr->type == S5_DELETE_SESSION_RESPONSE) {
		p->n = 0;
	}
}

static inline void rig_from_sgw(struct rig_pdn *p, enum s5_message type, const void *m)
{
	static uint8_t buf[16384];
	struct tlv_buf b = TLV_BUF(buf);
	struct sockaddr_storage to;

	rig_addr(&to, RIG_SMF, GTPC_PORT);
	assert_int_equal(s5_encode(type, p->pgw_teid, m, &b), 0);
	assert_int_equal(gtpc_request(rig.sgw, &to, b.p, b.n, rig_sgw_done, p, NULL), 0);
}

/* What p's node says to get a PDN connection for user n. */
static inline void rig_ask(struct s5_create_session_request *r, const struct rig_pdn *p,
			   unsigned int n, uint32_t ip)
{
	s5_init(S5_CREATE_SESSION_REQUEST, r);
	r->has_imsi = r->has_msisdn = r->has_mei = r->has_serving_network = r->has_paa =
		r->has_ambr = r->has_selection_mode = r->has_uli = r->has_indication =
			r->has_time_zone = true;
	snprintf(r->imsi.s, sizeof(r->imsi.s), "00101%010u", n);
	snprintf(r->msisdn.s, sizeof(r->msisdn.s), "1555%07u", n);
	snprintf(r->mei.s, sizeof(r->mei.s), "3534900698%06u", n);
	r->serving_network = (struct tlv_plmn){ "001", "01" };
	r->uli = (struct s5_uli){ .has_tai = true, .has_ecgi = true };
	r->uli.tai.plmn = r->uli.ecgi.plmn = r->serving_network;
	r->uli.tai.tac = 7;
	r->uli.ecgi.eci = 0x101;
	r->time_zone.quarters = -14;
	r->rat_type = S5_RAT_EUTRAN;
	r->sender = rig_fteid(S5_IF_S5C_SGW, p->teid, ip);
	str_copy(r->apn.s, sizeof(r->apn.s), STR("ims"));
	r->paa.type = S5_PDN_IPV4V6;
	r->indication.daf = true;
	r->ambr = p->ambr;
	r->n_bearer = 1;
	r->bearer[0].ebi = 5;
	r->bearer[0].has_s5u_sgw = true;
	r->bearer[0].s5u_sgw = rig_fteid(S5_IF_S5U_SGW, p->b[5].teid, ip);
	r->bearer[0].qos = (struct s5_qos){ .arp = { 9, true, true }, .qci = 5 };
}

/* User n asks for a PDN connection. */
static inline struct rig_pdn *rig_create(unsigned int n)
{
	static struct s5_create_session_request r;
	struct rig_pdn *p = &rig.pdn[n % RIG_PDNS];

	*p = (struct rig_pdn){ .n = n, .teid = ++rig.next_teid, .ambr = { 50000, 100000 } };
	p->b[5].teid = ++rig.next_teid;
	rig_ask(&r, p, n, RIG_SGW);
	p->b[5].qos = r.bearer[0].qos;
	rig_from_sgw(p, S5_CREATE_SESSION_REQUEST, &r);
	return p;
}

static inline void rig_detach(struct rig_pdn *p)
{
	struct s5_delete_session_request r;

	s5_init(S5_DELETE_SESSION_REQUEST, &r);
	r.has_lbi = true;
	r.lbi = 5;
	rig_from_sgw(p, S5_DELETE_SESSION_REQUEST, &r);
}

/* --- the UPF --- */

static union sx_any rig_sx_q, rig_sx_a;

static inline struct rig_object *rig_find(struct rig_session *s, uint8_t type, uint32_t id)
{
	for (size_t i = 0; i < s->n; i++)
		if (s->o[i].type == type && s->o[i].id == id)
			return &s->o[i];
	return NULL;
}

static inline struct rig_object *rig_new(struct rig_session *s, uint8_t type, uint32_t id)
{
	struct rig_object *o = &s->o[s->n++];

	assert_true(s->n < ARRAY_SIZE(s->o));
	if (rig_find(s, type, id) != o && rig_find(s, type, id))
		fail_msg("UPF: rule type %u id %u created twice", type, id);
	*o = (struct rig_object){ .type = type, .id = id };
	return o;
}

static inline struct rig_object *rig_old(struct rig_session *s, uint8_t type, uint32_t id)
{
	struct rig_object *o = rig_find(s, type, id);

	if (!o)
		fail_msg("UPF: there is no rule type %u id %u", type, id);
	return o;
}

static inline void rig_drop(struct rig_session *s, uint8_t type, uint32_t id)
{
	*rig_old(s, type, id) = s->o[s->n - 1];
	s->n--;
}

static inline void rig_pdi(struct rig_object *o, const struct sx_pdi *pdi, uint32_t chosen[256])
{
	o->up = pdi->source == SX_ACCESS;
	o->n_sdf = pdi->n_sdf;
	o->interface_type = pdi->has_source_type ? pdi->source_type : -1;
	assert_true(pdi->has_ue_ip && pdi->ue_ip.sd == !o->up);
	if (!o->up)
		return;
	assert_true(pdi->has_fteid);
	if (!pdi->fteid.ch) {
		o->teid = pdi->fteid.teid;
		return;
	}
	assert_true(rig.ftup);
	if (!chosen[pdi->fteid.choose_id])
		chosen[pdi->fteid.choose_id] = ++rig.next_teid;
	o->teid = chosen[pdi->fteid.choose_id];
}

#define RIG_PDR(o, q)                                          \
	do {                                                   \
		struct rig_object *x_ = (o);                   \
		rig_pdi(x_, &(q)->pdi, chosen);                \
		x_->far = (q)->far_id;                         \
		x_->precedence = (q)->precedence;              \
		x_->n_qer = (q)->n_qer_id;                     \
		memcpy(x_->qer, (q)->qer_id, sizeof(x_->qer)); \
	} while (0)
#define RIG_FAR(o, q)                                                           \
	do {                                                                    \
		struct rig_object *x_ = (o);                                    \
		x_->forw = (q)->action.forw;                                    \
		x_->up = (q)->forwarding.destination == SX_CORE;                \
		x_->creation = (q)->forwarding.creation;                        \
		x_->interface_type = (q)->forwarding.has_destination_type       \
					     ? (q)->forwarding.destination_type \
					     : -1;                              \
	} while (0)
#define RIG_QER(o, q)                        \
	do {                                 \
		struct rig_object *x_ = (o); \
		x_->gate = (q)->gate;        \
		x_->mbr_ul = (q)->mbr.ul;    \
		x_->gbr_ul = (q)->gbr.ul;    \
	} while (0)
#define RIG_CREATE(s, q)                                                            \
	do {                                                                        \
		for (size_t i = 0; i < (q)->n_create_pdr; i++)                      \
			RIG_PDR(rig_new(s, SX_RULE_PDR, (q)->create_pdr[i].id),     \
				&(q)->create_pdr[i]);                               \
		for (size_t i = 0; i < (q)->n_create_far; i++)                      \
			RIG_FAR(rig_new(s, SX_RULE_FAR, (q)->create_far[i].id),     \
				&(q)->create_far[i]);                               \
		for (size_t i = 0; i < (q)->n_create_qer; i++)                      \
			RIG_QER(rig_new(s, SX_RULE_QER, (q)->create_qer[i].id),     \
				&(q)->create_qer[i]);                               \
		for (size_t i = 0; i < (q)->n_create_urr; i++)                      \
			rig_new(s, SX_RULE_URR, (q)->create_urr[i].id)->threshold = \
				(q)->create_urr[i].volume_threshold.total;          \
	} while (0)
/* In the answer: F-TEIDs of the PDRs that are new. */
#define RIG_CREATED(s, q, a)                                                                    \
	do {                                                                                    \
		for (size_t i = 0; i < (q)->n_create_pdr; i++) {                                \
			struct rig_object *o_ = rig_old(s, SX_RULE_PDR, (q)->create_pdr[i].id); \
			struct sx_created_pdr *c_ = &(a)->created_pdr[(a)->n_created_pdr];      \
			if (!o_->up || !(q)->create_pdr[i].pdi.fteid.ch)                        \
				continue;                                                       \
			(a)->n_created_pdr++;                                                   \
			c_->id = (uint16_t)o_->id;                                              \
			c_->has_fteid = true;                                                   \
			c_->fteid = (struct sx_fteid){ .v4 = true,                              \
						       .teid = o_->teid,                        \
						       .ip4.s_addr = htonl(RIG_UPF) };          \
		}                                                                               \
	} while (0)

static inline void rig_check_session(struct rig_session *s)
{
	for (size_t i = 0; i < s->n; i++) {
		const struct rig_object *o = &s->o[i];

		if (o->type != SX_RULE_PDR)
			continue;
		if (rig_old(s, SX_RULE_FAR, o->far)->forw)
			assert_int_equal(rig_old(s, SX_RULE_FAR, o->far)->up, o->up);
		else
			assert_int_equal(o->n_qer, o->id > SMF_N4_GUARD ? 0 : o->n_qer);
		for (size_t k = 0; k < o->n_qer; k++)
			rig_old(s, SX_RULE_QER, o->qer[k]);
	}
}

static inline void rig_sx_respond(struct xchg_token *t, enum sx_message type, uint64_t seid)
{
	static uint8_t buf[32768];
	struct tlv_buf b = TLV_BUF(buf);

	assert_int_equal(sx_encode(type, seid, &rig_sx_a, &b), 0);
	assert_int_equal(pfcp_respond(t, b.p, b.n), 0);
}

static inline struct sx_node_id rig_node(void)
{
	return (struct sx_node_id){ .type = SX_NODE_IPV4, .ip4.s_addr = htonl(RIG_UPF) };
}

/* 8.2.101: the IMSI that rig_create() gives. */
static inline void rig_check_user(const struct sx_session_establishment_request *q)
{
	assert_true(q->has_user_id);
	assert_int_equal(q->user_id.imsi.n, 8);
	assert_memory_equal(q->user_id.imsi.p, "\x00\x01\x01\x00\x00\x00\x00", 7);
	assert_int_equal((uint8_t)q->user_id.imsi.p[7] >> 4, 0xf);
	assert_true(q->user_id.msisdn.n && q->user_id.imei.n);
}

static inline void rig_establish(struct xchg_token *t,
				 const struct sx_session_establishment_request *q)
{
	struct sx_session_establishment_response *a = &rig_sx_a.session_establishment_response;
	struct rig_session *s = NULL;
	uint32_t chosen[256] = { 0 };

	sx_init(SX_SESSION_ESTABLISHMENT_RESPONSE, a);
	a->node_id = rig_node();
	a->cause = !rig.associated  ? SX_NO_ASSOCIATION
		   : rig.upf_refuse ? rig.upf_refuse
				    : SX_ACCEPTED;
	for (int i = 0; i < RIG_PDNS; i++) /* as kims-upf: one session of a CP F-SEID */
		if (rig.session[i].cp_seid == q->cp_fseid.seid)
			rig.session[i].up_seid = 0;
	for (int i = 0; i < RIG_PDNS && !s; i++)
		if (!rig.session[i].up_seid)
			s = &rig.session[i];
	assert_non_null(s);
	if (a->cause == SX_ACCEPTED) {
		*s = (struct rig_session){ .up_seid = ++rig.next_seid,
					   .cp_seid = q->cp_fseid.seid };
		RIG_CREATE(s, q);
		RIG_CREATED(s, q, a);
		rig_check_session(s);
		rig_check_user(q);
		a->has_up_fseid = true;
		a->up_fseid = (struct sx_fseid){ .seid = s->up_seid,
						 .v4 = true,
						 .ip4.s_addr = htonl(RIG_UPF) };
		rig.established++;
		rig.restored += q->has_sereq_flags;
	}
	rig_sx_respond(t, SX_SESSION_ESTABLISHMENT_RESPONSE, q->cp_fseid.seid);
}

static inline struct rig_session *rig_session_by_seid(uint64_t seid)
{
	for (int i = 0; i < RIG_PDNS; i++)
		if (seid && rig.session[i].up_seid == seid)
			return &rig.session[i];
	return NULL;
}

static inline void rig_change(struct rig_session *s,
			      const struct sx_session_modification_request *q)
{
	uint32_t chosen[256] = { 0 };

	for (size_t i = 0; i < q->n_remove_pdr; i++)
		rig_drop(s, SX_RULE_PDR, q->remove_pdr[i].id);
	for (size_t i = 0; i < q->n_remove_far; i++)
		rig_drop(s, SX_RULE_FAR, q->remove_far[i].id);
	for (size_t i = 0; i < q->n_remove_qer; i++)
		rig_drop(s, SX_RULE_QER, q->remove_qer[i].id);
	for (size_t i = 0; i < q->n_remove_urr; i++)
		rig_drop(s, SX_RULE_URR, q->remove_urr[i].id);
	for (size_t i = 0; i < q->n_update_pdr; i++)
		RIG_PDR(rig_old(s, SX_RULE_PDR, q->update_pdr[i].id), &q->update_pdr[i]);
	for (size_t i = 0; i < q->n_update_far; i++) {
		RIG_FAR(rig_old(s, SX_RULE_FAR, q->update_far[i].id), &q->update_far[i]);
		rig.end_markers += q->update_far[i].forwarding.smreq_flags.sndem;
	}
	for (size_t i = 0; i < q->n_update_qer; i++)
		RIG_QER(rig_old(s, SX_RULE_QER, q->update_qer[i].id), &q->update_qer[i]);
	for (size_t i = 0; i < q->n_update_urr; i++)
		rig_old(s, SX_RULE_URR, q->update_urr[i].id)->threshold =
			q->update_urr[i].volume_threshold.total;
	RIG_CREATE(s, q);
	rig_check_session(s);
}

#define RIG_THERE(s, q, list, kind, there)                                             \
	for (size_t i = 0; i < (q)->n_##list; i++)                                     \
		if ((rig_find(s, SX_RULE_##kind, (q)->list[i].id) != NULL) != (there)) \
	return false
#define RIG_RULES_THERE(s, q, what, there)       \
	RIG_THERE(s, q, what##_pdr, PDR, there); \
	RIG_THERE(s, q, what##_far, FAR, there); \
	RIG_THERE(s, q, what##_qer, QER, there); \
	RIG_THERE(s, q, what##_urr, URR, there)

/* What a UPF can do: nothing new that is there, nothing old that is not. */
static inline bool rig_fits(struct rig_session *s, const struct sx_session_modification_request *q)
{
	RIG_RULES_THERE(s, q, remove, true);
	RIG_RULES_THERE(s, q, update, true);
	RIG_RULES_THERE(s, q, create, false);
	return true;
}

static inline void rig_modify(struct xchg_token *t, struct rig_session *s,
			      const struct sx_session_modification_request *q)
{
	struct sx_session_modification_response *a = &rig_sx_a.session_modification_response;

	sx_init(SX_SESSION_MODIFICATION_RESPONSE, a);
	a->cause = !rig.associated		     ? SX_NO_ASSOCIATION
		   : !s				     ? SX_SESSION_NOT_FOUND
		   : rig.upf_refuse		     ? rig.upf_refuse
		   : rig.upf_lied && !rig_fits(s, q) ? SX_RULE_FAILURE
						     : SX_ACCEPTED;
	if (a->cause == SX_ACCEPTED) {
		rig_change(s, q);
		RIG_CREATED(s, q, a);
		rig.modified++;
	}
	rig_sx_respond(t, SX_SESSION_MODIFICATION_RESPONSE, s ? s->cp_seid : 0);
}

static inline void rig_remove(struct xchg_token *t, struct rig_session *s)
{
	struct sx_session_deletion_response *a = &rig_sx_a.session_deletion_response;
	uint64_t cp = s ? s->cp_seid : 0;

	sx_init(SX_SESSION_DELETION_RESPONSE, a);
	a->cause = s ? SX_ACCEPTED : SX_SESSION_NOT_FOUND;
	for (size_t i = 0; s && i < s->n; i++)
		if (s->o[i].type == SX_RULE_URR) {
			struct sx_usage_report *u = &a->usage_report[a->n_usage_report++];

			u->urr_id = s->o[i].id;
			u->seqn = 1;
			u->trigger.termr = true;
			u->has_volume = u->volume.has_total = true;
			u->volume.total = 1000;
		}
	if (s) {
		s->up_seid = 0;
		rig.removed++;
	}
	rig_sx_respond(t, SX_SESSION_DELETION_RESPONSE, cp);
}

static inline void rig_associate(struct xchg_token *t, const struct sx_association_setup_request *q)
{
	struct sx_association_setup_response *a = &rig_sx_a.association_setup_response;

	sx_init(SX_ASSOCIATION_SETUP_RESPONSE, a);
	a->node_id = rig_node();
	a->cause = SX_ACCEPTED;
	rig.associated = true;
	a->recovery_ts = pfcp_recovery_ts(rig.upf);
	a->has_asrsp_flags = true;
	a->asrsp_flags = q->has_retention;
	if (!q->has_retention)
		memset(rig.session, 0, sizeof(rig.session));
	a->has_up_features = true;
	a->up_features.ftup = rig.ftup;
	rig_sx_respond(t, SX_ASSOCIATION_SETUP_RESPONSE, 0);
}

static inline void rig_let_go(struct xchg_token *t)
{
	sx_init(SX_ASSOCIATION_RELEASE_RESPONSE, &rig_sx_a);
	rig_sx_a.association_release_response.node_id = rig_node();
	rig_sx_a.association_release_response.cause = SX_ACCEPTED;
	rig.released++;
	rig_sx_respond(t, SX_ASSOCIATION_RELEASE_RESPONSE, 0);
}

static inline void rig_upf_request(void *arg _unused_, struct xchg_token *t,
				   const struct xchg_msg *m, struct pfcp_peer *peer _unused_)
{
	struct rig_session *s = rig_session_by_seid(m->hdr->id);
	struct tlv_error e;

	if (sx_decode(m->p, m->n, NULL, &rig_sx_q, &e))
		fail_msg("UPF cannot read message %u: cause %u %s", m->hdr->type, e.cause, e.name);
	switch (m->hdr->type) {
	case SX_ASSOCIATION_SETUP_REQUEST:
		rig_associate(t, &rig_sx_q.association_setup_request);
		break;
	case SX_SESSION_ESTABLISHMENT_REQUEST:
		rig_establish(t, &rig_sx_q.session_establishment_request);
		break;
	case SX_SESSION_MODIFICATION_REQUEST:
		rig_modify(t, s, &rig_sx_q.session_modification_request);
		break;
	case SX_SESSION_DELETION_REQUEST:
		rig_remove(t, s);
		break;
	case SX_ASSOCIATION_RELEASE_REQUEST:
		rig_let_go(t);
		break;
	default:
		fail_msg("UPF: message %u", m->hdr->type);
	}
}

static inline void rig_upf_open(uint32_t recovery_ts)
{
	static const struct pfcp_ops ops = { .request = rig_upf_request };
	struct pfcp_conf c = { .send = rig_send,
			       .send_arg = (void *)RIG_TO_SMF_PFCP,
			       .heartbeat_s = 3600,
			       .recovery_ts = recovery_ts };

	rig.associated = false;
	assert_int_equal(pfcp_open(rig.loop, &c, &ops, NULL, &rig.upf), 0);
}

static inline void rig_upf_done(void *arg _unused_, const struct xchg_msg *m)
{
	rig.last_answer = m ? m->hdr->type : 0;
}

/* Its sessions are to end, and then the association; period 0: at once. */
static inline void rig_upf_leaves(uint8_t period)
{
	static struct sx_association_update_request r;
	uint8_t buf[256];
	struct tlv_buf b = TLV_BUF(buf);
	struct sockaddr_storage to;

	sx_init(SX_ASSOCIATION_UPDATE_REQUEST, &r);
	r.node_id = rig_node();
	r.has_release = r.release.sarr = true;
	r.has_graceful = period;
	r.graceful = (struct tlv_timer){ .value = period };
	rig_addr(&to, RIG_SMF, PFCP_PORT);
	assert_int_equal(sx_encode(SX_ASSOCIATION_UPDATE_REQUEST, 0, &r, &b), 0);
	assert_int_equal(pfcp_request(rig.upf, &to, b.p, b.n, rig_upf_done, NULL, NULL), 0);
}

static inline void rig_from_upf(struct rig_session *s, const struct sx_session_report_request *r)
{
	static uint8_t buf[4096];
	struct tlv_buf b = TLV_BUF(buf);
	struct sockaddr_storage to;

	rig_addr(&to, RIG_SMF, PFCP_PORT);
	assert_int_equal(sx_encode(SX_SESSION_REPORT_REQUEST, s->cp_seid, r, &b), 0);
	assert_int_equal(pfcp_request(rig.upf, &to, b.p, b.n, rig_upf_done, NULL, NULL), 0);
}

/* --- the PCRF, in place of lib/diameter/call.c --- */

static uint8_t rig_struct[sizeof(struct gx_ccr) + sizeof(struct gx_cca) + sizeof(struct gx_rar)];

static inline struct ie_env rig_env(struct str session, const char *from)
{
	return (struct ie_env){ .rules = ie_env_auth_rules,
				.session_id = session,
				.origin_host = str_of(from),
				.origin_realm = STR("realm"),
				.dest_realm = STR("realm"),
				.auth_app = GX_APP_ID,
				.auth_session_state = -1 };
}

/* Through the encoder: *ret_buf is the owner of what the struct's views point to. */
static inline void rig_gx(const struct ie_command *cmd, const struct ie_env *env, const void *in,
			  struct ie_env *ret_env, void *ret, struct ie_buf *ret_buf)
{
	struct ie_header h = {
		.code = cmd->code, .app = GX_APP_ID, .hop_by_hop = 1, .end_to_end = 1
	};
	struct ie_error e;

	*ret_buf = (struct ie_buf){ 0 };
	h.flags = cmd->request ? IE_FLAG_REQUEST : 0;
	assert_int_equal(ie_encode(cmd, &h, env, in, NULL, ret_buf), 0);
	rig_dump(rig_dia, ret_buf->p, ret_buf->n);
	if (ie_decode(cmd, &pcc_dict, ret_buf->p, ret_buf->n, ret_env, ret, &e))
		fail_msg("%s cannot be read: %d %s", cmd->name, e.result, e.avp ? e.avp->name : "");
}

struct str dia_session_id(struct dia *d _unused_, const struct dia_app *app _unused_, char *dst)
{
	return (struct str){ dst, (size_t)sprintf(dst, "smf.realm;1;%u;gx", ++rig.sids) };
}

int dia_serve(struct dia *d _unused_, const struct dia_app *app _unused_, dia_serve_fn fn,
	      void *arg)
{
	rig.serve = fn;
	rig.serve_arg = arg;
	return 0;
}

static inline struct rig_policy *rig_policy(struct str id)
{
	for (int i = 0; i < RIG_PDNS; i++)
		if (id.n && str_eqz(id, rig.policy[i].id))
			return &rig.policy[i];
	return NULL;
}

static inline struct rig_policy *rig_policy_new(struct str id)
{
	for (int i = 0; i < RIG_PDNS; i++)
		if (!*rig.policy[i].id) {
			rig.policy[i] = (struct rig_policy){ 0 };
			str_copy(rig.policy[i].id, sizeof(rig.policy[i].id), id);
			return &rig.policy[i];
		}
	fail_msg("too many Gx sessions");
	return NULL;
}

static inline void rig_forget_rule(struct rig_policy *y, struct str name)
{
	for (size_t i = 0; i < y->n_rules; i++)
		if (str_eqz(name, y->rule[i])) {
			memmove(y->rule[i], y->rule[y->n_rules - 1], sizeof(y->rule[0]));
			y->n_rules--;
			return;
		}
}

static inline void rig_take_reports(struct rig_policy *y, const struct gx_rule_report *r, size_t n)
{
	for (size_t i = 0; i < n; i++)
		for (size_t k = 0; k < r[i].n_name; k++)
			if (r[i].status == GX_RULE_INACTIVE)
				rig_forget_rule(y, r[i].name[k]);
}

static inline void rig_ordered(struct rig_policy *y, const struct gx_orders *o)
{
	for (size_t i = 0; i < o->n_remove; i++)
		for (size_t k = 0; k < o->remove[i].n_name; k++)
			rig_forget_rule(y, o->remove[i].name[k]);
	for (size_t i = 0; i < o->n_install; i++)
		for (size_t k = 0; k < o->install[i].n_rule; k++) {
			rig_forget_rule(y, o->install[i].rule[k].name);
			str_copy(y->rule[y->n_rules++], 32, o->install[i].rule[k].name);
			assert_true(y->n_rules < 32);
		}
}

static inline int rig_ccr(struct str id, const struct gx_ccr *r)
{
	struct rig_policy *y = rig_policy(id);

	rig.ccr = *r;
	rig.ccrs++;
	for (size_t i = 0; i < r->n_report && i < 8; i++)
		str_copy(rig.ccr_names[i], 64,
			 r->report[i].n_name	    ? r->report[i].name[0]
			 : r->report[i].n_base_name ? r->report[i].base_name[0]
						    : STR(""));
	if (r->type == GX_INITIAL_REQUEST) {
		assert_null(y);
		assert_int_equal(r->number, 0);
		if (!rig.cca_result)
			rig_policy_new(id)->number = 0;
		return rig.cca_result ? rig.cca_result : PCC_SUCCESS;
	}
	if (!y)
		return PCC_UNKNOWN_SESSION_ID;
	assert_true(r->number > y->number); /* one that got lost twice is not there */
	y->number = r->number;
	rig_take_reports(y, r->report, r->n_report);
	if (r->type == GX_TERMINATION_REQUEST)
		*y->id = '\0';
	return rig.cca_result ? rig.cca_result : PCC_SUCCESS;
}

int dia_request(struct dia *d _unused_, const struct dia_app *app, const struct ie_command *cmd,
		const struct dia_to *to, const void *r, struct dia_done done)
{
	struct ie_env env = rig_env(to->session_id, "smf.realm"), got;
	static struct gx_ccr ccr;
	struct ie_buf b;
	static struct gx_cca a;

	assert_ptr_equal(app, &gx_app);
	assert_ptr_equal(cmd, &gx_ccr_cmd);
	rig_gx(cmd, &env, r, &got, &ccr, &b);
	ie_init(&gx_cca_cmd, &a);
	a.type = ccr.type;
	a.number = ccr.number;
	if (rig.ccr_lost > 0 && rig.ccr_lost--)
		a.result = DIA_TIMEOUT;
	else
		a.result = rig_ccr(got.session_id, &ccr);
	if (a.result == PCC_SUCCESS && rig.orders && a.type != GX_TERMINATION_REQUEST) {
		a.orders = *rig.orders;
		rig_ordered(rig_policy(got.session_id), rig.orders);
		rig.orders = NULL;
	}
	free(b.p);
	if (a.result < 0) {
		rig_put(RIG_CCA, &a.result, sizeof(a.result), done);
		return 0;
	}
	env = rig_env(to->session_id, "pcrf.realm");
	rig_gx(&gx_cca_cmd, &env, &a, &got, rig_struct, &b);
	rig_put(RIG_CCA, b.p, b.n, done);
	free(b.p);
	return 0;
}

static inline void rig_cca(const struct rig_dgram *d)
{
	static struct gx_cca a;
	struct ie_env env;
	struct ie_error e;

	if (d->n == sizeof(int)) {
		ie_init(&gx_cca_cmd, &a);
		memcpy(&a.result, d->p, sizeof(int));
		d->done.fn(d->done.arg, NULL, &a);
		return;
	}
	assert_int_equal(ie_decode(&gx_cca_cmd, &pcc_dict, d->p, d->n, &env, &a, &e), 0);
	d->done.fn(d->done.arg, &env, &a);
}

int dia_answer(struct dia_token *t, const struct ie_command *cmd, const void *a,
	       const struct ie_error *failed _unused_)
{
	struct ie_env got;
	struct ie_buf b;

	assert_ptr_equal(cmd, &gx_raa_cmd);
	rig_gx(cmd, &t->env, a, &got, &t->raa, &b);
	t->result = t->raa.result;
	if (rig_policy(got.session_id))
		rig_take_reports(rig_policy(got.session_id), t->raa.report, t->raa.n_report);
	free(b.p);
	return 0;
}

/* A RAR; its RAA's result. */
static inline int rig_rar(struct rig_policy *y, const struct gx_orders *o)
{
	static struct gx_rar in, out;
	struct dia_token t = { .env = rig_env(str_of(y->id), "pcrf.realm") };
	struct ie_env env = t.env, got;
	struct ie_buf b;

	ie_init(&gx_rar_cmd, &in);
	in.re_auth_type = 0;
	in.orders = *o;
	if (rig.restore)
		in.pcscf_restoration = 0;
	rig_gx(&gx_rar_cmd, &env, &in, &got, &out, &b);
	rig_ordered(y, o);
	assert_true(rig.serve(rig.serve_arg, &t, &gx_rar_cmd, &got, &out));
	free(b.p);
	return t.result;
}

/* --- orders --- */

static inline void rig_orders(struct gx_orders *o)
{
	static struct gx_rar r;

	ie_init(&gx_rar_cmd, &r);
	*o = r.orders;
}

/* Voice-like rule: one flow both ways, another port for each. */
static inline struct gx_rule *rig_install(struct gx_orders *o, const char *name, int qci, int port)
{
	static char text[16][80];
	static unsigned int k;
	struct gx_install *in = &o->install[0];
	struct gx_rule *r = &in->rule[in->n_rule];

	if (!o->n_install) {
		o->n_install = 1;
		in->allocation_notification = -1;
	}
	gx_rule_init(r);
	in->n_rule++;
	k = (k + 1) % 16;
	snprintf(text[k], sizeof(text[0]), "permit out 17 from 10.45.0.9 %d to 10.45.0.1 %d", port,
		 port + 1);
	r->name = str_of(name);
	r->precedence = 100;
	r->flow_status = PCC_ENABLED;
	r->n_flow = 1;
	r->flow[0] = (struct gx_flow){ .description = str_of(text[k]),
				       .filter_usage = 1,
				       .direction = GX_BIDIRECTIONAL };
	r->has_qos = r->qos.has_arp = true;
	r->qos = (struct gx_qos){ .qci = qci,
				  .has_arp = true,
				  .arp = { 6, 1, 1 },
				  .mbr_ul = 64000,
				  .mbr_dl = 64000,
				  .gbr_ul = qci < 5 ? 40000 : -1,
				  .gbr_dl = qci < 5 ? 40000 : -1,
				  .ambr_ul = -1,
				  .ambr_dl = -1 };
	return r;
}

static inline void rig_uninstall(struct gx_orders *o, const char *name)
{
	o->n_remove = 1;
	o->remove[0].name[o->remove[0].n_name++] = str_of(name);
}

/* --- begin and end --- */

static inline void rig_smf_open(void)
{
	struct gtpc_conf gc = { .send = rig_send,
				.send_arg = (void *)RIG_TO_SGW,
				.restart_counter = 3 };
	struct pfcp_conf pc = { .send = rig_send,
				.send_arg = (void *)RIG_TO_UPF,
				.recovery_ts = 77,
				.heartbeat_s = 5 };
	char err[200];

	rig.smf = (struct smf){ 0 };
	assert_int_equal(smf_init(&rig.smf, rig.loop, rig.conf, err, sizeof(err)), 0);
	assert_int_equal(gtpc_open(rig.loop, &gc, &smf_s5_ops, &rig.smf, &rig.smf.gtpc), 0);
	assert_int_equal(pfcp_open(rig.loop, &pc, &smf_n4_ops, &rig.smf, &rig.smf.pfcp), 0);
	rig.smf.dia = (struct dia *)&rig;
}

static inline void rig_smf_serve(void)
{
	smf_gx_serve(&rig.smf);
	smf_n4_serve(&rig.smf);
	rig_ms(5);
}

static inline void rig_smf_close(void)
{
	smf_fini(&rig.smf);
	gtpc_close(rig.smf.gtpc);
	pfcp_close(rig.smf.pfcp);
}

static inline int rig_setup(void **state _unused_)
{
	static const struct gtpc_ops sgw_ops = { .request = rig_sgw_request };
	struct gtpc_conf gc = { .send = rig_send,
				.send_arg = (void *)RIG_TO_SMF_GTP,
				.restart_counter = 9 };
	char err[200];

	rig = (struct rig){ .ftup = true };
	rig.last = &rig.first;
	assert_int_equal(loop_new_virtual(&rig.loop), 0);
	assert_int_equal(conf_load(NULL, &rig.conf, err, sizeof(err)), 0);
	assert_int_equal(gtpc_open(rig.loop, &gc, &sgw_ops, NULL, &rig.sgw), 0);
	rig_smf_open();
	if (rig_upf_ops)
		rig_upf_ops->open();
	else
		rig_upf_open(88);
	rig_smf_serve();
	assert_true(smf_n4_ready(&rig.smf, NULL));
	return 0;
}

static inline int rig_teardown(void **state _unused_)
{
	rig_smf_close();
	gtpc_close(rig.sgw);
	pfcp_close(rig.upf);
	if (rig_upf_ops)
		rig_upf_ops->close();
	while (rig.first) {
		struct rig_dgram *d = rig.first;

		rig.first = d->next;
		if (d->link == RIG_CCA)
			free(d->done.arg);
		free(d);
	}
	free(rig.held_p);
	conf_free(rig.conf);
	loop_free(rig.loop);
	return 0;
}

/* --- does everybody agree? --- */

static inline struct smf_pdn *rig_smf_pdn(const struct rig_pdn *p)
{
	return smf_pdn_by_teid(&rig.smf, p->pgw_teid);
}

static inline struct rig_session *rig_session_of(const struct rig_pdn *p)
{
	for (int i = 0; i < RIG_PDNS; i++)
		if (rig.session[i].up_seid && rig.session[i].cp_seid == p->pgw_teid)
			return &rig.session[i];
	return NULL;
}

static inline struct rig_policy *rig_policy_of(const struct rig_pdn *p)
{
	return rig_policy(str_of(rig_smf_pdn(p)->gx->id));
}

/* Bearers of the SMF are those of the SGW. */
static inline void rig_agree_sgw(const struct rig_pdn *p, const struct smf_pdn *s)
{
	int n = 0, m = 0;

	for (const struct smf_bearer *b = s->bearers; b; b = b->next, n++) {
		const struct rig_bearer *r = &p->b[b->ebi];

		assert_int_equal(b->state, SMF_BEARER_ACTIVE);
		assert_true(r->there);
		assert_int_equal(r->pgw_teid, b->local.teid);
		assert_int_equal(r->teid, b->peer.teid);
		assert_int_equal(r->filters, b->filters);
		assert_int_equal(r->qos.qci, b->qos.qci);
		assert_int_equal(r->qos.gbr_ul, (b->qos.gbr_ul + 999) / 1000);
	}
	for (int e = 5; e < 16; e++)
		m += p->b[e].there;
	assert_int_equal(n, m);
}

/* What the UE sends by a dedicated bearer. */
static inline bool rig_is_guarded(const struct smf_rule *r)
{
	for (int i = 0; i < r->n_flow && r->bearer != r->bearer->pdn->bearers; i++)
		if (r->flow[i].n_filter && r->flow[i].direction & NAS_DIR_UL)
			return true;
	return false;
}

/* That is dropped when it comes by the default bearer. */
static inline void rig_agree_guard(const struct smf_rule *r, struct rig_session *u)
{
	const struct rig_object *o = rig_find(u, SX_RULE_PDR, SMF_N4_GUARD + r->n4_id);

	assert_int_equal(!!o, rig_is_guarded(r));
	if (!o)
		return;
	assert_int_equal(o->teid, r->bearer->pdn->bearers->local.teid);
	assert_int_equal(o->precedence, r->precedence);
	assert_true(o->up && o->n_sdf);
	assert_false(rig_old(u, SX_RULE_FAR, o->far)->forw);
}

static inline void rig_agree_pdrs(const struct smf_rule *r, struct rig_session *u)
{
	const struct rig_object *up, *down;

	up = rig_old(u, SX_RULE_PDR, 2U * r->n4_id);
	down = rig_old(u, SX_RULE_PDR, 2U * r->n4_id + 1);
	assert_int_equal(up->teid, r->bearer->local.teid);
	assert_int_equal(rig_old(u, SX_RULE_FAR, down->far)->creation.teid, r->bearer->peer.teid);
	assert_int_equal(up->n_sdf, r->n_flow);
	assert_int_equal(rig_old(u, SX_RULE_QER, r->n4_id)->gate.ul,
			 r->gate_ul ? SX_GATE_OPEN : SX_GATE_CLOSED);
	rig_agree_guard(r, u);
}

/* Rules of the SMF are those of the PCRF, and each has its packet filters at the UE and its PDRs. */
static inline void rig_agree_rules(const struct rig_policy *y, const struct smf_pdn *s,
				   struct rig_session *u)
{
	size_t n = 0;

	for (const struct smf_rule *r = s->rules; r; r = r->next, n++) {
		bool there = false;

		for (size_t i = 0; i < y->n_rules; i++)
			there |= !strcmp(y->rule[i], r->name);
		assert_true(there);
		assert_int_equal(r->state, SMF_RULE_ACTIVE);
		assert_non_null(r->bearer);
		if (u)
			rig_agree_pdrs(r, u);
		if (r->bearer != s->bearers)
			assert_int_equal(smf_rule_filters(r, NULL) & ~r->bearer->filters, 0);
	}
	assert_int_equal(n, y->n_rules);
}

static inline void rig_agree_upf(const struct smf_pdn *s, const struct rig_session *u)
{
	size_t rules = 0, bearers = 0, guards = 0, n[8] = { 0 };

	for (const struct smf_rule *r = s->rules; r; r = r->next, rules++)
		guards += rig_is_guarded(r);
	for (const struct smf_bearer *b = s->bearers; b; b = b->next)
		bearers++;
	for (size_t i = 0; i < u->n; i++)
		n[u->o[i].type]++;
	assert_int_equal(n[SX_RULE_PDR], 2 + 2 * rules + guards);
	assert_int_equal(n[SX_RULE_QER], 1 + rules);
	assert_int_equal(n[SX_RULE_FAR], 2 * bearers + (guards > 0));
}

static inline void rig_agree(const struct rig_pdn *p)
{
	struct smf_pdn *s = rig_smf_pdn(p);
	struct rig_session *u = rig_session_of(p);

	assert_non_null(s);
	assert_true(u || rig_upf_ops);
	assert_int_equal(s->fsm.state, SMF_PDN_ACTIVE);
	assert_null(s->op.call);
	rig_agree_sgw(p, s);
	rig_agree_rules(rig_policy_of(p), s, u);
	if (rig_upf_ops)
		rig_upf_ops->agree(s);
	else
		rig_agree_upf(s, u);
}

/* Nobody has anything. */
static inline void rig_empty(void)
{
	assert_int_equal(rig.smf.n_pdns, 0);
	assert_int_equal(rig.smf.n_bearers, 0);
	assert_int_equal(gtpc_calls(rig.smf.gtpc), 0);
	for (int i = 0; i < RIG_PDNS; i++) {
		if (rig_upf_ops)
			rig_upf_ops->empty();
		assert_int_equal(rig.session[i].up_seid, 0);
		assert_string_equal(rig.policy[i].id, "");
	}
}

#endif
