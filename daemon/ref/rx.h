/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Rx (TS 29.214): commands as structs, from the tables in rx.c. No I/O. See pcc.h for "absent". */
#ifndef KIMS_REF_RX_H
#define KIMS_REF_RX_H

#include "ref/pcc.h"

#define RX_APP_ID 16777236

enum rx_command { RX_RAR = 258, RX_AAR = 265, RX_ASR = 274, RX_STR = 275 };

enum rx_media_type { RX_AUDIO, RX_VIDEO, RX_DATA, RX_APPLICATION, RX_CONTROL, RX_TEXT, RX_MESSAGE, RX_OTHER = -2 };
enum rx_flow_usage { RX_NO_INFORMATION, RX_RTCP, RX_AF_SIGNALLING };
enum rx_request_type { RX_INITIAL_REQUEST, RX_UPDATE_REQUEST, RX_PCSCF_RESTORATION_REQUEST };
enum rx_specific_action { /* TS 29.214 5.3.13 */
	RX_CHARGING_CORRELATION_EXCHANGE = 1, RX_INDICATION_OF_LOSS_OF_BEARER = 2, RX_INDICATION_OF_RECOVERY_OF_BEARER = 3,
	RX_INDICATION_OF_RELEASE_OF_BEARER = 4, RX_IP_CAN_CHANGE = 6, RX_INDICATION_OF_OUT_OF_CREDIT = 7,
	RX_INDICATION_OF_SUCCESSFUL_RESOURCES_ALLOCATION = 8, RX_INDICATION_OF_FAILED_RESOURCES_ALLOCATION = 9,
	RX_INDICATION_OF_LIMITED_PCC_DEPLOYMENT = 10, RX_USAGE_REPORT = 11, RX_ACCESS_NETWORK_INFO_REPORT = 12,
};
enum rx_abort_cause { /* TS 29.214 5.3.1 */
	RX_BEARER_RELEASED, RX_INSUFFICIENT_SERVER_RESOURCES, RX_INSUFFICIENT_BEARER_RESOURCES, RX_PS_TO_CS_HANDOVER,
	RX_SPONSORED_DATA_CONNECTIVITY_DISALLOWED
};
enum rx_termination_cause { RX_LOGOUT = 1, RX_SERVICE_NOT_PROVIDED = 2, RX_ADMINISTRATIVE = 4, RX_LINK_BROKEN = 5, RX_SESSION_TIMEOUT = 8 };
enum rx_required_access_info { RX_USER_LOCATION, RX_MS_TIME_ZONE };

#define RX_COMPONENTS_MAX 8
#define RX_SUBS_MAX 4
#define RX_ACTIONS_MAX 16

struct rx_sub_component { /* TS 29.214 5.3.19 */
	uint32_t number;
	struct str description[2]; /* IPFilterRule of each direction: "permit out 17 from ... to ..." */
	size_t n_description;
	int status; /* enum pcc_flow_status */
	int usage;  /* enum rx_flow_usage */
	int max_ul, max_dl; /* bit/s */
	int af_signalling_protocol; /* 1: SIP */
	struct str tos_class;
};
struct rx_component { /* TS 29.214 5.3.16 */
	uint32_t number;
	struct rx_sub_component sub[RX_SUBS_MAX];
	size_t n_sub;
	struct str af_app_id;
	int media_type; /* enum rx_media_type */
	int max_ul, max_dl, min_ul, min_dl; /* bit/s */
	int rs, rr; /* RTCP bandwidth, bit/s */
	int status; /* enum pcc_flow_status */
	int reservation_priority;
	struct str codec_data[4]; /* TS 29.214 5.3.7 */
	size_t n_codec_data;
};

struct rx_aar {
	struct str af_app_id, af_charging_id;
	struct rx_component component[RX_COMPONENTS_MAX];
	size_t n_component;
	int service_info_status; /* 0 final, 1 preliminary */
	int sip_forking;	 /* 0 single dialogue, 1 several dialogues */
	uint32_t specific_action[RX_ACTIONS_MAX];
	size_t n_specific_action;
	struct pcc_subscription subscription[2];
	size_t n_subscription;
	int reservation_priority;
	struct str framed_ip;	/* 4 octets */
	struct str framed_ipv6; /* RFC 3162: reserved, prefix length, prefix */
	struct str called_station_id, service_urn, mps_id, ip_domain_id;
	struct str sponsor, asp; /* Sponsored-Connectivity-Data */
	int rx_request_type;
	int pcscf_restoration; /* 0: the UE is to take another P-CSCF */
	uint32_t required_access_info[2];
	size_t n_required_access_info;
};
struct rx_aaa {
	int result; /* enum pcc_result */
	struct pcc_charging_id charging_id[2];
	size_t n_charging_id;
	struct str charging_address;
	struct rx_component acceptable[RX_COMPONENTS_MAX]; /* Acceptable-Service-Info */
	size_t n_acceptable;
	int ip_can_type, rat_type;
	struct pcc_location location;
	uint32_t retry_interval;
};
struct rx_rar {
	uint32_t specific_action[RX_ACTIONS_MAX];
	size_t n_specific_action;
	struct pcc_flows flows[RX_COMPONENTS_MAX];
	size_t n_flows;
	struct pcc_charging_id charging_id[2];
	size_t n_charging_id;
	struct str charging_address;
	int ip_can_type, rat_type, abort_cause;
	struct pcc_location location;
};
struct rx_raa {
	int result;
	struct rx_component component[RX_COMPONENTS_MAX];
	size_t n_component;
};
struct rx_str {
	int termination_cause; /* enum rx_termination_cause */
	uint32_t required_access_info[2];
	size_t n_required_access_info;
};
struct rx_sta {
	int result;
	struct pcc_location location;
};
struct rx_asr {
	int abort_cause; /* enum rx_abort_cause */
};
struct rx_asa {
	int result;
};

#endif
