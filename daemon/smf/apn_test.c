// SPDX-License-Identifier: GPL-2.0-or-later
/* APNs of the configuration, pools of addresses, protocol configuration options. */
#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#include "smf/apn.h"
#include "smf/pco.h"

static struct smf_apn *apns;
static size_t n_apns;

static void read_text(const char *text)
{
	char err[256] = "";

	if (smf_apns_parse(text, &apns, &n_apns, err, sizeof(err)))
		fail_msg("%s", err);
}

static void drop(void)
{
	smf_apns_free(apns, n_apns);
	apns = NULL;
}

static uint32_t get4(uint64_t now)
{
	struct conf_addr a;

	return smf_pool_get(&apns[0].pool4, now, &a) ? 0 : ntohl(a.v4.s_addr);
}

static struct conf_addr v4(uint32_t ip)
{
	return (struct conf_addr){ .family = AF_INET, .v4.s_addr = htonl(ip) };
}

static void put4(uint32_t ip, uint64_t now)
{
	struct conf_addr a = v4(ip);

	smf_pool_put(&apns[0].pool4, now, &a);
}

static void test_parse(void **state)
{
	static const char *const wrong[] = {
		"ims",
		"ims pool=10.0.0.0",
		"ims pool=10.0.0.0/33",
		"ims pool=fd45::/48",
		"ims pool6=fd45::/65",
		"ims pool6=10.0.0.0/8",
		"ims pool=10.0.0.0/8 what",
		"ims pool=10.0.0.0/8 x=y",
		"ims pool=10.0.0.0/8 mtu=99999",
		"ims pool=10.0.0.0/8 dns=x",
		"ims pool=1.0.0.0/8 pool=2.0.0.0/8",
		"ims pool=10.0.0.0/8 static=10.0.0.1",
	};
	char err[256];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
		*err = '\0';
		assert_int_equal(smf_apns_parse(wrong[i], &apns, &n_apns, err, sizeof(err)),
				 -EINVAL);
		assert_non_null(strstr(err, "APN ims: "));
	}
	read_text("ims pool=10.45.0.7/16 pcscf=10.46.0.1,fd46::1 dns=10.46.0.53,1.1.1.1 mtu=1400 "
		  "instance=core; ;sos pool6=fd49::/48 emergency;");
	assert_int_equal(n_apns, 2);
	assert_string_equal(apns[0].instance, "core");
	assert_string_equal(apns[1].instance, "sos");
	assert_int_equal(apns[0].n_pcscf4 + apns[0].n_pcscf6, 2);
	assert_int_equal(apns[0].n_dns4, 2);
	assert_int_equal(apns[0].mtu, 1400);
	assert_true(apns[1].emergency && !apns[0].emergency);
	assert_int_equal(get4(0), 0x0a2d0001);
	assert_ptr_equal(smf_apn_find(apns, 2, STR("IMS")), &apns[0]);
	assert_ptr_equal(smf_apn_find(apns, 2, STR("ims.mnc001.mcc001.gprs")), &apns[0]);
	assert_null(smf_apn_find(apns, 2, STR("ims.mnc001.mcc001.gprt")));
	assert_null(smf_apn_find(apns, 2, STR(".mnc001.mcc001.gprs")));
	assert_null(smf_apn_find(apns, 2, STR("im")));
	drop();
}

/* Those never used first, then the one that was freed first, and not before its time. */
static void test_reuse(void **state)
{
	(void)state;
	read_text("ims pool=10.0.0.0/29 reuse=10");
	for (uint32_t i = 1; i <= 6; i++)
		assert_int_equal(get4(0), 0x0a000000 + i);
	assert_int_equal(get4(0), 0); /* 7 is the broadcast address */
	assert_int_equal(apns[0].pool4.n_taken, 6);
	put4(0x0a000004, 1000);
	put4(0x0a000002, 2000);
	assert_int_equal(get4(9999000), 0);
	assert_int_equal(get4(10001000), 0x0a000004);
	assert_int_equal(get4(10001000), 0);
	assert_int_equal(get4(10002000), 0x0a000002);
	assert_int_equal(apns[0].pool4.n_taken, 6);
	drop();
}

static void test_take(void **state)
{
	struct conf_addr a = v4(0x0a000003), out = v4(0x0b000003);

	(void)state;
	read_text(
		"ims pool=10.0.0.0/29 reuse=10 static=00101:10.0.0.5,00102:9.9.9.9,00101:fd00::1");
	assert_int_equal(smf_pool_take(&apns[0].pool4, &a), 0);
	assert_int_equal(smf_pool_take(&apns[0].pool4, &a), -EADDRINUSE);
	assert_int_equal(smf_pool_take(&apns[0].pool4, &out), -EADDRNOTAVAIL);
	smf_pool_put(&apns[0].pool4, 0, &a);
	assert_int_equal(smf_pool_take(&apns[0].pool4, &a),
			 0); /* this one may be had before its time */
	assert_int_equal(get4(0), 0x0a000001);
	assert_int_equal(get4(0), 0x0a000002);
	assert_int_equal(get4(0), 0x0a000004); /* 5 is somebody's */
	assert_int_equal(get4(0), 0x0a000006);
	assert_int_equal(get4(0), 0);
	a = v4(0x0a000005);
	assert_int_equal(smf_pool_take(&apns[0].pool4, &a), -EADDRINUSE);
	assert_int_equal(smf_apn_static(&apns[0], "00101", AF_INET)->v4.s_addr, a.v4.s_addr);
	assert_non_null(smf_apn_static(&apns[0], "00101", AF_INET6));
	assert_null(smf_apn_static(&apns[0], "00103", AF_INET));
	assert_null(smf_apn_static(&apns[0], "", AF_INET));
	drop();
}

static void test_prefixes(void **state)
{
	struct conf_addr a, b;

	(void)state;
	read_text("ims pool6=fd45::/62 reuse=0;big pool6=fd00::/8 pool=10.0.0.0/8");
	for (uint8_t i = 1; i < 4; i++) {
		assert_int_equal(smf_pool_get(&apns[0].pool6, 0, &a), 0);
		assert_int_equal(a.v6.s6_addr[0], 0xfd);
		assert_int_equal(a.v6.s6_addr[7], i);
		assert_int_equal(a.v6.s6_addr[15], 0);
	}
	assert_int_equal(smf_pool_get(&apns[0].pool6, 0, &b), -ENOSPC);
	assert_int_equal(smf_pool_get(&apns[0].pool4, 0, &b), -ENOSPC);
	smf_pool_put(&apns[0].pool6, 0, &a);
	assert_int_equal(smf_pool_get(&apns[0].pool6, 0, &b), 0);
	assert_memory_equal(&a.v6, &b.v6, 16);
	assert_int_equal(apns[1].pool6.n, SMF_POOL_MAX);
	assert_int_equal(apns[1].pool4.n, SMF_POOL_MAX);
	drop();
}

/* One that somebody has when it is reserved is nobody's after that, and a restart leaves it to who has it. */
static void test_reserve(void **state)
{
	struct conf_addr had = v4(0x0a000001), waits = v4(0x0a000002), new = v4(0x0a000003);

	(void)state;
	read_text("ims pool=10.0.0.0/29 reuse=1");
	assert_int_equal(get4(0), 0x0a000001);
	assert_int_equal(get4(0), 0x0a000002);
	put4(0x0a000002, 0);
	for (int i = 0; i < 2; i++) { /* once more is the same */
		smf_pool_reserve(&apns[0].pool4, &had);
		smf_pool_reserve(&apns[0].pool4, &waits);
		smf_pool_reserve(&apns[0].pool4, &new);
	}
	put4(0x0a000001, 0);
	for (uint32_t i = 4; i <= 6; i++)
		assert_int_equal(get4(9000000), 0x0a000000 + i);
	assert_int_equal(get4(9000000), 0);
	assert_int_equal(smf_pool_take(&apns[0].pool4, &had), -EADDRINUSE);
	assert_int_equal(smf_pool_take_back(&apns[0].pool4, &had), 0);
	assert_int_equal(smf_pool_take_back(&apns[0].pool4, &had), -EADDRINUSE);
	assert_int_equal(apns[0].pool4.n_taken, 4);
	put4(0x0a000001, 0);
	assert_int_equal(apns[0].pool4.n_taken, 3);
	assert_int_equal(get4(9000000), 0);
	drop();
}

/* Reserved twice and no more: free when nobody has it, and not before its time. */
static void test_unreserve(void **state)
{
	struct conf_addr had = v4(0x0a000001), other = v4(0x0a000002), first = v4(0x0a000000);

	(void)state;
	read_text("ims pool=10.0.0.0/29 reuse=1");
	assert_int_equal(get4(0), 0x0a000001);
	for (int i = 0; i < 2; i++) {
		smf_pool_reserve(&apns[0].pool4, &had);
		smf_pool_reserve(&apns[0].pool4, &other);
		smf_pool_reserve(&apns[0].pool4, &first);
	}
	for (uint32_t i = 3; i <= 6; i++)
		assert_int_equal(get4(0), 0x0a000000 + i);
	for (int i = 0; i < 3; i++) {
		assert_int_equal(get4(9000000), 0);
		smf_pool_unreserve(&apns[0].pool4, 10000000, &other);
		smf_pool_unreserve(&apns[0].pool4, 10000000, &had);
		smf_pool_unreserve(&apns[0].pool4, 10000000, &first);
	}
	assert_int_equal(get4(10999999), 0);
	assert_int_equal(get4(11000000), 0x0a000002);
	assert_int_equal(get4(99000000), 0); /* somebody has .1, and .0 is nobody's */
	put4(0x0a000001, 99000000);
	assert_int_equal(get4(100000000), 0x0a000001);
	assert_int_equal(apns[0].pool4.n_taken, 6);
	drop();
}

/* A model of the pool: what is had is had once, and everything comes back. */
static void test_random(void **state)
{
	static uint64_t freed_at[256];
	static bool had[256];
	uint64_t now = 0;
	int n = 0;

	(void)state;
	memset(freed_at, 0, sizeof(freed_at));
	read_text("ims pool=10.0.0.0/24 reuse=1");
	srand(1);
	for (int i = 0; i < 100000; i++) {
		uint32_t ip = get4(now += (unsigned int)rand() % 20000);

		if (ip) {
			assert_true(ip > 0x0a000000 && ip < 0x0a0000ff && !had[ip & 255]);
			assert_true(!freed_at[ip & 255] || freed_at[ip & 255] + 1000000 <= now);
			had[ip & 255] = true;
			n++;
		}
		for (int k = rand() % 3; k--;) {
			int j = rand() % 256;

			if (had[j]) {
				put4(0x0a000000 + (uint32_t)j, now);
				had[j] = false;
				freed_at[j] = now;
				n--;
			}
		}
		assert_int_equal(apns[0].pool4.n_taken, n);
	}
	drop();
}

static void test_pco(void **state)
{
	static const uint8_t pap[] = { 1, 77, 0, 4 }, chap[] = { 2, 78, 0, 4 };
	struct nas_pco in = { 0 }, out;
	struct smf_pco p = { 0 };
	uint8_t room[SMF_PCO_ROOM];
	size_t pos = 0;
	struct str v;

	(void)state;
	read_text(
		"ims pool=10.0.0.0/24 pcscf=10.46.0.1,10.46.0.9,fd46::1,fd46::9 dns=1.1.1.1,fd46::53");
	nas_pco_add(&in, NAS_PCO_PAP, pap, sizeof(pap));
	nas_pco_add(&in, NAS_PCO_CHAP, chap, sizeof(chap));
	nas_pco_add(&in, NAS_PCO_PCSCF4, NULL, 0);
	nas_pco_add(&in, NAS_PCO_PCSCF6, NULL, 0);
	nas_pco_add(&in, NAS_PCO_DNS6, NULL, 0);
	nas_pco_add(&in, NAS_PCO_IPV4_MTU, NULL, 0);
	nas_pco_add(&in, NAS_PCO_BEARER_CONTROL, NULL, 0);
	nas_pco_add(&in, NAS_PCO_IPCP, "x", 1);	 /* broken: as if it was not there */
	nas_pco_add(&in, 0xff00, "operator", 8); /* not known */
	smf_pco_read(&p, SMF_EPCO, &in);
	assert_int_equal(p.container, SMF_EPCO);
	smf_pco_write(&p, &apns[0], true, true, (struct in_addr){ 0 }, room, &out);
	assert_true(nas_pco_next(&out, NAS_PCO_PAP, &pos, &v));
	assert_true(v.n == 5 && v.p[0] == 2 && v.p[1] == 77);
	pos = 0;
	assert_true(nas_pco_next(&out, NAS_PCO_CHAP, &pos, &v));
	assert_true(v.n == 4 && v.p[0] == 3 && v.p[1] == 78);
	pos = 0;
	for (int i = 0; i < 2; i++)
		assert_true(nas_pco_next(&out, NAS_PCO_PCSCF6, &pos, &v) && v.n == 16);
	assert_false(nas_pco_next(&out, NAS_PCO_PCSCF6, &pos, &v));
	assert_true(nas_pco_has(&out, NAS_PCO_DNS6) && !nas_pco_has(&out, NAS_PCO_DNS4));
	assert_false(nas_pco_has(&out, NAS_PCO_IPV4_MTU)); /* the configuration says none */
	assert_false(nas_pco_has(&out, NAS_PCO_IPCP));
	assert_true(nas_pco_has(&out, NAS_PCO_BEARER_CONTROL));
	smf_pco_write(&p, &apns[0], true, false, (struct in_addr){ 0 }, room, &out);
	assert_false(nas_pco_has(&out, NAS_PCO_PCSCF6) || nas_pco_has(&out, NAS_PCO_DNS6));
	assert_true(nas_pco_has(&out, NAS_PCO_PCSCF4));
	drop();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_parse),	cmocka_unit_test(test_reuse),
		cmocka_unit_test(test_reserve), cmocka_unit_test(test_unreserve),
		cmocka_unit_test(test_take),	cmocka_unit_test(test_prefixes),
		cmocka_unit_test(test_random),	cmocka_unit_test(test_pco),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
