// SPDX-License-Identifier: GPL-2.0-or-later
/* Session profiles: their text, right and wrong; the database, two handles of it, a broken one; whose it is. */
#include <arpa/inet.h>
#include <setjmp.h>
#include <sqlite3.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "lib/store/profile.h"

static char path[64], err[256];

static int set(struct profile *p, const char *key, const char *value)
{
	return profile_set(p, str_of(key), str_of(value), err, sizeof(err));
}

static void test_text(void **state)
{
	static const char *const wrong[][2] = {
		{ "qci", "1" },
		{ "qci", "255" },
		{ "qci", "x" },
		{ "arp", "0" },
		{ "arp", "16" },
		{ "ambr", "5" },
		{ "ambr", "5/" },
		{ "ambr", "/5" },
		{ "ambr", "5/6/7" },
		{ "ambr", "9999999/1" },
		{ "quota", "-1" },
		{ "quota", "99999999999" },
		{ "address", "10.1.1" },
		{ "address", "0.0.0.0" },
		{ "address", "::" },
		{ "address", "fd00::g" },
		{ "rule", "two words" },
		{ "colour", "red" },
		{ "base", "0123456789012345678901234567890123456789012345678" },
	};
	struct profile p;

	(void)state;
	profile_init(&p, "001010000000001", "ims");
	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
		*err = '\0';
		if (set(&p, wrong[i][0], wrong[i][1]) != -EINVAL || !*err)
			fail_msg("%s=%s was taken", wrong[i][0], wrong[i][1]);
	}
	assert_int_equal(set(&p, "qci", "7") + set(&p, "arp", "3") + set(&p, "ambr", "1000/2000"),
			 0);
	assert_int_equal(set(&p, "rule", "video") + set(&p, "quota", "10"), 0);
	assert_int_equal(set(&p, "address", "10.45.9.9") + set(&p, "address", "fd45:0:0:9::1"), 0);
	assert_int_equal(p.qci * 1000 + p.arp, 7003);
	assert_int_equal(p.ambr_dl, 2000);
	assert_int_equal(p.v4.s_addr, inet_addr("10.45.9.9"));
	assert_int_equal(p.v6.s6_addr[7], 9);
	assert_int_equal(p.v6.s6_addr[15], 0);
	assert_int_equal(set(&p, "qci", "") + set(&p, "ambr", "") + set(&p, "address", ""), 0);
	assert_int_equal(p.qci, 0);
	assert_int_equal(p.ambr_ul, -1);
	assert_int_equal(p.v4.s_addr, 0);
}

static int count(void *arg, const struct profile *p)
{
	int *n = arg;

	assert_int_equal(strlen(p->imsi), 15);
	return ++*n == 3;
}

static void test_database(void **state)
{
	struct profiles *db, *other;
	struct profile p, q;
	int n = 0;

	(void)state;
	assert_int_equal(profiles_open(path, false, &db, err, sizeof(err)), -ENOENT);
	assert_int_equal(profiles_open(path, true, &db, err, sizeof(err)), 0);
	assert_int_equal(profiles_open(path, false, &other, err, sizeof(err)), 0);
	profile_init(&p, "001010000000001", "ims");
	set(&p, "qci", "7");
	set(&p, "address", "10.45.9.9");
	set(&p, "address", "fd45:0:0:9::");
	assert_int_equal(profiles_put(db, &p), 0);
	assert_int_equal(profiles_find(other, STR("001010000000001"), STR("IMS"), &q), 0);
	assert_int_equal(q.qci, 7);
	assert_memory_equal(&q.v4, &p.v4, 4);
	assert_memory_equal(&q.v6, &p.v6, 16);
	assert_int_equal(profiles_find(other, STR("001010000000001"), STR("internet"), &q),
			 -ENOENT);
	assert_int_equal(profiles_find(other, STR("001010000000002"), STR("ims"), &q), -ENOENT);
	assert_int_equal(profiles_find(other, (struct str){ NULL, 0 }, STR("ims"), &q), -ENOENT);
	profile_init(&p, "001010000000001", "*");
	set(&p, "qci", "8");
	assert_int_equal(profiles_put(db, &p), 0);
	assert_int_equal(profiles_find(other, STR("001010000000001"), STR("internet"), &q), 0);
	assert_int_equal(q.qci, 8);
	assert_int_equal(profiles_find(other, STR("001010000000001"), STR("ims"), &q), 0);
	assert_int_equal(q.qci, 7);
	set(&p, "qci", "6"); /* in place of the former one */
	assert_int_equal(profiles_put(db, &p), 0);
	profile_init(&p, "001010000000002", "ims");
	assert_int_equal(profiles_put(db, &p), 0);
	assert_int_equal(profiles_each(db, NULL, count, &n), 1);
	n = 0;
	assert_int_equal(profiles_each(other, "001010000000001", count, &n), 0);
	assert_int_equal(n, 2);
	assert_int_equal(profiles_del(db, "001010000000001", "IMS"), 0);
	assert_int_equal(profiles_del(db, "001010000000001", "ims"), -ENOENT);
	assert_int_equal(profiles_del(db, "001010000000001", NULL), 0);
	assert_int_equal(profiles_find(other, STR("001010000000001"), STR("ims"), &q), -ENOENT);
	profiles_close(other);
	profiles_close(db);
	profiles_close(NULL);
}

/* Another program's row: what is out of range is as if it was not there. */
static void test_strange_row(void **state)
{
	struct profiles *db;
	struct profile p;
	sqlite3 *raw;

	(void)state;
	assert_int_equal(profiles_open(path, true, &db, err, sizeof(err)), 0);
	assert_int_equal(sqlite3_open(path, &raw), 0);
	assert_int_equal(
		sqlite3_exec(
			raw,
			"INSERT INTO session VALUES('001010000000003', 'ims', 257, -1, 4000000, "
			"NULL, 'two words', 'fine', 99999999999, '10.1', 'fd45:0:0:7::')",
			NULL, NULL, NULL),
		0);
	sqlite3_close(raw);
	assert_int_equal(profiles_find(db, STR("001010000000003"), STR("ims"), &p), 0);
	assert_int_equal(p.qci, 0);
	assert_int_equal(p.arp, 0);
	assert_int_equal(p.ambr_ul, -1);
	assert_int_equal(p.ambr_dl, -1);
	assert_int_equal(p.quota, -1);
	assert_string_equal(p.rule, "");
	assert_string_equal(p.base, "fine");
	assert_int_equal(p.v4.s_addr, 0);
	assert_int_equal(p.v6.s6_addr[7], 7);
	profiles_close(db);
	unlink(path);
}

/* What root makes in a directory of the daemons' is theirs, and so is what SQLite puts beside it. */
static void test_owner(void **state)
{
	static const char *const files[] = { "", "-wal", "-shm" };
	char dir[] = "/tmp/kims-profile-XXXXXX", db_path[64], name[80];
	struct profiles *db;
	struct profile p;
	struct stat f;

	(void)state;
	if (geteuid())
		skip();
	assert_non_null(mkdtemp(dir));
	assert_int_equal(chown(dir, 65534, 65534), 0);
	snprintf(db_path, sizeof(db_path), "%s/p.db", dir);
	assert_int_equal(profiles_open(db_path, true, &db, err, sizeof(err)), 0);
	profile_init(&p, "001010000000001", "ims");
	assert_int_equal(profiles_put(db, &p), 0);
	for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
		snprintf(name, sizeof(name), "%s%s", db_path, files[i]);
		assert_int_equal(stat(name, &f), 0);
		assert_int_equal(f.st_uid, 65534);
		assert_int_equal(f.st_gid, 65534);
		assert_int_equal(f.st_mode & 0077, 0);
	}
	profiles_close(db);
	unlink(db_path);
	assert_int_equal(rmdir(dir), 0);
}

static void test_broken(void **state)
{
	FILE *f = fopen(path, "w");
	struct profiles *db;

	(void)state;
	fputs("this is no database, and longer than its head: 0123456789012345678901234567890123456789"
	      "012345678901234567890123456789",
	      f);
	fclose(f);
	*err = '\0';
	assert_true(profiles_open(path, false, &db, err, sizeof(err)) < 0);
	assert_non_null(strstr(err, path));
	assert_true(profiles_open("/nowhere/at/all", true, &db, err, sizeof(err)) < 0);
	unlink(path);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_text),	    cmocka_unit_test(test_database),
		cmocka_unit_test(test_strange_row), cmocka_unit_test(test_owner),
		cmocka_unit_test(test_broken),
	};
	int r;

	snprintf(path, sizeof(path), "/tmp/kims-profile-%d.db", (int)getpid());
	r = cmocka_run_group_tests(tests, NULL, NULL);
	unlink(path);
	return r;
}
