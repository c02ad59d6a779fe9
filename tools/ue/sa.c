// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * SA sets of a phone: offer, choice, installation, removal (TS 33.203 7.1-7.4, annexes H and I;
 * RFC 3329 2.2, 2.3).
 *
 * Invariants: from the offer until the endpoints are closed a blocking policy stands behind the SAs'
 * policies, so that nothing leaves in the clear from a protected port. Connections end by RST before
 * their SAs: the kernel would repeat a FIN when SAs, policies and this process are gone.
 *
 * SPIs and ports are random, unused ones. reqids are unique in the process and differ between
 * processes, because phones of several processes may share a namespace.
 */
#include "sa.h"

#include <stdio.h>
#include <sys/random.h>

#include "keys.h"
#include "lib/aka/aka.h"
#include "lib/core/log.h"
#include "phone.h"

#define PORT_MIN 32768
#define PORT_MAX 60999
#define SPI_MIN	 0x1000
#define TRIES	 64

static uint32_t random_between(uint32_t min, uint32_t max)
{
	uint32_t v = 0;

	if (getrandom(&v, sizeof(v), 0) != sizeof(v))
		v = (uint32_t)rand();
	return min + v % (max - min + 1);
}

static uint32_t next_reqid(void)
{
	static uint32_t count;

	return 0x40000000u | ((uint32_t)getpid() & 0x3fff) << 16 | (++count & 0xffff);
}

/* --- offer --- */

static int open_ep(struct phone *p, const char *name, struct sip_ep **ret)
{
	struct sip_ep_opts o = { .name = name,
				 .local = p->local,
				 .tcp = true,
				 .bind_source = true,
				 .fleeting = true,
				 .rcvbuf = 1 << 18,
				 .user = p };
	int r = -EADDRINUSE;

	for (int i = 0; i < TRIES && r == -EADDRINUSE; i++) {
		sip_sa_set_port(&o.local, (uint16_t)random_between(PORT_MIN, PORT_MAX));
		r = phone_open_ep(p, &o, ret);
	}
	return r;
}

/* Without an SA nothing may leave from or reach a protected port. */
static int guard(struct sa_set *s)
{
	int r = knl_xfrm_guard_add(s->phone->xfrm, &s->x.our, s->x.our_port_c);

	return r ? r : knl_xfrm_guard_add(s->phone->xfrm, &s->x.our, s->x.our_port_s);
}

static int free_spi(struct phone *p, const struct xfrm_addr *our, uint32_t not, uint32_t *ret)
{
	for (int i = 0; i < TRIES; i++) {
		uint32_t spi = random_between(SPI_MIN, UINT32_MAX - 1);
		int r = spi == not ? -EEXIST : knl_xfrm_spi_free(p->xfrm, our, spi);

		if (!r) {
			*ret = spi;
			return 0;
		}
		if (r != -EEXIST)
			return r;
	}
	return -EEXIST;
}

static void to_xfrm_addr(const union sip_sa *a, struct xfrm_addr *ret)
{
	ret->family = a->sa.sa_family;
	if (ret->family == AF_INET)
		ret->v4 = ((const struct sockaddr_in *)a)->sin_addr;
	else
		ret->v6 = ((const struct sockaddr_in6 *)a)->sin6_addr;
}

/* A re-registration changes the client port and keeps the server port, so that contact and dialogs stay (7.1). */
static int open_both(struct sa_set *s)
{
	struct phone *p = s->phone;
	int r = open_ep(p, "uc", &s->ep_c);

	if (r || !p->current || p->conf.new_port_us)
		return r ? r : open_ep(p, "us", &s->ep_s);
	s->ep_s = p->current->ep_s;
	return 0;
}

struct sa_set *sa_find(const struct phone *p, const struct sip_path *from)
{
	for (struct sa_set *s = p->sets; s; s = s->next) {
		if (s->ep_c == from->ep || (s->ep_s == from->ep && s->installed &&
					    sip_sa_port(&s->pc) == sip_sa_port(&from->peer)))
			return s;
	}
	return NULL;
}

int sa_offer(struct phone *p, struct sa_set **ret, char *err, size_t errsize)
{
	struct sa_set *s = calloc(1, sizeof(*s));
	int r;

	if (!s)
		return -ENOMEM;
	s->phone = p;
	to_xfrm_addr(&p->local, &s->x.our);
	s->next = p->sets;
	p->sets = s;
	r = open_both(s);
	if (!r) {
		s->us = *sip_ep_local(s->ep_s);
		s->x.reqid = next_reqid();
		s->x.our_port_c = sip_sa_port(sip_ep_local(s->ep_c));
		s->x.our_port_s = sip_sa_port(&s->us);
		r = free_spi(p, &s->x.our, 0, &s->x.our_spi_c);
	}
	if (!r)
		r = free_spi(p, &s->x.our, s->x.our_spi_c, &s->x.our_spi_s);
	if (!r)
		r = guard(s);
	if (r) {
		snprintf(err, errsize, "cannot prepare security associations: %s", strerror(-r));
		sa_free(s);
		return r;
	}
	*ret = s;
	return 0;
}

/* --- Security-Client --- */

typedef int (*combo_fn)(void *arg, enum sec_alg a, enum sec_ealg e);

static int each_ealg(struct str ealgs, enum sec_alg a, combo_fn fn, void *arg)
{
	struct str word;
	enum sec_ealg e;
	int r = 0;

	while (!r && str_split(&ealgs, ' ', &word)) {
		if (!sec_ealg_parse(word, &e) && sec_is_pair(a, e))
			r = fn(arg, a, e);
	}
	return r;
}

/* Calls fn for each offered combination, in order of preference, until it returns nonzero. */
static int each_combo(const struct phone_conf *c, combo_fn fn, void *arg)
{
	struct str algs = str_of(c->algs), word;
	enum sec_alg a;
	int r = 0;

	while (!r && str_split(&algs, ' ', &word)) {
		if (!sec_alg_parse(word, &a))
			r = each_ealg(str_of(c->ealgs), a, fn, arg);
	}
	return r;
}

struct client_writer {
	const struct sa_set *s;
	FILE *f;
	int n;
};

static int write_combo(void *arg, enum sec_alg a, enum sec_ealg e)
{
	struct client_writer *w = arg;
	struct sec_mech m = {
		.ipsec_3gpp = true,
		.alg = a,
		.ealg = e,
		.esp = true,
		.transport = true,
		.known = true,
		.spi_c = w->s->x.our_spi_c,
		.spi_s = w->s->x.our_spi_s,
		.port_c = w->s->x.our_port_c,
		.port_s = w->s->x.our_port_s,
	};
	char text[256];

	if (sec_mech_write(&m, text, sizeof(text)) < 0)
		return -ENOSPC;
	fprintf(w->f, "%s%s", w->n++ ? ", " : "", text);
	return 0;
}

char *sa_client_value(const struct sa_set *s)
{
	struct client_writer w = { .s = s };
	char *text = NULL;
	size_t n;

	w.f = open_memstream(&text, &n);
	if (!w.f)
		return NULL;
	each_combo(&s->phone->conf, write_combo, &w);
	if (fclose(w.f)) {
		free(text);
		return NULL;
	}
	return text;
}

/* --- choice --- */

struct offered {
	const struct sec_mech *m;
};

static int is_combo(void *arg, enum sec_alg a, enum sec_ealg e)
{
	const struct offered *o = arg;

	return o->m->alg == a && o->m->ealg == e;
}

static bool was_offered(const struct sa_set *s, const struct sec_mech *m)
{
	struct offered o = { m };

	return m->ipsec_3gpp && m->known && m->esp && m->transport &&
	       each_combo(&s->phone->conf, is_combo, &o);
}

static char *join_elements(struct sip_msg *m, enum sip_hdr id)
{
	struct sip_elem e = { 0 };
	char *text = NULL;
	size_t n;
	FILE *f = open_memstream(&text, &n);

	if (!f)
		return NULL;
	for (int i = 0; sip_msg_next_elem(m, id, &e); i++)
		fprintf(f, "%s%.*s", i ? ", " : "", STR_FMT(e.text));
	fclose(f);
	return text;
}

int sa_choose(struct sa_set *s, struct sip_msg *resp)
{
	const struct sec_mech *best = NULL;
	struct sec_list l;
	int r = sec_list_read(resp, SIP_H_SECURITY_SERVER, &l);

	if (r)
		return r;
	for (size_t i = 0; i < l.n; i++) {
		if (was_offered(s, &l.m[i]) && (!best || l.m[i].q_milli > best->q_milli))
			best = &l.m[i];
	}
	if (!best)
		return -EOPNOTSUPP;
	free(s->verify);
	s->verify = join_elements(resp, SIP_H_SECURITY_SERVER);
	if (!s->verify)
		return -ENOMEM;
	s->chosen = *best;
	s->ps = s->pc = s->phone->pcscf;
	sip_sa_set_port(&s->ps, best->port_s);
	sip_sa_set_port(&s->pc, best->port_c);
	return 0;
}

/* --- installation --- */

static int set_keys(struct xfrm_set *x, const struct sec_mech *m, const uint8_t ck[16],
		    const uint8_t ik[16])
{
	int n = 0;

	switch (m->alg) {
	case SEC_HMAC_MD5_96:
		x->auth = XFRM_AUTH_MD5_96;
		x->auth_key_len = (size_t)aka_key_md5(ik, x->auth_key);
		break;
	case SEC_HMAC_SHA_1_96:
		x->auth = XFRM_AUTH_SHA1_96;
		x->auth_key_len = (size_t)aka_key_sha1(ik, x->auth_key);
		break;
	case SEC_AES_GMAC:
		x->auth = XFRM_AUTH_AES_GMAC;
		n = aka_key_gmac(ck, ik, x->auth_key);
		x->auth_key_len = (size_t)MAX(n, 0);
		break;
	case SEC_ALG_NONE:
		x->auth = XFRM_AUTH_NONE;
		x->auth_key_len = 0;
		break;
	}
	switch (m->ealg) {
	case SEC_EALG_NULL:
		x->enc = XFRM_ENC_NULL;
		x->enc_key_len = 0;
		break;
	case SEC_AES_CBC:
		x->enc = XFRM_ENC_AES_CBC;
		x->enc_key_len = (size_t)aka_key_aes(ck, x->enc_key);
		break;
	case SEC_DES_EDE3_CBC:
		x->enc = XFRM_ENC_DES3_CBC;
		x->enc_key_len = (size_t)aka_key_des3(ck, x->enc_key);
		break;
	case SEC_AES_GCM:
		x->enc = XFRM_ENC_AES_GCM;
		n = aka_key_gcm(ck, ik, x->enc_key);
		x->enc_key_len = (size_t)MAX(n, 0);
		break;
	}
	return MIN(n, 0);
}

/*
 * The P-CSCF gives a port_pc to a new set only when the set that had it is gone at its end: ours of
 * that port is dead too, and its policies would stand in the way.
 */
static void drop_dead(struct sa_set *s)
{
	struct sa_set *i = s->phone->sets;

	while (i) {
		struct sa_set *next = i->next;

		if (i != s && i != s->phone->current && i->installed && i->ep_s == s->ep_s &&
		    i->x.peer_port_c == s->x.peer_port_c)
			sa_remove(i);
		i = next;
	}
}

int sa_install(struct sa_set *s, const uint8_t ck[16], const uint8_t ik[16], char *err,
	       size_t errsize)
{
	struct phone *p = s->phone;
	int r;

	to_xfrm_addr(&p->pcscf, &s->x.peer);
	s->x.peer_port_c = s->chosen.port_c;
	s->x.peer_port_s = s->chosen.port_s;
	s->x.peer_spi_c = s->chosen.spi_c;
	s->x.peer_spi_s = s->chosen.spi_s;
	r = set_keys(&s->x, &s->chosen, ck, ik);
	drop_dead(s);
	if (!r)
		r = knl_xfrm_set_add(p->xfrm, &s->x);
	if (r) {
		snprintf(err, errsize, "cannot install security associations: %s",
			 r == -EOPNOTSUPP ? "algorithm" : knl_xfrm_error(p->xfrm));
		return r;
	}
	s->installed = true;
	keys_write(p->ue->keys, &s->x, p->name);
	return 0;
}

struct sent {
	uint32_t spi;
	uint64_t packets;
};

static int look_for_spi(void *arg, const struct xfrm_state_info *i)
{
	struct sent *q = arg;

	if (i->spi == q->spi)
		q->packets = i->packets;
	return 0;
}

uint64_t sa_packets_sent(const struct sa_set *s)
{
	struct sent q = { .spi = s->x.peer_spi_s };

	knl_xfrm_dump(s->phone->xfrm, s->x.reqid, s->x.reqid, look_for_spi, &q);
	return q.packets;
}

/* --- end --- */

static void unlink_set(struct sa_set **list, struct sa_set *s)
{
	while (*list && *list != s)
		list = &(*list)->next;
	if (*list)
		*list = s->next;
}

static bool shares_server_port(const struct sa_set *list, const struct sa_set *s)
{
	for (; list; list = list->next) {
		if (list != s && list->ep_s == s->ep_s)
			return true;
	}
	return false;
}

static bool server_port_is_shared(const struct sa_set *s)
{
	return shares_server_port(s->phone->sets, s) || shares_server_port(s->phone->retired, s);
}

/* The guard last: closing resets connections that nobody accepted. */
static void close_port(struct sa_set *s, struct sip_ep *ep)
{
	uint16_t port;

	if (!ep)
		return;
	port = sip_sa_port(sip_ep_local(ep));
	sip_ep_close(ep);
	knl_xfrm_guard_del(s->phone->xfrm, &s->x.our, port);
}

void sa_destroy(struct sa_set *s)
{
	timer_stop(s->phone->ue->loop, &s->end);
	if (!server_port_is_shared(s))
		close_port(s, s->ep_s);
	close_port(s, s->ep_c);
	unlink_set(&s->phone->sets, s);
	unlink_set(&s->phone->retired, s);
	free(s->verify);
	aka_wipe(&s->x, sizeof(s->x));
	free(s);
}

static void on_destroy(struct timer *t)
{
	sa_destroy(container_of(t, struct sa_set, end));
}

/* They are the set's by both ports; another set may share port_us. */
void sa_close_connections(struct sa_set *s)
{
	struct sip_tp *tp = s->phone->ue->tp;

	if (!s->installed)
		return;
	sip_tp_close_peer(tp, s->ep_c, &s->ps);
	sip_tp_close_peer(tp, s->ep_s, &s->pc);
}

/* Transactions may still point at the endpoints: these stay, guarded, until the last one is over. */
void sa_remove(struct sa_set *s)
{
	struct phone *p = s->phone;

	phone_forget_set(p, s);
	if (!s->installed) {
		sa_destroy(s);
		return;
	}
	sa_close_connections(s);
	if (knl_xfrm_set_del(p->xfrm, &s->x))
		log_warn("%s: security associations not removed: %s", p->name,
			 knl_xfrm_error(p->xfrm));
	s->installed = false;
	aka_wipe(s->x.auth_key, sizeof(s->x.auth_key));
	aka_wipe(s->x.enc_key, sizeof(s->x.enc_key));
	unlink_set(&p->sets, s);
	s->next = p->retired;
	p->retired = s;
	s->end.fn = on_destroy;
	timer_start(p->ue->loop, &s->end, (64 * (uint64_t)p->conf.t1_ms + 5000) * USEC_PER_MSEC);
}

static void on_closed(struct timer *t)
{
	sa_remove(container_of(t, struct sa_set, end));
}

void sa_free(struct sa_set *s)
{
	if (!s)
		return;
	phone_forget_set(s->phone, s);
	if (!s->installed) {
		sa_destroy(s);
		return;
	}
	sa_close_connections(s);
	s->end.fn = on_closed;
	timer_start(s->phone->ue->loop, &s->end, SA_CLOSE_USEC);
}

static void on_end(struct timer *t)
{
	sa_free(container_of(t, struct sa_set, end));
}

void sa_free_later(struct sa_set *s, uint64_t usec)
{
	s->end.fn = on_end;
	timer_start(s->phone->ue->loop, &s->end, usec);
}
