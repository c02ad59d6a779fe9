// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * PFCP sessions of PDN connections (TS 29.244 5.2, 6.3, 7.5; TS 23.214 6.3): what bearers and rules want of the
 * UPF against what it is known to have.
 *
 * Wanted are objects: PDR, FAR, QER, URR, each with an id and a hash of all that it says. A request carries the
 * difference to the known ones; when it is accepted they are as they were wanted then. Ids: see smf.h;
 * the default bearer has n4_id 1: PDRs 2 and 3, session QER 1 (APN-AMBR); QERs of rules have the rule's n4_id.
 *
 * Invariants: one request under way for a session; a session at the UPF that we may have belongs to a struct smf_n4, or
 * its deletion is under way; every bearer with an uplink PDR has a tunnel endpoint when SMF_PDN_EV_N4_OK comes.
 */
#include <arpa/inet.h>
#include <stdio.h>

#include "lib/core/log.h"
#include "lib/core/metrics.h"
#include "lib/core/sbuf.h"
#include "smf/n4.h"

METRIC_COUNTER(m_est, "kims_smf_pfcp_established_total", "PFCP sessions established");
METRIC_COUNTER(m_mod, "kims_smf_pfcp_modified_total", "PFCP session modifications sent");
METRIC_COUNTER(m_fail, "kims_smf_pfcp_failed_total", "PFCP session requests refused or without an answer");
METRIC_COUNTER(m_restored, "kims_smf_pfcp_restored_total", "PFCP sessions set up again after a restart of the UPF");

void smf_n4_metrics(void)
{
	struct metric *all[] = { &m_est, &m_mod, &m_fail, &m_restored };

	for (size_t i = 0; i < ARRAY_SIZE(all); i++)
		metric_register(all[i]);
}

/* --- what is wanted --- */

enum {
	DEFAULT_ID = 1,
	DEFAULT_PRECEDENCE = UINT32_MAX,
	ITEMS_MAX = 2 + 3 * SMF_RULES_MAX + 2 * SMF_BEARERS_MAX + 16,
};

struct item {
	struct smf_n4_object o;
	bool up; /* of PDR and FAR */
	const struct smf_bearer *bearer;
	const struct smf_rule *rule; /* NULL: of the default bearer, of the session */
	const struct smf_monitor *monitor;
};
static struct items {
	struct item v[ITEMS_MAX];
	size_t n;
} want;

static bool is_default(const struct smf_bearer *b)
{
	return b == b->pdn->bearers;
}

/* A dedicated bearer gets traffic when the UE has accepted it, and not after it was told to let it go. */
static bool has_downlink(const struct smf_bearer *b)
{
	return is_default(b) || b->state == SMF_BEARER_ACTIVE || b->state == SMF_BEARER_UPDATING;
}

static bool is_gbr(uint8_t qci)
{
	return (qci >= 1 && qci <= 4) || (qci >= 65 && qci <= 67) || (qci >= 71 && qci <= 76) ||
	       (qci >= 82 && qci <= 85);
}

static uint64_t kbit(uint64_t bits)
{
	return (bits + 999) / 1000;
}

static bool is_v6(const struct smf_pdn *p)
{
	return p->type == S5_PDN_IPV6 || p->type == S5_PDN_IPV4V6;
}

static bool is_v4(const struct smf_pdn *p)
{
	return p->type == S5_PDN_IPV4 || p->type == S5_PDN_IPV4V6;
}

static struct item *add(uint8_t type, uint32_t id)
{
	struct item *i;

	if (want.n == ITEMS_MAX)
		return NULL;
	i = &want.v[want.n++];
	*i = (struct item){ .o = { .type = type, .id = id } };
	return i;
}

static void add_pdr(const struct smf_bearer *b, const struct smf_rule *r, bool up)
{
	struct item *i = add(SX_RULE_PDR, 2U * (r ? r->n4_id : DEFAULT_ID) + !up);

	if (!i)
		return;
	i->bearer = b;
	i->rule = r;
	i->up = up;
}

static void add_far(const struct smf_bearer *b, bool up)
{
	struct item *i = add(SX_RULE_FAR, 2U * b->n4_id + !up);

	if (!i)
		return;
	i->bearer = b;
	i->up = up;
}

static void add_rule(const struct smf_rule *r)
{
	struct item *i;

	add_pdr(r->bearer, r, true);
	if (has_downlink(r->bearer))
		add_pdr(r->bearer, r, false);
	i = add(SX_RULE_QER, r->n4_id);
	if (i)
		i->rule = r;
}

/* A removed rule stays until the UE knows that its bearer is gone: for what it still sends. */
static bool is_enforced(const struct smf_rule *r)
{
	return r->bearer && r->n4_id && r->state != SMF_RULE_FAILED &&
	       (r->state != SMF_RULE_REMOVED || !is_default(r->bearer));
}

static void compose(const struct smf_pdn *p)
{
	const struct smf_bearer *b = p->bearers;
	struct item *i;

	want.n = 0;
	if (!b)
		return;
	add_pdr(b, NULL, true);
	add_pdr(b, NULL, false);
	for (; b; b = b->next) {
		add_far(b, true);
		if (has_downlink(b))
			add_far(b, false);
	}
	i = add(SX_RULE_QER, DEFAULT_ID);
	if (i)
		i->bearer = p->bearers;
	for (const struct smf_rule *r = p->rules; r; r = r->next)
		if (is_enforced(r))
			add_rule(r);
	for (const struct smf_monitor *m = p->monitors; m; m = m->next) {
		i = add(SX_RULE_URR, m->urr_id);
		if (i)
			i->monitor = m;
	}
}

/* --- what each object says --- */

/* APN-AMBR is for bearers without a guaranteed rate (TS 23.401 4.7.3). */
static size_t qers_of(const struct item *i, uint32_t ret[2])
{
	size_t n = 0;

	if (!is_gbr(i->bearer->qos.qci))
		ret[n++] = DEFAULT_ID;
	if (i->rule)
		ret[n++] = i->rule->n4_id;
	return n;
}

static size_t urrs_of(const struct smf_pdn *p, const struct item *i, uint32_t ret[SX_REFS_MAX])
{
	size_t n = 0;

	for (const struct smf_monitor *m = p->monitors; m && n < SX_REFS_MAX; m = m->next)
		if (m->session || (i->rule && !strcmp(m->key, i->rule->monitoring_key)))
			ret[n++] = m->urr_id;
	return n;
}

static bool flow_matters(const struct smf_rule *r, const struct smf_flow *f, bool up)
{
	uint8_t bit = up ? NAS_DIR_UL : NAS_DIR_DL;

	if (f->direction == NAS_DIR_PRE_REL7 || f->direction & bit)
		return true;
	for (int i = 0; i < r->n_flow; i++)
		if (r->flow[i].direction & bit)
			return false;
	return true; /* no flow has this direction: the gate decides */
}

static bool is_forwarding(const struct item *i)
{
	return i->up || (i->bearer->peer.teid &&
			 (!i->bearer->pdn->suspended || is_gbr(i->bearer->qos.qci)));
}

static const char *instance(const struct smf_pdn *p)
{
	return p->apn ? p->apn->instance : p->apn_name;
}

static void hash_u64(struct siphash *h, uint64_t v)
{
	siphash_add(h, &v, sizeof(v));
}

static void hash_pdr(struct siphash *h, const struct smf_pdn *p, const struct item *i)
{
	uint32_t qer[2], urr[SX_REFS_MAX];
	size_t n;

	hash_u64(h, i->bearer->n4_id);
	hash_u64(h, (uint64_t)p->type << 1 | i->up);
	if (is_v4(p))
		siphash_add(h, &p->v4, sizeof(p->v4));
	if (is_v6(p))
		siphash_add(h, &p->v6, 8);
	siphash_add_str(h, str_of(instance(p)));
	n = qers_of(i, qer);
	siphash_add(h, qer, n * sizeof(*qer));
	n = urrs_of(p, i, urr);
	siphash_add(h, urr, n * sizeof(*urr));
	if (!i->rule)
		return;
	hash_u64(h, i->rule->precedence);
	siphash_add_str(h, str_of(i->rule->application));
	for (int k = 0; k < i->rule->n_flow; k++)
		if (flow_matters(i->rule, &i->rule->flow[k], i->up))
			siphash_add_str(h, str_of(i->rule->flow[k].text));
}

static void hash_far(struct siphash *h, const struct smf_pdn *p, const struct item *i)
{
	const struct s5_fteid *t = &i->bearer->peer;

	hash_u64(h, (uint64_t)is_forwarding(i) << 1 | i->up);
	siphash_add_str(h, str_of(instance(p)));
	if (i->up)
		return;
	hash_u64(h, t->teid);
	if (t->v4)
		siphash_add(h, &t->ip4, sizeof(t->ip4));
	if (t->v6)
		siphash_add(h, &t->ip6, sizeof(t->ip6));
}

static void hash_qer(struct siphash *h, const struct smf_pdn *p, const struct item *i)
{
	const struct smf_rule *r = i->rule;

	if (!r) {
		hash_u64(h, p->ambr_ul);
		hash_u64(h, p->ambr_dl);
		return;
	}
	hash_u64(h, (uint64_t)r->gate_ul << 1 | r->gate_dl);
	hash_u64(h, r->qos.mbr_ul);
	hash_u64(h, r->qos.mbr_dl);
	hash_u64(h, is_gbr(r->qos.qci) ? r->qos.gbr_ul : 0);
	hash_u64(h, is_gbr(r->qos.qci) ? r->qos.gbr_dl : 0);
}

/* The same in every process: what is kept over a restart is compared with it. */
static uint64_t hash_of(const struct smf_pdn *p, const struct item *i)
{
	static const uint64_t key[2];
	struct siphash h;

	siphash_init(&h, key);
	switch ((enum sx_rule_type)i->o.type) {
	case SX_RULE_PDR:
		hash_pdr(&h, p, i);
		break;
	case SX_RULE_FAR:
		hash_far(&h, p, i);
		break;
	case SX_RULE_QER:
		hash_qer(&h, p, i);
		break;
	case SX_RULE_URR:
		hash_u64(&h, i->monitor->total);
		hash_u64(&h, i->monitor->ul);
		hash_u64(&h, i->monitor->dl);
		break;
	case SX_RULE_BAR:
		break;
	}
	return siphash_end(&h);
}

/* --- IEs --- */

/* Room for one request; only what is counted by n_... is sent. */
static struct sx_session_establishment_request est;
static struct sx_session_modification_request mod;
static uint8_t out[65535];

/* The next element of a list, zeroed; NULL: it is full. */
#define APPEND(list, n)                                                              \
	((n) == SX_RULES_MAX ? NULL : ((n)++, memset(&(list)[(n) - 1], 0, sizeof((list)[0]))))

static uint8_t labels[256];

static void fill_fteid(const struct smf_bearer *b, struct sx_pdi *pdi)
{
	const struct s5_fteid *like = &b->pdn->bearers->peer;
	struct sx_fteid *f = &pdi->fteid;
	uint8_t nr = 0;

	pdi->has_fteid = true;
	if (b->local.teid) {
		*f = (struct sx_fteid){ .teid = b->local.teid,
					.v4 = b->local.v4,
					.v6 = b->local.v6,
					.ip4 = b->local.ip4,
					.ip6 = b->local.ip6 };
		return;
	}
	for (const struct smf_bearer *x = b->pdn->bearers; x && x != b; x = x->next)
		nr++;
	*f = (struct sx_fteid){ .ch = true, .chid = true, .choose_id = nr };
	f->v4 = like->v4 || !like->v6;
	f->v6 = like->v6;
}

static void fill_pdi(const struct smf_pdn *p, const struct item *i, struct sx_pdi *pdi)
{
	pdi->source = i->up ? SX_ACCESS : SX_CORE;
	if (i->up) {
		fill_fteid(i->bearer, pdi);
	} else {
		pdi->has_network_instance = true;
		pdi->network_instance = sx_network_instance(instance(p), labels);
	}
	pdi->has_ue_ip = true;
	pdi->ue_ip = (struct sx_ue_ip){ .v4 = is_v4(p),
					.v6 = is_v6(p),
					.sd = !i->up,
					.ip4 = p->v4,
					.ip6 = p->v6 };
	pdi->has_application_id = i->rule && *i->rule->application;
	if (pdi->has_application_id)
		pdi->application_id = str_of(i->rule->application);
	for (int k = 0; i->rule && k < i->rule->n_flow; k++)
		if (flow_matters(i->rule, &i->rule->flow[k], i->up))
			pdi->sdf[pdi->n_sdf++] = (struct sx_sdf_filter){
				.fd = true, .flow = str_of(i->rule->flow[k].text)
			};
}

static uint32_t far_of(const struct item *i)
{
	return 2U * i->bearer->n4_id + !i->up;
}

/* Create PDR and Update PDR have the same rows here. */
#define FILL_PDR(p, i, d)                                                                       \
	do {                                                                                    \
		(d)->id = (uint16_t)(i)->o.id;                                                  \
		(d)->precedence = (i)->rule ? (i)->rule->precedence : DEFAULT_PRECEDENCE;       \
		fill_pdi(p, i, &(d)->pdi);                                                      \
		(d)->has_precedence = (d)->has_pdi = (d)->has_far_id = true;                    \
		(d)->has_removal = (i)->up;                                                     \
		(d)->removal.desc = SX_REMOVE_GTPU;                                             \
		(d)->far_id = far_of(i);                                                        \
		(d)->n_qer_id = qers_of(i, (d)->qer_id);                                        \
		(d)->n_urr_id = urrs_of(p, i, (d)->urr_id);                                     \
	} while (0)

static void fill_creation(const struct s5_fteid *t, struct sx_creation *c)
{
	*c = (struct sx_creation){ .teid = t->teid, .ip4 = t->ip4, .ip6 = t->ip6 };
	c->desc = (uint16_t)(t->v4 ? SX_CREATE_GTPU4 : SX_CREATE_GTPU6);
}

#define FILL_FAR(p, i, d)                                                                       \
	do {                                                                                    \
		(d)->id = (i)->o.id;                                                            \
		(d)->has_action = true;                                                         \
		(d)->action.forw = is_forwarding(i);                                            \
		(d)->action.drop = !is_forwarding(i);                                           \
		(d)->has_forwarding = is_forwarding(i);                                         \
		(d)->forwarding.has_destination = true;                                         \
		(d)->forwarding.destination = (i)->up ? SX_CORE : SX_ACCESS;                    \
		(d)->forwarding.has_network_instance = (i)->up;                                 \
		(d)->forwarding.network_instance = sx_network_instance(instance(p), labels);    \
		(d)->forwarding.has_creation = !(i)->up;                                        \
		fill_creation(&(i)->bearer->peer, &(d)->forwarding.creation);                   \
	} while (0)

static void fill_rates(const struct smf_pdn *p, const struct smf_rule *r, struct sx_rate *mbr,
		       struct sx_rate *gbr)
{
	mbr->ul = kbit(r ? r->qos.mbr_ul : p->ambr_ul);
	mbr->dl = kbit(r ? r->qos.mbr_dl : p->ambr_dl);
	gbr->ul = r && is_gbr(r->qos.qci) ? kbit(r->qos.gbr_ul) : 0;
	gbr->dl = r && is_gbr(r->qos.qci) ? kbit(r->qos.gbr_dl) : 0;
}

#define FILL_QER(p, i, d)                                                                       \
	do {                                                                                    \
		const struct smf_rule *r_ = (i)->rule;                                          \
		(d)->id = (i)->o.id;                                                            \
		(d)->has_gate = true;                                                           \
		(d)->gate.ul = !r_ || r_->gate_ul ? SX_GATE_OPEN : SX_GATE_CLOSED;              \
		(d)->gate.dl = !r_ || r_->gate_dl ? SX_GATE_OPEN : SX_GATE_CLOSED;              \
		fill_rates(p, r_, &(d)->mbr, &(d)->gbr);                                        \
		(d)->has_mbr = (d)->mbr.ul || (d)->mbr.dl;                                      \
		(d)->has_gbr = (d)->gbr.ul || (d)->gbr.dl;                                      \
	} while (0)

static void fill_threshold(const struct smf_monitor *m, struct sx_volume *v)
{
	*v = (struct sx_volume){ .has_total = m->total,
				 .has_ul = m->ul,
				 .has_dl = m->dl,
				 .total = m->total,
				 .ul = m->ul,
				 .dl = m->dl };
}

#define FILL_URR(i, d)                                                                          \
	do {                                                                                    \
		(d)->id = (i)->o.id;                                                            \
		(d)->has_method = (d)->method.volum = true;                                     \
		(d)->has_triggers = true;                                                       \
		fill_threshold((i)->monitor, &(d)->volume_threshold);                           \
		(d)->has_volume_threshold = (d)->triggers.volth =                               \
			(i)->monitor->total || (i)->monitor->ul || (i)->monitor->dl;            \
	} while (0)

/* Establishment and modification have these lists in common. */
static bool create_pdr(const struct smf_pdn *p, const struct item *i, struct sx_create_pdr *list,
		       size_t *n)
{
	struct sx_create_pdr *d = APPEND(list, *n);

	if (d)
		FILL_PDR(p, i, d);
	return d;
}

static bool create_far(const struct smf_pdn *p, const struct item *i, struct sx_create_far *list,
		       size_t *n)
{
	struct sx_create_far *d = APPEND(list, *n);

	if (d)
		FILL_FAR(p, i, d);
	return d;
}

static bool create_qer(const struct smf_pdn *p, const struct item *i, struct sx_create_qer *list,
		       size_t *n)
{
	struct sx_create_qer *d = APPEND(list, *n);

	if (d)
		FILL_QER(p, i, d);
	return d;
}

static bool create_urr(const struct item *i, struct sx_create_urr *list, size_t *n)
{
	struct sx_create_urr *d = APPEND(list, *n);

	if (d)
		FILL_URR(i, d);
	return d;
}

static bool put_est(const struct smf_pdn *p, const struct item *i)
{
	switch ((enum sx_rule_type)i->o.type) {
	case SX_RULE_PDR:
		return create_pdr(p, i, est.create_pdr, &est.n_create_pdr);
	case SX_RULE_FAR:
		return create_far(p, i, est.create_far, &est.n_create_far);
	case SX_RULE_QER:
		return create_qer(p, i, est.create_qer, &est.n_create_qer);
	case SX_RULE_URR:
		return create_urr(i, est.create_urr, &est.n_create_urr);
	case SX_RULE_BAR:
		break;
	}
	return false;
}

static bool put_create(const struct smf_pdn *p, const struct item *i)
{
	switch ((enum sx_rule_type)i->o.type) {
	case SX_RULE_PDR:
		return create_pdr(p, i, mod.create_pdr, &mod.n_create_pdr);
	case SX_RULE_FAR:
		return create_far(p, i, mod.create_far, &mod.n_create_far);
	case SX_RULE_QER:
		return create_qer(p, i, mod.create_qer, &mod.n_create_qer);
	case SX_RULE_URR:
		return create_urr(i, mod.create_urr, &mod.n_create_urr);
	case SX_RULE_BAR:
		break;
	}
	return false;
}

static bool update_far(const struct smf_n4 *n, const struct item *i)
{
	struct sx_update_far *d = APPEND(mod.update_far, mod.n_update_far);

	if (!d)
		return false;
	FILL_FAR(n->pdn, i, d);
	if (n->end_marker && !i->up && d->has_forwarding)
		d->forwarding.has_smreq_flags = d->forwarding.smreq_flags.sndem = true;
	return true;
}

static bool put_update(const struct smf_n4 *n, const struct item *i)
{
	struct sx_update_pdr *pdr;
	struct sx_update_qer *qer;
	struct sx_update_urr *urr;

	switch ((enum sx_rule_type)i->o.type) {
	case SX_RULE_PDR:
		pdr = APPEND(mod.update_pdr, mod.n_update_pdr);
		if (pdr)
			FILL_PDR(n->pdn, i, pdr);
		return pdr;
	case SX_RULE_FAR:
		return update_far(n, i);
	case SX_RULE_QER:
		qer = APPEND(mod.update_qer, mod.n_update_qer);
		if (qer)
			FILL_QER(n->pdn, i, qer);
		return qer;
	case SX_RULE_URR:
		urr = APPEND(mod.update_urr, mod.n_update_urr);
		if (urr)
			FILL_URR(i, urr);
		return urr;
	case SX_RULE_BAR:
		break;
	}
	return false;
}

static bool put_remove(const struct smf_n4_object *o)
{
	struct sx_remove_pdr *pdr;
	struct sx_remove_far *far;
	struct sx_remove_qer *qer;
	struct sx_remove_urr *urr;

	switch ((enum sx_rule_type)o->type) {
	case SX_RULE_PDR:
		pdr = APPEND(mod.remove_pdr, mod.n_remove_pdr);
		if (pdr)
			pdr->id = (uint16_t)o->id;
		return pdr;
	case SX_RULE_FAR:
		far = APPEND(mod.remove_far, mod.n_remove_far);
		if (far)
			far->id = o->id;
		return far;
	case SX_RULE_QER:
		qer = APPEND(mod.remove_qer, mod.n_remove_qer);
		if (qer)
			qer->id = o->id;
		return qer;
	case SX_RULE_URR:
		urr = APPEND(mod.remove_urr, mod.n_remove_urr);
		if (urr)
			urr->id = o->id;
		return urr;
	case SX_RULE_BAR:
		break;
	}
	return false;
}

/* --- the difference --- */

static struct smf_n4_object *find(struct smf_n4_object *list, size_t n, uint8_t type, uint32_t id)
{
	for (size_t i = 0; i < n; i++)
		if (list[i].type == type && list[i].id == id)
			return &list[i];
	return NULL;
}

static void take_hashes(const struct smf_pdn *p)
{
	compose(p);
	for (size_t i = 0; i < want.n; i++)
		want.v[i].o.hash = hash_of(p, &want.v[i]);
}

static bool keep_as_sent(struct smf_n4 *n, const struct smf_n4_object *o)
{
	n->sent[n->n_sent++] = *o;
	return true;
}

static void clear_mod(void)
{
	mod.n_create_pdr = mod.n_create_far = mod.n_create_qer = mod.n_create_urr = 0;
	mod.n_update_pdr = mod.n_update_far = mod.n_update_qer = mod.n_update_urr = 0;
	mod.n_remove_pdr = mod.n_remove_far = mod.n_remove_qer = mod.n_remove_urr = 0;
	mod.n_query_urr = 0;
}

static size_t put_queries(const struct smf_n4 *n)
{
	for (struct smf_monitor *m = n->pdn->monitors; m; m = m->next) {
		struct sx_remove_urr *q;

		if (!m->report || !find(n->known, n->n_known, SX_RULE_URR, m->urr_id))
			continue;
		q = APPEND(mod.query_urr, mod.n_query_urr);
		if (q)
			q->id = m->urr_id;
		m->report = false;
	}
	return mod.n_query_urr;
}

/* Into mod and n->sent; what there is no room for waits for the next request. The number of changes. */
static size_t put_changes(struct smf_n4 *n)
{
	size_t changes = 0;

	clear_mod();
	n->n_sent = 0;
	for (size_t i = 0; i < n->n_known; i++) {
		const struct smf_n4_object *o = &n->known[i];
		bool stays = false;

		for (size_t k = 0; k < want.n && !stays; k++)
			stays = want.v[k].o.type == o->type && want.v[k].o.id == o->id;
		if (!stays && put_remove(o))
			changes++;
		else if (!stays)
			n->again = keep_as_sent(n, o);
	}
	for (size_t i = 0; i < want.n; i++) {
		const struct item *w = &want.v[i];
		struct smf_n4_object *o = find(n->known, n->n_known, w->o.type, w->o.id);

		if (o && o->hash == w->o.hash) {
			keep_as_sent(n, o);
		} else if (o ? put_update(n, w) : put_create(n->pdn, w)) {
			keep_as_sent(n, &w->o);
			changes++;
		} else {
			n->again = true;
			if (o)
				keep_as_sent(n, o);
		}
	}
	return changes + put_queries(n);
}

static int room_for_sent(struct smf_n4 *n)
{
	size_t max = n->n_known + want.n + 1;
	struct smf_n4_object *o = realloc(n->sent, max * sizeof(*o));

	if (!o)
		return -ENOMEM;
	n->sent = o;
	n->n_sent = 0;
	return 0;
}

/* Without FTUP (TS 29.244 5.5.2) the UPF's address for user data is taken to be the one for PFCP. */
static void choose_fteids(struct smf_n4 *n)
{
	struct smf_upf *u = n->upf;
	struct in6_addr ip;

	if (u->features.ftup)
		return;
	for (struct smf_bearer *b = n->pdn->bearers; b; b = b->next) {
		if (b->local.teid)
			continue;
		b->local = (struct s5_fteid){ .iface = S5_IF_S5U_PGW, .teid = u->next_teid++ };
		if (!u->next_teid)
			u->next_teid = 1;
		b->local.v4 = u->addr.ss_family == AF_INET;
		b->local.v6 = !b->local.v4;
		xchg_ip(&u->addr, &ip);
		b->local.ip6 = b->local.v6 ? ip : in6addr_any;
		if (b->local.v4)
			memcpy(&b->local.ip4, &ip.s6_addr[12], 4);
	}
}

/* --- what comes back --- */

/* The event may end the connection: n is not to be used after it. */
static void tell(struct smf_n4 *n, int event)
{
	struct s5_cause_ie c = { .value = n->cause };
	struct smf_pdn *p = n->pdn;

	n->wanted = false;
	n->cause = 0;
	fsm_event(&p->fsm, event, event == SMF_PDN_EV_N4_FAILED ? &c : NULL);
}

static void soon(struct smf_n4 *n)
{
	timer_start(n->pdn->smf->loop, &n->soon, 0);
}

static void advance(struct smf_n4 *n);

static void on_soon(struct timer *t)
{
	struct smf_n4 *n = container_of(t, struct smf_n4, soon);

	if (n->closing && n->state == SMF_N4_NONE)
		tell(n, SMF_PDN_EV_N4_CLOSED);
	else if (n->cause)
		tell(n, SMF_PDN_EV_N4_FAILED);
	else
		advance(n);
}

/*
 * Asking again does not mend it. An active connection without a session at the UPF ends, unless the UPF is away:
 * its return brings the session back.
 */
static void fail(struct smf_n4 *n, uint8_t cause)
{
	struct smf_pdn *p = n->pdn;
	bool gone = p->fsm.state == SMF_PDN_ACTIVE && n->state == SMF_N4_NONE;

	metric_inc(&m_fail);
	if (gone && smf_upf_ready(n->upf))
		smf_pdn_release(p, S5_REACTIVATION_REQUESTED);
	else if (n->wanted || n->closing) {
		n->cause = cause;
		soon(n);
	}
}

static void forget_known(struct smf_n4 *n)
{
	n->n_known = n->n_sent = 0;
	n->up_seid = 0;
	n->state = SMF_N4_NONE;
}

static void accept_sent(struct smf_n4 *n)
{
	struct smf_n4_object *o = n->known;

	n->known = n->sent;
	n->n_known = n->n_sent;
	n->sent = o;
	n->n_sent = 0;
	n->retries = 0;
	smf_pdn_changed(n->pdn);
}

static struct smf_bearer *bearer_of_pdr(const struct smf_pdn *p, uint16_t id)
{
	if (id / 2 == DEFAULT_ID)
		return p->bearers;
	for (const struct smf_rule *r = p->rules; r; r = r->next)
		if (r->n4_id == id / 2)
			return r->bearer;
	return NULL;
}

static void take_created(struct smf_pdn *p, const struct sx_created_pdr *c, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		struct smf_bearer *b = c[i].has_fteid ? bearer_of_pdr(p, c[i].id) : NULL;
		const struct sx_fteid *f = &c[i].fteid;

		if (!b || b->local.teid || f->ch || !(f->v4 || f->v6))
			continue;
		b->local = (struct s5_fteid){ .iface = p->non_3gpp ? S5_IF_S2BU_PGW : S5_IF_S5U_PGW,
					      .teid = f->teid,
					      .v4 = f->v4,
					      .v6 = f->v6,
					      .ip4 = f->ip4,
					      .ip6 = f->ip6 };
	}
}

static void take_usage(struct smf_pdn *p, const struct sx_usage_report *u, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (u[i].has_volume)
			smf_gx_usage(p, u[i].urr_id, u[i].volume.total, u[i].volume.ul,
				     u[i].volume.dl);
}

static uint8_t s5_cause_for(uint8_t cause)
{
	switch (cause) {
	case SX_CONGESTION:
	case SX_NO_RESOURCES:
		return S5_NO_RESOURCES;
	case SX_ADDRESSES_OCCUPIED:
		return S5_ADDRESSES_OCCUPIED;
	}
	return S5_SYSTEM_FAILURE;
}

static union sx_any answer;

static uint8_t decode(const struct xchg_msg *m, uint8_t type)
{
	struct tlv_error e;

	if (!m || m->hdr->type != type || sx_decode(m->p, m->n, NULL, &answer, &e))
		return 0;
	switch (type) {
	case SX_SESSION_ESTABLISHMENT_RESPONSE:
		return answer.session_establishment_response.cause;
	case SX_SESSION_MODIFICATION_RESPONSE:
		return answer.session_modification_response.cause;
	case SX_SESSION_DELETION_RESPONSE:
		return answer.session_deletion_response.cause;
	}
	return 0;
}

/* Every bearer that was given an uplink PDR has its F-TEID. */
static bool has_fteids(const struct smf_n4 *n)
{
	for (size_t i = 0; i < n->n_known; i++) {
		const struct smf_bearer *b;

		if (n->known[i].type != SX_RULE_PDR || n->known[i].id % 2)
			continue;
		b = bearer_of_pdr(n->pdn, (uint16_t)n->known[i].id);
		if (b && !b->local.teid)
			return false;
	}
	return true;
}

static void send_deletion(struct smf_n4 *n);

static void settle(struct smf_n4 *n)
{
	n->state = SMF_N4_UP;
	if (n->closing) {
		send_deletion(n);
	} else if (!has_fteids(n)) {
		log_notice("%s: the UPF chose no F-TEID", n->pdn->name);
		fail(n, S5_SYSTEM_FAILURE);
	} else {
		advance(n);
	}
}

static void on_established(void *arg, const struct xchg_msg *m)
{
	struct smf_n4 *n = arg;
	const struct sx_session_establishment_response *r = &answer.session_establishment_response;
	uint8_t cause = decode(m, SX_SESSION_ESTABLISHMENT_RESPONSE);

	n->call = NULL;
	if (cause == SX_ACCEPTED && r->has_up_fseid) {
		metric_inc(n->restore ? &m_restored : &m_est);
		n->up_seid = r->up_fseid.seid;
		n->restore = n->unsure = false;
		accept_sent(n);
		take_created(n->pdn, r->created_pdr, r->n_created_pdr);
		settle(n);
		return;
	}
	log_notice("%s: PFCP session: %s", n->pdn->name, m ? sx_cause_name(cause) : "no answer");
	forget_known(n);
	if (n->closing)
		soon(n);
	else
		fail(n, m ? s5_cause_for(cause) : S5_PEER_NOT_RESPONDING);
}

/* Rules that the UPF does not have are to blame for a refusal that names nothing. */
static int blame(struct smf_n4 *n, const struct sx_session_modification_response *r)
{
	const struct sx_failed_rule *f = r->has_failed_rule ? &r->failed_rule : NULL;
	uint32_t id = f && f->type == SX_RULE_PDR ? f->id / 2 : f && f->type == SX_RULE_QER ? f->id : 0;
	int failed = 0;

	for (struct smf_rule *x = n->pdn->rules; x; x = x->next) {
		if (!is_enforced(x) || !smf_rule_is_live(x))
			continue;
		if (id ? x->n4_id != id : !!find(n->known, n->n_known, SX_RULE_QER, x->n4_id))
			continue;
		smf_rule_fail(x, r->cause == SX_NO_RESOURCES ? GX_RESOURCES_LIMITATION :
							       GX_GW_PCEF_MALFUNCTION);
		failed++;
	}
	return failed;
}

static void on_refused(struct smf_n4 *n, uint8_t cause)
{
	struct smf_pdn *p = n->pdn;

	log_notice("%s: PFCP session modification: %s", p->name, sx_cause_name(cause));
	n->state = SMF_N4_UP;
	if (cause == SX_SESSION_NOT_FOUND) {
		forget_known(n);
		n->restore = true;
		advance(n);
	} else if (n->retries++ < 3 && blame(n, &answer.session_modification_response)) {
		smf_bearers_apply(p);
		if (!n->call)
			soon(n);
	} else {
		n->unsure = true; /* from the beginning */
		fail(n, s5_cause_for(cause));
	}
}

static void on_modified(void *arg, const struct xchg_msg *m)
{
	struct smf_n4 *n = arg;
	const struct sx_session_modification_response *r = &answer.session_modification_response;
	uint8_t cause = decode(m, SX_SESSION_MODIFICATION_RESPONSE);

	n->call = NULL;
	if (cause == SX_ACCEPTED) {
		n->end_marker = false;
		accept_sent(n);
		take_created(n->pdn, r->created_pdr, r->n_created_pdr);
		take_usage(n->pdn, r->usage_report, r->n_usage_report);
		settle(n);
	} else if (n->closing) {
		settle(n);
	} else if (cause) {
		on_refused(n, cause);
	} else {
		n->state = SMF_N4_UP;
		n->unsure = true;
		log_notice("%s: no answer to PFCP session modification", n->pdn->name);
		fail(n, S5_PEER_NOT_RESPONDING);
	}
}

static void on_deleted(void *arg, const struct xchg_msg *m)
{
	const struct sx_session_deletion_response *r = &answer.session_deletion_response;
	struct smf_n4 *n = arg;

	n->call = NULL;
	if (decode(m, SX_SESSION_DELETION_RESPONSE) == SX_ACCEPTED)
		take_usage(n->pdn, r->usage_report, r->n_usage_report);
	forget_known(n);
	if (n->closing)
		tell(n, SMF_PDN_EV_N4_CLOSED);
	else
		advance(n);
}

/* --- requests --- */

static int request(struct smf_n4 *n, enum sx_message type, const void *msg, xchg_done *done)
{
	struct tlv_buf b = TLV_BUF(out);
	int e = sx_encode(type, n->up_seid, msg, &b);

	if (!e)
		e = pfcp_request(n->pdn->smf->pfcp, &n->upf->addr, b.p, b.n, done, n, &n->call);
	return e;
}

static struct sx_fseid fseid_of(const struct smf_pdn *p)
{
	const struct smf *s = p->smf;

	return (struct sx_fseid){ .seid = p->teid,
				  .v4 = s->c_v4.v4,
				  .v6 = s->c_v6.v6,
				  .ip4 = s->c_v4.ip4,
				  .ip6 = s->c_v6.ip6 };
}

static int establish(struct smf_n4 *n)
{
	const struct smf_pdn *p = n->pdn;

	choose_fteids(n);
	est.n_create_pdr = est.n_create_far = est.n_create_qer = est.n_create_urr = 0;
	est.node_id = smf_n4_node_id(p->smf);
	est.cp_fseid = fseid_of(p);
	est.has_pdn_type = est.has_apn = true;
	est.pdn_type = p->type;
	str_copy(est.apn.s, sizeof(est.apn.s), str_of(p->apn_name));
	est.has_sereq_flags = n->restore; /* RESTI: F-TEIDs of before (TS 29.244 8.2.136) */
	est.sereq_flags = 1;
	for (size_t i = 0; i < want.n; i++)
		if (put_est(p, &want.v[i]))
			keep_as_sent(n, &want.v[i].o);
		else
			n->again = true;
	n->state = SMF_N4_ESTABLISHING;
	return request(n, SX_SESSION_ESTABLISHMENT_REQUEST, &est, on_established);
}

static void send_deletion(struct smf_n4 *n)
{
	static const struct sx_session_deletion_request r;

	n->state = SMF_N4_DELETING;
	if (!request(n, SX_SESSION_DELETION_REQUEST, &r, on_deleted))
		return;
	forget_known(n);
	soon(n);
}

/* 1: something is under way; 0: the UPF has what is wanted; -errno. */
static int next_step(struct smf_n4 *n)
{
	int e;

	n->again = false;
	if (n->unsure && n->state == SMF_N4_UP) {
		n->restore = true;
		n->unsure = false;
		send_deletion(n);
		return 1;
	}
	take_hashes(n->pdn);
	e = room_for_sent(n);
	if (e)
		return e;
	if (n->state == SMF_N4_NONE) {
		e = establish(n);
	} else {
		choose_fteids(n);
		if (!put_changes(n))
			return 0;
		metric_inc(&m_mod);
		n->state = SMF_N4_MODIFYING;
		e = request(n, SX_SESSION_MODIFICATION_REQUEST, &mod, on_modified);
	}
	if (e)
		n->state = n->state == SMF_N4_ESTABLISHING ? SMF_N4_NONE : SMF_N4_UP;
	return e ? e : 1;
}

/* After an answer, and whenever it may be that nothing is left to do. */
static void advance(struct smf_n4 *n)
{
	int e;

	if (n->call || n->closing)
		return;
	e = next_step(n);
	if (e < 0)
		fail(n, S5_NO_RESOURCES);
	else if (!e)
		tell(n, SMF_PDN_EV_N4_OK);
}

/* --- for the rest of the SMF --- */

static int attach(struct smf_pdn *p, struct smf_upf *u)
{
	struct smf_n4 *n;

	if (!u)
		return -EHOSTUNREACH;
	n = calloc(1, sizeof(*n));
	if (!n)
		return -ENOMEM;
	n->pdn = p;
	n->upf = u;
	n->soon.fn = on_soon;
	n->next = u->sessions;
	n->pprev = &u->sessions;
	if (n->next)
		n->next->pprev = &n->next;
	u->sessions = n;
	u->n_sessions++;
	p->n4 = n;
	return 0;
}

bool smf_n4_ready(const struct smf *s, const struct smf_apn *apn _unused_)
{
	return smf_upf_choose(s);
}

int smf_n4_update(struct smf_pdn *p)
{
	struct smf_n4 *n = p->n4;
	int e;

	if (!n || n->closing)
		return 0;
	if (n->call || timer_running(&n->soon)) {
		n->again = n->wanted = true;
		return 1;
	}
	if (!smf_upf_ready(n->upf))
		return 0; /* its return brings it */
	e = next_step(n);
	if (e > 0)
		n->wanted = true;
	return e;
}

int smf_n4_sync(struct smf_pdn *p)
{
	int e = p->n4 ? 0 : attach(p, smf_upf_choose(p->smf));

	if (e)
		return e;
	e = smf_n4_update(p);
	if (e < 0)
		return e;
	p->n4->wanted = true;
	if (!e)
		soon(p->n4);
	return 0;
}

void smf_n4_close(struct smf_pdn *p)
{
	struct smf_n4 *n = p->n4;

	if (!n) {
		fsm_event(&p->fsm, SMF_PDN_EV_N4_CLOSED, NULL);
		return;
	}
	if (n->closing)
		return;
	n->closing = true;
	n->wanted = false;
	if (n->call)
		return; /* its answer brings the deletion */
	if (n->state != SMF_N4_NONE && n->upf->peer) {
		send_deletion(n);
	} else {
		forget_known(n);
		soon(n);
	}
}

void smf_n4_free(struct smf_pdn *p)
{
	struct smf_n4 *n = p->n4;

	if (!n)
		return;
	pfcp_cancel(n->call);
	timer_stop(p->smf->loop, &n->soon);
	*n->pprev = n->next;
	if (n->next)
		n->next->pprev = n->pprev;
	n->upf->n_sessions--;
	free(n->known);
	free(n->sent);
	free(n);
	p->n4 = NULL;
}

void smf_n4_end_marker(struct smf_pdn *p)
{
	if (p->n4)
		p->n4->end_marker = true;
}

/* --- the UPF restarts --- */

void smf_n4_forget(struct smf_n4 *n)
{
	pfcp_cancel(n->call);
	n->call = NULL;
	n->restore = n->restore || n->state != SMF_N4_NONE;
	forget_known(n);
	if (n->closing)
		soon(n);
}

void smf_n4_restore(struct smf_n4 *n)
{
	if (!n->call && !n->closing)
		advance(n);
}

void smf_n4_resume(struct smf_n4 *n)
{
	if (!n->call && !n->closing && !timer_running(&n->soon))
		soon(n);
}

void smf_n4_give_up(struct smf_n4 *n)
{
	if (n->closing)
		soon(n);
	else
		smf_pdn_release(n->pdn, S5_REACTIVATION_REQUESTED);
}

/* --- reports (TS 29.244 5.2.2.4, 7.5.8) --- */

static bool same_endpoint(const struct s5_fteid *a, const struct sx_fteid *b)
{
	return a->teid == b->teid && ((a->v4 && b->v4 && a->ip4.s_addr == b->ip4.s_addr) ||
				      (a->v6 && b->v6 && !memcmp(&a->ip6, &b->ip6, 16)));
}

/* The SGW or ePDG has no such tunnel (TS 29.281 7.3.1, TS 23.007 22). */
static void on_error_indication(struct smf_pdn *p, const struct sx_error_indication *e)
{
	struct smf_bearer *next;

	for (size_t i = 0; i < e->n_fteid; i++)
		for (struct smf_bearer *b = p->bearers; b; b = next) {
			next = b->next;
			if (same_endpoint(&b->peer, &e->fteid[i]))
				smf_bearer_lost(b);
		}
}

static void answer_report(struct xchg_token *t, uint64_t seid, uint8_t cause)
{
	struct sx_session_report_response r = { .cause = cause };
	uint8_t buf[64];
	struct tlv_buf b = TLV_BUF(buf);

	if (sx_encode(SX_SESSION_REPORT_RESPONSE, seid, &r, &b))
		pfcp_drop(t);
	else
		pfcp_respond(t, b.p, b.n);
}

static void act_on(struct smf_pdn *p, const struct sx_session_report_request *r)
{
	if (r->type.usar)
		take_usage(p, r->usage_report, r->n_usage_report);
	if (r->type.erir && r->has_error_indication)
		on_error_indication(p, &r->error_indication);
	if (r->type.dldr)
		log_debug("%s: downlink data report", p->name); /* the PGW pages nobody */
}

void smf_n4_report(struct smf *s, struct xchg_token *t, const struct xchg_msg *m)
{
	static struct sx_session_report_request r;
	struct smf_pdn *p = smf_pdn_by_seid(s, m->hdr->id);
	struct tlv_error e;
	uint8_t buf[64];
	struct tlv_buf b = TLV_BUF(buf);

	if (!p || !p->n4 || !p->n4->up_seid ||
	    !xchg_same_ip(&p->n4->upf->addr, pfcp_token_from(t))) {
		answer_report(t, 0, SX_SESSION_NOT_FOUND);
		return;
	}
	if (sx_decode(m->p, m->n, NULL, &r, &e)) {
		if (sx_encode_refusal(SX_SESSION_REPORT_REQUEST, p->n4->up_seid, NULL, e.cause,
				      e.has_ie ? e.type : 0, &b))
			pfcp_drop(t);
		else
			pfcp_respond(t, b.p, b.n);
		return;
	}
	answer_report(t, p->n4->up_seid, SX_ACCEPTED);
	act_on(p, &r);
}

/* --- over a restart of this process --- */

int smf_n4_save(const struct smf_pdn *p, char *dst, size_t size)
{
	_cleanup_sbuf_ struct sbuf b = { 0 };
	const struct smf_n4 *n = p->n4;

	if (!n)
		return 0;
	sbuf_put_str(&b, (struct str){ (const char *)&n->upf->addr, sizeof(n->upf->addr) });
	sbuf_put_u64(&b, n->up_seid);
	/* what a request under way changes is not known: the session is set up anew */
	sbuf_put_u64(&b, (uint64_t)(n->unsure || n->state == SMF_N4_MODIFYING) << 1 | n->restore);
	sbuf_put_u64(&b, n->n_known);
	for (size_t i = 0; i < n->n_known; i++) {
		sbuf_put_u64(&b, n->known[i].type);
		sbuf_put_u64(&b, n->known[i].id);
		sbuf_put_u64(&b, n->known[i].hash);
	}
	if (b.failed || 2 * b.n >= size)
		return -ENOSPC;
	hex_encode((const uint8_t *)b.p, b.n, dst);
	return (int)(2 * b.n);
}

static int load_known(struct smf_n4 *n, struct cursor *c)
{
	uint64_t flags, k;

	n->up_seid = cur_u64(c);
	flags = cur_u64(c);
	k = cur_u64(c);
	if (c->failed || k > 4 * ITEMS_MAX)
		return -EBADMSG;
	n->known = calloc(k + 1, sizeof(*n->known));
	if (!n->known)
		return -ENOMEM;
	n->unsure = flags >> 1 & 1;
	n->restore = (flags & 1) || !n->up_seid;
	n->state = n->up_seid ? SMF_N4_UP : SMF_N4_NONE;
	for (; n->n_known < k; n->n_known++) {
		struct smf_n4_object *o = &n->known[n->n_known];

		o->type = (uint8_t)cur_u64(c);
		o->id = (uint32_t)cur_u64(c);
		o->hash = cur_u64(c);
	}
	return c->failed ? -EBADMSG : 0;
}

int smf_n4_load(struct smf_pdn *p, struct str s)
{
	_cleanup_free_ uint8_t *octets = malloc(s.n / 2 + 1);
	int len = octets ? hex_decode(s, octets, s.n / 2 + 1) : -ENOMEM, e;
	struct cursor c = { .s = { (const char *)octets, len > 0 ? (size_t)len : 0 } };
	struct sockaddr_storage addr;
	struct smf_upf *u;
	struct str a;

	if (len < 0)
		return len;
	a = cur_str(&c);
	if (c.failed || a.n != sizeof(addr))
		return -EBADMSG;
	memcpy(&addr, a.p, a.n);
	if (addr.ss_family != AF_INET && addr.ss_family != AF_INET6)
		return -EBADMSG;
	u = smf_upf_get(p->smf, &addr);
	e = u ? attach(p, u) : -ENOMEM;
	if (!e)
		e = load_known(p->n4, &c);
	if (e)
		smf_n4_free(p);
	for (const struct smf_bearer *b = p->bearers; b && u; b = b->next)
		if (b->local.teid >= u->next_teid)
			u->next_teid = b->local.teid + 1;
	return e;
}
