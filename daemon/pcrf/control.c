// SPDX-License-Identifier: GPL-2.0-or-later
/* The control socket of the PCRF: sessions and rules, and the release of a session. */
#include <arpa/inet.h>
#include <stdio.h>

#include "pcrf/pcrf.h"

static const char *address_of(const struct pcrf_gx *g, char dst[80])
{
	char v4[INET_ADDRSTRLEN] = "", v6[INET6_ADDRSTRLEN] = "";
	uint8_t a[16] = { 0 };

	if (g->has_v4)
		inet_ntop(AF_INET, g->v4, v4, sizeof(v4));
	if (g->has_v6) {
		memcpy(a, g->v6, sizeof(g->v6));
		inet_ntop(AF_INET6, a, v6, sizeof(v6));
	}
	snprintf(dst, 80, "%s%s%s%s", v4, g->has_v4 && g->has_v6 ? " " : "", v6,
		 g->has_v6 ? "/64" : "");
	return dst;
}

static int n_rules(const struct pcrf_gx *g)
{
	int n = 0;

	for (const struct pcrf_rule *r = g->rules; r; r = r->next)
		n++;
	return n;
}

static int show_gx(void *arg, const json_t *req _unused_, json_t **ret, char *err _unused_,
		   size_t errsize _unused_)
{
	const struct pcrf *p = arg;
	json_t *list = json_array();
	char a[80];

	for (const struct pcrf_gx *g = p->gx; g; g = g->next)
		json_array_append_new(
			list, json_pack("{s:s,s:s,s:s,s:s,s:s,s:i,s:i,s:i,s:i,s:i,s:s}", "imsi",
					g->imsi, "apn", g->apn, "address", address_of(g, a),
					"state", fsm_state_name(&g->fsm), "pcef", g->host, "qci",
					g->qos.qci, "ambr_ul", g->ambr_ul, "ambr_dl", g->ambr_dl,
					"rat", g->rat, "rules", n_rules(g), "session", g->id));
	*ret = list;
	return 0;
}

static int show_rx(void *arg, const json_t *req _unused_, json_t **ret, char *err _unused_,
		   size_t errsize _unused_)
{
	const struct pcrf *p = arg;
	json_t *list = json_array();
	char a[80];

	for (const struct pcrf_rx *x = p->rx; x; x = x->next)
		json_array_append_new(list, json_pack("{s:s,s:s,s:s,s:s,s:b,s:s}", "af", x->host,
						      "imsi", x->gx ? x->gx->imsi : "", "address",
						      x->gx ? address_of(x->gx, a) : "", "state",
						      fsm_state_name(&x->fsm), "signalling",
						      x->signalling, "session", x->id));
	*ret = list;
	return 0;
}

static const char *gate_name(int status)
{
	switch ((enum pcc_flow_status)status) {
	case PCC_ENABLED_UPLINK:
		return "uplink";
	case PCC_ENABLED_DOWNLINK:
		return "downlink";
	case PCC_ENABLED:
		return "open";
	case PCC_DISABLED:
		return "closed";
	case PCC_REMOVED:
		return "removed";
	}
	return "";
}

static json_t *rule_json(const struct pcrf_gx *g, const struct pcrf_rule *r)
{
	return json_pack("{s:s,s:s,s:s,s:i,s:i,s:i,s:i,s:i,s:i,s:i,s:s,s:s}", "rule", r->name,
			 "imsi", g->imsi, "state",
			 r->inflight  ? "sent"
			 : !r->wanted ? "removing"
			 : r->dirty   ? "pending"
				      : "installed",
			 "component", (int)r->component, "flow", (int)r->sub, "qci", r->qos.qci,
			 "arp", (int)r->qos.arp.level, "mbr_ul", r->qos.mbr_ul, "mbr_dl",
			 r->qos.mbr_dl, "gbr_dl", r->qos.gbr_dl, "gate", gate_name(r->status),
			 "filter", r->n_flow ? r->flow[0].text : "");
}

static int show_rules(void *arg, const json_t *req _unused_, json_t **ret, char *err _unused_,
		      size_t errsize _unused_)
{
	const struct pcrf *p = arg;
	json_t *list = json_array();

	for (const struct pcrf_gx *g = p->gx; g; g = g->next)
		for (const struct pcrf_rule *r = g->rules; r; r = r->next)
			json_array_append_new(list, rule_json(g, r));
	*ret = list;
	return 0;
}

static int show_peers(void *arg, const json_t *req _unused_, json_t **ret, char *err _unused_,
		      size_t errsize _unused_)
{
	struct pcrf *p = arg;

	*ret = json_array();
	dia_peers_json(p->dia, *ret);
	return 0;
}

static int status(void *arg, const json_t *req _unused_, json_t **ret, char *err _unused_,
		  size_t errsize _unused_)
{
	const struct pcrf *p = arg;
	int rules = 0;

	for (const struct pcrf_gx *g = p->gx; g; g = g->next)
		rules += n_rules(g);
	*ret = json_pack("{s:i,s:i,s:i,s:b}", "gx_sessions", (int)p->n_gx, "rx_sessions",
			 (int)p->n_rx, "rules", rules, "diameter", dia_peer_up(p->dia, NULL));
	return 0;
}

static int release(void *arg, const json_t *req, json_t **ret, char *err, size_t errsize)
{
	const char *id = json_string_value(json_object_get(req, "session"));
	struct pcrf *p = arg;
	struct pcrf_gx *g = id ? pcrf_gx_by_id(p, str_of(id)) : NULL;
	int e;

	if (!g) {
		snprintf(err, errsize, "there is no session %s",
			 id ? id : "(\"session\" is missing)");
		return -ENOENT;
	}
	e = pcrf_gx_release(g);
	if (e)
		snprintf(err, errsize, "the session is being released");
	*ret = e ? NULL : json_pack("{s:s}", "session", id);
	return e;
}

static int profile_changed(void *arg, const json_t *req, json_t **ret, char *err, size_t errsize)
{
	const char *imsi = json_string_value(json_object_get(req, "imsi"));
	struct pcrf *p = arg;

	if (!imsi) {
		snprintf(err, errsize, "\"imsi\" is missing");
		return -EINVAL;
	}
	pcrf_profile_open(p);
	*ret = json_pack("{s:i}", "sessions", pcrf_profile_changed(p, str_of(imsi)));
	return 0;
}

const struct ctl_cmd pcrf_cmds[] = {
	{ "status", "sessions, rules, Diameter", false, status },
	{ "show sessions", "IP-CAN sessions (Gx)", false, show_gx },
	{ "show af", "AF sessions (Rx)", false, show_rx },
	{ "show rules", "PCC rules that are installed or about to be", false, show_rules },
	{ "show peers", "Diameter peers", false, show_peers },
	{ "profile changed", "\"imsi\": its row of the profile store is to be looked at again",
	  true, profile_changed },
	{ "release", "\"session\": asks the PCEF to end it", true, release },
	{ NULL },
};
