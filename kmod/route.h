/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Where packets that are only passing leave (inner packets to the core); see route.c. All of it
 * is for use under RCU and with BH off.
 */
#ifndef KIMS_ROUTE_H
#define KIMS_ROUTE_H

#include "path.h"

struct kims_routes;

/* Makes the cache of the namespace, once. The caller holds kims_net.lock. */
int kims_routes_init(struct kims_net *kn);
void kims_routes_exit(struct kims_net *kn); /* nobody reads */

/*
 * The direct path of the packet, whose IP header is at skb->data. ret_neigh: the neighbour whose link-layer header is
 * ready. NULL: anything is unusual, and the stack knows what.
 */
const struct kims_path *kims_route_direct(struct kims_net *kn, const struct sk_buff *skb,
					  struct neighbour **ret_neigh);
/* The same for a plain IPv4 packet of len octets to daddr. */
const struct kims_path *kims_route_direct4(struct kims_net *kn, __be32 daddr, unsigned int len,
					   struct neighbour **ret_neigh);
/* The path to the packet's destination by the device oif, direct or not; NULL: none. */
const struct kims_path *kims_route_by(struct kims_net *kn, u32 oif, const struct sk_buff *skb);
/* Sends by the way that kims_route_direct() has found; the hop limit is the caller's to count. */
void kims_route_send(const struct kims_path *path, struct neighbour *n, struct sk_buff *skb);

#endif /* KIMS_ROUTE_H */
