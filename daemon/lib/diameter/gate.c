// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Who may connect to a Diameter node (RFC 6733 2.2, 13: without TLS or IPsec the network must keep
 * others out; an identity in a CER proves nothing): a connection from outside of conf.from is closed
 * before a word of it is read.
 *
 * The node in the loop asks dia_gate_admits() after its accept4(). freeDiameter accepts by itself, in a
 * thread of its own, and has no call-back between accept() and the CER: so accept() of this process is
 * ours, and passes on what it may. A socket filter would be the kernel's way, but needs a capability for TCP.
 *
 * Invariants: accept() of a process without a gated node is libc's, unchanged; freeDiameter's server
 * thread never sees a refusal, since it would end.
 */
#include <dlfcn.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/diameter/node.h"

static const struct dia_conf *gated; /* set before freeDiameter's threads are */

static struct conf_addr addr_of(const struct sockaddr_storage *ss)
{
	const struct sockaddr_in6 *six = (const void *)ss;
	struct conf_addr a = { .family = ss->ss_family };

	if (ss->ss_family == AF_INET) {
		a.v4 = ((const struct sockaddr_in *)ss)->sin_addr;
	} else if (ss->ss_family == AF_INET6 && IN6_IS_ADDR_V4MAPPED(&six->sin6_addr)) {
		a.family = AF_INET;
		memcpy(&a.v4, &six->sin6_addr.s6_addr[12], sizeof(a.v4));
	} else if (ss->ss_family == AF_INET6) {
		a.v6 = six->sin6_addr;
	}
	return a;
}

bool dia_gate_admits(const struct dia_conf *c, const struct sockaddr_storage *peer)
{
	struct conf_addr a = addr_of(peer);

	for (size_t i = 0; i < c->n_from; i++)
		if (conf_prefix_has(&c->from[i], &a))
			return true;
	return !c->n_from;
}

void dia_gate_accept(const struct dia_conf *c)
{
	gated = c;
}

static bool is_gated(int fd)
{
	struct sockaddr_storage ss = { .ss_family = AF_UNSPEC };
	socklen_t len = sizeof(ss);

	if (!gated || getsockname(fd, (struct sockaddr *)&ss, &len))
		return false;
	/* sin_port and sin6_port stand at the same place */
	return (ss.ss_family == AF_INET || ss.ss_family == AF_INET6) &&
	       ntohs(((struct sockaddr_in *)&ss)->sin_port) == gated->listen_port;
}

/* In place of libc's, for freeDiameter alone. */
int accept(int fd, __SOCKADDR_ARG addr, socklen_t *restrict len)
{
	static int (*libc)(int, struct sockaddr *, socklen_t *);
	struct sockaddr_storage peer;
	socklen_t n;
	int s;

	if (!libc)
		libc = (int (*)(int, struct sockaddr *, socklen_t *))dlsym(RTLD_NEXT, "accept");
	do {
		n = sizeof(peer);
		s = libc(fd, (struct sockaddr *)&peer, &n);
		if (s < 0 || !is_gated(fd) || dia_gate_admits(gated, &peer))
			break;
		close(s);
	} while (1);
	if (s >= 0 && addr.__sockaddr__ && len) {
		memcpy(addr.__sockaddr__, &peer, MIN(*len, n));
		*len = n;
	}
	return s;
}
