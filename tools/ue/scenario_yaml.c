// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Scenario files:
 *
 *   title: two phones
 *   access: { netns: access, pgw: 10.46.0.5 }   where phones with an apn attach
 *   defaults: { pcscf: 10.46.0.1 }        keys of a phone, for all that follow
 *   phones:
 *     - { name: alice, imsi: "001010000000001", k: ..., opc: ..., netns: ue1 }
 *     - { csv: users.csv, count: 100 }    many, from a table
 *   steps:
 *     - register                          a step with all defaults
 *     - call: { from: alice, to: bob }
 *     - parallel: [ ... ]                 all at once
 *     - sequence: [ ... ]                 one after the other, within a parallel
 *     - repeat: { times: 3, steps: [ ... ] }
 *
 * What is wrong is said with file, line and key.
 */
#include <stdarg.h>
#include <stdio.h>
#include <yaml.h>

#include "scenario.h"

#define DEPTH_MAX 8

struct reader {
	struct plan *plan;
	const char *path;
	yaml_document_t doc;
	char *err;
	size_t errsize;
};

static int fail(struct reader *r, const yaml_node_t *at, const char *fmt, ...) _printf_(3, 4);

static int fail(struct reader *r, const yaml_node_t *at, const char *fmt, ...)
{
	int n = snprintf(r->err, r->errsize, "%s:%zu: ", r->path, at ? at->start_mark.line + 1 : 1);
	va_list ap;

	va_start(ap, fmt);
	if (n >= 0 && (size_t)n < r->errsize)
		vsnprintf(r->err + n, r->errsize - (size_t)n, fmt, ap);
	va_end(ap);
	return -EINVAL;
}

static yaml_node_t *node(struct reader *r, int i)
{
	return yaml_document_get_node(&r->doc, i);
}

static const char *scalar(const yaml_node_t *n)
{
	return n && n->type == YAML_SCALAR_NODE ? (const char *)n->data.scalar.value : NULL;
}

typedef int (*pair_fn)(struct reader *r, void *arg, const char *key, yaml_node_t *k,
		       yaml_node_t *v);

static int each_pair(struct reader *r, yaml_node_t *map, pair_fn fn, void *arg)
{
	if (map->type != YAML_MAPPING_NODE)
		return fail(r, map, "a mapping (key: value) is expected here");
	for (yaml_node_pair_t *p = map->data.mapping.pairs.start; p < map->data.mapping.pairs.top;
	     p++) {
		yaml_node_t *k = node(r, p->key), *v = node(r, p->value);
		int e;

		if (!scalar(k))
			return fail(r, k, "a key must be a word");
		e = fn(r, arg, scalar(k), k, v);
		if (e)
			return e;
	}
	return 0;
}

/* --- phones --- */

struct table {
	const char *csv, *first;
	uint64_t count;
};

static int phone_pair(struct reader *r, void *arg, const char *key, yaml_node_t *k, yaml_node_t *v)
{
	char why[1400];

	if (!scalar(v))
		return fail(r, v, "%s: a plain value is expected", key);
	if (opt_set(phone_opts, arg, key, scalar(v), why, sizeof(why)))
		return fail(r, k, "%s", why);
	return 0;
}

static int access_pair(struct reader *r, void *arg, const char *key, yaml_node_t *k, yaml_node_t *v)
{
	struct plan *p = arg;
	char why[1400];

	p->has_access = true;
	if (!scalar(v))
		return fail(r, v, "%s: a plain value is expected", key);
	if (opt_set(access_opts, &p->access, key, scalar(v), why, sizeof(why)))
		return fail(r, k, "%s", why);
	return 0;
}

static int table_pair(struct reader *r, void *arg, const char *key, yaml_node_t *k, yaml_node_t *v)
{
	struct table *t = arg;

	if (!strcmp(key, "csv"))
		t->csv = scalar(v);
	else if (!strcmp(key, "imsi"))
		t->first = scalar(v);
	else if (strcmp(key, "count") || !scalar(v) ||
		 str_to_u64(str_of(scalar(v)), 1000000, &t->count))
		return fail(r, k, "%s: phones from a table take csv, count (a number) and imsi",
			    key);
	return 0;
}

static bool has_key(struct reader *r, yaml_node_t *map, const char *key)
{
	if (map->type != YAML_MAPPING_NODE)
		return false;
	for (yaml_node_pair_t *p = map->data.mapping.pairs.start; p < map->data.mapping.pairs.top;
	     p++) {
		const char *k = scalar(node(r, p->key));

		if (k && !strcmp(k, key))
			return true;
	}
	return false;
}

static int read_phone(struct reader *r, yaml_node_t *n)
{
	struct table t = { .count = 1 };
	struct phone_conf *c;
	char why[400];
	int e;

	if (!has_key(r, n, "csv")) {
		c = plan_add_phone(r->plan);
		return c ? each_pair(r, n, phone_pair, c) : -ENOMEM;
	}
	e = each_pair(r, n, table_pair, &t);
	if (!e && !t.csv)
		return fail(r, n, "csv: a file name is expected");
	if (!e && plan_load_csv(r->plan, t.csv, t.first, t.count, why, sizeof(why)))
		return fail(r, n, "%s", why);
	return e;
}

static int read_phones(struct reader *r, yaml_node_t *n)
{
	int e = 0;

	if (n->type != YAML_SEQUENCE_NODE)
		return fail(r, n, "phones: a list is expected");
	for (yaml_node_item_t *i = n->data.sequence.items.start;
	     !e && i < n->data.sequence.items.top; i++)
		e = read_phone(r, node(r, *i));
	return e;
}

/* --- steps --- */

static int read_steps(struct reader *r, yaml_node_t *n, struct step *group, int depth);

static int step_pair(struct reader *r, void *arg, const char *key, yaml_node_t *k, yaml_node_t *v)
{
	char why[1400];

	if (!scalar(v))
		return fail(r, v, "%s: a plain value is expected", key);
	if (step_set(arg, key, scalar(v), why, sizeof(why)))
		return fail(r, k, "%s", why);
	return 0;
}

static int add_step(struct reader *r, struct step *group, const struct step_kind *kind,
		    enum step_group g, const yaml_node_t *at, struct step **ret)
{
	if (step_new(kind, g, ret))
		return -ENOMEM;
	(*ret)->line = (int)at->start_mark.line + 1;
	if (!step_add(group, *ret))
		return 0;
	step_free(*ret);
	return fail(r, at, "out of memory");
}

static int read_leaf(struct reader *r, struct step *group, const char *name, yaml_node_t *at,
		     yaml_node_t *args)
{
	const struct step_kind *kind = step_kind_find(name);
	struct step *s;
	int e;

	if (!kind)
		return fail(r, at, "there is no step \"%s\"", name);
	e = add_step(r, group, kind, GROUP_NONE, at, &s);
	if (e || !args || (scalar(args) && !*scalar(args)))
		return e;
	return each_pair(r, args, step_pair, s);
}

struct repeat {
	struct step *group;
	int depth;
};

static int repeat_pair(struct reader *r, void *arg, const char *key, yaml_node_t *k, yaml_node_t *v)
{
	struct repeat *q = arg;
	uint64_t n;

	if (!strcmp(key, "steps"))
		return read_steps(r, v, q->group, q->depth + 1);
	if (strcmp(key, "times") || !scalar(v) || str_to_u64(str_of(scalar(v)), 1000000, &n))
		return fail(r, k, "%s: repeat takes times (a number) and steps", key);
	q->group->repeat = (uint32_t)n;
	return 0;
}

static int read_group(struct reader *r, struct step *group, const char *name, yaml_node_t *at,
		      yaml_node_t *args, int depth)
{
	bool parallel = !strcmp(name, "parallel"), repeat = !strcmp(name, "repeat");
	struct step *g;
	int e = add_step(r, group, NULL, parallel ? GROUP_PARALLEL : GROUP_SEQUENCE, at, &g);
	struct repeat q = { g, depth };

	if (e)
		return e;
	return repeat ? each_pair(r, args, repeat_pair, &q) : read_steps(r, args, g, depth + 1);
}

static bool is_group(const char *name)
{
	return !strcmp(name, "parallel") || !strcmp(name, "sequence") || !strcmp(name, "repeat");
}

static int read_step(struct reader *r, yaml_node_t *n, struct step *group, int depth)
{
	yaml_node_pair_t *p;
	yaml_node_t *k;

	if (scalar(n))
		return read_leaf(r, group, scalar(n), n, NULL);
	if (n->type != YAML_MAPPING_NODE ||
	    n->data.mapping.pairs.top - n->data.mapping.pairs.start != 1)
		return fail(r, n, "a step is a word, or one key with its arguments");
	p = n->data.mapping.pairs.start;
	k = node(r, p->key);
	if (!scalar(k))
		return fail(r, k, "a step's name is expected");
	if (is_group(scalar(k)))
		return read_group(r, group, scalar(k), k, node(r, p->value), depth);
	return read_leaf(r, group, scalar(k), k, node(r, p->value));
}

static int read_steps(struct reader *r, yaml_node_t *n, struct step *group, int depth)
{
	int e = 0;

	if (n->type != YAML_SEQUENCE_NODE)
		return fail(r, n, "a list of steps is expected");
	if (depth > DEPTH_MAX)
		return fail(r, n, "steps are nested deeper than %d", DEPTH_MAX);
	for (yaml_node_item_t *i = n->data.sequence.items.start;
	     !e && i < n->data.sequence.items.top; i++)
		e = read_step(r, node(r, *i), group, depth);
	return e;
}

/* --- the file --- */

static int top_pair(struct reader *r, void *arg _unused_, const char *key, yaml_node_t *k,
		    yaml_node_t *v)
{
	struct scenario *sc = r->plan->sc;

	if (!strcmp(key, "title")) {
		free(sc->title);
		sc->title = scalar(v) ? strdup(scalar(v)) : NULL;
		return 0;
	}
	if (!strcmp(key, "defaults"))
		return each_pair(r, v, phone_pair, &r->plan->defaults);
	if (!strcmp(key, "access"))
		return each_pair(r, v, access_pair, r->plan);
	if (!strcmp(key, "phones"))
		return read_phones(r, v);
	if (!strcmp(key, "steps"))
		return read_steps(r, v, sc->root, 0);
	return fail(r, k, "%s: there are title, access, defaults, phones and steps", key);
}

static int read_document(struct reader *r)
{
	yaml_node_t *root = yaml_document_get_root_node(&r->doc);

	return root ? each_pair(r, root, top_pair, NULL) : fail(r, NULL, "the file is empty");
}

int scenario_file(struct plan *p, const char *path, char *err, size_t errsize)
{
	struct reader r = { .plan = p, .path = path, .err = err, .errsize = errsize };
	FILE *f = fopen(path, "re");
	yaml_parser_t parser;
	int e;

	if (!f) {
		snprintf(err, errsize, "%s: %s", path, strerror(errno));
		return -errno;
	}
	if (!yaml_parser_initialize(&parser)) {
		fclose(f);
		return -ENOMEM;
	}
	yaml_parser_set_input_file(&parser, f);
	if (yaml_parser_load(&parser, &r.doc)) {
		e = read_document(&r);
		yaml_document_delete(&r.doc);
	} else {
		snprintf(err, errsize, "%s:%zu: %s", path, parser.problem_mark.line + 1,
			 parser.problem ? parser.problem : "no YAML");
		e = -EINVAL;
	}
	yaml_parser_delete(&parser);
	fclose(f);
	return e;
}
