// SPDX-License-Identifier: GPL-2.0-or-later
/* RTP port pairs: even, never twice, the whole range, given back ones last. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "pcscf/ports.h"

static void test_range(void **state)
{
	uint16_t port, first, seen = 0;
	struct ports p;

	(void)state;
	assert_int_equal(ports_init(&p, 20001, 20008), 0);
	assert_int_equal(p.n_pairs, 3); /* 20002, 20004, 20006: 20008 has no 20009 */
	assert_int_equal(ports_get(&p, false, &first), 0);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(ports_get(&p, false, &port), 0);
		assert_true(port >= 20002 && port <= 20006 && !(port & 1) && port != first &&
			    port != seen);
		seen = port;
	}
	assert_int_equal(ports_get(&p, false, &port), -ENOSPC);
	assert_int_equal(ports_get(&p, true, &port), 0); /* the other family has its own */
	ports_put(&p, false, first);
	assert_int_equal(ports_get(&p, false, &port), 0);
	assert_int_equal(port, first);
	ports_put(&p, false, 1);
	ports_put(&p, false, 20003);
	assert_int_equal(p.family[0].n_used, 3);
	ports_fini(&p);
}

static void test_take(void **state)
{
	struct ports p;

	(void)state;
	assert_int_equal(ports_init(&p, 20000, 39999), 0);
	assert_int_equal(ports_take(&p, false, 20000), 0);
	assert_int_equal(ports_take(&p, false, 20000), -EEXIST);
	assert_int_equal(ports_take(&p, false, 19998), -ERANGE);
	assert_int_equal(ports_take(&p, false, 20001), -ERANGE);
	assert_int_equal(ports_take(&p, false, 40000), -ERANGE);
	ports_fini(&p);
	assert_int_equal(ports_init(&p, 5, 5), -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_range),
					    cmocka_unit_test(test_take) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
