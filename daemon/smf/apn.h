/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The APNs of the configuration and their pools of UE addresses (TS 23.401 5.3.1.2, TS 29.061 11.2.1). No I/O.
 *
 * conf smf.apns: "NAME WORD...; NAME WORD...", a word is one of
 *   pool=10.45.0.0/16 pool6=fd45::/48   addresses, a /64 for each PDN connection; without: none of that family
 *   pcscf=A,A dns=A,A mtu=N	  what the phone is told in its PCO
 *   static=IMSI:A,IMSI:A	  always this address (IPv6: its /64), of the pool or not
 *   instance=NAME		  Network Instance at the UPF; without: the APN's name
 *   reuse=SECONDS		  before a freed address is given away again: 30
 *   emergency			  for emergency calls, also without IMSI (TS 23.401 4.3.12)
 *
 * Invariants: an address is free, taken, or waits for its time, never two of them; those that were never given
 * away go first, then the one that was freed first. The first one of a pool (0) and IPv4's broadcast address
 * are not given away; those of static= only to their owner.
 */
#ifndef KIMS_SMF_APN_H
#define KIMS_SMF_APN_H

#include "lib/core/conf.h"

#define SMF_SERVERS_MAX 4
#define SMF_POOL_MAX	(1u << 20) /* addresses of one pool that are used, the first ones */

struct smf_pool {
	struct conf_prefix prefix; /* family AF_UNSPEC: there is no pool */
	uint32_t n;		   /* indexes 0..n-1 */
	uint32_t next;		   /* never given away: from here on */
	uint32_t n_taken;
	uint8_t *taken;		 /* bits: taken or waiting */
	uint16_t *reserved;	 /* how often: not for smf_pool_get() */
	struct smf_freed *freed; /* ring of those that wait, oldest first */
	uint32_t first_freed, n_freed, max_freed;
	uint64_t reuse_usec;
};

struct smf_static {
	char imsi[17];
	struct conf_addr addr;
};

struct smf_apn {
	char name[101], instance[101];
	bool emergency;
	uint16_t mtu; /* 0: not told */
	struct smf_pool pool4, pool6;
	struct in_addr pcscf4[SMF_SERVERS_MAX], dns4[SMF_SERVERS_MAX];
	struct in6_addr pcscf6[SMF_SERVERS_MAX], dns6[SMF_SERVERS_MAX];
	uint8_t n_pcscf4, n_dns4, n_pcscf6, n_dns6;
	struct smf_static *statics;
	size_t n_statics;
};

/* -EINVAL with a sentence in err, -ENOMEM. */
int smf_apns_parse(const char *text, struct smf_apn **ret, size_t *ret_n, char *err, size_t size);
void smf_apns_free(struct smf_apn *a, size_t n);
/* By name, without case, with or without ".mncXXX.mccXXX.gprs" behind it (TS 23.003 9.1). NULL: there is none. */
struct smf_apn *smf_apn_find(struct smf_apn *a, size_t n, struct str name);
struct str smf_apn_network_id(struct str name);

static inline bool smf_pool_exists(const struct smf_pool *p)
{
	return p->prefix.addr.family != AF_UNSPEC;
}
/*
 * An address: IPv4, or a prefix of 64 bits with 0 behind it. now: usec. -ENOSPC: all are taken, or wait;
 * -ENOMEM.
 */
int smf_pool_get(struct smf_pool *p, uint64_t now, struct conf_addr *ret);
/* This one. -EADDRINUSE: taken or reserved; -EADDRNOTAVAIL: not of this pool. */
int smf_pool_take(struct smf_pool *p, const struct conf_addr *a);
/* The same for who had it before a restart: also one that is reserved since. */
int smf_pool_take_back(struct smf_pool *p, const struct conf_addr *a);
void smf_pool_put(struct smf_pool *p, uint64_t now, const struct conf_addr *a); /* free again */
/* Not for smf_pool_get() any more; who has it keeps it. One that is of no pool: nothing. */
void smf_pool_reserve(struct smf_pool *p, const struct conf_addr *a);
/* Once less. The last one: free again, as after smf_pool_put(); who has it keeps it. */
void smf_pool_unreserve(struct smf_pool *p, uint64_t now, const struct conf_addr *a);
bool smf_pool_has(const struct smf_pool *p, const struct conf_addr *a);
const struct conf_addr *smf_apn_static(const struct smf_apn *a, const char *imsi,
				       sa_family_t family); /* NULL: none */

#endif
