// SPDX-License-Identifier: GPL-2.0
/*
 * kims.ko: the user plane of an IMS core in the kernel.
 *
 * The parts: flow.c (flow cache, PRE_ROUTING), output.c (the way out), rtp/ (media flows), gm/
 * (protected ports and SA sets, LOCAL_IN), gtpu/ (endpoints and sessions), genl.c (netlink). rtp,
 * gm and gtpu know nothing of each other; they meet here, in flow.c and in genl.c.
 *
 * While any namespace has objects the module cannot be unloaded: each such namespace holds a
 * reference. Which ones can be read from /sys/module/kims/parameters/in_use.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/module.h>
#include <net/netns/generic.h>
#include "flow.h"
#include "genl.h"
#include "gm/gm.h"
#include "gtpu/gtpu.h"
#include "ingress.h"
#include "rtp/rtp.h"

static unsigned int kims_net_id __read_mostly;

struct kims_net *kims_net(const struct net *net)
{
	return net_generic(net, kims_net_id);
}

void kims_net_hold(struct kims_net *kn)
{
	lockdep_assert_held(&kn->lock);
	kn->seq++;
	if (kn->objects++)
		return;
	/* A request holds the module while it is served, so there is one to take. */
	__module_get(THIS_MODULE);
	pr_info("namespace %u has objects: no unloading before they are deleted\n",
		kn->net->ns.inum);
}

void kims_net_release(struct kims_net *kn)
{
	lockdep_assert_held(&kn->lock);
	kn->seq++;
	if (--kn->objects)
		return;
	pr_info("namespace %u has no objects any more\n", kn->net->ns.inum);
	module_put(THIS_MODULE);
}

/* --- counters --- */

void kims_net_drop(struct kims_net *kn, enum kims_drop_reason reason)
{
	struct kims_net_stats *s = this_cpu_ptr(kn->stats);

	u64_stats_update_begin(&s->syncp);
	u64_stats_inc(&s->drops[reason]);
	u64_stats_update_end(&s->syncp);
}

static void kims_net_totals_cpu(const struct kims_net_stats *s, struct kims_net_totals *ret)
{
	struct kims_net_totals t;
	unsigned int start, i;

	do {
		start = u64_stats_fetch_begin(&s->syncp);
		t.rtp_packets = u64_stats_read(&s->rtp_packets);
		t.downlink_received = u64_stats_read(&s->downlink_received);
		t.access_received = u64_stats_read(&s->access_received);
		for (i = 0; i < ARRAY_SIZE(t.drops); i++)
			t.drops[i] = u64_stats_read(&s->drops[i]);
	} while (u64_stats_fetch_retry(&s->syncp, start));
	ret->rtp_packets += t.rtp_packets;
	ret->downlink_received += t.downlink_received;
	ret->access_received += t.access_received;
	for (i = 0; i < ARRAY_SIZE(t.drops); i++)
		ret->drops[i] += t.drops[i];
}

void kims_net_totals(const struct kims_net *kn, struct kims_net_totals *ret)
{
	int cpu;

	memset(ret, 0, sizeof(*ret));
	for_each_possible_cpu(cpu)
		kims_net_totals_cpu(per_cpu_ptr(kn->stats, cpu), ret);
}

/* --- namespaces --- */

static int kims_net_stats_init(struct kims_net *kn)
{
	int cpu;

	kn->stats = alloc_percpu(struct kims_net_stats);
	if (!kn->stats)
		return -ENOMEM;
	for_each_possible_cpu(cpu)
		u64_stats_init(&per_cpu_ptr(kn->stats, cpu)->syncp);
	return 0;
}

static int __net_init kims_net_init(struct net *net)
{
	struct kims_net *kn = kims_net(net);
	int err;

	kn->net = net;
	kn->direct = true;
	mutex_init(&kn->lock);
	INIT_LIST_HEAD(&kn->ingress);
	err = kims_net_stats_init(kn);
	if (err)
		return err;
	err = kims_gtpu_net_init(kn);
	if (err)
		goto err_stats;
	err = kims_flow_net_init(kn);
	if (err)
		goto err_gtpu;
	err = kims_rtp_net_init(kn);
	if (err)
		goto err_flow;
	err = kims_gm_net_init(kn);
	if (err)
		goto err_rtp;
	return 0;

err_rtp:
	kims_rtp_net_exit(kn);
err_flow:
	kims_flow_net_exit(kn);
err_gtpu:
	kims_gtpu_net_exit(kn);
err_stats:
	free_percpu(kn->stats);
	return err;
}

/* The last socket of the namespace is gone: nobody but packets uses the objects. */
static void __net_exit kims_net_exit(struct net *net)
{
	struct kims_net *kn = kims_net(net);

	kims_ingress_net_exit(kn);
	kims_gtpu_net_stop(kn);
	kims_gm_net_exit(kn);
	kims_rtp_net_exit(kn);
	kims_flow_net_exit(kn); /* no packet comes from here on */
	kims_gtpu_net_exit(kn);
	free_percpu(kn->stats);
}

static struct pernet_operations kims_net_ops = {
	.init = kims_net_init,
	.exit = kims_net_exit,
	.id = &kims_net_id,
	.size = sizeof(struct kims_net),
};

/* --- /sys/module/kims/parameters/in_use --- */

static int kims_in_use_get(char *buf, const struct kernel_param *kp)
{
	struct kims_net *kn;
	struct net *net;
	int n = 0;

	rcu_read_lock();
	for_each_net_rcu(net) {
		kn = kims_net(net);
		if (!kn || !READ_ONCE(kn->objects))
			continue;
		n += sysfs_emit_at(buf, n,
				   "namespace %u: %u rtp-flow, %u gm-port, %u sa-set, %u gtpu-ep, %u session\n",
				   net->ns.inum, kims_rtp_count(kn), kims_gm_port_count(kn),
				   kims_sa_set_count(kn), kims_gtpu_ep_number(kn),
				   kims_session_count(kn));
	}
	rcu_read_unlock();
	return n ?: sysfs_emit(buf, "no\n");
}

static const struct kernel_param_ops kims_in_use_ops = { .get = kims_in_use_get };
module_param_cb(in_use, &kims_in_use_ops, NULL, 0444);
MODULE_PARM_DESC(in_use, "Objects that keep the module from being unloaded (read only)");

/* --- module --- */

static int __init kims_init(void)
{
	int err;

	err = kims_gtpu_alloc_init();
	if (err)
		return err;
	err = register_pernet_subsys(&kims_net_ops);
	if (err)
		goto err_alloc;
	err = kims_ingress_init();
	if (err)
		goto err_pernet;
	err = kims_gtpu_link_init();
	if (err)
		goto err_ingress;
	err = kims_genl_init();
	if (err)
		goto err_link;
	return 0;

err_link:
	kims_gtpu_link_exit();
err_ingress:
	kims_ingress_exit();
err_pernet:
	unregister_pernet_subsys(&kims_net_ops);
	rcu_barrier();
err_alloc:
	kims_gtpu_alloc_exit();
	return err;
}

static void __exit kims_exit(void)
{
	kims_genl_exit();
	kims_gtpu_link_exit();
	kims_ingress_exit();
	unregister_pernet_subsys(&kims_net_ops);
	rcu_barrier(); /* objects whose grace period is still running */
	kims_gtpu_alloc_exit();
}

module_init(kims_init);
module_exit(kims_exit);

MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("IMS user plane: GTP-U, media relay and Gm enforcement");
MODULE_VERSION("0.1.0");
MODULE_ALIAS_NET_PF_PROTO_NAME(PF_NETLINK, NETLINK_GENERIC, "-family-" KIMS_FAMILY_NAME);
