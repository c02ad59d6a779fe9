// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Requests that come to a phone: which way their answers go, who handles them (RFC 3261 8.2,
 * TS 24.229 5.1, TS 33.203 7.1).
 *
 * A phone that has SAs takes nothing from the unprotected port (TS 24.229 5.1.1.5.1).
 */
#include <stdio.h>

#include "call.h"
#include "ladder.h"
#include "reg.h"
#include "report.h"
#include "sub.h"

const char phone_allow[] =
	"INVITE, ACK, CANCEL, BYE, PRACK, UPDATE, OPTIONS, MESSAGE, NOTIFY, INFO";

/* Over UDP answers leave from port_uc to port_ps; over TCP on the same connection. */
static void choose_reply_path(struct phone *p, struct sip_stx *stx, const struct sip_path *from)
{
	struct sa_set *s = sa_find(p, from);
	struct sip_path path;

	if (!s || from->proto != SIP_UDP)
		return;
	path = (struct sip_path){ .ep = s->ep_c, .proto = SIP_UDP, .peer = s->ps };
	sip_stx_set_reply_path(stx, &path);
}

static void reply_405(struct phone *p, struct sip_stx *stx, int status)
{
	_cleanup_msg_ struct sip_msg *m =
		sip_msg_new_response(sip_stx_request(stx), status, NULL, NULL);

	if (m && !sip_msg_set(m, SIP_H_ALLOW, "%s", phone_allow))
		phone_respond(p, stx, m);
}

static void on_options(struct phone *p, struct sip_stx *stx)
{
	_cleanup_msg_ struct sip_msg *m =
		sip_msg_new_response(sip_stx_request(stx), 200, NULL, NULL);
	char contact[PHONE_URI_MAX];

	phone_contact(p, p->current, contact);
	if (m && !sip_msg_set(m, SIP_H_ALLOW, "%s", phone_allow) &&
	    !sip_msg_set(m, SIP_H_CONTACT, "%s", contact) &&
	    !sip_msg_set(m, SIP_H_ACCEPT, "application/sdp, text/plain, application/reginfo+xml"))
		phone_respond(p, stx, m);
}

static void on_message(struct phone *p, struct sip_stx *stx, struct sip_msg *m)
{
	struct str body = sip_msg_body(m);

	snprintf(p->last_message, sizeof(p->last_message), "%.*s",
		 (int)MIN(body.n, sizeof(p->last_message) - 1), body.p ? body.p : "");
	p->counts.messages_received++;
	report_phone(p, "message", json_pack("{s:o}", "octets", json_integer((json_int_t)body.n)));
	phone_reply(p, stx, 200, NULL);
}

static void in_dialog(struct phone *p, struct sip_stx *stx, struct sip_msg *m)
{
	struct call *c = call_find(p, sip_msg_call_id(m), sip_msg_to_tag(m), sip_msg_from_tag(m));

	if (c)
		call_request(c, stx, m);
	else
		phone_reply(p, stx, 481, NULL);
}

static void dispatch(struct phone *p, struct sip_stx *stx, struct sip_msg *m)
{
	switch (sip_msg_method(m)) {
	case SIP_M_INVITE:
		if (sip_msg_to_tag(m).n)
			in_dialog(p, stx, m);
		else
			call_invited(p, stx, m);
		break;
	case SIP_M_BYE:
	case SIP_M_PRACK:
	case SIP_M_UPDATE:
	case SIP_M_INFO:
		in_dialog(p, stx, m);
		break;
	case SIP_M_NOTIFY:
		sub_notify(p, stx, m);
		break;
	case SIP_M_MESSAGE:
		on_message(p, stx, m);
		break;
	case SIP_M_OPTIONS:
		on_options(p, stx);
		break;
	case SIP_M_REGISTER:
	case SIP_M_SUBSCRIBE:
	case SIP_M_REFER:
	case SIP_M_PUBLISH:
		p->counts.refused++;
		reply_405(p, stx, 405);
		break;
	case SIP_M_UNKNOWN:
		p->counts.refused++;
		reply_405(p, stx, 501);
		break;
	case SIP_M_ACK:
	case SIP_M_CANCEL:
		break;
	}
}

static void on_request(void *arg _unused_, struct sip_stx *stx, struct sip_msg *m,
		       const struct sip_path *from)
{
	struct phone *p = sip_ep_user(from->ep);

	ladder_log(p->ue->ladder, p, false, m, from);
	if (!stx) {
		call_acked(p, m);
		return;
	}
	choose_reply_path(p, stx, from);
	dispatch(p, stx, m);
}

static int admit(void *arg _unused_, struct sip_msg *m _unused_, const struct sip_path *from,
		 const char **ret_reason _unused_)
{
	struct phone *p = sip_ep_user(from->ep);

	if (!p->current || from->ep != p->plain)
		return 0;
	p->counts.unprotected_dropped++;
	return -1;
}

static void on_stray(void *arg _unused_, struct sip_msg *m _unused_, const struct sip_path *from)
{
	struct phone *p = sip_ep_user(from->ep);

	p->counts.stray++;
}

const struct sip_stack_ops phone_stack_ops = {
	.request = on_request,
	.stray_response = on_stray,
	.admit = admit,
};
