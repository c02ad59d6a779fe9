// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Locating SIP servers: RFC 3263 4.1 (transport), 4.2 (address), RFC 2782 (order of SRV records).
 *
 * A query walks: numeric or static host -> done; port given -> addresses; transport given -> SRV of
 * it; else NAPTR -> SRV. What has no record falls to the next: SRV by convention, then plain addresses.
 *
 * Invariants: a query asks at most one question at a time, NAMES_MAX services and TARGETS_MAX targets, so
 * that no zone can keep it busy for ever; fn is called exactly once unless cancelled.
 */
#include <netinet/in.h>
#include <stdio.h>

#include "lib/core/log.h"
#include "lib/sip/dns.h"
#include "lib/sip/resolve.h"

#define NAMES_MAX    4
#define TARGETS_MAX  8
#define HOPS_MAX     16
#define DEFAULT_PORT 5060

struct host {
	struct host *next;
	char *name;
	union sip_sa addr;
};

struct sip_resolver {
	struct loop *loop;
	struct dns *dns; /* NULL: only static and numeric hosts */
	struct host *hosts;
	unsigned int families; /* bit 0 IPv4, bit 1 IPv6 */
	sa_family_t prefer;
	struct sip_query *queries;
};

enum stage { ST_NAPTR, ST_SRV, ST_ADDR, ST_DONE };

struct service { /* an SRV name to ask for */
	enum sip_proto proto;
	char name[DNS_NAME_MAX];
};

struct target {
	enum sip_proto proto;
	uint16_t port;
	uint16_t priority, weight;
	char name[DNS_NAME_MAX];
};

struct sip_query {
	struct sip_query *next, **pprev;
	struct sip_resolver *r;
	sip_resolve_fn fn;
	void *arg;
	struct dns_wait wait;
	enum stage stage;
	size_t n_services, i_service;
	size_t n_targets, i_target;
	int i_family;
	size_t n_hops;
	int err; /* worst that happened */

	/* Not zeroed, too big for that: what the counters above say is written. */
	char host[DNS_NAME_MAX];
	struct service services[NAMES_MAX];
	struct target targets[TARGETS_MAX];
	struct sip_hop hops[HOPS_MAX];
};

/* --- families --- */

static bool wants(const struct sip_resolver *r, sa_family_t f)
{
	return r->families & (f == AF_INET ? 1u : f == AF_INET6 ? 2u : 0u);
}

static sa_family_t family_nr(const struct sip_resolver *r, int i)
{
	sa_family_t other = r->prefer == AF_INET ? AF_INET6 : AF_INET;

	return i == 0 ? r->prefer : other;
}

static void add_hop(struct sip_query *q, enum sip_proto proto, const union sip_sa *addr,
		    uint16_t port)
{
	struct sip_hop *h = &q->hops[q->n_hops];

	if (q->n_hops == HOPS_MAX || !wants(q->r, addr->sa.sa_family))
		return;
	h->proto = proto;
	h->addr = *addr;
	sip_sa_set_port(&h->addr, port);
	q->n_hops++;
}

/* --- static hosts --- */

static bool add_static(struct sip_query *q, const char *name, enum sip_proto proto, uint16_t port)
{
	bool known = false;

	for (int i = 0; i < 2; i++)
		for (struct host *h = q->r->hosts; h; h = h->next) {
			uint16_t p = sip_sa_port(&h->addr);

			if (strcasecmp(h->name, name))
				continue;
			known = true;
			if (h->addr.sa.sa_family == family_nr(q->r, i))
				add_hop(q, proto, &h->addr, port ? port : p ? p : DEFAULT_PORT);
		}
	return known;
}

/* --- SRV order: priority, then by weight at random (RFC 2782) --- */

static uint32_t random32(void)
{
	static uint64_t state;

	if (!state)
		state = (uintptr_t)&state ^ (uint64_t)getpid() << 32 ^ UINT64_C(0x9e3779b97f4a7c15);
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return state >> 32;
}

static void swap(struct target *a, struct target *b)
{
	struct target t = *a;

	*a = *b;
	*b = t;
}

/* Picks the next of t[0..n), all of one priority, to the front. */
static void pick_by_weight(struct target *t, size_t n)
{
	uint32_t sum = 0, at;

	for (size_t i = 0; i < n; i++)
		sum += t[i].weight + 1u; /* 0 has a small chance too */
	if (!sum)
		return;
	at = random32() % sum;
	for (size_t i = 0; i < n; i++) {
		if (at < t[i].weight + 1u) {
			swap(&t[0], &t[i]);
			return;
		}
		at -= t[i].weight + 1u;
	}
}

static void order_targets(struct target *t, size_t n)
{
	for (size_t i = 1; i < n; i++)
		for (size_t j = i; j && t[j].priority < t[j - 1].priority; j--)
			swap(&t[j], &t[j - 1]);
	for (size_t i = 0; i < n; i++) {
		size_t same = 1;

		while (i + same < n && t[i + same].priority == t[i].priority)
			same++;
		pick_by_weight(t + i, same);
	}
}

/* --- steps --- */

static void add_target(struct sip_query *q, enum sip_proto proto, const char *name, uint16_t port,
		       uint16_t priority, uint16_t weight)
{
	struct target *t = &q->targets[q->n_targets];

	if (q->n_targets == TARGETS_MAX || str_copy(t->name, sizeof(t->name), str_of(name)))
		return;
	t->proto = proto;
	t->port = port;
	t->priority = priority;
	t->weight = weight;
	q->n_targets++;
}

static void add_service(struct sip_query *q, enum sip_proto proto, const char *name)
{
	struct service *s = &q->services[q->n_services];

	if (q->n_services == NAMES_MAX || str_copy(s->name, sizeof(s->name), str_of(name)))
		return;
	s->proto = proto;
	q->n_services++;
}

static void add_conventional(struct sip_query *q, enum sip_proto proto)
{
	char name[DNS_NAME_MAX + 16];

	snprintf(name, sizeof(name), "_sip._%s.%s", proto == SIP_TCP ? "tcp" : "udp", q->host);
	if (strlen(name) < DNS_NAME_MAX)
		add_service(q, proto, name);
}

static int naptr_order(const void *a, const void *b)
{
	const struct dns_rr *x = *(const struct dns_rr *const *)a,
			    *y = *(const struct dns_rr *const *)b;

	if (x->priority != y->priority)
		return x->priority < y->priority ? -1 : 1;
	return x->weight < y->weight ? -1 : x->weight > y->weight;
}

static bool naptr_proto(const struct dns_rr *rr, enum sip_proto *ret)
{
	if (strcasecmp(rr->flags, "s"))
		return false;
	if (!strcasecmp(rr->service, "SIP+D2U"))
		*ret = SIP_UDP;
	else if (!strcasecmp(rr->service, "SIP+D2T"))
		*ret = SIP_TCP;
	else
		return false;
	return true;
}

static void take_naptr(struct sip_query *q, const struct dns_answer *a)
{
	const struct dns_rr *sorted[32];
	size_t n = MIN(a->n, ARRAY_SIZE(sorted));
	enum sip_proto proto;

	for (size_t i = 0; i < n; i++)
		sorted[i] = &a->rr[i];
	qsort(sorted, n, sizeof(sorted[0]), naptr_order);
	for (size_t i = 0; i < n; i++)
		if (naptr_proto(sorted[i], &proto))
			add_service(q, proto, sorted[i]->name);
	if (!q->n_services) {
		add_conventional(q, SIP_UDP);
		add_conventional(q, SIP_TCP);
	}
	q->stage = ST_SRV;
}

static void take_srv(struct sip_query *q, const struct dns_answer *a)
{
	enum sip_proto proto = q->services[q->i_service].proto;
	size_t first = q->n_targets;

	for (size_t i = 0; i < a->n; i++) {
		const struct dns_rr *rr = &a->rr[i];

		if (rr->name[0] && strcmp(rr->name, ".") &&
		    rr->port) /* "." : decidedly not available */
			add_target(q, proto, rr->name, rr->port, rr->priority, rr->weight);
	}
	order_targets(q->targets + first, q->n_targets - first);
	q->i_service++;
}

static void take_addrs(struct sip_query *q, const struct dns_answer *a)
{
	const struct target *t = &q->targets[q->i_target];

	for (size_t i = 0; i < a->n; i++)
		add_hop(q, t->proto, &a->rr[i].addr, t->port);
	q->i_family++;
}

/* What is to be asked next: true with name and type; false: nothing more. */
static bool next_question(struct sip_query *q, const char **ret_name, enum dns_type *ret_type)
{
	if (q->stage == ST_NAPTR) {
		*ret_name = q->host;
		*ret_type = DNS_NAPTR;
		return true;
	}
	if (q->stage == ST_SRV && q->i_service < q->n_services) {
		*ret_name = q->services[q->i_service].name;
		*ret_type = DNS_SRV;
		return true;
	}
	if (q->stage == ST_SRV) {
		if (!q->n_targets)
			add_target(q, q->n_services ? q->services[0].proto : SIP_UDP, q->host,
				   DEFAULT_PORT, 0, 0);
		q->stage = ST_ADDR;
	}
	for (; q->i_target < q->n_targets; q->i_target++, q->i_family = 0) {
		const struct target *t = &q->targets[q->i_target];

		if (q->i_family == 0 && add_static(q, t->name, t->proto, t->port))
			continue;
		while (q->i_family < 2 && !wants(q->r, family_nr(q->r, q->i_family)))
			q->i_family++;
		if (q->i_family == 2)
			continue;
		*ret_name = t->name;
		*ret_type = family_nr(q->r, q->i_family) == AF_INET ? DNS_A : DNS_AAAA;
		return true;
	}
	return false;
}

static void take(struct sip_query *q, const struct dns_answer *a, int err)
{
	static const struct dns_answer nothing;

	if (!a || a->err) {
		err = a ? a->err : err;
		if (err != -ENOENT)
			q->err = err;
		a = &nothing;
	}
	if (q->stage == ST_NAPTR)
		take_naptr(q, a);
	else if (q->stage == ST_SRV)
		take_srv(q, a);
	else
		take_addrs(q, a);
}

/* A server that does not answer one question will not answer the next: enough. */
static bool hopeless(const struct sip_query *q)
{
	return q->err == -ETIMEDOUT && !q->n_hops && !q->n_targets;
}

static void query_unlink(struct sip_query *q)
{
	if (!q->pprev)
		return;
	*q->pprev = q->next;
	if (q->next)
		q->next->pprev = q->pprev;
	q->pprev = NULL;
}

static void finish(struct sip_query *q)
{
	query_unlink(q);
	if (q->n_hops)
		q->fn(q->arg, q->hops, q->n_hops, 0);
	else
		q->fn(q->arg, NULL, 0, q->err ? q->err : -ENOENT);
	free(q);
}

/* True: finished, q is gone. */
static bool walk(struct sip_query *q)
{
	const char *name;
	enum dns_type type;

	while (!hopeless(q) && next_question(q, &name, &type)) {
		struct dns_answer *a;
		int err = -ENOENT;

		a = q->r->dns ? dns_ask(q->r->dns, name, type, &q->wait, &err) : NULL;
		if (!a && !err) /* later */
			return false;
		take(q, a, err);
		dns_answer_unref(a);
	}
	finish(q);
	return true;
}

static void on_answer(struct dns_wait *w, struct dns_answer *a)
{
	struct sip_query *q = container_of(w, struct sip_query, wait);

	take(q, a, -ENOMEM);
	walk(q);
}

/* --- the question --- */

static int read_transport(const struct sip_uri *u, enum sip_proto *ret, bool *ret_given)
{
	struct str t;

	*ret = SIP_UDP;
	*ret_given = sip_param(u->params, "transport", &t);
	if (!*ret_given)
		return 0;
	if (str_ieqz(t, "tcp"))
		*ret = SIP_TCP;
	else if (!str_ieqz(t, "udp"))
		return -EPROTONOSUPPORT;
	return 0;
}

static void begin(struct sip_query *q, uint16_t port, enum sip_proto proto, bool transport_given)
{
	if (port) {
		add_target(q, proto, q->host, port, 0, 0);
		q->stage = ST_ADDR;
	} else if (transport_given) {
		add_conventional(q, proto);
		q->stage = ST_SRV;
	} else {
		q->stage = ST_NAPTR;
	}
}

static struct sip_query *query_new(struct sip_resolver *r, struct str host, sip_resolve_fn fn,
				   void *arg)
{
	struct sip_query *q = malloc(sizeof(*q));

	if (!q)
		return NULL;
	memset(q, 0, offsetof(struct sip_query, host));
	if (str_copy(q->host, sizeof(q->host), host)) {
		free(q);
		return NULL;
	}
	q->r = r;
	q->fn = fn;
	q->arg = arg;
	q->wait.fn = on_answer;
	return q;
}

static void query_link(struct sip_query *q)
{
	q->next = q->r->queries;
	q->pprev = &q->r->queries;
	if (q->next)
		q->next->pprev = &q->next;
	q->r->queries = q;
}

/* The ways that need no DNS: true and fn was called. */
static bool answer_numeric(struct sip_resolver *r, const struct sip_uri *u, enum sip_proto proto,
			   sip_resolve_fn fn, void *arg)
{
	struct sip_hop hop = { .proto = proto };

	if (sip_sa_parse_str(u->host, u->port ? u->port : DEFAULT_PORT, &hop.addr))
		return false;
	if (wants(r, hop.addr.sa.sa_family))
		fn(arg, &hop, 1, 0);
	else
		fn(arg, NULL, 0, -EAFNOSUPPORT);
	return true;
}

int sip_resolve(struct sip_resolver *r, struct str uri, sip_resolve_fn fn, void *arg,
		struct sip_query **ret)
{
	enum sip_proto proto = SIP_UDP;
	struct sip_query *q;
	struct sip_uri u;
	bool given = false;
	int e;

	if (ret)
		*ret = NULL;
	e = sip_uri_parse(uri, &u);
	if (!e && (u.is_tel || !u.host.n))
		e = -EINVAL;
	if (!e)
		e = read_transport(&u, &proto, &given);
	if (e < 0)
		return e;
	if (answer_numeric(r, &u, proto, fn, arg))
		return 0;
	q = query_new(r, u.host, fn, arg);
	if (!q)
		return -ENOMEM;
	if (add_static(q, q->host, proto, u.port)) {
		finish(q);
		return 0;
	}
	begin(q, u.port, proto, given);
	query_link(q);
	if (!walk(q) && ret)
		*ret = q;
	return 0;
}

void sip_query_cancel(struct sip_query *q)
{
	if (!q)
		return;
	dns_wait_cancel(&q->wait);
	query_unlink(q);
	free(q);
}

/* --- life --- */

int sip_resolver_new(struct loop *l, const union sip_sa *dns, struct sip_resolver **ret)
{
	struct sip_resolver *r = calloc(1, sizeof(*r));
	int e = 0;

	if (!r)
		return -ENOMEM;
	r->loop = l;
	r->families = 3;
	r->prefer = AF_INET;
	if (dns && sip_sa_len(dns))
		e = dns_new(l, dns, &r->dns);
	if (e < 0) {
		free(r);
		return e;
	}
	*ret = r;
	return 0;
}

void sip_resolver_free(struct sip_resolver *r)
{
	struct host *h;

	if (!r)
		return;
	while (r->queries)
		sip_query_cancel(r->queries);
	dns_free(r->dns);
	while ((h = r->hosts)) {
		r->hosts = h->next;
		free(h->name);
		free(h);
	}
	free(r);
}

int sip_resolver_host(struct sip_resolver *r, const char *host, const union sip_sa *addr)
{
	struct host *h = calloc(1, sizeof(*h)), **tail = &r->hosts;

	if (!h)
		return -ENOMEM;
	h->name = strdup(host);
	if (!h->name) {
		free(h);
		return -ENOMEM;
	}
	h->addr = *addr;
	while (*tail)
		tail = &(*tail)->next;
	*tail = h;
	return 0;
}

void sip_resolver_families(struct sip_resolver *r, unsigned int mask, sa_family_t prefer)
{
	r->families = mask & 3 ? mask & 3 : 3;
	r->prefer = prefer == AF_INET6 ? AF_INET6 : AF_INET;
}
