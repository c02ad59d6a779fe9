// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * kimsctl subscriber: the subscribers of the HSS.
 *
 * Writes straight into the database (WAL: the HSS reads and writes beside us). The HSS is told what the
 * network must hear of: before a deletion, so that it sends an RTR to the S-CSCF in charge, and after a
 * change of somebody registered, so that it sends a PPR. When it does not run, nobody is registered.
 *
 * An import first reads and checks the whole file; only when nothing is wrong with it does it write, a thousand
 * rows to a transaction so that the HSS never waits long. It is idempotent.
 */
#include <stdio.h>
#include <sys/stat.h>
#include <time.h>
#include <uthash.h>

#include "commands.h"
#include "lib/core/ctl.h"
#include "lib/core/log.h"
#include "sub.h"

#define CHUNK	     1000
#define ERRORS_SHOWN 20

static int usage(void)
{
	fputs("usage: kimsctl subscriber add IMSI --k HEX (--opc HEX | --op HEX) [KEYS]\n"
	      "       kimsctl subscriber set IMSI|IMPU KEYS\n"
	      "       kimsctl subscriber show [IMSI|IMPI|IMPU] [--secrets]\n"
	      "       kimsctl subscriber del IMSI|IMPU\n"
	      "       kimsctl subscriber session ...      (what it gets at an APN: QoS, AMBR, rules, addresses)\n"
	      "       kimsctl subscriber import FILE      (.csv; else YAML or JSON; - is stdin, YAML)\n"
	      "       kimsctl subscriber export [FILE] [--csv] [--secrets]\n"
	      "KEYS: --msisdn N --impi ID --impu \"URI[|SET][|barred][|profile=NAME]\" (more than once)\n"
	      "      --amf HEX --sqn N --profile NAME --visited \"NETWORK ...\" --mandatory \"N ...\" --optional \"N ...\"\n",
	      stderr);
	return 2;
}

static struct subdb *open_db(struct kimsctl *k, bool create)
{
	const struct conf *c = kc_conf(k);
	struct subdb *db = NULL;
	char path[512], err[512];

	if (!c)
		return NULL;
	if (*c->hss.db)
		snprintf(path, sizeof(path), "%s", c->hss.db);
	else
		snprintf(path, sizeof(path), "%s/hss.db", k->state_dir);
	if (create && !*c->hss.db)
		mkdir(k->state_dir, 0750); /* normally made by systemd-tmpfiles */
	if (!create && access(path, F_OK)) {
		kc_fail("there is no subscriber database %s yet; \"kimsctl subscriber add\" makes it",
			path);
		return NULL;
	}
	if (subdb_open(path, create, &db, err, sizeof(err))) {
		kc_fail("%s", err);
		return NULL;
	}
	return db;
}

/* --- telling the HSS --- */

/* -ENOENT: it does not run, which is fine. */
static int tell_hss(struct kimsctl *k, const char *cmd, const char *impi, char *err, size_t size)
{
	json_t *req = json_pack("{s:s,s:s}", "cmd", cmd, "impi", impi), *res = NULL;
	char path[512];
	int r;

	snprintf(path, sizeof(path), "%s/hss.sock", k->run_dir);
	r = ctl_call(path, req, 5000, &res, err, size);
	json_decref(req);
	json_decref(res);
	return r;
}

static void push(struct kimsctl *k, const struct subscriber *s)
{
	char err[512];
	int r;

	if (!*s->scscf_host)
		return;
	r = tell_hss(k, "subscriber changed", s->impi, err, sizeof(err));
	if (r && r != -ENOENT && r != -ECONNREFUSED)
		fprintf(stderr, "kimsctl: %s is changed, but its S-CSCF was not told: %s\n",
			s->imsi, err);
}

/* --- one subscriber --- */

static int find(struct subdb *db, const char *id, struct subscriber *s)
{
	size_t i;
	int e = subdb_by_imsi(db, str_of(id), s);

	if (e == -ENOENT)
		e = subdb_by_impu(db, str_of(id), s, &i);
	if (e == -ENOENT)
		e = subdb_by_impi(db, str_of(id), s);
	if (e == -ENOENT)
		kc_fail("there is no subscriber %s", id);
	else if (e)
		kc_fail("%s", subdb_error(db));
	return e;
}

static int read_options(int argc, char **argv, struct edit *e)
{
	char err[512], key[32];

	for (int i = 0; i < argc; i += 2) {
		if (strncmp(argv[i], "--", 2) || i + 1 >= argc)
			return usage();
		snprintf(key, sizeof(key), "%s", strcmp(argv[i], "--impu") ? argv[i] + 2 : "impus");
		if (edit_set(e, key, str_of(argv[i + 1]), err, sizeof(err))) {
			kc_fail("%s", err);
			return 2;
		}
	}
	return 0;
}

static bool profiles_exist(struct subdb *db, const struct subscriber *s, char *err, size_t size)
{
	static struct sub_profile p; /* large */

	for (size_t i = 0; i < s->n_impu; i++) {
		if (!strcmp(s->impu[i].profile, "default") || !strcmp(s->impu[i].profile, p.name))
			continue;
		if (subdb_profile_get(db, s->impu[i].profile, &p)) {
			snprintf(err, size, "there is no service profile \"%s\"",
				 s->impu[i].profile);
			return false;
		}
	}
	return true;
}

/* In a transaction of the caller. */
static int write_one(struct kimsctl *k, struct subdb *db, const struct edit *e,
		     struct subscriber *s, enum sub_put *ret, char *err, size_t size)
{
	int r = edit_apply(e, kc_conf(k)->network.domain, s, err, size);

	if (!r && !profiles_exist(db, s, err, size))
		r = -EINVAL;
	if (r)
		return r;
	r = subdb_put(db, s, e->has_sqn, ret);
	if (r)
		snprintf(err, size, "%s", subdb_error(db));
	return r;
}

static int store(struct kimsctl *k, struct subdb *db, const struct edit *e, struct subscriber *s)
{
	enum sub_put what = SUB_SAME;
	char err[512];
	int r = subdb_begin(db);

	if (r)
		return kc_fail("%s", subdb_error(db));
	r = write_one(k, db, e, s, &what, err, sizeof(err));
	if (r) {
		subdb_rollback(db);
		return kc_fail("%s", err);
	}
	if (subdb_commit(db))
		return kc_fail("%s", subdb_error(db));
	if (what == SUB_CHANGED)
		push(k, s);
	return 0;
}

static int add_or_set(struct kimsctl *k, int argc, char **argv, bool add)
{
	struct subscriber s = { .id = 0 }, old;
	struct edit e = { .n_impu = 0 };
	struct subdb *db;
	char err[512];
	int r;

	if (argc < 1)
		return usage();
	if (add && edit_set(&e, "imsi", str_of(argv[0]), err, sizeof(err)))
		return kc_fail("%s", err);
	r = read_options(argc - 1, argv + 1, &e);
	if (r)
		return r;
	db = open_db(k, add);
	if (!db)
		return 1;
	if (add && !subdb_by_imsi(db, str_of(e.imsi), &old))
		r = kc_fail("IMSI %s exists; \"kimsctl subscriber set\" changes it", e.imsi);
	if (!add) {
		r = find(db, argv[0], &s) ? 1 : 0;
		memcpy(e.imsi, s.imsi, sizeof(e.imsi));
	}
	if (!r)
		r = store(k, db, &e, &s);
	subdb_close(db);
	return r;
}

static int sub_add(struct kimsctl *k, int argc, char **argv)
{
	return add_or_set(k, argc, argv, true);
}

static int sub_set(struct kimsctl *k, int argc, char **argv)
{
	return add_or_set(k, argc, argv, false);
}

static int sub_del(struct kimsctl *k, int argc, char **argv)
{
	struct subscriber s;
	struct subdb *db;
	char err[512];
	int r;

	if (argc != 1)
		return usage();
	db = open_db(k, false);
	if (!db)
		return 1;
	r = find(db, argv[0], &s);
	if (!r && *s.scscf_host) {
		r = tell_hss(k, "deregister", s.impi, err, sizeof(err));
		if (r && r != -ENOENT && r != -ENOTCONN && r != -ECONNREFUSED)
			fprintf(stderr, "kimsctl: the S-CSCF of %s was not told: %s\n", s.imsi,
				err);
		r = 0;
	}
	if (!r && subdb_del(db, s.id))
		r = kc_fail("%s", subdb_error(db));
	if (!r)
		kc_session_gone(k, s.imsi);
	subdb_close(db);
	return r ? 1 : 0;
}

/* --- show --- */

static bool take_flag(int *argc, char **argv, const char *flag)
{
	bool found = false;
	int n = 0;

	for (int i = 0; i < *argc; i++) {
		if (!strcmp(argv[i], flag))
			found = true;
		else
			argv[n++] = argv[i];
	}
	*argc = n;
	return found;
}

static int secrets_allowed(bool secrets)
{
	return secrets && geteuid() ? kc_fail("--secrets shows keys: only root may") : 0;
}

static json_t *caps_json(const struct sub_caps *c)
{
	json_t *a = json_array();

	for (size_t i = 0; i < c->n; i++)
		json_array_append_new(a, json_integer(c->v[i]));
	return a;
}

static json_t *to_json(const struct subscriber *s, bool secrets)
{
	json_t *ids = json_array(), *o;
	char hex[33];

	for (size_t i = 0; i < s->n_impu; i++) {
		const struct sub_impu *p = &s->impu[i];

		json_array_append_new(ids,
				      json_pack("{s:s,s:i,s:b,s:s,s:s,s:b}", "impu", p->impu, "set",
						(int)p->set, "barred", p->barred, "profile",
						p->profile, "state", sub_state_name(p->state),
						"authentication_pending", p->pending));
	}
	hex_encode(s->amf, 2, hex);
	o = json_pack("{s:s,s:s,s:s,s:I,s:s,s:s,s:s,s:o,s:o,s:o}", "imsi", s->imsi, "impi", s->impi,
		      "amf", hex, "sqn", (json_int_t)s->sqn, "visited", s->visited, "scscf",
		      s->scscf, "scscf_host", s->scscf_host, "mandatory", caps_json(&s->mandatory),
		      "optional", caps_json(&s->optional), "impus", ids);
	if (secrets) {
		hex_encode(s->k, 16, hex);
		json_object_set_new(o, "k", json_string(hex));
		hex_encode(s->opc, 16, hex);
		json_object_set_new(o, "opc", json_string(hex));
	}
	return o;
}

static void print_text(const struct subscriber *s, bool secrets)
{
	static const char *const heads[] = { "PUBLIC IDENTITY", "SET", "BARRED", "PROFILE",
					     "STATE" };
	struct kc_table *t = kc_table_new(heads, ARRAY_SIZE(heads));
	char hex[33], set[16];

	printf("imsi       %s\nimpi       %s\n", s->imsi, s->impi);
	if (secrets) {
		hex_encode(s->k, 16, hex);
		printf("k          %s\n", hex);
		hex_encode(s->opc, 16, hex);
		printf("opc        %s\n", hex);
	} else {
		printf("k, opc     (hidden; --secrets shows them)\n");
	}
	printf("amf        %02x%02x\nsqn        %llu\n", s->amf[0], s->amf[1],
	       (unsigned long long)s->sqn);
	printf("visited    %s\n", *s->visited ? s->visited : "(any)");
	printf("s-cscf     %s%s%s\n\n", *s->scscf ? s->scscf : "(none)",
	       *s->scscf_host ? " at " : "", s->scscf_host);
	for (size_t i = 0; i < s->n_impu; i++) {
		const struct sub_impu *p = &s->impu[i];

		snprintf(set, sizeof(set), "%u", p->set);
		kc_table_row(t,
			     (const char *[]){ p->impu, set, p->barred ? "yes" : "no", p->profile,
					       p->pending ? "authentication pending"
							  : sub_state_name(p->state) });
	}
	kc_table_print(t);
}

static int show_one(struct kimsctl *k, struct subdb *db, const char *id, bool secrets)
{
	struct subscriber s;
	json_t *o;

	if (find(db, id, &s))
		return 1;
	if (!k->json) {
		print_text(&s, secrets);
		return 0;
	}
	o = to_json(&s, secrets);
	json_dumpf(o, stdout, JSON_INDENT(2));
	putchar('\n');
	json_decref(o);
	return 0;
}

static void list_row(struct kc_table *t, const struct subscriber *s)
{
	enum sub_state state = SUB_NOT_REGISTERED;
	char n[16];

	for (size_t i = 0; i < s->n_impu; i++)
		if (s->impu[i].state != SUB_NOT_REGISTERED)
			state = s->impu[i].state;
	snprintf(n, sizeof(n), "%zu", s->n_impu);
	kc_table_row(t, (const char *[]){ s->imsi, s->impi, s->n_impu ? s->impu[0].impu : "", n,
					  sub_state_name(state), s->scscf });
}

static int show_all(struct kimsctl *k, struct subdb *db, bool secrets)
{
	static const char *const heads[] = { "IMSI",	   "IMPI",  "DEFAULT IDENTITY",
					     "IDENTITIES", "STATE", "S-CSCF" };
	struct kc_table *t = k->json ? NULL : kc_table_new(heads, ARRAY_SIZE(heads));
	struct subscriber s;
	char after[16] = "";
	bool first = true;

	if (k->json)
		putchar('[');
	for (; !subdb_next(db, after, &s); memcpy(after, s.imsi, sizeof(after)), first = false) {
		json_t *o = k->json ? to_json(&s, secrets) : NULL;

		if (t)
			list_row(t, &s);
		else if (!first)
			fputs(",\n", stdout);
		if (o)
			json_dumpf(o, stdout, 0);
		json_decref(o);
	}
	if (k->json)
		puts("]");
	else
		kc_table_print(t);
	return 0;
}

static int sub_show(struct kimsctl *k, int argc, char **argv)
{
	bool secrets = take_flag(&argc, argv, "--secrets");
	struct subdb *db;
	int r = secrets_allowed(secrets);

	if (argc > 1)
		return usage();
	db = r ? NULL : open_db(k, false);
	if (!db)
		return 1;
	r = argc ? show_one(k, db, argv[0], secrets) : show_all(k, db, secrets);
	subdb_close(db);
	return r;
}

/* --- import --- */

struct seen {
	char imsi[16];
	int line;
	UT_hash_handle hh;
};

struct import {
	struct kimsctl *k;
	struct subdb *db;
	const char *file;
	bool check;
	struct seen *seen;
	uint64_t total, done, written, fresh, changed, profiles;
	unsigned int errors;
	bool in_chunk;
};

static int complain(void *arg, int line, const char *why)
{
	struct import *i = arg;

	if (i->errors++ < ERRORS_SHOWN)
		fprintf(stderr, "%s:%d: %s\n", i->file, line, why);
	return 0;
}

static int check_subscriber(void *arg, int line, struct edit *e)
{
	struct import *i = arg;
	struct seen *s = NULL;
	char why[128];

	i->total++;
	HASH_FIND_STR(i->seen, e->imsi, s);
	if (s) {
		snprintf(why, sizeof(why), "IMSI %s is already on line %d", e->imsi, s->line);
		return complain(i, line, why);
	}
	s = calloc(1, sizeof(*s));
	if (!s)
		return -ENOMEM;
	memcpy(s->imsi, e->imsi, sizeof(s->imsi));
	s->line = line;
	HASH_ADD_STR(i->seen, imsi, s);
	return 0;
}

static int check_profile(void *arg, int line _unused_, struct sub_profile *p _unused_)
{
	struct import *i = arg;

	i->total++;
	return 0;
}

static int open_chunk(struct import *i)
{
	int e;

	if (i->in_chunk)
		return 0;
	e = subdb_begin(i->db);
	i->in_chunk = !e;
	return e;
}

static int close_chunk(struct import *i)
{
	static const struct timespec pause = { .tv_nsec = 2000000 };

	if (!i->in_chunk)
		return 0;
	i->in_chunk = false;
	if (subdb_commit(i->db))
		return -EIO;
	nanosleep(&pause, NULL); /* the HSS's turn */
	return 0;
}

static int step(struct import *i)
{
	i->done++;
	kc_progress("importing", i->done, i->total);
	return i->done % CHUNK ? 0 : close_chunk(i);
}

static void count_put(struct import *i, enum sub_put what)
{
	i->fresh += what == SUB_NEW;
	i->changed += what == SUB_CHANGED;
	i->written++;
}

static int write_subscriber(void *arg, int line, struct edit *e)
{
	struct import *i = arg;
	struct subscriber s;
	enum sub_put what = SUB_SAME;
	char why[512];
	int r = open_chunk(i);

	if (r)
		return r;
	r = subdb_by_imsi(i->db, str_of(e->imsi), &s);
	if (r == -ENOENT) {
		memset(&s, 0, offsetof(struct subscriber, impu));
		s.n_impu = 0;
		*s.scscf = *s.scscf_host = '\0';
	} else if (r) {
		return r;
	}
	r = subdb_savepoint(i->db);
	if (!r)
		r = write_one(i->k, i->db, e, &s, &what, why, sizeof(why));
	subdb_savepoint_end(i->db, !r);
	if (r) {
		complain(i, line, why);
	} else {
		count_put(i, what);
		if (what == SUB_CHANGED && *s.scscf_host) {
			r = close_chunk(i);
			push(i->k, &s);
		}
	}
	return step(i);
}

static int write_profile(void *arg, int line, struct sub_profile *p)
{
	struct import *i = arg;
	enum sub_put what = SUB_SAME;
	int r = open_chunk(i);

	if (!r && subdb_profile_put(i->db, p, &what)) {
		complain(i, line, subdb_error(i->db));
		return -EINVAL;
	}
	i->profiles += what != SUB_SAME;
	return r ? r : step(i);
}

static int pass(struct import *i, FILE *f, bool csv, bool check)
{
	struct sub_sink sink = { i, check ? check_subscriber : write_subscriber,
				 check ? check_profile : write_profile, complain };

	rewind(f);
	return csv ? read_csv(f, &sink) : read_yaml(f, &sink);
}

static void forget(struct import *i)
{
	struct seen *s, *tmp;

	HASH_ITER (hh, i->seen, s, tmp) {
		HASH_DEL(i->seen, s);
		free(s);
	}
}

static int report_errors(const struct import *i, const char *what)
{
	if (i->errors > ERRORS_SHOWN)
		fprintf(stderr, "%s: and %u more\n", i->file, i->errors - ERRORS_SHOWN);
	return kc_fail("%u error%s; %s", i->errors, i->errors == 1 ? "" : "s", what);
}

static int run_import(struct import *i, FILE *f, bool csv)
{
	int r = pass(i, f, csv, true);

	if (r)
		return kc_fail("%s: %s", i->file, strerror(-r));
	if (i->errors)
		return report_errors(i, "nothing was imported");
	i->db = open_db(i->k, true);
	if (!i->db)
		return 1;
	subdb_fast(i->db);
	r = pass(i, f, csv, false);
	if (!r)
		r = close_chunk(i);
	if (r && r != -EINVAL)
		kc_fail("the import stopped after %llu rows: %s", (unsigned long long)i->written,
			subdb_error(i->db));
	if (i->errors)
		return report_errors(i, "the other rows were imported");
	if (!r)
		printf("%llu subscribers: %llu new, %llu changed, %llu as they were; %llu profiles changed\n",
		       (unsigned long long)i->written, (unsigned long long)i->fresh,
		       (unsigned long long)i->changed,
		       (unsigned long long)(i->written - i->fresh - i->changed),
		       (unsigned long long)i->profiles);
	return r ? 1 : 0;
}

/* stdin is copied: the file is read twice. */
static FILE *open_input(const char *name)
{
	FILE *f, *t;
	char buf[65536];
	size_t n;

	if (strcmp(name, "-")) {
		f = fopen(name, "re");
		if (!f)
			kc_fail("%s: %s", name, strerror(errno));
		return f;
	}
	t = tmpfile();
	while (t && (n = fread(buf, 1, sizeof(buf), stdin)) > 0)
		fwrite(buf, 1, n, t);
	if (!t)
		kc_fail("no temporary file: %s", strerror(errno));
	return t;
}

static int sub_import(struct kimsctl *k, int argc, char **argv)
{
	struct import i = { .k = k };
	size_t n;
	FILE *f;
	int r;

	if (argc != 1)
		return usage();
	f = open_input(argv[0]);
	if (!f || !kc_conf(k)) {
		if (f)
			fclose(f);
		return 1;
	}
	n = strlen(argv[0]);
	i.file = argv[0];
	r = run_import(&i, f, n > 4 && !strcasecmp(argv[0] + n - 4, ".csv"));
	fclose(f);
	forget(&i);
	subdb_close(i.db);
	return r;
}

/* --- export --- */

static void export_profiles(struct subdb *db, FILE *f)
{
	static struct sub_profile p; /* large */
	char after[SUB_NAME_MAX] = "";

	fputs("profiles:\n", f);
	for (; !subdb_profile_next(db, after, &p); memcpy(after, p.name, sizeof(after)))
		write_yaml_profile(f, &p);
	fputs("subscribers:\n", f);
}

static int export_all(struct subdb *db, FILE *f, bool csv, bool secrets)
{
	uint64_t total = 0, registered = 0, done = 0;
	struct subscriber s;
	char after[16] = "";

	subdb_count(db, &total, &registered);
	if (csv)
		write_csv_head(f, secrets);
	else
		export_profiles(db, f);
	for (; !subdb_next(db, after, &s); memcpy(after, s.imsi, sizeof(after))) {
		if (csv)
			write_csv(f, &s, secrets);
		else
			write_yaml(f, &s, secrets);
		if (f != stdout)
			kc_progress("exporting", ++done, total);
	}
	return ferror(f) || fflush(f)
		       ? kc_fail("the export could not be written: %s", strerror(errno))
		       : 0;
}

static int sub_export(struct kimsctl *k, int argc, char **argv)
{
	bool secrets = take_flag(&argc, argv, "--secrets"), csv = take_flag(&argc, argv, "--csv");
	struct subdb *db;
	FILE *f = stdout;
	mode_t old;
	int r;

	if (argc > 1)
		return usage();
	db = secrets_allowed(secrets) ? NULL : open_db(k, false);
	if (!db)
		return 1;
	if (argc) {
		size_t n = strlen(argv[0]);

		csv |= n > 4 && !strcasecmp(argv[0] + n - 4, ".csv");
		old = umask(0077);
		f = fopen(argv[0], "we");
		umask(old);
	}
	r = f ? export_all(db, f, csv, secrets) : kc_fail("%s: %s", argv[0], strerror(errno));
	if (f && f != stdout)
		fclose(f);
	subdb_close(db);
	return r;
}

int cmd_subscriber(struct kimsctl *k, int argc, char **argv)
{
	static const struct {
		const char *word;
		int (*fn)(struct kimsctl *k, int argc, char **argv);
	} verbs[] = {
		{ "add", sub_add },	   { "set", sub_set },	     { "del", sub_del },
		{ "show", sub_show },	   { "import", sub_import }, { "export", sub_export },
		{ "session", kc_session },
	};

	for (size_t i = 0; argc && i < ARRAY_SIZE(verbs); i++)
		if (!strcmp(argv[0], verbs[i].word))
			return verbs[i].fn(k, argc - 1, argv + 1);
	return usage();
}
