// SPDX-License-Identifier: GPL-2.0-or-later
/* The control socket of the UPF: associations, sessions, rules as the kernel has them, pools, a graceful leave. */
#include <arpa/inet.h>
#include <stdio.h>

#include "upf/upf.h"

static int status(void *arg, const json_t *req _unused_, json_t **ret, char *err _unused_,
		  size_t errsize _unused_)
{
	const struct upf *u = arg;
	int up = 0;

	for (const struct upf_node *n = u->nodes; n; n = n->next)
		up += n->up;
	*ret = json_pack("{s:i,s:i,s:i,s:I,s:b}", "sessions", (int)u->n_sessions, "associations",
			 up, "teids", (int)u->teids.n, "recovery_time_stamp",
			 (json_int_t)u->recovery_ts, "leaving", u->leaving);
	return 0;
}

static void ip_text(const struct in6_addr *a, char dst[INET6_ADDRSTRLEN])
{
	if (IN6_IS_ADDR_V4MAPPED(a))
		inet_ntop(AF_INET, &a->s6_addr[12], dst, INET6_ADDRSTRLEN);
	else
		inet_ntop(AF_INET6, a, dst, INET6_ADDRSTRLEN);
}

static json_t *node_json(const struct upf *u, const struct upf_node *n)
{
	struct pfcp_peer *p = n->up ? pfcp_peer_by_addr(u->pfcp, &n->addr) : NULL;
	char name[300], addr[INET6_ADDRSTRLEN];
	struct in6_addr ip;

	upf_node_name(n, name, sizeof(name));
	xchg_ip(&n->addr, &ip);
	ip_text(&ip, addr);
	return json_pack("{s:s,s:s,s:s,s:i}", "node", name, "address", addr, "state",
			 !n->up			     ? "down"
			 : p && pfcp_peer_is_lost(p) ? "silent"
			 : n->releasing		     ? "releasing"
						     : "up",
			 "sessions", (int)n->n_sessions);
}

static int show_nodes(void *arg, const json_t *req _unused_, json_t **ret, char *err _unused_,
		      size_t errsize _unused_)
{
	const struct upf *u = arg;

	*ret = json_array();
	for (const struct upf_node *n = u->nodes; n; n = n->next)
		json_array_append_new(*ret, node_json(u, n));
	return 0;
}

static const char *ue_text(const struct upf_session *s, char dst[100])
{
	char v4[INET_ADDRSTRLEN] = "", v6[INET6_ADDRSTRLEN] = "";

	if (s->has_ue4)
		inet_ntop(AF_INET, &s->ue4, v4, sizeof(v4));
	if (s->has_ue6)
		inet_ntop(AF_INET6, &s->ue6, v6, sizeof(v6));
	snprintf(dst, 100, "%s%s%s%s", v4, s->has_ue4 && s->has_ue6 ? " " : "", v6,
		 s->has_ue6 ? "/64" : "");
	return dst;
}

static json_t *session_json(const struct upf_session *s)
{
	char seid[20], cp[20], ue[100], node[300], teids[64] = "";
	size_t n = 0;

	upf_node_name(s->node, node, sizeof(node));
	snprintf(seid, sizeof(seid), "%llx", (unsigned long long)s->by_seid.key);
	snprintf(cp, sizeof(cp), "%llx", (unsigned long long)s->cp_seid);
	for (const struct upf_teid *t = s->teids; t && n + 10 < sizeof(teids); t = t->next)
		n += (size_t)snprintf(teids + n, sizeof(teids) - n, "%s%x", n ? " " : "",
				      (unsigned int)t->node.key);
	return json_pack("{s:s,s:s,s:s,s:s,s:s,s:s}", "imsi", s->subscriber, "address",
			 ue_text(s, ue), "teids", teids, "seid", seid, "cp_seid", cp, "node", node);
}

static int show_sessions(void *arg, const json_t *req _unused_, json_t **ret, char *err _unused_,
			 size_t errsize _unused_)
{
	const struct upf *u = arg;

	*ret = json_array();
	for (const struct upf_node *n = u->nodes; n; n = n->next)
		for (const struct upf_session *s = n->sessions; s; s = s->next)
			json_array_append_new(*ret, session_json(s));
	return 0;
}

/* --- rules, from the kernel --- */

struct dump {
	json_t *list;
	const char *key; /* IMSI or SEID; NULL: all */
};

static bool wanted(const struct dump *d, const struct knl_session *k)
{
	char seid[20];
	size_t n = d->key ? strlen(d->key) : 0;

	snprintf(seid, sizeof(seid), "%llx", (unsigned long long)k->id);
	return !d->key || !strcmp(d->key, seid) ||
	       (k->label && !strncmp(k->label, d->key, n) && (k->label[n] == ' ' || !k->label[n]));
}

static const struct knl_far *far_of(const struct knl_session *k, uint32_t id)
{
	for (size_t i = 0; i < k->n_fars; i++)
		if (k->fars[i].id == id)
			return &k->fars[i];
	return NULL;
}

static void far_text(const struct knl_far *f, char dst[120])
{
	char peer[INET6_ADDRSTRLEN] = "";

	if (f->endpoint)
		inet_ntop(f->peer.addr.family, &f->peer.addr.v4, peer, sizeof(peer));
	snprintf(dst, 120, "%s%s%s",
		 f->action & KNL_DROP	? "drop"
		 : f->action & KNL_BUFF ? "buffer"
					: "forward",
		 f->action & KNL_NOCP ? " notify" : "", f->action & KNL_DUPL ? " copy" : "");
	if (f->endpoint)
		snprintf(dst + strlen(dst), 120 - strlen(dst), " to %s teid %x", peer, f->teid);
}

static const char *gate_text(const struct knl_session *k, const struct knl_pdr *p)
{
	const char *text = "open";

	for (uint8_t i = 0; i < p->n_qers; i++)
		for (size_t q = 0; q < k->n_qers; q++)
			if (k->qers[q].id == p->qers[i] &&
			    (p->source == KNL_ACCESS ? k->qers[q].gate_ul : k->qers[q].gate_dl) ==
				    KNL_GATE_CLOSED)
				text = "closed";
	return text;
}

static json_t *pdr_json(const struct knl_session *k, const struct knl_pdr *p,
			const struct knl_pdr_count *c)
{
	const struct knl_far *f = far_of(k, p->far);
	char far[120] = "", teid[12] = "", imsi[40];

	snprintf(imsi, sizeof(imsi), "%.*s", (int)strcspn(k->label ? k->label : "", " "),
		 k->label ? k->label : "");
	if (p->teid)
		snprintf(teid, sizeof(teid), "%x", p->teid);
	if (f)
		far_text(f, far);
	return json_pack("{s:s,s:i,s:I,s:s,s:s,s:i,s:s,s:s,s:I,s:I,s:I}", "imsi", imsi, "pdr",
			 (int)upf_pdr_id(p->id), "precedence", (json_int_t)p->precedence, "from",
			 p->source == KNL_ACCESS	? "access"
			 : p->source == KNL_CP_FUNCTION ? "cp"
							: "core",
			 "teid", teid, "filters", (int)p->n_filters, "gate", gate_text(k, p),
			 "action", far, "packets", (json_int_t)(c ? c->packets : 0), "octets",
			 (json_int_t)(c ? c->octets : 0), "dropped",
			 (json_int_t)(c ? c->dropped : 0));
}

static int add_session(void *arg, const struct knl_session *k, const struct knl_counters *c)
{
	struct dump *d = arg;

	if (!wanted(d, k))
		return 0;
	for (size_t i = 0; i < k->n_pdrs && k->pdrs[i].id < UPF_RA; i++)
		json_array_append_new(d->list,
				      pdr_json(k, &k->pdrs[i], i < c->n_pdrs ? &c->pdrs[i] : NULL));
	return 0;
}

static int show_rules(void *arg, const json_t *req, json_t **ret, char *err, size_t errsize)
{
	struct upf *u = arg;
	struct dump d = { json_array(), json_string_value(json_object_get(req, "key")) };
	int e = u->ops->session_dump(u->k, add_session, &d);

	if (e) {
		snprintf(err, errsize, "kims.ko: %s", u->ops->error(u->k));
		json_decref(d.list);
		return e;
	}
	*ret = d.list;
	return 0;
}

static int show_pools(void *arg, const json_t *req _unused_, json_t **ret, char *err _unused_,
		      size_t errsize _unused_)
{
	const struct upf *u = arg;

	*ret = json_array();
	for (size_t i = 0; i < u->n_pools; i++) {
		const struct upf_pool *p = &u->pools[i];

		json_array_append_new(*ret, json_pack("{s:s,s:I,s:I,s:I,s:I}", "instance", p->name,
						      "ipv4", (json_int_t)(p->has4 ? p->n4 - 2 : 0),
						      "ipv4_used", (json_int_t)p->taken4, "ipv6",
						      (json_int_t)p->n6, "ipv6_used",
						      (json_int_t)p->taken6));
	}
	return 0;
}

static int show_applications(void *arg, const json_t *req _unused_, json_t **ret,
			     char *err _unused_, size_t errsize _unused_)
{
	*ret = upf_pfds_json(arg);
	return 0;
}

static int leave(void *arg, const json_t *req, json_t **ret, char *err _unused_,
		 size_t errsize _unused_)
{
	json_int_t s = json_integer_value(json_object_get(req, "seconds"));

	upf_release_all(arg, (uint8_t)(s < 0 ? 0 : s > 60 ? 60 : s));
	*ret = json_pack("{s:b}", "leaving", true);
	return 0;
}

const struct ctl_cmd upf_cmds[] = {
	{ "status", "sessions, associations, recovery time stamp", false, status },
	{ "show sessions", "PFCP sessions", false, show_sessions },
	{ "show nodes", "CP functions", false, show_nodes },
	{ "show rules", "PDRs with their FARs and counters; \"key\": an IMSI or SEID", false,
	  show_rules },
	{ "show pools", "addresses of UEs", false, show_pools },
	{ "show applications", "applications with PFDs", false, show_applications },
	{ "leave", "\"seconds\": asks the CP functions to release the association", true, leave },
	{ NULL },
};
