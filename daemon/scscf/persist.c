// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Registrations and subscriptions in the store, so that a restart loses neither (issue: "scscf keeps
 * registrations across a restart").
 *
 * A set is one record under its first identity; it is written once per round of the loop however
 * often it changed. Invariant: a record that cannot be read is left out and logged, never guessed.
 */
#include "scscf/priv.h"

#include "lib/core/log.h"

#define TABLE	       "registration"
#define TABLE_SUB      "subscription"
#define RECORD_VERSION 1

/* ---- writing ---- */

static void put_contact(const struct contact *c, struct sbuf *b)
{
	sbuf_put_str(b, str_of(c->impi->name));
	sbuf_put_u64(b, c->impi->auth_at);
	sbuf_put_u64(b, c->expires_at);
	sbuf_put_u64(b, c->cseq);
	sbuf_put_u64(b, c->q);
	sbuf_put_str(b, str_of(c->uri));
	sbuf_put_str(b, str_of(c->params));
	sbuf_put_str(b, str_of(c->path));
	sbuf_put_str(b, str_of(c->call_id));
}

static void put_set(const struct irs *r, struct sbuf *b)
{
	const struct contact *c;
	size_t n = 0;

	DL_FOREACH (r->contacts, c)
		n += !contact_is_ended(c);
	sbuf_put_u64(b, RECORD_VERSION);
	sbuf_put_str(b, r->ifc ? (struct str){ r->ifc->text, r->ifc->n } : (struct str){ NULL, 0 });
	sbuf_put_u64(b, r->n_impus);
	for (size_t i = 0; i < r->n_impus; i++) {
		sbuf_put_u64(b, r->impus[i]->barred);
		sbuf_put_str(b, str_of(r->impus[i]->uri));
	}
	sbuf_put_u64(b, n);
	DL_FOREACH (r->contacts, c) {
		if (!contact_is_ended(c))
			put_contact(c, b);
	}
}

/* The record is under the first identity; when that is another one now, the old record goes. */
static int set_key(struct irs *r)
{
	const char *key = r->impus[0]->canon;
	char *copy;

	if (r->stored_as && !strcmp(r->stored_as, key))
		return 0;
	copy = strdup(key);
	if (!copy)
		return -ENOMEM;
	if (r->stored_as)
		store_del(r->s->env.store, TABLE, str_of(r->stored_as));
	free(r->stored_as);
	r->stored_as = copy;
	return 0;
}

static void write_set(struct irs *r)
{
	_cleanup_sbuf_ struct sbuf b = { 0 };
	int err;

	if (!r->n_impus)
		return;
	put_set(r, &b);
	err = b.failed ? -ENOMEM : set_key(r);
	if (err == 0)
		err = store_put(r->s->env.store, TABLE, str_of(r->stored_as), sbuf_str(&b));
	if (err < 0)
		log_err("cannot store the registration of %s: %s", r->impus[0]->canon,
			strerror(-err));
}

void persist_flush(void *arg)
{
	struct scscf *s = arg;
	struct irs *r;

	if (!s->dirty)
		return;
	while ((r = s->dirty)) {
		s->dirty = r->next_dirty;
		r->dirty = false;
		write_set(r);
	}
	store_flush(s->env.store); /* this round's end, not the next one's */
}

void persist_irs(struct irs *r)
{
	struct scscf *s = r->s;

	if (!s->env.store || r->dirty || s->leaving)
		return;
	r->dirty = true;
	r->next_dirty = s->dirty;
	s->dirty = r;
	loop_on_round_end(s->env.loop, persist_flush, s);
}

void persist_forget(struct irs *r)
{
	struct scscf *s = r->s;
	struct irs **at;

	if (!s->env.store)
		return;
	for (at = &s->dirty; *at; at = &(*at)->next_dirty) {
		if (*at == r) {
			*at = r->next_dirty;
			break;
		}
	}
	r->dirty = false;
	if (r->stored_as && !s->leaving)
		store_del(s->env.store, TABLE, str_of(r->stored_as));
	free(r->stored_as);
	r->stored_as = NULL;
}

void persist_sub(struct scscf *s, const char *tag, struct str record)
{
	if (s->env.store && store_put(s->env.store, TABLE_SUB, str_of(tag), record) < 0)
		log_err("cannot store a subscription: %s", store_error(s->env.store));
}

void persist_forget_sub(struct scscf *s, const char *tag)
{
	if (s->env.store && !s->leaving)
		store_del(s->env.store, TABLE_SUB, str_of(tag));
}

/* ---- reading back ---- */

static int load_impus(struct cursor *c, struct profile *p)
{
	uint64_t n = cur_u64(c);

	if (n > IMPUS_MAX)
		return -EINVAL;
	while (n-- && !c->failed) {
		struct profile_id *id = &p->ids[p->n];

		id->barred = cur_u64(c);
		id->uri = cur_dup(c);
		if (!id->uri)
			return -EINVAL;
		p->n++;
	}
	return c->failed ? -EINVAL : 0;
}

static int load_contact(struct cursor *cur, struct irs *r)
{
	struct str impi = cur_str(cur);
	uint64_t auth_at = cur_u64(cur);
	struct contact *c = calloc(1, sizeof(*c));

	if (!c)
		return -ENOMEM;
	c->expires_at = cur_u64(cur);
	c->cseq = (uint32_t)cur_u64(cur);
	c->q = (uint32_t)cur_u64(cur);
	c->uri = cur_dup(cur);
	c->params = cur_dup(cur);
	c->path = cur_dup(cur);
	c->call_id = cur_dup(cur);
	c->impi = cur->failed || !c->uri || !impi.p ? NULL : impi_get(r->s, impi);
	if (!c->impi) {
		contact_free(c);
		return -EINVAL;
	}
	c->impi->auth_at = auth_at;
	return contact_restore(r, c); /* one that expired meanwhile does so at once */
}

static int load_set(struct scscf *s, struct str key, struct cursor *c)
{
	struct profile p = { 0 };
	struct irs *r = NULL;
	uint64_t n;
	int err;

	if (cur_u64(c) != RECORD_VERSION)
		return -EINVAL;
	sbuf_add(&p.ifc, cur_str(c));
	err = load_impus(c, &p);
	if (err == 0)
		err = irs_from_profile(s, &p, &r);
	profile_free(&p);
	if (err < 0)
		return err;
	for (n = cur_u64(c); n && !c->failed && err == 0; n--)
		err = load_contact(c, r);
	free(r->stored_as); /* two records of one set: the later one stays */
	r->stored_as = str_dup(key);
	if (!irs_active(r)) {
		irs_free(r);
		return -ENODATA;
	}
	return err;
}

static int on_record(void *arg, struct str key, struct str value)
{
	struct cursor c = { .s = value };
	int err = load_set(arg, key, &c);

	if (err < 0)
		log_warn("stored registration of %.*s left out: %s", STR_FMT(key), strerror(-err));
	return 0;
}

static int on_sub_record(void *arg, struct str key, struct str value)
{
	struct cursor c = { .s = value };
	int err = sub_restore(arg, &c);

	if (err < 0)
		log_debug("stored subscription %.*s left out: %s", STR_FMT(key), strerror(-err));
	return 0;
}

int persist_load(struct scscf *s)
{
	int r;

	if (!s->env.store)
		return 0;
	r = store_each(s->env.store, TABLE, on_record, s);
	if (r == 0)
		r = store_each(s->env.store, TABLE_SUB, on_sub_record, s);
	return r;
}
