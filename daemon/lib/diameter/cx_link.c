// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Calls of Cx over the node (TS 29.228 6, TS 29.229 5): a request with its answer function, and
 * the requests of others with their answers. All of this file runs on the loop's thread.
 *
 * Invariants: a call is in the table from cx_send_*() until its function was called, exactly once;
 * its timer always runs. The id that travels with the message names slot and generation, so
 * that a late answer finds nothing. A token lives until it is answered or the node is closed.
 */
#include <stdio.h>

#include "lib/core/log.h"
#include "lib/diameter/node.h"
#include "ref/cx_tables.h"

union cx_fn {
	cx_uaa_fn uaa;
	cx_maa_fn maa;
	cx_saa_fn saa;
	cx_lia_fn lia;
	cx_rta_fn rta;
	cx_ppa_fn ppa;
};

struct call {
	struct dia_link *link;
	const struct ie_command *cmd; /* of the answer */
	union cx_fn fn;
	void *arg;
	struct timer timer;
	uint32_t slot;
	uint64_t id;  /* see dia_id() */
	uint64_t via; /* connection, 0: not known */
};

struct cx_token {
	struct dia_link *link;
	struct cx_token *next, **pprev;
	void *req;
	uint8_t *buf;
	struct ie_header header;
	struct ie_env env;  /* views into buf */
	struct ie_buf held; /* its answer, until cx_release() */
	struct cx_token *held_next;
};

struct dia_link {
	struct dia *d;
	struct call **calls; /* NULL: free */
	uint32_t *free_slots;
	uint32_t n_slots, n_free;
	uint32_t generation;
	uint64_t session; /* low part of Session-Id */
	struct cx_token *tokens;
	struct cx_token *held, **held_tail;
	bool hold;
	bool closing;
	const struct cx_server_ops *ops;
	void *ops_arg;
};

struct dia_link *dia_link_new(struct dia *d)
{
	struct dia_link *k = calloc(1, sizeof(*k));

	if (!k)
		return NULL;
	k->d = d;
	k->held_tail = &k->held;
	/* RFC 6733 3: unique for four minutes, also across a restart. */
	k->generation = (uint32_t)(loop_wall(d->loop) / USEC_PER_SEC) << 20;
	return k;
}

/* --- table of calls --- */

static int grow(struct dia_link *k)
{
	uint32_t n = k->n_slots ? k->n_slots * 2 : 64;
	struct call **c;
	uint32_t *f;

	if (n > UINT32_C(1) << DIA_SLOT_BITS)
		return -ENOMEM;
	c = realloc(k->calls, n * sizeof(struct call *));
	if (!c)
		return -ENOMEM;
	k->calls = c;
	f = realloc(k->free_slots, n * sizeof(*f));
	if (!f)
		return -ENOMEM;
	k->free_slots = f;
	for (uint32_t i = n; i-- > k->n_slots;) {
		c[i] = NULL;
		f[k->n_free++] = i;
	}
	k->n_slots = n;
	return 0;
}

static struct call *call_of(struct dia_link *k, uint64_t id)
{
	uint32_t slot = id & ((UINT32_C(1) << DIA_SLOT_BITS) - 1);
	struct call *c = slot < k->n_slots ? k->calls[slot] : NULL;

	return c && c->id == id ? c : NULL;
}

static void call_free(struct call *c)
{
	struct dia_link *k = c->link;

	timer_stop(k->d->loop, &c->timer);
	k->calls[c->slot] = NULL;
	k->free_slots[k->n_free++] = c->slot;
	free(c);
}

static void invoke(const struct ie_command *cmd, union cx_fn fn, void *arg, const union cx_any *a)
{
	switch ((enum cx_command)cmd->code) {
	case CX_UAR:
		fn.uaa(arg, &a->uaa);
		return;
	case CX_MAR:
		fn.maa(arg, &a->maa);
		return;
	case CX_SAR:
		fn.saa(arg, &a->saa);
		return;
	case CX_LIR:
		fn.lia(arg, &a->lia);
		return;
	case CX_RTR:
		fn.rta(arg, &a->rta);
		return;
	case CX_PPR:
		fn.ppa(arg, &a->ppa);
		return;
	}
}

static void set_result(const struct ie_command *cmd, union cx_any *a, int result)
{
	ie_init(cmd, a);
	*(int *)((char *)a + cmd->result_off) = result;
}

static void finish(struct call *c, const union cx_any *a)
{
	const struct ie_command *cmd = c->cmd;
	union cx_fn fn = c->fn;
	void *arg = c->arg;

	call_free(c); /* first: the function may send again or close the node */
	invoke(cmd, fn, arg, a);
}

static void finish_local(struct call *c, int result)
{
	union cx_any a;

	set_result(c->cmd, &a, result);
	finish(c, &a);
}

static void on_timeout(struct timer *t)
{
	finish_local(container_of(t, struct call, timer), CX_TIMEOUT);
}

void dia_link_failed(struct dia_link *k, uint64_t id, int result)
{
	struct call *c = call_of(k, id);

	if (c)
		finish_local(c, result);
}

void dia_link_answer(struct dia_link *k, uint64_t id, const uint8_t *buf, size_t n)
{
	struct call *c = call_of(k, id);
	struct ie_error e;
	struct ie_env env;
	union cx_any a;
	char line[1024];

	if (!c)
		return; /* too late: the caller has had CX_TIMEOUT */
	if (ie_decode(c->cmd, &cx_dict, buf, n, &env, &a, &e)) {
		log_debug("%s refused: %d %s", c->cmd->abbrev, e.result, e.avp ? e.avp->name : "");
		set_result(c->cmd, &a, CX_BAD_ANSWER);
	} else if (*(int *)((char *)&a + c->cmd->result_off) == CX_UNABLE_TO_DELIVER &&
		   str_ieqz(env.origin_host, k->d->conf.identity)) {
		set_result(c->cmd, &a, CX_NO_PEER); /* freeDiameter answered it itself */
	}
	log_debug("<- %s", ie_print(&cx_dict, c->cmd, buf, n, line, sizeof(line)));
	finish(c, &a);
}

/* Timers of 0 are how a call fails "at once": on the loop, never inside cx_send_*(). */
static struct call *call_new(struct dia_link *k, const struct ie_command *cmd, union cx_fn fn,
			     void *arg)
{
	struct call *c;

	if (!k->n_free && grow(k))
		return NULL;
	c = calloc(1, sizeof(*c));
	if (!c)
		return NULL;
	c->link = k;
	c->cmd = cmd;
	c->fn = fn;
	c->arg = arg;
	c->timer.fn = on_timeout;
	c->slot = k->free_slots[--k->n_free];
	c->id = dia_id(++k->generation, c->slot);
	k->calls[c->slot] = c;
	return c;
}

static void on_no_peer(struct timer *t)
{
	finish_local(container_of(t, struct call, timer), CX_NO_PEER);
}

static void on_busy(struct timer *t)
{
	finish_local(container_of(t, struct call, timer), CX_TOO_BUSY);
}

static void fail_soon(struct call *c, void (*fn)(struct timer *))
{
	c->timer.fn = fn;
	timer_start(c->link->d->loop, &c->timer, 0);
}

void dia_link_lost(struct dia_link *k, uint64_t via)
{
	for (uint32_t i = 0; i < k->n_slots; i++)
		if (k->calls[i] && k->calls[i]->via == via)
			fail_soon(k->calls[i], on_no_peer);
}

/* --- sending --- */

static void own_env(const struct dia_link *k, struct ie_env *env)
{
	const struct dia_conf *c = &k->d->conf;

	*env = (struct ie_env){
		.origin_host = str_of(c->identity),
		.origin_realm = str_of(c->realm),
		.vsai_vendor = CX_VENDOR,
		.vsai_auth_app = CX_APP_ID,
		.auth_session_state = 1,
	};
}

/* Session-Id of RFC 6733 8.8: identity ; high ; low. The high part changes with each start. */
static struct str session_id(struct dia_link *k, char *dst, size_t size)
{
	struct loop *l = k->d->loop;
	int n;

	if (!k->session)
		k->session = loop_wall(l) / USEC_PER_SEC << 32;
	k->session++;
	n = snprintf(dst, size, "%s;%u;%u;cx", k->d->conf.identity, (uint32_t)(k->session >> 32),
		     (uint32_t)k->session);
	return (struct str){ dst, MIN((size_t)n, size - 1) };
}

static int encode_request(struct dia_link *k, const struct call *c, const char *dest,
			  const struct ie_command *cmd, const void *r, struct ie_buf *b)
{
	struct ie_header h = { .hop_by_hop = c->slot,
			       .end_to_end = (uint32_t)(c->id >> DIA_SLOT_BITS) };
	struct ie_env env;
	char sid[512], line[1024];
	int e;

	own_env(k, &env);
	env.session_id = session_id(k, sid, sizeof(sid));
	env.dest_host = str_of(dest);
	env.dest_realm = env.origin_realm;
	e = ie_encode(cmd, &h, &env, r, NULL, b);
	if (!e)
		log_debug("-> %s", ie_print(&cx_dict, cmd, b->p, b->n, line, sizeof(line)));
	return e;
}

/* call: of a request; req: what an answer answers. */
static int submit(struct dia_link *k, struct ie_buf *b, struct call *c, const char *dest, void *req)
{
	uint64_t via = 0;
	int e;
	struct dia_out *o = calloc(1, sizeof(*o));

	if (!o) {
		free(b->p);
		k->d->tr->release(k->d, req);
		return -ENOMEM;
	}
	o->buf = b->p;
	o->n = b->n;
	o->id = c ? c->id : 0;
	o->dest_host = dest;
	o->req = req;
	e = k->d->tr->submit(k->d, o, &via);
	if (c)
		c->via = via;
	return e;
}

static int send_request(struct dia *d, const char *dest, const struct ie_command *cmd,
			const void *r, union cx_fn fn, void *arg)
{
	struct dia_link *k = d->link;
	struct ie_buf b = { 0 };
	struct call *c = k && !k->closing ? call_new(k, cx_find_command(cmd->code, false), fn, arg) : NULL;

	if (!c)
		return -ENOMEM;
	if (!d->tr->route_up(d, dest)) {
		fail_soon(c, on_no_peer);
		return 0;
	}
	if (encode_request(k, c, dest, cmd, r, &b)) {
		free(b.p);
		call_free(c);
		return -ENOMEM;
	}
	timer_start(d->loop, &c->timer, (uint64_t)d->conf.timeout_ms * USEC_PER_MSEC);
	if (submit(k, &b, c, dest, NULL))
		fail_soon(c, on_busy);
	return 0;
}

#define SEND(lower)                                                                            \
	int cx_send_##lower##r(struct dia *d, const char *dest, const struct cx_##lower##r *r, \
			       cx_##lower##a_fn fn, void *arg)                                 \
	{                                                                                      \
		return send_request(d, dest, &cx_##lower##r_cmd, r,                            \
				    (union cx_fn){ .lower##a = fn }, arg);                     \
	}
SEND(ua)
SEND(ma)
SEND(sa)
SEND(li)
SEND(rt)
SEND(pp)

/* --- serving --- */

void cx_serve(struct dia *d, const struct cx_server_ops *ops, void *arg)
{
	struct dia_link *k = d->link;

	k->ops = ops;
	k->ops_arg = arg;
}

static void token_free(struct cx_token *t)
{
	*t->pprev = t->next;
	if (t->next)
		t->next->pprev = t->pprev;
	t->link->d->tr->request_done(t->link->d);
	t->link->d->tr->release(t->link->d, t->req);
	free(t->held.p);
	free(t->buf);
	free(t);
}

static struct cx_token *token_new(struct dia_link *k, uint8_t *buf, void *req)
{
	struct cx_token *t = calloc(1, sizeof(*t));

	if (!t) {
		k->d->tr->request_done(k->d);
		k->d->tr->release(k->d, req);
		free(buf);
		return NULL;
	}
	t->link = k;
	t->req = req;
	t->buf = buf;
	t->next = k->tokens;
	t->pprev = &k->tokens;
	if (t->next)
		t->next->pprev = &t->next;
	k->tokens = t;
	return t;
}

static void answer_env(const struct cx_token *t, struct ie_env *env)
{
	own_env(t->link, env);
	env->session_id = t->env.session_id;
	env->n_proxy_info = t->env.n_proxy_info;
	memcpy(env->proxy_info, t->env.proxy_info, sizeof(env->proxy_info));
}

static int send_answer(struct cx_token *t, struct ie_buf *b, int e)
{
	struct dia_link *k = t->link;
	void *req = t->req;

	if (e) {
		free(b->p);
	} else {
		t->req = NULL;
		e = submit(k, b, NULL, NULL, req);
	}
	token_free(t);
	return e;
}

static int answer(struct cx_token *t, const struct ie_command *cmd, const void *a)
{
	struct ie_buf b = { 0 };
	struct ie_env env;
	char line[1024];
	int e;

	answer_env(t, &env);
	e = ie_encode(cmd, &t->header, &env, a, NULL, &b);
	if (!e)
		log_debug("-> %s", ie_print(&cx_dict, cmd, b.p, b.n, line, sizeof(line)));
	if (e || !t->link->hold)
		return send_answer(t, &b, e);
	t->held = b;
	*t->link->held_tail = t;
	t->link->held_tail = &t->held_next;
	return 0;
}

static void refuse(struct cx_token *t, const struct ie_error *err)
{
	struct ie_buf b = { 0 };
	struct ie_env env;

	answer_env(t, &env);
	send_answer(t, &b, ie_encode_error(&t->header, &env, err, &b));
}

void cx_hold(struct dia *d)
{
	d->link->hold = true;
}

void cx_release(struct dia *d, bool ok)
{
	static const struct ie_error unable = { .result = CX_UNABLE_TO_COMPLY };
	struct dia_link *k = d->link;
	struct cx_token *t = k->held, *next;
	struct ie_buf b;

	k->hold = false;
	k->held = NULL;
	k->held_tail = &k->held;
	for (; t; t = next) {
		next = t->held_next;
		b = t->held;
		t->held = (struct ie_buf){ 0 };
		if (ok) {
			send_answer(t, &b, 0);
		} else {
			free(b.p);
			refuse(t, &unable);
		}
	}
}

#define ANSWER(lower)                                                            \
	int cx_answer_##lower(struct cx_token *t, const struct cx_##lower##a *a) \
	{                                                                        \
		return answer(t, &cx_##lower##a_cmd, a);                         \
	}
ANSWER(ua)
ANSWER(ma)
ANSWER(sa)
ANSWER(li)
ANSWER(rt)
ANSWER(pp)

#define COMMAND_UNSUPPORTED 3001
#define SERVE(lower)                       \
	if (!o->lower)                     \
		return false;              \
	o->lower(arg, t, from, &r->lower); \
	return true

static bool serve(struct dia_link *k, struct cx_token *t, enum cx_command c, union cx_any *r)
{
	const struct cx_server_ops *o = k->ops;
	struct str from = t->env.origin_host;
	void *arg = k->ops_arg;

	if (!o)
		return false;
	switch (c) {
	case CX_UAR:
		SERVE(uar);
	case CX_MAR:
		SERVE(mar);
	case CX_SAR:
		SERVE(sar);
	case CX_LIR:
		SERVE(lir);
	case CX_RTR:
		r->rtr.destination_host = t->env.dest_host;
		SERVE(rtr);
	case CX_PPR:
		r->ppr.destination_host = t->env.dest_host;
		SERVE(ppr);
	}
	return false;
}

void dia_link_request(struct dia_link *k, uint8_t *buf, size_t n, void *req)
{
	const struct ie_command *cmd;
	struct ie_error err = { .result = COMMAND_UNSUPPORTED };
	struct cx_token *t = token_new(k, buf, req);
	union cx_any r;
	char line[1024];

	if (!t)
		return;
	if (ie_header_parse(buf, n, &t->header)) {
		token_free(t);
		return;
	}
	cmd = cx_find_command(t->header.code, true);
	log_debug("<- %s", ie_print(&cx_dict, cmd, buf, n, line, sizeof(line)));
	if (!cmd || ie_decode(cmd, &cx_dict, buf, n, &t->env, &r, &err)) {
		log_debug("%s refused: %d %s", cmd ? cmd->abbrev : "request", err.result,
			  err.avp ? err.avp->name : "");
		refuse(t, &err);
		return;
	}
	err = (struct ie_error){ .result = COMMAND_UNSUPPORTED };
	if (!serve(k, t, (enum cx_command)cmd->code, &r))
		refuse(t, &err);
}

void dia_link_free(struct dia_link *k)
{
	k->closing = true; /* what is called now may want to send again */
	for (uint32_t i = 0; i < k->n_slots; i++)
		if (k->calls[i])
			finish_local(k->calls[i], CX_NO_PEER);
	while (k->tokens)
		token_free(k->tokens);
	free(k->calls);
	free(k->free_slots);
	free(k);
}
