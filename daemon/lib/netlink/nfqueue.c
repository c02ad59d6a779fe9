// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The reader of an NFQUEUE of kims.ko; nfqueue.h.
 *
 * What comes is a G-PDU with its outer headers (uplink) or the packet for the UE (downlink). kims.ko has checked both
 * before; here they are taken apart again without trusting that, since a rule of nftables may queue anything here.
 *
 * Invariant: every packet gets exactly one verdict, unless the callback says KNL_NFQ_LATER.
 */
#include <arpa/inet.h>
#include <linux/netfilter.h>
#include <linux/netlink.h>
#include <libnetfilter_queue/libnetfilter_queue.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include "lib/netlink/nfqueue.h"

#define RANGE 2048 /* octets of a packet that we look at */
#define RCVBUF (4 << 20)

struct knl_nfq {
	struct nfq_handle *h;
	struct nfq_q_handle *q;
	uint16_t gtpu_port;
	knl_nfq_fn fn;
	void *arg;
	unsigned int seen;
	char buffer[RANGE + 1024] __attribute__((aligned(NLMSG_ALIGNTO)));
};

/* --- taking apart --- */

static uint16_t get16(const uint8_t *p)
{
	return (uint16_t)(p[0] << 8 | p[1]);
}

/* An IP packet without extension headers, no later fragment. */
struct ip {
	struct xfrm_addr src, dst;
	uint8_t protocol;
	size_t l4, end;
};

static int read_ip4(const uint8_t *p, size_t len, struct ip *ret)
{
	ret->l4 = (p[0] & 15u) * 4u;
	ret->end = MIN((size_t)get16(p + 2), len);
	if (ret->l4 < 20 || ret->l4 > ret->end || (get16(p + 6) & 0x1fff))
		return -EBADMSG;
	ret->protocol = p[9];
	ret->src = (struct xfrm_addr){ .family = AF_INET };
	ret->dst = (struct xfrm_addr){ .family = AF_INET };
	memcpy(&ret->src.v4, p + 12, 4);
	memcpy(&ret->dst.v4, p + 16, 4);
	return 0;
}

static int read_ip6(const uint8_t *p, size_t len, struct ip *ret)
{
	ret->l4 = 40;
	ret->end = MIN((size_t)get16(p + 4) + 40, len);
	ret->protocol = p[6];
	ret->src = (struct xfrm_addr){ .family = AF_INET6 };
	ret->dst = (struct xfrm_addr){ .family = AF_INET6 };
	memcpy(&ret->src.v6, p + 8, 16);
	memcpy(&ret->dst.v6, p + 24, 16);
	return 0;
}

static int read_ip(const uint8_t *p, size_t len, struct ip *ret)
{
	if (len >= 20 && p[0] >> 4 == 4)
		return read_ip4(p, len, ret);
	return len >= 40 && p[0] >> 4 == 6 ? read_ip6(p, len, ret) : -EBADMSG;
}

/* Length of the GTP-U header of a G-PDU (TS 29.281 5.1) with its extension headers; 0: none. */
static size_t gtpu_length(const uint8_t *p, size_t len)
{
	size_t at = 12;
	uint8_t next;

	if (len < 8 || (p[0] & 0xf0) != 0x30 || p[1] != 255)
		return 0;
	if (!(p[0] & 7))
		return 8;
	if (len < 12)
		return 0;
	for (next = p[0] & 4 ? p[11] : 0; next; next = p[at - 1]) {
		if (at >= len || !p[at] || p[at] * 4u > len - at)
			return 0;
		at += p[at] * 4u;
	}
	return at;
}

static int read_outer(const uint8_t *data, size_t len, const struct ip *ip, uint16_t port,
		      struct knl_nfq_packet *ret)
{
	const uint8_t *udp = data + ip->l4, *gtp = udp + 8;
	size_t header;

	if (ip->end < ip->l4 + 16 || get16(udp + 2) != port)
		return -ENOENT;
	header = gtpu_length(gtp, ip->end - ip->l4 - 8);
	if (!header || len < ip->l4 + 8 + header)
		return -EBADMSG;
	ret->uplink = true;
	ret->teid = (uint32_t)get16(gtp + 4) << 16 | get16(gtp + 6);
	ret->local = ip->dst;
	ret->inner = gtp + header;
	ret->inner_len = ip->end - ip->l4 - 8 - header;
	return 0;
}

static size_t transport_length(uint8_t protocol, const uint8_t *p, size_t len)
{
	if (protocol == IPPROTO_UDP)
		return len >= 8 ? 8 : 0;
	if (protocol != IPPROTO_TCP || len < 20 || p[12] >> 4 < 5)
		return 0;
	return (p[12] >> 4) * 4u <= len ? (p[12] >> 4) * 4u : 0;
}

static int read_inner(struct knl_nfq_packet *ret)
{
	struct knl_end *from = ret->uplink ? &ret->flow.ue : &ret->flow.remote;
	struct knl_end *to = ret->uplink ? &ret->flow.remote : &ret->flow.ue;
	const uint8_t *l4;
	struct ip ip;
	size_t n;
	int r;

	r = read_ip(ret->inner, ret->inner_len, &ip);
	if (r < 0)
		return r;
	ret->flow.protocol = ip.protocol;
	from->addr = ip.src;
	to->addr = ip.dst;
	l4 = ret->inner + ip.l4;
	n = transport_length(ip.protocol, l4, ip.end - ip.l4);
	if (n || (ip.protocol == IPPROTO_SCTP && ip.end - ip.l4 >= 4)) {
		from->port = get16(l4);
		to->port = get16(l4 + 2);
	}
	if (n) {
		ret->payload = l4 + n;
		ret->payload_len = ip.end - ip.l4 - n;
	}
	return 0;
}

int knl_nfq_parse(const uint8_t *data, size_t len, uint16_t gtpu_port, struct knl_nfq_packet *ret)
{
	struct ip ip;
	int r;

	*ret = (struct knl_nfq_packet){ .inner = data, .inner_len = len };
	r = read_ip(data, len, &ip);
	if (r < 0)
		return r;
	if (ip.protocol == IPPROTO_UDP) {
		r = read_outer(data, len, &ip, gtpu_port, ret);
		if (r == -EBADMSG)
			return r;
	}
	return read_inner(ret);
}

/* --- the queue --- */

int knl_nfq_verdict(struct knl_nfq *q, uint32_t id, enum knl_nfq_verdict v)
{
	static const uint32_t verdicts[] = {
		[KNL_NFQ_AGAIN] = NF_REPEAT,
		[KNL_NFQ_UNDECIDED] = NF_ACCEPT,
		[KNL_NFQ_DROP] = NF_DROP,
	};

	if (v == KNL_NFQ_LATER)
		return 0;
	return nfq_set_verdict(q->q, id, verdicts[v], 0, NULL) < 0 ? -errno : 0;
}

static int on_packet(struct nfq_q_handle *qh _unused_, struct nfgenmsg *msg _unused_,
		     struct nfq_data *d, void *arg)
{
	struct nfqnl_msg_packet_hdr *hdr = nfq_get_msg_packet_hdr(d);
	struct knl_nfq *q = arg;
	struct knl_nfq_packet p;
	unsigned char *data;
	uint32_t id;
	int n;

	if (!hdr)
		return 0;
	id = ntohl(hdr->packet_id);
	q->seen++;
	n = nfq_get_payload(d, &data);
	if (n <= 0 || knl_nfq_parse(data, (size_t)n, q->gtpu_port, &p) < 0)
		return knl_nfq_verdict(q, id, KNL_NFQ_UNDECIDED);
	p.id = id;
	return knl_nfq_verdict(q, id, q->fn(q->arg, &p));
}

static int set_up(struct knl_nfq *q, uint16_t queue)
{
	int size = RCVBUF, one = 1, fd;

	q->h = nfq_open();
	if (!q->h)
		return errno == EPERM ? -EPERM : -EOPNOTSUPP;
	q->q = nfq_create_queue(q->h, queue, on_packet, q);
	if (!q->q)
		return errno == EPERM || errno == EBUSY ? -errno : -EOPNOTSUPP;
	if (nfq_set_mode(q->q, NFQNL_COPY_PACKET, RANGE) < 0 ||
	    nfq_set_queue_maxlen(q->q, KNL_NFQ_LENGTH) < 0 ||
	    nfq_set_queue_flags(q->q, NFQA_CFG_F_FAIL_OPEN, NFQA_CFG_F_FAIL_OPEN) < 0)
		return -EOPNOTSUPP;
	fd = nfq_fd(q->h);
	setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size));
	setsockopt(fd, SOL_NETLINK, NETLINK_NO_ENOBUFS, &one, sizeof(one));
	return 0;
}

int knl_nfq_open(uint16_t queue, uint16_t gtpu_port, knl_nfq_fn fn, void *arg, struct knl_nfq **ret)
{
	struct knl_nfq *q = calloc(1, sizeof(*q));
	int r;

	if (!q)
		return -ENOMEM;
	q->gtpu_port = gtpu_port;
	q->fn = fn;
	q->arg = arg;
	r = set_up(q, queue);
	if (r < 0) {
		knl_nfq_close(q);
		return r;
	}
	*ret = q;
	return 0;
}

int knl_nfq_fd(const struct knl_nfq *q)
{
	return nfq_fd(q->h);
}

int knl_nfq_read(struct knl_nfq *q, unsigned int max)
{
	ssize_t n;

	q->seen = 0;
	while (q->seen < max) {
		n = recv(nfq_fd(q->h), q->buffer, sizeof(q->buffer), MSG_DONTWAIT);
		if (n < 0 && (errno == EAGAIN || errno == EINTR))
			break;
		if (n < 0)
			return -errno;
		nfq_handle_packet(q->h, q->buffer, (int)n);
	}
	return (int)q->seen;
}

void knl_nfq_close(struct knl_nfq *q)
{
	if (!q)
		return;
	if (q->q)
		nfq_destroy_queue(q->q);
	if (q->h)
		nfq_close(q->h);
	free(q);
}
