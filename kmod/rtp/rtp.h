/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Media flows: one direction of RTP, RTCP or other UDP between two ends, in one namespace.
 *
 * A struct kims_rtp is the object of netlink: id, owner's cookie, counters. What a replace can
 * change lies in its struct kims_rtp_flow, which is also the entry of the flow cache and never
 * changes once it is there.
 *
 * Counters and the RFC 3550 state are under kims_rtp.lock, which the packets of a flow take: they
 * arrive on one CPU, so it is not contended, and it makes the counters that a delete returns
 * final.
 *
 * Most flows look at 12 octets of a packet and change nothing of its payload (inspect.c). What
 * needs the whole packet has struct kims_rtp_options and goes through whole.c: SRTP (srtp.c,
 * srtp_key.c), a peer that is not known yet (latch.c), continuity of the source, a recorder
 * (record.c), telephone events (dtmf.c); and RTCP of any flow (rtcp.c).
 */
#ifndef KIMS_RTP_H
#define KIMS_RTP_H

#include <linux/timer.h>
#include <linux/workqueue.h>
#include <linux/xarray.h>
#include "flow.h"

/*
 * The reasons of drop that a media flow can have are two runs of enum kims_drop_reason, which lie
 * one behind the other in its counters.
 */
#define KIMS_RTP_DROP_GAP (KIMS_DROP_SSRC - KIMS_DROP_NO_MEMORY - 1)
#define KIMS_RTP_N_DROPS (KIMS_DROP_SRTP_LIMIT - KIMS_RTP_DROP_GAP + 1)

static inline unsigned int kims_rtp_drop_slot(int why)
{
	return why <= KIMS_DROP_NO_MEMORY ? why : why - KIMS_RTP_DROP_GAP;
}

static inline int kims_rtp_drop_reason(unsigned int slot)
{
	return slot <= KIMS_DROP_NO_MEMORY ? slot : slot + KIMS_RTP_DROP_GAP;
}

#define KIMS_RTP_ID_MAX 0x7fffffff
#define KIMS_RTP_CLOCK 8000

/* Sequence numbers and jitter of the source heard last; RFC 3550 A.1, A.3, A.8. */
struct kims_rtp_source {
	u32 ssrc;
	u32 cycles;
	u32 base_seq;
	u32 bad_seq;
	u32 received;
	u32 transit;
	u32 jitter; /* times 16 */
	u16 max_seq;
	bool heard;
};

struct kims_rtp_counters {
	u64 packets;
	u64 octets;
	u64 rtcp_packets;
	u64 drops[KIMS_RTP_N_DROPS];
	u64 copies;
	u64 copies_lost;
	s64 lost_before; /* of sources before the one heard last */
	u32 ssrc_changes;
};

/* Of the last sender report's time that this many are kept, for the round trip. */
#define KIMS_RTCP_SENT 4

/* What RTCP said last; made with the first RTCP packet. RFC 3550 6.4.1, RFC 3611 4.7. */
struct kims_rtcp {
	u64 reports;
	u32 reporter;
	u32 source;
	u32 max_seq;
	u32 jitter;
	u32 lsr;
	u32 dlsr;
	s32 lost;
	u8 fraction;
	bool has_sr;
	bool has_voip;
	bool has_trip;
	u32 round_trip; /* us */
	u32 sr_ssrc;
	u32 sr_timestamp;
	u32 sr_packets;
	u32 sr_octets;
	u64 sr_ntp;
	u8 voip[32];
	unsigned int n_sent;
	struct {
		u32 ntp; /* the middle of the NTP timestamp */
		u64 at;	 /* ns */
	} sent[KIMS_RTCP_SENT];
};

/* The telephone event heard last; RFC 4733 2.5. */
struct kims_dtmf {
	u32 ssrc;
	u32 start;     /* RTP timestamp of the event */
	u32 timestamp; /* that of its last segment */
	u32 before;    /* duration of segments before the last */
	u16 duration;
	u8 event;
	u8 volume;
	bool heard;
	bool open; /* not reported yet */
};

#define KIMS_DTMF_BURST 40
#define KIMS_DTMF_RATE 20 /* a second */

enum kims_rtp_activity {
	KIMS_RTP_SILENT, /* no packet yet, or rtp-inactive-ntf sent */
	KIMS_RTP_ACTIVE,
	KIMS_RTP_DEAD, /* deleted */
};

struct kims_rtp_flow;

struct kims_rtp {
	spinlock_t lock;
	enum kims_rtp_activity activity; /* by lock */
	struct kims_rtp_counters count;	 /* by lock */
	struct kims_rtp_source source;	 /* by lock */
	bool seen;			 /* by lock; last is set */
	bool ssrc_free;			 /* by lock; the next SSRC is as good as the first */
	unsigned long last;		 /* jiffies of the last packet from the peer */
	unsigned long since;		 /* jiffies from which silence counts, when last is older */
	struct timer_list timer;
	struct kims_rtp_flow __rcu *flow;
	struct kims_node by_cookie;
	struct kims_net *kn;
	u64 cookie; /* never changes */
	u32 id;
	u32 dtmf_suppressed;	    /* by lock */
	u32 dtmf_credit;	    /* by lock */
	unsigned long dtmf_since;   /* by lock; jiffies up to which credit was given */
	struct kims_dtmf dtmf;	    /* by lock */
	struct kims_rtcp *rtcp;	    /* by lock; NULL: no RTCP yet */
	struct kims_end latched;    /* by lock; AF_UNSPEC: nobody yet */
	struct kims_end told;	    /* by kims_net.lock; destination that a latched flow told */
	struct list_head latch_job; /* in kims_rtp_net.latch_jobs, or empty; by its lock */
	struct rcu_head rcu;
};

struct kims_srtp;
struct kims_rtp_record;

/* What most flows do not have. Never changes, but for forget, by kims_rtp.lock. */
struct kims_rtp_options {
	struct kims_srtp *in;  /* NULL: what arrives is not SRTP */
	struct kims_srtp *out; /* NULL: what leaves is not */
	struct kims_rtp_record *record;
	u32 latch;	       /* enum kims_latch */
	struct kims_addr peer; /* given, who may be learned; AF_UNSPEC: anybody */
	u32 reverse;	/* id, 0: none */
	u32 continuity; /* enum kims_continuity */
	u32 ssrc;
	bool has_ssrc;
	bool forget;	     /* what was learned before is not good for this one */
	s16 telephone_event; /* payload type, -1: none */
};

/* What a replace changes as a whole. */
struct kims_rtp_flow {
	struct kims_flow flow;
	struct kims_rtp *rtp;
	u32 media;	      /* enum kims_media */
	u32 gate;	      /* enum kims_gate */
	u32 clock_rate;
	u64 clock_mult; /* clock_rate * 2^32 / 10^9 */
	u32 timeout;	/* ms, 0: none */
	bool filter;	/* payload_types is set */
	bool usual;	/* RTP alone, gate open, no options */
	DECLARE_BITMAP(payload_types, 128);
	struct kims_rtp_options *options; /* NULL: none */
};

struct kims_rtp_net {
	struct xarray flows;
	struct kims_table by_cookie;
	u32 next_id;
	u32 count;
	struct kims_net *kn;
	spinlock_t latch_lock;
	struct list_head latch_jobs; /* struct kims_rtp.latch_job */
	struct work_struct latch_work;
};

struct kims_rtp_header {
	u8 vpxcc;
	u8 mpt;
	__be16 seq;
	__be32 timestamp;
	__be32 ssrc;
};

struct kims_rtcp_header {
	u8 vprc;
	u8 type;
	__be16 length;
	__be32 ssrc;
};

/* Octets of header, contributing sources and extension included; 0: not RTP of len octets. */
unsigned int kims_rtp_header_len(const u8 *payload, unsigned int len);

static inline struct kims_rtp_flow *kims_rtp_flow(const struct kims_flow *f)
{
	return container_of(f, struct kims_rtp_flow, flow);
}

/* How the packets of a flow leave. */
static inline struct kims_rewrite kims_rtp_out(const struct kims_flow *f)
{
	return (struct kims_rewrite){ .src = f->way.src, .dst = f->way.dst, .dscp = f->dscp };
}

/* flow.c */

int kims_rtp_net_init(struct kims_net *kn);
void kims_rtp_net_exit(struct kims_net *kn);
u32 kims_rtp_count(const struct kims_net *kn);

/* One change of a transaction: made by apply, then either committed or undone. */
struct kims_rtp_change {
	struct kims_rtp *rtp;
	struct kims_rtp_flow *new;
	struct kims_rtp_flow *old; /* NULL: the object is new */
};

/* The caller holds the lock for all of these. */
int kims_rtp_create(struct kims_net *kn, u32 id, u64 cookie, struct kims_rtp_flow *new,
		    struct kims_rtp_change *ret, struct netlink_ext_ack *extack);
int kims_rtp_replace(struct kims_rtp *rtp, struct kims_rtp_flow *new, struct kims_rtp_change *ret,
		     struct netlink_ext_ack *extack);
void kims_rtp_commit(struct kims_rtp_change *change);
void kims_rtp_undo(struct kims_rtp_change *change);
struct kims_rtp *kims_rtp_find(struct kims_net *kn, u32 id);
/* Any flow of the cookie; ret_count: how many there are. */
struct kims_rtp *kims_rtp_find_cookie(struct kims_net *kn, u64 cookie, u32 *ret_count);
/* Takes it off the packets and stops its timer; kims_rtp_free() is the caller's to call. */
void kims_rtp_delete(struct kims_rtp *rtp);
void kims_rtp_free(struct kims_rtp *rtp);

static inline struct kims_rtp_flow *kims_rtp_conf(const struct kims_rtp *rtp)
{
	return rcu_dereference_protected(rtp->flow, lockdep_is_held(&rtp->kn->lock));
}

/* Puts new in the place of the flow's program; both have the same key. The old one is freed. */
void kims_rtp_swap(struct kims_rtp *rtp, struct kims_rtp_flow *new);
/* Of a program that no packet uses. */
void kims_rtp_flow_free(struct kims_rtp_flow *rf);

/* inspect.c */

extern const struct kims_flow_ops kims_rtp_flow_ops;
/* RTP packets lost so far (RFC 3550 A.3); under kims_rtp.lock. */
s64 kims_rtp_lost(const struct kims_rtp *rtp);
bool kims_rtp_is_rtcp(const struct kims_rtp_flow *rf, const u8 *payload, unsigned int len);
/* Looks into RTP or RTCP under kims_rtp.lock; len octets, of which KIMS_LINEAR can be read. */
int kims_rtp_look(struct kims_rtp_flow *rf, const u8 *payload, unsigned int len, bool rtcp);
/* Counts the packet as sent, or under why; under kims_rtp.lock. */
void kims_rtp_count_packet(struct kims_rtp_flow *rf, unsigned int len, bool rtcp, int why);

/* whole.c */

extern const struct kims_flow_ops kims_rtp_whole_ops;
int kims_rtp_transform(struct kims_flow *f, struct sk_buff *skb, unsigned int off, u16 *len,
		       int why);

/* latch.c */

void kims_latch_net_init(struct kims_rtp_net *rn);
void kims_latch_net_exit(struct kims_rtp_net *rn); /* all flows are deleted */
/* Under kims_rtp.lock: why the sender may not send (0: it may), learns it, with what follows. */
int kims_latch_check(const struct kims_rtp *rtp, const struct kims_rtp_options *o,
		     const struct kims_end *from);
void kims_latch_learn(struct kims_rtp_flow *rf, const struct kims_end *from);
/* Under kims_net.lock: makes new fit to what was learned, before it gets into the table. */
void kims_latch_apply(struct kims_rtp *rtp, struct kims_rtp_flow *new);
/* Under kims_net.lock: a replace is done. */
void kims_latch_commit(struct kims_rtp *rtp, const struct kims_rtp_flow *old,
		       const struct kims_rtp_flow *new);
void kims_latch_forget_job(struct kims_rtp *rtp); /* the flow is dead */

/* rtcp.c */

/* Reads a checked RTCP packet, which can be read as a whole; under kims_rtp.lock. */
void kims_rtcp_read(struct kims_rtp *rtp, const u8 *payload, unsigned int len);
/* The round trip of the last report, by the reverse flow's times; under RCU, without lock. */
void kims_rtcp_round_trip(struct kims_rtp *rtp, u32 reverse);
/* Under kims_rtp.lock. -EMSGSIZE. */
int kims_rtcp_put(struct sk_buff *skb, const struct kims_rtp *rtp);

/* dtmf.c */

/* Looks at an RTP packet that passes, which can be read as a whole; under kims_rtp.lock. */
void kims_dtmf_look(struct kims_rtp_flow *rf, const u8 *payload, unsigned int len);

/* record.c */

/* -ENOMEM. */
struct kims_rtp_record *kims_record_new(const struct kims_flow *f, const struct kims_rewrite *out);
void kims_record_free(struct kims_rtp_record *record);
void kims_record_bind(struct kims_rtp_record *record, struct kims_rtp *rtp);
struct kims_rewrite kims_record_out(const struct kims_rtp_record *record);
/* A copy, to be sent when the packet is; NULL: counted as lost. Under kims_rtp.lock. */
struct sk_buff *kims_record_copy(struct kims_rtp *rtp, const struct sk_buff *skb);
void kims_record_send(struct kims_rtp_record *record, struct sk_buff *copy, u16 l4);

/* options.c */

/* Reads what a request has of options into rf, whose key and from are set. */
int kims_rtp_read_options(struct nlattr **tb, struct kims_rtp_flow *rf,
			  struct netlink_ext_ack *extack);
int kims_rtp_put_options(struct sk_buff *skb, const struct kims_rtp *rtp,
			 const struct kims_rtp_flow *rf);
/* A copy that shares keys; recorders are made anew. NULL: no memory. */
struct kims_rtp_options *kims_rtp_options_copy(const struct kims_rtp_flow *rf);
void kims_rtp_options_free(struct kims_rtp_options *o);
/* The program that the options of a flow need. */
const struct kims_flow_ops *kims_rtp_ops(const struct kims_rtp_flow *rf);
/* Reads an end of which each part must be there. */
int kims_rtp_read_end(struct nlattr **tb, int attr4, int attr6, int port, struct kims_end *ret,
		      struct netlink_ext_ack *extack);
bool kims_end_given(const struct kims_end *end);
int kims_rtp_put_end(struct sk_buff *skb, int attr4, int attr6, int port,
		     const struct kims_end *end);

/* netlink.c */

/* Sends an event with the state of the flow; under kims_rtp.lock and RCU or kims_net.lock. */
void kims_rtp_notify(struct kims_rtp *rtp, u8 cmd);

#endif /* KIMS_RTP_H */
