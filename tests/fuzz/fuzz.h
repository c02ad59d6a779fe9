/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Common to the fuzz targets. Each target is one file with one FUZZ_TARGET(name); tests/fuzz/build
 * links it with libFuzzer, and a *_test.c beside the code includes it to replay its seeds.
 */
#ifndef KIMS_FUZZ_H
#define KIMS_FUZZ_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/core/base.h"

/* What must hold whatever comes in. */
#define MUST(x)                                                                               \
	do {                                                                                  \
		if (!(x)) {                                                                   \
			fprintf(stderr, "%s:%d: %s does not hold\n", __FILE__, __LINE__, #x); \
			abort();                                                              \
		}                                                                             \
	} while (0)

#ifdef FUZZ_REPLAY
#define FUZZ_TARGET(name) static int fuzz_##name(const uint8_t *data, size_t size)
#else
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
#define FUZZ_TARGET(name) int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
#endif

#endif
