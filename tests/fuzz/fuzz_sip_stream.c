// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Framing of streams: the same frames however the octets are dripped, and no frame whose length the
 * parser would see differently.
 */
#include "lib/sip/msg.h"
#include "lib/sip/stream.h"
#include "tests/fuzz/fuzz.h"

#define MAX_MESSAGE 8192

struct frames {
	size_t n;
	enum sip_frame kind[64];
	size_t len[64];
};

/* Cuts data, with at most step more octets known each time. */
static void cut(const char *p, size_t size, size_t step, struct frames *f)
{
	struct sip_framer framer = { 0 };
	size_t at = 0, known = 0;

	f->n = 0;
	while (f->n < ARRAY_SIZE(f->kind)) {
		size_t len = 0;
		enum sip_frame k = sip_frame_next(&framer, p + at, known - at, MAX_MESSAGE, &len);

		if (k == SIP_FRAME_MORE) {
			if (known == size)
				return;
			known = MIN(size, known + step);
			continue;
		}
		f->kind[f->n] = k;
		f->len[f->n++] = len;
		if (k == SIP_FRAME_BROKEN || k == SIP_FRAME_TOO_BIG)
			return;
		MUST(len && len <= known - at);
		at += len;
	}
}

static void check_parser(const char *p, const struct frames *f)
{
	for (size_t i = 0, at = 0; i < f->n; i++) {
		struct sip_parse_result r;
		struct sip_msg *m;

		if (f->kind[i] == SIP_FRAME_MESSAGE) {
			r = sip_msg_parse(p + at, f->len[i], false, &m);
			sip_msg_unref(m);
			MUST(r.error != SIP_PARSE_OK || r.used == f->len[i]);
		}
		at += f->len[i];
	}
}

FUZZ_TARGET(sip_stream)
{
	static struct frames whole, dripped;
	const char *p = (const char *)data;
	size_t a = 0, b = 0;

	if (size > 20000)
		return 0;
	cut(p, size, size ? size : 1, &whole);
	cut(p, size, 1 + size % 7, &dripped);
	check_parser(p, &whole);
	for (size_t i = 0; i < whole.n; i++)
		a += whole.kind[i] == SIP_FRAME_MESSAGE;
	for (size_t i = 0; i < dripped.n; i++)
		b += dripped.kind[i] == SIP_FRAME_MESSAGE;
	/* Line ends between messages may be grouped differently; messages may not. */
	if (whole.n < ARRAY_SIZE(whole.kind) && dripped.n < ARRAY_SIZE(dripped.kind))
		MUST(a == b);
	return 0;
}
