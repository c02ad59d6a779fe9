/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * For tests: a PGW made of lib/gtpc and ref/s5 on a wire with a virtual clock, opposite to the access side. It keeps one
 * connection: what it was asked last, and where.
 */
#ifndef KIMS_UE_MOCK_PGW_H
#define KIMS_UE_MOCK_PGW_H

#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#include "sgw_priv.h"

#define MOCK_QUEUE 128

struct mock_datagram {
	struct sockaddr_storage from, to;
	size_t n;
	uint8_t p[MSG_MAX];
};

static struct mock {
	struct loop *loop;
	struct ue ue;
	struct access *access;
	struct access_conf conf;
	struct gtpc *gtpc;
	struct sockaddr_storage addr;
	struct mock_datagram queue[MOCK_QUEUE];
	size_t head, tail;
	/* behaviour */
	uint8_t refuse; /* cause of the next answers; 0: accept */
	bool silent, offend, no_paa;
	bool early_bearer; /* a Create Bearer Request before the Create Session Response */
	bool (*sxa)(
		const struct mock_datagram *d); /* takes those of a SGW-U; NULL: there is none */
	bool real;				/* sockets and a clock, not the wire */
	/* what came */
	uint8_t last_type;
	union s5_any last;
	uint32_t sgw_teid, teid;
	struct sockaddr_storage sgw;
	uint32_t user_teid;
	unsigned int requests;
	/* what we asked, and its answer */
	uint8_t answer_type; /* 0: none came */
	union s5_any answer;
	unsigned int answers;
	uint32_t answer_teid;
	/* of the procedure under test */
	struct pdn_result result;
	unsigned int done;
} mock;

static struct phone phone; /* the one phone of the test */
static struct phone *phones[] = { &phone };

static inline struct sockaddr_storage mock_addr(const char *a)
{
	union sip_sa s;

	assert_int_equal(sip_sa_parse(a, GTPC_PORT, &s), 0);
	return s.ss;
}

static inline void mock_put(const struct sockaddr_storage *from, const struct sockaddr_storage *to,
			    const void *p, size_t n)
{
	struct mock_datagram *d = &mock.queue[mock.tail++ % MOCK_QUEUE];

	assert_true(mock.tail - mock.head < MOCK_QUEUE && n <= sizeof(d->p));
	d->from = *from;
	d->to = *to;
	d->n = n;
	memcpy(d->p, p, n);
}

static inline void mock_from_access(void *arg, const struct sockaddr_storage *to, const void *p,
				    size_t n)
{
	struct sgw *s = arg;

	mock_put(&s->local[to->ss_family == AF_INET6], to, p, n);
}

static inline void mock_from_pgw(void *arg, const struct sockaddr_storage *to, const void *p,
				 size_t n)
{
	(void)arg;
	mock_put(&mock.addr, to, p, n);
}

static inline struct gtpc *mock_node_at(const struct sockaddr_storage *to)
{
	for (int i = 0; i < SGW_NODES; i++)
		for (int k = 0; k < 2; k++)
			if (mock.access->node[i].local[k].ss_family &&
			    xchg_same_ip(to, &mock.access->node[i].local[k]))
				return mock.access->node[i].gtpc;
	return NULL;
}

/* Delivers what is on the wire and lets the time pass. */
static inline void mock_run(uint64_t ms)
{
	unsigned int seen = mock.done + mock.answers;

	/* Machines under emulation are slow: until something has come of it. */
	for (uint64_t at = 0; mock.real && at <= 10 * ms && seen == mock.done + mock.answers;
	     at += 10)
		loop_once(mock.loop, 10);
	for (uint64_t at = 0; !mock.real && at <= ms; at += 10) {
		while (mock.head != mock.tail) {
			struct mock_datagram *d = &mock.queue[mock.head++ % MOCK_QUEUE];
			struct gtpc *to =
				xchg_same_ip(&d->to, &mock.addr) ? mock.gtpc : mock_node_at(&d->to);

			if (mock.sxa && mock.sxa(d))
				continue;
			if (to && !(mock.silent && to == mock.gtpc))
				gtpc_input(to, &d->from, d->p, d->n);
		}
		loop_advance(mock.loop, 10 * USEC_PER_MSEC);
	}
}

/* --- answers --- */

static inline void mock_fteid(struct s5_fteid *f, uint8_t iface, uint32_t teid, const char *addr)
{
	*f = (struct s5_fteid){ .iface = iface, .teid = teid, .v4 = true };
	inet_pton(AF_INET, addr, &f->ip4);
}

static inline void mock_create_session(const struct s5_create_session_request *q,
				       struct s5_create_session_response *r)
{
	bool s2b = q->sender.iface == S5_IF_S2BC_EPDG;
	static uint8_t pcscf4[] = { 10, 46, 0, 1 }, pcscf6[16] = { 0xfd, 0x46, [15] = 1 },
		       mtu[] = { 1400 >> 8, 1400 & 255 };
	struct nas_pco *pco = s2b ? &r->apco : &r->pco;

	r->has_pgw = true;
	mock_fteid(&r->pgw, s2b ? S5_IF_S2BC_PGW : S5_IF_S5C_PGW, mock.teid, "10.46.0.5");
	r->has_paa = !mock.no_paa;
	r->paa = q->paa;
	if (!q->paa.ip4.s_addr)
		inet_pton(AF_INET, "10.45.0.11", &r->paa.ip4);
	if (IN6_IS_ADDR_UNSPECIFIED(&q->paa.ip6))
		inet_pton(AF_INET6, "fd45:0:0:b::5", &r->paa.ip6);
	r->paa.ip6_bits = 64;
	if (s2b)
		r->has_apco = true;
	else
		r->has_pco = true;
	nas_pco_add(pco, NAS_PCO_PCSCF4, pcscf4, 4);
	nas_pco_add(pco, NAS_PCO_PCSCF6, pcscf6, 16);
	nas_pco_add(pco, NAS_PCO_IPV4_MTU, mtu, 2);
	r->n_bearer = 1;
	r->bearer[0].ebi = q->bearer[0].ebi;
	r->bearer[0].cause.value = S5_ACCEPTED;
	r->bearer[0].has_s2bu_pgw = s2b;
	r->bearer[0].has_s5u_pgw = !s2b;
	mock_fteid(s2b ? &r->bearer[0].s2bu_pgw : &r->bearer[0].s5u_pgw,
		   s2b ? S5_IF_S2BU_PGW : S5_IF_S5U_PGW, 0x7001, "10.46.0.6");
	mock.user_teid = s2b ? q->bearer[0].s2bu_epdg.teid : q->bearer[0].s5u_sgw.teid;
	mock.sgw_teid = q->sender.teid;
}

static inline void mock_answer(struct xchg_token *t, uint8_t type, uint32_t teid, void *m)
{
	static uint8_t buf[MSG_MAX];
	struct tlv_buf b = TLV_BUF(buf);

	assert_int_equal(s5_encode((enum s5_message)type, teid, m, &b), 0);
	assert_int_equal(gtpc_respond(t, b.p, b.n), 0);
}

static inline void mock_refuse(struct xchg_token *t, uint8_t type)
{
	struct s5_cause_ie c = { .value = mock.refuse,
				 .has_ie = mock.offend,
				 .ie_type = S5_IE_BEARER_QOS };
	static uint8_t buf[MSG_MAX];
	struct tlv_buf b = TLV_BUF(buf);

	assert_int_equal(s5_encode_refusal(type, mock.sgw_teid, c, &b), 0);
	gtpc_respond(t, b.p, b.n);
}

static inline void mock_modified(const struct s5_modify_bearer_request *q,
				 struct s5_modify_bearer_response *r)
{
	if (q->has_sender)
		mock.sgw_teid = q->sender.teid;
	r->cause.value = S5_ACCEPTED;
	r->n_bearer = q->n_bearer;
	for (size_t i = 0; i < q->n_bearer; i++) {
		r->bearer[i].ebi = q->bearer[i].ebi;
		r->bearer[i].cause.value = S5_ACCEPTED;
	}
}

/* --- requests of the PGW --- */

static inline void mock_answered(void *arg, const struct xchg_msg *m)
{
	struct tlv_error e = { 0 };

	(void)arg;
	mock.answers++;
	mock.answer_type = m ? m->hdr->type : 0;
	mock.answer_teid = m ? (uint32_t)m->hdr->id : 0;
	if (m && s5_decode(m->p, m->n, NULL, &mock.answer, &e))
		fail_msg("answer %u: %s %s", m->hdr->type, s5_cause_name(e.cause),
			 e.name ? e.name : "");
	if (m && m->hdr->type == S5_CREATE_BEARER_RESPONSE)
		assert_int_equal(s5_check_create_bearer(&mock.answer.create_bearer_response, &e),
				 0);
}

static inline void mock_ask(uint8_t type, const void *msg)
{
	static uint8_t buf[MSG_MAX];
	struct tlv_buf b = TLV_BUF(buf);

	mock.answer_type = 0;
	assert_int_equal(s5_encode((enum s5_message)type, mock.sgw_teid, msg, &b), 0);
	assert_int_equal(gtpc_request(mock.gtpc, &mock.sgw, b.p, b.n, mock_answered, NULL, NULL),
			 0);
}

static inline void voice_tft(struct nas_tft *t, uint8_t precedence, uint16_t port)
{
	*t = (struct nas_tft){ .op = NAS_TFT_CREATE, .n_filter = 2 };
	for (uint8_t i = 0; i < 2; i++) {
		t->filter[i] =
			(struct nas_filter){ .id = i,
					     .dir = i ? NAS_DIR_UL : NAS_DIR_DL,
					     .precedence = (uint8_t)(precedence + i),
					     .has = NAS_REMOTE4 | NAS_PROTO | NAS_REMOTE_PORT,
					     .proto = IPPROTO_UDP,
					     .remote_low = port,
					     .remote_high = (uint16_t)(port + 1) };
		inet_pton(AF_INET, "10.46.0.1", &t->filter[i].remote4);
		t->filter[i].remote4_mask.s_addr = 0xffffffff;
	}
}

static inline struct s5_create_bearer_request *bearer_request_of(size_t n)
{
	static struct s5_create_bearer_request q;

	memset(&q, 0, sizeof(q));
	q.lbi = EBI_FIRST;
	q.n_bearer = n;
	for (size_t i = 0; i < n; i++) {
		q.bearer[i].qos = (struct s5_qos){ .qci = 1, .gbr_ul = 40, .gbr_dl = 40 };
		voice_tft(&q.bearer[i].tft, (uint8_t)(10 + 10 * i), (uint16_t)(20000 + 100 * i));
		q.bearer[i].has_s5u_pgw = true;
		mock_fteid(&q.bearer[i].s5u_pgw, S5_IF_S5U_PGW, 0x7100 + (uint32_t)i, "10.46.0.6");
	}
	return &q;
}

static inline void mock_request(void *arg, struct xchg_token *t, const struct xchg_msg *m)
{
	static union s5_any r;
	struct tlv_error e = { 0 };
	uint8_t type = m->hdr->type;

	(void)arg;
	mock.requests++;
	mock.last_type = type;
	mock.sgw = *m->from;
	if (s5_decode(m->p, m->n, NULL, &mock.last, &e))
		fail_msg("message %u: %s %s", type, s5_cause_name(e.cause), e.name ? e.name : "");
	memset(&r, 0, sizeof(r));
	if (type == S5_CREATE_SESSION_REQUEST) {
		assert_int_equal(s5_check_create_session(&mock.last.create_session_request, &e), 0);
		mock.sgw_teid = mock.last.create_session_request.sender.teid;
	}
	if (mock.refuse) {
		mock_refuse(t, type);
		return;
	}
	switch (type) {
	case S5_CREATE_SESSION_REQUEST:
		if (mock.early_bearer)
			mock_ask(S5_CREATE_BEARER_REQUEST, bearer_request_of(1));
		r.create_session_response.cause.value = S5_ACCEPTED;
		mock_create_session(&mock.last.create_session_request, &r.create_session_response);
		break;
	case S5_MODIFY_BEARER_REQUEST:
		mock_modified(&mock.last.modify_bearer_request, &r.modify_bearer_response);
		break;
	case S5_DELETE_SESSION_REQUEST:
		r.delete_session_response.cause.value = S5_ACCEPTED;
		break;
	case S5_CHANGE_NOTIFICATION_REQUEST:
		r.change_notification_response.cause.value = S5_ACCEPTED;
		break;
	case S5_SUSPEND_NOTIFICATION:
	case S5_RESUME_NOTIFICATION:
		r.suspend_acknowledge.cause.value = S5_ACCEPTED;
		break;
	default:
		gtpc_drop(t);
		return;
	}
	mock_answer(t, (uint8_t)(type + 1), mock.sgw_teid, &r);
}

static const struct gtpc_ops mock_ops = { .request = mock_request };

static inline void mock_pgw_open(uint8_t counter)
{
	struct gtpc_conf c = { .restart_counter = counter,
			       .send = mock.real ? NULL : mock_from_pgw };

	if (mock.real)
		c.local[0] = mock.addr;

	assert_int_equal(gtpc_open(mock.loop, &c, &mock_ops, NULL, &mock.gtpc), 0);
}

static inline void mock_done(void *arg, struct phone *p, const struct pdn_result *r)
{
	(void)arg;
	(void)p;
	mock.result = *r;
	mock.done++;
}

/* --- set up --- */

/* All but the access side itself; what the test changes in mock.conf and phone.conf, it changes behind this. */
static inline void mock_begin(bool real)
{
	memset(&mock, 0, sizeof(mock));
	memset(&phone, 0, sizeof(phone));
	mock.real = real;
	assert_int_equal(real ? loop_new(&mock.loop) : loop_new_virtual(&mock.loop), 0);
	mock.addr = mock_addr("10.46.0.5");
	mock.teid = 0x5001;
	mock.ue = (struct ue){ .loop = mock.loop, .phones = phones, .n_phones = 1 };
	opt_defaults(access_opts, &mock.conf);
	opt_defaults(phone_opts, &phone.conf);
	phone.ue = &mock.ue;
	phone.online = true; /* nothing to open */
	phone.ns.fd = -1;
	phone.conf.imsi = strdup("001010000000001");
	phone.conf.msisdn = strdup("+15550000001");
	phone.conf.apn = strdup("ims");
}

static inline void mock_access_open(void)
{
	char err[300] = "";

	assert_int_equal(phone_conf_complete(&phone.conf, err, sizeof(err)), 0);
	if (access_new(&mock.ue, &mock.conf, mock.real ? NULL : mock_from_access, &mock.access, err,
		       sizeof(err)))
		fail_msg("%s", err);
	mock.ue.access = mock.access;
}

static inline void mock_end(void)
{
	access_free(mock.access);
	gtpc_close(mock.gtpc);
	opt_free(phone_opts, &phone.conf);
	opt_free(access_opts, &mock.conf);
	loop_free(mock.loop);
}

#endif
