/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Log lines for the journal: "<PRIO>text" on stderr, one line each, control characters escaped.
 *
 * Library code logs at debug at most. What a line says is a sentence that an operator can act on.
 * Secrets (K, OPc, IK, CK, RES) are never passed to these functions.
 */
#ifndef KIMS_CORE_LOG_H
#define KIMS_CORE_LOG_H

#include "lib/core/base.h"

enum log_level { LOG_LVL_ERR = 3, LOG_LVL_WARN = 4, LOG_LVL_NOTICE = 5, LOG_LVL_INFO = 6, LOG_LVL_DEBUG = 7 };

void log_init(const char *ident, enum log_level max, bool journal); /* journal: prefix <N>, no time stamp */
void log_set_level(enum log_level max);
bool log_enabled(enum log_level l);
int log_level_parse(const char *s, enum log_level *ret); /* err warn notice info debug */
void log_write(enum log_level l, const char *fmt, ...) _printf_(2, 3);

#define log_err(...) log_write(LOG_LVL_ERR, __VA_ARGS__)
#define log_warn(...) log_write(LOG_LVL_WARN, __VA_ARGS__)
#define log_notice(...) log_write(LOG_LVL_NOTICE, __VA_ARGS__)
#define log_info(...) log_write(LOG_LVL_INFO, __VA_ARGS__)
#define log_debug(...)                                                                             \
	do {                                                                                       \
		if (log_enabled(LOG_LVL_DEBUG))                                                    \
			log_write(LOG_LVL_DEBUG, __VA_ARGS__);                                     \
	} while (0)

#endif
