// SPDX-License-Identifier: GPL-2.0-or-later
/* The QoS of flows: media types, codecs, b= lines, RTCP, priority, policies (TS 29.213 table 6.3.1). */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#include "pcrf/qos.h"

static struct rx_component media(int type, int max, const char *codec)
{
	struct rx_component c = { .number = 1,
				  .media_type = type,
				  .max_ul = max,
				  .max_dl = max,
				  .min_ul = -1,
				  .min_dl = -1,
				  .rs = -1,
				  .rr = -1,
				  .status = -1,
				  .reservation_priority = -1 };

	if (codec) {
		c.codec_data[0] = str_of(codec);
		c.n_codec_data = 1;
	}
	return c;
}

static const struct rx_sub_component rtp = {
	.number = 1, .usage = RX_NO_INFORMATION, .max_ul = -1, .max_dl = -1
};
static const struct rx_sub_component rtcp = {
	.number = 2, .usage = RX_RTCP, .max_ul = -1, .max_dl = -1
};
static const struct pcrf_service plain = { .priority = -1, .v6 = true };

static struct pcrf_qos qos(const struct rx_component *c, const struct rx_sub_component *f)
{
	static const struct pcrf_policies none;
	struct pcrf_qos q;

	pcrf_qos(&none, &plain, c, f, true, true, &q);
	return q;
}

#define AMR_WB(set)                                                                               \
	"uplink\nanswer\nm=audio 5000 RTP/AVP 97\r\na=rtpmap:97 AMR-WB/16000/1\r\na=fmtp:97 " set \
	"\r\n"

static void test_codecs(void **state)
{
	static const struct {
		const char *data;
		bool v6;
		int rate;
	} cases[] = {
		{ AMR_WB("mode-set=0,1,2; max-red=0"), true, 37200 },
		{ AMR_WB("mode-set=0,1,2"), false, 29200 },
		{ AMR_WB("mode-change-capability=2"), true, 48400 }, /* 23.85 */
		{ "downlink\noffer\na=rtpmap:96 AMR/8000\n", true, 36800 },
		{ "downlink\noffer\na=rtpmap:96 AMR/8000\na=fmtp:96 mode-set=7\n", false, 28800 },
		{ "uplink\noffer\na=rtpmap:98 EVS/16000/1\na=fmtp:98 br=5.9-13.2;bw=nb-swb\n", true,
		  38000 },
		{ "uplink\noffer\na=rtpmap:98 EVS/16000/1\na=fmtp:98 br=24.4;bw=swb\n", true,
		  49200 },
		{ "uplink\noffer\na=rtpmap:0 PCMU/8000\n", true, -1 },
		{ "uplink\noffer\na=rtpmap:97\na=rtpmap:\n", true, -1 },
		{ "uplink\noffer\na=rtpmap:97 AMR-WB/16000\na=fmtp:97 mode-set=99,x,\n", true,
		  48400 },
		{ "", true, -1 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct rx_component c = media(RX_AUDIO, -1, cases[i].data);

		assert_int_equal(pcrf_codec_rate(&c, cases[i].v6), cases[i].rate);
	}
}

static void test_voice(void **state)
{
	struct rx_component c = media(RX_AUDIO, 49000, AMR_WB("mode-set=0,1,2"));
	struct pcrf_qos q = qos(&c, &rtp);

	(void)state;
	assert_int_equal(q.qci, 1);
	assert_int_equal(q.mbr_ul, 49000);
	assert_int_equal(q.gbr_ul, 37200); /* what the codec can say */
	c = media(RX_AUDIO, -1, AMR_WB("octet-align=0"));
	q = qos(&c, &rtp);
	assert_int_equal(q.mbr_dl, 48400);
	assert_int_equal(q.gbr_dl, 48400);
	c.min_dl = 30000;
	assert_int_equal(qos(&c, &rtp).gbr_dl, 30000);
	c = media(RX_AUDIO, -1, NULL);
	assert_int_equal(qos(&c, &rtp).mbr_dl, 64000);
}

static void test_rtcp(void **state)
{
	struct rx_component c = media(RX_AUDIO, 40000, NULL);

	(void)state;
	assert_int_equal(qos(&c, &rtcp).qci, 1);
	assert_int_equal(qos(&c, &rtcp).mbr_ul, 2000); /* 5 % */
	c.rs = 600;
	assert_int_equal(qos(&c, &rtcp).mbr_ul, 2000);
	c.rr = 2000;
	assert_int_equal(qos(&c, &rtcp).mbr_dl, 2600);
	c.rs = -1;
	c.rr = 3000;
	assert_int_equal(qos(&c, &rtcp).gbr_dl, 3000);
	c.rs = c.rr = INT32_MAX;
	assert_int_equal(qos(&c, &rtcp).mbr_dl, INT32_MAX);
	c.rs = c.rr = 0;
	assert_int_equal(qos(&c, &rtcp).mbr_dl, 0);
}

static void test_classes(void **state)
{
	static const struct pcrf_policies none;
	struct rx_component c = media(RX_VIDEO, 768000, "uplink\noffer\na=rtpmap:99 H264/90000\n");
	struct pcrf_qos q = qos(&c, &rtp);

	(void)state;
	assert_int_equal(q.qci, 2);
	assert_int_equal(q.gbr_dl, 768000);
	pcrf_qos(&none, &plain, &c, &rtp, false, true, &q);
	assert_int_equal(q.qci, 4); /* streaming */
	assert_int_equal(q.mbr_ul, 0);
	c = media(RX_MESSAGE, 64000, NULL);
	q = qos(&c, &rtp);
	assert_int_equal(q.qci, 6);
	assert_int_equal(q.gbr_ul, -1);
	c = media(77, -1, NULL);
	assert_int_equal(qos(&c, &rtp).qci, 9);
}

static void test_priority(void **state)
{
	static const struct pcrf_policies none;
	struct rx_component c = media(RX_AUDIO, 40000, NULL);
	struct pcrf_service s = plain;
	struct pcrf_qos q = qos(&c, &rtp);

	(void)state;
	assert_int_equal(q.arp.level, 6);
	assert_int_equal(q.arp.capability, 1);
	s.priority = 1;
	pcrf_qos(&none, &s, &c, &rtp, true, true, &q);
	assert_int_equal(q.arp.level, 5);
	assert_int_equal(q.arp.capability, 0);
	s.mps = true;
	pcrf_qos(&none, &s, &c, &rtp, true, true, &q);
	assert_int_equal(q.arp.level, 3);
	s.emergency = true;
	pcrf_qos(&none, &s, &c, &rtp, true, true, &q);
	assert_int_equal(q.arp.level, 1);
	assert_int_equal(q.arp.vulnerability, 1);
}

static void test_policies(void **state)
{
	struct rx_component c = media(RX_AUDIO, 200000, NULL);
	struct pcrf_service s = plain;
	struct pcrf_policies l;
	struct pcrf_qos q;
	char err[128];

	(void)state;
	assert_int_equal(
		pcrf_policies_parse("audio qci=1 arp=4 max=64/128; app:game qci=3;; * qci=9", &l,
				    err, sizeof(err)),
		0);
	assert_int_equal(l.n, 3);
	pcrf_qos(&l, &s, &c, &rtp, true, true, &q);
	assert_int_equal(q.arp.level, 4);
	assert_int_equal(q.mbr_ul, 64000);
	assert_int_equal(q.gbr_dl, 128000);
	s.app = STR("Game");
	pcrf_qos(&l, &s, &c, &rtp, true, true, &q);
	assert_int_equal(q.qci, 3);
	assert_null(pcrf_policy_find(&(struct pcrf_policies){ 0 }, STR("ims")));
	assert_string_equal(pcrf_policy_find(&l, STR("ims"))->name, "*");
	assert_int_equal(pcrf_policies_parse("audio qci", &l, err, sizeof(err)), -EINVAL);
	assert_int_equal(pcrf_policies_parse("audio qci=999", &l, err, sizeof(err)), -EINVAL);
	assert_int_equal(pcrf_policies_parse("audio what=1", &l, err, sizeof(err)), -EINVAL);
	assert_int_equal(pcrf_policies_parse("ims ambr=1000", &l, err, sizeof(err)), 0);
	assert_int_equal(l.p[0].ambr_dl, 1000);
	assert_int_equal(pcrf_policies_parse("", &l, err, sizeof(err)), 0);
	assert_int_equal(pcrf_apns_parse("ims qci=5; * arp=10", &l, err, sizeof(err)), 0);
	assert_int_equal(pcrf_apns_parse("ims qci=5; * qci=65", &l, err, sizeof(err)), -EINVAL);
	assert_non_null(strstr(err, "*: QCI 65 has a guaranteed bit rate"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_codecs),	 cmocka_unit_test(test_voice),
		cmocka_unit_test(test_rtcp),	 cmocka_unit_test(test_classes),
		cmocka_unit_test(test_priority), cmocka_unit_test(test_policies),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
