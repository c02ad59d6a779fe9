// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Who may connect to a Diameter node: a filter at the listening socket, so that nobody else's segment
 * gets so far as to be read (RFC 6733 2.2, 13: without TLS or IPsec the network must keep others
 * out; an identity in a CER proves nothing).
 *
 * A classic BPF program over the source address. Connections inherit it. Invariant: what is not in the
 * list of prefixes is dropped, and what is no packet of the socket's family, too.
 */
#include <linux/filter.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/diameter/node.h"

#define FDS_MAX	   1024
#define WORDS_MAX  4
#define OPENING_MS 3000

static uint32_t mask_of(unsigned int bits, unsigned int word)
{
	unsigned int left = bits > 32 * word ? bits - 32 * word : 0;

	return left >= 32 ? UINT32_MAX : ~(UINT32_MAX >> left);
}

/* Accepts sources within p; else goes on behind. Returns how many instructions. */
static size_t put_prefix(struct sock_filter *f, const struct conf_prefix *p)
{
	unsigned int words = p->addr.family == AF_INET ? 1 : WORDS_MAX;
	uint32_t at = (uint32_t)SKF_NET_OFF + (p->addr.family == AF_INET ? 12 : 8);
	uint32_t net[WORDS_MAX];
	size_t n = 0;

	memcpy(net, &p->addr.v6, words * 4);
	for (unsigned int w = 0; w < words && mask_of(p->bits, w); w++) {
		uint32_t mask = mask_of(p->bits, w);

		f[n++] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, at + 4 * w);
		f[n++] = (struct sock_filter)BPF_STMT(BPF_ALU | BPF_AND | BPF_K, mask);
		f[n++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K,
						      ntohl(net[w]) & mask, 0, 0);
	}
	for (size_t i = 2; i < n; i += 3) /* past the return that follows */
		f[i].jf = (uint8_t)(n - i);
	f[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, UINT32_MAX);
	return n;
}

int dia_gate(int fd, const struct dia_conf *c)
{
	struct sockaddr_storage ss = { .ss_family = AF_UNSPEC };
	socklen_t len = sizeof(ss);
	struct sock_fprog prog;
	size_t n = 0;
	int r = 0;

	if (!c->n_from)
		return 0;
	if (getsockname(fd, (struct sockaddr *)&ss, &len))
		return -errno;
	prog.filter = calloc(c->n_from * (3 * WORDS_MAX + 1) + 1, sizeof(*prog.filter));
	if (!prog.filter)
		return -ENOMEM;
	for (size_t i = 0; i < c->n_from; i++)
		if (c->from[i].addr.family == ss.ss_family)
			n += put_prefix(prog.filter + n, &c->from[i]);
	prog.filter[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, 0);
	prog.len = (unsigned short)n;
	if (n > BPF_MAXINSNS)
		r = -E2BIG;
	else if (setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &prog, sizeof(prog)))
		r = -errno;
	free(prog.filter);
	return r;
}

/* Bound to the port, and no connection: it listens, or is about to. */
static bool listens_at(int fd, uint16_t port)
{
	struct sockaddr_storage ss = { .ss_family = AF_UNSPEC };
	socklen_t len = sizeof(int);
	int type = 0;

	if (getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &len) || type != SOCK_STREAM)
		return false;
	len = sizeof(ss);
	if (!getpeername(fd, (struct sockaddr *)&ss, &len))
		return false;
	len = sizeof(ss);
	if (getsockname(fd, (struct sockaddr *)&ss, &len))
		return false;
	if (ss.ss_family == AF_INET)
		return ntohs(((struct sockaddr_in *)&ss)->sin_port) == port;
	return ss.ss_family == AF_INET6 && ntohs(((struct sockaddr_in6 *)&ss)->sin6_port) == port;
}

static int gate_all(const struct dia_conf *c)
{
	int found = -ENOENT;

	for (int fd = 0; fd < FDS_MAX; fd++) {
		int r = listens_at(fd, c->listen_port) ? dia_gate(fd, c) : -ENOENT;

		if (r && r != -ENOENT)
			return r;
		if (!r)
			found = 0;
	}
	return found;
}

int dia_gate_process(const struct dia_conf *c)
{
	int r = -ENOENT;

	if (!c->n_from || !c->listen_addr)
		return 0;
	for (int i = 0; i < OPENING_MS && r == -ENOENT; i++) {
		r = gate_all(c);
		if (r == -ENOENT) /* a thread of its own opens them */
			usleep(1000);
	}
	return r;
}
