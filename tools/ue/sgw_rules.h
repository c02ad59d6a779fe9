/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Inside sgw_rules.c, sgw_up.c, sgw_sx.c: the bearers of a connection as rules (TS 29.244), for whichever user plane: that of
 * kims.ko takes them as they are, a SGW-U gets them in PFCP.
 *
 * Uplink, each run of packet filters of one bearer (in the order of precedence) is a PDR by the phone's address, whose
 * FAR puts it into that bearer's tunnel; what no filter matches goes by the default bearer. Downlink, each tunnel has
 * the same runs: those of its own bearer are right, those of another one are counted as wrong, and so is what no filter of a
 * dedicated bearer matches. Nothing is dropped for it: a phone takes what it gets, and says so in the report. All
 * downlink PDRs have one FAR, that of the radio: forward, or, while the phone is idle, buffer and notify.
 *
 * Rules are made as a whole with each change: PDRs have the ids from 1 on without a gap. Counters are URRs, two for each
 * bearer, which stay as long as the bearer, and so does its FAR.
 */
#ifndef KIMS_UE_SGW_RULES_H
#define KIMS_UE_SGW_RULES_H

#include "sgw_priv.h"

#define FAR_DOWN     1 /* to the phone; uplink FARs have their EBI */
#define URR_RIGHT(e) ((uint32_t)(e))
#define URR_WRONG(e) ((uint32_t)(e) + 16)
#define PDR_DEFAULT  1000 /* precedence: behind all filters */
#define FILTERS_MAX  (BEARERS * NAS_FILTERS_MAX)
#define BAR_PACKETS  200 /* for a phone that is idle */

struct run { /* filters of one bearer that stand together in the order of precedence */
	const struct bearer *b;
	size_t first, n;
};

struct rules {
	struct knl_session s;
	struct knl_pdr pdr[KNL_RULES];
	struct knl_far far[BEARERS + 1];
	struct knl_urr urr[2 * BEARERS];
	struct knl_filter filter[2][FILTERS_MAX]; /* uplink, downlink */
	struct run run[2][FILTERS_MAX];
	size_t n_filter[2], n_run[2];
	uint32_t bearers; /* bit of each EBI */
	uint32_t del_pdr[KNL_RULES], del_urr[2 * BEARERS], del_far[BEARERS];
};

/* The user plane's number for the node's address of this family. */
typedef int endpoint_fn(struct sgw *s, bool v6, uint32_t *ret);

unsigned int rules_radio(const struct pdn *n); /* action of FAR_DOWN */
/* The rules that n's bearers want now, without what is to be removed; -ENOSPC: more filters than rules. */
int rules_build(struct pdn *n, struct rules *r, endpoint_fn *endpoint);
/*
 * Before the PGW has answered: the tunnel that it has been told of is there, at each address of the node, since what comes
 * in it may be faster than the answer (TS 29.281 7.3.1: an unknown one would cost the connection); the packets go no further.
 */
int rules_expect(const struct pdn *n, struct rules *r, endpoint_fn *endpoint);
/* Into del_: of n_pdrs PDRs and the rules of these bearers, those that r does not have. */
void rules_remove_rest(struct rules *r, size_t n_pdrs, uint32_t bearers);

void to_xfrm(const struct sockaddr_storage *s, struct xfrm_addr *ret);

#endif
