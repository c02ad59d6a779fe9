// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * kimsctl show kernel: the objects of kims.ko in this network namespace, with their counters.
 *
 * Objects come as JSON by the schema (lib/netlink/kims_nl_json.h), and --json prints them so, whole;
 * a table is the columns below of each. Nothing is kept of a list but its rows, however long it is.
 */
#include <stdio.h>

#include "kernel_show.h"
#include "lib/netlink/kims_nl_json.h"

#define COLUMNS 20

/* A table of objects, or of what lies in a list of each. */
struct view {
	const char *what, *help;
	enum knl_object kind;
	struct column cols[COLUMNS];
};

static const struct view views[] = {
	{ "endpoint", "GTP-U endpoints", KNL_OBJ_ENDPOINT,
	  { { "id", FORM_VALUE, "id" }, { "local", FORM_ADDRESS, "local" },
	    { "device", FORM_DEVICE, "device" },
	    { "options", FORM_NAMES, "udp-checksum,entropy,fragment-outer,stack,mss-clamp" },
	    { "users", FORM_VALUE, "users" }, { "received", FORM_VALUE, "received" },
	    { "forwarded", FORM_VALUE, "forwarded" }, { "signalling", FORM_VALUE, "signalling" },
	    { "sent", FORM_VALUE, "sent" }, { "drops", FORM_SUM, "drops" } } },
	{ "session", "sessions; with an id, label or UE address all of one", KNL_OBJ_SESSION,
	  { { "id", FORM_VALUE, "id" }, { "label", FORM_VALUE, "label" },
	    { "ue", FORM_ADDRESS, "ue" }, { "pdrs", FORM_COUNT, "pdr" },
	    { "fars", FORM_COUNT, "far" }, { "qers", FORM_COUNT, "qer" },
	    { "urrs", FORM_COUNT, "urr" }, { "packets", FORM_TOTAL, "pdr.packets" },
	    { "octets", FORM_TOTAL, "pdr.octets" }, { "dropped", FORM_TOTAL, "pdr.dropped" },
	    { "waiting", FORM_VALUE, "buffered-packets" }, { "idle_ms", FORM_VALUE, "idle" } } },
	{ "rtp", "media flows", KNL_OBJ_RTP_FLOW,
	  { { "id", FORM_VALUE, "id" }, { "media", FORM_VALUE, "media" },
	    { "local", FORM_ADDRESS, "local" }, { "from", FORM_ADDRESS, "latched|peer" },
	    { "to", FORM_ADDRESS, "dst" }, { "gate", FORM_VALUE, "gate" },
	    { "srtp_in", FORM_VALUE, "srtp-in.suite" }, { "srtp_out", FORM_VALUE, "srtp-out.suite" },
	    { "packets", FORM_VALUE, "counters.packets" }, { "octets", FORM_VALUE, "counters.octets" },
	    { "lost", FORM_VALUE, "counters.lost" }, { "jitter_ms", FORM_JITTER, "counters.jitter" },
	    { "ssrc", FORM_HEX, "counters.ssrc" }, { "drops", FORM_SUM, "counters.drops" },
	    { "idle_ms", FORM_VALUE, "idle" } } },
	{ "port", "protected ports of Gm", KNL_OBJ_GM_PORT,
	  { { "local", FORM_ADDRESS, "local" }, { "packets", FORM_VALUE, "packets" },
	    { "drops", FORM_SUM, "drops" }, { "cleartext", FORM_VALUE, "drops.cleartext" },
	    { "unbound", FORM_VALUE, "drops.unbound" }, { "wrong_sa", FORM_VALUE, "drops.wrong-sa" },
	    { "spoofed", FORM_VALUE, "drops.spoofed-source" },
	    { "wrong_tunnel", FORM_VALUE, "drops.wrong-tunnel" } } },
	{ "set", "SA sets of Gm", KNL_OBJ_SA_SET,
	  { { "id", FORM_VALUE, "id" }, { "label", FORM_VALUE, "label" },
	    { "ue", FORM_ADDRESS, "ue" }, { "local", FORM_ADDRESS, "local" },
	    { "port_uc", FORM_VALUE, "port-uc" }, { "port_us", FORM_VALUE, "port-us" },
	    { "port_pc", FORM_VALUE, "port-pc" }, { "port_ps", FORM_VALUE, "port-ps" },
	    { "spi_uc", FORM_HEX, "spi-uc" }, { "spi_us", FORM_HEX, "spi-us" },
	    { "spi_pc", FORM_HEX, "spi-pc" }, { "spi_ps", FORM_HEX, "spi-ps" },
	    { "in_pc", FORM_VALUE, "counters.packets-pc" }, { "in_ps", FORM_VALUE, "counters.packets-ps" },
	    { "out_uc", FORM_VALUE, "counters.packets-uc" }, { "out_us", FORM_VALUE, "counters.packets-us" },
	    { "drops", FORM_SUM, "counters.drops" }, { "session", FORM_VALUE, "gtpu-session" } } },
	{ "app-flow", "flows of which the application is known; with a session's key, of that", KNL_OBJ_APP_FLOW,
	  { { "session", FORM_VALUE, "session" }, { "app", FORM_VALUE, "app-id" },
	    { "protocol", FORM_VALUE, "protocol" }, { "ue", FORM_ADDRESS, "ue" },
	    { "remote", FORM_ADDRESS, "remote" } } },
	{ "ingress", "devices at whose ingress packets are taken", KNL_OBJ_INGRESS,
	  { { "device", FORM_DEVICE, "device" }, { "index", FORM_VALUE, "device" } } },
	{ "settings", "settings of the namespace", KNL_OBJ_SETTINGS,
	  { { "postrouting", FORM_VALUE, "postrouting" } } },
};

/* What a session consists of. */
static const struct part {
	const char *list;
	struct column cols[COLUMNS];
} parts[] = {
	{ "pdr",
	  { { "pdr", FORM_VALUE, "id" }, { "precedence", FORM_VALUE, "precedence" },
	    { "source", FORM_VALUE, "source-interface" }, { "endpoint", FORM_VALUE, "endpoint" },
	    { "teid", FORM_HEX, "teid" }, { "qfi", FORM_VALUE, "qfi" },
	    { "filters", FORM_COUNT, "filter" }, { "app", FORM_VALUE, "app-id" },
	    { "options", FORM_NAMES, "keep-outer-header,any-source" },
	    { "device", FORM_DEVICE, "device" }, { "far", FORM_VALUE, "far-id" },
	    { "qers", FORM_VALUE, "qer-id" }, { "urrs", FORM_VALUE, "urr-id" },
	    { "packets", FORM_VALUE, "packets" }, { "octets", FORM_VALUE, "octets" },
	    { "dropped", FORM_VALUE, "dropped" } } },
	{ "filter",
	  { { "pdr", FORM_VALUE, "pdr" }, { "filter", FORM_VALUE, "id" },
	    { "direction", FORM_VALUE, "direction" }, { "protocol", FORM_VALUE, "protocol" },
	    { "ue", FORM_ADDRESS, "ue" }, { "ue_ports", FORM_VALUE, "ue-ports" },
	    { "remote", FORM_ADDRESS, "remote" }, { "remote_ports", FORM_VALUE, "remote-ports" },
	    { "tos", FORM_HEX, "tos" }, { "tos_mask", FORM_HEX, "tos-mask" },
	    { "spi", FORM_HEX, "spi" }, { "flow_label", FORM_HEX, "flow-label" } } },
	{ "far",
	  { { "far", FORM_VALUE, "id" }, { "action", FORM_VALUE, "apply-action" },
	    { "to", FORM_VALUE, "destination-interface" }, { "endpoint", FORM_VALUE, "endpoint" },
	    { "peer", FORM_ADDRESS, "peer" }, { "teid", FORM_HEX, "teid" },
	    { "dscp", FORM_VALUE, "dscp" }, { "device", FORM_DEVICE, "device" },
	    { "copy_to", FORM_ADDRESS, "dup" }, { "copy_teid", FORM_HEX, "dup-teid" } } },
	{ "qer",
	  { { "qer", FORM_VALUE, "id" }, { "gate_ul", FORM_VALUE, "gate-ul" },
	    { "gate_dl", FORM_VALUE, "gate-dl" }, { "mbr_ul", FORM_RATE, "mbr-ul" },
	    { "mbr_dl", FORM_RATE, "mbr-dl" }, { "gbr_ul", FORM_RATE, "gbr-ul" },
	    { "gbr_dl", FORM_RATE, "gbr-dl" }, { "qfi", FORM_VALUE, "qfi" },
	    { "octets_ul", FORM_VALUE, "octets-ul" }, { "octets_dl", FORM_VALUE, "octets-dl" },
	    { "dropped_ul", FORM_VALUE, "dropped-ul" }, { "dropped_dl", FORM_VALUE, "dropped-dl" } } },
	{ "urr",
	  { { "urr", FORM_VALUE, "id" }, { "method", FORM_VALUE, "method" },
	    { "triggers", FORM_VALUE, "triggers" }, { "threshold", FORM_VALUE, "volume-threshold" },
	    { "quota", FORM_VALUE, "volume-quota" }, { "octets", FORM_VALUE, "octets" },
	    { "octets_ul", FORM_VALUE, "octets-ul" }, { "octets_dl", FORM_VALUE, "octets-dl" },
	    { "packets", FORM_VALUE, "packets" }, { "duration_ms", FORM_VALUE, "duration" },
	    { "exhausted", FORM_VALUE, "exhausted" }, { "reports", FORM_VALUE, "seq" } } },
};

/* --- tables --- */

static size_t n_columns(const struct column *cols)
{
	size_t n = 0;

	while (n < COLUMNS && cols[n].head)
		n++;
	return n;
}

static struct kc_table *table_new(const struct column *cols)
{
	const char *heads[COLUMNS];
	size_t n = n_columns(cols), i;

	for (i = 0; i < n; i++)
		heads[i] = cols[i].head;
	return kc_table_new(heads, n);
}

static void table_add(struct kc_table *t, const struct column *cols, json_t *object)
{
	char text[COLUMNS][1024];
	const char *cells[COLUMNS];
	size_t n = n_columns(cols), i;

	for (i = 0; i < n; i++) {
		kernel_cell(object, &cols[i], text[i], sizeof(text[i]));
		cells[i] = text[i];
	}
	kc_table_row(t, cells);
}

/* --- lists --- */

/* A dump on its way out. */
struct output {
	struct kimsctl *kc;
	const struct view *view;
	const char *key;
	bool (*wanted)(json_t *object, const char *key);
	bool details; /* each by itself, all of it */
	struct kc_table *table;
	size_t n;
};

static void print_json(struct output *o, json_t *object)
{
	fputs(o->n ? ",\n" : "[\n", stdout);
	json_dumpf(object, stdout, JSON_INDENT(2));
}

/* "low << 16 | high" as low-high, or one number. */
static void ports_readable(json_t *filter, const char *name)
{
	json_t *list = json_object_get(filter, name), *e;
	char text[16];
	size_t i;

	json_array_foreach(list, i, e) {
		unsigned int v = (unsigned int)json_integer_value(e);

		if (v >> 16 == (v & 0xffff))
			snprintf(text, sizeof(text), "%u", v >> 16);
		else
			snprintf(text, sizeof(text), "%u-%u", v >> 16, v & 0xffff);
		json_array_set_new(list, i, json_string(text));
	}
}

/* All filters of a session in one list, each with its PDR. */
static void collect_filters(json_t *session)
{
	json_t *all = json_array(), *pdr, *filter;
	size_t i, j;

	json_array_foreach(json_object_get(session, "pdr"), i, pdr)
		json_array_foreach(json_object_get(pdr, "filter"), j, filter) {
			json_object_set(filter, "pdr", json_object_get(pdr, "id"));
			ports_readable(filter, "ue-ports");
			ports_readable(filter, "remote-ports");
			json_array_append(all, filter);
		}
	json_object_set_new(session, "filter", all);
}

static void print_part(const struct part *p, json_t *session)
{
	json_t *list = json_object_get(session, p->list), *e;
	struct kc_table *t;
	size_t i;

	if (!json_array_size(list))
		return;
	putchar('\n');
	t = table_new(p->cols);
	json_array_foreach(list, i, e)
		table_add(t, p->cols, e);
	kc_table_print(t);
}

static void print_details(struct output *o, json_t *session)
{
	struct kc_table *t = table_new(o->view->cols);
	size_t i;

	if (o->n)
		putchar('\n');
	table_add(t, o->view->cols, session);
	kc_table_print(t);
	collect_filters(session);
	for (i = 0; i < ARRAY_SIZE(parts); i++)
		print_part(&parts[i], session);
}

static int show_object(void *arg, json_t *object)
{
	struct output *o = arg;

	if (o->key && !o->wanted(object, o->key))
		return 0;
	if (o->kc->json)
		print_json(o, object);
	else if (o->details)
		print_details(o, object);
	else
		table_add(o->table, o->view->cols, object);
	o->n++;
	return 0;
}

/* Prints what is left to print. */
static int finish(struct output *o, struct knl *knl, int r)
{
	if (o->kc->json)
		puts(o->n ? "\n]" : "[]");
	else if (o->table)
		kc_table_print(o->table);
	if (r < 0)
		return kc_fail("kims.ko: %s", knl_error(knl));
	if (o->details && !o->n)
		return kc_fail("no session has the id, label or UE address \"%s\"", o->key);
	return 0;
}

/* --- one session --- */

static uint64_t id_of(const char *key)
{
	char *end;
	uint64_t id = strtoull(key, &end, 10);

	return *end || *key == '0' ? 0 : id; /* IMSIs begin with 0, ids do not */
}

/* By its id at once, else by looking at all. */
static int show_session(struct output *o, struct knl *knl)
{
	uint64_t id = id_of(o->key);
	int r = -ENOENT;

	o->wanted = kernel_session_is;
	o->details = true;
	if (id)
		r = knl_json_dump(knl, KNL_OBJ_SESSION, id, show_object, o);
	if (r == -ENOENT)
		r = knl_json_dump(knl, KNL_OBJ_SESSION, 0, show_object, o);
	return r;
}

/* --- app flows --- */

struct ids {
	const char *key;
	uint64_t *ids;
	size_t n;
};

static bool has_app(json_t *session)
{
	json_t *pdr;
	size_t i;

	json_array_foreach(json_object_get(session, "pdr"), i, pdr)
		if (json_integer_value(json_object_get(pdr, "app-id")))
			return true;
	return false;
}

static int add_id(void *arg, json_t *session)
{
	json_t *v = json_object_get(session, "id");
	struct ids *l = arg;
	uint64_t *more;

	if (l->key ? !kernel_session_is(session, l->key) : !has_app(session))
		return 0;
	more = reallocarray(l->ids, l->n + 1, sizeof(*more));
	if (!more)
		return -ENOMEM;
	l->ids = more;
	l->ids[l->n++] = json_is_string(v) ? strtoull(json_string_value(v), NULL, 10) :
					     (uint64_t)json_integer_value(v);
	return 0;
}

/* Session by session, of those that have a rule with an application. */
static int show_app_flows(struct output *o, struct knl *knl)
{
	struct ids l = { .key = o->key };
	int r = knl_json_dump(knl, KNL_OBJ_SESSION, 0, add_id, &l), one;
	size_t i;

	o->key = NULL;
	for (i = 0; !r && i < l.n; i++) {
		one = knl_json_dump(knl, KNL_OBJ_APP_FLOW, l.ids[i], show_object, o);
		r = one == -ENOENT ? 0 : one; /* it has gone meanwhile */
	}
	free(l.ids);
	return r;
}

static int show_view(struct kimsctl *kc, struct knl *knl, const struct view *v, const char *key)
{
	struct output o = { .kc = kc, .view = v, .key = key, .wanted = kc_selected };
	bool one = v->kind == KNL_OBJ_SESSION && key;
	int r;

	if (!kc->json && !one)
		o.table = table_new(v->cols);
	if (one)
		r = show_session(&o, knl);
	else if (v->kind == KNL_OBJ_APP_FLOW)
		r = show_app_flows(&o, knl);
	else
		r = knl_json_dump(knl, v->kind, 0, show_object, &o);
	return finish(&o, knl, r);
}

/* --- counters of the namespace --- */

static int keep(void *arg, json_t *object)
{
	*(json_t **)arg = json_incref(object);
	return 0;
}

/* Reasons that nothing was dropped for are not told by the kernel. */
static void fill_drops(json_t *stats)
{
	json_t *drops = json_object_get(stats, "drops");
	const char *name;
	size_t i;

	for (i = 0; (name = knl_json_reason(i)); i++)
		if (!json_object_get(drops, name))
			json_object_set_new(drops, name, json_integer(0));
}

static void print_counters(const char *head, json_t *object, bool zeros, const char *key)
{
	const char *heads[] = { head, "count" }, *name, *cells[2];
	struct kc_table *t = kc_table_new(heads, 2);
	char text[32];
	json_t *v;

	json_object_foreach(object, name, v) {
		if (json_is_object(v) || (key && !strstr(name, key)) ||
		    (!zeros && json_is_integer(v) && !json_integer_value(v)))
			continue;
		kc_cell(v, text, sizeof(text));
		cells[0] = name;
		cells[1] = text;
		kc_table_row(t, cells);
	}
	kc_table_print(t);
}

/* Of what: "stats" all, "drops" those. With a key also reasons of which there was none. */
static int show_stats(struct kimsctl *kc, struct knl *knl, bool drops_only, const char *key)
{
	json_t *stats = NULL, *drops;

	if (knl_json_dump(knl, KNL_OBJ_STATS, 0, keep, &stats) < 0 || !stats)
		return kc_fail("kims.ko: %s", knl_error(knl));
	fill_drops(stats);
	drops = json_object_get(stats, "drops");
	if (kc->json) {
		json_dumpf(drops_only ? drops : stats, stdout, JSON_INDENT(2));
		putchar('\n');
	} else {
		if (!drops_only) {
			print_counters("what", stats, true, key);
			putchar('\n');
		}
		print_counters("drops", drops, key != NULL, key);
	}
	json_decref(stats);
	return 0;
}

/* --- command --- */

static int usage(void)
{
	fprintf(stderr, "usage: kimsctl show kernel [WHAT [KEY]]; WHAT is one of:\n");
	fprintf(stderr, "  %-10s %s\n", "stats", "how many objects there are, counters (the default)");
	fprintf(stderr, "  %-10s %s\n", "drops", "packets dropped, by reason");
	for (size_t i = 0; i < ARRAY_SIZE(views); i++)
		fprintf(stderr, "  %-10s %s\n", views[i].what, views[i].help);
	return 2;
}

static const struct view *find_view(const char *what)
{
	for (size_t i = 0; i < ARRAY_SIZE(views); i++)
		if (!strcmp(what, views[i].what))
			return &views[i];
	return NULL;
}

int cmd_show_kernel(struct kimsctl *kc, int argc, char **argv)
{
	const char *what = argc > 0 ? argv[0] : "stats", *key = argc > 1 ? argv[1] : NULL;
	bool drops = !strcmp(what, "drops");
	const struct view *v = find_view(what);
	struct knl *knl;
	int r;

	if (argc > 2 || (!v && !drops && strcmp(what, "stats")))
		return usage();
	r = knl_open(&knl);
	if (r == -ENOENT)
		return kc_fail("kims.ko is not loaded");
	if (r < 0)
		return kc_fail("kims.ko: %s", strerror(-r));
	r = v ? show_view(kc, knl, v, key) : show_stats(kc, knl, drops, key);
	knl_close(knl);
	return r;
}
