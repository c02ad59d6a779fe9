// SPDX-License-Identifier: GPL-2.0
/*
 * What becomes of a classified packet: anti-spoofing, FAR (TS 29.244 5.2.1, 5.2.2), meters, and
 * on its way.
 *
 * Everything that can fail is asked first (the plan); then the session's lock is taken, and the
 * packet is charged and counted if the rules are still those that it was planned by, else all
 * starts over; then it goes. So each packet is counted once, as gone on, as dropped, or not at all
 * because it waits.
 *
 * To the core there are four ways, tried in this order: a media flow of this host, another UE, the
 * cached path to the destination, and the stack, as received by the endpoint's device. The first
 * three pass by netfilter's FORWARD hooks; kims_gtpu_ep.stack leaves only the last.
 */
#include <linux/inetdevice.h>
#include <net/addrconf.h>
#include <net/dsfield.h>
#include <net/gso.h>
#include <net/inet_ecn.h>
#include <net/ip.h>
#include "gtpu/short.h"
#include "route.h"
#include "trace.h"

enum kims_next {
	KIMS_NEXT_TUNNEL, /* outer header creation */
	KIMS_NEXT_FLOW,	  /* a media flow of this host */
	KIMS_NEXT_UE,	  /* another session */
	KIMS_NEXT_PATH,	  /* a ready link-layer header */
	KIMS_NEXT_DEVICE, /* the FAR's device, by the stack */
	KIMS_NEXT_STACK,
	KIMS_NEXT_NONE,	  /* nowhere: dropped */
};

struct kims_onward {
	enum kims_next next;
	const struct kims_path *path;
	struct neighbour *neigh;
	struct kims_local *local;
	struct kims_session *ue;
	struct kims_outer outer;
	unsigned int mtu; /* of inner packets */
	bool fragment;	  /* cut into inner fragments */
};

/* Answers of the charge besides reasons of drop. */
#define KIMS_CHARGE_TAKEN (-1) /* it waits */
#define KIMS_CHARGE_AGAIN (-2) /* the rules have changed */
#define KIMS_CHARGE_GONE (-3)  /* the session has been deleted */

#define KIMS_ACT_TRIES 16

/* --- anti-spoofing --- */

static bool kims_source_is_ue(const struct kims_session *s, const struct kims_inner *in,
			      const struct sk_buff *skb)
{
	const struct kims_ue *ue = READ_ONCE(s->ue[in->family == AF_INET6]);

	if (!ue)
		return false;
	if (in->family == AF_INET)
		return ue->addr.v4 == ((const struct iphdr *)skb->data)->saddr;
	return ipv6_prefix_equal(&ue->addr.v6, &((const struct ipv6hdr *)skb->data)->saddr, 64);
}

static struct kims_session *kims_source_session(const struct kims_inner *in,
						const struct sk_buff *skb)
{
	const struct kims_net *kn = in->session->kn;
	const struct kims_ue *ue;

	ue = in->family == AF_INET ?
		     kims_ue_find4(kn, ((const struct iphdr *)skb->data)->saddr) :
		     kims_ue_find6(kn, &((const struct ipv6hdr *)skb->data)->saddr);
	return ue ? ue->session : NULL;
}

/*
 * The UE's own, or what any-source lets through: but plain, never the address of another session,
 * so that what has a UE's address on this side has come by that UE's tunnel (kims_skb_session()).
 */
static bool kims_source_allowed(const struct kims_inner *in, const struct sk_buff *skb)
{
	if (likely(kims_source_is_ue(in->session, in, skb)))
		return true;
	if (!in->pdr->any_source)
		return false;
	return in->pdr->far->encap || !kims_source_session(in, skb);
}

/* --- the plan --- */

static bool kims_fits(const struct sk_buff *skb, unsigned int mtu)
{
	return likely(!skb_is_gso(skb)) ? skb->len <= mtu : skb_gso_validate_network_len(skb, mtu);
}

/* Does not fit into the tunnel's path: cut, or the sender is told. */
static noinline int kims_plan_too_big(struct kims_inner *in, struct kims_onward *p,
				      struct sk_buff *skb)
{
	int why = 0;

	if (p->outer.df)
		why = kims_gtpu_too_big(in->session, skb, p->mtu);
	p->fragment = p->outer.df && in->family == AF_INET && !skb_is_gso(skb);
	if (!p->fragment)
		p->outer.df = false;
	return why;
}

static int kims_plan_tunnel(struct kims_inner *in, struct kims_onward *p, struct sk_buff *skb)
{
	struct kims_far *far = in->pdr->far;
	u8 ecn = in->ip.dsfield & INET_ECN_MASK;
	int why;

	p->next = KIMS_NEXT_TUNNEL;
	p->fragment = false;
	p->outer = (struct kims_outer){
		.ep = far->ep,
		.way = &far->way,
		.teid = far->teid,
		.type = GTPU_G_PDU,
		.dsfield = far->dscp < 0 ? in->ip.dsfield : far->dscp << 2 | ecn,
		.uplink = in->pdr->direction == KIMS_UPLINK,
		.df = !far->ep->fragment_outer,
		.qfi = in->pdr->mark_qfi >= 0 ? in->pdr->mark_qfi : in->qfi,
	};
	p->path = kims_path_get(far->ep->kn, &far->way);
	if (unlikely(!p->path))
		return KIMS_DROP_NO_ROUTE;
	p->mtu = dst_mtu(p->path->dst) - kims_outer_len(&p->outer);
	if (unlikely(far->ep->mss_clamp))
		kims_gtpu_clamp_mss(skb, p->mtu);
	if (unlikely(!kims_fits(skb, p->mtu))) {
		why = kims_plan_too_big(in, p, skb);
		if (why)
			return why;
	}
	return kims_outer_room(skb, &p->outer, p->path);
}

/* What waits at the destination in this host. */
static struct kims_local *kims_plan_local(const struct kims_net *kn, const struct kims_inner *in,
					  const struct sk_buff *skb)
{
	if (in->protocol != IPPROTO_UDP || in->fragment || !in->ports)
		return NULL;
	return in->family == AF_INET ?
		       kims_local_at4(kn, ((const struct iphdr *)skb->data)->daddr, in->dport) :
		       kims_local_at6(kn, &((const struct ipv6hdr *)skb->data)->daddr, in->dport);
}

static struct kims_session *kims_plan_ue(const struct kims_net *kn, const struct kims_inner *in,
					 const struct sk_buff *skb)
{
	const struct kims_ue *ue;

	ue = in->family == AF_INET ?
		     kims_ue_find4(kn, ((const struct iphdr *)skb->data)->daddr) :
		     kims_ue_find6(kn, &((const struct ipv6hdr *)skb->data)->daddr);
	return ue ? ue->session : NULL;
}

/* Nothing but a device that the FAR names can take a packet that came from the core back there. */
static int kims_plan_device(struct kims_inner *in, struct kims_onward *p, struct sk_buff *skb)
{
	struct kims_net *kn = in->session->kn;
	u32 oif = in->pdr->far->ifindex;

	if (!oif)
		return KIMS_DROP_FAR;
	if (in->ip.ttl <= 1)
		return KIMS_DROP_TTL;
	p->next = KIMS_NEXT_DEVICE;
	p->path = kims_route_by(kn, oif, skb);
	if (!p->path)
		return KIMS_DROP_NO_ROUTE;
	return skb_ensure_writable(skb, in->ip.l4) ||
			       skb_cow_head(skb, LL_RESERVED_SPACE(p->path->dst->dev)) ?
		       KIMS_DROP_NO_MEMORY : 0;
}

static int kims_plan_stack(struct kims_gtpu_ep *ep, struct kims_onward *p)
{
	p->next = KIMS_NEXT_STACK;
	return kims_gtpu_dev_ready(ep) ? 0 : KIMS_DROP_NO_DEVICE;
}

/* The stack would send on what it gets by the device. */
static bool kims_forwards(const struct net_device *dev, u8 family)
{
	struct inet6_dev *idev;
	struct in_device *in_dev;

	if (!dev)
		return false;
	if (family == AF_INET) {
		in_dev = __in_dev_get_rcu(dev);
		return in_dev && IN_DEV_FORWARD(in_dev);
	}
	idev = __in6_dev_get(dev);
	return idev && READ_ONCE(idev->cnf.forwarding);
}

/* To a phone behind a link of this host: plain, by the route. */
static bool kims_plan_to_access(const struct kims_inner *in)
{
	return in->pdr->direction == KIMS_DOWNLINK &&
	       in->pdr->far->dst_interface == KIMS_INTERFACE_ACCESS;
}

static int kims_plan_core(struct kims_inner *in, struct kims_onward *p, struct kims_gtpu_ep *ep,
			  struct sk_buff *skb)
{
	const struct net_device *dev;
	struct kims_net *kn = ep->kn;

	dev = rcu_dereference(ep->dev);
	if (unlikely(ep->mss_clamp) && dev)
		kims_gtpu_clamp_mss(skb, READ_ONCE(dev->mtu));
	if (unlikely(ep->stack))
		return kims_plan_stack(ep, p);
	p->local = kims_plan_local(kn, in, skb);
	if (p->local) {
		p->next = KIMS_NEXT_FLOW;
		/* GTP-U inside of GTP-U: a UE is no peer. */
		return p->local->key.kind == KIMS_FLOW_MEDIA ? 0 : KIMS_DROP_SOURCE;
	}
	if (unlikely(in->ip.ttl <= 1))
		return kims_plan_stack(ep, p);
	if (skb_ensure_writable(skb, in->ip.l4))
		return KIMS_DROP_NO_MEMORY;
	p->ue = kims_plan_to_access(in) ? NULL : kims_plan_ue(kn, in, skb);
	if (p->ue) {
		p->next = KIMS_NEXT_UE;
		return 0;
	}
	if (unlikely(in->pdr->far->ifindex))
		return kims_plan_device(in, p, skb);
	if (!(kims_gtpu_bulk(skb) && kims_forwards(dev, in->family)) && likely(!skb_is_gso(skb)))
		p->path = kims_route_direct(kn, skb, &p->neigh);
	if (!p->path)
		return kims_plan_stack(ep, p);
	p->next = KIMS_NEXT_PATH;
	return skb_cow_head(skb, LL_RESERVED_SPACE(p->path->dst->dev)) ? KIMS_DROP_NO_MEMORY : 0;
}

static int kims_plan(struct kims_inner *in, struct kims_onward *p, struct kims_gtpu_ep *ep,
		     struct sk_buff *skb)
{
	const struct kims_pdr *pdr = in->pdr;
	const struct kims_far *far = pdr->far;

	p->path = NULL;
	p->next = KIMS_NEXT_NONE;
	if (pdr->direction == KIMS_UPLINK && unlikely(!kims_source_allowed(in, skb)))
		return KIMS_DROP_SPOOFED_UE;
	if (unlikely(!far) || far->action & KIMS_APPLY_ACTION_DROP)
		return KIMS_DROP_FAR;
	if (far->action & KIMS_APPLY_ACTION_BUFF)
		return pdr->direction == KIMS_DOWNLINK ? 0 : KIMS_DROP_FAR;
	if (!(far->action & KIMS_APPLY_ACTION_FORW))
		return KIMS_DROP_FAR;
	if (far->encap)
		return kims_plan_tunnel(in, p, skb);
	return ep ? kims_plan_core(in, p, ep, skb) : kims_plan_device(in, p, skb);
}

/* --- the charge --- */

static bool kims_must_wait(const struct kims_session *s, const struct kims_inner *in)
{
	const struct kims_pdr *pdr = in->pdr;

	return pdr->direction == KIMS_DOWNLINK &&
	       (pdr->far->action & KIMS_APPLY_ACTION_BUFF || (s->flushing && !in->flush));
}

/* Counted, or it waits, or nothing has happened. */
static int kims_charge(const struct kims_inner *in, struct sk_buff *skb, int why)
{
	struct kims_session *s = in->session;
	int rc;

	spin_lock(&s->lock);
	if (unlikely(s->dead)) {
		rc = KIMS_CHARGE_GONE;
	} else if (unlikely(rcu_access_pointer(s->rules) != in->rules)) {
		rc = KIMS_CHARGE_AGAIN;
	} else {
		if (!why && unlikely(kims_must_wait(s, in))) {
			why = kims_buffer_put(s, in->pdr, skb);
			if (!why) {
				rc = KIMS_CHARGE_TAKEN;
				goto out;
			}
		}
		rc = kims_meter(s, in->pdr, in->octets, in->packets, why);
	}
out:
	spin_unlock(&s->lock);
	return rc;
}

/* --- on its way --- */

static void kims_act_dup(const struct kims_inner *in, const struct sk_buff *skb)
{
	struct kims_far *far = in->pdr->far;
	struct kims_outer o = {
		.ep = far->dup_ep,
		.way = &far->dup,
		.teid = far->dup_teid,
		.type = GTPU_G_PDU,
		.dsfield = in->ip.dsfield,
		.qfi = -1,
	};
	const struct kims_path *path;
	struct sk_buff *copy;

	if (!o.ep)
		return;
	path = kims_path_get(o.ep->kn, &far->dup);
	copy = path ? skb_copy(skb, GFP_ATOMIC | __GFP_NOWARN) : NULL;
	if (!copy)
		return;
	if (kims_outer_room(copy, &o, path))
		kfree_skb(copy);
	else
		kims_outer_send(&o, path, copy);
}

static void kims_act_mark(const struct kims_inner *in, struct sk_buff *skb)
{
	s16 dscp = in->pdr->far->dscp;

	if (likely(dscp < 0) || skb_ensure_writable(skb, in->ip.l4))
		return;
	if (in->family == AF_INET)
		ipv4_change_dsfield(ip_hdr(skb), INET_ECN_MASK, dscp << 2);
	else
		ipv6_change_dsfield(ipv6_hdr(skb), INET_ECN_MASK, dscp << 2);
}

static void kims_act_flow(const struct kims_inner *in, const struct kims_onward *p,
			  struct kims_gtpu_ep *ep, struct sk_buff *skb)
{
	unsigned int verdict = kims_flow_take(ep->kn, p->local, skb, in->ip.l4);

	if (verdict == NF_ACCEPT) /* the flow is gone */
		kims_gtpu_to_stack(ep, skb);
	else
		kims_verdict(skb, verdict);
}

static void kims_act_core(const struct kims_inner *in, const struct kims_onward *p,
			  struct kims_gtpu_ep *ep, struct sk_buff *skb)
{
	kims_act_mark(in, skb);
	switch (p->next) {
	case KIMS_NEXT_FLOW:
		kims_act_flow(in, p, ep, skb);
		return;
	case KIMS_NEXT_UE:
		kims_hop(skb);
		kims_ue_send(p->ue, skb, false);
		return;
	case KIMS_NEXT_PATH:
		kims_hop(skb);
		skb->priority = rt_tos2priority(in->ip.dsfield);
		kims_route_send(p->path, p->neigh, skb);
		return;
	case KIMS_NEXT_DEVICE:
		kims_hop(skb);
		kims_output_scrub(skb, p->path);
		kims_output_stack(in->session->kn, p->path, skb);
		return;
	case KIMS_NEXT_STACK:
		kims_gtpu_to_stack(ep, skb);
		return;
	case KIMS_NEXT_TUNNEL:
	case KIMS_NEXT_NONE:
		break;
	}
}

static int kims_act_fragment(struct sk_buff *skb, void *arg)
{
	const struct kims_onward *p = arg;
	int why = kims_outer_room(skb, &p->outer, p->path);

	if (why)
		kims_drop(skb, why);
	else
		kims_outer_send(&p->outer, p->path, skb);
	return why;
}

static void kims_act_go(const struct kims_inner *in, struct kims_onward *p,
			struct kims_gtpu_ep *ep, struct sk_buff *skb)
{
	trace_kims_session_forward(in->session->id, in->pdr->id, 0, skb);
	if (p->next == KIMS_NEXT_TUNNEL && unlikely(p->fragment))
		kims_gtpu_fragment(skb, p->mtu, kims_act_fragment, p);
	else if (p->next == KIMS_NEXT_TUNNEL)
		kims_outer_send(&p->outer, p->path, skb);
	else
		kims_act_core(in, p, ep, skb);
}

/* Who else gets the packet: monitoring devices, and the duplication of its FAR. */
static void kims_act_copies(const struct kims_inner *in, const struct sk_buff *skb)
{
	if (unlikely(READ_ONCE(in->session->monitored)))
		kims_monitor_packet(in->session, skb, in->pdr->direction);
	if (unlikely(in->pdr->far && in->pdr->far->action & KIMS_APPLY_ACTION_DUPL))
		kims_act_dup(in, skb);
}

/* A super-packet of which a quota has room for a part: each packet of it by itself. */
static noinline int kims_act_cut(const struct kims_inner *in, const struct kims_tunnel *tunnel,
				 struct kims_gtpu_ep *ep, struct sk_buff *skb, bool flush)
{
	struct sk_buff *segs, *seg, *next;
	struct kims_inner one;
	int why;

	segs = __skb_gso_segment(skb, NETIF_F_SG | NETIF_F_HW_CSUM, false);
	if (IS_ERR_OR_NULL(segs))
		return KIMS_DROP_NO_MEMORY;
	consume_skb(skb);
	skb_list_walk_safe(segs, seg, next) {
		skb_mark_not_on_list(seg);
		one = (struct kims_inner){ .session = in->session, .qfi = in->qfi };
		why = kims_inner_read(&one, seg) ?: kims_gtpu_act(&one, tunnel, ep, seg, flush);
		if (!why)
			continue;
		why = why > 0 ? why : KIMS_DROP_APP;
		kims_net_drop(in->session->kn, why);
		kims_drop(seg, why);
	}
	return 0;
}

int kims_gtpu_act(struct kims_inner *in, const struct kims_tunnel *tunnel,
		  struct kims_gtpu_ep *ep, struct sk_buff *skb, bool flush)
{
	struct kims_onward p;
	unsigned int tries;
	int why;

	in->flush = flush;
	for (tries = 0; tries < KIMS_ACT_TRIES; tries++) {
		why = kims_gtpu_match(in, tunnel, skb);
		if (unlikely(why))
			return why;
		trace_kims_classify(in->session->id, in->pdr->id, 0, skb);
		why = kims_plan(in, &p, ep, skb);
		why = kims_charge(in, skb, why);
		if (unlikely(why == KIMS_CHARGE_AGAIN))
			continue;
		if (unlikely(why == KIMS_CHARGE_TAKEN))
			return 0;
		if (unlikely(why == KIMS_METER_CUT))
			return kims_act_cut(in, tunnel, ep, skb, flush);
		if (unlikely(why == KIMS_CHARGE_GONE))
			return ep ? KIMS_DROP_UNKNOWN_TEID : KIMS_DROP_NO_PDR;
		if (likely(!why)) {
			kims_act_copies(in, skb);
			kims_act_go(in, &p, ep, skb);
		} else {
			if (tunnel)
				trace_kims_session_drop(in->session->id, in->pdr->id, why, skb);
			if (why == KIMS_DROP_FAR)
				kims_act_copies(in, skb);
		}
		return why;
	}
	return KIMS_DROP_NO_PDR; /* rules change faster than packets can follow */
}

/* --- to the UE --- */

int kims_gtpu_to_ue(struct kims_inner *in, struct kims_session *s, struct sk_buff *skb, bool flush)
{
	int why;

	in->session = s;
	in->pdr = NULL;
	in->qfi = -1;
	why = kims_inner_read(in, skb);
	if (likely(!why))
		why = kims_gtpu_act(in, NULL, NULL, skb, flush);
	if (unlikely(why > 0)) {
		kims_net_drop(s->kn, why);
		trace_kims_session_drop(s->id, in->pdr ? in->pdr->id : 0, why, skb);
	}
	return why;
}

/* Only a hook can hand a packet to userspace. */
static noinline int kims_downlink(struct kims_session *s, struct sk_buff *skb, bool flush)
{
	enum kims_app_mode mode = kims_app_peek();
	struct kims_inner in;
	int why = kims_gtpu_to_ue(&in, s, skb, flush);

	kims_app_mode(mode);
	if (unlikely(why < 0)) { /* counted when it comes back */
		kims_app_hand(s, in.pdr, skb);
		return 0;
	}
	if (likely(!flush))
		kims_downlink_count(s->kn);
	return why;
}

int kims_gtpu_downlink(struct kims_session *s, struct sk_buff *skb, bool flush)
{
	int why;

	if (unlikely(flush))
		return kims_downlink(s, skb, true);
	why = kims_gtpu_fast_ue(s, skb);
	if (unlikely(!why))
		return kims_downlink(s, skb, false);
	return kims_fast_count(s, skb, why);
}
