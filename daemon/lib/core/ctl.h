/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The control socket of a daemon (/run/kims/NF.sock, SOCK_STREAM, mode 0660) and its client.
 *
 * One JSON object a line each way: {"cmd":"show","what":"registration",...} gives
 * {"ok":true,"result":...} or {"ok":false,"error":"a sentence"}. Commands are rows of a table.
 * The peer's credentials (SO_PEERCRED) decide: commands marked privileged need uid 0 or the daemon's own uid.
 */
#ifndef KIMS_CORE_CTL_H
#define KIMS_CORE_CTL_H

#include <jansson.h>

#include "lib/core/loop.h"

struct ctl;

struct ctl_cmd {
	const char *name; /* "show registration" : cmd + " " + what */
	const char *help;
	bool privileged;
	/*
	 * Fills *ret_result (new reference) and returns 0, or returns -errno and writes a sentence
	 * to err.
	 */
	int (*fn)(void *arg, const json_t *request, json_t **ret_result, char *err, size_t errsize);
};

/* cmds ends with .name = NULL and is borrowed. Every socket also answers "ping" and "metrics". */
int ctl_listen(struct loop *l, const char *path, const struct ctl_cmd *cmds, void *arg, struct ctl **ret);
void ctl_free(struct ctl *c); /* unlinks the socket */

/*
 * Client, blocking, for kimsctl: sends request, waits timeout_ms. 0: *ret_result is a new
 * reference. -errno with a sentence in err: -ENOENT daemon not running, -ETIMEDOUT, -EPROTO...
 */
int ctl_call(const char *path, json_t *request, int timeout_ms, json_t **ret_result, char *err, size_t errsize);

#endif
