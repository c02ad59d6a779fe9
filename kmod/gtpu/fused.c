// SPDX-License-Identifier: GPL-2.0
/*
 * Entries of the flow cache that hold a packet's whole way from one phone's tunnel by a media flow
 * into another's: which PDRs it meets, how it is rewritten, and its outer headers.
 *
 * An entry is made by a packet that goes this way step by step (fast.c), when nothing on the way
 * asks for more than what the entry says; it changes nothing of what becomes of a packet, nor of
 * what is counted, where and under which lock. Each media flow has one at most.
 *
 * An entry refers to two sessions with their rules, to a tunnel and to a flow, and holds none of
 * them. Whatever is to change or go is first left by its entries, in the same critical section in
 * which it changes:
 *
 *   session  kims_fused_leave() under the session's lock, when its rules, UE addresses or anything
 *            else of it change, or it dies. A packet asks under the same lock whether the entry is
 *            dead, and so is charged by rules that are current. Tunnels go only after the rules
 *            that use them.
 *   flow     kims_fused_unlist() before it leaves the table or another takes its place. Packets
 *            that are with the entry go on with the old flow, as those that found it in the table.
 *
 * So nobody finds an entry of which anything has gone, and a packet that had found it before has
 * all of it until the end of its RCU section. The path is valid as long as the FAR has it and no
 * route of the namespace has changed, which each packet asks, as it asks for the neighbour, and
 * for settings of the namespace (path.h).
 *
 * Lock: kims_gtpu_net.fused_lock, inside of kims_session.lock.
 */
#include <linux/udp.h>
#include <net/inet_ecn.h>
#include "fast.h"
#include "gtpu/fused.h"

/* Outer headers as they come: plain. */
#define KIMS_FUSED_OUTER (sizeof(struct iphdr) + sizeof(struct udphdr) + \
			  sizeof(struct kims_gtpu_header))

#define KIMS_FUSED_PER_TUNNEL 16
/* A packet with another sender takes the entry of a flow over so often at most. */
#define KIMS_FUSED_PERIOD (HZ / 4)

/* --- the end of an entry --- */

static void kims_fused_free_rcu(struct rcu_head *rcu)
{
	kfree(container_of(rcu, struct kims_fused, rcu));
}

/* With the lock; packets may be on it. */
static void kims_fused_kill(struct kims_fused *e)
{
	int i;

	if (e->dead)
		return;
	WRITE_ONCE(e->dead, true);
	for (i = 0; i < KIMS_N_DIRECTIONS; i++)
		hlist_del_init(&e->by_session[i]);
	if (e->flow->fused == e) {
		WRITE_ONCE(e->flow->fused, NULL);
		hlist_del_rcu(&e->by_tunnel);
		e->tunnel->n_fused--;
	}
	call_rcu(&e->rcu, kims_fused_free_rcu);
}

void __kims_fused_leave(struct kims_session *s)
{
	spinlock_t *lock = &s->kn->gtpu->fused_lock;
	struct hlist_node *next;
	struct kims_fused *e;
	int i;

	lockdep_assert_held(&s->lock);
	spin_lock(lock);
	for (i = 0; i < KIMS_N_DIRECTIONS; i++)
		hlist_for_each_entry_safe(e, next, &s->fused[i], by_session[i])
			kims_fused_kill(e);
	spin_unlock(lock);
}

void kims_fused_list(struct kims_net *kn, struct kims_flow *f)
{
	spin_lock_bh(&kn->gtpu->fused_lock);
	f->listed = true;
	spin_unlock_bh(&kn->gtpu->fused_lock);
}

void kims_fused_unlist(struct kims_net *kn, struct kims_flow *f)
{
	spin_lock_bh(&kn->gtpu->fused_lock);
	f->listed = false;
	if (f->fused)
		kims_fused_kill(f->fused);
	spin_unlock_bh(&kn->gtpu->fused_lock);
}

/* --- its beginning --- */

static struct kims_tos kims_tos_of(s16 dscp)
{
	return dscp < 0 ? (struct kims_tos){ .keep = 0xff } :
			  (struct kims_tos){ .keep = INET_ECN_MASK, .set = dscp << 2 };
}

static void kims_fused_fill(struct kims_fused *e, const struct kims_flow *f,
			    const struct kims_fast_gtpu *h)
{
	const struct udphdr out = { .source = f->way.src.port, .dest = f->way.dst.port };
	const __be32 addrs[2] = { f->way.src.addr.v4, f->way.dst.addr.v4 };

	e->addrs = get_unaligned((const u64 *)&h->ip.saddr);
	e->ports = *(const u32 *)&h->port;
	e->out_addrs = get_unaligned((const u64 *)addrs);
	e->out_ports = *(const u32 *)&out;
	e->ip_csum = csum_add(csum_sub(f->ip_csum, (__force __wsum)h->ip.saddr), KIMS_FAST_HOP_SUM);
	e->csum = csum_sub(f->csum, csum_add((__force __wsum)h->ip.saddr,
					     (__force __wsum)h->port.source));
	e->tos = kims_tos_of(f->dscp);
	e->outer_tos = kims_tos_of(e->pdr[KIMS_DOWNLINK]->far->dscp);
}

/* False: there is no path, or none that packets could leave by without a further look. */
static bool kims_fused_fill_way(struct kims_fused *e, const struct kims_net *kn)
{
	const struct kims_pdr *pdr = e->pdr[KIMS_DOWNLINK];
	const struct kims_way *way = &pdr->far->way;
	const struct kims_path *path = rcu_dereference(way->path);
	u32 mtu;

	if (!path || !path->direct || !kims_path_valid4(kn, path))
		return false;
	mtu = path->mtu ?: READ_ONCE(path->dst->dev->mtu);
	if (mtu <= pdr->outer.len)
		return false;
	e->stats = pdr->far->ep->stats;
	e->path = path;
	e->serial = path->serial;
	e->far_path = &way->path;
	e->nexthop = (__force u32)rt_nexthop(kims_path_rt4(path), way->dst.addr.v4);
	e->mtu = mtu - pdr->outer.len;
	e->room = path->room + pdr->outer.len - KIMS_FUSED_OUTER;
	return true;
}

/* The session keeps the entry, if its rules are still these and nothing of it stands against it. */
static bool kims_fused_join(struct kims_fused *e, enum kims_direction d,
			    const struct kims_rules *rules)
{
	struct kims_session *s = e->session[d];
	spinlock_t *lock = &s->kn->gtpu->fused_lock;
	bool ok;

	spin_lock(&s->lock);
	ok = !s->dead && !s->flushing && !s->monitored && rcu_access_pointer(s->rules) == rules;
	if (ok) {
		spin_lock(lock);
		if (!e->dead)
			hlist_add_head(&e->by_session[d], &s->fused[d]);
		spin_unlock(lock);
	}
	spin_unlock(&s->lock);
	return ok;
}

/* Packets find it from here on, unless something has gone since. */
static void kims_fused_publish(struct kims_fused *e, bool ok)
{
	spinlock_t *lock = &e->session[0]->kn->gtpu->fused_lock;
	struct kims_flow *f = e->flow;

	spin_lock(lock);
	ok = ok && !e->dead && f->listed;
	if (ok && f->fused)
		kims_fused_kill(f->fused);
	if (ok && e->tunnel->n_fused < KIMS_FUSED_PER_TUNNEL) {
		e->tunnel->n_fused++;
		WRITE_ONCE(f->fused, e);
		hlist_add_head_rcu(&e->by_tunnel, &e->tunnel->fused);
	} else {
		kims_fused_kill(e);
	}
	spin_unlock(lock);
}

/* Another entry of the flow, that is too young to be taken over; or no room. */
static bool kims_fused_refused(const struct kims_tunnel *tunnel, struct kims_flow *f)
{
	const struct kims_fused *e = READ_ONCE(f->fused);

	return (e && !kims_fused_is_stale(e) &&
		time_before(jiffies, e->made + KIMS_FUSED_PERIOD)) ||
	       READ_ONCE(tunnel->n_fused) >= KIMS_FUSED_PER_TUNNEL;
}

void kims_fused_make(struct kims_tunnel *tunnel, const struct kims_rules *rules,
		     const struct kims_pdr *pdr, struct kims_flow *f,
		     const struct kims_fast_gtpu *h)
{
	struct kims_session *from = tunnel->session, *to;
	const struct kims_rules *to_rules;
	const struct kims_pdr *to_pdr;
	const struct kims_ue *ue;
	struct kims_fused *e;

	if (!f->ops->fuses || f->way.dst.addr.family != AF_INET ||
	    f->from.addr.v4 != h->ip.saddr || f->from.port != h->port.source ||
	    h->ip.protocol != IPPROTO_UDP)
		return;
	ue = kims_ue_find4(from->kn, f->way.dst.addr.v4);
	if (!ue || kims_fused_refused(tunnel, f))
		return;
	to = ue->session;
	to_rules = rcu_dereference(to->rules);
	to_pdr = kims_fast_match(to_rules, NULL);
	if (!to_pdr || !to_pdr->outer.len)
		return;
	e = kzalloc(sizeof(*e), GFP_ATOMIC | __GFP_NOWARN);
	if (!e)
		return;
	e->flow = f;
	e->tunnel = tunnel;
	e->made = jiffies;
	e->session[KIMS_UPLINK] = from;
	e->pdr[KIMS_UPLINK] = pdr;
	e->session[KIMS_DOWNLINK] = to;
	e->pdr[KIMS_DOWNLINK] = to_pdr;
	kims_fused_fill(e, f, h);
	if (!kims_fused_fill_way(e, from->kn)) {
		kfree(e);
		return;
	}
	kims_fused_publish(e, kims_fused_join(e, KIMS_UPLINK, rules) &&
			      kims_fused_join(e, KIMS_DOWNLINK, to_rules));
}
