/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Session descriptions of a phone: one audio stream, AMR-WB or PCMA with telephone-event
 * (RFC 4566, 3264, 4867, 4733), QoS preconditions (RFC 3312, TS 24.229 6.1).
 */
#ifndef KIMS_UE_OFFER_H
#define KIMS_UE_OFFER_H

#include "lib/sip/sdp.h"
#include "phone_conf.h"

enum { SDP_TEXT_MAX = 2048 };

/* What we say. */
struct sdp_ours {
	union sip_sa rtp; /* address and port; RTCP is the next one */
	uint64_t id, version;
	enum codec codec; /* offered first */
	bool only;	  /* offer no other */
	enum sdp_dir dir;
	bool qos;	   /* with preconditions */
	bool local_ready;  /* our bearer is there */
	bool remote_ready; /* theirs is, as far as we know */
	bool remote_mandatory;
	bool confirm;	    /* ask to be told when theirs is */
	unsigned int ptime; /* ms */
	uint8_t pt, te_pt;  /* answer: the payload types of the offer; 0: none */
};

/* What they said. */
struct sdp_theirs {
	union sip_sa rtp, rtcp;
	enum sdp_dir dir;
	bool rejected, hold; /* port 0; c=0.0.0.0 */
	bool qos, local_ready, remote_ready;
	enum codec codec; /* the first of theirs that we know */
	uint8_t pt, te_pt;
};

/* Length of the text, or -ENOSPC. answer: only what was agreed. */
int sdp_write(const struct sdp_ours *o, bool answer, char dst[SDP_TEXT_MAX]);
/* -EINVAL malformed, -ENOENT no audio, -EOPNOTSUPP no codec that we know. */
int sdp_understand(struct str text, struct sdp_theirs *ret);
enum sdp_dir sdp_answer_dir(enum sdp_dir offered, enum sdp_dir wanted);
bool sdp_may_send(const struct sdp_ours *o, const struct sdp_theirs *t);

#endif
