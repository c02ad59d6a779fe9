// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The HSS over real TCP: a child is the HSS with its database on disk and its control socket, this
 * process is an S-CSCF. Registration, location, RTR and PPR by command; then the HSS is killed in the
 * middle of its work and no SQN comes twice.
 */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include <cmocka.h>

#include "hss/hss.h"
#include "lib/aka/aka.h"
#include "lib/core/log.h"

#define REALM	 "wire.test"
#define HSS_ID	 "hss." REALM
#define SCSCF_ID "scscf." REALM
#define SCSCF	 "sip:" SCSCF_ID
#define IMPI	 "001010000000001@" REALM
#define IMPU	 "sip:+1555001@" REALM
#define TEL	 "tel:+1555001"

static uint16_t port;
static char dir[64], db_path[96], ctl_path[96];
static const uint8_t k[16] = { 9, 8, 7 }, opc[16] = { 6, 5, 4 };

/* --- the child --- */

static struct hss hss;

static int send_rtr(void *link, const char *host, const struct cx_rtr *r, cx_rta_fn fn, void *arg)
{
	return cx_send_rtr(link, host, r, fn, arg);
}

static int send_ppr(void *link, const char *host, const struct cx_ppr *r, cx_ppa_fn fn, void *arg)
{
	return cx_send_ppr(link, host, r, fn, arg);
}

static void run_hss(void)
{
	static const struct hss_cx cx = { send_rtr, send_ppr };
	static const struct conf_prefix from = { { .family = AF_INET }, .bits = 1 }; /* 0.0.0.0/1 */
	struct dia_conf c = { .identity = HSS_ID,
			      .realm = REALM,
			      .listen_addr = "127.0.0.1",
			      .listen_port = port,
			      .watchdog_s = 6,
			      .reconnect_s = 1,
			      .timeout_ms = 2000,
			      .from = &from,
			      .n_from = 1,
			      .accept_realm = true,
			      .freediameter = true };
	struct ctl *ctl;
	char err[256] = "";

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	hss.ind_len = 5;
	hss.cx = &cx;
	if (loop_new(&hss.loop) || subdb_open(db_path, true, &hss.db, err, sizeof(err)) ||
	    dia_open(hss.loop, &c, &hss.dia, err, sizeof(err)) ||
	    ctl_listen(hss.loop, ctl_path, hss_cmds, &hss, &ctl)) {
		fprintf(stderr, "hss: %s\n", err);
		_exit(1);
	}
	hss.cx_link = hss.dia;
	cx_serve(hss.dia, &hss_ops, &hss);
	loop_on_round_end(hss.loop, hss_round_end, &hss);
	loop_run(hss.loop);
	_exit(0);
}

static pid_t start_hss(void)
{
	pid_t pid = fork();
	char number[8];

	if (!pid) {
		snprintf(number, sizeof(number), "%u", port);
		execl("/proc/self/exe", "hss_wire_test", number, dir, NULL);
		_exit(1);
	}
	return pid;
}

/* --- this process --- */

static struct loop *loop;
static struct dia *dia;
static pid_t pid;
static int result, answers, rtrs, pprs;
static char text[8192];
static struct aka_sim sim = { .amf = { 0x80, 0 }, .ind_len = 5 };

static bool wait_answers(int n, uint64_t usec)
{
	uint64_t until = loop_now(loop) + usec;

	while (answers < n && loop_now(loop) < until)
		loop_once(loop, 20);
	return answers >= n;
}

static void wait_up(void)
{
	for (int i = 0; i < 400 && !dia_peer_up(dia, HSS_ID); i++)
		loop_once(loop, 30);
	assert_true(dia_peer_up(dia, HSS_ID));
}

static void on_uaa(void *arg, const struct cx_uaa *a)
{
	(void)arg;
	result = a->result;
	answers++;
}

static void on_maa(void *arg, const struct cx_maa *a)
{
	struct aka_vector v;
	uint8_t auts[14];

	(void)arg;
	result = a->result;
	answers++;
	if (a->result != CX_SUCCESS)
		return;
	for (size_t i = 0; i < a->n; i++) { /* the SIM takes each exactly once */
		const uint8_t *o = (const uint8_t *)a->item[i].authenticate.p;

		assert_int_equal(aka_sim_auth(&sim, o, o + 16, &v, auts), 0);
		assert_memory_equal(v.xres, a->item[i].authorization.p, a->item[i].authorization.n);
	}
}

static void on_saa(void *arg, const struct cx_saa *a)
{
	(void)arg;
	result = a->result;
	snprintf(text, sizeof(text), "%.*s", STR_FMT(a->user_data));
	answers++;
}

static void on_lia(void *arg, const struct cx_lia *a)
{
	(void)arg;
	result = a->result;
	snprintf(text, sizeof(text), "%.*s", STR_FMT(a->server_name));
	answers++;
}

static void on_rtr(void *arg, struct dia_token *t, struct str origin, const struct cx_rtr *r)
{
	struct cx_rta a = { .result = CX_SUCCESS };

	(void)arg;
	assert_true(str_eqz(origin, HSS_ID));
	assert_int_equal(r->n_public_identity, 2);
	assert_true(str_eqz(r->public_identity[1], TEL));
	rtrs++;
	cx_answer_rt(t, &a);
}

static void on_ppr(void *arg, struct dia_token *t, struct str origin, const struct cx_ppr *r)
{
	struct cx_ppa a = { .result = CX_SUCCESS };

	(void)arg;
	(void)origin;
	assert_true(r->user_data.n > 100);
	pprs++;
	cx_answer_pp(t, &a);
}

static int ask_uar(void)
{
	struct cx_uar r = { .user_name = STR(IMPI),
			    .public_identity = STR(IMPU),
			    .visited_network = STR(REALM),
			    .auth_type = -1 };

	answers = 0;
	assert_int_equal(cx_send_uar(dia, NULL, &r, on_uaa, NULL), 0);
	assert_true(wait_answers(1, 3 * USEC_PER_SEC));
	return result;
}

static void send_mar(void)
{
	struct cx_mar r = { .user_name = STR(IMPI),
			    .public_identity = STR(IMPU),
			    .server_name = STR(SCSCF),
			    .n_items = 1 };

	r.item.scheme = STR("Digest-AKAv1-MD5");
	assert_int_equal(cx_send_mar(dia, HSS_ID, &r, on_maa, NULL), 0);
}

static int ask_mar(void)
{
	answers = 0;
	send_mar();
	assert_true(wait_answers(1, 3 * USEC_PER_SEC));
	return result;
}

static int ask_sar(int type)
{
	struct cx_sar r = { .user_name = STR(IMPI),
			    .server_name = STR(SCSCF),
			    .assignment_type = type,
			    .n_public_identity = 1 };

	r.public_identity[0] = STR(IMPU);
	answers = 0;
	assert_int_equal(cx_send_sar(dia, HSS_ID, &r, on_saa, NULL), 0);
	assert_true(wait_answers(1, 3 * USEC_PER_SEC));
	return result;
}

static int ask_lir(const char *impu)
{
	struct cx_lir r = { .public_identity = str_of(impu), .auth_type = -1 };

	answers = 0;
	assert_int_equal(cx_send_lir(dia, NULL, &r, on_lia, NULL), 0);
	assert_true(wait_answers(1, 3 * USEC_PER_SEC));
	return result;
}

static void test_registration(void **state)
{
	(void)state;
	assert_int_equal(ask_uar(), CX_FIRST_REGISTRATION);
	assert_int_equal(ask_mar(), CX_SUCCESS);
	assert_int_equal(ask_uar(), CX_SUBSEQUENT_REGISTRATION);
	assert_int_equal(ask_sar(CX_SA_REGISTRATION), CX_SUCCESS);
	assert_non_null(strstr(text, "<PrivateID>" IMPI "</PrivateID>"));
	assert_non_null(strstr(text, TEL));
	assert_int_equal(ask_lir(TEL), CX_SUCCESS);
	assert_string_equal(text, SCSCF);
	assert_int_equal(ask_lir("tel:+999"), CX_USER_UNKNOWN);
}

static json_t *command(const char *cmd)
{
	json_t *q = json_pack("{s:s,s:s}", "cmd", cmd, "impu", IMPU), *r = NULL;
	char err[256] = "";

	if (ctl_call(ctl_path, q, 3000, &r, err, sizeof(err)))
		fail_msg("%s: %s", cmd, err);
	json_decref(q);
	return r;
}

static void test_ppr_and_rtr_by_command(void **state)
{
	(void)state;
	json_decref(command("subscriber changed"));
	for (int i = 0; i < 100 && !pprs; i++)
		loop_once(loop, 20);
	assert_int_equal(pprs, 1);
	json_decref(command("deregister"));
	for (int i = 0; i < 100 && !rtrs; i++)
		loop_once(loop, 20);
	assert_int_equal(rtrs, 1);
	for (int i = 0; i < 100 && ask_lir(TEL) != CX_IDENTITY_NOT_REGISTERED; i++)
		loop_once(loop, 20);
	assert_int_equal(result, CX_IDENTITY_NOT_REGISTERED);
}

static void test_many_vectors(void **state)
{
	uint64_t t0 = loop_now(loop);

	(void)state;
	answers = 0;
	for (int i = 0; i < 500; i++)
		send_mar();
	assert_true(wait_answers(500, 10 * USEC_PER_SEC));
	print_message("500 vectors in %.0f ms\n", (double)(loop_now(loop) - t0) / 1e3);
}

/* Killed while it answers: whatever it gave out before, the next vector is a new one for the SIM. */
static void test_killed_and_back(void **state)
{
	(void)state;
	answers = 0;
	for (int i = 0; i < 200; i++)
		send_mar();
	wait_answers(20, 2 * USEC_PER_SEC);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	assert_true(
		wait_answers(200, 5 * USEC_PER_SEC)); /* answered or timed out, none forgotten */
	for (int i = 0; i < 20; i++)
		loop_once(loop, 10);
	assert_int_equal(answers, 200);
	pid = start_hss();
	wait_up();
	assert_int_equal(ask_mar(), CX_SUCCESS);
}

static void make_subscriber(void)
{
	struct subscriber s = {
		.amf = { 0x80, 0 }, .imsi = "001010000000001", .impi = IMPI, .n_impu = 2
	};
	struct subdb *db;
	enum sub_put what;
	char err[256];

	memcpy(s.k, k, 16);
	memcpy(s.opc, opc, 16);
	s.impu[0] = (struct sub_impu){ .impu = IMPU, .set = 1, .profile = "default" };
	s.impu[1] = (struct sub_impu){ .impu = TEL, .set = 1, .profile = "default" };
	if (subdb_open(db_path, true, &db, err, sizeof(err)))
		fail_msg("%s", err);
	assert_int_equal(subdb_put(db, &s, true, &what), 0);
	subdb_close(db);
}

static void paths(void)
{
	snprintf(db_path, sizeof(db_path), "%s/hss.db", dir);
	snprintf(ctl_path, sizeof(ctl_path), "%s/hss.sock", dir);
}

static int setup(void **state)
{
	static const struct cx_server_ops ops = { .rtr = on_rtr, .ppr = on_ppr };
	struct dia_peer_conf peer = { .identity = HSS_ID, .addr = "127.0.0.1" };
	struct dia_conf c = { .identity = SCSCF_ID,
			      .realm = REALM,
			      .peers = &peer,
			      .n_peers = 1,
			      .watchdog_s = 6,
			      .reconnect_s = 1,
			      .timeout_ms = 2000 };
	char err[256] = "";

	(void)state;
	strcpy(dir, "/tmp/kims-hss-XXXXXX");
	assert_non_null(mkdtemp(dir));
	paths();
	memcpy(sim.k, k, 16);
	memcpy(sim.opc, opc, 16);
	make_subscriber();
	port = (uint16_t)(21000 + getpid() % 20000);
	peer.port = port;
	pid = start_hss();
	if (loop_new(&loop) || dia_open(loop, &c, &dia, err, sizeof(err)))
		fail_msg("%s", err);
	cx_serve(dia, &ops, NULL);
	wait_up();
	return 0;
}

static int teardown(void **state)
{
	char cmd[128];

	(void)state;
	dia_close(dia);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	snprintf(cmd, sizeof(cmd), "rm -r %s", dir);
	return system(cmd);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_registration),
		cmocka_unit_test(test_ppr_and_rtr_by_command),
		cmocka_unit_test(test_many_vectors),
		cmocka_unit_test(test_killed_and_back),
	};

	if (argc == 3) {
		port = (uint16_t)atoi(argv[1]);
		snprintf(dir, sizeof(dir), "%s", argv[2]);
		paths();
		run_hss();
	}
	return cmocka_run_group_tests(tests, setup, teardown);
}
