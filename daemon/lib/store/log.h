/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Inside lib/store: changes of key-value tables, in memory (the last state of each key) and in a log that is
 * appended to. The log is of this machine: numbers are in its byte order.
 */
#ifndef KIMS_STORE_LOG_H
#define KIMS_STORE_LOG_H

#include <uthash.h>

#include "lib/store/store.h"

struct store_change {
	UT_hash_handle hh;
	bool del;
	char *value;
	size_t n_value, n_name, n; /* n: octets of name, its NUL and the key */
	char name[];		   /* of the table, NUL, then the key */
};

struct store_changes {
	struct store_change *first;
	size_t bytes;
};

int store_changes_add(struct store_changes *c, bool del, struct str table, struct str key,
		      struct str value);	  /* -ENOMEM */
void store_changes_sort(struct store_changes *c); /* by table and key */
void store_changes_clear(struct store_changes *c);

static inline struct str store_change_key(const struct store_change *c)
{
	return (struct str){ c->name + c->n_name + 1, c->n - c->n_name - 1 };
}

struct store_log;
typedef int (*store_log_fn)(void *arg, bool del, struct str table, struct str key,
			    struct str value);

/* Beside the database of this path; calls fn for each record that is there, up to one that is torn. -errno. */
int store_log_open(const char *db, store_log_fn fn, void *arg, struct store_log **ret);
void store_log_close(struct store_log *g); /* NULL is fine; what is not flushed is lost */
int store_log_add(struct store_log *g, bool del, struct str table, struct str key,
		  struct str value);	  /* -ENOMEM, -EMSGSIZE */
int store_log_flush(struct store_log *g); /* one write(); -errno: dropped, the log is as before */
void store_log_restart(struct store_log *g); /* empty */

#endif
