/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Small things that every file uses: cleanup attributes, sizes, byte strings.
 *
 * A struct str is a view: it never owns its bytes and is not NUL-terminated.
 */
#ifndef KIMS_CORE_BASE_H
#define KIMS_CORE_BASE_H

#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/types.h>
#include <unistd.h>

#define _cleanup_(f) __attribute__((cleanup(f)))
#define _printf_(a, b) __attribute__((format(printf, a, b)))
#define _unused_ __attribute__((unused))
#define _must_check_ __attribute__((warn_unused_result))

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))
#define container_of(ptr, type, member) ((type *)((char *)(ptr) - offsetof(type, member)))
#define MIN(a, b) ((a) < (b) ? (a) : (b))
#define MAX(a, b) ((a) > (b) ? (a) : (b))

#define USEC_PER_MSEC UINT64_C(1000)
#define USEC_PER_SEC UINT64_C(1000000)

static inline void freep(void *p)
{
	free(*(void **)p);
}

static inline void closep(int *fd)
{
	if (*fd >= 0)
		close(*fd);
}

#define _cleanup_free_ _cleanup_(freep)
#define _cleanup_close_ _cleanup_(closep)

struct str {
	const char *p;
	size_t n;
};

#define STR(lit) ((struct str){ (lit), sizeof(lit) - 1 })
#define STR_FMT(s) (int)(s).n, (s).p /* printf("%.*s", STR_FMT(s)) */

static inline struct str str_of(const char *z)
{
	return (struct str){ z, z ? strlen(z) : 0 };
}

static inline bool str_eq(struct str a, struct str b)
{
	return a.n == b.n && (!a.n || !memcmp(a.p, b.p, a.n));
}

static inline bool str_ieq(struct str a, struct str b)
{
	return a.n == b.n && (!a.n || !strncasecmp(a.p, b.p, a.n));
}

static inline bool str_eqz(struct str a, const char *z)
{
	return str_eq(a, str_of(z));
}

static inline bool str_ieqz(struct str a, const char *z)
{
	return str_ieq(a, str_of(z));
}

static inline bool str_has_prefix(struct str a, struct str pre)
{
	return a.n >= pre.n && !memcmp(a.p, pre.p, pre.n);
}

struct str str_trim(struct str s);		      /* without SP, HTAB, CR, LF at both ends */
bool str_split(struct str *rest, char sep, struct str *ret_head); /* false at the end */
int str_to_u64(struct str s, uint64_t max, uint64_t *ret); /* decimal; -EINVAL, -ERANGE */
char *str_dup(struct str s);			      /* NUL-terminated copy, caller frees; NULL: no memory */
int str_copy(char *dst, size_t size, struct str s);   /* NUL-terminates; -ENOSPC leaves dst empty */
int hex_decode(struct str s, uint8_t *dst, size_t size); /* number of octets, or -EINVAL/-ENOSPC */
/*
 * As vsnprintf(), which does the rest when fmt has more than %s %.*s %u %d %lu %llu %zu %c %%: messages are made of
 * these, and stdio's way to them costs more than their octets.
 */
int str_vfmt(char *dst, size_t size, const char *fmt, va_list ap) _printf_(3, 0);
int str_fmt(char *dst, size_t size, const char *fmt, ...) _printf_(3, 4);
void hex_encode(const uint8_t *p, size_t n, char *dst);	 /* dst: 2n+1 bytes */

#endif
