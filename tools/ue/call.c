// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What both ends of a call have in common: look-up, SDP state, media, BYE, end (RFC 3261 15).
 */
#include "call.h"

#include <stdio.h>

#include "report.h"
#include "sgw.h"

static const char *const state_names[] = {
	[CALL_CALLING] = "calling", [CALL_RINGING] = "ringing", [CALL_UP] = "up",
	[CALL_ENDING] = "ending",   [CALL_ENDED] = "ended",
};

const char *call_state_name(enum call_state s)
{
	return state_names[s];
}

struct loop *call_loop(const struct call *c)
{
	return c->p->ue->loop;
}

/* --- look-up --- */

static bool leg_matches(const struct call *c, struct str their_tag)
{
	if (c->dlg)
		return str_eqz(their_tag, c->dlg->remote_tag ? c->dlg->remote_tag : "");
	for (const struct leg *l = c->legs; l; l = l->next) {
		if (str_eqz(their_tag, l->dlg->remote_tag))
			return true;
	}
	return false;
}

struct call *call_find(const struct phone *p, struct str call_id, struct str our_tag,
		       struct str their_tag)
{
	for (struct call *c = p->calls; c; c = c->next) {
		if (str_eqz(call_id, c->call_id) && str_eqz(our_tag, c->tag) &&
		    leg_matches(c, their_tag))
			return c;
	}
	return NULL;
}

struct call *call_by_id(const struct phone *p, struct str call_id)
{
	for (struct call *c = p->calls; c; c = c->next) {
		if (str_eqz(call_id, c->call_id))
			return c;
	}
	return NULL;
}

struct call *call_current(const struct phone *p)
{
	for (struct call *c = p->calls; c; c = c->next) {
		if (c->state < CALL_ENDING)
			return c;
	}
	return NULL;
}

unsigned int call_count(const struct phone *p)
{
	unsigned int n = 0;

	for (const struct call *c = p->calls; c; c = c->next)
		n += c->state == CALL_UP;
	return n;
}

/* --- life --- */

static void on_keep(struct timer *t);

struct call *call_new(struct phone *p, bool caller)
{
	static unsigned int ids;
	struct call *c = calloc(1, sizeof(*c));

	if (!c)
		return NULL;
	c->p = p;
	c->id = ++ids;
	c->caller = caller;
	c->keep.fn = on_keep;
	c->t.begun = loop_now(p->ue->loop);
	c->ours.id = loop_wall(p->ue->loop) / USEC_PER_SEC;
	c->ours.dir = SDP_SENDRECV;
	c->ours.ptime = (unsigned int)(p->conf.ptime / USEC_PER_MSEC);
	c->next = p->calls;
	p->calls = c;
	return c;
}

void call_legs_free(struct call *c)
{
	while (c->legs) {
		struct leg *l = c->legs;

		c->legs = l->next;
		timer_stop(call_loop(c), &l->qos);
		sip_dlg_free(l->dlg);
		free(l);
	}
}

static void stop_timers(struct call *c)
{
	timer_stop(call_loop(c), &c->qos);
	timer_stop(call_loop(c), &c->answer);
	timer_stop(call_loop(c), &c->cancel);
	timer_stop(call_loop(c), &c->session);
}

static void drop_stx(struct sip_stx **stx)
{
	if (!*stx)
		return;
	sip_stx_on_cancel(*stx, NULL, NULL);
	sip_stx_on_end(*stx, NULL, NULL);
	sip_stx_unref(*stx);
	*stx = NULL;
}

static void call_free(struct call *c)
{
	struct call **at = &c->p->calls;

	while (*at && *at != c)
		at = &(*at)->next;
	if (*at)
		*at = c->next;
	stop_timers(c);
	timer_stop(call_loop(c), &c->keep);
	if (c->invite)
		phone_detach(c->p, c->invite);
	drop_stx(&c->in);
	call_legs_free(c);
	sip_dlg_free(c->dlg);
	sip_msg_unref(c->invite_msg);
	media_free(c->media);
	free(c->call_id);
	free(c);
}

static void on_keep(struct timer *t)
{
	struct call *c = container_of(t, struct call, keep);

	if (c->refs)
		timer_start(call_loop(c), &c->keep, CALL_KEEP_USEC);
	else
		call_free(c);
}

void call_ref(struct call *c)
{
	c->refs++;
}

void call_unref(struct call *c)
{
	if (!c || !c->refs)
		return;
	if (!--c->refs) {
		c->event = NULL;
		c->arg = NULL;
	}
}

void call_free_all(struct phone *p)
{
	while (p->calls)
		call_free(p->calls);
}

/* --- events --- */

void call_tell(struct call *c, enum call_event e)
{
	static const char *const names[] = {
		[CALL_EV_RINGING] = "call-ringing",
		[CALL_EV_UP] = "call-up",
		[CALL_EV_MODIFIED] = "call-modified",
		[CALL_EV_ENDED] = "call-ended",
	};
	json_t *o =
		json_pack("{s:i, s:s, s:s, s:f}", "call", (int)c->id, "role",
			  c->caller ? "caller" : "callee", "call_id", c->call_id ? c->call_id : "",
			  "after", (double)(loop_now(call_loop(c)) - c->t.begun) / 1e6);

	if (e == CALL_EV_ENDED) {
		json_object_set_new(o, "status", json_integer(c->status));
		json_object_set_new(o, "by",
				    json_string(c->by == BY_US	   ? "self"
						: c->by == BY_PEER ? "peer"
								   : "nobody"));
		json_object_set_new(o, "why", json_string(c->why));
	}
	report_phone(c->p, names[e], o);
	if (c->event)
		c->event(c->arg, c, e);
}

void call_ended(struct call *c, int status, enum call_by by, const char *why)
{
	if (c->state == CALL_ENDED)
		return;
	stop_timers(c);
	drop_stx(&c->in);
	if (c->media)
		media_stop(c->media);
	c->state = CALL_ENDED;
	c->t.ended = loop_now(call_loop(c));
	c->status = status;
	c->by = by;
	if (why != c->why)
		snprintf(c->why, sizeof(c->why), "%s", why);
	timer_start(call_loop(c), &c->keep, CALL_KEEP_USEC);
	call_tell(c, CALL_EV_ENDED);
}

bool call_bearer_is_there(const struct call *c, const struct sdp_theirs *t, uint64_t since)
{
	uint64_t limit = since + c->p->conf.qos_delay + c->p->conf.bearer_wait;
	enum media_place place = pdn_media_place(c->p, &c->ours.rtp, &t->rtp, true);

	return !sip_sa_port(&t->rtp) || loop_now(call_loop(c)) >= limit || place == MEDIA_PLAIN ||
	       place == MEDIA_DEDICATED;
}

void call_lost_all(struct phone *p)
{
	for (struct call *c = p->calls; c; c = c->next)
		call_ended(c, 0, BY_NOBODY, "the phone has no address any more");
}

void call_went_up(struct call *c)
{
	if (c->state >= CALL_UP)
		return;
	c->state = CALL_UP;
	c->t.up = loop_now(call_loop(c));
	call_media_update(c);
	if (c->media)
		media_start(c->media);
	call_tell(c, CALL_EV_UP);
}

/* --- SDP and media --- */

int call_media_open(struct call *c)
{
	int r = media_new(c->p, &c->media);

	if (!r)
		c->ours.rtp = *media_address(c->media);
	return r;
}

void call_media_update(struct call *c)
{
	if (c->media && c->have_theirs)
		media_set(c->media, &c->theirs, c->o.media && sdp_may_send(&c->ours, &c->theirs));
}

int call_put_sdp(struct call *c, struct sip_msg *m, bool answer)
{
	char text[SDP_TEXT_MAX];
	int n;

	c->ours.version++;
	n = sdp_write(&c->ours, answer, text);
	return n < 0 ? n : sip_msg_set_body(m, "application/sdp", text, (size_t)n);
}

int call_take_sdp(struct call *c, struct sip_msg *m, bool is_offer)
{
	struct str text = sip_msg_sdp(m);
	struct sdp_theirs t;
	int r;

	if (!text.n)
		return -ENOENT;
	r = sdp_understand(text, &t);
	if (r)
		return r;
	c->theirs = t;
	c->have_theirs = true;
	c->ours.remote_ready = t.local_ready;
	if (is_offer) {
		c->ours.codec = t.codec;
		c->ours.pt = t.pt;
		c->ours.te_pt = t.te_pt;
		c->ours.dir = sdp_answer_dir(t.dir, SDP_SENDRECV);
	}
	return 0;
}

int call_add_contact(struct call *c, struct sip_msg *m)
{
	char contact[PHONE_URI_MAX];

	phone_contact(c->p, c->p->current, contact);
	return sip_msg_set(m, SIP_H_CONTACT,
			   "%s;+g.3gpp.icsi-ref=\"urn%%3Aurn-7%%3A3gpp-service.ims.icsi.mmtel\"",
			   contact);
}

/* --- requests in the dialog --- */

int call_send(struct call *c, struct sip_msg *m, sip_ctx_fn fn, void *arg, struct sip_ctx **ret)
{
	return phone_request(c->p, m, fn, arg, ret);
}

static void on_bye(void *arg, struct sip_ctx *t _unused_, struct sip_msg *resp, int err _unused_)
{
	struct call *c = arg;

	if (resp && sip_msg_status(resp) < 200)
		return;
	call_unref(c);
	call_ended(c, c->status ? c->status : 200, BY_US, resp ? c->why : "no answer to BYE");
}

int call_bye(struct call *c, const char *why)
{
	_cleanup_msg_ struct sip_msg *m = NULL;
	int r;

	if (!c->dlg || c->state >= CALL_ENDING)
		return -EALREADY;
	m = sip_dlg_request(c->dlg, "BYE", 0);
	if (!m)
		return -ENOMEM;
	stop_timers(c);
	if (c->media)
		media_mute(c->media, true);
	c->state = CALL_ENDING;
	snprintf(c->why, sizeof(c->why), "%s", why);
	sip_msg_set(m, SIP_H_REASON, "SIP;cause=200;text=\"%s\"", why);
	call_ref(c);
	r = call_send(c, m, on_bye, c, NULL);
	if (r) {
		call_unref(c);
		call_ended(c, 200, BY_US, "BYE could not be sent");
	}
	return r;
}

int call_hangup(struct call *c)
{
	switch (c->state) {
	case CALL_CALLING:
	case CALL_RINGING:
		if (c->caller)
			return call_cancel(c);
		if (!c->in || sip_stx_done(c->in))
			return call_bye(c, "hung up");
		phone_reply(c->p, c->in, 603, NULL);
		call_ended(c, 603, BY_US, "declined");
		return 0;
	case CALL_UP:
		return call_bye(c, "hung up");
	case CALL_ENDING:
	case CALL_ENDED:
		return -EALREADY;
	}
	return -EINVAL;
}

static void on_peer_bye(struct call *c, struct sip_stx *stx, struct sip_msg *m)
{
	struct str reason = sip_msg_value(m, SIP_H_REASON);
	char why[90];

	phone_reply(c->p, stx, 200, NULL);
	snprintf(why, sizeof(why), "BYE%s%.*s", reason.n ? ", " : "",
		 (int)MIN(reason.n, sizeof(why) - 8), reason.p ? reason.p : "");
	if (c->in && !sip_stx_done(c->in))
		phone_reply(c->p, c->in, 487, NULL);
	call_ended(c, 200, BY_PEER, why);
}

void call_request(struct call *c, struct sip_stx *stx, struct sip_msg *m)
{
	enum sip_method_id method = sip_msg_method(m);
	int r = c->dlg ? sip_dlg_check(c->dlg, m) : 0;

	if (c->state == CALL_ENDED && method != SIP_M_BYE)
		phone_reply(c->p, stx, 481, NULL);
	else if (r == -ENOENT)
		phone_reply(c->p, stx, 481, NULL);
	else if (r)
		phone_reply(c->p, stx, 500, NULL);
	else if (method == SIP_M_BYE)
		on_peer_bye(c, stx, m);
	else if (method == SIP_M_PRACK)
		call_in_prack(c, stx, m);
	else if (method == SIP_M_UPDATE)
		call_on_update(c, stx, m);
	else if (method == SIP_M_INVITE)
		call_on_reinvite(c, stx, m);
	else
		phone_reply(c->p, stx, 200, NULL);
}

void call_acked(struct phone *p, struct sip_msg *ack)
{
	struct call *c =
		call_find(p, sip_msg_call_id(ack), sip_msg_to_tag(ack), sip_msg_from_tag(ack));

	if (!c || c->caller || c->state >= CALL_UP)
		return;
	if (c->no_offer && call_take_sdp(c, ack, false))
		call_bye(c, "no answer in ACK");
	else
		call_went_up(c);
}
