// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Byte strings and numbers, as declared in base.h.
 *
 * Invariant: no function reads beyond a view's length or writes beyond the size it was given.
 */
#include "lib/core/base.h"

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
