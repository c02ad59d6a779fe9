// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Keys of the IPsec security associations from IK and CK: TS 33.203 annex I.
 *
 * Invariant: every function fills exactly the number of octets that it returns.
 */
#include "lib/aka/aka.h"

int aka_key_md5(const uint8_t ik[16], uint8_t *dst)
{
	memcpy(dst, ik, 16);
	return 16;
}

/* IK | 32 zero bits: HMAC-SHA-1-96 wants 160 bits. */
int aka_key_sha1(const uint8_t ik[16], uint8_t *dst)
{
	memcpy(dst, ik, 16);
	memset(dst + 16, 0, 4);
	return 20;
}

/* CK1 | CK2 | CK1, the last bit of each octet set for odd parity. */
int aka_key_des3(const uint8_t ck[16], uint8_t *dst)
{
	for (int i = 0; i < 24; i++) {
		uint8_t b = ck[i % 16] & 0xfe;

		dst[i] = b | !__builtin_parity(b);
	}
	return 24;
}

int aka_key_aes(const uint8_t ck[16], uint8_t *dst)
{
	memcpy(dst, ck, 16);
	return 16;
}
