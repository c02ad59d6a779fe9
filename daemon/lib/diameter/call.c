// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Calls over the node (RFC 6733 6): a request with its answer function, and the requests of
 * others with their answers. All of this file runs on the loop's thread.
 *
 * Invariants: a call is in the table from dia_request() until its function was called, exactly once;
 * its timer always runs. The id that travels with the message names slot and generation, so
 * that a late answer finds nothing. A token lives until it is answered or the node is closed.
 */
#include <ctype.h>
#include <stdio.h>

#include "lib/core/log.h"
#include "lib/diameter/node.h"

struct call {
	struct dia_link *link;
	const struct dia_app *app;
	const struct ie_command *cmd; /* of the answer */
	struct dia_done done;
	struct timer timer;
	uint32_t slot;
	uint64_t id;  /* see dia_id() */
	uint64_t via; /* connection, 0: not known */
};

struct dia_token {
	struct dia_link *link;
	struct dia_token *next, **pprev;
	const struct dia_app *app; /* NULL: not one of ours */
	void *req;
	uint8_t *buf;
	void *in; /* the request's struct; views into buf */
	struct ie_header header;
	struct ie_env env;  /* views into buf */
	struct ie_buf held; /* its answer, until dia_release() */
	struct dia_token *held_next;
};

struct server {
	const struct dia_app *app;
	dia_serve_fn fn;
	void *arg;
};

#define SERVERS_MAX 4

enum {
	COMMAND_UNSUPPORTED = 3001,
	UNABLE_TO_DELIVER = 3002,
	APPLICATION_UNSUPPORTED = 3007,
};

struct dia_link {
	struct dia *d;
	struct call **calls; /* NULL: free */
	uint32_t *free_slots;
	uint32_t n_slots, n_free;
	uint32_t generation;
	uint64_t session; /* low part of Session-Id */
	struct dia_token *tokens;
	struct dia_token *held, **held_tail;
	bool hold;
	bool closing;
	struct server servers[SERVERS_MAX];
	size_t n_servers;
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

static void *answer_new(const struct ie_command *cmd, int result)
{
	void *a = malloc(cmd->size);

	if (!a)
		return NULL;
	ie_init(cmd, a);
	*(int *)((char *)a + cmd->result_off) = result;
	return a;
}

static void finish(struct call *c, const struct ie_env *env, const void *a)
{
	struct dia_done done = c->done;

	call_free(c); /* first: the function may send again or close the node */
	done.fn(done.typed ? &done : done.arg, env, a);
}

/* Without memory for an answer the call waits a little more: it must end with one. */
static void finish_local(struct call *c, int result)
{
	_cleanup_free_ void *a = answer_new(c->cmd, result);

	if (a)
		finish(c, NULL, a);
	else
		timer_start(c->link->d->loop, &c->timer, USEC_PER_SEC);
}

static void on_timeout(struct timer *t)
{
	finish_local(container_of(t, struct call, timer), DIA_TIMEOUT);
}

void dia_link_failed(struct dia_link *k, uint64_t id, int result)
{
	struct call *c = call_of(k, id);

	if (c)
		finish_local(c, result);
}

static void print(const struct dia_app *app, const struct ie_command *cmd, const char *arrow,
		  const uint8_t *p, size_t n)
{
	char line[1024];

	if (log_enabled(LOG_LVL_DEBUG))
		log_debug("%s %s", arrow, ie_print(app->dict, cmd, p, n, line, sizeof(line)));
}

void dia_link_answer(struct dia_link *k, uint64_t id, const uint8_t *buf, size_t n)
{
	_cleanup_free_ void *a = NULL;
	struct call *c = call_of(k, id);
	struct ie_error e;
	struct ie_env env;

	if (!c)
		return; /* too late: the caller has had DIA_TIMEOUT */
	print(c->app, c->cmd, "<-", buf, n);
	a = malloc(c->cmd->size);
	if (!a || ie_decode(c->cmd, c->app->dict, buf, n, &env, a, &e)) {
		log_debug("%s refused: %d %s", c->cmd->abbrev, a ? e.result : 0,
			  a && e.avp ? e.avp->name : "");
		finish_local(c, DIA_BAD_ANSWER);
	} else if (*(int *)((char *)a + c->cmd->result_off) == UNABLE_TO_DELIVER &&
		   str_ieqz(env.origin_host, k->d->conf.identity)) {
		finish_local(c, DIA_NO_PEER); /* freeDiameter answered it itself */
	} else {
		finish(c, &env, a);
	}
}

/* Timers of 0 are how a call fails "at once": on the loop, never inside dia_request(). */
static struct call *call_new(struct dia_link *k, const struct dia_app *app,
			     const struct ie_command *cmd, struct dia_done done)
{
	struct call *c;

	if (!k->n_free && grow(k))
		return NULL;
	c = calloc(1, sizeof(*c));
	if (!c)
		return NULL;
	c->link = k;
	c->app = app;
	c->cmd = cmd;
	c->done = done;
	c->timer.fn = on_timeout;
	c->slot = k->free_slots[--k->n_free];
	c->id = dia_id(++k->generation, c->slot);
	k->calls[c->slot] = c;
	return c;
}

static void on_no_peer(struct timer *t)
{
	finish_local(container_of(t, struct call, timer), DIA_NO_PEER);
}

static void on_busy(struct timer *t)
{
	finish_local(container_of(t, struct call, timer), DIA_TOO_BUSY);
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

static void own_env(const struct dia_link *k, const struct dia_app *app, struct ie_env *env)
{
	const struct dia_conf *c = &k->d->conf;

	*env = (struct ie_env){
		.rules = app ? app->env : ie_env_auth_rules,
		.origin_host = str_of(c->identity),
		.origin_realm = str_of(c->realm),
		.vsai_vendor = app ? app->vendor : 0,
		.vsai_auth_app = app ? app->id : 0,
		.auth_app = app ? app->id : 0,
		.auth_session_state = app ? app->session_state : -1,
		.origin_state_id = dia_state_id(k->d),
	};
}

uint32_t dia_state_id(const struct dia *d)
{
	return d->state_id;
}

/* RFC 6733 8.8: identity ; high ; low. The high part changes with each start. */
struct str dia_session_id(struct dia *d, const struct dia_app *app, char *dst)
{
	struct dia_link *k = d->link;
	char name[16];
	size_t i;
	int n;

	if (!k->session)
		k->session = loop_wall(d->loop) / USEC_PER_SEC << 32;
	k->session++;
	for (i = 0; i < sizeof(name) - 1 && app->name[i]; i++)
		name[i] = (char)tolower((unsigned char)app->name[i]);
	name[i] = 0;
	n = snprintf(dst, DIA_SESSION_ID_MAX, "%s;%u;%u;%s", d->conf.identity,
		     (uint32_t)(k->session >> 32), (uint32_t)k->session, name);
	return (struct str){ dst, MIN((size_t)n, DIA_SESSION_ID_MAX - 1) };
}

static int encode_request(struct dia_link *k, const struct call *c, const struct dia_to *to,
			  const struct ie_command *cmd, const void *r, struct ie_buf *b)
{
	struct ie_header h = { .hop_by_hop = c->slot,
			       .end_to_end = (uint32_t)(c->id >> DIA_SLOT_BITS) };
	char sid[DIA_SESSION_ID_MAX];
	struct ie_env env;
	int e;

	own_env(k, c->app, &env);
	env.session_id = to->session_id.p ? to->session_id : dia_session_id(k->d, c->app, sid);
	env.dest_host = str_of(to->host);
	env.dest_realm = to->realm ? str_of(to->realm) : env.origin_realm;
	e = ie_encode(cmd, &h, &env, r, NULL, b);
	if (!e)
		print(c->app, cmd, "->", b->p, b->n);
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

int dia_request(struct dia *d, const struct dia_app *app, const struct ie_command *cmd,
		const struct dia_to *to, const void *r, struct dia_done done)
{
	struct dia_link *k = d->link;
	struct ie_buf b = { 0 };
	struct call *c = NULL;

	if (k && !k->closing)
		c = call_new(k, app, app->find(cmd->code, false), done);
	if (!c)
		return -ENOMEM;
	if (!d->tr->route_up(d, to->host)) {
		fail_soon(c, on_no_peer);
		return 0;
	}
	if (encode_request(k, c, to, cmd, r, &b)) {
		free(b.p);
		call_free(c);
		return -ENOMEM;
	}
	timer_start(d->loop, &c->timer, (uint64_t)d->conf.timeout_ms * USEC_PER_MSEC);
	if (submit(k, &b, c, to->host, NULL))
		fail_soon(c, on_busy);
	return 0;
}

/* --- serving --- */

int dia_serve(struct dia *d, const struct dia_app *app, dia_serve_fn fn, void *arg)
{
	struct dia_link *k = d->link;
	struct server *s = k->servers;

	while (s < k->servers + k->n_servers && s->app != app)
		s++;
	if (s == k->servers + SERVERS_MAX)
		return -ENOSPC;
	if (s == k->servers + k->n_servers)
		k->n_servers++;
	*s = (struct server){ app, fn, arg };
	return 0;
}

const struct ie_env *dia_token_env(const struct dia_token *t)
{
	return &t->env;
}

static void token_free(struct dia_token *t)
{
	*t->pprev = t->next;
	if (t->next)
		t->next->pprev = t->pprev;
	t->link->d->tr->request_done(t->link->d);
	t->link->d->tr->release(t->link->d, t->req);
	free(t->held.p);
	free(t->in);
	free(t->buf);
	free(t);
}

static struct dia_token *token_new(struct dia_link *k, uint8_t *buf, void *req)
{
	struct dia_token *t = calloc(1, sizeof(*t));

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

static void answer_env(const struct dia_token *t, struct ie_env *env)
{
	own_env(t->link, t->app, env);
	env->session_id = t->env.session_id;
	env->n_proxy_info = t->env.n_proxy_info;
	memcpy(env->proxy_info, t->env.proxy_info, sizeof(env->proxy_info));
}

static int send_answer(struct dia_token *t, struct ie_buf *b, int e)
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

int dia_answer(struct dia_token *t, const struct ie_command *cmd, const void *a,
	       const struct ie_error *failed)
{
	struct ie_buf b = { 0 };
	struct ie_env env;
	int e;

	answer_env(t, &env);
	e = ie_encode(cmd, &t->header, &env, a, failed, &b);
	if (!e)
		print(t->app, cmd, "->", b.p, b.n);
	if (e || !t->link->hold)
		return send_answer(t, &b, e);
	t->held = b;
	*t->link->held_tail = t;
	t->link->held_tail = &t->held_next;
	return 0;
}

static void refuse(struct dia_token *t, const struct ie_error *err)
{
	struct ie_buf b = { 0 };
	struct ie_env env;

	answer_env(t, &env);
	send_answer(t, &b, ie_encode_error(&t->header, &env, err, &b));
}

void dia_hold(struct dia *d)
{
	d->link->hold = true;
}

void dia_release(struct dia *d, bool ok)
{
	static const struct ie_error unable = { .result = IE_UNABLE_TO_COMPLY };
	struct dia_link *k = d->link;
	struct dia_token *t = k->held, *next;
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

static const struct server *server_of(const struct dia_link *k, uint32_t app)
{
	for (size_t i = 0; i < k->n_servers; i++)
		if (k->servers[i].app->id == app)
			return &k->servers[i];
	return NULL;
}

/* Decodes the request into t->in and gives it to its server; false: refused, t is gone. */
static bool serve(struct dia_token *t, const struct server *s, size_t n, struct ie_error *err)
{
	const struct ie_command *cmd = s->app->find(t->header.code, true);

	if (!cmd)
		return false;
	print(s->app, cmd, "<-", t->buf, n);
	t->in = malloc(cmd->size);
	if (!t->in) {
		err->result = DIA_TOO_BUSY;
		return false;
	}
	if (ie_decode(cmd, s->app->dict, t->buf, n, &t->env, t->in, err)) {
		log_debug("%s refused: %d %s", cmd->abbrev, err->result,
			  err->avp ? err->avp->name : "");
		return false;
	}
	*err = (struct ie_error){ .result = COMMAND_UNSUPPORTED };
	return s->fn(s->arg, t, cmd, &t->env, t->in);
}

void dia_link_request(struct dia_link *k, uint8_t *buf, size_t n, void *req)
{
	struct dia_token *t = token_new(k, buf, req);
	struct ie_error err = { .result = APPLICATION_UNSUPPORTED };
	const struct server *s;

	if (!t)
		return;
	if (ie_header_parse(buf, n, &t->header)) {
		token_free(t);
		return;
	}
	s = server_of(k, t->header.app);
	if (s) {
		t->app = s->app;
		err.result = COMMAND_UNSUPPORTED;
	}
	if (!s || !serve(t, s, n, &err))
		refuse(t, &err);
}

void dia_link_free(struct dia_link *k)
{
	k->closing = true; /* what is called now may want to send again */
	for (uint32_t i = 0; i < k->n_slots; i++)
		if (k->calls[i])
			finish_local(k->calls[i], DIA_NO_PEER);
	while (k->tokens)
		token_free(k->tokens);
	free(k->calls);
	free(k->free_slots);
	free(k);
}
