/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Figures of all phones together, for a live view: how many are attached, registered, in calls; how long that took;
 * RTP; failures by reason. With an interval they come out as "stats" events of the JSON output.
 *
 * Invariant: whoever judges one phone's procedure or call says so here once, by stats_took() or by stats_failed().
 */
#ifndef KIMS_UE_STATS_H
#define KIMS_UE_STATS_H

#include "ue.h"

enum stats_what { STATS_ATTACH, STATS_REGISTER, STATS_SETUP, STATS_WHATS };

struct stats_count {
	size_t attached, registered, calls; /* calls: that are up, by their callers */
};

int stats_new(struct ue *ue, struct stats **ret);
void stats_free(struct stats *s);
/* From now on an event every interval (usec); 0: none. */
void stats_start(struct stats *s, uint64_t interval);
/* One more has done this, in so many usec. */
void stats_took(struct ue *ue, enum stats_what what, uint64_t usec);
/* One more has failed; why is what many can have in common: no names, no figures. */
void stats_failed(struct ue *ue, const char *step, const char *why);
struct stats_count stats_count(const struct ue *ue);

#endif
