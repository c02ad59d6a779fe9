// SPDX-License-Identifier: GPL-2.0
/*
 * Where a flow's packets leave: the cached route, and the shortest way out of the host.
 *
 * A path is a route that is asked for once and used until the kernel says that it is no longer
 * valid: any change of routes, addresses, XFRM policies or of the device's state does so through
 * dst_ops.check() (IPv4's route generation, IPv6's serial number of the tree). The packet that
 * finds it invalid makes the next one. Paths are read under RCU: a packet takes no reference.
 *
 * The direct way: where the route is a plain unicast one over a device with a link-layer header
 * cache, the packet fits, and the neighbour is known and reachable, the packet gets the
 * neighbour's ready header and goes to the device's queue (dev_queue_xmit(): traffic control and
 * packet taps work). Nothing of the neighbour is kept between packets: it is looked up as
 * ip_output() does, so that its state, address and death need no telling. All else takes
 * dst_output(): XFRM, tunnels by route (lwtunnel), loopback, resolution, probing of a stale
 * neighbour, fragmentation, path MTU exceptions.
 *
 * The direct way passes by POST_ROUTING, as a flowtable does. kims_net.direct = false (settings
 * of the namespace) sends every packet through dst_output().
 */
#include <linux/slab.h>
#include <net/addrconf.h>
#include <net/ip.h>
#include <net/ip6_route.h>
#include <net/ndisc.h>
#include <net/xfrm.h>
#include "path.h"

static void kims_path_free(struct kims_path *path)
{
	dst_release(path->dst);
	kfree(path);
}

static void kims_path_free_rcu(struct rcu_head *rcu)
{
	kims_path_free(container_of(rcu, struct kims_path, rcu));
}

void kims_path_drop(struct kims_way *way)
{
	struct kims_path *path = rcu_dereference_raw(way->path);

	RCU_INIT_POINTER(way->path, NULL);
	if (path)
		kims_path_free(path);
}

static const struct rt6_info *kims_path_rt6(const struct kims_path *path)
{
	return container_of(path->dst, struct rt6_info, dst);
}

/* --- routes --- */

static struct dst_entry *kims_route4(struct kims_net *kn, const struct kims_way *way)
{
	struct flowi4 fl4 = {
		.flowi4_proto = IPPROTO_UDP,
		.flowi4_oif = way->oif,
		.saddr = way->src.addr.v4,
		.daddr = way->dst.addr.v4,
		.fl4_sport = way->src.port,
		.fl4_dport = way->dst.port,
	};
	struct rtable *rt;

	rt = ip_route_output_flow(kn->net, &fl4, NULL);
	return IS_ERR(rt) ? NULL : &rt->dst;
}

static struct dst_entry *kims_route6(struct kims_net *kn, const struct kims_way *way)
{
	struct flowi6 fl6 = {
		.flowi6_proto = IPPROTO_UDP,
		.flowi6_oif = way->oif,
		.saddr = way->src.addr.v6,
		.daddr = way->dst.addr.v6,
		.fl6_sport = way->src.port,
		.fl6_dport = way->dst.port,
	};
	struct dst_entry *dst;

	/* Unlike IPv4's, the IPv6 lookup does not ask whether the source is ours. */
	if (way->src.addr.family == AF_INET6 && !ipv6_chk_addr(kn->net, &fl6.saddr, NULL, 0))
		return NULL;
	dst = ip6_dst_lookup_flow(kn->net, NULL, &fl6, NULL);
	return IS_ERR(dst) ? NULL : dst;
}

/* Plain unicast, not to this host, over a device whose headers are cached. */
static bool kims_path_may_be_direct(const struct kims_path *path)
{
	const struct dst_entry *dst = path->dst;
	const struct net_device *dev = dst->dev;

	if (dst_xfrm(dst) || dst->lwtstate || dev->flags & IFF_LOOPBACK)
		return false;
	if (!dev->header_ops || !dev->header_ops->cache)
		return false;
	if (path->family == AF_INET6)
		return dst->output == ip6_output;
	/* The header cache of an IPv6 gateway says IPv6. */
	return dst->output == ip_output && kims_path_rt4(path)->rt_gw_family != AF_INET6;
}

static u32 kims_path_cookie(const struct kims_path *path)
{
	return path->family == AF_INET6 && !dst_xfrm(path->dst) ?
		       rt6_get_cookie(kims_path_rt6(path)) : 0;
}

static atomic64_t kims_path_serial;

const struct kims_path *kims_path_renew(struct kims_net *kn, struct kims_way *way,
					struct kims_path *old)
{
	struct kims_path *path = kzalloc(sizeof(*path), GFP_ATOMIC | __GFP_NOWARN);

	if (!path)
		return NULL;
	path->family = way->dst.addr.family;
	path->dst = path->family == AF_INET ? kims_route4(kn, way) : kims_route6(kn, way);
	if (!path->dst) {
		kfree(path);
		return NULL;
	}
	path->cookie = kims_path_cookie(path);
	path->direct = kims_path_may_be_direct(path);
	path->mtu = dst_metric_raw(path->dst, RTAX_MTU);
	path->hoplimit = dst_metric_raw(path->dst, RTAX_HOPLIMIT);
	path->room = LL_RESERVED_SPACE(path->dst->dev);
	path->serial = atomic64_inc_return(&kims_path_serial);
	if (unrcu_pointer(cmpxchg(&way->path, RCU_INITIALIZER(old), RCU_INITIALIZER(path))) == old) {
		if (old)
			call_rcu(&old->rcu, kims_path_free_rcu);
	} else {
		/* Another CPU was first; this packet uses its own. */
		call_rcu(&path->rcu, kims_path_free_rcu);
	}
	return path;
}

/* --- the direct way --- */

struct neighbour *kims_path_neigh6(const struct kims_path *path, const struct in6_addr *daddr)
{
	return kims_path_ready(__ipv6_neigh_lookup_noref(path->dst->dev,
							 rt6_nexthop(kims_path_rt6(path), daddr)));
}

/* On the wire; of a list of packets (gtpu/gso.c) the first is the longest. */
static unsigned int kims_path_len(const struct sk_buff *skb)
{
	return likely(!skb_is_gso(skb)) || !(skb_shinfo(skb)->gso_type & SKB_GSO_FRAGLIST) ?
		       skb->len : skb_pagelen(skb);
}

bool kims_path_send(const struct kims_net *kn, const struct kims_path *path, struct sk_buff *skb)
{
	unsigned int len = kims_path_len(skb);
	struct neighbour *n = NULL;

	if (!path->direct || !READ_ONCE(kn->direct))
		return false;
	if (path->family == AF_INET) {
		if (kims_path_fits4(path, len))
			n = kims_path_neigh4(path, ip_hdr(skb)->daddr);
	} else if (kims_path_fits6(path, len)) {
		n = kims_path_neigh6(path, &ipv6_hdr(skb)->daddr);
	}
	if (!n)
		return false;
	neigh_hh_output(&n->hh, skb);
	return true;
}
