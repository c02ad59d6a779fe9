// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The label of a session in the kernel: the subscriber, a space, and what the kernel does not know of a PFCP session, as
 * text of this form (version first; fields in any order, an unknown one is skipped; numbers in hex):
 *
 *   001010000000001 v1 n3 c1a2b3c@0a2e0005 te1234567 b1 p0 f0P0G2Rh01@ u1.2.e1234567.5a0.b40.0
 *
 *   n node (its number in the state file)   c CP F-SEID: SEID@address   t when it was made   b BAR ID
 *   o addresses that are out of our pools: 4, 6, 46   f FQ-CSID: octets (put_octets) of type and role, CSID, node
 *   q the same as former versions wrote it: role.type and node.CSID
 *   u URR: id.sequence number of the next report.start of its period.octets up.octets down.milliseconds reported, and, when
 *     a quota was given anew, what these three counters were then
 *
 * Times are seconds since 1900. The kernel's longest label is 255 octets: all but the URRs fits, whatever the values; URRs
 * that do not fit are left out, and start from nothing after a restart of ours.
 */
#include <arpa/inet.h>
#include <stdio.h>

#include "upf/upf.h"

#define CSID_OCTETS 19 /* the longest: type and role, CSID, IPv6 */
enum {
	SUBSCRIBER_MAX = sizeof(((struct upf_session *)NULL)->subscriber) - 1,
	HEAD_MAX = SUBSCRIBER_MAX + 32 +
		   sizeof(" v1 n01234567 c0123456789abcdef@ t01234567 b01 o46") - 1,
	CSID_MAX = 2 + (CSID_OCTETS * 8 + 5) / 6,
};
_Static_assert(HEAD_MAX + UPF_CSIDS_MAX * CSID_MAX <= UPF_LABEL_MAX, "FQ-CSIDs fit into a label");

/* Each gives the end back. An establishment writes a label: this is a fifth of what snprintf() takes. */
static char *put_text(char *at, const char *text)
{
	size_t n = strlen(text);

	memcpy(at, text, n);
	return at + n;
}

static char *put_hex(char *at, uint64_t v)
{
	int digits = 1;

	while (digits < 16 && v >> digits * 4)
		digits++;
	while (digits--)
		*at++ = "0123456789abcdef"[v >> digits * 4 & 15];
	return at;
}

/* Six bits a character, of the 64 that begin with '0'. */
static char *put_octets(char *at, const uint8_t *p, size_t n)
{
	unsigned int bits = 0, have = 0;

	for (size_t i = 0; i < n; i++) {
		bits = bits << 8 | p[i];
		for (have += 8; have >= 6; have -= 6)
			*at++ = (char)('0' + (bits >> (have - 6) & 63));
	}
	if (have)
		*at++ = (char)('0' + (bits << (6 - have) & 63));
	return at;
}

static int ip_hex(const struct in6_addr *a, char dst[33])
{
	if (IN6_IS_ADDR_V4MAPPED(a)) {
		hex_encode(&a->s6_addr[12], 4, dst);
		return 8;
	}
	hex_encode(a->s6_addr, 16, dst);
	return 32;
}

static size_t node_octets(uint8_t type)
{
	return type == 1 ? 16 : 4;
}

static char *put_csids(const struct upf_session *s, char *at)
{
	for (uint8_t i = 0; i < s->n_csids; i++) {
		const struct upf_csid *q = &s->csids[i];
		size_t n = node_octets(q->node_type);
		uint8_t all[CSID_OCTETS] = { (uint8_t)(q->node_type << 4 | (q->role & 15)),
					     (uint8_t)(q->csid >> 8), (uint8_t)q->csid };

		memcpy(&all[3], q->node, n);
		at = put_octets(put_text(at, " f"), all, 3 + n);
	}
	return at;
}

static void put_urrs(const struct upf_session *s, char *dst, size_t *n)
{
	char one[160];

	for (uint8_t i = 0; i < s->n_urrs; i++) {
		const struct upf_urr *r = &s->urrs[i];
		int len = snprintf(one, sizeof(one), " u%x.%x.%x.%llx.%llx.%llx", r->id, r->seqn,
				   r->start, (unsigned long long)r->ul, (unsigned long long)r->dl,
				   (unsigned long long)r->duration_ms);

		if (r->quota_ul || r->quota_dl || r->quota_ms)
			len += snprintf(one + len, sizeof(one) - (size_t)len, ".%llx.%llx.%llx",
					(unsigned long long)r->quota_ul,
					(unsigned long long)r->quota_dl,
					(unsigned long long)r->quota_ms);
		if (*n + (size_t)len > UPF_LABEL_MAX)
			return;
		memcpy(dst + *n, one, (size_t)len + 1);
		*n += (size_t)len;
	}
}

void upf_label_write(const struct upf_session *s, char dst[UPF_LABEL_MAX + 1])
{
	size_t n;
	char *at;

	/* HEAD_MAX and CSID_MAX: it fits. */
	at = put_text(dst, *s->subscriber ? s->subscriber : "-");
	at = put_hex(put_text(at, " v1 n"), s->node->index);
	at = put_text(put_hex(put_text(at, " c"), s->cp_seid), "@");
	at = put_text(at + ip_hex(&s->cp, at), " t");
	at = put_hex(at, s->created);
	if (s->has_bar)
		at = put_hex(put_text(at, " b"), s->bar);
	if (s->own_ue4 || s->own_ue6)
		at = put_text(put_text(put_text(at, " o"), s->own_ue4 ? "4" : ""),
			      s->own_ue6 ? "6" : "");
	at = put_csids(s, at);
	*at = '\0';
	n = (size_t)(at - dst);
	put_urrs(s, dst, &n);
}

/* --- reading --- */

/* A number in hex at *p, which ends up behind it; one of the two ends it. */
static bool number(const char **p, uint64_t *ret)
{
	char *end;

	if (!**p || strchr(" .@-+", **p))
		return false;
	*ret = strtoull(*p, &end, 16);
	if (end == *p)
		return false;
	*p = end;
	return true;
}

static bool next_number(const char **p, char sep, uint64_t *ret)
{
	if (**p != sep)
		return false;
	++*p;
	return number(p, ret);
}

static bool read_cp(const char *p, struct upf_session *s)
{
	uint8_t a[16];
	size_t n;

	if (!number(&p, &s->cp_seid) || *p++ != '@')
		return false;
	n = strlen(p);
	memset(&s->cp, 0, sizeof(s->cp));
	if (n != 8 && n != 32)
		return false;
	if (hex_decode((struct str){ p, n }, a, sizeof(a)) < 0)
		return false;
	if (n == 32) {
		memcpy(&s->cp, a, 16);
		return true;
	}
	s->cp.s6_addr[10] = s->cp.s6_addr[11] = 0xff;
	memcpy(&s->cp.s6_addr[12], a, 4);
	return true;
}

/* What put_octets() wrote: how many, -1: it did not, or more than n. */
static int read_octets(const char *p, uint8_t *dst, size_t n)
{
	unsigned int bits = 0, have = 0;
	size_t got = 0;

	for (; *p; p++) {
		if (*p < '0' || *p >= '0' + 64)
			return -1;
		bits = bits << 6 | (unsigned int)(*p - '0');
		have += 6;
		if (have < 8)
			continue;
		if (got == n)
			return -1;
		have -= 8;
		dst[got++] = (uint8_t)(bits >> have);
	}
	return (int)got;
}

static bool read_csid(const char *p, struct upf_session *s)
{
	uint8_t all[CSID_OCTETS];
	int n = read_octets(p, all, sizeof(all));
	struct upf_csid q;

	if (n < 3 || all[0] >> 4 > 2 || n != 3 + (int)node_octets(all[0] >> 4))
		return false;
	q = (struct upf_csid){ .node_type = all[0] >> 4,
			       .role = all[0] & 15,
			       .csid = (uint16_t)(all[1] << 8 | all[2]) };
	memcpy(q.node, &all[3], (size_t)n - 3);
	return !upf_csid_add(s, &q);
}

static bool read_former_csid(const char *p, struct upf_session *s)
{
	struct upf_csid q = { 0 };
	uint64_t role, csid;
	size_t n;

	if (!number(&p, &role) || *p++ != '.' || *p < '0' || *p > '2')
		return false;
	q.role = (uint8_t)role;
	q.node_type = (uint8_t)(*p++ - '0');
	n = node_octets(q.node_type) * 2;
	if (strlen(p) < n + 2 || hex_decode((struct str){ p, n }, q.node, sizeof(q.node)) < 0)
		return false;
	p += n;
	if (!next_number(&p, '.', &csid))
		return false;
	q.csid = (uint16_t)csid;
	return !upf_csid_add(s, &q);
}

static bool read_urr(const char *p, struct upf_session *s)
{
	uint64_t v[9] = { 0 };
	struct upf_urr *r;

	if (!number(&p, &v[0]))
		return false;
	for (int i = 1; i < 6; i++)
		if (!next_number(&p, '.', &v[i]))
			return false;
	for (int i = 6; i < 9 && *p; i++)
		if (!next_number(&p, '.', &v[i]))
			return false;
	r = upf_urr_get(s, (uint32_t)v[0], true);
	if (!r)
		return false;
	*r = (struct upf_urr){ .id = (uint32_t)v[0],
			       .seqn = (uint32_t)v[1],
			       .start = (uint32_t)v[2],
			       .ul = v[3],
			       .dl = v[4],
			       .duration_ms = v[5],
			       .quota_ul = v[6],
			       .quota_dl = v[7],
			       .quota_ms = v[8] };
	return true;
}

static bool read_field(const char *p, struct upf_session *s, uint32_t *ret_node)
{
	uint64_t v = 0;
	const char *at = p + 1;

	switch (*p) {
	case 'n':
		if (!number(&at, &v))
			return false;
		*ret_node = (uint32_t)v;
		return true;
	case 'c':
		return read_cp(at, s);
	case 't':
		if (!number(&at, &v))
			return false;
		s->created = (uint32_t)v;
		return true;
	case 'b':
		if (!number(&at, &v))
			return false;
		s->has_bar = true;
		s->bar = (uint8_t)v;
		return true;
	case 'o':
		s->own_ue4 = strchr(at, '4');
		s->own_ue6 = strchr(at, '6');
		return true;
	case 'f':
		return read_csid(at, s);
	case 'q':
		return read_former_csid(at, s);
	case 'u':
		return read_urr(at, s);
	}
	return true;
}

int upf_label_read(struct upf_session *s, const char *text, uint32_t *ret_node)
{
	struct str rest = str_of(text), one;
	char field[UPF_LABEL_MAX + 1];

	*ret_node = 0;
	if (!str_split(&rest, ' ', &one) || str_copy(s->subscriber, sizeof(s->subscriber), one) ||
	    !str_split(&rest, ' ', &one) || !str_eqz(one, "v1"))
		return -EBADMSG;
	if (!strcmp(s->subscriber, "-"))
		*s->subscriber = '\0';
	while (str_split(&rest, ' ', &one))
		if (str_copy(field, sizeof(field), one) || !read_field(field, s, ret_node))
			return -EBADMSG;
	return *ret_node ? 0 : -EBADMSG;
}
