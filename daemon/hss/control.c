// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The control socket of the HSS. kimsctl writes subscribers straight into the database; what the network
 * must hear of it (a user gone, a profile changed) it tells here, before or after.
 */
#include <stdio.h>

#include "hss/hss.h"

static json_t *subscriber_json(const struct subscriber *s, const struct sub_impu *p)
{
	return json_pack("{s:s,s:s,s:s,s:s,s:s,s:b,s:i,s:s,s:b}", "imsi", s->imsi, "impi", s->impi,
			 "impu", p->impu, "state", sub_state_name(p->state), "scscf", s->scscf,
			 "barred", p->barred, "set", (int)p->set, "profile", p->profile,
			 "authentication_pending", p->pending);
}

static int list(struct hss *h, bool registered_only, long limit, json_t **ret, char *err,
		size_t errsize)
{
	struct subscriber *s = calloc(1, sizeof(*s));
	json_t *a = json_array();
	char after[16] = "";
	int e = s && a ? 0 : -ENOMEM;

	while (!e && (long)json_array_size(a) < limit) {
		e = subdb_next(h->db, after, s);
		if (e)
			break;
		snprintf(after, sizeof(after), "%s", s->imsi);
		for (size_t i = 0; i < s->n_impu; i++)
			if (!registered_only || s->impu[i].state != SUB_NOT_REGISTERED)
				json_array_append_new(a, subscriber_json(s, &s->impu[i]));
	}
	free(s);
	if (e && e != -ENOENT) {
		json_decref(a);
		snprintf(err, errsize, "subscriber database: %s", subdb_error(h->db));
		return e;
	}
	*ret = a;
	return 0;
}

static long limit_of(const json_t *req)
{
	json_t *v = json_object_get(req, "limit");

	return json_is_integer(v) ? (long)json_integer_value(v) : 10000;
}

static int show_subscriber(void *arg, const json_t *req, json_t **ret, char *err, size_t errsize)
{
	return list(arg, false, limit_of(req), ret, err, errsize);
}

static int show_registration(void *arg, const json_t *req, json_t **ret, char *err, size_t errsize)
{
	return list(arg, true, limit_of(req), ret, err, errsize);
}

static int status(void *arg, const json_t *req _unused_, json_t **ret, char *err, size_t errsize)
{
	struct hss *h = arg;
	uint64_t all = 0, registered = 0;

	if (subdb_count(h->db, &all, &registered)) {
		snprintf(err, errsize, "subscriber database: %s", subdb_error(h->db));
		return -EIO;
	}
	*ret = json_pack("{s:I,s:I,s:b}", "subscribers", (json_int_t)all, "registered",
			 (json_int_t)registered, "diameter", h->dia && dia_peer_up(h->dia, NULL));
	return 0;
}

static int show_peers(void *arg, const json_t *req _unused_, json_t **ret, char *err _unused_,
		      size_t errsize _unused_)
{
	struct hss *h = arg;

	*ret = json_array();
	if (h->dia)
		dia_peers_json(h->dia, *ret);
	return 0;
}

/* The subscriber that "impi" or "impu" of the request names; set: of the identity, or -1. */
static int subscriber_of(struct hss *h, const json_t *req, struct subscriber *s, int *set,
			 char *err, size_t errsize)
{
	const char *impi = json_string_value(json_object_get(req, "impi")),
		   *impu = json_string_value(json_object_get(req, "impu"));
	size_t i;
	int e = -EINVAL;

	*set = -1;
	if (impu) {
		e = subdb_by_impu(h->db, str_of(impu), s, &i);
		if (!e)
			*set = (int)s->impu[i].set;
	} else if (impi) {
		e = subdb_by_impi(h->db, str_of(impi), s);
	}
	if (e == -EINVAL)
		snprintf(err, errsize, "\"impi\" or \"impu\" is missing");
	else if (e == -ENOENT)
		snprintf(err, errsize, "there is no subscriber %s", impu ? impu : impi);
	else if (e)
		snprintf(err, errsize, "subscriber database: %s", subdb_error(h->db));
	return e;
}

static int deregister(void *arg, const json_t *req, json_t **ret, char *err, size_t errsize)
{
	const char *info = json_string_value(json_object_get(req, "reason"));
	struct hss *h = arg;
	struct subscriber s;
	int set, e;

	e = subscriber_of(h, req, &s, &set, err, errsize);
	if (e)
		return e;
	e = hss_deregister(h, &s, set, CX_PERMANENT_TERMINATION, info);
	if (e == -ENOTCONN)
		snprintf(err, errsize, "%s is not registered", s.impi);
	else if (e)
		snprintf(err, errsize, "cannot send the RTR: %s", strerror(-e));
	*ret = e ? NULL : json_pack("{s:s}", "scscf", s.scscf_host);
	return e;
}

static int changed(void *arg, const json_t *req, json_t **ret, char *err, size_t errsize)
{
	struct hss *h = arg;
	struct subscriber s;
	int set, e = subscriber_of(h, req, &s, &set, err, errsize);

	if (e)
		return e;
	e = hss_push_profile(h, &s);
	if (e < 0) {
		snprintf(err, errsize, "cannot send the PPR: %s", strerror(-e));
		return e;
	}
	*ret = json_pack("{s:i}", "pushed", e);
	return 0;
}

const struct ctl_cmd hss_cmds[] = {
	{ "status", "subscribers, registered, Diameter", false, status },
	{ "show subscriber", "every public identity with its state; \"limit\"", false,
	  show_subscriber },
	{ "show registration", "those with an S-CSCF", false, show_registration },
	{ "show peers", "Diameter peers", false, show_peers },
	{ "deregister", "\"impu\" or \"impi\": RTR to the S-CSCF; \"reason\"", true, deregister },
	{ "subscriber changed", "\"impi\": PPR with the new profile, when it is registered", true,
	  changed },
	{ NULL },
};
