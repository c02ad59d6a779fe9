// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What people read: a TLV message as one line for the log, and the tables as Markdown.
 * Octets are shown as their number only: they can be credentials of the user (PAP and CHAP in PCO).
 */
#include "lib/ie/tlv.h"
#include "lib/ie/wire.h"

#define SCRATCH 8192 /* the largest value is a traffic flow template */

struct lines {
	struct ie_out out;
	const struct tlv_format *format;
};

static const struct tlv_rule *rule_for(const struct tlv_rule *rules, const struct tlv_view *v)
{
	for (; rules && rules->ie; rules++)
		if (rules->ie->type == v->type && rules->instance == v->instance &&
		    rules->ie->vendor == v->vendor)
			return rules;
	return NULL;
}

static void put_value(struct lines *l, const struct tlv_rule *r, const struct tlv_view *v)
{
	_Alignas(16) char scratch[SCRATCH];
	struct tlv_io io = { .op = TLV_DECODE,
			     .p = (const uint8_t *)v->value.p,
			     .end = (const uint8_t *)v->value.p + v->value.n,
			     .out = &l->out };

	if (r->size > sizeof(scratch)) {
		ie_outf(&l->out, " <%zu octets>", v->value.n);
		return;
	}
	memset(scratch, 0, r->size);
	r->ie->io(&io, scratch);
	if (!tlv_ok(&io))
		ie_outf(&l->out, " (malformed)");
}

static void put_ies(struct lines *l, const struct tlv_rule *rules, struct str in, int depth)
{
	struct tlv_cursor c;
	struct tlv_view v;

	tlv_cursor_init(&c, l->format, in.p, in.n);
	while (tlv_next(&c, &v)) {
		const struct tlv_rule *r = rule_for(rules, &v);

		if (!r) {
			ie_outf(&l->out, " %u.%u=<%zu octets>", v.type, v.instance, v.value.n);
			continue;
		}
		ie_outf(&l->out, " %s{", r->field);
		if (r->group && depth < 6)
			put_ies(l, r->group(), v.value, depth + 1);
		else if (!r->group)
			put_value(l, r, &v);
		ie_outf(&l->out, " }");
	}
	if (c.bad)
		ie_outf(&l->out, " (malformed)");
}

char *tlv_print(const struct tlv_format *f, const struct tlv_msg *m, const uint8_t *msg, size_t n,
		char *dst, size_t size)
{
	struct lines l = { .out = { .p = dst, .size = size }, .format = f };
	struct tlv_hdr h;

	if (!size)
		return dst;
	*dst = '\0';
	if (f->parse(msg, n, &h)) {
		ie_outf(&l.out, "not a %s message (%zu octets)", f->name, n);
		return dst;
	}
	if (m)
		ie_outf(&l.out, "%s", m->name);
	else
		ie_outf(&l.out, "message %u", h.type);
	ie_outf(&l.out, " seq=%u", h.seq);
	if (h.has_id)
		ie_outf(&l.out, " id=0x%llx", (unsigned long long)h.id);
	put_ies(&l, m ? m->rules() : NULL,
		(struct str){ (const char *)msg + h.hdr_len, h.len - h.hdr_len }, 0);
	return dst;
}

static void doc_rules(FILE *f, const struct tlv_format *fmt, const struct tlv_rule *rules,
		      int depth)
{
	static const char *const pres[] = {
		[TLV_O] = "O", [TLV_C] = "C", [TLV_S] = "M (accepted)", [TLV_M] = "M"
	};

	for (const struct tlv_rule *r = rules; r->ie; r++) {
		fprintf(f, "| %.*s%s | %s | %u", depth * 2, "> > > > > > ", r->field, r->ie->name,
			r->ie->type);
		if (fmt == &tlv_gtpv2)
			fprintf(f, ".%u", r->instance);
		fprintf(f, " | %s | ", pres[r->presence]);
		fprintf(f, r->max == 1 ? "1 |\n" : "up to %u |\n", r->max);
		if (r->group)
			doc_rules(f, fmt, r->group(), depth + 1);
	}
}

void tlv_doc_msg(FILE *f, const struct tlv_msg *m)
{
	fprintf(f, "## %s (%u, %s)\n\n", m->name, m->type, m->spec);
	if (!m->rules()->ie) {
		fputs("No IEs.\n\n", f);
		return;
	}
	fprintf(f, "| field | IE | type | presence | number |\n|---|---|---|---|---|\n");
	doc_rules(f, m->format, m->rules(), 0);
	fputc('\n', f);
}

void tlv_doc_ies(FILE *f, const struct tlv_ie *ies, size_t n, const char *spec)
{
	fprintf(f, "## IEs (%s)\n\n| type | name | clause | octets |\n|---|---|---|---|\n", spec);
	for (size_t i = 0; i < n; i++) {
		fprintf(f, "| %u | %s | %s | ", ies[i].type, ies[i].name, ies[i].spec);
		if (!ies[i].io)
			fputs("grouped |\n", f);
		else if (!ies[i].max)
			fprintf(f, "%u and more |\n", ies[i].min);
		else if (ies[i].min == ies[i].max)
			fprintf(f, "%u |\n", ies[i].min);
		else
			fprintf(f, "%u to %u |\n", ies[i].min, ies[i].max);
	}
	fputc('\n', f);
}
