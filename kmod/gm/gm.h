/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Gm enforcement: a packet reaches a protected port of the P-CSCF only through the SA set that is
 * bound to its UE (TS 33.203 7.1, 7.2).
 *
 * XFRM decrypts and checks; its policies ("level required", per-set reqid, a blocking catch-all)
 * stay the base that fails closed. What this adds: ESP in transport mode does not authenticate
 * the IP header and an inbound SA is found by destination, protocol and SPI only, so that a
 * subscriber could send under its own SA with another's address; here the SA itself (sec_path)
 * says who sent the packet, and address and ports must be that UE's.
 */
#ifndef KIMS_GM_H
#define KIMS_GM_H

#include <linux/bitops.h>
#include <linux/ratelimit.h>
#include <linux/xarray.h>
#include "flow.h"

#define KIMS_SA_SET_ID_MAX 0x7fffffff

/* A protected port. Counters are per CPU: all of Gm goes through one or two of these. */
struct kims_gm_port_stats {
	u64_stats_t packets;
	u64_stats_t drops[__KIMS_DROP_MAX];
	struct u64_stats_sync syncp;
};

struct kims_gm_port {
	struct kims_node node; /* by address and port */
	struct kims_end local;
	struct kims_gm_port_stats __percpu *stats;
	struct list_head list;
};

/* The SAs of a set by the port of the receiver, as TS 33.203 names their SPIs. */
enum kims_sa {
	KIMS_SA_UC, /* port_ps to port_uc */
	KIMS_SA_US, /* port_pc to port_us */
	KIMS_SA_PC, /* port_us to port_pc */
	KIMS_SA_PS, /* port_uc to port_ps */
	KIMS_N_SA,
};

struct kims_sa_conf {
	u64 ue_id;
	struct kims_addr ue, local;
	__be16 port[KIMS_N_SA]; /* port_uc, port_us, port_pc, port_ps */
	__be32 spi[KIMS_N_SA];
	u32 reqid; /* 0: any */
	u64 session; /* GTP-U, by which the UE's packets come; 0: any way */
	char label[KIMS_LABEL_MAX + 1];
};

struct kims_sa_counters {
	u64 packets[KIMS_N_SA];
	u64 octets[KIMS_N_SA];
	u64 drops[__KIMS_DROP_MAX];
};

/*
 * What an SA has let through. A bit lock, because it is inline, so that the check of a packet
 * calls nothing; the packets of an SA come on one CPU, so that nobody spins. Taken with BH off.
 */
struct kims_sa_passed {
	unsigned long state; /* bits, below */
	u64 packets, octets; /* by the lock */
};

#define KIMS_SA_LOCK 0
#define KIMS_SA_DEAD 1 /* by the lock; deleted or replaced: counts nothing more */

static inline void kims_sa_lock(struct kims_sa_passed *n)
{
	preempt_disable_nested();
	while (unlikely(test_and_set_bit_lock(KIMS_SA_LOCK, &n->state)))
		cpu_relax();
	__acquire(&n->state);
}

static inline void kims_sa_unlock(struct kims_sa_passed *n)
{
	__release(&n->state);
	__clear_bit_unlock(KIMS_SA_LOCK, &n->state);
	preempt_enable_nested();
}

/* False: the set is gone. BH is off. */
static __always_inline bool kims_sa_pass(struct kims_sa_passed *n, unsigned int packets,
					 unsigned int octets)
{
	bool alive;

	kims_sa_lock(n);
	alive = !(n->state & BIT(KIMS_SA_DEAD));
	if (likely(alive)) {
		n->packets += packets;
		n->octets += octets;
	}
	kims_sa_unlock(n);
	return alive;
}

struct kims_sa_set;

/*
 * An inbound SA, found by local address and SPI; with what a packet under it must look like, so
 * that the check of the common packet reads nothing else.
 */
struct kims_sa_in {
	struct kims_node node;
	__be32 spi;
	u32 ports; /* kims_gm_ports() of the packet */
	u64 addrs; /* kims_gm_addrs() of the packet; 0: IPv6 */
	u32 reqid, reqid_mask; /* 0: any */
	u64 session; /* 0: any way */
	struct kims_gm_port __rcu *port; /* NULL: not protected */
	struct kims_sa_passed passed;
	struct kims_sa_set *set;
};

/*
 * conf never changes once packets can find the set; a replace makes a new set that takes over the
 * counters of the old one.
 */
struct kims_sa_set {
	struct kims_sa_in in[2];     /* KIMS_SA_PC, KIMS_SA_PS */
	struct kims_node by_ue;	     /* by address of the UE */
	struct kims_sa_passed out[2]; /* KIMS_SA_UC, KIMS_SA_US */
	u64 drops[__KIMS_DROP_MAX];   /* by the lock of KIMS_SA_PC */
	struct kims_sa_conf conf;
	u32 id;
	struct rcu_head rcu;
};

/* By SPI alone: the P-CSCF chooses them at random. A multiplication as in kims_table_hash4(). */
static inline u32 kims_sa_in_hash(const struct kims_table *t, __be32 spi)
{
	return (__force u32)spi * t->factor >> 32;
}

/* Both ports as one word, which is how they lie in the packet. */
static inline u32 kims_gm_ports(__be16 sport, __be16 dport)
{
	const __be16 ports[2] = { sport, dport };
	u32 word;

	memcpy(&word, ports, sizeof(word));
	return word;
}

static inline u64 kims_gm_addrs(__be32 saddr, __be32 daddr)
{
	const __be32 addrs[2] = { saddr, daddr };
	u64 word;

	memcpy(&word, addrs, sizeof(word));
	return word;
}

static inline struct kims_sa_in *kims_sa_in(struct kims_sa_set *set, enum kims_sa sa)
{
	return &set->in[sa - KIMS_SA_PC];
}

static inline struct kims_sa_passed *kims_sa_passed(struct kims_sa_set *set, enum kims_sa sa)
{
	return sa < KIMS_SA_PC ? &set->out[sa] : &kims_sa_in(set, sa)->passed;
}

struct kims_gm_net {
	struct kims_table in;
	struct kims_net *kn;
	u64 passed_before; /* by lock; packets of the ports that are gone */
	struct kims_table ports;
	struct kims_table ues;
	struct list_head port_list;
	struct xarray sets;
	u32 next_id;
	u32 n_ports, n_sets;
	struct nf_hook_ops ops[4];
	bool hooked; /* by lock */
	struct ratelimit_state limit[__KIMS_DROP_MAX];
	atomic_t suppressed[__KIMS_DROP_MAX];
};

/* What the check has read of a packet to or from a protected port. */
struct kims_gm_packet {
	struct kims_addr saddr, daddr;
	__be16 sport, dport;
	u8 protocol; /* IPPROTO_UDP, IPPROTO_TCP */
};

/* check.c */

int kims_gm_net_init(struct kims_net *kn);
void kims_gm_net_exit(struct kims_net *kn);
/* Puts the hooks in place, once. The caller holds the lock. */
int kims_gm_hook(struct kims_net *kn);

/* port.c; the caller holds the lock, or RCU for find */

struct kims_gm_port *kims_gm_port_find(const struct kims_net *kn, const struct kims_addr *addr,
				       __be16 port);
int kims_gm_port_add(struct kims_net *kn, const struct kims_end *local); /* -EEXIST */
/* Takes it off the packets and waits until it counts none any more; then free it. */
void kims_gm_port_del(struct kims_net *kn, struct kims_gm_port *port);
void kims_gm_port_free(struct kims_net *kn, struct kims_gm_port *port);
/* Packets that all ports, also former ones, have let through. Takes the lock. */
u64 kims_gm_passed(struct kims_net *kn);
u32 kims_gm_port_count(const struct kims_net *kn);
void kims_gm_port_drop(struct kims_gm_port *port, int reason);	/* BH is off */
/* Sums of all CPUs; drops has __KIMS_DROP_MAX entries. */
void kims_gm_port_totals(const struct kims_gm_port *port, u64 *ret_packets, u64 *ret_drops);

/* sa_set.c; the caller holds the lock, or RCU for find and count */

struct kims_sa_set *kims_sa_set_find_spi(const struct kims_net *kn, const struct kims_addr *local,
					 __be32 spi);
/* The UE's set that sends under this SPI. */
struct kims_sa_set *kims_sa_set_find_out(const struct kims_net *kn, const struct kims_addr *ue,
					 __be32 spi, enum kims_sa *ret_sa);
/* The set that the source of the packet belongs to: by address and ports (exact) or by address. */
struct kims_sa_set *kims_sa_set_find_owner(const struct kims_net *kn,
					   const struct kims_gm_packet *p, bool *ret_exact);
struct kims_sa_set *kims_sa_set_find(const struct kims_net *kn, u32 id);
/* Tells every set that this port is protected now, or (off) is not any more. */
void kims_sa_set_bind_port(struct kims_net *kn, struct kims_gm_port *port, bool on);
/* id 0: chosen. */
int kims_sa_set_create(struct kims_net *kn, u32 id, const struct kims_sa_conf *conf,
		       struct kims_sa_set **ret, struct netlink_ext_ack *extack);
int kims_sa_set_replace(struct kims_net *kn, struct kims_sa_set *old,
			const struct kims_sa_conf *conf, struct kims_sa_set **ret,
			struct netlink_ext_ack *extack);
/* Takes it off the packets; the caller frees it with kims_sa_set_free(). */
void kims_sa_set_delete(struct kims_net *kn, struct kims_sa_set *set);
void kims_sa_set_free(struct kims_sa_set *set);
u32 kims_sa_set_count(const struct kims_net *kn);
void kims_sa_set_drop(struct kims_sa_set *set, int reason);
void kims_sa_set_counters(struct kims_sa_set *set, struct kims_sa_counters *ret);

/* BH is off. */
static inline void kims_gm_port_passed(struct kims_gm_port *gp)
{
	struct kims_gm_port_stats *s = this_cpu_ptr(gp->stats);

	u64_stats_update_begin(&s->syncp);
	u64_stats_inc(&s->packets);
	u64_stats_update_end(&s->syncp);
}

/* violation.c; from the packet path */

void kims_gm_violation(struct kims_net *kn, const struct sk_buff *packet,
		       const struct kims_gm_packet *p, int reason, __be32 spi,
		       const struct kims_sa_set *set);

/* netlink.c */

#endif /* KIMS_GM_H */
