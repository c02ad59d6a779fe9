// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Struct -> message by the rules of a command. AVPs leave in the order of the rules, Session-Id
 * first (RFC 6733 8.8). What is absent in the struct is left out; whether a mandatory value is there
 * is the caller's business when it fills the struct (tests check each command).
 */
#include "lib/ie/wire.h"

static const void *field(const void *base, size_t off)
{
	return (const char *)base + off;
}

static void encode_rules(struct ie_buf *b, const struct ie_rule *rules, const void *base);

static void put_result(struct ie_buf *b, const struct ie_rule *r, int result)
{
	size_t at;

	if (r->map == IE_RESULT && result > 0 && result < 10000)
		ie_put_u32(b, r->avp, (uint32_t)result);
	if (r->map != IE_XRESULT || result < 10000)
		return;
	at = ie_open(b, r->avp);
	ie_put_u32(b, &ie_base[IEB_VENDOR_ID], 10415);
	ie_put_u32(b, &ie_base[IEB_EXPERIMENTAL_RESULT_CODE], (uint32_t)result - 10000);
	ie_close(b, at);
}

static void put_str(struct ie_buf *b, const struct ie_rule *r, const void *p)
{
	const struct str *s = p;

	if (s->p)
		ie_put(b, r->avp, s->p, s->n);
}

static void put_array(struct ie_buf *b, const struct ie_rule *r, const void *base)
{
	size_t n = *(const size_t *)field(base, r->count_off), at;

	for (size_t i = 0; i < n && i < r->max; i++) {
		const void *p = field(base, r->off + i * r->size);

		if (r->map == IE_STRS) {
			put_str(b, r, p);
		} else if (r->map == IE_RAWS) {
			ie_put_raw(b, *(const struct str *)p);
		} else if (r->map == IE_UINTS) {
			ie_put_u32(b, r->avp, *(const uint32_t *)p);
		} else {
			at = ie_open(b, r->avp);
			encode_rules(b, r->group, p);
			ie_close(b, at);
		}
	}
}

static void put_group(struct ie_buf *b, const struct ie_rule *r, const void *base)
{
	bool own = r->map == IE_GROUP;
	size_t at, start;

	if (own && r->count_off && !*(const bool *)field(base, r->count_off))
		return;
	at = ie_open(b, r->avp);
	start = b->n;
	encode_rules(b, r->group, own ? field(base, r->off) : base);
	if (!own && b->n == start)
		b->n = at; /* nothing in it: not sent */
	else
		ie_close(b, at);
}

static void put_number(struct ie_buf *b, const struct ie_rule *r, const void *p)
{
	bool zero = r->presence == IE_MAND || r->presence == IE_ENVL; /* is a value, too */

	if (r->map == IE_UINT && (*(const uint32_t *)p || zero))
		ie_put_u32(b, r->avp, *(const uint32_t *)p);
	else if (r->map == IE_INT && *(const int *)p >= 0)
		ie_put_u32(b, r->avp, (uint32_t) * (const int *)p);
	else if (r->map == IE_ULONG && (*(const uint64_t *)p || zero))
		ie_put(b, r->avp, &(uint64_t){ htobe64(*(const uint64_t *)p) }, 8);
}

static void put_bool(struct ie_buf *b, const struct ie_rule *r, bool v)
{
	if (r->map == IE_BOOL)
		ie_put_u32(b, r->avp, v);
	else if (v)
		ie_put_u32(b, r->avp, r->map == IE_ISVAL ? r->value : 1);
}

static void encode_rule(struct ie_buf *b, const struct ie_rule *r, const void *base)
{
	switch (r->map) {
	case IE_SKIP:
		return;
	case IE_STR:
		put_str(b, r, field(base, r->off));
		return;
	case IE_COUNT_OF:
		if (*(const size_t *)field(base, r->off))
			ie_put_u32(b, r->avp, (uint32_t) * (const size_t *)field(base, r->off));
		return;
	case IE_UINT:
	case IE_ULONG:
	case IE_INT:
		put_number(b, r, field(base, r->off));
		return;
	case IE_ISVAL:
	case IE_BIT0:
	case IE_BOOL:
		put_bool(b, r, *(const bool *)field(base, r->off));
		return;
	case IE_RESULT:
	case IE_XRESULT:
		put_result(b, r, *(const int *)field(base, r->off));
		return;
	case IE_STRS:
	case IE_UINTS:
	case IE_GROUPS:
	case IE_RAWS:
		put_array(b, r, base);
		return;
	case IE_FLAT:
	case IE_GROUP:
		put_group(b, r, base);
		return;
	}
}

static void encode_rules(struct ie_buf *b, const struct ie_rule *rules, const void *base)
{
	for (const struct ie_rule *r = rules; r->avp && !b->err; r++)
		encode_rule(b, r, base);
}

/* An AVP that was missing is named by an empty one of its type (RFC 6733 7.5). */
static void put_failed(struct ie_buf *b, const struct ie_error *e)
{
	static const uint8_t zero[8];
	size_t at, n = 0;

	if (!e->avp && !e->raw.p)
		return;
	at = ie_open(b, &ie_base[IEB_FAILED_AVP]);
	if (e->raw.p) {
		ie_put_raw(b, e->raw);
	} else {
		if (e->avp->type == IE_U32 || e->avp->type == IE_I32 || e->avp->type == IE_ENUM ||
		    e->avp->type == IE_TIME)
			n = 4;
		else if (e->avp->type == IE_U64)
			n = 8;
		ie_put(b, e->avp, zero, n);
	}
	ie_close(b, at);
}

static uint8_t flags_of(const struct ie_command *c, const struct ie_header *ids, const void *in)
{
	int result = c->request ? 0 : *(const int *)field(in, c->result_off);
	uint8_t f = IE_FLAG_PROXIABLE;

	if (c->request)
		f |= IE_FLAG_REQUEST | (ids->flags & IE_FLAG_RETRANSMIT);
	else if (result >= 3000 && result < 4000)
		f |= IE_FLAG_ERROR;
	return f;
}

int ie_encode(const struct ie_command *c, const struct ie_header *ids, const struct ie_env *env,
	      const void *in, const struct ie_error *failed, struct ie_buf *ret)
{
	struct ie_header h = *ids;

	h.code = c->code;
	h.app = c->app;
	h.flags = flags_of(c, ids, in);
	ie_begin(ret, &h);
	encode_rules(ret, env->rules ? env->rules : ie_env_rules, env);
	encode_rules(ret, c->rules, in);
	if (failed && failed->result)
		put_failed(ret, failed);
	ie_end(ret);
	return ret->err;
}

int ie_encode_error(const struct ie_header *req, const struct ie_env *env, const struct ie_error *e,
		    struct ie_buf *ret)
{
	struct ie_header h = *req;

	h.flags = (req->flags & IE_FLAG_PROXIABLE) | (e->result / 1000 == 3 ? IE_FLAG_ERROR : 0);
	ie_begin(ret, &h);
	encode_rules(ret, env->rules ? env->rules : ie_env_rules, env);
	ie_put_u32(ret, &ie_base[IEB_RESULT_CODE], (uint32_t)e->result);
	put_failed(ret, e);
	ie_end(ret);
	return ret->err;
}
