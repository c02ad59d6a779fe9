// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Keys of the IPsec security associations from IK and CK: TS 33.203 annex I.
 *
 * Invariant: every function fills exactly the number of octets that it returns.
 */
#include <openssl/evp.h>
#include <openssl/hmac.h>

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

/*
 * The key, then the salt: the last 32 bits of the KDF of TS 33.220 B.2 over CK | IK with one
 * parameter, a name of n characters.
 */
static int with_salt(const uint8_t key[16], const uint8_t ck[16], const uint8_t ik[16], uint8_t fc,
		     const char *name, size_t n, uint8_t *dst)
{
	uint8_t secret[32], s[32] = { fc }, out[EVP_MAX_MD_SIZE];
	unsigned int len = 0;
	bool ok;

	memcpy(secret, ck, 16);
	memcpy(secret + 16, ik, 16);
	memcpy(s + 1, name, n);
	s[n + 2] = (uint8_t)n; /* the octet before it is 0 */
	ok = HMAC(EVP_sha256(), secret, sizeof(secret), s, n + 3, out, &len) && len == 32;
	memcpy(dst, key, 16);
	memcpy(dst + 16, out + 28, 4);
	aka_wipe(secret, sizeof(secret));
	aka_wipe(out, sizeof(out));
	return ok ? 20 : -EIO;
}

int aka_key_gmac(const uint8_t ck[16], const uint8_t ik[16], uint8_t *dst)
{
	static const char name[] = "AES_GMAC_SALT";

	return with_salt(ik, ck, ik, 0x58, name, sizeof(name) - 1, dst);
}

int aka_key_gcm(const uint8_t ck[16], const uint8_t ik[16], uint8_t *dst)
{
	static const char name[] = "AES_GCM_SALT";

	return with_salt(ck, ck, ik, 0x59, name, sizeof(name) - 1, dst);
}
