// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * kimsctl status and ping: is every part up, and what does it carry.
 *
 * Invariant: exit status 0 only when every part that the configuration asks for answers.
 */
#include <stdio.h>

#include "commands.h"
#include "lib/core/ctl.h"
#include "lib/netlink/kims_nl.h"

static const char *const functions[] = { "hss", "icscf", "scscf", "pcscf", "pcrf", "smf", "upf" };
#define N_REQUIRED 4 /* the others are shown when they run */

static int call(struct kimsctl *k, const char *nf, const char *cmd, json_t **ret, char *err, size_t n)
{
	char path[256];
	json_t *req = json_pack("{s:s}", "cmd", cmd);
	int r;

	snprintf(path, sizeof(path), "%s/%s.sock", k->run_dir, nf);
	r = ctl_call(path, req, 2000, ret, err, n);
	json_decref(req);
	return r;
}

int cmd_ping(struct kimsctl *k, int argc, char **argv)
{
	char err[256];
	json_t *res = NULL;

	if (argc != 1) {
		fprintf(stderr, "usage: kimsctl ping NF\n");
		return 2;
	}
	if (call(k, argv[0], "ping", &res, err, sizeof(err)) < 0)
		return kc_fail("%s: %s", argv[0], err);
	json_decref(res);
	return 0;
}

/* "registrations=2 sessions=1": the gauges of the daemon. */
static void gauges(struct kimsctl *k, const char *nf, char *dst, size_t size)
{
	json_t *m = NULL, *v;
	char err[256];
	const char *name;
	size_t used = 0;

	*dst = 0;
	if (call(k, nf, "status", &m, err, sizeof(err)) < 0)
		return;
	json_object_foreach(m, name, v) {
		if (json_is_integer(v))
			used += (size_t)snprintf(dst + used, size - used, "%s%s=%lld", used ? " " : "", name,
						 json_integer_value(v));
		else if (json_is_string(v))
			used += (size_t)snprintf(dst + used, size - used, "%s%s=%s", used ? " " : "", name,
						 json_string_value(v));
		if (used >= size)
			break;
	}
	json_decref(m);
}

struct counts {
	unsigned int flows, sets;
};

static int count_flow(void *arg, const struct knl_rtp_flow *f _unused_,
		      const struct knl_rtp_stats *s _unused_)
{
	((struct counts *)arg)->flows++;
	return 0;
}

static int count_set(void *arg, const struct knl_sa_set *s _unused_,
		     const struct knl_sa_stats *st _unused_)
{
	((struct counts *)arg)->sets++;
	return 0;
}

static bool kernel_status(char *state, size_t n, char *carries, size_t m)
{
	struct counts c = { 0 };
	struct knl *knl;
	int r = knl_open(&knl);

	*carries = 0;
	if (r < 0) {
		snprintf(state, n, r == -ENOENT ? "not loaded" : "%s", strerror(-r));
		return false;
	}
	knl_rtp_dump(knl, count_flow, &c);
	knl_sa_dump(knl, count_set, &c);
	knl_close(knl);
	snprintf(state, n, "up");
	snprintf(carries, m, "rtp_flows=%u sa_sets=%u", c.flows, c.sets);
	return true;
}

int cmd_status(struct kimsctl *k, int argc _unused_, char **argv _unused_)
{
	static const char *const heads[] = { "PART", "STATE", "CARRIES" };
	struct kc_table *t = kc_table_new(heads, ARRAY_SIZE(heads));
	json_t *out = json_object();
	char err[256], carries[512];
	bool good = true;

	for (size_t i = 0; i < ARRAY_SIZE(functions); i++) {
		json_t *res = NULL;
		int r = call(k, functions[i], "ping", &res, err, sizeof(err));
		bool up = r == 0;

		json_decref(res);
		if (i >= N_REQUIRED && r == -ENOENT)
			continue;
		*carries = 0;
		if (up)
			gauges(k, functions[i], carries, sizeof(carries));
		good &= up;
		kc_table_row(t, (const char *[]){ functions[i], up ? "up" : err, carries });
		json_object_set_new(out, functions[i], json_pack("{s:b,s:s,s:s}", "up", up, "state",
								 up ? "up" : err, "carries", carries));
	}
	if (kc_conf(k) && k->conf->pcscf.kernel) {
		bool up = kernel_status(err, sizeof(err), carries, sizeof(carries));

		good &= up;
		kc_table_row(t, (const char *[]){ "kims.ko", err, carries });
		json_object_set_new(out, "kims.ko", json_pack("{s:b,s:s,s:s}", "up", up, "state", err,
							      "carries", carries));
	}
	if (k->json)
		json_dumpf(out, stdout, JSON_INDENT(2)), putchar('\n');
	else
		kc_table_print(t);
	json_decref(out);
	return !good;
}
