// SPDX-License-Identifier: GPL-2.0-or-later
/* Security-Client/-Server/-Verify as handsets send them, and as they must not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#include "lib/sip/secagree.h"

static int read_one(const char *value, struct sec_list *l)
{
	_cleanup_msg_ struct sip_msg *m = sip_msg_new_request("REGISTER", "sip:x");

	assert_int_equal(sip_msg_add(m, SIP_H_SECURITY_CLIENT, "%s", value), 0);
	return sec_list_read(m, SIP_H_SECURITY_CLIENT, l);
}

#define TAIL "prot=esp; mod=trans; spi-c=4096;spi-s=4097;port-c=5062; port-s=5063"

static void test_read(void **state)
{
	struct sec_list l;

	(void)state;
	assert_int_equal(
		read_one(
			"ipsec-3gpp; alg=hmac-sha-1-96; ealg=aes-cbc; " TAIL
			", IPSEC-3GPP;PORT-S = 5063 ;port-c=5062;spi-s=4097;spi-c=4096;ALG=\"HMAC-MD5-96\";q=0.5",
			&l),
		0);
	assert_int_equal(l.n, 2);
	assert_true(l.m[0].ipsec_3gpp && l.m[0].known && l.m[0].esp && l.m[0].transport);
	assert_int_equal(l.m[0].alg, SEC_HMAC_SHA_1_96);
	assert_int_equal(l.m[0].ealg, SEC_AES_CBC);
	assert_int_equal(l.m[0].spi_c, 4096);
	assert_int_equal(l.m[0].port_s, 5063);
	assert_int_equal(l.m[0].q_milli, 0);
	assert_int_equal(l.m[1].alg, SEC_HMAC_MD5_96);
	assert_int_equal(l.m[1].ealg, SEC_EALG_NULL);
	assert_int_equal(l.m[1].q_milli, 500);
	assert_true(l.m[1].known);
}

static void test_unknown(void **state)
{
	struct sec_list l;

	(void)state;
	assert_int_equal(
		read_one(
			"tls;q=0.2, digest;d-alg=md5, ipsec-3gpp;alg=hmac-sha-2-256-128;" TAIL
			", ipsec-3gpp;alg=hmac-md5-96;ealg=aes-gcm;" TAIL
			", ipsec-3gpp;alg=hmac-md5-96;prot=esp;mod=UDP-enc-tun;spi-c=1;spi-s=2;port-c=3;port-s=4",
			&l),
		0);
	assert_int_equal(l.n, 5);
	for (size_t i = 0; i < l.n; i++)
		assert_int_equal(l.m[i].known, l.m[i].udp_tunnel);
	assert_false(sec_mech_equal(&l.m[0], &l.m[1]));
	assert_false(sec_mech_equal(&l.m[2], &l.m[3]));
	assert_false(l.m[4].transport);
	assert_true(l.m[4].udp_tunnel);
}

static void test_refused(void **state)
{
	static const char *const bad[] = {
		"ipsec-3gpp;" TAIL,
		"ipsec-3gpp;alg=hmac-md5-96;spi-c=1;spi-s=2;port-c=3",
		"ipsec-3gpp;alg=hmac-md5-96;spi-c=0;spi-s=2;port-c=3;port-s=4",
		"ipsec-3gpp;alg=hmac-md5-96;spi-c=2;spi-s=2;port-c=3;port-s=4",
		"ipsec-3gpp;alg=hmac-md5-96;spi-c=4294967296;spi-s=2;port-c=3;port-s=4",
		"ipsec-3gpp;alg=hmac-md5-96;spi-c=1;spi-s=2;port-c=65536;port-s=4",
		"ipsec-3gpp;alg=hmac-md5-96;spi-c=1;spi-s=2;port-c=3;port-s=-4",
		"ipsec-3gpp;alg=hmac-md5-96;alg=hmac-sha-1-96;" TAIL,
		"ipsec-3gpp;alg=hmac-md5-96;spi-c=7;" TAIL,
		"ipsec-3gpp;alg=hmac-md5-96;q=2;" TAIL,
		"ipsec-3gpp;alg=hmac-md5-96;q=1.001;" TAIL,
		"ipsec-3gpp;alg=hmac-md5-96;=x;" TAIL,
		";alg=hmac-md5-96",
		", ,",
	};
	struct sec_list l;
	char many[4096] = "tls";
	_cleanup_msg_ struct sip_msg *m = sip_msg_new_request("REGISTER", "sip:x");

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		if (read_one(bad[i], &l) != -EINVAL)
			fail_msg("accepted: %s", bad[i]);
	assert_int_equal(sec_list_read(m, SIP_H_SECURITY_VERIFY, &l), -ENOENT);
	for (int i = 0; i < 31; i++)
		strcat(many, ",tls");
	assert_int_equal(read_one(many, &l), 0);
	strcat(many, ",tls");
	assert_int_equal(read_one(many, &l), -EINVAL);
}

static void test_equal(void **state)
{
	struct sec_list a, b, c;

	(void)state;
	assert_int_equal(read_one("ipsec-3gpp;q=0.1;alg=hmac-md5-96;" TAIL
				  ", ipsec-3gpp;alg=hmac-sha-1-96;" TAIL,
				  &a),
			 0);
	assert_int_equal(read_one("ipsec-3gpp;ealg=null;alg=hmac-sha-1-96;" TAIL
				  ",ipsec-3gpp;alg=hmac-md5-96;" TAIL,
				  &b),
			 0);
	assert_int_equal(read_one("ipsec-3gpp;alg=hmac-md5-96;" TAIL, &c), 0);
	assert_true(sec_list_equal(&a, &b));
	assert_false(sec_list_equal(&a, &c));
	assert_false(sec_list_equal(&c, &a));
	b.m[0].port_c++;
	assert_false(sec_list_equal(&a, &b));
}

/* TS 33.203 annex H: which algorithms go together. */
static void test_pairs(void **state)
{
	struct sec_list l;

	(void)state;
	assert_int_equal(read_one("ipsec-3gpp;alg=null;ealg=aes-gcm;" TAIL
				  ",ipsec-3gpp;alg=aes-gmac;" TAIL
				  ",ipsec-3gpp;alg=aes-gmac;ealg=null;" TAIL
				  ",ipsec-3gpp;alg=null;ealg=null;" TAIL
				  ",ipsec-3gpp;alg=null;ealg=aes-cbc;" TAIL
				  ",ipsec-3gpp;alg=aes-gmac;ealg=aes-cbc;" TAIL
				  ",ipsec-3gpp;alg=hmac-sha-1-96;ealg=aes-gcm;" TAIL
				  ",ipsec-3gpp;alg=null;" TAIL,
				  &l),
			 0);
	assert_int_equal(l.n, 8);
	for (size_t i = 0; i < l.n; i++)
		assert_int_equal(l.m[i].known, i < 3);
	assert_int_equal(l.m[0].ealg, SEC_AES_GCM);
	assert_int_equal(l.m[1].alg, SEC_AES_GMAC);
}

static void test_write(void **state)
{
	const struct sec_mech m = { .ipsec_3gpp = true,
				    .alg = SEC_HMAC_SHA_1_96,
				    .ealg = SEC_DES_EDE3_CBC,
				    .esp = true,
				    .transport = true,
				    .known = true,
				    .spi_c = 4294967295u,
				    .spi_s = 1,
				    .port_c = 5063,
				    .port_s = 5064,
				    .q_milli = 100 };
	struct sec_list l;
	char buf[256];

	(void)state;
	assert_int_equal(sec_mech_write(&m, buf, sizeof(buf)), 0);
	assert_string_equal(
		buf, "ipsec-3gpp;q=0.100;alg=hmac-sha-1-96;ealg=des-ede3-cbc;prot=esp;mod=trans;"
		     "spi-c=4294967295;spi-s=1;port-c=5063;port-s=5064");
	assert_int_equal(read_one(buf, &l), 0);
	assert_true(sec_mech_equal(&m, &l.m[0]));
	assert_int_equal(l.m[0].q_milli, 100);
	assert_int_equal(sec_mech_write(&m, buf, 20), -ENOSPC);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_read),	cmocka_unit_test(test_unknown),
		cmocka_unit_test(test_refused), cmocka_unit_test(test_equal),
		cmocka_unit_test(test_pairs),	cmocka_unit_test(test_write),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
