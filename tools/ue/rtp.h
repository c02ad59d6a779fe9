/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * RTP packets of the simulator and what is counted at their receiver (RFC 3550).
 *
 * The payload begins with a mark, a 32-bit sequence number and the time of sending on
 * CLOCK_MONOTONIC, which all processes of one machine share: so one-way delay, loss, order and
 * duplicates are exact and need no cooperation of what lies between. A foreign sender's packets
 * count by their RTP sequence numbers, without delay.
 */
#ifndef KIMS_UE_RTP_H
#define KIMS_UE_RTP_H

#include "offer.h"
#include "samples.h"

#define RTP_HEADER     12
#define RTP_MARK       0x6b694d73u
#define RTP_STAMP      16   /* mark, sequence number, nanoseconds */
#define RTP_PACKET_MAX 1300 /* fits into a tunnel */
#define RTP_WINDOW     2048 /* packets within which order and duplicates are seen */
#define RTP_TAIL       25   /* frames: half a second */
#define RTP_SAMPLES    65536 /* delays kept for percentiles; beyond that a random sample of so many */

struct rtp_packet {
	uint8_t pt;
	bool marker;
	uint16_t seq;
	uint32_t ts, ssrc;
	bool stamped; /* carries the following two */
	uint32_t number;
	uint64_t sent_ns;
};

/* Writes header and stamped payload of size octets in all; size >= RTP_HEADER + RTP_STAMP. */
void rtp_write(const struct rtp_packet *p, uint8_t *dst, size_t size);
int rtp_read(const uint8_t *src, size_t n, struct rtp_packet *ret); /* -EINVAL */

/* Of a codec: frames of 20 ms in a packet of ptime usec, octets of a packet with header, clock rate. */
unsigned int rtp_frames(enum codec c, uint64_t ptime);
size_t rtp_packet_size(enum codec c, unsigned int frames);
uint32_t rtp_clock(enum codec c);

struct rtp_rx {
	uint64_t packets, octets, foreign;
	uint32_t first, highest;
	uint64_t unique, duplicates, reordered;
	double jitter; /* RTP time stamp units, RFC 3550 A.8 */
	int64_t last_transit;
	bool started, have_transit;
	uint32_t clock;
	uint32_t tail; /* packets that may be on their way at the end */
	uint64_t seen[RTP_WINDOW / 64];
	struct samples delay_us;
	uint64_t delays; /* all that were */
	uint64_t first_ns, last_ns, max_gap_ns;
	uint32_t ssrc;
	uint16_t cycles_base, last_seq; /* of foreign senders */
	uint32_t cycles;
};

void rtp_rx_init(struct rtp_rx *x, uint32_t clock);
void rtp_rx_free(struct rtp_rx *x);
void rtp_rx_packet(struct rtp_rx *x, const struct rtp_packet *p, size_t octets, uint64_t now_ns);

struct rtp_summary {
	uint64_t sent, received, lost, duplicates, reordered;
	double loss_percent;
	double jitter_ms, delay_p50_ms, delay_p95_ms, delay_max_ms, max_gap_ms;
	double r_factor, mos;
	bool has_delay;
};

/* sent: number of packets that the other end sent; 0: unknown, then from the numbers seen. */
void rtp_rx_summary(struct rtp_rx *x, uint64_t sent, enum codec c, struct rtp_summary *ret);
/* ITU-T G.107, simplified: R from one-way delay and random loss; MOS of Annex B. */
double rtp_r_factor(enum codec c, double delay_ms, double loss_percent);
double rtp_mos(double r);

#endif
