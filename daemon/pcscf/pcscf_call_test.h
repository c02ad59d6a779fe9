/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Calls of phones at a P-CSCF on a mock wire: what call_test.c and rx_test.c share.
 */
#ifndef KIMS_PCSCF_CALL_TEST_H
#define KIMS_PCSCF_CALL_TEST_H

#include "pcscf/pcscf_test.h"

#define SDP_A(port, attrs)                                                            \
	"v=0\r\no=- 1 1 IN IP4 10.45.0.11\r\ns=-\r\nc=IN IP4 10.45.0.11\r\nt=0 0\r\n" \
	"m=audio " #port " RTP/AVP 97\r\na=rtpmap:97 AMR/8000\r\n" attrs
#define SDP_CORE(addr, port, attrs)                                               \
	"v=0\r\no=- 2 1 IN IP4 " addr "\r\ns=-\r\nc=IN IP4 " addr "\r\nt=0 0\r\n" \
	"m=audio " #port " RTP/AVP 97\r\na=rtpmap:97 AMR/8000\r\n" attrs
#define SDP_B(port)                                                               \
	"v=0\r\no=- 3 1 IN IP6 fd45::12\r\ns=-\r\nc=IN IP6 fd45::12\r\nt=0 0\r\n" \
	"m=audio " #port " RTP/AVP 97\r\na=rtpmap:97 AMR/8000\r\n"
#define QOS \
	"a=curr:qos local none\r\na=curr:qos remote none\r\na=des:qos mandatory local sendrecv\r\n"

/* A call as the test sees it. */
struct call {
	struct wire *w;
	struct phone *u;
	struct sip_msg *invite; /* as it left the P-CSCF */
	struct sip_path path;	/* by which */
	char token[20];		/* in Record-Route */
	char rr[512];
	int cseq;
	const char *more; /* header lines of its INVITE, or NULL */
};

static inline void find_token(struct call *c)
{
	struct sip_elem e = { 0 };
	struct sip_name_addr na;
	struct sip_uri u;

	assert_true(sip_msg_next_elem(c->invite, SIP_H_RECORD_ROUTE, &e));
	assert_int_equal(sip_name_addr_parse(e.text, &na), 0);
	assert_int_equal(sip_uri_parse(na.uri, &u), 0);
	assert_int_equal(str_copy(c->token, sizeof(c->token), u.user), 0);
}

static inline void body_has(const struct sip_msg *m, const char *part)
{
	char *z = str_dup(sip_msg_body(m));

	if (!strstr(z, part))
		fail_msg("no \"%s\" in:\n%s", part, z);
	free(z);
}

static inline void body_has_not(const struct sip_msg *m, const char *part)
{
	char *z = str_dup(sip_msg_body(m));

	if (strstr(z, part))
		fail_msg("\"%s\" in:\n%s", part, z);
	free(z);
}

/* --- from the phone --- */

static inline void phone_request(struct call *c, const char *method, int cseq, const char *from_tag,
				 const char *headers, const char *sdp)
{
	char text[8192], at[ANY_UE_LEN];

	from_addr(c->u, c->u->us, at);
	snprintf(
		text, sizeof(text),
		"%s sip:+15550000002@10.46.0.3 SIP/2.0\r\nVia: SIP/2.0/UDP %s;branch=z9hG4bK%s%d\r\n"
		"Max-Forwards: 70\r\nRoute: <sip:%s@10.46.0.1:5064;lr>, <sip:%s@10.46.0.1:5070;lr>, <sip:s@10.46.0.3:5060;lr>\r\n"
		"From: <sip:%s@" DOMAIN ">;tag=%s\r\nTo: <sip:+15550000002@" DOMAIN ">;tag=core\r\n"
		"Call-ID: call1\r\nCSeq: %d %s\r\nContact: <sip:a@%s>\r\n%s%sContent-Length: %zu\r\n\r\n%s",
		method, at, method, cseq, c->token, c->token, c->u->msisdn, from_tag, cseq, method,
		at, headers, sdp ? "Content-Type: application/sdp\r\n" : "", sdp ? strlen(sdp) : 0,
		sdp ? sdp : "");
	phone_sends(c->u, text);
}

static inline void phone_invites(struct call *c, const char *sdp)
{
	char text[8192];

	snprintf(
		text, sizeof(text),
		"INVITE sip:+15550000002@" DOMAIN
		" SIP/2.0\r\nVia: SIP/2.0/UDP %s:%u;branch=z9hG4bKinv\r\n"
		"Max-Forwards: 70\r\nRoute: <sip:10.46.0.1:5064;lr>, <sip:orig@10.46.0.3:5060;lr>\r\n"
		"From: <sip:%s@" DOMAIN ">;tag=a\r\nTo: <sip:+15550000002@" DOMAIN
		">\r\nCall-ID: call1\r\n"
		"CSeq: 1 INVITE\r\nContact: <sip:a@%s:%u>\r\nP-Preferred-Identity: <sip:%s@" DOMAIN
		">\r\n"
		"P-Charging-Vector: icid-value=mine\r\nSecurity-Verify: ipsec-3gpp;alg=hmac-md5-96\r\n"
		"Require: sec-agree\r\nProxy-Require: sec-agree\r\nSupported: 100rel, precondition\r\n"
		"P-Access-Network-Info: 3GPP-E-UTRAN-FDD;utran-cell-id-3gpp=1\r\n%s%sContent-Length: %zu\r\n\r\n%s",
		c->u->addr, c->u->us, c->u->msisdn, c->u->addr, c->u->us, c->u->msisdn,
		c->more ? c->more : "", sdp ? "Content-Type: application/sdp\r\n" : "",
		sdp ? strlen(sdp) : 0, sdp ? sdp : "");
	phone_sends(c->u, text);
}

static inline void originate(struct call *c, const char *sdp)
{
	phone_invites(c, sdp);
	sip_msg_unref(expect_status(c->w, EP_GM_PC, NULL, 100));
	c->invite = expect_request(c->w, EP_MW, SCSCF, "INVITE");
	c->path = c->w->last;
	find_token(c);
}

/* A response of the callee's side, with Record-Route as S-CSCFs leave it; tag: which fork. */
static inline void core_responds(struct call *c, int status, const char *tag, const char *lines)
{
	struct sip_msg *m = sip_msg_new_response(c->invite, status, NULL, tag);
	char buf[8192];
	size_t n;

	if (status < 300)
		sip_msg_prepend(
			m, SIP_H_RECORD_ROUTE,
			"<sip:00000000000000aa@10.46.0.1:5064;lr>, <sip:00000000000000aa@10.46.0.1:5070;lr>, "
			"<sip:s@10.46.0.3:5060;lr>");
	if (status < 300)
		sip_msg_add(m, SIP_H_CONTACT, "<sip:b@10.45.0.99:5070>");
	sip_msg_add(m, SIP_H_P_CHARGING_VECTOR, "icid-value=x;term-ioi=y");
	add_lines(m, lines);
	n = sip_msg_encode(m, buf, sizeof(buf));
	sip_msg_unref(m);
	inject_at(c->w, c->w->p->mw.ep, SCSCF, SIP_UDP, 0, buf, n);
}

static inline void ack(struct call *c)
{
	struct sip_msg *m;

	phone_request(c, "ACK", 1, "a", "", NULL);
	m = expect_request(c->w, EP_MW, SCSCF, "ACK");
	has_not(m, SIP_H_P_CHARGING_VECTOR);
	sip_msg_unref(m);
}

/* An answered call of phone A. */
static inline void established(struct call *c)
{
	originate(c, SDP_A(4000, ""));
	core_responds(c, 200, "core", "X: y\n\n" SDP_CORE("10.45.0.99", 5000, ""));
	sip_msg_unref(expect_status(c->w, EP_GM_PC, NULL, 200));
	ack(c);
	assert_int_equal(n_flows(c->w), 4);
}

static inline void end_call(struct call *c)
{
	sip_msg_unref(c->invite);
	c->invite = NULL;
	assert_int_equal(n_flows(c->w), 0);
	assert_null(c->w->p->sessions);
	assert_int_equal(c->w->p->ports.family[0].n_used, 0);
	assert_int_equal(c->w->p->ports.family[1].n_used, 0);
}

static inline void bye(struct call *c, int cseq)
{
	struct sip_msg *m;

	phone_request(c, "BYE", cseq, "a", "", NULL);
	m = expect_request(c->w, EP_MW, SCSCF, "BYE");
	has(m, SIP_H_P_CHARGING_VECTOR, "icid-value");
	core_answers(c->w, m, 200, "");
	sip_msg_unref(m);
	sip_msg_unref(expect_status(c->w, EP_GM_PC, NULL, 200));
	run(c->w, 1);
	end_call(c);
}

static inline struct call call_of(struct wire *w, struct phone *u)
{
	*u = phone_a(w);
	register_phone(u, 600000);
	return (struct call){ .w = w, .u = u };
}

static inline struct knl_rtp_flow *flow_from(struct wire *w, const char *peer, uint16_t port)
{
	char a[SIP_SA_STRLEN];

	for (size_t i = 0; i < ARRAY_SIZE(w->flow); i++)
		if (w->flow[i].used && w->flow[i].f.peer.port == port &&
		    !strcmp(gm_addr_str(&w->flow[i].f.peer.addr, a), peer))
			return &w->flow[i].f;
	fail_msg("no flow from %s port %u", peer, port);
	return NULL;
}

static inline void reinvite(struct call *c, int cseq, const char *sdp, int status,
			    const char *answer_lines)
{
	struct sip_msg *m;

	phone_request(c, "INVITE", cseq, "a", "", sdp);
	sip_msg_unref(expect_status(c->w, EP_GM_PC, NULL, 100));
	m = expect_request(c->w, EP_MW, SCSCF, "INVITE");
	core_answers(c->w, m, status, answer_lines);
	sip_msg_unref(m);
	if (status >= 300) {
		sip_msg_unref(expect_request(c->w, EP_MW, NULL, "ACK"));
		sip_msg_unref(expect_status(c->w, EP_GM_PC, NULL, status));
		return;
	}
	sip_msg_unref(expect_status(c->w, EP_GM_PC, NULL, status));
	phone_request(c, "ACK", cseq, "a", "", NULL);
	sip_msg_unref(expect_request(c->w, EP_MW, SCSCF, "ACK"));
}

static inline void core_invites(struct wire *w, const char *token, const char *contact,
				const char *more)
{
	static const char sdp[] = SDP_CORE("10.45.0.99", 5000, "");
	char text[4096];

	snprintf(
		text, sizeof(text),
		"INVITE %s SIP/2.0\r\nVia: SIP/2.0/UDP 10.46.0.3:5060;branch=z9hG4bKterm%s\r\nMax-Forwards: 60\r\n"
		"Route: <sip:%s@10.46.0.1:5070;lr>\r\nRecord-Route: <sip:t@10.46.0.3:5060;lr>\r\n"
		"From: <sip:+15550000009@" DOMAIN ">;tag=far\r\nTo: <sip:+15550000002@" DOMAIN
		">\r\nCall-ID: call2\r\n"
		"CSeq: 7 INVITE\r\nContact: <sip:far@10.45.0.99:5070>\r\nP-Asserted-Identity: <sip:+15550000009@" DOMAIN
		">\r\n"
		"P-Called-Party-ID: <tel:+15550000002>\r\nP-Charging-Vector: icid-value=\"AyretyU0dm+6O2IrT5tAFrbHLso=023551024\";orig-ioi=x\r\n%s"
		"Content-Type: application/sdp\r\nContent-Length: %zu\r\n\r\n%s",
		contact, token, token, more, strlen(sdp), sdp);
	core_sends(w, text);
}

#endif
