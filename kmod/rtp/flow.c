// SPDX-License-Identifier: GPL-2.0
/*
 * The life of a media flow: create, replace, delete, silence; see rtp.h.
 *
 * Who may still hold a deleted struct kims_rtp: a packet that found its flow before it left the
 * table, until the end of that packet's RCU section (KIMS_RTP_DEAD makes it count nothing); its
 * timer, which timer_shutdown_sync() waits for and which cannot be armed again. So it is freed
 * after a grace period.
 */
#include <linux/slab.h>
#include "genl.h"
#include "rtp/rtp.h"
#include "rtp/srtp.h"

/* --- silence --- */

static void kims_rtp_arm(struct kims_rtp *rtp, unsigned long from, u32 timeout)
{
	if (timeout)
		mod_timer(&rtp->timer, from + msecs_to_jiffies(timeout) + 1);
}

static unsigned long kims_rtp_quiet_since(const struct kims_rtp *rtp)
{
	return rtp->seen && time_after(rtp->last, rtp->since) ? rtp->last : rtp->since;
}

/* Armed once, the timer looks when it fires how long it has been: packets do not touch it. */
static void kims_rtp_timer(struct timer_list *timer)
{
	struct kims_rtp *rtp = container_of(timer, struct kims_rtp, timer);
	unsigned long since;
	u32 timeout;

	rcu_read_lock();
	spin_lock(&rtp->lock);
	timeout = rcu_dereference(rtp->flow)->timeout;
	since = kims_rtp_quiet_since(rtp);
	if (rtp->activity != KIMS_RTP_DEAD && timeout) {
		if (time_before(jiffies, since + msecs_to_jiffies(timeout))) {
			kims_rtp_arm(rtp, since, timeout);
		} else {
			rtp->activity = KIMS_RTP_SILENT;
			kims_rtp_notify(rtp, KIMS_CMD_RTP_INACTIVE_NTF);
		}
	}
	spin_unlock(&rtp->lock);
	rcu_read_unlock();
}

/* A new program begins a new wait. */
static void kims_rtp_watch(struct kims_rtp *rtp, u32 timeout)
{
	spin_lock_bh(&rtp->lock);
	rtp->since = jiffies;
	kims_rtp_arm(rtp, rtp->since, timeout);
	spin_unlock_bh(&rtp->lock);
}

/* --- create, replace --- */

static struct kims_rtp *kims_rtp_alloc(struct kims_net *kn, u64 cookie)
{
	struct kims_rtp *rtp = kzalloc(sizeof(*rtp), GFP_KERNEL_ACCOUNT);

	if (!rtp)
		return NULL;
	spin_lock_init(&rtp->lock);
	timer_setup(&rtp->timer, kims_rtp_timer, 0);
	INIT_LIST_HEAD(&rtp->latch_job);
	rtp->activity = KIMS_RTP_SILENT;
	rtp->since = jiffies;
	rtp->cookie = cookie;
	rtp->kn = kn;
	return rtp;
}

static int kims_rtp_number(struct kims_net *kn, struct kims_rtp *rtp, u32 id,
			   struct netlink_ext_ack *extack)
{
	struct kims_rtp_net *rn = kn->rtp;
	int err;

	if (id) {
		rtp->id = id;
		err = xa_insert(&rn->flows, id, rtp, GFP_KERNEL_ACCOUNT);
	} else {
		err = xa_alloc_cyclic(&rn->flows, &rtp->id, rtp, XA_LIMIT(1, KIMS_RTP_ID_MAX),
				      &rn->next_id, GFP_KERNEL_ACCOUNT);
	}
	if (err < 0)
		return KIMS_REFUSE(extack, err, "no number for the flow");
	return 0;
}

static int kims_rtp_add_error(int err, struct netlink_ext_ack *extack)
{
	if (err == -EEXIST)
		return KIMS_REFUSE(extack, err, "another flow has this local address and port");
	return KIMS_REFUSE(extack, err, "flow cannot be put into the flow cache");
}

static u32 kims_rtp_cookie_hash(const struct kims_net *kn, u64 cookie)
{
	return jhash_2words(lower_32_bits(cookie), upper_32_bits(cookie), kn->rtp->by_cookie.seed);
}

/* Into the flow cache and the list of its cookie. */
static int kims_rtp_link(struct kims_net *kn, struct kims_rtp *rtp, struct kims_flow *f,
			 struct netlink_ext_ack *extack)
{
	int err;

	err = kims_table_add(&kn->rtp->by_cookie, &rtp->by_cookie,
			     kims_rtp_cookie_hash(kn, rtp->cookie), &kn->lock);
	if (err)
		return err;
	err = kims_flow_add(kn, f);
	if (!err)
		return 0;
	kims_table_del(&kn->rtp->by_cookie, &rtp->by_cookie, &kn->lock);
	return kims_rtp_add_error(err, extack);
}

static void kims_rtp_bind(struct kims_rtp_flow *rf, struct kims_rtp *rtp)
{
	rf->rtp = rtp;
	rf->usual = rf->media == KIMS_MEDIA_RTP && rf->gate == KIMS_GATE_OPEN && !rf->options;
	rf->flow.id = rtp->id;
	if (rf->options && rf->options->record)
		kims_record_bind(rf->options->record, rtp);
}

int kims_rtp_create(struct kims_net *kn, u32 id, u64 cookie, struct kims_rtp_flow *new,
		    struct kims_rtp_change *ret, struct netlink_ext_ack *extack)
{
	struct kims_rtp *rtp = kims_rtp_alloc(kn, cookie);
	int err;

	if (!rtp)
		return -ENOMEM;
	err = kims_rtp_number(kn, rtp, id, extack);
	if (err)
		goto err_free;
	kims_rtp_bind(new, rtp);
	RCU_INIT_POINTER(rtp->flow, new);
	err = kims_rtp_link(kn, rtp, &new->flow, extack);
	if (err)
		goto err_number;
	kn->rtp->count++;
	kims_net_hold(kn);
	*ret = (struct kims_rtp_change){ .rtp = rtp, .new = new };
	return 0;

err_number:
	xa_erase(&kn->rtp->flows, rtp->id);
err_free:
	kfree(rtp);
	return err;
}

/* What goes on over a replace: keys with their counters, a peer that was learned. -EINVAL. */
static int kims_rtp_carry(struct kims_rtp *rtp, const struct kims_rtp_flow *old,
			  struct kims_rtp_flow *new, struct netlink_ext_ack *extack)
{
	int err;

	if (old->options && new->options) {
		err = kims_srtp_check_out(new->options->out, old->options->out, extack);
		if (err)
			return err;
		kims_srtp_carry(&new->options->in, old->options->in);
		kims_srtp_carry(&new->options->out, old->options->out);
	}
	kims_latch_apply(rtp, new);
	return 0;
}

int kims_rtp_replace(struct kims_rtp *rtp, struct kims_rtp_flow *new, struct kims_rtp_change *ret,
		     struct netlink_ext_ack *extack)
{
	struct kims_rtp_flow *old = kims_rtp_conf(rtp);
	int err;

	kims_rtp_bind(new, rtp);
	err = kims_rtp_carry(rtp, old, new, extack);
	if (err)
		return err;
	err = kims_flow_replace(rtp->kn, &old->flow, &new->flow);
	if (err)
		return kims_rtp_add_error(err, extack);
	rcu_assign_pointer(rtp->flow, new);
	*ret = (struct kims_rtp_change){ .rtp = rtp, .new = new, .old = old };
	return 0;
}

void kims_rtp_swap(struct kims_rtp *rtp, struct kims_rtp_flow *new)
{
	struct kims_rtp_flow *old = kims_rtp_conf(rtp);

	kims_rtp_bind(new, rtp);
	WARN_ON_ONCE(kims_flow_replace(rtp->kn, &old->flow, &new->flow));
	rcu_assign_pointer(rtp->flow, new);
	rtp->kn->seq++;
	kims_flow_free(&old->flow);
}

void kims_rtp_commit(struct kims_rtp_change *change)
{
	kims_latch_commit(change->rtp, change->old, change->new);
	if (change->old)
		kims_flow_free(&change->old->flow);
	change->rtp->kn->seq++;
	kims_rtp_watch(change->rtp, change->new->timeout);
}

/* Old programs go back to the keys that they had, so that this cannot meet a taken one. */
void kims_rtp_undo(struct kims_rtp_change *change)
{
	if (!change->old) {
		kims_rtp_delete(change->rtp);
		kims_rtp_free(change->rtp);
		return;
	}
	rcu_assign_pointer(change->rtp->flow, change->old);
	WARN_ON_ONCE(kims_flow_replace(change->rtp->kn, &change->new->flow, &change->old->flow));
	kims_flow_free(&change->new->flow);
}

/* --- find, delete --- */

struct kims_rtp *kims_rtp_find(struct kims_net *kn, u32 id)
{
	lockdep_assert_held(&kn->lock);
	return xa_load(&kn->rtp->flows, id);
}

struct kims_rtp *kims_rtp_find_cookie(struct kims_net *kn, u64 cookie, u32 *ret_count)
{
	struct kims_rtp *rtp, *found = NULL;
	struct kims_buckets *b;
	struct kims_node *node;

	lockdep_assert_held(&kn->lock);
	*ret_count = 0;
	kims_table_for_each(&kn->rtp->by_cookie, b, node, kims_rtp_cookie_hash(kn, cookie)) {
		rtp = container_of(node, struct kims_rtp, by_cookie);
		if (rtp->cookie != cookie)
			continue;
		found = rtp;
		++*ret_count;
	}
	return found;
}

void kims_rtp_delete(struct kims_rtp *rtp)
{
	struct kims_net *kn = rtp->kn;

	lockdep_assert_held(&kn->lock);
	kims_flow_del(kn, &kims_rtp_conf(rtp)->flow);
	kims_table_del(&kn->rtp->by_cookie, &rtp->by_cookie, &kn->lock);
	spin_lock_bh(&rtp->lock);
	rtp->activity = KIMS_RTP_DEAD;
	spin_unlock_bh(&rtp->lock);
	kims_latch_forget_job(rtp);
	timer_shutdown_sync(&rtp->timer);
	xa_erase(&kn->rtp->flows, rtp->id);
	kn->rtp->count--;
	kims_net_release(kn);
}

static void kims_rtp_free_rcu(struct rcu_head *rcu)
{
	struct kims_rtp *rtp = container_of(rcu, struct kims_rtp, rcu);

	kfree(rtp->rtcp);
	kfree(rtp);
}

void kims_rtp_free(struct kims_rtp *rtp)
{
	kims_flow_free(&kims_rtp_conf(rtp)->flow);
	call_rcu(&rtp->rcu, kims_rtp_free_rcu);
}

void kims_rtp_flow_free(struct kims_rtp_flow *rf)
{
	kims_rtp_options_free(rf->options);
	kfree(rf);
}

/* --- namespace --- */

u32 kims_rtp_count(const struct kims_net *kn)
{
	return READ_ONCE(kn->rtp->count);
}

int kims_rtp_net_init(struct kims_net *kn)
{
	kn->rtp = kzalloc(sizeof(*kn->rtp), GFP_KERNEL);
	if (!kn->rtp)
		return -ENOMEM;
	xa_init_flags(&kn->rtp->flows, XA_FLAGS_ALLOC1);
	kims_table_init(&kn->rtp->by_cookie);
	kn->rtp->kn = kn;
	kims_latch_net_init(kn->rtp);
	return 0;
}

void kims_rtp_net_exit(struct kims_net *kn)
{
	struct kims_rtp *rtp;
	unsigned long id;

	mutex_lock(&kn->lock);
	xa_for_each(&kn->rtp->flows, id, rtp) {
		kims_rtp_delete(rtp);
		kims_rtp_free(rtp);
	}
	mutex_unlock(&kn->lock);
	kims_latch_net_exit(kn->rtp);
	xa_destroy(&kn->rtp->flows);
	kims_table_destroy(&kn->rtp->by_cookie);
	kfree(kn->rtp);
}
