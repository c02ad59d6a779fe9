/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Network namespaces by name (ip-netns(8)) or path: a socket belongs for ever to the namespace in
 * which it was made, so that a phone is only inside its own while it opens something.
 */
#ifndef KIMS_UE_NETNS_H
#define KIMS_UE_NETNS_H

#include "lib/core/base.h"

struct netns {
	int fd; /* -1: the process's own */
};

int netns_open(const char *name, struct netns *ret); /* NULL or "": the process's own */
void netns_close(struct netns *n);
/* Enters; returns the fd to go back with (-1: nothing to do) or below -1 for -errno. Not nested. */
int netns_enter(const struct netns *n);
void netns_leave(int back);
static inline void netns_leavep(int *back)
{
	netns_leave(*back);
}
#define _cleanup_netns_ _cleanup_(netns_leavep)

#endif
