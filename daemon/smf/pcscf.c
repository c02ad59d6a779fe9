// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Another P-CSCF for phones that are attached (TS 23.380 5.2 to 5.4; TS 24.229 B.2.2.1C; TS 29.274 7.2.15): the list of
 * P-CSCFs goes to the UE in an Update Bearer Request for its default bearer. A UE that cannot be told (without 0012H in
 * its PCO, TS 24.008 10.5.6.3) loses the PDN connection and is asked to attach again.
 *
 * Why: an address that phones were told left the configuration (SIGHUP); the PCRF (PCSCF-Restoration-Indication) or the
 * HSS by way of the MME (PCRI of a Modify Bearer Request) says that the UE's P-CSCF is gone.
 */
#include "lib/core/log.h"
#include "lib/core/metrics.h"
#include "smf/smf.h"

METRIC_COUNTER(m_restored, "kims_smf_pcscf_restorations_total",
	       "Phones that were to take another P-CSCF");

void smf_pcscf_metrics(void)
{
	metric_register(&m_restored);
}

void smf_pcscf_restore(struct smf_pdn *p)
{
	if (p->fsm.state != SMF_PDN_ACTIVE || !(p->pco.asked & (SMF_ASK_PCSCF4 | SMF_ASK_PCSCF6)))
		return;
	metric_inc(&m_restored);
	if (!(p->pco.asked & SMF_ASK_RESELECTION)) {
		smf_pdn_release(p, S5_REACTIVATION_REQUESTED);
		return;
	}
	p->pcscf_due = true;
	smf_bearers_apply(p);
	smf_pdn_changed(p);
}

void smf_pcscf_put(const struct smf_pdn *p, uint8_t room[SMF_PCO_ROOM], struct nas_pco *ret)
{
	struct smf_pco only = p->pco;

	only.asked &= SMF_ASK_PCSCF4 | SMF_ASK_PCSCF6;
	smf_pco_write(&only, p->apn, p->type != S5_PDN_IPV6, p->type != S5_PDN_IPV4, p->v4, room,
		      ret);
}

/* --- the configuration changes --- */

static bool has4(const struct smf_apn *a, const struct in_addr *x)
{
	for (int i = 0; i < a->n_pcscf4; i++)
		if (a->pcscf4[i].s_addr == x->s_addr)
			return true;
	return false;
}

static bool has6(const struct smf_apn *a, const struct in6_addr *x)
{
	for (int i = 0; i < a->n_pcscf6; i++)
		if (!memcmp(&a->pcscf6[i], x, sizeof(*x)))
			return true;
	return false;
}

/* One that phones may be at is not there any more. */
static bool is_missed(const struct smf_apn *old, const struct smf_apn *new)
{
	for (int i = 0; i < old->n_pcscf4; i++)
		if (!has4(new, &old->pcscf4[i]))
			return true;
	for (int i = 0; i < old->n_pcscf6; i++)
		if (!has6(new, &old->pcscf6[i]))
			return true;
	return false;
}

static void take_servers(struct smf_apn *a, const struct smf_apn *from)
{
	memcpy(a->pcscf4, from->pcscf4, sizeof(a->pcscf4));
	memcpy(a->pcscf6, from->pcscf6, sizeof(a->pcscf6));
	memcpy(a->dns4, from->dns4, sizeof(a->dns4));
	memcpy(a->dns6, from->dns6, sizeof(a->dns6));
	a->n_pcscf4 = from->n_pcscf4;
	a->n_pcscf6 = from->n_pcscf6;
	a->n_dns4 = from->n_dns4;
	a->n_dns6 = from->n_dns6;
	a->mtu = from->mtu;
}

static void restore_all(struct smf *s, const struct smf_apn *a)
{
	struct smf_pdn *next;

	for (struct smf_pdn *p = s->pdns; p; p = next) {
		next = p->next;
		if (p->apn == a)
			smf_pcscf_restore(p);
	}
}

static int reload_apns(struct smf *s, const char *text, char *err, size_t size)
{
	struct smf_apn *list = NULL;
	size_t n = 0;
	int e = smf_apns_parse(text, &list, &n, err, size);

	if (e)
		return e;
	for (size_t i = 0; i < s->n_apns; i++) {
		struct smf_apn *a = &s->apns[i], *new = smf_apn_find(list, n, str_of(a->name));
		bool missed = new &&is_missed(a, new);

		if (new)
			take_servers(a, new);
		if (missed)
			restore_all(s, a);
	}
	smf_apns_free(list, n);
	return 0;
}

int smf_reload(struct smf *s, const struct conf *c, char *err, size_t size)
{
	struct smf_predefined *list = NULL;
	size_t n = 0;
	int e = smf_predefined_parse(c->smf.predefined, &list, &n, err, size);

	if (!e)
		e = reload_apns(s, c->smf.apns, err, size);
	if (e) {
		free(list);
		return e;
	}
	free(s->predefined);
	s->predefined = list;
	s->n_predefined = n;
	return 0;
}
