// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Subscribers as CSV (RFC 4180 quoting, comma or semicolon): the first line names the columns by the keys of
 * edit_set(). Lines that are empty or begin with # are skipped. CSV carries no profiles.
 */
#include "sub.h"

#define COLUMNS_MAX 32

struct csv {
	char sep;
	char *head[COLUMNS_MAX];
	size_t n;
};

/* Takes the next field out of *line, in place; false at the end. */
static bool next_field(char **line, char sep, char **ret)
{
	char *p = *line, *w;

	if (!p)
		return false;
	*ret = w = p;
	if (*p == '"') {
		for (p++; *p && !(*p == '"' && p[1] != '"'); p++) {
			p += *p == '"';
			*w++ = *p;
		}
		p += *p == '"';
		p += strcspn(p, (char[]){ sep, 0 });
	} else {
		p += strcspn(p, (char[]){ sep, 0 });
		w = p;
	}
	*line = *p ? p + 1 : NULL;
	*w = '\0';
	return true;
}

static int read_head(struct csv *c, char *line)
{
	char *f;

	c->sep = strchr(line, ';') && !strchr(line, ',') ? ';' : ',';
	while (c->n < COLUMNS_MAX && next_field(&line, c->sep, &f)) {
		c->head[c->n] = str_dup(str_trim(str_of(f)));
		if (!c->head[c->n++])
			return -ENOMEM;
	}
	return 0;
}

static int read_row(const struct csv *c, char *line, struct edit *e, char *err, size_t size)
{
	char *f;
	size_t i = 0;
	int r = 0;

	memset(e, 0, sizeof(*e));
	while (!r && next_field(&line, c->sep, &f)) {
		struct str v = str_trim(str_of(f));

		if (i == c->n) {
			snprintf(err, size,
				 "there are more fields than the %zu columns of the first line",
				 c->n);
			return -EINVAL;
		}
		if (v.n)
			r = edit_set(e, c->head[i], v, err, size);
		i++;
	}
	if (!r && !*e->imsi) {
		snprintf(err, size, "the IMSI is missing");
		r = -EINVAL;
	}
	return r;
}

int read_csv(FILE *f, const struct sub_sink *sink)
{
	struct csv c = { .n = 0 };
	struct edit *e = malloc(sizeof(*e));
	char *line = NULL, err[512];
	size_t size = 0;
	ssize_t n;
	int number = 0, r = e ? 0 : -ENOMEM;

	while (!r && (n = getline(&line, &size, f)) >= 0) {
		number++;
		line[strcspn(line, "\r\n")] = '\0';
		if (!*line || *line == '#')
			continue;
		if (!c.n)
			r = read_head(&c, line);
		else if (read_row(&c, line, e, err, sizeof(err)))
			r = sink->wrong(sink->arg, number, err);
		else
			r = sink->subscriber(sink->arg, number, e);
	}
	if (!r && ferror(f))
		r = -EIO;
	for (size_t i = 0; i < c.n; i++)
		free(c.head[i]);
	free(line);
	free(e);
	return r;
}

void write_csv_head(FILE *f, bool secrets)
{
	fprintf(f, "imsi,impi,%samf,sqn,visited,mandatory,optional,impus\n",
		secrets ? "k,opc," : "");
}

static void caps(FILE *f, const struct sub_caps *c)
{
	for (size_t i = 0; i < c->n; i++)
		fprintf(f, "%s%u", i ? " " : "", c->v[i]);
}

void write_csv(FILE *f, const struct subscriber *s, bool secrets)
{
	char k[33], opc[33];

	fprintf(f, "%s,%s,", s->imsi, s->impi);
	if (secrets) {
		hex_encode(s->k, 16, k);
		hex_encode(s->opc, 16, opc);
		fprintf(f, "%s,%s,", k, opc);
	}
	fprintf(f, "%02x%02x,%llu,%s,", s->amf[0], s->amf[1], (unsigned long long)s->sqn,
		s->visited);
	caps(f, &s->mandatory);
	fputc(',', f);
	caps(f, &s->optional);
	fputc(',', f);
	for (size_t i = 0; i < s->n_impu; i++) {
		const struct sub_impu *p = &s->impu[i];

		fprintf(f, "%s%s|%u%s", i ? " " : "", p->impu, p->set, p->barred ? "|barred" : "");
		if (strcmp(p->profile, "default"))
			fprintf(f, "|profile=%s", p->profile);
	}
	fputc('\n', f);
}
