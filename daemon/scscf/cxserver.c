// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What the HSS asks the S-CSCF: Registration-Termination (TS 29.228 6.1.3, TS 24.229 5.4.1.5) and
 * Push-Profile (TS 29.228 6.2.2).
 *
 * Invariant: both may come twice (T flag) and then change nothing more.
 */
#include "scscf/priv.h"

#include "lib/core/log.h"

/* The set that an IMPI or one of the identities is registered in. */
static struct irs *find_irs(struct scscf *s, const struct cx_rtr *r)
{
	struct irs *x;
	char canon[ID_MAX];

	for (size_t i = 0; i < r->n_public_identity; i++) {
		struct impu *u;

		if (sip_uri_canon(r->public_identity[i], canon, sizeof(canon)) < 0)
			continue;
		u = impu_find(s, str_of(canon));
		if (u)
			return u->irs;
	}
	if (r->n_public_identity)
		return NULL;
	DL_FOREACH (s->sets, x) {
		const struct contact *c;

		DL_FOREACH (x->contacts, c) {
			if (str_eqz(r->user_name, c->impi->name))
				return x;
		}
	}
	return NULL;
}

static enum contact_event event_of(int reason_code)
{
	switch ((enum cx_dereg_reason)reason_code) {
	case CX_PERMANENT_TERMINATION:
		return CE_REJECTED; /* the device shall not come back by itself */
	case CX_NEW_SERVER_ASSIGNED:
	case CX_SERVER_CHANGE:
	case CX_REMOVE_S_CSCF:
		break;
	}
	return CE_DEACTIVATED; /* it may register again */
}

void scscf_rtr(struct scscf *s, const struct cx_rtr *r, struct cx_rta *ret)
{
	struct irs *x;
	struct contact *c;

	ret->result = CX_SUCCESS;
	log_notice("the HSS ends the registration of %.*s (reason %d: %.*s)", STR_FMT(r->user_name),
		   r->reason_code, STR_FMT(r->reason_info));
	for (x = find_irs(s, r); x; x = r->n_public_identity ? NULL : find_irs(s, r)) {
		bool any = false;

		DL_FOREACH (x->contacts, c) {
			if (r->user_name.n && !str_eqz(r->user_name, c->impi->name))
				continue;
			contact_end(c, event_of(r->reason_code));
			any = true;
		}
		if (!any)
			break;
		irs_changed(x, -1); /* the HSS knows */
	}
}

void scscf_ppr(struct scscf *s, const struct cx_ppr *r, struct cx_ppa *ret)
{
	struct profile p;
	struct irs *x;
	int err;

	ret->result = CX_SUCCESS;
	if (!r->user_data.n)
		return; /* charging addresses only */
	err = profile_parse(r->user_data, &p);
	if (err == 0) {
		bool known = false;

		for (size_t i = 0; i < p.n && !known; i++) {
			char canon[ID_MAX];

			known = sip_uri_canon(str_of(p.ids[i].uri), canon, sizeof(canon)) == 0 &&
				impu_find(s, str_of(canon));
		}
		err = known ? irs_from_profile(s, &p, &x) : -ENOENT;
		profile_free(&p);
	}
	if (err < 0) {
		ret->result = err == -ENOENT ? CX_USER_UNKNOWN : CX_NOT_SUPPORTED_USER_DATA;
		return;
	}
	irs_changed(x, CX_ADMINISTRATIVE_DEREGISTRATION);
}
