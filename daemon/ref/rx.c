// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Rx as tables: the commands of TS 29.214 5.6, onto the structs of rx.h. Presence is that of the
 * command's ABNF.
 */
#include "ref/rx_tables.h"

#define INTS(a, T, f) PCC_ONE(a, IE_OPT, IE_INT, T, f)

static const struct ie_rule sub_rules[] = {
	PCC_ONE(FLOW_NUMBER, IE_MAND, IE_UINT, struct rx_sub_component, number),
	PCC_MANY(FLOW_DESCRIPTION, IE_OPT, IE_STRS, struct rx_sub_component, description,
		 n_description),
	INTS(FLOW_STATUS, struct rx_sub_component, status),
	INTS(FLOW_USAGE, struct rx_sub_component, usage),
	INTS(MAX_BW_UL, struct rx_sub_component, max_ul),
	INTS(MAX_BW_DL, struct rx_sub_component, max_dl),
	INTS(AF_SIGNALLING_PROTOCOL, struct rx_sub_component, af_signalling_protocol),
	PCC_ONE(TOS_TRAFFIC_CLASS, IE_OPT, IE_STR, struct rx_sub_component, tos_class),
	IE_END,
};

static const struct ie_rule component_rules[] = {
	PCC_ONE(MEDIA_COMPONENT_NUMBER, IE_MAND, IE_UINT, struct rx_component, number),
	PCC_SUBS(MEDIA_SUB_COMPONENT, IE_OPT, struct rx_component, sub, n_sub, sub_rules),
	PCC_ONE(AF_APP_ID, IE_OPT, IE_STR, struct rx_component, af_app_id),
	INTS(MEDIA_TYPE, struct rx_component, media_type),
	INTS(MAX_BW_UL, struct rx_component, max_ul),
	INTS(MAX_BW_DL, struct rx_component, max_dl),
	INTS(MIN_BW_UL, struct rx_component, min_ul),
	INTS(MIN_BW_DL, struct rx_component, min_dl),
	INTS(FLOW_STATUS, struct rx_component, status),
	INTS(RESERVATION_PRIORITY, struct rx_component, reservation_priority),
	INTS(RS_BW, struct rx_component, rs),
	INTS(RR_BW, struct rx_component, rr),
	PCC_MANY(CODEC_DATA, IE_OPT, IE_STRS, struct rx_component, codec_data, n_codec_data),
	IE_END,
};

static const struct ie_rule charging_id_rules[] = {
	PCC_ONE(CHARGING_IDENTIFIER_VALUE, IE_MAND, IE_STR, struct pcc_charging_id, value),
	PCC_SUBS(FLOWS, IE_OPT, struct pcc_charging_id, flows, n_flows, pcc_flows_rules),
	IE_END,
};

static const struct ie_rule sponsor_rules[] = {
	PCC_ONE(SPONSOR_IDENTITY, IE_OPT, IE_STR, struct rx_aar, sponsor),
	PCC_ONE(ASP_IDENTITY, IE_OPT, IE_STR, struct rx_aar, asp),
	PCC_ANY(GRANTED_SERVICE_UNIT),
	PCC_ANY(USED_SERVICE_UNIT),
	IE_END,
};

static const struct ie_rule acceptable_rules[] = {
	PCC_SUBS(MEDIA_COMPONENT, IE_OPT, struct rx_aaa, acceptable, n_acceptable, component_rules),
	PCC_ANY(MAX_BW_UL),
	PCC_ANY(MAX_BW_DL),
	IE_END,
};

static const struct ie_rule aar_rules[] = {
	PCC_ONE(IP_DOMAIN_ID, IE_OPT, IE_STR, struct rx_aar, ip_domain_id),
	PCC_ONE(AF_APP_ID, IE_OPT, IE_STR, struct rx_aar, af_app_id),
	PCC_SUBS(MEDIA_COMPONENT, IE_OPT, struct rx_aar, component, n_component, component_rules),
	INTS(SERVICE_INFO_STATUS, struct rx_aar, service_info_status),
	PCC_ONE(AF_CHARGING_ID, IE_OPT, IE_STR, struct rx_aar, af_charging_id),
	INTS(SIP_FORKING, struct rx_aar, sip_forking),
	PCC_MANY(SPECIFIC_ACTION, IE_OPT, IE_UINTS, struct rx_aar, specific_action,
		 n_specific_action),
	PCC_SUBS(SUBSCRIPTION_ID, IE_OPT, struct rx_aar, subscription, n_subscription,
		 pcc_subscription_rules),
	PCC_ANY(SUPPORTED_FEATURES),
	INTS(RESERVATION_PRIORITY, struct rx_aar, reservation_priority),
	PCC_ONE(FRAMED_IP, IE_OPT, IE_STR, struct rx_aar, framed_ip),
	PCC_ONE(FRAMED_IPV6, IE_OPT, IE_STR, struct rx_aar, framed_ipv6),
	PCC_ONE(CALLED_STATION_ID, IE_OPT, IE_STR, struct rx_aar, called_station_id),
	PCC_ONE(SERVICE_URN, IE_OPT, IE_STR, struct rx_aar, service_urn),
	PCC_IN(SPONSORED, IE_OPT, sponsor_rules),
	PCC_ONE(MPS_ID, IE_OPT, IE_STR, struct rx_aar, mps_id),
	INTS(RX_REQUEST_TYPE, struct rx_aar, rx_request_type),
	INTS(PCSCF_RESTORATION_INDICATION, struct rx_aar, pcscf_restoration),
	PCC_MANY(REQUIRED_ACCESS_INFO, IE_OPT, IE_UINTS, struct rx_aar, required_access_info,
		 n_required_access_info),
	IE_END,
};

#define ACCESS_ROWS(T)                                                                           \
	PCC_SUBS(CHARGING_IDENTIFIER, IE_OPT, T, charging_id, n_charging_id, charging_id_rules), \
		PCC_ONE(CHARGING_ADDRESS, IE_OPT, IE_STR, T, charging_address),                  \
		INTS(IP_CAN_TYPE, T, ip_can_type), INTS(RAT_TYPE, T, rat_type),                  \
		PCC_ANY(AN_TRUSTED), PCC_ANY(NETLOC_ACCESS_SUPPORT), PCC_LOCATION_ROWS(T)

static const struct ie_rule aaa_rules[] = {
	IE_RESULT_ROWS(struct rx_aaa, result),
	ACCESS_ROWS(struct rx_aaa),
	PCC_IN(ACCEPTABLE_SERVICE_INFO, IE_OPT, acceptable_rules),
	PCC_ANY(SERVICE_INFO_STATUS),
	PCC_ANY(SUPPORTED_FEATURES),
	PCC_ANY(CLASS),
	PCC_ONE(RETRY_INTERVAL, IE_OPT, IE_UINT, struct rx_aaa, retry_interval),
	IE_END,
};

static const struct ie_rule rar_rules[] = {
	PCC_MANY(SPECIFIC_ACTION, IE_MAND, IE_UINTS, struct rx_rar, specific_action,
		 n_specific_action),
	ACCESS_ROWS(struct rx_rar),
	PCC_SUBS(FLOWS, IE_OPT, struct rx_rar, flows, n_flows, pcc_flows_rules),
	PCC_ANY(SUBSCRIPTION_ID),
	INTS(ABORT_CAUSE, struct rx_rar, abort_cause),
	PCC_ANY(SPONSORED),
	PCC_ANY(CLASS),
	IE_END,
};

static const struct ie_rule raa_rules[] = {
	IE_RESULT_ROWS(struct rx_raa, result),
	PCC_SUBS(MEDIA_COMPONENT, IE_OPT, struct rx_raa, component, n_component, component_rules),
	PCC_ANY(SERVICE_URN),
	PCC_ANY(CLASS),
	IE_END,
};

static const struct ie_rule str_rules[] = {
	PCC_ONE(TERMINATION_CAUSE, IE_MAND, IE_INT, struct rx_str, termination_cause),
	PCC_MANY(REQUIRED_ACCESS_INFO, IE_OPT, IE_UINTS, struct rx_str, required_access_info,
		 n_required_access_info),
	PCC_ANY(CLASS),
	IE_END,
};

static const struct ie_rule sta_rules[] = {
	IE_RESULT_ROWS(struct rx_sta, result),
	PCC_LOCATION_ROWS(struct rx_sta),
	PCC_ANY(SPONSORED),
	PCC_ANY(CLASS),
	PCC_ANY(NETLOC_ACCESS_SUPPORT),
	IE_END,
};

static const struct ie_rule asr_rules[] = {
	PCC_ONE(ABORT_CAUSE, IE_MAND, IE_INT, struct rx_asr, abort_cause),
	PCC_ANY(CLASS),
	IE_END,
};

static const struct ie_rule asa_rules[] = {
	IE_RESULT_ROWS(struct rx_asa, result),
	IE_END,
};

#define REQUEST(lower, upper, n, c, s)                                                  \
	const struct ie_command rx_##lower##_cmd = { .name = (n),                       \
						     .abbrev = #upper,                  \
						     .spec = (s),                       \
						     .code = (c),                       \
						     .app = RX_APP_ID,                  \
						     .request = true,                   \
						     .rules = lower##_rules,            \
						     .size = sizeof(struct rx_##lower), \
						     .env = ie_env_auth_rules }
#define ANSWER(lower, upper, n, c, s)                                                             \
	const struct ie_command rx_##lower##_cmd = { .name = (n),                                 \
						     .abbrev = #upper,                            \
						     .spec = (s),                                 \
						     .code = (c),                                 \
						     .app = RX_APP_ID,                            \
						     .rules = lower##_rules,                      \
						     .size = sizeof(struct rx_##lower),           \
						     .result_off =                                \
							     offsetof(struct rx_##lower, result), \
						     .env = ie_env_auth_rules }

REQUEST(aar, AAR, "AA-Request", 265, "TS 29.214 5.6.1");
ANSWER(aaa, AAA, "AA-Answer", 265, "TS 29.214 5.6.2");
REQUEST(rar, RAR, "Re-Auth-Request", 258, "TS 29.214 5.6.3");
ANSWER(raa, RAA, "Re-Auth-Answer", 258, "TS 29.214 5.6.4");
REQUEST(str, STR, "Session-Termination-Request", 275, "TS 29.214 5.6.5");
ANSWER(sta, STA, "Session-Termination-Answer", 275, "TS 29.214 5.6.6");
REQUEST(asr, ASR, "Abort-Session-Request", 274, "TS 29.214 5.6.7");
ANSWER(asa, ASA, "Abort-Session-Answer", 274, "TS 29.214 5.6.8");

static const struct ie_command *const commands[] = { &rx_aar_cmd, &rx_aaa_cmd, &rx_rar_cmd,
						     &rx_raa_cmd, &rx_str_cmd, &rx_sta_cmd,
						     &rx_asr_cmd, &rx_asa_cmd };

const struct ie_command *rx_find_command(uint32_t code, bool request)
{
	for (size_t i = 0; i < ARRAY_SIZE(commands); i++)
		if (commands[i]->code == code && commands[i]->request == request)
			return commands[i];
	return NULL;
}

void rx_doc(FILE *f)
{
	fputs("# Rx: P-CSCF to PCRF\n\n", f);
	for (size_t i = 0; i < ARRAY_SIZE(commands); i++)
		ie_doc_command(f, commands[i]);
	ie_doc_dict(f, &pcc_dict);
}
