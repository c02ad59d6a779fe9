// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What the UPF gives out: F-TEIDs (TS 29.244 5.5) and UE IP addresses (5.21).
 *
 * TEIDs are random, so that nobody outside can guess one, and unique over both families. Addresses are
 * given in turn, so that one that was given back rests as long as it can. Bitmaps: an address is free or
 * used; who uses it says the session.
 */
#include <arpa/inet.h>
#include <stdio.h>
#include <sys/random.h>

#include "upf/upf.h"

/* --- TEIDs --- */

int upf_random_key(uint64_t key[2])
{
	return getrandom(key, 16, 0) == 16 ? 0 : -EIO;
}

uint32_t upf_random32(struct upf *u)
{
	struct siphash h;

	siphash_init(&h, u->key);
	u->counter++;
	siphash_add(&h, &u->counter, sizeof(u->counter));
	return (uint32_t)siphash_end(&h);
}

static struct upf_teid *own_teid(const struct upf_session *s, uint32_t teid)
{
	struct upf_teid *t = s->teids;

	while (t && t->node.key != teid)
		t = t->next;
	return t;
}

static int add_teid(struct upf *u, struct upf_session *s, uint32_t teid)
{
	struct upf_teid *t = calloc(1, sizeof(*t));

	if (!t)
		return -ENOMEM;
	htab_insert(&u->teids, &t->node, teid);
	t->s = s;
	t->next = s->teids;
	s->teids = t;
	return 0;
}

int upf_teid_alloc(struct upf *u, struct upf_session *s, uint32_t *ret)
{
	do {
		*ret = upf_random32(u);
	} while (!*ret || htab_find(&u->teids, *ret));
	return add_teid(u, s, *ret);
}

int upf_teid_take(struct upf *u, struct upf_session *s, uint32_t teid)
{
	if (own_teid(s, teid))
		return 0;
	return htab_find(&u->teids, teid) ? -EEXIST : add_teid(u, s, teid);
}

static void free_teid(struct upf *u, struct upf_teid **at)
{
	struct upf_teid *t = *at;

	*at = t->next;
	htab_remove(&u->teids, &t->node);
	free(t);
}

void upf_teids_drop_unused(struct upf *u, struct upf_session *s, const struct upf_model *m)
{
	for (struct upf_teid *t = s->teids; t; t = t->next)
		t->seen = false;
	for (size_t i = 0; i < m->n_pdrs; i++) {
		struct upf_teid *t = m->pdr[i].teid ? own_teid(s, m->pdr[i].teid) : NULL;

		if (t)
			t->seen = true;
	}
	for (struct upf_teid **at = &s->teids; *at;) {
		if ((*at)->seen)
			at = &(*at)->next;
		else
			free_teid(u, at);
	}
}

void upf_teids_free(struct upf *u, struct upf_session *s, const struct upf_teid *until)
{
	while (s->teids && s->teids != until)
		free_teid(u, &s->teids);
}

/* --- pools --- */

static int parse_prefix(struct upf_pool *p, const char *text)
{
	char addr[INET6_ADDRSTRLEN + 4];
	const char *slash = strchr(text, '/');
	uint64_t bits;

	if (!slash || str_to_u64(str_of(slash + 1), 128, &bits) ||
	    str_copy(addr, sizeof(addr), (struct str){ text, (size_t)(slash - text) }))
		return -EINVAL;
	if (inet_pton(AF_INET, addr, &p->net4) == 1) {
		if (p->has4 || bits < 8 || bits > 30)
			return -EINVAL;
		p->has4 = true;
		p->bits4 = (uint8_t)bits;
		p->n4 = 1u << (32 - bits);
		return 0;
	}
	if (inet_pton(AF_INET6, addr, &p->net6) != 1 || p->has6 || bits < 40 || bits > 64)
		return -EINVAL;
	p->has6 = true;
	p->bits6 = (uint8_t)bits;
	p->n6 = 1u << (64 - bits);
	return 0;
}

static void set_bit(uint8_t *map, uint32_t i, bool on)
{
	if (on)
		map[i / 8] |= (uint8_t)(1u << i % 8);
	else
		map[i / 8] &= (uint8_t) ~(1u << i % 8);
}

static bool get_bit(const uint8_t *map, uint32_t i)
{
	return map[i / 8] & 1u << i % 8;
}

/* The first and the last address of an IPv4 network are nobody's. */
static int make_maps(struct upf_pool *p)
{
	if (p->has4) {
		p->net4.s_addr &= htonl(~(p->n4 - 1));
		p->used4 = calloc(1, p->n4 / 8 + 1);
		if (!p->used4)
			return -ENOMEM;
		set_bit(p->used4, 0, true);
		set_bit(p->used4, p->n4 - 1, true);
	}
	if (p->has6) {
		memset(&p->net6.s6_addr[8], 0, 8);
		p->used6 = calloc(1, p->n6 / 8 + 1);
		if (!p->used6)
			return -ENOMEM;
	}
	return 0;
}

static int parse_pool(struct upf_pool *p, struct str text)
{
	struct str word;
	char one[80];

	while (str_split(&text, ' ', &word)) {
		if (!word.n)
			continue;
		if (str_copy(one, sizeof(one), word))
			return -EINVAL;
		if (!*p->name)
			snprintf(p->name, sizeof(p->name), "%.63s", one);
		else if (parse_prefix(p, one))
			return -EINVAL;
	}
	return !*p->name || (!p->has4 && !p->has6) ? -EINVAL : make_maps(p);
}

int upf_pools_parse(struct upf *u, const char *text, char *err, size_t size)
{
	struct str rest = str_of(text), one;

	while (str_split(&rest, ';', &one)) {
		one = str_trim(one);
		if (!one.n)
			continue;
		if (u->n_pools == UPF_POOLS_MAX || parse_pool(&u->pools[u->n_pools++], one)) {
			snprintf(
				err, size,
				"upf.pools: \"%.*s\" is not NAME PREFIX4 PREFIX6 (IPv4 /8 to /30, IPv6 /40 to /64)",
				STR_FMT(one));
			return -EINVAL;
		}
	}
	return 0;
}

void upf_pools_free(struct upf *u)
{
	for (size_t i = 0; i < u->n_pools; i++) {
		free(u->pools[i].used4);
		free(u->pools[i].used6);
	}
	u->n_pools = 0;
}

static struct upf_pool *pool_of(struct upf *u, const char *instance, bool v6)
{
	for (size_t i = 0; i < u->n_pools; i++)
		if ((v6 ? u->pools[i].has6 : u->pools[i].has4) &&
		    (!instance || !strcasecmp(u->pools[i].name, instance)))
			return &u->pools[i];
	return NULL;
}

static int next_free(uint8_t *map, uint32_t n, uint32_t *next, uint32_t *ret)
{
	for (uint32_t k = 0; k < n; k++) {
		uint32_t i = (*next + k) % n;

		if (get_bit(map, i))
			continue;
		set_bit(map, i, true);
		*next = i + 1;
		*ret = i;
		return 0;
	}
	return -ENOSPC;
}

int upf_ue4_alloc(struct upf *u, const char *instance, struct in_addr *ret)
{
	struct upf_pool *p = pool_of(u, instance, false);
	uint32_t i;

	if (!p)
		return -ENOENT;
	if (next_free(p->used4, p->n4, &p->next4, &i))
		return -ENOSPC;
	p->taken4++;
	ret->s_addr = p->net4.s_addr | htonl(i);
	return 0;
}

/* The part of the prefix that counts the /64s: its lower 32 bits. */
static uint32_t low_of(const struct in6_addr *a)
{
	uint32_t v;

	memcpy(&v, &a->s6_addr[4], 4);
	return ntohl(v);
}

int upf_ue6_alloc(struct upf *u, const char *instance, struct in6_addr *ret)
{
	struct upf_pool *p = pool_of(u, instance, true);
	uint32_t i, low;

	if (!p)
		return -ENOENT;
	if (next_free(p->used6, p->n6, &p->next6, &i))
		return -ENOSPC;
	p->taken6++;
	*ret = p->net6;
	low = htonl((low_of(&p->net6) & ~(p->n6 - 1)) | i);
	memcpy(&ret->s6_addr[4], &low, 4);
	return 0;
}

static void mark(uint8_t *map, uint32_t i, bool used, uint32_t *taken)
{
	if (get_bit(map, i) == used)
		return;
	set_bit(map, i, used);
	*taken = used ? *taken + 1 : *taken - 1;
}

void upf_ue4_mark(struct upf *u, struct in_addr a, bool used)
{
	for (size_t k = 0; k < u->n_pools; k++) {
		struct upf_pool *p = &u->pools[k];
		uint32_t i = ntohl(a.s_addr) & (p->n4 - 1);

		if (!p->has4 || (a.s_addr & htonl(~(p->n4 - 1))) != p->net4.s_addr || !i ||
		    i == p->n4 - 1)
			continue;
		mark(p->used4, i, used, &p->taken4);
	}
}

void upf_ue6_mark(struct upf *u, const struct in6_addr *a, bool used)
{
	for (size_t k = 0; k < u->n_pools; k++) {
		struct upf_pool *p = &u->pools[k];
		uint32_t i = low_of(a) & (p->n6 - 1);

		if (!p->has6 || memcmp(a, &p->net6, 4) ||
		    (low_of(a) & ~(p->n6 - 1)) != (low_of(&p->net6) & ~(p->n6 - 1)))
			continue;
		mark(p->used6, i, used, &p->taken6);
	}
}
