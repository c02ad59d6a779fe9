/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Tables of options: one row per key with type, default and one line of documentation. The same
 * row serves the command line ("--phone key=value", "call --key value") and the YAML scenario.
 *
 * Invariant: a struct described by a table is always fully set: opt_defaults() first, then
 * opt_set() per key; opt_free() releases its strings.
 */
#ifndef KIMS_UE_OPT_H
#define KIMS_UE_OPT_H

#include <stdio.h>

#include "lib/core/base.h"

enum opt_type {
	OPT_STR,  /* char *, NULL when unset */
	OPT_BOOL, /* bool: yes/no */
	OPT_UINT, /* uint32_t */
	OPT_TIME, /* uint64_t, usec: "5s", "200ms", "2m", plain number: seconds */
	OPT_ENUM, /* int: index into names */
	OPT_REAL, /* double */
};

struct opt {
	const char *name; /* NULL ends the table */
	enum opt_type type;
	size_t off;
	const char *def;	  /* text of the default; NULL: zero */
	const char *const *names; /* OPT_ENUM: NULL-terminated */
	const char *doc;
};

/* Sets every field from the defaults, over whatever was there (no freeing). */
void opt_defaults(const struct opt *table, void *base);
void opt_free(const struct opt *table, void *base);
/* '-' and '_' in key are the same. -ENOENT: no such key; -EINVAL; -ENOMEM; a sentence in err. */
int opt_set(const struct opt *table, void *base, const char *key, const char *value, char *err,
	    size_t errsize);
const struct opt *opt_find(const struct opt *table, const char *key);
/* Copies all values (strings duplicated); dst is overwritten without freeing. */
int opt_copy(const struct opt *table, void *dst, const void *src);
void opt_print(const struct opt *table, FILE *f);
int opt_time_parse(const char *s, uint64_t *ret_usec); /* -EINVAL */

#endif
