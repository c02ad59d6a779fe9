// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * SIP messages: life and reading (RFC 3261 7). See msg-internal.h for the layout, parse.c for the
 * way in, edit.c for changes, typed.c for sofia-sip's views.
 */
#include <stdio.h>

#include "lib/sip/msg-internal.h"

#define CHUNK_SIZE 2048

struct sip_msg *sip_msg_alloc(size_t n_fields, size_t n_bytes, struct sip_ent **ret_ents,
			      char **ret_bytes)
{
	size_t head = sizeof(struct sip_msg) + n_fields * sizeof(struct sip_ent);
	struct sip_msg *m = malloc(head + n_bytes + SIP_EDIT_ROOM);

	if (!m)
		return NULL;
	memset(m, 0, sizeof(*m));
	m->refs = 1;
	*ret_ents = (struct sip_ent *)(m + 1);
	*ret_bytes = (char *)m + head;
	m->room = *ret_bytes + n_bytes;
	m->room_n = SIP_EDIT_ROOM;
	return m;
}

char *sip_msg_room(struct sip_msg *m, size_t n, size_t align)
{
	size_t pad = -(uintptr_t)m->room & (align - 1);
	char *p;

	if (pad + n > m->room_n) {
		size_t size = MAX((size_t)CHUNK_SIZE, n + align);
		struct sip_chunk *c = malloc(sizeof(*c) + size);

		if (!c)
			return NULL;
		c->next = m->chunks;
		m->chunks = c;
		m->room = c->data;
		m->room_n = size;
		pad = -(uintptr_t)m->room & (align - 1);
	}
	p = m->room + pad;
	m->room = p + n;
	m->room_n -= pad + n;
	return p;
}

struct sip_msg *sip_msg_ref(struct sip_msg *m)
{
	m->refs++;
	return m;
}

void sip_msg_unref(struct sip_msg *m)
{
	struct sip_chunk *c;

	if (!m || --m->refs)
		return;
	while ((c = m->chunks)) {
		m->chunks = c->next;
		free(c);
	}
	if (m->home)
		su_home_unref(m->home);
	free(m);
}

void sip_msg_link(struct sip_msg *m, struct sip_ent *e, struct sip_ent *before)
{
	e->dead = false;
	e->next = before;
	e->prev = before ? before->prev : m->last;
	if (e->prev)
		e->prev->next = e;
	else
		m->first = e;
	if (before)
		before->prev = e;
	else
		m->last = e;
	m->n_fields++;
	m->size += e->line.n;
	m->present[e->hf.id >> 6] |= UINT64_C(1) << (e->hf.id & 63);
}

/* Copies s to *at and moves on. */
static struct str put(char **at, struct str s)
{
	struct str r = { *at, s.n };

	if (s.n)
		memcpy(*at, s.p, s.n);
	*at += s.n;
	return r;
}

/* The view of a part of from at the same place in to. */
static struct str rebase(struct str part, struct str from, struct str to)
{
	if (!part.p || part.p < from.p || part.p > from.p + from.n)
		return (struct str){ to.p, 0 };
	return (struct str){ to.p + (part.p - from.p), part.n };
}

static void copy_fields(struct sip_msg *c, const struct sip_msg *m, struct sip_ent *ents, char **at)
{
	for (const struct sip_ent *e = m->first; e; e = e->next, ents++) {
		*ents = (struct sip_ent){ .hf.id = e->hf.id };
		ents->line = put(at, e->line);
		ents->hf.name = rebase(e->hf.name, e->line, ents->line);
		ents->hf.value = rebase(e->hf.value, e->line, ents->line);
		sip_msg_link(c, ents, NULL);
	}
}

struct sip_msg *sip_msg_clone(const struct sip_msg *m)
{
	struct sip_ent *ents;
	char *at;
	struct sip_msg *c = sip_msg_alloc(m->n_fields, m->size + m->method_name.n, &ents, &at);

	if (!c)
		return NULL;
	c->is_request = m->is_request;
	c->method = m->method;
	c->status = m->status;
	c->start = put(&at, m->start);
	c->ruri = rebase(m->ruri, m->start, c->start);
	c->reason = rebase(m->reason, m->start, c->start);
	c->size = c->start.n;
	copy_fields(c, m, ents, &at);
	c->blank = put(&at, m->blank);
	c->body = put(&at, m->body);
	c->size += c->blank.n + c->body.n;
	c->method_name = put(&at, m->method_name);
	sip_msg_touch(c, SIP_H_FROM);
	sip_msg_touch(c, SIP_H_TO);
	sip_msg_touch(c, SIP_H_CSEQ);
	return c;
}

bool sip_msg_is_request(const struct sip_msg *m)
{
	return m->is_request;
}

enum sip_method_id sip_msg_method(const struct sip_msg *m)
{
	return m->method;
}

struct str sip_msg_method_name(const struct sip_msg *m)
{
	return m->method_name;
}

int sip_msg_status(const struct sip_msg *m)
{
	return m->status;
}

struct str sip_msg_reason(const struct sip_msg *m)
{
	return m->reason;
}

struct str sip_msg_ruri(const struct sip_msg *m)
{
	return m->ruri;
}

struct str sip_msg_body(const struct sip_msg *m)
{
	return m->body;
}

struct str sip_msg_call_id(const struct sip_msg *m)
{
	return sip_msg_value(m, SIP_H_CALL_ID);
}

uint32_t sip_msg_cseq(const struct sip_msg *m)
{
	return m->cseq;
}

struct str sip_msg_from_tag(const struct sip_msg *m)
{
	return m->from_tag;
}

struct str sip_msg_to_tag(const struct sip_msg *m)
{
	return m->to_tag;
}

int sip_msg_top_via(const struct sip_msg *m, struct sip_via_view *ret)
{
	struct sip_elem e = { 0 };

	if (!sip_msg_next_elem(m, SIP_H_VIA, &e))
		return -ENOENT;
	return sip_via_parse(e.text, ret);
}

struct str sip_msg_top_branch(const struct sip_msg *m)
{
	struct sip_via_view v = { 0 };

	sip_msg_top_via(m, &v);
	return v.branch;
}

const struct sip_hf *sip_msg_next(const struct sip_msg *m, enum sip_hdr id,
				  const struct sip_hf *prev)
{
	const struct sip_ent *e;

	if (prev)
		e = container_of(prev, struct sip_ent, hf)->next;
	else
		e = sip_msg_maybe(m, id) ? m->first : NULL;
	for (; e; e = e->next)
		if (e->hf.id == id && !e->dead)
			return &e->hf;
	return NULL;
}

const struct sip_hf *sip_msg_hf(const struct sip_msg *m, enum sip_hdr id)
{
	return sip_msg_next(m, id, NULL);
}

const struct sip_hf *sip_msg_hf_named(const struct sip_msg *m, const char *name,
				      const struct sip_hf *prev)
{
	struct str want = str_of(name);
	enum sip_hdr id = sip_hdr_find(want);

	if (id != SIP_H_OTHER)
		return sip_msg_next(m, id, prev);
	while ((prev = sip_msg_next(m, SIP_H_OTHER, prev)))
		if (str_ieq(prev->name, want))
			return prev;
	return NULL;
}

struct str sip_msg_value(const struct sip_msg *m, enum sip_hdr id)
{
	const struct sip_hf *hf = sip_msg_hf(m, id);

	return hf ? hf->value : (struct str){ NULL, 0 };
}

bool sip_msg_has_token(const struct sip_msg *m, enum sip_hdr id, const char *token)
{
	struct str want = str_of(token);
	struct sip_elem e = { 0 };

	while (sip_msg_next_elem(m, id, &e))
		if (str_ieq(e.text, want))
			return true;
	return false;
}

/* delta-seconds and other numbers; parameters or a comment may follow (Retry-After, Session-Expires). */
int sip_msg_u32(const struct sip_msg *m, enum sip_hdr id, uint32_t *ret)
{
	const struct sip_hf *hf = sip_msg_hf(m, id);
	uint64_t v;
	size_t n = 0;

	if (!hf)
		return -ENOENT;
	while (n < hf->value.n && hf->value.p[n] >= '0' && hf->value.p[n] <= '9')
		n++;
	if (n < hf->value.n && hf->value.p[n] != ';' && hf->value.p[n] != '(' &&
	    !sip_is_lws(hf->value.p[n]))
		return -EINVAL;
	if (str_to_u64((struct str){ hf->value.p, n }, UINT32_MAX, &v))
		return -EINVAL;
	*ret = (uint32_t)v;
	return 0;
}

size_t sip_msg_size(const struct sip_msg *m)
{
	return m->size;
}

/* Pieces that lie one behind the other in memory are copied together. */
struct run {
	struct str s;
	char *at;
};

static void run_flush(struct run *r)
{
	if (r->s.n)
		memcpy(r->at, r->s.p, r->s.n);
	r->at += r->s.n;
	r->s.n = 0;
}

static inline void run_add(struct run *r, struct str s)
{
	if (r->s.n && r->s.p + r->s.n == s.p) {
		r->s.n += s.n;
		return;
	}
	run_flush(r);
	r->s = s;
}

size_t sip_msg_encode(const struct sip_msg *m, char *dst, size_t size)
{
	struct run r = { .at = dst };

	if (m->size > size)
		return 0;
	run_add(&r, m->start);
	for (const struct sip_ent *e = m->first; e; e = e->next)
		run_add(&r, e->line);
	run_add(&r, m->blank);
	run_add(&r, m->body);
	run_flush(&r);
	return m->size;
}
