// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Steps: register, reregister, deregister, subscribe; for one phone or many, at a rate.
 */
#include <stdio.h>

#include "reg.h"
#include "report.h"
#include "stats.h"
#include "step.h"
#include "sub.h"

#define REG_TIMEOUT (150 * USEC_PER_SEC)

/* Lives as long as the step runs (step->priv). Phones answer by their place in list. */
struct many {
	struct step *s;
	struct phone **list;
	size_t n, started, ended, good;
	enum reg_what what;
	bool subscribe;
	int want; /* status */
	struct timer next;
	uint64_t sum_usec, max_usec;
	char first_bad[260], last[200];
};

static void end_step(struct many *m)
{
	struct step *s = m->s;

	timer_stop(step_loop(s), &m->next);
	json_decref(s->detail);
	s->detail =
		json_pack("{s:i, s:i, s:f, s:f}", "phones", (int)m->n, "as_expected", (int)m->good,
			  "mean_s", m->ended ? (double)m->sum_usec / (double)m->ended / 1e6 : 0,
			  "max_s", (double)m->max_usec / 1e6);
	if (m->good < m->n)
		step_end(s, false, "%zu of %zu: %s", m->good, m->n, m->first_bad);
	else if (m->n == 1)
		step_end(s, true, "%s", m->last);
	else
		step_end(s, true, "%zu: %s; mean %.0f ms", m->n, m->last,
			 (double)m->sum_usec / (double)m->n / 1e3);
}

static void one_ended(struct many *m, struct phone *p, bool good, const char *what, uint64_t usec)
{
	m->ended++;
	m->good += good;
	if (!good)
		stats_failed(p->ue, m->s->kind->name, what);
	else if (m->what == REG_REGISTER && usec)
		stats_took(p->ue, STATS_REGISTER, usec);
	m->sum_usec += usec;
	m->max_usec = MAX(m->max_usec, usec);
	if (!good && !*m->first_bad)
		snprintf(m->first_bad, sizeof(m->first_bad), "%s %s", p->name, what);
	if (m->ended > 1 && strcmp(m->last, what))
		what = "not all alike, see --json";
	snprintf(m->last, sizeof(m->last), "%s", what);
	if (m->ended == m->n)
		end_step(m);
	else if (m->s->a.window && m->started < m->n)
		timer_start(step_loop(m->s), &m->next, 0);
}

static void describe(const struct many *m, const struct phone *p, char *dst, size_t size)
{
	const struct reg_result *r = reg_last(p->reg);

	if (!r->status)
		snprintf(dst, size, "%s", r->why);
	else if (r->status != 200)
		snprintf(dst, size, "%s", *r->why ? r->why : "refused");
	else if (m->what == REG_DEREGISTER)
		snprintf(dst, size, "200");
	else
		snprintf(dst, size, "200, %s%s%s%s", r->protected ? "4 SAs " : "no IPsec",
			 r->security, r->resynced ? ", SQN resynchronised" : "",
			 r->challenged || p->conf.password ? "" : ", not challenged");
}

/* --- the subscription after it --- */

static void on_sub(void *arg, struct phone *p, const struct sub_result *r)
{
	struct many *m = arg;
	char text[160], what[200];

	if (r->status != 200 && r->status != 202)
		snprintf(what, sizeof(what), "SUBSCRIBE reg: %s%.0d",
			 r->err ? strerror(-r->err) : "", r->status);
	else if (!r->active)
		snprintf(what, sizeof(what),
			 "SUBSCRIBE reg %d, but no NOTIFY with an active contact", r->status);
	else {
		describe(m, p, text, sizeof(text));
		snprintf(what, sizeof(what), "%s, reg event active", text);
	}
	report_phone(p, "subscribed",
		     json_pack("{s:i, s:b, s:f}", "status", r->status, "active", r->active,
			       "seconds", (double)r->usec / 1e6));
	one_ended(m, p, r->active, what, reg_last(p->reg)->usec + r->usec);
}

/* --- registration --- */

static json_t *result_json(const struct reg_result *r)
{
	return json_pack("{s:i, s:i, s:s, s:b, s:b, s:s, s:i, s:f, s:f}", "status", r->status,
			 "err", r->err, "why", r->why, "challenged", r->challenged, "resynced",
			 r->resynced, "security", r->security, "expires", (int)r->expires,
			 "seconds", (double)r->usec / 1e6, "challenge_seconds",
			 (double)r->challenge_usec / 1e6);
}

static void on_reg(void *arg, struct phone *p, const struct reg_result *r)
{
	struct many *m = arg;
	char what[160];
	bool good = m->want ? r->status == m->want : r->status == 0;

	describe(m, p, what, sizeof(what));
	report_phone(p, "register-result", result_json(r));
	if (good && r->status == 200 && m->subscribe && p->conf.reg_event) {
		if (!sub_start(p, on_sub, m))
			return;
		good = false;
		snprintf(what, sizeof(what), "SUBSCRIBE could not be sent");
	}
	one_ended(m, p, good, what, r->usec);
}

static void start_one(struct many *m, struct phone *p)
{
	const struct step_args *a = &m->s->a;
	struct reg_opts o = { m->what, a->wrong_res, a->cleartext, a->expires, a->impu };
	int r = reg_start(p, &o, on_reg, m);

	if (r)
		one_ended(m, p, false,
			  r == -EBUSY ? "another registration is under way" : strerror(-r), 0);
}

/* So many as should have begun by now, and no more at once than the window. */
static size_t due(const struct many *m)
{
	const struct step_args *a = &m->s->a;
	size_t n = m->n;

	if (a->rate > 0)
		n = (size_t)((double)(loop_now(step_loop(m->s)) - m->s->began) * a->rate / 1e6) + 1;
	if (a->window)
		n = MIN(n, m->ended + a->window);
	return MIN(n, m->n);
}

/* The last one may end the step. */
static void on_next(struct timer *t)
{
	struct many *m = container_of(t, struct many, next);

	while (m->started < due(m))
		start_one(m, m->list[m->started++]);
	if (m->started < m->n && m->s->a.rate > 0)
		timer_start(step_loop(m->s), &m->next, 1000);
}

static struct many *many_new(struct step *s, enum reg_what what, bool subscribe)
{
	struct many *m = calloc(1, sizeof(*m));
	uint64_t want = 200;

	if (!m) {
		step_end(s, false, "out of memory");
		return NULL;
	}
	if (s->a.expect && !strcmp(s->a.expect, "timeout"))
		want = 0;
	else if (s->a.expect && str_to_u64(str_of(s->a.expect), 699, &want)) {
		step_end(s, false, "expect: a status code or timeout, not \"%s\"", s->a.expect);
		free(m);
		return NULL;
	}
	*m = (struct many){
		.s = s, .what = what, .subscribe = subscribe, .want = (int)want, .next.fn = on_next
	};
	s->priv = m;
	return step_phones(s, s->a.phone, &m->list, &m->n) ? NULL : m;
}

static void run(struct step *s, enum reg_what what, bool subscribe)
{
	struct many *m = many_new(s, what, subscribe);

	if (!s->a.expect)
		step_expects(s, "200 OK");
	if (m)
		on_next(&m->next);
}

static void start_register(struct step *s)
{
	run(s, REG_REGISTER, true);
}

static void start_reregister(struct step *s)
{
	run(s, REG_REFRESH, false);
}

static void start_deregister(struct step *s)
{
	run(s, REG_DEREGISTER, false);
}

static void tick(struct step *s, char *text, size_t size)
{
	struct many *m = s->priv;

	if (m)
		snprintf(text, size, "%zu of %zu done", m->ended, m->n);
}

static void abort_many(struct step *s)
{
	struct many *m = s->priv;

	if (!m)
		return;
	timer_stop(step_loop(s), &m->next);
	for (size_t i = 0; i < m->started; i++) {
		reg_abandon(m->list[i]->reg);
		sub_abandon(m->list[i]->sub);
	}
}

static void clean_many(struct step *s)
{
	struct many *m = s->priv;

	if (m)
		free(m->list);
}

static void start_subscribe(struct step *s)
{
	struct many *m = many_new(s, REG_REGISTER, true);

	step_expects(s, "NOTIFY active");
	if (!m)
		return;
	m->started = m->n;
	for (size_t i = 0; i < m->n; i++) {
		int r = sub_start(m->list[i], on_sub, m);

		if (r)
			one_ended(m, m->list[i], false, strerror(-r), 0);
	}
}

#define REG_KEYS "phone expect rate window wrong_res cleartext expires impu"

const struct step_kind step_register = {
	"register",
	REG_KEYS,
	"REGISTER until the final answer, then SUBSCRIBE to the reg event and its NOTIFY; expect: a status or timeout",
	REG_TIMEOUT,
	start_register,
	tick,
	abort_many,
	clean_many,
};
const struct step_kind step_reregister = {
	"reregister", REG_KEYS,		"refresh the registration; a challenge makes new SAs",
	REG_TIMEOUT,  start_reregister, tick,
	abort_many,   clean_many,
};
const struct step_kind step_deregister = {
	"deregister", REG_KEYS,	  "REGISTER with expires=0", REG_TIMEOUT, start_deregister, tick,
	abort_many,   clean_many,
};
const struct step_kind step_subscribe = {
	"subscribe", "phone",	      "SUBSCRIBE to the reg event once more",
	REG_TIMEOUT, start_subscribe, tick,
	abort_many,  clean_many,
};
