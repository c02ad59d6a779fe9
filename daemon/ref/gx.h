/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Gx (TS 29.212): commands as structs, from the tables in gx.c. No I/O. See pcc.h for "absent". */
#ifndef KIMS_REF_GX_H
#define KIMS_REF_GX_H

#include "ref/pcc.h"

#define GX_APP_ID 16777238

enum gx_command { GX_RAR = 258, GX_CCR = 272 };

enum gx_request_type { GX_INITIAL_REQUEST = 1, GX_UPDATE_REQUEST = 2, GX_TERMINATION_REQUEST = 3 };
enum gx_event_trigger { /* TS 29.212 5.3.7 */
	GX_SGSN_CHANGE = 0, GX_QOS_CHANGE = 1, GX_RAT_CHANGE = 2, GX_TFT_CHANGE = 3, GX_PLMN_CHANGE = 4, GX_LOSS_OF_BEARER = 5,
	GX_RECOVERY_OF_BEARER = 6, GX_IP_CAN_CHANGE = 7, GX_RAI_CHANGE = 12, GX_USER_LOCATION_CHANGE = 13, GX_NO_EVENT_TRIGGERS = 14,
	GX_OUT_OF_CREDIT = 15, GX_REALLOCATION_OF_CREDIT = 16, GX_REVALIDATION_TIMEOUT = 17, GX_UE_IP_ADDRESS_ALLOCATE = 18,
	GX_UE_IP_ADDRESS_RELEASE = 19, GX_DEFAULT_EPS_BEARER_QOS_CHANGE = 20, GX_AN_GW_CHANGE = 21,
	GX_SUCCESSFUL_RESOURCE_ALLOCATION = 22, GX_RESOURCE_MODIFICATION_REQUEST = 23, GX_PGW_TRACE_CONTROL = 24,
	GX_UE_TIME_ZONE_CHANGE = 25, GX_TAI_CHANGE = 26, GX_ECGI_CHANGE = 27, GX_CHARGING_CORRELATION_EXCHANGE = 28,
	GX_APN_AMBR_MODIFICATION_FAILURE = 29, GX_USAGE_REPORT = 33, GX_DEFAULT_EPS_BEARER_QOS_MODIFICATION_FAILURE = 34,
	GX_ACCESS_NETWORK_INFO_REPORT = 45,
};
enum gx_rule_status { GX_RULE_ACTIVE = 0, GX_RULE_INACTIVE = 1, GX_RULE_TEMPORARILY_INACTIVE = 2 };
enum gx_rule_failure { /* TS 29.212 5.3.38 */
	GX_UNKNOWN_RULE_NAME = 1, GX_RATING_GROUP_ERROR = 2, GX_SERVICE_IDENTIFIER_ERROR = 3, GX_GW_PCEF_MALFUNCTION = 4,
	GX_RESOURCES_LIMITATION = 5, GX_MAX_NR_BEARERS_REACHED = 6, GX_UNKNOWN_BEARER_ID = 7, GX_MISSING_BEARER_ID = 8,
	GX_MISSING_FLOW_INFORMATION = 9, GX_RESOURCE_ALLOCATION_FAILURE = 10, GX_UNSUCCESSFUL_QOS_VALIDATION = 11,
	GX_INCORRECT_FLOW_INFORMATION = 12, GX_PS_TO_CS_HANDOVER = 13, GX_NO_BEARER_BOUND = 15,
};
enum gx_release_cause { GX_UNSPECIFIED_REASON = 0, GX_UE_SUBSCRIPTION_REASON = 1, GX_INSUFFICIENT_SERVER_RESOURCES = 2, GX_IP_CAN_SESSION_TERMINATION = 3 };
enum gx_flow_direction { GX_UNSPECIFIED, GX_DOWNLINK, GX_UPLINK, GX_BIDIRECTIONAL };
enum gx_packet_filter_operation { GX_FILTER_DELETION = 0, GX_FILTER_ADDITION = 1, GX_FILTER_MODIFICATION = 2 };

#define GX_RULES_MAX 8	 /* in one Charging-Rule-Install */
#define GX_INSTALLS_MAX 4
#define GX_FLOWS_MAX 8
#define GX_TRIGGERS_MAX 24
#define GX_USAGES_MAX 8

struct gx_flow { /* Flow-Information, TS 29.212 5.3.53 */
	struct str description; /* IPFilterRule "permit out ..." */
	struct str filter_id;
	int filter_usage; /* 1: to be sent to the UE */
	struct str tos_class, spi, flow_label;
	int direction; /* enum gx_flow_direction */
};
struct gx_qos { /* QoS-Information, TS 29.212 5.3.16 */
	int qci;
	int mbr_ul, mbr_dl, gbr_ul, gbr_dl; /* bit/s; above 2^31-1 as that */
	struct str bearer_id;
	struct pcc_arp arp;
	bool has_arp;
	int ambr_ul, ambr_dl; /* APN-Aggregate-Max-Bitrate */
};
struct gx_default_qos { /* Default-EPS-Bearer-QoS, TS 29.212 5.3.48 */
	int qci;
	struct pcc_arp arp;
	bool has_arp;
};
struct gx_rule { /* Charging-Rule-Definition, TS 29.212 5.3.4 */
	struct str name;
	int service_id, rating_group;
	struct gx_flow flow[GX_FLOWS_MAX];
	size_t n_flow;
	struct str tdf_app_id;
	int flow_status; /* enum pcc_flow_status */
	struct gx_qos qos;
	bool has_qos;
	int reporting_level, online, offline, metering;
	int precedence;
	struct str af_charging_id;
	struct pcc_flows flows[2];
	size_t n_flows;
	struct str monitoring_key, sponsor, asp;
};
void gx_rule_init(struct gx_rule *r); /* everything absent */
struct gx_install { /* TS 29.212 5.3.2 */
	struct gx_rule rule[GX_RULES_MAX];
	size_t n_rule;
	struct str name[GX_RULES_MAX], base_name[GX_RULES_MAX]; /* predefined */
	size_t n_name, n_base_name;
	uint32_t activation, deactivation; /* NTP seconds */
	int allocation_notification; /* 0: Resource-Allocation-Notification ENABLE_NOTIFICATION */
};
struct gx_remove { /* TS 29.212 5.3.3 */
	struct str name[16], base_name[8];
	size_t n_name, n_base_name;
	uint32_t required_access_info[2];
	size_t n_required_access_info;
};
struct gx_rule_report { /* TS 29.212 5.3.18 */
	struct str name[16], base_name[8];
	size_t n_name, n_base_name;
	int status;  /* enum gx_rule_status */
	int failure; /* enum gx_rule_failure */
};
struct gx_usage { /* Usage-Monitoring-Information, TS 29.212 5.3.60 */
	struct str key;
	uint64_t granted_total, granted_ul, granted_dl; /* octets */
	uint64_t used_total, used_ul, used_dl;
	int level;   /* 0 session, 1 PCC rule */
	int report;  /* 0: USAGE_MONITORING_REPORT_REQUIRED */
	int support; /* 0: USAGE_MONITORING_DISABLED */
};

struct gx_ccr {
	int type; /* enum gx_request_type */
	uint32_t number;
	struct pcc_subscription subscription[2];
	size_t n_subscription;
	int network_request_support;
	int filter_operation; /* enum gx_packet_filter_operation; UE's request */
	struct gx_flow filter[GX_FLOWS_MAX]; /* Packet-Filter-Information: content, identifier, direction */
	size_t n_filter;
	int filter_precedence;
	struct str framed_ip, framed_ipv6, called_station_id, pdn_connection_id;
	int ip_can_type, rat_type, an_trusted;
	int termination_cause;
	int imei_type; /* User-Equipment-Info-Type, 0: IMEISV */
	struct str imei;
	struct gx_qos qos; /* AMBR, or the UE's request */
	bool has_qos;
	struct gx_default_qos default_qos;
	bool has_default_qos;
	struct str an_gw_address[2];
	size_t n_an_gw_address;
	struct pcc_location location;
	struct str rai, charging_characteristics, selection_mode;
	uint32_t event_trigger[GX_TRIGGERS_MAX];
	size_t n_event_trigger;
	struct gx_rule_report report[GX_RULES_MAX];
	size_t n_report;
	struct str charging_address;
	struct pcc_charging_id charging_id[4];
	size_t n_charging_id;
	struct gx_usage usage[GX_USAGES_MAX];
	size_t n_usage;
	int session_release_cause, default_access;
};

/* What a CCA and a RAR order. */
struct gx_orders {
	uint32_t event_trigger[GX_TRIGGERS_MAX];
	size_t n_event_trigger;
	struct gx_install install[GX_INSTALLS_MAX];
	size_t n_install;
	struct gx_remove remove[GX_INSTALLS_MAX];
	size_t n_remove;
	struct gx_qos qos; /* APN-AMBR */
	bool has_qos;
	struct gx_default_qos default_qos;
	bool has_default_qos;
	struct gx_usage usage[GX_USAGES_MAX];
	size_t n_usage;
	uint32_t revalidation; /* NTP seconds */
	int session_release_cause;
};
struct gx_cca {
	int type;
	uint32_t number;
	int result; /* enum pcc_result */
	int bearer_control_mode; /* 0 UE_ONLY, 2 UE_NW */
	int online, offline;
	struct gx_orders orders;
};
struct gx_rar {
	int re_auth_type; /* 0: AUTHORIZE_ONLY */
	int pcscf_restoration; /* 0: PCSCF_RESTORATION, the UE is to take another P-CSCF */
	struct gx_orders orders;
};
struct gx_raa {
	int result;
	int ip_can_type, rat_type;
	struct gx_rule_report report[GX_RULES_MAX];
	size_t n_report;
	struct str an_gw_address[2];
	size_t n_an_gw_address;
	struct pcc_location location;
	struct pcc_charging_id charging_id[4];
	size_t n_charging_id;
};

#endif
