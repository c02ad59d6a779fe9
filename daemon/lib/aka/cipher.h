/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The transforms of IPsec that Gm uses (TS 33.203 annex H), for the UE simulator, which must be
 * able to make ESP packets that its own kernel would refuse to send.
 */
#ifndef KIMS_AKA_CIPHER_H
#define KIMS_AKA_CIPHER_H

#include "lib/core/base.h"

enum aka_cipher { AKA_AES_128_CBC, AKA_DES_EDE3_CBC };
enum aka_mac { AKA_HMAC_MD5_96, AKA_HMAC_SHA1_96 };

/* n a multiple of the block (16 or 8 octets), iv one block; in place is fine. 0, -EINVAL, -EIO. */
int aka_cbc_encrypt(enum aka_cipher c, const uint8_t *key, const uint8_t *iv, const uint8_t *p,
		    size_t n, uint8_t *dst);
/* HMAC cut to 96 bits (RFC 2403, RFC 2404). 0, -EIO. */
int aka_hmac_96(enum aka_mac m, const uint8_t *key, size_t key_len, const uint8_t *p, size_t n,
		uint8_t ret[12]);

#endif
