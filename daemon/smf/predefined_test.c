// SPDX-License-Identifier: GPL-2.0-or-later
/* The text of predefined rules, right and wrong. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#include "smf/predefined.h"

static struct smf_predefined *list;
static size_t n;
static char err[256];

static int parse(const char *text)
{
	free(list);
	list = NULL;
	n = 0;
	*err = '\0';
	return smf_predefined_parse(text, &list, &n, err, sizeof(err));
}

#define FLOW "flow=\"permit out 17 from 10.0.0.0/8 to assigned 5000-5010\""

static void test_right(void **state)
{
	const struct gx_rule *d;

	(void)state;
	assert_int_equal(parse("one base=b " FLOW
			       " qci=2 arp=3/0/1 mbr=64/128 gbr=32/64 precedence=12 "
			       "rating=4 service=5 key=k gate=uplink;; two app=video ;"),
			 0);
	assert_int_equal(n, 2);
	assert_true(str_eqz(list[0].base, "b"));
	assert_null(list[1].base.p);
	d = &smf_predefined_find(list, n, STR("one"))->rule;
	assert_int_equal(d->n_flow, 1);
	assert_int_equal(d->flow[0].direction, GX_BIDIRECTIONAL);
	assert_int_equal(d->qos.qci, 2);
	assert_int_equal(d->qos.arp.level, 3);
	assert_int_equal(d->qos.arp.capability, 0);
	assert_int_equal(d->qos.arp.vulnerability, 1);
	assert_int_equal(d->qos.mbr_dl, 128000);
	assert_int_equal(d->qos.gbr_ul, 32000);
	assert_int_equal(d->precedence, 12);
	assert_int_equal(d->rating_group, 4);
	assert_int_equal(d->service_id, 5);
	assert_true(str_eqz(d->monitoring_key, "k"));
	assert_int_equal(d->flow_status, PCC_ENABLED_UPLINK);
	d = &smf_predefined_find(list, n, STR("two"))->rule;
	assert_false(d->has_qos);
	assert_int_equal(d->precedence, -1);
	assert_null(smf_predefined_find(list, n, STR("b")));
	assert_int_equal(parse(""), 0);
	assert_int_equal(n, 0);
}

static void test_wrong(void **state)
{
	static const char *const wrong[] = {
		"x",					       /* neither flow nor application */
		"x " FLOW " app=y",			       /* both */
		"x flow=permit out ip from any to assigned",   /* no quotes */
		"x flow=\"permit out ip from any to assigned", /* one quote */
		"x flow=\"\"",
		"x flow=\"permit nonsense\"",
		"x flow=\"deny out ip from any to assigned\"",
		"x flow=\"permit in ip from assigned to any\"",
		"x " FLOW " qci=0",
		"x " FLOW " qci=255",
		"x " FLOW " qci=",
		"x " FLOW " qci",
		"x " FLOW " arp=0",
		"x " FLOW " arp=16",
		"x " FLOW " arp=1/0",
		"x " FLOW " arp=1/2/0",
		"x " FLOW " arp=1/0/0/0",
		"x " FLOW " mbr=1",
		"x " FLOW " mbr=1/",
		"x " FLOW " gbr=9999999/1",
		"x " FLOW " precedence=-1",
		"x " FLOW " rating=99999999999",
		"x " FLOW " gate=ajar",
		"x " FLOW " colour=red",
		"x " FLOW "; x " FLOW,
		"0123456789012345678901234567890123456789012345678901234567890123456789 " FLOW,
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
		if (parse(wrong[i]) != -EINVAL)
			fail_msg("%s was taken", wrong[i]);
		assert_true(*err);
	}
}

static void test_many(void **state)
{
	char text[64 * (SMF_PREDEFINED_MAX + 1)];
	size_t at = 0;

	(void)state;
	for (int i = 0; i < SMF_PREDEFINED_MAX; i++)
		at += (size_t)snprintf(text + at, sizeof(text) - at, "r%d app=a;", i);
	assert_int_equal(parse(text), 0);
	assert_int_equal(n, SMF_PREDEFINED_MAX);
	snprintf(text + at, sizeof(text) - at, "more app=a");
	assert_int_equal(parse(text), -EINVAL);
	*text = '\0';
	for (int i = 0; i < 9; i++)
		strcat(strcat(text, i ? " " : "x "), FLOW);
	assert_int_equal(parse(text), -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_right),
		cmocka_unit_test(test_wrong),
		cmocka_unit_test(test_many),
	};
	int r = cmocka_run_group_tests(tests, NULL, NULL);

	free(list);
	return r;
}
