/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Private to lib/sip and its fuzzer: cuts a byte stream into SIP messages (RFC 3261 18.3, 7.5)
 * and keep-alives (RFC 5626 3.5.1).
 *
 * Invariants: work is linear in the octets received, however they are dripped; a message never
 * takes more than max octets; where the end of a message is in doubt (Content-Length absent with
 * a body to come, twice, or not a number) the stream cannot be trusted any more and must be closed.
 */
#ifndef KIMS_SIP_STREAM_H
#define KIMS_SIP_STREAM_H

#include "lib/core/base.h"

enum sip_frame {
	SIP_FRAME_MORE,	   /* nothing complete yet */
	SIP_FRAME_CRLF,	   /* *ret_len octets of line ends: ignore */
	SIP_FRAME_PING,	   /* CRLFCRLF: answer with CRLF */
	SIP_FRAME_MESSAGE, /* *ret_len octets are a message */
	SIP_FRAME_TOO_BIG, /* 513, then close */
	SIP_FRAME_BROKEN,  /* close */
};

struct sip_framer {
	size_t scanned; /* octets of the current message that hold no end of header */
	size_t total;	/* whole length once the header is complete; else 0 */
};

/* data always starts at the first octet that no frame took yet. After a frame the framer is reset. */
enum sip_frame sip_frame_next(struct sip_framer *f, const char *data, size_t len, size_t max,
			      size_t *ret_len);

#endif
