// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The reginfo document: RFC 3680 5, TS 24.229 5.4.2.1.2. Always the full state of the set: one
 * registration for each identity that is not barred, each with all contacts.
 *
 * Invariant: what came from outside (URIs, parameters) is written as text, with entities.
 */
#include "scscf/priv.h"

static const char *const event_names[] = {
	[CE_REGISTERED] = "registered", [CE_CREATED] = "created",
	[CE_REFRESHED] = "refreshed",	[CE_SHORTENED] = "shortened",
	[CE_EXPIRED] = "expired",	[CE_DEACTIVATED] = "deactivated",
	[CE_PROBATION] = "probation",	[CE_UNREGISTERED] = "unregistered",
	[CE_REJECTED] = "rejected",
};

const char *contact_event_name(enum contact_event e)
{
	return event_names[e];
}

/* One parameter of the Contact: RFC 3680 5.3.2 (unknown-param), as it stands there (RFC 5628 5.1). */
static void write_param(struct str one, struct sbuf *b)
{
	struct str value = one, name;

	str_split(&value, '=', &name);
	if (!value.p)
		value = (struct str){ "", 0 };
	sbuf_addz(b, "<unknown-param name=\"");
	sbuf_xml(b, str_trim(name));
	sbuf_addz(b, "\">");
	sbuf_xml(b, value);
	sbuf_addz(b, "</unknown-param>");
}

static void write_params(const char *params, struct sbuf *b)
{
	struct str rest = str_of(params), one;

	while (next_param(&rest, &one))
		if (!sip_param(one, "q", NULL)) /* an attribute */
			write_param(one, b);
}

static void write_contact(const struct contact *c, const struct impu *u, struct sbuf *b)
{
	enum contact_event e = c->event;
	struct str q;

	if (e == CE_REGISTERED && c->aor && c->aor != u->id)
		e = CE_CREATED; /* registered along with another identity */
	sbuf_addf(b, "<contact id=\"c%u-%u\" state=\"%s\" event=\"%s\"", c->id, u->id,
		  contact_is_ended(c) ? "terminated" : "active", event_names[e]);
	if (!contact_is_ended(c))
		sbuf_addf(b, " expires=\"%u\"", contact_expires(c));
	if (c->params && sip_param(str_of(c->params), "q", &q) && q.n) {
		sbuf_addz(b, " q=\"");
		sbuf_xml(b, q);
		sbuf_addz(b, "\"");
	}
	sbuf_addf(b, " callid=\"");
	sbuf_xml(b, str_of(c->call_id));
	sbuf_addf(b, "\" cseq=\"%u\"><uri>", c->cseq);
	sbuf_xml(b, str_of(c->uri));
	sbuf_addz(b, "</uri>");
	if (c->params)
		write_params(c->params, b);
	sbuf_addz(b, "</contact>");
}

static void write_registration(const struct irs *r, const struct impu *u, bool last, struct sbuf *b)
{
	const struct contact *c;

	sbuf_addz(b, "<registration aor=\"");
	sbuf_xml(b, str_of(u->uri));
	sbuf_addf(b, "\" id=\"a%u\" state=\"%s\">", u->id, last ? "terminated" : "active");
	DL_FOREACH (r->contacts, c)
		write_contact(c, u, b);
	sbuf_addz(b, "</registration>");
}

void reginfo_write(const struct irs *r, uint32_t version, bool last, struct sbuf *b)
{
	sbuf_addf(
		b,
		"<?xml version=\"1.0\"?>\r\n"
		"<reginfo xmlns=\"urn:ietf:params:xml:ns:reginfo\" version=\"%u\" state=\"full\">",
		version);
	for (size_t i = 0; i < r->n_impus; i++) {
		if (!r->impus[i]->barred)
			write_registration(r, r->impus[i], last, b);
	}
	sbuf_addz(b, "</reginfo>\r\n");
}
