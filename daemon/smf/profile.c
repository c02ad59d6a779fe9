// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Static addresses of subscribers (TS 23.401 5.3.1.2.1, TS 29.061 11.2.1.3): rows of the profile store
 * (lib/store/profile.h), which the PCRF reads for the rest.
 *
 * Invariants: an address of a row is given to nobody else, from the moment on at which it is free; one that no row has any
 * more is anybody's, as soon as its subscriber does not use it.
 */
#include "lib/core/log.h"
#include "smf/smf.h"

struct held { /* an address that is reserved because of a row */
	struct hnode by_imsi;
	char imsi[16];
	struct smf_pool *pool;
	struct conf_addr addr;
	bool listed; /* there is such a row */
};

static struct held *next_of(struct hnode *n, const char *imsi)
{
	for (; n; n = htab_next(n)) {
		struct held *h = container_of(n, struct held, by_imsi);

		if (!strcmp(h->imsi, imsi))
			return h;
	}
	return NULL;
}

static uint64_t key_of(const struct smf *s, const char *imsi)
{
	return smf_hash(s, imsi, strlen(imsi));
}

static struct held *first_of(const struct smf *s, const char *imsi)
{
	return next_of(htab_find(&s->held, key_of(s, imsi)), imsi);
}

static void hold(struct smf *s, const char *imsi, struct smf_pool *pool, const struct conf_addr *a)
{
	struct held *h = first_of(s, imsi);

	if (!smf_pool_has(pool, a))
		return;
	while (h && (h->pool != pool || memcmp(&h->addr, a, sizeof(*a))))
		h = next_of(htab_next(&h->by_imsi), imsi);
	if (!h) {
		smf_pool_reserve(pool, a);
		h = calloc(1, sizeof(*h));
		if (!h) /* reserved until a restart */
			return;
		str_copy(h->imsi, sizeof(h->imsi), str_of(imsi));
		h->pool = pool;
		h->addr = *a;
		htab_insert(&s->held, &h->by_imsi, key_of(s, imsi));
	}
	h->listed = true;
}

static int reserve(void *arg, const struct profile *row)
{
	struct conf_addr a4, a6;
	struct smf *s = arg;

	memset(&a4, 0, sizeof(a4)); /* hold() compares all of it */
	memset(&a6, 0, sizeof(a6));
	a4.family = AF_INET;
	a4.v4 = row->v4;
	a6.family = AF_INET6;
	a6.v6 = row->v6;
	for (size_t i = 0; i < s->n_apns; i++) {
		if (strcmp(row->apn, "*") && strcasecmp(row->apn, s->apns[i].name))
			continue;
		hold(s, row->imsi, &s->apns[i].pool4, &a4);
		hold(s, row->imsi, &s->apns[i].pool6, &a6);
	}
	return 0;
}

/* Also while it ends: its addresses stay until both peers have let go. */
static bool is_used(const struct smf *s, const struct held *h)
{
	for (const struct smf_pdn *p = s->pdns; p; p = p->next)
		if (!strcmp(p->imsi, h->imsi) &&
		    (h->addr.family == AF_INET ? p->v4.s_addr == h->addr.v4.s_addr
					       : !memcmp(&p->v6, &h->addr.v6, 8)))
			return true;
	return false;
}

static void list(struct smf *s, const char *imsi, bool listed)
{
	for (struct held *h = first_of(s, imsi); h; h = next_of(htab_next(&h->by_imsi), imsi))
		h->listed = listed;
}

static void let_go(struct smf *s, const char *imsi)
{
	struct held *h, *next;

	for (h = first_of(s, imsi); h; h = next) {
		next = next_of(htab_next(&h->by_imsi), imsi);
		if (h->listed || is_used(s, h))
			continue;
		smf_pool_unreserve(h->pool, loop_now(s->loop), &h->addr);
		htab_remove(&s->held, &h->by_imsi);
		free(h);
	}
}

static void read_rows(struct smf *s, const char *imsi)
{
	int e;

	if (imsi)
		list(s, imsi, false);
	e = profiles_each(s->profiles, imsi, reserve, s);
	if (e)
		log_warn("static addresses: %s", profiles_error(s->profiles));
	if (imsi && e)
		list(s, imsi, true);
	else if (imsi)
		let_go(s, imsi);
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
		read_rows(s, imsi);
}

void smf_profile_left(struct smf *s, const char *imsi)
{
	let_go(s, imsi);
}

void smf_profiles_close(struct smf *s)
{
	for (uint32_t i = 0; s->held.b && i <= s->held.mask; i++)
		for (struct hnode *n = s->held.b[i], *next; n; n = next) {
			next = n->next;
			free(container_of(n, struct held, by_imsi));
		}
	profiles_close(s->profiles);
	s->profiles = NULL;
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
