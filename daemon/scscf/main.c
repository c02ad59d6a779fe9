// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * kims-scscf: the S-CSCF as a daemon; wires the object to sockets, DNS, Diameter and the store.
 */
#include <netdb.h>
#include <stdio.h>
#include <sys/stat.h>

#include "scscf/priv.h"
#include "scscf/scscf.h"
#include "lib/core/app.h"
#include "lib/core/log.h"

#define READY_USEC (8 * USEC_PER_SEC)

struct node {
	struct app *app;
	struct timer ready;
	bool leaving; /* no more questions */
	struct sip_tp *tp;
	struct sip_resolver *resolver;
	struct dia *dia;
	struct store *store;
	struct scscf *scscf;
};

static struct node node;

static int cx_mar(void *link, const struct cx_mar *r, cx_maa_fn fn, void *arg)
{
	return node.leaving ? -ESHUTDOWN : cx_send_mar(link, NULL, r, fn, arg);
}

static int cx_sar(void *link, const struct cx_sar *r, cx_saa_fn fn, void *arg)
{
	return node.leaving ? -ESHUTDOWN : cx_send_sar(link, NULL, r, fn, arg);
}

static bool cx_is_up(void *link)
{
	return dia_peer_up(link, NULL);
}

static const struct scscf_cx cx = { .is_up = cx_is_up, .mar = cx_mar, .sar = cx_sar };

static void on_rtr(void *arg, struct cx_token *t, struct str origin _unused_,
		   const struct cx_rtr *r)
{
	struct cx_rta a;

	scscf_rtr(arg, r, &a);
	cx_answer_rt(t, &a);
}

static void on_ppr(void *arg, struct cx_token *t, struct str origin _unused_,
		   const struct cx_ppr *r)
{
	struct cx_ppa a;

	scscf_ppr(arg, r, &a);
	cx_answer_pp(t, &a);
}

static const struct cx_server_ops cx_ops = { .rtr = on_rtr, .ppr = on_ppr };

static int open_ep(const struct conf_addr *a, uint16_t port, const char *name, char *err,
		   size_t size)
{
	struct sip_ep_opts o = { .name = name, .tcp = true };
	struct sip_ep *ep;
	char buf[SIP_SA_STRLEN];
	int r;

	if (!conf_sockaddr(a, port, &o.local.ss))
		return 0;
	r = sip_ep_open(node.tp, &o, &ep);
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

static int open_sip(struct app *a, char *err, size_t size)
{
	const struct conf_scscf *c = &a->conf->scscf;
	union sip_sa dns;
	bool has_dns = conf_sockaddr(&a->conf->network.dns, a->conf->network.dns_port, &dns.ss);
	int r = sip_tp_new(a->loop, a->conf->pcscf.max_message, &node.tp);

	if (r == 0)
		r = open_ep(&c->addr, c->port, "mw4", err, size);
	if (r == 0)
		r = open_ep(&c->addr6, c->port, "mw6", err, size);
	if (r == 0)
		r = sip_resolver_new(a->loop, has_dns ? &dns : NULL, &node.resolver);
	if (r == 0)
		r = conf_each_host(a->conf, add_host, node.resolver);
	return r;
}

/*
 * Ready once there is somebody to ask; without the HSS too, after a while: requests are then refused,
 * not kept waiting.
 */
static void on_ready_timeout(struct timer *t _unused_)
{
	app_ready(node.app);
}

static void on_peer(void *arg _unused_, const char *identity, bool up)
{
	log_notice("Diameter connection to %s is %s", identity, up ? "up" : "down");
	app_status(node.app, "HSS %s", up ? "connected" : "not connected");
	if (up)
		app_ready(node.app);
}

static void await_peer(struct app *a)
{
	node.app = a;
	app_defer_ready(a);
	node.ready.fn = on_ready_timeout;
	timer_start(a->loop, &node.ready, READY_USEC);
}

/* Numeric text of the first address that is configured; NULL: none. */
static const char *numeric(const struct conf_addr *a, const struct conf_addr *b, char *dst,
			   size_t size)
{
	union sip_sa sa;
	socklen_t n = conf_sockaddr(a, 0, &sa.ss);

	if (!n && b)
		n = conf_sockaddr(b, 0, &sa.ss);
	return n && !getnameinfo(&sa.sa, n, dst, (socklen_t)size, NULL, 0, NI_NUMERICHOST) ? dst
											   : NULL;
}

static int open_diameter(struct app *a, char *err, size_t size)
{
	const struct conf *c = a->conf;
	const struct conf_diameter *d = &c->diameter;
	char hss[300], addr[NI_MAXHOST], own[NI_MAXHOST];
	struct dia_peer_conf peer = {
		.identity = hss,
		.addr = numeric(&d->hss_addr, NULL, addr, sizeof(addr)),
		.port = d->hss_port,
	};
	struct dia_conf dc = {
		.identity = c->scscf.name,
		.realm = c->network.domain,
		.peers = &peer,
		.n_peers = 1,
		.watchdog_s = d->watchdog_s,
		.reconnect_s = d->reconnect_s,
		.timeout_ms = d->timeout_ms,
		.listen_addr = numeric(&c->scscf.addr, &c->scscf.addr6, own, sizeof(own)),
		.listen_port = d->scscf_port,
	};
	int r;

	snprintf(hss, sizeof(hss), "hss.%s", c->network.domain);
	r = dia_open(a->loop, &dc, &node.dia, err, size);
	if (r == 0)
		dia_on_peer(node.dia, on_peer, NULL);
	return r;
}

static int open_store(struct app *a, char *err, size_t size)
{
	_cleanup_free_ char *path = NULL;
	int r;

	if (asprintf(&path, "%s/scscf%s%s.db", a->state_dir, *a->instance ? "-" : "", a->instance) <
	    0)
		return -ENOMEM;
	mkdir(a->state_dir, 0750); /* normally made by systemd-tmpfiles */
	r = store_open(a->loop, path, &node.store);
	if (r < 0)
		snprintf(err, size, "cannot open %s: %s", path, strerror(-r));
	return r;
}

/* What a successor needs (ports, store) is free before Diameter's connections are. */
static void fini(struct app *a _unused_)
{
	node.leaving = true;
	dia_quit(node.dia);
	scscf_free(node.scscf);
	sip_tp_free(node.tp);
	if (node.resolver)
		sip_resolver_free(node.resolver);
	if (node.store)
		store_close(node.store);
	dia_close(node.dia);
}

static int make_scscf(struct app *a, char *err, size_t size)
{
	struct scscf_env env = {
		.loop = a->loop,
		.conf = a->conf,
		.tp = node.tp,
		.resolver = node.resolver,
		.store = node.store,
		.cx = &cx,
		.cx_link = node.dia,
	};
	int r = scscf_new(&env, &node.scscf);

	if (r < 0)
		snprintf(err, size, "cannot start: %s", strerror(-r));
	else
		cx_serve(node.dia, &cx_ops, node.scscf);
	return r;
}

static int start(struct app *a, char *err, size_t size)
{
	int r = open_store(a, err, size);

	await_peer(a);
	if (r == 0)
		r = open_sip(a, err, size);
	if (r == 0)
		r = open_diameter(a, err, size);
	if (r == 0)
		r = make_scscf(a, err, size);
	if (r < 0)
		fini(a);
	a->nf = node.scscf;
	return r;
}

static void reload(struct app *a _unused_, const struct conf *c)
{
	if (scscf_reload(node.scscf, c) < 0)
		log_warn("names, addresses and ports change by a restart only");
}

static const struct fsm_desc *const fsms[] = { &impi_fsm, NULL };

static const struct app_desc desc = {
	.fsms = fsms,
	.name = "scscf",
	.summary = "S-CSCF: registers users and routes their calls (TS 24.229 5.4, Cx to the HSS).",
	.cmds = scscf_cmds,
	.secret = true, /* XRES, and CK and IK on their way */
	.start = start,
	.reload = reload,
	.fini = fini,
};

int main(int argc, char **argv)
{
	return app_main(argc, argv, &desc);
}
