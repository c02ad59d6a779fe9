// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * User-Data: the XML document of TS 29.228 annexes B, D and E for one implicit registration set.
 *
 *   IMSSubscription { PrivateID, ServiceProfile+ { PublicIdentity+, [CoreNetworkServicesAuthorization],
 *                     InitialFilterCriteria* } }
 *
 * One ServiceProfile for each profile of the set, in the order in which the identities name
 * them; the first identity that is not barred is the default one (TS 24.229 5.4.1.2.2F). All text is escaped.
 */
#include "hss/hss.h"

static void tag(struct sbuf *b, const char *name, const char *text)
{
	sbuf_addf(b, "<%s>", name);
	sbuf_xml(b, str_of(text));
	sbuf_addf(b, "</%s>", name);
}

static void registration_types(struct sbuf *b, const char *list)
{
	struct str rest = str_of(list), word;

	if (!*list)
		return;
	sbuf_addz(b, "<Extension>");
	while (str_split(&rest, ' ', &word)) {
		sbuf_addz(b, "<RegistrationType>");
		sbuf_xml(b, word);
		sbuf_addz(b, "</RegistrationType>");
	}
	sbuf_addz(b, "</Extension>");
}

static void spt(struct sbuf *b, const struct sub_spt *t)
{
	sbuf_addf(b, "<SPT><ConditionNegated>%d</ConditionNegated><Group>%u</Group>", t->negated,
		  t->group);
	if (!strcmp(t->kind, "uri")) {
		tag(b, "RequestURI", t->a);
	} else if (!strcmp(t->kind, "case")) {
		tag(b, "SessionCase", t->a);
	} else if (!strcmp(t->kind, "header")) {
		sbuf_addz(b, "<SIPHeader>");
		tag(b, "Header", t->a);
		if (*t->b)
			tag(b, "Content", t->b);
		sbuf_addz(b, "</SIPHeader>");
	} else if (!strcmp(t->kind, "sdp")) {
		sbuf_addz(b, "<SessionDescription>");
		tag(b, "Line", t->a);
		if (*t->b)
			tag(b, "Content", t->b);
		sbuf_addz(b, "</SessionDescription>");
	} else {
		tag(b, "Method", t->a);
		registration_types(b, t->b);
	}
	sbuf_addz(b, "</SPT>");
}

static void server(struct sbuf *b, const struct sub_ifc *f)
{
	sbuf_addz(b, "<ApplicationServer>");
	tag(b, "ServerName", f->server);
	sbuf_addf(b, "<DefaultHandling>%d</DefaultHandling>", f->handling);
	if (*f->service_info)
		tag(b, "ServiceInfo", f->service_info);
	if (f->include_request || f->include_response)
		sbuf_addf(b, "<Extension>%s%s</Extension>",
			  f->include_request ? "<IncludeRegisterRequest/>" : "",
			  f->include_response ? "<IncludeRegisterResponse/>" : "");
	sbuf_addz(b, "</ApplicationServer>");
}

static void criteria(struct sbuf *b, const struct sub_ifc *f)
{
	sbuf_addf(b, "<InitialFilterCriteria><Priority>%u</Priority>", f->priority);
	if (f->n_spt) {
		sbuf_addf(b, "<TriggerPoint><ConditionTypeCNF>%d</ConditionTypeCNF>", f->cnf);
		for (size_t i = 0; i < f->n_spt; i++)
			spt(b, &f->spt[i]);
		sbuf_addz(b, "</TriggerPoint>");
	}
	server(b, f);
	if (f->part >= 0)
		sbuf_addf(b, "<ProfilePartIndicator>%d</ProfilePartIndicator>", f->part);
	sbuf_addz(b, "</InitialFilterCriteria>");
}

/* alias: identities of one set and profile stand for the same user (TS 23.228 5.2.1a). */
static void identity(struct sbuf *b, const struct sub_impu *p, bool alias)
{
	sbuf_addf(b, "<PublicIdentity><BarringIndication>%d</BarringIndication>", p->barred);
	tag(b, "Identity", p->impu);
	sbuf_addz(b, "<Extension><IdentityType>0</IdentityType>");
	if (alias)
		sbuf_addf(b,
			  "<Extension><AliasIdentityGroupID>%u</AliasIdentityGroupID></Extension>",
			  p->set);
	sbuf_addz(b, "</Extension></PublicIdentity>");
}

static size_t members(const struct subscriber *s, size_t i)
{
	size_t n = 0;

	for (size_t j = 0; j < s->n_impu; j++)
		n += s->impu[j].set == s->impu[i].set &&
		     !strcmp(s->impu[j].profile, s->impu[i].profile);
	return n;
}

static void service_profile(struct hss *h, const struct subscriber *s, size_t i)
{
	const struct sub_profile *p = &h->profile;
	bool alias = members(s, i) > 1;

	sbuf_addz(&h->xml, "<ServiceProfile>");
	for (size_t j = i; j < s->n_impu; j++)
		if (s->impu[j].set == s->impu[i].set &&
		    !strcmp(s->impu[j].profile, s->impu[i].profile))
			identity(&h->xml, &s->impu[j], alias && !s->impu[j].barred);
	if (p->media >= 0)
		sbuf_addf(
			&h->xml,
			"<CoreNetworkServicesAuthorization><SubscribedMediaProfileId>%d</SubscribedMediaProfileId>"
			"</CoreNetworkServicesAuthorization>",
			p->media);
	for (size_t j = 0; j < p->n_ifc; j++)
		criteria(&h->xml, &p->ifc[j]);
	sbuf_addz(&h->xml, "</ServiceProfile>");
}

/* Is identity j the first of its set with its profile? */
static bool opens_profile(const struct subscriber *s, size_t j)
{
	for (size_t m = 0; m < j; m++)
		if (s->impu[m].set == s->impu[j].set &&
		    !strcmp(s->impu[m].profile, s->impu[j].profile))
			return false;
	return true;
}

int hss_userdata(struct hss *h, const struct subscriber *s, size_t i)
{
	sbuf_clear(&h->xml);
	sbuf_addz(&h->xml, "<?xml version=\"1.0\" encoding=\"UTF-8\"?><IMSSubscription>");
	tag(&h->xml, "PrivateID", s->impi);
	for (size_t j = 0; j < s->n_impu; j++) {
		if (s->impu[j].set != s->impu[i].set || !opens_profile(s, j))
			continue;
		if (!hss_profile(h, s->impu[j].profile))
			return -EIO;
		service_profile(h, s, j);
	}
	sbuf_addz(&h->xml, "</IMSSubscription>");
	return h->xml.failed ? -ENOMEM : 0;
}
