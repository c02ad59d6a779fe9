// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Digest access authentication with AKA (RFC 3310, RFC 4169 over RFC 2617 3.2.2), base64 (RFC 4648),
 * comparison and wiping of secrets.
 *
 * Invariant: the password is octets with a length; it may hold NUL and ':' (RFC 3310 3.3).
 */
#include "lib/aka/aka.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#define MD5_LEN 16

bool aka_equal(const void *a, const void *b, size_t n)
{
	return CRYPTO_memcmp(a, b, n) == 0;
}

void aka_wipe(void *p, size_t n)
{
	OPENSSL_cleanse(p, n);
}

/* ---- MD5 over several parts, joined by ':' ---- */

static const EVP_MD *md5(void)
{
	static __thread EVP_MD *md;

	if (!md)
		md = EVP_MD_fetch(NULL, "MD5", NULL);
	return md;
}

static EVP_MD_CTX *md5_ctx(void)
{
	static __thread EVP_MD_CTX *ctx;

	if (!ctx)
		ctx = EVP_MD_CTX_new();
	return ctx;
}

static int md5_joined(const struct str *parts, int n, char ret_hex[33])
{
	EVP_MD_CTX *ctx = md5_ctx();
	uint8_t sum[MD5_LEN];
	bool ok = ctx && EVP_DigestInit_ex2(ctx, md5(), NULL) == 1;

	for (int i = 0; ok && i < n; i++) {
		if (i)
			ok = EVP_DigestUpdate(ctx, ":", 1) == 1;
		if (ok && parts[i].n)
			ok = EVP_DigestUpdate(ctx, parts[i].p, parts[i].n) == 1;
	}
	if (!ok || EVP_DigestFinal_ex(ctx, sum, NULL) != 1)
		return -EIO;
	hex_encode(sum, sizeof(sum), ret_hex);
	return 0;
}

void aka_md5_hex(const void *p, size_t n, char ret_hex[33])
{
	ret_hex[0] = '\0';
	md5_joined(&(struct str){ p, n }, 1, ret_hex);
}

static int digest_a2(const struct aka_digest_in *in, char ret_hex[33])
{
	struct str parts[3] = { in->method, in->uri };
	char body[33];

	if (!str_ieqz(in->qop, "auth-int"))
		return md5_joined(parts, 2, ret_hex);
	aka_md5_hex(in->body.p, in->body.n, body);
	parts[2] = str_of(body);
	return md5_joined(parts, 3, ret_hex);
}

int aka_digest_md5(const struct aka_digest_in *in, char ret_hex[33])
{
	struct str a1[3] = { in->username,
			     in->realm,
			     { (const char *)in->password, in->password_len } };
	char h1[33], h2[33];
	int r = md5_joined(a1, 3, h1);

	if (r == 0)
		r = digest_a2(in, h2);
	if (r == 0 && !in->qop.n)
		r = md5_joined((struct str[]){ str_of(h1), in->nonce, str_of(h2) }, 3, ret_hex);
	else if (r == 0)
		r = md5_joined((struct str[]){ str_of(h1), in->nonce, in->nc, in->cnonce, in->qop,
					       str_of(h2) },
			       6, ret_hex);
	aka_wipe(h1, sizeof(h1));
	return r;
}

int aka_v2_password(const struct aka_vector *v, char *dst, size_t size)
{
	static const char text[] = "http-digest-akav2-password";
	uint8_t key[AKA_RES_MAX + 32], mac[MD5_LEN];
	unsigned int n = sizeof(mac);
	int r = -EIO;

	memcpy(key, v->xres, v->xres_len);
	memcpy(key + v->xres_len, v->ik, 16);
	memcpy(key + v->xres_len + 16, v->ck, 16);
	if (HMAC(EVP_md5(), key, (int)v->xres_len + 32, (const uint8_t *)text, sizeof(text) - 1,
		 mac, &n))
		r = b64_encode(mac, sizeof(mac), dst, size);
	aka_wipe(key, sizeof(key));
	aka_wipe(mac, sizeof(mac));
	return r < 0 ? r : 0;
}

/* ---- base64 ---- */

int b64_encode(const uint8_t *p, size_t n, char *dst, size_t size)
{
	static const char abc[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	size_t len = (n + 2) / 3 * 4, o = 0;

	if (len + 1 > size)
		return -ENOSPC;
	for (size_t i = 0; i < n; i += 3) {
		uint32_t v = (uint32_t)p[i] << 16;

		v |= i + 1 < n ? (uint32_t)p[i + 1] << 8 : 0;
		v |= i + 2 < n ? p[i + 2] : 0;
		dst[o++] = abc[v >> 18];
		dst[o++] = abc[v >> 12 & 63];
		dst[o++] = i + 1 < n ? abc[v >> 6 & 63] : '=';
		dst[o++] = i + 2 < n ? abc[v & 63] : '=';
	}
	dst[o] = '\0';
	return (int)o;
}

static int b64_digit(char c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	return c == '+' ? 62 : c == '/' ? 63 : -1;
}

/* Padding may be missing, as some phones send it; nothing but the alphabet is taken. */
int b64_decode(struct str s, uint8_t *dst, size_t size)
{
	uint32_t v = 0;
	size_t o = 0;
	int bits = 0;

	for (int i = 0; i < 2 && s.n && s.p[s.n - 1] == '='; i++)
		s.n--;
	if (s.n % 4 == 1)
		return -EINVAL;
	for (size_t i = 0; i < s.n; i++) {
		int d = b64_digit(s.p[i]);

		if (d < 0)
			return -EINVAL;
		v = v << 6 | (uint32_t)d;
		bits += 6;
		if (bits < 8)
			continue;
		if (o == size)
			return -ENOSPC;
		bits -= 8;
		dst[o++] = (uint8_t)(v >> bits);
	}
	return (int)o;
}
