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

static u32 kims_sa_in_hash(const struct kims_table *t, const struct kims_addr *local, __be32 spi)
{
	return kims_table_hash(t, local, (__force u32)spi);
}

/* --- find --- */

struct kims_sa_set *kims_sa_set_find_spi(const struct kims_net *kn, const struct kims_addr *local,
					 __be32 spi)
{
	const struct kims_table *t = &kn->gm->in;
	struct kims_buckets *b;
	struct kims_node *node;
	struct kims_sa_in *in;
	enum kims_sa sa;

	kims_table_for_each(t, b, node, kims_sa_in_hash(t, local, spi)) {
		in = container_of(node, struct kims_sa_in, node);
		sa = in == kims_sa_in(in->set, KIMS_SA_PC) ? KIMS_SA_PC : KIMS_SA_PS;
		if (in->set->conf.spi[sa] == spi && kims_addr_equal(&in->set->conf.local, local))
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

static struct kims_sa_set *kims_sa_set_alloc(const struct kims_sa_conf *conf)
{
	struct kims_sa_set *set = kzalloc(sizeof(*set), GFP_KERNEL_ACCOUNT);

	if (!set)
		return NULL;
	spin_lock_init(&set->lock);
	set->conf = *conf;
	set->in[0].set = set;
	set->in[1].set = set;
	return set;
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
			      kims_sa_in_hash(t, &set->conf.local, set->conf.spi[sa]), &kn->lock);
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
	set = kims_sa_set_alloc(conf);
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

/*
 * The new set is in the tables before the old one leaves, and before it in each chain (nodes are
 * added at the head), so that a packet finds one of them. The counters move when the old one has
 * stopped counting; what the new one counted before that is added.
 */
static void kims_sa_set_inherit(struct kims_sa_set *set, struct kims_sa_set *old)
{
	unsigned int i;

	spin_lock_bh(&old->lock);
	old->dead = true;
	spin_unlock_bh(&old->lock);
	spin_lock_bh(&set->lock);
	for (i = 0; i < KIMS_N_SA; i++) {
		set->count.packets[i] += old->count.packets[i];
		set->count.octets[i] += old->count.octets[i];
	}
	for (i = 0; i < __KIMS_DROP_MAX; i++)
		set->count.drops[i] += old->count.drops[i];
	spin_unlock_bh(&set->lock);
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
	set = kims_sa_set_alloc(conf);
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
	spin_lock_bh(&set->lock);
	set->dead = true;
	spin_unlock_bh(&set->lock);
	xa_erase(&kn->gm->sets, set->id);
	kn->gm->n_sets--;
	kims_net_release(kn);
}

void kims_sa_set_free(struct kims_sa_set *set)
{
	kfree_rcu(set, rcu);
}

/* --- counters --- */

bool kims_sa_set_passed(struct kims_sa_set *set, enum kims_sa sa, unsigned int packets,
			unsigned int octets)
{
	bool alive;

	spin_lock(&set->lock);
	alive = !set->dead;
	if (alive) {
		set->count.packets[sa] += packets;
		set->count.octets[sa] += octets;
	}
	spin_unlock(&set->lock);
	return alive;
}

void kims_sa_set_drop(struct kims_sa_set *set, int reason)
{
	spin_lock(&set->lock);
	if (!set->dead)
		set->count.drops[reason]++;
	spin_unlock(&set->lock);
}
