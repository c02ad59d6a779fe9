// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Traffic flow templates of bearers (TS 24.008 10.5.6.12, TS 23.060 15.3, TS 24.301 6.4.2.4): operations on
 * them, and which bearer a packet belongs to.
 */
#include <arpa/inet.h>
#include <stdio.h>

#include "sgw.h"

/* --- operations --- */

static int find(const struct nas_filter *f, uint8_t n, uint8_t id)
{
	for (uint8_t i = 0; i < n; i++)
		if (f[i].id == id)
			return i;
	return -1;
}

static uint8_t put(struct bearer *b, const struct nas_tft *t, bool replace)
{
	for (uint8_t i = 0; i < t->n_filter; i++) {
		int at = find(b->filter, b->n_filter, t->filter[i].id);

		if (at < 0 && b->n_filter == NAS_FILTERS_MAX)
			return S5_TFT_SEMANTIC;
		if (at < 0)
			at = b->n_filter++;
		else if (!replace)
			return S5_FILTER_SEMANTIC; /* 24.301 6.4.2.4: identical identifiers */
		b->filter[at] = t->filter[i];
	}
	return 0;
}

static uint8_t drop(struct bearer *b, const struct nas_tft *t)
{
	for (uint8_t i = 0; i < t->n_filter; i++) {
		int at = find(b->filter, b->n_filter, t->filter[i].id);

		if (at < 0)
			return S5_FILTER_SYNTACTIC;
		b->filter[at] = b->filter[--b->n_filter];
	}
	return 0;
}

uint8_t tft_apply(struct bearer *b, const struct nas_tft *t)
{
	struct bearer was = *b;
	uint8_t cause = 0;

	switch (t->op) {
	case NAS_TFT_CREATE:
		if (!t->n_filter)
			return S5_TFT_SYNTACTIC;
		b->n_filter = 0;
		cause = put(b, t, false);
		break;
	case NAS_TFT_DELETE:
		b->n_filter = 0;
		break;
	case NAS_TFT_ADD:
		cause = t->n_filter ? put(b, t, true) : S5_TFT_SYNTACTIC;
		break;
	case NAS_TFT_REPLACE:
		cause = t->n_filter ? put(b, t, true) : S5_TFT_SYNTACTIC;
		break;
	case NAS_TFT_DELETE_FILTERS:
		cause = t->n_filter ? drop(b, t) : S5_TFT_SYNTACTIC;
		break;
	case NAS_TFT_NO_OP:
		break;
	default:
		cause = S5_TFT_SYNTACTIC;
	}
	if (cause)
		*b = was;
	return cause;
}

/* --- matching --- */

static bool in4(struct in_addr a, struct in_addr net, struct in_addr mask)
{
	return !((a.s_addr ^ net.s_addr) & mask.s_addr);
}

static bool in6(const struct in6_addr *a, const struct in6_addr *net, uint8_t bits)
{
	for (unsigned int i = 0; i < 16 && i * 8 < bits; i++) {
		uint8_t mask = bits - i * 8 >= 8 ? 0xff : (uint8_t)(0xff << (8 - (bits - i * 8)));

		if ((a->s6_addr[i] ^ net->s6_addr[i]) & mask)
			return false;
	}
	return true;
}

static struct in_addr ip4(const union sip_sa *a)
{
	return ((const struct sockaddr_in *)&a->sa)->sin_addr;
}

static const struct in6_addr *ip6(const union sip_sa *a)
{
	return &((const struct sockaddr_in6 *)&a->sa)->sin6_addr;
}

static bool addresses_match(const struct nas_filter *f, const struct tft_packet *p)
{
	if (p->local.sa.sa_family == AF_INET) {
		if (f->has & (NAS_REMOTE6 | NAS_LOCAL6))
			return false;
		return (!(f->has & NAS_REMOTE4) ||
			in4(ip4(&p->remote), f->remote4, f->remote4_mask)) &&
		       (!(f->has & NAS_LOCAL4) || in4(ip4(&p->local), f->local4, f->local4_mask));
	}
	if (f->has & (NAS_REMOTE4 | NAS_LOCAL4))
		return false;
	return (!(f->has & NAS_REMOTE6) || in6(ip6(&p->remote), &f->remote6, f->remote6_bits)) &&
	       (!(f->has & NAS_LOCAL6) || in6(ip6(&p->local), &f->local6, f->local6_bits));
}

static bool port_in(uint16_t port, uint16_t low, uint16_t high)
{
	return port >= low && port <= high;
}

bool tft_matches(const struct nas_filter *f, const struct tft_packet *p)
{
	uint8_t not = p->uplink ? NAS_DIR_DL : NAS_DIR_UL;

	if (f->dir == not || !addresses_match(f, p))
		return false;
	if (f->has & (NAS_SPI | NAS_TOS | NAS_FLOW_LABEL)) /* what we send has none of these */
		return false;
	return (!(f->has & NAS_PROTO) || f->proto == p->proto) &&
	       (!(f->has & NAS_LOCAL_PORT) ||
		port_in(sip_sa_port(&p->local), f->local_low, f->local_high)) &&
	       (!(f->has & NAS_REMOTE_PORT) ||
		port_in(sip_sa_port(&p->remote), f->remote_low, f->remote_high));
}

const struct bearer *tft_bearer(const struct bearer *all, size_t n, const struct tft_packet *p)
{
	const struct bearer *best = n && all[0].ebi ? &all[0] : NULL;
	int precedence = 256;

	for (size_t i = 0; i < n; i++) {
		for (uint8_t k = 0; all[i].ebi && k < all[i].n_filter; k++) {
			const struct nas_filter *f = &all[i].filter[k];

			if (f->precedence < precedence && tft_matches(f, p)) {
				precedence = f->precedence;
				best = &all[i];
			}
		}
	}
	return best;
}

/* --- text --- */

static void add(char *dst, size_t size, const char *fmt, ...) _printf_(3, 4);

static void add(char *dst, size_t size, const char *fmt, ...)
{
	size_t n = strlen(dst);
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(dst + n, size - n, fmt, ap);
	va_end(ap);
}

static void add_ports(char *dst, size_t size, const char *what, uint16_t low, uint16_t high)
{
	add(dst, size, low == high ? " %s %u" : " %s %u-%u", what, low, high);
}

char *tft_str(const struct nas_filter *f, char *dst, size_t size)
{
	static const char *const dirs[] = { "both", "down", "up", "both" };
	char a[INET6_ADDRSTRLEN];

	snprintf(dst, size, "%u: %s precedence %u", f->id, dirs[f->dir & 3], f->precedence);
	if (f->has & NAS_PROTO)
		add(dst, size, " proto %u", f->proto);
	if (f->has & NAS_REMOTE4)
		add(dst, size, " remote %s", inet_ntop(AF_INET, &f->remote4, a, sizeof(a)));
	if (f->has & NAS_REMOTE6)
		add(dst, size, " remote %s/%u", inet_ntop(AF_INET6, &f->remote6, a, sizeof(a)),
		    f->remote6_bits);
	if (f->has & NAS_REMOTE_PORT)
		add_ports(dst, size, "port", f->remote_low, f->remote_high);
	if (f->has & NAS_LOCAL4)
		add(dst, size, " own %s", inet_ntop(AF_INET, &f->local4, a, sizeof(a)));
	if (f->has & NAS_LOCAL6)
		add(dst, size, " own %s/%u", inet_ntop(AF_INET6, &f->local6, a, sizeof(a)),
		    f->local6_bits);
	if (f->has & NAS_LOCAL_PORT)
		add_ports(dst, size, "own port", f->local_low, f->local_high);
	return dst;
}
