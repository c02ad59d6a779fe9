// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Devices, addresses, routes and rules by rtnetlink, as declared in rt.h.
 */
#include <linux/fib_rules.h>
#include <linux/if_addr.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <netlink/attr.h>
#include <netlink/msg.h>
#include <netlink/netlink.h>
#include <stdio.h>

#include "lib/netlink/rt_priv.h"

static int error_of(int nle)
{
	switch (-nle) {
	case NLE_EXIST:
		return -EEXIST;
	case NLE_NODEV:
		return -ENODEV;
	case NLE_OBJ_NOTFOUND:
	case NLE_NOADDR:
		return -ESRCH;
	case NLE_OPNOTSUPP:
		return -EOPNOTSUPP;
	case NLE_PERM:
		return -EPERM;
	case NLE_NOMEM:
		return -ENOMEM;
	case NLE_NOACCESS:
		return -EACCES;
	case NLE_BUSY:
		return -EBUSY;
	default:
		return -EINVAL;
	}
}

int knl_rt_fail(struct knl_rt *r, int e, const char *what)
{
	snprintf(r->error, sizeof(r->error), "%s: %s", what, strerror(-e));
	return e;
}

int knl_rt_send(struct knl_rt *r, struct nl_msg *m, const char *what)
{
	int e = nl_send_auto(r->sock, m);

	nlmsg_free(m);
	if (e >= 0)
		e = nl_wait_for_ack(r->sock);
	return e < 0 ? knl_rt_fail(r, error_of(e), what) : 0;
}

int knl_rt_open(struct knl_rt **ret)
{
	struct knl_rt *r = calloc(1, sizeof(*r));
	int e;

	if (!r)
		return -ENOMEM;
	r->sock = nl_socket_alloc();
	e = r->sock ? nl_connect(r->sock, NETLINK_ROUTE) : -NLE_NOMEM;
	if (e < 0) {
		knl_rt_close(r);
		return error_of(e);
	}
	*ret = r;
	return 0;
}

void knl_rt_close(struct knl_rt *r)
{
	if (!r)
		return;
	if (r->sock)
		nl_socket_free(r->sock);
	free(r);
}

const char *knl_rt_error(const struct knl_rt *r)
{
	return r->error;
}

static size_t addr_len(const struct xfrm_addr *a)
{
	return a->family == AF_INET6 ? 16 : 4;
}

static int put_addr(struct nl_msg *m, int attr, const struct xfrm_addr *a)
{
	return a->family == AF_UNSPEC ? 0 : nla_put(m, attr, (int)addr_len(a), &a->v6);
}

/* --- devices --- */

struct link_query {
	uint32_t index, peer;
};

static int on_link(struct nl_msg *m, void *arg)
{
	struct nlmsghdr *h = nlmsg_hdr(m);
	struct link_query *q = arg;
	struct nlattr *peer;

	if (h->nlmsg_type != RTM_NEWLINK || !nlmsg_valid_hdr(h, sizeof(struct ifinfomsg)))
		return NL_SKIP;
	q->index = (uint32_t)((struct ifinfomsg *)nlmsg_data(h))->ifi_index;
	peer = nlmsg_find_attr(h, sizeof(struct ifinfomsg), IFLA_LINK);
	q->peer = peer && nla_len(peer) >= 4 ? nla_get_u32(peer) : q->index;
	return NL_OK;
}

int knl_rt_link(struct knl_rt *r, const char *name, uint32_t *ret_index, uint32_t *ret_peer)
{
	struct nl_msg *m = nlmsg_alloc_simple(RTM_GETLINK, 0);
	struct ifinfomsg ifi = { 0 };
	struct link_query q = { 0 };
	int e;

	if (!m)
		return -ENOMEM;
	if (nlmsg_append(m, &ifi, sizeof(ifi), NLMSG_ALIGNTO) ||
	    nla_put_string(m, IFLA_IFNAME, name)) {
		nlmsg_free(m);
		return -ENOMEM;
	}
	nl_socket_modify_cb(r->sock, NL_CB_VALID, NL_CB_CUSTOM, on_link, &q);
	e = nl_send_auto(r->sock, m);
	nlmsg_free(m);
	if (e >= 0)
		e = nl_recvmsgs_default(r->sock);
	if (e >= 0)
		nl_wait_for_ack(r->sock);
	nl_socket_modify_cb(r->sock, NL_CB_VALID, NL_CB_DEFAULT, NULL, NULL);
	if (e < 0 || !q.index)
		return knl_rt_fail(r, e < 0 ? error_of(e) : -ENODEV, name);
	*ret_index = q.index;
	if (ret_peer)
		*ret_peer = q.peer;
	return 0;
}

struct nl_msg *knl_rt_link_msg(int type, int flags, const char *name)
{
	struct nl_msg *m = nlmsg_alloc_simple(type, flags | NLM_F_ACK);
	struct ifinfomsg ifi = { .ifi_flags = IFF_UP, .ifi_change = IFF_UP };

	if (m && (nlmsg_append(m, &ifi, sizeof(ifi), NLMSG_ALIGNTO) ||
		  nla_put_string(m, IFLA_IFNAME, name))) {
		nlmsg_free(m);
		return NULL;
	}
	return m;
}

int knl_rt_link_new(struct knl_rt *r, const char *name, const char *kind, uint32_t *ret_index)
{
	struct nl_msg *m = knl_rt_link_msg(RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, name);
	struct nlattr *info = m ? nla_nest_start(m, IFLA_LINKINFO) : NULL;
	int e;

	if (!info || nla_put_string(m, IFLA_INFO_KIND, kind)) {
		nlmsg_free(m);
		return -ENOMEM;
	}
	nla_nest_end(m, info);
	e = knl_rt_send(r, m, name);
	if (e && e != -EEXIST)
		return e;
	return knl_rt_link(r, name, ret_index, NULL);
}

int knl_rt_link_del(struct knl_rt *r, const char *name)
{
	struct nl_msg *m = knl_rt_link_msg(RTM_DELLINK, 0, name);
	int e = m ? knl_rt_send(r, m, name) : -ENOMEM;

	return e == -ENODEV ? 0 : e;
}

/* --- addresses, routes, rules --- */

int knl_rt_addr(struct knl_rt *r, bool add, uint32_t index, const struct xfrm_addr *a, uint8_t bits)
{
	struct nl_msg *m = nlmsg_alloc_simple(add ? RTM_NEWADDR : RTM_DELADDR,
					      NLM_F_ACK | (add ? NLM_F_CREATE | NLM_F_EXCL : 0));
	struct ifaddrmsg ifa = { .ifa_family = (uint8_t)a->family,
				 .ifa_prefixlen = bits,
				 .ifa_flags = a->family == AF_INET6 ? IFA_F_NODAD : 0,
				 .ifa_index = index };
	int e;

	if (!m || nlmsg_append(m, &ifa, sizeof(ifa), NLMSG_ALIGNTO) || put_addr(m, IFA_LOCAL, a) ||
	    put_addr(m, IFA_ADDRESS, a)) {
		nlmsg_free(m);
		return -ENOMEM;
	}
	e = knl_rt_send(r, m, add ? "address" : "address to remove");
	return e == -EEXIST || (!add && (e == -ESRCH || e == -EINVAL)) ? 0 : e;
}

static int put_mtu(struct nl_msg *m, uint32_t mtu)
{
	struct nlattr *nest;

	if (!mtu)
		return 0;
	nest = nla_nest_start(m, RTA_METRICS);
	if (!nest || nla_put_u32(m, RTAX_MTU, mtu))
		return -1;
	nla_nest_end(m, nest);
	return 0;
}

static int put_route(struct nl_msg *m, const struct knl_route *o)
{
	bool onlink = o->via.family != AF_UNSPEC;
	struct rtmsg rt = { .rtm_family = (uint8_t)o->dst.family,
			    .rtm_dst_len = o->bits,
			    .rtm_table = o->table && o->table < 256 ? (uint8_t)o->table
					 : o->table		    ? RT_TABLE_COMPAT
								    : RT_TABLE_MAIN,
			    .rtm_protocol = RTPROT_STATIC,
			    .rtm_scope = onlink ? RT_SCOPE_UNIVERSE : RT_SCOPE_LINK,
			    .rtm_type = RTN_UNICAST,
			    .rtm_flags = onlink ? RTNH_F_ONLINK : 0 };

	return nlmsg_append(m, &rt, sizeof(rt), NLMSG_ALIGNTO) ||
	       (o->bits && put_addr(m, RTA_DST, &o->dst)) || put_addr(m, RTA_GATEWAY, &o->via) ||
	       put_addr(m, RTA_PREFSRC, &o->src) || nla_put_u32(m, RTA_OIF, o->index) ||
	       (o->table && nla_put_u32(m, RTA_TABLE, o->table)) || put_mtu(m, o->mtu);
}

int knl_rt_route(struct knl_rt *r, bool add, const struct knl_route *route)
{
	struct nl_msg *m = nlmsg_alloc_simple(add ? RTM_NEWROUTE : RTM_DELROUTE,
					      NLM_F_ACK | (add ? NLM_F_CREATE | NLM_F_REPLACE : 0));
	int e;

	if (!m || put_route(m, route)) {
		nlmsg_free(m);
		return -ENOMEM;
	}
	e = knl_rt_send(r, m, add ? "route" : "route to remove");
	return add ? e : e == -ESRCH || e == -ENODEV ? 0 : e;
}

int knl_rt_rule(struct knl_rt *r, bool add, const struct xfrm_addr *from, uint32_t table)
{
	struct nl_msg *m = nlmsg_alloc_simple(add ? RTM_NEWRULE : RTM_DELRULE,
					      NLM_F_ACK | (add ? NLM_F_CREATE | NLM_F_EXCL : 0));
	struct fib_rule_hdr h = { .family = (uint8_t)from->family,
				  .src_len = (uint8_t)(8 * addr_len(from)),
				  .action = FR_ACT_TO_TBL };
	int e;

	if (!m || nlmsg_append(m, &h, sizeof(h), NLMSG_ALIGNTO) || put_addr(m, FRA_SRC, from) ||
	    nla_put_u32(m, FRA_TABLE, table)) {
		nlmsg_free(m);
		return -ENOMEM;
	}
	e = knl_rt_send(r, m, "rule");
	return e == -EEXIST || (!add && e) ? 0 : e;
}
