// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * SA sets: four security associations of one UE, in XFRM and bound to the subscriber in kims.ko.
 *
 * TS 33.203 7.1 (parameters and selectors), 7.2 (SPIs that differ from the UE's), 7.4 (a new set
 * beside the old one), annex I (keys). Invariants: a set that is in memory is in the kernel; an
 * authenticated phone loses none to somebody who has not authenticated; keys
 * live on the stack of sa_new() only; SPIs are random, so that those of a run cannot be guessed
 * from those of the last, and the kernel refuses one that is taken.
 */
#include <sys/random.h>
#include <utlist.h>

#include "lib/aka/aka.h"
#include "pcscf/pcscf.h"

#define SPI_MIN	  0x1000u /* RFC 4303 2.1 reserves 1..255 */
#define SPI_TRIES 4

static int random_spi(uint32_t avoid_a, uint32_t avoid_b, uint32_t avoid_c, uint32_t *ret)
{
	uint32_t v;

	do {
		if (getrandom(&v, sizeof(v), 0) != sizeof(v))
			return -EIO;
	} while (v < SPI_MIN || v == avoid_a || v == avoid_b || v == avoid_c);
	*ret = v;
	return 0;
}

static const char *const role_names[SA_N_ROLES] = { "temporary", "established", "old" };

static void set_expired(struct timer *t)
{
	struct sa_set *s = container_of(t, struct sa_set, timer);
	struct reg *r = s->reg;

	log_info("%s: %s SAs (reqid %u) end", r->impi, role_names[s->role], s->reqid);
	sa_free(s);
	/* A registration that never came to be ends with its temporary set, by its own timer. */
}

void sa_to_kernel(const struct sa_set *s, struct xfrm_set *x, struct knl_sa_set *b)
{
	const struct reg *r = s->reg;

	*x = (struct xfrm_set){
		.reqid = s->reqid,
		.our = r->gm->addr,
		.peer = r->ue,
		.our_port_c = s->port_pc,
		.our_port_s = s->port_ps,
		.peer_port_c = s->port_uc,
		.peer_port_s = s->port_us,
		.our_spi_c = s->spi_pc,
		.our_spi_s = s->spi_ps,
		.peer_spi_c = s->spi_uc,
		.peer_spi_s = s->spi_us,
		.tunnel = s->nat,
		.our_encap_port = s->nat ? GM_ENCAP_PORT : 0,
		.peer_encap_port = s->nat ? s->nat_port : 0,
	};
	if (!b)
		return;
	*b = (struct knl_sa_set){
		.id = s->knl_id,
		.ue_id = r->id,
		.ue = r->ue,
		.local = r->gm->addr,
		.port_uc = s->port_uc,
		.port_us = s->port_us,
		.port_pc = s->port_pc,
		.port_ps = s->port_ps,
		.spi_uc = s->spi_uc,
		.spi_us = s->spi_us,
		.spi_pc = s->spi_pc,
		.spi_ps = s->spi_ps,
		.reqid = s->reqid,
		.gtpu_session = s->tunnel,
	};
	str_copy(b->label, sizeof(b->label), str_of(r->impi));
}

/* Lengths of keys as the functions return them; -EIO. */
static int set_auth(struct xfrm_set *x, enum sec_alg alg, const uint8_t ck[16],
		    const uint8_t ik[16])
{
	int n = 0;

	switch (alg) {
	case SEC_ALG_NONE:
		x->auth = XFRM_AUTH_NONE;
		break;
	case SEC_HMAC_MD5_96:
		x->auth = XFRM_AUTH_MD5_96;
		n = aka_key_md5(ik, x->auth_key);
		break;
	case SEC_HMAC_SHA_1_96:
		x->auth = XFRM_AUTH_SHA1_96;
		n = aka_key_sha1(ik, x->auth_key);
		break;
	case SEC_AES_GMAC:
		x->auth = XFRM_AUTH_AES_GMAC;
		n = aka_key_gmac(ck, ik, x->auth_key);
		break;
	}
	x->auth_key_len = (size_t)MAX(n, 0);
	return MIN(n, 0);
}

static int set_enc(struct xfrm_set *x, enum sec_ealg ealg, const uint8_t ck[16],
		   const uint8_t ik[16])
{
	int n = 0;

	switch (ealg) {
	case SEC_EALG_NULL:
		x->enc = XFRM_ENC_NULL;
		break;
	case SEC_AES_CBC:
		x->enc = XFRM_ENC_AES_CBC;
		n = aka_key_aes(ck, x->enc_key);
		break;
	case SEC_DES_EDE3_CBC:
		x->enc = XFRM_ENC_DES3_CBC;
		n = aka_key_des3(ck, x->enc_key);
		break;
	case SEC_AES_GCM:
		x->enc = XFRM_ENC_AES_GCM;
		n = aka_key_gcm(ck, ik, x->enc_key);
		break;
	}
	x->enc_key_len = (size_t)MAX(n, 0);
	return MIN(n, 0);
}

/* The kernel may know an SPI that we do not, of another program: then others are tried. */
static int install(struct sa_set *s, const uint8_t ck[16], const uint8_t ik[16])
{
	struct pcscf *p = s->p;
	struct knl_sa_set b;
	struct xfrm_set x = { 0 };
	int r = -EEXIST;

	if (p->kops->tunnel_of && !s->nat) /* behind a NAT the address is not the UE's */
		s->tunnel = p->kops->tunnel_of(p->karg, &s->reg->ue);
	for (int i = 0; i < SPI_TRIES && r == -EEXIST; i++) {
		r = random_spi(s->spi_uc, s->spi_us, 0, &s->spi_ps);
		if (!r)
			r = random_spi(s->spi_uc, s->spi_us, s->spi_ps, &s->spi_pc);
		if (r < 0)
			break;
		sa_to_kernel(s, &x, &b);
		r = set_auth(&x, s->alg, ck, ik);
		if (!r)
			r = set_enc(&x, s->ealg, ck, ik);
		if (!r)
			r = p->kops->set_add(p->karg, &x, &b, &s->knl_id);
	}
	aka_wipe(&x, sizeof(x));
	return r;
}

static uint32_t next_reqid(struct pcscf *p)
{
	if (p->next_reqid < KERN_REQID_MIN || p->next_reqid >= KERN_REQID_MAX)
		p->next_reqid = KERN_REQID_MIN;
	return p->next_reqid++;
}

/* The first of our ports that none of the UE's sets has with that one of the UE's; 0: none. */
static uint16_t free_port(const struct reg *r, uint16_t ue_port, const struct gm_ep *eps, size_t n)
{
	struct gm_key k;

	for (size_t i = 0; i < n; i++) {
		gm_key_make(&k, &r->ue, ue_port, eps[i].port, 0);
		if (!gm_bind_find(r->p, &k))
			return eps[i].port;
	}
	return 0;
}

static int choose_ports(const struct reg *r, struct sa_set *s)
{
	s->port_ps = free_port(r, s->port_uc, r->gm->ps, GM_N_PS);
	s->port_pc = free_port(r, s->port_us, r->gm->pc, GM_N_PC);
	return s->port_ps && s->port_pc ? 0 : -EADDRINUSE;
}

int sa_attach(struct sa_set *s)
{
	struct reg *r = s->reg;
	int e;

	s->at_ps.reg = s->at_pc.reg = r;
	s->at_ps.set = s->at_pc.set = s;
	gm_key_make(&s->at_ps.key, &r->ue, s->port_uc, s->port_ps, 0);
	gm_key_make(&s->at_pc.key, &r->ue, s->port_us, s->port_pc, 0);
	s->timer.fn = set_expired;
	e = gm_bind_add(s->p, &s->at_ps);
	if (e)
		return e;
	e = gm_bind_add(s->p, &s->at_pc);
	if (e)
		gm_bind_del(s->p, &s->at_ps);
	else if (s->nat)
		DL_APPEND2(s->p->nat_sets, s, nat_prev, nat_next);
	return e;
}

static void detach(struct sa_set *s)
{
	gm_bind_del(s->p, &s->at_ps);
	gm_bind_del(s->p, &s->at_pc);
	if (s->nat)
		DL_DELETE2(s->p->nat_sets, s, nat_prev, nat_next);
}

/* Until its first packet says more: that of its other set, or a NAT that keeps ports. */
static uint16_t first_nat_port(const struct reg *r)
{
	return r->set[SA_CUR] && r->set[SA_CUR]->nat ? r->set[SA_CUR]->nat_port : GM_ENCAP_PORT;
}

int sa_new(struct reg *r, const struct sec_mech *ue, const struct sec_list *client,
	   const uint8_t ck[16], const uint8_t ik[16], struct sa_set **ret)
{
	struct sa_set *s = calloc(1, sizeof(*s));
	int e = -ENOMEM;

	if (!s)
		return -ENOMEM;
	s->p = r->p;
	s->reg = r;
	s->role = SA_TEMP;
	s->reqid = next_reqid(r->p);
	s->port_uc = ue->port_c;
	s->port_us = ue->port_s;
	s->spi_uc = ue->spi_c;
	s->spi_us = ue->spi_s;
	s->alg = ue->alg;
	s->ealg = ue->ealg;
	s->nat = ue->udp_tunnel;
	s->nat_port = first_nat_port(r);
	s->client = sec_list_dup(client);
	if (s->client)
		e = choose_ports(r, s);
	if (!e)
		e = sa_attach(s);
	if (e < 0)
		goto fail;
	e = install(s, ck, ik);
	if (e < 0) {
		detach(s);
		goto fail;
	}
	*ret = s;
	return 0;
fail:
	free(s->client);
	free(s);
	return e;
}

void sa_forget(struct sa_set *s)
{
	if (!s)
		return;
	timer_stop(s->p->loop, &s->timer);
	detach(s);
	if (s->reg->set[s->role] == s)
		s->reg->set[s->role] = NULL;
	free(s->client);
	free(s);
}

static void close_between(struct sa_set *s, const struct gm_ep *eps, size_t n, uint16_t port,
			  uint16_t ue_port)
{
	union sip_sa peer;

	gm_sa_of(&s->reg->ue, ue_port, &peer);
	for (size_t i = 0; i < n; i++)
		if (eps[i].port == port)
			sip_tp_close_peer(s->p->tp, eps[i].ep, &peer);
}

/*
 * TCP connections do not outlive their set: their next segment would wait for an SA for ever. They
 * are the set's by both ports; other phones may share the address.
 */
static void close_connections(struct sa_set *s)
{
	const struct gm *gm = s->reg->gm;

	close_between(s, gm->ps, GM_N_PS, s->port_ps, s->port_uc);
	close_between(s, gm->pc, GM_N_PC, s->port_pc, s->port_us);
}

void sa_free(struct sa_set *s)
{
	struct knl_sa_stats st = { 0 };
	struct xfrm_set x;
	int r;

	if (!s)
		return;
	close_connections(s);
	sa_to_kernel(s, &x, NULL);
	r = s->p->kops->set_del(s->p->karg, &x, s->knl_id, &st);
	if (r < 0)
		log_warn("%s: SA set %u could not be removed: %s", s->reg->impi, s->knl_id,
			 s->p->kops->error(s->p->karg));
	log_info("%s: SAs (reqid %u) removed: %llu packets, %llu octets accepted, %llu dropped",
		 s->reg->impi, s->reqid, (unsigned long long)st.packets,
		 (unsigned long long)st.octets,
		 (unsigned long long)(st.drop_cleartext + st.drop_wrong_sa + st.drop_spoofed +
				      st.drop_other));
	sa_forget(s);
}

void sa_move(struct sa_set *s, enum sa_role role)
{
	struct reg *r = s->reg;

	if (s->role == role && r->set[role] == s)
		return;
	if (r->set[s->role] == s)
		r->set[s->role] = NULL;
	sa_free(r->set[role]);
	s->role = role;
	r->set[role] = s;
	if (role != SA_TEMP) {
		free(s->client);
		s->client = NULL;
	}
}

void sa_lifetime(struct sa_set *s, uint64_t seconds)
{
	struct xfrm_set x;

	s->expires = loop_wall(s->p->loop) + seconds * USEC_PER_SEC;
	timer_start(s->p->loop, &s->timer, seconds * USEC_PER_SEC);
	sa_to_kernel(s, &x, NULL);
	/* The kernel's own limit is a second later, so that it only matters when we are gone. */
	if (s->p->kops->set_lifetime(s->p->karg, &x, seconds + 1) < 0)
		log_warn("%s: lifetime of SAs (reqid %u): %s", s->reg->impi, s->reqid,
			 s->p->kops->error(s->p->karg));
}

struct sa_set *sa_by_reqid(struct reg *r, uint32_t reqid)
{
	for (int i = 0; i < SA_N_ROLES; i++)
		if (r->set[i] && r->set[i]->reqid == reqid)
			return r->set[i];
	return NULL;
}

/* --- sets that have the same address and ports of a UE --- */

/* The set, if any, that has this port of by's UE together with that one of ours. */
static struct sa_set *set_at(const struct reg *by, uint16_t ue_port, uint16_t our_port)
{
	struct gm_bind *b;
	struct gm_key k;

	gm_key_make(&k, &by->ue, ue_port, our_port, 0);
	b = gm_bind_find(by->p, &k);
	return b ? b->set : NULL;
}

/*
 * Who asks for room has proved nothing: the source address of a first REGISTER is anybody's. What
 * an authenticated phone uses therefore stays: its established set, a temporary one of its
 * re-authentication, and its old one until it uses the established.
 */
static bool is_dispensable(const struct sa_set *s, const struct reg *by)
{
	const struct reg *r = s->reg;

	if (r->fsm.state != REG_REGISTERED)
		return true;
	return s->role == SA_OLD && (r == by || (r->set[SA_CUR] && r->set[SA_CUR]->used));
}

static int make_room(const struct reg *by, uint16_t ue_port, const struct gm_ep *eps, size_t n)
{
	struct sa_set *s, *victim = NULL;

	for (size_t i = 0; i < n; i++) {
		s = set_at(by, ue_port, eps[i].port);
		if (!s)
			return 0;
		if (!victim && is_dispensable(s, by))
			victim = s;
	}
	if (!victim) {
		log_notice("%s: no SAs: its address and port %u are in use under others' SAs",
			   by->impi, ue_port);
		return -EADDRINUSE;
	}
	log_notice("%s: SAs (reqid %u) give way: %s negotiates the same ports at the same address",
		   victim->reg->impi, victim->reqid, by->impi);
	sa_free(victim);
	return 0;
}

int sa_make_room(const struct reg *by, const struct sec_mech *m)
{
	int r = make_room(by, m->port_c, by->gm->ps, GM_N_PS);

	return r ? r : make_room(by, m->port_s, by->gm->pc, GM_N_PC);
}

static void oust(const struct sa_set *s, uint16_t ue_port, const struct gm_ep *eps, size_t n)
{
	struct sa_set *o;
	struct reg *r;

	for (size_t i = 0; i < n; i++) {
		o = set_at(s->reg, ue_port, eps[i].port);
		if (!o || o->reg == s->reg)
			continue;
		r = o->reg;
		log_notice("%s: SAs (reqid %u) end: %s has authenticated with the same ports at "
			   "the same address",
			   r->impi, o->reqid, s->reg->impi);
		sa_free(o);
		if (r->fsm.state == REG_REGISTERED && !r->set[SA_CUR])
			reg_leave(r, "its address and ports are another phone's now");
	}
}

/* Phones behind one NAT share its address: there the same ports prove nothing (annex M.7). */
void sa_oust(struct sa_set *s)
{
	if (s->nat)
		return;
	oust(s, s->port_uc, s->reg->gm->ps, GM_N_PS);
	oust(s, s->port_us, s->reg->gm->pc, GM_N_PC);
}

static struct sa_set *nat_set_of(struct pcscf *p, const struct knl_event *e)
{
	struct sa_set *s;

	for (s = p->nat_sets; s; s = s->nat_next)
		if ((s->spi_ps == e->spi || s->spi_pc == e->spi) &&
		    gm_addr_eq(&s->reg->gm->addr, &e->dst.addr))
			return s;
	return NULL;
}

void sa_mapped(struct pcscf *p, const struct knl_event *e)
{
	struct sa_set *s = nat_set_of(p, e);
	struct xfrm_set x;

	if (!s || s->nat_port == e->src.port)
		return;
	/* The SAs are bound to the address: the phone must register anew. */
	if (!gm_addr_eq(&s->reg->ue, &e->src.addr)) {
		log_info("%s: the NAT has another address for it", s->reg->impi);
		return;
	}
	log_info("%s: ESP comes from port %u of its NAT", s->reg->impi, e->src.port);
	s->nat_port = e->src.port;
	sa_to_kernel(s, &x, NULL);
	if (p->kops->set_encap(p->karg, &x) < 0)
		log_warn("%s: port of SAs (reqid %u): %s", s->reg->impi, s->reqid,
			 p->kops->error(p->karg));
	persist_reg(s->reg);
}

static struct sa_set *set_by_spi(struct pcscf *p, const char *impi, uint32_t spi)
{
	struct reg *r;

	for (r = reg_by_impi(p, str_of(impi)); r; r = r->impi_next)
		for (int i = 0; i < SA_N_ROLES; i++)
			if (r->set[i] && (r->set[i]->spi_ps == spi || r->set[i]->spi_pc == spi))
				return r->set[i];
	return NULL;
}

/*
 * The session that the address belongs to now is the UE's, whatever it was: the user plane lets no other one use
 * the address. A packet by anybody else's is what the check is for.
 */
void sa_wrong_tunnel(struct pcscf *p, const struct knl_event *e)
{
	struct sa_set *s = set_by_spi(p, e->sa_label, e->spi);
	struct knl_sa_set b;
	struct xfrm_set x;

	if (!s || s->nat || !p->kops->tunnel_of || !e->gtpu_session ||
	    p->kops->tunnel_of(p->karg, &s->reg->ue) != e->gtpu_session)
		return;
	s->tunnel = e->gtpu_session;
	sa_to_kernel(s, &x, &b);
	if (p->kops->set_rebind(p->karg, &b) < 0)
		log_warn("%s: SA set %u stays bound to its former tunnel: %s", s->reg->impi,
			 s->knl_id, p->kops->error(p->karg));
	else
		log_info("%s: SA set %u follows its UE into another tunnel", s->reg->impi,
			 s->knl_id);
}
