// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Endpoints of Gm and Mw; who may enter by which door.
 *
 * TS 33.203 7.1 (ports, which way answers go), TS 24.229 5.2.2.1 (only REGISTER without SAs),
 * 5.2.6.3.1 (a request is the UE's whose SA it came by), RFC 3261 18.1.1 (long requests by TCP).
 * Invariant: a binding is in the table exactly as long as its SA set or unprotected registration.
 */
#include <arpa/inet.h>

#include "pcscf/pcscf.h"

#define REFUSALS_PER_S 100
#define REFUSALS_BURST 200

void gm_addr_of(const union sip_sa *sa, struct xfrm_addr *ret)
{
	memset(ret, 0, sizeof(*ret));
	ret->family = sa->sa.sa_family;
	if (sa->sa.sa_family == AF_INET)
		ret->v4 = ((const struct sockaddr_in *)sa)->sin_addr;
	else if (sa->sa.sa_family == AF_INET6)
		ret->v6 = ((const struct sockaddr_in6 *)sa)->sin6_addr;
}

void gm_sa_of(const struct xfrm_addr *a, uint16_t port, union sip_sa *ret)
{
	memset(ret, 0, sizeof(*ret));
	ret->sa.sa_family = a->family;
	if (a->family == AF_INET)
		((struct sockaddr_in *)ret)->sin_addr = a->v4;
	else if (a->family == AF_INET6)
		((struct sockaddr_in6 *)ret)->sin6_addr = a->v6;
	sip_sa_set_port(ret, port);
}

bool gm_addr_eq(const struct xfrm_addr *a, const struct xfrm_addr *b)
{
	if (a->family != b->family)
		return false;
	if (a->family == AF_INET)
		return a->v4.s_addr == b->v4.s_addr;
	return !memcmp(&a->v6, &b->v6, sizeof(a->v6));
}

const char *gm_addr_str(const struct xfrm_addr *a, char buf[SIP_SA_STRLEN])
{
	if (!inet_ntop(a->family, &a->v4, buf, SIP_SA_STRLEN))
		snprintf(buf, SIP_SA_STRLEN, "?");
	return buf;
}

/* --- bindings --- */

uint32_t gm_id_hash(const char *canon)
{
	uint32_t h = 2166136261u;

	for (; *canon; canon++)
		h = (h ^ (uint8_t)*canon) * 16777619u;
	return h ? h : 1;
}

void gm_key_make(struct gm_key *k, const struct xfrm_addr *ue, uint16_t ue_port, uint16_t our_port,
		 uint32_t id)
{
	memset(k, 0, sizeof(*k));
	if (ue->family == AF_INET)
		memcpy(k->addr, &ue->v4, sizeof(ue->v4));
	else
		memcpy(k->addr, &ue->v6, sizeof(ue->v6));
	k->ue_port = ue_port;
	k->our_port = our_port;
	k->id = id;
}

struct gm_bind *gm_bind_find(struct pcscf *p, const struct gm_key *k)
{
	struct gm_bind *b;

	HASH_FIND(hh, p->binds, k, sizeof(*k), b);
	return b;
}

int gm_bind_add(struct pcscf *p, struct gm_bind *b)
{
	if (gm_bind_find(p, &b->key))
		return -EEXIST;
	HASH_ADD(hh, p->binds, key, sizeof(b->key), b);
	return 0;
}

void gm_bind_del(struct pcscf *p, struct gm_bind *b)
{
	if (gm_bind_find(p, &b->key) == b)
		HASH_DEL(p->binds, b);
}

/* Several phones may sit behind one unprotected source: the From says which. */
static struct gm_bind *lookup_open(struct pcscf *p, const struct sip_msg *m, struct gm_key *k)
{
	struct sip_name_addr na;
	struct gm_bind *b;
	char canon[256];

	if (!sip_name_addr_parse(sip_msg_value(m, SIP_H_FROM), &na) &&
	    !sip_uri_canon(na.uri, canon, sizeof(canon))) {
		k->id = gm_id_hash(canon);
		b = gm_bind_find(p, k);
		if (b)
			return b;
	}
	k->id = 0;
	return gm_bind_find(p, k);
}

struct gm_bind *gm_lookup(struct pcscf *p, const struct sip_msg *m, const struct sip_path *from)
{
	const struct gm_ep *e = sip_ep_user(from->ep);
	struct xfrm_addr ue;
	struct gm_key k;

	gm_addr_of(&from->peer, &ue);
	if (e->kind == EP_GM_OPEN) { /* without SAs a phone may open connections from any port */
		gm_key_make(&k, &ue, 0, e->port, 0);
		return lookup_open(p, m, &k);
	}
	gm_key_make(&k, &ue, sip_sa_port(&from->peer), e->port, 0);
	return gm_bind_find(p, &k);
}

/* --- admission --- */

/* Refusing is work that a flood must not buy: a bucket bounds it, the rest is dropped unanswered. */
static bool may_refuse(struct pcscf *p)
{
	uint64_t now = loop_now(p->loop), add;

	add = (now - p->refuse_stamp) * REFUSALS_PER_S / USEC_PER_SEC;
	if (add) {
		p->refuse_tokens = MIN(p->refuse_tokens + add, (uint64_t)REFUSALS_BURST);
		p->refuse_stamp = now;
	}
	if (!p->refuse_tokens)
		return false;
	p->refuse_tokens--;
	return true;
}

METRIC_COUNTER(m_not_admitted, "kims_pcscf_gm_refused_total",
	       "requests on Gm of nobody who is registered");

static int not_admitted(struct pcscf *p, const struct sip_msg *m, const struct sip_path *from,
			const char **ret_reason)
{
	char who[SIP_SA_STRLEN];

	metric_register(&m_not_admitted);
	metric_inc(&m_not_admitted);
	if (sip_msg_method(m) == SIP_M_ACK || !may_refuse(p))
		return -1;
	log_notice("%s: %.*s at %s refused with 403: no registration from there",
		   sip_sa_str(&from->peer, who), STR_FMT(sip_msg_method_name(m)),
		   sip_ep_name(from->ep));
	*ret_reason = "Forbidden - Not Registered Here";
	return 403;
}

METRIC_COUNTER(m_untrusted, "kims_pcscf_mw_untrusted_total",
	       "requests on Mw from outside of the trust domain");

/* TS 24.229 4.4: a phone that sends to Mw could assert what it likes. */
static int admit_mw(struct pcscf *p, const struct sip_path *from)
{
	char who[SIP_SA_STRLEN];

	if (conf_trusts(p->conf, &from->peer.sa))
		return 0;
	metric_register(&m_untrusted);
	metric_inc(&m_untrusted);
	log_info("%s: request on Mw from outside of the trust domain dropped",
		 sip_sa_str(&from->peer, who));
	return -1;
}

int gm_admit(void *arg, struct sip_msg *m, const struct sip_path *from, const char **ret_reason)
{
	const struct gm_ep *e = sip_ep_user(from->ep);
	struct pcscf *p = arg;
	struct gm_bind *b;

	p->admit_msg = NULL;
	if (e->kind == EP_MW)
		return admit_mw(p, from);
	b = gm_lookup(p, m, from);
	p->admit_msg = m;
	p->admit_bind = b;
	if (e->kind == EP_GM_OPEN && sip_msg_method(m) == SIP_M_REGISTER)
		return 0;
	if (!b || b->reg->fsm.state == REG_GONE)
		return not_admitted(p, m, from, ret_reason);
	return 0;
}

/* --- ways --- */

static struct sip_ep *ps_of(const struct gm *gm, uint16_t port)
{
	for (size_t i = 0; i < GM_N_PS; i++)
		if (gm->ps[i].port == port)
			return gm->ps[i].ep;
	return gm->ps[0].ep;
}

static struct sip_ep *pc_of(const struct gm *gm, uint16_t port)
{
	for (size_t i = 0; i < GM_N_PC; i++)
		if (gm->pc[i].port == port)
			return gm->pc[i].ep;
	return gm->pc[0].ep;
}

bool gm_reply_path(void *arg, struct sip_msg *m, const struct sip_path *from, struct sip_path *ret)
{
	const struct gm_ep *e = sip_ep_user(from->ep);
	const struct gm_bind *b;

	if (from->proto != SIP_UDP || e->kind != EP_GM_PS)
		return false;
	b = gm_lookup(arg, m, from); /* not admission's find: m may not have come so far */
	if (!b || !b->set)
		return false;
	*ret = (struct sip_path){ .ep = pc_of(b->reg->gm, b->set->port_pc), .proto = SIP_UDP };
	gm_sa_of(&b->reg->ue, b->set->port_us, &ret->peer);
	return true;
}

void gm_path_to(const struct reg *r, size_t size, struct sip_path *ret,
		const union sip_sa **ret_sentby)
{
	const struct sa_set *s = r->set[SA_CUR] ? r->set[SA_CUR] : r->set[SA_TEMP];

	memset(ret, 0, sizeof(*ret));
	*ret_sentby = NULL;
	ret->proto = r->proto;
	if (!r->ipsec) { /* the source that registered is all that is known: back the way it came */
		ret->ep = r->gm->open.ep;
		ret->conn = r->conn;
		gm_sa_of(&r->ue, r->ue_port, &ret->peer);
		return;
	}
	if (!s) /* its SAs are gone: no endpoint, so that nothing is ever sent unprotected */
		return;
	if (size > GM_TCP_SIZE)
		ret->proto = SIP_TCP;
	ret->ep = pc_of(r->gm, s->port_pc);
	gm_sa_of(&r->ue, s->port_us, &ret->peer);
	*ret_sentby = sip_ep_local(ps_of(r->gm, s->port_ps));
}

static bool is_our_host(const struct pcscf *p, struct str host)
{
	struct str mw = str_of(p->mw_uri);

	for (size_t i = 0; i < p->n_gm; i++) {
		struct str h = str_of(p->gm[i].host);

		if (h.n && h.p[0] == '[')
			h = (struct str){ h.p + 1, h.n - 2 };
		if (str_ieq(h, host))
			return true;
	}
	if (str_ieqz(host, p->name))
		return true;
	mw.n = (size_t)((const char *)memrchr(mw.p, ':', mw.n) - mw.p);
	if (mw.n && mw.p[0] == '[')
		mw = (struct str){ mw.p + 1, mw.n - 2 };
	return str_ieq(mw, host);
}

static bool is_protected(const struct gm *gm, uint16_t port)
{
	for (size_t i = 0; i < GM_N_PS; i++)
		if (gm->ps[i].port == port)
			return true;
	for (size_t i = 0; i < GM_N_PC; i++)
		if (gm->pc[i].port == port)
			return true;
	return false;
}

bool gm_is_me(void *arg, const struct sip_uri *u)
{
	const struct pcscf *p = arg;
	uint16_t port = u->port ? u->port : 5060;

	if (u->is_tel || !is_our_host(p, u->host))
		return false;
	if (port == p->mw.port)
		return true;
	return p->n_gm && (port == p->gm[0].open.port || is_protected(&p->gm[0], port));
}

/* --- opening --- */

static int open_ep(struct pcscf *p, struct gm_ep *e, const char *name, const struct conf_addr *a,
		   char *err, size_t errsize)
{
	struct sip_ep_opts o = { .name = name, .tcp = true, .user = e };
	char addr[SIP_SA_STRLEN];
	int r;

	conf_sockaddr(a, e->port, &o.local.ss);
	o.bind_source = e->kind == EP_GM_PC;
	o.fleeting = e->kind == EP_GM_PC || e->kind == EP_GM_PS;
	r = sip_ep_open(p->tp, &o, &e->ep);
	if (r < 0)
		snprintf(err, errsize, "cannot open %s for %s: %s", sip_sa_str(&o.local, addr),
			 name, strerror(-r));
	return r;
}

/* The numbers of the protected ports: see the head of gm.h. */
static void number_protected(struct gm *gm, const struct conf_pcscf *c)
{
	for (uint16_t i = 0; i < GM_N_PS; i++)
		gm->ps[i] = (struct gm_ep){ EP_GM_PS, (uint16_t)(c->port_ps + i), gm, NULL };
	for (uint16_t i = 0; i < GM_N_PC; i++)
		gm->pc[i] = (struct gm_ep){ EP_GM_PC, (uint16_t)(c->port_pc - i), gm, NULL };
}

static int open_protected(struct pcscf *p, struct gm *gm, const struct conf_addr *a, char *err,
			  size_t errsize)
{
	static const char *const ps_names[GM_N_PS] = { "gm-ps", "gm-ps2" };
	static const char *const pc_names[GM_N_PC] = { "gm-pc", "gm-pc2" };
	int r = 0;

	for (size_t i = 0; i < GM_N_PS && !r; i++)
		r = open_ep(p, &gm->ps[i], ps_names[i], a, err, errsize);
	for (size_t i = 0; i < GM_N_PC && !r; i++)
		r = open_ep(p, &gm->pc[i], pc_names[i], a, err, errsize);
	return r;
}

static int guard_port(struct pcscf *p, const struct gm *gm, uint16_t port, char *err,
		      size_t errsize)
{
	int r = p->kops->port_add(p->karg, &gm->addr, port);

	if (r < 0)
		snprintf(err, errsize, "cannot protect port %u of %s: %s", port, gm->host,
			 p->kops->error(p->karg));
	return r;
}

static int guard(struct pcscf *p, const struct gm *gm, char *err, size_t errsize)
{
	int r = 0;

	for (size_t i = 0; i < GM_N_PS && r >= 0; i++)
		r = guard_port(p, gm, gm->ps[i].port, err, errsize);
	for (size_t i = 0; i < GM_N_PC && r >= 0; i++)
		r = guard_port(p, gm, gm->pc[i].port, err, errsize);
	return MIN(r, 0);
}

/* Without it phones behind a NAT stay out, and no others. */
static void open_encap(struct pcscf *p, struct gm *gm)
{
	int r;

	if (!p->kops->encap_open)
		return;
	r = p->kops->encap_open(p->karg, &gm->addr, GM_ENCAP_PORT);
	gm->encap = !r;
	if (r < 0)
		log_notice("no ESP in UDP at %s port %u: %s", gm->host, GM_ENCAP_PORT,
			   strerror(-r));
}

static int open_family(struct pcscf *p, const struct conf_addr *a, char *err, size_t errsize)
{
	const struct conf_pcscf *c = &p->conf->pcscf;
	struct gm *gm = &p->gm[p->n_gm];
	union sip_sa sa;
	int r;

	if (a->family == AF_UNSPEC)
		return 0;
	conf_sockaddr(a, c->gm_port, &sa.ss);
	gm_addr_of(&sa, &gm->addr);
	sip_sa_host_str(&sa, gm->host);
	p->n_gm++;
	if (p->kops) { /* closed before anything listens behind it */
		number_protected(gm, c);
		r = guard(p, gm, err, errsize);
		if (!r)
			r = open_protected(p, gm, a, err, errsize);
		if (r < 0)
			return r;
		open_encap(p, gm);
	}
	gm->open = (struct gm_ep){ EP_GM_OPEN, c->gm_port, gm, NULL };
	return open_ep(p, &gm->open, "gm", a, err, errsize);
}

/* Every endpoint of the family that is open. */
static void each_ep(struct gm *gm, void (*fn)(void *arg, struct sip_ep *ep), void *arg)
{
	if (gm->open.ep)
		fn(arg, gm->open.ep);
	for (size_t i = 0; i < GM_N_PS; i++)
		if (gm->ps[i].ep)
			fn(arg, gm->ps[i].ep);
	for (size_t i = 0; i < GM_N_PC; i++)
		if (gm->pc[i].ep)
			fn(arg, gm->pc[i].ep);
}

static void set_timers(void *arg, struct sip_ep *ep)
{
	const struct pcscf *p = arg;
	const struct conf_pcscf *c = &p->conf->pcscf;
	const struct sip_timers t = { c->gm_t1_ms, c->gm_t2_ms, c->gm_t4_ms };

	sip_stack_set_timers(p->stack, ep, &t);
}

int gm_open(struct pcscf *p, char *err, size_t errsize)
{
	const struct conf_pcscf *c = &p->conf->pcscf;
	int r;

	/* Mw first: sip_tp_ep_for() takes the first endpoint of a family for what goes to the core. */
	p->mw = (struct gm_ep){ EP_MW, c->mw_port, NULL, NULL };
	r = open_ep(p, &p->mw, "mw", &c->mw, err, errsize);
	if (r < 0)
		return r;
	sip_sa_str(sip_ep_local(p->mw.ep), p->mw_uri);
	r = open_family(p, &c->gm4, err, errsize);
	if (!r)
		r = open_family(p, &c->gm6, err, errsize);
	if (r < 0)
		return r;
	for (size_t i = 0; i < p->n_gm; i++)
		each_ep(&p->gm[i], set_timers, p);
	return 0;
}

static void close_ep(void *arg _unused_, struct sip_ep *ep)
{
	sip_ep_close(ep);
}

/* Ports stay guarded in the kernel: between two runs nobody enters unprotected. */
void gm_close(struct pcscf *p)
{
	for (size_t i = 0; i < p->n_gm; i++)
		each_ep(&p->gm[i], close_ep, NULL);
	if (p->mw.ep)
		sip_ep_close(p->mw.ep);
}
