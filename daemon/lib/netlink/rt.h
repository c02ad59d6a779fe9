/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Devices, addresses, routes and rules of one network namespace (rtnetlink(7)), and bearers of the kernel's
 * own GTP-U, gtp.ko (TS 29.281, IPv4): as much of both as a program needs that puts a UE behind a tunnel.
 *
 * Calls are synchronous and belong to one thread; a handle stays in the namespace in which it was opened.
 * Adding what is there already and removing what is not are no errors.
 */
#ifndef KIMS_NETLINK_RT_H
#define KIMS_NETLINK_RT_H

#include "lib/netlink/xfrm.h" /* struct xfrm_addr */

struct knl_rt;

int knl_rt_open(struct knl_rt **ret);
void knl_rt_close(struct knl_rt *r);
const char *knl_rt_error(const struct knl_rt *r); /* sentence of the last failure */

/* Index of a device, and of its other end in that one's namespace (veth; else its own); -ENODEV. */
int knl_rt_link(struct knl_rt *r, const char *name, uint32_t *ret_index, uint32_t *ret_peer);
/* A device of a kind without parameters, up; -EOPNOTSUPP: its module is not loaded. */
int knl_rt_link_new(struct knl_rt *r, const char *name, const char *kind, uint32_t *ret_index);
int knl_rt_link_del(struct knl_rt *r, const char *name);

int knl_rt_addr(struct knl_rt *r, bool add, uint32_t index, const struct xfrm_addr *a,
		uint8_t bits);

struct knl_route {
	struct xfrm_addr dst; /* with bits 0: only its family */
	uint8_t bits;
	struct xfrm_addr via, src; /* AF_UNSPEC: none */
	uint32_t index;		   /* device */
	uint32_t table;		   /* 0: main */
	uint32_t mtu;		   /* 0: the device's */
};
int knl_rt_route(struct knl_rt *r, bool add, const struct knl_route *route);
/* Packets from this address look into the table first. */
int knl_rt_rule(struct knl_rt *r, bool add, const struct xfrm_addr *from, uint32_t table);

/* --- gtp.ko --- */

struct knl_gtp_ko;

/*
 * A device of gtp.ko in the role of an SGSN (or SGW), up, on sockets bound to local at ports 2152 and 3386 in
 * the caller's namespace; it goes with knl_gtp_ko_close(). -EOPNOTSUPP: no gtp.ko.
 */
int knl_gtp_ko_open(struct knl_rt *r, const char *name, struct in_addr local,
		    struct knl_gtp_ko **ret);
void knl_gtp_ko_close(struct knl_gtp_ko *g);
uint32_t knl_gtp_ko_index(const struct knl_gtp_ko *g);
int knl_gtp_ko_add(struct knl_gtp_ko *g, struct in_addr ue, struct in_addr peer, uint32_t teid,
		   uint32_t peer_teid);
int knl_gtp_ko_del(struct knl_gtp_ko *g, uint32_t teid);

#endif
