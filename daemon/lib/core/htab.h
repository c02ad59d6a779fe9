/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Keyed hash (SipHash-2-4, Aumasson and Bernstein) and an intrusive hash table
 * of 64-bit keys.
 *
 * Invariants: the key of the hash is random per process, so that nobody outside can choose
 * collisions; a node is in at most one table; the table grows to one node per bucket and never
 * shrinks.
 */
#ifndef KIMS_CORE_HTAB_H
#define KIMS_CORE_HTAB_H

#include "lib/core/base.h"

struct siphash {
	uint64_t v[4];
	uint64_t tail;
	size_t len;
};

void siphash_init(struct siphash *h, const uint64_t key[2]);
void siphash_add(struct siphash *h, const void *data, size_t len);
uint64_t siphash_end(struct siphash *h);
/* A field and its border: "ab","c" and "a","bc" differ. */
void siphash_add_str(struct siphash *h, struct str s);
void siphash_add_lower(struct siphash *h, struct str s); /* case-insensitive */

struct hnode {
	struct hnode *next;
	uint64_t key;
};

struct htab {
	struct hnode **b;
	uint32_t mask, n;
};

int htab_init(struct htab *t, uint32_t buckets); /* power of two; -ENOMEM */
void htab_fini(struct htab *t);			 /* the nodes are the caller's */
void htab_insert(struct htab *t, struct hnode *n, uint64_t key);
void htab_remove(struct htab *t, struct hnode *n);	     /* n must be in t */
struct hnode *htab_find(const struct htab *t, uint64_t key); /* latest first; NULL: none */
struct hnode *htab_next(const struct hnode *n);		     /* next with the same key */

#endif
