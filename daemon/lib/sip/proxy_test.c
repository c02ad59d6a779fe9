// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Proxy core on the mock wire: validation, Route preprocessing, forwarding, forks, best response, CANCEL,
 * timer C, held responses, hops.
 */
#include "lib/sip/mock_wire.h"
#include "lib/sip/proxy.h"

struct proxy {
	struct wire w;
	struct sip_resolver *res;
	struct sip_target targets[4];
	struct sip_path paths[4];
	size_t n;
	uint32_t timer_c_ms;
	bool prepare;
	int prepared; /* what sip_proxy_prepare() said */
	char my_route[128];
	struct sip_fwd *f;
	struct sip_stx *stx;
	int responses, bests, ends, end_status, cancelled, last;
	int verdict, best_verdict; /* of response() */
	bool reforward;		   /* from response(): another target instead */
	bool answer_instead;
	struct sip_msg *held;
	int strays, acks;
};

static bool is_me(void *arg, const struct sip_uri *uri)
{
	(void)arg;
	return str_eqz(uri->host, "10.0.0.1");
}

static int on_response(void *arg, struct sip_fwd *f, struct sip_msg *resp, bool best)
{
	struct proxy *p = arg;
	int v = best ? p->best_verdict : p->verdict;

	p->responses++;
	p->bests += best;
	p->last = sip_msg_status(resp);
	if (p->reforward && !best && p->last >= 300) {
		p->reforward = false;
		assert_int_equal(sip_fwd_add_target(f, &p->targets[p->n]), 0);
		return -ECANCELED;
	}
	if (p->answer_instead && best) {
		assert_int_equal(sip_stx_reply(sip_fwd_stx(f), 480, NULL, NULL), 0);
		return -ECANCELED;
	}
	if (v == -EAGAIN) {
		assert_null(p->held);
		p->held = sip_msg_ref(resp);
	}
	sip_msg_add_named(resp, "X-Owner", "%d", p->responses);
	return v;
}

static void on_end(void *arg, struct sip_fwd *f, int status)
{
	struct proxy *p = arg;

	if (p->f) /* NULL: the test lets two run at once */
		assert_ptr_equal(f, p->f);
	p->ends++;
	p->end_status = status;
	p->f = NULL;
}

static void on_cancelled(void *arg, struct sip_fwd *f)
{
	struct proxy *p = arg;

	(void)f;
	p->cancelled++;
}

static const struct sip_fwd_ops fwd_ops = { .response = on_response,
					    .end = on_end,
					    .cancelled = on_cancelled };

static void on_request(void *arg, struct sip_stx *stx, struct sip_msg *m,
		       const struct sip_path *from)
{
	static const char *const supported[] = { "sec-agree", NULL };
	struct proxy *p = arg;
	struct str mine = { 0 };

	(void)from;
	if (stx) {
		sip_stx_unref(p->stx);
		p->stx = sip_stx_ref(stx);
	}
	if (p->prepare) {
		p->prepared = sip_proxy_prepare(p->w.stack, stx, m, supported, is_me, p, &mine);
		str_copy(p->my_route, sizeof(p->my_route), mine);
		if (p->prepared)
			return;
	}
	if (!stx) {
		p->acks++;
		assert_int_equal(sip_proxy_forward_ack(p->w.stack, p->res, m, &p->targets[0]), 0);
		return;
	}
	assert_int_equal(sip_proxy_forward(p->w.stack, p->res, stx, m, p->targets, p->n,
					   p->timer_c_ms, &fwd_ops, p, &p->f),
			 0);
}

static void on_stray(void *arg, struct sip_msg *m, const struct sip_path *from)
{
	struct proxy *p = arg;

	(void)from;
	p->strays++;
	sip_proxy_stray_response(p->w.stack, m);
}

static const struct sip_stack_ops ops = { .request = on_request, .stray_response = on_stray };

static int setup(void **state)
{
	struct proxy *p = calloc(1, sizeof(*p));
	union sip_sa *peers[] = { &p->w.b, &p->w.c, &p->w.b, &p->w.c };

	wire_open(&p->w, &ops, p);
	assert_int_equal(sip_resolver_new(p->w.loop, NULL, &p->res), 0);
	for (int i = 0; i < 4; i++) {
		p->paths[i] =
			(struct sip_path){ .ep = p->w.ep, .proto = SIP_UDP, .peer = *peers[i] };
		p->targets[i].path = &p->paths[i];
	}
	p->n = 1;
	*state = p;
	return 0;
}

static int teardown(void **state)
{
	struct proxy *p = *state;

	wire_close(&p->w);
	sip_resolver_free(p->res);
	sip_stx_unref(p->stx);
	sip_msg_unref(p->held);
	free(p);
	return 0;
}

static void in(struct proxy *p, const char *method, const char *branch, const char *extra)
{
	char *s = wire_request(method, "10.0.0.65", branch, extra);

	wire_in(&p->w, SIP_UDP, &p->w.a, s);
	free(s);
}

static struct sent *forwarded(struct proxy *p, const char *start, const union sip_sa *to)
{
	struct sent *s = wire_next(&p->w, start);

	if (!sip_sa_eq(&s->path.peer, to))
		fail_msg("sent to the wrong peer: %s", s->text);
	return s;
}

/* --- one target --- */

static void invite_through(void **state)
{
	struct proxy *p = *state;
	struct sent *inv, *s;
	char via[256], buf[256];

	p->targets[0].uri = STR("sip:bob@10.0.0.66:5060;transport=udp");
	p->targets[0].record_route = "<sip:10.0.0.1;lr>";
	p->targets[0].route = "<sip:next;lr>";
	in(p, "INVITE", "z9hG4bK1", NULL);
	forwarded(p, "SIP/2.0 100", &p->w.a);
	inv = forwarded(p, "INVITE sip:bob@10.0.0.66:5060;transport=udp SIP/2.0\r\n", &p->w.b);
	assert_string_equal(wire_header(inv, "Max-Forwards", buf, sizeof(buf)), "69");
	assert_string_equal(wire_header(inv, "Record-Route", buf, sizeof(buf)),
			    "<sip:10.0.0.1;lr>");
	assert_string_equal(wire_header(inv, "Route", buf, sizeof(buf)), "<sip:next;lr>");
	assert_non_null(strstr(wire_header(inv, "Via", via, sizeof(via)),
			       "SIP/2.0/UDP 10.0.0.1:5060;branch=z9hG4bKk"));

	wire_answer(&p->w, inv, 100, NULL);
	wire_none(&p->w);
	wire_answer(&p->w, inv, 180, "b1");
	s = forwarded(p, "SIP/2.0 180", &p->w.a);
	assert_string_equal(wire_header(s, "Via", buf, sizeof(buf)),
			    "SIP/2.0/UDP 10.0.0.65:5060;branch=z9hG4bK1");
	assert_string_equal(wire_header(s, "X-Owner", buf, sizeof(buf)), "1");
	wire_answer(&p->w, inv, 200, "b1");
	s = forwarded(p, "SIP/2.0 200", &p->w.a);
	assert_string_equal(wire_header(s, "X-Owner", buf, sizeof(buf)), "2");
	assert_int_equal(p->ends, 1);
	assert_int_equal(p->end_status, 200);
	/* The UAS repeats its 2xx: the same bytes go up, the owner is not asked again. */
	wire_ms(&p->w, 500);
	wire_none(&p->w);
	wire_answer(&p->w, inv, 200, "b1");
	assert_string_equal(forwarded(p, "SIP/2.0 200", &p->w.a)->text, s->text);
	assert_int_equal(p->responses, 2);
	/* A second UAS behind a fork further down. */
	wire_answer(&p->w, inv, 200, "b2");
	s = forwarded(p, "SIP/2.0 200", &p->w.a);
	assert_non_null(strstr(s->text, "tag=b2"));
	in(p, "ACK", "z9hG4bK2", NULL);
	s = forwarded(p, "ACK", &p->w.b);
	assert_string_equal(wire_header(s, "Max-Forwards", buf, sizeof(buf)), "69");
	wire_ms(&p->w, 33000);
	wire_none(&p->w);
	assert_int_equal(sip_stack_get_stats(p->w.stack)->stx_active, 0);
	assert_int_equal(sip_stack_get_stats(p->w.stack)->ctx_active, 0);
}

static void failure_through(void **state)
{
	struct proxy *p = *state;
	struct sent *inv;

	in(p, "INVITE", "z9hG4bK1", NULL);
	wire_next(&p->w, "SIP/2.0 100");
	inv = forwarded(p, "INVITE", &p->w.b);
	wire_answer(&p->w, inv, 486, "b1");
	forwarded(p, "ACK", &p->w.b);
	forwarded(p, "SIP/2.0 486", &p->w.a);
	assert_int_equal(p->responses, 2); /* as it came, and as the best one */
	assert_int_equal(p->bests, 1);
	assert_int_equal(p->end_status, 486);
	in(p, "ACK", "z9hG4bK1", NULL);
	wire_ms(&p->w, 40000);
	wire_none(&p->w);
	assert_int_equal(p->acks, 0);
}

static void other_through(void **state)
{
	struct proxy *p = *state;

	in(p, "MESSAGE", "z9hG4bK1", NULL);
	wire_answer(&p->w, forwarded(p, "MESSAGE", &p->w.b), 202, "b1");
	forwarded(p, "SIP/2.0 202", &p->w.a);
	assert_int_equal(p->end_status, 202);
	wire_ms(&p->w, 33000);
	wire_none(&p->w);
	assert_int_equal(sip_stack_get_stats(p->w.stack)->stx_active, 0);
}

static void no_answer_at_all(void **state)
{
	struct proxy *p = *state;

	in(p, "INVITE", "z9hG4bK1", NULL);
	wire_ms(&p->w, 33000);
	while (p->w.seen < p->w.n && strncmp(p->w.sent[p->w.seen].text, "SIP/2.0 408", 11))
		p->w.seen++;
	forwarded(p, "SIP/2.0 408", &p->w.a);
	assert_int_equal(p->end_status, 408);
}

static void other_never_silent(void **state)
{
	struct proxy *p = *state;

	sip_stack_set_timers(p->w.stack, p->w.ep2, &(struct sip_timers){ 2000, 16000, 17000 });
	p->paths[0].ep = p->w.ep2; /* timer F 128 s on that side */
	in(p, "MESSAGE", "z9hG4bK1", NULL);
	wire_ms(&p->w, 31100);
	while (p->w.seen < p->w.n && strncmp(p->w.sent[p->w.seen].text, "SIP/2.0", 7))
		p->w.seen++;
	forwarded(p, "SIP/2.0 504", &p->w.a);
	wire_ms(&p->w, 200000);
	assert_int_equal(p->ends, 1);
	assert_int_equal(p->end_status, 504);
}

static void unavailable_becomes_500(void **state)
{
	struct proxy *p = *state;

	in(p, "MESSAGE", "z9hG4bK1", NULL);
	wire_answer(&p->w, forwarded(p, "MESSAGE", &p->w.b), 503, "b1");
	forwarded(p, "SIP/2.0 500", &p->w.a);
	assert_int_equal(p->last, 503); /* the owner saw what it was */
	assert_int_equal(p->end_status, 500);
}

/* One that says why is no overload: the caller learns the cause, by Reason and Warning. */
static void refused_with_reason(void **state)
{
	struct proxy *p = *state;
	struct sent *i;
	char buf[100];

	in(p, "INVITE", "z9hG4bK1", NULL);
	wire_next(&p->w, "SIP/2.0 100");
	i = forwarded(p, "INVITE", &p->w.b);
	sip_fwd_cancel(p->f, 503, "SIP;cause=503;text=\"Resource allocation failed\"");
	i = forwarded(p, "SIP/2.0 503", &p->w.a);
	assert_string_equal(wire_header(i, "Reason", buf, sizeof(buf)),
			    "SIP;cause=503;text=\"Resource allocation failed\"");
	assert_non_null(strstr(wire_header(i, "Warning", buf, sizeof(buf)),
			       " \"Resource allocation failed\""));
	assert_null(wire_header(i, "Retry-After", buf, sizeof(buf)));
}

/* And so it stays where the 503 becomes a 500. */
static void reason_survives_500(void **state)
{
	struct proxy *p = *state;
	struct sip_path from;
	struct sent *m;
	char buf[100], resp[4096], *text, *rest;

	in(p, "MESSAGE", "z9hG4bK1", NULL);
	m = forwarded(p, "MESSAGE", &p->w.b);
	from = m->path;
	text = wire_response(m, 503, "b1", NULL);
	rest = strstr(text, "\r\n") + 2;
	snprintf(resp, sizeof(resp),
		 "%.*sReason: SIP;cause=503;text=\"no bearer\"\r\nWarning: 399 x \"no bearer\"\r\n%s",
		 (int)(rest - text), text, rest);
	free(text);
	sip_tp_inject(p->w.tp, &from, resp, strlen(resp));
	m = forwarded(p, "SIP/2.0 500", &p->w.a);
	assert_string_equal(wire_header(m, "Reason", buf, sizeof(buf)),
			    "SIP;cause=503;text=\"no bearer\"");
	assert_string_equal(wire_header(m, "Warning", buf, sizeof(buf)), "399 x \"no bearer\"");
}

static void retransmissions_are_absorbed(void **state)
{
	struct proxy *p = *state;

	in(p, "MESSAGE", "z9hG4bK1", NULL);
	in(p, "MESSAGE", "z9hG4bK1", NULL);
	forwarded(p, "MESSAGE", &p->w.b);
	wire_none(&p->w);
}

/* --- validation --- */

static void prepare_refuses(void **state)
{
	struct proxy *p = *state;
	char buf[64];

	p->prepare = true;
	wire_in(&p->w, SIP_UDP, &p->w.a,
		"OPTIONS sip:b@c SIP/2.0\r\nVia: SIP/2.0/UDP 10.0.0.65;branch=z9hG4bK1\r\nMax-Forwards: 0\r\nFrom: <sip:a@b>;tag=1\r\n"
		"To: <sip:b@c>\r\nCall-ID: x\r\nCSeq: 1 OPTIONS\r\n\r\n");
	wire_next(&p->w, "SIP/2.0 483");
	wire_in(&p->w, SIP_UDP, &p->w.a,
		"OPTIONS sip:b@c SIP/2.0\r\nVia: SIP/2.0/UDP 10.0.0.65;branch=z9hG4bK2\r\nMax-Forwards: 5\r\nFrom: <sip:a@b>;tag=1\r\n"
		"To: <sip:b@c>\r\nCall-ID: x\r\nCSeq: 1 OPTIONS\r\nProxy-Require: sec-agree, foo,bar\r\n\r\n");
	assert_string_equal(
		wire_header(wire_next(&p->w, "SIP/2.0 420"), "Unsupported", buf, sizeof(buf)),
		"foo");
	wire_in(&p->w, SIP_UDP, &p->w.a,
		"OPTIONS nonsense:b@c SIP/2.0\r\nVia: SIP/2.0/UDP 10.0.0.65;branch=z9hG4bK3\r\nMax-Forwards: 5\r\n"
		"From: <sip:a@b>;tag=1\r\nTo: <sip:b@c>\r\nCall-ID: x\r\nCSeq: 1 OPTIONS\r\n\r\n");
	wire_next(&p->w, "SIP/2.0 416");
	wire_none(&p->w);
}

static void loops_and_spirals(void **state)
{
	struct proxy *p = *state;
	struct sent *s;
	char *back;

	p->prepare = true;
	in(p, "INVITE", "z9hG4bK1", NULL);
	wire_next(&p->w, "SIP/2.0 100");
	s = forwarded(p, "INVITE", &p->w.b);
	wire_in(&p->w, SIP_UDP, &p->w.b, s->text); /* it comes back unchanged */
	wire_next(&p->w, "SIP/2.0 482");
	back = strdup(s->text);
	memcpy(strstr(back, "sip:bob@"), "sip:rob@",
	       8); /* it comes back for somebody else: a spiral */
	p->f = NULL;
	memcpy(strstr(back, "branch=z9hG4bKk") + 15, "ffffffff",
	       8); /* (as if another hop had put its Via there) */
	wire_in(&p->w, SIP_UDP, &p->w.b, back);
	free(back);
	assert_int_equal(p->prepared, 0);
	wire_next(&p->w, "SIP/2.0 100");
	forwarded(p, "INVITE sip:rob@", &p->w.b);
	p->f = NULL;
}

static void own_routes_go(void **state)
{
	struct proxy *p = *state;
	char buf[128];
	struct sent *s;

	p->prepare = true;
	in(p, "MESSAGE", "z9hG4bK1",
	   "Route: <sip:orig@10.0.0.1;lr>, <sip:10.0.0.1:5070;lr>,<sip:other;lr>\r\nRoute: <sip:10.0.0.1;lr>\r\n");
	assert_string_equal(p->my_route, "sip:orig@10.0.0.1;lr");
	s = forwarded(p, "MESSAGE", &p->w.b);
	assert_string_equal(wire_header(s, "Route", buf, sizeof(buf)), "<sip:other;lr>");
	assert_non_null(strstr(s->text, "Route: <sip:10.0.0.1;lr>"));
}

static void strict_router_before_and_behind(void **state)
{
	struct proxy *p = *state;
	char buf[128];
	struct sent *s;

	p->prepare = true;
	wire_in(&p->w, SIP_UDP, &p->w.a,
		"MESSAGE sip:10.0.0.1;lr SIP/2.0\r\nVia: SIP/2.0/UDP 10.0.0.65;branch=z9hG4bK1\r\nMax-Forwards: 5\r\n"
		"Route: <sip:strict.example.com>, <sip:bob@10.0.0.66>\r\nFrom: <sip:a@b>;tag=1\r\nTo: <sip:b@c>\r\nCall-ID: x\r\n"
		"CSeq: 1 MESSAGE\r\n\r\n");
	s = forwarded(p, "MESSAGE sip:strict.example.com SIP/2.0", &p->w.b);
	assert_string_equal(wire_header(s, "Route", buf, sizeof(buf)), "<sip:bob@10.0.0.66>");
}

/* --- forks --- */

static void fork_parallel_best(void **state)
{
	struct proxy *p = *state;
	struct sent *i1, *i2;

	p->n = 2;
	in(p, "INVITE", "z9hG4bK1", NULL);
	wire_next(&p->w, "SIP/2.0 100");
	i1 = forwarded(p, "INVITE", &p->w.b);
	i2 = forwarded(p, "INVITE", &p->w.c);
	wire_answer(&p->w, i1, 503, "b1");
	forwarded(p, "ACK", &p->w.b);
	wire_none(&p->w);
	wire_answer(&p->w, i2, 404, "c1");
	forwarded(p, "ACK", &p->w.c);
	forwarded(p, "SIP/2.0 404", &p->w.a);
	assert_int_equal(p->end_status, 404);
}

static void fork_6xx_wins(void **state)
{
	struct proxy *p = *state;
	struct sent *i1, *i2, *c;

	p->n = 2;
	in(p, "INVITE", "z9hG4bK1", NULL);
	wire_next(&p->w, "SIP/2.0 100");
	i1 = forwarded(p, "INVITE", &p->w.b);
	i2 = forwarded(p, "INVITE", &p->w.c);
	wire_answer(&p->w, i2, 180, "c1");
	forwarded(p, "SIP/2.0 180", &p->w.a);
	wire_answer(&p->w, i1, 603, "b1");
	wire_next(&p->w, "ACK");
	c = forwarded(p, "CANCEL", &p->w.c);
	wire_answer(&p->w, c, 200, "c1");
	wire_answer(&p->w, i2, 487, "c1");
	wire_next(&p->w, "ACK");
	forwarded(p, "SIP/2.0 603", &p->w.a);
	assert_int_equal(p->end_status, 603);
}

static void fork_2xx_cancels_and_late_2xx(void **state)
{
	struct proxy *p = *state;
	struct sent *i1, *i2;

	p->n = 2;
	in(p, "INVITE", "z9hG4bK1", NULL);
	wire_next(&p->w, "SIP/2.0 100");
	i1 = forwarded(p, "INVITE", &p->w.b);
	i2 = forwarded(p, "INVITE", &p->w.c);
	wire_answer(&p->w, i2, 180, "c1");
	wire_next(&p->w, "SIP/2.0 180");
	wire_answer(&p->w, i1, 200, "b1");
	forwarded(p, "CANCEL", &p->w.c);
	forwarded(p, "SIP/2.0 200", &p->w.a);
	assert_int_equal(p->ends, 0);	   /* one branch still runs */
	wire_answer(&p->w, i2, 200, "c1"); /* it crossed the CANCEL */
	assert_non_null(strstr(forwarded(p, "SIP/2.0 200", &p->w.a)->text, "tag=c1"));
	assert_int_equal(p->ends, 1);
	assert_int_equal(p->end_status, 200);
	wire_answer(&p->w, i1, 200, "b1");
	forwarded(p, "SIP/2.0 200", &p->w.a);
}

static void fork_challenges_aggregated(void **state)
{
	struct proxy *p = *state;
	struct sent *i1, *i2, *s;
	char *t1, *t2;

	p->n = 2;
	in(p, "MESSAGE", "z9hG4bK1", NULL);
	i1 = forwarded(p, "MESSAGE", &p->w.b);
	i2 = forwarded(p, "MESSAGE", &p->w.c);
	assert_true(asprintf(&t1,
			     "SIP/2.0 401 Unauthorized\r\nWWW-Authenticate: Digest realm=\"b\"%s",
			     strstr(i1->text, "\r\nVia")) > 0);
	wire_in(&p->w, SIP_UDP, &i1->path.peer, t1);
	free(t1);
	assert_true(asprintf(&t2, "SIP/2.0 407 Proxy\r\nProxy-Authenticate: Digest realm=\"c\"%s",
			     strstr(i2->text, "\r\nVia")) > 0);
	wire_in(&p->w, SIP_UDP, &i2->path.peer, t2);
	free(t2);
	s = wire_next(&p->w, "SIP/2.0 401");
	assert_non_null(strstr(s->text, "realm=\"b\""));
	assert_non_null(strstr(s->text, "realm=\"c\""));
}

static void fork_serial_by_q(void **state)
{
	struct proxy *p = *state;
	struct sent *i1, *i2;

	p->n = 2;
	p->targets[0].q = 100;
	p->targets[1].q = 900;
	in(p, "INVITE", "z9hG4bK1", NULL);
	wire_next(&p->w, "SIP/2.0 100");
	i1 = forwarded(p, "INVITE", &p->w.c);
	wire_none(&p->w);
	wire_answer(&p->w, i1, 480, "c1");
	wire_next(&p->w, "ACK");
	i2 = forwarded(p, "INVITE", &p->w.b);
	wire_answer(&p->w, i2, 486, "b1");
	wire_next(&p->w, "ACK");
	forwarded(p, "SIP/2.0 486",
		  &p->w.a); /* of the best class the one whose target came first */
}

/* --- CANCEL, timer C --- */

static void cancel_upstream(void **state)
{
	struct proxy *p = *state;
	struct sent *i, *c;
	char buf[64];

	in(p, "INVITE", "z9hG4bK1", NULL);
	wire_next(&p->w, "SIP/2.0 100");
	i = forwarded(p, "INVITE", &p->w.b);
	in(p, "CANCEL", "z9hG4bK1", "Reason: SIP;cause=200\r\n");
	forwarded(p, "SIP/2.0 200", &p->w.a);
	wire_none(&p->w); /* nothing came yet: CANCEL waits */
	assert_int_equal(p->cancelled, 1);
	wire_answer(&p->w, i, 180, "b1");
	c = forwarded(p, "CANCEL", &p->w.b);
	assert_string_equal(wire_header(c, "Reason", buf, sizeof(buf)), "SIP;cause=200");
	forwarded(p, "SIP/2.0 180", &p->w.a);
	wire_answer(&p->w, c, 200, "b1");
	wire_answer(&p->w, i, 487, "b1");
	forwarded(p, "ACK", &p->w.b);
	forwarded(p, "SIP/2.0 487", &p->w.a);
	assert_int_equal(p->end_status, 487);
	in(p, "CANCEL", "z9hG4bK1", NULL);
	forwarded(p, "SIP/2.0 200", &p->w.a);
	assert_int_equal(p->cancelled, 1);
}

static void cancel_crosses_2xx(void **state)
{
	struct proxy *p = *state;
	struct sent *i;

	in(p, "INVITE", "z9hG4bK1", NULL);
	wire_next(&p->w, "SIP/2.0 100");
	i = forwarded(p, "INVITE", &p->w.b);
	wire_answer(&p->w, i, 180, "b1");
	wire_next(&p->w, "SIP/2.0 180");
	in(p, "CANCEL", "z9hG4bK1", NULL);
	wire_next(&p->w, "SIP/2.0 200");
	wire_next(&p->w, "CANCEL");
	wire_answer(&p->w, i, 200, "b1");
	assert_non_null(strstr(forwarded(p, "SIP/2.0 200", &p->w.a)->text, "1 INVITE"));
	assert_int_equal(p->end_status, 200);
}

static void timer_c(void **state)
{
	struct proxy *p = *state;
	struct sent *i, *c;

	p->timer_c_ms = 10000;
	in(p, "INVITE", "z9hG4bK1", NULL);
	wire_next(&p->w, "SIP/2.0 100");
	i = forwarded(p, "INVITE", &p->w.b);
	wire_answer(&p->w, i, 180, "b1");
	wire_next(&p->w, "SIP/2.0 180");
	wire_ms(&p->w, 8000);
	wire_answer(&p->w, i, 180, "b1"); /* starts it anew */
	wire_next(&p->w, "SIP/2.0 180");
	wire_ms(&p->w, 9900);
	wire_none(&p->w);
	wire_ms(&p->w, 200);
	c = forwarded(p, "CANCEL", &p->w.b);
	wire_answer(&p->w, c, 200, "b1");
	wire_answer(&p->w, i, 487, "b1");
	wire_next(&p->w, "ACK");
	forwarded(p, "SIP/2.0 408", &p->w.a);
	assert_int_equal(p->end_status, 408);
}

static void owner_cancels(void **state)
{
	struct proxy *p = *state;
	struct sent *i, *c;

	in(p, "INVITE", "z9hG4bK1", NULL);
	wire_next(&p->w, "SIP/2.0 100");
	i = forwarded(p, "INVITE", &p->w.b);
	wire_answer(&p->w, i, 180, "b1");
	wire_next(&p->w, "SIP/2.0 180");
	sip_fwd_cancel(p->f, 480, "SIP;cause=480");
	forwarded(p, "SIP/2.0 480", &p->w.a);
	c = forwarded(p, "CANCEL", &p->w.b);
	wire_answer(&p->w, c, 200, "b1");
	assert_int_equal(p->ends, 0);
	wire_answer(&p->w, i, 487, "b1");
	wire_next(&p->w, "ACK");
	wire_none(&p->w);
	assert_int_equal(p->ends, 1);
	assert_int_equal(p->end_status, 480);
}

static void owner_cancels_other(void **state)
{
	struct proxy *p = *state;

	in(p, "MESSAGE", "z9hG4bK1", NULL);
	forwarded(p, "MESSAGE", &p->w.b);
	sip_fwd_cancel(p->f, 403, NULL);
	forwarded(p, "SIP/2.0 403", &p->w.a);
	wire_ms(&p->w, 1);
	assert_int_equal(p->ends, 1);
	assert_int_equal(p->end_status, 403);
}

/* --- the owner's hook --- */

static void held_and_resumed(void **state)
{
	struct proxy *p = *state;
	struct sent *i;
	struct sip_msg *h;

	p->verdict = p->best_verdict = -EAGAIN;
	in(p, "INVITE", "z9hG4bK1", NULL);
	wire_next(&p->w, "SIP/2.0 100");
	i = forwarded(p, "INVITE", &p->w.b);
	wire_answer(&p->w, i, 183, "b1");
	wire_none(&p->w);
	h = p->held;
	p->held = NULL;
	sip_fwd_resume(p->f, h);
	wire_next(&p->w, "SIP/2.0 183");
	wire_answer(&p->w, i, 200, "b1");
	wire_answer(&p->w, i, 200, "b1"); /* again while held */
	wire_none(&p->w);
	assert_int_equal(p->ends, 0);
	h = p->held;
	p->held = NULL;
	sip_fwd_resume(p->f, h);
	wire_next(&p->w, "SIP/2.0 200");
	assert_int_equal(p->ends, 1);
	assert_int_equal(p->end_status, 200);
}

static void held_failure_resumed_twice(void **state)
{
	struct proxy *p = *state;
	struct sent *i;
	struct sip_msg *h;

	p->verdict = p->best_verdict = -EAGAIN;
	in(p, "MESSAGE", "z9hG4bK1", NULL);
	i = forwarded(p, "MESSAGE", &p->w.b);
	wire_answer(&p->w, i, 404, "b1");
	wire_none(&p->w);
	h = p->held;
	p->held = NULL;
	sip_fwd_resume(p->f, h); /* now it is the best one, and held again */
	assert_non_null(p->held);
	wire_none(&p->w);
	h = p->held;
	p->held = NULL;
	sip_fwd_resume(p->f, h);
	wire_next(&p->w, "SIP/2.0 404");
	assert_int_equal(p->end_status, 404);
}

static void dropped_then_forwarded_elsewhere(void **state)
{
	struct proxy *p = *state;
	struct sip_msg *h;

	p->best_verdict = -EAGAIN;
	in(p, "REGISTER", "z9hG4bK1", NULL);
	wire_answer(&p->w, forwarded(p, "REGISTER", &p->w.b), 480, "b1");
	wire_none(&p->w);
	h = p->held;
	p->held = NULL;
	sip_fwd_drop(p->f, h);
	assert_int_equal(p->ends, 1);
	assert_int_equal(p->end_status, 0);
	p->best_verdict = 0;
	assert_int_equal(sip_proxy_forward(p->w.stack, p->res, p->stx, sip_stx_request(p->stx),
					   &p->targets[1], 1, 0, &fwd_ops, p, &p->f),
			 0);
	wire_answer(&p->w, forwarded(p, "REGISTER", &p->w.c), 200, "c1");
	wire_next(&p->w, "SIP/2.0 200");
	assert_int_equal(p->ends, 2);
}

static void owner_answers_himself(void **state)
{
	struct proxy *p = *state;

	p->answer_instead = true;
	in(p, "REGISTER", "z9hG4bK1", NULL);
	wire_answer(&p->w, forwarded(p, "REGISTER", &p->w.b), 200, "b1");
	wire_next(&p->w, "SIP/2.0 480");
	wire_none(&p->w);
	assert_int_equal(p->end_status, 480);
}

static void another_target_instead(void **state)
{
	struct proxy *p = *state;
	struct sent *i;

	p->reforward = true;
	in(p, "INVITE", "z9hG4bK1", NULL);
	wire_next(&p->w, "SIP/2.0 100");
	wire_answer(&p->w, forwarded(p, "INVITE", &p->w.b), 302, "b1");
	wire_next(&p->w, "ACK");
	i = forwarded(p, "INVITE", &p->w.c);
	wire_answer(&p->w, i, 200, "c1");
	wire_next(&p->w, "SIP/2.0 200");
	assert_int_equal(p->end_status, 200);
}

/* --- hops --- */

static void two_hosts(struct proxy *p)
{
	sip_resolver_host(p->res, "scscf.example.com", &p->w.b);
	sip_resolver_host(p->res, "scscf.example.com", &p->w.c);
	p->targets[0].path = NULL;
	p->targets[0].next_hop = STR("sip:scscf.example.com");
}

static void hop_after_503(void **state)
{
	struct proxy *p = *state;

	two_hosts(p);
	in(p, "MESSAGE", "z9hG4bK1", NULL);
	wire_answer(&p->w, forwarded(p, "MESSAGE", &p->w.b), 503, "b1");
	wire_answer(&p->w, forwarded(p, "MESSAGE", &p->w.c), 200, "c1");
	forwarded(p, "SIP/2.0 200", &p->w.a);
	assert_int_equal(p->responses, 1);
}

static void hop_after_timeout(void **state)
{
	struct proxy *p = *state;

	two_hosts(p);
	in(p, "INVITE", "z9hG4bK1", NULL);
	wire_next(&p->w, "SIP/2.0 100");
	for (int i = 0; i < 7; i++) {
		forwarded(p, "INVITE", &p->w.b);
		wire_ms(&p->w, i == 6 ? 600 : 500 << i);
	}
	wire_answer(&p->w, forwarded(p, "INVITE", &p->w.c), 486, "c1");
	wire_next(&p->w, "ACK");
	wire_next(&p->w, "SIP/2.0 486");
}

static void hop_after_broken_connection(void **state)
{
	struct proxy *p = *state;
	struct sent *s;

	two_hosts(p);
	p->targets[0].next_hop = STR("sip:scscf.example.com;transport=tcp");
	in(p, "MESSAGE", "z9hG4bK1", NULL);
	s = forwarded(p, "MESSAGE", &p->w.b);
	assert_int_equal(s->path.proto, SIP_TCP);
	sip_tp_mock_fail(p->w.tp, &s->path, -ECONNREFUSED);
	s = forwarded(p, "MESSAGE", &p->w.c);
	sip_tp_mock_fail(p->w.tp, &s->path, -ECONNREFUSED);
	forwarded(p, "SIP/2.0 500", &p->w.a);
	assert_int_equal(p->last, 503);
}

static void hop_by_route_or_ruri(void **state)
{
	struct proxy *p = *state;

	p->targets[0].path = NULL;
	in(p, "MESSAGE", "z9hG4bK1", "Route: <sip:10.0.0.67;lr>\r\n");
	forwarded(p, "MESSAGE", &p->w.c);
	p->f = NULL;
	in(p, "MESSAGE", "z9hG4bK2", NULL);
	forwarded(p, "MESSAGE sip:bob@10.0.0.66", &p->w.b);
	p->f = NULL;
}

static void ack_by_name_and_to_nowhere(void **state)
{
	struct proxy *p = *state;

	two_hosts(p);
	in(p, "ACK", "z9hG4bK1", NULL);
	forwarded(p, "ACK", &p->w.b);
	p->targets[0].next_hop = STR("sip:nowhere.example.com");
	in(p, "ACK", "z9hG4bK2", NULL);
	p->targets[0].next_hop = STR("sip:10.0.0.67");
	in(p, "ACK", "z9hG4bK3", NULL);
	forwarded(p, "ACK", &p->w.c);
	wire_none(&p->w);
}

static void hop_unknown(void **state)
{
	struct proxy *p = *state;

	p->targets[0].path = NULL;
	p->targets[0].next_hop = STR("sip:nowhere.example.com");
	in(p, "INVITE", "z9hG4bK1", NULL);
	assert_int_equal(p->ends, 0); /* not inside sip_proxy_forward() */
	wire_ms(&p->w, 1);
	wire_next(&p->w, "SIP/2.0 100");
	wire_next(&p->w, "SIP/2.0 500");
	assert_int_equal(p->end_status, 500);
}

static void stray_responses(void **state)
{
	struct proxy *p = *state;
	struct sent *i, *s;

	in(p, "INVITE", "z9hG4bK1", NULL);
	wire_next(&p->w, "SIP/2.0 100");
	p->prepare = true;
	i = forwarded(p, "INVITE", &p->w.b);
	wire_answer(&p->w, i, 486, "b1");
	wire_next(&p->w, "ACK");
	wire_next(&p->w, "SIP/2.0 486");
	in(p, "ACK", "z9hG4bK1", NULL);
	wire_answer(&p->w, i, 200, "b9"); /* of another fork, after the failure */
	assert_int_equal(p->strays, 1);
	wire_none(&p->w); /* the branch has no loop part: not one of a prepared request */
	wire_ms(&p->w, 40000);
	in(p, "INVITE", "z9hG4bK3", NULL);
	wire_next(&p->w, "SIP/2.0 100");
	i = forwarded(p, "INVITE", &p->w.b);
	wire_answer(&p->w, i, 486, "b1");
	wire_next(&p->w, "ACK");
	wire_next(&p->w, "SIP/2.0 486");
	in(p, "ACK", "z9hG4bK3", NULL);
	wire_answer(&p->w, i, 200, "b9");
	s = forwarded(p, "SIP/2.0 200", &p->w.a);
	assert_null(strstr(s->text, "10.0.0.1:5060"));
}

static void freed_in_the_middle(void **state)
{
	struct proxy *p = *state;

	in(p, "INVITE", "z9hG4bK1", NULL);
	in(p, "CANCEL", "z9hG4bK1", NULL);
	assert_int_equal(p->ends, 0); /* teardown ends it */
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(invite_through),
		T(failure_through),
		T(other_through),
		T(no_answer_at_all),
		T(other_never_silent),
		T(unavailable_becomes_500),
		T(retransmissions_are_absorbed),
		T(prepare_refuses),
		T(loops_and_spirals),
		T(own_routes_go),
		T(strict_router_before_and_behind),
		T(fork_parallel_best),
		T(fork_6xx_wins),
		T(fork_2xx_cancels_and_late_2xx),
		T(fork_challenges_aggregated),
		T(fork_serial_by_q),
		T(cancel_upstream),
		T(cancel_crosses_2xx),
		T(timer_c),
		T(owner_cancels),
		T(owner_cancels_other),
		T(held_and_resumed),
		T(held_failure_resumed_twice),
		T(dropped_then_forwarded_elsewhere),
		T(owner_answers_himself),
		T(another_target_instead),
		T(refused_with_reason),
		T(reason_survives_500),
		T(hop_after_503),
		T(hop_after_timeout),
		T(hop_after_broken_connection),
		T(hop_by_route_or_ruri),
		T(ack_by_name_and_to_nowhere),
		T(hop_unknown),
		T(stray_responses),
		T(freed_in_the_middle),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
