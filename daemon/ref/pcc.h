/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What Gx (TS 29.212) and Rx (TS 29.214) have in common: values, and structs of grouped AVPs. No I/O.
 *
 * Strings are views into the decoded message (valid while it lives) or the caller's memory when
 * encoding. "Absent" is p == NULL for a struct str, -1 for an int, 0 for unsigned numbers.
 */
#ifndef KIMS_REF_PCC_H
#define KIMS_REF_PCC_H

#include "lib/core/base.h"

#define PCC_VENDOR 10415

/* Result-Code (< 10000), or Experimental-Result-Code + 10000 (TS 29.212 5.5, TS 29.214 5.5). */
enum pcc_result {
	PCC_SUCCESS = 2001,
	PCC_UNKNOWN_SESSION_ID = 5002,
	PCC_INVALID_AVP_VALUE = 5004,
	PCC_MISSING_AVP = 5005,
	PCC_UNABLE_TO_COMPLY = 5012,
	PCC_OUT_OF_SPACE = 4002,
	PCC_TOO_BUSY = 3004,
	GX_PENDING_TRANSACTION = 14144,
	GX_PCC_BEARER_EVENT = 14141,
	GX_PCC_RULE_EVENT = 15142,
	GX_ERROR_INITIAL_PARAMETERS = 15140,
	GX_ERROR_TRIGGER_EVENT = 15141,
	GX_ERROR_BEARER_NOT_AUTHORIZED = 15143,
	GX_ERROR_TRAFFIC_MAPPING_INFO_REJECTED = 15144,
	GX_ERROR_CONFLICTING_REQUEST = 15147,
	RX_INVALID_SERVICE_INFORMATION = 15061,
	RX_FILTER_RESTRICTIONS = 15062,
	RX_REQUESTED_SERVICE_NOT_AUTHORIZED = 15063,
	RX_DUPLICATED_AF_SESSION = 15064,
	RX_IP_CAN_SESSION_NOT_AVAILABLE = 15065,
	RX_UNAUTHORIZED_NON_EMERGENCY_SESSION = 15066,
	RX_UNAUTHORIZED_SPONSORED_DATA_CONNECTIVITY = 15067,
	RX_TEMPORARY_NETWORK_FAILURE = 15068,
};

enum pcc_ip_can { PCC_3GPP_GPRS = 0, PCC_3GPP_EPS = 5, PCC_NON_3GPP_EPS = 6 };
enum pcc_rat { PCC_RAT_WLAN = 0, PCC_RAT_UTRAN = 1000, PCC_RAT_EUTRAN = 1004, PCC_RAT_NR = 1006 };
enum pcc_flow_status { /* TS 29.214 5.3.11 */
	PCC_ENABLED_UPLINK = 0, PCC_ENABLED_DOWNLINK = 1, PCC_ENABLED = 2, PCC_DISABLED = 3, PCC_REMOVED = 4
};
enum pcc_subscription_type { PCC_E164 = 0, PCC_IMSI = 1, PCC_SIP_URI = 2, PCC_NAI = 3 };

struct pcc_subscription {
	struct str data;
	int type; /* enum pcc_subscription_type */
};
struct pcc_arp { /* TS 29.212 5.3.32 */
	uint32_t level; /* 1 (highest) to 15 */
	int capability; /* Pre-emption-Capability: 0 enabled, 1 disabled (default) */
	int vulnerability; /* 0 enabled (default), 1 disabled */
};
struct pcc_flows { /* TS 29.214 5.3.10 */
	uint32_t component;
	uint32_t number[8];
	size_t n_number;
	int final_unit_action;
};
struct pcc_charging_id { /* TS 29.214 5.3.3, TS 29.212 5.3.22 */
	struct str value;
	struct pcc_flows flows[2];
	size_t n_flows;
	struct str rule[4], base[4]; /* Gx: Charging-Rule-Name, Charging-Rule-Base-Name */
	size_t n_rule, n_base;
};
bool pcc_is_gbr(int qci); /* one with a guaranteed bit rate; TS 23.203 table 6.1.7 */

/* Where the UE is, as the access network says (NetLoc, TS 29.214 5.3). */
struct pcc_location {
	struct str uli; /* 3GPP-User-Location-Info, TS 29.061 16.4.7.2 */
	struct str timezone, mcc_mnc, twan, ue_local_ip;
	uint32_t uli_time; /* NTP seconds */
};

#endif
