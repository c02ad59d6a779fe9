// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * SIP over UDP (RFC 3261 18): recvmmsg/sendmmsg batches, ICMP errors, queue delay for shedding.
 *
 * Invariants: what a round sends leaves in order at its end, or as soon as a batch is full; a
 * datagram that cannot be sent is reported once and never blocks the others.
 */
#include <netinet/in.h>
#include <stdio.h>
#include <sys/mman.h>
#include <time.h>

#include <linux/errqueue.h>

#include "lib/core/log.h"
#include "lib/sip/tp_priv.h"

#define RX_BATCH       32
#define RX_SIZE	       65536
#define RX_ROUNDS      16 /* batches per event: what waits goes before the timers */
#define TX_BATCH       64
#define TX_BYTES       (256 << 10)
#define UDP_MAX	       65507
#define DEFAULT_RCVBUF (4 << 20)

struct udp_rx { /* shared by all endpoints of a transport */
	char *buf;
	int dirty; /* headers to be set up again */
	bool stamps;
	struct mmsghdr msgs[RX_BATCH];
	struct iovec iov[RX_BATCH];
	union sip_sa from[RX_BATCH];
	char ctl[RX_BATCH][CMSG_SPACE(sizeof(struct timespec))] __attribute__((aligned(8)));
};

struct udp_batch {
	unsigned int n;
	size_t used;
	bool flushing;
	struct mmsghdr msgs[TX_BATCH];
	struct iovec iov[TX_BATCH];
	union sip_sa to[TX_BATCH];
	char buf[TX_BYTES];
};

static struct udp_rx *rx_ring(struct sip_tp *tp)
{
	struct udp_rx *r = tp->rx_ring;

	if (r)
		return r;
	r = calloc(1, sizeof(*r));
	if (!r)
		return NULL;
	r->buf = mmap(NULL, RX_BATCH * RX_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
		      -1, 0);
	if (r->buf == MAP_FAILED) {
		free(r);
		return NULL;
	}
	r->dirty = RX_BATCH;
	tp->rx_ring = r;
	return r;
}

void tp_udp_free_ring(struct sip_tp *tp)
{
	if (!tp->rx_ring)
		return;
	munmap(tp->rx_ring->buf, RX_BATCH * RX_SIZE);
	free(tp->rx_ring);
	tp->rx_ring = NULL;
}

/* --- receiving --- */

/* The first n: what the kernel wrote into since the last time. */
static void rx_prepare(struct udp_rx *r, int n, bool stamps)
{
	for (int i = 0; i < n; i++) {
		r->iov[i] = (struct iovec){ r->buf + (size_t)i * RX_SIZE, RX_SIZE };
		r->msgs[i].msg_hdr = (struct msghdr){
			.msg_name = &r->from[i],
			.msg_namelen = sizeof(r->from[i].ss),
			.msg_iov = &r->iov[i],
			.msg_iovlen = 1,
			.msg_control = stamps ? r->ctl[i] : NULL,
			.msg_controllen = stamps ? sizeof(r->ctl[i]) : 0,
		};
	}
}

static uint64_t wall_usec(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	return (uint64_t)ts.tv_sec * USEC_PER_SEC + (uint64_t)ts.tv_nsec / 1000;
}

/* How long the datagram waited in the socket's buffer; 0 when unknown or the clock jumped. */
static uint64_t queue_delay(struct msghdr *h, uint64_t wall)
{
	struct timespec ts;
	uint64_t t;

	for (struct cmsghdr *c = CMSG_FIRSTHDR(h); c; c = CMSG_NXTHDR(h, c)) {
		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_TIMESTAMPNS)
			continue;
		memcpy(&ts, CMSG_DATA(c), sizeof(ts));
		t = (uint64_t)ts.tv_sec * USEC_PER_SEC + (uint64_t)ts.tv_nsec / 1000;
		return wall > t && wall - t < 60 * USEC_PER_SEC ? wall - t : 0;
	}
	return 0;
}

static bool is_keepalive(const char *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (p[i] != '\r' && p[i] != '\n' && p[i] != 0)
			return false;
	return true;
}

static void rx_one(struct sip_ep *ep, struct udp_rx *r, int i, uint64_t wall)
{
	struct sip_tp *tp = ep->tp;
	const char *data = r->iov[i].iov_base;
	size_t len = r->msgs[i].msg_len;
	struct sip_path from = { .ep = ep, .proto = SIP_UDP, .peer = r->from[i] };
	bool shed;

	if (is_keepalive(data, len))
		return;
	shed = wall && tp_should_shed(tp, data, len, queue_delay(&r->msgs[i].msg_hdr, wall));
	if (shed && !tp->shed.retry_after_s) {
		tp->stats.shed++;
		return;
	}
	tp_deliver_shed(tp, data, len, &from, shed);
}

/* A callback may have closed endpoints: is it still this one? */
struct watch {
	struct sip_tp *tp;
	uint64_t id;
	uint32_t closings;
};

static struct watch watch(const struct sip_ep *ep)
{
	return (struct watch){ ep->tp, ep->id, ep->tp->closings };
}

static bool alive(struct watch *w)
{
	if (w->closings == w->tp->closings)
		return true;
	for (struct sip_ep *ep = w->tp->eps; ep; ep = ep->next)
		if (ep->id == w->id) {
			w->closings = w->tp->closings;
			return true;
		}
	return false;
}

static int rx_batch(struct sip_ep *ep, struct watch *w)
{
	struct sip_tp *tp = ep->tp;
	struct udp_rx *r = rx_ring(tp);
	bool stamps = tp->shed.target_ms;
	uint64_t wall = stamps ? wall_usec() : 0;
	int n;

	if (!r)
		return 0;
	if (r->stamps != stamps)
		r->dirty = RX_BATCH;
	r->stamps = stamps;
	rx_prepare(r, r->dirty, stamps);
	n = recvmmsg(ep->udp.fd, r->msgs, RX_BATCH, MSG_DONTWAIT, NULL);
	r->dirty = MAX(n, 0);
	for (int i = 0; i < n && alive(w); i++)
		rx_one(ep, r, i, wall);
	return n;
}

static void icmp_report(struct sip_ep *ep, struct msghdr *h, int err, struct str quoted)
{
	struct sip_path path = { .ep = ep, .proto = SIP_UDP };
	struct sip_tp *tp = ep->tp;

	if (h->msg_namelen > sizeof(path.peer.ss))
		return;
	memcpy(&path.peer, h->msg_name, h->msg_namelen);
	if (tp->icmp)
		tp->icmp(tp->arg, &path, err, quoted);
	else
		tp_error(tp, &path, err);
}

/* One entry of the socket's error queue. False: empty. */
static bool rx_icmp(struct sip_ep *ep)
{
	union sip_sa to = { 0 };
	char data[2048], ctl[512] __attribute__((aligned(8)));
	struct iovec iov = { data, sizeof(data) };
	struct msghdr h = {
		.msg_name = &to,
		.msg_namelen = sizeof(to.ss),
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = ctl,
		.msg_controllen = sizeof(ctl),
	};
	ssize_t n = recvmsg(ep->udp.fd, &h, MSG_ERRQUEUE | MSG_DONTWAIT);
	struct sock_extended_err ee;

	if (n < 0)
		return false;
	for (struct cmsghdr *c = CMSG_FIRSTHDR(&h); c; c = CMSG_NXTHDR(&h, c)) {
		bool v4 = c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_RECVERR;
		bool v6 = c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_RECVERR;

		if (!v4 && !v6)
			continue;
		memcpy(&ee, CMSG_DATA(c), sizeof(ee));
		if (ee.ee_origin != SO_EE_ORIGIN_ICMP && ee.ee_origin != SO_EE_ORIGIN_ICMP6)
			continue;
		if (ee.ee_errno == EMSGSIZE) /* path MTU: the kernel fragments */
			continue;
		icmp_report(ep, &h, -(int)ee.ee_errno, (struct str){ data, n });
		break;
	}
	return true;
}

static void on_udp(struct loop_io *io, uint32_t revents)
{
	struct sip_ep *ep = container_of(io, struct sip_ep, udp);
	struct watch w = watch(ep);

	if (revents & EPOLLERR)
		for (int i = 0; i < RX_BATCH && alive(&w) && rx_icmp(ep); i++)
			;
	for (int i = 0; i < RX_ROUNDS && alive(&w); i++)
		if (rx_batch(ep, &w) < RX_BATCH)
			break;
}

/* --- sending --- */

static void tx_failed(struct sip_ep *ep, const union sip_sa *to, int err, const struct iovec *data)
{
	struct sip_path path = { .ep = ep, .proto = SIP_UDP, .peer = *to };

	if (err == -EAGAIN ||
	    err == -ENOBUFS) /* as if lost on the way: the transactions retransmit */
		return;
	if (ep->tp->icmp && !ep->tp->dead)
		ep->tp->icmp(ep->tp->arg, &path, err,
			     (struct str){ data->iov_base, data->iov_len });
	else
		tp_error(ep->tp, &path, err);
}

/* A pending ICMP error is reported by the next system call, which then sent nothing: once more. */
static bool pending_error(int e)
{
	return e == ECONNREFUSED || e == EHOSTUNREACH || e == ENETUNREACH || e == ENOPROTOOPT ||
	       e == EPROTO || e == EINTR || e == EHOSTDOWN || e == EACCES;
}

static int send_now(struct sip_ep *ep, const union sip_sa *peer, const struct tp_out *o, size_t n)
{
	_cleanup_free_ char *buf = malloc(n);

	if (!buf)
		return -ENOMEM;
	n = tp_out_write(o, buf, n);
	for (int i = 0; i < 3; i++) {
		if (sendto(ep->udp.fd, buf, n, MSG_DONTWAIT | MSG_NOSIGNAL, &peer->sa,
			   sip_sa_len(peer)) >= 0)
			return 0;
		if (!pending_error(errno))
			break;
	}
	return -errno;
}

void tp_udp_flush(struct sip_ep *ep)
{
	struct udp_batch *b = ep->tx;
	unsigned int i = 0;
	int tries = 0;

	if (!b || !b->n || b->flushing)
		return;
	b->flushing = true;
	while (i < b->n) {
		int n = sendmmsg(ep->udp.fd, b->msgs + i, b->n - i, MSG_DONTWAIT | MSG_NOSIGNAL);

		if (n > 0) {
			i += n;
			tries = 0;
			continue;
		}
		if (pending_error(errno) && tries++ < 2)
			continue;
		ep->tp->stats.tx_errors++;
		tx_failed(ep, &b->to[i], -errno, &b->iov[i]);
		i++;
		tries = 0;
	}
	b->n = 0;
	b->used = 0;
	b->flushing = false;
}

static struct udp_batch *batch(struct sip_ep *ep)
{
	if (!ep->tx) {
		ep->tx = malloc(sizeof(*ep->tx));
		if (!ep->tx)
			return NULL;
		ep->tx->n = 0;
		ep->tx->used = 0;
		ep->tx->flushing = false;
	}
	return ep->tx;
}

int tp_udp_send(struct sip_ep *ep, const union sip_sa *peer, const struct tp_out *o)
{
	size_t n = tp_out_size(o);
	struct udp_batch *b = batch(ep);

	if (n > UDP_MAX)
		return -EMSGSIZE;
	if (!b || b->flushing)
		return send_now(ep, peer, o, n);
	if (b->n == TX_BATCH || b->used + n > TX_BYTES)
		tp_udp_flush(ep);
	n = tp_out_write(o, b->buf + b->used, TX_BYTES - b->used);
	if (!n)
		return -EINVAL;
	b->to[b->n] = *peer;
	b->iov[b->n] = (struct iovec){ b->buf + b->used, n };
	b->msgs[b->n].msg_hdr = (struct msghdr){
		.msg_name = &b->to[b->n],
		.msg_namelen = sip_sa_len(peer),
		.msg_iov = &b->iov[b->n],
		.msg_iovlen = 1,
	};
	b->n++;
	b->used += n;
	tp_want_flush(ep);
	return 0;
}

/* --- sockets --- */

int tp_bind(int fd, const union sip_sa *a, const char *device)
{
	if (*device && setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, device, strlen(device) + 1) < 0)
		return -errno;
	return bind(fd, &a->sa, sip_sa_len(a)) < 0 ? -errno : 0;
}

int tp_socket(const struct sip_ep *ep, int type)
{
	sa_family_t family = ep->local.sa.sa_family;
	int one = 1, fd = socket(family, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return -errno;
	if (family == AF_INET6)
		setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &one, sizeof(one));
	return fd;
}

static void set_buffer(int fd, int force_opt, int opt, int size)
{
	if (setsockopt(fd, SOL_SOCKET, force_opt, &size, sizeof(size)) < 0)
		setsockopt(fd, SOL_SOCKET, opt, &size, sizeof(size));
}

static void udp_options(int fd, sa_family_t family, int rcvbuf)
{
	int one = 1;

	set_buffer(fd, SO_RCVBUFFORCE, SO_RCVBUF, rcvbuf ? rcvbuf : DEFAULT_RCVBUF);
	set_buffer(fd, SO_SNDBUFFORCE, SO_SNDBUF, DEFAULT_RCVBUF);
	setsockopt(fd, SOL_SOCKET, SO_TIMESTAMPNS, &one, sizeof(one));
	if (family == AF_INET)
		setsockopt(fd, IPPROTO_IP, IP_RECVERR, &one, sizeof(one));
	else
		setsockopt(fd, IPPROTO_IPV6, IPV6_RECVERR, &one, sizeof(one));
}

int tp_udp_open(struct sip_ep *ep, int rcvbuf)
{
	int fd = tp_socket(ep, SOCK_DGRAM), r;
	socklen_t len = sizeof(ep->local.ss);

	if (fd < 0)
		return fd;
	udp_options(fd, ep->local.sa.sa_family, rcvbuf);
	ep->udp = (struct loop_io){ .fd = fd, .events = EPOLLIN, .fn = on_udp };
	r = tp_bind(fd, &ep->local, ep->device);
	if (r < 0)
		return r;
	if (!sip_sa_port(&ep->local) && getsockname(fd, &ep->local.sa, &len) < 0) /* port 0: any */
		return -errno;
	return loop_io_add(ep->tp->loop, &ep->udp);
}

void tp_udp_close(struct sip_ep *ep)
{
	if (ep->udp.fd >= 0) {
		tp_udp_flush(ep);
		loop_io_del(ep->tp->loop, &ep->udp);
		close(ep->udp.fd);
		ep->udp.fd = -1;
	}
	free(ep->tx);
	ep->tx = NULL;
}
