// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Everything at once, in random order with fixed seeds: requests, CANCEL, ACK, responses of every class in
 * any order and again, broken connections, clock; an owner who holds, drops, answers, cancels, adds
 * targets. In the end nothing may be left, and every forwarding has ended exactly once.
 */
#include "lib/sip/mock_wire.h"
#include "lib/sip/proxy.h"

#define ROUNDS 100 /* more were run by hand: 16,000 of 150 steps */
#define STEPS  80
#define OPS    16 /* forwardings alive at a time */

struct op {
	struct chaos *c;
	struct sip_fwd *f;
	struct sip_msg *held[8];
	int n_held;
};

struct chaos {
	struct wire w;
	struct sip_resolver *res;
	struct op ops[OPS];
	uint64_t rnd;
	int started, ended, branch;
	struct sip_path paths[3];
};

static uint32_t rnd(struct chaos *c, uint32_t n)
{
	c->rnd ^= c->rnd << 13;
	c->rnd ^= c->rnd >> 7;
	c->rnd ^= c->rnd << 17;
	return (c->rnd >> 33) % n;
}

static struct sip_target any_target(struct chaos *c)
{
	struct sip_target t = { .q = rnd(c, 2) * 500 };
	uint32_t k = rnd(c, 5);

	if (k < 3)
		t.path = &c->paths[k];
	else
		t.next_hop = k == 3 ? STR("sip:two.example") : STR("sip:none.example");
	return t;
}

static int on_response(void *arg, struct sip_fwd *f, struct sip_msg *resp, bool best)
{
	struct op *op = arg;
	struct chaos *c = op->c;
	struct sip_target t = any_target(c);

	assert_ptr_equal(op->f, f);
	switch (rnd(c, 12)) {
	case 0:
	case 1:
		if (op->n_held == (int)ARRAY_SIZE(op->held))
			return 0;
		op->held[op->n_held++] = sip_msg_ref(resp);
		return -EAGAIN;
	case 2:
		sip_stx_reply(sip_fwd_stx(f), 480, NULL, NULL);
		return -ECANCELED;
	case 3:
		sip_fwd_cancel(f, rnd(c, 2) ? 0 : 503, NULL);
		return 0;
	case 4:
		sip_fwd_add_target(f, &t);
		return best ? 0 : -ECANCELED;
	default:
		return 0;
	}
}

static void on_end(void *arg, struct sip_fwd *f, int status)
{
	struct op *op = arg;

	assert_ptr_equal(op->f, f);
	op->c->ended++;
	while (op->n_held)
		sip_msg_unref(op->held[--op->n_held]);
	if (!status && !sip_stx_done(sip_fwd_stx(f)))
		sip_stx_reply(sip_fwd_stx(f), 500, NULL, NULL);
	op->f = NULL;
}

static void on_request(void *arg, struct sip_stx *stx, struct sip_msg *m,
		       const struct sip_path *from)
{
	static const struct sip_fwd_ops fwd_ops = { .response = on_response, .end = on_end };
	struct chaos *c = arg;
	struct sip_target t[3];
	struct op *op = c->ops;
	size_t n = 1 + rnd(c, 3);

	(void)from;
	for (size_t i = 0; i < n; i++)
		t[i] = any_target(c);
	if (!stx) {
		sip_proxy_forward_ack(c->w.stack, c->res, m, t);
		return;
	}
	if (sip_proxy_prepare(c->w.stack, stx, m, NULL, NULL, NULL, NULL))
		return;
	while (op < c->ops + OPS && op->f)
		op++;
	if (op == c->ops + OPS || rnd(c, 20) == 0) {
		sip_stx_reply(stx, 200 + 100 * rnd(c, 5), NULL, NULL);
		return;
	}
	op->c = c;
	if (!sip_proxy_forward(c->w.stack, c->res, stx, m, t, n, 1 + rnd(c, 20000), &fwd_ops, op,
			       &op->f))
		c->started++;
}

static void on_stray(void *arg, struct sip_msg *m, const struct sip_path *from)
{
	struct chaos *c = arg;

	(void)from;
	sip_proxy_stray_response(c->w.stack, m);
}

static void step_request(struct chaos *c)
{
	static const char *const methods[] = { "INVITE", "INVITE",  "INVITE",  "CANCEL",
					       "ACK",	 "MESSAGE", "REGISTER" };
	char branch[32], *s;

	if (rnd(c, 3) == 0)
		c->branch++;
	snprintf(branch, sizeof(branch), "z9hG4bK%d", c->branch - (int)rnd(c, 3));
	s = wire_request(methods[rnd(c, ARRAY_SIZE(methods))], "10.0.0.65", branch, NULL);
	wire_in(&c->w, rnd(c, 4) ? SIP_UDP : SIP_TCP, &c->w.a, s);
	free(s);
}

/* An answer to something that we sent, maybe long ago. */
static void step_response(struct chaos *c)
{
	static const int statuses[] = { 100, 180, 183, 200, 200, 202, 302, 401,
					404, 407, 480, 486, 487, 500, 503, 600 };
	char tag[8];
	int n = c->w.n;
	struct sent *s;

	if (!n)
		return;
	s = &c->w.sent[rnd(c, 2) ? n - 1 - (int)rnd(c, MIN(n, 4)) : (int)rnd(c, n)];
	if (!strncmp(s->text, "SIP/", 4) || !strncmp(s->text, "ACK", 3))
		return;
	snprintf(tag, sizeof(tag), "t%u", rnd(c, 3));
	wire_answer(&c->w, s, statuses[rnd(c, ARRAY_SIZE(statuses))], tag);
}

static void step_break(struct chaos *c)
{
	int n = c->w.n;

	if (n)
		sip_tp_mock_fail(c->w.tp, &c->w.sent[rnd(c, n)].path, -ECONNRESET);
}

static void step_owner(struct chaos *c)
{
	struct op *op = &c->ops[rnd(c, OPS)];
	struct sip_target t = any_target(c);
	struct sip_msg *h;

	if (!op->f)
		return;
	if (op->n_held) {
		h = op->held[--op->n_held];
		if (rnd(c, 3))
			sip_fwd_resume(op->f, h);
		else
			sip_fwd_drop(op->f, h);
	} else if (rnd(c, 4) == 0) {
		sip_fwd_cancel(op->f, 0, "SIP;cause=1");
	} else {
		sip_fwd_add_target(op->f, &t);
	}
}

static void forget_sent(struct chaos *c)
{
	if (c->w.n < WIRE_MAX / 2)
		return;
	for (int i = 0; i < c->w.n; i++)
		free(c->w.sent[i].text);
	c->w.n = c->w.seen = 0;
}

static void step(struct chaos *c)
{
	switch (rnd(c, 10)) {
	case 0:
	case 1:
	case 2:
		step_request(c);
		break;
	case 3:
	case 4:
	case 5:
	case 6:
		step_response(c);
		break;
	case 7:
		step_owner(c);
		break;
	case 8:
		step_break(c);
		break;
	case 9:
		wire_ms(&c->w, rnd(c, 3) ? rnd(c, 700) : rnd(c, 9000));
		break;
	}
	forget_sent(c);
}

/* Nothing more comes from outside: everything must end by itself. */
static void settle(struct chaos *c)
{
	for (int i = 0; i < 400; i++) {
		for (struct op *op = c->ops; op < c->ops + OPS; op++)
			while (op->f && op->n_held)
				sip_fwd_resume(op->f, op->held[--op->n_held]);
		wire_ms(&c->w, 1000);
		forget_sent(c);
	}
}

static void run(uint64_t seed, bool to_the_end)
{
	static const struct sip_stack_ops ops = { .request = on_request,
						  .stray_response = on_stray };
	struct chaos *c = calloc(1, sizeof(*c));

	c->rnd = seed * UINT64_C(0x9e3779b97f4a7c15) + 1;
	wire_open(&c->w, &ops, c);
	assert_int_equal(sip_resolver_new(c->w.loop, NULL, &c->res), 0);
	sip_resolver_host(c->res, "two.example", &c->w.b);
	sip_resolver_host(c->res, "two.example", &c->w.c);
	c->paths[0] = (struct sip_path){ .ep = c->w.ep, .proto = SIP_UDP, .peer = c->w.b };
	c->paths[1] = (struct sip_path){ .ep = c->w.ep, .proto = SIP_TCP, .peer = c->w.c };
	c->paths[2] = (struct sip_path){ .ep = c->w.ep2, .proto = SIP_UDP, .peer = c->w.c };
	for (int i = 0; i < STEPS; i++)
		step(c);
	if (to_the_end) {
		settle(c);
		if (c->started != c->ended || sip_stack_get_stats(c->w.stack)->stx_active ||
		    sip_stack_get_stats(c->w.stack)->ctx_active)
			fail_msg("seed %lu: %d begun, %d ended, %lu/%lu transactions left",
				 (unsigned long)seed, c->started, c->ended,
				 (unsigned long)sip_stack_get_stats(c->w.stack)->stx_active,
				 (unsigned long)sip_stack_get_stats(c->w.stack)->ctx_active);
	} else {
		c->paths[2].ep =
			c->w.ep; /* the owner knows that it goes; what is under way does not */
		sip_ep_close(c->w.ep2);
		wire_ms(&c->w, 10);
	}
	wire_close(&c->w);
	assert_int_equal(c->started, c->ended);
	sip_resolver_free(c->res);
	free(c);
}

static void all_ends(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= ROUNDS; seed++)
		run(seed, true);
}

static void freed_at_any_moment(void **state)
{
	(void)state;
	for (uint64_t seed = ROUNDS + 1; seed <= 2 * ROUNDS; seed++)
		run(seed, false);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_ends),
		cmocka_unit_test(freed_at_any_moment),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
