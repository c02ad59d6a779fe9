// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What bearers and rules want of the UPF, as objects with a hash and as IEs of a request (TS 29.244 5.2.1, 7.5.2.2 to
 * 7.5.2.5, 7.5.4), and the difference to what it is known to have. No I/O.
 *
 * Ids: those of bearers and rules (smf.h); the default bearer's PDRs are 2 and 3, the session's QER (APN-AMBR) is 1;
 * FARs have the bearer's number, QERs the rule's, URRs the monitor's.
 *
 * Bearer binding verification (TS 23.203 6.2.2.2, TS 23.401 4.4.3.3): what the UE was told to send by a dedicated
 * bearer is not taken from the default one. A guard, PDR 8000H + n, has the F-TEID of the default bearer, precedence
 * and uplink filters of rule n, and the FAR that drops. A dedicated bearer has no PDR but those of its rules.
 *
 * Invariants: hashes are the same in every process; one request is made at a time, in static memory.
 */
#include "smf/n4.h"

/* --- what is wanted --- */

enum {
	DEFAULT_ID = SMF_N4_DEFAULT_ID,
	DEFAULT_PRECEDENCE = UINT32_MAX,
	GUARD_FAR = 1, /* below those of bearers */
	ITEMS_MAX = 3 + 4 * SMF_RULES_MAX + 2 * SMF_BEARERS_MAX + 16,
};

struct item {
	struct smf_n4_object o;
	bool up; /* of PDR and FAR */
	bool guard;
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

/* The UE has the packet filters of this flow as they are: it is to send it by that bearer. */
static bool is_guarded(const struct smf_rule *r, const struct smf_flow *f)
{
	uint32_t hash[SMF_FILTERS_MAX] = { 0 };
	const struct smf_bearer *b = r->bearer;

	if (!f->n_filter || !(f->direction & NAS_DIR_UL))
		return false;
	smf_rule_filters(r, hash);
	for (int k = 0; k < f->n_filter; k++) {
		uint8_t id = f->filter_id[k];

		if (!(b->filters & 1 << id) || hash[id] != b->pdn->filter_hash[id])
			return false;
	}
	return true;
}

static bool needs_guard(const struct smf_rule *r)
{
	if (is_default(r->bearer) || !has_downlink(r->bearer) || !smf_rule_is_live(r) ||
	    r->n4_id > SMF_N4_ID_MAX)
		return false;
	for (int k = 0; k < r->n_flow; k++)
		if (is_guarded(r, &r->flow[k]))
			return true;
	return false;
}

static void add_guard(const struct smf_rule *r)
{
	struct item *i = add(SX_RULE_PDR, SMF_N4_GUARD + r->n4_id);

	if (!i)
		return;
	i->bearer = r->bearer->pdn->bearers;
	i->rule = r;
	i->up = i->guard = true;
}

static void add_guard_far(const struct smf_pdn *p)
{
	struct item *i = add(SX_RULE_FAR, GUARD_FAR);

	if (!i)
		return;
	i->bearer = p->bearers;
	i->up = i->guard = true;
}

/* A removed rule stays until the UE knows that its bearer is gone: for what it still sends. */
bool smf_n4_is_enforced(const struct smf_rule *r)
{
	return r->bearer && r->n4_id && r->state != SMF_RULE_FAILED &&
	       (r->state != SMF_RULE_REMOVED || !is_default(r->bearer));
}

static void compose(const struct smf_pdn *p)
{
	const struct smf_bearer *b = p->bearers;
	bool guards = false;
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
		if (smf_n4_is_enforced(r)) {
			add_rule(r);
			if (!needs_guard(r))
				continue;
			add_guard(r);
			guards = true;
		}
	if (guards)
		add_guard_far(p);
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

	if (i->guard)
		return 0;
	if (!pcc_is_gbr(i->bearer->qos.qci))
		ret[n++] = DEFAULT_ID;
	if (i->rule)
		ret[n++] = i->rule->n4_id;
	return n;
}

static size_t urrs_of(const struct smf_pdn *p, const struct item *i, uint32_t ret[SX_REFS_MAX])
{
	size_t n = 0;

	for (const struct smf_monitor *m = p->monitors; m && !i->guard && n < SX_REFS_MAX;
	     m = m->next)
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

static bool has_flow(const struct item *i, int k)
{
	const struct smf_flow *f = &i->rule->flow[k];

	return i->guard ? is_guarded(i->rule, f) : flow_matters(i->rule, f, i->up);
}

static bool is_forwarding(const struct item *i)
{
	if (i->guard)
		return false;
	return i->up || (i->bearer->peer.teid &&
			 (!i->bearer->pdn->suspended || pcc_is_gbr(i->bearer->qos.qci)));
}

static const char *instance(const struct smf_pdn *p)
{
	return p->apn ? p->apn->instance : p->apn_name;
}

/*
 * The 3GPP Interface Type (TS 29.244 8.2.118) at this side of the UPF, by conf interface_types: an S5 session has no other
 * name than "none" or that of its reference points, but a UPF of the 5GC may know N3 and N6 only. false: none is told.
 */
static bool interface_type(const struct smf_pdn *p, bool access, uint8_t *ret)
{
	const char *which = p->smf->conf->smf.interface_types;

	if (!strcmp(which, "5gs"))
		*ret = access ? SX_N3 : SX_N6;
	else if (!strcmp(which, "eps"))
		*ret = !access ? SX_SGI : p->non_3gpp ? SX_S2BU : SX_S5U;
	else
		return false;
	return true;
}

static void hash_u64(struct siphash *h, uint64_t v)
{
	siphash_add(h, &v, sizeof(v));
}

/* Without the IE the hash is what it was before there was one: nothing is sent anew because of it. */
static void hash_interface_type(struct siphash *h, const struct smf_pdn *p, bool access)
{
	uint8_t type;

	if (interface_type(p, access, &type))
		hash_u64(h, type);
}

static void hash_pdr(struct siphash *h, const struct smf_pdn *p, const struct item *i)
{
	uint32_t qer[2], urr[SX_REFS_MAX];
	size_t n;

	hash_u64(h, i->bearer->n4_id);
	hash_u64(h, (uint64_t)i->guard << 8 | (uint64_t)p->type << 1 | i->up);
	if (is_v4(p))
		siphash_add(h, &p->v4, sizeof(p->v4));
	if (is_v6(p))
		siphash_add(h, &p->v6, 8);
	siphash_add_str(h, str_of(instance(p)));
	n = qers_of(i, qer);
	siphash_add(h, qer, n * sizeof(*qer));
	n = urrs_of(p, i, urr);
	siphash_add(h, urr, n * sizeof(*urr));
	hash_interface_type(h, p, i->up);
	if (!i->rule)
		return;
	hash_u64(h, i->rule->precedence);
	siphash_add_str(h, str_of(i->rule->application));
	for (int k = 0; k < i->rule->n_flow; k++)
		if (has_flow(i, k))
			siphash_add_str(h, str_of(i->rule->flow[k].text));
}

static void hash_far(struct siphash *h, const struct smf_pdn *p, const struct item *i)
{
	const struct s5_fteid *t = &i->bearer->peer;

	hash_u64(h, (uint64_t)is_forwarding(i) << 1 | i->up);
	siphash_add_str(h, str_of(instance(p)));
	hash_interface_type(h, p, !i->up);
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
	hash_u64(h, pcc_is_gbr(r->qos.qci) ? r->qos.gbr_ul : 0);
	hash_u64(h, pcc_is_gbr(r->qos.qci) ? r->qos.gbr_dl : 0);
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

/* The next element of a list, zeroed; NULL: it is full. */
#define APPEND(list, n) \
	((n) == SX_RULES_MAX ? NULL : ((n)++, memset(&(list)[(n)-1], 0, sizeof((list)[0]))))

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
	pdi->ue_ip = (struct sx_ue_ip){
		.v4 = is_v4(p), .v6 = is_v6(p), .sd = !i->up, .ip4 = p->v4, .ip6 = p->v6
	};
	pdi->has_source_type = interface_type(p, i->up, &pdi->source_type);
	pdi->has_application_id = i->rule && !i->guard && *i->rule->application;
	if (pdi->has_application_id)
		pdi->application_id = str_of(i->rule->application);
	for (int k = 0; i->rule && k < i->rule->n_flow; k++)
		if (has_flow(i, k))
			pdi->sdf[pdi->n_sdf++] =
				(struct sx_sdf_filter){ .fd = true,
							.flow = str_of(i->rule->flow[k].text) };
}

static uint32_t far_of(const struct item *i)
{
	return i->guard ? GUARD_FAR : 2U * i->bearer->n4_id + !i->up;
}

/* Create PDR and Update PDR have the same rows here. */
#define FILL_PDR(p, i, d)                                                                 \
	do {                                                                              \
		(d)->id = (uint16_t)(i)->o.id;                                            \
		(d)->precedence = (i)->rule ? (i)->rule->precedence : DEFAULT_PRECEDENCE; \
		fill_pdi(p, i, &(d)->pdi);                                                \
		(d)->has_precedence = (d)->has_pdi = (d)->has_far_id = true;              \
		(d)->has_removal = (i)->up;                                               \
		(d)->removal.desc = SX_REMOVE_GTPU;                                       \
		(d)->far_id = far_of(i);                                                  \
		(d)->n_qer_id = qers_of(i, (d)->qer_id);                                  \
		(d)->n_urr_id = urrs_of(p, i, (d)->urr_id);                               \
	} while (0)

static void fill_creation(const struct s5_fteid *t, struct sx_creation *c)
{
	*c = (struct sx_creation){ .teid = t->teid, .ip4 = t->ip4, .ip6 = t->ip6 };
	c->desc = (uint16_t)(t->v4 ? SX_CREATE_GTPU4 : SX_CREATE_GTPU6);
}

#define FILL_FAR(p, i, d)                                                                    \
	do {                                                                                 \
		(d)->id = (i)->o.id;                                                         \
		(d)->has_action = true;                                                      \
		(d)->action.forw = is_forwarding(i);                                         \
		(d)->action.drop = !is_forwarding(i);                                        \
		(d)->has_forwarding = is_forwarding(i);                                      \
		(d)->forwarding.has_destination = true;                                      \
		(d)->forwarding.destination = (i)->up ? SX_CORE : SX_ACCESS;                 \
		(d)->forwarding.has_network_instance = (i)->up;                              \
		(d)->forwarding.network_instance = sx_network_instance(instance(p), labels); \
		(d)->forwarding.has_destination_type =                                       \
			interface_type(p, !(i)->up, &(d)->forwarding.destination_type);      \
		(d)->forwarding.has_creation = !(i)->up;                                     \
		fill_creation(&(i)->bearer->peer, &(d)->forwarding.creation);                \
	} while (0)

static void fill_rates(const struct smf_pdn *p, const struct smf_rule *r, struct sx_rate *mbr,
		       struct sx_rate *gbr)
{
	mbr->ul = smf_kbit(r ? r->qos.mbr_ul : p->ambr_ul);
	mbr->dl = smf_kbit(r ? r->qos.mbr_dl : p->ambr_dl);
	gbr->ul = r && pcc_is_gbr(r->qos.qci) ? smf_kbit(r->qos.gbr_ul) : 0;
	gbr->dl = r && pcc_is_gbr(r->qos.qci) ? smf_kbit(r->qos.gbr_dl) : 0;
}

#define FILL_QER(p, i, d)                                                          \
	do {                                                                       \
		const struct smf_rule *r_ = (i)->rule;                             \
		(d)->id = (i)->o.id;                                               \
		(d)->has_gate = true;                                              \
		(d)->gate.ul = !r_ || r_->gate_ul ? SX_GATE_OPEN : SX_GATE_CLOSED; \
		(d)->gate.dl = !r_ || r_->gate_dl ? SX_GATE_OPEN : SX_GATE_CLOSED; \
		fill_rates(p, r_, &(d)->mbr, &(d)->gbr);                           \
		(d)->has_mbr = (d)->mbr.ul || (d)->mbr.dl;                         \
		(d)->has_gbr = (d)->gbr.ul || (d)->gbr.dl;                         \
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

#define FILL_URR(i, d)                                                               \
	do {                                                                         \
		(d)->id = (i)->o.id;                                                 \
		(d)->has_method = (d)->method.volum = true;                          \
		(d)->has_triggers = true;                                            \
		fill_threshold((i)->monitor, &(d)->volume_threshold);                \
		(d)->has_volume_threshold = (d)->triggers.volth =                    \
			(i)->monitor->total || (i)->monitor->ul || (i)->monitor->dl; \
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

struct smf_n4_object *smf_n4_find(struct smf_n4_object *list, size_t n, uint8_t type, uint32_t id)
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

		if (!m->report || !smf_n4_find(n->known, n->n_known, SX_RULE_URR, m->urr_id))
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
		struct smf_n4_object *o = smf_n4_find(n->known, n->n_known, w->o.type, w->o.id);

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

/* Everything that is wanted, in est and n->sent. */
static void put_all(struct smf_n4 *n)
{
	est.n_create_pdr = est.n_create_far = est.n_create_qer = est.n_create_urr = 0;
	for (size_t i = 0; i < want.n; i++)
		if (put_est(n->pdn, &want.v[i]))
			keep_as_sent(n, &want.v[i].o);
		else
			n->again = true;
}

struct sx_session_establishment_request *smf_n4_all(struct smf_n4 *n)
{
	take_hashes(n->pdn);
	if (room_for_sent(n))
		return NULL;
	put_all(n);
	return &est;
}

int smf_n4_changes(struct smf_n4 *n, const struct sx_session_modification_request **ret)
{
	int e;

	take_hashes(n->pdn);
	e = room_for_sent(n);
	if (e)
		return e;
	*ret = &mod;
	return put_changes(n) > 0;
}
