// SPDX-License-Identifier: GPL-2.0
/*
 * The hooks of the flow table at the ingress of a device, before the IP stack; an option per device.
 *
 * Before it calls the hook this does for a packet what ip_rcv() and ipv6_rcv() do: it is for this
 * host, whole, its header right, and nothing lies behind it. A packet about which anything is
 * unusual, or of which the hook says that it must be queued to userspace (not possible here), goes
 * on as it came and meets the same hook at PRE_ROUTING; so does what the hook does not take. What
 * is wrong with a packet the stack says and counts.
 *
 * The list of devices is changed under RTNL. It ends for a device when that is unregistered or
 * leaves the namespace.
 */
#include <linux/if_vlan.h>
#include <linux/netdevice.h>
#include <linux/rtnetlink.h>
#include <linux/slab.h>
#include <net/ip.h>
#include "flow.h"
#include "genl.h"
#include "ingress.h"

struct kims_ingress {
	struct list_head list; /* kims_net.ingress */
	struct net_device *dev;
	struct nf_hook_ops ops;
};

/* --- what the stack does first --- */

static bool kims_ingress_ready4(struct sk_buff *skb)
{
	const struct iphdr *iph;
	unsigned int len;

	if (!pskb_may_pull(skb, sizeof(*iph)))
		return false;
	skb_reset_network_header(skb);
	iph = ip_hdr(skb);
	len = ntohs(iph->tot_len);
	if (iph->version != 4 || iph->ihl != 5 || ip_is_fragment(iph) ||
	    len < sizeof(*iph) || len > skb->len || ip_fast_csum(iph, iph->ihl))
		return false;
	if (pskb_trim_rcsum(skb, len))
		return false;
	skb_set_transport_header(skb, sizeof(*iph));
	memset(IPCB(skb), 0, sizeof(*IPCB(skb)));
	IPCB(skb)->iif = skb->skb_iif;
	return true;
}

/* Source and destination that ipv6_rcv() would not let in, or that are not for one host only. */
static bool kims_ingress_odd6(const struct ipv6hdr *ip6h)
{
	return ipv6_addr_is_multicast(&ip6h->saddr) || ipv6_addr_is_multicast(&ip6h->daddr) ||
	       ipv6_addr_loopback(&ip6h->saddr) || ipv6_addr_loopback(&ip6h->daddr) ||
	       ipv6_addr_v4mapped(&ip6h->saddr) || ipv6_addr_v4mapped(&ip6h->daddr);
}

static bool kims_ingress_ready6(struct sk_buff *skb)
{
	const struct ipv6hdr *ip6h;
	unsigned int len;

	if (!pskb_may_pull(skb, sizeof(*ip6h)))
		return false;
	skb_reset_network_header(skb);
	ip6h = ipv6_hdr(skb);
	len = ntohs(ip6h->payload_len);
	if (ip6h->version != 6 || ipv6_ext_hdr(ip6h->nexthdr) || kims_ingress_odd6(ip6h) ||
	    !len || len + sizeof(*ip6h) > skb->len)
		return false;
	if (pskb_trim_rcsum(skb, len + sizeof(*ip6h)))
		return false;
	skb_set_transport_header(skb, sizeof(*ip6h));
	memset(IP6CB(skb), 0, sizeof(*IP6CB(skb)));
	IP6CB(skb)->iif = skb->skb_iif;
	IP6CB(skb)->nhoff = offsetof(struct ipv6hdr, nexthdr);
	return true;
}

/* Nobody else has the packet, and it is for us and not of a VLAN that is still to be found. */
static bool kims_ingress_usual(const struct sk_buff *skb)
{
	return skb->pkt_type == PACKET_HOST && !skb_vlan_tag_present(skb) && !skb_shared(skb);
}

static unsigned int kims_ingress_hook(void *priv, struct sk_buff *skb,
				      const struct nf_hook_state *state)
{
	unsigned int verdict;

	if (!kims_ingress_usual(skb))
		return NF_ACCEPT;
	if (skb->protocol == htons(ETH_P_IP))
		verdict = kims_ingress_ready4(skb) ? kims_hook4(priv, skb, state) : NF_ACCEPT;
	else if (skb->protocol == htons(ETH_P_IPV6))
		verdict = kims_ingress_ready6(skb) ? kims_hook6(priv, skb, state) : NF_ACCEPT;
	else
		return NF_ACCEPT;
	return (verdict & NF_VERDICT_MASK) == NF_QUEUE ? NF_ACCEPT : verdict;
}

/* --- devices --- */

static struct kims_ingress *kims_ingress_find(const struct kims_net *kn,
					      const struct net_device *dev)
{
	struct kims_ingress *in;

	list_for_each_entry(in, &kn->ingress, list)
		if (in->dev == dev)
			return in;
	return NULL;
}

static int kims_ingress_add(struct kims_net *kn, struct net_device *dev)
{
	struct kims_ingress *in = kzalloc(sizeof(*in), GFP_KERNEL_ACCOUNT);
	int err;

	if (!in)
		return -ENOMEM;
	in->dev = dev;
	in->ops = (struct nf_hook_ops){
		.hook = kims_ingress_hook,
		.pf = NFPROTO_NETDEV,
		.hooknum = NF_NETDEV_INGRESS,
		.dev = dev,
		.priv = kn,
	};
	err = nf_register_net_hook(kn->net, &in->ops);
	if (err)
		kfree(in);
	else
		list_add_tail(&in->list, &kn->ingress);
	return err;
}

/* nf_unregister_net_hook() frees nothing of ours before packets have left it. */
static void kims_ingress_del(struct kims_net *kn, struct kims_ingress *in)
{
	nf_unregister_net_hook(kn->net, &in->ops);
	list_del(&in->list);
	synchronize_net();
	kfree(in);
}

static int kims_ingress_event(struct notifier_block *nb, unsigned long event, void *ptr)
{
	struct net_device *dev = netdev_notifier_info_to_dev(ptr);
	struct kims_net *kn = kims_net(dev_net(dev));
	struct kims_ingress *in;

	if (event != NETDEV_UNREGISTER)
		return NOTIFY_DONE;
	in = kims_ingress_find(kn, dev);
	if (in)
		kims_ingress_del(kn, in);
	return NOTIFY_DONE;
}

static struct notifier_block kims_ingress_notifier = { .notifier_call = kims_ingress_event };

int kims_ingress_init(void)
{
	return register_netdevice_notifier(&kims_ingress_notifier);
}

void kims_ingress_exit(void)
{
	unregister_netdevice_notifier(&kims_ingress_notifier);
}

void kims_ingress_net_exit(struct kims_net *kn)
{
	struct kims_ingress *in, *next;

	rtnl_lock();
	list_for_each_entry_safe(in, next, &kn->ingress, list)
		kims_ingress_del(kn, in);
	rtnl_unlock();
}

/* --- netlink --- */

/* 0 and the index, or -EINVAL with a sentence. */
static int kims_ingress_device(struct genl_info *info, u32 *ret_ifindex)
{
	struct nlattr *tb[KIMS_INGRESS_A_MAX + 1];
	int err;

	if (!info->attrs[KIMS_A_INGRESS])
		return KIMS_REFUSE(info->extack, -EINVAL, "ingress is missing");
	err = nla_parse_nested(tb, KIMS_INGRESS_A_MAX, info->attrs[KIMS_A_INGRESS],
			       kims_ingress_nl_policy, info->extack);
	if (err)
		return err;
	if (!tb[KIMS_INGRESS_A_DEVICE])
		return KIMS_REFUSE(info->extack, -EINVAL, "device is missing");
	*ret_ifindex = nla_get_u32(tb[KIMS_INGRESS_A_DEVICE]);
	return 0;
}

int kims_nl_ingress_new_doit(struct sk_buff *skb, struct genl_info *info)
{
	struct kims_net *kn = kims_net(genl_info_net(info));
	struct net_device *dev;
	u32 ifindex;
	int err;

	err = kims_ingress_device(info, &ifindex);
	if (err)
		return err;
	rtnl_lock();
	dev = __dev_get_by_index(kn->net, ifindex);
	if (!dev)
		err = KIMS_REFUSE(info->extack, -ENODEV, "no device has this index");
	else if (kims_ingress_find(kn, dev))
		err = KIMS_REFUSE(info->extack, -EEXIST, "packets are taken there already");
	else
		err = kims_ingress_add(kn, dev);
	rtnl_unlock();
	return err;
}

int kims_nl_ingress_del_doit(struct sk_buff *skb, struct genl_info *info)
{
	struct kims_net *kn = kims_net(genl_info_net(info));
	struct kims_ingress *in = NULL;
	struct net_device *dev;
	u32 ifindex;
	int err;

	err = kims_ingress_device(info, &ifindex);
	if (err)
		return err;
	rtnl_lock();
	dev = __dev_get_by_index(kn->net, ifindex);
	if (dev)
		in = kims_ingress_find(kn, dev);
	if (in)
		kims_ingress_del(kn, in);
	else
		err = KIMS_REFUSE(info->extack, -ENOENT, "packets are not taken there");
	rtnl_unlock();
	return err;
}

static int kims_ingress_fill(struct sk_buff *skb, struct netlink_callback *cb,
			     const struct kims_ingress *in)
{
	void *hdr = kims_nl_dump_hdr(skb, cb, KIMS_CMD_INGRESS_GET);
	struct nlattr *nest;

	if (!hdr)
		return -EMSGSIZE;
	nest = nla_nest_start(skb, KIMS_A_INGRESS);
	if (!nest || nla_put_u32(skb, KIMS_INGRESS_A_DEVICE, in->dev->ifindex)) {
		genlmsg_cancel(skb, hdr);
		return -EMSGSIZE;
	}
	nla_nest_end(skb, nest);
	genlmsg_end(skb, hdr);
	return 0;
}

int kims_nl_ingress_get_dumpit(struct sk_buff *skb, struct netlink_callback *cb)
{
	struct kims_net *kn = kims_net(sock_net(skb->sk));
	long i = 0, from = cb->args[0];
	struct kims_ingress *in;

	rtnl_lock();
	list_for_each_entry(in, &kn->ingress, list) {
		if (i >= from && kims_ingress_fill(skb, cb, in))
			break;
		i++;
	}
	rtnl_unlock();
	cb->args[0] = i;
	return skb->len;
}
