// SPDX-License-Identifier: GPL-2.0
/*
 * Symmetric RTP (RFC 4961): a flow learns its peer from the first packet that it sends on, and
 * tells the flow of the other direction.
 *
 * A packet cannot change what is in the flow cache, which only kims_net.lock allows. It writes
 * kims_rtp.latched, from which moment on nobody else's packets pass, and leaves the rest to a job:
 * a program that expects just this peer (and may go the short ways again), the destination of the
 * reverse flow, the event. Where memory is short the first packet's word still holds; only the
 * reverse flow then sends to its own destination until it is replaced.
 */
#include <linux/slab.h>
#include "rtp/rtp.h"

static bool kims_end_equal(const struct kims_end *a, const struct kims_end *b)
{
	return a->port == b->port && kims_addr_equal(&a->addr, &b->addr);
}

static bool kims_latched(const struct kims_rtp *rtp)
{
	return rtp->latched.addr.family != AF_UNSPEC;
}

/* --- packets; under kims_rtp.lock --- */

int kims_latch_check(const struct kims_rtp *rtp, const struct kims_rtp_options *o,
		     const struct kims_end *from)
{
	if (o->latch == KIMS_LATCH_OFF || !kims_latched(rtp) || o->forget)
		return 0;
	return kims_end_equal(&rtp->latched, from) ? 0 : KIMS_DROP_SOURCE;
}

static void kims_latch_queue(struct kims_rtp *rtp)
{
	struct kims_rtp_net *rn = rtp->kn->rtp;

	spin_lock_bh(&rn->latch_lock);
	if (list_empty(&rtp->latch_job))
		list_add_tail(&rtp->latch_job, &rn->latch_jobs);
	spin_unlock_bh(&rn->latch_lock);
	schedule_work(&rn->latch_work);
}

/*
 * Not from a packet that has been under way with a program that was replaced meanwhile, nor, while
 * a replace that forgets is being put in place, before it is.
 */
void kims_latch_learn(struct kims_rtp_flow *rf, const struct kims_end *from)
{
	struct kims_rtp *rtp = rf->rtp;

	if (likely(kims_latched(rtp)) || rf->options->forget ||
	    rcu_access_pointer(rtp->flow) != rf)
		return;
	rtp->latched = *from;
	kims_latch_queue(rtp);
}

/* --- replace; under kims_net.lock --- */

/* Whether what was learned is a peer that the new program may have. */
static bool kims_latch_fits(const struct kims_rtp *rtp, const struct kims_rtp_flow *new)
{
	const struct kims_flow *f = &new->flow;

	if (new->options->latch != KIMS_LATCH_ONCE || !kims_latched(rtp) ||
	    rtp->latched.addr.family != f->local.key.local.addr.family)
		return false;
	return f->from.addr.family == AF_UNSPEC ||
	       kims_addr_equal(&f->from.addr, &rtp->latched.addr);
}

static void kims_latch_tell(struct kims_flow *f, const struct kims_end *told)
{
	struct kims_rewrite out = kims_rtp_out(f);

	if (out.dst.addr.family != told->addr.family || kims_end_equal(&out.dst, told))
		return;
	out.dst = *told;
	kims_flow_init(f, &f->local.key, &f->from, &out, f->ops);
}

void kims_latch_apply(struct kims_rtp *rtp, struct kims_rtp_flow *new)
{
	struct kims_rtp_options *o = new->options;
	struct kims_flow *f = &new->flow;

	lockdep_assert_held(&rtp->kn->lock);
	kims_latch_tell(f, &rtp->told);
	if (!o || o->latch == KIMS_LATCH_OFF)
		return;
	spin_lock_bh(&rtp->lock);
	o->forget = kims_latched(rtp) && !kims_latch_fits(rtp, new);
	if (kims_latched(rtp) && !o->forget)
		f->from = rtp->latched;
	spin_unlock_bh(&rtp->lock);
	f->ops = kims_rtp_ops(new);
}

static struct kims_rtp *kims_latch_reverse(struct kims_rtp *rtp, const struct kims_rtp_flow *rf)
{
	u32 id = rf->options ? rf->options->reverse : 0;

	return id && id != rtp->id ? kims_rtp_find(rtp->kn, id) : NULL;
}

static bool kims_rtp_latches(const struct kims_rtp_flow *rf)
{
	return rf->options && rf->options->latch != KIMS_LATCH_OFF;
}

/* A flow that learns nothing any more lets go of the one that it told. */
static void kims_latch_release(struct kims_rtp *rtp, const struct kims_rtp_flow *old)
{
	struct kims_rtp *reverse = kims_latch_reverse(rtp, old);

	if (reverse)
		reverse->told = (struct kims_end){};
}

void kims_latch_commit(struct kims_rtp *rtp, const struct kims_rtp_flow *old,
		       const struct kims_rtp_flow *new)
{
	struct kims_rtp_options *o = new->options;

	lockdep_assert_held(&rtp->kn->lock);
	if (old && kims_rtp_latches(old) && !kims_rtp_latches(new))
		kims_latch_release(rtp, old);
	spin_lock_bh(&rtp->lock);
	if (!kims_rtp_latches(new) || o->forget) {
		rtp->latched = (struct kims_end){};
		rtp->ssrc_free |= o && o->forget;
	} else if (kims_latched(rtp) && o->reverse) {
		kims_latch_queue(rtp); /* the reverse flow may be another one */
	}
	if (o)
		o->forget = false;
	spin_unlock_bh(&rtp->lock);
}

/* --- the job --- */

/* The same program, to be changed before it is swapped in; NULL: no memory. */
static struct kims_rtp_flow *kims_latch_copy(const struct kims_rtp_flow *old)
{
	struct kims_rewrite out = kims_rtp_out(&old->flow);
	struct kims_rtp_flow *new = kmemdup(old, sizeof(*old), GFP_KERNEL_ACCOUNT);

	if (!new)
		return NULL;
	memset(&new->flow, 0, sizeof(new->flow));
	kims_flow_init(&new->flow, &old->flow.local.key, &old->flow.from, &out, old->flow.ops);
	new->options = NULL;
	if (!old->options)
		return new;
	new->options = kims_rtp_options_copy(old);
	if (new->options)
		return new;
	kfree(new);
	return NULL;
}

/* Expects the peer that was learned, and nobody else. */
static void kims_latch_settle(struct kims_rtp *rtp)
{
	struct kims_rtp_flow *old = kims_rtp_conf(rtp), *new;

	if (kims_end_equal(&old->flow.from, &rtp->latched))
		return;
	new = kims_latch_copy(old);
	if (!new)
		return;
	new->flow.from = rtp->latched;
	new->flow.ops = kims_rtp_ops(new);
	kims_rtp_swap(rtp, new);
}

static void kims_latch_turn(struct kims_rtp *reverse, const struct kims_end *told)
{
	struct kims_rtp_flow *old = kims_rtp_conf(reverse), *new;

	reverse->told = *told;
	if (old->flow.way.dst.addr.family != told->addr.family ||
	    kims_end_equal(&old->flow.way.dst, told))
		return;
	new = kims_latch_copy(old);
	if (!new)
		return;
	kims_latch_tell(&new->flow, told);
	kims_rtp_swap(reverse, new);
}

/* What was learned may be forgotten by now. */
static void kims_latch_finish(struct kims_rtp *rtp)
{
	struct kims_rtp *reverse;
	bool known, settled;

	lockdep_assert_held(&rtp->kn->lock);
	spin_lock_bh(&rtp->lock);
	known = kims_latched(rtp) && kims_rtp_latches(kims_rtp_conf(rtp));
	settled = kims_end_equal(&kims_rtp_conf(rtp)->flow.from, &rtp->latched);
	spin_unlock_bh(&rtp->lock);
	if (!known)
		return;
	/* Nothing but this lock's owners changes latched once it is set. */
	kims_latch_settle(rtp);
	reverse = kims_latch_reverse(rtp, kims_rtp_conf(rtp));
	if (reverse)
		kims_latch_turn(reverse, &rtp->latched);
	if (settled)
		return;
	spin_lock_bh(&rtp->lock);
	kims_rtp_notify(rtp, KIMS_CMD_RTP_LATCHED_NTF);
	spin_unlock_bh(&rtp->lock);
}

static struct kims_rtp *kims_latch_next(struct kims_rtp_net *rn)
{
	struct kims_rtp *rtp;

	spin_lock_bh(&rn->latch_lock);
	rtp = list_first_entry_or_null(&rn->latch_jobs, struct kims_rtp, latch_job);
	if (rtp)
		list_del_init(&rtp->latch_job);
	spin_unlock_bh(&rn->latch_lock);
	return rtp;
}

/* With the lock a flow in the list is alive: who deletes it takes it out. */
static void kims_latch_work(struct work_struct *work)
{
	struct kims_rtp_net *rn = container_of(work, struct kims_rtp_net, latch_work);
	struct kims_rtp *rtp;

	mutex_lock(&rn->kn->lock);
	while ((rtp = kims_latch_next(rn)))
		kims_latch_finish(rtp);
	mutex_unlock(&rn->kn->lock);
}

void kims_latch_forget_job(struct kims_rtp *rtp)
{
	struct kims_rtp_net *rn = rtp->kn->rtp;

	lockdep_assert_held(&rtp->kn->lock);
	spin_lock_bh(&rn->latch_lock);
	list_del_init(&rtp->latch_job);
	spin_unlock_bh(&rn->latch_lock);
}

void kims_latch_net_init(struct kims_rtp_net *rn)
{
	spin_lock_init(&rn->latch_lock);
	INIT_LIST_HEAD(&rn->latch_jobs);
	INIT_WORK(&rn->latch_work, kims_latch_work);
}

void kims_latch_net_exit(struct kims_rtp_net *rn)
{
	cancel_work_sync(&rn->latch_work);
}
