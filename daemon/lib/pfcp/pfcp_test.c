// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The PFCP endpoint on a mock wire with a virtual clock: associations from either side, heartbeats, recovery
 * time stamps, what is kept of whom; repetition and duplicates (the rest of that is in gtpc_test.c).
 */
#include "lib/ie/mock_peers.h"

#include "lib/pfcp/pfcp.h"

enum { HEARTBEAT = 1, SETUP = 5, RELEASE = 9, ESTABLISH = 50 };

static struct pfcp *g;
static int n_events;
static enum pfcp_event event;
static struct pfcp_peer *event_peer, *request_peer;

static void on_request(void *arg, struct xchg_token *t, const struct xchg_msg *m,
		       struct pfcp_peer *peer)
{
	(void)arg;
	request_peer = peer;
	wire_request(t, m);
}

static void on_peer(void *arg, struct pfcp_peer *p, enum pfcp_event ev)
{
	(void)arg;
	n_events++;
	event = ev;
	event_peer = p;
}

static int setup(void **state)
{
	static const struct pfcp_ops ops = { .request = on_request, .peer = on_peer };
	struct pfcp_conf c = { .recovery_ts = 0xe1234567, .send = wire_send };

	(void)state;
	wire_open(&tlv_pfcp, PFCP_PORT);
	n_events = 0;
	assert_int_equal(pfcp_open(wire.loop, &c, &ops, NULL, &g), 0);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	pfcp_close(g);
	wire_close();
	return 0;
}

static void ie(struct tlv_buf *b, uint16_t type, const void *p, size_t n)
{
	tlv_put(b, &tlv_pfcp, type, 0, p, n);
	tlv_end(b, &tlv_pfcp, 0);
}

/* What it takes: 'n' Node ID, 't' time stamp, 'a' accepted, 'r' rejected. */
static struct tlv_buf msg(uint8_t type, uint32_t seq, const char *what, uint32_t ts)
{
	struct tlv_buf b = wire_msg(type, seq);
	uint32_t be = htonl(ts);

	for (; *what; what++) {
		if (*what == 'n')
			ie(&b, 60, "\0\12\56\0\144", 5);
		else if (*what == 't')
			ie(&b, 96, &be, 4);
		else
			ie(&b, 19, *what == 'a' ? "\1" : "\100", 1);
	}
	return b;
}

static void in(struct tlv_buf b)
{
	pfcp_input(g, &wire.a, b.p, b.n);
}

static void ask(struct tlv_buf b)
{
	assert_int_equal(pfcp_request(g, &wire.a, b.p, b.n, wire_done, NULL, NULL), 0);
}

static void answer(struct tlv_buf b)
{
	assert_int_equal(pfcp_respond(wire.token, b.p, b.n), 0);
}

static void associate(uint32_t ts)
{
	ask(msg(SETUP, 0, "nt", 1));
	in(msg(SETUP + 1, wire_sent(SETUP)->seq, "nat", ts));
	assert_int_equal(event, PFCP_UP);
}

static void test_setup_ours(void **state)
{
	struct pfcp_peer *p;

	(void)state;
	ask(msg(SETUP, 0, "nt", 1));
	in(msg(SETUP + 1, wire_sent(SETUP)->seq, "nrt", 5));
	assert_true(wire.n_done == 1 && n_events == 0);
	assert_null(pfcp_peer_by_addr(g, &wire.a));
	ask(msg(SETUP, 0, "nt", 1));
	in(msg(SETUP + 1, wire_sent(SETUP)->seq, "na", 5)); /* no time stamp */
	assert_int_equal(n_events, 0);
	associate(5);
	assert_true(n_events == 1 && wire.n_done == 3);
	p = pfcp_peer_by_addr(g, &wire.a);
	assert_ptr_equal(p, event_peer);
	assert_ptr_equal(p, pfcp_peer_by_node(g, STR("\0\12\56\0\144")));
	assert_null(pfcp_peer_by_node(g, STR("\0\12\56\0\145")));
	assert_int_equal(pfcp_peer_recovery_ts(p), 5);
	associate(5); /* once more: overwritten */
	assert_int_equal(n_events, 2);
	assert_ptr_equal(p, pfcp_peer_by_addr(g, &wire.a));
	associate(6); /* it had restarted meanwhile */
	assert_int_equal(n_events, 4);
	in(msg(ESTABLISH, 9, "n", 0));
	assert_ptr_equal(request_peer, pfcp_peer_by_addr(g, &wire.a));
	ask(msg(RELEASE, 0, "n", 0));
	in(msg(RELEASE + 1, wire_sent(RELEASE)->seq, "na", 0));
	assert_true(n_events == 5 && event == PFCP_DOWN);
	assert_null(pfcp_peer_by_addr(g, &wire.a));
}

static void test_setup_theirs(void **state)
{
	struct pfcp_peer *p;

	(void)state;
	in(msg(ESTABLISH, 1, "n", 0)); /* no association */
	assert_int_equal(wire.n_requests, 1);
	assert_null(request_peer);
	in(msg(SETUP, 2, "nt", 5));
	answer(msg(SETUP + 1, 0, "nrt", 1));
	wire_sent(SETUP + 1);
	assert_null(pfcp_peer_by_addr(g, &wire.a));
	in(msg(SETUP, 3, "n", 5)); /* no time stamp, accepted all the same: nothing to keep */
	answer(msg(SETUP + 1, 0, "nat", 1));
	wire_sent(SETUP + 1);
	assert_int_equal(n_events, 0);
	in(msg(SETUP, 4, "nt", 5));
	answer(msg(SETUP + 1, 0, "nat", 1));
	assert_int_equal(wire_sent(SETUP + 1)->seq, 4);
	assert_true(n_events == 1 && event == PFCP_UP);
	p = pfcp_peer_by_addr(g, &wire.a);
	assert_non_null(p);
	in(msg(SETUP, 4, "nt", 5)); /* repeated: the same answer, nothing else */
	wire_sent(SETUP + 1);
	assert_int_equal(n_events, 1);
	in(msg(SETUP, 5, "nt", 6)); /* over the association: the owner's business */
	assert_ptr_equal(request_peer, p);
	assert_int_equal(n_events, 1);
	answer(msg(SETUP + 1, 0, "nat", 1));
	wire_sent(SETUP + 1);
	assert_true(n_events == 2 && event == PFCP_UP && pfcp_peer_recovery_ts(p) == 6);
	in(msg(RELEASE, 6, "n", 0));
	answer(msg(RELEASE + 1, 0, "na", 0));
	wire_sent(RELEASE + 1);
	assert_true(n_events == 3 && event == PFCP_DOWN);
	assert_null(pfcp_peer_by_addr(g, &wire.a));
	wire_ms(60000);
	wire_none();
}

static void test_heartbeats(void **state)
{
	const struct sent *s;

	(void)state;
	in(msg(HEARTBEAT, 77, "t", 5)); /* of anybody */
	s = wire_sent(HEARTBEAT + 1);
	assert_int_equal(s->seq, 77);
	assert_memory_equal(s->p + 8, "\0\140\0\4\341\43\105\147", 8);
	associate(5);
	wire_ms(10050);
	in(msg(HEARTBEAT + 1, wire_sent(HEARTBEAT)->seq, "t", 5));
	assert_int_equal(n_events, 1);
	wire_ms(10050); /* no answer from now on */
	wire_ms(12050);
	for (int i = 0; i < 4; i++)
		wire_sent(HEARTBEAT);
	assert_true(n_events == 2 && event == PFCP_LOST);
	assert_true(pfcp_peer_is_lost(event_peer));
	wire_ms(10050);
	in(msg(HEARTBEAT + 1, wire_sent(HEARTBEAT)->seq, "t", 5));
	assert_true(n_events == 3 && event == PFCP_BACK);
	wire_ms(10050);
	in(msg(HEARTBEAT + 1, wire_sent(HEARTBEAT)->seq, "t", 6));
	assert_true(n_events == 4 && event == PFCP_RESTARTED);
	assert_null(pfcp_peer_by_addr(g, &wire.a));
	wire_ms(60000);
	wire_none();
	associate(6);
	in(msg(HEARTBEAT, 78, "t", 7)); /* their heartbeat tells it, too */
	wire_sent(HEARTBEAT + 1);
	assert_true(n_events == 6 && event == PFCP_RESTARTED);
}

static void count(void *arg, struct pfcp_peer *p)
{
	(void)p;
	++*(int *)arg;
}

static void test_restore(void **state)
{
	struct pfcp_peer *p;
	int n = 0;

	(void)state;
	assert_null(pfcp_peer_restore(g, &wire.a, (struct str){ 0 }, 5));
	p = pfcp_peer_restore(g, &wire.a, STR("\0\12\56\0\144"), 5);
	assert_non_null(p);
	pfcp_peer_set_user(p, &n);
	assert_ptr_equal(pfcp_peer_user(p), &n);
	assert_non_null(pfcp_peer_restore(g, &wire.b, STR("\0\12\56\0\145"), 6));
	pfcp_each_peer(g, count, &n);
	assert_int_equal(n, 2);
	assert_int_equal(n_events, 0);
	wire_ms(10050);
	assert_int_equal(wire_sent(HEARTBEAT)->type, HEARTBEAT);
	wire_sent(HEARTBEAT);
	pfcp_peer_forget(p);
	pfcp_peer_forget(pfcp_peer_by_addr(g, &wire.b));
	pfcp_peer_forget(NULL);
	wire_ms(60000);
	wire_none();
	assert_int_equal(pfcp_calls(g), 0);
}

static void test_requests(void **state)
{
	uint32_t seq;

	(void)state;
	ask(msg(ESTABLISH, 0, "n", 0));
	seq = wire_sent(ESTABLISH)->seq;
	wire_ms(3050);
	assert_int_equal(wire_sent(ESTABLISH)->seq, seq);
	in(msg(ESTABLISH + 1, seq, "na", 0));
	assert_int_equal(wire.done_type, ESTABLISH + 1);
	in(msg(ESTABLISH, 5, "n", 0));
	answer(msg(ESTABLISH + 1, 0, "na", 0));
	wire_sent(ESTABLISH + 1);
	in(msg(ESTABLISH, 5, "n", 0));
	wire_sent(ESTABLISH + 1);
	assert_int_equal(wire.n_requests, 1);
	pfcp_input(g, &wire.a, (const uint8_t *)"\x40\1\0\4\0\0\1\0", 8); /* version 2 */
	assert_int_equal(wire_sent(11)->n, 8);
	assert_int_equal(pfcp_stats(g)->wrong_version, 1);
	in(msg(100, 5, "", 0));
	assert_int_equal(pfcp_stats(g)->unknown, 1);
	pfcp_drop(NULL);
	pfcp_cancel(NULL);
}

static void test_hostile(void **state)
{
	struct tlv_buf b = msg(SETUP, 9, "nt", 5);

	(void)state;
	for (size_t i = 0; i < b.n; i++) {
		uint8_t *cut = malloc(i ? i : 1);

		memcpy(cut, b.p, i);
		pfcp_input(g, &wire.a, cut, i);
		if (i > 6) {
			cut[2] = 0;
			cut[3] = (uint8_t)(i - 4);
			cut[6] = (uint8_t)i; /* another request each time */
			pfcp_input(g, &wire.a, cut, i);
		}
		free(cut);
		for (int bit = 0; bit < 8; bit++) {
			b.p[i] ^= (uint8_t)(1 << bit);
			in(b);
			b.p[i] ^= (uint8_t)(1 << bit);
		}
	}
	wire.seen = wire.n;
}

static void test_time(void **state)
{
	(void)state;
	assert_int_equal(pfcp_time(0), 2208988800u);
	assert_true(pfcp_time_usec(pfcp_time(UINT64_C(1700000000000000))) ==
		    UINT64_C(1700000000000000));
	assert_true(pfcp_time_usec(pfcp_time(UINT64_C(2200000000000000))) ==
		    UINT64_C(2200000000000000));
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_setup_ours), T(test_setup_theirs), T(test_heartbeats), T(test_restore),
		T(test_requests),   T(test_hostile),	  T(test_time),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
