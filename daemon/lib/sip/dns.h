/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Private to the resolver: DNS look-ups over c-ares in the loop, with a cache by TTL.
 *
 * Invariants: one question on the wire per name and type however many ask; the cache holds at most
 * DNS_CACHE_MAX answers; an answer is immutable and reference counted; TTLs are bounded to
 * 1 s .. 1 h, "no such thing" is remembered for 10 s, failures not at all.
 */
#ifndef KIMS_SIP_DNS_H
#define KIMS_SIP_DNS_H

#include "lib/sip/tp.h"

#define DNS_NAME_MAX 256

enum dns_type { DNS_A = 1, DNS_AAAA = 28, DNS_SRV = 33, DNS_NAPTR = 35 };

struct dns_rr {
	union sip_sa addr;		 /* A, AAAA: port 0 */
	uint16_t priority, weight, port; /* SRV; NAPTR: order, preference, - */
	char flags[4];			 /* NAPTR */
	char service[32];		 /* NAPTR */
	char name[DNS_NAME_MAX];	 /* SRV target, NAPTR replacement */
};

struct dns_answer {
	int err; /* 0, -ENOENT (no such name or nothing of the type), -ETIMEDOUT, -EIO */
	unsigned int refs;
	size_t n;
	struct dns_rr rr[];
};

struct dns;
struct dns_wait {					      /* embedded in who asks */
	struct dns_wait *next, **pprev;			      /* pprev NULL: not waiting */
	void (*fn)(struct dns_wait *w, struct dns_answer *a); /* a borrowed */
};

int dns_new(struct loop *l, const union sip_sa *server, struct dns **ret);
void dns_free(struct dns *d); /* waiters are forgotten */
/* A new reference to what is known, or NULL: w->fn comes later. Never calls fn by itself. err set on no memory. */
struct dns_answer *dns_ask(struct dns *d, const char *name, enum dns_type type, struct dns_wait *w,
			   int *ret_err);
void dns_wait_cancel(struct dns_wait *w);
void dns_answer_unref(struct dns_answer *a);
/* One DNS message -> answer (err -EIO: malformed); *ret_ttl in s. For the fuzzer too. NULL: no memory. */
struct dns_answer *dns_parse(const uint8_t *msg, size_t len, enum dns_type type, uint32_t *ret_ttl);

#endif
