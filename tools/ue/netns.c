// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Entering and leaving network namespaces, as declared in netns.h (setns(2), network_namespaces(7)).
 */
#include "netns.h"

#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <stdio.h>

int netns_open(const char *name, struct netns *ret)
{
	char path[PATH_MAX];

	ret->fd = -1;
	if (!name || !*name)
		return 0;
	if (strchr(name, '/'))
		snprintf(path, sizeof(path), "%s", name);
	else
		snprintf(path, sizeof(path), "/run/netns/%s", name);
	ret->fd = open(path, O_RDONLY | O_CLOEXEC);
	return ret->fd < 0 ? -errno : 0;
}

void netns_close(struct netns *n)
{
	if (n->fd >= 0)
		close(n->fd);
	n->fd = -1;
}

int netns_enter(const struct netns *n)
{
	int back;

	if (n->fd < 0)
		return -1;
	back = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);
	if (back < 0)
		return -errno - 1;
	if (setns(n->fd, CLONE_NEWNET)) {
		int e = errno;

		close(back);
		return -e - 1;
	}
	return back;
}

void netns_leave(int back)
{
	if (back < 0)
		return;
	/* Staying in the wrong namespace would send packets from the wrong phone. */
	if (setns(back, CLONE_NEWNET))
		abort();
	close(back);
}
