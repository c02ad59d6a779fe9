// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The response context of a proxy (RFC 3261 16.5 to 16.10): branches, their hops (RFC 3263 4.3),
 * timer C, the best response, CANCEL.
 *
 * A branch is WAITing for its q value's turn, RESOLVING its next hop, CALLING, or DONE with a status (0: the
 * owner swallowed it). A response that the owner holds (-EAGAIN) is a struct held and counts as
 * unfinished business.
 *
 * Invariants: the owner's end() is the last call and comes exactly once; nothing is freed while a
 * callback runs (busy), nor before sip_proxy_forward() has returned: what fails at once is
 * treated by the kick timer. Once the fwd is gone, its client transactions in ACCEPTED repeat the 2xx by
 * themselves (late_stx).
 */
#include "lib/core/log.h"
#include "lib/sip/proxy_priv.h"

#define TIMER_C_MS 180000
#define HOPS_MAX   8

enum br_state { BR_WAIT, BR_RESOLVING, BR_CALLING, BR_DONE };

struct branch {
	struct branch *next;
	struct sip_fwd *f;
	struct fwd_target target;
	enum br_state state;
	struct sip_ctx *ctx; /* also while DONE with a 2xx */
	struct sip_query *query;
	struct sip_hop *hops; /* while there are more than the one in use */
	size_t n_hops, i_hop;
	struct timer timer_c;
	bool timed_out;	  /* timer C: its 487 counts as 408 */
	int status;	  /* DONE: 0 nothing */
	int fail;	  /* status to end with at the next kick */
	uint64_t tag_2xx; /* To tag of the 2xx, hashed; 0: none */
	struct sip_msg *best;
};

struct held {
	struct held *next;
	struct sip_msg *resp;
	struct branch *br;
	bool best;
};

struct sip_fwd {
	struct sip_fwd *next, *prev; /* of the stack */
	struct sip_stack *stack;
	struct sip_resolver *resolver;
	struct sip_stx *stx;
	struct sip_msg *req;
	const struct sip_fwd_ops *ops;
	void *arg;
	struct branch *branches;
	struct held *held;
	struct timer kick;
	uint32_t timer_c_ms;
	uint64_t loop_hash;
	char *reason; /* of the CANCEL */
	int status;   /* what went upstream */
	int busy;
	bool invite;
	bool cancelled; /* by upstream or by the owner: start nothing more */
	bool settled;	/* the best response was chosen (or swallowed) */
	bool got_6xx;
};

static void check(struct sip_fwd *f);
static void start_branch(struct branch *b);

/* --- life --- */

static void branch_free(struct branch *b)
{
	struct sip_stack *s = b->f->stack;

	timer_stop(s->loop, &b->timer_c);
	if (b->query)
		sip_query_cancel(b->query);
	fwd_target_fini(&b->target);
	free(b->hops);
	sip_msg_unref(b->best);
	free(b);
}

/* A ctx in ACCEPTED goes on alone; any other one ends by itself. */
static void leave_ctx(struct branch *b)
{
	struct sip_ctx *t = b->ctx;

	b->ctx = NULL;
	if (!t)
		return;
	if (b->tag_2xx && t->state == CTX_ACCEPTED && b->f->stx->state == STX_ACCEPTED) {
		t->late_stx = stx_ref_late(b->f->stx);
		t->late_tag = b->tag_2xx;
	}
	sip_ctx_detach(t);
}

static void fwd_unlink(struct sip_fwd *f)
{
	*(f->prev ? &f->prev->next : &f->stack->fwds) = f->next;
	if (f->next)
		f->next->prev = f->prev;
}

static void fwd_free(struct sip_fwd *f)
{
	struct branch *b;
	struct held *h;

	timer_stop(f->stack->loop, &f->kick);
	fwd_unlink(f);
	while ((b = f->branches)) {
		f->branches = b->next;
		leave_ctx(b);
		branch_free(b);
	}
	while ((h = f->held)) {
		f->held = h->next;
		free(h); /* the reference is the owner's */
	}
	if (f->stx->live && f->stx->live->cancel_arg == f)
		sip_stx_on_cancel(f->stx, NULL, NULL);
	if (f->stx->live && f->stx->live->end_arg == f)
		sip_stx_on_end(f->stx, NULL, NULL);
	sip_stx_unref(f->stx);
	sip_msg_unref(f->req);
	free(f->reason);
	free(f);
}

static void finish(struct sip_fwd *f)
{
	f->busy++;
	if (f->ops && f->ops->end)
		f->ops->end(f->arg, f, f->status);
	fwd_free(f);
}

static void free_all(struct sip_stack *s)
{
	while (s->fwds)
		finish(s->fwds);
}

/* Soon, on a clean stack. */
static void kick(struct sip_fwd *f)
{
	timer_start(f->stack->loop, &f->kick, 0);
}

/* --- upstream --- */

static uint64_t tag_hash(const struct sip_fwd *f, const struct sip_msg *m)
{
	struct siphash h;

	siphash_init(&h, f->stack->key);
	siphash_add_str(&h, sip_msg_to_tag(m));
	return siphash_end(&h) | 1;
}

/* A response of ours that says why (RFC 3326, in responses as RFC 6432 5 has it). */
static void reply_because(struct sip_fwd *f, int status, struct str why, struct str warning,
			  struct str their_warning)
{
	_cleanup_msg_ struct sip_msg *m = NULL;

	if (sip_stx_done(f->stx))
		return;
	m = stx_new_reply(f->stx, status, NULL, warning);
	if (!m)
		return;
	if (their_warning.n)
		sip_msg_set(m, SIP_H_WARNING, "%.*s", STR_FMT(their_warning));
	if (why.n) {
		sip_msg_set(m, SIP_H_REASON, "%.*s", STR_FMT(why));
		sip_msg_remove(m, SIP_H_RETRY_AFTER); /* one call is refused; there is no overload */
	}
	sip_stx_respond(f->stx, m);
}

/* 16.7 step 6: the 503 of one of ours says nothing about us; why it was sent is still the caller's to know. */
static void respond_503_as_500(struct sip_fwd *f, const struct sip_msg *resp)
{
	reply_because(f, 500, sip_msg_value(resp, SIP_H_REASON),
		      STR("the next server is unavailable"),
		      sip_msg_value(resp, SIP_H_WARNING));
}

static void send_up(struct sip_fwd *f, struct sip_msg *resp)
{
	int status = sip_msg_status(resp), r;

	if (status >= 200)
		f->status = f->status && status >= 300 ? f->status : status;
	if (status == 503) {
		respond_503_as_500(f, resp);
		f->status = 500;
		return;
	}
	r = stx_respond_proxied(f->stx, resp);
	if (r == -EALREADY && status >= 200 && status < 300) {
		struct via v;
		struct sip_path p;

		/* A final response went up before: a 2xx goes all the same (16.7 step 5), without state. */
		path_unpack(&p, &f->stx->reply);
		if (!via_top(resp, &v))
			sip_tp_send(f->stack->tp, &p, resp, NULL);
	}
}

static int ask_owner(struct sip_fwd *f, struct sip_msg *resp, bool best)
{
	int r;

	if (!f->ops || !f->ops->response)
		return 0;
	f->busy++;
	r = f->ops->response(f->arg, f, resp, best);
	f->busy--;
	return r;
}

static int hold(struct branch *b, struct sip_fwd *f, struct sip_msg *resp, bool best)
{
	struct held *h = calloc(1, sizeof(*h));

	if (!h)
		return -ENOMEM;
	h->resp = resp;
	h->br = b;
	h->best = best;
	h->next = f->held;
	f->held = h;
	return 0;
}

/* --- downstream: ends of branches --- */

static void cancel_branch(struct branch *b)
{
	switch (b->state) {
	case BR_WAIT:
		b->state = BR_DONE;
		break;
	case BR_RESOLVING:
		if (b->query)
			sip_query_cancel(b->query);
		b->query = NULL;
		b->fail = 487;
		kick(b->f);
		break;
	case BR_CALLING:
		if (b->ctx && b->f->invite) {
			sip_ctx_cancel(b->ctx, b->f->reason);
			break;
		}
		if (b->ctx) /* nothing but INVITE can be cancelled: nobody listens any more */
			sip_ctx_detach(b->ctx);
		b->ctx = NULL;
		b->state = BR_DONE;
		break;
	case BR_DONE:
		break;
	}
}

static void cancel_others(struct sip_fwd *f, struct branch *but)
{
	for (struct branch *b = f->branches; b; b = b->next)
		if (b != but)
			cancel_branch(b);
}

static void branch_done(struct branch *b, int status, struct sip_msg *resp)
{
	struct sip_fwd *f = b->f;

	b->state = BR_DONE;
	b->status = status;
	timer_stop(f->stack->loop, &b->timer_c);
	if (status >= 300 && resp) {
		sip_msg_unref(b->best);
		b->best = sip_msg_ref(resp);
	}
	if (status >= 600) {
		f->got_6xx = true;
		cancel_others(f, b);
	}
}

/* What the owner let through. */
static void pass(struct branch *b, struct sip_msg *resp)
{
	int status = sip_msg_status(resp);

	if (status < 300)
		send_up(b->f, resp);
	if (status >= 200)
		branch_done(b, status, resp);
}

static void offer(struct branch *b, struct sip_msg *resp)
{
	struct sip_fwd *f = b->f;
	int status = sip_msg_status(resp), r;
	bool final_2xx = status >= 200 && status < 300;

	r = ask_owner(f, resp, final_2xx);
	if (r == -EAGAIN && !hold(b, f, resp, final_2xx)) {
		if (status >= 200)
			timer_stop(f->stack->loop, &b->timer_c);
		return;
	}
	if (r == 0)
		pass(b, resp);
	else if (status >= 200)
		branch_done(b, 0, NULL);
}

/* A response that no server sent. */
static void offer_own(struct branch *b, int status)
{
	_cleanup_msg_ struct sip_msg *m =
		stack_response(b->f->stack, b->f->req, status, NULL, NULL);

	if (m)
		offer(b, m);
	else
		branch_done(b, 0, NULL);
}

static bool next_hop(struct branch *b)
{
	if (b->f->cancelled || b->f->got_6xx || b->i_hop + 1 >= b->n_hops)
		return false;
	b->i_hop++;
	start_branch(b);
	return true;
}

static void branch_failed(struct branch *b, int err)
{
	if (sip_stx_done(b->f->stx)) {
		branch_done(b, 0, NULL);
		return;
	}
	if (next_hop(b))
		return;
	offer_own(b, err == -ETIMEDOUT ? 408 : 503);
}

/* --- downstream: responses --- */

static void restart_timer_c(struct branch *b)
{
	if (b->f->invite)
		timer_start(b->f->stack->loop, &b->timer_c, b->f->timer_c_ms * USEC_PER_MSEC);
}

static void response_2xx(struct branch *b, struct sip_msg *resp)
{
	uint64_t tag = tag_hash(b->f, resp);

	if (b->tag_2xx == tag) { /* again: unless the owner still thinks about the first one */
		if (!b->f->held)
			stx_resend_2xx(b->f->stx);
		return;
	}
	b->tag_2xx = tag;
	cancel_others(b->f, b);
	offer(b, resp);
}

static void response_final(struct branch *b, struct sip_msg *resp)
{
	int status = sip_msg_status(resp);

	if (status == 503 && next_hop(b))
		return;
	if (b->timed_out && status == 487)
		offer_own(b, 408);
	else
		offer(b, resp);
}

static void response(struct branch *b, struct sip_msg *resp)
{
	int status = sip_msg_status(resp);
	bool whole;

	if (status == 100)
		return;
	whole = !sip_msg_remove_first_elem(resp, SIP_H_VIA) && sip_msg_hf(resp, SIP_H_VIA);
	if (status < 200) {
		restart_timer_c(b);
		if (whole)
			offer(b, resp);
		return;
	}
	timer_stop(b->f->stack->loop, &b->timer_c);
	if (status >= 300 || !b->f->invite)
		b->ctx = NULL; /* gone after this call */
	if (!whole)	       /* the other side took out more than its own Via: no way back */
		offer_own(b, 502);
	else if (status < 300)
		response_2xx(b, resp);
	else
		response_final(b, resp);
}

static void on_ctx(void *arg, struct sip_ctx *t, struct sip_msg *resp, int err)
{
	struct branch *b = arg;
	struct sip_fwd *f = b->f;

	(void)t;
	f->busy++;
	if (resp) {
		response(b, resp);
	} else {
		b->ctx = NULL;
		if (err)
			branch_failed(b, err);
	}
	f->busy--;
	check(f);
}

/* 16.8. */
static void on_timer_c(struct timer *t)
{
	struct branch *b = container_of(t, struct branch, timer_c);

	if (b->state != BR_CALLING || !b->ctx)
		return;
	b->timed_out = true;
	sip_ctx_cancel(b->ctx, "SIP;cause=408;text=\"timer C\"");
}

/* --- downstream: sending --- */

static void fail_soon(struct branch *b, int status)
{
	b->state = BR_RESOLVING;
	b->fail = status;
	kick(b->f);
}

static int make_request(struct branch *b, struct sip_msg **ret)
{
	struct sip_msg *m = sip_msg_clone(b->f->req);
	int r = m ? fwd_target_apply(m, &b->target) : -ENOMEM;

	if (r < 0) {
		sip_msg_unref(m);
		return r;
	}
	*ret = m;
	return 0;
}

static int edit_and_send(struct branch *b, struct sip_msg *m, const struct sip_path *path)
{
	struct sip_fwd *f = b->f;
	int r;

	f->busy++;
	r = b->target.edit ? b->target.edit(f->arg, m, b->target.user) : 0;
	f->busy--;
	if (!r)
		r = fwd_obey_strict_route(m);
	if (r)
		return r;
	return fwd_start(f->stack, m, &b->target, path, f->loop_hash, on_ctx, b, &b->ctx);
}

/* Sends to hop i or one behind it. */
static void send_to_hops(struct branch *b)
{
	struct sip_fwd *f = b->f;
	int r = -EHOSTUNREACH;

	for (;; b->i_hop++) {
		_cleanup_msg_ struct sip_msg *m = NULL;
		struct sip_path path;

		path_unpack(&path, &b->target.path);
		r = b->target.has_path
			    ? 0
			    : fwd_hop_path(f->stack, &b->target, &b->hops[b->i_hop], &path);
		if (!r)
			r = make_request(b, &m);
		if (!r)
			r = edit_and_send(b, m, &path);
		if (r >= 0 || b->target.has_path || b->i_hop + 1 >= b->n_hops)
			break;
	}
	if (r) {
		fail_soon(b, r > 0 ? r : r == -ELOOP ? 483 : 503);
		return;
	}
	b->state = BR_CALLING;
	restart_timer_c(b);
	if (b->i_hop + 1 >= b->n_hops) {
		free(b->hops);
		b->hops = NULL;
	}
}

static void on_hops(void *arg, const struct sip_hop *hops, size_t n, int err)
{
	struct branch *b = arg;

	b->query = NULL;
	if (b->state != BR_RESOLVING || b->fail)
		return;
	if (err || !n) {
		log_debug("sip: next hop not found: %s", strerror(-err));
		fail_soon(b, err == -ETIMEDOUT ? 504 : 503);
		return;
	}
	b->n_hops = MIN(n, (size_t)HOPS_MAX);
	b->hops = malloc(b->n_hops * sizeof(*hops));
	if (!b->hops) {
		fail_soon(b, 503);
		return;
	}
	memcpy(b->hops, hops, b->n_hops * sizeof(*hops));
	b->i_hop = 0;
	send_to_hops(b);
}

static void resolve(struct branch *b)
{
	struct sip_fwd *f = b->f;
	struct sip_query *q = NULL;
	int r = -EHOSTUNREACH;

	b->state = BR_RESOLVING;
	if (f->resolver)
		r = sip_resolve(f->resolver, fwd_next_hop(f->req, &b->target), on_hops, b, &q);
	if (r < 0)
		fail_soon(b, 503);
	else if (b->state == BR_RESOLVING && !b->fail)
		b->query = q;
}

static void start_branch(struct branch *b)
{
	if (b->target.has_path || b->n_hops)
		send_to_hops(b);
	else
		resolve(b);
}

static void start_next_group(struct sip_fwd *f)
{
	uint32_t q = 0;
	bool any = false;

	for (struct branch *b = f->branches; b; b = b->next)
		if (b->state == BR_WAIT && (!any || b->target.q > q)) {
			q = b->target.q;
			any = true;
		}
	for (struct branch *b = f->branches; any && b; b = b->next)
		if (b->state == BR_WAIT && b->target.q == q)
			start_branch(b);
}

/* --- the choice (16.7 step 6) --- */

static bool preferred_4xx(int status)
{
	return status == 401 || status == 407 || status == 415 || status == 420 || status == 484;
}

/* Lower is better. */
static int rank(int status)
{
	if (status >= 600)
		return 0;
	if (status == 503)
		return 5999;
	return status / 100 * 1000 + (status / 100 == 4 && !preferred_4xx(status) ? 500 : 0);
}

static struct branch *best_branch(struct sip_fwd *f)
{
	struct branch *best = NULL;

	for (struct branch *b = f->branches; b; b = b->next)
		if (b->best && (!best || rank(b->status) < rank(best->status)))
			best = b;
	return best;
}

static void add_challenges(struct sip_msg *dst, const struct sip_msg *src, enum sip_hdr id)
{
	const struct sip_hf *hf = NULL;

	while ((hf = sip_msg_next(src, id, hf)))
		sip_msg_add(dst, id, "%.*s", STR_FMT(hf->value));
}

/* 16.7 step 7. */
static void aggregate_challenges(struct sip_fwd *f, const struct branch *best)
{
	if (best->status != 401 && best->status != 407)
		return;
	for (struct branch *b = f->branches; b; b = b->next) {
		if (b == best || !b->best || (b->status != 401 && b->status != 407))
			continue;
		add_challenges(best->best, b->best, SIP_H_WWW_AUTHENTICATE);
		add_challenges(best->best, b->best, SIP_H_PROXY_AUTHENTICATE);
	}
}

static void settle(struct sip_fwd *f)
{
	struct branch *b = best_branch(f);
	int r;

	f->settled = true;
	if (sip_stx_done(f->stx)) {
		if (!f->status)
			f->status = f->stx->status;
		return;
	}
	if (!b) {
		if (f->cancelled) {
			sip_stx_reply(f->stx, 487, NULL, NULL);
			f->status = 487;
		}
		return;
	}
	aggregate_challenges(f, b);
	r = ask_owner(f, b->best, true);
	if (r == -EAGAIN && !hold(b, f, b->best, true))
		return;
	if (r == 0)
		send_up(f, b->best);
	else if (sip_stx_done(f->stx))
		f->status = f->stx->status;
}

static bool unfinished(const struct sip_fwd *f)
{
	if (f->held)
		return true;
	for (const struct branch *b = f->branches; b; b = b->next)
		if (b->state == BR_RESOLVING || b->state == BR_CALLING)
			return true;
	return false;
}

static bool more_to_try(const struct sip_fwd *f)
{
	if (f->cancelled || f->got_6xx || f->settled || sip_stx_done(f->stx))
		return false;
	for (const struct branch *b = f->branches; b; b = b->next)
		if (b->state == BR_WAIT)
			return true;
	return false;
}

/* Where it stands after something happened. May free f. */
static void check(struct sip_fwd *f)
{
	if (f->busy)
		return;
	f->busy++;
	while (!unfinished(f)) {
		if (more_to_try(f))
			start_next_group(f);
		else if (!f->settled)
			settle(f);
		else
			break;
	}
	f->busy--;
	if (!unfinished(f) && f->settled)
		finish(f);
}

static void on_kick(struct timer *t)
{
	struct sip_fwd *f = container_of(t, struct sip_fwd, kick);

	f->busy++;
	for (struct branch *b = f->branches; b; b = b->next) {
		int status = b->fail;

		if (!status)
			continue;
		b->fail = 0;
		if (sip_stx_done(f->stx))
			branch_done(b, 0, NULL);
		else
			offer_own(b, status);
	}
	f->busy--;
	check(f);
}

/* --- CANCEL and other ends --- */

static void on_cancel(void *arg, struct sip_stx *stx, struct sip_msg *cancel)
{
	struct sip_fwd *f = arg;
	struct str reason = sip_msg_value(cancel, SIP_H_REASON);

	(void)stx;
	f->busy++;
	f->cancelled = true;
	if (reason.n && !f->reason)
		f->reason = str_dup(reason);
	if (f->ops && f->ops->cancelled)
		f->ops->cancelled(f->arg, f);
	cancel_others(f, NULL);
	f->busy--;
	check(f);
}

/* The server transaction ended over our heads (limit of a non-INVITE): nobody waits any more. */
static void on_stx_end(void *arg, struct sip_stx *stx, bool acked)
{
	struct sip_fwd *f = arg;

	(void)acked;
	if (f->invite)
		return;
	for (struct branch *b = f->branches; b; b = b->next) {
		if (b->ctx)
			sip_ctx_detach(b->ctx);
		b->ctx = NULL;
		b->state = BR_DONE;
	}
	f->status = f->status ? f->status : stx->status;
	f->settled = true;
	check(f);
}

void sip_fwd_cancel(struct sip_fwd *f, int status, const char *reason_value)
{
	f->busy++;
	f->cancelled = true;
	if (reason_value && !f->reason)
		f->reason = strdup(reason_value);
	if (!sip_stx_done(f->stx)) {
		struct str why = str_of(reason_value), text = { NULL, 0 };

		f->status = status ? status : 487;
		if (why.n)
			sip_param(why, "text", &text);
		reply_because(f, f->status, why, text, (struct str){ NULL, 0 });
	}
	cancel_others(f, NULL);
	f->busy--;
	kick(f); /* not here: the owner may stand inside one of our callbacks, or of his own */
}

static struct branch *take_held(struct sip_fwd *f, const struct sip_msg *resp, bool *ret_best)
{
	for (struct held **p = &f->held; *p; p = &(*p)->next) {
		struct held *h = *p;
		struct branch *b = h->br;

		if (h->resp != resp)
			continue;
		*ret_best = h->best;
		*p = h->next;
		free(h);
		return b;
	}
	return NULL;
}

void sip_fwd_resume(struct sip_fwd *f, struct sip_msg *resp)
{
	bool best = false;
	struct branch *b = take_held(f, resp, &best);

	f->busy++;
	if (b && best && sip_msg_status(resp) >= 300)
		send_up(f, resp);
	else if (b)
		pass(b, resp);
	f->busy--;
	sip_msg_unref(resp);
	check(f);
}

void sip_fwd_drop(struct sip_fwd *f, struct sip_msg *resp)
{
	bool best = false;
	struct branch *b = take_held(f, resp, &best);

	if (b && !(best && sip_msg_status(resp) >= 300) && sip_msg_status(resp) >= 200)
		branch_done(b, 0, NULL);
	if (sip_stx_done(f->stx) && !f->status)
		f->status = f->stx->status;
	sip_msg_unref(resp);
	check(f);
}

/* --- begin --- */

static int add_branch(struct sip_fwd *f, const struct sip_target *t)
{
	struct branch *b = calloc(1, sizeof(*b)), **tail = &f->branches;
	int r;

	if (!b)
		return -ENOMEM;
	r = fwd_target_copy(&b->target, t);
	if (r < 0) {
		free(b);
		return r;
	}
	b->f = f;
	b->timer_c.fn = on_timer_c;
	while (*tail)
		tail = &(*tail)->next;
	*tail = b;
	return 0;
}

int sip_fwd_add_target(struct sip_fwd *f, const struct sip_target *t)
{
	int r;

	if (f->cancelled || f->settled || f->got_6xx || sip_stx_done(f->stx))
		return -EALREADY;
	r = add_branch(f, t);
	if (!r)
		kick(f);
	return r;
}

static void ep_closed(struct sip_stack *s, const struct sip_ep *ep)
{
	for (struct sip_fwd *f = s->fwds; f; f = f->next)
		for (struct branch *b = f->branches; b; b = b->next) {
			if (b->target.path.ep == ep)
				b->target.path.ep = NULL;
			if (b->target.ep == ep)
				b->target.ep = NULL;
		}
}

static struct sip_fwd *fwd_new(struct sip_stack *s, struct sip_stx *stx, struct sip_msg *m,
			       const struct sip_fwd_ops *ops, void *arg)
{
	struct sip_fwd *f = calloc(1, sizeof(*f));

	if (!f)
		return NULL;
	f->stack = s;
	f->stx = sip_stx_ref(stx);
	f->req = sip_msg_ref(m);
	f->ops = ops;
	f->arg = arg;
	f->invite = stx->invite;
	f->loop_hash = stx->live ? stx->live->loop_hash : 0;
	f->kick.fn = on_kick;
	f->next = s->fwds;
	if (f->next)
		f->next->prev = f;
	s->fwds = f;
	s->free_fwds = free_all;
	s->fwds_ep_closed = ep_closed;
	return f;
}

/* 16.2: 100 for an INVITE at once. */
static void send_trying(struct sip_fwd *f)
{
	_cleanup_msg_ struct sip_msg *m = NULL;

	if (!f->invite || f->stx->state != STX_TRYING)
		return;
	m = stack_response(f->stack, f->req, 100, NULL, NULL);
	if (m)
		stx_respond_proxied(f->stx, m);
}

int sip_proxy_forward(struct sip_stack *s, struct sip_resolver *r, struct sip_stx *stx,
		      struct sip_msg *m, const struct sip_target *targets, size_t n,
		      uint32_t timer_c_ms, const struct sip_fwd_ops *ops, void *arg,
		      struct sip_fwd **ret)
{
	struct sip_fwd *f;
	int e = 0;

	if (!n)
		return -EINVAL;
	if (sip_stx_done(stx))
		return -EALREADY;
	f = fwd_new(s, stx, m, ops, arg);
	if (!f)
		return -ENOMEM;
	f->resolver = r;
	f->timer_c_ms = timer_c_ms ? timer_c_ms : TIMER_C_MS;
	for (size_t i = 0; i < n && !e; i++)
		e = add_branch(f, &targets[i]);
	if (e < 0) {
		fwd_free(f);
		return e;
	}
	sip_stx_on_cancel(stx, on_cancel, f);
	sip_stx_on_end(stx, on_stx_end, f);
	send_trying(f);
	if (ret)
		*ret = f;
	f->busy++;
	start_next_group(f);
	f->busy--;
	return 0;
}

/* --- accessors --- */

struct sip_stx *sip_fwd_stx(struct sip_fwd *f)
{
	return f->stx;
}

void *sip_fwd_arg(struct sip_fwd *f)
{
	return f->arg;
}

struct sip_msg *sip_fwd_request(struct sip_fwd *f)
{
	return f->req;
}
