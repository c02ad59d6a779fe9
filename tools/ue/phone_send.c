// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What a phone adds to every request and which way it takes (TS 24.229 5.1.2A.1.1; TS 33.203 7.1).
 *
 * Requests go to the P-CSCF whatever Route says: it is the outbound proxy.
 */
#include <stdio.h>

#include "ladder.h"
#include "phone.h"
#include "reg.h"
#include "sgw.h"

#define USER_AGENT "kims-ue/" KIMS_VERSION
#define VIA_ROOM   160 /* octets that our Via adds to the request's size */

/* Stands between a transaction and its owner, so that responses can be logged. */
struct sent {
	struct sent *next, **pprev;
	struct phone *p;
	struct sip_ctx *ctx;
	sip_ctx_fn fn;
	void *arg;
	struct sip_path path;
};

static void sent_free(struct sent *s)
{
	*s->pprev = s->next;
	if (s->next)
		s->next->pprev = s->pprev;
	free(s);
}

static struct sent *sent_new(struct phone *p, const struct sip_path *path, sip_ctx_fn fn, void *arg)
{
	struct sent *s = calloc(1, sizeof(*s));

	if (!s)
		return NULL;
	*s = (struct sent){
		.next = p->sent, .pprev = &p->sent, .p = p, .fn = fn, .arg = arg, .path = *path
	};
	if (p->sent)
		p->sent->pprev = &s->next;
	p->sent = s;
	return s;
}

void phone_free_sent(struct phone *p)
{
	while (p->sent)
		sent_free(p->sent);
}

/* Under SAs over UDP a response comes from port_pc to port_us. */
static void log_received(const struct sent *s, struct sip_msg *resp)
{
	struct sa_set *set = sa_find(s->p, &s->path);
	struct sip_path path = s->path;

	if (set && path.proto == SIP_UDP) {
		path.ep = set->ep_s;
		path.peer = set->pc;
	}
	ladder_log(s->p->ue->ladder, s->p, false, resp, &path);
}

/* A 2xx to INVITE may be followed by another one, of a fork. */
static bool is_last(struct sip_msg *resp)
{
	int status = resp ? sip_msg_status(resp) : 0;

	return !resp || status >= 300 || (status >= 200 && sip_msg_method(resp) != SIP_M_INVITE);
}

static void on_response(void *arg, struct sip_ctx *t, struct sip_msg *resp, int err)
{
	struct sent *s = arg;
	sip_ctx_fn fn = s->fn;
	void *fn_arg = s->arg;

	if (resp)
		log_received(s, resp);
	if (is_last(resp))
		sent_free(s);
	if (fn)
		fn(fn_arg, t, resp, err);
}

/* --- identity and addresses --- */

const char *phone_identity(const struct phone *p)
{
	const char *assoc = reg_default_identity(p->reg);

	return assoc ? assoc : p->conf.impu;
}

void phone_contact(const struct phone *p, const struct sa_set *set, char dst[PHONE_URI_MAX])
{
	char host[SIP_SA_STRLEN];
	const union sip_sa *a = set ? &set->us : sip_ep_local(p->plain);

	snprintf(dst, PHONE_URI_MAX, "<sip:%s@%s:%u>", p->conf.imsi, sip_sa_host_str(a, host),
		 sip_sa_port(a));
}

struct sip_msg *phone_new_request(struct phone *p, const char *method, const char *ruri)
{
	/* Without sockets there is no Contact to give. */
	struct sip_msg *m = p->plain ? sip_msg_new_request(method, ruri) : NULL;
	char tag[12], call_id[25];
	int r;

	if (!m)
		return NULL;
	sip_random_token(tag, sizeof(tag) - 1);
	sip_random_token(call_id, sizeof(call_id) - 1);
	r = sip_msg_add(m, SIP_H_FROM, "<%s>;tag=%s", phone_identity(p), tag);
	if (!r)
		r = sip_msg_add(m, SIP_H_TO, "<%s>", ruri);
	if (!r)
		r = sip_msg_add(m, SIP_H_CALL_ID, "%s", call_id);
	if (!r)
		r = sip_msg_add(m, SIP_H_CSEQ, "1 %s", method);
	if (!r)
		r = reg_add_routes(p->reg, m);
	if (!r && sip_msg_method(m) != SIP_M_REGISTER)
		r = sip_msg_add_named(m, "P-Preferred-Identity", "<%s>", phone_identity(p));
	if (r) {
		sip_msg_unref(m);
		return NULL;
	}
	return m;
}

/* --- sending --- */

/* ACK and CANCEL may not carry Require (RFC 3261 20.32, RFC 3329 2.3.1). */
static int add_security(const struct sa_set *set, struct sip_msg *m)
{
	int r;

	if (!set || !set->verify || sip_msg_method(m) == SIP_M_ACK)
		return 0;
	r = sip_msg_set(m, SIP_H_SECURITY_VERIFY, "%s", set->verify);
	if (!r && !sip_msg_has_token(m, SIP_H_REQUIRE, "sec-agree"))
		r = sip_msg_add(m, SIP_H_REQUIRE, "sec-agree");
	if (!r && !sip_msg_has_token(m, SIP_H_PROXY_REQUIRE, "sec-agree"))
		r = sip_msg_add(m, SIP_H_PROXY_REQUIRE, "sec-agree");
	return r;
}

static int add_common(const struct phone *p, const struct sa_set *set, struct sip_msg *m)
{
	int r = add_security(set, m);

	/* TS 24.229 5.1.2A.1.1: not in ACK and CANCEL; sent only where it is protected, or in a lab without IPsec. */
	if (!r && p->conf.access && *p->conf.access && sip_msg_method(m) != SIP_M_ACK &&
	    (set || !p->conf.ipsec))
		r = sip_msg_set(m, SIP_H_P_ACCESS_NETWORK_INFO, "%s", p->conf.access);
	if (!r)
		r = sip_msg_set(m, SIP_H_USER_AGENT, USER_AGENT);
	return r;
}

static enum sip_proto choose_proto(const struct phone *p, const struct sip_ep *ep,
				   const struct sip_msg *m)
{
	switch ((enum transport)p->conf.transport) {
	case TRANSPORT_UDP:
		return SIP_UDP;
	case TRANSPORT_TCP:
		return SIP_TCP;
	case TRANSPORT_AUTO:
		return sip_tp_proto_for(ep, sip_msg_size(m) + VIA_ROOM, 0);
	}
	return SIP_UDP;
}

/* A TCP connection may have to be opened: in the phone's namespace. */
static int start(struct phone *p, struct sip_msg *m, const struct sip_path *path,
		 const union sip_sa *via, struct sent *s, struct sip_ctx **ret)
{
	_cleanup_netns_ int back = path->proto == SIP_TCP ? netns_enter(&p->ns) : -1;

	if (back < -1)
		return back + 1;
	pdn_service(p);
	return sip_ctx_start(p->ue->stack, m, path, via, s ? on_response : NULL, s, ret);
}

int phone_request_on(struct phone *p, struct sa_set *set, struct sip_msg *m, sip_ctx_fn fn,
		     void *arg, struct sip_ctx **ret)
{
	struct sip_path path = { .ep = set ? set->ep_c : p->plain,
				 .peer = set ? set->ps : p->pcscf };
	struct sip_ctx *t = NULL;
	struct sent *s = NULL;
	int r = add_common(p, set, m);

	if (r)
		return r;
	path.proto = choose_proto(p, path.ep, m);
	if (sip_msg_method(m) != SIP_M_ACK) {
		s = sent_new(p, &path, fn, arg);
		if (!s)
			return -ENOMEM;
	}
	ladder_log(p->ue->ladder, p, true, m, &path);
	r = start(p, m, &path, set ? &set->us : NULL, s, &t);
	if (r && s)
		sent_free(s);
	else if (s)
		s->ctx = t;
	if (!r && ret)
		*ret = t;
	return r;
}

int phone_request(struct phone *p, struct sip_msg *m, sip_ctx_fn fn, void *arg,
		  struct sip_ctx **ret)
{
	return phone_request_on(p, p->current, m, fn, arg, ret);
}

void phone_detach(struct phone *p, struct sip_ctx *t)
{
	struct sent *s = p->sent;

	while (s && s->ctx != t)
		s = s->next;
	sip_ctx_detach(t);
	if (s)
		sent_free(s);
}

int phone_cancel(struct phone *p, struct sip_ctx *t, const char *reason)
{
	_cleanup_netns_ int back = netns_enter(&p->ns);

	if (back < -1)
		return back + 1;
	return sip_ctx_cancel(t, reason);
}

static void log_response(struct phone *p, const struct sip_path *from, struct sip_msg *resp)
{
	struct sa_set *s = sa_find(p, from);
	struct sip_path path = *from;

	if (s && from->proto == SIP_UDP) {
		path.ep = s->ep_c;
		path.peer = s->ps;
	}
	ladder_log(p->ue->ladder, p, true, resp, &path);
}

static int respond(struct phone *p, struct sip_stx *stx, struct sip_msg *resp, bool reliable)
{
	const struct sip_path *from = sip_stx_from(stx);
	_cleanup_netns_ int back = -1;

	if (!from)
		return -EALREADY;
	if (from->proto == SIP_TCP)
		back = netns_enter(&p->ns);
	if (back < -1)
		return back + 1;
	log_response(p, from, resp);
	return reliable ? sip_stx_respond_rel(stx, resp) : sip_stx_respond(stx, resp);
}

int phone_respond(struct phone *p, struct sip_stx *stx, struct sip_msg *resp)
{
	return respond(p, stx, resp, false);
}

int phone_respond_rel(struct phone *p, struct sip_stx *stx, struct sip_msg *resp)
{
	return respond(p, stx, resp, true);
}

int phone_reply(struct phone *p, struct sip_stx *stx, int status, const char *reason)
{
	struct sip_msg *req = sip_stx_request(stx);
	_cleanup_msg_ struct sip_msg *resp =
		req ? sip_msg_new_response(req, status, reason, NULL) : NULL;

	if (!req)
		return -EALREADY;
	return resp ? phone_respond(p, stx, resp) : -ENOMEM;
}
