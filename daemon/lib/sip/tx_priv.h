/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Private to the transaction layer and the proxy core: the stack, both kinds of transactions, the
 * topmost Via.
 *
 * A transaction is a small struct plus a "live" part (message, full paths, callbacks) that goes as
 * soon as only retransmissions can follow.
 */
#ifndef KIMS_SIP_TX_PRIV_H
#define KIMS_SIP_TX_PRIV_H

#include <netinet/in.h>

#include "lib/core/htab.h"
#include "lib/sip/tx.h"

/* --- via.c --- */

struct via {
	struct str elem;   /* the whole element */
	struct str proto;  /* "UDP" */
	struct str host;   /* without [] */
	uint16_t port;	   /* 0: none */
	struct str params; /* with leading ';' */
	struct str branch;
	bool has_rport;
};

int via_read(struct str elem, struct via *ret);	       /* -EINVAL */
int via_top(const struct sip_msg *m, struct via *ret); /* -ENOENT, -EINVAL */
/* RFC 3261 18.2.1, RFC 3581 4: writes received and rport; whatever the sender put there goes. */
int via_set_received(struct sip_msg *m, const union sip_sa *source,
		     struct via *ret); /* ret: the topmost Via then */
/* Where a response goes that has this Via on top, when no transaction tells (18.2.2 without maddr). -EINVAL: a name. */
int via_response_addr(const struct via *v, enum sip_proto *ret_proto, union sip_sa *ret);

/* --- addresses, compact --- */

struct sa_small {
	union {
		struct sockaddr sa;
		struct sockaddr_in in4;
		struct sockaddr_in6 in6;
	};
};

struct path_small {
	struct sip_ep *ep;
	uint64_t conn;
	struct sa_small peer;
	uint8_t proto;
};

void path_pack(struct path_small *dst, const struct sip_path *src);
void path_unpack(struct sip_path *dst, const struct path_small *src);

/* --- tx.c --- */

#define BRANCH_COOKIE "z9hG4bK"
#define BRANCH_OURS   BRANCH_COOKIE "k"
#define BRANCH_MAX    64
#define TAG_MAX	      20

struct ctx_slot {
	struct sip_ctx *t;
	uint32_t gen;
	uint32_t next_free;
};

struct ep_timers {
	struct ep_timers *next;
	struct sip_ep *ep;
	struct sip_timers t;
};

struct sip_fwd;
struct ack;

struct sip_stack {
	struct loop *loop;
	struct sip_tp *tp;
	struct sip_stack_ops ops;
	void *arg;
	uint64_t key[2];
	struct sip_timers timers;
	struct ep_timers *ep_timers;
	char *server;
	struct htab stxs;	 /* by branch, sent-by, method */
	struct htab unacked;	 /* 2xx of a UAS that wait for ACK */
	struct htab ctx_by_conn; /* TCP: by connection */
	struct ctx_slot *slots;
	uint32_t n_slots, free_slot; /* free_slot == n_slots: none */
	struct sip_fwd *fwds;
	/* Set by the proxy core when there is one. */
	struct ack *acks;
	void (*free_acks)(struct sip_stack *s);
	void (*free_fwds)(struct sip_stack *s);
	void (*fwds_ep_closed)(struct sip_stack *s, const struct sip_ep *ep);
	struct sip_stack_stats stats;
	bool freeing;
};

const struct sip_timers *stack_timers(const struct sip_stack *s, const struct sip_ep *ep);
/* Response made by the stack: Server, Retry-After for 503. NULL: cannot be built. */
struct sip_msg *stack_response(struct sip_stack *s, const struct sip_msg *req, int status,
			       const char *reason, const char *tag);
void stack_tag(struct sip_stack *s, uint64_t key,
	       char dst[TAG_MAX]); /* the tag that our own answers to this transaction carry */
void stack_reply_path(struct sip_stack *s, struct sip_msg *m, const struct via *v,
		      const struct sip_path *from, struct sip_path *ret);
/* Sends a response; a dead connection is replaced by a new one (18.2.2). */
int stack_send_response(struct sip_stack *s, struct sip_path *path, const char *data, size_t len);
uint64_t stack_key(const struct sip_stack *s, const struct sip_msg *m, const struct via *v,
		   enum sip_method_id method);
char *msg_bytes(const struct sip_msg *m, size_t *ret_len); /* malloc'd; NULL: no memory */

/* --- stx.c --- */

enum stx_state {
	STX_TRYING,
	STX_PROCEEDING,
	STX_COMPLETED,
	STX_CONFIRMED,
	STX_ACCEPTED,
	STX_TERMINATED
};

struct stx_live {
	struct sip_msg *req;
	struct sip_path from;
	void *user;
	char *to_tag; /* of the last response with one */
	bool cancelled;
	void (*on_cancel)(void *arg, struct sip_stx *t, struct sip_msg *cancel);
	void *cancel_arg;
	void (*on_end)(void *arg, struct sip_stx *t, bool acked);
	void *end_arg;
	uint64_t loop_hash; /* of the proxy core: sip_proxy_prepare() to sip_proxy_forward() */
};

struct sip_stx {
	struct hnode node;    /* first: in stxs */
	struct hnode unacked; /* key 0: not in */
	struct sip_stack *stack;
	struct stx_live *live;
	char *resp; /* last response */
	uint32_t resp_len;
	uint32_t refs;		 /* one is the stack's own */
	uint32_t late;		 /* of them: of client transactions whose proxy context is gone */
	struct timer retransmit; /* 100 Trying, G, 2xx, reliable 1xx */
	struct timer life;	 /* H, I, J, L, limit */
	struct path_small reply;
	uint32_t interval_ms, spent_ms;
	uint16_t status; /* last sent; 0: none */
	uint8_t state;	 /* enum stx_state */
	bool invite, reliable, acked, rel1xx;
};

struct sip_stx *stx_new(struct sip_stack *s, struct sip_msg *m, const struct via *v,
			const struct sip_path *from, uint64_t key);
void stx_retransmission(struct sip_stx *t);
void stx_ack(struct sip_stx *t); /* to a non-2xx */
void stx_ack_2xx(struct sip_stack *s, const struct sip_msg *ack);
void stx_cancelled(struct sip_stx *t, struct sip_msg *cancel);
/* What sip_stx_reply() would send; the transaction lives. */
struct sip_msg *stx_new_reply(struct sip_stx *t, int status, const char *reason,
			      struct str warning);
int stx_respond_proxied(struct sip_stx *t, struct sip_msg *resp); /* 2xx: the UAS retransmits */
void stx_resend_2xx(struct sip_stx *t);
struct sip_stx *stx_ref_late(struct sip_stx *t);
void stx_unref_late(struct sip_stx *t);
void stx_free_all(struct sip_stack *s);
void stx_ep_closed(struct sip_stack *s, const struct sip_ep *ep);

/* --- ctx.c --- */

enum ctx_state { CTX_CALLING, CTX_PROCEEDING, CTX_COMPLETED, CTX_ACCEPTED, CTX_TERMINATED };

struct sip_ctx {
	struct hnode by_conn; /* key 0: not in */
	struct sip_stack *stack;
	struct sip_msg *req; /* until nobody needs it any more */
	char *ack;	     /* INVITE, non-2xx: bytes of our ACK */
	uint32_t ack_len;
	uint32_t slot;
	struct sip_path *path; /* goes with req */
	struct path_small out;
	struct timer retransmit; /* A, E */
	struct timer life;	 /* B, F, D, K, M; after CANCEL: its limit */
	uint32_t interval_ms;
	sip_ctx_fn fn; /* NULL: detached */
	void *arg;
	struct sip_stx *late_stx; /* proxied, owner gone: a 2xx that comes again goes there */
	uint64_t late_tag;	  /* hash of its To tag */
	struct sip_ctx *cancel;	  /* the CANCEL transaction of this INVITE */
	struct sip_ctx *cancels;  /* of a CANCEL: its INVITE */
	char *reason;		  /* CANCEL wanted before any 1xx: its Reason ("" none) */
	uint8_t state;		  /* enum ctx_state */
	uint8_t method;
	bool reliable;
};

/* loop_hash: third part of the branch (proxy core), 0: none. */
int ctx_start(struct sip_stack *s, struct sip_msg *req, const struct sip_path *path,
	      const union sip_sa *via_sentby, uint64_t loop_hash, sip_ctx_fn fn, void *arg,
	      struct sip_ctx **ret);
struct sip_ctx *ctx_by_branch(struct sip_stack *s,
			      struct str branch); /* NULL: not ours, or forged */
void ctx_response(struct sip_ctx *t, struct sip_msg *m);
void ctx_failed(struct sip_ctx *t, int err); /* transport error */
void ctx_conn_failed(struct sip_stack *s, uint64_t conn, int err);
void ctx_free_all(struct sip_stack *s);
void ctx_ep_closed(struct sip_stack *s, const struct sip_ep *ep);
/* Our Via value for a request that leaves by path, without a transaction: mac'ed branch of no slot. */
int ctx_push_via(struct sip_stack *s, struct sip_msg *req, const struct sip_path *path,
		 const union sip_sa *via_sentby, uint32_t slot, uint32_t gen, uint64_t loop_hash);
/* The loop part of one of our branches; 0: none, or not ours. */
uint64_t ctx_branch_loop(struct sip_stack *s, struct str branch);

#endif
