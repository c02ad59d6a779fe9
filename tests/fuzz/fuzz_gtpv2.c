// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Messages of S5, S8 and S2b (TS 29.274) as octets from a peer. What decodes must encode, decode again and then
 * encode to the same octets; what does not must name a cause.
 */
#include "ref/s5.h"
#include "tests/fuzz/fuzz.h"

static union s5_any fuzz_s5_one, fuzz_s5_two;
static uint8_t fuzz_s5_a[65536], fuzz_s5_b[65536];

FUZZ_TARGET(gtpv2)
{
	struct tlv_buf a = TLV_BUF(fuzz_s5_a), b = TLV_BUF(fuzz_s5_b);
	struct tlv_error e;
	struct tlv_hdr h;
	char line[512];
	int r;

	s5_print(data, size, line, sizeof(line));
	r = s5_decode(data, size, &h, &fuzz_s5_one, &e);
	MUST(r == 0 || r == -ENOENT || (r == -EBADMSG && e.cause >= 64));
	if (r)
		return 0;
	MUST(h.len <= size && !e.cause);
	MUST(!s5_encode(h.type, (uint32_t)h.id, &fuzz_s5_one, &a));
	MUST(!s5_decode(a.p, a.n, &h, &fuzz_s5_two, &e));
	MUST(!s5_encode(h.type, (uint32_t)h.id, &fuzz_s5_two, &b));
	MUST(a.n == b.n && !memcmp(a.p, b.p, a.n));
	return 0;
}
