// SPDX-License-Identifier: GPL-2.0
/*
 * The device kind "kims": a network device of raw IP packets behind which the UEs are.
 *
 *   ip link add kims0 type kims
 *
 * What the stack routes to it (the UE pool) goes to the session of its destination address as a
 * downlink packet; what arrives in a tunnel and does not leave the direct way is received on it,
 * so that rp_filter, nftables, packet sockets, local sockets and ip_forward see a plain IP packet
 * of this device. Received TCP segments are merged (GRO) before they go on.
 *
 * Invariants:
 *  - an endpoint's pointer to a device is gone before the device is, or is in another namespace:
 *    the notifier takes it away under RTNL, which who sets it holds too, and the device is freed
 *    after a grace period;
 *  - a packet that is being sent by a device is not sent by it again (its outer packet is routed
 *    into the UE pool): it is dropped.
 */
#include <linux/etherdevice.h>
#include <linux/if_arp.h>
#include <linux/netdevice.h>
#include <net/gro_cells.h>
#include <net/ip_tunnels.h>
#include <net/rtnetlink.h>
#include "gtpu/gtpu.h"

/* IPv6 + UDP + GTP-U with one extension header: what an inner packet gets before it. */
#define KIMS_DEV_OVERHEAD (40 + 8 + 16)
#define KIMS_DEV_MTU (ETH_DATA_LEN - KIMS_DEV_OVERHEAD)
#define KIMS_DEV_FEATURES (NETIF_F_SG | NETIF_F_FRAGLIST | NETIF_F_HIGHDMA | NETIF_F_HW_CSUM | \
			   NETIF_F_RXCSUM | NETIF_F_GSO_SOFTWARE)

struct kims_dev {
	struct gro_cells cells;
};

static int kims_dev_init(struct net_device *dev)
{
	struct kims_dev *kd = netdev_priv(dev);
	int err;

	dev->tstats = netdev_alloc_pcpu_stats(struct pcpu_sw_netstats);
	if (!dev->tstats)
		return -ENOMEM;
	err = gro_cells_init(&kd->cells, dev);
	if (err)
		free_percpu(dev->tstats);
	return err;
}

static void kims_dev_uninit(struct net_device *dev)
{
	struct kims_dev *kd = netdev_priv(dev);

	gro_cells_destroy(&kd->cells);
	free_percpu(dev->tstats);
}

static netdev_tx_t kims_dev_xmit(struct sk_buff *skb, struct net_device *dev)
{
	DEV_STATS_INC(dev, tx_dropped);
	kfree_skb(skb);
	return NETDEV_TX_OK;
}

static const struct net_device_ops kims_dev_ops = {
	.ndo_init = kims_dev_init,
	.ndo_uninit = kims_dev_uninit,
	.ndo_start_xmit = kims_dev_xmit,
	.ndo_get_stats64 = dev_get_tstats64,
};

bool kims_is_dev(const struct net_device *dev)
{
	return dev->netdev_ops == &kims_dev_ops;
}

static const struct device_type kims_dev_type = { .name = "kims" };

static void kims_dev_setup(struct net_device *dev)
{
	dev->netdev_ops = &kims_dev_ops;
	dev->needs_free_netdev = true;
	dev->type = ARPHRD_NONE;
	dev->flags = IFF_POINTOPOINT | IFF_NOARP;
	dev->priv_flags |= IFF_NO_QUEUE;
	dev->header_ops = &ip_tunnel_header_ops;
	dev->hard_header_len = 0;
	dev->addr_len = 0;
	dev->needed_headroom = LL_MAX_HEADER + KIMS_DEV_OVERHEAD;
	dev->min_mtu = IPV6_MIN_MTU;
	dev->max_mtu = IP_MAX_MTU;
	dev->mtu = KIMS_DEV_MTU;
	dev->features |= KIMS_DEV_FEATURES;
	dev->hw_features |= KIMS_DEV_FEATURES;
	dev->vlan_features |= KIMS_DEV_FEATURES;
	kims_dev_set_lltx(dev);
	SET_NETDEV_DEVTYPE(dev, &kims_dev_type);
	netif_keep_dst(dev);
}

static int kims_dev_newlink(struct net *src_net, struct net_device *dev, struct nlattr *tb[],
			    struct nlattr *data[], struct netlink_ext_ack *extack)
{
	return register_netdevice(dev);
}

static struct rtnl_link_ops kims_link_ops __read_mostly = {
	.kind = "kims",
	.priv_size = sizeof(struct kims_dev),
	.setup = kims_dev_setup,
	.newlink = kims_dev_newlink,
};

struct net_device *kims_dev_find(struct net *net, u32 ifindex)
{
	struct net_device *dev = __dev_get_by_index(net, ifindex);

	ASSERT_RTNL();
	return dev && kims_is_dev(dev) ? dev : NULL;
}

bool kims_gtpu_dev_ready(const struct kims_gtpu_ep *ep)
{
	const struct net_device *dev = rcu_dereference(ep->dev);

	return dev && dev->flags & IFF_UP;
}

void kims_gtpu_to_stack(struct kims_gtpu_ep *ep, struct sk_buff *skb)
{
	kfree_skb(skb);
}

bool kims_gtpu_bulk(const struct sk_buff *skb)
{
	return false;
}

u64 kims_skb_session(const struct sk_buff *skb)
{
	return 0;
}

/* --- kinds --- */

int kims_gtpu_link_init(void)
{
	int err = rtnl_link_register(&kims_link_ops);

	if (err)
		return err;
	err = kims_monitor_link_init();
	if (err)
		rtnl_link_unregister(&kims_link_ops);
	return err;
}

void kims_gtpu_link_exit(void)
{
	kims_monitor_link_exit();
	rtnl_link_unregister(&kims_link_ops);
}

MODULE_ALIAS_RTNL_LINK("kims");
