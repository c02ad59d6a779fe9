// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The GTPv2-C endpoint over lib/ie's exchange: which messages are requests and commands (TS 29.274 table
 * 6.1-1), Echo (7.1.1, 7.1.2), paths and restart counters (TS 23.007 16A, 18, 20), piggybacking (5.5.1).
 *
 * Invariant: a path exists while somebody holds it; from peers that nobody holds nothing is kept. A restart
 * is reported before the message that tells of it is handed up.
 */
#include "lib/gtpc/gtpc.h"

#include <uthash.h>

enum { ECHO_REQUEST = 1, ECHO_RESPONSE = 2, IE_RECOVERY = 3, P_FLAG = 0x10 };

struct path {
	UT_hash_handle hh;
	struct in6_addr ip;
	struct gtpc *g;
	struct sockaddr_storage peer; /* port 2123 */
	struct timer timer;
	struct xchg_call *echo;
	unsigned int holders;
	int counter; /* -1: not known yet */
	bool up, told;
};

struct gtpc {
	struct loop *loop;
	struct xchg *x;
	struct gtpc_conf conf;
	struct gtpc_ops ops;
	void *arg;
	struct path *paths;
};

/* Requests without an answer of their own (Trace Session, Stop Paging...) are taken as requests, too. */
static enum xchg_kind kind(uint8_t type)
{
	static const struct {
		uint8_t first, last; /* request, answer, request, answer ... */
	} pairs[] = { { 1, 2 },	    { 32, 41 },	  { 95, 104 },	{ 128, 131 },
		      { 133, 140 }, { 149, 150 }, { 153, 156 }, { 158, 171 },
		      { 176, 177 }, { 179, 180 }, { 200, 201 }, { 211, 212 } };

	if (type == 3)
		return XCHG_ANSWER;
	if (type >= 64 && type <= 69)
		return type % 2 ? XCHG_ANSWER : XCHG_COMMAND;
	for (size_t i = 0; i < ARRAY_SIZE(pairs); i++)
		if (type >= pairs[i].first && type <= pairs[i].last)
			return (type - pairs[i].first) % 2 ? XCHG_ANSWER : XCHG_REQUEST;
	return XCHG_UNKNOWN;
}

static bool ends_command(uint8_t type)
{
	return type == 95 || type == 97 || type == 99; /* Create, Update, Delete Bearer Request */
}

/* --- paths --- */

static struct path *path_of(struct gtpc *g, const struct sockaddr_storage *peer)
{
	struct in6_addr ip;
	struct path *p;

	xchg_ip(peer, &ip);
	HASH_FIND(hh, g->paths, &ip, sizeof(ip), p);
	return p;
}

static void tell(struct path *p, enum gtpc_path_event ev)
{
	struct gtpc *g = p->g;
	struct sockaddr_storage peer = p->peer; /* the owner may release the path meanwhile */

	if (g->ops.path)
		g->ops.path(g->arg, &peer, ev, (uint8_t)MAX(p->counter, 0));
}

static void path_answers(struct gtpc *g, struct path *p)
{
	(void)g;
	if (p->up && p->told)
		return;
	p->up = p->told = true;
	tell(p, GTPC_PATH_UP);
}

/* TS 23.007 18: a smaller one (modulo 256) comes of a message that was overtaken. */
static void path_counter(struct path *p, uint8_t counter)
{
	bool known = p->counter >= 0;
	uint8_t ahead = (uint8_t)(counter - p->counter);

	if (known && (!ahead || ahead > 127))
		return;
	p->counter = counter;
	if (known)
		tell(p, GTPC_PATH_RESTARTED);
}

static void next_echo(struct path *p)
{
	timer_start(p->g->loop, &p->timer, p->g->conf.echo_s * USEC_PER_SEC);
}

static void echo_done(void *arg, const struct xchg_msg *answer)
{
	struct path *p = arg;

	p->echo = NULL;
	next_echo(p);
	if (answer) {
		path_answers(p->g, p);
	} else if (p->up || !p->told) {
		p->up = false;
		p->told = true;
		tell(p, GTPC_PATH_DOWN);
	}
}

static void put_echo(const struct gtpc *g, uint8_t type, uint32_t seq, struct tlv_buf *b)
{
	struct tlv_hdr h = { .type = type, .seq = seq };

	tlv_gtpv2.begin(b, &h);
	tlv_put(b, &tlv_gtpv2, IE_RECOVERY, 0, &g->conf.restart_counter, 1);
	tlv_end(b, &tlv_gtpv2, 0);
}

static void path_timer(struct timer *t)
{
	struct path *p = container_of(t, struct path, timer);
	uint8_t buf[32];
	struct tlv_buf b = TLV_BUF(buf);

	put_echo(p->g, ECHO_REQUEST, 0, &b);
	if (xchg_call_start(p->g->x, &p->peer, b.p, b.n, NULL, false, echo_done, p, &p->echo))
		next_echo(p);
}

static void set_port(struct sockaddr_storage *a, uint16_t port)
{
	if (a->ss_family == AF_INET6)
		((struct sockaddr_in6 *)a)->sin6_port = htons(port);
	else
		((struct sockaddr_in *)a)->sin_port = htons(port);
}

int gtpc_path_hold(struct gtpc *g, const struct sockaddr_storage *peer)
{
	struct path *p = path_of(g, peer);

	if (p) {
		p->holders++;
		return 0;
	}
	p = calloc(1, sizeof(*p));
	if (!p)
		return -ENOMEM;
	*p = (struct path){
		.g = g, .peer = *peer, .timer.fn = path_timer, .holders = 1, .counter = -1
	};
	set_port(&p->peer, GTPC_PORT);
	xchg_ip(peer, &p->ip);
	HASH_ADD(hh, g->paths, ip, sizeof(p->ip), p);
	next_echo(p);
	return 0;
}

static void path_free(struct path *p)
{
	HASH_DEL(p->g->paths, p);
	timer_stop(p->g->loop, &p->timer);
	xchg_call_cancel(p->echo);
	free(p);
}

void gtpc_path_release(struct gtpc *g, const struct sockaddr_storage *peer)
{
	struct path *p = path_of(g, peer);

	if (p && !--p->holders)
		path_free(p);
}

int gtpc_path_counter(struct gtpc *g, const struct sockaddr_storage *peer)
{
	struct path *p = path_of(g, peer);

	return p ? p->counter : -1;
}

void gtpc_path_learn(struct gtpc *g, const struct sockaddr_storage *peer, uint8_t counter)
{
	struct path *p = path_of(g, peer);

	if (p)
		path_counter(p, counter);
}

/* --- messages --- */

static bool look(void *arg, const struct xchg_msg *m)
{
	struct gtpc *g = arg;
	struct path *p = path_of(g, m->from);
	uint8_t buf[32];
	struct tlv_buf b = TLV_BUF(buf);
	struct str recovery;

	if (p && tlv_find(&tlv_gtpv2, m->p, m->n, IE_RECOVERY, 0, &recovery) && recovery.n)
		path_counter(p, (uint8_t)recovery.p[0]);
	if (m->hdr->type != ECHO_REQUEST)
		return false;
	put_echo(g, ECHO_RESPONSE, m->hdr->seq, &b);
	xchg_send(g->x, m->from, b.p, b.n);
	return true;
}

static void request(void *arg, struct xchg_token *t, const struct xchg_msg *m)
{
	struct gtpc *g = arg;

	g->ops.request(g->arg, t, m);
}

int gtpc_request(struct gtpc *g, const struct sockaddr_storage *to, const uint8_t *p, size_t n,
		 xchg_done *done, void *arg, struct xchg_call **ret_call)
{
	return xchg_call_start(g->x, to, p, n, NULL, false, done, arg, ret_call);
}

void gtpc_cancel(struct xchg_call *c)
{
	xchg_call_cancel(c);
}

int gtpc_respond(struct xchg_token *t, const uint8_t *p, size_t n)
{
	return xchg_answer(t, p, n);
}

int gtpc_respond_with(struct xchg_token *t, const uint8_t *p, size_t n, const uint8_t *req,
		      size_t req_n, xchg_done *done, void *arg, struct xchg_call **ret_call)
{
	struct xchg *x = xchg_token_of(t);
	struct xchg_call *c;
	uint8_t *both;
	int e;

	e = xchg_call_start(x, xchg_token_from(t), req, req_n, NULL, true, done, arg, &c);
	if (e) {
		xchg_answer(t, p, n);
		return e;
	}
	if (ret_call)
		*ret_call = c;
	both = malloc(n + req_n);
	if (!both)
		return xchg_answer(t, p, n); /* the request will leave alone, after T3 */
	memcpy(both, p, n);
	memcpy(both + n, req, req_n);
	both[0] |= P_FLAG;
	tlv_gtpv2.set_seq(both + n, xchg_call_seq(c));
	e = xchg_answer(t, both, n + req_n);
	free(both);
	return e;
}

int gtpc_trigger(struct xchg_token *t, const struct sockaddr_storage *to, const uint8_t *p,
		 size_t n, xchg_done *done, void *arg, struct xchg_call **ret_call)
{
	int e = xchg_call_start(xchg_token_of(t), to, p, n, t, false, done, arg, ret_call);

	xchg_drop(t);
	return e;
}

void gtpc_drop(struct xchg_token *t)
{
	xchg_drop(t);
}

const struct sockaddr_storage *gtpc_token_from(const struct xchg_token *t)
{
	return xchg_token_from(t);
}

uint32_t gtpc_token_seq(const struct xchg_token *t)
{
	return xchg_token_seq(t);
}

/* --- life --- */

int gtpc_open(struct loop *l, const struct gtpc_conf *c, const struct gtpc_ops *ops, void *arg,
	      struct gtpc **ret)
{
	struct gtpc *g = calloc(1, sizeof(*g));
	struct xchg_conf x = { .format = &tlv_gtpv2,
			       .local = c->local,
			       .t_ms = c->t3_ms,
			       .n = c->n3,
			       .max_pending = c->max_pending,
			       .send = c->send,
			       .send_arg = c->send_arg,
			       .kind = kind,
			       .ends_command = ends_command,
			       .look = look,
			       .request = request,
			       .arg = g };
	int e;

	if (!g)
		return -ENOMEM;
	g->loop = l;
	g->conf = *c;
	g->ops = *ops;
	g->arg = arg;
	if (!g->conf.echo_s)
		g->conf.echo_s = 60;
	e = xchg_open(l, &x, &g->x);
	if (e)
		free(g);
	else
		*ret = g;
	return e;
}

void gtpc_close(struct gtpc *g)
{
	struct path *p, *next;

	if (!g)
		return;
	HASH_ITER (hh, g->paths, p, next)
		path_free(p);
	xchg_close(g->x);
	free(g);
}

const struct xchg_stats *gtpc_stats(const struct gtpc *g)
{
	return xchg_stats(g->x);
}

size_t gtpc_calls(const struct gtpc *g)
{
	return xchg_calls(g->x);
}

void gtpc_input(struct gtpc *g, const struct sockaddr_storage *from, const uint8_t *p, size_t n)
{
	xchg_input(g->x, from, p, n);
}
