// SPDX-License-Identifier: GPL-2.0
/*
 * A media packet whose whole payload is looked at or changed; what the packet goes through:
 *
 *	sender -> decrypt -> RTP/RTCP, gate -> telephone event -> copy -> encrypt -> count
 *
 * All of it happens under kims_rtp.lock, so that a packet that does not pass has changed nothing
 * but the state that says so: only an authentic packet moves a replay window or RFC 3550 state,
 * and a peer is learned from a packet that is sent on.
 *
 * What is encrypted here without having been decrypted here has its UDP checksum verified before:
 * else a damaged packet would leave as an authentic one. The checksum of what has changed is made
 * new.
 */
#include <linux/slab.h>
#include <linux/udp.h>
#include <net/ip.h>
#include <net/ip6_checksum.h>
#include "rtp/rtp.h"
#include "rtp/srtp.h"

/* A packet under way. */
struct kims_rtp_pass {
	struct sk_buff *skb;
	struct sk_buff *copy; /* for the recorder, or NULL */
	struct kims_end from;
	unsigned int off; /* of the UDP payload */
	u16 len;	  /* of it */
	bool rtcp;
};

static u8 *kims_pass_payload(const struct kims_rtp_pass *pass)
{
	return pass->skb->data + pass->off;
}

static struct udphdr *kims_pass_udp(const struct kims_rtp_pass *pass)
{
	return (struct udphdr *)kims_pass_payload(pass) - 1;
}

static void kims_pass_sender(struct kims_rtp_pass *pass)
{
	const struct iphdr *iph = (const struct iphdr *)pass->skb->data;

	if (iph->version == 4)
		kims_addr_set4(&pass->from.addr, iph->saddr);
	else
		kims_addr_set6(&pass->from.addr, &((const struct ipv6hdr *)iph)->saddr);
	pass->from.port = kims_pass_udp(pass)->source;
}

/* --- checksum --- */

static __sum16 kims_pass_fold(const struct kims_rtp_pass *pass, __wsum sum)
{
	const struct iphdr *iph = (const struct iphdr *)pass->skb->data;
	const struct ipv6hdr *ip6h = (const struct ipv6hdr *)iph;
	unsigned int len = sizeof(struct udphdr) + pass->len;

	if (iph->version == 4)
		return csum_tcpudp_magic(iph->saddr, iph->daddr, len, IPPROTO_UDP, sum);
	return csum_ipv6_magic(&ip6h->saddr, &ip6h->daddr, len, IPPROTO_UDP, sum);
}

static bool kims_pass_undamaged(const struct kims_rtp_pass *pass)
{
	const struct udphdr *uh = kims_pass_udp(pass);

	if (pass->skb->ip_summed == CHECKSUM_UNNECESSARY ||
	    pass->skb->ip_summed == CHECKSUM_PARTIAL || !uh->check)
		return true;
	return !kims_pass_fold(pass, csum_partial(uh, sizeof(*uh) + pass->len, 0));
}

/* The payload is another one: lengths and checksum follow. */
static void kims_pass_changed(struct kims_rtp_pass *pass)
{
	struct udphdr *uh = kims_pass_udp(pass);
	struct sk_buff *skb = pass->skb;

	uh->len = htons(sizeof(*uh) + pass->len);
	if (!uh->check && skb->ip_summed != CHECKSUM_PARTIAL) {
		skb->ip_summed = CHECKSUM_NONE;
		return;
	}
	skb->ip_summed = CHECKSUM_PARTIAL;
	skb->csum_start = (unsigned char *)uh - skb->head;
	skb->csum_offset = offsetof(struct udphdr, check);
}

/* --- the steps; each gives 0 or a reason of drop --- */

static int kims_pass_decrypt(struct kims_srtp *srtp, struct kims_rtp_pass *pass)
{
	int why, len = pass->len;

	why = pass->rtcp ? kims_srtcp_decrypt(srtp, kims_pass_payload(pass), &len) :
			   kims_srtp_decrypt(srtp, kims_pass_payload(pass), &len);
	if (why)
		return why;
	pass->len = len;
	__skb_trim(pass->skb, pass->off + len);
	kims_pass_changed(pass);
	return 0;
}

static int kims_pass_encrypt(struct kims_srtp *srtp, struct kims_rtp_pass *pass)
{
	unsigned int room = kims_srtp_overhead(srtp, pass->rtcp);
	struct sk_buff *skb = pass->skb;
	int why, len = pass->len;

	if (len + room > U16_MAX - sizeof(struct ipv6hdr) - sizeof(struct udphdr))
		return KIMS_DROP_MALFORMED;
	if (skb_tailroom(skb) < room && pskb_expand_head(skb, 0, room, GFP_ATOMIC))
		return KIMS_DROP_NO_MEMORY;
	why = pass->rtcp ? kims_srtcp_encrypt(srtp, kims_pass_payload(pass), &len) :
			   kims_srtp_encrypt(srtp, kims_pass_payload(pass), &len);
	if (why)
		return why;
	skb_put(skb, len - pass->len);
	pass->len = len;
	kims_pass_changed(pass);
	return 0;
}

static int kims_pass_enter(struct kims_rtp_flow *rf, const struct kims_rtp_options *o,
			   struct kims_rtp_pass *pass)
{
	int why;

	kims_pass_sender(pass);
	why = kims_latch_check(rf->rtp, o, &pass->from);
	if (why)
		return why;
	if (o->in)
		return kims_pass_decrypt(o->in, pass);
	return o->out && !kims_pass_undamaged(pass) ? KIMS_DROP_MALFORMED : 0;
}

static int kims_pass_leave(struct kims_rtp_flow *rf, const struct kims_rtp_options *o,
			   struct kims_rtp_pass *pass)
{
	int why;

	if (o->telephone_event >= 0 && !pass->rtcp)
		kims_dtmf_look(rf, kims_pass_payload(pass), pass->len);
	if (o->record)
		pass->copy = kims_record_copy(rf->rtp, pass->skb);
	if (o->out) {
		why = kims_pass_encrypt(o->out, pass);
		if (why)
			return why;
	}
	if (o->latch != KIMS_LATCH_OFF)
		kims_latch_learn(rf, &pass->from);
	return 0;
}

static int kims_rtp_whole(struct kims_rtp_flow *rf, struct kims_rtp_pass *pass)
{
	const struct kims_rtp_options *o = rf->options;
	int why = 0;

	pass->rtcp = kims_rtp_is_rtcp(rf, kims_pass_payload(pass), pass->len);
	if ((o || pass->rtcp) && skb_linearize(pass->skb))
		return KIMS_DROP_NO_MEMORY;
	if (o)
		why = kims_pass_enter(rf, o, pass);
	if (!why)
		why = kims_rtp_look(rf, kims_pass_payload(pass), pass->len, pass->rtcp);
	if (why)
		return why;
	if (pass->rtcp)
		kims_rtcp_read(rf->rtp, kims_pass_payload(pass), pass->len);
	return o ? kims_pass_leave(rf, o, pass) : 0;
}

/* What does not need the lock, or takes that of others. */
static void kims_rtp_after(struct kims_rtp_flow *rf, struct kims_rtp_pass *pass, int why)
{
	const struct kims_rtp_options *o = rf->options;

	if (why) {
		kfree_skb(pass->copy);
		return;
	}
	if (pass->copy)
		kims_record_send(o->record, pass->copy, pass->off - sizeof(struct udphdr));
	if (pass->rtcp && o && o->reverse)
		kims_rtcp_round_trip(rf->rtp, o->reverse);
}

int kims_rtp_transform(struct kims_flow *f, struct sk_buff *skb, unsigned int off, u16 *len,
		       int why)
{
	struct kims_rtp_pass pass = { .skb = skb, .off = off, .len = *len };
	struct kims_rtp_flow *rf = kims_rtp_flow(f);
	struct kims_rtp *rtp = rf->rtp;

	spin_lock(&rtp->lock);
	if (unlikely(rtp->activity == KIMS_RTP_DEAD)) {
		spin_unlock(&rtp->lock);
		return KIMS_FLOW_GONE;
	}
	if (!why)
		why = kims_rtp_whole(rf, &pass);
	kims_rtp_count_packet(rf, pass.len, pass.rtcp, why);
	spin_unlock(&rtp->lock);
	kims_rtp_after(rf, &pass, why);
	*len = pass.len;
	return why;
}
