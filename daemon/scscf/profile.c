// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The user profile in the User-Data AVP: TS 29.228 annexes D and E, read with expat.
 *
 *   IMSSubscription { PrivateID, ServiceProfile { PublicIdentity { BarringIndication, Identity,
 *   Extension ... }, InitialFilterCriteria ... } ... }
 *
 * Initial filter criteria are kept as the text that they are. Invariants: at most IMPUS_MAX
 * identities and XML_LEN_MAX octets; unknown elements are skipped; no DTD is taken, hence no entities
 * of the sender's making.
 */
#include <expat.h>

#include "scscf/priv.h"

#define XML_LEN_MAX (256 * 1024)
#define TEXT_MAX    512

struct reader {
	XML_Parser parser;
	struct str xml;
	struct profile *p;
	int error;
	int service; /* index of the ServiceProfile we are in */
	int depth, ifc_depth;
	long ifc_from;
	bool in_identity, barred;
	char identity[TEXT_MAX];
	char text[TEXT_MAX];
	size_t text_n;
};

static void stop(struct reader *r, int error)
{
	if (!r->error)
		r->error = error;
	XML_StopParser(r->parser, XML_FALSE);
}

/* The name without a namespace prefix. */
static const char *local(const char *name)
{
	const char *colon = strrchr(name, ':');

	return colon ? colon + 1 : name;
}

static void on_start(void *arg, const char *name, const char **attrs _unused_)
{
	struct reader *r = arg;

	name = local(name);
	r->depth++;
	r->text_n = 0;
	if (r->ifc_depth)
		return;
	if (!strcmp(name, "ServiceProfile")) {
		r->service++;
	} else if (!strcmp(name, "PublicIdentity")) {
		r->in_identity = true;
		r->barred = false;
		r->identity[0] = '\0';
	} else if (!strcmp(name, "InitialFilterCriteria")) {
		r->ifc_depth = r->depth;
		r->ifc_from = (long)XML_GetCurrentByteIndex(r->parser);
	}
}

static void add_identity(struct reader *r)
{
	struct profile *p = r->p;
	struct profile_id *id;

	r->in_identity = false;
	if (!r->identity[0])
		return;
	if (p->n == IMPUS_MAX) {
		stop(r, -E2BIG);
		return;
	}
	id = &p->ids[p->n];
	*id = (struct profile_id){ strdup(r->identity), r->barred, r->service };
	if (id->uri)
		p->n++;
	else
		stop(r, -ENOMEM);
}

static void end_ifc(struct reader *r)
{
	long to = (long)XML_GetCurrentByteIndex(r->parser) + XML_GetCurrentByteCount(r->parser);

	r->ifc_depth = 0;
	if (r->ifc_from >= 0 && to > r->ifc_from && (size_t)to <= r->xml.n)
		sbuf_add(&r->p->ifc,
			 (struct str){ r->xml.p + r->ifc_from, (size_t)(to - r->ifc_from) });
}

static void on_end(void *arg, const char *name)
{
	struct reader *r = arg;
	struct str text = str_trim((struct str){ r->text, r->text_n });

	name = local(name);
	if (r->ifc_depth) {
		if (r->depth == r->ifc_depth)
			end_ifc(r);
	} else if (!strcmp(name, "PrivateID") && !r->p->private_id) {
		r->p->private_id = str_dup(text);
	} else if (!strcmp(name, "Identity") && r->in_identity) {
		str_copy(r->identity, sizeof(r->identity), text);
	} else if (!strcmp(name, "BarringIndication") && r->in_identity) {
		r->barred = str_eqz(text, "1") || str_eqz(text, "true");
	} else if (!strcmp(name, "PublicIdentity")) {
		add_identity(r);
	}
	r->depth--;
	r->text_n = 0;
}

static void on_text(void *arg, const char *s, int n)
{
	struct reader *r = arg;
	size_t left = sizeof(r->text) - r->text_n, len = MIN((size_t)n, left);

	memcpy(r->text + r->text_n, s, len);
	r->text_n += len;
}

static void on_doctype(void *arg, const char *name _unused_, const char *sys _unused_,
		       const char *pub _unused_, int internal _unused_)
{
	stop(arg, -EBADMSG);
}

/* One parser for all profiles: making one costs more than a profile. */
static XML_Parser shared_parser(struct reader *r)
{
	static XML_Parser parser;

	if (!parser)
		parser = XML_ParserCreate(NULL);
	else
		XML_ParserReset(parser, NULL);
	if (parser) {
		XML_SetUserData(parser, r);
		XML_SetElementHandler(parser, on_start, on_end);
		XML_SetCharacterDataHandler(parser, on_text);
		XML_SetStartDoctypeDeclHandler(parser, on_doctype);
	}
	return parser;
}

int profile_parse(struct str xml, struct profile *ret)
{
	struct reader r = { .xml = xml, .p = ret, .service = -1 };

	*ret = (struct profile){ 0 };
	if (xml.n > XML_LEN_MAX)
		return -E2BIG;
	r.parser = shared_parser(&r);
	if (!r.parser)
		return -ENOMEM;
	if (XML_Parse(r.parser, xml.p, (int)xml.n, 1) != XML_STATUS_OK && !r.error)
		r.error = -EBADMSG;
	if (!r.error && ret->ifc.failed)
		r.error = -ENOMEM;
	if (!r.error && !ret->n)
		r.error = -EBADMSG;
	if (r.error)
		profile_free(ret);
	return r.error;
}

void profile_free(struct profile *p)
{
	for (size_t i = 0; i < p->n; i++)
		free(p->ids[i].uri);
	free(p->private_id);
	sbuf_free(&p->ifc);
	*p = (struct profile){ 0 };
}
