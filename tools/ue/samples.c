// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Measured values, as declared in samples.h: an array that doubles.
 */
#include "samples.h"

#include <stdlib.h>

void samples_add(struct samples *s, uint32_t v)
{
	if (s->n == s->room) {
		size_t room = s->room ? 2 * s->room : 256;
		uint32_t *grown = reallocarray(s->v, room, sizeof(*grown));

		if (!grown)
			return;
		s->v = grown;
		s->room = room;
	}
	s->v[s->n++] = v;
}

static int by_value(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return x < y ? -1 : x > y;
}

void samples_sort(struct samples *s)
{
	if (s->n)
		qsort(s->v, s->n, sizeof(*s->v), by_value);
}

uint32_t samples_percentile(const struct samples *s, unsigned int percent)
{
	return s->v[((s->n - 1) * percent + 50) / 100];
}

void samples_free(struct samples *s)
{
	free(s->v);
	*s = (struct samples){ 0 };
}
