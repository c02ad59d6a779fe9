// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Where the session description is in a message: the body, or the first application/sdp part of a
 * multipart body (RFC 5621, RFC 2046 5.1), one level deep.
 */
#include <stdio.h>

#include "lib/sip/msg-internal.h"
#include "lib/sip/sdp.h"

/* "type/subtype" of a Content-Type value; *ret_params begins with the semicolon. */
static struct str media_type(struct str value, struct str *ret_params)
{
	size_t n = 0;

	while (n < value.n && value.p[n] != ';')
		n++;
	*ret_params = (struct str){ value.p + n, value.n - n };
	return str_trim((struct str){ value.p, n });
}

static bool is_sdp(struct str content_type)
{
	struct str params;

	return str_ieq(media_type(content_type, &params), STR("application/sdp"));
}

/* One line with its CRLF or LF off the front; false at the end. */
static bool take_line(struct str *rest, struct str *ret)
{
	const char *lf;

	if (!rest->n)
		return false;
	lf = memchr(rest->p, '\n', rest->n);
	*ret = (struct str){ rest->p, lf ? (size_t)(lf - rest->p) + 1 : rest->n };
	*rest = (struct str){ rest->p + ret->n, rest->n - ret->n };
	return true;
}

/* "--boundary" with only white space behind it: 1; "--boundary--": 2; another line: 0. */
static int delimiter(struct str line, struct str boundary)
{
	struct str tail;

	if (line.n < boundary.n + 2 || memcmp(line.p, "--", 2) ||
	    memcmp(line.p + 2, boundary.p, boundary.n))
		return 0;
	tail = str_trim((struct str){ line.p + 2 + boundary.n, line.n - 2 - boundary.n });
	if (!tail.n)
		return 1;
	return str_eq(tail, STR("--")) ? 2 : 0;
}

struct part {
	struct str head; /* header lines, without the empty line */
	struct str body; /* without the CRLF that belongs to the delimiter */
	struct str type; /* Content-Type's value */
};

/* Reads header fields of a part off *rest. */
static void part_head(struct str *rest, struct part *p)
{
	struct str line;

	p->head = (struct str){ rest->p, 0 };
	p->type = STR("text/plain");
	while (take_line(rest, &line)) {
		static const struct str name = { "Content-Type:", 13 };

		if (!str_trim(line).n)
			return;
		p->head.n += line.n;
		if (line.n > name.n && str_ieq((struct str){ line.p, name.n }, name))
			p->type = str_trim((struct str){ line.p + name.n, line.n - name.n });
	}
}

static struct str without_eol(struct str s)
{
	if (s.n && s.p[s.n - 1] == '\n')
		s.n--;
	if (s.n && s.p[s.n - 1] == '\r')
		s.n--;
	return s;
}

/* Next part behind a delimiter line; false: no (complete) part. */
static bool next_part(struct str *rest, struct str boundary, struct part *p)
{
	struct str scan, line;

	part_head(rest, p);
	scan = *rest;
	p->body = (struct str){ scan.p, 0 };
	while (take_line(&scan, &line)) {
		if (delimiter(line, boundary)) {
			p->body = without_eol((struct str){ rest->p, (size_t)(line.p - rest->p) });
			*rest = (struct str){ line.p, (size_t)(scan.p - line.p) + scan.n };
			return true;
		}
	}
	return false;
}

/* The application/sdp part of a multipart body. */
static bool find_part(struct str body, struct str boundary, struct part *ret)
{
	struct str line;

	while (take_line(&body, &line)) {
		int d = delimiter(line, boundary);

		if (d == 2)
			return false;
		if (d != 1)
			continue;
		if (!next_part(&body, boundary, ret))
			return false;
		if (is_sdp(ret->type))
			return true;
	}
	return false;
}

/* Finds SDP; *ret_whole: it is the whole body, else *ret_part tells where it is. */
static bool locate(const struct sip_msg *m, bool *ret_whole, struct part *ret_part)
{
	struct str type = sip_msg_value(m, SIP_H_CONTENT_TYPE), params, boundary,
		   body = sip_msg_body(m);
	struct str coding = sip_msg_value(m, SIP_H_CONTENT_ENCODING);

	if (!body.n || !type.n || (coding.n && !str_ieq(coding, STR("identity"))))
		return false;
	*ret_whole = is_sdp(type);
	if (*ret_whole)
		return true;
	type = media_type(type, &params);
	if (type.n < 10 || !str_ieq((struct str){ type.p, 10 }, STR("multipart/")))
		return false;
	if (!sip_param(params, "boundary", &boundary) || !boundary.n ||
	    boundary.n > 70) /* RFC 2046 5.1.1 */
		return false;
	return find_part(body, boundary, ret_part);
}

struct str sip_msg_sdp(struct sip_msg *m)
{
	struct part p;
	bool whole;

	if (!locate(m, &whole, &p))
		return (struct str){ NULL, 0 };
	return whole ? sip_msg_body(m) : p.body;
}

static void append(char **at, struct str s)
{
	if (s.n)
		memcpy(*at, s.p, s.n);
	*at += s.n;
}

/* The part's header lines but Content-Length, which some put there and which would be wrong now. */
static void append_head(char **at, struct str head)
{
	static const struct str name = { "Content-Length:", 15 };
	struct str line;

	while (take_line(&head, &line))
		if (line.n < name.n || !str_ieq((struct str){ line.p, name.n }, name))
			append(at, line);
}

int sip_msg_replace_sdp(struct sip_msg *m, const char *sdp, size_t len)
{
	_cleanup_free_ char *buf = NULL;
	struct str body = sip_msg_body(m);
	struct part p;
	const char *tail;
	char *at;
	bool whole;

	if (!locate(m, &whole, &p))
		return -ENOENT;
	if (whole)
		return sip_msg_set_body(m, NULL, sdp, len);
	if (len > SIP_MSG_MAX)
		return -E2BIG;
	buf = at = malloc(body.n + len);
	if (!buf)
		return -ENOMEM;
	append(&at, (struct str){ body.p, (size_t)(p.head.p - body.p) });
	append_head(&at, p.head);
	append(&at, (struct str){ p.head.p + p.head.n, (size_t)(p.body.p - p.head.p) - p.head.n });
	append(&at, (struct str){ sdp, len });
	tail = p.body.p + p.body.n;
	append(&at, (struct str){ tail, (size_t)(body.p + body.n - tail) });
	return sip_msg_set_body(m, NULL, buf, (size_t)(at - buf));
}
