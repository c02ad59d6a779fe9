// SPDX-License-Identifier: GPL-2.0-or-later
/* Digest headers: a key that was taken out is not found any more, by us or by a naive search. */
#include "lib/sip/authhdr.h"
#include "tests/fuzz/fuzz.h"

FUZZ_TARGET(authhdr)
{
	struct str text = { (const char *)data, size }, without;
	struct sip_digest a, b;
	char *z;

	if (size > 16384)
		return 0;
	z = sip_digest_without(text, "ck");
	MUST(z);
	without = str_of(z);
	if (!memchr(text.p ? text.p : "", '\0', size) && !sip_digest_read(text, &a)) {
		MUST(!sip_digest_read(without, &b));
		MUST(!b.ck.p && str_eq(a.scheme, b.scheme) && str_eq(a.nonce, b.nonce) &&
		     str_eq(a.ik, b.ik));
		MUST(str_eq(a.username, b.username) && a.has_response == b.has_response);
	}
	free(z);
	return 0;
}
