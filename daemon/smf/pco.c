// SPDX-License-Identifier: GPL-2.0-or-later
/* Protocol configuration options; see pco.h. */
#include "smf/pco.h"

enum { PPP_REQUEST = 1, PPP_ACK = 2, PPP_NAK = 3, PPP_REJECT = 4 };
enum { CHAP_RESPONSE = 2, CHAP_SUCCESS = 3 };
enum { BCM_MS_NW = 2 };

static uint16_t asked_by(uint16_t id)
{
	switch (id) {
	case NAS_PCO_PCSCF4:
		return SMF_ASK_PCSCF4;
	case NAS_PCO_PCSCF6:
		return SMF_ASK_PCSCF6;
	case NAS_PCO_DNS4:
		return SMF_ASK_DNS4;
	case NAS_PCO_DNS6:
		return SMF_ASK_DNS6;
	case NAS_PCO_IPV4_MTU:
		return SMF_ASK_MTU;
	case NAS_PCO_BEARER_CONTROL:
		return SMF_ASK_BCM;
	case NAS_PCO_PCSCF_RESELECTION:
		return SMF_ASK_RESELECTION;
	}
	return 0;
}

static void read_ipcp(struct smf_pco *p, struct str v)
{
	struct nas_ipcp i;

	if (nas_ipcp_decode(v, &i) || i.code != PPP_REQUEST)
		return;
	p->asked |= SMF_ASK_IPCP;
	p->ipcp_id = i.id;
	p->ipcp_addr = i.has_addr;
	p->ipcp_dns1 = i.has_dns1;
	p->ipcp_dns2 = i.has_dns2;
}

/* PAP (RFC 1334) and CHAP (RFC 1994): anything is right, who the user is says the SIM. */
static void read_auth(struct smf_pco *p, uint16_t id, struct str v)
{
	uint8_t code = v.n < 4 ? 0 : (uint8_t)v.p[0];

	if (id == NAS_PCO_PAP && code == PPP_REQUEST) {
		p->asked |= SMF_ASK_PAP;
		p->pap_id = (uint8_t)v.p[1];
	} else if (id == NAS_PCO_CHAP && code == CHAP_RESPONSE) {
		p->asked |= SMF_ASK_CHAP;
		p->chap_id = (uint8_t)v.p[1];
	}
}

void smf_pco_read(struct smf_pco *p, enum smf_pco_container c, const struct nas_pco *in)
{
	p->container |= (uint8_t)c;
	for (size_t i = 0; i < in->n; i++) {
		p->asked |= asked_by(in->opt[i].id);
		if (in->opt[i].id == NAS_PCO_IPCP)
			read_ipcp(p, in->opt[i].v);
		else
			read_auth(p, in->opt[i].id, in->opt[i].v);
	}
}

struct room {
	uint8_t *p;
	size_t n;
};

static void put(struct nas_pco *out, struct room *r, uint16_t id, const void *v, size_t n)
{
	if (r->n + n > SMF_PCO_ROOM)
		return;
	memcpy(r->p + r->n, v, n);
	nas_pco_add(out, id, r->p + r->n, n);
	r->n += n;
}

static const struct in_addr *dns4(const struct smf_apn *a, size_t i)
{
	return i < a->n_dns4 ? &a->dns4[i] : NULL;
}

/*
 * Configure-Nak with the right values. A phone asks once and for two DNS servers, so one that there is
 * none for is left out; only when there is none at all they are rejected (RFC 1332, RFC 1877).
 */
static void put_ipcp(const struct smf_pco *p, const struct smf_apn *apn, struct in_addr ue,
		     struct nas_pco *out, struct room *r)
{
	const struct in_addr *one = dns4(apn, 0), *two = dns4(apn, 1);
	bool none = !one && !p->ipcp_addr;
	struct nas_ipcp i = { .code = none ? PPP_REJECT : PPP_NAK, .id = p->ipcp_id };
	uint8_t buf[22];

	i.has_addr = p->ipcp_addr;
	i.has_dns1 = p->ipcp_dns1 && (none || one);
	i.has_dns2 = p->ipcp_dns2 && (none || two);
	i.addr = ue;
	i.dns1 = one ? *one : (struct in_addr){ 0 };
	i.dns2 = two ? *two : (struct in_addr){ 0 };
	if (!i.has_addr && !i.has_dns1 && !i.has_dns2)
		i.code = PPP_ACK;
	put(out, r, NAS_PCO_IPCP, buf, nas_ipcp_encode(&i, buf));
}

static void put_auth(const struct smf_pco *p, struct nas_pco *out, struct room *r)
{
	const uint8_t pap[] = { PPP_ACK, p->pap_id, 0, 5, 0 };
	const uint8_t chap[] = { CHAP_SUCCESS, p->chap_id, 0, 4 };

	if (p->asked & SMF_ASK_PAP)
		put(out, r, NAS_PCO_PAP, pap, sizeof(pap));
	if (p->asked & SMF_ASK_CHAP)
		put(out, r, NAS_PCO_CHAP, chap, sizeof(chap));
}

/* Lists of servers are the APN's own memory. */
static void put4(struct nas_pco *out, uint16_t id, const struct in_addr *a, size_t n)
{
	for (size_t i = 0; i < n; i++)
		nas_pco_add(out, id, &a[i], sizeof(*a));
}

static void put6(struct nas_pco *out, uint16_t id, const struct in6_addr *a, size_t n)
{
	for (size_t i = 0; i < n; i++)
		nas_pco_add(out, id, &a[i], sizeof(*a));
}

void smf_pco_write(const struct smf_pco *p, const struct smf_apn *apn, bool v4, bool v6,
		   struct in_addr ue, uint8_t buf[SMF_PCO_ROOM], struct nas_pco *ret)
{
	const uint8_t mtu[] = { (uint8_t)(apn->mtu >> 8), (uint8_t)apn->mtu }, bcm = BCM_MS_NW;
	struct room r = { .p = buf };

	memset(ret, 0, sizeof(*ret));
	if (p->asked & SMF_ASK_IPCP && v4)
		put_ipcp(p, apn, ue, ret, &r);
	put_auth(p, ret, &r);
	if (p->asked & SMF_ASK_PCSCF4 && v4)
		put4(ret, NAS_PCO_PCSCF4, apn->pcscf4, apn->n_pcscf4);
	if (p->asked & SMF_ASK_PCSCF6 && v6)
		put6(ret, NAS_PCO_PCSCF6, apn->pcscf6, apn->n_pcscf6);
	if (p->asked & SMF_ASK_DNS4 && v4)
		put4(ret, NAS_PCO_DNS4, apn->dns4, apn->n_dns4);
	if (p->asked & SMF_ASK_DNS6 && v6)
		put6(ret, NAS_PCO_DNS6, apn->dns6, apn->n_dns6);
	if (p->asked & SMF_ASK_MTU && v4 && apn->mtu)
		put(ret, &r, NAS_PCO_IPV4_MTU, mtu, sizeof(mtu));
	if (p->asked & SMF_ASK_BCM)
		put(ret, &r, NAS_PCO_BEARER_CONTROL, &bcm, 1);
}
