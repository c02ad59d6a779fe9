// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * AES-CBC, 3DES-CBC, HMAC-MD5-96, HMAC-SHA-1-96 over OpenSSL, as declared in cipher.h.
 */
#include "lib/aka/cipher.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>

static void ctx_freep(EVP_CIPHER_CTX **c)
{
	EVP_CIPHER_CTX_free(*c);
}

int aka_cbc_encrypt(enum aka_cipher c, const uint8_t *key, const uint8_t *iv, const uint8_t *p,
		    size_t n, uint8_t *dst)
{
	_cleanup_(ctx_freep) EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
	const EVP_CIPHER *type = c == AKA_AES_128_CBC ? EVP_aes_128_cbc() : EVP_des_ede3_cbc();
	int len = 0;

	if (!ctx || n > INT32_MAX || n % (size_t)EVP_CIPHER_get_block_size(type))
		return ctx ? -EINVAL : -ENOMEM;
	if (EVP_EncryptInit_ex(ctx, type, NULL, key, iv) != 1 ||
	    EVP_CIPHER_CTX_set_padding(ctx, 0) != 1 ||
	    EVP_EncryptUpdate(ctx, dst, &len, p, (int)n) != 1 || (size_t)len != n)
		return -EIO;
	return 0;
}

int aka_hmac_96(enum aka_mac m, const uint8_t *key, size_t key_len, const uint8_t *p, size_t n,
		uint8_t ret[12])
{
	const EVP_MD *type = m == AKA_HMAC_MD5_96 ? EVP_md5() : EVP_sha1();
	uint8_t full[EVP_MAX_MD_SIZE];
	unsigned int len = 0;

	if (!HMAC(type, key, (int)key_len, p, n, full, &len) || len < 12)
		return -EIO;
	memcpy(ret, full, 12);
	explicit_bzero(full, sizeof(full));
	return 0;
}
