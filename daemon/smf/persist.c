// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What survives a restart of the process: PDN connections with bearers, rules, monitors, and what gx.c and n4.c
 * know of their sessions; the restart counter (TS 23.007 18).
 *
 * A record is lines of "KEY VALUE...", values divided by spaces, octets in hexadecimal. What changed is written at the
 * round's end, once however often it changed.
 *
 * Invariants: a TEID or an address that a peer may still use is in a record: it is written when the first request
 * about it leaves, and goes when both peers have let go. What was not active at the end, or cannot be read, is
 * taken back from both peers after the start; the SGW asks anew.
 * The restart counter grows when the database does not know it: then PDN connections may have been lost.
 */
#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

#include "lib/core/log.h"
#include "lib/core/sbuf.h"
#include "smf/smf.h"

#define TABLE	    "pdn"
#define STATE_TABLE "smf"
#define PEER_TEXT   (64 * 1024) /* of gx.c, n4.c */
#define VALUE_MAX   600		/* octets: the longest is the text of a flow */

/* --- writing --- */

static void put_hex(struct sbuf *b, const void *p, size_t n)
{
	char text[2 * VALUE_MAX + 1];

	sbuf_addz(b, n ? " " : " -");
	hex_encode(p, MIN(n, VALUE_MAX), text);
	sbuf_add(b, (struct str){ text, 2 * MIN(n, VALUE_MAX) });
}

static void put_text(struct sbuf *b, const char *z)
{
	put_hex(b, z, strlen(z));
}

static void put_num(struct sbuf *b, uint64_t v)
{
	sbuf_addf(b, " %" PRIu64, v);
}

static void put_fteid(struct sbuf *b, const struct s5_fteid *f)
{
	put_num(b, f->iface);
	put_num(b, f->teid);
	put_hex(b, &f->ip4, f->v4 ? 4 : 0);
	put_hex(b, &f->ip6, f->v6 ? 16 : 0);
}

static void put_qos(struct sbuf *b, const struct smf_qos *q)
{
	put_num(b, q->qci);
	put_num(b, q->arp.priority);
	put_num(b, q->arp.pci);
	put_num(b, q->arp.pvi);
	put_num(b, q->mbr_ul);
	put_num(b, q->mbr_dl);
	put_num(b, q->gbr_ul);
	put_num(b, q->gbr_dl);
}

static void put_who(struct sbuf *b, const struct smf_pdn *p)
{
	sbuf_addz(b, "who");
	put_text(b, p->imsi);
	put_text(b, p->msisdn);
	put_text(b, p->mei);
	put_num(b, p->unauthenticated);
	sbuf_addz(b, "\napn");
	put_text(b, p->apn->name);
	put_text(b, p->apn_name);
	sbuf_addz(b, "\naccess");
	put_num(b, p->rat);
	put_num(b, p->non_3gpp);
	put_num(b, p->suspended);
	put_text(b, p->serving.mcc);
	put_text(b, p->serving.mnc);
	put_hex(b, p->uli, p->n_uli);
	put_num(b, p->has_time_zone);
	put_num(b, (uint8_t)p->time_zone.quarters);
	put_num(b, p->time_zone.dst);
	sbuf_addz(b, "\nsubscription");
	put_num(b, p->selection_mode);
	put_num(b, p->charging_characteristics);
	put_num(b, p->origination);
	for (int i = 0; i < SMF_CSIDS; i++)
		if (p->csid[i].set) {
			sbuf_addf(b, "\ncsid %d", i);
			put_num(b, p->csid[i].node_type);
			put_num(b, p->csid[i].csid);
			put_hex(b, p->csid[i].node, sizeof(p->csid[i].node));
		}
}

static void put_where(struct sbuf *b, const struct smf_pdn *p)
{
	sbuf_addz(b, "\naddress");
	put_num(b, p->type);
	put_hex(b, &p->v4, 4);
	put_hex(b, &p->v6, 16);
	put_num(b, p->pool4);
	put_num(b, p->pool6);
	sbuf_addz(b, "\npco");
	put_num(b, p->pco.asked);
	put_num(b, p->pco.container);
	put_num(b, p->pcscf_due || (p->op.call && p->op.pco)); /* what is under way, too */
	sbuf_addz(b, "\npeer");
	put_fteid(b, &p->peer);
	put_num(b, (uint64_t)(gtpc_path_counter(p->smf->gtpc, &p->to) + 1));
	sbuf_addz(b, "\nqos");
	put_qos(b, &p->default_qos);
	put_num(b, p->ambr_ul);
	put_num(b, p->ambr_dl);
	put_num(b, p->ambr_known_ul);
	put_num(b, p->ambr_known_dl);
	put_num(b, p->next_n4_id);
	for (int i = 0; i < SMF_FILTERS_MAX; i++)
		if (p->filter_hash[i])
			sbuf_addf(b, "\nfilter %d %" PRIu32, i, p->filter_hash[i]);
}

static void put_bearer(struct sbuf *b, const struct smf_bearer *r)
{
	sbuf_addz(b, "\nbearer");
	put_num(b, r->n4_id);
	put_num(b, r->state);
	put_num(b, r->ebi);
	put_qos(b, &r->qos);
	put_num(b, r->charging_id);
	put_fteid(b, &r->peer);
	put_fteid(b, &r->local);
	put_num(b, r->filters);
	put_num(b, r->lost);
}

static void put_rule(struct sbuf *b, const struct smf_rule *r)
{
	sbuf_addz(b, "\nrule");
	put_text(b, r->name);
	put_num(b, r->n4_id);
	put_num(b, r->bearer ? r->bearer->n4_id : 0);
	put_num(b, r->state);
	put_num(b, r->precedence);
	put_qos(b, &r->qos);
	put_num(b, (uint64_t)r->gate_ul | (uint64_t)r->gate_dl << 1 | (uint64_t)r->notify << 2 |
			   (uint64_t)r->dirty << 3 | (uint64_t)r->told << 4 |
			   (uint64_t)r->base << 5 | (uint64_t)r->lost << 6 |
			   (uint64_t)r->predefined << 7);
	put_num(b, (uint64_t)r->failure);
	put_text(b, r->monitoring_key);
	put_num(b, r->rating_group);
	put_num(b, r->service_id);
	put_text(b, r->application);
	put_text(b, r->group ?: "");
	for (int i = 0; i < r->n_flow; i++) {
		const struct smf_flow *f = &r->flow[i];

		sbuf_addz(b, "\nflow");
		put_text(b, f->text);
		put_num(b, f->direction);
		put_num(b, f->to_ue);
		put_hex(b, f->filter_id, f->n_filter);
		put_hex(b, f->filter_precedence, f->n_filter);
	}
}

static void put_monitor(struct sbuf *b, const struct smf_monitor *m)
{
	sbuf_addz(b, "\nmonitor");
	put_text(b, m->key);
	put_num(b, m->session);
	put_num(b, m->report);
	put_num(b, m->urr_id);
	put_num(b, m->total);
	put_num(b, m->ul);
	put_num(b, m->dl);
	put_num(b, m->used_total);
	put_num(b, m->used_ul);
	put_num(b, m->used_dl);
}

static void put_peers(struct sbuf *b, const struct smf_pdn *p)
{
	static char text[PEER_TEXT];

	if (p->gx && smf_gx_save(p, text, sizeof(text)) > 0)
		sbuf_addf(b, "\ngx %s", text);
	if (p->n4 && smf_n4_save(p, text, sizeof(text)) > 0)
		sbuf_addf(b, "\nn4 %s", text);
}

static struct str key_of(const struct smf_pdn *p, char dst[9])
{
	snprintf(dst, 9, "%08" PRIx32, p->teid);
	return (struct str){ dst, 8 };
}

static void write_pdn(struct smf_pdn *p, struct sbuf *b)
{
	char key[9];

	sbuf_clear(b);
	sbuf_addf(b, "state %d %u\n", p->fsm.state, p->release_cause);
	put_who(b, p);
	put_where(b, p);
	for (const struct smf_bearer *r = p->bearers; r; r = r->next)
		put_bearer(b, r);
	for (const struct smf_rule *r = p->rules; r; r = r->next)
		put_rule(b, r);
	for (const struct smf_monitor *m = p->monitors; m; m = m->next)
		put_monitor(b, m);
	put_peers(b, p);
	if (b->failed || store_put(p->smf->store, TABLE, key_of(p, key), sbuf_str(b)))
		log_warn("%s is not stored: %s", p->name,
			 b->failed ? "no memory" : store_error(p->smf->store));
	else
		p->stored = true;
}

void smf_persist_flush(struct smf *s)
{
	_cleanup_sbuf_ struct sbuf b = { 0 };
	struct smf_pdn *p;

	while ((p = s->dirty)) {
		s->dirty = p->dirty_next;
		p->dirty = false;
		if (p->fsm.state != SMF_PDN_GONE)
			write_pdn(p, &b);
	}
	if (store_flush(s->store))
		log_warn("the database cannot be written: %s", store_error(s->store));
}

void smf_persist_gone(struct smf_pdn *p)
{
	char key[9];

	if (p->stored)
		store_del(p->smf->store, TABLE, key_of(p, key));
	p->stored = false;
}

/* --- reading --- */

struct line {
	struct str rest;
	bool bad;
};

static struct str get_word(struct line *l)
{
	struct str w = { "", 0 };

	if (!str_split(&l->rest, ' ', &w) || !w.n)
		l->bad = true;
	return w;
}

static uint64_t get_num(struct line *l, uint64_t max)
{
	uint64_t v = 0;

	if (str_to_u64(get_word(l), max, &v))
		l->bad = true;
	return l->bad ? 0 : v;
}

/* Its octets, at most size. */
static size_t get_hex(struct line *l, void *dst, size_t size)
{
	struct str w = get_word(l);
	int n = str_eqz(w, "-") ? 0 : hex_decode(w, dst, size);

	if (n < 0)
		l->bad = true;
	return n < 0 ? 0 : (size_t)n;
}

static void get_text(struct line *l, char *dst, size_t size)
{
	dst[get_hex(l, dst, size - 1)] = '\0';
}

static void get_fteid(struct line *l, struct s5_fteid *f)
{
	f->iface = (uint8_t)get_num(l, 63);
	f->teid = (uint32_t)get_num(l, UINT32_MAX);
	f->v4 = get_hex(l, &f->ip4, 4) == 4;
	f->v6 = get_hex(l, &f->ip6, 16) == 16;
}

static void get_qos(struct line *l, struct smf_qos *q)
{
	q->qci = (uint8_t)get_num(l, 255);
	q->arp.priority = (uint8_t)get_num(l, 15);
	q->arp.pci = get_num(l, 1);
	q->arp.pvi = get_num(l, 1);
	q->mbr_ul = get_num(l, UINT64_MAX);
	q->mbr_dl = get_num(l, UINT64_MAX);
	q->gbr_ul = get_num(l, UINT64_MAX);
	q->gbr_dl = get_num(l, UINT64_MAX);
}

struct reader {
	struct smf_pdn *p;
	uint8_t state;
	int counter; /* of the SGW, -1: not known */
	bool lost;   /* the configuration has its APN no more */
	struct smf_rule *rule;
	struct smf_rule **rule_at;
	struct smf_monitor **monitor_at;
};

static void read_state(struct reader *r, struct line *l)
{
	r->state = (uint8_t)get_num(l, SMF_PDN_GONE);
	r->p->release_cause = (uint8_t)get_num(l, 255);
}

static void read_who(struct reader *r, struct line *l)
{
	get_text(l, r->p->imsi, sizeof(r->p->imsi));
	get_text(l, r->p->msisdn, sizeof(r->p->msisdn));
	get_text(l, r->p->mei, sizeof(r->p->mei));
	r->p->unauthenticated = get_num(l, 1);
}

static void read_apn(struct reader *r, struct line *l)
{
	struct smf *s = r->p->smf;
	char name[101];

	get_text(l, name, sizeof(name));
	get_text(l, r->p->apn_name, sizeof(r->p->apn_name));
	r->p->apn = smf_apn_find(s->apns, s->n_apns, str_of(name));
	r->lost = !r->p->apn;
	if (r->lost && s->n_apns)
		r->p->apn = s->apns; /* any, to take the connection back from the peers */
	if (r->p->apn)
		r->p->emergency = r->p->apn->emergency;
	else
		l->bad = true;
}

static void read_access(struct reader *r, struct line *l)
{
	struct smf_pdn *p = r->p;

	p->rat = (uint8_t)get_num(l, 255);
	p->non_3gpp = get_num(l, 1);
	p->suspended = get_num(l, 1);
	get_text(l, p->serving.mcc, sizeof(p->serving.mcc));
	get_text(l, p->serving.mnc, sizeof(p->serving.mnc));
	p->n_uli = (uint8_t)get_hex(l, p->uli, sizeof(p->uli));
	p->has_time_zone = get_num(l, 1);
	p->time_zone.quarters = (int8_t)get_num(l, 255);
	p->time_zone.dst = (uint8_t)get_num(l, 3);
}

static void read_subscription(struct reader *r, struct line *l)
{
	r->p->selection_mode = (uint8_t)get_num(l, 3);
	r->p->charging_characteristics = (uint16_t)get_num(l, UINT16_MAX);
	r->p->origination = get_num(l, UINT64_MAX);
}

static void read_csid(struct reader *r, struct line *l)
{
	struct smf_csid *c = &r->p->csid[get_num(l, SMF_CSIDS - 1)];

	c->node_type = (uint8_t)get_num(l, 2);
	c->csid = (uint16_t)get_num(l, UINT16_MAX);
	get_hex(l, c->node, sizeof(c->node));
	c->set = true;
}

static void read_address(struct reader *r, struct line *l)
{
	struct smf_pdn *p = r->p;

	p->type = (uint8_t)get_num(l, S5_PDN_IPV4V6);
	get_hex(l, &p->v4, 4);
	get_hex(l, &p->v6, 16);
	p->pool4 = get_num(l, 1);
	p->pool6 = get_num(l, 1);
	if (!p->type)
		l->bad = true;
}

static void read_pco(struct reader *r, struct line *l)
{
	r->p->pco.asked = (uint16_t)get_num(l, UINT16_MAX);
	r->p->pco.container = (uint8_t)get_num(l, 7);
	r->p->pcscf_due = l->rest.n && get_num(l, 1);
	r->p->resume |= r->p->pcscf_due;
}

static void read_peer(struct reader *r, struct line *l)
{
	get_fteid(l, &r->p->peer);
	r->counter = (int)get_num(l, 256) - 1;
	if (smf_fteid_addr(r->p->smf, &r->p->peer, GTPC_PORT, &r->p->to))
		l->bad = true;
}

static void read_qos(struct reader *r, struct line *l)
{
	struct smf_pdn *p = r->p;

	get_qos(l, &p->default_qos);
	p->ambr_ul = get_num(l, UINT64_MAX);
	p->ambr_dl = get_num(l, UINT64_MAX);
	p->ambr_known_ul = get_num(l, UINT64_MAX);
	p->ambr_known_dl = get_num(l, UINT64_MAX);
	p->next_n4_id = (uint16_t)get_num(l, UINT16_MAX);
}

static void read_filter(struct reader *r, struct line *l)
{
	uint64_t i = get_num(l, SMF_FILTERS_MAX - 1);

	r->p->filter_hash[i] = (uint32_t)get_num(l, UINT32_MAX);
}

static void read_bearer(struct reader *r, struct line *l)
{
	struct smf_bearer *b = smf_bearer_new(r->p);

	if (!b) {
		l->bad = true;
		return;
	}
	b->n4_id = (uint16_t)get_num(l, UINT16_MAX);
	b->state = (enum smf_bearer_state)get_num(l, SMF_BEARER_DELETING);
	b->ebi = (uint8_t)get_num(l, 15);
	get_qos(l, &b->qos);
	b->charging_id = (uint32_t)get_num(l, UINT32_MAX);
	get_fteid(l, &b->peer);
	get_fteid(l, &b->local);
	b->filters = (uint16_t)get_num(l, UINT16_MAX);
	b->lost = get_num(l, 1);
	if (b->charging_id > r->p->smf->next_charging_id)
		r->p->smf->next_charging_id = b->charging_id;
}

static void read_flags(struct smf_rule *r, uint64_t flags)
{
	r->gate_ul = flags & 1;
	r->gate_dl = flags >> 1 & 1;
	r->notify = flags >> 2 & 1;
	r->dirty = flags >> 3 & 1;
	r->told = flags >> 4 & 1;
	r->base = flags >> 5 & 1;
	r->lost = flags >> 6 & 1;
	r->predefined = flags >> 7 & 1;
}

static struct smf_bearer *by_n4_id(const struct smf_pdn *p, uint64_t id)
{
	for (struct smf_bearer *b = p->bearers; b; b = b->next)
		if (id && b->n4_id == id)
			return b;
	return NULL;
}

static void read_rule(struct reader *r, struct line *l)
{
	struct smf_rule *rule = calloc(1, sizeof(*rule));
	char group[64] = "";

	if (!rule) {
		l->bad = true;
		return;
	}
	*r->rule_at = r->rule = rule;
	r->rule_at = &rule->next;
	get_text(l, rule->name, sizeof(rule->name));
	rule->n4_id = (uint16_t)get_num(l, UINT16_MAX);
	rule->bearer = by_n4_id(r->p, get_num(l, UINT16_MAX));
	rule->state = (enum smf_rule_state)get_num(l, SMF_RULE_REMOVED);
	rule->precedence = (uint32_t)get_num(l, UINT32_MAX);
	get_qos(l, &rule->qos);
	read_flags(rule, get_num(l, 255));
	rule->failure = (int)get_num(l, 255);
	get_text(l, rule->monitoring_key, sizeof(rule->monitoring_key));
	rule->rating_group = (uint32_t)get_num(l, UINT32_MAX);
	rule->service_id = (uint32_t)get_num(l, UINT32_MAX);
	get_text(l, rule->application, sizeof(rule->application));
	if (l->rest.n)
		get_text(l, group, sizeof(group));
	rule->group = *group ? strdup(group) : NULL;
}

static void read_flow(struct reader *r, struct line *l)
{
	struct smf_flow *f;
	char text[VALUE_MAX + 1];

	if (!r->rule || r->rule->n_flow == SMF_FLOWS_MAX) {
		l->bad = true;
		return;
	}
	f = &r->rule->flow[r->rule->n_flow];
	get_text(l, text, sizeof(text));
	f->direction = (uint8_t)get_num(l, NAS_DIR_BOTH);
	f->to_ue = get_num(l, 1);
	f->n_filter = (uint8_t)get_hex(l, f->filter_id, sizeof(f->filter_id));
	if (get_hex(l, f->filter_precedence, sizeof(f->filter_precedence)) != f->n_filter)
		l->bad = true;
	f->text = strdup(text);
	if (f->text)
		r->rule->n_flow++;
	if (!f->text || ipfilter_parse(str_of(text), &f->filter))
		l->bad = true;
}

static void read_monitor(struct reader *r, struct line *l)
{
	struct smf_monitor *m = calloc(1, sizeof(*m));

	if (!m) {
		l->bad = true;
		return;
	}
	*r->monitor_at = m;
	r->monitor_at = &m->next;
	get_text(l, m->key, sizeof(m->key));
	m->session = get_num(l, 1);
	m->report = get_num(l, 1);
	m->urr_id = (uint32_t)get_num(l, UINT32_MAX);
	m->total = get_num(l, UINT64_MAX);
	m->ul = get_num(l, UINT64_MAX);
	m->dl = get_num(l, UINT64_MAX);
	m->used_total = get_num(l, UINT64_MAX);
	m->used_ul = get_num(l, UINT64_MAX);
	m->used_dl = get_num(l, UINT64_MAX);
}

static void read_gx(struct reader *r, struct line *l)
{
	l->bad = smf_gx_load(r->p, l->rest) < 0;
}

static void read_n4(struct reader *r, struct line *l)
{
	l->bad = smf_n4_load(r->p, l->rest) < 0;
}

static const struct {
	const char *key;
	void (*read)(struct reader *r, struct line *l);
} keys[] = {
	{ "state", read_state },
	{ "who", read_who },
	{ "apn", read_apn },
	{ "access", read_access },
	{ "subscription", read_subscription },
	{ "csid", read_csid },
	{ "address", read_address },
	{ "pco", read_pco },
	{ "peer", read_peer },
	{ "qos", read_qos },
	{ "filter", read_filter },
	{ "bearer", read_bearer },
	{ "rule", read_rule },
	{ "flow", read_flow },
	{ "monitor", read_monitor },
	{ "gx", read_gx },
	{ "n4", read_n4 },
};

static bool read_line(struct reader *r, struct str text)
{
	struct line l = { .rest = text };
	struct str key = get_word(&l);

	for (size_t i = 0; i < ARRAY_SIZE(keys); i++)
		if (str_eqz(key, keys[i].key)) {
			keys[i].read(r, &l);
			return !l.bad;
		}
	return false;
}

static bool read_lines(struct reader *r, struct str text)
{
	struct str line;
	bool ok = true;

	while (ok && str_split(&text, '\n', &line))
		ok = read_line(r, line);
	return ok && r->p->apn && r->p->type && r->p->bearers && *smf_pdn_user(r->p);
}

/* A static one that is not reserved any more is the pool's, and nobody else's as long as it is used. */
static int take(struct smf_pool *pool, bool *from_pool, const struct conf_addr *a)
{
	bool had = *from_pool;
	int e = had ? smf_pool_take_back(pool, a) : smf_pool_take(pool, a);

	*from_pool = !e;
	return had ? e : 0;
}

/* Its addresses are taken again. One that is not in a pool of the configuration any more cannot stay. */
static int take_addresses(struct smf_pdn *p)
{
	struct conf_addr a = { .family = AF_INET, .v4 = p->v4 };
	bool six = p->pool6;

	p->pool6 = false;
	if (take(&p->apn->pool4, &p->pool4, &a))
		return -EADDRNOTAVAIL;
	a = (struct conf_addr){ .family = AF_INET6 };
	memcpy(&a.v6, &p->v6, 8);
	p->pool6 = six;
	return take(&p->apn->pool6, &p->pool6, &a) ? -EADDRNOTAVAIL : 0;
}

/* What was under way to the SGW is begun again, by smf_persist_resume(). */
static void settle_bearers(struct smf_pdn *p)
{
	for (struct smf_bearer *b = p->bearers; b; b = b->next) {
		switch (b->state) {
		case SMF_BEARER_CREATING:
			b->state = SMF_BEARER_WANTED;
			break;
		case SMF_BEARER_UPDATING:
		case SMF_BEARER_DELETING:
			b->state = SMF_BEARER_ACTIVE;
			break;
		case SMF_BEARER_WANTED:
		case SMF_BEARER_ACTIVE:
			continue;
		}
		p->resume = true;
	}
	for (struct smf_rule *r = p->rules; r; r = r->next)
		p->resume |= r->state != SMF_RULE_ACTIVE;
}

void smf_persist_resume(struct smf *s)
{
	struct smf_pdn *p, *next;

	for (p = s->pdns; p; p = next) {
		next = p->next;
		if (!p->resume)
			continue;
		p->resume = false;
		if (p->fsm.state == SMF_PDN_POLICY && !p->request)
			fsm_event(&p->fsm, SMF_PDN_EV_DELETED, NULL);
		else if (p->fsm.state == SMF_PDN_ACTIVE && p->release_cause)
			smf_pdn_release(p, p->release_cause);
		else if (p->fsm.state == SMF_PDN_ACTIVE)
			smf_bearers_apply(p);
	}
}

/* What was not active stays in the first state until the peers can be told that it ends. */
static void resume(struct smf_pdn *p, const struct reader *r)
{
	bool good;

	if (r->lost)
		p->pool4 = p->pool6 = false;
	good = !r->lost && !take_addresses(p);
	settle_bearers(p);
	smf_pdn_link(p);
	if (smf_path_join(p, r->counter))
		good = false;
	if (!good || (r->state != SMF_PDN_ACTIVE && r->state != SMF_PDN_DEACTIVATING)) {
		p->resume = true;
		return;
	}
	fsm_go(&p->fsm, SMF_PDN_ACTIVE);
	if (r->state == SMF_PDN_DEACTIVATING) {
		p->resume = true;
		p->release_cause = p->release_cause ?: S5_REACTIVATION_REQUESTED;
	} else {
		p->release_cause = 0;
	}
}

static int load_one(void *arg, struct str key, struct str value)
{
	struct smf *s = arg;
	uint8_t t[4];
	struct reader r = { .counter = -1 };
	uint32_t teid;

	if (hex_decode(key, t, sizeof(t)) != sizeof(t))
		return 0;
	teid = (uint32_t)t[0] << 24 | (uint32_t)t[1] << 16 | (uint32_t)t[2] << 8 | t[3];
	if (!teid || smf_pdn_by_teid(s, teid))
		return 0;
	r.p = smf_pdn_new(s, teid);
	if (!r.p)
		return -ENOMEM;
	r.p->stored = true;
	r.rule_at = &r.p->rules;
	r.monitor_at = &r.p->monitors;
	if (!read_lines(&r, value)) {
		log_warn("the record of PDN connection %08x cannot be used; it is dropped", teid);
		r.p->pool4 = r.p->pool6 = false;
		smf_pdn_discard(r.p);
		return 0;
	}
	smf_pdn_set_name(r.p);
	resume(r.p, &r);
	return 0;
}

int smf_persist_load(struct smf *s)
{
	int e = store_each(s->store, TABLE, load_one, s);

	return e ? e : (int)(s->n_pdns - s->n_ending);
}

/* --- the restart counter --- */

static int read_file(const char *file)
{
	FILE *f = fopen(file, "re");
	unsigned int n;
	int got;

	if (!f)
		return -1;
	got = fscanf(f, "%3u", &n);
	fclose(f);
	return got == 1 && n < 256 ? (int)n : -1;
}

static int write_file(const char *file, uint8_t counter)
{
	_cleanup_close_ int fd = open(file, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0640);
	char text[8];
	int n = snprintf(text, sizeof(text), "%u\n", counter);

	if (fd < 0 || write(fd, text, (size_t)n) != n || fsync(fd))
		return -errno;
	return 0;
}

static int get_state(struct smf *s, const char *key, uint64_t max, uint64_t *ret)
{
	_cleanup_free_ char *v = NULL;
	size_t len;
	int e = store_get(s->store, STATE_TABLE, str_of(key), &v, &len);

	return e ? e : str_to_u64((struct str){ v, len }, max, ret);
}

static int put_state(struct smf *s, const char *key, uint64_t v)
{
	char text[24];
	int n = snprintf(text, sizeof(text), "%" PRIu64, v);

	return store_put(s->store, STATE_TABLE, str_of(key), (struct str){ text, (size_t)n });
}

int smf_persist_counter(struct smf *s, const char *file)
{
	int known = read_file(file), e;
	uint64_t stored = 256;

	get_state(s, "restart-counter", 255, &stored);
	if (known < 0 && stored < 256)
		known = (int)stored;
	if (known >= 0 && (uint64_t)known == stored &&
	    !get_state(s, "since", UINT64_MAX, &s->since)) {
		s->restart_counter = (uint8_t)known;
		return 0;
	}
	/* Nothing is known of former starts: any number, but hardly the last one. */
	s->since = loop_wall(s->loop);
	s->restart_counter = known >= 0 ? (uint8_t)(known + 1) : (uint8_t)(s->since / USEC_PER_SEC);
	e = put_state(s, "restart-counter", s->restart_counter);
	if (!e)
		e = put_state(s, "since", s->since);
	if (!e)
		e = store_flush(s->store);
	return e ? e : write_file(file, s->restart_counter);
}
