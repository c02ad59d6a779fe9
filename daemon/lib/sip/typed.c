// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Typed header fields by sofia-sip's header classes, made when somebody asks, kept in a su_home of
 * the message. A field with a NUL in it (allowed in quoted-pairs) has no typed view, since
 * sofia-sip works on C strings; neither has one that it finds malformed.
 */
#include <sofia-sip/msg_header.h>
#include <sofia-sip/sip_header.h>
#include <sofia-sip/url.h>

#include "lib/sip/msg-internal.h"

static su_home_t *home(struct sip_msg *m)
{
	if (!m->home)
		m->home = su_home_new(sizeof(*m->home));
	return m->home;
}

/* C string with folds replaced by spaces, in m's arena. */
static char *text_of(struct sip_msg *m, struct str s)
{
	char *z = sip_msg_room(m, s.n + 1, 1);

	if (!z || (s.n && memchr(s.p, '\0', s.n)))
		return NULL;
	for (size_t i = 0; i < s.n; i++)
		z[i] = s.p[i] == '\r' || s.p[i] == '\n' ? ' ' : s.p[i];
	z[s.n] = '\0';
	return z;
}

/* All fields of the kind as one chain; one malformed field makes the whole answer NULL. */
static msg_header_t *make_chain(struct sip_msg *m, enum sip_hdr id, msg_hclass_t *hc)
{
	msg_header_t *head = NULL, **tail = &head;

	for (const struct sip_hf *hf = sip_msg_hf(m, id); hf; hf = sip_msg_next(m, id, hf)) {
		char *z = text_of(m, hf->value);
		msg_header_t *h = z && home(m) ? msg_header_make(home(m), hc, z) : NULL;

		if (!h)
			return NULL;
		*tail = h;
		while (h->sh_next)
			h = h->sh_next;
		tail = &h->sh_next;
	}
	return head;
}

static void *typed(struct sip_msg *m, enum sip_typed t, enum sip_hdr id, msg_hclass_t *hc)
{
	if (!(m->typed_ok & 1u << t)) {
		m->typed[t] = sip_msg_maybe(m, id) ? make_chain(m, id, hc) : NULL;
		m->typed_ok |= 1u << t;
	}
	return m->typed[t];
}

const sip_via_t *sip_msg_via(struct sip_msg *m)
{
	return typed(m, SIP_T_VIA, SIP_H_VIA, sip_via_class);
}

const sip_from_t *sip_msg_from(struct sip_msg *m)
{
	return typed(m, SIP_T_FROM, SIP_H_FROM, sip_from_class);
}

const sip_to_t *sip_msg_to(struct sip_msg *m)
{
	return typed(m, SIP_T_TO, SIP_H_TO, sip_to_class);
}

/* RFC 3261 20.10: a URI with "?" or "," must be in angle brackets (RFC 4475 3.1.2.12); sofia-sip would let it pass. */
static bool contacts_plausible(const struct sip_msg *m)
{
	struct sip_elem e = { 0 };

	while (sip_msg_next_elem(m, SIP_H_CONTACT, &e)) {
		struct sip_name_addr na;

		if (!str_eq(e.text, STR("*")) &&
		    (sip_name_addr_parse(e.text, &na) || !sip_params_valid(na.params)))
			return false;
	}
	return true;
}

const sip_contact_t *sip_msg_contact(struct sip_msg *m)
{
	if (!(m->typed_ok & 1u << SIP_T_CONTACT) && !contacts_plausible(m)) {
		m->typed[SIP_T_CONTACT] = NULL;
		m->typed_ok |= 1u << SIP_T_CONTACT;
	}
	return typed(m, SIP_T_CONTACT, SIP_H_CONTACT, sip_contact_class);
}

const sip_route_t *sip_msg_route(struct sip_msg *m)
{
	return typed(m, SIP_T_ROUTE, SIP_H_ROUTE, sip_route_class);
}

const sip_record_route_t *sip_msg_record_route(struct sip_msg *m)
{
	return typed(m, SIP_T_RECORD_ROUTE, SIP_H_RECORD_ROUTE, sip_record_route_class);
}

const sip_authorization_t *sip_msg_authorization(struct sip_msg *m)
{
	return typed(m, SIP_T_AUTHORIZATION, SIP_H_AUTHORIZATION, sip_authorization_class);
}

const sip_www_authenticate_t *sip_msg_www_authenticate(struct sip_msg *m)
{
	return typed(m, SIP_T_WWW_AUTHENTICATE, SIP_H_WWW_AUTHENTICATE, sip_www_authenticate_class);
}

const sip_rack_t *sip_msg_rack(struct sip_msg *m)
{
	return typed(m, SIP_T_RACK, SIP_H_RACK, sip_rack_class);
}

const sip_content_type_t *sip_msg_content_type(struct sip_msg *m)
{
	return typed(m, SIP_T_CONTENT_TYPE, SIP_H_CONTENT_TYPE, sip_content_type_class);
}

const sip_session_expires_t *sip_msg_session_expires(struct sip_msg *m)
{
	return typed(m, SIP_T_SESSION_EXPIRES, SIP_H_SESSION_EXPIRES, sip_session_expires_class);
}

const url_t *sip_msg_ruri_url(struct sip_msg *m)
{
	char *z;

	if (!m->is_request || m->ruri_url)
		return m->ruri_url;
	z = text_of(m, m->ruri);
	if (z && home(m))
		m->ruri_url = url_make(home(m), z);
	if (m->ruri_url && m->ruri_url->url_type == url_invalid)
		m->ruri_url = NULL;
	return m->ruri_url;
}
