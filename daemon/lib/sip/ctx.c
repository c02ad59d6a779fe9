// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Client transactions (RFC 3261 17.1, 9.1, RFC 6026 7.2).
 *
 *   INVITE   CALLING --1xx--> PROCEEDING --3xx-6xx--> COMPLETED (ACK) --D--> end
 *                         `--2xx--> ACCEPTED --M--> end
 *   others   CALLING --1xx--> PROCEEDING --final--> COMPLETED --K--> end
 *
 * Timers: A, E (UDP) from T1; B, F 64*T1; D 64*T1 and at least 32 s (UDP); K T4 (UDP); M 64*T1. A
 * CANCEL is a transaction of its own that shares the branch and hangs on its INVITE; after it the
 * INVITE has 64*T1 to end.
 *
 * Branch: z9hG4bKk, slot (8 hex digits), generation (8), MAC over both and the loop part (16), and
 * for proxies "." and the loop part (16; RFC 5393 4.2). The MAC's key is ours alone.
 */
#include <stdio.h>

#include "lib/core/log.h"
#include "lib/sip/tx_priv.h"

#define NO_SLOT	       UINT32_MAX
#define TIMER_D_MIN_MS 32000

static void on_retransmit(struct timer *timer);
static void on_life(struct timer *timer);

/* --- branch --- */

static uint64_t branch_mac(const struct sip_stack *s, uint32_t slot, uint32_t gen,
			   uint64_t loop_hash)
{
	struct siphash h;

	siphash_init(&h, s->key);
	siphash_add(&h, "branch", 6);
	siphash_add(&h, &slot, sizeof(slot));
	siphash_add(&h, &gen, sizeof(gen));
	siphash_add(&h, &loop_hash, sizeof(loop_hash));
	return siphash_end(&h);
}

static char *put_hex(char *p, uint64_t v, int digits)
{
	for (int i = digits - 1; i >= 0; i--)
		*p++ = "0123456789abcdef"[v >> (4 * i) & 15];
	return p;
}

static bool get_hex(struct str *s, size_t digits, uint64_t *ret)
{
	uint64_t v = 0;

	if (s->n < digits)
		return false;
	for (size_t i = 0; i < digits; i++) {
		char c = s->p[i];

		if (c >= '0' && c <= '9')
			v = v << 4 | (uint64_t)(c - '0');
		else if (c >= 'a' && c <= 'f')
			v = v << 4 | (uint64_t)(c - 'a' + 10);
		else
			return false;
	}
	s->p += digits;
	s->n -= digits;
	*ret = v;
	return true;
}

static void write_branch(const struct sip_stack *s, uint32_t slot, uint32_t gen, uint64_t loop_hash,
			 char dst[BRANCH_MAX])
{
	char *p = dst;

	memcpy(p, BRANCH_OURS, sizeof(BRANCH_OURS) - 1);
	p += sizeof(BRANCH_OURS) - 1;
	p = put_hex(p, slot, 8);
	p = put_hex(p, gen, 8);
	p = put_hex(p, branch_mac(s, slot, gen, loop_hash), 16);
	if (loop_hash) {
		*p++ = '.';
		p = put_hex(p, loop_hash, 16);
	}
	*p = 0;
}

struct branch {
	uint32_t slot, gen;
	uint64_t loop_hash;
};

static bool read_branch(const struct sip_stack *s, struct str b, struct branch *ret)
{
	static const struct str prefix = { BRANCH_OURS, sizeof(BRANCH_OURS) - 1 };
	uint64_t slot, gen, mac, loop_hash = 0;

	if (!str_has_prefix(b, prefix))
		return false;
	b.p += prefix.n;
	b.n -= prefix.n;
	if (!get_hex(&b, 8, &slot) || !get_hex(&b, 8, &gen) || !get_hex(&b, 16, &mac))
		return false;
	if (b.n) {
		if (*b.p != '.' || b.n != 17)
			return false;
		b.p++;
		b.n--;
		if (!get_hex(&b, 16, &loop_hash))
			return false;
	}
	if (mac != branch_mac(s, slot, gen, loop_hash))
		return false;
	*ret = (struct branch){ slot, gen, loop_hash };
	return true;
}

struct sip_ctx *ctx_by_branch(struct sip_stack *s, struct str branch)
{
	struct branch b;

	if (!read_branch(s, branch, &b) || b.slot >= s->n_slots || s->slots[b.slot].gen != b.gen)
		return NULL;
	return s->slots[b.slot].t;
}

uint64_t ctx_branch_loop(struct sip_stack *s, struct str branch)
{
	struct branch b;

	return read_branch(s, branch, &b) ? b.loop_hash : 0;
}

/* --- slots --- */

static int grow_slots(struct sip_stack *s)
{
	uint32_t n = s->n_slots ? s->n_slots * 2 : 256;
	struct ctx_slot *p;

	if (n > UINT32_MAX / 4)
		return -ENOMEM;
	p = realloc(s->slots, n * sizeof(*p));
	if (!p)
		return -ENOMEM;
	for (uint32_t i = s->n_slots; i < n; i++)
		p[i] = (struct ctx_slot){ NULL, 1, i + 1 };
	s->slots = p;
	s->free_slot = s->n_slots;
	s->n_slots = n;
	return 0;
}

static int take_slot(struct sip_stack *s, struct sip_ctx *t)
{
	if (s->free_slot == s->n_slots && grow_slots(s))
		return -ENOMEM;
	t->slot = s->free_slot;
	s->free_slot = s->slots[t->slot].next_free;
	s->slots[t->slot].t = t;
	return 0;
}

static void give_slot(struct sip_stack *s, struct sip_ctx *t)
{
	struct ctx_slot *e;

	if (t->slot == NO_SLOT)
		return;
	e = &s->slots[t->slot];
	e->t = NULL;
	e->gen++;
	e->next_free = s->free_slot;
	s->free_slot = t->slot;
}

/* --- life --- */

static const struct sip_timers *timers(const struct sip_ctx *t)
{
	return stack_timers(t->stack, t->out.ep);
}

static void start_ms(struct sip_ctx *t, struct timer *timer, uint64_t ms)
{
	timer_start(t->stack->loop, timer, ms * USEC_PER_MSEC);
}

static void release_request(struct sip_ctx *t)
{
	sip_msg_unref(t->req);
	t->req = NULL;
	free(t->path);
	t->path = NULL;
}

static void leave_conn(struct sip_ctx *t)
{
	if (!t->by_conn.key)
		return;
	htab_remove(&t->stack->ctx_by_conn, &t->by_conn);
	t->by_conn.key = 0;
}

static void terminate(struct sip_ctx *t)
{
	struct sip_stack *s = t->stack;

	t->state = CTX_TERMINATED;
	timer_stop(s->loop, &t->retransmit);
	timer_stop(s->loop, &t->life);
	leave_conn(t);
	if (t->cancels)
		t->cancels->cancel = NULL;
	if (t->cancel)
		terminate(t->cancel);
	stx_unref_late(t->late_stx);
	give_slot(s, t);
	release_request(t);
	free(t->ack);
	free(t->reason);
	s->stats.ctx_active--;
	free(t);
}

void ctx_free_all(struct sip_stack *s)
{
	for (uint32_t i = 0; i < s->n_slots; i++)
		if (s->slots[i].t)
			terminate(s->slots[i].t);
}

static void end_with(struct sip_ctx *t, int err);

/* Callbacks may start and end others: slots are looked at one by one. */
void ctx_ep_closed(struct sip_stack *s, const struct sip_ep *ep)
{
	for (uint32_t i = 0; i < s->n_slots; i++) {
		struct sip_ctx *t = s->slots[i].t;

		if (!t || t->out.ep != ep)
			continue;
		if (t->state < CTX_COMPLETED)
			end_with(t, -ENETDOWN);
		else if (t->state == CTX_ACCEPTED)
			end_with(t, 0);
		else
			terminate(t);
	}
}

static struct sip_ctx *ctx_alloc(struct sip_stack *s, enum sip_method_id method,
				 const struct sip_path *path)
{
	struct sip_ctx *t = calloc(1, sizeof(*t));

	if (!t)
		return NULL;
	t->path = malloc(sizeof(*t->path));
	if (!t->path) {
		free(t);
		return NULL;
	}
	*t->path = *path;
	path_pack(&t->out, path);
	t->stack = s;
	t->method = method;
	t->slot = NO_SLOT;
	t->reliable = path->proto == SIP_TCP;
	t->retransmit.fn = on_retransmit;
	t->life.fn = on_life;
	s->stats.ctx_active++;
	return t;
}

/* --- sending --- */

static int add_content_length(struct sip_msg *m)
{
	if (sip_msg_hf(m, SIP_H_CONTENT_LENGTH))
		return 0;
	return sip_msg_add(m, SIP_H_CONTENT_LENGTH, "%zu", sip_msg_body(m).n);
}

int ctx_push_via(struct sip_stack *s, struct sip_msg *req, const struct sip_path *path,
		 const union sip_sa *via_sentby, uint32_t slot, uint32_t gen, uint64_t loop_hash)
{
	char branch[BRANCH_MAX], buf[SIP_SA_STRLEN];
	const char *sentby = via_sentby ? sip_sa_str(via_sentby, buf) : sip_ep_sentby(path->ep);
	union sip_sa local;
	int r;

	if (!sentby) {
		r = sip_ep_local_for(path->ep, &path->peer, &local);
		if (r < 0)
			return r;
		sentby = sip_sa_str(&local, buf);
	}
	write_branch(s, slot, gen, loop_hash, branch);
	return sip_msg_prepend(req, SIP_H_VIA, "SIP/2.0/%s %s;branch=%s",
			       path->proto == SIP_TCP ? "TCP" : "UDP", sentby, branch);
}

static int send_request(struct sip_ctx *t)
{
	uint64_t conn = 0;
	int r = sip_tp_send(t->stack->tp, t->path, t->req, &conn);

	if (r < 0 || !t->reliable)
		return r;
	t->path->conn = t->out.conn = conn;
	if (!t->by_conn.key)
		htab_insert(&t->stack->ctx_by_conn, &t->by_conn, conn);
	return 0;
}

static int start_sending(struct sip_ctx *t)
{
	int r = send_request(t);

	if (r < 0)
		return r;
	t->interval_ms = timers(t)->t1_ms;
	if (!t->reliable)
		start_ms(t, &t->retransmit, t->interval_ms);
	start_ms(t, &t->life, 64 * timers(t)->t1_ms);
	return 0;
}

/* ACK to 2xx, and whatever else asks for no answer. */
static int send_stateless(struct sip_stack *s, struct sip_msg *req, const struct sip_path *path,
			  const union sip_sa *via_sentby)
{
	static uint32_t gen;
	int r = ctx_push_via(s, req, path, via_sentby, NO_SLOT, ++gen, 0);

	if (!r)
		r = add_content_length(req);
	return r < 0 ? r : sip_tp_send(s->tp, path, req, NULL);
}

int ctx_start(struct sip_stack *s, struct sip_msg *req, const struct sip_path *path,
	      const union sip_sa *via_sentby, uint64_t loop_hash, sip_ctx_fn fn, void *arg,
	      struct sip_ctx **ret)
{
	enum sip_method_id method = sip_msg_method(req);
	struct sip_ctx *t;
	int r;

	if (!path->ep || sip_ep_local(path->ep)->sa.sa_family != path->peer.sa.sa_family)
		return -EHOSTUNREACH;
	if (method == SIP_M_ACK) {
		if (ret)
			*ret = NULL;
		return send_stateless(s, req, path, via_sentby);
	}
	t = ctx_alloc(s, method, path);
	if (!t)
		return -ENOMEM;
	t->req = sip_msg_ref(req);
	t->fn = fn;
	t->arg = arg;
	r = take_slot(s, t);
	if (!r)
		r = ctx_push_via(s, req, path, via_sentby, t->slot, s->slots[t->slot].gen,
				 loop_hash);
	if (r < 0) {
		terminate(t);
		return r;
	}
	r = add_content_length(req);
	if (!r)
		r = start_sending(t);
	if (r < 0) {
		sip_msg_remove_first_elem(req, SIP_H_VIA);
		terminate(t);
		return r;
	}
	if (ret)
		*ret = t;
	return 0;
}

int sip_ctx_start(struct sip_stack *s, struct sip_msg *req, const struct sip_path *path,
		  const union sip_sa *via_sentby, sip_ctx_fn fn, void *arg, struct sip_ctx **ret)
{
	return ctx_start(s, req, path, via_sentby, 0, fn, arg, ret);
}

/* --- ACK and CANCEL --- */

static int copy_all(struct sip_msg *dst, const struct sip_msg *src, enum sip_hdr id)
{
	const struct sip_hf *hf = NULL;
	int r = 0;

	while (!r && (hf = sip_msg_next(src, id, hf)))
		r = sip_msg_add(dst, id, "%.*s", STR_FMT(hf->value));
	return r;
}

/* 17.1.1.3, 9.1: same Request-URI, Via, From, Call-ID, CSeq number and Route as the INVITE; its To, or the response's. */
static struct sip_msg *derived_request(const struct sip_ctx *t, const char *method,
				       const struct sip_msg *to_from)
{
	_cleanup_free_ char *uri = str_dup(sip_msg_ruri(t->req));
	struct sip_msg *m = uri ? sip_msg_new_request(method, uri) : NULL;
	struct str from = sip_msg_value(t->req, SIP_H_FROM), to = sip_msg_value(to_from, SIP_H_TO);
	struct str id = sip_msg_value(t->req, SIP_H_CALL_ID);
	struct sip_elem via = { 0 };

	if (!m)
		return NULL;
	if (!sip_msg_next_elem(t->req, SIP_H_VIA, &via) ||
	    sip_msg_prepend(m, SIP_H_VIA, "%.*s", STR_FMT(via.text)) ||
	    copy_all(m, t->req, SIP_H_ROUTE) || sip_msg_add(m, SIP_H_FROM, "%.*s", STR_FMT(from)) ||
	    sip_msg_add(m, SIP_H_TO, "%.*s", STR_FMT(to)) ||
	    sip_msg_add(m, SIP_H_CALL_ID, "%.*s", STR_FMT(id)) ||
	    sip_msg_add(m, SIP_H_CSEQ, "%u %s", sip_msg_cseq(t->req), method) ||
	    sip_msg_set(m, SIP_H_CONTENT_LENGTH, "0")) {
		sip_msg_unref(m);
		return NULL;
	}
	return m;
}

static void send_ack(struct sip_ctx *t)
{
	struct sip_path p;

	if (!t->ack)
		return;
	path_unpack(&p, &t->out);
	if (sip_tp_send_raw(t->stack->tp, &p, t->ack, t->ack_len, NULL) != -EPIPE)
		return;
	p.conn = 0; /* the connection of the INVITE is gone */
	sip_tp_send_raw(t->stack->tp, &p, t->ack, t->ack_len, NULL);
}

static void make_ack(struct sip_ctx *t, const struct sip_msg *resp)
{
	_cleanup_msg_ struct sip_msg *m = derived_request(t, "ACK", resp);
	size_t len = 0;

	if (!m || t->ack)
		return;
	t->ack = msg_bytes(m, &len);
	t->ack_len = len;
}

static int send_cancel(struct sip_ctx *t)
{
	struct sip_msg *m = derived_request(t, "CANCEL", t->req);
	struct sip_ctx *c;
	int r = 0;

	if (!m)
		return -ENOMEM;
	if (*t->reason)
		r = sip_msg_add(m, SIP_H_REASON, "%s", t->reason);
	c = r < 0 ? NULL : ctx_alloc(t->stack, SIP_M_CANCEL, t->path);
	if (!c) {
		sip_msg_unref(m);
		return -ENOMEM;
	}
	c->req = m;
	c->cancels = t;
	t->cancel = c;
	r = start_sending(c);
	if (r == -EPIPE) { /* the connection of the INVITE is gone */
		c->path->conn = 0;
		r = start_sending(c);
	}
	if (r < 0)
		terminate(c);
	start_ms(t, &t->life, 64 * timers(t)->t1_ms);
	return r;
}

int sip_ctx_cancel(struct sip_ctx *t, const char *reason_value)
{
	if (t->method != SIP_M_INVITE || t->state > CTX_PROCEEDING || t->reason)
		return -EALREADY;
	t->reason = strdup(reason_value ? reason_value : "");
	if (!t->reason)
		return -ENOMEM;
	return t->state == CTX_PROCEEDING ? send_cancel(t) : 0;
}

/* --- responses --- */

static void call_owner(struct sip_ctx *t, struct sip_msg *resp, int err)
{
	if (t->fn)
		t->fn(t->arg, t, resp, err);
}

/* No more responses will interest the owner. */
static void end_with(struct sip_ctx *t, int err)
{
	t->state = CTX_TERMINATED;
	call_owner(t, NULL, err);
	terminate(t);
}

/* After a 1xx the response may still come over another way (18.2.2): the timers decide. */
void ctx_failed(struct sip_ctx *t, int err)
{
	if (t->state == CTX_CALLING)
		end_with(t, err);
}

void ctx_conn_failed(struct sip_stack *s, uint64_t conn, int err)
{
	struct hnode *n;

	/* Each step takes one out of the chain; callbacks may have changed it meanwhile. */
	while (conn && (n = htab_find(&s->ctx_by_conn, conn))) {
		struct sip_ctx *t = container_of(n, struct sip_ctx, by_conn);

		leave_conn(t);
		ctx_failed(t, err);
	}
}

static void provisional(struct sip_ctx *t, struct sip_msg *m)
{
	bool first = t->state == CTX_CALLING;

	t->state = CTX_PROCEEDING;
	if (t->method == SIP_M_INVITE && first) {
		timer_stop(t->stack->loop, &t->retransmit);
		timer_stop(t->stack->loop, &t->life);
		if (t->reason)
			send_cancel(t);
	}
	call_owner(t, m, 0);
}

static void final_2xx_invite(struct sip_ctx *t, struct sip_msg *m)
{
	t->state = CTX_ACCEPTED;
	start_ms(t, &t->life, 64 * timers(t)->t1_ms); /* M */
	call_owner(t, m, 0);
	leave_conn(t);
	release_request(t);
	if (!t->fn && !t->late_stx)
		timer_start(t->stack->loop, &t->life, 0);
}

/* D for INVITE, K for others; none over TCP. */
static void linger(struct sip_ctx *t)
{
	uint32_t ms = t->method == SIP_M_INVITE ? MAX(64 * timers(t)->t1_ms, TIMER_D_MIN_MS)
						: timers(t)->t4_ms;

	t->fn = NULL;
	if (t->reliable) {
		terminate(t);
		return;
	}
	leave_conn(t);
	release_request(t);
	start_ms(t, &t->life, ms);
}

static void final_other(struct sip_ctx *t, struct sip_msg *m)
{
	t->state = CTX_COMPLETED;
	if (t->method == SIP_M_INVITE) {
		make_ack(t, m);
		send_ack(t);
	}
	call_owner(t, m, 0);
	linger(t);
}

static void stray(struct sip_ctx *t, struct sip_msg *m)
{
	struct sip_path from;

	t->stack->stats.stray++;
	path_unpack(&from, &t->out);
	if (t->stack->ops.stray_response)
		t->stack->ops.stray_response(t->stack->arg, m, &from);
}

static void final(struct sip_ctx *t, struct sip_msg *m, bool is_2xx)
{
	bool invite_2xx = t->method == SIP_M_INVITE && is_2xx;

	timer_stop(t->stack->loop, &t->retransmit);
	timer_stop(t->stack->loop, &t->life);
	if (invite_2xx && !t->fn) { /* detached: still somebody's call */
		stray(t, m);
		terminate(t);
	} else if (invite_2xx) {
		final_2xx_invite(t, m);
	} else {
		final_other(t, m);
	}
}

/* The proxy core is gone: the same 2xx again is what upstream got already; one of another UAS goes as it is. */
static void late_2xx(struct sip_ctx *t, struct sip_msg *m)
{
	struct siphash h;

	siphash_init(&h, t->stack->key);
	siphash_add_str(&h, sip_msg_to_tag(m));
	if ((siphash_end(&h) | 1) == t->late_tag)
		stx_resend_2xx(t->late_stx);
	else if (!sip_msg_remove_first_elem(m, SIP_H_VIA))
		stx_respond_proxied(t->late_stx, m);
}

void ctx_response(struct sip_ctx *t, struct sip_msg *m)
{
	int status = sip_msg_status(m);
	bool is_2xx = status >= 200 && status < 300;

	switch ((enum ctx_state)t->state) {
	case CTX_CALLING:
	case CTX_PROCEEDING:
		if (status < 200)
			provisional(t, m);
		else
			final(t, m, is_2xx);
		break;
	case CTX_COMPLETED:
		if (is_2xx && t->method == SIP_M_INVITE)
			stray(t, m);
		else if (status >= 300)
			send_ack(t);
		break;
	case CTX_ACCEPTED:
		if (is_2xx && t->late_stx)
			late_2xx(t, m);
		else if (is_2xx)
			call_owner(t, m, 0);
		break;
	case CTX_TERMINATED:
		break;
	}
}

/* --- timers --- */

static void on_retransmit(struct timer *timer)
{
	struct sip_ctx *t = container_of(timer, struct sip_ctx, retransmit);
	int r;

	if (t->state > CTX_PROCEEDING)
		return;
	t->stack->stats.tx_retransmits++;
	r = send_request(t);
	if (r < 0 && r != -ENOMEM && r != -ENOBUFS && t->state == CTX_CALLING) {
		ctx_failed(t, r);
		return;
	}
	t->interval_ms *= 2;
	if (t->method != SIP_M_INVITE)
		t->interval_ms = t->state == CTX_PROCEEDING ? timers(t)->t2_ms
							    : MIN(t->interval_ms, timers(t)->t2_ms);
	start_ms(t, &t->retransmit, t->interval_ms);
}

static void on_life(struct timer *timer)
{
	struct sip_ctx *t = container_of(timer, struct sip_ctx, life);

	switch ((enum ctx_state)t->state) {
	case CTX_CALLING:
	case CTX_PROCEEDING:
		t->stack->stats.timeouts++;
		end_with(t, -ETIMEDOUT);
		break;
	case CTX_ACCEPTED:
		end_with(t, 0);
		break;
	case CTX_COMPLETED:
	case CTX_TERMINATED:
		terminate(t);
		break;
	}
}

/* --- accessors --- */

void sip_ctx_detach(struct sip_ctx *t)
{
	t->fn = NULL;
	t->arg = NULL;
}

struct sip_msg *sip_ctx_request(struct sip_ctx *t)
{
	return t->req;
}

const struct sip_path *sip_ctx_path(const struct sip_ctx *t)
{
	return t->path;
}
