// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Gx as tables: the commands of TS 29.212 5.6, onto the structs of gx.h. Presence is that of the
 * command's ABNF, and of the tables of TS 29.212 4.5 where these ask for more (see the checks).
 */
#include "ref/gx_tables.h"

#define INTS(a, T, f) PCC_ONE(a, IE_OPT, IE_INT, T, f)
#define STRS(a, T, f) PCC_ONE(a, IE_OPT, IE_STR, T, f)

static const struct ie_rule flow_rules[] = {
	STRS(FLOW_DESCRIPTION, struct gx_flow, description),
	STRS(PACKET_FILTER_IDENTIFIER, struct gx_flow, filter_id),
	INTS(PACKET_FILTER_USAGE, struct gx_flow, filter_usage),
	STRS(TOS_TRAFFIC_CLASS, struct gx_flow, tos_class),
	STRS(SECURITY_PARAMETER_INDEX, struct gx_flow, spi),
	STRS(FLOW_LABEL, struct gx_flow, flow_label),
	INTS(FLOW_DIRECTION, struct gx_flow, direction),
	IE_END,
};

/* Packet-Filter-Information (5.3.55): the same with another name for the content. */
static const struct ie_rule filter_rules[] = {
	STRS(PACKET_FILTER_CONTENT, struct gx_flow, description),
	STRS(PACKET_FILTER_IDENTIFIER, struct gx_flow, filter_id),
	STRS(TOS_TRAFFIC_CLASS, struct gx_flow, tos_class),
	STRS(SECURITY_PARAMETER_INDEX, struct gx_flow, spi),
	STRS(FLOW_LABEL, struct gx_flow, flow_label),
	INTS(FLOW_DIRECTION, struct gx_flow, direction),
	PCC_ANY(PRECEDENCE),
	IE_END,
};

static const struct ie_rule qos_rules[] = {
	INTS(QCI, struct gx_qos, qci),
	INTS(MAX_BW_UL, struct gx_qos, mbr_ul),
	INTS(MAX_BW_DL, struct gx_qos, mbr_dl),
	INTS(GBR_UL, struct gx_qos, gbr_ul),
	INTS(GBR_DL, struct gx_qos, gbr_dl),
	STRS(BEARER_IDENTIFIER, struct gx_qos, bearer_id),
	PCC_SUB(ARP, IE_OPT, struct gx_qos, arp, offsetof(struct gx_qos, has_arp), pcc_arp_rules),
	INTS(APN_AMBR_UL, struct gx_qos, ambr_ul),
	INTS(APN_AMBR_DL, struct gx_qos, ambr_dl),
	IE_END,
};

static const struct ie_rule default_qos_rules[] = {
	INTS(QCI, struct gx_default_qos, qci),
	PCC_SUB(ARP, IE_OPT, struct gx_default_qos, arp, offsetof(struct gx_default_qos, has_arp),
		pcc_arp_rules),
	IE_END,
};

static const struct ie_rule rule_rules[] = {
	PCC_ONE(CHARGING_RULE_NAME, IE_MAND, IE_STR, struct gx_rule, name),
	INTS(SERVICE_IDENTIFIER, struct gx_rule, service_id),
	INTS(RATING_GROUP, struct gx_rule, rating_group),
	PCC_SUBS(FLOW_INFORMATION, IE_OPT, struct gx_rule, flow, n_flow, flow_rules),
	STRS(TDF_APP_ID, struct gx_rule, tdf_app_id),
	INTS(FLOW_STATUS, struct gx_rule, flow_status),
	PCC_SUB(QOS_INFORMATION, IE_OPT, struct gx_rule, qos, offsetof(struct gx_rule, has_qos),
		qos_rules),
	INTS(REPORTING_LEVEL, struct gx_rule, reporting_level),
	INTS(ONLINE, struct gx_rule, online),
	INTS(OFFLINE, struct gx_rule, offline),
	INTS(METERING_METHOD, struct gx_rule, metering),
	INTS(PRECEDENCE, struct gx_rule, precedence),
	STRS(AF_CHARGING_ID, struct gx_rule, af_charging_id),
	PCC_SUBS(FLOWS, IE_OPT, struct gx_rule, flows, n_flows, pcc_flows_rules),
	STRS(MONITORING_KEY, struct gx_rule, monitoring_key),
	STRS(SPONSOR_IDENTITY, struct gx_rule, sponsor),
	STRS(ASP_IDENTITY, struct gx_rule, asp),
	IE_END,
};

void gx_rule_init(struct gx_rule *r)
{
	ie_init_group(rule_rules, r, sizeof(*r));
}

static const struct ie_rule install_rules[] = {
	PCC_SUBS(CHARGING_RULE_DEFINITION, IE_OPT, struct gx_install, rule, n_rule, rule_rules),
	PCC_MANY(CHARGING_RULE_NAME, IE_OPT, IE_STRS, struct gx_install, name, n_name),
	PCC_MANY(CHARGING_RULE_BASE_NAME, IE_OPT, IE_STRS, struct gx_install, base_name,
		 n_base_name),
	PCC_ONE(RULE_ACTIVATION_TIME, IE_OPT, IE_UINT, struct gx_install, activation),
	PCC_ONE(RULE_DEACTIVATION_TIME, IE_OPT, IE_UINT, struct gx_install, deactivation),
	INTS(RESOURCE_ALLOCATION_NOTIFICATION, struct gx_install, allocation_notification),
	PCC_ANY(BEARER_IDENTIFIER),
	IE_END,
};

static const struct ie_rule remove_rules[] = {
	PCC_MANY(CHARGING_RULE_NAME, IE_OPT, IE_STRS, struct gx_remove, name, n_name),
	PCC_MANY(CHARGING_RULE_BASE_NAME, IE_OPT, IE_STRS, struct gx_remove, base_name,
		 n_base_name),
	PCC_MANY(REQUIRED_ACCESS_INFO, IE_OPT, IE_UINTS, struct gx_remove, required_access_info,
		 n_required_access_info),
	IE_END,
};

static const struct ie_rule report_rules[] = {
	PCC_MANY(CHARGING_RULE_NAME, IE_OPT, IE_STRS, struct gx_rule_report, name, n_name),
	PCC_MANY(CHARGING_RULE_BASE_NAME, IE_OPT, IE_STRS, struct gx_rule_report, base_name,
		 n_base_name),
	PCC_ANY(BEARER_IDENTIFIER),
	INTS(PCC_RULE_STATUS, struct gx_rule_report, status),
	INTS(RULE_FAILURE_CODE, struct gx_rule_report, failure),
	IE_END,
};

static const struct ie_rule granted_rules[] = {
	PCC_ONE(CC_TOTAL_OCTETS, IE_OPT, IE_ULONG, struct gx_usage, granted_total),
	PCC_ONE(CC_INPUT_OCTETS, IE_OPT, IE_ULONG, struct gx_usage, granted_ul),
	PCC_ONE(CC_OUTPUT_OCTETS, IE_OPT, IE_ULONG, struct gx_usage, granted_dl),
	PCC_ANY(CC_TIME),
	IE_END,
};

static const struct ie_rule used_rules[] = {
	PCC_ONE(CC_TOTAL_OCTETS, IE_OPT, IE_ULONG, struct gx_usage, used_total),
	PCC_ONE(CC_INPUT_OCTETS, IE_OPT, IE_ULONG, struct gx_usage, used_ul),
	PCC_ONE(CC_OUTPUT_OCTETS, IE_OPT, IE_ULONG, struct gx_usage, used_dl),
	PCC_ANY(CC_TIME),
	IE_END,
};

static const struct ie_rule usage_rules[] = {
	STRS(MONITORING_KEY, struct gx_usage, key),
	PCC_IN(GRANTED_SERVICE_UNIT, IE_OPT, granted_rules),
	PCC_IN(USED_SERVICE_UNIT, IE_OPT, used_rules),
	INTS(USAGE_MONITORING_LEVEL, struct gx_usage, level),
	INTS(USAGE_MONITORING_REPORT, struct gx_usage, report),
	INTS(USAGE_MONITORING_SUPPORT, struct gx_usage, support),
	IE_END,
};

static const struct ie_rule charging_id_rules[] = {
	PCC_ONE(CHARGING_IDENTIFIER_VALUE, IE_MAND, IE_STR, struct pcc_charging_id, value),
	PCC_MANY(CHARGING_RULE_NAME, IE_OPT, IE_STRS, struct pcc_charging_id, rule, n_rule),
	PCC_MANY(CHARGING_RULE_BASE_NAME, IE_OPT, IE_STRS, struct pcc_charging_id, base, n_base),
	IE_END,
};

static const struct ie_rule equipment_rules[] = {
	PCC_ONE(USER_EQUIPMENT_INFO_TYPE, IE_MAND, IE_INT, struct gx_ccr, imei_type),
	PCC_ONE(USER_EQUIPMENT_INFO_VALUE, IE_MAND, IE_STR, struct gx_ccr, imei),
	IE_END,
};

static const struct ie_rule ccr_rules[] = {
	PCC_ONE(CC_REQUEST_TYPE, IE_MAND, IE_INT, struct gx_ccr, type),
	PCC_ONE(CC_REQUEST_NUMBER, IE_MAND, IE_UINT, struct gx_ccr, number),
	PCC_SUBS(SUBSCRIPTION_ID, IE_OPT, struct gx_ccr, subscription, n_subscription,
		 pcc_subscription_rules),
	PCC_ANY(SUPPORTED_FEATURES),
	INTS(NETWORK_REQUEST_SUPPORT, struct gx_ccr, network_request_support),
	PCC_SUBS(PACKET_FILTER_INFORMATION, IE_OPT, struct gx_ccr, filter, n_filter, filter_rules),
	INTS(PACKET_FILTER_OPERATION, struct gx_ccr, filter_operation),
	STRS(FRAMED_IP, struct gx_ccr, framed_ip),
	STRS(FRAMED_IPV6, struct gx_ccr, framed_ipv6),
	INTS(IP_CAN_TYPE, struct gx_ccr, ip_can_type),
	INTS(RAT_TYPE, struct gx_ccr, rat_type),
	INTS(AN_TRUSTED, struct gx_ccr, an_trusted),
	INTS(TERMINATION_CAUSE, struct gx_ccr, termination_cause),
	PCC_IN(USER_EQUIPMENT_INFO, IE_OPT, equipment_rules),
	PCC_SUB(QOS_INFORMATION, IE_OPT, struct gx_ccr, qos, offsetof(struct gx_ccr, has_qos),
		qos_rules),
	PCC_SUB(DEFAULT_EPS_BEARER_QOS, IE_OPT, struct gx_ccr, default_qos,
		offsetof(struct gx_ccr, has_default_qos), default_qos_rules),
	PCC_MANY(AN_GW_ADDRESS, IE_OPT, IE_STRS, struct gx_ccr, an_gw_address, n_an_gw_address),
	PCC_LOCATION_ROWS(struct gx_ccr),
	STRS(RAI, struct gx_ccr, rai),
	STRS(CALLED_STATION_ID, struct gx_ccr, called_station_id),
	STRS(PDN_CONNECTION_ID, struct gx_ccr, pdn_connection_id),
	STRS(CHARGING_CHARACTERISTICS, struct gx_ccr, charging_characteristics),
	STRS(SELECTION_MODE, struct gx_ccr, selection_mode),
	PCC_ANY(SGSN_ADDRESS),
	PCC_ANY(SGSN_IPV6_ADDRESS),
	PCC_ANY(BEARER_USAGE),
	PCC_ANY(ONLINE),
	PCC_ANY(OFFLINE),
	PCC_SUBS(CHARGING_RULE_REPORT, IE_OPT, struct gx_ccr, report, n_report, report_rules),
	PCC_MANY(EVENT_TRIGGER, IE_OPT, IE_UINTS, struct gx_ccr, event_trigger, n_event_trigger),
	STRS(CHARGING_ADDRESS, struct gx_ccr, charging_address),
	PCC_SUBS(CHARGING_IDENTIFIER_GX, IE_OPT, struct gx_ccr, charging_id, n_charging_id,
		 charging_id_rules),
	PCC_SUBS(USAGE_MONITORING_INFORMATION, IE_OPT, struct gx_ccr, usage, n_usage, usage_rules),
	INTS(SESSION_RELEASE_CAUSE, struct gx_ccr, session_release_cause),
	INTS(DEFAULT_ACCESS, struct gx_ccr, default_access),
	IE_END,
};

#define ORDER_ROWS(T)                                                                           \
	PCC_MANY(EVENT_TRIGGER, IE_OPT, IE_UINTS, T, orders.event_trigger,                      \
		 orders.n_event_trigger),                                                       \
		PCC_SUBS(CHARGING_RULE_REMOVE, IE_OPT, T, orders.remove, orders.n_remove,       \
			 remove_rules),                                                         \
		PCC_SUBS(CHARGING_RULE_INSTALL, IE_OPT, T, orders.install, orders.n_install,    \
			 install_rules),                                                        \
		PCC_SUB(QOS_INFORMATION, IE_OPT, T, orders.qos, offsetof(T, orders.has_qos),    \
			qos_rules),                                                             \
		PCC_SUB(DEFAULT_EPS_BEARER_QOS, IE_OPT, T, orders.default_qos,                  \
			offsetof(T, orders.has_default_qos), default_qos_rules),                \
		PCC_SUBS(USAGE_MONITORING_INFORMATION, IE_OPT, T, orders.usage, orders.n_usage, \
			 usage_rules),                                                          \
		PCC_ONE(REVALIDATION_TIME, IE_OPT, IE_UINT, T, orders.revalidation),            \
		INTS(SESSION_RELEASE_CAUSE, T, orders.session_release_cause)

static const struct ie_rule cca_rules[] = {
	IE_RESULT_ROWS(struct gx_cca, result),
	PCC_ONE(CC_REQUEST_TYPE, IE_ENVL, IE_INT, struct gx_cca, type),
	PCC_ONE(CC_REQUEST_NUMBER, IE_ENVL, IE_UINT, struct gx_cca, number),
	PCC_ANY(SUPPORTED_FEATURES),
	INTS(BEARER_CONTROL_MODE, struct gx_cca, bearer_control_mode),
	ORDER_ROWS(struct gx_cca),
	PCC_ANY(CHARGING_INFORMATION),
	INTS(ONLINE, struct gx_cca, online),
	INTS(OFFLINE, struct gx_cca, offline),
	IE_END,
};

static const struct ie_rule rar_rules[] = {
	PCC_ONE(RE_AUTH_REQUEST_TYPE, IE_MAND, IE_INT, struct gx_rar, re_auth_type),
	INTS(PCSCF_RESTORATION_INDICATION, struct gx_rar, pcscf_restoration),
	ORDER_ROWS(struct gx_rar),
	IE_END,
};

static const struct ie_rule raa_rules[] = {
	IE_RESULT_ROWS(struct gx_raa, result),
	INTS(IP_CAN_TYPE, struct gx_raa, ip_can_type),
	INTS(RAT_TYPE, struct gx_raa, rat_type),
	PCC_MANY(AN_GW_ADDRESS, IE_OPT, IE_STRS, struct gx_raa, an_gw_address, n_an_gw_address),
	PCC_LOCATION_ROWS(struct gx_raa),
	PCC_ANY(NETLOC_ACCESS_SUPPORT),
	PCC_SUBS(CHARGING_RULE_REPORT, IE_OPT, struct gx_raa, report, n_report, report_rules),
	PCC_ANY(CHARGING_ADDRESS),
	PCC_SUBS(CHARGING_IDENTIFIER_GX, IE_OPT, struct gx_raa, charging_id, n_charging_id,
		 charging_id_rules),
	IE_END,
};

/* TS 29.212 4.5.1: an initial request names the UE's address. */
static int check_ccr(const void *in, struct ie_error *e)
{
	const struct gx_ccr *r = in;

	if (r->type < GX_INITIAL_REQUEST || r->type > GX_TERMINATION_REQUEST) {
		*e = (struct ie_error){ IE_INVALID_AVP_VALUE,
					&pcc_avps[PCC_CC_REQUEST_TYPE],
					{ 0 } };
		return -EBADMSG;
	}
	if (r->type == GX_INITIAL_REQUEST && !r->framed_ip.p && !r->framed_ipv6.p) {
		*e = (struct ie_error){ IE_MISSING_AVP, &pcc_avps[PCC_FRAMED_IP], { 0 } };
		return -EBADMSG;
	}
	return 0;
}

#define REQUEST(lower, upper, n, c, s, chk)                                             \
	const struct ie_command gx_##lower##_cmd = { .name = (n),                       \
						     .abbrev = #upper,                  \
						     .spec = (s),                       \
						     .code = (c),                       \
						     .app = GX_APP_ID,                  \
						     .request = true,                   \
						     .rules = lower##_rules,            \
						     .size = sizeof(struct gx_##lower), \
						     .env = ie_env_auth_rules,          \
						     .check = (chk) }
#define ANSWER(lower, upper, n, c, s)                                                             \
	const struct ie_command gx_##lower##_cmd = { .name = (n),                                 \
						     .abbrev = #upper,                            \
						     .spec = (s),                                 \
						     .code = (c),                                 \
						     .app = GX_APP_ID,                            \
						     .rules = lower##_rules,                      \
						     .size = sizeof(struct gx_##lower),           \
						     .result_off =                                \
							     offsetof(struct gx_##lower, result), \
						     .env = ie_env_auth_rules }

REQUEST(ccr, CCR, "Credit-Control-Request", GX_CCR, "TS 29.212 5.6.2", check_ccr);
ANSWER(cca, CCA, "Credit-Control-Answer", GX_CCR, "TS 29.212 5.6.3");
REQUEST(rar, RAR, "Re-Auth-Request", GX_RAR, "TS 29.212 5.6.4", NULL);
ANSWER(raa, RAA, "Re-Auth-Answer", GX_RAR, "TS 29.212 5.6.5");

static const struct ie_command *const commands[] = { &gx_ccr_cmd, &gx_cca_cmd, &gx_rar_cmd,
						     &gx_raa_cmd };

const struct ie_command *gx_find_command(uint32_t code, bool request)
{
	for (size_t i = 0; i < ARRAY_SIZE(commands); i++)
		if (commands[i]->code == code && commands[i]->request == request)
			return commands[i];
	return NULL;
}

void gx_doc(FILE *f)
{
	fputs("# Gx: SMF/PGW-C to PCRF\n\n", f);
	for (size_t i = 0; i < ARRAY_SIZE(commands); i++)
		ie_doc_command(f, commands[i]);
	ie_doc_dict(f, &pcc_dict);
}
