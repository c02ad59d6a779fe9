// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Key-value tables in SQLite (WAL), with a log in front. One process owns the file: the lock is taken
 * exclusively, so a second daemon of the same name cannot start on it.
 *
 * What changes is kept in memory, the last state of each key, and appended to a log beside the database (log.c)
 * at the end of the round: one write() however many registrations changed. Now and then the
 * changes go to the database in one transaction and the log starts again: a record that comes and goes meanwhile,
 * like that of a call, costs the database nothing. Opening applies what a killed process left in the log.
 *
 * Invariants: what a flush has returned for is in the log or in the database; the log holds nothing older than
 * what the database has; applying it twice changes nothing.
 */
#include <sqlite3.h>
#include <stdio.h>
#include <sys/stat.h>

#include "lib/core/log.h"
#include "lib/store/log.h"
#include "lib/store/sqlite_util.h"

enum { PUT, DEL, GET, EACH, N_STMT };

struct table {
	struct table *next;
	char name[32];
	sqlite3_stmt *stmt[N_STMT];
};

#define BATCH_BYTES (256U << 10)       /* of changes: then they go to the database */
#define BATCH_USEC  (5 * USEC_PER_SEC) /* at the latest */

struct store {
	sqlite3 *db;
	struct loop *loop; /* NULL: flushed by the owner only */
	struct table *tables;
	struct store_changes changes; /* not in the database yet */
	struct store_log *log;	      /* NULL: a database in memory */
	struct timer batch;
	int lost; /* -errno of a flush that nobody was told of */
	char error[256];
};

static int fail(struct store *s, int rc)
{
	int e = sqlite_errno(rc);

	snprintf(s->error, sizeof(s->error), "%s",
		 s->db ? sqlite3_errmsg(s->db) : sqlite3_errstr(rc));
	return e == -EUCLEAN ? -EIO : e; /* nobody above tells a damaged file apart */
}

static int run(struct store *s, const char *sql)
{
	int rc = sqlite3_exec(s->db, sql, NULL, NULL, NULL);

	return rc ? fail(s, rc) : 0;
}

static int table_of(struct store *s, const char *name, struct table **ret);
static int write_change(struct store *s, const struct store_change *c);

/* Outside of the transaction, which may be rolled back. */
static int open_tables(struct store *s)
{
	struct table *t;
	int e = 0;

	for (const struct store_change *c = s->changes.first; c && !e; c = c->hh.next)
		e = table_of(s, c->name, &t);
	return e;
}

/* The changes go to the database. They stay where they are when it refuses. */
static int apply(struct store *s)
{
	int e;

	if (!s->changes.first)
		return 0;
	store_changes_sort(&s->changes);
	e = open_tables(s);
	if (!e)
		e = run(s, "BEGIN IMMEDIATE");
	if (e)
		return e;
	for (const struct store_change *c = s->changes.first; c && !e; c = c->hh.next)
		e = write_change(s, c);
	if (!e)
		e = run(s, "COMMIT");
	if (e) {
		sqlite3_exec(s->db, "ROLLBACK", NULL, NULL, NULL);
		return e;
	}
	store_changes_clear(&s->changes);
	if (s->log)
		store_log_restart(s->log);
	if (s->loop)
		timer_stop(s->loop, &s->batch);
	return 0;
}

/* A log that cannot be written is no loss as long as the database can. */
int store_flush(struct store *s)
{
	int e = s->log ? store_log_flush(s->log) : 0;

	if (e)
		snprintf(s->error, sizeof(s->error), "log: %s", strerror(-e));
	if (e || s->changes.bytes >= BATCH_BYTES)
		e = apply(s);
	if (e)
		s->lost = e;
	return e;
}

static void on_batch(struct timer *t)
{
	struct store *s = container_of(t, struct store, batch);

	s->lost = apply(s);
	if (s->lost)
		timer_start(s->loop, t, BATCH_USEC);
}

/* The loop keeps (function, argument) pairs for its life, so its argument must outlive a store. */
static struct holder {
	struct store *s;
} holders[8];

static void on_round_end(void *arg)
{
	struct holder *h = arg;

	if (h->s && store_flush(h->s))
		log_debug("store: %s", h->s->error);
}

static int hook_loop(struct store *s, struct loop *l)
{
	for (size_t i = 0; i < ARRAY_SIZE(holders); i++) {
		if (holders[i].s)
			continue;
		holders[i].s = s;
		return loop_on_round_end(l, on_round_end, &holders[i]);
	}
	return -ENOSPC;
}

static void unhook(const struct store *s)
{
	for (size_t i = 0; i < ARRAY_SIZE(holders); i++)
		if (holders[i].s == s)
			holders[i].s = NULL;
}

static int take(void *arg, bool del, struct str table, struct str key, struct str value)
{
	struct store *s = arg;

	return store_changes_add(&s->changes, del, table, key, value);
}

static int open_log(struct store *s, const char *path)
{
	int e;

	if (!strcmp(path, ":memory:"))
		return 0;
	e = store_log_open(path, take, s, &s->log);
	return e ? e : apply(s);
}

static void store_free(struct store *s)
{
	struct table *t;

	unhook(s);
	if (s->loop)
		timer_stop(s->loop, &s->batch);
	while ((t = s->tables)) {
		s->tables = t->next;
		for (int i = 0; i < N_STMT; i++)
			sqlite3_finalize(t->stmt[i]);
		free(t);
	}
	store_changes_clear(&s->changes);
	store_log_close(s->log);
	sqlite3_close(s->db);
	free(s);
}

int store_open(struct loop *l, const char *path, struct store **ret)
{
	struct store *s = calloc(1, sizeof(*s));
	mode_t old;
	int e;

	if (!s)
		return -ENOMEM;
	old = umask(0077);
	e = sqlite3_open_v2(path, &s->db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, NULL);
	umask(old);
	s->loop = l;
	s->batch.fn = on_batch;
	if (e)
		e = fail(s, e);
	if (!e)
		e = run(s,
			"PRAGMA locking_mode=EXCLUSIVE; PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL");
	if (!e)
		e = run(s,
			"BEGIN IMMEDIATE; COMMIT"); /* takes the lock now, not at the first write */
	if (!e)
		e = open_log(s, path);
	if (!e && l)
		e = hook_loop(s, l);
	if (e) {
		log_debug("store %s: %s", path, s->error);
		store_free(s);
		return e;
	}
	*ret = s;
	return 0;
}

void store_close(struct store *s)
{
	if (!s)
		return;
	if (!store_flush(s))
		apply(s);
	store_free(s);
}

const char *store_error(const struct store *s)
{
	return s->error;
}

static bool name_ok(const char *name)
{
	size_t n = strspn(name, "abcdefghijklmnopqrstuvwxyz_");

	return n && !name[n] && n < sizeof(((struct table *)0)->name);
}

static int prepare(struct store *s, struct table *t)
{
	static const char *const sql[N_STMT] = {
		[PUT] = "INSERT INTO kv_%s(k, v) VALUES(?1, ?2) ON CONFLICT(k) DO UPDATE SET v = ?2",
		[DEL] = "DELETE FROM kv_%s WHERE k = ?1",
		[GET] = "SELECT v FROM kv_%s WHERE k = ?1",
		[EACH] = "SELECT k, v FROM kv_%s ORDER BY k",
	};
	char q[160];
	int rc, e;

	snprintf(
		q, sizeof(q),
		"CREATE TABLE IF NOT EXISTS kv_%s(k BLOB PRIMARY KEY, v BLOB NOT NULL) WITHOUT ROWID",
		t->name);
	e = run(s, q);
	for (int i = 0; i < N_STMT && !e; i++) {
		snprintf(q, sizeof(q), sql[i],
			 t->name); /* NOLINT: formats are the constants above */
		rc = sqlite3_prepare_v3(s->db, q, -1, SQLITE_PREPARE_PERSISTENT, &t->stmt[i], NULL);
		e = rc ? fail(s, rc) : 0;
	}
	return e;
}

static int table_of(struct store *s, const char *name, struct table **ret)
{
	struct table *t;
	int e;

	for (t = s->tables; t; t = t->next) {
		if (!strcmp(t->name, name)) {
			*ret = t;
			return 0;
		}
	}
	if (!name_ok(name))
		return -EINVAL;
	t = calloc(1, sizeof(*t));
	if (!t)
		return -ENOMEM;
	snprintf(t->name, sizeof(t->name), "%s", name);
	e = prepare(s, t);
	if (e) {
		for (int i = 0; i < N_STMT; i++)
			sqlite3_finalize(t->stmt[i]);
		free(t);
		return e;
	}
	t->next = s->tables;
	s->tables = t;
	*ret = t;
	return 0;
}

static int bind(sqlite3_stmt *st, int i, struct str v)
{
	return sqlite3_bind_blob64(st, i, v.p ? v.p : "", v.n, SQLITE_STATIC);
}

static int step_write(struct store *s, sqlite3_stmt *st)
{
	int rc = sqlite3_step(st);

	sqlite3_reset(st);
	sqlite3_clear_bindings(st);
	return rc == SQLITE_DONE ? 0 : fail(s, rc);
}

static int write_change(struct store *s, const struct store_change *c)
{
	struct str key = store_change_key(c);
	struct table *t;
	sqlite3_stmt *st;
	int e = table_of(s, c->name, &t);

	if (e)
		return e;
	st = t->stmt[c->del ? DEL : PUT];
	bind(st, 1, key);
	if (!c->del)
		bind(st, 2, (struct str){ c->value, c->n_value });
	return step_write(s, st);
}

/* Takes the change in any case; an error may be one of an earlier flush. */
static int change(struct store *s, bool del, const char *table, struct str key, struct str value)
{
	int e;

	if (!name_ok(table))
		return -EINVAL;
	e = take(s, del, str_of(table), key, value);
	if (!e && s->log)
		e = store_log_add(s->log, del, str_of(table), key, value);
	if (!e) {
		e = s->lost;
		s->lost = 0;
	}
	if (s->loop && !timer_running(&s->batch))
		timer_start(s->loop, &s->batch, BATCH_USEC);
	return e;
}

int store_put(struct store *s, const char *table, struct str key, struct str value)
{
	return change(s, false, table, key, value);
}

int store_del(struct store *s, const char *table, struct str key)
{
	return change(s, true, table, key, (struct str){ NULL, 0 });
}

int store_get(struct store *s, const char *table, struct str key, char **ret, size_t *ret_len)
{
	struct table *t;
	sqlite3_stmt *st;
	int e = apply(s), rc;

	if (!e)
		e = table_of(s, table, &t);
	if (e)
		return e;
	st = t->stmt[GET];
	bind(st, 1, key);
	rc = sqlite3_step(st);
	if (rc == SQLITE_ROW) {
		size_t n = (size_t)sqlite3_column_bytes(st, 0);
		char *p = malloc(n + 1);

		if (p) {
			if (n)
				memcpy(p, sqlite3_column_blob(st, 0), n);
			p[n] = '\0';
			*ret = p;
			*ret_len = n;
		}
		e = p ? 0 : -ENOMEM;
	} else {
		e = rc == SQLITE_DONE ? -ENOENT : fail(s, rc);
	}
	sqlite3_reset(st);
	sqlite3_clear_bindings(st);
	return e;
}

static struct str column(sqlite3_stmt *st, int i)
{
	const char *p = sqlite3_column_blob(st, i);

	return (struct str){ p ? p : "", (size_t)sqlite3_column_bytes(st, i) };
}

int store_each(struct store *s, const char *table,
	       int (*fn)(void *arg, struct str key, struct str value), void *arg)
{
	struct table *t;
	int e = apply(s), rc = SQLITE_DONE;

	if (!e)
		e = table_of(s, table, &t);
	if (e)
		return e;
	while (!e && (rc = sqlite3_step(t->stmt[EACH])) == SQLITE_ROW)
		e = fn(arg, column(t->stmt[EACH], 0), column(t->stmt[EACH], 1));
	if (!e && rc != SQLITE_DONE)
		e = fail(s, rc);
	sqlite3_reset(t->stmt[EACH]);
	return e;
}
