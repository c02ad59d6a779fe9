// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * SipHash-2-4 and the intrusive hash table of lib/sip; see htab.h.
 */
#include "lib/sip/htab.h"

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

static void add_octet(struct siphash *h, uint8_t c)
{
	h->tail |= (uint64_t)c << (8 * (h->len & 7));
	if ((++h->len & 7) == 0) {
		absorb(h, h->tail);
		h->tail = 0;
	}
}

void siphash_add(struct siphash *h, const void *data, size_t len)
{
	const uint8_t *p = data;

	while (len && (h->len & 7)) {
		add_octet(h, *p++);
		len--;
	}
	for (; len >= 8; len -= 8, p += 8, h->len += 8) {
		uint64_t m;

		memcpy(&m, p, 8);
		absorb(h, m); /* little-endian order matters to nobody: never on a wire or a disk */
	}
	while (len--)
		add_octet(h, *p++);
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
	uint32_t n = s.n;

	siphash_add(h, &n, sizeof(n));
	siphash_add(h, s.p, s.n);
}

void siphash_add_lower(struct siphash *h, struct str s)
{
	uint32_t n = s.n;

	siphash_add(h, &n, sizeof(n));
	for (size_t i = 0; i < s.n; i++) {
		uint8_t c = s.p[i];

		add_octet(h, c >= 'A' && c <= 'Z' ? c | 0x20 : c);
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
