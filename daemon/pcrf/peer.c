// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The tables of the sessions, and the peers they belong to: a peer whose Origin-State-Id went up has forgotten
 * its sessions (RFC 6733 8.16).
 */
#include <sys/random.h>

#include "lib/core/log.h"
#include "pcrf/pcrf.h"

uint64_t pcrf_hash(const struct pcrf *p, const void *data, size_t n)
{
	struct siphash h;

	siphash_init(&h, p->key);
	siphash_add(&h, data, n);
	return siphash_end(&h);
}

static void end_sessions(struct pcrf *p, struct str host)
{
	struct pcrf_gx *g, *next_g;
	struct pcrf_rx *x, *next_x;
	unsigned int n = 0;

	for (x = p->rx; x; x = next_x) {
		next_x = x->next;
		if (str_ieqz(host, x->host)) {
			pcrf_rx_end(x);
			n++;
		}
	}
	for (g = p->gx; g; g = next_g) {
		next_g = g->next;
		if (str_ieqz(host, g->host)) {
			pcrf_gx_end(g);
			n++;
		}
	}
	log_notice("%.*s has restarted: %u sessions of its former life are ended", STR_FMT(host),
		   n);
}

static struct pcrf_peer *peer_of(struct pcrf *p, struct str host)
{
	struct pcrf_peer *q;

	for (q = p->peer; q < p->peer + p->n_peers; q++)
		if (str_ieqz(host, q->host))
			return q;
	if (p->n_peers == PCRF_PEERS_MAX)
		return NULL;
	q->host = str_dup(host);
	q->state_id = 0;
	if (!q->host)
		return NULL;
	p->n_peers++;
	return q;
}

void pcrf_peer_seen(struct pcrf *p, const struct ie_env *env)
{
	struct pcrf_peer *q;

	if (!env->origin_state_id)
		return;
	q = peer_of(p, env->origin_host);
	if (!q || q->state_id == env->origin_state_id)
		return;
	if (q->state_id && env->origin_state_id > q->state_id)
		end_sessions(p, env->origin_host);
	if (env->origin_state_id > q->state_id)
		q->state_id = env->origin_state_id;
}

static void bury(void *arg)
{
	struct pcrf *p = arg;
	struct pcrf_gx *g;
	struct pcrf_rx *x;

	while ((g = p->dead_gx)) {
		p->dead_gx = g->next;
		pcrf_gx_free(g);
	}
	while ((x = p->dead_rx)) {
		p->dead_rx = x->next;
		pcrf_rx_free(x);
	}
}

int pcrf_init(struct pcrf *p, struct loop *l)
{
	p->loop = l;
	if (getrandom(p->key, sizeof(p->key), 0) != sizeof(p->key))
		return -EIO;
	if (htab_init(&p->gx_by_id, 64) || htab_init(&p->gx_by_v4, 64) ||
	    htab_init(&p->gx_by_v6, 64) || htab_init(&p->rx_by_id, 64))
		return -ENOMEM;
	return loop_on_round_end(l, bury, p);
}

void pcrf_serve(struct pcrf *p)
{
	dia_serve(p->dia, &gx_app, pcrf_on_gx, p);
	dia_serve(p->dia, &rx_app, pcrf_on_rx, p);
}

void pcrf_fini(struct pcrf *p)
{
	struct pcrf_gx *g;
	struct pcrf_rx *x;

	loop_off_round_end(p->loop, bury, p);
	bury(p);
	while ((g = p->gx)) {
		p->gx = g->next;
		pcrf_gx_free(g);
	}
	while ((x = p->rx)) {
		p->rx = x->next;
		pcrf_rx_free(x);
	}
	for (size_t i = 0; i < p->n_peers; i++)
		free(p->peer[i].host);
	htab_fini(&p->gx_by_id);
	htab_fini(&p->gx_by_v4);
	htab_fini(&p->gx_by_v6);
	htab_fini(&p->rx_by_id);
}
