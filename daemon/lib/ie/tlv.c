// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Messages of TLV IEs <-> structs by the rules of their tables.
 *
 * Decoding (TS 29.274 7.7, TS 29.244 7.6): the order of IEs does not matter; what no rule names is
 * ignored, and so is a repetition where one is expected; a value that is too short or with contents that
 * cannot be refuses the message with its cause when the IE is mandatory or conditional, and is as if it
 * were not there when it is optional; a missing mandatory IE refuses the message, also inside a grouped
 * IE that is not optional, unless the message is an answer that rejects.
 *
 * Encoding: in the order of the rules; what is absent in the struct is left out, mandatory IEs never.
 */
#include <assert.h>

#include "lib/ie/tlv.h"

#define RULES_MAX 128 /* per list: "seen" is two words */
#define DEPTH_MAX 8   /* tables nest less; a loop in a table would be our own mistake */

struct dec {
	const struct tlv_format *format;
	struct tlv_error *err;
	unsigned int depth;
};

struct seen {
	uint64_t bits[RULES_MAX / 64];
};

static void *field(void *base, size_t off)
{
	return (char *)base + off;
}

static bool is_seen(const struct seen *s, int i)
{
	return s->bits[i / 64] >> i % 64 & 1;
}

static void set_seen(struct seen *s, int i)
{
	s->bits[i / 64] |= UINT64_C(1) << i % 64;
}

static int refuse(struct dec *d, uint8_t cause, uint16_t type, uint8_t instance, const char *name)
{
	*d->err = (struct tlv_error){
		.cause = cause, .has_ie = true, .type = type, .instance = instance, .name = name
	};
	return -EBADMSG;
}

static int refuse_rule(struct dec *d, uint8_t cause, const struct tlv_rule *r)
{
	return refuse(d, cause, r->ie->type, r->instance, r->ie->name);
}

static int rule_of(const struct tlv_rule *rules, const struct tlv_view *v)
{
	for (int i = 0; rules[i].ie; i++)
		if (rules[i].ie->type == v->type && rules[i].instance == v->instance &&
		    rules[i].ie->vendor == v->vendor)
			return i;
	return -1;
}

static void clear_slot(const struct tlv_rule *r, void *slot);

/* Makes a struct's members absent; elements of arrays are cleared when they are taken. */
static void clear(const struct tlv_rule *rules, void *base)
{
	for (const struct tlv_rule *r = rules; r->ie; r++) {
		if (r->array) {
			*(size_t *)field(base, r->has_off) = 0;
			continue;
		}
		*(bool *)field(base, r->has_off) = false;
		clear_slot(r, field(base, r->off));
	}
}

static int decode_list(struct dec *d, const struct tlv_rule *rules, struct str in, void *base);

static int decode_value(struct dec *d, const struct tlv_rule *r, const struct tlv_view *v,
			void *slot)
{
	struct tlv_io io = { .op = TLV_DECODE,
			     .p = (const uint8_t *)v->value.p,
			     .end = (const uint8_t *)v->value.p + v->value.n };

	if (v->value.n < r->ie->min || (r->ie->max > r->ie->min && v->value.n > r->ie->max))
		return refuse_rule(d, d->format->bad_length, r);
	if (r->ie->max == r->ie->min && r->ie->max) /* TS 29.274 7.7.7: the rest is discarded */
		io.end = io.p + r->ie->max;
	r->ie->io(&io, slot);
	if (io.cut)
		return refuse_rule(d, d->format->bad_length, r);
	if (io.bad)
		return refuse_rule(d, io.cause ? io.cause : d->format->incorrect, r);
	return 0;
}

static void clear_slot(const struct tlv_rule *r, void *slot)
{
	if (r->group)
		clear(r->group(), slot);
	else
		memset(slot, 0, r->size);
}

/* slot is clear. */
static int decode_slot(struct dec *d, const struct tlv_rule *r, const struct tlv_view *v,
		       void *slot)
{
	return r->group ? decode_list(d, r->group(), v->value, slot) : decode_value(d, r, v, slot);
}

static int apply_array(struct dec *d, const struct tlv_rule *r, const struct tlv_view *v,
		       struct seen *seen, int i, void *base)
{
	size_t *n = field(base, r->has_off);
	void *slot;
	int e;

	if (*n >= r->max)
		return r->presence == TLV_O ? 0 : refuse_rule(d, d->format->no_resources, r);
	slot = field(base, r->off + *n * r->size);
	clear_slot(r, slot);
	e = decode_slot(d, r, v, slot);
	if (!e) {
		(*n)++;
		set_seen(seen, i);
	}
	return e;
}

static int apply_one(struct dec *d, const struct tlv_rule *r, const struct tlv_view *v,
		     struct seen *seen, int i, void *base)
{
	int e;

	if (is_seen(seen, i))
		return 0;
	e = decode_slot(d, r, v, field(base, r->off));
	if (e) {
		clear_slot(r, field(base, r->off));
		return e;
	}
	*(bool *)field(base, r->has_off) = true;
	set_seen(seen, i);
	return 0;
}

static int apply(struct dec *d, const struct tlv_rule *rules, const struct tlv_view *v,
		 struct seen *seen, void *base)
{
	int i = rule_of(rules, v), e;
	const struct tlv_rule *r;

	if (i < 0)
		return 0;
	assert(i < RULES_MAX);
	r = &rules[i];
	e = r->array ? apply_array(d, r, v, seen, i, base) : apply_one(d, r, v, seen, i, base);
	if (!e || r->presence != TLV_O)
		return e;
	*d->err = (struct tlv_error){ 0 }; /* an incorrect optional IE is as if it were not there */
	return 0;
}

/* rejected: an answer that is a rejection needs no more than its cause */
static int require(struct dec *d, const struct tlv_rule *rules, const struct seen *seen,
		   bool rejected)
{
	for (int i = 0; rules[i].ie; i++) {
		bool need = rejected ? rules[i].presence == TLV_M &&
					       rules[i].ie->type == d->format->cause_ie
				     : rules[i].presence >= TLV_S;

		if (need && !is_seen(seen, i))
			return refuse_rule(d, d->format->missing, &rules[i]);
	}
	return 0;
}

static int decode_ies(struct dec *d, const struct tlv_rule *rules, struct str in, void *base,
		      struct seen *seen)
{
	struct tlv_cursor c;
	struct tlv_view v;
	int e = 0;

	tlv_cursor_init(&c, d->format, in.p, in.n);
	while (!e && tlv_next(&c, &v))
		e = apply(d, rules, &v, seen, base);
	if (!e && c.bad) { /* an IE that ends behind its message or group */
		e = refuse(d, d->format->bad_length, v.type, v.instance, "IE");
		d->err->has_ie = v.type != 0;
	}
	return e;
}

static int decode_list(struct dec *d, const struct tlv_rule *rules, struct str in, void *base)
{
	struct seen seen = { 0 };
	int e;

	if (d->depth >= DEPTH_MAX)
		return refuse(d, d->format->incorrect, 0, 0, "nesting");
	d->depth++;
	e = decode_ies(d, rules, in, base, &seen);
	d->depth--;
	return e ? e : require(d, rules, &seen, false);
}

int tlv_decode(const struct tlv_msg *m, const uint8_t *msg, size_t n, struct tlv_hdr *ret_hdr,
	       void *ret, struct tlv_error *ret_err)
{
	struct dec d = { .format = m->format, .err = ret_err };
	struct seen seen = { 0 };
	struct tlv_hdr h;
	uint8_t cause;
	int e;

	*ret_err = (struct tlv_error){ 0 };
	e = m->format->parse(msg, n, &h);
	if (ret_hdr)
		*ret_hdr = h;
	if (e || h.type != m->type) {
		ret_err->cause = m->format->bad_length;
		return -EBADMSG;
	}
	clear(m->rules(), ret);
	e = decode_ies(&d, m->rules(),
		       (struct str){ (const char *)msg + h.hdr_len, h.len - h.hdr_len }, ret,
		       &seen);
	if (e)
		return e;
	cause = m->cause_off ? *(uint8_t *)field(ret, m->cause_off - 1) : 0;
	return require(&d, m->rules(), &seen, cause && !tlv_accepted(m->format, cause));
}

void tlv_init(const struct tlv_msg *m, void *in)
{
	memset(in, 0, m->size);
}

/* --- encoding --- */

static void encode_rules(struct tlv_buf *b, const struct tlv_format *f,
			 const struct tlv_rule *rules, void *base);

static void encode_ie(struct tlv_buf *b, const struct tlv_format *f, const struct tlv_rule *r,
		      void *slot)
{
	struct tlv_io io = { .op = TLV_ENCODE, .b = b };
	size_t at = tlv_open(b, f, r->ie->type, r->ie->vendor, r->instance);

	if (r->group)
		encode_rules(b, f, r->group(), slot);
	else
		r->ie->io(&io, slot);
	tlv_close(b, f, at);
}

static void encode_rules(struct tlv_buf *b, const struct tlv_format *f,
			 const struct tlv_rule *rules, void *base)
{
	for (const struct tlv_rule *r = rules; r->ie && !b->err; r++) {
		if (r->array) {
			size_t n = *(size_t *)field(base, r->has_off);

			for (size_t i = 0; i < n && i < r->max; i++)
				encode_ie(b, f, r, field(base, r->off + i * r->size));
		} else if (r->presence == TLV_M || *(bool *)field(base, r->has_off)) {
			encode_ie(b, f, r, field(base, r->off));
		}
	}
}

int tlv_encode(const struct tlv_msg *m, const struct tlv_hdr *h, const void *in, struct tlv_buf *b)
{
	struct tlv_hdr hdr = *h;
	size_t start = b->n;

	hdr.type = m->type;
	m->format->begin(b, &hdr);
	encode_rules(b, m->format, m->rules(),
		     (void *)in); /* the walk writes nothing when encoding */
	tlv_end(b, m->format, start);
	return b->err;
}
