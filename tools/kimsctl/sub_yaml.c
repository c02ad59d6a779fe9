// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Subscribers and service profiles as YAML (JSON is YAML too):
 *
 *   profiles:
 *     - name: default
 *       unregistered: no          # services for the unregistered state
 *       media: 1                  # SubscribedMediaProfileId
 *       charging: { ccf1: "aaa://...", ecf1: "aaa://..." }
 *       ifc:
 *         - priority: 10
 *           server: sip:mmtel.example.org
 *           handling: continued   # or terminated
 *           part: registered      # or unregistered; absent: both
 *           cnf: yes              # AND of OR groups
 *           info: "text for the application server"
 *           include: [request, response]
 *           spt:
 *             - { group: 0, method: INVITE }
 *             - { group: 1, case: 0, negated: no }
 *             - { group: 2, header: P-Access-Network-Info, content: ".*3GPP.*" }
 *   subscribers:
 *     - imsi: "001010000000001"
 *       msisdn: "+15550000001"
 *       k: 465b...
 *       opc: e8ed...
 *       impus:
 *         - { impu: "sip:+15550000001@example.org", set: 1, profile: default }
 *
 * An item is read into a small tree with lines, turned into an edit or a profile, and dropped: a file of
 * any length needs the memory of one item.
 */
#include <yaml.h>

#include "sub.h"

#define DEPTH_MAX 8

struct node {
	struct node *next,
		*child; /* of a map: pairs as key nodes with one child; of a list: items */
	char *text;	/* scalar or key */
	int line;
};

struct reader {
	yaml_parser_t parser;
	yaml_event_t ev;
	const struct sub_sink *sink;
	char err[512];
};

static void node_free(struct node *n)
{
	struct node *next;

	for (; n; n = next) {
		next = n->next;
		node_free(n->child);
		free(n->text);
		free(n);
	}
}

static int next_event(struct reader *r)
{
	yaml_event_delete(&r->ev);
	if (yaml_parser_parse(&r->parser, &r->ev))
		return 0;
	snprintf(r->err, sizeof(r->err), "%s",
		 r->parser.problem ? r->parser.problem : "this is not YAML");
	return -EBADMSG;
}

static int line_of(const struct reader *r)
{
	return (int)r->ev.start_mark.line + 1;
}

static struct node *node_new(const struct reader *r)
{
	struct node *n = calloc(1, sizeof(*n));

	if (n)
		n->line = line_of(r);
	return n;
}

static int read_node(struct reader *r, int depth, struct node **ret);

static int read_list(struct reader *r, int depth, struct node *list)
{
	struct node **tail = &list->child;
	int e = next_event(r);

	while (!e && r->ev.type != YAML_SEQUENCE_END_EVENT) {
		e = read_node(r, depth + 1, tail);
		if (!e) {
			tail = &(*tail)->next;
			e = next_event(r);
		}
	}
	return e;
}

static int read_map(struct reader *r, int depth, struct node *map)
{
	struct node **tail = &map->child;
	int e = next_event(r);

	while (!e && r->ev.type != YAML_MAPPING_END_EVENT) {
		e = read_node(r, depth + 1, tail);
		if (!e && !(*tail)->text)
			e = -EBADMSG;
		if (!e)
			e = next_event(r);
		if (!e)
			e = read_node(r, depth + 1, &(*tail)->child);
		if (!e) {
			tail = &(*tail)->next;
			e = next_event(r);
		}
	}
	return e;
}

/* The event that begins the node has been read. */
static int read_node(struct reader *r, int depth, struct node **ret)
{
	struct node *n = node_new(r);

	if (!n)
		return -ENOMEM;
	*ret = n;
	if (r->ev.type == YAML_SCALAR_EVENT) {
		n->text = strndup((const char *)r->ev.data.scalar.value, r->ev.data.scalar.length);
		return n->text ? 0 : -ENOMEM;
	}
	if (depth >= DEPTH_MAX) {
		snprintf(r->err, sizeof(r->err), "it is nested too deeply");
		return -EBADMSG;
	}
	if (r->ev.type == YAML_SEQUENCE_START_EVENT)
		return read_list(r, depth, n);
	if (r->ev.type == YAML_MAPPING_START_EVENT)
		return read_map(r, depth, n);
	snprintf(r->err, sizeof(r->err), "a value is needed here");
	return -EBADMSG;
}

static bool truth(const char *s)
{
	return !strcasecmp(s, "yes") || !strcasecmp(s, "true") || !strcmp(s, "1") ||
	       !strcasecmp(s, "on");
}

static const struct node *get(const struct node *map, const char *key)
{
	for (const struct node *n = map->child; n; n = n->next)
		if (n->text && !strcmp(n->text, key))
			return n->child;
	return NULL;
}

static const char *text(const struct node *map, const char *key)
{
	const struct node *n = get(map, key);

	return n && n->text ? n->text : NULL;
}

/* A scalar, or a list of scalars joined by spaces. */
static struct str joined(const struct node *n, char *dst, size_t size)
{
	size_t used = 0;

	if (n->text)
		return str_of(n->text);
	*dst = '\0';
	for (const struct node *c = n->child; c && used < size; c = c->next)
		if (c->text)
			used += (size_t)snprintf(dst + used, size - used, "%s%s", used ? " " : "",
						 c->text);
	return (struct str){ dst, MIN(used, size - 1) };
}

static int one_impu(struct edit *e, const struct node *n, char *err, size_t size)
{
	const char *uri, *set, *barred, *profile;
	uint64_t number = 1;

	if (n->text)
		return edit_set(e, "impus", str_of(n->text), err, size);
	uri = text(n, "impu");
	set = text(n, "set");
	barred = text(n, "barred");
	profile = text(n, "profile");
	if (!uri || (set && str_to_u64(str_of(set), 1000, &number))) {
		snprintf(
			err, size,
			"line %d: an identity is { impu: URI, set: NUMBER, barred: yes|no, profile: NAME }",
			n->line);
		return -EINVAL;
	}
	return edit_add_impu(e, str_of(uri), (unsigned int)number, barred && truth(barred),
			     str_of(profile ? profile : ""), err, size);
}

static int impus(struct edit *e, const struct node *n, char *err, size_t size)
{
	int r = 0;

	if (n->text)
		return edit_set(e, "impus", str_of(n->text), err, size);
	for (const struct node *c = n->child; c && !r; c = c->next)
		r = one_impu(e, c, err, size);
	return r;
}

static int to_edit(const struct node *map, struct edit *e, char *err, size_t size)
{
	char buf[1024];
	int r = 0;

	memset(e, 0, sizeof(*e));
	for (const struct node *n = map->child; n && !r; n = n->next) {
		if (!n->text || !n->child) {
			snprintf(err, size, "a subscriber is a map of keys and values");
			return -EINVAL;
		}
		if (!strcmp(n->text, "impus"))
			r = impus(e, n->child, err, size);
		else
			r = edit_set(e, n->text, joined(n->child, buf, sizeof(buf)), err, size);
	}
	if (!r && !*e->imsi) {
		snprintf(err, size, "the IMSI is missing");
		r = -EINVAL;
	}
	return r;
}

static int copy(char *dst, size_t size, const char *key, const char *s, char *err, size_t errsize)
{
	if (!s || !str_copy(dst, size, str_of(s)))
		return 0;
	snprintf(err, errsize, "%s is too long", key);
	return -EINVAL;
}

static int number(const struct node *map, const char *key, uint64_t max, uint64_t deflt,
		  uint64_t *ret, char *err, size_t size)
{
	const char *s = text(map, key);

	*ret = deflt;
	if (!s || !str_to_u64(str_of(s), max, ret))
		return 0;
	snprintf(err, size, "line %d: %s \"%s\": a number up to %llu is needed", map->line, key, s,
		 (unsigned long long)max);
	return -EINVAL;
}

static int to_spt(const struct node *map, struct sub_spt *t, char *err, size_t size)
{
	static const char *const kinds[] = { "method", "uri", "case", "header", "sdp" };
	const char *negated = text(map, "negated"), *a = NULL, *b = text(map, "content");
	char types[256];
	uint64_t group;
	int r = number(map, "group", 1000, 0, &group, err, size);

	*t = (struct sub_spt){ .group = (unsigned int)group, .negated = negated && truth(negated) };
	for (size_t i = 0; i < ARRAY_SIZE(kinds) && !a; i++) {
		a = text(map, kinds[i]);
		strcpy(t->kind, kinds[i]);
	}
	if (!r && !a) {
		snprintf(err, size,
			 "line %d: a trigger needs one of method, uri, case, header, sdp",
			 map->line);
		return -EINVAL;
	}
	if (get(map, "registration"))
		b = joined(get(map, "registration"), types, sizeof(types)).p;
	if (!r)
		r = copy(t->a, sizeof(t->a), t->kind, a, err, size);
	return r ? r : copy(t->b, sizeof(t->b), "content", b, err, size);
}

static bool includes(const struct node *map, const char *what)
{
	char buf[128];
	const struct node *n = get(map, "include");

	return n && strstr(joined(n, buf, sizeof(buf)).p, what);
}

static int part_of(const char *s)
{
	if (!s)
		return -1;
	return strcmp(s, "unregistered") ? 0 : 1;
}

static int to_ifc(const struct node *map, struct sub_ifc *f, char *err, size_t size)
{
	const char *handling = text(map, "handling"), *cnf = text(map, "cnf"),
		   *server = text(map, "server");
	const struct node *spt = get(map, "spt");
	uint64_t priority;
	int r = number(map, "priority", UINT32_MAX, 0, &priority, err, size);

	*f = (struct sub_ifc){ .priority = (uint32_t)priority,
			       .cnf = cnf && truth(cnf),
			       .part = part_of(text(map, "part")) };
	if (!r && !server) {
		snprintf(err, size, "line %d: an initial filter criterion needs a server",
			 map->line);
		return -EINVAL;
	}
	f->handling = handling && !strcmp(handling, "terminated");
	f->include_request = includes(map, "request");
	f->include_response = includes(map, "response");
	if (!r)
		r = copy(f->server, sizeof(f->server), "server", server, err, size);
	if (!r)
		r = copy(f->service_info, sizeof(f->service_info), "info", text(map, "info"), err,
			 size);
	for (const struct node *n = spt ? spt->child : NULL; n && !r; n = n->next) {
		if (f->n_spt == SUB_SPTS_MAX) {
			snprintf(err, size, "line %d: a criterion can have %d triggers", n->line,
				 SUB_SPTS_MAX);
			return -EINVAL;
		}
		r = to_spt(n, &f->spt[f->n_spt++], err, size);
	}
	return r;
}

static int by_priority(const void *a, const void *b)
{
	const struct sub_ifc *x = a, *y = b;

	return (x->priority > y->priority) - (x->priority < y->priority);
}

static int charging(const struct node *map, struct sub_profile *p, char *err, size_t size)
{
	const struct node *c = get(map, "charging");
	int r;

	if (!c)
		return 0;
	r = copy(p->ccf1, sizeof(p->ccf1), "ccf1", text(c, "ccf1"), err, size);
	if (!r)
		r = copy(p->ccf2, sizeof(p->ccf2), "ccf2", text(c, "ccf2"), err, size);
	if (!r)
		r = copy(p->ecf1, sizeof(p->ecf1), "ecf1", text(c, "ecf1"), err, size);
	return r ? r : copy(p->ecf2, sizeof(p->ecf2), "ecf2", text(c, "ecf2"), err, size);
}

static int to_profile(const struct node *map, struct sub_profile *p, char *err, size_t size)
{
	const char *name = text(map, "name"), *unregistered = text(map, "unregistered");
	const struct node *ifc = get(map, "ifc");
	uint64_t media;
	int r = number(map, "media", INT32_MAX, UINT64_MAX, &media, err, size);

	memset(p, 0, sizeof(*p));
	p->media = media == UINT64_MAX ? -1 : (int)media;
	p->unregistered = unregistered && truth(unregistered);
	if (!r && (!name || str_copy(p->name, sizeof(p->name), str_of(name)))) {
		snprintf(err, size, "a profile needs a name of up to %d characters",
			 SUB_NAME_MAX - 1);
		return -EINVAL;
	}
	if (!r)
		r = charging(map, p, err, size);
	for (const struct node *n = ifc ? ifc->child : NULL; n && !r; n = n->next) {
		if (p->n_ifc == SUB_IFCS_MAX) {
			snprintf(err, size, "line %d: a profile can have %d criteria", n->line,
				 SUB_IFCS_MAX);
			return -EINVAL;
		}
		r = to_ifc(n, &p->ifc[p->n_ifc++], err, size);
	}
	qsort(p->ifc, p->n_ifc, sizeof(p->ifc[0]), by_priority);
	return r;
}

union item {
	struct edit edit;
	struct sub_profile profile;
};

static int take_item(struct reader *r, const struct node *n, bool profile, union item *it)
{
	const struct sub_sink *s = r->sink;

	if (profile) {
		if (to_profile(n, &it->profile, r->err, sizeof(r->err)))
			return s->wrong(s->arg, n->line, r->err);
		return s->profile(s->arg, n->line, &it->profile);
	}
	if (to_edit(n, &it->edit, r->err, sizeof(r->err)))
		return s->wrong(s->arg, n->line, r->err);
	return s->subscriber(s->arg, n->line, &it->edit);
}

/* The items of "profiles" or "subscribers"; its first event has been read. */
static int read_items(struct reader *r, bool profile, union item *it)
{
	struct node *n = NULL;
	int e = r->ev.type == YAML_SEQUENCE_START_EVENT ? next_event(r) : -EINVAL;

	if (e == -EINVAL)
		snprintf(r->err, sizeof(r->err), "a list is needed here");
	while (!e && r->ev.type != YAML_SEQUENCE_END_EVENT) {
		n = NULL;
		e = read_node(r, 0, &n);
		if (!e)
			e = take_item(r, n, profile, it);
		node_free(n);
		if (!e)
			e = next_event(r);
	}
	return e;
}

static int read_top(struct reader *r, union item *it)
{
	int e = next_event(r);

	while (!e && r->ev.type != YAML_MAPPING_END_EVENT) {
		bool profile = r->ev.type == YAML_SCALAR_EVENT &&
			       !strcmp((char *)r->ev.data.scalar.value, "profiles");
		bool subs = r->ev.type == YAML_SCALAR_EVENT &&
			    !strcmp((char *)r->ev.data.scalar.value, "subscribers");

		if (!profile && !subs) {
			snprintf(r->err, sizeof(r->err),
				 "only \"profiles\" and \"subscribers\" can stand here");
			return -EINVAL;
		}
		e = next_event(r);
		if (!e)
			e = read_items(r, profile, it);
		if (!e)
			e = next_event(r);
	}
	return e;
}

static int read_document(struct reader *r, union item *it)
{
	int e;

	do
		e = next_event(r);
	while (!e &&
	       (r->ev.type == YAML_STREAM_START_EVENT || r->ev.type == YAML_DOCUMENT_START_EVENT));
	if (e || r->ev.type == YAML_STREAM_END_EVENT)
		return e;
	if (r->ev.type != YAML_MAPPING_START_EVENT) {
		snprintf(r->err, sizeof(r->err),
			 "the file is a map of \"profiles\" and \"subscribers\"");
		return -EINVAL;
	}
	return read_top(r, it);
}

int read_yaml(FILE *f, const struct sub_sink *sink)
{
	struct reader r = { .sink = sink };
	union item *it = malloc(sizeof(*it));
	int e, line;

	if (!it || !yaml_parser_initialize(&r.parser)) {
		free(it);
		return -ENOMEM;
	}
	yaml_parser_set_input_file(&r.parser, f);
	e = read_document(&r, it);
	line = r.parser.problem ? (int)r.parser.problem_mark.line + 1 : line_of(&r);
	if (e == -EBADMSG || e == -EINVAL) {
		sink->wrong(sink->arg, line, r.err);
		e = 0;
	}
	yaml_event_delete(&r.ev);
	yaml_parser_delete(&r.parser);
	free(it);
	return e;
}

/* --- writing: double-quoted scalars wherever a value is free text --- */

static void quoted(FILE *f, const char *s)
{
	fputc('"', f);
	for (; *s; s++) {
		if (*s == '"' || *s == '\\')
			fputc('\\', f);
		if ((unsigned char)*s < ' ')
			fprintf(f, "\\x%02x", (unsigned char)*s);
		else
			fputc(*s, f);
	}
	fputc('"', f);
}

static void pair(FILE *f, const char *indent, const char *key, const char *value)
{
	fprintf(f, "%s%s: ", indent, key);
	quoted(f, value);
	fputc('\n', f);
}

static void caps(FILE *f, const char *key, const struct sub_caps *c)
{
	if (!c->n)
		return;
	fprintf(f, "    %s: [", key);
	for (size_t i = 0; i < c->n; i++)
		fprintf(f, "%s%u", i ? ", " : "", c->v[i]);
	fputs("]\n", f);
}

void write_yaml(FILE *f, const struct subscriber *s, bool secrets)
{
	char hex[33];

	fprintf(f, "  - imsi: \"%s\"\n", s->imsi);
	pair(f, "    ", "impi", s->impi);
	if (secrets) {
		hex_encode(s->k, 16, hex);
		fprintf(f, "    k: \"%s\"\n", hex);
		hex_encode(s->opc, 16, hex);
		fprintf(f, "    opc: \"%s\"\n", hex);
	}
	fprintf(f, "    amf: \"%02x%02x\"\n    sqn: %llu\n", s->amf[0], s->amf[1],
		(unsigned long long)s->sqn);
	if (*s->visited)
		pair(f, "    ", "visited", s->visited);
	caps(f, "mandatory", &s->mandatory);
	caps(f, "optional", &s->optional);
	fputs("    impus:\n", f);
	for (size_t i = 0; i < s->n_impu; i++) {
		const struct sub_impu *p = &s->impu[i];

		fputs("      - { impu: ", f);
		quoted(f, p->impu);
		fprintf(f, ", set: %u, barred: %s, profile: ", p->set, p->barred ? "yes" : "no");
		quoted(f, p->profile);
		fputs(" }\n", f);
	}
}

static void write_spt(FILE *f, const struct sub_spt *t)
{
	fprintf(f, "          - { group: %u, negated: %s, %s: ", t->group,
		t->negated ? "yes" : "no", t->kind);
	quoted(f, t->a);
	if (*t->b) {
		fputs(strcmp(t->kind, "method") ? ", content: " : ", registration: ", f);
		quoted(f, t->b);
	}
	fputs(" }\n", f);
}

static void write_ifc(FILE *f, const struct sub_ifc *c)
{
	fprintf(f, "      - priority: %u\n", c->priority);
	pair(f, "        ", "server", c->server);
	fprintf(f, "        handling: %s\n        cnf: %s\n",
		c->handling ? "terminated" : "continued", c->cnf ? "yes" : "no");
	if (c->part >= 0)
		fprintf(f, "        part: %s\n", c->part ? "unregistered" : "registered");
	if (*c->service_info)
		pair(f, "        ", "info", c->service_info);
	if (c->include_request || c->include_response)
		fprintf(f, "        include: [%s%s%s]\n", c->include_request ? "request" : "",
			c->include_request && c->include_response ? ", " : "",
			c->include_response ? "response" : "");
	if (c->n_spt)
		fputs("        spt:\n", f);
	for (size_t i = 0; i < c->n_spt; i++)
		write_spt(f, &c->spt[i]);
}

void write_yaml_profile(FILE *f, const struct sub_profile *p)
{
	pair(f, "  - ", "name", p->name);
	fprintf(f, "    unregistered: %s\n", p->unregistered ? "yes" : "no");
	if (p->media >= 0)
		fprintf(f, "    media: %d\n", p->media);
	if (*p->ccf1 || *p->ccf2 || *p->ecf1 || *p->ecf2) {
		fputs("    charging:\n", f);
		pair(f, "      ", "ccf1", p->ccf1);
		pair(f, "      ", "ccf2", p->ccf2);
		pair(f, "      ", "ecf1", p->ecf1);
		pair(f, "      ", "ecf2", p->ecf2);
	}
	if (p->n_ifc)
		fputs("    ifc:\n", f);
	for (size_t i = 0; i < p->n_ifc; i++)
		write_ifc(f, &p->ifc[i]);
}
