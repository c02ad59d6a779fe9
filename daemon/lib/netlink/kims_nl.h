/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Typed calls to kims.ko (generic netlink family "kims", include/netlink/kims.yaml).
 *
 * Requests are synchronous on their own socket, events come on a second one that the owner's
 * loop watches. Every refusal carries the kernel's sentence: knl_error().
 *
 * The callback of a dump must not call into the same struct knl; that of knl_events_read() may.
 */
#ifndef KIMS_NETLINK_KIMS_NL_H
#define KIMS_NETLINK_KIMS_NL_H

#include "lib/netlink/xfrm.h" /* struct xfrm_addr */

struct knl;

struct knl_end {
	struct xfrm_addr addr;
	uint16_t port; /* host order */
};

enum knl_gate { KNL_GATE_OPEN, KNL_GATE_CLOSED };

/* Symmetric RTP (RFC 4961): the peer is learned from the first packet that is sent on. */
enum knl_latch { KNL_LATCH_OFF, KNL_LATCH_ONCE, KNL_LATCH_AGAIN /* and forgets what was learned */ };

/* What of the RTP source has to go on. */
enum knl_continuity { KNL_CONTINUITY_OFF, KNL_CONTINUITY_SSRC, KNL_CONTINUITY_SEQUENCE };

/* RFC 4568 6.2, RFC 6188, RFC 7714. */
enum knl_srtp_suite {
	KNL_SRTP_NONE,
	KNL_SRTP_AES_CM_128_HMAC_SHA1_80,
	KNL_SRTP_AES_CM_128_HMAC_SHA1_32,
	KNL_SRTP_AES_256_CM_HMAC_SHA1_80,
	KNL_SRTP_AES_256_CM_HMAC_SHA1_32,
	KNL_SRTP_AEAD_AES_128_GCM,
	KNL_SRTP_AEAD_AES_256_GCM,
};

/* Keys of one direction of SRTP and SRTCP. Secret: the owner clears it when it has been given. */
struct knl_srtp {
	enum knl_srtp_suite suite;
	uint8_t key[46];  /* master key and salt (RFC 4568 6.1); zeros when read back */
	uint8_t mki[16];
	uint8_t mki_len;  /* 0: none */
	uint32_t roc;	  /* rollover counter of the SSRC heard last; read only */
};

/* Octets of key that a suite has; 0 for KNL_SRTP_NONE. */
size_t knl_srtp_key_len(enum knl_srtp_suite suite);

/* One direction of one media stream: what comes to "local" leaves from "out_local" to "out_peer". */
struct knl_rtp_flow {
	uint32_t id;	       /* 0 at creation: the kernel chooses */
	uint64_t cookie;       /* owner's: all flows of a call carry the same */
	struct knl_end local;  /* match: destination */
	struct knl_end peer;   /* match: source; family AF_UNSPEC: any; port 0: any */
	struct knl_end out_local, out_peer;
	enum knl_gate gate;
	bool rtcp;
	uint32_t inactivity_ms; /* 0: no event */
	int dscp;		/* -1: as it came */
	bool rtcp_mux;		/* RTP and RTCP on one port (RFC 5761) */
	bool any_udp;		/* neither RTP nor RTCP: no look into the payload */
	uint32_t clock_rate;	/* RTP clock in Hz, for the jitter; 0: 8000 */
	bool filter_pt;		/* only the payload types whose bit is set: n is bit n%8 of pt[n/8] */
	uint8_t pt[16];
	enum knl_latch latch;	/* peer.port is 0 then, peer.addr restricts who may be learned */
	uint32_t reverse;	/* id of the flow of the other direction, 0: none */
	struct knl_end latched; /* learned peer, AF_UNSPEC: nobody yet; read only */
	enum knl_continuity continuity;
	bool has_ssrc;		/* ssrc is the only one accepted */
	uint32_t ssrc;
	bool dtmf;		/* telephone events of this payload type are reported */
	uint8_t dtmf_pt;
	struct knl_srtp srtp_in, srtp_out;
	struct knl_end record_local, record_peer; /* a copy of each packet; AF_UNSPEC: none */
};

/* From RTCP that passed: the last report block and sender report (RFC 3550 6.4), RFC 3611 4.7. */
struct knl_rtcp {
	uint64_t reports;	/* 0: what follows up to has_round_trip is not there */
	uint32_t reporter, source, max_seq, jitter;
	uint8_t fraction_lost;	/* 1/256 */
	int32_t lost;
	bool has_round_trip;
	uint32_t round_trip_us; /* between the relay and the reporter */
	bool has_sr;
	uint64_t sr_ntp;
	uint32_t sr_packets, sr_octets;
	bool has_voip;
	uint8_t r_factor, mos_lq, mos_cq; /* 127: unknown; MOS times 10 */
	uint16_t end_system_delay_ms;
};

struct knl_rtp_stats {
	uint64_t packets, octets;	  /* forwarded; octets of UDP payload */
	uint64_t drop_source, drop_gate, drop_malformed, drop_other;
	uint64_t lost;			  /* RTP: expected - received (RFC 3550 6.4.1), 0 for RTCP */
	uint32_t jitter;		  /* RTP time stamp units, RFC 3550 A.8 */
	uint32_t ssrc;
	uint64_t last_seen_ms;		  /* since the last packet; UINT64_MAX: none yet */
	uint64_t drop_pt;		  /* payload type filter */
	uint64_t rtcp_packets;		  /* among packets */
	uint32_t ssrc_changes, max_seq;	  /* max_seq: extended highest, RFC 3550 6.4.1 */
	uint64_t drop_ssrc, drop_sequence, drop_srtp; /* srtp: not authentic, replayed, key used up */
	uint64_t copies, copies_lost;	  /* to the recorder */
	struct knl_rtcp rtcp;
};

struct knl_gm_port {
	struct knl_end local;
	uint64_t packets; /* let through */
	uint64_t drop_cleartext, drop_wrong_sa, drop_spoofed, drop_unbound;
};

struct knl_sa_set {
	uint32_t id;		/* 0 at creation: the kernel chooses */
	uint64_t ue_id;		/* the P-CSCF's id of the registration */
	char label[256];	/* IMPI */
	struct xfrm_addr ue, local;
	uint16_t port_uc, port_us, port_pc, port_ps;
	uint32_t spi_uc, spi_us, spi_pc, spi_ps;
	uint32_t reqid;
	uint64_t gtpu_session;	/* by which the UE's packets must come; 0: any way */
};

struct knl_sa_stats {
	uint64_t packets, octets;	 /* accepted to port_ps and port_pc */
	uint64_t drop_cleartext, drop_wrong_sa, drop_spoofed, drop_other; /* under an SA of this set */
	uint64_t packets_out, octets_out; /* sent from port_ps and port_pc */
};

enum knl_event_kind {
	KNL_EV_RTP_FIRST,    /* first packet of a flow */
	KNL_EV_RTP_INACTIVE, /* none for inactivity_ms */
	KNL_EV_GM_DROP,	     /* a packet to a protected port was refused */
	KNL_EV_RTP_DELETED,  /* by whomever */
	KNL_EV_SA_DELETED,   /* by whomever; sa_ue_id, sa_label */
	KNL_EV_ESP_MAPPED,   /* XFRM's (kern.c of who has SAs): a NAT has given src to who sends under spi */
	KNL_EV_RTP_LATCHED,  /* src: the peer that was learned */
	KNL_EV_RTP_DTMF,     /* a telephone event has ended */
};
enum knl_gm_reason {
	KNL_GM_CLEARTEXT,
	KNL_GM_WRONG_SA,
	KNL_GM_SPOOFED,
	KNL_GM_UNBOUND,
	KNL_GM_WRONG_TUNNEL,
};

struct knl_event {
	enum knl_event_kind kind;
	/* RTP */
	uint32_t flow_id;
	uint64_t cookie;
	uint32_t dtmf_event, dtmf_duration, dtmf_timestamp; /* RFC 4733 2.3; units of the RTP clock */
	/* Gm */
	enum knl_gm_reason reason;
	struct knl_end src, dst;
	uint8_t proto;		 /* IPPROTO_UDP, IPPROTO_TCP */
	uint32_t spi;		 /* SA it came under; 0: none */
	uint64_t sa_ue_id;	 /* owner of that SA; 0: unknown */
	char sa_label[256];
	uint64_t gtpu_session;	 /* by which it came; 0: none */
	uint64_t victim_ue_id;	 /* UE whose address was the source; 0: nobody's */
	char victim_label[256];
	uint64_t count;		 /* packets that this event stands for (rate limited) */
};

int knl_open(struct knl **ret); /* -ENOENT: family missing (kims.ko not loaded), -EPROTO: other version */
void knl_close(struct knl *k);
const char *knl_error(const struct knl *k);

int knl_rtp_new(struct knl *k, const struct knl_rtp_flow *f, uint32_t *ret_id); /* -EEXIST: local end taken */
/* All or, when one is refused, none; sets the ids. At most KNL_RTP_BATCH. */
#define KNL_RTP_BATCH 32
int knl_rtp_new_all(struct knl *k, struct knl_rtp_flow *f, size_t n);
int knl_rtp_replace(struct knl *k, const struct knl_rtp_flow *f);		  /* by id; counters stay */
int knl_rtp_del(struct knl *k, uint32_t id, struct knl_rtp_stats *ret_final);	  /* ret_final may be NULL; -ENOENT */
int knl_rtp_del_cookie(struct knl *k, uint64_t cookie, uint32_t *ret_count);
int knl_rtp_get(struct knl *k, uint32_t id, struct knl_rtp_flow *ret, struct knl_rtp_stats *ret_stats);
int knl_rtp_dump(struct knl *k, int (*fn)(void *arg, const struct knl_rtp_flow *f, const struct knl_rtp_stats *s), void *arg);

int knl_gm_port_add(struct knl *k, const struct xfrm_addr *local, uint16_t port); /* 0 also when there already */
int knl_gm_port_del(struct knl *k, const struct xfrm_addr *local, uint16_t port);
int knl_gm_port_dump(struct knl *k, int (*fn)(void *arg, const struct knl_gm_port *p), void *arg);
int knl_sa_new(struct knl *k, const struct knl_sa_set *s, uint32_t *ret_id);
int knl_sa_replace(struct knl *k, const struct knl_sa_set *s);
int knl_sa_del(struct knl *k, uint32_t id, struct knl_sa_stats *ret_final);
int knl_sa_get(struct knl *k, uint32_t id, struct knl_sa_set *ret, struct knl_sa_stats *ret_stats);
int knl_sa_dump(struct knl *k, int (*fn)(void *arg, const struct knl_sa_set *s, const struct knl_sa_stats *st), void *arg);
/* Drop counters of the namespace, one call per reason: name as in the schema. */
int knl_stats(struct knl *k, int (*fn)(void *arg, const char *name, uint64_t value), void *arg);

/* Events: fd to watch for reading; knl_events_read() calls fn for each and returns their number or -errno (-ENOBUFS: some were lost). */
int knl_events_open(struct knl *k);
int knl_events_fd(const struct knl *k);
int knl_events_read(struct knl *k, void (*fn)(void *arg, const struct knl_event *e), void *arg);

#endif
