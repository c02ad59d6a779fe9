/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What I-CSCF and S-CSCF wire in the same way: SIP endpoints on their Mw addresses, the resolver,
 * the Diameter node towards the HSS, readiness.
 *
 * Invariants: a daemon is ready once the HSS is connected, or after some seconds without it
 * (requests are then refused, not kept waiting); when it leaves, its ports are free before
 * Diameter's connections are.
 */
#ifndef KIMS_CSCF_NODE_H
#define KIMS_CSCF_NODE_H

#include "lib/core/app.h"
#include "lib/diameter/cx_link.h"
#include "lib/sip/resolve.h"
#include "lib/sip/tp.h"

struct cscf_node {
	struct app *app;
	struct timer ready;
	bool leaving; /* no more questions to the HSS */
	struct sip_tp *tp;
	struct sip_resolver *resolver;
	struct dia *dia;
};

struct cscf_node_conf {
	const char *name; /* host name and Diameter identity */
	const struct conf_addr *addr, *addr6;
	uint16_t sip_port, dia_port;
};

/* 0, or -errno with a sentence in err; cscf_node_leave() and cscf_node_close() are due either way. */
int cscf_node_open(struct cscf_node *n, struct app *a, const struct cscf_node_conf *c, char *err, size_t size);
void cscf_node_leave(struct cscf_node *n); /* first: no question is asked or answered any more */
void cscf_node_close(struct cscf_node *n); /* last: after the function's own state is freed */

#endif
