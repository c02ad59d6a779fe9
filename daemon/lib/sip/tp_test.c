// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Transport on real sockets over loopback: UDP batches and ICMP, TCP from the endpoint's own port, reuse and
 * death of connections, slow and oversized senders, limits; shedding by queue delay.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>
#include <netinet/in.h>
#include <poll.h>

#include "lib/sip/tp_priv.h"

#define REQ                                                                                                                        \
	"OPTIONS sip:a@b SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.1:9;branch=z9hG4bK1\r\nMax-Forwards: 70\r\nFrom: <sip:a@b>;tag=1\r\n" \
	"To: <sip:a@b>\r\nCall-ID: x\r\nCSeq: 1 OPTIONS\r\nContent-Length: 0\r\n\r\n"

struct env {
	struct loop *loop;
	struct sip_tp *tp;
	struct sip_ep *ep, *ep2;
	int got, bad, errs, last_err, icmps, last_status;
	struct str quoted;
	char quoted_buf[64];
	struct sip_path from;
	bool close_ep_inside;
};

static void on_rx(void *arg, struct sip_msg *m, const struct sip_parse_result *r,
		  const struct sip_path *from)
{
	struct env *e = arg;

	assert_non_null(m);
	e->got++;
	e->bad += r->error != SIP_PARSE_OK;
	e->last_status = r->status;
	e->from = *from;
	if (e->close_ep_inside) {
		sip_ep_close(e->ep);
		e->ep = NULL;
	}
}

static void on_err(void *arg, const struct sip_path *path, int err)
{
	struct env *e = arg;

	(void)path;
	e->errs++;
	e->last_err = err;
}

static void on_icmp(void *arg, const struct sip_path *path, int err, struct str quoted)
{
	struct env *e = arg;

	(void)path;
	e->icmps++;
	e->last_err = err;
	str_copy(e->quoted_buf, sizeof(e->quoted_buf),
		 (struct str){ quoted.p, MIN(quoted.n, sizeof(e->quoted_buf) - 1) });
}

static struct sip_ep *open_ep(struct env *e, const char *addr, bool bind_source)
{
	struct sip_ep_opts o = { .name = "t", .tcp = true, .bind_source = bind_source };
	struct sip_ep *ep = NULL;

	assert_int_equal(sip_sa_parse(addr, 0, &o.local), 0);
	assert_int_equal(sip_ep_open(e->tp, &o, &ep), 0);
	return ep;
}

static int setup(void **state)
{
	struct env *e = calloc(1, sizeof(*e));

	assert_int_equal(loop_new(&e->loop), 0);
	assert_int_equal(sip_tp_new(e->loop, 0, &e->tp), 0);
	e->ep = open_ep(e, "127.0.0.1", true);
	sip_tp_handler(e->tp, on_rx, on_err, e);
	sip_tp_icmp_handler(e->tp, on_icmp);
	*state = e;
	return 0;
}

static int teardown(void **state)
{
	struct env *e = *state;

	sip_tp_free(e->tp);
	loop_free(e->loop);
	free(e);
	return 0;
}

#define UNTIL(e, cond)                                      \
	do {                                                \
		for (int i_ = 0; i_ < 500 && !(cond); i_++) \
			loop_once((e)->loop, 10);           \
		assert_true(cond);                          \
	} while (0)

static int sock(int type, union sip_sa *ret)
{
	union sip_sa a;
	socklen_t len = sizeof(a.ss);
	int fd = socket(AF_INET, type, 0);

	assert_int_equal(sip_sa_parse("127.0.0.1", 0, &a), 0);
	assert_int_equal(bind(fd, &a.sa, sip_sa_len(&a)), 0);
	assert_int_equal(getsockname(fd, &a.sa, &len), 0);
	*ret = a;
	return fd;
}

static int tcp_to(const struct sip_ep *ep)
{
	union sip_sa a;
	int fd = sock(SOCK_STREAM, &a);

	assert_int_equal(connect(fd, &sip_ep_local(ep)->sa, sip_sa_len(sip_ep_local(ep))), 0);
	return fd;
}

static void put(int fd, const char *s)
{
	assert_int_equal(send(fd, s, strlen(s), MSG_NOSIGNAL), strlen(s));
}

static bool closed(int fd)
{
	char buf[4096];
	struct pollfd p = { .fd = fd, .events = POLLIN };

	while (poll(&p, 1, 0) == 1) {
		ssize_t n = recv(fd, buf, sizeof(buf), MSG_DONTWAIT);

		if (n <= 0)
			return true;
	}
	return false;
}

static void udp_both_ways(void **state)
{
	struct env *e = *state;
	union sip_sa peer;
	_cleanup_close_ int fd = sock(SOCK_DGRAM, &peer);
	struct sip_path path = { .ep = e->ep, .proto = SIP_UDP, .peer = peer };
	char buf[2000];

	for (int i = 0; i < 100; i++)
		sendto(fd, REQ, strlen(REQ), 0, &sip_ep_local(e->ep)->sa,
		       sip_sa_len(sip_ep_local(e->ep)));
	sendto(fd, "\r\n\r\n", 4, 0, &sip_ep_local(e->ep)->sa, sip_sa_len(sip_ep_local(e->ep)));
	sendto(fd, "garbage", 7, 0, &sip_ep_local(e->ep)->sa, sip_sa_len(sip_ep_local(e->ep)));
	UNTIL(e, e->got == 100 && sip_tp_get_stats(e->tp)->rx_garbage == 1);
	assert_true(sip_sa_eq(&e->from.peer, &peer));
	assert_ptr_equal(e->from.ep, e->ep);
	for (int i = 0; i < 150; i++) {
		snprintf(buf, sizeof(buf), "%d", i);
		assert_int_equal(sip_tp_send_raw(e->tp, &path, buf, strlen(buf), NULL), 0);
	}
	loop_once(e->loop, 20);
	for (int i = 0; i < 150; i++) {
		ssize_t n = recv(fd, buf, sizeof(buf), MSG_DONTWAIT);

		assert_true(n > 0);
		buf[n] = 0;
		assert_int_equal(atoi(buf), i); /* in order */
	}
}

static void udp_v6(void **state)
{
	struct env *e = *state;
	struct sip_path path = { .proto = SIP_UDP };

	path.ep = open_ep(e, "::1", false);
	path.peer = *sip_ep_local(path.ep); /* to itself */
	assert_int_equal(sip_tp_send_raw(e->tp, &path, REQ, strlen(REQ), NULL), 0);
	UNTIL(e, e->got == 1);
	path.ep = e->ep;
	assert_int_equal(sip_tp_send_raw(e->tp, &path, REQ, strlen(REQ), NULL), -EHOSTUNREACH);
	assert_ptr_equal(sip_tp_ep_for(e->tp, AF_INET), e->ep);
}

static void udp_wildcard(void **state)
{
	struct env *e = *state;
	struct sip_ep *any = open_ep(e, "0.0.0.0", false);
	union sip_sa seen;

	assert_int_equal(sip_ep_local_for(any, sip_ep_local(e->ep), &seen), 0);
	assert_true(sip_sa_host_eq(&seen, sip_ep_local(e->ep)));
	assert_int_equal(sip_sa_port(&seen), sip_sa_port(sip_ep_local(any)));
}

static void udp_icmp(void **state)
{
	struct env *e = *state;
	struct sip_path path = { .ep = e->ep, .proto = SIP_UDP };
	union sip_sa alive;
	int dead = sock(SOCK_DGRAM, &path.peer);
	_cleanup_close_ int fd = sock(SOCK_DGRAM, &alive);
	char buf[64];

	close(dead);
	assert_int_equal(sip_tp_send_raw(e->tp, &path, "quoted text", 11, NULL), 0);
	path.peer = alive;
	assert_int_equal(sip_tp_send_raw(e->tp, &path, "1", 1, NULL), 0);
	UNTIL(e, e->icmps == 1);
	assert_int_equal(e->last_err, -ECONNREFUSED);
	assert_string_equal(e->quoted_buf, "quoted text");
	assert_int_equal(sip_tp_send_raw(e->tp, &path, "2", 1, NULL), 0);
	loop_once(e->loop, 10);
	assert_int_equal(recv(fd, buf, sizeof(buf), MSG_DONTWAIT), 1);
	assert_int_equal(recv(fd, buf, sizeof(buf), MSG_DONTWAIT),
			 1); /* the error took nobody else's packet */
}

static void udp_endpoint_closed_inside(void **state)
{
	struct env *e = *state;
	union sip_sa peer;
	_cleanup_close_ int fd = sock(SOCK_DGRAM, &peer);

	e->close_ep_inside = true;
	for (int i = 0; i < 10; i++)
		sendto(fd, REQ, strlen(REQ), 0, &sip_ep_local(e->ep)->sa,
		       sip_sa_len(sip_ep_local(e->ep)));
	UNTIL(e, e->got == 1);
	loop_once(e->loop, 10);
	assert_int_equal(e->got, 1);
}

static void tcp_from_own_port(void **state)
{
	struct env *e = *state;
	union sip_sa p1, p2, seen;
	_cleanup_close_ int l1 = sock(SOCK_STREAM, &p1), l2 = sock(SOCK_STREAM, &p2);
	struct sip_path path = { .ep = e->ep, .proto = SIP_TCP, .peer = p1 };
	uint64_t c1 = 0, c2 = 0, again = 0;
	socklen_t len = sizeof(seen.ss);
	_cleanup_close_ int a1 = -1, a2 = -1, in = -1;

	listen(l1, 5);
	listen(l2, 5);
	assert_int_equal(sip_tp_send_raw(e->tp, &path, REQ, strlen(REQ), &c1), 0);
	assert_int_equal(sip_tp_send_raw(e->tp, &path, REQ, strlen(REQ), &again), 0);
	assert_int_equal(c1, again); /* one connection, also while it is being made */
	path.peer = p2;
	assert_int_equal(sip_tp_send_raw(e->tp, &path, REQ, strlen(REQ), &c2), 0);
	assert_true(c1 != c2);
	a1 = accept(l1, &seen.sa, &len);
	assert_true(sip_sa_eq(&seen, sip_ep_local(e->ep)));
	len = sizeof(seen.ss);
	a2 = accept(l2, &seen.sa, &len);
	assert_true(sip_sa_eq(&seen, sip_ep_local(e->ep)));
	in = tcp_to(e->ep); /* the listener on the same port still works */
	put(in, REQ);
	put(a1, REQ); /* and what comes over our own connection is heard */
	UNTIL(e, e->got == 2);
	assert_true(sip_tp_conn_alive(e->tp, c2));
	sip_tp_close_conn(e->tp, c2);
	assert_false(sip_tp_conn_alive(e->tp, c2));
	path.conn = c2;
	assert_int_equal(sip_tp_send_raw(e->tp, &path, REQ, strlen(REQ), NULL), -EPIPE);
	/* Closed by us from a fixed port, and at once open again: no TIME_WAIT in the way. */
	path.conn = 0;
	assert_int_equal(sip_tp_send_raw(e->tp, &path, REQ, strlen(REQ), &again), 0);
	assert_true(again > c2);
	for (int i = 0; i < 20; i++)
		loop_once(e->loop, 5);
	assert_true(sip_tp_conn_alive(e->tp, again));
	assert_int_equal(e->errs, 0);
}

static void tcp_answer_same_connection(void **state)
{
	struct env *e = *state;
	_cleanup_close_ int fd = tcp_to(e->ep);
	char buf[1000];

	put(fd, "\r\n\r\n");
	put(fd, REQ REQ "OPTIONS ");
	UNTIL(e, e->got == 2);
	assert_int_equal(e->from.proto, SIP_TCP);
	assert_int_equal(sip_tp_send_raw(e->tp, &e->from, "answer", 6, NULL), 0);
	assert_int_equal(recv(fd, buf, sizeof(buf), 0), 2 + 6);
	assert_memory_equal(buf, "\r\nanswer", 8);
	close(fd);
	fd = -1;
	UNTIL(e, !sip_tp_conn_alive(e->tp, e->from.conn));
	assert_int_equal(sip_tp_send_raw(e->tp, &e->from, "answer", 6, NULL), -EPIPE);
}

/* How the end of a connection reaches the peer: 0: FIN; -errno. */
static int end_at(int fd)
{
	char buf[100];
	ssize_t n;

	do
		n = recv(fd, buf, sizeof(buf), 0);
	while (n > 0);
	return n < 0 ? -errno : 0;
}

/* A connection over which an answer has come and been acknowledged. */
static int used_connection(struct env *e, struct sip_ep *ep)
{
	int fd = tcp_to(ep), got = e->got;
	char buf[10];

	put(fd, REQ);
	UNTIL(e, e->got > got);
	assert_int_equal(sip_tp_send_raw(e->tp, &e->from, "answer", 6, NULL), 0);
	assert_int_equal(recv(fd, buf, sizeof(buf), 0), 6);
	return fd;
}

/* Closed by the peer, as phones do at the end: with which last word does it close here? */
static int answer_to_fin(struct env *e, struct sip_ep *ep)
{
	_cleanup_close_ int fd = used_connection(e, ep);

	shutdown(fd, SHUT_WR);
	UNTIL(e, !sip_tp_conn_alive(e->tp, e->from.conn));
	return end_at(fd);
}

/* Nothing that the network would have to repeat is left of a connection whose SAs go. */
static void tcp_ends_at_once(void **state)
{
	struct env *e = *state;
	struct sip_ep_opts o = { .name = "fleeting", .tcp = true, .fleeting = true };
	_cleanup_close_ int fd = -1, other = -1;

	assert_int_equal(sip_sa_parse("127.0.0.1", 0, &o.local), 0);
	assert_int_equal(sip_ep_open(e->tp, &o, &e->ep2), 0);
	assert_int_equal(answer_to_fin(e, e->ep), 0);
	assert_int_equal(answer_to_fin(e, e->ep2), -ECONNRESET);
	other = used_connection(e, e->ep2);
	fd = used_connection(e, e->ep2);
	/* also what it has not read yet is not waited for */
	assert_int_equal(sip_tp_send_raw(e->tp, &e->from, "answer", 6, NULL), 0);
	sip_tp_close_peer(e->tp, e->ep2, &e->from.peer);
	assert_int_equal(end_at(fd), -ECONNRESET);
	assert_false(closed(other));
	sip_tp_close_conn(e->tp, e->from.conn - 1);
	assert_int_equal(end_at(other), -ECONNRESET);
}

static void tcp_refused(void **state)
{
	struct env *e = *state;
	struct sip_path path = { .ep = e->ep, .proto = SIP_TCP };
	int dead = sock(SOCK_STREAM, &path.peer);
	int r;

	close(dead);
	r = sip_tp_send_raw(e->tp, &path, REQ, strlen(REQ), NULL);
	if (!r)
		UNTIL(e, e->errs == 1);
	assert_int_equal(r ? r : e->last_err, -ECONNREFUSED);
}

static void tcp_slow_sender(void **state)
{
	struct env *e = *state;
	_cleanup_close_ int fd = -1, silent = -1, good = -1;

	sip_tp_set_limits(e->tp, &(struct sip_tp_limits){ .partial_ms = 100 });
	fd = tcp_to(e->ep);
	silent = tcp_to(e->ep);
	good = tcp_to(e->ep);
	put(good, REQ);
	UNTIL(e, e->got == 1);
	for (int i = 0; i < 20 && !closed(fd); i++) {
		send(fd, "O", 1, MSG_NOSIGNAL);
		loop_once(e->loop, 10);
		usleep(10000);
	}
	assert_true(closed(fd));
	UNTIL(e, closed(silent));
	assert_false(closed(good));
}

static void tcp_too_big_and_broken(void **state)
{
	struct env *e = *state;
	_cleanup_close_ int big = tcp_to(e->ep), lie = tcp_to(e->ep);
	_cleanup_free_ char *s = NULL;

	assert_true(asprintf(&s, "%.*sContent-Length: 9999999\r\n\r\n",
			     (int)(strstr(REQ, "Content-Length") - REQ), REQ) > 0);
	put(big, s);
	UNTIL(e, closed(big));
	put(lie, "OPTIONS sip:a SIP/2.0\r\nl: 1\r\nl: 2\r\n\r\n");
	UNTIL(e, closed(lie));
	assert_int_equal(e->got, e->bad);
}

static void tcp_limits(void **state)
{
	struct env *e = *state;
	union sip_sa peer;
	int fd[8];

	sip_tp_set_limits(e->tp, &(struct sip_tp_limits){ .max_conns_per_peer = 4 });
	for (int i = 0; i < 8; i++)
		fd[i] = tcp_to(e->ep);
	UNTIL(e, closed(fd[7]));
	assert_int_equal(sip_tp_get_stats(e->tp)->conns_accepted, 4);
	sip_tp_set_limits(e->tp,
			  &(struct sip_tp_limits){ .max_conns_per_peer = 100, .max_conns = 4 });
	close(fd[7]);
	fd[7] = tcp_to(e->ep); /* the longest idle one makes room */
	UNTIL(e, closed(fd[0]));
	assert_false(closed(fd[7]));
	peer = *sip_ep_local(e->ep); /* no connection comes from that port */
	sip_tp_close_peer(e->tp, e->ep, &peer);
	assert_int_not_equal(e->tp->n_conns, 0);
	sip_sa_set_port(&peer, 0);
	sip_tp_close_peer(e->tp, e->ep, &peer);
	assert_int_equal(e->tp->n_conns, 0);
	for (int i = 0; i < 8; i++)
		close(fd[i]);
}

static void tcp_slow_reader(void **state)
{
	struct env *e = *state;
	_cleanup_close_ int fd = tcp_to(e->ep);
	_cleanup_free_ char *block = calloc(1, 60000);
	size_t sent = 0, got = 0;
	char buf[65536];
	int r = 0;

	put(fd, REQ);
	UNTIL(e, e->got == 1);
	while (!(r = sip_tp_send_raw(e->tp, &e->from, block, 60000, NULL)))
		sent += 60000;
	assert_int_equal(r, -ENOBUFS);
	while (got < sent) {
		ssize_t n = recv(fd, buf, sizeof(buf), MSG_DONTWAIT);

		if (n > 0)
			got += n;
		loop_once(e->loop, 1);
	}
	assert_int_equal(got, sent);
	assert_true(sip_tp_conn_alive(e->tp, e->from.conn));
}

static void proto_by_size(void **state)
{
	struct env *e = *state;

	assert_int_equal(sip_tp_proto_for(e->ep, 1300, 0), SIP_UDP);
	assert_int_equal(sip_tp_proto_for(e->ep, 1301, 0), SIP_TCP);
	assert_int_equal(sip_tp_proto_for(e->ep, 1081, 1280), SIP_TCP);
}

/* Real datagrams that waited: counted, dropped before parsing. */
static void shed_what_waited(void **state)
{
	struct env *e = *state;
	union sip_sa peer;
	_cleanup_close_ int fd = sock(SOCK_DGRAM, &peer);

	sip_tp_set_shed(e->tp, &(struct sip_tp_shed){ .target_ms = 10, .limit_ms = 20 });
	for (int i = 0; i < 10; i++)
		sendto(fd, REQ, strlen(REQ), 0, &sip_ep_local(e->ep)->sa,
		       sip_sa_len(sip_ep_local(e->ep)));
	usleep(60000);
	UNTIL(e, sip_tp_get_stats(e->tp)->shed == 10);
	assert_int_equal(e->got, 0);
	sendto(fd, REQ, strlen(REQ), 0, &sip_ep_local(e->ep)->sa, sip_sa_len(sip_ep_local(e->ep)));
	UNTIL(e, e->got == 1);
}

static void shed_by_delay(void **state)
{
	struct env *e = *state;
	int shed = 0;

	assert_false(tp_should_shed(e->tp, "INVITE sip", 10, 10000000));
	sip_tp_set_shed(e->tp, &(struct sip_tp_shed){
				       .target_ms = 100, .limit_ms = 300, .interval_ms = 0 });
	assert_false(tp_should_shed(e->tp, "INVITE sip", 10, 50000));
	assert_true(tp_should_shed(e->tp, "INVITE sip", 10, 300000));
	assert_false(tp_should_shed(e->tp, "BYE sip:x ", 10, 300000));
	assert_false(tp_should_shed(e->tp, "SIP/2.0 20", 10, 300000));
	for (int i = 0; i < 1000; i++)
		shed += tp_should_shed(e->tp, "REGISTER sip", 12, 200000);
	assert_in_range(shed, 450, 550);
	sip_tp_set_shed(e->tp, &(struct sip_tp_shed){
				       .target_ms = 100, .limit_ms = 300, .interval_ms = 1000 });
	e->tp->shed_since = 0;
	assert_false(tp_should_shed(e->tp, "INVITE sip", 10, 300000)); /* not for an interval yet */
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(udp_both_ways),
		T(udp_v6),
		T(udp_wildcard),
		T(udp_icmp),
		T(udp_endpoint_closed_inside),
		T(tcp_from_own_port),
		T(tcp_answer_same_connection),
		T(tcp_ends_at_once),
		T(tcp_refused),
		T(tcp_slow_sender),
		T(tcp_too_big_and_broken),
		T(tcp_limits),
		T(tcp_slow_reader),
		T(proto_by_size),
		T(shed_by_delay),
		T(shed_what_waited),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
