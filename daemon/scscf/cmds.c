// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Control commands of the S-CSCF.
 */
#include "scscf/priv.h"

#include "lib/core/log.h"

static json_t *impus_json(const struct irs *r)
{
	json_t *list = json_array();

	for (size_t i = 0; i < r->n_impus; i++)
		json_array_append_new(list, json_pack("{s:s,s:b}", "uri", r->impus[i]->uri,
						      "barred", r->impus[i]->barred));
	return list;
}

static json_t *contact_json(const struct contact *c)
{
	return json_pack("{s:s,s:s,s:s?,s:s?,s:I,s:f,s:s,s:s?,s:I}", "impi", c->impi->name, "uri",
			 c->uri, "params", c->params, "path", c->path, "expires",
			 (json_int_t)contact_expires(c), "q", c->q / 1000.0, "event",
			 contact_event_name(c->event), "call_id", c->call_id, "cseq",
			 (json_int_t)c->cseq);
}

static json_t *irs_json(const struct irs *r)
{
	json_t *contacts = json_array(), *impis = json_array();
	const struct contact *c;

	DL_FOREACH (r->contacts, c) {
		json_array_append_new(contacts, contact_json(c));
		json_array_append_new(impis, json_string(c->impi->name));
	}
	return json_pack("{s:o,s:o,s:o,s:s,s:o,s:I}", "impis", impis, "impus", impus_json(r),
			 "contacts", contacts, "state",
			 irs_active(r) ? "registered" : "unregistered", "subscriptions",
			 regevent_json(r), "ifc_octets", (json_int_t)(r->ifc ? r->ifc->n : 0));
}

static int find_set(struct scscf *s, const char *id, struct irs **ret, char *err, size_t errsize)
{
	char canon[ID_MAX];
	struct impu *u;

	if (sip_uri_canon(str_of(id), canon, sizeof(canon)) < 0) {
		snprintf(err, errsize, "\"%s\" is no sip or tel URI", id);
		return -EINVAL;
	}
	u = impu_find(s, str_of(canon));
	if (!u) {
		snprintf(err, errsize, "%s is not registered here", canon);
		return -ENOENT;
	}
	*ret = u->irs;
	return 0;
}

static int cmd_show_registration(void *arg, const json_t *req, json_t **ret, char *err,
				 size_t errsize)
{
	const char *id = json_string_value(json_object_get(req, "impu"));
	struct scscf *s = arg;
	struct irs *r;
	int e;

	*ret = json_array();
	if (id) {
		e = find_set(s, id, &r, err, errsize);
		if (e == 0)
			json_array_append_new(*ret, irs_json(r));
		else
			json_decref(*ret);
		return e;
	}
	DL_FOREACH (s->sets, r)
		json_array_append_new(*ret, irs_json(r));
	return 0;
}

static int cmd_show_session(void *arg, const json_t *req _unused_, json_t **ret, char *err _unused_,
			    size_t errsize _unused_)
{
	*ret = sessions_json(arg);
	return 0;
}

/* TS 24.229 5.4.1.5: network-initiated, by the operator; the device may come back. */
static int cmd_deregister(void *arg, const json_t *req, json_t **ret, char *err, size_t errsize)
{
	const char *id = json_string_value(json_object_get(req, "impu"));
	struct contact *c;
	struct irs *r;
	int e, n = 0;

	if (!id) {
		snprintf(err, errsize, "which identity? (\"impu\")");
		return -EINVAL;
	}
	e = find_set(arg, id, &r, err, errsize);
	if (e < 0)
		return e;
	DL_FOREACH (r->contacts, c) {
		contact_end(c, CE_DEACTIVATED);
		n++;
	}
	log_notice("the operator de-registers %s", id);
	irs_changed(r, CX_ADMINISTRATIVE_DEREGISTRATION);
	*ret = json_pack("{s:i}", "contacts", n);
	return 0;
}

static int cmd_status(void *arg, const json_t *req _unused_, json_t **ret, char *err _unused_,
		      size_t errsize _unused_)
{
	const struct scscf *s = arg;
	const struct sip_stack_stats *st = sip_stack_get_stats(s->stack);
	bool is_up = s->env.cx->is_up && s->env.cx->is_up(s->env.cx_link);

	*ret = json_pack(
		"{s:s,s:I,s:I,s:I,s:I,s:I,s:I}", "hss", is_up ? "connected" : "not connected",
		"registered_sets", (json_int_t)g_sets.value, "contacts",
		(json_int_t)g_contacts.value, "subscriptions", (json_int_t)g_subs.value, "sessions",
		(json_int_t)g_sessions.value, "server_transactions", (json_int_t)st->stx_active,
		"client_transactions", (json_int_t)st->ctx_active);
	return 0;
}

const struct ctl_cmd scscf_cmds[] = {
	{ .name = "status", .help = "counters of this S-CSCF", .fn = cmd_status },
	{ .name = "show registration",
	  .help = "registered sets (impu: one of them)",
	  .fn = cmd_show_registration },
	{ .name = "show session", .help = "calls", .fn = cmd_show_session },
	{ .name = "show dialog", .help = "calls", .fn = cmd_show_session },
	{ .name = "deregister",
	  .help = "end the registration of impu",
	  .privileged = true,
	  .fn = cmd_deregister },
	{ .name = NULL },
};
