/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How objects of kims.ko become cells of a table; names are those of docs/netlink.md. */
#ifndef KIMSCTL_KERNEL_SHOW_H
#define KIMSCTL_KERNEL_SHOW_H

#include "commands.h"

enum form {
	FORM_VALUE,
	FORM_HEX,
	FORM_DEVICE,  /* its name */
	FORM_ADDRESS, /* path-ipv4, path-ipv6 and path-port; "a|b": of the first that is there */
	FORM_RATE,    /* bit/s */
	FORM_JITTER,  /* of the flow's clock, in ms */
	FORM_SUM,     /* of all numbers of an object */
	FORM_COUNT,   /* of a list */
	FORM_TOTAL,   /* "list.name": over a list */
	FORM_NAMES,   /* "a,b": those that are 1 */
};

struct column {
	const char *head;
	enum form form;
	const char *path; /* "outer.inner" */
};

/* "-" for what is not there. */
void kernel_cell(json_t *object, const struct column *c, char *dst, size_t size);
/* The session's id or label is key, or key is an address of its UE. */
bool kernel_session_is(json_t *session, const char *key);

#endif
