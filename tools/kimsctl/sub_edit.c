// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * One subscriber as somebody wrote it: checks of each value and the defaults of the network.
 *
 * Defaults of a new subscriber (TS 23.003 13.3, 13.4B): IMPI IMSI@DOMAIN; with an MSISDN the public identities
 * sip:+MSISDN@DOMAIN, tel:+MSISDN and, barred, the temporary sip:IMSI@DOMAIN, all in set 1; without
 * one only sip:IMSI@DOMAIN, not barred. AMF 8000 (TS 33.102 annex H: separation bit).
 */
#include <ctype.h>

#include "lib/aka/aka.h"
#include "sub.h"

static int wrong(char *err, size_t size, const char *key, struct str v, const char *why)
{
	snprintf(err, size, "%s \"%.*s\": %s", key, (int)MIN(v.n, (size_t)60), v.p, why);
	return -EINVAL;
}

static bool all_digits(struct str v)
{
	for (size_t i = 0; i < v.n; i++)
		if (!isdigit((unsigned char)v.p[i]))
			return false;
	return v.n > 0;
}

static bool plain(struct str v)
{
	for (size_t i = 0; i < v.n; i++)
		if ((unsigned char)v.p[i] <= ' ' || v.p[i] == 0x7f || strchr("\"<>|,", v.p[i]))
			return false;
	return v.n > 0;
}

/* Keys are not repeated in the complaint. */
static int set_octets(uint8_t *dst, size_t n, const char *key, struct str v, char *err, size_t size)
{
	if (v.n == 2 * n && hex_decode(v, dst, n) == (int)n)
		return 0;
	snprintf(err, size, "%s: %zu hexadecimal digits are needed", key, 2 * n);
	return -EINVAL;
}

static int set_caps(struct sub_caps *c, const char *key, struct str v, char *err, size_t size)
{
	struct str rest = v, word;
	uint64_t n;

	c->n = 0;
	while (str_split(&rest, ' ', &word)) {
		if (!word.n)
			continue;
		if (c->n == SUB_CAPS_MAX || str_to_u64(word, UINT32_MAX, &n))
			return wrong(err, size, key, v,
				     "up to 16 numbers separated by spaces are needed");
		c->v[c->n++] = (uint32_t)n;
	}
	return 0;
}

int edit_add_impu(struct edit *e, struct str uri, unsigned int set, bool barred, struct str profile,
		  char *err, size_t size)
{
	struct sub_impu *p;

	if (!str_has_prefix(uri, STR("sip:")) && !str_has_prefix(uri, STR("tel:")) &&
	    !str_has_prefix(uri, STR("sips:")))
		return wrong(err, size, "public identity", uri, "it must begin with sip: or tel:");
	if (!plain(uri) || uri.n >= SUB_ID_MAX)
		return wrong(err, size, "public identity", uri,
			     "it is too long or has a character that cannot be there");
	if (e->n_impu == SUB_IMPUS_MAX)
		return wrong(err, size, "public identity", uri, "a subscriber can have 32 of them");
	for (size_t i = 0; i < e->n_impu; i++)
		if (str_eqz(uri, e->impu[i].impu))
			return wrong(err, size, "public identity", uri, "it is there twice");
	p = &e->impu[e->n_impu++];
	*p = (struct sub_impu){ .set = set, .barred = barred };
	str_copy(p->impu, sizeof(p->impu), uri);
	if (str_copy(p->profile, sizeof(p->profile), profile))
		return wrong(err, size, "profile", profile, "the name is too long");
	return 0;
}

/* "URI[|SET][|barred][|profile=NAME]" */
static int set_impu(struct edit *e, struct str v, char *err, size_t size)
{
	struct str rest = v, uri, word, profile = STR("");
	uint64_t set = 1;
	bool barred = false;

	str_split(&rest, '|', &uri);
	while (str_split(&rest, '|', &word)) {
		if (str_eqz(word, "barred"))
			barred = true;
		else if (str_has_prefix(word, STR("profile=")))
			profile = (struct str){ word.p + 8, word.n - 8 };
		else if (str_to_u64(word, 1000, &set))
			return wrong(err, size, "impus", v,
				     "behind | stand a set number, \"barred\" or profile=NAME");
	}
	return edit_add_impu(e, uri, (unsigned int)set, barred, profile, err, size);
}

static int set_impus(struct edit *e, struct str v, char *err, size_t size)
{
	struct str rest = v, word;
	int r = 0;

	while (!r && str_split(&rest, ' ', &word))
		if (word.n)
			r = set_impu(e, word, err, size);
	return r;
}

static int set_imsi(struct edit *e, struct str v, char *err, size_t size)
{
	if (!all_digits(v) || v.n < 6 || v.n > 15)
		return wrong(err, size, "imsi", v, "6 to 15 digits are needed");
	return str_copy(e->imsi, sizeof(e->imsi), v);
}

static int set_msisdn(struct edit *e, struct str v, char *err, size_t size)
{
	struct str d = v;

	if (d.n && *d.p == '+')
		d = (struct str){ d.p + 1, d.n - 1 };
	if (!all_digits(d) || d.n > 15)
		return wrong(err, size, "msisdn", v,
			     "up to 15 digits are needed, with or without +");
	return str_copy(e->msisdn, sizeof(e->msisdn), d);
}

static int set_impi(struct edit *e, struct str v, char *err, size_t size)
{
	if (!plain(v) || !memchr(v.p, '@', v.n) || str_copy(e->impi, sizeof(e->impi), v))
		return wrong(err, size, "impi", v, "user@domain is needed");
	return 0;
}

static int set_sqn(struct edit *e, struct str v, char *err, size_t size)
{
	if (str_to_u64(v, AKA_SQN_MAX, &e->sqn))
		return wrong(err, size, "sqn", v, "a number below 2^48 is needed");
	e->has_sqn = true;
	return 0;
}

int edit_set(struct edit *e, const char *key, struct str v, char *err, size_t size)
{
	int r = 0;

	if (!strcmp(key, "imsi"))
		return set_imsi(e, v, err, size);
	if (!strcmp(key, "msisdn"))
		return set_msisdn(e, v, err, size);
	if (!strcmp(key, "impi"))
		return set_impi(e, v, err, size);
	if (!strcmp(key, "sqn"))
		return set_sqn(e, v, err, size);
	if (!strcmp(key, "impus"))
		return set_impus(e, v, err, size);
	if (!strcmp(key, "k")) {
		r = set_octets(e->k, 16, key, v, err, size);
		e->has_k = !r;
	} else if (!strcmp(key, "opc") || !strcmp(key, "op")) {
		r = set_octets(e->opc, 16, key, v, err, size);
		e->has_opc = !r;
		e->has_op = !strcmp(key, "op");
	} else if (!strcmp(key, "amf")) {
		r = set_octets(e->amf, 2, key, v, err, size);
		e->has_amf = !r;
	} else if (!strcmp(key, "visited")) {
		r = str_copy(e->visited, sizeof(e->visited), v);
		e->has_visited = true;
	} else if (!strcmp(key, "profile")) {
		r = str_copy(e->profile, sizeof(e->profile), v);
	} else if (!strcmp(key, "mandatory")) {
		r = set_caps(&e->mandatory, key, v, err, size);
		e->has_mandatory = true;
	} else if (!strcmp(key, "optional")) {
		r = set_caps(&e->optional, key, v, err, size);
		e->has_optional = true;
	} else {
		snprintf(err, size, "\"%s\" is not a key of a subscriber", key);
		return -EINVAL;
	}
	if (r == -ENOSPC)
		return wrong(err, size, key, v, "it is too long");
	return r;
}

static void impu_default(struct subscriber *s, bool barred, const char *fmt, const char *a,
			 const char *domain)
{
	struct sub_impu *p = &s->impu[s->n_impu++];

	*p = (struct sub_impu){ .set = 1, .barred = barred };
	snprintf(p->impu, sizeof(p->impu), fmt, a, domain); /* NOLINT: the formats stand below */
}

static void default_impus(const struct edit *e, const char *domain, struct subscriber *s)
{
	s->n_impu = 0;
	if (*e->msisdn) {
		impu_default(s, false, "sip:+%s@%s", e->msisdn, domain);
		impu_default(s, false, "tel:+%s", e->msisdn, domain);
	}
	impu_default(s, *e->msisdn, "sip:%s@%s", e->imsi, domain);
}

static int apply_keys(const struct edit *e, struct subscriber *s, char *err, size_t size)
{
	bool is_new = !s->id;

	if (is_new && (!e->has_k || !e->has_opc)) {
		snprintf(err, size, "IMSI %s is new: it needs k, and opc or op", e->imsi);
		return -EINVAL;
	}
	if (e->has_op && !e->has_k && is_new)
		return -EINVAL;
	if (e->has_k)
		memcpy(s->k, e->k, 16);
	if (e->has_op && aka_opc(s->k, e->opc, s->opc)) {
		snprintf(err, size, "OPc cannot be computed");
		return -EINVAL;
	}
	if (e->has_opc && !e->has_op)
		memcpy(s->opc, e->opc, 16);
	if (e->has_amf)
		memcpy(s->amf, e->amf, 2);
	else if (is_new)
		memcpy(s->amf, "\x80\x00", 2);
	if (e->has_sqn)
		s->sqn = e->sqn;
	return 0;
}

static void apply_impus(const struct edit *e, const char *domain, struct subscriber *s)
{
	if (e->n_impu) {
		memcpy(s->impu, e->impu, e->n_impu * sizeof(e->impu[0]));
		s->n_impu = e->n_impu;
	} else if (!s->id || *e->msisdn) {
		default_impus(e, domain, s);
	}
	for (size_t i = 0; i < s->n_impu; i++) {
		struct sub_impu *p = &s->impu[i];

		if (*e->profile && (!e->n_impu || !*p->profile))
			memcpy(p->profile, e->profile, sizeof(p->profile));
		if (!*p->profile)
			strcpy(p->profile, "default");
	}
}

int edit_apply(const struct edit *e, const char *domain, struct subscriber *s, char *err,
	       size_t size)
{
	int r = apply_keys(e, s, err, size);

	if (r)
		return r;
	memcpy(s->imsi, e->imsi, sizeof(s->imsi));
	if (*e->impi)
		memcpy(s->impi, e->impi, sizeof(s->impi));
	else if (!*s->impi && snprintf(s->impi, sizeof(s->impi), "%s@%s", e->imsi, domain) >=
				      (int)sizeof(s->impi))
		return -EINVAL;
	if (e->has_visited)
		memcpy(s->visited, e->visited, sizeof(s->visited));
	if (e->has_mandatory)
		s->mandatory = e->mandatory;
	if (e->has_optional)
		s->optional = e->optional;
	apply_impus(e, domain, s);
	return 0;
}
