// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * kimsctl show: tables of what the daemons hold, from their control sockets.
 *
 * A daemon answers "show WHAT" with a list of flat objects; the row below says which daemon, and
 * which keys make the columns. --json prints the answer as it is. A KEY behind WHAT selects the objects in
 * which some value contains it.
 */
#include <stdio.h>

#include "commands.h"

struct view {
	const char *what, *nf, *cmd;
	const char *cols[12];
};

static const struct view views[] = {
	{ "registration", "scscf", "show registration", { "impis", "impus", "state", "contacts" } },
	{ "ue", "pcscf", "show registration", { "impi", "impu", "address", "state", "expires", "alg", "ealg", "transport" } },
	{ "sa", "pcscf", "show sa", { "impi", "set", "state", "address", "port_uc", "port_us", "spi_uc", "spi_us", "spi_pc", "spi_ps", "packets", "drops" } },
	{ "flow", "pcscf", "show flow", { "id", "call_id", "kind", "local", "out_peer", "gate", "packets", "octets", "lost", "jitter", "drops" } },
	{ "session", "pcscf", "show session", { "call_id", "impi", "role", "state", "peer", "seconds", "flows" } },
	{ "history", "pcscf", "show history", { "impi", "role", "caller", "callee", "seconds", "why" } },
	{ "drops", "pcscf", "show drops", { "time", "reason", "src", "dst", "spi", "sa_impi", "victim_impi", "count" } },
	{ "subscriber", "hss", "show subscriber", { "imsi", "impi", "impu", "state", "scscf", "barred" } },
	{ "pcrf", "pcrf", "show sessions", { "imsi", "apn", "address", "state", "pcef", "qci", "ambr_ul", "ambr_dl", "rat", "rules" } },
	{ "rules", "pcrf", "show rules", { "rule", "imsi", "state", "component", "flow", "qci", "arp", "mbr_ul", "mbr_dl", "gbr_dl", "gate", "filter" } },
	{ "af", "pcrf", "show af", { "af", "imsi", "address", "state", "signalling", "session" } },
	{ "rx", "pcscf", "show rx", { "of", "impi", "call_id", "state", "pcrf", "id" } },
	{ "pdn", "smf", "show pdn", { "imsi", "msisdn", "apn", "address", "state", "rat", "peer", "bearers", "qci", "ambr_ul", "ambr_dl" } },
	{ "bearers", "smf", "show bearers", { "imsi", "apn", "ebi", "state", "qci", "arp", "gbr_ul", "gbr_dl", "mbr_dl", "rules", "access", "upf" } },
	{ "enforced", "smf", "show rules", { "rule", "imsi", "apn", "state", "ebi", "precedence", "qci", "gate", "filter" } },
	{ "sgw", "smf", "show peers", { "identity", "state", "pdn", "restarts" } },
	{ "addresses", "smf", "show pools", { "apn", "prefix", "bits", "size", "taken", "waiting" } },
	{ "upf", "upf", "show sessions", { "imsi", "address", "teids", "seid", "cp_seid", "node" } },
	{ "pdr", "upf", "show rules", { "imsi", "pdr", "precedence", "from", "teid", "filters", "gate", "action", "packets", "octets", "dropped" } },
	{ "cp", "upf", "show nodes", { "node", "address", "state", "sessions" } },
	{ "pools", "upf", "show pools", { "instance", "ipv4", "ipv4_used", "ipv6", "ipv6_used" } },
	{ "applications", "upf", "show applications", { "application", "flows", "urls", "domains", "detected" } },
	{ "peers", "hss", "show peers", { "identity", "state" } },
};

static void cell_of_object(json_t *v, char *dst, size_t size)
{
	static const char *const names[] = { "impu", "uri", "contact", "name", "id" };

	snprintf(dst, size, "-");
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		json_t *n = json_object_get(v, names[i]);

		if (json_is_string(n)) {
			kc_cell(n, dst, size);
			return;
		}
	}
}

void kc_cell(json_t *v, char *dst, size_t size)
{
	json_t *e;
	size_t i, used = 0;

	switch (json_typeof(v)) {
	case JSON_STRING:
		snprintf(dst, size, "%s", json_string_value(v));
		break;
	case JSON_INTEGER:
		snprintf(dst, size, "%lld", json_integer_value(v));
		break;
	case JSON_REAL:
		snprintf(dst, size, "%.3f", json_real_value(v));
		break;
	case JSON_TRUE:
	case JSON_FALSE:
		snprintf(dst, size, "%s", json_is_true(v) ? "yes" : "no");
		break;
	case JSON_ARRAY:
		*dst = 0;
		json_array_foreach(v, i, e) {
			char one[256];

			kc_cell(e, one, sizeof(one));
			used += (size_t)snprintf(dst + used, size - used, "%s%s", i ? "," : "", one);
			if (used >= size)
				break;
		}
		break;
	case JSON_OBJECT: /* what names it */
		cell_of_object(v, dst, size);
		break;
	case JSON_NULL:
		snprintf(dst, size, "-");
		break;
	}
}

bool kc_selected(json_t *obj, const char *key)
{
	char text[1024];
	const char *name;
	json_t *v;

	if (!key)
		return true;
	json_object_foreach(obj, name, v) {
		kc_cell(v, text, sizeof(text));
		if (strstr(text, key))
			return true;
	}
	return false;
}

static void print_table(const struct view *v, json_t *list, const char *key)
{
	struct kc_table *t;
	size_t n = 0, i;
	json_t *obj;

	while (n < ARRAY_SIZE(v->cols) && v->cols[n])
		n++;
	t = kc_table_new(v->cols, n);
	json_array_foreach(list, i, obj) {
		char text[12][1024];
		const char *cells[12];

		if (!kc_selected(obj, key))
			continue;
		for (size_t c = 0; c < n; c++) {
			json_t *val = json_object_get(obj, v->cols[c]);

			cells[c] = text[c];
			if (val)
				kc_cell(val, text[c], sizeof(text[c]));
			else
				strcpy(text[c], "-");
		}
		kc_table_row(t, cells);
	}
	kc_table_print(t);
}

static int show_metrics(struct kimsctl *k, const char *nf)
{
	json_t *res = NULL;
	int r = kc_call(k, nf, json_pack("{s:s}", "cmd", "metrics-text"), &res);

	if (r < 0)
		return 1;
	if (json_is_string(res))
		fputs(json_string_value(res), stdout);
	else
		json_dumpf(res, stdout, JSON_INDENT(2)), putchar('\n');
	json_decref(res);
	return 0;
}

static int show_view(struct kimsctl *k, const struct view *v, const char *key)
{
	json_t *res = NULL, *obj;
	size_t i;

	if (kc_call(k, v->nf, json_pack("{s:s,s:s}", "cmd", "show", "what", v->cmd + 5), &res) < 0)
		return 1;
	if (k->json) {
		for (i = json_array_size(res); key && i-- > 0;) {
			obj = json_array_get(res, i);
			if (!kc_selected(obj, key))
				json_array_remove(res, i);
		}
		json_dumpf(res, stdout, JSON_INDENT(2)), putchar('\n');
	} else {
		print_table(v, res, key);
	}
	json_decref(res);
	return 0;
}

int cmd_show(struct kimsctl *k, int argc, char **argv)
{
	if (argc >= 1 && !strcmp(argv[0], "kernel"))
		return cmd_show_kernel(k, argc - 1, argv + 1);
	if (argc >= 1 && !strcmp(argv[0], "metrics"))
		return show_metrics(k, argc > 1 ? argv[1] : "pcscf");
	for (size_t i = 0; argc >= 1 && i < ARRAY_SIZE(views); i++)
		if (!strcmp(argv[0], views[i].what))
			return show_view(k, &views[i], argc > 1 ? argv[1] : NULL);
	fprintf(stderr, "usage: kimsctl show WHAT [KEY]; WHAT is one of:");
	for (size_t i = 0; i < ARRAY_SIZE(views); i++)
		fprintf(stderr, " %s", views[i].what);
	fprintf(stderr, " kernel metrics\n");
	return 2;
}
