// SPDX-License-Identifier: GPL-2.0-or-later
/* kimsctl subscriber as an operator runs it: a database on disk, commands, exit status, and how fast an import is. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/stat.h>
#include <time.h>

#include <cmocka.h>

#include "commands.h"
#include "lib/store/subscriber.h"

#define K	   "465b5ce8b199b49faa5f0a2ee238a6bc"
#define OPC	   "cd63cb71954a9f4e48a5994e37a02baf"
#define IMSI	   "001010000000001"
#define ROWS	   6000
#define ROWS_PER_S (100000 / 30) /* what is promised */

static char dir[64], file[96], said[1024];
static struct kimsctl kc = { .run_dir = dir, .state_dir = dir };

/* What main.c has for the program. */
const struct conf *kc_conf(struct kimsctl *k)
{
	char err[256];

	if (!k->conf)
		assert_int_equal(conf_load(NULL, &k->conf, err, sizeof(err)), 0);
	return k->conf;
}

int kc_fail(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(said, sizeof(said), fmt, ap);
	va_end(ap);
	return 1;
}

int kc_call(struct kimsctl *k, const char *nf, json_t *request, json_t **ret_result)
{
	(void)k;
	(void)nf;
	(void)ret_result;
	json_decref(request);
	return -ENOENT;
}

/* stdout and stderr of a command, into the file "out" of the directory. */
static int run(const char *first, ...)
{
	char *argv[32] = { (char *)first }, path[96];
	int argc = 1, r, fd, old1, old2;
	va_list ap;

	va_start(ap, first);
	while ((argv[argc] = va_arg(ap, char *)))
		argc++;
	va_end(ap);
	*said = '\0';
	fflush(stdout);
	snprintf(path, sizeof(path), "%s/out", dir);
	fd = open(path, O_CREAT | O_TRUNC | O_WRONLY, 0600);
	old1 = dup(1);
	old2 = dup(2);
	dup2(fd, 1);
	dup2(fd, 2);
	r = cmd_subscriber(&kc, argc, argv);
	fflush(stdout);
	dup2(old1, 1);
	dup2(old2, 2);
	close(fd);
	close(old1);
	close(old2);
	return r;
}

static bool printed(const char *what)
{
	char path[96], text[65536];
	FILE *f;
	size_t n;

	snprintf(path, sizeof(path), "%s/out", dir);
	f = fopen(path, "re");
	n = fread(text, 1, sizeof(text) - 1, f);
	fclose(f);
	text[n] = '\0';
	return strstr(text, what);
}

static void write_file(const char *name, const char *text)
{
	FILE *f;

	snprintf(file, sizeof(file), "%s/%s", dir, name);
	f = fopen(file, "we");
	fputs(text, f);
	fclose(f);
}

static int setup(void **state)
{
	(void)state;
	strcpy(dir, "/tmp/kims-sub-XXXXXX");
	assert_non_null(mkdtemp(dir));
	return 0;
}

static int teardown(void **state)
{
	char cmd[128];

	(void)state;
	conf_free(kc.conf);
	kc.conf = NULL;
	kc.json = false;
	snprintf(cmd, sizeof(cmd), "rm -r %s", dir);
	return system(cmd);
}

static void test_add_show_set_del(void **state)
{
	struct stat st;

	(void)state;
	assert_int_equal(run("show", IMSI, NULL), 1);
	assert_non_null(strstr(said, "no subscriber database"));
	assert_int_equal(run("add", IMSI, "--k", K, NULL), 1);
	assert_non_null(strstr(said, "opc or op"));
	assert_int_equal(run("add", IMSI, "--k", K, "--opc", OPC, "--msisdn", "5551", NULL), 0);
	assert_int_equal(run("add", IMSI, "--k", K, "--opc", OPC, NULL), 1);
	assert_non_null(strstr(said, "exists"));
	snprintf(file, sizeof(file), "%s/hss.db", dir);
	assert_int_equal(stat(file, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	assert_int_equal(run("show", "tel:+5551", NULL), 0);
	assert_true(printed(IMSI) && printed("hidden"));
	assert_false(printed(K));
	kc.json = true;
	assert_int_equal(run("show", NULL), 0);
	assert_false(printed(K) || printed(OPC));
	assert_int_equal(
		run("set", "tel:+5551", "--visited", "a.net b.net", "--mandatory", "1 2", NULL), 0);
	assert_int_equal(run("show", IMSI, NULL), 0);
	assert_true(printed("a.net b.net") && printed("tel:+5551"));
	assert_int_equal(run("set", IMSI, "--profile", "nosuch", NULL), 1);
	assert_non_null(strstr(said, "nosuch"));
	assert_int_equal(run("set", IMSI, "--amf", "xyz", NULL), 2);
	assert_int_equal(
		run("add", "001010000000002", "--k", K, "--opc", OPC, "--impu", "tel:+5551", NULL),
		1);
	assert_non_null(strstr(said, "another subscriber"));
	assert_int_equal(run("del", IMSI, NULL), 0);
	assert_int_equal(run("del", IMSI, NULL), 1);
	assert_int_equal(run("nonsense", NULL), 2);
}

static void test_import_is_all_or_nothing(void **state)
{
	(void)state;
	write_file("x.csv", "imsi,k,opc\n" IMSI "," K "," OPC "\n" IMSI "," K "," OPC "\n001,,\n");
	assert_int_equal(run("import", file, NULL), 1);
	assert_true(printed("x.csv:3: IMSI " IMSI " is already on line 2"));
	assert_true(printed("x.csv:4: imsi"));
	assert_non_null(strstr(said, "nothing was imported"));
	assert_int_equal(run("show", IMSI, NULL), 1);
	assert_int_equal(run("import", "/nonexistent", NULL), 1);
}

static void test_import_conflict_names_the_line(void **state)
{
	(void)state;
	write_file("x.csv",
		   "imsi,msisdn,k,opc\n" IMSI ",5551," K "," OPC "\n001010000000002,5551," K "," OPC
		   "\n001010000000003,5553," K "," OPC "\n");
	assert_int_equal(run("import", file, NULL), 1);
	assert_true(printed("x.csv:3: the public identity"));
	assert_int_equal(run("show", "001010000000003", NULL), 0);
	assert_int_equal(run("show", "001010000000002", NULL), 1);
}

static void test_yaml_with_profile(void **state)
{
	(void)state;
	write_file(
		"x.yaml",
		"profiles:\n  - name: gold\n    unregistered: yes\n    ifc:\n      - { priority: 1, server: 'sip:as' }\n"
		"subscribers:\n  - { imsi: '" IMSI "', k: " K ", opc: " OPC
		", profile: gold, msisdn: '5551' }\n");
	assert_int_equal(run("import", file, NULL), 0);
	assert_true(printed("1 new") && printed("1 profiles changed"));
	assert_int_equal(run("import", file, NULL), 0);
	assert_true(printed("1 as they were; 0 profiles changed"));
	assert_int_equal(run("export", NULL), 0);
	assert_true(printed("gold") && printed("sip:as") && !printed(K));
}

/* Of the processor: a machine that is busy with others has time for less. */
static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void make_rows(void)
{
	FILE *f;

	snprintf(file, sizeof(file), "%s/many.csv", dir);
	f = fopen(file, "we");
	fputs("imsi,msisdn,k,opc,amf,sqn\n", f);
	for (int i = 1; i <= ROWS; i++)
		fprintf(f,
			"00101%010d,1555%07d,465b5ce8b199b49faa5f0a2e%08x,e8ed289deba952e4283b54e8%08x,8000,0\n",
			i, i, i, i);
	fclose(f);
}

static void test_many(void **state)
{
	char again[96];
	double t0, s;

	(void)state;
	make_rows();
	t0 = now();
	assert_int_equal(run("import", file, NULL), 0);
	s = now() - t0;
	print_message("%d rows imported in %.1f s of CPU\n", ROWS, s);
	assert_true(ROWS / s > ROWS_PER_S);
	snprintf(again, sizeof(again), "%s/again.yaml", dir);
	if (!geteuid()) {
		assert_int_equal(run("export", again, "--secrets", NULL), 0);
		assert_int_equal(run("import", again, NULL), 0);
	} else {
		assert_int_equal(run("export", again, "--secrets", NULL), 1); /* keys are root's */
		assert_int_equal(run("import", file, NULL), 0);
	}
	assert_true(printed("0 new, 0 changed"));
}

/* What a subscriber gets at an APN; PCRF and SMF do not run. */
static void test_session(void **state)
{
	static const char *const wrong[][2] = {
		{ "--qci", "1" },      { "--arp", "99" }, { "--ambr", "5" },   { "--address", "x" },
		{ "--colour", "red" }, { "qci", "5" },	  { "--rule", "a b" },
	};

	(void)state;
	assert_int_equal(run("session", NULL), 1); /* there is none */
	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++)
		assert_int_equal(run("session", IMSI, "ims", wrong[i][0], wrong[i][1], NULL), 2);
	assert_int_equal(run("session", "abc", "ims", "--qci", "7", NULL), 2);
	assert_int_equal(run("session", IMSI, "ims", "--qci", NULL), 2);
	assert_int_equal(run("session", NULL), 1); /* nothing was made */
	assert_int_equal(run("session", IMSI, "ims", "--qci", "7", "--ambr", "100/200", "--address",
			     "10.45.9.9", "--address", "fd45:0:0:9::", NULL),
			 0);
	assert_int_equal(run("session", IMSI, "*", "--rule", "basic", NULL), 0);
	assert_int_equal(run("session", IMSI, "ims", "--arp", "3", "--address", "", NULL), 0);
	assert_int_equal(run("session", IMSI, NULL), 0);
	assert_true(printed("100/200") && printed("basic") && !printed("10.45.9.9"));
	kc.json = true;
	assert_int_equal(run("session", NULL), 0);
	kc.json = false;
	assert_true(printed("\"arp\": 3") && printed("\"qci\": 7"));
	assert_int_equal(run("session", IMSI, "internet", "--delete", NULL), 1);
	assert_int_equal(run("session", IMSI, "ims", "--delete", NULL), 0);
	assert_int_equal(run("session", IMSI, NULL), 0);
	assert_false(printed("100/200"));
	assert_int_equal(run("add", IMSI, "--k", K, "--opc", OPC, NULL), 0);
	assert_int_equal(run("del", IMSI, NULL), 0); /* with its profiles */
	assert_int_equal(run("session", NULL), 0);
	assert_false(printed("basic"));
}

/* TS 23.203 table 6.1.7: what has a guaranteed bit rate is no QCI of a default bearer, and is refused with the reason. */
static void test_session_qci(void **state)
{
	static const int gbr[] = { 1, 2, 3, 4, 65, 66, 67, 71, 72, 73, 74, 75, 76, 82, 83, 84, 85 };
	static const char *const others[] = { "5", "9", "69", "70", "79", "80", "128", "" };
	char qci[8], text[64];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(gbr); i++) {
		snprintf(qci, sizeof(qci), "%d", gbr[i]);
		snprintf(text, sizeof(text), "QCI %d has a guaranteed bit rate", gbr[i]);
		assert_int_equal(run("session", IMSI, "ims", "--arp", "3", "--qci", qci, NULL), 2);
		assert_true(strstr(said, text) && strstr(said, "default bearer"));
	}
	assert_int_equal(run("session", NULL), 1); /* nothing was made */
	for (size_t i = 0; i < ARRAY_SIZE(others); i++)
		assert_int_equal(run("session", IMSI, "ims", "--qci", others[i], NULL), 0);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(test_add_show_set_del),
		T(test_import_is_all_or_nothing),
		T(test_import_conflict_names_the_line),
		T(test_yaml_with_profile),
		T(test_session),
		T(test_session_qci),
		T(test_many),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
