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
	uint64_t detected; /* flows */
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
	return h && h != UPF_RA_APP ? h : 1;
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

/* --- matching --- */

static bool same_host(const struct ipf_end *e, const struct knl_end *x)
{
	const uint8_t *a = (const uint8_t *)(e->v6 ? (const void *)&e->ip6 : (const void *)&e->ip4);
	const uint8_t *b = (const uint8_t *)&x->addr.v4;

	if (e->host != IPF_ADDR)
		return true;
	if (e->v6 != (x->addr.family == AF_INET6) || memcmp(a, b, e->bits / 8))
		return false;
	return !(e->bits % 8) || !((a[e->bits / 8] ^ b[e->bits / 8]) >> (8 - e->bits % 8));
}

static bool same_port(const struct ipf_end *e, uint16_t port)
{
	for (uint8_t i = 0; i < e->n_port; i++)
		if (port >= e->port[i].low && port <= e->port[i].high)
			return true;
	return !e->n_port;
}

static bool flow_matches(const struct ipfilter *p, const struct knl_app_flow *f)
{
	const struct ipf_end *ue = ipfilter_ue(p), *remote = ipfilter_remote(p);

	return (!p->has_proto || p->proto == f->protocol) && same_host(remote, &f->remote) &&
	       same_host(ue, &f->ue) && same_port(remote, f->remote.port) &&
	       same_port(ue, f->ue.port);
}

/* The name or one below it; "*.x" and ".x" only those below. */
static bool domain_matches(const char *want, const char *host)
{
	size_t n, m = strlen(host);
	bool below = *want == '*' || *want == '.';

	want += *want == '*';
	want += *want == '.';
	n = strlen(want);
	if (!n || m < n || strcasecmp(host + m - n, want))
		return false;
	return m == n ? !below : host[m - n - 1] == '.';
}

/* scheme://host/path: the host, and for HTTP the beginning of the path; no path is seen in TLS. */
static bool url_matches(const char *want, enum upf_name_kind kind, const struct upf_name *name)
{
	const char *host = strstr(want, "://"), *path;
	char h[256];

	host = host ? host + 3 : want;
	path = host + strcspn(host, "/");
	if (kind == UPF_NAME_DNS ||
	    str_copy(h, sizeof(h), (struct str){ host, strcspn(host, "/:") }) ||
	    !domain_matches(h, name->host))
		return false;
	return kind != UPF_NAME_HTTP || !name->has_path || !strncmp(path, name->path, strlen(path));
}

static bool pfd_matches(const struct pfd *p, const struct knl_app_flow *f, enum upf_name_kind kind,
			const struct upf_name *name)
{
	switch (p->kind) {
	case PFD_FLOW:
		return flow_matches(&p->flow, f);
	case PFD_URL:
		return *name->host && url_matches(p->text, kind, name);
	case PFD_DOMAIN:
		return *name->host && domain_matches(p->text, name->host);
	case PFD_KINDS:
		break;
	}
	return false;
}

uint32_t upf_pfd_match(const struct upf *u, const struct knl_app_flow *f, enum upf_name_kind kind,
		       const struct upf_name *name)
{
	for (struct app *a = u->pfds ? u->pfds->apps : NULL; a; a = a->next)
		for (size_t i = 0; i < a->n; i++)
			if (pfd_matches(&a->pfds[i], f, kind, name)) {
				a->detected++;
				return a->number;
			}
	return 0;
}

json_t *upf_pfds_json(const struct upf *u)
{
	json_t *list = json_array();

	for (const struct app *a = u->pfds ? u->pfds->apps : NULL; a; a = a->next) {
		int n[PFD_KINDS] = { 0 };

		for (size_t i = 0; i < a->n; i++)
			n[a->pfds[i].kind]++;
		json_array_append_new(list, json_pack("{s:s,s:i,s:i,s:i,s:I}", "application",
						      a->name, "flows", n[PFD_FLOW], "urls",
						      n[PFD_URL], "domains", n[PFD_DOMAIN],
						      "detected", (json_int_t)a->detected));
	}
	return list;
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
