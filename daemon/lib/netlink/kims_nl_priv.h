/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the files of kims_nl share: one request and its answers, and attributes of common types. */
#ifndef KIMS_NETLINK_KIMS_NL_PRIV_H
#define KIMS_NETLINK_KIMS_NL_PRIV_H

#include <linux/kims.h>
#include <netlink/attr.h>
#include <netlink/msg.h>
#include <netlink/netlink.h>

#include "lib/netlink/kims_nl.h"

/* Octets: the longest message is a dump's, 32 kB. */
#define KNL_BUFFER 65536

struct knl {
	struct nl_sock *sock, *events; /* events: NULL until knl_events_open() */
	struct nl_msg *message;	       /* of the requests, one after the other; NULL: none yet */
	int family;
	uint32_t group_rtp, group_gm, group_gtpu;
	char error[320];
	uint32_t error_offset; /* of the attribute that was refused, in the request; 0: not told */
	int error_index;       /* knl_error_index() */
	_Alignas(8) uint8_t buffer[KNL_BUFFER];
};

/* Requests may have keys of SRTP. */
static inline void knl_msg_freep(struct nl_msg **m)
{
	if (*m)
		explicit_bzero(nlmsg_data(nlmsg_hdr(*m)), nlmsg_datalen(nlmsg_hdr(*m)));
	nlmsg_free(*m);
}

#define _cleanup_msg_ _cleanup_(knl_msg_freep)

/* A request of the family, NULL: no memory; it ends before the next one begins. flags: NLM_F_DUMP or 0. */
struct nl_msg *knl_request(struct knl *k, uint8_t cmd, int flags);
/* The same with room for size octets. */
struct nl_msg *knl_request_size(struct knl *k, uint8_t cmd, int flags, size_t size);

/*
 * Sends it and reads all of the answer. row gets the top-level
 * attributes of each message of the answer (of several equal ones the last; all are in h); what it
 * returns other than 0 becomes the result, and the rest is read and thrown away. Returns 0 or
 * -errno, knl_error() set.
 */
typedef int (*knl_row_fn)(void *arg, struct nlattr **attrs, struct nlmsghdr *h);
int knl_transact(struct knl *k, struct nl_msg *m, knl_row_fn row, void *arg);

/* An error of our own side. */
int knl_fail(struct knl *k, int r, const char *what);

/*
 * Writing; -NLE_NOMEM as of libnl, whose own functions take four times the instructions for an attribute: a
 * session has forty.
 */
static inline struct nlattr *knl_reserve(struct nl_msg *m, int attr, size_t n)
{
	struct nlmsghdr *h = nlmsg_hdr(m);
	size_t at = NLMSG_ALIGN(h->nlmsg_len), end = at + NLA_ALIGN(NLA_HDRLEN + n);
	struct nlattr *a = (struct nlattr *)((char *)h + at);

	if (n > UINT16_MAX - NLA_HDRLEN || end > nlmsg_get_max_size(m))
		return NULL;
	if (n % NLA_ALIGNTO)
		memset((char *)h + end - NLA_ALIGNTO, 0, NLA_ALIGNTO);
	a->nla_type = (uint16_t)attr;
	a->nla_len = (uint16_t)(NLA_HDRLEN + n);
	h->nlmsg_len = (uint32_t)end;
	return a;
}

static inline int knl_put(struct nl_msg *m, int attr, const void *p, size_t n)
{
	struct nlattr *a = knl_reserve(m, attr, n);

	if (!a)
		return -NLE_NOMEM;
	memcpy(a + 1, p, n);
	return 0;
}

static inline int knl_put_u32(struct nl_msg *m, int attr, uint32_t v)
{
	return knl_put(m, attr, &v, sizeof(v));
}

static inline int knl_put_u64(struct nl_msg *m, int attr, uint64_t v)
{
	return knl_put(m, attr, &v, sizeof(v));
}

/* NULL: no room. */
static inline struct nlattr *knl_nest(struct nl_msg *m, int attr)
{
	return knl_reserve(m, attr | NLA_F_NESTED, 0);
}

/* -NLE_ATTRSIZE: over 64 kB. */
static inline int knl_nest_end(struct nl_msg *m, struct nlattr *nest)
{
	const struct nlmsghdr *h = nlmsg_hdr(m);
	size_t n = (size_t)((const char *)h + h->nlmsg_len - (const char *)nest);

	if (n > UINT16_MAX)
		return -NLE_ATTRSIZE;
	nest->nla_len = (uint16_t)n;
	return 0;
}

int knl_put_addr(struct nl_msg *m, int attr4, int attr6, const struct xfrm_addr *a);
int knl_put_end(struct nl_msg *m, int attr4, int attr6, int port, const struct knl_end *e);

/* Reading. Absent attributes read as 0, AF_UNSPEC, "". */
uint32_t knl_u32(struct nlattr **tb, int attr);
uint64_t knl_u64(struct nlattr **tb, int attr);
void knl_get_addr(struct nlattr **tb, int attr4, int attr6, struct xfrm_addr *ret);
void knl_get_end(struct nlattr **tb, int attr4, int attr6, int port, struct knl_end *ret);
void knl_get_string(struct nlattr **tb, int attr, char *dst, size_t size);
/* Nested attributes by number, all NULL when there are none; tb has max + 1 entries. */
void knl_nested(struct nlattr *nest, int max, struct nlattr **tb);
/* Dropped packets for the reason. */
uint64_t knl_drops(struct nlattr **drops, int reason);
uint64_t knl_drops_sum(struct nlattr **drops);

/* The socket of events, in the groups; a list that ends with 0. */
int knl_events_join(struct knl *k, uint32_t group, ...);
/* One datagram of events in k->buffer: its length, or -errno (-EAGAIN: none). */
int knl_events_receive(struct knl *k);

/* Events of kims_nl_event.c need what these read. */
void knl_rtp_read(struct nlattr *nest, struct knl_rtp_flow *ret, struct knl_rtp_stats *ret_stats);
void knl_sa_read(struct nlattr *nest, struct knl_sa_set *ret, struct knl_sa_stats *ret_stats);

#endif
