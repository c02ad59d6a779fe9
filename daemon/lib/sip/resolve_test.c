// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Resolver (RFC 3263) against a small DNS server on loopback: NAPTR, SRV, addresses, fall-backs, cache,
 * joined questions, silence; and the parser of DNS messages with malformed input.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>
#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/epoll.h>

#include "lib/sip/dns.h"
#include "lib/sip/resolve.h"

struct record { /* zone of the tests: "type name data", data in text */
	enum dns_type type;
	const char *name, *data;
};

static const struct record zone[] = {
	{ DNS_NAPTR, "home.example", "20 10 s SIP+D2T _sip._tcp.home.example" },
	{ DNS_NAPTR, "home.example", "10 10 s SIP+D2U _sip._udp.home.example" },
	{ DNS_NAPTR, "home.example", "5 10 u E2U+sip nowhere.example" },
	{ DNS_SRV, "_sip._udp.home.example", "20 0 5070 b.home.example" },
	{ DNS_SRV, "_sip._udp.home.example", "10 0 5060 a.home.example" },
	{ DNS_SRV, "_sip._tcp.home.example", "10 0 5080 a.home.example" },
	{ DNS_A, "a.home.example", "10.0.0.1" },
	{ DNS_A, "b.home.example", "10.0.0.2" },
	{ DNS_AAAA, "a.home.example", "fd46::1" },
	{ DNS_SRV, "_sip._tcp.srv.example", "10 0 5090 b.home.example" },
	{ DNS_SRV, "_sip._udp.none.example", "0 0 0 ." },
	{ DNS_A, "plain.example", "10.0.0.9" },
	{ DNS_A, "none.example", "10.0.0.7" },
};

struct env {
	struct loop *loop;
	struct sip_resolver *r;
	struct loop_io io;
	union sip_sa server;
	int questions;
	bool silent, refuse;
	uint32_t ttl;
	int calls, err;
	size_t n;
	struct sip_hop hops[16];
};

struct buf {
	uint8_t b[4096];
	size_t n;
};

static void p16(struct buf *o, uint32_t v)
{
	o->b[o->n++] = v >> 8;
	o->b[o->n++] = v;
}

static void pname(struct buf *o, const char *name)
{
	struct str rest = str_of(name), label;

	while (strcmp(name, ".") && str_split(&rest, '.', &label)) {
		o->b[o->n++] = label.n;
		memcpy(o->b + o->n, label.p, label.n);
		o->n += label.n;
	}
	o->b[o->n++] = 0;
}

static void pstring(struct buf *o, const char *s)
{
	o->b[o->n++] = strlen(s);
	memcpy(o->b + o->n, s, strlen(s));
	o->n += strlen(s);
}

static void pdata(struct buf *o, const struct record *r)
{
	char f[8], s[32], name[64];
	unsigned int a, b, c;

	switch (r->type) {
	case DNS_A:
		inet_pton(AF_INET, r->data, o->b + o->n);
		o->n += 4;
		break;
	case DNS_AAAA:
		inet_pton(AF_INET6, r->data, o->b + o->n);
		o->n += 16;
		break;
	case DNS_SRV:
		assert_int_equal(sscanf(r->data, "%u %u %u %63s", &a, &b, &c, name), 4);
		p16(o, a);
		p16(o, b);
		p16(o, c);
		pname(o, name);
		break;
	case DNS_NAPTR:
		assert_int_equal(sscanf(r->data, "%u %u %7s %31s %63s", &a, &b, f, s, name), 5);
		p16(o, a);
		p16(o, b);
		pstring(o, f);
		pstring(o, s);
		pstring(o, "");
		pname(o, name);
		break;
	}
}

static void prr(struct buf *o, const struct record *r, uint32_t ttl)
{
	size_t at;

	pname(o, r->name);
	p16(o, r->type);
	p16(o, 1);
	p16(o, ttl >> 16);
	p16(o, ttl);
	at = o->n;
	p16(o, 0);
	pdata(o, r);
	o->b[at] = (o->n - at - 2) >> 8;
	o->b[at + 1] = o->n - at - 2;
}

static size_t qname(const uint8_t *q, size_t n, char *name)
{
	size_t pos = 12;

	*name = 0;
	while (pos < n && q[pos]) {
		sprintf(name + strlen(name), "%s%.*s", *name ? "." : "", q[pos], q + pos + 1);
		pos += q[pos] + 1u;
	}
	return pos + 1;
}

static void on_question(struct loop_io *io, uint32_t revents)
{
	struct env *e = container_of(io, struct env, io);
	struct buf o = { .n = 12 };
	uint8_t q[512];
	char name[512];
	union sip_sa from;
	socklen_t len = sizeof(from.ss);
	ssize_t n = recvfrom(io->fd, q, sizeof(q), 0, &from.sa, &len);
	uint32_t type, count = 0;
	bool exists = false;
	size_t end;

	(void)revents;
	e->questions++;
	if (e->silent || n < 17)
		return;
	end = qname(q, n, name);
	type = (uint32_t)q[end] << 8 | q[end + 1];
	memcpy(o.b, q, end + 4);
	o.n = end + 4;
	for (size_t i = 0; i < ARRAY_SIZE(zone) && !e->refuse; i++) {
		exists |= !strcasecmp(zone[i].name, name);
		if (zone[i].type != type || strcasecmp(zone[i].name, name))
			continue;
		prr(&o, &zone[i], e->ttl);
		count++;
	}
	o.b[2] = 0x84;
	o.b[3] = e->refuse ? 2 : exists ? 0 : 3;
	o.b[6] = 0;
	o.b[7] = count;
	memset(o.b + 8, 0, 4);
	sendto(io->fd, o.b, o.n, 0, &from.sa, len);
}

static int setup(void **state)
{
	struct env *e = calloc(1, sizeof(*e));
	socklen_t len = sizeof(e->server.ss);

	e->ttl = 60;
	assert_int_equal(loop_new(&e->loop), 0);
	assert_int_equal(sip_sa_parse("127.0.0.1", 0, &e->server), 0);
	e->io = (struct loop_io){ .fd = socket(AF_INET, SOCK_DGRAM, 0),
				  .events = EPOLLIN,
				  .fn = on_question };
	assert_int_equal(bind(e->io.fd, &e->server.sa, sip_sa_len(&e->server)), 0);
	assert_int_equal(getsockname(e->io.fd, &e->server.sa, &len), 0);
	assert_int_equal(loop_io_add(e->loop, &e->io), 0);
	assert_int_equal(sip_resolver_new(e->loop, &e->server, &e->r), 0);
	*state = e;
	return 0;
}

static int teardown(void **state)
{
	struct env *e = *state;

	sip_resolver_free(e->r);
	loop_io_del(e->loop, &e->io);
	close(e->io.fd);
	loop_free(e->loop);
	free(e);
	return 0;
}

static void on_hops(void *arg, const struct sip_hop *hops, size_t n, int err)
{
	struct env *e = arg;

	e->calls++;
	e->err = err;
	e->n = n;
	if (n)
		memcpy(e->hops, hops, n * sizeof(*hops));
}

static int ask(struct env *e, const char *uri)
{
	struct sip_query *q = NULL;
	int before = e->calls, r = sip_resolve(e->r, str_of(uri), on_hops, e, &q);

	if (r < 0)
		return r;
	assert_int_equal(q == NULL, e->calls > before);
	for (int i = 0; i < 1200 && e->calls == before; i++)
		loop_once(e->loop, 10);
	assert_int_equal(e->calls, before + 1);
	return e->err;
}

static void hop_is(struct env *e, size_t i, enum sip_proto proto, const char *addr)
{
	char buf[SIP_SA_STRLEN];

	assert_true(i < e->n);
	assert_int_equal(e->hops[i].proto, proto);
	assert_string_equal(sip_sa_str(&e->hops[i].addr, buf), addr);
}

static void numeric(void **state)
{
	struct env *e = *state;

	assert_int_equal(ask(e, "sip:10.1.2.3"), 0);
	hop_is(e, 0, SIP_UDP, "10.1.2.3:5060");
	assert_int_equal(ask(e, "sip:alice@[fd00::1]:5070;transport=tcp"), 0);
	hop_is(e, 0, SIP_TCP, "[fd00::1]:5070");
	assert_int_equal(e->questions, 0);
	assert_int_equal(ask(e, "tel:+15550000001"), -EINVAL);
	assert_int_equal(ask(e, "sip:a@10.1.2.3;transport=sctp"), -EPROTONOSUPPORT);
	sip_resolver_families(e->r, 2, AF_INET6);
	assert_int_equal(ask(e, "sip:10.1.2.3"), -EAFNOSUPPORT);
}

static void static_host(void **state)
{
	struct env *e = *state;
	union sip_sa a4, a6;

	sip_sa_parse("10.46.0.3", 0, &a4);
	sip_sa_parse("fd46::3", 0, &a6);
	sip_resolver_host(e->r, "scscf.home.example", &a4);
	sip_resolver_host(e->r, "scscf.home.example", &a6);
	assert_int_equal(ask(e, "sip:SCSCF.home.example:5070"), 0);
	assert_int_equal(e->n, 2);
	hop_is(e, 0, SIP_UDP, "10.46.0.3:5070");
	hop_is(e, 1, SIP_UDP, "[fd46::3]:5070");
	sip_resolver_families(e->r, 3, AF_INET6);
	assert_int_equal(ask(e, "sip:scscf.home.example"), 0);
	hop_is(e, 0, SIP_UDP, "[fd46::3]:5060");
	assert_int_equal(e->questions, 0);
}

static void naptr_srv_addresses(void **state)
{
	struct env *e = *state;
	int asked;

	assert_int_equal(ask(e, "sip:home.example"), 0);
	assert_int_equal(e->n, 5);
	hop_is(e, 0, SIP_UDP, "10.0.0.1:5060");
	hop_is(e, 1, SIP_UDP, "[fd46::1]:5060");
	hop_is(e, 2, SIP_UDP, "10.0.0.2:5070");
	hop_is(e, 3, SIP_TCP, "10.0.0.1:5080");
	hop_is(e, 4, SIP_TCP, "[fd46::1]:5080");
	asked = e->questions;
	assert_int_equal(ask(e, "sip:home.example"),
			 0); /* all of it from the cache, in the same call */
	assert_int_equal(e->questions, asked);
	assert_int_equal(e->n, 5);
}

static void srv_by_transport(void **state)
{
	struct env *e = *state;

	assert_int_equal(ask(e, "sip:srv.example;transport=tcp"), 0);
	assert_int_equal(e->n, 1);
	hop_is(e, 0, SIP_TCP, "10.0.0.2:5090");
	assert_int_equal(ask(e, "sip:srv.example"), 0); /* no NAPTR: SRV of both */
	hop_is(e, 0, SIP_TCP, "10.0.0.2:5090");
}

static void plain_addresses(void **state)
{
	struct env *e = *state;

	assert_int_equal(ask(e, "sip:plain.example"), 0);
	hop_is(e, 0, SIP_UDP, "10.0.0.9:5060");
	assert_int_equal(ask(e, "sip:plain.example:5099;transport=tcp"), 0);
	hop_is(e, 0, SIP_TCP, "10.0.0.9:5099");
	assert_int_equal(ask(e, "sip:unknown.example"), -ENOENT);
	assert_int_equal(ask(e, "sip:unknown.example"), -ENOENT);
}

static void ttl_runs_out(void **state)
{
	struct env *e = *state;
	int asked;

	e->ttl = 1;
	assert_int_equal(ask(e, "sip:plain.example:5060"), 0);
	asked = e->questions;
	for (int i = 0; i < 12; i++) {
		usleep(100000);
		loop_once(e->loop, 0);
	}
	assert_int_equal(ask(e, "sip:plain.example:5060"), 0);
	assert_true(e->questions > asked);
}

static void same_question_joined(void **state)
{
	struct env *e = *state;
	struct sip_query *q[5];

	sip_resolver_families(e->r, 1, AF_INET);
	for (int i = 0; i < 5; i++)
		assert_int_equal(
			sip_resolve(e->r, STR("sip:plain.example:5060"), on_hops, e, &q[i]), 0);
	sip_query_cancel(q[2]);
	for (int i = 0; i < 200 && e->calls < 4; i++)
		loop_once(e->loop, 10);
	assert_int_equal(e->calls, 4);
	assert_int_equal(e->questions, 1);
}

static void silence(void **state)
{
	struct env *e = *state;

	e->silent = true;
	assert_int_equal(ask(e, "sip:home.example"), -ETIMEDOUT);
	e->silent = false;
	assert_int_equal(ask(e, "sip:home.example"), 0); /* failures are not remembered */
}

static void servfail(void **state)
{
	struct env *e = *state;

	e->refuse = true;
	assert_int_equal(ask(e, "sip:home.example"), -ETIMEDOUT);
}

static void freed_while_asking(void **state)
{
	struct env *e = *state;
	struct sip_query *q;

	e->silent = true;
	assert_int_equal(sip_resolve(e->r, STR("sip:home.example"), on_hops, e, &q), 0);
	loop_once(e->loop, 10);
	assert_int_equal(e->calls, 0);
}

static void odd_names(void **state)
{
	struct env *e = *state;
	_cleanup_free_ char *uri = NULL;

	assert_true(ask(e, "sip:a..b") < 0);
	assert_true(asprintf(&uri, "sip:%0300d.example", 0) > 0);
	assert_true(ask(e, uri) < 0);
}

/* Every prefix and every flipped octet of a good answer: no crash, no overrun (ASan judges). */
static void parser_bad_input(void **state)
{
	struct buf o = { .n = 12 };
	uint32_t ttl;

	(void)state;
	pname(&o, "home.example");
	p16(&o, DNS_NAPTR);
	p16(&o, 1);
	o.b[5] = 1;
	for (size_t i = 0; i < 3; i++)
		prr(&o, &zone[i], 60);
	o.b[7] = 3;
	for (size_t n = 0; n <= o.n; n++) {
		uint8_t *copy = malloc(
			n ? n : 1); /* of its own size, so that ASan sees one octet too far */
		struct dns_answer *a;

		memcpy(copy, o.b, n);
		a = dns_parse(copy, n, DNS_NAPTR, &ttl);
		assert_int_equal(a->err, n == o.n ? 0 : -EIO);
		assert_int_equal(a->n, n == o.n ? 3 : 0);
		dns_answer_unref(a);
		free(copy);
	}
	for (size_t i = 0; i < o.n; i++)
		for (int bit = 0; bit < 8; bit++) {
			struct dns_answer *a;

			o.b[i] ^= 1 << bit;
			a = dns_parse(o.b, o.n, DNS_NAPTR, &ttl);
			dns_answer_unref(a);
			o.b[i] ^= 1 << bit;
		}
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(numeric),
		T(static_host),
		T(naptr_srv_addresses),
		T(srv_by_transport),
		T(plain_addresses),
		T(ttl_runs_out),
		T(same_question_joined),
		T(silence),
		T(servfail),
		T(freed_while_asking),
		T(odd_names),
		cmocka_unit_test(parser_bad_input),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
