/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The flow cache: what to do with a packet that belongs to a flow, found by one lookup.
 *
 * One table per network namespace, looked up at PRE_ROUTING after defragmentation and raw but
 * before connection tracking. A flow is a key and a program: how the packet is rewritten, and the
 * cached route it leaves by. Whose flow it is (a media flow today, a PDR session next) says
 * kims_flow.ops: may this packet use it, and account for it. A flow never changes once it is in
 * the table; a changed object gets a new flow that replaces the old one.
 *
 * A packet is accounted for exactly once per flow it meets: as sent or under one reason of drop.
 */
#ifndef KIMS_FLOW_H
#define KIMS_FLOW_H

#include "drop.h"
#include "table.h"

/* By which fields of the packet a flow is found. */
enum kims_flow_kind {
	KIMS_FLOW_MEDIA, /* local address and UDP port */
	KIMS_FLOW_GTPU,	 /* the same; a GTP-U endpoint, of which the TEID says more */
};

struct kims_flow_key {
	struct kims_end local;
	u8 kind;
};

/* Whatever is found by a local address and UDP port; kind says what it is part of. */
struct kims_local {
	struct kims_node node;
	struct kims_flow_key key;
};

struct iphdr;
struct kims_path;

/* From where to where a packet is sent, and the route that it leaves by. */
struct kims_way {
	struct kims_end src, dst; /* of one family */
	u32 oif;		  /* 0: by the route */
	struct kims_path __rcu *path; /* NULL: none yet */
};

/* Octets of UDP payload that are in the linear part of the packet, when it has as many. */
#define KIMS_LINEAR 12

/* What the lookup has read of the packet. Offsets are from skb->data, the IP header. */
struct kims_packet {
	__be32 saddr; /* IPv4 */
	__be16 sport;
	__be16 id;    /* IPv4 identification, else 0 */
	u16 l4;	      /* offset of the UDP header */
	u16 len;      /* octets of UDP payload */
	u8 ttl;	      /* or hop limit */
	u8 dsfield;   /* DSCP and ECN */
	bool no_csum; /* UDP checksum is 0 and not to be filled in by the device */
};

struct kims_flow;

/* Answers of kims_flow_ops.account besides the reasons of drop. */
#define KIMS_FLOW_SEND 0
#define KIMS_FLOW_GONE (-1)

struct kims_flow_ops {
	/*
	 * Counts the packet of len octets of UDP payload, of which the first KIMS_LINEAR can be
	 * read: under why when that is not 0, else as sent, or under the reason that the look into
	 * the payload gives. Returns KIMS_FLOW_SEND, the reason, or KIMS_FLOW_GONE when the flow's
	 * object has been deleted and nothing was counted. With BH off.
	 */
	int (*account)(struct kims_flow *f, const u8 *payload, unsigned int len, int why);
	/*
	 * Optional, in place of account where the packet is ours to write (or why says that it is
	 * dropped): its UDP payload begins at skb->data + off and has *len octets. May change the
	 * payload, and its length: then the packet's and the UDP header's are right again, *len
	 * too, and the checksum is CHECKSUM_PARTIAL or 0. Returns as account. An object that has
	 * it may answer account with KIMS_FLOW_GONE for what it must see whole: the short ways
	 * then leave the packet to kims_flow_pass().
	 */
	int (*transform)(struct kims_flow *f, struct sk_buff *skb, unsigned int off, u16 *len,
			 int why);
	void (*free)(struct kims_flow *f); /* after the grace period */
	bool fuses; /* account alone serves most packets of the flow */
};

/* How the UDP packet leaves. */
struct kims_rewrite {
	struct kims_end src, dst; /* of one family */
	s16 dscp;		  /* -1: that of the packet */
};

struct kims_flow {
	struct kims_local local; /* kind KIMS_FLOW_MEDIA */
	struct kims_end from; /* who may send; of the family of local; AF_UNSPEC, port 0: anybody */
	struct kims_way way;
	s16 dscp;    /* -1: that of the packet */
	__wsum csum; /* of both ends of way, less that of local */
	__wsum ip_csum; /* IPv4: of both addresses of way, less that of local */
	const struct kims_flow_ops *ops;
	struct kims_fused *fused; /* gtpu/fused.c's, and */
	bool listed;		  /* by its lock; in the table */
	u32 id; /* of the object, for tracepoints */
	struct rcu_head rcu;
};

static inline struct kims_flow *kims_flow(struct kims_local *l)
{
	return container_of(l, struct kims_flow, local);
}

struct kims_flow_net {
	struct kims_table locals; /* struct kims_local */
	struct kims_table addrs; /* struct kims_local_addr */
	struct nf_hook_ops ops[2]; /* IPv4, IPv6 */
	bool hooked[2];		   /* by lock */
};

/* PRE_ROUTING, behind raw and before connection tracking; priv is the struct kims_net. Under RCU. */
#define KIMS_HOOK_PRIORITY (NF_IP_PRI_RAW + 10)
unsigned int kims_hook4(void *priv, struct sk_buff *skb, const struct nf_hook_state *state);
unsigned int kims_hook6(void *priv, struct sk_buff *skb, const struct nf_hook_state *state);

int kims_flow_net_init(struct kims_net *kn);
void kims_flow_net_exit(struct kims_net *kn); /* no flow is left */

/* Makes key, from, out and ops of a zeroed flow ready. */
void kims_flow_init(struct kims_flow *f, const struct kims_flow_key *key,
		    const struct kims_end *from, const struct kims_rewrite *out,
		    const struct kims_flow_ops *ops);
/* Frees a flow that was in the table (after a grace period), or one that never was. */
void kims_flow_free(struct kims_flow *f);

/*
 * Anything that is found by its local address and port; key is set. The caller holds
 * kims_net.lock. -EEXIST: key taken; -ENOMEM and errors of the hooks. After del it stays readable
 * until a grace period has passed.
 */
int kims_local_add(struct kims_net *kn, struct kims_local *l);
void kims_local_del(struct kims_net *kn, struct kims_local *l);

/* The same for flows. */
int kims_flow_add(struct kims_net *kn, struct kims_flow *f);
void kims_flow_del(struct kims_net *kn, struct kims_flow *f);
/* Packets use old until they use new. Same errors as add, and then old stays. */
int kims_flow_replace(struct kims_net *kn, struct kims_flow *old, struct kims_flow *new);

/* Packets of the family are looked at from now on; for UE addresses. The caller holds the lock. */
int kims_flow_hook(struct kims_net *kn, u8 family);

/*
 * Fragments to this address are put together before anything looks at them. The caller holds the
 * lock; each hold needs one release.
 */
int kims_flow_addr_hold(struct kims_net *kn, const struct kims_addr *addr);
void kims_flow_addr_release(struct kims_net *kn, const struct kims_addr *addr);

/* What waits at a local address and port; NULL: nothing. Under RCU. */
static __always_inline struct kims_local *kims_local_at4(const struct kims_net *kn, __be32 daddr,
							 __be16 dport)
{
	const struct kims_table *t = &kn->flow->locals;
	u32 hash = kims_table_hash4(t, daddr, (__force u32)dport);
	struct kims_buckets *b;
	struct kims_node *node;
	struct kims_local *l;

	kims_table_for_each(t, b, node, hash) {
		l = container_of(node, struct kims_local, node);
		if (l->key.local.port == dport && l->key.local.addr.v4 == daddr &&
		    l->key.local.addr.family == AF_INET)
			return l;
	}
	return NULL;
}

struct kims_local *kims_local_at6(const struct kims_net *kn, const struct in6_addr *addr,
				  __be16 port);
/*
 * A UDP packet, its header at l4 and linear, to a flow that was found so. BH off, under RCU.
 * Netfilter's verdict; NF_ACCEPT: the flow is gone and the packet is as it was.
 */
unsigned int kims_flow_take(struct kims_net *kn, struct kims_local *l, struct sk_buff *skb, u16 l4);
/* The same without the short way (fast.c). */
unsigned int kims_flow_receive(struct kims_net *kn, struct kims_flow *f, struct sk_buff *skb,
			       u16 l4);

/* A packet that the flow has counted under why is counted for the namespace. KIMS_DROPPED(why). */
unsigned int kims_flow_drop(struct kims_net *kn, const struct kims_flow *f,
			    const struct sk_buff *skb, int why);

/*
 * Sends a copy of a packet, whose UDP header lies at l4, out through a flow that is not in the
 * table. The flow's ops account for it; the copy becomes this function's. With BH off, under RCU.
 */
void kims_flow_send_copy(struct kims_net *kn, struct kims_flow *f, struct sk_buff *skb, u16 l4);

/* output.c */

/* Where a rewritten packet goes: to the UE of a session, or by a path. */
struct kims_hop {
	struct kims_session *ue; /* NULL: path */
	const struct kims_path *path;
};

/*
 * Everything that can fail before the packet is sent: hop limit, route, room for the headers.
 * Returns 0 and where to, valid in this RCU section, or the reason of drop.
 */
int kims_output_prepare(struct kims_net *kn, struct kims_flow *f, struct sk_buff *skb,
			const struct kims_packet *p, struct kims_hop *ret);
/* Rewrites by the program, for the device of the path; cannot fail. */
void kims_output_rewrite(struct kims_net *kn, const struct kims_flow *f, struct sk_buff *skb,
			 const struct kims_packet *p, const struct kims_hop *hop);
/* Sum of address and port. */
__wsum kims_end_csum(const struct kims_end *end);
/* Nothing of its way in goes out with the packet, which is for the path's device (NULL: stays). */
void kims_output_scrub(struct sk_buff *skb, const struct kims_path *path);
/* The packet becomes the stack's: what kims_path_send() did not send. */
void kims_output_stack(struct kims_net *kn, const struct kims_path *path, struct sk_buff *skb);

/* fast.c */

/* The headers of a plain packet that is counted as sent; iph is linear and ours. */
void kims_fast_rewrite(const struct kims_flow *f, struct sk_buff *skb, struct iphdr *iph);

/*
 * gtpu/: what the flow table and Gm need to know of GTP-U without knowing it.
 */

/*
 * A UDP packet to a GTP-U endpoint, its UDP header at l4 and linear; and a packet to anybody else,
 * which may be a UE. BH off, under RCU. Netfilter's verdict.
 */
unsigned int kims_gtpu_rx(struct kims_net *kn, struct kims_local *l, struct sk_buff *skb, u16 l4);
unsigned int kims_gtpu_core_rx(struct kims_net *kn, struct sk_buff *skb);

/*
 * UDP packets in plain IPv4, l4 is 20: the short ways are tried first, then all else. Netfilter's
 * verdict, dropped packets are gone.
 */
unsigned int kims_fast_flow(struct kims_net *kn, struct kims_local *l, struct sk_buff *skb);
unsigned int kims_gtpu_fast_rx(struct kims_net *kn, struct kims_local *l, struct sk_buff *skb);
unsigned int kims_gtpu_fast_core(struct kims_net *kn, struct sk_buff *skb);
/* The same in plain IPv6, l4 is 40. */
unsigned int kims_fast_flow6(struct kims_net *kn, struct kims_local *l, struct sk_buff *skb);
unsigned int kims_gtpu_fast_rx6(struct kims_net *kn, struct kims_local *l, struct sk_buff *skb);
unsigned int kims_gtpu_fast_core6(struct kims_net *kn, struct sk_buff *skb);

/* The session of a UE address, NULL: none; and a packet to it, as kims_gtpu_downlink() does. */
struct kims_session *__kims_ue_session(const struct kims_net *kn, const struct kims_addr *addr);
static inline struct kims_session *kims_ue_session(const struct kims_net *kn,
						   const struct kims_addr *addr)
{
	return likely(!READ_ONCE(kn->has_ues)) ? NULL : __kims_ue_session(kn, addr);
}

int kims_gtpu_downlink(struct kims_session *s, struct sk_buff *skb, bool flush);

/* The same, and the packet is gone whatever comes of it. */
static inline void kims_ue_send(struct kims_session *s, struct sk_buff *skb, bool flush)
{
	int why = kims_gtpu_downlink(s, skb, flush);

	if (unlikely(why))
		kims_drop(skb, why);
}

/* A flow is in the table; and before it leaves, or another takes its place. */
void kims_fused_list(struct kims_net *kn, struct kims_flow *f);
void kims_fused_unlist(struct kims_net *kn, struct kims_flow *f);

/*
 * The session whose tunnel the packet came by, as the stack sees it, 0: none. By kims device and
 * source: what has the address of a UE has come by that UE's tunnel, or act.c would have dropped it.
 */
u64 kims_skb_session(const struct sk_buff *skb);

#endif /* KIMS_FLOW_H */
