// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * SIP over TCP (RFC 3261 18): listeners, connections, their limits.
 *
 * With bind_source an outgoing connection comes from the endpoint's own port (TS 33.203 7.1):
 * listener and connections all carry SO_REUSEPORT, without which bind() fails beside the listener.
 *
 * Invariants: the owner's callbacks are never called out of tcp_send(); a connection freed inside a
 * callback is freed when its event is over; every connection has a running timer (connecting,
 * message begun, or idle), a bounded input and a bounded output.
 */
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <linux/sockios.h>
#include <stdio.h>
#include <sys/ioctl.h>

#include "lib/core/log.h"
#include "lib/sip/stream.h"
#include "lib/sip/tp_priv.h"

#define READ_CHUNK	 8192
#define READ_ROUNDS	 4
#define ACCEPT_ROUNDS	 64
#define LISTEN_BACKLOG	 1024
#define LISTENER_REST_MS 1000
#define UNACKED_MS	 32000 /* a peer that is gone must not keep its connection in use */
#define LAST_WORDS_MS	 2000  /* so long the end of a fleeting connection is repeated */

enum conn_state { CONN_CONNECTING, CONN_OPEN, CONN_BROKEN, CONN_DEAD };

struct tcp_conn {
	struct hnode by_id;	      /* first: key is the id */
	struct hnode by_peer;	      /* key: hash of the peer's address without port */
	struct tcp_conn *prev, *next; /* least recently used first */
	struct sip_tp *tp;
	struct sip_ep *ep;
	struct loop_io io;
	struct timer timer;
	union sip_sa peer;
	enum conn_state state;
	int err; /* of CONN_BROKEN */
	bool accepted;
	bool fin;	  /* the peer closed first */
	bool close_after; /* once the output is out */
	bool fresh;	  /* accepted, nothing complete came yet */
	bool busy;	  /* inside its own event */
	bool progress;	  /* something became complete in this event */
	struct sip_framer framer;
	char *in;
	size_t in_len, in_cap;
	char *out;
	size_t out_off, out_len, out_cap; /* out[out_off .. out_len) waits */
};

static uint64_t peer_key(struct sip_tp *tp, const union sip_sa *a)
{
	struct siphash h;

	siphash_init(&h, tp->hash_key);
	if (a->sa.sa_family == AF_INET)
		siphash_add(&h, &((const struct sockaddr_in *)&a->ss)->sin_addr, 4);
	else
		siphash_add(&h, &((const struct sockaddr_in6 *)&a->ss)->sin6_addr, 16);
	return siphash_end(&h);
}

static struct tcp_conn *conn_by_id(struct sip_tp *tp, uint64_t id)
{
	struct hnode *n = id ? htab_find(&tp->conns_by_id, id) : NULL;

	return n ? container_of(n, struct tcp_conn, by_id) : NULL;
}

static bool usable(const struct tcp_conn *c)
{
	return (c->state == CONN_CONNECTING || c->state == CONN_OPEN) && !c->close_after && !c->fin;
}

static struct tcp_conn *conn_by_peer(struct sip_tp *tp, const struct sip_ep *ep,
				     const union sip_sa *peer)
{
	for (struct hnode *n = htab_find(&tp->conns_by_peer, peer_key(tp, peer)); n;
	     n = htab_next(n)) {
		struct tcp_conn *c = container_of(n, struct tcp_conn, by_peer);

		if (c->ep == ep && usable(c) && sip_sa_eq(&c->peer, peer))
			return c;
	}
	return NULL;
}

/* --- life --- */

static void lru_unlink(struct tcp_conn *c)
{
	struct sip_tp *tp = c->tp;

	*(c->prev ? &c->prev->next : &tp->lru_first) = c->next;
	*(c->next ? &c->next->prev : &tp->lru_last) = c->prev;
	c->prev = c->next = NULL;
}

static void lru_append(struct tcp_conn *c)
{
	struct sip_tp *tp = c->tp;

	c->prev = tp->lru_last;
	c->next = NULL;
	*(c->prev ? &c->prev->next : &tp->lru_first) = c;
	tp->lru_last = c;
}

static void start_timer(struct tcp_conn *c, uint32_t ms)
{
	timer_start(c->tp->loop, &c->timer, ms * USEC_PER_MSEC);
}

/* Which of its three clocks runs now. A begun message keeps the clock that it began with. */
static void rearm(struct tcp_conn *c, bool was_partial)
{
	const struct sip_tp_limits *l = &c->tp->limits;

	if (c->state == CONN_BROKEN)
		return;
	if (c->state == CONN_CONNECTING || (was_partial && c->in_len))
		return;
	lru_unlink(c);
	lru_append(c);
	start_timer(c, c->in_len || c->fresh || c->close_after ? l->partial_ms : l->idle_ms);
}

static void conn_free(struct tcp_conn *c)
{
	free(c->in);
	free(c->out);
	free(c);
}

static bool all_acknowledged(const struct tcp_conn *c)
{
	int left = 0;

	return !ioctl(c->io.fd, SIOCOUTQ, &left) && !left;
}

/* True: by RST. A FIN is repeated until it is acknowledged, also by a kernel whose SAs and bearers have gone. */
static bool ends_by_reset(const struct tcp_conn *c)
{
	/* Closing first from a fixed port would leave TIME_WAIT, which forbids the next connect for a minute. */
	if (c->ep->bind_source && !c->accepted && !c->fin)
		return true;
	return c->ep->fleeting && all_acknowledged(c);
}

static void end_socket(struct tcp_conn *c, bool reset)
{
	struct linger lg = { .l_onoff = 1, .l_linger = 0 };
	unsigned int ms = LAST_WORDS_MS;

	if (reset)
		setsockopt(c->io.fd, SOL_SOCKET, SO_LINGER, &lg, sizeof(lg));
	else if (c->ep->fleeting)
		setsockopt(c->io.fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &ms, sizeof(ms));
	close(c->io.fd);
}

static void conn_close(struct tcp_conn *c, bool reset)
{
	struct sip_tp *tp = c->tp;

	if (c->state == CONN_DEAD)
		return;
	c->state = CONN_DEAD;
	timer_stop(tp->loop, &c->timer);
	loop_io_del(tp->loop, &c->io);
	end_socket(c, reset || ends_by_reset(c));
	htab_remove(&tp->conns_by_id, &c->by_id);
	htab_remove(&tp->conns_by_peer, &c->by_peer);
	lru_unlink(c);
	tp->n_conns--;
	tp->stats.conns_closed++;
	if (!c->busy)
		conn_free(c);
}

/* Closes and tells the owner: what waits for an answer on it need not wait any more. */
static void conn_fail(struct tcp_conn *c, int err)
{
	struct sip_path path = {
		.ep = c->ep, .proto = SIP_TCP, .peer = c->peer, .conn = c->by_id.key
	};
	struct sip_tp *tp = c->tp;

	if (c->state == CONN_DEAD)
		return;
	conn_close(c, false);
	tp_error(tp, &path, err);
}

/* From inside a send: the timer does the rest, outside of the caller. */
static void conn_break(struct tcp_conn *c, int err)
{
	c->state = CONN_BROKEN;
	c->err = err;
	start_timer(c, 0);
}

static void on_timer(struct timer *t)
{
	struct tcp_conn *c = container_of(t, struct tcp_conn, timer);

	if (c->state == CONN_BROKEN)
		conn_fail(c, c->err);
	else if (c->state == CONN_CONNECTING)
		conn_fail(c, -ETIMEDOUT);
	else
		conn_fail(c, -ECONNABORTED); /* idle, or a message that does not end */
}

static void on_conn(struct loop_io *io, uint32_t revents);

static struct tcp_conn *conn_new(struct sip_ep *ep, int fd, const union sip_sa *peer,
				 enum conn_state state)
{
	struct sip_tp *tp = ep->tp;
	struct tcp_conn *c = calloc(1, sizeof(*c));
	unsigned int dead_ms = UNACKED_MS;
	int one = 1;

	if (!c)
		return NULL;
	c->tp = tp;
	c->ep = ep;
	c->peer = *peer;
	c->state = state;
	c->timer.fn = on_timer;
	c->io = (struct loop_io){ .fd = fd,
				  .events = state == CONN_OPEN ? EPOLLIN : EPOLLIN | EPOLLOUT,
				  .fn = on_conn };
	if (loop_io_add(tp->loop, &c->io) < 0) {
		free(c);
		return NULL;
	}
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &one, sizeof(one));
	setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &dead_ms, sizeof(dead_ms));
	htab_insert(&tp->conns_by_id, &c->by_id, ++tp->last_conn);
	htab_insert(&tp->conns_by_peer, &c->by_peer, peer_key(tp, peer));
	lru_append(c);
	tp->n_conns++;
	return c;
}

/* The longest idle connection goes when there are too many. False: none is idle. */
static bool make_room(struct sip_tp *tp)
{
	for (struct tcp_conn *c = tp->lru_first; c; c = c->next) {
		if (c->busy || c->out_len > c->out_off || c->state != CONN_OPEN)
			continue;
		conn_fail(c, -ECONNABORTED);
		return true;
	}
	return false;
}

/* --- input --- */

static bool reserve_in(struct tcp_conn *c)
{
	size_t max = c->tp->max_message + READ_CHUNK, cap;
	char *p;

	if (c->in_cap - c->in_len >= READ_CHUNK / 2)
		return true;
	cap = MIN(MAX(c->in_cap * 2, (size_t)READ_CHUNK), max);
	if (cap <= c->in_len)
		return false;
	p = realloc(c->in, cap);
	if (!p)
		return false;
	c->in = p;
	c->in_cap = cap;
	return true;
}

static int queue_out(struct tcp_conn *c, const struct tp_out *o);

/* Where the next message begins is unknown: this one gets its answer, 513 or 400, then the connection closes. */
static void last_message(struct tcp_conn *c, const char *data, size_t len, const struct sip_path *from)
{
	tp_deliver(c->tp, data, len, from); /* the parser says which, when it can read the header */
	c->close_after = true;
}

/* Takes what is complete out of the input. False: the connection is of no more use. */
static bool consume(struct tcp_conn *c)
{
	struct sip_path from = {
		.ep = c->ep, .proto = SIP_TCP, .peer = c->peer, .conn = c->by_id.key
	};
	size_t off = 0, n = 0;

	while (c->state != CONN_DEAD && !c->close_after) {
		const char *p = c->in + off;
		enum sip_frame k =
			sip_frame_next(&c->framer, p, c->in_len - off, c->tp->max_message, &n);

		if (k == SIP_FRAME_MORE)
			break;
		switch (k) {
		case SIP_FRAME_MORE:
		case SIP_FRAME_CRLF:
			break;
		case SIP_FRAME_PING:
			c->fresh = false;
			queue_out(c, &(struct tp_out){ .data = "\r\n", .len = 2 });
			break;
		case SIP_FRAME_MESSAGE:
			c->fresh = false;
			tp_deliver(c->tp, p, n, &from);
			break;
		case SIP_FRAME_TOO_BIG:
		case SIP_FRAME_BROKEN:
			last_message(c, p, c->in_len - off, &from);
			n = c->in_len - off;
			break;
		}
		off += n;
		c->progress = true;
	}
	if (c->state == CONN_DEAD)
		return false;
	memmove(c->in, c->in + off, c->in_len - off);
	c->in_len -= off;
	return true;
}

/* 0: nothing more now; 1: there may be more; -errno: over. */
static int read_some(struct tcp_conn *c)
{
	ssize_t n;

	if (!reserve_in(c))
		return -ENOBUFS;
	n = recv(c->io.fd, c->in + c->in_len, c->in_cap - c->in_len, MSG_DONTWAIT);
	if (n < 0)
		return errno == EAGAIN || errno == EINTR ? 0 : -errno;
	if (!n) {
		c->fin = true;
		return -ECONNRESET;
	}
	if (c->close_after) /* nobody listens to it any more */
		return 1;
	c->in_len += n;
	return consume(c) ? 1 : -EPROTO;
}

static int read_all(struct tcp_conn *c)
{
	bool partial = c->in_len;
	int r = 1;

	c->progress = false;
	for (int i = 0; r > 0 && i < READ_ROUNDS && c->state == CONN_OPEN; i++)
		r = read_some(c);
	if (c->state != CONN_OPEN)
		return 0;
	if (!c->in_len) {
		free(c->in);
		c->in = NULL;
		c->in_cap = 0;
	}
	rearm(c, partial && !c->progress);
	return MIN(r, 0);
}

/* --- output --- */

static void want_out(struct tcp_conn *c, bool on)
{
	uint32_t ev = EPOLLIN | (on ? EPOLLOUT : 0);

	if (c->io.events != ev)
		loop_io_mod(c->tp->loop, &c->io, ev);
	c->io.events = ev;
}

/* 0, or -errno of a broken connection. */
static int flush_out(struct tcp_conn *c)
{
	while (c->out_off < c->out_len) {
		ssize_t n = send(c->io.fd, c->out + c->out_off, c->out_len - c->out_off,
				 MSG_DONTWAIT | MSG_NOSIGNAL);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EAGAIN) {
			want_out(c, true);
			return 0;
		}
		if (n < 0)
			return -errno;
		c->out_off += n;
	}
	free(c->out);
	c->out = NULL;
	c->out_off = c->out_len = c->out_cap = 0;
	want_out(c, false);
	return 0;
}

static int reserve_out(struct tcp_conn *c, size_t n)
{
	size_t have = c->out_len - c->out_off, cap;
	char *p;

	if (have + n > c->tp->limits.out_bytes)
		return -ENOBUFS;
	if (c->out_off && c->out_len + n > c->out_cap) {
		memmove(c->out, c->out + c->out_off, have);
		c->out_off = 0;
		c->out_len = have;
	}
	if (c->out_len + n <= c->out_cap)
		return 0;
	cap = MAX(c->out_cap * 2, c->out_len + n);
	p = realloc(c->out, cap);
	if (!p)
		return -ENOMEM;
	c->out = p;
	c->out_cap = cap;
	return 0;
}

static int queue_out(struct tcp_conn *c, const struct tp_out *o)
{
	size_t n = tp_out_size(o);
	int r = reserve_out(c, n);

	if (r < 0)
		return r;
	n = tp_out_write(o, c->out + c->out_len, c->out_cap - c->out_len);
	if (!n)
		return -EINVAL;
	c->out_len += n;
	if (c->state == CONN_CONNECTING)
		return 0;
	r = flush_out(c);
	if (r < 0)
		conn_break(c, r);
	return r < 0 ? -EPIPE : 0;
}

/* --- events --- */

static int connected(struct tcp_conn *c)
{
	int err = 0;
	socklen_t len = sizeof(err);

	if (getsockopt(c->io.fd, SOL_SOCKET, SO_ERROR, &err, &len) < 0)
		return -errno;
	if (err)
		return -err;
	c->state = CONN_OPEN;
	rearm(c, false);
	return 0;
}

static int conn_event(struct tcp_conn *c, uint32_t revents)
{
	int r = 0;

	if (c->state == CONN_CONNECTING)
		r = connected(c);
	if (!r && revents & (EPOLLIN | EPOLLHUP | EPOLLERR))
		r = read_all(c);
	if (!r && c->state == CONN_OPEN)
		r = flush_out(c);
	if (!r && c->state == CONN_OPEN && c->close_after && !c->out_len)
		r = -EPROTO;
	return r;
}

static void on_conn(struct loop_io *io, uint32_t revents)
{
	struct tcp_conn *c = container_of(io, struct tcp_conn, io);
	int r;

	c->busy = true;
	r = conn_event(c, revents);
	if (r < 0)
		conn_fail(c, r);
	c->busy = false;
	if (c->state == CONN_DEAD)
		conn_free(c);
}

/* --- listener --- */

static uint32_t conns_of(struct sip_tp *tp, const union sip_sa *peer)
{
	uint32_t n = 0;

	for (struct hnode *h = htab_find(&tp->conns_by_peer, peer_key(tp, peer)); h;
	     h = htab_next(h))
		n += container_of(h, struct tcp_conn, by_peer)->accepted;
	return n;
}

static void accepted(struct sip_ep *ep, int fd, const union sip_sa *peer)
{
	struct sip_tp *tp = ep->tp;
	struct tcp_conn *c = NULL;

	if (conns_of(tp, peer) < tp->limits.max_conns_per_peer &&
	    (tp->n_conns < tp->limits.max_conns || make_room(tp)))
		c = conn_new(ep, fd, peer, CONN_OPEN);
	if (!c) {
		close(fd);
		return;
	}
	c->accepted = c->fresh = true;
	tp->stats.conns_accepted++;
	rearm(c, false);
}

/* Out of descriptors and nothing to close: look again in a second instead of spinning. */
static void rest_listener(struct sip_ep *ep)
{
	if (make_room(ep->tp))
		return;
	loop_io_mod(ep->tp->loop, &ep->listener, 0);
	timer_start(ep->tp->loop, &ep->tp->sweep, LISTENER_REST_MS * USEC_PER_MSEC);
}

static void on_sweep(struct timer *t)
{
	struct sip_tp *tp = container_of(t, struct sip_tp, sweep);

	for (struct sip_ep *ep = tp->eps; ep; ep = ep->next)
		if (ep->listener.fd >= 0)
			loop_io_mod(tp->loop, &ep->listener, EPOLLIN);
}

static void on_listener(struct loop_io *io, uint32_t revents)
{
	struct sip_ep *ep = container_of(io, struct sip_ep, listener);

	(void)revents;
	for (int i = 0; i < ACCEPT_ROUNDS; i++) {
		union sip_sa peer = { 0 };
		socklen_t len = sizeof(peer.ss);
		int fd = accept4(io->fd, &peer.sa, &len, SOCK_NONBLOCK | SOCK_CLOEXEC);

		if (fd >= 0) {
			accepted(ep, fd, &peer);
			continue;
		}
		if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM)
			rest_listener(ep);
		if (errno != ECONNABORTED && errno != EINTR)
			break;
	}
}

static int tcp_socket(const struct sip_ep *ep)
{
	int one = 1, fd = tp_socket(ep, SOCK_STREAM);

	if (fd < 0)
		return fd;
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &one, sizeof(one));
	return fd;
}

int tp_tcp_open(struct sip_ep *ep)
{
	int fd = tcp_socket(ep), r;

	if (fd < 0)
		return fd;
	ep->listener = (struct loop_io){ .fd = fd, .events = EPOLLIN, .fn = on_listener };
	r = tp_bind(fd, &ep->local, ep->device);
	if (r < 0)
		return r;
	if (listen(fd, LISTEN_BACKLOG) < 0)
		return -errno;
	return loop_io_add(ep->tp->loop, &ep->listener);
}

void tp_tcp_close(struct sip_ep *ep)
{
	if (ep->listener.fd >= 0) {
		loop_io_del(ep->tp->loop, &ep->listener);
		close(ep->listener.fd);
		ep->listener.fd = -1;
	}
	tp_tcp_close_peer(ep->tp, ep, NULL);
}

/* --- the wire --- */

/* A connection from ep to peer that is being made. */
static struct tcp_conn *conn_open(struct sip_ep *ep, const union sip_sa *peer, int *ret_err)
{
	struct sip_tp *tp = ep->tp;
	union sip_sa local = ep->local;
	struct tcp_conn *c = NULL;
	int fd = tcp_socket(ep), r;

	if (fd < 0) {
		*ret_err = fd;
		return NULL;
	}
	if (!ep->bind_source)
		sip_sa_set_port(&local, 0);
	r = tp_bind(fd, &local, ep->device);
	if (!r && connect(fd, &peer->sa, sip_sa_len(peer)) < 0 && errno != EINPROGRESS)
		r = -errno;
	if (!r && tp->n_conns >= tp->limits.max_conns && !make_room(tp))
		r = -EMFILE;
	if (!r) {
		c = conn_new(ep, fd, peer, CONN_CONNECTING);
		r = c ? 0 : -ENOMEM;
	}
	if (r < 0) {
		close(fd);
		*ret_err = r;
		return NULL;
	}
	tp->stats.conns_opened++;
	start_timer(c, tp->limits.connect_ms);
	return c;
}

int tp_tcp_send(struct sip_tp *tp, const struct sip_path *path, const struct tp_out *o,
		uint64_t *ret_conn)
{
	struct tcp_conn *c =
		path->conn ? conn_by_id(tp, path->conn) : conn_by_peer(tp, path->ep, &path->peer);
	int r = -ENOMEM;

	if (path->conn && (!c || !usable(c)))
		return -EPIPE;
	if (!c && !path->ep->tcp)
		return -EPROTONOSUPPORT;
	if (!c)
		c = conn_open(path->ep, &path->peer, &r);
	if (!c)
		return r;
	r = queue_out(c, o);
	if (!r && ret_conn)
		*ret_conn = c->by_id.key;
	if (!r)
		rearm(c, c->in_len || c->fresh);
	return r;
}

void tp_tcp_close_conn(struct sip_tp *tp, uint64_t conn)
{
	struct tcp_conn *c = conn_by_id(tp, conn);

	if (c)
		conn_close(c, false);
}

/* ep NULL: of every endpoint; peer NULL: to everybody, as at an endpoint's end. */
void tp_tcp_close_peer(struct sip_tp *tp, struct sip_ep *ep, const union sip_sa *peer)
{
	struct tcp_conn *c, *next;

	for (c = tp->lru_first; c; c = next) {
		next = c->next;
		if ((!ep || c->ep == ep) && tp_is_peer(&c->peer, peer))
			conn_close(c, peer);
	}
}

bool tp_tcp_alive(struct sip_tp *tp, uint64_t conn)
{
	struct tcp_conn *c = conn_by_id(tp, conn);

	return c && usable(c);
}

int tp_tcp_init(struct sip_tp *tp)
{
	tp->sweep.fn = on_sweep;
	if (htab_init(&tp->conns_by_id, 64))
		return -ENOMEM;
	if (htab_init(&tp->conns_by_peer, 64)) {
		htab_fini(&tp->conns_by_id);
		return -ENOMEM;
	}
	return 0;
}

void tp_tcp_fini(struct sip_tp *tp)
{
	timer_stop(tp->loop, &tp->sweep);
	htab_fini(&tp->conns_by_id);
	htab_fini(&tp->conns_by_peer);
}

/* --- both kinds of sockets --- */

static int sockets_open(struct sip_ep *ep, const struct sip_ep_opts *o)
{
	int r = tp_udp_open(ep, o->rcvbuf);

	return r < 0 || !o->tcp ? r : tp_tcp_open(ep);
}

static void sockets_close(struct sip_ep *ep)
{
	tp_udp_close(ep);
	tp_tcp_close(ep);
}

const struct tp_wire tp_wire_sockets = {
	.open = sockets_open,
	.close = sockets_close,
	.udp_send = tp_udp_send,
	.tcp_send = tp_tcp_send,
	.close_conn = tp_tcp_close_conn,
	.close_peer = tp_tcp_close_peer,
	.conn_alive = tp_tcp_alive,
};
