// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Messages of Gx (TS 29.212) and Rx (TS 29.214) as octets from a peer. What decodes must encode, decode again and
 * then encode to the same octets; what does not must name a result code.
 */
#include "ref/gx_tables.h"
#include "ref/rx_tables.h"
#include "tests/fuzz/fuzz.h"

static const struct ie_command *fuzz_pcc_command(const struct ie_header *h)
{
	bool request = h->flags & IE_FLAG_REQUEST;

	return h->app == RX_APP_ID ? rx_find_command(h->code, request)
				   : gx_find_command(h->code, request);
}

static void fuzz_pcc_again(const struct ie_command *c, const struct ie_header *h,
			   const struct ie_env *env, const void *in)
{
	struct ie_buf one = { 0 }, two = { 0 };
	void *a = malloc(c->size);
	struct ie_env env2;
	struct ie_error e;

	MUST(a);
	MUST(!ie_encode(c, h, env, in, NULL, &one));
	MUST(!ie_decode(c, &pcc_dict, one.p, one.n, &env2, a, &e));
	MUST(!ie_encode(c, h, &env2, a, NULL, &two));
	MUST(one.n == two.n && !memcmp(one.p, two.p, one.n));
	free(one.p);
	free(two.p);
	free(a);
}

FUZZ_TARGET(pcc)
{
	const struct ie_command *c;
	struct ie_buf answer = { 0 };
	struct ie_header h;
	struct ie_error e;
	struct ie_env env;
	char line[512];
	void *a;

	if (size > 65536)
		return 0;
	ie_print(&pcc_dict, NULL, data, size, line, sizeof(line));
	if (ie_header_parse(data, size, &h))
		return 0;
	c = fuzz_pcc_command(&h);
	a = c ? malloc(c->size) : NULL;
	if (!a)
		return 0;
	if (!ie_decode(c, &pcc_dict, data, size, &env, a, &e)) {
		fuzz_pcc_again(c, &h, &env, a);
	} else {
		MUST(e.result >= 3000);
		MUST(!ie_encode_error(&h, &env, &e, &answer));
	}
	free(answer.p);
	free(a);
	return 0;
}
