/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Cx (TS 29.228, TS 29.229): commands and AVPs as structs, from the IE tables in cx.c. No I/O.
 *
 * Strings are views into the decoded message (valid while it lives) or the caller's memory when
 * encoding; a struct str with p == NULL is "absent", an integer has a has_ flag or a value that says
 * absent (-1). Decoders check presence by the M column and report the missing AVP.
 */
#ifndef KIMS_REF_CX_H
#define KIMS_REF_CX_H

#include "lib/core/base.h"

#define CX_APP_ID 16777216
#define CX_VENDOR 10415

enum cx_command { CX_UAR = 300, CX_SAR = 301, CX_LIR = 302, CX_MAR = 303, CX_RTR = 304, CX_PPR = 305 };

enum cx_result { /* Result-Code (< 10000) or Experimental-Result-Code + 10000 of 3GPP (TS 29.229 6.2) */
	CX_SUCCESS = 2001,
	CX_FIRST_REGISTRATION = 12001, CX_SUBSEQUENT_REGISTRATION = 12002, CX_UNREGISTERED_SERVICE = 12003,
	CX_SUCCESS_SERVER_NAME_NOT_STORED = 12004,
	CX_USER_UNKNOWN = 15001, CX_IDENTITIES_DONT_MATCH = 15002, CX_IDENTITY_NOT_REGISTERED = 15003,
	CX_ROAMING_NOT_ALLOWED = 15004, CX_IDENTITY_ALREADY_REGISTERED = 15005, CX_AUTH_SCHEME_NOT_SUPPORTED = 15006,
	CX_IN_ASSIGNMENT_TYPE = 15007, CX_TOO_MUCH_DATA = 15008, CX_NOT_SUPPORTED_USER_DATA = 15009, CX_FEATURE_UNSUPPORTED = 15011,
	CX_AUTHORIZATION_REJECTED = 5003, CX_OCCURS_TOO_MANY_TIMES = 5009, CX_UNABLE_TO_COMPLY = 5012, CX_MISSING_AVP = 5005, CX_INVALID_AVP_VALUE = 5004, CX_UNABLE_TO_DELIVER = 3002, CX_TOO_BUSY = 3004,
	CX_TIMEOUT = -1, /* local: no answer in time */ CX_NO_PEER = -2, /* local: no connection to a peer */ CX_BAD_ANSWER = -3, /* local: mandatory AVP missing or malformed */
};

enum cx_auth_type { CX_REGISTRATION = 0, CX_DE_REGISTRATION = 1, CX_REGISTRATION_AND_CAPABILITIES = 2 };
enum cx_assignment {
	CX_NO_ASSIGNMENT = 0, CX_SA_REGISTRATION = 1, CX_RE_REGISTRATION = 2, CX_UNREGISTERED_USER = 3, CX_TIMEOUT_DEREGISTRATION = 4,
	CX_USER_DEREGISTRATION = 5, CX_TIMEOUT_DEREGISTRATION_STORE_SERVER_NAME = 6, CX_USER_DEREGISTRATION_STORE_SERVER_NAME = 7,
	CX_ADMINISTRATIVE_DEREGISTRATION = 8, CX_AUTHENTICATION_FAILURE = 9, CX_AUTHENTICATION_TIMEOUT = 10,
	CX_DEREGISTRATION_TOO_MUCH_DATA = 11,
};
enum cx_dereg_reason { CX_PERMANENT_TERMINATION = 0, CX_NEW_SERVER_ASSIGNED = 1, CX_SERVER_CHANGE = 2, CX_REMOVE_S_CSCF = 3 };

#define CX_CAPS_MAX 16
#define CX_IDS_MAX 32
#define CX_VECTORS_MAX 5

struct cx_capabilities {
	uint32_t mandatory[CX_CAPS_MAX], optional[CX_CAPS_MAX];
	size_t n_mandatory, n_optional;
	struct str server_name[4]; /* names that the HSS proposes */
	size_t n_server_name;
};

struct cx_uar {
	struct str user_name, public_identity, visited_network; /* IMPI, IMPU, network id */
	int auth_type;		       /* enum cx_auth_type; -1: absent (means REGISTRATION) */
	bool emergency;		       /* UAR-Flags bit 0 */
};
struct cx_uaa {
	int result; /* enum cx_result */
	struct str server_name;
	struct cx_capabilities caps;
	bool has_caps;
};
struct cx_auth_item {
	uint32_t number;
	struct str scheme;
	struct str authenticate;  /* RAND || AUTN, 32 octets; in MAR with AUTS: unused */
	struct str authorization; /* MAA: XRES; MAR resync: RAND || AUTS, 30 octets */
	struct str ck, ik;	  /* 16 octets each */
};
struct cx_mar {
	struct str user_name, public_identity, server_name;
	uint32_t n_items;
	struct cx_auth_item item; /* scheme, authorization */
};
struct cx_maa {
	int result;
	struct str user_name, public_identity;
	struct cx_auth_item item[CX_VECTORS_MAX];
	size_t n;
};
struct cx_sar {
	struct str user_name, server_name;
	struct str public_identity[CX_IDS_MAX];
	size_t n_public_identity;
	int assignment_type;
	bool user_data_already_available;
};
struct cx_saa {
	int result;
	struct str user_name;
	struct str user_data; /* XML of TS 29.228 annex E */
	struct str ccf1, ccf2, ecf1, ecf2; /* Charging-Information */
	struct str associated_identity[CX_IDS_MAX];
	size_t n_associated_identity;
};
struct cx_lir {
	struct str public_identity;
	bool originating;
	int auth_type; /* -1: absent */
};
struct cx_lia {
	int result;
	struct str server_name;
	struct cx_capabilities caps;
	bool has_caps;
};
struct cx_rtr {
	struct str user_name, destination_host;
	struct str public_identity[CX_IDS_MAX];
	size_t n_public_identity;
	int reason_code;
	struct str reason_info;
};
struct cx_rta {
	int result;
};
struct cx_ppr {
	struct str user_name, destination_host;
	struct str user_data;
	struct str ccf1, ccf2, ecf1, ecf2;
};
struct cx_ppa {
	int result;
};

const char *cx_result_name(int result); /* "DIAMETER_ERROR_USER_UNKNOWN" */
const char *cx_command_name(enum cx_command c);

#endif
