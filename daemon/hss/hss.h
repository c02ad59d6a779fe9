/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The HSS of the IMS: Cx procedures (TS 29.228 6.1) over the subscriber database.
 *
 *   uar.c mar.c sar.c lir.c   one procedure each: request struct -> answer struct, no I/O but SQL
 *   userdata.c                User-Data XML (TS 29.228 annex E)
 *   push.c                    RTR and PPR, which the HSS sends
 *   serve.c                   from the wire: one database transaction per round of the loop
 *   control.c                 control socket
 *
 * Invariants: nothing about a subscriber is kept in memory between two requests (kimsctl writes to
 * the same file); an answer leaves only after what it tells is committed.
 */
#ifndef KIMS_HSS_HSS_H
#define KIMS_HSS_HSS_H

#include "lib/core/ctl.h"
#include "lib/core/loop.h"
#include "lib/core/sbuf.h"
#include "lib/diameter/cx_link.h"
#include "lib/store/subscriber.h"
#include "ref/cx.h"

/* What the HSS asks of Diameter; the tests have their own. */
struct hss_cx {
	int (*rtr)(void *link, const char *host, const struct cx_rtr *r, cx_rta_fn fn, void *arg);
	int (*ppr)(void *link, const char *host, const struct cx_ppr *r, cx_ppa_fn fn, void *arg);
};

struct hss {
	struct loop *loop;
	struct subdb *db;
	unsigned int ind_len; /* bits of IND in SQN, TS 33.102 C.1.1.1 */
	const struct hss_cx *cx;
	void *cx_link;
	struct dia *dia; /* NULL in tests */

	bool in_round; /* a transaction is open, answers are held */
	/* Of the request in work; answers point here until the next one. */
	struct subscriber s;
	struct sbuf xml;
	uint8_t vector[CX_VECTORS_MAX][32 + 16 + 16 + 16];
	struct sub_profile profile;
};

/* Each fills the whole answer; strings in it live until the next request. origin: Origin-Host. */
void hss_uar(struct hss *h, const struct cx_uar *r, struct cx_uaa *a);
void hss_mar(struct hss *h, struct str origin, const struct cx_mar *r, struct cx_maa *a);
void hss_sar(struct hss *h, struct str origin, const struct cx_sar *r, struct cx_saa *a);
void hss_lir(struct hss *h, const struct cx_lir *r, struct cx_lia *a);

/* Finds the subscriber by both identities into h->s: CX_SUCCESS, CX_USER_UNKNOWN, CX_IDENTITIES_DONT_MATCH, CX_UNABLE_TO_COMPLY. */
int hss_identify(struct hss *h, struct str impi, struct str impu, size_t *ret_i);
bool hss_has_server(const struct subscriber *s);	 /* an S-CSCF name is stored and used */
bool hss_unregistered_services(struct hss *h, size_t i); /* of identity i of h->s */
/* false: none, then any S-CSCF will do and Server-Capabilities is left out (some peers choke on an empty AVP). */
bool hss_caps(const struct subscriber *s, struct cx_capabilities *ret);
bool hss_profile(struct hss *h, const char *name); /* into h->profile */
int hss_begin(struct hss *h);			   /* write transaction of this round */

/* User-Data for the implicit set of identity i, into h->xml (cleared first). 0 or -errno. */
int hss_userdata(struct hss *h, const struct subscriber *s, size_t i);

/*
 * RTR for the sets in which an identity matches (set < 0: all) to the S-CSCF in charge; the state is
 * cleared when it confirms or does not know the user. 0: sent; -ENOTCONN: not registered anywhere.
 */
int hss_deregister(struct hss *h, const struct subscriber *s, int set, enum cx_dereg_reason reason,
		   const char *info);
/* PPR with the profile of each registered set. Number of PPRs, or -errno. */
int hss_push_profile(struct hss *h, const struct subscriber *s);

extern const struct cx_server_ops hss_ops; /* argument: struct hss */
void hss_round_end(void *arg);
extern const struct ctl_cmd hss_cmds[];
void hss_metrics(void);

#endif
