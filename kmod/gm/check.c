// SPDX-License-Identifier: GPL-2.0
/*
 * The check of Gm, at LOCAL_IN: what TCP and UDP deliver to a protected port has come through the
 * SA set bound to its UE (TS 33.203 7.1, 7.2); and at LOCAL_OUT the count of what is sent.
 *
 * After ESP in transport mode the stack runs the packet through PRE_ROUTING and LOCAL_IN again,
 * this time with the SA in its sec_path. The packet is dropped as
 *
 *   cleartext       it has no sec_path
 *   unbound         its SA belongs to no set (or has another reqid than the set says)
 *   wrong-sa        its addresses and ports are those of a set, its SA is another set's; or the
 *                   SA is its own set's, but not the one of these ports
 *   spoofed-source  its SA's UE has another address, and address and ports are no set's
 *   wrong-tunnel    all that is right, but it did not come by the GTP-U session of its set
 *
 * A packet that found a set which a delete or replace takes out of the tables at that moment
 * looks for its set again, so that none is delivered after the delete and none goes uncounted.
 */
#include <linux/netfilter_ipv4.h>
#include <linux/netfilter_ipv6.h>
#include <linux/slab.h>
#include <net/ip.h>
#include <net/xfrm.h>
#include "gm/gm.h"
#include "trace.h"

/* Behind everything that an operator may have put there: what is counted is what is delivered. */
#define KIMS_GM_PRIORITY (NF_IP_PRI_LAST - 1)

/* --- reading the packet --- */

static bool kims_gm_read_ports(const struct sk_buff *skb, unsigned int l4, u8 protocol,
			       struct kims_gm_packet *p)
{
	__be16 buffer[2];
	const __be16 *ports;

	if (protocol != IPPROTO_TCP && protocol != IPPROTO_UDP)
		return false;
	ports = skb_header_pointer(skb, l4, sizeof(buffer), buffer);
	if (!ports)
		return false;
	p->protocol = protocol;
	p->sport = ports[0];
	p->dport = ports[1];
	return true;
}

static bool kims_gm_read4(const struct sk_buff *skb, struct kims_gm_packet *p)
{
	const struct iphdr *iph = ip_hdr(skb);

	if (!kims_gm_read_ports(skb, ip_hdrlen(skb), iph->protocol, p))
		return false;
	kims_addr_set4(&p->saddr, iph->saddr);
	kims_addr_set4(&p->daddr, iph->daddr);
	return true;
}

/* Fragments to a protected address have been put together at PRE_ROUTING. */
static bool kims_gm_read6(const struct sk_buff *skb, struct kims_gm_packet *p)
{
	const struct ipv6hdr *ip6h = ipv6_hdr(skb);
	u8 nexthdr = ip6h->nexthdr;
	__be16 frag_off;
	int l4;

	l4 = ipv6_skip_exthdr(skb, sizeof(*ip6h), &nexthdr, &frag_off);
	if (l4 < 0 || frag_off & htons(~0x7))
		return false;
	kims_addr_set6(&p->saddr, &ip6h->saddr);
	kims_addr_set6(&p->daddr, &ip6h->daddr);
	return kims_gm_read_ports(skb, l4, nexthdr, p);
}

static bool kims_gm_read(const struct sk_buff *skb, u8 family, struct kims_gm_packet *p)
{
	return family == NFPROTO_IPV4 ? kims_gm_read4(skb, p) : kims_gm_read6(skb, p);
}

static unsigned int kims_gm_packets(const struct sk_buff *skb)
{
	return skb_is_gso(skb) ? max_t(unsigned int, skb_shinfo(skb)->gso_segs, 1) : 1;
}

/* --- LOCAL_IN --- */

/* The state that the packet was decrypted with last, if any. */
static const struct xfrm_state *kims_gm_state(const struct sk_buff *skb)
{
	const struct sec_path *sp = skb_sec_path(skb);

	return sp && sp->len ? sp->xvec[sp->len - 1] : NULL;
}

/* Which of the set's inbound SAs these ports belong to, if they do; -1. */
static int kims_gm_sa_of_ports(const struct kims_sa_conf *c, const struct kims_gm_packet *p)
{
	if (p->dport == c->port[KIMS_SA_PS] && p->sport == c->port[KIMS_SA_UC])
		return KIMS_SA_PS;
	if (p->dport == c->port[KIMS_SA_PC] && p->sport == c->port[KIMS_SA_US])
		return KIMS_SA_PC;
	return -1;
}

/* Returns 0 and the SA, or the reason of drop. */
static int kims_gm_judge(const struct kims_net *kn, const struct sk_buff *skb,
			 const struct kims_gm_packet *p, const struct xfrm_state *x, const struct kims_sa_set *set, int *ret_sa)
{
	bool exact;

	if (!x)
		return KIMS_DROP_CLEARTEXT;
	if (!set || (set->conf.reqid && set->conf.reqid != x->props.reqid))
		return KIMS_DROP_UNBOUND;
	if (!kims_addr_equal(&set->conf.ue, &p->saddr)) {
		kims_sa_set_find_owner(kn, p, &exact);
		return exact ? KIMS_DROP_WRONG_SA : KIMS_DROP_SPOOFED_SOURCE;
	}
	*ret_sa = kims_gm_sa_of_ports(&set->conf, p);
	if (*ret_sa < 0 || set->conf.spi[*ret_sa] != x->id.spi)
		return KIMS_DROP_WRONG_SA;
	if (set->conf.session && set->conf.session != kims_skb_session(skb))
		return KIMS_DROP_WRONG_TUNNEL;
	return 0;
}

/* SPIs are unique per destination only: that of the state must be the packet's own (no tunnel). */
static bool kims_gm_state_is_ours(const struct xfrm_state *x, const struct kims_addr *local)
{
	if (!x || x->id.proto != IPPROTO_ESP)
		return false;
	if (local->family == AF_INET)
		return x->id.daddr.a4 == local->v4;
	return ipv6_addr_equal(&x->id.daddr.in6, &local->v6);
}

static struct kims_sa_set *kims_gm_set(const struct kims_net *kn, const struct kims_gm_packet *p,
				       const struct xfrm_state *x)
{
	if (!kims_gm_state_is_ours(x, &p->daddr))
		return NULL;
	return kims_sa_set_find_spi(kn, &p->daddr, x->id.spi);
}

/* False: the set is gone. */
static bool kims_gm_pass(struct kims_sa_set *set, enum kims_sa sa, const struct sk_buff *skb)
{
	return kims_sa_pass(kims_sa_passed(set, sa), kims_gm_packets(skb), skb->len);
}

static void kims_gm_drop(struct kims_net *kn, struct kims_gm_port *port, struct sk_buff *skb,
			 const struct kims_gm_packet *p, int reason, struct kims_sa_set *set)
{
	const struct xfrm_state *x = kims_gm_state(skb);

	trace_kims_gm_drop(set ? set->id : 0, reason, skb);
	kims_net_drop(kn, reason);
	kims_gm_port_drop(port, reason);
	if (set)
		kims_sa_set_drop(set, reason);
	kims_gm_violation(kn, skb, p, reason, x ? x->id.spi : 0, set);
}

static unsigned int kims_gm_check(struct kims_gm_net *gn, struct kims_gm_port *port,
				  struct sk_buff *skb, const struct kims_gm_packet *p)
{
	const struct xfrm_state *x = kims_gm_state(skb);
	struct kims_sa_set *set = kims_gm_set(gn->kn, p, x);
	int sa, reason;

	reason = kims_gm_judge(gn->kn, skb, p, x, set, &sa);
	if (!reason && unlikely(!kims_gm_pass(set, sa, skb))) {
		/* Deleted or replaced this moment. */
		set = kims_gm_set(gn->kn, p, x);
		reason = kims_gm_judge(gn->kn, skb, p, x, set, &sa);
		if (!reason && !kims_gm_pass(set, sa, skb))
			reason = KIMS_DROP_UNBOUND;
	}
	if (likely(!reason)) {
		kims_gm_port_passed(port);
		return NF_ACCEPT;
	}
	kims_gm_drop(gn->kn, port, skb, p, reason, set);
	return kims_drop(skb, reason);
}

/* Whatever is not the common packet under the right SA; with all that there is to say about it. */
static noinline unsigned int kims_gm_in_slow(struct kims_gm_net *gn, struct sk_buff *skb, u8 family)
{
	struct kims_gm_packet p;
	struct kims_gm_port *port;
	unsigned int verdict;

	if (!kims_gm_read(skb, family, &p))
		return NF_ACCEPT;
	port = kims_gm_port_find(gn->kn, &p.daddr, p.dport);
	if (!port)
		return NF_ACCEPT;
	local_bh_disable();
	verdict = kims_gm_check(gn, port, skb, &p);
	local_bh_enable();
	return verdict;
}

/* --- the short way --- */

/* Whether the packet, which is what in says, may pass; and then it is counted. */
static __always_inline bool kims_gm_short(struct kims_sa_in *in, const struct xfrm_state *x,
					  const struct sk_buff *skb)
{
	struct kims_gm_port *port = rcu_dereference(in->port);

	/* BH is on only in what comes back from an NFQUEUE. */
	if (unlikely(!port || x->id.proto != IPPROTO_ESP || !in_softirq()) ||
	    unlikely((x->props.reqid ^ in->reqid) & in->reqid_mask) ||
	    unlikely(!kims_sa_pass(&in->passed, kims_gm_packets(skb), skb->len)))
		return false;
	kims_gm_port_passed(port);
	return true;
}

/* Of a UE that came by GTP-U. Apart, so that the others do not pay for the call in here. */
static noinline unsigned int kims_gm_short_tunnel(struct kims_gm_net *gn, struct kims_sa_in *in,
						  const struct xfrm_state *x, struct sk_buff *skb)
{
	if (likely(in->session == kims_skb_session(skb)) && likely(kims_gm_short(in, x, skb)))
		return NF_ACCEPT;
	return kims_gm_in_slow(gn, skb, in->set->conf.ue.family == AF_INET ? NFPROTO_IPV4 :
									       NFPROTO_IPV6);
}

/* The SA that the packet, of state x, is to be under. */
static __always_inline struct kims_sa_in *
kims_gm_short_find4(const struct kims_gm_net *gn, const struct xfrm_state *x,
		    const struct iphdr *iph)
{
	struct kims_buckets *b;
	struct kims_node *node;
	struct kims_sa_in *in;

	kims_table_for_each(&gn->in, b, node, kims_sa_in_hash(&gn->in, x->id.spi)) {
		in = container_of(node, struct kims_sa_in, node);
		if (likely(in->spi == x->id.spi &&
			   in->addrs == get_unaligned((const u64 *)&iph->saddr) &&
			   in->ports == *(const u32 *)(iph + 1)))
			return likely(x->id.daddr.a4 == iph->daddr) ? in : NULL;
	}
	return NULL;
}

static bool kims_gm_is_l4(u8 protocol)
{
	return protocol == IPPROTO_UDP || protocol == IPPROTO_TCP;
}

/*
 * The common packet comes here twice: as ESP, which goes on at once, and decrypted. A header with
 * options, or one that is not in the linear part, has time.
 */
static unsigned int kims_gm_in4(void *priv, struct sk_buff *skb, const struct nf_hook_state *state)
{
	const struct iphdr *iph = ip_hdr(skb);
	struct kims_gm_net *gn = priv;
	const struct xfrm_state *x;
	const struct sec_path *sp;
	struct kims_sa_in *in;

	if (!kims_gm_is_l4(iph->protocol))
		return NF_ACCEPT;
	if (unlikely(!secpath_exists(skb) || *(const u8 *)iph != 0x45 || skb_is_nonlinear(skb) ||
		     skb->len < sizeof(*iph) + sizeof(u32)))
		goto slow;
	sp = skb_sec_path(skb);
	if (unlikely(!sp->len))
		goto slow;
	x = sp->xvec[sp->len - 1];
	in = kims_gm_short_find4(gn, x, iph);
	if (unlikely(!in))
		goto slow;
	if (in->session)
		return kims_gm_short_tunnel(gn, in, x, skb);
	if (likely(kims_gm_short(in, x, skb)))
		return NF_ACCEPT;
slow:
	return kims_gm_in_slow(gn, skb, NFPROTO_IPV4);
}

static struct kims_sa_in *kims_gm_short_find6(const struct kims_gm_net *gn,
					      const struct xfrm_state *x,
					      const struct ipv6hdr *ip6h)
{
	const struct kims_sa_conf *c;
	struct kims_buckets *b;
	struct kims_node *node;
	struct kims_sa_in *in;

	if (unlikely(!ipv6_addr_equal(&x->id.daddr.in6, &ip6h->daddr)))
		return NULL;
	kims_table_for_each(&gn->in, b, node, kims_sa_in_hash(&gn->in, x->id.spi)) {
		in = container_of(node, struct kims_sa_in, node);
		c = &in->set->conf;
		if (in->spi == x->id.spi && in->ports == *(const u32 *)(ip6h + 1) &&
		    c->ue.family == AF_INET6 && ipv6_addr_equal(&c->local.v6, &ip6h->daddr) &&
		    ipv6_addr_equal(&c->ue.v6, &ip6h->saddr))
			return in;
	}
	return NULL;
}

static unsigned int kims_gm_in6(void *priv, struct sk_buff *skb, const struct nf_hook_state *state)
{
	const struct ipv6hdr *ip6h = ipv6_hdr(skb);
	struct kims_gm_net *gn = priv;
	const struct xfrm_state *x;
	struct kims_sa_in *in;

	if (ip6h->nexthdr == IPPROTO_ESP)
		return NF_ACCEPT;
	x = kims_gm_state(skb);
	if (!x || !kims_gm_is_l4(ip6h->nexthdr) || skb_headlen(skb) < sizeof(*ip6h) + sizeof(u32))
		return kims_gm_in_slow(gn, skb, NFPROTO_IPV6);
	in = kims_gm_short_find6(gn, x, ip6h);
	if (in && in->session)
		return kims_gm_short_tunnel(gn, in, x, skb);
	if (in && kims_gm_short(in, x, skb))
		return NF_ACCEPT;
	return kims_gm_in_slow(gn, skb, NFPROTO_IPV6);
}

/* --- LOCAL_OUT --- */

static unsigned int kims_gm_out(void *priv, struct sk_buff *skb, const struct nf_hook_state *state)
{
	const struct xfrm_state *x = skb_dst(skb) ? dst_xfrm(skb_dst(skb)) : NULL;
	struct kims_gm_net *gn = priv;
	struct kims_gm_packet p;
	struct kims_sa_set *set;
	enum kims_sa sa;

	if (!x || x->id.proto != IPPROTO_ESP || !kims_gm_read(skb, state->pf, &p))
		return NF_ACCEPT;
	set = kims_sa_set_find_out(gn->kn, &p.daddr, x->id.spi, &sa);
	if (!set)
		return NF_ACCEPT;
	local_bh_disable();
	kims_gm_pass(set, sa, skb);
	local_bh_enable();
	return NF_ACCEPT;
}

/* --- hooks --- */

#define KIMS_GM_HOOK(family, number, function)      \
	{                                           \
		.hook = function,                   \
		.pf = family,                       \
		.hooknum = number,                  \
		.priority = KIMS_GM_PRIORITY,       \
	}

static const struct nf_hook_ops kims_gm_hooks[] = {
	KIMS_GM_HOOK(NFPROTO_IPV4, NF_INET_LOCAL_IN, kims_gm_in4),
	KIMS_GM_HOOK(NFPROTO_IPV6, NF_INET_LOCAL_IN, kims_gm_in6),
	KIMS_GM_HOOK(NFPROTO_IPV4, NF_INET_LOCAL_OUT, kims_gm_out),
	KIMS_GM_HOOK(NFPROTO_IPV6, NF_INET_LOCAL_OUT, kims_gm_out),
};

int kims_gm_hook(struct kims_net *kn)
{
	struct kims_gm_net *gn = kn->gm;
	int err, i;

	lockdep_assert_held(&kn->lock);
	if (gn->hooked)
		return 0;
	BUILD_BUG_ON(sizeof(gn->ops) != sizeof(kims_gm_hooks));
	memcpy(gn->ops, kims_gm_hooks, sizeof(gn->ops));
	for (i = 0; i < ARRAY_SIZE(gn->ops); i++)
		gn->ops[i].priv = gn;
	err = nf_register_net_hooks(kn->net, gn->ops, ARRAY_SIZE(gn->ops));
	gn->hooked = !err;
	return err;
}

int kims_gm_net_init(struct kims_net *kn)
{
	struct kims_gm_net *gn = kzalloc(sizeof(*gn), GFP_KERNEL);
	int i;

	if (!gn)
		return -ENOMEM;
	gn->kn = kn;
	kims_table_init(&gn->ports);
	kims_table_init(&gn->in);
	kims_table_init(&gn->ues);
	INIT_LIST_HEAD(&gn->port_list);
	xa_init_flags(&gn->sets, XA_FLAGS_ALLOC1);
	for (i = 0; i < ARRAY_SIZE(gn->limit); i++) {
		ratelimit_state_init(&gn->limit[i], HZ, 10);
		ratelimit_set_flags(&gn->limit[i], RATELIMIT_MSG_ON_RELEASE);
	}
	kn->gm = gn;
	return 0;
}

static void kims_gm_flush(struct kims_net *kn)
{
	struct kims_gm_port *port, *next;
	struct kims_sa_set *set;
	unsigned long id;

	mutex_lock(&kn->lock);
	list_for_each_entry_safe(port, next, &kn->gm->port_list, list) {
		kims_gm_port_del(kn, port);
		kims_gm_port_free(kn, port);
	}
	xa_for_each(&kn->gm->sets, id, set) {
		kims_sa_set_delete(kn, set);
		kims_sa_set_free(set);
	}
	mutex_unlock(&kn->lock);
}

void kims_gm_net_exit(struct kims_net *kn)
{
	struct kims_gm_net *gn = kn->gm;

	if (gn->hooked)
		nf_unregister_net_hooks(kn->net, gn->ops, ARRAY_SIZE(gn->ops));
	kims_gm_flush(kn);
	synchronize_rcu();
	xa_destroy(&gn->sets);
	kims_table_destroy(&gn->ports);
	kims_table_destroy(&gn->in);
	kims_table_destroy(&gn->ues);
	kfree(gn);
}
