/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What must survive: a table of key -> value records in an embedded database (SQLite, WAL).
 *
 * For registrations, SA sets and dialogs that a restarted daemon reads back. Writes are collected
 * and leave together at the round's end (or at once with store_flush()) for a log beside the
 * database; every few seconds they go to the database. A registration costs no fsync of its own; a crash of the
 * process loses nothing that a round has ended after, a crash of the machine at most the last seconds.
 * Subscribers, SQN and other typed data have headers of their own (subscriber.h).
 */
#ifndef KIMS_STORE_STORE_H
#define KIMS_STORE_STORE_H

#include "lib/core/loop.h"

struct store;

int store_open(struct loop *l, const char *path, struct store **ret); /* ":memory:" for tests; -EBUSY another process has it */
void store_close(struct store *s);				       /* commits */
/*
 * table: a short name like "registration". Key and value are octets. -ENOMEM, -EINVAL; or what an earlier flush
 * failed with: this change is taken nevertheless, and all are tried again.
 */
int store_put(struct store *s, const char *table, struct str key, struct str value);
int store_del(struct store *s, const char *table, struct str key); /* 0 also when absent */
int store_get(struct store *s, const char *table, struct str key, char **ret, size_t *ret_len); /* malloc'd; -ENOENT */
int store_each(struct store *s, const char *table, int (*fn)(void *arg, struct str key, struct str value), void *arg);
int store_flush(struct store *s); /* to be called by a function of the round's end that writes */
const char *store_error(const struct store *s);

#endif
