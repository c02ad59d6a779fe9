// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Reads reginfo documents (RFC 3680 5) by scanning tags: no entities beyond what URIs need, no
 * namespaces beyond a prefix, nothing is allocated.
 *
 * Invariant: every look-ahead is bounded by the document's end.
 */
#include "reginfo.h"

#include <stdio.h>

struct tag {
	struct str name;  /* without namespace prefix */
	struct str attrs; /* text between the name and '>' */
	bool close;
};

static bool find(struct str s, char c, size_t *ret)
{
	const char *q = s.n ? memchr(s.p, c, s.n) : NULL;

	if (q)
		*ret = (size_t)(q - s.p);
	return q;
}

static void skip(struct str *s, size_t n)
{
	s->p += n;
	s->n -= n;
}

static bool is_name_end(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n' || c == '/' || c == '>';
}

/* The next tag; *text is what stands before it. */
static bool next_tag(struct str *doc, struct str *text, struct tag *t)
{
	size_t open, end, n = 0, colon;
	struct str body;

	if (!find(*doc, '<', &open))
		return false;
	*text = (struct str){ doc->p, open };
	skip(doc, open + 1);
	if (!find(*doc, '>', &end))
		return false;
	body = (struct str){ doc->p, end };
	skip(doc, end + 1);
	t->close = body.n && *body.p == '/';
	if (t->close)
		skip(&body, 1);
	while (n < body.n && !is_name_end(body.p[n]))
		n++;
	t->name = (struct str){ body.p, n };
	if (find(t->name, ':', &colon))
		skip(&t->name, colon + 1);
	skip(&body, n);
	t->attrs = body;
	return true;
}

static bool attr(struct str attrs, const char *name, struct str *ret)
{
	size_t eq, end;

	while (find(attrs, '=', &eq)) {
		struct str key = str_trim((struct str){ attrs.p, eq });
		char quote;

		skip(&attrs, eq + 1);
		while (attrs.n && is_name_end(*attrs.p))
			skip(&attrs, 1);
		if (!attrs.n)
			return false;
		quote = *attrs.p;
		skip(&attrs, 1);
		if (!find(attrs, quote, &end))
			return false;
		*ret = (struct str){ attrs.p, end };
		if (str_eqz(key, name))
			return true;
		skip(&attrs, end + 1);
	}
	return false;
}

static bool attr_is(struct str attrs, const char *name, const char *value)
{
	struct str v;

	return attr(attrs, name, &v) && str_ieqz(v, value);
}

static bool contains(struct str s, const char *part)
{
	return *part && s.n && memmem(s.p, s.n, part, strlen(part));
}

struct contact {
	bool open, active;
	char event[24];
};

static void on_open(struct reginfo *ret, struct contact *c, const struct tag *t)
{
	struct str v;
	uint64_t n;

	if (str_ieqz(t->name, "reginfo")) {
		ret->full = attr_is(t->attrs, "state", "full");
		if (attr(t->attrs, "version", &v) && !str_to_u64(v, UINT32_MAX, &n))
			ret->version = (uint32_t)n;
	} else if (str_ieqz(t->name, "registration")) {
		ret->registrations++;
		ret->active += attr_is(t->attrs, "state", "active");
	} else if (str_ieqz(t->name, "contact")) {
		c->open = true;
		c->active = attr_is(t->attrs, "state", "active");
		c->event[0] = '\0';
		if (attr(t->attrs, "event", &v))
			snprintf(c->event, sizeof(c->event), "%.*s",
				 (int)MIN(v.n, sizeof(c->event) - 1), v.p);
	}
}

static void on_uri(struct reginfo *ret, const struct contact *c, struct str uri,
		   const char *contact)
{
	if (!c->open || !contains(uri, contact))
		return;
	ret->contact_active = ret->contact_active || c->active;
	if (!ret->contact_seen || !c->active)
		memcpy(ret->contact_event, c->event, sizeof(ret->contact_event));
	ret->contact_seen = true;
}

int reginfo_read(struct str xml, const char *contact, struct reginfo *ret)
{
	struct contact c = { .open = false };
	bool found = false;
	struct str text;
	struct tag t;

	memset(ret, 0, sizeof(*ret));
	while (next_tag(&xml, &text, &t)) {
		found = found || str_ieqz(t.name, "reginfo");
		if (!t.close)
			on_open(ret, &c, &t);
		else if (str_ieqz(t.name, "uri"))
			on_uri(ret, &c, str_trim(text), contact);
		else if (str_ieqz(t.name, "contact"))
			c.open = false;
	}
	return found ? 0 : -EINVAL;
}
