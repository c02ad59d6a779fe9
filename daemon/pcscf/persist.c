// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What survives a restart: registrations with their SA sets, answered sessions with their flows.
 *
 * A record is lines of KEY=VALUE. Keys of the SAs are not in it: the kernel has them, and what it
 * has not any more is not believed. After reading back, what the kernel has and no record
 * claims is removed, so that neither side knows more than the other (TS 33.203 7.1: no SA without a
 * registration). What changes is written at the end of the loop's round, once however often it changed.
 * Invariant: what is dirty is in a list.
 */
#include <stdarg.h>
#include <utlist.h>

#include "pcscf/pcscf.h"

#define T_REG	  "registration"
#define T_SESSION "session"
#define T_RX	  "rx"
#define T_STATE	  "rxstate"

/* Numbers of our own requests go on well above what was written last. */
#define CSEQ_GAP 1000
/* Subscriptions of a whole network are renewed over so long. */
#define RESUBSCRIBE_SPREAD_S 30

struct rec {
	char b[8192];
	size_t n;
	bool over;
};

static void put(struct rec *r, const char *fmt, ...) _printf_(2, 3);
static void put(struct rec *r, const char *fmt, ...)
{
	va_list ap;
	int k;

	va_start(ap, fmt);
	k = str_vfmt(r->b + r->n, sizeof(r->b) - r->n, fmt, ap);
	va_end(ap);
	if (k < 0 || (size_t)k >= sizeof(r->b) - r->n)
		r->over = true;
	else
		r->n += (size_t)k;
}

static void put_str(struct rec *r, const char *key, const char *value)
{
	if (value)
		put(r, "%s=%s\n", key, value);
}

static void store_rec(struct pcscf *p, const char *table, const char *key, const struct rec *r)
{
	if (r->over || store_put(p->store, table, str_of(key), (struct str){ r->b, r->n }) < 0)
		log_warn("%s %s is not stored: %s", table, key,
			 r->over ? "too long" : store_error(p->store));
}

/* --- writing --- */

static void put_set(struct rec *rec, const struct sa_set *s)
{
	put(rec, "set=%d %u %u %u %u %u %u %u %u %u %d %d %d %llu %u %u\n", s->role, s->reqid,
	    s->knl_id, s->port_uc, s->port_us, s->port_pc, s->spi_uc, s->spi_us, s->spi_pc,
	    s->spi_ps, s->alg, s->ealg, s->used, (unsigned long long)s->expires, s->port_ps,
	    s->nat ? s->nat_port : 0);
}

static void put_access(struct rec *rec, const struct access *a)
{
	char uli[2 * sizeof(a->uli) + 1], zone[2 * sizeof(a->timezone) + 1];

	hex_encode(a->uli, a->n_uli, uli);
	hex_encode(a->timezone, a->n_timezone, zone);
	put(rec, "access=%d %d -%s -%s -%s\n", a->ip_can, a->rat, uli, zone, a->local_ip);
}

static void write_reg(struct reg *r)
{
	char addr[SIP_SA_STRLEN];
	struct rec rec;

	if (r->fsm.state != REG_REGISTERED)
		return;
	r->stored = true;
	rec.n = 0;
	rec.over = false;
	put_str(&rec, "impi", r->impi);
	put_str(&rec, "aor", r->aor);
	put_str(&rec, "contact", r->contact);
	put_str(&rec, "service-route", r->service_route);
	for (size_t i = 0; i < r->n_ids; i++)
		put_str(&rec, "id", r->ids[i].text);
	for (size_t i = REG_MAX_HOPS; i-- > 0;)
		put_str(&rec, "hop", r->hop[i]);
	put(&rec, "ue=%s %u\n", gm_addr_str(&r->ue, addr), r->ue_port);
	put(&rec, "way=%d %d %u\n", r->ipsec, r->proto, r->instance);
	put(&rec, "expires=%llu\n", (unsigned long long)r->expires);
	if (r->sub)
		put(&rec, "sub=%s %s\n", regevent_call_id(r), regevent_tag(r));
	if (r->access)
		put_access(&rec, r->access);
	for (int i = SA_CUR; i < SA_N_ROLES; i++)
		if (r->set[i])
			put_set(&rec, r->set[i]);
	store_rec(r->p, T_REG, r->token, &rec);
}

static void put_end(struct rec *rec, const struct knl_end *e)
{
	char addr[SIP_SA_STRLEN];

	put(rec, " %s %u", e->addr.family ? gm_addr_str(&e->addr, addr) : "-", e->port);
}

static void put_media(struct rec *rec, const struct session *s)
{
	for (int side = 0; side < 2; side++)
		for (size_t i = 0; s->alg.now[side] && i < s->alg.now[side]->n; i++) {
			const struct alg_media *m = &s->alg.now[side]->m[i];

			put(rec, "media=%d %zu %d %d %d %u", side, i, m->dir, m->carry, m->mux,
			    m->clock);
			put_end(rec, &m->rtp);
			put_end(rec, &m->rtcp);
			put(rec, "\n");
		}
	for (size_t i = 0; i < s->alg.n; i++) {
		const struct alg_stream *st = &s->alg.stream[i];

		put(rec, "stream=%u %u %u %u %u %u\n", st->port[0], st->port[1], st->flow[0].id,
		    st->flow[1].id, st->flow[2].id, st->flow[3].id);
	}
}

static void write_session(struct session *s)
{
	char priority[PRIORITY_LEN];
	struct rec rec;

	if (s->fsm.state != SES_CONFIRMED)
		return;
	s->stored = true;
	rec.n = 0;
	rec.over = false;
	put_str(&rec, "reg", s->reg->token);
	put_str(&rec, "icid", s->icid);
	put_str(&rec, "call-id", s->call_id);
	put_str(&rec, "caller", s->caller);
	put_str(&rec, "callee", s->callee);
	put_str(&rec, "caller-contact", s->caller_contact);
	put_str(&rec, "callee-contact", s->callee_contact);
	put_str(&rec, "record-route", s->record_route);
	put(&rec, "state=%d %u %u %u %u %llu\n", s->orig, s->caller_cseq, s->callee_cseq,
	    s->invite_cseq, s->session_expires_s, (unsigned long long)s->start);
	put_str(&rec, "priority", priority_write(s, priority));
	put_media(&rec, s);
	store_rec(s->p, T_SESSION, s->token, &rec);
}

/* --- when --- */

static void clean_reg(struct pcscf *p, struct reg *r)
{
	if (r->dirty)
		DL_DELETE2(p->dirty_regs, r, dirty_prev, dirty_next);
	r->dirty = false;
}

static void clean_session(struct session *s)
{
	if (s->dirty)
		DL_DELETE2(s->p->dirty_sessions, s, dirty_prev, dirty_next);
	s->dirty = false;
}

static void flush(void *arg)
{
	struct pcscf *p = arg;
	struct session *s;
	struct reg *r;

	if (!p->dirty_regs && !p->dirty_sessions)
		return;
	while ((r = p->dirty_regs)) {
		clean_reg(p, r);
		write_reg(r);
	}
	while ((s = p->dirty_sessions)) {
		clean_session(s);
		write_session(s);
	}
	store_flush(p->store); /* this round's end, not the next one's */
}

void persist_flush(struct pcscf *p)
{
	flush(p);
	loop_off_round_end(p->loop, flush, p);
}

static void flush_soon(struct pcscf *p)
{
	if (loop_on_round_end(p->loop, flush, p) < 0)
		flush(p);
}

void persist_reg(struct reg *r)
{
	if (!r->p->store || r->dirty)
		return;
	r->dirty = true;
	DL_APPEND2(r->p->dirty_regs, r, dirty_prev, dirty_next);
	flush_soon(r->p);
}

void persist_reg_gone(struct pcscf *p, struct reg *r)
{
	clean_reg(p, r);
	if (r->stored)
		store_del(p->store, T_REG, str_of(r->token));
	r->stored = false;
}

void persist_session(struct session *s)
{
	if (!s->p->store || s->dirty)
		return;
	s->dirty = true;
	DL_APPEND2(s->p->dirty_sessions, s, dirty_prev, dirty_next);
	flush_soon(s->p);
}

void persist_session_gone(struct session *s)
{
	clean_session(s);
	if (s->stored)
		store_del(s->p->store, T_SESSION, str_of(s->token));
	s->stored = false;
}

/* --- AF sessions --- */

static const char *const owner_names[] = { [RX_OF_NONE] = "none",
					   [RX_OF_SESSION] = T_SESSION,
					   [RX_OF_REG] = T_REG };

void persist_rx(struct rx_af *x)
{
	struct rec rec = { .n = 0 };

	if (!x->p->store)
		return;
	put(&rec, "owner=%s %llu\n", owner_names[x->owner], (unsigned long long)x->owner_id);
	put_str(&rec, "host", x->host);
	put_str(&rec, "realm", x->realm);
	store_rec(x->p, T_RX, x->id, &rec);
}

void persist_rx_now(struct rx_af *x)
{
	persist_rx(x);
	if (x->p->store)
		store_flush(x->p->store);
}

void persist_rx_gone(struct rx_af *x)
{
	if (x->p->store)
		store_del(x->p->store, T_RX, str_of(x->id));
}

uint32_t persist_rx_state(struct pcscf *p)
{
	uint32_t now = (uint32_t)(loop_wall(p->loop) / USEC_PER_SEC);
	_cleanup_free_ char *z = NULL;
	char text[16];
	uint64_t u;
	size_t n;

	if (!p->store)
		return 0;
	if (!store_get(p->store, T_STATE, STR("id"), &z, &n) &&
	    !str_to_u64((struct str){ z, n }, UINT32_MAX, &u) && u)
		return (uint32_t)u;
	snprintf(text, sizeof(text), "%u", now);
	if (store_put(p->store, T_STATE, STR("id"), str_of(text)) < 0)
		log_warn("Origin-State-Id is not stored: %s", store_error(p->store));
	return now;
}

/* --- what the kernel has --- */

struct inventory {
	struct pcscf *p;
	struct knl_sa_set *set;
	bool *set_claimed;
	size_t n_set;
	uint32_t *reqid; /* XFRM's */
	bool *reqid_claimed;
	size_t n_reqid;
	struct {
		uint32_t id;
		uint64_t cookie;
		bool claimed;
	} * flow;
	size_t n_flow;
	char (*dead)[REG_TOKEN_LEN + 1]; /* records to delete */
	size_t n_dead;
};

static int grow(void *slot, size_t n, size_t size)
{
	void **v = slot, *z;

	if (n & (n - 1)) /* room is a power of two: full only then */
		return 0;
	z = realloc(*v, (n ? 2 * n : 1) * size);
	if (!z)
		return -ENOMEM;
	*v = z;
	return 0;
}

static int note_set(void *arg, const struct knl_sa_set *s)
{
	struct inventory *v = arg;

	if (grow(&v->set, v->n_set, sizeof(*v->set)))
		return -ENOMEM;
	v->set[v->n_set++] = *s;
	return 0;
}

static int note_state(void *arg, const struct xfrm_state_info *i)
{
	struct inventory *v = arg;

	for (size_t k = v->n_reqid; k-- > 0 && k + 8 > v->n_reqid;) /* a set's SAs come together */
		if (v->reqid[k] == i->reqid)
			return 0;
	if (grow(&v->reqid, v->n_reqid, sizeof(*v->reqid)))
		return -ENOMEM;
	v->reqid[v->n_reqid++] = i->reqid;
	return 0;
}

static int note_flow(void *arg, const struct knl_rtp_flow *f)
{
	struct inventory *v = arg;

	if (grow(&v->flow, v->n_flow, sizeof(*v->flow)))
		return -ENOMEM;
	v->flow[v->n_flow].id = f->id;
	v->flow[v->n_flow].cookie = f->cookie;
	v->flow[v->n_flow++].claimed = false;
	return 0;
}

static int by_u32(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return x < y ? -1 : x > y;
}

static int take_inventory(struct inventory *v)
{
	struct pcscf *p = v->p;
	int r;

	if (!p->kops)
		return 0;
	r = p->kops->set_dump(p->karg, note_set, v);
	if (!r)
		r = p->kops->xfrm_dump(p->karg, note_state, v);
	if (!r)
		r = p->kops->rtp_dump(p->karg, note_flow, v);
	if (r < 0)
		return r;
	/* ids and reqids are the first members: sorted, so that each is found in log n */
	if (v->n_set)
		qsort(v->set, v->n_set, sizeof(*v->set), by_u32);
	if (v->n_reqid)
		qsort(v->reqid, v->n_reqid, sizeof(*v->reqid), by_u32);
	if (v->n_flow)
		qsort(v->flow, v->n_flow, sizeof(*v->flow), by_u32);
	v->set_claimed = calloc(v->n_set + 1, 1);
	v->reqid_claimed = calloc(v->n_reqid + 1, 1);
	return v->set_claimed && v->reqid_claimed ? 0 : -ENOMEM;
}

static ssize_t find_u32(uint32_t key, const void *base, size_t n, size_t size)
{
	const char *hit = n ? bsearch(&key, base, n, size, by_u32) : NULL;

	return hit ? (ssize_t)((size_t)(hit - (const char *)base) / size) : -1;
}

/* The kernel still has this set, in both of its halves, as it was written. */
static bool claim_set(struct inventory *v, const struct sa_set *s)
{
	ssize_t i = find_u32(s->knl_id, v->set, v->n_set, sizeof(*v->set));
	ssize_t x = find_u32(s->reqid, v->reqid, v->n_reqid, sizeof(*v->reqid));

	if (i < 0 || x < 0 || v->set[i].reqid != s->reqid || v->set[i].ue_id != s->reg->id ||
	    v->set[i].spi_ps != s->spi_ps || v->set[i].spi_pc != s->spi_pc)
		return false;
	v->set_claimed[i] = true;
	v->reqid_claimed[x] = true;
	return true;
}

static bool claim_flow(struct inventory *v, uint32_t id, uint64_t cookie)
{
	ssize_t i = find_u32(id, v->flow, v->n_flow, sizeof(*v->flow));

	if (i < 0 || v->flow[i].cookie != cookie)
		return false;
	v->flow[i].claimed = true;
	return true;
}

/* --- reading --- */

static bool next_line(struct str *rest, struct str *key, struct str *value)
{
	struct str line;
	const char *eq;

	while (str_split(rest, '\n', &line)) {
		eq = line.n ? memchr(line.p, '=', line.n) : NULL;
		if (!eq)
			continue;
		*key = (struct str){ line.p, (size_t)(eq - line.p) };
		*value = (struct str){ eq + 1, line.n - key->n - 1 };
		return true;
	}
	return false;
}

static struct str value_of(struct str record, const char *name)
{
	struct str k, v;

	while (next_line(&record, &k, &v))
		if (str_eqz(k, name))
			return v;
	return (struct str){ NULL, 0 };
}

/* Line by line into a buffer of its own, since sscanf() needs its NUL. */
static bool text_of(struct str v, char *dst, size_t size)
{
	return v.n && !str_copy(dst, size, v);
}

static void die_later(struct inventory *v, struct str key)
{
	if (key.n != REG_TOKEN_LEN || grow(&v->dead, v->n_dead, sizeof(*v->dead)))
		return;
	str_copy(v->dead[v->n_dead++], sizeof(*v->dead), key);
}

static void bury(struct inventory *v, const char *table)
{
	for (size_t i = 0; i < v->n_dead; i++)
		store_del(v->p->store, table, str_of(v->dead[i]));
	v->n_dead = 0;
}

static int load_set(struct inventory *v, struct reg *r, struct str value)
{
	unsigned long long expires;
	struct sa_set *s;
	char line[256];
	unsigned int u[9], port_ps = r->gm->ps[0].port, nat_port = 0; /* absent in old records */
	int role, alg, ealg, used;

	if (!text_of(value, line, sizeof(line)) ||
	    sscanf(line, "%d %u %u %u %u %u %u %u %u %u %d %d %d %llu %u %u", &role, &u[0], &u[1],
		   &u[2], &u[3], &u[4], &u[5], &u[6], &u[7], &u[8], &alg, &ealg, &used, &expires,
		   &port_ps, &nat_port) < 14 ||
	    role < 0 || role >= SA_N_ROLES || r->set[role])
		return -EINVAL;
	s = calloc(1, sizeof(*s));
	if (!s)
		return -ENOMEM;
	*s = (struct sa_set){ .p = r->p,
			      .reg = r,
			      .role = (enum sa_role)role,
			      .reqid = u[0],
			      .knl_id = u[1],
			      .port_uc = (uint16_t)u[2],
			      .port_us = (uint16_t)u[3],
			      .port_pc = (uint16_t)u[4],
			      .port_ps = (uint16_t)port_ps,
			      .nat = nat_port != 0,
			      .nat_port = (uint16_t)nat_port,
			      .spi_uc = u[5],
			      .spi_us = u[6],
			      .spi_pc = u[7],
			      .spi_ps = u[8],
			      .alg = (enum sec_alg)alg,
			      .ealg = (enum sec_ealg)ealg,
			      .used = used,
			      .expires = expires };
	if (!v->p->kops || expires <= loop_wall(r->p->loop) || !claim_set(v, s) || sa_attach(s)) {
		free(s);
		return -ESTALE;
	}
	r->set[role] = s;
	timer_start(r->p->loop, &s->timer, expires - loop_wall(r->p->loop));
	if (s->reqid >= r->p->next_reqid)
		r->p->next_reqid = s->reqid + 1;
	return 0;
}

static void load_lists(struct inventory *v, struct reg *r, struct str record)
{
	struct str k, val;

	while (next_line(&record, &k, &val)) {
		if (str_eqz(k, "set"))
			load_set(v, r, val);
		else if (str_eqz(k, "id"))
			reg_add_identity(r, val);
		else if (str_eqz(k, "hop"))
			reg_learn_hop(r, val);
	}
}

static const struct gm *gm_of(struct pcscf *p, sa_family_t family)
{
	for (size_t i = 0; i < p->n_gm; i++)
		if (p->gm[i].addr.family == family)
			return &p->gm[i];
	return NULL;
}

static int load_args(struct pcscf *p, struct str record, struct reg_new_args *a, union sip_sa *ue)
{
	char line[128], addr[64];
	unsigned int port, instance;
	int ipsec, proto;

	if (!text_of(value_of(record, "ue"), line, sizeof(line)) ||
	    sscanf(line, "%63s %u", addr, &port) != 2 || sip_sa_parse(addr, (uint16_t)port, ue))
		return -EINVAL;
	if (!text_of(value_of(record, "way"), line, sizeof(line)) ||
	    sscanf(line, "%d %d %u", &ipsec, &proto, &instance) != 3)
		return -EINVAL;
	a->gm = gm_of(p, ue->sa.sa_family);
	a->ue = ue;
	a->ipsec = ipsec;
	a->proto = proto ? SIP_TCP : SIP_UDP;
	a->instance = instance;
	a->impi = value_of(record, "impi");
	a->contact = value_of(record, "contact");
	return a->gm && a->impi.n && a->contact.n ? 0 : -EINVAL;
}

/* All at once would be a flood: they are spread, and until then the old dialogs are heard. */
static void load_sub(struct reg *r, struct str record)
{
	char line[128], call_id[40], tag[17];
	bool old = text_of(value_of(record, "sub"), line, sizeof(line)) &&
		   sscanf(line, "%39s %16s", call_id, tag) == 2;

	regevent_subscribe(r, r->id % (RESUBSCRIBE_SPREAD_S * USEC_PER_SEC), old ? call_id : NULL,
			   old ? tag : NULL);
}

static uint8_t load_octets(const char *hex, uint8_t *dst, size_t size)
{
	int n = hex_decode(str_of(hex), dst, size);

	return n < 0 ? 0 : (uint8_t)n;
}

static void load_access(struct reg *r, struct str value)
{
	char line[256], uli[80], zone[16], ip[48];
	struct access *a;
	int ip_can, rat;

	if (!text_of(value, line, sizeof(line)) ||
	    sscanf(line, "%d %d %79s %15s %47s", &ip_can, &rat, uli, zone, ip) != 5)
		return;
	a = r->access = calloc(1, sizeof(*a));
	if (!a)
		return;
	a->ip_can = ip_can;
	a->rat = rat;
	a->n_uli = load_octets(uli + 1, a->uli, sizeof(a->uli));
	a->n_timezone = load_octets(zone + 1, a->timezone, sizeof(a->timezone));
	snprintf(a->local_ip, sizeof(a->local_ip), "%s", ip + 1);
}

static int load_reg(struct inventory *v, struct str key, struct str record)
{
	char token[REG_TOKEN_LEN + 1], aor[256];
	struct reg_new_args a = { 0 };
	struct str expires = value_of(record, "expires");
	union sip_sa ue;
	struct reg *r;
	uint64_t until;
	int e;

	if (str_copy(token, sizeof(token), key) ||
	    !text_of(value_of(record, "aor"), aor, sizeof(aor)) ||
	    str_to_u64(expires, UINT64_MAX, &until) || until <= loop_wall(v->p->loop))
		return -ESTALE;
	a.token = token;
	a.aor = aor;
	e = load_args(v->p, record, &a, &ue);
	if (!e)
		e = reg_new(v->p, &a, &r);
	if (e < 0)
		return e;
	r->expires = until;
	r->stored = true;
	reg_clear_identities(r);
	load_lists(v, r, record);
	load_access(r, value_of(record, "access"));
	if (value_of(record, "service-route").n)
		r->service_route = str_dup(value_of(record, "service-route"));
	if (r->ipsec ? !r->set[SA_CUR] : reg_bind_open(r) < 0) {
		reg_free(r); /* the kernel has lost its SAs: the UE must register anew */
		return -ESTALE;
	}
	fsm_event(&r->fsm, REG_EV_ACCEPTED, NULL);
	load_sub(r, record);
	return 0;
}

static int each_reg(void *arg, struct str key, struct str record)
{
	if (load_reg(arg, key, record) < 0)
		die_later(arg, key);
	return 0;
}

static void load_end(const char *addr, unsigned int port, struct knl_end *e)
{
	union sip_sa sa;

	memset(e, 0, sizeof(*e));
	if (sip_sa_parse(addr, (uint16_t)port, &sa))
		return;
	gm_addr_of(&sa, &e->addr);
	e->port = (uint16_t)port;
}

static int load_media(struct session *s, struct str value)
{
	char line[256], a[64], b[64];
	unsigned int pa, pb, clock;
	int side, dir, carry, mux;
	struct alg_desc *d;
	size_t i;

	if (!text_of(value, line, sizeof(line)) ||
	    sscanf(line, "%d %zu %d %d %d %u %63s %u %63s %u", &side, &i, &dir, &carry, &mux,
		   &clock, a, &pa, b, &pb) != 10 ||
	    side < 0 || side > 1 || i >= SDP_MEDIA_MAX)
		return -EINVAL;
	d = realloc(s->alg.now[side], sizeof(*d) + (i + 1) * sizeof(d->m[0]));
	if (!d)
		return -ENOMEM;
	if (!s->alg.now[side])
		d->n = 0;
	while (d->n <= i)
		d->m[d->n++] = (struct alg_media){ .carry = CARRY_NONE };
	s->alg.now[side] = d;
	d->n = i + 1;
	d->n_text = 0;
	d->m[i].dir = (enum sdp_dir)dir;
	d->m[i].carry = (enum alg_carry)carry;
	d->m[i].mux = mux;
	d->m[i].clock = clock;
	load_end(a, pa, &d->m[i].rtp);
	load_end(b, pb, &d->m[i].rtcp);
	return 0;
}

static int load_stream(struct inventory *v, struct session *s, struct str value)
{
	struct alg_stream *st;
	unsigned int u[6];
	char line[128];

	if (!text_of(value, line, sizeof(line)) ||
	    sscanf(line, "%u %u %u %u %u %u", &u[0], &u[1], &u[2], &u[3], &u[4], &u[5]) != 6 ||
	    s->alg.n >= SDP_MEDIA_MAX)
		return -EINVAL;
	st = reallocarray(s->alg.stream, s->alg.n + 1, sizeof(*st));
	if (!st)
		return -ENOMEM;
	s->alg.stream = st;
	st += s->alg.n++;
	*st = (struct alg_stream){ .port = { (uint16_t)u[0], (uint16_t)u[1] } };
	for (int k = 0; k < FLOW_N; k++)
		if (u[2 + k] && claim_flow(v, u[2 + k], s->id))
			st->flow[k].id = u[2 + k];
	return 0;
}

static int load_strings(struct session *s, struct str record)
{
	unsigned long long start;
	char line[128];
	unsigned int u[4];
	int orig;

	if (!text_of(value_of(record, "state"), line, sizeof(line)) ||
	    sscanf(line, "%d %u %u %u %u %llu", &orig, &u[0], &u[1], &u[2], &u[3], &start) != 6)
		return -EINVAL;
	s->orig = orig;
	s->caller_cseq = u[0] + CSEQ_GAP;
	s->callee_cseq = u[1] + CSEQ_GAP;
	s->invite_cseq = u[2];
	s->session_expires_s = u[3];
	s->start = start;
	str_copy(s->icid, sizeof(s->icid), value_of(record, "icid"));
	s->call_id = str_dup(value_of(record, "call-id"));
	s->caller = str_dup(value_of(record, "caller"));
	s->callee = str_dup(value_of(record, "callee"));
	s->caller_contact = str_dup(value_of(record, "caller-contact"));
	s->callee_contact = str_dup(value_of(record, "callee-contact"));
	s->record_route = str_dup(value_of(record, "record-route"));
	priority_read(s, value_of(record, "priority"));
	return s->call_id && s->caller && s->callee && s->caller_contact && s->callee_contact &&
			       s->record_route
		       ? 0
		       : -ENOMEM;
}

static int load_session(struct inventory *v, struct str key, struct str record)
{
	struct reg *r = reg_by_token(v->p, value_of(record, "reg"));
	struct str rest = record, k, val;
	struct session *s;
	uint64_t start;

	if (!r)
		return -ESTALE;
	s = calloc(1, sizeof(*s));
	if (!s)
		return -ENOMEM;
	s->p = v->p;
	s->reg = r;
	s->stored = true;
	if (str_copy(s->token, sizeof(s->token), key) || reg_token_parse(key, &s->id) ||
	    load_strings(s, record) < 0 || session_attach(s) < 0) {
		session_forget(s);
		return -EINVAL;
	}
	while (next_line(&rest, &k, &val)) {
		if (str_eqz(k, "media"))
			load_media(s, val);
		else if (str_eqz(k, "stream"))
			load_stream(v, s, val);
	}
	start = s->start;
	fsm_init(&s->fsm, &session_fsm, v->p->loop, SES_EARLY, s->token);
	fsm_event(&s->fsm, SES_EV_ANSWERED, NULL);
	s->start = start;
	session_restored(s);
	return 0;
}

static int each_session(void *arg, struct str key, struct str record)
{
	if (load_session(arg, key, record) < 0)
		die_later(arg, key);
	return 0;
}

static void load_rx(struct rx *rx, struct str id, struct str record)
{
	struct str v = value_of(record, "owner"), word;
	enum rx_owner owner = RX_OF_NONE;
	uint64_t owner_id = 0;

	if (str_split(&v, ' ', &word)) {
		for (size_t i = 0; i < ARRAY_SIZE(owner_names); i++)
			if (str_eqz(word, owner_names[i]))
				owner = (enum rx_owner)i;
		str_to_u64(v, UINT64_MAX, &owner_id);
	}
	rx_restore(rx, id, value_of(record, "host"), value_of(record, "realm"), owner, owner_id);
}

static int each_rx(void *arg, struct str key, struct str record)
{
	load_rx(arg, key, record);
	return 0;
}

/* --- leftovers --- */

static void flush_set(struct pcscf *p, const struct knl_sa_set *b)
{
	struct xfrm_set x = { .reqid = b->reqid,
			      .our = b->local,
			      .peer = b->ue,
			      .our_port_c = b->port_pc,
			      .our_port_s = b->port_ps,
			      .peer_port_c = b->port_uc,
			      .peer_port_s = b->port_us,
			      .our_spi_c = b->spi_pc,
			      .our_spi_s = b->spi_ps,
			      .peer_spi_c = b->spi_uc,
			      .peer_spi_s = b->spi_us };
	struct knl_sa_stats st;

	p->kops->set_del(p->karg, &x, b->id, &st);
}

static size_t flush_leftovers(struct inventory *v)
{
	struct pcscf *p = v->p;
	size_t n = 0;

	for (size_t i = 0; i < v->n_set; i++)
		if (!v->set_claimed[i]) {
			flush_set(p, &v->set[i]);
			n++;
		}
	for (size_t i = 0; i < v->n_reqid; i++)
		if (!v->reqid_claimed[i]) {
			p->kops->xfrm_flush(p->karg, v->reqid[i]);
			n++;
		}
	for (size_t i = 0; i < v->n_flow; i++)
		if (!v->flow[i].claimed) {
			struct knl_rtp_stats st;

			p->kops->rtp_del(p->karg, v->flow[i].id, &st);
			n++;
		}
	return n;
}

void persist_load(struct pcscf *p)
{
	struct inventory v = { .p = p };
	size_t gone = 0;

	if (take_inventory(&v) < 0) {
		log_err("cannot read back what the kernel has: %s", p->kops->error(p->karg));
	} else {
		if (p->store) {
			store_each(p->store, T_REG, each_reg, &v);
			bury(&v, T_REG);
			store_each(p->store, T_SESSION, each_session, &v);
			bury(&v, T_SESSION);
			if (p->rx)
				store_each(p->store, T_RX, each_rx, p->rx);
		}
		if (p->kops)
			gone = flush_leftovers(&v);
	}
	if (p->regs || gone)
		log_notice(
			"%u registrations and %u sessions read back; %zu leftovers removed from the kernel",
			HASH_CNT(hh_id, p->regs), HASH_COUNT(p->sessions), gone);
	free(v.set);
	free(v.set_claimed);
	free(v.reqid);
	free(v.reqid_claimed);
	free(v.flow);
	free(v.dead);
}
