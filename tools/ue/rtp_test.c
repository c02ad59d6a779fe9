// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * RTP packets and receiver statistics: loss, order, duplicates, jitter, delay, MOS.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "rtp.h"

#define MS UINT64_C(1000000)

static void feed(struct rtp_rx *x, uint32_t number, uint64_t delay_ns)
{
	struct rtp_packet p = {
		.number = number,
		.stamped = true,
		.ts = number * 320,
		.seq = (uint16_t)number,
		.sent_ns = 1000 * MS + number * 20 * MS,
	};

	rtp_rx_packet(x, &p, 45, p.sent_ns + delay_ns);
}

static void test_packet(void **state _unused_)
{
	struct rtp_packet p = {
		.pt = 96, .marker = true, .seq = 65535, .ts = 0xdeadbeef, .ssrc = 1, .number = 7, .sent_ns = UINT64_C(0x123456789abc),
	}, q;
	uint8_t buf[64];

	rtp_write(&p, buf, 45);
	assert_int_equal(rtp_read(buf, 45, &q), 0);
	assert_int_equal(q.pt, 96);
	assert_true(q.marker && q.stamped);
	assert_int_equal(q.seq, 65535);
	assert_int_equal(q.ts, 0xdeadbeef);
	assert_int_equal(q.number, 7);
	assert_int_equal(q.sent_ns, p.sent_ns);
	assert_int_equal(rtp_read(buf, 11, &q), -EINVAL);
	buf[0] = 0x40;
	assert_int_equal(rtp_read(buf, 45, &q), -EINVAL);
	buf[0] = 0x8f; /* 15 CSRCs do not fit */
	assert_int_equal(rtp_read(buf, 45, &q), -EINVAL);
}

static void test_clean(void **state _unused_)
{
	struct rtp_summary s;
	struct rtp_rx x;

	rtp_rx_init(&x, 16000);
	for (uint32_t i = 0; i < 1000; i++)
		feed(&x, i, 5 * MS);
	rtp_rx_summary(&x, 1000, CODEC_AMR_WB, &s);
	assert_int_equal(s.received, 1000);
	assert_int_equal(s.lost, 0);
	assert_true(s.jitter_ms < 0.1);
	assert_true(s.delay_p50_ms > 4.9 && s.delay_p95_ms < 5.1 && s.delay_max_ms < 5.1);
	assert_true(s.mos > 4.3);
	rtp_rx_free(&x);
}

static void test_loss_order_duplicates(void **state _unused_)
{
	struct rtp_summary s;
	struct rtp_rx x;

	rtp_rx_init(&x, 16000);
	for (uint32_t i = 0; i < 100; i++) {
		if (i == 0 || i == 50) /* the first one, one in the middle */
			continue;
		if (i == 60) { /* late by one */
			feed(&x, 61, 5 * MS);
			feed(&x, 60, 30 * MS);
			i = 61;
			continue;
		}
		feed(&x, i, 5 * MS);
		if (i == 70)
			feed(&x, i, 6 * MS);
	}
	rtp_rx_summary(&x, 110, CODEC_AMR_WB, &s); /* ten still on their way at the end */
	assert_int_equal(s.sent, 100);
	assert_int_equal(s.received, 98);
	assert_int_equal(s.lost, 2);
	assert_int_equal(s.duplicates, 1);
	assert_int_equal(s.reordered, 1);
	assert_true(s.max_gap_ms > 35);
	rtp_rx_summary(&x, 200, CODEC_AMR_WB, &s); /* half of it never came */
	assert_int_equal(s.sent, 200);
	assert_int_equal(s.lost, 102);
	rtp_rx_free(&x);
}

static void test_nothing(void **state _unused_)
{
	struct rtp_summary s;
	struct rtp_rx x;

	rtp_rx_init(&x, 8000);
	rtp_rx_summary(&x, 150, CODEC_PCMA, &s);
	assert_int_equal(s.lost, 150);
	assert_true(s.loss_percent > 99.9);
	assert_false(s.has_delay);
	rtp_rx_summary(&x, 0, CODEC_PCMA, &s);
	assert_int_equal(s.lost, 0);
	rtp_rx_free(&x);
}

/* A sender that is not ours: RTP sequence numbers, which wrap. */
static void test_foreign(void **state _unused_)
{
	struct rtp_summary s;
	struct rtp_rx x;

	rtp_rx_init(&x, 8000);
	for (uint32_t i = 65500; i < 65600; i++) {
		struct rtp_packet p = { .seq = (uint16_t)i, .ts = i * 160 };

		if (i != 65550)
			rtp_rx_packet(&x, &p, 172, i * 20 * MS);
	}
	rtp_rx_summary(&x, 0, CODEC_PCMA, &s);
	assert_int_equal(s.sent, 100);
	assert_int_equal(s.received, 99);
	assert_int_equal(s.lost, 1);
	rtp_rx_free(&x);
}

static void test_sizes(void **state _unused_)
{
	assert_int_equal(rtp_frames(CODEC_AMR_WB, 20000), 1);
	assert_int_equal(rtp_packet_size(CODEC_AMR_WB, 1), RTP_HEADER + 33);
	assert_int_equal(rtp_frames(CODEC_AMR_WB, 240000), 12);
	assert_int_equal(rtp_packet_size(CODEC_AMR_WB, 12), RTP_HEADER + 389);
	assert_int_equal(rtp_packet_size(CODEC_PCMA, 1), RTP_HEADER + 160);
	assert_int_equal(rtp_frames(CODEC_PCMA, 240000), 8); /* more do not fit into a packet */
	assert_int_equal(rtp_frames(CODEC_PCMA, 0), 1);
}

static void test_mos(void **state _unused_)
{
	double good = rtp_mos(rtp_r_factor(CODEC_PCMA, 20, 0)),
	       late = rtp_mos(rtp_r_factor(CODEC_PCMA, 400, 0));
	double lossy = rtp_mos(rtp_r_factor(CODEC_PCMA, 20, 10));

	assert_true(good > 4.3 && good < 4.5);
	assert_true(late < 3.8 && late > 2);
	assert_true(lossy < 3.6 && lossy > 2);
	assert_true(rtp_mos(-1) >= 1 && rtp_mos(200) <= 4.5);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_packet),
		cmocka_unit_test(test_clean),
		cmocka_unit_test(test_loss_order_duplicates),
		cmocka_unit_test(test_nothing),
		cmocka_unit_test(test_foreign),
		cmocka_unit_test(test_sizes),
		cmocka_unit_test(test_mos),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
