/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A Diameter node of this process (in the loop, or over freeDiameter, whose threads end here) and its
 * Cx calls.
 *
 * Answers and requests arrive on the loop's thread. A request always ends in exactly one call of its
 * function: with the answer, or with CX_TIMEOUT / CX_NO_PEER / CX_BAD_ANSWER. Sending never
 * blocks the loop. Handlers of requests must be idempotent (T flag, end-to-end id).
 */
#ifndef KIMS_DIAMETER_CX_LINK_H
#define KIMS_DIAMETER_CX_LINK_H

#include "lib/core/conf.h"
#include "lib/core/loop.h"
#include "ref/cx.h"

struct dia_peer_conf {
	const char *identity; /* hss.DOMAIN */
	const char *addr;     /* numeric; NULL: only accept from it */
	uint16_t port;
};

struct dia_conf {
	const char *identity, *realm; /* scscf.DOMAIN, DOMAIN */
	const char *listen_addr;      /* NULL: client only */
	uint16_t listen_port;
	const struct dia_peer_conf *peers;
	size_t n_peers;
	uint32_t watchdog_s, reconnect_s, timeout_ms;
	const struct conf_prefix *from; /* who may connect to us; used in dia_open() only */
	size_t n_from;			/* 0: anybody */
	bool accept_realm; /* any node of our realm may connect to us, not only those of the list */
	bool freediameter; /* over freeDiameter and its threads (then one node per process); else in the loop */
};

struct dia;

int dia_open(struct loop *l, const struct dia_conf *c, struct dia **ret, char *err, size_t errsize);
/*
 * dia_quit() ends all calls (CX_NO_PEER) and takes no more: quick. dia_close() does it too and frees the node, not
 * from inside one of its callbacks; with freeDiameter it waits for the peers, up to 16 s when one does not
 * answer: free sockets and stores in between.
 */
void dia_quit(struct dia *d);
void dia_close(struct dia *d);
bool dia_peer_up(struct dia *d, const char *identity); /* NULL: any */
void dia_each_peer(struct dia *d, void (*fn)(void *arg, const char *identity, bool up), void *arg);
void dia_on_peer(struct dia *d, void (*fn)(void *arg, const char *identity, bool up), void *arg);

/* --- client side: answers are valid during the call only --- */
#define CX_CALL(lower)                                                                                                    \
	typedef void (*cx_##lower##a_fn)(void *arg, const struct cx_##lower##a *a);                                        \
	int cx_send_##lower##r(struct dia *d, const char *dest_host, const struct cx_##lower##r *r, cx_##lower##a_fn fn, void *arg)
CX_CALL(ua); /* cx_send_uar(d, dest_host or NULL, &uar, fn, arg): 0; -ENOMEM (then fn is not called) */
CX_CALL(ma);
CX_CALL(sa);
CX_CALL(li);
CX_CALL(rt); /* by the HSS, dest_host = the S-CSCF's Diameter identity */
CX_CALL(pp);

/*
 * --- server side: what another node asks us. origin: its Origin-Host. The handler fills the answer
 * and calls the answer function once, now or later (copies are made; token is then gone).
 */
struct cx_token;
struct cx_server_ops {
	void (*uar)(void *arg, struct cx_token *t, struct str origin, const struct cx_uar *r);
	void (*mar)(void *arg, struct cx_token *t, struct str origin, const struct cx_mar *r);
	void (*sar)(void *arg, struct cx_token *t, struct str origin, const struct cx_sar *r);
	void (*lir)(void *arg, struct cx_token *t, struct str origin, const struct cx_lir *r);
	void (*rtr)(void *arg, struct cx_token *t, struct str origin, const struct cx_rtr *r);
	void (*ppr)(void *arg, struct cx_token *t, struct str origin, const struct cx_ppr *r);
}; /* NULL: DIAMETER_COMMAND_UNSUPPORTED */
void cx_serve(struct dia *d, const struct cx_server_ops *ops, void *arg);
int cx_answer_ua(struct cx_token *t, const struct cx_uaa *a);
int cx_answer_ma(struct cx_token *t, const struct cx_maa *a);
int cx_answer_sa(struct cx_token *t, const struct cx_saa *a);
int cx_answer_li(struct cx_token *t, const struct cx_lia *a);
int cx_answer_rt(struct cx_token *t, const struct cx_rta *a);
int cx_answer_pp(struct cx_token *t, const struct cx_ppa *a);

/*
 * Between cx_hold() and cx_release() answers are encoded but do not leave: for a server that commits
 * several of them to its database together. ok false: all become DIAMETER_UNABLE_TO_COMPLY.
 */
void cx_hold(struct dia *d);
void cx_release(struct dia *d, bool ok);

#endif
