/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The command line of kims-ue.
 */
#ifndef KIMS_UE_OPTIONS_H
#define KIMS_UE_OPTIONS_H

#include "lib/core/log.h"
#include "report.h"
#include "scenario.h"

struct options {
	struct report_opts report;
	const char *ladder, *keys, *csv, *imsi;
	size_t count;
	uint64_t stats; /* usec between two events with figures; 0: none */
	bool keep_going, no_leave, check;
	enum log_level log_level;
};

void man_print(FILE *f); /* kims-ue(1) in mdoc, with the tables of phones and steps (man.c) */

/*
 * Reads argv into o and the plan. 0: go on; 1: nothing more to do, exit status 0 (--help ...);
 * -EINVAL: wrong usage, said on stderr.
 */
int options_read(int argc, char **argv, struct options *o, struct plan *p);

#endif
