// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Milenage (TS 35.206 4.1) over AES-128 of OpenSSL.
 *
 *   TEMP = E(RAND ^ OPc)                                    E: AES-128 under K
 *   OUT1 = E(TEMP ^ rot(IN1 ^ OPc, 64) ^ c1) ^ OPc          IN1: SQN | AMF | SQN | AMF
 *   OUTi = E(rot(TEMP ^ OPc, ri) ^ ci) ^ OPc                r2..r5: 0 32 64 96 bits, ci: 1 2 4 8
 *
 * Invariant: TEMP and the outputs, which hold keys, are wiped before a function returns.
 */
#include "lib/aka/aka.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>

/* Looked up once per thread: a fetch costs more than the block itself. */
static const EVP_CIPHER *aes_ecb(void)
{
	static __thread EVP_CIPHER *cipher;

	if (!cipher)
		cipher = EVP_CIPHER_fetch(NULL, "AES-128-ECB", NULL);
	return cipher;
}

static EVP_CIPHER_CTX *aes_new(const uint8_t k[16])
{
	EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();

	if (ctx && EVP_EncryptInit_ex2(ctx, aes_ecb(), k, NULL, NULL) == 1 &&
	    EVP_CIPHER_CTX_set_padding(ctx, 0) == 1)
		return ctx;
	EVP_CIPHER_CTX_free(ctx);
	return NULL;
}

static void aes_freep(EVP_CIPHER_CTX **ctx)
{
	EVP_CIPHER_CTX_free(*ctx);
}

static int aes_block(EVP_CIPHER_CTX *ctx, const uint8_t in[16], uint8_t out[16])
{
	int n;

	return EVP_EncryptUpdate(ctx, out, &n, in, 16) == 1 && n == 16 ? 0 : -EIO;
}

static void xor16(uint8_t dst[16], const uint8_t a[16], const uint8_t b[16])
{
	for (int i = 0; i < 16; i++)
		dst[i] = a[i] ^ b[i];
}

int aka_opc(const uint8_t k[16], const uint8_t op[16], uint8_t ret_opc[16])
{
	_cleanup_(aes_freep) EVP_CIPHER_CTX *ctx = aes_new(k);
	uint8_t e[16];
	int r = ctx ? aes_block(ctx, op, e) : -ENOMEM;

	if (r == 0)
		xor16(ret_opc, e, op);
	aka_wipe(e, sizeof(e));
	return r;
}

static int temp(EVP_CIPHER_CTX *ctx, const uint8_t opc[16], const uint8_t rand[16], uint8_t ret[16])
{
	uint8_t in[16];

	xor16(in, rand, opc);
	return aes_block(ctx, in, ret);
}

/* OUT = E(x ^ rot(y, octets * 8) ^ c) ^ OPc; x may be NULL. */
static int out(EVP_CIPHER_CTX *ctx, const uint8_t opc[16], const uint8_t *x, const uint8_t y[16],
	       int octets, uint8_t c, uint8_t ret[16])
{
	uint8_t in[16];
	int r;

	for (int i = 0; i < 16; i++)
		in[i] = y[(i + octets) % 16] ^ (x ? x[i] : 0);
	in[15] ^= c;
	r = aes_block(ctx, in, ret);
	xor16(ret, ret, opc);
	aka_wipe(in, sizeof(in));
	return r;
}

int milenage_f1(const uint8_t k[16], const uint8_t opc[16], const uint8_t rand[16],
		const uint8_t sqn[6], const uint8_t amf[2], uint8_t mac_a[8], uint8_t mac_s[8])
{
	_cleanup_(aes_freep) EVP_CIPHER_CTX *ctx = aes_new(k);
	uint8_t t[16], in1[16], o[16];
	int r;

	if (!ctx)
		return -ENOMEM;
	memcpy(in1, sqn, 6);
	memcpy(in1 + 6, amf, 2);
	memcpy(in1 + 8, in1, 8);
	xor16(in1, in1, opc);
	r = temp(ctx, opc, rand, t);
	if (r == 0)
		r = out(ctx, opc, t, in1, 8, 0, o);
	if (r == 0 && mac_a)
		memcpy(mac_a, o, 8);
	if (r == 0 && mac_s)
		memcpy(mac_s, o + 8, 8);
	aka_wipe(t, sizeof(t));
	aka_wipe(o, sizeof(o));
	return r;
}

int milenage_f2345(const uint8_t k[16], const uint8_t opc[16], const uint8_t rand[16],
		   uint8_t res[8], uint8_t ck[16], uint8_t ik[16], uint8_t ak[6],
		   uint8_t ak_star[6])
{
	_cleanup_(aes_freep) EVP_CIPHER_CTX *ctx = aes_new(k);
	uint8_t t[16], o2[16], o5[16];
	int r = ctx ? temp(ctx, opc, rand, t) : -ENOMEM;

	if (r == 0) {
		xor16(t, t, opc);
		r = out(ctx, opc, NULL, t, 0, 1, o2);
	}
	if (r == 0 && ck)
		r = out(ctx, opc, NULL, t, 4, 2, ck);
	if (r == 0 && ik)
		r = out(ctx, opc, NULL, t, 8, 4, ik);
	if (r == 0 && ak_star)
		r = out(ctx, opc, NULL, t, 12, 8, o5);
	if (r == 0 && res)
		memcpy(res, o2 + 8, 8);
	if (r == 0 && ak)
		memcpy(ak, o2, 6);
	if (r == 0 && ak_star)
		memcpy(ak_star, o5, 6);
	aka_wipe(t, sizeof(t));
	aka_wipe(o2, sizeof(o2));
	aka_wipe(o5, sizeof(o5));
	return r;
}
