// SPDX-License-Identifier: GPL-2.0
/*
 * GTP-U messages that are no G-PDU (TS 29.281 7): Echo, Error Indication, Supported Extension
 * Headers Notification, End Marker.
 *
 * Invariants:
 *  - what anybody can make us send is limited, per peer and in the namespace, but for the answer
 *    to an Echo Request, which is as long as the request; nothing is ever sent because of an
 *    Error Indication, a notification or a response;
 *  - messages are read from a copy of their first octets: information elements that lie further
 *    back are optional and not looked at;
 *  - an End Marker of ours is sent after a grace period: behind every packet that found the tunnel
 *    by the rules from before the change.
 *
 * How messages leave is message.c's.
 */
#include <linux/ip.h>
#include <linux/slab.h>
#include <linux/udp.h>
#include <linux/unaligned.h>
#include "genl.h"
#include "gtpu/gtpu.h"
#include "gtpu/message.h"

/* TS 29.281 8.1 */
#define GTPU_IE_RECOVERY 14
#define GTPU_IE_TEID_DATA_I 16
#define GTPU_IE_PEER_ADDRESS 133
#define GTPU_IE_EXTENSION_HEADER_TYPES 141
#define GTPU_IE_IS_TLV 0x80
#define GTPU_IE_RECOVERY_LEN 1

/* TS 29.281 5.2.1 */
#define GTPU_EXT_UDP_PORT 0x40
#define GTPU_EXT_PDU_SESSION_CONTAINER 0x85
#define GTPU_EXT_NEEDED 0x80

#define GTPU_E 0x04
#define GTPU_OPTIONAL 0x07

/* Octets of a message that are looked at. */
#define KIMS_MESSAGE_READ 192

/* Messages a second that are not answers, and how many at once. */
#define KIMS_LIMIT_PEER 10
#define KIMS_LIMIT_ALL 200
#define KIMS_LIMIT_EVENTS 5000

/* --- limits --- */

static bool kims_limit_pass(atomic64_t *tat, u32 per_second)
{
	s64 now = ktime_get_ns(), old = atomic64_read(tat);

	if (old - now > NSEC_PER_SEC)
		return false;
	/* Whoever loses the race was one too many. */
	return atomic64_cmpxchg(tat, old, max(old, now) + NSEC_PER_SEC / per_second) == old;
}

/* Not the hash of the tables: its product keeps neighbours near each other, and these are eNBs of one rack. */
static u32 kims_limit_of(const struct kims_gtpu_net *gn, const struct kims_addr *peer)
{
	u32 seed = gn->tunnels.seed;
	u32 hash = peer->family == AF_INET ? jhash_1word((__force u32)peer->v4, seed) :
					     jhash2((const u32 *)peer->v6.s6_addr32, 4, seed);

	return reciprocal_scale(hash, KIMS_GTPU_LIMIT_PEERS);
}

static bool kims_may_send(struct kims_gtpu_ep *ep, const struct kims_addr *peer)
{
	struct kims_gtpu_net *gn = ep->kn->gtpu;
	u32 at = kims_limit_of(gn, peer);

	return kims_limit_pass(&gn->limits.peers[at], KIMS_LIMIT_PEER) &&
	       kims_limit_pass(&gn->limits.all, KIMS_LIMIT_ALL);
}

static struct sk_buff *kims_signal_event(struct kims_net *kn, u8 cmd, void **ret_hdr)
{
	if (!kims_limit_pass(&kn->gtpu->limits.events, KIMS_LIMIT_EVENTS))
		return NULL;
	return kims_nl_event_new(kn, cmd, KIMS_NLGRP_GTPU, ret_hdr);
}

/* --- what has come --- */

struct kims_signal {
	struct kims_gtpu_ep *ep;
	struct kims_end from;
	u8 type;
	__be16 seq;	  /* 0: none */
	__be32 teid;
	const u8 *ie, *end; /* information elements that can be read */
	u8 data[KIMS_MESSAGE_READ];
};

static void kims_signal_from(struct kims_end *from, const struct sk_buff *skb,
			     const struct kims_packet *p)
{
	if (skb->protocol == htons(ETH_P_IP))
		kims_addr_set4(&from->addr, ip_hdr(skb)->saddr);
	else
		kims_addr_set6(&from->addr, &ipv6_hdr(skb)->saddr);
	from->port = p->sport;
}

/* Extension headers from *at of the type next. 0 or the reason of drop. */
static int kims_signal_extensions(struct kims_signal *m, const u8 **at, u8 next)
{
	int why = 0;
	u8 len;

	while (next) {
		if (m->end - *at < 4)
			return KIMS_DROP_MALFORMED;
		len = **at;
		if (!len || m->end - *at < len * 4)
			return KIMS_DROP_MALFORMED;
		if (next & GTPU_EXT_NEEDED && next != GTPU_EXT_PDU_SESSION_CONTAINER)
			why = KIMS_DROP_EXTENSION_HEADER;
		*at += len * 4;
		next = (*at)[-1];
	}
	return why;
}

/* The header (TS 29.281 5.1). len octets are in the message, n of them in data. */
static int kims_signal_header(struct kims_signal *m, unsigned int len, unsigned int n)
{
	const struct kims_gtpu_header *h = (const struct kims_gtpu_header *)m->data;
	const u8 *at = m->data + sizeof(*h);
	unsigned int whole;
	u8 next;

	if (n < sizeof(*h))
		return KIMS_DROP_MALFORMED;
	whole = sizeof(*h) + ntohs(h->length);
	if (whole > len)
		return KIMS_DROP_MALFORMED;
	m->type = h->type;
	m->teid = h->teid;
	m->end = m->data + min(n, whole);
	m->ie = at;
	if (!(h->flags & GTPU_OPTIONAL))
		return 0;
	if (m->end - at < 4)
		return KIMS_DROP_MALFORMED;
	memcpy(&m->seq, at, sizeof(m->seq));
	next = at[3];
	m->ie = at += 4;
	if (!(h->flags & GTPU_E))
		return 0;
	return kims_signal_extensions(m, &m->ie, next);
}

static int kims_signal_read(struct kims_signal *m, struct kims_gtpu_ep *ep,
			    const struct sk_buff *skb, const struct kims_packet *p,
			    unsigned int gtp)
{
	unsigned int end = p->l4 + sizeof(struct udphdr) + p->len;
	unsigned int len = end > gtp ? end - gtp : 0;
	unsigned int n = min_t(unsigned int, len, sizeof(m->data));

	m->ep = ep;
	m->seq = 0;
	kims_signal_from(&m->from, skb, p);
	if (skb_copy_bits(skb, gtp, m->data, n))
		return KIMS_DROP_MALFORMED;
	return kims_signal_header(m, len, n);
}

/* The next information element: its type and value. false: no more, or cut off. */
static bool kims_signal_ie(const struct kims_signal *m, const u8 **at, u8 *ret_type,
			   const u8 **ret_value, unsigned int *ret_len)
{
	const u8 *p = *at;

	if (p >= m->end)
		return false;
	*ret_type = *p++;
	if (*ret_type == GTPU_IE_EXTENSION_HEADER_TYPES) {
		if (m->end - p < 1)
			return false;
		*ret_len = *p++;
	} else if (*ret_type & GTPU_IE_IS_TLV) {
		if (m->end - p < 2)
			return false;
		*ret_len = p[0] << 8 | p[1];
		p += 2;
	} else {
		*ret_len = *ret_type == GTPU_IE_TEID_DATA_I ? 4 : GTPU_IE_RECOVERY_LEN;
	}
	if (m->end - p < (ptrdiff_t)*ret_len)
		return false;
	*ret_value = p;
	*at = p + *ret_len;
	return true;
}

static const u8 *kims_signal_find(const struct kims_signal *m, u8 type, unsigned int *ret_len)
{
	const u8 *at = m->ie, *value;
	u8 t;

	while (kims_signal_ie(m, &at, &t, &value, ret_len))
		if (t == type)
			return value;
	return NULL;
}

/* --- events about a peer --- */

static int kims_nl_put_peer(struct sk_buff *skb, const struct kims_gtpu_ep *ep,
			    const struct kims_end *peer)
{
	return nla_put_u32(skb, KIMS_GTPU_PEER_A_ENDPOINT, ep->id) ?:
	       kims_nl_put_addr(skb, KIMS_GTPU_PEER_A_IPV4, KIMS_GTPU_PEER_A_IPV6, &peer->addr) ?:
	       nla_put_u32(skb, KIMS_GTPU_PEER_A_PORT, ntohs(peer->port));
}

/* --- Echo --- */

static void kims_echo_answer(const struct kims_signal *m)
{
	struct kims_message out;

	kims_message_init(&out, m->ep, &m->from, GTPU_ECHO_RESPONSE, 0);
	kims_message_seq(&out, m->seq, 0);
	kims_message_put(&out, GTPU_IE_RECOVERY);
	kims_message_put(&out, 0); /* TS 29.281 8.2: and shall be ignored */
	kims_message_send(&out);
}

static int kims_nl_put_echo(struct sk_buff *skb, const struct kims_signal *m)
{
	struct nlattr *nest = nla_nest_start(skb, KIMS_A_GTPU_PEER);
	const u8 *recovery;
	unsigned int len;

	if (!nest || kims_nl_put_peer(skb, m->ep, &m->from))
		return -EMSGSIZE;
	recovery = kims_signal_find(m, GTPU_IE_RECOVERY, &len);
	if (recovery && nla_put_u32(skb, KIMS_GTPU_PEER_A_RECOVERY, *recovery))
		return -EMSGSIZE;
	nla_nest_end(skb, nest);
	return 0;
}

static void kims_echo_answered(const struct kims_signal *m)
{
	struct sk_buff *skb;
	void *hdr;

	skb = kims_signal_event(m->ep->kn, KIMS_CMD_ECHO_NTF, &hdr);
	if (skb)
		kims_nl_event_send(m->ep->kn, skb, hdr, KIMS_NLGRP_GTPU, kims_nl_put_echo(skb, m));
}

int kims_gtpu_echo(struct kims_gtpu_ep *ep, const struct kims_end *peer)
{
	struct kims_message out;

	kims_message_init(&out, ep, peer, GTPU_ECHO_REQUEST, 0);
	kims_message_seq(&out, htons(atomic_inc_return(&ep->kn->gtpu->limits.echo_seq)), 0);
	return kims_message_send(&out);
}

/* --- Error Indication --- */

static void kims_message_put_addr(struct kims_message *out, const struct kims_addr *addr)
{
	unsigned int len = addr->family == AF_INET ? 4 : 16, i;

	kims_message_put(out, GTPU_IE_PEER_ADDRESS);
	kims_message_put(out, 0);
	kims_message_put(out, len);
	for (i = 0; i < len; i++)
		kims_message_put(out, addr->v6.s6_addr[i]);
}

/* TS 29.281 5.2.2.1, 7.3.1: to the registered port, with the port the G-PDU came from. */
void kims_gtpu_error_indication(struct kims_gtpu_ep *ep, const struct sk_buff *skb,
				const struct kims_packet *p, __be32 teid)
{
	struct kims_message out;
	struct kims_end peer;
	unsigned int i;

	kims_signal_from(&peer, skb, p);
	if (!kims_may_send(ep, &peer.addr))
		return;
	peer.port = htons(KIMS_GTPU_PORT);
	kims_message_init(&out, ep, &peer, GTPU_ERROR_INDICATION, 0);
	kims_message_seq(&out, 0, GTPU_EXT_UDP_PORT);
	kims_message_put(&out, 1); /* length in units of four octets */
	kims_message_put(&out, ntohs(p->sport) >> 8);
	kims_message_put(&out, ntohs(p->sport));
	kims_message_put(&out, 0); /* no more extension headers */
	kims_message_put(&out, GTPU_IE_TEID_DATA_I);
	for (i = 0; i < sizeof(teid); i++)
		kims_message_put(&out, ((const u8 *)&teid)[i]);
	kims_message_put_addr(&out, &ep->local.key.local.addr);
	kims_message_send(&out);
}

static int kims_nl_put_error(struct sk_buff *skb, const struct kims_far *far)
{
	struct nlattr *nest = nla_nest_start(skb, KIMS_A_GTPU_PEER);

	if (!nest || kims_nl_put_peer(skb, far->ep, &far->way.dst) ||
	    nla_put_u32(skb, KIMS_GTPU_PEER_A_TEID, ntohl(far->teid)) ||
	    nla_put_u64_64bit(skb, KIMS_GTPU_PEER_A_SESSION, far->session->id,
			      KIMS_GTPU_PEER_A_PAD) ||
	    nla_put_u32(skb, KIMS_GTPU_PEER_A_FAR, far->id) ||
	    nla_put_string(skb, KIMS_GTPU_PEER_A_LABEL, READ_ONCE(far->session->label)))
		return -EMSGSIZE;
	nla_nest_end(skb, nest);
	return 0;
}

static void kims_error_tell(struct kims_net *kn, const struct kims_far *far)
{
	struct sk_buff *skb;
	void *hdr;

	skb = kims_signal_event(kn, KIMS_CMD_ERROR_INDICATION_NTF, &hdr);
	if (skb)
		kims_nl_event_send(kn, skb, hdr, KIMS_NLGRP_GTPU, kims_nl_put_error(skb, far));
}

/* The address and TEID that the peer does not know: those that a FAR sends to. */
static int kims_error_read(const struct kims_signal *m, struct kims_addr *ret_peer,
			   __be32 *ret_teid)
{
	unsigned int len;
	const u8 *value;

	value = kims_signal_find(m, GTPU_IE_TEID_DATA_I, &len);
	if (!value)
		return -EINVAL;
	memcpy(ret_teid, value, sizeof(*ret_teid));
	value = kims_signal_find(m, GTPU_IE_PEER_ADDRESS, &len);
	if (!value || (len != 4 && len != 16))
		return -EINVAL;
	if (len == 4)
		kims_addr_set4(ret_peer, get_unaligned((const __be32 *)value));
	else
		kims_addr_set6(ret_peer, (const struct in6_addr *)value);
	return 0;
}

/* The FAR behind far (NULL: the first) that sends from the endpoint to this tunnel. */
static struct kims_far *kims_far_next(const struct kims_gtpu_ep *ep, const struct kims_addr *peer,
				      __be32 teid, struct kims_far *far)
{
	const struct kims_table *t = &ep->kn->gtpu->fars;
	struct kims_buckets *b = rcu_dereference(t->buckets);
	struct kims_node *node;

	if (!b)
		return NULL;
	node = far ? kims_table_next(b, &far->by_peer) :
		     kims_table_first(b, kims_far_hash(t, peer, teid));
	for (; node; node = kims_table_next(b, node)) {
		far = container_of(node, struct kims_far, by_peer);
		if (far->teid == teid && far->ep == ep &&
		    kims_addr_equal(&far->way.dst.addr, peer))
			return far;
	}
	return NULL;
}

bool kims_far_known(const struct kims_gtpu_ep *ep, const struct kims_addr *peer, __be32 teid)
{
	return kims_far_next(ep, peer, teid, NULL);
}

static int kims_error_received(const struct kims_signal *m)
{
	struct kims_far *far = NULL;
	struct kims_addr peer;
	__be32 teid;

	if (kims_error_read(m, &peer, &teid))
		return KIMS_DROP_MALFORMED;
	while ((far = kims_far_next(m->ep, &peer, teid, far)))
		kims_error_tell(m->ep->kn, far);
	return 0;
}

/* --- Supported Extension Headers Notification --- */

void kims_gtpu_unsupported_header(struct kims_gtpu_ep *ep, const struct sk_buff *skb,
				  const struct kims_packet *p)
{
	struct kims_message out;
	struct kims_end peer;

	kims_signal_from(&peer, skb, p);
	if (!kims_may_send(ep, &peer.addr))
		return;
	peer.port = htons(KIMS_GTPU_PORT);
	kims_message_init(&out, ep, &peer, GTPU_SUPPORTED_EXTENSION_HEADERS, 0);
	kims_message_seq(&out, 0, 0);
	kims_message_put(&out, GTPU_IE_EXTENSION_HEADER_TYPES);
	kims_message_put(&out, 2);
	kims_message_put(&out, GTPU_EXT_UDP_PORT);
	kims_message_put(&out, GTPU_EXT_PDU_SESSION_CONTAINER);
	kims_message_send(&out);
}

/* --- End Marker --- */

int kims_gtpu_end_marker(struct kims_gtpu_ep *ep, const struct kims_end *peer, __be32 teid,
			 s16 dscp)
{
	struct kims_message m;
	int err;

	kims_message_init(&m, ep, peer, GTPU_END_MARKER, teid);
	m.dscp = max_t(s16, dscp, 0);
	local_bh_disable();
	rcu_read_lock();
	err = kims_message_send(&m);
	rcu_read_unlock();
	local_bh_enable();
	return err;
}

static bool kims_far_sends(const struct kims_far *far)
{
	return far->encap && far->action & KIMS_APPLY_ACTION_FORW;
}

/* Another PDR of the tunnel has sent it there already. */
static bool kims_far_had(const struct kims_rules *rules, const struct kims_tunnel *tunnel,
			 unsigned int n)
{
	const struct kims_far *far = rules->pdrs[n].far, *other;
	unsigned int i;

	for (i = 0; i < n; i++) {
		other = rules->pdrs[i].far;
		if (rules->pdrs[i].tunnel == tunnel && kims_far_sends(other) &&
		    other->teid == far->teid && other->ep == far->ep &&
		    kims_addr_equal(&other->way.dst.addr, &far->way.dst.addr))
			return true;
	}
	return false;
}

static int kims_nl_put_end_marker(struct sk_buff *skb, const struct kims_session *s, u32 pdr)
{
	struct nlattr *nest = nla_nest_start(skb, KIMS_A_SESSION);

	if (!nest || kims_nl_put_session_name(skb, s) ||
	    (pdr && nla_put_u32(skb, KIMS_SESSION_A_EVENT_PDR, pdr)))
		return -EMSGSIZE;
	nla_nest_end(skb, nest);
	return 0;
}

static void kims_end_marker_tell(struct kims_session *s, u32 pdr)
{
	struct sk_buff *skb;
	void *hdr;

	skb = kims_signal_event(s->kn, KIMS_CMD_END_MARKER_NTF, &hdr);
	if (skb)
		kims_nl_event_send(s->kn, skb, hdr, KIMS_NLGRP_GTPU,
				   kims_nl_put_end_marker(skb, s, pdr));
}

/* Behind the packets of the tunnel wherever these go; an unknown one is ignored (7.3.2). */
static int kims_end_marker_received(const struct kims_signal *m)
{
	const struct kims_tunnel *tunnel = kims_tunnel_find(m->ep->kn, m->ep, m->teid);
	const struct kims_rules *rules;
	struct kims_message out;
	const struct kims_far *far;
	unsigned int i, sent = 0;
	u32 pdr = 0;

	if (!tunnel)
		return KIMS_DROP_UNKNOWN_TEID;
	rules = rcu_dereference(tunnel->session->rules);
	for (i = 0; rules && i < rules->n_pdrs; i++) {
		if (rules->pdrs[i].tunnel != tunnel)
			continue;
		pdr = pdr ?: rules->pdrs[i].id;
		far = rules->pdrs[i].far;
		if (!kims_far_sends(far) || kims_far_had(rules, tunnel, i))
			continue;
		kims_message_init(&out, far->ep, &far->way.dst, GTPU_END_MARKER, far->teid);
		out.dscp = max_t(s16, far->dscp, 0);
		kims_message_send(&out);
		sent++;
	}
	if (!sent)
		kims_end_marker_tell(tunnel->session, pdr);
	return 0;
}

/* --- all of them --- */

static int kims_signal_act(const struct kims_signal *m)
{
	switch (m->type) {
	case GTPU_ECHO_REQUEST:
		kims_echo_answer(m);
		return 0;
	case GTPU_ECHO_RESPONSE:
		kims_echo_answered(m);
		return 0;
	case GTPU_ERROR_INDICATION:
		return kims_error_received(m);
	case GTPU_SUPPORTED_EXTENSION_HEADERS:
		return 0;
	case GTPU_END_MARKER:
		return kims_end_marker_received(m);
	}
	return KIMS_DROP_MALFORMED; /* TS 29.281 11.1: unknown messages are discarded */
}

int kims_gtpu_signal(struct kims_gtpu_ep *ep, struct sk_buff *skb, const struct kims_packet *p,
		     unsigned int gtp)
{
	struct kims_signal m;
	int why;

	why = kims_signal_read(&m, ep, skb, p, gtp);
	if (why == KIMS_DROP_EXTENSION_HEADER && m.type != GTPU_ERROR_INDICATION &&
	    m.type != GTPU_SUPPORTED_EXTENSION_HEADERS)
		kims_gtpu_unsupported_header(ep, skb, p);
	if (!why)
		why = kims_signal_act(&m);
	if (!why)
		consume_skb(skb);
	return why;
}
