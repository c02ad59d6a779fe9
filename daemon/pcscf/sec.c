// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Security mechanism agreement on Gm.
 *
 * TS 24.229 5.2.2.2 (what a protected REGISTER must repeat), TS 33.203 7.2 (SM1, SM6, SM7), annex H
 * (ipsec-3gpp), RFC 3329. Invariant: what was offered for a set is a function of the
 * configuration and the set, so that nothing of it needs to be stored.
 */
#include "pcscf/pcscf.h"

/* Pairs of one integrity algorithm with all that go with it. */
static int add_pairs(struct sec_policy *pol, struct str a, const char *ealgs)
{
	struct str rest = str_of(ealgs), e;
	enum sec_ealg ealg;
	enum sec_alg alg;

	if (sec_alg_parse(a, &alg))
		return -EINVAL;
	while (str_split(&rest, ' ', &e)) {
		if (!e.n)
			continue;
		if (sec_ealg_parse(e, &ealg))
			return -EINVAL;
		if (!sec_is_pair(alg, ealg))
			continue;
		if (pol->n == SEC_POLICY_MAX)
			return -EINVAL;
		pol->m[pol->n].alg = alg;
		pol->m[pol->n++].ealg = ealg;
	}
	return 0;
}

int sec_policy_read(const char *algs, const char *ealgs, struct sec_policy *ret)
{
	struct sec_policy pol = { 0 };
	struct str rest = str_of(algs), a;

	while (str_split(&rest, ' ', &a))
		if (a.n && add_pairs(&pol, a, ealgs) < 0)
			return -EINVAL;
	if (!pol.n)
		return -EINVAL;
	*ret = pol;
	return 0;
}

static const struct sec_mech *choose(const struct sec_policy *pol, const struct sec_list *client,
				     bool udp_tunnel)
{
	for (size_t i = 0; i < pol->n; i++)
		for (size_t j = 0; j < client->n; j++) {
			const struct sec_mech *m = &client->m[j];

			if (m->ipsec_3gpp && m->known && m->udp_tunnel == udp_tunnel &&
			    m->alg == pol->m[i].alg && m->ealg == pol->m[i].ealg)
				return m;
		}
	return NULL;
}

const struct sec_mech *sec_choose(const struct sec_policy *pol, const struct sec_list *client,
				  bool nat)
{
	const struct sec_mech *m = nat ? choose(pol, client, true) : NULL;

	return m ? m : choose(pol, client, false);
}

void sec_offer(const struct sec_policy *pol, const struct sa_set *s, struct sec_list *ret)
{
	ret->n = 0;
	for (size_t i = 0; i < pol->n; i++)
		ret->m[ret->n++] = (struct sec_mech){
			.ipsec_3gpp = true,
			.alg = pol->m[i].alg,
			.ealg = pol->m[i].ealg,
			.esp = true,
			.transport = !s->nat,
			.udp_tunnel = s->nat,
			.known = true,
			.spi_c = s->spi_pc,
			.spi_s = s->spi_ps,
			.port_c = s->port_pc,
			.port_s = s->port_ps,
			.q_milli = (uint32_t)(1000 * (pol->n - i) / pol->n),
		};
}

int sec_add_server(const struct sec_policy *pol, const struct sa_set *s, struct sip_msg *resp)
{
	char line[SEC_POLICY_MAX * 160];
	struct sec_list l;
	size_t at = 0;

	sec_offer(pol, s, &l);
	for (size_t i = 0; i < l.n; i++) {
		int r;

		if (i && at + 3 < sizeof(line)) {
			memcpy(line + at, ", ", 3);
			at += 2;
		}
		r = sec_mech_write(&l.m[i], line + at, sizeof(line) - at);
		if (r < 0)
			return r;
		at += strlen(line + at);
	}
	sip_msg_remove(resp, SIP_H_SECURITY_SERVER);
	return sip_msg_add(resp, SIP_H_SECURITY_SERVER, "%s", line);
}

const char *sec_verify(const struct sec_policy *pol, const struct sa_set *s,
		       const struct sip_msg *m)
{
	struct sec_list offered, got;
	int r;

	r = sec_list_read(m, SIP_H_SECURITY_VERIFY, &got);
	if (r == -ENOENT)
		return "Security-Verify is missing";
	if (r < 0)
		return "Security-Verify is malformed";
	sec_offer(pol, s, &offered);
	if (!sec_list_equal(&offered, &got))
		return "Security-Verify is not the Security-Server that was sent";
	if (s->role != SA_TEMP || !s->client)
		return NULL;
	r = sec_list_read(m, SIP_H_SECURITY_CLIENT, &got);
	if (r == -ENOENT)
		return "Security-Client is missing";
	if (r < 0 || !sec_list_equal(s->client, &got))
		return "Security-Client is not the one that was challenged";
	return NULL;
}

void sec_strip(struct sip_msg *m)
{
	sip_msg_remove(m, SIP_H_SECURITY_CLIENT);
	sip_msg_remove(m, SIP_H_SECURITY_VERIFY);
	sip_msg_remove_token(m, SIP_H_REQUIRE, "sec-agree");
	sip_msg_remove_token(m, SIP_H_PROXY_REQUIRE, "sec-agree");
	sip_msg_remove_token(m, SIP_H_SUPPORTED, "sec-agree");
}

struct sec_list *sec_list_dup(const struct sec_list *l)
{
	size_t size = offsetof(struct sec_list, m) + l->n * sizeof(l->m[0]);
	struct sec_list *d = malloc(size);

	if (d)
		memcpy(d, l, size);
	return d;
}
