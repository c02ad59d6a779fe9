// SPDX-License-Identifier: GPL-2.0
/*
 * The life of a session (TS 29.244 5.2, 6.3): made, changed, deleted; see control.h and gtpu.h.
 *
 * Who may still hold a deleted session: a packet that found it by a tunnel or UE address before
 * these left the tables, or an Error Indication by a FAR, until the end of its RCU section (dead
 * makes it count nothing); its timers, which kims_session_timers_stop() waits for. So it is freed
 * after a grace period, with everything that hangs on it.
 */
#include <linux/slab.h>
#include "gtpu/control.h"
#include "path.h"

static const char kims_no_label[] = "";

/* --- find --- */

static u32 kims_session_hash(const struct kims_table *t, u64 id)
{
	return id * t->factor >> 32;
}

struct kims_session *kims_session_find(const struct kims_net *kn, u64 id)
{
	const struct kims_table *t = &kn->gtpu->sessions;
	struct kims_session *s;
	struct kims_buckets *b;
	struct kims_node *node;

	lockdep_assert_held(&kn->lock);
	kims_table_for_each(t, b, node, kims_session_hash(t, id)) {
		s = container_of(node, struct kims_session, node);
		if (s->id == id)
			return s;
	}
	return NULL;
}

static bool kims_session_behind(const struct kims_session *s, u32 hash, u64 id)
{
	return s->node.hash > hash || (s->node.hash == hash && s->id > id);
}

/* Buckets are in the order of the hash, also when the table grows; in a bucket they are not. */
struct kims_session *kims_session_next(const struct kims_net *kn, u32 hash, u64 id)
{
	const struct kims_buckets *b = rcu_dereference_check(kn->gtpu->sessions.buckets,
							     lockdep_is_held(&kn->lock));
	struct kims_session *s, *found = NULL;
	struct kims_node *node;
	u32 i;

	for (i = b ? hash >> b->shift : 0; b && !found && i <= b->mask; i++) {
		for (node = kims_table_first(b, i << b->shift); node;
		     node = kims_table_next(b, node)) {
			s = container_of(node, struct kims_session, node);
			if (kims_session_behind(s, hash, id) &&
			    (!found || !kims_session_behind(s, found->node.hash, found->id)))
				found = s;
		}
	}
	return found;
}

u32 kims_session_count(const struct kims_net *kn)
{
	return READ_ONCE(kn->gtpu->n_sessions);
}

/* --- UE addresses --- */

static struct kims_ue *kims_ue_find(const struct kims_net *kn, const struct kims_addr *addr)
{
	return addr->family == AF_INET ? kims_ue_find4(kn, addr->v4) : kims_ue_find6(kn, &addr->v6);
}

static void kims_ue_del(struct kims_ue *ue)
{
	struct kims_net *kn = ue->session->kn;

	kims_table_del(&kn->gtpu->ues, &ue->node, &kn->lock);
}

/* The address goes into the table, unless the session has it already. */
static int kims_ue_add(struct kims_plan *plan, int i, const struct kims_addr *addr,
		       const struct nlattr *attr, struct netlink_ext_ack *extack)
{
	struct kims_net *kn = plan->s->kn;
	struct kims_table *t = &kn->gtpu->ues;
	struct kims_ue *ue = kims_ue_find(kn, addr);
	int err;

	if (ue)
		return ue->session == plan->s ? 0 :
						KIMS_REFUSE_ATTR(extack, -EEXIST, attr,
								 "another session has the UE address");
	err = kims_flow_hook(kn, addr->family);
	if (err)
		return KIMS_REFUSE(extack, err, "no hook for the packets of the UE");
	ue = kzalloc(sizeof(*ue), GFP_KERNEL_ACCOUNT);
	if (!ue)
		return -ENOMEM;
	ue->addr = *addr;
	ue->session = plan->s;
	WRITE_ONCE(kn->has_ues, true);
	err = kims_table_add(t, &ue->node, kims_ue_hash(t, addr), &kn->lock);
	if (err) {
		kfree(ue);
		return err;
	}
	plan->ue[i] = ue;
	return 0;
}

static int kims_read_ue4(struct kims_plan *plan, const struct nlattr *attr,
			 struct netlink_ext_ack *extack)
{
	struct kims_addr addr;
	__be32 v4 = nla_get_in_addr(attr);

	if (ipv4_is_multicast(v4) || ipv4_is_lbcast(v4) || ipv4_is_zeronet(v4) ||
	    ipv4_is_loopback(v4))
		return KIMS_REFUSE_ATTR(extack, -EINVAL, attr, "no UE has this IPv4 address");
	kims_addr_set4(&addr, v4);
	return kims_ue_add(plan, 0, &addr, attr, extack);
}

static int kims_read_ue6(struct kims_plan *plan, const struct nlattr *attr,
			 struct netlink_ext_ack *extack)
{
	struct in6_addr v6 = nla_get_in6_addr(attr);
	struct kims_addr addr;

	v6.s6_addr32[2] = 0;
	v6.s6_addr32[3] = 0;
	if (!v6.s6_addr32[0] || v6.s6_addr[0] == 0xff ||
	    ipv6_addr_type(&v6) & IPV6_ADDR_LINKLOCAL)
		return KIMS_REFUSE_ATTR(extack, -EINVAL, attr, "no UE has this IPv6 prefix");
	kims_addr_set6(&addr, &v6);
	return kims_ue_add(plan, 1, &addr, attr, extack);
}

/* --- what a request says of the session itself --- */

static int kims_read_label(struct kims_plan *plan, const struct nlattr *attr)
{
	size_t len = nla_len(attr);

	plan->label = kzalloc(struct_size(plan->label, text, len + 1), GFP_KERNEL_ACCOUNT);
	if (!plan->label)
		return -ENOMEM;
	nla_strscpy(plan->label->text, attr, len + 1);
	return 0;
}

static int kims_read_session(struct kims_plan *plan, struct nlattr **tb,
			     struct netlink_ext_ack *extack)
{
	const struct kims_session *s = plan->s;
	int err = 0;

	plan->idle_timeout = kims_nl_u32(tb, KIMS_SESSION_A_IDLE_TIMEOUT, s->idle_timeout);
	plan->monitored = kims_nl_u32(tb, KIMS_SESSION_A_MONITORED, s->monitored);
	plan->bar = s->bar;
	if (tb[KIMS_SESSION_A_BAR])
		kims_read_bar(tb[KIMS_SESSION_A_BAR], &plan->bar);
	if (tb[KIMS_SESSION_A_LABEL])
		err = kims_read_label(plan, tb[KIMS_SESSION_A_LABEL]);
	if (!err && tb[KIMS_SESSION_A_UE_IPV4])
		err = kims_read_ue4(plan, tb[KIMS_SESSION_A_UE_IPV4], extack);
	if (!err && tb[KIMS_SESSION_A_UE_IPV6])
		err = kims_read_ue6(plan, tb[KIMS_SESSION_A_UE_IPV6], extack);
	return err;
}

/* --- prepare --- */

static struct kims_session *kims_session_alloc(struct kims_net *kn, u64 id)
{
	struct kims_session *s = kims_session_zalloc();

	if (!s)
		return NULL;
	spin_lock_init(&s->lock);
	__skb_queue_head_init(&s->buffer);
	kims_session_timers_init(s);
	s->last = jiffies;
	s->label = kims_no_label;
	s->id = id;
	s->kn = kn;
	return s;
}

/* Nothing but the session itself is left of it. */
static void kims_session_free_rcu(struct rcu_head *rcu)
{
	kfree(container_of(rcu, struct kims_session, rcu));
}

static int kims_session_link(struct kims_plan *plan)
{
	struct kims_session *s = plan->s;
	struct kims_table *t = &s->kn->gtpu->sessions;

	return kims_table_add(t, &s->node, kims_session_hash(t, s->id), &s->kn->lock);
}

static void kims_session_unlink(struct kims_session *s)
{
	kims_table_del(&s->kn->gtpu->sessions, &s->node, &s->kn->lock);
}

static void kims_plan_free(struct kims_plan *plan)
{
	int i;

	for (i = 0; i < 2; i++)
		if (plan->ue[i])
			kfree_rcu(plan->ue[i], rcu);
	if (plan->label)
		kfree_rcu(plan->label, rcu);
}

void kims_session_undo(struct kims_plan *plan)
{
	int i;

	kims_rules_undo(plan);
	for (i = 0; i < 2; i++)
		if (plan->ue[i])
			kims_ue_del(plan->ue[i]);
	kims_plan_free(plan);
	plan->s->busy = false;
	if (!plan->fresh)
		return;
	kims_session_unlink(plan->s);
	kims_session_timers_stop(plan->s);
	kims_app_free(plan->s);
	call_rcu(&plan->s->rcu, kims_session_free_rcu);
}

static int kims_session_prepare(struct kims_plan *plan, struct nlattr **tb,
				struct netlink_ext_ack *extack)
{
	int err;

	plan->s->busy = true;
	err = kims_read_session(plan, tb, extack) ?: kims_rules_prepare(plan, extack);
	if (err)
		kims_session_undo(plan);
	return err;
}

static int kims_session_parse(const struct kims_plan *plan, struct nlattr **tb, u64 *ret_id,
			      struct netlink_ext_ack *extack)
{
	int err;

	err = nla_parse_nested(tb, KIMS_SESSION_A_DEL_URR, plan->attr, NULL, extack);
	if (err)
		return err;
	*ret_id = tb[KIMS_SESSION_A_ID] ? nla_get_u64(tb[KIMS_SESSION_A_ID]) : 0;
	if (!*ret_id)
		return KIMS_REFUSE_ATTR(extack, -EINVAL, plan->attr,
					"id of a session is missing or 0");
	return 0;
}

int kims_session_prepare_new(struct kims_net *kn, struct kims_plan *plan,
			     struct netlink_ext_ack *extack)
{
	struct nlattr *tb[KIMS_SESSION_A_DEL_URR + 1];
	int err;
	u64 id;

	err = kims_session_parse(plan, tb, &id, extack);
	if (err)
		return err;
	if (kims_session_find(kn, id))
		return KIMS_REFUSE_ATTR(extack, -EEXIST, plan->attr,
					"there is a session of this id");
	plan->s = kims_session_alloc(kn, id);
	if (!plan->s)
		return -ENOMEM;
	err = kims_session_link(plan);
	if (err) {
		kfree(plan->s);
		return err;
	}
	plan->fresh = true;
	return kims_session_prepare(plan, tb, extack);
}

int kims_session_prepare_change(struct kims_net *kn, struct kims_plan *plan,
				struct netlink_ext_ack *extack)
{
	struct nlattr *tb[KIMS_SESSION_A_DEL_URR + 1];
	int err;
	u64 id;

	err = kims_session_parse(plan, tb, &id, extack);
	if (err)
		return err;
	plan->s = kims_session_find(kn, id);
	if (!plan->s)
		return KIMS_REFUSE_ATTR(extack, -ENOENT, plan->attr, "no session of this id");
	if (plan->s->busy)
		return KIMS_REFUSE_ATTR(extack, -EINVAL, plan->attr,
					"a session is in the batch twice");
	return kims_session_prepare(plan, tb, extack);
}

/* --- commit --- */

/* The bucket of a rate stays as full as it is. */
static void kims_qer_change(struct kims_qer *q, const struct kims_qer *conf)
{
	int i;

	for (i = 0; i < KIMS_N_DIRECTIONS; i++) {
		u64 tat = q->mbr[i].tat;

		q->gate[i] = conf->gate[i];
		q->gbr[i] = conf->gbr[i];
		q->mbr[i] = conf->mbr[i];
		q->mbr[i].tat = tat;
	}
	q->qfi = conf->qfi;
	q->burst = conf->burst;
}

/* Time up to now is counted by the old configuration. */
static void kims_urr_change(struct kims_urr *u, const struct kims_urr *conf)
{
	kims_urr_settle(u, ktime_get_boottime_ns());
	u->method = conf->method;
	u->triggers = conf->triggers;
	u->before_qos = conf->before_qos;
	memcpy(u->threshold, conf->threshold, sizeof(u->threshold));
	memcpy(u->quota, conf->quota, sizeof(u->quota));
	u->time_threshold = conf->time_threshold;
	u->time_quota = conf->time_quota;
	u->period = conf->period;
	u->inactivity = conf->inactivity;
	u->monitoring = conf->monitoring;
	u->linked = conf->linked;
	kims_urr_start(u, kims_urr_has_quota(conf));
}

static void kims_meters_change(struct kims_plan *plan)
{
	const struct kims_session *s = plan->s;
	struct kims_parts *parts = &plan->parts;
	u32 i;

	for (i = 0; plan->qer_confs && i < parts->n_qers; i++)
		if (plan->qer_confs[i])
			kims_qer_change(parts->qers[i], plan->qer_confs[i]);
	for (i = 0; i < parts->n_urrs; i++) {
		if (plan->urr_confs && plan->urr_confs[i])
			kims_urr_change(parts->urrs[i], plan->urr_confs[i]);
		else if (!kims_has(s->urrs, s->n_urrs, parts->urrs[i]))
			kims_urr_start(parts->urrs[i], true);
	}
	for (i = 0; i < s->n_urrs; i++)
		if (!kims_has(parts->urrs, parts->n_urrs, s->urrs[i]))
			kims_urr_settle(s->urrs[i], ktime_get_boottime_ns());
}

/* The plan has the old ones afterwards. */
static void kims_session_swap(struct kims_plan *plan)
{
	struct kims_session *s = plan->s;
	struct kims_parts old = {
		.qers = s->qers, .n_qers = s->n_qers,
		.urrs = s->urrs, .n_urrs = s->n_urrs,
		.counts = s->counts, .n_counts = s->n_counts,
		.tunnels = s->tunnels, .n_tunnels = s->n_tunnels,
	};

	s->qers = plan->parts.qers;
	s->n_qers = plan->parts.n_qers;
	s->urrs = plan->parts.urrs;
	s->n_urrs = plan->parts.n_urrs;
	s->counts = plan->parts.counts;
	s->n_counts = plan->parts.n_counts;
	s->tunnels = plan->parts.tunnels;
	s->n_tunnels = plan->parts.n_tunnels;
	plan->parts = old;
	plan->rules = rcu_replace_pointer(s->rules, plan->rules, lockdep_is_held(&s->lock));
}

static void kims_session_swap_ue(struct kims_plan *plan, int i)
{
	struct kims_ue *old = plan->s->ue[i];

	if (!plan->ue[i])
		return;
	WRITE_ONCE(plan->s->ue[i], plan->ue[i]);
	plan->ue[i] = old;
}

static void kims_session_swap_label(struct kims_plan *plan)
{
	const char *old = plan->s->label;

	if (!plan->label)
		return;
	/* Readers without the lock see the text behind it. */
	smp_store_release(&plan->s->label, plan->label->text);
	plan->label = old == kims_no_label ? NULL :
					     container_of((char (*)[])old, struct kims_label, text);
}

/* How many there are in the namespace. */
static void kims_session_tell(struct kims_gtpu_net *gn, const struct kims_session *s, int sign)
{
	const struct kims_rules *r = rcu_dereference_protected(s->rules, true);

	if (!r)
		return;
	gn->n_pdrs += sign * (int)r->n_pdrs;
	gn->n_fars += sign * (int)r->n_fars;
	gn->n_qers += sign * s->n_qers;
	gn->n_urrs += sign * s->n_urrs;
}

void kims_session_commit(struct kims_plan *plan)
{
	struct kims_session *s = plan->s;
	struct kims_net *kn = s->kn;

	kims_session_tell(kn->gtpu, s, -1);
	spin_lock_bh(&s->lock);
	kims_fused_leave(s);
	kims_meters_change(plan);
	kims_session_swap(plan);
	/* From here on packets queue behind those that kims_session_settle() sends. */
	s->flushing = !skb_queue_empty(&s->buffer);
	kims_session_swap_ue(plan, 0);
	kims_session_swap_ue(plan, 1);
	kims_session_swap_label(plan);
	s->bar = plan->bar;
	s->idle_timeout = plan->idle_timeout;
	WRITE_ONCE(s->monitored, plan->monitored);
	kims_session_arm(s);
	spin_unlock_bh(&s->lock);
	kims_session_tell(kn->gtpu, s, 1);
	plan->linked = plan->rules ? plan->rules->n_fars : 0;
	s->busy = false;
	kn->seq++;
	if (!plan->fresh)
		return;
	WRITE_ONCE(kn->gtpu->n_sessions, kn->gtpu->n_sessions + 1);
	kims_net_hold(kn);
}

static void kims_end_marker(const struct kims_plan *plan, const struct kims_far *new)
{
	const struct kims_far *f = kims_far_find(plan->rules, new->id);

	if (f && f->encap)
		kims_gtpu_end_marker(f->ep, &f->way.dst, f->teid, f->dscp);
}

void kims_session_settle(struct kims_plan *plan)
{
	const struct kims_rules *new = kims_session_rules(plan->s);
	u32 i;

	kims_rules_unlink(plan);
	for (i = 0; i < 2; i++)
		if (plan->ue[i])
			kims_ue_del(plan->ue[i]);
	if (plan->fresh)
		return;
	kims_buffer_flush(plan->s);
	for (i = 0; i < new->n_fars; i++)
		if (plan->end_markers & BIT_ULL(i))
			kims_end_marker(plan, &new->fars[i]);
}

void kims_session_finish(struct kims_plan *plan)
{
	kims_rules_release(plan);
	kims_plan_free(plan);
}

/* --- delete --- */

void kims_session_delete(struct kims_session *s)
{
	struct kims_net *kn = s->kn;
	u64 now = ktime_get_boottime_ns();
	u32 i;

	lockdep_assert_held(&kn->lock);
	spin_lock_bh(&s->lock);
	kims_fused_leave(s);
	s->dead = true;
	kims_buffer_drop(s, KIMS_DROP_BUFFER_TIMEOUT);
	for (i = 0; i < s->n_urrs; i++)
		kims_urr_settle(s->urrs[i], now);
	spin_unlock_bh(&s->lock);
	kims_session_timers_stop(s);
	kims_rules_unlink_all(s);
	for (i = 0; i < 2; i++)
		if (s->ue[i])
			kims_ue_del(s->ue[i]);
	kims_session_unlink(s);
	kims_session_tell(kn->gtpu, s, -1);
	WRITE_ONCE(kn->gtpu->n_sessions, kn->gtpu->n_sessions - 1);
	kims_net_release(kn);
}

static void kims_session_free_all_rcu(struct rcu_head *rcu)
{
	struct kims_session *s = container_of(rcu, struct kims_session, rcu);

	kims_rules_free_all(s);
	kfree(s->ue[0]);
	kfree(s->ue[1]);
	if (s->label != kims_no_label)
		kfree(container_of((char (*)[])s->label, struct kims_label, text));
	kfree(s);
}

void kims_session_free(struct kims_session *s)
{
	kims_app_free(s);
	call_rcu(&s->rcu, kims_session_free_all_rcu);
}

/* --- namespace --- */

int kims_gtpu_net_init(struct kims_net *kn)
{
	kn->gtpu = kzalloc(sizeof(*kn->gtpu), GFP_KERNEL);
	if (!kn->gtpu)
		return -ENOMEM;
	xa_init_flags(&kn->gtpu->eps, XA_FLAGS_ALLOC1);
	spin_lock_init(&kn->gtpu->fused_lock);
	kims_table_init(&kn->gtpu->tunnels);
	kims_table_init(&kn->gtpu->ues);
	kims_table_init(&kn->gtpu->fars);
	kims_table_init(&kn->gtpu->sessions);
	return 0;
}

void kims_gtpu_net_flush(struct kims_net *kn)
{
	struct kims_session *s, *next;

	lockdep_assert_held(&kn->lock);
	for (s = kims_session_next(kn, 0, 0); s; s = next) {
		next = kims_session_next(kn, s->node.hash, s->id);
		kims_session_delete(s);
		kims_session_notify_del(s);
		kims_session_free(s);
	}
}

/* Packets are still about until the flow table's hooks are gone, which comes later. */
void kims_gtpu_net_stop(struct kims_net *kn)
{
	kims_app_net_exit(kn);
	mutex_lock(&kn->lock);
	kims_gtpu_net_flush(kn);
	kims_gtpu_eps_exit(kn);
	mutex_unlock(&kn->lock);
}

void kims_gtpu_net_exit(struct kims_net *kn)
{
	kims_access_net_exit(kn);
	kims_table_destroy(&kn->gtpu->tunnels);
	kims_table_destroy(&kn->gtpu->ues);
	kims_table_destroy(&kn->gtpu->fars);
	kims_table_destroy(&kn->gtpu->sessions);
	kfree(kn->gtpu);
}
