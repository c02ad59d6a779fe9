// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * SIP transport (RFC 3261 18): endpoints, choice of the wire, what comes in, load shedding.
 *
 * The wires are in tp_udp.c, tp_tcp.c (sockets) and tp_mock.c (tests); stream framing is in stream.c.
 * Sends over UDP are gathered and leave at the end of the loop's round.
 */
#include <netinet/in.h>
#include <stdio.h>
#include <sys/random.h>

#include "lib/core/log.h"
#include "lib/sip/tp_priv.h"

#define MAX_MESSAGE 65535u

/* One per thread: the loop calls the flush once a round for all transports, also for freed ones. */
static _Thread_local struct sip_tp *all_tps;

static void flush_tp(struct sip_tp *tp)
{
	struct sip_ep *ep;

	timer_stop(tp->loop, &tp->flush);
	while ((ep = tp->dirty)) {
		tp->dirty = ep->next_dirty;
		ep->dirty = false;
		tp_udp_flush(ep);
	}
}

static void flush_all(void *loop)
{
	for (struct sip_tp *tp = all_tps; tp; tp = tp->next)
		if (tp->loop == loop && tp->dirty)
			flush_tp(tp);
}

static void on_flush_timer(struct timer *t)
{
	flush_tp(container_of(t, struct sip_tp, flush));
}

/* The timer covers what is sent before the loop's first round. */
void tp_want_flush(struct sip_ep *ep)
{
	struct sip_tp *tp = ep->tp;

	if (ep->dirty)
		return;
	if (!tp->dirty)
		timer_start(tp->loop, &tp->flush, 0);
	ep->dirty = true;
	ep->next_dirty = tp->dirty;
	tp->dirty = ep;
}

static void forget_flush(struct sip_ep *ep)
{
	struct sip_ep **p = &ep->tp->dirty;

	while (*p && *p != ep)
		p = &(*p)->next_dirty;
	if (*p)
		*p = ep->next_dirty;
}

static struct sip_tp *tp_alloc(struct loop *l, uint32_t max_message, const struct tp_wire *wire)
{
	struct sip_tp *tp = calloc(1, sizeof(*tp));

	if (!tp)
		return NULL;
	tp->loop = l;
	tp->wire = wire;
	tp->max_message = max_message && max_message < MAX_MESSAGE ? max_message : MAX_MESSAGE;
	tp->flush.fn = on_flush_timer;
	tp->limits = (struct sip_tp_limits){
		.max_conns = 16384,
		.max_conns_per_peer = 1024,
		.connect_ms = 8000,
		.partial_ms = 16000,
		.idle_ms = 3700000,
		.out_bytes = 1 << 20,
	};
	if (getrandom(tp->hash_key, sizeof(tp->hash_key), 0) != sizeof(tp->hash_key) ||
	    tp_tcp_init(tp)) {
		free(tp);
		return NULL;
	}
	tp->next = all_tps;
	all_tps = tp;
	return tp;
}

int sip_tp_new(struct loop *l, uint32_t max_message, struct sip_tp **ret)
{
	struct sip_tp *tp = tp_alloc(l, max_message, &tp_wire_sockets);
	int r;

	if (!tp)
		return -ENOMEM;
	r = loop_on_round_end(l, flush_all, l);
	if (r < 0) {
		sip_tp_free(tp);
		return r;
	}
	*ret = tp;
	return 0;
}

int sip_tp_new_mock(struct loop *l,
		    void (*fn)(void *arg, const struct sip_path *path, const char *data,
			       size_t len),
		    void *arg, struct sip_tp **ret)
{
	struct sip_tp *tp = tp_alloc(l, 0, &tp_wire_mock);

	if (!tp)
		return -ENOMEM;
	tp->mock_fn = fn;
	tp->mock_arg = arg;
	*ret = tp;
	return 0;
}

void sip_tp_free(struct sip_tp *tp)
{
	struct sip_tp **p = &all_tps;

	if (!tp)
		return;
	tp->dead = true;
	tp->wire->close_peer(tp, NULL, NULL);
	while (tp->eps)
		sip_ep_close(tp->eps);
	tp_tcp_fini(tp);
	tp_udp_free_ring(tp);
	timer_stop(tp->loop, &tp->flush);
	while (*p && *p != tp)
		p = &(*p)->next;
	if (*p)
		*p = tp->next;
	free(tp);
}

void sip_tp_handler(struct sip_tp *tp, sip_tp_rx_fn rx, sip_tp_err_fn err, void *arg)
{
	tp->rx = rx;
	tp->err = err;
	tp->arg = arg;
}

void sip_tp_icmp_handler(struct sip_tp *tp, sip_tp_icmp_fn fn)
{
	tp->icmp = fn;
}

void sip_tp_set_limits(struct sip_tp *tp, const struct sip_tp_limits *l)
{
	const uint32_t *src = (const uint32_t *)l;
	uint32_t *dst = (uint32_t *)&tp->limits;

	for (size_t i = 0; i < sizeof(*l) / sizeof(*src); i++)
		if (src[i])
			dst[i] = src[i];
}

void sip_tp_set_shed(struct sip_tp *tp, const struct sip_tp_shed *s)
{
	tp->shed = *s;
	if (tp->shed.limit_ms <= tp->shed.target_ms)
		tp->shed.limit_ms = tp->shed.target_ms * 4;
}

int sip_ep_open(struct sip_tp *tp, const struct sip_ep_opts *o, struct sip_ep **ret)
{
	struct sip_ep *ep, **tail = &tp->eps;
	int r;

	if (!sip_sa_len(&o->local))
		return -EAFNOSUPPORT;
	ep = calloc(1, sizeof(*ep));
	if (!ep)
		return -ENOMEM;
	ep->tp = tp;
	ep->id = ++tp->last_ep;
	snprintf(ep->name, sizeof(ep->name), "%s", o->name ? o->name : "sip");
	snprintf(ep->device, sizeof(ep->device), "%s", o->device ? o->device : "");
	ep->local = o->local;
	ep->user = o->user;
	ep->tcp = o->tcp;
	ep->bind_source = o->bind_source;
	ep->fleeting = o->fleeting;
	ep->udp.fd = ep->listener.fd = -1;
	r = tp->wire->open(ep, o);
	if (r < 0) {
		tp->wire->close(ep);
		free(ep);
		return r;
	}
	sip_sa_str(&ep->local, ep->sentby); /* after open: port 0 is known now */
	ep->wildcard = sip_sa_is_any(&ep->local);
	while (*tail)
		tail = &(*tail)->next;
	*tail = ep;
	*ret = ep;
	return 0;
}

void sip_ep_close(struct sip_ep *ep)
{
	struct sip_ep **p;

	if (!ep)
		return;
	ep->closing = true;
	if (ep->tp->ep_closed && !ep->tp->dead)
		ep->tp->ep_closed(ep->tp->arg, ep);
	ep->tp->wire->close(ep);
	ep->tp->closings++;
	forget_flush(ep);
	for (p = &ep->tp->eps; *p; p = &(*p)->next)
		if (*p == ep) {
			*p = ep->next;
			break;
		}
	free(ep);
}

void *sip_ep_user(const struct sip_ep *ep)
{
	return ep->user;
}

const char *sip_ep_name(const struct sip_ep *ep)
{
	return ep->name;
}

const union sip_sa *sip_ep_local(const struct sip_ep *ep)
{
	return &ep->local;
}

struct sip_ep *sip_tp_ep_for(struct sip_tp *tp, sa_family_t family)
{
	for (struct sip_ep *ep = tp->eps; ep; ep = ep->next)
		if (ep->local.sa.sa_family == family)
			return ep;
	return NULL;
}

const char *sip_ep_sentby(const struct sip_ep *ep)
{
	return ep->wildcard ? NULL : ep->sentby;
}

int sip_ep_local_for(const struct sip_ep *ep, const union sip_sa *peer, union sip_sa *ret)
{
	_cleanup_close_ int fd = -1;
	union sip_sa a = ep->local;
	socklen_t len = sizeof(a.ss);

	if (!sip_sa_is_any(&ep->local)) {
		*ret = ep->local;
		return 0;
	}
	fd = socket(peer->sa.sa_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0 || connect(fd, &peer->sa, sip_sa_len(peer)) < 0 ||
	    getsockname(fd, &a.sa, &len) < 0)
		return -errno;
	sip_sa_set_port(&a, sip_sa_port(&ep->local));
	*ret = a;
	return 0;
}

enum sip_proto sip_tp_proto_for(const struct sip_ep *ep, size_t size, uint32_t mtu)
{
	size_t limit = mtu ? (mtu > 200 ? mtu - 200 : 0) : 1300;

	return ep->tcp && size > limit ? SIP_TCP : SIP_UDP;
}

size_t tp_out_size(const struct tp_out *o)
{
	return o->m ? sip_msg_size(o->m) : o->len;
}

size_t tp_out_write(const struct tp_out *o, char *dst, size_t size)
{
	if (o->m)
		return sip_msg_encode(o->m, dst, size);
	if (o->len > size)
		return 0;
	memcpy(dst, o->data, o->len);
	return o->len;
}

static int tp_send(struct sip_tp *tp, const struct sip_path *path, const struct tp_out *o,
		   uint64_t *ret_conn)
{
	int r;

	if (!path->ep || path->peer.sa.sa_family != path->ep->local.sa.sa_family)
		return -EHOSTUNREACH;
	if (path->ep->closing)
		return -ENETDOWN;
	if (path->proto == SIP_UDP) {
		if (ret_conn)
			*ret_conn = 0;
		r = tp->wire->udp_send(path->ep, &path->peer, o);
		if (!r)
			tp->stats.tx_udp++;
	} else {
		r = tp->wire->tcp_send(tp, path, o, ret_conn);
		if (!r)
			tp->stats.tx_tcp++;
	}
	if (r < 0)
		tp->stats.tx_errors++;
	return r;
}

int sip_tp_send(struct sip_tp *tp, const struct sip_path *path, const struct sip_msg *m,
		uint64_t *ret_conn)
{
	return tp_send(tp, path, &(struct tp_out){ .m = m }, ret_conn);
}

int sip_tp_send_raw(struct sip_tp *tp, const struct sip_path *path, const char *data, size_t len,
		    uint64_t *ret_conn)
{
	return tp_send(tp, path, &(struct tp_out){ .data = data, .len = len }, ret_conn);
}

void sip_tp_close_conn(struct sip_tp *tp, uint64_t conn)
{
	tp->wire->close_conn(tp, conn);
}

void sip_tp_close_peer(struct sip_tp *tp, struct sip_ep *ep, const union sip_sa *peer)
{
	tp->wire->close_peer(tp, ep, peer);
}

bool sip_tp_conn_alive(struct sip_tp *tp, uint64_t conn)
{
	return conn && tp->wire->conn_alive(tp, conn);
}

const struct sip_tp_stats *sip_tp_get_stats(const struct sip_tp *tp)
{
	return &tp->stats;
}

/* --- what comes in --- */

void tp_deliver(struct sip_tp *tp, const char *data, size_t len, const struct sip_path *from)
{
	tp_deliver_shed(tp, data, len, from, false);
}

void tp_deliver_shed(struct sip_tp *tp, const char *data, size_t len, const struct sip_path *from,
		     bool shed)
{
	_cleanup_msg_ struct sip_msg *m = NULL;
	struct sip_parse_result r = sip_msg_parse(data, len, from->proto == SIP_UDP, &m);

	if (from->proto == SIP_UDP)
		tp->stats.rx_udp++;
	else
		tp->stats.rx_tcp++;
	if (from->proto == SIP_TCP && r.error == SIP_PARSE_OK &&
	    r.used != len) /* framing and parser must agree */
		r.error = SIP_PARSE_GARBAGE;
	switch (r.error) {
	case SIP_PARSE_OK:
		if (shed && !sip_msg_to_tag(m).n) {
			tp->stats.shed++;
			r.error = SIP_PARSE_BAD;
			r.status = 503;
			r.reason = "Service Unavailable";
		}
		break;
	case SIP_PARSE_BAD:
	case SIP_PARSE_TOO_BIG:
		tp->stats.rx_bad++;
		break;
	case SIP_PARSE_AGAIN:
	case SIP_PARSE_GARBAGE:
		tp->stats.rx_garbage++;
		return;
	}
	if (m && tp->rx)
		tp->rx(tp->arg, m, &r, from);
}

void tp_error(struct sip_tp *tp, const struct sip_path *path, int err)
{
	char buf[SIP_SA_STRLEN];

	tp->stats.tx_errors++;
	log_debug("sip: %s to %s failed: %s", path->ep ? path->ep->name : "-",
		  sip_sa_str(&path->peer, buf), strerror(-err));
	if (tp->err && !tp->dead)
		tp->err(tp->arg, path, err);
}

/* --- shedding --- */

/* Requests that begin work; in-dialog ones of these methods cannot be told before parsing. */
static bool begins_work(const char *data, size_t len)
{
	static const struct str heads[] = {
		{ "INVITE ", 7 },  { "REGISTER ", 9 }, { "SUBSCRIBE ", 10 }, { "MESSAGE ", 8 },
		{ "OPTIONS ", 8 }, { "PUBLISH ", 8 },  { "REFER ", 6 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(heads); i++)
		if (str_has_prefix((struct str){ data, len }, heads[i]))
			return true;
	return false;
}

bool tp_should_shed(struct sip_tp *tp, const char *data, size_t len, uint64_t delay_usec)
{
	const struct sip_tp_shed *s = &tp->shed;
	uint64_t target = s->target_ms * USEC_PER_MSEC, limit = s->limit_ms * USEC_PER_MSEC;
	uint64_t now = loop_now(tp->loop);

	if (!target)
		return false;
	if (delay_usec <= target) {
		tp->shed_since = 0;
		return false;
	}
	if (!tp->shed_since)
		tp->shed_since = now;
	if (now - tp->shed_since < s->interval_ms * USEC_PER_MSEC || !begins_work(data, len))
		return false;
	/* Weyl sequence: spread evenly, without a random number per packet. */
	tp->shed_seq += 0x9e3779b9u;
	if (delay_usec < limit && (tp->shed_seq >> 8) * (limit - target) >= (delay_usec - target)
										    << 24)
		return false;
	return true;
}
