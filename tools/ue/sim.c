// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * SIM of a simulated phone: key parsing, state file, SQN out of range on demand.
 *
 * The state file has one line per IND value, "IND SEQ", and no keys.
 */
#include "sim.h"

#include <stdio.h>

static int hex_key(const char *what, const char *text, uint8_t *dst, size_t n, char *err,
		   size_t errsize)
{
	if (text && hex_decode(str_of(text), dst, n) == (int)n)
		return 0;
	snprintf(err, errsize, "%s must be %zu hexadecimal digits", what, 2 * n);
	return -EINVAL;
}

static int load_keys(struct sim *s, const struct phone_conf *c, char *err, size_t errsize)
{
	uint8_t op[16];
	int r = hex_key("k", c->k, s->aka.k, 16, err, errsize);

	if (!r)
		r = hex_key("amf", c->amf, s->aka.amf, 2, err, errsize);
	if (r)
		return r;
	if (c->opc)
		return hex_key("opc", c->opc, s->aka.opc, 16, err, errsize);
	r = hex_key("opc (or op)", c->op, op, 16, err, errsize);
	if (!r)
		r = aka_opc(s->aka.k, op, s->aka.opc);
	aka_wipe(op, sizeof(op));
	return r;
}

static int load_state(struct sim *s, char *err, size_t errsize)
{
	unsigned long long seq;
	unsigned int ind;
	FILE *f = fopen(s->state, "re");

	if (!f && errno == ENOENT)
		return 0;
	if (!f) {
		snprintf(err, errsize, "state file %s: %s", s->state, strerror(errno));
		return -errno;
	}
	while (fscanf(f, "%u %llu", &ind, &seq) == 2) {
		if (ind < ARRAY_SIZE(s->aka.seq_ms))
			s->aka.seq_ms[ind] = seq;
	}
	fclose(f);
	return 0;
}

static void save_state(const struct sim *s)
{
	FILE *f = s->state ? fopen(s->state, "we") : NULL;

	if (!f)
		return;
	for (unsigned int i = 0; i < ARRAY_SIZE(s->aka.seq_ms); i++)
		fprintf(f, "%u %llu\n", i, (unsigned long long)s->aka.seq_ms[i]);
	fclose(f);
}

int sim_init(struct sim *s, const struct phone_conf *c, char *err, size_t errsize)
{
	int r;

	memset(s, 0, sizeof(*s));
	s->aka.ind_len = c->ind_len <= 5 ? c->ind_len : 5;
	for (unsigned int i = 0; i < ARRAY_SIZE(s->aka.seq_ms); i++)
		s->aka.seq_ms[i] = c->sqn;
	if (!c->k && c->password) /* plain digest: no SIM in this phone */
		return 0;
	r = load_keys(s, c, err, errsize);
	if (r)
		return r;
	s->has_keys = true;
	s->state = c->state && *c->state ? c->state : NULL;
	return s->state ? load_state(s, err, errsize) : 0;
}

void sim_fini(struct sim *s)
{
	aka_wipe(&s->aka, sizeof(s->aka));
	s->has_keys = false;
}

int sim_auth(struct sim *s, const uint8_t rand[16], const uint8_t autn[16], struct aka_vector *ret,
	     uint8_t ret_auts[14])
{
	int r;

	if (!s->has_keys)
		return -ENOKEY;
	r = aka_sim_auth(&s->aka, rand, autn, ret, ret_auts);
	if (!r)
		save_state(s);
	return r;
}

uint64_t sim_highest(const struct sim *s)
{
	uint64_t max = 0;

	for (unsigned int i = 0; i < ARRAY_SIZE(s->aka.seq_ms); i++)
		max = MAX(max, s->aka.seq_ms[i]);
	return max;
}

void sim_run_ahead(struct sim *s, uint64_t seqs)
{
	uint64_t to = sim_highest(s) + seqs;

	for (unsigned int i = 0; i < ARRAY_SIZE(s->aka.seq_ms); i++)
		s->aka.seq_ms[i] = to;
	save_state(s);
}
