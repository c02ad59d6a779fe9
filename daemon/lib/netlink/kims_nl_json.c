// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Attributes of kims.ko to JSON, by tables made from the schema; see kims_nl_json.h.
 *
 * Lengths are checked for each attribute; one that this version does not know, or that is too
 * short, is passed over. A session comes in one or several messages: lists go on in the next, and a
 * PDR whose filters did not fit goes on there, too.
 */
#include <arpa/inet.h>
#include <linux/genetlink.h>
#include <stdio.h>

#include "lib/netlink/kims_nl_json.h"
#include "lib/netlink/kims_nl_priv.h"

enum knl_kind {
	KNL_NONE,
	KNL_U32,
	KNL_U64,
	KNL_S64,
	KNL_STRING,
	KNL_IPV4,
	KNL_IPV6,
	KNL_BINARY,
	KNL_ENUM,
	KNL_FLAGS,
	KNL_NEST,
};

struct knl_set;

struct knl_attr {
	const char *name;
	enum knl_kind kind;
	bool multi;
	const struct knl_set *nested;
	const char *const *names; /* of an enumeration or of bits; ends with NULL */
};

struct knl_set {
	const struct knl_attr *attrs; /* by number */
	size_t n;
};

#include "lib/netlink/kims_nl_names.h"
#include "lib/netlink/kims_nl_schema.h"

/* --- values --- */

static json_t *number(uint64_t v)
{
	char text[24];

	if (v <= INT64_MAX)
		return json_integer((json_int_t)v);
	snprintf(text, sizeof(text), "%ju", (uintmax_t)v);
	return json_string(text);
}

static json_t *one_of(const char *const *names, uint32_t v)
{
	uint32_t i;

	for (i = 0; names[i]; i++)
		if (i == v)
			return json_string(names[i]);
	return json_integer(v);
}

static json_t *bits(const char *const *names, uint32_t v)
{
	json_t *list = json_array();
	size_t i;

	for (i = 0; names[i]; i++)
		if (v >> i & 1)
			json_array_append_new(list, json_string(names[i]));
	return list;
}

static json_t *text(struct nlattr *a)
{
	const char *s = nla_data(a);
	json_t *v = json_stringn(s, strnlen(s, nla_len(a)));

	return v ? v : json_string("?"); /* a label that is no UTF-8 */
}

static json_t *address(int family, struct nlattr *a)
{
	char s[INET6_ADDRSTRLEN] = "?";

	inet_ntop(family, nla_data(a), s, sizeof(s));
	return json_string(s);
}

static json_t *octets(struct nlattr *a)
{
	const uint8_t *p = nla_data(a);
	char s[2 * 64 + 1] = "";
	int i, n = MIN(nla_len(a), 64);

	for (i = 0; i < n; i++)
		snprintf(s + 2 * i, 3, "%02x", p[i]);
	return json_string(s);
}

static json_t *object_of(const struct knl_set *set, struct nlattr *nest);

/* NULL: nothing to tell. */
static json_t *value_of(const struct knl_attr *d, struct nlattr *a)
{
	static const int least[] = {
		[KNL_U32] = 4,	 [KNL_U64] = 8,	 [KNL_S64] = 8,	  [KNL_IPV4] = 4,
		[KNL_IPV6] = 16, [KNL_ENUM] = 4, [KNL_FLAGS] = 4, [KNL_NEST] = 0,
	};

	if (nla_len(a) < least[d->kind])
		return NULL;
	switch (d->kind) {
	case KNL_NONE:
		return NULL;
	case KNL_U32:
		return json_integer(nla_get_u32(a));
	case KNL_U64:
		return number(nla_get_u64(a));
	case KNL_S64:
		return json_integer((json_int_t)nla_get_u64(a));
	case KNL_STRING:
		return text(a);
	case KNL_IPV4:
		return address(AF_INET, a);
	case KNL_IPV6:
		return address(AF_INET6, a);
	case KNL_BINARY:
		return octets(a);
	case KNL_ENUM:
		return one_of(d->names, nla_get_u32(a));
	case KNL_FLAGS:
		return bits(d->names, nla_get_u32(a));
	case KNL_NEST:
		return object_of(d->nested, a);
	}
	return NULL;
}

/* --- objects --- */

static void add(json_t *object, const struct knl_set *set, struct nlattr *a)
{
	size_t type = (size_t)nla_type(a);
	const struct knl_attr *d = type < set->n ? &set->attrs[type] : NULL;
	json_t *v = d && d->name ? value_of(d, a) : NULL, *list;

	if (!v)
		return;
	if (!d->multi) {
		json_object_set_new(object, d->name, v);
		return;
	}
	list = json_object_get(object, d->name);
	if (!list) {
		list = json_array();
		json_object_set_new(object, d->name, list);
	}
	json_array_append_new(list, v);
}

static json_t *object_of(const struct knl_set *set, struct nlattr *nest)
{
	json_t *object = json_object();
	struct nlattr *a;
	int rem;

	nla_for_each_nested(a, nest, rem) add(object, set, a);
	return object;
}

static bool same(const json_t *a, const json_t *b, const char *key)
{
	const json_t *va = json_object_get(a, key), *vb = json_object_get(b, key);

	return va && vb && json_equal(va, vb);
}

static void go_on(json_t *have, json_t *more);

/* The first of more may be the last of have, gone on. */
static void lists_go_on(json_t *have, json_t *more)
{
	json_t *last = json_array_get(have, json_array_size(have) - 1);

	if (json_array_size(have) && json_is_object(last) &&
	    same(last, json_array_get(more, 0), "id")) {
		go_on(last, json_array_get(more, 0));
		json_array_remove(more, 0);
	}
	json_array_extend(have, more);
}

static void go_on(json_t *have, json_t *more)
{
	const char *key;
	json_t *v, *old;

	json_object_foreach (more, key, v) {
		old = json_object_get(have, key);
		if (json_is_array(old) && json_is_array(v))
			lists_go_on(old, v);
		else
			json_object_set(have, key, v);
	}
}

/* --- answers --- */

struct answer {
	int attr;   /* top-level */
	bool parts; /* an object may come in several messages */
	const struct knl_set *set;
	knl_json_fn fn;
	void *arg;
	json_t *now; /* not told yet */
	int result;
};

static void tell(struct answer *a)
{
	if (a->now && !a->result)
		a->result = a->fn(a->arg, a->now);
	json_decref(a->now);
	a->now = NULL;
}

static void take(struct answer *a, struct nlattr *nest)
{
	json_t *object = object_of(a->set, nest);

	if (a->parts && a->now && same(a->now, object, "id")) {
		go_on(a->now, object);
		json_decref(object);
		return;
	}
	tell(a);
	a->now = object;
}

static int row(void *arg, struct nlattr **attrs _unused_, struct nlmsghdr *h)
{
	struct answer *a = arg;
	struct nlattr *nest;
	int rem;

	nlmsg_for_each_attr(nest, h, GENL_HDRLEN, rem) if (nla_type(nest) == a->attr) take(a, nest);
	return a->result;
}

static const struct {
	int cmd, attr;
	bool one;
	const struct knl_set *set;
} kinds[] = {
	[KNL_OBJ_STATS] = { KIMS_CMD_STATS_GET, KIMS_A_STATS, true, &knl_set_stats },
	[KNL_OBJ_SETTINGS] = { KIMS_CMD_SETTINGS_GET, KIMS_A_SETTINGS, true, &knl_set_settings },
	[KNL_OBJ_ENDPOINT] = { KIMS_CMD_GTPU_EP_GET, KIMS_A_GTPU_EP, false, &knl_set_gtpu_ep },
	[KNL_OBJ_SESSION] = { KIMS_CMD_SESSION_GET, KIMS_A_SESSION, false, &knl_set_session },
	[KNL_OBJ_RTP_FLOW] = { KIMS_CMD_RTP_GET, KIMS_A_RTP_FLOW, false, &knl_set_rtp_flow },
	[KNL_OBJ_GM_PORT] = { KIMS_CMD_GM_PORT_GET, KIMS_A_GM_PORT, false, &knl_set_gm_port },
	[KNL_OBJ_SA_SET] = { KIMS_CMD_SA_SET_GET, KIMS_A_SA_SET, false, &knl_set_sa_set },
	[KNL_OBJ_APP_FLOW] = { KIMS_CMD_APP_FLOW_GET, KIMS_A_APP_FLOW, false, &knl_set_app_flow },
	[KNL_OBJ_INGRESS] = { KIMS_CMD_INGRESS_GET, KIMS_A_INGRESS, false, &knl_set_ingress },
};

/* The session that a request is about; 0: none. */
static int put_session(struct nl_msg *m, uint64_t id)
{
	struct nlattr *nest;

	if (!id)
		return 0;
	nest = nla_nest_start(m, KIMS_A_SESSION | NLA_F_NESTED);
	if (!nest || nla_put_u64(m, KIMS_SESSION_A_ID, id))
		return -ENOMEM;
	nla_nest_end(m, nest);
	return 0;
}

int knl_json_dump(struct knl *k, enum knl_object kind, uint64_t session, knl_json_fn fn, void *arg)
{
	bool one = kinds[kind].one || (kind == KNL_OBJ_SESSION && session);
	_cleanup_msg_ struct nl_msg *m = knl_request(k, kinds[kind].cmd, one ? 0 : NLM_F_DUMP);
	struct answer a = { .attr = kinds[kind].attr,
			    .parts = kind == KNL_OBJ_SESSION,
			    .set = kinds[kind].set,
			    .fn = fn,
			    .arg = arg };
	int r;

	if (!m || put_session(m, session))
		return knl_fail(k, -ENOMEM, "request");
	r = knl_transact(k, m, row, &a);
	if (r)
		a.result = r;
	tell(&a);
	return a.result;
}

const char *knl_json_reason(size_t i)
{
	size_t at;

	for (at = 0; at < ARRAY_SIZE(knl_drop_names); at++)
		if (knl_drop_names[at] && !i--)
			return knl_drop_names[at];
	return NULL;
}
