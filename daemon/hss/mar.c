// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Authentication: MAR/MAA (TS 29.228 6.3.1), vectors by Milenage (TS 35.206), SQN and its
 * resynchronisation (TS 33.102 6.3.2, 6.3.5, annex C.1.2: SEQ counts up, IND goes round with it).
 *
 * The SQN of the last vector is in the transaction of this round, which is committed before the answer
 * leaves: no SQN is given out twice, whatever fails.
 */
#include "hss/hss.h"
#include "lib/aka/aka.h"
#include "lib/core/log.h"

#define RESYNC_LEN (AKA_RAND_LEN + AKA_AUTS_LEN)

static bool scheme_ok(struct str scheme)
{
	return str_ieqz(scheme, "Digest-AKAv1-MD5") || str_ieqz(scheme, "Digest-AKAv2-MD5") ||
	       str_ieqz(scheme, "Unknown");
}

static struct str scheme_used(struct str asked)
{
	return str_ieqz(asked, "Digest-AKAv2-MD5") ? STR("Digest-AKAv2-MD5")
						   : STR("Digest-AKAv1-MD5");
}

/* Step 4: AUTS tells the SIM's SQN; a wrong MAC-S leaves everything as it is. */
static void resync(struct subscriber *s, struct str authorization)
{
	const uint8_t *p = (const uint8_t *)authorization.p;
	uint64_t sqn_ms;

	if (authorization.n != RESYNC_LEN)
		return;
	if (aka_resync(s->k, s->opc, p, p + AKA_RAND_LEN, &sqn_ms)) {
		log_notice("%s: AUTS with a wrong MAC-S; the SIM's key is not the stored one",
			   s->impi);
		return;
	}
	log_info("%s: SQN resynchronised by the SIM", s->impi);
	s->sqn = sqn_ms;
}

static int make_vector(struct hss *h, size_t i, struct str scheme, struct cx_auth_item *it)
{
	struct subscriber *s = &h->s;
	unsigned int ind = (unsigned int)(s->sqn & ((1U << h->ind_len) - 1)) + 1;
	uint64_t sqn = aka_sqn_next(s->sqn, ind, h->ind_len);
	uint8_t *o = h->vector[i];
	struct aka_vector v;
	int e = aka_vector(s->k, s->opc, s->amf, sqn, NULL, &v);

	if (e)
		return e;
	s->sqn = sqn;
	memcpy(o, v.rand, 16);
	memcpy(o + 16, v.autn, 16);
	memcpy(o + 32, v.xres, 16);
	memcpy(o + 48, v.ck, 16);
	memcpy(o + 64, v.ik, 16);
	*it = (struct cx_auth_item){
		.number = (uint32_t)i + 1,
		.scheme = scheme,
		.authenticate = { (char *)o, 32 },
		.authorization = { (char *)o + 32, v.xres_len },
		.ck = { (char *)o + 48, 16 },
		.ik = { (char *)o + 64, 16 },
	};
	aka_wipe(&v, sizeof(v));
	return 0;
}

/* Step 5: a new server name is stored, with the mark that authentication is pending. */
static int store_server(struct hss *h, size_t i, struct str origin, struct str server)
{
	struct subscriber *s = &h->s;
	bool same = str_eqz(server, s->scscf) && str_eqz(origin, s->scscf_host);
	int e = 0;

	if (same && s->impu[i].state == SUB_REGISTERED)
		return 0;
	if (!same)
		e = subdb_set_server(h->db, s->id, server, origin);
	return e ? e : subdb_set_state(h->db, s, i, false, s->impu[i].state, true);
}

static int vectors(struct hss *h, const struct cx_mar *r, struct cx_maa *a)
{
	size_t n = MIN(r->n_items ? r->n_items : 1, (uint32_t)CX_VECTORS_MAX);
	int e = 0;

	for (size_t i = 0; i < n && !e; i++) {
		e = make_vector(h, i, scheme_used(r->item.scheme), &a->item[i]);
		a->n += !e;
	}
	return e ? e : subdb_set_sqn(h->db, h->s.id, h->s.sqn);
}

void hss_mar(struct hss *h, struct str origin, const struct cx_mar *r, struct cx_maa *a)
{
	size_t i;
	int e;

	*a = (struct cx_maa){ .result = hss_begin(h) ? CX_UNABLE_TO_COMPLY
						     : hss_identify(h, r->user_name,
								    r->public_identity, &i) };
	if (a->result != CX_SUCCESS)
		return;
	if (!scheme_ok(r->item.scheme)) {
		a->result = CX_AUTH_SCHEME_NOT_SUPPORTED;
		return;
	}
	if (r->item.authorization.p)
		resync(&h->s, r->item.authorization);
	e = store_server(h, i, origin, r->server_name);
	if (!e)
		e = vectors(h, r, a);
	if (e) {
		log_err("%s: no authentication vector: %s", h->s.impi, strerror(-e));
		*a = (struct cx_maa){ .result = CX_UNABLE_TO_COMPLY };
		return;
	}
	a->user_name = str_of(h->s.impi);
	a->public_identity = str_of(h->s.impu[i].impu);
}
