// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The tables of Sxb and N4 (TS 29.244 7, 8): one codec for each kind of IE, and from the lists in sx.h the
 * rules of messages and groups.
 */
#include "ref/sx.h"

/* --- codecs (8.2.x); they read and write --- */

#define io_u8	 tlv_io_u8
#define io_u16	 tlv_io_u16
#define io_u32	 tlv_io_u32
#define io_low3	 tlv_io_low3
#define io_low4	 tlv_io_low4
#define io_low6	 tlv_io_low6
#define io_rest	 tlv_io_rest
#define io_text	 tlv_io_text
#define io_timer tlv_io_timer
#define io_group NULL

#define FLAGS(fn, list, min)                                           \
	static void io_##fn(struct tlv_io *io, void *v)                \
	{                                                              \
		static const char *const names[] = { list(TLV_NAME) }; \
                                                                       \
		tlv_flags(io, names, v, ARRAY_SIZE(names), min);       \
	}
FLAGS(triggers, SX_TRIGGERS, 3)
FLAGS(report_triggers, SX_REPORT_TRIGGERS, 3)
FLAGS(report_type, SX_REPORT_TYPE, 1)
FLAGS(up_features, SX_UP_FEATURES, 2)
FLAGS(cp_features, SX_CP_FEATURES, 1)
FLAGS(action, SX_ACTION, 2)
FLAGS(smreq_flags, SX_SMREQ_FLAGS, 1)
FLAGS(method, SX_METHOD, 1)
FLAGS(usage_info, SX_USAGE_INFO, 1)
FLAGS(measurement_info, SX_MEASUREMENT_INFO, 1)
FLAGS(node_report, SX_NODE_REPORT, 1)
FLAGS(release, SX_RELEASE, 1)

static void addresses(struct tlv_io *io, bool v4, struct in_addr *ip4, bool v6,
		      struct in6_addr *ip6)
{
	if (v4)
		tlv_ip4(io, "ip4", ip4);
	if (v6)
		tlv_ip6(io, "ip6", ip6);
}

static void io_labels(struct tlv_io *io, void *v)
{
	struct sx_name *n = v;

	tlv_labels(io, "name", n->s, sizeof(n->s));
}

static void io_lv8(struct tlv_io *io, void *v)
{
	tlv_lv(io, "v", 1, v);
}

static void io_lv16(struct tlv_io *io, void *v)
{
	tlv_lv(io, "v", 2, v);
}

/* 8.2.3: when the UP function chooses, neither TEID nor addresses are there. */
static void io_fteid(struct tlv_io *io, void *v)
{
	struct sx_fteid *f = v;

	tlv_spare(io, 4);
	tlv_flag(io, "chid", &f->chid);
	tlv_flag(io, "ch", &f->ch);
	tlv_flag(io, "v6", &f->v6);
	tlv_flag(io, "v4", &f->v4);
	if (f->ch) {
		if (f->chid)
			tlv_u8(io, "choose-id", &f->choose_id);
	} else {
		tlv_u32(io, "teid", &f->teid);
		addresses(io, f->v4, &f->ip4, f->v6, &f->ip6);
	}
	if (io->op == TLV_DECODE && ((!f->v4 && !f->v6) || (f->chid && !f->ch)))
		tlv_bad(io, 0);
}

static void io_fseid(struct tlv_io *io, void *v)
{
	struct sx_fseid *f = v;

	tlv_spare(io, 6);
	tlv_flag(io, NULL, &f->v4);
	tlv_flag(io, NULL, &f->v6);
	tlv_u64(io, "seid", &f->seid);
	addresses(io, f->v4, &f->ip4, f->v6, &f->ip6);
	if (io->op == TLV_DECODE && !f->v4 && !f->v6)
		tlv_bad(io, 0);
}

static void io_node_id(struct tlv_io *io, void *v)
{
	struct sx_node_id *n = v;

	tlv_spare(io, 4);
	tlv_bits(io, "type", 4, &n->type);
	if (n->type == SX_NODE_FQDN)
		tlv_labels(io, "fqdn", n->fqdn.s, sizeof(n->fqdn.s));
	else if (n->type > SX_NODE_FQDN)
		tlv_bad(io, 0);
	else
		addresses(io, n->type == SX_NODE_IPV4, &n->ip4, n->type == SX_NODE_IPV6, &n->ip6);
}

static void io_ue_ip(struct tlv_io *io, void *v)
{
	struct sx_ue_ip *u = v;

	tlv_spare(io, 1);
	tlv_flag(io, "ip6pl", &u->ip6pl);
	tlv_flag(io, "chv6", &u->chv6);
	tlv_flag(io, "chv4", &u->chv4);
	tlv_flag(io, "ip6d", &u->ip6d);
	tlv_flag(io, "sd", &u->sd);
	tlv_flag(io, NULL, &u->v4);
	tlv_flag(io, NULL, &u->v6);
	addresses(io, u->v4, &u->ip4, u->v6, &u->ip6);
	if (u->ip6d)
		tlv_u8(io, "delegation", &u->delegation_bits);
	if (u->ip6pl)
		tlv_u8(io, "prefix", &u->prefix_len);
	if (io->op == TLV_DECODE && ((u->v4 && u->chv4) || (u->v6 && u->chv6)))
		tlv_bad(io, 0);
}

static void io_sdf(struct tlv_io *io, void *v)
{
	struct sx_sdf_filter *f = v;

	tlv_spare(io, 3);
	tlv_flag(io, NULL, &f->bid);
	tlv_flag(io, NULL, &f->fl);
	tlv_flag(io, NULL, &f->spi);
	tlv_flag(io, NULL, &f->ttc);
	tlv_flag(io, NULL, &f->fd);
	tlv_spare(io, 8);
	if (f->fd) {
		tlv_lv(io, NULL, 2, &f->flow);
		if (io->op == TLV_DECODE && f->flow.n && memchr(f->flow.p, 0, f->flow.n))
			tlv_bad(io, 0);
	}
	if (f->ttc) {
		tlv_u8(io, "tos", &f->tos);
		tlv_u8(io, "mask", &f->tos_mask);
	}
	if (f->spi)
		tlv_u32(io, "spi", &f->spi_value);
	if (f->fl)
		tlv_u24(io, "flow-label", &f->flow_label);
	if (f->bid)
		tlv_u32(io, "id", &f->id);
}

static void io_gate(struct tlv_io *io, void *v)
{
	struct sx_gate_status *g = v;

	tlv_spare(io, 4);
	tlv_bits(io, "ul", 2, &g->ul);
	tlv_bits(io, "dl", 2, &g->dl);
	if (io->op == TLV_DECODE) { /* values for future use are read as closed */
		g->ul = g->ul != SX_GATE_OPEN;
		g->dl = g->dl != SX_GATE_OPEN;
	}
}

static void io_rate(struct tlv_io *io, void *v)
{
	struct sx_rate *r = v;

	tlv_uint(io, "ul", 5, &r->ul);
	tlv_uint(io, "dl", 5, &r->dl);
}

static void volumes(struct tlv_io *io, struct sx_volume *m)
{
	if (m->has_total)
		tlv_u64(io, "total", &m->total);
	if (m->has_ul)
		tlv_u64(io, "ul", &m->ul);
	if (m->has_dl)
		tlv_u64(io, "dl", &m->dl);
}

/* 8.2.13, 8.2.50 */
static void io_volume(struct tlv_io *io, void *v)
{
	struct sx_volume *m = v;

	tlv_spare(io, 5);
	tlv_flag(io, NULL, &m->has_dl);
	tlv_flag(io, NULL, &m->has_ul);
	tlv_flag(io, NULL, &m->has_total);
	volumes(io, m);
}

/* 8.2.44 */
static void io_measured(struct tlv_io *io, void *v)
{
	struct sx_volume *m = v;

	tlv_spare(io, 2);
	tlv_flag(io, NULL, &m->has_dl_packets);
	tlv_flag(io, NULL, &m->has_ul_packets);
	tlv_flag(io, NULL, &m->has_total_packets);
	tlv_flag(io, NULL, &m->has_dl);
	tlv_flag(io, NULL, &m->has_ul);
	tlv_flag(io, NULL, &m->has_total);
	volumes(io, m);
	if (m->has_total_packets)
		tlv_u64(io, "packets", &m->total_packets);
	if (m->has_ul_packets)
		tlv_u64(io, "ul-packets", &m->ul_packets);
	if (m->has_dl_packets)
		tlv_u64(io, "dl-packets", &m->dl_packets);
}

static void io_dropped(struct tlv_io *io, void *v)
{
	struct sx_dropped *d = v;

	tlv_spare(io, 6);
	tlv_flag(io, NULL, &d->has_octets);
	tlv_flag(io, NULL, &d->has_packets);
	if (d->has_packets)
		tlv_u64(io, "packets", &d->packets);
	if (d->has_octets)
		tlv_u64(io, "octets", &d->octets);
}

static void io_redirect(struct tlv_io *io, void *v)
{
	struct sx_redirect *r = v;

	tlv_spare(io, 4);
	tlv_bits(io, "type", 4, &r->type);
	tlv_lv(io, "address", 2, &r->address);
	if (tlv_more(io, r->other.p))
		tlv_lv(io, "other", 2, &r->other);
}

static void io_dl_service(struct tlv_io *io, void *v)
{
	struct sx_dl_service *s = v;

	tlv_spare(io, 6);
	tlv_flag(io, NULL, &s->has_qfi);
	tlv_flag(io, NULL, &s->has_ppi);
	if (s->has_ppi) {
		tlv_spare(io, 2);
		tlv_bits(io, "ppi", 6, &s->ppi);
	}
	if (s->has_qfi) {
		tlv_spare(io, 2);
		tlv_bits(io, "qfi", 6, &s->qfi);
	}
}

/* 8.2.30: one octet, or two when it is larger. */
static void io_uint(struct tlv_io *io, void *v)
{
	struct sx_uint *u = v;

	if (io->op == TLV_DECODE)
		u->octets = (uint8_t)tlv_left(io);
	else if (!u->octets)
		u->octets = u->v > UINT8_MAX ? 2 : 1;
	tlv_uint(io, "v", u->octets, &u->v);
}

static void io_fq_csid(struct tlv_io *io, void *v)
{
	struct sx_fq_csid *c = v;

	tlv_bits(io, "node-type", 4, &c->node_type);
	tlv_bits(io, "n", 4, &c->n);
	if (io->op == TLV_DECODE && c->node_type > 2)
		tlv_bad(io, 0);
	tlv_octets(io, "node", c->node, c->node_type == 1 ? 16 : 4);
	for (int i = 0; i < c->n && i < SX_CSIDS_MAX; i++)
		tlv_u16(io, "csid", &c->csid[i]);
	if (!tlv_more(io, true))
		return; /* before Rel-15: without the role */
	tlv_spare(io, 4);
	tlv_bits(io, "role", 4, &c->role);
}

#define CREATES_TEID (SX_CREATE_GTPU4 | SX_CREATE_GTPU6)
#define CREATES_IP4  (SX_CREATE_GTPU4 | SX_CREATE_UDP4 | SX_CREATE_IP4)
#define CREATES_IP6  (SX_CREATE_GTPU6 | SX_CREATE_UDP6 | SX_CREATE_IP6)
#define CREATES_PORT (SX_CREATE_UDP4 | SX_CREATE_UDP6)
#define CREATES_CTAG 0x4000
#define CREATES_STAG 0x8000

/* 8.2.56 */
static void io_creation(struct tlv_io *io, void *v)
{
	struct sx_creation *c = v;

	tlv_u16(io, "desc", &c->desc);
	if (c->desc & CREATES_TEID)
		tlv_u32(io, "teid", &c->teid);
	addresses(io, c->desc & CREATES_IP4, &c->ip4, c->desc & CREATES_IP6, &c->ip6);
	if (c->desc & CREATES_PORT)
		tlv_u16(io, "port", &c->port);
	if (c->desc & CREATES_CTAG)
		tlv_u24(io, "c-tag", &c->ctag);
	if (c->desc & CREATES_STAG)
		tlv_u24(io, "s-tag", &c->stag);
	if (io->op == TLV_DECODE && !c->desc)
		tlv_bad(io, 0);
}

static void io_removal(struct tlv_io *io, void *v)
{
	struct sx_removal *r = v;

	tlv_u8(io, "desc", &r->desc);
	if (io->op == TLV_DECODE)
		r->has_ext = tlv_left(io) > 0;
	if (r->has_ext)
		tlv_u8(io, "ext", &r->ext);
}

static void io_flow_info(struct tlv_io *io, void *v)
{
	struct sx_flow_info *f = v;

	tlv_spare(io, 5);
	tlv_bits(io, "direction", 3, &f->direction);
	tlv_lv(io, "flow", 2, &f->flow);
}

static void io_marking(struct tlv_io *io, void *v)
{
	struct sx_marking *m = v;

	tlv_spare(io, 6);
	tlv_flag(io, NULL, &m->has_sci);
	tlv_flag(io, NULL, &m->has_tos);
	if (m->has_tos) {
		tlv_u8(io, "tos", &m->tos);
		tlv_u8(io, "mask", &m->tos_mask);
	}
	if (m->has_sci)
		tlv_u16(io, "sci", &m->sci);
}

static void io_enrichment(struct tlv_io *io, void *v)
{
	struct sx_header_enrichment *h = v;

	tlv_spare(io, 3);
	tlv_bits(io, "type", 5, &h->type);
	tlv_lv(io, "name", 1, &h->name);
	tlv_lv(io, "value", 1, &h->value);
}

static void io_gtpu_peer(struct tlv_io *io, void *v)
{
	struct sx_gtpu_peer *p = v;
	struct tlv_part part;

	tlv_spare(io, 4);
	tlv_flag(io, NULL, &p->ni);
	tlv_flag(io, NULL, &p->di);
	tlv_flag(io, NULL, &p->v4);
	tlv_flag(io, NULL, &p->v6);
	addresses(io, p->v4, &p->ip4, p->v6, &p->ip6);
	if (p->di) {
		tlv_part_begin(io, 2, &part);
		tlv_io_low4(io, &p->interface);
		tlv_part_end(io, &part);
	}
	if (p->ni)
		tlv_lv(io, "network-instance", 2, &p->network_instance);
}

/* 8.2.80: the id is as long as that of the rule. */
static void io_failed_rule(struct tlv_io *io, void *v)
{
	struct sx_failed_rule *f = v;
	uint64_t id = f->id;

	tlv_spare(io, 3);
	tlv_bits(io, "type", 5, &f->type);
	switch (f->type) {
	case SX_RULE_PDR:
		tlv_uint(io, "id", 2, &id);
		break;
	case SX_RULE_BAR:
		tlv_uint(io, "id", 1, &id);
		break;
	case SX_RULE_FAR:
	case SX_RULE_QER:
	case SX_RULE_URR:
		tlv_uint(io, "id", 4, &id);
		break;
	default: /* for future use, and rules that are left out here */
		tlv_bad(io, 0);
	}
	if (io->op == TLV_DECODE)
		f->id = (uint32_t)id;
}

static void pfd_field(struct tlv_io *io, const char *name, bool there, struct str *v)
{
	if (there)
		tlv_lv(io, name, 2, v);
}

/* 8.2.39 */
static void io_pfd(struct tlv_io *io, void *v)
{
	struct sx_pfd *p = v;
	struct str *const fields[] = {
		&p->flow,	&p->url,       &p->domain,	&p->custom, &p->domain_protocol,
		&p->more_flows, &p->more_urls, &p->more_domains
	};
	static const char *const names[] = {
		"flow",	      "url",	   "domain",	  "custom", "domain-protocol",
		"more-flows", "more-urls", "more-domains"
	};
	uint8_t flags = 0;

	for (int i = 0; i < 8; i++)
		flags |= (uint8_t)((fields[i]->p ? 1 : 0) << i);
	tlv_u8(io, NULL, &flags);
	tlv_spare(io, 8);
	for (int i = 0; i < 8; i++)
		pfd_field(io, names[i], flags >> i & 1, fields[i]);
}

static void io_reports_info(struct tlv_io *io, void *v)
{
	struct sx_reports_info *r = v;
	uint16_t u = (uint16_t)((r->auri ? 0x8000 : 0) | (r->number & 0x7fff));

	tlv_u16(io, NULL, &u);
	r->auri = u & 0x8000;
	r->number = u & 0x7fff;
	if (io->op == TLV_DECODE && r->auri)
		tlv_note(io, "auri");
}

/* 8.2.101 */
static void io_user_id(struct tlv_io *io, void *v)
{
	struct sx_user_id *u = v;
	struct str *const fields[] = { &u->imsi, &u->imei, &u->msisdn, &u->nai,
				       &u->supi, &u->gpsi, &u->pei };
	static const char *const names[] = {
		"imsi", "imei", "msisdn", "nai", "supi", "gpsi", "pei"
	};
	uint8_t flags = 0;

	for (size_t i = 0; i < ARRAY_SIZE(fields); i++)
		flags |= (uint8_t)((fields[i]->p ? 1 : 0) << i);
	tlv_u8(io, NULL, &flags);
	for (size_t i = 0; i < ARRAY_SIZE(fields); i++)
		if (flags >> i & 1)
			tlv_lv(io, names[i], 1, fields[i]);
}

static void io_ip(struct tlv_io *io, void *v)
{
	struct sx_ip *a = v;

	tlv_spare(io, 5);
	tlv_flag(io, "ppe", &a->ppe);
	tlv_flag(io, NULL, &a->v4);
	tlv_flag(io, NULL, &a->v6);
	addresses(io, a->v4, &a->ip4, a->v6, &a->ip6);
}

static void io_source_ip(struct tlv_io *io, void *v)
{
	struct sx_source_ip *a = v;

	tlv_spare(io, 5);
	tlv_flag(io, NULL, &a->mpl);
	tlv_flag(io, NULL, &a->v4);
	tlv_flag(io, NULL, &a->v6);
	addresses(io, a->v4, &a->ip4, a->v6, &a->ip6);
	if (a->mpl)
		tlv_u8(io, "bits", &a->len);
}

static void io_ue_ips(struct tlv_io *io, void *v)
{
	struct sx_ue_ips *n = v;

	tlv_spare(io, 6);
	tlv_flag(io, NULL, &n->v6);
	tlv_flag(io, NULL, &n->v4);
	if (n->v4)
		tlv_u32(io, "n4", &n->n4);
	if (n->v6)
		tlv_u32(io, "n6", &n->n6);
}

static void io_offending(struct tlv_io *io, void *v)
{
	struct sx_offending *o = v;

	tlv_u16(io, "type", &o->type);
	tlv_rest(io, "value", &o->value);
}

static void io_time_quota(struct tlv_io *io, void *v)
{
	struct sx_time_quota *t = v;

	tlv_spare(io, 6);
	tlv_bits(io, "type", 2, &t->type);
	tlv_u32(io, "interval", &t->interval);
}

static void io_snssai(struct tlv_io *io, void *v)
{
	struct sx_snssai *s = v;

	tlv_u8(io, "sst", &s->sst);
	tlv_u24(io, "sd", &s->sd);
}

static void io_ip_version(struct tlv_io *io, void *v)
{
	struct sx_ip_version *i = v;

	tlv_spare(io, 6);
	tlv_flag(io, "v6", &i->v6);
	tlv_flag(io, "v4", &i->v4);
}

/* --- tables --- */

/* clang-format off */
enum {
#define X(id, t, n, s, c, f, lo, hi) I_##id,
	SX_IES(X)
#undef X
	N_IES
};

#define X(id, t, n, s, c, f, lo, hi)                                                                \
	[I_##id] = { .name = n, .spec = s, .type = t, .min = lo, .max = hi, .io = io_##f },
static const struct tlv_ie ies[N_IES] = { SX_IES(X) };
#undef X

#define R_ONE(p, f, id) TLV_RULE_ONE(p, f, &ies[I_##id], 0)
#define R_MANY(p, f, id, max) TLV_RULE_MANY(p, f, &ies[I_##id], 0)
#define R_SUB(p, f, id, g) TLV_RULE_SUB(p, f, &ies[I_##id], 0, rules_##g)
#define R_SUBS(p, f, id, max, g) TLV_RULE_SUBS(p, f, &ies[I_##id], 0, rules_##g)
#define LIST(s)                                                                                     \
	static const struct tlv_rule *rules_##s(void)                                               \
	{                                                                                           \
		typedef struct sx_##s T _unused_;                                                   \
		static const struct tlv_rule list[] = {                                             \
			SX_##s(R_ONE, R_MANY, R_SUB, R_SUBS) { .ie = NULL }                         \
		};                                                                                  \
		return list;                                                                        \
	}
SX_GROUPS(LIST)
#define X(id, s, t, n, c, h, k) LIST(s)
SX_MESSAGES(X)
#undef X

#define REQ(s) 0
#define RSP(s) (offsetof(struct sx_##s, cause) + 1)
#define X(id, s, t, n, c, h, k)                                                                     \
	{ .format = &tlv_pfcp, .name = n, .spec = c, .type = t, .request = !k(s),                   \
	  .rules = rules_##s, .size = sizeof(struct sx_##s), .cause_off = k(s) },
static const struct tlv_msg messages[] = { SX_MESSAGES(X) };
#undef X
/* clang-format on */

bool sx_is_session(uint8_t type)
{
	return type >= SX_SESSION_ESTABLISHMENT_REQUEST && type < 100; /* 7.3: 50 to 99 */
}

const struct tlv_msg *sx_msg(uint8_t type)
{
	for (size_t i = 0; i < ARRAY_SIZE(messages); i++)
		if (messages[i].type == type)
			return &messages[i];
	return NULL;
}

int sx_decode(const uint8_t *p, size_t n, struct tlv_hdr *ret_hdr, void *ret,
	      struct tlv_error *ret_err)
{
	const struct tlv_msg *m = n > 1 ? sx_msg(p[1]) : NULL;

	*ret_err = (struct tlv_error){ 0 };
	return m ? tlv_decode(m, p, n, ret_hdr, ret, ret_err) : -ENOENT;
}

int sx_encode(enum sx_message type, uint64_t seid, const void *in, struct tlv_buf *b)
{
	struct tlv_hdr h = { .has_id = sx_is_session((uint8_t)type), .id = seid };
	const struct tlv_msg *m = sx_msg((uint8_t)type);

	return m ? tlv_encode(m, &h, in, b) : -ENOENT;
}

void sx_init(enum sx_message type, void *in)
{
	const struct tlv_msg *m = sx_msg((uint8_t)type);

	if (m)
		tlv_init(m, in);
}

static bool has_node_id(const struct tlv_msg *m)
{
	for (const struct tlv_rule *r = m->rules(); r->ie; r++)
		if (r->ie->type == SX_IE_NODE_ID && r->presence == TLV_M)
			return true;
	return false;
}

int sx_encode_refusal(uint8_t request_type, uint64_t seid, const struct sx_node_id *node,
		      uint8_t cause, uint16_t offending, struct tlv_buf *b)
{
	const struct tlv_msg *m = sx_msg((uint8_t)(request_type + 1));
	struct tlv_hdr h = { .has_id = sx_is_session(request_type), .id = seid };
	struct tlv_io io = { .op = TLV_ENCODE, .b = b };
	uint8_t o[2] = { offending >> 8, (uint8_t)offending };
	size_t start = b->n, at;

	if (!m || !m->cause_off)
		return -ENOENT;
	h.type = m->type;
	m->format->begin(b, &h);
	if (node && has_node_id(m)) {
		at = tlv_open(b, m->format, SX_IE_NODE_ID, 0, 0);
		io_node_id(&io, (void *)node);
		tlv_close(b, m->format, at);
	}
	tlv_put(b, m->format, SX_IE_CAUSE, 0, &cause, 1);
	if (offending)
		tlv_put(b, m->format, SX_IE_OFFENDING_IE, 0, o, 2);
	tlv_end(b, m->format, start);
	return b->err;
}

int sx_network_instance_text(struct str v, struct sx_name *ret)
{
	struct tlv_io io = { .op = TLV_DECODE,
			     .p = (const uint8_t *)v.p,
			     .end = (const uint8_t *)v.p + v.n };

	if (!v.n)
		return -EBADMSG;
	io_labels(&io, ret);
	if (tlv_ok(&io))
		return 0;
	for (size_t i = 0; i < v.n; i++)
		if (v.p[i] <= ' ' || v.p[i] > '~')
			return -EBADMSG;
	return str_copy(ret->s, sizeof(ret->s), v) ? -EBADMSG : 0;
}

struct str sx_network_instance(const char *text, uint8_t dst[256])
{
	struct tlv_buf b = { .p = dst, .cap = 256 };
	struct tlv_io io = { .op = TLV_ENCODE, .b = &b };

	tlv_labels(&io, NULL, (char *)text, 256);
	if (b.err)
		return (struct str){ NULL, 0 };
	return (struct str){ (char *)dst, b.n };
}

char *sx_print(const uint8_t *p, size_t n, char *dst, size_t size)
{
	return tlv_print(&tlv_pfcp, n > 1 ? sx_msg(p[1]) : NULL, p, n, dst, size);
}

const char *sx_cause_name(uint8_t cause)
{
	static const char *const names[] = {
		[SX_ACCEPTED] = "Request accepted",
		[SX_MORE_USAGE_REPORTS] = "More Usage Report to send",
		[SX_ACCEPTED_PARTIALLY] = "Request partially accepted",
		[SX_REJECTED] = "Request rejected",
		[SX_SESSION_NOT_FOUND] = "Session context not found",
		[SX_MANDATORY_IE_MISSING] = "Mandatory IE missing",
		[SX_CONDITIONAL_IE_MISSING] = "Conditional IE missing",
		[SX_INVALID_LENGTH] = "Invalid length",
		[SX_MANDATORY_IE_INCORRECT] = "Mandatory IE incorrect",
		[SX_INVALID_FORWARDING_POLICY] = "Invalid Forwarding Policy",
		[SX_INVALID_FTEID_ALLOCATION] = "Invalid F-TEID allocation option",
		[SX_NO_ASSOCIATION] = "No established PFCP Association",
		[SX_RULE_FAILURE] = "Rule creation/modification Failure",
		[SX_CONGESTION] = "PFCP entity in congestion",
		[SX_NO_RESOURCES] = "No resources available",
		[SX_SERVICE_NOT_SUPPORTED] = "Service not supported",
		[SX_SYSTEM_FAILURE] = "System failure",
		[SX_REDIRECTION_REQUESTED] = "Redirection Requested",
		[SX_ADDRESSES_OCCUPIED] = "All dynamic addresses are occupied",
		[SX_UNKNOWN_PREDEFINED_RULE] = "Unknown Pre-defined Rule",
		[SX_UNKNOWN_APPLICATION] = "Unknown Application ID",
	};

	return cause < ARRAY_SIZE(names) && names[cause] ? names[cause] : "unknown cause";
}

void sx_doc(FILE *f)
{
	fputs("# Sxb, N4: PFCP messages and IEs\n\n"
	      "Made by the tests from the lists in daemon/ref/sx.h; `KIMS_UPDATE_DOCS=1 make check T=ref/sx` writes it anew.\n"
	      "M: mandatory, C: conditional (refused when incorrect), O: optional (ignored when incorrect);\n"
	      "M (accepted): mandatory unless the cause is a rejection. Other IEs are ignored.\n\n",
	      f);
	for (size_t i = 0; i < ARRAY_SIZE(messages); i++)
		tlv_doc_msg(f, &messages[i]);
	tlv_doc_ies(f, ies, N_IES, "TS 29.244 8.1");
}
