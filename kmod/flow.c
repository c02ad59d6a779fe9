// SPDX-License-Identifier: GPL-2.0
/*
 * The flow cache: table, hooks, and the way of a packet through its flow; see flow.h.
 *
 * The hook sits at PRE_ROUTING behind raw (-300), so that an operator's raw rules still see media,
 * and before connection tracking (-200), which never sees it.
 *
 * Fragments are put together here only when they go to an address that a flow or a protected port
 * uses. For IPv6 this also keeps the Gm check whole: LOCAL_IN runs before the IPv6 stack itself
 * reassembles, so a fragmented packet would pass it unseen.
 *
 * A super-packet (rx-udp-gro-forwarding, rx-gro-list) is cut into its datagrams, each of which is
 * accounted for. When the way out leads back into this host and another flow waits there (both
 * phones on one P-CSCF), the packet goes on through that flow without a trip over the loopback
 * device; the hop limit ends circles.
 */
#include <linux/netfilter_ipv4.h>
#include <linux/netfilter_ipv6.h>
#include <linux/slab.h>
#include <linux/udp.h>
#include <net/gso.h>
#include <net/ip.h>
#include <net/netfilter/ipv6/nf_defrag_ipv6.h>
#include "route.h"
#include "trace.h"

/* Our own reassembly queues: no other user of the defragmentation has this number. */
#define KIMS_DEFRAG_USER 0x6b696d73

/* An address whose fragments are ours to put together. */
struct kims_local_addr {
	struct kims_node node;
	struct kims_addr addr;
	unsigned int users;
	struct rcu_head rcu;
};

/* --- the table --- */

static u32 kims_flow_what(__be16 port)
{
	return (__force u32)port;
}

struct kims_local *kims_local_at6(const struct kims_net *kn, const struct in6_addr *daddr,
				  __be16 dport)
{
	const struct kims_table *t = &kn->flow->locals;
	u32 hash = kims_table_hash6(t, daddr, kims_flow_what(dport));
	struct kims_buckets *b;
	struct kims_node *node;
	struct kims_local *l;

	kims_table_for_each(t, b, node, hash) {
		l = container_of(node, struct kims_local, node);
		if (l->key.local.port == dport && l->key.local.addr.family == AF_INET6 &&
		    ipv6_addr_equal(&l->key.local.addr.v6, daddr))
			return l;
	}
	return NULL;
}

static struct kims_local *kims_local_find(const struct kims_net *kn, const struct kims_end *end)
{
	if (end->addr.family == AF_INET)
		return kims_local_at4(kn, end->addr.v4, end->port);
	return kims_local_at6(kn, &end->addr.v6, end->port);
}

void kims_flow_init(struct kims_flow *f, const struct kims_flow_key *key,
		    const struct kims_end *from, const struct kims_rewrite *out,
		    const struct kims_flow_ops *ops)
{
	f->local.key = *key;
	f->from = *from;
	f->way.src = out->src;
	f->way.dst = out->dst;
	f->dscp = out->dscp;
	f->ops = ops;
	f->csum = csum_add(kims_end_csum(&out->src), kims_end_csum(&out->dst));
	f->csum = csum_sub(f->csum, kims_end_csum(&key->local));
	f->ip_csum = csum_add((__force __wsum)out->src.addr.v4, (__force __wsum)out->dst.addr.v4);
	f->ip_csum = csum_sub(f->ip_csum, (__force __wsum)key->local.addr.v4);
}

static void kims_flow_free_rcu(struct rcu_head *rcu)
{
	struct kims_flow *f = container_of(rcu, struct kims_flow, rcu);

	kims_path_drop(&f->way);
	f->ops->free(f);
}

void kims_flow_free(struct kims_flow *f)
{
	call_rcu(&f->rcu, kims_flow_free_rcu);
}

static u32 kims_local_hash(const struct kims_table *t, const struct kims_local *l)
{
	return kims_table_hash(t, &l->key.local.addr, kims_flow_what(l->key.local.port));
}

int kims_local_add(struct kims_net *kn, struct kims_local *l)
{
	struct kims_table *t = &kn->flow->locals;
	int err;

	lockdep_assert_held(&kn->lock);
	if (kims_local_find(kn, &l->key.local))
		return -EEXIST;
	err = kims_flow_hook(kn, l->key.local.addr.family);
	if (!err && l->key.kind == KIMS_FLOW_GTPU)
		err = kims_routes_init(kn);
	if (!err)
		err = kims_flow_addr_hold(kn, &l->key.local.addr);
	if (err)
		return err;
	err = kims_table_add(t, &l->node, kims_local_hash(t, l), &kn->lock);
	if (err)
		kims_flow_addr_release(kn, &l->key.local.addr);
	return err;
}

void kims_local_del(struct kims_net *kn, struct kims_local *l)
{
	lockdep_assert_held(&kn->lock);
	kims_table_del(&kn->flow->locals, &l->node, &kn->lock);
	kims_flow_addr_release(kn, &l->key.local.addr);
}

int kims_flow_add(struct kims_net *kn, struct kims_flow *f)
{
	int err = kims_local_add(kn, &f->local);

	if (!err)
		kims_fused_list(kn, f);
	return err;
}

void kims_flow_del(struct kims_net *kn, struct kims_flow *f)
{
	kims_fused_unlist(kn, f);
	kims_local_del(kn, &f->local);
}

int kims_flow_replace(struct kims_net *kn, struct kims_flow *old, struct kims_flow *new)
{
	const struct kims_end *a = &old->local.key.local, *b = &new->local.key.local;
	int err;

	lockdep_assert_held(&kn->lock);
	if (a->port == b->port && kims_addr_equal(&a->addr, &b->addr)) {
		kims_fused_unlist(kn, old);
		kims_table_replace(&kn->flow->locals, &old->local.node, &new->local.node,
				   &kn->lock);
		kims_fused_list(kn, new);
		return 0;
	}
	err = kims_flow_add(kn, new);
	if (!err)
		kims_flow_del(kn, old);
	return err;
}

/* --- addresses whose fragments are ours --- */

static struct kims_local_addr *kims_local_addr_find(const struct kims_table *t,
						    const struct kims_addr *addr)
{
	u32 hash = kims_table_hash(t, addr, 0);
	struct kims_local_addr *la;
	struct kims_buckets *b;
	struct kims_node *node;

	kims_table_for_each(t, b, node, hash) {
		la = container_of(node, struct kims_local_addr, node);
		if (kims_addr_equal(&la->addr, addr))
			return la;
	}
	return NULL;
}

int kims_flow_addr_hold(struct kims_net *kn, const struct kims_addr *addr)
{
	struct kims_table *t = &kn->flow->addrs;
	struct kims_local_addr *la;
	int err;

	lockdep_assert_held(&kn->lock);
	/* IPv4 needs no hook for this: the stack reassembles before LOCAL_IN. */
	err = addr->family == AF_INET6 ? kims_flow_hook(kn, AF_INET6) : 0;
	if (err)
		return err;
	la = kims_local_addr_find(t, addr);
	if (la) {
		la->users++;
		return 0;
	}
	la = kzalloc(sizeof(*la), GFP_KERNEL_ACCOUNT);
	if (!la)
		return -ENOMEM;
	la->addr = *addr;
	la->users = 1;
	err = kims_table_add(t, &la->node, kims_table_hash(t, addr, 0), &kn->lock);
	if (err)
		kfree(la);
	return err;
}

void kims_flow_addr_release(struct kims_net *kn, const struct kims_addr *addr)
{
	struct kims_local_addr *la = kims_local_addr_find(&kn->flow->addrs, addr);

	lockdep_assert_held(&kn->lock);
	if (WARN_ON_ONCE(!la) || --la->users)
		return;
	kims_table_del(&kn->flow->addrs, &la->node, &kn->lock);
	kfree_rcu(la, rcu);
}

static bool kims_is_local4(const struct kims_net *kn, __be32 daddr)
{
	struct kims_addr addr;

	kims_addr_set4(&addr, daddr);
	return kims_local_addr_find(&kn->flow->addrs, &addr);
}

static bool kims_is_local6(const struct kims_net *kn, const struct in6_addr *daddr)
{
	struct kims_addr addr;

	kims_addr_set6(&addr, daddr);
	return kims_local_addr_find(&kn->flow->addrs, &addr);
}

/* --- the way of a packet --- */

/* The header at p->l4 is in the linear part. Returns 0 or the reason of drop. */
static int kims_parse_udp(struct sk_buff *skb, struct kims_packet *p)
{
	const struct udphdr *uh = (const struct udphdr *)(skb->data + p->l4);
	u16 len = ntohs(uh->len);

	p->sport = uh->source;
	p->no_csum = !uh->check && skb->ip_summed != CHECKSUM_PARTIAL;
	if (unlikely(len < sizeof(*uh) || len > skb->len - p->l4)) {
		p->len = 0;
		return KIMS_DROP_MALFORMED;
	}
	p->len = len - sizeof(*uh);
	if (!pskb_may_pull(skb, p->l4 + sizeof(*uh) + min_t(u16, p->len, KIMS_LINEAR)))
		return KIMS_DROP_NO_MEMORY;
	return 0;
}

static bool kims_flow_is_from(const struct kims_flow *f, __be16 sport)
{
	return !f->from.port || f->from.port == sport;
}

static int kims_parse4(const struct kims_flow *f, struct sk_buff *skb, struct kims_packet *p)
{
	const struct iphdr *iph = ip_hdr(skb);
	int why;

	p->saddr = iph->saddr;
	p->id = iph->id;
	p->ttl = iph->ttl;
	p->dsfield = iph->tos;
	why = kims_parse_udp(skb, p);
	if (unlikely(why))
		return why;
	if (f->from.addr.family == AF_UNSPEC)
		return 0;
	return f->from.addr.v4 == p->saddr && kims_flow_is_from(f, p->sport) ? 0 :
									       KIMS_DROP_SOURCE;
}

static int kims_parse6(const struct kims_flow *f, struct sk_buff *skb, struct kims_packet *p)
{
	const struct ipv6hdr *ip6h = ipv6_hdr(skb);
	int why;

	p->saddr = 0;
	p->id = 0;
	p->ttl = ip6h->hop_limit;
	p->dsfield = ipv6_get_dsfield(ip6h);
	why = kims_parse_udp(skb, p);
	if (why)
		return why;
	/* RFC 8200 8.1: a UDP checksum of zero is not valid over IPv6 */
	if (p->no_csum)
		return KIMS_DROP_MALFORMED;
	if (f->from.addr.family == AF_UNSPEC)
		return 0;
	return ipv6_addr_equal(&f->from.addr.v6, &ipv6_hdr(skb)->saddr) &&
			       kims_flow_is_from(f, p->sport) ? 0 : KIMS_DROP_SOURCE;
}

/* Reads the packet whose UDP header lies at l4, and its sender. Returns 0 or the reason of drop. */
static int kims_parse(const struct kims_flow *f, struct sk_buff *skb, u16 l4,
		      struct kims_packet *p)
{
	p->l4 = l4;
	return likely(skb->protocol == htons(ETH_P_IP)) ? kims_parse4(f, skb, p) :
							  kims_parse6(f, skb, p);
}

unsigned int kims_flow_drop(struct kims_net *kn, const struct kims_flow *f,
			    const struct sk_buff *skb, int why)
{
	kims_net_drop(kn, why);
	trace_kims_drop(f->id, why, skb);
	return KIMS_DROPPED(why);
}

/*
 * Takes the packet through one flow: NF_STOLEN when it is rewritten for the path, KIMS_DROPPED, or
 * NF_ACCEPT when the flow is going and the packet is untouched.
 */
static unsigned int kims_flow_pass(struct kims_net *kn, struct kims_flow *f, struct sk_buff *skb,
				   u16 l4, struct kims_hop *ret_hop)
{
	struct kims_packet p;
	int why;

	why = kims_parse(f, skb, l4, &p);
	if (likely(!why))
		why = kims_output_prepare(kn, f, skb, &p, ret_hop);
	if (f->ops->transform)
		why = f->ops->transform(f, skb, p.l4 + sizeof(struct udphdr), &p.len, why);
	else
		why = f->ops->account(f, skb->data + p.l4 + sizeof(struct udphdr), p.len, why);
	if (likely(why == KIMS_FLOW_SEND)) {
		trace_kims_forward(f->id, skb);
		kims_output_rewrite(kn, f, skb, &p, ret_hop);
		return NF_STOLEN;
	}
	if (why == KIMS_FLOW_GONE)
		return NF_ACCEPT;
	return kims_flow_drop(kn, f, skb, why);
}

/* Sends a rewritten packet to its UE or the direct way; false: it is the caller's still. */
static bool kims_hop_send(struct kims_net *kn, const struct kims_hop *hop, struct sk_buff *skb)
{
	if (!hop->ue)
		return kims_path_send(kn, hop->path, skb);
	kims_ue_send(hop->ue, skb, false);
	return true;
}

/* The flow that waits for a rewritten packet in this very host, if any. */
static struct kims_flow *kims_flow_onward(const struct kims_net *kn, const struct kims_path *path,
					  const struct sk_buff *skb)
{
	struct kims_local *l;

	if (likely(!(path->dst->dev->flags & IFF_LOOPBACK)) || dst_xfrm(path->dst))
		return NULL;
	if (skb->protocol == htons(ETH_P_IP))
		l = kims_local_at4(kn, ip_hdr(skb)->daddr, udp_hdr(skb)->dest);
	else
		l = kims_local_at6(kn, &ipv6_hdr(skb)->daddr, udp_hdr(skb)->dest);
	return l && l->key.kind == KIMS_FLOW_MEDIA ? kims_flow(l) : NULL;
}

static unsigned int kims_flow_run(struct kims_net *kn, struct kims_flow *f, struct sk_buff *skb,
				  u16 l4)
{
	struct kims_hop hop;
	unsigned int verdict = kims_flow_pass(kn, f, skb, l4, &hop);

	if (verdict != NF_STOLEN || likely(kims_hop_send(kn, &hop, skb)))
		return verdict;
	while (unlikely((f = kims_flow_onward(kn, hop.path, skb)))) {
		/* The packet is no longer what the hook was called with: it cannot be accepted. */
		verdict = kims_flow_pass(kn, f, skb, skb_transport_offset(skb), &hop);
		if (verdict != NF_STOLEN)
			return verdict == NF_ACCEPT ? NF_DROP : verdict;
		if (kims_hop_send(kn, &hop, skb))
			return NF_STOLEN;
	}
	kims_output_stack(kn, hop.path, skb);
	return NF_STOLEN;
}

/* Not to a flow of this host: two that copy to one another would never end. */
void kims_flow_send_copy(struct kims_net *kn, struct kims_flow *f, struct sk_buff *skb, u16 l4)
{
	struct kims_hop hop;
	unsigned int verdict;

	if (unlikely(kims_local_find(kn, &f->way.dst))) {
		f->ops->account(f, NULL, 0, KIMS_DROP_NO_ROUTE);
		kims_drop(skb, KIMS_DROP_NO_ROUTE);
		return;
	}
	verdict = kims_flow_pass(kn, f, skb, l4, &hop);
	if (verdict != NF_STOLEN)
		kims_drop(skb, verdict >> NF_VERDICT_QBITS);
	else if (!kims_hop_send(kn, &hop, skb))
		kims_output_stack(kn, hop.path, skb);
}

static bool kims_gso_split(const struct sk_buff *skb)
{
	return skb_shinfo(skb)->gso_type & (SKB_GSO_UDP_L4 | SKB_GSO_FRAGLIST);
}

static unsigned int kims_flow_run_gso(struct kims_net *kn, struct kims_flow *f, struct sk_buff *skb,
				      u16 l4)
{
	struct sk_buff *segs, *seg, *next;
	unsigned int verdict;

	segs = __skb_gso_segment(skb, NETIF_F_SG | NETIF_F_HW_CSUM, false);
	if (IS_ERR_OR_NULL(segs)) {
		kims_net_drop(kn, KIMS_DROP_NO_MEMORY);
		trace_kims_drop(f->id, KIMS_DROP_NO_MEMORY, skb);
		return KIMS_DROPPED(KIMS_DROP_NO_MEMORY);
	}
	consume_skb(skb);
	skb_list_walk_safe(segs, seg, next) {
		skb_mark_not_on_list(seg);
		verdict = pskb_may_pull(seg, l4 + sizeof(struct udphdr)) ?
				  kims_flow_run(kn, f, seg, l4) : NF_DROP;
		if (verdict != NF_STOLEN)
			kims_drop(seg, verdict >> NF_VERDICT_QBITS);
	}
	return NF_STOLEN;
}

unsigned int kims_flow_receive(struct kims_net *kn, struct kims_flow *f, struct sk_buff *skb,
			       u16 l4)
{
	if (likely(!skb_is_gso(skb)))
		return kims_flow_run(kn, f, skb, l4);
	if (kims_gso_split(skb))
		return kims_flow_run_gso(kn, f, skb, l4);
	if (!(skb_shinfo(skb)->gso_type & SKB_GSO_UDP))
		return NF_ACCEPT; /* something tunnelled: no media */
	/* One big datagram that a device was to cut into fragments: our way out does it. */
	skb_gso_reset(skb);
	return kims_flow_run(kn, f, skb, l4);
}

/* --- hooks --- */

/* l: what was found by the packet's address and port, or NULL: it may be for a UE. */
static unsigned int kims_found(struct kims_net *kn, struct kims_local *l,
					       struct sk_buff *skb, u16 l4)
{
	if (!l)
		return kims_gtpu_core_rx(kn, skb);
	if (l->key.kind == KIMS_FLOW_GTPU)
		return kims_gtpu_rx(kn, l, skb, l4);
	return kims_verdict(skb, kims_flow_receive(kn, kims_flow(l), skb, l4));
}

/*
 * All of a packet's way is with BH off, which the stack sees to, but for one case: what comes
 * back from an NFQUEUE at raw goes on in the context of the process that gave the verdict.
 */
static noinline unsigned int kims_enter(struct kims_net *kn, struct kims_local *l,
					struct sk_buff *skb, u16 l4)
{
	unsigned int verdict;

	if (likely(in_softirq()))
		return kims_found(kn, l, skb, l4);
	local_bh_disable();
	verdict = kims_found(kn, l, skb, l4);
	local_bh_enable();
	return verdict;
}

/* NF_ACCEPT: put together, or nobody's. */
static noinline unsigned int kims_defrag4(struct kims_net *kn, struct sk_buff *skb)
{
	if (!kims_is_local4(kn, ip_hdr(skb)->daddr))
		return NF_ACCEPT;
	return ip_defrag(kn->net, skb, KIMS_DEFRAG_USER) ? NF_STOLEN : NF_ACCEPT;
}

static noinline unsigned int kims_hook4_any(struct kims_net *kn, struct sk_buff *skb)
{
	const struct iphdr *iph = ip_hdr(skb);
	unsigned int l4;

	if (iph->protocol != IPPROTO_UDP)
		return kims_enter(kn, NULL, skb, 0);
	if (unlikely(ip_is_fragment(iph))) {
		if (kims_defrag4(kn, skb) == NF_STOLEN)
			return NF_STOLEN;
		if (ip_is_fragment(ip_hdr(skb)))
			return kims_enter(kn, NULL, skb, 0);
	}
	l4 = ip_hdrlen(skb);
	if (unlikely(!pskb_may_pull(skb, l4 + sizeof(struct udphdr))))
		return NF_ACCEPT; /* too short to belong to anybody: the stack discards it */
	return kims_enter(kn,
			  kims_local_at4(kn, ip_hdr(skb)->daddr,
					 ((struct udphdr *)(skb->data + l4))->dest),
			  skb, l4);
}

/* A plain UDP packet goes on from here at once: each of these tries its short way first. */
unsigned int kims_hook4(void *priv, struct sk_buff *skb, const struct nf_hook_state *state)
{
	const struct iphdr *iph = ip_hdr(skb);
	const struct udphdr *uh = (const struct udphdr *)(iph + 1);
	struct kims_net *kn = priv;
	struct kims_local *l;

	if (*(const u8 *)iph != 0x45 || iph->protocol != IPPROTO_UDP || ip_is_fragment(iph) ||
	    skb_headlen(skb) < sizeof(*iph) + sizeof(*uh) || unlikely(!in_softirq()))
		return kims_hook4_any(kn, skb);
	l = kims_local_at4(kn, iph->daddr, uh->dest);
	if (!l)
		return kims_gtpu_fast_core(kn, skb);
	return l->key.kind == KIMS_FLOW_MEDIA ? kims_fast_flow(kn, l, skb) :
						kims_gtpu_fast_rx(kn, l, skb);
}

/* Offset of the UDP header, or 0. The packet is whole. */
static unsigned int kims_udp_offset6(const struct sk_buff *skb)
{
	u8 nexthdr = ipv6_hdr(skb)->nexthdr;
	__be16 frag_off;
	int off = sizeof(struct ipv6hdr);

	if (likely(nexthdr == IPPROTO_UDP))
		return off;
	off = ipv6_skip_exthdr(skb, off, &nexthdr, &frag_off);
	return off > 0 && nexthdr == IPPROTO_UDP && !(frag_off & htons(~0x7)) ? off : 0;
}

static noinline unsigned int kims_hook6_any(struct kims_net *kn, struct sk_buff *skb)
{
	unsigned int l4;
	int err;

	if (ipv6_hdr(skb)->nexthdr != IPPROTO_UDP) {
		if (!ipv6_ext_hdr(ipv6_hdr(skb)->nexthdr) ||
		    !kims_is_local6(kn, &ipv6_hdr(skb)->daddr))
			return kims_enter(kn, NULL, skb, 0);
		err = nf_ct_frag6_gather(kn->net, skb, KIMS_DEFRAG_USER);
		if (err)
			return err == -EINPROGRESS ? NF_STOLEN : NF_DROP;
	}
	l4 = kims_udp_offset6(skb);
	if (!l4)
		return kims_enter(kn, NULL, skb, 0);
	if (unlikely(!pskb_may_pull(skb, l4 + sizeof(struct udphdr))))
		return NF_ACCEPT;
	return kims_enter(kn,
			  kims_local_at6(kn, &ipv6_hdr(skb)->daddr,
					   ((struct udphdr *)(skb->data + l4))->dest),
			  skb, l4);
}

/* As kims_hook4(). */
unsigned int kims_hook6(void *priv, struct sk_buff *skb, const struct nf_hook_state *state)
{
	const struct ipv6hdr *ip6h = ipv6_hdr(skb);
	const struct udphdr *uh = (const struct udphdr *)(ip6h + 1);
	struct kims_net *kn = priv;
	struct kims_local *l;

	if (ip6h->nexthdr != IPPROTO_UDP || skb_headlen(skb) < sizeof(*ip6h) + sizeof(*uh) ||
	    unlikely(!in_softirq()))
		return kims_hook6_any(kn, skb);
	l = kims_local_at6(kn, &ip6h->daddr, uh->dest);
	if (!l)
		return kims_gtpu_fast_core6(kn, skb);
	return l->key.kind == KIMS_FLOW_MEDIA ? kims_fast_flow6(kn, l, skb) :
						kims_gtpu_fast_rx6(kn, l, skb);
}

static const struct nf_hook_ops kims_flow_hooks[] = {
	{
		.hook = kims_hook4,
		.pf = NFPROTO_IPV4,
		.hooknum = NF_INET_PRE_ROUTING,
		.priority = KIMS_HOOK_PRIORITY,
	},
	{
		.hook = kims_hook6,
		.pf = NFPROTO_IPV6,
		.hooknum = NF_INET_PRE_ROUTING,
		.priority = KIMS_HOOK_PRIORITY,
	},
};

/* A family's hook comes with its first object and stays: a namespace without pays nothing. */
int kims_flow_hook(struct kims_net *kn, u8 family)
{
	struct kims_flow_net *fn = kn->flow;
	unsigned int i = family == AF_INET6;
	int err;

	lockdep_assert_held(&kn->lock);
	if (fn->hooked[i])
		return 0;
	fn->ops[i] = kims_flow_hooks[i];
	fn->ops[i].priv = kn;
	err = nf_register_net_hook(kn->net, &fn->ops[i]);
	fn->hooked[i] = !err;
	return err;
}

int kims_flow_net_init(struct kims_net *kn)
{
	kn->flow = kzalloc(sizeof(*kn->flow), GFP_KERNEL);
	if (!kn->flow)
		return -ENOMEM;
	kims_table_init(&kn->flow->locals);
	kims_table_init(&kn->flow->addrs);
	return 0;
}

void kims_flow_net_exit(struct kims_net *kn)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(kn->flow->ops); i++)
		if (kn->flow->hooked[i])
			nf_unregister_net_hook(kn->net, &kn->flow->ops[i]);
	synchronize_rcu();
	kims_routes_exit(kn);
	kims_table_destroy(&kn->flow->locals);
	kims_table_destroy(&kn->flow->addrs);
	kfree(kn->flow);
}
