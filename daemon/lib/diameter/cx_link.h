/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Cx calls over a Diameter node: call.h with the types of ref/cx.h.
 *
 * Answers and requests arrive on the loop's thread. A request always ends in exactly one call of its
 * function: with the answer, or with CX_TIMEOUT / CX_NO_PEER / CX_BAD_ANSWER. Sending never
 * blocks the loop. Handlers of requests must be idempotent (T flag, end-to-end id).
 */
#ifndef KIMS_DIAMETER_CX_LINK_H
#define KIMS_DIAMETER_CX_LINK_H

#include "lib/diameter/call.h"
#include "ref/cx.h"

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
struct dia_token;
struct cx_server_ops {
	void (*uar)(void *arg, struct dia_token *t, struct str origin, const struct cx_uar *r);
	void (*mar)(void *arg, struct dia_token *t, struct str origin, const struct cx_mar *r);
	void (*sar)(void *arg, struct dia_token *t, struct str origin, const struct cx_sar *r);
	void (*lir)(void *arg, struct dia_token *t, struct str origin, const struct cx_lir *r);
	void (*rtr)(void *arg, struct dia_token *t, struct str origin, const struct cx_rtr *r);
	void (*ppr)(void *arg, struct dia_token *t, struct str origin, const struct cx_ppr *r);
}; /* NULL: DIAMETER_COMMAND_UNSUPPORTED */
void cx_serve(struct dia *d, const struct cx_server_ops *ops, void *arg);
int cx_answer_ua(struct dia_token *t, const struct cx_uaa *a);
int cx_answer_ma(struct dia_token *t, const struct cx_maa *a);
int cx_answer_sa(struct dia_token *t, const struct cx_saa *a);
int cx_answer_li(struct dia_token *t, const struct cx_lia *a);
int cx_answer_rt(struct dia_token *t, const struct cx_rta *a);
int cx_answer_pp(struct dia_token *t, const struct cx_ppa *a);

extern const struct dia_app cx_app;

#endif
