/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * PFCP endpoint (TS 29.244 6.2, 6.4, 7.2), for a CP and a UP function alike: one UDP port, IPv4 and IPv6,
 * on the loop. It repeats requests (T1, N1), answers repeated ones from memory, answers Heartbeat Request
 * and other versions by itself, and knows its peers: node id, recovery time stamp, whether there is an
 * association. It knows no session: the SEID in the header is the owner's business, messages are encoded and
 * decoded by ref/sx.
 *
 * Associations: the owner sends and answers Association Setup, Update and Release as any other message.
 * The endpoint looks at those that pass (Node ID, Cause, Recovery Time Stamp) and keeps the state; it
 * sends heartbeats to every peer with an association. A session request of a peer without one is handed
 * up with has_assoc false, to be refused with "No established PFCP Association" (72).
 *
 * Octets given to it are copied; the sequence number in them is set by the endpoint.
 */
#ifndef KIMS_PFCP_PFCP_H
#define KIMS_PFCP_PFCP_H

#include "lib/ie/exchange.h"

#define PFCP_PORT	 8805
#define PFCP_NODE_ID_MAX 256

struct pfcp;
struct pfcp_peer; /* lives as long as its association */

enum pfcp_event {
	PFCP_UP,   /* an association was set up, by either side */
	PFCP_DOWN, /* released by either side; the peer is gone after this call */
	PFCP_LOST, /* no answer to heartbeats: the association stays, sessions are the owner's decision */
	PFCP_BACK, /* heartbeats are answered again, with the same recovery time stamp */
	/* Another recovery time stamp: its sessions and the association are gone, and the peer after this call. */
	PFCP_RESTARTED,
};

struct pfcp_conf {
	struct sockaddr_storage
		local[2];     /* IPv4 and IPv6, port included; ss_family AF_UNSPEC: none */
	uint32_t t1_ms;	      /* 3000 when 0 */
	uint8_t n1;	      /* repetitions: 3 when 0 */
	uint32_t heartbeat_s; /* 10 when 0 */
	uint32_t recovery_ts; /* ours, seconds since 1900 (pfcp_time()) */
	uint32_t max_pending; /* requests of peers kept for their repetitions: 65536 when 0 */
	/* Tests: datagrams go here instead of to a socket. */
	void (*send)(void *arg, const struct sockaddr_storage *to, const void *p, size_t n);
	void *send_arg;
};

struct pfcp_ops {
	/*
	 * A request of a peer that is not a repetition and not a heartbeat. peer: NULL when it has no
	 * association. t is answered with pfcp_respond() or pfcp_drop(), now or later.
	 * An Association Setup Request with a peer is one over its association: when it is accepted, PFCP_UP
	 * comes again; the sessions it does not ask to retain are the owner's to delete (TS 29.244 6.2.6.2).
	 */
	void (*request)(void *arg, struct xchg_token *t, const struct xchg_msg *m,
			struct pfcp_peer *peer);
	void (*peer)(void *arg, struct pfcp_peer *p, enum pfcp_event ev); /* may be NULL */
};

int pfcp_open(struct loop *l, const struct pfcp_conf *c, const struct pfcp_ops *ops, void *arg,
	      struct pfcp **ret);
void pfcp_close(struct pfcp *g); /* no callback any more; NULL is fine */

/* As gtpc_request(): p is a whole message of ref/sx, done is called once. */
int pfcp_request(struct pfcp *g, const struct sockaddr_storage *to, const uint8_t *p, size_t n,
		 xchg_done *done, void *arg, struct xchg_call **ret_call);
void pfcp_cancel(struct xchg_call *c); /* NULL is fine */
int pfcp_respond(struct xchg_token *t, const uint8_t *p, size_t n);
void pfcp_drop(struct xchg_token *t); /* NULL is fine */
const struct sockaddr_storage *pfcp_token_from(const struct xchg_token *t);

/* --- peers --- */
struct pfcp_peer *pfcp_peer_by_addr(struct pfcp *g,
				    const struct sockaddr_storage *a); /* port aside */
struct pfcp_peer *pfcp_peer_by_node(struct pfcp *g,
				    struct str node_id); /* value of the Node ID IE */
const struct sockaddr_storage *pfcp_peer_addr(const struct pfcp_peer *p); /* with port 8805 */
struct str pfcp_peer_node_id(const struct pfcp_peer *p); /* value of the Node ID IE */
uint32_t pfcp_peer_recovery_ts(const struct pfcp_peer *p);
bool pfcp_peer_is_lost(const struct pfcp_peer *p); /* it does not answer to heartbeats */
void pfcp_peer_set_user(struct pfcp_peer *p, void *user);
void *pfcp_peer_user(const struct pfcp_peer *p);
/*
 * A peer with which there is an association already, which a restarted process knows from elsewhere.
 * PFCP_UP is not called. NULL: no memory, or the node id is not 1..PFCP_NODE_ID_MAX octets.
 */
struct pfcp_peer *pfcp_peer_restore(struct pfcp *g, const struct sockaddr_storage *addr,
				    struct str node_id, uint32_t recovery_ts);
/* Ends the association without a word (PFCP_DOWN is not called). */
void pfcp_peer_forget(struct pfcp_peer *p);
void pfcp_each_peer(struct pfcp *g, void (*fn)(void *arg, struct pfcp_peer *p), void *arg);

uint32_t pfcp_time(
	uint64_t
		wall_usec); /* as in Recovery Time Stamp (RFC 5905): loop_wall() -> seconds since 1900 */
uint64_t pfcp_time_usec(uint32_t t); /* back, era of 2036 included */

uint32_t pfcp_recovery_ts(const struct pfcp *g); /* ours, as heartbeats say it */
const struct xchg_stats *pfcp_stats(const struct pfcp *g);
size_t pfcp_calls(const struct pfcp *g);

/* A datagram, as if it had come in: for tests and fuzzing. */
void pfcp_input(struct pfcp *g, const struct sockaddr_storage *from, const uint8_t *p, size_t n);

#endif
