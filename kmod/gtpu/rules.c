// SPDX-License-Identifier: GPL-2.0
/*
 * The rules of a session put together: what stays of the old ones and what a request gives, in
 * one new struct kims_rules, with all that PDRs name found (TS 29.244 5.2.1, 7.5.4).
 *
 * Meters (QER, URR, PDR counters) that stay are the same objects afterwards: a given one of a
 * known id is only the configuration that the commit copies. Everything else in here is new or
 * stays untouched until the commit, so that undoing is taking out what was put in.
 */
#include <linux/slab.h>
#include <linux/sort.h>
#include "gtpu/control.h"
#include "path.h"

/* How many of each kind a request gives. */
struct kims_given {
	u32 pdrs, fars, qers, urrs, dels;
	u32 filters;
	size_t filters_size;
};

bool kims_has(const void *array, u32 n, const void *p)
{
	const void *const *a = array;
	u32 i;

	for (i = 0; i < n; i++)
		if (a[i] == p)
			return true;
	return false;
}

struct kims_far *kims_far_find(const struct kims_rules *rules, u32 id)
{
	u32 i;

	for (i = 0; rules && i < rules->n_fars; i++)
		if (rules->fars[i].id == id)
			return &rules->fars[i];
	return NULL;
}

static struct kims_pdr *kims_pdr_find(const struct kims_rules *rules, u32 id)
{
	u32 i;

	for (i = 0; rules && i < rules->n_pdrs; i++)
		if (rules->pdrs[i].id == id)
			return &rules->pdrs[i];
	return NULL;
}

/* Index of the meter of this id, or -1; id is the first member of them all. */
static int kims_meter_index(const void *array, u32 n, u32 id)
{
	const u32 *const *a = array;
	u32 i;

	for (i = 0; i < n; i++)
		if (*a[i] == id)
			return i;
	return -1;
}

/* --- counting --- */

static int kims_count_pdr(const struct nlattr *attr, struct kims_given *g,
			  struct netlink_ext_ack *extack)
{
	size_t size;
	u32 n;
	int err;

	err = kims_read_filters_size(attr, &n, &size, extack);
	if (err)
		return err;
	g->pdrs++;
	g->filters += n;
	g->filters_size += size;
	return 0;
}

static int kims_count_given(const struct nlattr *attr, struct kims_given *g,
			    struct netlink_ext_ack *extack)
{
	const struct nlattr *a;
	int rem, err;

	nla_for_each_nested(a, attr, rem) {
		switch (nla_type(a)) {
		case KIMS_SESSION_A_PDR:
			err = kims_count_pdr(a, g, extack);
			if (err)
				return err;
			break;
		case KIMS_SESSION_A_FAR:
			g->fars++;
			break;
		case KIMS_SESSION_A_QER:
			g->qers++;
			break;
		case KIMS_SESSION_A_URR:
			g->urrs++;
			break;
		case KIMS_SESSION_A_DEL_PDR:
		case KIMS_SESSION_A_DEL_FAR:
		case KIMS_SESSION_A_DEL_QER:
		case KIMS_SESSION_A_DEL_URR:
			g->dels++;
			break;
		}
	}
	if (max(max(g->pdrs, g->fars), max(g->qers, g->urrs)) > KIMS_SESSION_PDRS)
		return KIMS_REFUSE_ATTR(extack, -EINVAL, attr, "too many rules in a session");
	return 0;
}

/* --- what is removed or replaced --- */

/* The request has an attribute of this type that says this id. */
static bool kims_request_dels(const struct nlattr *request, int type, u32 id)
{
	const struct nlattr *a;
	int rem;

	nla_for_each_nested(a, request, rem)
		if (nla_type(a) == type && nla_get_u32(a) == id)
			return true;
	return false;
}

/* The request has a rule of this type and id. */
static bool kims_request_gives(const struct nlattr *request, int type, u32 id)
{
	const struct nlattr *a, *ida;
	int rem;

	nla_for_each_nested(a, request, rem) {
		if (nla_type(a) != type)
			continue;
		ida = nla_find_nested(a, 1);
		if (ida && nla_get_u32(ida) == id)
			return true;
	}
	return false;
}

static bool kims_pdr_stays(const struct nlattr *request, u32 id)
{
	return !kims_request_dels(request, KIMS_SESSION_A_DEL_PDR, id) &&
	       !kims_request_gives(request, KIMS_SESSION_A_PDR, id);
}

static bool kims_far_stays(const struct nlattr *request, u32 id)
{
	return !kims_request_dels(request, KIMS_SESSION_A_DEL_FAR, id) &&
	       !kims_request_gives(request, KIMS_SESSION_A_FAR, id);
}

/* Every del-* names a rule that there is. */
static int kims_check_dels(const struct kims_plan *plan, struct netlink_ext_ack *extack)
{
	const struct kims_rules *old = kims_session_rules(plan->s);
	const struct kims_session *s = plan->s;
	const struct nlattr *a;
	int rem;

	nla_for_each_nested(a, plan->attr, rem) {
		switch (nla_type(a)) {
		case KIMS_SESSION_A_DEL_PDR:
			if (!kims_pdr_find(old, nla_get_u32(a)))
				return KIMS_REFUSE_ATTR(extack, -ENOENT, a, "no PDR of this id to remove");
			break;
		case KIMS_SESSION_A_DEL_FAR:
			if (!kims_far_find(old, nla_get_u32(a)))
				return KIMS_REFUSE_ATTR(extack, -ENOENT, a, "no FAR of this id to remove");
			break;
		case KIMS_SESSION_A_DEL_QER:
			if (kims_meter_index(s->qers, s->n_qers, nla_get_u32(a)) < 0)
				return KIMS_REFUSE_ATTR(extack, -ENOENT, a, "no QER of this id to remove");
			break;
		case KIMS_SESSION_A_DEL_URR:
			if (kims_meter_index(s->urrs, s->n_urrs, nla_get_u32(a)) < 0)
				return KIMS_REFUSE_ATTR(extack, -ENOENT, a, "no URR of this id to remove");
			break;
		}
	}
	return 0;
}

/* --- allocation --- */

/* Room for what stays and what is given: an upper bound, small because so is a session. */
static int kims_parts_alloc(struct kims_plan *plan, const struct kims_given *g)
{
	const struct kims_session *s = plan->s;
	const struct kims_rules *old = kims_session_rules(s);
	u32 qers = s->n_qers + g->qers, urrs = s->n_urrs + g->urrs;
	u32 pdrs = (old ? old->n_pdrs : 0) + g->pdrs;
	void **p;

	p = kcalloc(qers + urrs + pdrs * 2, sizeof(*p), GFP_KERNEL_ACCOUNT);
	if (!p)
		return -ENOMEM;
	plan->parts.qers = (struct kims_qer **)p;
	plan->parts.urrs = (struct kims_urr **)(p + qers);
	plan->parts.counts = (struct kims_pdr_count **)(p + qers + urrs);
	plan->parts.tunnels = (struct kims_tunnel **)(p + qers + urrs + pdrs);
	if (plan->fresh)
		return 0;
	p = kcalloc(qers + urrs, sizeof(*p), GFP_KERNEL);
	if (!p)
		return -ENOMEM;
	plan->qer_confs = (struct kims_qer **)p;
	plan->urr_confs = (struct kims_urr **)(p + qers);
	plan->n_confs = qers + urrs;
	return 0;
}

static size_t kims_pdr_filters_size(const struct kims_pdr *p)
{
	size_t size = 0;
	u32 i;

	for (i = 0; i < p->n_filters; i++)
		size += kims_filter_size(p->filters[i]->n_ue_ports +
					 p->filters[i]->n_remote_ports);
	return size;
}

/* One allocation: rules, PDRs, FARs, pointers to filters, filters. */
static int kims_rules_alloc(struct kims_plan *plan, const struct kims_given *given, void ***ret_ptrs,
			    void **ret_filters)
{
	const struct kims_rules *old = kims_session_rules(plan->s);
	u32 pdrs = given->pdrs, fars = given->fars, filters = given->filters, i;
	size_t size = given->filters_size;
	struct kims_rules *r;

	for (i = 0; old && i < old->n_pdrs; i++) {
		if (!kims_pdr_stays(plan->attr, old->pdrs[i].id))
			continue;
		pdrs++;
		filters += old->pdrs[i].n_filters;
		size += kims_pdr_filters_size(&old->pdrs[i]);
	}
	for (i = 0; old && i < old->n_fars; i++)
		fars += kims_far_stays(plan->attr, old->fars[i].id);
	if (pdrs > KIMS_SESSION_PDRS || fars > KIMS_SESSION_PDRS)
		return -E2BIG;
	size += sizeof(*r) + pdrs * sizeof(*r->pdrs) + fars * sizeof(*r->fars) +
		filters * sizeof(void *);
	r = kims_rules_zalloc(size);
	if (!r)
		return -ENOMEM;
	r->pdrs = (struct kims_pdr *)(r + 1);
	r->fars = (struct kims_far *)(r->pdrs + pdrs);
	*ret_ptrs = (void **)(r->fars + fars);
	*ret_filters = *ret_ptrs + filters;
	plan->rules = r;
	return 0;
}

/* --- meters --- */

static void kims_keep_meters(struct kims_plan *plan)
{
	const struct kims_session *s = plan->s;
	struct kims_parts *parts = &plan->parts;
	u32 i;

	for (i = 0; i < s->n_qers; i++)
		if (!kims_request_dels(plan->attr, KIMS_SESSION_A_DEL_QER, s->qers[i]->id))
			parts->qers[parts->n_qers++] = s->qers[i];
	for (i = 0; i < s->n_urrs; i++)
		if (!kims_request_dels(plan->attr, KIMS_SESSION_A_DEL_URR, s->urrs[i]->id))
			parts->urrs[parts->n_urrs++] = s->urrs[i];
	plan->urrs_gone = s->n_urrs - parts->n_urrs;
}

static int kims_give_qer(struct kims_plan *plan, const struct nlattr *attr, u32 id,
			 struct netlink_ext_ack *extack)
{
	struct kims_parts *parts = &plan->parts;
	struct kims_qer *q, **place;
	int i = kims_meter_index(parts->qers, parts->n_qers, id);

	if (i >= 0 && (kims_has(plan->s->qers, plan->s->n_qers, parts->qers[i]) ?
			       plan->qer_confs[i] : parts->qers[i]))
		return KIMS_REFUSE_ATTR(extack, -EINVAL, attr, "a QER is given twice");
	q = kzalloc(sizeof(*q), GFP_KERNEL_ACCOUNT);
	if (!q)
		return -ENOMEM;
	place = i >= 0 ? &plan->qer_confs[i] : &parts->qers[parts->n_qers++];
	*place = q;
	return kims_read_qer(attr, q, extack);
}

static int kims_give_urr(struct kims_plan *plan, const struct nlattr *attr, u32 id,
			 struct netlink_ext_ack *extack)
{
	struct kims_parts *parts = &plan->parts;
	struct kims_urr *u, **place;
	int i = kims_meter_index(parts->urrs, parts->n_urrs, id);

	if (i >= 0 && (kims_has(plan->s->urrs, plan->s->n_urrs, parts->urrs[i]) ?
			       plan->urr_confs[i] : parts->urrs[i]))
		return KIMS_REFUSE_ATTR(extack, -EINVAL, attr, "a URR is given twice");
	u = kims_urr_zalloc();
	if (!u)
		return -ENOMEM;
	place = i >= 0 ? &plan->urr_confs[i] : &parts->urrs[parts->n_urrs++];
	*place = u;
	return kims_read_urr(attr, u, extack);
}

static int kims_give_meters(struct kims_plan *plan, struct netlink_ext_ack *extack)
{
	const struct nlattr *a;
	int rem, err = 0;
	u32 id;

	nla_for_each_nested(a, plan->attr, rem) {
		if (nla_type(a) != KIMS_SESSION_A_QER && nla_type(a) != KIMS_SESSION_A_URR)
			continue;
		err = kims_read_id(a, &id, extack);
		if (err)
			return err;
		err = nla_type(a) == KIMS_SESSION_A_QER ? kims_give_qer(plan, a, id, extack) :
							  kims_give_urr(plan, a, id, extack);
		if (err)
			return err;
	}
	if (plan->parts.n_qers > KIMS_SESSION_PDRS || plan->parts.n_urrs > KIMS_SESSION_PDRS)
		return KIMS_REFUSE_ATTR(extack, -E2BIG, plan->attr, "too many rules in a session");
	return 0;
}

/* The configuration that the URR will have. */
static const struct kims_urr *kims_urr_conf(const struct kims_plan *plan, u32 i)
{
	return plan->urr_confs && plan->urr_confs[i] ? plan->urr_confs[i] : plan->parts.urrs[i];
}

static const struct kims_qer *kims_qer_conf(const struct kims_plan *plan, u32 i)
{
	return plan->qer_confs && plan->qer_confs[i] ? plan->qer_confs[i] : plan->parts.qers[i];
}

static int kims_check_linked(const struct kims_plan *plan, struct netlink_ext_ack *extack)
{
	const struct kims_parts *parts = &plan->parts;
	u32 i, linked;

	for (i = 0; i < parts->n_urrs; i++) {
		linked = kims_urr_conf(plan, i)->linked;
		if (linked && kims_meter_index(parts->urrs, parts->n_urrs, linked) < 0)
			return KIMS_REFUSE_ATTR(extack, -ENOENT, plan->attr,
						"linked-urr names a URR that the session has not");
	}
	return 0;
}

/* --- FARs --- */

static int kims_way_from(const struct kims_net *kn, u32 id, struct kims_way *way,
			 struct kims_gtpu_ep **ret_ep, const struct nlattr *attr,
			 struct netlink_ext_ack *extack)
{
	struct kims_gtpu_ep *ep = kims_gtpu_ep_find(kn, id);

	if (!ep)
		return KIMS_REFUSE_ATTR(extack, -ENOENT, attr, "a FAR names an endpoint that there is not");
	way->src = ep->local.key.local;
	if (way->src.addr.family != way->dst.addr.family)
		return KIMS_REFUSE_ATTR(extack, -EINVAL, attr,
					"endpoint and peer of a FAR are of different families");
	*ret_ep = ep;
	return 0;
}

static bool kims_far_same_tunnel(const struct kims_far *a, const struct kims_far *b)
{
	return a->ep == b->ep && a->teid == b->teid && a->way.dst.port == b->way.dst.port &&
	       kims_addr_equal(&a->way.dst.addr, &b->way.dst.addr);
}

static int kims_give_far(struct kims_plan *plan, const struct nlattr *attr,
			 struct netlink_ext_ack *extack)
{
	struct kims_rules *r = plan->rules;
	struct kims_far *f = &r->fars[r->n_fars];
	const struct kims_far *old;
	struct kims_far_refs refs;
	int err;

	err = kims_read_far(attr, f, &refs, extack);
	if (err)
		return err;
	if (kims_far_find(r, f->id))
		return KIMS_REFUSE_ATTR(extack, -EINVAL, attr, "a FAR is given twice");
	if (f->encap)
		err = kims_way_from(plan->s->kn, refs.endpoint, &f->way, &f->ep, attr, extack);
	if (!err && refs.dup_endpoint)
		err = kims_way_from(plan->s->kn, refs.dup_endpoint, &f->dup, &f->dup_ep, attr,
				    extack);
	if (err)
		return err;
	f->session = plan->s;
	old = kims_far_find(kims_session_rules(plan->s), f->id);
	if (refs.end_marker && old && old->encap && !kims_far_same_tunnel(old, f))
		plan->end_markers |= BIT_ULL(r->n_fars);
	r->n_fars++;
	return 0;
}

static void kims_keep_far(struct kims_rules *r, const struct kims_far *old)
{
	struct kims_far *f = &r->fars[r->n_fars++];

	*f = *old;
	memset(&f->by_peer, 0, sizeof(f->by_peer));
	RCU_INIT_POINTER(f->way.path, NULL);
	RCU_INIT_POINTER(f->dup.path, NULL);
}

static int kims_rules_fars(struct kims_plan *plan, struct netlink_ext_ack *extack)
{
	const struct kims_rules *old = kims_session_rules(plan->s);
	const struct nlattr *a;
	int rem, err;
	u32 id, i;

	for (i = 0; old && i < old->n_fars; i++)
		if (kims_far_stays(plan->attr, old->fars[i].id))
			kims_keep_far(plan->rules, &old->fars[i]);
	nla_for_each_nested(a, plan->attr, rem) {
		if (nla_type(a) != KIMS_SESSION_A_FAR)
			continue;
		err = kims_read_id(a, &id, extack) ?: kims_give_far(plan, a, extack);
		if (err)
			return err;
	}
	return 0;
}

/* --- tunnels --- */

static struct kims_tunnel *kims_tunnel_new(struct kims_plan *plan, struct kims_gtpu_ep *ep,
					   __be32 teid)
{
	struct kims_table *t = &plan->s->kn->gtpu->tunnels;
	struct kims_tunnel *tunnel = kzalloc(sizeof(*tunnel), GFP_KERNEL_ACCOUNT);

	if (!tunnel)
		return NULL;
	tunnel->teid = teid;
	tunnel->ep = ep;
	tunnel->session = plan->s;
	if (kims_table_add(t, &tunnel->node, kims_tunnel_hash(t, ep, teid), &plan->s->kn->lock)) {
		kfree(tunnel);
		return NULL;
	}
	ep->tunnels++;
	return tunnel;
}

static void kims_tunnel_del(struct kims_tunnel *tunnel)
{
	struct kims_net *kn = tunnel->session->kn;

	kims_table_del(&kn->gtpu->tunnels, &tunnel->node, &kn->lock);
	tunnel->ep->tunnels--;
}

/* The local F-TEID of a PDR: one that the session has, or a new one. */
static int kims_pdr_tunnel(struct kims_plan *plan, struct kims_pdr *p,
			   const struct kims_pdr_refs *refs, const struct nlattr *attr,
			   struct netlink_ext_ack *extack)
{
	struct kims_parts *parts = &plan->parts;
	struct kims_net *kn = plan->s->kn;
	struct kims_gtpu_ep *ep = kims_gtpu_ep_find(kn, refs->endpoint);
	struct kims_tunnel *tunnel;

	if (!ep)
		return KIMS_REFUSE_ATTR(extack, -ENOENT, attr, "a PDR names an endpoint that there is not");
	tunnel = kims_tunnel_find(kn, ep, refs->teid);
	if (tunnel && tunnel->session != plan->s)
		return KIMS_REFUSE_ATTR(extack, -EEXIST, attr, "another session has the TEID of a PDR");
	if (!tunnel)
		tunnel = kims_tunnel_new(plan, ep, refs->teid);
	if (!tunnel)
		return -ENOMEM;
	if (!kims_has(parts->tunnels, parts->n_tunnels, tunnel))
		parts->tunnels[parts->n_tunnels++] = tunnel;
	p->tunnel = tunnel;
	return 0;
}

/* --- PDRs --- */

/* The counter of the PDR of this id goes on. */
static int kims_pdr_counter(struct kims_plan *plan, struct kims_pdr *p)
{
	struct kims_parts *parts = &plan->parts;
	int i = kims_meter_index(plan->s->counts, plan->s->n_counts, p->id);

	p->count = i >= 0 ? plan->s->counts[i] : kzalloc(sizeof(*p->count), GFP_KERNEL_ACCOUNT);
	if (!p->count)
		return -ENOMEM;
	p->count->id = p->id;
	parts->counts[parts->n_counts++] = p->count;
	return 0;
}

static int kims_pdr_resolve(struct kims_plan *plan, struct kims_pdr *p,
			    const struct kims_pdr_refs *refs, const struct nlattr *attr,
			    struct netlink_ext_ack *extack)
{
	struct kims_parts *parts = &plan->parts;
	int i, at;

	p->far = kims_far_find(plan->rules, refs->far);
	if (!p->far)
		return KIMS_REFUSE_ATTR(extack, -ENOENT, attr, "a PDR names a FAR that the session has not");
	p->mark_qfi = -1;
	for (i = 0; i < p->n_qers; i++) {
		at = kims_meter_index(parts->qers, parts->n_qers, refs->qers[i]);
		if (at < 0)
			return KIMS_REFUSE_ATTR(extack, -ENOENT, attr,
						"a PDR names a QER that the session has not");
		p->qers[i] = parts->qers[at];
		if (p->mark_qfi < 0)
			p->mark_qfi = kims_qer_conf(plan, at)->qfi;
	}
	for (i = 0; i < p->n_urrs; i++) {
		at = kims_meter_index(parts->urrs, parts->n_urrs, refs->urrs[i]);
		if (at < 0)
			return KIMS_REFUSE_ATTR(extack, -ENOENT, attr,
						"a PDR names a URR that the session has not");
		p->urrs[i] = parts->urrs[at];
	}
	kims_fast_prepare(p);
	return kims_pdr_counter(plan, p);
}

static void kims_pdr_refs_of(const struct kims_pdr *p, struct kims_pdr_refs *ret)
{
	u32 i;

	*ret = (struct kims_pdr_refs){ .far = p->far->id };
	if (p->tunnel && p->tunnel->ep) {
		ret->endpoint = p->tunnel->ep->id;
		ret->teid = p->tunnel->teid;
	}
	for (i = 0; i < p->n_qers; i++)
		ret->qers[i] = p->qers[i]->id;
	for (i = 0; i < p->n_urrs; i++)
		ret->urrs[i] = p->urrs[i]->id;
}

static void kims_keep_filters(struct kims_pdr *p, const struct kims_pdr *old, void ***ptrs,
			      void **filters)
{
	size_t size;
	u32 i;

	p->filters = (const struct kims_filter **)*ptrs;
	for (i = 0; i < old->n_filters; i++) {
		size = kims_filter_size(old->filters[i]->n_ue_ports +
					old->filters[i]->n_remote_ports);
		memcpy(*filters, old->filters[i], size);
		*(*ptrs)++ = *filters;
		*filters += size;
	}
}

static int kims_give_filters(struct kims_pdr *p, const struct nlattr *attr, void ***ptrs,
			     void **filters, struct netlink_ext_ack *extack)
{
	const struct nlattr *a;
	size_t size;
	int rem, err;

	p->filters = (const struct kims_filter **)*ptrs;
	nla_for_each_nested(a, attr, rem) {
		if (nla_type(a) != KIMS_PDR_A_FILTER)
			continue;
		err = kims_read_filter(a, *filters, &size, extack);
		if (err)
			return err;
		*(*ptrs)++ = *filters;
		*filters += size;
		p->n_filters++;
	}
	return 0;
}

/* Without a F-TEID: the UE address is the destination or, on the access side, the source. */
static int kims_pdr_by_address(struct kims_plan *plan, struct kims_pdr *p,
			       const struct nlattr *attr, struct netlink_ext_ack *extack)
{
	if (!plan->ue[0] && !plan->ue[1] && !plan->s->ue[0] && !plan->s->ue[1])
		return KIMS_REFUSE_ATTR(extack, -EINVAL, attr,
					"a PDR without a teid needs a UE address of the session");
	if (p->source != KIMS_INTERFACE_ACCESS)
		return 0;
	p->tunnel = &kims_access;
	plan->rules->access = true;
	kims_access_use(plan->s->kn);
	return 0;
}

/* attr: of the PDR, or of the session for one that stays. */
static int kims_add_pdr(struct kims_plan *plan, struct kims_pdr *p,
			const struct kims_pdr_refs *refs, const struct nlattr *attr,
			struct netlink_ext_ack *extack)
{
	int err = 0;

	plan->rules->n_pdrs++;
	plan->rules->apps |= p->app_id;
	if (p->app_id && kims_app_prepare(plan->s))
		return KIMS_REFUSE_ATTR(extack, -ENOMEM, attr, "no memory for flows of applications");
	if (refs->teid)
		err = kims_pdr_tunnel(plan, p, refs, attr, extack);
	else
		err = kims_pdr_by_address(plan, p, attr, extack);
	if (!err)
		err = kims_pdr_resolve(plan, p, refs, attr, extack);
	if (!err)
		kims_fast_prepare(p);
	return err;
}

static int kims_keep_pdr(struct kims_plan *plan, const struct kims_pdr *old, void ***ptrs,
			 void **filters, struct netlink_ext_ack *extack)
{
	struct kims_pdr *p = &plan->rules->pdrs[plan->rules->n_pdrs];
	struct kims_pdr_refs refs;

	*p = *old;
	kims_pdr_refs_of(old, &refs);
	kims_keep_filters(p, old, ptrs, filters);
	return kims_add_pdr(plan, p, &refs, plan->attr, extack);
}

static int kims_give_pdr(struct kims_plan *plan, const struct nlattr *attr, void ***ptrs,
			 void **filters, struct netlink_ext_ack *extack)
{
	struct kims_pdr *p = &plan->rules->pdrs[plan->rules->n_pdrs];
	struct kims_pdr_refs refs;
	int err;
	u32 id;

	err = kims_read_id(attr, &id, extack);
	if (err)
		return err;
	if (kims_pdr_find(plan->rules, id))
		return KIMS_REFUSE_ATTR(extack, -EINVAL, attr, "a PDR is given twice");
	err = kims_read_pdr(attr, p, &refs, extack) ?:
	      kims_give_filters(p, attr, ptrs, filters, extack);
	return err ?: kims_add_pdr(plan, p, &refs, attr, extack);
}

static int kims_pdr_cmp(const void *va, const void *vb)
{
	const struct kims_pdr *a = va, *b = vb;

	if (a->precedence != b->precedence)
		return a->precedence < b->precedence ? -1 : 1;
	return a->id < b->id ? -1 : 1;
}

static int kims_rules_pdrs(struct kims_plan *plan, void **ptrs, void *filters,
			   struct netlink_ext_ack *extack)
{
	const struct kims_rules *old = kims_session_rules(plan->s);
	struct kims_rules *r = plan->rules;
	const struct nlattr *a;
	int rem, err;
	u32 i;

	for (i = 0; old && i < old->n_pdrs; i++) {
		if (!kims_pdr_stays(plan->attr, old->pdrs[i].id))
			continue;
		err = kims_keep_pdr(plan, &old->pdrs[i], &ptrs, &filters, extack);
		if (err)
			return err;
	}
	nla_for_each_nested(a, plan->attr, rem) {
		if (nla_type(a) != KIMS_SESSION_A_PDR)
			continue;
		err = kims_give_pdr(plan, a, &ptrs, &filters, extack);
		if (err)
			return err;
	}
	sort(r->pdrs, r->n_pdrs, sizeof(*r->pdrs), kims_pdr_cmp, NULL);
	return 0;
}

/* --- FARs in the table for Error Indication, and as users of endpoints --- */

static void kims_far_users(const struct kims_far *f, int n)
{
	if (f->ep)
		f->ep->tunnels += n;
	if (f->dup_ep)
		f->dup_ep->tunnels += n;
}

static int kims_fars_link(struct kims_plan *plan)
{
	struct kims_net *kn = plan->s->kn;
	struct kims_table *t = &kn->gtpu->fars;
	struct kims_far *f;
	int err;

	for (; plan->linked < plan->rules->n_fars; plan->linked++) {
		f = &plan->rules->fars[plan->linked];
		if (f->encap) {
			err = kims_table_add(t, &f->by_peer,
					     kims_far_hash(t, &f->way.dst.addr, f->teid), &kn->lock);
			if (err)
				return err;
		}
		kims_far_users(f, 1);
	}
	return 0;
}

static void kims_fars_unlink(struct kims_net *kn, const struct kims_rules *r, u32 n)
{
	u32 i;

	for (i = 0; i < n; i++) {
		if (r->fars[i].encap)
			kims_table_del(&kn->gtpu->fars, &r->fars[i].by_peer, &kn->lock);
		kims_far_users(&r->fars[i], -1);
	}
}

/* --- a plan --- */

int kims_rules_prepare(struct kims_plan *plan, struct netlink_ext_ack *extack)
{
	struct kims_given given = {};
	void **ptrs, *filters;
	int err;

	err = kims_count_given(plan->attr, &given, extack);
	if (!err && given.dels)
		err = kims_check_dels(plan, extack);
	if (err)
		return err;
	err = kims_parts_alloc(plan, &given);
	if (err)
		return err;
	err = kims_rules_alloc(plan, &given, &ptrs, &filters);
	if (err == -E2BIG)
		return KIMS_REFUSE_ATTR(extack, err, plan->attr, "too many rules in a session");
	if (err)
		return err;
	kims_keep_meters(plan);
	return kims_give_meters(plan, extack) ?: kims_check_linked(plan, extack) ?:
	       kims_rules_fars(plan, extack) ?: kims_rules_pdrs(plan, ptrs, filters, extack) ?:
	       kims_fars_link(plan);
}

static void kims_rules_free_rcu(struct rcu_head *rcu)
{
	struct kims_rules *r = container_of(rcu, struct kims_rules, rcu);
	u32 i;

	for (i = 0; i < r->n_fars; i++) {
		kims_path_drop(&r->fars[i].way);
		kims_path_drop(&r->fars[i].dup);
	}
	kvfree(r);
}

/* Of what the plan has in its arrays, that which the session has not. */
static void kims_parts_free(struct kims_plan *plan)
{
	const struct kims_session *s = plan->s;
	struct kims_parts *parts = &plan->parts;
	u32 i;

	for (i = 0; i < parts->n_qers; i++)
		if (!kims_has(s->qers, s->n_qers, parts->qers[i]))
			kfree(parts->qers[i]);
	for (i = 0; i < parts->n_urrs; i++)
		if (!kims_has(s->urrs, s->n_urrs, parts->urrs[i]))
			kfree(parts->urrs[i]);
	for (i = 0; i < parts->n_counts; i++)
		if (!kims_has(s->counts, s->n_counts, parts->counts[i]))
			kfree(parts->counts[i]);
	for (i = 0; i < parts->n_tunnels; i++)
		if (!kims_has(s->tunnels, s->n_tunnels, parts->tunnels[i]))
			kfree_rcu(parts->tunnels[i], rcu);
	kfree(parts->qers);
}

static void kims_confs_free(struct kims_plan *plan)
{
	u32 i;

	if (!plan->qer_confs)
		return;
	for (i = 0; i < plan->n_confs; i++)
		kfree(((void **)plan->qer_confs)[i]);
	kfree(plan->qer_confs);
}

void kims_rules_unlink(struct kims_plan *plan)
{
	const struct kims_session *s = plan->s;
	struct kims_parts *parts = &plan->parts;
	u32 i;

	if (plan->rules)
		kims_fars_unlink(s->kn, plan->rules, plan->linked);
	for (i = 0; i < parts->n_tunnels; i++)
		if (!kims_has(s->tunnels, s->n_tunnels, parts->tunnels[i]))
			kims_tunnel_del(parts->tunnels[i]);
}

void kims_rules_release(struct kims_plan *plan)
{
	kims_parts_free(plan);
	kims_confs_free(plan);
	if (plan->rules)
		call_rcu(&plan->rules->rcu, kims_rules_free_rcu);
}

void kims_rules_undo(struct kims_plan *plan)
{
	kims_rules_unlink(plan);
	kims_rules_release(plan);
}

/* --- a session that is deleted --- */

void kims_rules_unlink_all(const struct kims_session *s)
{
	const struct kims_rules *r = kims_session_rules(s);
	u32 i;

	if (r)
		kims_fars_unlink(s->kn, r, r->n_fars);
	for (i = 0; i < s->n_tunnels; i++)
		kims_tunnel_del(s->tunnels[i]);
}

void kims_rules_free_all(struct kims_session *s)
{
	struct kims_rules *r = rcu_dereference_protected(s->rules, true);
	u32 i;

	for (i = 0; i < s->n_qers; i++)
		kfree(s->qers[i]);
	for (i = 0; i < s->n_urrs; i++)
		kfree(s->urrs[i]);
	for (i = 0; i < s->n_counts; i++)
		kfree(s->counts[i]);
	for (i = 0; i < s->n_tunnels; i++)
		kfree(s->tunnels[i]);
	kfree(s->qers);
	if (r)
		kims_rules_free_rcu(&r->rcu);
}
