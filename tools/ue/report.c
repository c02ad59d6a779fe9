// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Table and NDJSON output, as declared in report.h.
 *
 * A terminal gets progress in place; a pipe gets a progress line every PROGRESS_PIPE_USEC, so that
 * a log shows that something is going on without being flooded.
 */
#include "report.h"

#include <stdio.h>

#include "stats.h"
#include "step.h"

#define LIVE_FROM	   10 /* phones; fewer are seen step by step */
#define EXPECTED_WIDTH	   20
#define PROGRESS_PIPE_USEC (5 * USEC_PER_SEC)

struct report {
	struct loop *loop;
	bool table, quiet, tty, in_place;
	FILE *json;
	uint64_t last_progress, begun;
	int width; /* of the titles */
};

int report_new(struct loop *l, const struct report_opts *o, struct report **ret)
{
	struct report *r = calloc(1, sizeof(*r));
	int e;

	if (!r)
		return -ENOMEM;
	r->loop = l;
	r->table = o->table;
	r->quiet = o->quiet;
	r->tty = isatty(STDOUT_FILENO);
	if (o->json)
		r->json = !strcmp(o->json, "-") ? stdout : fopen(o->json, "we");
	if (o->json && !r->json) {
		e = -errno;
		free(r);
		return e;
	}
	*ret = r;
	return 0;
}

void report_free(struct report *r)
{
	if (!r)
		return;
	if (r->json && r->json != stdout)
		fclose(r->json);
	free(r);
}

/* --- JSON --- */

void report_event(struct report *r, const char *type, json_t *fields)
{
	json_t *o;

	if (!r || !r->json) {
		json_decref(fields);
		return;
	}
	o = json_pack("{s:f, s:f, s:s}", "time", (double)loop_wall(r->loop) / 1e6, "t",
		      (double)(loop_now(r->loop) - r->begun) / 1e6, "event", type);
	if (fields)
		json_object_update(o, fields);
	json_dumpf(o, r->json, JSON_COMPACT | JSON_PRESERVE_ORDER);
	fputc('\n', r->json);
	fflush(r->json);
	json_decref(o);
	json_decref(fields);
}

void report_phone(const struct phone *p, const char *type, json_t *fields)
{
	if (!fields)
		fields = json_object();
	json_object_set_new(fields, "phone", json_string(p->name));
	report_event(p->ue->report, type, fields);
}

static json_t *step_json(const struct step *s)
{
	json_t *o = json_pack("{s:i, s:s, s:s, s:s}", "step", (int)s->number, "name", s->title,
			      "kind", s->kind->name, "expected", s->expected);

	if (s->verdict == STEP_HELD || s->verdict == STEP_FAILED)
		json_object_set_new(o, "seconds", json_real((double)(s->ended - s->began) / 1e6));
	json_object_set_new(o, "seen", json_string(s->seen));
	json_object_set_new(o, "verdict", json_string(step_verdict_name(s->verdict)));
	if (s->detail)
		json_object_set(o, "detail", s->detail);
	return o;
}

/* --- table --- */

static const char *color(const struct report *r, enum verdict v)
{
	if (!r->tty)
		return "";
	switch (v) {
	case STEP_HELD:
		return "\033[32m";
	case STEP_FAILED:
		return "\033[31m";
	case STEP_WAITING:
	case STEP_RUNNING:
	case STEP_SKIPPED:
		return "\033[33m";
	}
	return "";
}

static void clear_progress(struct report *r)
{
	if (r->in_place)
		fputs("\r\033[K", stdout);
	r->in_place = false;
}

static void print_head(const struct report *r, const char *title)
{
	printf("%s\n%3s  %-*s  %-7s  %9s  %-*s  %s\n", title, "#", r->width, "step", "verdict",
	       "time", EXPECTED_WIDTH, "expected", "seen");
}

void report_begin(struct report *r, const char *title, size_t n_steps, size_t title_width)
{
	r->begun = loop_now(r->loop);
	r->width = (int)MAX(title_width, sizeof("step") - 1);
	report_event(r, "begin", json_pack("{s:s, s:i}", "title", title, "steps", (int)n_steps));
	if (r->table)
		print_head(r, title);
	fflush(stdout);
}

void report_step_begin(struct report *r, const struct step *s)
{
	r->last_progress = loop_now(r->loop);
	report_event(r, "step-begin",
		     json_pack("{s:i, s:s, s:s}", "step", (int)s->number, "name", s->title,
			       "expected", s->expected));
	if (r->tty)
		report_progress(r, s, "");
}

/* The live view: how all phones are, before what the step says of itself. */
static const char *live(const struct ue *ue, char *dst, size_t size)
{
	struct stats_count c;

	*dst = '\0';
	if (ue->n_phones < LIVE_FROM)
		return dst;
	c = stats_count(ue);
	snprintf(dst, size, "%zu attached, %zu registered, %zu calls, %llu failures | ", c.attached,
		 c.registered, c.calls, (unsigned long long)ue->failures);
	return dst;
}

void report_progress(struct report *r, const struct step *s, const char *text)
{
	char all[120];
	uint64_t now = loop_now(r->loop);
	double sec = (double)(now - s->began) / 1e6;
	bool due = now - r->last_progress >= PROGRESS_PIPE_USEC;

	if (!r->table || r->quiet || (!r->tty && !due))
		return;
	printf("%s%3u  %-*s  %-7s  %7.0f s  %-*s  %s%s%s", r->tty ? "\r\033[K" : "", s->number,
	       r->width, s->title, "...", sec, EXPECTED_WIDTH, s->expected,
	       live(s->sc->ue, all, sizeof(all)), text, r->tty ? "" : "\n");
	r->in_place = r->tty;
	r->last_progress = now;
	fflush(stdout);
}

static void print_verdict(struct report *r, const struct step *s)
{
	clear_progress(r);
	printf("%3u  %-*s  %s%-7s%s  ", s->number, r->width, s->title, color(r, s->verdict),
	       step_verdict_name(s->verdict), r->tty ? "\033[0m" : "");
	if (s->verdict == STEP_SKIPPED)
		printf("%9s", "-");
	else
		printf("%7.3f s", (double)(s->ended - s->began) / 1e6);
	printf("  %-*s  %s\n", EXPECTED_WIDTH, s->expected, s->seen);
	fflush(stdout);
}

void report_step_end(struct report *r, const struct step *s)
{
	report_event(r, "step", step_json(s));
	if (r->table)
		print_verdict(r, s);
}

void report_end(struct report *r, unsigned int held, unsigned int failed, unsigned int skipped)
{
	report_event(r, "end",
		     json_pack("{s:i, s:i, s:i, s:b}", "held", (int)held, "failed", (int)failed,
			       "skipped", (int)skipped, "ok", !failed && !skipped));
	if (!r->table)
		return;
	clear_progress(r);
	printf("%u held, %u failed, %u skipped, %.1f s\n", held, failed, skipped,
	       (double)(loop_now(r->loop) - r->begun) / 1e6);
	fflush(stdout);
}
