// SPDX-License-Identifier: GPL-2.0-or-later
/* What the procedures of TS 29.228 6.1 share: who is it, is a server assigned, which capabilities. */
#include "hss/hss.h"
#include "lib/core/log.h"

static int db_failed(struct hss *h, int e)
{
	if (e == -ENOENT)
		return CX_USER_UNKNOWN;
	log_err("subscriber database: %s", subdb_error(h->db));
	return CX_UNABLE_TO_COMPLY;
}

int hss_identify(struct hss *h, struct str impi, struct str impu, size_t *ret_i)
{
	struct subscriber *s = &h->s;
	int e = subdb_by_impu(h->db, impu, s, ret_i);

	if (e)
		return db_failed(h, e);
	if (!impi.p || str_eqz(impi, s->impi))
		return CX_SUCCESS;
	/* Known but somebody else's, or not known at all? (order of the checks in 6.1) */
	e = subdb_by_impi(h->db, impi, s);
	return e ? db_failed(h, e) : CX_IDENTITIES_DONT_MATCH;
}

bool hss_has_server(const struct subscriber *s)
{
	return *s->scscf;
}

bool hss_profile(struct hss *h, const char *name)
{
	if (!subdb_profile_get(h->db, name, &h->profile))
		return true;
	return !subdb_profile_get(h->db, "default", &h->profile);
}

bool hss_unregistered_services(struct hss *h, size_t i)
{
	return hss_profile(h, h->s.impu[i].profile) && h->profile.unregistered;
}

bool hss_caps(const struct subscriber *s, struct cx_capabilities *ret)
{
	*ret = (struct cx_capabilities){ .n_mandatory = s->mandatory.n,
					 .n_optional = s->optional.n };
	memcpy(ret->mandatory, s->mandatory.v, s->mandatory.n * sizeof(uint32_t));
	memcpy(ret->optional, s->optional.v, s->optional.n * sizeof(uint32_t));
	return s->mandatory.n || s->optional.n;
}

int hss_begin(struct hss *h)
{
	int e = subdb_begin(h->db);

	if (e)
		log_err("subscriber database: %s", subdb_error(h->db));
	return e;
}
