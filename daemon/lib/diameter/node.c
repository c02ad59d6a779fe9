// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A Diameter node (RFC 6733): its configuration, the transport that carries it, its peers.
 *
 * The transport is "direct" unless the configuration of the node says otherwise: a peer state
 * machine in the loop. freeDiameter costs nine thread switches for each transaction, which is more than all
 * else that a CSCF does for a registration; the HSS, which waits for its disk anyway, uses it.
 */
#include <stdio.h>

#include "lib/diameter/node.h"

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

int dia_init(struct dia *d, const struct dia_transport *tr, struct loop *l,
	     const struct dia_conf *c)
{
	struct dia_peer_conf *peers = calloc(c->n_peers + 1, sizeof(*peers));
	const struct dia_app **apps = calloc(c->n_apps + 1, sizeof(*apps));
	struct conf_prefix *from = calloc(c->n_from + 1, sizeof(*from));

	d->tr = tr;
	d->loop = l;
	d->conf = *c;
	d->conf.peers = peers;
	d->conf.apps = apps;
	d->conf.from = from;
	if (from && c->n_from)
		memcpy(from, c->from, c->n_from * sizeof(*from));
	d->state_id = c->state_id ? c->state_id : (uint32_t)(loop_wall(l) / USEC_PER_SEC);
	if (apps && c->n_apps)
		memcpy(apps, c->apps, c->n_apps * sizeof(*apps));
	else if (apps)
		apps[d->conf.n_apps++] = &cx_app;
	d->conf.identity = strdup(c->identity);
	d->conf.realm = strdup(c->realm);
	d->conf.listen_addr = c->listen_addr ? strdup(c->listen_addr) : NULL;
	if (!d->conf.timeout_ms)
		d->conf.timeout_ms = 6000;
	for (size_t i = 0; peers && i < c->n_peers; i++) {
		peers[i] = c->peers[i];
		peers[i].identity = strdup(c->peers[i].identity);
		peers[i].addr = c->peers[i].addr ? strdup(c->peers[i].addr) : NULL;
		if (!peers[i].identity)
			return -ENOMEM;
	}
	d->link = dia_link_new(d);
	return peers && apps && from && d->conf.identity && d->conf.realm && d->link ? 0 : -ENOMEM;
}

void dia_fini(struct dia *d)
{
	for (size_t i = 0; d->conf.peers && i < d->conf.n_peers; i++) {
		free((char *)d->conf.peers[i].identity);
		free((char *)d->conf.peers[i].addr);
	}
	free((void *)d->conf.peers);
	free((void *)d->conf.apps);
	free((void *)d->conf.from);
	free((char *)d->conf.identity);
	free((char *)d->conf.realm);
	free((char *)d->conf.listen_addr);
	memset(&d->conf, 0, sizeof(d->conf));
}

int dia_open(struct loop *l, const struct dia_conf *c, struct dia **ret, char *err, size_t errsize)
{
	const struct dia_transport *tr = c->freediameter ? &dia_freediameter : &dia_direct;

	if (!conf_ok(c)) {
		snprintf(
			err, errsize,
			"the Diameter identity, realm or an address has a character that cannot be there");
		return -EINVAL;
	}
	return tr->open(l, c, ret, err, errsize);
}

void dia_quit(struct dia *d)
{
	struct dia_link *k;

	if (!d || !d->link)
		return;
	k = d->link;
	dia_link_free(k);
	d->link = NULL;
	d->tr->quit(d);
}

void dia_close(struct dia *d)
{
	if (!d || d->closed)
		return;
	dia_quit(d);
	d->closed = true;
	d->tr->close(d);
}

bool dia_peer_up(struct dia *d, const char *identity)
{
	return d->link && d->tr->peer_up(d, identity);
}

void dia_each_peer(struct dia *d, void (*fn)(void *arg, const char *identity, bool up), void *arg)
{
	d->tr->each_peer(d, fn, arg);
}

static void add_peer(void *arg, const char *identity, bool up)
{
	json_array_append_new(
		arg, json_pack("{s:s,s:s}", "identity", identity, "state", up ? "up" : "down"));
}

void dia_peers_json(struct dia *d, json_t *array)
{
	dia_each_peer(d, add_peer, array);
}

void dia_on_peer(struct dia *d, void (*fn)(void *arg, const char *identity, bool up), void *arg)
{
	d->on_peer = fn;
	d->on_peer_arg = arg;
}

void dia_report(struct dia *d, const char *identity, bool up)
{
	if (d->on_peer)
		d->on_peer(d->on_peer_arg, identity, up);
}
