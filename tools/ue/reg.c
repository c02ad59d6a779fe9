// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * REGISTER by a phone: initial (TS 24.229 5.1.1.2), re-registration (5.1.1.4), challenge, SQN and
 * MAC failure (5.1.1.5), de-registration (5.1.1.6).
 *
 * Which way each REGISTER takes: the first one unprotected, or over the current SAs when there are
 * some; the answer to a challenge over the SAs that the challenge made; a resynchronisation as the
 * REGISTER that was challenged. The current SAs change when the 200 has come over the new ones;
 * the old ones stay for OLD_SA_USEC. A 200 without a challenge keeps the current ones.
 */
#include "reg.h"

#include <stdio.h>

#include "auth.h"
#include "lib/core/log.h"
#include "report.h"
#include "sub.h"

#define OLD_SA_USEC \
	(32 * USEC_PER_SEC) /* at least until something came over the new ones, TS 33.203 7.4 */
#define GONE_USEC   (300 * USEC_PER_MSEC) /* time for the last answer to leave */
#define MAX_INVALID 2 /* TS 24.229 5.1.1.5.3: two invalid challenges in a row are enough */

struct reg {
	struct phone *p;
	bool busy, registered;
	char call_id[25], tag[12];
	uint32_t cseq;
	struct auth auth; /* last challenge and answer */
	struct sip_ctx *ctx;
	struct sa_set *next; /* offered, or made by the challenge that is being answered */
	unsigned int invalid;
	char **routes, **identities;
	size_t n_routes, n_identities;
	uint64_t expires_at;
	struct timer refresh, report;
	/* of the running procedure */
	struct reg_opts o;
	struct reg_result res;
	reg_done_fn done;
	void *arg;
	uint64_t started;
};

static int send_register(struct reg *r, struct sa_set *over, const char *credentials);

/* --- lists of URIs --- */

static void list_free(char ***list, size_t *n)
{
	for (size_t i = 0; i < *n; i++)
		free((*list)[i]);
	free(*list);
	*list = NULL;
	*n = 0;
}

static int list_read(const struct sip_msg *m, enum sip_hdr id, bool bare, char ***list, size_t *n)
{
	struct sip_elem e = { 0 };

	list_free(list, n);
	while (sip_msg_next_elem(m, id, &e)) {
		struct sip_name_addr na;
		struct str text = str_trim(e.text);
		char **grown = reallocarray(*list, *n + 1, sizeof(**list));

		if (!grown)
			return -ENOMEM;
		*list = grown;
		if (bare && !sip_name_addr_parse(text, &na))
			text = na.uri;
		grown[*n] = str_dup(text);
		if (!grown[*n])
			return -ENOMEM;
		(*n)++;
	}
	return 0;
}

/* --- end of a procedure --- */

/* Never from within reg_start(): the owner's callback may start the next procedure. */
static void on_report(struct timer *t)
{
	struct reg *r = container_of(t, struct reg, report);
	reg_done_fn done = r->done;

	r->busy = false;
	r->done = NULL;
	if (done)
		done(r->arg, r->p, &r->res);
}

static void finish(struct reg *r, int status, int err, const char *why)
{
	r->res.status = status;
	r->res.err = err;
	snprintf(r->res.why, sizeof(r->res.why), "%s", why);
	r->res.usec = loop_now(r->p->ue->loop) - r->started;
	r->res.protected = r->p->current;
	if (r->p->current)
		snprintf(r->res.security, sizeof(r->res.security), "%s/%s",
			 sec_alg_name(r->p->current->chosen.alg),
			 sec_ealg_name(r->p->current->chosen.ealg));
	r->ctx = NULL;
	timer_start(r->p->ue->loop, &r->report, 0);
}

static void drop_next(struct reg *r)
{
	struct sa_set *s = r->next;

	r->next = NULL;
	if (s && s != r->p->current)
		sa_free(s);
}

static void fail(struct reg *r, int status, int err, const char *why)
{
	drop_next(r);
	finish(r, status, err, why);
}

static void forget(struct reg *r)
{
	r->registered = false;
	timer_stop(r->p->ue->loop, &r->refresh);
	list_free(&r->routes, &r->n_routes);
	list_free(&r->identities, &r->n_identities);
}

/* The last answers must leave through the SAs before these go. */
static void drop_all_sets(struct phone *p)
{
	p->current = NULL;
	for (struct sa_set *s = p->sets; s; s = s->next)
		sa_free_later(s, GONE_USEC);
}

/* --- 200 --- */

static uint32_t granted_expires(struct reg *r, struct sip_msg *resp)
{
	const sip_contact_t *c;
	char own[PHONE_URI_MAX];
	uint32_t v = r->o.expires;

	phone_contact(r->p, r->next ? r->next : r->p->current, own);
	sip_msg_u32(resp, SIP_H_EXPIRES, &v);
	for (c = sip_msg_contact(resp); c; c = c->m_next) {
		uint64_t e;

		if (c->m_url->url_host && strstr(own, c->m_url->url_host) && c->m_url->url_port &&
		    strstr(own, c->m_url->url_port) && c->m_expires &&
		    !str_to_u64(str_of(c->m_expires), UINT32_MAX, &e))
			v = (uint32_t)e;
	}
	return v;
}

static void on_refresh(struct timer *t)
{
	struct reg *r = container_of(t, struct reg, refresh);
	struct reg_opts o = { .what = REG_REFRESH };

	if (reg_start(r->p, &o, NULL, NULL) == -EBUSY)
		timer_start(r->p->ue->loop, &r->refresh, USEC_PER_SEC);
}

/* TS 24.229 5.1.1.4.1: 600 s before the end if it is longer than 1,200 s, else at half of it. */
static void plan_refresh(struct reg *r, uint32_t expires)
{
	uint64_t in = expires > 1200 ? expires - 600 : expires / 2;

	r->expires_at = loop_now(r->p->ue->loop) + expires * USEC_PER_SEC;
	timer_start(r->p->ue->loop, &r->refresh, MIN(in, (uint64_t)86400 * 24) * USEC_PER_SEC);
}

static void use_next(struct reg *r)
{
	struct phone *p = r->p;
	struct sa_set *old = p->current;

	if (!r->next || !r->next->installed) { /* no challenge: the offer is void */
		drop_next(r);
		return;
	}
	p->current = r->next;
	r->next = NULL;
	if (old && old != p->current)
		sa_free_later(old, OLD_SA_USEC);
}

static void deregistered(struct reg *r)
{
	use_next(r);
	forget(r);
	drop_all_sets(r->p);
	finish(r, 200, 0, "deregistered");
}

static void registered(struct reg *r, struct sip_msg *resp)
{
	uint32_t expires = granted_expires(r, resp);

	use_next(r);
	if (list_read(resp, SIP_H_SERVICE_ROUTE, false, &r->routes, &r->n_routes) ||
	    list_read(resp, SIP_H_P_ASSOCIATED_URI, true, &r->identities, &r->n_identities)) {
		fail(r, 0, -ENOMEM, "out of memory");
		return;
	}
	r->registered = true;
	/* Nothing goes that way any more; the P-CSCF would keep it for an hour. */
	if (r->p->current && r->p->plain)
		sip_tp_close_peer(r->p->ue->tp, r->p->plain, &r->p->pcscf);
	r->invalid = 0;
	r->res.expires = expires;
	plan_refresh(r, expires);
	report_phone(r->p, "registered",
		     json_pack("{s:i, s:i, s:b}", "expires", (int)expires, "service_routes",
			       (int)r->n_routes, "protected", r->p->current != NULL));
	finish(r, 200, 0, "registered");
}

/* --- 401 --- */

static void send_failed(struct reg *r, int err)
{
	fail(r, 0, err, err == -ENOMEM ? "out of memory" : "REGISTER could not be sent");
}

/* Keys are there: the SAs for the answer, unless the network does without. */
static int secure(struct reg *r, struct sip_msg *resp, const struct aka_vector *v)
{
	char err[200];
	int e;

	if (!r->next)
		return 0;
	e = sa_choose(r->next, resp);
	if (e) {
		fail(r, 401, e,
		     e == -ENOENT	? "the challenge has no Security-Server"
		     : e == -EOPNOTSUPP ? "Security-Server has nothing that was offered"
					: "Security-Server is malformed");
		return e;
	}
	e = sa_install(r->next, v->ck, v->ik, err, sizeof(err));
	if (e)
		fail(r, 401, e, err);
	return e;
}

static void answer(struct reg *r, struct sip_msg *resp, struct aka_vector *v)
{
	_cleanup_free_ char *cred = NULL;
	int e;

	if (r->o.wrong_res)
		v->xres[0] ^= 0x55;
	if (auth_password(&r->auth, v, &r->p->conf)) {
		fail(r, 401, -EINVAL, "no password for this challenge");
		return;
	}
	cred = auth_credentials(&r->auth, &r->p->conf, "REGISTER", NULL);
	if (!cred)
		send_failed(r, -ENOMEM);
	else if (!secure(r, resp, v)) {
		e = send_register(r, r->next ? r->next : NULL, cred);
		if (e)
			send_failed(r, e);
	}
}

/* New ports and SPIs, no SAs (TS 24.229 5.1.1.5.3). */
static void answer_invalid(struct reg *r, const uint8_t *auts)
{
	struct sa_set *over = r->o.cleartext ? NULL : r->p->current;
	_cleanup_free_ char *cred = NULL;
	char err[200];
	int e = 0;

	if (++r->invalid > MAX_INVALID) {
		fail(r, 401, -EBADMSG, "the network's challenges were invalid twice");
		return;
	}
	r->res.resynced = auts;
	auth_no_password(&r->auth);
	cred = auth_credentials(&r->auth, &r->p->conf, "REGISTER", auts);
	drop_next(r);
	if (r->p->conf.ipsec)
		e = sa_offer(r->p, &r->next, err, sizeof(err));
	if (!e)
		e = cred ? send_register(r, over, cred) : -ENOMEM;
	if (e)
		send_failed(r, e);
}

static void challenged(struct reg *r, struct sip_msg *resp)
{
	struct aka_vector v = { .xres_len = 0 };
	uint8_t auts[AKA_AUTS_LEN];
	int e = auth_read(&r->auth, resp);

	if (r->res.challenged && !r->res.resynced) { /* our answer was wrong */
		fail(r, 401, 0, "challenged again: the answer was not accepted");
		return;
	}
	if (!e)
		e = auth_challenge(&r->auth, &r->p->sim, &v, auts);
	r->res.challenge_usec = loop_now(r->p->ue->loop) - r->started;
	if (e == -ERANGE)
		answer_invalid(r, auts);
	else if (e == -EBADMSG)
		answer_invalid(r, NULL);
	else if (e)
		fail(r, 401, e, "the challenge cannot be answered");
	else {
		r->res.challenged = true;
		answer(r, resp, &v);
	}
	aka_wipe(&v, sizeof(v));
}

/* --- other answers --- */

static bool retry_longer(struct reg *r, struct sip_msg *resp)
{
	uint32_t min;

	if (sip_msg_u32(resp, SIP_H_MIN_EXPIRES, &min) || min <= r->o.expires)
		return false;
	r->o.expires = min;
	return !send_register(r, r->p->current, NULL);
}

static void refused(struct reg *r, struct sip_msg *resp)
{
	struct str warning = sip_msg_value(resp, SIP_H_WARNING);
	int status = sip_msg_status(resp);
	char why[160];

	if (status == 423 && retry_longer(r, resp))
		return;
	snprintf(why, sizeof(why), "%d %.*s%s%.*s", status, STR_FMT(sip_msg_reason(resp)),
		 warning.n ? "; " : "", (int)MIN(warning.n, 80u), warning.p ? warning.p : "");
	if (r->o.what != REG_REGISTER && (status == 403 || status == 404)) {
		forget(r);
		drop_all_sets(r->p);
	}
	fail(r, status, 0, why);
}

static void on_response(void *arg, struct sip_ctx *t _unused_, struct sip_msg *resp, int err)
{
	struct reg *r = arg;
	int status = resp ? sip_msg_status(resp) : 0;

	if (!resp) {
		fail(r, 0, err, err == -ETIMEDOUT ? "no answer to REGISTER" : strerror(-err));
		return;
	}
	if (status < 200)
		return;
	r->ctx = NULL;
	if (status == 401 || status == 407)
		challenged(r, resp);
	else if (status >= 300)
		refused(r, resp);
	else if (r->o.what == REG_DEREGISTER)
		deregistered(r);
	else
		registered(r, resp);
}

/* --- the request --- */

static int add_contact(struct reg *r, struct sip_msg *m)
{
	const struct phone_conf *c = &r->p->conf;
	struct sa_set *set = r->next ? r->next : r->p->current;
	char contact[PHONE_URI_MAX];

	phone_contact(r->p, set, contact);
	return sip_msg_add(
		m, SIP_H_CONTACT,
		"%s;+sip.instance=\"<urn:gsma:imei:%.8s-%.6s-0>\";"
		"+g.3gpp.icsi-ref=\"urn%%3Aurn-7%%3A3gpp-service.ims.icsi.mmtel\";+g.3gpp.smsip;expires=%u",
		contact, c->imei, strlen(c->imei) >= 14 ? c->imei + 8 : "000000", r->o.expires);
}

static int add_security_client(struct reg *r, struct sip_msg *m)
{
	_cleanup_free_ char *client = NULL;
	int e;

	if (!r->next)
		return 0;
	client = sa_client_value(r->next);
	if (!client)
		return -ENOMEM;
	e = sip_msg_add(m, SIP_H_SECURITY_CLIENT, "%s", client);
	if (!e)
		e = sip_msg_add(m, SIP_H_REQUIRE, "sec-agree");
	return e ? e : sip_msg_add(m, SIP_H_PROXY_REQUIRE, "sec-agree");
}

static int add_headers(struct reg *r, struct sip_msg *m, const char *credentials)
{
	const char *impu = r->o.impu ? r->o.impu : r->p->conf.impu;
	int e = sip_msg_add(m, SIP_H_FROM, "<%s>;tag=%s", impu, r->tag);

	if (!e)
		e = sip_msg_add(m, SIP_H_TO, "<%s>", impu);
	if (!e)
		e = sip_msg_add(m, SIP_H_CALL_ID, "%s", r->call_id);
	if (!e)
		e = sip_msg_add(m, SIP_H_CSEQ, "%u REGISTER", ++r->cseq);
	if (!e)
		e = add_contact(r, m);
	if (!e)
		e = sip_msg_add(m, SIP_H_EXPIRES, "%u", r->o.expires);
	if (!e)
		e = sip_msg_add(m, SIP_H_AUTHORIZATION, "%s", credentials);
	if (!e)
		e = sip_msg_add(m, SIP_H_SUPPORTED, "path, sec-agree");
	if (!e)
		e = sip_msg_add(m, SIP_H_ALLOW, "%s", phone_allow);
	return e ? e : add_security_client(r, m);
}

/* credentials NULL: those of before, or the empty ones of the first time. */
static int send_register(struct reg *r, struct sa_set *over, const char *credentials)
{
	_cleanup_free_ char *own = credentials ? NULL : auth_initial(&r->auth, &r->p->conf);
	_cleanup_msg_ struct sip_msg *m = NULL;
	char ruri[300];
	int e;

	snprintf(ruri, sizeof(ruri), "sip:%s", r->p->conf.domain);
	m = sip_msg_new_request("REGISTER", ruri);
	if (!m || (!credentials && !own))
		return -ENOMEM;
	e = add_headers(r, m, credentials ? credentials : own);
	return e ? e : phone_request_on(r->p, over, m, on_response, r, &r->ctx);
}

static void set_options(struct reg *r, const struct reg_opts *o)
{
	r->o = *o;
	if (o->what == REG_DEREGISTER)
		r->o.expires = 0;
	else if (!o->expires)
		r->o.expires = r->p->conf.expires;
	memset(&r->res, 0, sizeof(r->res));
	r->started = loop_now(r->p->ue->loop);
	r->invalid = 0;
}

/* A registration begins anew: other Call-ID, no credentials. */
static void begin_anew(struct reg *r)
{
	auth_reset(&r->auth);
	sip_random_token(r->call_id, sizeof(r->call_id) - 1);
	sip_random_token(r->tag, sizeof(r->tag) - 1);
	r->cseq = 0;
}

int reg_start(struct phone *p, const struct reg_opts *o, reg_done_fn done, void *arg)
{
	struct reg *r = p->reg;
	char err[200] = "REGISTER could not be sent";
	int e = 0;

	if (r->busy)
		return -EBUSY;
	if (!p->online)
		return -ENETDOWN;
	set_options(r, o);
	r->done = done;
	r->arg = arg;
	r->busy = true;
	timer_stop(p->ue->loop, &r->refresh);
	if (!r->registered || o->what == REG_REGISTER)
		begin_anew(r);
	if (o->what == REG_DEREGISTER)
		sub_expect_end(p->sub); /* its NOTIFY may overtake the 200 */
	if (p->conf.ipsec)
		e = sa_offer(p, &r->next, err, sizeof(err));
	if (!e)
		e = send_register(r, o->cleartext ? NULL : p->current, NULL);
	if (e)
		fail(r, 0, e, err);
	return 0;
}

/* --- the rest --- */

bool reg_is_registered(const struct reg *r)
{
	return r->registered;
}

const struct reg_result *reg_last(const struct reg *r)
{
	return &r->res;
}

uint32_t reg_expires_in(const struct reg *r)
{
	uint64_t now = loop_now(r->p->ue->loop);

	return r->registered && r->expires_at > now
		       ? (uint32_t)((r->expires_at - now) / USEC_PER_SEC)
		       : 0;
}

const char *reg_default_identity(const struct reg *r)
{
	return r && r->n_identities ? r->identities[0] : NULL;
}

int reg_add_routes(const struct reg *r, struct sip_msg *m)
{
	const struct phone *p = r->p;
	char hop[SIP_SA_STRLEN];
	int e;

	if (!r->registered)
		return 0;
	e = sip_msg_add(m, SIP_H_ROUTE, "<sip:%s;lr>",
			sip_sa_str(p->current ? &p->current->ps : &p->pcscf, hop));
	for (size_t i = 0; !e && i < r->n_routes; i++)
		e = sip_msg_add(m, SIP_H_ROUTE, "%s", r->routes[i]);
	return e;
}

void reg_forget_set(struct reg *r, const struct sa_set *s)
{
	if (r->next == s)
		r->next = NULL;
}

void reg_network_ended(struct phone *p, const char *why)
{
	struct reg *r = p->reg;

	if (!r->registered)
		return;
	report_phone(p, "unregistered", json_pack("{s:s}", "why", why));
	forget(r);
	drop_all_sets(p);
}

int reg_new(struct phone *p, struct reg **ret)
{
	struct reg *r = calloc(1, sizeof(*r));

	if (!r)
		return -ENOMEM;
	r->p = p;
	r->refresh.fn = on_refresh;
	r->report.fn = on_report;
	*ret = r;
	return 0;
}

void reg_stop(struct reg *r)
{
	if (!r)
		return;
	timer_stop(r->p->ue->loop, &r->refresh);
	timer_stop(r->p->ue->loop, &r->report);
	if (r->ctx)
		phone_detach(r->p, r->ctx);
	r->ctx = NULL;
	r->done = NULL;
}

void reg_abandon(struct reg *r)
{
	r->done = NULL;
}

void reg_free(struct reg *r)
{
	if (!r)
		return;
	list_free(&r->routes, &r->n_routes);
	list_free(&r->identities, &r->n_identities);
	auth_reset(&r->auth);
	free(r);
}
