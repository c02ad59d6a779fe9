// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Session reports (TS 29.244 5.2.2, 5.2.3, 5.11, 7.5.8): what the kernel tells of a session goes to its CP
 * function. A usage report that nobody answers is taken back into the counters, so that the next one has it.
 */
#include "lib/core/log.h"
#include "lib/core/metrics.h"
#include "upf/upf.h"

METRIC_COUNTER(m_reports, "kims_upf_reports_total", "PFCP Session Report Requests sent");
METRIC_COUNTER(m_unanswered, "kims_upf_reports_unanswered_total",
	       "Session reports that nobody answered");

struct upf_report {
	struct upf_report *next, **pprev; /* of all that are under way */
	struct upf *u;
	uint64_t seid;
	bool has_usage;
	struct upf_covers covers;
};

void upf_report_metrics(void)
{
	metric_register(&m_reports);
	metric_register(&m_unanswered);
}

static void track(struct upf_report *r)
{
	r->next = r->u->reports;
	r->pprev = &r->u->reports;
	if (r->next)
		r->next->pprev = &r->next;
	r->u->reports = r;
}

static void untrack(struct upf_report *r)
{
	*r->pprev = r->next;
	if (r->next)
		r->next->pprev = r->pprev;
	free(r);
}

void upf_reports_free(struct upf *u)
{
	while (u->reports)
		untrack(u->reports);
}

/* --- the answer --- */

static int load_model(void *arg, const struct knl_session *s, const struct knl_counters *c _unused_)
{
	return upf_model_load(arg, s);
}

/* Update BAR: how long and how much of what waits is kept (7.5.9.2). */
static void take_bars(struct upf *u, struct upf_session *s,
		      const struct sx_session_report_response *m)
{
	struct knl_session k = { .id = s->by_seid.key, .idle_timeout = -1, .monitored = -1 };
	bool changed = false;

	upf_model_init(&u->model, s);
	if (u->ops->session_get(u->k, s->by_seid.key, load_model, &u->model))
		return;
	for (size_t i = 0; i < m->n_update_bar; i++) {
		if (!s->has_bar || m->update_bar[i].id != s->bar)
			continue;
		upf_bar_update(&u->model, &m->update_bar[i]);
		changed = true;
	}
	k.bar = &u->model.bar;
	if (changed && u->ops->session_change(u->k, &k, 1, NULL, NULL))
		log_info("the kernel refuses a BAR: %s", u->ops->error(u->k));
}

static void on_answer(void *arg, const struct xchg_msg *m)
{
	struct upf_report *r = arg;
	struct upf *u = r->u;
	struct upf_session *s = upf_session_find(u, r->seid);
	const struct sx_session_report_response *a = &u->in.session_report_response;
	struct tlv_error e;

	if (!m) {
		metric_inc(&m_unanswered);
		if (s && r->has_usage) {
			upf_usage_undo(s, &r->covers);
			upf_session_relabel(u, s);
		}
	} else if (s && m->hdr->type == SX_SESSION_REPORT_RESPONSE &&
		   !sx_decode(m->p, m->n, NULL, &u->in, &e)) {
		if (a->cause == SX_SESSION_NOT_FOUND) { /* it has forgotten the session */
			uint64_t id = r->seid;

			log_info("a CP function does not know its session any more: deleted");
			u->ops->session_del(u->k, &id, 1, NULL, NULL);
			upf_session_free(u, s);
		} else {
			if (a->has_srrsp_flags && a->srrsp_flags & 1)
				upf_drop_buffered(u, s);
			if (a->n_update_bar)
				take_bars(u, s, a);
		}
	}
	untrack(r);
}

/* --- the request --- */

static void cp_addr(const struct upf_session *s, struct sockaddr_storage *ret)
{
	struct sockaddr_in *a4 = (struct sockaddr_in *)ret;
	struct sockaddr_in6 *a6 = (struct sockaddr_in6 *)ret;

	memset(ret, 0, sizeof(*ret));
	if (IN6_IS_ADDR_V4MAPPED(&s->cp)) {
		a4->sin_family = AF_INET;
		a4->sin_port = htons(PFCP_PORT);
		memcpy(&a4->sin_addr, &s->cp.s6_addr[12], 4);
		return;
	}
	a6->sin6_family = AF_INET6;
	a6->sin6_port = htons(PFCP_PORT);
	a6->sin6_addr = s->cp;
}

static struct sx_session_report_request *begin(struct upf *u)
{
	struct sx_session_report_request *m = &u->out.session_report_request;

	sx_init(SX_SESSION_REPORT_REQUEST, m);
	m->has_type = true;
	return m;
}

static void send_report(struct upf *u, struct upf_session *s, struct sx_session_report_request *m,
			const struct upf_covers *covers)
{
	struct upf_report *r = calloc(1, sizeof(*r));
	struct tlv_buf b = TLV_BUF(u->buf);
	struct sockaddr_storage to;

	upf_put_control(u, s->node, &m->load, &m->has_load, &m->overload, &m->has_overload);
	cp_addr(s, &to);
	if (r && !sx_encode(SX_SESSION_REPORT_REQUEST, s->cp_seid, m, &b)) {
		*r = (struct upf_report){
			NULL,		NULL,		u,
			s->by_seid.key, covers != NULL, covers ? *covers : (struct upf_covers){ 0 }
		};
		metric_inc(&m_reports);
		track(r);
		if (!pfcp_request(u->pfcp, &to, b.p, b.n, on_answer, r, NULL))
			return;
		untrack(r);
		r = NULL;
	}
	if (covers)
		upf_usage_undo(s, covers);
	free(r);
}

/* Start and stop of an application: its name, and the flow when it is still known (7.5.8.3). */
struct find_app {
	uint32_t urr, app, pdr;
};

static int find_app(void *arg, const struct knl_session *k, const struct knl_counters *c _unused_)
{
	struct find_app *f = arg;

	for (size_t i = 0; i < k->n_pdrs; i++)
		for (uint8_t r = 0; r < k->pdrs[i].n_urrs; r++)
			if (k->pdrs[i].urrs[r] == f->urr && k->pdrs[i].app_id) {
				f->app = k->pdrs[i].app_id;
				f->pdr = k->pdrs[i].id;
			}
	return 0;
}

static void put_application(struct upf *u, const struct upf_session *s, uint32_t urr,
			    struct sx_usage_report *r)
{
	struct find_app f = { .urr = urr };
	const struct upf_detected *d;
	const char *name;

	if (u->ops->session_get(u->k, s->by_seid.key, find_app, &f) || !f.app)
		return;
	name = upf_app_name(u, f.app);
	if (!name)
		return;
	r->has_application = r->application.has_application_id = r->application.has_pdr_id = true;
	r->application.application_id = str_of(name);
	r->application.pdr_id = upf_pdr_id(f.pdr);
	d = upf_detected_find(u, s->by_seid.key, f.app);
	if (!d || !r->trigger.start)
		return;
	r->application.has_flow = true;
	r->application.flow = (struct sx_flow_info){ .direction = 3, .flow = str_of(d->flow) };
}

static void report_usage(struct upf *u, struct upf_session *s, const struct knl_usage *k,
			 unsigned int trigger)
{
	struct sx_session_report_request *m = begin(u);
	struct upf_covers covers;

	m->type.usar = true;
	m->n_usage_report = 1;
	upf_usage_report(u, s, k, trigger, &m->usage_report[0], &covers);
	if (trigger & (KNL_START | KNL_STOPT))
		put_application(u, s, k->urr, &m->usage_report[0]);
	send_report(u, s, m, &covers);
}

static void report_data(struct upf *u, struct upf_session *s, const struct knl_gtpu_event *e)
{
	struct sx_session_report_request *m = begin(u);

	m->type.dldr = m->has_dl_data = true;
	m->dl_data.n_pdr_id = 1;
	m->dl_data.pdr_id[0] = upf_pdr_id(e->pdr);
	if (e->dscp >= 0) { /* paging policy differentiation (5.4.3.3 of TS 23.501, TS 23.401) */
		m->dl_data.n_service = 1;
		m->dl_data.service[0] =
			(struct sx_dl_service){ .has_ppi = true, .ppi = (uint8_t)e->dscp };
	}
	send_report(u, s, m, NULL);
}

static void report_error(struct upf *u, struct upf_session *s, const struct knl_gtpu_event *e)
{
	struct sx_session_report_request *m = begin(u);
	struct sx_fteid *f = &m->error_indication.fteid[0];

	m->type.erir = m->has_error_indication = true;
	m->error_indication.n_fteid = 1;
	*f = (struct sx_fteid){ .teid = e->teid,
				.v4 = e->peer.addr.family == AF_INET,
				.v6 = e->peer.addr.family == AF_INET6 };
	if (f->v4)
		f->ip4 = e->peer.addr.v4;
	else
		f->ip6 = e->peer.addr.v6;
	send_report(u, s, m, NULL);
}

static void report_idle(struct upf *u, struct upf_session *s)
{
	struct sx_session_report_request *m = begin(u);

	m->type.upir = true;
	send_report(u, s, m, NULL);
}

/* --- events --- */

void upf_on_event(void *arg, const struct knl_gtpu_event *e)
{
	struct upf *u = arg;
	struct upf_session *s = upf_session_find(u, e->session);

	if (!s || s->pending)
		return;
	switch (e->kind) {
	case KNL_GTPU_USAGE:
		report_usage(u, s, &e->usage, e->usage.trigger);
		break;
	case KNL_GTPU_DL_DATA:
		report_data(u, s, e);
		break;
	case KNL_GTPU_IDLE:
		report_idle(u, s);
		break;
	case KNL_GTPU_ERROR_INDICATION:
		report_error(u, s, e);
		break;
	case KNL_GTPU_DELETED: /* not by us: we forget a session before we delete it */
		log_warn("a session was deleted in the kernel by somebody else");
		upf_session_free(u, s);
		break;
	case KNL_GTPU_END_MARKER:
	case KNL_GTPU_ECHO:
		break;
	}
}

/* --- what was missed --- */

/* Why the kernel has reported, as far as its rule tells. */
static unsigned int trigger_of(const struct knl_urr *r, const struct knl_usage *k)
{
	if (k->exhausted)
		return r->time_quota && !(r->quota.total || r->quota.ul || r->quota.dl) ? KNL_TIMQU
											: KNL_VOLQU;
	if (r->triggers & KNL_VOLTH)
		return KNL_VOLTH;
	if (r->triggers & KNL_TIMTH)
		return KNL_TIMTH;
	return KNL_PERIO;
}

void upf_report_missed(struct upf *u, struct upf_session *s, const struct knl_session *k,
		       const struct knl_counters *c)
{
	for (size_t i = 0; i < c->n_urrs && i < k->n_urrs; i++)
		if (upf_usage_missed(s, &c->urrs[i]))
			report_usage(u, s, &c->urrs[i], trigger_of(&k->urrs[i], &c->urrs[i]));
}

static int look_at(void *arg, const struct knl_session *k, const struct knl_counters *c)
{
	struct upf *u = arg;
	struct upf_session *s = upf_session_find(u, k->id);

	if (s)
		upf_report_missed(u, s, k, c);
	return 0;
}

void upf_reports_lost(struct upf *u)
{
	log_warn("events of the kernel were lost, counters are looked at");
	upf_flush(u);
	u->ops->session_dump(u->k, look_at, u);
}

void upf_reports_again(struct upf_node *n)
{
	struct upf_session *s, *next;

	upf_flush(n->upf);
	for (s = n->sessions; s; s = next) {
		next = s->next;
		if (s->n_urrs)
			n->upf->ops->session_get(n->upf->k, s->by_seid.key, look_at, n->upf);
	}
}
