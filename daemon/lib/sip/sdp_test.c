// SPDX-License-Identifier: GPL-2.0-or-later
/* Session descriptions: reading, relaying (IPv4, IPv6, hold, RTCP), and where they are in a message. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#include "lib/sip/sdp.h"

#define V "v=0\r\no=- 42 43 IN IP4 10.0.0.1\r\ns=-\r\n"

static const char offer[] =
	V "c=IN IP4 10.0.0.1\r\nt=0 0\r\n"
	  "m=audio 4000 RTP/AVP 96 97\r\nb=AS:49\r\nb=RS:600\r\nb=RR:2000\r\n"
	  "a=rtpmap:96 AMR-WB/16000\r\na=fmtp:96 mode-change-capability=2\r\n"
	  "a=curr:qos local none\r\na=curr:qos remote none\r\n"
	  "a=des:qos mandatory local sendrecv\r\na=des:qos optional remote sendrecv\r\n"
	  "a=candidate:1 1 UDP 1 10.0.0.1 4000 typ host\r\na=sendonly\r\n"
	  "m=video 0 RTP/AVP 31\r\n";

static union sip_sa sa(const char *addr, uint16_t port)
{
	union sip_sa a;

	assert_int_equal(sip_sa_parse(addr, port, &a), 0);
	return a;
}

static void assert_sa(const union sip_sa *a, const char *want)
{
	char buf[SIP_SA_STRLEN];

	assert_string_equal(sip_sa_str(a, buf), want);
}

static void test_read(void **state)
{
	struct sdp_info i;

	(void)state;
	assert_int_equal(sdp_read(str_of(offer), &i), 0);
	assert_int_equal(i.n, 2);
	assert_int_equal(i.sess_id, 42);
	assert_int_equal(i.sess_version, 43);
	assert_true(str_eqz(i.m[0].type, "audio") && str_eqz(i.m[0].proto, "RTP/AVP") &&
		    str_eqz(i.m[0].fmt, "96 97"));
	assert_int_equal(i.m[0].port, 4000);
	assert_sa(&i.m[0].rtp, "10.0.0.1:4000");
	assert_sa(&i.m[0].rtcp, "10.0.0.1:4001");
	assert_int_equal(i.m[0].dir, SDP_SENDONLY);
	assert_int_equal(i.m[0].b_as_kbps, 49);
	assert_int_equal(i.m[0].b_rs, 600);
	assert_int_equal(i.m[0].b_rr, 2000);
	assert_true(i.m[0].has_qos && !i.m[0].qos_local_met && i.m[0].qos_remote_met &&
		    !i.m[0].conn_zero);
	assert_int_equal(i.m[1].port, 0);
	assert_int_equal(i.m[1].dir, SDP_SENDRECV);
	assert_false(i.m[1].has_qos);
}

static void test_read_variants(void **state)
{
	struct sdp_info i;

	(void)state;
	assert_int_equal(
		sdp_read(
			STR("v=0\no=- 1 1 IN IP6 ::1\ns=-\nt=0 0\na=inactive\nm=audio 5 RTP/AVP 0\nc=IN IP6 fd00::1\n"
			    "a=rtcp:9 IN IP6 fd00::2\na=recvonly\n\n"),
			&i),
		0);
	assert_sa(&i.m[0].rtp, "[fd00::1]:5");
	assert_sa(&i.m[0].rtcp, "[fd00::2]:9");
	assert_int_equal(i.m[0].dir, SDP_RECVONLY);
	assert_int_equal(
		sdp_read(
			STR(V
			    "c=IN IP4 0.0.0.0\r\na=inactive\r\nm=audio 5/1 RTP/AVP 0\r\na=rtcp-mux"),
			&i),
		0);
	assert_true(i.m[0].conn_zero && i.m[0].rtcp_mux);
	assert_int_equal(i.m[0].dir, SDP_INACTIVE);
	assert_int_equal(sip_sa_port(&i.m[0].rtcp), 5);
	assert_int_equal(
		sdp_read(STR(V "m=audio 5 RTP/AVP 0\r\nc=IN IP4 1.2.3.4/127\r\na=rtcp:77\r\n"), &i),
		0);
	assert_sa(&i.m[0].rtcp, "1.2.3.4:77");
	assert_int_equal(sdp_read(STR(V), &i), 0);
	assert_int_equal(i.n, 0);
}

static void test_qos(void **state)
{
	static const struct {
		const char *attrs;
		bool local, remote;
	} t[] = {
		{ "", true, true },
		{ "a=curr:qos local sendrecv\r\na=curr:qos remote none\r\na=des:qos mandatory local sendrecv\r\n"
		  "a=des:qos mandatory remote sendrecv\r\n",
		  true, false },
		{ "a=curr:qos local send\r\na=des:qos mandatory local send\r\na=des:qos optional local recv\r\n",
		  true, true },
		{ "a=curr:qos local send\r\na=des:qos mandatory local sendrecv\r\n", false, true },
		{ "a=curr:qos e2e none\r\na=des:qos mandatory e2e sendrecv\r\n", false, false },
	};

	(void)state;
	for (size_t k = 0; k < ARRAY_SIZE(t); k++) {
		struct sdp_info i;
		char buf[1024];

		snprintf(buf, sizeof(buf), V "c=IN IP4 1.1.1.1\r\nm=audio 4 RTP/AVP 0\r\n%s",
			 t[k].attrs);
		assert_int_equal(sdp_read(str_of(buf), &i), 0);
		assert_int_equal(i.m[0].qos_local_met, t[k].local);
		assert_int_equal(i.m[0].qos_remote_met, t[k].remote);
	}
}

static void test_refused(void **state)
{
	static const char *const bad[] = {
		"",
		"v=1\r\n",
		"o=- 1 1 IN IP4 1.1.1.1\r\n",
		"v=0\r\ns=-\r\n",
		V "m=audio 5 RTP/AVP 0\r\n",
		V "c=IN IP4 example.com\r\nm=audio 5 RTP/AVP 0\r\n",
		V "c=IN IP6 1.1.1.1\r\nm=audio 5 RTP/AVP 0\r\n",
		V "c=IN IP4 1.1.1.256\r\n",
		V "c=IN IP6 [::1]\r\n",
		V "c=IN IP4 1.1.1.1\r\nm=audio 65536 RTP/AVP 0\r\n",
		V "c=IN IP4 1.1.1.1\r\nm=audio 65535 RTP/AVP 0\r\n",
		V "c=IN IP4 1.1.1.1\r\nm=audio -5 RTP/AVP 0\r\n",
		V "c=IN IP4 1.1.1.1\r\nm=audio 5/2 RTP/AVP 0\r\n",
		V "c=IN IP4 1.1.1.1\r\nm=audio 5 RTP/AVP\r\n",
		V "c=IN IP4 1.1.1.1\r\nm=audio 5 RTP/AVP 0\r\na=rtcp:0\r\n",
		V "c=IN IP4 1.1.1.1\r\nm=audio 5 RTP/AVP 0\r\na=rtcp:x\r\n",
		V "testing\r\n",
		V "s=a\rc=IN IP4 1.1.1.1\r\n",
		V "c=IN IP4 1.1.1.1\r\nc=IN IP4 1.1.1.2\r\nm=audio 5 RTP/AVP 0\r\n",
		V "m=audio 5 RTP/AVP 0\r\nc=IN IP4 1.1.1.1\r\nc=IN IP4 1.1.1.2\r\n",
		V "o=- 1 1 IN IP4 1.1.1.1\r\n",
	};
	struct sdp_info i;
	char many[4096] = V "c=IN IP4 1.1.1.1\r\n";

	(void)state;
	for (size_t k = 0; k < ARRAY_SIZE(bad); k++)
		if (sdp_read(str_of(bad[k]), &i) != -EINVAL)
			fail_msg("accepted: %s", bad[k]);
	assert_int_equal(sdp_read((struct str){ V "s=\0", sizeof(V) + 2 }, &i), -EINVAL);
	for (int k = 0; k < SDP_MEDIA_MAX + 1; k++)
		strcat(many, "m=audio 5 RTP/AVP 0\r\n");
	assert_int_equal(sdp_read(str_of(many), &i), -E2BIG);
}

static char *relay(const char *text, const struct sdp_rewrite *rw, size_t n)
{
	size_t len;
	char *out, *z;

	assert_int_equal(sdp_relay(str_of(text), rw, n, &out, &len), 0);
	z = str_dup((struct str){ out, len });
	free(out);
	return z;
}

static void test_relay(void **state)
{
	const struct sdp_rewrite rw[2] = { { sa("10.46.0.1", 20000), sa("10.46.0.1", 20001) } };
	_cleanup_free_ char *out = relay(offer, rw, 2);

	(void)state;
	assert_string_equal(
		out, "v=0\r\no=- 42 43 IN IP4 10.46.0.1\r\ns=-\r\nc=IN IP4 10.46.0.1\r\nt=0 0\r\n"
		     "m=audio 20000 RTP/AVP 96 97\r\nb=AS:49\r\nb=RS:600\r\nb=RR:2000\r\n"
		     "a=rtpmap:96 AMR-WB/16000\r\na=fmtp:96 mode-change-capability=2\r\n"
		     "a=curr:qos local none\r\na=curr:qos remote none\r\n"
		     "a=des:qos mandatory local sendrecv\r\na=des:qos optional remote sendrecv\r\n"
		     "a=sendonly\r\nm=video 0 RTP/AVP 31\r\n");
}

static void test_relay_family(void **state)
{
	const struct sdp_rewrite rw[2] = { { sa("fd46::1", 20000), sa("fd46::1", 20003) },
					   { sa("fd46::2", 20004), sa("fd46::3", 20005) } };
	_cleanup_free_ char *out = relay(
		"v=0\no=x 1 2 IN IP4 1.1.1.1\ns=-\nt=0 0\nm=audio 5 RTP/AVP 0\ni=title\nc=IN IP4 0.0.0.0\n"
		"m=video 7 RTP/AVP 31\nc=IN IP4 1.1.1.1\na=rtcp:99 IN IP4 1.1.1.2\na=ice-ufrag:x",
		rw, 2);

	(void)state;
	assert_string_equal(
		out,
		"v=0\no=x 1 2 IN IP6 fd46::1\r\ns=-\nt=0 0\nm=audio 20000 RTP/AVP 0\r\ni=title\nc=IN IP6 ::\r\n"
		"a=rtcp:20003\r\nm=video 20004 RTP/AVP 31\r\nc=IN IP6 fd46::2\r\na=rtcp:20005 IN IP6 fd46::3\r\n");
}

/* A media section without c= gets one when the session's would be wrong for it. */
static void test_relay_inserts(void **state)
{
	const struct sdp_rewrite rw[3] = { { sa("10.1.1.1", 200), sa("10.1.1.1", 201) },
					   { sa("10.1.1.2", 300), sa("10.1.1.2", 301) } };
	_cleanup_free_ char *out = relay(
		V
		"c=IN IP4 9.9.9.9\r\nt=0 0\r\nm=audio 5 RTP/AVP 0\r\nm=video 7 RTP/AVP 31\r\ni=x\r\na=foo\r\n"
		"m=text 9 RTP/AVP 98\r\n",
		rw, 3);

	(void)state;
	assert_string_equal(
		out,
		"v=0\r\no=- 42 43 IN IP4 10.1.1.1\r\ns=-\r\nc=IN IP4 10.1.1.1\r\nt=0 0\r\nm=audio 200 RTP/AVP 0\r\n"
		"m=video 300 RTP/AVP 31\r\ni=x\r\nc=IN IP4 10.1.1.2\r\na=foo\r\n"
		"m=text 9 RTP/AVP 98\r\nc=IN IP4 9.9.9.9\r\n");
}

static void test_relay_refused(void **state)
{
	const struct sdp_rewrite rw[2] = { { sa("10.1.1.1", 200), sa("10.1.1.1", 201) } };
	size_t len;
	char *out;

	(void)state;
	assert_int_equal(sdp_relay(str_of(offer), rw, 1, &out, &len), -EINVAL);
	assert_int_equal(sdp_relay(STR("x"), rw, 1, &out, &len), -EINVAL);
}

static struct sip_msg *with_body(const char *type, const char *body)
{
	struct sip_msg *m = sip_msg_new_request("INVITE", "sip:x");

	assert_int_equal(sip_msg_set_body(m, type, body, strlen(body)), 0);
	return m;
}

static void test_in_message(void **state)
{
	struct sip_msg *m = with_body("Application/SDP;charset=x", offer);

	(void)state;
	assert_true(str_eqz(sip_msg_sdp(m), offer));
	assert_int_equal(sip_msg_replace_sdp(m, "v=0\r\n", 5), 0);
	assert_true(str_eqz(sip_msg_body(m), "v=0\r\n"));
	assert_true(str_eqz(sip_msg_value(m, SIP_H_CONTENT_LENGTH), "5"));
	assert_true(str_eqz(sip_msg_value(m, SIP_H_CONTENT_TYPE), "Application/SDP;charset=x"));
	assert_int_equal(sip_msg_add(m, SIP_H_CONTENT_ENCODING, "gzip"), 0);
	assert_int_equal(sip_msg_sdp(m).n, 0);
	sip_msg_unref(m);
	m = with_body("text/plain", "x");
	assert_int_equal(sip_msg_sdp(m).n, 0);
	assert_int_equal(sip_msg_replace_sdp(m, "x", 1), -ENOENT);
	sip_msg_unref(m);
}

static void test_multipart(void **state)
{
	struct sip_msg *m = with_body(
		"multipart/mixed; boundary=\"b 1\"",
		"preamble\r\n--b 1\r\nContent-Type: text/plain\r\n\r\n--b 12\r\n--b 1\r\n"
		"content-type: application/sdp\r\nContent-Length: 99\r\nX: y\r\n\r\nv=0\r\ns=-\r\n"
		"\r\n--b 1\r\n\r\nlast\r\n--b 1--\r\nepilogue");

	(void)state;
	assert_true(str_eqz(sip_msg_sdp(m), "v=0\r\ns=-\r\n"));
	assert_int_equal(sip_msg_replace_sdp(m, "v=0\r\nlonger than before\r\n", 25), 0);
	assert_true(
		str_eqz(sip_msg_body(m),
			"preamble\r\n--b 1\r\nContent-Type: text/plain\r\n\r\n--b 12\r\n--b 1\r\n"
			"content-type: application/sdp\r\nX: y\r\n\r\nv=0\r\nlonger than before\r\n"
			"\r\n--b 1\r\n\r\nlast\r\n--b 1--\r\nepilogue"));
	assert_true(str_eqz(sip_msg_sdp(m), "v=0\r\nlonger than before\r\n"));
	sip_msg_unref(m);
	m = with_body("multipart/mixed;boundary=b",
		      "--b\r\nContent-Type: application/sdp\r\n\r\nv=0\r\n"); /* never ends */
	assert_int_equal(sip_msg_sdp(m).n, 0);
	sip_msg_unref(m);
	m = with_body("multipart/mixed",
		      "--b\r\nContent-Type: application/sdp\r\n\r\nv=0\r\n--b--");
	assert_int_equal(sip_msg_sdp(m).n, 0);
	sip_msg_unref(m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_read),	      cmocka_unit_test(test_read_variants),
		cmocka_unit_test(test_qos),	      cmocka_unit_test(test_refused),
		cmocka_unit_test(test_relay),	      cmocka_unit_test(test_relay_family),
		cmocka_unit_test(test_relay_inserts), cmocka_unit_test(test_relay_refused),
		cmocka_unit_test(test_in_message),    cmocka_unit_test(test_multipart),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
