// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The small pieces of SIP's grammar (RFC 3261 25.1): token, LWS, comma lists, parameters,
 * name-addr, Via. Everything is a view into the caller's text; nothing is allocated or changed.
 *
 * Folding (CRLF and white space) may stand wherever LWS may.
 */
#include "lib/sip/msg-internal.h"

#define T (SIP_C_TOKEN | SIP_C_VALUE | SIP_C_URI | SIP_C_LIST)
#define H (T | SIP_C_HOST)
#define V (SIP_C_VALUE | SIP_C_URI | SIP_C_LIST)
#define U (SIP_C_URI | SIP_C_LIST)
#define L (SIP_C_LWS | SIP_C_LIST)

const uint8_t sip_cls[256] = {
	[0x00 ... 0x08] = SIP_C_LIST,
	[0x0b ... 0x0c] = SIP_C_LIST,
	[0x0e ... 0x1f] = SIP_C_LIST,
	[0x7f] = SIP_C_LIST,
	[0x80 ... 0xff] = U,
	['0' ... '9'] = H,
	['A' ... 'Z'] = H,
	['a' ... 'z'] = H,
	['-'] = H,
	['.'] = H,
	['_'] = H,
	['!'] = T,
	['%'] = T,
	['*'] = T,
	['+'] = T,
	['`'] = T,
	['\''] = T,
	['~'] = T,
	[':'] = V,
	['['] = V,
	[']'] = V,
	['/'] = V,
	['@'] = V,
	['$'] = V,
	['&'] = V,
	['?'] = V,
	['('] = V,
	[')'] = V,
	['#'] = U,
	[';'] = U,
	['='] = U,
	['\\'] = U,
	['^'] = U,
	['{'] = U,
	['|'] = U,
	['}'] = U,
	[','] = SIP_C_URI,
	[' '] = L,
	['\t'] = L,
	['\r'] = L,
	['\n'] = L,
	['<'] = 0,
	['>'] = 0,
	['"'] = 0,
};

#undef T
#undef H
#undef V
#undef U
#undef L

/* s begins with a quotation mark: length with both marks, 0 when it does not end. */
static size_t quoted_len(struct str s)
{
	const char *e = s.n > 1 ? memchr(s.p + 1, '"', s.n - 1) : NULL;

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

/*
 * s begins with a quotation mark or "<": up to behind its end. All of s when that does not come: the rest is one
 * element then and somebody will find it malformed. Quotes mean nothing in brackets.
 */
static size_t closed_len(struct str s)
{
	const char *e;
	size_t n;

	if (s.p[0] == '"') {
		n = quoted_len(s);
		return n ? n : s.n;
	}
	e = memchr(s.p, '>', s.n);
	return e ? (size_t)(e - s.p) + 1 : s.n;
}

struct str sip_elem_first(struct str s, size_t *ret_next)
{
	const char *comma = s.n ? memchr(s.p, ',', s.n) : NULL;
	size_t i = comma ? (size_t)(comma - s.p) : s.n;

	/* The usual cases: no list, or nothing in front of the comma that could hide one. */
	if (comma && i && (memchr(s.p, '<', i) || memchr(s.p, '"', i)))
		i = 0;
	while (i < s.n && s.p[i] != ',') {
		i += sip_span(sip_skip(s, i), SIP_C_LIST);
		if (i < s.n && (s.p[i] == '"' || s.p[i] == '<'))
			i += closed_len(sip_skip(s, i));
		else if (i < s.n && s.p[i] != ',')
			i++;
	}
	*ret_next = i < s.n ? i + 1 : s.n;
	return sip_trim((struct str){ s.p, i });
}

bool sip_msg_next_elem(const struct sip_msg *m, enum sip_hdr id, struct sip_elem *e)
{
	if (e->pos == SIZE_MAX) /* asked again after the end */
		return false;
	if (!e->hf)
		e->hf = sip_msg_hf(m, id);
	while (e->hf) {
		while (e->pos < e->hf->value.n) {
			size_t next;

			e->text = sip_elem_first(sip_skip(e->hf->value, e->pos), &next);
			e->pos += next;
			if (e->text.n)
				return true;
		}
		e->hf = sip_msg_next(m, id, e->hf);
		e->pos = 0;
	}
	*e = (struct sip_elem){ .pos = SIZE_MAX };
	return false;
}

/* The value behind "=": length, 0 for what is none. */
static size_t value_len(struct str s)
{
	const char *e;

	if (!s.n)
		return 0;
	if (s.p[0] == '"')
		return quoted_len(s);
	if (s.p[0] != '[')
		return sip_span(s, SIP_C_VALUE);
	e = memchr(s.p, ']', s.n); /* IPv6reference: received= of some */
	return e ? (size_t)(e - s.p) + 1 : 0;
}

/*
 * One parameter at the beginning of s, behind its semicolon: name, raw value (n 0: none). Returns the
 * length up to the next semicolon or the end, -EINVAL for what is no generic-param.
 */
static ssize_t param_one(struct str s, struct str *ret_name, struct str *ret_value)
{
	struct str r = sip_skip_lws(s);
	size_t n = sip_span(r, SIP_C_TOKEN);

	if (!n)
		return -EINVAL;
	*ret_name = (struct str){ r.p, n };
	*ret_value = (struct str){ r.p + n, 0 };
	r = sip_skip_lws(sip_skip(r, n));
	if (r.n && r.p[0] == '=') {
		r = sip_skip_lws(sip_skip(r, 1));
		n = value_len(r);
		if (!n)
			return -EINVAL;
		*ret_value = (struct str){ r.p, n };
		r = sip_skip_lws(sip_skip(r, n));
	}
	if (r.n && r.p[0] != ';')
		return -EINVAL;
	return (ssize_t)(s.n - r.n);
}

/* To the next semicolon outside quotes: how to go on behind a parameter that is malformed. */
static size_t to_semicolon(struct str s)
{
	size_t i = 0;

	for (; i < s.n && s.p[i] != ';'; i++) {
		if (s.p[i] == '"') {
			size_t q = quoted_len(sip_skip(s, i));

			if (!q)
				return s.n;
			i += q - 1;
		}
	}
	return i;
}

static struct str unquote(struct str v)
{
	if (v.n >= 2 && v.p[0] == '"')
		return (struct str){ v.p + 1, v.n - 2 };
	return v;
}

static void param_wanted(struct str name, struct str value, const struct sip_param_want *want,
			 size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (!str_ieq(name, want[i].name))
			continue;
		if (!want[i].value->p)
			*want[i].value = unquote(value);
		if (want[i].has)
			*want[i].has = true;
	}
}

int sip_params_scan(struct str params, const struct sip_param_want *want, size_t n)
{
	struct str name, value;

	params = sip_trim(params);
	while (params.n) {
		ssize_t len;

		if (params.p[0] != ';')
			return -EINVAL;
		params = sip_skip(params, 1);
		len = param_one(params, &name, &value);
		if (len < 0)
			return -EINVAL;
		param_wanted(name, value, want, n);
		params = sip_skip(params, (size_t)len);
	}
	return 0;
}

bool sip_param(struct str params, const char *name, struct str *ret_value)
{
	struct str want = str_of(name), n, v;

	while (params.n) {
		ssize_t len;

		if (params.p[0] == ';')
			params = sip_skip(params, 1);
		len = param_one(params, &n, &v);
		if (len >= 0 && str_ieq(n, want)) {
			if (ret_value)
				*ret_value = unquote(v);
			return true;
		}
		params = sip_skip(params, len >= 0 ? (size_t)len : to_semicolon(params));
	}
	return false;
}

/* scheme ":" something, without white space, control characters, quotes or angle brackets. */
static bool uri_plausible(struct str s)
{
	size_t i = sip_span(s, SIP_C_TOKEN);

	if (!i || i + 1 >= s.n || s.p[i] != ':' ||
	    !((s.p[0] | 0x20) >= 'a' && (s.p[0] | 0x20) <= 'z'))
		return false;
	return sip_span(s, SIP_C_URI) == s.n;
}

/* "<" uri ">" params: s begins with the bracket. */
static int angle_part(struct str s, struct sip_name_addr *ret)
{
	const char *e = memchr(s.p, '>', s.n);

	if (!e)
		return -EINVAL;
	ret->uri = (struct str){ s.p + 1, (size_t)(e - s.p) - 1 };
	ret->params = sip_trim((struct str){ e + 1, s.n - ret->uri.n - 2 });
	if (!uri_plausible(ret->uri) || (ret->params.n && ret->params.p[0] != ';'))
		return -EINVAL;
	return 0;
}

/* Words in front of "<": tokens by the grammar, other letters are let through; separators are not. */
static bool display_plausible(struct str s)
{
	for (size_t i = 0; i < s.n; i++) {
		unsigned char c = (unsigned char)s.p[i];

		if (c == ',' || c == '"' || c == ';' || c == '>' || c == '\0' || c == 0x7f)
			return false;
	}
	return true;
}

/* addr-spec: parameters behind it belong to the header field; no "?" and "," without brackets (RFC 3261 20.10). */
static int bare_part(struct str s, struct sip_name_addr *ret)
{
	const char *semi = memchr(s.p, ';', s.n);
	struct str uri = s, params = { s.p + s.n, 0 };

	if (semi) {
		uri.n = (size_t)(semi - s.p);
		params = (struct str){ semi, s.n - uri.n };
	}
	uri = sip_rtrim(uri);
	if (!uri_plausible(uri) || memchr(uri.p, '?', uri.n) || memchr(uri.p, ',', uri.n))
		return -EINVAL;
	ret->display = (struct str){ s.p, 0 };
	ret->uri = uri;
	ret->params = params;
	return 0;
}

int sip_name_addr_parse(struct str s, struct sip_name_addr *ret)
{
	struct sip_name_addr na = { 0 };
	const char *open;
	int r;

	s = sip_trim(s);
	if (!s.n)
		return -EINVAL;
	if (s.p[0] == '"') {
		size_t q = quoted_len(s);
		struct str rest;

		if (!q)
			return -EINVAL;
		na.display = (struct str){ s.p + 1, q - 2 };
		rest = sip_skip_lws(sip_skip(s, q));
		if (!rest.n || rest.p[0] != '<')
			return -EINVAL;
		r = angle_part(rest, &na);
	} else if ((open = memchr(s.p, '<', s.n))) {
		na.display = sip_rtrim((struct str){ s.p, (size_t)(open - s.p) });
		r = display_plausible(na.display)
			    ? angle_part(sip_skip(s, (size_t)(open - s.p)), &na)
			    : -EINVAL;
	} else {
		r = bare_part(s, &na);
	}
	if (!r)
		*ret = na;
	return r;
}

/* Takes one token and the separator behind it (0: none wanted), LWS around both. */
static bool take(struct str *s, char sep, struct str *ret)
{
	size_t n;

	*s = sip_skip_lws(*s);
	n = sip_span(*s, SIP_C_TOKEN);
	*ret = (struct str){ s->p, n };
	*s = sip_skip(*s, n);
	if (!n)
		return false;
	if (!sep)
		return true;
	*s = sip_skip_lws(*s);
	if (!s->n || s->p[0] != sep)
		return false;
	*s = sip_skip(*s, 1);
	return true;
}

static int via_host(struct str *s, struct sip_via_view *v)
{
	size_t n = 0;

	if (s->n && s->p[0] == '[') {
		const char *e = memchr(s->p, ']', s->n);

		if (!e || e - s->p > 48)
			return -EINVAL;
		n = (size_t)(e - s->p) + 1;
		v->host = (struct str){ s->p + 1, n - 2 };
	} else {
		n = sip_span(*s, SIP_C_HOST);
		v->host = (struct str){ s->p, n };
	}
	*s = sip_skip_lws(sip_skip(*s, n));
	return v->host.n && v->host.n < 256 ? 0 : -EINVAL;
}

static int via_port(struct str *s, struct sip_via_view *v)
{
	uint64_t port;
	size_t n = 0;

	if (!s->n || s->p[0] != ':')
		return 0;
	*s = sip_skip_lws(sip_skip(*s, 1));
	while (n < s->n && s->p[n] >= '0' && s->p[n] <= '9')
		n++;
	if (str_to_u64((struct str){ s->p, n }, 65535, &port) || !port)
		return -EINVAL;
	v->port = (uint16_t)port;
	*s = sip_skip_lws(sip_skip(*s, n));
	return 0;
}

static int via_params(struct sip_via_view *v)
{
	const struct sip_param_want want[] = {
		{ STR("branch"), &v->branch, NULL },
		{ STR("received"), &v->received, NULL },
		{ STR("rport"), &v->rport, &v->has_rport },
	};

	return sip_params_scan(v->params, want, ARRAY_SIZE(want));
}

int sip_via_parse(struct str s, struct sip_via_view *ret)
{
	struct sip_via_view v = { 0 };
	struct str proto, version;

	if (!take(&s, '/', &proto) || !str_ieq(proto, STR("SIP")) || !take(&s, '/', &version) ||
	    !take(&s, 0, &v.transport))
		return -EINVAL;
	if (!str_eq(version, STR("2.0")) || !s.n || !sip_is_lws(s.p[0]))
		return -EINVAL;
	s = sip_skip_lws(s);
	if (via_host(&s, &v) || via_port(&s, &v))
		return -EINVAL;
	v.params = sip_rtrim(s);
	if (via_params(&v))
		return -EINVAL;
	*ret = v;
	return 0;
}

int sip_cseq_parse(struct str value, uint32_t *ret_number, struct str *ret_method)
{
	struct str s = sip_trim(value);
	uint64_t v;
	size_t n = 0;

	while (n < s.n && s.p[n] >= '0' && s.p[n] <= '9')
		n++;
	if (str_to_u64((struct str){ s.p, n }, INT32_MAX, &v) || n == s.n || !sip_is_lws(s.p[n]))
		return -EINVAL; /* RFC 3261 8.1.1.5: below 2^31 */
	s = sip_skip_lws(sip_skip(s, n));
	if (!sip_is_token(s))
		return -EINVAL;
	*ret_number = (uint32_t)v;
	*ret_method = s;
	return 0;
}
