// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Phones that are idle (ECM-IDLE): release of the access bearers, paging, service request (TS 23.401 5.3.5, 5.3.4.3, 5.3.4.1;
 * TS 23.214 6.3.3). The MME and its S11 are part of the SGW here: what would be a message of S11 or S1 is a counted
 * event of the report and a line of the ladder.
 *
 * The SGW keeps what comes for such a phone (FAR of the radio: BUFF and NOCP) and pages it with the first report; further reports
 * while it pages change nothing. A phone that does not answer within paging_time loses what waits (TS 23.401 5.3.4.3,
 * step 6; PFCP: DROBU), and the next packet pages it again.
 *
 * Invariants: a phone is paged once at a time; what waits is let go by the service request, in order, or dropped.
 */
#include <stdio.h>

#include "ladder.h"
#include "report.h"
#include "sgw_priv.h"

static void tell(struct pdn *n, const char *event, const char *line, const char *why)
{
	const struct paging *g = &n->paging;

	report_phone(n->p, event,
		     json_pack("{s:s, s:s, s:i, s:i, s:i}", "apn", n->apn, "why", why, "reports",
			       (int)g->reports, "paged", (int)g->paged, "unanswered",
			       (int)g->unanswered));
	ladder_log_event(n->p->ue->ladder, n->p, line, why);
}

static void set_radio(struct pdn *n, enum radio to, bool drop)
{
	char why[200];

	n->radio = to;
	if (up_radio(n, drop, why, sizeof(why)))
		report_phone(n->p, "user-plane", json_pack("{s:s}", "error", why));
}

/* --- paging --- */

static void on_paging(struct timer *t)
{
	struct pdn *n = container_of(t, struct pdn, paging.timer);

	if (!n->paging.deaf) {
		pdn_wake(n, "paging");
		return;
	}
	n->paging.unanswered++;
	n->a->totals.unanswered++;
	n->paging.waited = up_waiting(n);
	set_radio(n, RADIO_IDLE, true);
	tell(n, "paging-failed", "paging: no answer", "what waits is dropped");
}

void idle_page(struct pdn *n, const char *why)
{
	struct paging *g = &n->paging;

	if (n->radio != RADIO_IDLE)
		return;
	n->radio = RADIO_PAGING;
	g->paged++;
	n->a->totals.paged++;
	g->since = loop_now(n->a->ue->loop);
	g->timer.fn = on_paging;
	timer_start(n->a->ue->loop, &g->timer, g->deaf ? n->a->conf.paging_time : g->delay);
	tell(n, "paging", "paging", why);
}

void idle_downlink(struct pdn *n)
{
	n->paging.reports++;
	idle_page(n, "downlink data");
}

void idle_stop(struct pdn *n)
{
	timer_stop(n->a->ue->loop, &n->paging.timer);
	n->radio = RADIO_UP;
}

/* --- procedures --- */

void pdn_wake(struct pdn *n, const char *why)
{
	struct paging *g = &n->paging;

	if (n->radio == RADIO_UP)
		return;
	if (n->radio == RADIO_PAGING)
		g->took = loop_now(n->a->ue->loop) - g->since;
	timer_stop(n->a->ue->loop, &g->timer);
	g->waited = up_waiting(n);
	g->services++;
	set_radio(n, RADIO_UP, false);
	tell(n, "service-request", "service request", why);
}

void pdn_service(struct phone *p)
{
	for (struct pdn *n = p->pdns; n; n = n->next)
		if (n->online && n->state == PDN_UP)
			pdn_wake(n, "uplink");
}

static void on_idle(void *arg, int err, const char *why)
{
	struct pdn *n = arg;

	if (err == -ECONNRESET) /* its end has been told */
		return;
	if (err)
		pdn_end(n, 0, err, "%s", why);
	else
		pdn_end(n, 0, 0, "%s: idle; downlink packets wait at the %s", n->apn,
			n->gtpu == GTPU_PFCP ? "SGW-U" : "SGW");
}

int pdn_idle(struct pdn *n, bool deaf, uint64_t delay, pdn_done *fn, void *arg)
{
	int r = n->state == PDN_UP ? 0 : -ENOTCONN;

	if (!r && n->gtpu != GTPU_PFCP && n->gtpu != GTPU_KIMS)
		r = -EOPNOTSUPP;
	if (!r)
		r = pdn_begin(n, fn, arg);
	if (r)
		return r;
	idle_stop(n);
	n->paging = (struct paging){ .deaf = deaf, .delay = delay };
	set_radio(n, RADIO_IDLE, false);
	tell(n, "idle", "S1 release", "idle");
	up_then(n, on_idle, n);
	return 0;
}

const struct paging *pdn_paging(const struct pdn *n, bool *ret_idle)
{
	*ret_idle = n->radio != RADIO_UP;
	return &n->paging;
}
