// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What people read: a message as one line for the log, and the tables as Markdown.
 * Values of rows marked IE_SECRET (keys, expected responses) are shown as their length only.
 */
#include <ctype.h>
#include <stdarg.h>

#include "lib/ie/wire.h"

void ie_outf(struct ie_out *o, const char *fmt, ...)
{
	va_list ap;
	int n;

	if (o->n + 1 >= o->size)
		return;
	va_start(ap, fmt);
	n = vsnprintf(o->p + o->n, o->size - o->n, fmt, ap);
	va_end(ap);
	if (n > 0)
		o->n = MIN(o->n + (size_t)n, o->size - 1);
}

void ie_out_text(struct ie_out *o, struct str s)
{
	for (size_t i = 0; i < s.n && i < 256; i++)
		ie_outf(o, isprint((unsigned char)s.p[i]) ? "%c" : "\\x%02x", (unsigned char)s.p[i]);
	if (s.n > 256)
		ie_outf(o, "...(%zu)", s.n);
}

static void put_avps(struct ie_out *o, const struct ie_dict *d, struct str in, int depth);

static void put_value(struct ie_out *o, const struct ie_dict *d, const struct ie_avp *a,
		      const struct ie_view *v, int depth)
{
	uint32_t u;

	if (a->flags & IE_SECRET) {
		ie_outf(o, "<%zu octets>", v->value.n);
	} else if (a->type == IE_GROUPED && depth < 4) {
		ie_outf(o, "{");
		put_avps(o, d, v->value, depth + 1);
		ie_outf(o, " }");
	} else if ((a->type == IE_U32 || a->type == IE_I32 || a->type == IE_ENUM) &&
		   !ie_u32(v->value, &u)) {
		ie_outf(o, "%u", u);
	} else if (a->type == IE_UTF8 || a->type == IE_IDENTITY || a->type == IE_URI) {
		ie_out_text(o, v->value);
	} else {
		ie_outf(o, "<%zu octets>", v->value.n);
	}
}

static void put_avps(struct ie_out *o, const struct ie_dict *d, struct str in, int depth)
{
	struct ie_cursor c;
	struct ie_view v;

	ie_cursor_init(&c, in.p, in.n);
	while (ie_next(&c, &v)) {
		const struct ie_avp *a = ie_find(d, v.code, v.vendor);

		if (!a) {
			ie_outf(o, " %u/%u=<%zu octets>", v.vendor, v.code, v.value.n);
			continue;
		}
		ie_outf(o, " %s=", a->name);
		put_value(o, d, a, &v, depth);
	}
	if (c.bad)
		ie_outf(o, " (malformed)");
}

char *ie_print(const struct ie_dict *d, const struct ie_command *c, const uint8_t *msg, size_t n,
	       char *dst, size_t size)
{
	struct ie_out o = { .p = dst, .size = size };
	struct ie_header h;

	if (!size)
		return dst;
	*dst = '\0';
	if (ie_header_parse(msg, n, &h)) {
		ie_outf(&o, "not a Diameter message (%zu octets)", n);
		return dst;
	}
	if (c)
		ie_outf(&o, "%s", c->abbrev);
	else
		ie_outf(&o, "command %u", h.code);
	put_avps(&o, d, (struct str){ (const char *)msg + IE_HDR_LEN, h.length - IE_HDR_LEN }, 0);
	return dst;
}

const char *ie_type_name(enum ie_type t)
{
	switch (t) {
	case IE_OCTETS:
		return "OctetString";
	case IE_UTF8:
		return "UTF8String";
	case IE_IDENTITY:
		return "DiameterIdentity";
	case IE_URI:
		return "DiameterURI";
	case IE_U32:
		return "Unsigned32";
	case IE_I32:
		return "Integer32";
	case IE_ENUM:
		return "Enumerated";
	case IE_U64:
		return "Unsigned64";
	case IE_TIME:
		return "Time";
	case IE_ADDRESS:
		return "Address";
	case IE_GROUPED:
		return "Grouped";
	}
	return "?";
}

void ie_doc_dict(FILE *f, const struct ie_dict *d)
{
	fprintf(f, "## AVPs: %s (%s)\n\n| code | name | type | flags |\n|---|---|---|---|\n",
		d->name, d->spec);
	for (size_t i = 0; i < d->n; i++) {
		const struct ie_avp *a = &d->avps[i];

		if (a->name)
			fprintf(f, "| %u | %s | %s | %s%s%s |\n", a->code, a->name,
				ie_type_name(a->type), a->vendor ? "V" : "",
				a->flags & IE_M ? "M" : "",
				a->flags & IE_SECRET ? ", never logged" : "");
	}
	fputc('\n', f);
}

static void doc_rules(FILE *f, const struct ie_rule *rules, int depth)
{
	static const char *const pres[] = {
		[IE_OPT] = "O", [IE_MAND] = "M", [IE_SUCC] = "C (success)", [IE_ENVL] = "M"
	};

	for (const struct ie_rule *r = rules; r->avp; r++) {
		fprintf(f, "| %.*s%s | %s |", depth * 2, "> > > > ", r->avp->name,
			pres[r->presence]);
		if (r->max == 1)
			fprintf(f, " 1 |");
		else if (r->max == UINT16_MAX)
			fprintf(f, " any |");
		else
			fprintf(f, " up to %u |", r->max);
		fprintf(f, " %s |\n", r->map == IE_SKIP ? "accepted, not used" : "");
		if (r->group && r->map != IE_XRESULT)
			doc_rules(f, r->group, depth + 1);
	}
}

void ie_doc_command(FILE *f, const struct ie_command *c)
{
	fprintf(f, "## %s (%s, %u, %s)\n\n| AVP | presence | number | |\n|---|---|---|---|\n",
		c->name, c->abbrev, c->code, c->spec);
	doc_rules(f, c->rules, 0);
	fputc('\n', f);
}
