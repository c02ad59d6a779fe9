// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Procedures of S5, S8 and S2b between an SGW or ePDG on a mock wire and the SMF: attach of each kind, what is
 * refused and why, handovers, what comes twice or crosses, restarts; what every message looks like to tshark.
 */
#include "smf/smf_mock.h"

static int setup(void **state)
{
	(void)state;
	mock_setup();
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	mock_teardown();
	return 0;
}

/* --- attach --- */

static struct s5_create_session_request *with_pco(struct s5_create_session_request *r)
{
	static const uint8_t ipcp[] = { 1, 9, 0, 16, 129, 6, 0, 0, 0, 0, 131, 6, 0, 0, 0, 0 };

	r->has_pco = true;
	memset(&r->pco, 0, sizeof(r->pco));
	nas_pco_add(&r->pco, NAS_PCO_IPCP, ipcp, sizeof(ipcp));
	nas_pco_add(&r->pco, NAS_PCO_PCSCF6, NULL, 0);
	nas_pco_add(&r->pco, NAS_PCO_PCSCF4, NULL, 0);
	nas_pco_add(&r->pco, NAS_PCO_DNS4, NULL, 0);
	nas_pco_add(&r->pco, NAS_PCO_IPV4_MTU, NULL, 0);
	nas_pco_add(&r->pco, NAS_PCO_PCSCF_RESELECTION, NULL, 0);
	return r;
}

static struct in_addr pco_addr(const struct nas_pco *p, uint16_t id)
{
	struct in_addr a = { 0 };
	size_t pos = 0;
	struct str v;

	assert_true(nas_pco_next(p, id, &pos, &v));
	assert_int_equal(v.n, 4);
	memcpy(&a, v.p, 4);
	return a;
}

static void test_attach(void **state)
{
	const struct s5_create_session_response *a;
	struct smf_pdn *p;
	struct nas_ipcp ipcp;
	size_t pos = 0;
	struct str v;

	(void)state;
	mock_in(&mock.sgw, S5_CREATE_SESSION_REQUEST, 0, with_pco(mock_create(1, "ims")));
	mock_nothing();
	mock_ms(50);
	a = mock_created();
	assert_int_equal(a->cause.value, S5_ACCEPTED);
	assert_int_equal(mock.sent[0].hdr.id, 101);
	assert_int_equal(a->pgw.iface, S5_IF_S5C_PGW);
	assert_int_equal(a->pgw.ip4.s_addr, htonl(0x0a2e0005));
	assert_int_equal(a->paa.type, S5_PDN_IPV4V6);
	assert_int_equal(a->paa.ip4.s_addr, htonl(0x0a2d0001));
	assert_int_equal(a->paa.ip6.s6_addr[0], 0xfd);
	assert_int_equal(a->paa.ip6.s6_addr[7], 1);
	assert_int_equal(a->paa.ip6_bits, 64);
	assert_int_equal(a->recovery, 7);
	assert_int_equal(a->ambr.dl, 100000);
	assert_int_equal(a->n_bearer, 1);
	assert_int_equal(a->bearer[0].ebi, 5);
	assert_int_equal(a->bearer[0].s5u_pgw.iface, S5_IF_S5U_PGW);
	assert_true(a->bearer[0].s5u_pgw.teid);
	assert_true(a->bearer[0].has_charging_id && a->bearer[0].has_qos);
	assert_int_equal(a->bearer[0].qos.qci, 5);
	assert_int_equal(pco_addr(&a->pco, NAS_PCO_PCSCF4).s_addr, htonl(0x0a2e0001));
	assert_int_equal(pco_addr(&a->pco, NAS_PCO_DNS4).s_addr, htonl(0x0a2e0035));
	assert_true(nas_pco_has(&a->pco, NAS_PCO_PCSCF6));
	assert_true(nas_pco_next(&a->pco, NAS_PCO_IPCP, &pos, &v));
	assert_int_equal(nas_ipcp_decode(v, &ipcp), 0);
	assert_int_equal(ipcp.code, 3);
	assert_int_equal(ipcp.id, 9);
	assert_true(ipcp.has_dns1 && !ipcp.has_dns2);
	pos = 0;
	assert_true(nas_pco_next(&a->pco, NAS_PCO_IPV4_MTU, &pos, &v));
	assert_int_equal(v.n, 2);
	assert_int_equal((uint8_t)v.p[0] << 8 | (uint8_t)v.p[1], 1400);
	p = smf_pdn_by_teid(&mock.smf, a->pgw.teid);
	assert_ptr_equal(p, smf_pdn_by_v4(&mock.smf, a->paa.ip4));
	assert_ptr_equal(p, smf_pdn_by_v6(&mock.smf, &a->paa.ip6));
	assert_string_equal(p->name, "001010000000001/ims");
	assert_int_equal(p->fsm.state, SMF_PDN_ACTIVE);
	mock_detach(p);
	mock_nothing();
	mock_empty();
	assert_int_equal(mock.gx.closed, 1);
	assert_int_equal(mock.n4.closed, 1);
}

static void test_types(void **state)
{
	static const struct {
		uint8_t asked, got, cause;
		bool daf;
		const char *apn;
	} v[] = {
		{ S5_PDN_IPV4, S5_PDN_IPV4, S5_ACCEPTED, true, "ims" },
		{ S5_PDN_IPV6, S5_PDN_IPV6, S5_ACCEPTED, false, "ims" },
		{ S5_PDN_IPV4V6, S5_PDN_IPV4, S5_NEW_PDN_TYPE_SINGLE, false, "IMS.mnc001.mcc001.gprs" },
		{ S5_PDN_IPV4V6, S5_PDN_IPV4, S5_NEW_PDN_TYPE_NETWORK, true, "four" },
		{ S5_PDN_IPV4V6, S5_PDN_IPV6, S5_NEW_PDN_TYPE_NETWORK, true, "six" },
		{ S5_PDN_IPV6, 0, S5_PDN_TYPE_NOT_SUPPORTED, true, "four" },
		{ S5_PDN_IPV4, 0, S5_PDN_TYPE_NOT_SUPPORTED, true, "six" },
		{ S5_PDN_NON_IP, 0, S5_PDN_TYPE_NOT_SUPPORTED, true, "ims" },
		{ S5_PDN_IPV4, 0, S5_UNKNOWN_APN, true, "nowhere" },
		{ S5_PDN_IPV4, 0, S5_UNKNOWN_APN, true, "imsx" },
	};

	(void)state;
	mock_close_smf();
	free(mock.conf->smf.apns);
	mock.conf->smf.apns = strdup("ims pool=10.45.0.0/16 pool6=fd45::/48;four pool=10.1.0.0/24; "
				     "six pool6=fd99::/56 pcscf=fd46::1");
	mock_open_smf();
	for (size_t i = 0; i < ARRAY_SIZE(v); i++) {
		struct s5_create_session_request *r = mock_create(1, v[i].apn);
		const struct s5_create_session_response *a;

		r->paa.type = v[i].asked;
		r->indication.daf = v[i].daf;
		mock_in(&mock.sgw, S5_CREATE_SESSION_REQUEST, 0, r);
		mock_ms(50);
		if (!v[i].got) {
			assert_int_equal(mock_refused(S5_CREATE_SESSION_RESPONSE), v[i].cause);
			mock_empty();
			continue;
		}
		a = mock_created();
		assert_int_equal(a->cause.value, v[i].cause);
		assert_int_equal(a->paa.type, v[i].got);
		mock_detach(smf_pdn_by_teid(&mock.smf, a->pgw.teid));
		mock_empty();
	}
}

/* --- what is refused --- */

static void refused(struct s5_create_session_request *r, uint8_t cause, int ie, int instance)
{
	const struct s5_create_session_response *a;

	mock_in(&mock.sgw, S5_CREATE_SESSION_REQUEST, 0, r);
	a = mock_created();
	assert_int_equal(a->cause.value, cause);
	assert_int_equal(a->cause.has_ie ? a->cause.ie_type : -1, ie);
	if (ie >= 0)
		assert_int_equal(a->cause.ie_instance, instance);
	assert_int_equal(mock.sent[mock.seen - 1].hdr.id, r->sender.teid);
	mock_empty();
}

static void test_refused(void **state)
{
	struct s5_create_session_request *r;

	(void)state;
	r = mock_create(1, "ims");
	r->has_imsi = false;
	refused(r, S5_CONDITIONAL_IE_MISSING, S5_IE_IMSI, 0);
	r = mock_create(1, "ims");
	r->sender.iface = S5_IF_S11_MME;
	refused(r, S5_MANDATORY_IE_INCORRECT, S5_IE_F_TEID, 0);
	r = mock_create(1, "ims");
	r->rat_type = 77;
	refused(r, S5_MANDATORY_IE_INCORRECT, S5_IE_RAT_TYPE, 0);
	r = mock_create(1, "ims");
	r->rat_type = S5_RAT_WLAN;
	refused(r, S5_MANDATORY_IE_INCORRECT, S5_IE_RAT_TYPE, 0);
	r = mock_create(1, "ims");
	r->bearer[0].ebi = 4;
	refused(r, S5_MANDATORY_IE_INCORRECT, S5_IE_EBI, 0);
	r = mock_create(1, "ims");
	r->bearer[0].has_s5u_sgw = false;
	refused(r, S5_CONDITIONAL_IE_MISSING, S5_IE_F_TEID, 2);
	r = mock_create(1, "ims");
	r->bearer[0].s5u_sgw.iface = S5_IF_S1U_ENB;
	refused(r, S5_MANDATORY_IE_INCORRECT, S5_IE_F_TEID, 2);
	r = mock_create(1, "ims");
	r->bearer[0].qos.qci = 1;
	refused(r, S5_MANDATORY_IE_INCORRECT, S5_IE_BEARER_QOS, 0);
	r = mock_create(1, "ims");
	r->has_paa = r->has_pdn_type = false;
	refused(r, S5_CONDITIONAL_IE_MISSING, S5_IE_PAA, 0);
	r = mock_create(1, "ims");
	r->has_ambr = false;
	refused(r, S5_CONDITIONAL_IE_MISSING, S5_IE_AMBR, 0);
	r = mock_create(1, "ims");
	r->indication.uimsi = true;
	refused(r, S5_USER_AUTHENTICATION_FAILED, -1, 0);
	r = mock_create_s2b(1, "ims");
	r->bearer[0].has_s2bu_epdg = false;
	refused(r, S5_CONDITIONAL_IE_MISSING, S5_IE_F_TEID, 5);
	mock.ready = false;
	refused(mock_create(1, "ims"), S5_NO_RESOURCES, -1, 0);
	mock.ready = true;
	mock.smf.max_pdns = 0;
	refused(mock_create(1, "ims"), S5_NO_RESOURCES, -1, 0);
}

/* Each IE of the request left out: refused, or taken, and nothing else; cut at every octet. */
static void test_every_ie(void **state)
{
	static uint8_t whole[2048], part[2048];
	struct tlv_buf b = TLV_BUF(whole);
	struct tlv_cursor c;
	struct tlv_view v;
	struct tlv_hdr h;

	(void)state;
	assert_int_equal(s5_encode(S5_CREATE_SESSION_REQUEST, 0, with_pco(mock_create(1, "ims")), &b),
			 0);
	tlv_gtpv2.parse(b.p, b.n, &h);
	tlv_cursor_init(&c, &tlv_gtpv2, b.p + h.hdr_len, b.n - h.hdr_len);
	while (tlv_next(&c, &v)) {
		struct tlv_buf out = TLV_BUF(part);
		size_t at = (size_t)((const uint8_t *)v.raw.p - b.p);
		bool ok;

		memcpy(part, b.p, at);
		memcpy(part + at, b.p + at + v.raw.n, b.n - at - v.raw.n);
		out.n = b.n - v.raw.n;
		tlv_end(&out, &tlv_gtpv2, 0);
		tlv_gtpv2.set_seq(part, ++mock.seq);
		gtpc_input(mock.smf.gtpc, &mock.sgw, part, out.n);
		ok = mock.smf.n_pdns;
		mock_ms(50);
		mock_next();
		if (ok)
			mock_detach(mock.smf.pdns);
		mock_empty();
		if (v.type == S5_IE_RAT_TYPE || v.type == S5_IE_F_TEID || v.type == S5_IE_APN ||
		    v.type == S5_IE_BEARER_CONTEXT || v.type == S5_IE_IMSI || v.type == S5_IE_PAA)
			assert_false(ok);
	}
	for (size_t n = 0; n < b.n; n++) {
		uint8_t *cut = malloc(n ? n : 1);

		memcpy(cut, b.p, n);
		if (n >= 4) {
			cut[2] = (uint8_t)((n - 4) >> 8);
			cut[3] = (uint8_t)(n - 4);
		}
		if (n >= 12)
			tlv_gtpv2.set_seq(cut, ++mock.seq);
		gtpc_input(mock.smf.gtpc, &mock.sgw, cut, n);
		mock_ms(50);
		while (mock.smf.pdns && mock.smf.pdns->fsm.state == SMF_PDN_ACTIVE) {
			mock.seen = mock.n_sent;
			mock_detach(mock.smf.pdns);
		}
		mock_empty();
		free(cut);
	}
}

static void test_peers_refuse(void **state)
{
	(void)state;
	mock.gx.refuse = true;
	mock.gx.cause = S5_USER_AUTHENTICATION_FAILED;
	mock_in(&mock.sgw, S5_CREATE_SESSION_REQUEST, 0, mock_create(1, "ims"));
	mock_ms(50);
	assert_int_equal(mock_refused(S5_CREATE_SESSION_RESPONSE), S5_USER_AUTHENTICATION_FAILED);
	mock_empty();
	mock.gx.refuse = false;
	mock.n4.refuse = true;
	mock_in(&mock.sgw, S5_CREATE_SESSION_REQUEST, 0, mock_create(1, "ims"));
	mock_ms(50);
	assert_int_equal(mock_refused(S5_CREATE_SESSION_RESPONSE), S5_NO_RESOURCES);
	mock_empty();
	mock.n4.refuse = false;
	mock.gx.silent = true;
	mock_in(&mock.sgw, S5_CREATE_SESSION_REQUEST, 0, mock_create(1, "ims"));
	mock_ms(40000);
	assert_int_equal(mock_refused(S5_CREATE_SESSION_RESPONSE), S5_NO_RESOURCES);
	mock_ms(100000);
	mock_empty();
}

/* --- emergency (TS 23.401 4.3.12) --- */

static void test_emergency(void **state)
{
	struct s5_create_session_request *r = mock_create(1, "sos");
	const struct s5_create_session_response *a;
	struct smf_pdn *p;

	(void)state;
	r->has_imsi = r->has_msisdn = false;
	r->bearer[0].ebi = 6;
	mock_in(&mock.sgw, S5_CREATE_SESSION_REQUEST, 0, r);
	mock_ms(50);
	a = mock_created();
	assert_int_equal(a->cause.value, S5_ACCEPTED);
	p = smf_pdn_by_teid(&mock.smf, a->pgw.teid);
	assert_string_equal(p->name, "3534900698000001/sos");
	assert_true(p->emergency && p->unauthenticated && !*p->imsi);
	/* the same without authentication: another user than that IMSI */
	r = mock_create(2, "sos");
	r->indication.uimsi = true;
	mock_in(&mock.sgw, S5_CREATE_SESSION_REQUEST, 0, r);
	mock_ms(50);
	a = mock_created();
	assert_int_equal(a->cause.value, S5_ACCEPTED);
	assert_string_equal(smf_pdn_user(smf_pdn_by_teid(&mock.smf, a->pgw.teid)),
			    "3534900698000002");
	/* full, but not for emergencies */
	mock.smf.max_pdns = 2;
	mock_in(&mock.sgw, S5_CREATE_SESSION_REQUEST, 0, mock_create(3, "ims"));
	assert_int_equal(mock_refused(S5_CREATE_SESSION_RESPONSE), S5_NO_RESOURCES);
	mock_attach(3, "sos");
	mock_in(&mock.sgw, S5_CREATE_SESSION_REQUEST, 0, mock_create(4, "sos"));
	assert_int_equal(mock_refused(S5_CREATE_SESSION_RESPONSE), S5_NO_RESOURCES);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_attach, setup, teardown),
		cmocka_unit_test_setup_teardown(test_types, setup, teardown),
		cmocka_unit_test_setup_teardown(test_refused, setup, teardown),
		cmocka_unit_test_setup_teardown(test_every_ie, setup, teardown),
		cmocka_unit_test_setup_teardown(test_peers_refuse, setup, teardown),
		cmocka_unit_test_setup_teardown(test_emergency, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
