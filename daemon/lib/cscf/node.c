// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Wiring of a CSCF; see node.h.
 */
#include "lib/cscf/node.h"

#include <netdb.h>
#include <stdio.h>

#include "lib/core/log.h"

#define READY_USEC (8 * USEC_PER_SEC)

static int open_ep(struct cscf_node *n, const struct conf_addr *a, uint16_t port, const char *name,
		   char *err, size_t size)
{
	struct sip_ep_opts o = { .name = name, .tcp = true };
	struct sip_ep *ep;
	char buf[SIP_SA_STRLEN];
	int r;

	if (!conf_sockaddr(a, port, &o.local.ss))
		return 0;
	r = sip_ep_open(n->tp, &o, &ep);
	if (r < 0)
		snprintf(err, size, "cannot open %s: %s", sip_sa_str(&o.local, buf), strerror(-r));
	return r;
}

static int add_host(void *arg, const char *host, const struct conf_addr *addr)
{
	union sip_sa sa;

	conf_sockaddr(addr, 0, &sa.ss);
	return sip_resolver_host(arg, host, &sa);
}

static int open_sip(struct cscf_node *n, const struct cscf_node_conf *c, char *err, size_t size)
{
	const struct conf *conf = n->app->conf;
	union sip_sa dns;
	bool has_dns = conf_sockaddr(&conf->network.dns, conf->network.dns_port, &dns.ss);
	int r = sip_tp_new(n->app->loop, conf->pcscf.max_message, &n->tp);

	if (r == 0)
		r = open_ep(n, c->addr, c->sip_port, "mw4", err, size);
	if (r == 0)
		r = open_ep(n, c->addr6, c->sip_port, "mw6", err, size);
	if (r == 0)
		r = sip_resolver_new(n->app->loop, has_dns ? &dns : NULL, &n->resolver);
	if (r == 0)
		r = conf_each_host(conf, add_host, n->resolver);
	return r;
}

static void on_ready_timeout(struct timer *t)
{
	app_ready(container_of(t, struct cscf_node, ready)->app);
}

static void on_peer(void *arg, const char *identity, bool up)
{
	struct cscf_node *n = arg;

	log_notice("Diameter connection to %s is %s", identity, up ? "up" : "down");
	app_status(n->app, "HSS %s", up ? "connected" : "not connected");
	if (up)
		app_ready(n->app);
}

static void await_peer(struct cscf_node *n)
{
	app_defer_ready(n->app);
	n->ready.fn = on_ready_timeout;
	timer_start(n->app->loop, &n->ready, READY_USEC);
}

/* Numeric text of the first address that is configured; NULL: none. */
static const char *numeric(const struct conf_addr *a, const struct conf_addr *b, char *dst,
			   size_t size)
{
	union sip_sa sa;
	socklen_t n = conf_sockaddr(a, 0, &sa.ss);

	if (!n && b)
		n = conf_sockaddr(b, 0, &sa.ss);
	if (!n || getnameinfo(&sa.sa, n, dst, (socklen_t)size, NULL, 0, NI_NUMERICHOST))
		return NULL;
	return dst;
}

static int open_diameter(struct cscf_node *n, const struct cscf_node_conf *c, char *err, size_t size)
{
	const struct conf *conf = n->app->conf;
	const struct conf_diameter *d = &conf->diameter;
	char hss[300], addr[NI_MAXHOST], own[NI_MAXHOST];
	struct dia_peer_conf peer = {
		.identity = hss,
		.addr = numeric(&d->hss_addr, NULL, addr, sizeof(addr)),
		.port = d->hss_port,
	};
	struct dia_conf dc = {
		.identity = c->name,
		.realm = conf->network.domain,
		.peers = &peer,
		.n_peers = 1,
		.watchdog_s = d->watchdog_s,
		.reconnect_s = d->reconnect_s,
		.timeout_ms = d->timeout_ms,
		.listen_addr = numeric(c->addr, c->addr6, own, sizeof(own)),
		.listen_port = c->dia_port,
	};
	_cleanup_free_ struct conf_prefix *from = NULL;
	int r = conf_trusted(conf, &from, &dc.n_from);

	if (r < 0)
		return r;
	dc.from = from;
	snprintf(hss, sizeof(hss), "hss.%s", conf->network.domain);
	r = dia_open(n->app->loop, &dc, &n->dia, err, size);
	if (r == 0)
		dia_on_peer(n->dia, on_peer, n);
	return r;
}

int cscf_node_open(struct cscf_node *n, struct app *a, const struct cscf_node_conf *c, char *err, size_t size)
{
	int r;

	n->app = a;
	await_peer(n);
	r = open_sip(n, c, err, size);
	if (r == 0)
		r = open_diameter(n, c, err, size);
	return r;
}

void cscf_node_leave(struct cscf_node *n)
{
	n->leaving = true;
	dia_quit(n->dia);
}

void cscf_node_close(struct cscf_node *n)
{
	sip_tp_free(n->tp);
	if (n->resolver)
		sip_resolver_free(n->resolver);
	dia_close(n->dia);
}
