// SPDX-License-Identifier: GPL-2.0-or-later
/* Key-value tables: what is put survives a close and a crash, one owner, names are checked. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <cmocka.h>

#include "lib/store/store.h"

static char dir[64], path[96];

static int setup(void **state)
{
	(void)state;
	strcpy(dir, "/tmp/kims-store-XXXXXX");
	assert_non_null(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/x.db", dir);
	return 0;
}

static int teardown(void **state)
{
	char cmd[128];

	(void)state;
	snprintf(cmd, sizeof(cmd), "rm -r %s", dir);
	return system(cmd);
}

static int count(void *arg, struct str key, struct str value)
{
	(void)key;
	(void)value;
	++*(int *)arg;
	return 0;
}

static int stop_at_once(void *arg, struct str key, struct str value)
{
	(void)value;
	*(char *)arg = key.p[0];
	return -ECANCELED;
}

static void test_put_get_del(void **state)
{
	struct store *s;
	size_t n = 0;
	char *p = NULL, first = 0;
	int all = 0;

	(void)state;
	assert_int_equal(store_open(NULL, ":memory:", &s), 0);
	assert_int_equal(store_get(s, "registration", STR("a"), &p, &n), -ENOENT);
	assert_int_equal(store_put(s, "registration", STR("a"), STR("1\0002")), 0);
	assert_int_equal(store_put(s, "registration", STR("a\0b"), STR("")), 0);
	assert_int_equal(store_put(s, "dialog", STR("a"), STR("other table")), 0);
	assert_int_equal(store_get(s, "registration", STR("a"), &p, &n), 0);
	assert_int_equal(n, 3);
	assert_memory_equal(p, "1\0002", 3);
	free(p);
	assert_int_equal(store_get(s, "registration", STR("a\0b"), &p, &n), 0);
	assert_int_equal(n, 0);
	free(p);
	assert_int_equal(store_put(s, "registration", STR("a"), STR("new")), 0);
	assert_int_equal(store_each(s, "registration", count, &all), 0);
	assert_int_equal(all, 2);
	assert_int_equal(store_each(s, "registration", stop_at_once, &first), -ECANCELED);
	assert_int_equal(first, 'a');
	assert_int_equal(store_del(s, "registration", STR("a")), 0);
	assert_int_equal(store_del(s, "registration", STR("a")), 0);
	assert_int_equal(store_get(s, "registration", STR("a"), &p, &n), -ENOENT);
	assert_int_equal(store_put(s, "bad name; drop", STR("a"), STR("b")), -EINVAL);
	store_close(s);
}

static void test_survives_close(void **state)
{
	struct store *s;
	struct stat st;
	size_t n;
	char *p;

	(void)state;
	assert_int_equal(store_open(NULL, path, &s), 0);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	assert_int_equal(store_put(s, "t", STR("k"), STR("v")), 0);
	store_close(s);
	assert_int_equal(store_open(NULL, path, &s), 0);
	assert_int_equal(store_get(s, "t", STR("k"), &p, &n), 0);
	free(p);
	store_close(s);
}

static bool opens_elsewhere(void)
{
	int status;
	pid_t pid = fork();

	if (!pid) {
		struct store *s;

		_exit(store_open(NULL, path, &s) == -EBUSY ? 0 : 1);
	}
	waitpid(pid, &status, 0);
	return WEXITSTATUS(status) != 0;
}

static void test_one_owner(void **state)
{
	struct store *s;

	(void)state;
	assert_int_equal(store_open(NULL, path, &s), 0);
	assert_false(opens_elsewhere());
	store_close(s);
	assert_true(opens_elsewhere());
}

/* The end of a round commits; what was written in a round that did not end is gone with the process. */
static void crash_after_round(void)
{
	struct loop *l;
	struct store *s;

	if (loop_new(&l) || store_open(l, path, &s))
		_exit(1);
	store_put(s, "t", STR("kept"), STR("v"));
	loop_once(l, 0);
	store_put(s, "t", STR("lost"), STR("v"));
	_exit(0);
}

static void test_survives_crash(void **state)
{
	struct store *s;
	int status;
	pid_t pid = fork();
	size_t n;
	char *p;

	(void)state;
	if (!pid)
		crash_after_round();
	waitpid(pid, &status, 0);
	assert_int_equal(WEXITSTATUS(status), 0);
	assert_int_equal(store_open(NULL, path, &s), 0);
	assert_int_equal(store_get(s, "t", STR("kept"), &p, &n), 0);
	free(p);
	assert_int_equal(store_get(s, "t", STR("lost"), &p, &n), -ENOENT);
	store_close(s);
}

static void test_not_a_database(void **state)
{
	struct store *s;
	FILE *f = fopen(path, "we");

	(void)state;
	for (int i = 0; i < 1000; i++)
		fputs("this is not a database\n", f);
	fclose(f);
	assert_true(store_open(NULL, path, &s) < 0);
	assert_true(store_open(NULL, "/nonexistent/x.db", &s) < 0);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(test_put_get_del),	T(test_survives_close), T(test_one_owner),
		T(test_survives_crash), T(test_not_a_database),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
