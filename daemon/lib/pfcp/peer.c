// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Peers of a PFCP endpoint: associations (TS 29.244 6.2.6 to 6.2.8), heartbeats (6.2.2), recovery time stamps
 * (TS 23.007 19A).
 *
 * A peer exists as long as its association; it is found by the IP address that the association was made
 * with. Both sides' set-ups are watched as they pass: the request of the other side leaves Node ID and
 * recovery time stamp with its token, and our accepting answer makes the peer of them; the accepting answer
 * of the other side has both itself.
 */
#include "lib/pfcp/priv.h"

#include <uthash.h>

struct pfcp_peer {
	UT_hash_handle hh;
	struct in6_addr ip;
	struct pfcp *g;
	struct sockaddr_storage addr;
	struct timer timer;
	struct xchg_call *heartbeat;
	uint32_t recovery_ts;
	bool lost;
	void *user;
	size_t node_len;
	uint8_t node[PFCP_NODE_ID_MAX];
};

/* What a set-up request said, kept with its token. */
struct asked {
	uint32_t recovery_ts;
	size_t node_len;
	uint8_t node[PFCP_NODE_ID_MAX];
};

static bool find_ts(const struct xchg_msg *m, uint32_t *ret)
{
	struct str v;

	if (!tlv_find(&tlv_pfcp, m->p, m->n, IE_RECOVERY_TS, 0, &v) || v.n < 4)
		return false;
	*ret = (uint32_t)(uint8_t)v.p[0] << 24 | (uint32_t)(uint8_t)v.p[1] << 16 |
	       (uint32_t)(uint8_t)v.p[2] << 8 | (uint8_t)v.p[3];
	return true;
}

static bool accepted(const uint8_t *p, size_t n)
{
	struct str v;

	return tlv_find(&tlv_pfcp, p, n, IE_CAUSE, 0, &v) && v.n &&
	       tlv_accepted(&tlv_pfcp, (uint8_t)v.p[0]);
}

/* --- life --- */

static void peer_free(struct pfcp_peer *p)
{
	HASH_DEL(p->g->peers, p);
	timer_stop(p->g->loop, &p->timer);
	xchg_call_cancel(p->heartbeat);
	free(p);
}

static void tell(struct pfcp_peer *p, enum pfcp_event ev)
{
	if (p->g->ops.peer)
		p->g->ops.peer(p->g->arg, p, ev);
}

/* The association ends with this event. The owner may have forgotten the peer meanwhile. */
static void end(struct pfcp_peer *p, enum pfcp_event ev)
{
	struct pfcp *g = p->g;
	struct sockaddr_storage addr = p->addr;

	tell(p, ev);
	p = pfcp_peer_by_addr(g, &addr);
	if (p)
		peer_free(p);
}

void pfcp_peers_free(struct pfcp *g)
{
	struct pfcp_peer *p, *next;

	HASH_ITER (hh, g->peers, p, next)
		peer_free(p);
}

/* --- heartbeats --- */

void pfcp_put_heartbeat(const struct pfcp *g, uint8_t type, uint32_t seq, struct tlv_buf *b)
{
	uint32_t ts = htonl(g->conf.recovery_ts);
	struct tlv_hdr h = { .type = type, .seq = seq };

	tlv_pfcp.begin(b, &h);
	tlv_put(b, &tlv_pfcp, IE_RECOVERY_TS, 0, &ts, 4);
	tlv_end(b, &tlv_pfcp, 0);
}

static void next_heartbeat(struct pfcp_peer *p)
{
	timer_start(p->g->loop, &p->timer, p->g->conf.heartbeat_s * USEC_PER_SEC);
}

static void heartbeat_done(void *arg, const struct xchg_msg *answer)
{
	struct pfcp_peer *p = arg;
	bool was = p->lost;

	p->heartbeat = NULL;
	p->lost = !answer;
	next_heartbeat(p);
	if (p->lost != was)
		tell(p, answer ? PFCP_BACK : PFCP_LOST);
}

static void on_timer(struct timer *t)
{
	struct pfcp_peer *p = container_of(t, struct pfcp_peer, timer);
	uint8_t buf[32];
	struct tlv_buf b = TLV_BUF(buf);

	pfcp_put_heartbeat(p->g, HEARTBEAT_REQUEST, 0, &b);
	if (xchg_call_start(p->g->x, &p->addr, b.p, b.n, NULL, false, heartbeat_done, p,
			    &p->heartbeat))
		next_heartbeat(p);
}

void pfcp_seen(struct pfcp *g, const struct xchg_msg *m)
{
	struct pfcp_peer *p;
	uint32_t ts;

	if (m->hdr->type != HEARTBEAT_REQUEST && m->hdr->type != HEARTBEAT_RESPONSE)
		return;
	p = pfcp_peer_by_addr(g, m->from);
	if (p && find_ts(m, &ts) && ts != p->recovery_ts)
		end(p, PFCP_RESTARTED);
}

/* --- associations --- */

static struct pfcp_peer *peer_new(struct pfcp *g, const struct sockaddr_storage *addr,
				  struct str node, uint32_t ts)
{
	struct pfcp_peer *p;

	if (!node.n || node.n > PFCP_NODE_ID_MAX)
		return NULL;
	p = pfcp_peer_by_addr(g, addr);
	if (!p) {
		p = calloc(1, sizeof(*p));
		if (!p)
			return NULL;
		p->g = g;
		p->timer.fn = on_timer;
		xchg_ip(addr, &p->ip);
		HASH_ADD(hh, g->peers, ip, sizeof(p->ip), p);
	}
	p->addr = *addr;
	p->recovery_ts = ts;
	p->lost = false;
	memcpy(p->node, node.p, node.n);
	p->node_len = node.n;
	if (!p->heartbeat)
		next_heartbeat(p);
	return p;
}

static void set_port(struct sockaddr_storage *a)
{
	if (a->ss_family == AF_INET6)
		((struct sockaddr_in6 *)a)->sin6_port = htons(PFCP_PORT);
	else
		((struct sockaddr_in *)a)->sin_port = htons(PFCP_PORT);
}

static void associate(struct pfcp *g, const struct sockaddr_storage *addr, struct str node,
		      uint32_t ts)
{
	struct pfcp_peer *p = peer_new(g, addr, node, ts);

	if (p)
		tell(p, PFCP_UP);
}

void pfcp_asked(struct xchg_token *t, const struct xchg_msg *m)
{
	struct asked *a;
	struct str node;
	uint32_t ts;

	if (m->hdr->type != SETUP_REQUEST ||
	    !tlv_find(&tlv_pfcp, m->p, m->n, IE_NODE_ID, 0, &node) || !node.n ||
	    node.n > PFCP_NODE_ID_MAX || !find_ts(m, &ts))
		return; /* the owner will refuse it */
	a = calloc(1, sizeof(*a));
	if (!a)
		return;
	a->recovery_ts = ts;
	a->node_len = node.n;
	memcpy(a->node, node.p, node.n);
	xchg_token_set_user(t, a);
}

void pfcp_agreed(struct pfcp *g, struct xchg_token *t, const uint8_t *p, size_t n)
{
	struct sockaddr_storage addr = *xchg_token_from(t);
	uint8_t type = xchg_token_type(t);
	struct pfcp_peer *peer;
	struct asked *a, copy;

	if (!accepted(p, n))
		return;
	if (type == SETUP_REQUEST) {
		a = xchg_token_user(t);
		if (!a)
			return;
		copy = *a;
		set_port(&addr); /* requests go to the port of PFCP, whatever theirs came from */
		associate(g, &addr, (struct str){ (char *)copy.node, copy.node_len },
			  copy.recovery_ts);
	} else if (type == RELEASE_REQUEST) {
		peer = pfcp_peer_by_addr(g, &addr);
		if (peer)
			end(peer, PFCP_DOWN);
	}
}

void pfcp_answered(struct pfcp *g, const struct sockaddr_storage *to, const struct xchg_msg *m)
{
	struct pfcp_peer *p;
	struct str node;
	uint32_t ts;

	if (!accepted(m->p, m->n))
		return;
	if (m->hdr->type == SETUP_RESPONSE) {
		if (!tlv_find(&tlv_pfcp, m->p, m->n, IE_NODE_ID, 0, &node) || !find_ts(m, &ts))
			return;
		p = pfcp_peer_by_addr(g, to);
		if (p && p->recovery_ts != ts)
			end(p, PFCP_RESTARTED);
		associate(g, to, node, ts);
	} else if (m->hdr->type == RELEASE_RESPONSE) {
		p = pfcp_peer_by_addr(g, to);
		if (p)
			end(p, PFCP_DOWN);
	}
}

/* --- for the owner --- */

struct pfcp_peer *pfcp_peer_by_addr(struct pfcp *g, const struct sockaddr_storage *a)
{
	struct in6_addr ip;
	struct pfcp_peer *p;

	xchg_ip(a, &ip);
	HASH_FIND(hh, g->peers, &ip, sizeof(ip), p);
	return p;
}

struct pfcp_peer *pfcp_peer_by_node(struct pfcp *g, struct str node_id)
{
	struct pfcp_peer *p, *next;

	HASH_ITER (hh, g->peers, p, next)
		if (str_eq(pfcp_peer_node_id(p), node_id))
			return p;
	return NULL;
}

struct pfcp_peer *pfcp_peer_restore(struct pfcp *g, const struct sockaddr_storage *addr,
				    struct str node_id, uint32_t recovery_ts)
{
	return peer_new(g, addr, node_id, recovery_ts);
}

const struct sockaddr_storage *pfcp_peer_addr(const struct pfcp_peer *p)
{
	return &p->addr;
}

struct str pfcp_peer_node_id(const struct pfcp_peer *p)
{
	return (struct str){ (const char *)p->node, p->node_len };
}

uint32_t pfcp_peer_recovery_ts(const struct pfcp_peer *p)
{
	return p->recovery_ts;
}

bool pfcp_peer_is_lost(const struct pfcp_peer *p)
{
	return p->lost;
}

void pfcp_peer_set_user(struct pfcp_peer *p, void *user)
{
	p->user = user;
}

void *pfcp_peer_user(const struct pfcp_peer *p)
{
	return p->user;
}

void pfcp_peer_forget(struct pfcp_peer *p)
{
	if (p)
		peer_free(p);
}

void pfcp_each_peer(struct pfcp *g, void (*fn)(void *arg, struct pfcp_peer *p), void *arg)
{
	struct pfcp_peer *p, *next;

	HASH_ITER (hh, g->peers, p, next)
		fn(arg, p);
}
