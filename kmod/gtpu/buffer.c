// SPDX-License-Identifier: GPL-2.0
/*
 * Downlink packets that wait for their UE (TS 29.244 5.2.3, 5.2.4): a queue per session, bounded
 * by its BAR and by what all sessions of the namespace may hold.
 *
 * Invariants:
 *  - a packet that waits is not metered; it will be when it goes (kims_gtpu_downlink()), or is
 *    counted as dropped, once;
 *  - packets of a session leave in the order they came: while the queue is being sent, new packets
 *    queue behind (kims_session.flushing), and what must wait longer stays in front of them;
 *  - a packet that waits holds no reference to a device, route, socket or connection;
 *  - the queue empties when its session dies, so that the shares of all sessions add up to the
 *    namespace's.
 *
 * The control plane hears once of each burst: of the first packet into an empty queue whose FAR
 * says notify, with its DSCP for the paging policy, after the delay of the BAR.
 */
#include <linux/ip.h>
#include <net/dsfield.h>
#include "genl.h"
#include "gtpu/gtpu.h"

/* Defaults of a BAR. */
#define KIMS_BAR_PACKETS 64
#define KIMS_BAR_OCTETS 98304
#define KIMS_BAR_TIMEOUT_MS 10000

/* Most that waits in a namespace: packets, and octets of memory. */
#define KIMS_BUFFER_PACKETS 65536
#define KIMS_BUFFER_MEMORY (64 << 20)

/* Packets that are sent by one flush at most; then those that still come are refused. */
#define KIMS_FLUSH_MAX 65536

struct kims_waiting {
	unsigned long expires; /* jiffies */
	u32 pdr;	       /* id */
	unsigned int memory;   /* as charged to the namespace */
	int iif;	       /* by which device it came */
};

static struct kims_waiting *kims_waiting(const struct sk_buff *skb)
{
	BUILD_BUG_ON(sizeof(struct kims_waiting) > sizeof_field(struct sk_buff, cb));
	return (struct kims_waiting *)skb->cb;
}

/* --- bounds --- */

static bool kims_buffer_charge(struct kims_session *s, const struct sk_buff *skb)
{
	struct kims_gtpu_net *gn = s->kn->gtpu;

	if (skb_queue_len(&s->buffer) >= (s->bar.packets ?: KIMS_BAR_PACKETS) ||
	    s->buffered + skb->len > (s->bar.octets ?: KIMS_BAR_OCTETS))
		return false;
	if (atomic_inc_return(&gn->buffered_packets) > KIMS_BUFFER_PACKETS)
		goto err_packets;
	if (atomic_add_return(skb->truesize, &gn->buffered_octets) > KIMS_BUFFER_MEMORY)
		goto err_octets;
	s->buffered += skb->len;
	return true;

err_octets:
	atomic_sub(skb->truesize, &gn->buffered_octets);
err_packets:
	atomic_dec(&gn->buffered_packets);
	return false;
}

static void kims_buffer_uncharge(struct kims_session *s, const struct sk_buff *skb)
{
	struct kims_gtpu_net *gn = s->kn->gtpu;

	s->buffered -= skb->len;
	atomic_dec(&gn->buffered_packets);
	atomic_sub(kims_waiting(skb)->memory, &gn->buffered_octets);
}

/* --- dl-data-ntf --- */

static const struct kims_pdr *kims_pdr_find(const struct kims_session *s, u32 id)
{
	const struct kims_rules *rules =
		rcu_dereference_protected(s->rules, lockdep_is_held(&s->lock));
	unsigned int i;

	for (i = 0; rules && i < rules->n_pdrs; i++)
		if (rules->pdrs[i].id == id)
			return &rules->pdrs[i];
	return NULL;
}

static u8 kims_inner_dscp(const struct sk_buff *skb)
{
	const struct iphdr *iph = (const struct iphdr *)skb->data;

	return (iph->version == 4 ? ipv4_get_dsfield(iph) :
				    ipv6_get_dsfield((const struct ipv6hdr *)iph)) >> 2;
}

static int kims_nl_put_dl_data(struct sk_buff *skb, const struct kims_session *s,
			       const struct kims_pdr *pdr, u8 dscp)
{
	struct nlattr *nest = nla_nest_start(skb, KIMS_A_SESSION);

	if (!nest || kims_nl_put_session_name(skb, s) ||
	    nla_put_u32(skb, KIMS_SESSION_A_EVENT_PDR, pdr->id) ||
	    nla_put_u32(skb, KIMS_SESSION_A_EVENT_FAR, pdr->far->id) ||
	    nla_put_u32(skb, KIMS_SESSION_A_EVENT_DSCP, dscp))
		return -EMSGSIZE;
	nla_nest_end(skb, nest);
	return 0;
}

/* Of the packet that waits first, if it still waits by its FAR. */
static void kims_buffer_report(struct kims_session *s)
{
	const struct sk_buff *first = skb_peek(&s->buffer);
	const struct kims_pdr *pdr = first ? kims_pdr_find(s, kims_waiting(first)->pdr) : NULL;
	struct sk_buff *skb;
	void *hdr;

	s->report_due = false;
	if (!pdr || !(pdr->far->action & KIMS_APPLY_ACTION_NOCP))
		return;
	skb = kims_nl_event_new(s->kn, KIMS_CMD_DL_DATA_NTF, KIMS_NLGRP_GTPU, &hdr);
	if (skb)
		kims_nl_event_send(s->kn, skb, hdr, KIMS_NLGRP_GTPU,
				   kims_nl_put_dl_data(skb, s, pdr, kims_inner_dscp(first)));
}

/* A packet was added whose FAR says notify. */
static void kims_buffer_notify(struct kims_session *s)
{
	if (s->reported)
		return;
	s->reported = true;
	if (!s->bar.delay) {
		kims_buffer_report(s);
		return;
	}
	s->report_due = true;
	s->report_at = jiffies + msecs_to_jiffies(s->bar.delay);
}

/* The next packet begins a burst. */
static void kims_buffer_rest(struct kims_session *s)
{
	if (!skb_queue_empty(&s->buffer) || s->flushing)
		return;
	s->reported = false;
	s->report_due = false;
}

/* --- put --- */

/* The packet may outlive all that it refers to. */
static void kims_buffer_scrub(struct sk_buff *skb)
{
	skb_orphan(skb);
	skb_dst_drop(skb);
	skb_ext_reset(skb);
	nf_reset_ct(skb);
	skb->dev = NULL;
}

int kims_buffer_put(struct kims_session *s, const struct kims_pdr *pdr, struct sk_buff *skb)
{
	int iif = skb->dev ? skb->dev->ifindex : skb->skb_iif;
	const u32 tell = KIMS_APPLY_ACTION_BUFF | KIMS_APPLY_ACTION_NOCP;
	bool first = skb_queue_empty(&s->buffer);

	lockdep_assert_held(&s->lock);
	if (s->dead || s->refusing || !kims_buffer_charge(s, skb))
		return KIMS_DROP_BUFFER_FULL;
	kims_buffer_scrub(skb);
	*kims_waiting(skb) = (struct kims_waiting){
		.expires = jiffies + msecs_to_jiffies(s->bar.timeout ?: KIMS_BAR_TIMEOUT_MS),
		.pdr = pdr->id,
		.memory = skb->truesize,
		.iif = iif,
	};
	__skb_queue_tail(&s->buffer, skb);
	s->last = jiffies;
	if (unlikely(!s->awake))
		kims_session_wake(s);
	if ((pdr->far->action & tell) == tell)
		kims_buffer_notify(s);
	if (first || s->report_due)
		kims_session_arm(s);
	return 0;
}

/* --- drop --- */

struct kims_pdr_count *kims_pdr_count_find(const struct kims_session *s, u32 id)
{
	unsigned int i;

	for (i = 0; i < s->n_counts; i++)
		if (s->counts[i]->id == id)
			return s->counts[i];
	return NULL;
}

/* No longer in the queue. */
static void kims_buffer_drop_one(struct kims_session *s, struct sk_buff *skb, int why)
{
	struct kims_pdr_count *count = kims_pdr_count_find(s, kims_waiting(skb)->pdr);

	kims_buffer_uncharge(s, skb);
	if (count)
		count->dropped += max_t(unsigned int, skb_shinfo(skb)->gso_segs, 1);
	kims_net_drop(s->kn, why);
	kims_drop(skb, why);
}

void kims_buffer_drop(struct kims_session *s, int why)
{
	struct sk_buff *skb;

	lockdep_assert_held(&s->lock);
	while ((skb = __skb_dequeue(&s->buffer)))
		kims_buffer_drop_one(s, skb, why);
	kims_buffer_rest(s);
}

bool kims_buffer_expires(const struct kims_session *s, unsigned long *ret_expires)
{
	const struct sk_buff *first = skb_peek(&s->buffer);

	if (!first)
		return false;
	*ret_expires = kims_waiting(first)->expires;
	return true;
}

void kims_buffer_due(struct kims_session *s)
{
	unsigned long expires;

	while (kims_buffer_expires(s, &expires) && !time_after(expires, jiffies))
		kims_buffer_drop_one(s, __skb_dequeue(&s->buffer), KIMS_DROP_BUFFER_TIMEOUT);
	kims_buffer_rest(s);
	if (s->report_due && !time_after(s->report_at, jiffies))
		kims_buffer_report(s);
}

/* --- flush --- */

/* Its FAR still buffers. */
static bool kims_buffer_keeps(const struct kims_session *s, const struct sk_buff *skb)
{
	const struct kims_pdr *pdr = kims_pdr_find(s, kims_waiting(skb)->pdr);

	return pdr && pdr->far->action & KIMS_APPLY_ACTION_BUFF;
}

/* Puts the next packet that may go into *ret and those that may not into keep. */
static bool kims_buffer_take(struct kims_session *s, struct sk_buff_head *keep,
			     struct sk_buff **ret)
{
	struct sk_buff *skb;

	while ((skb = __skb_dequeue(&s->buffer))) {
		if (kims_buffer_keeps(s, skb)) {
			__skb_queue_tail(keep, skb);
			continue;
		}
		kims_buffer_uncharge(s, skb);
		*ret = skb;
		return true;
	}
	return false;
}

/* BH off, lock not held. What comes of the packet is counted where it happens. */
static void kims_buffer_send(struct kims_session *s, struct sk_buff *skb)
{
	struct net *net = s->kn->net;
	int iif = kims_waiting(skb)->iif;

	rcu_read_lock();
	skb->dev = dev_get_by_index_rcu(net, iif) ?: net->loopback_dev;
	memset(skb->cb, 0, sizeof(skb->cb));
	kims_ue_send(s, skb, true);
	rcu_read_unlock();
}

/* Sends until the queue has nothing that may go. The caller holds the lock, which is let go. */
static void kims_buffer_run(struct kims_session *s, struct sk_buff_head *keep)
{
	unsigned int sent = 0;
	struct sk_buff *skb;

	while (!s->dead && kims_buffer_take(s, keep, &skb)) {
		/* Whoever sends faster than we do is not to keep us here. */
		s->refusing = ++sent >= KIMS_FLUSH_MAX;
		spin_unlock(&s->lock);
		kims_buffer_send(s, skb);
		spin_lock(&s->lock);
	}
	s->refusing = false;
}

void kims_buffer_flush(struct kims_session *s)
{
	struct sk_buff_head keep;

	__skb_queue_head_init(&keep);
	spin_lock_bh(&s->lock);
	if (s->flushing) {
		kims_buffer_run(s, &keep);
		s->flushing = false;
		skb_queue_splice(&keep, &s->buffer);
		kims_buffer_rest(s);
		if (s->dead)
			kims_buffer_drop(s, KIMS_DROP_BUFFER_TIMEOUT);
		kims_session_arm(s);
	}
	spin_unlock_bh(&s->lock);
}
