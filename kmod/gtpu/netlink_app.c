// SPDX-License-Identifier: GPL-2.0
/*
 * app-flow-new and app-flow-get: what userspace has found inner flows to be.
 */
#include "genl.h"
#include "gtpu/app.h"

/* --- app-flow-new --- */

static int kims_app_end(struct nlattr **tb, int attr4, struct kims_addr *ret,
			struct netlink_ext_ack *extack)
{
	int err = kims_nl_get_addr(tb, attr4, attr4 + 1, ret, extack);

	if (err)
		return err;
	return ret->family == AF_UNSPEC ?
		       KIMS_REFUSE(extack, -EINVAL, "a flow has an address at the UE and a remote one") : 0;
}

static bool kims_app_is_ue(const struct kims_session *s, const struct kims_addr *addr)
{
	const struct kims_ue *ue = s->ue[addr->family == AF_INET6];

	if (!ue)
		return false;
	return addr->family == AF_INET ? ue->addr.v4 == addr->v4 :
					 ipv6_prefix_equal(&ue->addr.v6, &addr->v6, 64);
}

static int kims_app_read(struct nlattr **tb, const struct kims_session *s,
			 struct kims_app_key *key, struct netlink_ext_ack *extack)
{
	struct kims_addr ue, remote;
	int err;

	BUILD_BUG_ON(KIMS_APP_FLOW_A_UE_IPV6 != KIMS_APP_FLOW_A_UE_IPV4 + 1 ||
		     KIMS_APP_FLOW_A_REMOTE_IPV6 != KIMS_APP_FLOW_A_REMOTE_IPV4 + 1);
	err = kims_app_end(tb, KIMS_APP_FLOW_A_UE_IPV4, &ue, extack) ?:
	      kims_app_end(tb, KIMS_APP_FLOW_A_REMOTE_IPV4, &remote, extack);
	if (err)
		return err;
	if (ue.family != remote.family)
		return KIMS_REFUSE(extack, -EINVAL, "addresses of both families in one flow");
	if (!kims_app_is_ue(s, &ue))
		return KIMS_REFUSE(extack, -EINVAL, "not the UE's address of this session");
	if (!tb[KIMS_APP_FLOW_A_PROTOCOL])
		return KIMS_REFUSE(extack, -EINVAL, "protocol is missing");
	memset(key, 0, sizeof(*key));
	key->family = ue.family;
	key->ue = ue.v6;
	key->remote = remote.v6;
	key->protocol = nla_get_u32(tb[KIMS_APP_FLOW_A_PROTOCOL]);
	key->ue_port = kims_nl_port(tb, KIMS_APP_FLOW_A_UE_PORT);
	key->remote_port = kims_nl_port(tb, KIMS_APP_FLOW_A_REMOTE_PORT);
	return 0;
}

static int kims_app_new_one(struct kims_net *kn, const struct nlattr *attr,
			    struct netlink_ext_ack *extack)
{
	struct nlattr *tb[KIMS_APP_FLOW_A_MAX + 1];
	struct kims_app_key key;
	struct kims_session *s;
	int err;

	err = nla_parse_nested(tb, KIMS_APP_FLOW_A_MAX, attr, kims_app_flow_conf_nl_policy,
			       extack);
	if (err)
		return err;
	if (!tb[KIMS_APP_FLOW_A_SESSION])
		return KIMS_REFUSE(extack, -EINVAL, "session is missing");
	s = kims_session_find(kn, nla_get_u64(tb[KIMS_APP_FLOW_A_SESSION]));
	if (!s)
		return KIMS_REFUSE_ATTR(extack, -ENOENT, tb[KIMS_APP_FLOW_A_SESSION],
					"no session has this id");
	err = kims_app_read(tb, s, &key, extack);
	return err ?: kims_app_set(s, &key, kims_nl_u32(tb, KIMS_APP_FLOW_A_APP_ID, 0));
}

int kims_nl_app_flow_new_doit(struct sk_buff *skb, struct genl_info *info)
{
	struct kims_net *kn = kims_net(genl_info_net(info));
	const struct nlattr *attr;
	int left, err = 0, n = 0;

	mutex_lock(&kn->lock);
	nlmsg_for_each_attr(attr, info->nlhdr, GENL_HDRLEN, left) {
		if (nla_type(attr) != KIMS_A_APP_FLOW)
			continue;
		n++;
		err = kims_app_new_one(kn, attr, info->extack);
		if (err)
			break;
	}
	mutex_unlock(&kn->lock);
	return n ? err : KIMS_REFUSE(info->extack, -EINVAL, "app-flow is missing");
}

/* --- app-flow-get --- */

struct kims_app_dump {
	struct sk_buff *skb;
	struct netlink_callback *cb;
	u64 session;
};

static int kims_app_put(struct sk_buff *skb, u64 session, const struct kims_app_key *key,
			u32 app_id)
{
	struct nlattr *nest = nla_nest_start(skb, KIMS_A_APP_FLOW);
	struct kims_addr ue = { .v6 = key->ue, .family = key->family };
	struct kims_addr remote = { .v6 = key->remote, .family = key->family };

	if (!nest ||
	    nla_put_u64_64bit(skb, KIMS_APP_FLOW_A_SESSION, session, KIMS_APP_FLOW_A_PAD) ||
	    nla_put_u32(skb, KIMS_APP_FLOW_A_APP_ID, app_id) ||
	    nla_put_u32(skb, KIMS_APP_FLOW_A_PROTOCOL, key->protocol) ||
	    kims_nl_put_addr(skb, KIMS_APP_FLOW_A_UE_IPV4, KIMS_APP_FLOW_A_UE_IPV6, &ue) ||
	    nla_put_u32(skb, KIMS_APP_FLOW_A_UE_PORT, ntohs(key->ue_port)) ||
	    kims_nl_put_addr(skb, KIMS_APP_FLOW_A_REMOTE_IPV4, KIMS_APP_FLOW_A_REMOTE_IPV6,
			     &remote) ||
	    nla_put_u32(skb, KIMS_APP_FLOW_A_REMOTE_PORT, ntohs(key->remote_port)))
		return -EMSGSIZE;
	nla_nest_end(skb, nest);
	return 0;
}

static int kims_app_dump_one(void *arg, const struct kims_app_key *key, u32 app_id)
{
	struct kims_app_dump *d = arg;
	void *hdr = kims_nl_dump_hdr(d->skb, d->cb, KIMS_CMD_APP_FLOW_GET);

	if (!hdr)
		return -EMSGSIZE;
	if (kims_app_put(d->skb, d->session, key, app_id)) {
		genlmsg_cancel(d->skb, hdr);
		return -EMSGSIZE;
	}
	genlmsg_end(d->skb, hdr);
	return 0;
}

static int kims_app_dump_session(struct netlink_callback *cb, u64 *ret_id)
{
	struct nlattr *tb[KIMS_SESSION_A_MAX + 1];
	struct nlattr **attrs = genl_info_dump(cb)->attrs;
	int err;

	if (!attrs || !attrs[KIMS_A_SESSION])
		return KIMS_REFUSE(cb->extack, -EINVAL, "session is missing");
	err = nla_parse_nested(tb, KIMS_SESSION_A_MAX, attrs[KIMS_A_SESSION],
			       kims_session_ref_nl_policy, cb->extack);
	if (err)
		return err;
	if (!tb[KIMS_SESSION_A_ID])
		return KIMS_REFUSE(cb->extack, -EINVAL, "id of the session is missing");
	*ret_id = nla_get_u64(tb[KIMS_SESSION_A_ID]);
	return 0;
}

int kims_nl_app_flow_get_dumpit(struct sk_buff *skb, struct netlink_callback *cb)
{
	struct kims_net *kn = kims_net(sock_net(skb->sk));
	struct kims_app_at *at = (struct kims_app_at *)cb->ctx;
	struct kims_app_dump d = { .skb = skb, .cb = cb };
	struct kims_session *s;
	int err;

	err = kims_app_dump_session(cb, &d.session);
	if (err)
		return err;
	mutex_lock(&kn->lock);
	s = kims_session_find(kn, d.session);
	if (s)
		kims_app_walk(s, at, kims_app_dump_one, &d);
	else
		err = KIMS_REFUSE(cb->extack, -ENOENT, "no session has this id");
	mutex_unlock(&kn->lock);
	return err ?: skb->len;
}
