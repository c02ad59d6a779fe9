/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Between the files of lib/ie: parts of the writers that nobody else needs. */
#ifndef KIMS_IE_WIRE_H
#define KIMS_IE_WIRE_H

#include "lib/ie/ie.h"

void ie_put_raw(struct ie_buf *b, struct str raw);

/* Text into the caller's memory, cut where that ends. */
struct ie_out {
	char *p;
	size_t n, size;
};
void ie_outf(struct ie_out *o, const char *fmt, ...) _printf_(2, 3);
void ie_out_text(struct ie_out *o, struct str s); /* at most 256 octets, the rest as its length */

#endif
