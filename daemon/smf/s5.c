// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * S5, S8 and S2b (TS 29.274 7.2, 7.3.14, 7.4, 7.9): requests of SGWs and ePDGs become events of PDN connections,
 * and answers. TS 23.401 5.3.2, 5.5.1, 5.3.8; TS 23.402 7, 8.6 for what they mean.
 *
 * Invariants: every token is answered or dropped once. A PDN connection has one request that waits, in
 * p->request: a newer one takes its place, the older one is refused then. Nothing is changed before all of a
 * request was looked at.
 */
#include "smf/smf.h"

#include "lib/core/log.h"
#include "lib/core/metrics.h"
#include "smf/bearer.h"

METRIC_COUNTER(m_create, "kims_smf_create_session_total", "Create Session Requests");
METRIC_COUNTER(m_modify, "kims_smf_modify_bearer_total", "Modify Bearer Requests");
METRIC_COUNTER(m_delete, "kims_smf_delete_session_total", "Delete Session Requests");
METRIC_COUNTER(m_handover, "kims_smf_handover_total", "Handovers between 3GPP and non-3GPP access");
METRIC_COUNTER(m_replaced, "kims_smf_replaced_total",
	       "PDN connections replaced by a new one of their user");
METRIC_COUNTER(m_refused, "kims_smf_refused_total", "Requests of SGWs and ePDGs that were refused");
METRIC_COUNTER(m_overload, "kims_smf_overload_total", "Create Session Requests over the bound");

void smf_s5_metrics(void)
{
	struct metric *all[] = { &m_create,   &m_modify,  &m_delete,  &m_handover,
				 &m_replaced, &m_refused, &m_overload };

	for (size_t i = 0; i < ARRAY_SIZE(all); i++)
		if (!all[i]->listed)
			metric_register(all[i]);
}

/* The request that is looked at, and the octets of what is sent. */
static union s5_any in;
static uint8_t out[8192];

/* --- answers --- */

static struct s5_cause_ie cause_ie(uint8_t value, uint8_t type, uint8_t instance)
{
	return (struct s5_cause_ie){
		.value = value, .has_ie = true, .ie_type = type, .ie_instance = instance
	};
}

static struct s5_cause_ie just(uint8_t value)
{
	return (struct s5_cause_ie){ .value = value };
}

static void refuse(struct xchg_token *t, uint8_t type, uint32_t teid, struct s5_cause_ie cause)
{
	uint8_t buf[64];
	struct tlv_buf b = TLV_BUF(buf);

	metric_inc(&m_refused);
	if (s5_encode_refusal(type, teid, cause, &b))
		gtpc_drop(t);
	else
		gtpc_respond(t, b.p, b.n);
}

/*
 * 5.5.1, TS 23.401 annex F: a Create Session Response that waits, inside one event, for the Create Bearer Request
 * that may go with it.
 */
static struct {
	const struct smf_pdn *pdn;
	struct xchg_token *token;
	uint8_t p[8192];
	size_t n;
} held;

static void respond(struct xchg_token *t, enum s5_message type, uint32_t teid, const void *msg)
{
	struct tlv_buf b = TLV_BUF(out);
	int e = s5_encode(type, teid, msg, &b);

	if (e) {
		log_err("message %u does not fit: %s", type, strerror(-e));
		gtpc_drop(t);
		return;
	}
	gtpc_respond(t, b.p, b.n);
}

void smf_s5_refuse(struct smf_pdn *p, struct s5_cause_ie cause)
{
	struct xchg_token *t = p->request;

	p->request = NULL;
	if (t)
		refuse(t, p->request_type, p->peer.teid, cause);
}

static void wait_for(struct smf_pdn *p, struct xchg_token *t, uint8_t type)
{
	smf_s5_refuse(p, just(S5_HANDOVER_IN_PROGRESS));
	p->request = t;
	p->request_type = type;
}

/* --- requests of ours --- */

int smf_s5_request(struct smf_pdn *p, enum s5_message type, const void *msg, xchg_done *done,
		   void *arg, struct xchg_call **ret_call)
{
	struct tlv_buf b = TLV_BUF(out);
	struct xchg_token *t = held.token;
	int e = s5_encode(type, p->peer.teid, msg, &b);

	if (e)
		return e;
	if (!t || held.pdn != p || type != S5_CREATE_BEARER_REQUEST)
		return gtpc_request(p->smf->gtpc, &p->to, b.p, b.n, done, arg, ret_call);
	held.token = NULL;
	return gtpc_respond_with(t, held.p, held.n, b.p, b.n, done, arg, ret_call);
}

void smf_s5_flush(void)
{
	struct xchg_token *t = held.token;

	held.token = NULL;
	if (t)
		gtpc_respond(t, held.p, held.n);
}

static void hold(const struct smf_pdn *p, struct xchg_token *t,
		 const struct s5_create_session_response *a)
{
	struct tlv_buf b = TLV_BUF(held.p);

	if (s5_encode(S5_CREATE_SESSION_RESPONSE, p->peer.teid, a, &b)) {
		gtpc_drop(t);
		return;
	}
	held.pdn = p;
	held.token = t;
	held.n = b.n;
}

static void on_deactivated(void *arg, const struct xchg_msg *answer _unused_)
{
	struct smf_pdn *p = arg;

	p->call = NULL;
	fsm_event(&p->fsm, SMF_PDN_EV_DELETED, NULL);
}

int smf_s5_deactivate(struct smf_pdn *p)
{
	static struct s5_delete_bearer_request r;

	s5_init(S5_DELETE_BEARER_REQUEST, &r);
	r.has_lbi = true;
	r.lbi = smf_pdn_default(p)->ebi;
	if (p->release_cause) {
		r.has_cause = true;
		r.cause.value = p->release_cause;
	}
	return smf_s5_request(p, S5_DELETE_BEARER_REQUEST, &r, on_deactivated, p, &p->call);
}

static void on_left(void *arg _unused_, const struct xchg_msg *answer _unused_)
{
}

void smf_s5_left(struct smf_pdn *p)
{
	static struct s5_delete_bearer_request r;
	struct tlv_buf b = TLV_BUF(out);
	struct sockaddr_storage to;

	if (!p->left.ebi || smf_fteid_addr(p->smf, &p->left.peer, GTPC_PORT, &to))
		return;
	s5_init(S5_DELETE_BEARER_REQUEST, &r);
	r.has_lbi = true;
	r.lbi = p->left.ebi;
	r.has_cause = true;
	r.cause.value = p->left.cause;
	p->left.ebi = 0;
	if (!s5_encode(S5_DELETE_BEARER_REQUEST, p->left.peer.teid, &r, &b))
		gtpc_request(p->smf->gtpc, &to, b.p, b.n, on_left, NULL, NULL);
}

/* --- F-TEIDs --- */

int smf_fteid_addr(const struct smf *s, const struct s5_fteid *f, uint16_t port,
		   struct sockaddr_storage *ret)
{
	struct conf_addr a = { .family = AF_UNSPEC };

	if (f->v4 && s->c_v4.v4)
		a = (struct conf_addr){ .family = AF_INET, .v4 = f->ip4 };
	else if (f->v6 && s->c_v6.v6)
		a = (struct conf_addr){ .family = AF_INET6, .v6 = f->ip6 };
	memset(ret, 0, sizeof(*ret));
	return conf_sockaddr(&a, port, ret) ? 0 : -EAFNOSUPPORT;
}

/* Ours for the control plane, with the addresses that the peer can use. */
static struct s5_fteid own_fteid(const struct smf_pdn *p)
{
	const struct smf *s = p->smf;
	struct s5_fteid f = { .iface = p->non_3gpp ? S5_IF_S2BC_PGW : S5_IF_S5C_PGW,
			      .teid = p->teid };

	f.v4 = s->c_v4.v4 && p->peer.v4;
	f.v6 = s->c_v6.v6 && p->peer.v6;
	f.ip4 = s->c_v4.ip4;
	f.ip6 = s->c_v6.ip6;
	return f;
}

static int set_peer(struct smf_pdn *p, const struct s5_fteid *f, int counter)
{
	p->peer = *f;
	if (smf_fteid_addr(p->smf, f, GTPC_PORT, &p->to))
		return -EAFNOSUPPORT;
	return smf_path_join(p, counter);
}

/* --- what a request says about the access --- */

/* The part of a ULI (8.21) that this bit of its first octet announces. */
static struct str uli_part(const uint8_t *uli, size_t n, unsigned int bit)
{
	static const uint8_t sizes[] = { 7, 7, 7, 5, 7, 5, 6, 6 };
	size_t at = 1;

	if (!n || !(uli[0] >> bit & 1))
		return (struct str){ NULL, 0 };
	for (unsigned int i = 0; i < bit; i++)
		at += uli[0] >> i & 1 ? sizes[i] : 0;
	if (at + sizes[bit] > n)
		return (struct str){ NULL, 0 };
	return (struct str){ (const char *)uli + at, sizes[bit] };
}

static uint64_t learn_uli(struct smf_pdn *p, const struct xchg_msg *m)
{
	enum { TAI = 3, ECGI = 4 };
	struct str v;
	const uint8_t *u;
	size_t n;
	uint64_t t = 0;

	if (!tlv_find(&tlv_gtpv2, m->p, m->n, S5_IE_ULI, 0, &v) || !v.n)
		return 0;
	u = (const uint8_t *)v.p;
	n = MIN(v.n, sizeof(p->uli));
	if (n == p->n_uli && !memcmp(u, p->uli, n))
		return 0;
	if (!str_eq(uli_part(u, n, TAI), uli_part(p->uli, p->n_uli, TAI)))
		t |= SMF_TRIGGER(GX_TAI_CHANGE);
	if (!str_eq(uli_part(u, n, ECGI), uli_part(p->uli, p->n_uli, ECGI)))
		t |= SMF_TRIGGER(GX_ECGI_CHANGE);
	memcpy(p->uli, u, n);
	p->n_uli = (uint8_t)n;
	return t | SMF_TRIGGER(GX_USER_LOCATION_CHANGE);
}

struct access {
	const uint8_t *rat;
	const struct tlv_plmn *serving;
	const struct s5_time_zone *time_zone;
};

/* Takes it over: bits of enum gx_event_trigger. */
static uint64_t learn(struct smf_pdn *p, const struct xchg_msg *m, const struct access *a)
{
	uint64_t t = learn_uli(p, m);

	if (a->rat && *a->rat != p->rat) {
		p->rat = *a->rat;
		t |= SMF_TRIGGER(GX_RAT_CHANGE);
	}
	if (a->serving && memcmp(a->serving, &p->serving, sizeof(p->serving))) {
		p->serving = *a->serving;
		t |= SMF_TRIGGER(GX_PLMN_CHANGE);
	}
	if (a->time_zone && (!p->has_time_zone || a->time_zone->quarters != p->time_zone.quarters ||
			     a->time_zone->dst != p->time_zone.dst)) {
		p->time_zone = *a->time_zone;
		p->has_time_zone = true;
		t |= SMF_TRIGGER(GX_UE_TIME_ZONE_CHANGE);
	}
	return t;
}

static void learn_csid(struct smf_csid *c, bool has, const struct s5_fq_csid *f)
{
	c->set = has && f->n;
	if (!c->set)
		return;
	c->node_type = f->node_type;
	memcpy(c->node, f->node, sizeof(c->node));
	c->csid = f->csid[0];
}

/* --- Create Session Request (7.2.1): may it be? --- */

#define CREATE const struct s5_create_session_request

static bool is_s2b(CREATE *r)
{
	return r->sender.iface == S5_IF_S2BC_EPDG;
}

static const struct s5_fteid *user_fteid(CREATE *r)
{
	const struct s5_csr_bearer *b = &r->bearer[0];

	if (is_s2b(r))
		return b->has_s2bu_epdg ? &b->s2bu_epdg : NULL;
	return b->has_s5u_sgw ? &b->s5u_sgw : NULL;
}

static bool digits_ok(const char *s, size_t min, size_t max)
{
	size_t n = strlen(s);

	return n >= min && n <= max && strspn(s, "0123456789") == n;
}

static struct s5_cause_ie check_user(CREATE *r, const struct smf_apn *apn)
{
	if (!r->has_imsi && !apn->emergency)
		return cause_ie(S5_CONDITIONAL_IE_MISSING, S5_IE_IMSI, 0);
	if (r->has_imsi && !digits_ok(r->imsi.s, 6, 15))
		return cause_ie(S5_MANDATORY_IE_INCORRECT, S5_IE_IMSI, 0);
	if (r->has_mei && !digits_ok(r->mei.s, 14, 16))
		return cause_ie(S5_MANDATORY_IE_INCORRECT, S5_IE_MEI, 0);
	if (r->has_indication && r->indication.uimsi && !apn->emergency)
		return just(S5_USER_AUTHENTICATION_FAILED);
	if (r->has_indication && r->indication.uimsi && !r->has_mei)
		return cause_ie(S5_CONDITIONAL_IE_MISSING, S5_IE_MEI, 0);
	return just(0);
}

/* TS 23.203 table 6.1.7: what a default bearer can have (TS 23.401 4.7.2.1: no GBR). */
static bool default_qci_ok(uint8_t qci)
{
	return (qci >= 5 && qci <= 9) || qci == 69 || qci == 70 || qci == 79 || qci == 80 ||
	       (qci >= 128 && qci <= 254);
}

static struct s5_cause_ie check_bearer(CREATE *r)
{
	const struct s5_csr_bearer *b = &r->bearer[0];
	const struct s5_fteid *f = user_fteid(r);
	uint8_t instance = is_s2b(r) ? 5 : 2;

	if (b->ebi < 5 || (r->has_lbi && r->lbi != b->ebi))
		return cause_ie(S5_MANDATORY_IE_INCORRECT, S5_IE_EBI, 0);
	if (!f)
		return cause_ie(S5_CONDITIONAL_IE_MISSING, S5_IE_F_TEID, instance);
	if (f->iface != (is_s2b(r) ? S5_IF_S2BU_EPDG : S5_IF_S5U_SGW) || !f->teid)
		return cause_ie(S5_MANDATORY_IE_INCORRECT, S5_IE_F_TEID, instance);
	if (!default_qci_ok(b->qos.qci) || !b->qos.arp.priority)
		return cause_ie(S5_MANDATORY_IE_INCORRECT, S5_IE_BEARER_QOS, 0);
	return just(0);
}

static struct s5_cause_ie check_access(const struct smf *s, CREATE *r)
{
	bool wlan = r->rat_type == S5_RAT_WLAN;
	struct sockaddr_storage to;

	if ((!is_s2b(r) && r->sender.iface != S5_IF_S5C_SGW) || !r->sender.teid ||
	    smf_fteid_addr(s, &r->sender, GTPC_PORT, &to))
		return cause_ie(S5_MANDATORY_IE_INCORRECT, S5_IE_F_TEID, 0);
	if (!r->rat_type || r->rat_type > S5_RAT_NR ||
	    (is_s2b(r) ? !wlan && r->rat_type != S5_RAT_VIRTUAL : wlan))
		return cause_ie(S5_MANDATORY_IE_INCORRECT, S5_IE_RAT_TYPE, 0);
	return just(0);
}

/* Overload (TS 23.401 4.3.7.4): emergencies are the last to be refused. */
static bool is_full(const struct smf *s, const struct smf_apn *apn)
{
	return s->n_pdns >= s->max_pdns + (apn->emergency ? s->max_pdns / 10 + 1 : 0);
}

static struct s5_cause_ie check_create(const struct smf *s, CREATE *r, struct smf_apn **ret)
{
	struct s5_cause_ie c = check_access(s, r);

	if (!c.value)
		c = check_bearer(r);
	if (c.value)
		return c;
	*ret = smf_apn_find(s->apns, s->n_apns, str_of(r->apn.s));
	if (!*ret)
		return just(S5_UNKNOWN_APN);
	c = check_user(r, *ret);
	if (c.value)
		return c;
	if (is_full(s, *ret)) {
		metric_inc(&m_overload);
		return just(S5_NO_RESOURCES);
	}
	return just(smf_n4_ready(s, *ret) ? 0 : S5_NO_RESOURCES);
}

/* TS 23.401 5.3.1.1: the type that is given, 0: none; *ret_cause: why it is another one. */
static uint8_t choose_type(const struct smf_apn *apn, CREATE *r, uint8_t *ret_cause)
{
	bool h4 = smf_pool_exists(&apn->pool4), h6 = smf_pool_exists(&apn->pool6);
	bool dual = (r->has_indication && r->indication.daf) || is_s2b(r);
	uint8_t asked = r->has_paa ? r->paa.type : r->pdn_type;

	*ret_cause = S5_ACCEPTED;
	switch ((enum s5_pdn_type)asked) {
	case S5_PDN_IPV4:
		return h4 ? S5_PDN_IPV4 : 0;
	case S5_PDN_IPV6:
		return h6 ? S5_PDN_IPV6 : 0;
	case S5_PDN_IPV4V6:
		if (h4 && h6 && dual)
			return S5_PDN_IPV4V6;
		*ret_cause = h4 && h6 ? S5_NEW_PDN_TYPE_SINGLE : S5_NEW_PDN_TYPE_NETWORK;
		return h4 ? S5_PDN_IPV4 : S5_PDN_IPV6;
	case S5_PDN_NON_IP:
		break;
	}
	return 0;
}

/* 7.2.1, TS 23.007 28: the message was overtaken by a newer one, or its sender has given up. */
static uint8_t too_late(const struct smf *s, const struct smf_pdn *p, CREATE *r)
{
	uint64_t now = (uint64_t)pfcp_time(loop_wall(s->loop)) * 1000;

	if (r->has_origination && r->has_max_wait && now > r->origination + r->max_wait + 1000)
		return S5_TIMED_OUT_REQUEST;
	if (p && r->has_origination && p->origination > r->origination)
		return S5_LATE_OVERLAPPING;
	return 0;
}

/* --- Create Session Request: the new PDN connection --- */

static void set_who(struct smf_pdn *p, CREATE *r, struct smf_apn *apn)
{
	p->apn = apn;
	p->emergency = apn->emergency;
	p->unauthenticated = !r->has_imsi || (r->has_indication && r->indication.uimsi);
	if (r->has_imsi)
		memcpy(p->imsi, r->imsi.s, sizeof(p->imsi));
	if (r->has_msisdn)
		memcpy(p->msisdn, r->msisdn.s, sizeof(p->msisdn));
	if (r->has_mei)
		memcpy(p->mei, r->mei.s, sizeof(p->mei));
	str_copy(p->apn_name, sizeof(p->apn_name), smf_apn_network_id(str_of(r->apn.s)));
	p->selection_mode = r->selection_mode;
	p->charging_characteristics = r->charging_characteristics;
	p->origination = r->has_origination ? r->origination : 0;
	smf_pdn_set_name(p);
}

static uint64_t set_access(struct smf_pdn *p, CREATE *r, const struct xchg_msg *m)
{
	p->non_3gpp = is_s2b(r);
	learn_csid(&p->csid[SMF_CSID_MME], r->has_mme_csid, &r->mme_csid);
	learn_csid(&p->csid[SMF_CSID_SGW], r->has_sgw_csid, &r->sgw_csid);
	learn_csid(&p->csid[SMF_CSID_EPDG], r->has_epdg_csid, &r->epdg_csid);
	p->pco = (struct smf_pco){ 0 };
	if (r->has_pco)
		smf_pco_read(&p->pco, SMF_PCO, &r->pco);
	if (r->has_apco)
		smf_pco_read(&p->pco, SMF_APCO, &r->apco);
	if (r->has_epco)
		smf_pco_read(&p->pco, SMF_EPCO, &r->epco);
	return learn(
		p, m,
		&(struct access){ .rat = &r->rat_type,
				  .serving = r->has_serving_network ? &r->serving_network : NULL,
				  .time_zone = r->has_time_zone ? &r->time_zone : NULL });
}

static void set_policy(struct smf_pdn *p, CREATE *r)
{
	const struct s5_qos *q = &r->bearer[0].qos;

	p->default_qos = (struct smf_qos){ .qci = q->qci, .arp = q->arp };
	p->ambr_ul = r->ambr.ul * UINT64_C(1000);
	p->ambr_dl = r->ambr.dl * UINT64_C(1000);
}

static struct s5_cause_ie set_bearer(struct smf_pdn *p, CREATE *r)
{
	struct smf_bearer *b = smf_bearer_new(p);

	if (!b)
		return just(S5_NO_MEMORY);
	b->ebi = r->bearer[0].ebi;
	b->state = SMF_BEARER_ACTIVE;
	b->qos = p->default_qos;
	b->peer = *user_fteid(r);
	return just(0);
}

static struct s5_cause_ie fill(struct smf_pdn *p, CREATE *r, const struct xchg_msg *m)
{
	static const struct s5_paa none;
	uint8_t cause;

	p->type = choose_type(p->apn, r, &p->cause);
	if (!p->type)
		return just(S5_PDN_TYPE_NOT_SUPPORTED);
	cause = (uint8_t)smf_pdn_address(p, r->has_paa ? &r->paa : &none);
	if (cause)
		return just(cause);
	set_access(p, r, m);
	set_policy(p, r);
	if (set_peer(p, &r->sender, r->has_recovery ? r->recovery : -1))
		return just(S5_NO_MEMORY);
	return set_bearer(p, r);
}

/* 12.3.11: what MME, SGW and ePDG say of themselves in r. */
#define LEARN_OVERLOAD(p, r)                                            \
	do {                                                            \
		if ((r)->has_mme_overload)                              \
			smf_path_overload((p), 0, &(r)->mme_overload);  \
		if ((r)->has_sgw_overload)                              \
			smf_path_overload((p), 1, &(r)->sgw_overload);  \
		if ((r)->has_epdg_overload)                             \
			smf_path_overload((p), 2, &(r)->epdg_overload); \
	} while (0)

static struct s5_cause_ie open_pdn(struct smf *s, CREATE *r, struct smf_apn *apn,
				   struct xchg_token *t, const struct xchg_msg *m)
{
	struct smf_pdn *p = smf_pdn_new(s, 0);
	struct s5_cause_ie c;

	if (!p)
		return just(S5_NO_MEMORY);
	set_who(p, r, apn);
	c = fill(p, r, m);
	if (!c.value && smf_gx_open(p))
		c = just(S5_NO_MEMORY);
	if (c.value) {
		smf_pdn_discard(p);
		return c;
	}
	smf_pdn_link(p);
	LEARN_OVERLOAD(p, r);
	wait_for(p, t, S5_CREATE_SESSION_REQUEST);
	smf_pdn_changed(p);
	return c;
}

/*
 * 7.2.1: the old one ends without a word to its SGW. Two of different types and bearers are the two halves of a UE
 * that got single addresses only (cause 19).
 */
static bool is_other_half(const struct smf_pdn *p, CREATE *r)
{
	uint8_t asked = r->has_paa ? r->paa.type : r->pdn_type;

	return smf_pdn_default(p)->ebi != r->bearer[0].ebi && asked + p->type == S5_PDN_IPV4V6;
}

static void replace(struct smf *s, const char *user, const struct smf_apn *apn, CREATE *r)
{
	struct smf_pdn *p = smf_pdn_by_user(s, user, apn, NULL), *next;

	for (; p; p = next) {
		next = smf_pdn_by_user(s, user, apn, p);
		if (is_other_half(p, r))
			continue;
		metric_inc(&m_replaced);
		fsm_event(&p->fsm, SMF_PDN_EV_DELETED, NULL);
	}
}

/* --- handover between 3GPP and non-3GPP access (TS 23.402 8.6), the address is kept --- */

static void leave_access(struct smf_pdn *p, CREATE *r)
{
	smf_s5_left(p); /* the one before, if it has not heard of it yet */
	p->left.peer = p->peer;
	p->left.ebi = smf_pdn_default(p)->ebi;
	p->left.cause = is_s2b(r) ? S5_RAT_3GPP_TO_NON_3GPP : S5_ACCESS_NON_3GPP_TO_3GPP;
	smf_bearers_cancel(p);
	smf_pdn_default(p)->state = SMF_BEARER_ACTIVE; /* its update, if there was one, with it */
	for (struct smf_bearer *b = smf_pdn_default(p)->next; b; b = b->next) {
		b->state = SMF_BEARER_WANTED; /* the new access gets them anew */
		b->ebi = 0;
		b->filters = 0;
		b->lost = false;
		b->peer = (struct s5_fteid){ 0 };
	}
	for (struct smf_rule *rule = p->rules; rule; rule = rule->next)
		rule->dirty = true;
}

static struct s5_cause_ie hand_over(struct smf_pdn *p, CREATE *r, struct xchg_token *t,
				    const struct xchg_msg *m)
{
	bool other = p->non_3gpp != is_s2b(r);
	uint64_t triggers = SMF_TRIGGER(GX_AN_GW_CHANGE);
	struct smf_bearer *b = smf_pdn_default(p);

	metric_inc(&m_handover);
	smf_s5_refuse(p, just(S5_HANDOVER_IN_PROGRESS)); /* who waits is the access that is left */
	leave_access(p, r);
	triggers |= set_access(p, r, m);
	if (other)
		triggers |= SMF_TRIGGER(GX_IP_CAN_CHANGE);
	if (set_peer(p, &r->sender, r->has_recovery ? r->recovery : -1))
		return just(S5_NO_MEMORY);
	b->ebi = r->bearer[0].ebi;
	b->peer = *user_fteid(r);
	p->cause = S5_ACCEPTED;
	p->suspended = false;
	wait_for(p, t, S5_CREATE_SESSION_REQUEST);
	if (smf_n4_sync(p)) {
		fsm_event(&p->fsm, SMF_PDN_EV_N4_FAILED, NULL);
		return just(0);
	}
	smf_gx_access_changed(p, triggers);
	smf_pdn_changed(p);
	return just(0);
}

static struct s5_cause_ie create(struct smf *s, CREATE *r, struct xchg_token *t,
				 const struct xchg_msg *m)
{
	struct smf_apn *apn = NULL;
	struct s5_cause_ie c = check_create(s, r, &apn);
	bool imsi = r->has_imsi && !(r->has_indication && r->indication.uimsi);
	const char *user = imsi ? r->imsi.s : r->mei.s;
	struct smf_pdn *p;
	uint8_t late;

	if (c.value)
		return c;
	p = smf_pdn_by_user(s, user, apn, NULL);
	late = too_late(s, p, r);
	if (late)
		return just(late);
	if (p && p->fsm.state == SMF_PDN_ACTIVE && r->has_indication && r->indication.hi)
		return hand_over(p, r, t, m);
	replace(s, user, apn, r);
	return open_pdn(s, r, apn, t, m);
}

/* Where to answer to, also when the message cannot be read. */
static uint32_t sender_teid(const struct xchg_msg *m)
{
	struct str v;
	const uint8_t *p;

	if (!tlv_find(&tlv_gtpv2, m->p, m->n, S5_IE_F_TEID, 0, &v) || v.n < 5)
		return 0;
	p = (const uint8_t *)v.p;
	return (uint32_t)p[1] << 24 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 8 | p[4];
}

static void on_create(struct smf *s, struct xchg_token *t, const struct xchg_msg *m)
{
	const struct s5_create_session_request *r = &in.create_session_request;
	struct s5_cause_ie cause;
	struct tlv_error e;

	metric_inc(&m_create);
	if (s5_decode(m->p, m->n, NULL, &in, &e) || s5_check_create_session(r, &e))
		cause = s5_cause_of(&e);
	else
		cause = create(s, r, t, m);
	if (cause.value)
		refuse(t, m->hdr->type, sender_teid(m), cause);
}

/* --- Create Session Response (7.2.2) --- */

static struct s5_paa paa_of(const struct smf_pdn *p)
{
	return (struct s5_paa){ .type = p->type, .ip6_bits = 64, .ip6 = p->v6, .ip4 = p->v4 };
}

static void put_bearer(struct smf_pdn *p, struct s5_csp_bearer *b)
{
	struct smf_bearer *d = smf_pdn_default(p);
	struct s5_fteid f = d->local;

	f.iface = p->non_3gpp ? S5_IF_S2BU_PGW : S5_IF_S5U_PGW;
	b->ebi = d->ebi;
	b->cause.value = S5_ACCEPTED;
	if (p->non_3gpp) {
		b->has_s2bu_pgw = true;
		b->s2bu_pgw = f;
	} else {
		b->has_s5u_pgw = true;
		b->s5u_pgw = f;
	}
	d->qos = p->default_qos; /* from here on the SGW knows it, and the AMBR */
	b->has_qos = b->has_charging_id = true;
	b->qos = smf_wire_qos(&d->qos);
	b->charging_id = d->charging_id;
}

static void put_pco(const struct smf_pdn *p, uint8_t room[SMF_PCO_ROOM],
		    struct s5_create_session_response *a)
{
	static struct nas_pco pco;

	smf_pco_write(&p->pco, p->apn, p->type != S5_PDN_IPV6, p->type != S5_PDN_IPV4, p->v4, room,
		      &pco);
	if (!pco.n)
		return;
	a->has_pco = p->pco.container & SMF_PCO;
	a->has_apco = p->pco.container & SMF_APCO;
	a->has_epco = p->pco.container & SMF_EPCO;
	a->pco = a->apco = a->epco = pco;
}

static void answer_create(struct smf_pdn *p, struct xchg_token *t)
{
	static struct s5_create_session_response a;
	uint8_t room[SMF_PCO_ROOM];

	s5_init(S5_CREATE_SESSION_RESPONSE, &a);
	a.cause.value = p->cause;
	a.has_pgw = a.has_paa = a.has_ambr = a.has_recovery = a.has_apn_restriction = true;
	a.pgw = own_fteid(p);
	a.paa = paa_of(p);
	a.ambr = smf_wire_ambr(p);
	p->ambr_known_ul = p->ambr_ul;
	p->ambr_known_dl = p->ambr_dl;
	a.recovery = p->smf->restart_counter;
	a.n_bearer = 1;
	put_bearer(p, &a.bearer[0]);
	put_pco(p, room, &a);
	if (p->smf->conf->smf.piggyback)
		hold(p, t, &a);
	else
		respond(t, S5_CREATE_SESSION_RESPONSE, p->peer.teid, &a);
	smf_s5_left(p);
}

/* --- Modify Bearer Request (7.2.7), Response (7.2.8) --- */

#define MODIFY const struct s5_modify_bearer_request

static void put_ebi(struct s5_modify_bearer_response *a, const struct smf_pdn *p, uint8_t ebi,
		    uint8_t cause)
{
	const struct smf_bearer *b = smf_bearer_by_ebi(p, ebi);
	struct s5_mbp_bearer *m = &a->bearer[a->n_bearer++];

	m->ebi = ebi;
	m->cause.value = cause;
	m->has_charging_id = b && p->relocated;
	if (m->has_charging_id)
		m->charging_id = b->charging_id;
}

/* While the request waited for the UPF a bearer may have gone: the new SGW is not to keep it. */
static struct s5_cause_ie modify_cause(struct smf_pdn *p)
{
	for (uint8_t ebi = 5; ebi < 16; ebi++)
		if (p->answer_ebi >> ebi & 1 && !smf_bearer_by_ebi(p, ebi)) {
			p->answer_ebi &= (uint16_t) ~(1U << ebi);
			p->answer_unknown |= (uint16_t)(1U << ebi);
		}
	return just(!p->answer_unknown ? S5_ACCEPTED
		    : p->answer_ebi    ? S5_ACCEPTED_PARTIALLY
				       : S5_CONTEXT_NOT_FOUND);
}

static void answer_modify(struct smf_pdn *p, struct xchg_token *t)
{
	static struct s5_modify_bearer_response a;

	s5_init(S5_MODIFY_BEARER_RESPONSE, &a);
	a.cause = modify_cause(p);
	for (uint8_t ebi = 5; ebi < 16; ebi++) {
		if (p->answer_ebi >> ebi & 1)
			put_ebi(&a, p, ebi, S5_ACCEPTED);
		else if (p->answer_unknown >> ebi & 1)
			put_ebi(&a, p, ebi, S5_CONTEXT_NOT_FOUND);
	}
	if (p->relocated) {
		a.has_msisdn = *p->msisdn;
		memcpy(a.msisdn.s, p->msisdn, sizeof(p->msisdn));
		a.has_lbi = a.has_apn_restriction = a.has_recovery = true;
		a.lbi = smf_pdn_default(p)->ebi;
		a.recovery = p->smf->restart_counter;
	}
	respond(t, S5_MODIFY_BEARER_RESPONSE, p->peer.teid, &a);
}

void smf_s5_answer(struct smf_pdn *p)
{
	struct xchg_token *t = p->request;

	p->request = NULL;
	if (t) /* the handover is over: what was refused for it has all its tries again */
		p->op.tries = 0;
	if (t && p->request_type == S5_CREATE_SESSION_REQUEST)
		answer_create(p, t);
	else if (t)
		answer_modify(p, t);
}

static struct s5_cause_ie check_modify(const struct smf_pdn *p, MODIFY *r)
{
	uint8_t c = p->non_3gpp ? S5_IF_S2BC_EPDG : S5_IF_S5C_SGW;
	struct sockaddr_storage to;

	if (r->has_sender && (r->sender.iface != c || !r->sender.teid ||
			      smf_fteid_addr(p->smf, &r->sender, GTPC_PORT, &to)))
		return cause_ie(S5_MANDATORY_IE_INCORRECT, S5_IE_F_TEID, 0);
	if (r->has_rat_type && (!r->rat_type || r->rat_type > S5_RAT_NR))
		return cause_ie(S5_MANDATORY_IE_INCORRECT, S5_IE_RAT_TYPE, 0);
	for (size_t i = 0; i < r->n_bearer; i++) {
		const struct s5_mbr_bearer *b = &r->bearer[i];

		if (r->has_sender && !p->non_3gpp && !b->has_s5u_sgw)
			return cause_ie(S5_CONDITIONAL_IE_MISSING, S5_IE_F_TEID, 1);
		if (b->has_s5u_sgw && (b->s5u_sgw.iface != S5_IF_S5U_SGW || !b->s5u_sgw.teid))
			return cause_ie(S5_MANDATORY_IE_INCORRECT, S5_IE_F_TEID, 1);
	}
	return just(0);
}

static bool same_fteid(const struct s5_fteid *a, const struct s5_fteid *b)
{
	return a->teid == b->teid && a->v4 == b->v4 && a->v6 == b->v6 &&
	       (!a->v4 || a->ip4.s_addr == b->ip4.s_addr) &&
	       (!a->v6 || !memcmp(&a->ip6, &b->ip6, sizeof(a->ip6)));
}

/* New tunnel endpoints of the SGW; is there one? */
static bool move_bearers(struct smf_pdn *p, MODIFY *r)
{
	bool moved = false;

	p->answer_ebi = p->answer_unknown = 0;
	for (size_t i = 0; i < r->n_bearer; i++) {
		const struct s5_mbr_bearer *m = &r->bearer[i];
		struct smf_bearer *b = smf_bearer_by_ebi(p, m->ebi);

		*(b ? &p->answer_ebi : &p->answer_unknown) |= (uint16_t)(1 << m->ebi);
		if (!b || !m->has_s5u_sgw || same_fteid(&b->peer, &m->s5u_sgw))
			continue;
		b->peer = m->s5u_sgw;
		moved = true;
	}
	return moved;
}

/*
 * Bearers that the new access has no room for (7.2.7-3), and those that a new SGW does not name (7.2.7-2): it has no tunnel
 * for them, and the old one has none any more.
 */
static bool drop_bearers(struct smf_pdn *p, MODIFY *r, bool new_sgw)
{
	uint16_t gone = 0;

	for (size_t i = 0; i < r->n_removed; i++)
		gone |= r->removed[i].ebi < 16 ? (uint16_t)(1U << r->removed[i].ebi) : 0;
	for (const struct smf_bearer *b = p->bearers; b && new_sgw; b = b->next)
		if (b->state == SMF_BEARER_ACTIVE && !(p->answer_ebi >> b->ebi & 1))
			gone |= (uint16_t)(1U << b->ebi);
	gone &= (uint16_t) ~(1U << smf_pdn_default(p)->ebi);
	for (uint8_t ebi = 1; ebi < 16; ebi++) {
		struct smf_bearer *b = gone >> ebi & 1 ? smf_bearer_by_ebi(p, ebi) : NULL;

		if (b)
			smf_bearer_lost(b);
		else
			gone &= (uint16_t) ~(1U << ebi);
	}
	return gone;
}

static uint64_t relocate(struct smf_pdn *p, MODIFY *r)
{
	bool same = same_fteid(&p->peer, &r->sender);

	if (!same && p->op.command)
		smf_command_refuse(p, S5_HANDOVER_IN_PROGRESS);
	if (!same) {
		p->op.moved = p->op.call;
		p->left.peer = p->peer;
		p->left.ebi = 0;
		p->left.cause = S5_ISR_DEACTIVATION;
	}
	if (set_peer(p, &r->sender, r->has_recovery ? r->recovery : -1))
		log_warn("%s: no memory for the path to its SGW", p->name);
	learn_csid(&p->csid[SMF_CSID_SGW], r->has_sgw_csid, &r->sgw_csid);
	learn_csid(&p->csid[SMF_CSID_MME], r->has_mme_csid, &r->mme_csid);
	return same ? 0 : SMF_TRIGGER(GX_AN_GW_CHANGE);
}

static void modify(struct smf_pdn *p, MODIFY *r, struct xchg_token *t, const struct xchg_msg *m)
{
	struct access a = { .rat = r->has_rat_type ? &r->rat_type : NULL,
			    .serving = r->has_serving_network ? &r->serving_network : NULL,
			    .time_zone = r->has_time_zone ? &r->time_zone : NULL };
	uint64_t triggers = learn(p, m, &a);
	bool new_sgw = r->has_sender && !same_fteid(&p->peer, &r->sender);
	bool moved = move_bearers(p, r), sync = moved;

	wait_for(p, t, S5_MODIFY_BEARER_REQUEST);
	p->relocated = r->has_sender;
	if (r->has_sender)
		triggers |= relocate(p, r);
	LEARN_OVERLOAD(p, r);
	if (moved)
		smf_n4_end_marker(p);
	sync |= drop_bearers(p, r, new_sgw) || p->suspended;
	p->suspended = false;
	if (!sync)
		smf_s5_answer(p);
	else if (smf_n4_sync(p))
		smf_s5_refuse(p, just(S5_NO_RESOURCES));
	if (triggers)
		smf_gx_access_changed(p, triggers);
	smf_pdn_changed(p);
	if (r->has_indication && r->indication.pcri) /* TS 23.380 5.4 */
		smf_pcscf_restore(p);
}

static void on_modify(struct smf_pdn *p, struct xchg_token *t, const struct xchg_msg *m)
{
	MODIFY *r = &in.modify_bearer_request;
	struct s5_cause_ie c;

	metric_inc(&m_modify);
	if (p->fsm.state != SMF_PDN_ACTIVE)
		c = just(S5_REQUEST_REJECTED);
	else if (p->request && p->request_type == S5_CREATE_SESSION_REQUEST)
		c = just(S5_HANDOVER_IN_PROGRESS);
	else
		c = check_modify(p, r);
	if (c.value)
		refuse(t, m->hdr->type, r->has_sender ? r->sender.teid : p->peer.teid, c);
	else
		modify(p, r, t, m);
}

/* --- the other requests --- */

/* A request of an access that was left meanwhile (TS 23.402 8.6.1): the connection is not there any more. */
static bool from_left(const struct smf_pdn *p, const struct xchg_msg *m)
{
	struct sockaddr_storage old;

	return p->left.cause && !smf_fteid_addr(p->smf, &p->left.peer, GTPC_PORT, &old) &&
	       xchg_same_ip(m->from, &old) && !xchg_same_ip(m->from, &p->to);
}

static void on_delete(struct smf_pdn *p, struct xchg_token *t, const struct xchg_msg *m)
{
	static struct s5_delete_session_response a;
	const struct s5_delete_session_request *r = &in.delete_session_request;
	bool left = from_left(p, m);

	metric_inc(&m_delete);
	if (!left)
		LEARN_OVERLOAD(p, r);
	if (!left && r->has_lbi && r->lbi != smf_pdn_default(p)->ebi) {
		refuse(t, m->hdr->type, p->peer.teid, cause_ie(S5_CONTEXT_NOT_FOUND, S5_IE_EBI, 0));
		return;
	}
	s5_init(S5_DELETE_SESSION_RESPONSE, &a);
	a.cause.value = S5_ACCEPTED;
	a.has_recovery = true;
	a.recovery = p->smf->restart_counter;
	respond(t, S5_DELETE_SESSION_RESPONSE, left ? p->left.peer.teid : p->peer.teid, &a);
	if (left)
		return;
	learn(p, m, &(struct access){ .time_zone = r->has_time_zone ? &r->time_zone : NULL });
	fsm_event(&p->fsm, SMF_PDN_EV_DELETED, NULL);
}

static void on_change(struct smf_pdn *p, struct xchg_token *t, const struct xchg_msg *m)
{
	static struct s5_change_notification_response a;
	const struct s5_change_notification_request *r = &in.change_notification_request;
	uint64_t triggers;

	if (!r->rat_type || r->rat_type > S5_RAT_NR) {
		refuse(t, m->hdr->type, p->peer.teid,
		       cause_ie(S5_MANDATORY_IE_INCORRECT, S5_IE_RAT_TYPE, 0));
		return;
	}
	triggers = learn(p, m, &(struct access){ .rat = &r->rat_type });
	s5_init(S5_CHANGE_NOTIFICATION_RESPONSE, &a);
	a.cause.value = S5_ACCEPTED;
	a.has_imsi = r->has_imsi;
	a.imsi = r->imsi;
	a.has_mei = r->has_mei;
	a.mei = r->mei;
	respond(t, S5_CHANGE_NOTIFICATION_RESPONSE, p->peer.teid, &a);
	if (triggers)
		smf_gx_access_changed(p, triggers);
	smf_pdn_changed(p);
}

/* 7.4.1, 7.4.3; TS 23.272 6.3: nothing is sent to a UE that is suspended. */
static void on_suspend(struct smf_pdn *p, struct xchg_token *t, const struct xchg_msg *m)
{
	static struct s5_suspend_acknowledge a;
	bool suspend = m->hdr->type == S5_SUSPEND_NOTIFICATION;

	s5_init(S5_SUSPEND_ACKNOWLEDGE, &a);
	a.cause.value = S5_ACCEPTED;
	respond(t, suspend ? S5_SUSPEND_ACKNOWLEDGE : S5_RESUME_ACKNOWLEDGE, p->peer.teid, &a);
	if (p->suspended == suspend || p->fsm.state != SMF_PDN_ACTIVE)
		return;
	p->suspended = suspend;
	if (smf_n4_sync(p))
		log_warn("%s: no UPF to tell that it is %s", p->name,
			 suspend ? "suspended" : "resumed");
	smf_pdn_changed(p);
}

static bool csid_in(const struct smf_csid *c, const struct s5_fq_csid *f, size_t n)
{
	for (size_t i = 0; c->set && i < n; i++) {
		if (f[i].node_type != c->node_type ||
		    memcmp(f[i].node, c->node, c->node_type == 1 ? 16 : 4))
			continue;
		for (int k = 0; k < f[i].n && k < S5_CSIDS_MAX; k++)
			if (f[i].csid[k] == c->csid)
				return true;
	}
	return false;
}

/* 7.9.1, TS 23.007 16.1A.4 */
static void on_delete_set(struct smf *s, struct xchg_token *t)
{
	static struct s5_delete_pdn_set_response a;
	const struct s5_delete_pdn_set_request *r = &in.delete_pdn_set_request;
	struct smf_pdn *p, *next;

	s5_init(S5_DELETE_PDN_SET_RESPONSE, &a);
	a.cause.value = S5_ACCEPTED;
	a.has_recovery = true;
	a.recovery = s->restart_counter;
	respond(t, S5_DELETE_PDN_SET_RESPONSE, 0, &a);
	for (p = s->pdns; p; p = next) {
		next = p->next;
		if (csid_in(&p->csid[SMF_CSID_MME], r->mme_csid, r->n_mme_csid) ||
		    csid_in(&p->csid[SMF_CSID_SGW], r->sgw_csid, r->n_sgw_csid) ||
		    csid_in(&p->csid[SMF_CSID_EPDG], r->epdg_csid, r->n_epdg_csid))
			fsm_event(&p->fsm, SMF_PDN_EV_DELETED, NULL);
	}
}

static void on_session(struct smf_pdn *p, struct xchg_token *t, const struct xchg_msg *m)
{
	bool moves =
		m->hdr->type == S5_MODIFY_BEARER_REQUEST && in.modify_bearer_request.has_sender;

	if (!moves && m->hdr->type != S5_DELETE_SESSION_REQUEST && from_left(p, m)) {
		refuse(t, m->hdr->type, p->left.peer.teid, just(S5_CONTEXT_NOT_FOUND));
		return;
	}
	switch (m->hdr->type) {
	case S5_MODIFY_BEARER_REQUEST:
		on_modify(p, t, m);
		break;
	case S5_DELETE_SESSION_REQUEST:
		on_delete(p, t, m);
		break;
	case S5_CHANGE_NOTIFICATION_REQUEST:
		on_change(p, t, m);
		break;
	case S5_SUSPEND_NOTIFICATION:
	case S5_RESUME_NOTIFICATION:
		on_suspend(p, t, m);
		break;
	case S5_MODIFY_BEARER_COMMAND:
	case S5_DELETE_BEARER_COMMAND:
	case S5_BEARER_RESOURCE_COMMAND:
		if (p->fsm.state == SMF_PDN_ACTIVE)
			smf_on_command(p, t, m);
		else
			refuse(t, m->hdr->type, p->peer.teid, just(S5_CONTEXT_NOT_FOUND));
		break;
	default:
		refuse(t, m->hdr->type, p->peer.teid, just(S5_SERVICE_NOT_SUPPORTED));
	}
}

static void on_request(void *arg, struct xchg_token *t, const struct xchg_msg *m)
{
	struct smf *s = arg;
	struct smf_pdn *p;
	struct tlv_error e;
	int r;

	if (m->hdr->type == S5_CREATE_SESSION_REQUEST) {
		on_create(s, t, m);
		return;
	}
	p = m->hdr->has_id ? smf_pdn_by_teid(s, (uint32_t)m->hdr->id) : NULL;
	r = s5_decode(m->p, m->n, NULL, &in, &e);
	if (r == -ENOENT)
		gtpc_drop(t);
	else if (!r && m->hdr->type == S5_DELETE_PDN_SET_REQUEST)
		on_delete_set(s, t);
	else if ((!p || p->fsm.state >= SMF_PDN_ENDING) &&
		 m->hdr->type != S5_DELETE_PDN_SET_REQUEST)
		refuse(t, m->hdr->type, sender_teid(m), just(S5_CONTEXT_NOT_FOUND));
	else if (r)
		refuse(t, m->hdr->type, p ? p->peer.teid : 0, s5_cause_of(&e));
	else
		on_session(p, t, m);
}

const struct gtpc_ops smf_s5_ops = { .request = on_request, .path = smf_on_path };
