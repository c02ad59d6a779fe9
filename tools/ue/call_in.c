// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The callee (TS 24.229 5.1.4.1; RFC 3261 13.3, RFC 3262 3, RFC 3312 7, RFC 4028 9).
 *
 *   INVITE(offer) -> 183(answer, reliable) -> PRACK -> [own bearer there, UPDATE says theirs is] ->
 *   180 (reliable) -> PRACK -> [rung] -> 200 -> ACK
 *
 * Without preconditions the 183 is left out and the answer stands in the 200. A reliable response
 * waits until the one before it is acknowledged.
 */
#include <stdio.h>

#include "call.h"
#include "report.h"

/* --- responses --- */

static int send_reliable(struct call *c, struct sip_msg *resp)
{
	int r = sip_msg_add(resp, SIP_H_REQUIRE, "100rel");

	if (!r)
		r = sip_msg_set(resp, SIP_H_RSEQ, "%u", ++c->rseq);
	if (r)
		return r;
	c->unpracked = true;
	return phone_respond_rel(c->p, c->in, resp);
}

static struct sip_msg *response(struct call *c, int status)
{
	struct sip_msg *m = sip_msg_new_response(sip_stx_request(c->in), status, NULL, c->tag);

	if (m && (call_add_contact(c, m) || sip_msg_set(m, SIP_H_ALLOW, "%s", phone_allow))) {
		sip_msg_unref(m);
		return NULL;
	}
	return m;
}

static void send_183(struct call *c)
{
	_cleanup_msg_ struct sip_msg *m = response(c, 183);

	c->sent_183 = true;
	if (!m || sip_msg_add(m, SIP_H_REQUIRE, "precondition") || call_put_sdp(c, m, true))
		return;
	send_reliable(c, m);
}

static void send_180(struct call *c)
{
	_cleanup_msg_ struct sip_msg *m = response(c, 180);

	c->sent_180 = true;
	c->state = CALL_RINGING;
	c->t.ringing = loop_now(call_loop(c));
	if (m && c->use_rel)
		send_reliable(c, m);
	else if (m)
		phone_respond(c->p, c->in, m);
	call_tell(c, CALL_EV_RINGING);
	if (!c->never)
		timer_start(call_loop(c), &c->answer, c->ring);
}

static int add_session_timer(struct call *c, struct sip_msg *resp)
{
	if (!c->session_expires)
		return 0;
	/* RFC 4028 9: the caller refreshes when it can. */
	if (c->auth_session)
		sip_msg_add(resp, SIP_H_REQUIRE, "timer");
	return sip_msg_set(resp, SIP_H_SESSION_EXPIRES, "%u;refresher=%s", c->session_expires,
			   c->auth_session ? "uac" : "uas");
}

static void on_in_end(void *arg, struct sip_stx *t _unused_, bool acked)
{
	struct call *c = arg;

	sip_stx_unref(c->in);
	c->in = NULL;
	if (!acked && c->state < CALL_UP && c->dlg)
		call_bye(c, "no ACK");
}

static void send_200(struct call *c)
{
	_cleanup_msg_ struct sip_msg *m = response(c, 200);

	if (!m || (!c->sent_183 && call_put_sdp(c, m, !c->no_offer)) || add_session_timer(c, m)) {
		phone_reply(c->p, c->in, 500, NULL);
		call_ended(c, 500, BY_US, "out of memory");
		return;
	}
	c->status = 200;
	sip_stx_on_end(c->in, on_in_end, c);
	phone_respond(c->p, c->in, m);
	if (c->session_expires)
		call_session_start(c, c->session_expires, !c->auth_session);
}

/* --- what is next --- */

static bool preconditions_met(const struct call *c)
{
	return !c->ours.qos || (c->ours.local_ready && c->ours.remote_ready);
}

void call_in_advance(struct call *c)
{
	if (c->caller || !c->in || sip_stx_done(c->in) || c->unpracked || c->state > CALL_RINGING)
		return;
	if (c->ours.qos && !c->sent_183)
		send_183(c);
	else if (!c->sent_180 && preconditions_met(c))
		send_180(c);
	else if (c->sent_180 && c->ready_to_answer)
		send_200(c);
}

static void on_qos(struct timer *t)
{
	struct call *c = container_of(t, struct call, qos);

	if (!call_bearer_is_there(c, &c->theirs, c->t.begun)) {
		timer_start(call_loop(c), t, CALL_BEARER_POLL);
		return;
	}
	c->ours.local_ready = true;
	call_in_advance(c);
}

static void on_answer(struct timer *t)
{
	struct call *c = container_of(t, struct call, answer);

	c->ready_to_answer = true;
	call_in_advance(c);
}

void call_in_prack(struct call *c, struct sip_stx *stx, struct sip_msg *m)
{
	const sip_rack_t *ra = sip_msg_rack(m);

	if (!ra || c->caller || !c->unpracked || ra->ra_response != c->rseq) {
		phone_reply(c->p, stx, 481, NULL);
		return;
	}
	c->unpracked = false;
	if (c->in)
		sip_stx_pracked(c->in);
	phone_reply(c->p, stx, 200, NULL);
	call_in_advance(c);
}

/* --- INVITE --- */

static void on_cancel(void *arg, struct sip_stx *t, struct sip_msg *cancel _unused_)
{
	struct call *c = arg;

	if (sip_stx_done(t))
		return;
	phone_reply(c->p, t, 487, NULL);
	call_ended(c, 487, BY_PEER, "cancelled");
}

static void refuse(struct phone *p, struct sip_stx *stx, int status, const char *unsupported)
{
	_cleanup_msg_ struct sip_msg *m =
		sip_msg_new_response(sip_stx_request(stx), status, NULL, NULL);

	if (!m)
		return;
	if (unsupported)
		sip_msg_set(m, SIP_H_UNSUPPORTED, "%s", unsupported);
	phone_respond(p, stx, m);
}

/* RFC 3261 8.2.2.3. sec-agree is between us and the P-CSCF, which should have taken it out. */
static bool requires_unknown(struct sip_msg *m, char *dst, size_t size)
{
	static const char *const known[] = { "100rel", "precondition", "timer", "sec-agree" };
	struct sip_elem e = { 0 };

	while (sip_msg_next_elem(m, SIP_H_REQUIRE, &e)) {
		bool found = false;

		for (size_t i = 0; !found && i < ARRAY_SIZE(known); i++)
			found = str_ieqz(str_trim(e.text), known[i]);
		if (!found) {
			str_copy(dst, size, str_trim(e.text));
			return true;
		}
	}
	return false;
}

static bool can(struct sip_msg *m, const char *tag)
{
	return sip_msg_has_token(m, SIP_H_SUPPORTED, tag) ||
	       sip_msg_has_token(m, SIP_H_REQUIRE, tag);
}

static void take_habits(struct call *c, struct sip_msg *m)
{
	struct next_call next = c->p->next_call;

	memset(&c->p->next_call, 0, sizeof(c->p->next_call));
	call_defaults(c->p, &c->o);
	c->reject = next.set ? next.reject : 0;
	if (!next.set && c->p->conf.answer == ANSWER_BUSY)
		c->reject = 486;
	c->never = next.set ? next.never : c->p->conf.answer == ANSWER_NEVER;
	c->ring = next.has_ring ? next.ring : c->p->conf.ring;
	if (next.no_precondition)
		c->o.precondition = false;
	c->use_rel = c->o.rel100 && can(m, "100rel");
}

static void take_session_timer(struct call *c, struct sip_msg *m)
{
	bool uac;
	uint32_t expires = call_session_read(m, &uac);

	c->auth_session = can(m, "timer");
	c->session_expires = expires ? expires : c->o.session_expires;
}

static void on_offer(struct call *c, struct sip_msg *m)
{
	int r = call_take_sdp(c, m, true);

	if (r == -ENOENT) {
		c->no_offer = true;
		c->ours.codec = c->o.codec;
	} else if (r) {
		phone_reply(c->p, c->in, 488, NULL);
		call_ended(c, 488, BY_US, "no codec in common");
		return;
	}
	c->ours.qos = c->use_rel && c->o.precondition && c->theirs.qos && can(m, "precondition");
	c->ours.remote_mandatory = true;
	c->ours.confirm = !c->ours.remote_ready;
	if (c->ours.qos)
		timer_start(call_loop(c), &c->qos, c->p->conf.qos_delay);
	call_in_advance(c);
}

static int begin(struct call *c, struct sip_stx *stx, struct sip_msg *m)
{
	int r;

	c->in = sip_stx_ref(stx);
	c->invite_msg = sip_msg_ref(m);
	c->call_id = str_dup(sip_msg_call_id(m));
	sip_random_token(c->tag, 12);
	c->qos.fn = on_qos;
	c->answer.fn = on_answer;
	if (!c->call_id)
		return -ENOMEM;
	sip_stx_on_cancel(stx, on_cancel, c);
	r = sip_dlg_uas(m, c->tag, &c->dlg);
	return r ? r : call_media_open(c);
}

void call_invited(struct phone *p, struct sip_stx *stx, struct sip_msg *m)
{
	char unknown[64];
	struct call *c;
	int r;

	if (requires_unknown(m, unknown, sizeof(unknown))) {
		refuse(p, stx, 420, unknown);
		return;
	}
	c = call_new(p, false);
	if (!c) {
		phone_reply(p, stx, 500, NULL);
		return;
	}
	r = begin(c, stx, m);
	if (r) {
		phone_reply(p, stx, r == -EINVAL ? 400 : 500, NULL);
		call_ended(c, 500, BY_US, "the INVITE cannot be handled");
		return;
	}
	take_habits(c, m);
	take_session_timer(c, m);
	report_phone(p, "call-incoming",
		     json_pack("{s:i, s:s}", "call", (int)c->id, "call_id", c->call_id));
	if (c->reject) {
		refuse(p, stx, (int)c->reject, NULL);
		call_ended(c, (int)c->reject, BY_US, "rejected");
		return;
	}
	on_offer(c, m);
}
