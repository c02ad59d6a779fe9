// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What a Credit-Control-Request of ours says (TS 29.212 4.5.1, 4.5.3, 4.5.7, 5.6.2): the user, the access network,
 * addresses, QoS, rules that changed, usage. No I/O.
 */
#include <stdio.h>

#include "smf/gx.h"

/* Octets that the views of a struct gx_ccr point to. */
static struct {
	uint8_t v4[4], v6[10], an_gw[2][18], uli[1 + 12], timezone[2];
	uint8_t charging_id[5][4];
	char mcc_mnc[8], characteristics[5], selection[2];
} mem;

static struct str octets(const void *p, size_t n)
{
	return (struct str){ p, n };
}

static void put_user(const struct smf_pdn *p, struct gx_ccr *r)
{
	if (*p->msisdn)
		r->subscription[r->n_subscription++] =
			(struct pcc_subscription){ str_of(p->msisdn), PCC_E164 };
	if (*p->imsi)
		r->subscription[r->n_subscription++] =
			(struct pcc_subscription){ str_of(p->imsi), PCC_IMSI };
	r->called_station_id = str_of(p->apn_name);
	if (strlen(p->mei) != 16) /* User-Equipment-Info has an IMEISV, no IMEI (RFC 4006 8.50) */
		return;
	r->imei_type = 0;
	r->imei = str_of(p->mei);
}

static void put_address(const struct smf_pdn *p, struct gx_ccr *r)
{
	if (p->type != S5_PDN_IPV6) {
		memcpy(mem.v4, &p->v4, 4);
		r->framed_ip = octets(mem.v4, 4);
	}
	if (p->type == S5_PDN_IPV4)
		return;
	mem.v6[0] = 0; /* RFC 3162 2.3: reserved, length of the prefix, prefix */
	mem.v6[1] = 64;
	memcpy(&mem.v6[2], &p->v6, 8);
	r->framed_ipv6 = octets(mem.v6, 10);
}

static int rat_of(const struct smf_pdn *p)
{
	switch ((enum s5_rat)p->rat) {
	case S5_RAT_WLAN:
		return PCC_RAT_WLAN;
	case S5_RAT_UTRAN:
	case S5_RAT_HSPA:
		return PCC_RAT_UTRAN;
	case S5_RAT_GERAN:
		return 1001;
	case S5_RAT_GAN:
		return 1002;
	case S5_RAT_NR:
		return PCC_RAT_NR;
	case S5_RAT_NB_IOT:
		return 1005;
	case S5_RAT_VIRTUAL:
		return 1;
	case S5_RAT_EUTRAN:
	case S5_RAT_LTE_M:
		break;
	}
	return PCC_RAT_EUTRAN;
}

/* The address of the SGW or ePDG as Address (RFC 6733 4.3.1): family, octets. */
static void put_an_gw(const struct smf_pdn *p, struct gx_ccr *r)
{
	const struct s5_fteid *f = &p->peer;
	size_t n = 0;

	if (f->v4) {
		mem.an_gw[n][0] = 0;
		mem.an_gw[n][1] = 1;
		memcpy(&mem.an_gw[n][2], &f->ip4, 4);
		r->an_gw_address[n] = octets(mem.an_gw[n], 6);
		n++;
	}
	if (f->v6) {
		mem.an_gw[n][0] = 0;
		mem.an_gw[n][1] = 2;
		memcpy(&mem.an_gw[n][2], &f->ip6, 16);
		r->an_gw_address[n] = octets(mem.an_gw[n], 18);
		n++;
	}
	r->n_an_gw_address = n;
}

/* The ULI IE has flags and then what they name; 3GPP-User-Location-Info a type (TS 29.061 16.4.7.2). */
static struct str location_of(const struct smf_pdn *p)
{
	static const uint8_t size[] = { 7, 7, 7, 5, 7 }; /* CGI, SAI, RAI, TAI, ECGI */
	static const uint8_t type[] = { 0, 1, 2, 128, 129 };
	const uint8_t *v = p->uli + 1, *at[ARRAY_SIZE(size)] = { NULL };
	size_t n = 1;
	int first = -1;

	for (size_t i = 0; i < ARRAY_SIZE(size) && p->n_uli; i++) {
		if (!(p->uli[0] & 1 << i))
			continue;
		if (v + size[i] > p->uli + p->n_uli)
			break;
		at[i] = v;
		v += size[i];
		first = (int)i;
	}
	if (first < 0)
		return octets(NULL, 0);
	mem.uli[0] = at[3] && at[4] ? 130 : type[first];
	if (at[3] && at[4]) {
		memcpy(&mem.uli[n], at[3], size[3]);
		n += size[3];
	}
	memcpy(&mem.uli[n], at[first], size[first]);
	return octets(mem.uli, n + size[first]);
}

static void put_time_zone(const struct smf_pdn *p, struct gx_ccr *r)
{
	unsigned int q = (unsigned int)abs(p->time_zone.quarters);

	if (!p->has_time_zone)
		return;
	mem.timezone[0] =
		(uint8_t)(q / 10 % 8 | (p->time_zone.quarters < 0 ? 8U : 0) | q % 10 << 4);
	mem.timezone[1] = p->time_zone.dst;
	r->location.timezone = octets(mem.timezone, 2);
}

static void put_access(const struct smf_pdn *p, struct gx_ccr *r)
{
	r->ip_can_type = p->non_3gpp ? PCC_NON_3GPP_EPS : PCC_3GPP_EPS;
	r->rat_type = rat_of(p);
	if (p->non_3gpp)
		r->an_trusted = 1; /* UNTRUSTED: by an ePDG */
	put_an_gw(p, r);
	r->location.uli = location_of(p);
	put_time_zone(p, r);
	if (!*p->serving.mcc)
		return;
	str_fmt(mem.mcc_mnc, sizeof(mem.mcc_mnc), "%s%s", p->serving.mcc, p->serving.mnc);
	r->location.mcc_mnc = str_of(mem.mcc_mnc);
}

static int rate(uint64_t bits)
{
	return (int)MIN(bits, (uint64_t)INT32_MAX);
}

static void put_qos(struct gx_ccr *r, const struct smf_qos *q, uint64_t ambr_ul, uint64_t ambr_dl)
{
	struct gx_qos *a = &r->qos;

	r->has_default_qos = true;
	r->default_qos = (struct gx_default_qos){ .qci = q->qci, .has_arp = true };
	r->default_qos.arp = (struct pcc_arp){ q->arp.priority, q->arp.pci, q->arp.pvi };
	r->has_qos = true;
	*a = (struct gx_qos){ .qci = -1, .mbr_ul = -1, .mbr_dl = -1, .gbr_ul = -1, .gbr_dl = -1 };
	a->ambr_ul = rate(ambr_ul);
	a->ambr_dl = rate(ambr_dl);
}

static void put_charging(const struct smf_pdn *p, struct gx_ccr *r)
{
	snprintf(mem.characteristics, sizeof(mem.characteristics), "%04x",
		 p->charging_characteristics);
	r->charging_characteristics = str_of(mem.characteristics);
	mem.selection[0] = (char)('0' + p->selection_mode % 4);
	r->selection_mode = octets(mem.selection, 1);
}

static uint8_t *put_charging_id(uint32_t id, struct gx_ccr *r)
{
	uint8_t *m = mem.charging_id[r->n_charging_id];

	m[0] = (uint8_t)(id >> 24);
	m[1] = (uint8_t)(id >> 16);
	m[2] = (uint8_t)(id >> 8);
	m[3] = (uint8_t)id;
	r->charging_id[r->n_charging_id++].value = octets(m, 4);
	return m;
}

/* --- rules --- */

static void report_charging_id(struct smf_gx_report *n, struct gx_ccr *r)
{
	struct pcc_charging_id *c;

	if (!n->charging_id || r->n_charging_id == ARRAY_SIZE(r->charging_id))
		return;
	put_charging_id(n->charging_id, r);
	c = &r->charging_id[r->n_charging_id - 1];
	if (n->base)
		c->base[c->n_base++] = str_of(n->name);
	else
		c->rule[c->n_rule++] = str_of(n->name);
}

/* Into the report of the same state, or a new one. False: no room. */
static bool put_report(const struct smf_gx_report *n, struct gx_ccr *r)
{
	struct gx_rule_report *o;
	size_t i;

	for (i = 0; i < r->n_report; i++) {
		o = &r->report[i];
		if (o->status == n->status && o->failure == n->failure &&
		    o->n_name < ARRAY_SIZE(o->name) && o->n_base_name < ARRAY_SIZE(o->base_name))
			break;
	}
	if (i == ARRAY_SIZE(r->report))
		return false;
	o = &r->report[i];
	if (i == r->n_report) {
		r->n_report++;
		*o = (struct gx_rule_report){ .status = n->status, .failure = n->failure };
	}
	if (n->base)
		o->base_name[o->n_base_name++] = str_of(n->name);
	else
		o->name[o->n_name++] = str_of(n->name);
	return true;
}

/* The PCRF has installed a rule of this name since: it would take the report for that one's. */
static void drop_overtaken(struct smf_gx *g)
{
	struct smf_gx_report **at = &g->reports, *n;

	while ((n = *at)) {
		if (n->status == GX_RULE_INACTIVE && smf_rule_by_name(g->pdn, str_of(n->name))) {
			*at = n->next;
			free(n);
		} else {
			at = &n->next;
		}
	}
}

static void put_reports(struct smf_gx *g, struct gx_ccr *r)
{
	drop_overtaken(g);
	for (struct smf_gx_report *n = g->reports; n; n = n->next) {
		n->sent = put_report(n, r);
		if (!n->sent)
			continue;
		report_charging_id(n, r);
		if (n->lost)
			g->sent |= SMF_TRIGGER(GX_LOSS_OF_BEARER);
		if (n->status == GX_RULE_ACTIVE)
			g->sent |= SMF_TRIGGER(GX_SUCCESSFUL_RESOURCE_ALLOCATION);
	}
}

/* --- usage (TS 29.212 4.5.16) --- */

static bool is_due(const struct smf_monitor *m, enum gx_request_type type)
{
	return m->due ||
	       (type == GX_TERMINATION_REQUEST && (m->used_total || m->used_ul || m->used_dl));
}

static void put_usage(struct smf_gx *g, enum gx_request_type type, struct gx_ccr *r)
{
	for (struct smf_monitor *m = g->pdn->monitors; m; m = m->next) {
		struct gx_usage *u;

		m->sent_total = m->sent_ul = m->sent_dl = 0;
		if (!is_due(m, type) || r->n_usage == ARRAY_SIZE(r->usage))
			continue;
		u = &r->usage[r->n_usage++];
		*u = (struct gx_usage){ .key = str_of(m->key),
					.used_total = m->used_total,
					.used_ul = m->used_ul,
					.used_dl = m->used_dl,
					.level = m->session ? 0 : 1,
					.report = -1,
					.support = -1 };
		m->sent_total = m->used_total;
		m->sent_ul = m->used_ul;
		m->sent_dl = m->used_dl;
		m->due = false;
		g->sent |= SMF_TRIGGER(GX_USAGE_REPORT);
	}
}

/* --- what the UE asks for --- */

static void put_ask(const struct smf_gx_ask *a, struct gx_ccr *r)
{
	r->filter_operation = a->operation;
	for (size_t i = 0; i < a->n; i++)
		r->filter[i] = (struct gx_flow){
			.description = *a->filter[i].text ? str_of(a->filter[i].text)
							  : (struct str){ NULL, 0 },
			.filter_id = *a->filter[i].id ? str_of(a->filter[i].id)
						      : (struct str){ NULL, 0 },
			.filter_usage = -1,
			.direction = a->filter[i].direction,
		};
	r->n_filter = a->n;
	if (!a->has_qos)
		return;
	r->has_qos = true;
	r->qos = (struct gx_qos){ .qci = a->qos.qci,
				  .mbr_ul = rate(a->qos.mbr_ul),
				  .mbr_dl = rate(a->qos.mbr_dl),
				  .gbr_ul = rate(a->qos.gbr_ul),
				  .gbr_dl = rate(a->qos.gbr_dl),
				  .ambr_ul = -1,
				  .ambr_dl = -1 };
}

static void put_triggers(struct smf_gx *g, struct gx_ccr *r)
{
	g->sent |= g->pending;
	g->pending = 0;
	if (g->asking && g->ask)
		g->sent |= SMF_TRIGGER(GX_RESOURCE_MODIFICATION_REQUEST);
	for (uint32_t i = 0; i < 64 && r->n_event_trigger < GX_TRIGGERS_MAX; i++)
		if (g->sent & SMF_TRIGGER(i))
			r->event_trigger[r->n_event_trigger++] = i;
}

static void put_initial(const struct smf_gx *g, struct gx_ccr *r)
{
	const struct smf_pdn *p = g->pdn;

	put_user(p, r);
	put_address(p, r);
	put_charging(p, r);
	put_qos(r, &p->default_qos, p->ambr_ul, p->ambr_dl);
	r->network_request_support = 1;
	if (p->bearers)
		put_charging_id(p->bearers->charging_id, r);
}

void smf_gx_fill(struct smf_gx *g, enum gx_request_type type, struct gx_ccr *r)
{
	ie_init(&gx_ccr_cmd, r);
	r->type = (int)type;
	r->number = g->number;
	put_access(g->pdn, r);
	g->sent = 0;
	g->ask_sent = type == GX_UPDATE_REQUEST && g->asking;
	switch (type) {
	case GX_INITIAL_REQUEST:
		put_initial(g, r);
		return;
	case GX_TERMINATION_REQUEST:
		put_user(g->pdn, r);
		r->termination_cause = 1; /* DIAMETER_LOGOUT */
		put_usage(g, type, r);
		return;
	case GX_UPDATE_REQUEST:
		break;
	}
	put_user(g->pdn, r);
	put_reports(g, r);
	put_usage(g, type, r);
	if (g->asking && g->ask)
		put_ask(g->ask, r);
	if (g->asking && g->ask_default)
		put_qos(r, &g->default_qos, g->ambr_ul, g->ambr_dl);
	put_triggers(g, r);
}

static void drop_sent_reports(struct smf_gx *g, bool done)
{
	struct smf_gx_report **at = &g->reports, *n;

	while ((n = *at)) {
		if (n->sent && done) {
			*at = n->next;
			free(n);
			continue;
		}
		n->sent = false;
		at = &n->next;
	}
}

void smf_gx_told(struct smf_gx *g, bool done)
{
	drop_sent_reports(g, done);
	if (!done)
		g->pending |= g->sent & ~SMF_TRIGGER(GX_RESOURCE_MODIFICATION_REQUEST);
	g->sent = 0;
	for (struct smf_monitor *m = g->pdn->monitors; m; m = m->next) {
		if (done) {
			m->used_total -= m->sent_total;
			m->used_ul -= m->sent_ul;
			m->used_dl -= m->sent_dl;
		} else {
			m->due |= m->sent_total || m->sent_ul || m->sent_dl;
		}
		m->sent_total = m->sent_ul = m->sent_dl = 0;
	}
}

bool smf_gx_has_news(const struct smf_gx *g)
{
	for (const struct smf_monitor *m = g->pdn->monitors; m; m = m->next)
		if (m->due)
			return true;
	return g->check || g->pending || g->reports || g->asking;
}
