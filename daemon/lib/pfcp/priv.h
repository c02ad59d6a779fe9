/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Inside lib/pfcp: pfcp.c is the endpoint, peer.c the associations and heartbeats, which look at the
 * messages that pass.
 */
#ifndef KIMS_PFCP_PRIV_H
#define KIMS_PFCP_PRIV_H

#include "lib/pfcp/pfcp.h"

enum { /* TS 29.244 7.3 and 8.1 */
       HEARTBEAT_REQUEST = 1,
       HEARTBEAT_RESPONSE = 2,
       SETUP_REQUEST = 5,
       SETUP_RESPONSE = 6,
       RELEASE_REQUEST = 9,
       RELEASE_RESPONSE = 10,
       IE_CAUSE = 19,
       IE_NODE_ID = 60,
       IE_RECOVERY_TS = 96,
};

struct pfcp {
	struct loop *loop;
	struct xchg *x;
	struct pfcp_conf conf;
	struct pfcp_ops ops;
	void *arg;
	struct pfcp_peer *peers; /* by address */
};

void pfcp_peers_free(struct pfcp *g);
void pfcp_put_heartbeat(const struct pfcp *g, uint8_t type, uint32_t seq, struct tlv_buf *b);
/* A message from a peer, before anything else is done with it: heartbeats, restarts. */
void pfcp_seen(struct pfcp *g, const struct xchg_msg *m);
/* A request about an association: what it says is kept with its token until it is answered. */
void pfcp_asked(struct xchg_token *t, const struct xchg_msg *m);
/* An accepted answer of ours to that. */
void pfcp_agreed(struct pfcp *g, struct xchg_token *t, const uint8_t *p, size_t n);
/* An answer of the peer to a request of ours about an association. */
void pfcp_answered(struct pfcp *g, const struct sockaddr_storage *to, const struct xchg_msg *m);

#endif
