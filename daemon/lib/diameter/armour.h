/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What stands between the wire and freeDiameter's own parser.
 *
 * freeDiameter asserts, and reads beyond AVPs, on malformed messages of a peer. Every message passes here
 * as soon as it is complete, in place and without a change of its length:
 *
 *   of an application: all AVPs but those that route it are masked (given a code that nobody
 *   knows, without the M bit), so that freeDiameter carries them and never looks into them; lib/ie unmasks and
 *   judges them. A body whose AVPs do not fit becomes one masked AVP: our decoder then misses what is mandatory.
 *
 *   of the base protocol (CER, DWR, DPR): what has the wrong length or type, and what is not
 *   known, is masked; freeDiameter then misses it or does not care.
 */
#ifndef KIMS_DIAMETER_ARMOUR_H
#define KIMS_DIAMETER_ARMOUR_H

#include "lib/core/base.h"

/* msg: a message with its header, as it came; n: its length. */
void dia_armour(uint8_t *msg, size_t n);
/* Takes the masks off, before lib/ie reads it. */
void dia_unarmour(uint8_t *msg, size_t n);

#endif
