// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Messages of Sxb and N4 (TS 29.244) as octets from a peer. What decodes must encode, decode again and then
 * encode to the same octets; what does not must name a cause.
 */
#include "ref/sx.h"
#include "tests/fuzz/fuzz.h"

static union sx_any fuzz_sx_one, fuzz_sx_two;
static uint8_t fuzz_sx_a[65536], fuzz_sx_b[65536];

FUZZ_TARGET(pfcp)
{
	struct tlv_buf a = TLV_BUF(fuzz_sx_a), b = TLV_BUF(fuzz_sx_b);
	struct tlv_error e;
	struct tlv_hdr h;
	char line[512];
	int r;

	sx_print(data, size, line, sizeof(line));
	r = sx_decode(data, size, &h, &fuzz_sx_one, &e);
	MUST(r == 0 || r == -ENOENT || (r == -EBADMSG && e.cause >= 64));
	if (r)
		return 0;
	MUST(h.len <= size && !e.cause);
	MUST(!sx_encode(h.type, h.id, &fuzz_sx_one, &a));
	MUST(!sx_decode(a.p, a.n, &h, &fuzz_sx_two, &e));
	MUST(!sx_encode(h.type, h.id, &fuzz_sx_two, &b));
	MUST(a.n == b.n && !memcmp(a.p, b.p, a.n));
	return 0;
}
