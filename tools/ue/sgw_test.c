// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The access side against a mock PGW on a virtual clock: attach and detach, what a refusal says, bearers and their
 * templates, orders, handovers, restarts, commands, hostile input.
 */
#include "mock_pgw.h"

static int setup(void **state)
{
	(void)state;
	mock_begin(false);
	mock_access_open();
	mock_pgw_open(9);
	mock_run(100);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	mock_end();
	return 0;
}

static struct pdn *attach_to(const struct pdn_attach *o)
{
	unsigned int was = mock.done;
	char err[300] = "";

	if (pdn_attach(&phone, o, mock_done, NULL, err, sizeof(err)))
		fail_msg("%s", err);
	assert_int_equal(mock.done, was); /* never before the call returns */
	mock_run(100);
	assert_int_equal(mock.done, was + 1);
	return pdn_of(&phone, o->apn);
}

static struct pdn *attached(void)
{
	struct pdn *n = attach_to(&(struct pdn_attach){ .node = SGW_1 });

	if (mock.result.err || !n)
		fail_msg("attach: %s", mock.result.why);
	return n;
}

/* --- attach --- */

static void test_attach(void **state)
{
	const struct s5_create_session_request *q = &mock.last.create_session_request;
	union sip_sa local, pcscf;
	char a[SIP_SA_STRLEN];
	struct pdn *n;

	(void)state;
	n = attached();
	assert_int_equal(mock.result.cause, S5_ACCEPTED);
	assert_string_equal(q->imsi.s, "001010000000001");
	assert_string_equal(q->msisdn.s, "15550000001");
	assert_string_equal(q->apn.s, "ims");
	assert_int_equal(q->rat_type, S5_RAT_EUTRAN);
	assert_int_equal(q->pdn_type, S5_PDN_IPV4V6);
	assert_int_equal(q->sender.iface, S5_IF_S5C_SGW);
	assert_int_equal(q->bearer[0].s5u_sgw.iface, S5_IF_S5U_SGW);
	assert_string_equal(q->uli.tai.plmn.mnc, "01");
	assert_true(nas_pco_has(&q->pco, NAS_PCO_PCSCF4));
	assert_int_equal(n->mtu, 1400);
	assert_true(pdn_sip_addresses(n, 4, 5060, &local, &pcscf));
	assert_string_equal(sip_sa_str(&pcscf, a), "10.46.0.1:5060");
	assert_true(pdn_sip_addresses(n, 0, 5060, &local, &pcscf));
	assert_string_equal(sip_sa_host_str(&local, a), "[fd45:0:0:b::5]");
	assert_int_equal(access_peer_counter(mock.access, SGW_1), 9);
	assert_int_equal(pdn_detach(n, mock_done, NULL), 0);
	mock_run(50);
	assert_int_equal(mock.last_type, S5_DELETE_SESSION_REQUEST);
	assert_int_equal(mock.result.err, 0);
	assert_null(phone.pdns);
}

static void test_refused(void **state)
{
	(void)state;
	mock.refuse = S5_UNKNOWN_APN;
	assert_null(attach_to(&(struct pdn_attach){ .node = SGW_1 }));
	assert_int_equal(mock.result.err, -ECONNREFUSED);
	assert_int_equal(mock.result.cause, S5_UNKNOWN_APN);
	assert_non_null(strstr(mock.result.why, "78 "));
	mock.refuse = S5_MANDATORY_IE_MISSING;
	mock.offend = true;
	attach_to(&(struct pdn_attach){ .node = SGW_1 });
	assert_non_null(strstr(mock.result.why, "IE 80 instance 0"));
	mock.refuse = 0;
	mock.no_paa = true;
	attach_to(&(struct pdn_attach){ .node = SGW_1 });
	assert_int_equal(mock.result.err, -EBADMSG);
	assert_non_null(strstr(mock.result.why, "PAA"));
}

static void test_silent(void **state)
{
	char err[300];

	(void)state;
	mock.silent = true;
	assert_int_equal(pdn_attach(&phone, &(struct pdn_attach){ .node = SGW_1 }, mock_done, NULL,
				    err, sizeof(err)),
			 0);
	mock_run(13000);
	assert_int_equal(mock.done, 1);
	assert_int_equal(mock.result.err, -ETIMEDOUT);
	assert_string_equal(mock.result.why, "Create Session Request: no answer");
	assert_null(phone.pdns);
}

static void test_emergency(void **state)
{
	const struct s5_create_session_request *q = &mock.last.create_session_request;

	(void)state;
	attach_to(&(struct pdn_attach){ .node = SGW_2, .emergency = true, .no_imsi = true });
	assert_int_equal(mock.result.err, 0);
	assert_false(q->has_imsi);
	assert_string_equal(q->apn.s, "sos");
	assert_string_equal(q->mei.s, phone.conf.imei);
	assert_int_equal(q->bearer[0].qos.arp.priority, 1);
}

static void test_epdg(void **state)
{
	const struct s5_create_session_request *q = &mock.last.create_session_request;
	struct pdn *n;

	(void)state;
	n = attach_to(&(struct pdn_attach){ .node = SGW_EPDG, .pdn_type = S5_PDN_IPV4 });
	assert_int_equal(mock.result.err, 0);
	assert_int_equal(q->sender.iface, S5_IF_S2BC_EPDG);
	assert_int_equal(q->bearer[0].s2bu_epdg.iface, S5_IF_S2BU_EPDG);
	assert_int_equal(q->rat_type, S5_RAT_WLAN);
	assert_true(q->has_apco && !q->has_pco);
	assert_int_equal(n->pcscf4.sa.sa_family, AF_INET);
}

/* --- bearers --- */

static void create_bearers(size_t n)
{
	mock_ask(S5_CREATE_BEARER_REQUEST, bearer_request_of(n));
	mock_run(50);
}

static uint8_t ebi_of(struct pdn *n, const char *local, uint16_t lport, const char *remote,
		      uint16_t rport, bool uplink)
{
	struct tft_packet p = { .proto = IPPROTO_UDP, .uplink = uplink };
	const struct bearer *b, *all;
	size_t count;

	assert_int_equal(sip_sa_parse(local, lport, &p.local), 0);
	assert_int_equal(sip_sa_parse(remote, rport, &p.remote), 0);
	all = pdn_bearers(n, &count);
	b = tft_bearer(all, count, &p);
	return b ? b->ebi : 0;
}

static void test_bearers(void **state)
{
	const struct s5_create_bearer_response *r = &mock.answer.create_bearer_response;
	static struct s5_delete_bearer_request d;
	struct pdn *n;

	(void)state;
	n = attached();
	create_bearers(2);
	assert_int_equal(mock.answer_type, S5_CREATE_BEARER_RESPONSE);
	assert_int_equal(r->cause.value, S5_ACCEPTED);
	assert_int_equal(r->n_bearer, 2);
	assert_int_equal(r->bearer[1].ebi, 7);
	assert_int_equal(r->bearer[0].s5u_pgw.teid, 0x7100);
	assert_int_equal(ebi_of(n, "10.45.0.11", 4000, "10.46.0.1", 20001, true), 6);
	assert_int_equal(ebi_of(n, "10.45.0.11", 4000, "10.46.0.1", 20100, false), 7);
	assert_int_equal(ebi_of(n, "10.45.0.11", 4000, "10.46.0.1", 20002, true), 5);
	assert_int_equal(ebi_of(n, "10.45.0.11", 4000, "10.46.0.2", 20000, true), 5);
	assert_int_equal(ebi_of(n, "fd45::b", 4000, "fd46::1", 20000, true), 5);
	memset(&d, 0, sizeof(d));
	d.n_ebi = 2;
	d.ebi[0] = 6;
	d.ebi[1] = 9; /* none */
	mock_ask(S5_DELETE_BEARER_REQUEST, &d);
	mock_run(50);
	assert_int_equal(mock.answer.delete_bearer_response.cause.value, S5_ACCEPTED_PARTIALLY);
	assert_int_equal(mock.answer.delete_bearer_response.bearer[1].cause.value,
			 S5_CONTEXT_NOT_FOUND);
	assert_int_equal(ebi_of(n, "10.45.0.11", 4000, "10.46.0.1", 20001, true), 5);
	memset(&d, 0, sizeof(d));
	d.has_lbi = true;
	d.lbi = 5;
	mock_ask(S5_DELETE_BEARER_REQUEST, &d);
	mock_run(50);
	assert_int_equal(mock.answer.delete_bearer_response.cause.value, S5_ACCEPTED);
	assert_null(phone.pdns);
	mock_ask(S5_DELETE_BEARER_REQUEST, &d); /* crossed: it is gone */
	mock_run(50);
	assert_int_equal(mock.answer.delete_bearer_response.cause.value, S5_CONTEXT_NOT_FOUND);
}

static void test_update(void **state)
{
	static struct s5_update_bearer_request u;
	struct pdn *n;

	(void)state;
	n = attached();
	create_bearers(1);
	memset(&u, 0, sizeof(u));
	u.n_bearer = 2;
	u.bearer[0].ebi = 6;
	u.bearer[0].has_tft = u.bearer[0].has_qos = true;
	u.bearer[0].qos = (struct s5_qos){ .qci = 2, .gbr_ul = 99 };
	u.bearer[0].tft = (struct nas_tft){ .op = NAS_TFT_DELETE_FILTERS, .n_filter = 1 };
	u.bearer[0].tft.filter[0].id = 1;
	u.bearer[1].ebi = 6;
	u.bearer[1].has_tft = true;
	u.bearer[1].tft = u.bearer[0].tft; /* it is not there any more */
	mock_ask(S5_UPDATE_BEARER_REQUEST, &u);
	mock_run(50);
	assert_int_equal(mock.answer.update_bearer_response.cause.value, S5_ACCEPTED_PARTIALLY);
	assert_int_equal(mock.answer.update_bearer_response.bearer[1].cause.value,
			 S5_FILTER_SYNTACTIC);
	assert_int_equal(ebi_of(n, "10.45.0.11", 4000, "10.46.0.1", 20001, true), 5);
	assert_int_equal(ebi_of(n, "10.45.0.11", 4000, "10.46.0.1", 20001, false), 6);
	assert_int_equal(n->bearer[1].qos.qci, 2);
}

static void test_orders(void **state)
{
	const struct s5_create_bearer_response *r = &mock.answer.create_bearer_response;

	(void)state;
	attached();
	phone.order = (struct pdn_order){
		.what = ORDER_REFUSE, .request = ORDER_CREATE, .cause = S5_NO_RESOURCES, .count = 1
	};
	create_bearers(1);
	assert_int_equal(r->cause.value, S5_NO_RESOURCES);
	phone.order =
		(struct pdn_order){ .what = ORDER_PARTIAL, .cause = S5_UE_REFUSES, .count = 1 };
	create_bearers(2);
	assert_int_equal(r->cause.value, S5_ACCEPTED_PARTIALLY);
	assert_int_equal(r->bearer[0].cause.value, S5_ACCEPTED);
	assert_int_equal(r->bearer[1].cause.value, S5_UE_REFUSES);
	phone.order = (struct pdn_order){ .what = ORDER_SILENT, .count = 1 };
	mock_ask(S5_CREATE_BEARER_REQUEST, bearer_request_of(1));
	mock_run(13000);
	assert_int_equal(mock.answer_type, 0);
	phone.order = (struct pdn_order){ .what = ORDER_LATE, .delay = 5000000, .count = 1 };
	mock_ask(S5_CREATE_BEARER_REQUEST, bearer_request_of(1));
	mock_run(4000);
	assert_int_equal(mock.answer_type, 0);
	mock_run(2000);
	assert_int_equal(r->cause.value, S5_ACCEPTED);
	assert_int_equal(phone.order.count, 0);
	phone.order = (struct pdn_order){ .what = ORDER_LATE, .delay = 60000000, .count = 1 };
	mock_ask(S5_CREATE_BEARER_REQUEST, bearer_request_of(1)); /* the end comes before */
	mock_run(20);
}

/* A request that overtakes the answer to Create Session is answered behind it; one that comes with it, too. */
static void test_overtaken(void **state)
{
	char err[300];

	(void)state;
	mock.early_bearer = true;
	assert_int_equal(pdn_attach(&phone, &(struct pdn_attach){ .node = SGW_1 }, mock_done, NULL,
				    err, sizeof(err)),
			 0);
	mock_run(100);
	assert_int_equal(mock.result.err, 0);
	assert_int_equal(mock.answer.create_bearer_response.cause.value, S5_ACCEPTED);
	assert_int_equal(mock.answer_teid, mock.teid);
	assert_int_equal(pdn_of(&phone, NULL)->bearer[1].ebi, 6);
}

static void test_no_room(void **state)
{
	(void)state;
	attached();
	create_bearers(10);
	assert_int_equal(mock.answer.create_bearer_response.cause.value, S5_ACCEPTED);
	create_bearers(1);
	assert_int_equal(mock.answer.create_bearer_response.cause.value, S5_NO_RESOURCES);
}

/* --- moves --- */

static void test_sgw_change(void **state)
{
	const struct s5_modify_bearer_request *q = &mock.last.modify_bearer_request;
	struct pdn *n;
	uint32_t was;

	(void)state;
	n = attached();
	was = n->teid;
	create_bearers(1);
	assert_int_equal(
		pdn_modify(n, &(struct pdn_modify){ .node = SGW_2, .tac = 7 }, mock_done, NULL), 0);
	assert_int_equal(pdn_detach(n, mock_done, NULL), -EBUSY);
	mock_run(50);
	assert_int_equal(mock.result.err, 0);
	assert_int_equal(q->n_bearer, 2);
	assert_int_equal(q->uli.tai.tac, 7);
	assert_true(n->node == &mock.access->node[SGW_2] && n->teid != was);
	assert_int_equal(q->bearer[1].s5u_sgw.teid, n->bearer[1].teid);
	create_bearers(1); /* by the new way */
	assert_int_equal(mock.answer.create_bearer_response.cause.value, S5_ACCEPTED);
	mock.refuse = S5_CONTEXT_NOT_FOUND;
	assert_int_equal(pdn_modify(n, &(struct pdn_modify){ .node = SGW_1 }, mock_done, NULL), 0);
	mock_run(50);
	assert_int_equal(mock.result.cause, S5_CONTEXT_NOT_FOUND);
	assert_true(n->node == &mock.access->node[SGW_2] && !n->old);
	assert_int_equal(pdn_modify(n, &(struct pdn_modify){ .node = SGW_EPDG }, mock_done, NULL),
			 -EINVAL);
}

static void test_handover(void **state)
{
	const struct s5_create_session_request *q = &mock.last.create_session_request;
	static struct s5_delete_bearer_request d;
	struct sockaddr_storage old_sgw;
	uint32_t old_teid;
	struct pdn *n, *m;

	(void)state;
	n = attached();
	old_teid = n->teid;
	old_sgw = mock.sgw;
	m = attach_to(&(struct pdn_attach){ .node = SGW_EPDG, .handover = true, .apn = "ims" });
	(void)m;
	assert_int_equal(mock.result.err, 0);
	assert_true(q->has_indication && q->indication.hi);
	assert_int_equal(q->paa.ip4.s_addr, inet_addr("10.45.0.11"));
	assert_int_equal(n->state, PDN_LEAVING);
	mock.sgw_teid = old_teid;
	mock.sgw = old_sgw;
	memset(&d, 0, sizeof(d));
	d.has_lbi = d.has_cause = true;
	d.lbi = 5;
	d.cause.value = S5_RAT_3GPP_TO_NON_3GPP;
	mock_ask(S5_DELETE_BEARER_REQUEST, &d);
	mock_run(50);
	assert_int_equal(mock.answer.delete_bearer_response.cause.value, S5_ACCEPTED);
	n = pdn_of(&phone, "ims");
	assert_true(n && n->node == &mock.access->node[SGW_EPDG] && !n->next);
	assert_int_equal(pdn_detach(n, mock_done, NULL), 0);
	mock_run(50);
	assert_int_equal(mock.result.err, 0);
}

/* The PGW deletes the old side before its answer to the handover arrives. */
static void test_handover_crossed(void **state)
{
	static struct s5_delete_bearer_request d;
	char err[300];
	struct pdn *n;

	(void)state;
	attached();
	phone.pdns->online = true;
	mock.silent = true;
	assert_int_equal(pdn_attach(&phone,
				    &(struct pdn_attach){ .node = SGW_EPDG, .handover = true },
				    mock_done, NULL, err, sizeof(err)),
			 0);
	mock_run(50);
	memset(&d, 0, sizeof(d));
	d.has_lbi = true;
	d.lbi = 5;
	mock_ask(S5_DELETE_BEARER_REQUEST, &d);
	mock_run(50);
	mock.silent = false;
	mock_run(4000); /* both ask again */
	assert_int_equal(mock.result.err, 0);
	n = pdn_of(&phone, "ims");
	assert_true(n && n->online && n->handed && !n->from && !n->next);
	n->online = false; /* there is no SIP here to end */
}

/* --- restarts --- */

static void test_restart(void **state)
{
	size_t lost;

	(void)state;
	attached();
	gtpc_close(mock.gtpc);
	mock_pgw_open(10);
	mock_run(65000); /* by the next Echo */
	assert_null(pdn_of(&phone, NULL));
	attached();
	assert_int_equal(access_restart(mock.access, SGW_1, &lost), 0);
	assert_int_equal(lost, 1);
	assert_null(pdn_of(&phone, NULL));
	create_bearers(1);
	assert_int_equal(mock.answer.create_bearer_response.cause.value, S5_CONTEXT_NOT_FOUND);
	attached();
}

/* --- commands and notifications --- */

static struct pdn *asking;

static void test_commands(void **state)
{
	const struct pdn_resource o = { .filter = "permit out 17 from 10.46.0.9 5000 to assigned",
					.qci = 3,
					.gbr = 64 };
	char err[300];

	(void)state;
	asking = attached();
	assert_int_equal(pdn_resource(asking, &o, mock_done, NULL, err, sizeof(err)), 0);
	mock_run(50);
	assert_int_equal(mock.last_type, S5_BEARER_RESOURCE_COMMAND);
	assert_int_equal(mock.last.bearer_resource_command.flow_qos.qci, 3);
	assert_int_equal(mock.last.bearer_resource_command.tad.filter[0].remote_low, 5000);
	mock_run(13000);
	assert_int_equal(mock.result.err, -ETIMEDOUT);
	mock.refuse = S5_SERVICE_DENIED;
	assert_int_equal(pdn_resource(asking, &o, mock_done, NULL, err, sizeof(err)), 0);
	mock_run(50);
	assert_int_equal(mock.result.cause, S5_SERVICE_DENIED);
	mock.refuse = 0;
	create_bearers(1);
	assert_int_equal(pdn_delete_bearer(asking, 6, mock_done, NULL), 0);
	mock_run(50);
	assert_int_equal(mock.last.delete_bearer_command.bearer[0].ebi, 6);
	mock_run(13000);
	assert_int_equal(pdn_suspend(asking, false, mock_done, NULL), 0);
	mock_run(50);
	assert_int_equal(mock.result.err, 0);
	assert_int_equal(pdn_suspend(asking, true, mock_done, NULL), 0);
	mock_run(50);
	assert_string_equal(mock.result.why, "resumed");
	assert_int_equal(
		pdn_notify_change(asking, &(struct pdn_modify){ .eci = 77 }, mock_done, NULL), 0);
	mock_run(50);
	assert_int_equal(mock.last.change_notification_request.uli.ecgi.eci, 77);
	assert_int_equal(mock.result.err, 0);
	assert_int_equal(pdn_resource(asking, &(struct pdn_resource){ .filter = "nonsense" },
				      mock_done, NULL, err, sizeof(err)),
			 -EINVAL);
}

/* --- hostile --- */

/* A request cut at every octet, and with every octet changed: an answer or none, and the connection stays. */
static void test_garbage(void **state)
{
	static uint8_t buf[MSG_MAX], copy[MSG_MAX];
	struct tlv_buf b = TLV_BUF(buf);
	struct gtpc *g;

	(void)state;
	attached();
	g = access_gtpc(mock.access, SGW_1);
	assert_int_equal(
		s5_encode(S5_CREATE_BEARER_REQUEST, mock.sgw_teid, bearer_request_of(1), &b), 0);
	for (size_t i = 0; i < b.n; i++) {
		tlv_gtpv2.set_seq(b.p, (uint32_t)(1000 + i));
		gtpc_input(g, &mock.addr, b.p, i);
		memcpy(copy, b.p, b.n);
		copy[i] ^= 0xff;
		gtpc_input(g, &mock.addr, copy, b.n);
		mock.head = mock.tail;
	}
	assert_non_null(pdn_of(&phone, NULL));
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(test_attach),		  T(test_refused),    T(test_silent),
		T(test_emergency),	  T(test_epdg),	      T(test_bearers),
		T(test_update),		  T(test_orders),     T(test_overtaken),
		T(test_no_room),	  T(test_sgw_change), T(test_handover),
		T(test_handover_crossed), T(test_restart),    T(test_commands),
		T(test_garbage),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
