// SPDX-License-Identifier: GPL-2.0-or-later
/* URIs, name-addr and Via: views stay inside, the canonical form is canonical. */
#include "lib/sip/msg.h"
#include "tests/fuzz/fuzz.h"

static void inside(struct str all, struct str part)
{
	MUST(!part.n || (part.p >= all.p && part.p + part.n <= all.p + all.n));
}

static void canon(struct str s)
{
	char a[512], b[512];

	if (sip_uri_canon(s, a, sizeof(a)))
		return;
	MUST(!sip_uri_canon(str_of(a), b, sizeof(b)) && !strcmp(a, b));
}

static void uri(struct str s)
{
	struct sip_uri u;

	if (sip_uri_parse(s, &u))
		return;
	inside(s, u.scheme);
	inside(s, u.user);
	inside(s, u.password);
	inside(s, u.host);
	inside(s, u.params);
	inside(s, u.headers);
	MUST(u.is_tel ? u.user.n : u.host.n);
	sip_param(u.params, "lr", NULL);
}

FUZZ_TARGET(uri)
{
	struct str s = { (const char *)data, size }, v;
	struct sip_name_addr na;
	struct sip_via_view via;

	if (size > 8192)
		return 0;
	uri(s);
	canon(s);
	if (!sip_name_addr_parse(s, &na)) {
		inside(s, na.display);
		inside(s, na.uri);
		inside(s, na.params);
		MUST(na.uri.n);
		uri(na.uri);
		if (sip_param(na.params, "tag", &v))
			inside(s, v);
	}
	if (!sip_via_parse(s, &via)) {
		inside(s, via.host);
		inside(s, via.branch);
		MUST(via.host.n && via.transport.n);
	}
	return 0;
}
