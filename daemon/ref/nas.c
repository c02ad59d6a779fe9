// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Traffic flow templates (TS 24.008 10.5.6.12) and protocol configuration options (10.5.6.3): structs <->
 * octets.
 *
 * A template with a syntactical error is refused as the clause says (6.1.3.3.4 c and d: GTPv2-C causes 75, 77,
 * for a TAD 98). Options are NAS contents that GTP only carries: what cannot be read to its end is left out.
 */
#include "ref/nas.h"

enum { TFT_SYNTACTIC = 75, FILTER_SYNTACTIC = 77, TAD_SYNTACTIC = 98 };

/* --- components of a packet filter --- */

static void io_remote4(struct tlv_io *io, struct nas_filter *f)
{
	tlv_ip4(io, "remote", &f->remote4);
	tlv_ip4(io, "mask", &f->remote4_mask);
}

static void io_local4(struct tlv_io *io, struct nas_filter *f)
{
	tlv_ip4(io, "local", &f->local4);
	tlv_ip4(io, "mask", &f->local4_mask);
}

static void io_prefix(struct tlv_io *io, const char *name, struct in6_addr *a, uint8_t *bits)
{
	tlv_ip6(io, name, a);
	tlv_u8(io, "bits", bits);
	if (io->op == TLV_DECODE && *bits > 128)
		tlv_bad(io, FILTER_SYNTACTIC);
}

static void io_remote6(struct tlv_io *io, struct nas_filter *f)
{
	io_prefix(io, "remote", &f->remote6, &f->remote6_bits);
}

static void io_local6(struct tlv_io *io, struct nas_filter *f)
{
	io_prefix(io, "local", &f->local6, &f->local6_bits);
}

/* Address and mask, as before Rel-11: decoding only; the mask must be a prefix. */
static void io_remote6_mask(struct tlv_io *io, struct nas_filter *f)
{
	uint8_t mask[16], bits = 0;

	tlv_ip6(io, "remote", &f->remote6);
	tlv_octets(io, "mask", mask, sizeof(mask));
	while (bits < 128 && mask[bits / 8] & 0x80 >> bits % 8)
		bits++;
	for (unsigned int i = bits; i < 128; i++)
		if (mask[i / 8] & 0x80 >> i % 8)
			tlv_bad(io, FILTER_SYNTACTIC);
	f->remote6_bits = bits;
}

static void io_proto(struct tlv_io *io, struct nas_filter *f)
{
	tlv_u8(io, "proto", &f->proto);
}

static void io_port(struct tlv_io *io, const char *name, bool range, uint16_t *low, uint16_t *high)
{
	tlv_u16(io, name, low);
	if (range)
		tlv_u16(io, "to", high);
	else if (io->op == TLV_DECODE)
		*high = *low;
	if (io->op == TLV_DECODE && *low > *high)
		tlv_bad(io, FILTER_SYNTACTIC);
}

static void io_local_port(struct tlv_io *io, struct nas_filter *f)
{
	io_port(io, "local-port", false, &f->local_low, &f->local_high);
}

static void io_local_range(struct tlv_io *io, struct nas_filter *f)
{
	io_port(io, "local-port", true, &f->local_low, &f->local_high);
}

static void io_remote_port(struct tlv_io *io, struct nas_filter *f)
{
	io_port(io, "remote-port", false, &f->remote_low, &f->remote_high);
}

static void io_remote_range(struct tlv_io *io, struct nas_filter *f)
{
	io_port(io, "remote-port", true, &f->remote_low, &f->remote_high);
}

static void io_spi(struct tlv_io *io, struct nas_filter *f)
{
	tlv_u32(io, "spi", &f->spi);
}

static void io_tos(struct tlv_io *io, struct nas_filter *f)
{
	tlv_u8(io, "tos", &f->tos);
	tlv_u8(io, "tos-mask", &f->tos_mask);
}

static void io_flow_label(struct tlv_io *io, struct nas_filter *f)
{
	tlv_u24(io, "flow-label", &f->flow_label);
	if (io->op == TLV_DECODE)
		f->flow_label &= 0xfffff;
}

static void io_dst_mac(struct tlv_io *io, struct nas_filter *f)
{
	tlv_octets(io, "dst-mac", f->dst_mac, 6);
}

static void io_src_mac(struct tlv_io *io, struct nas_filter *f)
{
	tlv_octets(io, "src-mac", f->src_mac, 6);
}

static void io_ctag_vid(struct tlv_io *io, struct nas_filter *f)
{
	tlv_u16(io, "c-tag", &f->ctag_vid);
}

static void io_stag_vid(struct tlv_io *io, struct nas_filter *f)
{
	tlv_u16(io, "s-tag", &f->stag_vid);
}

static void io_ctag_pcp(struct tlv_io *io, struct nas_filter *f)
{
	tlv_u8(io, "c-pcp", &f->ctag_pcp);
}

static void io_stag_pcp(struct tlv_io *io, struct nas_filter *f)
{
	tlv_u8(io, "s-pcp", &f->stag_pcp);
}

static void io_ethertype(struct tlv_io *io, struct nas_filter *f)
{
	tlv_u16(io, "ethertype", &f->ethertype);
}

/* Rows are sent in this order; of the two rows of a bit, the one that fits. */
static const struct component {
	uint8_t type;
	uint32_t bit;
	void (*io)(struct tlv_io *io, struct nas_filter *f);
} components[] = {
	{ 0x10, NAS_REMOTE4, io_remote4 },
	{ 0x11, NAS_LOCAL4, io_local4 },
	{ 0x20, NAS_REMOTE6, io_remote6_mask },
	{ 0x21, NAS_REMOTE6, io_remote6 },
	{ 0x23, NAS_LOCAL6, io_local6 },
	{ 0x30, NAS_PROTO, io_proto },
	{ 0x40, NAS_LOCAL_PORT, io_local_port },
	{ 0x41, NAS_LOCAL_PORT, io_local_range },
	{ 0x50, NAS_REMOTE_PORT, io_remote_port },
	{ 0x51, NAS_REMOTE_PORT, io_remote_range },
	{ 0x60, NAS_SPI, io_spi },
	{ 0x70, NAS_TOS, io_tos },
	{ 0x80, NAS_FLOW_LABEL, io_flow_label },
	{ 0x81, NAS_DST_MAC, io_dst_mac },
	{ 0x82, NAS_SRC_MAC, io_src_mac },
	{ 0x83, NAS_CTAG_VID, io_ctag_vid },
	{ 0x84, NAS_STAG_VID, io_stag_vid },
	{ 0x85, NAS_CTAG_PCP, io_ctag_pcp },
	{ 0x86, NAS_STAG_PCP, io_stag_pcp },
	{ 0x87, NAS_ETHERTYPE, io_ethertype },
};

static bool fits(const struct component *c, const struct nas_filter *f)
{
	if (!(f->has & c->bit) || c->io == io_remote6_mask)
		return false;
	if (c->bit == NAS_LOCAL_PORT)
		return (c->io == io_local_range) == (f->local_low != f->local_high);
	if (c->bit == NAS_REMOTE_PORT)
		return (c->io == io_remote_range) == (f->remote_low != f->remote_high);
	return true;
}

static void components_out(struct tlv_io *io, struct nas_filter *f)
{
	for (size_t i = 0; i < ARRAY_SIZE(components); i++) {
		uint8_t type = components[i].type;

		if (!fits(&components[i], f))
			continue;
		tlv_u8(io, NULL, &type);
		components[i].io(io, f);
	}
}

static const struct component *component(uint8_t type)
{
	for (size_t i = 0; i < ARRAY_SIZE(components); i++)
		if (components[i].type == type)
			return &components[i];
	return NULL;
}

static void components_in(struct tlv_io *io, struct nas_filter *f)
{
	while (tlv_left(io)) {
		const struct component *c;
		uint8_t type = 0;

		tlv_u8(io, NULL, &type);
		c = component(type);
		if (!c || f->has & c->bit) { /* unknown, or there twice */
			tlv_bad(io, FILTER_SYNTACTIC);
			return;
		}
		f->has |= c->bit;
		c->io(io, f);
	}
}

static void io_filter(struct tlv_io *io, struct nas_filter *f)
{
	struct tlv_part part;

	tlv_spare(io, 2);
	tlv_bits(io, "dir", 2, &f->dir);
	tlv_bits(io, "filter", 4, &f->id);
	tlv_u8(io, "precedence", &f->precedence);
	tlv_part_begin(io, 1, &part);
	if (io->op == TLV_ENCODE)
		components_out(io, f);
	else
		components_in(io, f);
	tlv_part_end(io, &part);
	if (io->op == TLV_DECODE && tlv_ok(io) && !f->has)
		tlv_bad(io, FILTER_SYNTACTIC);
}

static void io_filters(struct tlv_io *io, struct nas_tft *t)
{
	for (int i = 0; i < t->n_filter && i < NAS_FILTERS_MAX; i++) {
		struct nas_filter *f = &t->filter[i];

		if (t->op == NAS_TFT_DELETE_FILTERS) {
			tlv_spare(io, 4);
			tlv_bits(io, "filter", 4, &f->id);
		} else {
			io_filter(io, f);
		}
	}
}

static void io_params(struct tlv_io *io, struct nas_tft *t)
{
	struct nas_tft_param extra = { 0 }, *p;

	for (int i = 0; tlv_more(io, i < t->n_param); i++) {
		p = i < NAS_TFT_PARAMS_MAX ? &t->param[i] : &extra;
		tlv_u8(io, "param", &p->id);
		tlv_lv(io, "value", 1, &p->v);
		if (io->op == TLV_DECODE && tlv_ok(io) && i < NAS_TFT_PARAMS_MAX)
			t->n_param = (uint8_t)(i + 1);
	}
}

static void io_template(struct tlv_io *io, struct nas_tft *t, uint8_t cause)
{
	bool more = t->n_param > 0, filters;

	tlv_bits(io, "op", 3, &t->op);
	tlv_flag(io, NULL, &more);
	tlv_bits(io, NULL, 4, &t->n_filter);
	filters = t->op == NAS_TFT_CREATE || t->op == NAS_TFT_ADD || t->op == NAS_TFT_REPLACE ||
		  t->op == NAS_TFT_DELETE_FILTERS;
	if (io->op == TLV_DECODE && (!t->op || t->op > NAS_TFT_NO_OP || filters != !!t->n_filter))
		tlv_bad(io, cause);
	io_filters(io, t);
	if (more)
		io_params(io, t);
	if (io->op == TLV_DECODE && io->cut) { /* its own length, not that of the IE, is wrong */
		io->cut = false;
		tlv_bad(io, cause);
	}
}

void nas_io_tft(struct tlv_io *io, void *v)
{
	io_template(io, v, TFT_SYNTACTIC);
}

void nas_io_tad(struct tlv_io *io, void *v)
{
	io_template(io, v, TAD_SYNTACTIC);
}

ssize_t nas_tft_encode(const struct nas_tft *t, uint8_t *dst, size_t size)
{
	struct tlv_buf b = { .p = dst, .cap = size };
	struct tlv_io io = { .op = TLV_ENCODE, .b = &b };

	nas_io_tft(&io, (void *)t);
	return b.err ? b.err : (ssize_t)b.n;
}

int nas_tft_decode(const uint8_t *p, size_t n, struct nas_tft *ret)
{
	struct tlv_io io = { .op = TLV_DECODE, .p = p, .end = p + n };

	memset(ret, 0, sizeof(*ret));
	nas_io_tft(&io, ret);
	return tlv_ok(&io) ? 0 : -EBADMSG;
}

/* --- protocol configuration options --- */

static unsigned int len_octets(bool extended, uint16_t id)
{
	switch (id) {
	case NAS_PCO_QOS_RULES_2:
	case NAS_PCO_QOS_FLOWS_2:
	case NAS_PCO_ATSSS_2:
	case NAS_PCO_DS_TT_2:
	case NAS_PCO_PORT_MGMT_2:
		return extended ? 2 : 1;
	}
	return 1;
}

static void pco_out(struct tlv_io *io, struct nas_pco *p, bool extended)
{
	for (int i = 0; i < p->n && i < NAS_PCO_MAX; i++) {
		tlv_u16(io, NULL, &p->opt[i].id);
		tlv_lv(io, NULL, len_octets(extended, p->opt[i].id), &p->opt[i].v);
	}
}

static void pco_in(struct tlv_io *io, struct nas_pco *p, bool extended)
{
	struct nas_pco_opt o = { 0 };

	while (tlv_left(io) && p->n < NAS_PCO_MAX) {
		tlv_u16(io, "id", &o.id);
		tlv_lv(io, "value", len_octets(extended, o.id), &o.v);
		if (tlv_ok(io))
			p->opt[p->n++] = o;
	}
	io->cut = false;
	io->p = io->end;
}

static void io_pco(struct tlv_io *io, struct nas_pco *p, bool extended)
{
	bool ext = true;

	tlv_flag(io, NULL, &ext);
	tlv_spare(io, 4);
	tlv_bits(io, NULL, 3, &p->protocol);
	if (io->op == TLV_ENCODE)
		pco_out(io, p, extended);
	else if (tlv_ok(io))
		pco_in(io, p, extended);
}

void nas_io_pco(struct tlv_io *io, void *v)
{
	io_pco(io, v, false);
}

void nas_io_epco(struct tlv_io *io, void *v)
{
	io_pco(io, v, true);
}

int nas_pco_add(struct nas_pco *p, uint16_t id, const void *v, size_t n)
{
	if (p->n >= NAS_PCO_MAX)
		return -ENOSPC;
	p->opt[p->n++] = (struct nas_pco_opt){ .id = id, .v = { v, n } };
	return 0;
}

bool nas_pco_next(const struct nas_pco *p, uint16_t id, size_t *pos, struct str *ret_v)
{
	for (size_t i = *pos; i < p->n; i++) {
		if (p->opt[i].id != id)
			continue;
		*ret_v = p->opt[i].v;
		*pos = i + 1;
		return true;
	}
	return false;
}

bool nas_pco_has(const struct nas_pco *p, uint16_t id)
{
	size_t pos = 0;
	struct str v;

	return nas_pco_next(p, id, &pos, &v);
}

/* --- IPCP --- */

enum { IPCP_ADDRESS = 3, IPCP_DNS1 = 129, IPCP_DNS2 = 131 };

static void ipcp_option(struct nas_ipcp *i, const uint8_t *o)
{
	if (o[1] != 6)
		return;
	if (o[0] == IPCP_ADDRESS) {
		i->has_addr = true;
		memcpy(&i->addr, o + 2, 4);
	} else if (o[0] == IPCP_DNS1) {
		i->has_dns1 = true;
		memcpy(&i->dns1, o + 2, 4);
	} else if (o[0] == IPCP_DNS2) {
		i->has_dns2 = true;
		memcpy(&i->dns2, o + 2, 4);
	}
}

int nas_ipcp_decode(struct str v, struct nas_ipcp *ret)
{
	const uint8_t *p = (const uint8_t *)v.p;
	size_t len;

	*ret = (struct nas_ipcp){ 0 };
	if (v.n < 4)
		return -EBADMSG;
	len = (size_t)p[2] << 8 | p[3];
	if (len < 4 || len > v.n)
		return -EBADMSG;
	ret->code = p[0];
	ret->id = p[1];
	for (size_t at = 4; at < len; at += p[at + 1]) {
		if (len - at < 2 || p[at + 1] < 2 || p[at + 1] > len - at)
			return -EBADMSG;
		ipcp_option(ret, p + at);
	}
	return 0;
}

static size_t put_ipcp(uint8_t *dst, uint8_t type, const struct in_addr *a)
{
	dst[0] = type;
	dst[1] = 6;
	memcpy(dst + 2, a, 4);
	return 6;
}

size_t nas_ipcp_encode(const struct nas_ipcp *i, uint8_t dst[22])
{
	size_t n = 4;

	if (i->has_addr)
		n += put_ipcp(dst + n, IPCP_ADDRESS, &i->addr);
	if (i->has_dns1)
		n += put_ipcp(dst + n, IPCP_DNS1, &i->dns1);
	if (i->has_dns2)
		n += put_ipcp(dst + n, IPCP_DNS2, &i->dns2);
	dst[0] = i->code;
	dst[1] = i->id;
	dst[2] = 0;
	dst[3] = (uint8_t)n;
	return n;
}
