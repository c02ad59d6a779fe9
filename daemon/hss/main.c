// SPDX-License-Identifier: GPL-2.0-or-later
/* kims-hss: the HSS as a daemon; wires the object to the database and to Diameter. */
#include <netdb.h>
#include <stdio.h>

#include "hss/hss.h"
#include "lib/core/app.h"
#include "lib/core/log.h"

static struct hss hss;

static int send_rtr(void *link, const char *host, const struct cx_rtr *r, cx_rta_fn fn, void *arg)
{
	return cx_send_rtr(link, host, r, fn, arg);
}

static int send_ppr(void *link, const char *host, const struct cx_ppr *r, cx_ppa_fn fn, void *arg)
{
	return cx_send_ppr(link, host, r, fn, arg);
}

static const struct hss_cx cx = { .rtr = send_rtr, .ppr = send_ppr };

static void on_peer(void *arg _unused_, const char *identity, bool up)
{
	log_notice("Diameter connection with %s is %s", identity, up ? "up" : "down");
}

static int open_db(struct app *a, char *err, size_t size)
{
	char path[512];

	if (*a->conf->hss.db)
		snprintf(path, sizeof(path), "%s", a->conf->hss.db);
	else
		snprintf(path, sizeof(path), "%s/hss.db", a->state_dir);
	return subdb_open(path, true, &hss.db, err, size);
}

static int open_diameter(struct app *a, char *err, size_t size)
{
	const struct conf *c = a->conf;
	char identity[300], addr[NI_MAXHOST] = "";
	_cleanup_free_ struct conf_prefix *from = NULL;
	struct sockaddr_storage ss;
	socklen_t n = conf_sockaddr(&c->diameter.hss_addr, 0, &ss);
	struct dia_conf dc = {
		.identity = identity,
		.realm = c->network.domain,
		.listen_port = c->diameter.hss_port,
		.watchdog_s = c->diameter.watchdog_s,
		.reconnect_s = c->diameter.reconnect_s,
		.timeout_ms = c->diameter.timeout_ms,
		.accept_realm = true,
		.freediameter = true,
	};
	int e;

	if (!n ||
	    getnameinfo((struct sockaddr *)&ss, n, addr, sizeof(addr), NULL, 0, NI_NUMERICHOST)) {
		snprintf(err, size, "diameter.hss_addr: the HSS needs an address to listen on");
		return -EINVAL;
	}
	snprintf(identity, sizeof(identity), "hss.%s", c->network.domain);
	dc.listen_addr = addr;
	e = conf_trusted(c, &from, &dc.n_from);
	if (e)
		return e;
	dc.from = from;
	e = dia_open(a->loop, &dc, &hss.dia, err, size);
	if (e)
		return e;
	dia_on_peer(hss.dia, on_peer, NULL);
	cx_serve(hss.dia, &hss_ops, &hss);
	hss.cx_link = hss.dia;
	return loop_on_round_end(a->loop, hss_round_end, &hss);
}

static void fini(struct app *a _unused_)
{
	hss_round_end(&hss);
	dia_close(hss.dia);
	subdb_close(hss.db);
	sbuf_free(&hss.xml);
}

static int start(struct app *a, char *err, size_t size)
{
	int e;

	hss.loop = a->loop;
	hss.ind_len = a->conf->hss.sqn_ind_len;
	hss.cx = &cx;
	hss_metrics();
	e = open_db(a, err, size);
	if (!e)
		e = open_diameter(a, err, size);
	if (e)
		fini(a);
	a->nf = &hss;
	return e;
}

static const struct app_desc desc = {
	.name = "hss",
	.summary = "HSS: identities, authentication vectors and profiles of the subscribers (Cx).",
	.cmds = hss_cmds,
	.secret = true,
	.start = start,
	.fini = fini,
};

int main(int argc, char **argv)
{
	return app_main(argc, argv, &desc);
}
