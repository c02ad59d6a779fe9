// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * sip:, sips: and tel: URIs (RFC 3261 19.1, RFC 3966) as views, and the canonical form of a public
 * user identity (RFC 3261 19.1.4, TS 23.003 13.4) by which subscribers are looked up.
 *
 * The first "@" ends the user part: the grammar allows no other one, so a second one is refused.
 */
#include <stdio.h>

#include "lib/sip/msg-internal.h"

static struct str head(struct str s, size_t n)
{
	return (struct str){ s.p, n };
}

static bool ipv6_char(char c)
{
	return (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'f') || c == ':' ||
	       c == '.';
}

/* "[v6]" or a name; *s is left behind it. */
static int take_host(struct str *s, struct str *ret)
{
	size_t n = 0;

	if (s->n && s->p[0] == '[') {
		for (n = 1; n < s->n && ipv6_char(s->p[n]); n++)
			;
		if (n < 4 || n > 47 || n >= s->n || s->p[n] != ']')
			return -EINVAL;
		*ret = (struct str){ s->p + 1, n - 1 };
		*s = sip_skip(*s, n + 1);
		return 0;
	}
	n = sip_span(*s, SIP_C_HOST);
	if (!n || n > 255)
		return -EINVAL;
	*ret = head(*s, n);
	*s = sip_skip(*s, n);
	return 0;
}

static int take_port(struct str *s, uint16_t *ret)
{
	uint64_t port;
	size_t n = 1;

	if (!s->n || s->p[0] != ':')
		return 0;
	while (n < s->n && s->p[n] >= '0' && s->p[n] <= '9')
		n++;
	if (n > 6 || str_to_u64((struct str){ s->p + 1, n - 1 }, 65535, &port) || !port)
		return -EINVAL;
	*ret = (uint16_t)port;
	*s = sip_skip(*s, n);
	return 0;
}

static int parse_sip(struct str s, struct sip_uri *u)
{
	const char *at = memchr(s.p, '@', s.n), *q;

	u->user = u->password = head(s, 0);
	if (at) {
		const char *colon;

		u->user = head(s, (size_t)(at - s.p));
		colon = memchr(u->user.p, ':', u->user.n);
		if (colon) {
			u->password = (struct str){ colon + 1, (size_t)(at - colon) - 1 };
			u->user.n = (size_t)(colon - u->user.p);
		}
		if (!u->user.n)
			return -EINVAL;
		s = sip_skip(s, (size_t)(at + 1 - s.p));
		if (memchr(s.p, '@', s.n))
			return -EINVAL;
	}
	if (take_host(&s, &u->host) || take_port(&s, &u->port))
		return -EINVAL;
	if (s.n && s.p[0] != ';' && s.p[0] != '?')
		return -EINVAL;
	q = memchr(s.p, '?', s.n);
	u->params = q ? head(s, (size_t)(q - s.p)) : s;
	u->headers = q ? sip_skip(s, (size_t)(q + 1 - s.p)) : sip_skip(s, s.n);
	return 0;
}

static bool tel_char(char c)
{
	return (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'f') ||
	       (c && strchr("-.()*#", c));
}

static int parse_tel(struct str s, struct sip_uri *u)
{
	size_t n = s.n && s.p[0] == '+' ? 1 : 0, digits = 0;

	for (; n < s.n && tel_char(s.p[n]); n++)
		digits += !strchr("-.()", s.p[n]);
	if (!digits || (n < s.n && s.p[n] != ';'))
		return -EINVAL;
	u->is_tel = true;
	u->user = head(s, n);
	u->params = sip_skip(s, n);
	u->password = u->host = u->headers = head(s, 0);
	return 0;
}

int sip_uri_parse(struct str s, struct sip_uri *ret)
{
	const char *colon = s.n ? memchr(s.p, ':', s.n) : NULL;
	struct sip_uri u = { 0 };
	int r;

	if (!colon || colon == s.p || sip_span(s, SIP_C_URI) != s.n)
		return -EINVAL;
	u.scheme = head(s, (size_t)(colon - s.p));
	s = sip_skip(s, u.scheme.n + 1);
	if (str_ieq(u.scheme, STR("sip")) || str_ieq(u.scheme, STR("sips")))
		r = parse_sip(s, &u);
	else if (str_ieq(u.scheme, STR("tel")))
		r = parse_tel(s, &u);
	else
		return -EPROTONOSUPPORT;
	if (!r)
		*ret = u;
	return r;
}

/* Output with a bound; n counts on so that one check at the end is enough. */
struct out {
	char *p;
	size_t n, size;
};

static void out_c(struct out *o, char c)
{
	if (o->n < o->size)
		o->p[o->n] = c;
	o->n++;
}

static char lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c | 0x20) : c;
}

static void out_lower(struct out *o, struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		out_c(o, lower(s.p[i]));
}

static bool unreserved(unsigned char c)
{
	return (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z') ||
	       (c && strchr("-_.!~*'()", c));
}

/* The user part: escapes of unreserved characters decoded, others in upper case. */
static int out_user(struct out *o, struct str s)
{
	static const char hex[] = "0123456789ABCDEF";

	for (size_t i = 0; i < s.n; i++) {
		uint8_t c;

		if (s.p[i] != '%') {
			out_c(o, s.p[i]);
			continue;
		}
		if (s.n - i < 3 || hex_decode((struct str){ s.p + i + 1, 2 }, &c, 1) != 1)
			return -EINVAL;
		i += 2;
		if (unreserved(c)) {
			out_c(o, (char)c);
		} else {
			out_c(o, '%');
			out_c(o, hex[c >> 4]);
			out_c(o, hex[c & 15]);
		}
	}
	return 0;
}

/* A telephone number without visual separators. */
static void out_number(struct out *o, struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		if (!strchr("-.()", s.p[i]))
			out_c(o, lower(s.p[i]));
}

static int canon_tel(const struct sip_uri *u, struct out *o)
{
	struct str context;

	out_lower(o, STR("tel:"));
	out_number(o, u->user);
	if (u->user.p[0] != '+' && sip_param(u->params, "phone-context", &context) && context.n) {
		out_lower(o, STR(";phone-context="));
		if (context.p[0] == '+')
			out_number(o, context);
		else
			out_lower(o, context);
	}
	return 0;
}

/* With user=phone the user part of a global number is one of RFC 3966 (RFC 3261 19.1.6). */
static bool is_global_number(const struct sip_uri *u)
{
	struct str v;

	if (!sip_param(u->params, "user", &v) || !str_ieq(v, STR("phone")) || u->user.n < 2 ||
	    u->user.p[0] != '+')
		return false;
	for (size_t i = 1; i < u->user.n; i++)
		if (!tel_char(u->user.p[i]))
			return false;
	return true;
}

static int canon_sip(const struct sip_uri *u, struct out *o)
{
	bool v6 = memchr(u->host.p, ':', u->host.n);
	int r = 0;

	if (u->password.n) /* no part of an identity, and no reason to guess */
		return -EINVAL;
	out_lower(o, u->scheme);
	out_c(o, ':');
	if (u->user.n) {
		if (is_global_number(u))
			out_number(o, u->user);
		else
			r = out_user(o, u->user);
		out_c(o, '@');
	}
	if (v6)
		out_c(o, '[');
	out_lower(o, u->host);
	if (v6)
		out_c(o, ']');
	return r;
}

int sip_uri_canon(struct str s, char *dst, size_t size)
{
	struct out o = { .p = dst, .size = size };
	struct sip_uri u;
	int r = sip_uri_parse(s, &u);

	if (r)
		return -EINVAL;
	r = u.is_tel ? canon_tel(&u, &o) : canon_sip(&u, &o);
	if (r)
		return r;
	out_c(&o, '\0');
	return o.n <= o.size ? 0 : -ENOSPC;
}
