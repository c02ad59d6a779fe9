// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Steps of the access side: attach, detach, modify, handover, bearer-resource, delete-bearer, modify-qos, suspend,
 * resume-pdn, change-notification, for one phone or many with so many under way at once; and order, bearers,
 * sgw-restart, path, idle, paged.
 */
#include <stdio.h>

#include "report.h"
#include "sgw.h"
#include "stats.h"
#include "step.h"

#define GTP_TIMEOUT (120 * USEC_PER_SEC)
#define POLL_USEC   (50 * USEC_PER_MSEC)

/* --- one procedure for many phones --- */

struct crowd;
typedef int (*begin_fn)(struct crowd *c, struct phone *p, char *err, size_t size);

/* Lives as long as the step runs (step->priv). */
struct crowd {
	struct step *s;
	struct phone **list;
	size_t n, started, ended, good;
	begin_fn begin;
	struct timer next;
	uint64_t sum_usec, max_usec;
	char first_bad[300], last[260];
};

static void end_crowd(struct crowd *c)
{
	struct step *s = c->s;

	timer_stop(step_loop(s), &c->next);
	json_decref(s->detail);
	s->detail = json_pack("{s:i, s:i, s:f, s:f}", "phones", (int)c->n, "as_expected",
			      (int)c->good, "mean_s", (double)c->sum_usec / (double)c->n / 1e6,
			      "max_s", (double)c->max_usec / 1e6);
	if (c->good < c->n)
		step_end(s, false, "%zu of %zu: %s", c->good, c->n, c->first_bad);
	else if (c->n == 1)
		step_end(s, true, "%s", c->last);
	else
		step_end(s, true, "%zu in %.2f s; mean %.1f ms, longest %.1f ms", c->n,
			 (double)(loop_now(step_loop(s)) - s->began) / 1e6,
			 (double)c->sum_usec / (double)c->n / 1e3, (double)c->max_usec / 1e3);
}

/* expect: nothing, accepted: an acceptance; refused; timeout; or the number of a cause. */
static bool as_expected(const char *expect, const struct pdn_result *r)
{
	uint64_t cause;

	if (!expect || !strcmp(expect, "accepted"))
		return !r->err;
	if (!strcmp(expect, "refused"))
		return r->err == -ECONNREFUSED;
	if (!strcmp(expect, "timeout"))
		return r->err == -ETIMEDOUT;
	return !str_to_u64(str_of(expect), 255, &cause) && r->cause == cause;
}

static void one_ended(struct crowd *c, struct phone *p, bool good, const char *why, uint64_t usec)
{
	c->ended++;
	c->good += good;
	if (!good)
		stats_failed(p->ue, c->s->kind->name, why);
	else if (c->s->kind == &step_attach)
		stats_took(p->ue, STATS_ATTACH, usec);
	c->sum_usec += usec;
	c->max_usec = MAX(c->max_usec, usec);
	if (!good && !*c->first_bad)
		snprintf(c->first_bad, sizeof(c->first_bad), "%s: %s", p->name, why);
	snprintf(c->last, sizeof(c->last), "%s", why);
	if (c->ended == c->n)
		end_crowd(c);
	else if (c->started < c->n)
		timer_start(step_loop(c->s), &c->next, 0);
}

static void on_done(void *arg, struct phone *p, const struct pdn_result *r)
{
	struct crowd *c = arg;

	report_phone(p, c->s->kind->name,
		     json_pack("{s:b, s:i, s:s, s:s, s:f}", "ok", !r->err, "cause", (int)r->cause,
			       "cause_name", r->cause ? s5_cause_name(r->cause) : "", "why", r->why,
			       "seconds", (double)r->usec / 1e6));
	one_ended(c, p, as_expected(c->s->a.expect, r), r->why, r->usec);
}

/* So many as should have begun by now, and no more at once than the window. */
static size_t due(const struct crowd *c)
{
	const struct access *a = c->s->sc->ue->access;
	double rate = c->s->a.rate;
	size_t window = c->ended + (a ? access_window(a) : 1), n = c->n;

	if (rate > 0)
		n = (size_t)((double)(loop_now(step_loop(c->s)) - c->s->began) * rate / 1e6) + 1;
	return MIN(MIN(n, window), c->n);
}

static void on_next(struct timer *t)
{
	struct crowd *c = container_of(t, struct crowd, next);
	struct loop *l = step_loop(c->s);
	char err[300];

	while (c->started < due(c)) {
		struct phone *p = c->list[c->started++];
		int r;

		snprintf(err, sizeof(err), "no connection to that APN");
		r = c->begin(c, p, err, sizeof(err));
		if (r == -EBUSY)
			snprintf(err, sizeof(err), "another procedure is under way");
		if (r) {
			bool last = c->ended + 1 == c->n;

			one_ended(c, p, false, err, 0);
			if (last)
				return; /* the step has ended */
		}
	}
	if (c->started < c->n && c->s->a.rate > 0)
		timer_start(l, &c->next, 1000);
}

static void run(struct step *s, begin_fn begin)
{
	struct crowd *c = calloc(1, sizeof(*c));

	if (!s->a.expect)
		step_expects(s, "accepted");
	if (!c) {
		step_end(s, false, "out of memory");
		return;
	}
	*c = (struct crowd){ .s = s, .begin = begin, .next.fn = on_next };
	s->priv = c;
	if (!step_phones(s, s->a.phone, &c->list, &c->n))
		on_next(&c->next);
}

static void tick_crowd(struct step *s, char *text, size_t size)
{
	struct crowd *c = s->priv;

	if (c)
		snprintf(text, size, "%zu of %zu, %zu not as expected", c->ended, c->n,
			 c->ended - c->good);
}

static void abort_crowd(struct step *s)
{
	struct crowd *c = s->priv;

	if (!c)
		return;
	timer_stop(step_loop(s), &c->next);
	for (size_t i = 0; i < c->started; i++)
		pdn_abandon(c->list[i], c);
}

static void clean_crowd(struct step *s)
{
	struct crowd *c = s->priv;

	if (c)
		free(c->list);
}

/* --- the procedures --- */

static struct pdn *its_pdn(const struct crowd *c, const struct phone *p)
{
	const struct step_args *a = &c->s->a;

	return pdn_of(p, a->apn ? a->apn : a->emergency ? "sos" : NULL);
}

static void attach_options(const struct step_args *a, const struct phone *p, struct pdn_attach *o)
{
	*o = (struct pdn_attach){ .apn = a->apn,
				  .addr = a->paa ? a->paa : p->conf.paa,
				  .pdn_type = a->pdn_type,
				  .node = (enum sgw_id)a->node,
				  .emergency = a->emergency,
				  .no_imsi = a->no_imsi,
				  .no_pcscf = a->no_pcscf };
}

static int begin_attach(struct crowd *c, struct phone *p, char *err, size_t size)
{
	struct pdn_attach o;

	attach_options(&c->s->a, p, &o);
	return pdn_attach(p, &o, on_done, c, err, size);
}

static int begin_handover(struct crowd *c, struct phone *p, char *err, size_t size)
{
	struct pdn *n = its_pdn(c, p);
	struct pdn_attach o;

	if (!n)
		return -ENOTCONN;
	attach_options(&c->s->a, p, &o);
	o.handover = true;
	o.apn = pdn_apn(n);
	return pdn_attach(p, &o, on_done, c, err, size);
}

static int begin_detach(struct crowd *c, struct phone *p, char *err _unused_, size_t size _unused_)
{
	struct pdn *n = its_pdn(c, p);

	return n ? pdn_detach(n, on_done, c) : -ENOTCONN;
}

static void place(const struct step_args *a, struct pdn_modify *o)
{
	*o = (struct pdn_modify){
		.node = (enum sgw_id)a->node, .rat = a->rat, .tac = a->tac, .eci = a->eci
	};
}

static int begin_modify(struct crowd *c, struct phone *p, char *err, size_t size)
{
	struct pdn *n = its_pdn(c, p);
	struct pdn_modify o;
	int r;

	place(&c->s->a, &o);
	r = n ? pdn_modify(n, &o, on_done, c) : -ENOTCONN;
	if (r == -EINVAL)
		snprintf(err, size,
			 "modify is between two SGWs; to and from the ePDG it is handover");
	return r;
}

static int begin_notify(struct crowd *c, struct phone *p, char *err _unused_, size_t size _unused_)
{
	struct pdn *n = its_pdn(c, p);
	struct pdn_modify o;

	place(&c->s->a, &o);
	return n ? pdn_notify_change(n, &o, on_done, c) : -ENOTCONN;
}

/* The bearer meant: by its EBI, else the first dedicated one. */
static uint8_t ebi_of(const struct step_args *a, const struct pdn *n)
{
	const struct bearer *b;
	uint8_t lowest = 0;
	size_t count;

	if (a->ebi)
		return (uint8_t)a->ebi;
	b = pdn_bearers(n, &count);
	for (size_t i = 1; i < count; i++)
		if (b[i].ebi && (!lowest || b[i].ebi < lowest))
			lowest = b[i].ebi;
	return lowest;
}

static int begin_resource(struct crowd *c, struct phone *p, char *err, size_t size)
{
	const struct step_args *a = &c->s->a;
	struct pdn *n = its_pdn(c, p);
	struct pdn_resource o = { .filter = a->filter,
				  .qci = (uint8_t)(a->qci ? a->qci : 1),
				  .gbr = a->gbr };

	if (!n)
		return -ENOTCONN;
	o.ebi = a->filter ? (uint8_t)a->ebi : ebi_of(a, n);
	if (!a->filter)
		snprintf(err, size, "there is no bearer to release");
	return pdn_resource(n, &o, on_done, c, err, size);
}

static int begin_delete_bearer(struct crowd *c, struct phone *p, char *err, size_t size)
{
	struct pdn *n = its_pdn(c, p);
	uint8_t ebi = n ? ebi_of(&c->s->a, n) : 0;

	if (ebi)
		return pdn_delete_bearer(n, ebi, on_done, c);
	snprintf(err, size, "there is no dedicated bearer");
	return -ENOENT;
}

static int begin_qos(struct crowd *c, struct phone *p, char *err _unused_, size_t size _unused_)
{
	const struct step_args *a = &c->s->a;
	struct pdn *n = its_pdn(c, p);

	return n ? pdn_change_qos(n, a->ambr, a->ambr, (uint8_t)a->qci, on_done, c) : -ENOTCONN;
}

static int begin_suspend(struct crowd *c, struct phone *p, char *err _unused_, size_t size _unused_)
{
	struct pdn *n = its_pdn(c, p);

	return n ? pdn_suspend(n, false, on_done, c) : -ENOTCONN;
}

static int begin_resume(struct crowd *c, struct phone *p, char *err _unused_, size_t size _unused_)
{
	struct pdn *n = its_pdn(c, p);

	return n ? pdn_suspend(n, true, on_done, c) : -ENOTCONN;
}

#define STARTS(fn, begin)              \
	static void fn(struct step *s) \
	{                              \
		run(s, begin);         \
	}

/* answer: none: the phone does not hear the paging. */
static int begin_idle(struct crowd *c, struct phone *p, char *err, size_t size)
{
	const struct step_args *a = &c->s->a;
	struct pdn *n = its_pdn(c, p);
	int r = n ? pdn_idle(n, a->answer == ORDER_SILENT, a->delay, on_done, c) : -ENOTCONN;

	if (r == -EOPNOTSUPP)
		snprintf(err, size, "that user plane cannot buffer");
	return r;
}

STARTS(start_attach, begin_attach)
STARTS(start_detach, begin_detach)
STARTS(start_modify, begin_modify)
STARTS(start_handover, begin_handover)
STARTS(start_resource, begin_resource)
STARTS(start_delete_bearer, begin_delete_bearer)
STARTS(start_qos, begin_qos)
STARTS(start_suspend, begin_suspend)
STARTS(start_resume, begin_resume)
STARTS(start_notify, begin_notify)
STARTS(start_idle, begin_idle)

#define KIND(var, name, keys, doc, start)                                           \
	const struct step_kind var = { name,  keys,	  doc,	       GTP_TIMEOUT, \
				       start, tick_crowd, abort_crowd, clean_crowd }

KIND(step_attach, "attach", "phone expect rate apn node pdn_type paa emergency no_imsi no_pcscf",
     "Create Session Request; the phone gets its addresses, and its P-CSCF from the PCO; expect: accepted, refused, timeout or the number of a cause",
     start_attach);
KIND(step_detach, "detach", "phone expect rate apn emergency",
     "Delete Session Request; what the phone had at this address ends without a word",
     start_detach);
KIND(step_modify, "modify", "phone expect rate apn node rat tac eci",
     "Modify Bearer Request: to another SGW with new F-TEIDs, or another RAT or place",
     start_modify);
KIND(step_handover, "handover", "phone expect rate apn node",
     "between SGW and ePDG: Create Session Request with the handover indication, address kept",
     start_handover);
KIND(step_bearer_resource, "bearer-resource", "phone expect rate apn filter qci gbr ebi",
     "Bearer Resource Command; held when the PGW answers with a bearer request", start_resource);
KIND(step_delete_bearer, "delete-bearer", "phone expect rate apn ebi",
     "Delete Bearer Command, as after a loss of radio", start_delete_bearer);
KIND(step_modify_qos, "modify-qos", "phone expect rate apn ambr qci",
     "Modify Bearer Command: new APN-AMBR and default QoS", start_qos);
KIND(step_suspend, "suspend", "phone expect rate apn", "Suspend Notification", start_suspend);
KIND(step_idle, "idle", "phone expect rate apn delay answer",
     "S1 release: downlink packets wait at the SGW, the first one pages the phone, which answers after delay; answer: none: it does not",
     start_idle);
KIND(step_resume_pdn, "resume-pdn", "phone expect rate apn", "Resume Notification", start_resume);
KIND(step_change_notification, "change-notification", "phone expect rate apn rat tac eci",
     "Change Notification Request: RAT and place", start_notify);

/* --- order --- */

static void start_order(struct step *s)
{
	_cleanup_free_ struct phone **list = NULL;
	const struct step_args *a = &s->a;
	size_t n;

	step_expects(s, "noted");
	if (step_phones(s, a->phone, &list, &n))
		return;
	for (size_t i = 0; i < n; i++)
		list[i]->order = (struct pdn_order){ .what = (enum order_what)a->answer,
						     .request = (enum order_for)a->request,
						     .cause = (uint8_t)a->cause,
						     .delay = a->delay,
						     .count = a->count };
	step_end(s, true, "the next %u", a->count);
}

const struct step_kind step_order = {
	.name = "order",
	.keys = "phone request answer cause delay count",
	.doc = "what the SGW does with the next count bearer requests of the PGW",
	.start = start_order,
};

/* --- bearers --- */

struct looking {
	struct step *s;
	struct phone **list;
	size_t n;
	struct timer again;
	char seen[300];
};

static bool fits(const struct step_args *a, const struct bearer *b)
{
	return b->ebi && (!a->qci || b->qos.qci == a->qci) &&
	       (!a->gbr || (b->qos.gbr_ul >= a->gbr && b->qos.gbr_dl >= a->gbr));
}

static size_t dedicated(const struct step_args *a, const struct phone *p, char *dst, size_t size)
{
	const struct pdn *n = pdn_of(p, a->apn);
	size_t count = 0, fit = 0, at = 0;
	const struct bearer *b = n ? pdn_bearers(n, &count) : NULL;

	for (size_t i = 1; i < count; i++) {
		fit += fits(a, &b[i]);
		if (b[i].ebi && at < size)
			at += (size_t)snprintf(dst + at, size - at,
					       "%s%u: QCI %u, GBR %llu/%llu kbit/s, %u filters",
					       at ? "; " : "", b[i].ebi, b[i].qos.qci,
					       (unsigned long long)b[i].qos.gbr_ul,
					       (unsigned long long)b[i].qos.gbr_dl, b[i].n_filter);
	}
	if (!at)
		snprintf(dst, size, n ? "no dedicated bearer" : "no connection");
	return fit;
}

static void look(struct timer *t)
{
	struct looking *q = container_of(t, struct looking, again);
	char text[200];

	for (size_t i = 0; i < q->n; i++) {
		size_t fit = dedicated(&q->s->a, q->list[i], text, sizeof(text));

		snprintf(q->seen, sizeof(q->seen), "%s%s%s", q->n > 1 ? q->list[i]->name : "",
			 q->n > 1 ? ": " : "", text);
		if (fit != q->s->a.count) {
			timer_start(step_loop(q->s), &q->again, POLL_USEC);
			return;
		}
	}
	step_end(q->s, true, "%s", q->seen);
}

static void start_looking(struct step *s, void (*fn)(struct timer *t))
{
	struct looking *q = calloc(1, sizeof(*q));

	if (!q) {
		step_end(s, false, "out of memory");
		return;
	}
	*q = (struct looking){ .s = s, .again.fn = fn };
	s->priv = q;
	if (!step_phones(s, s->a.phone, &q->list, &q->n))
		fn(&q->again);
}

static void start_bearers(struct step *s)
{
	step_expects(s, s->a.qci ? "%u of QCI %u" : "%u dedicated", s->a.count, s->a.qci);
	start_looking(s, look);
}

static void tick_bearers(struct step *s, char *text, size_t size)
{
	const struct looking *q = s->priv;

	if (q)
		snprintf(text, size, "%s", q->seen);
}

static void abort_bearers(struct step *s)
{
	struct looking *q = s->priv;

	if (q)
		timer_stop(step_loop(s), &q->again);
}

static void clean_bearers(struct step *s)
{
	struct looking *q = s->priv;

	if (q)
		free(q->list);
}

const struct step_kind step_bearers = {
	"bearers",
	"phone apn count qci gbr",
	"waits until each phone has so many dedicated bearers with this QCI and GBR",
	30 * USEC_PER_SEC,
	start_bearers,
	tick_bearers,
	abort_bearers,
	clean_bearers,
};

/* --- paged --- */

static const char *seen_paging(const struct paging *g, bool idle, char *dst, size_t size)
{
	size_t at = (size_t)snprintf(dst, size, "%u downlink data report%s, paged %u time%s",
				     g->reports, g->reports == 1 ? "" : "s", g->paged,
				     g->paged == 1 ? "" : "s");

	if (g->unanswered)
		snprintf(dst + at, size - at, ", no answer: %zu waiting packets dropped",
			 g->waited);
	else if (!idle && g->paged)
		snprintf(dst + at, size - at, ", service request after %.2f s, %zu packets waited",
			 (double)g->took / 1e6, g->waited);
	return dst;
}

/* With answer: none the number is of pagings that nobody answered, else of reports and of pagings, answered. */
static void look_paged(struct timer *t)
{
	struct looking *q = container_of(t, struct looking, again);
	const struct step_args *a = &q->s->a;
	bool deaf = a->answer == ORDER_SILENT, idle;

	for (size_t i = 0; i < q->n; i++) {
		const struct pdn *n = pdn_of(q->list[i], a->apn);
		const struct paging *g = n ? pdn_paging(n, &idle) : NULL;

		if (!g) {
			step_end(q->s, false, "%s has no connection", q->list[i]->name);
			return;
		}
		seen_paging(g, idle, q->seen, sizeof(q->seen));
		if (!deaf && (g->reports > a->count || g->paged > a->count)) {
			step_end(q->s, false, "%s", q->seen);
			return;
		}
		if (deaf ? g->unanswered < a->count
			 : idle || g->reports < a->count || g->paged < a->count) {
			timer_start(step_loop(q->s), &q->again, POLL_USEC);
			return;
		}
	}
	step_end(q->s, true, "%s", q->seen);
}

static void start_paged(struct step *s)
{
	step_expects(
		s, s->a.answer == ORDER_SILENT ? "%u unanswered" : "%u report, %u paging, answered",
		s->a.count, s->a.count);
	start_looking(s, look_paged);
}

const struct step_kind step_paged = {
	"paged",
	"phone apn count answer",
	"waits until each phone has been paged so often since it is idle, with as many reports of the user plane, and has answered; answer: none: and has not",
	30 * USEC_PER_SEC,
	start_paged,
	tick_bearers,
	abort_bearers,
	clean_bearers,
};

/* --- restart, path --- */

static void start_restart(struct step *s)
{
	struct access *a = s->sc->ue->access;
	size_t lost = 0;
	int r = a ? access_restart(a, (enum sgw_id)s->a.node, &lost) : -ENODEV;

	step_expects(s, "its connections are lost");
	if (r)
		step_end(s, false, "%s", strerror(-r));
	else
		step_end(s, true, "%zu connections lost", lost);
}

const struct step_kind step_sgw_restart = {
	.name = "sgw-restart",
	.keys = "node",
	.doc = "the node starts again with a new restart counter and knows no connection",
	.start = start_restart,
};

struct path {
	struct step *s;
	struct timer again;
};

static void look_path(struct timer *t)
{
	struct path *q = container_of(t, struct path, again);
	struct access *a = q->s->sc->ue->access;
	int counter = a ? access_peer_counter(a, (enum sgw_id)q->s->a.node) : -1;

	if (counter >= 0)
		step_end(q->s, true, "restart counter of the PGW: %d", counter);
	else
		timer_start(step_loop(q->s), &q->again, POLL_USEC);
}

static void start_path(struct step *s)
{
	struct path *q = calloc(1, sizeof(*q));

	step_expects(s, "an answer to Echo Request");
	if (!q) {
		step_end(s, false, "out of memory");
		return;
	}
	*q = (struct path){ .s = s, .again.fn = look_path };
	s->priv = q;
	look_path(&q->again);
}

static void abort_path(struct step *s)
{
	struct path *q = s->priv;

	if (q)
		timer_stop(step_loop(s), &q->again);
}

const struct step_kind step_path = {
	"path",
	"node",
	"waits until the PGW has answered the node's Echo Request",
	30 * USEC_PER_SEC,
	start_path,
	NULL,
	abort_path,
	NULL,
};
