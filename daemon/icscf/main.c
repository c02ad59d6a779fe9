// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * kims-icscf: the I-CSCF as a daemon; wires the object to sockets, DNS and Diameter.
 */
#include <stdio.h>

#include "icscf/icscf.h"
#include "lib/core/log.h"
#include "lib/cscf/node.h"

static struct cscf_node node;
static struct icscf *icscf;

static int cx_uar(void *link, const struct cx_uar *r, cx_uaa_fn fn, void *arg)
{
	return node.leaving ? -ESHUTDOWN : cx_send_uar(link, NULL, r, fn, arg);
}

static int cx_lir(void *link, const struct cx_lir *r, cx_lia_fn fn, void *arg)
{
	return node.leaving ? -ESHUTDOWN : cx_send_lir(link, NULL, r, fn, arg);
}

static bool cx_is_up(void *link)
{
	return dia_peer_up(link, NULL);
}

static const struct icscf_cx cx = { .is_up = cx_is_up, .uar = cx_uar, .lir = cx_lir };

/* What a successor needs (ports, store) is free before Diameter's connections are. */
static void fini(struct app *a _unused_)
{
	cscf_node_leave(&node);
	icscf_free(icscf);
	cscf_node_close(&node);
}

static int start(struct app *a, char *err, size_t size)
{
	struct icscf_env env = { .loop = a->loop, .conf = a->conf, .cx = &cx };
	const struct conf *c = a->conf;
	const struct cscf_node_conf nc = {
		.name = c->icscf.name,
		.addr = &c->icscf.addr,
		.addr6 = &c->icscf.addr6,
		.sip_port = c->icscf.port,
		.dia_port = c->diameter.icscf_port,
	};
	int r = cscf_node_open(&node, a, &nc, err, size);

	if (r == 0) {
		env.tp = node.tp;
		env.resolver = node.resolver;
		env.cx_link = node.dia;
		r = icscf_new(&env, &icscf);
		if (r == -EINVAL)
			snprintf(err, size, "icscf.scscf_list: \"%s\" cannot be read",
				 a->conf->icscf.scscf_list);
	}
	if (r < 0)
		fini(a);
	a->nf = icscf;
	return r;
}

static void reload(struct app *a _unused_, const struct conf *c)
{
	if (icscf_reload(icscf, c) < 0)
		log_warn("names, addresses and ports change by a restart only");
}

static const struct app_desc desc = {
	.name = "icscf",
	.summary = "I-CSCF: finds the S-CSCF of a user (TS 24.229 5.3, Cx to the HSS).",
	.cmds = icscf_cmds,
	.start = start,
	.reload = reload,
	.fini = fini,
};

int main(int argc, char **argv)
{
	return app_main(argc, argv, &desc);
}
