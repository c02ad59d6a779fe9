// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What a subscriber gets at an APN (TS 23.203 6.2.1.3): the row of the profile store (lib/store/profile.h), what it leaves
 * out from pcrf.apns. A change of the row is told to the sessions that are there (TS 23.203 7.4.2, TS 29.212 4.5.2.1):
 * default QoS, AMBR, quota, predefined rules.
 *
 * Invariants: g->profile is the configuration's, or g->own; what the PCEF may have of others is in g->former; a change
 * under way has the former ones of its order, and is itself one of them as soon as the next change comes.
 */
#include <stdio.h>

#include "lib/core/log.h"
#include "pcrf/pcrf.h"

/* Changes in a row of which nobody knows what the PCEF made; older ones are let go. */
#define FORMERS_MAX 4

static void set_name(char *dst, size_t size, const char *name)
{
	if (*name)
		snprintf(dst, size, "%s", strcmp(name, "-") ? name : "");
}

static void merge(struct pcrf_policy *d, const struct profile *p)
{
	if (p->qci && pcc_is_gbr(p->qci)) /* a row that kimsctl did not write */
		log_warn(
			"profile of %s at %s: QCI %d has a guaranteed bit rate, which a default bearer cannot have (TS 23.401 4.7.2.1)",
			p->imsi, p->apn, p->qci);
	else if (p->qci)
		d->qci = p->qci;
	if (p->arp)
		d->arp = (uint32_t)p->arp;
	if (p->ambr_ul >= 0)
		d->ambr_ul = p->ambr_ul;
	if (p->ambr_dl >= 0)
		d->ambr_dl = p->ambr_dl;
	set_name(d->rule, sizeof(d->rule), p->rule);
	set_name(d->base, sizeof(d->base), p->base);
	if (p->quota >= 0)
		d->quota = (uint64_t)p->quota * 1000000;
}

int pcrf_profile_find(const struct pcrf *p, struct str imsi, struct str apn,
		      const struct pcrf_policy **ret, struct pcrf_policy **ret_own)
{
	const struct pcrf_policy *f = pcrf_policy_find(&p->apns, apn);
	struct profile row;
	int e = p->profiles && imsi.n ? profiles_find(p->profiles, imsi, apn, &row) : -ENOENT;

	*ret_own = NULL;
	*ret = f;
	if (e && e != -ENOENT)
		log_warn("profile of %.*s: %s; it gets what the APN gets", STR_FMT(imsi),
			 profiles_error(p->profiles));
	if (e)
		return f ? 0 : -ENOENT;
	*ret_own = malloc(sizeof(**ret_own));
	if (!*ret_own)
		return -ENOMEM;
	if (f)
		**ret_own = *f;
	else
		**ret_own = (struct pcrf_policy){ .qci = -1, .ambr_ul = -1, .ambr_dl = -1 };
	merge(*ret_own, &row);
	*ret = *ret_own;
	return 0;
}

void pcrf_profile_take(struct pcrf_gx *g, const struct pcrf_policy *f, struct pcrf_policy *own)
{
	free(g->own);
	g->own = own;
	g->profile = f;
}

/* --- a change --- */

static bool same(const struct pcrf_policy *a, const struct pcrf_policy *b)
{
	return a->qci == b->qci && a->arp == b->arp && a->ambr_ul == b->ambr_ul &&
	       a->ambr_dl == b->ambr_dl && a->quota == b->quota && !strcmp(a->rule, b->rule) &&
	       !strcmp(a->base, b->base);
}

static void forget(struct pcrf_former **at)
{
	struct pcrf_former *f, *next;

	for (f = *at; f; f = next) {
		next = f->next;
		free(f);
	}
	*at = NULL;
}

/* The profile becomes a former one. */
static int remember(struct pcrf_gx *g)
{
	struct pcrf_former **at = &g->former, *f;

	if (g->unsent)
		return 0;
	f = malloc(sizeof(*f));
	if (!f)
		return -ENOMEM;
	*f = (struct pcrf_former){ g->former, *g->profile };
	g->former = f;
	for (int i = 0; *at && i < FORMERS_MAX; i++)
		at = &(*at)->next;
	forget(at);
	return 0;
}

static int change(struct pcrf_gx *g)
{
	const struct pcrf_policy *f;
	struct pcrf_policy *own;
	int e = pcrf_profile_find(g->pcrf, str_of(g->imsi), str_of(g->apn), &f, &own);

	if (e || same(f, g->profile)) {
		free(own);
		return e == -ENOMEM ? e : 0;
	}
	e = remember(g);
	if (e) {
		free(own);
		return e;
	}
	pcrf_profile_take(g, f, own);
	pcrf_gx_authorise(g);
	g->changed = g->unsent = true;
	pcrf_push(g);
	return 1;
}

int pcrf_profile_changed(struct pcrf *p, struct str imsi)
{
	struct pcrf_gx *next;
	int n = 0;

	for (struct pcrf_gx *g = p->gx; g; g = next) {
		next = g->next;
		if (str_eqz(imsi, g->imsi) && g->fsm.state != GXS_ENDING)
			n += change(g) > 0;
	}
	return n;
}

/* --- its order --- */

static const char *name_of(const struct pcrf_policy *p, bool base)
{
	return base ? p->base : p->rule;
}

static void remove_name(struct gx_orders *o, const char *name, bool base)
{
	struct gx_remove *r = &o->remove[0];

	o->n_remove = 1;
	*(base ? &r->base_name[r->n_base_name++] : &r->name[r->n_name++]) = str_of(name);
}

static void install_name(struct gx_orders *o, const char *name, bool base)
{
	struct gx_install *in = &o->install[0];

	if (!o->n_install)
		in->allocation_notification = -1;
	o->n_install = 1;
	*(base ? &in->base_name[in->n_base_name++] : &in->name[in->n_name++]) = str_of(name);
}

/* What may be there goes; what may not be there comes: an order that comes twice is as one. */
static void swap_rules(const struct pcrf_gx *g, struct gx_orders *o, bool base)
{
	const char *is = name_of(g->profile, base);
	bool missing = false;

	for (const struct pcrf_former *f = g->former; f; f = f->next) {
		const char *was = name_of(&f->policy, base);

		if (!strcmp(was, is))
			continue;
		missing = true;
		if (*was)
			remove_name(o, was, base);
	}
	if (missing && *is)
		install_name(o, is, base);
}

static void order_quota(const struct pcrf_gx *g, struct gx_orders *o)
{
	uint64_t is = g->profile->quota;
	bool other = false;

	for (const struct pcrf_former *f = g->former; f; f = f->next)
		other |= f->policy.quota != is;
	if (!other)
		return;
	pcrf_gx_order_triggers(g, o);
	o->n_usage = 1;
	o->usage[0] = (struct gx_usage){
		.key = STR("session"), .granted_total = is, .report = -1, .support = is ? -1 : 0
	};
}

void pcrf_profile_order(struct pcrf_gx *g, struct gx_orders *o)
{
	if (!g->changed)
		return;
	g->changed = g->unsent = false;
	g->change_sent = true;
	pcrf_gx_order_qos(g, o);
	swap_rules(g, o, false);
	swap_rules(g, o, true);
	order_quota(g, o);
}

/* --- what became of it --- */

static bool settle(struct pcrf_gx *g)
{
	bool sent = g->change_sent;

	g->change_sent = false;
	return sent;
}

void pcrf_profile_taken(struct pcrf_gx *g)
{
	if (settle(g)) /* unsent: the profile is a later one, the first of the former ones is what the RAR said */
		forget(g->unsent && g->former ? &g->former->next : &g->former);
}

void pcrf_profile_failed(struct pcrf_gx *g, bool definite)
{
	struct pcrf_former *f = g->former;

	if (!settle(g) || !definite)
		return;
	if (g->unsent && f) {
		g->former = f->next;
		free(f);
	}
	g->unsent = true;
}

void pcrf_profile_again(struct pcrf_gx *g)
{
	g->changed |= settle(g);
}

void pcrf_profile_drop(struct pcrf_gx *g)
{
	forget(&g->former);
	pcrf_profile_take(g, NULL, NULL);
}

/* --- the store --- */

void pcrf_profile_open(struct pcrf *p)
{
	char err[640];
	int e;

	if (p->profiles || !*p->profiles_path)
		return;
	e = profiles_open(p->profiles_path, false, &p->profiles, err, sizeof(err));
	if (e && e != -ENOENT)
		log_warn("%s; all get what their APN gets", err);
}
