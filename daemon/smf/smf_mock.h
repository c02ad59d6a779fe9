/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * For tests of the half of the SMF that faces SGWs and ePDGs: an SGW on a mock wire with a virtual clock, and in
 * place of gx.c and n4.c peers that answer when the test says so. Rules and bearers are the real ones.
 */
#ifndef KIMS_SMF_MOCK_H
#define KIMS_SMF_MOCK_H

#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#include "smf/smf.h"

#define MOCK_SENT_MAX 4096

struct mock_sent {
	uint8_t p[2048];
	size_t n;
	struct tlv_hdr hdr;
	struct sockaddr_storage to;
};

/* A peer of a session of Gx or N4: what it is asked for, and when it answers. */
struct mock_peer {
	uint64_t delay_usec;
	bool silent, refuse;
	uint8_t cause; /* of the refusal */
	int n;	       /* sessions that the SMF knows */
	int remote;    /* and that the peer has */
	int opened, closed, asked;
	uint64_t triggers; /* all that were told */
	int end_markers;
};

static struct mock {
	struct loop *loop;
	struct conf *conf;
	struct smf smf;
	struct mock_sent *sent;
	int n_sent, seen;
	uint32_t seq;
	struct sockaddr_storage sgw, sgw2, epdg;
	struct mock_peer gx, n4;
	uint32_t next_teid;
	FILE *dump; /* what was sent, for text2pcap */
	bool ready;
} mock;

/* --- sessions that answer after a while --- */

struct mock_session {
	struct smf_pdn *pdn;
	struct mock_peer *peer;
	struct timer timer;
	enum smf_pdn_event event;
	bool there; /* the peer has it */
};
struct smf_gx {
	struct mock_session s;
};
struct smf_n4 {
	struct mock_session s;
};

static void mock_give_teids(struct smf_pdn *p)
{
	for (struct smf_bearer *b = p->bearers; b; b = b->next)
		if (!b->local.teid)
			b->local = (struct s5_fteid){ .iface = S5_IF_S5U_PGW,
						      .teid = ++mock.next_teid,
						      .v4 = true,
						      .ip4.s_addr = htonl(0x0a2e0006) };
}

static void mock_session_event(struct timer *t)
{
	struct mock_session *s = container_of(t, struct mock_session, timer);
	struct s5_cause_ie cause = { .value = s->peer->cause };
	enum smf_pdn_event ev = s->event;

	if (s->peer->refuse && ev == SMF_PDN_EV_POLICY_OK)
		ev = SMF_PDN_EV_POLICY_FAILED;
	if (s->peer->refuse && ev == SMF_PDN_EV_N4_OK)
		ev = SMF_PDN_EV_N4_FAILED;
	if (ev == SMF_PDN_EV_N4_OK)
		mock_give_teids(s->pdn);
	if (ev == SMF_PDN_EV_POLICY_FAILED || ev == SMF_PDN_EV_GX_CLOSED ||
	    ev == SMF_PDN_EV_N4_CLOSED) {
		s->peer->remote -= s->there;
		s->there = false;
	}
	fsm_event(&s->pdn->fsm, ev, &cause);
}

static void mock_session_start(struct mock_session *s, enum smf_pdn_event ev)
{
	s->event = ev;
	s->timer.fn = mock_session_event;
	if (!s->peer->silent)
		timer_start(mock.loop, &s->timer, s->peer->delay_usec);
}

static void mock_session_new(struct mock_session *s, struct smf_pdn *p, struct mock_peer *peer)
{
	s->pdn = p;
	s->peer = peer;
	s->there = true;
	peer->n++;
}

static void mock_session_open(struct mock_session *s, struct smf_pdn *p, struct mock_peer *peer)
{
	mock_session_new(s, p, peer);
	peer->opened++;
	peer->remote++;
}

static void mock_session_end(struct mock_session *s)
{
	timer_stop(mock.loop, &s->timer);
	s->peer->n--;
}

/* --- gx.c --- */

int smf_gx_open(struct smf_pdn *p)
{
	p->gx = calloc(1, sizeof(*p->gx));
	mock_session_open(&p->gx->s, p, &mock.gx);
	mock_session_start(&p->gx->s, SMF_PDN_EV_POLICY_OK);
	return 0;
}

void smf_gx_access_changed(struct smf_pdn *p, uint64_t triggers)
{
	(void)p;
	mock.gx.asked++;
	mock.gx.triggers |= triggers;
}

void smf_gx_report(struct smf_pdn *p)
{
	(void)p;
}

void smf_gx_close(struct smf_pdn *p)
{
	mock.gx.closed++;
	if (p->gx)
		mock_session_start(&p->gx->s, SMF_PDN_EV_GX_CLOSED);
	else
		fsm_event(&p->fsm, SMF_PDN_EV_GX_CLOSED, NULL);
}

void smf_gx_free(struct smf_pdn *p)
{
	struct smf_monitor *m;

	while (p->rules)
		smf_rule_free(p, p->rules);
	while ((m = p->monitors)) {
		p->monitors = m->next;
		free(m);
	}
	if (p->gx)
		mock_session_end(&p->gx->s);
	free(p->gx);
	p->gx = NULL;
}

void smf_gx_usage(struct smf_pdn *p, uint32_t urr_id, uint64_t total, uint64_t ul, uint64_t dl)
{
	(void)p;
	(void)urr_id;
	(void)total;
	(void)ul;
	(void)dl;
}

int smf_gx_ask(struct smf_pdn *p, const struct s5_bearer_resource_command *r)
{
	(void)p;
	(void)r;
	return -EBUSY;
}

int smf_gx_ask_default(struct smf_pdn *p, const struct smf_qos *q, uint64_t ul, uint64_t dl)
{
	(void)p;
	(void)q;
	(void)ul;
	(void)dl;
	return -EBUSY;
}

int smf_gx_save(const struct smf_pdn *p, char *dst, size_t size)
{
	return p->gx ? snprintf(dst, size, "gx-%08x", p->teid) : 0;
}

int smf_gx_load(struct smf_pdn *p, struct str s)
{
	char want[16];

	snprintf(want, sizeof(want), "gx-%08x", p->teid);
	if (!str_eqz(s, want))
		return -EINVAL;
	p->gx = calloc(1, sizeof(*p->gx));
	mock_session_new(&p->gx->s, p, &mock.gx);
	return 0;
}

/* --- n4.c --- */

bool smf_n4_ready(const struct smf *s, const struct smf_apn *apn)
{
	(void)s;
	(void)apn;
	return mock.ready;
}

int smf_n4_sync(struct smf_pdn *p)
{
	if (!mock.ready)
		return -EHOSTUNREACH;
	if (!p->n4) {
		p->n4 = calloc(1, sizeof(*p->n4));
		mock_session_open(&p->n4->s, p, &mock.n4);
	}
	mock.n4.asked++;
	mock_session_start(&p->n4->s, SMF_PDN_EV_N4_OK);
	return 0;
}

/* n4.h: no event when there is nothing to do. */
int smf_n4_update(struct smf_pdn *p);
int smf_n4_update(struct smf_pdn *p)
{
	for (const struct smf_bearer *b = p->bearers; b; b = b->next)
		if (!b->local.teid)
			return smf_n4_sync(p) ? -EHOSTUNREACH : 1;
	return timer_running(&p->n4->s.timer);
}

void smf_n4_close(struct smf_pdn *p)
{
	mock.n4.closed++;
	mock_session_start(&p->n4->s, SMF_PDN_EV_N4_CLOSED);
}

void smf_n4_free(struct smf_pdn *p)
{
	if (p->n4)
		mock_session_end(&p->n4->s);
	free(p->n4);
	p->n4 = NULL;
}

void smf_n4_fini(struct smf *s)
{
	(void)s;
}

void smf_n4_end_marker(struct smf_pdn *p)
{
	(void)p;
	mock.n4.end_markers++;
}

int smf_n4_save(const struct smf_pdn *p, char *dst, size_t size)
{
	return p->n4 ? snprintf(dst, size, "n4-%08x", p->teid) : 0;
}

int smf_n4_load(struct smf_pdn *p, struct str s)
{
	if (!str_has_prefix(s, STR("n4-")))
		return -EINVAL;
	p->n4 = calloc(1, sizeof(*p->n4));
	mock_session_new(&p->n4->s, p, &mock.n4);
	return 0;
}

/* --- the wire --- */

static inline void mock_dump(const uint8_t *p, size_t n)
{
	for (size_t i = 0; mock.dump && i < n; i++)
		fprintf(mock.dump, "%06zx %02x\n", i, p[i]);
}

static inline void mock_send(void *arg, const struct sockaddr_storage *to, const void *p, size_t n)
{
	struct mock_sent *s;

	(void)arg;
	if (mock.n_sent == MOCK_SENT_MAX)
		mock.n_sent = mock.seen = 0;
	s = &mock.sent[mock.n_sent++];
	assert_true(n <= sizeof(s->p));
	memcpy(s->p, p, n);
	s->n = n;
	s->to = *to;
	assert_int_equal(tlv_gtpv2.parse(s->p, n, &s->hdr), 0);
	mock_dump(p, n);
}

static inline void mock_ms(uint64_t ms)
{
	loop_advance(mock.loop, ms * USEC_PER_MSEC);
}

static inline void mock_addr(struct sockaddr_storage *a, uint32_t ip)
{
	struct sockaddr_in *sin = (struct sockaddr_in *)a;

	*sin = (struct sockaddr_in){ .sin_family = AF_INET,
				     .sin_port = htons(GTPC_PORT),
				     .sin_addr.s_addr = htonl(ip) };
}

/* The next message that was sent; NULL: none. */
static inline const struct mock_sent *mock_next(void)
{
	return mock.seen < mock.n_sent ? &mock.sent[mock.seen++] : NULL;
}

static inline void mock_nothing(void)
{
	if (mock.seen < mock.n_sent)
		fail_msg("not expected: message %u", mock.sent[mock.seen].hdr.type);
}

/* It must be of this type, and is decoded into *ret. */
static inline const struct mock_sent *mock_take(uint8_t type, void *ret)
{
	const struct mock_sent *s = mock_next();
	struct tlv_error e;

	if (!s)
		fail_msg("nothing was sent, expected message %u", type);
	assert_int_equal(s->hdr.type, type);
	if (s5_decode(s->p, s->n, NULL, ret, &e))
		fail_msg("message %u cannot be read: cause %u, %s", type, e.cause, e.name);
	return s;
}

static inline uint32_t mock_in(const struct sockaddr_storage *from, enum s5_message type,
			       uint32_t teid, const void *msg)
{
	static uint8_t buf[16384];
	struct tlv_buf b = TLV_BUF(buf);

	assert_int_equal(s5_encode(type, teid, msg, &b), 0);
	tlv_gtpv2.set_seq(b.p, ++mock.seq);
	mock_dump(b.p, b.n);
	gtpc_input(mock.smf.gtpc, from, b.p, b.n);
	return mock.seq;
}

/* Answers a request of ours. */
static inline void mock_answer(const struct mock_sent *s, enum s5_message type, uint32_t teid,
			       const void *msg)
{
	static uint8_t buf[16384];
	struct tlv_buf b = TLV_BUF(buf);

	assert_int_equal(s5_encode(type, teid, msg, &b), 0);
	tlv_gtpv2.set_seq(b.p, s->hdr.seq);
	mock_dump(b.p, b.n);
	gtpc_input(mock.smf.gtpc, &s->to, b.p, b.n);
}

/* --- messages of an SGW --- */

static inline struct s5_fteid mock_fteid(uint8_t iface, uint32_t teid, uint32_t ip)
{
	return (struct s5_fteid){
		.iface = iface, .teid = teid, .v4 = true, .ip4.s_addr = htonl(ip)
	};
}

enum { MOCK_SGW = 0x0a2f0001, MOCK_SGW2 = 0x0a2f0002, MOCK_EPDG = 0x0a2f0003 };

/* User n attaches at this APN through the SGW "1"; TEIDs 100 + n and 1000 + n. */
static inline struct s5_create_session_request *mock_create(unsigned int n, const char *apn)
{
	static struct s5_create_session_request r;

	s5_init(S5_CREATE_SESSION_REQUEST, &r);
	r.has_imsi = r.has_msisdn = r.has_mei = r.has_serving_network = r.has_paa = r.has_ambr =
		r.has_selection_mode = r.has_uli = r.has_indication = r.has_time_zone = true;
	snprintf(r.imsi.s, sizeof(r.imsi.s), "00101%010u", n);
	snprintf(r.msisdn.s, sizeof(r.msisdn.s), "1555%07u", n);
	snprintf(r.mei.s, sizeof(r.mei.s), "3534900698%06u", n);
	r.serving_network = (struct tlv_plmn){ "001", "01" };
	r.uli = (struct s5_uli){ .has_tai = true,
				 .has_ecgi = true,
				 .tai = { { "001", "01" }, 1 },
				 .ecgi = { { "001", "01" }, 0x101 } };
	r.rat_type = S5_RAT_EUTRAN;
	r.time_zone.quarters = 4;
	r.sender = mock_fteid(S5_IF_S5C_SGW, 100 + n, MOCK_SGW);
	str_copy(r.apn.s, sizeof(r.apn.s), str_of(apn));
	r.paa.type = S5_PDN_IPV4V6;
	r.indication.daf = true;
	r.ambr = (struct s5_ambr){ 50000, 100000 };
	r.n_bearer = 1;
	r.bearer[0].ebi = 5;
	r.bearer[0].has_s5u_sgw = true;
	r.bearer[0].s5u_sgw = mock_fteid(S5_IF_S5U_SGW, 1000 + n, MOCK_SGW);
	r.bearer[0].qos = (struct s5_qos){ .arp = { 9, true, true }, .qci = 5 };
	return &r;
}

static inline struct s5_create_session_request *mock_create_s2b(unsigned int n, const char *apn)
{
	struct s5_create_session_request *r = mock_create(n, apn);

	r->has_uli = false;
	r->rat_type = S5_RAT_WLAN;
	r->sender = mock_fteid(S5_IF_S2BC_EPDG, 200 + n, MOCK_EPDG);
	r->bearer[0].has_s5u_sgw = false;
	r->bearer[0].has_s2bu_epdg = true;
	r->bearer[0].s2bu_epdg = mock_fteid(S5_IF_S2BU_EPDG, 2000 + n, MOCK_EPDG);
	return r;
}

static inline const struct s5_create_session_response *mock_created(void)
{
	static struct s5_create_session_response a;

	mock_take(S5_CREATE_SESSION_RESPONSE, &a);
	return &a;
}

/* A whole attach; the PDN connection. */
static inline struct smf_pdn *mock_attach(unsigned int n, const char *apn)
{
	const struct s5_create_session_response *a;

	mock_in(&mock.sgw, S5_CREATE_SESSION_REQUEST, 0, mock_create(n, apn));
	mock_ms(50);
	a = mock_created();
	assert_int_equal(a->cause.value, S5_ACCEPTED);
	return smf_pdn_by_teid(&mock.smf, a->pgw.teid);
}

static inline uint8_t mock_refused(uint8_t type)
{
	static union s5_any a;

	mock_take(type, &a);
	return ((const uint8_t *)&a)[s5_msg(type)->cause_off - 1];
}

static inline void mock_detach(struct smf_pdn *p)
{
	static struct s5_delete_session_request r;
	static struct s5_delete_session_response a;

	s5_init(S5_DELETE_SESSION_REQUEST, &r);
	r.has_lbi = true;
	r.lbi = smf_pdn_default(p)->ebi;
	mock_in(&p->to, S5_DELETE_SESSION_REQUEST, p->teid, &r);
	mock_take(S5_DELETE_SESSION_RESPONSE, &a);
	assert_int_equal(a.cause.value, S5_ACCEPTED);
	mock_ms(50);
}

/* A rule of a PCRF, for voice from this port; it wants a bearer of its own. */
static inline struct smf_rule *mock_rule(struct smf_pdn *p, const char *name, unsigned int port)
{
	struct smf_rule *r = calloc(1, sizeof(*r));
	struct smf_flow *f = &r->flow[0];

	str_copy(r->name, sizeof(r->name), str_of(name));
	r->state = SMF_RULE_WANTED;
	r->dirty = r->gate_ul = r->gate_dl = true;
	r->qos =
		(struct smf_qos){ .qci = 1, .arp = { 2, true, false }, 64000, 64000, 64000, 64000 };
	r->precedence = 77 + port % 100;
	r->n4_id = smf_new_n4_id(p);
	if (asprintf(&f->text, "permit out 17 from 10.46.0.1 %u to assigned 5000", port) < 0)
		f->text = NULL;
	assert_int_equal(ipfilter_parse(str_of(f->text), &f->filter), 0);
	f->direction = NAS_DIR_BOTH;
	f->to_ue = true;
	r->n_flow = 1;
	r->next = p->rules;
	return p->rules = r;
}

/* --- life --- */

static inline void mock_open_smf(void)
{
	struct gtpc_conf c = { .restart_counter = 7, .send = mock_send };
	struct smf *s = &mock.smf;
	char err[256] = "";

	if (smf_init(s, mock.loop, mock.conf, err, sizeof(err)))
		fail_msg("%s", err);
	s->restart_counter = 7;
	assert_int_equal(gtpc_open(mock.loop, &c, &smf_s5_ops, s, &s->gtpc), 0);
}

static inline void mock_close_smf(void)
{
	smf_fini(&mock.smf);
	gtpc_close(mock.smf.gtpc);
	memset(&mock.smf, 0, sizeof(mock.smf));
}

static inline void mock_setup(void)
{
	char err[256] = "";

	memset(&mock, 0, sizeof(mock));
	mock.ready = true;
	mock.gx.delay_usec = mock.n4.delay_usec = 5000;
	mock.sent = malloc(MOCK_SENT_MAX * sizeof(*mock.sent));
	mock_addr(&mock.sgw, MOCK_SGW);
	mock_addr(&mock.sgw2, MOCK_SGW2);
	mock_addr(&mock.epdg, MOCK_EPDG);
	assert_int_equal(loop_new_virtual(&mock.loop), 0);
	assert_int_equal(conf_load(NULL, &mock.conf, err, sizeof(err)), 0);
	mock_open_smf();
}

/* Nothing may be left of what was opened. */
static inline void mock_empty(void)
{
	const struct smf *s = &mock.smf;

	assert_int_equal(s->n_pdns, 0);
	assert_int_equal(s->n_bearers, 0);
	assert_int_equal(s->n_paths, 0);
	assert_int_equal(s->n_ending, 0);
	assert_int_equal(s->by_teid.n + s->by_user.n + s->by_v4.n + s->by_v6.n, 0);
	assert_null(s->pdns);
	assert_int_equal(mock.gx.n + mock.gx.remote, 0);
	assert_int_equal(mock.n4.n + mock.n4.remote, 0);
	for (size_t i = 0; i < s->n_apns; i++)
		assert_int_equal(s->apns[i].pool4.n_taken + s->apns[i].pool6.n_taken, 0);
}

static inline void mock_teardown(void)
{
	mock_close_smf();
	conf_free(mock.conf);
	loop_free(mock.loop);
	free(mock.sent);
	assert_int_equal(mock.gx.n, 0);
	assert_int_equal(mock.n4.n, 0);
}

#endif
