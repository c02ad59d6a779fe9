// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A minimal stateful record-routing proxy on lib/sip, for load tests with sipp beside other proxies:
 * every initial request goes to one next hop, in-dialog requests follow their Route.
 *
 *   sip_proxy LISTEN_ADDR PORT NEXT_HOP_URI [SHED_TARGET_MS]
 *
 * Prints its counters and CPU time when it gets SIGINT or SIGTERM.
 */
#include <signal.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/signalfd.h>

#include "lib/core/loop.h"
#include "lib/sip/proxy.h"

struct bench {
	struct loop *loop;
	struct sip_tp *tp;
	struct sip_stack *stack;
	struct sip_resolver *resolver;
	struct sip_ep *ep;
	const char *next_hop;
	char record_route[SIP_SA_STRLEN + 16];
	struct loop_io signals;
	uint64_t requests;
};

static bool is_me(void *arg, const struct sip_uri *uri)
{
	const struct bench *b = arg;
	union sip_sa a;

	return !sip_sa_parse_str(uri->host, uri->port ? uri->port : 5060, &a) &&
	       sip_sa_eq(&a, sip_ep_local(b->ep));
}

static void on_request(void *arg, struct sip_stx *stx, struct sip_msg *m,
		       const struct sip_path *from)
{
	struct bench *b = arg;
	struct sip_target t = { 0 };
	struct str mine;

	(void)from;
	b->requests++;
	if (sip_proxy_prepare(b->stack, stx, m, NULL, is_me, b, &mine))
		return;
	if (!mine.n && !sip_msg_to_tag(m).n) {
		t.next_hop = str_of(b->next_hop);
		t.record_route = b->record_route;
	}
	if (!stx)
		sip_proxy_forward_ack(b->stack, b->resolver, m, &t);
	else if (sip_proxy_forward(b->stack, b->resolver, stx, m, &t, 1, 0, NULL, NULL, NULL) < 0)
		sip_stx_reply(stx, 500, NULL, NULL);
}

static void on_stray(void *arg, struct sip_msg *m, const struct sip_path *from)
{
	struct bench *b = arg;

	(void)from;
	sip_proxy_stray_response(b->stack, m);
}

static void report(const struct bench *b)
{
	const struct sip_stack_stats *s = sip_stack_get_stats(b->stack);
	const struct sip_tp_stats *t = sip_tp_get_stats(b->tp);
	struct rusage ru;

	getrusage(RUSAGE_SELF, &ru);
	printf("requests %lu rx %lu tx %lu rx_tcp %lu tx_tcp %lu retransmits in %lu out %lu timeouts %lu stray %lu shed %lu active %lu/%lu "
	       "errors %lu bad %lu garbage %lu cpu_user_ms %ld cpu_sys_ms %ld rss_kb %ld\n",
	       b->requests, t->rx_udp, t->tx_udp, t->rx_tcp, t->tx_tcp, s->rx_retransmits,
	       s->tx_retransmits, s->timeouts, s->stray, s->shed + t->shed, s->stx_active,
	       s->ctx_active, t->tx_errors, t->rx_bad, t->rx_garbage,
	       ru.ru_utime.tv_sec * 1000 + ru.ru_utime.tv_usec / 1000,
	       ru.ru_stime.tv_sec * 1000 + ru.ru_stime.tv_usec / 1000, ru.ru_maxrss);
}

static void on_signal(struct loop_io *io, uint32_t revents)
{
	struct bench *b = container_of(io, struct bench, signals);

	(void)revents;
	loop_stop(b->loop, 0);
}

static int catch_signals(struct bench *b)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigprocmask(SIG_BLOCK, &set, NULL);
	b->signals = (struct loop_io){ .fd = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC),
				       .events = EPOLLIN,
				       .fn = on_signal };
	return b->signals.fd < 0 ? -errno : loop_io_add(b->loop, &b->signals);
}

static int start(struct bench *b, const char *addr, uint16_t port, uint32_t shed_ms)
{
	static const struct sip_stack_ops ops = { .request = on_request,
						  .stray_response = on_stray };
	struct sip_ep_opts o = { .name = "bench", .tcp = true };
	char buf[SIP_SA_STRLEN];
	int r = sip_sa_parse(addr, port, &o.local);

	if (!r)
		r = loop_new(&b->loop);
	if (!r)
		r = catch_signals(b);
	if (!r)
		r = sip_tp_new(b->loop, 0, &b->tp);
	if (!r)
		r = sip_ep_open(b->tp, &o, &b->ep);
	if (!r)
		r = sip_resolver_new(b->loop, NULL, &b->resolver);
	if (!r)
		r = sip_stack_new(b->loop, b->tp, &ops, b, &b->stack);
	if (!r && shed_ms)
		sip_tp_set_shed(b->tp, &(struct sip_tp_shed){ .target_ms = shed_ms,
							      .interval_ms = 100,
							      .retry_after_s = 5 });
	snprintf(b->record_route, sizeof(b->record_route), "<sip:%s;lr>",
		 sip_sa_str(&o.local, buf));
	return r;
}

int main(int argc, char **argv)
{
	struct bench b = { 0 };
	int r;

	if (argc < 4) {
		fprintf(stderr, "usage: %s LISTEN_ADDR PORT NEXT_HOP_URI [SHED_TARGET_MS]\n",
			argv[0]);
		return 2;
	}
	b.next_hop = argv[3];
	r = start(&b, argv[1], atoi(argv[2]), argc > 4 ? atoi(argv[4]) : 0);
	if (r < 0) {
		fprintf(stderr, "sip_proxy: %s\n", strerror(-r));
		return 1;
	}
	loop_run(b.loop);
	report(&b);
	sip_stack_free(b.stack);
	sip_resolver_free(b.resolver);
	sip_tp_free(b.tp);
	close(b.signals.fd);
	loop_free(b.loop);
	return 0;
}
