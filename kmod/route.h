/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Where packets that are only passing leave (inner packets to the core); see route.c. All of it
 * is for use under RCU and with BH off.
 */
#ifndef KIMS_ROUTE_H
#define KIMS_ROUTE_H

#include <linux/hash.h>
#include <net/xfrm.h>
#include "path.h"

#define KIMS_ROUTES_BITS 10

struct kims_route {
	struct kims_way way; /* dst: the destination; no src */
	struct rcu_head rcu;
};

struct kims_routes {
	struct kims_route __rcu *slot[1 << KIMS_ROUTES_BITS];
};

/* Makes the cache of the namespace, once. The caller holds kims_net.lock. */
int kims_routes_init(struct kims_net *kn);
void kims_routes_exit(struct kims_net *kn); /* nobody reads */

/*
 * The direct path of the packet, whose IP header is at skb->data. ret_neigh: the neighbour whose
 * link-layer header is ready. NULL: anything is unusual, and the stack knows what.
 */
const struct kims_path *kims_route_direct(struct kims_net *kn, const struct sk_buff *skb,
					  struct neighbour **ret_neigh);
/* The same for an IPv6 packet of len octets to daddr. */
const struct kims_path *kims_route_direct6(struct kims_net *kn, const struct in6_addr *daddr,
					   unsigned int len, struct neighbour **ret_neigh);
/* The path to the packet's destination by the device oif, direct or not; NULL: none. */
const struct kims_path *kims_route_by(struct kims_net *kn, u32 oif, const struct sk_buff *skb);
/* Sends by the way that kims_route_direct() has found; the hop limit is the caller's to count. */
void kims_route_send(const struct kims_path *path, struct neighbour *n, struct sk_buff *skb);

/* --- inline, for the short ways --- */

struct kims_route *kims_route_make4(struct kims_route __rcu **slot, struct kims_route *old,
				    __be32 v4, u32 oif);

static inline struct kims_route *kims_route_find4(struct kims_routes *rs, u32 oif, __be32 daddr)
{
	struct kims_route __rcu **slot = &rs->slot[hash_32((__force u32)daddr ^ oif,
							   KIMS_ROUTES_BITS)];
	struct kims_route *r = rcu_dereference(*slot);

	if (likely(r && r->way.dst.addr.v4 == daddr && r->way.oif == oif &&
		   r->way.dst.addr.family == AF_INET))
		return r;
	return kims_route_make4(slot, r, daddr, oif);
}

static inline bool kims_has_policies(const struct net *net)
{
#ifdef CONFIG_XFRM
	return net->xfrm.policy_count[XFRM_POLICY_OUT] || net->xfrm.policy_count[XFRM_POLICY_FWD];
#else
	return false;
#endif
}

static inline bool kims_has_rules4(const struct net *net)
{
#ifdef CONFIG_IP_MULTIPLE_TABLES
	return READ_ONCE(net->ipv4.fib_has_custom_rules);
#else
	return false;
#endif
}

static inline bool kims_has_rules6(const struct net *net)
{
#ifdef CONFIG_IPV6_MULTIPLE_TABLES
	return READ_ONCE(net->ipv6.fib6_has_custom_rules);
#else
	return false;
#endif
}

static inline bool kims_may_bypass(const struct kims_net *kn)
{
	return likely(READ_ONCE(kn->direct) && READ_ONCE(kn->routes) &&
		      !kims_has_policies(kn->net));
}

/* The same for a plain IPv4 packet of len octets to daddr. */
static inline const struct kims_path *kims_route_direct4(struct kims_net *kn, __be32 daddr,
							 unsigned int len,
							 struct neighbour **ret_neigh)
{
	const struct kims_path *path;
	struct kims_route *r;

	if (!kims_may_bypass(kn) || unlikely(kims_has_rules4(kn->net)))
		return NULL;
	r = kims_route_find4(READ_ONCE(kn->routes), 0, daddr);
	path = likely(r) ? kims_path_get(kn, &r->way) : NULL;
	if (unlikely(!path || !path->direct || kims_path_rt4(path)->rt_type != RTN_UNICAST ||
		     !kims_path_fits4(path, len)))
		return NULL;
	*ret_neigh = kims_path_neigh4(path, daddr);
	return *ret_neigh ? path : NULL;
}

#endif /* KIMS_ROUTE_H */
