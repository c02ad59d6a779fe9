// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * PCC rules of a PDN connection (TS 29.212 4.5.2, 5.3.2 to 5.3.4; TS 23.203 6.3): installed, changed and removed by
 * name; their flows as packet filters of TFTs (TS 24.008 10.5.6.12). No I/O.
 *
 * Invariants: a name is there once, a removed rule aside that the UE or the UPF still has; a packet filter
 * identifier belongs to one flow, or to a bearer whose TFT still has it; an order that cannot be kept leaves a rule
 * in state FAILED, which gx.c reports and frees.
 */
#include <stdio.h>

#include "lib/core/log.h"
#include "smf/smf.h"

#define LAST_PRECEDENCE \
	(UINT32_MAX - 1) /* of a rule without one; the default bearer's is behind it */

bool smf_rule_is_live(const struct smf_rule *r)
{
	return r->state == SMF_RULE_WANTED || r->state == SMF_RULE_ACTIVE;
}

struct smf_rule *smf_rule_by_name(const struct smf_pdn *p, struct str name)
{
	for (struct smf_rule *r = p->rules; r; r = r->next)
		if (smf_rule_is_live(r) && str_eqz(name, r->name))
			return r;
	return NULL;
}

static void free_flows(struct smf_rule *r)
{
	for (int i = 0; i < r->n_flow; i++)
		free(r->flow[i].text);
	r->n_flow = 0;
}

void smf_rule_free(struct smf_pdn *p, struct smf_rule *r)
{
	struct smf_rule **at = &p->rules;

	while (*at && *at != r)
		at = &(*at)->next;
	if (*at)
		*at = r->next;
	free_flows(r);
	free(r->group);
	free(r);
}

void smf_rule_fail(struct smf_rule *r, enum gx_rule_failure why)
{
	if (r->state == SMF_RULE_REMOVED)
		return; /* nobody wants to hear of it */
	r->state = SMF_RULE_FAILED;
	r->failure = (int)why;
	smf_rule_drop_filters(r);
}

static bool id_in_use(const struct smf_pdn *p, uint16_t id)
{
	for (const struct smf_rule *r = p->rules; r; r = r->next)
		if (r->n4_id == id)
			return true;
	return false;
}

/* 1 is the default bearer's. */
uint16_t smf_new_n4_id(struct smf_pdn *p)
{
	do
		p->next_n4_id = (uint16_t)(p->next_n4_id < 2 || p->next_n4_id >= SMF_N4_ID_MAX
						   ? 2
						   : p->next_n4_id + 1);
	while (id_in_use(p, p->next_n4_id));
	return p->next_n4_id;
}

/* --- flows --- */

/* As "permit out": that is what both TFT and SDF filter are made of (TS 29.244 8.2.5, TS 29.212 5.4.2). */
static int parse_flow(const struct gx_flow *g, struct smf_flow *f)
{
	struct ipf_end end;
	char text[600];
	int n;

	if (ipfilter_parse(g->description, &f->filter) || f->filter.deny)
		return -EINVAL;
	f->direction = f->filter.in ? NAS_DIR_UL : NAS_DIR_DL;
	if (f->filter.in) {
		end = f->filter.from;
		f->filter.from = f->filter.to;
		f->filter.to = end;
		f->filter.in = false;
	}
	if (g->direction >= GX_DOWNLINK && g->direction <= GX_BIDIRECTIONAL)
		f->direction = (uint8_t)g->direction;
	f->to_ue = g->filter_usage == 1;
	n = ipfilter_format(&f->filter, text, sizeof(text));
	f->text = n > 0 ? str_dup((struct str){ text, (size_t)n }) : NULL;
	return f->text ? 0 : n > 0 ? -ENOMEM : -EINVAL;
}

/* Nobody said which ones the UE needs: what it sends by; without that, what it gets. */
static void choose_for_ue(struct smf_rule *r)
{
	bool any = false, up = false;

	for (int i = 0; i < r->n_flow; i++) {
		any |= r->flow[i].to_ue;
		up |= r->flow[i].direction & NAS_DIR_UL;
	}
	for (int i = 0; i < r->n_flow && !any; i++)
		r->flow[i].to_ue = !up || r->flow[i].direction & NAS_DIR_UL;
}

static bool same_flows(const struct smf_rule *r, const struct smf_flow *f, size_t n)
{
	if (r->n_flow != n)
		return false;
	for (size_t i = 0; i < n; i++)
		if (strcmp(r->flow[i].text, f[i].text) || r->flow[i].direction != f[i].direction)
			return false;
	return true;
}

/* The flows are replaced when all of the new ones are good. */
static int set_flows(struct smf_rule *r, const struct gx_rule *d)
{
	struct smf_flow flow[SMF_FLOWS_MAX] = { 0 };
	size_t n = 0;
	int e = d->n_flow > SMF_FLOWS_MAX ? -EINVAL : 0;

	for (; n < d->n_flow && !e; n++)
		e = parse_flow(&d->flow[n], &flow[n]);
	if (e || same_flows(r, flow, n)) {
		while (n)
			free(flow[--n].text);
		return e;
	}
	smf_rule_drop_filters(r);
	free_flows(r);
	memcpy(r->flow, flow, sizeof(flow));
	r->n_flow = (uint8_t)n;
	r->dirty = true;
	choose_for_ue(r);
	return 0;
}

/* --- one rule --- */

static void set_gates(struct smf_rule *r, int status)
{
	switch ((enum pcc_flow_status)status) {
	case PCC_ENABLED_UPLINK:
	case PCC_ENABLED_DOWNLINK:
	case PCC_ENABLED:
	case PCC_DISABLED:
	case PCC_REMOVED:
		r->gate_ul = status == PCC_ENABLED || status == PCC_ENABLED_UPLINK;
		r->gate_dl = status == PCC_ENABLED || status == PCC_ENABLED_DOWNLINK;
		break;
	}
}

static void set_rate(uint64_t *dst, int rate)
{
	if (rate >= 0)
		*dst = (uint64_t)rate;
}

struct s5_arp smf_arp_of(const struct pcc_arp *a)
{
	return (struct s5_arp){ .priority = (uint8_t)MIN(MAX(a->level, 1U), 15U),
				.pci = a->capability != 0,
				.pvi = a->vulnerability == 1 };
}

static int set_qos(struct smf_rule *r, const struct gx_qos *q)
{
	struct smf_qos was = r->qos;

	if (q->qci > 255)
		return -EINVAL;
	if (q->qci > 0)
		r->qos.qci = (uint8_t)q->qci;
	if (q->has_arp)
		r->qos.arp = smf_arp_of(&q->arp);
	set_rate(&r->qos.mbr_ul, q->mbr_ul);
	set_rate(&r->qos.mbr_dl, q->mbr_dl);
	set_rate(&r->qos.gbr_ul, q->gbr_ul);
	set_rate(&r->qos.gbr_dl, q->gbr_dl);
	if (memcmp(&was, &r->qos, sizeof(was)))
		r->dirty = true;
	return 0;
}

/* What the definition says; what it does not say stays. 0, or enum gx_rule_failure. */
static int define(struct smf_rule *r, const struct gx_rule *d)
{
	int e = d->n_flow ? set_flows(r, d) : 0;

	if (e)
		return e == -ENOMEM ? GX_RESOURCES_LIMITATION : GX_INCORRECT_FLOW_INFORMATION;
	if (d->tdf_app_id.p && str_copy(r->application, sizeof(r->application), d->tdf_app_id))
		return GX_UNKNOWN_RULE_NAME;
	if (!r->n_flow && !*r->application)
		return GX_MISSING_FLOW_INFORMATION;
	if (d->has_qos && set_qos(r, &d->qos))
		return GX_UNSUCCESSFUL_QOS_VALIDATION;
	if (d->precedence >= 0)
		r->precedence = (uint32_t)d->precedence;
	set_gates(r, d->flow_status);
	if (d->monitoring_key.p)
		str_copy(r->monitoring_key, sizeof(r->monitoring_key), d->monitoring_key);
	if (d->rating_group >= 0)
		r->rating_group = (uint32_t)d->rating_group;
	if (d->service_id >= 0)
		r->service_id = (uint32_t)d->service_id;
	return 0;
}

static struct smf_rule *rule_new(struct smf_pdn *p, struct str name)
{
	struct smf_rule **at = &p->rules, *r;
	size_t n = 0;

	for (; *at; at = &(*at)->next)
		n++;
	r = n < SMF_RULES_MAX ? calloc(1, sizeof(*r)) : NULL;
	if (!r)
		return NULL;
	if (str_copy(r->name, sizeof(r->name), name)) {
		free(r);
		return NULL;
	}
	r->n4_id = smf_new_n4_id(p);
	r->precedence = LAST_PRECEDENCE;
	r->gate_ul = r->gate_dl = r->dirty = true;
	*at = r;
	return r;
}

/* --- orders --- */

static void want_notice(struct smf_rule *r, bool notify)
{
	if (!notify)
		return;
	r->notify = true;
	if (r->state == SMF_RULE_ACTIVE)
		r->told = false;
}

static int install(struct smf_pdn *p, const struct gx_rule *d, bool notify)
{
	struct smf_rule *r = smf_rule_by_name(p, d->name);
	int why;

	if (!r)
		r = rule_new(p, d->name);
	if (!r) {
		log_notice("%s: no room for rule %.*s", p->name, STR_FMT(d->name));
		return 1;
	}
	want_notice(r, notify);
	r->predefined = false;
	why = define(r, d);
	if (!why)
		return 0;
	smf_rule_fail(r, (enum gx_rule_failure)why);
	return 1;
}

/* A predefined rule that nobody knows, by this name (TS 29.212 4.5.2.1). */
static int refuse(struct smf_pdn *p, struct str name, bool base)
{
	struct smf_rule *r = rule_new(p, name);

	if (r) {
		r->base = base;
		smf_rule_fail(r, GX_UNKNOWN_RULE_NAME);
	}
	return 1;
}

/* One that is there stays as it is. group: Charging-Rule-Base-Name that it comes with. */
static int install_predefined(struct smf_pdn *p, const struct smf_predefined *d, struct str group,
			      bool notify)
{
	struct smf_rule *r = smf_rule_by_name(p, d->rule.name);
	int failed = 0;

	if (r)
		want_notice(r, notify);
	else
		failed = install(p, &d->rule, notify);
	r = smf_rule_by_name(p, d->rule.name);
	if (!r)
		return failed;
	r->predefined = true;
	if (group.p && !r->group)
		r->group = str_dup(group);
	return failed;
}

static int install_by_name(struct smf_pdn *p, struct str name, bool notify)
{
	const struct smf *s = p->smf;
	const struct smf_predefined *d = smf_predefined_find(s->predefined, s->n_predefined, name);

	if (d)
		return install_predefined(p, d, (struct str){ NULL, 0 }, notify);
	return smf_rule_by_name(p, name) ? 0 : refuse(p, name, false);
}

static int install_group(struct smf_pdn *p, struct str name, bool notify)
{
	const struct smf *s = p->smf;
	int failed = 0;
	bool any = false;

	for (size_t i = 0; i < s->n_predefined; i++)
		if (s->predefined[i].base.p && str_eq(s->predefined[i].base, name)) {
			failed += install_predefined(p, &s->predefined[i], name, notify);
			any = true;
		}
	return any ? failed : refuse(p, name, true);
}

static int apply_install(struct smf_pdn *p, const struct gx_install *in)
{
	bool notify = in->allocation_notification == 0;
	int failed = 0;

	for (size_t i = 0; i < in->n_rule; i++)
		failed += install(p, &in->rule[i], notify);
	for (size_t i = 0; i < in->n_name; i++)
		failed += install_by_name(p, in->name[i], notify);
	for (size_t i = 0; i < in->n_base_name; i++)
		failed += install_group(p, in->base_name[i], notify);
	return failed;
}

static void remove_rule(struct smf_rule *r)
{
	r->state = SMF_RULE_REMOVED;
	smf_rule_drop_filters(r);
}

static void apply_remove(struct smf_pdn *p, const struct gx_remove *rm)
{
	for (size_t i = 0; i < rm->n_name; i++) {
		struct smf_rule *r = smf_rule_by_name(p, rm->name[i]);

		if (r) /* else a repeated order */
			remove_rule(r);
	}
	for (size_t i = 0; i < rm->n_base_name; i++)
		for (struct smf_rule *r = p->rules; r; r = r->next)
			if (r->group && smf_rule_is_live(r) && str_eqz(rm->base_name[i], r->group))
				remove_rule(r);
}

int smf_rules_apply(struct smf_pdn *p, const struct gx_orders *o)
{
	int failed = 0;

	for (size_t i = 0; i < o->n_remove; i++)
		apply_remove(p, &o->remove[i]);
	for (size_t i = 0; i < o->n_install; i++)
		failed += apply_install(p, &o->install[i]);
	return failed;
}

/* --- packet filters --- */

/* Identifiers and evaluation precedences that are taken, r's own aside. */
struct taken {
	uint16_t ids;
	bool precedence[256];
	int before, behind; /* precedences of filters that go before and behind those of r */
};

static void take_known(struct taken *t, uint16_t ids, const uint32_t hash[SMF_FILTERS_MAX])
{
	t->ids |= ids;
	for (int i = 0; i < SMF_FILTERS_MAX; i++)
		if (ids & 1 << i)
			t->precedence[hash[i] & 0xff] = true;
}

static void look_around(const struct smf_pdn *p, const struct smf_rule *r, struct taken *t)
{
	*t = (struct taken){ .before = -1, .behind = 256 };
	for (const struct smf_bearer *b = p->bearers; b; b = b->next)
		take_known(t, b->filters, p->filter_hash);
	for (int i = 0; i < p->op.n; i++)
		take_known(t, p->op.filters[i], p->op.hash);
	for (const struct smf_rule *x = p->rules; x; x = x->next)
		for (int i = 0; i < x->n_flow; i++)
			for (int k = 0; k < x->flow[i].n_filter; k++) {
				int at = x->flow[i].filter_precedence[k];

				t->ids |= (uint16_t)(1 << x->flow[i].filter_id[k]);
				t->precedence[at] = true;
				if (x->precedence <= r->precedence)
					t->before = MAX(t->before, at);
				else
					t->behind = MIN(t->behind, at);
			}
}

/* Between its neighbours, with room for later ones; else anywhere. */
static int choose_precedence(struct taken *t)
{
	int at = t->before + 1 + MIN(MAX(t->behind - t->before - 1, 0) / 2, 7);

	while (at < t->behind && t->precedence[at])
		at++;
	if (at >= t->behind)
		for (at = 0; at < 255 && t->precedence[at]; at++)
			;
	t->precedence[at] = true;
	t->before = MAX(t->before, at);
	return at;
}

static int take(struct taken *t, struct smf_flow *f)
{
	struct nas_filter nf[SMF_FLOW_FILTERS];
	int n = ipfilter_to_nas(&f->filter, f->direction, false, nf, SMF_FLOW_FILTERS);

	if (n < 0)
		return n;
	for (int k = 0; k < n; k++) {
		uint8_t id = 0;

		while (id < SMF_FILTERS_MAX && t->ids & 1 << id)
			id++;
		if (id == SMF_FILTERS_MAX)
			return -ENOSPC;
		t->ids |= (uint16_t)(1 << id);
		f->filter_id[k] = id;
		f->filter_precedence[k] = (uint8_t)choose_precedence(t);
		f->n_filter++;
	}
	return 0;
}

int smf_rule_take_filters(struct smf_pdn *p, struct smf_rule *r)
{
	struct taken t;
	int e = 0;

	look_around(p, r, &t);
	for (int i = 0; i < r->n_flow && !e; i++)
		if (r->flow[i].to_ue && !r->flow[i].n_filter)
			e = take(&t, &r->flow[i]);
	if (e)
		smf_rule_drop_filters(r);
	return e;
}

void smf_rule_drop_filters(struct smf_rule *r)
{
	for (int i = 0; i < r->n_flow; i++)
		r->flow[i].n_filter = 0;
}

/* The k-th packet filter of a flow. */
static struct nas_filter filter_of(const struct smf_flow *f, int k)
{
	struct nas_filter nf[SMF_FLOW_FILTERS];

	memset(nf, 0, sizeof(nf));
	ipfilter_to_nas(&f->filter, f->direction, false, nf, SMF_FLOW_FILTERS);
	nf[k].id = f->filter_id[k];
	nf[k].precedence = f->filter_precedence[k];
	return nf[k];
}

/* The low octet is the evaluation precedence: it is taken as long as the UE has the filter. */
static uint32_t filter_hash(const struct nas_filter *f)
{
	static const uint64_t key[2];
	struct nas_tft t = { .op = NAS_TFT_CREATE, .n_filter = 1 };
	uint8_t buf[256];
	struct siphash h;
	ssize_t n;

	t.filter[0] = *f;
	n = nas_tft_encode(&t, buf, sizeof(buf));
	siphash_init(&h, key);
	siphash_add(&h, buf, n > 0 ? (size_t)n : 0);
	return ((uint32_t)siphash_end(&h) & ~UINT32_C(0xff)) | f->precedence;
}

uint16_t smf_rule_filters(const struct smf_rule *r, uint32_t hash[SMF_FILTERS_MAX])
{
	uint16_t ids = 0;

	for (int i = 0; i < r->n_flow; i++)
		for (int k = 0; k < r->flow[i].n_filter; k++) {
			uint8_t id = r->flow[i].filter_id[k];
			struct nas_filter f;

			ids |= (uint16_t)(1 << id);
			if (!hash)
				continue;
			f = filter_of(&r->flow[i], k);
			hash[id] = filter_hash(&f);
		}
	return ids;
}

static uint16_t wanted_filters(const struct smf_bearer *b, uint32_t hash[SMF_FILTERS_MAX])
{
	uint16_t ids = 0;

	for (const struct smf_rule *r = b->pdn->rules; r; r = r->next)
		if (r->bearer == b && smf_rule_is_live(r))
			ids |= smf_rule_filters(r, hash);
	return ids;
}

static uint16_t changed_filters(const struct smf_bearer *b, uint16_t ids,
				const uint32_t hash[SMF_FILTERS_MAX])
{
	uint16_t ret = 0;

	for (int i = 0; i < SMF_FILTERS_MAX; i++)
		if (ids & b->filters & 1 << i && hash[i] != b->pdn->filter_hash[i])
			ret |= (uint16_t)(1 << i);
	return ret;
}

/* Which packet filters the operation is about. */
static uint16_t affected(const struct smf_bearer *b, enum nas_tft_op op)
{
	uint32_t hash[SMF_FILTERS_MAX] = { 0 };
	uint16_t wanted = wanted_filters(b, hash);

	switch (op) {
	case NAS_TFT_CREATE:
		return wanted;
	case NAS_TFT_ADD:
		return (uint16_t)(wanted & ~b->filters);
	case NAS_TFT_REPLACE:
		return changed_filters(b, wanted, hash);
	case NAS_TFT_DELETE_FILTERS:
		return b->filters & (uint16_t) ~(wanted | b->stuck);
	case NAS_TFT_DELETE:
	case NAS_TFT_NO_OP:
		break;
	}
	return 0;
}

static int put_filters(const struct smf_rule *r, uint16_t ids, struct nas_tft *t)
{
	for (int i = 0; i < r->n_flow; i++)
		for (int k = 0; k < r->flow[i].n_filter; k++) {
			if (!(ids & 1 << r->flow[i].filter_id[k]))
				continue;
			if (t->n_filter == NAS_FILTERS_MAX)
				return -ENOSPC;
			t->filter[t->n_filter++] = filter_of(&r->flow[i], k);
		}
	return 0;
}

static void put_ids(uint16_t ids, struct nas_tft *t)
{
	for (uint8_t i = 0; i < SMF_FILTERS_MAX && t->n_filter < NAS_FILTERS_MAX; i++)
		if (ids & 1 << i)
			t->filter[t->n_filter++].id = i;
}

int smf_rule_tft(const struct smf_bearer *b, enum nas_tft_op op, struct nas_tft *ret)
{
	uint16_t ids = affected(b, op);
	int e = 0;

	memset(ret, 0, sizeof(*ret));
	ret->op = (uint8_t)op;
	if (op == NAS_TFT_DELETE_FILTERS) {
		put_ids(ids, ret);
		return 0;
	}
	for (const struct smf_rule *r = b->pdn->rules; r && !e; r = r->next)
		if (r->bearer == b && smf_rule_is_live(r))
			e = put_filters(r, ids, ret);
	return e;
}
