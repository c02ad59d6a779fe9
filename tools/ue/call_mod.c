// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Changes of a running call: UPDATE (RFC 3311) and re-INVITE (RFC 3261 14) from either end, hold
 * (RFC 3264 8.4), codec change, session timer (RFC 4028).
 *
 * One change at a time: what crosses an own one is answered 491.
 */
#include <stdio.h>

#include "call.h"

/* --- from the other end --- */

static void answer_offer(struct call *c, struct sip_stx *stx, struct sip_msg *m)
{
	_cleanup_msg_ struct sip_msg *resp = NULL;
	bool uac;
	uint32_t expires = call_session_read(m, &uac);
	int r = call_take_sdp(c, m, true);

	if (r && r != -ENOENT) {
		phone_reply(c->p, stx, 488, NULL);
		return;
	}
	if (c->dlg)
		sip_dlg_update_target(c->dlg, m);
	resp = sip_msg_new_response(m, 200, NULL, c->tag);
	if (!resp || call_add_contact(c, resp) || (!r && call_put_sdp(c, resp, true))) {
		phone_reply(c->p, stx, 500, NULL);
		return;
	}
	if (r == -ENOENT && sip_msg_method(m) == SIP_M_INVITE) /* asks for our offer */
		call_put_sdp(c, resp, false);
	if (expires) {
		sip_msg_add(resp, SIP_H_REQUIRE, "timer");
		sip_msg_set(resp, SIP_H_SESSION_EXPIRES, "%u;refresher=uac", expires);
		call_session_start(c, expires, false);
	}
	phone_respond(c->p, stx, resp);
	call_media_update(c);
}

void call_on_update(struct call *c, struct sip_stx *stx, struct sip_msg *m)
{
	bool early = c->state < CALL_UP;

	if (c->modifying && sip_msg_sdp(m).n) {
		phone_reply(c->p, stx, 491, NULL);
		return;
	}
	if (!c->dlg && !c->caller) {
		phone_reply(c->p, stx, 481, NULL);
		return;
	}
	if (early && c->unpracked &&
	    sip_msg_sdp(m).n) { /* RFC 3311 5.2: our answer is still on its way */
		phone_reply(c->p, stx, 500, NULL);
		return;
	}
	c->ours.confirm = false;
	answer_offer(c, stx, m);
	if (early)
		call_in_advance(c);
	else
		call_tell(c, CALL_EV_MODIFIED);
}

void call_on_reinvite(struct call *c, struct sip_stx *stx, struct sip_msg *m)
{
	if (c->modifying || c->state != CALL_UP) {
		phone_reply(c->p, stx, c->state < CALL_UP ? 500 : 491, NULL);
		return;
	}
	answer_offer(c, stx, m);
	call_tell(c, CALL_EV_MODIFIED);
}

/* --- from here --- */

static void ack_reinvite(struct call *c, struct sip_msg *resp)
{
	_cleanup_msg_ struct sip_msg *m = sip_dlg_request(c->dlg, "ACK", sip_msg_cseq(resp));

	if (m)
		call_send(c, m, NULL, NULL, NULL);
}

static void take_result(struct call *c, struct sip_msg *resp)
{
	int status = resp ? sip_msg_status(resp) : 408;
	uint32_t expires;
	bool uac;

	c->modifying = false;
	if (status < 300 && c->state == CALL_UP) {
		sip_dlg_update_target(c->dlg, resp);
		if (!call_take_sdp(c, resp, false))
			call_media_update(c);
		expires = call_session_read(resp, &uac);
		if (expires)
			call_session_start(c, expires, uac);
	}
	c->mod_status = status;
	call_tell(c, CALL_EV_MODIFIED);
	if (c->state == CALL_UP && (status == 408 || status == 481)) /* RFC 3261 12.2.1.2 */
		call_bye(c, "dialog gone");
}

/* A 2xx to re-INVITE may be repeated until the transaction's last call, with neither response nor error. */
static void on_modified(void *arg, struct sip_ctx *t _unused_, struct sip_msg *resp, int err)
{
	struct call *c = arg;
	int status = resp ? sip_msg_status(resp) : 0;
	bool accepted = status >= 200 && status < 300 && sip_msg_method(resp) == SIP_M_INVITE;

	if (resp && status < 200)
		return;
	if (accepted)
		ack_reinvite(c, resp);
	if (c->modifying && (resp || err))
		take_result(c, resp);
	if (!accepted)
		call_unref(c);
}

static void change(struct call *c, enum call_change what)
{
	c->ours.only = false;
	switch (what) {
	case CHANGE_HOLD:
		c->ours.dir = SDP_SENDONLY;
		break;
	case CHANGE_RESUME:
		c->ours.dir = SDP_SENDRECV;
		break;
	case CHANGE_CODEC:
		c->ours.codec = c->theirs.codec == CODEC_AMR_WB ? CODEC_PCMA : CODEC_AMR_WB;
		c->ours.only = true;
		break;
	case CHANGE_REFRESH:
		break;
	}
}

static int add_headers(struct call *c, struct sip_msg *m, enum call_change what)
{
	int r = call_add_contact(c, m);

	if (!r)
		r = sip_msg_set(m, SIP_H_SUPPORTED, "100rel, timer");
	if (!r)
		r = sip_msg_set(m, SIP_H_ALLOW, "%s", phone_allow);
	if (!r && c->session_expires)
		r = sip_msg_set(m, SIP_H_SESSION_EXPIRES, "%u;refresher=%s", c->session_expires,
				c->refresher || what != CHANGE_REFRESH ? "uac" : "uas");
	/* A refresh by UPDATE needs no offer (RFC 4028 7.4). */
	if (!r && what != CHANGE_REFRESH)
		r = call_put_sdp(c, m, false);
	return r;
}

int call_modify(struct call *c, enum call_change what, bool by_update)
{
	_cleanup_msg_ struct sip_msg *m = NULL;
	int r;

	if (c->state != CALL_UP || c->modifying)
		return -EBUSY;
	m = sip_dlg_request(c->dlg, by_update ? "UPDATE" : "INVITE", 0);
	if (!m)
		return -ENOMEM;
	c->ours.qos = false; /* the bearers are there */
	change(c, what);
	r = add_headers(c, m, what);
	if (r)
		return r;
	c->modifying = true;
	call_ref(c);
	r = call_send(c, m, on_modified, c, NULL);
	if (r) {
		c->modifying = false;
		call_unref(c);
	}
	return r;
}

/* --- session timer --- */

static void on_session(struct timer *t)
{
	struct call *c = container_of(t, struct call, session);
	int r;

	if (c->refresher) {
		r = call_modify(c, CHANGE_REFRESH, true);
		/* A change under way refreshes too; look again soon. */
		timer_start(call_loop(c), &c->session,
			    r == -EBUSY ? USEC_PER_SEC : c->session_expires * USEC_PER_SEC / 2);
		return;
	}
	call_bye(c, "session timer expired");
}

/* RFC 4028 10: the refresher at half of it; the other gives up a little before the end. */
void call_session_start(struct call *c, uint32_t expires, bool refresher)
{
	uint64_t in = refresher ? expires / 2 : expires - MIN(32u, expires / 3);

	c->session_expires = expires;
	c->refresher = refresher;
	c->session.fn = on_session;
	timer_start(call_loop(c), &c->session, in * USEC_PER_SEC);
}

void call_session_stop(struct call *c)
{
	timer_stop(call_loop(c), &c->session);
}

uint32_t call_session_read(struct sip_msg *m, bool *ret_uac)
{
	struct str value = sip_msg_value(m, SIP_H_SESSION_EXPIRES), head = value, who;
	uint64_t v;

	*ret_uac = true;
	if (!value.n || !str_split(&head, ';', &who) || str_to_u64(str_trim(who), UINT32_MAX, &v) ||
	    v < 10)
		return 0;
	if (head.p && sip_param((struct str){ who.p + who.n, value.n - who.n }, "refresher", &who))
		*ret_uac = str_ieqz(who, "uac");
	return (uint32_t)v;
}
