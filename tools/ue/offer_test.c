// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * SDP of the phones: offers and answers with and without preconditions, read back by what reads
 * the other end's.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "offer.h"

static struct sdp_ours ours(const char *addr)
{
	struct sdp_ours o = { .id = 1, .version = 2, .codec = CODEC_AMR_WB, .dir = SDP_SENDRECV };

	assert_int_equal(sip_sa_parse(addr, 40000, &o.rtp), 0);
	return o;
}

static struct sdp_theirs round_trip(const struct sdp_ours *o, bool answer, char text[SDP_TEXT_MAX])
{
	struct sdp_theirs t;
	int n = sdp_write(o, answer, text);

	assert_true(n > 0);
	assert_int_equal(strlen(text), n);
	assert_int_equal(sdp_understand((struct str){ text, (size_t)n }, &t), 0);
	return t;
}

static void test_offer(void **state _unused_)
{
	struct sdp_ours o = ours("10.45.0.11");
	char text[SDP_TEXT_MAX];
	struct sdp_theirs t;

	o.qos = true;
	t = round_trip(&o, false, text);
	assert_non_null(strstr(text, "m=audio 40000 RTP/AVP 96 97 8 101\r\n"));
	assert_non_null(strstr(text, "a=curr:qos local none\r\na=curr:qos remote none\r\n"));
	assert_non_null(strstr(
		text,
		"a=des:qos mandatory local sendrecv\r\na=des:qos optional remote sendrecv\r\n"));
	assert_null(strstr(text, "conf:qos"));
	assert_true(t.qos && !t.local_ready && !t.remote_ready);
	assert_int_equal(t.codec, CODEC_AMR_WB);
	assert_int_equal(t.pt, 96);
	assert_int_equal(t.te_pt, 97);
	assert_true(sip_sa_eq(&t.rtp, &o.rtp));
	assert_int_equal(sip_sa_port(&t.rtcp), 40001);
}

static void test_ready(void **state _unused_)
{
	struct sdp_ours o = ours("fd45::11");
	char text[SDP_TEXT_MAX];
	struct sdp_theirs t;

	o.qos = o.local_ready = o.remote_mandatory = o.confirm = true;
	o.codec = CODEC_PCMA;
	t = round_trip(&o, false, text);
	assert_non_null(strstr(text, "c=IN IP6 fd45::11\r\n"));
	assert_non_null(strstr(text, "m=audio 40000 RTP/AVP 8 101 96 97\r\n"));
	assert_non_null(strstr(text, "a=curr:qos local sendrecv\r\n"));
	assert_non_null(strstr(
		text, "a=des:qos mandatory remote sendrecv\r\na=conf:qos remote sendrecv\r\n"));
	assert_true(t.qos && t.local_ready && !t.remote_ready);
	assert_int_equal(t.codec, CODEC_PCMA);
}

static void test_answer(void **state _unused_)
{
	struct sdp_ours o = ours("10.45.0.12");
	char text[SDP_TEXT_MAX];
	struct sdp_theirs t;

	o.pt = 111; /* the offer's number */
	o.te_pt = 0;
	o.dir = SDP_RECVONLY;
	t = round_trip(&o, true, text);
	assert_non_null(strstr(text, "m=audio 40000 RTP/AVP 111\r\n"));
	assert_null(strstr(text, "qos"));
	assert_int_equal(t.pt, 111);
	assert_int_equal(t.dir, SDP_RECVONLY);
	assert_false(t.qos);
}

static void test_foreign(void **state _unused_)
{
	static const char plain[] =
		"v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\n"
		"m=audio 5000 RTP/AVP 0 18 8\r\na=rtpmap:18 G729/8000\r\n";
	static const char unknown[] =
		"v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\nm=audio 5000 RTP/AVP 0\r\n";
	static const char video[] =
		"v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\nm=video 5000 RTP/AVP 31\r\n";
	struct sdp_theirs t;

	assert_int_equal(sdp_understand(str_of(plain), &t), 0);
	assert_int_equal(t.pt, 8);
	assert_int_equal(t.codec, CODEC_PCMA);
	assert_int_equal(sdp_understand(str_of(unknown), &t), -EOPNOTSUPP);
	assert_int_equal(sdp_understand(str_of(video), &t), -ENOENT);
	assert_true(sdp_understand(STR("nothing"), &t) < 0);
}

static void test_directions(void **state _unused_)
{
	struct sdp_ours o = ours("10.45.0.11");
	struct sdp_theirs t = { .dir = SDP_SENDRECV };

	t.rtp = o.rtp;
	assert_int_equal(sdp_answer_dir(SDP_SENDONLY, SDP_SENDRECV), SDP_RECVONLY);
	assert_int_equal(sdp_answer_dir(SDP_RECVONLY, SDP_SENDRECV), SDP_SENDONLY);
	assert_int_equal(sdp_answer_dir(SDP_INACTIVE, SDP_SENDRECV), SDP_INACTIVE);
	assert_int_equal(sdp_answer_dir(SDP_SENDRECV, SDP_SENDONLY), SDP_SENDONLY);
	assert_int_equal(sdp_answer_dir(SDP_SENDONLY, SDP_SENDONLY), SDP_INACTIVE);
	assert_true(sdp_may_send(&o, &t));
	t.dir = SDP_SENDONLY;
	assert_false(sdp_may_send(&o, &t));
	t.dir = SDP_SENDRECV;
	t.hold = true;
	assert_false(sdp_may_send(&o, &t));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_offer),	   cmocka_unit_test(test_ready),
		cmocka_unit_test(test_answer),	   cmocka_unit_test(test_foreign),
		cmocka_unit_test(test_directions),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
