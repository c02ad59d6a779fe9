// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Server assignment: SAR/SAA (TS 29.228 6.1.2.1). An S-CSCF takes over an implicit registration
 * set, gives it back, or asks for the user's profile.
 *
 * The registration state belongs to the whole implicit set; the name of the S-CSCF to the
 * subscription, and goes when its last set goes.
 */
#include "hss/hss.h"
#include "lib/core/log.h"

struct work {
	struct hss *h;
	struct subscriber *s;
	const struct cx_sar *r;
	struct str origin;
	size_t i; /* the identity, or the first */
	struct cx_saa *a;
};

static bool is_deregistration(int type)
{
	switch (type) {
	case CX_TIMEOUT_DEREGISTRATION:
	case CX_USER_DEREGISTRATION:
	case CX_TIMEOUT_DEREGISTRATION_STORE_SERVER_NAME:
	case CX_USER_DEREGISTRATION_STORE_SERVER_NAME:
	case CX_ADMINISTRATIVE_DEREGISTRATION:
	case CX_DEREGISTRATION_TOO_MUCH_DATA:
		return true;
	default:
		return false;
	}
}

/* Step 3: how many identities this type of assignment allows. */
static int count_ok(const struct cx_sar *r)
{
	if (r->n_public_identity > 1 && !is_deregistration(r->assignment_type))
		return CX_OCCURS_TOO_MANY_TIMES;
	if (!r->n_public_identity && !(r->user_name.p && is_deregistration(r->assignment_type)))
		return CX_MISSING_AVP;
	if (!r->user_name.p && r->assignment_type != CX_UNREGISTERED_USER &&
	    r->assignment_type != CX_NO_ASSIGNMENT && !is_deregistration(r->assignment_type))
		return CX_MISSING_AVP;
	return CX_SUCCESS;
}

static int identify(struct work *w)
{
	size_t i;
	int e;

	if (!w->r->n_public_identity) { /* deregistration of everything under one private identity */
		e = subdb_by_impi(w->h->db, w->r->user_name, w->s);
		return !e ? CX_SUCCESS : e == -ENOENT ? CX_USER_UNKNOWN : CX_UNABLE_TO_COMPLY;
	}
	for (size_t j = w->r->n_public_identity; j-- > 0;) {
		e = hss_identify(w->h, w->r->user_name, w->r->public_identity[j], &i);
		if (e != CX_SUCCESS)
			return e;
	}
	w->i = i; /* of the first */
	return CX_SUCCESS;
}

static bool from_assigned(const struct work *w)
{
	return str_eqz(w->r->server_name, w->s->scscf);
}

static bool pending_in_set(const struct work *w)
{
	for (size_t j = 0; j < w->s->n_impu; j++)
		if (w->s->impu[j].pending && w->s->impu[j].set == w->s->impu[w->i].set)
			return true;
	return false;
}

static int take(struct work *w, enum sub_state state)
{
	int e = 0;

	if (!from_assigned(w) || !str_eqz(w->origin, w->s->scscf_host))
		e = subdb_set_server(w->h->db, w->s->id, w->r->server_name, w->origin);
	if (!e)
		e = subdb_set_state(w->h->db, w->s, w->i, true, state, false);
	return e ? CX_UNABLE_TO_COMPLY : CX_SUCCESS;
}

static void send_profile(struct work *w)
{
	const struct sub_profile *p = &w->h->profile;

	if (w->r->user_data_already_available)
		return;
	if (hss_userdata(w->h, w->s, w->i)) {
		w->a->result = CX_UNABLE_TO_COMPLY;
		return;
	}
	w->a->user_data = sbuf_str(&w->h->xml);
	if (!hss_profile(w->h, w->s->impu[w->i].profile))
		return;
	w->a->ccf1 = *p->ccf1 ? str_of(p->ccf1) : (struct str){ 0 };
	w->a->ccf2 = *p->ccf2 ? str_of(p->ccf2) : (struct str){ 0 };
	w->a->ecf1 = *p->ecf1 ? str_of(p->ecf1) : (struct str){ 0 };
	w->a->ecf2 = *p->ecf2 ? str_of(p->ecf2) : (struct str){ 0 };
}

/*
 * REGISTRATION, RE_REGISTRATION: another server may take a registered user over only after it has
 * authenticated him (MAR has then stored its name).
 */
static void on_registration(struct work *w)
{
	bool taken = hss_has_server(w->s) && !from_assigned(w) &&
		     w->s->impu[w->i].state != SUB_NOT_REGISTERED;

	if (taken && !pending_in_set(w)) {
		w->a->result = CX_IDENTITY_ALREADY_REGISTERED;
		return;
	}
	w->a->result = take(w, SUB_REGISTERED);
	if (w->a->result == CX_SUCCESS)
		send_profile(w);
}

static void on_unregistered_user(struct work *w)
{
	bool registered = w->s->impu[w->i].state == SUB_REGISTERED;

	if (hss_has_server(w->s) && !from_assigned(w) &&
	    w->s->impu[w->i].state != SUB_NOT_REGISTERED)
		w->a->result = CX_IDENTITY_ALREADY_REGISTERED;
	else if (!registered) /* a registered one only fetches its profile anew (restoration) */
		w->a->result = take(w, SUB_UNREGISTERED);
	if (w->a->result == CX_SUCCESS)
		send_profile(w);
}

static void on_no_assignment(struct work *w)
{
	if (hss_has_server(w->s) && from_assigned(w))
		send_profile(w);
	else
		w->a->result = CX_UNABLE_TO_COMPLY;
}

/* The server's name goes with the last set that uses it. */
static int drop_server_if_unused(struct work *w)
{
	for (size_t j = 0; j < w->s->n_impu; j++)
		if (w->s->impu[j].state != SUB_NOT_REGISTERED || w->s->impu[j].pending)
			return 0;
	return subdb_set_server(w->h->db, w->s->id, STR(""), STR(""));
}

static int leave_set(struct work *w, size_t i, enum sub_state to)
{
	return subdb_set_state(w->h->db, w->s, i, true, to, false);
}

static int leave_all(struct work *w, enum sub_state to)
{
	size_t n = w->r->n_public_identity ? w->r->n_public_identity : w->s->n_impu;
	int e = 0;

	for (size_t j = 0; j < n && !e; j++) {
		size_t i = j;

		for (size_t m = 0; w->r->n_public_identity && m < w->s->n_impu; m++)
			if (str_eqz(w->r->public_identity[j], w->s->impu[m].impu))
				i = m;
		e = leave_set(w, i, to);
	}
	return e;
}

static void on_deregistration(struct work *w)
{
	bool store = w->r->assignment_type == CX_TIMEOUT_DEREGISTRATION_STORE_SERVER_NAME ||
		     w->r->assignment_type == CX_USER_DEREGISTRATION_STORE_SERVER_NAME;
	bool keep = store && hss_unregistered_services(w->h, w->i);
	int e;

	if (hss_has_server(w->s) && !from_assigned(w)) {
		w->a->result = CX_UNABLE_TO_COMPLY; /* it lost the user to another one before */
		return;
	}
	e = leave_all(w, keep ? SUB_UNREGISTERED : SUB_NOT_REGISTERED);
	if (!e)
		e = drop_server_if_unused(w);
	if (e)
		w->a->result = CX_UNABLE_TO_COMPLY;
	else if (store && !keep)
		w->a->result = CX_SUCCESS_SERVER_NAME_NOT_STORED;
}

/* AUTHENTICATION_FAILURE, _TIMEOUT: a user who was registered stays so; a first attempt is forgotten. */
static void on_authentication_failed(struct work *w)
{
	if (subdb_set_state(w->h->db, w->s, w->i, false, w->s->impu[w->i].state, false) ||
	    drop_server_if_unused(w))
		w->a->result = CX_UNABLE_TO_COMPLY;
}

static void assign(struct work *w)
{
	switch (w->r->assignment_type) {
	case CX_SA_REGISTRATION:
	case CX_RE_REGISTRATION:
		on_registration(w);
		return;
	case CX_UNREGISTERED_USER:
		on_unregistered_user(w);
		return;
	case CX_NO_ASSIGNMENT:
		on_no_assignment(w);
		return;
	case CX_AUTHENTICATION_FAILURE:
	case CX_AUTHENTICATION_TIMEOUT:
		on_authentication_failed(w);
		return;
	default:
		if (is_deregistration(w->r->assignment_type))
			on_deregistration(w);
		else
			w->a->result = CX_IN_ASSIGNMENT_TYPE;
	}
}

void hss_sar(struct hss *h, struct str origin, const struct cx_sar *r, struct cx_saa *a)
{
	struct work w = { .h = h, .s = &h->s, .r = r, .origin = origin, .a = a };

	*a = (struct cx_saa){ .result = count_ok(r) };
	if (a->result == CX_SUCCESS && hss_begin(h))
		a->result = CX_UNABLE_TO_COMPLY;
	if (a->result == CX_SUCCESS)
		a->result = identify(&w);
	if (a->result == CX_SUCCESS) {
		a->user_name = str_of(h->s.impi);
		assign(&w);
	}
	if (a->result != CX_SUCCESS && a->result != CX_SUCCESS_SERVER_NAME_NOT_STORED)
		*a = (struct cx_saa){ .result = a->result, .user_name = r->user_name };
}
