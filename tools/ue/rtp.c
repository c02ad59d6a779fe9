// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * RTP packets and receiver statistics (RFC 3550 5.1, 6.4.1, A.8; ITU-T G.107).
 */
#include "rtp.h"

#include <sys/random.h>

static void put32(uint8_t *p, uint32_t v)
{
	for (int i = 0; i < 4; i++)
		p[i] = (uint8_t)(v >> (24 - 8 * i));
}

static uint32_t get32(const uint8_t *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

void rtp_write(const struct rtp_packet *p, uint8_t *dst, size_t size)
{
	memset(dst, 0, size);
	dst[0] = 0x80;
	dst[1] = (uint8_t)(p->pt | (p->marker ? 0x80 : 0));
	dst[2] = (uint8_t)(p->seq >> 8);
	dst[3] = (uint8_t)p->seq;
	put32(dst + 4, p->ts);
	put32(dst + 8, p->ssrc);
	put32(dst + 12, RTP_MARK);
	put32(dst + 16, p->number);
	put32(dst + 20, (uint32_t)(p->sent_ns >> 32));
	put32(dst + 24, (uint32_t)p->sent_ns);
}

int rtp_read(const uint8_t *src, size_t n, struct rtp_packet *ret)
{
	size_t header;

	if (n < RTP_HEADER || src[0] >> 6 != 2)
		return -EINVAL;
	header = RTP_HEADER + 4 * (size_t)(src[0] & 15);
	if (n < header || (src[0] & 0x10))
		return -EINVAL;
	*ret = (struct rtp_packet){
		.pt = src[1] & 0x7f,
		.marker = src[1] >> 7,
		.seq = (uint16_t)(src[2] << 8 | src[3]),
		.ts = get32(src + 4),
		.ssrc = get32(src + 8),
	};
	src += header;
	if (n - header >= RTP_STAMP && get32(src) == RTP_MARK) {
		ret->stamped = true;
		ret->number = get32(src + 4);
		ret->sent_ns = (uint64_t)get32(src + 8) << 32 | get32(src + 12);
	}
	return 0;
}

unsigned int rtp_frames(enum codec c, uint64_t ptime)
{
	unsigned int n = (unsigned int)(ptime / (20 * USEC_PER_MSEC));

	while (n > 1 && rtp_packet_size(c, n) > RTP_PACKET_MAX)
		n--;
	return n ? n : 1;
}

size_t rtp_packet_size(enum codec c, unsigned int frames)
{
	/* AMR-WB 12.65 kbit/s, bandwidth-efficient: 4 bits, 6 + 253 for a frame; PCMA: 160 samples. */
	return RTP_HEADER + (c == CODEC_AMR_WB ? (4 + 259 * frames + 7) / 8 : 160 * frames);
}

uint32_t rtp_clock(enum codec c)
{
	return c == CODEC_AMR_WB ? 16000 : 8000;
}

/* --- receiver --- */

void rtp_rx_init(struct rtp_rx *x, uint32_t clock)
{
	memset(x, 0, sizeof(*x));
	x->clock = clock;
	x->tail = RTP_TAIL;
}

void rtp_rx_free(struct rtp_rx *x)
{
	samples_free(&x->delay_us);
	memset(x, 0, sizeof(*x));
}

static bool test_and_set(struct rtp_rx *x, uint32_t number)
{
	uint64_t *word = &x->seen[number / 64 % (RTP_WINDOW / 64)], bit = UINT64_C(1)
									  << number % 64;
	bool was = *word & bit;

	*word |= bit;
	return was;
}

static void clear_between(struct rtp_rx *x, uint32_t from, uint32_t to)
{
	if (to - from > RTP_WINDOW)
		from = to - RTP_WINDOW;
	for (; from != to; from++)
		x->seen[from / 64 % (RTP_WINDOW / 64)] &= ~(UINT64_C(1) << from % 64);
}

/* True: a new one; order and duplicates are counted. */
static bool take_number(struct rtp_rx *x, uint32_t number)
{
	if (!x->started) {
		x->started = true;
		x->first = x->highest = number;
	} else if ((int32_t)(number - x->highest) > 0) {
		clear_between(x, x->highest + 1, number + 1);
		x->highest = number;
	} else if (x->highest - number >= RTP_WINDOW) {
		x->reordered++; /* too old to know */
		x->unique++;
		return true;
	} else if (number != x->highest &&
		   !(x->seen[number / 64 % (RTP_WINDOW / 64)] >> number % 64 & 1)) {
		x->reordered++;
		if ((int32_t)(number - x->first) < 0)
			x->first = number;
	}
	if (test_and_set(x, number)) {
		x->duplicates++;
		return false;
	}
	x->unique++;
	return true;
}

/* RTP sequence number to 32 bits, for senders without our stamp. */
static uint32_t extend(struct rtp_rx *x, uint16_t seq)
{
	if (!x->started) {
		x->cycles = 1;
		x->last_seq = seq;
	} else if (seq < x->last_seq && x->last_seq - seq > 0x8000) {
		x->cycles++;
		x->last_seq = seq;
	} else if (seq > x->last_seq && seq - x->last_seq > 0x8000) {
		return (x->cycles - 1) << 16 | seq;
	} else if (seq > x->last_seq) {
		x->last_seq = seq;
	}
	return x->cycles << 16 | seq;
}

static void take_jitter(struct rtp_rx *x, uint32_t ts, uint64_t now_ns)
{
	int64_t arrival = (int64_t)((now_ns / 1000) * x->clock / 1000000);
	int64_t transit = arrival - (int64_t)ts, d;

	if (x->have_transit) {
		d = (int32_t)(transit - x->last_transit);
		x->jitter += ((double)(d < 0 ? -d : d) - x->jitter) / 16;
	}
	x->last_transit = transit;
	x->have_transit = true;
}

static uint64_t random_below(uint64_t n)
{
	static uint64_t state;

	if (!state && getrandom(&state, sizeof(state), 0) != sizeof(state))
		state = 88172645463325252u;
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return state % n;
}

/* Reservoir: after RTP_SAMPLES each delay is kept with equal probability. */
static void take_delay(struct rtp_rx *x, uint32_t us)
{
	uint64_t at = x->delays++;

	if (at >= RTP_SAMPLES) {
		at = random_below(x->delays);
		if (at < x->delay_us.n)
			x->delay_us.v[at] = us;
		return;
	}
	samples_add(&x->delay_us, us);
}

void rtp_rx_packet(struct rtp_rx *x, const struct rtp_packet *p, size_t octets, uint64_t now_ns)
{
	x->packets++;
	x->octets += octets;
	x->ssrc = p->ssrc;
	x->foreign += !p->stamped;
	if (!take_number(x, p->stamped ? p->number : extend(x, p->seq)))
		return;
	if (x->last_ns && now_ns - x->last_ns > x->max_gap_ns)
		x->max_gap_ns = now_ns - x->last_ns;
	if (!x->first_ns)
		x->first_ns = now_ns;
	x->last_ns = now_ns;
	take_jitter(x, p->ts, now_ns);
	if (p->stamped && now_ns >= p->sent_ns)
		take_delay(x, (uint32_t)MIN((now_ns - p->sent_ns) / 1000, UINT32_MAX));
}

/* --- summary --- */

static double percentile_ms(const struct rtp_rx *x, unsigned int percent)
{
	return samples_percentile(&x->delay_us, percent) / 1e3;
}

double rtp_r_factor(enum codec c, double delay_ms, double loss_percent)
{
	/* G.113 appendix I: PCMA with concealment Ie 0, Bpl 25.1; AMR-WB here taken as transparent, Bpl 10. */
	double bpl = c == CODEC_PCMA ? 25.1 : 10, r;

	r = 93.2 - 0.024 * delay_ms - 95 * loss_percent / (loss_percent + bpl);
	if (delay_ms > 177.3)
		r -= 0.11 * (delay_ms - 177.3);
	return r < 0 ? 0 : r;
}

double rtp_mos(double r)
{
	if (r <= 0)
		return 1;
	if (r >= 100)
		return 4.5;
	return 1 + 0.035 * r + r * (r - 60) * (100 - r) * 7e-6;
}

/*
 * Our senders count from 0, so that what is missing at the beginning counts. What was still on its
 * way when the call ended does not, up to tail packets.
 */
static uint64_t rtp_expected(const struct rtp_rx *x, uint64_t sent)
{
	uint64_t until = x->started ? x->highest + UINT64_C(1) : 0;

	if (x->foreign)
		return x->started ? until - x->first : 0;
	return sent > until + x->tail ? sent : until;
}

void rtp_rx_summary(struct rtp_rx *x, uint64_t sent, enum codec c, struct rtp_summary *ret)
{
	uint64_t expected = rtp_expected(x, sent);
	double playout;

	memset(ret, 0, sizeof(*ret));
	ret->sent = expected;
	ret->received = x->unique;
	ret->lost = ret->sent > x->unique ? ret->sent - x->unique : 0;
	ret->duplicates = x->duplicates;
	ret->reordered = x->reordered;
	ret->loss_percent = ret->sent ? 100.0 * (double)ret->lost / (double)ret->sent : 0;
	ret->jitter_ms = x->clock ? x->jitter * 1e3 / x->clock : 0;
	ret->max_gap_ms = (double)x->max_gap_ns / 1e6;
	ret->has_delay = x->delay_us.n;
	if (ret->has_delay) {
		samples_sort(&x->delay_us);
		ret->delay_p50_ms = percentile_ms(x, 50);
		ret->delay_p95_ms = percentile_ms(x, 95);
		ret->delay_max_ms = percentile_ms(x, 100);
	}
	/* 20 ms of packetisation and a playout buffer of twice the jitter stand between network and ear. */
	playout = 20 + 2 * ret->jitter_ms;
	ret->r_factor = rtp_r_factor(c, ret->delay_p50_ms + playout, ret->loss_percent);
	ret->mos = rtp_mos(ret->r_factor);
}
