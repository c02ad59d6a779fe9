// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Paths to SGWs and ePDGs (TS 23.007 18, 20): who has which PDN connections, and what becomes of them when the
 * peer restarts. A path that does not answer keeps its PDN connections (TS 23.007 20.2.1 leaves that to the
 * operator): calls go on, and the peer says with its restart counter whether it lost them.
 *
 * Invariant: a path exists while a PDN connection is in its list, and is held in lib/gtpc as long.
 */
#include <arpa/inet.h>
#include <netdb.h>

#include "lib/core/log.h"
#include "lib/core/metrics.h"
#include "smf/smf.h"

METRIC_COUNTER(m_restarts, "kims_smf_peer_restarts_total", "Restarts of SGWs and ePDGs noticed");
METRIC_COUNTER(m_spared, "kims_smf_spared_total",
	       "Dedicated bearers not asked for because the access is overloaded");

void smf_path_metrics(void)
{
	if (!m_restarts.listed) {
		metric_register(&m_restarts);
		metric_register(&m_spared);
	}
}

/* What a node behind the path asks to be spared (TS 29.274 12.3). */
struct overload {
	bool has;
	uint8_t reduction; /* per cent */
	uint32_t seq;
	uint64_t until; /* usec of the loop; UINT64_MAX: until it says another thing */
};

struct smf_path {
	struct hnode node;
	struct overload overload[SMF_OVERLOADS];
	struct sockaddr_storage peer;
	struct smf_pdn *pdns;
	uint32_t n;
	bool down;
};

static uint64_t key_of(const struct smf *s, const struct sockaddr_storage *a)
{
	struct in6_addr ip;

	xchg_ip(a, &ip);
	return smf_hash(s, &ip, sizeof(ip));
}

static struct smf_path *path_of(const struct smf *s, const struct sockaddr_storage *a)
{
	struct hnode *n = htab_find(&s->paths, key_of(s, a));

	for (; n; n = htab_next(n)) {
		struct smf_path *h = container_of(n, struct smf_path, node);

		if (xchg_same_ip(&h->peer, a))
			return h;
	}
	return NULL;
}

static struct smf_path *path_new(struct smf *s, const struct sockaddr_storage *a)
{
	struct smf_path *h = calloc(1, sizeof(*h));

	if (!h || gtpc_path_hold(s->gtpc, a)) {
		free(h);
		return NULL;
	}
	h->peer = *a;
	htab_insert(&s->paths, &h->node, key_of(s, a));
	s->n_paths++;
	return h;
}

static void path_free(struct smf *s, struct smf_path *h)
{
	htab_remove(&s->paths, &h->node);
	gtpc_path_release(s->gtpc, &h->peer);
	s->n_paths--;
	free(h);
}

void smf_path_leave(struct smf_pdn *p)
{
	struct smf_path *h = p->path;

	if (!h)
		return;
	*p->peer_pprev = p->peer_next;
	if (p->peer_next)
		p->peer_next->peer_pprev = p->peer_pprev;
	p->path = NULL;
	if (!--h->n)
		path_free(p->smf, h);
}

int smf_path_join(struct smf_pdn *p, int counter)
{
	struct smf *s = p->smf;
	struct smf_path *h = path_of(s, &p->to);

	if (!h)
		h = path_new(s, &p->to);
	if (!h)
		return -ENOMEM;
	if (counter >= 0)
		gtpc_path_learn(s->gtpc, &p->to, (uint8_t)counter);
	if (h == p->path)
		return 0;
	h->n++;
	smf_path_leave(p);
	p->path = h;
	p->peer_next = h->pdns;
	p->peer_pprev = &h->pdns;
	if (p->peer_next)
		p->peer_next->peer_pprev = &p->peer_next;
	h->pdns = p;
	return 0;
}

void smf_path_overload(struct smf_pdn *p, unsigned int which, const struct s5_overload *o)
{
	struct overload *h = p->path && which < SMF_OVERLOADS ? &p->path->overload[which] : NULL;
	uint64_t usec = tlv_timer_usec(o->validity);

	if (!h || (h->has && (int32_t)(o->seq - h->seq) <= 0))
		return;
	h->has = true;
	h->seq = o->seq;
	h->reduction = MIN(o->reduction, 100);
	h->until = usec == UINT64_MAX ? usec : loop_now(p->smf->loop) + usec;
}

/* 12.3.9.2: the loss algorithm, by the node that asks for most. */
bool smf_path_throttles(const struct smf_pdn *p)
{
	uint64_t now = loop_now(p->smf->loop);
	uint8_t r = 0;

	for (int i = 0; p->path && i < SMF_OVERLOADS; i++)
		if (p->path->overload[i].has && now < p->path->overload[i].until)
			r = MAX(r, p->path->overload[i].reduction);
	if (!r || (uint32_t)random() % 100 >= r)
		return false;
	metric_inc(&m_spared);
	return true;
}

/* TS 23.007 18: what a restarted SGW had is gone there. Each one leaves the list as it ends. */
static void on_restart(struct smf_path *h)
{
	struct smf_pdn *p, *next;

	metric_inc(&m_restarts);
	memset(h->overload, 0, sizeof(h->overload));
	h->n++; /* stays until we are through */
	for (p = h->pdns; p; p = next) {
		next = p->peer_next;
		fsm_event(&p->fsm, SMF_PDN_EV_DELETED, NULL);
	}
	h->n--;
}

void smf_on_path(void *arg, const struct sockaddr_storage *peer, enum gtpc_path_event ev,
		 uint8_t counter)
{
	struct smf_path *h = path_of(arg, peer);
	char a[NI_MAXHOST] = "";

	if (!h)
		return;
	getnameinfo((const struct sockaddr *)peer, sizeof(*peer), a, sizeof(a), NULL, 0,
		    NI_NUMERICHOST);
	switch (ev) {
	case GTPC_PATH_UP:
		if (h->down)
			log_notice("%s answers again, with its %u PDN connections", a, h->n);
		h->down = false;
		return;
	case GTPC_PATH_DOWN:
		log_warn("%s does not answer; its %u PDN connections are kept", a, h->n);
		h->down = true;
		return;
	case GTPC_PATH_RESTARTED:
		log_warn("%s has restarted (counter %u): its %u PDN connections end", a, counter,
			 h->n);
		on_restart(h);
		if (!h->n)
			path_free(arg, h);
		return;
	}
}

void smf_each_path(const struct smf *s,
		   void (*fn)(void *arg, const struct sockaddr_storage *peer, uint32_t n, bool up,
			      int counter),
		   void *arg)
{
	for (uint32_t i = 0; s->paths.b && i <= s->paths.mask; i++)
		for (struct hnode *n = s->paths.b[i]; n; n = n->next) {
			const struct smf_path *h = container_of(n, struct smf_path, node);

			fn(arg, &h->peer, h->n, !h->down, gtpc_path_counter(s->gtpc, &h->peer));
		}
}
