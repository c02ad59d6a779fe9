// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What a UPF and a PCRF say to an SMF that has a PDN connection with a dedicated bearer: PFCP messages with our SEID and
 * the sequence number of our request, RARs and CCAs as octets; the SGW behind keeps bearers and TFTs by the book and
 * stops at what it may not get. Whatever comes, nothing is left when the PDN connections have ended.
 */
#include "smf/rig.h"
#include "tests/fuzz/fuzz.h"

enum { FUZZ_N4_PFCP, FUZZ_N4_RAR, FUZZ_N4_CCA, FUZZ_N4_RULE, FUZZ_N4_KINDS };

static uint32_t fuzz_n4_seq;

static void fuzz_n4_see(const struct sockaddr_storage *from, const uint8_t *p, size_t n)
{
	struct tlv_hdr h;

	(void)from;
	if (!tlv_pfcp.parse(p, n, &h) && h.type >= 50)
		fuzz_n4_seq = h.seq;
}

static void fuzz_n4_none(void)
{
}

static void fuzz_n4_agree(const struct smf_pdn *s)
{
	(void)s;
}

/* The UPF of the rig serves until the PDN connection is there. */
static const struct rig_upf_ops fuzz_n4_upf = { fuzz_n4_none, fuzz_n4_none, fuzz_n4_see,
						fuzz_n4_agree, fuzz_n4_none };

static void fuzz_n4_pfcp(struct smf_pdn *p, uint8_t *data, size_t n, uint8_t how)
{
	struct sockaddr_storage from;

	rig_addr(&from, RIG_UPF, PFCP_PORT);
	if (n >= 16 && how & 1 && p)
		for (int i = 0; i < 8; i++)
			data[4 + i] = (uint8_t)((uint64_t)p->teid >> (56 - 8 * i));
	if (n >= 16 && how & 2 && data[0] & 1)
		tlv_pfcp.set_seq(data, fuzz_n4_seq);
	pfcp_input(rig.smf.pfcp, &from, data, n);
}

static void fuzz_n4_rar(struct smf_pdn *p, const uint8_t *data, size_t n)
{
	static struct gx_rar r;
	struct dia_token t = { 0 };
	struct ie_error e;
	struct ie_env env;

	if (!p || !p->gx || !p->gx->id || ie_decode(&gx_rar_cmd, &pcc_dict, data, n, &env, &r, &e))
		return;
	t.env = env = rig_env(str_of(p->gx->id), "pcrf.realm");
	MUST(rig.serve(rig.serve_arg, &t, &gx_rar_cmd, &env, &r));
}

/* In place of the CCA that the rig has ready. */
static void fuzz_n4_cca(const uint8_t *data, size_t n)
{
	static struct gx_cca a;
	struct ie_error e;
	struct ie_env env;

	if (ie_decode(&gx_cca_cmd, &pcc_dict, data, n, &env, &a, &e))
		return;
	for (struct rig_dgram **at = &rig.first; *at; at = &(*at)->next) {
		struct rig_dgram *d = *at;

		if (d->link != RIG_CCA)
			continue;
		*at = d->next;
		if (!*at)
			rig.last = at;
		d->done.fn(d->done.arg, &env, &a);
		free(d);
		return;
	}
}

/* A rule of a few octets. */
static void fuzz_n4_rule(struct smf_pdn *p, const uint8_t *data, size_t n)
{
	static struct gx_orders o;
	char name[8];

	if (!p || !p->gx || p->gx->state != SMF_GX_OPEN || n < 3)
		return;
	rig_orders(&o);
	snprintf(name, sizeof(name), "r%u", data[0] % 9);
	if (data[0] & 0x80) {
		rig_uninstall(&o, name);
	} else {
		struct gx_rule *r = rig_install(&o, name, data[1] % 10, 4000 + data[2]);

		if (n > 3)
			r->flow[0].description = (struct str){ (const char *)data + 3, n - 3 };
	}
	if (!rig_policy(str_of(p->gx->id)))
		rig_policy_new(str_of(p->gx->id));
	rig_policy(str_of(p->gx->id))->n_rules = 0;
	rig_rar(rig_policy(str_of(p->gx->id)), &o);
}

static void fuzz_n4_one(const uint8_t *data, size_t n, uint8_t how)
{
	uint8_t *p = malloc(n ? n : 1); /* exact, for ASan */

	memcpy(p, data, n);
	switch (how % FUZZ_N4_KINDS) {
	case FUZZ_N4_PFCP:
		fuzz_n4_pfcp(rig.smf.pdns, p, n, how >> 2);
		break;
	case FUZZ_N4_RAR:
		fuzz_n4_rar(rig.smf.pdns, p, n);
		break;
	case FUZZ_N4_CCA:
		fuzz_n4_cca(p, n);
		break;
	case FUZZ_N4_RULE:
		fuzz_n4_rule(rig.smf.pdns, p, n);
		break;
	}
	free(p);
	if (how & 0x10)
		rig_ms(3);
	if (how & 0x20)
		rig_seconds(1);
}

static void fuzz_n4_end(void)
{
	struct smf_pdn *next;

	rig_upf_ops = NULL;
	rig_seconds(15);
	for (struct smf_pdn *p = rig.smf.pdns; p; p = next) {
		next = p->next;
		fsm_event(&p->fsm, SMF_PDN_EV_DELETED, NULL);
	}
	rig_seconds(65);
	MUST(!rig.smf.n_pdns && !rig.smf.n_bearers && !rig.smf.by_teid.n);
	for (const struct smf_upf *u = rig.smf.upfs; u; u = u->next)
		MUST(!u->sessions && !u->n_sessions);
	rig_teardown(NULL);
}

FUZZ_TARGET(n4)
{
	size_t n;

	if (!size || size > 8192)
		return 0;
	rig_upf_ops = NULL;
	rig_setup(NULL);
	rig_create(1);
	rig_ms(10);
	MUST(rig.smf.pdns && rig.smf.pdns->fsm.state == SMF_PDN_ACTIVE);
	fuzz_n4_rule(rig.smf.pdns, (const uint8_t *)"\1\1\1", 3);
	rig_ms(10);
	if (data[0] & 0x40)
		rig_upf_ops = &fuzz_n4_upf; /* deaf: the input answers */
	rig.upf_lied = data[0] & 0x40;	    /* it has said yes to what it has not done */
	for (int i = 0; i < 8 && size > 2; i++) {
		n = MIN(size - 3, (size_t)data[1] << 8 | data[2]);
		fuzz_n4_one(data + 3, n, data[0]);
		data += n + 3;
		size -= n + 3;
	}
	fuzz_n4_end();
	return 0;
}
