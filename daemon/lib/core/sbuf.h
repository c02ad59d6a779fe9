/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A growing buffer for text and records, with a sticky error: after a failed allocation every
 * further call does nothing, and the caller asks once at the end.
 *
 * Reading back is a cursor with the same rule: after the first overrun every read gives nothing.
 */
#ifndef KIMS_CORE_SBUF_H
#define KIMS_CORE_SBUF_H

#include "lib/core/base.h"

struct sbuf { /* zero-initialised is empty */
	char *p; /* NUL-terminated once something was written */
	size_t n, size;
	bool failed;
};

void sbuf_add(struct sbuf *b, struct str s);
void sbuf_addz(struct sbuf *b, const char *z);
void sbuf_addf(struct sbuf *b, const char *fmt, ...) _printf_(2, 3);
void sbuf_xml(struct sbuf *b, struct str s); /* with & < > " as entities, octets under 0x20 left out */
void sbuf_clear(struct sbuf *b);	     /* empty again, keeps its memory */
void sbuf_free(struct sbuf *b);
#define _cleanup_sbuf_ _cleanup_(sbuf_free)

static inline struct str sbuf_str(const struct sbuf *b)
{
	return (struct str){ b->p ? b->p : "", b->n };
}

/* Records: integers of variable length, strings with their length before them. */
void sbuf_put_u64(struct sbuf *b, uint64_t v);
void sbuf_put_str(struct sbuf *b, struct str s); /* NULL is told from empty */

struct cursor {
	struct str s;
	bool failed;
};

uint64_t cur_u64(struct cursor *c);
struct str cur_str(struct cursor *c); /* view; p == NULL: was NULL, or failed */
char *cur_dup(struct cursor *c);      /* malloc'd, NULL: was NULL, failed or no memory */

#endif
