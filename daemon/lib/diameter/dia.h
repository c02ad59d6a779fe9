/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A Diameter node of this process (RFC 6733): in the loop, or over freeDiameter, whose threads end
 * here. What it says is call.h's and cx_link.h's.
 */
#ifndef KIMS_DIAMETER_DIA_H
#define KIMS_DIAMETER_DIA_H

#include <jansson.h>

#include "lib/core/conf.h"
#include "lib/core/loop.h"

struct dia_app;

struct dia_peer_conf {
	const char *identity; /* hss.DOMAIN */
	const char *addr;     /* numeric; NULL: only accept from it */
	uint16_t port;
};

struct dia_conf {
	const char *identity, *realm; /* scscf.DOMAIN, DOMAIN */
	const char *listen_addr;      /* NULL: client only */
	struct conf_addr local[2]; /* connections come from it when its family fits, else from listen_addr; AF_UNSPEC: the system chooses */
	uint16_t listen_port;
	const struct dia_peer_conf *peers;
	size_t n_peers;
	uint32_t watchdog_s, reconnect_s, timeout_ms;
	const struct conf_prefix *from; /* who may connect to us */
	size_t n_from;			/* 0: anybody */
	bool accept_realm; /* any node of our realm may connect to us, not only those of the list */
	const struct dia_app *const *apps; /* offered to peers; n_apps 0: Cx */
	size_t n_apps;
	uint32_t state_id; /* Origin-State-Id, for a node that keeps its sessions over a restart; 0: a new one */
	bool freediameter; /* over freeDiameter and its threads (then one node per process); else in the loop */
};

struct dia;

int dia_open(struct loop *l, const struct dia_conf *c, struct dia **ret, char *err, size_t errsize);
/*
 * dia_quit() ends all calls (DIA_NO_PEER) and takes no more: quick. dia_close() does it too and frees the node, not
 * from inside one of its callbacks; with freeDiameter it waits for the peers, up to 16 s when one does not
 * answer: free sockets and stores in between.
 */
void dia_quit(struct dia *d);
void dia_close(struct dia *d);
bool dia_peer_up(struct dia *d, const char *identity); /* NULL: any */
void dia_each_peer(struct dia *d, void (*fn)(void *arg, const char *identity, bool up), void *arg);
/* {"identity","state": "up"|"down"}, appended to an array. */
void dia_peers_json(struct dia *d, json_t *array);
void dia_on_peer(struct dia *d, void (*fn)(void *arg, const char *identity, bool up), void *arg);

#endif
