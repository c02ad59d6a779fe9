// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Procedure tests of registration: TS 24.229 5.2.2, 5.2.3, TS 33.203 7.2, 7.4.
 */
#include "pcscf/pcscf_test.h"

/* --- the way of one registration, each hop looked at --- */

static void test_register(void **state)
{
	struct wire *w = *state;
	struct phone u = phone_a(w);
	struct sip_msg *m;
	char body[4096];

	phone_registers(&u, &(struct reg_opts){ .expires = 3600 });
	m = expect_request(w, EP_MW, CORE, "REGISTER");
	has(m, SIP_H_PATH, "@10.46.0.1:5070;lr>");
	has(m, SIP_H_REQUIRE, "path");
	has(m, SIP_H_P_VISITED_NETWORK_ID, DOMAIN);
	has(m, SIP_H_P_CHARGING_VECTOR, "icid-value=");
	has_not(m, SIP_H_SECURITY_CLIENT);
	has_not(m, SIP_H_PROXY_REQUIRE);
	assert_false(sip_msg_has_token(m, SIP_H_REQUIRE, "sec-agree"));
	has(m, SIP_H_AUTHORIZATION, "integrity-protected=\"no\"");
	assert_int_equal(n_sets(w), 0);
	core_answers(w, m, 401, challenge());
	sip_msg_unref(m);

	m = expect_status(w, EP_GM_OPEN, "10.45.0.11:5060", 401);
	sip_msg_encode(m, body, sizeof(body));
	assert_null(strstr(body, CK_HEX));
	assert_null(strstr(body, IK_HEX));
	assert_null(strstr(body, "ck="));
	has(m, SIP_H_SECURITY_SERVER, "alg=hmac-sha-1-96");
	has(m, SIP_H_SECURITY_SERVER, "port-s=5064");
	learn_security(&u, m);
	sip_msg_unref(m);
	assert_int_equal(n_sets(w), 1);
	assert_int_equal(w->set[0].x.auth, XFRM_AUTH_SHA1_96);
	assert_int_equal(w->set[0].x.auth_key_len, 20);
	assert_int_equal(w->set[0].x.peer_port_c, u.uc);
	assert_int_equal(w->set[0].lifetime, 241);

	phone_registers(&u, &(struct reg_opts){ .expires = 3600 });
	m = expect_request(w, EP_MW, CORE, "REGISTER");
	has(m, SIP_H_AUTHORIZATION, "integrity-protected=\"yes\"");
	has_not(m, SIP_H_SECURITY_VERIFY);
	core_answers(w, m, 200, accepted_lines(&u, 3600));
	sip_msg_unref(m);
	m = expect_status(w, EP_GM_PC, "10.45.0.11:40002", 200);
	has_not(m, SIP_H_P_CHARGING_VECTOR);
	sip_msg_unref(m);
	assert_int_equal(n_sets(w), 1);
	assert_int_equal(w->set[0].lifetime, 3600 + 30 + 1);

	run(w, 20);
	m = expect_request(w, EP_MW, CORE, "SUBSCRIBE");
	has(m, SIP_H_EVENT, "reg");
	has(m, SIP_H_P_ASSERTED_IDENTITY, "@10.46.0.1:5070>"); /* as in Path */
	has(m, SIP_H_P_CHARGING_VECTOR, ";orig-ioi=\"" DOMAIN "\"");
	assert_true(str_eqz(sip_msg_ruri(m), "sip:+15550000001@" DOMAIN));
	core_answers(w, m, 200, "Expires: 600000\nContact: <sip:10.46.0.3:5060>\n");
	sip_msg_unref(m);
	expect_nothing(w);
}

static void test_register_v6(void **state)
{
	struct wire *w = *state;
	struct phone u = phone_b(w);
	struct sip_msg *m;

	register_phone(&u, 3600);
	phone_registers(&u, &(struct reg_opts){ .expires = 0 });
	m = expect_request(w, EP_MW, CORE, "REGISTER");
	core_answers(w, m, 200, "");
	sip_msg_unref(m);
	sip_msg_unref(expect_status(w, EP_GM_PC, "[fd45::12]:40004", 200));
}

/* --- refusals --- */

static void test_no_security_client(void **state)
{
	struct wire *w = *state;
	struct phone u = phone_a(w);
	struct sip_msg *m;

	phone_registers(&u, &(struct reg_opts){ .expires = 3600, .security = "" });
	m = expect_status(w, EP_GM_OPEN, "10.45.0.11:5060", 421);
	has(m, SIP_H_REQUIRE, "sec-agree");
	has(m, SIP_H_WARNING, "399");
	sip_msg_unref(m);
	phone_registers(
		&u,
		&(struct reg_opts){
			.expires = 3600,
			.security =
				"Security-Client: ipsec-3gpp; alg=hmac-whirlpool; spi-c=1111; spi-s=2222; port-c=1; port-s=2\r\n" });
	m = expect_status(w, EP_GM_OPEN, NULL, 494);
	has(m, SIP_H_SECURITY_SERVER, "ipsec-3gpp");
	sip_msg_unref(m);
	expect_nothing(w);
}

static void test_wrong_verify(void **state)
{
	struct wire *w = *state;
	struct phone u = phone_a(w);
	struct sip_msg *m;

	phone_registers(&u, &(struct reg_opts){ .expires = 3600 });
	m = expect_request(w, EP_MW, CORE, "REGISTER");
	core_answers(w, m, 401, challenge());
	sip_msg_unref(m);
	m = expect_status(w, EP_GM_OPEN, NULL, 401);
	learn_security(&u, m);
	sip_msg_unref(m);
	/* bidding down: only the weakest of what was offered comes back */
	phone_registers(
		&u,
		&(struct reg_opts){
			.expires = 3600,
			.verify =
				"ipsec-3gpp;q=0.1;alg=hmac-md5-96;ealg=null;spi-c=5555;spi-s=6666;port-c=5063;port-s=5064" });
	sip_msg_unref(expect_status(w, EP_GM_PC, NULL, 494));
	/* another Security-Client than the one that was challenged */
	phone_registers(
		&u,
		&(struct reg_opts){
			.expires = 3600,
			.security =
				"Security-Client: ipsec-3gpp; alg=hmac-sha-1-96; ealg=null; spi-c=11111; spi-s=22222; port-c=40001; port-s=40002\r\n" });
	sip_msg_unref(expect_status(w, EP_GM_PC, NULL, 494));
	/* somebody else's private identity under these SAs */
	phone_registers(&u, &(struct reg_opts){ .expires = 3600, .impi = "001010000000002" });
	sip_msg_unref(expect_status(w, EP_GM_PC, NULL, 403));
	expect_nothing(w);
	phone_registers(&u, &(struct reg_opts){ .expires = 3600 });
	m = expect_request(w, EP_MW, CORE, "REGISTER");
	core_answers(w, m, 200, accepted_lines(&u, 3600));
	sip_msg_unref(m);
	sip_msg_unref(expect_status(w, EP_GM_PC, NULL, 200));
}

/* Wrong RES: the home network's 403 passes under the temporary SAs, which then go. */
static void test_wrong_res(void **state)
{
	struct wire *w = *state;
	struct phone u = phone_a(w);
	struct sip_msg *m;

	phone_registers(&u, &(struct reg_opts){ .expires = 3600 });
	m = expect_request(w, EP_MW, CORE, "REGISTER");
	core_answers(w, m, 401, challenge());
	sip_msg_unref(m);
	m = expect_status(w, EP_GM_OPEN, NULL, 401);
	learn_security(&u, m);
	sip_msg_unref(m);
	phone_registers(&u, &(struct reg_opts){ .expires = 3600 });
	m = expect_request(w, EP_MW, CORE, "REGISTER");
	core_answers(w, m, 403, "");
	sip_msg_unref(m);
	sip_msg_unref(expect_status(w, EP_GM_PC, NULL, 403));
	assert_int_equal(n_sets(w), 1);
	run(w, 6000);
	assert_int_equal(n_sets(w), 0);
	assert_null(w->p->regs);
}

/* SQN out of range: the UE answers outside SAs; a new challenge replaces the first one's SAs. */
static void test_resync(void **state)
{
	struct wire *w = *state;
	struct phone u = phone_a(w);
	struct sip_msg *m;

	phone_registers(&u, &(struct reg_opts){ .expires = 3600 });
	m = expect_request(w, EP_MW, CORE, "REGISTER");
	core_answers(w, m, 401, challenge());
	sip_msg_unref(m);
	sip_msg_unref(expect_status(w, EP_GM_OPEN, NULL, 401));
	assert_int_equal(n_sets(w), 1);
	phone_registers(&u, &(struct reg_opts){ .expires = 3600,
						.auth = ",auts=\"MTIzNDU2Nzg5MDEyMzQ=\"" });
	m = expect_request(w, EP_MW, CORE, "REGISTER");
	has(m, SIP_H_AUTHORIZATION, "auts=\"MTIzNDU2Nzg5MDEyMzQ=\"");
	core_answers(w, m, 401, challenge());
	sip_msg_unref(m);
	m = expect_status(w, EP_GM_OPEN, NULL, 401);
	assert_int_equal(n_sets(w), 1);
	learn_security(&u, m);
	sip_msg_unref(m);
	phone_registers(&u, &(struct reg_opts){ .expires = 3600 });
	m = expect_request(w, EP_MW, CORE, "REGISTER");
	core_answers(w, m, 200, accepted_lines(&u, 3600));
	sip_msg_unref(m);
	sip_msg_unref(expect_status(w, EP_GM_PC, NULL, 200));
}

static void test_no_answer(void **state)
{
	struct wire *w = *state;
	struct phone u = phone_a(w);
	struct sip_msg *m;

	phone_registers(&u, &(struct reg_opts){ .expires = 3600 });
	m = expect_request(w, EP_MW, CORE, "REGISTER");
	core_answers(w, m, 401, challenge());
	sip_msg_unref(m);
	sip_msg_unref(expect_status(w, EP_GM_OPEN, NULL, 401));
	run(w, 239000);
	assert_int_equal(n_sets(w), 1);
	run(w, 2000);
	assert_int_equal(n_sets(w), 0);
	assert_null(w->p->regs);
}

static void test_kernel_refuses(void **state)
{
	struct wire *w = *state;
	struct phone u = phone_a(w);
	struct sip_msg *m;
	char text[2048];

	w->fail_set = -EPERM;
	phone_registers(&u, &(struct reg_opts){ .expires = 3600 });
	m = expect_request(w, EP_MW, CORE, "REGISTER");
	core_answers(w, m, 401, challenge());
	sip_msg_unref(m);
	m = expect_status(w, EP_GM_OPEN, NULL, 500);
	sip_msg_encode(m, text, sizeof(text));
	assert_null(strstr(text, CK_HEX));
	sip_msg_unref(m);
	assert_null(w->p->regs);
	assert_null(w->p->binds);
}

/* AES-GCM and AES-GMAC (TS 33.203 annex H, I): what does not go together is not offered. */
static void test_aead(void **state)
{
	struct wire *w = *state;
	struct phone u = phone_a(w);
	char sec[1024];
	struct sip_msg *m;

	assert_int_equal(sec_policy_read("null aes-gmac hmac-sha-1-96", "aes-gcm null aes-cbc",
					 &w->p->policy),
			 0);
	assert_int_equal(w->p->policy.n, 4);
	assert_int_equal(sec_policy_read("null aes-gmac hmac-sha-1-96 hmac-md5-96",
					 "aes-gcm null aes-cbc des-ede3-cbc", &w->p->policy),
			 0);
	assert_int_equal(w->p->policy.n, SEC_POLICY_MAX);
	for (int gmac = 0; gmac < 2; gmac++) {
		snprintf(
			sec, sizeof(sec),
			"Security-Client: ipsec-3gpp;alg=hmac-sha-1-96;ealg=null;spi-c=11;spi-s=12;port-c=40001;port-s=40002,"
			"ipsec-3gpp;alg=%s;spi-c=11;spi-s=12;port-c=40001;port-s=40002\r\n",
			gmac ? "aes-gmac;ealg=null" : "null;ealg=aes-gcm");
		phone_registers(&u, &(struct reg_opts){ .expires = 3600, .security = sec });
		m = expect_request(w, EP_MW, CORE, "REGISTER");
		core_answers(w, m, 401, challenge());
		sip_msg_unref(m);
		m = expect_status(w, EP_GM_OPEN, NULL, 401);
		has(m, SIP_H_SECURITY_SERVER, "alg=null;ealg=aes-gcm");
		has(m, SIP_H_SECURITY_SERVER, "alg=aes-gmac;ealg=null");
		has(m, SIP_H_SECURITY_SERVER, "alg=hmac-sha-1-96;ealg=aes-cbc");
		sip_msg_unref(m);
		assert_int_equal(w->set[0].x.auth, gmac ? XFRM_AUTH_AES_GMAC : XFRM_AUTH_NONE);
		assert_int_equal(w->set[0].x.enc, gmac ? XFRM_ENC_NULL : XFRM_ENC_AES_GCM);
		assert_int_equal(w->set[0].x.auth_key_len, gmac ? 20 : 0);
		assert_int_equal(w->set[0].x.enc_key_len, gmac ? 0 : 20);
	}
}

/* A phone behind a NAT, TS 33.203 annex M: ESP in UDP in tunnel mode, the port learned from its packets. */
static void test_nat(void **state)
{
	static const char sec[] =
		"Security-Client: ipsec-3gpp;alg=hmac-sha-1-96;ealg=null;mod=trans;spi-c=11;spi-s=12;port-c=40001;port-s=40002,"
		"ipsec-3gpp;alg=hmac-sha-1-96;ealg=null;mod=UDP-enc-tun;spi-c=11;spi-s=12;port-c=40001;port-s=40002\r\n";
	struct wire *w = *state;
	struct phone u = phone_a(w);
	struct knl_event e = { .kind = KNL_EV_ESP_MAPPED };
	struct reg_opts o = { .expires = 3600, .security = sec, .via = "192.168.7.2" };
	struct sip_msg *m;

	phone_registers(&u, &o);
	m = expect_request(w, EP_MW, CORE, "REGISTER");
	core_answers(w, m, 401, challenge());
	sip_msg_unref(m);
	m = expect_status(w, EP_GM_OPEN, "10.45.0.11:5060", 401);
	has(m, SIP_H_SECURITY_SERVER, "mod=UDP-enc-tun");
	learn_security(&u, m);
	sip_msg_unref(m);
	assert_true(w->set[0].x.tunnel);
	assert_int_equal(w->set[0].x.our_encap_port, 4500);
	assert_int_equal(w->set[0].x.peer_encap_port, 4500);
	/* its first packet, and then its REGISTER, with the address that the NAT gave it */
	e.spi = w->set[0].x.our_spi_s;
	e.dst.addr = w->set[0].x.our;
	e.src.addr = w->set[0].x.peer;
	e.src.port = 61000;
	pcscf_kernel_event(w->p, &e);
	assert_int_equal(w->set[0].nat_port, 61000);
	o.via = NULL;
	phone_registers(&u, &o);
	m = expect_request(w, EP_MW, CORE, "REGISTER");
	core_answers(w, m, 200, accepted_lines(&u, 3600));
	sip_msg_unref(m);
	sip_msg_unref(expect_status(w, EP_GM_PC, "10.45.0.11:40002", 200));
	e.src.port = 61001; /* the NAT has forgotten it meanwhile */
	pcscf_kernel_event(w->p, &e);
	assert_int_equal(w->set[0].nat_port, 61001);
	w->set[0].nat_port = 0;
	pcscf_kernel_event(w->p, &e); /* nothing new */
	e.src.port = 61002;
	e.spi++; /* nobody's */
	pcscf_kernel_event(w->p, &e);
	assert_int_equal(w->set[0].nat_port, 0);
}

/* Without a NAT, and from a phone that cannot do otherwise, it is transport mode. */
static void test_no_nat(void **state)
{
	struct wire *w = *state;
	struct phone u = phone_a(w);
	struct sip_msg *m;

	for (int i = 0; i < 2; i++) {
		phone_registers(
			&u, &(struct reg_opts){ .expires = 3600, .via = i ? "192.168.7.2" : NULL });
		m = expect_request(w, EP_MW, CORE, "REGISTER");
		core_answers(w, m, 401, challenge());
		sip_msg_unref(m);
		m = expect_status(w, EP_GM_OPEN, NULL, 401);
		has(m, SIP_H_SECURITY_SERVER, "mod=trans");
		sip_msg_unref(m);
		assert_false(w->set[0].x.tunnel);
		assert_int_equal(w->set[0].x.our_encap_port, 0);
	}
}

/* --- rotation --- */

static void renew(struct phone *u, int expires)
{
	struct wire *w = u->w;
	struct phone next = *u;
	struct sip_msg *m;

	next.uc += 100;
	next.spi_uc += 100;
	next.spi_us += 100;
	{
		char sec[1024];

		security_client(&next, sec, sizeof(sec));
		phone_registers(u, &(struct reg_opts){ .expires = expires, .security = sec });
	}
	m = expect_request(w, EP_MW, CORE, "REGISTER");
	has(m, SIP_H_AUTHORIZATION, "integrity-protected=\"yes\"");
	core_answers(w, m, 401, challenge());
	sip_msg_unref(m);
	m = expect_status(w, EP_GM_PC, NULL, 401); /* through the old SAs */
	next.cseq = u->cseq;
	learn_security(&next, m);
	sip_msg_unref(m);
	assert_int_not_equal(next.pc, u->pc);
	*u = next;
	phone_registers(u, &(struct reg_opts){ .expires = expires });
	m = expect_request(w, EP_MW, CORE, "REGISTER");
	core_answers(w, m, 200, accepted_lines(u, expires));
	sip_msg_unref(m);
	sip_msg_unref(expect_status(w, EP_GM_PC, NULL, 200));
}

static void phone_message(struct phone *u, const char *from_user, const char *ppi)
{
	char text[2048];

	snprintf(
		text, sizeof(text),
		"MESSAGE sip:+15550000002@" DOMAIN
		" SIP/2.0\r\nVia: SIP/2.0/UDP %s:%u;branch=z9hG4bKm%s%d\r\n"
		"Max-Forwards: 70\r\nRoute: <sip:10.46.0.1:%u;lr>, <sip:orig@10.46.0.3:5060;lr>\r\n"
		"From: <sip:%s@" DOMAIN ">;tag=m\r\nTo: <sip:+15550000002@" DOMAIN
		">\r\nCall-ID: m%d\r\n"
		"CSeq: %d MESSAGE\r\n%sContent-Length: 0\r\n\r\n",
		u->addr, u->us, u->imsi, u->cseq, u->ps ? u->ps : 5060u, from_user, u->cseq, u->cseq,
		ppi ? ppi : "");
	u->cseq++;
	phone_sends(u, text);
}

static void test_rotation(void **state)
{
	struct wire *w = *state;
	struct phone u = phone_a(w), old;
	struct sip_msg *m;

	register_phone(&u, 600000);
	old = u;
	renew(&u, 600000);
	assert_int_equal(n_sets(w), 2);
	/* The old set stays until something comes under the new one, then for 64*T1. */
	run(w, 300000);
	assert_int_equal(n_sets(w), 2);
	phone_message(&u, u.msisdn, NULL);
	m = expect_request(w, EP_MW, SCSCF, "MESSAGE");
	core_answers(w, m, 200, "");
	sip_msg_unref(m);
	sip_msg_unref(expect_status(w, EP_GM_PC, NULL, 200));
	run(w, 120000);
	assert_int_equal(n_sets(w), 2);
	run(w, 10000);
	assert_int_equal(n_sets(w), 1);
	/* Under the old SAs nobody is known any more. */
	phone_message(&old, u.msisdn, NULL);
	sip_msg_unref(expect_status(w, EP_GM_PS, NULL, 403));
	renew(&u, 600000);
	renew(&u, 600000); /* twice without use: the oldest makes room */
	assert_int_equal(n_sets(w), 2);
}

/* No challenge at re-registration: the SAs stay and live longer. */
static void test_renewal_without_challenge(void **state)
{
	struct wire *w = *state;
	struct phone u = phone_a(w);
	struct sip_msg *m;

	register_phone(&u, 600);
	run(w, 300000);
	phone_registers(&u, &(struct reg_opts){ .expires = 600 });
	m = expect_request(w, EP_MW, CORE, "REGISTER");
	core_answers(w, m, 200, accepted_lines(&u, 600));
	sip_msg_unref(m);
	sip_msg_unref(expect_status(w, EP_GM_PC, NULL, 200));
	assert_int_equal(n_sets(w), 1);
	run(w, 590000);
	assert_int_equal(n_sets(w), 1);
	run(w, 20000);
	assert_int_equal(n_sets(w), 0);
}

/* --- ends --- */

static void test_deregister(void **state)
{
	struct wire *w = *state;
	struct phone u = phone_a(w);
	struct sip_msg *m;

	register_phone(&u, 3600);
	phone_registers(&u, &(struct reg_opts){ .expires = 0 });
	m = expect_request(w, EP_MW, CORE, "REGISTER");
	core_answers(w, m, 200, "");
	sip_msg_unref(m);
	sip_msg_unref(expect_status(w, EP_GM_PC, NULL, 200));
	run(w, 1000);
	phone_message(&u, u.msisdn, NULL);
	sip_msg_unref(expect_status(w, EP_GM_PC, NULL, 403));
	run(w, 6000);
	assert_int_equal(n_sets(w), 0);
	assert_null(w->p->regs);
	assert_null(w->p->binds);
}

static void test_expiry(void **state)
{
	struct wire *w = *state;
	struct phone u = phone_a(w);

	register_phone(&u, 600);
	run(w, 599000);
	assert_non_null(w->p->regs);
	run(w, 8000);
	assert_null(w->p->regs);
	assert_int_equal(n_sets(w), 0);
}

/* A phone that lost everything registers again from the same address and ports. */
static void test_reboot(void **state)
{
	struct wire *w = *state;
	struct phone u = phone_a(w);

	register_phone(&u, 3600);
	u.ps = u.pc = 0;
	u.spi_uc += 7;
	register_phone(&u, 3600);
	run(w, 10000);
	assert_int_equal(n_sets(w), 1);
	assert_int_equal(HASH_CNT(hh_id, w->p->regs), 1);
	u.ps = u.pc = 0;
	u.uc++;
	u.us++;
	register_phone(&u, 3600);
	run(w, 10000);
	assert_int_equal(n_sets(w), 1);
	assert_int_equal(HASH_CNT(hh_id, w->p->regs), 1);
}

/* --- who takes whose place --- */

/* An unprotected REGISTER, as anybody can send it with anybody's source; the 401 goes to that source. */
static void challenge_only(struct phone *u, int status)
{
	struct wire *w = u->w;
	struct sip_msg *m;

	phone_registers(u, &(struct reg_opts){ .expires = 3600 });
	m = expect_request(w, EP_MW, CORE, "REGISTER");
	core_answers(w, m, 401, challenge());
	sip_msg_unref(m);
	m = expect_status(w, EP_GM_OPEN, "10.45.0.11:5060", status);
	if (status == 401)
		learn_security(u, m);
	sip_msg_unref(m);
}

static struct phone spoofer(const struct phone *victim, const char *imsi)
{
	struct phone x = *victim;

	x.imsi = imsi;
	x.ps = x.pc = 0;
	x.spi_uc += 1000;
	x.spi_us += 1000;
	x.cseq += 500;
	return x;
}

static void assert_served(struct phone *u)
{
	struct wire *w = u->w;
	struct sip_msg *m;

	phone_message(u, u->msisdn, NULL);
	m = expect_request(w, EP_MW, SCSCF, "MESSAGE");
	core_answers(w, m, 200, "");
	sip_msg_unref(m);
	sip_msg_unref(expect_status(w, EP_GM_PC, NULL, 200));
}

/* TS 33.203 7.4: SAs in use stay until the new ones are authenticated, whoever asks for new ones. */
static void test_spoofed_source(void **state)
{
	static const char *const imsis[] = { "001010000000666", "001010000000001" };
	struct wire *w = *state;
	struct phone u = phone_a(w), x;

	register_phone(&u, 600000);
	for (int i = 0; i < 20; i++) { /* in another's name and in the phone's own */
		x = spoofer(&u, imsis[i % 2]);
		challenge_only(&x, 401);
		assert_int_not_equal(x.ps, u.ps);
		assert_int_not_equal(x.pc, u.pc);
		assert_int_equal(n_sets(w), 2);
		assert_served(&u);
	}
	renew(&u, 600000); /* the phone itself goes before what has not authenticated */
	assert_served(&u);
	run(w, 300000);
	assert_int_equal(n_sets(w), 1);
	assert_int_equal(HASH_CNT(hh_id, w->p->regs), 1);
	assert_served(&u);
}

/* Between the 401 and the answer of a re-authentication both pairs of ports are the phone's. */
static void test_spoofed_in_rotation(void **state)
{
	struct wire *w = *state;
	struct phone u = phone_a(w), next, x;
	struct sip_msg *m;
	char sec[1024];

	register_phone(&u, 600000);
	next = u;
	next.spi_uc += 100;
	next.spi_us += 100;
	security_client(&next, sec, sizeof(sec)); /* the same ports again */
	phone_registers(&u, &(struct reg_opts){ .expires = 600000, .security = sec });
	m = expect_request(w, EP_MW, CORE, "REGISTER");
	core_answers(w, m, 401, challenge());
	sip_msg_unref(m);
	m = expect_status(w, EP_GM_PC, NULL, 401);
	next.cseq = u.cseq;
	learn_security(&next, m);
	sip_msg_unref(m);
	assert_int_not_equal(next.ps, u.ps);
	assert_int_not_equal(next.pc, u.pc);
	x = spoofer(&u, "001010000000666");
	challenge_only(&x, 500);
	assert_int_equal(n_sets(w), 2);
	assert_served(&u);
	phone_registers(&next, &(struct reg_opts){ .expires = 600000 });
	m = expect_request(w, EP_MW, CORE, "REGISTER");
	core_answers(w, m, 200, accepted_lines(&next, 600000));
	sip_msg_unref(m);
	sip_msg_unref(expect_status(w, EP_GM_PC, NULL, 200));
	challenge_only(&x, 500); /* old set, new one not used yet: both stay */
	assert_int_equal(n_sets(w), 2);
	assert_served(&next);
	challenge_only(&x, 401); /* the old one is not needed any more */
	assert_int_equal(n_sets(w), 2);
	assert_served(&next);
}

/* The address has become another phone's, which by chance chose the same ports. */
static void test_address_reassigned(void **state)
{
	struct wire *w = *state;
	struct phone u = phone_a(w), x;
	struct reg *r;

	register_phone(&u, 600000);
	x = spoofer(&u, "001010000000003");
	x.msisdn = "+15550000003";
	register_phone(&x, 600000);
	assert_int_equal(n_sets(w), 1);
	assert_served(&x);
	run(w, 300000);
	assert_int_equal(HASH_CNT(hh_id, w->p->regs), 1);
	r = w->p->regs;
	assert_string_equal(r->impi, "001010000000003");
	/* ... and the phone that had it comes back to it. */
	u.ps = u.pc = 0;
	register_phone(&u, 600000);
	assert_served(&u);
	run(w, 300000);
	assert_int_equal(n_sets(w), 1);
}

/* TCP connections end with their set, and only they: phones may share an address. */
static void test_connections(void **state)
{
	static const char text[] =
		"OPTIONS sip:10.46.0.1 SIP/2.0\r\nVia: SIP/2.0/TCP x;branch=z9hG4bKt\r\n"
		"Max-Forwards: 70\r\nFrom: <sip:x>;tag=t\r\nTo: <sip:x>\r\nCall-ID: t\r\n"
		"CSeq: 1 OPTIONS\r\nContent-Length: 0\r\n\r\n";
	struct wire *w = *state;
	struct phone u = phone_a(w), x = spoofer(&u, "001010000000003");
	char from[ANY_UE_LEN];
	struct sip_msg *m;

	x.msisdn = "+15550000003";
	x.uc += 10;
	x.us += 10;
	register_phone(&u, 600000);
	register_phone(&x, 600000);
	inject_at(w, ps_of_phone(&u), from_addr(&u, u.uc, from), SIP_TCP, 1, text, strlen(text));
	inject_at(w, gm_of_phone(&u)->pc[0].ep, from_addr(&u, u.us, from), SIP_TCP, 2, text,
		  strlen(text));
	inject_at(w, ps_of_phone(&x), from_addr(&x, x.uc, from), SIP_TCP, 3, text, strlen(text));
	inject_at(w, gm_of_phone(&x)->pc[0].ep, from_addr(&x, x.us, from), SIP_TCP, 4, text,
		  strlen(text));
	drain(w);
	phone_registers(&u, &(struct reg_opts){ .expires = 0 });
	m = expect_request(w, EP_MW, CORE, "REGISTER");
	core_answers(w, m, 200, "");
	sip_msg_unref(m);
	sip_msg_unref(expect_status(w, EP_GM_PC, NULL, 200));
	assert_true(sip_tp_conn_alive(w->tp, 1)); /* for the last answers */
	run(w, 10000);
	assert_int_equal(n_sets(w), 1);
	for (uint64_t c = 1; c <= 4; c++)
		assert_int_equal(sip_tp_conn_alive(w->tp, c), c > 2);
	assert_served(&x);
}

static void notify(struct wire *w, const struct sip_msg *sub, int cseq, const char *xml)
{
	struct sip_name_addr na = { 0 };
	char text[4096];

	assert_int_equal(sip_name_addr_parse(sip_msg_value(sub, SIP_H_CONTACT), &na), 0);
	snprintf(
		text, sizeof(text),
		"NOTIFY %.*s SIP/2.0\r\nVia: SIP/2.0/UDP 10.46.0.3:5060;branch=z9hG4bKn%d\r\nMax-Forwards: 70\r\n"
		"From: %.*s;tag=core\r\nTo: %.*s\r\nCall-ID: %.*s\r\nCSeq: %d NOTIFY\r\nEvent: reg\r\n"
		"Subscription-State: active;expires=600\r\nContact: <sip:10.46.0.3:5060>\r\n"
		"Content-Type: application/reginfo+xml\r\nContent-Length: %zu\r\n\r\n%s",
		STR_FMT(na.uri), cseq, STR_FMT(sip_msg_value(sub, SIP_H_TO)),
		STR_FMT(sip_msg_value(sub, SIP_H_FROM)), STR_FMT(sip_msg_call_id(sub)), cseq,
		strlen(xml), xml);
	core_sends(w, text);
}

static void reginfo(char *dst, size_t size, const struct phone *u, const char *state,
		    const char *event)
{
	snprintf(
		dst, size,
		"<?xml version=\"1.0\"?><reginfo xmlns=\"urn:ietf:params:xml:ns:reginfo\" version=\"1\" state=\"full\">"
		"<registration aor=\"sip:%s@" DOMAIN
		"\" id=\"a\" state=\"%s\"><contact id=\"1\" state=\"%s\" event=\"%s\" "
		"expires=\"60\"><uri>sip:%s@%s:%u</uri></contact></registration></reginfo>",
		u->msisdn, state, state, event, u->imsi, u->addr, u->us);
}

static void test_network_deregisters(void **state)
{
	struct wire *w = *state;
	struct phone u = phone_a(w);
	struct sip_msg *m, *sub;
	char xml[1024];

	phone_registers(&u, &(struct reg_opts){ .expires = 3600 });
	m = expect_request(w, EP_MW, CORE, "REGISTER");
	core_answers(w, m, 401, challenge());
	sip_msg_unref(m);
	m = expect_status(w, EP_GM_OPEN, NULL, 401);
	learn_security(&u, m);
	sip_msg_unref(m);
	phone_registers(&u, &(struct reg_opts){ .expires = 3600 });
	m = expect_request(w, EP_MW, CORE, "REGISTER");
	core_answers(w, m, 200, accepted_lines(&u, 3600));
	sip_msg_unref(m);
	sip_msg_unref(expect_status(w, EP_GM_PC, NULL, 200));
	run(w, 20);
	sub = expect_request(w, EP_MW, CORE, "SUBSCRIBE");
	core_answers(w, sub, 200, "Expires: 600000\nContact: <sip:10.46.0.3:5060>\n");

	reginfo(xml, sizeof(xml), &u, "active", "registered");
	notify(w, sub, 1, xml);
	sip_msg_unref(expect_status(w, EP_MW, SCSCF, 200));
	assert_int_equal(w->p->regs->fsm.state, REG_REGISTERED);
	notify(w, sub, 2,
	       "<?xml version=\"1.0\"?><!DOCTYPE x [<!ENTITY a \"aaaa\">]><reginfo>&a;</reginfo>");
	sip_msg_unref(expect_status(w, EP_MW, SCSCF, 400));
	/* moved to another port: the old contact is over, the phone is not */
	snprintf(
		xml, sizeof(xml),
		"<reginfo xmlns=\"urn:ietf:params:xml:ns:reginfo\" version=\"2\" state=\"full\">"
		"<registration aor=\"sip:%s@" DOMAIN "\" id=\"a\" state=\"active\">"
		"<contact id=\"1\" state=\"terminated\" event=\"unregistered\"><uri>sip:%s@%s:%u</uri></contact>"
		"<contact id=\"2\" state=\"active\" event=\"registered\"><uri>sip:%s@%s:9999</uri></contact>"
		"</registration></reginfo>",
		u.msisdn, u.imsi, u.addr, u.us, u.imsi, u.addr);
	notify(w, sub, 3, xml);
	sip_msg_unref(expect_status(w, EP_MW, SCSCF, 200));
	assert_int_equal(w->p->regs->fsm.state, REG_REGISTERED);
	reginfo(xml, sizeof(xml), &u, "active", "shortened");
	notify(w, sub, 4, xml);
	sip_msg_unref(expect_status(w, EP_MW, SCSCF, 200));
	assert_true(w->p->regs->expires <= loop_wall(w->loop) + 60 * USEC_PER_SEC);
	reginfo(xml, sizeof(xml), &u, "terminated", "deactivated");
	notify(w, sub, 5, xml);
	sip_msg_unref(expect_status(w, EP_MW, SCSCF, 200));
	assert_int_equal(w->p->regs->fsm.state, REG_LEAVING);
	run(w, 6000);
	assert_null(w->p->regs);
	assert_int_equal(n_sets(w), 0);
	notify(w, sub, 6, xml);
	sip_msg_unref(expect_status(w, EP_MW, SCSCF, 481));
	sip_msg_unref(sub);
}

/* --- who may say what --- */

static void test_identity(void **state)
{
	struct wire *w = *state;
	struct phone u = phone_a(w);
	struct sip_msg *m;

	phone_message(&u, u.msisdn, NULL); /* not registered */
	sip_msg_unref(expect_status(w, EP_GM_OPEN, NULL, 403));
	register_phone(&u, 3600);
	phone_message(
		&u, u.msisdn,
		"P-Preferred-Identity: <tel:+1-555-000-0001>\r\nP-Asserted-Identity: <sip:evil@x>\r\n");
	m = expect_request(w, EP_MW, SCSCF, "MESSAGE");
	has(m, SIP_H_P_ASSERTED_IDENTITY, "<tel:+15550000001>");
	has_not(m, SIP_H_P_PREFERRED_IDENTITY);
	has(m, SIP_H_ROUTE, "<sip:orig@10.46.0.3:5060;lr>");
	core_answers(w, m, 200, "");
	sip_msg_unref(m);
	sip_msg_unref(expect_status(w, EP_GM_PC, NULL, 200));

	phone_message(&u, u.msisdn, "P-Preferred-Identity: <sip:+15550000002@" DOMAIN ">\r\n");
	m = expect_status(w, EP_GM_PC, NULL, 403);
	has(m, SIP_H_WARNING, "399");
	sip_msg_unref(m);
	phone_message(&u, "+15550000002", NULL);
	sip_msg_unref(expect_status(w, EP_GM_PC, NULL, 403));
	/* The temporary identity is its own, but barred: the default one is asserted. */
	phone_message(&u, u.imsi, "P-Preferred-Identity: <sip:001010000000001@" DOMAIN ">\r\n");
	m = expect_request(w, EP_MW, SCSCF, "MESSAGE");
	has(m, SIP_H_P_ASSERTED_IDENTITY, "<sip:+15550000001@" DOMAIN ">");
	core_answers(w, m, 200, "P-Access-Network-Info: IEEE-802.11\n");
	sip_msg_unref(m);
	m = expect_status(w, EP_GM_PC, NULL, 200);
	has_not(m, SIP_H_P_ACCESS_NETWORK_INFO);
	sip_msg_unref(m);
	/* What only a network may say, be it in the second value. */
	phone_message(&u, u.msisdn,
		      "P-Access-Network-Info: IEEE-802.11;i-wlan-node-id=1\r\n"
		      "P-Access-Network-Info: 3GPP-GERAN;network-provided\r\n");
	m = expect_request(w, EP_MW, SCSCF, "MESSAGE");
	assert_true(str_eqz(sip_msg_value(m, SIP_H_P_ACCESS_NETWORK_INFO),
			    "IEEE-802.11;i-wlan-node-id=1"));
	core_answers(w, m, 200, "");
	sip_msg_unref(m);
	sip_msg_unref(expect_status(w, EP_GM_PC, NULL, 200));
	expect_nothing(w);
}

/* An answer that avoids the SAs is no answer (5.2.2.2). */
static void test_unprotected_answer(void **state)
{
	struct wire *w = *state;
	struct phone u = phone_a(w);
	struct sip_msg *m;

	phone_registers(&u, &(struct reg_opts){ .expires = 3600 });
	m = expect_request(w, EP_MW, CORE, "REGISTER");
	core_answers(w, m, 401, challenge());
	sip_msg_unref(m);
	sip_msg_unref(expect_status(w, EP_GM_OPEN, NULL, 401));
	phone_registers(&u, &(struct reg_opts){ .expires = 3600, .auth = ",cnonce=\"x\"" });
	m = expect_request(w, EP_MW, CORE, "REGISTER");
	has(m, SIP_H_AUTHORIZATION, "integrity-protected=\"no\"");
	core_answers(w, m, 403, "");
	sip_msg_unref(m);
	sip_msg_unref(expect_status(w, EP_GM_OPEN, NULL, 403));
}

/* A second public identity under the same SAs: both may be used; leaving one leaves the other. */
static void test_two_identities(void **state)
{
	struct wire *w = *state;
	struct phone u = phone_a(w);
	struct sip_msg *m;
	char text[4096];

	register_phone(&u, 3600);
	for (int expires = 3600; expires >= 0; expires -= 3600) {
		snprintf(
			text, sizeof(text),
			"REGISTER sip:" DOMAIN
			" SIP/2.0\r\nVia: SIP/2.0/UDP 10.45.0.11:40002;branch=z9hG4bKx%d\r\n"
			"Max-Forwards: 70\r\nFrom: <sip:second@" DOMAIN
			">;tag=x\r\nTo: <sip:second@" DOMAIN ">\r\n"
			"Call-ID: x\r\nCSeq: %d REGISTER\r\nContact: <sip:%s@10.45.0.11:40002>\r\n"
			"Authorization: Digest username=\"%s\",realm=\"x\",uri=\"sip:x\",nonce=\"\",response=\"\"\r\n"
			"Security-Verify: %s\r\nExpires: %d\r\nContent-Length: 0\r\n\r\n",
			expires, 4000 - expires, u.imsi, u.imsi, u.security_server, expires);
		phone_sends(&u, text);
		m = expect_request(w, EP_MW, CORE, "REGISTER");
		snprintf(text, sizeof(text),
			 "Contact: <sip:%s@10.45.0.11:40002>;expires=%d\n"
			 "P-Associated-URI: <sip:second@" DOMAIN ">\n",
			 u.imsi, expires);
		core_answers(w, m, 200, text);
		sip_msg_unref(m);
		sip_msg_unref(expect_status(w, EP_GM_PC, NULL, 200));
		phone_message(&u, "second", NULL);
		if (expires) {
			m = expect_request(w, EP_MW, SCSCF, "MESSAGE");
			core_answers(w, m, 200, "");
			sip_msg_unref(m);
		}
		sip_msg_unref(expect_status(w, EP_GM_PC, NULL, expires ? 200 : 403));
	}
	assert_int_equal(w->p->regs->fsm.state, REG_REGISTERED);
	assert_int_equal(w->p->regs->n_ids, 2);
}

/* The set is bound to the UE's tunnel, and to no other that its packets come by. */
static void test_tunnel(void **state)
{
	struct knl_event e = { .kind = KNL_EV_GM_DROP, .reason = KNL_GM_WRONG_TUNNEL };
	struct wire *w = *state;
	struct phone u = phone_a(w);

	w->tunnel = 77;
	register_phone(&u, 3600);
	assert_int_equal(w->set[0].b.gtpu_session, 77);
	strcpy(e.sa_label, w->p->regs->impi);
	e.spi = w->set[0].b.spi_ps;
	e.gtpu_session = 78;
	pcscf_kernel_event(w->p, &e); /* somebody else's */
	assert_int_equal(w->set[0].b.gtpu_session, 77);
	w->tunnel = 78; /* its own, after a new attach */
	pcscf_kernel_event(w->p, &e);
	assert_int_equal(w->set[0].b.gtpu_session, 78);
	e.gtpu_session = 0;
	pcscf_kernel_event(w->p, &e);
	assert_int_equal(w->set[0].b.gtpu_session, 78);
}

static void test_fsm(void **state)
{
	char why[128] = "";

	(void)state;
	if (fsm_check(&reg_fsm, why, sizeof(why)) || fsm_check(&session_fsm, why, sizeof(why)))
		fail_msg("%s", why);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_register, setup, teardown),
		cmocka_unit_test_setup_teardown(test_register_v6, setup, teardown),
		cmocka_unit_test_setup_teardown(test_no_security_client, setup, teardown),
		cmocka_unit_test_setup_teardown(test_wrong_verify, setup, teardown),
		cmocka_unit_test_setup_teardown(test_wrong_res, setup, teardown),
		cmocka_unit_test_setup_teardown(test_resync, setup, teardown),
		cmocka_unit_test_setup_teardown(test_no_answer, setup, teardown),
		cmocka_unit_test_setup_teardown(test_kernel_refuses, setup, teardown),
		cmocka_unit_test_setup_teardown(test_aead, setup, teardown),
		cmocka_unit_test_setup_teardown(test_nat, setup, teardown),
		cmocka_unit_test_setup_teardown(test_no_nat, setup, teardown),
		cmocka_unit_test_setup_teardown(test_rotation, setup, teardown),
		cmocka_unit_test_setup_teardown(test_renewal_without_challenge, setup, teardown),
		cmocka_unit_test_setup_teardown(test_deregister, setup, teardown),
		cmocka_unit_test_setup_teardown(test_expiry, setup, teardown),
		cmocka_unit_test_setup_teardown(test_reboot, setup, teardown),
		cmocka_unit_test_setup_teardown(test_spoofed_source, setup, teardown),
		cmocka_unit_test_setup_teardown(test_spoofed_in_rotation, setup, teardown),
		cmocka_unit_test_setup_teardown(test_address_reassigned, setup, teardown),
		cmocka_unit_test_setup_teardown(test_connections, setup, teardown),
		cmocka_unit_test_setup_teardown(test_network_deregisters, setup, teardown),
		cmocka_unit_test_setup_teardown(test_identity, setup, teardown),
		cmocka_unit_test_setup_teardown(test_unprotected_answer, setup, teardown),
		cmocka_unit_test_setup_teardown(test_two_identities, setup, teardown),
		cmocka_unit_test_setup_teardown(test_tunnel, setup, teardown),
		cmocka_unit_test(test_fsm),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
