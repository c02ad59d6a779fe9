// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Procedure tests of calls and their media: TS 24.229 5.2.6, 5.2.7, 5.2.8, annex on IMS-ALG;
 * RFC 3264, 3262, 3311, 6337.
 */
#include <arpa/inet.h>

#include "pcscf/pcscf_call_test.h"

/* --- the whole of a call with preconditions --- */

static void test_call(void **state)
{
	struct wire *w = *state;
	struct phone u;
	struct call c = call_of(w, &u);
	struct knl_rtp_flow *up, *down;
	struct sip_msg *m;

	originate(&c, SDP_A(4000, QOS));
	has(c.invite, SIP_H_P_ASSERTED_IDENTITY, "<sip:+15550000001@" DOMAIN ">");
	has(c.invite, SIP_H_RECORD_ROUTE, "@10.46.0.1:5070;lr>");
	has(c.invite, SIP_H_RECORD_ROUTE, "@10.46.0.1:5064;lr>");
	has(c.invite, SIP_H_P_CHARGING_VECTOR, "orig-ioi");
	has_not(c.invite, SIP_H_P_PREFERRED_IDENTITY);
	has_not(c.invite, SIP_H_SECURITY_VERIFY);
	has_not(c.invite, SIP_H_PROXY_REQUIRE);
	body_has(c.invite, "c=IN IP4 10.46.0.1\r\n");
	body_has(c.invite, QOS);
	body_has_not(c.invite, "10.45.0.11");

	core_responds(&c, 183, "core",
		      "Require: 100rel\nRSeq: 1\n\n" SDP_CORE("10.45.0.99", 5000, QOS));
	m = expect_status(w, EP_GM_PC, "10.45.0.11:40002", 183);
	has(m, SIP_H_RECORD_ROUTE, "@10.46.0.1:5064;lr>");
	has_not(m, SIP_H_P_CHARGING_VECTOR);
	body_has(m, "c=IN IP4 10.46.0.1\r\n");
	body_has_not(m, "10.45.0.99");
	sip_msg_unref(m);
	assert_int_equal(n_flows(w), 4);
	up = flow_from(w, "10.45.0.11", 4000);
	down = flow_from(w, "10.45.0.99", 5000);
	assert_int_equal(up->out_peer.port, 5000);
	assert_int_equal(down->out_peer.port, 4000);
	assert_int_equal(up->out_local.port, down->local.port);
	assert_int_equal(down->out_local.port, up->local.port);
	assert_int_equal(up->gate, KNL_GATE_OPEN);
	assert_int_equal(flow_from(w, "10.45.0.11", 4001)->out_peer.port, 5001);

	phone_request(&c, "PRACK", 2, "a", "RAck: 1 1 INVITE\r\n", NULL);
	m = expect_request(w, EP_MW, SCSCF, "PRACK");
	has(m, SIP_H_ROUTE, "<sip:s@10.46.0.3:5060;lr>");
	core_answers(w, m, 200, "");
	sip_msg_unref(m);
	sip_msg_unref(expect_status(w, EP_GM_PC, NULL, 200));
	phone_request(&c, "UPDATE", 3, "a", "", SDP_A(4000, "a=curr:qos local sendrecv\r\n"));
	m = expect_request(w, EP_MW, SCSCF, "UPDATE");
	body_has_not(m, "10.45.0.11");
	core_answers(w, m, 200,
		     "Contact: <sip:b@10.45.0.99:5070>\n\n" SDP_CORE(
			     "10.45.0.99", 5000, "a=curr:qos local sendrecv\r\n"));
	sip_msg_unref(m);
	m = expect_status(w, EP_GM_PC, NULL, 200);
	body_has(m, "a=curr:qos local sendrecv");
	sip_msg_unref(m);
	core_responds(&c, 180, "core", "Require: 100rel\nRSeq: 2\n");
	sip_msg_unref(expect_status(w, EP_GM_PC, NULL, 180));
	phone_request(&c, "PRACK", 4, "a", "RAck: 2 1 INVITE\r\n", NULL);
	m = expect_request(w, EP_MW, SCSCF, "PRACK");
	core_answers(w, m, 200, "");
	sip_msg_unref(m);
	sip_msg_unref(expect_status(w, EP_GM_PC, NULL, 200));
	core_responds(&c, 200, "core", "Session-Expires: 1800;refresher=uac\n");
	sip_msg_unref(expect_status(w, EP_GM_PC, NULL, 200));
	ack(&c);
	assert_int_equal(w->p->sessions->fsm.state, SES_CONFIRMED);
	assert_int_equal(n_flows(w), 4);
	bye(&c, 5);
}

/* --- changes --- */

static void test_hold_and_change(void **state)
{
	struct wire *w = *state;
	struct phone u;
	struct call c = call_of(w, &u);
	uint16_t local;

	established(&c);
	local = flow_from(w, "10.45.0.11", 4000)->local.port;
	reinvite(&c, 2, SDP_A(4000, "a=sendonly\r\n"), 200,
		 "Contact: <sip:b@10.45.0.99>\n\n" SDP_CORE("10.45.0.99", 5000, "a=recvonly\r\n"));
	assert_int_equal(flow_from(w, "10.45.0.11", 4000)->gate, KNL_GATE_OPEN);
	assert_int_equal(flow_from(w, "10.45.0.99", 5000)->gate, KNL_GATE_CLOSED);
	assert_int_equal(flow_from(w, "10.45.0.99", 5001)->gate, KNL_GATE_OPEN);
	/* refused: everything stays as it was */
	reinvite(&c, 3, SDP_A(4444, ""), 488, "");
	assert_int_equal(flow_from(w, "10.45.0.11", 4000)->gate, KNL_GATE_OPEN);
	/* another port, codec, and a second stream */
	reinvite(&c, 4, SDP_A(4002, "") "m=video 4100 RTP/AVP 99\r\na=rtpmap:99 H264/90000\r\n",
		 200,
		 "Contact: <sip:b@10.45.0.99>\n\n" SDP_CORE("10.45.0.99", 5000,
							    "") "m=video 5100 RTP/AVP 99\r\n");
	assert_int_equal(n_flows(w), 8);
	assert_int_equal(flow_from(w, "10.45.0.11", 4002)->local.port, local);
	assert_int_equal(flow_from(w, "10.45.0.99", 5000)->gate, KNL_GATE_OPEN);
	/* the second stream goes again */
	reinvite(&c, 5, SDP_A(4002, "") "m=video 4100 RTP/AVP 99\r\na=rtpmap:99 H264/90000\r\n",
		 200,
		 "Contact: <sip:b@10.45.0.99>\n\n" SDP_CORE("10.45.0.99", 5000,
							    "") "m=video 0 RTP/AVP 99\r\n");
	assert_int_equal(n_flows(w), 4);
	bye(&c, 6);
}

/* The hold of RFC 2543, another clock, RTCP on RTP's port, T.38. */
static void test_kinds(void **state)
{
	struct wire *w = *state;
	struct phone u;
	struct call c = call_of(w, &u);

	established(&c);
	assert_int_equal(flow_from(w, "10.45.0.11", 4000)->clock_rate, 8000);
	reinvite(
		&c, 2,
		"v=0\r\no=- 1 2 IN IP4 10.45.0.11\r\ns=-\r\nc=IN IP4 0.0.0.0\r\nt=0 0\r\nm=audio 4000 RTP/AVP 97\r\n",
		200,
		"Contact: <sip:b@10.45.0.99>\n\n" SDP_CORE("10.45.0.99", 5000, "a=recvonly\r\n"));
	assert_int_equal(flow_from(w, "10.45.0.99", 5000)->gate, KNL_GATE_CLOSED);
	assert_int_equal(flow_from(w, "10.45.0.99", 5000)->out_peer.port, 4000);
	assert_int_equal(flow_from(w, "10.45.0.99", 5000)->out_peer.addr.v4.s_addr,
			 htonl(0x0a2d000b));
	reinvite(
		&c, 3, SDP_A(4000, "a=rtcp-mux\r\n"), 200,
		"Contact: <sip:b@10.45.0.99>\n\nv=0\r\no=- 2 2 IN IP4 10.45.0.99\r\ns=-\r\nc=IN IP4 10.45.0.99\r\nt=0 0\r\n"
		"m=audio 5000 RTP/AVP 98\r\na=rtpmap:98 AMR-WB/16000\r\na=rtcp-mux\r\n");
	assert_int_equal(n_flows(w), 2);
	assert_true(flow_from(w, "10.45.0.11", 4000)->rtcp_mux);
	assert_int_equal(flow_from(w, "10.45.0.11", 4000)->clock_rate, 16000);
	reinvite(
		&c, 4,
		"v=0\r\no=- 1 4 IN IP4 10.45.0.11\r\ns=-\r\nc=IN IP4 10.45.0.11\r\nt=0 0\r\nm=image 4000 udptl t38\r\n",
		200,
		"Contact: <sip:b@10.45.0.99>\n\nv=0\r\no=- 2 4 IN IP4 10.45.0.99\r\ns=-\r\nc=IN IP4 10.45.0.99\r\nt=0 0\r\n"
		"m=image 5000 udptl t38\r\n");
	assert_true(flow_from(w, "10.45.0.11", 4000)->any_udp);
	bye(&c, 5);
}

/* The offer is in the 200, the answer in the ACK. */
static void test_late_offer(void **state)
{
	struct wire *w = *state;
	struct phone u;
	struct call c = call_of(w, &u);
	struct sip_msg *m;

	originate(&c, NULL);
	core_responds(&c, 200, "core", "X: y\n\n" SDP_CORE("10.45.0.99", 5000, ""));
	m = expect_status(w, EP_GM_PC, NULL, 200);
	body_has_not(m, "10.45.0.99");
	sip_msg_unref(m);
	assert_int_equal(n_flows(w), 0);
	phone_request(&c, "ACK", 1, "a", "", SDP_A(4000, ""));
	m = expect_request(w, EP_MW, SCSCF, "ACK");
	body_has_not(m, "10.45.0.11");
	sip_msg_unref(m);
	assert_int_equal(n_flows(w), 4);
	bye(&c, 2);
}

static void test_fork(void **state)
{
	struct wire *w = *state;
	struct phone u;
	struct call c = call_of(w, &u);

	originate(&c, SDP_A(4000, ""));
	core_responds(&c, 183, "core", "X: y\n\n" SDP_CORE("10.45.0.99", 5000, ""));
	sip_msg_unref(expect_status(w, EP_GM_PC, NULL, 183));
	flow_from(w, "10.45.0.99", 5000);
	core_responds(&c, 183, "two", "X: y\n\n" SDP_CORE("10.45.0.98", 6000, ""));
	sip_msg_unref(expect_status(w, EP_GM_PC, NULL, 183));
	assert_int_equal(n_flows(w), 4);
	assert_int_equal(flow_from(w, "10.45.0.98", 6000)->out_peer.port, 4000);
	core_responds(&c, 200, "core", "");
	sip_msg_unref(expect_status(w, EP_GM_PC, NULL, 200));
	assert_int_equal(n_flows(w), 4);
	assert_int_equal(flow_from(w, "10.45.0.99", 5000)->out_peer.port, 4000);
	ack(&c);
	bye(&c, 2);
}

/* --- calls that do not come to be --- */

static void test_busy(void **state)
{
	struct wire *w = *state;
	struct phone u;
	struct call c = call_of(w, &u);

	originate(&c, SDP_A(4000, ""));
	core_responds(&c, 183, "core", "X: y\n\n" SDP_CORE("10.45.0.99", 5000, ""));
	sip_msg_unref(expect_status(w, EP_GM_PC, NULL, 183));
	core_responds(&c, 486, "core", "");
	sip_msg_unref(expect_request(w, EP_MW, SCSCF, "ACK"));
	sip_msg_unref(expect_status(w, EP_GM_PC, NULL, 486));
	run(w, 1);
	end_call(&c);
	drain(w);
}

static void test_cancel(void **state)
{
	struct wire *w = *state;
	struct phone u;
	struct call c = call_of(w, &u);
	struct sip_msg *m;
	char text[1024];

	originate(&c, SDP_A(4000, ""));
	core_responds(&c, 180, "core", "");
	sip_msg_unref(expect_status(w, EP_GM_PC, NULL, 180));
	snprintf(text, sizeof(text),
		 "CANCEL sip:+15550000002@" DOMAIN
		 " SIP/2.0\r\nVia: SIP/2.0/UDP %s:%u;branch=z9hG4bKinv\r\nMax-Forwards: 70\r\n"
		 "From: <sip:%s@" DOMAIN ">;tag=a\r\nTo: <sip:+15550000002@" DOMAIN
		 ">\r\nCall-ID: call1\r\nCSeq: 1 CANCEL\r\n"
		 "Content-Length: 0\r\n\r\n",
		 u.addr, u.us, u.msisdn);
	phone_sends(&u, text);
	sip_msg_unref(expect_status(w, EP_GM_PC, NULL, 200));
	m = expect_request(w, EP_MW, SCSCF, "CANCEL");
	core_answers(w, m, 200, "");
	sip_msg_unref(m);
	core_responds(&c, 487, "core", "");
	sip_msg_unref(expect_request(w, EP_MW, SCSCF, "ACK"));
	sip_msg_unref(expect_status(w, EP_GM_PC, NULL, 487));
	run(w, 1);
	end_call(&c);
	drain(w);
}

static void test_bad_sdp(void **state)
{
	struct wire *w = *state;
	struct phone u;
	struct call c = call_of(w, &u);

	phone_invites(&c, "v=0\r\nthis is no description\r\n");
	sip_msg_unref(expect_status(w, EP_GM_PC, NULL, 488));
	end_call(&c);
	drain(w);
}

/* --- ended by the network --- */

static void test_media_stops(void **state)
{
	struct wire *w = *state;
	struct phone u;
	struct call c = call_of(w, &u);
	struct knl_event e = { .kind = KNL_EV_RTP_INACTIVE };
	struct sip_msg *m;

	established(&c);
	run(w, w->conf->pcscf.media_timeout_s * 1000 + 1000);
	e.cookie = w->p->sessions->id;
	e.flow_id = flow_from(w, "10.45.0.11", 4000)->id;
	pcscf_kernel_event(w->p, &e);
	expect_nothing(w); /* RTCP still comes: a muted phone */
	e.flow_id = flow_from(w, "10.45.0.11", 4001)->id;
	pcscf_kernel_event(w->p, &e);
	m = expect_request(w, EP_MW, SCSCF, "BYE");
	has(m, SIP_H_REASON, "cause=503");
	has(m, SIP_H_ROUTE, "<sip:s@10.46.0.3:5060;lr>");
	has(m, SIP_H_ROUTE,
	    "<sip:00000000000000aa@10.46.0.1:5064;lr>"); /* the callee's P-CSCF, which is us too */
	assert_int_equal(n_flows(w), 0);
	assert_int_equal(sip_msg_cseq(m), 2);
	assert_true(str_eqz(sip_msg_ruri(m), "sip:b@10.45.0.99:5070"));
	core_answers(w, m, 200, "");
	sip_msg_unref(m);
	m = expect_request(w, EP_GM_PC, "10.45.0.11:40002", "BYE");
	has_not(m, SIP_H_ROUTE);
	assert_true(str_eqz(sip_msg_from_tag(m), "core"));
	assert_true(str_eqz(sip_msg_to_tag(m), "a"));
	has(m, SIP_H_VIA, "10.46.0.1:5064");
	phone_answers(&u, m, 200, "a", "");
	sip_msg_unref(m);
	run(w, 1);
	end_call(&c);
}

static void test_registration_ends(void **state)
{
	struct wire *w = *state;
	struct phone u;
	struct call c = call_of(w, &u);
	struct sip_msg *m;

	established(&c);
	phone_registers(&u, &(struct reg_opts){ .expires = 0 });
	m = expect_request(w, EP_MW, CORE, "REGISTER");
	core_answers(w, m, 200, "");
	sip_msg_unref(m);
	sip_msg_unref(expect_request(w, EP_MW, SCSCF, "BYE"));
	sip_msg_unref(expect_request(w, EP_GM_PC, NULL, "BYE"));
	sip_msg_unref(expect_status(w, EP_GM_PC, NULL, 200));
	run(w, 8000);
	end_call(&c);
	assert_null(w->p->regs);
	assert_int_equal(n_sets(w), 0);
	drain(w);
}

/* Nobody answers our BYE: what was kept goes nevertheless. */
static void test_release_unanswered(void **state)
{
	struct wire *w = *state;
	struct phone u;
	struct call c = call_of(w, &u);

	established(&c);
	session_release(w->p->sessions, "test", "SIP;cause=503");
	run(w, 40000);
	end_call(&c);
	drain(w);
}

static void test_release_early(void **state)
{
	struct wire *w = *state;
	struct phone u;
	struct call c = call_of(w, &u);
	struct sip_msg *m;

	originate(&c, SDP_A(4000, ""));
	core_responds(&c, 180, "core", "");
	sip_msg_unref(expect_status(w, EP_GM_PC, NULL, 180));
	session_release(w->p->sessions, "test", "SIP;cause=503");
	sip_msg_unref(expect_status(w, EP_GM_PC, NULL, 503));
	m = expect_request(w, EP_MW, SCSCF, "CANCEL");
	core_answers(w, m, 200, "");
	sip_msg_unref(m);
	core_responds(&c, 487, "core", "");
	sip_msg_unref(expect_request(w, EP_MW, SCSCF, "ACK"));
	run(w, 1);
	end_call(&c);
	drain(w);
}

static void test_session_timer(void **state)
{
	struct wire *w = *state;
	struct phone u;
	struct call c = call_of(w, &u);

	originate(&c, SDP_A(4000, ""));
	core_responds(&c, 200, "core",
		      "Session-Expires: 90;refresher=uas\n\n" SDP_CORE("10.45.0.99", 5000, ""));
	sip_msg_unref(expect_status(w, EP_GM_PC, NULL, 200));
	ack(&c);
	run(w, 100000);
	assert_int_equal(w->p->sessions->fsm.state, SES_CONFIRMED);
	run(w, 30000);
	sip_msg_unref(expect_request(w, EP_MW, SCSCF, "BYE"));
	run(w, 40000);
	end_call(&c);
	drain(w);
}

/* --- to the phone --- */

static void test_terminating(void **state)
{
	struct wire *w = *state;
	struct phone u = phone_b(w);
	struct call c = { .w = w, .u = &u };
	struct sip_msg *m;
	char text[2048];

	register_phone(&u, 600000);
	core_invites(
		w, w->p->regs->token, "sip:001010000000002@[fd45::12]:40004",
		"Privacy: id\r\nP-Access-Network-Info: 3GPP-E-UTRAN-FDD;utran-cell-id-3gpp=1\r\n");
	sip_msg_unref(expect_status(w, EP_MW, SCSCF, 100));
	c.invite = expect_request(w, EP_GM_PC, "[fd45::12]:40004", "INVITE");
	c.path = w->last;
	find_token(&c);
	has_not(c.invite, SIP_H_P_ACCESS_NETWORK_INFO); /* the caller's cell */
	has(c.invite, SIP_H_RECORD_ROUTE, "@[fd46::1]:5064;lr>");
	has(c.invite, SIP_H_RECORD_ROUTE, "@10.46.0.1:5070;lr>");
	has(c.invite, SIP_H_VIA, "[fd46::1]:5064");
	has_not(c.invite, SIP_H_P_ASSERTED_IDENTITY);
	has_not(c.invite, SIP_H_P_CHARGING_VECTOR);
	body_has(c.invite, "c=IN IP6 fd46::1\r\n");
	phone_answers(&u, c.invite, 180, "b",
		      "Contact: <sip:b@[fd45::12]:40004>\nRecord-Route: <sip:evil@1.2.3.4;lr>\n");
	m = expect_status(w, EP_MW, SCSCF, 180);
	has(m, SIP_H_P_ASSERTED_IDENTITY, "<tel:+15550000002>");
	has(m, SIP_H_RECORD_ROUTE, "<sip:t@10.46.0.3:5060;lr>");
	has(m, SIP_H_P_CHARGING_VECTOR,
	    "icid-value=\"AyretyU0dm+6O2IrT5tAFrbHLso=023551024\";orig-ioi=\"x\";term-ioi=\"" DOMAIN
	    "\"");
	assert_null(memmem(sip_msg_value(m, SIP_H_RECORD_ROUTE).p,
			   sip_msg_value(m, SIP_H_RECORD_ROUTE).n, "evil", 4));
	sip_msg_unref(m);
	phone_answers(&u, c.invite, 200, "b", "Contact: <sip:b@[fd45::12]:40004>\n\n" SDP_B(7000));
	m = expect_status(w, EP_MW, SCSCF, 200);
	body_has(m, "c=IN IP4 10.46.0.1\r\n");
	sip_msg_unref(m);
	assert_int_equal(n_flows(w), 4);
	assert_int_equal(flow_from(w, "fd45::12", 7000)->out_peer.port, 5000);
	assert_int_equal(flow_from(w, "10.45.0.99", 5000)->out_local.addr.family, AF_INET6);
	snprintf(
		text, sizeof(text),
		"ACK sip:b@[fd45::12]:40004 SIP/2.0\r\nVia: SIP/2.0/UDP 10.46.0.3:5060;branch=z9hG4bKack\r\nMax-Forwards: 60\r\n"
		"Route: <sip:%s@10.46.0.1:5070;lr>, <sip:%s@[fd46::1]:5064;lr>\r\nFrom: <sip:+15550000009@" DOMAIN
		">;tag=far\r\n"
		"To: <sip:+15550000002@" DOMAIN
		">;tag=b\r\nCall-ID: call2\r\nCSeq: 7 ACK\r\nContent-Length: 0\r\n\r\n",
		c.token, c.token);
	core_sends(w, text);
	m = expect_request(w, EP_GM_PC, "[fd45::12]:40004", "ACK");
	has_not(m, SIP_H_ROUTE);
	sip_msg_unref(m);

	/* the network ends it: towards the caller through the core, towards the callee by its SAs */
	session_release(w->p->sessions, "test", "SIP;cause=503");
	m = expect_request(w, EP_GM_PC, "[fd45::12]:40004", "BYE");
	assert_int_equal(sip_msg_cseq(m), 8);
	phone_answers(&u, m, 200, "b", "");
	sip_msg_unref(m);
	m = expect_request(w, EP_MW, SCSCF, "BYE");
	has(m, SIP_H_ROUTE, "<sip:t@10.46.0.3:5060;lr>");
	has(m, SIP_H_P_CHARGING_VECTOR, "icid-value=\"AyretyU0dm+6O2IrT5tAFrbHLso=023551024\"");
	assert_true(str_eqz(sip_msg_ruri(m), "sip:far@10.45.0.99:5070"));
	core_answers(w, m, 200, "");
	sip_msg_unref(m);
	run(w, 1);
	end_call(&c);
}

static void test_terminating_unknown(void **state)
{
	struct wire *w = *state;
	struct sip_msg *m;

	core_invites(w, "0123456789abcdef", "sip:x@10.45.0.77", "");
	m = expect_status(w, EP_MW, SCSCF, 480);
	has(m, SIP_H_WARNING, "399");
	has(m, SIP_H_REASON, "SIP;cause=430;text=\"Flow failed\";flow=0123456789abcdef");
	sip_msg_unref(m);
	core_invites(w, "not-a-token-of-ours", "sip:x@10.45.0.77", "");
	m = expect_status(w, EP_MW, SCSCF, 480);
	assert_null(sip_msg_hf(m, SIP_H_REASON));
	sip_msg_unref(m);
	expect_nothing(w);
}

/* Long requests go by TCP, from port_pc. */
static void test_long_request(void **state)
{
	struct wire *w = *state;
	struct phone u = phone_b(w);
	struct sip_msg *m;
	char more[1200] = "Subject: ";

	register_phone(&u, 600000);
	memset(more + strlen(more), 'x', 1000);
	strcat(more, "\r\n");
	core_invites(w, w->p->regs->token, "sip:001010000000002@[fd45::12]:40004", more);
	sip_msg_unref(expect_status(w, EP_MW, SCSCF, 100));
	m = expect_request(w, EP_GM_PC, "[fd45::12]:40004", "INVITE");
	assert_int_equal(w->last.proto, SIP_TCP);
	has(m, SIP_H_VIA, "SIP/2.0/TCP [fd46::1]:5064");
	sip_msg_unref(m);
	drain(w);
}

/* A dialog belongs to one registration: another phone that learned its id gets nowhere. */
static void test_foreign_dialog(void **state)
{
	struct wire *w = *state;
	struct phone u, v = phone_b(w);
	struct call c = call_of(w, &u), d;

	register_phone(&v, 600000);
	established(&c);
	d = c;
	d.u = &v;
	phone_request(&d, "BYE", 9, "a", "", NULL);
	sip_msg_unref(expect_status(w, EP_GM_PC, "[fd45::12]:40004", 403));
	expect_nothing(w);
	assert_int_equal(n_flows(w), 4);
	bye(&c, 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_call, setup, teardown),
		cmocka_unit_test_setup_teardown(test_hold_and_change, setup, teardown),
		cmocka_unit_test_setup_teardown(test_kinds, setup, teardown),
		cmocka_unit_test_setup_teardown(test_late_offer, setup, teardown),
		cmocka_unit_test_setup_teardown(test_fork, setup, teardown),
		cmocka_unit_test_setup_teardown(test_busy, setup, teardown),
		cmocka_unit_test_setup_teardown(test_cancel, setup, teardown),
		cmocka_unit_test_setup_teardown(test_bad_sdp, setup, teardown),
		cmocka_unit_test_setup_teardown(test_media_stops, setup, teardown),
		cmocka_unit_test_setup_teardown(test_registration_ends, setup, teardown),
		cmocka_unit_test_setup_teardown(test_release_unanswered, setup, teardown),
		cmocka_unit_test_setup_teardown(test_release_early, setup, teardown),
		cmocka_unit_test_setup_teardown(test_session_timer, setup, teardown),
		cmocka_unit_test_setup_teardown(test_terminating, setup, teardown),
		cmocka_unit_test_setup_teardown(test_terminating_unknown, setup, teardown),
		cmocka_unit_test_setup_teardown(test_long_request, setup, teardown),
		cmocka_unit_test_setup_teardown(test_foreign_dialog, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
