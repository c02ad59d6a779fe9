/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * AKA: Milenage (TS 35.206), authentication vectors and SQN (TS 33.102 6.3, annex C), digest AKA
 * (RFC 3310, RFC 4169), IPsec keys (TS 33.203 annex I). Crypto by OpenSSL.
 *
 * Invariants: keys are wiped (OPENSSL_cleanse) when a function is done with its copies; nothing
 * here logs. RES is octets, never a C string.
 */
#ifndef KIMS_AKA_AKA_H
#define KIMS_AKA_AKA_H

#include "lib/core/base.h"

#define AKA_KEY_LEN 16
#define AKA_RAND_LEN 16
#define AKA_AUTN_LEN 16
#define AKA_AUTS_LEN 14
#define AKA_SQN_LEN 6
#define AKA_RES_MAX 16
#define AKA_SQN_MAX ((UINT64_C(1) << 48) - 1)

struct aka_vector {
	uint8_t rand[16], autn[16], ck[16], ik[16];
	uint8_t xres[AKA_RES_MAX];
	size_t xres_len; /* 8 for Milenage */
};

int aka_opc(const uint8_t k[16], const uint8_t op[16], uint8_t ret_opc[16]);
/* Single functions, for tests and the SIM. ak may be NULL. */
int milenage_f1(const uint8_t k[16], const uint8_t opc[16], const uint8_t rand[16], const uint8_t sqn[6], const uint8_t amf[2],
		uint8_t mac_a[8], uint8_t mac_s[8]);
int milenage_f2345(const uint8_t k[16], const uint8_t opc[16], const uint8_t rand[16], uint8_t res[8], uint8_t ck[16],
		   uint8_t ik[16], uint8_t ak[6], uint8_t ak_star[6]);

/* HSS: vector for this SQN (48 bits). rand NULL: from getrandom(). */
int aka_vector(const uint8_t k[16], const uint8_t opc[16], const uint8_t amf[2], uint64_t sqn, const uint8_t *rand, struct aka_vector *ret);
/* HSS: AUTS -> SQN_MS. -EBADMSG when MAC-S is wrong (TS 33.102 6.3.5). */
int aka_resync(const uint8_t k[16], const uint8_t opc[16], const uint8_t rand[16], const uint8_t auts[14], uint64_t *ret_sqn_ms);
/* Next SQN to use: SEQ + 1, given IND (TS 33.102 C.3.2; ind_len bits). */
uint64_t aka_sqn_next(uint64_t sqn, unsigned int ind, unsigned int ind_len);

/* The SIM's side. */
struct aka_sim {
	uint8_t k[16], opc[16], amf[2];
	uint64_t seq_ms[32]; /* highest SEQ accepted for each IND (C.2) */
	unsigned int ind_len; /* 5 */
	uint64_t delta, limit; /* C.2.1; 0: not checked */
};
/* 0; -EBADMSG: MAC wrong (network not authentic); -ERANGE: SQN out of range, auts filled. */
int aka_sim_auth(struct aka_sim *s, const uint8_t rand[16], const uint8_t autn[16], struct aka_vector *ret, uint8_t ret_auts[14]);

/* Digest (RFC 2617, RFC 3310). password is octets. qop n == 0: RFC 2069 form. algorithm AKAv1-MD5, AKAv2-MD5, MD5. */
struct aka_digest_in {
	struct str username, realm, nonce, uri, method, qop, nc, cnonce, body;
	const uint8_t *password;
	size_t password_len;
};
int aka_digest_md5(const struct aka_digest_in *in, char ret_hex[33]);
/* Password of AKAv2-MD5 (RFC 4169 3): base64 text, NUL-terminated. */
int aka_v2_password(const struct aka_vector *v, char *dst, size_t size);
bool aka_equal(const void *a, const void *b, size_t n); /* constant time */
void aka_wipe(void *p, size_t n);

int b64_encode(const uint8_t *p, size_t n, char *dst, size_t size);	   /* length without NUL, or -ENOSPC */
int b64_decode(struct str s, uint8_t *dst, size_t size);		   /* octets, -EINVAL, -ENOSPC */
void aka_md5_hex(const void *p, size_t n, char ret_hex[33]);

/* IPsec keys of TS 33.203 annex I. */
#define AKA_IPSEC_KEY_MAX 24
int aka_key_md5(const uint8_t ik[16], uint8_t *dst);  /* 16 */
int aka_key_sha1(const uint8_t ik[16], uint8_t *dst); /* 20 */
int aka_key_des3(const uint8_t ck[16], uint8_t *dst); /* 24, with parity */
int aka_key_aes(const uint8_t ck[16], uint8_t *dst);  /* 16; all return the length */
/* AES-GCM (RFC 4106), AES-GMAC (RFC 4543): key and salt, 20; -EIO. */
int aka_key_gcm(const uint8_t ck[16], const uint8_t ik[16], uint8_t *dst);
int aka_key_gmac(const uint8_t ck[16], const uint8_t ik[16], uint8_t *dst);

#endif
