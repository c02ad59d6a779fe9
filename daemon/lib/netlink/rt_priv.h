/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the files of rt.h share: one request and its answer. */
#ifndef KIMS_NETLINK_RT_PRIV_H
#define KIMS_NETLINK_RT_PRIV_H

#include <net/if.h>

#include "lib/netlink/rt.h"

struct nl_msg;
struct nl_sock;

struct knl_rt {
	struct nl_sock *sock;
	char error[200];
};

int knl_rt_fail(struct knl_rt *r, int e, const char *what);
/* Takes m; 0 or -errno. */
int knl_rt_send(struct knl_rt *r, struct nl_msg *m, const char *what);
struct nl_msg *knl_rt_link_msg(int type, int flags, const char *name); /* the device is to be up */

#endif
