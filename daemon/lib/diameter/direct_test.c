// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The transport in the loop as a server, against a plain socket of the same process: who may come in, in which
 * order, in how small pieces; what is no Diameter; the watchdog; two nodes that call each other at once.
 */
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/time.h>

#include <cmocka.h>

#include "lib/diameter/node.h"
#include "ref/cx_tables.h"

#define REALM "dir.test"

static uint16_t port;
static struct loop *loop;
static struct dia *node;
static int served, ups, downs;

static void on_uar(void *arg, struct dia_token *t, struct str origin, const struct cx_uar *r)
{
	struct cx_uaa a = { .result = CX_FIRST_REGISTRATION };

	(void)arg;
	(void)origin;
	(void)r;
	served++;
	cx_answer_ua(t, &a);
}

static void on_peer(void *arg, const char *identity, bool up)
{
	(void)arg;
	(void)identity;
	*(up ? &ups : &downs) += 1;
}

static void turn(int n)
{
	while (n--)
		loop_once(loop, 5);
}

/* --- a plain socket --- */

static const struct ie_avp host_ip = { .name = "Host-IP-Address", .code = 257, .flags = IE_M };

static int dial(void)
{
	struct sockaddr_in a = { .sin_family = AF_INET,
				 .sin_port = htons(port),
				 .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	struct timeval tv = { .tv_usec = 200000 };
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	assert_int_equal(connect(fd, (struct sockaddr *)&a, sizeof(a)), 0);
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv));
	turn(2);
	return fd;
}

static struct ie_buf make(uint32_t code, uint32_t app, const char *host)
{
	struct ie_header h = { .code = code,
			       .app = app,
			       .flags = IE_FLAG_REQUEST | (app ? IE_FLAG_PROXIABLE : 0),
			       .hop_by_hop = 7,
			       .end_to_end = 8 };
	struct ie_buf b = { 0 };

	ie_begin(&b, &h);
	if (host)
		ie_put(&b, &ie_base[IEB_ORIGIN_HOST], host, strlen(host));
	ie_put(&b, &ie_base[IEB_ORIGIN_REALM], REALM, strlen(REALM));
	return b;
}

static struct ie_buf cer(const char *host, uint32_t app)
{
	struct ie_buf b = make(257, 0, host);

	ie_put(&b, &host_ip, "\0\1\177\0\0\1", 6);
	ie_put_u32(&b, &ie_base[IEB_AUTH_APPLICATION_ID], app);
	ie_end(&b);
	return b;
}

static void say(int fd, struct ie_buf b)
{
	assert_int_equal(write(fd, b.p, b.n), (ssize_t)b.n);
	free(b.p);
	turn(3);
}

/* The result of what comes, 0: the connection was closed, -1: nothing. */
static int hear(int fd, struct ie_header *h)
{
	uint8_t buf[4096];
	struct ie_cursor c;
	struct ie_view v;
	uint32_t u = 1;
	ssize_t n = recv(fd, buf, sizeof(buf), 0);

	if (n <= 0)
		return n ? (errno == ECONNRESET ? 0 : -1) : 0;
	assert_int_equal(ie_header_parse(buf, (size_t)n, h), 0);
	ie_cursor_init(&c, buf + IE_HDR_LEN, h->length - IE_HDR_LEN);
	while (ie_next(&c, &v))
		if (v.code == 268 && !v.vendor)
			ie_u32(v.value, &u);
	return (int)u;
}

static int introduce(int fd)
{
	struct ie_header h;

	say(fd, cer("scscf." REALM, CX_APP_ID));
	return hear(fd, &h);
}

static void test_who_may_come(void **state)
{
	struct ie_header h;
	int fd = dial();

	(void)state;
	say(fd, cer("evil.example", CX_APP_ID));
	assert_int_equal(hear(fd, &h), 3010);
	assert_int_equal(hear(fd, &h), 0);
	close(fd);
	fd = dial();
	say(fd, cer("evil" REALM, CX_APP_ID)); /* ends like the realm, is not in it */
	assert_int_equal(hear(fd, &h), 3010);
	close(fd);
	fd = dial();
	say(fd, cer(NULL, CX_APP_ID));
	assert_int_equal(hear(fd, &h), 3010);
	close(fd);
	fd = dial();
	say(fd, cer("scscf." REALM, 4));
	assert_int_equal(hear(fd, &h), 5010);
	close(fd);
	fd = dial();
	assert_int_equal(introduce(fd), 2001);
	assert_int_equal(ups, 1);
	close(fd);
	turn(3);
	assert_int_equal(downs, 1);
}

static void test_order(void **state)
{
	struct ie_buf b = make(280, 0, "scscf." REALM);
	struct ie_header h;
	int fd = dial();

	(void)state;
	ie_end(&b);
	say(fd, b); /* a watchdog before the CER */
	assert_int_equal(hear(fd, &h), 0);
	close(fd);
	fd = dial();
	b = make(300, CX_APP_ID, "scscf." REALM);
	ie_end(&b);
	say(fd, b);
	assert_int_equal(hear(fd, &h), 0);
	close(fd);
	assert_int_equal(served, 0);
}

static void test_not_diameter(void **state)
{
	static const char *const texts[] = { "GET / HTTP/1.0\r\n\r\n and more",
					     "\1\0\0\4xxxxxxxxxxxxxxxxxxxxx",
					     "\1\377\377\377\200\0\1\1....................",
					     "\1\0\0\26\200\0\1\1.................." };
	struct ie_header h;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		int fd = dial();

		assert_true(write(fd, texts[i], 24) == 24);
		turn(3);
		assert_int_equal(hear(fd, &h), 0);
		close(fd);
	}
}

static struct ie_buf uar(void)
{
	struct ie_header ids = { .hop_by_hop = 0xfff00001, .end_to_end = 0xabcdef01 };
	struct ie_env env = { .session_id = STR("a;1;2"),
			      .origin_host = STR("scscf." REALM),
			      .origin_realm = STR(REALM),
			      .dest_realm = STR(REALM),
			      .vsai_vendor = CX_VENDOR,
			      .vsai_auth_app = CX_APP_ID,
			      .auth_session_state = 1 };
	struct cx_uar r = { .user_name = STR("u"),
			    .public_identity = STR("sip:u"),
			    .visited_network = STR("v"),
			    .auth_type = -1 };
	struct ie_buf b = { 0 };

	assert_int_equal(ie_encode(&cx_uar_cmd, &ids, &env, &r, NULL, &b), 0);
	return b;
}

static void test_octet_by_octet(void **state)
{
	struct ie_buf b = uar();
	struct ie_header h;
	int fd = dial();

	(void)state;
	assert_int_equal(introduce(fd), 2001);
	for (size_t i = 0; i < b.n; i++) {
		assert_int_equal(write(fd, b.p + i, 1), 1);
		turn(1);
	}
	free(b.p);
	turn(3);
	assert_int_equal(hear(fd, &h), 1); /* Experimental-Result, no Result-Code */
	assert_int_equal(h.hop_by_hop, 0xfff00001);
	assert_int_equal(h.end_to_end, 0xabcdef01);
	assert_int_equal(served, 1);
	close(fd);
	turn(3);
}

static void test_refused_requests(void **state)
{
	struct ie_buf b = uar();
	struct ie_header h;
	int fd = dial();

	(void)state;
	assert_int_equal(introduce(fd), 2001);
	b.p[27] = 0xff; /* the length of the first AVP */
	say(fd, b);
	assert_int_equal(hear(fd, &h), 5014);
	b = make(999, CX_APP_ID, "scscf." REALM);
	ie_end(&b);
	say(fd, b);
	assert_int_equal(hear(fd, &h), 3001);
	b = make(999, 0, "scscf." REALM);
	ie_end(&b);
	say(fd, b);
	assert_int_equal(hear(fd, &h), 3001);
	b = make(282, 0, "scscf." REALM);
	ie_end(&b);
	say(fd, b);
	assert_int_equal(hear(fd, &h), 2001);
	assert_int_equal(hear(fd, &h), 0);
	close(fd);
}

static void test_watchdog(void **state)
{
	struct ie_header h;
	int fd = dial();

	(void)state;
	assert_int_equal(introduce(fd), 2001);
	for (int i = 0; i < 300 && ups - downs == 1; i++)
		loop_once(loop, 20);
	assert_int_equal(hear(fd, &h), 1); /* DWR, which this one does not answer */
	assert_int_equal(h.code, 280);
	assert_int_equal(hear(fd, &h), 0);
	assert_int_equal(ups, downs);
	close(fd);
}

static void test_new_connection_replaces(void **state)
{
	struct ie_header h;
	int a = dial(), b = dial();

	(void)state;
	assert_int_equal(introduce(a), 2001);
	assert_int_equal(introduce(b), 2001);
	assert_int_equal(hear(a, &h), 0);
	assert_true(dia_peer_up(node, "SCSCF." REALM));
	say(b, uar());
	assert_int_equal(hear(b, &h), 1);
	close(a);
	close(b);
	turn(3);
}

/* Each is configured to call the other: one connection stays, whoever was first. */
static void test_both_call(void **state)
{
	struct dia_peer_conf pa = { "b." REALM, "127.0.0.1", (uint16_t)(port + 2) },
			     pb = { "a." REALM, "127.0.0.1", (uint16_t)(port + 1) };
	struct dia_conf ca = { .identity = "a." REALM,
			       .realm = REALM,
			       .listen_addr = "127.0.0.1",
			       .listen_port = (uint16_t)(port + 1),
			       .peers = &pa,
			       .n_peers = 1,
			       .watchdog_s = 1,
			       .reconnect_s = 1 };
	struct dia_conf cb = { .identity = "b." REALM,
			       .realm = REALM,
			       .listen_addr = "127.0.0.1",
			       .listen_port = (uint16_t)(port + 2),
			       .peers = &pb,
			       .n_peers = 1,
			       .watchdog_s = 1,
			       .reconnect_s = 1 };
	struct dia *a, *b;
	char err[256];

	(void)state;
	assert_int_equal(dia_open(loop, &ca, &a, err, sizeof(err)), 0);
	assert_int_equal(dia_open(loop, &cb, &b, err, sizeof(err)), 0);
	for (int i = 0; i < 50 && !(dia_peer_up(a, NULL) && dia_peer_up(b, NULL)); i++)
		loop_once(loop, 20);
	for (int i = 0; i < 40; i++) /* and it stays, over retries and watchdogs */
		loop_once(loop, 50);
	assert_true(dia_peer_up(a, "b." REALM) && dia_peer_up(b, "a." REALM));
	dia_close(a);
	turn(3);
	assert_false(dia_peer_up(b, NULL));
	dia_close(b);
}

/* Whoever it says that it is: from an address that is not in the list nobody gets a word in. */
static void test_gate(void **state)
{
	static const struct {
		const char *addr;
		unsigned int bits;
		bool in;
	} from[] = { { "127.0.0.1", 32, true },	 { "127.0.0.0", 8, true },
		     { "126.0.0.0", 7, true },	 { "0.0.0.0", 0, true },
		     { "127.0.0.2", 32, false }, { "10.0.0.0", 8, false },
		     { "127.0.0.2", 31, false } };
	struct sockaddr_in sin = { .sin_family = AF_INET };

	(void)state;
	inet_pton(AF_INET, "127.0.0.1", &sin.sin_addr);
	for (size_t i = 0; i < ARRAY_SIZE(from); i++) {
		struct conf_prefix p[2] = { { .bits = from[i].bits }, { .bits = 128 } };
		struct dia_conf c = { .from = p, .n_from = 2 };
		socklen_t len = sizeof(sin);
		int l = socket(AF_INET, SOCK_STREAM, 0), s = socket(AF_INET, SOCK_STREAM, 0), a;
		struct timeval tv = { .tv_usec = 200000 };

		assert_int_equal(conf_addr_parse(from[i].addr, &p[0].addr), 0);
		assert_int_equal(conf_addr_parse("::1", &p[1].addr), 0);
		sin.sin_port = 0;
		assert_int_equal(bind(l, (struct sockaddr *)&sin, sizeof(sin)), 0);
		assert_int_equal(listen(l, 4), 0);
		assert_int_equal(getsockname(l, (struct sockaddr *)&sin, &len), 0);
		c.listen_port = ntohs(sin.sin_port);
		dia_gate_accept(&c);
		setsockopt(l, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv)); /* of accept(), too */
		assert_int_equal(connect(s, (struct sockaddr *)&sin, sizeof(sin)), 0);
		a = accept(l, NULL, NULL);
		assert_int_equal(a >= 0, from[i].in);
		dia_gate_accept(NULL);
		if (a >= 0)
			close(a);
		close(l);
		close(s);
	}
}

static int setup(void **state)
{
	static const struct cx_server_ops ops = { .uar = on_uar };
	struct dia_conf c = { .identity = "hss." REALM,
			      .realm = REALM,
			      .listen_addr = "127.0.0.1",
			      .watchdog_s = 1,
			      .accept_realm = true };
	char err[256] = "";

	(void)state;
	served = ups = downs = 0;
	port = (uint16_t)(23000 + getpid() % 20000);
	c.listen_port = port;
	assert_int_equal(loop_new(&loop), 0);
	if (dia_open(loop, &c, &node, err, sizeof(err)))
		fail_msg("%s", err);
	cx_serve(node, &ops, NULL);
	dia_on_peer(node, on_peer, NULL);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	dia_close(node);
	loop_free(loop);
	return 0;
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(test_who_may_come),
		T(test_order),
		T(test_not_diameter),
		T(test_octet_by_octet),
		T(test_refused_requests),
		T(test_watchdog),
		T(test_new_connection_replaces),
		T(test_both_call),
		T(test_gate),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
