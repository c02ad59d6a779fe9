// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * kims-smf: the SMF as a daemon; wires the object to the configuration, the store, GTPv2-C, PFCP and Diameter.
 *
 * What it knew before comes back before a message is taken: the peers see the same restart counter, recovery time
 * stamp and Origin-State-Id as long as nothing was lost.
 */
#include <netdb.h>
#include <stdio.h>
#include <sys/stat.h>

#include "lib/core/app.h"
#include "lib/core/log.h"
#include "smf/smf.h"

#define RESUME_USEC (2 * USEC_PER_SEC) /* by then the peers are there, or they come later */

static struct smf smf;
static struct timer resume;

static void on_peer(void *arg _unused_, const char *identity, bool up)
{
	log_notice("Diameter connection with %s is %s", identity, up ? "up" : "down");
	if (up)
		smf_gx_peer_up(&smf);
}

static void on_resume(struct timer *t _unused_)
{
	smf_persist_resume(&smf);
}

static int open_store(struct app *a, char *err, size_t size)
{
	const char *dash = *a->instance ? "-" : "";
	char db[512], counter[512];
	int e;

	if (*a->conf->smf.db)
		snprintf(db, sizeof(db), "%s", a->conf->smf.db);
	else
		snprintf(db, sizeof(db), "%s/smf%s%s.db", a->state_dir, dash, a->instance);
	snprintf(counter, sizeof(counter), "%.500s.restarts", db);
	mkdir(a->state_dir, 0750); /* normally made by systemd-tmpfiles */
	e = store_open(a->loop, db, &smf.store);
	if (!e)
		e = smf_persist_counter(&smf, counter);
	if (e)
		snprintf(err, size, "%s: %s", db, strerror(-e));
	return e;
}

static int open_gtpc(struct app *a, char *err, size_t size)
{
	const struct conf_smf *c = &a->conf->smf;
	struct gtpc_conf gc = { .restart_counter = smf.restart_counter };
	struct pfcp_conf pc = { .recovery_ts = pfcp_time(smf.since) };
	int e;

	conf_sockaddr(&c->addr, c->gtpc_port, &gc.local[0]);
	conf_sockaddr(&c->addr6, c->gtpc_port, &gc.local[1]);
	conf_sockaddr(&c->addr, c->pfcp_port, &pc.local[0]);
	conf_sockaddr(&c->addr6, c->pfcp_port, &pc.local[1]);
	e = gtpc_open(a->loop, &gc, &smf_s5_ops, &smf, &smf.gtpc);
	if (e)
		snprintf(err, size, "GTPv2-C port %u: %s", c->gtpc_port, strerror(-e));
	if (!e) {
		e = pfcp_open(a->loop, &pc, &smf_n4_ops, &smf, &smf.pfcp);
		if (e)
			snprintf(err, size, "PFCP port %u: %s", c->pfcp_port, strerror(-e));
	}
	return e;
}

static int open_diameter(struct app *a, char *err, size_t size)
{
	static const struct dia_app *const apps[] = { &gx_app };
	const struct conf *c = a->conf;
	char identity[300], pcrf[300], addr[NI_MAXHOST] = "";
	struct sockaddr_storage ss;
	socklen_t n = conf_sockaddr(&c->pcrf.addr, 0, &ss);
	struct dia_peer_conf peer = { .identity = pcrf, .addr = addr, .port = c->pcrf.port };
	struct dia_conf dc = {
		.identity = identity,
		.local = { c->smf.addr, c->smf.addr6 },
		.realm = c->network.domain,
		.peers = &peer,
		.n_peers = 1,
		.watchdog_s = c->diameter.watchdog_s,
		.reconnect_s = c->diameter.reconnect_s,
		.timeout_ms = c->diameter.timeout_ms,
		.apps = apps,
		.n_apps = ARRAY_SIZE(apps),
		.state_id = (uint32_t)(smf.since / USEC_PER_SEC),
	};
	int e;

	if (!c->smf.gx)
		return 0;
	if (!n ||
	    getnameinfo((struct sockaddr *)&ss, n, addr, sizeof(addr), NULL, 0, NI_NUMERICHOST)) {
		snprintf(err, size, "pcrf.addr: the SMF needs it, or smf.gx: no");
		return -EINVAL;
	}
	snprintf(identity, sizeof(identity), "smf%s%s.%s", *a->instance ? "-" : "", a->instance,
		 c->network.domain);
	snprintf(pcrf, sizeof(pcrf), "pcrf.%s", c->network.domain);
	e = dia_open(a->loop, &dc, &smf.dia, err, size);
	if (e)
		return e;
	dia_on_peer(smf.dia, on_peer, NULL);
	return 0;
}

static void fini(struct app *a)
{
	timer_stop(a->loop, &resume);
	if (smf.dia)
		dia_quit(smf.dia);
	smf_fini(&smf);
	gtpc_close(smf.gtpc);
	pfcp_close(smf.pfcp);
	store_close(smf.store);
	dia_close(smf.dia);
}

static int bring_back(struct app *a, char *err, size_t size)
{
	int n = smf_persist_load(&smf);

	if (n < 0) {
		snprintf(err, size, "sessions cannot be read: %s", strerror(-n));
		return n;
	}
	log_notice("%d PDN connections brought back, restart counter %u", n, smf.restart_counter);
	resume.fn = on_resume;
	timer_start(a->loop, &resume, RESUME_USEC);
	return 0;
}

static int start(struct app *a, char *err, size_t size)
{
	int e;

	smf_metrics();
	smf_pcscf_metrics();
	e = smf_init(&smf, a->loop, a->conf, err, size);
	if (!e) {
		profiles_path(a->conf->pcrf.profiles, a->state_dir, smf.profiles_path,
			      sizeof(smf.profiles_path));
		smf_profiles_open(&smf, NULL);
	}
	if (!e)
		e = open_store(a, err, size);
	if (!e)
		e = open_gtpc(a, err, size);
	if (!e)
		e = open_diameter(a, err, size);
	if (!e)
		e = bring_back(a, err, size);
	if (!e) {
		smf_gx_serve(&smf);
		smf_n4_serve(&smf); /* with what came back: UPFs are to keep it */
	}
	if (e)
		fini(a);
	a->nf = &smf;
	return e;
}

static void reload(struct app *a _unused_, const struct conf *c)
{
	char err[512];

	if (smf_reload(&smf, c, err, sizeof(err)))
		log_err("all stays as it was: %s", err);
	else
		log_notice(
			"servers of APNs and predefined rules are taken; the rest by a restart only");
}

static const struct fsm_desc *const fsms[] = { &smf_pdn_fsm, NULL };

static const struct app_desc desc = {
	.name = "smf",
	.summary =
		"SMF as PGW-C: attaches phones over S5, S8 and S2b, with rules of the PCRF (Gx) at the UPF (Sxb).",
	.cmds = smf_cmds,
	.fsms = fsms,
	.start = start,
	.reload = reload,
	.fini = fini,
};

int main(int argc, char **argv)
{
	return app_main(argc, argv, &desc);
}
