// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The whole stack on real sockets over loopback: a proxy between two plain sockets. ICMP and refused
 * connections lead to the next hop or a quick answer; UDP in, TCP out of the own port, and back.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>
#include <fcntl.h>
#include <netinet/in.h>

#include "lib/sip/proxy.h"

struct env {
	struct loop *loop;
	struct sip_tp *tp;
	struct sip_stack *stack;
	struct sip_resolver *res;
	struct sip_ep *ep;
	const char *next_hop;
	int uac;
	union sip_sa uac_sa;
	char buf[8192];
};

static void on_request(void *arg, struct sip_stx *stx, struct sip_msg *m,
		       const struct sip_path *from)
{
	struct env *e = arg;
	struct sip_target t = { .next_hop = str_of(e->next_hop) };

	(void)from;
	if (stx)
		assert_int_equal(
			sip_proxy_forward(e->stack, e->res, stx, m, &t, 1, 0, NULL, NULL, NULL), 0);
	else
		assert_int_equal(sip_proxy_forward_ack(e->stack, e->res, m, &t), 0);
}

static int sock(int type, union sip_sa *ret)
{
	socklen_t len = sizeof(ret->ss);
	int fd = socket(AF_INET, type | SOCK_NONBLOCK, 0);

	assert_int_equal(sip_sa_parse("127.0.0.1", 0, ret), 0);
	assert_int_equal(bind(fd, &ret->sa, sip_sa_len(ret)), 0);
	assert_int_equal(getsockname(fd, &ret->sa, &len), 0);
	if (type == SOCK_STREAM)
		listen(fd, 5);
	return fd;
}

static int setup(void **state)
{
	static const struct sip_stack_ops ops = { .request = on_request };
	struct sip_ep_opts o = { .name = "t", .tcp = true, .bind_source = true };
	struct env *e = calloc(1, sizeof(*e));

	assert_int_equal(loop_new(&e->loop), 0);
	assert_int_equal(sip_tp_new(e->loop, 0, &e->tp), 0);
	assert_int_equal(sip_sa_parse("127.0.0.1", 0, &o.local), 0);
	assert_int_equal(sip_ep_open(e->tp, &o, &e->ep), 0);
	assert_int_equal(sip_stack_new(e->loop, e->tp, &ops, e, &e->stack), 0);
	assert_int_equal(sip_resolver_new(e->loop, NULL, &e->res), 0);
	e->uac = sock(SOCK_DGRAM, &e->uac_sa);
	*state = e;
	return 0;
}

static int teardown(void **state)
{
	struct env *e = *state;

	sip_stack_free(e->stack);
	sip_resolver_free(e->res);
	sip_tp_free(e->tp);
	loop_free(e->loop);
	close(e->uac);
	free(e);
	return 0;
}

static void send_request(struct env *e, const char *method)
{
	char text[4096], host[SIP_SA_STRLEN];
	const union sip_sa *to = sip_ep_local(e->ep);
	int n = snprintf(
		text, sizeof(text),
		"%s sip:b@c SIP/2.0\r\nVia: SIP/2.0/UDP %s;branch=z9hG4bK%s\r\nMax-Forwards: 70\r\n"
		"From: <sip:a@b>;tag=1\r\nTo: <sip:b@c>\r\nCall-ID: x\r\nCSeq: 1 %s\r\n"
		"Content-Length: 0\r\n\r\n",
		method, sip_sa_str(&e->uac_sa, host), method, method);

	assert_int_equal(sendto(e->uac, text, n, 0, &to->sa, sip_sa_len(to)), n);
}

/* What comes next on fd, within 2 s; the loop runs meanwhile. */
static const char *await(struct env *e, int fd)
{
	for (int i = 0; i < 200; i++) {
		ssize_t n = recv(fd, e->buf, sizeof(e->buf) - 1, MSG_DONTWAIT);

		if (n > 0) {
			e->buf[n] = 0;
			return e->buf;
		}
		loop_once(e->loop, 10);
	}
	fail_msg("nothing came");
	return NULL;
}

static void expect(struct env *e, int fd, const char *start)
{
	const char *s = await(e, fd);

	if (strncmp(s, start, strlen(start)))
		fail_msg("expected %s, got %s", start, s);
}

/* Text of a URI at a socket's address. */
static char *uri_of(const union sip_sa *a, const char *params)
{
	char buf[SIP_SA_STRLEN], *s = NULL;

	assert_true(asprintf(&s, "sip:%s%s", sip_sa_str(a, buf), params) > 0);
	return s;
}

static void icmp_is_quick(void **state)
{
	struct env *e = *state;
	_cleanup_free_ char *uri = NULL;
	union sip_sa dead;

	close(sock(SOCK_DGRAM, &dead));
	e->next_hop = uri = uri_of(&dead, "");
	send_request(e, "MESSAGE");
	expect(e, e->uac, "SIP/2.0 500");
}

static void icmp_then_next_hop(void **state)
{
	struct env *e = *state;
	union sip_sa dead, alive;
	_cleanup_close_ int uas = -1;

	close(sock(SOCK_DGRAM, &dead));
	uas = sock(SOCK_DGRAM, &alive);
	sip_resolver_host(e->res, "server.example", &dead);
	sip_resolver_host(e->res, "server.example", &alive);
	e->next_hop = "sip:server.example";
	send_request(e, "MESSAGE");
	expect(e, uas, "MESSAGE sip:b@c SIP/2.0");
}

static void refused_then_next_hop_by_tcp(void **state)
{
	struct env *e = *state;
	union sip_sa dead, alive, seen;
	_cleanup_close_ int uas = -1, conn = -1;
	socklen_t len = sizeof(seen.ss);
	_cleanup_free_ char *resp = NULL;
	const char *via;

	close(sock(SOCK_STREAM, &dead));
	uas = sock(SOCK_STREAM, &alive);
	sip_resolver_host(e->res, "server.example", &dead);
	sip_resolver_host(e->res, "server.example", &alive);
	e->next_hop = "sip:server.example;transport=tcp";
	send_request(e, "INVITE");
	expect(e, e->uac, "SIP/2.0 100");
	for (int i = 0; i < 200 && conn < 0; i++) {
		loop_once(e->loop, 10);
		conn = accept4(uas, &seen.sa, &len, SOCK_NONBLOCK);
	}
	assert_true(conn >= 0);
	assert_true(sip_sa_eq(&seen, sip_ep_local(e->ep))); /* from the endpoint's own port */
	expect(e, conn, "INVITE sip:b@c SIP/2.0");
	via = strstr(e->buf, "Via: SIP/2.0/TCP ");
	assert_non_null(via);
	assert_true(
		asprintf(&resp,
			 "SIP/2.0 486 Busy\r\n%.*sFrom: <sip:a@b>;tag=1\r\nTo: <sip:b@c>;tag=2\r\n"
			 "Call-ID: x\r\nCSeq: 1 INVITE\r\nContent-Length: 0\r\n\r\n",
			 (int)(strstr(strstr(via, "\r\nVia") + 2, "\r\n") + 2 - via), via) > 0);
	assert_int_equal(send(conn, resp, strlen(resp), 0), strlen(resp));
	expect(e, conn, "ACK sip:b@c SIP/2.0");
	expect(e, e->uac, "SIP/2.0 486");
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(icmp_is_quick),
		T(icmp_then_next_hop),
		T(refused_then_next_hop_by_tcp),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
