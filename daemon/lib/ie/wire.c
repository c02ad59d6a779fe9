// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Octets of Diameter messages (RFC 6733 3 and 4.1): a reading cursor and a growing buffer, both
 * with a sticky error.
 *
 *   0                   1                   2                   3
 *   |    Version    |                 Message Length                |
 *   | command flags |                  Command-Code                 |
 *   |                         Application-ID                        |
 *   |                      Hop-by-Hop Identifier                    |
 *   |                      End-to-End Identifier                    |
 *
 *   |                           AVP Code                            |
 *   |V M P r r r r r|                  AVP Length                   |
 *   |                        Vendor-ID (opt)                        |
 *   |    Data ...
 *
 * AVP Length counts header and data, not the padding to 4 octets.
 */
#include "lib/ie/wire.h"

static uint32_t get32(const uint8_t *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static void put32(uint8_t *p, uint32_t v)
{
	p[0] = v >> 24;
	p[1] = v >> 16;
	p[2] = v >> 8;
	p[3] = v;
}

int ie_header_parse(const uint8_t *msg, size_t n, struct ie_header *ret)
{
	struct ie_header h;

	if (n < IE_HDR_LEN || msg[0] != 1)
		return -EBADMSG;
	h.length = get32(msg) & 0xffffff;
	h.flags = msg[4];
	h.code = get32(msg + 4) & 0xffffff;
	h.app = get32(msg + 8);
	h.hop_by_hop = get32(msg + 12);
	h.end_to_end = get32(msg + 16);
	if (h.length < IE_HDR_LEN || h.length > n || h.length % 4)
		return -EBADMSG;
	*ret = h;
	return 0;
}

void ie_cursor_init(struct ie_cursor *c, const void *p, size_t n)
{
	*c = (struct ie_cursor){ .p = p, .end = p ? (const uint8_t *)p + n : NULL };
}

static bool fail(struct ie_cursor *c)
{
	c->bad = true;
	c->p = c->end;
	return false;
}

bool ie_next(struct ie_cursor *c, struct ie_view *ret)
{
	size_t left = c->p ? (size_t)(c->end - c->p) : 0, len, hdr, padded;

	if (!left)
		return false;
	if (left < 8)
		return fail(c);
	ret->code = get32(c->p);
	ret->flags = c->p[4];
	ret->vendor = 0;
	len = get32(c->p + 4) & 0xffffff;
	hdr = ret->flags & IE_V ? 12 : 8;
	if (len < hdr || len > left)
		return fail(c);
	if (hdr == 12)
		ret->vendor = get32(c->p + 8);
	ret->value = (struct str){ (const char *)c->p + hdr, len - hdr };
	ret->raw = (struct str){ (const char *)c->p, len };
	padded = (len + 3) & ~(size_t)3;
	c->p += MIN(padded, left); /* the last AVP of a group may come without its padding */
	return true;
}

int ie_u32(struct str value, uint32_t *ret)
{
	if (value.n != 4)
		return -EBADMSG;
	*ret = get32((const uint8_t *)value.p);
	return 0;
}

/* n octets at the end of the buffer, zeroed; NULL when it cannot grow (sticky). */
static uint8_t *grow(struct ie_buf *b, size_t n)
{
	uint8_t *p;
	size_t cap;

	if (b->err)
		return NULL;
	if (n > IE_MSG_MAX - b->n) {
		b->err = -EMSGSIZE;
		return NULL;
	}
	if (b->n + n > b->cap) {
		cap = MAX(b->cap * 2, b->n + n + 512);
		p = realloc(b->p, cap);
		if (!p) {
			b->err = -ENOMEM;
			return NULL;
		}
		b->p = p;
		b->cap = cap;
	}
	p = b->p + b->n;
	memset(p, 0, n);
	b->n += n;
	return p;
}

size_t ie_open(struct ie_buf *b, const struct ie_avp *a)
{
	size_t at = b->n;
	uint8_t *p = grow(b, a->vendor ? 12 : 8);

	if (!p)
		return at;
	put32(p, a->code);
	p[4] = (a->flags & IE_M) | (a->vendor ? IE_V : 0);
	if (a->vendor)
		put32(p + 8, a->vendor);
	return at;
}

void ie_close(struct ie_buf *b, size_t at)
{
	size_t len;

	if (b->err)
		return;
	len = b->n - at;
	b->p[at + 5] = len >> 16;
	b->p[at + 6] = len >> 8;
	b->p[at + 7] = len;
	if (len % 4)
		grow(b, 4 - len % 4);
}

void ie_put(struct ie_buf *b, const struct ie_avp *a, const void *value, size_t n)
{
	size_t at = ie_open(b, a);
	uint8_t *p = grow(b, n);

	if (p && n)
		memcpy(p, value, n);
	ie_close(b, at);
}

void ie_put_u32(struct ie_buf *b, const struct ie_avp *a, uint32_t v)
{
	uint8_t o[4];

	put32(o, v);
	ie_put(b, a, o, sizeof(o));
}

/* A whole AVP as received; padding is made anew. */
void ie_put_raw(struct ie_buf *b, struct str raw)
{
	uint8_t *p = grow(b, (raw.n + 3) & ~(size_t)3);

	if (p && raw.n)
		memcpy(p, raw.p, raw.n);
}

void ie_begin(struct ie_buf *b, const struct ie_header *h)
{
	uint8_t *p = grow(b, IE_HDR_LEN);

	if (!p)
		return;
	put32(p, UINT32_C(1) << 24);
	put32(p + 4, h->code);
	p[4] = h->flags;
	put32(p + 8, h->app);
	put32(p + 12, h->hop_by_hop);
	put32(p + 16, h->end_to_end);
}

void ie_end(struct ie_buf *b)
{
	if (b->err)
		return;
	b->p[1] = b->n >> 16;
	b->p[2] = b->n >> 8;
	b->p[3] = b->n;
}
