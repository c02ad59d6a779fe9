// SPDX-License-Identifier: GPL-2.0
/*
 * violation-ntf: tells who listens about a packet that the check of Gm dropped, who sent it by
 * its SA and whose source address it bore. At most 10 a second and reason in a namespace; the
 * next one says how many were not sent.
 */
#include "genl.h"
#include "gm/gm.h"

static int kims_gm_put_packet(struct sk_buff *skb, const struct kims_gm_packet *p)
{
	return nla_put_u32(skb, KIMS_VIOLATION_A_PROTOCOL, p->protocol) ?:
	       kims_nl_put_addr(skb, KIMS_VIOLATION_A_SRC_IPV4, KIMS_VIOLATION_A_SRC_IPV6,
				&p->saddr) ?:
	       nla_put_u32(skb, KIMS_VIOLATION_A_SRC_PORT, ntohs(p->sport)) ?:
	       kims_nl_put_addr(skb, KIMS_VIOLATION_A_DST_IPV4, KIMS_VIOLATION_A_DST_IPV6,
				&p->daddr) ?:
	       nla_put_u32(skb, KIMS_VIOLATION_A_DST_PORT, ntohs(p->dport));
}

static int kims_gm_put_sa(struct sk_buff *skb, const struct kims_sa_set *set)
{
	if (!set)
		return 0;
	return nla_put_u32(skb, KIMS_VIOLATION_A_SA_SET_ID, set->id) ?:
	       nla_put_u64_64bit(skb, KIMS_VIOLATION_A_SA_UE_ID, set->conf.ue_id,
				 KIMS_VIOLATION_A_PAD) ?:
	       nla_put_string(skb, KIMS_VIOLATION_A_SA_LABEL, set->conf.label);
}

static int kims_gm_put_owner(struct sk_buff *skb, const struct kims_sa_set *set)
{
	if (!set)
		return 0;
	return nla_put_u32(skb, KIMS_VIOLATION_A_OWNER_SET_ID, set->id) ?:
	       nla_put_u64_64bit(skb, KIMS_VIOLATION_A_OWNER_UE_ID, set->conf.ue_id,
				 KIMS_VIOLATION_A_PAD) ?:
	       nla_put_string(skb, KIMS_VIOLATION_A_OWNER_LABEL, set->conf.label);
}

static int kims_gm_put_session(struct sk_buff *skb, const struct sk_buff *packet)
{
	u64 session = kims_skb_session(packet);

	return session ? nla_put_u64_64bit(skb, KIMS_VIOLATION_A_GTPU_SESSION, session,
					   KIMS_VIOLATION_A_PAD) : 0;
}

static int kims_gm_put_violation(struct sk_buff *skb, struct kims_net *kn,
				 const struct sk_buff *packet, const struct kims_gm_packet *p, int reason, __be32 spi,
				 const struct kims_sa_set *set)
{
	struct nlattr *nest = nla_nest_start(skb, KIMS_A_VIOLATION);
	u32 suppressed = atomic_xchg(&kn->gm->suppressed[reason], 0);
	bool exact;

	if (!nest || nla_put_u32(skb, KIMS_VIOLATION_A_REASON, reason) ||
	    kims_gm_put_packet(skb, p) ||
	    (spi && nla_put_u32(skb, KIMS_VIOLATION_A_SPI, ntohl(spi))) ||
	    kims_gm_put_sa(skb, set) ||
	    kims_gm_put_owner(skb, kims_sa_set_find_owner(kn, p, &exact)) ||
	    kims_gm_put_session(skb, packet) ||
	    nla_put_u32(skb, KIMS_VIOLATION_A_SUPPRESSED, suppressed))
		return -EMSGSIZE;
	nla_nest_end(skb, nest);
	return 0;
}

void kims_gm_violation(struct kims_net *kn, const struct sk_buff *packet,
		       const struct kims_gm_packet *p, int reason, __be32 spi,
		       const struct kims_sa_set *set)
{
	struct sk_buff *skb;
	void *hdr;

	if (!__ratelimit(&kn->gm->limit[reason])) {
		atomic_inc(&kn->gm->suppressed[reason]);
		return;
	}
	skb = kims_nl_event_new(kn, KIMS_CMD_VIOLATION_NTF, KIMS_NLGRP_GM, &hdr);
	if (skb)
		kims_nl_event_send(kn, skb, hdr, KIMS_NLGRP_GM,
				   kims_gm_put_violation(skb, kn, packet, p, reason, spi, set));
}
