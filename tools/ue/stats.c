// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Figures of all phones together, as declared in stats.h.
 */
#include "stats.h"

#include <stdio.h>

#include "call.h"
#include "reg.h"
#include "report.h"
#include "samples.h"
#include "sgw.h"

#define REASONS 24 /* different ones that are told apart */

struct reason {
	char text[140];
	uint64_t n;
};

struct stats {
	struct ue *ue;
	struct timer tick;
	uint64_t interval;
	size_t most_calls;
	struct samples times[STATS_WHATS]; /* tenths of a millisecond */
	struct reason reasons[REASONS];
	size_t n_reasons;
};

static const char *const what_names[] = {
	[STATS_ATTACH] = "attach",
	[STATS_REGISTER] = "register",
	[STATS_SETUP] = "setup",
};

/* --- what happened --- */

void stats_took(struct ue *ue, enum stats_what what, uint64_t usec)
{
	if (ue->stats)
		samples_add(&ue->stats->times[what], (uint32_t)MIN(usec / 100, UINT32_MAX));
}

void stats_failed(struct ue *ue, const char *step, const char *why)
{
	struct stats *s = ue->stats;
	struct reason *r;
	char text[140];

	ue->failures++;
	if (!s)
		return;
	snprintf(text, sizeof(text), "%s: %s", step, why);
	for (r = s->reasons; r < s->reasons + s->n_reasons && strcmp(r->text, text); r++)
		;
	if (r == s->reasons + REASONS) /* the last one takes what is too various */
		snprintf((--r)->text, sizeof(r->text), "other reasons");
	else if (r == s->reasons + s->n_reasons)
		snprintf(s->reasons[s->n_reasons++].text, sizeof(text), "%s", text);
	r->n++;
}

/* --- how it is --- */

struct stats_count stats_count(const struct ue *ue)
{
	struct stats_count c = { 0, 0, 0 };

	for (size_t i = 0; i < ue->n_phones; i++) {
		const struct phone *p = ue->phones[i];
		const struct pdn *n = pdn_of(p, NULL);

		c.attached += n && pdn_state(n) == PDN_UP;
		c.registered += reg_is_registered(p->reg);
		for (const struct call *k = p->calls; k; k = k->next)
			c.calls += k->caller && k->state == CALL_UP;
	}
	return c;
}

static double percentile_s(const struct samples *t, unsigned int percent)
{
	return samples_percentile(t, percent) / 1e4;
}

static json_t *times_json(struct samples *t)
{
	if (!t->n)
		return json_pack("{s:i}", "n", 0);
	samples_sort(t);
	return json_pack("{s:i, s:f, s:f, s:f}", "n", (int)t->n, "p50", percentile_s(t, 50), "p95",
			 percentile_s(t, 95), "max", percentile_s(t, 100));
}

static json_t *rtp_json(const struct ue_rtp *r)
{
	return json_pack("{s:I, s:I, s:I, s:I, s:I}", "sent", (json_int_t)r->sent, "received",
			 (json_int_t)r->received, "lost", (json_int_t)r->lost, "skipped",
			 (json_int_t)r->skipped, "outside", (json_int_t)r->outside);
}

static json_t *reasons_json(const struct stats *s)
{
	json_t *o = json_object();

	for (size_t i = 0; i < s->n_reasons; i++)
		json_object_set_new(o, s->reasons[i].text,
				    json_integer((json_int_t)s->reasons[i].n));
	return o;
}

static void tell(struct stats *s)
{
	struct stats_count c = stats_count(s->ue);
	json_t *o;

	s->most_calls = MAX(s->most_calls, c.calls);
	o = json_pack("{s:i, s:i, s:i, s:i, s:i, s:I, s:o, s:o}", "phones", (int)s->ue->n_phones,
		      "attached", (int)c.attached, "registered", (int)c.registered, "calls",
		      (int)c.calls, "most_calls", (int)s->most_calls, "failures",
		      (json_int_t)s->ue->failures, "reasons", reasons_json(s), "rtp",
		      rtp_json(&s->ue->rtp));
	for (size_t i = 0; o && i < STATS_WHATS; i++)
		json_object_set_new(o, what_names[i], times_json(&s->times[i]));
	report_event(s->ue->report, "stats", o);
}

static void on_tick(struct timer *t)
{
	struct stats *s = container_of(t, struct stats, tick);

	tell(s);
	timer_start(s->ue->loop, &s->tick, s->interval);
}

/* --- life --- */

int stats_new(struct ue *ue, struct stats **ret)
{
	struct stats *s = calloc(1, sizeof(*s));

	if (!s)
		return -ENOMEM;
	s->ue = ue;
	s->tick.fn = on_tick;
	*ret = s;
	return 0;
}

void stats_start(struct stats *s, uint64_t interval)
{
	s->interval = interval;
	if (interval)
		on_tick(&s->tick);
}

void stats_free(struct stats *s)
{
	if (!s)
		return;
	timer_stop(s->ue->loop, &s->tick);
	for (size_t i = 0; i < STATS_WHATS; i++)
		samples_free(&s->times[i]);
	free(s);
}
