// SPDX-License-Identifier: GPL-2.0
/*
 * SA sets: the four security associations of a registration (TS 33.203 7.1), bound to a
 * subscriber. A set is found by each of its inbound SPIs and by the address of its UE.
 *
 * A UE may have several sets at a time (7.4: old, established and temporary ones during
 * re-registration). Their inbound SPIs differ, the P-CSCF having chosen them; the rest need not.
 */
#include <linux/slab.h>
#include "genl.h"
#include "gm/gm.h"

/* --- find --- */

struct kims_sa_set *kims_sa_set_find_spi(const struct kims_net *kn, const struct kims_addr *local,
					 __be32 spi)
{
	const struct kims_table *t = &kn->gm->in;
	struct kims_buckets *b;
	struct kims_node *node;
	struct kims_sa_in *in;

	kims_table_for_each(t, b, node, kims_sa_in_hash(t, spi)) {
		in = container_of(node, struct kims_sa_in, node);
		if (in->spi == spi && kims_addr_equal(&in->set->conf.local, local))
			return in->set;
	}
	return NULL;
}

struct kims_sa_set *kims_sa_set_find_out(const struct kims_net *kn, const struct kims_addr *ue,
					 __be32 spi, enum kims_sa *ret_sa)
{
	const struct kims_table *t = &kn->gm->ues;
	struct kims_sa_set *set;
	struct kims_buckets *b;
	struct kims_node *node;

	kims_table_for_each(t, b, node, kims_table_hash(t, ue, 0)) {
		set = container_of(node, struct kims_sa_set, by_ue);
		if (!kims_addr_equal(&set->conf.ue, ue))
			continue;
		*ret_sa = set->conf.spi[KIMS_SA_UC] == spi ? KIMS_SA_UC : KIMS_SA_US;
		if (set->conf.spi[*ret_sa] == spi)
			return set;
	}
	return NULL;
}

static bool kims_sa_set_is_tuple(const struct kims_sa_conf *c, const struct kims_gm_packet *p)
{
	return kims_addr_equal(&c->local, &p->daddr) &&
	       ((p->sport == c->port[KIMS_SA_UC] && p->dport == c->port[KIMS_SA_PS]) ||
		(p->sport == c->port[KIMS_SA_US] && p->dport == c->port[KIMS_SA_PC]));
}

struct kims_sa_set *kims_sa_set_find_owner(const struct kims_net *kn,
					   const struct kims_gm_packet *p, bool *ret_exact)
{
	const struct kims_table *t = &kn->gm->ues;
	struct kims_sa_set *set, *found = NULL;
	struct kims_buckets *b;
	struct kims_node *node;

	*ret_exact = false;
	kims_table_for_each(t, b, node, kims_table_hash(t, &p->saddr, 0)) {
		set = container_of(node, struct kims_sa_set, by_ue);
		if (!kims_addr_equal(&set->conf.ue, &p->saddr))
			continue;
		found = set;
		*ret_exact = kims_sa_set_is_tuple(&set->conf, p);
		if (*ret_exact)
			break;
	}
	return found;
}

struct kims_sa_set *kims_sa_set_find(const struct kims_net *kn, u32 id)
{
	lockdep_assert_held(&kn->lock);
	return xa_load(&kn->gm->sets, id);
}

u32 kims_sa_set_count(const struct kims_net *kn)
{
	return READ_ONCE(kn->gm->n_sets);
}

/* --- create, replace, delete --- */

static void kims_sa_in_init(const struct kims_net *kn, struct kims_sa_set *set, enum kims_sa sa)
{
	/* Who sends to port_ps does so from port_uc, to port_pc from port_us. */
	enum kims_sa peer = sa == KIMS_SA_PS ? KIMS_SA_UC : KIMS_SA_US;
	const struct kims_sa_conf *c = &set->conf;
	struct kims_sa_in *in = kims_sa_in(set, sa);

	in->set = set;
	in->spi = c->spi[sa];
	in->reqid = c->reqid;
	in->reqid_mask = c->reqid ? ~0u : 0;
	in->session = c->session;
	in->ports = kims_gm_ports(c->port[peer], c->port[sa]);
	if (c->ue.family == AF_INET)
		in->addrs = kims_gm_addrs(c->ue.v4, c->local.v4);
	RCU_INIT_POINTER(in->port, kims_gm_port_find(kn, &c->local, c->port[sa]));
}

static struct kims_sa_set *kims_sa_set_alloc(const struct kims_net *kn,
					     const struct kims_sa_conf *conf)
{
	struct kims_sa_set *set = kzalloc(sizeof(*set), GFP_KERNEL_ACCOUNT);

	if (!set)
		return NULL;
	set->conf = *conf;
	kims_sa_in_init(kn, set, KIMS_SA_PC);
	kims_sa_in_init(kn, set, KIMS_SA_PS);
	return set;
}

void kims_sa_set_bind_port(struct kims_net *kn, struct kims_gm_port *port, bool on)
{
	struct kims_sa_set *set;
	unsigned long id;
	enum kims_sa sa;

	lockdep_assert_held(&kn->lock);
	xa_for_each(&kn->gm->sets, id, set)
		for (sa = KIMS_SA_PC; sa <= KIMS_SA_PS; sa++)
			if (set->conf.port[sa] == port->local.port &&
			    kims_addr_equal(&set->conf.local, &port->local.addr))
				rcu_assign_pointer(kims_sa_in(set, sa)->port, on ? port : NULL);
}

/* Another set that has one of the inbound SPIs. */
static struct kims_sa_set *kims_sa_set_clash(const struct kims_net *kn,
					     const struct kims_sa_conf *conf,
					     const struct kims_sa_set *except)
{
	struct kims_sa_set *set;
	enum kims_sa sa;

	for (sa = KIMS_SA_PC; sa <= KIMS_SA_PS; sa++) {
		set = kims_sa_set_find_spi(kn, &conf->local, conf->spi[sa]);
		if (set && set != except)
			return set;
	}
	return NULL;
}

static int kims_sa_set_link_in(struct kims_net *kn, struct kims_sa_set *set, enum kims_sa sa)
{
	struct kims_table *t = &kn->gm->in;

	return kims_table_add(t, &kims_sa_in(set, sa)->node,
			      kims_sa_in_hash(t, set->conf.spi[sa]), &kn->lock);
}

static void kims_sa_set_unlink_in(struct kims_net *kn, struct kims_sa_set *set, enum kims_sa sa)
{
	kims_table_del(&kn->gm->in, &kims_sa_in(set, sa)->node, &kn->lock);
}

/* From here packets find it. */
static int kims_sa_set_link(struct kims_net *kn, struct kims_sa_set *set)
{
	struct kims_table *ues = &kn->gm->ues;
	int err;

	err = kims_sa_set_link_in(kn, set, KIMS_SA_PC);
	if (err)
		return err;
	err = kims_sa_set_link_in(kn, set, KIMS_SA_PS);
	if (err)
		goto err_pc;
	err = kims_table_add(ues, &set->by_ue, kims_table_hash(ues, &set->conf.ue, 0), &kn->lock);
	if (err)
		goto err_ps;
	return 0;

err_ps:
	kims_sa_set_unlink_in(kn, set, KIMS_SA_PS);
err_pc:
	kims_sa_set_unlink_in(kn, set, KIMS_SA_PC);
	return err;
}

static void kims_sa_set_unlink(struct kims_net *kn, struct kims_sa_set *set)
{
	kims_table_del(&kn->gm->ues, &set->by_ue, &kn->lock);
	kims_sa_set_unlink_in(kn, set, KIMS_SA_PS);
	kims_sa_set_unlink_in(kn, set, KIMS_SA_PC);
}

static int kims_sa_set_number(struct kims_gm_net *gn, struct kims_sa_set *set, u32 id)
{
	int err;

	if (id) {
		set->id = id;
		return xa_insert(&gn->sets, id, set, GFP_KERNEL_ACCOUNT);
	}
	err = xa_alloc_cyclic(&gn->sets, &set->id, set, XA_LIMIT(1, KIMS_SA_SET_ID_MAX),
			      &gn->next_id, GFP_KERNEL_ACCOUNT);
	return min(err, 0);
}

int kims_sa_set_create(struct kims_net *kn, u32 id, const struct kims_sa_conf *conf,
		       struct kims_sa_set **ret, struct netlink_ext_ack *extack)
{
	struct kims_sa_set *set;
	int err;

	lockdep_assert_held(&kn->lock);
	if (kims_sa_set_clash(kn, conf, NULL))
		return KIMS_REFUSE(extack, -EEXIST, "another set has spi-pc or spi-ps");
	set = kims_sa_set_alloc(kn, conf);
	if (!set)
		return -ENOMEM;
	err = kims_sa_set_number(kn->gm, set, id);
	if (err) {
		KIMS_REFUSE(extack, err, "no number for the set");
		goto err_free;
	}
	err = kims_sa_set_link(kn, set);
	if (err)
		goto err_number;
	kn->gm->n_sets++;
	kims_net_hold(kn);
	*ret = set;
	return 0;

err_number:
	xa_erase(&kn->gm->sets, set->id);
err_free:
	kims_sa_set_free(set);
	return err;
}

/* From here it counts nothing more. */
static void kims_sa_set_kill(struct kims_sa_set *set)
{
	enum kims_sa sa;

	local_bh_disable();
	for (sa = 0; sa < KIMS_N_SA; sa++) {
		kims_sa_lock(kims_sa_passed(set, sa));
		kims_sa_passed(set, sa)->state |= BIT(KIMS_SA_DEAD);
		kims_sa_unlock(kims_sa_passed(set, sa));
	}
	local_bh_enable();
}

/*
 * The new set is in the tables before the old one leaves, and before it in each chain (nodes are
 * added at the head), so that a packet finds one of them. The counters move when the old one has
 * stopped counting; what the new one counted before that is added.
 */
static void kims_sa_set_inherit(struct kims_sa_set *set, struct kims_sa_set *old)
{
	struct kims_sa_passed *n;
	unsigned int i;

	kims_sa_set_kill(old);
	local_bh_disable();
	for (i = 0; i < KIMS_N_SA; i++) {
		n = kims_sa_passed(set, i);
		kims_sa_lock(n);
		n->packets += kims_sa_passed(old, i)->packets;
		n->octets += kims_sa_passed(old, i)->octets;
		kims_sa_unlock(n);
	}
	kims_sa_lock(&set->in[0].passed);
	for (i = 0; i < __KIMS_DROP_MAX; i++)
		set->drops[i] += old->drops[i];
	kims_sa_unlock(&set->in[0].passed);
	local_bh_enable();
}

int kims_sa_set_replace(struct kims_net *kn, struct kims_sa_set *old,
			const struct kims_sa_conf *conf, struct kims_sa_set **ret,
			struct netlink_ext_ack *extack)
{
	struct kims_sa_set *set;
	int err;

	lockdep_assert_held(&kn->lock);
	if (kims_sa_set_clash(kn, conf, old))
		return KIMS_REFUSE(extack, -EEXIST, "another set has spi-pc or spi-ps");
	set = kims_sa_set_alloc(kn, conf);
	if (!set)
		return -ENOMEM;
	set->id = old->id;
	err = kims_sa_set_link(kn, set);
	if (err) {
		kims_sa_set_free(set);
		return err;
	}
	kims_sa_set_unlink(kn, old);
	kims_sa_set_inherit(set, old);
	xa_store(&kn->gm->sets, set->id, set, GFP_KERNEL_ACCOUNT); /* over old: needs no memory */
	kn->seq++;
	kims_sa_set_free(old);
	*ret = set;
	return 0;
}

void kims_sa_set_delete(struct kims_net *kn, struct kims_sa_set *set)
{
	lockdep_assert_held(&kn->lock);
	kims_sa_set_unlink(kn, set);
	kims_sa_set_kill(set);
	xa_erase(&kn->gm->sets, set->id);
	kn->gm->n_sets--;
	kims_net_release(kn);
}

void kims_sa_set_free(struct kims_sa_set *set)
{
	kfree_rcu(set, rcu);
}

/* --- counters --- */

void kims_sa_set_drop(struct kims_sa_set *set, int reason)
{
	struct kims_sa_passed *n = &set->in[0].passed;

	kims_sa_lock(n);
	if (!(n->state & BIT(KIMS_SA_DEAD)))
		set->drops[reason]++;
	kims_sa_unlock(n);
}

void kims_sa_set_counters(struct kims_sa_set *set, struct kims_sa_counters *ret)
{
	struct kims_sa_passed *n;
	unsigned int i;

	local_bh_disable();
	for (i = 0; i < KIMS_N_SA; i++) {
		n = kims_sa_passed(set, i);
		kims_sa_lock(n);
		ret->packets[i] = n->packets;
		ret->octets[i] = n->octets;
		kims_sa_unlock(n);
	}
	kims_sa_lock(&set->in[0].passed);
	memcpy(ret->drops, set->drops, sizeof(ret->drops));
	kims_sa_unlock(&set->in[0].passed);
	local_bh_enable();
}
