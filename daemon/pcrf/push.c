// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Rules to the PCEF (TS 29.212 4.5.2.1, PUSH): a RAR of all that is marked, one under way per session.
 *
 * Invariants: a rule in the RAR under way is "inflight" until that RAR ends; its removal from the list waits for
 * it. Answers find their session by its id: it may have ended meanwhile.
 */
#include <stdio.h>

#include "lib/core/log.h"
#include "lib/core/metrics.h"
#include "pcrf/pcrf.h"

struct call {
	struct pcrf *p;
	bool release;
	size_t n;
	char id[];
};

bool pcrf_push_pending(const struct pcrf_gx *g)
{
	for (const struct pcrf_rule *r = g->rules; r; r = r->next)
		if (r->dirty)
			return true;
	return g->changed || g->restore;
}

void pcrf_push(struct pcrf_gx *g)
{
	if (pcrf_push_pending(g) && (g->fsm.state == GXS_IDLE))
		fsm_event(&g->fsm, GXE_PUSH, NULL);
}

static void fill_rule(const struct pcrf_rule *r, struct gx_rule *o)
{
	gx_rule_init(o);
	o->name = str_of(r->name);
	o->precedence = (int)r->precedence;
	o->flow_status = r->status;
	o->n_flow = r->n_flow;
	for (int i = 0; i < r->n_flow; i++) {
		o->flow[i].description = str_of(r->flow[i].text);
		o->flow[i].direction = r->flow[i].direction;
		o->flow[i].filter_usage = r->flow[i].direction == GX_DOWNLINK ? -1 : 1;
	}
	o->has_qos = o->qos.has_arp = true;
	o->qos.qci = r->qos.qci;
	o->qos.arp = r->qos.arp;
	o->qos.mbr_ul = r->qos.mbr_ul;
	o->qos.mbr_dl = r->qos.mbr_dl;
	o->qos.gbr_ul = r->qos.gbr_ul;
	o->qos.gbr_dl = r->qos.gbr_dl;
	o->n_flows = 1;
	o->flows[0] = (struct pcc_flows){ .component = r->component, .final_unit_action = -1 };
	o->flows[0].n_number = 1;
	o->flows[0].number[0] = r->sub;
	if (!r->rx)
		return;
	if (*r->rx->charging_id)
		o->af_charging_id = str_of(r->rx->charging_id);
	if (*r->rx->sponsor) {
		o->sponsor = str_of(r->rx->sponsor);
		o->asp = str_of(r->rx->asp);
	}
}

static bool add_install(struct gx_orders *o, struct pcrf_rule *r)
{
	struct gx_install *in;
	size_t i;

	/* one Charging-Rule-Install for those with a notification, the others after it */
	for (i = 0; i < o->n_install; i++)
		if ((o->install[i].allocation_notification == 0) == r->notify &&
		    o->install[i].n_rule < GX_RULES_MAX)
			break;
	if (i == GX_INSTALLS_MAX)
		return false;
	in = &o->install[i];
	if (i == o->n_install) {
		o->n_install++;
		in->allocation_notification = r->notify ? 0 : -1;
	}
	fill_rule(r, &in->rule[in->n_rule++]);
	return true;
}

static bool add_remove(struct gx_orders *o, struct pcrf_rule *r)
{
	struct gx_remove *rm = &o->remove[0];

	if (rm->n_name == ARRAY_SIZE(rm->name))
		return false;
	o->n_remove = 1;
	rm->name[rm->n_name++] = str_of(r->name);
	return true;
}

static void compose(struct pcrf_gx *g, struct gx_orders *o)
{
	pcrf_profile_order(g, o);
	for (struct pcrf_rule *r = g->rules; r; r = r->next)
		if (r->dirty && (r->wanted ? add_install(o, r) : add_remove(o, r))) {
			r->dirty = false;
			r->inflight = r->known = true;
		}
}

/* --- the answer --- */

void pcrf_push_again(struct pcrf_gx *g)
{
	pcrf_profile_again(g);
	g->restore |= g->restore_sent;
	for (struct pcrf_rule *r = g->rules; r; r = r->next)
		if (r->inflight) {
			r->inflight = false;
			r->dirty = true;
		}
}

/* definite: refused; else nobody knows what the PCEF made of it, and what may be there is removed. */
void pcrf_push_fail(struct pcrf_gx *g, bool definite)
{
	struct pcrf_rule *r, *next;

	pcrf_profile_failed(g, definite);
	for (r = g->rules; r; r = next) {
		next = r->next;
		if (!r->inflight)
			continue;
		r->inflight = false;
		r->known = r->confirmed || !definite;
		if (r->wanted)
			r->event = PCRF_EV_FAILED;
		else if (!r->dirty || !r->known)
			pcrf_rule_drop(g, r);
	}
	pcrf_rx_tell(g);
}

static void settle(struct pcrf_gx *g, const struct gx_raa *a)
{
	struct pcrf_rule *r, *next;

	pcrf_profile_taken(g);
	for (r = g->rules; r; r = next) {
		next = r->next;
		if (!r->inflight)
			continue;
		r->inflight = false;
		r->confirmed = true;
		if (!r->wanted && !r->dirty)
			pcrf_rule_drop(g, r);
	}
	pcrf_gx_report(g, a->report, a->n_report, &(struct pcrf_cause){ 0 });
}

/* What the PCEF may have goes, even if it does not hear of it, or refuses, at first. */
static bool keep_removals(struct pcrf_gx *g)
{
	bool any = false;

	for (struct pcrf_rule *r = g->rules; r; r = r->next) {
		if (!r->inflight || r->wanted)
			continue;
		r->inflight = false;
		r->dirty = any = true;
	}
	return any;
}

/* Neither this RAR nor one like it: rules are not there, or not certainly. */
static void give_up(struct pcrf_gx *g, bool definite)
{
	bool again = g->tries < 20 && keep_removals(g);

	pcrf_push_fail(g, definite);
	fsm_event(&g->fsm, again ? GXE_AGAIN : GXE_DONE, NULL);
}

static void on_lost(struct pcrf_gx *g, int result)
{
	log_debug("%s: RAR: %d, try %u", g->id, result, g->tries);
	if (result == GX_PENDING_TRANSACTION ? g->tries < 20 : g->tries < 2) {
		pcrf_push_again(g);
		fsm_event(&g->fsm, GXE_AGAIN, NULL);
		return;
	}
	give_up(g, false);
}

static void on_result(struct pcrf_gx *g, int result, const struct gx_raa *a)
{
	if (result == PCC_UNKNOWN_SESSION_ID) {
		pcrf_gx_end(g);
	} else if (result < 0 || result == DIA_TOO_BUSY || result == GX_PENDING_TRANSACTION) {
		on_lost(g, result);
	} else if (result % 10000 / 1000 == 2 ||
		   a->n_report) { /* refused ones are named: the others stand */
		settle(g, a);
		fsm_event(&g->fsm, GXE_DONE, NULL);
	} else {
		give_up(g, true);
	}
}

static void on_raa(void *arg, const struct ie_env *env _unused_, const void *answer)
{
	const struct gx_raa *a = answer;
	struct call *c = arg;
	struct pcrf_gx *g = pcrf_gx_by_id(c->p, (struct str){ c->id, c->n });

	if (g && c->release && a->result != PCC_SUCCESS)
		pcrf_gx_end(g);
	else if (g && !c->release && g->fsm.state == GXS_PUSHING)
		on_result(g, a->result, a);
	free(c);
}

static int send_rar(struct pcrf_gx *g, const struct gx_rar *rar, bool release)
{
	size_t n = strlen(g->id);
	struct call *c = malloc(sizeof(*c) + n + 1);
	struct dia_to to = { .host = g->host, .realm = g->realm, .session_id = { g->id, n } };
	int e;

	if (!c)
		return -ENOMEM;
	*c = (struct call){ .p = g->pcrf, .release = release, .n = n };
	memcpy(c->id, g->id, n + 1);
	e = dia_request(g->pcrf->dia, &gx_app, &gx_rar_cmd, &to, rar,
			(struct dia_done){ .fn = on_raa, .arg = c });
	if (e)
		free(c);
	return e;
}

void pcrf_push_send(struct pcrf_gx *g)
{
	_cleanup_free_ struct gx_rar *rar = malloc(sizeof(*rar));

	g->restore_sent = g->restore;
	g->restore = false;
	if (rar) {
		ie_init(&gx_rar_cmd, rar);
		rar->re_auth_type = 0;
		compose(g, &rar->orders);
		if (g->restore_sent)
			rar->pcscf_restoration = 0;
	}
	g->tries++;
	if (!rar || send_rar(g, rar, false)) {
		pcrf_push_again(g);
		fsm_event(&g->fsm, GXE_AGAIN, NULL);
	}
}

int pcrf_push_release(struct pcrf_gx *g)
{
	_cleanup_free_ struct gx_rar *rar = malloc(sizeof(*rar));

	if (!rar)
		return -ENOMEM;
	ie_init(&gx_rar_cmd, rar);
	rar->re_auth_type = 0;
	rar->orders.session_release_cause = GX_UNSPECIFIED_REASON;
	return send_rar(g, rar, true);
}
