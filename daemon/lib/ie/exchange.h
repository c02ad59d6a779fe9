/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Requests and answers over UDP as GTPv2-C and PFCP have them (TS 29.274 7.6, TS 29.244 6.4): sequence
 * numbers, repetition until an answer comes (T, N), one answer for every copy of a request, several
 * messages in a datagram. lib/gtpc and lib/pfcp put their path and association management on top; their
 * users see the types of this file.
 *
 * Invariants: a call ends exactly once (answer, no answer, cancelled); a token is answered or dropped
 * exactly once; nothing is kept for a peer that only answers. A callback may start, cancel and answer
 * whatever it likes, and may not free the endpoint.
 */
#ifndef KIMS_IE_EXCHANGE_H
#define KIMS_IE_EXCHANGE_H

#include <sys/socket.h>

#include "lib/core/loop.h"
#include "lib/ie/tlv.h"

struct xchg_call;  /* a request of ours that waits for its answer */
struct xchg_token; /* a request of theirs that waits for ours */

struct xchg_msg {
	const struct tlv_hdr *hdr;
	const uint8_t *p; /* the whole message, header included; valid during the callback */
	size_t n;
	const struct sockaddr_storage *from;
	bool piggybacked; /* came behind another one in the same datagram */
};

/* answer NULL: none came in time, or one that is no answer: another version, cut. */
typedef void xchg_done(void *arg, const struct xchg_msg *answer);

struct xchg_stats {
	uint64_t sent, received, repeated, duplicates, timeouts, malformed, unknown, wrong_version,
		unexpected, evicted, errors;
};

/* --- for lib/gtpc and lib/pfcp --- */

struct xchg;

enum xchg_kind { XCHG_UNKNOWN, XCHG_REQUEST, XCHG_COMMAND, XCHG_ANSWER };
#define XCHG_COMMAND_BIT 0x800000 /* in the sequence number of a command (TS 29.274 7.6) */

struct xchg_conf {
	const struct tlv_format *format;
	const struct sockaddr_storage *local; /* two */
	uint32_t t_ms;	      /* T3, T1; 0: 3000 */
	uint8_t n;	      /* N3, N1; 0: 3 */
	uint32_t max_pending; /* 0: 65536 */
	void (*send)(void *arg, const struct sockaddr_storage *to, const void *p, size_t n);
	void *send_arg;
	enum xchg_kind (*kind)(uint8_t type);
	bool (*ends_command)(uint8_t type); /* a request that a command can trigger; may be NULL */
	/* Every well-formed message, first; true: that was all. */
	bool (*look)(void *arg, const struct xchg_msg *m);
	void (*request)(void *arg, struct xchg_token *t, const struct xchg_msg *m);
	/* The answer to a call to this address, before its done(); may be NULL. */
	void (*answered)(void *arg, const struct sockaddr_storage *to, const struct xchg_msg *m);
	void *arg;
};

int xchg_open(struct loop *l, const struct xchg_conf *c, struct xchg **ret);
void xchg_close(struct xchg *x);
void *xchg_arg(const struct xchg *x);
void xchg_input(struct xchg *x, const struct sockaddr_storage *from, const uint8_t *p, size_t n);
/* As it is, once. */
void xchg_send(struct xchg *x, const struct sockaddr_storage *to, const uint8_t *p, size_t n);
/*
 * Starts a call. trigger: the command whose sequence number it takes, NULL: a new one. quiet: the first
 * copy has left already, behind an answer.
 */
int xchg_call_start(struct xchg *x, const struct sockaddr_storage *to, const uint8_t *p, size_t n,
		    const struct xchg_token *trigger, bool quiet, xchg_done *done, void *arg,
		    struct xchg_call **ret);
void xchg_call_cancel(struct xchg_call *c);
uint32_t xchg_call_seq(const struct xchg_call *c);
size_t xchg_calls(const struct xchg *x);
/* One datagram, whose first message gets the token's sequence number; kept for repetitions. */
int xchg_answer(struct xchg_token *t, const uint8_t *p, size_t n);
void xchg_drop(struct xchg_token *t);
struct xchg *xchg_token_of(const struct xchg_token *t);
const struct sockaddr_storage *xchg_token_from(const struct xchg_token *t);
uint32_t xchg_token_seq(const struct xchg_token *t);
uint8_t xchg_token_type(const struct xchg_token *t);
void xchg_token_set_user(struct xchg_token *t, void *user); /* free()d with the token */
void *xchg_token_user(const struct xchg_token *t);
struct xchg_stats *xchg_stats(struct xchg *x);

/* The IP address alone, IPv4 mapped, as a key; and is it the same? */
void xchg_ip(const struct sockaddr_storage *a, struct in6_addr *ret);
bool xchg_same_ip(const struct sockaddr_storage *a, const struct sockaddr_storage *b);

#endif
