// SPDX-License-Identifier: GPL-2.0-or-later
/* Digest credentials and challenges: reading, and taking keys out so that none stays behind. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#include "lib/sip/authhdr.h"

static void test_read(void **state)
{
	struct sip_digest d;

	(void)state;
	assert_int_equal(
		sip_digest_read(
			STR("Digest username=\"u@x\",realm=\"r, \\\"q\\\"\", nonce = \"YWJj==\" ,uri=\"sip:x\","
			    "\r\n response=\"\", algorithm=AKAv1-MD5,qop=auth,nc=00000001,cnonce=\"c\","
			    "opaque=\"o\",auts=\"AAAA==\",integrity-protected=\"yes\",unknown=5"),
			&d),
		0);
	assert_true(str_eqz(d.scheme, "Digest"));
	assert_true(str_eqz(d.username, "u@x"));
	assert_true(str_eqz(d.realm, "r, \\\"q\\\""));
	assert_true(str_eqz(d.nonce, "YWJj=="));
	assert_true(str_eqz(d.algorithm, "AKAv1-MD5"));
	assert_true(str_eqz(d.auts, "AAAA=="));
	assert_true(str_eqz(d.integrity_protected, "yes"));
	assert_true(d.has_response && !d.response.n && d.has_integrity_protected);
	assert_true(!d.ck.n && !d.stale.n);

	assert_int_equal(
		sip_digest_read(STR("digest realm=\"x\",ck=\"00\",ik=\"11\",stale=TRUE"), &d), 0);
	assert_true(str_eqz(d.ck, "00") && str_eqz(d.ik, "11") && str_eqz(d.stale, "TRUE"));
	assert_false(d.has_response || d.has_integrity_protected);
	assert_int_equal(sip_digest_read(STR("Digest"), &d), 0);
	assert_int_equal(sip_digest_read(STR("NoOneKnowsThisScheme opaque-data=here"), &d), 0);
}

static void test_refused(void **state)
{
	static const char *const bad[] = {
		"",
		",",
		"Digest\"x\"",
		"Digest nonce=\"a",
		"Digest nonce=\"a\"b",
		"Digest nonce=a\"b\"",
		"Digest nonce=\"a\",nonce=\"b\"",
		"Digest username=\"\",username=\"x\"",
		"Digest =x",
		"Digest a b=c",
	};
	struct sip_digest d;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		if (sip_digest_read(str_of(bad[i]), &d) != -EINVAL)
			fail_msg("accepted: %s", bad[i]);
}

static void test_without(void **state)
{
	static const struct {
		const char *in, *name, *out;
	} t[] = {
		{ "Digest realm=\"a,b\",ck=\"0\",ik=\"1\"", "ck",
		  "Digest realm=\"a,b\", ik=\"1\"" },
		{ "Digest ck=\"0\", realm=r", "ck", "Digest realm=r" },
		{ "Digest CK = \"0\",ck=1,  realm=r ,ck=2", "ck", "Digest realm=r" },
		{ "Digest ck=\"0\"", "ck", "Digest" },
		{ "Digest realm=r", "ck", "Digest realm=r" },
		{ "Digest realm=<,ck=\"0\"", "ck", "Digest realm=<" },
		{ "Digest realm=\"x\"y\",ck=\"0\"", "ck",
		  "Digest" }, /* who knows where quotes end: nothing stays */
		{ "Digest ck=\"0", "ck", "Digest" },
		{ "\"", "ck", "" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(t); i++) {
		_cleanup_free_ char *z = sip_digest_without(str_of(t[i].in), t[i].name);

		assert_non_null(z);
		assert_string_equal(z, t[i].out);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_read),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_without),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
