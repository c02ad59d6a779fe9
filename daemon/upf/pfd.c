// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Packet flow descriptions (TS 29.244 5.11, 7.4.3; TS 29.251): named applications, and which of them a flow is by its
 * addresses, URL or domain name. A number stands for the name in the kernel; it follows from the name, so that
 * it is the same after a restart. No I/O.
 */
#include <stdio.h>

#include "ref/ipfilter.h"
#include "upf/upf.h"

#define APPS_MAX 1024
#define PFDS_MAX 256 /* of an application */

enum pfd_kind { PFD_FLOW, PFD_URL, PFD_DOMAIN, PFD_KINDS };

struct pfd {
	enum pfd_kind kind;
	char *text;
	struct ipfilter flow;
};

struct app {
	struct app *next;
	uint32_t number;
	char *name;
	struct pfd *pfds;
	size_t n;
};

struct upf_pfds {
	struct app *apps;
	size_t n;
};

/* --- names and numbers --- */

/* FNV-1a of the name, 31 bits, not 0. */
static uint32_t number_of(struct str name)
{
	uint32_t h = 2166136261u;

	for (size_t i = 0; i < name.n; i++)
		h = (h ^ (uint8_t)name.p[i]) * 16777619u;
	h &= 0x7fffffff;
	return h ? h : 1;
}

static struct app *find(const struct upf *u, struct str name)
{
	struct app *a = u->pfds ? u->pfds->apps : NULL;

	while (a && !str_eqz(name, a->name))
		a = a->next;
	return a;
}

static struct app *by_number(const struct upf *u, uint32_t number)
{
	struct app *a = u->pfds ? u->pfds->apps : NULL;

	while (a && a->number != number)
		a = a->next;
	return a;
}

static bool printable(struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] <= ' ' || s.p[i] > '~')
			return false;
	return s.n && s.n < 256;
}

static struct app *make(struct upf *u, struct str name)
{
	struct app *a = find(u, name);

	if (a)
		return a;
	if (!u->pfds)
		u->pfds = calloc(1, sizeof(*u->pfds));
	if (!u->pfds || u->pfds->n == APPS_MAX || !printable(name) || by_number(u, number_of(name)))
		return NULL;
	a = calloc(1, sizeof(*a));
	if (a)
		a->name = str_dup(name);
	if (!a || !a->name) {
		free(a);
		return NULL;
	}
	a->number = number_of(name);
	a->next = u->pfds->apps;
	u->pfds->apps = a;
	u->pfds->n++;
	return a;
}

uint32_t upf_app_number(struct upf *u, struct str name)
{
	struct app *a = make(u, name);

	return a ? a->number : 0;
}

const char *upf_app_name(const struct upf *u, uint32_t number)
{
	const struct app *a = by_number(u, number);

	return a ? a->name : NULL;
}

static void clear(struct app *a)
{
	for (size_t i = 0; i < a->n; i++)
		free(a->pfds[i].text);
	free(a->pfds);
	a->pfds = NULL;
	a->n = 0;
}

static void clear_all(struct upf *u)
{
	for (struct app *a = u->pfds ? u->pfds->apps : NULL; a; a = a->next)
		clear(a);
}

void upf_pfds_free(struct upf *u)
{
	while (u->pfds && u->pfds->apps) {
		struct app *a = u->pfds->apps;

		u->pfds->apps = a->next;
		clear(a);
		free(a->name);
		free(a);
	}
	free(u->pfds);
	u->pfds = NULL;
}

/* --- descriptions --- */

static int add(struct app *a, enum pfd_kind kind, struct str text)
{
	struct pfd p = { .kind = kind }, *all;

	if (a->n == PFDS_MAX || !text.n || text.n > 1000 || memchr(text.p, '\n', text.n) ||
	    memchr(text.p, '\0', text.n))
		return -EINVAL;
	if (kind == PFD_FLOW && ipfilter_parse(text, &p.flow))
		return -EINVAL;
	all = reallocarray(a->pfds, a->n + 1, sizeof(*all));
	if (!all)
		return -ENOMEM;
	a->pfds = all;
	p.text = str_dup(text);
	if (!p.text)
		return -ENOMEM;
	all[a->n++] = p;
	return 0;
}

/* A list of values with 16 bits of length each. */
static int add_list(struct app *a, enum pfd_kind kind, struct str list)
{
	size_t n;
	int e;

	while (list.n >= 2) {
		n = (size_t)((uint8_t)list.p[0] << 8 | (uint8_t)list.p[1]);
		if (n > list.n - 2)
			return -EINVAL;
		e = n ? add(a, kind, (struct str){ list.p + 2, n }) : 0;
		if (e)
			return e;
		list.p += 2 + n;
		list.n -= 2 + n;
	}
	return list.n ? -EINVAL : 0;
}

static int add_pfd(struct app *a, const struct sx_pfd *p)
{
	return (p->flow.p ? add(a, PFD_FLOW, p->flow) : 0) ?: (p->url.p ? add(a, PFD_URL, p->url) : 0) ?:
	       (p->domain.p ? add(a, PFD_DOMAIN, p->domain) : 0) ?: add_list(a, PFD_FLOW, p->more_flows) ?:
	       add_list(a, PFD_URL, p->more_urls) ?: add_list(a, PFD_DOMAIN, p->more_domains);
}

/* The PFDs of an application replace those that it had; none: it has none any more. */
static int take(struct upf *u, const struct sx_application_pfds *in)
{
	struct app *a = make(u, in->application_id);
	int e = 0;

	if (!a)
		return -ENOMEM;
	clear(a);
	for (size_t i = 0; i < in->n_context && !e; i++)
		for (size_t k = 0; k < in->context[i].n_pfd && !e; k++)
			e = add_pfd(a, &in->context[i].pfd[k]);
	return e;
}

void upf_pfd_manage(struct upf *u, struct xchg_token *t, const struct sx_pfd_management_request *m)
{
	struct sx_pfd_management_response *r = &u->out.pfd_management_response;
	int e = 0;

	if (!m->n_application)
		clear_all(u);
	for (size_t i = 0; i < m->n_application && !e; i++)
		e = take(u, &m->application[i]);
	upf_state_save(u);
	sx_init(SX_PFD_MANAGEMENT_RESPONSE, r);
	r->has_cause = true;
	r->cause = !e ? SX_ACCEPTED : e == -ENOMEM ? SX_NO_RESOURCES : SX_MANDATORY_IE_INCORRECT;
	r->has_offending = e;
	r->offending = SX_IE_PFD_CONTENTS;
	upf_respond(u, t, SX_PFD_MANAGEMENT_RESPONSE, 0, r);
}

/* --- the state file --- */

void upf_pfds_write(const struct upf *u, FILE *f)
{
	static const char letter[PFD_KINDS] = { 'f', 'u', 'd' };

	for (const struct app *a = u->pfds ? u->pfds->apps : NULL; a; a = a->next) {
		fprintf(f, "app %s\n", a->name);
		for (size_t i = 0; i < a->n; i++)
			fprintf(f, "pfd %s %c %s\n", a->name, letter[a->pfds[i].kind],
				a->pfds[i].text);
	}
}

void upf_pfds_read(struct upf *u, const char *line)
{
	struct str rest = str_of(line), word, name;
	struct app *a;

	if (!str_split(&rest, ' ', &word) || !str_split(&rest, ' ', &name) ||
	    !(str_eqz(word, "app") || str_eqz(word, "pfd")))
		return;
	a = make(u, name);
	if (!a || str_eqz(word, "app") || rest.n < 3)
		return;
	add(a,
	    *rest.p == 'u'   ? PFD_URL
	    : *rest.p == 'd' ? PFD_DOMAIN
			     : PFD_FLOW,
	    (struct str){ rest.p + 2, rest.n - 2 });
}
