// SPDX-License-Identifier: GPL-2.0
/*
 * The access side: plain packets of phones that sit behind a link of this host, into the tunnels
 * that their rules say (TS 29.244 5.2.1, 8.2.62 with S/D 0: the UE address is the source). So a
 * namespace is the SGW-U, eNodeB or ePDG of these phones; what comes for them in a tunnel leaves
 * by the route (act.c).
 *
 * A PDR is of this side when it has source interface access and no F-TEID. Its filters are
 * evaluated uplink, as a TFT in a phone.
 *
 * Invariants:
 *  - a packet of a phone meets the rules of its session or is dropped, counted: nothing of it goes
 *    around its bearers, but for what is for this host itself or for a group of its link;
 *  - a phone is no peer: its own GTP-U to an endpoint of this host is dropped;
 *  - the packet goes into the tunnel as the phone sent it, hop limit and all: the first router that
 *    it sees is at the other end (TS 23.401 5.1.2).
 *
 * A namespace without such a PDR pays a branch that is patched out of the code.
 */
#include <linux/inetdevice.h>
#include <net/addrconf.h>
#include <net/ip.h>
#include <net/route.h>
#include "gtpu/gtpu.h"
#include "trace.h"

DEFINE_STATIC_KEY_FALSE(kims_access_key);

/* No packet carries it. */
struct kims_tunnel kims_access;

void kims_access_use(struct kims_net *kn)
{
	lockdep_assert_held(&kn->lock);
	if (kn->gtpu->has_access)
		return;
	WRITE_ONCE(kn->gtpu->has_access, true);
	static_branch_inc(&kims_access_key);
}

void kims_access_net_exit(struct kims_net *kn)
{
	if (kn->gtpu->has_access)
		static_branch_dec(&kims_access_key);
}

/* The session whose phone has sent the packet, NULL: it is of no phone on this side. */
static struct kims_session *kims_access_session(const struct kims_net *kn,
						const struct sk_buff *skb)
{
	const struct kims_rules *rules;
	const struct kims_ue *ue;

	ue = skb->protocol == htons(ETH_P_IP) ? kims_ue_find4(kn, ip_hdr(skb)->saddr) :
						kims_ue_find6(kn, &ipv6_hdr(skb)->saddr);
	rules = ue ? rcu_dereference(ue->session->rules) : NULL;
	return rules && rules->access ? ue->session : NULL;
}

bool __kims_access_from(const struct kims_net *kn, const struct sk_buff *skb)
{
	return kims_access_session(kn, skb);
}

/* For this host, or for its link: neighbour discovery, a gateway that is pinged. */
static bool kims_access_here(const struct kims_net *kn, const struct sk_buff *skb)
{
	const struct in6_addr *daddr;

	if (skb->pkt_type != PACKET_HOST)
		return true;
	if (skb->protocol == htons(ETH_P_IP))
		return inet_addr_type_dev_table(kn->net, skb->dev, ip_hdr(skb)->daddr) !=
		       RTN_UNICAST;
	daddr = &ipv6_hdr(skb)->daddr;
	return ipv6_addr_type(daddr) & (IPV6_ADDR_LINKLOCAL | IPV6_ADDR_MULTICAST) ||
	       ipv6_chk_addr(kn->net, daddr, NULL, 0);
}

static void kims_access_count(struct kims_net *kn)
{
	struct kims_net_stats *s = this_cpu_ptr(kn->stats);

	u64_stats_update_begin(&s->syncp);
	u64_stats_inc(&s->access_received);
	u64_stats_update_end(&s->syncp);
}

int __kims_access_rx(struct kims_net *kn, struct sk_buff *skb)
{
	struct kims_session *s = kims_access_session(kn, skb);
	struct kims_inner in;
	int why;

	if (!s || kims_is_dev(skb->dev))
		return -1;
	if (kims_access_here(kn, skb))
		return NF_ACCEPT;
	in.session = s;
	in.pdr = NULL;
	in.qfi = -1;
	why = kims_inner_read(&in, skb);
	if (likely(!why))
		why = kims_gtpu_act(&in, &kims_access, NULL, skb, false);
	if (unlikely(why < 0)) /* counted when it comes back */
		return kims_app_queue(in.pdr);
	kims_access_count(kn);
	if (likely(!why))
		return NF_STOLEN;
	kims_net_drop(kn, why);
	if (!in.pdr)
		trace_kims_session_drop(s->id, 0, why, skb);
	return kims_drop(skb, why);
}
