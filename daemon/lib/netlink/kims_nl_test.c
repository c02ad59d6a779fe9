// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Typed calls to kims.ko against the module itself, in a network namespace of the test's own:
 * what is written is read back, refusals have sentences, counters and events are those of real
 * packets (over loopback). Skipped where kims.ko is not loaded.
 */
#include <arpa/inet.h>
#include <poll.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#include "lib/netlink/kims_nl.h"

#define WAIT_MS 3000

static struct knl *k;

static struct xfrm_addr addr(const char *text)
{
	struct xfrm_addr a = { .family = strchr(text, ':') ? AF_INET6 : AF_INET };

	assert_int_equal(inet_pton(a.family, text, &a.v4), 1);
	return a;
}

static struct knl_end end(const char *text, uint16_t port)
{
	return (struct knl_end){ addr(text), port };
}

static struct knl_rtp_flow flow_of(uint16_t port)
{
	return (struct knl_rtp_flow){
		.cookie = 0x1122334455667788,
		.local = end("127.0.0.2", port),
		.peer = end("127.0.0.1", 4000),
		.out_local = end("127.0.0.2", 5000),
		.out_peer = end("127.0.0.3", 6000),
		.inactivity_ms = 60000,
		.dscp = 46,
		.clock_rate = 16000,
		.filter_pt = true,
		.pt = { [1] = 1 }, /* 8 */
	};
}

static struct knl_sa_set set_of(uint32_t spi)
{
	return (struct knl_sa_set){
		.ue_id = 42,
		.label = "001010000000001@ims.mnc001.mcc001.3gppnetwork.org",
		.ue = addr("127.0.0.1"),
		.local = addr("127.0.0.2"),
		.port_uc = 6000,
		.port_us = 6001,
		.port_pc = 5063,
		.port_ps = 5064,
		.spi_uc = spi,
		.spi_us = spi + 1,
		.spi_pc = spi + 2,
		.spi_ps = spi + 3,
		.reqid = 7,
		.gtpu_session = 0x123456789abcdef0,
	};
}

static int udp_socket(const char *text, uint16_t port)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_port = htons(port) };
	int fd = socket(AF_INET, SOCK_DGRAM, 0);

	assert_true(fd >= 0);
	assert_int_equal(inet_pton(AF_INET, text, &a.sin_addr), 1);
	assert_int_equal(bind(fd, (struct sockaddr *)&a, sizeof(a)), 0);
	return fd;
}

static void udp_send(int fd, const char *text, uint16_t port, const void *p, size_t n)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_port = htons(port) };

	assert_int_equal(inet_pton(AF_INET, text, &a.sin_addr), 1);
	assert_int_equal(sendto(fd, p, n, 0, (struct sockaddr *)&a, sizeof(a)), n);
}

static bool readable(int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };

	return poll(&p, 1, WAIT_MS) == 1;
}

/* --- media flows --- */

/* What a struct's assignment leaves behind its last member is anybody's guess; flows are compared as bytes. */
static void clear_padding(struct knl_end *e)
{
	size_t used = offsetof(struct knl_end, port) + sizeof(e->port);

	memset((char *)e + used, 0, sizeof(*e) - used);
}

static void same_flow(struct knl_rtp_flow want, struct knl_rtp_flow have)
{
	struct knl_rtp_flow *const both[] = { &want, &have };

	for (size_t i = 0; i < ARRAY_SIZE(both); i++) {
		clear_padding(&both[i]->local);
		clear_padding(&both[i]->peer);
		clear_padding(&both[i]->out_local);
		clear_padding(&both[i]->out_peer);
		clear_padding(&both[i]->latched);
		clear_padding(&both[i]->record_local);
		clear_padding(&both[i]->record_peer);
	}
	assert_memory_equal(&want, &have, sizeof(want));
}

static void test_flow_roundtrip(void **state _unused_)
{
	struct knl_rtp_flow f = flow_of(2000), got;
	struct knl_rtp_stats s;

	assert_int_equal(knl_rtp_new(k, &f, &f.id), 0);
	assert_int_not_equal(f.id, 0);
	assert_int_equal(knl_rtp_get(k, f.id, &got, &s), 0);
	same_flow(f, got);
	assert_int_equal(s.packets, 0);
	assert_true(s.last_seen_ms == UINT64_MAX);

	f.gate = KNL_GATE_CLOSED;
	f.filter_pt = false;
	memset(f.pt, 0, sizeof(f.pt));
	f.dscp = -1;
	f.rtcp_mux = true;
	assert_int_equal(knl_rtp_replace(k, &f), 0);
	assert_int_equal(knl_rtp_get(k, f.id, &got, NULL), 0);
	same_flow(f, got);
	assert_int_equal(knl_rtp_del(k, f.id, NULL), 0);
	assert_int_equal(knl_rtp_del(k, f.id, NULL), -ENOENT);
	assert_string_equal(knl_error(k), "kims: no flow of this id (No such file or directory)");
}

static void test_flow_ipv6(void **state _unused_)
{
	struct knl_rtp_flow f = flow_of(2000), got;

	f.out_local = end("fd46::1", 5000);
	f.out_peer = end("fd45::11", 6000);
	f.peer = (struct knl_end){ 0 };
	assert_int_equal(knl_rtp_new(k, &f, &f.id), 0);
	assert_int_equal(knl_rtp_get(k, f.id, &got, NULL), 0);
	same_flow(f, got);
	assert_int_equal(knl_rtp_del(k, f.id, NULL), 0);
}

static void test_flow_refusals(void **state _unused_)
{
	struct knl_rtp_flow f = flow_of(2000), other = flow_of(2000);
	uint32_t id;

	assert_int_equal(knl_rtp_new(k, &f, &id), 0);
	assert_int_equal(knl_rtp_new(k, &other, NULL), -EEXIST);
	assert_non_null(strstr(knl_error(k), "another flow has this local address and port"));
	other.local.port = 2002;
	other.dscp = 64;
	assert_int_equal(knl_rtp_new(k, &other, NULL), -ERANGE);
	assert_int_not_equal(knl_error(k)[0], 0);
	assert_int_equal(knl_rtp_replace(k, &other), -EINVAL);
	assert_int_equal(knl_rtp_del(k, id, NULL), 0);
}

static void test_flow_options(void **state _unused_)
{
	struct knl_rtp_flow f = flow_of(2000), got;

	f.peer.port = 0;
	f.latch = KNL_LATCH_ONCE;
	f.reverse = 77;
	f.continuity = KNL_CONTINUITY_SEQUENCE;
	f.has_ssrc = true;
	f.ssrc = 0xdeadbeef;
	f.dtmf = true;
	f.dtmf_pt = 101;
	f.record_local = end("127.0.0.2", 7000);
	f.record_peer = end("127.0.0.3", 7002);
	f.srtp_in = (struct knl_srtp){ .suite = KNL_SRTP_AES_256_CM_HMAC_SHA1_32 };
	f.srtp_out = (struct knl_srtp){ .suite = KNL_SRTP_AEAD_AES_128_GCM,
					.mki = { 1, 2, 3 },
					.mki_len = 3 };
	memset(f.srtp_out.key, 0xa5, sizeof(f.srtp_out.key));
	assert_int_equal(knl_rtp_new(k, &f, &f.id), 0);
	assert_int_equal(knl_rtp_get(k, f.id, &got, NULL), 0);
	memset(f.srtp_out.key, 0, sizeof(f.srtp_out.key)); /* never told */
	same_flow(f, got);
	assert_int_equal(knl_rtp_del(k, f.id, NULL), 0);
}

static int count_flows(void *arg, const struct knl_rtp_flow *f, const struct knl_rtp_stats *s)
{
	assert_true(f->local.port >= 2000 && f->local.port < 2100);
	assert_int_equal(s->packets, 0);
	++*(int *)arg;
	return 0;
}

static int stop_at_once(void *arg, const struct knl_rtp_flow *f _unused_,
			const struct knl_rtp_stats *s _unused_)
{
	++*(int *)arg;
	return -ECANCELED;
}

static void test_flow_batch(void **state _unused_)
{
	struct knl_rtp_flow f[KNL_RTP_BATCH];
	uint32_t deleted;
	int n = 0, i, turn;

	for (turn = 0; turn < 3; turn++) {
		for (i = 0; i < KNL_RTP_BATCH; i++)
			f[i] = flow_of(2000 + turn * KNL_RTP_BATCH + i);
		assert_int_equal(knl_rtp_new_all(k, f, KNL_RTP_BATCH), 0);
		for (i = 1; i < KNL_RTP_BATCH; i++)
			assert_int_equal(f[i].id, f[i - 1].id + 1);
	}
	assert_int_equal(knl_rtp_dump(k, count_flows, &n), 0);
	assert_int_equal(n, 3 * KNL_RTP_BATCH);
	n = 0;
	assert_int_equal(knl_rtp_dump(k, stop_at_once, &n), -ECANCELED);
	assert_int_equal(n, 1);
	assert_int_equal(knl_rtp_del_cookie(k, f[0].cookie, &deleted), 0);
	assert_int_equal(deleted, 3 * KNL_RTP_BATCH);
	assert_int_equal(knl_rtp_del_cookie(k, f[0].cookie, &deleted), -ENOENT);
}

static int events_seen[32];
static struct knl_event last_event;

static void see(void *arg _unused_, const struct knl_event *e)
{
	events_seen[e->kind]++;
	last_event = *e;
}

static void read_events(enum knl_event_kind kind)
{
	memset(events_seen, 0, sizeof(events_seen));
	while (!events_seen[kind]) {
		assert_true(readable(knl_events_fd(k)));
		assert_true(knl_events_read(k, see, NULL) >= 0);
	}
}

static void test_flow_packets(void **state _unused_)
{
	struct knl_rtp_flow f = flow_of(2000);
	static const uint8_t rtp[172] = { 0x80, 8 };
	int tx = udp_socket("127.0.0.1", 4000), rx = udp_socket("127.0.0.3", 6000);
	struct knl_rtp_stats s;
	char got[200];

	f.inactivity_ms = 100;
	assert_int_equal(knl_rtp_new(k, &f, &f.id), 0);
	udp_send(tx, "127.0.0.2", 2000, rtp, sizeof(rtp));
	assert_true(readable(rx));
	assert_int_equal(recv(rx, got, sizeof(got), 0), sizeof(rtp));
	read_events(KNL_EV_RTP_FIRST);
	assert_int_equal(last_event.flow_id, f.id);
	assert_true(last_event.cookie == f.cookie);
	udp_send(tx, "127.0.0.2", 2000, rtp, 5);
	read_events(KNL_EV_RTP_INACTIVE);
	assert_int_equal(last_event.flow_id, f.id);
	assert_int_equal(knl_rtp_del(k, f.id, &s), 0);
	assert_int_equal(s.packets, 1);
	assert_int_equal(s.octets, sizeof(rtp));
	assert_int_equal(s.drop_malformed, 1);
	assert_true(s.last_seen_ms >= 100 && s.last_seen_ms < 60000);
	read_events(KNL_EV_RTP_DELETED);
	close(tx);
	close(rx);
}

/* A peer that is learned, a telephone event, a report, a copy. */
static void test_flow_option_events(void **state _unused_)
{
	static const uint8_t tone[16] = { 0x80, 101, 0, 1, 0, 0, 0, 100, 0, 0, 0, 1, 7, 0x8a, 1, 44 };
	static const uint8_t report[32] = { 0x81, 201, 0, 7, 0, 0, 0, 1, 0, 0, 0, 2, 64, 0xff, 0xff,
					    0xfb, 0, 0, 0, 9 };
	int tx = udp_socket("127.0.0.1", 4000), rx = udp_socket("127.0.0.3", 6000);
	int recorder = udp_socket("127.0.0.3", 7002);
	struct knl_rtp_flow f = flow_of(2000);
	struct knl_rtp_stats s;

	f.peer.port = 0;
	f.latch = KNL_LATCH_AGAIN;
	f.filter_pt = false;
	f.rtcp_mux = true;
	f.dtmf = true;
	f.dtmf_pt = 101;
	f.record_local = end("127.0.0.2", 7000);
	f.record_peer = end("127.0.0.3", 7002);
	assert_int_equal(knl_rtp_new(k, &f, &f.id), 0);
	udp_send(tx, "127.0.0.2", 2000, tone, sizeof(tone));
	read_events(KNL_EV_RTP_DTMF);
	if (last_event.kind == KNL_EV_RTP_DTMF) {
		assert_int_equal(last_event.flow_id, f.id);
		assert_int_equal(last_event.dtmf_event, 7);
		assert_int_equal(last_event.dtmf_duration, 300);
		read_events(KNL_EV_RTP_LATCHED);
	}
	udp_send(tx, "127.0.0.2", 2000, report, sizeof(report));
	for (int i = 0; i < 2; i++) {
		char got[64];

		assert_true(readable(rx) && recv(rx, got, sizeof(got), 0) > 0);
		assert_true(readable(recorder) && recv(recorder, got, sizeof(got), 0) > 0);
	}
	assert_int_equal(knl_rtp_get(k, f.id, &f, &s), 0);
	assert_int_equal(f.latched.port, 4000);
	assert_int_equal(s.packets, 2);
	assert_int_equal(s.copies, 2);
	assert_int_equal(s.rtcp.reports, 1);
	assert_int_equal(s.rtcp.lost, -5);
	assert_int_equal(s.rtcp.fraction_lost, 64);
	assert_false(s.rtcp.has_round_trip || s.rtcp.has_voip || s.rtcp.has_sr);
	assert_int_equal(knl_rtp_del(k, f.id, NULL), 0);
	read_events(KNL_EV_RTP_DELETED);
	close(tx);
	close(rx);
	close(recorder);
}

/* --- Gm --- */

static void test_set_roundtrip(void **state _unused_)
{
	struct knl_sa_set s = set_of(0x1000), got, other = set_of(0x1000);
	struct knl_sa_stats stats;

	assert_int_equal(knl_sa_new(k, &s, &s.id), 0);
	assert_int_equal(knl_sa_get(k, s.id, &got, &stats), 0);
	assert_memory_equal(&s, &got, sizeof(s));
	assert_int_equal(stats.packets, 0);
	assert_int_equal(knl_sa_new(k, &other, NULL), -EEXIST);
	assert_non_null(strstr(knl_error(k), "another set has spi-pc or spi-ps"));
	s.spi_ps = 0x9000;
	assert_int_equal(knl_sa_replace(k, &s), 0);
	assert_int_equal(knl_sa_get(k, s.id, &got, NULL), 0);
	assert_memory_equal(&s, &got, sizeof(s));
	assert_int_equal(knl_sa_del(k, s.id, &stats), 0);
	read_events(KNL_EV_SA_DELETED);
	assert_string_equal(last_event.sa_label, s.label);
	assert_int_equal(knl_sa_get(k, s.id, NULL, NULL), -ENOENT);
}

static int see_port(void *arg, const struct knl_gm_port *p)
{
	assert_int_equal(p->local.port, 5064);
	*(struct knl_gm_port *)arg = *p;
	return 0;
}

static int see_stats(void *arg, const char *name, uint64_t value)
{
	if (!strcmp(name, "cleartext"))
		*(uint64_t *)arg = value;
	return 0;
}

static void test_cleartext(void **state _unused_)
{
	struct xfrm_addr local = addr("127.0.0.2");
	int tx = udp_socket("127.0.0.1", 6000);
	struct knl_sa_set s = set_of(0x1000);
	uint64_t before = 0, after = 0;
	struct knl_gm_port port;

	assert_int_equal(knl_stats(k, see_stats, &before), 0);
	assert_int_equal(knl_gm_port_add(k, &local, 5064), 0);
	assert_int_equal(knl_gm_port_add(k, &local, 5064), 0);
	assert_int_equal(knl_sa_new(k, &s, &s.id), 0);
	udp_send(tx, "127.0.0.2", 5064, "x", 1);
	read_events(KNL_EV_GM_DROP);
	assert_int_equal(last_event.reason, KNL_GM_CLEARTEXT);
	assert_int_equal(last_event.proto, IPPROTO_UDP);
	assert_int_equal(last_event.src.port, 6000);
	assert_int_equal(last_event.dst.port, 5064);
	assert_int_equal(last_event.dst.addr.v4.s_addr, local.v4.s_addr);
	assert_true(last_event.victim_ue_id == 42);
	assert_string_equal(last_event.victim_label, s.label);
	assert_string_equal(last_event.sa_label, "");
	assert_true(last_event.count == 1);
	assert_int_equal(knl_gm_port_dump(k, see_port, &port), 0);
	assert_int_equal(port.drop_cleartext, 1);
	assert_int_equal(knl_stats(k, see_stats, &after), 0);
	assert_int_equal(after, before + 1);
	assert_int_equal(knl_sa_del(k, s.id, NULL), 0);
	assert_int_equal(knl_gm_port_del(k, &local, 5064), 0);
	assert_int_equal(knl_gm_port_del(k, &local, 5064), -ENOENT);
	close(tx);
}

/* --- */

/* 77 when there is nothing to test against. */
static int prepare(void)
{
	int r;

	if (unshare(CLONE_NEWNET) || system("ip link set lo up")) {
		fputs("needs root\n", stderr);
		return 77;
	}
	r = knl_open(&k);
	if (r) {
		fputs("needs kims.ko\n", stderr);
		return 77;
	}
	return knl_events_open(k) ? 1 : 0;
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_flow_roundtrip), cmocka_unit_test(test_flow_ipv6),
		cmocka_unit_test(test_flow_refusals),  cmocka_unit_test(test_flow_batch),
		cmocka_unit_test(test_flow_options),   cmocka_unit_test(test_flow_option_events),
		cmocka_unit_test(test_flow_packets),   cmocka_unit_test(test_set_roundtrip),
		cmocka_unit_test(test_cleartext),
	};
	int r = prepare();

	if (r)
		return r;
	r = cmocka_run_group_tests_name("kims_nl", tests, NULL, NULL);
	knl_close(k);
	return r;
}
