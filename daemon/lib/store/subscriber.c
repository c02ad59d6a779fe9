// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Subscribers in SQLite; see subscriber.h. Every statement of this file is in one table and
 * prepared when it is first used.
 */
#include <sqlite3.h>
#include <stdio.h>
#include <sys/stat.h>

#include "lib/store/sqlite_util.h"
#include "lib/store/subscriber.h"

static const char schema[] =
	"CREATE TABLE IF NOT EXISTS subscriber("
	" id INTEGER PRIMARY KEY, imsi TEXT NOT NULL UNIQUE, impi TEXT NOT NULL UNIQUE,"
	" k BLOB NOT NULL, opc BLOB NOT NULL, amf BLOB NOT NULL, sqn INTEGER NOT NULL DEFAULT 0,"
	" visited TEXT NOT NULL DEFAULT '', mandatory TEXT NOT NULL DEFAULT '', optional TEXT NOT NULL DEFAULT '',"
	" scscf TEXT NOT NULL DEFAULT '', scscf_host TEXT NOT NULL DEFAULT '');"
	"CREATE TABLE IF NOT EXISTS impu("
	" impu TEXT PRIMARY KEY, sub INTEGER NOT NULL REFERENCES subscriber(id) ON DELETE CASCADE, ord INTEGER NOT NULL,"
	" iset INTEGER NOT NULL, barred INTEGER NOT NULL, profile TEXT NOT NULL, state INTEGER NOT NULL DEFAULT 0,"
	" pending INTEGER NOT NULL DEFAULT 0) WITHOUT ROWID;"
	"CREATE UNIQUE INDEX IF NOT EXISTS impu_sub ON impu(sub, ord);"
	"CREATE INDEX IF NOT EXISTS impu_state ON impu(state) WHERE state <> 0;"
	"CREATE TABLE IF NOT EXISTS profile("
	" name TEXT PRIMARY KEY, unregistered INTEGER NOT NULL, media INTEGER NOT NULL,"
	" ccf1 TEXT NOT NULL, ccf2 TEXT NOT NULL, ecf1 TEXT NOT NULL, ecf2 TEXT NOT NULL) WITHOUT ROWID;"
	"CREATE TABLE IF NOT EXISTS ifc("
	" profile TEXT NOT NULL REFERENCES profile(name) ON DELETE CASCADE, priority INTEGER NOT NULL, cnf INTEGER NOT NULL,"
	" part INTEGER NOT NULL, server TEXT NOT NULL, handling INTEGER NOT NULL, info TEXT NOT NULL, include INTEGER NOT NULL,"
	" PRIMARY KEY(profile, priority)) WITHOUT ROWID;"
	"CREATE TABLE IF NOT EXISTS spt("
	" profile TEXT NOT NULL, priority INTEGER NOT NULL, ord INTEGER NOT NULL, grp INTEGER NOT NULL, negated INTEGER NOT NULL,"
	" kind TEXT NOT NULL, a TEXT NOT NULL, b TEXT NOT NULL, PRIMARY KEY(profile, priority, ord),"
	" FOREIGN KEY(profile, priority) REFERENCES ifc(profile, priority) ON DELETE CASCADE) WITHOUT ROWID;"
	"INSERT OR IGNORE INTO profile VALUES('default', 0, -1, '', '', '', '');"
	"PRAGMA user_version=1;";

#define SUB_COLS "id, imsi, impi, k, opc, amf, sqn, visited, mandatory, optional, scscf, scscf_host"

enum {
	S_BEGIN,
	S_COMMIT,
	S_ROLLBACK,
	S_SAVE,
	S_RELEASE,
	S_UNDO,
	S_BY_IMPI,
	S_BY_IMPU,
	S_BY_IMSI,
	S_NEXT,
	S_COUNT_SUBS,
	S_COUNT_REG,
	S_IMPUS,
	S_NEW,
	S_UPDATE,
	S_DEL,
	S_DEL_IMPUS,
	S_NEW_IMPU,
	S_SQN,
	S_SERVER,
	S_STATE,
	S_P_GET,
	S_P_NEXT,
	S_P_DEL,
	S_P_NEW,
	S_IFCS,
	S_SPTS,
	S_NEW_IFC,
	S_NEW_SPT,
	N_STMTS
};

static const char *const sql[N_STMTS] = {
	[S_BEGIN] = "BEGIN IMMEDIATE",
	[S_COMMIT] = "COMMIT",
	[S_ROLLBACK] = "ROLLBACK",
	[S_SAVE] = "SAVEPOINT one",
	[S_RELEASE] = "RELEASE one",
	[S_UNDO] = "ROLLBACK TO one",
	[S_BY_IMPI] = "SELECT " SUB_COLS " FROM subscriber WHERE impi = ?1",
	[S_BY_IMPU] = "SELECT " SUB_COLS
		      " FROM subscriber WHERE id = (SELECT sub FROM impu WHERE impu = ?1)",
	[S_BY_IMSI] = "SELECT " SUB_COLS " FROM subscriber WHERE imsi = ?1",
	[S_NEXT] = "SELECT " SUB_COLS " FROM subscriber WHERE imsi > ?1 ORDER BY imsi LIMIT 1",
	[S_COUNT_SUBS] = "SELECT count(*) FROM subscriber",
	[S_COUNT_REG] = "SELECT count(DISTINCT sub) FROM impu WHERE state = 1",
	[S_IMPUS] =
		"SELECT impu, iset, barred, profile, state, pending FROM impu WHERE sub = ?1 ORDER BY ord",
	[S_NEW] =
		"INSERT INTO subscriber(imsi, impi, k, opc, amf, sqn, visited, mandatory, optional) VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
	[S_UPDATE] =
		"UPDATE subscriber SET imsi = ?1, impi = ?2, k = ?3, opc = ?4, amf = ?5, sqn = ?6, visited = ?7, mandatory = ?8, optional = ?9 "
		"WHERE id = ?10",
	[S_DEL] = "DELETE FROM subscriber WHERE id = ?1",
	[S_DEL_IMPUS] = "DELETE FROM impu WHERE sub = ?1",
	[S_NEW_IMPU] =
		"INSERT INTO impu(impu, sub, ord, iset, barred, profile, state, pending) VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
	[S_SQN] = "UPDATE subscriber SET sqn = ?2 WHERE id = ?1",
	[S_SERVER] = "UPDATE subscriber SET scscf = ?2, scscf_host = ?3 WHERE id = ?1",
	[S_STATE] = "UPDATE impu SET state = ?2, pending = ?3 WHERE impu = ?1",
	[S_P_GET] =
		"SELECT name, unregistered, media, ccf1, ccf2, ecf1, ecf2 FROM profile WHERE name = ?1",
	[S_P_NEXT] =
		"SELECT name, unregistered, media, ccf1, ccf2, ecf1, ecf2 FROM profile WHERE name > ?1 ORDER BY name LIMIT 1",
	[S_P_DEL] = "DELETE FROM profile WHERE name = ?1",
	[S_P_NEW] = "INSERT INTO profile VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7)",
	[S_IFCS] =
		"SELECT priority, cnf, part, server, handling, info, include FROM ifc WHERE profile = ?1 ORDER BY priority",
	[S_SPTS] =
		"SELECT grp, negated, kind, a, b FROM spt WHERE profile = ?1 AND priority = ?2 ORDER BY ord",
	[S_NEW_IFC] = "INSERT INTO ifc VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
	[S_NEW_SPT] = "INSERT INTO spt VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
};

struct subdb {
	sqlite3 *db;
	sqlite3_stmt *stmt[N_STMTS];
	bool in_transaction;
	char error[512];
};

/* --- SQLite, briefly --- */

static int errno_of(int rc)
{
	switch (rc & 0xff) {
	case SQLITE_CONSTRAINT:
		return -EEXIST;
	case SQLITE_CANTOPEN:
		return -ENOENT;
	}
	return sqlite_errno(rc);
}

static int fail(struct subdb *db, int rc)
{
	snprintf(db->error, sizeof(db->error), "%s", sqlite3_errmsg(db->db));
	return errno_of(rc);
}

static int stmt_of(struct subdb *db, int i, sqlite3_stmt **ret)
{
	int rc = SQLITE_OK;

	if (!db->stmt[i])
		rc = sqlite3_prepare_v3(db->db, sql[i], -1, SQLITE_PREPARE_PERSISTENT, &db->stmt[i],
					NULL);
	*ret = db->stmt[i];
	return rc ? fail(db, rc) : 0;
}

static int bind_z(sqlite3_stmt *st, int i, const char *z)
{
	return sqlite3_bind_text(st, i, z, -1, SQLITE_STATIC);
}

static int bind_s(sqlite3_stmt *st, int i, struct str s)
{
	return sqlite3_bind_text(st, i, s.p ? s.p : "", (int)s.n, SQLITE_STATIC);
}

/* Runs a statement that gives no rows. */
static int step_done(struct subdb *db, sqlite3_stmt *st)
{
	int rc = sqlite3_step(st), e = rc == SQLITE_DONE ? 0 : fail(db, rc);

	sqlite3_reset(st);
	return e;
}

static int run(struct subdb *db, int i)
{
	sqlite3_stmt *st;
	int e = stmt_of(db, i, &st);

	return e ? e : step_done(db, st);
}

static void column_z(sqlite3_stmt *st, int i, char *dst, size_t size)
{
	const char *p = (const char *)sqlite3_column_text(st, i);

	snprintf(dst, size, "%s", p ? p : "");
}

static void column_octets(sqlite3_stmt *st, int i, uint8_t *dst, size_t size)
{
	const void *p = sqlite3_column_blob(st, i);
	size_t n = (size_t)sqlite3_column_bytes(st, i);

	memset(dst, 0, size);
	if (p)
		memcpy(dst, p, MIN(n, size));
}

/* --- open and close --- */

static int set_up(struct subdb *db, bool create)
{
	int rc = sqlite3_exec(
		db->db,
		"PRAGMA busy_timeout=5000; PRAGMA foreign_keys=ON; PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL",
		NULL, NULL, NULL);

	if (!rc && create)
		rc = sqlite3_exec(db->db, schema, NULL, NULL, NULL);
	if (!rc && !create)
		rc = sqlite3_exec(db->db, "SELECT id FROM subscriber LIMIT 0", NULL, NULL, NULL);
	return rc ? fail(db, rc) : 0;
}

int subdb_open(const char *path, bool create, struct subdb **ret, char *err, size_t errsize)
{
	struct subdb *db = calloc(1, sizeof(*db));
	mode_t old;
	int e;

	if (!db)
		return -ENOMEM;
	old = umask(0077);
	e = sqlite3_open_v2(path, &db->db,
			    SQLITE_OPEN_READWRITE | (create ? SQLITE_OPEN_CREATE : 0), NULL);
	umask(old);
	if (e) {
		e = fail(db, e);
	} else {
		sqlite_give_to_directory_owner(path);
		e = set_up(db, create);
	}
	if (e) {
		snprintf(err, errsize, "cannot open the subscriber database %s: %s", path,
			 db->error);
		subdb_close(db);
		return e;
	}
	*ret = db;
	return 0;
}

void subdb_close(struct subdb *db)
{
	if (!db)
		return;
	subdb_rollback(db);
	for (int i = 0; i < N_STMTS; i++)
		sqlite3_finalize(db->stmt[i]);
	sqlite3_close(db->db);
	free(db);
}

const char *subdb_error(const struct subdb *db)
{
	return db->error;
}

int subdb_fast(struct subdb *db)
{
	int rc = sqlite3_exec(db->db, "PRAGMA synchronous=NORMAL; PRAGMA cache_size=-65536", NULL,
			      NULL, NULL);

	return rc ? fail(db, rc) : 0;
}

int subdb_begin(struct subdb *db)
{
	int e;

	if (db->in_transaction)
		return 0;
	e = run(db, S_BEGIN);
	db->in_transaction = !e;
	return e;
}

int subdb_commit(struct subdb *db)
{
	int e;

	if (!db->in_transaction)
		return 0;
	e = run(db, S_COMMIT);
	if (e)
		run(db, S_ROLLBACK);
	db->in_transaction = false;
	return e;
}

void subdb_rollback(struct subdb *db)
{
	if (db->in_transaction)
		run(db, S_ROLLBACK);
	db->in_transaction = false;
}

int subdb_savepoint(struct subdb *db)
{
	return run(db, S_SAVE);
}

void subdb_savepoint_end(struct subdb *db, bool keep)
{
	char error[sizeof(db->error)];

	memcpy(error, db->error, sizeof(error)); /* why it is undone */
	if (!keep)
		run(db, S_UNDO);
	run(db, S_RELEASE);
	memcpy(db->error, error, sizeof(error));
}

/* --- reading subscribers --- */

static void caps_read(const char *text, struct sub_caps *c)
{
	struct str rest = str_of(text), word;
	uint64_t v;

	c->n = 0;
	while (str_split(&rest, ',', &word))
		if (c->n < SUB_CAPS_MAX && !str_to_u64(str_trim(word), UINT32_MAX, &v))
			c->v[c->n++] = (uint32_t)v;
}

static void caps_write(const struct sub_caps *c, char *dst, size_t size)
{
	size_t n = 0;

	*dst = '\0';
	for (size_t i = 0; i < c->n && n < size; i++)
		n += (size_t)snprintf(dst + n, size - n, "%s%u", i ? "," : "", c->v[i]);
}

static void read_row(sqlite3_stmt *st, struct subscriber *s)
{
	char text[256];

	s->id = sqlite3_column_int64(st, 0);
	column_z(st, 1, s->imsi, sizeof(s->imsi));
	column_z(st, 2, s->impi, sizeof(s->impi));
	column_octets(st, 3, s->k, sizeof(s->k));
	column_octets(st, 4, s->opc, sizeof(s->opc));
	column_octets(st, 5, s->amf, sizeof(s->amf));
	s->sqn = (uint64_t)sqlite3_column_int64(st, 6);
	column_z(st, 7, s->visited, sizeof(s->visited));
	column_z(st, 8, text, sizeof(text));
	caps_read(text, &s->mandatory);
	column_z(st, 9, text, sizeof(text));
	caps_read(text, &s->optional);
	column_z(st, 10, s->scscf, sizeof(s->scscf));
	column_z(st, 11, s->scscf_host, sizeof(s->scscf_host));
}

static int read_impus(struct subdb *db, struct subscriber *s)
{
	sqlite3_stmt *st;
	int e = stmt_of(db, S_IMPUS, &st), rc = SQLITE_DONE;

	s->n_impu = 0;
	if (e)
		return e;
	sqlite3_bind_int64(st, 1, s->id);
	while (s->n_impu < SUB_IMPUS_MAX && (rc = sqlite3_step(st)) == SQLITE_ROW) {
		struct sub_impu *p = &s->impu[s->n_impu++];

		column_z(st, 0, p->impu, sizeof(p->impu));
		p->set = (unsigned int)sqlite3_column_int(st, 1);
		p->barred = sqlite3_column_int(st, 2);
		column_z(st, 3, p->profile, sizeof(p->profile));
		p->state = (enum sub_state)sqlite3_column_int(st, 4);
		p->pending = sqlite3_column_int(st, 5);
	}
	e = rc == SQLITE_DONE || rc == SQLITE_ROW ? 0 : fail(db, rc);
	sqlite3_reset(st);
	return e;
}

static int find(struct subdb *db, int which, struct str key, struct subscriber *ret)
{
	sqlite3_stmt *st;
	int e = stmt_of(db, which, &st), rc;

	if (e)
		return e;
	bind_s(st, 1, key);
	rc = sqlite3_step(st);
	if (rc == SQLITE_ROW)
		read_row(st, ret);
	else
		e = rc == SQLITE_DONE ? -ENOENT : fail(db, rc);
	sqlite3_reset(st);
	return e ? e : read_impus(db, ret);
}

int subdb_by_impi(struct subdb *db, struct str impi, struct subscriber *ret)
{
	return find(db, S_BY_IMPI, impi, ret);
}

int subdb_by_imsi(struct subdb *db, struct str imsi, struct subscriber *ret)
{
	return find(db, S_BY_IMSI, imsi, ret);
}

int subdb_next(struct subdb *db, const char *after_imsi, struct subscriber *ret)
{
	return find(db, S_NEXT, str_of(after_imsi), ret);
}

int subdb_by_impu(struct subdb *db, struct str impu, struct subscriber *ret, size_t *ret_i)
{
	int e = find(db, S_BY_IMPU, impu, ret);

	*ret_i = 0;
	for (size_t i = 0; !e && i < ret->n_impu; i++)
		if (str_eqz(impu, ret->impu[i].impu))
			*ret_i = i;
	return e;
}

static int count_one(struct subdb *db, int which, uint64_t *ret)
{
	sqlite3_stmt *st;
	int e = stmt_of(db, which, &st), rc;

	if (e)
		return e;
	rc = sqlite3_step(st);
	if (rc == SQLITE_ROW)
		*ret = (uint64_t)sqlite3_column_int64(st, 0);
	else
		e = fail(db, rc);
	sqlite3_reset(st);
	return e;
}

int subdb_count(struct subdb *db, uint64_t *ret_subscribers, uint64_t *ret_registered)
{
	int e = count_one(db, S_COUNT_SUBS, ret_subscribers);

	return e ? e : count_one(db, S_COUNT_REG, ret_registered);
}

/* --- writing subscribers --- */

static bool same_impu(const struct sub_impu *a, const struct sub_impu *b)
{
	return !strcmp(a->impu, b->impu) && a->set == b->set && a->barred == b->barred &&
	       !strcmp(a->profile, b->profile);
}

static bool same_caps(const struct sub_caps *a, const struct sub_caps *b)
{
	return a->n == b->n && !memcmp(a->v, b->v, a->n * sizeof(a->v[0]));
}

static bool same_impus(const struct subscriber *a, const struct subscriber *b)
{
	bool same = a->n_impu == b->n_impu;

	for (size_t i = 0; same && i < a->n_impu; i++)
		same = same_impu(&a->impu[i], &b->impu[i]);
	return same;
}

static bool same_subscriber(const struct subscriber *a, const struct subscriber *b)
{
	return !strcmp(a->impi, b->impi) && !memcmp(a->k, b->k, 16) &&
	       !memcmp(a->opc, b->opc, 16) && !memcmp(a->amf, b->amf, 2) &&
	       !strcmp(a->visited, b->visited) && same_caps(&a->mandatory, &b->mandatory) &&
	       same_caps(&a->optional, &b->optional) && same_impus(a, b);
}

/* State belongs to the identity: it stays when the operator changes something else of it. */
static void keep_state(struct subscriber *s, const struct subscriber *old)
{
	memcpy(s->scscf, old->scscf, sizeof(s->scscf));
	memcpy(s->scscf_host, old->scscf_host, sizeof(s->scscf_host));
	for (size_t i = 0; i < s->n_impu; i++)
		for (size_t j = 0; j < old->n_impu; j++)
			if (!strcmp(s->impu[i].impu, old->impu[j].impu)) {
				s->impu[i].state = old->impu[j].state;
				s->impu[i].pending = old->impu[j].pending;
			}
}

static int write_row(struct subdb *db, const struct subscriber *s, int which)
{
	char mandatory[256], optional[256];
	sqlite3_stmt *st;
	int e = stmt_of(db, which, &st);

	if (e)
		return e;
	caps_write(&s->mandatory, mandatory, sizeof(mandatory));
	caps_write(&s->optional, optional, sizeof(optional));
	bind_z(st, 1, s->imsi);
	bind_z(st, 2, s->impi);
	sqlite3_bind_blob(st, 3, s->k, 16, SQLITE_STATIC);
	sqlite3_bind_blob(st, 4, s->opc, 16, SQLITE_STATIC);
	sqlite3_bind_blob(st, 5, s->amf, 2, SQLITE_STATIC);
	sqlite3_bind_int64(st, 6, (sqlite3_int64)s->sqn);
	bind_z(st, 7, s->visited);
	bind_z(st, 8, mandatory);
	bind_z(st, 9, optional);
	if (which == S_UPDATE)
		sqlite3_bind_int64(st, 10, s->id);
	e = step_done(db, st);
	sqlite3_clear_bindings(st);
	if (e == -EEXIST)
		snprintf(db->error, sizeof(db->error),
			 "the private identity %s belongs to another subscriber", s->impi);
	return e;
}

static int write_impus(struct subdb *db, const struct subscriber *s)
{
	sqlite3_stmt *st;
	int e = stmt_of(db, S_NEW_IMPU, &st);

	for (size_t i = 0; !e && i < s->n_impu; i++) {
		const struct sub_impu *p = &s->impu[i];

		bind_z(st, 1, p->impu);
		sqlite3_bind_int64(st, 2, s->id);
		sqlite3_bind_int(st, 3, (int)i);
		sqlite3_bind_int(st, 4, (int)p->set);
		sqlite3_bind_int(st, 5, p->barred);
		bind_z(st, 6, *p->profile ? p->profile : "default");
		sqlite3_bind_int(st, 7, (int)p->state);
		sqlite3_bind_int(st, 8, p->pending);
		e = step_done(db, st);
		if (e == -EEXIST)
			snprintf(db->error, sizeof(db->error),
				 "the public identity %s belongs to another subscriber", p->impu);
	}
	return e;
}

static int run_id(struct subdb *db, int which, int64_t id)
{
	sqlite3_stmt *st;
	int e = stmt_of(db, which, &st);

	if (e)
		return e;
	sqlite3_bind_int64(st, 1, id);
	return step_done(db, st);
}

static int put_new(struct subdb *db, struct subscriber *s)
{
	int e = write_row(db, s, S_NEW);

	if (e)
		return e;
	s->id = sqlite3_last_insert_rowid(db->db);
	return write_impus(db, s);
}

static int put_changed(struct subdb *db, struct subscriber *s, const struct subscriber *old)
{
	int e;

	s->id = old->id;
	keep_state(s, old);
	e = write_row(db, s, S_UPDATE);
	if (!e && !same_impus(s, old)) {
		e = run_id(db, S_DEL_IMPUS, s->id);
		if (!e)
			e = write_impus(db, s);
	}
	return e;
}

int subdb_put(struct subdb *db, struct subscriber *s, bool set_sqn, enum sub_put *ret)
{
	struct subscriber old;
	int e = subdb_by_imsi(db, str_of(s->imsi), &old);

	if (e == -ENOENT) {
		*ret = SUB_NEW;
		return put_new(db, s);
	}
	if (e)
		return e;
	if (!set_sqn)
		s->sqn = old.sqn;
	*ret = same_subscriber(s, &old) && s->sqn == old.sqn ? SUB_SAME : SUB_CHANGED;
	return *ret == SUB_SAME ? 0 : put_changed(db, s, &old);
}

int subdb_del(struct subdb *db, int64_t id)
{
	return run_id(db, S_DEL, id);
}

int subdb_set_sqn(struct subdb *db, int64_t id, uint64_t sqn)
{
	sqlite3_stmt *st;
	int e = stmt_of(db, S_SQN, &st);

	if (e)
		return e;
	sqlite3_bind_int64(st, 1, id);
	sqlite3_bind_int64(st, 2, (sqlite3_int64)sqn);
	return step_done(db, st);
}

int subdb_set_server(struct subdb *db, int64_t id, struct str scscf, struct str host)
{
	sqlite3_stmt *st;
	int e = stmt_of(db, S_SERVER, &st);

	if (e)
		return e;
	sqlite3_bind_int64(st, 1, id);
	bind_s(st, 2, scscf);
	bind_s(st, 3, host);
	e = step_done(db, st);
	sqlite3_clear_bindings(st);
	return e;
}

int subdb_set_state(struct subdb *db, struct subscriber *s, size_t i, bool whole_set,
		    enum sub_state state, bool pending)
{
	sqlite3_stmt *st;
	int e = stmt_of(db, S_STATE, &st);

	for (size_t j = 0; !e && j < s->n_impu; j++) {
		struct sub_impu *p = &s->impu[j];

		if (j != i && !(whole_set && p->set == s->impu[i].set))
			continue;
		if (p->state == state && p->pending == pending)
			continue;
		bind_z(st, 1, p->impu);
		sqlite3_bind_int(st, 2, (int)state);
		sqlite3_bind_int(st, 3, pending);
		e = step_done(db, st);
		p->state = state;
		p->pending = pending;
	}
	return e;
}

const char *sub_state_name(enum sub_state s)
{
	switch (s) {
	case SUB_NOT_REGISTERED:
		return "not registered";
	case SUB_REGISTERED:
		return "registered";
	case SUB_UNREGISTERED:
		return "unregistered";
	}
	return "?";
}

/* --- service profiles --- */

static int read_spts(struct subdb *db, const char *profile, struct sub_ifc *f)
{
	sqlite3_stmt *st;
	int e = stmt_of(db, S_SPTS, &st);

	f->n_spt = 0;
	if (e)
		return e;
	bind_z(st, 1, profile);
	sqlite3_bind_int64(st, 2, f->priority);
	while (f->n_spt < SUB_SPTS_MAX && sqlite3_step(st) == SQLITE_ROW) {
		struct sub_spt *t = &f->spt[f->n_spt++];

		t->group = (unsigned int)sqlite3_column_int(st, 0);
		t->negated = sqlite3_column_int(st, 1);
		column_z(st, 2, t->kind, sizeof(t->kind));
		column_z(st, 3, t->a, sizeof(t->a));
		column_z(st, 4, t->b, sizeof(t->b));
	}
	sqlite3_reset(st);
	return 0;
}

static int read_ifcs(struct subdb *db, struct sub_profile *p)
{
	sqlite3_stmt *st;
	int e = stmt_of(db, S_IFCS, &st);

	p->n_ifc = 0;
	if (e)
		return e;
	bind_z(st, 1, p->name);
	while (!e && p->n_ifc < SUB_IFCS_MAX && sqlite3_step(st) == SQLITE_ROW) {
		struct sub_ifc *f = &p->ifc[p->n_ifc++];
		int include = sqlite3_column_int(st, 6);

		f->priority = (uint32_t)sqlite3_column_int64(st, 0);
		f->cnf = sqlite3_column_int(st, 1);
		f->part = sqlite3_column_int(st, 2);
		column_z(st, 3, f->server, sizeof(f->server));
		f->handling = sqlite3_column_int(st, 4);
		column_z(st, 5, f->service_info, sizeof(f->service_info));
		f->include_request = include & 1;
		f->include_response = include & 2;
		e = read_spts(db, p->name, f);
	}
	sqlite3_reset(st);
	return e;
}

static int profile_find(struct subdb *db, int which, const char *key, struct sub_profile *p)
{
	sqlite3_stmt *st;
	int e = stmt_of(db, which, &st), rc;

	if (e)
		return e;
	bind_z(st, 1, key);
	rc = sqlite3_step(st);
	if (rc == SQLITE_ROW) {
		column_z(st, 0, p->name, sizeof(p->name));
		p->unregistered = sqlite3_column_int(st, 1);
		p->media = sqlite3_column_int(st, 2);
		column_z(st, 3, p->ccf1, sizeof(p->ccf1));
		column_z(st, 4, p->ccf2, sizeof(p->ccf2));
		column_z(st, 5, p->ecf1, sizeof(p->ecf1));
		column_z(st, 6, p->ecf2, sizeof(p->ecf2));
	} else {
		e = rc == SQLITE_DONE ? -ENOENT : fail(db, rc);
	}
	sqlite3_reset(st);
	return e ? e : read_ifcs(db, p);
}

int subdb_profile_get(struct subdb *db, const char *name, struct sub_profile *ret)
{
	return profile_find(db, S_P_GET, name, ret);
}

int subdb_profile_next(struct subdb *db, const char *after, struct sub_profile *ret)
{
	return profile_find(db, S_P_NEXT, after, ret);
}

static int write_spt(struct subdb *db, const char *profile, const struct sub_ifc *f, size_t i)
{
	const struct sub_spt *t = &f->spt[i];
	sqlite3_stmt *st;
	int e = stmt_of(db, S_NEW_SPT, &st);

	if (e)
		return e;
	bind_z(st, 1, profile);
	sqlite3_bind_int64(st, 2, f->priority);
	sqlite3_bind_int(st, 3, (int)i);
	sqlite3_bind_int(st, 4, (int)t->group);
	sqlite3_bind_int(st, 5, t->negated);
	bind_z(st, 6, t->kind);
	bind_z(st, 7, t->a);
	bind_z(st, 8, t->b);
	return step_done(db, st);
}

static int write_ifc(struct subdb *db, const char *profile, const struct sub_ifc *f)
{
	sqlite3_stmt *st;
	int e = stmt_of(db, S_NEW_IFC, &st);

	if (e)
		return e;
	bind_z(st, 1, profile);
	sqlite3_bind_int64(st, 2, f->priority);
	sqlite3_bind_int(st, 3, f->cnf);
	sqlite3_bind_int(st, 4, f->part);
	bind_z(st, 5, f->server);
	sqlite3_bind_int(st, 6, f->handling);
	bind_z(st, 7, f->service_info);
	sqlite3_bind_int(st, 8, f->include_request | f->include_response << 1);
	e = step_done(db, st);
	if (e == -EEXIST)
		snprintf(db->error, sizeof(db->error), "profile %s has two criteria of priority %u",
			 profile, f->priority);
	for (size_t i = 0; !e && i < f->n_spt; i++)
		e = write_spt(db, profile, f, i);
	return e;
}

static bool same_ifc(const struct sub_ifc *a, const struct sub_ifc *b)
{
	bool same = a->priority == b->priority && a->cnf == b->cnf && a->part == b->part &&
		    !strcmp(a->server, b->server) && a->handling == b->handling &&
		    !strcmp(a->service_info, b->service_info) &&
		    a->include_request == b->include_request &&
		    a->include_response == b->include_response && a->n_spt == b->n_spt;

	for (size_t i = 0; same && i < a->n_spt; i++) {
		const struct sub_spt *s = &a->spt[i], *t = &b->spt[i];

		same = s->group == t->group && s->negated == t->negated &&
		       !strcmp(s->kind, t->kind) && !strcmp(s->a, t->a) && !strcmp(s->b, t->b);
	}
	return same;
}

static bool same_profile(const struct sub_profile *a, const struct sub_profile *b)
{
	bool same = a->unregistered == b->unregistered && a->media == b->media &&
		    !strcmp(a->ccf1, b->ccf1) && !strcmp(a->ccf2, b->ccf2) &&
		    !strcmp(a->ecf1, b->ecf1) && !strcmp(a->ecf2, b->ecf2) && a->n_ifc == b->n_ifc;

	for (size_t i = 0; same && i < a->n_ifc; i++)
		same = same_ifc(&a->ifc[i], &b->ifc[i]);
	return same;
}

static int write_profile(struct subdb *db, const struct sub_profile *p)
{
	sqlite3_stmt *st;
	int e = stmt_of(db, S_P_NEW, &st);

	if (e)
		return e;
	bind_z(st, 1, p->name);
	sqlite3_bind_int(st, 2, p->unregistered);
	sqlite3_bind_int(st, 3, p->media);
	bind_z(st, 4, p->ccf1);
	bind_z(st, 5, p->ccf2);
	bind_z(st, 6, p->ecf1);
	bind_z(st, 7, p->ecf2);
	return step_done(db, st);
}

static int delete_profile(struct subdb *db, const char *name)
{
	sqlite3_stmt *st;
	int e = stmt_of(db, S_P_DEL, &st);

	if (e)
		return e;
	bind_z(st, 1, name);
	return step_done(db, st);
}

int subdb_profile_put(struct subdb *db, const struct sub_profile *p, enum sub_put *ret)
{
	struct sub_profile *old = malloc(sizeof(*old));
	int e = old ? subdb_profile_get(db, p->name, old) : -ENOMEM;

	*ret = e == -ENOENT ? SUB_NEW : SUB_CHANGED;
	if (!e && same_profile(p, old))
		*ret = SUB_SAME;
	free(old);
	if ((e && e != -ENOENT) || *ret == SUB_SAME)
		return e;
	e = delete_profile(db, p->name);
	if (!e)
		e = write_profile(db, p);
	for (size_t i = 0; !e && i < p->n_ifc; i++)
		e = write_ifc(db, p->name, &p->ifc[i]);
	return e;
}
