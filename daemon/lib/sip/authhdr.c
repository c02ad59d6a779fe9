// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Authorization, WWW-Authenticate and their like (RFC 3261 25.1 auth-param, RFC 2617/7616, RFC 3310,
 * TS 24.229 7.2A.1). Read as scheme and a comma list of name=value; a known parameter that stands
 * twice is refused, since checker and forwarder could take different ones.
 */
#include "lib/sip/authhdr.h"
#include "lib/sip/msg-internal.h"

/* Splits "Digest a=b, c=d" into scheme and parameters. */
static int split_scheme(struct str value, struct str *ret_scheme, struct str *ret_params)
{
	struct str s = str_trim(value);
	size_t n = 0;

	while (n < s.n && sip_is_token_char(s.p[n]))
		n++;
	if (!n || (n < s.n && !sip_is_lws(s.p[n])))
		return -EINVAL;
	*ret_scheme = (struct str){ s.p, n };
	*ret_params = str_trim((struct str){ s.p + n, s.n - n });
	return 0;
}

/* Length of a quoted string with its marks; 0: none or not ended. */
static size_t quoted(struct str s)
{
	const char *e;

	if (s.n < 2 || s.p[0] != '"')
		return 0;
	e = memchr(s.p + 1, '"', s.n - 1);
	if (!e || !memchr(s.p + 1, '\\', (size_t)(e - s.p) - 1)) /* the usual case */
		return e ? (size_t)(e - s.p) + 1 : 0;
	for (size_t i = 1; i < s.n; i++) {
		if (s.p[i] == '\\')
			i++;
		else if (s.p[i] == '"')
			return i + 1;
	}
	return 0;
}

/* Up to the next comma outside quotes; unlike in name-addr lists "<" has no meaning here. */
static struct str take_elem(struct str *rest)
{
	struct str s = *rest;
	size_t i = 0;

	while (i < s.n && s.p[i] != ',') {
		size_t q = 1;

		if (s.p[i] == '"')
			q = quoted((struct str){ s.p + i, s.n - i });
		i = q ? i + q : s.n;
	}
	i = MIN(i, s.n);
	*rest = i < s.n ? (struct str){ s.p + i + 1, s.n - i - 1 } : (struct str){ s.p + s.n, 0 };
	return str_trim((struct str){ s.p, i });
}

/* One auth-param. Unquoted values may hold base64. A parameter without "=" has no value. */
static int split_param(struct str s, struct str *ret_name, struct str *ret_value)
{
	const char *eq = memchr(s.p, '=', s.n);
	struct str v = { s.p + s.n, 0 };

	*ret_name = str_trim((struct str){ s.p, eq ? (size_t)(eq - s.p) : s.n });
	if (!sip_is_token(*ret_name))
		return -EINVAL;
	if (eq)
		v = str_trim((struct str){ eq + 1, (size_t)(s.p + s.n - eq) - 1 });
	if (v.n && v.p[0] == '"') {
		if (quoted(v) != v.n)
			return -EINVAL;
		v = (struct str){ v.p + 1, v.n - 2 };
	} else if (v.n && memchr(v.p, '"', v.n)) {
		return -EINVAL;
	}
	*ret_value = v;
	return 0;
}

static struct str *field_of(struct sip_digest *d, struct str name)
{
	const struct {
		const char *name;
		struct str *field;
	} fields[] = {
		{ "username", &d->username },
		{ "realm", &d->realm },
		{ "nonce", &d->nonce },
		{ "uri", &d->uri },
		{ "response", &d->response },
		{ "algorithm", &d->algorithm },
		{ "cnonce", &d->cnonce },
		{ "opaque", &d->opaque },
		{ "qop", &d->qop },
		{ "nc", &d->nc },
		{ "auts", &d->auts },
		{ "integrity-protected", &d->integrity_protected },
		{ "ck", &d->ck },
		{ "ik", &d->ik },
		{ "stale", &d->stale },
	};

	for (size_t i = 0; i < ARRAY_SIZE(fields); i++)
		if (str_ieqz(name, fields[i].name))
			return fields[i].field;
	return NULL;
}

int sip_digest_read(struct str value, struct sip_digest *ret)
{
	struct sip_digest d = { 0 };
	struct str rest;
	int r = split_scheme(value, &d.scheme, &rest);

	while (!r && rest.n) {
		struct str name, v, *f, one = take_elem(&rest);

		if (!one.n)
			continue;
		r = split_param(one, &name, &v);
		f = r ? NULL : field_of(&d, name);
		if (!f)
			continue;
		if (f->p) /* seen: a value always points somewhere */
			r = -EINVAL;
		*f = v;
	}
	if (r)
		return r;
	d.has_response = d.response.p;
	d.has_integrity_protected = d.integrity_protected.p;
	*ret = d;
	return 0;
}

static bool is_param(struct str one, struct str name)
{
	const char *eq = one.n ? memchr(one.p, '=', one.n) : NULL;

	return str_ieq(str_trim((struct str){ one.p, eq ? (size_t)(eq - one.p) : one.n }), name);
}

/* What is malformed is dropped with the parameter: a key must not leave because of a stray quote. */
char *sip_digest_without(struct str value, const char *name)
{
	struct str scheme, rest, want = str_of(name);
	char *out = malloc(2 * value.n + 2), *p = out;

	if (!out)
		return NULL;
	if (split_scheme(value, &scheme, &rest)) {
		out[0] = '\0';
		return out;
	}
	memcpy(p, scheme.p, scheme.n);
	p += scheme.n;
	while (rest.n) {
		struct str v, n, one = take_elem(&rest);

		if (!one.n || is_param(one, want) || split_param(one, &n, &v))
			continue;
		if (p != out + scheme.n)
			*p++ = ',';
		*p++ = ' ';
		memcpy(p, one.p, one.n);
		p += one.n;
	}
	*p = '\0';
	return out;
}
