// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Registered sets, their identities and contacts: TS 24.229 5.4.1, RFC 3261 10.3; what the HSS is
 * told when they end: TS 29.228 6.1.2.
 *
 * A contact that ends is only marked; irs_changed() tells the subscribers about it, removes it and
 * tells the HSS. Invariants: every impu in the table belongs to exactly one set; a set in the
 * table has at least one contact except while a procedure runs; an impi counts its contacts.
 */
#include "scscf/priv.h"

#include "lib/core/log.h"

/* ---- iFC texts ---- */

static struct ifc_set *ifc_get(struct scscf *s, struct str text)
{
	struct ifc_set *f;

	if (!text.n)
		return NULL;
	HASH_FIND(hh, s->ifcs, text.p, text.n, f);
	if (!f) {
		f = malloc(sizeof(*f) + text.n + 1);
		if (!f)
			return NULL;
		*f = (struct ifc_set){ .n = text.n };
		memcpy(f->text, text.p, text.n);
		f->text[text.n] = '\0';
		HASH_ADD_KEYPTR(hh, s->ifcs, f->text, f->n, f);
	}
	f->refs++;
	return f;
}

static void ifc_put(struct scscf *s, struct ifc_set *f)
{
	if (!f || --f->refs)
		return;
	HASH_DEL(s->ifcs, f);
	free(f);
}

/* ---- identities ---- */

struct impu *impu_find(struct scscf *s, struct str canon)
{
	struct impu *u;

	HASH_FIND(hh, s->impus, canon.p, canon.n, u);
	return u;
}

struct impi *impi_find(struct scscf *s, struct str name)
{
	struct impi *i;

	HASH_FIND(hh, s->impis, name.p, name.n, i);
	return i;
}

struct impi *impi_get(struct scscf *s, struct str name)
{
	struct impi *i = impi_find(s, name);

	if (i)
		return i;
	i = calloc(1, sizeof(*i) + name.n + 1);
	if (!i)
		return NULL;
	memcpy(i->name, name.p, name.n);
	i->s = s;
	fsm_init(&i->fsm, &impi_fsm, s->env.loop, IMPI_IDLE, i->name);
	HASH_ADD_KEYPTR(hh, s->impis, i->name, name.n, i);
	return i;
}

void impi_put(struct scscf *s, struct impi *i)
{
	if (!i || i->auth || i->n_contacts || i->fsm.state != IMPI_IDLE)
		return;
	HASH_DEL(s->impis, i);
	fsm_fini(&i->fsm);
	free(i);
}

static void impu_free(struct impu *u)
{
	HASH_DEL(u->irs->s->impus, u);
	if (u->uri != u->canon)
		free(u->uri);
	free(u);
}

static struct impu *impu_new(struct irs *r, const char *canon, const char *uri, bool barred)
{
	size_t n = strlen(canon);
	struct impu *u = calloc(1, sizeof(*u) + n + 1);

	if (!u)
		return NULL;
	memcpy(u->canon, canon, n);
	u->uri = strcmp(canon, uri) ? strdup(uri) : u->canon;
	if (!u->uri) {
		free(u);
		return NULL;
	}
	u->irs = r;
	u->barred = barred;
	u->id = ++r->last_id;
	HASH_ADD_KEYPTR(hh, r->s->impus, u->canon, n, u);
	return u;
}

static void irs_remove_impu(struct irs *r, struct impu *u)
{
	for (size_t i = 0; i < r->n_impus; i++) {
		if (r->impus[i] == u) {
			memmove(&r->impus[i], &r->impus[i + 1],
				(r->n_impus - i - 1) * sizeof(r->impus[0]));
			r->n_impus--;
			break;
		}
	}
	impu_free(u);
}

const struct impu *irs_default(const struct irs *r)
{
	for (size_t i = 0; i < r->n_impus; i++) {
		if (!r->impus[i]->barred)
			return r->impus[i];
	}
	return NULL;
}

void irs_associated_uri(const struct irs *r, struct sbuf *b)
{
	bool first = true;

	for (size_t i = 0; i < r->n_impus; i++) {
		if (r->impus[i]->barred)
			continue;
		sbuf_addz(b, first ? "<" : ", <");
		sbuf_addz(b, r->impus[i]->uri);
		sbuf_addz(b, ">");
		first = false;
	}
}

/* ---- sets ---- */

static struct irs *irs_new(struct scscf *s)
{
	struct irs *r = calloc(1, sizeof(*r));

	if (!r)
		return NULL;
	r->s = s;
	DL_APPEND(s->sets, r);
	g_sets.value++;
	return r;
}

static struct irs *find_set(struct scscf *s, const struct profile *p)
{
	char canon[ID_MAX];

	for (size_t i = 0; i < p->n; i++) {
		struct impu *u;

		if (sip_uri_canon(str_of(p->ids[i].uri), canon, sizeof(canon)) < 0)
			continue;
		u = impu_find(s, str_of(canon));
		if (u)
			return u->irs;
	}
	return NULL;
}

/* The impu of r for this identity; one that another set has moves here. */
static struct impu *take_impu(struct irs *r, const char *canon, const struct profile_id *id)
{
	struct impu *u = impu_find(r->s, str_of(canon));

	if (u && u->irs == r && !strcmp(u->uri, id->uri)) {
		u->barred = id->barred;
		return u;
	}
	if (u)
		irs_remove_impu(u->irs, u);
	return impu_new(r, canon, id->uri, id->barred);
}

static bool list_has(struct impu *const *list, size_t n, const struct impu *u)
{
	for (size_t i = 0; i < n; i++) {
		if (list[i] == u)
			return true;
	}
	return false;
}

static int set_impus(struct irs *r, const struct profile *p)
{
	struct impu **list = calloc(p->n, sizeof(*list));
	size_t n = 0;
	char canon[ID_MAX];

	if (!list)
		return -ENOMEM;
	for (size_t i = 0; i < p->n; i++) {
		struct impu *u;

		if (sip_uri_canon(str_of(p->ids[i].uri), canon, sizeof(canon)) < 0)
			continue;
		if (list_has(list, n, impu_find(r->s, str_of(canon))))
			continue; /* written twice */
		u = take_impu(r, canon, &p->ids[i]);
		if (u)
			list[n++] = u;
	}
	for (size_t i = 0; i < r->n_impus; i++) {
		if (!list_has(list, n, r->impus[i]))
			impu_free(r->impus[i]);
	}
	free(r->impus);
	r->impus = list;
	r->n_impus = n;
	return n ? 0 : -EINVAL;
}

int irs_from_profile(struct scscf *s, const struct profile *p, struct irs **ret)
{
	struct irs *r = find_set(s, p);
	struct ifc_set *old;
	bool fresh = !r;
	int err;

	if (!r)
		r = irs_new(s);
	if (!r)
		return -ENOMEM;
	err = set_impus(r, p);
	if (err < 0) {
		if (fresh)
			irs_free(r);
		return err;
	}
	old = r->ifc;
	r->ifc = ifc_get(s, sbuf_str(&p->ifc));
	ifc_put(s, old);
	persist_irs(r);
	*ret = r;
	return 0;
}

static void contact_unlink(struct contact *c)
{
	struct scscf *s = c->irs->s;

	DL_DELETE(c->irs->contacts, c);
	timer_stop(s->env.loop, &c->timer);
	if (!--c->impi->n_contacts)
		impi_event(c->impi, IE_GONE);
	g_contacts.value--;
	contact_free(c);
}

void irs_free(struct irs *r)
{
	struct scscf *s = r->s;
	struct contact *c, *tmp;

	DL_FOREACH_SAFE (r->contacts, c, tmp) {
		struct impi *i = c->impi;

		contact_unlink(c);
		impi_put(s, i);
	}
	regevent_drop(r);
	persist_forget(r);
	for (size_t i = 0; i < r->n_impus; i++)
		impu_free(r->impus[i]);
	free(r->impus);
	ifc_put(s, r->ifc);
	DL_DELETE(s->sets, r);
	g_sets.value--;
	free(r);
}

/* ---- contacts ---- */

void contact_free(struct contact *c)
{
	free(c->uri);
	free(c->params);
	free(c->path);
	free(c->call_id);
	free(c);
}

bool contact_is_ended(const struct contact *c)
{
	switch (c->event) {
	case CE_REGISTERED:
	case CE_CREATED:
	case CE_REFRESHED:
	case CE_SHORTENED:
		return false;
	case CE_EXPIRED:
	case CE_DEACTIVATED:
	case CE_PROBATION:
	case CE_UNREGISTERED:
	case CE_REJECTED:
		return true;
	}
	return true;
}

bool irs_active(const struct irs *r)
{
	const struct contact *c;

	DL_FOREACH (r->contacts, c) {
		if (!contact_is_ended(c))
			return true;
	}
	return false;
}

static void on_expiry(struct timer *t)
{
	struct contact *c = container_of(t, struct contact, timer);

	log_info("registration of %s has expired", c->impi->name);
	contact_end(c, CE_EXPIRED);
	irs_changed(c->irs, CX_TIMEOUT_DEREGISTRATION);
}

static void arm(struct contact *c)
{
	struct scscf *s = c->irs->s;
	uint64_t now = now_wall(s);

	c->timer.fn = on_expiry;
	timer_start(s->env.loop, &c->timer, c->expires_at > now ? c->expires_at - now : 0);
}

struct contact *contact_find(struct irs *r, const struct impi *i, struct str uri)
{
	struct contact *c;

	DL_FOREACH (r->contacts, c) {
		if (c->impi == i && str_eqz(uri, c->uri) && !contact_is_ended(c))
			return c;
	}
	return NULL;
}

static bool replace(char **field, struct str s)
{
	char *copy;

	if (*field ? str_eqz(s, *field) : !s.n)
		return true;
	copy = s.n ? str_dup(s) : NULL;
	if (s.n && !copy)
		return false;
	free(*field);
	*field = copy;
	return true;
}

static struct contact *contact_new(struct irs *r, struct impi *i, struct str uri)
{
	struct contact *c = calloc(1, sizeof(*c));

	if (c)
		c->uri = str_dup(uri);
	if (!c || !c->uri) {
		free(c);
		return NULL;
	}
	c->irs = r;
	c->impi = i;
	c->id = ++r->last_id;
	if (!i->n_contacts++)
		impi_event(i, IE_BOUND);
	g_contacts.value++;
	DL_APPEND(r->contacts, c);
	return c;
}

struct contact *contact_bind(struct irs *r, struct impi *i, const struct binding *b,
			     struct str path, struct str call_id, uint32_t cseq)
{
	struct contact *c = contact_find(r, i, b->uri);
	uint64_t until = now_wall(r->s) + b->expires * USEC_PER_SEC;
	bool fresh = !c;

	if (!c)
		c = contact_new(r, i, b->uri);
	if (!c)
		return NULL;
	if (!replace(&c->params, b->params) || !replace(&c->path, path) ||
	    !replace(&c->call_id, call_id)) {
		if (fresh)
			contact_unlink(c);
		return NULL;
	}
	/* "shortened" is what the network does (5.4.1.6): the device would authenticate at once. */
	c->event = fresh ? CE_REGISTERED : CE_REFRESHED;
	c->cseq = cseq;
	c->q = b->q;
	c->expires_at = until;
	arm(c);
	return c;
}

int contact_restore(struct irs *r, struct contact *c)
{
	c->irs = r;
	c->id = ++r->last_id;
	c->event = CE_REGISTERED;
	if (!c->impi->n_contacts++)
		impi_event(c->impi, IE_BOUND);
	g_contacts.value++;
	DL_APPEND(r->contacts, c);
	arm(c);
	return 0;
}

void contact_end(struct contact *c, enum contact_event event)
{
	c->event = event;
	timer_stop(c->irs->s->env.loop, &c->timer);
}

uint32_t contact_expires(const struct contact *c)
{
	uint64_t now = now_wall(c->irs->s);

	if (contact_is_ended(c))
		return 0;
	if (c->expires_at <= now)
		return 1;
	return (uint32_t)((c->expires_at - now + USEC_PER_SEC - 1) / USEC_PER_SEC);
}

static void purge(struct irs *r, int dereg_type)
{
	struct contact *c, *tmp;

	DL_FOREACH_SAFE (r->contacts, c, tmp) {
		struct impi *i = c->impi;

		if (!contact_is_ended(c))
			continue;
		contact_unlink(c);
		if (i->n_contacts)
			continue;
		if (dereg_type >= 0)
			cx_tell(r->s, str_of(i->name), r, (struct str){ NULL, 0 }, dereg_type);
		impi_put(r->s, i);
	}
}

bool irs_changed(struct irs *r, int dereg_type)
{
	bool alive = irs_active(r);

	regevent_notify(r, !alive);
	purge(r, dereg_type);
	if (alive)
		persist_irs(r);
	else
		irs_free(r);
	return alive;
}

/* ---- the HSS ---- */

static void on_told(void *arg _unused_, const struct cx_saa *a)
{
	if (a->result == CX_SUCCESS)
		return;
	metric_inc(&m_cx_failures);
	log_notice("the HSS did not take a SAR: %s", cx_result_name(a->result));
}

void cx_tell(struct scscf *s, struct str impi, const struct irs *r, struct str impu, int type)
{
	struct cx_sar q = { .user_name = impi,
			    .server_name = str_of(s->uri),
			    .assignment_type = type };

	for (size_t i = 0; r && i < r->n_impus && q.n_public_identity < CX_IDS_MAX; i++)
		q.public_identity[q.n_public_identity++] = str_of(r->impus[i]->canon);
	if (!r)
		q.public_identity[q.n_public_identity++] = impu;
	if (s->env.cx->sar(s->env.cx_link, &q, on_told, NULL) < 0)
		metric_inc(&m_cx_failures);
}
