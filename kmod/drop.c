// SPDX-License-Identifier: GPL-2.0
/*
 * Drops by reason, for tools that know nothing of kims; see drop.h.
 *
 * The names of the kernel's reasons are a fixed list: a subsystem of our own
 * (drop_reasons_register_subsys(), since 6.4) needs a number in enum skb_drop_reason_subsys, which
 * only the kernel's source can give. What a module can choose is the place where a packet is freed,
 * and that is what these tools print as a symbol: "kims_drop_spoofed_ue [kims]". So each reason has
 * its function.
 */
#include "drop.h"

/* The name of the function, of ours, of the kernel's nearest (6.1). */
#define KIMS_DROPS(X)						\
	X(malformed, MALFORMED, HDR_TRUNC)			\
	X(source, SOURCE, IP_RPFILTER)				\
	X(gate, GATE, NETFILTER_DROP)				\
	X(payload_type, PAYLOAD_TYPE, NETFILTER_DROP)		\
	X(ttl, TTL, IP_INHDR)					\
	X(no_route, NO_ROUTE, IP_OUTNOROUTES)			\
	X(no_memory, NO_MEMORY, NOMEM)				\
	X(cleartext, CLEARTEXT, XFRM_POLICY)			\
	X(unbound, UNBOUND, XFRM_POLICY)			\
	X(wrong_sa, WRONG_SA, XFRM_POLICY)			\
	X(spoofed_source, SPOOFED_SOURCE, IP_RPFILTER)		\
	X(unknown_teid, UNKNOWN_TEID, NO_SOCKET)		\
	X(no_pdr, NO_PDR, NETFILTER_DROP)			\
	X(spoofed_ue, SPOOFED_UE, IP_RPFILTER)			\
	X(far, FAR, NETFILTER_DROP)				\
	X(rate, RATE, QDISC_DROP)				\
	X(quota, QUOTA, NETFILTER_DROP)				\
	X(buffer_full, BUFFER_FULL, FULL_RING)			\
	X(buffer_timeout, BUFFER_TIMEOUT, NEIGH_FAILED)		\
	X(too_big, TOO_BIG, PKT_TOO_BIG)			\
	X(extension_header, EXTENSION_HEADER, UNHANDLED_PROTO)	\
	X(app, APP, NETFILTER_DROP)				\
	X(no_device, NO_DEVICE, DEV_READY)			\
	X(ssrc, SSRC, NETFILTER_DROP)				\
	X(sequence, SEQUENCE, NETFILTER_DROP)			\
	X(srtp_auth, SRTP_AUTH, XFRM_POLICY)			\
	X(srtp_replay, SRTP_REPLAY, XFRM_POLICY)		\
	X(srtp_limit, SRTP_LIMIT, XFRM_POLICY)			\
	X(wrong_tunnel, WRONG_TUNNEL, IP_RPFILTER)

/* The operand keeps the compiler from merging functions, and from jumping to what must be called. */
#define KIMS_DROP_FN(name, reason, kernels)				\
static noinline void kims_drop_##name(struct sk_buff *skb)		\
{									\
	kfree_skb_reason(skb, SKB_DROP_REASON_##kernels);		\
	asm volatile("" : : "i" (KIMS_DROP_##reason) : "memory");	\
}
KIMS_DROPS(KIMS_DROP_FN)

#define KIMS_DROP_ENTRY(name, reason, kernels)	\
	[KIMS_DROP_##reason] = kims_drop_##name,
static void (*const kims_drop_fns[__KIMS_DROP_MAX])(struct sk_buff *skb) = {
	KIMS_DROPS(KIMS_DROP_ENTRY)
};

#define KIMS_DROP_ONE(name, reason, kernels) + 1
/* All but 0 and the padding. */
static_assert(0 KIMS_DROPS(KIMS_DROP_ONE) == __KIMS_DROP_MAX - 2);

unsigned int kims_drop(struct sk_buff *skb, int why)
{
	if (likely(why > 0 && why < ARRAY_SIZE(kims_drop_fns) && kims_drop_fns[why]))
		kims_drop_fns[why](skb);
	else
		kfree_skb(skb);
	return NF_STOLEN;
}
