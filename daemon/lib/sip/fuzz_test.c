// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Replays the seeds of lib/sip's fuzz targets (tests/fuzz) without libFuzzer: every input that once
 * failed, and the shapes of messages that the fuzzer starts from. Run from the top of the tree.
 */
#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define FUZZ_REPLAY
#include "tests/fuzz/fuzz_authhdr.c"
#include "tests/fuzz/fuzz_dlg.c"
#include "tests/fuzz/fuzz_dns.c"
#include "tests/fuzz/fuzz_sdp.c"
#include "tests/fuzz/fuzz_secagree.c"
#include "tests/fuzz/fuzz_sip_msg.c"
#include "tests/fuzz/fuzz_sip_stream.c"
#include "tests/fuzz/fuzz_uri.c"

typedef int (*target_fn)(const uint8_t *data, size_t size);

static size_t replay_file(target_fn fn, const char *dir, const char *name)
{
	static uint8_t buf[65536];
	uint8_t *exact;
	char path[512];
	size_t n;
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	f = fopen(path, "re");
	assert_non_null(f);
	n = fread(buf, 1, sizeof(buf), f);
	fclose(f);
	exact = malloc(n ? n : 1); /* so that ASan sees the end */
	assert_non_null(exact);
	memcpy(exact, buf, n);
	fn(exact, n);
	free(exact);
	return 1;
}

static void replay(target_fn fn, const char *dir)
{
	DIR *d = opendir(dir);
	struct dirent *e;
	size_t n = 0;

	if (!d)
		fail_msg("%s: %s", dir, strerror(errno));
	while ((e = readdir(d)))
		if (e->d_name[0] != '.')
			n += replay_file(fn, dir, e->d_name);
	closedir(d);
	assert_true(n > 0);
}

#define SEEDS	"tests/fuzz/seeds/"
#define RFC4475 "tests/torture/rfc4475"

static void test_messages(void **state)
{
	(void)state;
	replay(fuzz_sip_msg, SEEDS "sip_msg");
	replay(fuzz_sip_msg, RFC4475);
	replay(fuzz_dlg, SEEDS "dlg");
	replay(fuzz_dlg, SEEDS "sip_msg");
	replay(fuzz_dlg, RFC4475);
	replay(fuzz_sip_stream, SEEDS "sip_stream");
	replay(fuzz_sip_stream, SEEDS "sip_msg");
	replay(fuzz_sip_stream, RFC4475);
}

static void test_parts(void **state)
{
	(void)state;
	replay(fuzz_authhdr, SEEDS "authhdr");
	replay(fuzz_dns, SEEDS "dns");
	replay(fuzz_sdp, SEEDS "sdp");
	replay(fuzz_secagree, SEEDS "secagree");
	replay(fuzz_uri, SEEDS "uri");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_messages),
		cmocka_unit_test(test_parts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
