// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Flow descriptions: reading, writing, and as packet filters (RFC 6733 4.3.1, TS 29.212 5.4.2, TS 24.008
 * 10.5.6.12). Words are separated by single or more spaces; what is not understood is refused, not passed
 * over: half a filter would let through more than was meant.
 */
#include "ref/ipfilter.h"

#include <arpa/inet.h>
#include <stdio.h>

static bool word(struct str *rest, struct str *ret)
{
	size_t i = 0;

	*rest = str_trim(*rest);
	while (i < rest->n && rest->p[i] != ' ' && rest->p[i] != '\t')
		i++;
	*ret = (struct str){ rest->p, i };
	*rest = (struct str){ rest->p + i, rest->n - i };
	return i > 0;
}

static bool is_word(struct str *rest, const char *want)
{
	struct str w;

	return word(rest, &w) && str_eqz(w, want);
}

static int number(struct str s, uint64_t max, uint64_t *ret)
{
	return s.n && s.p[0] >= '0' && s.p[0] <= '9' && !str_to_u64(s, max, ret) ? 0 : -EINVAL;
}

static int parse_bits(struct str s, struct ipf_end *e)
{
	uint64_t bits = 0;

	if (number(s, e->v6 ? 128 : 32, &bits))
		return -EINVAL;
	e->bits = (uint8_t)bits;
	return 0;
}

static int parse_host(struct str s, struct ipf_end *e)
{
	struct str addr;
	char text[INET6_ADDRSTRLEN];

	if (str_eqz(s, "any") || str_eqz(s, "assigned")) {
		e->host = s.n == 3 ? IPF_ANY : IPF_ASSIGNED;
		return 0;
	}
	e->host = IPF_ADDR;
	if (!str_split(&s, '/', &addr) || str_copy(text, sizeof(text), addr))
		return -EINVAL;
	if (inet_pton(AF_INET, text, &e->ip4) == 1) {
		e->bits = 32;
	} else if (inet_pton(AF_INET6, text, &e->ip6) == 1) {
		e->v6 = true;
		e->bits = 128;
	} else {
		return -EINVAL;
	}
	return s.p ? parse_bits(s, e) : 0;
}

static int parse_range(struct str s, struct ipf_end *e)
{
	struct str low;
	uint64_t a = 0, b = 0;

	if (e->n_port == IPF_PORTS_MAX || !str_split(&s, '-', &low) || number(low, 65535, &a))
		return -EINVAL;
	b = a;
	if (s.p && number(s, 65535, &b))
		return -EINVAL;
	if (a > b)
		return -EINVAL;
	e->port[e->n_port].low = (uint16_t)a;
	e->port[e->n_port++].high = (uint16_t)b;
	return 0;
}

static int parse_ports(struct str s, struct ipf_end *e)
{
	struct str one;

	while (str_split(&s, ',', &one))
		if (parse_range(one, e))
			return -EINVAL;
	return e->n_port ? 0 : -EINVAL;
}

/* Host and ports up to the word "to", or the end. */
static int parse_end(struct str *rest, bool first, struct ipf_end *e)
{
	struct str w;

	if (!word(rest, &w) || parse_host(w, e))
		return -EINVAL;
	if (!word(rest, &w))
		return first ? -EINVAL : 0;
	if (first && str_eqz(w, "to"))
		return 0;
	if (parse_ports(w, e))
		return -EINVAL;
	return first ? (is_word(rest, "to") ? 0 : -EINVAL) : 0;
}

int ipfilter_parse(struct str s, struct ipfilter *ret)
{
	struct ipfilter f = { 0 };
	struct str w;
	uint64_t proto = 0;

	if (!word(&s, &w) || !(str_eqz(w, "permit") || str_eqz(w, "deny")))
		return -EINVAL;
	f.deny = str_eqz(w, "deny");
	if (!word(&s, &w) || !(str_eqz(w, "in") || str_eqz(w, "out")))
		return -EINVAL;
	f.in = str_eqz(w, "in");
	if (!word(&s, &w))
		return -EINVAL;
	f.has_proto = !str_eqz(w, "ip");
	if (f.has_proto && number(w, 255, &proto))
		return -EINVAL;
	f.proto = (uint8_t)proto;
	if (!is_word(&s, "from") || parse_end(&s, true, &f.from) || parse_end(&s, false, &f.to) ||
	    word(&s, &w))
		return -EINVAL;
	if (f.from.host == IPF_ADDR && f.to.host == IPF_ADDR && f.from.v6 != f.to.v6)
		return -EINVAL;
	*ret = f;
	return 0;
}

/* --- writing --- */

struct text {
	char *p;
	size_t n, size;
	bool full;
};

static void put(struct text *t, const char *fmt, ...) _printf_(2, 3);
static void put(struct text *t, const char *fmt, ...)
{
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(t->full ? NULL : t->p + t->n, t->full ? 0 : t->size - t->n, fmt, ap);
	va_end(ap);
	if (n < 0 || (size_t)n >= t->size - t->n)
		t->full = true;
	else
		t->n += (size_t)n;
}

static void put_end(struct text *t, const struct ipf_end *e)
{
	char addr[INET6_ADDRSTRLEN] = "";

	if (e->host != IPF_ADDR) {
		put(t, "%s", e->host == IPF_ANY ? "any" : "assigned");
	} else {
		inet_ntop(e->v6 ? AF_INET6 : AF_INET,
			  e->v6 ? (const void *)&e->ip6 : (const void *)&e->ip4, addr,
			  sizeof(addr));
		put(t, "%s", addr);
		if (e->bits < (e->v6 ? 128 : 32))
			put(t, "/%u", e->bits);
	}
	for (int i = 0; i < e->n_port; i++) {
		put(t, "%c%u", i ? ',' : ' ', e->port[i].low);
		if (e->port[i].high != e->port[i].low)
			put(t, "-%u", e->port[i].high);
	}
}

int ipfilter_format(const struct ipfilter *f, char *dst, size_t n)
{
	struct text t = { .p = dst, .size = n };

	if (!n)
		return -ENOSPC;
	put(&t, "%s %s ", f->deny ? "deny" : "permit", f->in ? "in" : "out");
	if (f->has_proto)
		put(&t, "%u from ", f->proto);
	else
		put(&t, "ip from ");
	put_end(&t, &f->from);
	put(&t, " to ");
	put_end(&t, &f->to);
	return t.full ? -ENOSPC : (int)t.n;
}

/* --- packet filters --- */

const struct ipf_end *ipfilter_ue(const struct ipfilter *f)
{
	return f->in ? &f->from : &f->to;
}

const struct ipf_end *ipfilter_remote(const struct ipfilter *f)
{
	return f->in ? &f->to : &f->from;
}

static struct in_addr mask_of(uint8_t bits)
{
	return (struct in_addr){ .s_addr = bits ? htonl(UINT32_MAX << (32 - bits)) : 0 };
}

static void put_remote(struct nas_filter *n, const struct ipf_end *e)
{
	if (e->host != IPF_ADDR)
		return;
	if (e->v6) {
		n->has |= NAS_REMOTE6;
		n->remote6 = e->ip6;
		n->remote6_bits = e->bits;
	} else {
		n->has |= NAS_REMOTE4;
		n->remote4 = e->ip4;
		n->remote4_mask = mask_of(e->bits);
	}
}

static void put_local(struct nas_filter *n, const struct ipf_end *e)
{
	if (e->host != IPF_ADDR)
		return;
	if (e->v6) {
		n->has |= NAS_LOCAL6;
		n->local6 = e->ip6;
		n->local6_bits = e->bits;
	} else {
		n->has |= NAS_LOCAL4;
		n->local4 = e->ip4;
		n->local4_mask = mask_of(e->bits);
	}
}

static void put_ports(struct nas_filter *n, const struct ipf_end *ue, int u,
		      const struct ipf_end *remote, int r)
{
	if (ue->n_port) {
		n->has |= NAS_LOCAL_PORT;
		n->local_low = ue->port[u].low;
		n->local_high = ue->port[u].high;
	}
	if (remote->n_port) {
		n->has |= NAS_REMOTE_PORT;
		n->remote_low = remote->port[r].low;
		n->remote_high = remote->port[r].high;
	}
}

/* A filter without a component is not allowed: what matches everything is any IPv4 or IPv6 address. */
static void put_everything(struct nas_filter *n, const struct ipf_end *ue)
{
	n->has |= ue->v6 ? NAS_REMOTE6 : NAS_REMOTE4;
}

int ipfilter_to_nas(const struct ipfilter *f, uint8_t dir, bool local, struct nas_filter *ret,
		    size_t max)
{
	const struct ipf_end *ue = ipfilter_ue(f), *remote = ipfilter_remote(f);
	size_t k = 0;

	if (f->deny)
		return -EINVAL;
	for (int u = 0; u < MAX(ue->n_port, 1); u++) {
		for (int r = 0; r < MAX(remote->n_port, 1); r++) {
			struct nas_filter n = { .dir = dir };

			if (k == max)
				return -ENOSPC;
			put_remote(&n, remote);
			if (local)
				put_local(&n, ue);
			if (f->has_proto) {
				n.has |= NAS_PROTO;
				n.proto = f->proto;
			}
			put_ports(&n, ue, u, remote, r);
			if (!n.has)
				put_everything(&n, ue);
			ret[k++] = n;
		}
	}
	return (int)k;
}
