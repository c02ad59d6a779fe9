// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Two nodes over loopback TCP: this process asks, a child answers; each transport with each other.
 * The child is silent, answers badly, dies and comes back; each request must end in exactly one call.
 */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include <cmocka.h>

#include "lib/core/log.h"
#include "lib/diameter/cx_link.h"

#define REALM "test.example"
#define HSS   "hss." REALM

static uint16_t port;
static bool server_freediameter;
static struct loop *loop;
static struct dia *client;
static bool freediameter; /* which transport this process has */

/* --- the child --- */

static struct dia *server;

static void on_uar(void *arg, struct dia_token *t, struct str origin, const struct cx_uar *r)
{
	struct cx_uaa a = { .result = CX_FIRST_REGISTRATION, .has_caps = true };

	(void)arg;
	assert_true(str_eqz(origin, "scscf." REALM));
	if (str_eqz(r->user_name, "silent"))
		return;
	if (str_eqz(r->user_name, "bad"))
		a.result = CX_SUBSEQUENT_REGISTRATION; /* without Server-Name */
	if (str_eqz(r->user_name, "die"))
		_exit(0);
	a.caps.mandatory[a.caps.n_mandatory++] = 7;
	cx_answer_ua(t, &a);
}

static void on_mar(void *arg, struct dia_token *t, struct str origin, const struct cx_mar *r)
{
	struct cx_maa a = { .result = CX_SUCCESS,
			    .user_name = r->user_name,
			    .public_identity = r->public_identity };

	(void)arg;
	(void)origin;
	a.n = r->n_items;
	for (size_t i = 0; i < a.n; i++) {
		a.item[i].number = (uint32_t)i + 1;
		a.item[i].scheme = STR("Digest-AKAv1-MD5");
		a.item[i].authenticate = STR("01234567890123456789012345678901");
		a.item[i].authorization = STR("\0ABCDEFG");
		a.item[i].ck = STR("0123456789abcdef");
		a.item[i].ik =
			str_eqz(r->user_name, "short") ? STR("too short") : STR("fedcba9876543210");
	}
	cx_answer_ma(t, &a);
}

static void on_rta(void *arg, const struct cx_rta *a)
{
	struct dia_token *t = arg;
	struct cx_saa s = { .result = a->result };

	cx_answer_sa(t, &s);
}

/* An SAR makes the server send an RTR to us first: the other direction on the same connection. */
static void on_sar(void *arg, struct dia_token *t, struct str origin, const struct cx_sar *r)
{
	struct cx_rtr q = { .user_name = r->user_name, .reason_code = CX_PERMANENT_TERMINATION };

	(void)arg;
	(void)origin;
	cx_send_rtr(server, "scscf." REALM, &q, on_rta, t);
}

static void run_server(void)
{
	static const struct cx_server_ops ops = { .uar = on_uar, .mar = on_mar, .sar = on_sar };
	struct dia_conf c = {
		.identity = HSS,
		.realm = REALM,
		.listen_addr = "127.0.0.1",
		.listen_port = port,
		.watchdog_s = 6,
		.reconnect_s = 1,
		.timeout_ms = 2000,
		.accept_realm = true,
		.freediameter = freediameter,
	};
	struct loop *l;
	char err[256];

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (loop_new(&l) || dia_open(l, &c, &server, err, sizeof(err))) {
		fprintf(stderr, "server: %s\n", err);
		_exit(1);
	}
	cx_serve(server, &ops, NULL);
	loop_run(l);
	_exit(0);
}

static pid_t start_server(void)
{
	pid_t pid = fork();
	char number[16];

	if (!pid) { /* a process is one node: the child is a new program */
		snprintf(number, sizeof(number), "%u%s", port, server_freediameter ? "f" : "");
		execl("/proc/self/exe", "diameter_test", "--server", number, NULL);
		_exit(1);
	}
	return pid;
}

/* --- this process --- */

static struct {
	int n, result, caps;
	size_t items;
	bool octets_ok;
	uint64_t at;
} got;

static void on_uaa(void *arg, const struct cx_uaa *a)
{
	(void)arg;
	got.n++;
	got.result = a->result;
	got.caps = a->caps.n_mandatory ? (int)a->caps.mandatory[0] : -1;
	got.at = loop_now(loop);
}

static void on_maa(void *arg, const struct cx_maa *a)
{
	(void)arg;
	got.n++;
	got.result = a->result;
	got.items = a->n;
	got.octets_ok = a->n && a->item[0].authorization.n == 8 &&
			!memcmp(a->item[0].authorization.p, "\0ABCDEFG", 8);
}

static void on_saa(void *arg, const struct cx_saa *a)
{
	(void)arg;
	got.n++;
	got.result = a->result;
}

static int rtr_seen;

static void on_rtr(void *arg, struct dia_token *t, struct str origin, const struct cx_rtr *r)
{
	struct cx_rta a = { .result = CX_SUCCESS };

	(void)arg;
	assert_true(str_eqz(origin, HSS));
	assert_true(str_eqz(r->destination_host, "scscf." REALM));
	assert_int_equal(r->reason_code, CX_PERMANENT_TERMINATION);
	rtr_seen++;
	cx_answer_rt(t, &a);
}

static bool wait_for(bool (*done)(void), uint64_t usec)
{
	uint64_t until = loop_now(loop) + usec;

	while (!done() && loop_now(loop) < until)
		loop_once(loop, 20);
	return done();
}

static bool is_answered(void)
{
	return got.n > 0;
}

static bool is_up(void)
{
	return dia_peer_up(client, HSS);
}

static bool is_down(void)
{
	return !is_up();
}

static void ask_uar(const char *user)
{
	struct cx_uar r = { .user_name = str_of(user),
			    .public_identity = STR("sip:a@" REALM),
			    .visited_network = STR(REALM),
			    .auth_type = -1 };

	memset(&got, 0, sizeof(got));
	assert_int_equal(cx_send_uar(client, NULL, &r, on_uaa, NULL), 0);
	assert_int_equal(got.n, 0); /* never from inside the call */
}

static void ask_mar(const char *user, uint32_t items)
{
	struct cx_mar r = { .user_name = str_of(user),
			    .public_identity = STR("sip:a@" REALM),
			    .server_name = STR("sip:s"),
			    .n_items = items };

	r.item.scheme = STR("Digest-AKAv1-MD5");
	memset(&got, 0, sizeof(got));
	assert_int_equal(cx_send_mar(client, HSS, &r, on_maa, NULL), 0);
	assert_true(wait_for(is_answered, 3 * USEC_PER_SEC));
}

static void test_no_peer_is_said_at_once(void **state)
{
	(void)state;
	uint64_t t0 = loop_now(loop);

	ask_uar("x");
	assert_true(wait_for(is_answered, USEC_PER_SEC));
	assert_int_equal(got.result, CX_NO_PEER);
	assert_true(got.at - t0 < 100 * USEC_PER_MSEC);
}

static pid_t pid;

static void test_answer(void **state)
{
	(void)state;
	pid = start_server();
	assert_true(wait_for(is_up, 10 * USEC_PER_SEC));
	ask_uar("alice");
	assert_true(wait_for(is_answered, 3 * USEC_PER_SEC));
	assert_int_equal(got.result, CX_FIRST_REGISTRATION);
	assert_int_equal(got.caps, 7);
	ask_mar("alice", 2);
	assert_int_equal(got.result, CX_SUCCESS);
	assert_int_equal(got.items, 2);
	assert_true(got.octets_ok);
}

static void test_timeout_once(void **state)
{
	(void)state;
	ask_uar("silent");
	assert_true(wait_for(is_answered, 4 * USEC_PER_SEC));
	assert_int_equal(got.result, CX_TIMEOUT);
	for (int i = 0; i < 20; i++)
		loop_once(loop, 20);
	assert_int_equal(got.n, 1);
}

static void test_bad_answers(void **state)
{
	(void)state;
	ask_uar("bad");
	assert_true(wait_for(is_answered, 3 * USEC_PER_SEC));
	assert_int_equal(got.result, CX_BAD_ANSWER);
	ask_mar("short", 1);
	assert_int_equal(got.result, CX_BAD_ANSWER);
	ask_mar("none", 0);
	assert_int_equal(got.result, CX_BAD_ANSWER);
}

static void test_missing_avp_in_request(void **state)
{
	struct cx_uar r = { .user_name = STR("alice"), .auth_type = -1 };

	(void)state;
	memset(&got, 0, sizeof(got));
	assert_int_equal(cx_send_uar(client, NULL, &r, on_uaa, NULL), 0);
	assert_true(wait_for(is_answered, 3 * USEC_PER_SEC));
	assert_int_equal(got.result, CX_MISSING_AVP);
}

static void test_unserved_command(void **state)
{
	struct cx_lir r = { .public_identity = STR("sip:a@" REALM), .auth_type = -1 };

	(void)state;
	memset(&got, 0, sizeof(got));
	assert_int_equal(cx_send_lir(client, NULL, &r, (cx_lia_fn)(void *)on_saa, NULL), 0);
	assert_true(wait_for(is_answered, 3 * USEC_PER_SEC));
	assert_int_equal(got.result, 3001);
}

static void test_request_from_server(void **state)
{
	struct cx_sar r = { .user_name = STR("alice"),
			    .server_name = STR("sip:s"),
			    .assignment_type = CX_SA_REGISTRATION };

	(void)state;
	memset(&got, 0, sizeof(got));
	assert_int_equal(cx_send_sar(client, HSS, &r, on_saa, NULL), 0);
	assert_true(wait_for(is_answered, 3 * USEC_PER_SEC));
	assert_int_equal(got.result, CX_SUCCESS);
	assert_int_equal(rtr_seen, 1);
}

static int many;

static void on_many(void *arg, const struct cx_uaa *a)
{
	(void)arg;
	many += a->result == CX_FIRST_REGISTRATION;
}

static bool all_many(void)
{
	return many >= 2000;
}

static void test_many_in_flight(void **state)
{
	struct cx_uar r = { .user_name = STR("x"),
			    .public_identity = STR("sip:a"),
			    .visited_network = STR("v"),
			    .auth_type = 0 };

	(void)state;
	for (int i = 0; i < 2000; i++)
		assert_int_equal(cx_send_uar(client, HSS, &r, on_many, NULL), 0);
	assert_true(wait_for(all_many, 10 * USEC_PER_SEC));
	assert_int_equal(many, 2000);
}

static int ups, downs;

static void on_peer(void *arg, const char *identity, bool up)
{
	(void)arg;
	assert_string_equal(identity, HSS);
	*(up ? &ups : &downs) += 1;
}

/* freeDiameter's list is looked at: what happened is told up to a second later. */
static bool down_was_told(void)
{
	return downs == 1;
}

static bool ups_were_told(void)
{
	return ups == 2;
}

static void test_peer_dies_and_returns(void **state)
{
	uint64_t t0;

	(void)state;
	ask_uar("die");
	assert_true(wait_for(is_answered, 4 * USEC_PER_SEC));
	assert_true(got.result == CX_TIMEOUT || got.result == CX_NO_PEER);
	waitpid(pid, NULL, 0);
	assert_true(wait_for(is_down, 2 * USEC_PER_SEC));
	ask_uar("alice");
	assert_true(wait_for(is_answered, USEC_PER_SEC));
	assert_int_equal(got.result, CX_NO_PEER);
	assert_true(wait_for(down_was_told, 2 * USEC_PER_SEC));
	t0 = loop_now(loop);
	pid = start_server();
	assert_true(wait_for(is_up, 12 * USEC_PER_SEC));
	print_message("connected again after %.1f s\n", (double)(loop_now(loop) - t0) / 1e6);
	ask_uar("alice");
	assert_true(wait_for(is_answered, 3 * USEC_PER_SEC));
	assert_int_equal(got.result, CX_FIRST_REGISTRATION);
}

static void test_peer_events(void **state)
{
	(void)state;
	assert_true(wait_for(ups_were_told, 2 * USEC_PER_SEC));
	assert_int_equal(downs, 1);
}

static void test_close_ends_calls(void **state)
{
	uint64_t t0 = loop_now(loop);

	(void)state;
	ask_uar("silent");
	dia_close(client);
	assert_int_equal(got.n, 1);
	assert_int_equal(got.result, CX_NO_PEER);
	loop_once(loop, 0);
	print_message("closed in %.1f s\n", (double)(loop_now(loop) - t0) / 1e6);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

static int setup(void **state)
{
	static const struct cx_server_ops ops = { .rtr = on_rtr };
	struct dia_peer_conf peer = { .identity = HSS, .addr = "127.0.0.1" };
	struct dia_conf c = {
		.identity = "scscf." REALM,
		.realm = REALM,
		.peers = &peer,
		.n_peers = 1,
		.watchdog_s = 6,
		.reconnect_s = 1,
		.timeout_ms = 1500,
		.freediameter = freediameter,
	};
	char err[256] = "";

	(void)state;
	ups = downs = many = rtr_seen = 0;
	if (getenv("KIMS_TEST_DEBUG"))
		log_set_level(LOG_LVL_DEBUG);
	port = (uint16_t)(20000 + (getpid() + freediameter * 3 + server_freediameter * 5) % 20000);
	peer.port = port;
	assert_int_equal(loop_new(&loop), 0);
	if (dia_open(loop, &c, &client, err, sizeof(err)))
		fail_msg("%s", err);
	cx_serve(client, &ops, NULL);
	dia_on_peer(client, on_peer, NULL);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	loop_free(loop);
	return 0;
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_no_peer_is_said_at_once),
		cmocka_unit_test(test_answer),
		cmocka_unit_test(test_timeout_once),
		cmocka_unit_test(test_bad_answers),
		cmocka_unit_test(test_missing_avp_in_request),
		cmocka_unit_test(test_unserved_command),
		cmocka_unit_test(test_request_from_server),
		cmocka_unit_test(test_many_in_flight),
		cmocka_unit_test(test_peer_dies_and_returns),
		cmocka_unit_test(test_peer_events),
		cmocka_unit_test(test_close_ends_calls),
	};

	int failed;

	if (argc == 3) {
		port = (uint16_t)atoi(argv[2]);
		freediameter = strchr(argv[2], 'f');
		run_server();
	}
	/* ours with ours, ours with freeDiameter, freeDiameter with ours */
	failed = cmocka_run_group_tests_name("direct", tests, setup, teardown);
	server_freediameter = true;
	failed += cmocka_run_group_tests_name("direct to freeDiameter", tests, setup, teardown);
	server_freediameter = false;
	freediameter = true;
	failed += cmocka_run_group_tests_name("freeDiameter to direct", tests, setup, teardown);
	return failed;
}
