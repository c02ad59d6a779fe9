// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The walk over the octets of one value: every function here reads when decoding and writes when encoding,
 * so that a codec describes its IE once (TS 29.274 8, TS 29.244 8.2).
 *
 * Invariants: after the first error nothing is read any more and values are zero; the reader stays
 * in [p, end).
 */
#include <arpa/inet.h>

#include "lib/ie/tlv.h"
#include "lib/ie/wire.h"

bool tlv_ok(const struct tlv_io *io)
{
	return !io->cut && !io->bad;
}

void tlv_bad(struct tlv_io *io, uint8_t cause)
{
	if (!io->bad)
		io->cause = cause;
	io->bad = true;
}

size_t tlv_left(const struct tlv_io *io)
{
	return tlv_ok(io) ? (size_t)(io->end - io->p) : 0;
}

bool tlv_more(const struct tlv_io *io, bool want)
{
	return io->op == TLV_ENCODE ? want : tlv_left(io) > 0;
}

static const uint8_t *take(struct tlv_io *io, size_t n)
{
	const uint8_t *p = io->p;

	if (tlv_left(io) < n) {
		io->cut = io->cut || !io->bad;
		return NULL;
	}
	io->p += n;
	return p;
}

void tlv_note(struct tlv_io *io, const char *name)
{
	if (io->out && tlv_ok(io))
		ie_outf(io->out, " %s", name);
}

static void shown(struct tlv_io *io, const char *name, uint64_t v)
{
	if (io->out && name && tlv_ok(io))
		ie_outf(io->out, " %s=%llu", name, (unsigned long long)v);
}

void tlv_uint(struct tlv_io *io, const char *name, unsigned int octets, uint64_t *v)
{
	uint8_t *w;
	const uint8_t *p;

	if (io->op == TLV_ENCODE) {
		w = tlv_grow(io->b, octets);
		for (unsigned int i = 0; w && i < octets; i++)
			w[i] = (uint8_t)(*v >> 8 * (octets - 1 - i));
		return;
	}
	p = take(io, octets);
	*v = 0;
	for (unsigned int i = 0; p && i < octets; i++)
		*v = *v << 8 | p[i];
	shown(io, name, *v);
}

void tlv_u8(struct tlv_io *io, const char *name, uint8_t *v)
{
	uint64_t u = io->op == TLV_ENCODE ? *v : 0;

	tlv_uint(io, name, 1, &u);
	if (io->op == TLV_DECODE)
		*v = (uint8_t)u;
}

void tlv_u16(struct tlv_io *io, const char *name, uint16_t *v)
{
	uint64_t u = io->op == TLV_ENCODE ? *v : 0;

	tlv_uint(io, name, 2, &u);
	if (io->op == TLV_DECODE)
		*v = (uint16_t)u;
}

static void uint32_of(struct tlv_io *io, const char *name, unsigned int octets, uint32_t *v)
{
	uint64_t u = io->op == TLV_ENCODE ? *v : 0;

	tlv_uint(io, name, octets, &u);
	if (io->op == TLV_DECODE)
		*v = (uint32_t)u;
}

void tlv_u24(struct tlv_io *io, const char *name, uint32_t *v)
{
	uint32_of(io, name, 3, v);
}

void tlv_u32(struct tlv_io *io, const char *name, uint32_t *v)
{
	uint32_of(io, name, 4, v);
}

void tlv_u64(struct tlv_io *io, const char *name, uint64_t *v)
{
	tlv_uint(io, name, 8, v);
}

void tlv_bits(struct tlv_io *io, const char *name, unsigned int n, uint8_t *v)
{
	unsigned int shift = 8 - io->bit - n;
	uint8_t mask = (uint8_t)((1u << n) - 1), *w;
	const uint8_t *p;

	if (!io->bit) {
		p = io->op == TLV_DECODE ? take(io, 1) : NULL;
		io->acc = p ? *p : 0;
	}
	if (io->op == TLV_ENCODE)
		io->acc |= (uint8_t)(((v ? *v : 0) & mask) << shift);
	else if (v)
		*v = io->acc >> shift & mask;
	io->bit = (io->bit + n) % 8;
	if (io->op == TLV_ENCODE && !io->bit) {
		w = tlv_grow(io->b, 1);
		if (w)
			*w = io->acc;
	} else if (io->op == TLV_DECODE && v && n > 1) {
		shown(io, name, *v);
	}
}

void tlv_flag(struct tlv_io *io, const char *name, bool *v)
{
	uint8_t b = io->op == TLV_ENCODE ? *v : 0;

	tlv_bits(io, name, 1, &b);
	if (io->op == TLV_ENCODE)
		return;
	*v = b;
	if (b && name)
		tlv_note(io, name);
}

static uint8_t octet_of(const bool *v, size_t n)
{
	uint8_t o = 0;

	for (size_t i = 0; i < n && i < 8; i++)
		o |= (uint8_t)(v[i] << i);
	return o;
}

void tlv_flags(struct tlv_io *io, const char *const *names, bool *v, size_t n, size_t min)
{
	size_t octets = (n + 7) / 8;
	uint8_t o;

	if (io->op == TLV_ENCODE)
		while (octets > min && !octet_of(v + (octets - 1) * 8, n - (octets - 1) * 8))
			octets--;
	for (size_t i = 0; i < octets; i++) {
		size_t rest = MIN(n - i * 8, (size_t)8);

		if (io->op == TLV_ENCODE) {
			o = octet_of(v + i * 8, rest);
			tlv_u8(io, NULL, &o);
			continue;
		}
		o = 0;
		if (!i || tlv_left(io)) /* older releases have fewer; the row says how many there must be */
			tlv_u8(io, NULL, &o);
		for (size_t k = 0; k < rest; k++) {
			v[i * 8 + k] = o >> k & 1;
			if (v[i * 8 + k])
				tlv_note(io, names[i * 8 + k]);
		}
	}
}

void tlv_octets(struct tlv_io *io, const char *name, void *v, size_t n)
{
	const uint8_t *p;
	uint8_t *w;

	if (io->op == TLV_ENCODE) {
		w = tlv_grow(io->b, n);
		if (w)
			memcpy(w, v, n);
		return;
	}
	p = take(io, n);
	if (p)
		memcpy(v, p, n);
	else
		memset(v, 0, n);
	if (io->out && name && p)
		ie_outf(io->out, " %s=<%zu octets>", name, n);
}

static void address(struct tlv_io *io, const char *name, int family, void *v, size_t n)
{
	char text[INET6_ADDRSTRLEN];

	tlv_octets(io, NULL, v, n);
	if (io->out && tlv_ok(io) && inet_ntop(family, v, text, sizeof(text)))
		ie_outf(io->out, " %s=%s", name, text);
}

void tlv_ip4(struct tlv_io *io, const char *name, struct in_addr *v)
{
	address(io, name, AF_INET, v, 4);
}

void tlv_ip6(struct tlv_io *io, const char *name, struct in6_addr *v)
{
	address(io, name, AF_INET6, v, 16);
}

static void view(struct tlv_io *io, size_t n, struct str *v)
{
	const uint8_t *p;

	if (io->op == TLV_ENCODE) {
		if (v->n)
			tlv_octets(io, NULL, (void *)v->p, v->n);
		return;
	}
	p = take(io, n);
	*v = p ? (struct str){ (const char *)p, n } : (struct str){ 0 };
}

static void shown_size(struct tlv_io *io, const char *name, struct str v)
{
	if (io->out && name && tlv_ok(io))
		ie_outf(io->out, " %s=<%zu octets>", name, v.n);
}

void tlv_rest(struct tlv_io *io, const char *name, struct str *v)
{
	view(io, tlv_left(io), v);
	shown_size(io, name, *v);
}

void tlv_text(struct tlv_io *io, const char *name, struct str *v)
{
	view(io, tlv_left(io), v);
	if (io->op == TLV_ENCODE)
		return;
	if (v->n && memchr(v->p, 0, v->n)) {
		tlv_bad(io, 0);
		*v = (struct str){ 0 };
	} else if (io->out) {
		ie_outf(io->out, " %s=", name);
		ie_out_text(io->out, *v);
	}
}

void tlv_lv(struct tlv_io *io, const char *name, unsigned int len_octets, struct str *v)
{
	uint64_t n = io->op == TLV_ENCODE ? v->n : 0;

	if (n >> 8 * len_octets) {
		io->b->err = -EMSGSIZE;
		return;
	}
	tlv_uint(io, NULL, len_octets, &n);
	view(io, (size_t)n, v);
	shown_size(io, name, *v);
}

void tlv_part_begin(struct tlv_io *io, unsigned int len_octets, struct tlv_part *p)
{
	uint64_t n = 0;

	p->len_octets = len_octets;
	tlv_uint(io, NULL, len_octets, &n);
	if (io->op == TLV_ENCODE) {
		p->at = io->b->n;
		return;
	}
	p->end = io->end;
	if (n > tlv_left(io))
		io->cut = true;
	else
		io->end = io->p + n;
}

void tlv_part_end(struct tlv_io *io, const struct tlv_part *p)
{
	size_t n;

	if (io->op == TLV_DECODE) {
		if (tlv_ok(io))
			io->p = io->end;
		io->end = p->end;
		return;
	}
	if (io->b->err)
		return;
	n = io->b->n - p->at;
	if (n >> 8 * p->len_octets)
		io->b->err = -EMSGSIZE;
	else
		for (unsigned int i = 0; i < p->len_octets; i++)
			io->b->p[p->at - 1 - i] = (uint8_t)(n >> 8 * i);
}

static void digits_out(struct tlv_io *io, const char *v)
{
	size_t n = strlen(v);
	uint8_t o;

	for (size_t i = 0; i < n; i += 2) {
		o = (uint8_t)((v[i] - '0') | (i + 1 < n ? v[i + 1] - '0' : 0xf) << 4);
		tlv_u8(io, NULL, &o);
	}
}

void tlv_digits(struct tlv_io *io, const char *name, char *v, size_t size)
{
	size_t n = 0;
	uint8_t o = 0, d;

	if (io->op == TLV_ENCODE) {
		digits_out(io, v);
		return;
	}
	while (tlv_left(io)) {
		tlv_u8(io, NULL, &o);
		for (int half = 0; half < 2; half++) {
			d = half ? o >> 4 : o & 0xf;
			if (d == 0xf && half && !tlv_left(io))
				break; /* fills the last octet */
			if (d > 9 || n + 1 >= size)
				tlv_bad(io, 0);
			else
				v[n++] = (char)('0' + d);
		}
	}
	if (!n)
		tlv_bad(io, 0);
	v[tlv_ok(io) ? n : 0] = '\0';
	if (io->out && tlv_ok(io))
		ie_outf(io->out, " %s=%s", name, v);
}

static void labels_out(struct tlv_io *io, const char *v)
{
	while (*v) {
		size_t n = strcspn(v, ".");
		struct str label = { v, n };

		tlv_lv(io, NULL, 1, &label);
		v += n + (v[n] == '.');
	}
}

/* One label behind what v has; false: the end. */
static bool label_in(struct tlv_io *io, char *v, size_t size, size_t *n)
{
	struct str label = { 0 };

	tlv_lv(io, NULL, 1, &label);
	if (!tlv_ok(io) || !label.n)
		return false; /* a root label at the end is tolerated */
	if (label.n > 63 || *n + label.n + 2 > size || memchr(label.p, 0, label.n) ||
	    memchr(label.p, '.', label.n)) {
		tlv_bad(io, 0);
		return false;
	}
	if (*n)
		v[(*n)++] = '.';
	memcpy(v + *n, label.p, label.n);
	*n += label.n;
	return true;
}

void tlv_labels(struct tlv_io *io, const char *name, char *v, size_t size)
{
	size_t n = 0;

	if (io->op == TLV_ENCODE) {
		labels_out(io, v);
		return;
	}
	while (tlv_left(io) && label_in(io, v, size, &n))
		;
	if (!n || tlv_left(io))
		tlv_bad(io, 0);
	v[tlv_ok(io) ? n : 0] = '\0';
	if (io->out && tlv_ok(io)) {
		ie_outf(io->out, " %s=", name);
		ie_out_text(io->out, str_of(v));
	}
}

static void plmn_digit(struct tlv_io *io, char *d)
{
	uint8_t v = io->op == TLV_ENCODE ? (*d ? (uint8_t)(*d - '0') : 0xf) : 0;

	tlv_bits(io, NULL, 4, &v);
	if (io->op == TLV_ENCODE)
		return;
	*d = v == 0xf ? '\0' : (char)('0' + v);
	if (v > 9 && v < 0xf)
		tlv_bad(io, 0);
}

void tlv_plmn(struct tlv_io *io, const char *name, struct tlv_plmn *v)
{
	plmn_digit(io, &v->mcc[1]);
	plmn_digit(io, &v->mcc[0]);
	plmn_digit(io, &v->mnc[2]);
	plmn_digit(io, &v->mcc[2]);
	plmn_digit(io, &v->mnc[1]);
	plmn_digit(io, &v->mnc[0]);
	if (io->op == TLV_ENCODE)
		return;
	v->mcc[3] = v->mnc[3] = '\0';
	if (tlv_ok(io) && (strlen(v->mcc) != 3 || strlen(v->mnc) < 2))
		tlv_bad(io, 0);
	if (io->out && tlv_ok(io))
		ie_outf(io->out, " %s=%s-%s", name, v->mcc, v->mnc);
}

/* --- plain values --- */

void tlv_io_u8(struct tlv_io *io, void *v)
{
	tlv_u8(io, "v", v);
}

void tlv_io_u16(struct tlv_io *io, void *v)
{
	tlv_u16(io, "v", v);
}

void tlv_io_u32(struct tlv_io *io, void *v)
{
	tlv_u32(io, "v", v);
}

void tlv_io_u64(struct tlv_io *io, void *v)
{
	tlv_u64(io, "v", v);
}

static void low_bits(struct tlv_io *io, unsigned int n, uint8_t *v)
{
	tlv_spare(io, 8 - n);
	tlv_bits(io, "v", n, v);
}

void tlv_io_low2(struct tlv_io *io, void *v)
{
	low_bits(io, 2, v);
}

void tlv_io_low3(struct tlv_io *io, void *v)
{
	low_bits(io, 3, v);
}

void tlv_io_low4(struct tlv_io *io, void *v)
{
	low_bits(io, 4, v);
}

void tlv_io_low6(struct tlv_io *io, void *v)
{
	low_bits(io, 6, v);
}

void tlv_io_rest(struct tlv_io *io, void *v)
{
	tlv_rest(io, "v", v);
}

void tlv_io_text(struct tlv_io *io, void *v)
{
	tlv_text(io, "v", v);
}

void tlv_io_timer(struct tlv_io *io, void *v)
{
	struct tlv_timer *t = v;

	tlv_bits(io, "unit", 3, &t->unit);
	tlv_bits(io, "value", 5, &t->value);
}

uint64_t tlv_timer_usec(struct tlv_timer t)
{
	static const uint32_t unit_s[] = { 2, 60, 600, 3600, 36000, 60, 60, 0 };

	if (t.unit == 7)
		return UINT64_MAX;
	return (uint64_t)t.value * unit_s[t.unit & 7] * USEC_PER_SEC;
}
