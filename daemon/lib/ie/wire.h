/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Between the files of lib/ie: the writer's parts that nobody else needs. */
#ifndef KIMS_IE_WIRE_H
#define KIMS_IE_WIRE_H

#include "lib/ie/ie.h"

void ie_put_raw(struct ie_buf *b, struct str raw);
void ie_put_header(struct ie_buf *b, const struct ie_header *h); /* length is set by ie_finish() */
void ie_finish(struct ie_buf *b);

#endif
