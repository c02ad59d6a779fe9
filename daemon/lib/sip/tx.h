/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * SIP transactions (RFC 3261 17, RFC 6026): matching, retransmission, timers A-M.
 *
 * Server transactions keep the serialised last response; client transactions the serialised
 * request. A Via branch that we make carries slot and generation, so that a response finds its
 * client transaction by index (z9hG4bK + own cookie); anything else in a branch is not trusted.
 * Retransmitted requests are absorbed here. Every server transaction must get a final response:
 * if the owner has not sent one within stx_limit (INVITE: none, timer C is the proxy's; others:
 * timer F less a second), the layer sends 408/504 by itself and tells the owner.
 *
 * T1/T2/T4 belong to an endpoint (Gm: 2 s, 16 s, 17 s, TS 24.229 7.7).
 */
#ifndef KIMS_SIP_TX_H
#define KIMS_SIP_TX_H

#include "lib/sip/tp.h"

struct sip_stack;
struct sip_stx;
struct sip_ctx;

struct sip_timers {
	uint32_t t1_ms, t2_ms, t4_ms;
};

struct sip_stack_ops {
	/*
	 * A new request (not ACK to non-2xx, not CANCEL, no retransmission). The owner answers with
	 * sip_stx_respond() or proxies it (proxy.h). m is borrowed: ref it to keep it.
	 * ACK to a 2xx arrives with stx == NULL and has no answer.
	 */
	void (*request)(void *arg, struct sip_stx *stx, struct sip_msg *m,
			const struct sip_path *from);
	/* A response that matches no client transaction (late 2xx): default NULL drops it. */
	void (*stray_response)(void *arg, struct sip_msg *m, const struct sip_path *from);
	/*
	 * Called for each request before a transaction is made, for CANCEL and ACK to 2xx too:
	 * return 0 to go on, or a status to refuse with statelessly (503 + Retry-After when
	 * overloaded, 403 on Gm), or -1 to drop. Not for retransmissions.
	 */
	int (*admit)(void *arg, struct sip_msg *m, const struct sip_path *from,
		     const char **ret_reason);
	/*
	 * Where the responses to m go, asked once for every request, also for those that the stack
	 * answers by itself (100, 4xx without transaction, 200 and 481 to CANCEL, 503). Fill *ret (all of
	 * it: ep, proto, peer, conn) and return true, or return false (or leave NULL) for the default.
	 * m may be malformed.
	 */
	bool (*reply_path)(void *arg, struct sip_msg *m, const struct sip_path *from,
			   struct sip_path *ret);
};

int sip_stack_new(struct loop *l, struct sip_tp *tp, const struct sip_stack_ops *ops, void *arg,
		  struct sip_stack **ret);
void sip_stack_free(
	struct sip_stack *s); /* silently ends all transactions; call before sip_tp_free() */
struct loop *sip_stack_loop(struct sip_stack *s);
struct sip_tp *sip_stack_tp(struct sip_stack *s);
void sip_stack_set_timers(struct sip_stack *s, struct sip_ep *ep,
			  const struct sip_timers *t); /* ep NULL: default */
void sip_stack_server_header(
	struct sip_stack *s,
	const char *server); /* "kims-pcscf/0.1": in responses that the stack makes */

/* --- server side --- */

struct sip_stx *sip_stx_ref(struct sip_stx *t);
void sip_stx_unref(struct sip_stx *t);
struct sip_msg *sip_stx_request(struct sip_stx *t); /* borrowed */
const struct sip_path *sip_stx_from(const struct sip_stx *t);
/*
 * Where responses go. Default: RFC 3261 18.2.2 / RFC 3581. Set for Gm over UDP: from port_pc to
 * the UE's port_us (TS 33.203 7.1), also for retransmissions and stack-made responses.
 */
void sip_stx_set_reply_path(struct sip_stx *t, const struct sip_path *p);
/*
 * Sends resp (borrowed). 1xx any number, one final; a second final: -EALREADY (2xx to INVITE from forks may repeat).
 * A 2xx to an INVITE is retransmitted (T1 doubling to T2) until its ACK comes, RFC 3261 13.3.1.4; the
 * ACK still goes to request(). Without an ACK in 64*T1 on_end says acked false. (The proxy core does not
 * come this way: there the UAS retransmits.)
 */
int sip_stx_respond(struct sip_stx *t, struct sip_msg *resp);
/*
 * A reliable provisional response (RFC 3262 3): resp has Require: 100rel and RSeq; it is
 * retransmitted (T1 doubling) until sip_stx_pracked() or a final response; after 64*T1 the layer
 * answers 504.
 */
int sip_stx_respond_rel(struct sip_stx *t, struct sip_msg *resp);
void sip_stx_pracked(struct sip_stx *t);
/* Builds and sends. warning: text of a Warning: 399 header saying why, or NULL. */
int sip_stx_reply(struct sip_stx *t, int status, const char *reason, const char *warning);
/* The same with a Reason header field of this value (RFC 3326). */
int sip_stx_reply_because(struct sip_stx *t, int status, const char *because, const char *warning);
bool sip_stx_done(const struct sip_stx *t); /* final response was sent */
void sip_stx_on_cancel(struct sip_stx *t,
		       void (*fn)(void *arg, struct sip_stx *t, struct sip_msg *cancel),
		       void *arg); /* stack has sent 200 to CANCEL */
/* Final response sent (or the transaction timed out, or no ACK for a final response: acked false) and the transaction ended. */
void sip_stx_on_end(struct sip_stx *t, void (*fn)(void *arg, struct sip_stx *t, bool acked),
		    void *arg);
void sip_stx_set_user(struct sip_stx *t, void *user);
void *sip_stx_user(const struct sip_stx *t);

/* --- client side --- */

/*
 * resp == NULL: no (more) response: err tells (-ETIMEDOUT timer B/F, -ECONNREFUSED, -EPIPE ...).
 * resp is borrowed. Called for each 1xx (100 included), and once for the final one (each 2xx of a
 * forked INVITE, each retransmission of a 2xx, so that the UAC repeats its ACK).
 *
 * Life of t: it is gone after the call with a final response or with an error; only after a 2xx to
 * INVITE it stays for another 64*T1 (timer M) and ends with a last call (resp NULL, err 0). Who wants
 * no such calls detaches, in the callback with the 2xx for example.
 */
typedef void (*sip_ctx_fn)(void *arg, struct sip_ctx *t, struct sip_msg *resp, int err);

/*
 * Sends req by path as a new transaction: puts our Via on top (sent-by of path->ep, or via_sentby if
 * not NULL: e.g. port_ps when sending from port_pc), adds Content-Length if missing. req is edited.
 * ACK (to 2xx): sent without a transaction, *ret NULL.
 */
int sip_ctx_start(struct sip_stack *s, struct sip_msg *req, const struct sip_path *path,
		  const union sip_sa *via_sentby, sip_ctx_fn fn, void *arg, struct sip_ctx **ret);
/* CANCEL, once a 1xx came (RFC 3261 9.1), with an optional Reason value; the INVITE still ends by its final response or timeout. */
int sip_ctx_cancel(struct sip_ctx *t, const char *reason_value);
void sip_ctx_detach(
	struct sip_ctx *t); /* fn is not called any more; the transaction ends by itself */
struct sip_msg *sip_ctx_request(struct sip_ctx *t);	      /* as sent; borrowed */
const struct sip_path *sip_ctx_path(const struct sip_ctx *t); /* conn filled in */

struct sip_stack_stats {
	uint64_t stx_active, ctx_active, rx_requests, rx_responses, rx_retransmits, tx_retransmits,
		timeouts, stray, shed;
};
const struct sip_stack_stats *sip_stack_get_stats(const struct sip_stack *s);

#endif
