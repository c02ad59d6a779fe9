// SPDX-License-Identifier: GPL-2.0-or-later
/* URIs, canonical identities, name-addr, parameters, Via: by table, what is refused beside what is read. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#include "lib/sip/msg.h"

static void test_uri(void **state)
{
	static const struct {
		const char *text, *scheme, *user, *password, *host;
		int port;
		const char *params, *headers;
	} t[] = {
		{ "sip:a@b", "sip", "a", "", "b", 0, "", "" },
		{ "sip:b", "sip", "", "", "b", 0, "", "" },
		{ "SIPS:a:pw@h.example:5061;lr;x=y?to=z", "SIPS", "a", "pw", "h.example", 5061,
		  ";lr;x=y", "to=z" },
		{ "sip:+15551234@[fd00::1]:5060;lr", "sip", "+15551234", "", "fd00::1", 5060, ";lr",
		  "" },
		{ "sip:[::1]", "sip", "", "", "::1", 0, "", "" },
		{ "sip:u;p=q@h;r", "sip", "u;p=q", "", "h", 0, ";r", "" },
		{ "tel:+1-555-1234;phone-context=x", "tel", "+1-555-1234", "", "", 0,
		  ";phone-context=x", "" },
		{ "tel:911;phone-context=+1", "tel", "911", "", "", 0, ";phone-context=+1", "" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(t); i++) {
		struct sip_uri u;

		assert_int_equal(sip_uri_parse(str_of(t[i].text), &u), 0);
		assert_true(str_eqz(u.scheme, t[i].scheme));
		assert_true(str_eqz(u.user, t[i].user));
		assert_true(str_eqz(u.password, t[i].password));
		assert_true(str_eqz(u.host, t[i].host));
		assert_int_equal(u.port, t[i].port);
		assert_true(str_eqz(u.params, t[i].params));
		assert_true(str_eqz(u.headers, t[i].headers));
		assert_int_equal(u.is_tel, t[i].scheme[0] == 't');
	}
}

static void test_uri_refused(void **state)
{
	static const char *const bad[] = {
		"",	      "sip",	    "sip:",	    ":a@b",	 "sip:@b",
		"sip:a@",     "sip:a@b@c",  "sip:a@b:",	    "sip:a@b:0", "sip:a@b:65536",
		"sip:a@b:1x", "sip:a@[::1", "sip:a@[::1]x", "sip:a@b c", "sip:a@b/c",
		"sip:a@<b>",  "tel:",	    "tel:+",	    "tel:abcg",	 "tel:5@x",
		"sip:a@[]",
	};
	struct sip_uri u;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		if (sip_uri_parse(str_of(bad[i]), &u) != -EINVAL)
			fail_msg("accepted: %s", bad[i]);
	assert_int_equal(sip_uri_parse(STR("urn:service:sos"), &u), -EPROTONOSUPPORT);
	assert_int_equal(sip_uri_parse(STR("http://x"), &u), -EPROTONOSUPPORT);
}

static void test_canon(void **state)
{
	static const struct {
		const char *in, *out;
	} t[] = {
		{ "sip:Alice@EXAMPLE.com:5060;user=phone?x=y", "sip:Alice@example.com" },
		{ "SIP:%61lice@example.com", "sip:alice@example.com" },
		{ "sip:a%2fb@c", "sip:a%2Fb@c" },
		{ "sip:a%00@c", "sip:a%00@c" },
		{ "sip:+1-555.1234@H;user=phone", "sip:+15551234@h" },
		{ "sip:+1-555@H", "sip:+1-555@h" },
		{ "tel:+1-(555)-12.34", "tel:+15551234" },
		{ "TEL:+1555;ext=3", "tel:+1555" },
		{ "tel:7-1;phone-context=EXAMPLE.com", "tel:71;phone-context=example.com" },
		{ "tel:71;phone-context=+1-555", "tel:71;phone-context=+1555" },
		{ "sip:example.com", "sip:example.com" },
		{ "sip:a@[FD00::1]", "sip:a@[fd00::1]" },
	};
	char buf[128];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(t); i++) {
		assert_int_equal(sip_uri_canon(str_of(t[i].in), buf, sizeof(buf)), 0);
		assert_string_equal(buf, t[i].out);
		assert_int_equal(sip_uri_canon(str_of(buf), buf, sizeof(buf)), 0); /* idempotent */
		assert_string_equal(buf, t[i].out);
		assert_int_equal(sip_uri_canon(str_of(t[i].in), buf, strlen(t[i].out)), -ENOSPC);
	}
	assert_int_equal(sip_uri_canon(STR("sip:a%2@b"), buf, sizeof(buf)), -EINVAL);
	assert_int_equal(sip_uri_canon(STR("sip:a%zz@b"), buf, sizeof(buf)), -EINVAL);
	assert_int_equal(sip_uri_canon(STR("sip:a:pw@b"), buf, sizeof(buf)), -EINVAL);
	assert_int_equal(sip_uri_canon(STR("urn:x:y"), buf, sizeof(buf)), -EINVAL);
}

static void test_name_addr(void **state)
{
	static const struct {
		const char *text, *display, *uri, *params;
	} t[] = {
		{ "<sip:a@b>", "", "sip:a@b", "" },
		{ "<sip:a@b;x>;y", "", "sip:a@b;x", ";y" },
		{ "Bob <sip:a@b> ; tag=1", "Bob", "sip:a@b", "; tag=1" },
		{ "\"A \\\" <x>\"<sip:a@b>", "A \\\" <x>", "sip:a@b", "" },
		{ "sip:a@b;tag=1", "", "sip:a@b", ";tag=1" },
		{ "  tel:+1555 ;tag=1 ", "", "tel:+1555", ";tag=1" },
		{ "J\xc3\xb6rg <sip:j@x>", "J\xc3\xb6rg", "sip:j@x", "" },
		{ "\"\" <sip:j@x>", "", "sip:j@x", "" },
	};
	static const char *const bad[] = { "",
					   "<>",
					   "<sip:a@b",
					   "sip:a@b>",
					   "\"x <sip:a@b>",
					   "\"x\" sip:a@b",
					   "a, b <sip:a@b>",
					   "<sip:a@b> x",
					   "< sip:a@b >",
					   "sip:a@b?x=y",
					   "a@b",
					   "sip:a b",
					   "x\"y <sip:a@b>" };
	struct sip_name_addr na;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(t); i++) {
		assert_int_equal(sip_name_addr_parse(str_of(t[i].text), &na), 0);
		assert_true(str_eqz(na.display, t[i].display));
		assert_true(str_eqz(na.uri, t[i].uri));
		assert_true(str_eqz(na.params, t[i].params));
	}
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		if (sip_name_addr_parse(str_of(bad[i]), &na) != -EINVAL)
			fail_msg("accepted: %s", bad[i]);
}

static void test_param(void **state)
{
	struct str p = STR(";a ; b = 1;C=\"x;y\";d=[fd00::1];e="), v;

	(void)state;
	assert_true(sip_param(p, "A", &v));
	assert_int_equal(v.n, 0);
	assert_true(sip_param(p, "b", &v) && str_eqz(v, "1"));
	assert_true(sip_param(p, "c", &v) && str_eqz(v, "x;y"));
	assert_true(sip_param(p, "d", &v) && str_eqz(v, "[fd00::1]"));
	assert_false(sip_param(p, "y", &v));
	assert_false(sip_param(p, "e", &v));
	assert_true(sip_param(p, "a", NULL));
	assert_false(sip_param(STR(""), "a", &v));
	assert_false(sip_param(STR(";x=\"open;a=1"), "a", &v));
}

static void test_via(void **state)
{
	static const char *const bad[] = { "",
					   "SIP/2.0/UDP",
					   "SIP/2.0/ h",
					   "SIP/2.0 UDP h",
					   "SIP/2.1/UDP h",
					   "HTTP/2.0/UDP h",
					   "SIP/2.0/UDP h;;",
					   "SIP/2.0/UDP h;a=\"",
					   "SIP/2.0/UDP [::1",
					   "SIP/2.0/UDP h:",
					   "SIP/2.0/UDP h x" };
	struct sip_via_view v;

	(void)state;
	assert_int_equal(
		sip_via_parse(
			STR("SIP / 2.0 / TCP  [fd00::1] : 5070 ;branch=z9hG4bKx;received=fd00::2;rport=9"),
			&v),
		0);
	assert_true(str_eqz(v.transport, "TCP"));
	assert_true(str_eqz(v.host, "fd00::1"));
	assert_int_equal(v.port, 5070);
	assert_true(str_eqz(v.branch, "z9hG4bKx"));
	assert_true(str_eqz(v.received, "fd00::2"));
	assert_true(v.has_rport && str_eqz(v.rport, "9"));
	assert_int_equal(sip_via_parse(STR("SIP/2.0/UDP h;rport"), &v), 0);
	assert_true(v.has_rport && !v.rport.n && !v.branch.n && !v.port);
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		if (sip_via_parse(str_of(bad[i]), &v) != -EINVAL)
			fail_msg("accepted: %s", bad[i]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_uri),   cmocka_unit_test(test_uri_refused),
		cmocka_unit_test(test_canon), cmocka_unit_test(test_name_addr),
		cmocka_unit_test(test_param), cmocka_unit_test(test_via),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
