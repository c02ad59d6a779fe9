// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * GTP-U of the access side: the bearers of a connection as rules of kims.ko in the access namespace, or one bearer of
 * gtp.ko (TS 29.281; rules as in TS 29.244).
 *
 * Uplink, each run of packet filters of one bearer (in the order of precedence) is a PDR by the phone's address, whose
 * FAR puts it into that bearer's tunnel; what no filter matches goes by the default bearer. Downlink, each tunnel has
 * the same runs: those of its own bearer are right, those of another one are counted as wrong, and so is what no filter of a
 * dedicated bearer matches. Nothing is dropped for it: a phone takes what it gets, and says so in the report.
 *
 * Rules are written as a whole with each change. PDRs come and go with it; counters are URRs, two for each bearer, which
 * stay as long as the bearer.
 */
#include <fcntl.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stdio.h>
#include <sys/epoll.h>

#include "report.h"
#include "sgw_priv.h"

#define DEVICE	     "kims-access"
#define DEVICE_KO    "gtp-access"
#define FAR_DOWN     1 /* to the phone; uplink FARs have their EBI */
#define URR_RIGHT(e) ((uint32_t)(e))
#define URR_WRONG(e) ((uint32_t)(e) + 16)
#define PDR_DEFAULT  1000 /* precedence: behind all filters */
#define FILTERS_MAX  (BEARERS * NAS_FILTERS_MAX)

struct run { /* filters of one bearer that stand together in the order of precedence */
	const struct bearer *b;
	size_t first, n;
};

struct rules {
	struct knl_session s;
	struct knl_pdr pdr[KNL_RULES];
	struct knl_far far[BEARERS + 1];
	struct knl_urr urr[2 * BEARERS];
	struct knl_filter filter[2][FILTERS_MAX]; /* uplink, downlink */
	struct run run[2][FILTERS_MAX];
	size_t n_filter[2], n_run[2];
	uint32_t del_pdr[KNL_RULES], del_urr[2 * BEARERS], del_far[BEARERS];
};

/* --- the namespace --- */

static void write_sysctl(const char *path, const char *value)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);

	if (fd < 0)
		return;
	if (write(fd, value, strlen(value)) < 0) {
		/* Read-only where somebody else owns it; then routing is theirs, too. */
	}
	close(fd);
}

static struct pdn *by_session(const struct access *a, uint64_t id)
{
	const struct ue *ue = a->ue;

	for (size_t i = 0; i < ue->n_phones; i++)
		for (struct pdn *n = ue->phones[i]->pdns; n; n = n->next)
			if (n->up && n->gtpu == GTPU_KIMS && n->teid_first == id)
				return n;
	return NULL;
}

/*
 * An Error Indication says that the UPF does not know the tunnel (TS 29.281 7.3.1). A SGW would delete the bearer
 * (TS 23.007 21); this one tells and goes on, so that a scenario sees whether the UPF comes back.
 */
static void on_event(void *arg, const struct knl_gtpu_event *e)
{
	struct access *a = arg;
	bool error = e->kind == KNL_GTPU_ERROR_INDICATION;
	struct pdn *n;

	if (!error && e->kind != KNL_GTPU_END_MARKER)
		return;
	n = by_session(a, e->session);
	if (!n)
		return;
	*(error ? &n->error_indications : &n->end_markers) += 1;
	report_phone(n->p, error ? "gtpu-error-indication" : "gtpu-end-marker",
		     json_pack("{s:s}", "apn", n->apn));
}

static void on_events(struct loop_io *io, uint32_t revents _unused_)
{
	struct access *a = container_of(io, struct access, events);

	knl_gtpu_events_read(a->knl, on_event, a);
}

static int watch_events(struct access *a)
{
	int r = knl_gtpu_events_open(a->knl);

	if (r)
		return r;
	a->events =
		(struct loop_io){ .fd = knl_events_fd(a->knl), .events = EPOLLIN, .fn = on_events };
	return loop_io_add(a->ue->loop, &a->events);
}

static int open_kims(struct access *a, char *err, size_t size)
{
	int r = knl_open(&a->knl);

	if (!r)
		r = knl_rt_link_new(a->rt, DEVICE, "kims", &a->device);
	if (!r)
		r = watch_events(a);
	if (r)
		snprintf(err, size, "kims.ko in the access namespace: %s",
			 a->knl ? knl_rt_error(a->rt) : strerror(-r));
	return r;
}

int up_open(struct access *a, char *err, size_t size)
{
	_cleanup_netns_ int back = a->knl ? -1 : netns_enter(&a->ns);
	int r = back < -1 ? back + 1 : 0;

	if (r || a->knl)
		return r;
	write_sysctl("/proc/sys/net/ipv4/ip_forward", "1");
	write_sysctl("/proc/sys/net/ipv6/conf/all/forwarding", "1");
	if (!a->rt)
		r = knl_rt_open(&a->rt);
	return r ? r : open_kims(a, err, size);
}

static int ko_open(struct access *a, char *err, size_t size)
{
	_cleanup_netns_ int back = a->ko ? -1 : netns_enter(&a->ns);
	int r = back < -1 ? back + 1 : 0;

	if (r || a->ko)
		return r;
	write_sysctl("/proc/sys/net/ipv4/ip_forward", "1");
	if (!a->rt)
		r = knl_rt_open(&a->rt);
	if (!r)
		r = knl_gtp_ko_open(a->rt, DEVICE_KO, a->ko_addr, &a->ko);
	if (r)
		snprintf(err, size, "gtp.ko: %s", a->rt ? knl_rt_error(a->rt) : strerror(-r));
	return r;
}

void up_close(struct access *a)
{
	ra_close(a);
	knl_gtp_ko_close(a->ko);
	for (int i = 0; i < SGW_NODES; i++)
		up_restart(&a->node[i]);
	loop_io_del(a->ue->loop, &a->events);
	if (a->device)
		knl_rt_link_del(a->rt, DEVICE);
	knl_close(a->knl);
	knl_rt_close(a->rt);
	a->ko = NULL;
	a->knl = NULL;
	a->rt = NULL;
}

/* The endpoints of the node, which no session uses any more. */
void up_restart(struct sgw *s)
{
	for (int i = 0; i < 2; i++) {
		if (s->endpoint[i] && s->a->knl)
			knl_gtpu_ep_del(s->a->knl, s->endpoint[i], NULL);
		s->endpoint[i] = 0;
	}
}

static void to_addr(const struct sockaddr_storage *s, struct xfrm_addr *ret)
{
	*ret = (struct xfrm_addr){ .family = s->ss_family };
	if (s->ss_family == AF_INET)
		ret->v4 = ((const struct sockaddr_in *)s)->sin_addr;
	else
		ret->v6 = ((const struct sockaddr_in6 *)s)->sin6_addr;
}

static int endpoint(struct sgw *s, bool v6, uint32_t *ret)
{
	struct knl_gtpu_ep ep = { .device = s->a->device, .udp_checksum = -1 };
	int r = 0;

	if (!s->endpoint[v6]) {
		to_addr(&s->local[v6], &ep.local.addr);
		r = knl_gtpu_ep_new(s->a->knl, &ep, &s->endpoint[v6]);
	}
	*ret = s->endpoint[v6];
	return r;
}

/* --- filters --- */

static uint8_t mask_bits(struct in_addr mask)
{
	return (uint8_t)__builtin_popcount(mask.s_addr);
}

static void prefix4(struct knl_prefix *p, struct in_addr a, struct in_addr mask)
{
	p->addr = (struct xfrm_addr){ .family = AF_INET, .v4 = { a.s_addr & mask.s_addr } };
	p->len = mask_bits(mask);
}

static void prefix6(struct knl_prefix *p, const struct in6_addr *a, uint8_t bits)
{
	p->addr = (struct xfrm_addr){ .family = AF_INET6, .v6 = *a };
	p->len = bits;
	for (unsigned int i = bits; i < 128; i++)
		p->addr.v6.s6_addr[i / 8] &= (uint8_t) ~(0x80 >> i % 8);
}

static void put_filter(const struct nas_filter *f, struct knl_filter *k)
{
	*k = (struct knl_filter){ .id = f->id + 1u, .protocol = -1, .tos = -1, .flow_label = -1 };
	if (f->has & NAS_PROTO)
		k->protocol = f->proto;
	if (f->has & NAS_REMOTE4)
		prefix4(&k->remote, f->remote4, f->remote4_mask);
	if (f->has & NAS_LOCAL4)
		prefix4(&k->ue, f->local4, f->local4_mask);
	if (f->has & NAS_REMOTE6)
		prefix6(&k->remote, &f->remote6, f->remote6_bits);
	if (f->has & NAS_LOCAL6)
		prefix6(&k->ue, &f->local6, f->local6_bits);
	k->n_ue_ports = !!(f->has & NAS_LOCAL_PORT);
	k->ue_ports[0] = (struct knl_ports){ f->local_low, f->local_high };
	k->n_remote_ports = !!(f->has & NAS_REMOTE_PORT);
	k->remote_ports[0] = (struct knl_ports){ f->remote_low, f->remote_high };
	if (f->has & NAS_SPI)
		k->spi = f->spi;
	if (f->has & NAS_FLOW_LABEL)
		k->flow_label = (int)f->flow_label;
	if (f->has & NAS_TOS) {
		k->tos = f->tos;
		k->tos_mask = f->tos_mask;
	}
}

struct chosen {
	const struct bearer *b;
	const struct nas_filter *f;
};

static int by_precedence(const void *a, const void *b)
{
	return ((const struct chosen *)a)->f->precedence -
	       ((const struct chosen *)b)->f->precedence;
}

/* Filters of one direction in the order in which a phone looks at them, and the runs in it. */
static void collect(const struct pdn *n, bool down, struct rules *r)
{
	static struct chosen all[FILTERS_MAX];
	uint8_t not = down ? NAS_DIR_UL : NAS_DIR_DL;
	size_t count = 0;

	for (size_t i = 0; i < BEARERS; i++)
		for (uint8_t k = 0; n->bearer[i].ebi && k < n->bearer[i].n_filter; k++)
			if (n->bearer[i].filter[k].dir != not )
				all[count++] =
					(struct chosen){ &n->bearer[i], &n->bearer[i].filter[k] };
	qsort(all, count, sizeof(*all), by_precedence);
	r->n_filter[down] = count;
	r->n_run[down] = 0;
	for (size_t i = 0; i < count; i++) {
		struct run *run = &r->run[down][r->n_run[down]];

		put_filter(all[i].f, &r->filter[down][i]);
		if (i && run[-1].b == all[i].b) {
			run[-1].n++;
			continue;
		}
		*run = (struct run){ .b = all[i].b, .first = i, .n = 1 };
		r->n_run[down]++;
	}
}

/* --- rules --- */

static struct knl_pdr *new_pdr(struct rules *r, uint32_t precedence, uint32_t far, uint32_t urr)
{
	struct knl_pdr *p;

	if (r->s.n_pdrs == KNL_RULES)
		return NULL;
	p = &r->pdr[r->s.n_pdrs];
	*p = (struct knl_pdr){ .id = (uint32_t)++r->s.n_pdrs,
			       .precedence = precedence,
			       .qfi = -1,
			       .far = far,
			       .urrs = { urr },
			       .n_urrs = 1 };
	return p;
}

static int add_uplink(struct rules *r, const struct run *run, const struct bearer *b, size_t at)
{
	struct knl_pdr *p =
		new_pdr(r, run ? 10 + (uint32_t)at : PDR_DEFAULT, b->ebi, URR_RIGHT(b->ebi));

	if (!p)
		return -ENOSPC;
	p->source = KNL_ACCESS;
	p->filters = run ? &r->filter[0][run->first] : NULL;
	p->n_filters = run ? run->n : 0;
	return 0;
}

static int add_downlink(struct rules *r, const struct run *run, const struct bearer *b, size_t at,
			uint32_t ep, uint32_t teid)
{
	bool right = run ? run->b == b : !b->n_filter;
	struct knl_pdr *p = new_pdr(r, run ? 10 + (uint32_t)at : PDR_DEFAULT, FAR_DOWN,
				    right ? URR_RIGHT(b->ebi) : URR_WRONG(b->ebi));

	if (!p)
		return -ENOSPC;
	p->source = KNL_CORE;
	p->endpoint = ep;
	p->teid = teid;
	p->filters = run ? &r->filter[1][run->first] : NULL;
	p->n_filters = run ? run->n : 0;
	return 0;
}

static int add_tunnel_in(struct rules *r, const struct bearer *b, struct sgw *node, uint32_t teid)
{
	bool v6 = b->peer.ss_family == AF_INET6;
	uint32_t ep;
	int e = endpoint(node, v6, &ep);

	for (size_t k = 0; !e && k < r->n_run[1]; k++)
		e = add_downlink(r, &r->run[1][k], b, k, ep, teid);
	return e ? e : add_downlink(r, NULL, b, 0, ep, teid);
}

static int add_bearer(struct pdn *n, struct rules *r, size_t i)
{
	const struct bearer *b = &n->bearer[i];
	struct knl_far *f = &r->far[r->s.n_fars++];
	struct sgw *was = n->old ? n->old : n->node;
	uint32_t ep;
	int e = endpoint(n->node, b->peer.ss_family == AF_INET6, &ep);

	*f = (struct knl_far){ .id = b->ebi,
			       .action = KNL_FORW,
			       .destination = KNL_CORE,
			       .endpoint = ep,
			       .teid = b->peer_teid,
			       .dscp = -1 };
	to_addr(&b->peer, &f->peer.addr);
	r->urr[r->s.n_urrs++] = (struct knl_urr){ .id = URR_RIGHT(b->ebi), .method = KNL_VOLUM };
	r->urr[r->s.n_urrs++] = (struct knl_urr){ .id = URR_WRONG(b->ebi), .method = KNL_VOLUM };
	if (!e)
		e = add_tunnel_in(r, b, was, b->teid);
	if (!e && n->old)
		e = add_tunnel_in(r, b, n->node, n->next_bearer[i].teid);
	return e;
}

static int build(struct pdn *n, struct rules *r)
{
	int e = 0;

	memset(&r->s, 0, sizeof(r->s));
	collect(n, false, r);
	collect(n, true, r);
	r->far[r->s.n_fars++] = (struct knl_far){
		.id = FAR_DOWN, .action = KNL_FORW, .destination = KNL_ACCESS, .dscp = -1
	};
	for (size_t k = 0; !e && k < r->n_run[0]; k++)
		e = add_uplink(r, &r->run[0][k], r->run[0][k].b, k);
	if (!e)
		e = add_uplink(r, NULL, &n->bearer[0], 0);
	for (size_t i = 0; !e && i < BEARERS; i++)
		if (n->bearer[i].ebi)
			e = add_bearer(n, r, i);
	return e;
}

static void name_session(struct pdn *n, struct knl_session *s, struct rules *r)
{
	s->id = n->teid_first;
	s->label = n->p->conf.imsi;
	s->idle_timeout = s->monitored = -1;
	if (n->paa.type & S5_PDN_IPV4)
		s->ue4 = (struct xfrm_addr){ .family = AF_INET, .v4 = n->paa.ip4 };
	if (n->paa.type & S5_PDN_IPV6)
		s->ue6 = (struct xfrm_addr){ .family = AF_INET6, .v6 = n->paa.ip6 };
	s->pdrs = r->pdr;
	s->fars = r->far;
	s->urrs = r->urr;
}

/* Of bearers that are gone, what they have counted stays in n->gone. */
static int keep_counters(void *arg, const struct knl_counters *c)
{
	struct pdn *n = arg;

	for (size_t i = 0; i < c->n_urrs; i++) {
		const struct knl_usage *u = &c->urrs[i];

		if (u->urr > EBI_LAST) {
			n->gone.dl_wrong += u->packets.dl;
			continue;
		}
		n->gone.ul_packets += u->packets.ul;
		n->gone.dl_packets += u->packets.dl;
		n->gone.ul_octets += u->octets.ul;
		n->gone.dl_octets += u->octets.dl;
	}
	return 0;
}

/* What was there and is no more; what is there still keeps its counters. */
static void remove_rest(struct pdn *n, struct rules *r, uint32_t now)
{
	struct knl_session *s = &r->s;

	for (uint32_t id = (uint32_t)s->n_pdrs + 1; id <= n->n_installed; id++)
		r->del_pdr[s->n_del_pdrs++] = id;
	for (uint32_t ebi = EBI_FIRST; ebi <= EBI_LAST; ebi++) {
		if (!(n->urrs & ~now & 1u << ebi))
			continue;
		r->del_urr[s->n_del_urrs++] = URR_RIGHT(ebi);
		r->del_urr[s->n_del_urrs++] = URR_WRONG(ebi);
		r->del_far[s->n_del_fars++] = ebi;
	}
	s->del_pdrs = r->del_pdr;
	s->del_urrs = r->del_urr;
	s->del_fars = r->del_far;
}

static int set_kims(struct pdn *n, char *err, size_t size)
{
	static struct rules r;
	uint32_t now = 0;
	int e = up_open(n->a, err, size);

	if (e)
		return e;
	e = build(n, &r);
	name_session(n, &r.s, &r);
	for (size_t i = 0; i < BEARERS; i++)
		now |= n->bearer[i].ebi ? 1u << n->bearer[i].ebi : 0;
	if (!e && n->up)
		remove_rest(n, &r, now);
	if (!e)
		e = n->up ? knl_session_change(n->a->knl, &r.s, 1, keep_counters, n)
			  : knl_session_new(n->a->knl, &r.s, 1);
	if (e) {
		snprintf(err, size, "%s",
			 e == -ENOSPC ? "more filters than rules" : knl_error(n->a->knl));
		return e;
	}
	n->up = true;
	n->n_installed = (uint32_t)r.s.n_pdrs;
	n->urrs = now;
	return 0;
}

/* --- gtp.ko --- */

static struct xfrm_addr ue4(const struct pdn *n)
{
	return (struct xfrm_addr){ .family = AF_INET, .v4 = n->paa.ip4 };
}

/* A table for all: what comes from such a phone goes into the device, which finds the bearer by the source. */
#define KO_TABLE 2152

static int set_ko(struct pdn *n, char *err, size_t size)
{
	const struct bearer *b = &n->bearer[0];
	struct xfrm_addr ue = ue4(n);
	struct knl_route way = { .dst.family = AF_INET, .table = KO_TABLE };
	int e;

	if (!(n->paa.type & S5_PDN_IPV4) || b->peer.ss_family != AF_INET) {
		snprintf(err, size, "gtp.ko carries IPv4 in IPv4 only");
		return -EAFNOSUPPORT;
	}
	e = ko_open(n->a, err, size);
	if (e)
		return e;
	way.index = knl_gtp_ko_index(n->a->ko);
	if (n->up)
		knl_gtp_ko_del(n->a->ko, n->ko_teid);
	n->ko_teid = b->teid;
	e = knl_gtp_ko_add(n->a->ko, n->paa.ip4, ((const struct sockaddr_in *)&b->peer)->sin_addr,
			   b->teid, b->peer_teid);
	if (!e)
		e = knl_rt_route(n->a->rt, true, &way);
	if (!e)
		e = knl_rt_rule(n->a->rt, true, &ue, KO_TABLE);
	if (e)
		snprintf(err, size, "%s", knl_rt_error(n->a->rt));
	n->up = !e;
	return e;
}

static void clear_ko(struct pdn *n)
{
	struct xfrm_addr ue = ue4(n);

	knl_gtp_ko_del(n->a->ko, n->ko_teid);
	knl_rt_rule(n->a->rt, false, &ue, KO_TABLE);
}

/* --- either --- */

int up_set(struct pdn *n, char *err, size_t size)
{
	switch (n->a->send ? GTPU_NONE : n->gtpu) {
	case GTPU_KIMS:
		return set_kims(n, err, size);
	case GTPU_GTP_KO:
		return set_ko(n, err, size);
	case GTPU_NONE:
		break;
	}
	return 0;
}

void up_clear(struct pdn *n)
{
	uint64_t id = n->teid_first;

	if (!n->up)
		return;
	n->up = false;
	n->n_installed = n->urrs = 0;
	if (n->gtpu == GTPU_KIMS)
		knl_session_del(n->a->knl, &id, 1, keep_counters, n);
	else if (n->gtpu == GTPU_GTP_KO)
		clear_ko(n);
}

struct counting {
	struct pdn *n;
	struct bearer_count *ret;
};

static int on_session(void *arg, const struct knl_session *s _unused_, const struct knl_counters *c)
{
	struct counting *q = arg;

	for (size_t i = 0; i < c->n_urrs; i++) {
		const struct knl_usage *u = &c->urrs[i];
		bool wrong = u->urr > EBI_LAST;
		const struct bearer *b = pdn_bearer(q->n, (uint8_t)(wrong ? u->urr - 16 : u->urr));
		struct bearer_count *k = b ? &q->ret[b - q->n->bearer] : NULL;

		if (!k)
			continue;
		if (wrong) {
			k->dl_wrong = u->packets.dl;
			continue;
		}
		k->ul_packets = u->packets.ul;
		k->ul_octets = u->octets.ul;
		k->dl_packets = u->packets.dl;
		k->dl_octets = u->octets.dl;
	}
	return 0;
}

int pdn_count(struct pdn *n, struct bearer_count ret[BEARERS], struct bearer_count *ret_gone)
{
	struct counting q = { n, ret };

	memset(ret, 0, BEARERS * sizeof(*ret));
	*ret_gone = n->gone;
	if (!n->up || n->gtpu != GTPU_KIMS)
		return -EOPNOTSUPP;
	return knl_session_get(n->a->knl, n->teid_first, on_session, &q);
}
