// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * User location of the network (3GPP-User-Location-Info, TS 29.061 16.4.7.2, coded as in TS 29.274 8.21; 3GPP-MS-TimeZone) as
 * P-Access-Network-Info (TS 24.229 7.2A.4, RFC 7315 5.4); access charging identifiers as
 * access-network-charging-info (TS 24.229 7.2A.5).
 *
 * Invariant: only digits that were decoded here, hexadecimal digits and addresses that were parsed
 * get into a header field.
 */
#include <arpa/inet.h>

#include "pcscf/pcscf.h"

/* TS 29.061 16.4.7.2. */
enum { ULI_CGI = 0, ULI_SAI = 1, ULI_TAI_ECGI = 130, ULI_5GS_TAI_NCGI = 137 };

/* --- location --- */

/* MCC and MNC of TS 24.008 10.5.1.13; false: no digits. */
static bool plmn(const uint8_t o[3], char dst[7])
{
	const uint8_t d[6] = { o[0] & 15, o[0] >> 4, o[1] & 15, o[2] & 15, o[2] >> 4, o[1] >> 4 };
	int n = d[5] == 15 ? 5 : 6;

	for (int i = 0; i < n; i++) {
		if (d[i] > 9)
			return false;
		dst[i] = (char)('0' + d[i]);
	}
	dst[n] = 0;
	return true;
}

static uint64_t number(const uint8_t *p, size_t n)
{
	uint64_t v = 0;

	while (n--)
		v = v << 8 | *p++;
	return v;
}

static int cell_eutran(const struct access *a, char *dst, size_t size)
{
	const uint8_t *p = a->uli + 1;
	char net[7];

	if (a->n_uli < 13 || !plmn(p + 5, net))
		return 0;
	return snprintf(dst, size, ";utran-cell-id-3gpp=%s%04llX%07llX", net,
			(unsigned long long)number(p + 3, 2),
			(unsigned long long)number(p + 8, 4) & 0xfffffff);
}

static int cell_nr(const struct access *a, char *dst, size_t size)
{
	const uint8_t *p = a->uli + 1;
	char net[7];

	if (a->n_uli < 15 || !plmn(p + 6, net))
		return 0;
	return snprintf(dst, size, ";utran-cell-id-3gpp=%s%06llX%09llX", net,
			(unsigned long long)number(p + 3, 3),
			(unsigned long long)number(p + 9, 5) & 0xfffffffff);
}

/* CGI and SAI: both are PLMN, LAC and two octets. */
static int cell_old(const struct access *a, const char *name, char *dst, size_t size)
{
	const uint8_t *p = a->uli + 1;
	char net[7];

	if (a->n_uli < 8 || !plmn(p, net))
		return 0;
	return snprintf(dst, size, ";%s=%s%04llX%04llX", name, net,
			(unsigned long long)number(p + 3, 2), (unsigned long long)number(p + 5, 2));
}

static int cell(const struct access *a, char *dst, size_t size)
{
	*dst = 0;
	if (!a->n_uli)
		return 0;
	switch (a->uli[0]) {
	case ULI_TAI_ECGI:
		return cell_eutran(a, dst, size);
	case ULI_5GS_TAI_NCGI:
		return cell_nr(a, dst, size);
	case ULI_CGI:
		return cell_old(a, "cgi-3gpp", dst, size);
	case ULI_SAI:
		return cell_old(a, "utran-sai-3gpp", dst, size);
	}
	return 0;
}

/* An access-class where duplex mode or band are not told (TS 24.229 7.2A.4.2). */
static const char *class_of(const struct access *a)
{
	switch (a->rat) {
	case PCC_RAT_WLAN:
		return "IEEE-802.11";
	case PCC_RAT_UTRAN:
		return "3GPP-UTRAN";
	case PCC_RAT_EUTRAN:
		return "3GPP-E-UTRAN";
	case PCC_RAT_NR:
		return "3GPP-NR";
	}
	switch (a->n_uli ? a->uli[0] : -1) {
	case ULI_TAI_ECGI:
		return "3GPP-E-UTRAN";
	case ULI_5GS_TAI_NCGI:
		return "3GPP-NR";
	case ULI_SAI:
		return "3GPP-UTRAN";
	case ULI_CGI:
		return "3GPP-GERAN";
	}
	return NULL;
}

/* TS 23.040 9.2.3.11: quarters of an hour, digits swapped, sign in bit 4; daylight saving in the next octet. */
static int zone(const struct access *a, char *dst, size_t size)
{
	uint8_t o = a->timezone[0];
	int quarters = (o & 7) * 10 + (o >> 4);

	*dst = 0;
	if (a->n_timezone < 2 || o >> 4 > 9 || quarters > 79)
		return 0;
	return snprintf(dst, size,
			";local-time-zone=\"UTC%c%02d:%02d\";daylight-saving-time=\"%02d\"",
			o & 8 ? '-' : '+', quarters / 4, quarters % 4 * 15, a->timezone[1] & 3);
}

char *access_pani(const struct access *a, char *dst, size_t size)
{
	const char *class = class_of(a);
	char where[80], when[80];

	*dst = 0;
	if (!class)
		return dst;
	cell(a, where, sizeof(where));
	zone(a, when, sizeof(when));
	if ((size_t)snprintf(dst, size, "%s%s%s%s%s%s;network-provided", class, where,
			     *a->local_ip ? ";UE-local-IP-address=\"" : "", a->local_ip,
			     *a->local_ip ? "\"" : "", when) >= size)
		*dst = 0;
	return dst;
}

/* --- what the PCRF says --- */

static void set_octets(uint8_t *dst, size_t size, uint8_t *n, struct str v)
{
	if (!v.p || v.n > size)
		return;
	memcpy(dst, v.p, v.n);
	*n = (uint8_t)v.n;
}

static void set_local_ip(struct access *a, struct str v)
{
	const uint8_t *p = (const uint8_t *)v.p;

	if (v.n == 6 && p[1] == 1)
		inet_ntop(AF_INET, p + 2, a->local_ip, sizeof(a->local_ip));
	else if (v.n == 18 && p[1] == 2)
		inet_ntop(AF_INET6, p + 2, a->local_ip, sizeof(a->local_ip));
}

static void take(struct reg *r, int ip_can, int rat, const struct pcc_location *l)
{
	struct access *a = r->access;

	if (ip_can < 0 && rat < 0 && !l->uli.p && !l->timezone.p)
		return;
	if (!a) {
		a = r->access = calloc(1, sizeof(*a));
		if (!a)
			return;
		a->ip_can = a->rat = -1;
	}
	if (rat >= 0 && rat != a->rat) { /* where it was there says nothing of where it is here */
		a->n_uli = 0;
		a->local_ip[0] = 0;
	}
	a->ip_can = ip_can >= 0 ? ip_can : a->ip_can;
	a->rat = rat >= 0 ? rat : a->rat;
	set_octets(a->uli, sizeof(a->uli), &a->n_uli, l->uli);
	set_octets(a->timezone, sizeof(a->timezone), &a->n_timezone, l->timezone);
	if (l->ue_local_ip.p)
		set_local_ip(a, l->ue_local_ip);
	persist_reg(r);
}

/* --- charging --- */

/* "({1,1},{1,2})"; all flows of the call when none is named: then nothing. */
static size_t put_flows(const struct pcc_charging_id *c, char *dst, size_t size)
{
	size_t n = 0;

	for (size_t i = 0; i < c->n_flows; i++)
		for (size_t k = 0; k < c->flows[i].n_number && n < size; k++)
			n += (size_t)snprintf(dst + n, size - n, "%s{%u,%u}",
					      n ? "," : ";flow-id=(", c->flows[i].component,
					      c->flows[i].number[k]);
	if (n && n + 2 < size)
		n += (size_t)snprintf(dst + n, size - n, ")");
	else
		n = 0;
	dst[n] = 0;
	return n;
}

static void take_charging(struct session *s, const struct pcc_charging_id *c, size_t n,
			  struct str address)
{
	const uint8_t *p = (const uint8_t *)address.p;
	char gw[48] = "", hex[65], flows[128], text[320];

	if (!s || !n || !c->value.n || c->value.n > 32)
		return;
	if (address.n == 6 && p[1] == 1)
		inet_ntop(AF_INET, p + 2, gw, sizeof(gw));
	hex_encode((const uint8_t *)c->value.p, c->value.n, hex);
	put_flows(c, flows, sizeof(flows));
	snprintf(text, sizeof(text), "%s%s;eps-info=\"eps-item=1;eps-sig=no;ecid=%s%s\"",
		 *gw ? ";pdngw=" : "", gw, hex, flows);
	free(s->rx.charging);
	s->rx.charging = strdup(text);
}

void access_from_aaa(struct reg *r, struct session *s, const struct rx_aaa *a)
{
	take(r, a->ip_can_type, a->rat_type, &a->location);
	take_charging(s, a->charging_id, a->n_charging_id, a->charging_address);
}

void access_from_rar(struct reg *r, struct session *s, const struct rx_rar *a)
{
	take(r, a->ip_can_type, a->rat_type, &a->location);
	take_charging(s, a->charging_id, a->n_charging_id, a->charging_address);
}

/* --- into messages --- */

/* The UE's own words, without what is not its to say; -E2BIG leaves none. */
static int own_words(const struct sip_msg *m, char *dst, size_t size, bool *ret_changed)
{
	struct sip_elem e = { 0 };
	size_t n = 0;

	*dst = 0;
	*ret_changed = false;
	while (sip_msg_next_elem(m, SIP_H_P_ACCESS_NETWORK_INFO, &e)) {
		int k;

		if (sip_param(e.text, "network-provided", NULL)) {
			*ret_changed = true;
			continue;
		}
		k = snprintf(dst + n, size - n, "%s%.*s", n ? ", " : "", STR_FMT(e.text));
		if (k < 0 || (size_t)k >= size - n) {
			*dst = 0;
			*ret_changed = true;
			return 0;
		}
		n += (size_t)k;
	}
	return (int)n;
}

int access_stamp(const struct reg *r, struct sip_msg *m)
{
	char own[1024], net[320];
	bool changed;
	int n = own_words(m, own, sizeof(own), &changed), e = 0;

	if (changed)
		sip_msg_remove(m, SIP_H_P_ACCESS_NETWORK_INFO);
	if (changed && n)
		e = sip_msg_add(m, SIP_H_P_ACCESS_NETWORK_INFO, "%s", own);
	if (e < 0 || !r || !r->access || !*access_pani(r->access, net, sizeof(net)))
		return e;
	return sip_msg_add(m, SIP_H_P_ACCESS_NETWORK_INFO, "%s", net);
}
