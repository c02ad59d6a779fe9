// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Messages of Cx (TS 29.229) as octets from a peer. What decodes must encode, decode again and then encode to the
 * same octets; what does not must name a result code.
 */
#include "ref/cx_tables.h"
#include "tests/fuzz/fuzz.h"

static void fuzz_cx_again(const struct ie_command *c, const struct ie_header *h,
			  const struct ie_env *env, const void *in)
{
	struct ie_buf one = { 0 }, two = { 0 };
	struct ie_env env2;
	struct ie_error e;
	union cx_any a;

	MUST(!ie_encode(c, h, env, in, NULL, &one));
	MUST(!ie_decode(c, &cx_dict, one.p, one.n, &env2, &a, &e));
	MUST(!ie_encode(c, h, &env2, &a, NULL, &two));
	MUST(one.n == two.n && !memcmp(one.p, two.p, one.n));
	free(one.p);
	free(two.p);
}

FUZZ_TARGET(cx)
{
	const struct ie_command *c;
	struct ie_buf answer = { 0 };
	struct ie_header h;
	struct ie_error e;
	struct ie_env env;
	union cx_any a;
	char line[512];

	if (size > 65536)
		return 0;
	ie_print(&cx_dict, NULL, data, size, line, sizeof(line));
	if (ie_header_parse(data, size, &h))
		return 0;
	c = cx_find_command(h.code, h.flags & IE_FLAG_REQUEST);
	if (!c)
		return 0;
	if (!ie_decode(c, &cx_dict, data, size, &env, &a, &e)) {
		fuzz_cx_again(c, &h, &env, &a);
		return 0;
	}
	MUST(e.result >= 3000);
	MUST(!ie_encode_error(&h, &env, &e, &answer));
	free(answer.p);
	return 0;
}
