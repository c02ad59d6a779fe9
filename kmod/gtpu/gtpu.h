/* SPDX-License-Identifier: GPL-2.0 */
/*
 * GTP-U (TS 29.281) under the rules of TS 29.244: endpoints, sessions, PDR, FAR, QER, URR, BAR.
 *
 * How a packet meets a session:
 *
 *   tunnel  a local F-TEID, found by endpoint and TEID: packets of PDRs that have one
 *   ue      a UE address (IPv6: its /64), found by destination: packets of PDRs that have no
 *           F-TEID, which is downlink from the core; by source, when the session has PDRs of the
 *           access side (access.c): uplink of a phone behind a link of this host
 *
 * From there struct kims_rules says all: its PDRs, by precedence. A struct kims_rules and what
 * hangs on it (PDR, FAR, filters) never changes; a change of any of it builds a new one and swaps
 * kims_session.rules, so that a packet sees the rules from before or from after a change and
 * never a mixture.
 *
 * What changes with packets (QER, URR, PDR counters, buffer) belongs to the session and is under
 * kims_session.lock, which each packet takes once: rules and meters change together. A packet
 * that finds under the lock that kims_session.rules is no longer what it was classified by
 * starts over. So counters are exact, quotas are kept to the packet, and what a delete returns is
 * final.
 *
 * Locks: kims_net.lock (mutex, control) > kims_session.lock (BH off). Nothing is transmitted and
 * no other session's lock is taken under a session's lock.
 *
 * Direction: uplink is what a PDR with source interface access matches, downlink all else.
 * Volumes are of the inner IP packet (TS 29.244 5.2.2.2).
 */
#ifndef KIMS_GTPU_H
#define KIMS_GTPU_H

#include <linux/hrtimer.h>
#include <linux/jump_label.h>
#include <linux/timer.h>
#include <linux/xarray.h>
#include "flow.h"

#define KIMS_GTPU_PORT 2152

struct kims_session;
struct kims_monitor;
struct kims_app_flows;

/* --- endpoint; ep.c --- */

struct kims_gtpu_ep_stats {
	u64_stats_t received;	/* GTP-U packets to this endpoint, whatever became of them */
	u64_stats_t forwarded;	/* of those, G-PDUs whose inner packet went on */
	u64_stats_t signalling; /* of those, everything that is no G-PDU and was taken */
	u64_stats_t sent;	/* G-PDUs made */
	u64_stats_t drops[__KIMS_DROP_MAX];
	struct u64_stats_sync syncp;
};

/* Sums of all CPUs. */
struct kims_gtpu_ep_totals {
	u64 received, forwarded, signalling, sent;
	u64 drops[__KIMS_DROP_MAX];
};

/* A local address and port where GTP-U arrives and leaves. Never changes but for dev. */
struct kims_gtpu_ep {
	struct kims_local local; /* in the flow table; kind KIMS_FLOW_GTPU */
	struct kims_net *kn;
	u32 id;
	bool udp_csum;	     /* IPv4: outer UDP checksum; IPv6: else zero by RFC 6935 */
	bool entropy;	     /* source port from the inner flow's hash, else 2152 */
	bool fragment_outer; /* may send outer fragments; else inner ones, or "too big" */
	bool stack;	     /* inner packets pass the stack (and its nftables) by dev */
	bool mss_clamp;
	struct net_device __rcu *dev; /* the kims device of inner packets; NULL: gone */
	struct socket *sock;	      /* keeps the port; takes what the hooks did not */
	struct kims_gtpu_ep_stats __percpu *stats;
	u32 tunnels; /* by kims_net.lock; sessions and FARs that use it */
	struct rcu_head rcu;
};

/* --- where a session is found --- */

struct kims_tunnel {
	struct kims_node node; /* kims_gtpu_net.tunnels, by endpoint and TEID */
	__be32 teid;
	struct kims_gtpu_ep *ep;
	struct kims_session *session;
	struct hlist_head fused; /* fused.c */
	u32 n_fused;		 /* by fused_lock */
	struct rcu_head rcu;
};

struct kims_ue {
	struct kims_node node; /* kims_gtpu_net.ues, by address */
	struct kims_addr addr; /* IPv6: prefix of 64 bits, the rest 0 */
	struct kims_session *session;
	struct rcu_head rcu;
};

/* --- rules; immutable --- */

/* A range of ports, host byte order; {0, 65535}: any. */
struct kims_ports {
	u16 low, high;
};

#define KIMS_FILTER_PORTS 8

/* TFT semantics: "ue" and "remote" are source and destination uplink, and the reverse downlink. */
struct kims_filter {
	u32 id;
	s16 protocol;		    /* -1: any */
	u8 family;		    /* AF_UNSPEC: any; of both addresses */
	u8 directions;		    /* BIT(uplink) | BIT(downlink), by enum kims_direction */
	u8 tos, tos_mask;	    /* Type of Service or Traffic Class */
	u8 n_ue_ports, n_remote_ports; /* 0: any port, and no port needed */
	struct in6_addr ue, ue_mask;	     /* IPv4 in the first word */
	struct in6_addr remote, remote_mask;
	u32 spi;	/* host byte order; 0: any */
	u32 flow_label; /* ~0: any */
	struct kims_ports ports[]; /* n_ue_ports, then n_remote_ports */
};

enum kims_direction {
	KIMS_UPLINK,
	KIMS_DOWNLINK,
	KIMS_N_DIRECTIONS,
};

#define KIMS_PDR_QERS 4
#define KIMS_PDR_URRS 8
#define KIMS_SESSION_PDRS 64 /* most rules of a kind in a session */

struct kims_far {
	u32 id;
	u32 action;	/* KIMS_APPLY_ACTION_* bits */
	u32 dst_interface; /* enum kims_interface */
	u32 ifindex;	/* to the core: leaves by this device or VRF; 0: by the route */
	bool encap;	/* outer header creation */
	s16 dscp;	/* transport level marking; -1: that of the inner packet */
	struct kims_gtpu_ep *ep; /* encap: from where */
	__be32 teid;		 /* encap: to which */
	struct kims_way way;	 /* encap: source and destination, cached path */
	struct kims_way dup;	 /* duplicate to (KIMS_APPLY_ACTION_DUPL); GTP-U with dup_teid */
	struct kims_gtpu_ep *dup_ep; /* from where; NULL: no duplication */
	__be32 dup_teid;
	struct kims_node by_peer; /* encap: kims_gtpu_net.fars, by peer address and TEID */
	struct kims_session *session;
};

/*
 * Outer headers of plain packets (fast.c), ready but for traffic class, lengths, hop limit and
 * checksum, of which sum is the part that stays.
 */
struct kims_template {
	u16 len;  /* of IPv4 and what follows, 0: not for the short way */
	u16 len6; /* the same of IPv6 */
	u32 sum;  /* IPv6: of the pseudo header of UDP */
	__be32 head[16];
};

struct kims_pdr {
	u32 id;
	u32 precedence; /* lower first */
	u8 source;	/* enum kims_interface */
	u8 direction;	/* enum kims_direction */
	s16 qfi;	/* -1: any */
	bool any_source; /* uplink: the inner source need not be the UE's address, only no other's */
	bool decap;	/* outer header removal; false: only a new outer header */
	bool plain;	/* asks for nothing but tunnel or UE address; its FAR only forwards */
	bool one;	/* one QER and one URR */
	bool to_core;	/* uplink, by route, nothing changed in it */
	u8 fail_open;	/* app_id: when userspace says nothing, the packet meets the next PDR */
	u8 n_filters, n_qers, n_urrs;
	s16 mark_qfi;	/* of the first QER that marks one; -1 */
	u16 queue;	/* app_id: NFQUEUE number */
	u32 app_id;	/* 0: none */
	u32 ifindex;	/* must have arrived by this device or VRF; 0: any */
	/* NULL: found by UE address as the destination; &kims_access: by that as the source */
	struct kims_tunnel *tunnel;
	struct kims_far *far;
	const struct kims_filter **filters; /* n_filters; 0: matches all */
	struct kims_pdr_count *count;
	struct kims_qer_limit *limit; /* one: of its QER and direction; under kims_session.lock only */
	struct kims_qer *qers[KIMS_PDR_QERS]; /* under kims_session.lock only */
	struct kims_urr *urrs[KIMS_PDR_URRS]; /* under kims_session.lock only */
	struct kims_template outer;
};

/* When all else of a PDR is there: whether and how it goes the short ways. */
void kims_fast_prepare(struct kims_pdr *pdr);

struct kims_rules {
	struct rcu_head rcu;
	u32 n_pdrs, n_fars;
	bool apps; /* some PDR has an app_id */
	bool access; /* some PDR is of the access side */
	struct kims_pdr *pdrs; /* by precedence, then id */
	struct kims_far *fars;
	/* all of it lies in this one allocation */
};

/* --- meters; by kims_session.lock --- */

struct kims_pdr_count {
	u32 id;
	u64 packets, octets; /* gone on, duplicates not counted */
	u64 dropped;
};

struct kims_qer_limit {
	u64 rate;	/* bit/s; 0: none */
	u64 ns_per_octet; /* fixed point, 2^-16 ns */
	u64 burst;	/* 2^-8 ns of the rate that may come at once */
	u64 tat;	/* theoretical arrival time (GCRA), 2^-8 ns */
	u64 easy;	/* conforms without a look at the clock up to this tat, 2^-8 ns */
};

struct kims_qer {
	u32 id;
	u8 gate[KIMS_N_DIRECTIONS]; /* enum kims_gate */
	s16 qfi;		    /* to mark downlink packets with; -1: none */
	u32 burst;		    /* ms, as configured */
	struct kims_qer_limit mbr[KIMS_N_DIRECTIONS];
	u64 gbr[KIMS_N_DIRECTIONS]; /* bit/s; 0: none */
	u64 octets[KIMS_N_DIRECTIONS], dropped[KIMS_N_DIRECTIONS];
};

/* Indices of volumes. */
enum kims_volume {
	KIMS_VOLUME_UL,
	KIMS_VOLUME_DL,
	KIMS_VOLUME_TOTAL,
	KIMS_N_VOLUMES,
};

/*
 * Counters only grow: a report tells where they stand, and what is between two reports is their
 * difference, so that a lost event loses no volume. Thresholds and quotas count from base.
 */
struct kims_urr {
	u32 id;
	u32 method;	/* KIMS_URR_METHOD_* bits */
	u32 triggers;	/* KIMS_URR_TRIGGER_* bits that are reported */
	bool before_qos; /* also what the QERs drop */
	bool exhausted;	/* quota used up: its packets are dropped */
	u32 seq;	/* of the next report */
	u64 octets[KIMS_N_VOLUMES], packets[KIMS_N_VOLUMES];
	u64 base[KIMS_N_VOLUMES];	/* octets at the last report */
	u64 quota_base[KIMS_N_VOLUMES]; /* octets when the quota was given */
	u64 threshold[KIMS_N_VOLUMES], quota[KIMS_N_VOLUMES]; /* octets; 0: none */
	u32 time_threshold, time_quota, period; /* s; 0: none */
	u32 inactivity; /* s without a packet after which time does not count; 0: counts on */
	u64 monitoring; /* Unix time, s, 0: none: a report, and counting anew, at this time */
	u64 first, last; /* packets: Unix time, ns; 0: none yet */
	u64 duration, duration_base, duration_quota_base; /* ns */
	u64 period_end; /* ktime (boot), ns; 0: not running */
	u32 linked;	/* id of the URR that is reported with this one; 0: none */
	/* what follows is meter.c's and report.c's own */
	bool active;	/* time counts: a packet came, no pause of inactivity since, quota left */
	bool started;	/* a packet came, and no pause of inactivity since */
	bool refused;	/* the quota has cost a packet */
	bool attention; /* a packet needs more than counting */
	unsigned long seen; /* jiffies of the last packet counted */
	unsigned long last_seen; /* the same that last was made from */
	u64 mark;	    /* ktime (boot), ns: time is counted up to here */
	u64 stop[KIMS_N_VOLUMES]; /* octets at which something happens */
	u64 room; /* fewer octets than this, and nothing happens for certain */
};

/* --- buffering; buffer.c --- */

struct kims_bar {
	u32 packets, octets; /* most in the queue; 0: the default */
	u32 timeout;	     /* ms that a packet may wait; 0: the default */
	u32 delay;	     /* ms before the downlink data report */
};

/* --- session; session.c --- */

struct kims_session {
	spinlock_t lock; /* BH off; see above */
	bool dead;	 /* by lock; deleted: counts nothing more */
	bool reported;	 /* by lock; downlink data report of this burst is out */
	bool flushing;	 /* by lock; packets queue behind those being flushed */
	bool refusing;	 /* by lock; a flush has gone on too long: nothing more waits */
	bool busy;	 /* by kims_net.lock; in the batch that is being served */
	u8 n_qers, n_urrs, n_counts;
	u32 idle_timeout; /* s without a packet: inactivity report; 0: none */
	struct kims_rules __rcu *rules; /* changes under kims_net.lock and lock */
	struct kims_net *kn;
	u64 id;			      /* the owner's, unique in the namespace */
	struct kims_ue *ue[2];	      /* IPv4, IPv6; NULL: none */
	struct kims_qer **qers;	      /* by lock for packets, kims_net.lock for control */
	struct kims_urr **urrs;	      /* the same */
	struct kims_pdr_count **counts; /* the same */
	struct kims_tunnel **tunnels; /* by kims_net.lock; all four arrays are one allocation */
	u32 n_tunnels;
	struct kims_bar bar;
	struct sk_buff_head buffer; /* by lock; the list's own lock is not used */
	u32 buffered;		    /* by lock; octets in buffer */
	unsigned long last;	    /* by lock; jiffies of the last packet */
	struct timer_list timer;    /* next deadline of URRs, buffer, inactivity; report.c */
	struct hrtimer wall;	    /* next monitoring time; report.c */
	unsigned long report_at;    /* by lock; jiffies of the delayed downlink data report */
	bool report_due;	    /* by lock; report_at is set */
	bool seen;		    /* by lock; a packet came, last is not that of creation */
	bool awake;		    /* by lock; a packet came since the last inactivity report */
	bool idle;		    /* by lock; the inactivity of now was reported */
	struct kims_app_flows __rcu *apps; /* app.c; NULL: none */
	struct hlist_head fused[KIMS_N_DIRECTIONS]; /* by fused_lock; fused.c */
	const char *label;	    /* the subscriber; never NULL; under RCU */
	bool monitored;		    /* inner packets are seen on monitoring devices */
	struct kims_node node;	    /* kims_gtpu_net.sessions, by id */
	struct rcu_head rcu;
};

/* Of messages that anybody can make us send; signal.c. All 0 at the start. */
#define KIMS_GTPU_LIMIT_PEERS 64
struct kims_gtpu_limits {
	atomic64_t all;
	atomic64_t peers[KIMS_GTPU_LIMIT_PEERS]; /* by hash of the address */
	atomic64_t events;
	atomic_t echo_seq; /* of our Echo Requests */
};

struct kims_gtpu_net {
	struct kims_table tunnels;
	struct kims_table ues;
	struct kims_table fars; /* with outer header creation, for Error Indication */
	struct kims_table sessions;
	struct xarray eps;
	u32 next_ep;
	u32 n_sessions, n_eps, n_pdrs, n_fars, n_qers, n_urrs;
	struct kims_gtpu_ep_totals gone; /* of endpoints that are deleted */
	atomic_t buffered_packets, buffered_octets; /* in the whole namespace */
	struct nf_hook_ops *late; /* app.c */
	bool has_access; /* by lock; there is, or was, a PDR of the access side */
	struct kims_gtpu_limits limits;
	spinlock_t fused_lock; /* fused.c; inside of kims_session.lock */
};

static inline struct kims_gtpu_ep *kims_gtpu_ep(struct kims_local *l)
{
	return container_of(l, struct kims_gtpu_ep, local);
}

/* How tunnels and UE addresses lie in their tables. */
static inline u32 kims_tunnel_hash(const struct kims_table *t, const struct kims_gtpu_ep *ep,
				   __be32 teid)
{
	return kims_table_hash4(t, teid, ep->id);
}

static inline u32 kims_ue_hash4(const struct kims_table *t, __be32 addr)
{
	return kims_table_hash4(t, addr, AF_INET);
}

static inline u32 kims_ue_hash6(const struct kims_table *t, const struct in6_addr *addr)
{
	return kims_table_hash4(t, addr->s6_addr32[0], (__force u32)addr->s6_addr32[1]);
}

static inline u32 kims_ue_hash(const struct kims_table *t, const struct kims_addr *addr)
{
	return addr->family == AF_INET ? kims_ue_hash4(t, addr->v4) : kims_ue_hash6(t, &addr->v6);
}

/* A FAR with outer header creation. */
static inline u32 kims_far_hash(const struct kims_table *t, const struct kims_addr *peer,
				__be32 teid)
{
	return kims_table_hash(t, peer, (__force u32)teid);
}

/* --- the packet path: rx.c, tx.c, match.c --- */

/* A packet on its way through a session; skb->data is at its IP header. */
struct kims_inner {
	struct kims_packet ip; /* of the inner packet: kims_inner_read(); len: behind l4 */
	u8 family;	       /* AF_INET, AF_INET6 */
	u8 protocol;	       /* of what lies at ip.l4 */
	bool ports;	       /* ip.sport and dport are there: TCP, UDP, SCTP..., no later fragment */
	bool fragment;
	__be16 dport;
	u32 spi;	       /* ESP and AH; else 0 */
	unsigned int octets, packets; /* more than one packet: a super-packet is to be cut */
	struct kims_session *session;
	const struct kims_rules *rules; /* by which it was classified */
	const struct kims_pdr *pdr;
	s16 qfi;		   /* that it came with; -1 */
	bool flush;		   /* from the buffer: any downlink PDR, whatever its tunnel */
};

/*
 * Checks the IP header at skb->data as the stack would, trims the packet to its length and fills
 * in what is read from it; sets the network and transport header. 0, or the reason of drop.
 */
int kims_inner_read(struct kims_inner *in, struct sk_buff *skb);

/*
 * The PDR of a packet, in this RCU section: in->session and in->ip are set; tunnel is NULL for a
 * packet found by UE address. Sets in->rules and in->pdr. Returns 0, the reason of drop, or
 * -EINPROGRESS: the packet is for the queue of in->pdr, uncounted.
 */
int kims_gtpu_match(struct kims_inner *in, const struct kims_tunnel *tunnel,
		    const struct sk_buff *skb);

static inline struct kims_tunnel *kims_tunnel_find(const struct kims_net *kn,
						   const struct kims_gtpu_ep *ep, __be32 teid)
{
	const struct kims_table *t = &kn->gtpu->tunnels;
	struct kims_tunnel *tunnel;
	struct kims_buckets *b;
	struct kims_node *node;

	kims_table_for_each(t, b, node, kims_tunnel_hash(t, ep, teid)) {
		tunnel = container_of(node, struct kims_tunnel, node);
		if (tunnel->teid == teid && tunnel->ep == ep)
			return tunnel;
	}
	return NULL;
}

static inline struct kims_ue *kims_ue_find4(const struct kims_net *kn, __be32 addr)
{
	const struct kims_table *t = &kn->gtpu->ues;
	struct kims_buckets *b;
	struct kims_node *node;
	struct kims_ue *ue;

	kims_table_for_each(t, b, node, kims_ue_hash4(t, addr)) {
		ue = container_of(node, struct kims_ue, node);
		if (ue->addr.v4 == addr && ue->addr.family == AF_INET)
			return ue;
	}
	return NULL;
}

struct kims_ue *kims_ue_find6(const struct kims_net *kn, const struct in6_addr *addr);

/*
 * An inner packet (skb->data at its IP header, BH off, RCU) to the UE of a session: classified,
 * metered, encapsulated and sent, or buffered. Takes the packet and returns 0, or returns the
 * reason of drop, counted, and the packet is the caller's. flush: it comes from the buffer.
 */
int kims_gtpu_downlink(struct kims_session *s, struct sk_buff *skb, bool flush);

/*
 * Takes a packet, of which in->session, in->qfi and what kims_inner_read() reads is set, through
 * the rules of its session. Returns 0 and the packet is gone (sent, buffered, or the next
 * object's), the reason of drop, counted for the session only, or -EINPROGRESS as above: in both
 * cases the packet is the caller's. tunnel, ep: as it arrived, NULL when it was found by UE
 * address. flush: it comes from the buffer.
 */
int kims_gtpu_act(struct kims_inner *in, const struct kims_tunnel *tunnel,
		  struct kims_gtpu_ep *ep, struct sk_buff *skb, bool flush);

/*
 * The short way of a plain packet to the UE; skb->data at the IP header, BH off. 0: not for that,
 * and untouched; -1: gone; else the reason of drop, counted for the session.
 */
int kims_gtpu_fast_ue(struct kims_session *s, struct sk_buff *skb);

/*
 * The PDR of a packet, when it and all that come before it ask for nothing but the tunnel (NULL:
 * for downlink), and what its FAR does is to forward, and nothing else.
 */
static inline const struct kims_pdr *kims_fast_match(const struct kims_rules *rules,
						     const struct kims_tunnel *tunnel)
{
	const struct kims_pdr *pdr, *end;

	if (unlikely(!rules))
		return NULL;
	for (pdr = rules->pdrs, end = pdr + rules->n_pdrs; pdr < end; pdr++) {
		if (pdr->tunnel != tunnel)
			continue;
		return likely(pdr->plain) ? pdr : NULL;
	}
	return NULL;
}

/* fused.c: before anything of the session changes, in the same section of its lock. */
void __kims_fused_leave(struct kims_session *s);
static inline void kims_fused_leave(struct kims_session *s)
{
	if (!hlist_empty(&s->fused[KIMS_UPLINK]) || !hlist_empty(&s->fused[KIMS_DOWNLINK]))
		__kims_fused_leave(s);
}

/* As kims_gtpu_downlink(), but may return -EINPROGRESS: the packet is for kims_app_queue(). */
int kims_gtpu_to_ue(struct kims_inner *in, struct kims_session *s, struct sk_buff *skb,
		    bool flush);

/* --- access.c: plain packets of phones behind a link of this host --- */

/* kims_pdr.tunnel of the PDRs that such a packet meets; without an endpoint. */
extern struct kims_tunnel kims_access;
DECLARE_STATIC_KEY_FALSE(kims_access_key);

/* The namespace gets a PDR of this side; kims_net.lock. */
void kims_access_use(struct kims_net *kn);
void kims_access_net_exit(struct kims_net *kn);

static __always_inline bool kims_access_used(const struct kims_net *kn)
{
	return static_branch_unlikely(&kims_access_key) && READ_ONCE(kn->gtpu->has_access);
}

int __kims_access_rx(struct kims_net *kn, struct sk_buff *skb);
bool __kims_access_from(const struct kims_net *kn, const struct sk_buff *skb);

/* A packet at the hook: -1 when it is of no phone of this side, else the verdict. BH off, RCU. */
static __always_inline int kims_access_rx(struct kims_net *kn, struct sk_buff *skb)
{
	return kims_access_used(kn) ? __kims_access_rx(kn, skb) : -1;
}

/* A phone of this side has sent the packet. */
static __always_inline bool kims_access_from(const struct kims_net *kn, const struct sk_buff *skb)
{
	return kims_access_used(kn) && __kims_access_from(kn, skb);
}

/* What kims_gtpu_ep_count() counts besides reasons of drop. */
#define KIMS_EP_FORWARDED 0
#define KIMS_EP_SIGNALLING (-1)
#define KIMS_EP_SENT (-2)

/* Packets counted for the endpoint; BH off. */
void kims_gtpu_ep_count(struct kims_gtpu_ep *ep, int what, unsigned int packets);

/* One packet came for a UE address; BH off. */
static inline void kims_downlink_count(struct kims_net *kn)
{
	struct kims_net_stats *s = this_cpu_ptr(kn->stats);

	u64_stats_update_begin(&s->syncp);
	u64_stats_inc(&s->downlink_received);
	u64_stats_update_end(&s->syncp);
}

/* The outer headers, of len octets, go, and what is known by them; ip_summed is the caller's. */
static inline void kims_gtpu_strip(struct sk_buff *skb, unsigned int len)
{
	skb->pkt_type = PACKET_HOST;
	skb->csum_valid = 0;
	skb->csum_level = 0;
	skb->encapsulation = 0;
	__skb_pull(skb, len);
	skb_clear_hash(skb);
}

/* A packet to the endpoint that is dropped, counted, and gone. NF_STOLEN. */
unsigned int kims_gtpu_rx_drop(struct kims_gtpu_ep *ep, struct sk_buff *skb, int why);

/* How many packets a super-packet stands for. */
static inline unsigned int kims_gso_packets(const struct sk_buff *skb)
{
	return likely(!skb_is_gso(skb)) ? 1 : max_t(unsigned int, skb_shinfo(skb)->gso_segs, 1);
}

/* What goes before a payload of GTP-U. */
struct kims_outer {
	struct kims_gtpu_ep *ep;
	const struct kims_way *way; /* from where to where; source port 0: entropy */
	__be32 teid;
	u8 type;     /* GTPU_* */
	u8 flags;    /* S: the sequence number and what follows are in the payload already */
	u8 dsfield;  /* of the outer IP header */
	bool uplink; /* type of PDU Session Container */
	bool df;     /* IPv4 */
	s16 qfi;     /* -1: no PDU Session Container */
};

static inline unsigned int kims_outer_len(const struct kims_outer *o)
{
	return (o->way->dst.addr.family == AF_INET ? 20 : 40) + 8 + 8 + (o->qfi < 0 ? 0 : 8);
}

/*
 * Outer headers (TS 29.281 5) before skb->data, for which there is room: kims_outer_room() was
 * asked. Then skb->data is at the outer IP header. BH off.
 */
int kims_outer_room(struct sk_buff *skb, const struct kims_outer *o, const struct kims_path *path);
void kims_outer_push(struct sk_buff *skb, const struct kims_outer *o,
		     const struct kims_path *path);
/* The same, counted as sent when it is a G-PDU (also an inner super-packet), and on its way. */
void kims_outer_send(const struct kims_outer *o, const struct kims_path *path,
		     struct sk_buff *skb);

/* The hop limit of a packet that is being forwarded, which is more than 1. 0, or no memory. */
int kims_hop(struct sk_buff *skb);

#define GTPU_ECHO_REQUEST 1
#define GTPU_ECHO_RESPONSE 2
#define GTPU_ERROR_INDICATION 26
#define GTPU_SUPPORTED_EXTENSION_HEADERS 31
#define GTPU_END_MARKER 254
#define GTPU_G_PDU 255

/* --- meter.c --- */

/*
 * Charges a packet of the session to the QERs and URRs of its PDR and counts it, with the lock
 * held and the rules found to be current. octets are those of all packets (more than one for a
 * super-packet). why: reason of drop that is already known, else 0. Returns 0: it may go on, or
 * the reason of drop. Reports that are due are sent. KIMS_METER_CUT, for more than one packet: a
 * quota has room for a part of them; nothing was counted, and each is to be charged by itself.
 */
#define KIMS_METER_CUT (-EAGAIN)
int kims_meter(struct kims_session *s, const struct kims_pdr *pdr, unsigned int octets,
	       unsigned int packets, int why);
/* From configuration: rate in bit/s, burst in ms of it (0: default). */
void kims_qer_limit_set(struct kims_qer_limit *l, u64 rate, u32 burst_ms);

/* --- report.c: events and deadlines of a session --- */

/* With the session's lock held. trigger: KIMS_URR_TRIGGER_* bits. Starts the next interval. */
void kims_urr_report(struct kims_session *s, struct kims_urr *u, u32 trigger);
/* Time counted and last packet up to now (boot time, ns), for a reader; with the lock held. */
void kims_urr_settle(struct kims_urr *u, u64 now_ns);
/* Counters, sequence number and state of a settled URR into its nest; lock held. -EMSGSIZE. */
int kims_nl_put_urr_usage(struct sk_buff *skb, const struct kims_urr *u);
/* id and label, into a session's nest. -EMSGSIZE. */
int kims_nl_put_session_name(struct sk_buff *skb, const struct kims_session *s);
/* For meter.c, lock held: a packet was counted, or the quota is used up. Triggers that are due. */
u32 kims_urr_activate(struct kims_session *s, struct kims_urr *u);
void kims_urr_exhaust(struct kims_urr *u);
/* The first packet of a session, or since its inactivity was reported; lock held. */
void kims_session_wake(struct kims_session *s);
/* A new session; and one that is dead, lock not held: no timer of it runs any more. */
void kims_session_timers_init(struct kims_session *s);
void kims_session_timers_stop(struct kims_session *s);
/* Sets the timer to the next deadline; with the lock held. Not after dead. */
void kims_session_arm(struct kims_session *s);
void kims_session_timer(struct timer_list *timer);
/* A URR was given (new) or its conf has changed: clocks and quota start; with the lock held. */
void kims_urr_start(struct kims_urr *u, bool fresh_quota);
bool kims_urr_has_quota(const struct kims_urr *u);

/* --- buffer.c --- */

/* Keeps the packet (lock held): 0, or reason of drop and the packet is the caller's. */
int kims_buffer_put(struct kims_session *s, const struct kims_pdr *pdr, struct sk_buff *skb);
/*
 * After a change of rules that set flushing, lock not held, BH on: sends what waits in order, if it
 * may go now.
 */
void kims_buffer_flush(struct kims_session *s);
/* Drops all that waits, counted; lock held. */
void kims_buffer_drop(struct kims_session *s, int why);
/* For the session's timer: drops what has waited too long, sends the delayed report; lock held. */
void kims_buffer_due(struct kims_session *s);
/* Whether something waits, and until when (jiffies) at most; lock held. */
bool kims_buffer_expires(const struct kims_session *s, unsigned long *ret_expires);
/* The count of a PDR by its id, NULL: the PDR is gone; lock held. */
struct kims_pdr_count *kims_pdr_count_find(const struct kims_session *s, u32 id);

/* --- signal.c: Echo, Error Indication, End Marker, extension headers (TS 29.281 7) --- */

/* A message that is no G-PDU, checked for length; takes the packet: 0, or reason of drop. */
int kims_gtpu_signal(struct kims_gtpu_ep *ep, struct sk_buff *skb, const struct kims_packet *p,
		     unsigned int gtp);
/* Unknown TEID, rate-limited; the packet stays the caller's. */
void kims_gtpu_error_indication(struct kims_gtpu_ep *ep, const struct sk_buff *skb,
				const struct kims_packet *p, __be32 teid);
void kims_gtpu_unsupported_header(struct kims_gtpu_ep *ep, const struct sk_buff *skb,
				  const struct kims_packet *p);
/*
 * On the old path of a FAR. Sent at once, so that it cannot come behind a change back to that path:
 * the caller has waited for a grace period, and so it is behind all that went there.
 */
int kims_gtpu_end_marker(struct kims_gtpu_ep *ep, const struct kims_end *peer, __be32 teid,
			 s16 dscp);
/* Whether a FAR sends from the endpoint to this tunnel; RCU. */
bool kims_far_known(const struct kims_gtpu_ep *ep, const struct kims_addr *peer, __be32 teid);
int kims_gtpu_echo(struct kims_gtpu_ep *ep, const struct kims_end *peer);

/* --- mtu.c --- */

/*
 * The inner packet (skb->data at its IP header), or the packets that a super-packet will be, is
 * longer than mtu, the path's less the outer headers. To be asked before it is metered, RCU, BH
 * off. KIMS_DROP_TOO_BIG: the inner sender was told, the packet is the caller's; 0: it goes, an
 * IPv4 packet by kims_gtpu_fragment(), any other in outer fragments (skb->ignore_df).
 */
int kims_gtpu_too_big(struct kims_session *s, struct sk_buff *skb, unsigned int mtu);
/*
 * Cuts an inner IPv4 packet into fragments of at most mtu octets, each of which becomes send()'s;
 * so does this function with the packet. Returns the first error, its own or that of send(): what
 * came behind is gone, too.
 */
int kims_gtpu_fragment(struct sk_buff *skb, unsigned int mtu,
		       int (*send)(struct sk_buff *skb, void *arg), void *arg);
/* Lowers the MSS option of a TCP SYN to what fits into an inner packet of mtu octets. */
void kims_gtpu_clamp_mss(struct sk_buff *skb, unsigned int mtu);
/* udp_sock.encap_err_lookup of an endpoint's socket: ICMP errors are for our outer packets. */
int kims_gtpu_err_lookup(struct sock *sk, struct sk_buff *skb);

/* --- dev.c: the kims device; app.c; monitor.c --- */

extern const struct net_device_ops kims_dev_ops;
static inline bool kims_is_dev(const struct net_device *dev) /* of kind "kims" */
{
	return dev->netdev_ops == &kims_dev_ops;
}
/*
 * The kims device of an index, or NULL; under RTNL. Who keeps it (kims_gtpu_ep.dev) stores the
 * pointer and adds the endpoint to kims_gtpu_net.eps in the same RTNL section: when the device
 * goes, dev.c sets the pointer of each endpoint in there to NULL. kims_net.lock > RTNL.
 */
struct net_device *kims_dev_find(struct net *net, u32 ifindex);
/* Inner packets can be handed to the stack; to be asked before they are counted. RCU. */
bool kims_gtpu_dev_ready(const struct kims_gtpu_ep *ep);
/*
 * Hands an inner packet (skb->data at its IP header) to the stack as received by the endpoint's
 * device. Takes the packet. RCU, BH off.
 */
void kims_gtpu_to_stack(struct kims_gtpu_ep *ep, struct sk_buff *skb);
/*
 * The inner packet, taken out of its tunnel and with skb->data at its IP header, is of bulk TCP:
 * merged with its neighbours by the device and forwarded by the stack it costs less than alone by
 * the direct way. Every packet of a flow that must not overtake another says the same.
 */
bool kims_gtpu_bulk(const struct sk_buff *skb);
/* Inner packets of a monitored session, seen by monitoring devices. */
void kims_monitor_packet(struct kims_session *s, const struct sk_buff *skb, u8 direction);
/*
 * What userspace has said of the packet's flow: 0 and *ret_app (0: no application, or nothing is
 * known and in->pdr fails open); the reason of drop (it fails closed); or -EINPROGRESS: the packet
 * goes, as it came, to the queue of the PDR.
 */
int kims_app_find(struct kims_session *s, const struct kims_inner *in, const struct sk_buff *skb,
		  u32 *ret_app);
/* The verdict for a packet of which kims_app_find() said -EINPROGRESS. */
unsigned int kims_app_queue(const struct kims_pdr *pdr);
/*
 * What kims_app_find() may say of packets that this CPU handles now, with BH off. What is not the
 * packet that the hook was called with cannot be queued as it stands: who handles such (peek) gives
 * what is to be asked of to kims_app_hand() or kims_app_requeue(), which let it pass the hooks.
 */
enum kims_app_mode {
	KIMS_APP_ASK,
	KIMS_APP_PEEK, /* says that it is to be asked, which does not count as asking */
	KIMS_APP_LATE, /* does not ask */
};

/* Both return what was set before, to be set again. */
enum kims_app_mode kims_app_mode(enum kims_app_mode mode);
enum kims_app_mode kims_app_peek(void); /* unless it is late */
/* A plain packet to the UE of the PDR's session, not counted yet; takes it. BH off, RCU. */
void kims_app_hand(struct kims_session *s, const struct kims_pdr *pdr, struct sk_buff *skb);
/* A G-PDU that came in a super-packet, its UDP header at l4; takes it. BH off, RCU. */
void kims_app_requeue(struct kims_gtpu_ep *ep, struct sk_buff *skb, u16 l4);
/* Before a session gets rules with kims_rules.apps; kims_net.lock. -ENOMEM, errors of hooks. */
int kims_app_prepare(struct kims_session *s);
void kims_app_free(struct kims_session *s);
void kims_app_net_exit(struct kims_net *kn);

/* --- gso.c, gro.c --- */

/*
 * The list of the packets that an outer super-packet stands for, which it becomes; NULL: no
 * memory, and the packet is the caller's.
 */
struct sk_buff *kims_gtpu_split(struct sk_buff *skb, u16 l4);
/*
 * Takes the first packet of a list, of whole outer packets with their UDP headers at l4; and with
 * it those behind it that are of one TCP flow in the same tunnel, as one inner super-packet under
 * the first one's outer headers. *list is what is left.
 */
struct sk_buff *kims_gtpu_merge(struct sk_buff **list, u16 l4);
/* The reverse; takes the packet. The list of what there was memory for. */
struct sk_buff *kims_gtpu_unmerge(struct sk_buff *skb, u16 l4);

/*
 * Sends an inner super-packet (skb_is_gso()) by the path. Its outer headers, outer octets from
 * skb->data up to the inner IP header, are made as for one packet: IP, UDP and GTP-U lengths are
 * corrected for each packet it is cut into. Takes the packet. RCU, BH off.
 */
void kims_gtpu_send_gso(struct kims_net *kn, const struct kims_path *path, struct sk_buff *skb,
			unsigned int outer);

/* --- session.c, rules.c, ep.c: control; the caller holds kims_net.lock --- */

int kims_gtpu_net_init(struct kims_net *kn);
/* First all objects go, then, when no packet comes any more, the rest. */
void kims_gtpu_net_stop(struct kims_net *kn);
void kims_gtpu_net_exit(struct kims_net *kn);
struct kims_session *kims_session_find(const struct kims_net *kn, u64 id);
/* The session behind this one in the order of a dump; NULL: the first, and no more. */
struct kims_session *kims_session_next(const struct kims_net *kn, u32 hash, u64 id);
struct kims_gtpu_ep *kims_gtpu_ep_find(const struct kims_net *kn, u32 id);
u32 kims_session_count(const struct kims_net *kn);
u32 kims_gtpu_ep_number(const struct kims_net *kn); /* how many */
/* What stats-get says of GTP-U; downlink: packets for UEs; takes the lock. -EMSGSIZE. */
int kims_nl_put_gtpu_stats(struct sk_buff *skb, struct kims_net *kn, u64 downlink);
int kims_gtpu_alloc_init(void); /* once per module, first and last */
void kims_gtpu_alloc_exit(void);
int kims_gtpu_link_init(void); /* the device kinds, once per module */
void kims_gtpu_link_exit(void);
int kims_monitor_link_init(void); /* of these, kimsmon */
void kims_monitor_link_exit(void);

#endif /* KIMS_GTPU_H */
