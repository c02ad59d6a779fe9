// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * SIP messages: reading, every edit function, responses, strictness, references, and that what comes
 * out after edits parses to the same again. RFC 4475 is in torture_test.c.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#include "lib/sip/msg.h"

#define INVITE_HEAD                                                                            \
	"INVITE sip:bob@example.com SIP/2.0\r\n"                                               \
	"Via: SIP/2.0/UDP 10.0.0.1:5060;branch=z9hG4bKabc;rport\r\n"                           \
	"Via: SIP/2.0/TCP [fd00::1]:5070;branch=z9hG4bKdef, SIP/2.0/UDP c;branch=z9hG4bKg\r\n" \
	"Max-Forwards: 70\r\n"                                                                 \
	"Route: <sip:p1.example.com;lr>, <sip:p2.example.com;lr>\r\n"                          \
	"Record-Route: <sip:rr1;lr>\r\n"                                                       \
	"Record-Route: <sip:rr2;lr>\r\n"                                                       \
	"f: \"A, \\\"B\\\"\" <sip:alice@example.com>;tag=ft\r\n"                               \
	"To: <sip:bob@example.com>\r\n"                                                        \
	"i: call-1@x\r\n"                                                                      \
	"CSeq: 7 INVITE\r\n"                                                                   \
	"Contact: <sip:alice@10.0.0.1>;+sip.instance=\"<urn:x:1>\"\r\n"                        \
	"Supported: 100rel, timer\r\n"                                                         \
	"k: path,\r\n precondition\r\n"                                                        \
	"X-Unknown:  keep   me \r\n"                                                           \
	"P-Access-Network-Info: 3GPP-E-UTRAN-FDD\r\n"                                          \
	"Content-Type: text/plain\r\n"

static const char invite[] = INVITE_HEAD "Content-Length: 5\r\n\r\nhello";

static struct sip_msg *parse(const char *s)
{
	struct sip_msg *m;
	struct sip_parse_result r = sip_msg_parse(s, strlen(s), true, &m);

	if (r.error)
		fail_msg("%d %s", r.status, r.reason ? r.reason : "garbage");
	return m;
}

static char *encode(const struct sip_msg *m)
{
	static char buf[70000];
	size_t n = sip_msg_encode(m, buf, sizeof(buf) - 1);

	assert_int_equal(n, sip_msg_size(m));
	assert_true(n > 0);
	buf[n] = '\0';
	return buf;
}

/* What we wrote is what we would read. */
static void check_reparse(const struct sip_msg *m)
{
	char *text = encode(m);
	size_t n = strlen(text);
	_cleanup_free_ char *copy = str_dup(str_of(text));
	struct sip_msg *again;
	struct sip_parse_result r = sip_msg_parse(copy, n, false, &again);

	if (r.error)
		fail_msg("written but not read: %s", r.reason ? r.reason : "");
	assert_int_equal(r.used, n);
	assert_true(str_eq(sip_msg_from_tag(m), sip_msg_from_tag(again)));
	assert_true(str_eq(sip_msg_to_tag(m), sip_msg_to_tag(again)));
	assert_true(str_eq(sip_msg_ruri(m), sip_msg_ruri(again)));
	assert_true(str_eq(sip_msg_body(m), sip_msg_body(again)));
	assert_int_equal(sip_msg_cseq(m), sip_msg_cseq(again));
	for (unsigned int id = 0; id < SIP_H_MAX; id++) {
		const struct sip_hf *a = NULL, *b = NULL;

		do {
			a = sip_msg_next(m, id, a);
			b = sip_msg_next(again, id, b);
			assert_true(!a == !b);
			assert_true(!a || (str_eq(a->name, b->name) && str_eq(a->value, b->value)));
		} while (a);
	}
	assert_string_equal(encode(again), copy);
	sip_msg_unref(again);
}

static void assert_value(const struct sip_msg *m, enum sip_hdr id, const char *want)
{
	struct str v = sip_msg_value(m, id);

	if (!str_eqz(v, want))
		fail_msg("%s: \"%.*s\" is not \"%s\"", sip_hdr_name(id), STR_FMT(v), want);
}

static void test_read(void **state)
{
	_cleanup_msg_ struct sip_msg *m = parse(invite);

	(void)state;
	assert_true(sip_msg_is_request(m));
	assert_int_equal(sip_msg_method(m), SIP_M_INVITE);
	assert_true(str_eqz(sip_msg_method_name(m), "INVITE"));
	assert_int_equal(sip_msg_status(m), 0);
	assert_true(str_eqz(sip_msg_ruri(m), "sip:bob@example.com"));
	assert_true(str_eqz(sip_msg_body(m), "hello"));
	assert_true(str_eqz(sip_msg_call_id(m), "call-1@x"));
	assert_int_equal(sip_msg_cseq(m), 7);
	assert_true(str_eqz(sip_msg_from_tag(m), "ft"));
	assert_int_equal(sip_msg_to_tag(m).n, 0);
	assert_true(str_eqz(sip_msg_top_branch(m), "z9hG4bKabc"));
	assert_value(m, SIP_H_FROM, "\"A, \\\"B\\\"\" <sip:alice@example.com>;tag=ft");
	assert_true(str_eqz(sip_msg_hf_named(m, "x-unknown", NULL)->value, "keep   me"));
	assert_null(sip_msg_hf_named(m, "x-unknow", NULL));
	assert_ptr_equal(sip_msg_hf_named(m, "f", NULL), sip_msg_hf(m, SIP_H_FROM));
	assert_null(sip_msg_hf(m, SIP_H_PATH));
	assert_string_equal(encode(m), invite);
	check_reparse(m);
}

static void test_elements(void **state)
{
	_cleanup_msg_ struct sip_msg *m = parse(invite);
	static const char *const vias[] = { "SIP/2.0/UDP 10.0.0.1:5060;branch=z9hG4bKabc;rport",
					    "SIP/2.0/TCP [fd00::1]:5070;branch=z9hG4bKdef",
					    "SIP/2.0/UDP c;branch=z9hG4bKg" };
	struct sip_elem e = { 0 };
	size_t n = 0;

	(void)state;
	while (sip_msg_next_elem(m, SIP_H_VIA, &e))
		assert_true(str_eqz(e.text, vias[n++]));
	assert_int_equal(n, 3);
	assert_false(sip_msg_next_elem(m, SIP_H_VIA, &e));
	e = (struct sip_elem){ 0 };
	assert_true(sip_msg_next_elem(m, SIP_H_FROM, &e)); /* comma in quotes */
	assert_false(sip_msg_next_elem(m, SIP_H_FROM, &e));
	assert_true(sip_msg_has_token(m, SIP_H_SUPPORTED, "TIMER"));
	assert_true(sip_msg_has_token(m, SIP_H_SUPPORTED, "path"));
	assert_true(sip_msg_has_token(m, SIP_H_SUPPORTED, "precondition"));
	assert_false(sip_msg_has_token(m, SIP_H_SUPPORTED, "pre"));
}

static void test_typed(void **state)
{
	_cleanup_msg_ struct sip_msg *m = parse(invite);

	(void)state;
	assert_string_equal(sip_msg_via(m)->v_branch, "z9hG4bKabc");
	assert_string_equal(sip_msg_via(m)->v_next->v_port, "5070");
	assert_string_equal(sip_msg_from(m)->a_tag, "ft");
	assert_string_equal(sip_msg_to(m)->a_url->url_user, "bob");
	assert_string_equal(sip_msg_contact(m)->m_url->url_host, "10.0.0.1");
	assert_string_equal(sip_msg_route(m)->r_next->r_url->url_host, "p2.example.com");
	assert_string_equal(sip_msg_record_route(m)->r_next->r_url->url_host, "rr2");
	assert_string_equal(sip_msg_content_type(m)->c_type, "text/plain");
	assert_string_equal(sip_msg_ruri_url(m)->url_user, "bob");
	assert_null(sip_msg_rack(m));
	assert_null(sip_msg_authorization(m));
	assert_null(sip_msg_session_expires(m));
	assert_int_equal(sip_msg_set(m, SIP_H_TO, "<sip:carol@example.com>;tag=9"), 0);
	assert_string_equal(sip_msg_to(m)->a_url->url_user, "carol");
	assert_int_equal(sip_msg_add(m, SIP_H_SESSION_EXPIRES, "1800;refresher=uas"), 0);
	assert_int_equal(sip_msg_session_expires(m)->x_delta, 1800);
	assert_int_equal(sip_msg_set(m, SIP_H_CONTACT, "*"), 0);
	assert_int_equal(sip_msg_contact(m)->m_url->url_type, url_any);
	assert_int_equal(sip_msg_set_ruri(m, STR("sip:dave@example.com")), 0);
	assert_string_equal(sip_msg_ruri_url(m)->url_user, "dave");
	assert_int_equal(sip_msg_add(m, SIP_H_RACK, "776656 1 INVITE"), 0);
	assert_int_equal(sip_msg_rack(m)->ra_response, 776656);
	assert_int_equal(sip_msg_set(m, SIP_H_ROUTE, "<sip:"), 0);
	assert_null(sip_msg_route(m));
}

static void test_u32(void **state)
{
	_cleanup_msg_ struct sip_msg *m = parse(invite);
	uint32_t v = 0;

	(void)state;
	assert_int_equal(sip_msg_u32(m, SIP_H_MAX_FORWARDS, &v), 0);
	assert_int_equal(v, 70);
	assert_int_equal(sip_msg_u32(m, SIP_H_EXPIRES, &v), -ENOENT);
	sip_msg_set(m, SIP_H_EXPIRES, "4294967295");
	assert_int_equal(sip_msg_u32(m, SIP_H_EXPIRES, &v), 0);
	assert_int_equal(v, UINT32_MAX);
	sip_msg_set(m, SIP_H_EXPIRES, "4294967296");
	assert_int_equal(sip_msg_u32(m, SIP_H_EXPIRES, &v), -EINVAL);
	sip_msg_set(m, SIP_H_EXPIRES, "x");
	assert_int_equal(sip_msg_u32(m, SIP_H_EXPIRES, &v), -EINVAL);
	sip_msg_set(m, SIP_H_EXPIRES, "-1");
	assert_int_equal(sip_msg_u32(m, SIP_H_EXPIRES, &v), -EINVAL);
	sip_msg_set(m, SIP_H_RETRY_AFTER, "18;duration=3 (later)");
	assert_int_equal(sip_msg_u32(m, SIP_H_RETRY_AFTER, &v), 0);
	assert_int_equal(v, 18);
}

static void test_add(void **state)
{
	_cleanup_msg_ struct sip_msg *m = parse(invite);
	const struct sip_hf *hf = sip_msg_hf(m, SIP_H_ROUTE);

	(void)state;
	assert_int_equal(
		sip_msg_prepend(m, SIP_H_VIA, "SIP/2.0/UDP %s;branch=%s", "me", "z9hG4bKtop"), 0);
	assert_true(str_eqz(sip_msg_top_branch(m), "z9hG4bKtop"));
	assert_int_equal(sip_msg_add(m, SIP_H_ROUTE, "<sip:p3;lr>"), 0);
	assert_true(str_eqz(sip_msg_next(m, SIP_H_ROUTE, hf)->value, "<sip:p3;lr>"));
	assert_int_equal(sip_msg_prepend(m, SIP_H_PATH, "<sip:pcscf;lr>"), 0);
	assert_true(str_has_prefix(
		str_of(encode(m)),
		STR("INVITE sip:bob@example.com SIP/2.0\r\nPath: <sip:pcscf;lr>\r\nVia: SIP/2.0/UDP me;")));
	assert_int_equal(sip_msg_add_named(m, "X-New", "%d", 5), 0);
	assert_int_equal(sip_msg_add_named(m, "X-New", "%d", 6), 0);
	assert_true(str_eqz(sip_msg_hf_named(m, "x-new", sip_msg_hf_named(m, "x-new", NULL))->value,
			    "6"));
	assert_int_equal(sip_msg_add_named(m, "Expires", "60"), 0);
	assert_value(m, SIP_H_EXPIRES, "60");
	assert_int_equal(sip_msg_add(m, SIP_H_SUBJECT, "%s", ""), 0);
	assert_non_null(sip_msg_hf(m, SIP_H_SUBJECT));
	assert_non_null(strstr(encode(m), "X-New: 5\r\nX-New: 6\r\n"));
	assert_non_null(strstr(encode(m), "Content-Length: 5\r\n\r\nhello"));
	check_reparse(m);
}

static void test_add_copy(void **state)
{
	_cleanup_msg_ struct sip_msg *m = parse(invite), *n = sip_msg_new_request("X", "sip:x");
	const struct sip_hf *last;

	(void)state;
	for (unsigned int id = 0; id < SIP_H_MAX; id++)
		for (const struct sip_hf *hf = sip_msg_hf(m, id); hf; hf = sip_msg_next(m, id, hf))
			if (id != SIP_H_MAX_FORWARDS && id != SIP_H_CONTENT_LENGTH)
				assert_int_equal(sip_msg_add_copy(n, hf), 0);
	assert_value(n, SIP_H_FROM, "\"A, \\\"B\\\"\" <sip:alice@example.com>;tag=ft");
	assert_true(str_eqz(sip_msg_hf(n, SIP_H_FROM)->name, "f"));
	assert_true(str_eqz(sip_msg_top_branch(n), "z9hG4bKabc"));
	last = sip_msg_next(n, SIP_H_SUPPORTED, sip_msg_hf(n, SIP_H_SUPPORTED));
	assert_true(str_eqz(last->value, "path,   precondition"));
	sip_msg_set(n, SIP_H_CSEQ, "1 X");
	check_reparse(n);
}

static void test_injection(void **state)
{
	_cleanup_msg_ struct sip_msg *m = parse(invite);
	_cleanup_free_ char *before = str_dup(str_of(encode(m)));
	const struct sip_hf *hf = sip_msg_hf(m, SIP_H_TO);

	(void)state;
	assert_int_equal(sip_msg_add(m, SIP_H_SUBJECT, "a\r\nb: c"), -EINVAL);
	assert_int_equal(sip_msg_add(m, SIP_H_SUBJECT, "a\nb"), -EINVAL);
	assert_int_equal(sip_msg_add(m, SIP_H_SUBJECT, "a\rb"), -EINVAL);
	assert_int_equal(sip_msg_add(m, SIP_H_SUBJECT, "a\r\n"), -EINVAL);
	assert_int_equal(sip_msg_add(m, SIP_H_SUBJECT, "a%cb", 0), -EINVAL);
	assert_int_equal(sip_msg_set(m, SIP_H_TO, "a\r\n\r\n"), -EINVAL);
	assert_int_equal(sip_hf_set(m, hf, "\n"), -EINVAL);
	assert_int_equal(sip_msg_add_named(m, "X: y\r\nZ", "v"), -EINVAL);
	assert_int_equal(sip_msg_add_named(m, "", "v"), -EINVAL);
	assert_int_equal(sip_msg_set_ruri(m, STR("sip:a b")), -EINVAL);
	assert_int_equal(sip_msg_set_ruri(m, STR("sip:a\r\nX:")), -EINVAL);
	assert_int_equal(sip_msg_set_ruri(m, STR("")), -EINVAL);
	assert_int_equal(sip_msg_set_to_tag(m, "a;b"), -EINVAL);
	assert_null(sip_msg_new_request("INVITE", "sip:a\r\n"));
	assert_null(sip_msg_new_request("INV ITE", "sip:a"));
	assert_string_equal(encode(m), before);
	/* Folding that came out of a message is unfolded. */
	assert_int_equal(sip_msg_add(m, SIP_H_SUBJECT, "a,\r\n b"), 0);
	assert_value(m, SIP_H_SUBJECT, "a,   b");
	check_reparse(m);
}

static void test_set_remove(void **state)
{
	_cleanup_msg_ struct sip_msg *m = parse(invite);
	const struct sip_hf *hf, *route;

	(void)state;
	assert_int_equal(sip_msg_set(m, SIP_H_RECORD_ROUTE, "<sip:one;lr>"), 0);
	hf = sip_msg_hf(m, SIP_H_RECORD_ROUTE);
	assert_null(sip_msg_next(m, SIP_H_RECORD_ROUTE, hf));
	route = sip_msg_hf(m, SIP_H_ROUTE);
	assert_int_equal(sip_hf_set(m, route, "%s", "<sip:r;lr>"), 0);
	assert_ptr_equal(sip_msg_hf(m, SIP_H_ROUTE), route);
	assert_true(str_eqz(route->value, "<sip:r;lr>"));
	sip_msg_remove(m, SIP_H_VIA);
	assert_null(sip_msg_hf(m, SIP_H_VIA));
	assert_int_equal(sip_msg_top_branch(m).n, 0);
	assert_null(sip_msg_via(m));
	sip_msg_remove_named(m, "X-Unknown");
	sip_msg_remove_named(m, "Supported");
	assert_null(strstr(encode(m), "keep"));
	assert_null(sip_msg_hf(m, SIP_H_SUPPORTED));
	sip_hf_remove(m, route);
	sip_hf_remove(m, route); /* twice does no harm */
	assert_int_equal(sip_hf_set(m, route, "x"), -EINVAL);
	assert_int_equal(sip_msg_set(m, SIP_H_VIA, "SIP/2.0/UDP x;branch=z9hG4bKnew"), 0);
	assert_int_equal(sip_msg_set(m, SIP_H_SUBJECT, "first"), 0);
	assert_int_equal(sip_msg_set(m, SIP_H_SUBJECT, "second"), 0);
	assert_value(m, SIP_H_SUBJECT, "second");
	check_reparse(m);
}

/* A loop may remove what it stands on. */
static void test_remove_while_walking(void **state)
{
	_cleanup_msg_ struct sip_msg *m = parse(invite);
	const struct sip_hf *hf = NULL;
	int n = 0;

	(void)state;
	while ((hf = sip_msg_next(m, SIP_H_RECORD_ROUTE, hf))) {
		sip_hf_remove(m, hf);
		n++;
	}
	assert_int_equal(n, 2);
	assert_null(sip_msg_hf(m, SIP_H_RECORD_ROUTE));
	check_reparse(m);
}

static void test_first_elem(void **state)
{
	_cleanup_msg_ struct sip_msg *m = parse(invite);

	(void)state;
	assert_int_equal(sip_msg_remove_first_elem(m, SIP_H_VIA), 0);
	assert_true(str_eqz(sip_msg_top_branch(m), "z9hG4bKdef"));
	assert_int_equal(sip_msg_remove_first_elem(m, SIP_H_VIA), 0);
	assert_value(m, SIP_H_VIA, "SIP/2.0/UDP c;branch=z9hG4bKg");
	assert_int_equal(sip_msg_remove_first_elem(m, SIP_H_ROUTE), 0);
	assert_value(m, SIP_H_ROUTE, "<sip:p2.example.com;lr>");
	check_reparse(m);
	assert_int_equal(sip_msg_remove_first_elem(m, SIP_H_ROUTE), 0);
	assert_null(sip_msg_hf(m, SIP_H_ROUTE));
	assert_int_equal(sip_msg_remove_first_elem(m, SIP_H_ROUTE), -ENOENT);
}

static void test_tokens(void **state)
{
	_cleanup_msg_ struct sip_msg *m = parse(invite);

	(void)state;
	assert_int_equal(sip_msg_remove_token(m, SIP_H_SUPPORTED, "100REL"), 0);
	assert_value(m, SIP_H_SUPPORTED, "timer");
	assert_int_equal(sip_msg_remove_token(m, SIP_H_SUPPORTED, "precondition"), 0);
	assert_int_equal(sip_msg_remove_token(m, SIP_H_SUPPORTED, "timer"), 0);
	assert_value(m, SIP_H_SUPPORTED, "path");
	assert_int_equal(sip_msg_remove_token(m, SIP_H_SUPPORTED, "path"), 0);
	assert_null(sip_msg_hf(m, SIP_H_SUPPORTED));
	assert_int_equal(sip_msg_remove_token(m, SIP_H_REQUIRE, "x"), 0);
	sip_msg_set(m, SIP_H_REQUIRE, "a,b,c,sec-agree");
	assert_int_equal(sip_msg_remove_token(m, SIP_H_REQUIRE, "sec-agree"), 0);
	assert_value(m, SIP_H_REQUIRE, "a, b, c");
	check_reparse(m);
}

static void test_to_tag(void **state)
{
	_cleanup_msg_ struct sip_msg *m = parse(invite);

	(void)state;
	assert_int_equal(sip_msg_set_to_tag(m, "one"), 0);
	assert_value(m, SIP_H_TO, "<sip:bob@example.com>;tag=one");
	assert_int_equal(sip_msg_set_to_tag(m, "second"), 0);
	assert_true(str_eqz(sip_msg_to_tag(m), "second"));
	sip_msg_set(m, SIP_H_TO, "sip:b@c;x=y;tag=1;z");
	assert_int_equal(sip_msg_set_to_tag(m, "22"), 0);
	assert_value(m, SIP_H_TO, "sip:b@c;x=y;tag=22;z");
	check_reparse(m);
}

static void test_body(void **state)
{
	_cleanup_msg_ struct sip_msg *m = parse(invite);
	char big[40000];

	(void)state;
	memset(big, 'x', sizeof(big));
	assert_int_equal(sip_msg_set_body(m, "application/sdp", "v=0\r\n", 5), 0);
	assert_value(m, SIP_H_CONTENT_TYPE, "application/sdp");
	check_reparse(m);
	assert_int_equal(sip_msg_set_body(m, NULL, big, sizeof(big)), 0);
	assert_value(m, SIP_H_CONTENT_LENGTH, "40000");
	assert_value(m, SIP_H_CONTENT_TYPE, "application/sdp");
	check_reparse(m);
	assert_int_equal(sip_msg_set_body(m, "a/b", big, 65536), -E2BIG);
	assert_int_equal(sip_msg_set_body(m, NULL, NULL, 0), 0);
	assert_null(sip_msg_hf(m, SIP_H_CONTENT_TYPE));
	assert_value(m, SIP_H_CONTENT_LENGTH, "0");
	check_reparse(m);
}

static void test_bounds(void **state)
{
	_cleanup_msg_ struct sip_msg *m = parse(invite);
	char big[60000];
	int r = 0, n = 0;

	(void)state;
	memset(big, 'x', sizeof(big) - 1);
	big[sizeof(big) - 1] = '\0';
	assert_int_equal(sip_msg_add_named(m, "X-Big", "%s", big), 0);
	assert_int_equal(sip_msg_add_named(m, "X-Big", "%s", big), -E2BIG);
	assert_int_equal(sip_msg_set(m, SIP_H_SUBJECT, "%s", big), -E2BIG);
	sip_msg_remove_named(m, "X-Big");
	while (!r && ++n < 300)
		r = sip_msg_add_named(m, "X-F", "%d", n);
	assert_int_equal(r, -E2BIG);
	check_reparse(m);
	assert_int_equal(sip_msg_encode(m, big, sip_msg_size(m) - 1), 0);
}

static void test_clone(void **state)
{
	struct sip_msg *m = parse(invite), *c;
	_cleanup_free_ char *text = NULL;

	(void)state;
	sip_msg_prepend(m, SIP_H_VIA, "SIP/2.0/UDP x;branch=z9hG4bKcl");
	sip_msg_set_ruri(m, STR("sip:other@example.net"));
	sip_msg_remove(m, SIP_H_SUPPORTED);
	text = str_dup(str_of(encode(m)));
	c = sip_msg_clone(m);
	assert_non_null(c);
	sip_msg_set(m, SIP_H_TO, "<sip:changed@x>");
	sip_msg_ref(m);
	sip_msg_unref(m);
	sip_msg_unref(m);
	assert_string_equal(encode(c), text);
	assert_int_equal(sip_msg_method(c), SIP_M_INVITE);
	assert_true(str_eqz(sip_msg_from_tag(c), "ft"));
	check_reparse(c);
	sip_msg_unref(c);
	sip_msg_unref(NULL);
}

static void test_new_request(void **state)
{
	_cleanup_msg_ struct sip_msg *m = sip_msg_new_request("REGISTER", "sip:example.com");

	(void)state;
	assert_non_null(m);
	assert_int_equal(sip_msg_method(m), SIP_M_REGISTER);
	assert_int_equal(sip_msg_add(m, SIP_H_FROM, "<sip:a@b>;tag=1"), 0);
	assert_int_equal(sip_msg_add(m, SIP_H_TO, "<sip:a@b>"), 0);
	assert_int_equal(sip_msg_add(m, SIP_H_CALL_ID, "c"), 0);
	assert_int_equal(sip_msg_add(m, SIP_H_CSEQ, "%u REGISTER", 3u), 0);
	assert_int_equal(sip_msg_prepend(m, SIP_H_VIA, "SIP/2.0/UDP 10.0.0.1;branch=z9hG4bKx"), 0);
	assert_string_equal(encode(m),
			    "REGISTER sip:example.com SIP/2.0\r\n"
			    "Via: SIP/2.0/UDP 10.0.0.1;branch=z9hG4bKx\r\n"
			    "Max-Forwards: 70\r\nFrom: <sip:a@b>;tag=1\r\nTo: <sip:a@b>\r\n"
			    "Call-ID: c\r\nCSeq: 3 REGISTER\r\nContent-Length: 0\r\n\r\n");
	assert_int_equal(sip_msg_cseq(m), 3);
	check_reparse(m);
}

static void test_new_response(void **state)
{
	_cleanup_msg_ struct sip_msg *m = parse(invite);
	struct sip_msg *r = sip_msg_new_response(m, 100, NULL, "tag");

	(void)state;
	assert_int_equal(sip_msg_to_tag(r).n, 0);
	assert_null(sip_msg_hf(r, SIP_H_RECORD_ROUTE));
	assert_true(str_has_prefix(str_of(encode(r)),
				   STR("SIP/2.0 100 Trying\r\nVia: SIP/2.0/UDP 10.0.0.1:5060;")));
	sip_msg_unref(r);

	r = sip_msg_new_response(m, 183, NULL, "mine");
	assert_true(str_eqz(sip_msg_to_tag(r), "mine"));
	assert_true(str_eqz(sip_msg_reason(r), "Session Progress"));
	assert_int_equal(sip_msg_method(r), SIP_M_INVITE);
	assert_int_equal(sip_msg_status(r), 183);
	assert_false(sip_msg_is_request(r));
	assert_non_null(sip_msg_hf(r, SIP_H_RECORD_ROUTE));
	assert_string_equal(sip_msg_via(r)->v_next->v_next->v_host, "c");
	check_reparse(r);
	sip_msg_unref(r);

	r = sip_msg_new_response(m, 486, "Not\r\nNow", NULL);
	assert_true(str_eqz(sip_msg_reason(r), "Busy Here"));
	assert_int_equal(sip_msg_to_tag(r).n, 16);
	assert_null(sip_msg_hf(r, SIP_H_RECORD_ROUTE));
	check_reparse(r);
	sip_msg_unref(r);
	assert_null(sip_msg_new_response(m, 99, NULL, NULL));
}

/* --- what must be refused --- */

static const char base_head[] =
	"OPTIONS sip:b@c SIP/2.0\r\nVia: SIP/2.0/UDP h;branch=z9hG4bK1\r\n"
	"From: <sip:a@b>;tag=1\r\nTo: <sip:b@c>\r\nCall-ID: x\r\nCSeq: 1 OPTIONS\r\n";

static struct sip_parse_result try_with(const char *more, bool datagram)
{
	char buf[4096];
	struct sip_parse_result r;
	struct sip_msg *m;

	snprintf(buf, sizeof(buf), "%s%s", base_head, more);
	r = sip_msg_parse(buf, strlen(buf), datagram, &m);
	if (r.error != SIP_PARSE_TOO_BIG)
		assert_true(!!m == (r.error == SIP_PARSE_OK || r.error == SIP_PARSE_BAD));
	sip_msg_unref(m);
	return r;
}

static void test_refused_fields(void **state)
{
	static const char *const bad[] = {
		"From: <sip:a@b>;tag=2\r\n\r\n",
		"t: <sip:a@b>\r\n\r\n",
		"i: y\r\n\r\n",
		"CSeq: 1 OPTIONS\r\n\r\n",
		"Max-Forwards: 256\r\n\r\n",
		"Max-Forwards: -1\r\n\r\n",
		"Max-Forwards: 7\r\nMax-Forwards: 7\r\n\r\n",
		"Content-Length: 1\r\n\r\n",
		"Content-Length: 0\r\nl: 0\r\n\r\n",
		"Content-Length: -1\r\n\r\n",
		"Content-Length: 99999999999999999999\r\n\r\n",
		"Content-Length: 0x0\r\n\r\n",
		"Content-Length:\r\n\r\n",
		"Expires: 1\r\nExpires: 2\r\n\r\n",
		"Via: SIP/2.0/UDP h, ,SIP/2.0/UDP i\r\n\r\n",
		"Via:\r\n\r\n",
		"No colon here\r\n\r\n",
		": no name\r\n\r\n",
		"Bad Name: x\r\n\r\n",
		"X: a\nP-Asserted-Identity: <sip:evil@x>\r\n\r\n",
		"X: a\rY: b\r\n\r\n",
		"\nX: a\r\n\r\n",
		"X: cut off",
		"X: no empty line\r\n",
	};

	(void)state;
	assert_int_equal(try_with("\r\n", true).error, SIP_PARSE_OK);
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		struct sip_parse_result r = try_with(bad[i], true);

		if (r.error != SIP_PARSE_BAD || r.status != 400)
			fail_msg("accepted: %s", bad[i]);
	}
}

/* The topmost Via; those below need only be there. */
static void test_refused_via(void **state)
{
	static const char *const bad[] = {
		"SIP/2.0/UDP",
		"SIP/3.0/UDP host.example",
		"SIP/2.0/UDP h:0;branch=x",
		"SIP/2.0/UDP h:99999",
		", SIP/2.0/UDP h",
		"SIP/2.0/UDP h;;",
		"SIP/2.0/UDP h, ,SIP/2.0/UDP i",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		char buf[512];
		int n = snprintf(buf, sizeof(buf),
				 "OPTIONS sip:b@c SIP/2.0\r\nVia: %s\r\nFrom: <sip:a@b>;tag=1\r\n"
				 "To: <sip:b@c>\r\nCall-ID: x\r\nCSeq: 1 OPTIONS\r\n\r\n",
				 bad[i]);
		struct sip_msg *m;

		if (sip_msg_parse(buf, (size_t)n, true, &m).status != 400)
			fail_msg("accepted: %s", bad[i]);
		sip_msg_unref(m);
	}
}

static void test_refused_messages(void **state)
{
#define REST \
	"Via: SIP/2.0/UDP h;branch=z9hG4bK1\r\nFrom: <sip:a@b>;tag=1\r\nTo: <sip:b@c>\r\nCall-ID: x\r\n"
	static const struct {
		const char *text;
		enum sip_parse_error error;
		int status;
	} bad[] = {
		{ "OPTIONS sip:b@c SIP/2.0\r\n" REST "CSeq: 1 BYE\r\n\r\n", SIP_PARSE_BAD, 400 },
		{ "OPTIONS sip:b@c SIP/2.0\r\n" REST "CSeq: 2147483648 OPTIONS\r\n\r\n",
		  SIP_PARSE_BAD, 400 },
		{ "OPTIONS sip:b@c SIP/2.0\r\n" REST "CSeq: OPTIONS\r\n\r\n", SIP_PARSE_BAD, 400 },
		{ "OPTIONS sip:b@c SIP/2.0\r\n" REST "CSeq: 1\r\n\r\n", SIP_PARSE_BAD, 400 },
		{ "OPTIONS sip:b@c SIP/2.0\r\n" REST "\r\n", SIP_PARSE_BAD, 400 },
		{ "OPTIONS sip:b@c SIP/3.0\r\n" REST "CSeq: 1 OPTIONS\r\n\r\n", SIP_PARSE_BAD,
		  505 },
		{ "OPTIONS sip:b@@c SIP/2.0\r\n" REST "CSeq: 1 OPTIONS\r\n\r\n", SIP_PARSE_BAD,
		  400 },
		{ "OPTIONS  SIP/2.0\r\n" REST "CSeq: 1 OPTIONS\r\n\r\n", SIP_PARSE_BAD, 400 },
		{ "OPTIONS SIP/2.0\r\n" REST "CSeq: 1 OPTIONS\r\n\r\n", SIP_PARSE_BAD, 400 },
		{ "OPT,IONS sip:b@c SIP/2.0\r\n" REST "CSeq: 1 OPTIONS\r\n\r\n", SIP_PARSE_GARBAGE,
		  0 },
		{ "GET / HTTP/1.1\r\nHost: x\r\n\r\n", SIP_PARSE_GARBAGE, 0 },
		{ "SIP/2.0 99 x\r\n" REST "CSeq: 1 OPTIONS\r\n\r\n", SIP_PARSE_GARBAGE, 0 },
		{ "SIP/2.0 700 x\r\n" REST "CSeq: 1 OPTIONS\r\n\r\n", SIP_PARSE_GARBAGE, 0 },
		{ "SIP/2.0 20 x\r\n" REST "CSeq: 1 OPTIONS\r\n\r\n", SIP_PARSE_GARBAGE, 0 },
		{ "SIP/2.0 200 OK\r\n" REST "\r\n", SIP_PARSE_GARBAGE, 0 },
		{ "OPTIONS sip:b@c SIP/2.0\r\nFrom: <sip:a@b>;tag=1\r\n\r\n", SIP_PARSE_GARBAGE,
		  0 },
		{ "\r\n\r\n", SIP_PARSE_GARBAGE, 0 },
		{ "", SIP_PARSE_GARBAGE, 0 },
		{ "x", SIP_PARSE_GARBAGE, 0 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		struct sip_msg *m;
		struct sip_parse_result r =
			sip_msg_parse(bad[i].text, strlen(bad[i].text), true, &m);

		if (r.error != bad[i].error ||
		    (r.error == SIP_PARSE_BAD && r.status != bad[i].status))
			fail_msg("%d %d: %s", (int)r.error, r.status, bad[i].text);
		sip_msg_unref(m);
	}
}

static void test_nul(void **state)
{
	static const char text[] =
		"OPTIONS sip:b@c SIP/2.0\r\n" REST "X: a\0b\r\nCSeq: 1 OPTIONS\r\n\r\n";
	struct sip_msg *m;
	struct sip_parse_result r = sip_msg_parse(text, sizeof(text) - 1, true, &m);

	(void)state;
	assert_int_equal(r.error, SIP_PARSE_BAD);
	sip_msg_unref(m);
}

static void test_too_many_fields(void **state)
{
	char buf[16384];
	size_t n = (size_t)snprintf(buf, sizeof(buf), "%s", base_head);
	struct sip_parse_result r;
	struct sip_msg *m;

	(void)state;
	for (int i = 0; i < 300; i++)
		n += (size_t)snprintf(buf + n, sizeof(buf) - n, "X: %d\r\n", i);
	n += (size_t)snprintf(buf + n, sizeof(buf) - n, "Content-Length: 0\r\n\r\n");
	r = sip_msg_parse(buf, n, false, &m);
	assert_int_equal(r.error, SIP_PARSE_BAD);
	assert_true(r.fatal);
	sip_msg_unref(m);
}

/* --- streams --- */

static void test_stream(void **state)
{
	struct sip_parse_result r;

	(void)state;
	assert_int_equal(try_with("", false).error, SIP_PARSE_AGAIN);
	assert_int_equal(try_with("Content-Length: 3\r\n\r\nab", false).error, SIP_PARSE_AGAIN);
	r = try_with("Content-Length: 3\r\n\r\nabcNEXT", false);
	assert_int_equal(r.error, SIP_PARSE_OK);
	assert_int_equal(r.used, sizeof(base_head) - 1 + strlen("Content-Length: 3\r\n\r\nabc"));
	r = try_with("\r\n", false);
	assert_int_equal(r.error, SIP_PARSE_BAD); /* RFC 3261 20.14: a stream needs it */
	assert_true(r.fatal);
	r = try_with("Content-Length: 3\r\nContent-Length: 4\r\n\r\nabc", false);
	assert_true(r.error == SIP_PARSE_BAD && r.fatal);
	r = try_with("Expires: 3\r\nExpires: 4\r\nContent-Length: 1\r\n\r\nabc", false);
	assert_true(r.error == SIP_PARSE_BAD && !r.fatal);
	assert_int_equal(r.used,
			 sizeof(base_head) - 1 +
				 strlen("Expires: 3\r\nExpires: 4\r\nContent-Length: 1\r\n\r\na"));
}

static void test_stream_crlf(void **state)
{
	struct sip_msg *m;
	struct sip_parse_result r = sip_msg_parse("\r\n\r\n\r\n", 6, false, &m);
	char buf[4096];
	int n = snprintf(buf, sizeof(buf), "\r\n\r\n%s", invite);

	(void)state;
	assert_int_equal(r.error, SIP_PARSE_AGAIN);
	assert_int_equal(r.used, 6);
	r = sip_msg_parse(buf, (size_t)n, false, &m);
	assert_int_equal(r.error, SIP_PARSE_OK);
	assert_int_equal(r.used, n);
	assert_string_equal(encode(m), invite);
	sip_msg_unref(m);
}

static void test_stream_too_big(void **state)
{
	static char buf[200000];
	struct sip_parse_result r;
	struct sip_msg *m;
	size_t n;

	(void)state;
	r = try_with("Content-Length: 65535\r\n\r\n", false);
	assert_int_equal(r.error, SIP_PARSE_TOO_BIG);
	n = (size_t)snprintf(buf, sizeof(buf), "%sX: ", base_head);
	memset(buf + n, 'x', sizeof(buf) - n);
	r = sip_msg_parse(buf, 60000, false, &m);
	assert_int_equal(r.error, SIP_PARSE_AGAIN);
	r = sip_msg_parse(buf, sizeof(buf), false, &m);
	assert_int_equal(r.error, SIP_PARSE_TOO_BIG);
	assert_int_equal(r.status, 513);
	assert_true(r.fatal);
	assert_non_null(m); /* to answer along its Via */
	sip_msg_unref(m);
	memset(buf, 'x', sizeof(buf));
	r = sip_msg_parse(buf, sizeof(buf), false, &m);
	assert_int_equal(r.error, SIP_PARSE_GARBAGE);
}

static void test_datagram_rest(void **state)
{
	struct sip_msg *m;

	(void)state;
	m = parse(INVITE_HEAD "\r\nall of it");
	assert_true(str_eqz(sip_msg_body(m), "all of it"));
	sip_msg_unref(m);
	m = parse(INVITE_HEAD "l: 3\r\n\r\nall of it");
	assert_true(str_eqz(sip_msg_body(m), "all"));
	check_reparse(m);
	sip_msg_unref(m);
}

static void test_names(void **state)
{
	(void)state;
	for (unsigned int id = 1; id < SIP_H_MAX; id++) {
		_cleanup_msg_ struct sip_msg *m = sip_msg_new_request("X", "sip:a");

		assert_true(sip_hdr_name(id)[0]);
		sip_msg_add_named(m, sip_hdr_name(id), "v");
		assert_true(sip_msg_hf(m, id) != NULL);
	}
	assert_string_equal(sip_hdr_name(SIP_H_OTHER), "");
	assert_string_equal(sip_method_str(SIP_M_PRACK), "PRACK");
	assert_string_equal(sip_reason_phrase(580), "Precondition Failure");
	assert_string_equal(sip_reason_phrase(499), "Client Error");
}

static void test_random(void **state)
{
	char a[33], b[33];

	(void)state;
	sip_random_token(a, 32);
	sip_random_token(b, 32);
	assert_int_equal(strlen(a), 32);
	assert_string_not_equal(a, b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_read),
		cmocka_unit_test(test_elements),
		cmocka_unit_test(test_typed),
		cmocka_unit_test(test_u32),
		cmocka_unit_test(test_add),
		cmocka_unit_test(test_add_copy),
		cmocka_unit_test(test_injection),
		cmocka_unit_test(test_set_remove),
		cmocka_unit_test(test_remove_while_walking),
		cmocka_unit_test(test_first_elem),
		cmocka_unit_test(test_tokens),
		cmocka_unit_test(test_to_tag),
		cmocka_unit_test(test_body),
		cmocka_unit_test(test_bounds),
		cmocka_unit_test(test_clone),
		cmocka_unit_test(test_new_request),
		cmocka_unit_test(test_new_response),
		cmocka_unit_test(test_refused_fields),
		cmocka_unit_test(test_refused_via),
		cmocka_unit_test(test_refused_messages),
		cmocka_unit_test(test_nul),
		cmocka_unit_test(test_too_many_fields),
		cmocka_unit_test(test_stream),
		cmocka_unit_test(test_stream_crlf),
		cmocka_unit_test(test_stream_too_big),
		cmocka_unit_test(test_datagram_rest),
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_random),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
