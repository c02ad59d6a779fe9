// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Objects of kims.ko as cells of a table, and by what a session is found. What comes from a kernel
 * is compared in tests/kmod/test_show.py.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "kernel_show.h"

/* What main.c has for the program. */
const struct conf *kc_conf(struct kimsctl *k _unused_)
{
	return NULL;
}

int kc_fail(const char *fmt _unused_, ...)
{
	return 1;
}

int kc_call(struct kimsctl *k _unused_, const char *nf _unused_, json_t *request,
	    json_t **ret _unused_)
{
	json_decref(request);
	return -ENOENT;
}

static const struct {
	const char *object;
	struct column c;
	const char *want;
} cells[] = {
	{ "{}", { "", FORM_VALUE, "id" }, "-" },
	{ "{\"id\": 7}", { "", FORM_VALUE, "id" }, "7" },
	{ "{\"id\": \"18446744073709551615\"}", { "", FORM_VALUE, "id" }, "18446744073709551615" },
	{ "{\"a\": {\"b\": {\"c\": 3}}}", { "", FORM_VALUE, "a.b.c" }, "3" },
	{ "{\"a\": {\"b\": 1}}", { "", FORM_VALUE, "a.b.c" }, "-" },
	{ "{\"l\": [\"forw\", \"dupl\"]}", { "", FORM_VALUE, "l" }, "forw,dupl" },
	{ "{\"s\": 4660}", { "", FORM_HEX, "s" }, "0x00001234" },
	{ "{\"d\": 1}", { "", FORM_DEVICE, "d" }, "lo" },
	{ "{\"d\": 99999}", { "", FORM_DEVICE, "d" }, "#99999" },
	{ "{\"r\": 128000}", { "", FORM_RATE, "r" }, "128k" },
	{ "{\"r\": 2000000}", { "", FORM_RATE, "r" }, "2M" },
	{ "{\"r\": 1500}", { "", FORM_RATE, "r" }, "1500" },
	{ "{\"j\": 80}", { "", FORM_JITTER, "j" }, "10.0" },
	{ "{\"j\": 80, \"clock-rate\": 16000}", { "", FORM_JITTER, "j" }, "5.0" },
	{ "{\"n\": {\"a\": 1, \"b\": 2}}", { "", FORM_SUM, "n" }, "3" },
	{ "{}", { "", FORM_SUM, "n" }, "0" },
	{ "{\"l\": [{\"p\": 1}, {\"p\": 4}, {}]}", { "", FORM_TOTAL, "l.p" }, "5" },
	{ "{\"l\": [{}, {}]}", { "", FORM_COUNT, "l" }, "2" },
	{ "{\"a\": 1, \"b\": 0, \"c\": 1}", { "", FORM_NAMES, "a,b,c" }, "a,c" },
	{ "{}", { "", FORM_NAMES, "a,b" }, "-" },
	{ "{\"x-ipv4\": \"1.2.3.4\"}", { "", FORM_ADDRESS, "x" }, "1.2.3.4" },
	{ "{\"x-ipv4\": \"1.2.3.4\", \"x-port\": 5}", { "", FORM_ADDRESS, "x" }, "1.2.3.4:5" },
	{ "{\"x-ipv6\": \"fd00::1\", \"x-port\": 5}", { "", FORM_ADDRESS, "x" }, "[fd00::1]:5" },
	{ "{\"x-ipv4\": \"1.2.3.4\", \"x-ipv6\": \"::1\"}", { "", FORM_ADDRESS, "x" }, "1.2.3.4,::1" },
	{ "{\"x-ipv4\": \"1.2.3.0\", \"x-prefix-len\": 24}", { "", FORM_ADDRESS, "x" }, "1.2.3.0/24" },
	{ "{\"local-ipv4\": \"1.2.3.4\", \"port\": 2152}", { "", FORM_ADDRESS, "local" }, "1.2.3.4:2152" },
	{ "{\"b-ipv4\": \"1.2.3.4\"}", { "", FORM_ADDRESS, "a|b" }, "1.2.3.4" },
	{ "{\"c-ipv4\": \"1.2.3.4\"}", { "", FORM_ADDRESS, "a|b" }, "-" },
};

static void cell_forms(void **state _unused_)
{
	for (size_t i = 0; i < ARRAY_SIZE(cells); i++) {
		json_t *o = json_loads(cells[i].object, 0, NULL);
		char text[128];

		assert_non_null(o);
		kernel_cell(o, &cells[i].c, text, sizeof(text));
		if (strcmp(text, cells[i].want))
			fail_msg("%s, %s: %s, not %s", cells[i].object, cells[i].c.path, text,
				 cells[i].want);
		json_decref(o);
	}
}

/* What does not fit is cut, and written nowhere else. */
static void cell_small(void **state _unused_)
{
	for (size_t i = 0; i < ARRAY_SIZE(cells); i++) {
		json_t *o = json_loads(cells[i].object, 0, NULL);

		for (size_t size = 1; size < 24; size++) {
			char *text = malloc(size);

			kernel_cell(o, &cells[i].c, text, size);
			assert_true(strlen(text) < size);
			free(text);
		}
		json_decref(o);
	}
}

static void session_keys(void **state _unused_)
{
	json_t *s = json_loads("{\"id\": 7, \"label\": \"001010000000001\", \"ue-ipv4\": \"10.45.0.1\","
			       " \"ue-ipv6\": \"fd45:0:0:1::\"}", 0, NULL);
	static const char *const yes[] = { "7", "001010000000001", "10.45.0.1", "fd45:0:0:1::",
					   "fd45:0:0:1:2:3:4:5" };
	static const char *const no[] = { "", "70", "0", "00101000000000", "10.45.0.2", "::1",
					  "fd45:0:0:2::1" };

	for (size_t i = 0; i < ARRAY_SIZE(yes); i++)
		assert_true(kernel_session_is(s, yes[i]));
	for (size_t i = 0; i < ARRAY_SIZE(no); i++)
		assert_false(kernel_session_is(s, no[i]));
	json_decref(s);
}

/* Wrong usage is told before the kernel is asked. */
static void usage(void **state _unused_)
{
	char *bogus[] = { (char *)"bogus", NULL }, *many[] = { (char *)"rtp", (char *)"1", (char *)"2", NULL };
	struct kimsctl k = { 0 };

	assert_int_equal(cmd_show_kernel(&k, 1, bogus), 2);
	assert_int_equal(cmd_show_kernel(&k, 3, many), 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(cell_forms),
		cmocka_unit_test(cell_small),
		cmocka_unit_test(session_keys),
		cmocka_unit_test(usage),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
