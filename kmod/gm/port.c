// SPDX-License-Identifier: GPL-2.0
/*
 * Protected ports of the P-CSCF (port_ps and port_pc of TS 33.203 7.1).
 *
 * A port also holds its address in the flow cache, which puts fragments to it together before the
 * check: IPv6 would else do so behind it.
 */
#include <linux/slab.h>
#include "gm/gm.h"

static u32 kims_gm_port_hash(const struct kims_table *t, const struct kims_addr *addr, __be16 port)
{
	return kims_table_hash(t, addr, (__force u32)port);
}

struct kims_gm_port *kims_gm_port_find(const struct kims_net *kn, const struct kims_addr *addr,
				       __be16 port)
{
	const struct kims_table *t = &kn->gm->ports;
	struct kims_gm_port *gp;
	struct kims_buckets *b;
	struct kims_node *node;

	kims_table_for_each(t, b, node, kims_gm_port_hash(t, addr, port)) {
		gp = container_of(node, struct kims_gm_port, node);
		if (gp->local.port == port && kims_addr_equal(&gp->local.addr, addr))
			return gp;
	}
	return NULL;
}

static struct kims_gm_port *kims_gm_port_new(const struct kims_end *local)
{
	struct kims_gm_port *gp = kzalloc(sizeof(*gp), GFP_KERNEL_ACCOUNT);
	int cpu;

	if (!gp)
		return NULL;
	gp->local = *local;
	gp->stats = alloc_percpu_gfp(struct kims_gm_port_stats, GFP_KERNEL_ACCOUNT);
	if (!gp->stats) {
		kfree(gp);
		return NULL;
	}
	for_each_possible_cpu(cpu)
		u64_stats_init(&per_cpu_ptr(gp->stats, cpu)->syncp);
	return gp;
}

int kims_gm_port_add(struct kims_net *kn, const struct kims_end *local)
{
	struct kims_table *t = &kn->gm->ports;
	struct kims_gm_port *gp;
	int err;

	lockdep_assert_held(&kn->lock);
	if (kims_gm_port_find(kn, &local->addr, local->port))
		return -EEXIST;
	gp = kims_gm_port_new(local);
	if (!gp)
		return -ENOMEM;
	err = kims_gm_hook(kn) ?: kims_flow_addr_hold(kn, &local->addr);
	if (err)
		goto err_free;
	err = kims_table_add(t, &gp->node, kims_gm_port_hash(t, &local->addr, local->port),
			     &kn->lock);
	if (err)
		goto err_addr;
	list_add_tail(&gp->list, &kn->gm->port_list);
	kims_sa_set_bind_port(kn, gp, true);
	kn->gm->n_ports++;
	kims_net_hold(kn);
	return 0;

err_addr:
	kims_flow_addr_release(kn, &local->addr);
err_free:
	free_percpu(gp->stats);
	kfree(gp);
	return err;
}

void kims_gm_port_del(struct kims_net *kn, struct kims_gm_port *gp)
{
	lockdep_assert_held(&kn->lock);
	kims_table_del(&kn->gm->ports, &gp->node, &kn->lock);
	list_del(&gp->list);
	kims_sa_set_bind_port(kn, gp, false);
	kims_flow_addr_release(kn, &gp->local.addr);
	kn->gm->n_ports--;
	/* Ports go when a P-CSCF stops: waiting is simpler than counters that are final later. */
	synchronize_rcu();
}

void kims_gm_port_free(struct kims_net *kn, struct kims_gm_port *gp)
{
	u64 packets, drops[__KIMS_DROP_MAX];

	kims_gm_port_totals(gp, &packets, drops);
	kn->gm->passed_before += packets;
	kims_net_release(kn);
	free_percpu(gp->stats);
	kfree(gp);
}

u64 kims_gm_passed(struct kims_net *kn)
{
	u64 sum, packets, drops[__KIMS_DROP_MAX];
	struct kims_gm_port *gp;

	mutex_lock(&kn->lock);
	sum = kn->gm->passed_before;
	list_for_each_entry(gp, &kn->gm->port_list, list) {
		kims_gm_port_totals(gp, &packets, drops);
		sum += packets;
	}
	mutex_unlock(&kn->lock);
	return sum;
}

u32 kims_gm_port_count(const struct kims_net *kn)
{
	return READ_ONCE(kn->gm->n_ports);
}

void kims_gm_port_drop(struct kims_gm_port *gp, int reason)
{
	struct kims_gm_port_stats *s = this_cpu_ptr(gp->stats);

	u64_stats_update_begin(&s->syncp);
	u64_stats_inc(&s->drops[reason]);
	u64_stats_update_end(&s->syncp);
}

void kims_gm_port_totals(const struct kims_gm_port *gp, u64 *ret_packets, u64 *ret_drops)
{
	const struct kims_gm_port_stats *s;
	u64 packets, drops[__KIMS_DROP_MAX];
	unsigned int start, i;
	int cpu;

	*ret_packets = 0;
	memset(ret_drops, 0, sizeof(drops));
	for_each_possible_cpu(cpu) {
		s = per_cpu_ptr(gp->stats, cpu);
		do {
			start = u64_stats_fetch_begin(&s->syncp);
			packets = u64_stats_read(&s->packets);
			for (i = 0; i < ARRAY_SIZE(drops); i++)
				drops[i] = u64_stats_read(&s->drops[i]);
		} while (u64_stats_fetch_retry(&s->syncp, start));
		*ret_packets += packets;
		for (i = 0; i < ARRAY_SIZE(drops); i++)
			ret_drops[i] += drops[i];
	}
}
