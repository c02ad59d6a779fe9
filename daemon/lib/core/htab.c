// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * SipHash-2-4 and the intrusive hash table of lib/sip; see htab.h.
 */
#include "lib/core/htab.h"

static uint64_t rotl(uint64_t x, unsigned int b)
{
	return x << b | x >> (64 - b);
}

static void sip_round(uint64_t v[4])
{
	v[0] += v[1];
	v[2] += v[3];
	v[1] = rotl(v[1], 13) ^ v[0];
	v[3] = rotl(v[3], 16) ^ v[2];
	v[0] = rotl(v[0], 32);
	v[2] += v[1];
	v[0] += v[3];
	v[1] = rotl(v[1], 17) ^ v[2];
	v[3] = rotl(v[3], 21) ^ v[0];
	v[2] = rotl(v[2], 32);
}

static void absorb(struct siphash *h, uint64_t m)
{
	h->v[3] ^= m;
	sip_round(h->v);
	sip_round(h->v);
	h->v[0] ^= m;
}

void siphash_init(struct siphash *h, const uint64_t key[2])
{
	h->v[0] = key[0] ^ UINT64_C(0x736f6d6570736575);
	h->v[1] = key[1] ^ UINT64_C(0x646f72616e646f6d);
	h->v[2] = key[0] ^ UINT64_C(0x6c7967656e657261);
	h->v[3] = key[1] ^ UINT64_C(0x7465646279746573);
	h->tail = 0;
	h->len = 0;
}

/* n octets (1 to 8) in the low end of m, the rest of it 0. */
static void add_word(struct siphash *h, uint64_t m, unsigned int n)
{
	unsigned int at = h->len & 7;

	h->len += n;
	h->tail |= m << (8 * at);
	if (at + n < 8)
		return;
	absorb(h, h->tail);
	h->tail = at ? m >> (8 * (8 - at)) : 0;
}

/* The order of octets in a word is the machine's: the hash is never on a wire or a disk. */
void siphash_add(struct siphash *h, const void *data, size_t len)
{
	const uint8_t *p = data;
	uint64_t m = 0;

	for (; len >= 8; len -= 8, p += 8) {
		memcpy(&m, p, 8);
		add_word(h, m, 8);
	}
	m = 0;
	for (size_t i = 0; i < len; i++)
		m |= (uint64_t)p[i] << (8 * i);
	if (len)
		add_word(h, m, len);
}

uint64_t siphash_end(struct siphash *h)
{
	absorb(h, h->tail | (uint64_t)h->len << 56);
	h->v[2] ^= 0xff;
	for (int i = 0; i < 4; i++)
		sip_round(h->v);
	return h->v[0] ^ h->v[1] ^ h->v[2] ^ h->v[3];
}

void siphash_add_str(struct siphash *h, struct str s)
{
	add_word(h, (uint32_t)s.n, 4);
	siphash_add(h, s.p, s.n);
}

void siphash_add_lower(struct siphash *h, struct str s)
{
	add_word(h, (uint32_t)s.n, 4);
	for (size_t i = 0; i < s.n; i++) {
		uint8_t c = s.p[i];

		add_word(h, c >= 'A' && c <= 'Z' ? c | 0x20 : c, 1);
	}
}

int htab_init(struct htab *t, uint32_t buckets)
{
	t->b = calloc(buckets, sizeof(*t->b));
	if (!t->b)
		return -ENOMEM;
	t->mask = buckets - 1;
	t->n = 0;
	return 0;
}

void htab_fini(struct htab *t)
{
	free(t->b);
	t->b = NULL;
	t->n = 0;
}

/* Without memory the chains get longer, nothing else. */
static void grow(struct htab *t)
{
	uint32_t size = (t->mask + 1) * 2;
	struct hnode **b = calloc(size, sizeof(*b));

	if (!b)
		return;
	for (uint32_t i = 0; i <= t->mask; i++) {
		struct hnode *n = t->b[i], *next;

		for (; n; n = next) {
			next = n->next;
			n->next = b[n->key & (size - 1)];
			b[n->key & (size - 1)] = n;
		}
	}
	free(t->b);
	t->b = b;
	t->mask = size - 1;
}

void htab_insert(struct htab *t, struct hnode *n, uint64_t key)
{
	if (t->n > t->mask && t->mask < UINT32_MAX / 4)
		grow(t);
	n->key = key;
	n->next = t->b[key & t->mask];
	t->b[key & t->mask] = n;
	t->n++;
}

void htab_remove(struct htab *t, struct hnode *n)
{
	struct hnode **p = &t->b[n->key & t->mask];

	while (*p && *p != n)
		p = &(*p)->next;
	if (!*p)
		return;
	*p = n->next;
	n->next = NULL;
	t->n--;
}

struct hnode *htab_find(const struct htab *t, uint64_t key)
{
	struct hnode *n = t->b[key & t->mask];

	while (n && n->key != key)
		n = n->next;
	return n;
}

struct hnode *htab_next(const struct hnode *n)
{
	struct hnode *m = n->next;

	while (m && m->key != n->key)
		m = m->next;
	return m;
}
