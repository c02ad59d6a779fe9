// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Growing buffers and the cursor over what they wrote, as declared in sbuf.h.
 *
 * Invariant: a failed buffer stays failed until it is freed or cleared; its text is not used.
 */
#include "lib/core/sbuf.h"

#include <stdarg.h>
#include <stdio.h>

#define NIL UINT64_MAX

static bool room(struct sbuf *b, size_t n)
{
	size_t need = b->n + n + 1, size;
	char *p;

	if (b->failed)
		return false;
	if (need <= b->size)
		return true;
	size = MAX(b->size * 2, need + 128);
	p = realloc(b->p, size);
	if (!p) {
		b->failed = true;
		return false;
	}
	b->p = p;
	b->size = size;
	return true;
}

void sbuf_add(struct sbuf *b, struct str s)
{
	if (!room(b, s.n))
		return;
	if (s.n)
		memcpy(b->p + b->n, s.p, s.n);
	b->n += s.n;
	b->p[b->n] = '\0';
}

void sbuf_addz(struct sbuf *b, const char *z)
{
	sbuf_add(b, str_of(z));
}

void sbuf_addf(struct sbuf *b, const char *fmt, ...)
{
	va_list ap;
	int n;

	if (!room(b, 128))
		return;
	va_start(ap, fmt);
	n = vsnprintf(b->p + b->n, b->size - b->n, fmt, ap);
	va_end(ap);
	if (n < 0 || !room(b, (size_t)n)) {
		b->failed = true;
		return;
	}
	va_start(ap, fmt);
	vsnprintf(b->p + b->n, b->size - b->n, fmt, ap);
	va_end(ap);
	b->n += (size_t)n;
}

static const char *entity(char c)
{
	switch (c) {
	case '&':
		return "&amp;";
	case '<':
		return "&lt;";
	case '>':
		return "&gt;";
	case '"':
		return "&quot;";
	}
	return (unsigned char)c < 0x20 ? "" : NULL;
}

void sbuf_xml(struct sbuf *b, struct str s)
{
	size_t from = 0;

	for (size_t i = 0; i < s.n; i++) {
		const char *e = entity(s.p[i]);

		if (!e)
			continue;
		sbuf_add(b, (struct str){ s.p + from, i - from });
		sbuf_addz(b, e);
		from = i + 1;
	}
	sbuf_add(b, (struct str){ s.p + from, s.n - from });
}

void sbuf_clear(struct sbuf *b)
{
	b->n = 0;
	b->failed = false;
	if (b->p)
		b->p[0] = '\0';
}

void sbuf_free(struct sbuf *b)
{
	free(b->p);
	*b = (struct sbuf){ 0 };
}

/* Seven bits an octet: most numbers in a record are small. */
void sbuf_put_u64(struct sbuf *b, uint64_t v)
{
	char tmp[10];
	size_t n = 0;

	for (; v >= 0x80; v >>= 7)
		tmp[n++] = (char)(v | 0x80);
	tmp[n++] = (char)v;
	sbuf_add(b, (struct str){ tmp, n });
}

void sbuf_put_str(struct sbuf *b, struct str s)
{
	sbuf_put_u64(b, s.p ? s.n : NIL);
	if (s.p)
		sbuf_add(b, s);
}

uint64_t cur_u64(struct cursor *c)
{
	uint64_t v = 0;

	for (unsigned int shift = 0; !c->failed && c->s.n && shift < 64; shift += 7) {
		unsigned char o = (unsigned char)*c->s.p;

		c->s.p++;
		c->s.n--;
		v |= (uint64_t)(o & 0x7f) << shift;
		if (!(o & 0x80))
			return v;
	}
	c->failed = true;
	return 0;
}

struct str cur_str(struct cursor *c)
{
	uint64_t n = cur_u64(c);
	struct str s = { NULL, 0 };

	if (c->failed || n == NIL)
		return s;
	if (n > c->s.n) {
		c->failed = true;
		return s;
	}
	s = (struct str){ c->s.p, (size_t)n };
	c->s.p += n;
	c->s.n -= n;
	return s;
}

char *cur_dup(struct cursor *c)
{
	struct str s = cur_str(c);

	return s.p ? str_dup(s) : NULL;
}
