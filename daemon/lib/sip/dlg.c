// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Dialogs (RFC 3261 12): made from request and response, requests built within them, order of CSeq,
 * strict routers (12.2.1.1), save and load.
 *
 * Texts are kept as C strings; a header value with a NUL in it makes no dialog. In JSON every octet is
 * one character (Latin-1), so that display names that are no UTF-8 survive unchanged.
 */
#include <stdio.h>

#include "lib/sip/dlg.h"
#include "lib/sip/msg-internal.h"

#define ROUTE_MAX 64

static struct sip_dlg *dlg_new(void)
{
	return calloc(1, sizeof(struct sip_dlg));
}

static void dlg_freep(struct sip_dlg **d)
{
	sip_dlg_free(*d);
}

void sip_dlg_free(struct sip_dlg *d)
{
	if (!d)
		return;
	for (size_t i = 0; i < d->n_route; i++)
		free(d->route[i]);
	free(d->route);
	free(d->call_id);
	free(d->local_tag);
	free(d->remote_tag);
	free(d->local_uri);
	free(d->remote_uri);
	free(d->remote_target);
	free(d);
}

/* C string with folding turned into spaces. NULL: no memory or a NUL inside. */
static char *text(struct str s)
{
	char *z;

	if (s.n && memchr(s.p, '\0', s.n))
		return NULL;
	z = str_dup(s);
	for (char *c = z; c && *c; c++)
		if (*c == '\r' || *c == '\n')
			*c = ' ';
	return z;
}

/* "Name" <uri> of a From or To value, without parameters. */
static int party(struct str value, char **ret_uri)
{
	struct sip_name_addr na;
	struct str s = str_trim(value);
	bool angle;

	if (sip_name_addr_parse(s, &na))
		return -EINVAL;
	angle = na.uri.p > s.p && na.uri.p[-1] == '<';
	s.n = (size_t)(na.uri.p - s.p) + na.uri.n + (angle ? 1 : 0);
	*ret_uri = text(s);
	return *ret_uri ? 0 : -EINVAL;
}

/*
 * URI of the first Contact, as it may stand in a start line: without headers (RFC 3261 19.1.1).
 * -ENOENT: no Contact.
 */
static int contact_uri(const struct sip_msg *m, char **ret)
{
	struct sip_elem e = { 0 };
	struct sip_name_addr na;
	struct sip_uri uri;
	char *z;
	int r;

	if (!sip_msg_next_elem(m, SIP_H_CONTACT, &e))
		return -ENOENT;
	if (sip_name_addr_parse(e.text, &na))
		return -EINVAL;
	r = sip_uri_parse(na.uri, &uri);
	if (r == -EINVAL || na.uri.n > SIP_URI_MAX)
		return -EINVAL;
	if (!r && uri.headers.n)
		na.uri.n = (size_t)(uri.headers.p - na.uri.p) - 1;
	z = text(na.uri);
	if (!z)
		return -EINVAL;
	free(*ret);
	*ret = z;
	return 0;
}

/* A route is a SIP URI without headers: a strict router's becomes a Request-URI. */
static bool route_ok(struct str s)
{
	struct sip_name_addr na;
	struct sip_uri uri;

	return !sip_name_addr_parse(s, &na) && na.uri.n <= SIP_URI_MAX &&
	       !sip_uri_parse(na.uri, &uri) && !uri.is_tel && !uri.headers.n;
}

static int add_route(struct sip_dlg *d, struct str s)
{
	char **r;

	if (d->n_route == ROUTE_MAX)
		return -E2BIG;
	if (!route_ok(s))
		return -EINVAL;
	r = reallocarray(d->route, d->n_route + 1, sizeof(*r));
	if (!r)
		return -ENOMEM;
	d->route = r;
	r[d->n_route] = text(s);
	return r[d->n_route] ? (d->n_route++, 0) : -EINVAL;
}

static void reverse_route(struct sip_dlg *d)
{
	for (size_t i = 0; i < d->n_route / 2; i++) {
		char *t = d->route[i];

		d->route[i] = d->route[d->n_route - 1 - i];
		d->route[d->n_route - 1 - i] = t;
	}
}

/* Record-Route elements first <= i < end of m, in order. */
static int take_routes(struct sip_dlg *d, const struct sip_msg *m, size_t first, size_t end)
{
	struct sip_elem e = { 0 };

	for (size_t i = 0; i < end && sip_msg_next_elem(m, SIP_H_RECORD_ROUTE, &e); i++) {
		int r = i < first ? 0 : add_route(d, e.text);

		if (r)
			return r;
	}
	return 0;
}

/* Identifiers; here is the header with our own party. */
static int identify(struct sip_dlg *d, const struct sip_msg *m, enum sip_hdr here,
		    struct str local_tag, struct str remote_tag)
{
	enum sip_hdr there = here == SIP_H_FROM ? SIP_H_TO : SIP_H_FROM;

	if (!local_tag.n) /* a remote tag may be missing: RFC 2543 */
		return -EINVAL;
	d->call_id = text(sip_msg_call_id(m));
	d->local_tag = text(local_tag);
	d->remote_tag = text(remote_tag);
	if (!d->call_id || !d->local_tag || !d->remote_tag)
		return -EINVAL;
	if (party(sip_msg_value(m, here), &d->local_uri) ||
	    party(sip_msg_value(m, there), &d->remote_uri))
		return -EINVAL;
	return 0;
}

int sip_dlg_uac(const struct sip_msg *req, struct sip_msg *resp, struct sip_dlg **ret)
{
	_cleanup_(dlg_freep) struct sip_dlg *d = dlg_new();
	int r;

	if (!d)
		return -ENOMEM;
	if (!sip_msg_to_tag(resp).n)
		return -EINVAL;
	r = identify(d, resp, SIP_H_FROM, sip_msg_from_tag(resp), sip_msg_to_tag(resp));
	if (!r)
		r = take_routes(d, resp, 0, SIZE_MAX);
	if (r)
		return r;
	reverse_route(d);
	r = contact_uri(resp, &d->remote_target);
	if (r == -ENOENT && sip_msg_status(resp) < 200) { /* a 1xx may leave it out */
		d->remote_target = text(sip_msg_ruri(req));
		r = d->remote_target ? 0 : -ENOMEM;
	}
	if (r)
		return -EINVAL;
	d->local_cseq = sip_msg_cseq(req);
	*ret = d;
	d = NULL;
	return 0;
}

int sip_dlg_uas(struct sip_msg *req, const char *local_tag, struct sip_dlg **ret)
{
	_cleanup_(dlg_freep) struct sip_dlg *d = dlg_new();
	int r;

	if (!d)
		return -ENOMEM;
	r = identify(d, req, SIP_H_TO, str_of(local_tag), sip_msg_from_tag(req));
	if (!r)
		r = take_routes(d, req, 0, SIZE_MAX);
	if (r)
		return r;
	if (contact_uri(req, &d->remote_target))
		return -EINVAL;
	d->remote_cseq = sip_msg_cseq(req);
	*ret = d;
	d = NULL;
	return 0;
}

/* Index of our own Record-Route element in m; -ENOENT. */
static ssize_t own_route(const struct sip_msg *m,
			 bool (*is_me)(void *arg, const struct sip_uri *uri), void *arg)
{
	struct sip_elem e = { 0 };

	for (ssize_t i = 0; sip_msg_next_elem(m, SIP_H_RECORD_ROUTE, &e); i++) {
		struct sip_name_addr na;
		struct sip_uri uri;

		if (!sip_name_addr_parse(e.text, &na) && !sip_uri_parse(na.uri, &uri) &&
		    is_me(arg, &uri))
			return i;
	}
	return -ENOENT;
}

/* First element behind index i that is not ours (two of ours: the way changes family or transport). */
static size_t behind_own(const struct sip_msg *m, size_t i,
			 bool (*is_me)(void *arg, const struct sip_uri *uri), void *arg)
{
	struct sip_elem e = { 0 };
	size_t k = 0, end = i + 1;

	for (; sip_msg_next_elem(m, SIP_H_RECORD_ROUTE, &e); k++) {
		struct sip_name_addr na;
		struct sip_uri uri;

		if (k == end && !sip_name_addr_parse(e.text, &na) && !sip_uri_parse(na.uri, &uri) &&
		    is_me(arg, &uri))
			end = k + 1;
	}
	return end;
}

/* The half towards one end, as if we were the other end. */
static int middle_half(const struct sip_msg *req, struct sip_msg *resp, bool to_callee,
		       size_t first, size_t end, struct sip_dlg **ret)
{
	_cleanup_(dlg_freep) struct sip_dlg *d = dlg_new();
	struct str from = sip_msg_from_tag(resp), to = sip_msg_to_tag(resp);
	int r;

	if (!d)
		return -ENOMEM;
	if (!to.n)
		return -EINVAL;
	r = to_callee ? identify(d, resp, SIP_H_FROM, from, to)
		      : identify(d, resp, SIP_H_TO, to, from);
	if (!r)
		r = take_routes(d, resp, first, end);
	if (r)
		return r;
	if (to_callee)
		reverse_route(d);
	if (contact_uri(to_callee ? resp : req, &d->remote_target))
		return -EINVAL;
	d->local_cseq = to_callee ? sip_msg_cseq(req) : 0;
	d->remote_cseq = to_callee ? 0 : sip_msg_cseq(req);
	*ret = d;
	d = NULL;
	return 0;
}

int sip_dlg_middle(const struct sip_msg *req, struct sip_msg *resp,
		   bool (*is_me)(void *arg, const struct sip_uri *uri), void *arg,
		   struct sip_dlg **ret_callee, struct sip_dlg **ret_caller)
{
	struct sip_dlg *callee, *caller;
	ssize_t own = own_route(resp, is_me, arg);
	int r;

	if (own < 0)
		return -ENOENT;
	r = middle_half(req, resp, true, 0, (size_t)own, &callee);
	if (r)
		return r;
	r = middle_half(req, resp, false, behind_own(resp, (size_t)own, is_me, arg), SIZE_MAX,
			&caller);
	if (r) {
		sip_dlg_free(callee);
		return r;
	}
	*ret_callee = callee;
	*ret_caller = caller;
	return 0;
}

int sip_dlg_update_target(struct sip_dlg *d, struct sip_msg *m)
{
	int r = contact_uri(m, &d->remote_target);

	return r == -ENOENT ? 0 : r;
}

static bool is_loose(const char *route)
{
	struct sip_name_addr na;
	struct sip_uri uri;

	return !sip_name_addr_parse(str_of(route), &na) && !sip_uri_parse(na.uri, &uri) &&
	       sip_param(uri.params, "lr", NULL);
}

static char *route_uri(const char *route)
{
	struct sip_name_addr na;

	return sip_name_addr_parse(str_of(route), &na) ? NULL : str_dup(na.uri);
}

static int put_routes(struct sip_msg *m, const struct sip_dlg *d, size_t first)
{
	for (size_t i = first; i < d->n_route; i++) {
		int r = sip_msg_add(m, SIP_H_ROUTE, "%s", d->route[i]);

		if (r)
			return r;
	}
	return 0;
}

/* Start line and Route (RFC 3261 12.2.1.1). */
static struct sip_msg *routed(const struct sip_dlg *d, const char *method)
{
	_cleanup_msg_ struct sip_msg *m = NULL;
	_cleanup_free_ char *first = NULL;
	struct sip_msg *done;
	bool strict = d->n_route && !is_loose(d->route[0]);

	if (strict) {
		first = route_uri(d->route[0]);
		if (!first)
			return NULL;
	}
	m = sip_msg_new_request(method, strict ? first : d->remote_target);
	if (!m || put_routes(m, d, strict ? 1 : 0))
		return NULL;
	if (strict && sip_msg_add(m, SIP_H_ROUTE, "<%s>", d->remote_target))
		return NULL;
	done = m;
	m = NULL;
	return done;
}

struct sip_msg *sip_dlg_request(struct sip_dlg *d, const char *method, uint32_t ack_cseq)
{
	_cleanup_msg_ struct sip_msg *m = routed(d, method);
	struct sip_msg *done;
	bool ack = !strcmp(method, "ACK");
	uint32_t cseq = ack ? ack_cseq : d->local_cseq + 1;

	if (!m || cseq > INT32_MAX)
		return NULL;
	if (sip_msg_add(m, SIP_H_FROM, "%s;tag=%s", d->local_uri, d->local_tag))
		return NULL;
	if (sip_msg_add(m, SIP_H_TO, d->remote_tag[0] ? "%s;tag=%s" : "%s", d->remote_uri,
			d->remote_tag))
		return NULL;
	if (sip_msg_add(m, SIP_H_CALL_ID, "%s", d->call_id) ||
	    sip_msg_add(m, SIP_H_CSEQ, "%u %s", cseq, method))
		return NULL;
	if (!ack)
		d->local_cseq = cseq;
	done = m;
	m = NULL;
	return done;
}

int sip_dlg_check(struct sip_dlg *d, const struct sip_msg *req)
{
	uint32_t cseq = sip_msg_cseq(req);

	if (!str_eqz(sip_msg_call_id(req), d->call_id) ||
	    !str_eqz(sip_msg_from_tag(req), d->remote_tag) ||
	    !str_eqz(sip_msg_to_tag(req), d->local_tag))
		return -ENOENT;
	if (sip_msg_method(req) == SIP_M_ACK || sip_msg_method(req) == SIP_M_CANCEL)
		return 0; /* they carry their INVITE's number */
	if (d->remote_cseq && cseq <= d->remote_cseq)
		return -ERANGE;
	d->remote_cseq = cseq;
	return 0;
}

/* --- JSON --- */

static json_t *save_text(const char *z)
{
	size_t n = strlen(z);
	_cleanup_free_ char *utf8 = malloc(2 * n + 1);
	char *p = utf8;

	if (!utf8)
		return NULL;
	for (size_t i = 0; i < n; i++) {
		unsigned char c = (unsigned char)z[i];

		if (c < 0x80) {
			*p++ = (char)c;
		} else {
			*p++ = (char)(0xc0 | c >> 6);
			*p++ = (char)(0x80 | (c & 0x3f));
		}
	}
	return json_stringn(utf8, (size_t)(p - utf8));
}

static char *load_text(const json_t *j)
{
	size_t n = json_string_length(j), k = 0;
	const unsigned char *s = (const unsigned char *)json_string_value(j);
	char *z = s ? malloc(n + 1) : NULL;

	if (!z)
		return NULL;
	for (size_t i = 0; i < n; i++) {
		unsigned char c = s[i];

		if (c >= 0xc2 && c <= 0xc3 && i + 1 < n)
			c = (unsigned char)((c & 3) << 6 | (s[++i] & 0x3f));
		else if (c >= 0x80 || c == '\r' || c == '\n' || !c)
			goto bad; /* nothing that we wrote; CR and LF must not come in this way either */
		z[k++] = (char)c;
	}
	z[k] = '\0';
	return z;
bad:
	free(z);
	return NULL;
}

json_t *sip_dlg_save(const struct sip_dlg *d)
{
	json_t *route = json_array();

	for (size_t i = 0; i < d->n_route; i++)
		json_array_append_new(route, save_text(d->route[i]));
	return json_pack("{s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:I, s:I}", "call_id",
			 save_text(d->call_id), "local_tag", save_text(d->local_tag), "remote_tag",
			 save_text(d->remote_tag), "local_uri", save_text(d->local_uri),
			 "remote_uri", save_text(d->remote_uri), "remote_target",
			 save_text(d->remote_target), "route", route, "local_cseq",
			 (json_int_t)d->local_cseq, "remote_cseq", (json_int_t)d->remote_cseq);
}

static int load_cseq(const json_t *j, const char *key, uint32_t *ret)
{
	const json_t *v = json_object_get(j, key);
	json_int_t n = json_integer_value(v);

	if (!json_is_integer(v) || n < 0 || n > INT32_MAX)
		return -EINVAL;
	*ret = (uint32_t)n;
	return 0;
}

static int load_routes(const json_t *j, struct sip_dlg *d)
{
	const json_t *route = json_object_get(j, "route");

	if (!json_is_array(route) || json_array_size(route) > ROUTE_MAX)
		return -EINVAL;
	for (size_t i = 0; i < json_array_size(route); i++) {
		_cleanup_free_ char *z = load_text(json_array_get(route, i));
		int r = z ? add_route(d, str_of(z)) : -EINVAL;

		if (r)
			return r;
	}
	return 0;
}

int sip_dlg_load(const json_t *j, struct sip_dlg **ret)
{
	_cleanup_(dlg_freep) struct sip_dlg *d = dlg_new();
	struct sip_name_addr na;
	struct sip_uri uri;

	if (!d)
		return -ENOMEM;
	d->call_id = load_text(json_object_get(j, "call_id"));
	d->local_tag = load_text(json_object_get(j, "local_tag"));
	d->remote_tag = load_text(json_object_get(j, "remote_tag"));
	d->local_uri = load_text(json_object_get(j, "local_uri"));
	d->remote_uri = load_text(json_object_get(j, "remote_uri"));
	d->remote_target = load_text(json_object_get(j, "remote_target"));
	if (!d->call_id || !d->local_tag || !d->remote_tag || !d->local_uri || !d->remote_uri ||
	    !d->remote_target)
		return -EINVAL;
	if (sip_name_addr_parse(str_of(d->local_uri), &na) ||
	    sip_name_addr_parse(str_of(d->remote_uri), &na))
		return -EINVAL;
	if (sip_uri_parse(str_of(d->remote_target), &uri) == -EINVAL)
		return -EINVAL;
	if (load_cseq(j, "local_cseq", &d->local_cseq) ||
	    load_cseq(j, "remote_cseq", &d->remote_cseq) || load_routes(j, d))
		return -EINVAL;
	*ret = d;
	d = NULL;
	return 0;
}
