/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Digest credentials of a phone: AKAv1-MD5 and AKAv2-MD5 with the SIM (RFC 3310, RFC 4169), MD5
 * with a password (RFC 2617), as TS 24.229 5.1.1.2.2 and 5.1.1.5.1 want them written.
 */
#ifndef KIMS_UE_AUTH_H
#define KIMS_UE_AUTH_H

#include "sim.h"
#include "lib/sip/msg.h"

struct auth {
	char *realm, *nonce, *opaque, *algorithm;
	bool qop_auth; /* the challenge offers qop=auth */
	uint32_t nc;
	uint8_t password[64]; /* octets: RES, or text */
	size_t password_len;
	char *last; /* Authorization value of the last answer */
};

void auth_reset(struct auth *a); /* wipes */
int auth_read(struct auth *a,
	      struct sip_msg *resp); /* WWW-Authenticate: -ENOENT, -EINVAL, -ENOMEM */
/*
 * AKA: RAND and AUTN from the nonce to the SIM. 0: *v filled, -ERANGE: auts filled, -EBADMSG: the
 * network is not authentic, -EINVAL: nonce too short. Plain MD5: 0, *v untouched.
 */
int auth_challenge(struct auth *a, struct sim *s, struct aka_vector *v, uint8_t auts[14]);
int auth_password(struct auth *a, const struct aka_vector *v,
		  const struct phone_conf *c); /* -EINVAL: none */
void auth_no_password(struct auth *a);	       /* RFC 3310 3.4: with auts the password is empty */
/* Value of Authorization for the last challenge; auts may be NULL. malloc'd, NULL: no memory. Kept in last. */
char *auth_credentials(struct auth *a, const struct phone_conf *c, const char *method,
		       const uint8_t *auts);
/* As before the first challenge (empty nonce), or the last answer once more. malloc'd. */
char *auth_initial(const struct auth *a, const struct phone_conf *c);

#endif
