// SPDX-License-Identifier: GPL-2.0
/*
 * GTP-U endpoints (TS 29.281 4.4): a local address and port, found by the flow table.
 *
 * A UDP socket of the kernel keeps the port, so that nobody else gets it and the peer gets no
 * ICMP; packets do not go through it but are taken at the hooks. An endpoint is not deleted while
 * a tunnel or FAR uses it (kims_gtpu_ep.tunnels), so that these need no reference of their own.
 *
 * Who may still hold a deleted endpoint: a packet that found it, or its socket, until the end of
 * that packet's RCU section. So it is freed after a grace period, and its final counters are read
 * after one.
 */
#include <linux/rtnetlink.h>
#include <linux/slab.h>
#include <linux/udp.h>
#include <net/sock.h>
#include <net/udp.h>
#include <net/udp_tunnel.h>
#include "genl.h"
#include "gtpu/control.h"

#define KIMS_GTPU_EP_MAX 0x7fffffff

struct kims_gtpu_ep *kims_gtpu_ep_find(const struct kims_net *kn, u32 id)
{
	lockdep_assert_held(&kn->lock);
	return xa_load(&kn->gtpu->eps, id);
}

u32 kims_gtpu_ep_number(const struct kims_net *kn)
{
	return READ_ONCE(kn->gtpu->n_eps);
}

/* --- socket --- */

/* What the hooks did not take is nothing that GTP-U can be made of. */
static int kims_gtpu_ep_rcv(struct sock *sk, struct sk_buff *skb)
{
	struct kims_gtpu_ep *ep = rcu_dereference_sk_user_data(sk);

	if (!ep)
		return 1;
	kims_gtpu_ep_count(ep, KIMS_DROP_MALFORMED, 1);
	kims_net_drop(ep->kn, KIMS_DROP_MALFORMED);
	kims_drop(skb, KIMS_DROP_MALFORMED);
	return 0;
}

static int kims_gtpu_ep_bind(struct socket *sock, const struct kims_end *local)
{
	struct sockaddr_in in = {
		.sin_family = AF_INET,
		.sin_port = local->port,
		.sin_addr.s_addr = local->addr.v4,
	};
	struct sockaddr_in6 in6 = {
		.sin6_family = AF_INET6,
		.sin6_port = local->port,
		.sin6_addr = local->addr.v6,
	};

	if (local->addr.family == AF_INET)
		return kernel_bind(sock, (struct sockaddr *)&in, sizeof(in));
	return kernel_bind(sock, (struct sockaddr *)&in6, sizeof(in6));
}

static void kims_gtpu_ep_encap(struct kims_gtpu_ep *ep)
{
	struct sock *sk = ep->sock->sk;

	sk->sk_no_check_rx = 1; /* RFC 6935: a zero checksum must get as far as the handler */
	udp_set_no_check6_rx(sk, true);
	udp_sk(sk)->encap_rcv = kims_gtpu_ep_rcv;
	udp_sk(sk)->encap_err_lookup = kims_gtpu_err_lookup;
	rcu_assign_sk_user_data(sk, ep);
	WRITE_ONCE(udp_sk(sk)->encap_type, UDP_ENCAP_GTP1U);
	udp_tunnel_encap_enable(sk);
}

static int kims_gtpu_ep_listen(struct kims_gtpu_ep *ep, struct netlink_ext_ack *extack)
{
	const struct kims_end *local = &ep->local.key.local;
	int err;

	err = sock_create_kern(ep->kn->net, local->addr.family, SOCK_DGRAM, IPPROTO_UDP, &ep->sock);
	if (err)
		return KIMS_REFUSE(extack, err, "no socket for the endpoint");
	err = kims_gtpu_ep_bind(ep->sock, local);
	if (!err) {
		kims_gtpu_ep_encap(ep);
		return 0;
	}
	sock_release(ep->sock);
	ep->sock = NULL;
	if (err == -EADDRNOTAVAIL)
		return KIMS_REFUSE(extack, err, "the address is not one of this host");
	if (err == -EADDRINUSE)
		return KIMS_REFUSE(extack, err, "something else has this address and port");
	return KIMS_REFUSE(extack, err, "the port cannot be bound");
}

/* --- create --- */

static struct kims_gtpu_ep *kims_gtpu_ep_alloc(struct kims_net *kn,
					       const struct kims_gtpu_ep_conf *conf)
{
	struct kims_gtpu_ep *ep = kzalloc(sizeof(*ep), GFP_KERNEL_ACCOUNT);
	int cpu;

	if (!ep)
		return NULL;
	ep->stats = alloc_percpu_gfp(struct kims_gtpu_ep_stats, GFP_KERNEL_ACCOUNT);
	if (!ep->stats) {
		kfree(ep);
		return NULL;
	}
	for_each_possible_cpu(cpu)
		u64_stats_init(&per_cpu_ptr(ep->stats, cpu)->syncp);
	ep->local.key.local = conf->local;
	ep->local.key.kind = KIMS_FLOW_GTPU;
	ep->kn = kn;
	ep->udp_csum = conf->udp_csum;
	ep->entropy = conf->entropy;
	ep->fragment_outer = conf->fragment_outer;
	ep->stack = conf->stack;
	ep->mss_clamp = conf->mss_clamp;
	return ep;
}

static void kims_gtpu_ep_free_rcu(struct rcu_head *rcu)
{
	struct kims_gtpu_ep *ep = container_of(rcu, struct kims_gtpu_ep, rcu);

	free_percpu(ep->stats);
	kfree(ep);
}

/* The device's notifier finds the endpoint by its number, so both are set in one RTNL section. */
static int kims_gtpu_ep_attach(struct kims_gtpu_ep *ep, const struct kims_gtpu_ep_conf *conf,
			       struct netlink_ext_ack *extack)
{
	struct kims_gtpu_net *gn = ep->kn->gtpu;
	struct net_device *dev;
	int err;

	rtnl_lock();
	dev = kims_dev_find(ep->kn->net, conf->ifindex);
	if (!dev) {
		err = KIMS_REFUSE_ATTR(extack, -ENODEV, conf->dev_attr,
				       "device is not the index of a kims device here");
		goto out;
	}
	if (conf->id) {
		ep->id = conf->id;
		err = xa_insert(&gn->eps, ep->id, ep, GFP_KERNEL_ACCOUNT);
	} else {
		err = xa_alloc_cyclic(&gn->eps, &ep->id, ep, XA_LIMIT(1, KIMS_GTPU_EP_MAX),
				      &gn->next_ep, GFP_KERNEL_ACCOUNT);
	}
	if (err < 0)
		KIMS_REFUSE(extack, err, "no number for the endpoint");
	else
		rcu_assign_pointer(ep->dev, dev);
	err = min(err, 0);
out:
	rtnl_unlock();
	return err;
}

static void kims_gtpu_ep_detach(struct kims_gtpu_ep *ep)
{
	rtnl_lock();
	xa_erase(&ep->kn->gtpu->eps, ep->id);
	RCU_INIT_POINTER(ep->dev, NULL);
	rtnl_unlock();
}

static int kims_gtpu_ep_link(struct kims_gtpu_ep *ep, struct netlink_ext_ack *extack)
{
	int err = kims_local_add(ep->kn, &ep->local);

	if (err == -EEXIST)
		return KIMS_REFUSE(extack, err,
				   "a flow or endpoint has this local address and port");
	return err ? KIMS_REFUSE(extack, err, "endpoint cannot be put into the flow table") : 0;
}

int kims_gtpu_ep_create(struct kims_net *kn, const struct kims_gtpu_ep_conf *conf,
			struct kims_gtpu_ep **ret, struct netlink_ext_ack *extack)
{
	struct kims_gtpu_ep *ep;
	int err;

	lockdep_assert_held(&kn->lock);
	if (conf->id && kims_gtpu_ep_find(kn, conf->id))
		return KIMS_REFUSE(extack, -EEXIST, "there is an endpoint of this id");
	ep = kims_gtpu_ep_alloc(kn, conf);
	if (!ep)
		return -ENOMEM;
	err = kims_gtpu_ep_listen(ep, extack);
	if (err)
		goto err_free;
	err = kims_gtpu_ep_attach(ep, conf, extack);
	if (err)
		goto err_sock;
	err = kims_gtpu_ep_link(ep, extack);
	if (err)
		goto err_detach;
	WRITE_ONCE(kn->gtpu->n_eps, kn->gtpu->n_eps + 1);
	kims_net_hold(kn);
	*ret = ep;
	return 0;

err_detach:
	kims_gtpu_ep_detach(ep);
err_sock:
	sock_release(ep->sock);
err_free:
	call_rcu(&ep->rcu, kims_gtpu_ep_free_rcu);
	return err;
}

/* --- counters --- */

static void kims_gtpu_ep_totals_cpu(const struct kims_gtpu_ep_stats *s,
				    struct kims_gtpu_ep_totals *ret)
{
	struct kims_gtpu_ep_totals t;
	unsigned int start, i;

	do {
		start = u64_stats_fetch_begin(&s->syncp);
		t.received = u64_stats_read(&s->received);
		t.forwarded = u64_stats_read(&s->forwarded);
		t.signalling = u64_stats_read(&s->signalling);
		t.sent = u64_stats_read(&s->sent);
		for (i = 0; i < ARRAY_SIZE(t.drops); i++)
			t.drops[i] = u64_stats_read(&s->drops[i]);
	} while (u64_stats_fetch_retry(&s->syncp, start));
	ret->received += t.received;
	ret->forwarded += t.forwarded;
	ret->signalling += t.signalling;
	ret->sent += t.sent;
	for (i = 0; i < ARRAY_SIZE(t.drops); i++)
		ret->drops[i] += t.drops[i];
}

void kims_gtpu_ep_add_totals(const struct kims_gtpu_ep *ep, struct kims_gtpu_ep_totals *t)
{
	int cpu;

	for_each_possible_cpu(cpu)
		kims_gtpu_ep_totals_cpu(per_cpu_ptr(ep->stats, cpu), t);
}

/* --- delete --- */

int kims_gtpu_ep_delete(struct kims_gtpu_ep *ep, struct netlink_ext_ack *extack)
{
	struct kims_net *kn = ep->kn;

	lockdep_assert_held(&kn->lock);
	if (ep->tunnels)
		return KIMS_REFUSE(extack, -EBUSY, "sessions use the endpoint");
	kims_local_del(kn, &ep->local);
	kims_gtpu_ep_detach(ep);
	sock_release(ep->sock);
	ep->sock = NULL;
	synchronize_rcu(); /* now the counters are final */
	kims_gtpu_ep_add_totals(ep, &kn->gtpu->gone);
	WRITE_ONCE(kn->gtpu->n_eps, kn->gtpu->n_eps - 1);
	kims_net_release(kn);
	return 0;
}

void kims_gtpu_ep_free(struct kims_gtpu_ep *ep)
{
	call_rcu(&ep->rcu, kims_gtpu_ep_free_rcu);
}

void kims_gtpu_eps_exit(struct kims_net *kn)
{
	struct kims_gtpu_ep *ep;
	unsigned long id;

	xa_for_each(&kn->gtpu->eps, id, ep) {
		if (WARN_ON_ONCE(kims_gtpu_ep_delete(ep, NULL)))
			continue;
		kims_gtpu_ep_free(ep);
	}
	xa_destroy(&kn->gtpu->eps);
}
