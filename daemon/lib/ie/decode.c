// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Message -> struct by the rules of a command (RFC 6733 3.2 command ABNF, 4.4 grouped AVPs).
 *
 * Order of AVPs does not matter except that Session-Id, when present, is looked for like any other.
 * Unknown AVPs without the M bit are skipped, with it they give 5001 (RFC 6733 4.1). A value of
 * the wrong length gives 5014, an enumeration out of range or text with NUL 5004, one too many
 * 5009, one missing 5005 with an empty AVP for Failed-AVP.
 */
#include <assert.h>

#include "lib/ie/wire.h"

#define RULES_MAX 64 /* per list: "seen" is one word */

struct dec {
	const struct ie_command *cmd;
	const struct ie_dict *dict;
	struct ie_error *err;
	uint32_t xresult;
};

const struct ie_avp *ie_find(const struct ie_dict *d, uint32_t code, uint32_t vendor)
{
	for (; d; d = d->next)
		for (size_t i = 0; i < d->n; i++)
			if (d->avps[i].code == code && d->avps[i].vendor == vendor &&
			    d->avps[i].name)
				return &d->avps[i];
	return NULL;
}

static int refuse(struct dec *d, int result, const struct ie_avp *a, struct str raw)
{
	if (!d->err->result)
		*d->err = (struct ie_error){ .result = result, .avp = a, .raw = raw };
	return -EBADMSG;
}

/* Text must not carry NUL: it goes to places that know strings. Overlong UTF-8 is left to them. */
static bool text_ok(struct str s)
{
	return !s.n || !memchr(s.p, 0, s.n);
}

static int check_value(struct dec *d, const struct ie_avp *a, const struct ie_view *v)
{
	uint32_t u;

	switch (a->type) {
	case IE_U32:
	case IE_I32:
	case IE_TIME:
		return v->value.n == 4 ? 0 : refuse(d, IE_INVALID_AVP_LENGTH, a, v->raw);
	case IE_ENUM:
		if (ie_u32(v->value, &u))
			return refuse(d, IE_INVALID_AVP_LENGTH, a, v->raw);
		return a->max && u > a->max ? refuse(d, IE_INVALID_AVP_VALUE, a, v->raw) : 0;
	case IE_U64:
		return v->value.n == 8 ? 0 : refuse(d, IE_INVALID_AVP_LENGTH, a, v->raw);
	case IE_UTF8:
		return text_ok(v->value) ? 0 : refuse(d, IE_INVALID_AVP_VALUE, a, v->raw);
	case IE_IDENTITY:
	case IE_URI:
		return v->value.n && text_ok(v->value) ? 0
						       : refuse(d, IE_INVALID_AVP_VALUE, a, v->raw);
	case IE_OCTETS:
	case IE_ADDRESS:
	case IE_GROUPED:
		return 0;
	}
	return 0;
}

static int decode_group(struct dec *d, const struct ie_rule *rules, struct str in, void *base);

static void *field(void *base, size_t off)
{
	return (char *)base + off;
}

static void init_rules(const struct ie_rule *rules, void *base)
{
	for (const struct ie_rule *r = rules; r->avp; r++) {
		if (r->map == IE_INT)
			*(int *)field(base, r->off) = -1;
		else if (r->map == IE_FLAT)
			init_rules(r->group, base);
		else if (r->map == IE_GROUP)
			init_rules(r->group, field(base, r->off));
	}
}

/* The slot of an array's next element, or NULL when it is full. */
static void *next_slot(const struct ie_rule *r, void *base)
{
	size_t *count = field(base, r->count_off);

	if (*count >= r->max)
		return NULL;
	return field(base, r->off + (*count)++ * r->size);
}

static int decode_xresult(struct dec *d, const struct ie_rule *r, const struct ie_view *v,
			  void *base)
{
	struct ie_cursor c;
	struct ie_view m;
	uint32_t vendor = 0, code = 0;

	ie_cursor_init(&c, v->value.p, v->value.n);
	while (ie_next(&c, &m)) {
		if (m.code == ie_base[IEB_VENDOR_ID].code && !m.vendor && ie_u32(m.value, &vendor))
			return refuse(d, IE_INVALID_AVP_LENGTH, r->avp, v->raw);
		if (m.code == ie_base[IEB_EXPERIMENTAL_RESULT_CODE].code && !m.vendor &&
		    ie_u32(m.value, &code))
			return refuse(d, IE_INVALID_AVP_LENGTH, r->avp, v->raw);
	}
	if (c.bad || !vendor || !code || code > 9999)
		return refuse(d, IE_INVALID_AVP_VALUE, r->avp, v->raw);
	/* Codes of other vendors mean nothing here. */
	*(int *)field(base, r->off) = vendor == 10415 ? (int)code + 10000 : IE_UNABLE_TO_COMPLY;
	return 0;
}

static int decode_number(struct dec *d, const struct ie_rule *r, const struct ie_view *v,
			 void *base)
{
	uint32_t u;

	if (ie_u32(v->value, &u))
		return refuse(d, IE_INVALID_AVP_LENGTH, r->avp, v->raw);
	if (r->map == IE_RESULT && (u < 1000 || u > 9999))
		return refuse(d, IE_INVALID_AVP_VALUE, r->avp, v->raw);
	if (r->map == IE_UINT)
		*(uint32_t *)field(base, r->off) = u;
	else if (r->map == IE_INT || r->map == IE_RESULT)
		*(int *)field(base, r->off) = (int)MIN(u, (uint32_t)INT32_MAX);
	else if (r->map == IE_ISVAL)
		*(bool *)field(base, r->off) = u == r->value;
	else
		*(bool *)field(base, r->off) = u & 1;
	return 0;
}

static int decode_element(struct dec *d, const struct ie_rule *r, const struct ie_view *v,
			  void *base)
{
	void *slot = next_slot(r, base);
	uint32_t u;

	if (!slot)
		return refuse(d, IE_TOO_MANY, r->avp, v->raw);
	if (r->map == IE_GROUPS) {
		init_rules(r->group, slot);
		return decode_group(d, r->group, v->value, slot);
	}
	if (r->map == IE_UINTS) {
		if (ie_u32(v->value, &u))
			return refuse(d, IE_INVALID_AVP_LENGTH, r->avp, v->raw);
		*(uint32_t *)slot = u;
		return 0;
	}
	*(struct str *)slot = r->map == IE_RAWS ? v->raw : v->value;
	return 0;
}

/* Of 8 octets, which was checked. */
static uint64_t u64_of(struct str s)
{
	uint64_t u = 0;

	for (size_t i = 0; i < s.n && i < 8; i++)
		u = u << 8 | (uint8_t)s.p[i];
	return u;
}

static int decode_one(struct dec *d, const struct ie_rule *r, const struct ie_view *v, void *base)
{
	switch (r->map) {
	case IE_SKIP:
	case IE_COUNT_OF:
		return 0;
	case IE_STR:
		*(struct str *)field(base, r->off) = v->value;
		return 0;
	case IE_UINT:
	case IE_INT:
	case IE_RESULT:
	case IE_ISVAL:
	case IE_BIT0:
	case IE_BOOL:
		return decode_number(d, r, v, base);
	case IE_ULONG:
		*(uint64_t *)field(base, r->off) = u64_of(v->value);
		return 0;
	case IE_XRESULT:
		return decode_xresult(d, r, v, base);
	case IE_STRS:
	case IE_UINTS:
	case IE_GROUPS:
	case IE_RAWS:
		return decode_element(d, r, v, base);
	case IE_FLAT:
		return decode_group(d, r->group, v->value, base);
	case IE_GROUP:
		if (r->count_off)
			*(bool *)field(base, r->count_off) = true;
		return decode_group(d, r->group, v->value, field(base, r->off));
	}
	return 0;
}

static int rule_of(const struct ie_rule *rules, const struct ie_view *v)
{
	for (int i = 0; rules[i].avp; i++)
		if (rules[i].avp->code == v->code && rules[i].avp->vendor == v->vendor)
			return i;
	return -1;
}

static int apply(struct dec *d, const struct ie_rule *rules, int i, const struct ie_view *v,
		 uint64_t *seen, void *base)
{
	const struct ie_rule *r = &rules[i];
	int e;

	assert(i < RULES_MAX);
	if (r->max == 1 && *seen & UINT64_C(1) << i)
		return refuse(d, IE_TOO_MANY, r->avp, v->raw);
	*seen |= UINT64_C(1) << i;
	e = check_value(d, r->avp, v);
	return e ? e : decode_one(d, r, v, base);
}

static int unknown(struct dec *d, const struct ie_view *v)
{
	if (v->flags & IE_M && !ie_find(d->dict, v->code, v->vendor))
		return refuse(d, IE_AVP_UNSUPPORTED, NULL, v->raw);
	return 0;
}

/* success: rows that a successful answer must have are required too */
static int require(struct dec *d, const struct ie_rule *rules, uint64_t seen, bool success)
{
	for (int i = 0; rules[i].avp; i++) {
		bool need =
			rules[i].presence == IE_MAND || (success && rules[i].presence != IE_OPT);

		if (need && !(seen & UINT64_C(1) << i))
			return refuse(d, IE_MISSING_AVP, rules[i].avp, (struct str){ 0 });
	}
	return 0;
}

static int decode_group(struct dec *d, const struct ie_rule *rules, struct str in, void *base)
{
	struct ie_cursor c;
	struct ie_view v;
	uint64_t seen = 0;
	int e = 0, i;

	ie_cursor_init(&c, in.p, in.n);
	while (!e && ie_next(&c, &v)) {
		i = rule_of(rules, &v);
		e = i < 0 ? unknown(d, &v) : apply(d, rules, i, &v, &seen, base);
	}
	if (!e && c.bad)
		e = refuse(d, IE_INVALID_AVP_LENGTH, NULL, (struct str){ 0 });
	return e ? e : require(d, rules, seen, true);
}

void ie_init(const struct ie_command *c, void *in)
{
	ie_init_group(c->rules, in, c->size);
}

void ie_init_group(const struct ie_rule *rules, void *in, size_t size)
{
	memset(in, 0, size);
	init_rules(rules, in);
}

/* Reads all AVPs into both structs; returns the first error but goes on for the envelope. */
static int decode_body(struct dec *d, struct str body, struct ie_env *env, void *ret,
		       uint64_t seen[2])
{
	struct ie_cursor c;
	struct ie_view v;
	int e = 0, r, i;

	ie_cursor_init(&c, body.p, body.n);
	while (ie_next(&c, &v)) {
		i = rule_of(env->rules, &v);
		if (i >= 0)
			r = apply(d, env->rules, i, &v, &seen[0], env);
		else if ((i = rule_of(d->cmd->rules, &v)) >= 0)
			r = apply(d, d->cmd->rules, i, &v, &seen[1], ret);
		else
			r = unknown(d, &v);
		if (!e)
			e = r;
	}
	if (c.bad)
		e = refuse(d, IE_INVALID_AVP_LENGTH, NULL, (struct str){ 0 });
	return e;
}

static bool is_success(int result)
{
	return result % 10000 / 1000 == 2;
}

static int finish(struct dec *d, const struct ie_env *env, const void *ret, const uint64_t seen[2])
{
	const struct ie_command *c = d->cmd;
	int result = c->request ? IE_OK : *(const int *)((const char *)ret + c->result_off);
	int e;

	if (!result)
		return refuse(d, IE_MISSING_AVP, &ie_base[IEB_RESULT_CODE], (struct str){ 0 });
	e = require(d, env->rules, seen[0], is_success(result));
	if (!e)
		e = require(d, c->rules, seen[1], is_success(result));
	if (!e && c->check && is_success(result))
		e = c->check(ret, d->err);
	return e;
}

int ie_decode(const struct ie_command *c, const struct ie_dict *dict, const uint8_t *msg, size_t n,
	      struct ie_env *ret_env, void *ret, struct ie_error *ret_err)
{
	struct dec d = { .cmd = c, .dict = dict, .err = ret_err };
	struct ie_header h;
	uint64_t seen[2] = { 0, 0 };
	int e;

	*ret_err = (struct ie_error){ 0 };
	memset(ret_env, 0, sizeof(*ret_env));
	ret_env->auth_session_state = -1;
	ret_env->rules = c->env ? c->env : ie_env_rules;
	ie_init(c, ret);
	if (ie_header_parse(msg, n, &h) || h.code != c->code ||
	    !!(h.flags & IE_FLAG_REQUEST) != c->request)
		return refuse(&d, IE_INVALID_MESSAGE_LENGTH, NULL, (struct str){ 0 });
	e = decode_body(&d, (struct str){ (const char *)msg + IE_HDR_LEN, h.length - IE_HDR_LEN },
			ret_env, ret, seen);
	return e ? e : finish(&d, ret_env, ret, seen);
}
