// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Option tables: parsing of values by type, as declared in opt.h.
 */
#include "opt.h"

#include <math.h>

static char same(char c)
{
	return c == '-' ? '_' : c;
}

static bool key_eq(const char *a, const char *b)
{
	for (; *a && *b; a++, b++) {
		if (same(*a) != same(*b))
			return false;
	}
	return *a == *b;
}

const struct opt *opt_find(const struct opt *table, const char *key)
{
	for (; table->name; table++) {
		if (key_eq(table->name, key))
			return table;
	}
	return NULL;
}

int opt_time_parse(const char *s, uint64_t *ret_usec)
{
	static const struct {
		const char *unit;
		double usec;
	} units[] = { { "", 1e6 },   { "s", 1e6 },    { "ms", 1e3 },  { "us", 1 },
		      { "m", 60e6 }, { "min", 60e6 }, { "h", 3600e6 } };
	char *end;
	double v = strtod(s, &end);

	if (end == s || !isfinite(v) || v < 0 || v > 1e9)
		return -EINVAL;
	for (size_t i = 0; i < ARRAY_SIZE(units); i++) {
		if (!strcmp(end, units[i].unit)) {
			*ret_usec = (uint64_t)(v * units[i].usec + 0.5);
			return 0;
		}
	}
	return -EINVAL;
}

static int bool_parse(const char *s, bool *ret)
{
	static const char *const yes[] = { "yes", "true", "on", "1" }, *const no[] = { "no",
										       "false",
										       "off", "0" };

	for (size_t i = 0; i < ARRAY_SIZE(yes); i++) {
		if (!strcasecmp(s, yes[i])) {
			*ret = true;
			return 0;
		}
		if (!strcasecmp(s, no[i])) {
			*ret = false;
			return 0;
		}
	}
	return -EINVAL;
}

static int enum_parse(const struct opt *o, const char *s, int *ret)
{
	for (int i = 0; o->names[i]; i++) {
		if (key_eq(o->names[i], s)) {
			*ret = i;
			return 0;
		}
	}
	return -EINVAL;
}

static int uint_parse(const char *s, uint32_t *ret)
{
	uint64_t v;
	int r = str_to_u64(str_of(s), UINT32_MAX, &v);

	if (r)
		return r;
	*ret = (uint32_t)v;
	return 0;
}

static int real_parse(const char *s, double *ret)
{
	char *end;
	double v = strtod(s, &end);

	if (end == s || *end || !isfinite(v))
		return -EINVAL;
	*ret = v;
	return 0;
}

static int str_replace(char **field, const char *s)
{
	char *copy = strdup(s);

	if (!copy)
		return -ENOMEM;
	free(*field);
	*field = copy;
	return 0;
}

static int store(const struct opt *o, void *base, const char *value)
{
	void *field = (char *)base + o->off;

	switch (o->type) {
	case OPT_STR:
		return str_replace(field, value);
	case OPT_BOOL:
		return bool_parse(value, field);
	case OPT_UINT:
		return uint_parse(value, field);
	case OPT_TIME:
		return opt_time_parse(value, field);
	case OPT_ENUM:
		return enum_parse(o, value, field);
	case OPT_REAL:
		return real_parse(value, field);
	}
	return -EINVAL;
}

static const char *type_hint(const struct opt *o)
{
	switch (o->type) {
	case OPT_STR:
		return "text";
	case OPT_BOOL:
		return "yes or no";
	case OPT_UINT:
		return "a number";
	case OPT_TIME:
		return "a time like 5s, 200ms or 2m";
	case OPT_ENUM:
		return "one of the listed words";
	case OPT_REAL:
		return "a number, decimals allowed";
	}
	return "";
}

static size_t type_size(enum opt_type t)
{
	switch (t) {
	case OPT_STR:
		return sizeof(char *);
	case OPT_BOOL:
		return sizeof(bool);
	case OPT_UINT:
		return sizeof(uint32_t);
	case OPT_TIME:
		return sizeof(uint64_t);
	case OPT_ENUM:
		return sizeof(int);
	case OPT_REAL:
		return sizeof(double);
	}
	return 0;
}

void opt_defaults(const struct opt *table, void *base)
{
	for (const struct opt *o = table; o->name; o++) {
		memset((char *)base + o->off, 0, type_size(o->type));
		if (o->def)
			store(o, base, o->def);
	}
}

void opt_free(const struct opt *table, void *base)
{
	for (const struct opt *o = table; o->name; o++) {
		char **field = (char **)((char *)base + o->off);

		if (o->type == OPT_STR) {
			free(*field);
			*field = NULL;
		}
	}
}

int opt_copy(const struct opt *table, void *dst, const void *src)
{
	for (const struct opt *o = table; o->name; o++) {
		void *d = (char *)dst + o->off;
		const void *s = (const char *)src + o->off;

		memcpy(d, s, type_size(o->type));
		if (o->type == OPT_STR && *(char *const *)s) {
			*(char **)d = strdup(*(char *const *)s);
			if (!*(char **)d)
				return -ENOMEM;
		}
	}
	return 0;
}

static void list_keys(const struct opt *table, char *dst, size_t size)
{
	size_t n = 0;

	for (const struct opt *o = table; o->name && n < size; o++)
		n += (size_t)snprintf(dst + n, size - n, "%s%s", o == table ? "" : " ", o->name);
}

int opt_set(const struct opt *table, void *base, const char *key, const char *value, char *err,
	    size_t errsize)
{
	const struct opt *o = opt_find(table, key);
	char keys[1024];
	int r;

	if (!o) {
		list_keys(table, keys, sizeof(keys));
		snprintf(err, errsize, "no key \"%s\" here; there are: %s", key, keys);
		return -ENOENT;
	}
	r = store(o, base, value);
	if (r == -ENOMEM)
		snprintf(err, errsize, "out of memory");
	else if (r)
		snprintf(err, errsize, "%s: \"%s\" is not %s", o->name, value, type_hint(o));
	return r;
}

static void print_names(const struct opt *o, FILE *f)
{
	fputs(" (", f);
	for (int i = 0; o->names[i]; i++)
		fprintf(f, "%s%s", i ? ", " : "", o->names[i]);
	fputs(")", f);
}

void opt_print(const struct opt *table, FILE *f)
{
	for (const struct opt *o = table; o->name; o++) {
		fprintf(f, "  %-16s %s", o->name, o->doc);
		if (o->type == OPT_ENUM)
			print_names(o, f);
		if (o->def && *o->def && strcmp(o->def, "4294967295"))
			fprintf(f, " [%s]", o->def);
		fputc('\n', f);
	}
}
