// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Diameter over TCP in the loop: capabilities exchange, watchdog, disconnection (RFC 6733 5.3 to
 * 5.6, RFC 3539 3.4), one connection for each peer, no threads.
 *
 *   IDLE --timer--> CONNECTING --connected, CER--> WAIT_CEA --CEA 2001--> OPEN
 *   accepted ----------------------------------> WAIT_CER --CER, CEA---> OPEN
 *
 * Every state but OPEN ends with a time limit; OPEN is left when the peer is silent for two
 * watchdog intervals (a DWR is sent after the first), by DPR, by a lost connection, or by a message that cannot
 * be framed. A connection that we make is tried again after 100 ms, then twice as long each time, at most
 * reconnect_s. Calls over a lost connection end at once.
 *
 * Invariants: a connection is closed in conn_close() only, which never frees it: callers up the stack look at
 * io.fd afterwards; accepted ones are freed by the reaper in a later round. What cannot be written is
 * kept, up to OUT_MAX.
 */
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include "lib/core/log.h"
#include "lib/diameter/node.h"

#define OUT_MAX	       (8U << 20)
#define IN_STEP	       65536U
#define REQUESTS_MAX   4096
#define CONNS_MAX      256
#define HANDSHAKE_USEC (5 * USEC_PER_SEC)
#define FIRST_RETRY_MS 100
#define VENDOR_3GPP    10415
#define APP_RELAY      UINT32_C(0xffffffff)

enum { CE = 257, DW = 280, DP = 282 };
enum {
	SUCCESS = 2001,
	UNKNOWN_COMMAND = 3001,
	TOO_BUSY = 3004,
	UNKNOWN_PEER = 3010,
	NO_COMMON_APP = 5010
};
enum conn_state { IDLE, CONNECTING, WAIT_CEA, WAIT_CER, OPEN };

struct direct;

struct conn {
	struct conn *next;
	struct direct *n;
	const struct dia_peer_conf *conf; /* we connect; NULL: it was accepted */
	char identity[256];		  /* known from the configuration or the CER */
	enum conn_state state;
	uint64_t serial; /* of this connection */
	struct loop_io io;
	struct timer timer; /* retry, limit of a handshake, watchdog */
	uint8_t *in, *out;
	size_t n_in, in_size, n_out, out_size;
	uint32_t retry_ms;
	bool heard, asked; /* since the last look of the watchdog; DWR is out */
	bool relay;
	bool dead; /* accepted and closed: the reaper takes it */
};

struct direct {
	struct dia d; /* first */
	struct loop_io listener;
	struct timer reaper;
	struct conn *conns;
	size_t n_conns;
	uint64_t serials;
	unsigned int requests;
};

/* A request in our hands: where its answer goes. */
struct received {
	uint64_t serial;
	uint32_t hop_by_hop, end_to_end;
};

static struct direct *direct_of(struct dia *d)
{
	return container_of(d, struct direct, d);
}

/* --- writing --- */

static void conn_close(struct conn *c, const char *why);

static void want(struct conn *c)
{
	uint32_t ev = EPOLLIN | (c->n_out || c->state == CONNECTING ? EPOLLOUT : 0);

	if (c->io.events != ev)
		loop_io_mod(c->n->d.loop, &c->io, ev);
}

static int keep_output(struct conn *c, const uint8_t *p, size_t n)
{
	uint8_t *q;

	if (n > OUT_MAX - c->n_out)
		return -EBUSY;
	if (c->n_out + n > c->out_size) {
		size_t size = MAX(c->out_size * 2, c->n_out + n);

		q = realloc(c->out, size);
		if (!q)
			return -ENOMEM;
		c->out = q;
		c->out_size = size;
	}
	memcpy(c->out + c->n_out, p, n);
	c->n_out += n;
	want(c);
	return 0;
}

/* -EBUSY, -ENOMEM: not sent. A broken connection is found by the loop. */
static int conn_send(struct conn *c, const uint8_t *p, size_t n)
{
	ssize_t w = 0;

	if (!c->n_out) {
		w = send(c->io.fd, p, n, MSG_NOSIGNAL);
		if (w < 0)
			w = 0;
		if ((size_t)w == n)
			return 0;
	}
	return keep_output(c, p + w, n - (size_t)w);
}

static void flush_output(struct conn *c)
{
	ssize_t w = send(c->io.fd, c->out, c->n_out, MSG_NOSIGNAL);

	if (w > 0) {
		memmove(c->out, c->out + w, c->n_out - (size_t)w);
		c->n_out -= (size_t)w;
	} else if (w < 0 && errno != EAGAIN && errno != EINTR) {
		conn_close(c, strerror(errno));
		return;
	}
	want(c);
}

/* --- messages of the base protocol --- */

static const struct ie_avp host_ip = { .name = "Host-IP-Address", .code = 257, .flags = IE_M };
static const struct ie_avp supported_vendor = { .name = "Supported-Vendor-Id",
						.code = 265,
						.flags = IE_M };
static const struct ie_avp firmware = { .name = "Firmware-Revision", .code = 267 };
static const struct ie_avp product = { .name = "Product-Name", .code = 269 };
static const struct ie_avp disconnect_cause = { .name = "Disconnect-Cause",
						.code = 273,
						.flags = IE_M };

static void put_name(struct ie_buf *b, enum ie_base_avp a, const char *s)
{
	ie_put(b, &ie_base[a], s, strlen(s));
}

static void put_host_address(struct ie_buf *b, const struct conn *c)
{
	struct sockaddr_storage ss = { .ss_family = AF_UNSPEC };
	socklen_t n = sizeof(ss);
	uint8_t a[18] = { 0 };

	getsockname(c->io.fd, (struct sockaddr *)&ss, &n);
	if (ss.ss_family == AF_INET6) {
		a[1] = 2;
		memcpy(a + 2, &((struct sockaddr_in6 *)&ss)->sin6_addr, 16);
		ie_put(b, &host_ip, a, 18);
	} else {
		a[1] = 1;
		memcpy(a + 2, &((struct sockaddr_in *)&ss)->sin_addr, 4);
		ie_put(b, &host_ip, a, 6);
	}
}

static void put_capabilities(struct ie_buf *b, const struct conn *c)
{
	const struct dia_conf *conf = &c->n->d.conf;
	size_t at;

	put_host_address(b, c);
	ie_put_u32(b, &ie_base[IEB_VENDOR_ID], VENDOR_3GPP);
	ie_put(b, &product, "kims", 4);
	ie_put_u32(b, &ie_base[IEB_ORIGIN_STATE_ID], c->n->d.state_id);
	ie_put_u32(b, &supported_vendor, VENDOR_3GPP);
	for (size_t i = 0; i < conf->n_apps; i++) {
		at = ie_open(b, &ie_base[IEB_VENDOR_SPECIFIC_APPLICATION_ID]);
		ie_put_u32(b, &ie_base[IEB_VENDOR_ID], conf->apps[i]->vendor);
		ie_put_u32(b, &ie_base[IEB_AUTH_APPLICATION_ID], conf->apps[i]->id);
		ie_close(b, at);
	}
	ie_put_u32(b, &firmware, 1);
}

/* req NULL: a request of ours; else its answer with this result. */
static void send_base(struct conn *c, uint32_t code, const struct ie_header *req, uint32_t result)
{
	struct ie_header h = { .code = code, .flags = req ? 0 : IE_FLAG_REQUEST };
	struct ie_buf b = { 0 };

	h.hop_by_hop = req ? req->hop_by_hop : (uint32_t)c->serial;
	h.end_to_end = req ? req->end_to_end : (uint32_t)loop_now(c->n->d.loop);
	if (req && result / 1000 == 3)
		h.flags |= IE_FLAG_ERROR;
	ie_begin(&b, &h);
	if (req)
		ie_put_u32(&b, &ie_base[IEB_RESULT_CODE], result);
	put_name(&b, IEB_ORIGIN_HOST, c->n->d.conf.identity);
	put_name(&b, IEB_ORIGIN_REALM, c->n->d.conf.realm);
	if (code == CE)
		put_capabilities(&b, c);
	if (code == DW)
		ie_put_u32(&b, &ie_base[IEB_ORIGIN_STATE_ID], c->n->d.state_id);
	if (code == DP && !req)
		ie_put_u32(&b, &disconnect_cause, 0); /* REBOOTING */
	ie_end(&b);
	if (!b.err)
		conn_send(c, b.p, b.n);
	free(b.p);
}

/* --- opening and closing --- */

static void on_reap(struct timer *t)
{
	struct direct *n = container_of(t, struct direct, reaper);
	struct conn **p = &n->conns, *c;

	while ((c = *p)) {
		if (!c->dead) {
			p = &c->next;
			continue;
		}
		*p = c->next;
		n->n_conns--;
		free(c);
	}
}

static void conn_close(struct conn *c, const char *why)
{
	struct direct *n = c->n;
	bool was_open = c->state == OPEN;

	if (c->io.fd < 0)
		return;
	log_debug("diameter: %s: %s", *c->identity ? c->identity : "incoming connection", why);
	loop_io_del(n->d.loop, &c->io);
	close(c->io.fd);
	c->io.fd = -1;
	free(c->in);
	free(c->out);
	c->in = c->out = NULL;
	c->n_in = c->in_size = c->n_out = c->out_size = 0;
	c->state = IDLE;
	c->dead = !c->conf;
	timer_stop(n->d.loop, &c->timer);
	if (c->conf && n->d.link)
		timer_start(n->d.loop, &c->timer, (uint64_t)c->retry_ms * USEC_PER_MSEC);
	if (c->dead)
		timer_start(n->d.loop, &n->reaper, 0);
	if (was_open && n->d.link) {
		dia_link_lost(n->d.link, c->serial);
		dia_report(&n->d, c->identity, false);
	}
}

static uint64_t watchdog_usec(const struct direct *n)
{
	return MAX(n->d.conf.watchdog_s, 1U) * USEC_PER_SEC;
}

static void conn_opened(struct conn *c)
{
	struct direct *n = c->n;

	c->state = OPEN;
	c->heard = true;
	c->asked = false;
	c->retry_ms = FIRST_RETRY_MS;
	timer_start(n->d.loop, &c->timer, watchdog_usec(n));
	log_debug("diameter: %s: open", c->identity);
	dia_report(&n->d, c->identity, true);
}

static void on_connected(struct conn *c)
{
	int err = 0, one = 1;
	socklen_t n = sizeof(err);

	if (getsockopt(c->io.fd, SOL_SOCKET, SO_ERROR, &err, &n) || err) {
		conn_close(c, strerror(err));
		return;
	}
	setsockopt(c->io.fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	c->state = WAIT_CEA;
	want(c);
	send_base(c, CE, NULL, 0);
}

static void on_io(struct loop_io *io, uint32_t revents);

static int resolve(const char *addr, uint16_t port, struct sockaddr_storage *ret,
		   socklen_t *ret_len)
{
	struct addrinfo hints = { .ai_flags = AI_NUMERICHOST | AI_NUMERICSERV,
				  .ai_socktype = SOCK_STREAM },
			*ai;
	char number[8];

	snprintf(number, sizeof(number), "%u", port);
	if (getaddrinfo(addr, number, &hints, &ai))
		return -EINVAL;
	memcpy(ret, ai->ai_addr, ai->ai_addrlen);
	*ret_len = ai->ai_addrlen;
	freeaddrinfo(ai);
	return 0;
}

static int conn_watch(struct conn *c, int fd, enum conn_state state)
{
	c->io.fd = fd;
	c->io.fn = on_io;
	c->io.events = EPOLLIN | (state == CONNECTING ? EPOLLOUT : 0);
	c->state = state;
	c->serial = ++c->n->serials;
	c->relay = false;
	timer_start(c->n->d.loop, &c->timer, HANDSHAKE_USEC);
	return loop_io_add(c->n->d.loop, &c->io);
}

/* So that peers and traces know us by our own address on a host that has several. */
static int bind_source(const struct dia_conf *c, int fd, int family)
{
	struct sockaddr_storage ss;
	socklen_t n = 0;

	for (size_t i = 0; i < ARRAY_SIZE(c->local) && !n; i++)
		if (c->local[i].family == family)
			n = conf_sockaddr(&c->local[i], 0, &ss);
	if (!n && (!c->listen_addr || resolve(c->listen_addr, 0, &ss, &n) ||
		   ss.ss_family != family))
		return 0;
	return bind(fd, (struct sockaddr *)&ss, n);
}

static void conn_start(struct conn *c)
{
	struct sockaddr_storage ss;
	socklen_t n;
	int fd;

	c->retry_ms = MIN(c->retry_ms * 2, MAX(c->n->d.conf.reconnect_s, 1U) * 1000);
	if (resolve(c->conf->addr, c->conf->port, &ss, &n))
		return;
	fd = socket(ss.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0) {
		timer_start(c->n->d.loop, &c->timer, USEC_PER_SEC);
		return;
	}
	if (conn_watch(c, fd, CONNECTING) || bind_source(&c->n->d.conf, fd, ss.ss_family) ||
	    (connect(fd, (struct sockaddr *)&ss, n) && errno != EINPROGRESS))
		conn_close(c, strerror(errno));
}

static void look(struct conn *c)
{
	if (c->heard) {
		c->heard = c->asked = false;
	} else if (c->asked) {
		conn_close(c, "the watchdog was not answered");
		return;
	} else {
		c->asked = true;
		send_base(c, DW, NULL, 0);
	}
	timer_start(c->n->d.loop, &c->timer, watchdog_usec(c->n));
}

static void on_timer(struct timer *t)
{
	struct conn *c = container_of(t, struct conn, timer);

	switch (c->state) {
	case IDLE:
		conn_start(c);
		return;
	case CONNECTING:
	case WAIT_CEA:
	case WAIT_CER:
		conn_close(c, "no connection in time");
		return;
	case OPEN:
		look(c);
		return;
	}
}

static struct conn *conn_new(struct direct *n, const struct dia_peer_conf *p)
{
	struct conn *c = n->n_conns < CONNS_MAX ? calloc(1, sizeof(*c)) : NULL;

	if (!c)
		return NULL;
	c->n = n;
	c->conf = p;
	c->io.fd = -1;
	c->timer.fn = on_timer;
	c->retry_ms = FIRST_RETRY_MS;
	if (p)
		snprintf(c->identity, sizeof(c->identity), "%s", p->identity);
	c->next = n->conns;
	n->conns = c;
	n->n_conns++;
	return c;
}

/* --- capabilities exchange --- */

struct caps {
	char host[256];
	uint32_t result;
	const struct dia_conf *conf; /* ours */
	bool common, relay;
};

static void app_seen(struct caps *k, uint32_t app)
{
	for (size_t i = 0; i < k->conf->n_apps; i++)
		k->common |= app == k->conf->apps[i]->id;
	k->relay |= app == APP_RELAY;
}

static void read_caps_avp(struct caps *k, const struct ie_view *v)
{
	struct ie_cursor in;
	struct ie_view w;
	uint32_t u = 0;

	if (v->vendor)
		return;
	if (v->code == ie_base[IEB_ORIGIN_HOST].code &&
	    (!v->value.n || !memchr(v->value.p, 0, v->value.n)))
		str_copy(k->host, sizeof(k->host), v->value);
	if (v->code == ie_base[IEB_RESULT_CODE].code && !ie_u32(v->value, &u))
		k->result = u;
	if (v->code == ie_base[IEB_AUTH_APPLICATION_ID].code && !ie_u32(v->value, &u))
		app_seen(k, u);
	if (v->code != ie_base[IEB_VENDOR_SPECIFIC_APPLICATION_ID].code)
		return;
	ie_cursor_init(&in, v->value.p, v->value.n);
	while (ie_next(&in, &w))
		if (w.code == ie_base[IEB_AUTH_APPLICATION_ID].code && !ie_u32(w.value, &u))
			app_seen(k, u);
}

static void read_caps(const uint8_t *m, size_t n, struct caps *k)
{
	struct ie_cursor c;
	struct ie_view v;

	*k = (struct caps){ .conf = k->conf };
	ie_cursor_init(&c, m + IE_HDR_LEN, n - IE_HDR_LEN);
	while (ie_next(&c, &v))
		read_caps_avp(k, &v);
}

static bool may_connect(const struct direct *n, const char *host)
{
	const struct dia_conf *c = &n->d.conf;
	size_t len = strlen(host), r = strlen(c->realm);

	for (size_t i = 0; i < c->n_peers; i++)
		if (!strcasecmp(host, c->peers[i].identity))
			return true;
	return c->accept_realm && len > r + 1 && host[len - r - 1] == '.' &&
	       !strcasecmp(host + len - r, c->realm);
}

/*
 * A second connection with the same node. The older one is given up, except when both open at once:
 * then the one that the greater identity made stays (RFC 6733 5.6.4). False: the new one has to go.
 */
static bool elect(struct conn *c)
{
	struct direct *n = c->n;

	for (struct conn *o = n->conns; o; o = o->next) {
		if (o == c || o->io.fd < 0 || strcasecmp(o->identity, c->identity))
			continue;
		if (o->conf && o->state != OPEN && strcasecmp(n->d.conf.identity, c->identity) > 0)
			return false;
		conn_close(o, "replaced by a new connection");
	}
	return true;
}

static void on_cer(struct conn *c, const struct ie_header *h, const uint8_t *m, size_t n)
{
	uint32_t result = SUCCESS;
	struct caps k = { .conf = &c->n->d.conf };

	read_caps(m, n, &k);
	memcpy(c->identity, k.host, sizeof(c->identity));
	if (!*k.host || !may_connect(c->n, k.host))
		result = UNKNOWN_PEER;
	else if (!k.common && !k.relay)
		result = NO_COMMON_APP;
	if (result == SUCCESS && !elect(c)) {
		conn_close(c, "another connection to it is being made");
		return;
	}
	c->relay = k.relay;
	send_base(c, CE, h, result);
	if (result == SUCCESS)
		conn_opened(c);
	else
		conn_close(c, "refused");
}

static void on_cea(struct conn *c, const uint8_t *m, size_t n)
{
	struct caps k = { .conf = &c->n->d.conf };

	read_caps(m, n, &k);
	c->relay = k.relay;
	if (k.result == SUCCESS && !strcasecmp(k.host, c->identity))
		conn_opened(c);
	else
		conn_close(c, k.result == SUCCESS ? "its identity is another one"
						  : "it refused the connection");
}

/* --- receiving --- */

static void on_base(struct conn *c, const struct ie_header *h, const uint8_t *m, size_t n)
{
	bool request = h->flags & IE_FLAG_REQUEST;

	if (h->code == CE && request && c->state == WAIT_CER) {
		on_cer(c, h, m, n);
	} else if (h->code == CE && !request && c->state == WAIT_CEA) {
		on_cea(c, m, n);
	} else if (c->state != OPEN) {
		conn_close(c, "out of order");
	} else if (h->code == DP && request) {
		send_base(c, DP, h, SUCCESS);
		conn_close(c, "it leaves");
	} else if (request) {
		send_base(c, h->code, h, h->code == DW ? SUCCESS : UNKNOWN_COMMAND);
	}
}

static void answer_busy(struct conn *c, const struct ie_header *h)
{
	struct ie_error e = { .result = TOO_BUSY };
	struct ie_env env = { .origin_host = str_of(c->n->d.conf.identity),
			      .origin_realm = str_of(c->n->d.conf.realm),
			      .rules = ie_env_auth_rules,
			      .auth_session_state = -1 };
	struct ie_buf b = { 0 };

	if (!ie_encode_error(h, &env, &e, &b))
		conn_send(c, b.p, b.n);
	free(b.p);
}

static void on_request(struct conn *c, const struct ie_header *h, const uint8_t *m, size_t n)
{
	struct received *r = c->n->requests < REQUESTS_MAX ? malloc(sizeof(*r)) : NULL;
	uint8_t *copy = r ? malloc(n) : NULL;

	if (!copy) {
		free(r);
		answer_busy(c, h);
		return;
	}
	memcpy(copy, m, n);
	*r = (struct received){ c->serial, h->hop_by_hop, h->end_to_end };
	c->n->requests++;
	dia_link_request(c->n->d.link, copy, n, r);
}

static void on_message(struct conn *c, const uint8_t *m, size_t n)
{
	struct ie_header h;

	if (ie_header_parse(m, n, &h)) {
		conn_close(c, "not a Diameter message");
		return;
	}
	c->heard = true;
	if (!h.app)
		on_base(c, &h, m, n);
	else if (c->state != OPEN)
		conn_close(c, "out of order");
	else if (!c->n->d.link)
		return;
	else if (h.flags & IE_FLAG_REQUEST)
		on_request(c, &h, m, n);
	else if (!(h.hop_by_hop >> DIA_SLOT_BITS)) /* else it answers nothing of ours */
		dia_link_answer(c->n->d.link, dia_id(h.end_to_end, h.hop_by_hop), m, n);
}

static size_t length_of(const uint8_t *p)
{
	return (size_t)p[1] << 16 | (size_t)p[2] << 8 | p[3];
}

static void take_messages(struct conn *c)
{
	size_t at = 0, n;

	while (c->io.fd >= 0 && c->n_in - at >= IE_HDR_LEN) {
		n = length_of(c->in + at);
		if (c->in[at] != 1 || n < IE_HDR_LEN || n > IE_MSG_MAX || n % 4) {
			conn_close(c, "not a Diameter message");
			return;
		}
		if (c->n_in - at < n)
			break;
		on_message(c, c->in + at, n);
		at += n;
	}
	if (c->io.fd < 0)
		return;
	memmove(c->in, c->in + at, c->n_in - at);
	c->n_in -= at;
}

static bool room(struct conn *c)
{
	uint8_t *p;

	if (c->in_size - c->n_in >= IN_STEP / 2)
		return true;
	p = realloc(c->in, c->in_size + IN_STEP);
	if (!p)
		return false;
	c->in = p;
	c->in_size += IN_STEP;
	return true;
}

static void on_readable(struct conn *c)
{
	ssize_t r;

	if (!room(c)) {
		conn_close(c, "out of memory");
		return;
	}
	r = recv(c->io.fd, c->in + c->n_in, c->in_size - c->n_in, 0);
	if (r > 0) {
		c->n_in += (size_t)r;
		take_messages(c);
	} else if (!r) {
		conn_close(c, "it closed the connection");
	} else if (errno != EAGAIN && errno != EINTR) {
		conn_close(c, strerror(errno));
	}
}

static void on_io(struct loop_io *io, uint32_t revents)
{
	struct conn *c = container_of(io, struct conn, io);

	if (c->state == CONNECTING) {
		on_connected(c);
		return;
	}
	if (revents & EPOLLOUT && c->n_out)
		flush_output(c);
	if (c->io.fd >= 0 && revents & (EPOLLIN | EPOLLHUP | EPOLLERR))
		on_readable(c);
}

static void on_accept(struct loop_io *io, uint32_t revents _unused_)
{
	struct direct *n = container_of(io, struct direct, listener);
	struct sockaddr_storage peer = { .ss_family = AF_UNSPEC };
	socklen_t len = sizeof(peer);
	int fd = accept4(io->fd, (struct sockaddr *)&peer, &len, SOCK_NONBLOCK | SOCK_CLOEXEC);
	bool in = fd >= 0 && dia_gate_admits(&n->d.conf, &peer);
	struct conn *c = in ? conn_new(n, NULL) : NULL;
	int one = 1;

	if (!c) {
		if (fd >= 0)
			close(fd);
		return;
	}
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	if (conn_watch(c, fd, WAIT_CER))
		conn_close(c, "cannot be watched");
}

/* --- what call.c asks for --- */

static struct conn *open_conn(const struct direct *n, const char *identity)
{
	struct conn *any = NULL;

	for (struct conn *c = n->conns; c; c = c->next) {
		if (c->state != OPEN)
			continue;
		if (!identity || !strcasecmp(c->identity, identity))
			return c;
		if (c->relay)
			any = c;
	}
	return any;
}

static struct conn *conn_of(const struct direct *n, uint64_t serial)
{
	for (struct conn *c = n->conns; c; c = c->next)
		if (c->serial == serial && c->state == OPEN)
			return c;
	return NULL;
}

static void set_ids(uint8_t *m, uint32_t hop_by_hop, uint32_t end_to_end)
{
	for (int i = 0; i < 4; i++) {
		m[12 + i] = (uint8_t)(hop_by_hop >> (24 - 8 * i));
		m[16 + i] = (uint8_t)(end_to_end >> (24 - 8 * i));
	}
}

static int direct_submit(struct dia *d, struct dia_out *o, uint64_t *ret_via)
{
	struct direct *n = direct_of(d);
	struct received *r = o->req;
	struct conn *c = r ? conn_of(n, r->serial) : open_conn(n, o->dest_host);
	int e = 0;

	if (r)
		set_ids(o->buf, r->hop_by_hop, r->end_to_end);
	*ret_via = c ? c->serial : 0;
	if (c)
		e = conn_send(c, o->buf, o->n);
	else if (!r)
		e = -EBUSY; /* cannot be: route_up() was asked in this round */
	free(o->buf);
	free(r);
	free(o);
	return e;
}

static void direct_release(struct dia *d _unused_, void *req)
{
	free(req);
}

static void direct_request_done(struct dia *d)
{
	direct_of(d)->requests--;
}

static bool direct_route_up(struct dia *d, const char *dest_host)
{
	return open_conn(direct_of(d), dest_host);
}

static bool direct_peer_up(struct dia *d, const char *identity)
{
	for (const struct conn *c = direct_of(d)->conns; c; c = c->next)
		if (c->state == OPEN && (!identity || !strcasecmp(c->identity, identity)))
			return true;
	return false;
}

static void direct_each_peer(struct dia *d, void (*fn)(void *arg, const char *identity, bool up),
			     void *arg)
{
	for (const struct conn *c = direct_of(d)->conns; c; c = c->next)
		if (c->conf || c->state == OPEN)
			fn(arg, c->identity, c->state == OPEN);
}

/* --- start and end --- */

static int start_listener(struct direct *n, char *err, size_t errsize)
{
	const struct dia_conf *c = &n->d.conf;
	struct sockaddr_storage ss;
	socklen_t len;
	int one = 1, fd;

	if (!c->listen_addr)
		return 0;
	if (resolve(c->listen_addr, c->listen_port, &ss, &len))
		return -EINVAL;
	fd = socket(ss.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	n->listener = (struct loop_io){ .fd = fd, .events = EPOLLIN, .fn = on_accept };
	if (fd >= 0)
		setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (fd < 0 || bind(fd, (struct sockaddr *)&ss, len) || listen(fd, 64) ||
	    loop_io_add(n->d.loop, &n->listener)) {
		snprintf(err, errsize, "cannot listen on %s port %u for Diameter: %s",
			 c->listen_addr, c->listen_port, strerror(errno));
		return -errno;
	}
	return 0;
}

static int start_peers(struct direct *n)
{
	for (size_t i = 0; i < n->d.conf.n_peers; i++) {
		const struct dia_peer_conf *p = &n->d.conf.peers[i];
		struct conn *c;

		if (!p->addr)
			continue;
		c = conn_new(n, p);
		if (!c)
			return -ENOMEM;
		timer_start(n->d.loop, &c->timer, 0);
	}
	return 0;
}

static void direct_quit(struct dia *d)
{
	struct direct *n = direct_of(d);

	if (n->listener.fd >= 0) {
		loop_io_del(d->loop, &n->listener);
		close(n->listener.fd);
		n->listener.fd = -1;
	}
	for (struct conn *c = n->conns; c; c = c->next) {
		if (c->state == OPEN)
			send_base(c, DP, NULL, 0);
		conn_close(c, "we leave");
		timer_stop(d->loop, &c->timer);
	}
}

static void direct_close(struct dia *d)
{
	struct direct *n = direct_of(d);
	struct conn *c;

	timer_stop(d->loop, &n->reaper);
	while ((c = n->conns)) {
		n->conns = c->next;
		free(c);
	}
	dia_fini(d);
	free(n);
}

static int direct_open(struct loop *l, const struct dia_conf *c, struct dia **ret, char *err,
		       size_t errsize)
{
	struct direct *n = calloc(1, sizeof(*n));
	int e = n ? dia_init(&n->d, &dia_direct, l, c) : -ENOMEM;

	if (!n)
		return e;
	n->listener.fd = -1;
	n->reaper.fn = on_reap;
	snprintf(err, errsize, "cannot start the Diameter node %s", c->identity);
	if (!e)
		e = start_listener(n, err, errsize);
	if (!e)
		e = start_peers(n);
	if (e) {
		dia_close(&n->d);
		return e;
	}
	*err = '\0';
	*ret = &n->d;
	return 0;
}

const struct dia_transport dia_direct = {
	.open = direct_open,
	.quit = direct_quit,
	.close = direct_close,
	.submit = direct_submit,
	.release = direct_release,
	.request_done = direct_request_done,
	.route_up = direct_route_up,
	.peer_up = direct_peer_up,
	.each_peer = direct_each_peer,
};
