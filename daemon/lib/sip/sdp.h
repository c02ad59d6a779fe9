/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * SDP (RFC 4566, 3264, 3312) for the IMS-ALG and the UE simulator: what a session description says
 * about its streams; rewriting of addresses and ports in the original text, line by line, so that
 * attributes that we do not know stay as they came. Read by an own line reader: views, no copies.
 */
#ifndef KIMS_SIP_SDP_H
#define KIMS_SIP_SDP_H

#include "lib/sip/tp.h"

#define SDP_MEDIA_MAX 16

enum sdp_dir { SDP_SENDRECV, SDP_SENDONLY, SDP_RECVONLY, SDP_INACTIVE };

struct sdp_media {
	struct str type, proto;	   /* "audio", "RTP/AVP"; views into the text */
	struct str fmt;		   /* "96 97" */
	uint16_t port;		   /* 0: rejected */
	union sip_sa rtp, rtcp;	   /* c= of the media or session with the port; rtcp: a=rtcp or port + 1 */
	enum sdp_dir dir;
	bool rtcp_mux;
	bool own_conn;		   /* has a c= line of its own */
	bool conn_zero;		   /* c=0.0.0.0 or :: : old-style hold */
	uint32_t b_as_kbps, b_rs, b_rr; /* 0: absent */
	bool has_qos;		   /* a=curr:qos present */
	/*
	 * RFC 3312 5: no mandatory precondition of the status type lacks a direction (des absent: none
	 * does). "local" is the sender of this SDP.
	 */
	bool qos_local_met, qos_remote_met;
};

struct sdp_info {
	size_t n;
	struct sdp_media m[SDP_MEDIA_MAX];
	uint64_t sess_id, sess_version;
};

/* text is borrowed by *ret. -EINVAL malformed (host names for addresses too), -E2BIG too many m= lines. */
int sdp_read(struct str text, struct sdp_info *ret);

/* New text with other connection data. One entry per m= line; entries with port 0 are left as they are. */
struct sdp_rewrite {
	union sip_sa rtp, rtcp; /* our relay address towards the reader */
};
/*
 * Replaces c= (0.0.0.0 and :: stay zero: old-style hold), m= ports, a=rtcp, o= address (topology
 * hiding) and drops lines that would lead around the relay (ICE, source-filter, altc). n must be
 * the number of m= lines. Returns malloc'd text in *ret, its length in *ret_len. -EINVAL, -ENOMEM.
 */
int sdp_relay(struct str text, const struct sdp_rewrite *rw, size_t n, char **ret, size_t *ret_len);

/* The SDP part of a message: body itself, or the application/sdp part of a multipart (RFC 5621). n == 0: none. */
struct str sip_msg_sdp(struct sip_msg *m);
int sip_msg_replace_sdp(struct sip_msg *m, const char *sdp, size_t len); /* keeps the other parts */

#endif
