// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Typed calls of GTP-U against kims.ko itself, in a network namespace of the test's own: what is
 * written is read back, batches are all or none and say which session was refused, final counters
 * and events come. Skipped where kims.ko is not loaded.
 */
#include <arpa/inet.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#include "lib/netlink/kims_nl_gtpu.h"

static struct knl *k;
static uint32_t ep4, ep6;

static struct xfrm_addr addr(const char *text)
{
	struct xfrm_addr a = { .family = strchr(text, ':') ? AF_INET6 : AF_INET };

	assert_int_equal(inet_pton(a.family, text, &a.v4), 1);
	return a;
}

static bool same_addr(const struct xfrm_addr *a, const struct xfrm_addr *b)
{
	return a->family == b->family &&
	       !memcmp(&a->v4, &b->v4, a->family == AF_INET6 ? 16 : a->family == AF_INET ? 4 : 0);
}

/* --- a session with everything --- */

static struct knl_filter filters[2];
static struct knl_pdr pdrs[3];
static struct knl_far fars[2];
static struct knl_qer qers[1];
static struct knl_urr urrs[2];
static const struct knl_bar bar = { 10, 20000, 3000, 50 };

static struct knl_session everything(uint64_t id)
{
	filters[0] = (struct knl_filter){
		.id = 1, .protocol = IPPROTO_UDP, .ue = { addr("10.45.0.1"), 32 },
		.remote = { addr("10.46.0.0"), 16 }, .n_ue_ports = 1, .ue_ports = { { 1, 2 } },
		.n_remote_ports = 2, .remote_ports = { { 53, 53 }, { 0, 65535 } }, .tos = 0xb8,
		.tos_mask = 0xfc, .flow_label = -1, .direction = KNL_UPLINK,
	};
	filters[1] = (struct knl_filter){
		.protocol = -1, .remote = { addr("2001:db8::"), 32 }, .tos = -1, .flow_label = 5,
		.spi = 7, .direction = KNL_UPLINK | KNL_DOWNLINK,
	};
	pdrs[0] = (struct knl_pdr){
		.id = 1, .precedence = 1, .source = KNL_ACCESS, .endpoint = ep4, .teid = id,
		.qfi = 9, .filters = filters, .n_filters = 2, .any_source = true, .far = 1,
		.qers = { 1 }, .n_qers = 1, .urrs = { 1, 2 }, .n_urrs = 2,
	};
	pdrs[1] = (struct knl_pdr){ .id = 2, .precedence = 2, .source = KNL_CORE, .qfi = -1,
				    .far = 2, .urrs = { 2 }, .n_urrs = 1 };
	pdrs[2] = (struct knl_pdr){ .id = 3, .precedence = 3, .source = KNL_CORE, .qfi = -1,
				    .app_id = 4, .app_queue = 5, .app_fail_open = true, .far = 2 };
	fars[0] = (struct knl_far){ .id = 1, .action = KNL_FORW, .destination = KNL_CORE, .dscp = 46 };
	fars[1] = (struct knl_far){
		.id = 2, .action = KNL_FORW | KNL_DUPL, .destination = KNL_ACCESS, .endpoint = ep6,
		.teid = 77, .peer = { addr("fd44::2"), 2153 }, .dscp = -1, .dup_endpoint = ep4,
		.dup_teid = 78, .dup_peer = addr("127.0.0.9"),
	};
	qers[0] = (struct knl_qer){ .id = 1, .gate_dl = KNL_GATE_CLOSED, .mbr_ul = 1000,
				    .gbr_dl = 2000, .burst_ms = 50, .qfi = 9 };
	urrs[0] = (struct knl_urr){
		.id = 1, .method = KNL_VOLUM | KNL_DURAT, .triggers = KNL_VOLTH | KNL_PERIO,
		.threshold = { 1, 2, 3 }, .quota = { 4, 5, 6 }, .time_threshold = 7, .time_quota = 8,
		.period = 9, .inactivity = 10, .monitoring_time = 4102444800, .before_qos = true,
		.linked = 2,
	};
	urrs[1] = (struct knl_urr){ .id = 2, .method = KNL_VOLUM };
	return (struct knl_session){
		.id = id, .label = "001010000000001", .ue4 = addr("10.45.0.1"),
		.ue6 = addr("fd45:0:0:1::"), .idle_timeout = 60, .monitored = 1, .bar = &bar,
		.pdrs = pdrs, .n_pdrs = 3, .fars = fars, .n_fars = 2, .qers = qers, .n_qers = 1,
		.urrs = urrs, .n_urrs = 2,
	};
}

static void same_filter(const struct knl_filter *a, const struct knl_filter *b)
{
	assert_int_equal(a->id, b->id);
	assert_int_equal(a->protocol, b->protocol);
	assert_true(same_addr(&a->ue.addr, &b->ue.addr) && a->ue.len == b->ue.len);
	assert_true(same_addr(&a->remote.addr, &b->remote.addr) && a->remote.len == b->remote.len);
	assert_int_equal(a->n_ue_ports, b->n_ue_ports);
	assert_int_equal(a->n_remote_ports, b->n_remote_ports);
	assert_memory_equal(a->ue_ports, b->ue_ports, sizeof(a->ue_ports));
	assert_memory_equal(a->remote_ports, b->remote_ports, sizeof(a->remote_ports));
	assert_int_equal(a->tos, b->tos);
	assert_int_equal(a->tos_mask, b->tos_mask);
	assert_int_equal(a->spi, b->spi);
	assert_int_equal(a->flow_label, b->flow_label);
	assert_int_equal(a->direction, b->direction);
}

static void same_pdr(const struct knl_pdr *a, const struct knl_pdr *b)
{
	size_t i;

	assert_int_equal(a->id, b->id);
	assert_int_equal(a->precedence, b->precedence);
	assert_int_equal(a->source, b->source);
	assert_int_equal(a->endpoint, b->endpoint);
	assert_int_equal(a->teid, b->teid);
	assert_int_equal(a->qfi, b->qfi);
	assert_int_equal(a->app_id, b->app_id);
	assert_int_equal(a->app_queue, b->app_queue);
	assert_int_equal(a->app_fail_open, b->app_fail_open);
	assert_int_equal(a->any_source, b->any_source);
	assert_int_equal(a->far, b->far);
	assert_int_equal(a->n_qers, b->n_qers);
	assert_int_equal(a->n_urrs, b->n_urrs);
	assert_memory_equal(a->qers, b->qers, sizeof(a->qers));
	assert_memory_equal(a->urrs, b->urrs, sizeof(a->urrs));
	assert_int_equal(a->n_filters, b->n_filters);
	for (i = 0; i < a->n_filters; i++)
		same_filter(&a->filters[i], &b->filters[i]);
}

static void same_far(const struct knl_far *a, const struct knl_far *b)
{
	assert_int_equal(a->id, b->id);
	assert_int_equal(a->action, b->action);
	assert_int_equal(a->destination, b->destination);
	assert_int_equal(a->endpoint, b->endpoint);
	assert_int_equal(a->teid, b->teid);
	assert_true(same_addr(&a->peer.addr, &b->peer.addr));
	assert_int_equal(a->peer.port, b->peer.port);
	assert_int_equal(a->dscp, b->dscp);
	assert_int_equal(a->dup_endpoint, b->dup_endpoint);
	assert_int_equal(a->dup_teid, b->dup_teid);
	assert_true(same_addr(&a->dup_peer, &b->dup_peer));
}

static int see_everything(void *arg, const struct knl_session *s, const struct knl_counters *c)
{
	size_t i;

	assert_string_equal(s->label, "001010000000001");
	assert_true(s->ue4.family == AF_INET && s->ue6.family == AF_INET6);
	assert_int_equal(s->idle_timeout, 60);
	assert_int_equal(s->monitored, 1);
	assert_memory_equal(s->bar, &bar, sizeof(bar));
	assert_int_equal(s->n_pdrs, 3);
	for (i = 0; i < 3; i++)
		same_pdr(&pdrs[i], &s->pdrs[i]);
	assert_int_equal(s->n_fars, 2);
	for (i = 0; i < 2; i++)
		same_far(&fars[i], &s->fars[i]);
	assert_int_equal(s->n_qers, 1);
	assert_memory_equal(s->qers, qers, sizeof(qers));
	assert_int_equal(s->n_urrs, 2);
	assert_int_equal(c->n_pdrs, 3);
	assert_int_equal(c->n_urrs, 2);
	assert_true(c->session == s->id && c->idle_ms == UINT64_MAX);
	assert_int_equal(s->urrs[0].linked, 2);
	assert_true(s->urrs[0].quota.dl == 6 && s->urrs[0].threshold.total == 1);
	++*(int *)arg;
	return 0;
}

static void test_roundtrip(void **state _unused_)
{
	struct knl_session s = everything(1000);
	uint64_t id = 1000;
	int n = 0;

	assert_int_equal(knl_session_new(k, &s, 1), 0);
	assert_int_equal(knl_session_get(k, 1000, see_everything, &n), 0);
	assert_int_equal(knl_session_dump(k, see_everything, &n), 0);
	assert_int_equal(n, 2);
	assert_int_equal(knl_session_del(k, &id, 1, NULL, NULL), 0);
	assert_int_equal(knl_session_get(k, 1000, see_everything, &n), -ENOENT);
	assert_non_null(strstr(knl_error(k), "no session of this id"));
}

/* --- batches --- */

static struct knl_pdr plain_pdrs[KNL_SESSIONS];
static const struct knl_far plain_far = { .id = 1, .action = KNL_FORW, .destination = -1, .dscp = -1 };

static struct knl_session plain(uint32_t n)
{
	struct knl_pdr *p = &plain_pdrs[n % KNL_SESSIONS];

	*p = (struct knl_pdr){ .id = 1, .precedence = 1, .source = -1, .endpoint = ep4, .teid = n,
			       .qfi = -1, .far = 1 };
	return (struct knl_session){ .id = n, .label = "x", .idle_timeout = -1, .monitored = -1,
				     .pdrs = p, .n_pdrs = 1, .fars = &plain_far, .n_fars = 1 };
}

static int count(void *arg, const struct knl_counters *c)
{
	assert_int_equal(c->n_pdrs, 1);
	assert_string_equal(c->label, "x");
	++*(int *)arg;
	return 0;
}

static int count_sessions(void *arg, const struct knl_session *s, const struct knl_counters *c)
{
	assert_int_equal(s->n_pdrs, c->n_pdrs);
	++*(int *)arg;
	return 0;
}

static int stop(void *arg, const struct knl_session *s _unused_, const struct knl_counters *c _unused_)
{
	++*(int *)arg;
	return -ECANCELED;
}

static void test_batch(void **state _unused_)
{
	struct knl_session s[KNL_SESSIONS];
	uint64_t ids[KNL_SESSIONS];
	int n = 0;
	size_t i;

	for (i = 0; i < KNL_SESSIONS; i++) {
		s[i] = plain(i + 1);
		ids[i] = i + 1;
	}
	s[200].n_fars = 0;
	assert_int_equal(knl_session_new(k, s, KNL_SESSIONS), -ENOENT);
	assert_int_equal(knl_error_index(k), 200);
	assert_string_equal(knl_error(k), "session 200 of 256: kims: a PDR names a FAR that the session "
					  "has not (No such file or directory)");
	assert_int_equal(knl_session_dump(k, count_sessions, &n), 0);
	assert_int_equal(n, 0);
	s[200].n_fars = 1;
	assert_int_equal(knl_session_new(k, s, KNL_SESSIONS), 0);
	assert_int_equal(knl_error_index(k), -1);
	assert_int_equal(knl_session_dump(k, count_sessions, &n), 0);
	assert_int_equal(n, KNL_SESSIONS);
	n = 0;
	assert_int_equal(knl_session_dump(k, stop, &n), -ECANCELED);
	assert_int_equal(n, 1);
	n = 0;
	assert_int_equal(knl_session_del(k, ids, KNL_SESSIONS, count, &n), 0);
	assert_int_equal(n, KNL_SESSIONS);
	assert_int_equal(knl_session_new(k, s, 0), -EINVAL);
	assert_int_equal(knl_session_new(k, s, KNL_SESSIONS + 1), -EINVAL);
}

static int see_gone(void *arg, const struct knl_counters *c)
{
	assert_int_equal(c->n_urrs, 1);
	assert_int_equal(c->urrs[0].trigger, KNL_TERMR);
	*(uint32_t *)arg = c->urrs[0].urr;
	return 0;
}

static void test_change(void **state _unused_)
{
	static const uint32_t one = 1;
	static const struct knl_urr urr = { .id = 1 };
	struct knl_session s = plain(5), diff = { .id = 5, .idle_timeout = -1, .monitored = -1 };
	uint32_t gone = 0;
	int n = 0;

	s.urrs = &urr;
	s.n_urrs = 1;
	assert_int_equal(knl_session_new(k, &s, 1), 0);
	diff.label = "other";
	assert_int_equal(knl_session_change(k, &diff, 1, see_gone, &gone), 0);
	assert_int_equal(gone, 0);
	diff.del_urrs = &one;
	diff.n_del_urrs = 1;
	assert_int_equal(knl_session_change(k, &diff, 1, see_gone, &gone), 0);
	assert_int_equal(gone, 1);
	assert_int_equal(knl_session_change(k, &diff, 1, see_gone, &gone), -ENOENT);
	assert_int_equal(knl_error_index(k), 0);
	assert_int_equal(knl_session_flush(k), 0);
	assert_int_equal(knl_session_dump(k, count_sessions, &n), 0);
	assert_int_equal(n, 0);
}

/* --- large --- */

static int see_large(void *arg, const struct knl_session *s, const struct knl_counters *c)
{
	size_t i, j;

	assert_int_equal(s->n_pdrs, KNL_RULES);
	assert_int_equal(c->n_pdrs, KNL_RULES);
	assert_int_equal(s->n_urrs, KNL_RULES);
	for (i = 0; i < KNL_RULES; i++) {
		assert_int_equal(s->pdrs[i].id, i + 1);
		assert_int_equal(c->pdrs[i].id, i + 1);
		assert_int_equal(s->pdrs[i].n_filters, 8);
		for (j = 0; j < 8; j++)
			assert_int_equal(s->pdrs[i].filters[j].id, i * 8 + j + 1);
	}
	++*(int *)arg;
	return 0;
}

static void test_large(void **state _unused_)
{
	static struct knl_filter f[KNL_RULES * 8];
	static struct knl_pdr p[KNL_RULES];
	static struct knl_urr u[KNL_RULES];
	struct knl_session s = plain(9);
	size_t i;
	int n = 0;

	for (i = 0; i < KNL_RULES * 8; i++)
		f[i] = (struct knl_filter){ .id = i + 1, .protocol = 17, .tos = -1, .flow_label = -1,
					    .remote = { addr("10.0.0.1"), 32 } };
	for (i = 0; i < KNL_RULES; i++) {
		p[i] = (struct knl_pdr){ .id = i + 1, .precedence = i, .source = -1, .endpoint = ep4,
					 .teid = 9, .qfi = -1, .filters = f + 8 * i, .n_filters = 8, .far = 1 };
		u[i].id = i + 1;
	}
	s.pdrs = p;
	s.urrs = u;
	s.n_pdrs = s.n_urrs = KNL_RULES;
	assert_int_equal(knl_session_new(k, &s, 1), 0);
	assert_int_equal(knl_session_get(k, 9, see_large, &n), 0);
	assert_int_equal(knl_session_dump(k, see_large, &n), 0);
	assert_int_equal(n, 2);
	assert_int_equal(knl_session_flush(k), 0);
}

/* --- endpoints, events --- */

static int see_ep(void *arg, const struct knl_gtpu_ep *ep)
{
	assert_int_equal(ep->local.port, 2152);
	++*(int *)arg;
	return 0;
}

static void test_endpoints(void **state _unused_)
{
	struct knl_gtpu_ep ep, bad = { .udp_checksum = -1, .local.addr = addr("127.0.0.1") };
	struct knl_session s = plain(1);
	int n = 0;

	assert_int_equal(knl_gtpu_ep_get(k, ep4, &ep), 0);
	assert_int_equal(ep.id, ep4);
	assert_int_equal(ep.device, if_nametoindex("kims0"));
	assert_int_equal(ep.udp_checksum, 0);
	assert_int_equal(knl_gtpu_ep_dump(k, see_ep, &n), 0);
	assert_int_equal(n, 2);
	assert_int_equal(knl_gtpu_ep_new(k, &bad, NULL), -EINVAL);
	assert_non_null(strstr(knl_error(k), "device is missing"));
	assert_int_equal(knl_session_new(k, &s, 1), 0);
	assert_int_equal(knl_gtpu_ep_del(k, ep4, NULL), -EBUSY);
	assert_int_equal(knl_session_flush(k), 0);
}

static struct knl_gtpu_event last;
static size_t final_pdrs;
static int seen[8];

static void see(void *arg _unused_, const struct knl_gtpu_event *e)
{
	last = *e;
	seen[e->kind]++;
	if (e->kind == KNL_GTPU_DELETED)
		final_pdrs = e->final->n_pdrs; /* it lives no longer than this call */
}

static void wait_for(enum knl_gtpu_event_kind kind)
{
	struct pollfd p = { .fd = knl_events_fd(k), .events = POLLIN };

	memset(seen, 0, sizeof(seen));
	while (!seen[kind]) {
		assert_int_equal(poll(&p, 1, 3000), 1);
		assert_true(knl_gtpu_events_read(k, see, NULL) >= 0);
	}
}

static void test_events(void **state _unused_)
{
	struct knl_end self = { addr("127.0.0.1"), 0 };
	struct knl_session s = plain(3);
	uint64_t id = 3;

	while (knl_gtpu_events_read(k, see, NULL) > 0)
		;
	assert_int_equal(knl_session_new(k, &s, 1), 0);
	assert_int_equal(knl_session_del(k, &id, 1, NULL, NULL), 0);
	wait_for(KNL_GTPU_DELETED);
	assert_true(last.session == 3);
	assert_int_equal(final_pdrs, 1);
	assert_string_equal(last.label, "x");
	/* The endpoint answers itself. */
	assert_int_equal(knl_echo(k, ep4, &self), 0);
	wait_for(KNL_GTPU_ECHO);
	assert_int_equal(last.endpoint, ep4);
	assert_true(same_addr(&last.peer.addr, &self.addr));
	assert_int_equal(knl_end_marker(k, ep4, &self, 5), 0);
}

/* --- */

static int add_endpoints(void)
{
	struct knl_gtpu_ep ep = { .device = if_nametoindex("kims0"), .udp_checksum = -1 };
	int r;

	ep.local.addr = (struct xfrm_addr){ .family = AF_INET, .v4.s_addr = htonl(INADDR_LOOPBACK) };
	r = knl_gtpu_ep_new(k, &ep, &ep4);
	ep.local.addr = (struct xfrm_addr){ .family = AF_INET6, .v6 = IN6ADDR_LOOPBACK_INIT };
	return r ? r : knl_gtpu_ep_new(k, &ep, &ep6);
}

/* 77 when there is nothing to test against. */
static int prepare(void)
{
	if (unshare(CLONE_NEWNET) || system("ip link set lo up")) {
		fputs("needs root\n", stderr);
		return 77;
	}
	if (knl_open(&k)) {
		fputs("needs kims.ko\n", stderr);
		return 77;
	}
	if (system("ip link add kims0 type kims && ip link set kims0 up"))
		return 1;
	if (add_endpoints() || knl_gtpu_events_open(k)) {
		fprintf(stderr, "%s\n", knl_error(k));
		return 1;
	}
	return 0;
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_roundtrip), cmocka_unit_test(test_batch),
		cmocka_unit_test(test_change),	  cmocka_unit_test(test_large),
		cmocka_unit_test(test_endpoints), cmocka_unit_test(test_events),
	};
	int r = prepare();

	if (r)
		return r;
	r = cmocka_run_group_tests_name("kims_nl_gtpu", tests, NULL, NULL);
	knl_gtpu_ep_del(k, ep4, NULL);
	knl_gtpu_ep_del(k, ep6, NULL);
	knl_close(k);
	return r;
}
