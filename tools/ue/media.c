// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Sending and receiving of a call's media (RFC 3550, RFC 4733), as declared in media.h.
 */
#include "media.h"

#include <netinet/in.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <sys/random.h>
#include <time.h>

#include "sgw.h"

#define EARLY_USEC   USEC_PER_SEC /* a bearer may come so late after the answer */
#define FRAME_USEC   (20 * USEC_PER_MSEC)
#define LATE_USEC    (200 * USEC_PER_MSEC)
#define RTCP_USEC    (2 * USEC_PER_SEC)
#define RX_BATCH     64
#define PORT_TRIES   200
#define DTMF_PACKETS 5 /* of 20 ms */
#define DTMF_END     3 /* the last one is sent three times */

struct media {
	struct phone *p;
	struct loop_io rtp, rtcp;
	union sip_sa local;
	struct sdp_theirs theirs;
	bool running, send, muted, sent_any;
	unsigned int frames; /* in a packet */
	struct timer pace, report;
	uint64_t due; /* next packet, loop time */
	uint32_t ssrc, ts, number;
	uint16_t seq;
	struct rtp_rx rx;
	struct media_stats st;
	uint64_t begun;	   /* loop time of the first packet */
	bool on_dedicated; /* one packet was */
	uint32_t last_sr;  /* middle bits of the NTP time in the last SR received */
	uint64_t last_sr_at;
	/* DTMF */
	char digits[64], heard[64];
	unsigned int digit_step;
	uint32_t digit_ts, heard_ts;
};

static uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

/* --- sockets --- */

static int bound_socket(const union sip_sa *a)
{
	int one = 1, fd = socket(a->sa.sa_family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return -errno;
	if (a->sa.sa_family == AF_INET6)
		setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &one, sizeof(one));
	if (bind(fd, &a->sa, sip_sa_len(a))) {
		int e = errno;

		close(fd);
		return -e;
	}
	return fd;
}

static int bind_pair(struct media *m, uint16_t port)
{
	union sip_sa a = m->p->local;

	sip_sa_set_port(&a, port);
	m->rtp.fd = bound_socket(&a);
	if (m->rtp.fd < 0)
		return m->rtp.fd;
	m->local = a;
	sip_sa_set_port(&a, port + 1);
	m->rtcp.fd = bound_socket(&a);
	if (m->rtcp.fd >= 0)
		return 0;
	close(m->rtp.fd);
	m->rtp.fd = -1;
	return m->rtcp.fd;
}

static uint16_t next_port(struct phone *p)
{
	uint16_t v = 0;

	if (p->conf.rtp_port) {
		if (p->rtp_next > 65500 || p->rtp_next < p->conf.rtp_port)
			p->rtp_next = p->conf.rtp_port;
		p->rtp_next += 2;
		return (uint16_t)((p->rtp_next - 2) & ~UINT64_C(1));
	}
	if (getrandom(&v, sizeof(v), 0) != sizeof(v))
		v = (uint16_t)rand();
	return (uint16_t)((40000 + v % 20000) & ~1);
}

static int open_sockets(struct media *m)
{
	_cleanup_netns_ int back = netns_enter(&m->p->ns);
	int r = -EADDRINUSE;

	if (back < -1)
		return back + 1;
	for (int i = 0; i < PORT_TRIES && r == -EADDRINUSE; i++)
		r = bind_pair(m, next_port(m->p));
	return r;
}

/* --- bearers --- */

static void check_bearer(struct media *m, const union sip_sa *local, const union sip_sa *remote,
			 bool uplink)
{
	uint64_t now;

	if (!m->p->attaches)
		return;
	now = loop_now(m->p->ue->loop);
	if (!m->begun)
		m->begun = now;
	switch (pdn_media_place(m->p, local, remote, uplink)) {
	case MEDIA_PLAIN:
		break;
	case MEDIA_DEDICATED:
		m->on_dedicated = true;
		break;
	case MEDIA_MOVING:
		m->st.early++;
		break;
	case MEDIA_OUTSIDE:
		if (!m->on_dedicated && now - m->begun < EARLY_USEC) {
			m->st.early++;
			break;
		}
		m->p->ue->rtp.outside++;
		if (uplink)
			m->st.sent_outside++;
		else
			m->st.received_outside++;
		break;
	}
}

static void check_rtcp(struct media *m, const union sip_sa *remote, bool uplink)
{
	union sip_sa local = m->local;

	sip_sa_set_port(&local, (uint16_t)(sip_sa_port(&local) + 1));
	check_bearer(m, &local, remote, uplink);
}

/* --- receiving --- */

static void take_event(struct media *m, const struct rtp_packet *p, const uint8_t *buf, size_t n)
{
	static const char keys[] = "0123456789*#ABCD";
	size_t len = strlen(m->heard);

	if (n < RTP_HEADER + 4 || p->ts == m->heard_ts || buf[RTP_HEADER] > 15 ||
	    len + 1 >= sizeof(m->heard))
		return;
	m->heard_ts = p->ts;
	m->heard[len] = keys[buf[RTP_HEADER]];
	m->heard[len + 1] = '\0';
}

/* So many are missing by the numbers: for figures of all phones. */
static uint64_t missing(const struct rtp_rx *x)
{
	uint64_t expected = x->started ? x->highest - x->first + UINT64_C(1) : 0;

	return expected > x->unique ? expected - x->unique : 0;
}

static void take_rtp(struct media *m, const uint8_t *buf, size_t n, const union sip_sa *from)
{
	struct ue_rtp *all = &m->p->ue->rtp;
	uint64_t lost = missing(&m->rx);
	struct rtp_packet p;

	if (rtp_read(buf, n, &p))
		return;
	if (sip_sa_port(&m->theirs.rtp) && !sip_sa_eq(from, &m->theirs.rtp))
		m->st.other_source++;
	if (m->theirs.te_pt && p.pt == m->theirs.te_pt)
		take_event(m, &p, buf, n);
	else
		rtp_rx_packet(&m->rx, &p, n, now_ns());
	all->received++;
	all->lost += missing(&m->rx) - lost;
}

static void on_rtp(struct loop_io *io, uint32_t revents _unused_)
{
	struct media *m = container_of(io, struct media, rtp);
	uint8_t buf[2048];

	for (int i = 0; i < RX_BATCH; i++) {
		union sip_sa from;
		socklen_t len = sizeof(from.ss);
		ssize_t n = recvfrom(io->fd, buf, sizeof(buf), 0, &from.sa, &len);

		if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
			return;
		if (n <= 0)
			continue;
		check_bearer(m, &m->local, &from, false);
		take_rtp(m, buf, (size_t)n, &from);
	}
}

static uint32_t ntp_middle(uint64_t wall_usec)
{
	uint64_t sec = wall_usec / USEC_PER_SEC + 2208988800u,
		 frac = (wall_usec % USEC_PER_SEC << 32) / USEC_PER_SEC;

	return (uint32_t)(sec << 16 | frac >> 16);
}

static uint32_t get32(const uint8_t *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static void take_block(struct media *m, const uint8_t *b)
{
	uint32_t lsr = get32(b + 16), dlsr = get32(b + 20), rtt;

	if (get32(b) != m->ssrc)
		return;
	m->st.peer_loss_percent = b[4] * 100.0 / 256;
	if (!lsr)
		return;
	rtt = ntp_middle(loop_wall(m->p->ue->loop)) - lsr - dlsr;
	if (rtt < 0x7fffffff)
		m->st.rtt_ms = rtt * 1000.0 / 65536;
}

static void take_report(struct media *m, const uint8_t *p, size_t n, bool sr)
{
	size_t at = sr ? 28 : 8;

	if (sr && n >= 28) {
		m->last_sr = get32(p + 8) << 16 | get32(p + 12) >> 16;
		m->last_sr_at = loop_now(m->p->ue->loop);
	}
	for (int i = p[0] & 31; i > 0 && at + 24 <= n; i--, at += 24)
		take_block(m, p + at);
}

static void on_rtcp(struct loop_io *io, uint32_t revents _unused_)
{
	struct media *m = container_of(io, struct media, rtcp);
	uint8_t buf[2048];
	union sip_sa from;
	socklen_t len = sizeof(from.ss);
	ssize_t n = recvfrom(io->fd, buf, sizeof(buf), 0, &from.sa, &len);

	if (n < 8)
		return;
	m->st.rtcp_received++;
	check_rtcp(m, &from, false);
	for (size_t at = 0; at + 8 <= (size_t)n;) {
		size_t len = 4 * ((size_t)(buf[at + 2] << 8 | buf[at + 3]) + 1);

		if (buf[at] >> 6 != 2 || len > (size_t)n - at)
			return;
		if (buf[at + 1] == 200 || buf[at + 1] == 201)
			take_report(m, buf + at, len, buf[at + 1] == 200);
		at += len;
	}
}

/* --- sending --- */

static void send_packet(struct media *m, const uint8_t *buf, size_t n)
{
	if (sendto(m->rtp.fd, buf, n, MSG_NOSIGNAL, &m->theirs.rtp.sa, sip_sa_len(&m->theirs.rtp)) <
	    0)
		m->st.send_errors++;
	check_bearer(m, &m->local, &m->theirs.rtp, true);
}

static void send_audio(struct media *m)
{
	size_t n = rtp_packet_size(m->theirs.codec, m->frames);
	uint8_t buf[RTP_PACKET_MAX];
	struct rtp_packet p = {
		.pt = m->theirs.pt,
		.marker = !m->sent_any,
		.seq = m->seq++,
		.ts = m->ts,
		.ssrc = m->ssrc,
		.stamped = true,
		.number = m->number++,
		.sent_ns = now_ns(),
	};

	m->sent_any = true;
	rtp_write(&p, buf, n);
	send_packet(m, buf, n);
	m->st.sent++;
	m->st.sent_octets += n;
	m->p->ue->rtp.sent++;
}

static unsigned int event_code(char c)
{
	static const char keys[] = "0123456789*#ABCD";
	const char *q = strchr(keys, c);

	return q && *q ? (unsigned int)(q - keys) : 0;
}

/* One packet of the digit under way; audio waits meanwhile. */
static void send_event(struct media *m)
{
	unsigned int step = m->digit_step++;
	uint32_t duration = (MIN(step, DTMF_PACKETS - 1u) + 1) * rtp_clock(m->theirs.codec) / 50;
	uint8_t buf[RTP_HEADER + RTP_STAMP] = { 0 };
	struct rtp_packet p = {
		.pt = m->theirs.te_pt, .marker = !step, .seq = m->seq++, .ssrc = m->ssrc
	};

	if (!step)
		m->digit_ts = m->ts;
	p.ts = m->digit_ts;
	rtp_write(&p, buf, sizeof(buf));
	buf[12] = (uint8_t)event_code(*m->digits);
	buf[13] = (uint8_t)((step >= DTMF_PACKETS - 1 ? 0x80 : 0) | 10);
	buf[14] = (uint8_t)(duration >> 8);
	buf[15] = (uint8_t)duration;
	send_packet(m, buf, RTP_HEADER + 4);
	if (step == DTMF_PACKETS - 1 + DTMF_END - 1) {
		m->digit_step = 0;
		memmove(m->digits, m->digits + 1, strlen(m->digits));
	}
}

static void pass_time(struct media *m, unsigned int frames)
{
	m->due += frames * FRAME_USEC;
	m->ts += frames * rtp_clock(m->theirs.codec) / 50;
}

static void skip_late(struct media *m, uint64_t now)
{
	bool sends = m->send && !m->muted;

	while (m->due + MAX(LATE_USEC, m->frames * FRAME_USEC) <= now) {
		m->st.skipped += sends;
		m->p->ue->rtp.skipped += sends;
		pass_time(m, m->frames);
	}
}

static void on_pace(struct timer *t)
{
	struct media *m = container_of(t, struct media, pace);
	uint64_t now = loop_now(m->p->ue->loop);

	skip_late(m, now);
	while (m->due <= now) {
		if (m->send && !m->muted && m->theirs.te_pt && *m->digits) {
			send_event(m);
			pass_time(m, 1);
			continue;
		}
		if (m->send && !m->muted)
			send_audio(m);
		pass_time(m, m->frames);
	}
	timer_start(m->p->ue->loop, &m->pace, m->due - now);
}

static void put32(uint8_t *p, uint32_t v)
{
	for (int i = 0; i < 4; i++)
		p[i] = (uint8_t)(v >> (24 - 8 * i));
}

/* RFC 3550 6.4.1, with one report block when something was received. */
static size_t write_report(struct media *m, uint8_t *p)
{
	uint64_t wall = loop_wall(m->p->ue->loop), ago = loop_now(m->p->ue->loop) - m->last_sr_at;
	bool block = m->rx.started, sr = m->st.sent;
	size_t at = sr ? 28 : 8, len = at + (block ? 24 : 0);
	uint64_t expected = m->rx.highest - m->rx.first + UINT64_C(1);
	uint64_t lost = block && expected > m->rx.unique ? expected - m->rx.unique : 0;

	memset(p, 0, len);
	p[0] = 0x80 | block;
	p[1] = sr ? 200 : 201;
	p[3] = (uint8_t)(len / 4 - 1);
	put32(p + 4, m->ssrc);
	if (sr) {
		put32(p + 8, (uint32_t)(wall / USEC_PER_SEC + 2208988800u));
		put32(p + 12, (uint32_t)((wall % USEC_PER_SEC << 32) / USEC_PER_SEC));
		put32(p + 16, m->ts);
		put32(p + 20, (uint32_t)m->st.sent);
		put32(p + 24, (uint32_t)m->st.sent_octets);
	}
	if (block) {
		put32(p + at, m->rx.ssrc);
		put32(p + at + 4,
		      (uint32_t)(lost & 0xffffff) |
			      (uint32_t)(expected ? MIN(lost * 256 / expected, 255u) : 0) << 24);
		put32(p + at + 8, m->rx.highest);
		put32(p + at + 12, (uint32_t)m->rx.jitter);
		put32(p + at + 16, m->last_sr);
		put32(p + at + 20, m->last_sr ? (uint32_t)(ago * 65536 / USEC_PER_SEC) : 0);
	}
	return len;
}

/* A compound packet needs an SDES with CNAME (RFC 3550 6.1). */
static size_t write_sdes(struct media *m, uint8_t *p)
{
	char cname[64];
	size_t n = (size_t)snprintf(cname, sizeof(cname), "%.40s", m->p->name),
	       len = (4 + 4 + 2 + n + 1 + 3) / 4 * 4;

	memset(p, 0, len);
	p[0] = 0x81;
	p[1] = 202;
	p[3] = (uint8_t)(len / 4 - 1);
	put32(p + 4, m->ssrc);
	p[8] = 1;
	p[9] = (uint8_t)n;
	memcpy(p + 10, cname, n);
	return len;
}

static void on_report(struct timer *t)
{
	struct media *m = container_of(t, struct media, report);
	uint8_t buf[256];
	size_t n;

	timer_start(m->p->ue->loop, &m->report, RTCP_USEC);
	if (m->muted || !sip_sa_port(&m->theirs.rtcp) || m->theirs.rejected)
		return;
	n = write_report(m, buf);
	n += write_sdes(m, buf + n);
	if (sendto(m->rtcp.fd, buf, n, MSG_NOSIGNAL, &m->theirs.rtcp.sa,
		   sip_sa_len(&m->theirs.rtcp)) == (ssize_t)n)
		m->st.rtcp_sent++;
	check_rtcp(m, &m->theirs.rtcp, true);
}

/* --- control --- */

int media_new(struct phone *p, struct media **ret)
{
	struct media *m = calloc(1, sizeof(*m));
	int r;

	if (!m)
		return -ENOMEM;
	m->p = p;
	m->frames = 1;
	m->rtp = (struct loop_io){ .fd = -1, .events = EPOLLIN, .fn = on_rtp };
	m->rtcp = (struct loop_io){ .fd = -1, .events = EPOLLIN, .fn = on_rtcp };
	m->pace.fn = on_pace;
	m->report.fn = on_report;
	m->st.peer_loss_percent = m->st.rtt_ms = -1;
	rtp_rx_init(&m->rx, rtp_clock((enum codec)p->conf.codec));
	if (getrandom(&m->ssrc, sizeof(m->ssrc), 0) < 0 ||
	    getrandom(&m->ts, sizeof(m->ts), 0) < 0 || getrandom(&m->seq, sizeof(m->seq), 0) < 0)
		m->ssrc = p->number;
	r = open_sockets(m);
	if (!r)
		r = loop_io_add(p->ue->loop, &m->rtp);
	if (!r)
		r = loop_io_add(p->ue->loop, &m->rtcp);
	if (r) {
		media_free(m);
		return r;
	}
	*ret = m;
	return 0;
}

void media_stop(struct media *m)
{
	struct loop *l = m->p->ue->loop;

	m->running = false;
	timer_stop(l, &m->pace);
	timer_stop(l, &m->report);
	loop_io_del(l, &m->rtp);
	loop_io_del(l, &m->rtcp);
}

void media_free(struct media *m)
{
	if (!m)
		return;
	media_stop(m);
	if (m->rtp.fd >= 0)
		close(m->rtp.fd);
	if (m->rtcp.fd >= 0)
		close(m->rtcp.fd);
	rtp_rx_free(&m->rx);
	free(m);
}

const union sip_sa *media_address(const struct media *m)
{
	return &m->local;
}

void media_set(struct media *m, const struct sdp_theirs *t, bool send)
{
	m->theirs = *t;
	m->send = send;
	m->frames = rtp_frames(t->codec, m->p->conf.ptime);
	m->rx.clock = rtp_clock(t->codec);
	m->rx.tail = MAX(RTP_TAIL / m->frames, 1u);
}

void media_start(struct media *m)
{
	struct loop *l = m->p->ue->loop;

	if (m->running)
		return;
	m->running = true;
	m->due = loop_now(l) + m->p->conf.audio_delay + FRAME_USEC;
	timer_start(l, &m->pace, m->due - loop_now(l));
	timer_start(l, &m->report, RTCP_USEC / 2);
}

void media_mute(struct media *m, bool mute)
{
	m->muted = mute;
}

bool media_is_sending(const struct media *m)
{
	return m->running && m->send && !m->muted;
}

void media_dtmf(struct media *m, const char *digits)
{
	snprintf(m->digits, sizeof(m->digits), "%s", digits);
	m->digit_step = 0;
}

const struct media_stats *media_get_stats(const struct media *m)
{
	return &m->st;
}

void media_summary(struct media *m, uint64_t sent_by_peer, struct rtp_summary *ret)
{
	rtp_rx_summary(&m->rx, sent_by_peer, m->theirs.codec, ret);
}

uint64_t media_dtmf_received(const struct media *m, char *dst, size_t size)
{
	snprintf(dst, size, "%s", m->heard);
	return strlen(m->heard);
}
