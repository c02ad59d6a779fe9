// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Byte strings and numbers, as declared in base.h.
 *
 * Invariant: no function reads beyond a view's length or writes beyond the size it was given.
 */
#include "lib/core/base.h"

#include <stdio.h>

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

struct str str_trim(struct str s)
{
	while (s.n && is_blank(*s.p)) {
		s.p++;
		s.n--;
	}
	while (s.n && is_blank(s.p[s.n - 1]))
		s.n--;
	return s;
}

/* The end is rest->p == NULL, so that "a," has two parts, the second one empty. */
bool str_split(struct str *rest, char sep, struct str *ret_head)
{
	const char *q;

	if (!rest->p)
		return false;
	q = rest->n ? memchr(rest->p, sep, rest->n) : NULL;
	if (!q) {
		*ret_head = *rest;
		*rest = (struct str){ NULL, 0 };
		return true;
	}
	*ret_head = (struct str){ rest->p, (size_t)(q - rest->p) };
	rest->n -= ret_head->n + 1;
	rest->p = q + 1;
	return true;
}

int str_to_u64(struct str s, uint64_t max, uint64_t *ret)
{
	uint64_t v = 0;

	if (!s.n)
		return -EINVAL;
	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] < '0' || s.p[i] > '9')
			return -EINVAL;
		if (__builtin_mul_overflow(v, UINT64_C(10), &v) ||
		    __builtin_add_overflow(v, (uint64_t)(s.p[i] - '0'), &v))
			return -ERANGE;
	}
	if (v > max)
		return -ERANGE;
	*ret = v;
	return 0;
}

char *str_dup(struct str s)
{
	char *z = malloc(s.n + 1);

	if (!z)
		return NULL;
	if (s.n)
		memcpy(z, s.p, s.n);
	z[s.n] = '\0';
	return z;
}

int str_copy(char *dst, size_t size, struct str s)
{
	if (s.n >= size) {
		if (size)
			dst[0] = '\0';
		return -ENOSPC;
	}
	if (s.n)
		memcpy(dst, s.p, s.n);
	dst[s.n] = '\0';
	return 0;
}

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

int hex_decode(struct str s, uint8_t *dst, size_t size)
{
	if (s.n % 2)
		return -EINVAL;
	if (s.n / 2 > size)
		return -ENOSPC;
	for (size_t i = 0; i < s.n; i += 2) {
		int hi = hex_digit(s.p[i]), lo = hex_digit(s.p[i + 1]);

		if (hi < 0 || lo < 0)
			return -EINVAL;
		dst[i / 2] = (uint8_t)(hi << 4 | lo);
	}
	return (int)(s.n / 2);
}

void hex_encode(const uint8_t *p, size_t n, char *dst)
{
	static const char digits[] = "0123456789abcdef";

	for (size_t i = 0; i < n; i++) {
		dst[2 * i] = digits[p[i] >> 4];
		dst[2 * i + 1] = digits[p[i] & 15];
	}
	dst[2 * n] = '\0';
}

struct fmt {
	char *dst;
	size_t size, n; /* n: octets that there are, also those that do not fit */
	va_list ap;
};

static void fmt_put(struct fmt *f, const char *p, size_t n)
{
	if (n && f->n < f->size)
		memcpy(f->dst + f->n, p, MIN(n, f->size - f->n));
	f->n += n;
}

static void fmt_number(struct fmt *f, uint64_t v, bool negative)
{
	char b[24], *p = b + sizeof(b);

	do
		*--p = (char)('0' + v % 10);
	while (v /= 10);
	if (negative)
		*--p = '-';
	fmt_put(f, p, (size_t)(b + sizeof(b) - p));
}

static void fmt_text(struct fmt *f, int max)
{
	const char *s = va_arg(f->ap, const char *);

	if (s || max != 0) /* "%.*s" of an empty view may have no pointer */
		fmt_put(f, s ? s : "(null)",
			!s	  ? 6
			: max < 0 ? strlen(s)
				  : strnlen(s, (size_t)max));
}

/* One conversion, behind its "%". Its length in the format, 0: not known here. */
static size_t fmt_one(struct fmt *f, const char *c)
{
	char ch;
	int i;

	if (*c == 's') {
		fmt_text(f, -1);
	} else if (*c == 'u') {
		fmt_number(f, va_arg(f->ap, unsigned int), false);
	} else if (*c == 'd') {
		i = va_arg(f->ap, int);
		fmt_number(f, i < 0 ? -(uint64_t)i : (uint64_t)i, i < 0);
	} else if (*c == 'c') {
		ch = (char)va_arg(f->ap, int);
		fmt_put(f, &ch, 1);
	} else if (*c == '%') {
		fmt_put(f, c, 1);
	} else if (!strncmp(c, ".*s", 3)) {
		fmt_text(f, va_arg(f->ap, int));
		return 3;
	} else if (!strncmp(c, "zu", 2) || !strncmp(c, "lu", 2)) {
		fmt_number(f, va_arg(f->ap, unsigned long), false);
		return 2;
	} else if (!strncmp(c, "llu", 3)) {
		fmt_number(f, va_arg(f->ap, unsigned long long), false);
		return 3;
	} else {
		return 0;
	}
	return 1;
}

int str_vfmt(char *dst, size_t size, const char *fmt, va_list ap)
{
	struct fmt f = { .dst = dst, .size = size };
	const char *at = fmt, *c;
	size_t k = 1;

	va_copy(f.ap, ap);
	while (k && *(c = strchrnul(at, '%'))) {
		fmt_put(&f, at, (size_t)(c - at));
		k = fmt_one(&f, c + 1);
		at = c + 1 + k;
	}
	va_end(f.ap);
	if (!k)
		return vsnprintf(dst, size, fmt, ap);
	fmt_put(&f, at, strlen(at));
	if (size)
		dst[MIN(f.n, size - 1)] = '\0';
	return f.n <= INT32_MAX ? (int)f.n : -1;
}

int str_fmt(char *dst, size_t size, const char *fmt, ...)
{
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = str_vfmt(dst, size, fmt, ap);
	va_end(ap);
	return n;
}
