// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Packets made by hand: UDP checksum, ESP framing and its integrity check.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "esp.h"
#include "lib/aka/cipher.h"

static union sip_sa sa(const char *addr, uint16_t port)
{
	union sip_sa a;

	assert_int_equal(sip_sa_parse(addr, port, &a), 0);
	return a;
}

static void test_udp(void **state _unused_)
{
	/* 192.0.2.1:1 to 192.0.2.2:2, "ab"; the sum by hand: 0xffff - (0xc000+0x0201+0xc000+0x0202+0x11+0xa+1+2+0xa+0x6162) folded */
	union sip_sa a = sa("192.0.2.1", 1), b = sa("192.0.2.2", 2);
	uint8_t p[64];

	assert_int_equal(udp_build(&a, &b, "ab", 2, p, sizeof(p)), 10);
	assert_int_equal(p[6] << 8 | p[7], 0x1a71);
	assert_int_equal(udp_build(&a, &b, "ab", 2, p, 9), -ENOSPC);
}

static void check(enum xfrm_auth auth, enum xfrm_enc enc, size_t block)
{
	struct xfrm_set k = {
		.auth = auth,
		.enc = enc,
		.auth_key_len = auth == XFRM_AUTH_MD5_96 ? 16 : 20,
		.enc_key_len = enc == XFRM_ENC_AES_CBC	  ? 16
			       : enc == XFRM_ENC_DES3_CBC ? 24
							  : 0,
	};
	size_t iv = block > 4 ? block : 0;
	uint8_t out[256], icv[12];

	for (size_t n = 0; n < 40; n++) {
		uint8_t in[40] = { 1, 2, 3 };
		int len = esp_build(&k, 0x11223344, 7, in, n, out, sizeof(out));

		assert_int_equal(len, 8 + iv + (n + 2 + block - 1) / block * block + 12);
		assert_memory_equal(out, "\x11\x22\x33\x44\0\0\0\7", 8);
		aka_hmac_96(auth == XFRM_AUTH_MD5_96 ? AKA_HMAC_MD5_96 : AKA_HMAC_SHA1_96,
			    k.auth_key, k.auth_key_len, out, (size_t)len - 12, icv);
		assert_memory_equal(icv, out + len - 12, 12);
	}
	assert_int_equal(esp_build(&k, 1, 1, out, 200, out, 210), -ENOSPC);
}

static void test_esp(void **state _unused_)
{
	check(XFRM_AUTH_MD5_96, XFRM_ENC_NULL, 4);
	check(XFRM_AUTH_SHA1_96, XFRM_ENC_AES_CBC, 16);
	check(XFRM_AUTH_SHA1_96, XFRM_ENC_DES3_CBC, 8);
}

/* RFC 2202 test case 1, RFC 3602 case 1. */
static void test_vectors(void **state _unused_)
{
	static const uint8_t key[20] = { [0 ... 19] = 0x0b };
	static const uint8_t aes_key[] =
		"\x06\xa9\x21\x40\x36\xb8\xa1\x5b\x51\x2e\x03\xd5\x34\x12\x00\x06";
	static const uint8_t iv[] =
		"\x3d\xaf\xba\x42\x9d\x9e\xb4\x30\xb4\x22\xda\x80\x2c\x9f\xac\x41";
	uint8_t out[16];

	assert_int_equal(
		aka_hmac_96(AKA_HMAC_SHA1_96, key, 20, (const uint8_t *)"Hi There", 8, out), 0);
	assert_memory_equal(out, "\xb6\x17\x31\x86\x55\x05\x72\x64\xe2\x8b\xc0\xb6", 12);
	assert_int_equal(aka_cbc_encrypt(AKA_AES_128_CBC, aes_key, iv,
					 (const uint8_t *)"Single block msg", 16, out),
			 0);
	assert_memory_equal(out, "\xe3\x53\x77\x9c\x10\x79\xae\xb8\x27\x08\x94\x2d\xbe\x77\x18\x1a",
			    16);
	assert_int_equal(aka_cbc_encrypt(AKA_AES_128_CBC, aes_key, iv, out, 15, out), -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_udp),
		cmocka_unit_test(test_esp),
		cmocka_unit_test(test_vectors),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
