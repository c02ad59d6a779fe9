// SPDX-License-Identifier: GPL-2.0
/*
 * The device kind "kims": a network device of raw IP packets behind which the UEs are.
 *
 *   ip link add kims0 type kims
 *
 * What the stack routes to it (the UE pool) goes to the session of its destination address as a
 * downlink packet; what arrives in a tunnel and does not leave the direct way is received on it,
 * so that rp_filter, nftables, packet sockets, local sockets and ip_forward see a plain IP packet
 * of this device.
 *
 * What is received waits in a queue per CPU for the device's own NAPI, which merges TCP segments
 * (GRO). gro_cells would do but for their limit: one outer super-packet is dozens of inner ones,
 * and net.core.netdev_max_backlog of them is too little for what one run of the softirq brings.
 *
 * Invariants:
 *  - an endpoint's pointer to a device is gone before the device is, or is in another namespace:
 *    the notifier takes it away under RTNL, which who sets it holds too, and the device is freed
 *    after a grace period;
 *  - a packet that is being sent by a device is not sent by it again (its outer packet is routed
 *    into the UE pool): it is dropped.
 */
#include <linux/icmpv6.h>
#include <linux/if_arp.h>
#include <linux/inetdevice.h>
#include <linux/netdevice.h>
#include <net/addrconf.h>
#include <net/icmp.h>
#include <net/ip_tunnels.h>
#include <net/rtnetlink.h>
#include <net/tcp.h>
#include "gtpu/gtpu.h"

/* IPv6 + UDP + GTP-U with one extension header: what an inner packet gets before it. */
#define KIMS_DEV_OVERHEAD (40 + 8 + 16)
#define KIMS_DEV_MTU (ETH_DATA_LEN - KIMS_DEV_OVERHEAD)
#define KIMS_DEV_FEATURES (NETIF_F_SG | NETIF_F_FRAGLIST | NETIF_F_HIGHDMA | NETIF_F_HW_CSUM | \
			   NETIF_F_RXCSUM | NETIF_F_GSO_SOFTWARE)
/* Packets that wait on one CPU at most; drained whenever the softirq comes round. */
#define KIMS_DEV_QUEUE 8192

struct kims_cell {
	struct sk_buff_head queue;
	struct napi_struct napi;
};

struct kims_dev {
	struct kims_cell __percpu *cells;
};

/* The device that is sending on this CPU, BH off. */
static DEFINE_PER_CPU(struct net_device *, kims_dev_sending);

/* --- to the stack --- */

/* Takes all that is there, whatever the budget: it has been paid for by those who brought it. */
static int kims_cell_poll(struct napi_struct *napi, int budget)
{
	struct kims_cell *cell = container_of(napi, struct kims_cell, napi);
	struct sk_buff_head list;
	struct sk_buff *skb;
	int done = 0;

	if (!budget)
		return 0;
	__skb_queue_head_init(&list);
	spin_lock(&cell->queue.lock);
	skb_queue_splice_init(&cell->queue, &list);
	spin_unlock(&cell->queue.lock);
	while ((skb = __skb_dequeue(&list))) {
		/* GRO takes for its own what it merges: not what a packet socket has a clone of. */
		if (likely(!skb_unclone(skb, GFP_ATOMIC | __GFP_NOWARN)))
			napi_gro_receive(napi, skb);
		else
			netif_receive_skb(skb);
		done++;
	}
	done = min(done, budget - 1);
	napi_complete_done(napi, done); /* and again, when more has come meanwhile */
	return done;
}

static void kims_cells_destroy(struct kims_dev *kd)
{
	struct kims_cell *cell;
	int cpu;

	for_each_possible_cpu(cpu) {
		cell = per_cpu_ptr(kd->cells, cpu);
		napi_disable(&cell->napi);
		__netif_napi_del(&cell->napi);
		__skb_queue_purge(&cell->queue);
	}
	synchronize_net();
	free_percpu(kd->cells);
}

static int kims_cells_init(struct kims_dev *kd, struct net_device *dev)
{
	struct kims_cell *cell;
	int cpu;

	kd->cells = alloc_percpu(struct kims_cell);
	if (!kd->cells)
		return -ENOMEM;
	for_each_possible_cpu(cpu) {
		cell = per_cpu_ptr(kd->cells, cpu);
		skb_queue_head_init(&cell->queue);
		set_bit(NAPI_STATE_NO_BUSY_POLL, &cell->napi.state);
		netif_napi_add(dev, &cell->napi, kims_cell_poll);
		napi_enable(&cell->napi);
	}
	return 0;
}

/* The device is there and up: in this RCU section it does not go. */
static struct net_device *kims_dev_up(const struct kims_gtpu_ep *ep)
{
	struct net_device *dev = rcu_dereference(ep->dev);

	return likely(dev && READ_ONCE(dev->flags) & IFF_UP) ? dev : NULL;
}

bool kims_gtpu_dev_ready(const struct kims_gtpu_ep *ep)
{
	return kims_dev_up(ep);
}

static bool kims_cell_put(struct kims_cell *cell, struct sk_buff *skb)
{
	bool first;

	spin_lock(&cell->queue.lock);
	first = skb_queue_empty(&cell->queue);
	if (unlikely(skb_queue_len(&cell->queue) >= KIMS_DEV_QUEUE)) {
		spin_unlock(&cell->queue.lock);
		return false;
	}
	__skb_queue_tail(&cell->queue, skb);
	spin_unlock(&cell->queue.lock);
	if (first)
		napi_schedule(&cell->napi);
	return true;
}

/* A plain IP packet that has just come from a wire, whatever it was before. */
static void kims_dev_received(struct net_device *dev, struct sk_buff *skb)
{
	skb_reset_mac_header(skb);
	skb_reset_network_header(skb);
	skb_reset_mac_len(skb);
	skb->protocol = (*skb->data & 0xf0) == 0x40 ? htons(ETH_P_IP) : htons(ETH_P_IPV6);
	skb->encapsulation = 0;
	skb_clear_hash(skb);
	skb_scrub_packet(skb, false);
	skb->dev = dev;
	dev_sw_netstats_rx_add(dev, skb->len);
}

void kims_gtpu_to_stack(struct kims_gtpu_ep *ep, struct sk_buff *skb)
{
	struct net_device *dev = kims_dev_up(ep);
	struct kims_dev *kd;

	if (unlikely(!dev)) {
		kims_net_drop(ep->kn, KIMS_DROP_NO_DEVICE);
		kims_drop(skb, KIMS_DROP_NO_DEVICE);
		return;
	}
	kims_dev_received(dev, skb);
	kd = netdev_priv(dev);
	if (unlikely(!kims_cell_put(this_cpu_ptr(kd->cells), skb))) {
		dev_core_stats_rx_dropped_inc(dev);
		kfree_skb(skb);
	}
}

/* Where the TCP header is, or 0. No options or extension headers: nobody sends bulk with any. */
static unsigned int kims_tcp_offset(const struct sk_buff *skb)
{
	const struct iphdr *iph = (const struct iphdr *)skb->data;
	const struct ipv6hdr *ip6h = (const struct ipv6hdr *)skb->data;

	if (skb_headlen(skb) < sizeof(*ip6h))
		return 0;
	if (iph->version == 4)
		return iph->protocol == IPPROTO_TCP && iph->ihl == 5 &&
		       !(iph->frag_off & htons(IP_MF | IP_OFFSET)) ? sizeof(*iph) : 0;
	return ip6h->nexthdr == IPPROTO_TCP ? sizeof(*ip6h) : 0;
}

bool kims_gtpu_bulk(const struct sk_buff *skb)
{
	unsigned int off = kims_tcp_offset(skb);
	const struct tcphdr *th;
	struct tcphdr buffer;

	if (!off)
		return false;
	th = skb_header_pointer(skb, off, sizeof(buffer), &buffer);
	if (!th || th->syn)
		return false;
	/* What has no data may be overtaken, but must not overtake data and then end the flow. */
	return skb->len > off + __tcp_hdrlen(th) || th->fin || th->rst;
}

/* --- from the stack --- */

/* The session of the destination; NULL: none, or not an IP packet. */
static struct kims_session *kims_dev_session(const struct kims_net *kn, struct sk_buff *skb)
{
	struct kims_ue *ue = NULL;

	if (skb->protocol == htons(ETH_P_IP) && pskb_may_pull(skb, sizeof(struct iphdr)))
		ue = kims_ue_find4(kn, ip_hdr(skb)->daddr);
	else if (skb->protocol == htons(ETH_P_IPV6) && pskb_may_pull(skb, sizeof(struct ipv6hdr)))
		ue = kims_ue_find6(kn, &ipv6_hdr(skb)->daddr);
	return ue ? ue->session : NULL;
}

static void kims_dev_unreachable(struct sk_buff *skb)
{
	if (skb->protocol == htons(ETH_P_IP))
		icmp_ndo_send(skb, ICMP_DEST_UNREACH, ICMP_HOST_UNREACH, 0);
	else if (skb->protocol == htons(ETH_P_IPV6))
		icmpv6_ndo_send(skb, ICMPV6_DEST_UNREACH, ICMPV6_ADDR_UNREACH, 0);
}

/* Returns 0: the packet is taken, or the reason of drop. */
static int kims_dev_downlink(struct net_device *dev, struct sk_buff *skb)
{
	struct kims_net *kn = kims_net(dev_net(dev));
	struct kims_session *s = kims_dev_session(kn, skb);
	int why;

	if (unlikely(!s)) {
		kims_net_drop(kn, KIMS_DROP_NO_PDR);
		kims_dev_unreachable(skb);
		return KIMS_DROP_NO_PDR;
	}
	this_cpu_write(kims_dev_sending, dev);
	why = kims_gtpu_downlink(s, skb, false);
	this_cpu_write(kims_dev_sending, NULL);
	return why;
}

static netdev_tx_t kims_dev_xmit(struct sk_buff *skb, struct net_device *dev)
{
	unsigned int len = skb->len;
	unsigned int packets = skb_is_gso(skb) ? max_t(u16, skb_shinfo(skb)->gso_segs, 1) : 1;
	int why;

	if (unlikely(this_cpu_read(kims_dev_sending) == dev)) {
		why = KIMS_DROP_NO_ROUTE;
		kims_net_drop(kims_net(dev_net(dev)), why);
		DEV_STATS_INC(dev, collisions);
		goto drop;
	}
	why = kims_dev_downlink(dev, skb);
	if (unlikely(why))
		goto drop;
	dev_sw_netstats_tx_add(dev, packets, len);
	return NETDEV_TX_OK;

drop:
	DEV_STATS_INC(dev, tx_dropped);
	kims_drop(skb, why);
	return NETDEV_TX_OK;
}

/* --- device --- */

static int kims_dev_init(struct net_device *dev)
{
	int err;

	dev->tstats = netdev_alloc_pcpu_stats(struct pcpu_sw_netstats);
	if (!dev->tstats)
		return -ENOMEM;
	err = kims_cells_init(netdev_priv(dev), dev);
	if (err)
		free_percpu(dev->tstats);
	return err;
}

/* It has been down for a grace period: nothing is put into its queues any more. */
static void kims_dev_uninit(struct net_device *dev)
{
	kims_cells_destroy(netdev_priv(dev));
	free_percpu(dev->tstats);
}

/*
 * UEs reach each other by this device and no other: redirects would only disturb them. IPv4 asks
 * the setting of the device and that of all; IPv6 sends none where there is no link-local address.
 */
static int kims_dev_open(struct net_device *dev)
{
	struct inet6_dev *in6_dev = __in6_dev_get(dev);
	struct in_device *in_dev = __in_dev_get_rtnl(dev);

	if (in_dev)
		IN_DEV_CONF_SET(in_dev, SEND_REDIRECTS, false);
	IPV4_DEVCONF_ALL(dev_net(dev), SEND_REDIRECTS) = false;
	if (in6_dev)
		in6_dev->cnf.addr_gen_mode = IN6_ADDR_GEN_MODE_NONE;
	return 0;
}

const struct net_device_ops kims_dev_ops = {
	.ndo_open = kims_dev_open,
	.ndo_init = kims_dev_init,
	.ndo_uninit = kims_dev_uninit,
	.ndo_start_xmit = kims_dev_xmit,
	.ndo_get_stats64 = dev_get_tstats64,
};

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
	netif_keep_dst(dev); /* ICMP errors ask the route */
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

/* Of no endpoint any more. */
static void kims_dev_forget(const struct net_device *dev)
{
	struct kims_net *kn = kims_net(dev_net(dev));
	struct kims_gtpu_ep *ep;
	unsigned long id;

	rcu_read_lock();
	xa_for_each(&kn->gtpu->eps, id, ep)
		if (rcu_access_pointer(ep->dev) == dev)
			RCU_INIT_POINTER(ep->dev, NULL);
	rcu_read_unlock();
}

static int kims_dev_event(struct notifier_block *nb, unsigned long event, void *ptr)
{
	const struct net_device *dev = netdev_notifier_info_to_dev(ptr);

	if (event == NETDEV_UNREGISTER && kims_is_dev(dev))
		kims_dev_forget(dev);
	return NOTIFY_DONE;
}

static struct notifier_block kims_dev_notifier = { .notifier_call = kims_dev_event };

u64 kims_skb_session(const struct sk_buff *skb)
{
	const struct kims_net *kn;
	const struct kims_ue *ue;

	if (!skb->dev || !kims_is_dev(skb->dev))
		return 0;
	kn = kims_net(dev_net(skb->dev));
	ue = skb->protocol == htons(ETH_P_IP) ? kims_ue_find4(kn, ip_hdr(skb)->saddr) :
						kims_ue_find6(kn, &ipv6_hdr(skb)->saddr);
	return ue ? ue->session->id : 0;
}

/* --- kinds --- */

int kims_gtpu_link_init(void)
{
	int err = register_netdevice_notifier(&kims_dev_notifier);

	if (err)
		return err;
	err = rtnl_link_register(&kims_link_ops);
	if (err)
		goto err_notifier;
	err = kims_monitor_link_init();
	if (err)
		goto err_link;
	return 0;

err_link:
	rtnl_link_unregister(&kims_link_ops);
err_notifier:
	unregister_netdevice_notifier(&kims_dev_notifier);
	return err;
}

void kims_gtpu_link_exit(void)
{
	kims_monitor_link_exit();
	rtnl_link_unregister(&kims_link_ops);
	unregister_netdevice_notifier(&kims_dev_notifier);
}

MODULE_ALIAS_RTNL_LINK("kims");
