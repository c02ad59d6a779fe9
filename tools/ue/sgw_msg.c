// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Messages of the SGW and the ePDG (TS 29.274 7.2, 7.3.14, 7.4) from the state of a connection, and what phones ask for in
 * protocol configuration options (TS 24.008 10.5.6.3).
 *
 * The structs of messages are large and stay off the stack: one at a time, this is one thread.
 */
#include <stdio.h>

#include "ref/ipfilter.h"
#include "sgw_priv.h"

#define AMBR_DEFAULT 100000 /* kbit/s, asked for; the subscription decides */

/* --- parts --- */

void msg_uli(const struct pdn *n, struct s5_uli *ret)
{
	const char *imsi = n->p->conf.imsi;
	struct tlv_plmn plmn = { 0 };

	snprintf(plmn.mcc, sizeof(plmn.mcc), "%.3s", imsi);
	snprintf(plmn.mnc, sizeof(plmn.mnc), "%.*s", n->p->conf.mnc_len == 3 ? 3 : 2, imsi + 3);
	*ret = (struct s5_uli){ .has_tai = true, .has_ecgi = true };
	ret->tai.plmn = ret->ecgi.plmn = plmn;
	ret->tai.tac = (uint16_t)n->tac;
	ret->ecgi.eci = n->eci & 0xfffffff;
}

static const struct sockaddr_storage *local_of(const struct sgw *s)
{
	bool v6 = s->a->pgw.ss_family == AF_INET6;

	return s->local[v6].ss_family ? &s->local[v6] : &s->local[!v6];
}

static uint8_t interface_of(const struct sgw *s, bool user)
{
	if (on_s2b(s))
		return user ? S5_IF_S2BU_EPDG : S5_IF_S2BC_EPDG;
	return user ? S5_IF_S5U_SGW : S5_IF_S5C_SGW;
}

void msg_fteid(const struct pdn *n, const struct sgw *node, bool user, uint32_t teid,
	       struct s5_fteid *ret)
{
	const struct sockaddr_storage *a = local_of(node);

	*ret = (struct s5_fteid){ .iface = interface_of(node, user), .teid = teid };
	if (user && n->gtpu == GTPU_GTP_KO) {
		ret->v4 = true;
		ret->ip4 = n->a->ko_addr;
		return;
	}
	if (user && n->gtpu == GTPU_PFCP && sx_user(n->a, a->ss_family == AF_INET6))
		a = sx_user(n->a, a->ss_family == AF_INET6);
	if (a->ss_family == AF_INET6) {
		ret->v6 = true;
		ret->ip6 = ((const struct sockaddr_in6 *)a)->sin6_addr;
	} else {
		ret->v4 = true;
		ret->ip4 = ((const struct sockaddr_in *)a)->sin_addr;
	}
}

bool msg_peer(const struct sgw *node, const struct s5_fteid *f, uint16_t port,
	      struct sockaddr_storage *ret)
{
	bool v6 = f->v6 && (!f->v4 || local_of(node)->ss_family == AF_INET6);

	memset(ret, 0, sizeof(*ret));
	if (v6 && node->local[1].ss_family) {
		struct sockaddr_in6 *a = (struct sockaddr_in6 *)ret;

		*a = (struct sockaddr_in6){ .sin6_family = AF_INET6,
					    .sin6_addr = f->ip6,
					    .sin6_port = htons(port) };
	} else if (f->v4 && node->local[0].ss_family) {
		struct sockaddr_in *a = (struct sockaddr_in *)ret;

		*a = (struct sockaddr_in){ .sin_family = AF_INET,
					   .sin_addr = f->ip4,
					   .sin_port = htons(port) };
	}
	return ret->ss_family && f->teid;
}

static void digits(struct s5_digits *d, const char *text)
{
	snprintf(d->s, sizeof(d->s), "%.16s", text);
}

/* What a phone asks for; the views live until the message is encoded. */
static void ask_pco(const struct pdn *n, struct nas_pco *pco)
{
	static uint8_t ipcp[22];
	struct nas_ipcp i = { .code = 1, .id = 1, .has_dns1 = true, .has_dns2 = true };
	static const uint8_t mode[] = { 0 };

	*pco = (struct nas_pco){ 0 };
	nas_pco_add(pco, NAS_PCO_IPCP, ipcp, nas_ipcp_encode(&i, ipcp));
	if (!n->no_pcscf) {
		nas_pco_add(pco, NAS_PCO_PCSCF4, NULL, 0);
		nas_pco_add(pco, NAS_PCO_PCSCF6, NULL, 0);
		nas_pco_add(pco, NAS_PCO_IM_CN_SIGNALLING, NULL, 0);
		nas_pco_add(pco, NAS_PCO_PCSCF_RESELECTION, NULL, 0);
	}
	nas_pco_add(pco, NAS_PCO_DNS4, NULL, 0);
	nas_pco_add(pco, NAS_PCO_DNS6, NULL, 0);
	nas_pco_add(pco, NAS_PCO_IPV4_MTU, NULL, 0);
	nas_pco_add(pco, NAS_PCO_BEARER_CONTROL, mode, 0);
}

static bool take_ip(struct str v, bool v6, uint16_t port, union sip_sa *ret)
{
	if (v.n != (v6 ? 16u : 4u) || ret->sa.sa_family)
		return false;
	memset(ret, 0, sizeof(*ret));
	if (v6) {
		struct sockaddr_in6 *a = (struct sockaddr_in6 *)&ret->ss;

		a->sin6_family = AF_INET6;
		memcpy(&a->sin6_addr, v.p, 16);
	} else {
		struct sockaddr_in *a = (struct sockaddr_in *)&ret->ss;

		a->sin_family = AF_INET;
		memcpy(&a->sin_addr, v.p, 4);
	}
	sip_sa_set_port(ret, port);
	return true;
}

void msg_take_pco(struct pdn *n, const struct nas_pco *pco)
{
	static const struct {
		uint16_t id;
		bool v6;
		size_t off;
		uint16_t port;
	} rows[] = {
		{ NAS_PCO_PCSCF4, false, offsetof(struct pdn, pcscf4), 0 },
		{ NAS_PCO_PCSCF6, true, offsetof(struct pdn, pcscf6), 0 },
		{ NAS_PCO_DNS4, false, offsetof(struct pdn, dns4), 53 },
		{ NAS_PCO_DNS6, true, offsetof(struct pdn, dns6), 53 },
	};
	struct str v;
	size_t pos;

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		pos = 0;
		while (nas_pco_next(pco, rows[i].id, &pos, &v) &&
		       !take_ip(v, rows[i].v6, rows[i].port,
				(union sip_sa *)((char *)n + rows[i].off)))
			;
	}
	pos = 0;
	if (nas_pco_next(pco, NAS_PCO_IPV4_MTU, &pos, &v) && v.n == 2)
		n->mtu = (uint16_t)((uint8_t)v.p[0] << 8 | (uint8_t)v.p[1]);
}

/* --- Create Session Request --- */

static void put_identity(const struct pdn *n, struct s5_create_session_request *m)
{
	const struct phone_conf *c = &n->p->conf;

	m->has_imsi = !n->no_imsi;
	digits(&m->imsi, c->imsi);
	m->has_msisdn = !n->no_imsi && c->msisdn && *c->msisdn;
	if (m->has_msisdn)
		digits(&m->msisdn, c->msisdn + (*c->msisdn == '+'));
	m->has_mei = c->imei && *c->imei;
	if (m->has_mei)
		digits(&m->mei, c->imei);
	m->has_uli = m->has_serving_network = !on_s2b(n->node);
	msg_uli(n, &m->uli);
	m->serving_network = m->uli.tai.plmn;
	m->rat_type = n->rat;
}

static void put_address(const struct pdn *n, const struct pdn_attach *o,
			struct s5_create_session_request *m)
{
	union sip_sa a;

	m->has_pdn_type = m->has_paa = true;
	m->pdn_type = n->paa.type;
	m->paa = n->paa;
	if (!o->addr || !*o->addr || sip_sa_parse(o->addr, 0, &a))
		return;
	if (a.sa.sa_family == AF_INET) {
		m->paa.ip4 = ((struct sockaddr_in *)&a.sa)->sin_addr;
	} else {
		m->paa.ip6 = ((struct sockaddr_in6 *)&a.sa)->sin6_addr;
		m->paa.ip6_bits = 64;
	}
}

static void put_default_bearer(const struct pdn *n, struct s5_csr_bearer *b)
{
	bool s2b = on_s2b(n->node);

	b->ebi = n->bearer[0].ebi;
	b->qos = n->bearer[0].qos;
	b->has_s2bu_epdg = s2b;
	b->has_s5u_sgw = !s2b;
	msg_fteid(n, n->node, true, n->bearer[0].teid, s2b ? &b->s2bu_epdg : &b->s5u_sgw);
}

static void put_pco(const struct pdn *n, struct s5_create_session_request *m)
{
	if (on_s2b(n->node)) { /* 7.2.1: S2b has the additional ones */
		m->has_apco = true;
		ask_pco(n, &m->apco);
	} else {
		m->has_pco = true;
		ask_pco(n, &m->pco);
	}
}

int msg_attach(struct pdn *n, const struct pdn_attach *o, struct tlv_buf *b)
{
	static struct s5_create_session_request m;

	s5_init(S5_CREATE_SESSION_REQUEST, &m);
	put_identity(n, &m);
	put_address(n, o, &m);
	m.has_indication = true;
	m.indication.daf = true; /* both families on one bearer (TS 29.274 8.12) */
	m.indication.hi = o->handover;
	msg_fteid(n, n->node, false, n->teid, &m.sender);
	m.has_sender = true;
	snprintf(m.apn.s, sizeof(m.apn.s), "%s", n->apn);
	m.has_selection_mode = true;
	m.has_max_apn_restriction = !on_s2b(n->node);
	m.has_ambr = true;
	m.ambr = (struct s5_ambr){ AMBR_DEFAULT, AMBR_DEFAULT };
	put_pco(n, &m);
	m.n_bearer = 1;
	put_default_bearer(n, &m.bearer[0]);
	m.has_recovery = true;
	m.recovery = n->node->restart_counter;
	m.has_time_zone = !on_s2b(n->node);
	m.has_charging_characteristics = true;
	m.charging_characteristics = 0x0800; /* normal (TS 32.251 A) */
	return s5_encode(S5_CREATE_SESSION_REQUEST, 0, &m, b);
}

/* --- the others --- */

int msg_detach(struct pdn *n, struct tlv_buf *b)
{
	static struct s5_delete_session_request m;

	s5_init(S5_DELETE_SESSION_REQUEST, &m);
	m.has_lbi = true;
	m.lbi = n->lbi;
	if (!on_s2b(n->node)) {
		m.has_uli = true;
		msg_uli(n, &m.uli);
		m.has_time_zone = true;
	}
	return s5_encode(S5_DELETE_SESSION_REQUEST, n->peer_teid, &m, b);
}

/* Handover to the node n->node with the TEIDs in next_bearer when n->old is set, else a change of RAT or location. */
int msg_modify(struct pdn *n, struct tlv_buf *b)
{
	static struct s5_modify_bearer_request m;

	s5_init(S5_MODIFY_BEARER_REQUEST, &m);
	m.has_uli = m.has_serving_network = m.has_rat_type = m.has_time_zone = true;
	msg_uli(n, &m.uli);
	m.serving_network = m.uli.tai.plmn;
	m.rat_type = n->rat;
	if (n->old) {
		m.has_sender = m.has_recovery = true;
		msg_fteid(n, n->node, false, n->next_teid, &m.sender);
		m.recovery = n->node->restart_counter;
	}
	for (size_t i = 0; i < BEARERS; i++) {
		const struct bearer *from = n->old ? &n->next_bearer[i] : &n->bearer[i];

		if (!from->ebi || (!n->old && i))
			continue;
		m.bearer[m.n_bearer].ebi = from->ebi;
		m.bearer[m.n_bearer].has_s5u_sgw = true;
		msg_fteid(n, n->node, true, from->teid, &m.bearer[m.n_bearer].s5u_sgw);
		m.n_bearer++;
	}
	return s5_encode(S5_MODIFY_BEARER_REQUEST, n->peer_teid, &m, b);
}

static int put_tad(struct pdn *n, const struct pdn_resource *o, struct nas_tft *t, char *err,
		   size_t size)
{
	const struct bearer *b = o->ebi ? pdn_bearer(n, o->ebi) : NULL;
	struct ipfilter f;
	int count;

	if (o->ebi && !b) {
		snprintf(err, size, "there is no bearer %u", o->ebi);
		return -ENOENT;
	}
	if (!o->filter) { /* release: its filters are taken back */
		t->op = NAS_TFT_DELETE_FILTERS;
		for (uint8_t i = 0; b && i < b->n_filter; i++)
			t->filter[t->n_filter++].id = b->filter[i].id;
		return b ? 0 : -EINVAL;
	}
	t->op = o->ebi ? NAS_TFT_ADD : NAS_TFT_CREATE;
	if (ipfilter_parse(str_of(o->filter), &f)) {
		snprintf(err, size, "\"%s\" is no IPFilterRule", o->filter);
		return -EINVAL;
	}
	count = ipfilter_to_nas(&f, NAS_DIR_BOTH, false, t->filter, NAS_FILTERS_MAX);
	if (count < 0) {
		snprintf(err, size, "\"%s\" gives no packet filter", o->filter);
		return count;
	}
	t->n_filter = (uint8_t)count;
	for (int i = 0; i < count; i++) {
		t->filter[i].id = (uint8_t)i;
		t->filter[i].precedence = (uint8_t)(100 + i);
	}
	return 0;
}

int msg_resource(struct pdn *n, const struct pdn_resource *o, struct tlv_buf *b, char *err,
		 size_t size)
{
	static struct s5_bearer_resource_command m;
	int r;

	s5_init(S5_BEARER_RESOURCE_COMMAND, &m);
	m.lbi = n->lbi;
	m.pti = ++n->pti ? n->pti : ++n->pti;
	m.has_rat_type = true;
	m.rat_type = n->rat;
	r = put_tad(n, o, &m.tad, err, size);
	if (r)
		return r;
	m.has_flow_qos = o->filter;
	m.flow_qos = (struct s5_qos){ .qci = o->qci,
				      .mbr_ul = o->gbr,
				      .mbr_dl = o->gbr,
				      .gbr_ul = o->gbr,
				      .gbr_dl = o->gbr };
	m.has_ebi = o->ebi;
	m.ebi = o->ebi;
	m.has_sender = true;
	msg_fteid(n, n->node, false, n->teid, &m.sender);
	return s5_encode(S5_BEARER_RESOURCE_COMMAND, n->peer_teid, &m, b);
}

int msg_delete_bearer(struct pdn *n, uint8_t ebi, struct tlv_buf *b)
{
	static struct s5_delete_bearer_command m;

	s5_init(S5_DELETE_BEARER_COMMAND, &m);
	m.n_bearer = 1;
	m.bearer[0].ebi = ebi;
	m.has_uli = true;
	msg_uli(n, &m.uli);
	m.has_sender = true;
	msg_fteid(n, n->node, false, n->teid, &m.sender);
	return s5_encode(S5_DELETE_BEARER_COMMAND, n->peer_teid, &m, b);
}

int msg_change_qos(struct pdn *n, uint32_t ul, uint32_t dl, uint8_t qci, struct tlv_buf *b)
{
	static struct s5_modify_bearer_command m;

	s5_init(S5_MODIFY_BEARER_COMMAND, &m);
	m.has_ambr = m.has_bearer = true;
	m.ambr = (struct s5_ambr){ ul, dl };
	m.bearer.ebi = n->lbi;
	m.bearer.has_qos = true;
	m.bearer.qos = n->bearer[0].qos;
	if (qci)
		m.bearer.qos.qci = qci;
	m.has_sender = true;
	msg_fteid(n, n->node, false, n->teid, &m.sender);
	return s5_encode(S5_MODIFY_BEARER_COMMAND, n->peer_teid, &m, b);
}

int msg_suspend(struct pdn *n, bool resume, struct tlv_buf *b)
{
	static struct s5_suspend_notification s;
	static struct s5_resume_notification r;

	if (resume) {
		s5_init(S5_RESUME_NOTIFICATION, &r);
		digits(&r.imsi, n->p->conf.imsi);
		r.has_imsi = r.has_lbi = true;
		r.lbi = n->lbi;
		return s5_encode(S5_RESUME_NOTIFICATION, n->peer_teid, &r, b);
	}
	s5_init(S5_SUSPEND_NOTIFICATION, &s);
	digits(&s.imsi, n->p->conf.imsi);
	s.has_imsi = s.has_lbi = true;
	s.lbi = n->lbi;
	return s5_encode(S5_SUSPEND_NOTIFICATION, n->peer_teid, &s, b);
}

int msg_notify_change(struct pdn *n, struct tlv_buf *b)
{
	static struct s5_change_notification_request m;

	s5_init(S5_CHANGE_NOTIFICATION_REQUEST, &m);
	m.has_imsi = !n->no_imsi;
	digits(&m.imsi, n->p->conf.imsi);
	m.has_mei = n->no_imsi;
	digits(&m.mei, n->p->conf.imei);
	m.rat_type = n->rat;
	m.has_rat_type = m.has_uli = m.has_lbi = true;
	msg_uli(n, &m.uli);
	m.lbi = n->lbi;
	return s5_encode(S5_CHANGE_NOTIFICATION_REQUEST, n->peer_teid, &m, b);
}
