/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * For the tests of lib/gtpc and lib/pfcp: a mock wire with a virtual clock; what was sent on it, and what the
 * endpoint told its owner last.
 */
#ifndef KIMS_IE_MOCK_PEERS_H
#define KIMS_IE_MOCK_PEERS_H

#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#include "lib/ie/exchange.h"

#define WIRE_MAX 64

struct sent {
	uint8_t p[512];
	size_t n;
	uint8_t type;
	uint32_t seq;
	struct sockaddr_storage to;
};

static struct wire {
	struct loop *loop;
	const struct tlv_format *format;
	struct sockaddr_storage a, b; /* peers */
	struct sent sent[WIRE_MAX];
	int n, seen;
	int n_done, done_type; /* -1: no answer */
	int n_requests;
	struct xchg_token *token;
	uint8_t request_type;
	bool piggybacked;
} wire;

static inline void wire_send(void *arg, const struct sockaddr_storage *to, const void *p, size_t n)
{
	struct tlv_hdr h;
	struct sent *s;

	(void)arg;
	assert_true(wire.n < WIRE_MAX && n <= sizeof(wire.sent[0].p));
	s = &wire.sent[wire.n++];
	memcpy(s->p, p, n);
	s->n = n;
	s->to = *to;
	assert_int_equal(wire.format->parse(s->p, n, &h), 0);
	s->type = h.type;
	s->seq = h.seq;
}

/* The next thing that was sent; it must be of this type. */
static inline const struct sent *wire_sent(uint8_t type)
{
	if (wire.seen >= wire.n)
		fail_msg("nothing sent, expected message %u", type);
	assert_int_equal(wire.sent[wire.seen].type, type);
	return &wire.sent[wire.seen++];
}

static inline void wire_none(void)
{
	if (wire.seen < wire.n)
		fail_msg("not expected: message %u", wire.sent[wire.seen].type);
	wire.seen = wire.n = 0;
}

static inline void wire_ms(uint64_t ms)
{
	loop_advance(wire.loop, ms * USEC_PER_MSEC);
}

static inline void wire_done(void *arg, const struct xchg_msg *answer)
{
	(void)arg;
	wire.n_done++;
	wire.done_type = answer ? answer->hdr->type : -1;
}

static inline void wire_request(struct xchg_token *t, const struct xchg_msg *m)
{
	wire.n_requests++;
	wire.token = t;
	wire.request_type = m->hdr->type;
	wire.piggybacked = m->piggybacked;
}

/* A message without IEs, in one of 64 static buffers; IEs can be put behind it. */
static inline struct tlv_buf wire_msg(uint8_t type, uint32_t seq)
{
	static uint8_t bufs[64][256];
	static int next;
	struct tlv_buf b = { .p = bufs[next++ % 64], .cap = 256 };
	struct tlv_hdr h = { .type = type, .has_id = type > 31, .id = 1, .seq = seq };

	wire.format->begin(&b, &h);
	tlv_end(&b, wire.format, 0);
	return b;
}

static inline void wire_open(const struct tlv_format *f, uint16_t port)
{
	struct sockaddr_in *a = (struct sockaddr_in *)&wire.a, *b = (struct sockaddr_in *)&wire.b;

	memset(&wire, 0, sizeof(wire));
	wire.format = f;
	a->sin_family = b->sin_family = AF_INET;
	a->sin_port = b->sin_port = htons(port);
	a->sin_addr.s_addr = htonl(0x0a2e0064);
	b->sin_addr.s_addr = htonl(0x0a2e0065);
	assert_int_equal(loop_new_virtual(&wire.loop), 0);
}

static inline void wire_close(void)
{
	loop_free(wire.loop);
}

#endif
