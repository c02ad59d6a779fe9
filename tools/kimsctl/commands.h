/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * kimsctl's commands: one row each in main.c, one file for each family of them.
 *
 * A command gets its arguments behind its own words. It prints its result on stdout (a table, or
 * JSON with --json), complaints as a sentence on stderr, and returns the exit status: 0 done,
 * 1 it failed or something is wrong, 2 wrong usage.
 */
#ifndef KIMSCTL_COMMANDS_H
#define KIMSCTL_COMMANDS_H

#include <jansson.h>

#include "lib/core/conf.h"

struct kimsctl {
	const char *conf_path; /* -c, else /etc/kims/kims.yaml if it exists, else NULL: defaults */
	const char *run_dir;   /* -r, /run/kims */
	const char *state_dir; /* -s, /var/lib/kims */
	bool json;	       /* --json */
	bool tty;	       /* stdout is a terminal: progress and colour make sense */
	struct conf *conf;     /* loaded on demand by kc_conf() */
};

struct kc_command {
	const char *words; /* "subscriber add" */
	const char *args;  /* "IMSI [--msisdn N] ..." for the usage line */
	const char *help;  /* one line */
	int (*fn)(struct kimsctl *k, int argc, char **argv); /* argv[0]: first word behind the command */
};

const struct conf *kc_conf(struct kimsctl *k); /* NULL: wrong, sentence printed */
/* Calls a daemon over its control socket; prints the sentence when it fails. 0 or -errno. */
int kc_call(struct kimsctl *k, const char *nf, json_t *request /* stolen */, json_t **ret_result);
int kc_fail(const char *fmt, ...) _printf_(1, 2); /* prints "kimsctl: ..." and returns 1 */

/* A table on stdout: cells are copied; columns as wide as needed. */
struct kc_table;
struct kc_table *kc_table_new(const char *const *heads, size_t n);
void kc_table_row(struct kc_table *t, const char *const *cells);
void kc_table_print(struct kc_table *t); /* and frees it */

/* A value as a cell of a table; and whether some value of an object contains key (NULL: any). */
void kc_cell(json_t *v, char *dst, size_t size);
bool kc_selected(json_t *obj, const char *key);

/*
 * A line of progress on stderr for work of more than two seconds: kc_progress("importing", done,
 * total); total 0: unknown; done == total ends the line. Prints nothing when not a terminal, but one line
 * every five seconds.
 */
void kc_progress(const char *what, uint64_t done, uint64_t total);

/* status.c */
int cmd_status(struct kimsctl *k, int argc, char **argv);
int cmd_ping(struct kimsctl *k, int argc, char **argv);
/* show.c */
int cmd_show(struct kimsctl *k, int argc, char **argv);
/* session.c, for subscriber.c */
int kc_session(struct kimsctl *k, int argc, char **argv); /* "subscriber session ..." */
void kc_session_gone(struct kimsctl *k, const char *imsi); /* the subscriber is deleted */
/* trace.c */
int cmd_trace(struct kimsctl *k, int argc, char **argv);
/* monitor.c */
int cmd_monitor(struct kimsctl *k, int argc, char **argv);
/* config.c */
int cmd_config_check(struct kimsctl *k, int argc, char **argv);
int cmd_config_sample(struct kimsctl *k, int argc, char **argv);
int cmd_config_man(struct kimsctl *k, int argc, char **argv);
/* dns.c */
int cmd_dns_zone(struct kimsctl *k, int argc, char **argv);
/* lab.c */
int cmd_lab(struct kimsctl *k, int argc, char **argv);
/* kernel_show.c: "show kernel" */
int cmd_show_kernel(struct kimsctl *k, int argc, char **argv);
/* kernel.c */
int cmd_kernel_clear(struct kimsctl *k, int argc, char **argv);
/* subscriber.c */
int cmd_subscriber(struct kimsctl *k, int argc, char **argv);
/* deregister.c */
int cmd_deregister(struct kimsctl *k, int argc, char **argv);

#endif
