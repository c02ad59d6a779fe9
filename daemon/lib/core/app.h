/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What every daemon does the same way: options, configuration, log, control socket, signals,
 * readiness towards systemd, no core files, leaving cleanly.
 *
 *   kims-NF [-c FILE] [-n INSTANCE] [-r RUNDIR] [-s STATEDIR] [-l LEVEL] [--check] [--version] [--help]
 *
 * app_main() returns the exit status: 0 after SIGTERM, 1 for a start that failed (a sentence on
 * stderr), 2 for wrong usage, 78 (EX_CONFIG) for a wrong configuration.
 */
#ifndef KIMS_CORE_APP_H
#define KIMS_CORE_APP_H

#include "lib/core/conf.h"
#include "lib/core/ctl.h"
#include "lib/core/fsm.h"
#include "lib/core/loop.h"

struct app {
	struct loop *loop;
	const struct conf *conf;  /* the whole network's */
	const char *name;	  /* "pcscf" */
	const char *instance;	  /* "" or "2" */
	const char *run_dir;	  /* /run/kims */
	const char *state_dir;	  /* /var/lib/kims */
	const char *conf_path;
	void *nf;		  /* the function's own state, set by start() */
};

struct app_desc {
	const char *name;
	const char *summary; /* one line for --help */
	const struct ctl_cmd *cmds; /* called with app->nf */
	const struct fsm_desc *const *fsms; /* for --fsm; ends with NULL; NULL: none */
	bool secret; /* PR_SET_DUMPABLE 0, mlockall not needed, RLIMIT_CORE 0 */
	int (*start)(struct app *a, char *err, size_t errsize); /* 0 or -errno and a sentence */
	/* SIGHUP; may be NULL. The former configuration stays valid until the process ends. */
	void (*reload)(struct app *a, const struct conf *new_conf);
	/* Begins to leave; the loop goes on until app_stopped() or 5 s. May be NULL. */
	void (*stop)(struct app *a);
	void (*fini)(struct app *a);
};

int app_main(int argc, char **argv, const struct app_desc *d);
void app_stopped(struct app *a);
void app_ready(struct app *a); /* sd_notify READY=1; start() returning 0 does it unless app_defer_ready() was called */
void app_defer_ready(struct app *a);
void app_status(struct app *a, const char *fmt, ...) _printf_(2, 3); /* STATUS= */

#endif
