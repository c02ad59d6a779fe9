// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The small pieces of SIP's grammar (RFC 3261 25.1): token, LWS, comma lists, parameters,
 * name-addr, Via. Everything is a view into the caller's text; nothing is allocated or changed.
 *
 * Folding (CRLF and white space) may stand wherever LWS may.
 */
#include "lib/sip/msg-internal.h"

/* Bits of a character class table. */
#define C_TOKEN 1 /* token of RFC 3261 25.1 */
#define C_HOST	2 /* host name, IPv4, and '_', which some use */

static const uint8_t cls[256] = {
	['0' ... '9'] = C_TOKEN | C_HOST,
	['A' ... 'Z'] = C_TOKEN | C_HOST,
	['a' ... 'z'] = C_TOKEN | C_HOST,
	['-'] = C_TOKEN | C_HOST,
	['.'] = C_TOKEN | C_HOST,
	['_'] = C_TOKEN | C_HOST,
	['!'] = C_TOKEN,
	['%'] = C_TOKEN,
	['*'] = C_TOKEN,
	['+'] = C_TOKEN,
	['`'] = C_TOKEN,
	['\''] = C_TOKEN,
	['~'] = C_TOKEN,
};

bool sip_is_token_char(char c)
{
	return cls[(unsigned char)c] & C_TOKEN;
}

bool sip_is_lws(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

bool sip_is_token(struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		if (!sip_is_token_char(s.p[i]))
			return false;
	return s.n > 0;
}

static struct str skip(struct str s, size_t n)
{
	return (struct str){ s.p + n, s.n - n };
}

struct str sip_skip_lws(struct str s)
{
	size_t i = 0;

	while (i < s.n && sip_is_lws(s.p[i]))
		i++;
	return skip(s, i);
}

static struct str rtrim(struct str s)
{
	while (s.n && sip_is_lws(s.p[s.n - 1]))
		s.n--;
	return s;
}

/* Length of the token at the beginning of s. */
static size_t token_len(struct str s)
{
	size_t i = 0;

	while (i < s.n && sip_is_token_char(s.p[i]))
		i++;
	return i;
}

/* s begins with a quotation mark: length with both marks, 0 when it does not end. */
static size_t quoted_len(struct str s)
{
	for (size_t i = 1; i < s.n; i++) {
		if (s.p[i] == '\\')
			i++;
		else if (s.p[i] == '"')
			return i + 1;
	}
	return 0;
}

struct str sip_elem_first(struct str s, size_t *ret_next)
{
	bool angle = false;
	size_t i = 0;

	for (; i < s.n; i++) {
		char c = s.p[i];

		if (c == '"' && !angle) {
			size_t q = quoted_len(skip(s, i));

			if (!q) { /* never ends: the rest is one element and somebody will find it malformed */
				i = s.n;
				break;
			}
			i += q - 1;
		} else if (c == '<') {
			angle = true;
		} else if (c == '>') {
			angle = false;
		} else if (c == ',' && !angle) {
			break;
		}
	}
	*ret_next = i < s.n ? i + 1 : s.n;
	return str_trim((struct str){ s.p, i });
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

			e->text = sip_elem_first(skip(e->hf->value, e->pos), &next);
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

/*
 * One parameter at the beginning of s, behind its semicolon: name, raw value (n 0: none). Returns the
 * length up to the next semicolon or the end, -EINVAL for what is no generic-param.
 */
static ssize_t param_one(struct str s, struct str *ret_name, struct str *ret_value)
{
	struct str r = sip_skip_lws(s);
	size_t n = token_len(r);

	*ret_name = (struct str){ r.p, n };
	*ret_value = (struct str){ r.p + n, 0 };
	if (!n)
		return -EINVAL;
	r = sip_skip_lws(skip(r, n));
	if (r.n && r.p[0] == '=') {
		r = sip_skip_lws(skip(r, 1));
		if (r.n && r.p[0] == '"') {
			n = quoted_len(r);
		} else if (r.n && r.p[0] == '[') { /* IPv6reference: received= of some */
			const char *e = memchr(r.p, ']', r.n);

			n = e ? (size_t)(e - r.p) + 1 : 0;
		} else {
			for (n = 0; n < r.n && r.p[n] != ';' && !sip_is_lws(r.p[n]); n++)
				if (!sip_is_token_char(r.p[n]) &&
				    (!r.p[n] || !strchr(":[]/@$&?()", r.p[n])))
					return -EINVAL;
		}
		if (!n)
			return -EINVAL;
		*ret_value = (struct str){ r.p, n };
		r = sip_skip_lws(skip(r, n));
	}
	if (r.n && r.p[0] != ';')
		return -EINVAL;
	return (ssize_t)(s.n - r.n);
}

bool sip_params_valid(struct str params)
{
	struct str name, value;

	params = str_trim(params);
	while (params.n) {
		ssize_t n;

		if (params.p[0] != ';')
			return false;
		params = skip(params, 1);
		n = param_one(params, &name, &value);
		if (n < 0)
			return false;
		params = skip(params, (size_t)n);
	}
	return true;
}

/* To the next semicolon outside quotes: how to go on behind a parameter that is malformed. */
static size_t to_semicolon(struct str s)
{
	size_t i = 0;

	for (; i < s.n && s.p[i] != ';'; i++) {
		if (s.p[i] == '"') {
			size_t q = quoted_len(skip(s, i));

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

bool sip_param(struct str params, const char *name, struct str *ret_value)
{
	struct str want = str_of(name), n, v;

	while (params.n) {
		ssize_t len;

		if (params.p[0] == ';')
			params = skip(params, 1);
		len = param_one(params, &n, &v);
		if (len >= 0 && str_ieq(n, want)) {
			if (ret_value)
				*ret_value = unquote(v);
			return true;
		}
		params = skip(params, to_semicolon(params));
		if (params.n && params.p[0] != ';')
			return false;
	}
	return false;
}

/* scheme ":" something, without white space, control characters, quotes or angle brackets. */
static bool uri_plausible(struct str s)
{
	size_t i = 0;

	while (i < s.n && (sip_is_token_char(s.p[i])) && s.p[i] != '%')
		i++;
	if (!i || i + 1 >= s.n || s.p[i] != ':' ||
	    !((s.p[0] | 0x20) >= 'a' && (s.p[0] | 0x20) <= 'z'))
		return false;
	for (; i < s.n; i++) {
		unsigned char c = (unsigned char)s.p[i];

		if (c <= ' ' || c == 0x7f || c == '<' || c == '>' || c == '"')
			return false;
	}
	return true;
}

/* "<" uri ">" params: s begins with the bracket. */
static int angle_part(struct str s, struct sip_name_addr *ret)
{
	const char *e = memchr(s.p, '>', s.n);

	if (!e)
		return -EINVAL;
	ret->uri = (struct str){ s.p + 1, (size_t)(e - s.p) - 1 };
	ret->params = str_trim((struct str){ e + 1, s.n - ret->uri.n - 2 });
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
	uri = rtrim(uri);
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

	s = str_trim(s);
	if (!s.n)
		return -EINVAL;
	if (s.p[0] == '"') {
		size_t q = quoted_len(s);
		struct str rest;

		if (!q)
			return -EINVAL;
		na.display = (struct str){ s.p + 1, q - 2 };
		rest = sip_skip_lws(skip(s, q));
		if (!rest.n || rest.p[0] != '<')
			return -EINVAL;
		r = angle_part(rest, &na);
	} else if ((open = memchr(s.p, '<', s.n))) {
		na.display = rtrim((struct str){ s.p, (size_t)(open - s.p) });
		r = display_plausible(na.display) ? angle_part(skip(s, (size_t)(open - s.p)), &na)
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
	n = token_len(*s);
	*ret = (struct str){ s->p, n };
	*s = skip(*s, n);
	if (!n)
		return false;
	if (!sep)
		return true;
	*s = sip_skip_lws(*s);
	if (!s->n || s->p[0] != sep)
		return false;
	*s = skip(*s, 1);
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
		while (n < s->n && (cls[(unsigned char)s->p[n]] & C_HOST))
			n++;
		v->host = (struct str){ s->p, n };
	}
	*s = sip_skip_lws(skip(*s, n));
	return v->host.n && v->host.n < 256 ? 0 : -EINVAL;
}

static int via_port(struct str *s, struct sip_via_view *v)
{
	uint64_t port;
	size_t n = 0;

	if (!s->n || s->p[0] != ':')
		return 0;
	*s = sip_skip_lws(skip(*s, 1));
	while (n < s->n && s->p[n] >= '0' && s->p[n] <= '9')
		n++;
	if (str_to_u64((struct str){ s->p, n }, 65535, &port) || !port)
		return -EINVAL;
	v->port = (uint16_t)port;
	*s = sip_skip_lws(skip(*s, n));
	return 0;
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
	v.params = rtrim(s);
	if (!sip_params_valid(v.params))
		return -EINVAL;
	sip_param(v.params, "branch", &v.branch);
	sip_param(v.params, "received", &v.received);
	v.has_rport = sip_param(v.params, "rport", &v.rport);
	*ret = v;
	return 0;
}

int sip_cseq_parse(struct str value, uint32_t *ret_number, struct str *ret_method)
{
	struct str s = str_trim(value);
	uint64_t v;
	size_t n = 0;

	while (n < s.n && s.p[n] >= '0' && s.p[n] <= '9')
		n++;
	if (str_to_u64((struct str){ s.p, n }, INT32_MAX, &v) || n == s.n || !sip_is_lws(s.p[n]))
		return -EINVAL; /* RFC 3261 8.1.1.5: below 2^31 */
	s = sip_skip_lws(skip(s, n));
	if (!sip_is_token(s))
		return -EINVAL;
	*ret_number = (uint32_t)v;
	*ret_method = s;
	return 0;
}
