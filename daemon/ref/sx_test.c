// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * PFCP messages by their tables (tlv_test.h does most of it), and what single IEs look like on the wire: CHOOSE,
 * outer headers, causes of what is missing or wrong.
 */
#include "ref/sx.h"
#include "ref/tlv_test.h"

#define FUZZ_REPLAY
#include "tests/fuzz/fuzz_pfcp.c"

static const struct in_addr ip4 = { .s_addr = 0x0100007f };
static const struct in6_addr ip6 = { .s6_addr = { 0xfd, 0x46, [15] = 1 } };

static void sample_text(uint16_t type, void *slot)
{
	switch (type) {
	case SX_IE_NETWORK_INSTANCE:
		*(struct str *)slot = STR("\3ims");
		return;
	case SX_IE_APPLICATION_ID:
	case SX_IE_APPLICATION_INSTANCE:
	case SX_IE_ACTIVATE_RULES:
	case SX_IE_DEACTIVATE_RULES:
	case SX_IE_RULES_NAME:
	case SX_IE_FORWARDING_POLICY:
	case SX_IE_POOL_ID:
		*(struct str *)slot = STR("video");
		return;
	case SX_IE_FRAMED_ROUTE:
		*(struct str *)slot = STR("10.45.1.0/24 0.0.0.0 1");
		return;
	case SX_IE_FRAMED_IPV6_ROUTE:
		*(struct str *)slot = STR("fd45:1::/64 :: 1");
		return;
	case SX_IE_TRACE_INFORMATION:
		*(struct str *)slot = STR("\0\361\20\0\0\1\1\1\1\1\1\4\12\56\0\1");
		return;
	case SX_IE_SMF_SET_ID:
		*(struct str *)slot = STR("\0\3smf");
		return;
	case SX_IE_GROUP_ID:
		*(struct str *)slot = STR("group");
		return;
	case SX_IE_NF_INSTANCE:
		*(struct str *)slot = STR("0123456789abcdef");
		return;
	case SX_IE_APN_DNN:
		*(struct sx_name *)slot = (struct sx_name){ "ims.mnc001.mcc001.gprs" };
		return;
	}
	fail_msg("no sample for IE %u", type);
}

static void sample_report(uint16_t type, void *slot)
{
	switch (type) {
	case SX_IE_VOLUME:
		*(struct sx_volume *)slot = (struct sx_volume){
			.has_total = true, .has_dl_packets = true, .total = 7, .dl_packets = 8
		};
		return;
	case SX_IE_VOLUME_THRESHOLD:
	case SX_IE_VOLUME_QUOTA:
	case SX_IE_SUB_VOLUME_THRESHOLD:
	case SX_IE_SUB_VOLUME_QUOTA:
		*(struct sx_volume *)slot = (struct sx_volume){
			.has_ul = true, .has_dl = true, .ul = 7, .dl = 1ull << 40
		};
		return;
	case SX_IE_DROPPED_THRESHOLD:
		*(struct sx_dropped *)slot = (struct sx_dropped){ true, true, 5, 6 };
		return;
	case SX_IE_TRIGGERS:
		*(struct sx_triggers *)slot = (struct sx_triggers){ .volth = true, .quvti = true };
		return;
	case SX_IE_REPORT_TRIGGER:
		*(struct sx_report_triggers *)slot =
			(struct sx_report_triggers){ .start = true, .termr = true, .tebur = true };
		return;
	case SX_IE_REPORT_TYPE:
		*(struct sx_report_type *)slot =
			(struct sx_report_type){ .usar = true, .dldr = true };
		return;
	case SX_IE_METHOD:
		*(struct sx_method *)slot = (struct sx_method){ .volum = true };
		return;
	case SX_IE_USAGE_INFO:
		*(struct sx_usage_info *)slot = (struct sx_usage_info){ .aft = true };
		return;
	case SX_IE_MEASUREMENT_INFO:
		*(struct sx_measurement_info *)slot = (struct sx_measurement_info){ .istm = true };
		return;
	case SX_IE_NODE_REPORT_TYPE:
		*(struct sx_node_report *)slot = (struct sx_node_report){ .upfr = true };
		return;
	case SX_IE_REPORTS_INFO:
		*(struct sx_reports_info *)slot = (struct sx_reports_info){ true, 300 };
		return;
	case SX_IE_FLOW_INFO:
		*(struct sx_flow_info *)slot =
			(struct sx_flow_info){ 1, STR("permit out 17 from any to assigned") };
		return;
	case SX_IE_FAILED_RULE:
		*(struct sx_failed_rule *)slot = (struct sx_failed_rule){ SX_RULE_URR, 9 };
		return;
	case SX_IE_OFFENDING_INFO:
		*(struct sx_offending *)slot = (struct sx_offending){ 56, STR("\0\1") };
		return;
	case SX_IE_DL_SERVICE:
		*(struct sx_dl_service *)slot = (struct sx_dl_service){ true, true, 3, 5 };
		return;
	case SX_IE_DL_PACKETS:
		*(struct sx_uint *)slot = (struct sx_uint){ 300, 2 };
		return;
	case SX_IE_TIME_QUOTA_MECHANISM:
		*(struct sx_time_quota *)slot = (struct sx_time_quota){ 1, 60 };
		return;
	case SX_IE_PFD_CONTENTS:
		*(struct sx_pfd *)slot =
			(struct sx_pfd){ .flow = STR("permit in ip from any to any"),
					 .domain = STR("example.org") };
		return;
	}
	sample_text(type, slot);
}

static void sample_rule(uint16_t type, void *slot)
{
	switch (type) {
	case SX_IE_F_TEID:
		*(struct sx_fteid *)slot = (struct sx_fteid){
			.v4 = true, .v6 = true, .teid = 7, .ip4 = ip4, .ip6 = ip6
		};
		return;
	case SX_IE_F_SEID:
		*(struct sx_fseid *)slot =
			(struct sx_fseid){ 0x1122334455667788, true, true, ip4, ip6 };
		return;
	case SX_IE_NODE_ID:
		*(struct sx_node_id *)slot =
			(struct sx_node_id){ .type = SX_NODE_FQDN, .fqdn = { "upf.kims.test" } };
		return;
	case SX_IE_UE_IP:
		*(struct sx_ue_ip *)slot = (struct sx_ue_ip){
			.v4 = true, .v6 = true, .sd = true, .ip4 = ip4, .ip6 = ip6
		};
		return;
	case SX_IE_SDF_FILTER:
		*(struct sx_sdf_filter *)slot = (struct sx_sdf_filter){
			.fd = true,
			.bid = true,
			.flow = STR("permit out 17 from 10.0.0.1 20000 to assigned 5000"),
			.id = 4
		};
		return;
	case SX_IE_GATE_STATUS:
		*(struct sx_gate_status *)slot =
			(struct sx_gate_status){ SX_GATE_OPEN, SX_GATE_CLOSED };
		return;
	case SX_IE_MBR:
	case SX_IE_GBR:
		*(struct sx_rate *)slot = (struct sx_rate){ 41, 1ull << 33 };
		return;
	case SX_IE_REDIRECT:
		*(struct sx_redirect *)slot =
			(struct sx_redirect){ SX_REDIRECT_URL, STR("http://portal.test/"), { 0 } };
		return;
	case SX_IE_APPLY_ACTION:
		*(struct sx_action *)slot = (struct sx_action){ .buff = true, .nocp = true };
		return;
	case SX_IE_SMREQ_FLAGS:
		*(struct sx_smreq_flags *)slot = (struct sx_smreq_flags){ .sndem = true };
		return;
	case SX_IE_CREATION:
		*(struct sx_creation *)slot =
			(struct sx_creation){ .desc = SX_CREATE_GTPU4, .teid = 9, .ip4 = ip4 };
		return;
	case SX_IE_REMOVAL:
		*(struct sx_removal *)slot = (struct sx_removal){ .desc = SX_REMOVE_GTPU };
		return;
	case SX_IE_DL_FLOW_MARKING:
		*(struct sx_marking *)slot =
			(struct sx_marking){ .has_tos = true, .tos = 0xb8, .tos_mask = 0xfc };
		return;
	case SX_IE_HEADER_ENRICHMENT:
		*(struct sx_header_enrichment *)slot =
			(struct sx_header_enrichment){ 0, STR("X-MSISDN"), STR("1") };
		return;
	case SX_IE_GTPU_PEER:
		*(struct sx_gtpu_peer *)slot = (struct sx_gtpu_peer){ .v4 = true, .ip4 = ip4 };
		return;
	case SX_IE_USER_ID:
		*(struct sx_user_id *)slot = (struct sx_user_id){ .imsi = STR("\0\1\1\0\0\0\0\361"),
								  .nai = STR("u@test") };
		return;
	case SX_IE_FQ_CSID:
		*(struct sx_fq_csid *)slot = (struct sx_fq_csid){
			.node = { 10, 46, 0, 5 }, .csid = { 1, 2 }, .n = 2, .role = 2
		};
		return;
	case SX_IE_S_NSSAI:
		*(struct sx_snssai *)slot = (struct sx_snssai){ 1, 0xffffff };
		return;
	}
	sample_report(type, slot);
}

static void sample_node(uint16_t type, void *slot)
{
	switch (type) {
	case SX_IE_UP_FEATURES:
		*(struct sx_up_features *)slot = (struct sx_up_features){
			.bucp = true, .ftup = true, .ueip = true, .mnop = true
		};
		return;
	case SX_IE_CP_FEATURES:
		*(struct sx_cp_features *)slot = (struct sx_cp_features){ .load = true };
		return;
	case SX_IE_RELEASE_REQUEST:
		*(struct sx_release *)slot = (struct sx_release){ .sarr = true };
		return;
	case SX_IE_TIMER:
	case SX_IE_GRACEFUL_PERIOD:
	case SX_IE_DL_DURATION:
		*(struct tlv_timer *)slot = (struct tlv_timer){ 1, 5 };
		return;
	case SX_IE_ALT_SMF_IP:
	case SX_IE_CP_ENTITY_IP:
		*(struct sx_ip *)slot = (struct sx_ip){ .v4 = true, .ip4 = ip4 };
		return;
	case SX_IE_SOURCE_IP:
		/* tshark 4.0 reads beyond the end when there is a prefix length (mpl). */
		*(struct sx_source_ip *)slot = (struct sx_source_ip){ .v4 = true, .ip4 = ip4 };
		return;
	case SX_IE_NUMBER_OF_UE_IPS:
		*(struct sx_ue_ips *)slot = (struct sx_ue_ips){ true, true, 10, 20 };
		return;
	case SX_IE_IP_VERSION:
		*(struct sx_ip_version *)slot = (struct sx_ip_version){ true, true };
		return;
	}
	sample_rule(type, slot);
}

static void sample(uint16_t type, void *slot, size_t i)
{
	switch (type) {
	case SX_IE_CAUSE:
	case SX_IE_SOURCE_INTERFACE:
	case SX_IE_DESTINATION_INTERFACE:
	case SX_IE_DDN_DELAY:
	case SX_IE_SRRSP_FLAGS:
	case SX_IE_METRIC:
	case SX_IE_BAR_ID:
	case SX_IE_OCI_FLAGS:
	case SX_IE_PDN_TYPE:
	case SX_IE_RQI:
	case SX_IE_QFI:
	case SX_IE_SUGGESTED_PACKETS:
	case SX_IE_PAGING_POLICY:
	case SX_IE_INTERFACE_3GPP:
	case SX_IE_SRREQ_FLAGS:
	case SX_IE_AUREQ_FLAGS:
	case SX_IE_ASRSP_FLAGS:
	case SX_IE_ASREQ_FLAGS:
	case SX_IE_SEREQ_FLAGS:
	case SX_IE_QER_CONTROL:
	case SX_IE_DATA_STATUS:
	case SX_IE_ENDPOINT_ID:
	case SX_IE_RAT_TYPE:
		*(uint8_t *)slot = 1;
		return;
	case SX_IE_OFFENDING_IE:
		*(uint16_t *)slot = SX_IE_PDR_ID;
		return;
	case SX_IE_MARKING:
		*(uint16_t *)slot = 0xb8fc;
		return;
	case SX_IE_PDR_ID:
	case SX_IE_NUMBER_OF_REPORTS:
	case SX_IE_DL_PACKET_SIZE:
	case SX_IE_VALIDITY:
		*(uint16_t *)slot = (uint16_t)(i + 1);
		return;
	case SX_IE_QER_CORRELATION:
	case SX_IE_PRECEDENCE:
	case SX_IE_TIME_THRESHOLD:
	case SX_IE_SUB_TIME_THRESHOLD:
	case SX_IE_INACTIVITY:
	case SX_IE_SEQUENCE_NUMBER:
	case SX_IE_PERIOD:
	case SX_IE_DURATION:
	case SX_IE_QUOTA_HOLDING:
	case SX_IE_TIME_QUOTA:
	case SX_IE_SUB_TIME_QUOTA:
	case SX_IE_URR_ID:
	case SX_IE_LINKED_URR:
	case SX_IE_FAR_ID:
	case SX_IE_QER_ID:
	case SX_IE_UR_SEQN:
	case SX_IE_UP_INACTIVITY:
	case SX_IE_QUERY_REFERENCE:
	case SX_IE_EVENT_QUOTA:
	case SX_IE_EVENT_THRESHOLD:
	case SX_IE_SUB_EVENT_QUOTA:
	case SX_IE_SUB_EVENT_THRESHOLD:
	case SX_IE_FRAMED_ROUTING:
	case SX_IE_AVERAGING_WINDOW:
	case SX_IE_QUOTA_VALIDITY:
		*(uint32_t *)slot = (uint32_t)(i + 1);
		return;
	case SX_IE_MONITORING_TIME:
	case SX_IE_TIME_FIRST:
	case SX_IE_TIME_LAST:
	case SX_IE_START_TIME:
	case SX_IE_END_TIME:
	case SX_IE_RECOVERY_TS:
	case SX_IE_TIME_STAMP:
	case SX_IE_ACTIVATION_TIME:
	case SX_IE_DEACTIVATION_TIME:
		*(uint32_t *)slot = 0xe0000001;
		return;
	}
	sample_node(type, slot);
}

static void fuzz(const uint8_t *p, size_t n)
{
	fuzz_pfcp(p, n);
}

static const struct suite sx = { .name = "sx",
				 .format = &tlv_pfcp,
				 .msg = sx_msg,
				 .sample = sample,
				 .has_id = sx_is_session,
				 .port = 8805,
				 .fuzz = fuzz,
				 .doc = sx_doc };

/* --- single IEs --- */

static struct sx_session_establishment_request *request(void)
{
	struct sx_session_establishment_request *r = (void *)body;

	sx_init(SX_SESSION_ESTABLISHMENT_REQUEST, r);
	r->node_id.type = SX_NODE_IPV4;
	r->cp_fseid = (struct sx_fseid){ .seid = 1, .v4 = true, .ip4 = ip4 };
	r->n_create_pdr = r->n_create_far = 1;
	r->create_pdr[0].id = 1;
	r->create_far[0].id = 1;
	r->create_far[0].action.forw = true;
	return r;
}

static uint8_t cause_of(const struct sx_session_establishment_request *r, struct tlv_error *e)
{
	static uint8_t buf[MSG_MAX];
	struct tlv_buf b = TLV_BUF(buf);

	assert_int_equal(sx_encode(SX_SESSION_ESTABLISHMENT_REQUEST, 0, r, &b), 0);
	sx_decode(b.p, b.n, NULL, body2, e);
	return e->cause;
}

/* The UP function chooses (8.2.3, 8.2.62): no TEID and no address on the wire. */
static void test_choose(void **state)
{
	struct sx_session_establishment_request *r = request(), *back = (void *)body2;
	struct tlv_error e;
	struct sx_pdi *pdi = &r->create_pdr[0].pdi;

	(void)state;
	pdi->has_fteid = pdi->has_ue_ip = true;
	pdi->fteid = (struct sx_fteid){
		.v4 = true, .v6 = true, .ch = true, .chid = true, .choose_id = 5
	};
	pdi->ue_ip = (struct sx_ue_ip){ .chv4 = true, .chv6 = true };
	assert_int_equal(cause_of(r, &e), 0);
	assert_true(back->create_pdr[0].pdi.fteid.ch &&
		    back->create_pdr[0].pdi.fteid.choose_id == 5);
	assert_true(back->create_pdr[0].pdi.ue_ip.chv6);
	pdi->fteid =
		(struct sx_fteid){ .ch = true }; /* neither IPv4 nor IPv6: optional, left out */
	assert_int_equal(cause_of(r, &e), 0);
	assert_false(back->create_pdr[0].pdi.has_fteid);
	pdi->ue_ip = (struct sx_ue_ip){ .v4 = true, .chv4 = true };
	assert_int_equal(cause_of(r, &e), 0);
	assert_false(back->create_pdr[0].pdi.has_ue_ip);
}

/* 8.2.56: which fields are there follows from the description. */
static void test_outer_header(void **state)
{
	static const struct {
		uint16_t desc;
		size_t octets;
	} rows[] = { { SX_CREATE_GTPU4, 10 },
		     { SX_CREATE_GTPU6, 22 },
		     { SX_CREATE_GTPU4 | SX_CREATE_GTPU6, 26 },
		     { SX_CREATE_UDP4, 8 },
		     { SX_CREATE_UDP6, 20 },
		     { SX_CREATE_IP6, 18 } };
	struct sx_session_establishment_request *r = request(), *back = (void *)body2;
	uint8_t buf[512];
	struct tlv_error e;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct tlv_buf b = TLV_BUF(buf);
		struct str v;
		uint8_t *p;

		r->create_far[0].has_forwarding = r->create_far[0].forwarding.has_creation = true;
		r->create_far[0].forwarding.creation =
			(struct sx_creation){ rows[i].desc, 7, ip4, ip6, 2152, 0, 0 };
		assert_int_equal(cause_of(r, &e), 0);
		assert_int_equal(back->create_far[0].forwarding.creation.desc, rows[i].desc);
		assert_int_equal(sx_encode(SX_SESSION_ESTABLISHMENT_REQUEST, 0, r, &b), 0);
		p = memmem(b.p, b.n, "\0\124", 2);
		assert_non_null(p);
		v = (struct str){ (char *)p, 4 };
		assert_int_equal((uint8_t)v.p[3], rows[i].octets);
	}
	r->create_far[0].forwarding.creation.desc = 0;
	assert_int_equal(cause_of(r, &e), SX_MANDATORY_IE_INCORRECT);
	assert_int_equal(e.type, SX_IE_CREATION);
}

static void test_too_many(void **state)
{
	struct sx_session_establishment_request *r = request();
	uint8_t buf[4096];
	struct tlv_buf b = TLV_BUF(buf);
	struct tlv_error e;

	(void)state;
	assert_int_equal(sx_encode(SX_SESSION_ESTABLISHMENT_REQUEST, 0, r, &b), 0);
	for (int i = 0; i < SX_RULES_MAX; i++) {
		size_t at = tlv_open(&b, &tlv_pfcp, SX_IE_CREATE_FAR, 0, 0);

		tlv_put(&b, &tlv_pfcp, SX_IE_FAR_ID, 0, "\0\0\0\7", 4);
		tlv_put(&b, &tlv_pfcp, SX_IE_APPLY_ACTION, 0, "\2", 1);
		tlv_close(&b, &tlv_pfcp, at);
	}
	tlv_end(&b, &tlv_pfcp, 0);
	assert_int_equal(sx_decode(b.p, b.n, NULL, body2, &e), -EBADMSG);
	assert_true(e.cause == SX_NO_RESOURCES && e.type == SX_IE_CREATE_FAR);
}

/* A deep pile of groups inside groups is not followed. */
static void test_nesting(void **state)
{
	static uint8_t buf[32768];
	struct tlv_buf b = TLV_BUF(buf);
	struct tlv_hdr h = { .type = SX_SESSION_ESTABLISHMENT_REQUEST, .has_id = true };
	struct tlv_error e;
	size_t at[1000];

	(void)state;
	tlv_pfcp.begin(&b, &h);
	for (size_t i = 0; i < ARRAY_SIZE(at); i++)
		at[i] = tlv_open(&b, &tlv_pfcp, i % 2 ? SX_IE_PDI : SX_IE_CREATE_PDR, 0, 0);
	for (size_t i = ARRAY_SIZE(at); i-- > 0;)
		tlv_close(&b, &tlv_pfcp, at[i]);
	tlv_end(&b, &tlv_pfcp, 0);
	assert_int_equal(sx_decode(b.p, b.n, NULL, body2, &e), -EBADMSG);
	assert_int_equal(e.cause, SX_MANDATORY_IE_MISSING);
}

/* Vendors' IEs are passed over (8.1.1). */
static void test_enterprise(void **state)
{
	struct sx_heartbeat_request r = { .recovery_ts = 5 }, back;
	uint8_t buf[64];
	struct tlv_buf b = TLV_BUF(buf);
	struct tlv_error e;
	size_t at;

	(void)state;
	assert_int_equal(sx_encode(SX_HEARTBEAT_REQUEST, 0, &r, &b), 0);
	assert_int_equal(b.n, 16);
	at = tlv_open(&b, &tlv_pfcp, 0x8000 | SX_IE_RECOVERY_TS, 10415, 0);
	memcpy(tlv_grow(&b, 4), "abcd", 4);
	tlv_close(&b, &tlv_pfcp, at);
	tlv_end(&b, &tlv_pfcp, 0);
	assert_int_equal(sx_decode(b.p, b.n, NULL, &back, &e), 0);
	assert_int_equal(back.recovery_ts, 5);
}

static void test_network_instance(void **state)
{
	struct sx_name n;
	uint8_t o[256];
	struct str v = sx_network_instance("ims.kims", o);

	(void)state;
	assert_true(str_eq(v, STR("\3ims\4kims")));
	assert_int_equal(sx_network_instance_text(v, &n), 0);
	assert_string_equal(n.s, "ims.kims");
	assert_int_equal(sx_network_instance_text(STR("internet"), &n), 0);
	assert_string_equal(n.s, "internet");
	assert_int_equal(sx_network_instance_text(STR("\3im"), &n), -EBADMSG);
	assert_int_equal(sx_network_instance_text((struct str){ 0 }, &n), -EBADMSG);
	assert_null(
		sx_network_instance(
			"a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a."
			"a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a."
			"a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a."
			"a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a",
			o)
			.p);
}

static void test_refusal(void **state)
{
	struct sx_node_id node = { .type = SX_NODE_IPV4, .ip4 = ip4 };
	struct sx_session_establishment_response *r = (void *)body2;
	uint8_t buf[128];
	struct tlv_buf b = TLV_BUF(buf);
	struct tlv_error e;
	struct tlv_hdr h;

	(void)state;
	assert_int_equal(sx_encode_refusal(SX_SESSION_ESTABLISHMENT_REQUEST, 77, &node,
					   SX_MANDATORY_IE_MISSING, SX_IE_CREATE_FAR, &b),
			 0);
	assert_int_equal(sx_decode(b.p, b.n, &h, r, &e), 0);
	assert_true(h.has_id && h.id == 77 && r->cause == SX_MANDATORY_IE_MISSING);
	assert_true(r->has_offending && r->offending == SX_IE_CREATE_FAR &&
		    r->node_id.ip4.s_addr == ip4.s_addr);
	b.n = 0;
	assert_int_equal(sx_encode_refusal(SX_SESSION_DELETION_REQUEST, 77, &node,
					   SX_SESSION_NOT_FOUND, 0, &b),
			 0);
	assert_int_equal(sx_decode(b.p, b.n, &h, r, &e), 0);
	assert_int_equal(sx_encode_refusal(SX_HEARTBEAT_REQUEST, 0, &node, SX_REJECTED, 0, &b),
			 -ENOENT);
	assert_string_equal(sx_cause_name(72), "No established PFCP Association");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TLV_TESTS,
		cmocka_unit_test(test_choose),
		cmocka_unit_test(test_outer_header),
		cmocka_unit_test(test_too_many),
		cmocka_unit_test(test_nesting),
		cmocka_unit_test(test_enterprise),
		cmocka_unit_test(test_network_instance),
		cmocka_unit_test(test_refusal),
	};

	suite = &sx;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
