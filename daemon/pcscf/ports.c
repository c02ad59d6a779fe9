// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * RTP port pairs of the media relay (RFC 3550 11: even for RTP, the next one for RTCP).
 * Invariant: n_used is the number of bits set; next is where the search goes on.
 */
#include <sys/random.h>

#include "pcscf/ports.h"

static bool is_used(const struct ports *p, bool v6, uint32_t i)
{
	return p->family[v6].used[i / 64] >> (i % 64) & 1;
}

static void mark(struct ports *p, bool v6, uint32_t i)
{
	p->family[v6].used[i / 64] |= UINT64_C(1) << (i % 64);
	p->family[v6].n_used++;
}

int ports_init(struct ports *p, uint16_t min, uint16_t max)
{
	uint32_t first = (min + 1u) & ~1u, start[2] = { 0, 0 };

	memset(p, 0, sizeof(*p));
	if (first + 1 > max)
		return -EINVAL;
	p->min = (uint16_t)first;
	p->n_pairs = (uint16_t)((max + 1u - first) / 2);
	if (getrandom(start, sizeof(start), 0) != sizeof(start))
		return -EIO;
	for (int i = 0; i < 2; i++) {
		p->family[i].used = calloc((p->n_pairs + 63u) / 64, sizeof(uint64_t));
		if (!p->family[i].used) {
			ports_fini(p);
			return -ENOMEM;
		}
		p->family[i].next = start[i] % p->n_pairs;
	}
	return 0;
}

void ports_fini(struct ports *p)
{
	for (int i = 0; i < 2; i++) {
		free(p->family[i].used);
		p->family[i].used = NULL;
	}
}

int ports_get(struct ports *p, bool v6, uint16_t *ret)
{
	uint32_t i = p->family[v6].next;

	if (p->family[v6].n_used == p->n_pairs)
		return -ENOSPC;
	while (is_used(p, v6, i))
		i = (i + 1) % p->n_pairs;
	mark(p, v6, i);
	p->family[v6].next = (i + 1) % p->n_pairs;
	*ret = (uint16_t)(p->min + 2 * i);
	return 0;
}

static int index_of(const struct ports *p, uint16_t port, uint32_t *ret)
{
	if (port < p->min || (port & 1) || (port - p->min) / 2 >= p->n_pairs)
		return -ERANGE;
	*ret = (uint32_t)(port - p->min) / 2;
	return 0;
}

int ports_take(struct ports *p, bool v6, uint16_t port)
{
	uint32_t i;

	if (index_of(p, port, &i))
		return -ERANGE;
	if (is_used(p, v6, i))
		return -EEXIST;
	mark(p, v6, i);
	return 0;
}

void ports_put(struct ports *p, bool v6, uint16_t port)
{
	uint32_t i;

	if (!port || index_of(p, port, &i) || !is_used(p, v6, i))
		return;
	p->family[v6].used[i / 64] &= ~(UINT64_C(1) << (i % 64));
	p->family[v6].n_used--;
}
