// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A kimsmon device and a packet socket on it.
 *
 * The kernel tells the session of a packet as its link-layer address (8 octets in network byte
 * order) and the direction as that of the packet. Invariant: what has no session is not reported.
 */
#include <endian.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <netlink/route/link.h>
#include <sys/socket.h>
#include <time.h>

#include "lib/netlink/mon.h"

#define MON_RCVBUF (16 << 20)

struct knl_mon {
	struct nl_sock *rtnl;
	char name[IFNAMSIZ];
	bool made;
	int fd;
	uint8_t data[1 << 17];
};

/* libnl's error as an errno. */
static int from_libnl(int r)
{
	switch (-r) {
	case NLE_SUCCESS:
		return 0;
	case NLE_PERM:
		return -EPERM;
	case NLE_EXIST:
		return -EEXIST;
	case NLE_NOMEM:
		return -ENOMEM;
	default:
		return -EOPNOTSUPP;
	}
}

static int make_device(struct knl_mon *m)
{
	struct rtnl_link *link = rtnl_link_alloc();
	int r;

	if (!link)
		return -ENOMEM;
	rtnl_link_set_name(link, m->name);
	rtnl_link_set_flags(link, IFF_UP);
	r = rtnl_link_set_type(link, "kimsmon");
	if (!r)
		r = rtnl_link_add(m->rtnl, link, NLM_F_CREATE | NLM_F_EXCL);
	rtnl_link_put(link);
	m->made = !r;
	return from_libnl(r);
}

static int open_socket(struct knl_mon *m)
{
	struct sockaddr_ll at = { .sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_ALL) };
	int size = MON_RCVBUF;

	m->fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (m->fd < 0)
		return -errno;
	setsockopt(m->fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size));
	at.sll_ifindex = (int)if_nametoindex(m->name);
	return bind(m->fd, (struct sockaddr *)&at, sizeof(at)) < 0 ? -errno : 0;
}

int knl_mon_open(struct knl_mon **ret)
{
	struct knl_mon *m = calloc(1, sizeof(*m));
	int r;

	if (!m)
		return -ENOMEM;
	m->fd = -1;
	snprintf(m->name, sizeof(m->name), "kimsmon%u", (unsigned int)getpid() % 1000000);
	m->rtnl = nl_socket_alloc();
	r = m->rtnl ? from_libnl(nl_connect(m->rtnl, NETLINK_ROUTE)) : -ENOMEM;
	if (!r)
		r = make_device(m);
	if (!r)
		r = open_socket(m);
	if (r < 0) {
		knl_mon_close(m);
		return r;
	}
	*ret = m;
	return 0;
}

int knl_mon_fd(const struct knl_mon *m)
{
	return m->fd;
}

int knl_mon_read(struct knl_mon *m, struct knl_mon_packet *ret)
{
	struct sockaddr_ll from;
	socklen_t from_len;
	uint64_t session;
	ssize_t n;

	do {
		from_len = sizeof(from);
		n = recvfrom(m->fd, m->data, sizeof(m->data), MSG_TRUNC, (struct sockaddr *)&from,
			     &from_len);
		if (n < 0)
			return errno == EAGAIN || errno == EINTR ? 0 : -errno;
	} while (from_len < offsetof(struct sockaddr_ll, sll_addr) + 8 || from.sll_halen != 8 || !n);
	memcpy(&session, from.sll_addr, sizeof(session));
	*ret = (struct knl_mon_packet){
		.session = be64toh(session),
		.uplink = from.sll_pkttype != PACKET_OUTGOING,
		.data = m->data,
		.len = MIN((size_t)n, sizeof(m->data)),
		.whole = (size_t)n,
	};
	clock_gettime(CLOCK_REALTIME, &ret->at);
	return 1;
}

unsigned int knl_mon_lost(struct knl_mon *m)
{
	struct tpacket_stats s = { 0 };
	socklen_t len = sizeof(s);

	return getsockopt(m->fd, SOL_PACKET, PACKET_STATISTICS, &s, &len) < 0 ? 0 : s.tp_drops;
}

static void delete_device(struct knl_mon *m)
{
	struct rtnl_link *link = rtnl_link_alloc();

	if (!link)
		return;
	rtnl_link_set_name(link, m->name);
	rtnl_link_delete(m->rtnl, link);
	rtnl_link_put(link);
}

void knl_mon_close(struct knl_mon *m)
{
	if (!m)
		return;
	if (m->fd >= 0)
		close(m->fd);
	if (m->made)
		delete_device(m);
	nl_socket_free(m->rtnl);
	free(m);
}
