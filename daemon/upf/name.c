// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The name of a server in the first octets of a flow: TLS server name (RFC 8446 4.1.2, RFC 6066 3), HTTP Host and
 * target (RFC 9112 3, 7.2 of RFC 9110), the question of DNS (RFC 1035 4.1.2). No I/O. All octets are a phone's: every length is
 * checked against what is there, names that are not printable are none.
 */
#include <stdio.h>

#include "upf/upf.h"

struct in {
	const uint8_t *p;
	size_t n;
	bool cut; /* something was longer than what is there */
};

static const uint8_t *skip(struct in *i, size_t n)
{
	const uint8_t *at = i->p;

	if (n > i->n) {
		i->cut = true;
		i->n = 0;
		return NULL;
	}
	i->p += n;
	i->n -= n;
	return at;
}

static uint32_t number(struct in *i, size_t octets)
{
	const uint8_t *p = skip(i, octets);
	uint32_t v = 0;

	for (size_t k = 0; p && k < octets; k++)
		v = v << 8 | p[k];
	return v;
}

/* A vector with its length before it; it ends where i ends at the latest. */
static struct in vector(struct in *i, size_t len_octets)
{
	uint32_t n = number(i, len_octets);
	struct in v = { i->p, MIN(n, i->n), n > i->n };

	skip(i, v.n);
	return v;
}

static bool take_name(const uint8_t *p, size_t n, char dst[256])
{
	if (!n || n > 255)
		return false;
	for (size_t k = 0; k < n; k++) {
		if (p[k] <= ' ' || p[k] > '~')
			return false;
		dst[k] = (char)(p[k] >= 'A' && p[k] <= 'Z' ? p[k] + 32 : p[k]);
	}
	if (dst[n - 1] == '.')
		n--;
	dst[n] = '\0';
	return n;
}

/* --- TLS --- */

static enum upf_name_kind tls_name(struct in ext, struct upf_name *ret)
{
	while (ext.n) {
		uint32_t type = number(&ext, 2);
		struct in body = vector(&ext, 2), list;

		if (type)
			continue;
		list = vector(&body, 2);
		if (number(&list, 1))
			return UPF_NAME_NONE;
		body = vector(&list, 2);
		if (body.cut)
			return UPF_NAME_MORE;
		return take_name(body.p, body.n, ret->host) ? UPF_NAME_TLS : UPF_NAME_NONE;
	}
	return ext.cut ? UPF_NAME_MORE : UPF_NAME_NONE;
}

static enum upf_name_kind tls(struct in i, struct upf_name *ret)
{
	struct in record, hello, part;

	skip(&i, 3);
	record = vector(&i, 2);
	if (number(&record, 1) != 1) /* client_hello */
		return UPF_NAME_NONE;
	hello = vector(&record, 3);
	skip(&hello, 34);
	part = vector(&hello, 1); /* session id */
	part = vector(&hello, 2); /* cipher suites */
	part = vector(&hello, 1); /* compression */
	if (part.cut || !hello.n)
		return UPF_NAME_MORE;
	part = vector(&hello, 2);
	return tls_name(part, ret);
}

/* --- HTTP --- */

static bool is_method(const uint8_t *p, size_t n)
{
	static const char *const methods[] = { "GET ",	   "POST ",   "HEAD ",	  "PUT ",
					       "OPTIONS ", "DELETE ", "CONNECT ", "PATCH " };

	for (size_t i = 0; i < ARRAY_SIZE(methods); i++)
		if (n >= strlen(methods[i]) && !memcmp(p, methods[i], strlen(methods[i])))
			return true;
	return false;
}

static enum upf_name_kind http(struct str text, struct upf_name *ret)
{
	struct str line, target, word;
	bool named = false;

	if (!str_split(&text, '\n', &line) || !str_split(&line, ' ', &word) ||
	    !str_split(&line, ' ', &target))
		return UPF_NAME_MORE;
	while (!named && str_split(&text, '\n', &line)) {
		if (line.n < 5 || strncasecmp(line.p, "host:", 5))
			continue;
		word = str_trim((struct str){ line.p + 5, line.n - 5 });
		for (size_t k = 0; k < word.n; k++)
			if (word.p[k] == ':')
				word.n = k;
		named = take_name((const uint8_t *)word.p, word.n, ret->host);
	}
	if (!named)
		return UPF_NAME_MORE;
	ret->has_path = !str_copy(ret->path, sizeof(ret->path), target);
	return UPF_NAME_HTTP;
}

/* --- DNS --- */

static enum upf_name_kind dns(struct in i, struct upf_name *ret)
{
	char name[256];
	size_t n = 0;
	uint32_t flags;

	skip(&i, 2);
	flags = number(&i, 2);
	if (flags & 0xf800 || number(&i, 2) != 1) /* a query with one question */
		return UPF_NAME_NONE;
	skip(&i, 6);
	for (;;) {
		struct in label = vector(&i, 1);

		if (label.cut || i.cut || label.n > 63)
			return UPF_NAME_NONE;
		if (!label.n)
			break;
		if (n + label.n + 2 > sizeof(name))
			return UPF_NAME_NONE;
		memcpy(name + n, label.p, label.n);
		n += label.n;
		name[n++] = '.';
	}
	return take_name((uint8_t *)name, n, ret->host) ? UPF_NAME_DNS : UPF_NAME_NONE;
}

enum upf_name_kind upf_name_find(const uint8_t *p, size_t n, uint8_t protocol, uint16_t remote_port,
				 struct upf_name *ret)
{
	memset(ret, 0, sizeof(*ret));
	if (!p || !n)
		return UPF_NAME_MORE;
	if (protocol == IPPROTO_UDP && remote_port == 53)
		return dns((struct in){ p, n, false }, ret);
	if (protocol != IPPROTO_TCP)
		return UPF_NAME_NONE;
	if (*p == 22 && n > 5)
		return tls((struct in){ p, n, false }, ret);
	if (is_method(p, n))
		return http((struct str){ (const char *)p, n }, ret);
	return UPF_NAME_NONE;
}
