// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Reading of reginfo documents, whole ones and cut ones.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "reginfo.h"

static const char two[] =
	"<?xml version=\"1.0\"?>\n<reginfo xmlns=\"urn:ietf:params:xml:ns:reginfo\" version='3' state=\"full\">\n"
	" <registration aor=\"sip:a@x\" id=\"1\" state=\"active\">\n"
	"  <contact id=\"2\" state=\"active\" event=\"registered\"><uri>sip:001@10.45.0.11:4000</uri></contact>\n"
	" </registration>\n"
	" <registration aor=\"tel:+1\" id=\"3\" state=\"terminated\">\n"
	"  <contact id=\"4\" state=\"terminated\" event=\"rejected\"><uri>sip:001@10.45.0.99:4000</uri></contact>\n"
	" </registration>\n</reginfo>\n";

static void test_two(void **state _unused_)
{
	struct reginfo i;

	assert_int_equal(reginfo_read(STR(two), "sip:001@10.45.0.11:4000", &i), 0);
	assert_int_equal(i.version, 3);
	assert_true(i.full);
	assert_int_equal(i.registrations, 2);
	assert_int_equal(i.active, 1);
	assert_true(i.contact_seen && i.contact_active);
	assert_string_equal(i.contact_event, "registered");
	assert_int_equal(reginfo_read(STR(two), "sip:001@10.45.0.99:4000", &i), 0);
	assert_true(i.contact_seen && !i.contact_active);
	assert_string_equal(i.contact_event, "rejected");
	assert_int_equal(reginfo_read(STR(two), "sip:other", &i), 0);
	assert_false(i.contact_seen);
}

static void test_prefix(void **state _unused_)
{
	struct reginfo i;

	assert_int_equal(
		reginfo_read(
			STR("<r:reginfo version=\"0\" state=\"partial\"><r:registration state = \"active\"/></r:reginfo>"),
			"x", &i),
		0);
	assert_int_equal(i.active, 1);
	assert_false(i.full);
}

/* Every beginning of a document, and every one with an octet changed: no reading beyond the end. */
static void test_broken(void **state _unused_)
{
	struct reginfo i;

	for (size_t n = 0; n < sizeof(two); n++) {
		char *cut = malloc(n + 1);

		memcpy(cut, two, n);
		reginfo_read((struct str){ cut, n }, "sip:001@10.45.0.11:4000", &i);
		if (n) {
			cut[n / 2] = "<>=\"/"[n % 5];
			reginfo_read((struct str){ cut, n }, "sip:001@10.45.0.11:4000", &i);
		}
		free(cut);
	}
	assert_int_equal(reginfo_read(STR(""), "x", &i), -EINVAL);
	assert_int_equal(reginfo_read(STR("<html/>"), "x", &i), -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_two),
		cmocka_unit_test(test_prefix),
		cmocka_unit_test(test_broken),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
