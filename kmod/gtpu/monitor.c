// SPDX-License-Identifier: GPL-2.0
/*
 * The device kind "kimsmon": packet sockets on it see the inner packets of monitored sessions, as
 * those on nlmon see netlink.
 *
 *   ip link add kimsmon0 type kimsmon && ip link set kimsmon0 up && tcpdump -ni kimsmon0
 *
 * Uplink packets are received by it, downlink packets are sent by it, so the direction is that of
 * the packet (tcpdump -Q in|out). The link-layer address that packet sockets get with each packet
 * (sockaddr_ll) is the number of its session, 8 octets in network byte order. Nothing that comes
 * in there reaches the IP stack, and nothing that is sent there goes anywhere.
 *
 * A packet is copied, but for its fragments, which nobody writes to: the packet itself goes on as
 * if nobody had looked.
 */
#include <linux/if_arp.h>
#include <linux/netdevice.h>
#include <linux/random.h>
#include <linux/rtnetlink.h>
#include <net/ip.h>
#include <net/rtnetlink.h>
#include "gtpu/gtpu.h"

#define KIMS_MONITOR_FEATURES (NETIF_F_SG | NETIF_F_FRAGLIST | NETIF_F_HIGHDMA | \
			       NETIF_F_HW_CSUM | NETIF_F_GSO_SOFTWARE)

struct kims_monitor {
	struct hlist_node node; /* kims_net.monitors; by RTNL */
	struct net_device *dev;
};

/* --- packets --- */

/* Lies before the packet, where there is always room for it. */
struct kims_monitor_mark {
	u64 magic; /* this is one; anybody may send packets of his own by the device */
	__be64 session;
};

static u64 kims_monitor_magic __read_mostly;

static void *kims_monitor_mark(const struct sk_buff *skb)
{
	return skb_mac_header(skb) - sizeof(struct kims_monitor_mark);
}

static struct sk_buff *kims_monitor_copy(const struct sk_buff *skb)
{
	unsigned int headroom = max_t(unsigned int, skb_headroom(skb), NET_SKB_PAD);
	struct sk_buff *copy;

	copy = __pskb_copy_fclone((struct sk_buff *)skb, headroom, GFP_ATOMIC | __GFP_NOWARN,
				  false);
	if (!copy)
		return NULL;
	if (copy->ip_summed == CHECKSUM_PARTIAL)
		copy->csum_start += headroom - skb_headroom(skb);
	skb_reset_mac_header(copy);
	skb_reset_network_header(copy);
	skb_reset_mac_len(copy);
	skb_reset_transport_header(copy);
	/* A reader wants to see checksums that are right. */
	if (copy->ip_summed == CHECKSUM_PARTIAL && !skb_is_gso(copy))
		skb_checksum_help(copy);
	return copy;
}

static void kims_monitor_deliver(struct net_device *dev, const struct kims_session *s,
				 const struct sk_buff *skb, u8 direction)
{
	const struct kims_monitor_mark mark = {
		.magic = kims_monitor_magic,
		.session = cpu_to_be64(s->id),
	};
	struct sk_buff *copy = kims_monitor_copy(skb);

	if (!copy) {
		DEV_STATS_INC(dev, rx_dropped);
		return;
	}
	memcpy(kims_monitor_mark(copy), &mark, sizeof(mark));
	copy->protocol = (*copy->data & 0xf0) == 0x40 ? htons(ETH_P_IP) : htons(ETH_P_IPV6);
	skb_scrub_packet(copy, false);
	skb_clear_tstamp(copy);
	copy->dev = dev;
	if (direction == KIMS_DOWNLINK) {
		dev_queue_xmit(copy);
		return;
	}
	dev_sw_netstats_rx_add(dev, copy->len);
	netif_rx(copy);
}

void kims_monitor_packet(struct kims_session *s, const struct sk_buff *skb, u8 direction)
{
	struct kims_monitor *m;

	hlist_for_each_entry_rcu(m, &s->kn->monitors, node)
		if (READ_ONCE(m->dev->flags) & IFF_UP)
			kims_monitor_deliver(m->dev, s, skb, direction);
}

/* Packet sockets have had it. */
static rx_handler_result_t kims_monitor_received(struct sk_buff **pskb)
{
	consume_skb(*pskb);
	return RX_HANDLER_CONSUMED;
}

static netdev_tx_t kims_monitor_xmit(struct sk_buff *skb, struct net_device *dev)
{
	dev_sw_netstats_tx_add(dev, 1, skb->len);
	consume_skb(skb);
	return NETDEV_TX_OK;
}

/* --- device --- */

static int kims_monitor_init(struct net_device *dev)
{
	struct kims_monitor *m = netdev_priv(dev);
	int err;

	m->dev = dev;
	INIT_HLIST_NODE(&m->node);
	dev->tstats = netdev_alloc_pcpu_stats(struct pcpu_sw_netstats);
	if (!dev->tstats)
		return -ENOMEM;
	err = netdev_rx_handler_register(dev, kims_monitor_received, NULL);
	if (err)
		free_percpu(dev->tstats);
	return err;
}

static void kims_monitor_uninit(struct net_device *dev)
{
	netdev_rx_handler_unregister(dev);
	free_percpu(dev->tstats);
}

static const struct net_device_ops kims_monitor_ops = {
	.ndo_init = kims_monitor_init,
	.ndo_uninit = kims_monitor_uninit,
	.ndo_start_xmit = kims_monitor_xmit,
	.ndo_get_stats64 = dev_get_tstats64,
};

static int kims_monitor_parse(const struct sk_buff *skb, unsigned char *haddr)
{
	struct kims_monitor_mark mark;

	if (!skb_mac_header_was_set(skb) || skb_mac_header(skb) - skb->head < sizeof(mark))
		return 0;
	memcpy(&mark, kims_monitor_mark(skb), sizeof(mark));
	if (mark.magic != kims_monitor_magic)
		return 0;
	memcpy(haddr, &mark.session, sizeof(mark.session));
	return sizeof(mark.session);
}

static int __maybe_unused kims_monitor_parse_dev(const struct sk_buff *skb,
						 const struct net_device *dev,
						 unsigned char *haddr)
{
	return kims_monitor_parse(skb, haddr);
}

static const struct header_ops kims_monitor_header_ops = {
	.parse = KIMS_HEADER_PARSE(kims_monitor_parse, kims_monitor_parse_dev),
};

static const struct device_type kims_monitor_type = { .name = "kimsmon" };

static void kims_monitor_setup(struct net_device *dev)
{
	dev->netdev_ops = &kims_monitor_ops;
	dev->header_ops = &kims_monitor_header_ops;
	dev->needs_free_netdev = true;
	dev->type = ARPHRD_NONE;
	dev->flags = IFF_NOARP;
	dev->priv_flags |= IFF_NO_QUEUE;
	dev->min_mtu = 0;
	dev->max_mtu = IP_MAX_MTU;
	dev->mtu = IP_MAX_MTU;
	dev->features |= KIMS_MONITOR_FEATURES;
	kims_dev_set_lltx(dev);
	SET_NETDEV_DEVTYPE(dev, &kims_monitor_type);
}

static struct rtnl_link_ops kims_monitor_link_ops __read_mostly = {
	.kind = "kimsmon",
	.priv_size = sizeof(struct kims_monitor),
	.setup = kims_monitor_setup,
};

/* In the list of the namespace that it is in, also when it comes to another. */
static int kims_monitor_event(struct notifier_block *nb, unsigned long event, void *ptr)
{
	struct net_device *dev = netdev_notifier_info_to_dev(ptr);
	struct kims_monitor *m = netdev_priv(dev);

	if (dev->netdev_ops != &kims_monitor_ops)
		return NOTIFY_DONE;
	if (event == NETDEV_REGISTER)
		hlist_add_head_rcu(&m->node, &kims_net(dev_net(dev))->monitors);
	else if (event == NETDEV_UNREGISTER && !hlist_unhashed(&m->node))
		hlist_del_init_rcu(&m->node);
	return NOTIFY_DONE;
}

static struct notifier_block kims_monitor_notifier = { .notifier_call = kims_monitor_event };

int kims_monitor_link_init(void)
{
	int err;

	kims_monitor_magic = get_random_u64();
	err = register_netdevice_notifier(&kims_monitor_notifier);
	if (err)
		return err;
	err = rtnl_link_register(&kims_monitor_link_ops);
	if (err)
		unregister_netdevice_notifier(&kims_monitor_notifier);
	return err;
}

void kims_monitor_link_exit(void)
{
	rtnl_link_unregister(&kims_monitor_link_ops);
	unregister_netdevice_notifier(&kims_monitor_notifier);
}

MODULE_ALIAS_RTNL_LINK("kimsmon");
