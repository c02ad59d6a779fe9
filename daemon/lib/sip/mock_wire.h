/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * For the tests of the transaction layer and the proxy core: a stack on the mock wire with a
 * virtual clock, and what it sent, with the time at which it did.
 */
#ifndef KIMS_SIP_MOCK_WIRE_H
#define KIMS_SIP_MOCK_WIRE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#include "lib/sip/tx_priv.h"

#define WIRE_MAX 512

struct sent {
	uint64_t ms; /* since the begin of the test */
	struct sip_path path;
	char *text;
};

struct wire {
	struct loop *loop;
	struct sip_tp *tp;
	struct sip_stack *stack;
	struct sip_ep *ep, *ep2; /* 10.0.0.1:5060, 10.0.0.1:5063 */
	union sip_sa a, b, c;	 /* peers 10.0.0.65/.66/.67:5060 */
	uint64_t t0;
	struct sent sent[WIRE_MAX];
	int n, seen;
};

static inline void wire_sent(void *arg, const struct sip_path *path, const char *data, size_t len)
{
	struct wire *w = arg;

	assert_true(w->n < WIRE_MAX);
	w->sent[w->n].ms = (loop_now(w->loop) - w->t0) / 1000;
	w->sent[w->n].path = *path;
	w->sent[w->n++].text = strndup(data, len);
}

static inline struct sip_ep *wire_ep(struct wire *w, const char *name, uint16_t port)
{
	struct sip_ep_opts o = { .name = name, .tcp = true, .bind_source = true };
	struct sip_ep *ep;

	assert_int_equal(sip_sa_parse("10.0.0.1", port, &o.local), 0);
	assert_int_equal(sip_ep_open(w->tp, &o, &ep), 0);
	return ep;
}

static inline void wire_open(struct wire *w, const struct sip_stack_ops *ops, void *arg)
{
	memset(w, 0, sizeof(*w));
	assert_int_equal(loop_new_virtual(&w->loop), 0);
	assert_int_equal(sip_tp_new_mock(w->loop, wire_sent, w, &w->tp), 0);
	w->ep = wire_ep(w, "one", 5060);
	w->ep2 = wire_ep(w, "two", 5063);
	assert_int_equal(sip_sa_parse("10.0.0.65", 5060, &w->a), 0);
	assert_int_equal(sip_sa_parse("10.0.0.66", 5060, &w->b), 0);
	assert_int_equal(sip_sa_parse("10.0.0.67", 5060, &w->c), 0);
	assert_int_equal(sip_stack_new(w->loop, w->tp, ops, arg, &w->stack), 0);
	w->t0 = loop_now(w->loop);
}

static inline void wire_close(struct wire *w)
{
	sip_stack_free(w->stack);
	sip_tp_free(w->tp);
	loop_free(w->loop);
	for (int i = 0; i < w->n; i++)
		free(w->sent[i].text);
}

static inline void wire_in(struct wire *w, enum sip_proto proto, const union sip_sa *peer,
			   const char *text)
{
	struct sip_path from = { .ep = w->ep, .proto = proto, .peer = *peer };

	sip_tp_inject(w->tp, &from, text, strlen(text));
}

static inline void wire_ms(struct wire *w, uint64_t ms)
{
	loop_advance(w->loop, ms * 1000);
}

/* The next thing that was sent must begin so; fails otherwise. */
static inline struct sent *wire_next(struct wire *w, const char *start)
{
	struct sent *s;

	if (w->seen >= w->n)
		fail_msg("nothing sent, expected: %s", start);
	s = &w->sent[w->seen++];
	if (strncmp(s->text, start, strlen(start)))
		fail_msg("expected %s, got: %s", start, s->text);
	return s;
}

static inline void wire_none(struct wire *w)
{
	if (w->seen < w->n)
		fail_msg("not expected: %s", w->sent[w->seen].text);
}

/* Everything sent from now on: each begins with start, at these times (ms), 0-terminated after the first. */
static inline void wire_times(struct wire *w, const char *start, const int *ms, int n)
{
	for (int i = 0; i < n; i++) {
		struct sent *s = wire_next(w, start);

		if (s->ms + 2 < (uint64_t)ms[i] || s->ms > (uint64_t)ms[i] + 2)
			fail_msg("%s number %d: at %lu ms instead of %d", start, i,
				 (unsigned long)s->ms, ms[i]);
	}
	wire_none(w);
}

/* Value of the header's first line in a text. */
static inline const char *wire_header(const struct sent *s, const char *name, char *buf,
				      size_t size)
{
	char key[64];
	const char *p, *e;

	snprintf(key, sizeof(key), "\r\n%s: ", name);
	p = strstr(s->text, key);
	if (!p)
		return NULL;
	p += strlen(key);
	e = strstr(p, "\r\n");
	snprintf(buf, size, "%.*s", (int)(e - p), p);
	return buf;
}

/* A request as a peer would send it. */
static inline char *wire_request(const char *method, const char *via_host, const char *branch,
				 const char *extra)
{
	char *s = NULL;

	assert_true(asprintf(&s,
			     "%s sip:bob@10.0.0.66 SIP/2.0\r\n"
			     "Via: SIP/2.0/UDP %s:5060;branch=%s\r\n"
			     "Max-Forwards: 70\r\n"
			     "From: <sip:alice@example.com>;tag=a1\r\n"
			     "To: <sip:bob@example.com>%s\r\n"
			     "Call-ID: call-1\r\n"
			     "CSeq: 1 %s\r\n"
			     "%s"
			     "Content-Length: 0\r\n\r\n",
			     method, via_host, branch, strcmp(method, "ACK") ? "" : ";tag=b1",
			     method, extra ? extra : "") > 0);
	return s;
}

/* What a UAS answers to a request that was sent. */
static inline char *wire_response(const struct sent *req, int status, const char *to_tag,
				  const char *extra)
{
	struct sip_msg *m = NULL, *r;
	char *text;
	size_t n;

	assert_int_equal(sip_msg_parse(req->text, strlen(req->text), true, &m).error, SIP_PARSE_OK);
	r = sip_msg_new_response(m, status, NULL, to_tag);
	assert_non_null(r);
	if (extra)
		assert_int_equal(sip_msg_add_named(r, "X-Extra", "%s", extra), 0);
	text = calloc(1, sip_msg_size(r) + 1);
	n = sip_msg_encode(r, text, sip_msg_size(r));
	assert_true(n > 0);
	sip_msg_unref(m);
	sip_msg_unref(r);
	return text;
}

static inline void wire_answer(struct wire *w, const struct sent *req, int status,
			       const char *to_tag)
{
	char *text = wire_response(req, status, to_tag, NULL);
	struct sip_path from = req->path;

	sip_tp_inject(w->tp, &from, text, strlen(text));
	free(text);
}

#endif
