// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What stands before freeDiameter: whatever comes in, its parser and dictionary take the armoured message
 * without an assertion, and a message that was in order comes out of the masks as it went in.
 */
#include <freeDiameter/freeDiameter-host.h>
#include <freeDiameter/libfdcore.h>

#include "lib/diameter/armour.h"
#include "lib/ie/ie.h"
#include "tests/fuzz/fuzz.h"

/* Of libfdcore; fd_core_parseconf() calls it. Without it errors cannot be answered, and what was to be the answer leaks. */
int fd_msg_init(void);

static void fuzz_diameter_quiet(int level, const char *fmt, va_list ap)
{
	(void)level;
	(void)fmt;
	(void)ap;
}

static void fuzz_diameter_start(void)
{
	static bool started;

	if (started)
		return;
	started = true;
	fd_log_handler_register(fuzz_diameter_quiet);
	MUST(!fd_core_initialize());
	MUST(!fd_msg_init());
}

static bool fuzz_diameter_in_order(const uint8_t *data, size_t size)
{
	struct ie_cursor c;
	struct ie_view v;

	ie_cursor_init(&c, data + IE_HDR_LEN, size - IE_HDR_LEN);
	while (ie_next(&c, &v)) {
		bool routing = v.code == 263 || v.code == 264 || v.code == 282 || v.code == 283 ||
			       v.code == 293 || v.code == 296;

		if (v.code > 0x1fffffff || v.flags & 0x3f || (routing && v.flags != IE_M))
			return false;
	}
	return !c.bad;
}

static void fuzz_diameter_core(const uint8_t *data, size_t size)
{
	uint8_t *copy = malloc(size);
	struct msg *m = NULL, *error = NULL, *query = NULL;

	fuzz_diameter_start();
	memcpy(copy, data, size);
	if (fd_msg_parse_buffer(&copy, size, &m)) {
		free(copy);
		return;
	}
	fd_msg_parse_or_error(&m, &error);
	if (error) { /* an answer, which holds on to its request */
		MUST(!fd_msg_answ_getq(error, &query));
		if (query)
			MUST(!fd_msg_answ_detach(error));
		fd_msg_free(error);
	}
	if (m && m != error)
		fd_msg_free(m);
	if (query && query != m)
		fd_msg_free(query);
}

FUZZ_TARGET(diameter)
{
	uint8_t *a, *b;
	struct ie_header h;

	if (size > 16384 || ie_header_parse(data, size, &h) || h.length != size ||
	    size < IE_HDR_LEN + 8)
		return 0;
	a = malloc(size);
	b = malloc(size);
	memcpy(a, data, size);
	dia_armour(a, size);
	memcpy(b, a, size);
	dia_unarmour(b, size);
	if (h.app && fuzz_diameter_in_order(data, size) && !(h.flags & IE_FLAG_ERROR))
		MUST(!memcmp(b, data, size));
	fuzz_diameter_core(a, size);
	free(a);
	free(b);
	return 0;
}
