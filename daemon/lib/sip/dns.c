// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * DNS look-ups over c-ares (channel in the loop: one io per socket, one timer), the cache and the
 * joining of equal questions; see dns.h.
 */
#include <arpa/inet.h>
#include <ares.h>
#include <netinet/in.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <sys/random.h>

#include "lib/core/log.h"
#include "lib/sip/dns.h"
#include "lib/core/htab.h"

#define DNS_CACHE_MAX  4096
#define DNS_SOCKETS    16
#define DNS_TIMEOUT_MS 1000
#define DNS_TRIES      3

struct entry { /* a question; with answer: cached, without: under way */
	struct hnode node;
	struct entry *prev, *next; /* oldest first */
	struct dns *dns;
	char *name;
	enum dns_type type;
	struct dns_answer *answer;
	uint64_t expires; /* loop time */
	bool asking, done, keep;
	struct dns_wait *waiters;
};

struct dns_sock {
	struct loop_io io;
	struct dns *dns;
};

struct dns {
	struct loop *loop;
	ares_channel channel;
	bool freeing;
	struct dns_sock socks[DNS_SOCKETS];
	struct timer timer;
	struct htab tab;
	uint64_t key[2];
	struct entry *first, *last;
	uint32_t n;
};

void dns_answer_unref(struct dns_answer *a)
{
	if (a && !--a->refs)
		free(a);
}

/* --- waiters --- */

static void wait_add(struct entry *e, struct dns_wait *w)
{
	w->next = e->waiters;
	w->pprev = &e->waiters;
	if (w->next)
		w->next->pprev = &w->next;
	e->waiters = w;
}

void dns_wait_cancel(struct dns_wait *w)
{
	if (!w->pprev)
		return;
	*w->pprev = w->next;
	if (w->next)
		w->next->pprev = w->pprev;
	w->pprev = NULL;
}

/* --- entries --- */

static uint64_t key_of(const struct dns *d, const char *name, enum dns_type type)
{
	struct siphash h;

	siphash_init(&h, d->key);
	siphash_add_lower(&h, str_of(name));
	siphash_add(&h, &type, sizeof(type));
	return siphash_end(&h);
}

static struct entry *find(struct dns *d, const char *name, enum dns_type type)
{
	struct hnode *n = htab_find(&d->tab, key_of(d, name, type));

	for (; n; n = htab_next(n)) {
		struct entry *e = container_of(n, struct entry, node);

		if (e->type == type && !strcasecmp(e->name, name))
			return e;
	}
	return NULL;
}

static void entry_free(struct entry *e)
{
	struct dns *d = e->dns;

	while (e->waiters)
		dns_wait_cancel(e->waiters);
	htab_remove(&d->tab, &e->node);
	*(e->prev ? &e->prev->next : &d->first) = e->next;
	*(e->next ? &e->next->prev : &d->last) = e->prev;
	d->n--;
	dns_answer_unref(e->answer);
	free(e->name);
	free(e);
}

static void make_room(struct dns *d)
{
	struct entry *e = d->first;

	while (e && !e->answer) /* under way: c-ares holds it */
		e = e->next;
	if (e)
		entry_free(e);
}

static struct entry *entry_new(struct dns *d, const char *name, enum dns_type type)
{
	struct entry *e = calloc(1, sizeof(*e));

	if (!e)
		return NULL;
	e->name = strdup(name);
	if (!e->name) {
		free(e);
		return NULL;
	}
	if (d->n >= DNS_CACHE_MAX)
		make_room(d);
	e->dns = d;
	e->type = type;
	htab_insert(&d->tab, &e->node, key_of(d, name, type));
	e->prev = d->last;
	*(e->prev ? &e->prev->next : &d->first) = e;
	d->last = e;
	d->n++;
	return e;
}

/* --- c-ares --- */

static void rearm(struct dns *d)
{
	struct timeval tv, *t = ares_timeout(d->channel, NULL, &tv);

	if (t)
		timer_start(d->loop, &d->timer,
			    (uint64_t)t->tv_sec * USEC_PER_SEC + (uint64_t)t->tv_usec + 1000);
	else
		timer_stop(d->loop, &d->timer);
}

static void on_timer(struct timer *t)
{
	struct dns *d = container_of(t, struct dns, timer);

	ares_process_fd(d->channel, ARES_SOCKET_BAD, ARES_SOCKET_BAD);
	rearm(d);
}

static void on_sock(struct loop_io *io, uint32_t revents)
{
	struct dns_sock *s = container_of(io, struct dns_sock, io);
	struct dns *d = s->dns;
	ares_socket_t fd = io->fd;

	ares_process_fd(d->channel,
			revents & (EPOLLIN | EPOLLERR | EPOLLHUP) ? fd : ARES_SOCKET_BAD,
			revents & EPOLLOUT ? fd : ARES_SOCKET_BAD);
	rearm(d);
}

static struct dns_sock *sock_of(struct dns *d, int fd)
{
	struct dns_sock *empty = NULL;

	for (int i = 0; i < DNS_SOCKETS; i++) {
		if (d->socks[i].io.active && d->socks[i].io.fd == fd)
			return &d->socks[i];
		if (!d->socks[i].io.active)
			empty = &d->socks[i];
	}
	return empty;
}

/* c-ares says what it wants to hear of a socket. */
static void on_sock_state(void *arg, ares_socket_t fd, int readable, int writable)
{
	struct dns *d = arg;
	struct dns_sock *s = sock_of(d, fd);
	uint32_t events = (readable ? EPOLLIN : 0) | (writable ? EPOLLOUT : 0);

	if (!s)
		return;
	if (!events) {
		loop_io_del(d->loop, &s->io);
		return;
	}
	if (s->io.active) {
		loop_io_mod(d->loop, &s->io, events);
		return;
	}
	s->dns = d;
	s->io = (struct loop_io){ .fd = fd, .events = events, .fn = on_sock };
	loop_io_add(d->loop, &s->io);
}

static struct dns_answer *failure(int err)
{
	struct dns_answer *a = calloc(1, sizeof(*a));

	if (a) {
		a->refs = 1;
		a->err = err;
	}
	return a;
}

static struct dns_answer *answer_of(int status, const uint8_t *msg, int len, enum dns_type type,
				    uint32_t *ret_ttl)
{
	*ret_ttl = 0;
	if (status == ARES_ENOTFOUND || status == ARES_ENODATA) {
		*ret_ttl = 10;
		return failure(-ENOENT);
	}
	if (status == ARES_EBADNAME || status == ARES_EFORMERR)
		return failure(-EINVAL);
	if (status != ARES_SUCCESS)
		return failure(status == ARES_ETIMEOUT || status == ARES_ECONNREFUSED ||
					       status == ARES_ESERVFAIL
				       ? -ETIMEDOUT
				       : -EIO);
	return dns_parse(msg, len, type, ret_ttl);
}

/* Waiters may ask again, cancel others, free everything but the resolver: e is left alone first. */
static void tell(struct entry *e)
{
	struct dns_wait *waiters = e->waiters, *w;
	struct dns_answer *a = e->answer;

	if (a)
		a->refs++;
	e->waiters = NULL;
	if (waiters)
		waiters->pprev = &waiters;
	if (!e->keep)
		entry_free(e);
	while ((w = waiters)) {
		dns_wait_cancel(w);
		w->fn(w, a);
	}
	dns_answer_unref(a);
}

static void on_answer(void *arg, int status, int timeouts, unsigned char *msg, int len)
{
	struct entry *e = arg;
	struct dns *d = e->dns;
	struct dns_answer *a;
	uint32_t ttl;

	(void)timeouts;
	if (d->freeing || status == ARES_EDESTRUCTION)
		return;
	a = answer_of(status, msg, len, e->type, &ttl);
	e->done = true;
	e->answer = a;
	e->expires = loop_now(d->loop) + ttl * USEC_PER_SEC;
	e->keep = a && a->err != -EIO && ttl;
	if (e->asking) /* dns_ask() takes it from here */
		return;
	tell(e);
}

static struct dns_answer *send_question(struct entry *e, struct dns_wait *w, int *ret_err)
{
	struct dns *d = e->dns;
	struct dns_answer *a;

	e->asking = true;
	ares_query(d->channel, e->name, 1, e->type, on_answer, e);
	e->asking = false;
	rearm(d);
	if (!e->done) {
		wait_add(e, w);
		return NULL;
	}
	a = e->answer; /* at once: a name that is none, no socket */
	if (a)
		a->refs++;
	else
		*ret_err = -ENOMEM;
	if (!e->keep)
		entry_free(e);
	return a;
}

struct dns_answer *dns_ask(struct dns *d, const char *name, enum dns_type type, struct dns_wait *w,
			   int *ret_err)
{
	struct entry *e = find(d, name, type);

	*ret_err = 0;
	if (e && e->answer && e->expires > loop_now(d->loop)) {
		e->answer->refs++;
		return e->answer;
	}
	if (e && e->answer) {
		entry_free(e);
		e = NULL;
	}
	if (!e) {
		e = entry_new(d, name, type);
		if (!e) {
			*ret_err = -ENOMEM;
			return NULL;
		}
		return send_question(e, w, ret_err);
	}
	wait_add(e, w);
	return NULL;
}

/* --- life --- */

static int set_server(struct dns *d, const union sip_sa *server)
{
	char host[SIP_SA_STRLEN];

	return ares_set_servers_ports_csv(d->channel, sip_sa_str(server, host)) == ARES_SUCCESS
		       ? 0
		       : -EINVAL;
}

int dns_new(struct loop *l, const union sip_sa *server, struct dns **ret)
{
	struct dns *d = calloc(1, sizeof(*d));
	struct ares_options o = {
		.flags = ARES_FLAG_NOSEARCH | ARES_FLAG_NOALIASES | ARES_FLAG_STAYOPEN,
		.timeout = DNS_TIMEOUT_MS,
		.tries = DNS_TRIES,
		.lookups = (char *)"b",
		.sock_state_cb = on_sock_state,
		.sock_state_cb_data = d,
	};
	int mask = ARES_OPT_FLAGS | ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES | ARES_OPT_LOOKUPS |
		   ARES_OPT_SOCK_STATE_CB,
	    r;

	if (!d)
		return -ENOMEM;
	d->loop = l;
	d->timer.fn = on_timer;
	if (getrandom(d->key, sizeof(d->key), 0) != sizeof(d->key) || htab_init(&d->tab, 256)) {
		free(d);
		return -ENOMEM;
	}
	r = ares_library_init(ARES_LIB_INIT_ALL) == ARES_SUCCESS &&
			    ares_init_options(&d->channel, &o, mask) == ARES_SUCCESS
		    ? 0
		    : -ENOMEM;
	if (!r)
		r = set_server(d, server);
	if (r < 0) {
		dns_free(d);
		return r;
	}
	*ret = d;
	return 0;
}

void dns_free(struct dns *d)
{
	if (!d)
		return;
	d->freeing = true;
	if (d->channel)
		ares_destroy(d->channel);
	timer_stop(d->loop, &d->timer);
	while (d->first)
		entry_free(d->first);
	htab_fini(&d->tab);
	ares_library_cleanup();
	free(d);
}
