// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Bearers of the kernel's gtp.ko, as declared in rt.h (linux/gtp.h, linux/if_link.h: IFLA_GTP_*). The device
 * is in the role of an SGSN: uplink packets find their bearer by the source address.
 */
#include <linux/gtp.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <netlink/attr.h>
#include <netlink/genl/ctrl.h>
#include <netlink/genl/genl.h>
#include <netlink/msg.h>
#include <netlink/netlink.h>
#include <stdio.h>

#include "lib/netlink/rt_priv.h"

#define GTP0_PORT 3386
#define GTP1_PORT 2152
#define HASH_SIZE 4096

struct knl_gtp_ko {
	struct nl_sock *sock;
	struct knl_rt *r;
	int family, fd[2];
	uint32_t index;
	char name[IFNAMSIZ];
};

static int bound(struct in_addr local, uint16_t port)
{
	struct sockaddr_in a = { .sin_family = AF_INET,
				 .sin_addr = local,
				 .sin_port = htons(port) };
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), e;

	if (fd >= 0 && !bind(fd, (struct sockaddr *)&a, sizeof(a)))
		return fd;
	e = -errno;
	if (fd >= 0)
		close(fd);
	return e;
}

static int put_info(struct nl_msg *m, const struct knl_gtp_ko *g)
{
	struct nlattr *info = nla_nest_start(m, IFLA_LINKINFO), *data;

	if (!info || nla_put_string(m, IFLA_INFO_KIND, "gtp"))
		return -1;
	data = nla_nest_start(m, IFLA_INFO_DATA);
	if (!data || nla_put_u32(m, IFLA_GTP_FD0, (uint32_t)g->fd[0]) ||
	    nla_put_u32(m, IFLA_GTP_FD1, (uint32_t)g->fd[1]) ||
	    nla_put_u32(m, IFLA_GTP_PDP_HASHSIZE, HASH_SIZE) ||
	    nla_put_u32(m, IFLA_GTP_ROLE, GTP_ROLE_SGSN))
		return -1;
	nla_nest_end(m, data);
	nla_nest_end(m, info);
	return 0;
}

static int make_device(struct knl_gtp_ko *g)
{
	struct nl_msg *m = knl_rt_link_msg(RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, g->name);
	int e;

	if (!m || put_info(m, g)) {
		nlmsg_free(m);
		return -ENOMEM;
	}
	e = knl_rt_send(g->r, m, "device of gtp.ko");
	return e ? e : knl_rt_link(g->r, g->name, &g->index, NULL);
}

static int open_family(struct knl_gtp_ko *g)
{
	g->sock = nl_socket_alloc();
	if (!g->sock)
		return -ENOMEM;
	if (genl_connect(g->sock))
		return knl_rt_fail(g->r, -EPERM, "generic netlink");
	g->family = genl_ctrl_resolve(g->sock, "gtp");
	return g->family < 0 ? knl_rt_fail(g->r, -EOPNOTSUPP, "gtp.ko") : 0;
}

int knl_gtp_ko_open(struct knl_rt *r, const char *name, struct in_addr local,
		    struct knl_gtp_ko **ret)
{
	struct knl_gtp_ko *g = calloc(1, sizeof(*g));
	int e = 0;

	if (!g)
		return -ENOMEM;
	g->r = r;
	snprintf(g->name, sizeof(g->name), "%s", name);
	g->fd[0] = bound(local, GTP0_PORT);
	g->fd[1] = bound(local, GTP1_PORT);
	if (g->fd[0] < 0 || g->fd[1] < 0)
		e = knl_rt_fail(r, g->fd[1] < 0 ? g->fd[1] : g->fd[0], "socket for gtp.ko");
	if (!e)
		e = make_device(g);
	if (!e)
		e = open_family(g);
	if (e)
		knl_gtp_ko_close(g);
	else
		*ret = g;
	return e;
}

void knl_gtp_ko_close(struct knl_gtp_ko *g)
{
	if (!g)
		return;
	if (g->index)
		knl_rt_link_del(g->r, g->name);
	if (g->sock)
		nl_socket_free(g->sock);
	for (int i = 0; i < 2; i++)
		if (g->fd[i] >= 0)
			close(g->fd[i]);
	free(g);
}

uint32_t knl_gtp_ko_index(const struct knl_gtp_ko *g)
{
	return g->index;
}

static struct nl_msg *request(struct knl_gtp_ko *g, uint8_t cmd, uint32_t teid)
{
	struct nl_msg *m = nlmsg_alloc();

	if (m && (!genlmsg_put(m, NL_AUTO_PORT, NL_AUTO_SEQ, g->family, 0,
			       NLM_F_REQUEST | NLM_F_ACK, cmd, 0) ||
		  nla_put_u32(m, GTPA_VERSION, 1) || nla_put_u32(m, GTPA_LINK, g->index) ||
		  nla_put_u32(m, GTPA_I_TEI, teid))) {
		nlmsg_free(m);
		return NULL;
	}
	return m;
}

static int transact(struct knl_gtp_ko *g, struct nl_msg *m, const char *what)
{
	int e = nl_send_auto(g->sock, m);

	nlmsg_free(m);
	if (e >= 0)
		e = nl_wait_for_ack(g->sock);
	if (e >= 0)
		return 0;
	return knl_rt_fail(g->r, e == -NLE_EXIST ? -EEXIST : -EINVAL, what);
}

int knl_gtp_ko_add(struct knl_gtp_ko *g, struct in_addr ue, struct in_addr peer, uint32_t teid,
		   uint32_t peer_teid)
{
	struct nl_msg *m = request(g, GTP_CMD_NEWPDP, teid);

	if (!m || nla_put_u32(m, GTPA_O_TEI, peer_teid) ||
	    nla_put_u32(m, GTPA_PEER_ADDRESS, peer.s_addr) ||
	    nla_put_u32(m, GTPA_MS_ADDRESS, ue.s_addr)) {
		nlmsg_free(m);
		return -ENOMEM;
	}
	return transact(g, m, "bearer of gtp.ko");
}

int knl_gtp_ko_del(struct knl_gtp_ko *g, uint32_t teid)
{
	struct nl_msg *m = request(g, GTP_CMD_DELPDP, teid);

	return m ? transact(g, m, "bearer of gtp.ko to remove") : -ENOMEM;
}
