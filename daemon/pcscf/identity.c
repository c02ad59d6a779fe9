// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Whose request it is: P-Preferred-Identity, P-Asserted-Identity, Privacy.
 *
 * TS 24.229 5.2.6.3.1 and 5.2.6.3.3 (originating), 5.2.6.4.3, 5.2.6.4.4 (responses of the called UE),
 * RFC 3325, RFC 3323. An identity in From or P-Preferred-Identity that the registration does not
 * have is refused: the SA set says who it is (TS 33.203 6.1.1). The temporary one may stand there,
 * but is asserted to nobody.
 */
#include "pcscf/pcscf.h"

static const struct identity *find(const struct reg *r, struct str uri)
{
	char canon[256];

	if (sip_uri_canon(uri, canon, sizeof(canon)))
		return NULL;
	for (size_t i = 0; i < r->n_ids; i++)
		if (!strcmp(r->ids[i].canon, canon))
			return &r->ids[i];
	return NULL;
}

/* What it registered with, TS 23.003 13.4B: the UE's own, though barred for everything but registration. */
static bool is_temporary(const struct reg *r, struct str uri)
{
	char canon[256];

	return !sip_uri_canon(uri, canon, sizeof(canon)) && !strcmp(r->aor, canon);
}

bool identity_belongs(const struct reg *r, struct str uri)
{
	return find(r, uri);
}

/* RFC 3323 4.1.1.3: the UE may hide its name in From; who it is, the SA set tells. */
static bool anonymous(struct str uri)
{
	struct sip_uri u;

	if (sip_uri_parse(uri, &u))
		return false;
	return str_ieqz(u.host, "anonymous.invalid");
}

static bool from_allowed(const struct reg *r, const struct sip_msg *m)
{
	struct sip_name_addr na;

	if (sip_name_addr_parse(sip_msg_value(m, SIP_H_FROM), &na))
		return false;
	return anonymous(na.uri) || find(r, na.uri) || is_temporary(r, na.uri);
}

int identity_originating(struct reg *r, struct sip_msg *m, const char **ret_why)
{
	const struct identity *chosen = NULL;
	struct sip_elem e = { 0 };
	struct sip_name_addr na;

	while (sip_msg_next_elem(m, SIP_H_P_PREFERRED_IDENTITY, &e)) {
		const struct identity *id;

		if (sip_name_addr_parse(e.text, &na)) {
			*ret_why = "P-Preferred-Identity is malformed";
			return 400;
		}
		id = find(r, na.uri);
		if (!id && !is_temporary(r, na.uri)) {
			*ret_why = "P-Preferred-Identity belongs to somebody else";
			return 403;
		}
		if (!chosen)
			chosen = id; /* none: the default one stands in for a barred one */
	}
	if (!from_allowed(r, m)) {
		*ret_why = "From belongs to somebody else";
		return 403;
	}
	if (!chosen && r->n_ids)
		chosen = &r->ids[0];
	sip_msg_remove(m, SIP_H_P_PREFERRED_IDENTITY);
	if (!chosen) {
		sip_msg_remove(m, SIP_H_P_ASSERTED_IDENTITY);
		return 0;
	}
	if (sip_msg_set(m, SIP_H_P_ASSERTED_IDENTITY, "%s", chosen->text)) {
		*ret_why = "Out of memory";
		return 500;
	}
	return 0;
}

void identity_response(struct reg *r, struct sip_msg *resp, const char *called_party)
{
	const struct identity *id = NULL;
	struct sip_elem e = { 0 };
	struct sip_name_addr na;

	if (sip_msg_next_elem(resp, SIP_H_P_PREFERRED_IDENTITY, &e) &&
	    !sip_name_addr_parse(e.text, &na))
		id = find(r, na.uri);
	if (!id && called_party && !sip_name_addr_parse(str_of(called_party), &na))
		id = find(r, na.uri);
	if (!id && r->n_ids)
		id = &r->ids[0];
	sip_msg_remove(resp, SIP_H_P_PREFERRED_IDENTITY);
	sip_msg_remove(resp, SIP_H_P_ASSERTED_IDENTITY);
	if (id)
		sip_msg_add(resp, SIP_H_P_ASSERTED_IDENTITY, "%s", id->text);
}

void identity_to_ue(struct sip_msg *m)
{
	const struct sip_hf *h = sip_msg_hf(m, SIP_H_PRIVACY);
	struct str rest, v;

	if (!h || !sip_msg_hf(m, SIP_H_P_ASSERTED_IDENTITY))
		return;
	rest = h->value; /* RFC 3323 4.2: values are separated by ';' */
	while (str_split(&rest, ';', &v))
		if (str_ieqz(str_trim(v), "id")) {
			sip_msg_remove(m, SIP_H_P_ASSERTED_IDENTITY);
			return;
		}
}
