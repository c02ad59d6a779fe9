// SPDX-License-Identifier: GPL-2.0-or-later
/* Flow descriptions: there and back, what is refused, and the packet filters that come of them. */
#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#include "ref/ipfilter.h"

static void test_good(void **state)
{
	static const char *const rows[][2] = {
		{ "permit out 17 from 10.0.0.1 20000 to assigned 5000", NULL },
		{ "permit out ip from any to assigned", NULL },
		{ "permit in 6 from fd45::1 5060 to fd46::/64 80,443,8000-8010", NULL },
		{ "deny out 255 from 0.0.0.0/0 to any", NULL },
		{ "  permit  out 17 from 10.0.0.1/32   to 10.45.0.2/32 5000-5000 ",
		  "permit out 17 from 10.0.0.1 to 10.45.0.2 5000" },
	};
	struct ipfilter f;
	char text[256];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		assert_int_equal(ipfilter_parse(str_of(rows[i][0]), &f), 0);
		assert_true(ipfilter_format(&f, text, sizeof(text)) > 0);
		assert_string_equal(text, rows[i][1] ? rows[i][1] : rows[i][0]);
		for (size_t n = 0; n <= strlen(text); n++) {
			char *small = malloc(n ? n : 1);

			assert_int_equal(ipfilter_format(&f, small, n), -ENOSPC);
			free(small);
		}
		for (size_t n = 0; n < strlen(rows[i][0]); n++) { /* cut anywhere */
			char *cut = malloc(n ? n : 1);

			memcpy(cut, rows[i][0], n);
			ipfilter_parse((struct str){ cut, n }, &f);
			free(cut);
		}
	}
}

static void test_bad(void **state)
{
	static const char *const rows[] = {
		"",
		"permit",
		"allow out ip from any to any",
		"permit both ip from any to any",
		"permit out 256 from any to any",
		"permit out udp from any to any",
		"permit out 17 any to any",
		"permit out 17 from any any",
		"permit out 17 from any to",
		"permit out 17 from !10.0.0.1 to any",
		"permit out 17 from 10.0.0.1/33 to any",
		"permit out 17 from 10.0.0.1/x to any",
		"permit out 17 from 10.0.0.1/ to any",
		"permit out 17 from 10.0.0.1 20- to any",
		"permit out 17 from fd45::1/129 to any",
		"permit out 17 from 10.0.0.1 65536 to any",
		"permit out 17 from 10.0.0.1 20-10 to any",
		"permit out 17 from 10.0.0.1 1,,2 to any",
		"permit out 17 from 10.0.0.1 1,2,3,4,5,6,7,8,9 to any",
		"permit out 17 from 10.0.0.1 to fd45::1",
		"permit out 17 from any to any 5000 established",
		"permit out 17 from any 1 2 to any",
	};
	struct ipfilter f;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		if (!ipfilter_parse(str_of(rows[i]), &f))
			fail_msg("taken: %s", rows[i]);
}

static int filters(const char *s, uint8_t dir, bool local, struct nas_filter *ret, size_t max)
{
	struct ipfilter f;

	assert_int_equal(ipfilter_parse(str_of(s), &f), 0);
	return ipfilter_to_nas(&f, dir, local, ret, max);
}

static void test_packet_filters(void **state)
{
	struct nas_filter n[4];

	(void)state;
	assert_int_equal(filters("permit out 17 from 10.0.0.1 20000-20001 to 10.45.0.2 5000",
				 NAS_DIR_DL, false, n, 4),
			 1);
	assert_int_equal(n[0].has, NAS_REMOTE4 | NAS_PROTO | NAS_LOCAL_PORT | NAS_REMOTE_PORT);
	assert_int_equal(ntohl(n[0].remote4.s_addr), 0x0a000001);
	assert_int_equal(n[0].remote4_mask.s_addr, UINT32_MAX);
	assert_true(n[0].local_low == 5000 && n[0].local_high == 5000);
	assert_true(n[0].remote_low == 20000 && n[0].remote_high == 20001);
	assert_int_equal(n[0].dir, NAS_DIR_DL);
	/* the same flow, said from the UE's side */
	assert_int_equal(filters("permit in 17 from 10.45.0.2 5000 to 10.0.0.0/8 20000", NAS_DIR_UL,
				 true, n, 4),
			 1);
	assert_int_equal(n[0].has & NAS_LOCAL4, NAS_LOCAL4);
	assert_int_equal(ntohl(n[0].remote4_mask.s_addr), 0xff000000);
	assert_true(n[0].local_low == 5000 && n[0].remote_low == 20000);
	assert_int_equal(
		filters("permit out 6 from fd46::/64 80,443 to assigned 1,2", 3, false, n, 4), 4);
	assert_true(n[3].remote6_bits == 64 && n[3].local_low == 2 && n[3].remote_low == 443);
	assert_int_equal(filters("permit out 6 from any 80,443 to assigned 1,2", 3, false, n, 3),
			 -ENOSPC);
	assert_int_equal(filters("deny out ip from any to any", 3, false, n, 4), -EINVAL);
	assert_int_equal(filters("permit out ip from any to assigned", 3, false, n, 4), 1);
	assert_int_equal(n[0].has, NAS_REMOTE4); /* 0.0.0.0/0 */
	assert_int_equal(n[0].remote4_mask.s_addr, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_good),
		cmocka_unit_test(test_bad),
		cmocka_unit_test(test_packet_filters),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
