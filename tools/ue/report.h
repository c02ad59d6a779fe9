/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the user sees: a table with one line per step as it ends and progress on long ones; NDJSON
 * events as they happen with a final object; or both.
 */
#ifndef KIMS_UE_REPORT_H
#define KIMS_UE_REPORT_H

#include <jansson.h>

#include "phone.h"

struct step;

struct report_opts {
	bool table;	  /* on stdout */
	const char *json; /* path, "-": stdout; NULL: none */
	bool quiet;	  /* no progress */
};

int report_new(struct loop *l, const struct report_opts *o, struct report **ret);
void report_free(struct report *r);

/* An event of the JSON output; fields are stolen, NULL is fine. */
void report_event(struct report *r, const char *type, json_t *fields);
void report_phone(const struct phone *p, const char *type, json_t *fields);

/* title_width: of the longest title of a step. */
void report_begin(struct report *r, const char *title, size_t n_steps, size_t title_width);
void report_step_begin(struct report *r, const struct step *s);
void report_progress(struct report *r, const struct step *s, const char *text);
void report_step_end(struct report *r, const struct step *s);
void report_end(struct report *r, unsigned int held, unsigned int failed, unsigned int skipped);

#endif
