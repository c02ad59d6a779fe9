// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * kims-pcscf: the process. Options, configuration and control socket are lib/core/app's.
 */
#include "lib/core/app.h"
#include "pcscf/pcscf.h"

static int open_store(struct app *a, struct store **ret, char *err, size_t errsize)
{
	char path[512];
	int r;

	snprintf(path, sizeof(path), "%s/pcscf%s%s.db", a->state_dir, *a->instance ? "-" : "",
		 a->instance);
	r = store_open(a->loop, path, ret);
	if (r < 0)
		snprintf(err, errsize, "%s: %s", path,
			 r == -EBUSY ? "another process uses it" : strerror(-r));
	return r;
}

static int start(struct app *a, char *err, size_t errsize)
{
	struct pcscf_opts o = { .loop = a->loop, .conf = a->conf };
	struct pcscf *p;
	int r;

	r = open_store(a, &o.store, err, errsize);
	if (r < 0)
		return r;
	r = pcscf_new(&o, &p, err, errsize);
	if (r < 0)
		return r;
	a->nf = p;
	return 0;
}

static void reload(struct app *a, const struct conf *c)
{
	if (pcscf_reload(a->nf, c) < 0)
		log_warn(
			"names, addresses, ports and algorithms change by a restart only: all stays as it was");
}

static void fini(struct app *a)
{
	pcscf_free(a->nf);
	a->nf = NULL;
}

int main(int argc, char **argv)
{
	static const struct fsm_desc *const fsms[] = { &reg_fsm, &session_fsm, &rx_fsm, NULL };
	static const struct app_desc desc = {
		.fsms = fsms,
		.name = "pcscf",
		.summary = "P-CSCF: registration over IPsec, calls and their media (TS 24.229 5.2)",
		.cmds = pcscf_cmds,
		.secret = true,
		.start = start,
		.reload = reload,
		.fini = fini,
	};

	return app_main(argc, argv, &desc);
}
