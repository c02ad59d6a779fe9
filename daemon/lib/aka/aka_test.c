// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Milenage against four of the published test sets (TS 35.207, TS 35.208), vectors and
 * resynchronisation against the SIM's side, digest against the example of RFC 2617 3.5.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#include "lib/aka/aka.h"

struct set {
	const char *k, *rand, *sqn, *amf, *op, *opc, *f1, *f1s, *f2, *f5, *f3, *f4, *f5s;
};

static const struct set sets[] = {
	{ "465b5ce8b199b49faa5f0a2ee238a6bc", "23553cbe9637a89d218ae64dae47bf35", "ff9bb4d0b607",
	  "b9b9", "cdc202d5123e20f62b6d676ac72cb318", "cd63cb71954a9f4e48a5994e37a02baf",
	  "4a9ffac354dfafb3", "01cfaf9ec4e871e9", "a54211d5e3ba50bf", "aa689c648370",
	  "b40ba9a3c58b2a05bbf0d987b21bf8cb", "f769bcd751044604127672711c6d3441", "451e8beca43b" },
	{ "fec86ba6eb707ed08905757b1bb44b8f", "9f7c8d021accf4db213ccff0c7f71a6a", "9d0277595ffc",
	  "725c", "dbc59adcb6f9a0ef735477b7fadf8374", "1006020f0a478bf6b699f15c062e42b3",
	  "9cabc3e99baf7281", "95814ba2b3044324", "8011c48c0c214ed2", "33484dc2136b",
	  "5dbdbb2954e8f3cde665b046179a5098", "59a92d3b476a0443487055cf88b2307b", "deacdd848cc6" },
	{ "9e5944aea94b81165c82fbf9f32db751", "ce83dbc54ac0274a157c17f80d017bd6", "0b604a81eca8",
	  "9e09", "223014c5806694c007ca1eeef57f004f", "a64a507ae1a2a98bb88eb4210135dc87",
	  "74a58220cba84c49", "ac2cc74a96871837", "f365cd683cd92e96", "f0b9c08ad02e",
	  "e203edb3971574f5a94b0d61b816345d", "0c4524adeac041c4dd830d20854fc46b", "6085a86c6f63" },
	{ "6c38a116ac280c454f59332ee35c8c4f", "ee6466bc96202c5a557abbeff8babf63", "414b98222181",
	  "4464", "1ba00a1a7c6700ac8c3ff3e96ad08725", "3803ef5363b947c6aaa225e58fae3934",
	  "078adfb488241a57", "80246b8d0186bcf1", "16c8233f05a0ac28", "45b0f69ab06c",
	  "3f8c7587fe8e4b233af676aede30ba3b", "a7466cc1e6b2a1337d49d3b66e95d7b4", "1f53cd2b1113" },
};

static void unhex(const char *s, uint8_t *dst, size_t n)
{
	assert_int_equal(hex_decode(str_of(s), dst, n), n);
}

static void expect(const uint8_t *got, size_t n, const char *want)
{
	char hex[65];

	hex_encode(got, n, hex);
	assert_string_equal(hex, want);
}

static void test_milenage(void **state _unused_)
{
	for (size_t i = 0; i < ARRAY_SIZE(sets); i++) {
		const struct set *s = &sets[i];
		uint8_t k[16], op[16], opc[16], rand[16], sqn[6], amf[2];
		uint8_t ma[8], ms[8], res[8], ck[16], ik[16], ak[6], aks[6];

		unhex(s->k, k, 16);
		unhex(s->op, op, 16);
		unhex(s->rand, rand, 16);
		unhex(s->sqn, sqn, 6);
		unhex(s->amf, amf, 2);
		assert_int_equal(aka_opc(k, op, opc), 0);
		expect(opc, 16, s->opc);
		assert_int_equal(milenage_f1(k, opc, rand, sqn, amf, ma, ms), 0);
		assert_int_equal(milenage_f2345(k, opc, rand, res, ck, ik, ak, aks), 0);
		expect(ma, 8, s->f1);
		expect(ms, 8, s->f1s);
		expect(res, 8, s->f2);
		expect(ck, 16, s->f3);
		expect(ik, 16, s->f4);
		expect(ak, 6, s->f5);
		expect(aks, 6, s->f5s);
	}
}

static void make_sim(struct aka_sim *s)
{
	memset(s, 0, sizeof(*s));
	unhex(sets[0].k, s->k, 16);
	unhex(sets[0].opc, s->opc, 16);
	s->ind_len = 5;
}

static void test_sim(void **state _unused_)
{
	static const uint8_t amf[2] = { 0x80, 0 };
	struct aka_vector v, u;
	struct aka_sim s;
	uint8_t auts[14];
	uint64_t sqn_ms;

	make_sim(&s);
	assert_int_equal(aka_vector(s.k, s.opc, amf, 1000 << 5 | 3, NULL, &v), 0);
	assert_int_equal(aka_sim_auth(&s, v.rand, v.autn, &u, auts), 0);
	assert_memory_equal(v.xres, u.xres, 8);
	assert_memory_equal(v.ck, u.ck, 16);
	assert_memory_equal(v.ik, u.ik, 16);
	/* The same again is a replay: AUTS tells the SIM's own SQN. */
	assert_int_equal(aka_sim_auth(&s, v.rand, v.autn, &u, auts), -ERANGE);
	assert_int_equal(aka_resync(s.k, s.opc, v.rand, auts, &sqn_ms), 0);
	assert_int_equal(sqn_ms, 1000 << 5 | 3);
	auts[13] ^= 1;
	assert_int_equal(aka_resync(s.k, s.opc, v.rand, auts, &sqn_ms), -EBADMSG);
	v.autn[15] ^= 1;
	assert_int_equal(aka_sim_auth(&s, v.rand, v.autn, &u, auts), -EBADMSG);
}

static void test_sqn(void **state _unused_)
{
	static const uint8_t amf[2] = { 0x80, 0 };
	struct aka_vector v, u;
	struct aka_sim s;
	uint8_t auts[14];

	assert_int_equal(aka_sqn_next(5 << 5 | 7, 9, 5), 6 << 5 | 9);
	assert_int_equal(aka_sqn_next(AKA_SQN_MAX, 0, 5), 0);
	make_sim(&s);
	s.limit = 10;
	s.seq_ms[1] = 100;
	/* An index of its own may lag behind the others, but not further than L. */
	assert_int_equal(aka_vector(s.k, s.opc, amf, 95 << 5 | 2, NULL, &v), 0);
	assert_int_equal(aka_sim_auth(&s, v.rand, v.autn, &u, auts), 0);
	assert_int_equal(aka_vector(s.k, s.opc, amf, 80 << 5 | 3, NULL, &v), 0);
	assert_int_equal(aka_sim_auth(&s, v.rand, v.autn, &u, auts), -ERANGE);
	assert_int_equal(aka_vector(s.k, s.opc, amf, AKA_SQN_MAX + 1, NULL, &v), -EINVAL);
}

static void test_digest(void **state _unused_)
{
	struct aka_digest_in in = {
		.username = STR("Mufasa"),
		.realm = STR("testrealm@host.com"),
		.nonce = STR("dcd98b7102dd2f0e8b11d0f600bfb0c093"),
		.uri = STR("/dir/index.html"),
		.method = STR("GET"),
		.qop = STR("auth"),
		.nc = STR("00000001"),
		.cnonce = STR("0a4f113b"),
		.password = (const uint8_t *)"Circle Of Life",
		.password_len = 14,
	};
	char hex[33];

	assert_int_equal(aka_digest_md5(&in, hex), 0);
	assert_string_equal(hex, "6629fae49393a05397450978507c4ef1");
	in.qop = STR("");
	assert_int_equal(aka_digest_md5(&in, hex), 0);
	assert_string_equal(hex, "670fd8c2df070c60b045671b8b24ff02");
	aka_md5_hex("", 0, hex);
	assert_string_equal(hex, "d41d8cd98f00b204e9800998ecf8427e");
}

static void test_base64(void **state _unused_)
{
	static const char *const text[] = { "",		"Zg==",	    "Zm8=",    "Zm9v",
					    "Zm9vYg==", "Zm9vYmE=", "Zm9vYmFy" };
	uint8_t out[8];
	char b[16];

	for (size_t i = 0; i < ARRAY_SIZE(text); i++) {
		assert_int_equal(b64_encode((const uint8_t *)"foobar", i, b, sizeof(b)),
				 strlen(text[i]));
		assert_string_equal(b, text[i]);
		assert_int_equal(b64_decode(str_of(text[i]), out, sizeof(out)), i);
		assert_memory_equal(out, "foobar", i);
	}
	assert_int_equal(b64_decode(STR("Zm8"), out, sizeof(out)), 2);
	assert_int_equal(b64_decode(STR("Z"), out, sizeof(out)), -EINVAL);
	assert_int_equal(b64_decode(STR("Zm=v"), out, sizeof(out)), -EINVAL);
	assert_int_equal(b64_decode(STR("Zm9vYmFy"), out, 5), -ENOSPC);
	assert_int_equal(b64_encode((const uint8_t *)"foobar", 6, b, 8), -ENOSPC);
}

static void test_ipsec_keys(void **state _unused_)
{
	uint8_t key[16], ik[16], out[AKA_IPSEC_KEY_MAX];

	unhex("000102030405060708090a0b0c0d0e0f", key, 16);
	assert_int_equal(aka_key_des3(key, out), 24);
	expect(out, 24, "010102020404070708080b0b0d0d0e0e0101020204040707");
	assert_int_equal(aka_key_sha1(key, out), 20);
	expect(out, 20, "000102030405060708090a0b0c0d0e0f00000000");
	/* Salts by Python's hmac over FC, name and length. */
	unhex("f0e0d0c0b0a090807060504030201000", ik, 16);
	assert_int_equal(aka_key_gmac(key, ik, out), 20);
	expect(out, 20, "f0e0d0c0b0a09080706050403020100076571086");
	assert_int_equal(aka_key_gcm(key, ik, out), 20);
	expect(out, 20, "000102030405060708090a0b0c0d0e0fef278733");
}

static void test_akav2(void **state _unused_)
{
	struct aka_vector v = { .xres_len = 8 };
	char pw[32], small[8];

	assert_int_equal(aka_v2_password(&v, pw, sizeof(pw)), 0);
	assert_int_equal(strlen(pw), 24);
	assert_int_equal(aka_v2_password(&v, small, sizeof(small)), -ENOSPC);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_milenage), cmocka_unit_test(test_sim),
		cmocka_unit_test(test_sqn),	 cmocka_unit_test(test_digest),
		cmocka_unit_test(test_base64),	 cmocka_unit_test(test_ipsec_keys),
		cmocka_unit_test(test_akav2),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
