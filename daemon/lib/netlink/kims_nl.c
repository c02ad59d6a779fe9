// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The socket to kims.ko: finds the family, sends requests, reads answers, keeps the kernel's
 * sentence of a refusal (NETLINK_EXT_ACK); and the counters of the namespace.
 *
 * Answers are taken from the kernel only (sender's port 0), and never trusted in length: libnl's
 * checked accessors read them. A kernel that sends attributes of a later version is understood
 * as far as this version goes.
 */
#include <linux/genetlink.h>
#include <linux/netlink.h>
#include <netlink/genl/ctrl.h>
#include <netlink/genl/genl.h>
#include <stdio.h>
#include <sys/socket.h>

#include "lib/netlink/kims_nl_names.h"
#include "lib/netlink/kims_nl_priv.h"

#ifndef SOL_NETLINK
#define SOL_NETLINK 270
#endif

/* --- errors --- */

int knl_fail(struct knl *k, int r, const char *what)
{
	snprintf(k->error, sizeof(k->error), "%s: %s", what, strerror(-r));
	return r;
}

const char *knl_error(const struct knl *k)
{
	return k->error;
}

/* That of the last request, where it has room and nobody holds it; its contents were wiped. */
static struct nl_msg *message(struct knl *k, size_t size)
{
	struct nl_msg *m = k->message;

	if (!m || nlmsg_get_max_size(m) < size) {
		m = nlmsg_alloc_size(size);
		if (!m)
			return NULL;
		nlmsg_free(k->message);
		k->message = m;
	}
	nlmsg_hdr(m)->nlmsg_len = NLMSG_HDRLEN;
	nlmsg_get(m);
	return m;
}

struct nl_msg *knl_request_size(struct knl *k, uint8_t cmd, int flags, size_t size)
{
	struct nl_msg *m = message(k, size);

	if (m && !genlmsg_put(m, NL_AUTO_PORT, NL_AUTO_SEQ, k->family, 0,
			      NLM_F_REQUEST | flags, cmd, KIMS_FAMILY_VERSION)) {
		nlmsg_free(m);
		return NULL;
	}
	return m;
}

struct nl_msg *knl_request(struct knl *k, uint8_t cmd, int flags)
{
	return knl_request_size(k, cmd, flags, KNL_BUFFER / 2);
}

/* --- answers --- */

struct answer {
	struct knl *k;
	uint32_t seq;
	knl_row_fn row;
	void *arg;
	int max; /* highest attribute that row wants */
	int result;
	bool done;
};

/* Sentence and offending attribute after an error of "skip" octets. */
static void take_sentence(struct answer *a, struct nlmsghdr *h, size_t skip, int err)
{
	struct nlattr *msg = NULL, *offset = NULL;

	if (h->nlmsg_flags & NLM_F_ACK_TLVS) {
		msg = nlmsg_find_attr(h, NLMSG_ALIGN(skip), NLMSGERR_ATTR_MSG);
		offset = nlmsg_find_attr(h, NLMSG_ALIGN(skip), NLMSGERR_ATTR_OFFS);
	}
	if (offset && nla_len(offset) >= 4)
		a->k->error_offset = nla_get_u32(offset);
	if (msg && nla_len(msg) > 0)
		snprintf(a->k->error, sizeof(a->k->error), "%.*s (%s)", nla_len(msg),
			 (const char *)nla_data(msg), strerror(-err));
	else
		snprintf(a->k->error, sizeof(a->k->error), "kims.ko refused: %s", strerror(-err));
}

static void take_error(struct answer *a, struct nlmsghdr *h)
{
	struct nlmsgerr *e = nlmsg_data(h);
	size_t skip = sizeof(*e);

	a->done = true;
	if (nlmsg_datalen(h) < (int)sizeof(*e) || !e->error)
		return;
	if (!(h->nlmsg_flags & NLM_F_CAPPED))
		skip += e->msg.nlmsg_len - sizeof(e->msg);
	take_sentence(a, h, skip, e->error);
	a->result = e->error;
}

/* The end of a dump bears an error when the dump was refused. */
static void take_done(struct answer *a, struct nlmsghdr *h)
{
	int err = nlmsg_datalen(h) >= (int)sizeof(int) ? *(int *)nlmsg_data(h) : 0;

	a->done = true;
	if (err >= 0)
		return;
	take_sentence(a, h, sizeof(int), err);
	a->result = err;
}

static void take_row(struct answer *a, struct nlmsghdr *h)
{
	struct nlattr *tb[KIMS_A_MAX + CTRL_ATTR_MAX + 1];

	if (!a->row || a->result || !genlmsg_valid_hdr(h, 0) ||
	    genlmsg_parse(h, 0, tb, a->max, NULL) < 0)
		return;
	a->result = a->row(a->arg, tb, h);
}

static void take_message(struct answer *a, struct nlmsghdr *h)
{
	if (h->nlmsg_seq != a->seq)
		return; /* of a request that was given up */
	switch (h->nlmsg_type) {
	case NLMSG_ERROR:
		take_error(a, h);
		break;
	case NLMSG_DONE:
		take_done(a, h);
		break;
	case NLMSG_NOOP:
	case NLMSG_OVERRUN:
		break;
	default:
		take_row(a, h);
		break;
	}
}

/* One datagram from the kernel: its length, or -errno. */
static int receive(struct knl *k, int fd, int flags)
{
	struct sockaddr_nl from = { 0 };
	socklen_t len = sizeof(from);
	ssize_t n;

	do {
		n = recvfrom(fd, k->buffer, sizeof(k->buffer), flags | MSG_TRUNC,
			     (struct sockaddr *)&from, &len);
	} while ((n < 0 && errno == EINTR) || (n >= 0 && from.nl_pid));
	if (n < 0)
		return -errno;
	return (size_t)n > sizeof(k->buffer) ? -EMSGSIZE : (int)n;
}

/*
 * The kernel works on a request within send(), so what it has to say is there by now: where nothing says the
 * end, it ends where nothing is left. An acknowledgement would cost it a twentieth of making a session.
 */
static int read_answer(struct answer *a, bool has_end)
{
	struct nlmsghdr *h;
	int n;

	while (!a->done) {
		n = receive(a->k, nl_socket_get_fd(a->k->sock), has_end ? 0 : MSG_DONTWAIT);
		if (n == -EAGAIN && !has_end)
			break;
		if (n < 0)
			return knl_fail(a->k, n, "reading from kims.ko");
		for (h = (struct nlmsghdr *)a->k->buffer; nlmsg_ok(h, n); h = nlmsg_next(h, &n))
			take_message(a, h);
	}
	return a->result;
}

static int transact(struct knl *k, struct nl_msg *m, knl_row_fn row, void *arg, int max)
{
	struct answer a = { .k = k, .row = row, .arg = arg, .max = max };
	struct nlmsghdr *h = nlmsg_hdr(m);
	ssize_t n;

	k->error_offset = 0;
	k->error_index = -1;
	nl_complete_msg(k->sock, m);
	a.seq = h->nlmsg_seq;
	n = send(nl_socket_get_fd(k->sock), h, h->nlmsg_len, 0);
	if (n < 0)
		return knl_fail(k, -errno, "writing to kims.ko");
	return read_answer(&a, h->nlmsg_flags & (NLM_F_ACK | NLM_F_DUMP));
}

int knl_transact(struct knl *k, struct nl_msg *m, knl_row_fn row, void *arg)
{
	return transact(k, m, row, arg, KIMS_A_MAX);
}

/* --- attributes --- */

int knl_put_addr(struct nl_msg *m, int attr4, int attr6, const struct xfrm_addr *a)
{
	if (a->family == AF_INET)
		return knl_put(m, attr4, &a->v4, sizeof(a->v4));
	if (a->family == AF_INET6)
		return knl_put(m, attr6, &a->v6, sizeof(a->v6));
	return 0;
}

int knl_put_end(struct nl_msg *m, int attr4, int attr6, int port, const struct knl_end *e)
{
	int r = knl_put_addr(m, attr4, attr6, &e->addr);

	return r || !e->port ? r : knl_put_u32(m, port, e->port);
}

uint32_t knl_u32(struct nlattr **tb, int attr)
{
	return tb[attr] && nla_len(tb[attr]) >= 4 ? nla_get_u32(tb[attr]) : 0;
}

uint64_t knl_u64(struct nlattr **tb, int attr)
{
	return tb[attr] && nla_len(tb[attr]) >= 8 ? nla_get_u64(tb[attr]) : 0;
}

void knl_get_addr(struct nlattr **tb, int attr4, int attr6, struct xfrm_addr *ret)
{
	memset(ret, 0, sizeof(*ret));
	ret->family = AF_UNSPEC;
	if (tb[attr4] && nla_len(tb[attr4]) >= (int)sizeof(ret->v4)) {
		ret->family = AF_INET;
		memcpy(&ret->v4, nla_data(tb[attr4]), sizeof(ret->v4));
	} else if (tb[attr6] && nla_len(tb[attr6]) >= (int)sizeof(ret->v6)) {
		ret->family = AF_INET6;
		memcpy(&ret->v6, nla_data(tb[attr6]), sizeof(ret->v6));
	}
}

void knl_get_end(struct nlattr **tb, int attr4, int attr6, int port, struct knl_end *ret)
{
	knl_get_addr(tb, attr4, attr6, &ret->addr);
	ret->port = knl_u32(tb, port);
}

void knl_get_string(struct nlattr **tb, int attr, char *dst, size_t size)
{
	dst[0] = 0;
	if (tb[attr])
		nla_strlcpy(dst, tb[attr], size);
}

void knl_nested(struct nlattr *nest, int max, struct nlattr **tb)
{
	if (!nest || nla_parse_nested(tb, max, nest, NULL) < 0)
		memset(tb, 0, (max + 1) * sizeof(*tb));
}

uint64_t knl_drops(struct nlattr **drops, int reason)
{
	return knl_u64(drops, reason);
}

uint64_t knl_drops_sum(struct nlattr **drops)
{
	uint64_t sum = 0;
	int i;

	for (i = 1; i <= KIMS_DROP_MAX; i++)
		if (i != KIMS_DROP_PAD)
			sum += knl_u64(drops, i);
	return sum;
}

/* --- the family --- */

static void read_groups(struct knl *k, struct nlattr *groups)
{
	struct nlattr *tb[CTRL_ATTR_MCAST_GRP_MAX + 1], *g;
	const char *name;
	int rem;

	nla_for_each_nested(g, groups, rem) {
		knl_nested(g, CTRL_ATTR_MCAST_GRP_MAX, tb);
		if (!tb[CTRL_ATTR_MCAST_GRP_NAME])
			continue;
		name = nla_get_string(tb[CTRL_ATTR_MCAST_GRP_NAME]);
		if (!strcmp(name, KIMS_MCGRP_RTP))
			k->group_rtp = knl_u32(tb, CTRL_ATTR_MCAST_GRP_ID);
		else if (!strcmp(name, KIMS_MCGRP_GM))
			k->group_gm = knl_u32(tb, CTRL_ATTR_MCAST_GRP_ID);
		else if (!strcmp(name, KIMS_MCGRP_GTPU))
			k->group_gtpu = knl_u32(tb, CTRL_ATTR_MCAST_GRP_ID);
	}
}

static int read_family(void *arg, struct nlattr **tb, struct nlmsghdr *h _unused_)
{
	struct knl *k = arg;

	if (!tb[CTRL_ATTR_FAMILY_ID] || knl_u32(tb, CTRL_ATTR_VERSION) != KIMS_FAMILY_VERSION)
		return knl_fail(k, -EPROTO, "generic netlink family kims has another version");
	k->family = nla_get_u16(tb[CTRL_ATTR_FAMILY_ID]);
	if (tb[CTRL_ATTR_MCAST_GROUPS])
		read_groups(k, tb[CTRL_ATTR_MCAST_GROUPS]);
	return 0;
}

/* The kernel loads the module by the name of the family, where it is installed. */
static int find_family(struct knl *k)
{
	_cleanup_msg_ struct nl_msg *m = nlmsg_alloc();
	int r;

	if (!m ||
	    !genlmsg_put(m, NL_AUTO_PORT, NL_AUTO_SEQ, GENL_ID_CTRL, 0, NLM_F_REQUEST | NLM_F_ACK,
			 CTRL_CMD_GETFAMILY, 1) ||
	    nla_put_string(m, CTRL_ATTR_FAMILY_NAME, KIMS_FAMILY_NAME))
		return knl_fail(k, -ENOMEM, "request");
	r = transact(k, m, read_family, k, CTRL_ATTR_MAX);
	if (r == -ENOENT)
		snprintf(k->error, sizeof(k->error),
			 "no generic netlink family kims: kims.ko is not loaded");
	return r;
}

/* A refusal is told in a sentence, and without a copy of the request. */
static int open_socket(struct nl_sock **ret)
{
	struct nl_sock *s = nl_socket_alloc();
	int one = 1, size = 1 << 20, fd;

	if (!s)
		return -ENOMEM;
	if (genl_connect(s) < 0) {
		nl_socket_free(s);
		return -EPROTONOSUPPORT;
	}
	nl_socket_disable_auto_ack(s);
	fd = nl_socket_get_fd(s);
	setsockopt(fd, SOL_NETLINK, NETLINK_EXT_ACK, &one, sizeof(one));
	setsockopt(fd, SOL_NETLINK, NETLINK_CAP_ACK, &one, sizeof(one));
	/* Batches and their answers; what one may have without CAP_NET_ADMIN does for the rest. */
	setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &size, sizeof(size));
	setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size));
	*ret = s;
	return 0;
}

int knl_open(struct knl **ret)
{
	struct knl *k = calloc(1, sizeof(*k));
	int r;

	if (!k)
		return -ENOMEM;
	r = open_socket(&k->sock);
	if (!r)
		r = find_family(k);
	if (r) {
		knl_close(k);
		return r;
	}
	*ret = k;
	return 0;
}

void knl_close(struct knl *k)
{
	if (!k)
		return;
	nl_socket_free(k->sock);
	nl_socket_free(k->events);
	nlmsg_free(k->message);
	free(k);
}

/* --- counters of the namespace --- */

struct stats_call {
	int (*fn)(void *arg, const char *name, uint64_t value);
	void *arg;
};

static const struct {
	const char *name;
	int attr;
	bool now; /* how many there are, 32 bits */
} stats_names[] = {
	{ "rtp-flows", KIMS_STATS_A_RTP_FLOWS, true },
	{ "gm-ports", KIMS_STATS_A_GM_PORTS, true },
	{ "sa-sets", KIMS_STATS_A_SA_SETS, true },
	{ "gtpu-eps", KIMS_STATS_A_GTPU_EPS, true },
	{ "sessions", KIMS_STATS_A_SESSIONS, true },
	{ "buffered-packets", KIMS_STATS_A_BUFFERED_PACKETS, true },
	{ "rtp-packets", KIMS_STATS_A_RTP_PACKETS, false },
	{ "gm-packets", KIMS_STATS_A_GM_PACKETS, false },
	{ "gtpu-received", KIMS_STATS_A_GTPU_RECEIVED, false },
	{ "gtpu-forwarded", KIMS_STATS_A_GTPU_FORWARDED, false },
	{ "gtpu-signalling", KIMS_STATS_A_GTPU_SIGNALLING, false },
	{ "gtpu-sent", KIMS_STATS_A_GTPU_SENT, false },
	{ "downlink-received", KIMS_STATS_A_DOWNLINK_RECEIVED, false },
	{ "access-received", KIMS_STATS_A_ACCESS_RECEIVED, false },
};

static int stats_row(void *arg, struct nlattr **attrs, struct nlmsghdr *h _unused_)
{
	struct nlattr *tb[KIMS_STATS_A_MAX + 1], *drops[KIMS_DROP_MAX + 1];
	struct stats_call *c = arg;
	size_t i;
	int r = 0;

	knl_nested(attrs[KIMS_A_STATS], KIMS_STATS_A_MAX, tb);
	knl_nested(tb[KIMS_STATS_A_DROPS], KIMS_DROP_MAX, drops);
	for (i = 0; !r && i < ARRAY_SIZE(stats_names); i++)
		r = c->fn(c->arg, stats_names[i].name,
			  stats_names[i].now ? knl_u32(tb, stats_names[i].attr) :
					       knl_u64(tb, stats_names[i].attr));
	for (i = 0; !r && i < ARRAY_SIZE(knl_drop_names); i++)
		if (knl_drop_names[i])
			r = c->fn(c->arg, knl_drop_names[i], knl_drops(drops, i));
	return r;
}

int knl_stats(struct knl *k, int (*fn)(void *arg, const char *name, uint64_t value), void *arg)
{
	_cleanup_msg_ struct nl_msg *m = knl_request(k, KIMS_CMD_STATS_GET, 0);
	struct stats_call call = { fn, arg };

	return m ? knl_transact(k, m, stats_row, &call) : knl_fail(k, -ENOMEM, "request");
}

/* --- the second socket --- */

static int join_groups(struct nl_sock *s, uint32_t group, va_list more)
{
	for (; group; group = va_arg(more, uint32_t))
		if (nl_socket_add_memberships(s, group, 0) < 0)
			return -errno;
	return 0;
}

int knl_events_join(struct knl *k, uint32_t group, ...)
{
	struct nl_sock *s;
	va_list more;
	int r;

	if (k->events)
		return 0;
	r = open_socket(&s);
	if (r)
		return knl_fail(k, r, "socket for events");
	nl_socket_set_nonblocking(s);
	nl_socket_set_buffer_size(s, 1 << 20, 0);
	va_start(more, group);
	r = join_groups(s, group, more);
	va_end(more);
	if (r) {
		nl_socket_free(s);
		return knl_fail(k, r, "joining the groups of kims.ko");
	}
	k->events = s;
	return 0;
}

int knl_events_open(struct knl *k)
{
	return knl_events_join(k, k->group_rtp, k->group_gm, 0);
}

int knl_events_fd(const struct knl *k)
{
	return k->events ? nl_socket_get_fd(k->events) : -1;
}

int knl_events_receive(struct knl *k)
{
	return k->events ? receive(k, nl_socket_get_fd(k->events), MSG_DONTWAIT) : -EBADF;
}
