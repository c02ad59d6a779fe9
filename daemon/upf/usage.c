// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Counters of the kernel to usage reports (TS 29.244 5.2.2.3, 7.5.8.3). The kernel's counters of a URR only grow: the
 * usage of a report is what they are less what was reported before, so that a report that got lost
 * on either side is in the next one. Sequence numbers (UR-SEQN) are counted here, since the kernel does not know
 * of the reports that were asked for.
 */
#include "upf/upf.h"

struct upf_urr *upf_urr_get(struct upf_session *s, uint32_t id, bool make)
{
	struct upf_urr *all;

	for (uint8_t i = 0; i < s->n_urrs; i++)
		if (s->urrs[i].id == id)
			return &s->urrs[i];
	if (!make || s->n_urrs == KNL_RULES)
		return NULL;
	all = reallocarray(s->urrs, s->n_urrs + 1u, sizeof(*all));
	if (!all)
		return NULL;
	s->urrs = all;
	all[s->n_urrs] = (struct upf_urr){ .id = id };
	return &all[s->n_urrs++];
}

void upf_urr_forget(struct upf_session *s, uint32_t id)
{
	struct upf_urr *r = upf_urr_get(s, id, false);

	if (r)
		*r = s->urrs[--s->n_urrs];
}

int upf_csid_add(struct upf_session *s, const struct upf_csid *q)
{
	struct upf_csid *all;

	if (s->n_csids == UPF_CSIDS_MAX)
		return -ENOSPC;
	all = reallocarray(s->csids, s->n_csids + 1u, sizeof(*all));
	if (!all)
		return -ENOMEM;
	s->csids = all;
	all[s->n_csids++] = *q;
	return 0;
}

static void put_triggers(unsigned int t, struct sx_report_triggers *r)
{
	*r = (struct sx_report_triggers){
		.perio = t & KNL_PERIO,
		.volth = t & KNL_VOLTH,
		.timth = t & KNL_TIMTH,
		.start = t & KNL_START,
		.stopt = t & KNL_STOPT,
		.droth = t & KNL_DROTH,
		.volqu = t & KNL_VOLQU,
		.timqu = t & KNL_TIMQU,
		.monit = t & KNL_MONIT,
		.termr = t & KNL_TERMR,
		.immer = t & KNL_IMMER,
		.evequ = t & KNL_EVEQU,
		.liusa = t & KNL_LIUSA,
	};
}

static uint64_t less(uint64_t a, uint64_t b)
{
	return a > b ? a - b : 0;
}

void upf_usage_report(struct upf *u, struct upf_session *s, const struct knl_usage *k,
		      unsigned int trigger, struct sx_usage_report *ret,
		      struct upf_covers *ret_covers)
{
	uint32_t now = pfcp_time(loop_wall(u->loop)), id = k->urr - 1;
	struct upf_urr *r = upf_urr_get(s, id, true), none = { 0 };
	struct upf_covers c;

	if (!r)
		r = &none;
	c = (struct upf_covers){ id, less(k->octets.ul, r->ul), less(k->octets.dl, r->dl),
				 less(k->duration_ms, r->duration_ms) };
	memset(ret, 0, sizeof(*ret));
	ret->urr_id = id;
	ret->seqn = r->seqn++;
	put_triggers(trigger, &ret->trigger);
	ret->has_start = ret->has_end = ret->has_volume = ret->has_duration = true;
	ret->start = r->start ? r->start : s->created;
	ret->end = now;
	ret->volume = (struct sx_volume){ .has_total = true,
					  .has_ul = true,
					  .has_dl = true,
					  .total = c.ul + c.dl,
					  .ul = c.ul,
					  .dl = c.dl };
	ret->duration = (uint32_t)(c.duration_ms / 1000);
	ret->has_first = ret->has_last = k->first_ns && c.ul + c.dl;
	ret->first = pfcp_time(k->first_ns / 1000);
	ret->last = pfcp_time(k->last_ns / 1000);
	c.duration_ms =
		ret->duration * UINT64_C(1000); /* the rest of a second is in the next one */
	r->ul += c.ul;
	r->dl += c.dl;
	r->duration_ms += c.duration_ms;
	r->start = now;
	if (ret_covers)
		*ret_covers = c;
	upf_session_relabel(u, s);
}

void upf_usage_undo(struct upf_session *s, const struct upf_covers *c)
{
	struct upf_urr *r = upf_urr_get(s, c->urr, false);

	if (!r)
		return;
	r->ul = less(r->ul, c->ul);
	r->dl = less(r->dl, c->dl);
	r->duration_ms = less(r->duration_ms, c->duration_ms);
}

bool upf_usage_missed(struct upf_session *s, const struct knl_usage *k)
{
	const struct upf_urr *r = upf_urr_get(s, k->urr - 1, false);
	uint64_t ul = r ? r->ul : 0, dl = r ? r->dl : 0;

	return k->reported.ul > ul || k->reported.dl > dl;
}
