// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * GTPv2-C messages by their tables (tlv_test.h does most of it), and what single IEs look like on the wire:
 * PCO, traffic flow templates, locations, causes.
 */
#include "ref/s5.h"
#include "ref/tlv_test.h"

#include <arpa/inet.h>

#define FUZZ_REPLAY
#include "tests/fuzz/fuzz_gtpv2.c"

static const struct tlv_plmn plmn = { "001", "01" }, plmn3 = { "310", "410" };
static const struct in_addr ip4 = { .s_addr = 0x0100007f };
static const struct in6_addr ip6 = { .s6_addr = { 0xfd, 0x46, [15] = 1 } };

static void sample_nas(uint16_t type, void *slot)
{
	static const struct nas_filter f = { .id = 3,
					     .dir = NAS_DIR_BOTH,
					     .precedence = 7,
					     .has = NAS_REMOTE4 | NAS_PROTO | NAS_REMOTE_PORT |
						    NAS_LOCAL_PORT,
					     .remote4 = { 0x0100007f },
					     .remote4_mask = { 0xffffffff },
					     .proto = 17,
					     .local_low = 5000,
					     .local_high = 5000,
					     .remote_low = 20000,
					     .remote_high = 20001 };

	if (type == S5_IE_TFT || type == S5_IE_TAD) {
		*(struct nas_tft *)slot =
			(struct nas_tft){ .op = NAS_TFT_CREATE, .filter = { f, f }, .n_filter = 2 };
		((struct nas_tft *)slot)->filter[1].id = 4;
		return;
	}
	*(struct nas_pco *)slot = (struct nas_pco){ .opt = { { NAS_PCO_PCSCF4, STR("\12\56\0\1") },
							     { NAS_PCO_DNS4, STR("\12\56\0\65") } },
						    .n = 2 };
}

static void sample_places(uint16_t type, void *slot)
{
	switch (type) {
	case S5_IE_ULI:
		*(struct s5_uli *)slot = (struct s5_uli){ .has_tai = true,
							  .has_ecgi = true,
							  .tai = { plmn, 0x1234 },
							  .ecgi = { plmn3, 0x0abcdef } };
		return;
	case S5_IE_F_TEID:
		*(struct s5_fteid *)slot = (struct s5_fteid){ .iface = S5_IF_S5C_PGW,
							      .teid = 0x01020304,
							      .v4 = true,
							      .v6 = true,
							      .ip4 = ip4,
							      .ip6 = ip6 };
		return;
	case S5_IE_PAA:
		*(struct s5_paa *)slot = (struct s5_paa){ S5_PDN_IPV4V6, 64, ip6, ip4 };
		return;
	case S5_IE_IP_ADDRESS:
		*(struct s5_ip *)slot = (struct s5_ip){ .ip4 = ip4 };
		return;
	case S5_IE_SERVING_NETWORK:
		*(struct tlv_plmn *)slot = plmn;
		return;
	case S5_IE_UCI:
		*(struct s5_uci *)slot = (struct s5_uci){ plmn, 0x123456, 1, true, true };
		return;
	case S5_IE_IP4CP:
		*(struct s5_ip4cp *)slot = (struct s5_ip4cp){ 24, ip4 };
		return;
	case S5_IE_TWAN_IDENTIFIER:
		*(struct s5_twan *)slot = (struct s5_twan){ .ssid = STR("kims"),
							    .has_bssid = true,
							    .bssid = { 2, 0, 0, 0, 0, 1 },
							    .has_civic = true,
							    .civic = STR("\0x") };
		return;
	case S5_IE_PSCELL_ID:
		*(struct s5_pscell *)slot = (struct s5_pscell){ plmn, 0x123456789 };
		return;
	case S5_IE_FQ_CSID:
		*(struct s5_fq_csid *)slot =
			(struct s5_fq_csid){ .node = { 10, 46, 0, 1 }, .csid = { 7 }, .n = 1 };
		return;
	case S5_IE_TRACE_INFORMATION:
		*(struct s5_trace *)slot =
			(struct s5_trace){ .plmn = plmn, .id = 9, .collector = STR("\12\56\0\1") };
		return;
	}
	fail_msg("no sample for IE %u", type);
}

static void sample_text(uint16_t type, void *slot)
{
	switch (type) {
	case S5_IE_IMSI:
		*(struct s5_digits *)slot = (struct s5_digits){ "001010000000001" };
		return;
	case S5_IE_MSISDN:
		*(struct s5_digits *)slot = (struct s5_digits){ "15550000001" };
		return;
	case S5_IE_MEI:
		*(struct s5_digits *)slot = (struct s5_digits){ "3534900698733190" };
		return;
	case S5_IE_APN:
		*(struct s5_name *)slot = (struct s5_name){ "ims.mnc001.mcc001.gprs" };
		return;
	case S5_IE_FQDN:
		*(struct s5_name *)slot = (struct s5_name){ "pgw.node.epc" };
		return;
	case S5_IE_LDN:
		*(struct str *)slot = STR("ldn");
		return;
	case S5_IE_PRA_ACTION:
		*(struct str *)slot = STR("\1\0\0\1");
		return;
	case S5_IE_PRA_INFO:
		*(struct str *)slot = STR("\0\0\1\1");
		return;
	case S5_IE_REMOTE_UE_IP:
		*(struct str *)slot = STR("\1\4\1\2\3\4");
		return;
	case S5_IE_SGI_PTP:
		*(struct str *)slot = STR("\2\1\2\3\4");
		return;
	case S5_IE_PGW_FQDN:
		*(struct str *)slot = STR("\4\3pgw");
		return;
	case S5_IE_GROUP_ID:
		*(struct str *)slot = STR("group");
		return;
	case S5_IE_NODE_IDENTIFIER:
		*(struct s5_node_id *)slot = (struct s5_node_id){ STR("aaa"), STR("realm") };
		return;
	case S5_IE_APN_CAPACITY:
		*(struct s5_apn_capacity *)slot = (struct s5_apn_capacity){ 50, STR("\3ims") };
		return;
	case S5_IE_REMOTE_USER_ID:
		*(struct s5_remote_user *)slot =
			(struct s5_remote_user){ .imsi = STR("\0\1\1\0\0\0\0\361") };
		return;
	case S5_IE_F_CONTAINER:
		*(struct s5_container *)slot = (struct s5_container){ 4, STR("abc") };
		return;
	case S5_IE_RAN_NAS_CAUSE:
		*(struct s5_ran_nas_cause *)slot = (struct s5_ran_nas_cause){ 1, 0, STR("\24") };
		return;
	}
	sample_places(type, slot);
}

static void sample(uint16_t type, void *slot, size_t i)
{
	switch (type) {
	case S5_IE_CAUSE:
		*(struct s5_cause_ie *)slot = (struct s5_cause_ie){ .value = S5_ACCEPTED };
		return;
	case S5_IE_RECOVERY:
	case S5_IE_APN_RESTRICTION:
	case S5_IE_CHANGE_REPORTING:
	case S5_IE_NODE_TYPE:
	case S5_IE_CSG_REPORTING:
	case S5_IE_NODE_FEATURES:
	case S5_IE_SIGNALLING_PRIORITY:
	case S5_IE_HENB_REPORTING:
	case S5_IE_CN_OPERATOR:
	case S5_IE_METRIC:
	case S5_IE_UP_SELECTION:
	case S5_IE_UP_SECURITY:
	case S5_IE_SELECTION_MODE:
	case S5_IE_DELAY_VALUE:
	case S5_IE_HOP_COUNTER:
		*(uint8_t *)slot = 1;
		return;
	case S5_IE_RAT_TYPE:
		*(uint8_t *)slot = S5_RAT_EUTRAN;
		return;
	case S5_IE_PDN_TYPE:
		*(uint8_t *)slot = S5_PDN_IPV4V6;
		return;
	case S5_IE_PTI:
		*(uint8_t *)slot = 0x55;
		return;
	case S5_IE_EBI:
		*(uint8_t *)slot = (uint8_t)(5 + i);
		return;
	case S5_IE_PORT_NUMBER:
	case S5_IE_CHARGING_CHARACTERISTICS:
	case S5_IE_USAGE_TYPE:
		*(uint16_t *)slot = 0x0801;
		return;
	case S5_IE_CHARGING_ID:
	case S5_IE_P_TMSI:
	case S5_IE_ULI_TIMESTAMP:
	case S5_IE_TWAN_TIMESTAMP:
	case S5_IE_SEQUENCE_NUMBER:
		*(uint32_t *)slot = 0xe0000001;
		return;
	case S5_IE_INTEGER_NUMBER:
	case S5_IE_MS_TIMESTAMP:
		*(uint64_t *)slot = 1000;
		return;
	case S5_IE_AMBR:
		*(struct s5_ambr *)slot = (struct s5_ambr){ 50000, 100000 };
		return;
	case S5_IE_BEARER_QOS:
		*(struct s5_qos *)slot = (struct s5_qos){ { 2, true, false }, 1, 41, 42, 43, 44 };
		return;
	case S5_IE_FLOW_QOS:
		*(struct s5_qos *)slot = (struct s5_qos){ .qci = 1, .mbr_ul = 41, .mbr_dl = 42 };
		return;
	case S5_IE_INDICATION:
		*(struct s5_indication *)slot =
			(struct s5_indication){ .daf = true, .pt = true, .epcosi = true };
		return;
	case S5_IE_BEARER_FLAGS:
		*(struct s5_bearer_flags *)slot = (struct s5_bearer_flags){ .ppc = true };
		return;
	case S5_IE_UE_TIME_ZONE:
		*(struct s5_time_zone *)slot = (struct s5_time_zone){ -34, 1 };
		return;
	case S5_IE_EPC_TIMER:
		*(struct tlv_timer *)slot = (struct tlv_timer){ 1, 10 };
		return;
	case S5_IE_TWMI:
		*(struct s5_twmi *)slot = (struct s5_twmi){ .scm = true };
		return;
	case S5_IE_PLMN_RATE:
		*(struct s5_plmn_rate *)slot = (struct s5_plmn_rate){ 10, 20 };
		return;
	case S5_IE_COUNTER:
		*(struct s5_counter *)slot = (struct s5_counter){ 0xe0000001, 3 };
		return;
	case S5_IE_SECONDARY_RAT:
		*(struct s5_secondary_rat *)slot =
			(struct s5_secondary_rat){ .irpgw = true, .ebi = 5, .dl = 1, .ul = 2 };
		return;
	case S5_IE_MAX_LOSS:
		*(struct s5_loss *)slot = (struct s5_loss){ true, true, 10, 20 };
		return;
	case S5_IE_APN_RATE:
		*(struct s5_apn_rate *)slot = (struct s5_apn_rate){ 1, 2, 3, 4 };
		return;
	case S5_IE_PCO:
	case S5_IE_APCO:
	case S5_IE_EPCO:
	case S5_IE_TFT:
	case S5_IE_TAD:
		sample_nas(type, slot);
		return;
	}
	sample_text(type, slot);
}

static bool has_id(uint8_t type)
{
	return type > S5_VERSION_NOT_SUPPORTED;
}

static void fuzz(const uint8_t *p, size_t n)
{
	fuzz_gtpv2(p, n);
}

static const struct suite s5 = { .name = "s5",
				 .format = &tlv_gtpv2,
				 .msg = s5_msg,
				 .sample = sample,
				 .has_id = has_id,
				 .port = 2123,
				 .fuzz = fuzz,
				 .doc = s5_doc };

/* --- single IEs --- */

static int walk(tlv_codec *fn, const char *hex, void *v, uint8_t *ret_cause)
{
	uint8_t buf[256];
	int n = hex_decode(str_of(hex), buf, sizeof(buf));
	struct tlv_io io = { .op = TLV_DECODE, .p = buf, .end = buf + n };

	assert_true(n >= 0);
	fn(&io, v);
	if (ret_cause)
		*ret_cause = io.cause;
	return tlv_ok(&io) ? 0 : -1;
}

static char *unwalk(tlv_codec *fn, void *v)
{
	static char hex[1024];
	uint8_t buf[512];
	struct tlv_buf b = TLV_BUF(buf);
	struct tlv_io io = { .op = TLV_ENCODE, .b = &b };

	fn(&io, v);
	assert_int_equal(b.err, 0);
	hex_encode(b.p, b.n, hex);
	return hex;
}

/* A filter as phones and networks send it (TS 24.008 table 10.5.162). */
static void test_tft_octets(void **state)
{
	const char *hex = "22"
			  "310709100a2d0001ffffffff"
			  "3208034013c4";
	struct nas_tft t;
	char *back;

	(void)state;
	memset(&t, 0, sizeof(t));
	assert_int_equal(walk(nas_io_tft, hex, &t, NULL), 0);
	assert_int_equal(t.op, NAS_TFT_CREATE);
	assert_int_equal(t.n_filter, 2);
	assert_int_equal(t.filter[0].id, 1);
	assert_int_equal(t.filter[0].dir, NAS_DIR_BOTH);
	assert_int_equal(t.filter[0].has, NAS_REMOTE4);
	assert_int_equal(ntohl(t.filter[0].remote4.s_addr), 0x0a2d0001);
	assert_int_equal(t.filter[1].has, NAS_LOCAL_PORT);
	assert_int_equal(t.filter[1].local_low, 5060);
	back = unwalk(nas_io_tft, &t);
	assert_string_equal(back, hex);
}

/* Every component, every operation, there and back. */
static void test_tft_all(void **state)
{
	static const uint8_t ops[] = { NAS_TFT_CREATE,	NAS_TFT_DELETE,		NAS_TFT_ADD,
				       NAS_TFT_REPLACE, NAS_TFT_DELETE_FILTERS, NAS_TFT_NO_OP };
	struct nas_tft t, u;
	uint8_t buf[2048];
	ssize_t n;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(ops); i++) {
		bool none = ops[i] == NAS_TFT_DELETE || ops[i] == NAS_TFT_NO_OP;

		memset(&t, 0, sizeof(t));
		t.op = ops[i];
		t.n_filter = none ? 0 : NAS_FILTERS_MAX;
		for (int k = 0; k < t.n_filter; k++) {
			t.filter[k].id = (uint8_t)k;
			if (ops[i] == NAS_TFT_DELETE_FILTERS)
				continue;
			t.filter[k].dir = NAS_DIR_UL;
			t.filter[k].has = 0x1ffff;
			t.filter[k].remote6_bits = 64;
			t.filter[k].local_high = (uint16_t)k;
			t.filter[k].flow_label = 0xabcde;
		}
		t.param[0] = (struct nas_tft_param){ 3, STR("\1\2") };
		t.n_param = ops[i] == NAS_TFT_NO_OP;
		n = nas_tft_encode(&t, buf, sizeof(buf));
		assert_true(n > 0);
		assert_int_equal(nas_tft_decode(buf, (size_t)n, &u), 0);
		assert_int_equal(u.n_filter, t.n_filter);
		assert_memory_equal(t.filter, u.filter, sizeof(t.filter));
		assert_int_equal(u.n_param, t.n_param);
		for (ssize_t k = 0; k < n; k++) {
			uint8_t *cut = malloc(k ? (size_t)k : 1);

			memcpy(cut, buf, (size_t)k);
			nas_tft_decode(cut, (size_t)k, &u);
			free(cut);
		}
		assert_int_equal(nas_tft_encode(&t, buf, 0), -EMSGSIZE);
	}
}

static void test_tft_wrong(void **state)
{
	static const struct {
		const char *hex;
		uint8_t cause;
	} rows[] = {
		{ "00", S5_TFT_SYNTACTIC },		/* reserved operation */
		{ "e0", S5_TFT_SYNTACTIC },		/* reserved operation */
		{ "20", S5_TFT_SYNTACTIC },		/* create, no filter */
		{ "41310702", S5_TFT_SYNTACTIC },	/* delete with a filter */
		{ "213107", S5_TFT_SYNTACTIC },		/* cut */
		{ "21310705301130", S5_TFT_SYNTACTIC }, /* longer than it is */
		{ "2131070199", S5_FILTER_SYNTACTIC },	/* unknown component */
		{ "21310704301130"
		  "11",
		  S5_FILTER_SYNTACTIC }, /* one twice */
		{ "2131070541"
		  "20001000",
		  S5_FILTER_SYNTACTIC },	     /* range upside down */
		{ "21310700", S5_FILTER_SYNTACTIC }, /* empty filter */
	};
	uint8_t cause;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct nas_tft t = { 0 };

		assert_int_equal(walk(nas_io_tft, rows[i].hex, &t, &cause), -1);
		assert_int_equal(cause, rows[i].cause);
	}
}

/* What a phone asks for at attach: IPCP, P-CSCF, DNS, MTU (TS 24.008 10.5.6.3). */
static void test_pco(void **state)
{
	const char *hex = "80"
			  "802110010000108106000000008306000000"
			  "00"
			  "000100"
			  "000300"
			  "000c00"
			  "000d00"
			  "001000"
			  "000a00";
	struct nas_pco p = { 0 };
	struct nas_ipcp i;
	uint8_t o[22];
	struct str v;
	size_t pos = 0;

	(void)state;
	assert_int_equal(walk(nas_io_pco, hex, &p, NULL), 0);
	assert_int_equal(p.n, 7);
	assert_true(nas_pco_has(&p, NAS_PCO_PCSCF4) && nas_pco_has(&p, NAS_PCO_IPV4_MTU));
	assert_false(nas_pco_has(&p, NAS_PCO_PCSCF_RESELECTION));
	assert_true(nas_pco_next(&p, NAS_PCO_IPCP, &pos, &v));
	assert_false(nas_pco_next(&p, NAS_PCO_IPCP, &pos, &v));
	pos = 0;
	nas_pco_next(&p, NAS_PCO_IPCP, &pos, &v);
	assert_int_equal(nas_ipcp_decode(v, &i), 0);
	assert_true(i.code == 1 && i.has_dns1 && i.has_dns2 && !i.has_addr);
	i.code = 3;
	i.dns1 = ip4;
	i.dns2 = ip4;
	assert_int_equal(nas_ipcp_encode(&i, o), 16);
	assert_int_equal(nas_ipcp_decode((struct str){ (char *)o, 16 }, &i), 0);
	assert_int_equal(i.dns1.s_addr, ip4.s_addr);
	for (size_t n = 0; n < 16; n++)
		nas_ipcp_decode((struct str){ (char *)o, n }, &i);
	/* The unreadable end of it is left out, the rest stays. */
	memset(&p, 0, sizeof(p));
	assert_int_equal(walk(nas_io_pco, "80000c0000", &p, NULL), 0);
	assert_int_equal(p.n, 1);
	/* Lengths of two octets in ePCO only. */
	memset(&p, 0, sizeof(p));
	assert_int_equal(walk(nas_io_epco, "800023000201020010020578", &p, NULL), 0);
	assert_int_equal(p.n, 2);
	assert_int_equal(p.opt[1].id, NAS_PCO_IPV4_MTU);
	assert_string_equal(unwalk(nas_io_epco, &p), "800023000201020010020578");
}

static struct tlv_buf create_session(void)
{
	return make(s5_msg(S5_CREATE_SESSION_REQUEST), false, 1);
}

static uint8_t cause_with(uint16_t type, uint8_t instance, const void *p, size_t n,
			  struct tlv_error *e)
{
	struct tlv_buf b = create_session();

	tlv_put(&b, &tlv_gtpv2, type, instance, p, n);
	tlv_end(&b, &tlv_gtpv2, 0);
	s5_decode(b.p, b.n, NULL, body2, e);
	free(b.p);
	return e->cause;
}

/* TS 29.274 7.7: which value is refused how. */
static void test_values(void **state)
{
	struct s5_create_session_request *r = (void *)body2;
	struct tlv_error e;

	(void)state;
	assert_int_equal(cause_with(S5_IE_IMSI, 0, "\0\1\1\0\0\0\0\361", 8, &e), 0);
	assert_string_equal(r->imsi.s, "001010000000001");
	assert_int_equal(cause_with(S5_IE_IMSI, 0, "\0\1\1\0\0\0\0\0\1", 9, &e), S5_INVALID_LENGTH);
	assert_int_equal(cause_with(S5_IE_IMSI, 0, "\0\1\257", 3, &e), S5_MANDATORY_IE_INCORRECT);
	assert_true(e.has_ie && e.type == S5_IE_IMSI && !e.instance);
	assert_int_equal(cause_with(S5_IE_F_TEID, 1, "\7\0\0\0\1\1\1\1\1", 9, &e),
			 S5_MANDATORY_IE_INCORRECT);
	assert_true(e.type == S5_IE_F_TEID && e.instance == 1);
	assert_int_equal(cause_with(S5_IE_F_TEID, 1, "\207\0\0\0\1\1\1\1", 8, &e),
			 S5_INVALID_LENGTH);
	assert_int_equal(cause_with(S5_IE_F_TEID, 1, "\307\0\0\0\1\1\1\1\1", 9, &e),
			 S5_INVALID_LENGTH); /* says that there is an IPv6 address, too */
	assert_int_equal(cause_with(S5_IE_PDN_TYPE, 0, "\7", 1, &e), S5_MANDATORY_IE_INCORRECT);
	assert_int_equal(cause_with(S5_IE_PAA, 0, "\2\100", 2, &e), S5_INVALID_LENGTH);
	assert_int_equal(cause_with(S5_IE_AMBR, 0, "\0\0\0\1\0\0\0\1\1", 9, &e), 0);
	assert_int_equal(cause_with(S5_IE_AMBR, 0, "\0\0\0\1\0\0\0", 7, &e), S5_INVALID_LENGTH);
	assert_int_equal(cause_with(S5_IE_LDN, 0, "a\0b", 3, &e), 0); /* optional: left out */
	assert_false(r->has_mme_ldn);
	assert_int_equal(cause_with(S5_IE_EBI, 0, "\5\1\2\3", 4, &e), 0); /* extendable */
	assert_true(r->has_lbi && r->lbi == 5);
	assert_int_equal(cause_with(S5_IE_INDICATION, 0, "\200\0", 2, &e), 0);
	assert_true(r->indication.daf && !r->indication.dtf);
	assert_int_equal(cause_with(S5_IE_INDICATION, 0, "\200", 1, &e), S5_INVALID_LENGTH);
	assert_int_equal(cause_with(255, 0, "\0\1abc", 5, &e), 0); /* private extension */
}

/* A rejection needs its cause only; an acceptance the bearers, too. */
static void test_rejection(void **state)
{
	struct s5_create_session_response r = { .cause = { .value = S5_UNKNOWN_APN } }, back;
	uint8_t buf[256];
	struct tlv_buf b = TLV_BUF(buf);
	struct tlv_error e = { .cause = S5_MANDATORY_IE_MISSING,
			       .has_ie = true,
			       .type = S5_IE_RAT_TYPE };

	(void)state;
	assert_int_equal(s5_encode(S5_CREATE_SESSION_RESPONSE, 7, &r, &b), 0);
	assert_int_equal(s5_decode(b.p, b.n, NULL, &back, &e), 0);
	assert_int_equal(back.cause.value, S5_UNKNOWN_APN);
	r.cause.value = S5_ACCEPTED;
	b.n = 0;
	assert_int_equal(s5_encode(S5_CREATE_SESSION_RESPONSE, 7, &r, &b), 0);
	assert_int_equal(s5_decode(b.p, b.n, NULL, &back, &e), -EBADMSG);
	assert_true(e.cause == S5_MANDATORY_IE_MISSING && e.type == S5_IE_BEARER_CONTEXT);
	b.n = 0;
	assert_int_equal(s5_encode_refusal(S5_CREATE_SESSION_REQUEST, 9, s5_cause_of(&e), &b), 0);
	assert_int_equal(s5_decode(b.p, b.n, NULL, &back, &e), 0);
	assert_int_equal(back.cause.value, S5_MANDATORY_IE_MISSING);
	assert_true(back.cause.has_ie && back.cause.ie_type == S5_IE_BEARER_CONTEXT);
	assert_int_equal(s5_encode_refusal(S5_ECHO_REQUEST, 0, r.cause, &b), -ENOENT);
	assert_string_equal(s5_cause_name(78), "Missing or unknown APN");
	assert_string_equal(s5_cause_name(255), "unknown cause");
}

static void test_conditional(void **state)
{
	struct s5_create_session_request *r = (void *)body;
	struct s5_create_bearer_response *b = (void *)body2;
	struct tlv_error e;

	(void)state;
	s5_init(S5_CREATE_SESSION_REQUEST, r);
	r->n_bearer = 1;
	assert_int_equal(s5_check_create_session(r, &e), -EBADMSG);
	assert_true(e.cause == S5_CONDITIONAL_IE_MISSING && e.type == S5_IE_IMSI);
	r->has_mei = true;
	assert_int_equal(s5_check_create_session(r, &e), -EBADMSG);
	assert_int_equal(e.type, S5_IE_PAA);
	r->has_paa = true;
	assert_int_equal(s5_check_create_session(r, &e), -EBADMSG);
	assert_int_equal(e.type, S5_IE_AMBR);
	r->has_ambr = true;
	assert_int_equal(s5_check_create_session(r, &e), -EBADMSG);
	assert_true(e.type == S5_IE_F_TEID && e.instance == 2);
	r->bearer[0].has_s2bu_epdg = true;
	assert_int_equal(s5_check_create_session(r, &e), 0);
	s5_init(S5_CREATE_BEARER_RESPONSE, b);
	b->n_bearer = 1;
	b->bearer[0].cause.value = S5_NO_RESOURCES;
	assert_int_equal(s5_check_create_bearer(b, &e), 0);
	b->bearer[0].cause.value = S5_ACCEPTED;
	assert_int_equal(s5_check_create_bearer(b, &e), -EBADMSG);
	b->bearer[0].has_s5u_sgw = true;
	assert_int_equal(s5_check_create_bearer(b, &e), -EBADMSG);
	assert_int_equal(e.instance, 3);
	b->bearer[0].has_s5u_pgw = true;
	assert_int_equal(s5_check_create_bearer(b, &e), 0);
}

static void test_header(void **state)
{
	struct s5_echo_request r = { .recovery = 9 };
	uint8_t buf[64];
	struct tlv_buf b = TLV_BUF(buf);
	struct tlv_hdr h = { .type = 32,
			     .has_id = true,
			     .id = 0xdeadbeef,
			     .seq = 0x123456,
			     .more = true,
			     .has_prio = true,
			     .prio = 5 },
		       g;

	(void)state;
	assert_int_equal(s5_encode(S5_ECHO_REQUEST, 0, &r, &b), 0);
	assert_memory_equal(b.p, "\x40\1\0\x9\0\0\0\0\3\0\1\0\x9", 13);
	assert_int_equal(b.n, 13);
	assert_int_equal(tlv_gtpv2.parse((const uint8_t *)"\x60\1\0\4\0\0\0\0", 8, &g),
			 -EPROTONOSUPPORT);
	b.n = 0;
	tlv_gtpv2.begin(&b, &h);
	tlv_end(&b, &tlv_gtpv2, 0);
	assert_int_equal(tlv_gtpv2.parse(b.p, b.n, &g), 0);
	assert_true(g.id == h.id && g.seq == h.seq && g.more && g.has_prio && g.prio == 5);
	tlv_gtpv2.set_seq(b.p, 0x800001);
	tlv_gtpv2.parse(b.p, b.n, &g);
	assert_int_equal(g.seq, 0x800001);
}

static void test_time_zone(void **state)
{
	struct tlv_buf b = create_session();
	struct s5_create_session_request *r = (void *)body2;
	struct tlv_error e;

	(void)state;
	free(b.p);
	for (int q = -79; q <= 79; q++) {
		uint8_t o[2] = { (uint8_t)((abs(q) / 10) | (q < 0 ? 8 : 0) | (abs(q) % 10) << 4),
				 2 };

		assert_int_equal(cause_with(S5_IE_UE_TIME_ZONE, 0, o, 2, &e), 0);
		assert_int_equal(r->time_zone.quarters, q);
		assert_int_equal(r->time_zone.dst, 2);
	}
	assert_true(tlv_timer_usec((struct tlv_timer){ 1, 10 }) == 600 * USEC_PER_SEC);
	assert_true(tlv_timer_usec((struct tlv_timer){ 7, 0 }) == UINT64_MAX);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TLV_TESTS,
		cmocka_unit_test(test_tft_octets),
		cmocka_unit_test(test_tft_all),
		cmocka_unit_test(test_tft_wrong),
		cmocka_unit_test(test_pco),
		cmocka_unit_test(test_values),
		cmocka_unit_test(test_rejection),
		cmocka_unit_test(test_conditional),
		cmocka_unit_test(test_header),
		cmocka_unit_test(test_time_zone),
	};

	suite = &s5;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
