// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The GTPv2-C endpoint on a mock wire with a virtual clock: repetition (T3, N3), duplicates, commands and what
 * they trigger, piggybacking, paths and restart counters, other versions, hostile input; then two of them on
 * real sockets.
 */
#include "lib/ie/mock_peers.h"

#include "lib/gtpc/gtpc.h"

static struct gtpc *g;
static int n_events;
static enum gtpc_path_event event;
static uint8_t event_counter;

static void on_request(void *arg, struct xchg_token *t, const struct xchg_msg *m)
{
	(void)arg;
	wire_request(t, m);
}

static void on_path(void *arg, const struct sockaddr_storage *peer, enum gtpc_path_event ev,
		    uint8_t counter)
{
	(void)arg;
	(void)peer;
	n_events++;
	event = ev;
	event_counter = counter;
}

static const struct gtpc_ops ops = { .request = on_request, .path = on_path };

static int setup(void **state)
{
	struct gtpc_conf c = { .restart_counter = 7, .max_pending = 8, .send = wire_send };

	(void)state;
	wire_open(&tlv_gtpv2, GTPC_PORT);
	n_events = 0;
	assert_int_equal(gtpc_open(wire.loop, &c, &ops, NULL, &g), 0);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	gtpc_close(g);
	wire_close();
	return 0;
}

static void in(const uint8_t *p, size_t n)
{
	gtpc_input(g, &wire.a, p, n);
}

static void in_msg(uint8_t type, uint32_t seq)
{
	struct tlv_buf b = wire_msg(type, seq);

	in(b.p, b.n);
}

static struct xchg_call *ask(uint8_t type)
{
	struct tlv_buf b = wire_msg(type, 0);
	struct xchg_call *c = NULL;

	assert_int_equal(gtpc_request(g, &wire.a, b.p, b.n, wire_done, NULL, &c), 0);
	return c;
}

static void test_repeats(void **state)
{
	uint32_t seq;

	(void)state;
	ask(32);
	seq = wire_sent(32)->seq;
	assert_int_equal(seq & XCHG_COMMAND_BIT, 0);
	wire_ms(50);
	for (int i = 0; i < 3; i++) {
		wire_ms(2900);
		wire_none();
		wire_ms(100);
		assert_int_equal(wire_sent(32)->seq, seq);
	}
	assert_int_equal(wire.n_done, 0);
	wire_ms(3000);
	wire_none();
	assert_int_equal(wire.n_done, 1);
	assert_int_equal(wire.done_type, -1);
	assert_int_equal(gtpc_calls(g), 0);
	assert_int_equal(gtpc_stats(g)->timeouts, 1);
	in_msg(33, seq); /* too late */
	assert_int_equal(wire.n_done, 1);
	assert_int_equal(gtpc_stats(g)->unexpected, 1);
}

static void test_answer(void **state)
{
	struct sockaddr_storage other = wire.b;
	struct tlv_buf b;
	uint32_t seq;

	(void)state;
	ask(32);
	seq = wire_sent(32)->seq;
	b = wire_msg(33, seq);
	gtpc_input(g, &other, b.p, b.n); /* somebody else's answer */
	in_msg(35, seq);		 /* an answer to something else */
	in_msg(33, seq + 1);
	assert_int_equal(wire.n_done, 0);
	in_msg(33, seq);
	assert_int_equal(wire.n_done, 1);
	assert_int_equal(wire.done_type, 33);
	in_msg(33, seq);
	assert_int_equal(wire.n_done, 1);
	wire_ms(60000);
	wire_none();
	gtpc_cancel(ask(32));
	assert_int_equal(wire_sent(32)->type, 32);
	wire_ms(60000);
	wire_none();
	assert_int_equal(wire.n_done, 1);
	ask(32);
	in_msg(3, wire_sent(32)->seq); /* Version Not Supported */
	assert_int_equal(wire.n_done, 2);
	assert_int_equal(wire.done_type, -1);
}

static void test_duplicates(void **state)
{
	struct tlv_buf b = wire_msg(33, 0);

	(void)state;
	in_msg(32, 5);
	in_msg(32, 5); /* before there is an answer: nothing */
	wire_none();
	assert_int_equal(wire.n_requests, 1);
	assert_int_equal(gtpc_token_seq(wire.token), 5);
	assert_int_equal(gtpc_respond(wire.token, b.p, b.n), 0);
	assert_int_equal(wire_sent(33)->seq, 5);
	in_msg(32, 5);
	assert_int_equal(wire_sent(33)->seq, 5);
	assert_int_equal(wire.n_requests, 1);
	assert_int_equal(gtpc_stats(g)->duplicates, 2);
	in_msg(32, 6);
	in_msg(36, 5); /* another type, another request */
	assert_int_equal(wire.n_requests, 3);
	gtpc_drop(wire.token);
	in_msg(36, 5);
	wire_none();
	wire_ms(13000); /* forgotten: a new request with an old number */
	in_msg(32, 5);
	assert_int_equal(wire.n_requests, 4);
	gtpc_drop(NULL);
}

/* No more than max_pending; answered ones make room. */
static void test_bounded(void **state)
{
	struct tlv_buf b = wire_msg(33, 0);

	(void)state;
	for (uint32_t i = 0; i < 20; i++)
		in_msg(32, 100 + i);
	assert_int_equal(wire.n_requests, 8);
	assert_int_equal(gtpc_stats(g)->evicted, 12);
	gtpc_respond(wire.token, b.p, b.n);
	wire_sent(33);
	in_msg(32, 200);
	assert_int_equal(wire.n_requests, 9);
}

/* TS 29.274 7.6: a command and the request it triggers have one number. */
static void test_command_peer(void **state)
{
	struct tlv_buf b = wire_msg(97, 0), f = wire_msg(69, 0);
	struct xchg_token *t;

	(void)state;
	in_msg(68, XCHG_COMMAND_BIT | 9);
	t = wire.token;
	assert_int_equal(gtpc_trigger(t, &wire.a, b.p, b.n, wire_done, NULL, NULL), 0);
	assert_int_equal(wire_sent(97)->seq, XCHG_COMMAND_BIT | 9);
	in_msg(68, XCHG_COMMAND_BIT | 9); /* repeated: our request repeats by itself */
	wire_none();
	in_msg(98, XCHG_COMMAND_BIT | 9);
	assert_int_equal(wire.done_type, 98);
	in_msg(68, XCHG_COMMAND_BIT | 10); /* refused */
	assert_int_equal(gtpc_respond(wire.token, f.p, f.n), 0);
	assert_int_equal(wire_sent(69)->seq, XCHG_COMMAND_BIT | 10);
	in_msg(68, XCHG_COMMAND_BIT | 10);
	assert_int_equal(wire_sent(69)->seq, XCHG_COMMAND_BIT | 10);
	assert_int_equal(wire.n_requests, 2);
}

static void test_command_ours(void **state)
{
	uint32_t seq;

	(void)state;
	ask(68);
	seq = wire_sent(68)->seq;
	assert_int_equal(seq & XCHG_COMMAND_BIT, XCHG_COMMAND_BIT);
	in_msg(97, seq); /* the request it triggers ends it, and wants an answer */
	assert_int_equal(wire.n_requests, 1);
	assert_int_equal(wire.n_done, 1);
	assert_int_equal(wire.done_type, 97);
	assert_int_equal(gtpc_calls(g), 0);
	ask(66);
	seq = wire_sent(66)->seq;
	in_msg(97, 77); /* another one does not */
	assert_int_equal(wire.n_done, 1);
	in_msg(67, seq);
	assert_int_equal(wire.n_done, 2);
	ask(32);
	in_msg(97, wire_sent(32)->seq); /* nor does it end what is no command */
	assert_int_equal(wire.n_done, 2);
}

/* 5.5.1: an answer with a request behind it. */
static void test_piggyback_out(void **state)
{
	struct tlv_buf b = wire_msg(33, 0), r = wire_msg(95, 0);
	const struct sent *s;
	struct tlv_hdr h, h2;
	uint32_t seq;

	(void)state;
	in_msg(32, 5);
	assert_int_equal(gtpc_respond_with(wire.token, b.p, b.n, r.p, r.n, wire_done, NULL, NULL),
			 0);
	s = wire_sent(33);
	assert_int_equal(s->n, b.n + r.n);
	assert_int_equal(tlv_gtpv2.parse(s->p, s->n, &h), 0);
	assert_true(h.more && h.seq == 5);
	assert_int_equal(tlv_gtpv2.parse(s->p + h.len, s->n - h.len, &h2), 0);
	assert_true(!h2.more && h2.type == 95);
	seq = h2.seq;
	in_msg(32, 5); /* repeated with all of it */
	assert_int_equal(wire_sent(33)->n, b.n + r.n);
	wire_ms(3001); /* the request goes alone */
	assert_int_equal(wire_sent(95)->seq, seq);
	in_msg(96, seq);
	assert_int_equal(wire.done_type, 96);
	wire_ms(20000);
	wire_none();
}

static void test_piggyback_in(void **state)
{
	uint8_t both[256];
	struct tlv_buf b, r;
	size_t n;

	(void)state;
	ask(32);
	b = wire_msg(33, wire_sent(32)->seq);
	memcpy(both, b.p, b.n);
	n = b.n;
	both[0] |= 0x10;
	r = wire_msg(95, 99);
	tlv_put(&r, &tlv_gtpv2, 73, 0, "\5", 1);
	tlv_end(&r, &tlv_gtpv2, 0);
	memcpy(both + n, r.p, r.n);
	in(both, n + r.n);
	assert_int_equal(wire.done_type, 33);
	assert_int_equal(wire.n_requests, 1);
	assert_true(wire.piggybacked);
	assert_int_equal(gtpc_token_seq(wire.token), 99);
	for (size_t k = 0; k <= r.n; k++) /* cut: the first one counts */
		in(both, n + k);
	assert_int_equal(wire.n_requests, 1);
	assert_int_equal(wire_sent(96)->p[16], 105); /* of the one that was cut behind its header */
}

/* TS 29.274 7.7.3: a datagram that does not fit its message. */
static void test_length(void **state)
{
	struct tlv_buf b = wire_msg(32, 9);
	const struct sent *s;

	(void)state;
	b.p[3]++; /* shorter than it says */
	in(b.p, b.n);
	s = wire_sent(33);
	assert_true(s->seq == 9 && s->p[16] == 67);
	b.p[3]--; /* longer */
	in(b.p, b.n + 1);
	assert_int_equal(wire_sent(33)->p[16], 67);
	assert_int_equal(wire.n_requests, 0);
	ask(32);
	b = wire_msg(33, wire_sent(32)->seq);
	in(b.p, b.n + 1); /* an answer: discarded, but it was one */
	assert_int_equal(wire.done_type, -1);
	b = wire_msg(1, 9);
	in(b.p, b.n + 1);
	wire_none();
}

static void test_echo_and_versions(void **state)
{
	static const uint8_t v1[] = { 0x32, 16, 0, 4, 0, 0, 0, 0, 0, 5, 0, 0 };
	static const uint8_t v3[] = { 0x68, 16, 0, 4, 0, 0, 0, 0, 0, 5, 0, 0 };
	static const uint8_t v3_not[] = { 0x68, 3, 0, 4, 0, 0, 0, 0, 0, 5, 0, 0 };
	const struct sent *s;

	(void)state;
	in_msg(1, 0x123456);
	s = wire_sent(2);
	assert_int_equal(s->seq, 0x123456);
	assert_memory_equal(s->p + 8, "\3\0\1\0\7", 5); /* our restart counter */
	in(v1, sizeof(v1));				/* silently discarded (7.7.2) */
	wire_none();
	in(v3, sizeof(v3));
	s = wire_sent(3);
	assert_int_equal(s->n, 8);
	in(v3_not, sizeof(v3_not));
	wire_none();
	in_msg(240, 1); /* nothing that we know */
	in((const uint8_t *)"\x48", 1);
	in((const uint8_t *)"", 0);
	wire_none();
	assert_int_equal(gtpc_stats(g)->unknown, 1);
	assert_int_equal(gtpc_stats(g)->malformed, 3);
	assert_int_equal(wire.n_requests, 0);
}

static struct tlv_buf with_recovery(uint8_t type, uint32_t seq, uint8_t counter)
{
	struct tlv_buf b = wire_msg(type, seq);

	tlv_put(&b, &tlv_gtpv2, 3, 0, &counter, 1);
	tlv_end(&b, &tlv_gtpv2, 0);
	return b;
}

static void in_recovery(uint8_t type, uint32_t seq, uint8_t counter)
{
	struct tlv_buf b = with_recovery(type, seq, counter);

	in(b.p, b.n);
}

static void test_path(void **state)
{
	(void)state;
	in_recovery(32, 1, 3); /* nobody holds it: nothing is kept */
	assert_int_equal(gtpc_path_counter(g, &wire.a), -1);
	assert_int_equal(gtpc_path_hold(g, &wire.a), 0);
	assert_int_equal(gtpc_path_hold(g, &wire.a), 0);
	in_recovery(32, 2, 3);
	assert_int_equal(gtpc_path_counter(g, &wire.a), 3);
	assert_int_equal(n_events, 0);
	wire_ms(60001);
	in_recovery(2, wire_sent(1)->seq, 3);
	assert_true(n_events == 1 && event == GTPC_PATH_UP);
	wire_ms(60001);
	in_recovery(2, wire_sent(1)->seq, 3);
	assert_int_equal(n_events, 1);
	wire_ms(60001);
	wire_ms(12100); /* no answer to this one */
	for (int i = 0; i < 4; i++)
		wire_sent(1);
	assert_true(n_events == 2 && event == GTPC_PATH_DOWN);
	wire_ms(60001);
	in_recovery(2, wire_sent(1)->seq, 3);
	assert_true(n_events == 3 && event == GTPC_PATH_UP);
	in_recovery(34, 5, 4); /* restarted, in whatever message it says so */
	assert_true(n_events == 4 && event == GTPC_PATH_RESTARTED && event_counter == 4);
	assert_int_equal(wire.n_requests, 3);
	in_recovery(34, 6, 4);
	in_recovery(34, 7, 3); /* overtaken on its way */
	assert_int_equal(n_events, 4);
	assert_int_equal(gtpc_path_counter(g, &wire.a), 4);
	gtpc_path_release(g, &wire.a);
	assert_int_equal(gtpc_path_counter(g, &wire.a), 4);
	gtpc_path_release(g, &wire.a);
	assert_int_equal(gtpc_path_counter(g, &wire.a), -1);
	wire_ms(120000);
	wire_none();
	gtpc_path_release(g, &wire.a);
}

/* The owner of a path releases it in the event; of a call, cancels another in its done(). */
static struct xchg_call *victim;

static void cancel_other(void *arg, const struct xchg_msg *answer)
{
	(void)arg;
	(void)answer;
	wire.n_done++;
	gtpc_cancel(victim);
	victim = NULL;
}

static void test_changes_inside(void **state)
{
	struct tlv_buf b = wire_msg(32, 0);

	(void)state;
	gtpc_request(g, &wire.a, b.p, b.n, cancel_other, NULL, NULL);
	wire_sent(32);
	victim = ask(36);
	wire_sent(36);
	wire_ms(20000);
	assert_int_equal(wire.n_done, 1);
	assert_int_equal(gtpc_calls(g), 0);
	assert_int_equal(gtpc_request(g, &wire.a, b.p, b.n - 1, wire_done, NULL, NULL), -EINVAL);
}

/* Every octet of every datagram, cut and turned over. */
static void test_hostile(void **state)
{
	uint8_t both[128];
	struct tlv_buf b = with_recovery(33, 1, 9), r = wire_msg(95, 2);
	size_t n = b.n + r.n;

	(void)state;
	gtpc_path_hold(g, &wire.a);
	memcpy(both, b.p, b.n);
	memcpy(both + b.n, r.p, r.n);
	both[0] |= 0x10;
	for (size_t i = 0; i < n; i++) {
		uint8_t *cut = malloc(i ? i : 1);

		memcpy(cut, both, i);
		in(cut, i);
		free(cut);
		for (int bit = 0; bit < 8; bit++) {
			both[i] ^= (uint8_t)(1 << bit);
			in(both, n);
			both[i] ^= (uint8_t)(1 << bit);
		}
	}
	assert_true(wire.n_requests <= 8);
}

/* --- two endpoints on real sockets --- */

static void loopback(struct sockaddr_storage *a, int family, uint16_t port)
{
	memset(a, 0, sizeof(*a));
	a->ss_family = (sa_family_t)family;
	if (family == AF_INET) {
		((struct sockaddr_in *)a)->sin_port = htons(port);
		((struct sockaddr_in *)a)->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	} else {
		((struct sockaddr_in6 *)a)->sin6_port = htons(port);
		((struct sockaddr_in6 *)a)->sin6_addr = in6addr_loopback;
	}
}

static void echo_back(void *arg, struct xchg_token *t, const struct xchg_msg *m)
{
	struct tlv_buf b = wire_msg(m->hdr->type + 1, 0);

	(void)arg;
	gtpc_respond(t, b.p, b.n);
}

static void test_sockets(void **state)
{
	struct gtpc_ops back = { .request = echo_back };
	uint16_t port = (uint16_t)(20000 + getpid() % 20000);
	struct gtpc_conf c = { .restart_counter = 1 };
	struct gtpc *one = NULL, *two = NULL;
	struct sockaddr_storage to;
	struct tlv_buf b = wire_msg(32, 0);
	struct loop *l;

	(void)state;
	assert_int_equal(loop_new(&l), 0);
	loopback(&c.local[0], AF_INET, port);
	loopback(&c.local[1], AF_INET6, port);
	assert_int_equal(gtpc_open(l, &c, &back, NULL, &one), 0);
	assert_int_equal(gtpc_open(l, &c, &back, NULL, &two), -EADDRINUSE);
	loopback(&c.local[0], AF_INET, (uint16_t)(port + 1));
	loopback(&c.local[1], AF_INET6, (uint16_t)(port + 1));
	assert_int_equal(gtpc_open(l, &c, &back, NULL, &two), 0);
	for (int f = 0; f < 2; f++) {
		loopback(&to, f ? AF_INET6 : AF_INET, port);
		assert_int_equal(gtpc_request(two, &to, b.p, b.n, wire_done, NULL, NULL), 0);
		for (int i = 0; i < 100 && wire.n_done <= f; i++)
			loop_once(l, 10);
		assert_int_equal(wire.n_done, f + 1);
		assert_int_equal(wire.done_type, 33);
	}
	gtpc_close(one);
	gtpc_close(two);
	gtpc_close(NULL);
	loop_free(l);
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_repeats),       T(test_answer),	       T(test_duplicates),
		T(test_bounded),       T(test_command_peer),   T(test_command_ours),
		T(test_piggyback_out), T(test_piggyback_in),   T(test_echo_and_versions),
		T(test_path),	       T(test_changes_inside), T(test_length),
		T(test_hostile),       T(test_sockets),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
