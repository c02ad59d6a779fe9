// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The SGW-C over a mock SGW-U (lib/pfcp, ref/sx) on a virtual clock: rules of the bearers, a phone that is idle, paged, back, or deaf;
 * a SGW-U that refuses, is silent, restarts, forgets, sends garbage.
 */
#include "mock_pgw.h"

#include "lib/pfcp/pfcp.h"
#include "ref/sx.h"

static struct sgwu_mock {
	struct pfcp *pfcp;
	struct sockaddr_storage addr, cp;
	bool silent;
	uint8_t refuse; /* cause of the next session answers */
	uint64_t cp_seid, seid;
	bool there; /* it has the session */
	unsigned int established, modified, deleted, associated;
	struct sx_session_establishment_request est;
	struct sx_session_modification_request mod;
	/* answer to our report */
	uint8_t answer_cause;
	struct sx_session_report_response answer;
	unsigned int answers;
} up;

/* --- the SGW-U --- */

static void up_send(void *arg, const struct sockaddr_storage *to, const void *p, size_t n)
{
	(void)arg;
	mock_put(&up.addr, to, p, n);
}

static bool deliver(const struct mock_datagram *d)
{
	if (xchg_same_ip(&d->to, &up.addr)) {
		if (!up.silent)
			pfcp_input(up.pfcp, &d->from, d->p, d->n);
		return true;
	}
	if (!xchg_same_ip(&d->from, &up.addr))
		return false;
	if (sx_pfcp(mock.access))
		pfcp_input(sx_pfcp(mock.access), &d->from, d->p, d->n);
	return true;
}

static void up_answer(struct xchg_token *t, enum sx_message type, uint64_t seid, const void *m)
{
	static uint8_t buf[MSG_MAX];
	struct tlv_buf b = TLV_BUF(buf);

	assert_int_equal(sx_encode(type, seid, m, &b), 0);
	assert_int_equal(pfcp_respond(t, b.p, b.n), 0);
}

static struct sx_node_id node_id(void)
{
	return (struct sx_node_id){ .type = SX_NODE_IPV4,
				    .ip4 = ((struct sockaddr_in *)&up.addr)->sin_addr };
}

static void on_establish(struct xchg_token *t, const struct sx_session_establishment_request *q)
{
	struct sx_session_establishment_response r = { .node_id = node_id(), .cause = SX_ACCEPTED };

	up.established++;
	up.est = *q;
	up.cp_seid = q->cp_fseid.seid;
	r.cause = up.refuse ? up.refuse : SX_ACCEPTED;
	r.has_up_fseid = !up.refuse;
	r.up_fseid = (struct sx_fseid){ .seid = up.seid = 77 + up.established,
					.v4 = true,
					.ip4 = node_id().ip4 };
	up.there = !up.refuse;
	up_answer(t, SX_SESSION_ESTABLISHMENT_RESPONSE, up.cp_seid, &r);
}

static void on_modify(struct xchg_token *t, uint64_t seid,
		      const struct sx_session_modification_request *q)
{
	struct sx_session_modification_response r = { .cause = SX_ACCEPTED };

	up.modified++;
	up.mod = *q;
	if (!up.there || seid != up.seid)
		r.cause = SX_SESSION_NOT_FOUND;
	else if (up.refuse)
		r.cause = up.refuse;
	up_answer(t, SX_SESSION_MODIFICATION_RESPONSE, up.cp_seid, &r);
}

static void on_up_request(void *arg, struct xchg_token *t, const struct xchg_msg *m,
			  struct pfcp_peer *peer)
{
	static union sx_any q;
	struct sx_association_setup_response a = { .node_id = node_id(), .cause = SX_ACCEPTED };
	struct sx_session_deletion_response gone = { .cause = SX_ACCEPTED };
	struct tlv_error e = { 0 };

	(void)arg;
	(void)peer;
	up.cp = *m->from;
	if (sx_decode(m->p, m->n, NULL, &q, &e))
		fail_msg("message %u: %s %s", m->hdr->type, sx_cause_name(e.cause),
			 e.name ? e.name : "");
	switch (m->hdr->type) {
	case SX_ASSOCIATION_SETUP_REQUEST:
		up.associated++;
		a.recovery_ts = pfcp_recovery_ts(up.pfcp);
		up_answer(t, SX_ASSOCIATION_SETUP_RESPONSE, 0, &a);
		return;
	case SX_SESSION_ESTABLISHMENT_REQUEST:
		on_establish(t, &q.session_establishment_request);
		return;
	case SX_SESSION_MODIFICATION_REQUEST:
		on_modify(t, m->hdr->id, &q.session_modification_request);
		return;
	case SX_SESSION_DELETION_REQUEST:
		up.deleted++;
		up.there = false;
		up_answer(t, SX_SESSION_DELETION_RESPONSE, up.cp_seid, &gone);
		return;
	}
	fail_msg("message %u", m->hdr->type);
}

static const struct pfcp_ops up_ops = { .request = on_up_request };

static void mock_sgwu_open(uint32_t recovery_ts)
{
	struct pfcp_conf c = { .recovery_ts = recovery_ts, .send = up_send, .heartbeat_s = 3600 };

	assert_int_equal(pfcp_open(mock.loop, &c, &up_ops, NULL, &up.pfcp), 0);
}

static void on_report_answer(void *arg, const struct xchg_msg *m)
{
	struct tlv_error e;

	(void)arg;
	up.answers++;
	up.answer_cause = 0;
	if (m && m->hdr->type == SX_SESSION_REPORT_RESPONSE &&
	    !sx_decode(m->p, m->n, NULL, &up.answer, &e))
		up.answer_cause = up.answer.cause;
}

static void report(uint64_t seid)
{
	struct sx_session_report_request q = { .type = { .dldr = true }, .has_dl_data = true };
	static uint8_t buf[MSG_MAX];
	struct tlv_buf b = TLV_BUF(buf);

	q.dl_data.n_pdr_id = 1;
	q.dl_data.pdr_id[0] = 2;
	assert_int_equal(sx_encode(SX_SESSION_REPORT_REQUEST, seid, &q, &b), 0);
	assert_int_equal(pfcp_request(up.pfcp, &up.cp, b.p, b.n, on_report_answer, NULL, NULL), 0);
	mock_run(50);
}

/* --- set up --- */

static int setup(void **state)
{
	(void)state;
	memset(&up, 0, sizeof(up));
	mock_begin(false);
	phone.conf.gtpu = GTPU_PFCP;
	mock.sxa = deliver;
	mock_access_open();
	mock_pgw_open(9);
	up.addr = mock_addr("10.47.0.5");
	mock_sgwu_open(1000);
	mock_run(100);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	pfcp_close(up.pfcp);
	mock_end();
	return 0;
}

static struct pdn *attach(uint64_t ms)
{
	char err[300] = "";

	if (pdn_attach(&phone, &(struct pdn_attach){ .node = SGW_1 }, mock_done, NULL, err,
		       sizeof(err)))
		fail_msg("%s", err);
	mock_run(ms);
	assert_int_equal(mock.done, 1);
	return pdn_of(&phone, NULL);
}

static struct pdn *attached(void)
{
	struct pdn *n = attach(200);

	if (mock.result.err || !n)
		fail_msg("attach: %s", mock.result.why);
	return n;
}

static struct pdn *idle(bool deaf)
{
	struct pdn *n = attached();

	assert_int_equal(pdn_idle(n, deaf, 300 * USEC_PER_MSEC, mock_done, NULL), 0);
	mock_run(50);
	assert_int_equal(mock.done, 2);
	assert_int_equal(mock.result.err, 0);
	return n;
}

/* --- rules --- */

static void test_attach(void **state)
{
	const struct sx_session_establishment_request *q = &up.est;
	struct pdn *n;

	(void)state;
	n = attached();
	assert_int_equal(up.associated, 1);
	assert_int_equal(up.established, 1);
	assert_int_equal(q->n_create_pdr, 2);
	assert_int_equal(q->create_pdr[0].pdi.source, SX_ACCESS);
	assert_false(q->create_pdr[0].pdi.has_fteid || q->create_pdr[0].has_removal);
	assert_false(q->create_pdr[0].pdi.ue_ip.sd);
	assert_int_equal(q->create_pdr[1].pdi.source, SX_CORE);
	assert_int_equal(q->create_pdr[1].pdi.fteid.teid, mock.user_teid);
	assert_int_equal(q->create_pdr[1].pdi.fteid.ip4.s_addr, node_id().ip4.s_addr);
	assert_true(q->create_pdr[1].has_removal && q->create_pdr[1].pdi.ue_ip.sd);
	assert_int_equal(q->n_create_far, 2);
	assert_true(q->create_far[0].action.forw && q->create_far[0].has_bar_id);
	assert_int_equal(q->create_far[0].forwarding.destination, SX_ACCESS);
	assert_false(q->create_far[0].forwarding.has_creation);
	assert_int_equal(q->create_far[1].forwarding.creation.teid, 0x7001);
	assert_int_equal(q->n_create_bar, 1);
	assert_int_equal(mock.last.create_session_request.bearer[0].s5u_sgw.ip4.s_addr,
			 node_id().ip4.s_addr);
	assert_int_equal(pdn_detach(n, mock_done, NULL), 0);
	mock_run(100);
	assert_int_equal(up.deleted, 1);
	assert_null(phone.pdns);
}

/* The answer to Create Bearer Request leaves when the SGW-U has the bearer, not before. */
static void test_bearers(void **state)
{
	const struct sx_session_modification_request *q = &up.mod;
	struct s5_delete_bearer_request del = { .n_ebi = 1, .ebi = { 6 } };

	(void)state;
	attached();
	up.silent = true;
	mock_ask(S5_CREATE_BEARER_REQUEST, bearer_request_of(1));
	mock_run(100);
	assert_int_equal(mock.answers, 0);
	up.silent = false;
	mock_run(3100);
	assert_int_equal(mock.answers, 1);
	assert_int_equal(mock.answer.create_bearer_response.cause.value, S5_ACCEPTED);
	assert_int_equal(q->n_create_far, 1);
	assert_int_equal(q->n_create_urr, 2);
	assert_int_equal(q->n_update_pdr, 2);
	assert_int_equal(q->n_create_pdr, 4);
	mock_ask(S5_DELETE_BEARER_REQUEST, &del);
	mock_run(100);
	assert_int_equal(q->n_remove_far, 1);
	assert_int_equal(q->n_remove_urr, 2);
	assert_int_equal(q->n_remove_pdr, 4);
}

static void test_bearer_refused(void **state)
{
	struct pdn *n;

	(void)state;
	n = attached();
	up.refuse = SX_NO_RESOURCES;
	mock_ask(S5_CREATE_BEARER_REQUEST, bearer_request_of(1));
	mock_run(100);
	assert_int_equal(mock.answers, 1);
	assert_int_equal(mock.answer.create_bearer_response.cause.value, S5_NO_RESOURCES);
	assert_int_equal(n->bearer[1].ebi, 0);
}

/* --- idle --- */

static void test_paging(void **state)
{
	const struct paging *g;
	struct pdn *n;
	bool is_idle;

	(void)state;
	n = idle(false);
	assert_int_equal(up.mod.n_update_far, 1);
	assert_true(up.mod.update_far[0].action.buff && up.mod.update_far[0].action.nocp);
	assert_int_equal(up.mod.n_update_pdr, 0);
	report(up.cp_seid);
	assert_int_equal(up.answer_cause, SX_ACCEPTED);
	assert_int_equal(up.answer.n_update_bar, 1);
	assert_true(up.answer.update_bar[0].has_duration);
	report(up.cp_seid); /* pages no second time */
	g = pdn_paging(n, &is_idle);
	assert_true(is_idle && g->reports == 2 && g->paged == 1);
	mock_run(300);
	pdn_paging(n, &is_idle);
	assert_false(is_idle);
	assert_int_equal(g->services, 1);
	assert_true(up.mod.update_far[0].action.forw && !up.mod.update_far[0].action.buff);
	assert_int_equal(access_totals(mock.access)->paged, 1);
}

static void test_deaf(void **state)
{
	const struct paging *g;
	struct pdn *n;
	bool is_idle;

	(void)state;
	n = idle(true);
	report(up.cp_seid);
	mock_run(4000);
	g = pdn_paging(n, &is_idle);
	assert_true(is_idle && g->unanswered == 1);
	assert_true(up.mod.has_smreq_flags && up.mod.smreq_flags.drobu);
	assert_true(up.mod.update_far[0].action.buff);
	report(up.cp_seid);
	assert_int_equal(g->paged, 2);
	pdn_wake(n, "uplink");
	mock_run(50);
	assert_true(up.mod.update_far[0].action.forw && !up.mod.smreq_flags.drobu);
}

/* A bearer for an idle phone: it is paged first; refused when it does not answer. */
static void test_bearer_of_idle(void **state)
{
	struct pdn *n;

	(void)state;
	n = idle(false);
	mock_ask(S5_CREATE_BEARER_REQUEST, bearer_request_of(1));
	mock_run(200);
	assert_int_equal(mock.answers, 0);
	mock_run(300);
	assert_int_equal(mock.answers, 1);
	assert_int_equal(mock.answer.create_bearer_response.cause.value, S5_ACCEPTED);
	assert_int_equal(pdn_idle(n, true, 0, mock_done, NULL), 0);
	mock_run(50);
	mock_ask(S5_CREATE_BEARER_REQUEST, bearer_request_of(1));
	mock_run(4500);
	assert_int_equal(mock.answers, 2);
	assert_int_equal(mock.answer.create_bearer_response.cause.value, S5_UNABLE_TO_PAGE);
}

/* --- a SGW-U that does not do as it should --- */

static void test_dead(void **state)
{
	(void)state;
	up.silent = true;
	attach(13000);
	assert_int_equal(mock.result.err, -ETIMEDOUT);
	assert_string_equal(
		mock.result.why,
		"user plane: SGW-U 10.47.0.5:8805: Association Setup Request: no answer");
}

static void test_refuses(void **state)
{
	(void)state;
	up.refuse = SX_RULE_FAILURE;
	attach(200);
	assert_int_equal(mock.result.err, -EPROTO);
	assert_non_null(strstr(mock.result.why, "Session Establishment Request: "));
}

static void test_dies(void **state)
{
	struct pdn *n;

	(void)state;
	n = attached();
	up.silent = true;
	assert_int_equal(pdn_idle(n, false, 0, mock_done, NULL), 0);
	mock_run(13000);
	assert_int_equal(mock.result.err, -ETIMEDOUT);
	assert_non_null(strstr(mock.result.why, "Session Modification Request: no answer"));
	pdn_free(n); /* its deletion is not answered either */
	mock_run(13000);
}

/* It has forgotten the session, or everything: it gets it again. */
static void test_restarts(void **state)
{
	struct pdn *n;

	(void)state;
	n = attached();
	up.there = false;
	assert_int_equal(pdn_idle(n, false, 0, mock_done, NULL), 0);
	mock_run(100);
	assert_int_equal(up.established, 2);
	assert_true(up.est.create_far[0].action.buff);
	pfcp_close(up.pfcp);
	mock_sgwu_open(2000);
	mock_run(15000); /* a heartbeat tells */
	assert_int_equal(up.associated, 2);
	assert_int_equal(up.established, 3);
}

static void test_unknown_session(void **state)
{
	(void)state;
	attached();
	report(up.cp_seid + 1);
	assert_int_equal(up.answer_cause, SX_SESSION_NOT_FOUND);
}

/* Requests and answers cut and changed at every octet: answered, ignored; the connection stays. */
static void test_garbage(void **state)
{
	struct sx_session_report_request q = { .type = { .dldr = true }, .has_dl_data = true };
	static uint8_t buf[MSG_MAX], copy[MSG_MAX];
	struct tlv_buf b = TLV_BUF(buf);
	struct pfcp *p;

	(void)state;
	idle(false);
	p = sx_pfcp(mock.access);
	q.dl_data.n_pdr_id = 1;
	assert_int_equal(sx_encode(SX_SESSION_REPORT_REQUEST, up.cp_seid, &q, &b), 0);
	for (size_t i = 0; i < b.n; i++) {
		for (uint8_t type = 1; type < 58; type++) {
			b.p[1] = type;
			tlv_pfcp.set_seq(b.p, (uint32_t)(1000 + 64 * i + type));
			pfcp_input(p, &up.addr, b.p, i);
			memcpy(copy, b.p, b.n);
			copy[i] ^= 0xff;
			pfcp_input(p, &up.addr, copy, b.n);
			mock.head = mock.tail;
		}
	}
	assert_non_null(pdn_of(&phone, NULL));
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(test_attach),
		T(test_bearers),
		T(test_bearer_refused),
		T(test_paging),
		T(test_deaf),
		T(test_bearer_of_idle),
		T(test_dead),
		T(test_refuses),
		T(test_dies),
		T(test_restarts),
		T(test_unknown_session),
		T(test_garbage),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
