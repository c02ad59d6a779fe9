// SPDX-License-Identifier: GPL-2.0-or-later
/* Key-value tables: what is put survives a close and a crash, one owner, names are checked. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/resource.h>
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

static void put_and_crash(const char *key, size_t torn)
{
	char log[128];
	struct store *s;
	struct stat st;

	snprintf(log, sizeof(log), "%s-log", path);
	if (store_open(NULL, path, &s) || store_put(s, "t", str_of(key), STR("value")) ||
	    store_put(s, "t", STR("second"), str_of(key)) || store_flush(s) || stat(log, &st) ||
	    !st.st_size || (torn && truncate(log, st.st_size - (off_t)torn)))
		_exit(1);
	_exit(0);
}

static void run_child(const char *key, size_t torn)
{
	int status;
	pid_t pid = fork();

	if (!pid)
		put_and_crash(key, torn);
	waitpid(pid, &status, 0);
	assert_int_equal(WEXITSTATUS(status), 0);
}

static void assert_has(struct store *s, const char *table, const char *key, const char *value)
{
	size_t n;
	char *p;

	assert_int_equal(store_get(s, table, str_of(key), &p, &n), 0);
	assert_string_equal(p, value);
	free(p);
}

static void test_log_is_applied(void **state)
{
	struct store *s;

	(void)state;
	run_child("logged", 0);
	run_child("torn", 1); /* the last record is not whole */
	assert_int_equal(store_open(NULL, path, &s), 0);
	assert_has(s, "t", "logged", "value");
	assert_has(s, "t", "torn", "value");
	assert_has(s, "t", "second", "logged");
	store_close(s);
}

/* What comes and goes between two batches; batches by size; the order of changes of one key. */
static void test_batches(void **state)
{
	static const char big[2000];
	struct store *s;
	char key[32];
	int all = 0;

	(void)state;
	assert_int_equal(store_open(NULL, path, &s), 0);
	for (int i = 0; i < 1000; i++) {
		int n = snprintf(key, sizeof(key), "%d", i);
		struct str k = { key, (size_t)n };

		assert_int_equal(store_put(s, "big", k, (struct str){ big, sizeof(big) }), 0);
		if (i % 10)
			assert_int_equal(store_del(s, "big", k), 0);
		assert_int_equal(store_flush(s), 0);
	}
	assert_int_equal(store_put(s, "big", STR("0"), STR("last")), 0);
	assert_int_equal(store_each(s, "big", count, &all), 0);
	assert_int_equal(all, 100);
	assert_has(s, "big", "0", "last");
	store_close(s);
}

/* Garbage where the log should be: nothing of it is believed, nothing fails. */
static void test_garbage_log(void **state)
{
	char log[128], junk[256];
	struct store *s;
	FILE *f;

	(void)state;
	snprintf(log, sizeof(log), "%s-log", path);
	for (unsigned int seed = 0; seed < 50; seed++) {
		srand(seed);
		for (size_t i = 0; i < sizeof(junk); i++)
			junk[i] = (char)(seed % 2 ? rand() : i % 4 ? 0 : rand() % 64);
		f = fopen(log, "we");
		assert_non_null(f);
		assert_int_equal(fwrite(junk, 1, seed * 5, f), seed * 5);
		fclose(f);
		assert_int_equal(store_open(NULL, path, &s), 0);
		store_close(s);
	}
}

/* A disk that is full: it is said, and what was taken goes on as soon as there is room. */
static void test_full_disk(void **state)
{
	struct rlimit old, small = { .rlim_cur = 1 << 16, .rlim_max = RLIM_INFINITY };
	static const char big[30000];
	int failed = 0, all = 0;
	struct store *s;
	char key[32];

	(void)state;
	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(store_open(NULL, path, &s), 0);
	assert_int_equal(store_put(s, "t", STR("a"), STR("b")), 0);
	assert_int_equal(store_flush(s), 0);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
	small.rlim_max = old.rlim_max;
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
	for (int i = 0; i < 10; i++) {
		snprintf(key, sizeof(key), "%d", i);
		store_put(s, "t", str_of(key), (struct str){ big, sizeof(big) });
		failed += store_flush(s) < 0;
	}
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
	assert_true(failed > 0);
	assert_true(store_put(s, "t", STR("last"), STR("b")) < 0); /* what the flush said */
	assert_int_equal(store_put(s, "t", STR("last"), STR("c")), 0);
	assert_int_equal(store_flush(s), 0);
	assert_int_equal(store_each(s, "t", count, &all), 0);
	assert_int_equal(all, 12);
	store_close(s);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(test_put_get_del),	T(test_survives_close), T(test_one_owner),
		T(test_survives_crash), T(test_not_a_database), T(test_log_is_applied),
		T(test_batches),	T(test_garbage_log),	T(test_full_disk),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
