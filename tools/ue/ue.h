/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The process: one loop, one SIP stack, all phones, and where reports go.
 */
#ifndef KIMS_UE_UE_H
#define KIMS_UE_UE_H

#include "lib/core/loop.h"
#include "lib/sip/tx.h"

struct phone;
struct report;
struct ladder;
struct keys;
struct access;
struct stats;

/* RTP of all phones, of calls that have ended, too. */
struct ue_rtp {
	uint64_t sent, received;
	uint64_t lost;	  /* as the numbers of what arrived show */
	uint64_t skipped; /* not sent, because this process was too late for it */
	uint64_t outside; /* RTP and RTCP outside of a dedicated bearer */
};

struct ue {
	struct loop *loop;
	struct sip_tp *tp;
	struct sip_stack *stack;
	struct phone **phones;
	size_t n_phones;
	struct report *report; /* never NULL while running */
	struct ladder *ladder; /* NULL: no message log */
	struct keys *keys;     /* NULL: no keys are written */
	struct access *access; /* NULL: no phone attaches */
	struct stats *stats;   /* NULL: not counted (tests) */
	struct ue_rtp rtp;
	uint64_t failures; /* procedures and calls that did not end as expected */
};

#endif
