/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * GTPv2-C endpoint (TS 29.274 4.2, 5.5, 7.1, 7.6; TS 23.007 for restart counters): one UDP port, IPv4 and
 * IPv6, on the loop. It repeats requests (T3, N3), answers repeated ones from memory, carries piggybacked
 * messages, answers Echo Request and other versions by itself, and watches the paths its owner holds.
 * It knows no session: the TEID in the header is the owner's business, messages are encoded and decoded
 * by ref/s5.
 *
 * Octets given to it are copied; the sequence number in them is set by the endpoint.
 */
#ifndef KIMS_GTPC_GTPC_H
#define KIMS_GTPC_GTPC_H

#include "lib/ie/exchange.h"

#define GTPC_PORT 2123

struct gtpc;

enum gtpc_path_event {
	GTPC_PATH_UP, /* first answer, or again after GTPC_PATH_DOWN, with the same restart counter */
	GTPC_PATH_DOWN, /* no answer to an Echo Request after N3 repetitions */
	GTPC_PATH_RESTARTED, /* the peer's restart counter changed: its sessions are gone (TS 23.007 18) */
};

struct gtpc_conf {
	struct sockaddr_storage
		local[2];	 /* IPv4 and IPv6, port included; ss_family AF_UNSPEC: none */
	uint32_t t3_ms;		 /* 3000 when 0 */
	uint8_t n3;		 /* repetitions: 3 when 0 */
	uint32_t echo_s;	 /* between Echo Requests on a held path: 60 when 0 */
	uint8_t restart_counter; /* ours; grows by 1 with each start that lost its sessions */
	uint32_t max_pending;	 /* requests of peers kept for their repetitions: 65536 when 0 */
	/* Tests: datagrams go here instead of to a socket. */
	void (*send)(void *arg, const struct sockaddr_storage *to, const void *p, size_t n);
	void *send_arg;
};

struct gtpc_ops {
	/*
	 * A request or command of a peer that is not a repetition. t is answered with gtpc_respond(),
	 * gtpc_trigger() or gtpc_drop(), now or later.
	 */
	void (*request)(void *arg, struct xchg_token *t, const struct xchg_msg *m);
	/* A held path; counter: the peer's restart counter. May be NULL. */
	void (*path)(void *arg, const struct sockaddr_storage *peer, enum gtpc_path_event ev,
		     uint8_t counter);
};

int gtpc_open(struct loop *l, const struct gtpc_conf *c, const struct gtpc_ops *ops, void *arg,
	      struct gtpc **ret); /* -errno of socket(), bind() */
void gtpc_close(struct gtpc *g);  /* no callback any more; NULL is fine */

/*
 * Sends a request (p: a whole message of ref/s5) and calls done once. *ret_call (may be NULL) is valid
 * until then. to: address and port, 2123 for an initial message. -errno: done is not called.
 * A command (types 64, 66, 68) ends with its failure indication, or with the Create, Update or Delete
 * Bearer Request that it triggered: that one comes to ops->request first, then done(arg, that message).
 */
int gtpc_request(struct gtpc *g, const struct sockaddr_storage *to, const uint8_t *p, size_t n,
		 xchg_done *done, void *arg, struct xchg_call **ret_call);
void gtpc_cancel(struct xchg_call *c); /* done is not called; NULL is fine */

/* Answers t, and keeps the answer for its repetitions. The token is gone after each of these. */
int gtpc_respond(struct xchg_token *t, const uint8_t *p, size_t n);
/* As gtpc_respond(), with a request piggybacked (TS 29.274 5.5.1); the latter repeats on its own. */
int gtpc_respond_with(struct xchg_token *t, const uint8_t *p, size_t n, const uint8_t *req,
		      size_t req_n, xchg_done *done, void *arg, struct xchg_call **ret_call);
/* t is a command: the request that it triggers, with the command's sequence number. */
int gtpc_trigger(struct xchg_token *t, const struct sockaddr_storage *to, const uint8_t *p,
		 size_t n, xchg_done *done, void *arg, struct xchg_call **ret_call);
void gtpc_drop(struct xchg_token *t); /* no answer: repetitions are ignored, too. NULL is fine */
const struct sockaddr_storage *gtpc_token_from(const struct xchg_token *t);
uint32_t gtpc_token_seq(const struct xchg_token *t);

/*
 * Watches the path to this address (its port is not looked at) until as many gtpc_path_release(). Echo
 * Requests go out every echo_s; a Recovery IE in any message of the peer counts, too. The counter known
 * so far, or -1.
 */
int gtpc_path_hold(struct gtpc *g, const struct sockaddr_storage *peer); /* -ENOMEM */
void gtpc_path_release(struct gtpc *g, const struct sockaddr_storage *peer);
int gtpc_path_counter(struct gtpc *g, const struct sockaddr_storage *peer);
/*
 * The counter of this held path as its owner knows it: from the message that made it hold the path, or from before a
 * restart of this process. Another one than known so far is a restart.
 */
void gtpc_path_learn(struct gtpc *g, const struct sockaddr_storage *peer, uint8_t counter);

const struct xchg_stats *gtpc_stats(const struct gtpc *g);
size_t gtpc_calls(const struct gtpc *g); /* requests of ours without an answer yet */

/* A datagram, as if it had come in: for tests and fuzzing. */
void gtpc_input(struct gtpc *g, const struct sockaddr_storage *from, const uint8_t *p, size_t n);

#endif
