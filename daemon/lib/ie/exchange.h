/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Requests and answers over UDP as GTPv2-C and PFCP have them (TS 29.274 7.6, TS 29.244 6.4): sequence
 * numbers, repetition until an answer comes (T, N), one answer for every copy of a request, several
 * messages in a datagram. lib/gtpc and lib/pfcp put their path and association management on top; their
 * users see the types of this file.
 *
 * Invariants: a call ends exactly once (answer, no answer, cancelled); a token is answered or dropped
 * exactly once; nothing is kept for a peer that only answers. A callback may start, cancel and answer
 * whatever it likes, and may not free the endpoint.
 */
#ifndef KIMS_IE_EXCHANGE_H
#define KIMS_IE_EXCHANGE_H

#include <sys/socket.h>

#include "lib/core/loop.h"
#include "lib/ie/tlv.h"

struct xchg_call;  /* a request of ours that waits for its answer */
struct xchg_token; /* a request of theirs that waits for ours */

struct xchg_msg {
	const struct tlv_hdr *hdr;
	const uint8_t *p; /* the whole message, header included; valid during the callback */
	size_t n;
	const struct sockaddr_storage *from;
	bool piggybacked; /* came behind another one in the same datagram */
};

/* answer NULL: none came in time (or the peer does not speak this version). */
typedef void xchg_done(void *arg, const struct xchg_msg *answer);

struct xchg_stats {
	uint64_t sent, received, repeated, duplicates, timeouts, malformed, unknown, wrong_version,
		unexpected, evicted, errors;
};

#endif
