/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Locating SIP servers (RFC 3263) over c-ares: NAPTR, SRV (weights, priorities, failover), A, AAAA;
 * answers cached by TTL (bounded), concurrent questions for one name joined, static hosts first.
 *
 * Numeric hosts and hosts from sip_resolver_host() are answered in the same call.
 */
#ifndef KIMS_SIP_RESOLVE_H
#define KIMS_SIP_RESOLVE_H

#include "lib/sip/tp.h"

struct sip_resolver;
struct sip_query;

struct sip_hop {
	enum sip_proto proto;
	union sip_sa addr;
};

int sip_resolver_new(struct loop *l, const union sip_sa *dns,
		     struct sip_resolver **ret); /* dns NULL: only static and numeric hosts */
/* Pending queries are forgotten, their fn is not called. After the stacks that use it. */
void sip_resolver_free(struct sip_resolver *r);
int sip_resolver_host(struct sip_resolver *r, const char *host,
		      const union sip_sa *addr); /* several per host: families */
/* Families that can be sent from: bit 0 IPv4, bit 1 IPv6; default both. Preferred one first when both answer. */
void sip_resolver_families(struct sip_resolver *r, unsigned int mask, sa_family_t prefer);

/*
 * hops in the order to try, n > 0; or err: -ENOENT (no such name), -ETIMEDOUT, -EINVAL. May be
 * called before sip_resolve() returns (then *ret is NULL).
 */
typedef void (*sip_resolve_fn)(void *arg, const struct sip_hop *hops, size_t n, int err);
/* 0: fn was or will be called; -EINVAL (no such URI, tel), -EPROTONOSUPPORT (transport), -ENOMEM: it will not. */
int sip_resolve(struct sip_resolver *r, struct str uri, sip_resolve_fn fn, void *arg,
		struct sip_query **ret);
void sip_query_cancel(struct sip_query *q); /* fn is not called any more */

#endif
