/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Digest credentials and challenges in header text (RFC 2617/7616, RFC 3310, TS 24.229 7.2A.1):
 * tolerant reading of parameters, no C strings for octets. Views into the header's value.
 */
#ifndef KIMS_SIP_AUTHHDR_H
#define KIMS_SIP_AUTHHDR_H

#include "lib/sip/msg.h"

struct sip_digest {
	struct str scheme; /* "Digest" */
	struct str username, realm, nonce, uri, response, algorithm, cnonce, opaque, qop, nc, auts;
	struct str integrity_protected, ck, ik, stale;
	bool has_response, has_integrity_protected;
};

int sip_digest_read(struct str value, struct sip_digest *ret); /* -EINVAL; quotes are stripped, escapes kept */
/* Rewrites value without parameter name (ck, ik, integrity-protected ...): malloc'd. NULL: no memory. */
char *sip_digest_without(struct str value, const char *name);

#endif
