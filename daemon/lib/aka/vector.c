// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Authentication vectors, sequence numbers and resynchronisation: TS 33.102 6.3.2 (AUTN), 6.3.3 and
 * 6.3.5 (AUTS), annex C.1.2 and C.2 (SEQ | IND, freshness).
 *
 *   AUTN = SQN ^ AK | AMF | MAC-A        AUTS = SQN_MS ^ AK* | MAC-S, with AMF* = 0
 *
 * Invariant: the SIM accepts a SQN at most once, and tells its own in AUTS only after MAC-A held.
 */
#include "lib/aka/aka.h"

#include <sys/random.h>

static const uint8_t amf_star[2]; /* TS 33.102 6.3.3: dummy AMF of all zeros */

static void put_sqn(uint64_t sqn, uint8_t dst[6])
{
	for (int i = 5; i >= 0; i--, sqn >>= 8)
		dst[i] = (uint8_t)sqn;
}

static uint64_t get_sqn(const uint8_t p[6])
{
	uint64_t v = 0;

	for (int i = 0; i < 6; i++)
		v = v << 8 | p[i];
	return v;
}

static void xor_sqn(uint8_t dst[6], const uint8_t a[6], const uint8_t b[6])
{
	for (int i = 0; i < 6; i++)
		dst[i] = a[i] ^ b[i];
}

int aka_vector(const uint8_t k[16], const uint8_t opc[16], const uint8_t amf[2], uint64_t sqn,
	       const uint8_t *rand, struct aka_vector *ret)
{
	uint8_t s[6], ak[6];
	int r;

	if (sqn > AKA_SQN_MAX)
		return -EINVAL;
	*ret = (struct aka_vector){ .xres_len = 8 };
	if (rand)
		memcpy(ret->rand, rand, 16);
	else if (getrandom(ret->rand, 16, 0) != 16)
		return -EIO;
	put_sqn(sqn, s);
	r = milenage_f1(k, opc, ret->rand, s, amf, ret->autn + 8, NULL);
	if (r == 0)
		r = milenage_f2345(k, opc, ret->rand, ret->xres, ret->ck, ret->ik, ak, NULL);
	if (r < 0) {
		aka_wipe(ret, sizeof(*ret));
		return r;
	}
	xor_sqn(ret->autn, s, ak);
	memcpy(ret->autn + 6, amf, 2);
	aka_wipe(ak, sizeof(ak));
	return 0;
}

int aka_resync(const uint8_t k[16], const uint8_t opc[16], const uint8_t rand[16],
	       const uint8_t auts[14], uint64_t *ret_sqn_ms)
{
	uint8_t ak_star[6], sqn[6], mac_s[8];
	int r = milenage_f2345(k, opc, rand, NULL, NULL, NULL, NULL, ak_star);

	if (r < 0)
		return r;
	xor_sqn(sqn, auts, ak_star);
	aka_wipe(ak_star, sizeof(ak_star));
	r = milenage_f1(k, opc, rand, sqn, amf_star, NULL, mac_s);
	if (r < 0)
		return r;
	if (!aka_equal(mac_s, auts + 6, 8))
		return -EBADMSG;
	*ret_sqn_ms = get_sqn(sqn);
	return 0;
}

uint64_t aka_sqn_next(uint64_t sqn, unsigned int ind, unsigned int ind_len)
{
	uint64_t mask = (UINT64_C(1) << ind_len) - 1;

	return (((sqn >> ind_len) + 1) << ind_len | (ind & mask)) & AKA_SQN_MAX;
}

/* ---- the SIM ---- */

static unsigned int sim_ind_len(const struct aka_sim *s)
{
	return s->ind_len && s->ind_len <= 5 ? s->ind_len : 5;
}

/* The highest SEQ ever accepted, with its index: SQN_MS of C.2.1. */
static uint64_t sim_sqn_ms(const struct aka_sim *s)
{
	unsigned int len = sim_ind_len(s), best = 0;

	for (unsigned int i = 1; i < 1U << len; i++) {
		if (s->seq_ms[i] > s->seq_ms[best])
			best = i;
	}
	return s->seq_ms[best] << len | best;
}

static bool sim_is_fresh(const struct aka_sim *s, uint64_t sqn)
{
	unsigned int len = sim_ind_len(s), ind = (unsigned int)(sqn & ((1U << len) - 1));
	uint64_t seq = sqn >> len, highest = sim_sqn_ms(s) >> len;

	if (s->delta && seq > highest && seq - highest > s->delta)
		return false;
	if (s->limit && highest > seq && highest - seq > s->limit)
		return false;
	return seq > s->seq_ms[ind];
}

static int sim_auts(const struct aka_sim *s, const uint8_t rand[16], uint8_t ret_auts[14])
{
	uint8_t sqn[6], ak_star[6];
	int r = milenage_f2345(s->k, s->opc, rand, NULL, NULL, NULL, NULL, ak_star);

	if (r < 0)
		return r;
	put_sqn(sim_sqn_ms(s), sqn);
	xor_sqn(ret_auts, sqn, ak_star);
	aka_wipe(ak_star, sizeof(ak_star));
	r = milenage_f1(s->k, s->opc, rand, sqn, amf_star, NULL, ret_auts + 6);
	return r < 0 ? r : -ERANGE;
}

int aka_sim_auth(struct aka_sim *s, const uint8_t rand[16], const uint8_t autn[16],
		 struct aka_vector *ret, uint8_t ret_auts[14])
{
	unsigned int len = sim_ind_len(s);
	uint8_t ak[6], sqn[6] = { 0 }, mac[8];
	struct aka_vector v = { .xres_len = 8 };
	uint64_t n;
	int r = milenage_f2345(s->k, s->opc, rand, v.xres, v.ck, v.ik, ak, NULL);

	if (r == 0) {
		xor_sqn(sqn, autn, ak);
		r = milenage_f1(s->k, s->opc, rand, sqn, autn + 6, mac, NULL);
	}
	if (r == 0 && !aka_equal(mac, autn + 8, 8))
		r = -EBADMSG;
	n = r == 0 ? get_sqn(sqn) : 0;
	if (r == 0 && !sim_is_fresh(s, n))
		r = sim_auts(s, rand, ret_auts);
	if (r == 0) {
		s->seq_ms[n & ((1U << len) - 1)] = n >> len;
		memcpy(v.rand, rand, 16);
		memcpy(v.autn, autn, 16);
		*ret = v;
	}
	aka_wipe(&v, sizeof(v));
	aka_wipe(ak, sizeof(ak));
	return r;
}
