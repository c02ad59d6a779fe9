// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Options, words, YAML files and tables: what they give, and what is said when they are wrong.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "scenario.h"

static char path[64], why[2048];
static struct ue ue;

static void write_file(const char *text)
{
	FILE *f;
	int fd;

	snprintf(path, sizeof(path), "/tmp/kims-ue-test-XXXXXX");
	fd = mkstemp(path);
	assert_true(fd >= 0);
	f = fdopen(fd, "w");
	fputs(text, f);
	fclose(f);
}

static int read_file(struct plan *p, const char *text)
{
	int r;

	assert_int_equal(plan_init(p, &ue), 0);
	*why = '\0';
	write_file(text);
	r = scenario_file(p, path, why, sizeof(why));
	unlink(path);
	return r;
}

static void refused(const char *text, const char *line, const char *what)
{
	struct plan p;
	char at[100];

	assert_true(read_file(&p, text) < 0);
	snprintf(at, sizeof(at), "%s:%s:", path, line);
	if (!strstr(why, at) || !strstr(why, what))
		fail_msg("\"%s\" has neither \"%s\" nor \"%s\"", why, at, what);
	plan_free(&p);
}

static void test_yaml(void **state _unused_)
{
	static const char text[] =
		"title: two\n"
		"defaults: { pcscf: 10.46.0.1, t1_ms: 500 }\n"
		"phones:\n"
		"  - { name: alice, imsi: \"001010000000001\", ipsec: no }\n"
		"  - { imsi: \"001010000000002\", ring: 1.5s }\n"
		"steps:\n"
		"  - register\n"
		"  - parallel:\n"
		"      - call: { from: alice, to: 2, duration: 250ms, expect: 486 }\n"
		"      - sequence: [ wait: { duration: 2 }, expect: { sas: 4 } ]\n"
		"  - repeat: { times: 3, steps: [ hangup ] }\n";
	const struct step *par;
	struct plan p;

	assert_int_equal(read_file(&p, text), 0);
	assert_string_equal(p.sc->title, "two");
	assert_int_equal(p.n_phones, 2);
	assert_string_equal(p.phones[0].pcscf, "10.46.0.1");
	assert_int_equal(p.phones[1].t1_ms, 500);
	assert_false(p.phones[0].ipsec);
	assert_int_equal(p.phones[1].ring, 1500000);
	assert_int_equal(p.sc->root->n_child, 3);
	assert_ptr_equal(p.sc->root->child[0]->kind, &step_register);
	par = p.sc->root->child[1];
	assert_int_equal(par->group, GROUP_PARALLEL);
	assert_int_equal(par->child[0]->a.duration, 250000);
	assert_string_equal(par->child[0]->a.expect, "486");
	assert_int_equal(par->child[1]->child[1]->a.sas, 4);
	assert_int_equal(p.sc->root->child[2]->repeat, 3);
	scenario_finish(p.sc);
	assert_int_equal(p.sc->n_leaves, 5);
	plan_free(&p);
}

static void test_access(void **state _unused_)
{
	static const char text[] = "access: { netns: access, epdg: fd47::3, window: 7 }\n"
				   "defaults: { apn: ims, pdn_type: ipv6, gtpu: gtp.ko }\n"
				   "phones: [ { imsi: \"001010000000001\" } ]\n"
				   "steps:\n"
				   "  - attach: { node: epdg, no_imsi: yes, expect: \"78\" }\n"
				   "  - order: { answer: late, delay: 2s, request: create }\n"
				   "  - handover: { node: sgw2 }\n";
	const struct step_args *a;
	struct plan p;

	assert_int_equal(read_file(&p, text), 0);
	assert_true(p.has_access);
	assert_string_equal(p.access.netns, "access");
	assert_string_equal(p.access.sgw1, "10.47.0.1 fd47::1");
	assert_int_equal(p.access.window, 7);
	assert_int_equal(p.phones[0].pdn_type + 1, S5_PDN_IPV6);
	assert_int_equal(p.phones[0].gtpu, GTPU_GTP_KO);
	a = &p.sc->root->child[0]->a;
	assert_true(a->node == SGW_EPDG && a->no_imsi);
	a = &p.sc->root->child[1]->a;
	assert_true(a->answer == ORDER_LATE && a->request == ORDER_CREATE && a->delay == 2000000);
	assert_int_equal(p.sc->root->child[2]->a.node, SGW_2);
	plan_free(&p);
}

static void test_yaml_wrong(void **state _unused_)
{
	refused("access: { sgw3: 1 }\n", "1", "sgw2");
	refused("steps:\n  - attach: { node: mme }\n", "2", "listed words");
	refused("phones:\n  - { imsy: 1 }\n", "2", "imsi");
	refused("phones:\n  - { ring: soon }\n", "2", "time like");
	refused("steps:\n  - register\n  - cal: { to: 2 }\n", "3", "\"cal\"");
	refused("steps:\n  - call:\n      duration: 1s\n      text: x\n", "4", "takes no \"text\"");
	refused("steps: register\n", "1", "list");
	refused("step:\n  - register\n", "1", "title, access, defaults, phones and steps");
	refused("steps:\n  - [ register\n", "3", "");
	refused("steps:\n  - parallel: [ parallel: [ parallel: [ parallel: [ parallel: [ parallel: [ parallel: [ parallel: [ parallel: [ "
		"hangup ] ] ] ] ] ] ] ] ]\n",
		"2", "deeper");
}

static void test_words(void **state _unused_)
{
	char *words[] = { "register", "--wrong-res", "--expect", "403",	     "call",
			  "--from=1", "--to",	     "tel:+1",	 "wrong_sa", NULL };
	char *bad[] = { "call", "--sas", "1", NULL }, *unknown[] = { "dance", NULL },
	     *cut[] = { "call", "--to", NULL };
	struct plan p;

	assert_int_equal(plan_init(&p, &ue), 0);
	assert_int_equal(scenario_words(&p, words, why, sizeof(why)), 0);
	assert_int_equal(p.sc->root->n_child, 3);
	assert_true(p.sc->root->child[0]->a.wrong_res);
	assert_string_equal(p.sc->root->child[0]->a.expect, "403");
	assert_string_equal(p.sc->root->child[1]->a.to, "tel:+1");
	assert_ptr_equal(p.sc->root->child[2]->kind, &step_wrong_sa);
	assert_true(scenario_words(&p, bad, why, sizeof(why)) < 0);
	assert_non_null(strstr(why, "takes no \"sas\""));
	assert_true(scenario_words(&p, unknown, why, sizeof(why)) < 0);
	assert_true(scenario_words(&p, cut, why, sizeof(why)) < 0);
	plan_free(&p);
}

static void test_phone(void **state _unused_)
{
	struct phone_conf *c;
	struct plan p;

	assert_int_equal(plan_init(&p, &ue), 0);
	c = plan_add_phone(&p);
	assert_int_equal(plan_set_phone(c, "imsi=001010000000001,access=a,,b,transport=tcp", why,
					sizeof(why)),
			 0);
	assert_string_equal(c->access, "a,b");
	assert_int_equal(c->transport, TRANSPORT_TCP);
	assert_int_equal(phone_conf_complete(c, why, sizeof(why)), 0);
	assert_string_equal(c->domain, "ims.mnc001.mcc001.3gppnetwork.org");
	assert_string_equal(c->impu, "sip:001010000000001@ims.mnc001.mcc001.3gppnetwork.org");
	assert_string_equal(c->pcscf, "pcscf.ims.mnc001.mcc001.3gppnetwork.org");
	assert_true(plan_set_phone(c, "imsi", why, sizeof(why)) < 0);
	assert_true(plan_set_phone(c, "ipsec=maybe", why, sizeof(why)) < 0);
	c = plan_add_phone(&p);
	assert_int_equal(plan_set_phone(c, "imsi=310260000000001,mnc_len=3", why, sizeof(why)), 0);
	assert_int_equal(phone_conf_complete(c, why, sizeof(why)), 0);
	assert_string_equal(c->domain, "ims.mnc260.mcc310.3gppnetwork.org");
	for (int i = 0; i < 3; i++) {
		static const char *const wrong[] = { "ptime=30ms", "ptime=0ms", "ptime=260ms" };

		assert_int_equal(plan_set_phone(c, wrong[i], why, sizeof(why)), 0);
		assert_int_equal(phone_conf_complete(c, why, sizeof(why)), -EINVAL);
		assert_non_null(strstr(why, "240 ms"));
	}
	c = plan_add_phone(&p);
	assert_true(phone_conf_complete(c, why, sizeof(why)) < 0);
	plan_free(&p);
}

static void test_csv(void **state _unused_)
{
	struct plan p;
	int r;

	assert_int_equal(plan_init(&p, &ue), 0);
	write_file("imsi,msisdn,k,opc,amf,sqn\n"
		   "001010000000001,15550000001,00,11,8000,0\n"
		   "001010000000002,15550000002,22,33,8000,5\n"
		   "001010000000003,,44,55,,0\n");
	r = plan_load_csv(&p, path, "001010000000002", 2, why, sizeof(why));
	assert_int_equal(r, 0);
	assert_int_equal(p.n_phones, 2);
	assert_string_equal(p.phones[0].k, "22");
	assert_string_equal(p.phones[0].msisdn, "+15550000002");
	assert_null(p.phones[1].msisdn);
	assert_int_equal(p.phones[0].sqn, 0); /* the HSS's, not the SIM's */
	assert_true(plan_load_csv(&p, path, NULL, 4, why, sizeof(why)) < 0);
	assert_non_null(strstr(why, "the table has 3"));
	unlink(path);
	plan_free(&p);
}

static void test_times(void **state _unused_)
{
	uint64_t v;

	assert_int_equal(opt_time_parse("2", &v), 0);
	assert_int_equal(v, 2000000);
	assert_int_equal(opt_time_parse("1.5ms", &v), 0);
	assert_int_equal(v, 1500);
	assert_int_equal(opt_time_parse("2m", &v), 0);
	assert_int_equal(v, 120000000);
	assert_int_equal(opt_time_parse("x", &v), -EINVAL);
	assert_int_equal(opt_time_parse("-1s", &v), -EINVAL);
	assert_int_equal(opt_time_parse("1 week", &v), -EINVAL);
	assert_int_equal(opt_time_parse("nan", &v), -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_yaml),	   cmocka_unit_test(test_access),
		cmocka_unit_test(test_yaml_wrong), cmocka_unit_test(test_words),
		cmocka_unit_test(test_phone),	   cmocka_unit_test(test_csv),
		cmocka_unit_test(test_times),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
