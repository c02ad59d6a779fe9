// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The tables of S5, S8 and S2b (TS 29.274 7, 8): one codec for each kind of IE, and from the lists in s5.h the
 * rules of messages and groups.
 */
#include "ref/s5.h"

/* --- codecs (8.x); they read and write --- */

#define io_u8	 tlv_io_u8
#define io_u16	 tlv_io_u16
#define io_u32	 tlv_io_u32
#define io_low2	 tlv_io_low2
#define io_low4	 tlv_io_low4
#define io_rest	 tlv_io_rest
#define io_text	 tlv_io_text
#define io_timer tlv_io_timer
#define io_tft	 nas_io_tft
#define io_tad	 nas_io_tad
#define io_pco	 nas_io_pco
#define io_epco	 nas_io_epco
#define io_group NULL

static void io_digits(struct tlv_io *io, void *v)
{
	struct s5_digits *d = v;

	tlv_digits(io, "digits", d->s, sizeof(d->s));
}

static void io_labels(struct tlv_io *io, void *v)
{
	struct s5_name *n = v;

	tlv_labels(io, "name", n->s, sizeof(n->s));
}

static void io_plmn(struct tlv_io *io, void *v)
{
	tlv_plmn(io, "plmn", v);
}

/* 8.4; the offending IE is there when the length is 6. */
static void io_cause(struct tlv_io *io, void *v)
{
	struct s5_cause_ie *c = v;
	uint16_t zero = 0;

	tlv_u8(io, "cause", &c->value);
	tlv_spare(io, 5);
	tlv_flag(io, "pce", &c->pce);
	tlv_flag(io, "bce", &c->bce);
	tlv_flag(io, "cs", &c->cs);
	if (io->op == TLV_DECODE)
		c->has_ie = tlv_left(io) >= 4;
	if (!c->has_ie)
		return;
	tlv_u8(io, "ie", &c->ie_type);
	tlv_u16(io, NULL, &zero);
	tlv_spare(io, 4);
	tlv_bits(io, "instance", 4, &c->ie_instance);
}

static void io_ambr(struct tlv_io *io, void *v)
{
	struct s5_ambr *a = v;

	tlv_u32(io, "ul", &a->ul);
	tlv_u32(io, "dl", &a->dl);
}

static void io_ip(struct tlv_io *io, void *v)
{
	struct s5_ip *a = v;

	if (io->op == TLV_DECODE) {
		a->v6 = tlv_left(io) == 16;
		if (!a->v6 && tlv_left(io) != 4)
			tlv_bad(io, tlv_gtpv2.bad_length);
	}
	if (a->v6)
		tlv_ip6(io, "ip", &a->ip6);
	else
		tlv_ip4(io, "ip", &a->ip4);
}

static void io_indication(struct tlv_io *io, void *v)
{
	static const char *const names[] = { S5_INDICATION_FLAGS(TLV_NAME) };

	tlv_flags(io, names, v, ARRAY_SIZE(names), 2);
}

static void io_pdn_type(struct tlv_io *io, void *v)
{
	uint8_t *type = v;

	tlv_spare(io, 5);
	tlv_bits(io, "type", 3, type);
	if (io->op == TLV_DECODE && (!*type || *type > 5))
		tlv_bad(io, 0);
}

/* 8.14: IPv6 has its prefix length, IPv4v6 both. */
static void io_paa(struct tlv_io *io, void *v)
{
	struct s5_paa *a = v;

	io_pdn_type(io, &a->type);
	if (a->type == S5_PDN_IPV6 || a->type == S5_PDN_IPV4V6) {
		tlv_u8(io, "bits", &a->ip6_bits);
		tlv_ip6(io, "ip6", &a->ip6);
		if (io->op == TLV_DECODE && a->ip6_bits > 128)
			tlv_bad(io, 0);
	}
	if (a->type == S5_PDN_IPV4 || a->type == S5_PDN_IPV4V6)
		tlv_ip4(io, "ip4", &a->ip4);
}

static void rates(struct tlv_io *io, struct s5_qos *q)
{
	tlv_u8(io, "qci", &q->qci);
	tlv_uint(io, "mbr-ul", 5, &q->mbr_ul);
	tlv_uint(io, "mbr-dl", 5, &q->mbr_dl);
	tlv_uint(io, "gbr-ul", 5, &q->gbr_ul);
	tlv_uint(io, "gbr-dl", 5, &q->gbr_dl);
}

/* 8.15: PCI 1 and PVI 1 say "disabled" (TS 29.212 5.3.46, 5.3.47). */
static void io_bearer_qos(struct tlv_io *io, void *v)
{
	struct s5_qos *q = v;

	tlv_spare(io, 1);
	tlv_flag(io, "pci", &q->arp.pci);
	tlv_bits(io, "priority", 4, &q->arp.priority);
	tlv_spare(io, 1);
	tlv_flag(io, "pvi", &q->arp.pvi);
	rates(io, q);
}

static void io_flow_qos(struct tlv_io *io, void *v)
{
	rates(io, v);
}

static void io_enb(struct tlv_io *io, const char *name, uint32_t *id, uint32_t mask)
{
	tlv_u24(io, name, id);
	if (io->op == TLV_DECODE)
		*id &= mask;
}

static void uli_areas(struct tlv_io *io, struct s5_uli *u)
{
	if (u->has_cgi) {
		tlv_plmn(io, "cgi", &u->cgi.plmn);
		tlv_u16(io, "lac", &u->cgi.lac);
		tlv_u16(io, "ci", &u->cgi.ci);
	}
	if (u->has_sai) {
		tlv_plmn(io, "sai", &u->sai.plmn);
		tlv_u16(io, "lac", &u->sai.lac);
		tlv_u16(io, "sac", &u->sai.sac);
	}
	if (u->has_rai) {
		tlv_plmn(io, "rai", &u->rai.plmn);
		tlv_u16(io, "lac", &u->rai.lac);
		tlv_u16(io, "rac", &u->rai.rac);
	}
}

static void uli_cells(struct tlv_io *io, struct s5_uli *u)
{
	if (u->has_tai) {
		tlv_plmn(io, "tai", &u->tai.plmn);
		tlv_u16(io, "tac", &u->tai.tac);
	}
	if (u->has_ecgi) {
		tlv_plmn(io, "ecgi", &u->ecgi.plmn);
		tlv_u32(io, "eci", &u->ecgi.eci);
		if (io->op == TLV_DECODE)
			u->ecgi.eci &= 0xfffffff;
	}
	if (u->has_lai) {
		tlv_plmn(io, "lai", &u->lai.plmn);
		tlv_u16(io, "lac", &u->lai.lac);
	}
	if (u->has_enb) {
		tlv_plmn(io, "enb", &u->enb.plmn);
		io_enb(io, "id", &u->enb.id, 0xfffff);
	}
	if (u->has_ext_enb) {
		tlv_plmn(io, "ext-enb", &u->ext_enb.plmn);
		io_enb(io, "id", &u->ext_enb.id, 0x9fffff);
	}
}

static void io_uli(struct tlv_io *io, void *v)
{
	struct s5_uli *u = v;

	tlv_flag(io, NULL, &u->has_ext_enb);
	tlv_flag(io, NULL, &u->has_enb);
	tlv_flag(io, NULL, &u->has_lai);
	tlv_flag(io, NULL, &u->has_ecgi);
	tlv_flag(io, NULL, &u->has_tai);
	tlv_flag(io, NULL, &u->has_rai);
	tlv_flag(io, NULL, &u->has_sai);
	tlv_flag(io, NULL, &u->has_cgi);
	uli_areas(io, u);
	uli_cells(io, u);
}

static void io_fteid(struct tlv_io *io, void *v)
{
	struct s5_fteid *f = v;

	tlv_flag(io, NULL, &f->v4);
	tlv_flag(io, NULL, &f->v6);
	tlv_bits(io, "interface", 6, &f->iface);
	tlv_u32(io, "teid", &f->teid);
	if (f->v4)
		tlv_ip4(io, "ip4", &f->ip4);
	if (f->v6)
		tlv_ip6(io, "ip6", &f->ip6);
	if (io->op == TLV_DECODE && !f->v4 && !f->v6)
		tlv_bad(io, 0);
}

static void io_trace(struct tlv_io *io, void *v)
{
	struct s5_trace *t = v;

	tlv_plmn(io, "plmn", &t->plmn);
	tlv_u24(io, "id", &t->id);
	tlv_octets(io, "triggers", t->triggers, sizeof(t->triggers));
	tlv_octets(io, "ne-types", t->ne_types, sizeof(t->ne_types));
	tlv_u8(io, "depth", &t->depth);
	tlv_octets(io, "interfaces", t->interfaces, sizeof(t->interfaces));
	tlv_rest(io, "collector", &t->collector);
	if (io->op == TLV_DECODE && t->collector.n != 4 && t->collector.n != 16)
		tlv_bad(io, 0);
}

static void io_bearer_flags(struct tlv_io *io, void *v)
{
	static const char *const names[] = { S5_BEARER_FLAGS(TLV_NAME) };

	tlv_flags(io, names, v, ARRAY_SIZE(names), 1);
}

/* 8.44, TS 24.008 10.5.3.8: quarters of an hour as two digits, low half first, bit 4 is the sign. */
static void io_time_zone(struct tlv_io *io, void *v)
{
	struct s5_time_zone *z = v;
	uint8_t q = (uint8_t)abs(z->quarters), o;

	o = (uint8_t)(q / 10 % 8 | (z->quarters < 0 ? 8 : 0) | q % 10 << 4);
	tlv_u8(io, NULL, &o);
	tlv_spare(io, 6);
	tlv_bits(io, "dst", 2, &z->dst);
	if (io->op == TLV_ENCODE)
		return;
	if (o >> 4 > 9)
		tlv_bad(io, 0);
	q = (uint8_t)((o & 7) * 10 + (o >> 4));
	z->quarters = (int8_t)(o & 8 ? -q : q);
}

static void io_container(struct tlv_io *io, void *v)
{
	struct s5_container *c = v;

	tlv_spare(io, 4);
	tlv_bits(io, "type", 4, &c->type);
	tlv_rest(io, "container", &c->v);
}

static void io_fq_csid(struct tlv_io *io, void *v)
{
	struct s5_fq_csid *c = v;

	tlv_bits(io, "node-type", 4, &c->node_type);
	tlv_bits(io, "n", 4, &c->n);
	if (io->op == TLV_DECODE && c->node_type > 2)
		tlv_bad(io, 0);
	tlv_octets(io, "node", c->node, c->node_type == 1 ? 16 : 4);
	for (int i = 0; i < c->n && i < S5_CSIDS_MAX; i++)
		tlv_u16(io, "csid", &c->csid[i]);
}

static void io_uci(struct tlv_io *io, void *v)
{
	struct s5_uci *u = v;

	tlv_plmn(io, "plmn", &u->plmn);
	tlv_u32(io, "csg", &u->csg);
	if (io->op == TLV_DECODE)
		u->csg &= 0x7ffffff;
	tlv_bits(io, "access", 2, &u->access);
	tlv_spare(io, 4);
	tlv_flag(io, "lcsg", &u->lcsg);
	tlv_flag(io, "cmi", &u->cmi);
}

static void io_ip4cp(struct tlv_io *io, void *v)
{
	struct s5_ip4cp *c = v;

	tlv_u8(io, "bits", &c->bits);
	tlv_ip4(io, "router", &c->router);
}

static void twan_parts(struct tlv_io *io, struct s5_twan *t)
{
	if (t->has_bssid)
		tlv_octets(io, "bssid", t->bssid, sizeof(t->bssid));
	if (t->has_civic)
		tlv_lv(io, "civic", 1, &t->civic);
	if (t->has_plmn)
		tlv_plmn(io, "plmn", &t->plmn);
	if (t->has_operator)
		tlv_lv(io, "operator", 1, &t->operator_name);
	if (t->has_relay) {
		tlv_u8(io, "relay-type", &t->relay_type);
		tlv_lv(io, "relay", 1, &t->relay);
		tlv_lv(io, "circuit", 1, &t->circuit);
	}
}

static void io_twan(struct tlv_io *io, void *v)
{
	struct s5_twan *t = v;

	tlv_spare(io, 3);
	tlv_flag(io, NULL, &t->has_relay);
	tlv_flag(io, NULL, &t->has_operator);
	tlv_flag(io, NULL, &t->has_plmn);
	tlv_flag(io, NULL, &t->has_civic);
	tlv_flag(io, NULL, &t->has_bssid);
	tlv_lv(io, "ssid", 1, &t->ssid);
	twan_parts(io, t);
}

static void io_ran_nas(struct tlv_io *io, void *v)
{
	struct s5_ran_nas_cause *c = v;

	tlv_bits(io, "protocol", 4, &c->protocol);
	tlv_bits(io, "type", 4, &c->type);
	tlv_rest(io, "cause", &c->v);
}

static void io_twmi(struct tlv_io *io, void *v)
{
	struct s5_twmi *t = v;

	tlv_spare(io, 6);
	tlv_flag(io, "mcm", &t->mcm);
	tlv_flag(io, "scm", &t->scm);
}

static void io_node_id(struct tlv_io *io, void *v)
{
	struct s5_node_id *n = v;

	tlv_lv(io, "name", 1, &n->name);
	tlv_lv(io, "realm", 1, &n->realm);
}

static void io_apn_capacity(struct tlv_io *io, void *v)
{
	struct s5_apn_capacity *c = v;

	tlv_u8(io, "capacity", &c->capacity);
	tlv_lv(io, "apn", 1, &c->apn);
	if (io->op == TLV_DECODE && !c->apn.n)
		tlv_bad(io, 0);
}

static void io_integer(struct tlv_io *io, void *v)
{
	uint64_t *u = v;
	unsigned int octets = io->op == TLV_DECODE ? (unsigned int)tlv_left(io) : 1;

	if (io->op == TLV_ENCODE)
		while (octets < 8 && *u >> 8 * octets)
			octets++;
	tlv_uint(io, "v", octets, u);
}

static void io_u48(struct tlv_io *io, void *v)
{
	tlv_uint(io, "v", 6, v);
}

static void io_remote_user(struct tlv_io *io, void *v)
{
	struct s5_remote_user *u = v;
	bool msisdn = u->msisdn.p, imei = u->imei.p;

	tlv_spare(io, 6);
	tlv_flag(io, NULL, &imei);
	tlv_flag(io, NULL, &msisdn);
	tlv_lv(io, "imsi", 1, &u->imsi);
	if (msisdn)
		tlv_lv(io, "msisdn", 1, &u->msisdn);
	if (imei)
		tlv_lv(io, "imei", 1, &u->imei);
}

static void io_plmn_rate(struct tlv_io *io, void *v)
{
	struct s5_plmn_rate *r = v;

	tlv_u16(io, "ul", &r->ul);
	tlv_u16(io, "dl", &r->dl);
}

static void io_counter(struct tlv_io *io, void *v)
{
	struct s5_counter *c = v;

	tlv_u32(io, "timestamp", &c->timestamp);
	tlv_u8(io, "value", &c->value);
}

static void io_secondary_rat(struct tlv_io *io, void *v)
{
	struct s5_secondary_rat *r = v;

	tlv_spare(io, 5);
	tlv_flag(io, "srudn", &r->srudn);
	tlv_flag(io, "irsgw", &r->irsgw);
	tlv_flag(io, "irpgw", &r->irpgw);
	tlv_u8(io, "rat", &r->rat);
	tlv_spare(io, 4);
	tlv_bits(io, "ebi", 4, &r->ebi);
	tlv_u32(io, "start", &r->start);
	tlv_u32(io, "end", &r->end);
	tlv_u64(io, "dl", &r->dl);
	tlv_u64(io, "ul", &r->ul);
}

static void io_loss(struct tlv_io *io, void *v)
{
	struct s5_loss *l = v;

	tlv_spare(io, 6);
	tlv_flag(io, NULL, &l->has_dl);
	tlv_flag(io, NULL, &l->has_ul);
	if (l->has_ul)
		tlv_u16(io, "ul", &l->ul);
	if (l->has_dl)
		tlv_u16(io, "dl", &l->dl);
}

static void io_apn_rate(struct tlv_io *io, void *v)
{
	struct s5_apn_rate *r = v;

	tlv_u32(io, "ul", &r->ul);
	tlv_u32(io, "exceptions", &r->exceptions);
	tlv_u32(io, "dl", &r->dl);
	tlv_u64(io, "until", &r->until);
}

static void io_pscell(struct tlv_io *io, void *v)
{
	struct s5_pscell *p = v;

	tlv_plmn(io, "plmn", &p->plmn);
	tlv_uint(io, "nci", 5, &p->nci);
	if (io->op == TLV_DECODE)
		p->nci &= UINT64_C(0xfffffffff);
}

/* --- tables --- */

/* clang-format off */
enum {
#define X(id, t, n, s, c, f, lo, hi) I_##id,
	S5_IES(X)
#undef X
	N_IES
};

#define X(id, t, n, s, c, f, lo, hi)                                                                \
	[I_##id] = { .name = n, .spec = s, .type = t, .min = lo, .max = hi, .io = io_##f },
static const struct tlv_ie ies[N_IES] = { S5_IES(X) };
#undef X

#define R_ONE(p, f, id, i) TLV_RULE_ONE(p, f, &ies[I_##id], i)
#define R_MANY(p, f, id, i, max) TLV_RULE_MANY(p, f, &ies[I_##id], i)
#define R_SUB(p, f, id, i, g) TLV_RULE_SUB(p, f, &ies[I_##id], i, rules_##g)
#define R_SUBS(p, f, id, i, max, g) TLV_RULE_SUBS(p, f, &ies[I_##id], i, rules_##g)
#define LIST(s)                                                                                     \
	static const struct tlv_rule *rules_##s(void)                                               \
	{                                                                                           \
		typedef struct s5_##s T _unused_;                                                   \
		static const struct tlv_rule list[] = {                                             \
			S5_##s(R_ONE, R_MANY, R_SUB, R_SUBS) { .ie = NULL }                         \
		};                                                                                  \
		return list;                                                                        \
	}
S5_GROUPS(LIST)
#define X(id, s, t, n, c, k) LIST(s)
S5_MESSAGES(X)
#undef X

#define REQ(s) 0
#define RSP(s) (offsetof(struct s5_##s, cause) + offsetof(struct s5_cause_ie, value) + 1)
#define X(id, s, t, n, c, k)                                                                        \
	{ .format = &tlv_gtpv2, .name = n, .spec = c, .type = t, .request = !k(s),                  \
	  .rules = rules_##s, .size = sizeof(struct s5_##s), .cause_off = k(s) },
static const struct tlv_msg messages[] = { S5_MESSAGES(X) };
#undef X
/* clang-format on */

const struct tlv_msg *s5_msg(uint8_t type)
{
	for (size_t i = 0; i < ARRAY_SIZE(messages); i++)
		if (messages[i].type == type)
			return &messages[i];
	return NULL;
}

int s5_decode(const uint8_t *p, size_t n, struct tlv_hdr *ret_hdr, void *ret,
	      struct tlv_error *ret_err)
{
	const struct tlv_msg *m = n > 1 ? s5_msg(p[1]) : NULL;

	*ret_err = (struct tlv_error){ 0 };
	return m ? tlv_decode(m, p, n, ret_hdr, ret, ret_err) : -ENOENT;
}

int s5_encode(enum s5_message type, uint32_t teid, const void *in, struct tlv_buf *b)
{
	struct tlv_hdr h = { .has_id = type > S5_VERSION_NOT_SUPPORTED, .id = teid };
	const struct tlv_msg *m = s5_msg(type);

	return m ? tlv_encode(m, &h, in, b) : -ENOENT;
}

void s5_init(enum s5_message type, void *in)
{
	const struct tlv_msg *m = s5_msg(type);

	if (m)
		tlv_init(m, in);
}

static int missing(struct tlv_error *e, uint16_t type, uint8_t instance, const char *name)
{
	*e = (struct tlv_error){ .cause = S5_CONDITIONAL_IE_MISSING,
				 .has_ie = true,
				 .type = type,
				 .instance = instance,
				 .name = name };
	return -EBADMSG;
}

/* The user plane of the node that asks: which instance of F-TEID is it in (table 7.2.1-2)? */
static uint8_t user_plane_instance(const struct s5_create_session_request *r)
{
	if (r->sender.iface == S5_IF_S2BC_EPDG)
		return 5;
	return r->sender.iface == S5_IF_S2AC_TWAN ? 6 : 2;
}

int s5_check_create_session(const struct s5_create_session_request *r, struct tlv_error *ret_err)
{
	if (!r->has_imsi && !r->has_mei) /* an emergency call without a (U)SIM has its MEI */
		return missing(ret_err, S5_IE_IMSI, 0, "IMSI");
	if (!r->has_paa && !r->has_pdn_type)
		return missing(ret_err, S5_IE_PAA, 0, "PAA");
	if (!r->has_ambr)
		return missing(ret_err, S5_IE_AMBR, 0, "AMBR");
	for (size_t i = 0; i < r->n_bearer; i++)
		if (!r->bearer[i].has_s5u_sgw && !r->bearer[i].has_s2bu_epdg &&
		    !r->bearer[i].has_s2au_twan)
			return missing(ret_err, S5_IE_F_TEID, user_plane_instance(r),
				       "F-TEID of the user plane");
	return 0;
}

int s5_check_create_bearer(const struct s5_create_bearer_response *r, struct tlv_error *ret_err)
{
	for (size_t i = 0; i < r->n_bearer; i++) {
		const struct s5_cbp_bearer *b = &r->bearer[i];

		if (!tlv_accepted(&tlv_gtpv2, b->cause.value))
			continue;
		if (!b->has_s5u_sgw && !b->has_s2bu_epdg && !b->has_s2au_twan)
			return missing(ret_err, S5_IE_F_TEID, 2, "S5/S8-U SGW F-TEID");
		if (!b->has_s5u_pgw && !b->has_s2bu_pgw && !b->has_s2au_pgw)
			return missing(ret_err, S5_IE_F_TEID, 3, "S5/S8-U PGW F-TEID");
	}
	return 0;
}

struct s5_cause_ie s5_cause_of(const struct tlv_error *e)
{
	return (struct s5_cause_ie){ .value = e->cause,
				     .has_ie = e->has_ie,
				     .ie_type = (uint8_t)e->type,
				     .ie_instance = e->instance };
}

/* Which answer a request has (6.1): the next type, but for commands the failure indication is that, too. */
int s5_encode_refusal(uint8_t request_type, uint32_t teid, struct s5_cause_ie cause,
		      struct tlv_buf *b)
{
	const struct tlv_msg *m = s5_msg((uint8_t)(request_type + 1));
	struct tlv_hdr h = { .has_id = true, .id = teid };
	size_t start = b->n, at;
	struct tlv_io io = { .op = TLV_ENCODE, .b = b };

	if (!m || !m->cause_off)
		return -ENOENT;
	h.type = m->type;
	m->format->begin(b, &h);
	at = tlv_open(b, m->format, S5_IE_CAUSE, 0, 0);
	io_cause(&io, &cause);
	tlv_close(b, m->format, at);
	tlv_end(b, m->format, start);
	return b->err;
}

char *s5_print(const uint8_t *p, size_t n, char *dst, size_t size)
{
	return tlv_print(&tlv_gtpv2, n > 1 ? s5_msg(p[1]) : NULL, p, n, dst, size);
}

const char *s5_cause_name(uint8_t cause)
{
	static const char *const names[] = {
		[S5_LOCAL_DETACH] = "Local Detach",
		[S5_COMPLETE_DETACH] = "Complete Detach",
		[S5_RAT_3GPP_TO_NON_3GPP] = "RAT changed from 3GPP to Non-3GPP",
		[S5_ISR_DEACTIVATION] = "ISR deactivation",
		[S5_ERROR_INDICATION] = "Error Indication received",
		[S5_IMSI_DETACH_ONLY] = "IMSI Detach Only",
		[S5_REACTIVATION_REQUESTED] = "Reactivation Requested",
		[S5_PDN_RECONNECTION_DISALLOWED] = "PDN reconnection to this APN disallowed",
		[S5_ACCESS_NON_3GPP_TO_3GPP] = "Access changed from Non-3GPP to 3GPP",
		[S5_PDN_INACTIVITY] = "PDN connection inactivity timer expires",
		[S5_PGW_NOT_RESPONDING] = "PGW not responding",
		[S5_NETWORK_FAILURE] = "Network Failure",
		[S5_QOS_MISMATCH] = "QoS parameter mismatch",
		[S5_EPS_TO_5GS] = "EPS to 5GS Mobility",
		[S5_ACCEPTED] = "Request accepted",
		[S5_ACCEPTED_PARTIALLY] = "Request accepted partially",
		[S5_NEW_PDN_TYPE_NETWORK] = "New PDN type due to network preference",
		[S5_NEW_PDN_TYPE_SINGLE] = "New PDN type due to single address bearer only",
		[S5_CONTEXT_NOT_FOUND] = "Context Not Found",
		[S5_INVALID_MESSAGE_FORMAT] = "Invalid Message Format",
		[S5_VERSION_NOT_SUPPORTED_BY_PEER] = "Version not supported by next peer",
		[S5_INVALID_LENGTH] = "Invalid length",
		[S5_SERVICE_NOT_SUPPORTED] = "Service not supported",
		[S5_MANDATORY_IE_INCORRECT] = "Mandatory IE incorrect",
		[S5_MANDATORY_IE_MISSING] = "Mandatory IE missing",
		[S5_SYSTEM_FAILURE] = "System failure",
		[S5_NO_RESOURCES] = "No resources available",
		[S5_TFT_SEMANTIC] = "Semantic error in the TFT operation",
		[S5_TFT_SYNTACTIC] = "Syntactic error in the TFT operation",
		[S5_FILTER_SEMANTIC] = "Semantic errors in packet filter(s)",
		[S5_FILTER_SYNTACTIC] = "Syntactic errors in packet filter(s)",
		[S5_UNKNOWN_APN] = "Missing or unknown APN",
		[S5_DENIED_IN_RAT] = "Denied in RAT",
		[S5_PDN_TYPE_NOT_SUPPORTED] = "Preferred PDN type not supported",
		[S5_ADDRESSES_OCCUPIED] = "All dynamic addresses are occupied",
		[S5_CONTEXT_WITHOUT_TFT] = "UE context without TFT already activated",
		[S5_PROTOCOL_NOT_SUPPORTED] = "Protocol type not supported",
		[S5_UE_NOT_RESPONDING] = "UE not responding",
		[S5_UE_REFUSES] = "UE refuses",
		[S5_SERVICE_DENIED] = "Service denied",
		[S5_UNABLE_TO_PAGE] = "Unable to page UE",
		[S5_NO_MEMORY] = "No memory available",
		[S5_USER_AUTHENTICATION_FAILED] = "User authentication failed",
		[S5_APN_DENIED] = "APN access denied - no subscription",
		[S5_REQUEST_REJECTED] = "Request rejected",
		[S5_IMSI_NOT_KNOWN] = "IMSI/IMEI not known",
		[S5_TAD_SEMANTIC] = "Semantic error in the TAD operation",
		[S5_TAD_SYNTACTIC] = "Syntactic error in the TAD operation",
		[S5_PEER_NOT_RESPONDING] = "Remote peer not responding",
		[S5_COLLISION] = "Collision with network initiated request",
		[S5_UNABLE_TO_PAGE_SUSPENDED] = "Unable to page UE due to Suspension",
		[S5_CONDITIONAL_IE_MISSING] = "Conditional IE missing",
		[S5_APN_RESTRICTION_INCOMPATIBLE] = "APN Restriction type incompatible",
		[S5_PIGGYBACK_LENGTH] = "Invalid overall length of the piggybacked messages",
		[S5_INVALID_REPLY] = "Invalid reply from remote peer",
		[S5_INVALID_PEER] = "Invalid peer",
		[S5_HANDOVER_IN_PROGRESS] = "Temporarily rejected due to handover in progress",
		[S5_APN_CONGESTION] = "APN Congestion",
		[S5_BEARER_HANDLING_NOT_SUPPORTED] = "Bearer handling not supported",
		[S5_UE_ALREADY_REATTACHED] = "UE already re-attached",
		[S5_MULTIPLE_PDN_NOT_ALLOWED] =
			"Multiple PDN connections for a given APN not allowed",
		[S5_CONGESTION] = "GTP-C Entity Congestion",
		[S5_LATE_OVERLAPPING] = "Late Overlapping Request",
		[S5_TIMED_OUT_REQUEST] = "Timed out Request",
		[S5_UE_NOT_AUTHORISED] = "UE not authorised by OCS or external AAA Server",
		[S5_UE_CAPABILITY] = "Request rejected due to UE capability",
	};

	return cause < ARRAY_SIZE(names) && names[cause] ? names[cause] : "unknown cause";
}

void s5_doc(FILE *f)
{
	fputs("# S5, S8, S2b: GTPv2-C messages and IEs\n\n"
	      "Made by the tests from the lists in daemon/ref/s5.h; `KIMS_UPDATE_DOCS=1 make check T=ref/s5` writes it anew.\n"
	      "Type: IE type and instance. M: mandatory, C: conditional (refused when incorrect), O: optional (ignored when\n"
	      "incorrect); M (accepted): mandatory unless the cause is a rejection. Other IEs are ignored.\n\n",
	      f);
	for (size_t i = 0; i < ARRAY_SIZE(messages); i++)
		tlv_doc_msg(f, &messages[i]);
	tlv_doc_ies(f, ies, N_IES, "TS 29.274 8.1");
}
