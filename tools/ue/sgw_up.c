// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * GTP-U of the access side: the bearers of a connection as rules of kims.ko in the access namespace, or one bearer of
 * gtp.ko (TS 29.281; rules as in TS 29.244: sgw_rules.h), or the SGW-U of sgw_sx.c.
 */
#include <fcntl.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stdio.h>
#include <sys/epoll.h>

#include "report.h"
#include "sgw_rules.h"

#define DEVICE	  "kims-access"
#define DEVICE_KO "gtp-access"

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

	n = by_session(a, e->session);
	if (n && e->kind == KNL_GTPU_DL_DATA)
		idle_downlink(n);
	if (!n || (!error && e->kind != KNL_GTPU_END_MARKER))
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

/* device: false where a SGW-U has its own; then the kernel is looked at only. */
static int open_kims(struct access *a, bool device, char *err, size_t size)
{
	int r = a->knl ? 0 : knl_open(&a->knl);

	if (!r && !device)
		return 0;
	if (!r)
		r = knl_rt_link_new(a->rt, DEVICE, "kims", &a->device);
	if (!r)
		r = watch_events(a);
	if (r)
		snprintf(err, size, "kims.ko in the access namespace: %s",
			 a->knl ? knl_rt_error(a->rt) : strerror(-r));
	return r;
}

static int open_plane(struct access *a, bool device, char *err, size_t size)
{
	bool there = device ? a->device : a->knl != NULL;
	_cleanup_netns_ int back = there ? -1 : netns_enter(&a->ns);
	int r = back < -1 ? back + 1 : 0;

	if (r || there)
		return r;
	write_sysctl("/proc/sys/net/ipv4/ip_forward", "1");
	write_sysctl("/proc/sys/net/ipv6/conf/all/forwarding", "1");
	if (!a->rt)
		r = knl_rt_open(&a->rt);
	return r ? r : open_kims(a, device, err, size);
}

int up_open(struct access *a, char *err, size_t size)
{
	return open_plane(a, true, err, size);
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
	if (a->device) {
		loop_io_del(a->ue->loop, &a->events);
		knl_rt_link_del(a->rt, DEVICE);
	}
	a->device = 0;
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

static int endpoint(struct sgw *s, bool v6, uint32_t *ret)
{
	struct knl_gtpu_ep ep = { .device = s->a->device, .udp_checksum = -1 };
	int r = 0;

	if (!s->endpoint[v6]) {
		to_xfrm(&s->local[v6], &ep.local.addr);
		r = knl_gtpu_ep_new(s->a->knl, &ep, &s->endpoint[v6]);
	}
	*ret = s->endpoint[v6];
	return r;
}

/* --- rules --- */

static void name_session(struct pdn *n, struct knl_session *s)
{
	static const struct knl_bar bar = { .packets = BAR_PACKETS };

	s->id = n->teid_first;
	s->label = n->p->conf.imsi;
	s->idle_timeout = s->monitored = -1;
	s->bar = &bar;
}

static void address_session(const struct pdn *n, struct knl_session *s)
{
	if (n->paa.type & S5_PDN_IPV4)
		s->ue4 = (struct xfrm_addr){ .family = AF_INET, .v4 = n->paa.ip4 };
	if (n->paa.type & S5_PDN_IPV6)
		s->ue6 = (struct xfrm_addr){ .family = AF_INET6, .v6 = n->paa.ip6 };
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

/* expected: only the tunnel that the PGW is about to hear of; the phone has no address yet. */
static int set_kims(struct pdn *n, bool expected, char *err, size_t size)
{
	static struct rules r;
	int e = up_open(n->a, err, size);

	if (e)
		return e;
	e = expected ? rules_expect(n, &r, endpoint) : rules_build(n, &r, endpoint);
	name_session(n, &r.s);
	if (!expected)
		address_session(n, &r.s);
	if (!e && n->up)
		rules_remove_rest(&r, n->n_installed, n->urrs);
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
	n->urrs = r.bearers;
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

/* --- all of them --- */

static enum gtpu_kind kind_of(const struct pdn *n)
{
	return n->a->send && n->gtpu != GTPU_PFCP ? GTPU_NONE : n->gtpu;
}

/* The phones' addresses and routes are ours, and the counters are looked at, also where the SGW-U has the rules. */
static int set_pfcp(struct pdn *n, char *err, size_t size)
{
	int e = n->a->send ? 0 : open_plane(n->a, false, err, size);

	return e ? e : sx_set(n, err, size);
}

int up_set(struct pdn *n, char *err, size_t size)
{
	switch (kind_of(n)) {
	case GTPU_KIMS:
		return set_kims(n, false, err, size);
	case GTPU_GTP_KO:
		return set_ko(n, err, size);
	case GTPU_PFCP:
		return set_pfcp(n, err, size);
	case GTPU_NONE:
		break;
	}
	return 0;
}

int up_expect(struct pdn *n, char *err, size_t size)
{
	return kind_of(n) == GTPU_KIMS ? set_kims(n, true, err, size) : 0;
}

void up_then(struct pdn *n, up_then_fn *fn, void *arg)
{
	if (kind_of(n) == GTPU_PFCP)
		sx_then(n, fn, arg);
	else
		fn(arg, 0, "");
}

int up_radio(struct pdn *n, bool drop, char *err, size_t size)
{
	enum radio radio = n->radio;
	int e = 0;

	if (kind_of(n) == GTPU_PFCP) {
		sx_radio(n, drop);
		return 0;
	}
	if (drop) {
		n->radio = RADIO_DROP;
		e = up_set(n, err, size);
		n->radio = radio;
	}
	return e ? e : up_set(n, err, size);
}

void up_clear(struct pdn *n)
{
	uint64_t id = n->teid_first;

	if (!n->up)
		return;
	n->up = false;
	n->n_installed = n->urrs = 0;
	switch (n->gtpu) {
	case GTPU_KIMS:
		knl_session_del(n->a->knl, &id, 1, keep_counters, n);
		break;
	case GTPU_GTP_KO:
		clear_ko(n);
		break;
	case GTPU_PFCP:
		sx_clear(n);
		break;
	case GTPU_NONE:
		break;
	}
}

/* --- counters --- */

static uint64_t session_id(const struct pdn *n)
{
	if (!n->up || !n->a->knl)
		return 0;
	return n->gtpu == GTPU_PFCP ? sx_session(n) : n->gtpu == GTPU_KIMS ? n->teid_first : 0;
}

static int take_waiting(void *arg, const struct knl_session *s _unused_,
			const struct knl_counters *c)
{
	*(size_t *)arg = c->buffered;
	return 0;
}

size_t up_waiting(const struct pdn *n)
{
	uint64_t id = session_id(n);
	size_t waiting = 0;

	if (id)
		knl_session_get(n->a->knl, id, take_waiting, &waiting);
	return waiting;
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
		/* the ids that kims-upf gives the kernel are PFCP's plus one */
		uint32_t urr = u->urr - (q->n->gtpu == GTPU_PFCP);
		bool wrong = urr > EBI_LAST;
		const struct bearer *b = pdn_bearer(q->n, (uint8_t)(wrong ? urr - 16 : urr));
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
	if (!session_id(n))
		return -EOPNOTSUPP;
	return knl_session_get(n->a->knl, session_id(n), on_session, &q);
}
