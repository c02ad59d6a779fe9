// SPDX-License-Identifier: GPL-2.0
/* Protected ports and SA sets on netlink; include/netlink/kims.yaml. */
#include "genl.h"
#include "gm/gm.h"

#define KIMS_SA_SET_MSG_SIZE 1024 /* at least the longest KIMS_A_SA_SET */

/* --- gm-port --- */

static int kims_gm_port_read(struct genl_info *info, struct kims_end *ret)
{
	struct nlattr *tb[KIMS_GM_PORT_A_PORT + 1];
	int err;

	if (!info->attrs[KIMS_A_GM_PORT])
		return KIMS_REFUSE(info->extack, -EINVAL, "gm-port is missing");
	err = nla_parse_nested(tb, KIMS_GM_PORT_A_PORT, info->attrs[KIMS_A_GM_PORT],
			       kims_gm_port_ref_nl_policy, info->extack);
	if (err)
		return err;
	err = kims_nl_get_addr(tb, KIMS_GM_PORT_A_LOCAL_IPV4, KIMS_GM_PORT_A_LOCAL_IPV6, &ret->addr,
			       info->extack);
	if (err)
		return err;
	ret->port = kims_nl_port(tb, KIMS_GM_PORT_A_PORT);
	if (ret->addr.family == AF_UNSPEC || !ret->port)
		return KIMS_REFUSE(info->extack, -EINVAL, "local address or port is missing");
	return 0;
}

static int kims_gm_port_put(struct sk_buff *skb, const struct kims_gm_port *port)
{
	struct nlattr *nest = nla_nest_start(skb, KIMS_A_GM_PORT);
	u64 packets, drops[__KIMS_DROP_MAX];

	kims_gm_port_totals(port, &packets, drops);
	if (!nest ||
	    kims_nl_put_addr(skb, KIMS_GM_PORT_A_LOCAL_IPV4, KIMS_GM_PORT_A_LOCAL_IPV6,
			     &port->local.addr) ||
	    nla_put_u32(skb, KIMS_GM_PORT_A_PORT, ntohs(port->local.port)) ||
	    nla_put_u64_64bit(skb, KIMS_GM_PORT_A_PACKETS, packets, KIMS_GM_PORT_A_PAD) ||
	    kims_nl_put_drops(skb, KIMS_GM_PORT_A_DROPS, drops, ARRAY_SIZE(drops)))
		return -EMSGSIZE;
	nla_nest_end(skb, nest);
	return 0;
}

int kims_nl_gm_port_new_doit(struct sk_buff *skb, struct genl_info *info)
{
	struct kims_net *kn = kims_net(genl_info_net(info));
	struct kims_end local;
	int err;

	err = kims_gm_port_read(info, &local);
	if (err)
		return err;
	mutex_lock(&kn->lock);
	err = kims_gm_port_add(kn, &local);
	mutex_unlock(&kn->lock);
	if (err == -EEXIST)
		return KIMS_REFUSE(info->extack, err, "the port is protected already");
	return err;
}

static int kims_gm_port_reply(struct genl_info *info, bool del)
{
	struct kims_net *kn = kims_net(genl_info_net(info));
	struct kims_gm_port *port;
	struct kims_end local;
	struct sk_buff *reply;
	void *hdr;
	int err;

	err = kims_gm_port_read(info, &local);
	if (err)
		return err;
	reply = kims_nl_reply_new(info, GENLMSG_DEFAULT_SIZE, &hdr);
	if (!reply)
		return -ENOMEM;
	mutex_lock(&kn->lock);
	port = kims_gm_port_find(kn, &local.addr, local.port);
	if (port && del)
		kims_gm_port_del(kn, port);
	err = port ? kims_gm_port_put(reply, port) :
		     KIMS_REFUSE(info->extack, -ENOENT, "the port is not protected");
	if (port && del)
		kims_gm_port_free(kn, port);
	mutex_unlock(&kn->lock);
	return kims_nl_reply_send(info, reply, hdr, err);
}

int kims_nl_gm_port_del_doit(struct sk_buff *skb, struct genl_info *info)
{
	return kims_gm_port_reply(info, true);
}

int kims_nl_gm_port_get_doit(struct sk_buff *skb, struct genl_info *info)
{
	return kims_gm_port_reply(info, false);
}

int kims_nl_gm_port_get_dumpit(struct sk_buff *skb, struct netlink_callback *cb)
{
	struct kims_net *kn = kims_net(sock_net(skb->sk));
	struct kims_gm_port *port;
	long n = 0;
	void *hdr;

	mutex_lock(&kn->lock);
	cb->seq = kn->seq + 1;
	list_for_each_entry(port, &kn->gm->port_list, list) {
		if (n++ < cb->args[0])
			continue;
		hdr = kims_nl_dump_hdr(skb, cb, KIMS_CMD_GM_PORT_GET);
		if (!hdr || kims_gm_port_put(skb, port)) {
			genlmsg_cancel(skb, hdr);
			break;
		}
		genlmsg_end(skb, hdr);
		cb->args[0] = n;
	}
	mutex_unlock(&kn->lock);
	return skb->len;
}

/* --- sa-set: reading --- */

static const int kims_sa_port_attr[KIMS_N_SA] = {
	[KIMS_SA_UC] = KIMS_SA_SET_A_PORT_UC,
	[KIMS_SA_US] = KIMS_SA_SET_A_PORT_US,
	[KIMS_SA_PC] = KIMS_SA_SET_A_PORT_PC,
	[KIMS_SA_PS] = KIMS_SA_SET_A_PORT_PS,
};

static const int kims_sa_spi_attr[KIMS_N_SA] = {
	[KIMS_SA_UC] = KIMS_SA_SET_A_SPI_UC,
	[KIMS_SA_US] = KIMS_SA_SET_A_SPI_US,
	[KIMS_SA_PC] = KIMS_SA_SET_A_SPI_PC,
	[KIMS_SA_PS] = KIMS_SA_SET_A_SPI_PS,
};

static int kims_sa_set_read_sas(struct nlattr **tb, struct kims_sa_conf *c,
				struct netlink_ext_ack *extack)
{
	enum kims_sa sa;

	for (sa = 0; sa < KIMS_N_SA; sa++) {
		c->port[sa] = kims_nl_port(tb, kims_sa_port_attr[sa]);
		c->spi[sa] = htonl(kims_nl_u32(tb, kims_sa_spi_attr[sa], 0));
		if (!c->port[sa])
			return KIMS_REFUSE(extack, -EINVAL,
					   "port-uc, port-us, port-pc or port-ps is missing");
		if (!c->spi[sa])
			return KIMS_REFUSE(extack, -EINVAL,
					   "spi-uc, spi-us, spi-pc or spi-ps is missing");
	}
	if (c->spi[KIMS_SA_PC] == c->spi[KIMS_SA_PS])
		return KIMS_REFUSE(extack, -EINVAL, "spi-pc and spi-ps are the same");
	if (c->spi[KIMS_SA_UC] == c->spi[KIMS_SA_US])
		return KIMS_REFUSE(extack, -EINVAL, "spi-uc and spi-us are the same");
	if (c->port[KIMS_SA_PC] == c->port[KIMS_SA_PS])
		return KIMS_REFUSE(extack, -EINVAL, "port-pc and port-ps are the same");
	return 0;
}

static int kims_sa_set_read_addrs(struct nlattr **tb, struct kims_sa_conf *c,
				  struct netlink_ext_ack *extack)
{
	int err;

	err = kims_nl_get_addr(tb, KIMS_SA_SET_A_UE_IPV4, KIMS_SA_SET_A_UE_IPV6, &c->ue, extack) ?:
	      kims_nl_get_addr(tb, KIMS_SA_SET_A_LOCAL_IPV4, KIMS_SA_SET_A_LOCAL_IPV6, &c->local,
			       extack);
	if (err)
		return err;
	if (c->ue.family == AF_UNSPEC || c->local.family == AF_UNSPEC)
		return KIMS_REFUSE(extack, -EINVAL, "address of the UE or local address is missing");
	if (c->ue.family != c->local.family)
		return KIMS_REFUSE(extack, -EINVAL,
				   "address of the UE and local address are of different families");
	return 0;
}

static int kims_sa_set_read(struct genl_info *info, u32 *ret_id, struct kims_sa_conf *c)
{
	struct nlattr *tb[KIMS_SA_SET_A_GTPU_SESSION + 1];
	int err;

	if (!info->attrs[KIMS_A_SA_SET])
		return KIMS_REFUSE(info->extack, -EINVAL, "sa-set is missing");
	err = nla_parse_nested(tb, KIMS_SA_SET_A_GTPU_SESSION, info->attrs[KIMS_A_SA_SET],
			       kims_sa_set_conf_nl_policy, info->extack);
	if (err)
		return err;
	if (!tb[KIMS_SA_SET_A_LABEL])
		return KIMS_REFUSE(info->extack, -EINVAL, "label is missing");
	memset(c, 0, sizeof(*c));
	nla_strscpy(c->label, tb[KIMS_SA_SET_A_LABEL], sizeof(c->label));
	if (tb[KIMS_SA_SET_A_UE_ID])
		c->ue_id = nla_get_u64(tb[KIMS_SA_SET_A_UE_ID]);
	c->reqid = kims_nl_u32(tb, KIMS_SA_SET_A_REQID, 0);
	if (tb[KIMS_SA_SET_A_GTPU_SESSION])
		c->session = nla_get_u64(tb[KIMS_SA_SET_A_GTPU_SESSION]);
	*ret_id = kims_nl_u32(tb, KIMS_SA_SET_A_ID, 0);
	return kims_sa_set_read_addrs(tb, c, info->extack) ?:
	       kims_sa_set_read_sas(tb, c, info->extack);
}

/* --- sa-set: writing; the caller holds kims_net.lock --- */

static int kims_sa_set_put_counters(struct sk_buff *skb, struct kims_sa_set *set)
{
	static const int attr[KIMS_N_SA] = {
		[KIMS_SA_UC] = KIMS_SA_COUNTERS_A_PACKETS_UC,
		[KIMS_SA_US] = KIMS_SA_COUNTERS_A_PACKETS_US,
		[KIMS_SA_PC] = KIMS_SA_COUNTERS_A_PACKETS_PC,
		[KIMS_SA_PS] = KIMS_SA_COUNTERS_A_PACKETS_PS,
	};
	struct nlattr *nest = nla_nest_start(skb, KIMS_SA_SET_A_COUNTERS);
	struct kims_sa_counters c;
	enum kims_sa sa;

	if (!nest)
		return -EMSGSIZE;
	kims_sa_set_counters(set, &c);
	/* The attribute of the octets follows that of the packets. */
	for (sa = 0; sa < KIMS_N_SA; sa++)
		if (nla_put_u64_64bit(skb, attr[sa], c.packets[sa], KIMS_SA_COUNTERS_A_PAD) ||
		    nla_put_u64_64bit(skb, attr[sa] + 1, c.octets[sa], KIMS_SA_COUNTERS_A_PAD))
			return -EMSGSIZE;
	if (kims_nl_put_drops(skb, KIMS_SA_COUNTERS_A_DROPS, c.drops, ARRAY_SIZE(c.drops)))
		return -EMSGSIZE;
	nla_nest_end(skb, nest);
	return 0;
}

static int kims_sa_set_put_sas(struct sk_buff *skb, const struct kims_sa_conf *c)
{
	enum kims_sa sa;

	for (sa = 0; sa < KIMS_N_SA; sa++)
		if (nla_put_u32(skb, kims_sa_port_attr[sa], ntohs(c->port[sa])) ||
		    nla_put_u32(skb, kims_sa_spi_attr[sa], ntohl(c->spi[sa])))
			return -EMSGSIZE;
	if (c->session && nla_put_u64_64bit(skb, KIMS_SA_SET_A_GTPU_SESSION, c->session,
					    KIMS_SA_SET_A_PAD))
		return -EMSGSIZE;
	return nla_put_u32(skb, KIMS_SA_SET_A_REQID, c->reqid);
}

static int kims_sa_set_put(struct sk_buff *skb, struct kims_sa_set *set)
{
	struct nlattr *nest = nla_nest_start(skb, KIMS_A_SA_SET);
	const struct kims_sa_conf *c = &set->conf;

	if (!nest || nla_put_u32(skb, KIMS_SA_SET_A_ID, set->id) ||
	    nla_put_u64_64bit(skb, KIMS_SA_SET_A_UE_ID, c->ue_id, KIMS_SA_SET_A_PAD) ||
	    nla_put_string(skb, KIMS_SA_SET_A_LABEL, c->label) ||
	    kims_nl_put_addr(skb, KIMS_SA_SET_A_UE_IPV4, KIMS_SA_SET_A_UE_IPV6, &c->ue) ||
	    kims_nl_put_addr(skb, KIMS_SA_SET_A_LOCAL_IPV4, KIMS_SA_SET_A_LOCAL_IPV6, &c->local) ||
	    kims_sa_set_put_sas(skb, c) || kims_sa_set_put_counters(skb, set))
		return -EMSGSIZE;
	nla_nest_end(skb, nest);
	return 0;
}

static int kims_sa_set_put_id(struct sk_buff *skb, const struct kims_sa_set *set)
{
	struct nlattr *nest = nla_nest_start(skb, KIMS_A_SA_SET);

	if (!nest || nla_put_u32(skb, KIMS_SA_SET_A_ID, set->id))
		return -EMSGSIZE;
	nla_nest_end(skb, nest);
	return 0;
}

static void kims_sa_set_notify_del(struct kims_net *kn, struct kims_sa_set *set)
{
	struct sk_buff *skb;
	void *hdr;

	skb = kims_nl_event_new(kn, KIMS_CMD_SA_SET_DEL_NTF, KIMS_NLGRP_GM, &hdr);
	if (skb)
		kims_nl_event_send(kn, skb, hdr, KIMS_NLGRP_GM, kims_sa_set_put(skb, set));
}

/* --- sa-set: commands --- */

static int kims_sa_set_apply_new(struct kims_net *kn, u32 id, const struct kims_sa_conf *conf,
				 struct kims_sa_set **ret, struct netlink_ext_ack *extack)
{
	if (id && kims_sa_set_find(kn, id))
		return KIMS_REFUSE(extack, -EEXIST, "there is a set of this id");
	return kims_sa_set_create(kn, id, conf, ret, extack);
}

static int kims_sa_set_apply_replace(struct kims_net *kn, u32 id, const struct kims_sa_conf *conf,
				     struct kims_sa_set **ret, struct netlink_ext_ack *extack)
{
	struct kims_sa_set *old = id ? kims_sa_set_find(kn, id) : NULL;

	if (!id)
		return KIMS_REFUSE(extack, -EINVAL, "id is missing");
	if (!old)
		return KIMS_REFUSE(extack, -ENOENT, "no set of this id");
	return kims_sa_set_replace(kn, old, conf, ret, extack);
}

static int kims_sa_set_change(struct genl_info *info)
{
	struct kims_net *kn = kims_net(genl_info_net(info));
	struct kims_sa_conf conf;
	struct kims_sa_set *set;
	struct sk_buff *reply;
	void *hdr;
	int err;
	u32 id;

	err = kims_sa_set_read(info, &id, &conf);
	if (err)
		return err;
	reply = kims_nl_reply_new(info, GENLMSG_DEFAULT_SIZE, &hdr);
	if (!reply)
		return -ENOMEM;
	mutex_lock(&kn->lock);
	err = info->genlhdr->cmd == KIMS_CMD_SA_SET_NEW ?
		      kims_sa_set_apply_new(kn, id, &conf, &set, info->extack) :
		      kims_sa_set_apply_replace(kn, id, &conf, &set, info->extack);
	if (!err)
		err = kims_sa_set_put_id(reply, set);
	mutex_unlock(&kn->lock);
	return kims_nl_reply_send(info, reply, hdr, err);
}

int kims_nl_sa_set_new_doit(struct sk_buff *skb, struct genl_info *info)
{
	return kims_sa_set_change(info);
}

int kims_nl_sa_set_replace_doit(struct sk_buff *skb, struct genl_info *info)
{
	return kims_sa_set_change(info);
}

/* ue-id is for dumps: a set is named by its id. */
static int kims_sa_set_read_ref(const struct nlattr *nest, bool *ret_ue, u32 *ret_id, u64 *ret_ue_id,
				struct netlink_ext_ack *extack)
{
	struct nlattr *tb[KIMS_SA_SET_A_UE_ID + 1];
	int err;

	if (!nest)
		return KIMS_REFUSE(extack, -EINVAL, "sa-set is missing");
	err = nla_parse_nested(tb, KIMS_SA_SET_A_UE_ID, nest, kims_sa_set_ref_nl_policy, extack);
	if (err)
		return err;
	if (!tb[KIMS_SA_SET_A_ID] == !tb[KIMS_SA_SET_A_UE_ID])
		return KIMS_REFUSE(extack, -EINVAL, "give the id of a set or a ue-id");
	*ret_ue = tb[KIMS_SA_SET_A_UE_ID];
	*ret_id = kims_nl_u32(tb, KIMS_SA_SET_A_ID, 0);
	*ret_ue_id = *ret_ue ? nla_get_u64(tb[KIMS_SA_SET_A_UE_ID]) : 0;
	return 0;
}

static int kims_sa_set_delete_put(struct kims_net *kn, struct kims_sa_set *set,
				  struct sk_buff *reply)
{
	int err;

	kims_sa_set_delete(kn, set);
	err = kims_sa_set_put(reply, set);
	kims_sa_set_notify_del(kn, set);
	kims_sa_set_free(set);
	return err;
}

static int kims_sa_set_reply(struct genl_info *info, bool del)
{
	struct kims_net *kn = kims_net(genl_info_net(info));
	struct kims_sa_set *set;
	struct sk_buff *reply;
	void *hdr;
	u64 ue_id;
	int err;
	bool ue;
	u32 id;

	err = kims_sa_set_read_ref(info->attrs[KIMS_A_SA_SET], &ue, &id, &ue_id, info->extack);
	if (err)
		return err;
	if (ue)
		return KIMS_REFUSE(info->extack, -EINVAL, "a ue-id selects in a dump only");
	reply = kims_nl_reply_new(info, KIMS_SA_SET_MSG_SIZE, &hdr);
	if (!reply)
		return -ENOMEM;
	mutex_lock(&kn->lock);
	set = kims_sa_set_find(kn, id);
	if (!set)
		err = KIMS_REFUSE(info->extack, -ENOENT, "no set of this id");
	else
		err = del ? kims_sa_set_delete_put(kn, set, reply) : kims_sa_set_put(reply, set);
	mutex_unlock(&kn->lock);
	return kims_nl_reply_send(info, reply, hdr, err);
}

int kims_nl_sa_set_del_doit(struct sk_buff *skb, struct genl_info *info)
{
	return kims_sa_set_reply(info, true);
}

int kims_nl_sa_set_get_doit(struct sk_buff *skb, struct genl_info *info)
{
	return kims_sa_set_reply(info, false);
}

static int kims_sa_set_dump_one(struct sk_buff *skb, struct netlink_callback *cb,
				struct kims_sa_set *set)
{
	void *hdr = kims_nl_dump_hdr(skb, cb, KIMS_CMD_SA_SET_GET);

	if (!hdr)
		return -EMSGSIZE;
	if (kims_sa_set_put(skb, set)) {
		genlmsg_cancel(skb, hdr);
		return -EMSGSIZE;
	}
	genlmsg_end(skb, hdr);
	return 0;
}

int kims_nl_sa_set_get_dumpit(struct sk_buff *skb, struct netlink_callback *cb)
{
	const struct nlattr *nest = genl_info_dump(cb)->attrs ?
					    genl_info_dump(cb)->attrs[KIMS_A_SA_SET] : NULL;
	struct kims_net *kn = kims_net(sock_net(skb->sk));
	struct kims_sa_set *set;
	unsigned long id;
	bool ue = false;
	u64 ue_id = 0;
	u32 one = 0;
	int err;

	err = nest ? kims_sa_set_read_ref(nest, &ue, &one, &ue_id, cb->extack) : 0;
	if (err)
		return err;
	if (one)
		return KIMS_REFUSE(cb->extack, -EINVAL, "a dump selects by ue-id only");
	mutex_lock(&kn->lock);
	cb->seq = kn->seq + 1;
	xa_for_each_start(&kn->gm->sets, id, set, cb->args[0]) {
		if (ue && set->conf.ue_id != ue_id)
			continue;
		if (kims_sa_set_dump_one(skb, cb, set))
			break;
	}
	cb->args[0] = set ? id : ULONG_MAX;
	mutex_unlock(&kn->lock);
	return skb->len;
}
