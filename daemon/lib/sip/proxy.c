// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Proxy core, what needs no response context: validation (RFC 3261 16.3, RFC 5393), Route
 * preprocessing (16.4), applying a target (16.6), ACK and stray responses (16.7 steps 3 and 9, 16.11).
 *
 * Loop detection: our branches carry a keyed hash of everything that the routing decision depends
 * on (RFC 5393 4.2.1: Request-URI, all Routes, both tags, Call-ID, CSeq number). The same hash in a
 * Via of ours is a loop; another one is a spiral, which IMS is full of.
 */
#include "lib/core/log.h"
#include "lib/sip/msg-internal.h"
#include "lib/sip/proxy_priv.h"

/* --- validation --- */

uint64_t proxy_loop_hash(const struct sip_stack *s, const struct sip_msg *m)
{
	const struct sip_hf *hf = NULL;
	uint32_t cseq = sip_msg_cseq(m);
	struct siphash h;

	siphash_init(&h, s->key);
	siphash_add(&h, "loop", 4);
	siphash_add_str(&h, sip_msg_ruri(m));
	while ((hf = sip_msg_next(m, SIP_H_ROUTE, hf)))
		siphash_add_str(&h, hf->value);
	siphash_add_str(&h, sip_msg_call_id(m));
	siphash_add_str(&h, sip_msg_from_tag(m));
	siphash_add_str(&h, sip_msg_to_tag(m));
	siphash_add(&h, &cseq, sizeof(cseq));
	return siphash_end(&h) | 1;
}

static bool is_loop(struct sip_stack *s, const struct sip_msg *m, uint64_t hash)
{
	struct sip_elem e = { 0 };
	struct via v;

	while (sip_msg_next_elem(m, SIP_H_VIA, &e))
		if (!via_read(e.text, &v) && ctx_branch_loop(s, v.branch) == hash)
			return true;
	return false;
}

static bool known_scheme(struct str uri)
{
	static const char *const schemes[] = { "sip:", "sips:", "tel:", "urn:" };

	for (size_t i = 0; i < ARRAY_SIZE(schemes); i++) {
		size_t n = strlen(schemes[i]);

		if (uri.n > n && !strncasecmp(uri.p, schemes[i], n))
			return true;
	}
	return false;
}

static bool token_in(struct str token, const char *const *list)
{
	for (; list && *list; list++)
		if (str_ieqz(token, *list))
			return true;
	return false;
}

/* 420 naming what is not supported. True: all is. */
static bool check_proxy_require(struct sip_stack *s, struct sip_stx *stx, const struct sip_msg *m,
				const char *const *supported)
{
	_cleanup_msg_ struct sip_msg *resp = NULL;
	struct sip_elem e = { 0 };

	while (sip_msg_next_elem(m, SIP_H_PROXY_REQUIRE, &e)) {
		char tag[TAG_MAX];

		if (token_in(e.text, supported))
			continue;
		stack_tag(s, stx->node.key, tag);
		if (!resp)
			resp = stack_response(s, m, 420, NULL, tag);
		if (!resp || sip_msg_add(resp, SIP_H_UNSUPPORTED, "%.*s", STR_FMT(e.text)))
			break;
	}
	if (resp)
		sip_stx_respond(stx, resp);
	return !resp;
}

static int refuse(struct sip_stx *stx, int status, const char *why)
{
	sip_stx_reply(stx, status, NULL, why);
	return status;
}

static int validate(struct sip_stack *s, struct sip_stx *stx, const struct sip_msg *m,
		    uint64_t hash, const char *const *supported)
{
	uint32_t hops;

	if (!known_scheme(sip_msg_ruri(m)))
		return refuse(stx, 416, NULL);
	if (!sip_msg_u32(m, SIP_H_MAX_FORWARDS, &hops) && !hops)
		return refuse(stx, 483, NULL);
	if (is_loop(s, m, hash))
		return refuse(stx, 482, "this request was here already");
	if (!check_proxy_require(s, stx, m, supported))
		return 420;
	return 0;
}

/* --- Route preprocessing --- */

typedef bool (*is_me_fn)(void *arg, const struct sip_uri *uri);

static bool uri_is_me(struct str text, is_me_fn is_me, void *arg)
{
	struct sip_uri u;

	return !sip_uri_parse(text, &u) && !u.is_tel && is_me(arg, &u);
}

static struct str first_route_uri(const struct sip_msg *m)
{
	struct sip_elem e = { 0 };
	struct sip_name_addr na;

	if (!sip_msg_next_elem(m, SIP_H_ROUTE, &e) || sip_name_addr_parse(e.text, &na))
		return (struct str){ 0 };
	return na.uri;
}

static struct str arena_copy(struct sip_msg *m, struct str s)
{
	char *p = sip_msg_room(m, s.n + 1, 1);

	if (!p)
		return (struct str){ 0 };
	memcpy(p, s.p, s.n);
	p[s.n] = 0;
	return (struct str){ p, s.n };
}

/* The last Route value becomes the Request-URI again (a strict router came before us). */
static int undo_strict_route(struct sip_msg *m)
{
	const struct sip_hf *last = NULL, *hf = NULL;
	struct sip_elem e = { 0 };
	struct str text = { 0 }, head;
	struct sip_name_addr na;
	int r;

	while ((hf = sip_msg_next(m, SIP_H_ROUTE, hf)))
		last = hf;
	while (sip_msg_next_elem(m, SIP_H_ROUTE, &e))
		text = e.text;
	if (!last || sip_name_addr_parse(text, &na))
		return -EINVAL;
	r = sip_msg_set_ruri(m, na.uri);
	if (r < 0)
		return r;
	head = (struct str){ last->value.p, text.p - last->value.p };
	while (head.n && strchr(", \t\r\n", head.p[head.n - 1]))
		head.n--;
	if (head.n)
		return sip_hf_set(m, last, "%.*s", STR_FMT(head));
	sip_hf_remove(m, last);
	return 0;
}

static bool ruri_is_record_route(const struct sip_msg *m, is_me_fn is_me, void *arg)
{
	struct sip_uri u;
	struct str v;

	return sip_msg_hf(m, SIP_H_ROUTE) && !sip_uri_parse(sip_msg_ruri(m), &u) && !u.is_tel &&
	       sip_param(u.params, "lr", &v) && is_me(arg, &u);
}

static int preprocess_route(struct sip_msg *m, is_me_fn is_me, void *arg, struct str *ret_my_route)
{
	struct str mine = { 0 };
	int r;

	if (ruri_is_record_route(m, is_me, arg)) {
		r = undo_strict_route(m);
		if (r < 0)
			return r;
	}
	for (struct str uri = first_route_uri(m); uri.n && uri_is_me(uri, is_me, arg);
	     uri = first_route_uri(m)) {
		if (!mine.n)
			mine = arena_copy(m, uri);
		r = sip_msg_remove_first_elem(m, SIP_H_ROUTE);
		if (r < 0)
			return r;
	}
	if (ret_my_route)
		*ret_my_route = mine;
	return 0;
}

int sip_proxy_prepare(struct sip_stack *s, struct sip_stx *stx, struct sip_msg *m,
		      const char *const *supported,
		      bool (*is_me)(void *arg, const struct sip_uri *uri), void *arg,
		      struct str *ret_my_route)
{
	uint64_t hash = proxy_loop_hash(s, m);
	int status;

	if (ret_my_route)
		*ret_my_route = (struct str){ 0 };
	if (stx) {
		if (stx->live)
			stx->live->loop_hash = hash;
		status = validate(s, stx, m, hash, supported);
		if (status)
			return status;
	}
	if (is_me && preprocess_route(m, is_me, arg, ret_my_route)) {
		if (stx)
			refuse(stx, 400, "Route cannot be read");
		return 400;
	}
	return 0;
}

/* --- targets --- */

static int dup_str(char **dst, struct str s)
{
	*dst = s.n ? str_dup(s) : NULL;
	return s.n && !*dst ? -ENOMEM : 0;
}

int fwd_target_copy(struct fwd_target *dst, const struct sip_target *src)
{
	*dst = (struct fwd_target){
		.ep = src->ep, .edit = src->edit, .user = src->user, .q = src->q
	};
	if (src->path) {
		dst->has_path = true;
		path_pack(&dst->path, src->path);
	}
	if (src->via_sentby) {
		dst->has_sentby = true;
		memcpy(&dst->sentby, src->via_sentby, sizeof(dst->sentby));
	}
	if (dup_str(&dst->uri, src->uri) || dup_str(&dst->next_hop, src->next_hop) ||
	    dup_str(&dst->record_route, str_of(src->record_route)) ||
	    dup_str(&dst->route, str_of(src->route))) {
		fwd_target_fini(dst);
		return -ENOMEM;
	}
	return 0;
}

void fwd_target_fini(struct fwd_target *t)
{
	free(t->uri);
	free(t->next_hop);
	free(t->record_route);
	free(t->route);
	t->uri = t->next_hop = t->record_route = t->route = NULL;
}

static int lower_max_forwards(struct sip_msg *m)
{
	uint32_t hops = 71;

	if (sip_msg_u32(m, SIP_H_MAX_FORWARDS, &hops) == 0 && !hops)
		return -ELOOP;
	return sip_msg_set(m, SIP_H_MAX_FORWARDS, "%u", MIN(hops, 256u) - 1);
}

/* 16.6 step 6: a first Route without lr is a strict router. */
int fwd_obey_strict_route(struct sip_msg *m)
{
	_cleanup_free_ char *ruri = NULL;
	struct str uri = first_route_uri(m), v;
	struct sip_uri u;
	int r;

	if (!uri.n || sip_uri_parse(uri, &u) || u.is_tel || sip_param(u.params, "lr", &v))
		return 0;
	ruri = str_dup(sip_msg_ruri(m));
	if (!ruri)
		return -ENOMEM;
	uri = arena_copy(m, uri);
	r = sip_msg_remove_first_elem(m, SIP_H_ROUTE);
	if (!r)
		r = sip_msg_add(m, SIP_H_ROUTE, "<%s>", ruri);
	return r < 0 ? r : sip_msg_set_ruri(m, uri);
}

int fwd_target_apply(struct sip_msg *m, const struct fwd_target *t)
{
	int r = lower_max_forwards(m);

	if (!r && t->uri)
		r = sip_msg_set_ruri(m, str_of(t->uri));
	if (!r && t->route)
		r = sip_msg_prepend(m, SIP_H_ROUTE, "%s", t->route);
	if (!r && t->record_route)
		r = sip_msg_prepend(m, SIP_H_RECORD_ROUTE, "%s", t->record_route);
	return r;
}

struct str fwd_next_hop(const struct sip_msg *m, const struct fwd_target *t)
{
	struct sip_name_addr na;
	struct str uri;
	size_t next;

	if (t->next_hop)
		return str_of(t->next_hop);
	if (t->route && !sip_name_addr_parse(sip_elem_first(str_of(t->route), &next), &na))
		return na.uri;
	uri = first_route_uri(m);
	if (uri.n)
		return uri;
	return t->uri ? str_of(t->uri) : sip_msg_ruri(m);
}

int fwd_hop_path(struct sip_stack *s, const struct fwd_target *t, const struct sip_hop *hop,
		 struct sip_path *ret)
{
	struct sip_ep *ep = t->ep;

	if (!ep || sip_ep_local(ep)->sa.sa_family != hop->addr.sa.sa_family)
		ep = sip_tp_ep_for(s->tp, hop->addr.sa.sa_family);
	*ret = (struct sip_path){ .ep = ep, .proto = hop->proto, .peer = hop->addr };
	return ep ? 0 : -EHOSTUNREACH;
}

/* --- ACK --- */

struct ack { /* whose way is being looked for */
	struct ack *next, **pprev;
	struct sip_query *query;
	struct sip_stack *stack;
	struct sip_msg *m;
	struct fwd_target t;
};

static void ack_free(struct ack *a)
{
	*a->pprev = a->next;
	if (a->next)
		a->next->pprev = a->pprev;
	sip_query_cancel(a->query);
	sip_msg_unref(a->m);
	fwd_target_fini(&a->t);
	free(a);
}

int fwd_start(struct sip_stack *s, struct sip_msg *m, const struct fwd_target *t,
	      const struct sip_path *path, uint64_t loop_hash, sip_ctx_fn fn, void *arg,
	      struct sip_ctx **ret)
{
	union sip_sa sentby = { 0 };

	memcpy(&sentby, &t->sentby, sizeof(t->sentby));
	return ctx_start(s, m, path, t->has_sentby ? &sentby : NULL, loop_hash, fn, arg, ret);
}

static void ack_free_all(struct sip_stack *s)
{
	while (s->acks)
		ack_free(s->acks);
}

static int ack_send(struct ack *a, const struct sip_path *path)
{
	int r = a->t.edit ? a->t.edit(NULL, a->m, a->t.user) : 0;

	if (!r)
		r = fwd_obey_strict_route(a->m);
	return r ? r : fwd_start(a->stack, a->m, &a->t, path, 0, NULL, NULL, NULL);
}

static void ack_hops(void *arg, const struct sip_hop *hops, size_t n, int err)
{
	struct ack *a = arg;
	struct sip_path path;

	a->query = NULL;
	if (!err && n && !fwd_hop_path(a->stack, &a->t, &hops[0], &path))
		ack_send(a, &path);
	ack_free(a);
}

static void ack_link(struct sip_stack *s, struct ack *a)
{
	a->stack = s;
	a->next = s->acks;
	a->pprev = &s->acks;
	if (a->next)
		a->next->pprev = &a->next;
	s->acks = a;
	s->free_acks = ack_free_all;
}

int sip_proxy_forward_ack(struct sip_stack *s, struct sip_resolver *r, struct sip_msg *ack,
			  const struct sip_target *t)
{
	struct ack *a = calloc(1, sizeof(*a));
	struct sip_path path;
	struct sip_query *q = NULL;
	int e;

	if (!a)
		return -ENOMEM;
	ack_link(s, a);
	e = fwd_target_copy(&a->t, t);
	if (!e)
		a->m = sip_msg_clone(ack);
	if (!e)
		e = a->m ? fwd_target_apply(a->m, &a->t) : -ENOMEM;
	path_unpack(&path, &a->t.path);
	if (!e && a->t.has_path) {
		e = ack_send(a, &path);
		ack_free(a);
		return e;
	}
	if (!e) /* frees it, maybe before it returns, unless it fails */
		e = r ? sip_resolve(r, fwd_next_hop(a->m, &a->t), ack_hops, a, &q) : -EHOSTUNREACH;
	if (e < 0)
		ack_free(a);
	else if (q)
		a->query = q;
	return e;
}

/* --- stray responses --- */

int sip_proxy_stray_response(struct sip_stack *s, struct sip_msg *m)
{
	struct sip_path path = { 0 };
	struct via v;
	int r = via_top(m, &v);

	if (r < 0)
		return r;
	if (!ctx_branch_loop(s, v.branch)) /* not of a request that we forwarded */
		return -EPERM;
	r = sip_msg_remove_first_elem(m, SIP_H_VIA);
	if (!r)
		r = via_top(m, &v);
	if (!r)
		r = via_response_addr(&v, &path.proto, &path.peer);
	if (r < 0)
		return r;
	path.ep = sip_tp_ep_for(s->tp, path.peer.sa.sa_family);
	return sip_tp_send(s->tp, &path, m, NULL);
}
