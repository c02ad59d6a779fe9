/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A hash table that packets read under RCU and that grows with its content.
 *
 * Each node has two links and the buckets use one of them: while a bigger set of buckets is
 * filled through the other links, readers go on along the old ones. Growing waits for a grace
 * period, so that the old links are free again when it returns. Changes are made by one at a
 * time (kims_net.lock); memory for buckets is taken with the first node.
 */
#ifndef KIMS_TABLE_H
#define KIMS_TABLE_H

#include <linux/jhash.h>
#include <linux/rculist.h>
#include "kims.h"

struct kims_node {
	struct hlist_node link[2];
	u32 hash;
};

struct kims_buckets {
	u32 mask;
	u32 shift; /* of a hash: its upper bits say which bucket */
	u32 which; /* link in use */
	struct hlist_head head[];
};

struct kims_table {
	struct kims_buckets __rcu *buckets;
	u64 factor; /* random, odd */
	u32 count;
	u32 seed;
};

void kims_table_init(struct kims_table *t);
void kims_table_destroy(struct kims_table *t); /* nobody reads; nodes are the caller's to free */

/* Adds a node under hash. -ENOMEM. */
int kims_table_add(struct kims_table *t, struct kims_node *node, u32 hash, struct mutex *lock);
/* The node stays readable until a grace period has passed. */
void kims_table_del(struct kims_table *t, struct kims_node *node, struct mutex *lock);
/* Readers see old or new, never none. */
void kims_table_replace(struct kims_table *t, struct kims_node *old, struct kims_node *new,
			struct mutex *lock);

/*
 * A multiplication by a secret odd number, of which the upper bits are used: universal (two keys
 * meet with a probability of 2 in the number of buckets) and a fifth of the cost of jhash.
 */
static inline u32 kims_table_hash4(const struct kims_table *t, __be32 addr, u32 what)
{
	return ((u64)(__force u32)addr << 32 | what) * t->factor >> 32;
}

static inline u32 kims_table_hash6(const struct kims_table *t, const struct in6_addr *a, u32 what)
{
	return jhash2((const u32 *)a->s6_addr32, 4, what ^ t->seed);
}

static inline u32 kims_table_hash(const struct kims_table *t, const struct kims_addr *a, u32 what)
{
	return a->family == AF_INET ? kims_table_hash4(t, a->v4, what) :
				      kims_table_hash6(t, &a->v6, what);
}

static inline struct kims_node *kims_table_node(struct hlist_node *link, u32 which)
{
	return link ? container_of(link - which, struct kims_node, link[0]) : NULL;
}

static inline struct kims_node *kims_table_first(const struct kims_buckets *b, u32 hash)
{
	return b ? kims_table_node(rcu_dereference_raw(hlist_first_rcu(&b->head[hash >> b->shift])),
				   b->which) :
		   NULL;
}

static inline struct kims_node *kims_table_next(const struct kims_buckets *b,
						struct kims_node *node)
{
	return kims_table_node(rcu_dereference_raw(hlist_next_rcu(&node->link[b->which])),
			       b->which);
}

/* Nodes that may have this hash; b is a struct kims_buckets pointer for the macro's own use. */
#define kims_table_for_each(t, b, node, hash)                                        \
	for ((b) = rcu_dereference_raw((t)->buckets), (node) = kims_table_first(b, hash); \
	     (node); (node) = kims_table_next(b, node))

#endif /* KIMS_TABLE_H */
