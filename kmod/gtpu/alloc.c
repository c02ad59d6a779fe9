// SPDX-License-Identifier: GPL-2.0
/*
 * Memory of sessions. There may be hundred thousands of them, so their larger parts do not come
 * in the sizes of kmalloc(), of which the next is up to twice as big. What is allocated here is
 * freed by kfree(), the rules by kvfree(); never by kfree_rcu(), which the end of the module
 * could not wait for.
 */
#include <linux/slab.h>
#include "gtpu/control.h"

static struct kmem_cache *kims_session_cache __read_mostly;
static struct kmem_cache *kims_urr_cache __read_mostly;

/* Rules by size; from the last on kmalloc() is as good. */
static struct {
	unsigned int size;
	const char *name;
	struct kmem_cache *cache;
} kims_rules_caches[] __read_mostly = {
	{ 640, "kims_rules_640" },   { 768, "kims_rules_768" },   { 896, "kims_rules_896" },
	{ 1024, "kims_rules_1024" }, { 1152, "kims_rules_1152" }, { 1280, "kims_rules_1280" },
	{ 1408, "kims_rules_1408" }, { 1536, "kims_rules_1536" }, { 1792, "kims_rules_1792" },
};

struct kims_session *kims_session_zalloc(void)
{
	return kmem_cache_zalloc(kims_session_cache, GFP_KERNEL_ACCOUNT);
}

struct kims_urr *kims_urr_zalloc(void)
{
	return kmem_cache_zalloc(kims_urr_cache, GFP_KERNEL_ACCOUNT);
}

struct kims_rules *kims_rules_zalloc(size_t size)
{
	unsigned int i;

	if (size <= 512)
		return kzalloc(size, GFP_KERNEL_ACCOUNT);
	for (i = 0; i < ARRAY_SIZE(kims_rules_caches); i++)
		if (size <= kims_rules_caches[i].size)
			return kmem_cache_zalloc(kims_rules_caches[i].cache, GFP_KERNEL_ACCOUNT);
	return kvzalloc(size, GFP_KERNEL_ACCOUNT);
}

/* kmem_cache_destroy() of NULL does nothing. */
void kims_gtpu_alloc_exit(void)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(kims_rules_caches); i++)
		kmem_cache_destroy(kims_rules_caches[i].cache);
	kmem_cache_destroy(kims_urr_cache);
	kmem_cache_destroy(kims_session_cache);
}

int __init kims_gtpu_alloc_init(void)
{
	unsigned int i;

	kims_session_cache = KMEM_CACHE(kims_session, 0);
	kims_urr_cache = KMEM_CACHE(kims_urr, 0);
	if (!kims_session_cache || !kims_urr_cache)
		goto err;
	for (i = 0; i < ARRAY_SIZE(kims_rules_caches); i++) {
		kims_rules_caches[i].cache = kmem_cache_create(kims_rules_caches[i].name,
							       kims_rules_caches[i].size, 8, 0, NULL);
		if (!kims_rules_caches[i].cache)
			goto err;
	}
	return 0;

err:
	kims_gtpu_alloc_exit();
	return -ENOMEM;
}
