/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One simulated phone: SIM, sockets in its namespace, registration, subscription, calls.
 *
 * Ports (TS 33.203 7.1): unprotected requests leave from the plain endpoint; protected ones from
 * port_uc to port_ps, with port_us in Via and Contact; responses to requests that came over UDP to
 * port_us leave from port_uc to port_ps too; over TCP they take the request's connection.
 */
#ifndef KIMS_UE_PHONE_H
#define KIMS_UE_PHONE_H

#include "lib/sip/dlg.h"
#include "netns.h"
#include "phone_conf.h"
#include "sa.h"
#include "sim.h"
#include "ue.h"

struct reg;
struct sub;
struct call;
struct sent;
struct pdn;

/* What the phone does with the next incoming call only, set by the scenario's call step. */
struct next_call {
	bool set;
	uint32_t reject; /* status; 0: as configured */
	bool never;
	bool has_ring;
	uint64_t ring;
	bool no_precondition;
};

/* What the SGW does with requests of the PGW for this phone (sgw.h), set by the scenario's order step. */
enum order_what { ORDER_ACCEPT, ORDER_REFUSE, ORDER_SILENT, ORDER_LATE, ORDER_PARTIAL };
enum order_for { ORDER_ANY, ORDER_CREATE, ORDER_UPDATE, ORDER_DELETE };

struct pdn_order {
	enum order_what what;
	enum order_for request;
	uint8_t cause;
	uint64_t delay; /* usec, ORDER_LATE */
	uint32_t count; /* requests that it is for; then accept again */
};

struct phone_counts {
	uint64_t messages_received, unprotected_dropped, refused, stray;
};

struct phone {
	struct ue *ue;
	unsigned int number; /* from 1 */
	char name[40];
	struct phone_conf conf;
	struct netns ns;
	struct sim sim;
	struct knl_xfrm *xfrm;	  /* NULL: no IPsec */
	union sip_sa local;	  /* port 0 */
	union sip_sa pcscf;	  /* unprotected port */
	struct sip_ep *plain;	  /* NULL: attaches, and was never online */
	struct sip_ep *closed[8]; /* plain endpoints of former addresses */
	size_t n_closed;
	struct sa_set *sets;	/* all that live */
	struct sa_set *retired; /* SAs gone, endpoints about to close */
	struct sa_set *current; /* the one that requests use; NULL: none */
	struct reg *reg;
	struct sub *sub;
	struct call *calls;
	struct sent *sent;
	struct next_call next_call;
	struct pdn *pdns; /* connections of a phone that attaches (sgw.h) */
	struct pdn_order order;
	bool attaches; /* has an apn: without sockets until it is online */
	bool online;
	bool own_pcscf;		/* configured, not from the network */
	char last_message[256]; /* body of the last MESSAGE received */
	struct phone_counts counts;
	uint64_t rtp_next;
};

/* conf is moved in. On failure a sentence in err. */
int phone_new(struct ue *ue, struct phone_conf *conf, unsigned int number, struct phone **ret,
	      char *err, size_t errsize);
/*
 * A phone that attaches has its address and P-CSCF (n) now, and opens its sockets; or has none any more: calls and
 * registration are gone without a word.
 */
int phone_online(struct phone *p, const struct pdn *n, char *err, size_t errsize);
void phone_offline(struct phone *p);
void phone_shutdown(struct phone *p); /* while the stack lives: ends calls, timers, removes SAs */
void phone_free(struct phone *p);     /* after the stack */

int phone_open_ep(struct phone *p, struct sip_ep_opts *o, struct sip_ep **ret);
void phone_forget_set(struct phone *p, struct sa_set *s);
/* Finds the P-CSCF and the own address towards it; 0 or -errno with a sentence. */
int phone_locate(struct phone *p, char *err, size_t errsize);

/* --- sending (phone_send.c) --- */

enum { PHONE_URI_MAX = 320 };
/* "<sip:user@addr:port>" with this phone's Contact; set NULL: unprotected. */
void phone_contact(const struct phone *p, const struct sa_set *set, char dst[PHONE_URI_MAX]);
const char *phone_identity(
	const struct phone *p); /* default public user identity (first of P-Associated-URI) */
/* New request outside of a dialog: From (own identity), To, Call-ID, CSeq, Route from Service-Route. */
struct sip_msg *phone_new_request(struct phone *p, const char *method, const char *ruri);
/* P-Access-Network-Info, Security-Verify, User-Agent ... ; then sends over set (NULL: plain). m is edited. */
int phone_request_on(struct phone *p, struct sa_set *set, struct sip_msg *m, sip_ctx_fn fn,
		     void *arg, struct sip_ctx **ret);
/* The same over the current way. ACK: fn NULL, ret NULL. */
int phone_request(struct phone *p, struct sip_msg *m, sip_ctx_fn fn, void *arg,
		  struct sip_ctx **ret);
void phone_detach(struct phone *p, struct sip_ctx *t); /* sip_ctx_detach() for these */
int phone_cancel(struct phone *p, struct sip_ctx *t, const char *reason);
int phone_respond(struct phone *p, struct sip_stx *stx, struct sip_msg *resp);
int phone_respond_rel(struct phone *p, struct sip_stx *stx,
		      struct sip_msg *resp); /* reliable 1xx, RFC 3262 */
int phone_reply(struct phone *p, struct sip_stx *stx, int status, const char *reason);
void phone_free_sent(struct phone *p);

/* --- receiving (phone_recv.c) --- */

extern const struct sip_stack_ops phone_stack_ops; /* arg: struct ue */
extern const char phone_allow[];

#endif
