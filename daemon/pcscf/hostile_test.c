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

#define SDP(addr, more)                                          \
	"v=0\r\no=- 1 1 IN IP4 1.1.1.1\r\ns=-\r\nc=IN IP4 " addr \
	"\r\nt=0 0\r\nm=audio 4000 RTP/AVP 97\r\n" more

/* The relay as a way to send to the core, to another phone, to the relay itself. */
static void test_media_elsewhere(void **state)
{
	static const char *const sdp[] = {
		SDP("10.45.0.12", ""),
		SDP("10.46.0.3", ""),
		SDP("10.46.0.1", ""),
		SDP("127.0.0.1", ""),
		SDP("224.0.0.1", ""),
		SDP("255.255.255.255", ""),
		SDP("10.45.0.11", "a=rtcp:53 IN IP4 10.46.0.53\r\n"),
		SDP("10.45.0.11", "m=video 4002 RTP/AVP 99\r\nc=IN IP4 10.45.0.12\r\n"),
	};
	struct wire *w = *state;
	struct phone u = registered(w);
	char call_id[16];

	for (size_t i = 0; i < ARRAY_SIZE(sdp); i++) {
		snprintf(call_id, sizeof(call_id), "media%zu", i);
		invite(&u, call_id, sdp[i]);
		sip_msg_unref(expect_status(w, EP_GM_PC, NULL, 488));
		expect_nothing(w);
		assert_null(w->p->sessions);
	}
	assert_int_equal(w->p->ports.family[0].n_used, 0);
}

/* All of the relay's ports for one phone. */
static void test_too_many_sessions(void **state)
{
	struct wire *w = *state;
	struct phone u = registered(w);
	char call_id[16];

	for (int i = 0; i <= SESSIONS_PER_UE_MAX; i++) {
		snprintf(call_id, sizeof(call_id), "many%d", i);
		drain(w);
		invite(&u, call_id, SDP("10.45.0.11", ""));
	}
	sip_msg_unref(expect_status(w, EP_GM_PC, NULL, 403));
	assert_int_equal(w->p->regs->n_sessions, SESSIONS_PER_UE_MAX);
	for (int i = 0; i < 400; i++) {
		run(w, 1000);
		drain(w);
	}
	assert_null(w->p->sessions);
}

/* REGISTER from sources that nobody checks: each costs four SAs until reg-await-auth. */
static void test_flood_of_challenges(void **state)
{
	struct wire *w = *state;
	struct phone u = phone_a(w);
	struct sip_msg *m;
	char addr[32];

	for (int i = 0; i < 12; i++) {
		snprintf(addr, sizeof(addr), "10.45.1.%d", i + 1);
		u.addr = addr;
		phone_registers(&u, &(struct reg_opts){ .expires = 600000 });
		m = expect_request(w, EP_MW, CORE, "REGISTER");
		core_answers(w, m, 401, challenge());
		sip_msg_unref(m);
		sip_msg_unref(expect_status(w, EP_GM_OPEN, NULL, 401));
	}
	assert_int_equal(n_sets(w), 4);
	assert_int_equal(w->p->n_awaiting, 4);
	/* who answers the last challenge is registered */
	u = phone_a(w);
	register_phone(&u, 600000);
	assert_int_equal(w->p->n_awaiting, 3);
	run(w, 300000);
	drain(w);
	assert_int_equal(w->p->n_awaiting, 0);
	assert_int_equal(n_sets(w), 1);
}

/* The branch of a request that it got is true; what it makes of it later is the phone's own. */
static void test_response_for_somebody(void **state)
{
	struct wire *w = *state;
	struct phone u = registered(w);
	struct sip_msg *m;
	char text[2048];

	snprintf(text, sizeof(text),
		 "MESSAGE sip:a@10.45.0.11 SIP/2.0\r\n"
		 "Via: SIP/2.0/UDP 10.46.0.3:5060;branch=z9hG4bKm\r\nMax-Forwards: 60\r\n"
		 "Route: <sip:%s@10.46.0.1:5070;lr>\r\nFrom: <sip:x@" DOMAIN ">;tag=far\r\n"
		 "To: <sip:y@" DOMAIN ">\r\nCall-ID: m\r\nCSeq: 7 MESSAGE\r\n"
		 "Content-Length: 0\r\n\r\n",
		 w->p->regs->token);
	core_sends(w, text);
	m = expect_request(w, EP_GM_PC, NULL, "MESSAGE");
	phone_answers(&u, m, 200, "b", "");
	sip_msg_unref(expect_status(w, EP_MW, SCSCF, 200));
	run(w, 200000);
	drain(w);
	for (const struct sip_hf *h = sip_msg_next(m, SIP_H_VIA, sip_msg_hf(m, SIP_H_VIA)); h;
	     h = NULL)
		sip_hf_set(m, h, "SIP/2.0/UDP 10.46.0.4:3868;branch=z9hG4bKevil");
	phone_answers(&u, m, 200, "b", "P-Asserted-Identity: <sip:president@" DOMAIN ">\n");
	expect_nothing(w);
	sip_msg_unref(m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_forged_dialog, setup, teardown),
		cmocka_unit_test_setup_teardown(test_session_as_a_door, setup, teardown),
		cmocka_unit_test_setup_teardown(test_other_name, setup, teardown),
		cmocka_unit_test_setup_teardown(test_mw_is_closed, setup, teardown),
		cmocka_unit_test_setup_teardown(test_media_elsewhere, setup, teardown),
		cmocka_unit_test_setup_teardown(test_too_many_sessions, setup, teardown),
		cmocka_unit_test_setup_teardown(test_flood_of_challenges, setup, teardown),
		cmocka_unit_test_setup_teardown(test_response_for_somebody, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
