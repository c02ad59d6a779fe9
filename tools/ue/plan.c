// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Plans: phones from --phone, --set and CSV tables, and the words of the command line.
 */
#include <stdio.h>

#include "scenario.h"

int plan_init(struct plan *p, struct ue *ue)
{
	memset(p, 0, sizeof(*p));
	opt_defaults(phone_opts, &p->defaults);
	opt_defaults(access_opts, &p->access);
	return scenario_new(ue, &p->sc);
}

void plan_free(struct plan *p)
{
	opt_free(phone_opts, &p->defaults);
	opt_free(access_opts, &p->access);
	for (size_t i = 0; i < p->n_phones; i++)
		opt_free(phone_opts, &p->phones[i]);
	free(p->phones);
	scenario_free(p->sc);
	memset(p, 0, sizeof(*p));
}

struct phone_conf *plan_add_phone(struct plan *p)
{
	struct phone_conf *grown = reallocarray(p->phones, p->n_phones + 1, sizeof(*grown)), *c;

	if (!grown)
		return NULL;
	p->phones = grown;
	c = &grown[p->n_phones];
	memset(c, 0, sizeof(*c));
	if (opt_copy(phone_opts, c, &p->defaults)) {
		opt_free(phone_opts, c);
		return NULL;
	}
	p->n_phones++;
	return c;
}

/* A comma inside of a value is written as two. */
static char *next_pair(char **rest)
{
	char *begin = *rest, *w = begin, *r = begin;

	if (!begin || !*begin)
		return NULL;
	for (; *r && (*r != ',' || r[1] == ','); r++) {
		if (*r == ',')
			r++;
		*w++ = *r;
	}
	*rest = *r ? r + 1 : r;
	*w = '\0';
	return begin;
}

static int set_pairs(const struct opt *table, void *base, const char *text, char *err,
		     size_t errsize)
{
	_cleanup_free_ char *copy = strdup(text);
	char *rest = copy, *pair, *eq;
	int r;

	if (!copy)
		return -ENOMEM;
	while ((pair = next_pair(&rest))) {
		eq = strchr(pair, '=');
		if (!eq) {
			snprintf(err, errsize, "\"%s\" is not key=value", pair);
			return -EINVAL;
		}
		*eq = '\0';
		r = opt_set(table, base, pair, eq + 1, err, errsize);
		if (r)
			return r;
	}
	return 0;
}

int plan_set_phone(struct phone_conf *c, const char *text, char *err, size_t errsize)
{
	return set_pairs(phone_opts, c, text, err, errsize);
}

int plan_set_access(struct plan *p, const char *text, char *err, size_t errsize)
{
	p->has_access = true;
	return set_pairs(access_opts, &p->access, text, err, errsize);
}

/* --- tables --- */

#define MAX_COLUMNS 64

static size_t split_line(char *line, char *cell[MAX_COLUMNS])
{
	size_t n = 0;

	line[strcspn(line, "\r\n")] = '\0';
	for (char *at = line; at && n < MAX_COLUMNS;) {
		cell[n++] = at;
		at = strchr(at, ',');
		if (at)
			*at++ = '\0';
	}
	return n;
}

static bool is_sim_column(const char *name)
{
	static const char *const names[] = { "imsi", "k",    "opc",   "op",   "amf", "msisdn",
					     "impu", "impi", "netns", "addr", "paa" };

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		if (!strcmp(name, names[i]))
			return true;
	}
	return false;
}

static int take_cell(struct phone_conf *c, const char *column, const char *value, char *err,
		     size_t errsize)
{
	char number[32];

	if (!is_sim_column(column) || !*value)
		return 0;
	if (!strcmp(column, "msisdn") && *value != '+') {
		snprintf(number, sizeof(number), "+%s", value);
		value = number;
	}
	return opt_set(phone_opts, c, column, value, err, errsize);
}

static int take_row(struct plan *p, char *const columns[], size_t n_columns, char *line, char *err,
		    size_t errsize)
{
	struct phone_conf *c = plan_add_phone(p);
	char *cell[MAX_COLUMNS];
	size_t n = split_line(line, cell);
	int r = c ? 0 : -ENOMEM;

	for (size_t i = 0; !r && i < n && i < n_columns; i++)
		r = take_cell(c, columns[i], cell[i], err, errsize);
	return r;
}

static bool row_is(const char *line, const char *imsi, char *const columns[], size_t n_columns)
{
	size_t at = 0;

	for (; at < n_columns && strcmp(columns[at], "imsi"); at++)
		;
	for (; at && *line; line++)
		at -= *line == ',';
	return !strncmp(line, imsi, strlen(imsi)) &&
	       (line[strlen(imsi)] == ',' || line[strlen(imsi)] < ' ');
}

static int read_rows(struct plan *p, FILE *f, const char *first, size_t count, char *err,
		     size_t errsize)
{
	char head[1024], line[1024], *columns[MAX_COLUMNS];
	size_t n_columns, taken = 0;
	int r = 0;

	if (!fgets(head, sizeof(head), f)) {
		snprintf(err, errsize, "the table is empty");
		return -EINVAL;
	}
	n_columns = split_line(head, columns);
	while (!r && taken < count && fgets(line, sizeof(line), f)) {
		if (!taken && first && !row_is(line, first, columns, n_columns))
			continue;
		r = take_row(p, columns, n_columns, line, err, errsize);
		taken++;
	}
	if (!r && taken < count) {
		snprintf(err, errsize, "%zu phones were wanted, the table has %zu%s%s", count,
			 taken, first ? " from " : "", first ? first : "");
		return -EINVAL;
	}
	return r;
}

int plan_load_csv(struct plan *p, const char *path, const char *first_imsi, size_t count, char *err,
		  size_t errsize)
{
	FILE *f = fopen(path, "re");
	int r;

	if (!f) {
		r = -errno;
		snprintf(err, errsize, "%s: %s", path, strerror(errno));
		return r;
	}
	r = read_rows(p, f, first_imsi, count, err, errsize);
	fclose(f);
	return r;
}

/* --- words --- */

/* "--key value", "--key=value", or "--key" alone for yes. Number of words taken, or -errno. */
static int take_option(struct step *s, char **words, char *err, size_t errsize)
{
	_cleanup_free_ char *key = strdup(words[0] + 2);
	const struct opt *o;
	char *eq;
	int r;

	if (!key)
		return -ENOMEM;
	eq = strchr(key, '=');
	if (eq) {
		*eq = '\0';
		r = step_set(s, key, eq + 1, err, errsize);
		return r ? r : 1;
	}
	o = opt_find(step_opts, key);
	if (o && o->type == OPT_BOOL &&
	    (!words[1] || !strncmp(words[1], "--", 2) || step_kind_find(words[1]))) {
		r = step_set(s, key, "yes", err, errsize);
		return r ? r : 1;
	}
	if (!words[1]) {
		snprintf(err, errsize, "--%s needs a value", key);
		return -EINVAL;
	}
	r = step_set(s, key, words[1], err, errsize);
	return r ? r : 2;
}

static int take_step(struct plan *p, char **words, char *err, size_t errsize)
{
	const struct step_kind *kind = step_kind_find(words[0]);
	struct step *s;
	int n = 1, r;

	if (!kind) {
		snprintf(err, errsize, "there is no step \"%s\" (see --help)", words[0]);
		return -EINVAL;
	}
	if (step_new(kind, GROUP_NONE, &s))
		return -ENOMEM;
	r = step_add(p->sc->root, s);
	if (r) {
		step_free(s);
		return r;
	}
	while (words[n] && !strncmp(words[n], "--", 2)) {
		r = take_option(s, words + n, err, errsize);
		if (r < 0)
			return r;
		n += r;
	}
	return n;
}

int scenario_words(struct plan *p, char **words, char *err, size_t errsize)
{
	while (*words) {
		int n = take_step(p, words, err, errsize);

		if (n < 0)
			return n;
		words += n;
	}
	return 0;
}
