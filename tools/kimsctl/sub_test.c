// SPDX-License-Identifier: GPL-2.0-or-later
/* Reading and writing subscribers as CSV and YAML: values, defaults, complaints with their lines, there and back. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "sub.h"

#define DOMAIN "home.test"
#define K      "465b5ce8b199b49faa5f0a2ee238a6bc"
#define OPC    "cd63cb71954a9f4e48a5994e37a02baf"
#define OP     "cdc202d5123e20f62b6d676ac72cb318" /* TS 35.207 test set 1 */

static struct {
	struct edit e[8];
	struct sub_profile p;
	int n, n_profiles, line[8], wrong_line;
	char wrong[512];
	int n_wrong;
} got;

static int on_subscriber(void *arg, int line, struct edit *e)
{
	(void)arg;
	got.line[got.n] = line;
	got.e[got.n++] = *e;
	return 0;
}

static int on_profile(void *arg, int line, struct sub_profile *p)
{
	(void)arg;
	(void)line;
	got.n_profiles++;
	got.p = *p;
	return 0;
}

static int on_wrong(void *arg, int line, const char *why)
{
	(void)arg;
	if (!got.n_wrong++) {
		got.wrong_line = line;
		snprintf(got.wrong, sizeof(got.wrong), "%s", why);
	}
	return 0;
}

static int read_text(int (*reader)(FILE *f, const struct sub_sink *sink), const char *text)
{
	struct sub_sink sink = { NULL, on_subscriber, on_profile, on_wrong };
	FILE *f = fmemopen((char *)text, strlen(text), "re");
	int r;

	memset(&got, 0, sizeof(got));
	r = reader(f, &sink);
	fclose(f);
	return r;
}

static void test_csv(void **state)
{
	(void)state;
	assert_int_equal(read_text(read_csv, "imsi,msisdn,k,opc,amf,sqn,impus\r\n"
					     "# a comment\n\n"
					     "001010000000001,+15550000001," K "," OPC ",8000,32,\n"
					     "\"001010000000002\",,\"" K "\"," OPC
					     ",,,\"sip:a@x sip:b@x|2|barred|profile=gold\"\n"),
			 0);
	assert_int_equal(got.n_wrong, 0);
	assert_int_equal(got.n, 2);
	assert_int_equal(got.line[0], 4);
	assert_string_equal(got.e[0].msisdn, "15550000001");
	assert_int_equal(got.e[0].sqn, 32);
	assert_int_equal(got.e[1].n_impu, 2);
	assert_string_equal(got.e[1].impu[1].impu, "sip:b@x");
	assert_int_equal(got.e[1].impu[1].set, 2);
	assert_true(got.e[1].impu[1].barred);
	assert_string_equal(got.e[1].impu[1].profile, "gold");
}

static void csv_wrong(const char *text, int line, const char *word)
{
	assert_int_equal(read_text(read_csv, text), 0);
	assert_int_equal(got.n_wrong, 1);
	assert_int_equal(got.wrong_line, line);
	if (!strstr(got.wrong, word))
		fail_msg("\"%s\" does not name %s", got.wrong, word);
}

static void test_csv_complaints(void **state)
{
	(void)state;
	csv_wrong("imsi,k\n001,\n", 2, "imsi");
	csv_wrong("imsi,k\n\n001010000000001,12\n", 3, "32 hexadecimal");
	csv_wrong("imsi,colour\n001010000000001,red\n", 2, "colour");
	csv_wrong("imsi\n001010000000001,extra\n", 2, "more fields");
	csv_wrong("imsi,k\n," K "\n", 2, "IMSI is missing");
	csv_wrong("imsi,impus\n001010000000001,mailto:x@y\n", 2, "sip:");
	csv_wrong("imsi,impus\n001010000000001,sip:x@y sip:x@y\n", 2, "twice");
	csv_wrong("imsi,sqn\n001010000000001,281474976710656\n", 2, "2^48");
	csv_wrong("imsi,impi\n001010000000001,nodomain\n", 2, "user@domain");
	assert_null(strstr(got.wrong, K));
}

static const char yaml[] =
	"profiles:\n"
	"  - name: gold\n"
	"    unregistered: yes\n"
	"    media: 3\n"
	"    charging: { ccf1: \"aaa://ccf.test\" }\n"
	"    ifc:\n"
	"      - priority: 20\n"
	"        server: sip:two.test\n"
	"      - priority: 10\n"
	"        server: sip:one.test\n"
	"        handling: terminated\n"
	"        cnf: yes\n"
	"        part: registered\n"
	"        include: [request, response]\n"
	"        spt:\n"
	"          - { group: 0, method: REGISTER, registration: [0, 2] }\n"
	"          - { group: 1, negated: yes, header: To, content: \".*\\\"x\\\".*\" }\n"
	"subscribers:\n"
	"  - imsi: \"001010000000001\"\n"
	"    k: " K "\n"
	"    op: " OP "\n"
	"    mandatory: [1, 2]\n"
	"    impus:\n"
	"      - { impu: \"sip:a@x\", set: 2, barred: yes, profile: gold }\n"
	"      - sip:b@x|3\n"
	"  - { imsi: \"001010000000002\", msisdn: \"5551\", k: " K ", opc: " OPC " }\n";

static void test_yaml(void **state)
{
	(void)state;
	assert_int_equal(read_text(read_yaml, yaml), 0);
	assert_string_equal(got.wrong, "");
	assert_int_equal(got.n, 2);
	assert_int_equal(got.n_profiles, 1);
	assert_int_equal(got.line[0], 19);
	assert_int_equal(got.line[1], 26);
	assert_int_equal(got.e[0].mandatory.n, 2);
	assert_int_equal(got.e[0].impu[1].set, 3);
	assert_int_equal(got.p.n_ifc, 2);
	assert_int_equal(got.p.ifc[0].priority, 10); /* sorted */
	assert_string_equal(got.p.ifc[0].spt[0].b, "0 2");
	assert_true(got.p.ifc[0].spt[1].negated);
	assert_true(got.p.ifc[0].include_response);
	assert_int_equal(got.p.ifc[1].part, -1);
}

static void yaml_wrong(const char *text, int line, const char *word)
{
	assert_int_equal(read_text(read_yaml, text), 0);
	assert_true(got.n_wrong >= 1);
	if (got.wrong_line != line || !strstr(got.wrong, word))
		fail_msg("line %d (%d expected): \"%s\" does not name %s", got.wrong_line, line,
			 got.wrong, word);
}

static void test_yaml_complaints(void **state)
{
	(void)state;
	yaml_wrong("subscribers:\n  - imsi: \"001010000000001\"\n    colour: red\n", 2, "colour");
	yaml_wrong("subscribers:\n  - k: 12\n", 2, "hexadecimal");
	yaml_wrong("users:\n  - a\n", 1, "profiles");
	yaml_wrong("- a\n- b\n", 1, "map");
	yaml_wrong("subscribers:\n  - imsi: \"1\n    x", 3, "unexpected end");
	yaml_wrong("profiles:\n  - name: x\n    ifc:\n      - priority: 1\n", 2, "server");
	yaml_wrong("subscribers: 5\n", 1, "list");
	yaml_wrong("subscribers:\n  - [[[[[[[[[[[[1]]]]]]]]]]]]\n", 2, "deep");
}

static void test_defaults(void **state)
{
	struct subscriber s = { .id = 0 };
	char err[256];
	uint8_t opc[16];

	(void)state;
	read_text(read_yaml, yaml);
	assert_int_equal(edit_apply(&got.e[1], DOMAIN, &s, err, sizeof(err)), 0);
	assert_string_equal(s.impi, "001010000000002@" DOMAIN);
	assert_int_equal(s.n_impu, 3);
	assert_string_equal(s.impu[0].impu, "sip:+5551@" DOMAIN);
	assert_string_equal(s.impu[1].impu, "tel:+5551");
	assert_string_equal(s.impu[2].impu, "sip:001010000000002@" DOMAIN);
	assert_true(s.impu[2].barred);
	assert_int_equal(s.amf[0], 0x80);
	memset(&s, 0, sizeof(s));
	assert_int_equal(edit_apply(&got.e[0], DOMAIN, &s, err, sizeof(err)), 0);
	hex_decode(STR(OPC), opc, 16);
	assert_memory_equal(s.opc, opc, 16); /* from OP and K */
	got.e[0].has_k = false;
	memset(&s, 0, sizeof(s));
	assert_int_equal(edit_apply(&got.e[0], DOMAIN, &s, err, sizeof(err)), -EINVAL);
}

static char *written(void (*fn)(FILE *f, const struct subscriber *s, bool secrets),
		     const struct subscriber *s, const char *head)
{
	char *p = NULL;
	size_t n;
	FILE *f = open_memstream(&p, &n);

	fputs(head, f);
	fn(f, s, true);
	fclose(f);
	return p;
}

static void same_again(const struct subscriber *a)
{
	struct subscriber b = { .id = 0 };
	char err[256];

	assert_string_equal(got.wrong, "");
	assert_int_equal(got.n, 1);
	assert_int_equal(edit_apply(&got.e[0], "other.domain", &b, err, sizeof(err)), 0);
	assert_string_equal(a->impi, b.impi);
	assert_memory_equal(a->k, b.k, 16);
	assert_memory_equal(a->opc, b.opc, 16);
	assert_int_equal(a->sqn, b.sqn);
	assert_int_equal(a->n_impu, b.n_impu);
	for (size_t i = 0; i < a->n_impu; i++) {
		assert_string_equal(a->impu[i].impu, b.impu[i].impu);
		assert_string_equal(a->impu[i].profile, b.impu[i].profile);
		assert_int_equal(a->impu[i].set, b.impu[i].set);
		assert_int_equal(a->impu[i].barred, b.impu[i].barred);
	}
}

static void test_there_and_back(void **state)
{
	struct subscriber s = { .id = 0 };
	char err[256], *p, head[128];
	FILE *f = fmemopen(head, sizeof(head), "we");

	(void)state;
	read_text(read_yaml, yaml);
	assert_int_equal(edit_apply(&got.e[0], DOMAIN, &s, err, sizeof(err)), 0);
	s.sqn = 77;
	p = written(write_yaml, &s, "subscribers:\n");
	read_text(read_yaml, p);
	same_again(&s);
	free(p);
	write_csv_head(f, true);
	fclose(f);
	p = written(write_csv, &s, head);
	read_text(read_csv, p);
	same_again(&s);
	free(p);
}

static void test_profile_there_and_back(void **state)
{
	struct sub_profile a;
	char *p = NULL;
	size_t n;
	FILE *f = open_memstream(&p, &n);

	(void)state;
	read_text(read_yaml, yaml);
	a = got.p;
	fputs("profiles:\n", f);
	write_yaml_profile(f, &a);
	fclose(f);
	read_text(read_yaml, p);
	assert_string_equal(got.wrong, "");
	assert_memory_equal(&a, &got.p, sizeof(a));
	free(p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_csv),
		cmocka_unit_test(test_csv_complaints),
		cmocka_unit_test(test_yaml),
		cmocka_unit_test(test_yaml_complaints),
		cmocka_unit_test(test_defaults),
		cmocka_unit_test(test_there_and_back),
		cmocka_unit_test(test_profile_there_and_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
