// SPDX-License-Identifier: GPL-2.0
/* GTP-U endpoints on netlink: gtpu-ep-new, gtpu-ep-del, gtpu-ep-get; include/netlink/kims.yaml. */
#include "gtpu/control.h"

/* --- reading --- */

static int kims_gtpu_ep_read_conf(struct nlattr **tb, struct kims_gtpu_ep_conf *c,
				  struct netlink_ext_ack *extack)
{
	int err;

	*c = (struct kims_gtpu_ep_conf){ .id = kims_nl_u32(tb, KIMS_GTPU_EP_A_ID, 0) };
	err = kims_nl_get_addr(tb, KIMS_GTPU_EP_A_LOCAL_IPV4, KIMS_GTPU_EP_A_LOCAL_IPV6,
			       &c->local.addr, extack);
	if (err)
		return err;
	if (c->local.addr.family == AF_UNSPEC)
		return KIMS_REFUSE(extack, -EINVAL, "local address is missing");
	if (!tb[KIMS_GTPU_EP_A_DEVICE])
		return KIMS_REFUSE(extack, -EINVAL, "device is missing");
	c->local.port = htons(kims_nl_u32(tb, KIMS_GTPU_EP_A_PORT, KIMS_GTPU_PORT));
	c->dev_attr = tb[KIMS_GTPU_EP_A_DEVICE];
	c->ifindex = nla_get_u32(c->dev_attr);
	c->udp_csum = kims_nl_u32(tb, KIMS_GTPU_EP_A_UDP_CHECKSUM,
				  c->local.addr.family == AF_INET6);
	c->entropy = kims_nl_u32(tb, KIMS_GTPU_EP_A_ENTROPY, 0);
	c->fragment_outer = kims_nl_u32(tb, KIMS_GTPU_EP_A_FRAGMENT_OUTER, 0);
	c->stack = kims_nl_u32(tb, KIMS_GTPU_EP_A_STACK, 0);
	c->mss_clamp = kims_nl_u32(tb, KIMS_GTPU_EP_A_MSS_CLAMP, 0);
	return 0;
}

static int kims_gtpu_ep_read(const struct genl_info *info, struct kims_gtpu_ep_conf *ret)
{
	struct nlattr *tb[KIMS_GTPU_EP_A_MSS_CLAMP + 1];
	int err;

	if (!info->attrs[KIMS_A_GTPU_EP])
		return KIMS_REFUSE(info->extack, -EINVAL, "gtpu-ep is missing");
	err = nla_parse_nested(tb, KIMS_GTPU_EP_A_MSS_CLAMP, info->attrs[KIMS_A_GTPU_EP],
			       kims_gtpu_ep_conf_nl_policy, info->extack);
	return err ?: kims_gtpu_ep_read_conf(tb, ret, info->extack);
}

/* The id in the request. */
static int kims_gtpu_ep_read_ref(const struct nlattr *nest, u32 *ret_id,
				 struct netlink_ext_ack *extack)
{
	struct nlattr *tb[KIMS_GTPU_EP_A_ID + 1];
	int err;

	if (!nest)
		return KIMS_REFUSE(extack, -EINVAL, "gtpu-ep is missing");
	err = nla_parse_nested(tb, KIMS_GTPU_EP_A_ID, nest, kims_gtpu_ep_ref_nl_policy, extack);
	if (err)
		return err;
	if (!tb[KIMS_GTPU_EP_A_ID])
		return KIMS_REFUSE(extack, -EINVAL, "id is missing");
	*ret_id = nla_get_u32(tb[KIMS_GTPU_EP_A_ID]);
	return 0;
}

/* --- writing --- */

static int kims_gtpu_ep_put_totals(struct sk_buff *skb, const struct kims_gtpu_ep *ep)
{
	struct kims_gtpu_ep_totals t = {};

	kims_gtpu_ep_add_totals(ep, &t);
	if (nla_put_u64_64bit(skb, KIMS_GTPU_EP_A_RECEIVED, t.received, KIMS_GTPU_EP_A_PAD) ||
	    nla_put_u64_64bit(skb, KIMS_GTPU_EP_A_FORWARDED, t.forwarded, KIMS_GTPU_EP_A_PAD) ||
	    nla_put_u64_64bit(skb, KIMS_GTPU_EP_A_SIGNALLING, t.signalling, KIMS_GTPU_EP_A_PAD) ||
	    nla_put_u64_64bit(skb, KIMS_GTPU_EP_A_SENT, t.sent, KIMS_GTPU_EP_A_PAD))
		return -EMSGSIZE;
	return kims_nl_put_drops(skb, KIMS_GTPU_EP_A_DROPS, t.drops, ARRAY_SIZE(t.drops));
}

/* The index of the device; nothing when that is gone. */
static int kims_gtpu_ep_put_device(struct sk_buff *skb, const struct kims_gtpu_ep *ep)
{
	const struct net_device *dev;
	int ifindex;

	rcu_read_lock();
	dev = rcu_dereference(ep->dev);
	ifindex = dev ? dev->ifindex : 0;
	rcu_read_unlock();
	return ifindex ? nla_put_u32(skb, KIMS_GTPU_EP_A_DEVICE, ifindex) : 0;
}

static int kims_gtpu_ep_put(struct sk_buff *skb, const struct kims_gtpu_ep *ep)
{
	struct nlattr *nest = nla_nest_start(skb, KIMS_A_GTPU_EP);
	const struct kims_end *local = &ep->local.key.local;

	if (!nest || nla_put_u32(skb, KIMS_GTPU_EP_A_ID, ep->id) ||
	    kims_nl_put_addr(skb, KIMS_GTPU_EP_A_LOCAL_IPV4, KIMS_GTPU_EP_A_LOCAL_IPV6,
			     &local->addr) ||
	    nla_put_u32(skb, KIMS_GTPU_EP_A_PORT, ntohs(local->port)) ||
	    kims_gtpu_ep_put_device(skb, ep) ||
	    nla_put_u32(skb, KIMS_GTPU_EP_A_UDP_CHECKSUM, ep->udp_csum) ||
	    nla_put_u32(skb, KIMS_GTPU_EP_A_ENTROPY, ep->entropy) ||
	    nla_put_u32(skb, KIMS_GTPU_EP_A_FRAGMENT_OUTER, ep->fragment_outer) ||
	    nla_put_u32(skb, KIMS_GTPU_EP_A_STACK, ep->stack) ||
	    nla_put_u32(skb, KIMS_GTPU_EP_A_MSS_CLAMP, ep->mss_clamp) ||
	    nla_put_u32(skb, KIMS_GTPU_EP_A_USERS, ep->tunnels) ||
	    kims_gtpu_ep_put_totals(skb, ep))
		return -EMSGSIZE;
	nla_nest_end(skb, nest);
	return 0;
}

static int kims_gtpu_ep_put_id(struct sk_buff *skb, const struct kims_gtpu_ep *ep)
{
	struct nlattr *nest = nla_nest_start(skb, KIMS_A_GTPU_EP);

	if (!nest || nla_put_u32(skb, KIMS_GTPU_EP_A_ID, ep->id))
		return -EMSGSIZE;
	nla_nest_end(skb, nest);
	return 0;
}

/* --- commands --- */

int kims_nl_gtpu_ep_new_doit(struct sk_buff *skb, struct genl_info *info)
{
	struct kims_net *kn = kims_net(genl_info_net(info));
	struct kims_gtpu_ep_conf conf;
	struct kims_gtpu_ep *ep;
	struct sk_buff *reply;
	void *hdr;
	int err;

	err = kims_gtpu_ep_read(info, &conf);
	if (err)
		return err;
	reply = kims_nl_reply_new(info, GENLMSG_DEFAULT_SIZE, &hdr);
	if (!reply)
		return -ENOMEM;
	mutex_lock(&kn->lock);
	err = kims_gtpu_ep_create(kn, &conf, &ep, info->extack);
	if (!err)
		err = kims_gtpu_ep_put_id(reply, ep);
	mutex_unlock(&kn->lock);
	return kims_nl_reply_send(info, reply, hdr, err);
}

static int kims_gtpu_ep_delete_put(struct kims_gtpu_ep *ep, struct sk_buff *reply,
				   struct netlink_ext_ack *extack)
{
	int err = kims_gtpu_ep_delete(ep, extack);

	if (err)
		return err;
	err = kims_gtpu_ep_put(reply, ep);
	kims_gtpu_ep_free(ep);
	return err;
}

static int kims_gtpu_ep_reply(struct genl_info *info, bool del)
{
	struct kims_net *kn = kims_net(genl_info_net(info));
	struct kims_gtpu_ep *ep;
	struct sk_buff *reply;
	void *hdr;
	int err;
	u32 id;

	err = kims_gtpu_ep_read_ref(info->attrs[KIMS_A_GTPU_EP], &id, info->extack);
	if (err)
		return err;
	reply = kims_nl_reply_new(info, GENLMSG_DEFAULT_SIZE, &hdr);
	if (!reply)
		return -ENOMEM;
	mutex_lock(&kn->lock);
	ep = kims_gtpu_ep_find(kn, id);
	if (!ep)
		err = KIMS_REFUSE(info->extack, -ENOENT, "no endpoint of this id");
	else
		err = del ? kims_gtpu_ep_delete_put(ep, reply, info->extack) :
			    kims_gtpu_ep_put(reply, ep);
	mutex_unlock(&kn->lock);
	return kims_nl_reply_send(info, reply, hdr, err);
}

int kims_nl_gtpu_ep_del_doit(struct sk_buff *skb, struct genl_info *info)
{
	return kims_gtpu_ep_reply(info, true);
}

int kims_nl_gtpu_ep_get_doit(struct sk_buff *skb, struct genl_info *info)
{
	return kims_gtpu_ep_reply(info, false);
}

static int kims_gtpu_ep_dump_one(struct sk_buff *skb, struct netlink_callback *cb,
				 const struct kims_gtpu_ep *ep)
{
	void *hdr = kims_nl_dump_hdr(skb, cb, KIMS_CMD_GTPU_EP_GET);

	if (!hdr)
		return -EMSGSIZE;
	if (kims_gtpu_ep_put(skb, ep)) {
		genlmsg_cancel(skb, hdr);
		return -EMSGSIZE;
	}
	genlmsg_end(skb, hdr);
	return 0;
}

int kims_nl_gtpu_ep_get_dumpit(struct sk_buff *skb, struct netlink_callback *cb)
{
	struct kims_net *kn = kims_net(sock_net(skb->sk));
	struct kims_gtpu_ep *ep;
	unsigned long id;

	if (genl_info_dump(cb)->attrs && genl_info_dump(cb)->attrs[KIMS_A_GTPU_EP])
		return KIMS_REFUSE(cb->extack, -EINVAL, "a dump is of all endpoints");
	mutex_lock(&kn->lock);
	cb->seq = kn->seq + 1;
	xa_for_each_start(&kn->gtpu->eps, id, ep, cb->args[0])
		if (kims_gtpu_ep_dump_one(skb, cb, ep))
			break;
	cb->args[0] = ep ? id : ULONG_MAX;
	mutex_unlock(&kn->lock);
	return skb->len;
}

/* --- stats-get --- */

static int kims_gtpu_put_counts(struct sk_buff *skb, struct kims_net *kn,
				const struct kims_gtpu_ep_totals *t, u64 downlink)
{
	return nla_put_u32(skb, KIMS_STATS_A_GTPU_EPS, kims_gtpu_ep_number(kn)) ?:
	       nla_put_u32(skb, KIMS_STATS_A_SESSIONS, kims_session_count(kn)) ?:
	       nla_put_u32(skb, KIMS_STATS_A_BUFFERED_PACKETS,
			   atomic_read(&kn->gtpu->buffered_packets)) ?:
	       nla_put_u64_64bit(skb, KIMS_STATS_A_GTPU_RECEIVED, t->received,
				 KIMS_STATS_A_PAD) ?:
	       nla_put_u64_64bit(skb, KIMS_STATS_A_GTPU_FORWARDED, t->forwarded,
				 KIMS_STATS_A_PAD) ?:
	       nla_put_u64_64bit(skb, KIMS_STATS_A_GTPU_SIGNALLING, t->signalling,
				 KIMS_STATS_A_PAD) ?:
	       nla_put_u64_64bit(skb, KIMS_STATS_A_GTPU_SENT, t->sent, KIMS_STATS_A_PAD) ?:
	       nla_put_u64_64bit(skb, KIMS_STATS_A_DOWNLINK_RECEIVED, downlink,
				 KIMS_STATS_A_PAD);
}

int kims_nl_put_gtpu_stats(struct sk_buff *skb, struct kims_net *kn, u64 downlink)
{
	struct kims_gtpu_ep_totals t;
	struct kims_gtpu_ep *ep;
	unsigned long id;

	mutex_lock(&kn->lock);
	t = kn->gtpu->gone;
	xa_for_each(&kn->gtpu->eps, id, ep)
		kims_gtpu_ep_add_totals(ep, &t);
	mutex_unlock(&kn->lock);
	return kims_gtpu_put_counts(skb, kn, &t, downlink);
}
