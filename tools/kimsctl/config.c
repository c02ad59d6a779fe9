// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * kimsctl config: the configuration judged, explained, printed.
 */
#include <stdio.h>

#include "commands.h"

int cmd_config_check(struct kimsctl *k, int argc, char **argv)
{
	if (argc > 1)
		return 2;
	if (argc == 1)
		k->conf_path = argv[0];
	if (!kc_conf(k))
		return 1;
	printf("%s: good\n", k->conf_path ? k->conf_path : "defaults");
	return 0;
}

int cmd_config_sample(struct kimsctl *k _unused_, int argc _unused_, char **argv _unused_)
{
	return conf_sample(stdout) < 0;
}

int cmd_config_man(struct kimsctl *k _unused_, int argc _unused_, char **argv _unused_)
{
	return conf_man(stdout) < 0;
}
