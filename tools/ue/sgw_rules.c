// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Bearers to rules: see sgw_rules.h (TS 23.060 15.3, TS 24.008 10.5.6.12, TS 29.244 5.2). No I/O but for what endpoint does.
 */
#include <netinet/in.h>

#include "sgw_rules.h"

void to_xfrm(const struct sockaddr_storage *s, struct xfrm_addr *ret)
{
	*ret = (struct xfrm_addr){ .family = s->ss_family };
	if (s->ss_family == AF_INET)
		ret->v4 = ((const struct sockaddr_in *)s)->sin_addr;
	else
		ret->v6 = ((const struct sockaddr_in6 *)s)->sin6_addr;
}

/* --- filters --- */

static uint8_t mask_bits(struct in_addr mask)
{
	return (uint8_t)__builtin_popcount(mask.s_addr);
}

static void prefix4(struct knl_prefix *p, struct in_addr a, struct in_addr mask)
{
	p->addr = (struct xfrm_addr){ .family = AF_INET, .v4 = { a.s_addr & mask.s_addr } };
	p->len = mask_bits(mask);
}

static void prefix6(struct knl_prefix *p, const struct in6_addr *a, uint8_t bits)
{
	p->addr = (struct xfrm_addr){ .family = AF_INET6, .v6 = *a };
	p->len = bits;
	for (unsigned int i = bits; i < 128; i++)
		p->addr.v6.s6_addr[i / 8] &= (uint8_t) ~(0x80 >> i % 8);
}

static void put_filter(const struct nas_filter *f, struct knl_filter *k)
{
	*k = (struct knl_filter){ .id = f->id + 1u, .protocol = -1, .tos = -1, .flow_label = -1 };
	if (f->has & NAS_PROTO)
		k->protocol = f->proto;
	if (f->has & NAS_REMOTE4)
		prefix4(&k->remote, f->remote4, f->remote4_mask);
	if (f->has & NAS_LOCAL4)
		prefix4(&k->ue, f->local4, f->local4_mask);
	if (f->has & NAS_REMOTE6)
		prefix6(&k->remote, &f->remote6, f->remote6_bits);
	if (f->has & NAS_LOCAL6)
		prefix6(&k->ue, &f->local6, f->local6_bits);
	k->n_ue_ports = !!(f->has & NAS_LOCAL_PORT);
	k->ue_ports[0] = (struct knl_ports){ f->local_low, f->local_high };
	k->n_remote_ports = !!(f->has & NAS_REMOTE_PORT);
	k->remote_ports[0] = (struct knl_ports){ f->remote_low, f->remote_high };
	if (f->has & NAS_SPI)
		k->spi = f->spi;
	if (f->has & NAS_FLOW_LABEL)
		k->flow_label = (int)f->flow_label;
	if (f->has & NAS_TOS) {
		k->tos = f->tos;
		k->tos_mask = f->tos_mask;
	}
}

struct chosen {
	const struct bearer *b;
	const struct nas_filter *f;
};

static int by_precedence(const void *a, const void *b)
{
	return ((const struct chosen *)a)->f->precedence -
	       ((const struct chosen *)b)->f->precedence;
}

/* Filters of one direction in the order in which a phone looks at them, and the runs in it. */
static void collect(const struct pdn *n, bool down, struct rules *r)
{
	static struct chosen all[FILTERS_MAX];
	uint8_t not = down ? NAS_DIR_UL : NAS_DIR_DL;
	size_t count = 0;

	for (size_t i = 0; i < BEARERS; i++)
		for (uint8_t k = 0; n->bearer[i].ebi && k < n->bearer[i].n_filter; k++)
			if (n->bearer[i].filter[k].dir != not )
				all[count++] =
					(struct chosen){ &n->bearer[i], &n->bearer[i].filter[k] };
	qsort(all, count, sizeof(*all), by_precedence);
	r->n_filter[down] = count;
	r->n_run[down] = 0;
	for (size_t i = 0; i < count; i++) {
		struct run *run = &r->run[down][r->n_run[down]];

		put_filter(all[i].f, &r->filter[down][i]);
		if (i && run[-1].b == all[i].b) {
			run[-1].n++;
			continue;
		}
		*run = (struct run){ .b = all[i].b, .first = i, .n = 1 };
		r->n_run[down]++;
	}
}

/* --- rules --- */

/* urr 0: it counts nowhere. */
static struct knl_pdr *new_pdr(struct rules *r, uint32_t precedence, uint32_t far, uint32_t urr)
{
	struct knl_pdr *p;

	if (r->s.n_pdrs == KNL_RULES)
		return NULL;
	p = &r->pdr[r->s.n_pdrs];
	*p = (struct knl_pdr){ .id = (uint32_t)++r->s.n_pdrs,
			       .precedence = precedence,
			       .qfi = -1,
			       .far = far,
			       .urrs = { urr },
			       .n_urrs = !!urr };
	return p;
}

static int add_uplink(struct rules *r, const struct run *run, const struct bearer *b, size_t at)
{
	struct knl_pdr *p =
		new_pdr(r, run ? 10 + (uint32_t)at : PDR_DEFAULT, b->ebi, URR_RIGHT(b->ebi));

	if (!p)
		return -ENOSPC;
	p->source = KNL_ACCESS;
	p->filters = run ? &r->filter[0][run->first] : NULL;
	p->n_filters = run ? run->n : 0;
	return 0;
}

static int add_downlink(struct rules *r, const struct run *run, const struct bearer *b, size_t at,
			uint32_t ep, uint32_t teid)
{
	bool right = run ? run->b == b : !b->n_filter;
	struct knl_pdr *p = new_pdr(r, run ? 10 + (uint32_t)at : PDR_DEFAULT, FAR_DOWN,
				    right ? URR_RIGHT(b->ebi) : URR_WRONG(b->ebi));

	if (!p)
		return -ENOSPC;
	p->source = KNL_CORE;
	p->endpoint = ep;
	p->teid = teid;
	p->filters = run ? &r->filter[1][run->first] : NULL;
	p->n_filters = run ? run->n : 0;
	return 0;
}

static int add_tunnel_in(struct rules *r, const struct bearer *b, struct sgw *node, uint32_t teid,
			 endpoint_fn *endpoint)
{
	bool v6 = b->peer.ss_family == AF_INET6;
	uint32_t ep;
	int e = endpoint(node, v6, &ep);

	for (size_t k = 0; !e && k < r->n_run[1]; k++)
		e = add_downlink(r, &r->run[1][k], b, k, ep, teid);
	return e ? e : add_downlink(r, NULL, b, 0, ep, teid);
}

static int add_bearer(struct pdn *n, struct rules *r, size_t i, endpoint_fn *endpoint)
{
	const struct bearer *b = &n->bearer[i];
	struct knl_far *f = &r->far[r->s.n_fars++];
	struct sgw *was = n->old ? n->old : n->node;
	uint32_t ep;
	int e = endpoint(n->node, b->peer.ss_family == AF_INET6, &ep);

	*f = (struct knl_far){ .id = b->ebi,
			       .action = KNL_FORW,
			       .destination = KNL_CORE,
			       .endpoint = ep,
			       .teid = b->peer_teid,
			       .dscp = -1 };
	to_xfrm(&b->peer, &f->peer.addr);
	r->urr[r->s.n_urrs++] = (struct knl_urr){ .id = URR_RIGHT(b->ebi), .method = KNL_VOLUM };
	r->urr[r->s.n_urrs++] = (struct knl_urr){ .id = URR_WRONG(b->ebi), .method = KNL_VOLUM };
	if (!e)
		e = add_tunnel_in(r, b, was, b->teid, endpoint);
	if (!e && n->old)
		e = add_tunnel_in(r, b, n->node, n->next_bearer[i].teid, endpoint);
	return e;
}

unsigned int rules_radio(const struct pdn *n)
{
	switch (n->radio) {
	case RADIO_UP:
		return KNL_FORW;
	case RADIO_IDLE:
	case RADIO_PAGING:
		return KNL_BUFF | KNL_NOCP;
	case RADIO_DROP:
		break;
	}
	return KNL_DROP;
}

/* No rule yet but FAR_DOWN. */
static void begin(struct rules *r, unsigned int down)
{
	r->s = (struct knl_session){ .pdrs = r->pdr, .fars = r->far, .n_fars = 1, .urrs = r->urr };
	r->far[0] = (struct knl_far){
		.id = FAR_DOWN, .action = down, .destination = KNL_ACCESS, .dscp = -1
	};
	r->bearers = 0;
}

int rules_build(struct pdn *n, struct rules *r, endpoint_fn *endpoint)
{
	int e = 0;

	begin(r, rules_radio(n));
	collect(n, false, r);
	collect(n, true, r);
	for (size_t k = 0; !e && k < r->n_run[0]; k++)
		e = add_uplink(r, &r->run[0][k], r->run[0][k].b, k);
	if (!e)
		e = add_uplink(r, NULL, &n->bearer[0], 0);
	for (size_t i = 0; !e && i < BEARERS; i++) {
		if (!n->bearer[i].ebi)
			continue;
		r->bearers |= 1u << n->bearer[i].ebi;
		e = add_bearer(n, r, i, endpoint);
	}
	return e;
}

int rules_expect(const struct pdn *n, struct rules *r, endpoint_fn *endpoint)
{
	int e = 0;

	begin(r, KNL_DROP);
	for (int v6 = 0; !e && v6 < 2; v6++) {
		struct knl_pdr *p = NULL;

		if (n->node->local[v6].ss_family)
			p = new_pdr(r, PDR_DEFAULT, FAR_DOWN, 0);
		if (!p)
			continue;
		p->source = KNL_CORE;
		p->teid = n->bearer[0].teid;
		e = endpoint(n->node, v6, &p->endpoint);
	}
	return e;
}

void rules_remove_rest(struct rules *r, size_t n_pdrs, uint32_t bearers)
{
	struct knl_session *s = &r->s;

	for (size_t id = s->n_pdrs + 1; id <= n_pdrs; id++)
		r->del_pdr[s->n_del_pdrs++] = (uint32_t)id;
	for (uint32_t ebi = EBI_FIRST; ebi <= EBI_LAST; ebi++) {
		if (!(bearers & ~r->bearers & 1u << ebi))
			continue;
		r->del_urr[s->n_del_urrs++] = URR_RIGHT(ebi);
		r->del_urr[s->n_del_urrs++] = URR_WRONG(ebi);
		r->del_far[s->n_del_fars++] = ebi;
	}
	s->del_pdrs = r->del_pdr;
	s->del_urrs = r->del_urr;
	s->del_fars = r->del_far;
}
