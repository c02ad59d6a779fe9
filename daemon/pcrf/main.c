// SPDX-License-Identifier: GPL-2.0-or-later
/* kims-pcrf: the PCRF as a daemon; wires the object to the configuration and to Diameter. */
#include <netdb.h>
#include <stdio.h>

#include "lib/core/app.h"
#include "lib/core/log.h"
#include "pcrf/pcrf.h"

static struct pcrf pcrf;

static void on_peer(void *arg _unused_, const char *identity, bool up)
{
	log_notice("Diameter connection with %s is %s", identity, up ? "up" : "down");
}

static int read_policies(const struct conf *c, char *err, size_t size)
{
	int n = snprintf(err, size, "pcrf.apns: "), e;

	e = pcrf_apns_parse(c->pcrf.apns, &pcrf.apns, err + n, size - (size_t)n);
	if (e)
		return e;
	n = snprintf(err, size, "pcrf.policies: ");
	return pcrf_policies_parse(c->pcrf.policies, &pcrf.policies, err + n, size - (size_t)n);
}

static int open_diameter(struct app *a, char *err, size_t size)
{
	static const struct dia_app *const apps[] = { &gx_app, &rx_app };
	const struct conf *c = a->conf;
	char identity[300], addr[NI_MAXHOST] = "";
	_cleanup_free_ struct conf_prefix *from = NULL;
	struct sockaddr_storage ss;
	socklen_t n = conf_sockaddr(&c->pcrf.addr, 0, &ss);
	struct dia_conf dc = {
		.identity = identity,
		.realm = c->network.domain,
		.listen_addr = addr,
		.listen_port = c->pcrf.port,
		.watchdog_s = c->diameter.watchdog_s,
		.reconnect_s = c->diameter.reconnect_s,
		.timeout_ms = c->diameter.timeout_ms,
		.accept_realm = true,
		.apps = apps,
		.n_apps = ARRAY_SIZE(apps),
	};
	int e;

	if (!n ||
	    getnameinfo((struct sockaddr *)&ss, n, addr, sizeof(addr), NULL, 0, NI_NUMERICHOST)) {
		snprintf(err, size, "pcrf.addr: the PCRF needs an address to listen on");
		return -EINVAL;
	}
	snprintf(identity, sizeof(identity), "pcrf.%s", c->network.domain);
	e = conf_trusted(c, &from, &dc.n_from);
	if (e)
		return e;
	dc.from = from;
	e = dia_open(a->loop, &dc, &pcrf.dia, err, size);
	if (e)
		return e;
	dia_on_peer(pcrf.dia, on_peer, NULL);
	pcrf_serve(&pcrf);
	return 0;
}

static void fini(struct app *a _unused_)
{
	if (pcrf.dia)
		dia_close(pcrf.dia);
	if (pcrf.loop)
		pcrf_fini(&pcrf);
	profiles_close(pcrf.profiles);
	pcrf.profiles = NULL;
}

static int start(struct app *a, char *err, size_t size)
{
	int e;

	pcrf.aar_wait_ms = a->conf->pcrf.aar_wait_ms;
	pcrf.sponsors = a->conf->pcrf.sponsors;
	profiles_path(a->conf->pcrf.profiles, a->state_dir, pcrf.profiles_path,
		      sizeof(pcrf.profiles_path));
	pcrf_profile_open(&pcrf);
	pcrf_metrics();
	e = read_policies(a->conf, err, size);
	if (!e)
		e = pcrf_init(&pcrf, a->loop);
	if (!e)
		e = open_diameter(a, err, size);
	if (e)
		fini(a);
	a->nf = &pcrf;
	return e;
}

static const struct fsm_desc *const fsms[] = { &pcrf_gx_fsm, &pcrf_rx_fsm, NULL };

static const struct app_desc desc = {
	.name = "pcrf",
	.summary = "PCRF: rules and QoS of IP-CAN sessions (Gx) from what the AFs ask for (Rx).",
	.cmds = pcrf_cmds,
	.fsms = fsms,
	.start = start,
	.fini = fini,
};

int main(int argc, char **argv)
{
	return app_main(argc, argv, &desc);
}
