// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What a phone that is registered, or nobody at all, must not be able to do (TS 24.229 4.4,
 * 5.2.6.3.7; TS 33.203 7).
 */
#include <arpa/inet.h>

#include "pcscf/pcscf_test.h"

static struct phone registered(struct wire *w)
{
	struct phone u = phone_a(w);

	register_phone(&u, 600000);
	return u;
}

/* A request with a To tag: nobody looks at who its From is. */
static void in_dialog(struct phone *u, const char *method, const char *route, const char *ruri,
		      const char *call_id)
{
	char text[4096], at[ANY_UE_LEN];
	static int n;

	from_addr(u, u->us, at);
	snprintf(text, sizeof(text),
		 "%s %s SIP/2.0\r\nVia: SIP/2.0/UDP %s;branch=z9hG4bKh%d\r\nMax-Forwards: 70\r\n"
		 "Route: %s\r\nFrom: <sip:president@" DOMAIN ">;tag=a\r\nTo: <sip:x@" DOMAIN
		 ">;tag=b\r\nCall-ID: %s\r\nCSeq: 7 %s\r\nContact: <sip:a@%s>\r\n"
		 "Content-Length: 0\r\n\r\n",
		 method, ruri, at, ++n, route, call_id, method, at);
	phone_sends(u, text);
}

static void refused(struct wire *w, int status)
{
	sip_msg_unref(expect_status(w, EP_GM_PC, NULL, status));
	expect_nothing(w);
}

/* By the token of its own registration, which its Path or a Record-Route has told it. */
static void test_forged_dialog(void **state)
{
	static const char *const methods[] = { "INVITE", "UPDATE", "MESSAGE", "BYE", "PRACK" };
	struct wire *w = *state;
	struct phone u = registered(w);
	char route[256];

	for (size_t i = 0; i < ARRAY_SIZE(methods); i++) {
		snprintf(route, sizeof(route), "<sip:%s@10.46.0.1:5064;lr>, <sip:10.46.0.2;lr>",
			 w->p->regs->token);
		in_dialog(&u, methods[i], route, "sip:bob@" DOMAIN, "forged");
		refused(w, 403);
	}
	/* what may be a subscription's goes to the S-CSCF only */
	in_dialog(&u, "SUBSCRIBE", route, "sip:bob@" DOMAIN, "forged");
	refused(w, 403);
	snprintf(route, sizeof(route), "<sip:%s@10.46.0.1:5064;lr>", w->p->regs->token);
	in_dialog(&u, "REFER", route, "sip:10.46.0.4:3868;transport=tcp", "forged");
	refused(w, 403);
	in_dialog(&u, "ACK", route, "sip:10.46.0.4", "forged");
	expect_nothing(w);
	in_dialog(&u, "SUBSCRIBE", route, "sip:10.46.0.3", "forged");
	sip_msg_unref(expect_request(w, EP_MW, SCSCF, "SUBSCRIBE"));
}

static void invite(struct phone *u, const char *call_id, const char *sdp)
{
	char text[4096], at[ANY_UE_LEN];

	from_addr(u, u->us, at);
	snprintf(text, sizeof(text),
		 "INVITE sip:+15550000002@" DOMAIN
		 " SIP/2.0\r\nVia: SIP/2.0/UDP %s;branch=z9hG4bK%s\r\n"
		 "Max-Forwards: 70\r\nRoute: <sip:10.46.0.1:5064;lr>\r\n"
		 "From: <sip:%s@" DOMAIN ">;tag=a\r\nTo: <sip:+15550000002@" DOMAIN ">\r\n"
		 "Call-ID: %s\r\nCSeq: 1 INVITE\r\nContact: <sip:a@%s>\r\n%s"
		 "Content-Length: %zu\r\n\r\n%s",
		 at, call_id, u->msisdn, call_id, at,
		 sdp ? "Content-Type: application/sdp\r\n" : "", sdp ? strlen(sdp) : 0,
		 sdp ? sdp : "");
	phone_sends(u, text);
}

/* Within a session that is its own: another dialog, another next hop. */
static void test_session_as_a_door(void **state)
{
	struct wire *w = *state;
	struct phone u = registered(w);
	char route[256];
	struct sip_msg *m;

	invite(&u, "call1", NULL);
	sip_msg_unref(expect_status(w, EP_GM_PC, NULL, 100));
	m = expect_request(w, EP_MW, SCSCF, "INVITE");
	snprintf(route, sizeof(route), "<sip:%s@10.46.0.1:5064;lr>, <sip:mo@10.46.0.3;lr>",
		 w->p->sessions->token);
	in_dialog(&u, "MESSAGE", route, "sip:bob@" DOMAIN, "another");
	refused(w, 403);
	snprintf(route, sizeof(route), "<sip:%s@10.46.0.1:5064;lr>, <sip:10.46.0.2;lr>",
		 w->p->sessions->token);
	in_dialog(&u, "UPDATE", route, "sip:bob@" DOMAIN, "call1");
	refused(w, 403);
	core_answers(w, m, 486, "");
	sip_msg_unref(m);
	sip_msg_unref(expect_request(w, EP_MW, SCSCF, "ACK"));
	sip_msg_unref(expect_status(w, EP_GM_PC, NULL, 486));
}

/* Dialogs lead to who recorded a route, also when it goes by another name than in Service-Route. */
static void test_other_name(void **state)
{
	struct wire *w = *state;
	struct phone u = registered(w);
	char route[256];
	struct sip_msg *m;

	invite(&u, "call1", NULL);
	sip_msg_unref(expect_status(w, EP_GM_PC, NULL, 100));
	m = expect_request(w, EP_MW, SCSCF, "INVITE");
	/* as the callee got it, and hence answers */
	sip_msg_prepend(m, SIP_H_RECORD_ROUTE, "<sip:far@192.0.2.7;lr>, <sip:mo@10.46.0.33;lr>");
	core_answers(w, m, 183, "");
	sip_msg_unref(expect_status(w, EP_GM_PC, NULL, 183));
	snprintf(route, sizeof(route), "<sip:%s@10.46.0.1:5064;lr>, <sip:mo@10.46.0.33;lr>",
		 w->p->sessions->token);
	in_dialog(&u, "UPDATE", route, "sip:bob@" DOMAIN, "call1");
	sip_msg_unref(expect_request(w, EP_MW, "10.46.0.33:5060", "UPDATE"));
	core_answers(w, m, 486, "");
	sip_msg_unref(m);
	sip_msg_unref(expect_request(w, EP_MW, SCSCF, "ACK"));
	sip_msg_unref(expect_status(w, EP_GM_PC, NULL, 486));
}

/* The core's door is not for phones, whatever they assert. */
static void test_mw_is_closed(void **state)
{
	static const char text[] = "OPTIONS sip:10.46.0.1:5070 SIP/2.0\r\n"
				   "Via: SIP/2.0/UDP 10.45.0.66;branch=z9hG4bKo\r\n"
				   "From: <sip:a@b>;tag=a\r\nTo: <sip:a@b>\r\nCall-ID: o\r\n"
				   "CSeq: 1 OPTIONS\r\nContent-Length: 0\r\n\r\n";
	struct wire *w = *state;

	inject_at(w, w->p->mw.ep, "10.45.0.66:5060", SIP_UDP, 0, text, strlen(text));
	expect_nothing(w);
	inject_at(w, w->p->mw.ep, SCSCF, SIP_UDP, 0, text, strlen(text));
	sip_msg_unref(expect_status(w, EP_MW, NULL, 200));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_forged_dialog, setup, teardown),
		cmocka_unit_test_setup_teardown(test_session_as_a_door, setup, teardown),
		cmocka_unit_test_setup_teardown(test_other_name, setup, teardown),
		cmocka_unit_test_setup_teardown(test_mw_is_closed, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
