// SPDX-License-Identifier: GPL-2.0
/*
 * A cache of paths by destination, for packets that are only passing.
 *
 * One per network namespace: direct-mapped, of fixed size, so that whoever sends to ever new
 * destinations costs others a route lookup now and then, and no memory. A slot is replaced as a
 * whole; what was in it is freed after a grace period. Each path asks the kernel whether it is
 * valid before it is used (path.h), so nothing has to be flushed.
 *
 * The cache knows destination and device only. Where forwarding depends on more (policy rules,
 * XFRM policies), or the route is anything but plain unicast, it says nothing and
 * the packet is the stack's.
 */
#include <linux/hash.h>
#include <linux/slab.h>
#include <net/addrconf.h>
#include <net/ip.h>
#include <net/ip6_fib.h>
#include <net/xfrm.h>
#include "route.h"

int kims_routes_init(struct kims_net *kn)
{
	lockdep_assert_held(&kn->lock);
	if (kn->routes)
		return 0;
	/* Pairs with the address dependency of readers. */
	smp_store_release(&kn->routes, kvzalloc(sizeof(*kn->routes), GFP_KERNEL_ACCOUNT));
	return kn->routes ? 0 : -ENOMEM;
}

static void kims_route_free(struct kims_route *r)
{
	kims_path_drop(&r->way);
	kfree(r);
}

static void kims_route_free_rcu(struct rcu_head *rcu)
{
	kims_route_free(container_of(rcu, struct kims_route, rcu));
}

void kims_routes_exit(struct kims_net *kn)
{
	struct kims_route *r;
	unsigned int i;

	if (!kn->routes)
		return;
	for (i = 0; i < ARRAY_SIZE(kn->routes->slot); i++) {
		r = rcu_dereference_raw(kn->routes->slot[i]);
		if (r)
			kims_route_free(r);
	}
	kvfree(kn->routes);
	kn->routes = NULL;
}

/* --- the cache --- */

static struct kims_route *kims_route_new(struct kims_route __rcu **slot, struct kims_route *old,
					 const struct kims_addr *daddr, u32 oif)
{
	struct kims_route *r = kzalloc(sizeof(*r), GFP_ATOMIC | __GFP_NOWARN);

	if (!r)
		return NULL;
	r->way.dst.addr = *daddr;
	r->way.oif = oif;
	if (unrcu_pointer(cmpxchg(slot, RCU_INITIALIZER(old), RCU_INITIALIZER(r))) == old) {
		if (old)
			call_rcu(&old->rcu, kims_route_free_rcu);
	} else {
		call_rcu(&r->rcu, kims_route_free_rcu); /* another was first; for this packet only */
	}
	return r;
}

struct kims_route *kims_route_make4(struct kims_route __rcu **slot, struct kims_route *old,
				    __be32 v4, u32 oif)
{
	struct kims_addr daddr;

	kims_addr_set4(&daddr, v4);
	return kims_route_new(slot, old, &daddr, oif);
}

static struct kims_route *kims_route_find6(struct kims_routes *rs, u32 oif,
					   const struct in6_addr *v6)
{
	u32 hash = ipv6_addr_hash(v6) ^ oif;
	struct kims_route __rcu **slot = &rs->slot[hash_32(hash, KIMS_ROUTES_BITS)];
	struct kims_route *r = rcu_dereference(*slot);
	struct kims_addr daddr;

	if (r && r->way.dst.addr.family == AF_INET6 && r->way.oif == oif &&
	    ipv6_addr_equal(&r->way.dst.addr.v6, v6))
		return r;
	kims_addr_set6(&daddr, v6);
	return kims_route_new(slot, r, &daddr, oif);
}

const struct kims_path *kims_route_by(struct kims_net *kn, u32 oif, const struct sk_buff *skb)
{
	struct kims_routes *rs = READ_ONCE(kn->routes);
	struct kims_route *r;

	if (unlikely(!rs))
		return NULL;
	r = skb->protocol == htons(ETH_P_IP) ?
		    kims_route_find4(rs, oif, ((const struct iphdr *)skb->data)->daddr) :
		    kims_route_find6(rs, oif, &((const struct ipv6hdr *)skb->data)->daddr);
	return likely(r) ? kims_path_get(kn, &r->way) : NULL;
}

/* --- direct --- */

const struct kims_path *kims_route_direct6(struct kims_net *kn, const struct in6_addr *daddr,
					   unsigned int len, struct neighbour **ret_neigh)
{
	const struct kims_path *path;
	struct kims_route *r;

	if (!kims_may_bypass(kn) || kims_has_rules6(kn->net) ||
	    ipv6_addr_type(daddr) & ~IPV6_ADDR_UNICAST)
		return NULL;
	r = kims_route_find6(READ_ONCE(kn->routes), 0, daddr);
	path = r ? kims_path_get(kn, &r->way) : NULL;
	if (!path || !path->direct || !kims_path_fits6(path, len))
		return NULL;
	*ret_neigh = kims_path_neigh6(path, daddr);
	return *ret_neigh ? path : NULL;
}

const struct kims_path *kims_route_direct(struct kims_net *kn, const struct sk_buff *skb,
					  struct neighbour **ret_neigh)
{
	if (likely(skb->protocol == htons(ETH_P_IP)))
		return kims_route_direct4(kn, ((const struct iphdr *)skb->data)->daddr, skb->len,
					  ret_neigh);
	return kims_route_direct6(kn, &((const struct ipv6hdr *)skb->data)->daddr, skb->len,
				  ret_neigh);
}

void kims_route_send(const struct kims_path *path, struct neighbour *n, struct sk_buff *skb)
{
	kims_output_scrub(skb, path);
	neigh_hh_output(&n->hh, skb);
}
