// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Loads kims.yaml by the rows of conf_schema.c.
 *
 * libyaml's document API is used under our own table rather than libcyaml: libcyaml converts a
 * whole document and drops the marks of its nodes, so a value that is out of range could not be
 * reported as FILE:LINE: KEY, and unknown keys only by a log line of its own.
 *
 * Invariants: a struct conf that leaves this file has every key set (strings are never NULL); a
 * file is taken whole or not at all.
 */
#include "lib/core/conf.h"

#include <arpa/inet.h>
#include <stdarg.h>
#include <yaml.h>

#include "lib/core/conf_schema.h"

#define ROWS_MAX 128

struct loader {
	struct conf *c;
	const char *path;
	yaml_document_t doc;
	size_t line[ROWS_MAX]; /* where each row was given; 0: default */
	char *err;
	size_t errsize;
};

static _printf_(4, 5) int fail(struct loader *l, size_t line, const char *key, const char *fmt, ...)
{
	va_list ap;
	int n;

	if (line)
		n = snprintf(l->err, l->errsize, "%s:%zu: %s: ", l->path, line, key);
	else
		n = snprintf(l->err, l->errsize, "%s: %s: ", l->path ? l->path : "defaults", key);
	if (n >= 0 && (size_t)n < l->errsize) {
		va_start(ap, fmt);
		vsnprintf(l->err + n, l->errsize - (size_t)n, fmt, ap);
		va_end(ap);
	}
	return -EINVAL;
}

/* ---- values: each returns a sentence that says what is wrong, or NULL ---- */

int conf_addr_parse(const char *s, struct conf_addr *ret)
{
	struct conf_addr a = { .family = AF_UNSPEC };

	if (!strcmp(s, "none")) {
		*ret = a;
		return 0;
	}
	if (inet_pton(AF_INET, s, &a.v4) == 1)
		a.family = AF_INET;
	else if (inet_pton(AF_INET6, s, &a.v6) == 1)
		a.family = AF_INET6;
	else
		return -EINVAL;
	*ret = a;
	return 0;
}

static bool addr_eq(const struct conf_addr *a, const struct conf_addr *b)
{
	if (a->family != b->family)
		return false;
	if (a->family == AF_INET)
		return a->v4.s_addr == b->v4.s_addr;
	return a->family != AF_INET6 || !memcmp(&a->v6, &b->v6, sizeof(a->v6));
}

bool conf_addr_is(const struct conf_addr *a, struct str host)
{
	struct conf_addr got;
	char z[INET6_ADDRSTRLEN];

	if (a->family == AF_UNSPEC || str_copy(z, sizeof(z), host) < 0 ||
	    conf_addr_parse(z, &got) < 0)
		return false;
	return addr_eq(a, &got);
}

socklen_t conf_sockaddr(const struct conf_addr *a, uint16_t port, struct sockaddr_storage *ret)
{
	*ret = (struct sockaddr_storage){ .ss_family = a->family };
	if (a->family == AF_INET) {
		struct sockaddr_in *sin = (struct sockaddr_in *)ret;

		sin->sin_port = htons(port);
		sin->sin_addr = a->v4;
		return sizeof(*sin);
	}
	if (a->family == AF_INET6) {
		struct sockaddr_in6 *sin6 = (struct sockaddr_in6 *)ret;

		sin6->sin6_port = htons(port);
		sin6->sin6_addr = a->v6;
		return sizeof(*sin6);
	}
	return 0;
}

/* ---- who may speak on Mw ---- */

static int parse_prefix(struct str s, struct conf_prefix *ret)
{
	char z[INET6_ADDRSTRLEN];
	struct str addr = { NULL, 0 };
	uint64_t bits;

	if (!str_split(&s, '/', &addr) || str_copy(z, sizeof(z), addr) < 0 ||
	    conf_addr_parse(z, &ret->addr) < 0 || ret->addr.family == AF_UNSPEC)
		return -EINVAL;
	bits = ret->addr.family == AF_INET ? 32 : 128;
	if (s.p && str_to_u64(s, bits, &bits) < 0)
		return -EINVAL;
	ret->bits = (unsigned int)bits;
	return 0;
}

bool conf_prefix_has(const struct conf_prefix *p, const struct conf_addr *a)
{
	const uint8_t *x = (const uint8_t *)&p->addr.v6, *y = (const uint8_t *)&a->v6;
	unsigned int octets = p->bits / 8, rest = p->bits % 8;

	if (a->family != p->addr.family || memcmp(x, y, octets))
		return false;
	return !rest || !((x[octets] ^ y[octets]) >> (8 - rest));
}

#define OWN_MAX 16

/* The host's own and those of the functions of this file. */
static size_t own_prefixes(const struct conf *c, struct conf_prefix dst[OWN_MAX])
{
	const struct conf_addr *const own[] = { &c->pcscf.mw,	 &c->pcscf.gm4,
						&c->pcscf.gm6,	 &c->icscf.addr,
						&c->icscf.addr6, &c->scscf.addr,
						&c->scscf.addr6, &c->diameter.hss_addr,
						&c->pcrf.addr,	 &c->smf.addr,
						&c->smf.addr6,	 &c->upf.addr,
						&c->upf.addr6 };
	size_t n = 0;

	_Static_assert(ARRAY_SIZE(own) + 2 <= OWN_MAX, "room for the loopback's");
	for (size_t i = 0; i < ARRAY_SIZE(own); i++)
		if (own[i]->family != AF_UNSPEC)
			dst[n++] = (struct conf_prefix){ *own[i],
							 own[i]->family == AF_INET ? 32 : 128 };
	dst[n++] = (struct conf_prefix){ { .family = AF_INET, .v4.s_addr = htonl(INADDR_LOOPBACK) },
					 8 };
	dst[n++] = (struct conf_prefix){ { .family = AF_INET6, .v6 = in6addr_loopback }, 128 };
	return n;
}

int conf_trusted(const struct conf *c, struct conf_prefix **ret, size_t *ret_n)
{
	struct str rest = str_of(c->network.trusted), one;
	size_t max = OWN_MAX + rest.n / 2 + 1, n;
	struct conf_prefix *p = calloc(max, sizeof(*p));

	if (!p)
		return -ENOMEM;
	n = own_prefixes(c, p);
	while (n < max && str_split(&rest, ' ', &one))
		if (one.n && !parse_prefix(one, &p[n]))
			n++;
	*ret = p;
	*ret_n = n;
	return 0;
}

bool conf_trusts(const struct conf *c, const struct sockaddr *from)
{
	struct conf_addr a = { .family = from->sa_family };
	struct str rest = str_of(c->network.trusted), one;
	struct conf_prefix own[OWN_MAX], p;
	size_t n = own_prefixes(c, own);

	if (a.family == AF_INET)
		a.v4 = ((const struct sockaddr_in *)from)->sin_addr;
	else if (a.family == AF_INET6)
		a.v6 = ((const struct sockaddr_in6 *)from)->sin6_addr;
	else
		return false;
	for (size_t i = 0; i < n; i++)
		if (conf_prefix_has(&own[i], &a))
			return true;
	while (str_split(&rest, ' ', &one))
		if (one.n && !parse_prefix(one, &p) && conf_prefix_has(&p, &a))
			return true;
	return false;
}

static const char *parse_bool(const char *s, bool *ret)
{
	static const char *const yes[] = { "yes", "true", "on" }, *const no[] = { "no", "false",
										  "off" };

	for (size_t i = 0; i < ARRAY_SIZE(yes); i++) {
		if (!strcasecmp(s, yes[i]) || !strcasecmp(s, no[i])) {
			*ret = !strcasecmp(s, yes[i]);
			return NULL;
		}
	}
	return "is neither yes nor no";
}

static bool has_word(const char *words, struct str w)
{
	struct str rest = str_of(words), head;

	while (str_split(&rest, ' ', &head)) {
		if (head.n && str_eq(head, w))
			return true;
	}
	return false;
}

static bool all_words(const char *choices, const char *s)
{
	struct str rest = str_of(s), head;
	int n = 0;

	while (str_split(&rest, ' ', &head)) {
		if (!head.n)
			continue;
		if (!has_word(choices, head))
			return false;
		n++;
	}
	return n > 0;
}

static bool is_domain_name(const char *s)
{
	size_t n = strspn(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-.");

	return !s[n] && n < 254 && *s != '.' && *s != '-' && !strstr(s, "..");
}

static const char *set_text(char **field, const char *s)
{
	char *copy = strdup(s);

	if (!copy)
		return "no memory";
	free(*field);
	*field = copy;
	return NULL;
}

static const char *set_number(const struct conf_row *r, const char *s, void *field, char *why,
			      size_t size)
{
	uint64_t v;

	if (str_to_u64(str_of(s), UINT32_MAX, &v) == -EINVAL)
		return "is no number";
	if (str_to_u64(str_of(s), UINT32_MAX, &v) < 0 || v < r->min || v > r->max) {
		snprintf(why, size, "is not within %u..%u", r->min, r->max);
		return why;
	}
	if (r->type == CONF_PORT)
		*(uint16_t *)field = (uint16_t)v;
	else
		*(uint32_t *)field = (uint32_t)v;
	return NULL;
}

static const char *set_word(const struct conf_row *r, const char *s, void *field, char *why,
			    size_t size)
{
	bool ok =
		r->type == CONF_CHOICE ? has_word(r->choices, str_of(s)) : all_words(r->choices, s);

	if (!ok) {
		snprintf(why, size, "is not %s: %s", r->type == CONF_CHOICE ? "one of" : "made of",
			 r->choices);
		return why;
	}
	return set_text(field, s);
}

static const char *set_value(const struct conf_row *r, struct conf *c, const char *s, char *why,
			     size_t size)
{
	void *field = (char *)c + r->offset;

	switch (r->type) {
	case CONF_STR:
		return set_text(field, s);
	case CONF_NAME:
		return is_domain_name(s) ? set_text(field, s) : "is no domain name";
	case CONF_ADDR:
		return conf_addr_parse(s, field) < 0 ? "is no IPv4 or IPv6 address" : NULL;
	case CONF_PORT:
	case CONF_U32:
		return set_number(r, s, field, why, size);
	case CONF_BOOL:
		return parse_bool(s, field);
	case CONF_CHOICE:
	case CONF_WORDS:
		return set_word(r, s, field, why, size);
	}
	return "has an unknown type";
}

/* ---- the document ---- */

static const struct conf_row *find_row(const char *section, const char *key)
{
	for (size_t i = 0; i < conf_n_rows; i++) {
		if (!strcmp(conf_rows[i].section, section) && !strcmp(conf_rows[i].key, key))
			return &conf_rows[i];
	}
	return NULL;
}

static bool is_section(const char *name)
{
	for (size_t i = 1; i < conf_n_sections; i++) {
		if (!strcmp(conf_sections[i].name, name))
			return true;
	}
	return false;
}

static void row_name(const struct conf_row *r, char *dst, size_t size)
{
	snprintf(dst, size, "%s%s%s", r->section, *r->section ? "." : "", r->key);
}

static const char *scalar(const yaml_node_t *n)
{
	return n->type == YAML_SCALAR_NODE ? (const char *)n->data.scalar.value : NULL;
}

static int load_value(struct loader *l, const char *section, const char *key, const yaml_node_t *k,
		      const yaml_node_t *v)
{
	const struct conf_row *r = find_row(section, key);
	size_t line = k->start_mark.line + 1;
	char name[96], why[160];
	const char *wrong;

	snprintf(name, sizeof(name), "%s%s%.40s", section, *section ? "." : "", key);
	if (!r)
		return fail(l, line, name, "unknown key");
	if (l->line[r - conf_rows])
		return fail(l, line, name, "given twice, first in line %zu",
			    l->line[r - conf_rows]);
	l->line[r - conf_rows] = line;
	if (!scalar(v))
		return fail(l, line, name, "a single value belongs here");
	wrong = set_value(r, l->c, scalar(v), why, sizeof(why));
	return wrong ? fail(l, v->start_mark.line + 1, name, "\"%.60s\" %s", scalar(v), wrong) : 0;
}

static int load_section(struct loader *l, const char *section, const yaml_node_t *map)
{
	for (yaml_node_pair_t *p = map->data.mapping.pairs.start; p < map->data.mapping.pairs.top;
	     p++) {
		const yaml_node_t *k = yaml_document_get_node(&l->doc, p->key);
		const yaml_node_t *v = yaml_document_get_node(&l->doc, p->value);
		const char *key = scalar(k);
		int r;

		if (!key)
			return fail(l, k->start_mark.line + 1, "?", "a key is a single word");
		if (*section || !is_section(key))
			r = load_value(l, section, key, k, v);
		else if (v->type == YAML_MAPPING_NODE)
			r = load_section(l, key, v);
		else if (scalar(v) && !*scalar(v))
			r = 0; /* "pcscf:" with nothing under it */
		else
			r = fail(l, k->start_mark.line + 1, key,
				 "a section with keys belongs here");
		if (r < 0)
			return r;
	}
	return 0;
}

static int load_root(struct loader *l)
{
	const yaml_node_t *root = yaml_document_get_root_node(&l->doc);

	if (!root || (scalar(root) && !*scalar(root)))
		return 0; /* nothing but comments */
	if (root->type != YAML_MAPPING_NODE)
		return fail(l, root->start_mark.line + 1, "?",
			    "the file is no list of \"key: value\"");
	return load_section(l, "", root);
}

static int load_file(struct loader *l)
{
	yaml_parser_t parser;
	FILE *f = fopen(l->path, "re");
	int r;

	if (!f) {
		r = -errno;
		snprintf(l->err, l->errsize, "%s: %s", l->path, strerror(errno));
		return r;
	}
	yaml_parser_initialize(&parser);
	yaml_parser_set_input_file(&parser, f);
	if (yaml_parser_load(&parser, &l->doc)) {
		r = load_root(l);
		yaml_document_delete(&l->doc);
	} else {
		r = fail(l, parser.problem_mark.line + 1, "?", "%s",
			 parser.problem ? parser.problem : "not YAML");
	}
	yaml_parser_delete(&parser);
	fclose(f);
	return r;
}

/* ---- defaults and what several keys must agree on ---- */

static int set_defaults(struct loader *l)
{
	char why[160], name[96];

	for (size_t i = 0; i < conf_n_rows; i++) {
		const struct conf_row *r = &conf_rows[i];
		const char *wrong = set_value(r, l->c, r->def, why, sizeof(why));

		row_name(r, name, sizeof(name));
		if (wrong)
			return fail(l, 0, name, "default \"%s\" %s", r->def, wrong);
	}
	return 0;
}

static int default_name(char **field, const char *host, const char *domain)
{
	char *s;

	if (**field)
		return 0;
	if (asprintf(&s, "%s%s%s", host, *host ? "." : "", domain) < 0)
		return -ENOMEM;
	free(*field);
	*field = s;
	return 0;
}

static int default_scscf_list(struct conf *c)
{
	char *s;

	if (*c->icscf.scscf_list)
		return 0;
	if (asprintf(&s, "sip:%s:%u", c->scscf.name, c->scscf.port) < 0)
		return -ENOMEM;
	free(c->icscf.scscf_list);
	c->icscf.scscf_list = s;
	return 0;
}

/* What an empty key stands for when it depends on another one. */
static int derive(struct conf *c)
{
	const char *d = c->network.domain;
	int r = default_name(&c->network.visited, "", d);

	if (r == 0)
		r = default_name(&c->pcscf.name, "pcscf", d);
	if (r == 0)
		r = default_name(&c->icscf.name, "icscf", d);
	if (r == 0)
		r = default_name(&c->scscf.name, "scscf", d);
	if (r == 0)
		r = default_scscf_list(c);
	if (c->pcscf.media4.family == AF_UNSPEC)
		c->pcscf.media4 = c->pcscf.gm4;
	if (c->pcscf.media6.family == AF_UNSPEC)
		c->pcscf.media6 = c->pcscf.gm6;
	return r;
}

static size_t line_of(const struct loader *l, const char *section, const char *key)
{
	const struct conf_row *r = find_row(section, key);

	return r ? l->line[r - conf_rows] : 0;
}

static int check_family(struct loader *l, const char *section, const char *key,
			const struct conf_addr *a, sa_family_t family)
{
	char name[96];

	if (a->family == AF_UNSPEC || a->family == family)
		return 0;
	snprintf(name, sizeof(name), "%s.%s", section, key);
	return fail(l, line_of(l, section, key), name, "is no %s address",
		    family == AF_INET ? "IPv4" : "IPv6");
}

static int check_ports(struct loader *l)
{
	const struct conf_pcscf *p = &l->c->pcscf;

	if (p->rtp_port_min % 2)
		return fail(l, line_of(l, "pcscf", "rtp_port_min"), "pcscf.rtp_port_min",
			    "is not even");
	if (p->rtp_port_max < p->rtp_port_min + 3)
		return fail(l, line_of(l, "pcscf", "rtp_port_max"), "pcscf.rtp_port_max",
			    "leaves no room for a call above rtp_port_min");
	if (p->port_ps == p->port_pc)
		return fail(l, line_of(l, "pcscf", "port_pc"), "pcscf.port_pc", "is also port_ps");
	if (p->gm_port == p->port_ps || p->gm_port == p->port_pc)
		return fail(l, line_of(l, "pcscf", "gm_port"), "pcscf.gm_port",
			    "is also a protected port");
	return 0;
}

static int check_times(struct loader *l)
{
	const struct conf_scscf *s = &l->c->scscf;

	if (s->min_expires_s > s->max_expires_s)
		return fail(l, line_of(l, "scscf", "min_expires_s"), "scscf.min_expires_s",
			    "is more than max_expires_s");
	if (s->min_se_s > s->session_expires_s)
		return fail(l, line_of(l, "scscf", "min_se_s"), "scscf.min_se_s",
			    "is more than session_expires_s");
	return 0;
}

static int check_trusted(struct loader *l)
{
	struct str rest = str_of(l->c->network.trusted), one;
	struct conf_prefix p;

	while (str_split(&rest, ' ', &one))
		if (one.n && parse_prefix(one, &p) < 0)
			return fail(l, line_of(l, "network", "trusted"), "network.trusted",
				    "\"%.*s\" is neither address nor prefix", STR_FMT(one));
	return 0;
}

static int check_together(struct loader *l)
{
	const struct conf *c = l->c;
	int r = check_trusted(l);

	if (r == 0 && !*c->network.domain)
		r = fail(l, line_of(l, "network", "domain"), "network.domain", "is empty");
	if (r == 0)
		r = check_family(l, "pcscf", "gm4", &c->pcscf.gm4, AF_INET);
	if (r == 0)
		r = check_family(l, "pcscf", "gm6", &c->pcscf.gm6, AF_INET6);
	if (r == 0)
		r = check_family(l, "pcscf", "media4", &c->pcscf.media4, AF_INET);
	if (r == 0)
		r = check_family(l, "pcscf", "media6", &c->pcscf.media6, AF_INET6);
	if (r == 0)
		r = check_ports(l);
	return r < 0 ? r : check_times(l);
}

int conf_load(const char *path, struct conf **ret, char *err, size_t errsize)
{
	struct loader l = {
		.c = calloc(1, sizeof(*l.c)), .path = path, .err = err, .errsize = errsize
	};
	int r;

	_Static_assert(ROWS_MAX >= 128, "a line for each row");
	if (!l.c)
		return -ENOMEM;
	r = conf_n_rows <= ROWS_MAX ? set_defaults(&l) : -E2BIG;
	if (r == 0 && path) {
		l.c->path = strdup(path);
		r = load_file(&l);
	}
	if (r == 0)
		r = derive(l.c);
	if (r == 0)
		r = check_together(&l);
	if (r < 0) {
		conf_free(l.c);
		return r;
	}
	*ret = l.c;
	return 0;
}

void conf_free(struct conf *c)
{
	if (!c)
		return;
	for (size_t i = 0; i < conf_n_rows; i++) {
		switch (conf_rows[i].type) {
		case CONF_STR:
		case CONF_NAME:
		case CONF_CHOICE:
		case CONF_WORDS:
			free(*(char **)((char *)c + conf_rows[i].offset));
			break;
		case CONF_ADDR:
		case CONF_PORT:
		case CONF_U32:
		case CONF_BOOL:
			break;
		}
	}
	free(c->path);
	free(c);
}

int conf_each_host(const struct conf *c,
		   int (*fn)(void *arg, const char *host, const struct conf_addr *addr), void *arg)
{
	const struct {
		const char *host;
		const struct conf_addr *addr;
	} hosts[] = {
		{ c->pcscf.name, &c->pcscf.mw },	{ c->icscf.name, &c->icscf.addr },
		{ c->icscf.name, &c->icscf.addr6 },	{ c->scscf.name, &c->scscf.addr },
		{ c->scscf.name, &c->scscf.addr6 },	{ c->network.domain, &c->icscf.addr },
		{ c->network.domain, &c->icscf.addr6 },
	};
	int r = 0;

	for (size_t i = 0; c->network.static_names && i < ARRAY_SIZE(hosts) && r == 0; i++) {
		if (hosts[i].addr->family != AF_UNSPEC)
			r = fn(arg, hosts[i].host, hosts[i].addr);
	}
	return r;
}

static bool same_value(const struct conf_row *r, const struct conf *a, const struct conf *b)
{
	const char *x = (const char *)a + r->offset, *y = (const char *)b + r->offset;

	switch (r->type) {
	case CONF_NAME:
		return !strcasecmp(*(char *const *)x, *(char *const *)y);
	case CONF_ADDR:
		return addr_eq((const struct conf_addr *)x, (const struct conf_addr *)y);
	case CONF_PORT:
		return *(const uint16_t *)x == *(const uint16_t *)y;
	case CONF_STR:
	case CONF_U32:
	case CONF_BOOL:
	case CONF_CHOICE:
	case CONF_WORDS:
		break;
	}
	return true;
}

bool conf_same_network(const struct conf *a, const struct conf *b)
{
	for (size_t i = 0; i < conf_n_rows; i++) {
		if (!same_value(&conf_rows[i], a, b))
			return false;
	}
	return true;
}

/* ---- printed forms ---- */

static void print_sample_row(FILE *f, const struct conf_row *r)
{
	const char *indent = *r->section ? "  " : "";
	bool quote = !*r->def || strpbrk(r->def, " :;");

	fprintf(f, "%s# %s", indent, r->doc);
	if (r->type == CONF_U32)
		fprintf(f, " (%u..%u)", r->min, r->max);
	if (r->choices)
		fprintf(f, " (%s)", r->choices);
	fprintf(f, "\n%s#%s: %s%s%s\n", indent, r->key, quote ? "\"" : "", r->def,
		quote ? "\"" : "");
}

int conf_sample(FILE *f)
{
	fputs("# kims.yaml: the configuration of the whole network, read by every daemon.\n"
	      "# Every line that begins with '#' shows the default.\n",
	      f);
	for (size_t s = 0; s < conf_n_sections; s++) {
		const char *name = conf_sections[s].name;

		fprintf(f, "\n# %s\n", conf_sections[s].doc);
		if (*name)
			fprintf(f, "%s:\n", name);
		for (size_t i = 0; i < conf_n_rows; i++) {
			if (!strcmp(conf_rows[i].section, name))
				print_sample_row(f, &conf_rows[i]);
		}
	}
	return ferror(f) ? -EIO : 0;
}

static void print_man_row(FILE *f, const struct conf_row *r)
{
	static const char *const types[] = {
		[CONF_STR] = "text",	[CONF_NAME] = "domain name", [CONF_ADDR] = "address",
		[CONF_PORT] = "port",	[CONF_U32] = "number",	     [CONF_BOOL] = "yes or no",
		[CONF_CHOICE] = "word", [CONF_WORDS] = "words",
	};

	fprintf(f, ".It Cm %s\n%s.\n", r->key, r->doc);
	if (r->type == CONF_U32)
		fprintf(f, "A number within %u..%u", r->min, r->max);
	else if (r->choices)
		fprintf(f, "%s of: %s", r->type == CONF_CHOICE ? "One" : "Words", r->choices);
	else
		fprintf(f, "Type: %s", types[r->type]);
	fprintf(f, "; default: %s.\n", *r->def ? r->def : "empty");
}

int conf_man(FILE *f)
{
	fputs(".\\\" Generated from the table of configuration keys.\n"
	      ".Dd $Mdocdate$\n.Dt KIMS.YAML 5\n.Os kims\n.Sh NAME\n.Nm kims.yaml\n"
	      ".Nd configuration of the kims IMS core\n.Sh DESCRIPTION\n"
	      "One YAML file for the whole network, read by every daemon.\n"
	      "Every key has a default; an empty file is a working lab.\n"
	      "A wrong key, type or range is refused with file, line and key.\n",
	      f);
	for (size_t s = 0; s < conf_n_sections; s++) {
		const char *name = conf_sections[s].name;

		fprintf(f, ".Ss %s\n%s\n.Bl -tag -width Ds\n", *name ? name : "top level",
			conf_sections[s].doc);
		for (size_t i = 0; i < conf_n_rows; i++) {
			if (!strcmp(conf_rows[i].section, name))
				print_man_row(f, &conf_rows[i]);
		}
		fputs(".El\n", f);
	}
	fputs(".Sh FILES\n.Pa /etc/kims/kims.yaml\n.Sh SEE ALSO\n.Xr kimsctl 1 ,\n.Xr kims-pcscf 8 ,\n"
	      ".Xr kims-icscf 8 ,\n.Xr kims-scscf 8 ,\n.Xr kims-hss 8\n",
	      f);
	return ferror(f) ? -EIO : 0;
}
