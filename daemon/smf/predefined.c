// SPDX-License-Identifier: GPL-2.0-or-later
/* Predefined PCC rules of the configuration; see predefined.h. */
#include "smf/predefined.h"

#include <stdio.h>

#include "ref/ipfilter.h"

struct reader {
	struct smf_predefined *d;
	char *err;
	size_t size;
};

/* An empty string, where there is none: for %.*s, whose argument is never null. */
static struct str printable(struct str s)
{
	return s.p ? s : STR("");
}

static int bad(struct reader *r, struct str word, const char *why)
{
	struct str name = printable(r->d->rule.name);

	word = printable(word);
	snprintf(r->err, r->size, "rule %.*s: \"%.*s\" %s", STR_FMT(name), STR_FMT(word), why);
	return -EINVAL;
}

/* As str_split(), but a separator between quotes is none. */
static bool cut(struct str *rest, char sep, struct str *ret)
{
	bool quoted = false;
	size_t n = 0;

	if (!rest->p)
		return false;
	for (; n < rest->n && (quoted || rest->p[n] != sep); n++)
		quoted ^= rest->p[n] == '"';
	*ret = (struct str){ rest->p, n };
	if (n < rest->n)
		*rest = (struct str){ rest->p + n + 1, rest->n - n - 1 };
	else
		*rest = (struct str){ NULL, 0 };
	return true;
}

static int unquote(struct str *v)
{
	if (!v->n || *v->p != '"')
		return v->n && !memchr(v->p, '"', v->n) ? 0 : -EINVAL;
	if (v->n < 3 || v->p[v->n - 1] != '"')
		return -EINVAL;
	*v = (struct str){ v->p + 1, v->n - 2 };
	return 0;
}

static int set_int(struct str v, int min, int max, int *ret)
{
	uint64_t n;

	if (str_to_u64(v, (uint64_t)max, &n) || (int)n < min)
		return -EINVAL;
	*ret = (int)n;
	return 0;
}

static int set_rates(struct str v, int *ul, int *dl)
{
	struct str up = { NULL, 0 };
	int a, b;

	if (!str_split(&v, '/', &up) || set_int(up, 0, INT32_MAX / 1000, &a) ||
	    set_int(v, 0, INT32_MAX / 1000, &b))
		return -EINVAL;
	*ul = a * 1000;
	*dl = b * 1000;
	return 0;
}

static int set_arp(struct str v, struct gx_qos *q)
{
	struct str one = { NULL, 0 };
	int n[3] = { 0, 1, 0 }; /* as PCC has it: 1 is "may not pre-empt", 0 "may be pre-empted" */
	int i = 0;

	for (; v.p && i < 3; i++) {
		str_split(&v, '/', &one);
		if (set_int(one, i ? 0 : 1, i ? 1 : 15, &n[i]))
			return -EINVAL;
	}
	if (v.p || i == 2)
		return -EINVAL;
	q->has_arp = true;
	q->arp = (struct pcc_arp){ (uint32_t)n[0], n[1], n[2] };
	return 0;
}

static int set_flow(struct gx_rule *d, struct str v, int direction)
{
	struct ipfilter f;

	if (d->n_flow == GX_FLOWS_MAX || ipfilter_parse(v, &f) || f.deny || f.in)
		return -EINVAL;
	d->flow[d->n_flow++] =
		(struct gx_flow){ .description = v, .direction = direction, .filter_usage = -1 };
	return 0;
}

static int set_gate(struct str v, int *ret)
{
	static const struct {
		const char *name;
		enum pcc_flow_status status;
	} gates[] = { { "open", PCC_ENABLED },
		      { "closed", PCC_DISABLED },
		      { "uplink", PCC_ENABLED_UPLINK },
		      { "downlink", PCC_ENABLED_DOWNLINK } };

	for (size_t i = 0; i < ARRAY_SIZE(gates); i++)
		if (str_eqz(v, gates[i].name)) {
			*ret = gates[i].status;
			return 0;
		}
	return -EINVAL;
}

static int set_text(struct str v, struct str *ret)
{
	if (v.n > 63) /* room of a rule */
		return -EINVAL;
	*ret = v;
	return 0;
}

static int set_key(struct smf_predefined *p, struct str key, struct str v)
{
	struct gx_rule *d = &p->rule;

	if (str_eqz(key, "base"))
		return set_text(v, &p->base);
	if (str_eqz(key, "flow"))
		return set_flow(d, v, GX_BIDIRECTIONAL);
	if (str_eqz(key, "up"))
		return set_flow(d, v, GX_UPLINK);
	if (str_eqz(key, "down"))
		return set_flow(d, v, GX_DOWNLINK);
	if (str_eqz(key, "app"))
		return set_text(v, &d->tdf_app_id);
	if (str_eqz(key, "key"))
		return set_text(v, &d->monitoring_key);
	if (str_eqz(key, "precedence"))
		return set_int(v, 0, INT32_MAX, &d->precedence);
	if (str_eqz(key, "rating"))
		return set_int(v, 0, INT32_MAX, &d->rating_group);
	if (str_eqz(key, "service"))
		return set_int(v, 0, INT32_MAX, &d->service_id);
	if (str_eqz(key, "gate"))
		return set_gate(v, &d->flow_status);
	d->has_qos = true;
	if (str_eqz(key, "qci"))
		return set_int(v, 1, 254, &d->qos.qci);
	if (str_eqz(key, "arp"))
		return set_arp(v, &d->qos);
	if (str_eqz(key, "mbr"))
		return set_rates(v, &d->qos.mbr_ul, &d->qos.mbr_dl);
	if (str_eqz(key, "gbr"))
		return set_rates(v, &d->qos.gbr_ul, &d->qos.gbr_dl);
	return -ENOENT;
}

static int read_word(struct reader *r, struct str word)
{
	struct str value = word, key = { NULL, 0 };
	int e;

	if (!cut(&value, '=', &key) || !value.p)
		return bad(r, word, "is not known");
	if (unquote(&value))
		return bad(r, word, "cannot be read");
	e = set_key(r->d, key, value);
	return e == -ENOENT ? bad(r, word, "is not known") : e ? bad(r, word, "cannot be read") : 0;
}

static int read_rule(struct reader *r, struct str s)
{
	struct str word;
	int e = 0;

	gx_rule_init(&r->d->rule);
	while (!e && cut(&s, ' ', &word)) {
		if (!word.n)
			continue;
		if (r->d->rule.name.p)
			e = read_word(r, word);
		else if (set_text(word, &r->d->rule.name))
			e = bad(r, word, "is too long");
	}
	if (!e && !r->d->rule.n_flow == !r->d->rule.tdf_app_id.p)
		e = bad(r, r->d->rule.name, "needs flows or an application, and not both");
	return e;
}

const struct smf_predefined *smf_predefined_find(const struct smf_predefined *list, size_t n,
						 struct str name)
{
	for (size_t i = 0; i < n; i++)
		if (str_eq(list[i].rule.name, name))
			return &list[i];
	return NULL;
}

static int read_all(struct str rest, struct smf_predefined *list, size_t *n, char *err, size_t size)
{
	struct str one;
	int e = 0;

	while (!e && cut(&rest, ';', &one)) {
		struct reader r = { .d = &list[*n], .err = err, .size = size };

		one = str_trim(one);
		if (!one.n)
			continue;
		list[*n] = (struct smf_predefined){ 0 };
		if (*n == SMF_PREDEFINED_MAX)
			return bad(&r, one, "is one too many");
		e = read_rule(&r, one);
		if (!e && smf_predefined_find(list, *n, list[*n].rule.name))
			e = bad(&r, list[*n].rule.name, "is there twice");
		++*n;
	}
	return e;
}

int smf_predefined_parse(const char *text, struct smf_predefined **ret, size_t *ret_n, char *err,
			 size_t size)
{
	struct smf_predefined *list = NULL;
	size_t n = 0, max = 1;
	int e;

	for (const char *p = text; *p; p++)
		max += *p == ';';
	list = calloc(MIN(max, SMF_PREDEFINED_MAX) + 1, sizeof(*list));
	if (!list)
		return -ENOMEM;
	e = read_all(str_of(text), list, &n, err, size);
	if (e) {
		free(list);
		return e;
	}
	*ret = list;
	*ret_n = n;
	return 0;
}
