/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Measured values, kept for their percentiles.
 */
#ifndef KIMS_UE_SAMPLES_H
#define KIMS_UE_SAMPLES_H

#include <stddef.h>
#include <stdint.h>

struct samples {
	uint32_t *v;
	size_t n, room;
};

/* Without memory it is left out. */
void samples_add(struct samples *s, uint32_t v);
/* For samples_percentile(); another one may come behind it, which asks for the next sort. */
void samples_sort(struct samples *s);
/* Of sorted ones, at least one; percent 0..100. */
uint32_t samples_percentile(const struct samples *s, unsigned int percent);
void samples_free(struct samples *s);

#endif
