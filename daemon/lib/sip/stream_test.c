// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Stream framing: whole, dripped octet by octet, several at once, keep-alives, bounds, lies about length.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "lib/sip/stream.h"

#define HEAD "OPTIONS sip:a SIP/2.0\r\nVia: x\r\n"
#define MSG0 HEAD "Content-Length: 0\r\n\r\n"
#define MSG5 HEAD "l : 5\r\n\r\nhello"

static enum sip_frame frame(const char *s, size_t max, size_t *ret_len)
{
	struct sip_framer f = { 0 };

	*ret_len = 0;
	return sip_frame_next(&f, s, strlen(s), max, ret_len);
}

static void whole(void **state)
{
	size_t n;

	(void)state;
	assert_int_equal(frame(MSG0, 1000, &n), SIP_FRAME_MESSAGE);
	assert_int_equal(n, strlen(MSG0));
	assert_int_equal(frame(MSG5 MSG0, 1000, &n), SIP_FRAME_MESSAGE);
	assert_int_equal(n, strlen(MSG5));
	assert_int_equal(frame(HEAD "\r\n", 1000, &n), SIP_FRAME_MESSAGE);
	assert_int_equal(n, strlen(HEAD) + 2);
	assert_int_equal(frame("OPTIONS sip:a SIP/2.0\nl:2\n\nab", 1000, &n), SIP_FRAME_MESSAGE);
	assert_int_equal(n, strlen("OPTIONS sip:a SIP/2.0\nl:2\n\nab"));
}

/* The same stream, in pieces of every size: the same frames. */
static void dripped(void **state)
{
	static const char stream[] = "\r\n" MSG5 "\r\n\r\n" MSG0 "\r\n\r\n\r\n" MSG5;
	const size_t total = sizeof(stream) - 1;

	(void)state;
	for (size_t piece = 1; piece <= total; piece++) {
		struct sip_framer f = { 0 };
		size_t start = 0, have = 0, n;
		int messages = 0, pings = 0;

		while (have < total) {
			have = MIN(have + piece, total);
			for (;;) {
				enum sip_frame k =
					sip_frame_next(&f, stream + start, have - start, 1000, &n);

				if (k == SIP_FRAME_MORE)
					break;
				assert_true(k == SIP_FRAME_MESSAGE || k == SIP_FRAME_PING ||
					    k == SIP_FRAME_CRLF);
				messages += k == SIP_FRAME_MESSAGE;
				pings += k == SIP_FRAME_PING;
				assert_true(n > 0);
				start += n;
			}
		}
		assert_int_equal(start, total);
		assert_int_equal(messages, 3);
		assert_int_equal(pings, 2);
	}
}

static void bounds(void **state)
{
	char big[2000];
	size_t n;

	(void)state;
	memset(big, 'x', sizeof(big) - 1);
	big[sizeof(big) - 1] = 0;
	assert_int_equal(frame(big, 1000, &n), SIP_FRAME_TOO_BIG);
	assert_int_equal(frame(big, 5000, &n), SIP_FRAME_MORE);
	assert_int_equal(frame(HEAD "Content-Length: 1000\r\n\r\n", 1000, &n), SIP_FRAME_TOO_BIG);
	assert_int_equal(frame(HEAD "Content-Length: 4294967295\r\n\r\n", 1000, &n),
			 SIP_FRAME_TOO_BIG);
}

static void lies(void **state)
{
	size_t n;

	(void)state;
	assert_int_equal(frame(HEAD "Content-Length: -1\r\n\r\n", 1000, &n), SIP_FRAME_BROKEN);
	assert_int_equal(frame(HEAD "Content-Length: 4294967296\r\n\r\n", 1000, &n),
			 SIP_FRAME_BROKEN);
	assert_int_equal(frame(HEAD "Content-Length: 5 5\r\n\r\n", 1000, &n), SIP_FRAME_BROKEN);
	assert_int_equal(frame(HEAD "Content-Length:\r\n 5\r\n\r\n", 1000, &n), SIP_FRAME_BROKEN);
	assert_int_equal(frame(HEAD "Content-Length: 5\r\nl: 6\r\n\r\n", 1000, &n),
			 SIP_FRAME_BROKEN);
	assert_int_equal(frame(HEAD "Content-Length: 5\r\nl: 5\r\n\r\nhello", 1000, &n),
			 SIP_FRAME_MESSAGE);
	assert_int_equal(frame(HEAD "X: y\r\n Content-Length: 9\r\n\r\n", 1000, &n),
			 SIP_FRAME_MESSAGE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(whole),
		cmocka_unit_test(dripped),
		cmocka_unit_test(bounds),
		cmocka_unit_test(lies),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
