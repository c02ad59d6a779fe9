// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A peer that speaks Diameter badly. A child with a plain socket passes the capabilities exchange and then
 * answers each UAR as its User-Name says: nothing of it may hurt this process, and every request still ends
 * in exactly one call, in time.
 */
#include <netinet/in.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include <cmocka.h>

#include "lib/core/log.h"
#include "lib/diameter/cx_link.h"
#include "ref/cx_tables.h"

#define REALM	   "bad.test"
#define HSS	   "hss." REALM
#define TIMEOUT_MS 1500

static uint16_t port;

/* --- the child: no library but lib/ie --- */

static const struct ie_avp host_ip = { .name = "Host-IP-Address", .code = 257, .flags = IE_M };
static const struct ie_avp product = { .name = "Product-Name", .code = 269 };
static const struct ie_avp unknown_m = { .name = "unknown", .code = 55555, .flags = IE_M };

static bool read_all(int fd, uint8_t *p, size_t n)
{
	ssize_t r;

	for (; n; p += r, n -= (size_t)r) {
		r = read(fd, p, n);
		if (r <= 0)
			return false;
	}
	return true;
}

static bool read_message(int fd, uint8_t *buf, size_t size, struct ie_header *h)
{
	size_t n;

	if (!read_all(fd, buf, 4))
		return false;
	n = (size_t)buf[1] << 16 | (size_t)buf[2] << 8 | buf[3];
	return n >= IE_HDR_LEN && n <= size && read_all(fd, buf + 4, n - 4) &&
	       !ie_header_parse(buf, n, h);
}

static void put_header(struct ie_buf *b, const struct ie_header *req)
{
	uint8_t h[IE_HDR_LEN] = { 1,
				  0,
				  0,
				  0,
				  req->flags & 0x40,
				  (uint8_t)(req->code >> 16),
				  (uint8_t)(req->code >> 8),
				  (uint8_t)req->code };

	for (int i = 0; i < 4; i++) {
		h[8 + i] = (uint8_t)(req->app >> (24 - 8 * i));
		h[12 + i] = (uint8_t)(req->hop_by_hop >> (24 - 8 * i));
		h[16 + i] = (uint8_t)(req->end_to_end >> (24 - 8 * i));
	}
	b->p = malloc(4096);
	b->cap = 4096;
	memcpy(b->p, h, sizeof(h));
	b->n = sizeof(h);
}

static void send_message(int fd, struct ie_buf *b, size_t n)
{
	b->p[1] = (uint8_t)(b->n >> 16);
	b->p[2] = (uint8_t)(b->n >> 8);
	b->p[3] = (uint8_t)b->n;
	if (write(fd, b->p, n ? n : b->n) < 0)
		_exit(1);
	free(b->p);
}

static void put_origin(struct ie_buf *b)
{
	ie_put(b, &ie_base[IEB_ORIGIN_HOST], HSS, strlen(HSS));
	ie_put(b, &ie_base[IEB_ORIGIN_REALM], REALM, strlen(REALM));
}

static void put_vsai(struct ie_buf *b)
{
	size_t at = ie_open(b, &ie_base[IEB_VENDOR_SPECIFIC_APPLICATION_ID]);

	ie_put_u32(b, &ie_base[IEB_VENDOR_ID], CX_VENDOR);
	ie_put_u32(b, &ie_base[IEB_AUTH_APPLICATION_ID], CX_APP_ID);
	ie_close(b, at);
}

static void answer_base(int fd, const struct ie_header *h)
{
	struct ie_buf b = { 0 };

	put_header(&b, h);
	ie_put_u32(&b, &ie_base[IEB_RESULT_CODE], 2001);
	put_origin(&b);
	if (h->code == 257) {
		ie_put(&b, &host_ip, "\0\1\177\0\0\1", 6);
		ie_put_u32(&b, &ie_base[IEB_VENDOR_ID], 0);
		ie_put(&b, &product, "bad", 3);
		put_vsai(&b);
	}
	send_message(fd, &b, 0);
}

/* A right UAA up to the part that kind spoils. */
static void answer_uar(int fd, const struct ie_header *h, const struct cx_uar *r,
		       const struct ie_env *env)
{
	struct ie_buf b = { 0 };
	size_t cut = 0, at;
	bool twice = false;

	put_header(&b, h);
	ie_put(&b, &ie_base[IEB_SESSION_ID], env->session_id.p, env->session_id.n);
	put_vsai(&b);
	ie_put_u32(&b, &ie_base[IEB_AUTH_SESSION_STATE], 1);
	put_origin(&b);
	at = b.n;
	ie_put_u32(&b, &ie_base[IEB_RESULT_CODE], 2001);
	if (str_eqz(r->user_name, "unknown-m"))
		ie_put(&b, &unknown_m, "x", 1);
	else if (str_eqz(r->user_name, "no-result"))
		b.n = at;
	else if (str_eqz(r->user_name, "short-result"))
		b.n -= 4, b.p[at + 7] = 8;
	else if (str_eqz(r->user_name, "avp-length"))
		b.p[at + 6] = 0xff; /* reaches beyond the message */
	else if (str_eqz(r->user_name, "avp-zero"))
		b.p[at + 7] = 0;
	else if (str_eqz(r->user_name, "other-id"))
		b.p[12] ^= 0xff;
	else if (str_eqz(r->user_name, "no-origin"))
		b.n = IE_HDR_LEN, ie_put_u32(&b, &ie_base[IEB_RESULT_CODE], 2001);
	else if (str_eqz(r->user_name, "other-command"))
		b.p[7] = 46;
	else if (str_eqz(r->user_name, "twice"))
		twice = true;
	else if (str_eqz(r->user_name, "half"))
		cut = b.n / 2;
	if (twice) {
		struct ie_buf c = { .p = malloc(b.n), .n = b.n, .cap = b.n };

		memcpy(c.p, b.p, b.n);
		send_message(fd, &c, 0);
	}
	send_message(fd, &b, cut);
	if (cut)
		close(fd);
}

static void serve(int fd)
{
	uint8_t buf[8192];
	struct ie_header h;
	struct ie_error e;
	struct ie_env env;
	struct cx_uar r;

	while (read_message(fd, buf, sizeof(buf), &h)) {
		if (!(h.flags & IE_FLAG_REQUEST))
			continue;
		if (!h.app)
			answer_base(fd, &h);
		else if (!ie_decode(&cx_uar_cmd, &cx_dict, buf, h.length, &env, &r, &e))
			answer_uar(fd, &h, &r, &env);
	}
	close(fd);
}

static void run_peer(void)
{
	struct sockaddr_in a = { .sin_family = AF_INET,
				 .sin_port = htons(port),
				 .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int s = socket(AF_INET, SOCK_STREAM, 0), one = 1, fd;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	setsockopt(s, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (bind(s, (struct sockaddr *)&a, sizeof(a)) || listen(s, 4))
		_exit(1);
	while ((fd = accept(s, NULL, NULL)) >= 0)
		serve(fd);
	_exit(0);
}

/* --- this process --- */

static struct loop *loop;
static struct dia *dia;
static bool freediameter;
static pid_t pid;
static int calls, result;

static void on_uaa(void *arg, const struct cx_uaa *a)
{
	(void)arg;
	calls++;
	result = a->result;
}

static void wait_up(void)
{
	for (int i = 0; i < 500 && !dia_peer_up(dia, HSS); i++)
		loop_once(loop, 20);
	assert_true(dia_peer_up(dia, HSS));
}

static int ask(const char *kind)
{
	struct cx_uar r = { .user_name = str_of(kind),
			    .public_identity = STR("sip:a"),
			    .visited_network = STR("v"),
			    .auth_type = -1 };
	uint64_t until;

	wait_up();
	calls = 0;
	assert_int_equal(cx_send_uar(dia, NULL, &r, on_uaa, NULL), 0);
	until = loop_now(loop) + (TIMEOUT_MS + 500) * USEC_PER_MSEC;
	while (!calls && loop_now(loop) < until)
		loop_once(loop, 20);
	for (int i = 0; i < 5; i++)
		loop_once(loop, 10);
	assert_int_equal(calls, 1);
	return result;
}

static void test_good(void **state)
{
	(void)state;
	assert_int_equal(ask("good"), CX_SUCCESS);
}

static void test_bad_content_is_said_at_once(void **state)
{
	static const char *const kinds[] = { "unknown-m", "no-result", "short-result",
					     "no-origin" };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		uint64_t t0 = loop_now(loop);
		int r = ask(kinds[i]);

		if (r != CX_BAD_ANSWER || loop_now(loop) - t0 > 700 * USEC_PER_MSEC)
			print_message("%s: %s\n", kinds[i], cx_result_name(r));
		assert_true(r == CX_BAD_ANSWER || r == CX_TIMEOUT || r == CX_NO_PEER);
		assert_int_equal(ask("good"), CX_SUCCESS);
	}
}

/* What breaks the framing ends in a time-out or a lost connection, and then it goes on. */
static void test_broken_messages(void **state)
{
	static const char *const kinds[] = { "avp-length", "avp-zero", "other-id", "other-command",
					     "half" };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		int r = ask(kinds[i]);

		assert_true(r == CX_BAD_ANSWER || r == CX_TIMEOUT || r == CX_NO_PEER);
		assert_int_equal(ask("good"), CX_SUCCESS);
	}
}

static void test_answered_twice(void **state)
{
	(void)state;
	assert_int_equal(ask("twice"), CX_SUCCESS);
	assert_int_equal(ask("good"), CX_SUCCESS);
}

static int setup(void **state)
{
	struct dia_peer_conf peer = { .identity = HSS, .addr = "127.0.0.1" };
	struct dia_conf c = { .identity = "scscf." REALM,
			      .realm = REALM,
			      .peers = &peer,
			      .n_peers = 1,
			      .watchdog_s = 6,
			      .reconnect_s = 1,
			      .timeout_ms = TIMEOUT_MS,
			      .freediameter = freediameter };
	char err[256] = "";

	(void)state;
	if (getenv("KIMS_TEST_DEBUG"))
		log_set_level(LOG_LVL_DEBUG);
	port = (uint16_t)(22000 + (getpid() + freediameter) % 20000);
	peer.port = port;
	pid = fork();
	if (!pid)
		run_peer();
	if (loop_new(&loop) || dia_open(loop, &c, &dia, err, sizeof(err)))
		fail_msg("%s", err);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	dia_close(dia);
	loop_free(loop);
	return 0;
}

int main(void)
{
	int failed;
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_good),
		cmocka_unit_test(test_bad_content_is_said_at_once),
		cmocka_unit_test(test_broken_messages),
		cmocka_unit_test(test_answered_twice),
	};

	failed = cmocka_run_group_tests_name("direct", tests, setup, teardown);
	freediameter = true;
	failed += cmocka_run_group_tests_name("freeDiameter", tests, setup, teardown);
	return failed;
}
