// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The PFCP endpoint over lib/ie's exchange: which messages are requests (TS 29.244 table 7.3-1), Heartbeat
 * (7.4.2), and the passing of messages about associations to peer.c.
 *
 * Invariant: a restart of a peer is reported before the message that tells of it is handed up; an association
 * that an answer agrees to is there before that answer leaves, or before the caller is told of it.
 */
#include "lib/pfcp/priv.h"

#define NTP_UNIX UINT64_C(2208988800) /* 1970 in seconds since 1900 */

static enum xchg_kind kind(uint8_t type)
{
	if (type == 11) /* Version Not Supported Response */
		return XCHG_ANSWER;
	if (type >= 1 && type <= 10)
		return type % 2 ? XCHG_REQUEST : XCHG_ANSWER;
	if ((type >= 12 && type <= 17) || (type >= 50 && type <= 57))
		return type % 2 ? XCHG_ANSWER : XCHG_REQUEST;
	return XCHG_UNKNOWN;
}

static bool look(void *arg, const struct xchg_msg *m)
{
	struct pfcp *g = arg;
	uint8_t buf[32];
	struct tlv_buf b = TLV_BUF(buf);

	pfcp_seen(g, m);
	if (m->hdr->type != HEARTBEAT_REQUEST)
		return false;
	pfcp_put_heartbeat(g, HEARTBEAT_RESPONSE, m->hdr->seq, &b);
	xchg_send(g->x, m->from, b.p, b.n);
	return true;
}

static void request(void *arg, struct xchg_token *t, const struct xchg_msg *m)
{
	struct pfcp *g = arg;

	pfcp_asked(t, m);
	g->ops.request(g->arg, t, m, pfcp_peer_by_addr(g, m->from));
}

static void answered(void *arg, const struct sockaddr_storage *to, const struct xchg_msg *m)
{
	pfcp_answered(arg, to, m);
}

int pfcp_request(struct pfcp *g, const struct sockaddr_storage *to, const uint8_t *p, size_t n,
		 xchg_done *done, void *arg, struct xchg_call **ret_call)
{
	return xchg_call_start(g->x, to, p, n, NULL, false, done, arg, ret_call);
}

void pfcp_cancel(struct xchg_call *c)
{
	xchg_call_cancel(c);
}

int pfcp_respond(struct xchg_token *t, const uint8_t *p, size_t n)
{
	struct pfcp *g = xchg_arg(xchg_token_of(t));

	pfcp_agreed(g, t, p, n);
	return xchg_answer(t, p, n);
}

void pfcp_drop(struct xchg_token *t)
{
	xchg_drop(t);
}

const struct sockaddr_storage *pfcp_token_from(const struct xchg_token *t)
{
	return xchg_token_from(t);
}

/* --- time --- */

uint32_t pfcp_time(uint64_t wall_usec)
{
	return (uint32_t)(wall_usec / USEC_PER_SEC + NTP_UNIX);
}

uint64_t pfcp_time_usec(uint32_t t)
{
	uint64_t s = t;

	if (s < NTP_UNIX) /* from 2036 on the count begins anew (RFC 5905 6) */
		s += UINT64_C(1) << 32;
	return (s - NTP_UNIX) * USEC_PER_SEC;
}

/* --- life --- */

int pfcp_open(struct loop *l, const struct pfcp_conf *c, const struct pfcp_ops *ops, void *arg,
	      struct pfcp **ret)
{
	struct pfcp *g = calloc(1, sizeof(*g));
	struct xchg_conf x = { .format = &tlv_pfcp,
			       .local = c->local,
			       .t_ms = c->t1_ms,
			       .n = c->n1,
			       .max_pending = c->max_pending,
			       .send = c->send,
			       .send_arg = c->send_arg,
			       .kind = kind,
			       .look = look,
			       .request = request,
			       .answered = answered,
			       .arg = g };
	int e;

	if (!g)
		return -ENOMEM;
	g->loop = l;
	g->conf = *c;
	g->ops = *ops;
	g->arg = arg;
	if (!g->conf.heartbeat_s)
		g->conf.heartbeat_s = 10;
	e = xchg_open(l, &x, &g->x);
	if (e)
		free(g);
	else
		*ret = g;
	return e;
}

void pfcp_close(struct pfcp *g)
{
	if (!g)
		return;
	pfcp_peers_free(g);
	xchg_close(g->x);
	free(g);
}

uint32_t pfcp_recovery_ts(const struct pfcp *g)
{
	return g->conf.recovery_ts;
}

const struct xchg_stats *pfcp_stats(const struct pfcp *g)
{
	return xchg_stats(g->x);
}

size_t pfcp_calls(const struct pfcp *g)
{
	return xchg_calls(g->x);
}

void pfcp_input(struct pfcp *g, const struct sockaddr_storage *from, const uint8_t *p, size_t n)
{
	xchg_input(g->x, from, p, n);
}
