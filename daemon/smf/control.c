// SPDX-License-Identifier: GPL-2.0-or-later
/* The control socket of the SMF: PDN connections, bearers, rules, peers, pools; the release of a PDN connection. */
#include <arpa/inet.h>
#include <netdb.h>
#include <stdio.h>

#include "smf/smf.h"

static const char *address_of(const struct smf_pdn *p, char dst[80])
{
	char v4[INET_ADDRSTRLEN] = "", v6[INET6_ADDRSTRLEN] = "";
	struct in6_addr prefix = p->v6;

	memset(&prefix.s6_addr[8], 0, 8);
	if (p->type != S5_PDN_IPV6)
		inet_ntop(AF_INET, &p->v4, v4, sizeof(v4));
	if (p->type != S5_PDN_IPV4)
		inet_ntop(AF_INET6, &prefix, v6, sizeof(v6));
	snprintf(dst, 80, "%s%s%s%s", v4, *v4 && *v6 ? " " : "", v6, *v6 ? "/64" : "");
	return dst;
}

static const char *host_of(const struct sockaddr_storage *a, char dst[NI_MAXHOST])
{
	if (getnameinfo((const struct sockaddr *)a, sizeof(*a), dst, NI_MAXHOST, NULL, 0,
			NI_NUMERICHOST))
		*dst = '\0';
	return dst;
}

static const char *fteid_text(const struct s5_fteid *f, char dst[80])
{
	char a[INET6_ADDRSTRLEN] = "";

	if (f->v4)
		inet_ntop(AF_INET, &f->ip4, a, sizeof(a));
	else if (f->v6)
		inet_ntop(AF_INET6, &f->ip6, a, sizeof(a));
	if (f->teid)
		snprintf(dst, 80, "%s %08x", a, f->teid);
	else
		*dst = '\0';
	return dst;
}

static int n_bearers(const struct smf_pdn *p)
{
	int n = 0;

	for (const struct smf_bearer *b = p->bearers; b; b = b->next)
		n++;
	return n;
}

static const char *rat_name(uint8_t rat)
{
	static const char *const names[] = { "",    "utran",   "geran",	 "wlan",  "gan", "hspa",
					     "lte", "virtual", "nb-iot", "lte-m", "nr" };

	return rat < ARRAY_SIZE(names) ? names[rat] : "";
}

static int show_pdn(void *arg, const json_t *req _unused_, json_t **ret, char *err _unused_,
		    size_t errsize _unused_)
{
	const struct smf *s = arg;
	json_t *list = json_array();
	char a[80], host[NI_MAXHOST];

	for (const struct smf_pdn *p = s->pdns; p; p = p->next)
		json_array_append_new(
			list,
			json_pack("{s:s,s:s,s:s,s:s,s:s,s:s,s:s,s:i,s:i,s:I,s:I,s:b,s:I}", "imsi",
				  smf_pdn_user(p), "msisdn", p->msisdn, "apn", p->apn->name,
				  "address", address_of(p, a), "state", fsm_state_name(&p->fsm),
				  "rat", rat_name(p->rat), "peer", host_of(&p->to, host), "bearers",
				  n_bearers(p), "qci", p->default_qos.qci, "ambr_ul",
				  (json_int_t)p->ambr_ul, "ambr_dl", (json_int_t)p->ambr_dl,
				  "emergency", p->emergency, "teid", (json_int_t)p->teid));
	*ret = list;
	return 0;
}

static const char *bearer_state(enum smf_bearer_state s)
{
	switch (s) {
	case SMF_BEARER_WANTED:
		return "wanted";
	case SMF_BEARER_CREATING:
		return "creating";
	case SMF_BEARER_ACTIVE:
		return "active";
	case SMF_BEARER_UPDATING:
		return "updating";
	case SMF_BEARER_DELETING:
		return "deleting";
	}
	return "";
}

static json_t *bearer_json(const struct smf_pdn *p, const struct smf_bearer *b)
{
	char peer[80], local[80];
	int rules = 0;

	for (const struct smf_rule *r = p->rules; r; r = r->next)
		rules += r->bearer == b;
	return json_pack("{s:s,s:s,s:i,s:s,s:i,s:i,s:I,s:I,s:I,s:I,s:i,s:s,s:s}", "imsi",
			 smf_pdn_user(p), "apn", p->apn->name, "ebi", b->ebi, "state",
			 bearer_state(b->state), "qci", b->qos.qci, "arp", b->qos.arp.priority,
			 "gbr_ul", (json_int_t)b->qos.gbr_ul, "gbr_dl", (json_int_t)b->qos.gbr_dl,
			 "mbr_ul", (json_int_t)b->qos.mbr_ul, "mbr_dl", (json_int_t)b->qos.mbr_dl,
			 "rules", rules, "access", fteid_text(&b->peer, peer), "upf",
			 fteid_text(&b->local, local));
}

static int show_bearers(void *arg, const json_t *req _unused_, json_t **ret, char *err _unused_,
			size_t errsize _unused_)
{
	const struct smf *s = arg;
	json_t *list = json_array();

	for (const struct smf_pdn *p = s->pdns; p; p = p->next)
		for (const struct smf_bearer *b = p->bearers; b; b = b->next)
			json_array_append_new(list, bearer_json(p, b));
	*ret = list;
	return 0;
}

static const char *rule_state(enum smf_rule_state s)
{
	switch (s) {
	case SMF_RULE_WANTED:
		return "wanted";
	case SMF_RULE_ACTIVE:
		return "active";
	case SMF_RULE_FAILED:
		return "failed";
	case SMF_RULE_REMOVED:
		return "removed";
	}
	return "";
}

static int show_rules(void *arg, const json_t *req _unused_, json_t **ret, char *err _unused_,
		      size_t errsize _unused_)
{
	const struct smf *s = arg;
	json_t *list = json_array();

	for (const struct smf_pdn *p = s->pdns; p; p = p->next)
		for (const struct smf_rule *r = p->rules; r; r = r->next)
			json_array_append_new(
				list,
				json_pack("{s:s,s:s,s:s,s:s,s:i,s:I,s:i,s:s,s:s,s:s}", "rule",
					  r->name, "imsi", smf_pdn_user(p), "apn", p->apn->name,
					  "state", rule_state(r->state), "ebi",
					  r->bearer ? r->bearer->ebi : 0, "precedence",
					  (json_int_t)r->precedence, "qci", r->qos.qci, "gate",
					  r->gate_ul && r->gate_dl ? "open"
					  : r->gate_ul		   ? "uplink"
					  : r->gate_dl		   ? "downlink"
								   : "closed",
					  "filter", r->n_flow ? r->flow[0].text : r->application,
					  "predefined",
					  r->group	  ? r->group
					  : r->predefined ? "yes"
							  : ""));
	*ret = list;
	return 0;
}

static void add_path(void *arg, const struct sockaddr_storage *peer, uint32_t n, bool up,
		     int counter)
{
	char host[NI_MAXHOST];

	json_array_append_new(arg, json_pack("{s:s,s:s,s:i,s:i}", "identity", host_of(peer, host),
					     "state", up ? "up" : "down", "pdn", (int)n, "restarts",
					     counter));
}

static void add_diameter(void *arg, const char *identity, bool up)
{
	json_array_append_new(
		arg, json_pack("{s:s,s:s}", "identity", identity, "state", up ? "up" : "down"));
}

static void add_upf(void *arg, struct pfcp_peer *p)
{
	char host[NI_MAXHOST];

	json_array_append_new(arg,
			      json_pack("{s:s,s:s}", "identity", host_of(pfcp_peer_addr(p), host),
					"state", pfcp_peer_is_lost(p) ? "down" : "up"));
}

static int show_peers(void *arg, const json_t *req _unused_, json_t **ret, char *err _unused_,
		      size_t errsize _unused_)
{
	struct smf *s = arg;

	*ret = json_array();
	smf_each_path(s, add_path, *ret);
	if (s->pfcp)
		pfcp_each_peer(s->pfcp, add_upf, *ret);
	if (s->dia)
		dia_each_peer(s->dia, add_diameter, *ret);
	return 0;
}

static void add_pool(json_t *list, const char *apn, const struct smf_pool *p)
{
	char a[INET6_ADDRSTRLEN] = "";

	if (!smf_pool_exists(p))
		return;
	inet_ntop(p->prefix.addr.family, &p->prefix.addr.v4, a, sizeof(a));
	json_array_append_new(list,
			      json_pack("{s:s,s:s,s:i,s:i,s:i,s:i}", "apn", apn, "prefix", a,
					"bits", (int)p->prefix.bits, "size", (int)p->n, "taken",
					(int)p->n_taken, "waiting", (int)p->n_freed));
}

static int show_pools(void *arg, const json_t *req _unused_, json_t **ret, char *err _unused_,
		      size_t errsize _unused_)
{
	const struct smf *s = arg;

	*ret = json_array();
	for (size_t i = 0; i < s->n_apns; i++) {
		add_pool(*ret, s->apns[i].name, &s->apns[i].pool4);
		add_pool(*ret, s->apns[i].name, &s->apns[i].pool6);
	}
	return 0;
}

static void count_upf(void *arg, struct pfcp_peer *p)
{
	*(int *)arg += !pfcp_peer_is_lost(p);
}

static int status(void *arg, const json_t *req _unused_, json_t **ret, char *err _unused_,
		  size_t errsize _unused_)
{
	const struct smf *s = arg;
	int upfs = 0;

	if (s->pfcp)
		pfcp_each_peer(s->pfcp, count_upf, &upfs);
	*ret = json_pack("{s:i,s:i,s:i,s:i,s:b,s:i}", "pdn", (int)s->n_pdns, "bearers",
			 (int)s->n_bearers, "peers", (int)s->n_paths, "upfs", upfs, "diameter",
			 s->dia && dia_peer_up(s->dia, NULL), "restarts", s->restart_counter);
	return 0;
}

static int release(void *arg, const json_t *req, json_t **ret, char *err, size_t errsize)
{
	const char *imsi = json_string_value(json_object_get(req, "imsi"));
	const char *apn = json_string_value(json_object_get(req, "apn"));
	struct smf *s = arg;
	int n = 0;

	for (struct smf_pdn *p = s->pdns, *next; p; p = next) {
		next = p->next;
		if (!imsi || strcmp(imsi, smf_pdn_user(p)) ||
		    (apn && strcasecmp(apn, p->apn->name)))
			continue;
		smf_pdn_release(p, S5_REACTIVATION_REQUESTED);
		n++;
	}
	if (!n) {
		snprintf(err, errsize, "there is no PDN connection of %s",
			 imsi ? imsi : "(\"imsi\" is missing)");
		return -ENOENT;
	}
	*ret = json_pack("{s:i}", "released", n);
	return 0;
}

static int profile_changed(void *arg, const json_t *req, json_t **ret, char *err, size_t errsize)
{
	const char *imsi = json_string_value(json_object_get(req, "imsi"));

	if (!imsi) {
		snprintf(err, errsize, "\"imsi\" is missing");
		return -EINVAL;
	}
	smf_profiles_open(arg, imsi);
	*ret = json_object();
	return 0;
}

const struct ctl_cmd smf_cmds[] = {
	{ "status", "PDN connections, bearers, peers", false, status },
	{ "show pdn", "PDN connections", false, show_pdn },
	{ "show bearers", "bearers with their tunnel endpoints", false, show_bearers },
	{ "show rules", "PCC rules and the bearers that they are bound to", false, show_rules },
	{ "show peers", "SGWs and ePDGs, UPFs, the PCRF", false, show_peers },
	{ "show pools", "addresses taken and waiting", false, show_pools },
	{ "profile changed", "\"imsi\": its static addresses are to be looked at again", true,
	  profile_changed },
	{ "release",
	  "\"imsi\" (and \"apn\"): ends the PDN connection, the phone shall attach again", true,
	  release },
	{ NULL },
};
