/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Where packets leave; see path.c. All of it is for use under RCU and with BH off.
 */
#ifndef KIMS_PATH_H
#define KIMS_PATH_H

#include <net/arp.h>
#include <net/route.h>
#include "flow.h"

/* The route that packets of a way leave by; see path.c. Never changes. */
struct kims_path {
	struct dst_entry *dst; /* with a reference */
	u32 cookie;	       /* for dst_ops.check() */
	u8 family;
	bool direct; /* may go to the device without dst_output() */
	u8 hoplimit; /* IPv4: of the route, 0: the namespace's */
	u32 mtu;     /* IPv4: of the route, 0: the device's */
	u32 room;    /* for the link layer */
	u64 serial;  /* no other path has ever had it; the next one may have this one's memory */
	struct rcu_head rcu;
};

const struct kims_path *kims_path_renew(struct kims_net *kn, struct kims_way *way,
					struct kims_path *old);

static inline const struct rtable *kims_path_rt4(const struct kims_path *path)
{
	return container_of(path->dst, struct rtable, dst);
}

/* What ipv4_dst_check() looks at; a direct path is a plain route. */
static inline bool kims_path_valid4(const struct kims_net *kn, const struct kims_path *path)
{
	return READ_ONCE(path->dst->obsolete) == DST_OBSOLETE_FORCE_CHK &&
	       kims_path_rt4(path)->rt_genid == rt_genid_ipv4(kn->net);
}

/* The same, or what ip6_dst_check() looks at. */
static inline bool kims_path_valid(const struct kims_net *kn, const struct kims_path *path)
{
	struct dst_entry *dst = path->dst;

	if (likely(path->direct && path->family == AF_INET))
		return kims_path_valid4(kn, path);
	return !dst->obsolete || dst->ops->check(dst, path->cookie);
}

/* The valid path of a way, for this RCU section; NULL: no route, or no memory. */
static inline const struct kims_path *kims_path_get(struct kims_net *kn, struct kims_way *way)
{
	struct kims_path *path = rcu_dereference(way->path);

	if (likely(path && kims_path_valid(kn, path)))
		return path;
	return kims_path_renew(kn, way, path);
}

/*
 * An IPv4 route's metrics never change; its path MTU exception, as any of IPv6, sets expires, and
 * is the stack's to handle.
 */
static inline bool kims_path_fits4(const struct kims_path *path, unsigned int len)
{
	return !READ_ONCE(path->dst->expires) &&
	       len <= (path->mtu ?: READ_ONCE(path->dst->dev->mtu));
}

/* Of a packet that begins here. */
static inline u8 kims_path_ttl4(const struct kims_net *kn, const struct kims_path *path)
{
	return path->hoplimit ?: READ_ONCE(kn->net->ipv4.sysctl_ip_default_ttl);
}

/* A neighbour whose header may be used as it is, or NULL. */
static inline struct neighbour *kims_path_ready(struct neighbour *n)
{
	return likely(n && READ_ONCE(n->nud_state) & NUD_CONNECTED && READ_ONCE(n->hh.hh_len)) ?
		       n : NULL;
}

static inline struct neighbour *kims_path_neigh4(const struct kims_path *path, __be32 daddr)
{
	__be32 nexthop = rt_nexthop(kims_path_rt4(path), daddr);

	return kims_path_ready(__ipv4_neigh_lookup_noref(path->dst->dev, (__force u32)nexthop));
}

static inline bool kims_path_fits6(const struct kims_path *path, unsigned int len)
{
	return !READ_ONCE(path->dst->expires) && len <= dst_mtu(path->dst);
}

struct neighbour *kims_path_neigh6(const struct kims_path *path, const struct in6_addr *daddr);

/* Sends a rewritten packet the direct way, if that can be; false: it is the caller's still. */
bool kims_path_send(const struct kims_net *kn, const struct kims_path *path, struct sk_buff *skb);
/* Of a way that no packet uses any more. */
void kims_path_drop(struct kims_way *way);

#endif /* KIMS_PATH_H */
