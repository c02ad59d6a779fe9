// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A Diameter node (RFC 6733), whichever stack carries it: configuration, identifiers, dispatch.
 *
 * There are two stacks under one interface. peer.c runs on the loop, without threads: what signalling
 * is cheap with. node.c is freeDiameter.
 */
#include "lib/diameter/dia.h"

#include <stdio.h>
#include <sys/random.h>

static bool word_ok(const char *s)
{
	return s && *s && !strpbrk(s, "\"\\\n;{}");
}

static bool conf_ok(const struct dia_conf *c)
{
	if (!word_ok(c->identity) || !word_ok(c->realm) ||
	    (c->listen_addr && !word_ok(c->listen_addr)))
		return false;
	for (size_t i = 0; i < c->n_peers; i++)
		if (!word_ok(c->peers[i].identity) ||
		    (c->peers[i].addr && !word_ok(c->peers[i].addr)))
			return false;
	return true;
}

static int copy_conf(struct dia *d, const struct dia_conf *c)
{
	d->conf = *c;
	d->conf.identity = strdup(c->identity);
	d->conf.realm = strdup(c->realm);
	d->conf.listen_addr = c->listen_addr ? strdup(c->listen_addr) : NULL;
	d->peers = calloc(c->n_peers + 1, sizeof(*d->peers));
	if (!d->conf.identity || !d->conf.realm || !d->peers)
		return -ENOMEM;
	for (size_t i = 0; i < c->n_peers; i++) {
		d->peers[i] = c->peers[i];
		d->peers[i].identity = strdup(c->peers[i].identity);
		d->peers[i].addr = c->peers[i].addr ? strdup(c->peers[i].addr) : NULL;
		if (!d->peers[i].identity)
			return -ENOMEM;
	}
	d->conf.peers = d->peers;
	if (!d->conf.timeout_ms)
		d->conf.timeout_ms = 6000;
	return 0;
}

/* RFC 6733 3: the low 12 bits of the time, then random; counted up from there. */
static uint32_t first_end_to_end(struct loop *l)
{
	uint32_t r = 0;

	if (getrandom(&r, sizeof(r), 0) != sizeof(r))
		r = (uint32_t)loop_now(l);
	return (uint32_t)(loop_wall(l) / USEC_PER_SEC) << 20 | (r & 0xfffff);
}

int dia_init(struct dia *d, const struct dia_stack *s, struct loop *l, const struct dia_conf *c)
{
	int e;

	d->stack = s;
	d->loop = l;
	d->end_to_end = first_end_to_end(l);
	e = copy_conf(d, c);
	d->link = e ? NULL : dia_link_new(d);
	return d->link ? 0 : -ENOMEM;
}

void dia_fini(struct dia *d)
{
	for (size_t i = 0; d->peers && i < d->conf.n_peers; i++) {
		free((char *)d->peers[i].identity);
		free((char *)d->peers[i].addr);
	}
	free(d->peers);
	free((char *)d->conf.identity);
	free((char *)d->conf.realm);
	free((char *)d->conf.listen_addr);
	memset(&d->conf, 0, sizeof(d->conf));
	d->peers = NULL;
}

int dia_open(struct loop *l, const struct dia_conf *c, struct dia **ret, char *err, size_t errsize)
{
	if (!conf_ok(c)) {
		snprintf(
			err, errsize,
			"the Diameter identity, realm or an address contains a character that cannot be there");
		return -EINVAL;
	}
	if (c->freediameter)
		return dia_freediameter_open(l, c, ret, err, errsize);
	return dia_loop_open(l, c, ret, err, errsize);
}

void dia_quit(struct dia *d)
{
	struct dia_link *k = d ? d->link : NULL;

	if (!k)
		return;
	dia_link_free(k); /* its last answers still go out */
	d->link = NULL;
	d->stack->quit(d);
}

void dia_close(struct dia *d)
{
	if (!d)
		return;
	dia_quit(d);
	d->stack->close(d);
}

uint32_t dia_end_to_end(struct dia *d)
{
	return d->end_to_end++;
}

bool dia_peer_up(struct dia *d, const char *identity)
{
	return d->link && d->stack->peer_up(d, identity);
}

bool dia_route_up(struct dia *d, const char *dest_host)
{
	return d->link && d->stack->route_up(d, dest_host);
}

void dia_each_peer(struct dia *d, void (*fn)(void *arg, const char *identity, bool up), void *arg)
{
	d->stack->each_peer(d, fn, arg);
}

void dia_on_peer(struct dia *d, void (*fn)(void *arg, const char *identity, bool up), void *arg)
{
	d->on_peer = fn;
	d->on_peer_arg = arg;
}

int dia_submit(struct dia *d, struct dia_out *o)
{
	return d->stack->submit(d, o);
}

void dia_release(struct dia *d, void *req)
{
	if (req && d->stack->release)
		d->stack->release(d, req);
}

void dia_request_done(struct dia *d)
{
	d->stack->request_done(d);
}
