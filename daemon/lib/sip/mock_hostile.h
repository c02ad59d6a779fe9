/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Hostile SIP for the procedure tests of the network functions: the messages of RFC 4475, and
 * mutations of good ones. Only for *_test.c.
 */
#ifndef KIMS_SIP_MOCK_HOSTILE_H
#define KIMS_SIP_MOCK_HOSTILE_H

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>

#include "lib/core/base.h"

typedef void (*hostile_fn)(const char *data, size_t n);

/* Every message of RFC 4475; returns how many, 0: they are not here. */
static inline int hostile_rfc4475(hostile_fn inject)
{
	static const char dir[] = "tests/torture/rfc4475";
	DIR *d = opendir(dir);
	struct dirent *e;
	int n = 0;

	while (d && (e = readdir(d))) {
		char path[512], data[8192];
		FILE *f;

		snprintf(path, sizeof(path), "%s/%s", dir, e->d_name);
		f = e->d_name[0] == '.' ? NULL : fopen(path, "re");
		if (!f)
			continue;
		inject(data, fread(data, 1, sizeof(data), f));
		fclose(f);
		n++;
	}
	if (d)
		closedir(d);
	return n;
}

/* Cuts pieces out of the n octets of m and puts awkward ones in; the new length. */
static inline int hostile_mutate(char *m, int n)
{
	static const char bytes[] = "<>;,:@\"\\ \r\n\t=?%0\0\377*";

	for (long k = random() % 6; k >= 0; k--) {
		long at = random() % n, len = random() % 12;

		if (random() % 4 == 0 && at + len < n) {
			memmove(m + at, m + at + len, (size_t)(n - at - len));
			n -= (int)len;
		} else {
			m[at] = bytes[(size_t)random() % (sizeof(bytes) - 1)];
		}
	}
	return n;
}

/* Mutations made from each template, whose two %u are a number; KIMS_ROUNDS sets how many. */
static inline void hostile_mutations(const char *const *templates, size_t n_templates,
				     hostile_fn inject)
{
	const char *env = getenv("KIMS_ROUNDS");
	unsigned int rounds = env ? (unsigned int)atoi(env) : 2000;

	srandom(4475);
	for (unsigned int i = 0; i < rounds; i++) {
		char m[4096];
		int n = snprintf(m, sizeof(m), templates[i % n_templates], i, i);

		inject(m, (size_t)hostile_mutate(m, n));
	}
}

#endif
