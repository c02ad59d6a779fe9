// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Options, then steps or scenario files; the help text, which the tables of phones and steps give.
 */
#include "options.h"

#include <getopt.h>
#include <stdio.h>

enum {
	OPT_PHONE = 256,
	OPT_SET,
	OPT_ACCESS,
	OPT_JSON,
	OPT_LADDER,
	OPT_KEYS,
	OPT_KEEP_GOING,
	OPT_NO_LEAVE,
	OPT_COUNT,
	OPT_IMSI,
	OPT_CSV,
	OPT_CHECK,
	OPT_QUIET,
	OPT_STATS,
	OPT_VERSION,
	OPT_MAN,
	OPT_HELP
};

static const struct option long_opts[] = {
	{ "phone", required_argument, NULL, OPT_PHONE },
	{ "set", required_argument, NULL, OPT_SET },
	{ "access", required_argument, NULL, OPT_ACCESS },
	{ "json", optional_argument, NULL, OPT_JSON },
	{ "ladder", required_argument, NULL, OPT_LADDER },
	{ "keys", required_argument, NULL, OPT_KEYS },
	{ "keep-going", no_argument, NULL, OPT_KEEP_GOING },
	{ "no-leave", no_argument, NULL, OPT_NO_LEAVE },
	{ "count", required_argument, NULL, OPT_COUNT },
	{ "imsi", required_argument, NULL, OPT_IMSI },
	{ "csv", required_argument, NULL, OPT_CSV },
	{ "check", no_argument, NULL, OPT_CHECK },
	{ "quiet", no_argument, NULL, OPT_QUIET },
	{ "stats", required_argument, NULL, OPT_STATS },
	{ "log", required_argument, NULL, 'l' },
	{ "version", no_argument, NULL, OPT_VERSION },
	{ "man", no_argument, NULL, OPT_MAN },
	{ "help", no_argument, NULL, OPT_HELP },
	{ NULL, 0, NULL, 0 },
};

static void usage(FILE *f)
{
	fputs("kims-ue: simulated IMS phones\n\n"
	      "  kims-ue [OPTION]... [--phone KEY=VALUE,...]... STEP [--KEY VALUE]... [STEP ...]\n"
	      "  kims-ue [OPTION]... SCENARIO.yaml\n\n"
	      "  --phone KEY=VALUE,...  a phone; keys below; a comma in a value is written twice\n"
	      "  --set KEY=VALUE,...    default of the phones that follow, also of a scenario file's\n"
	      "  --access KEY=VALUE,... SGWs and ePDG where phones with an apn attach; keys below\n"
	      "  --count N --csv FILE [--imsi FIRST]  N phones from a table with columns imsi,k,opc\n"
	      "  --json [FILE]          events as JSON lines on stdout instead of the table, or into FILE beside it\n"
	      "  --ladder FILE          log of all SIP messages as JSON lines\n"
	      "  --keys FILE            keys of the SAs in the format of Wireshark's esp_sa table\n"
	      "  --keep-going           go on after a step that failed\n"
	      "  --no-leave             do not de-register at the end what is still registered\n"
	      "  --check                only read options and scenario\n"
	      "  --quiet                no progress of long steps\n"
	      "  --stats TIME           in --json, an event with figures of all phones every TIME\n"
	      "  --log LEVEL            err, warn, notice, info, debug\n\n"
	      "Exit status: 0 when every step held, 1 when one did not, 2 for wrong usage.\n\nKeys of a phone:\n",
	      f);
	opt_print(phone_opts, f);
	fputs("\nKeys of the access side:\n", f);
	opt_print(access_opts, f);
	fputs("\nSteps, each with its keys; name and timeout with all:\n", f);
	for (size_t i = 0; step_kinds[i]; i++)
		fprintf(f, "  %-12s %s\n               %s\n", step_kinds[i]->name,
			step_kinds[i]->doc, step_kinds[i]->keys);
	fputs("\nKeys of steps:\n", f);
	opt_print(step_opts, f);
}

static int wrong(const char *what)
{
	fprintf(stderr, "kims-ue: %s\n", what);
	return -EINVAL;
}

static int add_phone(struct plan *p, const char *text)
{
	struct phone_conf *c = plan_add_phone(p);
	char why[1400];

	if (!c)
		return wrong("out of memory");
	return plan_set_phone(c, text, why, sizeof(why)) ? wrong(why) : 0;
}

static int set_defaults(struct plan *p, const char *text)
{
	char why[1400];

	return plan_set_phone(&p->defaults, text, why, sizeof(why)) ? wrong(why) : 0;
}

static int set_access(struct plan *p, const char *text)
{
	char why[1400];

	return plan_set_access(p, text, why, sizeof(why)) ? wrong(why) : 0;
}

static bool is_scenario(const char *word)
{
	size_t n = strlen(word);

	return (n > 5 && !strcmp(word + n - 5, ".yaml")) ||
	       (n > 4 && !strcmp(word + n - 4, ".yml"));
}

/* "--json FILE" as well as "--json=FILE": a word that is neither step nor scenario nor option is the file. */
static const char *json_target(int argc, char **argv)
{
	const char *next = optind < argc ? argv[optind] : NULL;

	if (optarg)
		return optarg;
	if (!next || *next == '-' || step_kind_find(next) || is_scenario(next))
		return "-";
	optind++;
	return next;
}

static int take(int c, int argc, char **argv, struct options *o, struct plan *p)
{
	uint64_t n;

	switch (c) {
	case OPT_PHONE:
		return add_phone(p, optarg);
	case OPT_SET:
		return set_defaults(p, optarg);
	case OPT_ACCESS:
		return set_access(p, optarg);
	case OPT_JSON:
		o->report.json = json_target(argc, argv);
		return 0;
	case OPT_LADDER:
		o->ladder = optarg;
		return 0;
	case OPT_KEYS:
		o->keys = optarg;
		return 0;
	case OPT_KEEP_GOING:
		p->sc->keep_going = true;
		return 0;
	case OPT_NO_LEAVE:
		o->no_leave = true;
		return 0;
	case OPT_COUNT:
		if (str_to_u64(str_of(optarg), 1000000, &n))
			return wrong("--count needs a number");
		o->count = n;
		return 0;
	case OPT_IMSI:
		o->imsi = optarg;
		return 0;
	case OPT_CSV:
		o->csv = optarg;
		return 0;
	case OPT_CHECK:
		o->check = true;
		return 0;
	case OPT_QUIET:
		o->report.quiet = true;
		return 0;
	case OPT_STATS:
		return opt_time_parse(optarg, &o->stats) ? wrong("--stats needs a time like 1s")
							 : 0;
	case 'l':
		return log_level_parse(optarg, &o->log_level)
			       ? wrong("--log: err, warn, notice, info or debug")
			       : 0;
	case OPT_VERSION:
		puts("kims-ue " KIMS_VERSION);
		return 1;
	case OPT_MAN:
		man_print(stdout);
		return 1;
	case OPT_HELP:
		usage(stdout);
		return 1;
	default:
		return wrong("see kims-ue --help");
	}
}

static int take_words(int argc, char **argv, struct plan *p)
{
	char why[1600];
	int r = 0;

	if (optind >= argc)
		return wrong("no step and no scenario file; see kims-ue --help");
	for (; !r && optind < argc && is_scenario(argv[optind]); optind++)
		r = scenario_file(p, argv[optind], why, sizeof(why));
	if (!r)
		r = scenario_words(p, argv + optind, why, sizeof(why));
	return r ? wrong(why) : 0;
}

int options_read(int argc, char **argv, struct options *o, struct plan *p)
{
	char why[400];
	int c, r = 0;

	*o = (struct options){ .report.table = true, .log_level = LOG_LVL_WARN };
	while (!r && (c = getopt_long(argc, argv, "+l:", long_opts, NULL)) != -1)
		r = take(c, argc, argv, o, p);
	if (r)
		return r;
	if (o->csv && plan_load_csv(p, o->csv, o->imsi, o->count ? o->count : 1, why, sizeof(why)))
		return wrong(why);
	o->report.table = !o->report.json || strcmp(o->report.json, "-");
	return take_words(argc, argv, p);
}
