// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * PFCP sessions of PDN connections (TS 29.244 5.2, 6.3, 7.5; TS 23.214 6.3): what bearers and rules want of the
 * UPF against what it is known to have.
 *
 * Wanted are objects: PDR, FAR, QER, URR, each with an id and a hash of all that it says (n4_rules.c). A request
 * carries the difference to the known ones; when it is accepted they are as they were wanted then.
 *
 * Invariants: one request under way for a session; a session at the UPF that we may have belongs to a struct smf_n4, which
 * stays until its deletion is answered or CLOSE_TRIES requests were not; every bearer with an uplink PDR has a tunnel endpoint when SMF_PDN_EV_N4_OK comes.
 */
#include <arpa/inet.h>
#include <stdio.h>

#include "lib/core/log.h"
#include "lib/core/metrics.h"
#include "lib/core/sbuf.h"
#include "smf/n4.h"

enum { CLOSE_TRIES = 5 }; /* each is repeated N1 times; all of it is less than the PDN connection waits */

METRIC_COUNTER(m_est, "kims_smf_pfcp_established_total", "PFCP sessions established");
METRIC_COUNTER(m_mod, "kims_smf_pfcp_modified_total", "PFCP session modifications sent");
METRIC_COUNTER(m_fail, "kims_smf_pfcp_failed_total",
	       "PFCP session requests refused or without an answer");
METRIC_COUNTER(m_restored, "kims_smf_pfcp_restored_total",
	       "PFCP sessions set up again after a restart of the UPF");

void smf_n4_metrics(void)
{
	struct metric *all[] = { &m_est, &m_mod, &m_fail, &m_restored };

	for (size_t i = 0; i < ARRAY_SIZE(all); i++)
		metric_register(all[i]);
}

/* Without FTUP (TS 29.244 5.5.2) the UPF's address for user data is taken to be the one for PFCP. */
static void choose_fteids(struct smf_n4 *n)
{
	struct smf_upf *u = n->upf;
	struct in6_addr ip;

	if (u->features.ftup)
		return;
	for (struct smf_bearer *b = n->pdn->bearers; b; b = b->next) {
		if (b->local.teid)
			continue;
		b->local = (struct s5_fteid){ .iface = S5_IF_S5U_PGW, .teid = u->next_teid++ };
		if (!u->next_teid)
			u->next_teid = 1;
		b->local.v4 = u->addr.ss_family == AF_INET;
		b->local.v6 = !b->local.v4;
		xchg_ip(&u->addr, &ip);
		b->local.ip6 = b->local.v6 ? ip : in6addr_any;
		if (b->local.v4)
			memcpy(&b->local.ip4, &ip.s6_addr[12], 4);
	}
}

/* --- what comes back --- */

/* The event may end the connection: n is not to be used after it. */
static void tell(struct smf_n4 *n, int event)
{
	struct s5_cause_ie c = { .value = n->cause };
	struct smf_pdn *p = n->pdn;

	n->wanted = false;
	n->cause = 0;
	fsm_event(&p->fsm, event, event == SMF_PDN_EV_N4_FAILED ? &c : NULL);
}

static void soon(struct smf_n4 *n)
{
	timer_start(n->pdn->smf->loop, &n->soon, 0);
}

static void advance(struct smf_n4 *n);

static void on_soon(struct timer *t)
{
	struct smf_n4 *n = container_of(t, struct smf_n4, soon);

	if (n->closing && n->state == SMF_N4_NONE)
		tell(n, SMF_PDN_EV_N4_CLOSED);
	else if (n->cause)
		tell(n, SMF_PDN_EV_N4_FAILED);
	else
		advance(n);
}

/*
 * Asking again does not mend it. An active connection without a session at the UPF ends, unless the UPF is away:
 * its return brings the session back.
 */
static void fail(struct smf_n4 *n, uint8_t cause)
{
	struct smf_pdn *p = n->pdn;
	bool gone = p->fsm.state == SMF_PDN_ACTIVE && n->state == SMF_N4_NONE;

	metric_inc(&m_fail);
	if (gone && smf_upf_ready(n->upf))
		smf_pdn_release(p, S5_REACTIVATION_REQUESTED);
	else if (n->wanted || n->closing) {
		n->cause = cause;
		soon(n);
	}
}

static void forget_known(struct smf_n4 *n)
{
	n->n_known = n->n_sent = 0;
	n->up_seid = 0;
	n->state = SMF_N4_NONE;
}

static void accept_sent(struct smf_n4 *n)
{
	struct smf_n4_object *o = n->known;

	n->known = n->sent;
	n->n_known = n->n_sent;
	n->sent = o;
	n->n_sent = 0;
	n->retries = 0;
	smf_pdn_changed(n->pdn);
}

static struct smf_bearer *bearer_of_pdr(const struct smf_pdn *p, uint16_t id)
{
	if (id / 2 == SMF_N4_DEFAULT_ID || id > SMF_N4_GUARD)
		return p->bearers;
	for (const struct smf_rule *r = p->rules; r; r = r->next)
		if (r->n4_id == id / 2)
			return r->bearer;
	return NULL;
}

static void take_created(struct smf_pdn *p, const struct sx_created_pdr *c, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		struct smf_bearer *b = c[i].has_fteid ? bearer_of_pdr(p, c[i].id) : NULL;
		const struct sx_fteid *f = &c[i].fteid;

		if (!b || b->local.teid || f->ch || !(f->v4 || f->v6))
			continue;
		b->local = (struct s5_fteid){ .iface = p->non_3gpp ? S5_IF_S2BU_PGW : S5_IF_S5U_PGW,
					      .teid = f->teid,
					      .v4 = f->v4,
					      .v6 = f->v6,
					      .ip4 = f->ip4,
					      .ip6 = f->ip6 };
	}
}

static void take_usage(struct smf_pdn *p, const struct sx_usage_report *u, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (u[i].has_volume)
			smf_gx_usage(p, u[i].urr_id, u[i].volume.total, u[i].volume.ul,
				     u[i].volume.dl);
}

static uint8_t s5_cause_for(uint8_t cause)
{
	switch (cause) {
	case SX_CONGESTION:
	case SX_NO_RESOURCES:
		return S5_NO_RESOURCES;
	case SX_ADDRESSES_OCCUPIED:
		return S5_ADDRESSES_OCCUPIED;
	}
	return S5_SYSTEM_FAILURE;
}

static union sx_any answer;

/* What the UPF says of itself in r. */
#define LEARN(u, r)                                         \
	smf_upf_learn(u, (r)->has_load ? &(r)->load : NULL, \
		      (r)->has_overload ? &(r)->overload : NULL)

static uint8_t decode(struct smf_upf *u, const struct xchg_msg *m, uint8_t type)
{
	struct tlv_error e;

	if (!m || m->hdr->type != type || sx_decode(m->p, m->n, NULL, &answer, &e))
		return 0;
	switch (type) {
	case SX_SESSION_ESTABLISHMENT_RESPONSE:
		LEARN(u, &answer.session_establishment_response);
		return answer.session_establishment_response.cause;
	case SX_SESSION_MODIFICATION_RESPONSE:
		LEARN(u, &answer.session_modification_response);
		return answer.session_modification_response.cause;
	case SX_SESSION_DELETION_RESPONSE:
		LEARN(u, &answer.session_deletion_response);
		return answer.session_deletion_response.cause;
	}
	return 0;
}

/* Every bearer that was given an uplink PDR has its F-TEID. */
static bool has_fteids(const struct smf_n4 *n)
{
	for (size_t i = 0; i < n->n_known; i++) {
		const struct smf_bearer *b;

		if (n->known[i].type != SX_RULE_PDR || n->known[i].id % 2)
			continue;
		b = bearer_of_pdr(n->pdn, (uint16_t)n->known[i].id);
		if (b && !b->local.teid)
			return false;
	}
	return true;
}

static void close_step(struct smf_n4 *n);

static void settle(struct smf_n4 *n)
{
	n->state = SMF_N4_UP;
	if (n->closing) {
		close_step(n);
	} else if (!has_fteids(n)) {
		log_notice("%s: the UPF chose no F-TEID", n->pdn->name);
		fail(n, S5_SYSTEM_FAILURE);
	} else {
		advance(n);
	}
}

static void on_established(void *arg, const struct xchg_msg *m)
{
	struct smf_n4 *n = arg;
	const struct sx_session_establishment_response *r = &answer.session_establishment_response;
	uint8_t cause = decode(n->upf, m, SX_SESSION_ESTABLISHMENT_RESPONSE);

	n->call = NULL;
	if (cause == SX_ACCEPTED && r->has_up_fseid) {
		metric_inc(n->restore ? &m_restored : &m_est);
		n->up_seid = r->up_fseid.seid;
		n->restore = n->unsure = n->doubt = false;
		accept_sent(n);
		take_created(n->pdn, r->created_pdr, r->n_created_pdr);
		settle(n);
		return;
	}
	log_notice("%s: PFCP session: %s", n->pdn->name, m ? sx_cause_name(cause) : "no answer");
	forget_known(n);
	n->doubt = !m;
	if (cause == SX_NO_ASSOCIATION)
		smf_upf_disowns(n->upf);
	if (n->closing)
		close_step(n);
	else if (cause != SX_NO_ASSOCIATION) /* else it comes with it */
		fail(n, m ? s5_cause_for(cause) : S5_PEER_NOT_RESPONDING);
}

/* Rules that the UPF does not have are to blame for a refusal that names nothing. */
static int blame(struct smf_n4 *n, const struct sx_session_modification_response *r)
{
	const struct sx_failed_rule *f = r->has_failed_rule ? &r->failed_rule : NULL;
	uint32_t id = f && f->type == SX_RULE_PDR   ? smf_n4_rule_of(f->id)
		      : f && f->type == SX_RULE_QER ? f->id
						    : 0;
	int failed = 0;

	for (struct smf_rule *x = n->pdn->rules; x; x = x->next) {
		if (!smf_n4_is_enforced(x) || !smf_rule_is_live(x))
			continue;
		if (id ? x->n4_id != id
		       : !!smf_n4_find(n->known, n->n_known, SX_RULE_QER, x->n4_id))
			continue;
		smf_rule_fail(x, r->cause == SX_NO_RESOURCES ? GX_RESOURCES_LIMITATION
							     : GX_GW_PCEF_MALFUNCTION);
		failed++;
	}
	return failed;
}

static void on_refused(struct smf_n4 *n, uint8_t cause)
{
	struct smf_pdn *p = n->pdn;

	log_notice("%s: PFCP session modification: %s", p->name, sx_cause_name(cause));
	n->state = SMF_N4_UP;
	if (cause == SX_SESSION_NOT_FOUND) {
		forget_known(n);
		n->restore = true;
		advance(n);
	} else if (n->retries++ < 3 && blame(n, &answer.session_modification_response)) {
		smf_bearers_apply(p);
		if (!n->call)
			soon(n);
	} else {
		n->unsure = true; /* from the beginning */
		fail(n, s5_cause_for(cause));
	}
}

static void on_modified(void *arg, const struct xchg_msg *m)
{
	struct smf_n4 *n = arg;
	const struct sx_session_modification_response *r = &answer.session_modification_response;
	uint8_t cause = decode(n->upf, m, SX_SESSION_MODIFICATION_RESPONSE);

	n->call = NULL;
	if (cause == SX_ACCEPTED) {
		n->end_marker = false;
		accept_sent(n);
		take_created(n->pdn, r->created_pdr, r->n_created_pdr);
		take_usage(n->pdn, r->usage_report, r->n_usage_report);
		settle(n);
	} else if (n->closing) {
		settle(n);
	} else if (cause == SX_NO_ASSOCIATION) {
		n->state = SMF_N4_UP; /* was there: it comes back with the association */
		smf_upf_disowns(n->upf);
	} else if (cause) {
		on_refused(n, cause);
	} else {
		n->state = SMF_N4_UP;
		n->unsure = true;
		log_notice("%s: no answer to PFCP session modification", n->pdn->name);
		fail(n, S5_PEER_NOT_RESPONDING);
	}
}

static void on_deleted(void *arg, const struct xchg_msg *m)
{
	const struct sx_session_deletion_response *r = &answer.session_deletion_response;
	struct smf_n4 *n = arg;

	n->call = NULL;
	if (decode(n->upf, m, SX_SESSION_DELETION_RESPONSE) == SX_ACCEPTED)
		take_usage(n->pdn, r->usage_report, r->n_usage_report);
	if (n->closing && !m) {
		n->state = SMF_N4_UP;
		close_step(n);
		return;
	}
	forget_known(n);
	n->doubt = !m;
	if (n->closing)
		tell(n, SMF_PDN_EV_N4_CLOSED);
	else
		advance(n);
}

/* --- requests --- */

static uint8_t out[65535];

static int request(struct smf_n4 *n, enum sx_message type, const void *msg, xchg_done *done)
{
	struct tlv_buf b = TLV_BUF(out);
	int e = sx_encode(type, n->up_seid, msg, &b);

	if (!e)
		e = pfcp_request(n->pdn->smf->pfcp, &n->upf->addr, b.p, b.n, done, n, &n->call);
	return e;
}

static struct sx_fseid fseid_of(const struct smf_pdn *p)
{
	const struct smf *s = p->smf;

	return (struct sx_fseid){ .seid = p->teid,
				  .v4 = s->c_v4.v4,
				  .v6 = s->c_v6.v6,
				  .ip4 = s->c_v4.ip4,
				  .ip6 = s->c_v6.ip6 };
}

/* TS 29.274 8.3: two digits an octet, the first one low, 0xf behind an odd one. */
static struct str tbcd(const char *digits, uint8_t dst[10])
{
	size_t n = 0;

	if (digits[strspn(digits, "0123456789")]) /* an MSISDN may have others; not here */
		digits = "";
	for (; *digits && n < 10; n++) {
		dst[n] = (uint8_t)(*digits++ - '0');
		dst[n] |= (uint8_t)((*digits ? *digits++ - '0' : 0xf) << 4);
	}
	return (struct str){ n ? (const char *)dst : NULL, n };
}

/* 8.2.101: by which the UPF names the session in what it shows and traces. */
static void put_user(const struct smf_pdn *p, struct sx_session_establishment_request *r)
{
	static uint8_t imsi[10], mei[10], msisdn[10];

	r->user_id = (struct sx_user_id){ .imsi = tbcd(p->imsi, imsi),
					  .imei = tbcd(p->mei, mei),
					  .msisdn = tbcd(p->msisdn, msisdn) };
	r->has_user_id = r->user_id.imsi.p || r->user_id.imei.p || r->user_id.msisdn.p;
}

static int establish(struct smf_n4 *n)
{
	const struct smf_pdn *p = n->pdn;
	struct sx_session_establishment_request *r = smf_n4_all(n);

	if (!r)
		return -ENOMEM;
	r->node_id = smf_n4_node_id(p->smf);
	r->cp_fseid = fseid_of(p);
	r->has_pdn_type = r->has_apn = true;
	r->pdn_type = p->type;
	put_user(p, r);
	str_copy(r->apn.s, sizeof(r->apn.s), str_of(p->apn_name));
	r->has_sereq_flags = n->restore; /* RESTI: F-TEIDs of before (TS 29.244 8.2.136) */
	r->sereq_flags = 1;
	n->state = SMF_N4_ESTABLISHING;
	return request(n, SX_SESSION_ESTABLISHMENT_REQUEST, r, on_established);
}

static int modify(struct smf_n4 *n)
{
	const struct sx_session_modification_request *r;
	int e = smf_n4_changes(n, &r);

	if (e <= 0)
		return e;
	metric_inc(&m_mod);
	n->state = SMF_N4_MODIFYING;
	return request(n, SX_SESSION_MODIFICATION_REQUEST, r, on_modified);
}

static void send_deletion(struct smf_n4 *n)
{
	static const struct sx_session_deletion_request r;

	n->state = SMF_N4_DELETING;
	if (!request(n, SX_SESSION_DELETION_REQUEST, &r, on_deleted))
		return;
	forget_known(n);
	soon(n);
}

/*
 * The UPF is to have nothing of it. What had no answer is asked again: a deletion, and an establishment, too, for only
 * its answer has the SEID to delete; the UPF has one session of our F-SEID, however often it is asked for.
 */
static void close_step(struct smf_n4 *n)
{
	bool there = n->state != SMF_N4_NONE;

	if ((there || n->doubt) && n->upf->peer && n->tries++ < CLOSE_TRIES) {
		if (there) {
			send_deletion(n);
			return;
		}
		choose_fteids(n);
		if (!establish(n))
			return;
	}
	forget_known(n);
	n->doubt = false;
	soon(n);
}

/* 1: something is under way; 0: the UPF has what is wanted; -errno. */
static int next_step(struct smf_n4 *n)
{
	int e;

	n->again = false;
	if (n->unsure && n->state == SMF_N4_UP) {
		n->restore = true;
		n->unsure = false;
		send_deletion(n);
		return 1;
	}
	choose_fteids(n);
	if (n->state == SMF_N4_NONE) {
		e = establish(n);
		n->state = e ? SMF_N4_NONE : n->state;
	} else {
		e = modify(n);
		n->state = e ? SMF_N4_UP : n->state;
	}
	return e ? e : n->call != NULL;
}

/* After an answer, and whenever it may be that nothing is left to do. */
static void advance(struct smf_n4 *n)
{
	int e;

	if (n->call || n->closing || !n->upf->peer) /* away: smf_n4_restore() goes on */
		return;
	e = next_step(n);
	if (e < 0)
		fail(n, S5_NO_RESOURCES);
	else if (!e)
		tell(n, SMF_PDN_EV_N4_OK);
}

/* --- for the rest of the SMF --- */

static int attach(struct smf_pdn *p, struct smf_upf *u)
{
	struct smf_n4 *n;

	if (!u)
		return -EHOSTUNREACH;
	n = calloc(1, sizeof(*n));
	if (!n)
		return -ENOMEM;
	n->pdn = p;
	n->upf = u;
	n->soon.fn = on_soon;
	n->next = u->sessions;
	n->pprev = &u->sessions;
	if (n->next)
		n->next->pprev = &n->next;
	u->sessions = n;
	u->n_sessions++;
	p->n4 = n;
	return 0;
}

bool smf_n4_ready(const struct smf *s, const struct smf_apn *apn)
{
	const struct smf_upf *u = smf_upf_choose(s);

	return u && ((apn && apn->emergency) || !smf_upf_throttles(u));
}

int smf_n4_update(struct smf_pdn *p)
{
	struct smf_n4 *n = p->n4;
	int e;

	if (!n || n->closing)
		return 0;
	if (n->call || timer_running(&n->soon)) {
		n->again = n->wanted = true;
		return 1;
	}
	if (!smf_upf_ready(n->upf))
		return 0; /* its return brings it */
	e = next_step(n);
	if (e > 0)
		n->wanted = true;
	return e;
}

int smf_n4_sync(struct smf_pdn *p)
{
	int e = p->n4 ? 0 : attach(p, smf_upf_choose(p->smf));

	if (e)
		return e;
	e = smf_n4_update(p);
	if (e < 0)
		return e;
	p->n4->wanted = true;
	if (!e)
		soon(p->n4);
	return 0;
}

void smf_n4_close(struct smf_pdn *p)
{
	struct smf_n4 *n = p->n4;

	if (!n) {
		fsm_event(&p->fsm, SMF_PDN_EV_N4_CLOSED, NULL);
		return;
	}
	if (n->closing)
		return;
	n->closing = true;
	n->wanted = false;
	if (!n->call) /* else its answer brings the deletion */
		close_step(n);
}

void smf_n4_free(struct smf_pdn *p)
{
	struct smf_n4 *n = p->n4;

	if (!n)
		return;
	pfcp_cancel(n->call);
	timer_stop(p->smf->loop, &n->soon);
	*n->pprev = n->next;
	if (n->next)
		n->next->pprev = n->pprev;
	n->upf->n_sessions--;
	smf_upf_session_gone(n->upf);
	free(n->known);
	free(n->sent);
	free(n);
	p->n4 = NULL;
}

void smf_n4_end_marker(struct smf_pdn *p)
{
	if (p->n4)
		p->n4->end_marker = true;
}

/* --- the UPF restarts --- */

void smf_n4_forget(struct smf_n4 *n)
{
	pfcp_cancel(n->call);
	n->call = NULL;
	n->restore = n->restore || n->state != SMF_N4_NONE;
	forget_known(n);
	n->doubt = false;
	if (n->closing)
		soon(n);
}

void smf_n4_restore(struct smf_n4 *n)
{
	if (!n->call && !n->closing)
		advance(n);
}

void smf_n4_resume(struct smf_n4 *n)
{
	if (!n->call && !n->closing && !timer_running(&n->soon))
		soon(n);
}

void smf_n4_give_up(struct smf_n4 *n)
{
	if (n->closing)
		soon(n);
	else
		smf_pdn_release(n->pdn, S5_REACTIVATION_REQUESTED);
}

/* --- reports (TS 29.244 5.2.2.4, 7.5.8) --- */

static bool same_endpoint(const struct s5_fteid *a, const struct sx_fteid *b)
{
	return a->teid == b->teid && ((a->v4 && b->v4 && a->ip4.s_addr == b->ip4.s_addr) ||
				      (a->v6 && b->v6 && !memcmp(&a->ip6, &b->ip6, 16)));
}

/* The SGW or ePDG has no such tunnel (TS 29.281 7.3.1, TS 23.007 22). */
static void on_error_indication(struct smf_pdn *p, const struct sx_error_indication *e)
{
	struct smf_bearer *next;

	for (size_t i = 0; i < e->n_fteid; i++)
		for (struct smf_bearer *b = p->bearers; b; b = next) {
			next = b->next;
			if (same_endpoint(&b->peer, &e->fteid[i]))
				smf_bearer_lost(b);
		}
}

static void answer_report(struct xchg_token *t, uint64_t seid, uint8_t cause)
{
	struct sx_session_report_response r = { .cause = cause };
	uint8_t buf[64];
	struct tlv_buf b = TLV_BUF(buf);

	if (sx_encode(SX_SESSION_REPORT_RESPONSE, seid, &r, &b))
		pfcp_drop(t);
	else
		pfcp_respond(t, b.p, b.n);
}

static void act_on(struct smf_pdn *p, const struct sx_session_report_request *r)
{
	if (r->type.usar)
		take_usage(p, r->usage_report, r->n_usage_report);
	if (r->type.erir && r->has_error_indication)
		on_error_indication(p, &r->error_indication);
	if (r->type.dldr)
		log_debug("%s: downlink data report", p->name); /* the PGW pages nobody */
}

void smf_n4_report(struct smf *s, struct xchg_token *t, const struct xchg_msg *m)
{
	static struct sx_session_report_request r;
	struct smf_pdn *p = smf_pdn_by_seid(s, m->hdr->id);
	struct tlv_error e;
	uint8_t buf[64];
	struct tlv_buf b = TLV_BUF(buf);

	if (!p || !p->n4 || !p->n4->up_seid ||
	    !xchg_same_ip(&p->n4->upf->addr, pfcp_token_from(t))) {
		answer_report(t, 0, SX_SESSION_NOT_FOUND);
		return;
	}
	if (sx_decode(m->p, m->n, NULL, &r, &e)) {
		if (sx_encode_refusal(SX_SESSION_REPORT_REQUEST, p->n4->up_seid, NULL, e.cause,
				      e.has_ie ? e.type : 0, &b))
			pfcp_drop(t);
		else
			pfcp_respond(t, b.p, b.n);
		return;
	}
	LEARN(p->n4->upf, &r);
	answer_report(t, p->n4->up_seid, SX_ACCEPTED);
	act_on(p, &r);
}

/* --- over a restart of this process --- */

int smf_n4_save(const struct smf_pdn *p, char *dst, size_t size)
{
	_cleanup_sbuf_ struct sbuf b = { 0 };
	const struct smf_n4 *n = p->n4;

	if (!n)
		return 0;
	sbuf_put_str(&b, (struct str){ (const char *)&n->upf->addr, sizeof(n->upf->addr) });
	sbuf_put_u64(&b, n->up_seid);
	/* what a request under way changes is not known: the session is set up anew */
	sbuf_put_u64(&b, (uint64_t)(n->doubt || n->state == SMF_N4_ESTABLISHING) << 2 |
				 (uint64_t)(n->unsure || n->state == SMF_N4_MODIFYING) << 1 |
				 n->restore);
	sbuf_put_u64(&b, n->n_known);
	for (size_t i = 0; i < n->n_known; i++) {
		sbuf_put_u64(&b, n->known[i].type);
		sbuf_put_u64(&b, n->known[i].id);
		sbuf_put_u64(&b, n->known[i].hash);
	}
	if (b.failed || 2 * b.n >= size)
		return -ENOSPC;
	hex_encode((const uint8_t *)b.p, b.n, dst);
	return (int)(2 * b.n);
}

static int load_known(struct smf_n4 *n, struct cursor *c)
{
	uint64_t flags, k;

	n->up_seid = cur_u64(c);
	flags = cur_u64(c);
	k = cur_u64(c);
	if (c->failed || k > 4096)
		return -EBADMSG;
	n->known = calloc(k + 1, sizeof(*n->known));
	if (!n->known)
		return -ENOMEM;
	n->unsure = flags >> 1 & 1;
	n->doubt = flags >> 2 & 1;
	n->restore = (flags & 1) || !n->up_seid;
	n->state = n->up_seid ? SMF_N4_UP : SMF_N4_NONE;
	for (; n->n_known < k; n->n_known++) {
		struct smf_n4_object *o = &n->known[n->n_known];

		o->type = (uint8_t)cur_u64(c);
		o->id = (uint32_t)cur_u64(c);
		o->hash = cur_u64(c);
	}
	return c->failed ? -EBADMSG : 0;
}

int smf_n4_load(struct smf_pdn *p, struct str s)
{
	_cleanup_free_ uint8_t *octets = malloc(s.n / 2 + 1);
	int len = octets ? hex_decode(s, octets, s.n / 2 + 1) : -ENOMEM, e;
	struct cursor c = { .s = { (const char *)octets, len > 0 ? (size_t)len : 0 } };
	struct sockaddr_storage addr;
	struct smf_upf *u;
	struct str a;

	if (len < 0)
		return len;
	a = cur_str(&c);
	if (c.failed || a.n != sizeof(addr))
		return -EBADMSG;
	memcpy(&addr, a.p, a.n);
	if (addr.ss_family != AF_INET && addr.ss_family != AF_INET6)
		return -EBADMSG;
	u = smf_upf_get(p->smf, &addr);
	e = u ? attach(p, u) : -ENOMEM;
	if (!e)
		e = load_known(p->n4, &c);
	if (e)
		smf_n4_free(p);
	for (const struct smf_bearer *b = p->bearers; b && u; b = b->next)
		if (b->local.teid >= u->next_teid)
			u->next_teid = b->local.teid + 1;
	return e;
}
