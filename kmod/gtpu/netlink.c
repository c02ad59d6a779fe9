// SPDX-License-Identifier: GPL-2.0
/* Messages to a peer on demand: end-marker, echo (TS 29.281 7.2.1, 7.3.2); include/netlink/kims.yaml. */
#include "gtpu/control.h"

struct kims_peer_request {
	u32 endpoint;
	struct kims_end peer;
	bool has_teid;
	__be32 teid;
};

static int kims_peer_read(const struct genl_info *info, struct kims_peer_request *r)
{
	struct nlattr *tb[KIMS_GTPU_PEER_A_TEID + 1];
	int err;

	if (!info->attrs[KIMS_A_GTPU_PEER])
		return KIMS_REFUSE(info->extack, -EINVAL, "gtpu-peer is missing");
	err = nla_parse_nested(tb, KIMS_GTPU_PEER_A_TEID, info->attrs[KIMS_A_GTPU_PEER],
			       kims_gtpu_peer_ref_nl_policy, info->extack) ?:
	      kims_nl_get_addr(tb, KIMS_GTPU_PEER_A_IPV4, KIMS_GTPU_PEER_A_IPV6, &r->peer.addr,
			       info->extack);
	if (err)
		return err;
	if (!tb[KIMS_GTPU_PEER_A_ENDPOINT] || r->peer.addr.family == AF_UNSPEC)
		return KIMS_REFUSE(info->extack, -EINVAL, "endpoint or peer address is missing");
	r->endpoint = nla_get_u32(tb[KIMS_GTPU_PEER_A_ENDPOINT]);
	r->peer.port = htons(kims_nl_u32(tb, KIMS_GTPU_PEER_A_PORT, KIMS_GTPU_PORT));
	r->has_teid = tb[KIMS_GTPU_PEER_A_TEID];
	r->teid = htonl(kims_nl_u32(tb, KIMS_GTPU_PEER_A_TEID, 0));
	return 0;
}

static int kims_peer_check(const struct kims_gtpu_ep *ep, const struct kims_peer_request *r,
			   struct netlink_ext_ack *extack)
{
	if (!ep)
		return KIMS_REFUSE(extack, -ENOENT, "no endpoint of this id");
	if (ep->local.key.local.addr.family != r->peer.addr.family)
		return KIMS_REFUSE(extack, -EINVAL,
				   "endpoint and peer are of different families");
	return 0;
}

static int kims_peer_send(struct genl_info *info, const struct kims_peer_request *r, bool echo)
{
	struct kims_net *kn = kims_net(genl_info_net(info));
	struct kims_gtpu_ep *ep;
	int err;

	if (!echo)
		synchronize_rcu(); /* behind what an earlier change has still sent there */
	mutex_lock(&kn->lock);
	ep = kims_gtpu_ep_find(kn, r->endpoint);
	err = kims_peer_check(ep, r, info->extack);
	if (!err) {
		err = echo ? kims_gtpu_echo(ep, &r->peer) :
			     kims_gtpu_end_marker(ep, &r->peer, r->teid, -1);
		if (err)
			KIMS_REFUSE(info->extack, err, "the message cannot be sent");
	}
	mutex_unlock(&kn->lock);
	return err;
}

int kims_nl_end_marker_doit(struct sk_buff *skb, struct genl_info *info)
{
	struct kims_peer_request r = {};
	int err = kims_peer_read(info, &r);

	if (err)
		return err;
	if (!r.has_teid)
		return KIMS_REFUSE(info->extack, -EINVAL, "teid is missing");
	return kims_peer_send(info, &r, false);
}

int kims_nl_echo_doit(struct sk_buff *skb, struct genl_info *info)
{
	struct kims_peer_request r = {};
	int err = kims_peer_read(info, &r);

	if (err)
		return err;
	if (r.has_teid)
		return KIMS_REFUSE(info->extack, -EINVAL, "an Echo Request has no teid");
	return kims_peer_send(info, &r, true);
}
