// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * kims-scscf: the S-CSCF as a daemon; wires the object to sockets, DNS, Diameter and the store.
 */
#include <stdio.h>
#include <sys/stat.h>

#include "scscf/priv.h"
#include "scscf/scscf.h"
#include "lib/core/log.h"
#include "lib/cscf/node.h"

static struct cscf_node node;
static struct store *store;
static struct scscf *scscf;

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

static void on_rtr(void *arg, struct dia_token *t, struct str origin _unused_,
		   const struct cx_rtr *r)
{
	struct cx_rta a;

	scscf_rtr(arg, r, &a);
	cx_answer_rt(t, &a);
}

static void on_ppr(void *arg, struct dia_token *t, struct str origin _unused_,
		   const struct cx_ppr *r)
{
	struct cx_ppa a;

	scscf_ppr(arg, r, &a);
	cx_answer_pp(t, &a);
}

static const struct cx_server_ops cx_ops = { .rtr = on_rtr, .ppr = on_ppr };

static int open_store(struct app *a, char *err, size_t size)
{
	_cleanup_free_ char *path = NULL;
	int r;

	if (asprintf(&path, "%s/scscf%s%s.db", a->state_dir, *a->instance ? "-" : "", a->instance) <
	    0)
		return -ENOMEM;
	mkdir(a->state_dir, 0750); /* normally made by systemd-tmpfiles */
	r = store_open(a->loop, path, &store);
	if (r < 0)
		snprintf(err, size, "cannot open %s: %s", path, strerror(-r));
	return r;
}

/* What a successor needs (ports, store) is free before Diameter's connections are. */
static void fini(struct app *a _unused_)
{
	cscf_node_leave(&node);
	scscf_free(scscf);
	if (store)
		store_close(store);
	cscf_node_close(&node);
}

static int make_scscf(struct app *a, char *err, size_t size)
{
	struct scscf_env env = {
		.loop = a->loop,
		.conf = a->conf,
		.tp = node.tp,
		.resolver = node.resolver,
		.store = store,
		.cx = &cx,
		.cx_link = node.dia,
	};
	int r = scscf_new(&env, &scscf);

	if (r < 0)
		snprintf(err, size, "cannot start: %s", strerror(-r));
	else
		cx_serve(node.dia, &cx_ops, scscf);
	return r;
}

static int start(struct app *a, char *err, size_t size)
{
	const struct conf *c = a->conf;
	const struct cscf_node_conf nc = {
		.name = c->scscf.name,
		.addr = &c->scscf.addr,
		.addr6 = &c->scscf.addr6,
		.sip_port = c->scscf.port,
		.dia_port = c->diameter.scscf_port,
	};
	int r = open_store(a, err, size);

	if (r == 0)
		r = cscf_node_open(&node, a, &nc, err, size);
	if (r == 0)
		r = make_scscf(a, err, size);
	if (r < 0)
		fini(a);
	a->nf = scscf;
	return r;
}

static void reload(struct app *a _unused_, const struct conf *c)
{
	if (scscf_reload(scscf, c) < 0)
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
