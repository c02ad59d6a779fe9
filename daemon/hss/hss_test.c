// SPDX-License-Identifier: GPL-2.0-or-later
/* The procedures of TS 29.228 6.1 without a network: request struct in, answer struct out. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#include "hss/hss.h"
#include "lib/aka/aka.h"

#define DOMAIN "ims.test"
#define IMPI   "001010000000001@" DOMAIN
#define SIP1   "sip:+1555001@" DOMAIN
#define TEL1   "tel:+1555001"
#define TEMP   "sip:001010000000001@" DOMAIN
#define SIP2   "sip:second@" DOMAIN
#define S1     "sip:scscf1." DOMAIN
#define S2     "sip:scscf2." DOMAIN
#define H1     STR("scscf1." DOMAIN)
#define H2     STR("scscf2." DOMAIN)

static const uint8_t k[16] = { 0x46, 0x5b, 0x5c, 0xe8, 1 }, opc[16] = { 0xcd, 0x63, 0xcb, 0x71, 2 };

static struct hss hss;
static struct {
	int rtrs, pprs;
	char host[256];
	size_t n_impu;
	char data[4096];
	cx_rta_fn rta;
	void *rta_arg;
	cx_ppa_fn ppa;
	void *ppa_arg;
} sent;

static int mock_rtr(void *link, const char *host, const struct cx_rtr *r, cx_rta_fn fn, void *arg)
{
	(void)link;
	sent.rtrs++;
	sent.n_impu = r->n_public_identity;
	snprintf(sent.host, sizeof(sent.host), "%s", host);
	sent.rta = fn;
	sent.rta_arg = arg;
	return 0;
}

static int mock_ppr(void *link, const char *host, const struct cx_ppr *r, cx_ppa_fn fn, void *arg)
{
	(void)link;
	(void)host;
	sent.pprs++;
	snprintf(sent.data, sizeof(sent.data), "%.*s", STR_FMT(r->user_data));
	sent.ppa = fn;
	sent.ppa_arg = arg;
	return 0;
}

static const struct hss_cx cx = { .rtr = mock_rtr, .ppr = mock_ppr };

static void add_impu(struct subscriber *s, const char *impu, unsigned int set, bool barred,
		     const char *profile)
{
	struct sub_impu *p = &s->impu[s->n_impu++];

	*p = (struct sub_impu){ .set = set, .barred = barred };
	snprintf(p->impu, sizeof(p->impu), "%s", impu);
	snprintf(p->profile, sizeof(p->profile), "%s", profile);
}

static void add_subscriber(const char *imsi, int which)
{
	struct subscriber s = { .amf = { 0x80, 0 } };
	enum sub_put what;

	snprintf(s.imsi, sizeof(s.imsi), "%s", imsi);
	snprintf(s.impi, sizeof(s.impi), "%s@" DOMAIN, imsi);
	memcpy(s.k, k, 16);
	memcpy(s.opc, opc, 16);
	s.mandatory = (struct sub_caps){ { 1, 2 }, 2 };
	s.optional = (struct sub_caps){ { 3 }, 1 };
	if (which == 1) {
		add_impu(&s, SIP1, 1, false, "default");
		add_impu(&s, TEL1, 1, false, "default");
		add_impu(&s, TEMP, 1, true, "default");
		add_impu(&s, SIP2, 2, false, "gold");
	} else {
		add_impu(&s, "sip:other@" DOMAIN, 1, which == 3, "default");
		snprintf(s.visited, sizeof(s.visited), "home.net visited.net");
	}
	assert_int_equal(subdb_put(hss.db, &s, true, &what), 0);
}

static void add_gold(void)
{
	struct sub_profile *p = calloc(1, sizeof(*p));
	enum sub_put what;

	strcpy(p->name, "gold");
	p->unregistered = true;
	p->media = 4;
	strcpy(p->ccf1, "aaa://ccf1." DOMAIN);
	p->ifc[0] = (struct sub_ifc){ .priority = 10,
				      .cnf = true,
				      .part = 0,
				      .server = "sip:as1." DOMAIN,
				      .handling = 1,
				      .service_info = "a <b> & \"c\"",
				      .include_request = true,
				      .n_spt = 3 };
	p->ifc[0].spt[0] =
		(struct sub_spt){ .group = 0, .kind = "method", .a = "REGISTER", .b = "0 1" };
	p->ifc[0].spt[1] = (struct sub_spt){
		.group = 1, .kind = "header", .a = "To", .b = ".*<x>.*", .negated = true
	};
	p->ifc[0].spt[2] = (struct sub_spt){ .group = 1, .kind = "case", .a = "1" };
	p->ifc[1] = (struct sub_ifc){ .priority = 20, .part = -1, .server = "sip:as2." DOMAIN };
	p->n_ifc = 2;
	assert_int_equal(subdb_profile_put(hss.db, p, &what), 0);
	assert_int_equal(what, SUB_NEW);
	assert_int_equal(subdb_profile_put(hss.db, p, &what), 0);
	assert_int_equal(what, SUB_SAME);
	free(p);
}

static int setup(void **state)
{
	char err[256];

	(void)state;
	memset(&hss, 0, sizeof(hss));
	memset(&sent, 0, sizeof(sent));
	hss.ind_len = 5;
	hss.cx = &cx;
	assert_int_equal(subdb_open(":memory:", true, &hss.db, err, sizeof(err)), 0);
	add_gold();
	add_subscriber("001010000000001", 1);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	subdb_close(hss.db);
	sbuf_free(&hss.xml);
	return 0;
}

static struct cx_uaa uar(const char *impi, const char *impu, int type)
{
	struct cx_uar r = { .user_name = str_of(impi),
			    .public_identity = str_of(impu),
			    .visited_network = STR("visited.net"),
			    .auth_type = type };
	struct cx_uaa a;

	hss_uar(&hss, &r, &a);
	return a;
}

static struct cx_lia lir(const char *impu, bool originating)
{
	struct cx_lir r = { .public_identity = str_of(impu),
			    .originating = originating,
			    .auth_type = -1 };
	struct cx_lia a;

	hss_lir(&hss, &r, &a);
	return a;
}

static struct cx_maa mar(const char *impu, const char *server, struct str host, uint32_t n)
{
	struct cx_mar r = { .user_name = STR(IMPI),
			    .public_identity = str_of(impu),
			    .server_name = str_of(server),
			    .n_items = n };
	struct cx_maa a;

	r.item.scheme = STR("Digest-AKAv1-MD5");
	hss_mar(&hss, host, &r, &a);
	assert_int_equal(subdb_commit(hss.db), 0);
	return a;
}

static struct cx_saa sar_of(const char *impu, const char *server, struct str host, int type,
			    bool have)
{
	struct cx_sar r = { .user_name = STR(IMPI),
			    .server_name = str_of(server),
			    .assignment_type = type,
			    .user_data_already_available = have };
	struct cx_saa a;

	if (impu)
		r.public_identity[r.n_public_identity++] = str_of(impu);
	hss_sar(&hss, host, &r, &a);
	assert_int_equal(subdb_commit(hss.db), 0);
	return a;
}

static int sar(const char *impu, const char *server, struct str host, int type)
{
	return sar_of(impu, server, host, type, false).result;
}

static void register_at(const char *impu, const char *server, struct str host)
{
	assert_int_equal(mar(impu, server, host, 1).result, CX_SUCCESS);
	assert_int_equal(sar(impu, server, host, CX_SA_REGISTRATION), CX_SUCCESS);
}

static enum sub_state state_of(const char *impu)
{
	struct subscriber s;
	size_t i;

	assert_int_equal(subdb_by_impu(hss.db, str_of(impu), &s, &i), 0);
	return s.impu[i].state;
}

static void test_uar_identities(void **state)
{
	(void)state;
	add_subscriber("001010000000002", 2);
	assert_int_equal(uar(IMPI, "sip:nobody@" DOMAIN, -1).result, CX_USER_UNKNOWN);
	assert_int_equal(uar("nobody@" DOMAIN, SIP1, -1).result, CX_USER_UNKNOWN);
	assert_int_equal(uar("001010000000002@" DOMAIN, SIP1, -1).result, CX_IDENTITIES_DONT_MATCH);
}

static void test_uar_first_and_subsequent(void **state)
{
	struct cx_uaa a = uar(IMPI, SIP1, -1);

	(void)state;
	assert_int_equal(a.result, CX_FIRST_REGISTRATION);
	assert_true(a.has_caps);
	assert_int_equal(a.caps.n_mandatory, 2);
	assert_int_equal(a.caps.optional[0], 3);
	assert_null(a.server_name.p);
	mar(SIP1, S1, H1,
	    1); /* the challenge is on its way: the answer must find the same S-CSCF */
	a = uar(IMPI, SIP1, CX_REGISTRATION);
	assert_int_equal(a.result, CX_SUBSEQUENT_REGISTRATION);
	assert_true(str_eqz(a.server_name, S1));
	sar(SIP1, S1, H1, CX_SA_REGISTRATION);
	assert_int_equal(uar(IMPI, SIP1, CX_REGISTRATION).result, CX_SUBSEQUENT_REGISTRATION);
	assert_int_equal(uar(IMPI, SIP2, CX_REGISTRATION).result,
			 CX_SUBSEQUENT_REGISTRATION); /* same subscription */
	a = uar(IMPI, SIP1, CX_DE_REGISTRATION);
	assert_int_equal(a.result, CX_SUCCESS);
	assert_true(str_eqz(a.server_name, S1));
	a = uar(IMPI, SIP1, CX_REGISTRATION_AND_CAPABILITIES);
	assert_int_equal(a.result, CX_SUCCESS);
	assert_true(a.has_caps && !a.server_name.p);
}

static void test_uar_deregistration_of_unregistered(void **state)
{
	(void)state;
	assert_int_equal(uar(IMPI, SIP1, CX_DE_REGISTRATION).result, CX_IDENTITY_NOT_REGISTERED);
}

static void test_uar_barring_and_roaming(void **state)
{
	struct cx_uar r = { .user_name = STR("001010000000003@" DOMAIN),
			    .public_identity = STR("sip:other@" DOMAIN),
			    .visited_network = STR("else.net"),
			    .auth_type = -1 };
	struct cx_uaa a;

	(void)state;
	assert_int_equal(uar(IMPI, TEMP, -1).result,
			 CX_FIRST_REGISTRATION); /* barred, but its set is not */
	add_subscriber("001010000000003", 3);
	hss_uar(&hss, &r, &a);
	assert_int_equal(a.result, CX_AUTHORIZATION_REJECTED);
	r.emergency = true;
	hss_uar(&hss, &r, &a);
	assert_int_equal(a.result, CX_FIRST_REGISTRATION);
}

static void test_uar_roaming_not_allowed(void **state)
{
	struct cx_uar r = { .user_name = STR("001010000000002@" DOMAIN),
			    .public_identity = STR("sip:other@" DOMAIN),
			    .visited_network = STR("else.net"),
			    .auth_type = -1 };
	struct cx_uaa a;

	(void)state;
	add_subscriber("001010000000002", 2);
	hss_uar(&hss, &r, &a);
	assert_int_equal(a.result, CX_ROAMING_NOT_ALLOWED);
	r.visited_network = STR("visited.net");
	hss_uar(&hss, &r, &a);
	assert_int_equal(a.result, CX_FIRST_REGISTRATION);
}

/* A SIM with the same key accepts each vector once, in order. */
static void test_mar_vectors(void **state)
{
	struct aka_sim sim = { .amf = { 0x80, 0 }, .ind_len = 5 };
	struct cx_maa a = mar(SIP1, S1, H1, 3);
	struct aka_vector v;
	uint8_t auts[14];

	(void)state;
	memcpy(sim.k, k, 16);
	memcpy(sim.opc, opc, 16);
	assert_int_equal(a.result, CX_SUCCESS);
	assert_int_equal(a.n, 3);
	assert_true(str_eqz(a.user_name, IMPI) && str_eqz(a.public_identity, SIP1));
	for (size_t i = 0; i < a.n; i++) {
		const uint8_t *o = (const uint8_t *)a.item[i].authenticate.p;

		assert_int_equal(a.item[i].number, i + 1);
		assert_int_equal(a.item[i].authenticate.n, 32);
		assert_int_equal(aka_sim_auth(&sim, o, o + 16, &v, auts), 0);
		assert_int_equal(a.item[i].authorization.n, v.xres_len);
		assert_memory_equal(a.item[i].authorization.p, v.xres, v.xres_len);
		assert_memory_equal(a.item[i].ck.p, v.ck, 16);
		assert_memory_equal(a.item[i].ik.p, v.ik, 16);
		assert_int_equal(aka_sim_auth(&sim, o, o + 16, &v, auts), -ERANGE);
	}
}

static void test_mar_resynchronisation(void **state)
{
	struct aka_sim sim = { .amf = { 0x80, 0 }, .ind_len = 5 };
	struct cx_mar r = { .user_name = STR(IMPI),
			    .public_identity = STR(SIP1),
			    .server_name = STR(S1),
			    .n_items = 1 };
	uint8_t rand_auts[30];
	struct aka_vector v;
	struct cx_maa a;

	(void)state;
	memcpy(sim.k, k, 16);
	memcpy(sim.opc, opc, 16);
	for (int i = 0; i < 32; i++)
		sim.seq_ms[i] = 1000000; /* the SIM is far ahead */
	a = mar(SIP1, S1, H1, 1);
	memcpy(rand_auts, a.item[0].authenticate.p, 16);
	assert_int_equal(aka_sim_auth(&sim, rand_auts,
				      (const uint8_t *)a.item[0].authenticate.p + 16, &v,
				      rand_auts + 16),
			 -ERANGE);
	r.item.scheme = STR("Digest-AKAv1-MD5");
	r.item.authorization = (struct str){ (char *)rand_auts, 30 };
	hss_mar(&hss, H1, &r, &a);
	assert_int_equal(a.result, CX_SUCCESS);
	assert_int_equal(aka_sim_auth(&sim, (const uint8_t *)a.item[0].authenticate.p,
				      (const uint8_t *)a.item[0].authenticate.p + 16, &v,
				      rand_auts + 16),
			 0);
	/* A forged AUTS moves nothing. */
	uint64_t before = hss.s.sqn;

	memset(rand_auts + 16, 0x55, 14);
	hss_mar(&hss, H1, &r, &a);
	assert_int_equal(a.result, CX_SUCCESS);
	assert_int_equal(hss.s.sqn >> 5, (before >> 5) + 1);
}

static void test_mar_scheme(void **state)
{
	struct cx_mar r = { .user_name = STR(IMPI),
			    .public_identity = STR(SIP1),
			    .server_name = STR(S1),
			    .n_items = 1 };
	struct cx_maa a;

	(void)state;
	r.item.scheme = STR("SIP Digest");
	hss_mar(&hss, H1, &r, &a);
	assert_int_equal(a.result, CX_AUTH_SCHEME_NOT_SUPPORTED);
	r.item.scheme = STR("Unknown");
	hss_mar(&hss, H1, &r, &a);
	assert_int_equal(a.result, CX_SUCCESS);
	assert_true(str_eqz(a.item[0].scheme, "Digest-AKAv1-MD5"));
	r.public_identity = STR("sip:nobody@" DOMAIN);
	hss_mar(&hss, H1, &r, &a);
	assert_int_equal(a.result, CX_USER_UNKNOWN);
}

/* No SQN leaves before it is on the disk: what is rolled back was never answered. */
static void test_sqn_is_in_the_transaction(void **state)
{
	struct cx_maa a = mar(SIP1, S1, H1, 1);
	struct subscriber s;
	uint64_t sqn = hss.s.sqn;

	(void)state;
	assert_int_equal(a.result, CX_SUCCESS);
	assert_int_equal(subdb_by_impi(hss.db, STR(IMPI), &s), 0);
	assert_int_equal(s.sqn, sqn);
}

static void test_sar_registration_takes_the_set(void **state)
{
	struct cx_saa a;

	(void)state;
	mar(SIP1, S1, H1, 1);
	a = sar_of(SIP1, S1, H1, CX_SA_REGISTRATION, false);
	assert_int_equal(a.result, CX_SUCCESS);
	assert_true(str_eqz(a.user_name, IMPI));
	assert_int_equal(state_of(SIP1), SUB_REGISTERED);
	assert_int_equal(state_of(TEL1), SUB_REGISTERED);
	assert_int_equal(state_of(TEMP), SUB_REGISTERED);
	assert_int_equal(state_of(SIP2), SUB_NOT_REGISTERED);
	assert_non_null(strstr(a.user_data.p, "<Identity>" SIP1 "</Identity>"));
	assert_non_null(
		strstr(a.user_data.p, "<BarringIndication>1</BarringIndication><Identity>" TEMP));
	assert_null(strstr(a.user_data.p, SIP2));
	assert_null(sar_of(SIP1, S1, H1, CX_RE_REGISTRATION, true).user_data.p);
}

static void test_sar_other_server(void **state)
{
	(void)state;
	register_at(SIP1, S1, H1);
	assert_int_equal(sar(SIP1, S2, H2, CX_SA_REGISTRATION), CX_IDENTITY_ALREADY_REGISTERED);
	assert_int_equal(sar(SIP1, S2, H2, CX_NO_ASSIGNMENT), CX_UNABLE_TO_COMPLY);
	assert_int_equal(sar(SIP1, S1, H1, CX_NO_ASSIGNMENT), CX_SUCCESS);
	assert_int_equal(sar(SIP1, S2, H2, CX_USER_DEREGISTRATION), CX_UNABLE_TO_COMPLY);
	register_at(SIP1, S2, H2); /* it authenticated the user: now it may */
	assert_true(str_eqz(lir(TEL1, false).server_name, S2));
}

static void test_sar_checks(void **state)
{
	struct cx_sar r = { .user_name = STR(IMPI),
			    .server_name = STR(S1),
			    .assignment_type = CX_SA_REGISTRATION,
			    .n_public_identity = 2 };
	struct cx_saa a;

	(void)state;
	r.public_identity[0] = STR(SIP1);
	r.public_identity[1] = STR(SIP2);
	hss_sar(&hss, H1, &r, &a);
	assert_int_equal(a.result, CX_OCCURS_TOO_MANY_TIMES);
	assert_int_equal(sar(NULL, S1, H1, CX_SA_REGISTRATION), CX_MISSING_AVP);
	assert_int_equal(sar("sip:nobody@x", S1, H1, CX_SA_REGISTRATION), CX_USER_UNKNOWN);
	assert_int_equal(sar(SIP1, S1, H1, 14), CX_IN_ASSIGNMENT_TYPE);
	r = (struct cx_sar){ .server_name = STR(S1),
			     .assignment_type = CX_SA_REGISTRATION,
			     .n_public_identity = 1 };
	r.public_identity[0] = STR(SIP1);
	hss_sar(&hss, H1, &r, &a);
	assert_int_equal(a.result, CX_MISSING_AVP); /* User-Name */
}

static void test_sar_deregistration(void **state)
{
	(void)state;
	register_at(SIP1, S1, H1);
	register_at(SIP2, S1, H1);
	assert_int_equal(sar(TEL1, S1, H1, CX_TIMEOUT_DEREGISTRATION), CX_SUCCESS);
	assert_int_equal(state_of(SIP1), SUB_NOT_REGISTERED);
	assert_int_equal(state_of(SIP2), SUB_REGISTERED);
	assert_int_equal(uar(IMPI, SIP1, -1).result,
			 CX_SUBSEQUENT_REGISTRATION); /* the other set keeps the name */
	assert_int_equal(sar(NULL, S1, H1, CX_USER_DEREGISTRATION), CX_SUCCESS);
	assert_int_equal(state_of(SIP2), SUB_NOT_REGISTERED);
	assert_int_equal(uar(IMPI, SIP1, -1).result, CX_FIRST_REGISTRATION);
}

static void test_sar_store_server_name(void **state)
{
	(void)state;
	register_at(SIP1, S1, H1);
	assert_int_equal(sar(SIP1, S1, H1, CX_TIMEOUT_DEREGISTRATION_STORE_SERVER_NAME),
			 CX_SUCCESS_SERVER_NAME_NOT_STORED);
	assert_int_equal(state_of(SIP1), SUB_NOT_REGISTERED);
	register_at(SIP2, S1, H1); /* its profile has services for the unregistered state */
	assert_int_equal(sar(SIP2, S1, H1, CX_USER_DEREGISTRATION_STORE_SERVER_NAME), CX_SUCCESS);
	assert_int_equal(state_of(SIP2), SUB_UNREGISTERED);
	assert_true(str_eqz(lir(SIP2, false).server_name, S1));
}

static void test_sar_authentication_failure(void **state)
{
	(void)state;
	mar(SIP1, S1, H1, 1);
	assert_int_equal(sar(SIP1, S1, H1, CX_AUTHENTICATION_FAILURE), CX_SUCCESS);
	assert_int_equal(uar(IMPI, SIP1, -1).result, CX_FIRST_REGISTRATION); /* the name is gone */
	register_at(SIP1, S1, H1);
	mar(SIP1, S1, H1, 1);
	assert_int_equal(sar(SIP1, S1, H1, CX_AUTHENTICATION_TIMEOUT), CX_SUCCESS);
	assert_int_equal(state_of(SIP1),
			 SUB_REGISTERED); /* a failed re-authentication takes nothing away */
}

static void test_lir(void **state)
{
	struct cx_lia a;

	(void)state;
	assert_int_equal(lir("sip:nobody@x", false).result, CX_USER_UNKNOWN);
	assert_int_equal(lir(SIP1, false).result, CX_IDENTITY_NOT_REGISTERED);
	a = lir(SIP2, false);
	assert_int_equal(a.result, CX_UNREGISTERED_SERVICE);
	assert_true(a.has_caps);
	assert_int_equal(lir(SIP1, true).result, CX_UNREGISTERED_SERVICE);
	assert_int_equal(sar(SIP2, S1, H1, CX_UNREGISTERED_USER), CX_SUCCESS);
	assert_int_equal(state_of(SIP2), SUB_UNREGISTERED);
	a = lir(SIP2, false);
	assert_int_equal(a.result, CX_SUCCESS);
	assert_true(str_eqz(a.server_name, S1));
	assert_int_equal(lir(SIP1, false).result, CX_IDENTITY_NOT_REGISTERED);
	register_at(SIP1, S1, H1);
	assert_true(str_eqz(lir(TEL1, false).server_name, S1));
}

static void test_user_data(void **state)
{
	struct cx_saa a;

	(void)state;
	mar(SIP2, S1, H1, 1);
	a = sar_of(SIP2, S1, H1, CX_SA_REGISTRATION, false);
	assert_int_equal(a.result, CX_SUCCESS);
	assert_true(str_eqz(a.ccf1, "aaa://ccf1." DOMAIN));
	assert_string_equal(
		a.user_data.p,
		"<?xml version=\"1.0\" encoding=\"UTF-8\"?><IMSSubscription><PrivateID>" IMPI
		"</PrivateID><ServiceProfile>"
		"<PublicIdentity><BarringIndication>0</BarringIndication><Identity>" SIP2
		"</Identity><Extension><IdentityType>0"
		"</IdentityType></Extension></PublicIdentity><CoreNetworkServicesAuthorization><SubscribedMediaProfileId>4"
		"</SubscribedMediaProfileId></CoreNetworkServicesAuthorization><InitialFilterCriteria><Priority>10</Priority>"
		"<TriggerPoint><ConditionTypeCNF>1</ConditionTypeCNF><SPT><ConditionNegated>0</ConditionNegated><Group>0</Group>"
		"<Method>REGISTER</Method><Extension><RegistrationType>0</RegistrationType><RegistrationType>1</RegistrationType>"
		"</Extension></SPT><SPT><ConditionNegated>1</ConditionNegated><Group>1</Group><SIPHeader><Header>To</Header>"
		"<Content>.*&lt;x&gt;.*</Content></SIPHeader></SPT><SPT><ConditionNegated>0</ConditionNegated><Group>1</Group>"
		"<SessionCase>1</SessionCase></SPT></TriggerPoint><ApplicationServer><ServerName>sip:as1." DOMAIN
		"</ServerName>"
		"<DefaultHandling>1</DefaultHandling><ServiceInfo>a &lt;b&gt; &amp; &quot;c&quot;</ServiceInfo><Extension>"
		"<IncludeRegisterRequest/></Extension></ApplicationServer><ProfilePartIndicator>0</ProfilePartIndicator>"
		"</InitialFilterCriteria><InitialFilterCriteria><Priority>20</Priority><ApplicationServer><ServerName>sip:as2." DOMAIN
		"</ServerName><DefaultHandling>0</DefaultHandling></ApplicationServer></InitialFilterCriteria></ServiceProfile>"
		"</IMSSubscription>");
}

static void test_rtr(void **state)
{
	struct cx_rta a = { .result = CX_SUCCESS };
	struct subscriber s;

	(void)state;
	subdb_by_impi(hss.db, STR(IMPI), &s);
	assert_int_equal(hss_deregister(&hss, &s, -1, CX_PERMANENT_TERMINATION, NULL), -ENOTCONN);
	register_at(SIP1, S1, H1);
	register_at(SIP2, S1, H1);
	subdb_by_impi(hss.db, STR(IMPI), &s);
	assert_int_equal(hss_deregister(&hss, &s, 1, CX_PERMANENT_TERMINATION, "why"), 0);
	assert_int_equal(sent.n_impu, 3);
	assert_string_equal(sent.host, "scscf1." DOMAIN);
	assert_int_equal(state_of(SIP1), SUB_REGISTERED); /* until the S-CSCF confirms */
	sent.rta(sent.rta_arg, &a);
	assert_int_equal(state_of(SIP1), SUB_NOT_REGISTERED);
	assert_int_equal(state_of(SIP2), SUB_REGISTERED);
	subdb_by_impi(hss.db, STR(IMPI), &s);
	assert_int_equal(hss_deregister(&hss, &s, -1, CX_PERMANENT_TERMINATION, NULL), 0);
	a.result = CX_NO_PEER;
	assert_int_equal(subdb_del(hss.db, s.id), 0); /* deleted meanwhile */
	sent.rta(sent.rta_arg, &a);
}

static void test_ppr(void **state)
{
	struct cx_ppa a = { .result = CX_SUCCESS };
	struct subscriber s;

	(void)state;
	subdb_by_impi(hss.db, STR(IMPI), &s);
	assert_int_equal(hss_push_profile(&hss, &s), 0);
	register_at(SIP2, S1, H1);
	subdb_by_impi(hss.db, STR(IMPI), &s);
	assert_int_equal(hss_push_profile(&hss, &s), 1);
	assert_non_null(strstr(sent.data, "sip:as1." DOMAIN));
	sent.ppa(sent.ppa_arg, &a);
}

static void test_put_keeps_state(void **state)
{
	struct subscriber s;
	enum sub_put what;

	(void)state;
	register_at(SIP1, S1, H1);
	subdb_by_impi(hss.db, STR(IMPI), &s);
	assert_int_equal(subdb_put(hss.db, &s, false, &what), 0);
	assert_int_equal(what, SUB_SAME);
	add_impu(&s, "sip:third@" DOMAIN, 1, false, "default");
	assert_int_equal(subdb_put(hss.db, &s, false, &what), 0);
	assert_int_equal(what, SUB_CHANGED);
	assert_int_equal(state_of(SIP1), SUB_REGISTERED);
	assert_int_equal(state_of("sip:third@" DOMAIN), SUB_NOT_REGISTERED);
	snprintf(s.imsi, sizeof(s.imsi), "001010000000009");
	assert_int_equal(subdb_put(hss.db, &s, false, &what), -EEXIST);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(test_uar_identities),
		T(test_uar_first_and_subsequent),
		T(test_uar_deregistration_of_unregistered),
		T(test_uar_barring_and_roaming),
		T(test_uar_roaming_not_allowed),
		T(test_mar_vectors),
		T(test_mar_resynchronisation),
		T(test_mar_scheme),
		T(test_sqn_is_in_the_transaction),
		T(test_sar_registration_takes_the_set),
		T(test_sar_other_server),
		T(test_sar_checks),
		T(test_sar_deregistration),
		T(test_sar_store_server_name),
		T(test_sar_authentication_failure),
		T(test_lir),
		T(test_user_data),
		T(test_rtr),
		T(test_ppr),
		T(test_put_keeps_state),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
