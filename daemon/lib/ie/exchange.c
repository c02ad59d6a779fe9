// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Requests and answers over UDP (TS 29.274 7.6, TS 29.244 6.4).
 *
 * A call is found by the peer's address and its sequence number; its copies leave after each T, N times. A
 * token is found by the peer's address and port, sequence number and type; it lives T * (N + 1) longer
 * than the last copy can take, with its answer, which every copy of the request gets again. When there are
 * max_pending of them, the oldest one that is answered makes room, else the new request is not taken:
 * the peer will repeat it.
 */
#include "lib/ie/exchange.h"

#include <fcntl.h>
#include <sys/epoll.h>
#include <sys/random.h>
#include <uthash.h>

#define RCVBUF	   (4 << 20)
#define BATCH	   64 /* datagrams of a socket in one round */
#define SEQ_MASK   0xffffff
#define OLDEST_TRY 32 /* of the oldest tokens, looked at for one that is answered */

struct call_key {
	struct in6_addr ip;
	uint32_t seq;
};

struct xchg_call {
	UT_hash_handle hh;
	struct call_key key;
	struct xchg *x;
	struct timer timer;
	struct sockaddr_storage to;
	xchg_done *done;
	void *arg;
	uint8_t *p;
	size_t n;
	uint8_t left, type;
	bool command;
};

struct token_key {
	struct in6_addr ip;
	uint32_t seq;
	uint16_t port;
	uint16_t type;
};

struct xchg_token {
	UT_hash_handle hh;
	struct token_key key;
	struct xchg *x;
	struct timer timer;
	struct sockaddr_storage from;
	uint8_t *p; /* the answer */
	size_t n;
	void *user;
	bool done; /* answered or dropped: the owner has it no more */
};

struct sock {
	struct loop_io io;
	struct xchg *x;
};

struct xchg {
	struct loop *loop;
	struct xchg_conf conf;
	struct sock sock[2];
	struct xchg_call *calls;
	struct xchg_token *tokens;
	struct xchg_stats stats;
	uint32_t seq, seq_mask;
	uint8_t buf[65536];
};

void xchg_ip(const struct sockaddr_storage *a, struct in6_addr *ret)
{
	memset(ret, 0, sizeof(*ret));
	if (a->ss_family == AF_INET6) {
		*ret = ((const struct sockaddr_in6 *)a)->sin6_addr;
	} else {
		ret->s6_addr[10] = ret->s6_addr[11] = 0xff;
		memcpy(&ret->s6_addr[12], &((const struct sockaddr_in *)a)->sin_addr, 4);
	}
}

bool xchg_same_ip(const struct sockaddr_storage *a, const struct sockaddr_storage *b)
{
	struct in6_addr x, y;

	xchg_ip(a, &x);
	xchg_ip(b, &y);
	return !memcmp(&x, &y, sizeof(x));
}

static uint16_t port_of(const struct sockaddr_storage *a)
{
	return a->ss_family == AF_INET6 ? ((const struct sockaddr_in6 *)a)->sin6_port
					: ((const struct sockaddr_in *)a)->sin_port;
}

static socklen_t len_of(const struct sockaddr_storage *a)
{
	return a->ss_family == AF_INET6 ? sizeof(struct sockaddr_in6) : sizeof(struct sockaddr_in);
}

void xchg_send(struct xchg *x, const struct sockaddr_storage *to, const uint8_t *p, size_t n)
{
	int fd;

	x->stats.sent++;
	if (x->conf.send) {
		x->conf.send(x->conf.send_arg, to, p, n);
		return;
	}
	fd = x->sock[to->ss_family == AF_INET6].io.fd;
	if (fd < 0 || sendto(fd, p, n, MSG_DONTWAIT, (const struct sockaddr *)to, len_of(to)) < 0)
		x->stats.errors++; /* as if it was lost on the way: it is repeated */
}

/* --- our requests --- */

static void call_free(struct xchg_call *c)
{
	HASH_DEL(c->x->calls, c);
	timer_stop(c->x->loop, &c->timer);
	free(c->p);
	free(c);
}

static void call_end(struct xchg_call *c, const struct xchg_msg *answer)
{
	xchg_done *done = c->done;
	void *arg = c->arg;

	call_free(c);
	if (done)
		done(arg, answer);
}

static void call_timeout(struct timer *t)
{
	struct xchg_call *c = container_of(t, struct xchg_call, timer);
	struct xchg *x = c->x;

	if (!c->left) {
		x->stats.timeouts++;
		call_end(c, NULL);
		return;
	}
	c->left--;
	x->stats.repeated++;
	timer_start(x->loop, t, x->conf.t_ms * USEC_PER_MSEC);
	xchg_send(x, &c->to, c->p, c->n);
}

static struct xchg_call *call_find(struct xchg *x, const struct call_key *k)
{
	struct xchg_call *c;

	HASH_FIND(hh, x->calls, k, sizeof(*k), c);
	return c;
}

/* A number that is not in use towards this peer; commands have a half of their own. */
static uint32_t new_seq(struct xchg *x, struct call_key *k, bool command)
{
	do {
		x->seq = (x->seq + 1) & x->seq_mask;
		k->seq = x->seq | (command ? XCHG_COMMAND_BIT : 0);
	} while (!x->seq || call_find(x, k));
	return k->seq;
}

int xchg_call_start(struct xchg *x, const struct sockaddr_storage *to, const uint8_t *p, size_t n,
		    const struct xchg_token *trigger, bool quiet, xchg_done *done, void *arg,
		    struct xchg_call **ret)
{
	struct tlv_hdr h;
	struct xchg_call *c;

	if (x->conf.format->parse(p, n, &h) || h.len != n)
		return -EINVAL;
	c = calloc(1, sizeof(*c));
	if (!c)
		return -ENOMEM;
	c->p = malloc(n);
	if (!c->p) {
		free(c);
		return -ENOMEM;
	}
	memcpy(c->p, p, n);
	*c = (struct xchg_call){ .x = x,
				 .timer.fn = call_timeout,
				 .to = *to,
				 .done = done,
				 .arg = arg,
				 .p = c->p,
				 .n = n,
				 .left = x->conf.n,
				 .type = h.type,
				 .command = x->conf.kind(h.type) == XCHG_COMMAND };
	xchg_ip(to, &c->key.ip);
	if (trigger)
		c->key.seq = trigger->key.seq;
	else
		new_seq(x, &c->key, c->command);
	if (trigger && call_find(x, &c->key)) { /* a command triggers one request */
		free(c->p);
		free(c);
		return -EALREADY;
	}
	x->conf.format->set_seq(c->p, c->key.seq);
	HASH_ADD(hh, x->calls, key, sizeof(c->key), c);
	timer_start(x->loop, &c->timer, x->conf.t_ms * USEC_PER_MSEC);
	if (ret)
		*ret = c;
	if (!quiet)
		xchg_send(x, to, c->p, n);
	return 0;
}

void xchg_call_cancel(struct xchg_call *c)
{
	if (c)
		call_free(c);
}

uint32_t xchg_call_seq(const struct xchg_call *c)
{
	return c->key.seq;
}

size_t xchg_calls(const struct xchg *x)
{
	return HASH_COUNT(x->calls);
}

/* --- their requests --- */

static void token_free(struct xchg_token *t)
{
	HASH_DEL(t->x->tokens, t);
	timer_stop(t->x->loop, &t->timer);
	free(t->p);
	free(t->user);
	free(t);
}

static void token_timeout(struct timer *timer)
{
	token_free(container_of(timer, struct xchg_token, timer));
}

/* The owner is done with it: it stays for as long as copies of the request can come. */
static void token_done(struct xchg_token *t)
{
	const struct xchg_conf *c = &t->x->conf;

	t->done = true;
	free(t->user);
	t->user = NULL;
	timer_start(t->x->loop, &t->timer, (uint64_t)c->t_ms * (c->n + 1u) * USEC_PER_MSEC);
}

static bool make_room(struct xchg *x)
{
	struct xchg_token *t, *next;
	int n = 0;

	if (HASH_COUNT(x->tokens) < x->conf.max_pending)
		return true;
	HASH_ITER (hh, x->tokens, t, next) { /* oldest first */
		if (t->done) {
			token_free(t);
			return true;
		}
		if (++n == OLDEST_TRY)
			break;
	}
	return false;
}

static void request_in(struct xchg *x, const struct xchg_msg *m)
{
	struct token_key k = { .seq = m->hdr->seq, .port = port_of(m->from), .type = m->hdr->type };
	struct xchg_token *t;

	xchg_ip(m->from, &k.ip);
	HASH_FIND(hh, x->tokens, &k, sizeof(k), t);
	if (t) {
		x->stats.duplicates++;
		if (t->p)
			xchg_send(x, &t->from, t->p, t->n);
		return;
	}
	t = make_room(x) ? calloc(1, sizeof(*t)) : NULL;
	if (!t) {
		x->stats.evicted++;
		return;
	}
	t->x = x;
	t->key = k;
	t->from = *m->from;
	t->timer.fn = token_timeout;
	HASH_ADD(hh, x->tokens, key, sizeof(t->key), t);
	x->conf.request(x->conf.arg, t, m);
}

int xchg_answer(struct xchg_token *t, const uint8_t *p, size_t n)
{
	struct xchg *x = t->x;
	struct tlv_hdr h;

	if (x->conf.format->parse(p, n, &h)) {
		token_done(t);
		return -EINVAL;
	}
	t->p = malloc(n);
	if (!t->p) {
		token_done(t);
		return -ENOMEM;
	}
	memcpy(t->p, p, n);
	t->n = n;
	x->conf.format->set_seq(t->p, t->key.seq);
	token_done(t);
	xchg_send(x, &t->from, t->p, n);
	return 0;
}

void xchg_drop(struct xchg_token *t)
{
	if (t)
		token_done(t);
}

struct xchg *xchg_token_of(const struct xchg_token *t)
{
	return t->x;
}

const struct sockaddr_storage *xchg_token_from(const struct xchg_token *t)
{
	return &t->from;
}

uint32_t xchg_token_seq(const struct xchg_token *t)
{
	return t->key.seq;
}

uint8_t xchg_token_type(const struct xchg_token *t)
{
	return (uint8_t)t->key.type;
}

void xchg_token_set_user(struct xchg_token *t, void *user)
{
	free(t->user);
	t->user = user;
}

void *xchg_token_user(const struct xchg_token *t)
{
	return t->user;
}

/* --- input --- */

static void answer_in(struct xchg *x, const struct xchg_msg *m)
{
	struct call_key k = { .seq = m->hdr->seq };
	struct xchg_call *c;
	bool version = m->hdr->type == x->conf.format->version_not_supported;

	xchg_ip(m->from, &k.ip);
	c = call_find(x, &k);
	if (!c || (!version && m->hdr->type != c->type + 1)) {
		x->stats.unexpected++;
		return;
	}
	if (x->conf.answered && !version) {
		struct sockaddr_storage to = c->to;

		x->conf.answered(x->conf.arg, &to, m);
		c = call_find(x, &k); /* it may have been cancelled meanwhile */
	}
	if (c)
		call_end(c, version ? NULL : m);
}

/* A request that a command of ours triggered ends the call of that command. */
static void command_ends(struct xchg *x, const struct xchg_msg *m)
{
	struct call_key k = { .seq = m->hdr->seq };
	struct xchg_call *c;

	if (!x->conf.ends_command || !x->conf.ends_command(m->hdr->type))
		return;
	xchg_ip(m->from, &k.ip);
	c = call_find(x, &k);
	if (c && c->command)
		call_end(c, m);
}

static void message_in(struct xchg *x, const struct xchg_msg *m)
{
	if (x->conf.look(x->conf.arg, m))
		return;
	switch (x->conf.kind(m->hdr->type)) {
	case XCHG_UNKNOWN:
		x->stats.unknown++;
		return;
	case XCHG_REQUEST:
	case XCHG_COMMAND:
		request_in(x, m);
		command_ends(x, m);
		return;
	case XCHG_ANSWER:
		answer_in(x, m);
		return;
	}
}

/* TS 29.274 7.7.2, TS 29.244 7.6.2: our version, in an answer without anything. */
static void wrong_version(struct xchg *x, const struct sockaddr_storage *from,
			  const struct tlv_hdr *h)
{
	struct tlv_hdr r = { .type = x->conf.format->version_not_supported, .seq = h->seq };
	uint8_t buf[16];
	struct tlv_buf b = TLV_BUF(buf);

	x->stats.wrong_version++;
	if (h->type == r.type) /* no answer to the same message of another version */
		return;
	x->conf.format->begin(&b, &r);
	tlv_end(&b, x->conf.format, 0);
	xchg_send(x, from, b.p, b.n);
}

/* An answer that has only a cause; the receiver's TEID or SEID is not known. */
static void refuse(struct xchg *x, const struct sockaddr_storage *to, const struct tlv_hdr *h,
		   uint8_t cause)
{
	const struct tlv_format *f = x->conf.format;
	struct tlv_hdr r = { .type = h->type + 1, .has_id = h->has_id, .seq = h->seq };
	uint8_t buf[32], value[2] = { cause };
	struct tlv_buf b = TLV_BUF(buf);

	f->begin(&b, &r);
	tlv_put(&b, f, f->cause_ie, 0, value, f->cause_octets);
	tlv_end(&b, f, 0);
	xchg_send(x, to, b.p, b.n);
}

/*
 * The datagram is longer or shorter than its messages (TS 29.274 7.7.3, TS 29.244 7.6.3): a request is refused; an
 * answer is discarded, but ends its call (TS 29.274 7.7.1).
 */
static void wrong_length(struct xchg *x, const struct sockaddr_storage *from,
			 const struct tlv_hdr *h, bool piggybacked)
{
	struct call_key k = { .seq = h->seq };
	enum xchg_kind kind = x->conf.kind(h->type);
	struct xchg_call *c;
	uint8_t cause = x->conf.format->bad_length;

	x->stats.malformed++;
	if (kind == XCHG_ANSWER) {
		xchg_ip(from, &k.ip);
		c = call_find(x, &k);
		if (c && h->type == c->type + 1)
			call_end(c, NULL);
	} else if (kind != XCHG_UNKNOWN && h->type != 1) { /* not Echo, not Heartbeat */
		if (piggybacked)
			cause = x->conf.format->piggyback_length;
		if (cause)
			refuse(x, from, h, cause);
	}
}

void xchg_input(struct xchg *x, const struct sockaddr_storage *from, const uint8_t *p, size_t n)
{
	struct tlv_hdr h;
	struct xchg_msg m = { .hdr = &h, .from = from };
	int e;

	for (bool more = true; more; p += h.len, n -= h.len) {
		x->stats.received++;
		e = x->conf.format->parse(p, n, &h);
		if (e == -EMSGSIZE || (!e && !h.more && n > h.len)) {
			wrong_length(x, from, &h, m.piggybacked);
			return;
		}
		if (e == -EPROTONOSUPPORT && !m.piggybacked) {
			wrong_version(x, from, &h);
			return;
		}
		if (e) {
			x->stats.malformed++;
			return;
		}
		more = h.more && n > h.len;
		m.p = p;
		m.n = h.len;
		message_in(x, &m);
		m.piggybacked = true;
	}
}

static void on_readable(struct loop_io *io, uint32_t revents)
{
	struct xchg *x = container_of(io, struct sock, io)->x;
	struct sockaddr_storage from;
	socklen_t len;
	ssize_t n;

	(void)revents;
	for (int i = 0; i < BATCH; i++) {
		len = sizeof(from);
		memset(&from, 0, sizeof(from));
		n = recvfrom(io->fd, x->buf, sizeof(x->buf), MSG_DONTWAIT, (struct sockaddr *)&from,
			     &len);
		if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
			return;
		if (n > 0)
			xchg_input(x, &from, x->buf, (size_t)n);
	}
}

/* --- life --- */

static int sock_open(struct xchg *x, struct sock *s, const struct sockaddr_storage *a)
{
	int one = 1, size = RCVBUF;

	s->io.fd = socket(a->ss_family, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (s->io.fd < 0)
		return -errno;
	if (a->ss_family == AF_INET6)
		setsockopt(s->io.fd, IPPROTO_IPV6, IPV6_V6ONLY, &one, sizeof(one));
	setsockopt(s->io.fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
	if (bind(s->io.fd, (const struct sockaddr *)a, len_of(a)) < 0)
		return -errno;
	s->io.events = EPOLLIN;
	s->io.fn = on_readable;
	return loop_io_add(x->loop, &s->io);
}

static int socks_open(struct xchg *x)
{
	int e = 0;

	for (int i = 0; i < 2 && !e && !x->conf.send; i++) {
		const struct sockaddr_storage *a = &x->conf.local[i];

		if (a->ss_family != AF_UNSPEC)
			e = sock_open(x, &x->sock[a->ss_family == AF_INET6], a);
	}
	return e;
}

int xchg_open(struct loop *l, const struct xchg_conf *c, struct xchg **ret)
{
	struct xchg *x = calloc(1, sizeof(*x));
	int e;

	if (!x)
		return -ENOMEM;
	x->loop = l;
	x->conf = *c;
	if (!x->conf.t_ms)
		x->conf.t_ms = 3000;
	if (!x->conf.n)
		x->conf.n = 3;
	if (!x->conf.max_pending)
		x->conf.max_pending = 65536;
	x->seq_mask = SEQ_MASK & ~XCHG_COMMAND_BIT;
	if (getrandom(&x->seq, sizeof(x->seq), 0) != sizeof(x->seq))
		x->seq = 0;
	for (int i = 0; i < 2; i++)
		x->sock[i] = (struct sock){ .io.fd = -1, .x = x };
	e = socks_open(x);
	x->conf.local = NULL; /* the caller's, for the time of this call */
	if (e) {
		xchg_close(x);
		return e;
	}
	*ret = x;
	return 0;
}

void xchg_close(struct xchg *x)
{
	struct xchg_call *c, *nc;
	struct xchg_token *t, *nt;

	if (!x)
		return;
	HASH_ITER (hh, x->calls, c, nc)
		call_free(c);
	HASH_ITER (hh, x->tokens, t, nt)
		token_free(t);
	for (int i = 0; i < 2; i++) {
		if (x->sock[i].io.fd < 0)
			continue;
		loop_io_del(x->loop, &x->sock[i].io);
		close(x->sock[i].io.fd);
	}
	free(x);
}

void *xchg_arg(const struct xchg *x)
{
	return x->conf.arg;
}

struct xchg_stats *xchg_stats(struct xchg *x)
{
	return &x->stats;
}
