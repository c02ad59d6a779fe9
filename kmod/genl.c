// SPDX-License-Identifier: GPL-2.0
/*
 * The generic netlink family, what its message handlers share, and the counters of a namespace.
 * The contract is include/netlink/kims.yaml.
 */
#include <linux/inetdevice.h>
#include <net/ipv6.h>
#include "genl.h"
#include "gm/gm.h"
#include "gtpu/gtpu.h"
#include "rtp/rtp.h"

struct genl_family kims_genl_family __ro_after_init = {
	.name = KIMS_FAMILY_NAME,
	.version = KIMS_FAMILY_VERSION,
	.netnsok = true,
	.parallel_ops = true, /* kims_net.lock does it, per namespace */
	.module = THIS_MODULE,
	.ops = kims_nl_ops,
	.n_ops = ARRAY_SIZE(kims_nl_ops),
	.mcgrps = kims_nl_mcgrps,
	.n_mcgrps = ARRAY_SIZE(kims_nl_mcgrps),
};

int __init kims_genl_init(void)
{
	return genl_register_family(&kims_genl_family);
}

void kims_genl_exit(void)
{
	genl_unregister_family(&kims_genl_family);
}

/* --- addresses --- */

static int kims_nl_get_addr4(const struct nlattr *attr, struct kims_addr *ret,
			     struct netlink_ext_ack *extack)
{
	__be32 addr = nla_get_in_addr(attr);

	if (ipv4_is_multicast(addr) || ipv4_is_lbcast(addr) || ipv4_is_zeronet(addr))
		return KIMS_REFUSE_ATTR(extack, -EINVAL, attr, "not a unicast IPv4 address");
	kims_addr_set4(ret, addr);
	return 0;
}

static int kims_nl_get_addr6(const struct nlattr *attr, struct kims_addr *ret,
			     struct netlink_ext_ack *extack)
{
	struct in6_addr addr = nla_get_in6_addr(attr);
	int type = ipv6_addr_type(&addr);

	if (type == IPV6_ADDR_ANY || type & (IPV6_ADDR_MULTICAST | IPV6_ADDR_MAPPED))
		return KIMS_REFUSE_ATTR(extack, -EINVAL, attr, "not a unicast IPv6 address");
	if (type & IPV6_ADDR_LINKLOCAL)
		return KIMS_REFUSE_ATTR(extack, -EINVAL, attr, "link-local address");
	kims_addr_set6(ret, &addr);
	return 0;
}

int kims_nl_get_addr(struct nlattr **tb, int attr4, int attr6, struct kims_addr *ret,
		     struct netlink_ext_ack *extack)
{
	ret->family = AF_UNSPEC;
	if (tb[attr4] && tb[attr6])
		return KIMS_REFUSE_ATTR(extack, -EINVAL, tb[attr6],
					"address given as IPv4 and as IPv6");
	if (tb[attr4])
		return kims_nl_get_addr4(tb[attr4], ret, extack);
	if (tb[attr6])
		return kims_nl_get_addr6(tb[attr6], ret, extack);
	return 0;
}

int kims_nl_put_addr(struct sk_buff *skb, int attr4, int attr6, const struct kims_addr *addr)
{
	if (addr->family == AF_INET)
		return nla_put_in_addr(skb, attr4, addr->v4);
	if (addr->family == AF_INET6)
		return nla_put_in6_addr(skb, attr6, &addr->v6);
	return 0;
}

int kims_nl_put_drops(struct sk_buff *skb, int attr, const u64 *drops, unsigned int n)
{
	struct nlattr *nest = nla_nest_start(skb, attr);
	unsigned int reason;

	if (!nest)
		return -EMSGSIZE;
	for (reason = 1; reason < n; reason++)
		if (drops[reason] &&
		    nla_put_u64_64bit(skb, reason, drops[reason], KIMS_DROP_PAD))
			return -EMSGSIZE;
	nla_nest_end(skb, nest);
	return 0;
}

/* --- messages --- */

struct sk_buff *kims_nl_event_new(struct kims_net *kn, u8 cmd, unsigned int group, void **ret_hdr)
{
	struct sk_buff *skb;

	if (!genl_has_listeners(&kims_genl_family, kn->net, group))
		return NULL;
	skb = genlmsg_new(GENLMSG_DEFAULT_SIZE, GFP_ATOMIC);
	if (!skb)
		return NULL;
	*ret_hdr = genlmsg_put(skb, 0, 0, &kims_genl_family, 0, cmd);
	return skb;
}

void kims_nl_event_send(struct kims_net *kn, struct sk_buff *skb, void *hdr, unsigned int group,
			int err)
{
	if (WARN_ON_ONCE(err)) {
		nlmsg_free(skb);
		return;
	}
	genlmsg_end(skb, hdr);
	genlmsg_multicast_netns(&kims_genl_family, kn->net, skb, 0, group, GFP_ATOMIC);
}

struct sk_buff *kims_nl_reply_new(struct genl_info *info, size_t size, void **ret_hdr)
{
	struct sk_buff *skb = genlmsg_new(size, GFP_KERNEL);

	if (skb)
		*ret_hdr = genlmsg_put_reply(skb, info, &kims_genl_family, 0, info->genlhdr->cmd);
	return skb;
}

int kims_nl_reply_send(struct genl_info *info, struct sk_buff *skb, void *hdr, int err)
{
	if (err) {
		nlmsg_free(skb);
		return err;
	}
	genlmsg_end(skb, hdr);
	return genlmsg_reply(skb, info);
}

void *kims_nl_dump_hdr(struct sk_buff *skb, struct netlink_callback *cb, u8 cmd)
{
	void *hdr = genlmsg_put(skb, NETLINK_CB(cb->skb).portid, cb->nlh->nlmsg_seq,
				&kims_genl_family, NLM_F_MULTI, cmd);

	if (hdr)
		genl_dump_check_consistent(cb, hdr);
	return hdr;
}

/* --- stats-get --- */

static int kims_nl_put_stats(struct sk_buff *skb, struct kims_net *kn)
{
	struct nlattr *nest = nla_nest_start(skb, KIMS_A_STATS);
	struct kims_net_totals totals;

	kims_net_totals(kn, &totals);
	if (!nest || nla_put_u32(skb, KIMS_STATS_A_RTP_FLOWS, kims_rtp_count(kn)) ||
	    nla_put_u32(skb, KIMS_STATS_A_GM_PORTS, kims_gm_port_count(kn)) ||
	    nla_put_u32(skb, KIMS_STATS_A_SA_SETS, kims_sa_set_count(kn)) ||
	    kims_nl_put_gtpu_stats(skb, kn, totals.downlink_received) ||
	    nla_put_u64_64bit(skb, KIMS_STATS_A_ACCESS_RECEIVED, totals.access_received,
			      KIMS_STATS_A_PAD) ||
	    nla_put_u64_64bit(skb, KIMS_STATS_A_RTP_PACKETS, totals.rtp_packets,
			      KIMS_STATS_A_PAD) ||
	    nla_put_u64_64bit(skb, KIMS_STATS_A_GM_PACKETS, kims_gm_passed(kn), KIMS_STATS_A_PAD) ||
	    kims_nl_put_drops(skb, KIMS_STATS_A_DROPS, totals.drops, ARRAY_SIZE(totals.drops)))
		return -EMSGSIZE;
	nla_nest_end(skb, nest);
	return 0;
}

int kims_nl_stats_get_doit(struct sk_buff *request, struct genl_info *info)
{
	struct sk_buff *skb;
	void *hdr;

	skb = kims_nl_reply_new(info, GENLMSG_DEFAULT_SIZE, &hdr);
	if (!skb)
		return -ENOMEM;
	return kims_nl_reply_send(info, skb, hdr,
				  kims_nl_put_stats(skb, kims_net(genl_info_net(info))));
}

/* --- settings-set, settings-get --- */

int kims_nl_settings_set_doit(struct sk_buff *request, struct genl_info *info)
{
	struct kims_net *kn = kims_net(genl_info_net(info));
	struct nlattr *tb[KIMS_SETTINGS_A_MAX + 1];
	int err;

	if (!info->attrs[KIMS_A_SETTINGS])
		return KIMS_REFUSE(info->extack, -EINVAL, "settings is missing");
	err = nla_parse_nested(tb, KIMS_SETTINGS_A_MAX, info->attrs[KIMS_A_SETTINGS],
			       kims_settings_nl_policy, info->extack);
	if (err)
		return err;
	mutex_lock(&kn->lock);
	WRITE_ONCE(kn->direct, !kims_nl_u32(tb, KIMS_SETTINGS_A_POSTROUTING, !kn->direct));
	mutex_unlock(&kn->lock);
	return 0;
}

int kims_nl_settings_get_doit(struct sk_buff *request, struct genl_info *info)
{
	struct kims_net *kn = kims_net(genl_info_net(info));
	struct nlattr *nest;
	struct sk_buff *skb;
	void *hdr;

	skb = kims_nl_reply_new(info, GENLMSG_DEFAULT_SIZE, &hdr);
	if (!skb)
		return -ENOMEM;
	nest = nla_nest_start(skb, KIMS_A_SETTINGS);
	if (!nest || nla_put_u32(skb, KIMS_SETTINGS_A_POSTROUTING, !READ_ONCE(kn->direct)))
		return kims_nl_reply_send(info, skb, hdr, -EMSGSIZE);
	nla_nest_end(skb, nest);
	return kims_nl_reply_send(info, skb, hdr, 0);
}
