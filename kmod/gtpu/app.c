// SPDX-License-Identifier: GPL-2.0
/*
 * Application detection (TS 29.244 5.2.1, Application ID): what userspace has said of the inner
 * flows of a session, and how it is asked.
 *
 * A packet that gets to a PDR with an application whose flow is not known goes, as it came, to the
 * PDR's NFQUEUE. Userspace tells with app-flow-new what the flow is and lets the packet run
 * through the hook again (NF_REPEAT): now the flow is found here, and userspace does not see it
 * any more. A packet that nobody looks at (the queue has no reader, or is full and fails open), or
 * that userspace only accepts, comes to the late hook, right behind the one that asked; that
 * treats it as app-fail of the PDR says.
 *
 * A packet that is not what the hook was called with (it comes from another session, a media flow, the
 * kims device, or out of a super-packet) is passed through the hooks of PRE_ROUTING by itself, so
 * that it can be queued: a plain one to a UE as received by the kims device, where a hook before all
 * of ours asks; a G-PDU as it came, once more.
 *
 * Invariants:
 *  - packets allocate nothing: flows are made by userspace alone, at most KIMS_APP_FLOWS in a
 *    session, of which the longest unused make room for new ones;
 *  - of a flow at most KIMS_APP_ASK packets in KIMS_APP_ASK_TIME go to the queue (flows that share
 *    a counter share that number), so that a reader which never answers is not asked for ever.
 */
#include <linux/ip.h>
#include <linux/jhash.h>
#include <linux/jiffies.h>
#include <linux/netfilter_ipv4.h>
#include <linux/slab.h>
#include "gtpu/app.h"

#define KIMS_APP_BUCKETS 64
#define KIMS_APP_FLOWS 1024
#define KIMS_APP_ASK 16
#define KIMS_APP_ASK_TIME (10 * HZ)
#define KIMS_APP_COUNTERS 256
/* A flow that is not used for so long may be another one with the same ports. */
#define KIMS_APP_IDLE (300 * HZ)

struct kims_app_flow {
	struct hlist_node node;
	struct kims_app_key key;
	u32 app_id;
	unsigned long last; /* jiffies of the last packet */
	struct rcu_head rcu;
};

struct kims_app_flows {
	u32 count; /* by kims_net.lock, as every change of the lists */
	u32 seed;
	unsigned long asked_since; /* jiffies; the counters are of this time */
	u8 asked[KIMS_APP_COUNTERS];
	struct hlist_head bucket[KIMS_APP_BUCKETS];
	struct rcu_head rcu;
};

/* Of the packet that is on its way on this CPU, BH off. */
static DEFINE_PER_CPU(enum kims_app_mode, kims_app_now);

static u32 kims_app_hash(const struct kims_app_flows *flows, const struct kims_app_key *key)
{
	return jhash(key, sizeof(*key), flows->seed);
}

/* Under RCU. */
static struct kims_app_flow *kims_app_lookup(struct kims_app_flows *flows, u32 hash,
					     const struct kims_app_key *key)
{
	struct kims_app_flow *f;

	hlist_for_each_entry_rcu(f, &flows->bucket[hash % KIMS_APP_BUCKETS], node)
		if (!memcmp(&f->key, key, sizeof(*key)))
			return f;
	return NULL;
}

/* --- packets --- */

static void kims_app_read_key(const struct kims_inner *in, const struct sk_buff *skb,
			      struct kims_app_key *key)
{
	const struct iphdr *iph = (const struct iphdr *)skb->data;
	const struct ipv6hdr *ip6h = (const struct ipv6hdr *)skb->data;
	bool up = in->pdr->direction == KIMS_UPLINK;

	memset(key, 0, sizeof(*key));
	key->family = in->family;
	key->protocol = in->protocol;
	if (in->family == AF_INET) {
		key->ue.s6_addr32[0] = up ? iph->saddr : iph->daddr;
		key->remote.s6_addr32[0] = up ? iph->daddr : iph->saddr;
	} else {
		key->ue = up ? ip6h->saddr : ip6h->daddr;
		key->remote = up ? ip6h->daddr : ip6h->saddr;
	}
	if (!in->ports)
		return;
	key->ue_port = up ? in->ip.sport : in->dport;
	key->remote_port = up ? in->dport : in->ip.sport;
}

/* Lost updates of the counters do no harm. */
static bool kims_app_may_ask(struct kims_app_flows *flows, u32 hash, bool peek)
{
	u8 *asked = &flows->asked[hash >> 24];
	u8 n;

	BUILD_BUG_ON(KIMS_APP_COUNTERS != 256);
	if (time_after(jiffies, READ_ONCE(flows->asked_since) + KIMS_APP_ASK_TIME)) {
		WRITE_ONCE(flows->asked_since, jiffies);
		memset(flows->asked, 0, sizeof(flows->asked));
	}
	n = READ_ONCE(*asked);
	if (n >= KIMS_APP_ASK)
		return false;
	if (!peek)
		WRITE_ONCE(*asked, n + 1);
	return true;
}

int kims_app_find(struct kims_session *s, const struct kims_inner *in, const struct sk_buff *skb,
		  u32 *ret_app)
{
	struct kims_app_flows *flows = rcu_dereference(s->apps);
	enum kims_app_mode mode = this_cpu_read(kims_app_now);
	int unknown = in->pdr->fail_open ? 0 : KIMS_DROP_APP;
	struct kims_app_flow *f;
	struct kims_app_key key;
	u32 hash;

	*ret_app = 0;
	if (unlikely(!flows) || (in->fragment && !in->ports))
		return unknown;
	kims_app_read_key(in, skb, &key);
	hash = kims_app_hash(flows, &key);
	f = kims_app_lookup(flows, hash, &key);
	if (likely(f && time_before(jiffies, READ_ONCE(f->last) + KIMS_APP_IDLE))) {
		if (READ_ONCE(f->last) != jiffies)
			WRITE_ONCE(f->last, jiffies);
		*ret_app = f->app_id;
		return 0;
	}
	if (mode == KIMS_APP_LATE || in->flush ||
	    !kims_app_may_ask(flows, hash, mode == KIMS_APP_PEEK))
		return unknown;
	return -EINPROGRESS;
}

unsigned int kims_app_queue(const struct kims_pdr *pdr)
{
	return NF_QUEUE_NR(pdr->queue) | NF_VERDICT_FLAG_QUEUE_BYPASS;
}

enum kims_app_mode kims_app_mode(enum kims_app_mode mode)
{
	enum kims_app_mode was = this_cpu_read(kims_app_now);

	this_cpu_write(kims_app_now, mode);
	return was;
}

enum kims_app_mode kims_app_peek(void)
{
	enum kims_app_mode was = this_cpu_read(kims_app_now);

	if (was == KIMS_APP_ASK)
		this_cpu_write(kims_app_now, KIMS_APP_PEEK);
	return was;
}

/* --- packets that pass the hooks by themselves --- */

/* Nothing has taken it: what it was for has gone while userspace looked at it. */
static int kims_app_nobody(struct net *net, struct sock *sk, struct sk_buff *skb)
{
	local_bh_disable();
	kims_net_drop(kims_net(net), KIMS_DROP_NO_PDR);
	local_bh_enable();
	kims_drop(skb, KIMS_DROP_NO_PDR);
	return 0;
}

/* The same, and says that it is a plain packet to a UE. */
static int kims_app_handed(struct net *net, struct sock *sk, struct sk_buff *skb)
{
	return kims_app_nobody(net, sk, skb);
}

static void kims_app_pass(struct kims_net *kn, struct sk_buff *skb, struct net_device *dev,
			  int (*okfn)(struct net *net, struct sock *sk, struct sk_buff *skb))
{
	u8 pf = skb->protocol == htons(ETH_P_IP) ? NFPROTO_IPV4 : NFPROTO_IPV6;
	enum kims_app_mode mode = kims_app_mode(KIMS_APP_ASK);

	memset(skb->cb, 0, sizeof(skb->cb));
	skb->dev = dev;
	NF_HOOK(pf, NF_INET_PRE_ROUTING, kn->net, NULL, skb, dev, NULL, okfn);
	kims_app_mode(mode);
}

/* A plain packet to a UE, for the last time or not. Netfilter's verdict. */
static unsigned int kims_app_take(struct kims_net *kn, struct sk_buff *skb)
{
	struct kims_session *s;
	struct kims_addr addr;
	struct kims_inner in;
	int why;

	if (skb->protocol == htons(ETH_P_IP))
		kims_addr_set4(&addr, ip_hdr(skb)->daddr);
	else
		kims_addr_set6(&addr, &ipv6_hdr(skb)->daddr);
	s = kims_ue_session(kn, &addr);
	if (!s)
		return NF_ACCEPT;
	why = kims_gtpu_to_ue(&in, s, skb, false);
	if (why < 0)
		return kims_app_queue(in.pdr);
	kims_downlink_count(kn);
	return why ? kims_drop(skb, why) : NF_STOLEN;
}

void kims_app_hand(struct kims_session *s, const struct kims_pdr *pdr, struct sk_buff *skb)
{
	struct kims_gtpu_ep *ep = pdr->far->ep;
	struct net_device *dev = ep ? rcu_dereference(ep->dev) : NULL;
	enum kims_app_mode mode;

	if (dev) {
		skb_orphan(skb);
		skb_scrub_packet(skb, false);
		kims_app_pass(s->kn, skb, dev, kims_app_handed);
		return;
	}
	mode = kims_app_mode(KIMS_APP_LATE);
	if (kims_app_take(s->kn, skb) == NF_ACCEPT)
		kims_app_nobody(s->kn->net, NULL, skb);
	kims_app_mode(mode);
}

void kims_app_requeue(struct kims_gtpu_ep *ep, struct sk_buff *skb, u16 l4)
{
	unsigned int packets = kims_gso_packets(skb);
	struct sk_buff *segs = skb_is_gso(skb) ? kims_gtpu_unmerge(skb, l4) : skb, *seg, *next;

	skb_list_walk_safe(segs, seg, next) {
		skb_mark_not_on_list(seg);
		kims_app_pass(ep->kn, seg, seg->dev, kims_app_nobody);
		packets--;
	}
	if (!packets)
		return;
	kims_gtpu_ep_count(ep, KIMS_DROP_NO_MEMORY, packets);
	while (packets--)
		kims_net_drop(ep->kn, KIMS_DROP_NO_MEMORY);
}

/* Before all others of ours: asks of what kims_app_hand() lets pass. */
static unsigned int kims_app_early(void *priv, struct sk_buff *skb,
				   const struct nf_hook_state *state)
{
	unsigned int verdict;

	if (likely(state->okfn != kims_app_handed))
		return NF_ACCEPT;
	local_bh_disable();
	verdict = kims_app_take(priv, skb);
	local_bh_enable();
	return verdict;
}

/* --- the late hook --- */

static unsigned int kims_app_again(nf_hookfn *hook, void *priv, struct sk_buff *skb,
				   const struct nf_hook_state *state)
{
	enum kims_app_mode mode;
	unsigned int verdict;

	local_bh_disable();
	mode = kims_app_mode(KIMS_APP_LATE);
	verdict = unlikely(state->okfn == kims_app_handed) ? kims_app_take(priv, skb) :
							     hook(priv, skb, state);
	kims_app_mode(mode);
	local_bh_enable();
	return verdict;
}

static unsigned int kims_app_late4(void *priv, struct sk_buff *skb,
				   const struct nf_hook_state *state)
{
	return kims_app_again(kims_hook4, priv, skb, state);
}

static unsigned int kims_app_late6(void *priv, struct sk_buff *skb,
				   const struct nf_hook_state *state)
{
	return kims_app_again(kims_hook6, priv, skb, state);
}

static const struct nf_hook_ops kims_app_hooks[] = {
	{
		.hook = kims_app_late4,
		.pf = NFPROTO_IPV4,
		.hooknum = NF_INET_PRE_ROUTING,
		.priority = KIMS_HOOK_PRIORITY + 1,
	},
	{
		.hook = kims_app_late6,
		.pf = NFPROTO_IPV6,
		.hooknum = NF_INET_PRE_ROUTING,
		.priority = KIMS_HOOK_PRIORITY + 1,
	},
	{
		.hook = kims_app_early,
		.pf = NFPROTO_IPV4,
		.hooknum = NF_INET_PRE_ROUTING,
		.priority = KIMS_HOOK_PRIORITY - 1,
	},
	{
		.hook = kims_app_early,
		.pf = NFPROTO_IPV6,
		.hooknum = NF_INET_PRE_ROUTING,
		.priority = KIMS_HOOK_PRIORITY - 1,
	},
};

static int kims_app_hook(struct kims_net *kn)
{
	struct nf_hook_ops *ops;
	unsigned int i;
	int err;

	if (kn->gtpu->late)
		return 0;
	ops = kmemdup(kims_app_hooks, sizeof(kims_app_hooks), GFP_KERNEL_ACCOUNT);
	if (!ops)
		return -ENOMEM;
	for (i = 0; i < ARRAY_SIZE(kims_app_hooks); i++)
		ops[i].priv = kn;
	err = nf_register_net_hooks(kn->net, ops, ARRAY_SIZE(kims_app_hooks));
	if (err)
		kfree(ops);
	else
		kn->gtpu->late = ops;
	return err;
}

void kims_app_net_exit(struct kims_net *kn)
{
	if (!kn->gtpu->late)
		return;
	nf_unregister_net_hooks(kn->net, kn->gtpu->late, ARRAY_SIZE(kims_app_hooks));
	kfree(kn->gtpu->late);
	kn->gtpu->late = NULL;
}

/* --- what userspace says --- */

static struct kims_app_flows *kims_app_of(const struct kims_session *s)
{
	return rcu_dereference_protected(s->apps, lockdep_is_held(&s->kn->lock));
}

int kims_app_prepare(struct kims_session *s)
{
	struct kims_app_flows *flows;
	int err;

	lockdep_assert_held(&s->kn->lock);
	err = kims_app_hook(s->kn);
	if (err || kims_app_of(s))
		return err;
	flows = kzalloc(sizeof(*flows), GFP_KERNEL_ACCOUNT);
	if (!flows)
		return -ENOMEM;
	flows->seed = get_random_u32();
	flows->asked_since = jiffies;
	rcu_assign_pointer(s->apps, flows);
	return 0;
}

static void kims_app_del(struct kims_app_flows *flows, struct kims_app_flow *f)
{
	hlist_del_rcu(&f->node);
	kfree_rcu(f, rcu);
	flows->count--;
}

/* The longest unused flow of a bucket that has its share of all makes room. */
static void kims_app_make_room(struct kims_app_flows *flows, struct hlist_head *bucket)
{
	struct kims_app_flow *f, *oldest = NULL;
	unsigned int n = 0;

	hlist_for_each_entry(f, bucket, node) {
		n++;
		if (!oldest || time_before(f->last, oldest->last))
			oldest = f;
	}
	if (n >= KIMS_APP_FLOWS / KIMS_APP_BUCKETS)
		kims_app_del(flows, oldest);
}

int kims_app_set(struct kims_session *s, const struct kims_app_key *key, u32 app_id)
{
	struct kims_app_flows *flows;
	struct kims_app_flow *f, *old;
	u32 hash;
	int err;

	err = kims_app_prepare(s);
	if (err)
		return err;
	flows = kims_app_of(s);
	f = kzalloc(sizeof(*f), GFP_KERNEL_ACCOUNT);
	if (!f)
		return -ENOMEM;
	f->key = *key;
	f->app_id = app_id;
	f->last = jiffies;
	hash = kims_app_hash(flows, key);
	rcu_read_lock();
	old = kims_app_lookup(flows, hash, key);
	rcu_read_unlock();
	if (old) {
		hlist_replace_rcu(&old->node, &f->node);
		kfree_rcu(old, rcu);
		return 0;
	}
	kims_app_make_room(flows, &flows->bucket[hash % KIMS_APP_BUCKETS]);
	hlist_add_head_rcu(&f->node, &flows->bucket[hash % KIMS_APP_BUCKETS]);
	flows->count++;
	return 0;
}

int kims_app_walk(struct kims_session *s, struct kims_app_at *at,
		  int (*fn)(void *arg, const struct kims_app_key *key, u32 app_id), void *arg)
{
	struct kims_app_flows *flows = kims_app_of(s);
	struct kims_app_flow *f;
	u32 i;
	int err;

	for (; flows && at->bucket < KIMS_APP_BUCKETS; at->bucket++, at->index = 0) {
		i = 0;
		hlist_for_each_entry(f, &flows->bucket[at->bucket], node) {
			if (i++ < at->index)
				continue;
			err = fn(arg, &f->key, f->app_id);
			if (err)
				return err;
			at->index++;
		}
	}
	return 0;
}

static void kims_app_free_rcu(struct rcu_head *rcu)
{
	struct kims_app_flows *flows = container_of(rcu, struct kims_app_flows, rcu);
	struct kims_app_flow *f;
	struct hlist_node *next;
	unsigned int i;

	for (i = 0; i < KIMS_APP_BUCKETS; i++)
		hlist_for_each_entry_safe(f, next, &flows->bucket[i], node)
			kfree(f);
	kfree(flows);
}

void kims_app_free(struct kims_session *s)
{
	struct kims_app_flows *flows = rcu_dereference_protected(s->apps, 1);

	RCU_INIT_POINTER(s->apps, NULL);
	if (flows)
		call_rcu(&flows->rcu, kims_app_free_rcu);
}
