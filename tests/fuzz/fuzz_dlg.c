// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Dialogs, from JSON and from messages: what is saved loads as the same, and what a dialog sends can be
 * read.
 */
#include "lib/sip/dlg.h"
#include "tests/fuzz/fuzz.h"

static void same(const struct sip_dlg *a, const struct sip_dlg *b)
{
	MUST(!strcmp(a->call_id, b->call_id) && !strcmp(a->local_tag, b->local_tag) &&
	     !strcmp(a->remote_tag, b->remote_tag));
	MUST(!strcmp(a->local_uri, b->local_uri) && !strcmp(a->remote_uri, b->remote_uri));
	MUST(!strcmp(a->remote_target, b->remote_target) && a->n_route == b->n_route);
	for (size_t i = 0; i < a->n_route; i++)
		MUST(!strcmp(a->route[i], b->route[i]));
	MUST(a->local_cseq == b->local_cseq && a->remote_cseq == b->remote_cseq);
}

static void use(struct sip_dlg *d, bool from_message)
{
	json_t *j = sip_dlg_save(d);
	struct sip_dlg *again = NULL;
	struct sip_msg *m, *read;
	static char buf[65536];
	size_t n;

	MUST(j && !sip_dlg_load(j, &again));
	same(d, again);
	json_decref(j);
	sip_dlg_free(again);
	m = sip_dlg_request(d, "BYE", 0);
	if (m && from_message && !sip_msg_prepend(m, SIP_H_VIA, "SIP/2.0/UDP h;branch=z9hG4bKx")) {
		n = sip_msg_encode(m, buf, sizeof(buf));
		MUST(n && sip_msg_parse(buf, n, true, &read).error == SIP_PARSE_OK);
		sip_msg_unref(read);
	}
	sip_msg_unref(m);
}

static bool is_me(void *arg, const struct sip_uri *uri)
{
	(void)arg;
	return str_ieq(uri->host, STR("me"));
}

static void from_message(const char *p, size_t size)
{
	struct sip_dlg *d, *e;
	struct sip_msg *m, *resp;

	if (sip_msg_parse(p, size, true, &m).error == SIP_PARSE_OK && sip_msg_is_request(m)) {
		if (!sip_dlg_uas(m, "lt", &d)) {
			use(d, sip_msg_from_tag(m).n);
			sip_dlg_free(d);
		}
		resp = sip_msg_new_response(m, 200, NULL, "lt");
		sip_msg_add(resp, SIP_H_CONTACT, "<sip:c@10.0.0.1>");
		if (!sip_dlg_uac(m, resp, &d)) {
			use(d, true);
			sip_dlg_free(d);
		}
		if (!sip_dlg_middle(m, resp, is_me, NULL, &d, &e)) {
			use(d, true);
			use(e, true);
			sip_dlg_free(d);
			sip_dlg_free(e);
		}
		sip_msg_unref(resp);
	}
	sip_msg_unref(m);
}

FUZZ_TARGET(dlg)
{
	struct sip_dlg *d;
	json_t *j;

	if (size > 32768)
		return 0;
	if (size && data[0] != '{') {
		from_message((const char *)data, size);
		return 0;
	}
	j = json_loadb((const char *)data, size, 0, NULL);
	if (j && !sip_dlg_load(j, &d)) {
		use(d, false);
		sip_dlg_free(d);
	}
	json_decref(j);
	return 0;
}
