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
		{ S5_PDN_IPV4V6, S5_PDN_IPV4, S5_NEW_PDN_TYPE_SINGLE, false,
		  "IMS.mnc001.mcc001.gprs" },
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

/* An SGW that has IPv6 only gets our IPv6 address only; one that has both, both. */
static void test_transport(void **state)
{
	struct s5_create_session_request *r = mock_create(1, "ims");
	const struct s5_create_session_response *a;
	struct smf_pdn *p;
	struct sockaddr_storage from = { .ss_family = AF_INET6 };
	struct sockaddr_in6 *six = (struct sockaddr_in6 *)&from;

	(void)state;
	inet_pton(AF_INET6, "fd47::1", &six->sin6_addr);
	six->sin6_port = htons(GTPC_PORT);
	r->sender.v4 = false;
	r->sender.v6 = true;
	r->sender.ip6 = six->sin6_addr;
	mock_in(&from, S5_CREATE_SESSION_REQUEST, 0, r);
	mock_ms(50);
	a = mock_created();
	assert_int_equal(a->cause.value, S5_ACCEPTED);
	assert_true(a->pgw.v6 && !a->pgw.v4);
	assert_int_equal(a->pgw.ip6.s6_addr[15], 5);
	p = smf_pdn_by_teid(&mock.smf, a->pgw.teid);
	smf_pdn_release(p, S5_REACTIVATION_REQUESTED);
	assert_true(xchg_same_ip(&mock.sent[mock.n_sent - 1].to, &from));
	mock.seen = mock.n_sent;
	mock_ms(30000);
	mock.seen = mock.n_sent;
	mock_empty();
	r = mock_create(2, "ims");
	r->sender.v6 = true;
	mock_in(&mock.sgw, S5_CREATE_SESSION_REQUEST, 0, r);
	mock_ms(50);
	a = mock_created();
	assert_true(a->pgw.v6 && a->pgw.v4);
}

/* Addresses of the configuration and of the subscription (TS 23.401 5.3.1.2.1). */
static void test_static_addresses(void **state)
{
	struct s5_create_session_request *r;
	struct smf_pdn *p;

	(void)state;
	mock_close_smf();
	free(mock.conf->smf.apns);
	mock.conf->smf.apns = strdup("ims pool=10.45.0.0/24 pool6=fd45::/48 "
				     "static=001010000000001:10.45.0.9,001010000000001:fd99::1");
	mock_open_smf();
	for (int i = 0; i < 3; i++) {
		p = mock_attach(1, "ims");
		assert_int_equal(p->v4.s_addr, htonl(0x0a2d0009));
		assert_int_equal(p->v6.s6_addr[1], 0x99);
		assert_false(p->pool4 || p->pool6);
	}
	r = mock_create(2, "ims"); /* somebody else wants it */
	r->paa.ip4.s_addr = htonl(0x0a2d0009);
	mock_in(&mock.sgw, S5_CREATE_SESSION_REQUEST, 0, r);
	assert_int_equal(mock_refused(S5_CREATE_SESSION_RESPONSE), S5_REQUEST_REJECTED);
	r->paa.ip4.s_addr = htonl(0x0a2e0001); /* the P-CSCF's: not of the pool */
	mock_in(&mock.sgw, S5_CREATE_SESSION_REQUEST, 0, r);
	assert_int_equal(mock_refused(S5_CREATE_SESSION_RESPONSE), S5_REQUEST_REJECTED);
	r->paa.ip4.s_addr = htonl(0x0a2d0050);
	mock_in(&mock.sgw, S5_CREATE_SESSION_REQUEST, 0, r);
	mock_ms(50);
	assert_int_equal(mock_created()->paa.ip4.s_addr, htonl(0x0a2d0050));
	mock_ms(50);
	assert_int_equal(mock.smf.apns[0].pool4.n_taken, 1);
	assert_int_equal(mock.smf.apns[0].pool6.n_taken, 1);
}

/* The same from the profile of the subscriber; it has the address also when others were there first. */
static void test_profile_addresses(void **state)
{
	char err[256], path[64];
	struct conf_addr none;
	struct profile row;
	struct smf_pdn *p, *first;

	(void)state;
	mock_close_smf();
	free(mock.conf->smf.apns);
	mock.conf->smf.apns = strdup("ims pool=10.45.0.0/29 pool6=fd45::/48 reuse=1;"
				     "internet pool=10.48.0.0/24 pool6=fd48::/48");
	mock_open_smf();
	snprintf(path, sizeof(path), "/tmp/kims-smf-profiles-%d.db", (int)getpid());
	snprintf(mock.smf.profiles_path, sizeof(mock.smf.profiles_path), "%s", path);
	smf_profiles_open(&mock.smf, NULL);
	assert_null(mock.smf.profiles); /* there is none yet */
	assert_int_equal(profiles_open(path, true, &mock.smf.profiles, err, sizeof(err)), 0);
	profile_init(&row, "001010000000009", "IMS");
	assert_int_equal(profile_set(&row, STR("address"), STR("10.45.0.2"), err, sizeof(err)), 0);
	assert_int_equal(profile_set(&row, STR("address"), STR("fd99:0:0:7::1"), err, sizeof(err)),
			 0);
	assert_int_equal(profiles_put(mock.smf.profiles, &row), 0);
	smf_profiles_open(&mock.smf, "001010000000009");
	first = mock_attach(1, "ims");
	assert_int_equal(first->v4.s_addr, htonl(0x0a2d0001));
	p = mock_attach(2, "ims");
	assert_int_equal(p->v4.s_addr, htonl(0x0a2d0003)); /* .2 is reserved */
	for (int i = 0; i < 2; i++) {
		p = mock_attach(9, "ims");
		assert_int_equal(p->v4.s_addr, htonl(0x0a2d0002));
		assert_int_equal(p->v6.s6_addr[7], 7);
		assert_false(p->pool4 || p->pool6);
	}
	assert_int_equal(mock_attach(9, "internet")->v4.s_addr, htonl(0x0a300001));
	/* one that somebody has: later, and nobody else then */
	profile_init(&row, "001010000000008", "*");
	assert_int_equal(profile_set(&row, STR("address"), STR("10.45.0.1"), err, sizeof(err)), 0);
	assert_int_equal(profiles_put(mock.smf.profiles, &row), 0);
	smf_profiles_open(&mock.smf, "001010000000008");
	mock_in(&mock.sgw, S5_CREATE_SESSION_REQUEST, 0, mock_create(8, "ims"));
	assert_int_equal(mock_refused(S5_CREATE_SESSION_RESPONSE), S5_REQUEST_REJECTED);
	mock_detach(first);
	mock_ms(5000);
	for (unsigned int i = 3; i < 6; i++)
		mock_attach(i, "ims");
	assert_int_equal(smf_pool_get(&mock.smf.apns[0].pool4, loop_now(mock.loop), &none),
			 -ENOSPC);
	assert_int_equal(mock_attach(8, "ims")->v4.s_addr, htonl(0x0a2d0001));
	unlink(path);
}

static void set_row(const char *imsi, const char *apn, const char *v4, const char *v6)
{
	struct profile row;
	char err[256];

	profile_init(&row, imsi, apn);
	assert_int_equal(profile_set(&row, STR("address"), str_of(v4), err, sizeof(err)), 0);
	assert_int_equal(profile_set(&row, STR("address"), str_of(v6), err, sizeof(err)), 0);
	assert_int_equal(profiles_put(mock.smf.profiles, &row), 0);
	smf_profiles_open(&mock.smf, imsi);
}

static void del_row(const char *imsi, const char *apn)
{
	assert_int_equal(profiles_del(mock.smf.profiles, imsi, apn), 0);
	smf_profiles_open(&mock.smf, imsi);
}

/* May somebody have it who asks for it? */
static bool is_free(const char *v4)
{
	struct conf_addr a = { .family = AF_INET };
	bool free;

	inet_pton(AF_INET, v4, &a.v4);
	free = !smf_pool_take(&mock.smf.apns[0].pool4, &a);
	if (free)
		smf_pool_put(&mock.smf.apns[0].pool4, 0, &a);
	return free;
}

/* What no row has any more is anybody's: at once, or when the subscriber has left. */
static void test_profile_address_freed(void **state)
{
	const char *i7 = "001010000000007", *i8 = "001010000000008", *i9 = "001010000000009";
	struct conf_addr six = { .family = AF_INET6 };
	char err[256], path[64];
	struct smf_pdn *p;

	(void)state;
	mock_close_smf();
	free(mock.conf->smf.apns);
	mock.conf->smf.apns = strdup("ims pool=10.45.0.0/24 pool6=fd45::/48 reuse=1 "
				     "static=001010000000005:10.45.0.5;"
				     "internet pool=10.48.0.0/24 pool6=fd48::/48");
	mock_open_smf();
	snprintf(path, sizeof(path), "/tmp/kims-smf-freed-%d.db", (int)getpid());
	assert_int_equal(profiles_open(path, true, &mock.smf.profiles, err, sizeof(err)), 0);
	/* nobody is there: another address, another's, the configuration's, none */
	set_row(i9, "ims", "10.45.0.2", "fd45:0:0:2::");
	set_row(i8, "*", "10.45.0.2", "fd45:0:0:8::");
	set_row(i9, "ims", "10.45.0.5", "fd45:0:0:9::");
	assert_false(is_free("10.45.0.2") || is_free("10.45.0.5"));
	inet_pton(AF_INET6, "fd45:0:0:2::", &six.v6);
	assert_int_equal(smf_pool_take(&mock.smf.apns[0].pool6, &six), 0);
	smf_pool_put(&mock.smf.apns[0].pool6, 0, &six);
	del_row(i8, NULL);
	assert_true(is_free("10.45.0.2"));
	del_row(i9, "ims");
	assert_false(is_free("10.45.0.5"));
	/* two rows of one subscriber */
	set_row(i7, "*", "10.45.0.7", "fd45:0:0:7::");
	set_row(i7, "ims", "10.45.0.7", "fd45:0:0:7::");
	del_row(i7, "*");
	assert_false(is_free("10.45.0.7"));
	/* its PDN connection has it, also at another APN; it has the new one next time */
	del_row(i7, "ims");
	set_row(i7, "*", "10.45.0.7", "fd45:0:0:7::");
	p = mock_attach(7, "internet");
	assert_int_equal(p->v4.s_addr, htonl(0x0a2d0007));
	set_row(i7, "*", "10.45.0.8", "fd45:0:0:7::");
	set_row(i7, "*", "10.45.0.9", "fd45:0:0:7::");
	assert_true(is_free("10.45.0.8"));
	assert_false(is_free("10.45.0.7"));
	mock_detach(p);
	assert_true(is_free("10.45.0.7"));
	p = mock_attach(7, "ims");
	assert_int_equal(p->v4.s_addr, htonl(0x0a2d0009));
	/* a row that is back before it has left */
	del_row(i7, "*");
	set_row(i7, "ims", "10.45.0.9", "fd45:0:0:7::");
	mock_detach(p);
	assert_false(is_free("10.45.0.9"));
	del_row(i7, NULL);
	assert_true(is_free("10.45.0.9"));
	assert_int_equal(mock.smf.apns[0].pool4.n_taken + mock.smf.apns[0].pool6.n_taken, 0);
	unlink(path);
}

/* What SGW and MME say of themselves is read from the requests that have it. */
static void test_overload_information(void **state)
{
	struct s5_create_session_request *r = mock_create(1, "ims");
	struct smf_pdn *p;

	(void)state;
	r->has_sgw_overload = true;
	r->sgw_overload = (struct s5_overload){ .seq = 1, .reduction = 100, .validity = { 0, 10 } };
	mock_in(&mock.sgw, S5_CREATE_SESSION_REQUEST, 0, r);
	mock_ms(50);
	mock_created();
	p = smf_pdn_by_user(&mock.smf, "001010000000001", mock.smf.apns, NULL);
	assert_true(smf_path_throttles(p));
	p = mock_attach(2, "ims"); /* by the same SGW */
	assert_true(smf_path_throttles(p));
	r = mock_create(3, "ims");
	r->has_sgw_overload = true;
	r->sgw_overload = (struct s5_overload){ .seq = 2 };
	mock_in(&mock.sgw, S5_CREATE_SESSION_REQUEST, 0, r);
	mock_ms(50);
	assert_false(smf_path_throttles(p));
	/* an SGW that has restarted has said nothing yet, whatever the numbers of before */
	r = mock_create(4, "ims");
	r->has_recovery = true;
	r->recovery = 1;
	r->has_sgw_overload = true;
	r->sgw_overload =
		(struct s5_overload){ .seq = 900, .reduction = 100, .validity = { 0, 10 } };
	mock_in(&mock.sgw, S5_CREATE_SESSION_REQUEST, 0, r);
	mock_ms(50);
	assert_true(smf_path_throttles(
		smf_pdn_by_user(&mock.smf, "001010000000004", mock.smf.apns, NULL)));
	r = mock_create(5, "ims");
	r->has_recovery = true;
	r->recovery = 2;
	mock_in(&mock.sgw, S5_CREATE_SESSION_REQUEST, 0, r);
	mock_ms(50);
	assert_false(smf_path_throttles(
		smf_pdn_by_user(&mock.smf, "001010000000005", mock.smf.apns, NULL)));
}

static void test_pool_used_up(void **state)
{
	struct smf_pdn *p;

	(void)state;
	mock_close_smf();
	free(mock.conf->smf.apns);
	mock.conf->smf.apns = strdup("ims pool=10.45.0.0/30 pool6=fd45::/48 reuse=5");
	mock_open_smf();
	p = mock_attach(1, "ims");
	mock_attach(2, "ims");
	mock_in(&mock.sgw, S5_CREATE_SESSION_REQUEST, 0, mock_create(3, "ims"));
	assert_int_equal(mock_refused(S5_CREATE_SESSION_RESPONSE), S5_ADDRESSES_OCCUPIED);
	assert_int_equal(mock.smf.apns[0].pool6.n_taken, 2);
	mock_detach(p);
	mock_in(&mock.sgw, S5_CREATE_SESSION_REQUEST, 0, mock_create(3, "ims"));
	assert_int_equal(mock_refused(S5_CREATE_SESSION_RESPONSE), S5_ADDRESSES_OCCUPIED);
	mock_ms(5000);
	mock_attach(3, "ims");
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
	assert_int_equal(
		s5_encode(S5_CREATE_SESSION_REQUEST, 0, with_pco(mock_create(1, "ims")), &b), 0);
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
	assert_int_equal(mock.gx.remote, 1); /* it never answered */
	mock.gx.remote = 0;
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

/* --- what comes twice --- */

static void test_repeated(void **state)
{
	static uint8_t buf[2048];
	struct tlv_buf b = TLV_BUF(buf);
	struct in_addr v4;

	(void)state;
	assert_int_equal(s5_encode(S5_CREATE_SESSION_REQUEST, 0, mock_create(1, "ims"), &b), 0);
	tlv_gtpv2.set_seq(buf, 4711);
	gtpc_input(mock.smf.gtpc, &mock.sgw, buf, b.n);
	gtpc_input(mock.smf.gtpc, &mock.sgw, buf, b.n);
	mock_ms(50);
	v4 = mock_created()->paa.ip4;
	mock_nothing();
	gtpc_input(mock.smf.gtpc, &mock.sgw, buf, b.n); /* the answer was lost */
	assert_int_equal(mock_created()->paa.ip4.s_addr, v4.s_addr);
	assert_int_equal(mock.smf.n_pdns, 1);
	assert_int_equal(mock.gx.opened, 1);
}

/* TS 29.274 7.2.1: a new one of the same user takes the place of the old one, whatever state that is in. */
static void test_create_again(void **state)
{
	struct smf_pdn *one = mock_attach(1, "ims"), *two;
	struct in_addr old = one->v4;
	uint32_t teid = one->teid;

	(void)state;
	mock_attach(2, "ims");
	two = mock_attach(1, "ims");
	assert_int_not_equal(two->teid, teid);
	assert_int_not_equal(two->v4.s_addr, old.s_addr);
	mock_ms(100);
	assert_null(smf_pdn_by_teid(&mock.smf, teid));
	assert_null(smf_pdn_by_v4(&mock.smf, old));
	assert_int_equal(mock.smf.n_pdns, 2);
	/* over one that waits for the PCRF: that request is refused */
	mock_in(&mock.sgw, S5_CREATE_SESSION_REQUEST, 0, mock_create(3, "ims"));
	mock_in(&mock.sgw, S5_CREATE_SESSION_REQUEST, 0, mock_create(3, "ims"));
	assert_int_equal(mock_refused(S5_CREATE_SESSION_RESPONSE), S5_REQUEST_REJECTED);
	mock_ms(50);
	assert_int_equal(mock_created()->cause.value, S5_ACCEPTED);
	mock_attach(3, "internet"); /* another APN is another connection */
	assert_int_equal(mock.smf.n_pdns, 4);
	assert_int_equal(mock.gx.n, 4);
	assert_int_equal(mock.n4.n, 4);
}

/* A UE that got single addresses only opens a second connection for the other family (TS 23.401 5.3.1.1). */
static void test_halves(void **state)
{
	struct s5_create_session_request *r;

	(void)state;
	r = mock_create(1, "ims");
	r->paa.type = S5_PDN_IPV4;
	mock_in(&mock.sgw, S5_CREATE_SESSION_REQUEST, 0, r);
	mock_ms(50);
	r->paa.type = S5_PDN_IPV6;
	r->bearer[0].ebi = 6;
	mock_in(&mock.sgw, S5_CREATE_SESSION_REQUEST, 0, r);
	mock_ms(50);
	assert_int_equal(mock.smf.n_pdns, 2);
	mock_in(&mock.sgw, S5_CREATE_SESSION_REQUEST, 0, mock_create(1, "ims")); /* both */
	mock_ms(50);
	assert_int_equal(mock.smf.n_pdns, 1);
}

/* TS 29.274 7.2.1 and TS 23.007 28: overtaken, or given up. */
static void test_late(void **state)
{
	uint64_t now = (uint64_t)pfcp_time(loop_wall(mock.loop)) * 1000;
	struct s5_create_session_request *r = mock_create(1, "ims");

	(void)state;
	r->has_origination = r->has_max_wait = true;
	r->origination = now;
	r->max_wait = 5000;
	mock_in(&mock.sgw, S5_CREATE_SESSION_REQUEST, 0, r);
	mock_ms(50);
	assert_int_equal(mock_created()->cause.value, S5_ACCEPTED);
	r->origination = now - 1;
	mock_in(&mock.sgw, S5_CREATE_SESSION_REQUEST, 0, r);
	assert_int_equal(mock_refused(S5_CREATE_SESSION_RESPONSE), S5_LATE_OVERLAPPING);
	r->origination = now - 10000;
	r->imsi.s[14] = '7';
	mock_in(&mock.sgw, S5_CREATE_SESSION_REQUEST, 0, r);
	assert_int_equal(mock_refused(S5_CREATE_SESSION_RESPONSE), S5_TIMED_OUT_REQUEST);
	assert_int_equal(mock.smf.n_pdns, 1);
}

/* --- Modify Bearer Request --- */

static struct s5_modify_bearer_request *new_modify(void)
{
	static struct s5_modify_bearer_request r;

	s5_init(S5_MODIFY_BEARER_REQUEST, &r);
	return &r;
}

static struct s5_modify_bearer_request *new_handover(unsigned int n)
{
	struct s5_modify_bearer_request *r = new_modify();

	r->has_sender = r->has_recovery = true;
	r->sender = mock_fteid(S5_IF_S5C_SGW, 300 + n, MOCK_SGW2);
	r->recovery = 3;
	r->n_bearer = 1;
	r->bearer[0].ebi = 5;
	r->bearer[0].has_s5u_sgw = true;
	r->bearer[0].s5u_sgw = mock_fteid(S5_IF_S5U_SGW, 3000 + n, MOCK_SGW2);
	return r;
}

static const struct s5_modify_bearer_response *modified(void)
{
	static struct s5_modify_bearer_response a;

	mock_take(S5_MODIFY_BEARER_RESPONSE, &a);
	return &a;
}

/* TS 23.401 5.5.1.1.3: control and user plane go to another SGW, what is on its way to the old one ends there. */
static void test_sgw_handover(void **state)
{
	struct smf_pdn *p = mock_attach(1, "ims");
	const struct s5_modify_bearer_response *a;
	uint32_t local = p->bearers->local.teid;

	(void)state;
	assert_int_equal(p->bearers->peer.teid, 1001);
	mock_in(&mock.sgw2, S5_MODIFY_BEARER_REQUEST, p->teid, new_handover(1));
	mock_nothing(); /* before the UPF has it */
	mock_ms(20);
	a = modified();
	assert_int_equal(mock.sent[mock.seen - 1].hdr.id, 301);
	assert_int_equal(a->cause.value, S5_ACCEPTED);
	assert_int_equal(a->n_bearer, 1);
	assert_true(a->bearer[0].has_charging_id);
	assert_string_equal(a->msisdn.s, "15550000001");
	assert_int_equal(a->lbi, 5);
	assert_int_equal(mock.n4.end_markers, 1);
	assert_int_equal(p->bearers->peer.teid, 3001);
	assert_int_equal(p->bearers->local.teid, local);
	assert_int_equal(mock.smf.n_paths, 1);
	assert_true(mock.gx.triggers & SMF_TRIGGER(GX_AN_GW_CHANGE));
	mock_in(&mock.sgw2, S5_MODIFY_BEARER_REQUEST, p->teid, new_handover(1)); /* nothing new */
	modified();
	assert_int_equal(mock.n4.end_markers, 1);
	mock_detach(p);
	mock_empty();
}

/* A bearer that goes while the answer waits for the UPF: the new SGW is told (7.2.8). */
static void test_sgw_handover_without(void **state)
{
	struct smf_pdn *p = mock_attach(1, "ims");
	struct smf_bearer *b = smf_bearer_new(p);
	struct s5_modify_bearer_request *r = new_handover(1);
	const struct s5_modify_bearer_response *a;

	(void)state;
	b->ebi = 6;
	b->state = SMF_BEARER_ACTIVE;
	r->n_bearer = 2;
	r->bearer[1] = r->bearer[0];
	r->bearer[1].ebi = 6;
	mock_in(&mock.sgw2, S5_MODIFY_BEARER_REQUEST, p->teid, r);
	mock_nothing();
	smf_bearer_free(b);
	mock_ms(20);
	a = modified();
	assert_int_equal(a->cause.value, S5_ACCEPTED_PARTIALLY);
	assert_int_equal(a->n_bearer, 2);
	assert_int_equal(a->bearer[0].ebi, 5);
	assert_int_equal(a->bearer[0].cause.value, S5_ACCEPTED);
	assert_int_equal(a->bearer[1].ebi, 6);
	assert_int_equal(a->bearer[1].cause.value, S5_CONTEXT_NOT_FOUND);
	mock_detach(p);
	mock_empty();
}

static void test_modify(void **state)
{
	struct smf_pdn *p = mock_attach(1, "ims");
	struct s5_modify_bearer_request *r = new_modify();
	const struct s5_modify_bearer_response *a;

	(void)state;
	r->has_uli = r->has_rat_type = r->has_time_zone = true;
	r->uli = (struct s5_uli){ .has_tai = true,
				  .has_ecgi = true,
				  .tai = { { "001", "01" }, 1 },
				  .ecgi = { { "001", "01" }, 0x102 } };
	r->rat_type = S5_RAT_EUTRAN;
	r->time_zone.quarters = -4;
	mock_in(&mock.sgw, S5_MODIFY_BEARER_REQUEST, p->teid, r);
	assert_int_equal(modified()->cause.value, S5_ACCEPTED);
	assert_int_equal(mock.gx.triggers, SMF_TRIGGER(GX_USER_LOCATION_CHANGE) |
						   SMF_TRIGGER(GX_ECGI_CHANGE) |
						   SMF_TRIGGER(GX_UE_TIME_ZONE_CHANGE));
	mock_in(&mock.sgw, S5_MODIFY_BEARER_REQUEST, p->teid, r);
	modified();
	assert_int_equal(mock.gx.asked, 1);
	r = new_handover(1);
	r->n_bearer = 2;
	r->bearer[1] = r->bearer[0];
	r->bearer[1].ebi = 9;
	mock_in(&mock.sgw2, S5_MODIFY_BEARER_REQUEST, p->teid, r);
	mock_ms(20);
	a = modified();
	assert_int_equal(a->cause.value, S5_ACCEPTED_PARTIALLY);
	assert_int_equal(a->bearer[0].cause.value, S5_ACCEPTED);
	assert_int_equal(a->bearer[1].cause.value, S5_CONTEXT_NOT_FOUND);
	r->bearer[0].has_s5u_sgw = false;
	mock_in(&mock.sgw2, S5_MODIFY_BEARER_REQUEST, p->teid, r);
	a = modified();
	assert_int_equal(a->cause.value, S5_CONDITIONAL_IE_MISSING);
	assert_int_equal(a->cause.ie_type, S5_IE_F_TEID);
	mock_in(&mock.sgw, S5_MODIFY_BEARER_REQUEST, p->teid + 1, new_modify());
	assert_int_equal(modified()->cause.value, S5_CONTEXT_NOT_FOUND);
	mock.n4.refuse = true;
	mock_in(&mock.sgw, S5_MODIFY_BEARER_REQUEST, p->teid, new_handover(2));
	mock_ms(20);
	assert_int_equal(modified()->cause.value, S5_NO_RESOURCES);
}

/* --- handover between S5 and S2b (TS 23.402 8.6) --- */

static void delete_bearer(const struct sockaddr_storage *to, uint32_t teid, uint8_t lbi,
			  uint8_t cause)
{
	static struct s5_delete_bearer_request r;
	static struct s5_delete_bearer_response a;
	const struct mock_sent *s = mock_take(S5_DELETE_BEARER_REQUEST, &r);

	assert_true(xchg_same_ip(&s->to, to));
	assert_int_equal(s->hdr.id, teid);
	assert_int_equal(r.lbi, lbi);
	assert_int_equal(r.cause.value, cause);
	s5_init(S5_DELETE_BEARER_RESPONSE, &a);
	a.cause.value = S5_ACCEPTED;
	a.has_lbi = true;
	a.lbi = lbi;
	mock_answer(s, S5_DELETE_BEARER_RESPONSE, 0, &a);
}

static void test_access_handover(void **state)
{
	static struct s5_delete_session_request d;
	struct smf_pdn *p = mock_attach(1, "ims");
	struct s5_create_session_request *r = mock_create_s2b(1, "ims");
	const struct s5_create_session_response *a;
	struct s5_paa paa = { .ip4 = p->v4, .ip6 = p->v6 };

	(void)state;
	r->has_indication = r->indication.hi = true;
	r->bearer[0].ebi = 7;
	r->has_apco = true;
	nas_pco_add(&r->apco, NAS_PCO_PCSCF4, NULL, 0);
	mock_in(&mock.epdg, S5_CREATE_SESSION_REQUEST, 0, r);
	mock_in(&mock.sgw2, S5_MODIFY_BEARER_REQUEST, p->teid, new_handover(1)); /* crosses */
	assert_int_equal(modified()->cause.value, S5_HANDOVER_IN_PROGRESS);
	mock_ms(50);
	a = mock_created();
	assert_int_equal(a->cause.value, S5_ACCEPTED);
	assert_int_equal(a->pgw.iface, S5_IF_S2BC_PGW);
	assert_int_equal(a->bearer[0].ebi, 7);
	assert_int_equal(a->bearer[0].s2bu_pgw.iface, S5_IF_S2BU_PGW);
	assert_false(a->bearer[0].has_s5u_pgw);
	assert_true(a->has_apco && !a->has_pco);
	assert_int_equal(a->paa.ip4.s_addr, paa.ip4.s_addr);
	assert_memory_equal(&a->paa.ip6, &paa.ip6, 16);
	assert_true(mock.gx.triggers & SMF_TRIGGER(GX_IP_CAN_CHANGE));
	delete_bearer(&mock.sgw, 101, 5, S5_RAT_3GPP_TO_NON_3GPP);
	assert_int_equal(mock.smf.n_pdns, 1);
	/* the SGW that was left has nothing to say; it deletes what it knows: the connection stays */
	mock_in(&mock.sgw, S5_MODIFY_BEARER_REQUEST, p->teid, new_modify());
	assert_int_equal(modified()->cause.value, S5_CONTEXT_NOT_FOUND);
	s5_init(S5_DELETE_SESSION_REQUEST, &d);
	d.has_lbi = true;
	d.lbi = 5;
	mock_in(&mock.sgw, S5_DELETE_SESSION_REQUEST, p->teid, &d);
	assert_int_equal(mock_refused(S5_DELETE_SESSION_RESPONSE), S5_ACCEPTED);
	assert_int_equal(p->fsm.state, SMF_PDN_ACTIVE);
	/* and back */
	r = mock_create(1, "ims");
	r->indication.hi = true;
	mock_in(&mock.sgw, S5_CREATE_SESSION_REQUEST, 0, r);
	mock_ms(50);
	a = mock_created();
	assert_int_equal(a->paa.ip4.s_addr, paa.ip4.s_addr);
	assert_int_equal(a->pgw.iface, S5_IF_S5C_PGW);
	delete_bearer(&mock.epdg, 201, 7, S5_ACCESS_NON_3GPP_TO_3GPP);
	assert_int_equal(mock.smf.n_pdns, 1);
	assert_int_equal(mock.gx.opened, 1);
	assert_int_equal(mock.smf.n_paths, 1);
	mock_detach(p);
	mock_empty();
	/* nothing to hand over: a new one */
	mock_in(&mock.sgw, S5_CREATE_SESSION_REQUEST, 0, r);
	mock_ms(50);
	assert_int_equal(mock_created()->cause.value, S5_ACCEPTED);
}

/* The UPF does not follow: the new access is refused, the one that was left hears that it is over. */
static void test_access_handover_failed(void **state)
{
	struct s5_create_session_request *r;

	(void)state;
	mock_attach(1, "ims");
	r = mock_create_s2b(1, "ims");
	r->has_indication = r->indication.hi = true;
	mock.n4.refuse = true;
	mock_in(&mock.epdg, S5_CREATE_SESSION_REQUEST, 0, r);
	mock_ms(50);
	delete_bearer(&mock.sgw, 101, 5, S5_RAT_3GPP_TO_NON_3GPP);
	assert_int_equal(mock_refused(S5_CREATE_SESSION_RESPONSE), S5_NO_RESOURCES);
	mock_ms(50);
	assert_int_equal(mock.smf.n_pdns, 0);
}

/* --- dedicated bearers that come with it --- */

static void answer_bearer(const struct mock_sent *s, struct smf_pdn *p, uint8_t ebi)
{
	static struct s5_create_bearer_request r;
	static struct s5_create_bearer_response a;
	struct tlv_error e;
	struct s5_cbp_bearer *b = &a.bearer[0];

	assert_int_equal(s->hdr.type, S5_CREATE_BEARER_REQUEST);
	assert_int_equal(s5_decode(s->p, s->n, NULL, &r, &e), 0);
	assert_int_equal(r.lbi, p->bearers->ebi);
	assert_int_equal(r.n_bearer, 1);
	assert_int_equal(r.bearer[0].tft.n_filter, 1);
	s5_init(S5_CREATE_BEARER_RESPONSE, &a);
	a.cause.value = b->cause.value = S5_ACCEPTED;
	a.n_bearer = 1;
	b->ebi = ebi;
	if (p->non_3gpp) {
		assert_true(r.bearer[0].has_s2bu_pgw && !r.bearer[0].has_s5u_pgw);
		assert_int_equal(r.bearer[0].s2bu_pgw.iface, S5_IF_S2BU_PGW);
		b->has_s2bu_epdg = b->has_s2bu_pgw = true;
		b->s2bu_epdg = mock_fteid(S5_IF_S2BU_EPDG, 0x5100u + ebi, MOCK_EPDG);
		b->s2bu_pgw = r.bearer[0].s2bu_pgw;
	} else {
		assert_true(r.bearer[0].has_s5u_pgw);
		assert_int_equal(r.bearer[0].s5u_pgw.iface, S5_IF_S5U_PGW);
		b->has_s5u_sgw = b->has_s5u_pgw = true;
		b->s5u_sgw = mock_fteid(S5_IF_S5U_SGW, 0x5000u + ebi, MOCK_SGW);
		b->s5u_pgw = r.bearer[0].s5u_pgw;
	}
	mock_answer(s, S5_CREATE_BEARER_RESPONSE, p->teid, &a);
	mock_ms(20);
}

/* The call goes on in the other access: its bearer is made anew there, then the old access is told. */
static void test_handover_in_call(void **state)
{
	struct smf_pdn *p = mock_attach(1, "ims");
	struct s5_create_session_request *r;
	const struct mock_sent *s;

	(void)state;
	mock_rule(p, "voice", 20000);
	smf_bearers_apply(p);
	mock_ms(20);
	answer_bearer(mock_next(), p, 6);
	assert_int_equal(p->bearers->next->state, SMF_BEARER_ACTIVE);
	for (int i = 0; i < 4; i++) {
		bool s2b = i % 2 == 0;

		r = s2b ? mock_create_s2b(1, "ims") : mock_create(1, "ims");
		r->indication.hi = true;
		mock_in(s2b ? &mock.epdg : &mock.sgw, S5_CREATE_SESSION_REQUEST, 0, r);
		mock_ms(20);
		assert_int_equal(mock_created()->cause.value, S5_ACCEPTED);
		if (s2b)
			delete_bearer(&mock.sgw, 101, 5, S5_RAT_3GPP_TO_NON_3GPP);
		else
			delete_bearer(&mock.epdg, 201, 5, S5_ACCESS_NON_3GPP_TO_3GPP);
		s = mock_next();
		assert_non_null(s);
		answer_bearer(s, p, 7);
		assert_int_equal(p->bearers->next->state, SMF_BEARER_ACTIVE);
		assert_int_equal(p->bearers->next->peer.teid, s2b ? 0x5107 : 0x5007);
		assert_int_equal(p->rules->state, SMF_RULE_ACTIVE);
		assert_null(p->bearers->next->next);
	}
	mock_nothing();
	mock_detach(p);
	mock_empty();
}

static void piggybacked(bool with_rule)
{
	static struct s5_create_session_response a;
	const struct mock_sent *s;
	struct mock_sent second;
	struct tlv_error e;
	struct smf_pdn *p;

	mock_in(&mock.sgw, S5_CREATE_SESSION_REQUEST, 0, mock_create(1, "ims"));
	p = mock.smf.pdns;
	if (with_rule)
		mock_rule(p, "voice", 20000); /* as by the CCA-I */
	mock_ms(50);
	s = mock_next();
	assert_int_equal(s->hdr.type, S5_CREATE_SESSION_RESPONSE);
	assert_int_equal(s5_decode(s->p, s->n, NULL, &a, &e), 0);
	assert_int_equal(s->hdr.more, with_rule);
	mock_nothing();
	if (!with_rule)
		return;
	second = *s;
	second.n = s->n - s->hdr.len;
	memmove(second.p, s->p + s->hdr.len, second.n);
	assert_int_equal(tlv_gtpv2.parse(second.p, second.n, &second.hdr), 0);
	answer_bearer(&second, p, 6);
	assert_int_equal(p->bearers->next->state, SMF_BEARER_ACTIVE);
	mock_ms(10000);
	mock_detach(p);
	mock_empty();
}

/* TS 29.274 5.5.1 */
static void test_piggybacked(void **state)
{
	(void)state;
	mock.conf->smf.piggyback = true;
	piggybacked(true);
	piggybacked(false);
}

/* --- the rest --- */

static void test_change_notification(void **state)
{
	static struct s5_change_notification_request r;
	static struct s5_change_notification_response a;
	struct smf_pdn *p = mock_attach(1, "ims");

	(void)state;
	s5_init(S5_CHANGE_NOTIFICATION_REQUEST, &r);
	r.rat_type = S5_RAT_UTRAN;
	r.has_uli = true;
	r.uli = (struct s5_uli){ .has_cgi = true, .cgi = { { "001", "01" }, 1, 2 } };
	mock_in(&mock.sgw, S5_CHANGE_NOTIFICATION_REQUEST, p->teid, &r);
	mock_take(S5_CHANGE_NOTIFICATION_RESPONSE, &a);
	assert_int_equal(a.cause.value, S5_ACCEPTED);
	assert_true(mock.gx.triggers & SMF_TRIGGER(GX_RAT_CHANGE));
	assert_true(mock.gx.triggers & SMF_TRIGGER(GX_TAI_CHANGE));
	assert_int_equal(p->rat, S5_RAT_UTRAN);
	r.rat_type = 0;
	mock_in(&mock.sgw, S5_CHANGE_NOTIFICATION_REQUEST, p->teid, &r);
	assert_int_equal(mock_refused(S5_CHANGE_NOTIFICATION_RESPONSE), S5_MANDATORY_IE_INCORRECT);
	mock_in(&mock.sgw, S5_CHANGE_NOTIFICATION_REQUEST, 1, &r);
	assert_int_equal(mock_refused(S5_CHANGE_NOTIFICATION_RESPONSE), S5_CONTEXT_NOT_FOUND);
}

static void test_suspend(void **state)
{
	static struct s5_suspend_notification r;
	static struct s5_resume_notification back;
	struct smf_pdn *p = mock_attach(1, "ims");
	int asked = mock.n4.asked;

	(void)state;
	s5_init(S5_SUSPEND_NOTIFICATION, &r);
	s5_init(S5_RESUME_NOTIFICATION, &back);
	back.imsi = mock_create(1, "ims")->imsi;
	mock_in(&mock.sgw, S5_SUSPEND_NOTIFICATION, p->teid, &r);
	assert_int_equal(mock_refused(S5_SUSPEND_ACKNOWLEDGE), S5_ACCEPTED);
	assert_true(p->suspended);
	assert_int_equal(mock.n4.asked, asked + 1);
	mock_ms(20);
	mock_in(&mock.sgw, S5_RESUME_NOTIFICATION, p->teid, &back);
	assert_int_equal(mock_refused(S5_RESUME_ACKNOWLEDGE), S5_ACCEPTED);
	assert_false(p->suspended);
	mock_in(&mock.sgw, S5_SUSPEND_NOTIFICATION, p->teid, &r);
	mock_next();
	mock_in(&mock.sgw, S5_MODIFY_BEARER_REQUEST, p->teid, new_modify()); /* resumes, too */
	mock_ms(20);
	modified();
	assert_false(p->suspended);
}

static void test_delete_set(void **state)
{
	static struct s5_delete_pdn_set_request r;
	struct s5_create_session_request *c;

	(void)state;
	for (unsigned int n = 1; n <= 4; n++) {
		c = mock_create(n, "ims");
		c->has_sgw_csid = c->has_mme_csid = true;
		c->sgw_csid =
			(struct s5_fq_csid){ .node = { 10, 47, 0, 1 }, .csid = { 1 }, .n = 1 };
		c->mme_csid = (struct s5_fq_csid){ .node = { 10, 47, 0, 9 },
						   .csid = { (uint16_t)(n % 2) },
						   .n = 1 };
		mock_in(&mock.sgw, S5_CREATE_SESSION_REQUEST, 0, c);
		mock_ms(50);
	}
	mock.seen = mock.n_sent;
	s5_init(S5_DELETE_PDN_SET_REQUEST, &r);
	r.n_mme_csid = 1;
	r.mme_csid[0] = (struct s5_fq_csid){ .node = { 10, 47, 0, 9 }, .csid = { 7, 1 }, .n = 2 };
	mock_in(&mock.sgw, S5_DELETE_PDN_SET_REQUEST, 0, &r);
	assert_int_equal(mock_refused(S5_DELETE_PDN_SET_RESPONSE), S5_ACCEPTED);
	mock_ms(50);
	assert_int_equal(mock.smf.n_pdns, 2);
	r.n_mme_csid = 0;
	r.n_sgw_csid = 1;
	r.sgw_csid[0] = (struct s5_fq_csid){ .node = { 10, 47, 0, 1 }, .csid = { 1 }, .n = 1 };
	mock_in(&mock.sgw, S5_DELETE_PDN_SET_REQUEST, 0, &r);
	mock_ms(50);
	mock_empty();
}

/* TS 23.007 18: a restarted SGW has nothing any more, another one still has. */
static void test_sgw_restart(void **state)
{
	struct s5_create_session_request *r;
	uint8_t counter = 9;

	(void)state;
	for (unsigned int n = 1; n <= 3; n++) {
		r = mock_create(n, "ims");
		r->has_recovery = true;
		r->recovery = counter;
		mock_in(&mock.sgw, S5_CREATE_SESSION_REQUEST, 0, r);
		mock_ms(50);
	}
	r = mock_create(4, "ims");
	r->sender = mock_fteid(S5_IF_S5C_SGW, 999, MOCK_SGW2);
	mock_in(&mock.sgw2, S5_CREATE_SESSION_REQUEST, 0, r);
	mock_ms(50);
	assert_int_equal(mock.smf.n_pdns, 4);
	assert_int_equal(mock.smf.n_paths, 2);
	r = mock_create(5, "ims");
	r->has_recovery = true;
	r->recovery = counter + 1; /* its first request after the restart */
	mock_in(&mock.sgw, S5_CREATE_SESSION_REQUEST, 0, r);
	mock_ms(50);
	assert_int_equal(mock.smf.n_pdns, 2);
	assert_int_equal(mock.gx.n, 2);
	assert_int_equal(mock.smf.n_paths, 2);
}

/* Every Echo Request stays without an answer: nothing ends; TS 23.007 20.2.1 leaves it to us. */
static void test_path_down(void **state)
{
	(void)state;
	mock_attach(1, "ims");
	mock_ms(120000);
	assert_int_equal(mock.smf.n_pdns, 1);
}

static void test_release(void **state)
{
	static struct s5_delete_session_request d;
	struct smf_pdn *p = mock_attach(1, "ims");

	(void)state;
	smf_pdn_release(p, S5_REACTIVATION_REQUESTED);
	delete_bearer(&mock.sgw, 101, 5, S5_REACTIVATION_REQUESTED);
	mock_ms(50);
	mock_empty();
	/* crossing with the UE's */
	p = mock_attach(1, "ims");
	smf_pdn_release(p, S5_REACTIVATION_REQUESTED);
	mock_next();
	s5_init(S5_DELETE_SESSION_REQUEST, &d);
	mock_in(&mock.sgw, S5_DELETE_SESSION_REQUEST, p->teid, &d);
	assert_int_equal(mock_refused(S5_DELETE_SESSION_RESPONSE), S5_ACCEPTED);
	mock_ms(50);
	mock_empty();
	/* no answer */
	p = mock_attach(1, "ims");
	smf_pdn_release(p, S5_REACTIVATION_REQUESTED);
	mock_ms(30000);
	mock_empty();
	/* before it is there: its request is refused */
	mock_in(&mock.sgw, S5_CREATE_SESSION_REQUEST, 0, mock_create(1, "ims"));
	mock.seen = mock.n_sent;
	smf_pdn_release(mock.smf.pdns, S5_REACTIVATION_REQUESTED);
	assert_int_equal(mock_refused(S5_CREATE_SESSION_RESPONSE), S5_REQUEST_REJECTED);
	mock_ms(50);
	mock_empty();
}

static void test_unknown_session(void **state)
{
	static union s5_any any;
	static const uint8_t types[] = {
		S5_MODIFY_BEARER_REQUEST, S5_DELETE_SESSION_REQUEST, S5_CHANGE_NOTIFICATION_REQUEST,
		S5_MODIFY_BEARER_COMMAND, S5_DELETE_BEARER_COMMAND,  S5_BEARER_RESOURCE_COMMAND,
		S5_SUSPEND_NOTIFICATION,  S5_RESUME_NOTIFICATION,
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(types); i++) {
		const struct mock_sent *s;

		s5_init(types[i], &any);
		mock_in(&mock.sgw, types[i], 0x12345, &any);
		s = mock_next();
		assert_non_null(s);
		assert_int_equal(s->hdr.type, types[i] + 1);
	}
	mock_nothing();
}

static void test_wrong_lbi(void **state)
{
	static struct s5_delete_session_request d;
	struct smf_pdn *p = mock_attach(1, "ims");

	(void)state;
	s5_init(S5_DELETE_SESSION_REQUEST, &d);
	d.has_lbi = true;
	d.lbi = 6;
	mock_in(&mock.sgw, S5_DELETE_SESSION_REQUEST, p->teid, &d);
	assert_int_equal(mock_refused(S5_DELETE_SESSION_RESPONSE), S5_CONTEXT_NOT_FOUND);
	assert_int_equal(p->fsm.state, SMF_PDN_ACTIVE);
}

/* --- tshark --- */

static char dump_dir[] = "/tmp/kims-smf-XXXXXX", dump_path[64];

static int first_setup(void **state)
{
	(void)state;
	if (mkdtemp(dump_dir))
		snprintf(dump_path, sizeof(dump_path), "%s/hex", dump_dir);
	return 0;
}

static int last_teardown(void **state)
{
	(void)state;
	remove(dump_path);
	rmdir(dump_dir);
	return 0;
}

static int dump_setup(void **state)
{
	setup(state);
	mock.dump = fopen(dump_path, "ae");
	return 0;
}

static int dump_teardown(void **state)
{
	FILE *f = mock.dump;

	mock.dump = NULL;
	if (f)
		fclose(f);
	return teardown(state);
}

/* What the tests above sent and got: nothing malformed, nothing that an expert would complain of. */
static void test_tshark(void **state)
{
	char cmd[1024], out[4096];
	size_t n;
	FILE *f;

	(void)state;
	if (system("command -v tshark text2pcap >/dev/null 2>&1"))
		skip();
	snprintf(
		cmd, sizeof(cmd),
		"cd %s && text2pcap -q -u 2123,2123 hex pcap >/dev/null 2>&1; "
		"tshark -n -r pcap -Y '_ws.malformed || _ws.expert.severity >= 6291456' "
		"-T fields -e frame.number -e gtpv2.message_type -e _ws.expert.message 2>/dev/null; "
		"tshark -n -r pcap -Y '!gtpv2' 2>/dev/null; "
		"tshark -n -r pcap -Y gtpv2 2>/dev/null | wc -l; rm pcap",
		dump_dir);
	f = popen(cmd, "re");
	assert_non_null(f);
	n = fread(out, 1, sizeof(out) - 1, f);
	out[n] = 0;
	pclose(f);
	if (strchr(out, '\n') != out + n - 1 || atoi(out) < 100)
		fail_msg("%s", out);
}

static void test_fsm(void **state)
{
	char why[128] = "";

	(void)state;
	if (fsm_check(&smf_pdn_fsm, why, sizeof(why)))
		fail_msg("%s", why);
}

#define T(x) cmocka_unit_test_setup_teardown(x, dump_setup, dump_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_attach),
		T(test_types),
		T(test_transport),
		T(test_static_addresses),
		T(test_profile_addresses),
		T(test_profile_address_freed),
		T(test_overload_information),
		T(test_pool_used_up),
		T(test_refused),
		cmocka_unit_test_setup_teardown(test_every_ie, setup,
						teardown), /* broken on purpose */
		T(test_peers_refuse),
		T(test_emergency),
		T(test_repeated),
		T(test_create_again),
		T(test_halves),
		T(test_late),
		T(test_sgw_handover),
		T(test_sgw_handover_without),
		T(test_modify),
		T(test_access_handover),
		T(test_access_handover_failed),
		T(test_handover_in_call),
		T(test_piggybacked),
		T(test_change_notification),
		T(test_suspend),
		T(test_delete_set),
		T(test_sgw_restart),
		T(test_path_down),
		T(test_release),
		T(test_wrong_lbi),
		cmocka_unit_test_setup_teardown(test_unknown_session, setup, teardown),
		cmocka_unit_test(test_fsm),
		cmocka_unit_test(test_tshark),
	};

	return cmocka_run_group_tests(tests, first_setup, last_teardown);
}
