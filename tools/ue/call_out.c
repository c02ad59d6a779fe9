// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The caller (TS 24.229 5.1.3.1; RFC 3261 13.2, RFC 3262 4, RFC 3312, RFC 4028 7).
 *
 *   INVITE(offer: our bearer not there) -> 183(answer) -> PRACK -> [bearer there] UPDATE -> 180 ->
 *   PRACK -> 200 -> ACK
 *
 * Each to-tag is a leg of its own (forks); the first 2xx wins, a second one is acknowledged and
 * ended with BYE.
 */
#include <stdio.h>

#include "call.h"
#include "lib/core/log.h"
#include "report.h"

static void on_qos(struct timer *t);

/* --- legs --- */

static struct leg *leg_find(struct call *c, struct str tag)
{
	for (struct leg *l = c->legs; l; l = l->next) {
		if (str_eqz(tag, l->dlg->remote_tag))
			return l;
	}
	return NULL;
}

static struct leg *leg_get(struct call *c, struct sip_msg *resp)
{
	struct leg *l = leg_find(c, sip_msg_to_tag(resp));

	if (l || !sip_msg_to_tag(resp).n)
		return l;
	l = calloc(1, sizeof(*l));
	if (!l)
		return NULL;
	if (sip_dlg_uac(c->invite_msg, resp, &l->dlg)) {
		free(l);
		return NULL;
	}
	l->c = c;
	l->qos.fn = on_qos;
	l->next = c->legs;
	c->legs = l;
	return l;
}

static bool leg_alive(const struct call *c, const struct leg *l)
{
	for (const struct leg *i = c->legs; i; i = i->next) {
		if (i == l)
			return true;
	}
	return false;
}

/* --- UPDATE: our bearer is there --- */

static void on_update(void *arg, struct sip_ctx *t _unused_, struct sip_msg *resp, int err _unused_)
{
	struct call *c = arg;

	if (resp && sip_msg_status(resp) < 200)
		return;
	if (resp && sip_msg_status(resp) < 300 && c->state < CALL_ENDING &&
	    !call_take_sdp(c, resp, false))
		call_media_update(c);
	call_unref(c);
}

static void report_bearer(struct leg *l)
{
	struct call *c = l->c;
	_cleanup_msg_ struct sip_msg *m = sip_dlg_request(l->dlg, "UPDATE", 0);

	l->updated = true;
	c->ours.local_ready = true;
	c->ours.confirm = false;
	c->ours.remote_mandatory = true;
	/* RFC 3312 11: the description has a mandatory strength. */
	if (!m || call_add_contact(c, m) || sip_msg_add(m, SIP_H_REQUIRE, "precondition") ||
	    call_put_sdp(c, m, false))
		return;
	call_ref(c);
	if (call_send(c, m, on_update, c, NULL))
		call_unref(c);
}

static void leg_advance(struct leg *l)
{
	if (l->c->ours.qos && l->theirs.qos && l->answered && !l->updated && !l->pracks &&
	    !timer_running(&l->qos))
		report_bearer(l);
}

static void on_qos(struct timer *t)
{
	struct leg *l = container_of(t, struct leg, qos);

	if (!call_bearer_is_there(l->c, &l->theirs, l->c->t.begun))
		timer_start(call_loop(l->c), t, CALL_BEARER_POLL);
	else
		leg_advance(l);
}

/* --- provisional responses --- */

struct prack {
	struct call *c;
	struct leg *l;
};

static void on_prack(void *arg, struct sip_ctx *t _unused_, struct sip_msg *resp, int err _unused_)
{
	struct prack *a = arg;
	struct call *c = a->c;

	if (resp && sip_msg_status(resp) < 200)
		return;
	if (leg_alive(c, a->l)) {
		a->l->pracks--;
		if (resp && sip_msg_status(resp) < 300)
			leg_advance(a->l);
	}
	free(a);
	call_unref(c);
}

static void send_prack(struct leg *l, struct sip_msg *resp, uint32_t rseq)
{
	_cleanup_msg_ struct sip_msg *m = sip_dlg_request(l->dlg, "PRACK", 0);
	struct prack *a = m ? malloc(sizeof(*a)) : NULL;

	if (!a)
		return;
	*a = (struct prack){ l->c, l };
	l->rseq = rseq;
	if (sip_msg_set(m, SIP_H_RACK, "%u %u INVITE", rseq, sip_msg_cseq(resp))) {
		free(a);
		return;
	}
	l->pracks++;
	call_ref(l->c);
	if (call_send(l->c, m, on_prack, a, NULL)) {
		l->pracks--;
		call_unref(l->c);
		free(a);
	}
}

/* RFC 3262 4: only the next one in order counts; a repetition is not acknowledged twice. */
static bool is_new_reliable(struct leg *l, struct sip_msg *resp, uint32_t *ret_rseq)
{
	if (!sip_msg_has_token(resp, SIP_H_REQUIRE, "100rel") ||
	    sip_msg_u32(resp, SIP_H_RSEQ, ret_rseq))
		return false;
	return !l->rseq || *ret_rseq == l->rseq + 1;
}

static void take_answer(struct leg *l, struct sip_msg *resp)
{
	struct call *c = l->c;

	if (l->answered || call_take_sdp(c, resp, false))
		return;
	l->answered = true;
	l->theirs = c->theirs;
	call_media_update(c);
	/* The bearer is set up from now on; its time is the phone's to choose. */
	timer_start(call_loop(c), &l->qos, c->p->conf.qos_delay);
}

static void on_provisional(struct call *c, struct sip_msg *resp)
{
	uint64_t now = loop_now(call_loop(c));
	int status = sip_msg_status(resp);
	struct leg *l = status > 100 ? leg_get(c, resp) : NULL;
	uint32_t rseq;

	c->t.trying = c->t.trying ? c->t.trying : now;
	if (status > 100 && !c->t.progress)
		c->t.progress = now;
	if (l) {
		sip_dlg_update_target(l->dlg, resp);
		take_answer(l, resp);
		if (is_new_reliable(l, resp, &rseq))
			send_prack(l, resp, rseq);
	}
	if (status == 180 && c->state == CALL_CALLING) {
		c->state = CALL_RINGING;
		c->t.ringing = now;
		call_tell(c, CALL_EV_RINGING);
	}
}

/* --- final responses --- */

static int send_ack(struct call *c, struct sip_dlg *d)
{
	_cleanup_msg_ struct sip_msg *m = sip_dlg_request(d, "ACK", sip_msg_cseq(c->invite_msg));

	return m ? call_send(c, m, NULL, NULL, NULL) : -ENOMEM;
}

static void on_any(void *arg _unused_, struct sip_ctx *t _unused_, struct sip_msg *resp _unused_,
		   int err _unused_)
{
}

/* A fork that lost (RFC 3261 13.2.2.4). */
static void end_other(struct call *c, struct sip_msg *resp)
{
	_cleanup_msg_ struct sip_msg *bye = NULL;
	struct sip_dlg *d;

	if (sip_dlg_uac(c->invite_msg, resp, &d))
		return;
	send_ack(c, d);
	bye = sip_dlg_request(d, "BYE", 0);
	if (bye)
		call_send(c, bye, on_any, NULL, NULL);
	sip_dlg_free(d);
}

static void choose_leg(struct call *c, struct sip_msg *resp)
{
	struct leg *l = leg_find(c, sip_msg_to_tag(resp));

	if (!l) {
		sip_dlg_uac(c->invite_msg, resp, &c->dlg);
		return;
	}
	c->dlg = l->dlg;
	l->dlg = NULL;
	if (l->answered)
		c->theirs = l->theirs;
	for (struct leg **at = &c->legs; *at; at = &(*at)->next) {
		if (*at == l) {
			*at = l->next;
			timer_stop(call_loop(c), &l->qos);
			free(l);
			break;
		}
	}
	sip_dlg_update_target(c->dlg, resp);
}

static void on_2xx(struct call *c, struct sip_msg *resp)
{
	bool uac;
	uint32_t expires;

	if (c->dlg) { /* repeated, or another fork */
		if (str_eqz(sip_msg_to_tag(resp), c->dlg->remote_tag))
			send_ack(c, c->dlg);
		else
			end_other(c, resp);
		return;
	}
	timer_stop(call_loop(c), &c->cancel);
	choose_leg(c, resp);
	if (!c->dlg) {
		call_ended(c, 200, BY_US, "the 200 makes no dialog");
		return;
	}
	call_take_sdp(c, resp, false);
	send_ack(c, c->dlg);
	call_legs_free(c);
	expires = call_session_read(resp, &uac);
	if (expires)
		call_session_start(c, expires, uac);
	if (c->state == CALL_ENDING) { /* the CANCEL came too late */
		c->state = CALL_UP;
		call_bye(c, "answered after CANCEL");
	} else if (!c->have_theirs) {
		c->state = CALL_UP;
		call_bye(c, "no SDP answer");
	} else {
		call_went_up(c);
	}
}

static void on_failure(struct call *c, struct sip_msg *resp)
{
	struct str warning = sip_msg_value(resp, SIP_H_WARNING);
	char why[96];

	snprintf(why, sizeof(why), "%.*s%s%.*s", STR_FMT(sip_msg_reason(resp)),
		 warning.n ? "; " : "", (int)MIN(warning.n, 60u), warning.p ? warning.p : "");
	call_ended(c, sip_msg_status(resp), c->state == CALL_ENDING ? BY_US : BY_PEER, why);
}

static void on_invite(void *arg, struct sip_ctx *t _unused_, struct sip_msg *resp, int err)
{
	struct call *c = arg;
	int status = resp ? sip_msg_status(resp) : 0;

	if (!resp || status >= 300)
		c->invite = NULL;
	if (!resp && err)
		call_ended(c, 408, BY_NOBODY,
			   err == -ETIMEDOUT ? "no answer to INVITE" : strerror(-err));
	else if (!resp || c->state == CALL_ENDED)
		return;
	else if (status < 200)
		on_provisional(c, resp);
	else if (status < 300)
		on_2xx(c, resp);
	else
		on_failure(c, resp);
}

/* --- INVITE --- */

void call_defaults(const struct phone *p, struct call_opts *o)
{
	*o = (struct call_opts){
		.precondition = p->conf.precondition,
		.rel100 = p->conf.rel100,
		.media = p->conf.media,
		.codec = (enum codec)p->conf.codec,
		.session_expires = p->conf.session_expires,
	};
}

static int add_identity(struct call *c, struct sip_msg *m)
{
	struct str tag = sip_msg_from_tag(m);
	char own[20];
	int r;

	if (!*c->o.identity)
		return 0;
	str_copy(own, sizeof(own), tag);
	r = sip_msg_set(m, SIP_H_FROM, "<%s>;tag=%s", c->o.identity, own);
	return r ? r : sip_msg_set(m, SIP_H_P_PREFERRED_IDENTITY, "<%s>", c->o.identity);
}

static int add_session_timer(struct call *c, struct sip_msg *m)
{
	int r;

	if (!c->o.session_expires)
		return 0;
	r = sip_msg_set(m, SIP_H_SESSION_EXPIRES, "%u", c->o.session_expires);
	return r ? r : sip_msg_set(m, SIP_H_MIN_SE, "%u", c->p->conf.min_se);
}

static int add_headers(struct call *c, struct sip_msg *m)
{
	int r = call_add_contact(c, m);

	if (!r)
		r = sip_msg_set(m, SIP_H_SUPPORTED, "%s%stimer", c->o.rel100 ? "100rel, " : "",
				c->ours.qos ? "precondition, " : "");
	if (!r)
		r = sip_msg_set(m, SIP_H_ALLOW, "%s", phone_allow);
	if (!r)
		r = sip_msg_add_named(m, "P-Preferred-Service",
				      "urn:urn-7:3gpp-service.ims.icsi.mmtel");
	if (!r)
		r = sip_msg_add_named(
			m, "Accept-Contact",
			"*;+g.3gpp.icsi-ref=\"urn%%3Aurn-7%%3A3gpp-service.ims.icsi.mmtel\"");
	if (!r)
		r = sip_msg_set(m, SIP_H_P_EARLY_MEDIA, "supported");
	if (!r)
		r = add_session_timer(c, m);
	return r ? r : add_identity(c, m);
}

static int build_invite(struct call *c, struct sip_msg **ret)
{
	_cleanup_msg_ struct sip_msg *m = phone_new_request(c->p, "INVITE", c->o.to);
	int r;

	if (!m)
		return -ENOMEM;
	c->ours.qos = c->o.precondition && c->o.rel100;
	c->ours.codec = c->o.codec;
	r = add_headers(c, m);
	if (!r)
		r = call_put_sdp(c, m, false);
	c->call_id = str_dup(sip_msg_call_id(m));
	if (r || !c->call_id)
		return r ? r : -ENOMEM;
	r = str_copy(c->tag, sizeof(c->tag), sip_msg_from_tag(m));
	*ret = m;
	m = NULL;
	return r;
}

static void on_cancel_timer(struct timer *t)
{
	call_cancel(container_of(t, struct call, cancel));
}

int call_cancel(struct call *c)
{
	if (!c->invite || c->state > CALL_RINGING)
		return -EALREADY;
	c->state = CALL_ENDING;
	return phone_cancel(c->p, c->invite, NULL);
}

int call_dial(struct phone *p, const struct call_opts *o,
	      void (*event)(void *, struct call *, enum call_event), void *arg, struct call **ret)
{
	struct call *c = p->online ? call_new(p, true) : NULL;
	int r;

	if (!c)
		return p->online ? -ENOMEM : -ENETDOWN;
	c->o = *o;
	c->cancel.fn = on_cancel_timer;
	r = call_media_open(c);
	if (!r)
		r = build_invite(c, &c->invite_msg);
	if (!r)
		r = phone_request(p, c->invite_msg, on_invite, c, &c->invite);
	if (r) {
		call_ended(c, 0, BY_US, "INVITE could not be sent");
		return r;
	}
	if (o->cancel_after)
		timer_start(p->ue->loop, &c->cancel, o->cancel_after);
	c->event = event;
	c->arg = arg;
	call_ref(c);
	*ret = c;
	return 0;
}
