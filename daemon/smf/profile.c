// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Static addresses of subscribers (TS 23.401 5.3.1.2.1, TS 29.061 11.2.1.3): rows of the profile store
 * (lib/store/profile.h), which the PCRF reads for the rest.
 *
 * Invariant: an address of a row is given to nobody else, from the moment on at which it is free.
 */
#include "lib/core/log.h"
#include "smf/smf.h"

static int reserve(void *arg, const struct profile *row)
{
	struct conf_addr a4 = { .family = AF_INET, .v4 = row->v4 };
	struct conf_addr a6 = { .family = AF_INET6, .v6 = row->v6 };
	struct smf *s = arg;

	for (size_t i = 0; i < s->n_apns; i++) {
		if (strcmp(row->apn, "*") && strcasecmp(row->apn, s->apns[i].name))
			continue;
		smf_pool_reserve(&s->apns[i].pool4, &a4);
		smf_pool_reserve(&s->apns[i].pool6, &a6);
	}
	return 0;
}

void smf_profiles_open(struct smf *s, const char *imsi)
{
	char err[640];
	int e = 0;

	if (!s->profiles && *s->profiles_path)
		e = profiles_open(s->profiles_path, false, &s->profiles, err, sizeof(err));
	if (e && e != -ENOENT)
		log_warn("%s; there are no static addresses", err);
	if (s->profiles)
		profiles_each(s->profiles, imsi, reserve, s);
}

void smf_profile_address(const struct smf_pdn *p, struct in_addr *v4, struct in6_addr *v6)
{
	struct profile row;
	int e = -ENOENT;

	v4->s_addr = 0;
	*v6 = in6addr_any;
	if (p->smf->profiles && *p->imsi && !p->unauthenticated)
		e = profiles_find(p->smf->profiles, str_of(p->imsi), str_of(p->apn->name), &row);
	if (!e) {
		*v4 = row.v4;
		*v6 = row.v6;
	} else if (e != -ENOENT) {
		log_warn("%s: its profile: %s", p->name, profiles_error(p->smf->profiles));
	}
}
