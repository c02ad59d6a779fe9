// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * kimsctl: operate, inspect and trace the network from a shell.
 *
 * main() reads the global options, finds the row whose words match, and runs it. What a command
 * does is in its own file.
 */
#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>

#include "commands.h"
#include "lib/core/ctl.h"
#include "lib/core/log.h"

static const struct kc_command commands[] = {
	{ "status", "", "is every part up, and what does it carry now", cmd_status },
	{ "ping", "NF", "exit status 0 when the daemon answers", cmd_ping },
	{ "show", "registration|ue|sa|flow|session|history|drops|subscriber|peers|pcrf|rules|af|rx|upf|pdr|cp|pools|applications|pdn|bearers|enforced|sgw|addresses|kernel|metrics [KEY]",
	  "tables of what the daemons and the kernel hold", cmd_show },
	{ "trace", "-o DIR [-t SECONDS]",
	  "capture all interfaces, with the keys to decrypt ESP written beside it", cmd_trace },
	{ "monitor", "[-w FILE] [-t SECONDS] [-n PACKETS] [IMSI|SESSION]...",
	  "inner packets of subscribers in GTP-U: a line each, or a pcapng file", cmd_monitor },
	{ "subscriber", "add|show|set|del|session|import|export ...", "the subscribers of the HSS; what they get at an APN",
	  cmd_subscriber },
	{ "deregister", "IMPU", "network-initiated de-registration (RTR from the HSS)",
	  cmd_deregister },
	{ "config check", "[FILE]", "read the configuration; say what is wrong with it",
	  cmd_config_check },
	{ "config sample", "", "print a commented sample file with every key and its default",
	  cmd_config_sample },
	{ "config man", "", "print the source of the man page kims.yaml(5)", cmd_config_man },
	{ "dns zone", "", "print an unbound configuration that serves the home network domain",
	  cmd_dns_zone },
	{ "lab", "up|down", "put the configured core addresses on a dummy interface (a lab without a "
			    "network of its own)",
	  cmd_lab },
	{ "kernel clear", "", "take what a stopped P-CSCF and UPF left in the kernel out of it: flows, SA "
			      "sets, IPsec, closed ports; GTP-U sessions, endpoints, device", cmd_kernel_clear },
};

static void usage(FILE *f)
{
	fprintf(f, "usage: kimsctl [-c FILE] [-r RUNDIR] [-s STATEDIR] [--json] COMMAND ...\n\n");
	for (size_t i = 0; i < ARRAY_SIZE(commands); i++)
		fprintf(f, "  %-14s %-28s %s\n", commands[i].words, commands[i].args,
			commands[i].help);
	fprintf(f, "\nExit status: 0 done, 1 something is wrong (a sentence says what), 2 usage.\n");
}

int kc_fail(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	fputs("kimsctl: ", stderr);
	vfprintf(stderr, fmt, ap);
	fputc('\n', stderr);
	va_end(ap);
	return 1;
}

const struct conf *kc_conf(struct kimsctl *k)
{
	char err[512];

	if (!k->conf && conf_load(k->conf_path, &k->conf, err, sizeof(err)) < 0) {
		kc_fail("%s", err);
		return NULL;
	}
	return k->conf;
}

int kc_call(struct kimsctl *k, const char *nf, json_t *request, json_t **ret_result)
{
	char path[256], err[512];
	int r;

	snprintf(path, sizeof(path), "%s/%s.sock", k->run_dir, nf);
	r = ctl_call(path, request, 5000, ret_result, err, sizeof(err));
	json_decref(request);
	if (r < 0)
		kc_fail("%s: %s", nf, err);
	return r;
}

/* Number of words of the row that argv begins with, or 0. */
static int match(const struct kc_command *c, int argc, char **argv)
{
	struct str rest = str_of(c->words), word;
	int n = 0;

	while (str_split(&rest, ' ', &word)) {
		if (n >= argc || !str_eqz(word, argv[n]))
			return 0;
		n++;
	}
	return n;
}

static int dispatch(struct kimsctl *k, int argc, char **argv)
{
	for (size_t i = 0; i < ARRAY_SIZE(commands); i++) {
		int n = match(&commands[i], argc, argv);

		if (n)
			return commands[i].fn(k, argc - n, argv + n);
	}
	kc_fail("there is no command \"%s\"; kimsctl --help lists them", argv[0]);
	return 2;
}

/* Options may stand anywhere before the command's own; --json also behind it. */
static int take_json(int argc, char **argv, bool *json)
{
	int n = 0;

	for (int i = 0; i < argc; i++) {
		if (!strcmp(argv[i], "--json"))
			*json = true;
		else
			argv[n++] = argv[i];
	}
	argv[n] = NULL;
	return n;
}

int main(int argc, char **argv)
{
	static const struct option opts[] = { { "help", no_argument, NULL, 'h' },
					      { "version", no_argument, NULL, 'V' },
					      { 0 } };
	struct kimsctl k = { .run_dir = "/run/kims", .state_dir = "/var/lib/kims" };
	int c, r;

	log_init("kimsctl", LOG_LVL_WARN, false);
	argc = take_json(argc, argv, &k.json);
	k.tty = isatty(STDERR_FILENO);
	while ((c = getopt_long(argc, argv, "+c:r:s:h", opts, NULL)) != -1) {
		switch (c) {
		case 'c':
			k.conf_path = optarg;
			break;
		case 'r':
			k.run_dir = optarg;
			break;
		case 's':
			k.state_dir = optarg;
			break;
		case 'h':
			usage(stdout);
			return 0;
		case 'V':
			puts("kimsctl " KIMS_VERSION);
			return 0;
		default:
			usage(stderr);
			return 2;
		}
	}
	if (optind >= argc) {
		usage(stderr);
		return 2;
	}
	if (!k.conf_path && !access("/etc/kims/kims.yaml", R_OK))
		k.conf_path = "/etc/kims/kims.yaml";
	r = dispatch(&k, argc - optind, argv + optind);
	conf_free(k.conf);
	return r;
}
