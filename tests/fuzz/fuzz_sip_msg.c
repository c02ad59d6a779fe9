// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * SIP messages: what is accepted leaves as it came; after any edits it is read again as what it is;
 * a stream gives the same verdict as a whole; typed views of everything.
 */
#include "lib/sip/msg.h"
#include "lib/sip/secagree.h"
#include "tests/fuzz/fuzz.h"

#ifndef KIMS_FUZZ_SIP_SAME
#define KIMS_FUZZ_SIP_SAME
static struct str sip_encoded(const struct sip_msg *m)
{
	static char buf[65536];
	size_t n = sip_msg_encode(m, buf, sizeof(buf));

	MUST(n && n == sip_msg_size(m));
	return (struct str){ buf, n };
}

/* m is what would be read from its own text. */
static void sip_must_reparse(const struct sip_msg *m)
{
	struct str text = sip_encoded(m);
	struct sip_msg *again;
	struct sip_parse_result r = sip_msg_parse(text.p, text.n, true, &again);

	MUST(r.error == SIP_PARSE_OK);
	MUST(str_eq(sip_msg_from_tag(m), sip_msg_from_tag(again)));
	MUST(str_eq(sip_msg_to_tag(m), sip_msg_to_tag(again)));
	MUST(str_eq(sip_msg_ruri(m), sip_msg_ruri(again)));
	MUST(str_eq(sip_msg_body(m), sip_msg_body(again)));
	MUST(str_eq(sip_msg_top_branch(m), sip_msg_top_branch(again)));
	MUST(str_eq(sip_msg_method_name(m), sip_msg_method_name(again)));
	MUST(sip_msg_cseq(m) == sip_msg_cseq(again) && sip_msg_method(m) == sip_msg_method(again));
	for (unsigned int id = 0; id < SIP_H_MAX; id++) {
		const struct sip_hf *a = NULL, *b = NULL;

		do {
			a = sip_msg_next(m, id, a);
			b = sip_msg_next(again, id, b);
			MUST(!a == !b);
			MUST(!a || (str_eq(a->name, b->name) && str_eq(a->value, b->value)));
		} while (a);
	}
	sip_msg_unref(again);
}
#endif

static void read_all(struct sip_msg *m)
{
	struct sip_name_addr na;
	struct sec_list l;
	uint32_t v;

	for (unsigned int id = 0; id < SIP_H_MAX; id++) {
		struct sip_elem e = { 0 };

		while (sip_msg_next_elem(m, id, &e))
			sip_name_addr_parse(e.text, &na);
		sip_msg_has_token(m, id, "timer");
		sip_msg_u32(m, id, &v);
	}
	sip_msg_via(m);
	sip_msg_from(m);
	sip_msg_to(m);
	sip_msg_contact(m);
	sip_msg_route(m);
	sip_msg_record_route(m);
	sip_msg_authorization(m);
	sip_msg_www_authenticate(m);
	sip_msg_rack(m);
	sip_msg_content_type(m);
	sip_msg_session_expires(m);
	sip_msg_ruri_url(m);
	sec_list_read(m, SIP_H_SECURITY_CLIENT, &l);
	sec_list_read(m, SIP_H_SECURITY_VERIFY, &l);
}

/* What a proxy does, and more. Values of the message go in again, as functions do. */
static void edit(struct sip_msg *m, bool ok)
{
	struct str from = sip_msg_value(m, SIP_H_FROM);

	sip_msg_prepend(m, SIP_H_VIA, "SIP/2.0/UDP 10.0.0.1:5060;branch=z9hG4bKfuzz");
	sip_msg_prepend(m, SIP_H_RECORD_ROUTE, "<sip:me;lr>");
	sip_msg_add(m, SIP_H_PATH, "<sip:me;lr>");
	sip_msg_add_named(m, "X-Copy", "%.*s", STR_FMT(from));
	sip_msg_remove_first_elem(m, SIP_H_ROUTE);
	sip_msg_remove_token(m, SIP_H_SUPPORTED, "100rel");
	sip_msg_remove_token(m, SIP_H_REQUIRE, "sec-agree");
	sip_msg_set(m, SIP_H_MAX_FORWARDS, "69");
	sip_msg_remove(m, SIP_H_P_PREFERRED_IDENTITY);
	sip_msg_remove_named(m, "X-Unknown");
	for (const struct sip_hf *hf = NULL; (hf = sip_msg_next(m, SIP_H_OTHER, hf));)
		if (hf->name.n & 1)
			sip_hf_remove(m, hf);
	if (!sip_msg_set_to_tag(m, "fuzzed") && ok)
		MUST(str_eqz(sip_msg_to_tag(m), "fuzzed"));
	if (sip_msg_is_request(m))
		sip_msg_set_ruri(m, STR("sip:fuzz@example.com"));
}

static void responses(const struct sip_msg *m)
{
	static const int status[] = { 100, 183, 200, 400 };

	for (size_t i = 0; i < ARRAY_SIZE(status); i++) {
		struct sip_msg *r = sip_msg_new_response(m, status[i], NULL, NULL);

		if (r)
			sip_encoded(r);
		sip_msg_unref(r);
	}
}

static void as_stream(const char *p, size_t n)
{
	struct sip_msg *m;
	struct sip_parse_result all = sip_msg_parse(p, n, false, &m), part;

	MUST(all.used <= n);
	MUST(all.error != SIP_PARSE_OK || m);
	sip_msg_unref(m);
	for (size_t i = 1; i < 8; i++) {
		part = sip_msg_parse(p, n * i / 8, false, &m);
		sip_msg_unref(m);
		if (part.error == SIP_PARSE_OK)
			MUST(all.error == SIP_PARSE_OK && all.used == part.used);
	}
}

static void accepted(struct sip_msg *m, const char *data, size_t size)
{
	struct sip_msg *clone = sip_msg_clone(m);
	struct str text = sip_encoded(m);

	for (; size && (*data == '\r' || *data == '\n'); size--) /* in front of the start line */
		data++;
	MUST(text.n <= size && !memcmp(text.p, data, text.n));
	sip_must_reparse(m);
	sip_must_reparse(clone);
	read_all(m);
	responses(m);
	edit(clone, true);
	read_all(clone);
	sip_must_reparse(clone);
	sip_must_reparse(m);
	if (!sip_msg_set_body(clone, "application/sdp", "v=0\r\n", 5))
		sip_must_reparse(clone);
	sip_msg_unref(clone);
}

FUZZ_TARGET(sip_msg)
{
	const char *p = (const char *)data;
	struct sip_msg *m;
	struct sip_parse_result r;

	if (size > 65535)
		return 0;
	r = sip_msg_parse(p, size, true, &m);
	if (r.error == SIP_PARSE_OK) {
		accepted(m, p, size);
	} else if (m) {
		read_all(m);
		responses(m);
		edit(m, false);
		sip_encoded(m);
	}
	sip_msg_unref(m);
	as_stream(p, size);
	return 0;
}
