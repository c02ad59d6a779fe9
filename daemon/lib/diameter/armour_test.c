// SPDX-License-Identifier: GPL-2.0-or-later
/* The masks before freeDiameter's parser: seeds of the fuzzer, each also cut and with octets turned over. */
#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#define FUZZ_REPLAY
#include "tests/fuzz/fuzz_diameter.c"

static void variants(const uint8_t *p, size_t n)
{
	uint8_t *c = malloc(n);

	fuzz_diameter(p, n);
	for (size_t i = 0; i < n; i++) {
		memcpy(c, p, n);
		c[i] ^= 0xff;
		fuzz_diameter(c, n);
		c[i] = 0;
		fuzz_diameter(c, n);
	}
	for (size_t i = IE_HDR_LEN; i < n; i += 4) {
		uint8_t *cut = malloc(i);

		memcpy(cut, p, i);
		cut[1] = (uint8_t)(i >> 16);
		cut[2] = (uint8_t)(i >> 8);
		cut[3] = (uint8_t)i;
		fuzz_diameter(cut, i);
		free(cut);
	}
	free(c);
}

static int replay_dir(const char *dir)
{
	char path[512];
	uint8_t buf[8192];
	struct dirent *e;
	DIR *d = opendir(dir);
	int n = 0;

	while (d && (e = readdir(d))) {
		FILE *f;

		if (*e->d_name == '.')
			continue;
		snprintf(path, sizeof(path), "%s/%s", dir, e->d_name);
		f = fopen(path, "re");
		assert_non_null(f);
		variants(buf, fread(buf, 1, sizeof(buf), f));
		fclose(f);
		n++;
	}
	if (d)
		closedir(d);
	return n;
}

static void test_seeds(void **state)
{
	(void)state;
	if (!replay_dir("tests/fuzz/seeds/diameter"))
		skip();
	assert_true(replay_dir("tests/fuzz/seeds/cx") >= 12);
}

static void test_mask_comes_off(void **state)
{
	/* LIR without its identity, one unknown AVP with M, one that pretends to be masked. */
	uint8_t m[] = { 1,    0, 0, 48, 0xc0, 0, 1,    46, 1,	 0, 0, 0,  0, 0, 0, 1,
			0,    0, 0, 2,	0,    0, 0xd9, 3,  0x40, 0, 0, 12, 1, 2, 3, 4,
			0x40, 0, 1, 12, 0,    0, 0,    12, 1,	 2, 3, 4,  0, 0, 0, 0 };
	struct ie_cursor c;
	struct ie_view v;

	(void)state;
	m[3] = 44;
	dia_armour(m, 44);
	ie_cursor_init(&c, m + 20, 24);
	while (ie_next(&c, &v))
		assert_true(v.code & 0x40000000 && !(v.flags & IE_M));
	dia_unarmour(m, 44);
	ie_cursor_init(&c, m + 20, 24);
	assert_true(ie_next(&c, &v));
	assert_int_equal(v.code, 0xd903);
	assert_int_equal(v.flags, IE_M);
	assert_true(ie_next(&c, &v));
	assert_int_equal(v.code, 0x1fffffff); /* not 268, which nobody checked */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_mask_comes_off),
		cmocka_unit_test(test_seeds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
