/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The rows of the configuration: one per key. Internal to conf.c, and to whoever prints the keys.
 */
#ifndef KIMS_CORE_CONF_SCHEMA_H
#define KIMS_CORE_CONF_SCHEMA_H

#include "lib/core/conf.h"

enum conf_type {
	CONF_STR,    /* any text; char * */
	CONF_NAME,   /* a domain name, may be empty; char * */
	CONF_ADDR,   /* an IPv4 or IPv6 address, or "none"; struct conf_addr */
	CONF_PORT,   /* uint16_t within min..max */
	CONF_U32,    /* uint32_t within min..max */
	CONF_BOOL,   /* bool */
	CONF_CHOICE, /* one word of choices; char * */
	CONF_WORDS,  /* words of choices, separated by spaces, in order of preference; char * */
};

struct conf_row {
	const char *section; /* "" at the top */
	const char *key;
	enum conf_type type;
	size_t offset; /* in struct conf */
	uint32_t min, max;
	const char *def;
	const char *choices;
	const char *doc; /* one line: meaning, unit, clause */
};

struct conf_section {
	const char *name;
	const char *doc;
};

extern const struct conf_row conf_rows[];
extern const size_t conf_n_rows;
extern const struct conf_section conf_sections[];
extern const size_t conf_n_sections;

#endif
