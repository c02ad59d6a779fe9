// SPDX-License-Identifier: GPL-2.0-or-later
/* Location query: LIR/LIA (TS 29.228 6.1.4.1). Which S-CSCF serves this public identity? */
#include "hss/hss.h"

static void with_caps(struct hss *h, struct cx_lia *a, int result)
{
	a->has_caps = hss_caps(&h->s, &a->caps);
	a->result = result;
}

void hss_lir(struct hss *h, const struct cx_lir *r, struct cx_lia *a)
{
	struct subscriber *s = &h->s;
	enum sub_state state;
	size_t i;

	*a = (struct cx_lia){ .result =
				      hss_identify(h, (struct str){ 0 }, r->public_identity, &i) };
	if (a->result != CX_SUCCESS)
		return;
	state = s->impu[i].state;
	if (r->auth_type == CX_REGISTRATION_AND_CAPABILITIES) {
		with_caps(h, a, CX_SUCCESS);
		if (hss_has_server(s))
			a->server_name = str_of(s->scscf);
		else
			a->result = CX_UNREGISTERED_SERVICE;
	} else if (state != SUB_NOT_REGISTERED && hss_has_server(s)) {
		a->server_name = str_of(s->scscf);
	} else if (!r->originating && !hss_unregistered_services(h, i)) {
		a->result = CX_IDENTITY_NOT_REGISTERED;
	} else if (hss_has_server(s)) { /* another identity of the subscription has one already */
		a->server_name = str_of(s->scscf);
	} else {
		with_caps(h, a, CX_UNREGISTERED_SERVICE);
	}
}
