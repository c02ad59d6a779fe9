// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * IPv6 address autoconfiguration of a phone (RFC 4861 6.3, TS 23.401 5.3.1.2.2): a Router Solicitation through the default
 * bearer from the link-local address of the interface identifier in the PAA, and the Router Advertisement that
 * comes back in the tunnel. Without one within ra_wait the prefix of the PAA is used.
 *
 * Both go past the rules of the user plane: the solicitation is written as a G-PDU by hand, the advertisement read
 * with a packet socket where it arrives.
 */
#include <net/ethernet.h>
#include <netinet/icmp6.h>
#include <netinet/in.h>
#include <netinet/ip6.h>
#include <netpacket/packet.h>
#include <stdio.h>
#include <sys/epoll.h>

#include "report.h"
#include "sgw_priv.h"

#define G_PDU	      255
#define PREFIX_OPTION 3 /* RFC 4861 4.6.2 */

static uint16_t checksum(const struct ip6_hdr *ip, const void *p, size_t n)
{
	const uint8_t *at = (const uint8_t *)&ip->ip6_src, *body = p;
	uint32_t sum = (uint32_t)n + IPPROTO_ICMPV6;

	for (size_t i = 0; i < 32; i += 2)
		sum += (uint32_t)(at[i] << 8 | at[i + 1]);
	for (size_t i = 0; i < n; i++)
		sum += i & 1 ? body[i] : (uint32_t)body[i] << 8;
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return htons((uint16_t)~sum);
}

static void link_local(const struct pdn *n, struct in6_addr *ret)
{
	*ret = (struct in6_addr){ .s6_addr = { 0xfe, 0x80 } };
	memcpy(&ret->s6_addr[8], &n->paa.ip6.s6_addr[8], 8);
}

struct solicitation {
	uint8_t gtp[8];
	struct ip6_hdr ip;
	struct nd_router_solicit rs;
} __attribute__((packed));

static void write_solicitation(const struct pdn *n, struct solicitation *s)
{
	uint16_t len = sizeof(*s) - sizeof(s->gtp);
	uint32_t teid = n->bearer[0].peer_teid;
	struct ip6_hdr ip = { .ip6_dst = { .s6_addr = { 0xff, 2, [15] = 2 } } };
	struct nd_router_solicit rs = { .nd_rs_type = ND_ROUTER_SOLICIT };

	ip.ip6_vfc = 0x60;
	ip.ip6_plen = htons(sizeof(rs));
	ip.ip6_nxt = IPPROTO_ICMPV6;
	ip.ip6_hlim = 255;
	link_local(n, &ip.ip6_src);
	rs.nd_rs_cksum = checksum(&ip, &rs, sizeof(rs));
	memcpy(s->gtp,
	       (uint8_t[]){ 0x30, G_PDU, (uint8_t)(len >> 8), (uint8_t)len, (uint8_t)(teid >> 24),
			    (uint8_t)(teid >> 16), (uint8_t)(teid >> 8), (uint8_t)teid },
	       8);
	s->ip = ip;
	s->rs = rs;
}

/* From the node's address, any port: port 2152 is the kernel's. */
static int send_solicitation(struct pdn *n)
{
	const struct bearer *b = &n->bearer[0];
	const struct sockaddr_storage *user =
		n->gtpu == GTPU_PFCP ? sx_user(n->a, b->peer.ss_family == AF_INET6) : NULL;
	struct sockaddr_storage from = user ? *user : n->node->local[b->peer.ss_family == AF_INET6];
	_cleanup_netns_ int back = netns_enter(&n->a->ns);
	struct solicitation s;
	_cleanup_close_ int fd = -1;
	socklen_t len = from.ss_family == AF_INET6 ? sizeof(struct sockaddr_in6)
						   : sizeof(struct sockaddr_in);

	if (back < -1)
		return back + 1;
	if (from.ss_family == AF_INET6)
		((struct sockaddr_in6 *)&from)->sin6_port = 0;
	else
		((struct sockaddr_in *)&from)->sin_port = 0;
	fd = socket(from.ss_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0 || bind(fd, (struct sockaddr *)&from, len))
		return -errno;
	write_solicitation(n, &s);
	return sendto(fd, &s, sizeof(s), 0, (const struct sockaddr *)&b->peer, len) < 0 ? -errno
											: 0;
}

/* --- what comes back --- */

static bool take_prefix(struct pdn *n, const uint8_t *p, size_t size)
{
	for (size_t at = sizeof(struct nd_router_advert); at + 8 <= size;) {
		size_t len = p[at + 1] * 8u;

		if (!len || len > size - at)
			return false;
		if (p[at] == PREFIX_OPTION && len == 32 && p[at + 2] == 64) {
			memcpy(n->paa.ip6.s6_addr, p + at + 16, 8);
			return true;
		}
		at += len;
	}
	return false;
}

static void end(struct pdn *n, bool heard)
{
	void (*done)(struct pdn *) = n->ra_done;

	if (!done)
		return;
	n->ra_done = NULL;
	n->ra_heard = heard;
	timer_stop(n->a->ue->loop, &n->ra_timer);
	report_phone(n->p, "router-advertisement", json_pack("{s:b}", "heard", heard));
	done(n);
}

/* The phone that a G-PDU's TEID belongs to; its default bearer. */
static struct pdn *by_tunnel(struct access *a, uint32_t teid)
{
	const struct ue *ue = a->ue;

	for (size_t i = 0; i < ue->n_phones; i++)
		for (struct pdn *n = ue->phones[i]->pdns; n; n = n->next)
			if (n->ra_done && n->bearer[0].teid == teid)
				return n;
	return NULL;
}

/* An advertisement has the hop limit that no router has touched (RFC 4861 6.1.2), a right checksum, and comes from a link. */
static void take_inner(struct pdn *n, const uint8_t *p, size_t size)
{
	struct nd_router_advert *ra;
	uint8_t copy[1500];
	struct ip6_hdr ip;
	uint16_t sum;

	if (size < sizeof(ip) + sizeof(*ra) || size > sizeof(copy))
		return;
	memcpy(&ip, p, sizeof(ip));
	size -= sizeof(ip);
	memcpy(copy, p + sizeof(ip), size);
	ra = (struct nd_router_advert *)copy;
	if (ip.ip6_nxt != IPPROTO_ICMPV6 || ip.ip6_hlim != 255 || ntohs(ip.ip6_plen) != size ||
	    ra->nd_ra_type != ND_ROUTER_ADVERT || !IN6_IS_ADDR_LINKLOCAL(&ip.ip6_src))
		return;
	sum = ra->nd_ra_cksum;
	ra->nd_ra_cksum = 0;
	if (checksum(&ip, copy, size) == sum && take_prefix(n, copy, size))
		end(n, true);
}

static void take_gtpu(struct access *a, const uint8_t *p, size_t size)
{
	size_t head = size > 8 && (p[0] & 7) ? 12 : 8;
	uint32_t teid;
	struct pdn *n;

	if (size < head + 40 || p[1] != G_PDU || (p[0] & 4) || p[head] >> 4 != 6)
		return;
	teid = (uint32_t)p[4] << 24 | (uint32_t)p[5] << 16 | (uint32_t)p[6] << 8 | p[7];
	n = by_tunnel(a, teid);
	if (n)
		take_inner(n, p + head, size - head);
}

/* An IP packet as a packet socket has it: is it UDP to port 2152? */
static void take_outer(struct access *a, const uint8_t *p, size_t size)
{
	size_t head;

	if (size < 48)
		return;
	head = p[0] >> 4 == 4 ? (p[0] & 15) * 4u : 40;
	if ((p[0] >> 4 == 4 ? p[9] : p[6]) != IPPROTO_UDP || size < head + 8 + 8)
		return;
	if ((p[head + 2] << 8 | p[head + 3]) == GTPU_PORT)
		take_gtpu(a, p + head + 8, size - head - 8);
}

static void on_packet(struct loop_io *io, uint32_t revents _unused_)
{
	struct access *a = container_of(io, struct access, ra_io);
	uint8_t buf[2048];
	ssize_t n;

	while ((n = recv(io->fd, buf, sizeof(buf), MSG_DONTWAIT)) > 0)
		take_outer(a, buf, (size_t)n);
}

static int open_socket(struct access *a)
{
	_cleanup_netns_ int back = a->ra_fd >= 0 ? -1 : netns_enter(&a->ns);
	int r;

	if (back < -1 || a->ra_fd >= 0)
		return back < -1 ? back + 1 : 0;
	a->ra_fd = socket(AF_PACKET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, htons(ETH_P_ALL));
	if (a->ra_fd < 0)
		return -errno;
	a->ra_io = (struct loop_io){ .fd = a->ra_fd, .events = EPOLLIN, .fn = on_packet };
	r = loop_io_add(a->ue->loop, &a->ra_io);
	if (r) {
		close(a->ra_fd);
		a->ra_fd = -1;
	}
	return r;
}

void ra_close(struct access *a)
{
	if (a->ra_fd < 0)
		return;
	loop_io_del(a->ue->loop, &a->ra_io);
	close(a->ra_fd);
	a->ra_fd = -1;
}

static void on_silence(struct timer *t)
{
	end(container_of(t, struct pdn, ra_timer), false);
}

int ra_start(struct pdn *n, void (*done)(struct pdn *n))
{
	int r = open_socket(n->a);

	if (!r)
		r = send_solicitation(n);
	if (r)
		return r;
	n->ra_done = done;
	n->ra_timer.fn = on_silence;
	timer_start(n->a->ue->loop, &n->ra_timer, n->a->conf.ra_wait);
	return 0;
}
