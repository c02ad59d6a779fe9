// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * PCC rules from media components (TS 29.213 6.2, TS 29.214 4.4.1, TS 29.212 5.3.4): one rule for each
 * sub-component, named so that no name comes twice.
 *
 * Invariants: a component is applied whole or not at all; a rule that did not change is not sent.
 */
#include <stdio.h>

#include "pcrf/pcrf.h"
#include "ref/ipfilter.h"

/* --- flows --- */

/* As TS 29.212 5.4.2 wants it: "permit out", with the UE at its right end; the direction stands beside it. */
static int to_out(struct str text, struct ipfilter *ret, bool *ret_up)
{
	struct ipf_end end;

	if (ipfilter_parse(text, ret) || ret->deny)
		return -EINVAL;
	*ret_up = ret->in;
	if (ret->in) {
		end = ret->from;
		ret->from = ret->to;
		ret->to = end;
		ret->in = false;
	}
	return 0;
}

static int set_flow(struct pcrf_rule *r, const struct ipfilter *f, bool up)
{
	int dir = up ? GX_UPLINK : GX_DOWNLINK, n;
	char text[512];

	n = ipfilter_format(f, text, sizeof(text));
	if (n < 0)
		return -EINVAL;
	for (int i = 0; i < r->n_flow; i++)
		if (str_eqz((struct str){ text, (size_t)n }, r->flow[i].text)) {
			if (r->flow[i].direction != dir)
				r->flow[i].direction = GX_BIDIRECTIONAL;
			return 0;
		}
	r->flow[r->n_flow].text = str_dup((struct str){ text, (size_t)n });
	if (!r->flow[r->n_flow].text)
		return -ENOMEM;
	r->flow[r->n_flow++].direction = dir;
	return 0;
}

int pcrf_rule_flows(struct pcrf_rule *r, const struct rx_sub_component *f, bool *up, bool *down)
{
	struct ipfilter filter;
	bool is_up;
	int e;

	*up = *down = false;
	for (size_t i = 0; i < f->n_description; i++) {
		if (to_out(f->description[i], &filter, &is_up))
			return -EINVAL;
		e = set_flow(r, &filter, is_up);
		if (e)
			return e;
		*(is_up ? up : down) = true;
	}
	return 0;
}

/* --- the list --- */

struct pcrf_rule *pcrf_rule_find(struct pcrf_gx *g, const struct pcrf_rx *x, uint32_t component,
				 uint32_t sub)
{
	for (struct pcrf_rule *r = g->rules; r; r = r->next)
		if (r->rx == x && r->component == component && r->sub == sub && r->wanted)
			return r;
	return NULL;
}

struct pcrf_rule *pcrf_rule_by_name(struct pcrf_gx *g, struct str name)
{
	for (struct pcrf_rule *r = g->rules; r; r = r->next)
		if (str_eqz(name, r->name))
			return r;
	return NULL;
}

static void rule_free(struct pcrf_rule *r)
{
	free(r->flow[0].text);
	free(r->flow[1].text);
	free(r);
}

static void rules_free(struct pcrf_rule *r)
{
	struct pcrf_rule *next;

	for (; r; r = next) {
		next = r->next;
		rule_free(r);
	}
}

void pcrf_rule_drop(struct pcrf_gx *g, struct pcrf_rule *r)
{
	struct pcrf_rule **p = &g->rules;

	while (*p && *p != r)
		p = &(*p)->next;
	if (*p)
		*p = r->next;
	rule_free(r);
}

void pcrf_rule_remove(struct pcrf_gx *g, struct pcrf_rule *r)
{
	r->rx = NULL;
	r->wanted = false;
	if (!r->known && !r->inflight)
		pcrf_rule_drop(g, r);
	else
		r->dirty = true;
}

void pcrf_rules_remove(struct pcrf_rx *x)
{
	struct pcrf_rule *r, *next;

	if (!x->gx)
		return;
	for (r = x->gx->rules; r; r = next) {
		next = r->next;
		if (r->rx == x)
			pcrf_rule_remove(x->gx, r);
	}
	pcrf_push(x->gx);
}

/* --- from the request --- */

/* TS 29.214 5.3.11; RTCP flows in both directions as long as the media is not removed. */
static int status_of(const struct rx_component *c, const struct rx_sub_component *f)
{
	int s = f->status >= 0 ? f->status : c->status;

	if (s < 0)
		s = PCC_ENABLED;
	if (c->status == PCC_REMOVED)
		return PCC_REMOVED;
	return f->usage == RX_RTCP && s != PCC_REMOVED ? PCC_ENABLED : s;
}

static uint32_t precedence_of(const struct pcrf_rx *x, const struct rx_component *c)
{
	return (x->emergency ? 50 : x->signalling ? 300 : 100) + MIN(c->number, 99);
}

static bool is_v6(const struct rx_sub_component *f)
{
	return f->n_description && memchr(f->description[0].p, ':', f->description[0].n);
}

static int make(struct pcrf_rx *x, const struct rx_component *c, const struct rx_sub_component *f,
		struct pcrf_rule **ret)
{
	struct pcrf_service s = { x->emergency, x->mps, x->priority, str_of(x->app), is_v6(f) };
	struct pcrf_rule *r = calloc(1, sizeof(*r));
	bool up, down;
	int e;

	if (!r)
		return PCC_OUT_OF_SPACE;
	e = pcrf_rule_flows(r, f, &up, &down);
	if (e) {
		rule_free(r);
		return e == -ENOMEM ? PCC_OUT_OF_SPACE : RX_FILTER_RESTRICTIONS;
	}
	r->rx = x;
	r->component = c->number;
	r->sub = f->number;
	r->status = status_of(c, f);
	r->precedence = precedence_of(x, c);
	r->notify = x->actions & FSM_BIT(RX_INDICATION_OF_SUCCESSFUL_RESOURCES_ALLOCATION);
	r->wanted = r->dirty = true;
	pcrf_qos(&x->pcrf->policies, &s, c, f, up, down, &r->qos);
	if (f->usage == RX_AF_SIGNALLING) { /* on the default bearer (TS 29.214 4.4.5a) */
		r->qos = (struct pcrf_qos){ x->gx->qos.qci, x->gx->qos.arp, -1, -1, -1, -1 };
		r->status = PCC_ENABLED;
	}
	*ret = r;
	return 0;
}

static bool same(const struct pcrf_rule *a, const struct pcrf_rule *b)
{
	if (a->n_flow != b->n_flow || a->status != b->status || a->precedence != b->precedence ||
	    memcmp(&a->qos, &b->qos, sizeof(a->qos)))
		return false;
	for (int i = 0; i < a->n_flow; i++)
		if (strcmp(a->flow[i].text, b->flow[i].text) ||
		    a->flow[i].direction != b->flow[i].direction)
			return false;
	return true;
}

/* Takes over what the new rule says; the name stays. */
static void replace(struct pcrf_rule *old, struct pcrf_rule *new)
{
	if (same(old, new)) {
		rule_free(new);
		return;
	}
	free(old->flow[0].text);
	free(old->flow[1].text);
	memcpy(old->flow, new->flow, sizeof(old->flow));
	old->n_flow = new->n_flow;
	old->status = new->status;
	old->precedence = new->precedence;
	old->qos = new->qos;
	old->notify = new->notify;
	old->dirty = true;
	free(new);
}

static void put(struct pcrf_rx *x, struct pcrf_rule *r)
{
	struct pcrf_rule *old = pcrf_rule_find(x->gx, x, r->component, r->sub);

	if (r->status == PCC_REMOVED) {
		rule_free(r);
		if (old)
			pcrf_rule_remove(x->gx, old);
	} else if (old) {
		replace(old, r);
	} else {
		snprintf(r->name, sizeof(r->name), "af-%08x", ++x->pcrf->next_rule);
		r->next = x->gx->rules;
		x->gx->rules = r;
	}
}

static bool mentions(const struct rx_component *c, uint32_t sub)
{
	for (size_t i = 0; i < c->n_sub; i++)
		if (c->sub[i].number == sub)
			return true;
	return false;
}

/* Flows of a component that its new description does not name any more; all of a removed one. */
static void forget(struct pcrf_rx *x, const struct rx_component *c)
{
	struct pcrf_rule *r, *next;

	for (r = x->gx->rules; r; r = next) {
		next = r->next;
		if (r->rx != x || r->component != c->number)
			continue;
		if (c->status == PCC_REMOVED || (c->n_sub && !mentions(c, r->sub)))
			pcrf_rule_remove(x->gx, r);
		else if (!c->n_sub && c->status >= 0 && r->status != c->status) {
			r->status = c->status; /* the gate alone */
			r->dirty = true;
		}
	}
}

static int make_all(struct pcrf_rx *x, const struct rx_aar *a, struct pcrf_rule **list)
{
	struct pcrf_rule *r;
	int e;

	for (size_t i = 0; i < a->n_component; i++)
		for (size_t k = 0; k < a->component[i].n_sub; k++) {
			const struct rx_sub_component *f = &a->component[i].sub[k];

			if (!f->n_description)
				continue; /* the signalling path itself */
			e = make(x, &a->component[i], f, &r);
			if (e)
				return e;
			r->next = *list;
			*list = r;
		}
	return 0;
}

int pcrf_rules_apply(struct pcrf_rx *x, const struct rx_aar *a)
{
	struct pcrf_rule *list = NULL, *r;
	int e = make_all(x, a, &list);

	if (e) {
		rules_free(list);
		return e;
	}
	for (size_t i = 0; i < a->n_component; i++)
		forget(x, &a->component[i]);
	while (list) {
		r = list;
		list = r->next;
		put(x, r);
	}
	pcrf_push(x->gx);
	return PCC_SUCCESS;
}
