// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Transactions on the mock wire: every timer of RFC 3261 17 and RFC 6026 with a virtual clock, matching,
 * CANCEL, answers without a transaction, ways of responses, forged branches.
 */
#include "lib/sip/mock_wire.h"
#include "lib/sip/tp_priv.h"

struct owner {
	struct wire w;
	int requests, acks, strays, cancels, ends, acked;
	int responses, last_status, err, client_ends;
	int admit;
	bool reply_by_ep2;
	struct sip_stx *stx;
	struct sip_ctx *ctx;
	int answer; /* to every request at once; 0: none */
};

static void on_cancel(void *arg, struct sip_stx *t, struct sip_msg *cancel)
{
	struct owner *o = arg;

	assert_int_equal(sip_msg_method(cancel), SIP_M_CANCEL);
	assert_ptr_equal(t, o->stx);
	o->cancels++;
}

static void on_end(void *arg, struct sip_stx *t, bool acked)
{
	struct owner *o = arg;

	assert_ptr_equal(t, o->stx);
	o->ends++;
	o->acked = acked;
}

static void on_request(void *arg, struct sip_stx *stx, struct sip_msg *m,
		       const struct sip_path *from)
{
	struct owner *o = arg;

	assert_non_null(from->ep);
	if (!stx) {
		assert_int_equal(sip_msg_method(m), SIP_M_ACK);
		o->acks++;
		return;
	}
	o->requests++;
	sip_stx_unref(o->stx);
	o->stx = sip_stx_ref(stx);
	sip_stx_on_cancel(stx, on_cancel, o);
	sip_stx_on_end(stx, on_end, o);
	if (o->answer)
		assert_int_equal(sip_stx_reply(stx, o->answer, NULL, NULL), 0);
}

static void on_stray(void *arg, struct sip_msg *m, const struct sip_path *from)
{
	struct owner *o = arg;

	(void)m;
	(void)from;
	o->strays++;
}

static int on_admit(void *arg, struct sip_msg *m, const struct sip_path *from,
		    const char **ret_reason)
{
	struct owner *o = arg;

	(void)m;
	(void)from;
	*ret_reason = o->admit == 503 ? "Overloaded" : NULL;
	return o->admit;
}

static bool on_reply_path(void *arg, struct sip_msg *m, const struct sip_path *from,
			  struct sip_path *ret)
{
	struct owner *o = arg;

	(void)m;
	if (!o->reply_by_ep2)
		return false;
	*ret = *from;
	ret->ep = o->w.ep2;
	sip_sa_set_port(&ret->peer, 6101);
	return true;
}

static const struct sip_stack_ops ops = {
	.request = on_request,
	.stray_response = on_stray,
	.admit = on_admit,
	.reply_path = on_reply_path,
};

static int setup(void **state)
{
	struct owner *o = calloc(1, sizeof(*o));

	wire_open(&o->w, &ops, o);
	*state = o;
	return 0;
}

static int teardown(void **state)
{
	struct owner *o = *state;

	wire_close(&o->w);
	sip_stx_unref(o->stx);
	free(o);
	return 0;
}

static void in(struct owner *o, const char *method, const char *branch, const char *extra)
{
	char *s = wire_request(method, "10.0.0.65", branch, extra);

	wire_in(&o->w, SIP_UDP, &o->w.a, s);
	free(s);
}

static void in_tcp(struct owner *o, const char *method, const char *branch)
{
	char *s = wire_request(method, "10.0.0.65", branch, NULL);

	wire_in(&o->w, SIP_TCP, &o->w.a, s);
	free(s);
}

/* --- server --- */

static void invite_100_after_200ms(void **state)
{
	struct owner *o = *state;

	in(o, "INVITE", "z9hG4bK1", NULL);
	in(o, "INVITE", "z9hG4bK1", NULL); /* absorbed, nothing to repeat yet */
	wire_none(&o->w);
	assert_int_equal(o->requests, 1);
	wire_ms(&o->w, 1000);
	wire_times(&o->w, "SIP/2.0 100", (int[]){ 200 }, 1);
	in(o, "INVITE", "z9hG4bK1", NULL);
	wire_next(&o->w, "SIP/2.0 100");
	assert_int_equal(o->requests, 1);
}

static void invite_timer_g_h(void **state)
{
	struct owner *o = *state;

	o->answer = 486;
	in(o, "INVITE", "z9hG4bK1", NULL);
	wire_ms(&o->w, 40000);
	wire_times(&o->w, "SIP/2.0 486",
		   (int[]){ 0, 500, 1500, 3500, 7500, 11500, 15500, 19500, 23500, 27500, 31500 },
		   11);
	assert_int_equal(o->ends, 1);
	assert_false(o->acked);
	assert_int_equal(sip_stack_get_stats(o->w.stack)->stx_active, 0);
}

static void invite_ack_timer_i(void **state)
{
	struct owner *o = *state;

	o->answer = 486;
	in(o, "INVITE", "z9hG4bK1", NULL);
	wire_next(&o->w, "SIP/2.0 486");
	in(o, "ACK", "z9hG4bK1", NULL);
	wire_ms(&o->w, 4900);
	in(o, "ACK", "z9hG4bK1", NULL); /* absorbed in CONFIRMED */
	in(o, "INVITE", "z9hG4bK1", NULL);
	wire_none(&o->w);
	assert_int_equal(o->ends, 0);
	wire_ms(&o->w, 200);
	assert_int_equal(o->ends, 1);
	assert_true(o->acked);
	assert_int_equal(o->acks, 0);
}

static void invite_tcp_no_g_no_i(void **state)
{
	struct owner *o = *state;

	o->answer = 486;
	in_tcp(o, "INVITE", "z9hG4bK1");
	wire_ms(&o->w, 10000);
	wire_times(&o->w, "SIP/2.0 486", (int[]){ 0 }, 1);
	in_tcp(o, "ACK", "z9hG4bK1");
	assert_int_equal(o->ends, 1);
	assert_true(o->acked);
}

static void invite_2xx_repeated_until_ack(void **state)
{
	struct owner *o = *state;
	char tag[128], *ack = NULL;
	struct sent *s;

	o->answer = 200;
	in(o, "INVITE", "z9hG4bK1", NULL);
	s = wire_next(&o->w, "SIP/2.0 200");
	assert_non_null(wire_header(s, "To", tag, sizeof(tag)));
	in(o, "INVITE", "z9hG4bK1", NULL); /* RFC 6026: absorbed in ACCEPTED */
	wire_none(&o->w);
	wire_ms(&o->w, 8000);
	wire_times(&o->w, "SIP/2.0 200", (int[]){ 500, 1500, 3500, 7500 }, 4);
	assert_true(
		asprintf(
			&ack,
			"ACK sip:b@10.0.0.1 SIP/2.0\r\nVia: SIP/2.0/UDP 10.0.0.65:5060;branch=z9hG4bKnew\r\n"
			"From: <sip:alice@example.com>;tag=a1\r\nTo: %s\r\nCall-ID: call-1\r\nCSeq: 1 ACK\r\n\r\n",
			tag) > 0);
	wire_in(&o->w, SIP_UDP, &o->w.a, ack);
	free(ack);
	assert_int_equal(o->acks, 1);
	wire_ms(&o->w, 30000);
	wire_none(&o->w);
	assert_int_equal(o->ends, 1);
	assert_true(o->acked);
}

static void invite_2xx_without_ack(void **state)
{
	struct owner *o = *state;

	o->answer = 200;
	in(o, "INVITE", "z9hG4bK1", NULL);
	wire_ms(&o->w, 33000);
	wire_times(&o->w, "SIP/2.0 200",
		   (int[]){ 0, 500, 1500, 3500, 7500, 11500, 15500, 19500, 23500, 27500, 31500 },
		   11);
	assert_int_equal(o->ends, 1);
	assert_false(o->acked);
}

static void reliable_1xx(void **state)
{
	struct owner *o = *state;
	struct sip_msg *m;

	in(o, "INVITE", "z9hG4bK1", NULL);
	m = sip_msg_new_response(sip_stx_request(o->stx), 183, NULL, "b1");
	assert_int_equal(sip_msg_add(m, SIP_H_RSEQ, "1"), 0);
	assert_int_equal(sip_stx_respond_rel(o->stx, m), 0);
	wire_ms(&o->w, 4000);
	wire_times(&o->w, "SIP/2.0 183", (int[]){ 0, 500, 1500, 3500 }, 4);
	sip_stx_pracked(o->stx);
	wire_ms(&o->w, 60000);
	wire_none(&o->w);
	assert_int_equal(sip_stx_respond_rel(o->stx, m), 0);
	wire_ms(&o->w, 32000);
	wire_next(&o->w, "SIP/2.0 183");
	while (o->w.seen < o->w.n && !strncmp(o->w.sent[o->w.seen].text, "SIP/2.0 183", 11))
		o->w.seen++;
	wire_next(&o->w, "SIP/2.0 504");
	sip_msg_unref(m);
}

static void other_timer_j(void **state)
{
	struct owner *o = *state;

	o->answer = 200;
	in(o, "MESSAGE", "z9hG4bK1", NULL);
	wire_next(&o->w, "SIP/2.0 200");
	wire_ms(&o->w, 31000);
	wire_none(&o->w);
	in(o, "MESSAGE", "z9hG4bK1", NULL);
	wire_next(&o->w, "SIP/2.0 200");
	wire_ms(&o->w, 1100);
	assert_int_equal(o->ends, 1);
	in(o, "MESSAGE", "z9hG4bK1", NULL); /* a new one by now */
	assert_int_equal(o->requests, 2);
}

static void other_tcp_no_j(void **state)
{
	struct owner *o = *state;

	o->answer = 200;
	in_tcp(o, "MESSAGE", "z9hG4bK1");
	wire_next(&o->w, "SIP/2.0 200");
	assert_int_equal(o->ends, 1);
	assert_int_equal(sip_stack_get_stats(o->w.stack)->stx_active, 0);
}

static void other_never_silent(void **state)
{
	struct owner *o = *state;

	in(o, "REGISTER", "z9hG4bK1", NULL);
	in(o, "REGISTER", "z9hG4bK1", NULL);
	assert_int_equal(o->requests, 1);
	wire_ms(&o->w, 40000);
	wire_times(&o->w, "SIP/2.0 504", (int[]){ 31000 }, 1);
	assert_true(sip_stx_done(o->stx));
	assert_int_equal(sip_stx_reply(o->stx, 200, NULL, NULL), -EALREADY);
}

static void gm_timers(void **state)
{
	struct owner *o = *state;

	sip_stack_set_timers(o->w.stack, o->w.ep, &(struct sip_timers){ 2000, 16000, 17000 });
	o->answer = 486;
	in(o, "INVITE", "z9hG4bK1", NULL);
	wire_ms(&o->w, 140000);
	wire_times(
		&o->w, "SIP/2.0 486",
		(int[]){ 0, 2000, 6000, 14000, 30000, 46000, 62000, 78000, 94000, 110000, 126000 },
		11);
	assert_int_equal(o->ends, 1);
}

static void second_final_refused(void **state)
{
	struct owner *o = *state;

	in(o, "MESSAGE", "z9hG4bK1", NULL);
	assert_int_equal(sip_stx_reply(o->stx, 200, NULL, NULL), 0);
	assert_int_equal(sip_stx_reply(o->stx, 500, NULL, NULL), -EALREADY);
}

static void same_tag_in_all_replies(void **state)
{
	struct owner *o = *state;
	char a[128], b[128];

	in(o, "INVITE", "z9hG4bK1", NULL);
	sip_stx_reply(o->stx, 180, NULL, NULL);
	sip_stx_reply(o->stx, 486, NULL, "busy");
	wire_header(wire_next(&o->w, "SIP/2.0 180"), "To", a, sizeof(a));
	wire_header(wire_next(&o->w, "SIP/2.0 486"), "To", b, sizeof(b));
	assert_string_equal(a, b);
}

/* --- matching and stateless answers --- */

static void merged_and_spiral_requests_are_new(void **state)
{
	struct owner *o = *state;

	in(o, "INVITE", "z9hG4bK1", NULL);
	in(o, "INVITE", "z9hG4bK2", NULL);
	assert_int_equal(o->requests, 2);
}

static void no_magic_cookie(void **state)
{
	struct owner *o = *state;

	in(o, "INVITE", "1", NULL);
	in(o, "INVITE", "1", NULL);
	assert_int_equal(o->requests, 1);
	in(o, "MESSAGE", "1", NULL);
	assert_int_equal(o->requests, 2);
}

static void cancel_matches(void **state)
{
	struct owner *o = *state;
	char a[128], b[128];

	in(o, "INVITE", "z9hG4bK1", NULL);
	sip_stx_reply(o->stx, 180, NULL, NULL);
	in(o, "CANCEL", "z9hG4bK1", NULL);
	wire_header(wire_next(&o->w, "SIP/2.0 180"), "To", a, sizeof(a));
	wire_header(wire_next(&o->w, "SIP/2.0 200"), "To", b, sizeof(b));
	assert_string_equal(a, b);
	assert_int_equal(o->cancels, 1);
	sip_stx_reply(o->stx, 487, NULL, NULL);
	wire_next(&o->w, "SIP/2.0 487");
	in(o, "CANCEL", "z9hG4bK1", NULL); /* too late: 200, no effect */
	wire_next(&o->w, "SIP/2.0 200");
	assert_int_equal(o->cancels, 1);
	assert_int_equal(o->requests, 1);
}

static void cancel_of_somebody_else(void **state)
{
	struct owner *o = *state;
	char *s = wire_request("CANCEL", "10.0.0.65", "z9hG4bK1", NULL);

	in(o, "INVITE", "z9hG4bK1", NULL);
	wire_in(&o->w, SIP_UDP, &o->w.c, s);
	free(s);
	wire_next(&o->w, "SIP/2.0 481");
	o->admit = 403;
	in(o, "CANCEL", "z9hG4bK1", NULL);
	wire_next(&o->w, "SIP/2.0 403");
	assert_int_equal(o->cancels, 0);
}

static void cancel_without_transaction(void **state)
{
	struct owner *o = *state;

	in(o, "CANCEL", "z9hG4bK7", NULL);
	wire_next(&o->w, "SIP/2.0 481");
	assert_int_equal(o->requests, 0);
}

static void refused_without_state(void **state)
{
	struct owner *o = *state;
	char to[128], retry[32], *ack = NULL;
	struct sent *s;

	o->admit = 503;
	in(o, "INVITE", "z9hG4bK1", NULL);
	s = wire_next(&o->w, "SIP/2.0 503 Overloaded");
	assert_non_null(wire_header(s, "Retry-After", retry, sizeof(retry)));
	wire_header(s, "To", to, sizeof(to));
	assert_int_equal(sip_stack_get_stats(o->w.stack)->stx_active, 0);
	assert_true(
		asprintf(
			&ack,
			"ACK sip:bob@10.0.0.66 SIP/2.0\r\nVia: SIP/2.0/UDP 10.0.0.65:5060;branch=z9hG4bK1\r\n"
			"From: <sip:alice@example.com>;tag=a1\r\nTo: %s\r\nCall-ID: call-1\r\nCSeq: 1 ACK\r\n\r\n",
			to) > 0);
	o->admit = 0;
	wire_in(&o->w, SIP_UDP, &o->w.a, ack); /* ours to absorb */
	free(ack);
	assert_int_equal(o->acks, 0);
	o->admit = -1;
	in(o, "INVITE", "z9hG4bK2", NULL);
	wire_none(&o->w);
	assert_int_equal(o->requests, 0);
}

static void malformed_is_answered(void **state)
{
	struct owner *o = *state;

	wire_in(&o->w, SIP_UDP, &o->w.a,
		"INVITE sip:bob@10.0.0.66 SIP/2.0\r\nVia: SIP/2.0/UDP 10.0.0.65:5060;branch=z9hG4bK1\r\n"
		"From: <sip:a@b>;tag=1\r\nTo: <sip:c@d>\r\nCall-ID: x\r\nCSeq: nonsense INVITE\r\n\r\n");
	wire_next(&o->w, "SIP/2.0 400");
	wire_in(&o->w, SIP_UDP, &o->w.a, "hello\r\n\r\n");
	wire_in(&o->w, SIP_UDP, &o->w.a, "SIP/2.0 200 OK\r\n\r\n");
	wire_none(&o->w);
	assert_int_equal(o->requests, 0);
}

static void unknown_method_is_the_owners(void **state)
{
	struct owner *o = *state;

	in(o, "FROBNICATE", "z9hG4bK1", NULL);
	in(o, "FROBNICATE", "z9hG4bK1", NULL);
	in(o, "OTHER", "z9hG4bK1", NULL);
	assert_int_equal(o->requests, 2);
	assert_int_equal(sip_stx_reply(o->stx, 501, NULL, NULL), 0);
	wire_next(&o->w, "SIP/2.0 501");
}

/* --- ways of responses --- */

static void via_received_and_rport(void **state)
{
	struct owner *o = *state;
	union sip_sa nat;
	char via[256], *s;
	struct sent *r;

	o->answer = 200;
	sip_sa_parse("192.0.2.9", 40000, &nat);
	s = wire_request("MESSAGE", "10.9.9.9", "z9hG4bK1;rport;received=1.2.3.4", NULL);
	wire_in(&o->w, SIP_UDP, &nat, s);
	free(s);
	r = wire_next(&o->w, "SIP/2.0 200");
	assert_int_equal(sip_sa_port(&r->path.peer), 40000);
	wire_header(r, "Via", via, sizeof(via));
	assert_string_equal(
		via, "SIP/2.0/UDP 10.9.9.9:5060;branch=z9hG4bK1;received=192.0.2.9;rport=40000");

	s = wire_request("MESSAGE", "10.9.9.9", "z9hG4bK2",
			 NULL); /* no rport: to the port of sent-by */
	wire_in(&o->w, SIP_UDP, &nat, s);
	free(s);
	r = wire_next(&o->w, "SIP/2.0 200");
	assert_int_equal(sip_sa_port(&r->path.peer), 5060);
	assert_true(sip_sa_host_eq(&r->path.peer, &nat));
	assert_non_null(strstr(r->text, ";received=192.0.2.9\r\n"));
}

static void via_transport_need_not_match(void **state)
{
	struct owner *o = *state;

	o->answer = 200;
	in_tcp(o, "MESSAGE", "z9hG4bK1"); /* Via says UDP */
	assert_int_equal(wire_next(&o->w, "SIP/2.0 200")->path.proto, SIP_TCP);
}

static void reply_path_of_everything(void **state)
{
	struct owner *o = *state;
	static const char *const kinds[] = { "SIP/2.0 100", "SIP/2.0 200", "SIP/2.0 486",
					     "SIP/2.0 486", "SIP/2.0 481", "SIP/2.0 503" };

	o->reply_by_ep2 = true;
	in(o, "INVITE", "z9hG4bK1", NULL);
	wire_ms(&o->w, 200);
	in(o, "CANCEL", "z9hG4bK1", NULL);
	sip_stx_reply(o->stx, 486, NULL, NULL);
	wire_ms(&o->w, 500);
	in(o, "CANCEL", "z9hG4bK99", NULL);
	o->admit = 503;
	in(o, "INVITE", "z9hG4bK2", NULL);
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		struct sent *s = wire_next(&o->w, kinds[i]);

		assert_ptr_equal(s->path.ep, o->w.ep2);
		assert_int_equal(sip_sa_port(&s->path.peer), 6101);
	}
}

static void response_after_dead_connection(void **state)
{
	struct owner *o = *state;
	struct sip_path from;
	struct sent *s;
	uint64_t conn;

	in_tcp(o, "INVITE", "z9hG4bK1");
	from = *sip_stx_from(o->stx);
	conn = from.conn;
	assert_int_not_equal(conn, 0);
	sip_stx_reply(o->stx, 180, NULL, NULL);
	assert_int_equal(wire_next(&o->w, "SIP/2.0 180")->path.conn, conn);
	sip_tp_mock_fail(o->w.tp, &from, -ECONNRESET);
	sip_stx_reply(o->stx, 486, NULL, NULL);
	s = wire_next(&o->w, "SIP/2.0 486");
	assert_int_equal(s->path.proto, SIP_TCP);
	assert_true(s->path.conn != conn);
	assert_true(sip_sa_eq(&s->path.peer, &o->w.a));
}

/* --- client --- */

static void on_response(void *arg, struct sip_ctx *t, struct sip_msg *resp, int err)
{
	struct owner *o = arg;

	assert_ptr_equal(t, o->ctx);
	if (resp) {
		o->responses++;
		o->last_status = sip_msg_status(resp);
	} else {
		o->client_ends++;
		o->err = err;
	}
}

static int start(struct owner *o, const char *method, enum sip_proto proto)
{
	struct sip_msg *m = sip_msg_new_request(method, "sip:bob@10.0.0.66");
	struct sip_path path = { .ep = o->w.ep, .proto = proto, .peer = o->w.b };
	int r;

	sip_msg_add(m, SIP_H_ROUTE, "<sip:r1;lr>, <sip:r2;lr>");
	sip_msg_add(m, SIP_H_FROM, "<sip:alice@example.com>;tag=a1");
	sip_msg_add(m, SIP_H_TO, "<sip:bob@example.com>");
	sip_msg_add(m, SIP_H_CALL_ID, "call-9");
	sip_msg_add(m, SIP_H_CSEQ, "7 %s", method);
	r = sip_ctx_start(o->w.stack, m, &path, NULL, on_response, o, &o->ctx);
	sip_msg_unref(m);
	return r;
}

static void client_timer_a_b(void **state)
{
	struct owner *o = *state;

	assert_int_equal(start(o, "INVITE", SIP_UDP), 0);
	wire_ms(&o->w, 40000);
	wire_times(&o->w, "INVITE", (int[]){ 0, 500, 1500, 3500, 7500, 15500, 31500 }, 7);
	assert_int_equal(o->client_ends, 1);
	assert_int_equal(o->err, -ETIMEDOUT);
	assert_int_equal(sip_stack_get_stats(o->w.stack)->ctx_active, 0);
}

static void client_tcp_no_a(void **state)
{
	struct owner *o = *state;

	assert_int_equal(start(o, "INVITE", SIP_TCP), 0);
	wire_ms(&o->w, 40000);
	wire_times(&o->w, "INVITE", (int[]){ 0 }, 1);
	assert_int_equal(o->err, -ETIMEDOUT);
}

static void client_timer_e_f(void **state)
{
	struct owner *o = *state;

	assert_int_equal(start(o, "MESSAGE", SIP_UDP), 0);
	wire_ms(&o->w, 40000);
	wire_times(&o->w, "MESSAGE",
		   (int[]){ 0, 500, 1500, 3500, 7500, 11500, 15500, 19500, 23500, 27500, 31500 },
		   11);
	assert_int_equal(o->err, -ETIMEDOUT);
}

static void client_timer_e_proceeding(void **state)
{
	struct owner *o = *state;
	struct sent *s;

	assert_int_equal(start(o, "MESSAGE", SIP_UDP), 0);
	s = wire_next(&o->w, "MESSAGE");
	wire_answer(&o->w, s, 100, NULL);
	wire_ms(&o->w, 10000);
	wire_times(&o->w, "MESSAGE", (int[]){ 500, 4500, 8500 }, 3);
	wire_answer(&o->w, s, 200, "b1");
	assert_int_equal(o->last_status, 200);
	assert_int_equal(o->responses, 2);
	wire_answer(&o->w, s, 200, "b1"); /* absorbed until timer K */
	assert_int_equal(o->responses, 2);
	assert_int_equal(o->strays, 0);
	wire_ms(&o->w, 5100);
	wire_none(&o->w);
	wire_answer(&o->w, s, 200, "b1");
	assert_int_equal(o->strays, 1);
}

static void client_1xx_stops_a_and_b(void **state)
{
	struct owner *o = *state;

	assert_int_equal(start(o, "INVITE", SIP_UDP), 0);
	wire_answer(&o->w, wire_next(&o->w, "INVITE"), 180, "b1");
	wire_ms(&o->w, 100000);
	wire_none(&o->w);
	assert_int_equal(o->client_ends, 0);
	assert_int_equal(o->last_status, 180);
}

static void client_ack_to_failure_timer_d(void **state)
{
	struct owner *o = *state;
	struct sent *s, *ack;
	char h1[256], h2[256];

	assert_int_equal(start(o, "INVITE", SIP_UDP), 0);
	s = wire_next(&o->w, "INVITE");
	wire_answer(&o->w, s, 486, "b1");
	ack = wire_next(&o->w, "ACK sip:bob@10.0.0.66 SIP/2.0");
	assert_string_equal(wire_header(s, "Via", h1, sizeof(h1)),
			    wire_header(ack, "Via", h2, sizeof(h2)));
	assert_string_equal(wire_header(ack, "Route", h2, sizeof(h2)), "<sip:r1;lr>, <sip:r2;lr>");
	assert_string_equal(wire_header(ack, "To", h2, sizeof(h2)), "<sip:bob@example.com>;tag=b1");
	assert_string_equal(wire_header(ack, "CSeq", h2, sizeof(h2)), "7 ACK");
	wire_ms(&o->w, 31900);
	wire_answer(&o->w, s, 486, "b1");
	wire_next(&o->w, "ACK");
	assert_int_equal(o->responses, 1);
	wire_ms(&o->w, 200);
	wire_answer(&o->w, s, 486, "b1");
	wire_none(&o->w);
	assert_int_equal(o->strays, 1);
}

static void client_2xx_timer_m(void **state)
{
	struct owner *o = *state;
	struct sent *s;

	assert_int_equal(start(o, "INVITE", SIP_UDP), 0);
	s = wire_next(&o->w, "INVITE");
	wire_answer(&o->w, s, 200, "b1");
	wire_answer(&o->w, s, 200, "b1");
	wire_answer(&o->w, s, 200, "b2");
	assert_int_equal(o->responses, 3);
	wire_answer(&o->w, s, 486, "b3"); /* RFC 6026: not after a 2xx */
	assert_int_equal(o->responses, 3);
	wire_none(&o->w);
	wire_ms(&o->w, 32100);
	assert_int_equal(o->client_ends, 1);
	assert_int_equal(o->err, 0);
	assert_int_equal(sip_stack_get_stats(o->w.stack)->ctx_active, 0);
}

static void client_cancel_waits_for_1xx(void **state)
{
	struct owner *o = *state;
	struct sent *s, *c;
	char h1[256], h2[256];

	assert_int_equal(start(o, "INVITE", SIP_UDP), 0);
	s = wire_next(&o->w, "INVITE");
	assert_int_equal(sip_ctx_cancel(o->ctx, "SIP;cause=200"), 0);
	assert_int_equal(sip_ctx_cancel(o->ctx, NULL), -EALREADY);
	wire_none(&o->w);
	wire_answer(&o->w, s, 100, NULL);
	c = wire_next(&o->w, "CANCEL sip:bob@10.0.0.66 SIP/2.0");
	assert_string_equal(wire_header(s, "Via", h1, sizeof(h1)),
			    wire_header(c, "Via", h2, sizeof(h2)));
	assert_string_equal(wire_header(c, "CSeq", h2, sizeof(h2)), "7 CANCEL");
	assert_string_equal(wire_header(c, "Reason", h2, sizeof(h2)), "SIP;cause=200");
	wire_ms(&o->w, 1600);
	wire_times(&o->w, "CANCEL", (int[]){ 500, 1500 }, 2);
	wire_answer(&o->w, c, 200, "b1");
	wire_answer(&o->w, s, 487, "b1");
	wire_next(&o->w, "ACK");
	assert_int_equal(o->last_status, 487);
	assert_int_equal(o->responses, 2);
	wire_ms(&o->w, 40000);
	wire_none(&o->w);
	assert_int_equal(sip_stack_get_stats(o->w.stack)->ctx_active, 0);
}

static void client_cancel_without_final(void **state)
{
	struct owner *o = *state;
	struct sent *s;

	assert_int_equal(start(o, "INVITE", SIP_UDP), 0);
	s = wire_next(&o->w, "INVITE");
	wire_answer(&o->w, s, 180, "b1");
	assert_int_equal(sip_ctx_cancel(o->ctx, NULL), 0);
	wire_answer(&o->w, wire_next(&o->w, "CANCEL"), 200, "b1");
	wire_ms(&o->w, 32100);
	assert_int_equal(o->client_ends, 1);
	assert_int_equal(o->err, -ETIMEDOUT);
}

static void client_connection_breaks(void **state)
{
	struct owner *o = *state;
	struct sent *s;

	assert_int_equal(start(o, "INVITE", SIP_TCP), 0);
	s = wire_next(&o->w, "INVITE");
	assert_int_equal(sip_ctx_path(o->ctx)->conn, s->path.conn);
	sip_tp_mock_fail(o->w.tp, &s->path, -ECONNREFUSED);
	assert_int_equal(o->err, -ECONNREFUSED);
	assert_int_equal(o->client_ends, 1);
}

static void client_forged_branches(void **state)
{
	struct owner *o = *state;
	static const char *const forged[] = {
		"z9hG4bKk0000000000000001",
		"z9hG4bKk00000000000000010000000000000000",
		"z9hG4bKkffffffffffffffffffffffffffffffff",
		"z9hG4bKk0000000000000001zzzzzzzzzzzzzzzz",
		"",
		"z9hG4bKk",
	};
	char *s, via[256], *p;
	struct sent *req;

	assert_int_equal(start(o, "INVITE", SIP_UDP), 0);
	req = wire_next(&o->w, "INVITE");
	for (size_t i = 0; i < ARRAY_SIZE(forged); i++) {
		assert_true(
			asprintf(
				&s,
				"SIP/2.0 200 OK\r\nVia: SIP/2.0/UDP 10.0.0.1:5060;branch=%s\r\nFrom: <sip:a@b>;tag=1\r\n"
				"To: <sip:c@d>;tag=2\r\nCall-ID: call-9\r\nCSeq: 7 INVITE\r\n\r\n",
				forged[i]) > 0);
		wire_in(&o->w, SIP_UDP, &o->w.b, s);
		free(s);
	}
	assert_int_equal(o->responses, 0);
	/* Ours, one digit of the MAC changed. */
	s = wire_response(req, 200, "b1", NULL);
	p = strstr(s, "z9hG4bKk") + 8 + 16 + 3;
	*p = *p == '0' ? '1' : '0';
	wire_in(&o->w, SIP_UDP, &o->w.b, s);
	free(s);
	assert_int_equal(o->responses, 0);
	assert_non_null(wire_header(req, "Via", via, sizeof(via)));
	wire_answer(&o->w, req, 180, "b1");
	assert_int_equal(o->responses, 1);
	/* The right branch with another method is no response to it. */
	s = wire_response(req, 200, "b1", NULL);
	memcpy(strstr(s, "7 INVITE"), "7 UPDATE", 8);
	wire_in(&o->w, SIP_UDP, &o->w.b, s);
	free(s);
	assert_int_equal(o->responses, 1);
}

static void client_slot_is_reused_with_new_generation(void **state)
{
	struct owner *o = *state;
	struct sent *s1;

	assert_int_equal(start(o, "MESSAGE", SIP_TCP), 0);
	s1 = wire_next(&o->w, "MESSAGE");
	wire_answer(&o->w, s1, 200, "b1");
	assert_int_equal(o->responses, 1);
	assert_int_equal(start(o, "MESSAGE", SIP_TCP), 0);
	wire_next(&o->w, "MESSAGE");
	wire_answer(&o->w, s1, 200, "b1");
	assert_int_equal(o->responses, 1);
	assert_int_equal(o->strays, 1);
}

static void client_via_sentby(void **state)
{
	struct owner *o = *state;
	struct sip_msg *m = sip_msg_new_request("ACK", "sip:bob@10.0.0.66");
	struct sip_path path = { .ep = o->w.ep2, .proto = SIP_UDP, .peer = o->w.b };
	union sip_sa ps = *sip_ep_local(o->w.ep);
	struct sent *s;

	sip_sa_set_port(&ps, 5064);
	sip_msg_add(m, SIP_H_FROM, "<sip:a@b>;tag=1");
	sip_msg_add(m, SIP_H_TO, "<sip:c@d>;tag=2");
	sip_msg_add(m, SIP_H_CALL_ID, "x");
	sip_msg_add(m, SIP_H_CSEQ, "1 ACK");
	assert_int_equal(sip_ctx_start(o->w.stack, m, &path, &ps, NULL, NULL, &o->ctx), 0);
	assert_null(o->ctx);
	s = wire_next(&o->w, "ACK");
	assert_ptr_equal(s->path.ep, o->w.ep2);
	assert_non_null(strstr(s->text, "\r\nVia: SIP/2.0/UDP 10.0.0.1:5064;branch=z9hG4bKk"));
	sip_msg_unref(m);
}

static void client_detached_goes_on(void **state)
{
	struct owner *o = *state;
	struct sent *s;

	assert_int_equal(start(o, "INVITE", SIP_UDP), 0);
	sip_ctx_detach(o->ctx);
	s = wire_next(&o->w, "INVITE");
	wire_answer(&o->w, s, 486, "b1");
	wire_next(&o->w, "ACK");
	assert_int_equal(start(o, "INVITE", SIP_UDP), 0);
	sip_ctx_detach(o->ctx);
	s = wire_next(&o->w, "INVITE");
	wire_answer(&o->w, s, 200, "b1");
	assert_int_equal(o->strays, 1);
	assert_int_equal(o->responses, 0);
}

static void endpoint_closed(void **state)
{
	struct owner *o = *state;

	in(o, "INVITE", "z9hG4bK1", NULL);
	assert_int_equal(start(o, "MESSAGE", SIP_UDP), 0);
	wire_next(&o->w, "MESSAGE");
	sip_ep_close(o->w.ep);
	assert_int_equal(o->err, -ENETDOWN);
	assert_int_equal(sip_stx_reply(o->stx, 486, NULL, "gone"), -EHOSTUNREACH);
	wire_ms(&o->w, 100000);
	wire_none(&o->w);
	assert_int_equal(o->ends, 1);
	assert_int_equal(sip_stack_get_stats(o->w.stack)->ctx_active, 0);
}

static void shed_request(struct owner *o, const char *branch, const char *method)
{
	struct sip_path from = { .ep = o->w.ep, .proto = SIP_UDP, .peer = o->w.a };
	char *s = wire_request(method, "10.0.0.65", branch, NULL);

	tp_deliver_shed(o->w.tp, s, strlen(s), &from, true);
	free(s);
}

/* Late: 503 for new work only; what has its transaction is not touched. */
static void shed_before_the_owner(void **state)
{
	struct owner *o = *state;
	char buf[32];

	in(o, "INVITE", "z9hG4bK1", NULL);
	shed_request(o, "z9hG4bK1", "INVITE");
	wire_none(&o->w);
	shed_request(o, "z9hG4bK2", "INVITE");
	assert_non_null(
		wire_header(wire_next(&o->w, "SIP/2.0 503"), "Retry-After", buf, sizeof(buf)));
	assert_int_equal(o->requests, 1);
	assert_int_equal(sip_stack_get_stats(o->w.stack)->stx_active, 1);
}

static void families_must_match(void **state)
{
	struct owner *o = *state;

	sip_sa_parse("fd00::1", 5060, &o->w.b);
	assert_int_equal(start(o, "INVITE", SIP_UDP), -EHOSTUNREACH);
	assert_int_equal(sip_stack_get_stats(o->w.stack)->ctx_active, 0);
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(invite_100_after_200ms),
		T(invite_timer_g_h),
		T(invite_ack_timer_i),
		T(invite_tcp_no_g_no_i),
		T(invite_2xx_repeated_until_ack),
		T(invite_2xx_without_ack),
		T(reliable_1xx),
		T(other_timer_j),
		T(other_tcp_no_j),
		T(other_never_silent),
		T(gm_timers),
		T(second_final_refused),
		T(same_tag_in_all_replies),
		T(merged_and_spiral_requests_are_new),
		T(no_magic_cookie),
		T(cancel_matches),
		T(cancel_of_somebody_else),
		T(cancel_without_transaction),
		T(refused_without_state),
		T(malformed_is_answered),
		T(unknown_method_is_the_owners),
		T(via_received_and_rport),
		T(via_transport_need_not_match),
		T(reply_path_of_everything),
		T(response_after_dead_connection),
		T(client_timer_a_b),
		T(client_tcp_no_a),
		T(client_timer_e_f),
		T(client_timer_e_proceeding),
		T(client_1xx_stops_a_and_b),
		T(client_ack_to_failure_timer_d),
		T(client_2xx_timer_m),
		T(client_cancel_waits_for_1xx),
		T(client_cancel_without_final),
		T(client_connection_breaks),
		T(client_forged_branches),
		T(client_slot_is_reused_with_new_generation),
		T(client_via_sentby),
		T(client_detached_goes_on),
		T(endpoint_closed),
		T(shed_before_the_owner),
		T(families_must_match),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
