// SPDX-License-Identifier: GPL-2.0
/*
 * Sessions on netlink: session-new, session-change, session-del, session-get, session-flush;
 * include/netlink/kims.yaml. A batch is a transaction, see control.h.
 *
 * An answer is in as many messages as it needs, each of which one read of a client's socket
 * takes: KIMS_REPLY_SIZE. All of them have to fit into that socket's receive buffer, so a request
 * whose answer is too long is refused before anything is done.
 */
#include <linux/slab.h>
#include "gtpu/control.h"

#define KIMS_REPLY_SIZE 16384
#define KIMS_REPLY_MAX (256 << 10)

/* --- the sessions of a request --- */

/* Their number, or -EINVAL. */
static int kims_count_sessions(const struct genl_info *info)
{
	const struct nlattr *attr;
	int n = 0, rem;

	nlmsg_for_each_attr(attr, info->nlhdr, GENL_HDRLEN, rem)
		n += nla_type(attr) == KIMS_A_SESSION;
	if (!n)
		return KIMS_REFUSE(info->extack, -EINVAL, "session is missing");
	if (n > KIMS_SESSION_BATCH_MAX)
		return KIMS_REFUSE(info->extack, -EINVAL, "too many sessions in one message");
	return n;
}

static struct kims_plan *kims_plans_alloc(const struct genl_info *info, int n)
{
	struct kims_plan *plans = kvcalloc(n, sizeof(*plans), GFP_KERNEL);
	const struct nlattr *attr;
	int i = 0, rem;

	if (!plans)
		return NULL;
	nlmsg_for_each_attr(attr, info->nlhdr, GENL_HDRLEN, rem)
		if (nla_type(attr) == KIMS_A_SESSION)
			plans[i++].attr = attr;
	return plans;
}

/* --- session-new, session-change --- */

/* All or none. */
static int kims_plans_prepare(struct kims_net *kn, struct kims_plan *plans, int n, bool new,
			      struct netlink_ext_ack *extack)
{
	int i, err = 0;

	for (i = 0; i < n; i++) {
		err = new ? kims_session_prepare_new(kn, &plans[i], extack) :
			    kims_session_prepare_change(kn, &plans[i], extack);
		if (err)
			break;
	}
	while (err && i-- > 0)
		kims_session_undo(&plans[i]);
	return err;
}

/* The End Marker of a tunnel goes behind all packets that may still be on their way there. */
static void kims_plans_commit(struct kims_plan *plans, int n)
{
	bool wait = false;
	int i;

	for (i = 0; i < n; i++) {
		kims_session_commit(&plans[i]);
		wait |= plans[i].end_markers;
	}
	if (wait)
		synchronize_rcu();
	for (i = 0; i < n; i++)
		kims_session_settle(&plans[i]);
}

/* Room for the final counters of removed URRs; NULL and 0: there are none. */
static int kims_plans_reply(struct genl_info *info, const struct kims_plan *plans, int n,
			    struct sk_buff **ret, void **ret_hdr)
{
	size_t size = 0;
	int i;

	*ret = NULL;
	for (i = 0; i < n; i++)
		size += kims_session_gone_size(&plans[i]);
	if (!size)
		return 0;
	if (size > KIMS_REPLY_MAX)
		return KIMS_REFUSE(info->extack, -EMSGSIZE,
				   "the answer would be too long: change fewer sessions at a time");
	*ret = kims_nl_reply_new(info, size, ret_hdr);
	return *ret ? 0 : -ENOMEM;
}

static int kims_plans_put(struct sk_buff *reply, const struct kims_plan *plans, int n)
{
	int i, err = 0;

	for (i = 0; i < n && !err; i++)
		err = kims_session_put_gone(reply, &plans[i]);
	return err;
}

static int kims_transact(struct genl_info *info, struct kims_plan *plans, int n, bool new)
{
	struct kims_net *kn = kims_net(genl_info_net(info));
	struct sk_buff *reply = NULL;
	void *hdr;
	int err, i;

	mutex_lock(&kn->lock);
	err = kims_plans_prepare(kn, plans, n, new, info->extack);
	if (err)
		goto unlock;
	err = kims_plans_reply(info, plans, n, &reply, &hdr);
	if (err) {
		for (i = n; i-- > 0;)
			kims_session_undo(&plans[i]);
		goto unlock;
	}
	kims_plans_commit(plans, n);
	if (reply)
		err = kims_plans_put(reply, plans, n);
	for (i = 0; i < n; i++)
		kims_session_finish(&plans[i]);
unlock:
	mutex_unlock(&kn->lock);
	return reply ? kims_nl_reply_send(info, reply, hdr, err) : err;
}

static int kims_change_sessions(struct genl_info *info, bool new)
{
	int n = kims_count_sessions(info), err;
	struct kims_plan *plans;

	if (n < 0)
		return n;
	plans = kims_plans_alloc(info, n);
	if (!plans)
		return -ENOMEM;
	err = kims_transact(info, plans, n, new);
	kvfree(plans);
	return err;
}

int kims_nl_session_new_doit(struct sk_buff *skb, struct genl_info *info)
{
	return kims_change_sessions(info, true);
}

int kims_nl_session_change_doit(struct sk_buff *skb, struct genl_info *info)
{
	return kims_change_sessions(info, false);
}

/* --- messages of an answer --- */

struct kims_reply {
	struct genl_info *info;
	struct sk_buff_head done;
	struct sk_buff *skb; /* that is being filled; NULL: none */
	void *hdr;
};

static int kims_reply_begin(struct kims_reply *r, size_t size)
{
	r->skb = kims_nl_reply_new(r->info, size, &r->hdr);
	return r->skb ? 0 : -ENOMEM;
}

static void kims_reply_end(struct kims_reply *r)
{
	if (!r->skb)
		return;
	genlmsg_end(r->skb, r->hdr);
	__skb_queue_tail(&r->done, r->skb);
	r->skb = NULL;
}

static int kims_reply_send(struct kims_reply *r, int err)
{
	struct sk_buff *skb;

	kims_reply_end(r);
	while (!err && (skb = __skb_dequeue(&r->done)))
		err = genlmsg_reply(skb, r->info);
	__skb_queue_purge(&r->done);
	return err;
}

/* --- session-del --- */

static int kims_read_ref(const struct nlattr *attr, u64 *ret_id, struct netlink_ext_ack *extack)
{
	const struct nlattr *id = nla_find_nested(attr, KIMS_SESSION_A_ID);

	if (!id || !nla_get_u64(id))
		return KIMS_REFUSE_ATTR(extack, -EINVAL, attr, "id of a session is missing or 0");
	*ret_id = nla_get_u64(id);
	return 0;
}

static void kims_unmark(const struct kims_plan *plans, int n)
{
	while (n-- > 0)
		plans[n].s->busy = false;
}

/* All sessions of the request, each once, and the size of their counters. */
static int kims_find_sessions(struct kims_net *kn, struct kims_plan *plans, int n, size_t *ret_size,
			      struct netlink_ext_ack *extack)
{
	int i, err = 0;
	u64 id;

	*ret_size = 0;
	for (i = 0; i < n; i++) {
		err = kims_read_ref(plans[i].attr, &id, extack);
		if (err)
			break;
		plans[i].s = kims_session_find(kn, id);
		if (!plans[i].s)
			err = KIMS_REFUSE_ATTR(extack, -ENOENT, plans[i].attr,
					       "no session of this id");
		else if (plans[i].s->busy)
			err = KIMS_REFUSE_ATTR(extack, -EINVAL, plans[i].attr,
					       "a session is in the batch twice");
		if (err)
			break;
		plans[i].s->busy = true;
		*ret_size += kims_session_counters_size(plans[i].s);
	}
	kims_unmark(plans, i);
	return err;
}

/* The next message has begun when this one has no room: then nothing can fail any more. */
static int kims_del_one(struct kims_reply *r, struct kims_session *s)
{
	size_t size = kims_session_counters_size(s);
	int err = 0;

	if (r->skb && skb_tailroom(r->skb) < size)
		kims_reply_end(r);
	if (!r->skb)
		err = kims_reply_begin(r, max_t(size_t, size, KIMS_REPLY_SIZE));
	if (err)
		return err;
	kims_session_delete(s);
	err = kims_session_put_counters(r->skb, s, true);
	WARN_ON_ONCE(err);
	kims_session_notify_del(s);
	kims_session_free(s);
	return 0;
}

static int kims_del_sessions(struct kims_net *kn, struct kims_plan *plans, int n,
			     struct kims_reply *r, struct netlink_ext_ack *extack)
{
	size_t size;
	int err, i;

	err = kims_find_sessions(kn, plans, n, &size, extack);
	if (err)
		return err;
	if (size > KIMS_REPLY_MAX)
		return KIMS_REFUSE(extack, -EMSGSIZE,
				   "the answer would be too long: delete fewer sessions at a time");
	for (i = 0; i < n; i++)
		if (kims_del_one(r, plans[i].s))
			return i ? KIMS_REFUSE(extack, -ENOMEM, "only the sessions of the answer are deleted") :
				   -ENOMEM;
	return 0;
}

int kims_nl_session_del_doit(struct sk_buff *skb, struct genl_info *info)
{
	struct kims_net *kn = kims_net(genl_info_net(info));
	int n = kims_count_sessions(info), err, sent;
	struct kims_reply r = { .info = info };
	struct kims_plan *plans;

	if (n < 0)
		return n;
	plans = kims_plans_alloc(info, n);
	if (!plans)
		return -ENOMEM;
	__skb_queue_head_init(&r.done);
	mutex_lock(&kn->lock);
	err = kims_del_sessions(kn, plans, n, &r, info->extack);
	mutex_unlock(&kn->lock);
	kvfree(plans);
	sent = kims_reply_send(&r, 0);
	return err ?: sent;
}

/* --- session-get --- */

/* As many messages as the session needs. */
static int kims_get_one(struct kims_reply *r, struct kims_session *s, size_t *left)
{
	struct kims_put_at at = {};
	int err;

	do {
		if (!r->skb) {
			if (*left < KIMS_REPLY_SIZE)
				return KIMS_REFUSE(r->info->extack, -EMSGSIZE,
						   "the answer would be too long: ask for fewer sessions, or a dump");
			*left -= KIMS_REPLY_SIZE;
			err = kims_reply_begin(r, KIMS_REPLY_SIZE);
			if (err)
				return err;
		}
		err = kims_session_put(r->skb, s, &at);
		if (err)
			kims_reply_end(r);
	} while (err == -EMSGSIZE);
	return err;
}

static int kims_get_sessions(struct kims_net *kn, struct kims_plan *plans, int n,
			     struct kims_reply *r, struct netlink_ext_ack *extack)
{
	size_t left = KIMS_REPLY_MAX, size;
	int err, i;

	err = kims_find_sessions(kn, plans, n, &size, extack);
	for (i = 0; i < n && !err; i++)
		err = kims_get_one(r, plans[i].s, &left);
	return err;
}

int kims_nl_session_get_doit(struct sk_buff *skb, struct genl_info *info)
{
	struct kims_net *kn = kims_net(genl_info_net(info));
	struct kims_reply r = { .info = info };
	int n = kims_count_sessions(info), err;
	struct kims_plan *plans;

	if (n < 0)
		return n;
	plans = kims_plans_alloc(info, n);
	if (!plans)
		return -ENOMEM;
	__skb_queue_head_init(&r.done);
	mutex_lock(&kn->lock);
	err = kims_get_sessions(kn, plans, n, &r, info->extack);
	mutex_unlock(&kn->lock);
	kvfree(plans);
	err = kims_reply_send(&r, err) ?: err;
	return err;
}

/* --- dump --- */

/*
 * Where a dump goes on: behind the session (hash, id), or in it. A session that began goes on in
 * the next message whatever has come before it in the order by then.
 */
struct kims_dump {
	u32 hash;
	bool within;
	u64 id;
	struct kims_put_at at; /* in that session; 0 unless within */
};

static struct kims_session *kims_dump_next(const struct kims_net *kn, struct kims_dump *d)
{
	struct kims_session *s = d->within ? kims_session_find(kn, d->id) : NULL;

	if (s)
		return s;
	d->within = false;
	d->at = (struct kims_put_at){};
	return kims_session_next(kn, d->hash, d->id);
}

static int kims_dump_one(struct sk_buff *skb, struct netlink_callback *cb, struct kims_session *s,
			 struct kims_dump *d)
{
	struct kims_put_at before = d->at;
	void *hdr = kims_nl_dump_hdr(skb, cb, KIMS_CMD_SESSION_GET);
	int err;

	if (!hdr)
		return -EMSGSIZE;
	err = kims_session_put(skb, s, &d->at);
	if (err && !memcmp(&before, &d->at, sizeof(before))) {
		genlmsg_cancel(skb, hdr);
		return err;
	}
	genlmsg_end(skb, hdr);
	d->hash = s->node.hash;
	d->id = s->id;
	d->within = err;
	return err;
}

int kims_nl_session_get_dumpit(struct sk_buff *skb, struct netlink_callback *cb)
{
	struct kims_net *kn = kims_net(sock_net(skb->sk));
	struct kims_dump *d = (struct kims_dump *)cb->ctx;
	struct kims_session *s;

	BUILD_BUG_ON(sizeof(*d) > sizeof(cb->ctx));
	if (genl_info_dump(cb)->attrs && genl_info_dump(cb)->attrs[KIMS_A_SESSION])
		return KIMS_REFUSE(cb->extack, -EINVAL, "a dump is of all sessions");
	mutex_lock(&kn->lock);
	cb->seq = kn->seq + 1;
	while ((s = kims_dump_next(kn, d))) {
		if (kims_dump_one(skb, cb, s, d))
			break;
	}
	mutex_unlock(&kn->lock);
	return skb->len;
}

/* --- session-flush --- */

int kims_nl_session_flush_doit(struct sk_buff *skb, struct genl_info *info)
{
	struct kims_net *kn = kims_net(genl_info_net(info));

	mutex_lock(&kn->lock);
	kims_gtpu_net_flush(kn);
	mutex_unlock(&kn->lock);
	return 0;
}
