// SPDX-License-Identifier: GPL-2.0-or-later
/* User profiles (TS 29.228 annex E) as the HSS may send them: what is taken has identities and sound text. */
#include "scscf/priv.h"
#include "tests/fuzz/fuzz.h"

FUZZ_TARGET(profile)
{
	struct profile p;

	if (size > 65536)
		return 0;
	if (profile_parse((struct str){ (const char *)data, size }, &p)) {
		MUST(!p.n && !p.private_id);
		return 0;
	}
	MUST(p.n > 0 && p.n <= IMPUS_MAX);
	for (size_t i = 0; i < p.n; i++)
		MUST(p.ids[i].uri && p.ids[i].uri[0] && strlen(p.ids[i].uri) < 65536);
	profile_free(&p);
	return 0;
}
