// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * SIP transactions (RFC 3261 17, RFC 6026): the stack. Matches what comes in (17.1.3, 17.2.3),
 * answers what needs no transaction (malformed, refused, CANCEL without transaction), chooses the way of
 * responses (18.2.2, RFC 3581). stx.c and ctx.c are the two machines.
 *
 * Answers without a transaction carry a To tag derived from the request with our key, so that the
 * ACK to them is recognised and absorbed without state (8.2.7).
 */
#include <stdio.h>
#include <sys/random.h>

#include "lib/core/log.h"
#include "lib/sip/tp_priv.h"
#include "lib/sip/tx_priv.h"

#define RETRY_AFTER_S 10

static void on_rx(void *arg, struct sip_msg *m, const struct sip_parse_result *r,
		  const struct sip_path *from);

/* --- life --- */

static void on_tp_error(void *arg, const struct sip_path *path, int err)
{
	if (path->proto == SIP_TCP)
		ctx_conn_failed(arg, path->conn, err);
}

/* The quoted datagram shows our branch: only who saw the request can have sent this. */
static void on_icmp(void *arg, const struct sip_path *path, int err, struct str quoted)
{
	static const char mark[] = "branch=" BRANCH_OURS;
	const char *p = quoted.n ? memmem(quoted.p, quoted.n, mark, sizeof(mark) - 1) : NULL;
	struct str branch;
	struct sip_ctx *t;

	(void)path;
	if (!p)
		return;
	branch = (struct str){ p + 7, quoted.p + quoted.n - (p + 7) };
	for (size_t i = 0; i < branch.n; i++)
		if (strchr(";, \t\r\n", branch.p[i]))
			branch.n = i;
	t = ctx_by_branch(arg, branch);
	if (t)
		ctx_failed(t, err);
}

static void forget_timers(struct sip_stack *s, const struct sip_ep *ep)
{
	for (struct ep_timers **p = &s->ep_timers; *p; p = &(*p)->next) {
		struct ep_timers *e = *p;

		if (e->ep != ep)
			continue;
		*p = e->next;
		free(e);
		return;
	}
}

/* Nothing may point at it afterwards. Routes of the proxy core first: a failing branch must not try it again. */
static void on_ep_closed(void *arg, struct sip_ep *ep)
{
	struct sip_stack *s = arg;

	if (s->fwds_ep_closed)
		s->fwds_ep_closed(s, ep);
	stx_ep_closed(s, ep);
	ctx_ep_closed(s, ep);
	if (s->fwds_ep_closed) /* what owners have added meanwhile */
		s->fwds_ep_closed(s, ep);
	forget_timers(s, ep);
}

int sip_stack_new(struct loop *l, struct sip_tp *tp, const struct sip_stack_ops *ops, void *arg,
		  struct sip_stack **ret)
{
	struct sip_stack *s = calloc(1, sizeof(*s));

	if (!s)
		return -ENOMEM;
	s->loop = l;
	s->tp = tp;
	s->ops = *ops;
	s->arg = arg;
	s->timers = (struct sip_timers){ 500, 4000, 5000 };
	if (getrandom(s->key, sizeof(s->key), 0) != sizeof(s->key) || htab_init(&s->stxs, 1024) ||
	    htab_init(&s->unacked, 64) || htab_init(&s->ctx_by_conn, 64)) {
		sip_stack_free(s);
		return -ENOMEM;
	}
	sip_tp_handler(tp, on_rx, on_tp_error, s);
	sip_tp_icmp_handler(tp, on_icmp);
	tp->ep_closed = on_ep_closed;
	*ret = s;
	return 0;
}

void sip_stack_free(struct sip_stack *s)
{
	struct ep_timers *e;

	if (!s)
		return;
	s->freeing = true;
	sip_tp_handler(s->tp, NULL, NULL, NULL);
	sip_tp_icmp_handler(s->tp, NULL);
	s->tp->ep_closed = NULL;
	if (s->free_acks)
		s->free_acks(s);
	if (s->free_fwds)
		s->free_fwds(s);
	if (s->stxs.b)
		stx_free_all(s);
	ctx_free_all(s);
	while ((e = s->ep_timers)) {
		s->ep_timers = e->next;
		e->ep->timers = NULL;
		free(e);
	}
	htab_fini(&s->stxs);
	htab_fini(&s->unacked);
	htab_fini(&s->ctx_by_conn);
	free(s->slots);
	free(s->server);
	free(s);
}

struct loop *sip_stack_loop(struct sip_stack *s)
{
	return s->loop;
}

struct sip_tp *sip_stack_tp(struct sip_stack *s)
{
	return s->tp;
}

const struct sip_stack_stats *sip_stack_get_stats(const struct sip_stack *s)
{
	return &s->stats;
}

void sip_stack_server_header(struct sip_stack *s, const char *server)
{
	free(s->server);
	s->server = server ? strdup(server) : NULL;
}

void sip_stack_set_timers(struct sip_stack *s, struct sip_ep *ep, const struct sip_timers *t)
{
	struct ep_timers *e = s->ep_timers;

	if (!ep) {
		s->timers = *t;
		return;
	}
	while (e && e->ep != ep)
		e = e->next;
	if (!e) {
		e = calloc(1, sizeof(*e));
		if (!e)
			return;
		e->ep = ep;
		e->next = s->ep_timers;
		s->ep_timers = e;
	}
	e->t = *t;
	ep->timers = &e->t;
}

const struct sip_timers *stack_timers(const struct sip_stack *s, const struct sip_ep *ep)
{
	return ep && ep->timers ? ep->timers : &s->timers;
}

void path_pack(struct path_small *dst, const struct sip_path *src)
{
	dst->ep = src->ep;
	dst->conn = src->conn;
	dst->proto = src->proto;
	memcpy(&dst->peer, &src->peer, sizeof(dst->peer));
}

void path_unpack(struct sip_path *dst, const struct path_small *src)
{
	memset(dst, 0, sizeof(*dst));
	dst->ep = src->ep;
	dst->conn = src->conn;
	dst->proto = src->proto;
	memcpy(&dst->peer, &src->peer, sizeof(src->peer));
}

char *msg_bytes(const struct sip_msg *m, size_t *ret_len)
{
	size_t n = sip_msg_size(m);
	char *p = malloc(n + 1);

	if (p)
		*ret_len = sip_msg_encode(m, p, n);
	return p;
}

/* --- matching --- */

/* 17.2.3; without the magic cookie the fields of RFC 2543 take part too. */
uint64_t stack_key(const struct sip_stack *s, const struct sip_msg *m, const struct via *v,
		   enum sip_method_id method)
{
	struct siphash h;
	uint16_t port = v->port ? v->port : 5060;
	uint32_t cseq;

	siphash_init(&h, s->key);
	siphash_add_str(&h, v->branch);
	siphash_add_lower(&h, v->host);
	siphash_add(&h, &port, sizeof(port));
	siphash_add(&h, &(uint32_t){ method }, sizeof(uint32_t));
	if (method == SIP_M_UNKNOWN)
		siphash_add_str(&h, sip_msg_method_name(m));
	if (v->branch.n <= 7 || strncasecmp(v->branch.p, BRANCH_COOKIE, 7)) {
		cseq = sip_msg_cseq(m);
		siphash_add_str(&h, sip_msg_call_id(m));
		siphash_add_str(&h, sip_msg_from_tag(m));
		siphash_add_str(&h, sip_msg_ruri(m));
		siphash_add(&h, &cseq, sizeof(cseq));
	}
	return siphash_end(&h) | 1; /* 0 means "not in a table" elsewhere */
}

static struct sip_stx *find_stx(struct sip_stack *s, uint64_t key)
{
	return (struct sip_stx *)htab_find(&s->stxs, key);
}

void stack_tag(struct sip_stack *s, uint64_t key, char dst[TAG_MAX])
{
	struct siphash h;

	siphash_init(&h, s->key);
	siphash_add(&h, "tag", 3);
	siphash_add(&h, &key, sizeof(key));
	snprintf(dst, TAG_MAX, "k%016llx", (unsigned long long)siphash_end(&h));
}

/* --- responses --- */

/* 18.2.2, RFC 3581 4. maddr is not followed: it would let anybody aim our answers. */
static void default_reply_path(const struct via *v, const struct sip_path *from,
			       struct sip_path *ret)
{
	*ret = *from;
	if (from->proto == SIP_UDP && !v->has_rport)
		sip_sa_set_port(&ret->peer, v->port ? v->port : 5060);
}

void stack_reply_path(struct sip_stack *s, struct sip_msg *m, const struct via *v,
		      const struct sip_path *from, struct sip_path *ret)
{
	if (!s->ops.reply_path || !s->ops.reply_path(s->arg, m, from, ret))
		default_reply_path(v, from, ret);
}

/* After a dead connection: a new one to the source, at the port of sent-by. */
static int reconnect_response(struct sip_stack *s, struct sip_path *path, const char *data,
			      size_t len)
{
	_cleanup_msg_ struct sip_msg *m = NULL;
	struct sip_path p = *path;
	struct via v;
	int r;

	sip_msg_parse(data, len, true, &m);
	if (!m || via_top(m, &v))
		return -EPIPE;
	p.conn = 0;
	sip_sa_set_port(&p.peer, v.port ? v.port : 5060);
	r = sip_tp_send_raw(s->tp, &p, data, len, &p.conn);
	if (!r)
		*path = p;
	return r;
}

int stack_send_response(struct sip_stack *s, struct sip_path *path, const char *data, size_t len)
{
	int r = sip_tp_send_raw(s->tp, path, data, len, NULL);

	if (r == -EPIPE && path->proto == SIP_TCP && path->conn)
		r = reconnect_response(s, path, data, len);
	return r;
}

struct sip_msg *stack_response(struct sip_stack *s, const struct sip_msg *req, int status,
			       const char *reason, const char *tag)
{
	struct sip_msg *m = sip_msg_new_response(req, status, reason, tag);

	if (!m)
		return NULL;
	if (s->server)
		sip_msg_set(m, SIP_H_SERVER, "%s", s->server);
	if (status == 503)
		sip_msg_set(m, SIP_H_RETRY_AFTER, "%d", RETRY_AFTER_S);
	return m;
}

static void reply_stateless(struct sip_stack *s, struct sip_msg *req, const struct via *v,
			    const struct sip_path *from, int status, const char *reason,
			    const char *tag)
{
	_cleanup_msg_ struct sip_msg *resp = stack_response(s, req, status, reason, tag);
	_cleanup_free_ char *data = NULL;
	struct sip_path path;
	size_t len;

	if (!resp)
		return;
	data = msg_bytes(resp, &len);
	if (!data)
		return;
	stack_reply_path(s, req, v, from, &path);
	stack_send_response(s, &path, data, len);
}

static void refuse(struct sip_stack *s, struct sip_msg *m, const struct via *v,
		   const struct sip_path *from, int status, const char *reason, uint64_t key)
{
	char tag[TAG_MAX];

	stack_tag(s, key, tag);
	reply_stateless(s, m, v, from, status, reason, tag);
}

/* --- requests --- */

static int admit(struct sip_stack *s, struct sip_msg *m, const struct sip_path *from,
		 const char **ret_reason)
{
	return s->ops.admit ? s->ops.admit(s->arg, m, from, ret_reason) : 0;
}

/* Whose INVITE it is: a branch that somebody guessed or overheard must not end another one's call. */
static bool same_sender(const struct sip_stx *t, const struct sip_path *from)
{
	return !t->live || sip_sa_host_eq(&t->live->from.peer, &from->peer);
}

static void on_cancel(struct sip_stack *s, struct sip_msg *m, const struct via *v,
		      const struct sip_path *from)
{
	struct sip_stx *t = find_stx(s, stack_key(s, m, v, SIP_M_INVITE));
	uint64_t key = stack_key(s, m, v, SIP_M_CANCEL);
	const char *reason = NULL;
	int status = admit(s, m, from, &reason);

	if (status < 0)
		return;
	if (status > 0)
		refuse(s, m, v, from, status, reason, key);
	else if (t && same_sender(t, from))
		stx_cancelled(t, m);
	else
		refuse(s, m, v, from, 481, NULL, key);
}

/* Ours to absorb: the ACK to an answer that we gave without a transaction. */
static bool is_stateless_ack(struct sip_stack *s, struct sip_msg *m, uint64_t key)
{
	char tag[TAG_MAX];

	stack_tag(s, key, tag);
	return str_eqz(sip_msg_to_tag(m), tag);
}

static void on_ack(struct sip_stack *s, struct sip_msg *m, const struct via *v,
		   const struct sip_path *from)
{
	uint64_t key = stack_key(s, m, v, SIP_M_INVITE);
	struct sip_stx *t = find_stx(s, key);
	const char *reason = NULL;

	if (t && t->state != STX_ACCEPTED) {
		stx_ack(t);
		return;
	}
	stx_ack_2xx(s, m);
	if ((!t && is_stateless_ack(s, m, key)) || admit(s, m, from, &reason))
		return;
	s->ops.request(s->arg, NULL, m, from);
}

static void on_new(struct sip_stack *s, struct sip_msg *m, const struct via *v,
		   const struct sip_path *from, uint64_t key)
{
	const char *reason = NULL;
	int status = admit(s, m, from, &reason);
	struct sip_stx *t;

	if (status < 0)
		return;
	if (status > 0) {
		if (status == 503)
			s->stats.shed++;
		refuse(s, m, v, from, status, reason, key);
		return;
	}
	t = stx_new(s, m, v, from, key);
	if (!t) {
		refuse(s, m, v, from, 503, NULL, key);
		return;
	}
	sip_stx_ref(t);
	s->ops.request(s->arg, t, m, from);
	sip_stx_unref(t);
}

static void on_request(struct sip_stack *s, struct sip_msg *m, const struct sip_path *from)
{
	enum sip_method_id method = sip_msg_method(m);
	struct sip_stx *t;
	struct via v;
	uint64_t key;

	s->stats.rx_requests++;
	if (via_set_received(m, &from->peer, &v))
		return;
	if (method == SIP_M_ACK) {
		on_ack(s, m, &v, from);
		return;
	}
	if (method == SIP_M_CANCEL) {
		on_cancel(s, m, &v, from);
		return;
	}
	key = stack_key(s, m, &v, method);
	t = find_stx(s, key);
	if (t)
		stx_retransmission(t);
	else
		on_new(s, m, &v, from, key);
}

/* Malformed, too big, or shed (503). What already has its transaction is a retransmission, not new work. */
static void on_bad_request(struct sip_stack *s, struct sip_msg *m, const struct sip_parse_result *r,
			   const struct sip_path *from)
{
	enum sip_method_id method = sip_msg_method(m);
	struct sip_stx *t;
	struct via v;
	uint64_t key;

	if (method == SIP_M_ACK || via_set_received(m, &from->peer, &v))
		return;
	key = stack_key(s, m, &v, method);
	t = find_stx(s, key);
	if (r->status == 503)
		s->stats.shed++;
	if (t)
		stx_retransmission(t);
	else
		refuse(s, m, &v, from, r->status ? r->status : 400, r->reason, key);
}

/* --- responses that come in --- */

static void on_response(struct sip_stack *s, struct sip_msg *m, const struct sip_path *from)
{
	struct sip_ctx *t = ctx_by_branch(s, sip_msg_top_branch(m));
	enum sip_method_id method = sip_msg_method(m);

	s->stats.rx_responses++;
	if (t && method == SIP_M_CANCEL && t->method == SIP_M_INVITE)
		t = t->cancel;
	if (t && t->method == method) {
		ctx_response(t, m);
		return;
	}
	s->stats.stray++;
	if (s->ops.stray_response)
		s->ops.stray_response(s->arg, m, from);
}

static void on_rx(void *arg, struct sip_msg *m, const struct sip_parse_result *r,
		  const struct sip_path *from)
{
	struct sip_stack *s = arg;

	if (s->freeing)
		return;
	if (!sip_msg_is_request(m)) {
		if (r->error == SIP_PARSE_OK)
			on_response(s, m, from);
		return;
	}
	if (r->error == SIP_PARSE_OK)
		on_request(s, m, from);
	else
		on_bad_request(s, m, r, from);
}
