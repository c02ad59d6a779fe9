/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The phone's SIM: keys, SQN array (TS 33.102 annex C.2) kept in an optional state file, answers
 * to challenges.
 */
#ifndef KIMS_UE_SIM_H
#define KIMS_UE_SIM_H

#include "lib/aka/aka.h"
#include "phone_conf.h"

struct sim {
	struct aka_sim aka;
	char *state; /* path, or NULL; borrowed from the configuration */
	bool has_keys;
};

int sim_init(struct sim *s, const struct phone_conf *c, char *err,
	     size_t errsize); /* -EINVAL, -errno of the file */
void sim_fini(struct sim *s); /* wipes */
/* As aka_sim_auth(); saves the new SQN. */
int sim_auth(struct sim *s, const uint8_t rand[16], const uint8_t autn[16], struct aka_vector *ret,
	     uint8_t ret_auts[14]);
/* Puts the SIM ahead of the network by so many SEQ, so that its next challenge is out of range. */
void sim_run_ahead(struct sim *s, uint64_t seqs);
uint64_t sim_highest(const struct sim *s);

#endif
