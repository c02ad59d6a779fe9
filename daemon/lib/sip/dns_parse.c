// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * DNS answers (RFC 1035 4.1; SRV RFC 2782, NAPTR RFC 3403, AAAA RFC 3596) into struct dns_answer.
 *
 * CNAMEs are followed by the server: every record of the asked type in the answer section counts.
 * Invariants: never reads outside of msg; a record that does not parse makes the whole answer -EIO; at
 * most DNS_RR_MAX records are kept.
 */
#include <ares.h>
#include <netinet/in.h>

#include "lib/sip/dns.h"

#define DNS_RR_MAX 32
#define TTL_MAX	   3600
#define TTL_NONE   10

struct cursor {
	const uint8_t *msg;
	size_t len, pos;
	bool bad; /* sticky */
};

static uint32_t get(struct cursor *c, int octets)
{
	uint32_t v = 0;

	if (c->bad || c->len - c->pos < (size_t)octets) {
		c->bad = true;
		return 0;
	}
	while (octets--)
		v = v << 8 | c->msg[c->pos++];
	return v;
}

static void skip(struct cursor *c, size_t n)
{
	if (c->bad || c->len - c->pos < n)
		c->bad = true;
	else
		c->pos += n;
}

static void get_name(struct cursor *c, char *dst, size_t size)
{
	char *name = NULL;
	long used = 0;

	if (c->bad || c->pos >= c->len ||
	    ares_expand_name(c->msg + c->pos, c->msg, (int)c->len, &name, &used) != ARES_SUCCESS) {
		c->bad = true;
		return;
	}
	if (dst && str_copy(dst, size, str_of(name)))
		c->bad = true;
	ares_free_string(name);
	skip(c, used);
}

/* <character-string>; what does not fit is not for us. */
static void get_string(struct cursor *c, char *dst, size_t size)
{
	size_t n = get(c, 1);

	if (c->bad || c->len - c->pos < n) {
		c->bad = true;
		return;
	}
	if (dst && str_copy(dst, size, (struct str){ (const char *)c->msg + c->pos, n }))
		*dst = 0;
	skip(c, n);
}

static void get_addr(struct cursor *c, sa_family_t family, union sip_sa *ret)
{
	size_t n = family == AF_INET ? 4 : 16;
	void *dst = family == AF_INET ? (void *)&((struct sockaddr_in *)&ret->ss)->sin_addr
				      : (void *)&((struct sockaddr_in6 *)&ret->ss)->sin6_addr;

	if (c->bad || c->len - c->pos < n) {
		c->bad = true;
		return;
	}
	ret->sa.sa_family = family;
	memcpy(dst, c->msg + c->pos, n);
	skip(c, n);
}

static void get_rdata(struct cursor *c, enum dns_type type, struct dns_rr *rr)
{
	switch (type) {
	case DNS_A:
		get_addr(c, AF_INET, &rr->addr);
		break;
	case DNS_AAAA:
		get_addr(c, AF_INET6, &rr->addr);
		break;
	case DNS_SRV:
		rr->priority = get(c, 2);
		rr->weight = get(c, 2);
		rr->port = get(c, 2);
		get_name(c, rr->name, sizeof(rr->name));
		break;
	case DNS_NAPTR:
		rr->priority = get(c, 2);
		rr->weight = get(c, 2);
		get_string(c, rr->flags, sizeof(rr->flags));
		get_string(c, rr->service, sizeof(rr->service));
		get_string(c, NULL, 0);
		get_name(c, rr->name, sizeof(rr->name));
		break;
	}
}

/* One resource record; of the wanted type: into rr, true. */
static bool get_rr(struct cursor *c, enum dns_type type, struct dns_rr *rr, uint32_t *ttl)
{
	uint32_t rtype, class, rlen;
	size_t end;

	get_name(c, NULL, 0);
	rtype = get(c, 2);
	class = get(c, 2);
	*ttl = get(c, 4);
	rlen = get(c, 2);
	if (c->bad || c->len - c->pos < rlen) {
		c->bad = true;
		return false;
	}
	end = c->pos + rlen;
	if (rtype != type || class != 1) {
		c->pos = end;
		return false;
	}
	memset(rr, 0, sizeof(*rr));
	get_rdata(c, type, rr);
	if (c->pos != end)
		c->bad = true;
	return !c->bad;
}

static void read_header(struct cursor *c, uint32_t *ret_rcode, uint32_t *ret_answers)
{
	uint32_t questions;

	skip(c, 2);
	*ret_rcode = get(c, 2) & 15;
	questions = get(c, 2);
	*ret_answers = get(c, 2);
	skip(c, 4);
	while (questions-- && !c->bad) {
		get_name(c, NULL, 0);
		skip(c, 4);
	}
}

static void read_answers(struct cursor *c, enum dns_type type, uint32_t count, struct dns_answer *a,
			 uint32_t *min_ttl)
{
	uint32_t ttl;

	while (count-- && !c->bad && a->n < DNS_RR_MAX)
		if (get_rr(c, type, &a->rr[a->n], &ttl)) {
			*min_ttl = MIN(*min_ttl, ttl);
			a->n++;
		}
}

struct dns_answer *dns_parse(const uint8_t *msg, size_t len, enum dns_type type, uint32_t *ret_ttl)
{
	struct dns_answer *a = calloc(1, sizeof(*a) + DNS_RR_MAX * sizeof(a->rr[0])), *fit;
	struct cursor c = { .msg = msg, .len = len };
	uint32_t rcode, count, ttl = TTL_MAX;

	if (!a)
		return NULL;
	a->refs = 1;
	read_header(&c, &rcode, &count);
	if (!c.bad && rcode == 0)
		read_answers(&c, type, count, a, &ttl);
	if (c.bad || (rcode != 0 && rcode != 3)) {
		a->err = -EIO;
		a->n = 0;
	} else if (!a->n) {
		a->err = -ENOENT;
		ttl = TTL_NONE;
	}
	*ret_ttl = MAX(ttl, 1u);
	fit = realloc(a, sizeof(*a) + a->n * sizeof(a->rr[0]));
	if (fit)
		a = fit;
	return a;
}
