/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Between the files of lib/ie: the writer's parts that nobody else needs. */
#ifndef KIMS_IE_WIRE_H
#define KIMS_IE_WIRE_H

#include "lib/ie/ie.h"

void ie_put_raw(struct ie_buf *b, struct str raw);

#endif
