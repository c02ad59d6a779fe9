/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Where scenarios come from: words of the command line, or a YAML file. Both fill a struct plan:
 * configurations of phones, and a tree of steps.
 */
#ifndef KIMS_UE_SCENARIO_H
#define KIMS_UE_SCENARIO_H

#include "phone_conf.h"
#include "sgw.h"
#include "step.h"

struct plan {
	struct phone_conf defaults;
	struct phone_conf *phones;
	size_t n_phones;
	struct scenario *sc;
	struct access_conf access;
	bool has_access; /* somebody said something of the access side */
};

int plan_init(struct plan *p, struct ue *ue);
void plan_free(struct plan *p);
/* A new phone with the defaults so far; NULL: no memory. Valid until the next call. */
struct phone_conf *plan_add_phone(struct plan *p);
int plan_set_access(struct plan *p, const char *text, char *err, size_t errsize); /* as below */
/* "key=value,key=value" over c. "key = value"s of one --phone or --set. */
int plan_set_phone(struct phone_conf *c, const char *text, char *err, size_t errsize);
/*
 * count phones from a table (CSV) whose first line names the columns: imsi, k, opc or op, amf, msisdn.
 * first_imsi NULL: from its first row. Other columns are ignored.
 */
int plan_load_csv(struct plan *p, const char *path, const char *first_imsi, size_t count, char *err,
		  size_t errsize);

/* Words of steps: "register call --from 1 --to 2 hangup". */
int scenario_words(struct plan *p, char **words, char *err, size_t errsize);
/* A YAML file; err begins with FILE:LINE. */
int scenario_file(struct plan *p, const char *path, char *err, size_t errsize);

#endif
