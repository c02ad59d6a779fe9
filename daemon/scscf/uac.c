// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Requests that the S-CSCF sends itself (NOTIFY): RFC 3261 8.1.2, RFC 3263 4.3 (the next hop when
 * one fails).
 *
 * Invariant: the caller's function is called exactly once per request, and never with a pointer
 * into state that may be gone: it gets back the key that it gave.
 */
#include "scscf/priv.h"

#define HOPS_MAX 4

struct uac {
	struct uac *next, *prev;
	struct scscf *s;
	struct sip_msg *msg;
	struct sip_query *query;
	struct sip_ctx *ctx;
	struct sip_hop hops[HOPS_MAX];
	size_t n, i;
	uac_fn fn;
	char key[];
};

static void uac_free(struct uac *u)
{
	DL_DELETE(u->s->uacs, u);
	if (u->query)
		sip_query_cancel(u->query);
	if (u->ctx)
		sip_ctx_detach(u->ctx);
	sip_msg_unref(u->msg);
	free(u);
}

static void finish(struct uac *u, struct sip_msg *resp, int err)
{
	if (u->fn)
		u->fn(u->s, u->key, resp, err);
	uac_free(u);
}

static void try_next(struct uac *u, int err);

static void on_response(void *arg, struct sip_ctx *t _unused_, struct sip_msg *resp, int err)
{
	struct uac *u = arg;

	if (resp && sip_msg_status(resp) < 200)
		return;
	u->ctx = NULL;
	/* Only what never arrived may be sent to another hop. */
	if (!resp && err != -ETIMEDOUT)
		try_next(u, err);
	else
		finish(u, resp, err);
}

static void try_next(struct uac *u, int err)
{
	while (u->i < u->n) {
		const struct sip_hop *h = &u->hops[u->i++];
		struct sip_path path = { .proto = h->proto, .peer = h->addr };
		/* Sending edits the message: the last hop may have the original. */
		struct sip_msg *copy = u->i < u->n ? sip_msg_clone(u->msg) : sip_msg_ref(u->msg);

		path.ep = sip_tp_ep_for(u->s->env.tp, h->addr.sa.sa_family);
		err = -EHOSTUNREACH;
		if (copy && path.ep)
			err = sip_ctx_start(u->s->stack, copy, &path, NULL, on_response, u,
					    &u->ctx);
		sip_msg_unref(copy);
		if (err == 0)
			return;
	}
	finish(u, NULL, err);
}

static void on_hops(void *arg, const struct sip_hop *hops, size_t n, int err)
{
	struct uac *u = arg;

	u->query = NULL;
	u->n = MIN(n, (size_t)HOPS_MAX);
	if (u->n)
		memcpy(u->hops, hops, u->n * sizeof(*hops));
	try_next(u, err ? err : -ENOENT);
}

static struct str next_hop(const struct sip_msg *m)
{
	struct sip_elem e = { 0 };
	struct sip_name_addr na;

	if (sip_msg_next_elem(m, SIP_H_ROUTE, &e) && sip_name_addr_parse(e.text, &na) == 0)
		return na.uri;
	return sip_msg_ruri(m);
}

void uac_send(struct scscf *s, struct sip_msg *msg, uac_fn fn, const char *key)
{
	size_t n = strlen(key);
	struct uac *u = calloc(1, sizeof(*u) + n + 1);
	struct sip_query *q = NULL;
	int r;

	if (!u) {
		sip_msg_unref(msg);
		if (fn)
			fn(s, key, NULL, -ENOMEM);
		return;
	}
	u->s = s;
	u->msg = msg;
	u->fn = fn;
	memcpy(u->key, key, n);
	DL_APPEND(s->uacs, u);
	r = sip_resolve(s->env.resolver, next_hop(msg), on_hops, u, &q);
	/* When the answer came within the call, u may be gone: q is NULL then. */
	if (r < 0)
		finish(u, NULL, r);
	else if (q)
		u->query = q;
}

void uac_free_all(struct scscf *s)
{
	struct uac *u, *tmp;

	DL_FOREACH_SAFE (s->uacs, u, tmp)
		uac_free(u);
}
