// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * QoS of a service data flow (TS 29.213 6.3, table 6.3.1): class by media type, bit rates by what was asked, else by
 * the codecs, else by the media type; priority by TS 23.203 6.1.11 (MPS), 6.1.10 (emergency).
 *
 * Invariants: a rate is never negative and never above INT32_MAX; GBR <= MBR.
 */
#include "pcrf/qos.h"

#include <stdio.h>

/* Rows by media type; the last is for all others. Rates in kbit/s when nothing tells them. */
static const struct media_class {
	int type;
	const char *name;
	int qci, streaming_qci; /* both directions; one */
	uint32_t arp;
	int rate;
} classes[] = {
	{ RX_AUDIO, "audio", 1, 1, 6, 64 },
	{ RX_VIDEO, "video", 2, 4, 7, 1024 },
	{ RX_APPLICATION, "application", 2, 4, 7, 128 },
	{ RX_TEXT, "text", 1, 1, 8, 8 },
	{ RX_CONTROL, "control", 6, 6, 9, 64 },
	{ RX_DATA, "data", 8, 8, 10, 512 },
	{ RX_MESSAGE, "message", 6, 6, 10, 64 },
	{ RX_OTHER, "other", 9, 9, 11, 512 },
};

static const struct media_class *class_of(int type)
{
	for (size_t i = 0; i < ARRAY_SIZE(classes); i++)
		if (classes[i].type == type)
			return &classes[i];
	return &classes[ARRAY_SIZE(classes) - 1];
}

/* --- policies --- */

static int set_number(struct str v, uint64_t max, int *ret)
{
	uint64_t u;
	int e = str_to_u64(v, max, &u);

	if (!e)
		*ret = (int)u;
	return e;
}

static int set_rates(struct str v, struct pcrf_policy *p)
{
	struct str ul;

	if (!str_split(&v, '/', &ul) || set_number(ul, 2000000, &p->ambr_ul))
		return -EINVAL;
	return set_number(v.p && v.n ? v : ul, 2000000, &p->ambr_dl);
}

static int set_key(struct str k, struct str v, struct pcrf_policy *p)
{
	uint64_t u;
	int level, e;

	if (str_eqz(k, "qci"))
		return set_number(v, 254, &p->qci);
	if (str_eqz(k, "arp")) {
		e = set_number(v, 15, &level);
		if (!e)
			p->arp = (uint32_t)level;
		return e;
	}
	if (str_eqz(k, "ambr") || str_eqz(k, "max"))
		return set_rates(v, p);
	if (str_eqz(k, "rule"))
		return str_copy(p->rule, sizeof(p->rule), v);
	if (str_eqz(k, "base"))
		return str_copy(p->base, sizeof(p->base), v);
	if (str_eqz(k, "quota")) {
		e = str_to_u64(v, UINT32_MAX, &u);
		if (!e)
			p->quota = u * 1000000;
		return e;
	}
	return -EINVAL;
}

static int parse_one(struct str text, struct pcrf_policy *p)
{
	struct str word, key;

	*p = (struct pcrf_policy){ .qci = -1, .ambr_ul = -1, .ambr_dl = -1 };
	while (str_split(&text, ' ', &word)) {
		if (!word.n)
			continue;
		if (!*p->name) {
			if (str_copy(p->name, sizeof(p->name), word))
				return -EINVAL;
			continue;
		}
		if (!memchr(word.p, '=', word.n) || !str_split(&word, '=', &key) ||
		    set_key(key, word, p))
			return -EINVAL;
	}
	return 0;
}

int pcrf_policies_parse(const char *text, struct pcrf_policies *ret, char *err, size_t errsize)
{
	struct str rest = str_of(text), one;

	ret->n = 0;
	while (str_split(&rest, ';', &one)) {
		one = str_trim(one);
		if (!one.n)
			continue;
		if (ret->n == PCRF_POLICIES_MAX || parse_one(one, &ret->p[ret->n])) {
			snprintf(err, errsize, "\"%.*s\" cannot be read", STR_FMT(one));
			return -EINVAL;
		}
		ret->n++;
	}
	return 0;
}

int pcrf_apns_parse(const char *text, struct pcrf_policies *ret, char *err, size_t errsize)
{
	int e = pcrf_policies_parse(text, ret, err, errsize);

	for (size_t i = 0; !e && i < ret->n; i++) {
		if (ret->p[i].qci < 0 || !pcc_is_gbr(ret->p[i].qci))
			continue;
		snprintf(err, errsize,
			 "%s: QCI %d has a guaranteed bit rate, which a default bearer cannot have",
			 ret->p[i].name, ret->p[i].qci);
		e = -EINVAL;
	}
	return e;
}

const struct pcrf_policy *pcrf_policy_find(const struct pcrf_policies *l, struct str name)
{
	const struct pcrf_policy *any = NULL;

	for (size_t i = 0; i < l->n; i++) {
		if (str_ieqz(name, l->p[i].name))
			return &l->p[i];
		if (!strcmp(l->p[i].name, "*"))
			any = &l->p[i];
	}
	return any;
}

/* --- codecs --- */

static const int amr[] = { 95, 103, 118, 134, 148, 159, 204, 244 }; /* bits of 20 ms */
static const int amr_wb[] = { 132, 177, 253, 285, 317, 365, 397, 461, 477 };

/* On IP: bandwidth-efficient payload with CMR and one ToC entry, RTP, UDP, IP; 50 packets a second. */
static int packet_rate(int bits, bool v6)
{
	return ((bits + 7) / 8 + 12 + 8 + (v6 ? 40 : 20)) * 8 * 50;
}

/* The value of "name=" in an a=fmtp line; p == NULL: it is not there. */
static struct str fmtp_value(struct str line, const char *name)
{
	size_t n = strlen(name);

	for (size_t i = 0; i + n + 1 <= line.n; i++) {
		bool start = !i || strchr(" ;", line.p[i - 1]);
		size_t end = i + n + 1;

		if (!start || strncasecmp(line.p + i, name, n) || line.p[i + n] != '=')
			continue;
		while (end < line.n && line.p[end] != ';' && line.p[end] != ' ')
			end++;
		return (struct str){ line.p + i + n + 1, end - i - n - 1 };
	}
	return (struct str){ NULL, 0 };
}

/* The highest mode of mode-set, or of all. */
static int mode_bits(struct str set, const int *bits, size_t n)
{
	struct str one;
	uint64_t u, top = 0;
	bool any = false;

	while (set.p && str_split(&set, ',', &one))
		if (!str_to_u64(str_trim(one), n - 1, &u)) {
			top = MAX(top, u);
			any = true;
		}
	return bits[any ? top : n - 1];
}

/* "13.2-24.4", "24.4": the highest in bit/s; 24.4 kbit/s when br= is not there. */
static int evs_bits(struct str br)
{
	double top = 0;
	char text[32];
	char *p = text;

	if (!br.p || str_copy(text, sizeof(text), br))
		return 24400 / 50;
	while (*p) {
		double v = strtod(p, &p);

		if (v > top)
			top = v;
		while (*p && !(*p >= '0' && *p <= '9'))
			p++;
	}
	if (top < 2.8 || top > 128)
		return 128000 / 50;
	return (int)(top * 1000 / 50 + 0.5);
}

static int bits_of(struct str codec, struct str fmtp)
{
	if (str_ieqz(codec, "AMR"))
		return 10 + mode_bits(fmtp_value(fmtp, "mode-set"), amr, ARRAY_SIZE(amr));
	if (str_ieqz(codec, "AMR-WB"))
		return 10 + mode_bits(fmtp_value(fmtp, "mode-set"), amr_wb, ARRAY_SIZE(amr_wb));
	if (str_ieqz(codec, "EVS"))
		return 16 + evs_bits(fmtp_value(fmtp, "br"));
	return -1;
}

/* The a=fmtp line of this payload type. */
static struct str fmtp_of(struct str sdp, struct str pt)
{
	struct str line, head;

	while (str_split(&sdp, '\n', &line)) {
		line = str_trim(line);
		if (!str_has_prefix(line, STR("a=fmtp:")))
			continue;
		line = (struct str){ line.p + 7, line.n - 7 };
		if (str_split(&line, ' ', &head) && str_eq(head, pt))
			return line;
	}
	return (struct str){ NULL, 0 };
}

static int data_rate(struct str sdp, bool v6)
{
	struct str rest = sdp, line, pt, codec;
	int best = -1;

	while (str_split(&rest, '\n', &line)) {
		int bits;

		line = str_trim(line);
		if (!str_has_prefix(line, STR("a=rtpmap:")))
			continue;
		line = (struct str){ line.p + 9, line.n - 9 };
		if (!str_split(&line, ' ', &pt) || !str_split(&line, '/', &codec))
			continue;
		bits = bits_of(codec, fmtp_of(sdp, pt));
		if (bits > 0)
			best = MAX(best, packet_rate(bits, v6));
	}
	return best;
}

int pcrf_codec_rate(const struct rx_component *c, bool v6)
{
	int best = -1;

	for (size_t i = 0; i < c->n_codec_data; i++)
		best = MAX(best, data_rate(c->codec_data[i], v6));
	return best;
}

/* --- the table --- */

struct rates {
	int ul, dl;
};

static int at_most(int64_t v)
{
	return (int)(v < 0 ? 0 : MIN(v, INT32_MAX));
}

/* TS 29.213 table 6.3.1: RTCP is RS + RR, else the larger of that one and 5 % of the media. */
static int rtcp_rate(const struct rx_component *c, int media)
{
	int part = media / 20;

	if (c->rs >= 0 && c->rr >= 0)
		return at_most((int64_t)c->rs + c->rr);
	return MAX(part, MAX(c->rs, c->rr));
}

static int media_rate(int sub, int component, int codec, const struct media_class *k)
{
	if (sub >= 0)
		return sub;
	if (component >= 0)
		return component;
	return codec >= 0 ? codec : k->rate * 1000;
}

static void set_rates_of(const struct rx_component *c, const struct rx_sub_component *f, bool v6,
			 const struct media_class *k, struct pcrf_qos *q)
{
	int codec = pcrf_codec_rate(c, v6);

	if (f->usage == RX_RTCP) {
		q->mbr_ul = f->max_ul >= 0 ? f->max_ul
					   : rtcp_rate(c, media_rate(-1, c->max_ul, codec, k));
		q->mbr_dl = f->max_dl >= 0 ? f->max_dl
					   : rtcp_rate(c, media_rate(-1, c->max_dl, codec, k));
		q->gbr_ul = q->mbr_ul;
		q->gbr_dl = q->mbr_dl;
		return;
	}
	q->mbr_ul = media_rate(f->max_ul, c->max_ul, codec, k);
	q->mbr_dl = media_rate(f->max_dl, c->max_dl, codec, k);
	q->gbr_ul = MIN(q->mbr_ul, codec >= 0 ? codec : q->mbr_ul);
	q->gbr_dl = MIN(q->mbr_dl, codec >= 0 ? codec : q->mbr_dl);
	if (c->min_ul >= 0)
		q->gbr_ul = MIN(q->mbr_ul, c->min_ul);
	if (c->min_dl >= 0)
		q->gbr_dl = MIN(q->mbr_dl, c->min_dl);
}

/* TS 23.203 6.1.10, 6.1.11; TS 29.214 4.4.1. */
static void set_priority(const struct pcrf_service *s, const struct rx_component *c,
			 struct pcc_arp *arp)
{
	int prio = MAX(s->priority, c->reservation_priority);

	arp->capability = 1;
	arp->vulnerability = 1;
	if (s->emergency) {
		*arp = (struct pcc_arp){ 1, 0, 1 };
	} else if (s->mps) {
		*arp = (struct pcc_arp){ prio > 3 ? 2 : 3, 0, 1 };
	} else if (prio > 0) {
		arp->level = arp->level > (uint32_t)prio + 4 ? arp->level - (uint32_t)prio : 4;
		arp->capability = 0;
	}
}

static const struct pcrf_policy *policy_of(const struct pcrf_policies *l,
					   const struct pcrf_service *s,
					   const struct rx_component *c,
					   const struct media_class *k)
{
	struct str app = c->af_app_id.p ? c->af_app_id : s->app;
	char name[64];

	for (size_t i = 0; i < l->n && app.p; i++) {
		snprintf(name, sizeof(name), "app:%.*s", STR_FMT(app));
		if (!strcasecmp(l->p[i].name, name))
			return &l->p[i];
	}
	return pcrf_policy_find(l, str_of(k->name));
}

static void apply_policy(const struct pcrf_policy *p, struct pcrf_qos *q)
{
	if (!p)
		return;
	if (p->qci > 0)
		q->qci = p->qci;
	if (p->arp)
		q->arp.level = p->arp;
	if (p->ambr_ul >= 0)
		q->mbr_ul = MIN(q->mbr_ul, p->ambr_ul * 1000);
	if (p->ambr_dl >= 0)
		q->mbr_dl = MIN(q->mbr_dl, p->ambr_dl * 1000);
}

void pcrf_qos(const struct pcrf_policies *l, const struct pcrf_service *s,
	      const struct rx_component *c, const struct rx_sub_component *f, bool up, bool down,
	      struct pcrf_qos *ret)
{
	const struct media_class *k = class_of(c->media_type);

	*ret = (struct pcrf_qos){ .qci = up && down ? k->qci : k->streaming_qci,
				  .arp.level = k->arp };
	if (f->usage == RX_RTCP)
		ret->qci = k->qci;
	set_rates_of(c, f, s->v6, k, ret);
	apply_policy(policy_of(l, s, c, k), ret);
	set_priority(s, c, &ret->arp);
	if (!up)
		ret->mbr_ul = 0;
	if (!down)
		ret->mbr_dl = 0;
	ret->gbr_ul = MIN(ret->gbr_ul, ret->mbr_ul);
	ret->gbr_dl = MIN(ret->gbr_dl, ret->mbr_dl);
	if (!pcc_is_gbr(ret->qci))
		ret->gbr_ul = ret->gbr_dl = -1;
}
