// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Log lines on stderr, in the form that sd-daemon(3) describes ("<N>text") or with a time stamp.
 *
 * Invariant: one call writes one line with one write(2), whatever bytes a peer sent: control
 * characters come out as \xNN.
 */
#include "lib/core/log.h"

#include <stdarg.h>
#include <stdio.h>
#include <time.h>

#define LINE 2048

static struct {
	char ident[32];
	enum log_level max;
	bool journal;
} g = { .ident = "kims", .max = LOG_LVL_NOTICE };

static const char *const names[] = {
	[LOG_LVL_ERR] = "err",	 [LOG_LVL_WARN] = "warn",   [LOG_LVL_NOTICE] = "notice",
	[LOG_LVL_INFO] = "info", [LOG_LVL_DEBUG] = "debug",
};

void log_init(const char *ident, enum log_level max, bool journal)
{
	snprintf(g.ident, sizeof(g.ident), "%s", ident);
	g.max = max;
	g.journal = journal;
}

void log_set_level(enum log_level max)
{
	g.max = max;
}

bool log_enabled(enum log_level l)
{
	return l <= g.max;
}

int log_level_parse(const char *s, enum log_level *ret)
{
	for (unsigned int i = LOG_LVL_ERR; i <= LOG_LVL_DEBUG; i++) {
		if (!strcmp(s, names[i])) {
			*ret = (enum log_level)i;
			return 0;
		}
	}
	return -EINVAL;
}

static size_t put_prefix(char *buf, size_t size, enum log_level l)
{
	struct timespec ts;
	struct tm tm;
	size_t n;

	if (g.journal)
		return (size_t)snprintf(buf, size, "<%d>", (int)l);
	clock_gettime(CLOCK_REALTIME, &ts);
	gmtime_r(&ts.tv_sec, &tm);
	n = strftime(buf, size, "%H:%M:%S", &tm);
	return n + (size_t)snprintf(buf + n, size - n, ".%03ld %s %s: ", ts.tv_nsec / 1000000,
				    g.ident, names[l]);
}

static size_t escape(char *dst, size_t size, const char *s)
{
	size_t n = 0;

	for (; *s && n + 5 < size; s++) {
		unsigned char c = (unsigned char)*s;

		if (c >= 0x20 && c != 0x7f)
			dst[n++] = (char)c;
		else
			n += (size_t)snprintf(dst + n, size - n, "\\x%02x", c);
	}
	return n;
}

void log_write(enum log_level l, const char *fmt, ...)
{
	char text[LINE], line[LINE + 128];
	int saved = errno;
	va_list ap;
	size_t n;

	if (!log_enabled(l))
		return;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	n = put_prefix(line, 96, l);
	n += escape(line + n, sizeof(line) - n - 1, text);
	line[n++] = '\n';
	ssize_t r _unused_ = write(STDERR_FILENO, line, n);
	errno = saved;
}
