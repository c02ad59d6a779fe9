/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Whose requests I-CSCF and S-CSCF take on Mw: what asserts identities there must be of the trust
 * domain (TS 24.229 4.4, RFC 3325 5); no phone speaks to them.
 */
#ifndef KIMS_CSCF_MW_H
#define KIMS_CSCF_MW_H

#include "lib/core/conf.h"
#include "lib/core/metrics.h"
#include "lib/sip/tp.h"

/* 0; or -1 when the request is to be dropped, which is counted and logged. */
int cscf_mw_admit(const struct conf *c, const struct sip_path *from, struct metric *refused);

#endif
