// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Restart: what was registered and what was talking goes on; what only one of store and kernel
 * knows goes away.
 */
#include "pcscf/pcscf_test.h"

#define SDP(addr, port)                                                                        \
	"v=0\r\no=- 1 1 IN IP4 " addr "\r\ns=-\r\nc=IN IP4 " addr "\r\nt=0 0\r\nm=audio " port \
	" RTP/AVP 97\r\n"

static int setup_store(void **state)
{
	struct wire *w = wire_new();
	int fd;

	strcpy(w->db, "/tmp/kims-pcscf-test-XXXXXX");
	fd = mkstemp(w->db);
	assert_true(fd >= 0);
	close(fd);
	start_pcscf(w);
	*state = w;
	return 0;
}

static void restart(struct wire *w)
{
	run(w, 5000);
	drain(w);
	stop_pcscf(w);
	start_pcscf(w);
}

static void phone_message(struct phone *u)
{
	char text[1024];

	snprintf(
		text, sizeof(text),
		"MESSAGE sip:x@" DOMAIN
		" SIP/2.0\r\nVia: SIP/2.0/UDP %s:%u;branch=z9hG4bKm%d\r\nMax-Forwards: 70\r\n"
		"Route: <sip:10.46.0.1:5064;lr>, <sip:orig@10.46.0.3:5060;lr>\r\nFrom: <sip:%s@" DOMAIN
		">;tag=m\r\n"
		"To: <sip:x@" DOMAIN
		">\r\nCall-ID: m%d\r\nCSeq: %d MESSAGE\r\nContent-Length: 0\r\n\r\n",
		u->addr, u->us, u->cseq, u->msisdn, u->cseq, u->cseq);
	u->cseq++;
	phone_sends(u, text);
}

static void test_registration(void **state)
{
	struct wire *w = *state;
	struct phone u = phone_a(w);
	struct mock_set before;
	struct sip_msg *m;

	register_phone(&u, 3600);
	before = w->set[0];
	restart(w);
	assert_int_equal(n_sets(w), 1);
	assert_memory_equal(&before.x, &w->set[0].x, sizeof(before.x));
	phone_message(&u);
	m = expect_request(w, EP_MW, SCSCF, "MESSAGE");
	has(m, SIP_H_P_ASSERTED_IDENTITY, "<sip:+15550000001@" DOMAIN ">");
	core_answers(w, m, 200, "");
	sip_msg_unref(m);
	sip_msg_unref(expect_status(w, EP_GM_PC, "10.45.0.11:40002", 200));
	/* subscribes anew, within the spread */
	run(w, 31000);
	m = expect_request(w, EP_MW, CORE, "SUBSCRIBE");
	core_answers(w, m, 200, "Expires: 600000\nContact: <sip:10.46.0.3:5060>\n");
	sip_msg_unref(m);
	drain(w);
	/* and de-registers as if nothing had been */
	phone_registers(&u, &(struct reg_opts){ .expires = 0 });
	m = expect_request(w, EP_MW, CORE, "REGISTER");
	core_answers(w, m, 200, "");
	sip_msg_unref(m);
	sip_msg_unref(expect_status(w, EP_GM_PC, NULL, 200));
	run(w, 8000);
	assert_int_equal(n_sets(w), 0);
	restart(w);
	assert_null(w->p->regs);
}

/* A set of the second port_ps, since the first one was its former set's. */
static void test_second_port(void **state)
{
	struct wire *w = *state;
	struct phone u = phone_a(w);
	struct sip_msg *m;

	register_phone(&u, 3600);
	u.ps = u.pc = 0;
	register_phone(&u, 3600);
	assert_int_equal(u.ps, 5065);
	run(w, 300000);
	drain(w);
	restart(w);
	assert_int_equal(n_sets(w), 1);
	phone_message(&u);
	m = expect_request(w, EP_MW, SCSCF, "MESSAGE");
	core_answers(w, m, 200, "");
	sip_msg_unref(m);
	sip_msg_unref(expect_status(w, EP_GM_PC, "10.45.0.11:40002", 200));
}

/* Behind a NAT: the port that it gave is known afterwards, and changes are still followed. */
static void test_nat(void **state)
{
	static const char sec[] =
		"Security-Client: ipsec-3gpp;alg=hmac-sha-1-96;ealg=null;mod=UDP-enc-tun;spi-c=11;spi-s=12;port-c=40001;port-s=40002\r\n";
	struct reg_opts o = { .expires = 3600, .security = sec, .via = "192.168.7.2" };
	struct knl_event e = { .kind = KNL_EV_ESP_MAPPED };
	struct wire *w = *state;
	struct phone u = phone_a(w);
	struct sip_msg *m;

	for (int i = 0; i < 2; i++) {
		phone_registers(&u, &o);
		m = expect_request(w, EP_MW, CORE, "REGISTER");
		core_answers(w, m, i ? 200 : 401, i ? accepted_lines(&u, 3600) : challenge());
		sip_msg_unref(m);
		m = expect_status(w, i ? EP_GM_PC : EP_GM_OPEN, NULL, i ? 200 : 401);
		if (!i)
			learn_security(&u, m);
		sip_msg_unref(m);
		o.via = NULL;
	}
	e.spi = w->set[0].x.our_spi_s;
	e.dst.addr = w->set[0].x.our;
	e.src.addr = w->set[0].x.peer;
	e.src.port = 61000;
	pcscf_kernel_event(w->p, &e);
	restart(w);
	assert_int_equal(w->p->regs->set[SA_CUR]->nat_port, 61000);
	e.src.port = 61001;
	pcscf_kernel_event(w->p, &e);
	assert_int_equal(w->set[0].nat_port, 61001);
	drain(w);
}

/* The kernel was rebooted: SAs are gone, so is the registration. */
static void test_kernel_forgot(void **state)
{
	struct wire *w = *state;
	struct phone u = phone_a(w);

	register_phone(&u, 3600);
	run(w, 0);
	stop_pcscf(w);
	w->set[0].used = false;
	start_pcscf(w);
	assert_null(w->p->regs);
	assert_null(w->p->binds);
}

/* A challenge was out when the daemon died: its SAs are flushed. */
static void test_leftovers(void **state)
{
	struct wire *w = *state;
	struct phone u = phone_a(w), v = phone_b(w);
	struct sip_msg *m;

	register_phone(&u, 3600);
	phone_registers(&v, &(struct reg_opts){ .expires = 3600 });
	m = expect_request(w, EP_MW, CORE, "REGISTER");
	core_answers(w, m, 401, challenge());
	sip_msg_unref(m);
	assert_int_equal(n_sets(w), 2);
	w->flow[9] = (struct mock_flow){ true, { .id = 999, .cookie = 5 } };
	restart(w);
	assert_int_equal(n_sets(w), 1);
	assert_int_equal(n_flows(w), 0);
	assert_int_equal(HASH_CNT(hh_id, w->p->regs), 1);
}

/* A registration that expired meanwhile is not believed. */
static void test_expired(void **state)
{
	struct wire *w = *state;
	struct phone u = phone_a(w);

	register_phone(&u, 600);
	run(w, 1000);
	pcscf_free(w->p);
	run(w, 700000);
	start_pcscf(w);
	assert_null(w->p->regs);
	assert_int_equal(n_sets(w), 0);
}

static void test_session(void **state)
{
	struct wire *w = *state;
	struct phone u = phone_a(w);
	struct sip_msg *m;
	char text[2048], token[20];

	register_phone(&u, 600000);
	snprintf(
		text, sizeof(text),
		"INVITE sip:b@" DOMAIN
		" SIP/2.0\r\nVia: SIP/2.0/UDP 10.45.0.11:40002;branch=z9hG4bKi\r\nMax-Forwards: 70\r\n"
		"Route: <sip:10.46.0.1:5064;lr>, <sip:orig@10.46.0.3:5060;lr>\r\nFrom: <sip:+15550000001@" DOMAIN
		">;tag=a\r\n"
		"To: <sip:b@" DOMAIN
		">\r\nCall-ID: c\r\nCSeq: 1 INVITE\r\nContact: <sip:a@10.45.0.11:40002>\r\n"
		"Content-Type: application/sdp\r\nContent-Length: %zu\r\n\r\n%s",
		strlen(SDP("10.45.0.11", "4000")), SDP("10.45.0.11", "4000"));
	phone_sends(&u, text);
	sip_msg_unref(expect_status(w, EP_GM_PC, NULL, 100));
	m = expect_request(w, EP_MW, SCSCF, "INVITE");
	core_answers(w, m, 200, "Contact: <sip:b@10.45.0.99>\n\n" SDP("10.45.0.99", "5000"));
	sip_msg_unref(m);
	sip_msg_unref(expect_status(w, EP_GM_PC, NULL, 200));
	assert_int_equal(n_flows(w), 4);
	strcpy(token, w->p->sessions->token);
	run(w, 1);
	pcscf_free(w->p);
	drain(w);
	w->flow[2].used = false; /* one is lost: it is made again */
	start_pcscf(w);
	assert_int_equal(n_flows(w), 4);
	assert_non_null(w->p->sessions);
	assert_int_equal(w->p->ports.family[0].n_used, 2);
	snprintf(
		text, sizeof(text),
		"BYE sip:b@10.45.0.99 SIP/2.0\r\nVia: SIP/2.0/UDP 10.45.0.11:40002;branch=z9hG4bKb\r\nMax-Forwards: 70\r\n"
		"Route: <sip:%s@10.46.0.1:5064;lr>, <sip:%s@10.46.0.1:5070;lr>, <sip:s@10.46.0.3:5060;lr>\r\n"
		"From: <sip:+15550000001@" DOMAIN ">;tag=a\r\nTo: <sip:b@" DOMAIN
		">;tag=core\r\nCall-ID: c\r\nCSeq: 2 BYE\r\n"
		"Content-Length: 0\r\n\r\n",
		token, token);
	phone_sends(&u, text);
	m = expect_request(w, EP_MW, SCSCF, "BYE");
	core_answers(w, m, 200, "");
	sip_msg_unref(m);
	sip_msg_unref(expect_status(w, EP_GM_PC, NULL, 200));
	run(w, 1);
	assert_int_equal(n_flows(w), 0);
	assert_null(w->p->sessions);
	restart(w);
	assert_null(w->p->sessions);
}

/* Ended while everything waits for an answer: nothing may leak. */
static void test_stop_in_the_middle(void **state)
{
	struct wire *w = *state;
	struct phone u = phone_a(w), v = phone_b(w);

	register_phone(&u, 3600);
	phone_message(&u);
	sip_msg_unref(expect_request(w, EP_MW, SCSCF, "MESSAGE"));
	phone_registers(&v, &(struct reg_opts){ .expires = 3600 });
	sip_msg_unref(expect_request(w, EP_MW, CORE, "REGISTER"));
	pcscf_free(w->p);
	drain(w);
	start_pcscf(w);
	assert_int_equal(n_sets(w), 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_registration, setup_store, teardown),
		cmocka_unit_test_setup_teardown(test_second_port, setup_store, teardown),
		cmocka_unit_test_setup_teardown(test_nat, setup_store, teardown),
		cmocka_unit_test_setup_teardown(test_kernel_forgot, setup_store, teardown),
		cmocka_unit_test_setup_teardown(test_leftovers, setup_store, teardown),
		cmocka_unit_test_setup_teardown(test_expired, setup_store, teardown),
		cmocka_unit_test_setup_teardown(test_session, setup_store, teardown),
		cmocka_unit_test_setup_teardown(test_stop_in_the_middle, setup_store, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
