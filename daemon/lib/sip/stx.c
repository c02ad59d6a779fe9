// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Server transactions (RFC 3261 17.2, RFC 6026 7.1, RFC 3262 3 for reliable 1xx).
 *
 *   INVITE      TRYING --1xx--> PROCEEDING --3xx-6xx--> COMPLETED --ACK--> CONFIRMED --I--> end
 *                  100 after 200 ms        `--2xx--> ACCEPTED --L--> end
 *   others      TRYING --1xx--> PROCEEDING --final--> COMPLETED --J--> end; 504 at the limit
 *
 * Timers: G T1..T2 (UDP), H 64*T1, I T4 (UDP), J 64*T1 (UDP), L 64*T1. The limit of non-INVITE is 64*T1 less
 * a second, so that the client still hears it (RFC 4320 4.2 forbids 408 there: 504).
 *
 * Invariant: the stack's own reference lives until STX_TERMINATED; the live part goes with the
 * final response when no owner holds the transaction and nobody waits for its end.
 */
#include <stdio.h>

#include "lib/sip/tx_priv.h"

#define TRYING_MS 200

static void on_retransmit(struct timer *timer);
static void on_life(struct timer *timer);

static uint32_t t1(const struct sip_stx *t)
{
	return stack_timers(t->stack, t->reply.ep)->t1_ms;
}

static void start_ms(struct sip_stx *t, struct timer *timer, uint64_t ms)
{
	timer_start(t->stack->loop, timer, ms * USEC_PER_MSEC);
}

static void live_free(struct stx_live *l)
{
	if (!l)
		return;
	sip_msg_unref(l->req);
	free(l->to_tag);
	free(l);
}

/* When only retransmissions can follow, the message is not needed any more. */
static void shrink(struct sip_stx *t)
{
	if (!t->live || t->refs - t->late > 1 || t->state < STX_COMPLETED ||
	    t->state == STX_TERMINATED || t->live->on_end)
		return;
	if (t->state == STX_ACCEPTED && t->unacked.key)
		return;
	live_free(t->live);
	t->live = NULL;
}

struct sip_stx *sip_stx_ref(struct sip_stx *t)
{
	t->refs++;
	return t;
}

void sip_stx_unref(struct sip_stx *t)
{
	if (!t)
		return;
	if (--t->refs) {
		shrink(t);
		return;
	}
	live_free(t->live);
	free(t->resp);
	free(t);
}

static void leave_unacked(struct sip_stx *t)
{
	if (!t->unacked.key)
		return;
	htab_remove(&t->stack->unacked, &t->unacked);
	t->unacked.key = 0;
}

static void unlink_stx(struct sip_stx *t)
{
	timer_stop(t->stack->loop, &t->retransmit);
	timer_stop(t->stack->loop, &t->life);
	leave_unacked(t);
	htab_remove(&t->stack->stxs, &t->node);
	t->stack->stats.stx_active--;
	t->state = STX_TERMINATED;
}

static void terminate(struct sip_stx *t, bool acked)
{
	struct stx_live *l = t->live;

	if (t->state == STX_TERMINATED)
		return;
	unlink_stx(t);
	if (l && l->on_end)
		l->on_end(l->end_arg, t, acked);
	sip_stx_unref(t);
}

void stx_free_all(struct sip_stack *s)
{
	for (uint32_t i = 0; i <= s->stxs.mask; i++)
		while (s->stxs.b[i]) {
			struct sip_stx *t = (struct sip_stx *)s->stxs.b[i];

			unlink_stx(t);
			t->stack = NULL;
			sip_stx_unref(t);
		}
}

void stx_ep_closed(struct sip_stack *s, const struct sip_ep *ep)
{
	for (uint32_t i = 0; i <= s->stxs.mask; i++)
		for (struct hnode *n = s->stxs.b[i]; n; n = n->next) {
			struct sip_stx *t = (struct sip_stx *)n;

			if (t->reply.ep == ep)
				t->reply.ep = NULL;
			if (t->live && t->live->from.ep == ep)
				t->live->from.ep = NULL;
		}
}

struct sip_stx *stx_new(struct sip_stack *s, struct sip_msg *m, const struct via *v,
			const struct sip_path *from, uint64_t key)
{
	struct sip_stx *t = calloc(1, sizeof(*t));
	struct sip_path reply;

	if (!t)
		return NULL;
	t->live = calloc(1, sizeof(*t->live));
	if (!t->live) {
		free(t);
		return NULL;
	}
	t->stack = s;
	t->refs = 1;
	t->live->req = sip_msg_ref(m);
	t->live->from = *from;
	t->invite = sip_msg_method(m) == SIP_M_INVITE;
	t->reliable = from->proto == SIP_TCP;
	t->retransmit.fn = on_retransmit;
	t->life.fn = on_life;
	stack_reply_path(s, m, v, from, &reply);
	path_pack(&t->reply, &reply);
	htab_insert(&s->stxs, &t->node, key);
	s->stats.stx_active++;
	if (t->invite)
		start_ms(t, &t->retransmit, TRYING_MS);
	else
		start_ms(t, &t->life, 64 * t1(t) > 2000 ? 64 * t1(t) - 1000 : 32 * t1(t));
	return t;
}

/* --- sending --- */

static int send_last(struct sip_stx *t)
{
	struct sip_path p;
	int r;

	if (!t->resp)
		return 0;
	path_unpack(&p, &t->reply);
	r = stack_send_response(t->stack, &p, t->resp, t->resp_len);
	path_pack(&t->reply, &p);
	return r;
}

static int keep_response(struct sip_stx *t, const struct sip_msg *resp)
{
	size_t len;
	char *data = msg_bytes(resp, &len);

	if (!data)
		return -ENOMEM;
	free(t->resp);
	t->resp = data;
	t->resp_len = len;
	return 0;
}

static void remember_tag(struct sip_stx *t, const struct sip_msg *resp)
{
	struct str tag = sip_msg_to_tag(resp);

	if (!t->live || !tag.n || (t->live->to_tag && str_eqz(tag, t->live->to_tag)))
		return;
	free(t->live->to_tag);
	t->live->to_tag = str_dup(tag);
}

/* Call-ID, CSeq number, both tags: what an ACK to this 2xx has in common with it. */
static uint64_t ack_key(const struct sip_stack *s, const struct sip_msg *m)
{
	uint32_t cseq = sip_msg_cseq(m);
	struct siphash h;

	siphash_init(&h, s->key);
	siphash_add(&h, "ack", 3);
	siphash_add_str(&h, sip_msg_call_id(m));
	siphash_add_str(&h, sip_msg_from_tag(m));
	siphash_add_str(&h, sip_msg_to_tag(m));
	siphash_add(&h, &cseq, sizeof(cseq));
	return siphash_end(&h) | 1;
}

static void retransmit_from_t1(struct sip_stx *t)
{
	t->interval_ms = t1(t);
	t->spent_ms = 0;
	start_ms(t, &t->retransmit, t->interval_ms);
}

/* A UAS repeats its 2xx end to end, over whatever transport (13.3.1.4). */
static void await_ack(struct sip_stx *t, const struct sip_msg *resp)
{
	leave_unacked(t);
	htab_insert(&t->stack->unacked, &t->unacked, ack_key(t->stack, resp));
	retransmit_from_t1(t);
}

static void final_invite(struct sip_stx *t)
{
	timer_stop(t->stack->loop, &t->retransmit);
	if (t->status < 300) {
		t->state = STX_ACCEPTED;
		start_ms(t, &t->life, 64 * t1(t)); /* L */
		return;
	}
	t->state = STX_COMPLETED;
	start_ms(t, &t->life, 64 * t1(t)); /* H */
	if (!t->reliable)
		retransmit_from_t1(t); /* G */
}

static void final_other(struct sip_stx *t)
{
	t->state = STX_COMPLETED;
	if (t->reliable)
		terminate(t, true);
	else
		start_ms(t, &t->life, 64 * t1(t)); /* J */
}

static int may_send(const struct sip_stx *t, int status)
{
	if (t->state == STX_TRYING || t->state == STX_PROCEEDING)
		return 0;
	return t->state == STX_ACCEPTED && status >= 200 && status < 300 ? 0 : -EALREADY;
}

static int respond(struct sip_stx *t, struct sip_msg *resp, bool uas)
{
	int status = sip_msg_status(resp), r = may_send(t, status);
	bool was_accepted = t->state == STX_ACCEPTED;

	if (r < 0)
		return r;
	r = keep_response(t, resp);
	if (r < 0)
		return r;
	sip_stx_ref(t);
	t->status = status;
	t->rel1xx = false;
	remember_tag(t, resp);
	r = send_last(t);
	if (status < 200) {
		t->state = STX_PROCEEDING;
		timer_stop(t->stack->loop, &t->retransmit);
	} else if (!t->invite) {
		final_other(t);
	} else if (!was_accepted) {
		final_invite(t);
	}
	if (uas && t->state == STX_ACCEPTED)
		await_ack(t, resp);
	sip_stx_unref(t);
	return r;
}

int sip_stx_respond(struct sip_stx *t, struct sip_msg *resp)
{
	return respond(t, resp, true);
}

int stx_respond_proxied(struct sip_stx *t, struct sip_msg *resp)
{
	return respond(t, resp, false);
}

int sip_stx_respond_rel(struct sip_stx *t, struct sip_msg *resp)
{
	int r = respond(t, resp, true);

	if (t->state != STX_PROCEEDING)
		return r;
	t->rel1xx = true;
	retransmit_from_t1(t);
	return r;
}

void stx_resend_2xx(struct sip_stx *t)
{
	if (t->state != STX_ACCEPTED || t->status >= 300)
		return;
	t->stack->stats.tx_retransmits++;
	send_last(t);
}

/* Of who needs no more than the bytes: does not keep the live part. */
struct sip_stx *stx_ref_late(struct sip_stx *t)
{
	t->late++;
	return sip_stx_ref(t);
}

void stx_unref_late(struct sip_stx *t)
{
	if (t)
		t->late--;
	sip_stx_unref(t);
}

void sip_stx_pracked(struct sip_stx *t)
{
	if (t->state != STX_PROCEEDING || !t->rel1xx)
		return;
	t->rel1xx = false;
	timer_stop(t->stack->loop, &t->retransmit);
}

static const char *own_tag(struct sip_stx *t, char buf[TAG_MAX])
{
	if (t->live && t->live->to_tag)
		return t->live->to_tag;
	stack_tag(t->stack, t->node.key, buf);
	return buf;
}

struct sip_msg *stx_new_reply(struct sip_stx *t, int status, const char *reason, struct str warning)
{
	struct sip_msg *resp;
	char tag[TAG_MAX], host[SIP_SA_STRLEN];

	resp = stack_response(t->stack, t->live->req, status, reason, own_tag(t, tag));
	if (resp && warning.n && t->live->from.ep)
		sip_msg_add(resp, SIP_H_WARNING, "399 %s \"%.*s\"",
			    sip_sa_str(sip_ep_local(t->live->from.ep), host), STR_FMT(warning));
	return resp;
}

int sip_stx_reply(struct sip_stx *t, int status, const char *reason, const char *warning)
{
	_cleanup_msg_ struct sip_msg *resp = NULL;

	if (t->state == STX_TERMINATED || !t->live)
		return -EALREADY;
	resp = stx_new_reply(t, status, reason, str_of(warning));
	return resp ? sip_stx_respond(t, resp) : -ENOMEM;
}

int sip_stx_reply_because(struct sip_stx *t, int status, const char *because, const char *warning)
{
	_cleanup_msg_ struct sip_msg *resp = NULL;

	if (t->state == STX_TERMINATED || !t->live)
		return -EALREADY;
	resp = stx_new_reply(t, status, NULL, str_of(warning));
	if (!resp || sip_msg_set(resp, SIP_H_REASON, "%s", because) < 0)
		return -ENOMEM;
	sip_msg_remove(resp, SIP_H_RETRY_AFTER); /* one request is refused; there is no overload */
	return sip_stx_respond(t, resp);
}

/* --- what comes in --- */

void stx_retransmission(struct sip_stx *t)
{
	t->stack->stats.rx_retransmits++;
	if (t->state == STX_PROCEEDING || t->state == STX_COMPLETED)
		send_last(t);
}

void stx_ack(struct sip_stx *t)
{
	if (t->state != STX_COMPLETED)
		return;
	timer_stop(t->stack->loop, &t->retransmit);
	t->state = STX_CONFIRMED;
	t->acked = true;
	if (t->reliable)
		terminate(t, true);
	else
		start_ms(t, &t->life, stack_timers(t->stack, t->reply.ep)->t4_ms); /* I */
}

void stx_ack_2xx(struct sip_stack *s, const struct sip_msg *ack)
{
	struct hnode *n = htab_find(&s->unacked, ack_key(s, ack));
	struct sip_stx *t;

	if (!n)
		return;
	t = container_of(n, struct sip_stx, unacked);
	t->acked = true;
	timer_stop(s->loop, &t->retransmit);
	leave_unacked(t);
	shrink(t);
}

static void answer_cancel(struct sip_stx *t, struct sip_msg *cancel)
{
	_cleanup_msg_ struct sip_msg *ok = NULL;
	_cleanup_free_ char *data = NULL;
	char tag[TAG_MAX];
	struct sip_path p;
	size_t len;

	ok = stack_response(t->stack, cancel, 200, NULL, own_tag(t, tag));
	if (!ok)
		return;
	data = msg_bytes(ok, &len);
	if (!data)
		return;
	path_unpack(&p, &t->reply);
	stack_send_response(t->stack, &p, data, len);
}

void stx_cancelled(struct sip_stx *t, struct sip_msg *cancel)
{
	struct stx_live *l = t->live;

	answer_cancel(t, cancel);
	if (t->state > STX_PROCEEDING || !l || !l->on_cancel)
		return;
	if (l->cancelled) /* retransmitted: answered again, told once */
		return;
	l->cancelled = true;
	sip_stx_ref(t);
	l->on_cancel(l->cancel_arg, t, cancel);
	sip_stx_unref(t);
}

/* --- timers --- */

static void send_trying(struct sip_stx *t)
{
	_cleanup_msg_ struct sip_msg *m =
		t->live ? stack_response(t->stack, t->live->req, 100, NULL, NULL) : NULL;

	if (m)
		respond(t, m, false);
}

/* RFC 3262 3: doubles until 64*T1 are over; a 2xx and G: up to T2. */
static void next_interval(struct sip_stx *t)
{
	uint32_t t2 = stack_timers(t->stack, t->reply.ep)->t2_ms;

	t->spent_ms += t->interval_ms;
	t->interval_ms *= 2;
	if (t->rel1xx)
		t->interval_ms = MIN(t->interval_ms, 64 * t1(t) - t->spent_ms);
	else
		t->interval_ms = MIN(t->interval_ms, t2);
	start_ms(t, &t->retransmit, t->interval_ms);
}

static void on_retransmit(struct timer *timer)
{
	struct sip_stx *t = container_of(timer, struct sip_stx, retransmit);

	if (t->state == STX_TRYING) {
		send_trying(t);
		return;
	}
	if (t->rel1xx && t->spent_ms + t->interval_ms >= 64 * t1(t)) {
		sip_stx_reply(t, 504, NULL, "no PRACK came");
		return;
	}
	t->stack->stats.tx_retransmits++;
	send_last(t);
	next_interval(t);
}

static void on_life(struct timer *timer)
{
	struct sip_stx *t = container_of(timer, struct sip_stx, life);

	switch ((enum stx_state)t->state) {
	case STX_TRYING:
	case STX_PROCEEDING:
		t->stack->stats.timeouts++;
		sip_stx_reply(t, 504, NULL, "no answer was ready in time");
		break;
	case STX_COMPLETED:
		terminate(t, !t->invite);
		break;
	case STX_ACCEPTED:
		terminate(t, !t->unacked.key);
		break;
	case STX_CONFIRMED:
		terminate(t, true);
		break;
	case STX_TERMINATED:
		break;
	}
}

/* --- accessors --- */

struct sip_msg *sip_stx_request(struct sip_stx *t)
{
	return t->live ? t->live->req : NULL;
}

const struct sip_path *sip_stx_from(const struct sip_stx *t)
{
	return t->live ? &t->live->from : NULL;
}

void sip_stx_set_reply_path(struct sip_stx *t, const struct sip_path *p)
{
	path_pack(&t->reply, p);
}

bool sip_stx_done(const struct sip_stx *t)
{
	return t->state > STX_PROCEEDING;
}

void sip_stx_on_cancel(struct sip_stx *t,
		       void (*fn)(void *arg, struct sip_stx *t, struct sip_msg *cancel), void *arg)
{
	if (!t->live)
		return;
	t->live->on_cancel = fn;
	t->live->cancel_arg = arg;
}

void sip_stx_on_end(struct sip_stx *t, void (*fn)(void *arg, struct sip_stx *t, bool acked),
		    void *arg)
{
	if (!t->live)
		return;
	t->live->on_end = fn;
	t->live->end_arg = arg;
}

void sip_stx_set_user(struct sip_stx *t, void *user)
{
	if (t->live)
		t->live->user = user;
}

void *sip_stx_user(const struct sip_stx *t)
{
	return t->live ? t->live->user : NULL;
}
