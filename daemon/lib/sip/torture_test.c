// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The messages of RFC 4475 (tests/torture/rfc4475), each with the verdict that its section asks for
 * from what a parser can know; what only a proxy or registrar can refuse (unknown Require, scheme,
 * Max-Forwards 0) is accepted here. Run from the top of the tree.
 */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#include "lib/sip/msg.h"

#define ACCEPT	       SIP_PARSE_OK, 0
#define DROP	       SIP_PARSE_GARBAGE, 0
#define REFUSE(status) SIP_PARSE_BAD, status

struct torture {
	const char *name;
	const char *section;
	enum sip_parse_error error;
	int status;
};

static const struct torture table[] = {
	{ "TC_WSINV", "3.1.1.1", ACCEPT },
	{ "TC_INTMETH", "3.1.1.2", ACCEPT },
	{ "TC_ESC01_V", "3.1.1.3", ACCEPT },
	{ "TC_ESCNULL_V", "3.1.1.4", ACCEPT },
	{ "TC_ESC02_V", "3.1.1.5", ACCEPT },
	{ "TC_LWSDISP_V", "3.1.1.6", ACCEPT },
	{ "TC_LONGREQ_V", "3.1.1.7", ACCEPT },
	{ "TC_DBLREQ", "3.1.1.8", ACCEPT },
	{ "TC_SEMIURI_V", "3.1.1.9", ACCEPT },
	{ "TC_TRANSPORTS_V", "3.1.1.10", ACCEPT },
	{ "TC_MPART01", "3.1.1.11", ACCEPT },
	{ "TC_UNREASON_V", "3.1.1.12", ACCEPT },
	{ "TC_NOREASON_V", "3.1.1.13", ACCEPT },
	{ "TC_BADINV01_I", "3.1.2.1", REFUSE(400) },
	{ "TC_CLERR_I", "3.1.2.2", REFUSE(400) },
	{ "TC_NCL_I", "3.1.2.3", REFUSE(400) },
	{ "TC_SCALAR02_V", "3.1.2.4", REFUSE(400) },
	{ "TC_SCALARLG_V", "3.1.2.5", DROP },
	{ "TC_QUOTBAL_I", "3.1.2.6", REFUSE(400) },
	{ "TC_LTGTRURI_I", "3.1.2.7", REFUSE(400) },
	{ "TC_LWSRURI_I", "3.1.2.8", REFUSE(400) },
	{ "TC_LWSSTART_V", "3.1.2.9", REFUSE(400) },
	{ "TC_TRWS_I", "3.1.2.10", REFUSE(400) },
	{ "TC_ESCRURI_V", "3.1.2.11", REFUSE(400) },
	{ "TC_BADDATE_V", "3.1.2.12", ACCEPT },	 /* a proxy may pass what it need not read */
	{ "TC_REGBADCT_I", "3.1.2.13", ACCEPT }, /* but no typed Contact: the registrar's 400 */
	{ "TC_BADASPEC_I", "3.1.2.14", REFUSE(400) },
	{ "TC_BADDN_I", "3.1.2.15", REFUSE(400) },
	{ "TC_BADVERS_V", "3.1.2.16", REFUSE(505) },
	{ "TC_MISMATCH01_V", "3.1.2.17", REFUSE(400) },
	{ "TC_MISMATCH02_V", "3.1.2.18", REFUSE(400) },
	{ "TC_BIGCODE_V", "3.1.2.19", DROP },
	{ "TC_BADBRANCH_V", "3.2.1", ACCEPT }, /* the transaction layer treats it as none */
	{ "TC_INSUF_I", "3.3.1", REFUSE(400) },
	{ "TC_UNKSCM_V", "3.3.2", ACCEPT },
	{ "TC_NOVELSC_V", "3.3.3", ACCEPT },
	{ "TC_UNKSM2_V", "3.3.4", ACCEPT },
	{ "TC_BEXT01_V", "3.3.5", ACCEPT },
	{ "TC_INVUT_V", "3.3.6", ACCEPT },
	{ "TC_REGAUT01_V", "3.3.7", ACCEPT },
	{ "TC_MULTI01_I", "3.3.8", REFUSE(400) },
	{ "TC_MCL01_I", "3.3.9", REFUSE(400) },
	{ "TC_BCAST_V", "3.3.10", ACCEPT },
	{ "TC_ZEROMF_V", "3.3.11", ACCEPT },
	{ "TC_CPARAM01_V", "3.3.12", ACCEPT },
	{ "TC_CPARAM02_V", "3.3.13", ACCEPT },
	{ "TC_REGESCRT_V", "3.3.14", ACCEPT },
	{ "TC_SDP01_V", "3.3.15", ACCEPT },
	{ "TC_INV2543_I", "3.4.1", ACCEPT },
	{ "TC_TEST_I", "drafts", DROP },
};

static size_t load(const char *name, char *buf, size_t size)
{
	char path[256];
	ssize_t n;
	int fd;

	snprintf(path, sizeof(path), "tests/torture/rfc4475/%s.dat", name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		fail_msg("%s: %s", path, strerror(errno));
	n = read(fd, buf, size);
	close(fd);
	assert_in_range(n, 1, size - 1);
	return (size_t)n;
}

static struct sip_msg *get(const char *name)
{
	char buf[8192];
	size_t n = load(name, buf, sizeof(buf));
	struct sip_msg *m;

	sip_msg_parse(buf, n, true, &m);
	assert_non_null(m);
	return m;
}

/* What was accepted leaves as it came, and its clone too; what was refused can be answered. */
static void check_usable(struct sip_msg *m, const char *data, size_t n, bool ok)
{
	char out[8192];
	size_t len = sip_msg_encode(m, out, sizeof(out));
	_cleanup_msg_ struct sip_msg *clone = sip_msg_clone(m);
	_cleanup_msg_ struct sip_msg *resp = sip_msg_new_response(m, 400, NULL, NULL);

	assert_non_null(clone);
	assert_non_null(resp);
	assert_int_equal(sip_msg_status(resp), 400);
	if (!ok)
		return;
	assert_true(len <= n);
	assert_memory_equal(out, data, len);
	assert_int_equal(sip_msg_encode(clone, out, sizeof(out)), len);
	assert_memory_equal(out, data, len);
}

static void test_table(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
		char buf[8192];
		size_t n = load(table[i].name, buf, sizeof(buf));
		_cleanup_msg_ struct sip_msg *m = NULL;
		struct sip_parse_result r = sip_msg_parse(buf, n, true, &m);

		if (r.error != table[i].error ||
		    (r.error == SIP_PARSE_BAD && r.status != table[i].status))
			fail_msg("%s (%s): error %d, status %d %s", table[i].name, table[i].section,
				 (int)r.error, r.status, r.reason ? r.reason : "");
		assert_true(!!m == (r.error == SIP_PARSE_OK || r.error == SIP_PARSE_BAD));
		if (m)
			check_usable(m, buf, n, r.error == SIP_PARSE_OK);
	}
}

/* In a stream the same, octet by octet: no verdict before the message is complete. */
static void test_stream(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
		char buf[8192];
		size_t n = load(table[i].name, buf, sizeof(buf));
		struct sip_parse_result all, r;
		struct sip_msg *m;

		all = sip_msg_parse(buf, n, false, &m);
		sip_msg_unref(m);
		for (size_t k = 0; k < n; k++) {
			r = sip_msg_parse(buf, k, false, &m);
			sip_msg_unref(m);
			if (r.error != SIP_PARSE_AGAIN)
				assert_true(r.error == all.error && r.status == all.status);
		}
	}
}

/* 3.1.1.1: everything that may be folded or spaced is. */
static void test_wsinv(void **state)
{
	_cleanup_msg_ struct sip_msg *m = get("TC_WSINV");
	struct sip_elem e = { 0 };
	const sip_via_t *v;
	int n = 0;

	(void)state;
	assert_true(str_eqz(sip_msg_from_tag(m), "98asjd8"));
	assert_true(str_eqz(sip_msg_to_tag(m), "1918181833n"));
	assert_int_equal(sip_msg_cseq(m), 9);
	assert_true(str_eqz(sip_msg_top_branch(m), "390skdjuw"));
	while (sip_msg_next_elem(m, SIP_H_VIA, &e))
		n++;
	assert_int_equal(n, 3);
	v = sip_msg_via(m);
	assert_non_null(v);
	assert_string_equal(v->v_host, "192.0.2.2");
	assert_string_equal(v->v_next->v_next->v_host, "192.168.255.111");
	assert_string_equal(v->v_next->v_next->v_branch, "z9hG4bK30239");
	assert_non_null(sip_msg_contact(m));
	assert_string_equal(sip_msg_contact(m)->m_q, "0.33");
	assert_string_equal(sip_msg_route(m)->r_url->url_host, "services.example.com");
}

static void test_intmeth(void **state)
{
	_cleanup_msg_ struct sip_msg *m = get("TC_INTMETH");
	struct sip_uri u;

	(void)state;
	assert_int_equal(sip_msg_method(m), SIP_M_UNKNOWN);
	assert_true(str_eqz(sip_msg_method_name(m), "!interesting-Method0123456789_*+`.%indeed'~"));
	assert_true(str_eqz(sip_msg_from_tag(m), "_token~1'+`*%!-."));
	assert_null(sip_msg_to(m)); /* has a NUL */
	assert_int_equal(sip_msg_set_to_tag(m, "x"), 0);
	assert_true(str_eqz(sip_msg_to_tag(m), "x"));
	assert_int_equal(sip_uri_parse(sip_msg_ruri(m), &u), 0);
	assert_true(str_eqz(u.host, "example.com"));
	assert_true(
		str_has_prefix(u.user, STR("1_unusual.URI~(to-be!sure)&isn't+it$/crazy?,/;;*")));
}

static void test_longreq(void **state)
{
	_cleanup_msg_ struct sip_msg *m = get("TC_LONGREQ_V");
	int n = 0;

	(void)state;
	for (const sip_via_t *v = sip_msg_via(m); v; v = v->v_next)
		n++;
	assert_int_equal(n, 34);
}

static void test_dblreq(void **state)
{
	char buf[8192];
	size_t n = load("TC_DBLREQ", buf, sizeof(buf));
	struct sip_parse_result r;
	struct sip_msg *m;

	(void)state;
	r = sip_msg_parse(buf, n, false, &m);
	assert_int_equal(r.error, SIP_PARSE_OK);
	assert_int_equal(sip_msg_method(m), SIP_M_REGISTER);
	sip_msg_unref(m);
	r = sip_msg_parse(buf + r.used, n - r.used, false, &m);
	assert_int_equal(r.error, SIP_PARSE_OK);
	assert_int_equal(sip_msg_method(m), SIP_M_INVITE);
	assert_int_equal(sip_msg_body(m).n, 150);
	sip_msg_unref(m);
}

static void test_others(void **state)
{
	struct sip_msg *m = get("TC_SEMIURI_V");
	struct sip_uri u;

	(void)state;
	assert_int_equal(sip_uri_parse(sip_msg_ruri(m), &u), 0);
	assert_true(str_eqz(u.user, "user;par=u%40example.net"));
	sip_msg_unref(m);

	m = get("TC_REGBADCT_I");
	assert_null(sip_msg_contact(m));
	sip_msg_unref(m);

	m = get("TC_UNKSCM_V");
	assert_int_equal(sip_uri_parse(sip_msg_ruri(m), &u), -EPROTONOSUPPORT);
	sip_msg_unref(m);

	m = get("TC_ESC02_V"); /* neither the method nor a header name is unescaped */
	assert_int_equal(sip_msg_method(m), SIP_M_UNKNOWN);
	assert_non_null(sip_msg_hf_named(m, "C%6Fntact", NULL));
	sip_msg_unref(m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_table),	cmocka_unit_test(test_stream),
		cmocka_unit_test(test_wsinv),	cmocka_unit_test(test_intmeth),
		cmocka_unit_test(test_longreq), cmocka_unit_test(test_dblreq),
		cmocka_unit_test(test_others),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
