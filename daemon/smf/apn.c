// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * APNs and pools of UE addresses; see apn.h.
 *
 * A pool numbers its addresses: the host part of IPv4, the bits between prefix and 64 of IPv6. One bit says that it is
 * taken or waits in the ring of freed ones; a number says how often it is reserved: somebody's, whether he is there or not.
 *
 * Invariant: one that is reserved does not wait.
 */
#include "smf/apn.h"

#include <arpa/inet.h>
#include <stdio.h>

#define REUSE_S 30

struct smf_freed {
	uint32_t index;
	uint64_t at; /* usec: when it may be given away again */
};

/* --- pools --- */

static bool bit_of(const uint8_t *bits, uint32_t i)
{
	return bits[i / 8] >> i % 8 & 1;
}

static void set_bit(uint8_t *bits, uint32_t i, bool on)
{
	uint8_t bit = (uint8_t)(1 << i % 8);

	if (on)
		bits[i / 8] |= bit;
	else
		bits[i / 8] &= (uint8_t)~bit;
}

static bool is_new(const struct smf_pool *p, uint32_t i)
{
	return !bit_of(p->taken, i) && !p->reserved[i];
}

static uint64_t high_of(const struct conf_addr *a)
{
	uint64_t v = 0;

	if (a->family == AF_INET)
		return ntohl(a->v4.s_addr);
	for (int i = 0; i < 8; i++)
		v = v << 8 | a->v6.s6_addr[i];
	return v;
}

static void from_high(struct conf_addr *a, sa_family_t family, uint64_t v)
{
	*a = (struct conf_addr){ .family = family };
	if (family == AF_INET) {
		a->v4.s_addr = htonl((uint32_t)v);
		return;
	}
	for (int i = 8; i--; v >>= 8)
		a->v6.s6_addr[i] = (uint8_t)v;
}

bool smf_pool_has(const struct smf_pool *p, const struct conf_addr *a)
{
	return smf_pool_exists(p) && a->family == p->prefix.addr.family &&
	       high_of(a) - high_of(&p->prefix.addr) < p->n;
}

static uint32_t index_of(const struct smf_pool *p, const struct conf_addr *a)
{
	return (uint32_t)(high_of(a) - high_of(&p->prefix.addr));
}

static int from_freed(struct smf_pool *p, uint64_t now, uint32_t *ret)
{
	const struct smf_freed *f = &p->freed[p->first_freed];

	if (!p->n_freed || f->at > now)
		return -ENOSPC;
	*ret = f->index;
	p->first_freed = (p->first_freed + 1) % p->max_freed;
	p->n_freed--;
	return 0;
}

int smf_pool_get(struct smf_pool *p, uint64_t now, struct conf_addr *ret)
{
	uint32_t i;

	if (!smf_pool_exists(p))
		return -ENOSPC;
	while (p->next < p->n && !is_new(p, p->next))
		p->next++;
	if (p->next < p->n) {
		i = p->next++;
		set_bit(p->taken, i, true);
	} else if (from_freed(p, now, &i)) {
		return -ENOSPC;
	}
	p->n_taken++;
	from_high(ret, p->prefix.addr.family, high_of(&p->prefix.addr) + i);
	return 0;
}

/* Out of the ring; the others keep their order. */
static bool unwait(struct smf_pool *p, uint32_t index)
{
	bool found = false;

	for (uint32_t i = 0; i < p->n_freed; i++) {
		struct smf_freed *f = &p->freed[(p->first_freed + i) % p->max_freed];

		if (found)
			p->freed[(p->first_freed + i - 1) % p->max_freed] = *f;
		found = found || f->index == index;
	}
	if (found)
		p->n_freed--;
	return found;
}

int smf_pool_take_back(struct smf_pool *p, const struct conf_addr *a)
{
	uint32_t i;

	if (!smf_pool_has(p, a))
		return -EADDRNOTAVAIL;
	i = index_of(p, a);
	if (bit_of(p->taken, i) && !unwait(p, i))
		return -EADDRINUSE;
	set_bit(p->taken, i, true);
	p->n_taken++;
	return 0;
}

int smf_pool_take(struct smf_pool *p, const struct conf_addr *a)
{
	if (smf_pool_has(p, a) && p->reserved[index_of(p, a)])
		return -EADDRINUSE;
	return smf_pool_take_back(p, a);
}

void smf_pool_reserve(struct smf_pool *p, const struct conf_addr *a)
{
	uint32_t i;

	if (!smf_pool_has(p, a))
		return;
	i = index_of(p, a);
	if (p->reserved[i] < UINT16_MAX)
		p->reserved[i]++;
	if (unwait(p, i))
		set_bit(p->taken, i, false);
}

/* Room for one more that waits: the ring grows with the use of the pool. -ENOMEM. */
static int grow_freed(struct smf_pool *p)
{
	uint32_t n = p->max_freed ? p->max_freed * 2 : 64;
	struct smf_freed *f;

	if (p->n_freed < p->max_freed)
		return 0;
	f = calloc(n, sizeof(*f));
	if (!f)
		return -ENOMEM;
	for (uint32_t i = 0; i < p->n_freed; i++)
		f[i] = p->freed[(p->first_freed + i) % p->max_freed];
	free(p->freed);
	p->freed = f;
	p->max_freed = n;
	p->first_freed = 0;
	return 0;
}

void smf_pool_put(struct smf_pool *p, uint64_t now, const struct conf_addr *a)
{
	uint32_t i;

	if (!smf_pool_has(p, a))
		return;
	i = index_of(p, a);
	p->n_taken--;
	if (p->reserved[i]) {
		set_bit(p->taken, i, false);
		return;
	}
	if (grow_freed(p)) { /* no memory: it is free at once, and the search starts at it again */
		set_bit(p->taken, i, false);
		p->next = MIN(p->next, i);
		return;
	}
	p->freed[(p->first_freed + p->n_freed++) % p->max_freed] =
		(struct smf_freed){ .index = i, .at = now + p->reuse_usec };
}

void smf_pool_unreserve(struct smf_pool *p, uint64_t now, const struct conf_addr *a)
{
	uint16_t *n = smf_pool_has(p, a) ? &p->reserved[index_of(p, a)] : NULL;

	if (!n || !*n || *n == UINT16_MAX) /* so many were not counted: it stays */
		return;
	if (!--*n && !smf_pool_take_back(p, a))
		smf_pool_put(p, now, a);
}

static int pool_init(struct smf_pool *p)
{
	bool v4 = p->prefix.addr.family == AF_INET;
	unsigned int bits = (v4 ? 32 : 64) - p->prefix.bits;

	if (p->prefix.bits > (v4 ? 32 : 64))
		return -EINVAL;
	p->n = bits > 20 ? SMF_POOL_MAX : 1u << bits;
	p->taken = calloc(1, p->n / 8 + 1);
	p->reserved = calloc(p->n, sizeof(*p->reserved));
	if (!p->taken || !p->reserved)
		return -ENOMEM;
	if (p->n > 2) {
		p->next = 1;
		set_bit(p->taken, 0, true);
	}
	if (v4 && bits <= 20 && p->n > 2)
		set_bit(p->taken, p->n - 1, true);
	return 0;
}

/* --- configuration --- */

struct reader {
	struct smf_apn *apn;
	uint64_t reuse_s;
	char *err;
	size_t size;
};

static int bad(struct reader *r, struct str word, const char *why)
{
	snprintf(r->err, r->size, "APN %s: \"%.*s\" %s", r->apn->name, STR_FMT(word), why);
	return -EINVAL;
}

static int read_addr(struct str s, struct conf_addr *ret)
{
	char z[INET6_ADDRSTRLEN];

	if (str_copy(z, sizeof(z), s) || conf_addr_parse(z, ret) || ret->family == AF_UNSPEC)
		return -EINVAL;
	return 0;
}

static int read_pool(struct str s, sa_family_t family, struct smf_pool *p)
{
	struct str addr = { NULL, 0 };
	uint64_t bits;

	if (smf_pool_exists(p) || !str_split(&s, '/', &addr) || !s.p ||
	    read_addr(addr, &p->prefix.addr) || p->prefix.addr.family != family ||
	    str_to_u64(s, family == AF_INET ? 32 : 64, &bits))
		return -EINVAL;
	p->prefix.bits = (unsigned int)bits;
	if (family == AF_INET && bits < 32) /* the network's address, whatever the host part says */
		p->prefix.addr.v4.s_addr &= bits ? htonl(~(UINT32_MAX >> bits)) : 0;
	return pool_init(p);
}

static int add_server(const struct conf_addr *a, struct in_addr *v4, uint8_t *n4,
		      struct in6_addr *v6, uint8_t *n6)
{
	if (a->family == AF_INET && *n4 < SMF_SERVERS_MAX)
		v4[(*n4)++] = a->v4;
	else if (a->family == AF_INET6 && *n6 < SMF_SERVERS_MAX)
		v6[(*n6)++] = a->v6;
	else
		return -ENOSPC;
	return 0;
}

static int read_servers(struct smf_apn *apn, struct str list, bool pcscf)
{
	struct conf_addr a;
	struct str one;
	int e = 0;

	while (!e && str_split(&list, ',', &one)) {
		e = read_addr(one, &a);
		if (!e && pcscf)
			e = add_server(&a, apn->pcscf4, &apn->n_pcscf4, apn->pcscf6,
				       &apn->n_pcscf6);
		else if (!e)
			e = add_server(&a, apn->dns4, &apn->n_dns4, apn->dns6, &apn->n_dns6);
	}
	return e;
}

static int read_statics(struct smf_apn *apn, struct str list)
{
	struct smf_static *s;
	struct str one, imsi;

	while (str_split(&list, ',', &one)) {
		s = reallocarray(apn->statics, apn->n_statics + 1, sizeof(*s));
		if (!s)
			return -ENOMEM;
		apn->statics = s;
		s += apn->n_statics;
		if (!str_split(&one, ':', &imsi) || !one.p || !imsi.n ||
		    str_copy(s->imsi, sizeof(s->imsi), imsi) || read_addr(one, &s->addr))
			return -EINVAL;
		apn->n_statics++;
	}
	return 0;
}

static int read_word(struct reader *r, struct str word)
{
	struct smf_apn *a = r->apn;
	struct str value = word, key = { NULL, 0 };
	uint64_t n = 0;
	int e = -EINVAL;

	str_split(&value, '=', &key);
	if (str_eqz(word, "emergency")) {
		a->emergency = true;
		return 0;
	}
	if (!value.p)
		return bad(r, word, "is not known");
	if (str_eqz(key, "pool"))
		e = read_pool(value, AF_INET, &a->pool4);
	else if (str_eqz(key, "pool6"))
		e = read_pool(value, AF_INET6, &a->pool6);
	else if (str_eqz(key, "pcscf") || str_eqz(key, "dns"))
		e = read_servers(a, value, str_eqz(key, "pcscf"));
	else if (str_eqz(key, "static"))
		e = read_statics(a, value);
	else if (str_eqz(key, "instance"))
		e = str_copy(a->instance, sizeof(a->instance), value);
	else if (str_eqz(key, "reuse"))
		e = str_to_u64(value, 86400, &r->reuse_s);
	else if (str_eqz(key, "mtu"))
		e = str_to_u64(value, UINT16_MAX, &n);
	else
		return bad(r, word, "is not known");
	if (n)
		a->mtu = (uint16_t)n;
	return e == -ENOMEM ? e : e ? bad(r, word, "cannot be read") : 0;
}

static void reserve(struct smf_apn *a)
{
	for (size_t i = 0; i < a->n_statics; i++) {
		struct conf_addr *addr = &a->statics[i].addr;

		if (addr->family == AF_INET6)
			memset(&addr->v6.s6_addr[8], 0, 8);
		smf_pool_reserve(addr->family == AF_INET ? &a->pool4 : &a->pool6, addr);
	}
}

static int read_apn(struct reader *r, struct str s)
{
	struct str word;
	int e = 0;

	r->reuse_s = REUSE_S;
	while (!e && str_split(&s, ' ', &word)) {
		if (!word.n)
			continue;
		if (*r->apn->name)
			e = read_word(r, word);
		else if (str_copy(r->apn->name, sizeof(r->apn->name), word))
			e = bad(r, word, "is too long");
	}
	if (e)
		return e;
	if (!smf_pool_exists(&r->apn->pool4) && !smf_pool_exists(&r->apn->pool6))
		return bad(r, s, "has neither pool nor pool6");
	if (!*r->apn->instance)
		memcpy(r->apn->instance, r->apn->name, sizeof(r->apn->name));
	r->apn->pool4.reuse_usec = r->apn->pool6.reuse_usec = r->reuse_s * USEC_PER_SEC;
	reserve(r->apn);
	return 0;
}

void smf_apns_free(struct smf_apn *a, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		free(a[i].pool4.taken);
		free(a[i].pool4.reserved);
		free(a[i].pool4.freed);
		free(a[i].pool6.taken);
		free(a[i].pool6.reserved);
		free(a[i].pool6.freed);
		free(a[i].statics);
	}
	free(a);
}

int smf_apns_parse(const char *text, struct smf_apn **ret, size_t *ret_n, char *err, size_t size)
{
	struct str rest = str_of(text), one;
	struct smf_apn *list = NULL, *grown;
	size_t n = 0;
	int e = 0;

	while (!e && str_split(&rest, ';', &one)) {
		one = str_trim(one);
		if (!one.n)
			continue;
		grown = reallocarray(list, n + 1, sizeof(*list));
		if (!grown) {
			e = -ENOMEM;
			break;
		}
		list = grown;
		list[n] = (struct smf_apn){ 0 };
		e = read_apn(&(struct reader){ .apn = &list[n], .err = err, .size = size }, one);
		n++;
	}
	if (e) {
		smf_apns_free(list, n);
		return e;
	}
	*ret = list;
	*ret_n = n;
	return 0;
}

/* --- finding --- */

static bool is_operator_label(struct str s, const char *prefix)
{
	return s.n == 6 && !strncasecmp(s.p, prefix, 3) && strspn(s.p + 3, "0123456789") >= 3;
}

struct str smf_apn_network_id(struct str name)
{
	struct str mnc = { name.p + name.n, 0 }, mcc;
	static const char tail[] = ".gprs";

	if (name.n < 20 || strncasecmp(name.p + name.n - 5, tail, 5))
		return name;
	mcc = (struct str){ name.p + name.n - 11, 6 };
	mnc = (struct str){ name.p + name.n - 18, 6 };
	if (!is_operator_label(mcc, "mcc") || !is_operator_label(mnc, "mnc") || mnc.p[-1] != '.')
		return name;
	return (struct str){ name.p, name.n - 19 };
}

struct smf_apn *smf_apn_find(struct smf_apn *a, size_t n, struct str name)
{
	name = smf_apn_network_id(name);
	for (size_t i = 0; i < n; i++)
		if (str_ieqz(name, a[i].name))
			return &a[i];
	return NULL;
}

const struct conf_addr *smf_apn_static(const struct smf_apn *a, const char *imsi,
				       sa_family_t family)
{
	for (size_t i = 0; *imsi && i < a->n_statics; i++)
		if (a->statics[i].addr.family == family && !strcmp(a->statics[i].imsi, imsi))
			return &a->statics[i].addr;
	return NULL;
}
