// SPDX-License-Identifier: GPL-2.0-or-later
/* Session profiles of subscribers; see profile.h. */
#include "lib/store/profile.h"

#include <arpa/inet.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/store/sqlite_util.h"

static const char schema[] =
	"CREATE TABLE IF NOT EXISTS session("
	"imsi TEXT NOT NULL, apn TEXT NOT NULL COLLATE NOCASE, qci INTEGER, arp INTEGER, ambr_ul INTEGER, ambr_dl INTEGER, "
	"rule TEXT, base TEXT, quota INTEGER, v4 TEXT, v6 TEXT, PRIMARY KEY(imsi, apn)) WITHOUT ROWID";

#define COLS "imsi, apn, qci, arp, ambr_ul, ambr_dl, rule, base, quota, v4, v6"

enum { S_PUT, S_DEL, S_FIND, S_EACH, N_STMTS };
static const char *const sql[N_STMTS] = {
	[S_PUT] = "INSERT OR REPLACE INTO session(" COLS
		  ") VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)",
	[S_DEL] = "DELETE FROM session WHERE imsi = ?1 AND (?2 IS NULL OR apn = ?2)",
	[S_FIND] = "SELECT " COLS
		   " FROM session WHERE imsi = ?1 AND apn IN (?2, '*') ORDER BY apn = '*' LIMIT 1",
	[S_EACH] = "SELECT " COLS " FROM session WHERE ?1 IS NULL OR imsi = ?1 ORDER BY imsi, apn",
};

struct profiles {
	sqlite3 *db;
	sqlite3_stmt *stmt[N_STMTS];
};

void profiles_path(const char *conf, const char *state_dir, char *dst, size_t size)
{
	if (*conf)
		snprintf(dst, size, "%s", conf);
	else
		snprintf(dst, size, "%s/%s", state_dir, PROFILE_FILE);
}

/* --- the text of a profile --- */

void profile_init(struct profile *p, const char *imsi, const char *apn)
{
	*p = (struct profile){ .ambr_ul = -1, .ambr_dl = -1, .quota = -1 };
	snprintf(p->imsi, sizeof(p->imsi), "%s", imsi);
	snprintf(p->apn, sizeof(p->apn), "%s", apn);
}

struct range {
	int min, max;
};
/* TS 23.401 4.7.2.1: a default bearer has no guaranteed rate. Rates in kbit/s are bit/s in 32 bits elsewhere. */
static const struct range qcis = { 5, 254 }, arps = { 1, 15 }, rates = { 0, 2000000 },
			  quotas = { 0, INT32_MAX };

static int set_number(struct str v, struct range r, int *ret)
{
	uint64_t n;

	if (str_to_u64(v, (uint64_t)r.max, &n) || (int)n < r.min)
		return -EINVAL;
	*ret = (int)n;
	return 0;
}

static int set_ambr(struct profile *p, struct str v)
{
	struct str up = { NULL, 0 };
	int ul, dl;

	if (!v.n) {
		p->ambr_ul = p->ambr_dl = -1;
		return 0;
	}
	if (!str_split(&v, '/', &up) || !v.p || set_number(up, rates, &ul) ||
	    set_number(v, rates, &dl))
		return -EINVAL;
	p->ambr_ul = ul;
	p->ambr_dl = dl;
	return 0;
}

static int set_address(struct profile *p, struct str v)
{
	char z[INET6_ADDRSTRLEN];
	struct in6_addr a6;
	struct in_addr a4;

	if (!v.n) {
		p->v4.s_addr = 0;
		p->v6 = in6addr_any;
		return 0;
	}
	if (str_copy(z, sizeof(z), v))
		return -EINVAL;
	if (inet_pton(AF_INET, z, &a4) == 1 && a4.s_addr) {
		p->v4 = a4;
		return 0;
	}
	if (inet_pton(AF_INET6, z, &a6) != 1)
		return -EINVAL;
	memset(&a6.s6_addr[8], 0, 8); /* a phone gets a /64 */
	if (IN6_IS_ADDR_UNSPECIFIED(&a6))
		return -EINVAL;
	p->v6 = a6;
	return 0;
}

static int set_word(char *dst, size_t size, struct str v)
{
	for (size_t i = 0; i < v.n; i++)
		if (v.p[i] <= ' ' || v.p[i] > '~')
			return -EINVAL;
	return str_copy(dst, size, v);
}

static int set(struct profile *p, struct str key, struct str v)
{
	int mb = -1, e;

	if (str_eqz(key, "qci"))
		return v.n ? set_number(v, qcis, &p->qci) : (p->qci = 0);
	if (str_eqz(key, "arp"))
		return v.n ? set_number(v, arps, &p->arp) : (p->arp = 0);
	if (str_eqz(key, "ambr"))
		return set_ambr(p, v);
	if (str_eqz(key, "rule"))
		return set_word(p->rule, sizeof(p->rule), v);
	if (str_eqz(key, "base"))
		return set_word(p->base, sizeof(p->base), v);
	if (str_eqz(key, "address"))
		return set_address(p, v);
	if (!str_eqz(key, "quota"))
		return -ENOENT;
	e = v.n ? set_number(v, quotas, &mb) : 0;
	if (!e)
		p->quota = mb;
	return e;
}

int profile_set(struct profile *p, struct str key, struct str value, char *err, size_t size)
{
	int e = set(p, key, value);

	if (e == -ENOENT)
		snprintf(err, size, "a session profile has no \"%.*s\"", STR_FMT(key));
	else if (e)
		snprintf(err, size, "%.*s: \"%.*s\" cannot be", STR_FMT(key), STR_FMT(value));
	return e ? -EINVAL : 0;
}

/* --- SQLite --- */

const char *profiles_error(const struct profiles *db)
{
	return sqlite3_errmsg(db->db);
}

static int stmt_of(struct profiles *db, int i, sqlite3_stmt **ret)
{
	int rc = SQLITE_OK;

	if (!db->stmt[i])
		rc = sqlite3_prepare_v3(db->db, sql[i], -1, SQLITE_PREPARE_PERSISTENT, &db->stmt[i],
					NULL);
	*ret = db->stmt[i];
	return rc ? sqlite_errno(rc) : 0;
}

static int finish(sqlite3_stmt *st)
{
	int rc = sqlite3_step(st);

	sqlite3_reset(st);
	sqlite3_clear_bindings(st);
	return rc == SQLITE_DONE ? 0 : sqlite_errno(rc);
}

static int open_file(struct profiles *db, const char *path, bool create)
{
	mode_t old = umask(0077);
	int rc = sqlite3_open_v2(path, &db->db,
				 SQLITE_OPEN_READWRITE | (create ? SQLITE_OPEN_CREATE : 0), NULL);

	if (!rc && create)
		sqlite_give_to_directory_owner(path);
	if (!rc)
		rc = sqlite3_exec(db->db, "PRAGMA busy_timeout=2000; PRAGMA journal_mode=WAL", NULL,
				  NULL, NULL);
	if (!rc)
		rc = sqlite3_exec(db->db, create ? schema : "SELECT " COLS " FROM session LIMIT 0",
				  NULL, NULL, NULL);
	umask(old);
	return rc;
}

int profiles_open(const char *path, bool create, struct profiles **ret, char *err, size_t size)
{
	struct profiles *db;
	int rc;

	if (!create && access(path, F_OK)) {
		snprintf(err, size, "there is no %s", path);
		return -ENOENT;
	}
	db = calloc(1, sizeof(*db));
	if (!db)
		return -ENOMEM;
	rc = open_file(db, path, create);
	if (!rc) {
		*ret = db;
		return 0;
	}
	snprintf(err, size, "cannot open the profiles %s: %s", path, profiles_error(db));
	profiles_close(db);
	return sqlite_errno(rc);
}

void profiles_close(struct profiles *db)
{
	if (!db)
		return;
	for (int i = 0; i < N_STMTS; i++)
		sqlite3_finalize(db->stmt[i]);
	sqlite3_close(db->db);
	free(db);
}

static int bind_z(sqlite3_stmt *st, int i, const char *z)
{
	return z ? sqlite3_bind_text(st, i, z, -1, SQLITE_TRANSIENT) : sqlite3_bind_null(st, i);
}

int profiles_put(struct profiles *db, const struct profile *p)
{
	char v4[INET_ADDRSTRLEN] = "", v6[INET6_ADDRSTRLEN] = "";
	sqlite3_stmt *st;
	int e = stmt_of(db, S_PUT, &st);

	if (e)
		return e;
	if (p->v4.s_addr)
		inet_ntop(AF_INET, &p->v4, v4, sizeof(v4));
	if (!IN6_IS_ADDR_UNSPECIFIED(&p->v6))
		inet_ntop(AF_INET6, &p->v6, v6, sizeof(v6));
	if (bind_z(st, 1, p->imsi) || bind_z(st, 2, p->apn) || sqlite3_bind_int(st, 3, p->qci) ||
	    sqlite3_bind_int(st, 4, p->arp) || sqlite3_bind_int(st, 5, p->ambr_ul) ||
	    sqlite3_bind_int(st, 6, p->ambr_dl) || bind_z(st, 7, p->rule) ||
	    bind_z(st, 8, p->base) || sqlite3_bind_int64(st, 9, p->quota) || bind_z(st, 10, v4) ||
	    bind_z(st, 11, v6))
		return -ENOMEM;
	return finish(st);
}

int profiles_del(struct profiles *db, const char *imsi, const char *apn)
{
	sqlite3_stmt *st;
	int e = stmt_of(db, S_DEL, &st);

	if (!e && (bind_z(st, 1, imsi) || bind_z(st, 2, apn)))
		e = -ENOMEM;
	if (!e)
		e = finish(st);
	return e ? e : sqlite3_changes(db->db) ? 0 : -ENOENT;
}

static struct str column(sqlite3_stmt *st, int i)
{
	const char *z = (const char *)sqlite3_column_text(st, i);

	return str_of(z ? z : "");
}

static int column_number(sqlite3_stmt *st, int i, struct range r, int absent)
{
	bool is = sqlite3_column_type(st, i) == SQLITE_INTEGER;
	int64_t n = sqlite3_column_int64(st, i);

	return is && n >= r.min && n <= r.max ? (int)n : absent;
}

/* What somebody wrote that this one would not take is not there. */
static void read_row(sqlite3_stmt *st, struct profile *p)
{
	profile_init(p, "", "");
	str_copy(p->imsi, sizeof(p->imsi), column(st, 0));
	str_copy(p->apn, sizeof(p->apn), column(st, 1));
	p->qci = column_number(st, 2, qcis, 0);
	p->arp = column_number(st, 3, arps, 0);
	p->ambr_ul = column_number(st, 4, rates, -1);
	p->ambr_dl = column_number(st, 5, rates, -1);
	set_word(p->rule, sizeof(p->rule), column(st, 6));
	set_word(p->base, sizeof(p->base), column(st, 7));
	p->quota = column_number(st, 8, quotas, -1);
	set_address(p, column(st, 9));
	if (column(st, 10).n)
		set_address(p, column(st, 10));
}

int profiles_find(struct profiles *db, struct str imsi, struct str apn, struct profile *ret)
{
	sqlite3_stmt *st;
	int e = stmt_of(db, S_FIND, &st), rc;

	if (e)
		return e;
	if (sqlite3_bind_text(st, 1, imsi.p ? imsi.p : "", (int)imsi.n, SQLITE_TRANSIENT) ||
	    sqlite3_bind_text(st, 2, apn.p ? apn.p : "", (int)apn.n, SQLITE_TRANSIENT))
		return -ENOMEM;
	rc = sqlite3_step(st);
	if (rc == SQLITE_ROW)
		read_row(st, ret);
	sqlite3_reset(st);
	return rc == SQLITE_ROW ? 0 : rc == SQLITE_DONE ? -ENOENT : sqlite_errno(rc);
}

int profiles_each(struct profiles *db, const char *imsi,
		  int (*fn)(void *arg, const struct profile *p), void *arg)
{
	struct profile p;
	sqlite3_stmt *st;
	int e = stmt_of(db, S_EACH, &st), rc = SQLITE_DONE;

	if (!e && bind_z(st, 1, imsi))
		e = -ENOMEM;
	while (!e && (rc = sqlite3_step(st)) == SQLITE_ROW) {
		read_row(st, &p);
		e = fn(arg, &p);
	}
	if (!e && rc != SQLITE_DONE)
		e = sqlite_errno(rc);
	if (st) {
		sqlite3_reset(st);
		sqlite3_clear_bindings(st);
	}
	return e;
}
