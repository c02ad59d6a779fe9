// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * User registration status query: UAR/UAA (TS 29.228 6.1.1.1). May this identity register from that network,
 * and which S-CSCF has it, or which must the I-CSCF look for?
 */
#include "hss/hss.h"

/* Step 3: a barred identity may register only when its implicit set has one that is not. */
static bool may_register(const struct subscriber *s, size_t i)
{
	for (size_t j = 0; j < s->n_impu; j++)
		if (s->impu[j].set == s->impu[i].set && !s->impu[j].barred)
			return true;
	return false;
}

static bool may_roam(const struct subscriber *s, struct str network)
{
	struct str rest = str_of(s->visited), word;

	if (!rest.n)
		return true;
	while (str_split(&rest, ' ', &word))
		if (word.n && str_ieq(word, network))
			return true;
	return false;
}

/* Step 5: registered or not, an assigned (also a pending) server is told. */
static int server_or_caps(const struct subscriber *s, size_t i, int type, struct cx_uaa *a)
{
	bool dereg = type == CX_DE_REGISTRATION;

	if (hss_has_server(s) && !(dereg && s->impu[i].state == SUB_NOT_REGISTERED)) {
		a->server_name = str_of(s->scscf);
		return dereg ? CX_SUCCESS : CX_SUBSEQUENT_REGISTRATION;
	}
	if (dereg)
		return CX_IDENTITY_NOT_REGISTERED;
	a->has_caps = hss_caps(s, &a->caps);
	return CX_FIRST_REGISTRATION;
}

void hss_uar(struct hss *h, const struct cx_uar *r, struct cx_uaa *a)
{
	struct subscriber *s = &h->s;
	size_t i;
	int type = r->auth_type < 0 ? CX_REGISTRATION : r->auth_type;

	*a = (struct cx_uaa){ .result = hss_identify(h, r->user_name, r->public_identity, &i) };
	if (a->result != CX_SUCCESS)
		return;
	if (!r->emergency && !may_register(s, i)) {
		a->result = CX_AUTHORIZATION_REJECTED;
	} else if (!r->emergency && type != CX_DE_REGISTRATION &&
		   !may_roam(s, r->visited_network)) {
		a->result = CX_ROAMING_NOT_ALLOWED;
	} else if (type == CX_REGISTRATION_AND_CAPABILITIES) {
		hss_caps(s,
			 &a->caps); /* the assigned server is out of order: another one is wanted */
		a->has_caps = true;
	} else {
		a->result = server_or_caps(s, i, type, a);
	}
}
