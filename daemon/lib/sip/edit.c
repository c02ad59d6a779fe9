// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Changes to a SIP message. New text goes to the message's arena as a whole line; the entry then
 * points there. Nothing that was handed out before becomes invalid: old text stays until the
 * message dies.
 *
 * Whatever text comes from outside passes clean(): CR, LF and NUL cannot get into a line, so that
 * a value copied from somewhere cannot become a header field of its own.
 */
#include <stdarg.h>
#include <stdio.h>

#include "lib/sip/msg-internal.h"

static void set_tag(const struct sip_msg *m, enum sip_hdr id, struct str *ret)
{
	struct sip_name_addr na;

	*ret = (struct str){ NULL, 0 };
	if (!sip_name_addr_parse(sip_msg_value(m, id), &na))
		sip_param(na.params, "tag", ret);
}

static void set_cseq(struct sip_msg *m)
{
	m->cseq = 0;
	m->cseq_method = (struct str){ NULL, 0 };
	if (sip_cseq_parse(sip_msg_value(m, SIP_H_CSEQ), &m->cseq, &m->cseq_method))
		return;
	if (m->is_request)
		return;
	m->method_name = m->cseq_method;
	m->method = sip_method_find(m->cseq_method);
}

void sip_msg_touch(struct sip_msg *m, enum sip_hdr id)
{
	switch ((int)id) {
	case SIP_H_FROM:
		set_tag(m, id, &m->from_tag);
		m->typed_ok &= ~(1u << SIP_T_FROM);
		break;
	case SIP_H_TO:
		set_tag(m, id, &m->to_tag);
		m->typed_ok &= ~(1u << SIP_T_TO);
		break;
	case SIP_H_CSEQ:
		set_cseq(m);
		break;
	case SIP_H_VIA:
	case SIP_H_CONTACT:
	case SIP_H_ROUTE:
	case SIP_H_RECORD_ROUTE:
	case SIP_H_AUTHORIZATION:
	case SIP_H_WWW_AUTHENTICATE:
	case SIP_H_RACK:
	case SIP_H_CONTENT_TYPE:
	case SIP_H_SESSION_EXPIRES:
		m->typed_ok &= (1u << SIP_T_FROM) | (1u << SIP_T_TO);
		break;
	}
}

/* Octets at the beginning, by eights, that are all above 0x0f: nothing for clean() to look at. */
static size_t control_free(const char *p, size_t n)
{
	const uint64_t low = UINT64_C(0x1010101010101010), high = UINT64_C(0x8080808080808080);
	size_t i = 0;
	uint64_t w;

	for (; i + 8 <= n; i += 8) {
		memcpy(&w, p + i, 8);
		if ((w - low) & ~w & high)
			break;
	}
	return i;
}

/*
 * Folds become spaces; -EINVAL for any other CR, LF, and for NUL that no backslash precedes (the
 * quoted-pair of RFC 3261 25.1, which a value out of a message may have).
 */
static int clean(char *p, size_t n)
{
	for (size_t i = control_free(p, n); i < n; i++) {
		if (p[i] == '\0' && !(i && p[i - 1] == '\\'))
			return -EINVAL;
		if (p[i] == '\n')
			return -EINVAL;
		if (p[i] != '\r')
			continue;
		if (i + 2 >= n || p[i + 1] != '\n' || (p[i + 2] != ' ' && p[i + 2] != '\t'))
			return -EINVAL;
		p[i] = p[i + 1] = ' ';
	}
	return 0;
}

/* A line under construction in the arena; n grows, text is contiguous. */
struct line {
	struct sip_msg *m;
	char *p;
	size_t n, size;
};

/* Makes room for n more octets; the line may move. */
static int line_room(struct line *l, size_t n)
{
	size_t want = l->n + n;
	char *p;

	if (want <= l->size)
		return 0;
	p = sip_msg_room(l->m, want, 1);
	if (!p)
		return -ENOMEM;
	if (l->n)
		memcpy(p, l->p, l->n);
	l->p = p;
	l->size = want;
	return 0;
}

static int line_put(struct line *l, struct str s)
{
	int r = line_room(l, s.n);

	if (r)
		return r;
	if (s.n)
		memcpy(l->p + l->n, s.p, s.n);
	l->n += s.n;
	return 0;
}

static int line_vput(struct line *l, const char *fmt, va_list ap)
{
	char small[512];
	va_list again;
	int n, r;

	if (!strcmp(fmt, "%.*s")) { /* what most callers have: no need to go through stdio */
		n = va_arg(ap, int);
		return line_put(l, (struct str){ va_arg(ap, const char *), (size_t)n });
	}
	va_copy(again, ap);
	n = str_vfmt(small, sizeof(small), fmt, ap);
	if (n < 0)
		r = -EINVAL;
	else if ((size_t)n < sizeof(small))
		r = line_put(l, (struct str){ small, (size_t)n });
	else
		r = n > SIP_MSG_MAX ? -E2BIG : line_room(l, (size_t)n + 1);
	if (!r && (size_t)n >= sizeof(small)) {
		str_vfmt(l->p + l->n, (size_t)n + 1, fmt, again);
		l->n += (size_t)n;
	}
	va_end(again);
	return r;
}

/* "Name: " in l; *ret_at is where the value begins. Name was a token before. */
static int line_begin(struct line *l, struct sip_msg *m, struct str name, size_t *ret_at)
{
	int r;

	*l = (struct line){ .m = m };
	r = line_room(l, name.n + 64); /* most values fit without a move */
	if (!r)
		r = line_put(l, name);
	if (!r)
		r = line_put(l, STR(": "));
	*ret_at = l->n;
	return r;
}

/* Checks the value, ends the line and makes it the text of e. */
static int line_finish(struct line *l, struct str name, size_t at, struct sip_ent *e)
{
	size_t end = l->n;
	int r = clean(l->p + at, end - at);

	if (r)
		return r;
	r = line_put(l, STR("\r\n"));
	if (r)
		return r;
	e->line = (struct str){ l->p, l->n };
	e->hf.name = (struct str){ l->p, name.n };
	e->hf.value = sip_trim((struct str){ l->p + at, end - at });
	if (!e->hf.value.n)
		e->hf.value.p = l->p + at;
	return 0;
}

static int line_make(struct sip_msg *m, struct str name, struct sip_ent *e, const char *fmt,
		     va_list ap)
{
	struct line l;
	size_t at;
	int r = line_begin(&l, m, name, &at);

	if (!r)
		r = line_vput(&l, fmt, ap);
	if (!r)
		r = line_finish(&l, name, at, e);
	return r;
}

static struct sip_ent *ent_of(const struct sip_hf *hf)
{
	/* The entries belong to m, which the caller may edit; const in the API keeps hands off the fields. */
	return (struct sip_ent *)(uintptr_t)container_of(hf, struct sip_ent, hf);
}

static struct sip_ent *last_of(const struct sip_msg *m, enum sip_hdr id, struct str name)
{
	struct sip_ent *found = NULL;

	for (struct sip_ent *e = m->first; e; e = e->next)
		if (e->hf.id == id && (id != SIP_H_OTHER || str_ieq(e->hf.name, name)))
			found = e;
	return found;
}

/* Where a new field goes that has none of its kind: at the end, but not behind Content-Length. */
static struct sip_ent *end_place(const struct sip_msg *m)
{
	return m->last && m->last->hf.id == SIP_H_CONTENT_LENGTH ? m->last : NULL;
}

static struct sip_ent *new_ent(struct sip_msg *m, enum sip_hdr id)
{
	struct sip_ent *e;

	e = (struct sip_ent *)sip_msg_room(m, sizeof(*e), _Alignof(struct sip_ent));
	if (e)
		*e = (struct sip_ent){ .hf.id = id };
	return e;
}

/* Takes e, whose line is made, into the list. */
static int take_in(struct sip_msg *m, struct sip_ent *e, struct sip_ent *before)
{
	if (m->n_fields >= SIP_FIELDS_MAX || m->size + e->line.n > SIP_MSG_MAX)
		return -E2BIG;
	sip_msg_link(m, e, before);
	sip_msg_touch(m, e->hf.id);
	return 0;
}

static int insert(struct sip_msg *m, enum sip_hdr id, struct str name, struct sip_ent *before,
		  const char *fmt, va_list ap)
{
	struct sip_ent *e;
	int r;

	if (m->n_fields >= SIP_FIELDS_MAX)
		return -E2BIG;
	if (!sip_is_token(name))
		return -EINVAL;
	e = new_ent(m, id);
	if (!e)
		return -ENOMEM;
	r = line_make(m, name, e, fmt, ap);
	return r ? r : take_in(m, e, before);
}

/* Behind the last of its kind, else at the end. */
static struct sip_ent *add_place(const struct sip_msg *m, enum sip_hdr id, struct str name)
{
	struct sip_ent *last = sip_msg_maybe(m, id) ? last_of(m, id, name) : NULL;

	return last ? last->next : end_place(m);
}

int sip_msg_add_copy(struct sip_msg *m, const struct sip_hf *hf)
{
	struct sip_ent *e = new_ent(m, hf->id);
	struct line l;
	size_t at;
	int r;

	if (!e)
		return -ENOMEM;
	r = line_begin(&l, m, hf->name, &at);
	if (!r)
		r = line_put(&l, hf->value);
	if (!r)
		r = line_finish(&l, hf->name, at, e);
	return r ? r : take_in(m, e, add_place(m, hf->id, hf->name));
}

static int vadd(struct sip_msg *m, enum sip_hdr id, struct str name, const char *fmt, va_list ap)
{
	return insert(m, id, name, add_place(m, id, name), fmt, ap);
}

int sip_msg_add(struct sip_msg *m, enum sip_hdr id, const char *fmt, ...)
{
	va_list ap;
	int r;

	va_start(ap, fmt);
	r = vadd(m, id, str_of(sip_hdr_name(id)), fmt, ap);
	va_end(ap);
	return r;
}

int sip_msg_add_named(struct sip_msg *m, const char *name, const char *fmt, ...)
{
	struct str n = str_of(name);
	va_list ap;
	int r;

	va_start(ap, fmt);
	r = vadd(m, sip_hdr_find(n), n, fmt, ap);
	va_end(ap);
	return r;
}

int sip_msg_prepend(struct sip_msg *m, enum sip_hdr id, const char *fmt, ...)
{
	const struct sip_hf *first = sip_msg_hf(m, id);
	va_list ap;
	int r;

	va_start(ap, fmt);
	r = insert(m, id, str_of(sip_hdr_name(id)), first ? ent_of(first) : m->first, fmt, ap);
	va_end(ap);
	return r;
}

/* Gives e the text of fresh. */
static int replace(struct sip_msg *m, struct sip_ent *e, const struct sip_ent *fresh)
{
	if (m->size - e->line.n + fresh->line.n > SIP_MSG_MAX)
		return -E2BIG;
	m->size += fresh->line.n - e->line.n;
	e->line = fresh->line;
	e->hf.name = fresh->hf.name;
	e->hf.value = fresh->hf.value;
	sip_msg_touch(m, e->hf.id);
	return 0;
}

static int vset(struct sip_msg *m, struct sip_ent *e, const char *fmt, va_list ap)
{
	struct sip_ent fresh = *e;
	int r = line_make(m, e->hf.name, &fresh, fmt, ap);

	return r ? r : replace(m, e, &fresh);
}

int sip_hf_set(struct sip_msg *m, const struct sip_hf *hf, const char *fmt, ...)
{
	va_list ap;
	int r;

	if (ent_of(hf)->dead)
		return -EINVAL;
	va_start(ap, fmt);
	r = vset(m, ent_of(hf), fmt, ap);
	va_end(ap);
	return r;
}

int sip_msg_set(struct sip_msg *m, enum sip_hdr id, const char *fmt, ...)
{
	const struct sip_hf *first = id == SIP_H_OTHER ? NULL : sip_msg_hf(m, id), *hf;
	va_list ap;
	int r;

	va_start(ap, fmt);
	if (first)
		r = vset(m, ent_of(first), fmt, ap);
	else
		r = vadd(m, id, str_of(sip_hdr_name(id)), fmt, ap);
	va_end(ap);
	if (r || !first)
		return r;
	while ((hf = sip_msg_next(m, id, first)))
		sip_hf_remove(m, hf);
	return 0;
}

/* Like sip_hf_set(), from pieces: printf() would end at a quoted-pair's NUL. */
static int set_parts(struct sip_msg *m, const struct sip_hf *hf, const struct str *parts, size_t n)
{
	struct sip_ent *e = ent_of(hf), fresh = *e;
	struct line l;
	size_t at;
	int r = line_begin(&l, m, hf->name, &at);

	for (size_t i = 0; !r && i < n; i++)
		r = line_put(&l, parts[i]);
	if (!r)
		r = line_finish(&l, hf->name, at, &fresh);
	return r ? r : replace(m, e, &fresh);
}

void sip_hf_remove(struct sip_msg *m, const struct sip_hf *hf)
{
	struct sip_ent *e = ent_of(hf);

	if (e->dead)
		return;
	if (e->prev)
		e->prev->next = e->next;
	else
		m->first = e->next;
	if (e->next)
		e->next->prev = e->prev;
	else
		m->last = e->prev;
	e->dead = true; /* next stays for a loop that stands here */
	m->n_fields--;
	m->size -= e->line.n;
	sip_msg_touch(m, e->hf.id);
}

void sip_msg_remove(struct sip_msg *m, enum sip_hdr id)
{
	const struct sip_hf *hf;

	while ((hf = sip_msg_hf(m, id)))
		sip_hf_remove(m, hf);
}

void sip_msg_remove_named(struct sip_msg *m, const char *name)
{
	const struct sip_hf *hf;

	while ((hf = sip_msg_hf_named(m, name, NULL)))
		sip_hf_remove(m, hf);
}

int sip_msg_remove_first_elem(struct sip_msg *m, enum sip_hdr id)
{
	struct sip_elem e = { 0 };
	struct str rest;

	if (!sip_msg_next_elem(m, id, &e))
		return -ENOENT;
	/* Empty fields in front of the element go too. */
	while (sip_msg_hf(m, id) != e.hf)
		sip_hf_remove(m, sip_msg_hf(m, id));
	rest = sip_trim((struct str){ e.hf->value.p + e.pos, e.hf->value.n - e.pos });
	while (rest.n && rest.p[0] == ',')
		rest = sip_trim((struct str){ rest.p + 1, rest.n - 1 });
	if (rest.n)
		return set_parts(m, e.hf, &rest, 1);
	sip_hf_remove(m, e.hf);
	return 0;
}

/* Takes token out of one field's list; dst has room for the value. Returns what is left. */
static size_t without_token(struct str value, struct str token, char *dst)
{
	size_t n = 0;

	while (value.n) {
		size_t next;
		struct str e = sip_elem_first(value, &next);

		value = (struct str){ value.p + next, value.n - next };
		if (!e.n || str_ieq(e, token))
			continue;
		if (n) {
			memcpy(dst + n, ", ", 2);
			n += 2;
		}
		memcpy(dst + n, e.p, e.n);
		n += e.n;
	}
	return n;
}

static int hf_remove_token(struct sip_msg *m, const struct sip_hf *hf, struct str token)
{
	_cleanup_free_ char *left = NULL;
	struct sip_elem e = { .hf = hf };
	bool has = false;
	size_t n;

	while (sip_msg_next_elem(m, hf->id, &e) && e.hf == hf)
		has = has || str_ieq(e.text, token);
	if (!has)
		return 0;
	left = malloc(2 * hf->value.n + 1); /* "a,b" grows to "a, b" */
	if (!left)
		return -ENOMEM;
	n = without_token(hf->value, token, left);
	if (n)
		return set_parts(m, hf, &(struct str){ left, n }, 1);
	sip_hf_remove(m, hf);
	return 0;
}

int sip_msg_remove_token(struct sip_msg *m, enum sip_hdr id, const char *token)
{
	const struct sip_hf *hf = NULL;

	while ((hf = sip_msg_next(m, id, hf))) {
		int r = hf_remove_token(m, hf, str_of(token));

		if (r)
			return r;
	}
	return 0;
}

static bool start_part_ok(struct str s, bool spaces)
{
	for (size_t i = 0; i < s.n; i++)
		if ((unsigned char)s.p[i] < ' ' || s.p[i] == 0x7f || (!spaces && s.p[i] == ' '))
			return false;
	return true;
}

/* Start line of a request in m's arena. The method's text may lie in the old one. */
static int set_request_line(struct sip_msg *m, struct str method, struct str uri)
{
	struct line l = { .m = m };
	int r;

	if (!uri.n || !start_part_ok(uri, false) || !sip_is_token(method) ||
	    uri.n + method.n > SIP_MSG_MAX)
		return -EINVAL;
	r = line_room(&l, method.n + uri.n + 12);
	if (r)
		return r;
	line_put(&l, method);
	line_put(&l, STR(" "));
	line_put(&l, uri);
	line_put(&l, STR(" SIP/2.0\r\n"));
	m->size += l.n - m->start.n;
	m->start = (struct str){ l.p, l.n };
	m->method_name = (struct str){ l.p, method.n };
	m->ruri = (struct str){ l.p + method.n + 1, uri.n };
	m->ruri_url = NULL;
	return 0;
}

int sip_msg_set_ruri(struct sip_msg *m, struct str uri)
{
	if (!m->is_request)
		return -EINVAL;
	if (m->size + uri.n > SIP_MSG_MAX)
		return -E2BIG;
	return set_request_line(m, m->method_name, uri);
}

int sip_msg_set_to_tag(struct sip_msg *m, const char *tag)
{
	const struct sip_hf *to = sip_msg_hf(m, SIP_H_TO);
	struct str old = m->to_tag, v, tail;

	if (!to)
		return -ENOENT;
	if (!sip_is_token(str_of(tag)))
		return -EINVAL;
	v = to->value;
	if (!old.n)
		return set_parts(m, to, (struct str[]){ v, STR(";tag="), str_of(tag) }, 3);
	tail = (struct str){ old.p + old.n, (size_t)(v.p + v.n - old.p) - old.n };
	v.n = (size_t)(old.p - v.p);
	return set_parts(m, to, (struct str[]){ v, str_of(tag), tail }, 3);
}

int sip_msg_set_body(struct sip_msg *m, const char *content_type, const char *body, size_t len)
{
	char *p = NULL;
	int r;

	if (len > SIP_MSG_MAX || m->size - m->body.n + len > SIP_MSG_MAX)
		return -E2BIG;
	if (len) {
		p = sip_msg_room(m, len, 1);
		if (!p)
			return -ENOMEM;
		memcpy(p, body, len);
	}
	if (content_type) {
		r = sip_msg_set(m, SIP_H_CONTENT_TYPE, "%s", content_type);
		if (r)
			return r;
	} else if (!len) {
		sip_msg_remove(m, SIP_H_CONTENT_TYPE);
	}
	r = sip_msg_set(m, SIP_H_CONTENT_LENGTH, "%zu", len);
	if (r)
		return r;
	m->size += len - m->body.n;
	m->body = (struct str){ p, len };
	return 0;
}

struct sip_msg *sip_msg_new_request(const char *method, const char *uri)
{
	struct sip_ent *e;
	char *text;
	_cleanup_msg_ struct sip_msg *m = sip_msg_alloc(0, 1024, &e, &text);
	struct sip_msg *done;

	if (!m)
		return NULL;
	m->room = text; /* all of it is for edits */
	m->room_n += 1024;
	m->is_request = true;
	m->blank = STR("\r\n");
	m->size = 2;
	if (set_request_line(m, str_of(method), str_of(uri)))
		return NULL;
	m->method = sip_method_find(m->method_name);
	if (sip_msg_add(m, SIP_H_MAX_FORWARDS, "70") || sip_msg_add(m, SIP_H_CONTENT_LENGTH, "0"))
		return NULL;
	done = m;
	m = NULL;
	return done;
}

/* --- responses: built in one go from lines of the request --- */

static bool dialog_creating(enum sip_method_id id)
{
	return id == SIP_M_INVITE || id == SIP_M_SUBSCRIBE || id == SIP_M_REFER ||
	       id == SIP_M_NOTIFY;
}

/* Fields that a response takes over (RFC 3261 8.2.6.2, 12.1.1, 16.6.4 note for Record-Route). */
static bool copied(const struct sip_msg *req, const struct sip_ent *e, int status)
{
	switch ((int)e->hf.id) {
	case SIP_H_VIA:
		return true;
	case SIP_H_FROM:
	case SIP_H_TO:
	case SIP_H_CALL_ID:
	case SIP_H_CSEQ:
		return sip_msg_hf(req, e->hf.id) == &e->hf;
	case SIP_H_RECORD_ROUTE:
		return status > 100 && status < 300 && dialog_creating(req->method);
	case SIP_H_OTHER:
		return status == 100 && str_ieq(e->hf.name, STR("Timestamp"));
	}
	return false;
}

static void copy_line(struct sip_msg *m, const struct sip_ent *from, struct sip_ent *e, char **at)
{
	*e = (struct sip_ent){ .hf.id = from->hf.id };
	memcpy(*at, from->line.p, from->line.n);
	e->line = (struct str){ *at, from->line.n };
	e->hf.name = (struct str){ *at + (from->hf.name.p - from->line.p), from->hf.name.n };
	e->hf.value = (struct str){ *at + (from->hf.value.p - from->line.p), from->hf.value.n };
	*at += from->line.n;
	sip_msg_link(m, e, NULL);
}

static struct sip_msg *response_alloc(const struct sip_msg *req, int status, size_t start_n,
				      struct sip_ent **ret_ents, char **ret_at)
{
	size_t n = 0, bytes = start_n + 1;

	for (const struct sip_ent *e = req->first; e; e = e->next) {
		if (!copied(req, e, status))
			continue;
		n++;
		bytes += e->line.n;
	}
	return sip_msg_alloc(n, bytes, ret_ents, ret_at);
}

static void response_fill(struct sip_msg *m, const struct sip_msg *req, int status,
			  struct sip_ent *ents, char *at)
{
	for (const struct sip_ent *e = req->first; e; e = e->next)
		if (copied(req, e, status))
			copy_line(m, e, ents++, &at);
	sip_msg_touch(m, SIP_H_FROM);
	sip_msg_touch(m, SIP_H_TO);
	sip_msg_touch(m, SIP_H_CSEQ);
}

static int response_to_tag(struct sip_msg *m, const char *to_tag)
{
	char random[17];

	if (m->to_tag.n || !sip_msg_hf(m, SIP_H_TO))
		return 0;
	if (!to_tag)
		sip_random_token(random, sizeof(random) - 1);
	return sip_msg_set_to_tag(m, to_tag ? to_tag : random);
}

struct sip_msg *sip_msg_new_response(const struct sip_msg *req, int status, const char *reason,
				     const char *to_tag)
{
	_cleanup_msg_ struct sip_msg *m = NULL;
	struct sip_msg *done;
	struct sip_ent *ents;
	char *at;
	size_t n;

	if (status < 100 || status > 699)
		return NULL;
	if (!reason || !start_part_ok(str_of(reason), true))
		reason = sip_reason_phrase(status);
	n = strlen("SIP/2.0 200 \r\n") + strlen(reason);
	m = response_alloc(req, status, n, &ents, &at);
	if (!m)
		return NULL;
	snprintf(at, n + 1, "SIP/2.0 %03d %s\r\n", status, reason);
	m->start = (struct str){ at, n };
	m->reason = (struct str){ at + 12, n - 14 };
	m->status = status;
	m->blank = STR("\r\n");
	m->size = n + 2;
	response_fill(m, req, status, ents, at + n);
	if ((status > 100 && response_to_tag(m, to_tag)) ||
	    sip_msg_add(m, SIP_H_CONTENT_LENGTH, "0"))
		return NULL;
	done = m;
	m = NULL;
	return done;
}
