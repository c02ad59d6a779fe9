// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * kimsctl deregister IMPU: network-initiated de-registration (TS 24.229 5.4.1.5): the HSS sends
 * an RTR to the S-CSCF that serves the subscriber.
 */
#include <stdio.h>

#include "commands.h"

int cmd_deregister(struct kimsctl *k, int argc, char **argv)
{
	json_t *res = NULL;

	if (argc != 1) {
		fprintf(stderr, "usage: kimsctl deregister IMPU\n");
		return 2;
	}
	if (kc_call(k, "hss", json_pack("{s:s,s:s}", "cmd", "deregister", "impu", argv[0]), &res) < 0)
		return 1;
	json_decref(res);
	return 0;
}
