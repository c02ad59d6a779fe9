/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * IMS-ALG (TS 24.229 5.2.1, 6.7; TS 23.228 annex G): session descriptions that pass are rewritten
 * to the relay's addresses, and the kernel's media flows follow what offer and answer agreed on.
 *
 * Which way a description passes decides how it is rewritten; whether it is offer or answer decides
 * when flows change: an offer is kept beside what is agreed until its answer comes or it is
 * refused (RFC 3264 8, RFC 6337). Each early dialog of a forked INVITE has its own answer; flows
 * follow the answer that came last, then the dialog that is confirmed.
 */
#ifndef KIMS_PCSCF_ALG_H
#define KIMS_PCSCF_ALG_H

#include "lib/netlink/kims_nl.h"
#include "lib/sip/sdp.h"

struct pcscf;
struct session;

enum side { SIDE_UE, SIDE_CORE };

/* How a stream is relayed. */
enum alg_carry {
	CARRY_NONE, /* not over UDP: its line passes as it is */
	CARRY_RTP,
	CARRY_UDP, /* T.38, DTLS: no look into the payload */
};

/* A stream as one side described it. */
struct alg_media {
	struct knl_end rtp, rtcp; /* rtp.port 0: refused or removed */
	enum sdp_dir dir;
	enum alg_carry carry;
	bool mux;	/* would have RTCP on the port of RTP (RFC 5761) */
	uint32_t clock; /* RTP clock of its first payload type, Hz; 0: not known */
	uint32_t as_kbps, rs, rr; /* b= lines; rs, rr: bit/s; 0: absent */
	uint32_t text, n_text;	  /* what of its lines says codec and rate: place in the description's text */
};

struct alg_desc {
	size_t n, n_text;	  /* n_text: octets behind m[n], not NUL-terminated */
	struct alg_media m[];
};

enum { FLOW_UP, FLOW_UP_RTCP, FLOW_DOWN, FLOW_DOWN_RTCP, FLOW_N }; /* up: from the UE */

struct alg_flow {
	uint32_t id;   /* in the kernel; 0: none */
	uint32_t hash; /* of what was programmed: no call when nothing changed */
	bool inactive; /* the kernel said so */
	bool closed;
};

struct alg_stream {
	uint16_t port[2]; /* of the relay, by side: RTP; RTCP is the next one; 0: none yet */
	struct alg_flow flow[FLOW_N];
};

struct alg_fork {
	char *tag; /* To tag of the early dialog */
	struct alg_desc *desc;
	struct alg_fork *next;
};

struct alg {
	struct alg_stream *stream;
	size_t n;
	struct alg_desc *now[2]; /* agreed, by side */
	enum side now_offered;	 /* whose of them was the offer */
	struct alg_desc *offer;	 /* without answer yet */
	enum side offer_from;
	uint32_t offer_cseq; /* of the request that carried it, or whose response did */
	uint32_t inv_cseq;   /* of the last INVITE that carried an offer */
	enum side inv_from;
	struct alg_fork *forks;
	bool stopped;
};

/* What a description is in its message (RFC 3264, RFC 6337 table 1). */
enum alg_kind { ALG_OFFER, ALG_ANSWER };

/*
 * Takes the description in m, if there is one, that comes from a side, and rewrites it.
 * 0: done or nothing to do; -EINVAL: malformed (488); -ENOSPC: no port left (503); -ENOMEM; other: the kernel's refusal.
 */
int alg_pass(struct session *s, struct sip_msg *m, enum side from, struct str fork_tag);
void alg_confirm(struct session *s, struct str fork_tag); /* 2xx: this dialog stays */
void alg_refused(struct session *s,
		 uint32_t cseq); /* the request of this CSeq failed: its offer goes */
void alg_stop(
	struct session *s); /* no media any more: the flows go, the ports stay until alg_free() */
void alg_free(struct session *s,
	      bool kernel); /* flows too, their final counters logged, when kernel */
/* The kernel's event of one flow; true: nothing comes from one side any more. */
bool alg_inactive(struct session *s, uint32_t flow_id, bool inactive);
bool alg_is_dead(const struct session *s);
void alg_restored(struct session *s); /* streams and what is agreed were read back */
/* Lines of the stream as that side wrote them: m=, b=, codecs, direction; no key. n == 0: not known (a restart). */
struct str alg_text(const struct alg_desc *d, size_t stream);
/* Where this side sends the stream to: the relay. */
void alg_relay_end(const struct session *s, enum side side, uint16_t port, struct knl_end *ret);
void alg_describe_flow(const struct session *s, size_t stream, int flow, struct knl_rtp_flow *ret);
enum sdp_dir alg_dir(const struct session *s);

#endif
