/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Every object of kims.ko as JSON, by the schema and not by hand: names, nesting and values are
 * those of docs/netlink.md, so that what the kernel tells is never left out here. Keys of SRTP are
 * not told.
 *
 * Bits are lists of names, enumerations their names, addresses text, other octets hex; a number
 * that does not fit into 63 bits is text.
 */
#ifndef KIMS_NETLINK_KIMS_NL_JSON_H
#define KIMS_NETLINK_KIMS_NL_JSON_H

#include <jansson.h>

#include "lib/netlink/kims_nl.h"

enum knl_object {
	KNL_OBJ_STATS,	  /* one */
	KNL_OBJ_SETTINGS, /* one */
	KNL_OBJ_ENDPOINT,
	KNL_OBJ_SESSION,
	KNL_OBJ_RTP_FLOW,
	KNL_OBJ_GM_PORT,
	KNL_OBJ_SA_SET,
	KNL_OBJ_APP_FLOW, /* of one session */
	KNL_OBJ_INGRESS,
};

/* The object is the callee's to keep with json_incref(). Not 0 becomes the result. */
typedef int (*knl_json_fn)(void *arg, json_t *object);
/*
 * All objects of a kind, whole, in the kernel's order. session: whose app flows, or which session
 * (-ENOENT: there is none), else 0. 0 or -errno, knl_error() set.
 */
int knl_json_dump(struct knl *k, enum knl_object kind, uint64_t session, knl_json_fn fn, void *arg);

/* Names of all reasons of drop, one after the other; NULL: no more. */
const char *knl_json_reason(size_t i);

#endif
