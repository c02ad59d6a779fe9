// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Message log of the phones and of the access side. Retransmissions and what the transaction layer makes by itself (ACK to
 * a final error, 200 to CANCEL) are not in it; a capture has them.
 */
#include "ladder.h"

#include <fcntl.h>
#include <jansson.h>
#include <stdio.h>

#include "ref/s5.h"
#include "ref/sx.h"

struct ladder {
	FILE *f;
};

int ladder_open(const char *path, struct ladder **ret)
{
	struct ladder *l = calloc(1, sizeof(*l));
	int r;

	if (!l)
		return -ENOMEM;
	l->f = fopen(path, "we");
	if (!l->f) {
		r = -errno;
		free(l);
		return r;
	}
	*ret = l;
	return 0;
}

void ladder_close(struct ladder *l)
{
	if (!l)
		return;
	fclose(l->f);
	free(l);
}

void ladder_first_line(const struct sip_msg *m, char *dst, size_t size)
{
	struct str a, b;

	if (sip_msg_is_request(m)) {
		a = sip_msg_method_name(m);
		b = sip_msg_ruri(m);
		snprintf(dst, size, "%.*s %.*s", STR_FMT(a), STR_FMT(b));
	} else {
		b = sip_msg_reason(m);
		snprintf(dst, size, "SIP/2.0 %d %.*s", sip_msg_status(m), STR_FMT(b));
	}
}

static void set_view(json_t *o, const char *key, struct str s)
{
	json_object_set_new(o, key, json_stringn_nocheck(s.p ? s.p : "", s.n));
}

static json_t *entry(const struct phone *p, bool out, const struct sip_msg *m,
		     const struct sip_path *path)
{
	char line[256], own[SIP_SA_STRLEN], peer[SIP_SA_STRLEN];
	const union sip_sa *local = sip_ep_local(path->ep);
	json_t *o = json_object();

	ladder_first_line(m, line, sizeof(line));
	json_object_set_new(o, "time", json_real((double)loop_wall(p->ue->loop) / 1e6));
	json_object_set_new(o, "dir", json_string(out ? "out" : "in"));
	json_object_set_new(o, "phone", json_string(p->name));
	set_view(o, "line", str_of(line));
	set_view(o, "method", sip_msg_method_name(m));
	json_object_set_new(o, "status", json_integer(sip_msg_status(m)));
	json_object_set_new(o, "src", json_string(sip_sa_str(out ? local : &path->peer, own)));
	json_object_set_new(o, "dst", json_string(sip_sa_str(out ? &path->peer : local, peer)));
	json_object_set_new(o, "proto", json_string(path->proto == SIP_TCP ? "tcp" : "udp"));
	json_object_set_new(o, "protected", json_boolean(path->ep != p->plain));
	set_view(o, "call_id", sip_msg_call_id(m));
	json_object_set_new(o, "cseq", json_integer(sip_msg_cseq(m)));
	json_object_set_new(o, "octets", json_integer((json_int_t)sip_msg_size(m)));
	json_object_set_new(o, "sdp", json_boolean(sip_msg_body(m).n > 0));
	return o;
}

static void write_line(struct ladder *l, json_t *o)
{
	json_dumpf(o, l->f, JSON_COMPACT);
	fputc('\n', l->f);
	fflush(l->f);
	json_decref(o);
}

static json_t *tlv_entry(const struct phone *p, bool out, const char *line, const char *proto,
			 const char *src, const char *dst)
{
	json_t *o = json_object();

	json_object_set_new(o, "time", json_real((double)loop_wall(p->ue->loop) / 1e6));
	json_object_set_new(o, "dir", json_string(out ? "out" : "in"));
	json_object_set_new(o, "phone", json_string(p->name));
	json_object_set_new(o, "line", json_string(line));
	json_object_set_new(o, "src", json_string(src));
	json_object_set_new(o, "dst", json_string(dst));
	json_object_set_new(o, "proto", json_string(proto));
	return o;
}

/* What GTPv2-C and PFCP have in common; teid: it stands in the entry. */
static const struct wire {
	const char *proto;
	const struct tlv_format *format;
	bool teid;
	uint16_t cause; /* type of the IE whose value begins with the cause */
	const char *(*cause_name)(uint8_t cause);
	const struct tlv_msg *(*msg)(uint8_t type);
	char *(*print)(const uint8_t *p, size_t n, char *dst, size_t size);
} gtpv2 = { "gtpv2", &tlv_gtpv2, true, S5_IE_CAUSE, s5_cause_name, s5_msg, s5_print },
  pfcp = { "pfcp", &tlv_pfcp, false, SX_IE_CAUSE, sx_cause_name, sx_msg, sx_print };

/* The message's name, and its cause where it has one. */
static void name_message(const struct wire *w, const uint8_t *msg, size_t n, char *dst, size_t size)
{
	const struct tlv_msg *m = w->msg(msg[1]);
	struct str v;

	snprintf(dst, size, "%s", m ? m->name : "unknown message");
	if (tlv_find(w->format, msg, n, w->cause, 0, &v) && v.n)
		snprintf(dst + strlen(dst), size - strlen(dst), ": %s",
			 w->cause_name((uint8_t)v.p[0]));
}

static void log_tlv(struct ladder *l, const struct wire *w, const struct phone *p, bool out,
		    const uint8_t *msg, size_t n, const char *src, const char *dst)
{
	char line[160], text[4000];
	struct tlv_hdr h;
	json_t *o;

	if (!l || n < 2 || w->format->parse(msg, n, &h))
		return;
	name_message(w, msg, n, line, sizeof(line));
	o = tlv_entry(p, out, line, w->proto, src, dst);
	if (w->teid)
		json_object_set_new(o, "teid", json_integer((json_int_t)h.id));
	json_object_set_new(o, "octets", json_integer((json_int_t)n));
	set_view(o, "detail", str_of(w->print(msg, n, text, sizeof(text))));
	write_line(l, o);
}

void ladder_log_gtp(struct ladder *l, const struct phone *p, bool out, const uint8_t *msg, size_t n,
		    const char *src, const char *dst)
{
	log_tlv(l, &gtpv2, p, out, msg, n, src, dst);
}

void ladder_log_pfcp(struct ladder *l, const struct phone *p, bool out, const uint8_t *msg,
		     size_t n, const char *src, const char *dst)
{
	log_tlv(l, &pfcp, p, out, msg, n, src, dst);
}

void ladder_log_event(struct ladder *l, const struct phone *p, const char *line, const char *detail)
{
	json_t *o;

	if (!l)
		return;
	o = tlv_entry(p, false, line, "event", "SGW", p->name);
	set_view(o, "detail", str_of(detail));
	write_line(l, o);
}

void ladder_log(struct ladder *l, const struct phone *p, bool out, const struct sip_msg *m,
		const struct sip_path *path)
{
	json_t *o;

	if (!l || !path->ep)
		return;
	o = entry(p, out, m, path);
	write_line(l, o);
}
