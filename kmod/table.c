// SPDX-License-Identifier: GPL-2.0
/* A hash table that packets read under RCU and that grows with its content; see table.h. */
#include <linux/log2.h>
#include <linux/mm.h>
#include <linux/random.h>
#include <linux/slab.h>
#include "table.h"

#define KIMS_TABLE_MIN 64
#define KIMS_TABLE_MAX (1U << 22)

void kims_table_init(struct kims_table *t)
{
	t->seed = get_random_u32();
	t->factor = get_random_u64() | 1;
}

void kims_table_destroy(struct kims_table *t)
{
	kvfree(rcu_dereference_raw(t->buckets));
	RCU_INIT_POINTER(t->buckets, NULL);
}

static struct kims_buckets *kims_buckets_new(u32 size, u32 which)
{
	struct kims_buckets *b;

	b = kvzalloc(struct_size(b, head, size), GFP_KERNEL_ACCOUNT);
	if (!b)
		return NULL;
	b->mask = size - 1;
	b->shift = 32 - ilog2(size);
	b->which = which;
	return b;
}

static void kims_buckets_move(const struct kims_buckets *from, struct kims_buckets *to)
{
	struct kims_node *node;
	u32 i;

	for (i = 0; i <= from->mask; i++)
		for (node = kims_table_first(from, i << from->shift); node;
		     node = kims_table_next(from, node))
			hlist_add_head_rcu(&node->link[to->which],
					   &to->head[node->hash >> to->shift]);
}

/* Returns the buckets to add to: bigger ones when the old ones are full and there is memory. */
static struct kims_buckets *kims_table_grow(struct kims_table *t, struct mutex *lock)
{
	struct kims_buckets *old = rcu_dereference_protected(t->buckets, lockdep_is_held(lock));
	struct kims_buckets *b;

	if (old && (t->count <= old->mask || old->mask + 1 >= KIMS_TABLE_MAX))
		return old;
	b = kims_buckets_new(old ? (old->mask + 1) * 2 : KIMS_TABLE_MIN, old ? !old->which : 0);
	if (!b)
		return old;
	if (old)
		kims_buckets_move(old, b);
	rcu_assign_pointer(t->buckets, b);
	if (old) {
		synchronize_rcu();
		kvfree(old);
	}
	return b;
}

int kims_table_add(struct kims_table *t, struct kims_node *node, u32 hash, struct mutex *lock)
{
	struct kims_buckets *b = kims_table_grow(t, lock);

	if (!b)
		return -ENOMEM;
	node->hash = hash;
	hlist_add_head_rcu(&node->link[b->which], &b->head[hash >> b->shift]);
	t->count++;
	return 0;
}

void kims_table_del(struct kims_table *t, struct kims_node *node, struct mutex *lock)
{
	struct kims_buckets *b = rcu_dereference_protected(t->buckets, lockdep_is_held(lock));

	hlist_del_rcu(&node->link[b->which]);
	t->count--;
}

void kims_table_replace(struct kims_table *t, struct kims_node *old, struct kims_node *new,
			struct mutex *lock)
{
	struct kims_buckets *b = rcu_dereference_protected(t->buckets, lockdep_is_held(lock));

	new->hash = old->hash;
	hlist_replace_rcu(&old->link[b->which], &new->link[b->which]);
}
