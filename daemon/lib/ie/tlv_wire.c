// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Headers of messages and IEs of GTPv2-C (TS 29.274 5.1, 5.5, 8.2) and PFCP (TS 29.244 7.2.2, 8.1.1), the raw
 * walk over IEs, and the writer.
 *
 *	GTPv2-C					PFCP
 *	| 2: 3 bits |P|T|MP|spare |		| 1: 3 bits |spare: 2|FO|MP|S|
 *	| type | length: 2 |			| type | length: 2 |
 *	| TEID: 4, when T |			| SEID: 8, when S |
 *	| sequence number: 3 | MP: 4 bits|spare |	(the same in both)
 *
 *	| type | length: 2 | spare|instance |	| type: 2 | length: 2 | enterprise: 2, type > 32767 |
 *
 * A length counts what is behind the first four octets.
 */
#include "lib/ie/tlv.h"

static uint16_t get16(const uint8_t *p)
{
	return (uint16_t)(p[0] << 8 | p[1]);
}

static void put16(uint8_t *p, uint16_t v)
{
	p[0] = v >> 8;
	p[1] = v;
}

uint8_t *tlv_grow(struct tlv_buf *b, size_t n)
{
	uint8_t *p;

	if (b->err)
		return NULL;
	if (n > b->cap - b->n) {
		b->err = -EMSGSIZE;
		return NULL;
	}
	p = b->p + b->n;
	memset(p, 0, n);
	b->n += n;
	return p;
}

/* --- messages --- */

static void get_seq(const uint8_t *p, bool prio, struct tlv_hdr *h)
{
	h->seq = (uint32_t)p[0] << 16 | get16(p + 1);
	h->has_prio = prio;
	h->prio = prio ? p[3] >> 4 : 0;
}

static int parse(const uint8_t *p, size_t n, uint8_t version, size_t id_len, bool more, bool prio,
		 struct tlv_hdr *ret)
{
	size_t hdr = 8 + id_len;

	*ret = (struct tlv_hdr){ .hdr_len = hdr, .has_id = id_len > 0, .more = more };
	if (n < 2)
		return -EBADMSG;
	ret->type = p[1];
	if (p[0] >> 5 != version) {
		if (n >= hdr)
			get_seq(p + hdr - 4, false, ret);
		return -EPROTONOSUPPORT;
	}
	if (n < hdr)
		return -EBADMSG;
	for (size_t i = 0; i < id_len; i++)
		ret->id = ret->id << 8 | p[4 + i];
	get_seq(p + hdr - 4, prio, ret);
	ret->len = 4 + (size_t)get16(p + 2);
	return ret->len < hdr || ret->len > n ? -EMSGSIZE : 0;
}

static int gtpv2_parse(const uint8_t *p, size_t n, struct tlv_hdr *ret)
{
	uint8_t f = n ? p[0] : 0;

	if (f >> 5 < 2) /* TS 29.274 7.7.2: older versions are silently discarded */
		return -EBADMSG;
	return parse(p, n, 2, f & 0x08 ? 4 : 0, f & 0x10, f & 0x04, ret);
}

static int pfcp_parse(const uint8_t *p, size_t n, struct tlv_hdr *ret)
{
	uint8_t f = n ? p[0] : 0;

	return parse(p, n, 1, f & 0x01 ? 8 : 0, f & 0x04, f & 0x02, ret);
}

static void begin(struct tlv_buf *b, const struct tlv_hdr *h, uint8_t flags, size_t id_len)
{
	uint8_t *p = tlv_grow(b, 8 + id_len);

	if (!p)
		return;
	p[0] = flags;
	p[1] = h->type;
	for (size_t i = 0; i < id_len; i++)
		p[4 + i] = (uint8_t)(h->id >> 8 * (id_len - 1 - i));
	p += 4 + id_len;
	p[0] = h->seq >> 16;
	put16(p + 1, (uint16_t)h->seq);
	p[3] = h->has_prio ? (uint8_t)(h->prio << 4) : 0;
}

static void gtpv2_begin(struct tlv_buf *b, const struct tlv_hdr *h)
{
	begin(b, h,
	      (uint8_t)(0x40 | (h->more ? 0x10 : 0) | (h->has_id ? 0x08 : 0) |
			(h->has_prio ? 0x04 : 0)),
	      h->has_id ? 4 : 0);
}

static void pfcp_begin(struct tlv_buf *b, const struct tlv_hdr *h)
{
	begin(b, h,
	      (uint8_t)(0x20 | (h->more ? 0x04 : 0) | (h->has_prio ? 0x02 : 0) |
			(h->has_id ? 0x01 : 0)),
	      h->has_id ? 8 : 0);
}

static void set_seq(uint8_t *p, uint32_t seq)
{
	p[0] = seq >> 16;
	put16(p + 1, (uint16_t)seq);
}

static void gtpv2_set_seq(uint8_t *p, uint32_t seq)
{
	set_seq(p + (p[0] & 0x08 ? 8 : 4), seq);
}

static void pfcp_set_seq(uint8_t *p, uint32_t seq)
{
	set_seq(p + (p[0] & 0x01 ? 12 : 4), seq);
}

const struct tlv_format tlv_gtpv2 = {
	.name = "GTPv2-C",
	.missing = 70,
	.missing_cond = 103,
	.incorrect = 69,
	.bad_length = 67,
	.no_resources = 73,
	.accepted_min = 16,
	.accepted_max = 63,
	.version_not_supported = 3,
	.piggyback_length = 105,
	.cause_ie = 2,
	.cause_octets = 2,
	.parse = gtpv2_parse,
	.begin = gtpv2_begin,
	.set_seq = gtpv2_set_seq,
};

const struct tlv_format tlv_pfcp = {
	.name = "PFCP",
	.missing = 66,
	.missing_cond = 67,
	.incorrect = 69,
	.bad_length = 68,
	.no_resources = 75,
	.accepted_min = 1,
	.accepted_max = 63,
	.version_not_supported = 11,
	.cause_ie = 19,
	.cause_octets = 1,
	.parse = pfcp_parse,
	.begin = pfcp_begin,
	.set_seq = pfcp_set_seq,
};

bool tlv_accepted(const struct tlv_format *f, uint8_t cause)
{
	return cause >= f->accepted_min && cause <= f->accepted_max;
}

void tlv_end(struct tlv_buf *b, const struct tlv_format *f, size_t start)
{
	(void)f;
	if (b->err)
		return;
	if (b->n - start - 4 > UINT16_MAX)
		b->err = -EMSGSIZE;
	else
		put16(b->p + start + 2, (uint16_t)(b->n - start - 4));
}

/* --- IEs --- */

void tlv_cursor_init(struct tlv_cursor *c, const struct tlv_format *f, const void *p, size_t n)
{
	*c = (struct tlv_cursor){ .format = f, .p = p, .end = p ? (const uint8_t *)p + n : NULL };
}

static bool fail(struct tlv_cursor *c)
{
	c->bad = true;
	c->p = c->end;
	return false;
}

bool tlv_next(struct tlv_cursor *c, struct tlv_view *ret)
{
	const uint8_t *p = c->p;
	size_t left = p ? (size_t)(c->end - p) : 0, len;
	bool gtp = c->format == &tlv_gtpv2;

	*ret = (struct tlv_view){ 0 };
	if (!left)
		return false;
	if (left < 4)
		return fail(c);
	ret->type = gtp ? p[0] : get16(p);
	ret->instance = gtp ? p[3] & 0xf : 0;
	len = get16(p + (gtp ? 1 : 2));
	if (len > left - 4)
		return fail(c);
	ret->raw = (struct str){ (const char *)p, 4 + len };
	ret->value = (struct str){ (const char *)p + 4, len };
	if (!gtp && ret->type & 0x8000) {
		if (len < 2)
			return fail(c);
		ret->vendor = get16(p + 4);
		ret->value = (struct str){ (const char *)p + 6, len - 2 };
	}
	c->p = p + 4 + len;
	return true;
}

bool tlv_find(const struct tlv_format *f, const uint8_t *msg, size_t n, uint16_t type,
	      uint8_t instance, struct str *ret)
{
	struct tlv_cursor c;
	struct tlv_view v;
	struct tlv_hdr h;

	if (f->parse(msg, n, &h))
		return false;
	tlv_cursor_init(&c, f, msg + h.hdr_len, h.len - h.hdr_len);
	while (tlv_next(&c, &v)) {
		if (v.type == type && v.instance == instance && !v.vendor) {
			*ret = v.value;
			return true;
		}
	}
	return false;
}

size_t tlv_open(struct tlv_buf *b, const struct tlv_format *f, uint16_t type, uint16_t vendor,
		uint8_t instance)
{
	size_t at = b->n;
	uint8_t *p = tlv_grow(b, vendor ? 6 : 4);

	if (!p)
		return at;
	if (f == &tlv_gtpv2) {
		p[0] = (uint8_t)type;
		p[3] = instance & 0xf;
	} else {
		put16(p, type);
		if (vendor)
			put16(p + 4, vendor);
	}
	return at;
}

void tlv_close(struct tlv_buf *b, const struct tlv_format *f, size_t at)
{
	if (b->err)
		return;
	if (b->n - at - 4 > UINT16_MAX)
		b->err = -EMSGSIZE;
	else
		put16(b->p + at + (f == &tlv_gtpv2 ? 1 : 2), (uint16_t)(b->n - at - 4));
}

void tlv_put(struct tlv_buf *b, const struct tlv_format *f, uint16_t type, uint8_t instance,
	     const void *p, size_t n)
{
	size_t at = tlv_open(b, f, type, 0, instance);
	uint8_t *w = tlv_grow(b, n);

	if (w && n)
		memcpy(w, p, n);
	tlv_close(b, f, at);
}
