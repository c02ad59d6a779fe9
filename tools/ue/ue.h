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
	uint64_t
		failures; /* procedures and calls that did not end as expected, for the live view */
};

#endif
