// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Cx as tables: AVPs of TS 29.229 6.3 and commands of TS 29.229 6.1, onto the structs of cx.h.
 *
 * Presence is that of the command's ABNF; IE_SUCC marks what the tables of TS 29.228 6.1 and 6.3
 * call conditional on success. What kims has no use for yet is listed as IE_ANY, so that it is
 * known (and may carry the M bit) without being kept.
 */
#include "ref/cx_tables.h"

enum cx_avp {
	VISITED_NETWORK,
	PUBLIC_IDENTITY,
	SERVER_NAME,
	SERVER_CAPS,
	MANDATORY_CAP,
	OPTIONAL_CAP,
	USER_DATA,
	NUMBER_AUTH_ITEMS,
	AUTH_SCHEME,
	SIP_AUTHENTICATE,
	SIP_AUTHORIZATION,
	SIP_AUTH_CONTEXT,
	AUTH_DATA_ITEM,
	ITEM_NUMBER,
	ASSIGNMENT_TYPE,
	DEREG_REASON,
	REASON_CODE,
	REASON_INFO,
	CHARGING_INFO,
	ECF1,
	ECF2,
	CCF1,
	CCF2,
	USER_AUTH_TYPE,
	DATA_AVAILABLE,
	CK,
	IK,
	SUPPORTED_FEATURES,
	FEATURE_LIST_ID,
	FEATURE_LIST,
	SUPPORTED_APPS,
	ASSOC_IDS,
	ORIGINATING,
	WILDCARDED_PSI,
	DIGEST_AUTHENTICATE,
	WILDCARDED_IMPU,
	UAR_FLAGS,
	LOOSE_ROUTE,
	RESTORATION_INFO,
	PATH,
	CONTACT,
	SUBSCRIPTION_INFO,
	CALL_ID,
	FROM,
	TO,
	RECORD_ROUTE,
	ASSOC_GROUPS,
	MULTIPLE_REG,
	RESTORATION,
	SESSION_PRIORITY,
	EMERGENCY_ID,
	PRIVILEGED_SENDER,
	LIA_FLAGS,
	INITIAL_CSEQ,
	SAR_FLAGS,
	WAF_IDS,
	WAF_NAME,
	WWSF_NAME,
	RTR_FLAGS,
	N_AVPS
};

#define V (IE_V | IE_M)
#define A(i, n, c, f, t) \
	[i] = { .name = (n), .code = (c), .vendor = CX_VENDOR, .flags = (f), .type = (t) }
#define E(i, n, c, f, m)             \
	[i] = { .name = (n),         \
		.code = (c),         \
		.vendor = CX_VENDOR, \
		.flags = (f),        \
		.type = IE_ENUM,     \
		.max = (m) }

static const struct ie_avp avps[] = {
	A(VISITED_NETWORK, "Visited-Network-Identifier", 600, V, IE_OCTETS),
	A(PUBLIC_IDENTITY, "Public-Identity", 601, V, IE_UTF8),
	A(SERVER_NAME, "Server-Name", 602, V, IE_UTF8),
	A(SERVER_CAPS, "Server-Capabilities", 603, V, IE_GROUPED),
	A(MANDATORY_CAP, "Mandatory-Capability", 604, V, IE_U32),
	A(OPTIONAL_CAP, "Optional-Capability", 605, V, IE_U32),
	A(USER_DATA, "User-Data", 606, V, IE_OCTETS),
	A(NUMBER_AUTH_ITEMS, "SIP-Number-Auth-Items", 607, V, IE_U32),
	A(AUTH_SCHEME, "SIP-Authentication-Scheme", 608, V, IE_UTF8),
	A(SIP_AUTHENTICATE, "SIP-Authenticate", 609, V, IE_OCTETS),
	A(SIP_AUTHORIZATION, "SIP-Authorization", 610, V | IE_SECRET, IE_OCTETS),
	A(SIP_AUTH_CONTEXT, "SIP-Authentication-Context", 611, V, IE_OCTETS),
	A(AUTH_DATA_ITEM, "SIP-Auth-Data-Item", 612, V, IE_GROUPED),
	A(ITEM_NUMBER, "SIP-Item-Number", 613, V, IE_U32),
	E(ASSIGNMENT_TYPE, "Server-Assignment-Type", 614, V, 14),
	A(DEREG_REASON, "Deregistration-Reason", 615, V, IE_GROUPED),
	E(REASON_CODE, "Reason-Code", 616, V, 0),
	A(REASON_INFO, "Reason-Info", 617, V, IE_UTF8),
	A(CHARGING_INFO, "Charging-Information", 618, V, IE_GROUPED),
	A(ECF1, "Primary-Event-Charging-Function-Name", 619, V, IE_URI),
	A(ECF2, "Secondary-Event-Charging-Function-Name", 620, V, IE_URI),
	A(CCF1, "Primary-Charging-Collection-Function-Name", 621, V, IE_URI),
	A(CCF2, "Secondary-Charging-Collection-Function-Name", 622, V, IE_URI),
	E(USER_AUTH_TYPE, "User-Authorization-Type", 623, V, 2),
	E(DATA_AVAILABLE, "User-Data-Already-Available", 624, V, 1),
	A(CK, "Confidentiality-Key", 625, V | IE_SECRET, IE_OCTETS),
	A(IK, "Integrity-Key", 626, V | IE_SECRET, IE_OCTETS),
	A(SUPPORTED_FEATURES, "Supported-Features", 628, IE_V, IE_GROUPED),
	A(FEATURE_LIST_ID, "Feature-List-ID", 629, IE_V, IE_U32),
	A(FEATURE_LIST, "Feature-List", 630, IE_V, IE_U32),
	A(SUPPORTED_APPS, "Supported-Applications", 631, IE_V, IE_GROUPED),
	A(ASSOC_IDS, "Associated-Identities", 632, IE_V, IE_GROUPED),
	E(ORIGINATING, "Originating-Request", 633, V, 0),
	A(WILDCARDED_PSI, "Wildcarded-Public-Identity", 634, IE_V, IE_UTF8),
	A(DIGEST_AUTHENTICATE, "SIP-Digest-Authenticate", 635, IE_V, IE_GROUPED),
	A(WILDCARDED_IMPU, "Wildcarded-IMPU", 636, IE_V, IE_UTF8),
	A(UAR_FLAGS, "UAR-Flags", 637, IE_V, IE_U32),
	E(LOOSE_ROUTE, "Loose-Route-Indication", 638, IE_V, 1),
	A(RESTORATION_INFO, "SCSCF-Restoration-Info", 639, IE_V, IE_GROUPED),
	A(PATH, "Path", 640, IE_V, IE_OCTETS),
	A(CONTACT, "Contact", 641, IE_V, IE_OCTETS),
	A(SUBSCRIPTION_INFO, "Subscription-Info", 642, IE_V, IE_GROUPED),
	A(CALL_ID, "Call-ID-SIP-Header", 643, IE_V, IE_OCTETS),
	A(FROM, "From-SIP-Header", 644, IE_V, IE_OCTETS),
	A(TO, "To-SIP-Header", 645, IE_V, IE_OCTETS),
	A(RECORD_ROUTE, "Record-Route", 646, IE_V, IE_OCTETS),
	A(ASSOC_GROUPS, "Associated-Registered-Groups", 647, IE_V, IE_GROUPED),
	E(MULTIPLE_REG, "Multiple-Registration-Indication", 648, IE_V, 1),
	A(RESTORATION, "Restoration-Info", 649, IE_V, IE_GROUPED),
	E(SESSION_PRIORITY, "Session-Priority", 650, IE_V, 0),
	A(EMERGENCY_ID, "Identity-with-Emergency-Registration", 651, IE_V, IE_GROUPED),
	E(PRIVILEGED_SENDER, "Priviledged-Sender-Indication", 652, IE_V, 1),
	A(LIA_FLAGS, "LIA-Flags", 653, IE_V, IE_U32),
	A(INITIAL_CSEQ, "Initial-CSeq-Sequence-Number", 654, IE_V, IE_U32),
	A(SAR_FLAGS, "SAR-Flags", 655, IE_V, IE_U32),
	A(WAF_IDS, "Allowed-WAF-WWSF-Identities", 656, IE_V, IE_GROUPED),
	A(WAF_NAME, "WebRTC-Authentication-Function-Name", 657, IE_V, IE_UTF8),
	A(WWSF_NAME, "WebRTC-Web-Server-Function-Name", 658, IE_V, IE_UTF8),
	A(RTR_FLAGS, "RTR-Flags", 659, IE_V, IE_U32),
};

const struct ie_dict cx_dict = {
	.name = "Cx", .spec = "TS 29.229 6.3", .avps = avps, .n = N_AVPS, .next = &ie_base_dict
};

#define USER_NAME (&ie_base[IEB_USER_NAME])
#define FEATURES  IE_ANY(&avps[SUPPORTED_FEATURES])

static const struct ie_rule caps_rules[] = {
	/* TS 29.229 6.3.4 */
	IE_MANY(&avps[MANDATORY_CAP], IE_OPT, IE_UINTS, struct cx_capabilities, mandatory,
		n_mandatory),
	IE_MANY(&avps[OPTIONAL_CAP], IE_OPT, IE_UINTS, struct cx_capabilities, optional,
		n_optional),
	IE_MANY(&avps[SERVER_NAME], IE_OPT, IE_STRS, struct cx_capabilities, server_name,
		n_server_name),
	IE_END,
};

static const struct ie_rule auth_item_rules[] = {
	/* TS 29.229 6.3.13 */
	IE_ONE(&avps[ITEM_NUMBER], IE_OPT, IE_UINT, struct cx_auth_item, number),
	IE_ONE(&avps[AUTH_SCHEME], IE_OPT, IE_STR, struct cx_auth_item, scheme),
	IE_ONE(&avps[SIP_AUTHENTICATE], IE_OPT, IE_STR, struct cx_auth_item, authenticate),
	IE_ONE(&avps[SIP_AUTHORIZATION], IE_OPT, IE_STR, struct cx_auth_item, authorization),
	IE_ANY(&avps[SIP_AUTH_CONTEXT]),
	IE_ONE(&avps[CK], IE_OPT, IE_STR, struct cx_auth_item, ck),
	IE_ONE(&avps[IK], IE_OPT, IE_STR, struct cx_auth_item, ik),
	IE_ANY(&avps[DIGEST_AUTHENTICATE]),
	IE_END,
};

#define CHARGING_RULES(T)                                     \
	IE_ONE(&avps[ECF1], IE_OPT, IE_STR, T, ecf1),         \
		IE_ONE(&avps[ECF2], IE_OPT, IE_STR, T, ecf2), \
		IE_ONE(&avps[CCF1], IE_OPT, IE_STR, T, ccf1), \
		IE_ONE(&avps[CCF2], IE_OPT, IE_STR, T, ccf2), IE_END

/* TS 29.229 6.3.19 */
static const struct ie_rule saa_charging_rules[] = { CHARGING_RULES(struct cx_saa) };
static const struct ie_rule ppr_charging_rules[] = { CHARGING_RULES(struct cx_ppr) };

static const struct ie_rule saa_assoc_rules[] = {
	/* TS 29.229 6.3.33 */
	IE_MANY(USER_NAME, IE_OPT, IE_STRS, struct cx_saa, associated_identity,
		n_associated_identity),
	IE_END,
};

static const struct ie_rule dereg_reason_rules[] = {
	/* TS 29.229 6.3.16 */
	IE_ONE(&avps[REASON_CODE], IE_MAND, IE_INT, struct cx_rtr, reason_code),
	IE_ONE(&avps[REASON_INFO], IE_OPT, IE_STR, struct cx_rtr, reason_info),
	IE_END,
};

static const struct ie_rule uar_rules[] = {
	IE_ONE(USER_NAME, IE_MAND, IE_STR, struct cx_uar, user_name),
	FEATURES,
	IE_ONE(&avps[PUBLIC_IDENTITY], IE_MAND, IE_STR, struct cx_uar, public_identity),
	IE_ONE(&avps[VISITED_NETWORK], IE_MAND, IE_STR, struct cx_uar, visited_network),
	IE_ONE(&avps[USER_AUTH_TYPE], IE_OPT, IE_INT, struct cx_uar, auth_type),
	IE_ONE(&avps[UAR_FLAGS], IE_OPT, IE_BIT0, struct cx_uar, emergency),
	IE_END,
};

static const struct ie_rule uaa_rules[] = {
	IE_RESULT_ROWS(struct cx_uaa, result),
	FEATURES,
	IE_ONE(&avps[SERVER_NAME], IE_OPT, IE_STR, struct cx_uaa, server_name),
	IE_SUB(&avps[SERVER_CAPS], IE_OPT, struct cx_uaa, caps, offsetof(struct cx_uaa, has_caps),
	       caps_rules),
	IE_END,
};

static const struct ie_rule sar_rules[] = {
	IE_ONE(USER_NAME, IE_OPT, IE_STR, struct cx_sar, user_name),
	FEATURES,
	IE_MANY(&avps[PUBLIC_IDENTITY], IE_OPT, IE_STRS, struct cx_sar, public_identity,
		n_public_identity),
	IE_ANY(&avps[WILDCARDED_PSI]),
	IE_ONE(&avps[SERVER_NAME], IE_MAND, IE_STR, struct cx_sar, server_name),
	IE_ONE(&avps[ASSIGNMENT_TYPE], IE_MAND, IE_INT, struct cx_sar, assignment_type),
	IE_ONE(&avps[DATA_AVAILABLE], IE_MAND, IE_BOOL, struct cx_sar, user_data_already_available),
	IE_ANY(&avps[RESTORATION_INFO]),
	IE_ANY(&avps[MULTIPLE_REG]),
	IE_ANY(&avps[SESSION_PRIORITY]),
	IE_ANY(&avps[SAR_FLAGS]),
	IE_END,
};

static const struct ie_rule saa_rules[] = {
	IE_RESULT_ROWS(struct cx_saa, result),
	IE_ONE(USER_NAME, IE_OPT, IE_STR, struct cx_saa, user_name),
	FEATURES,
	IE_ONE(&avps[USER_DATA], IE_OPT, IE_STR, struct cx_saa, user_data),
	IE_IN(&avps[CHARGING_INFO], IE_OPT, saa_charging_rules),
	IE_IN(&avps[ASSOC_IDS], IE_OPT, saa_assoc_rules),
	IE_ANY(&avps[LOOSE_ROUTE]),
	IE_ANY(&avps[RESTORATION_INFO]),
	IE_ANY(&avps[ASSOC_GROUPS]),
	IE_ANY(&avps[SERVER_NAME]),
	IE_ANY(&avps[WILDCARDED_PSI]),
	IE_ANY(&avps[PRIVILEGED_SENDER]),
	IE_ANY(&avps[WAF_IDS]),
	IE_END,
};

static const struct ie_rule lir_rules[] = {
	IE_VAL(&avps[ORIGINATING], IE_OPT, struct cx_lir, originating, 0),
	FEATURES,
	IE_ONE(&avps[PUBLIC_IDENTITY], IE_MAND, IE_STR, struct cx_lir, public_identity),
	IE_ONE(&avps[USER_AUTH_TYPE], IE_OPT, IE_INT, struct cx_lir, auth_type),
	IE_ANY(&avps[SESSION_PRIORITY]),
	IE_END,
};

static const struct ie_rule lia_rules[] = {
	IE_RESULT_ROWS(struct cx_lia, result),
	FEATURES,
	IE_ONE(&avps[SERVER_NAME], IE_OPT, IE_STR, struct cx_lia, server_name),
	IE_SUB(&avps[SERVER_CAPS], IE_OPT, struct cx_lia, caps, offsetof(struct cx_lia, has_caps),
	       caps_rules),
	IE_ANY(&avps[WILDCARDED_PSI]),
	IE_ANY(&avps[LIA_FLAGS]),
	IE_END,
};

static const struct ie_rule mar_rules[] = {
	IE_ONE(USER_NAME, IE_MAND, IE_STR, struct cx_mar, user_name),
	FEATURES,
	IE_ONE(&avps[PUBLIC_IDENTITY], IE_MAND, IE_STR, struct cx_mar, public_identity),
	IE_SUB(&avps[AUTH_DATA_ITEM], IE_MAND, struct cx_mar, item, 0, auth_item_rules),
	IE_ONE(&avps[NUMBER_AUTH_ITEMS], IE_MAND, IE_UINT, struct cx_mar, n_items),
	IE_ONE(&avps[SERVER_NAME], IE_MAND, IE_STR, struct cx_mar, server_name),
	IE_END,
};

static const struct ie_rule maa_rules[] = {
	IE_RESULT_ROWS(struct cx_maa, result),
	IE_ONE(USER_NAME, IE_SUCC, IE_STR, struct cx_maa, user_name),
	FEATURES,
	IE_ONE(&avps[PUBLIC_IDENTITY], IE_SUCC, IE_STR, struct cx_maa, public_identity),
	IE_COUNT(&avps[NUMBER_AUTH_ITEMS], IE_SUCC, struct cx_maa, n),
	IE_SUBS(&avps[AUTH_DATA_ITEM], IE_SUCC, struct cx_maa, item, n, auth_item_rules),
	IE_END,
};

static const struct ie_rule rtr_rules[] = {
	IE_ONE(USER_NAME, IE_MAND, IE_STR, struct cx_rtr, user_name),
	IE_ANY(&avps[ASSOC_IDS]),
	FEATURES,
	IE_MANY(&avps[PUBLIC_IDENTITY], IE_OPT, IE_STRS, struct cx_rtr, public_identity,
		n_public_identity),
	IE_IN(&avps[DEREG_REASON], IE_MAND, dereg_reason_rules),
	IE_ANY(&avps[RTR_FLAGS]),
	IE_END,
};

static const struct ie_rule rta_rules[] = {
	IE_RESULT_ROWS(struct cx_rta, result),
	IE_ANY(&avps[ASSOC_IDS]),
	FEATURES,
	IE_ANY(&avps[EMERGENCY_ID]),
	IE_END,
};

static const struct ie_rule ppr_rules[] = {
	IE_ONE(USER_NAME, IE_MAND, IE_STR, struct cx_ppr, user_name),
	FEATURES,
	IE_ONE(&avps[USER_DATA], IE_OPT, IE_STR, struct cx_ppr, user_data),
	IE_IN(&avps[CHARGING_INFO], IE_OPT, ppr_charging_rules),
	IE_ANY(&avps[AUTH_DATA_ITEM]),
	IE_ANY(&avps[WAF_IDS]),
	IE_END,
};

static const struct ie_rule ppa_rules[] = {
	IE_RESULT_ROWS(struct cx_ppa, result),
	FEATURES,
	IE_END,
};

static int missing(struct ie_error *e, const struct ie_avp *a)
{
	*e = (struct ie_error){ .result = IE_MISSING_AVP, .avp = a };
	return -EBADMSG;
}

static int wrong(struct ie_error *e, const struct ie_avp *a)
{
	*e = (struct ie_error){ .result = IE_INVALID_AVP_VALUE, .avp = a };
	return -EBADMSG;
}

/* TS 29.228 table 6.1.1.2: an assigned server has a name. */
static int check_uaa(const void *in, struct ie_error *e)
{
	const struct cx_uaa *a = in;

	return a->result == CX_SUBSEQUENT_REGISTRATION && !a->server_name.n
		       ? missing(e, &avps[SERVER_NAME])
		       : 0;
}

/* TS 29.228 table 6.1.4.2. */
static int check_lia(const void *in, struct ie_error *e)
{
	const struct cx_lia *a = in;

	return a->result == CX_SUCCESS && !a->server_name.n ? missing(e, &avps[SERVER_NAME]) : 0;
}

/* TS 29.228 table 6.3.4: a vector of AKA is complete and of the right lengths. */
static int check_maa(const void *in, struct ie_error *e)
{
	const struct cx_maa *a = in;

	for (size_t i = 0; i < a->n; i++) {
		const struct cx_auth_item *it = &a->item[i];

		if (!it->scheme.p)
			return missing(e, &avps[AUTH_SCHEME]);
		if (!str_has_prefix(it->scheme, STR("Digest-AKA")))
			continue;
		if (!it->authenticate.p)
			return missing(e, &avps[SIP_AUTHENTICATE]);
		if (!it->authorization.p)
			return missing(e, &avps[SIP_AUTHORIZATION]);
		if (!it->ck.p || !it->ik.p)
			return missing(e, &avps[it->ck.p ? IK : CK]);
		if (it->authenticate.n != 32)
			return wrong(e, &avps[SIP_AUTHENTICATE]);
		if (it->authorization.n < 4 || it->authorization.n > 16)
			return wrong(e, &avps[SIP_AUTHORIZATION]);
		if (it->ck.n != 16 || it->ik.n != 16)
			return wrong(e, &avps[it->ck.n == 16 ? IK : CK]);
	}
	return 0;
}

#define REQ(v, n, ab, s, c)                                            \
	const struct ie_command cx_##v##_cmd = { .name = n "-Request", \
						 .abbrev = ab,         \
						 .spec = s,            \
						 .code = c,            \
						 .app = CX_APP_ID,     \
						 .request = true,      \
						 .rules = v##_rules,   \
						 .size = sizeof(struct cx_##v) }
#define ANS(v, n, ab, s, c, chk)                                                                \
	const struct ie_command cx_##v##_cmd = { .name = n "-Answer",                           \
						 .abbrev = ab,                                  \
						 .spec = s,                                     \
						 .code = c,                                     \
						 .app = CX_APP_ID,                              \
						 .rules = v##_rules,                            \
						 .size = sizeof(struct cx_##v),                 \
						 .result_off = offsetof(struct cx_##v, result), \
						 .check = chk }

REQ(uar, "User-Authorization", "UAR", "TS 29.229 6.1.1", CX_UAR);
ANS(uaa, "User-Authorization", "UAA", "TS 29.229 6.1.2", CX_UAR, check_uaa);
REQ(sar, "Server-Assignment", "SAR", "TS 29.229 6.1.3", CX_SAR);
ANS(saa, "Server-Assignment", "SAA", "TS 29.229 6.1.4", CX_SAR, NULL);
REQ(lir, "Location-Info", "LIR", "TS 29.229 6.1.5", CX_LIR);
ANS(lia, "Location-Info", "LIA", "TS 29.229 6.1.6", CX_LIR, check_lia);
REQ(mar, "Multimedia-Auth", "MAR", "TS 29.229 6.1.7", CX_MAR);
ANS(maa, "Multimedia-Auth", "MAA", "TS 29.229 6.1.8", CX_MAR, check_maa);
REQ(rtr, "Registration-Termination", "RTR", "TS 29.229 6.1.9", CX_RTR);
ANS(rta, "Registration-Termination", "RTA", "TS 29.229 6.1.10", CX_RTR, NULL);
REQ(ppr, "Push-Profile", "PPR", "TS 29.229 6.1.11", CX_PPR);
ANS(ppa, "Push-Profile", "PPA", "TS 29.229 6.1.12", CX_PPR, NULL);

static const struct ie_command *const commands[] = {
	&cx_uar_cmd, &cx_uaa_cmd, &cx_sar_cmd, &cx_saa_cmd, &cx_lir_cmd, &cx_lia_cmd,
	&cx_mar_cmd, &cx_maa_cmd, &cx_rtr_cmd, &cx_rta_cmd, &cx_ppr_cmd, &cx_ppa_cmd,
};

const struct ie_command *cx_find_command(uint32_t code, bool request)
{
	for (size_t i = 0; i < ARRAY_SIZE(commands); i++)
		if (commands[i]->code == code && commands[i]->request == request)
			return commands[i];
	return NULL;
}

const char *cx_result_name(int result)
{
	static const struct {
		int result;
		const char *name;
	} names[] = {
		{ CX_SUCCESS, "DIAMETER_SUCCESS" },
		{ CX_FIRST_REGISTRATION, "DIAMETER_FIRST_REGISTRATION" },
		{ CX_SUBSEQUENT_REGISTRATION, "DIAMETER_SUBSEQUENT_REGISTRATION" },
		{ CX_UNREGISTERED_SERVICE, "DIAMETER_UNREGISTERED_SERVICE" },
		{ CX_SUCCESS_SERVER_NAME_NOT_STORED, "DIAMETER_SUCCESS_SERVER_NAME_NOT_STORED" },
		{ CX_USER_UNKNOWN, "DIAMETER_ERROR_USER_UNKNOWN" },
		{ CX_IDENTITIES_DONT_MATCH, "DIAMETER_ERROR_IDENTITIES_DONT_MATCH" },
		{ CX_IDENTITY_NOT_REGISTERED, "DIAMETER_ERROR_IDENTITY_NOT_REGISTERED" },
		{ CX_ROAMING_NOT_ALLOWED, "DIAMETER_ERROR_ROAMING_NOT_ALLOWED" },
		{ CX_IDENTITY_ALREADY_REGISTERED, "DIAMETER_ERROR_IDENTITY_ALREADY_REGISTERED" },
		{ CX_AUTH_SCHEME_NOT_SUPPORTED, "DIAMETER_ERROR_AUTH_SCHEME_NOT_SUPPORTED" },
		{ CX_IN_ASSIGNMENT_TYPE, "DIAMETER_ERROR_IN_ASSIGNMENT_TYPE" },
		{ CX_TOO_MUCH_DATA, "DIAMETER_ERROR_TOO_MUCH_DATA" },
		{ CX_NOT_SUPPORTED_USER_DATA, "DIAMETER_ERROR_NOT_SUPPORTED_USER_DATA" },
		{ CX_FEATURE_UNSUPPORTED, "DIAMETER_ERROR_FEATURE_UNSUPPORTED" },
		{ CX_AUTHORIZATION_REJECTED, "DIAMETER_AUTHORIZATION_REJECTED" },
		{ CX_UNABLE_TO_COMPLY, "DIAMETER_UNABLE_TO_COMPLY" },
		{ CX_MISSING_AVP, "DIAMETER_MISSING_AVP" },
		{ CX_INVALID_AVP_VALUE, "DIAMETER_INVALID_AVP_VALUE" },
		{ CX_UNABLE_TO_DELIVER, "DIAMETER_UNABLE_TO_DELIVER" },
		{ CX_TOO_BUSY, "DIAMETER_TOO_BUSY" },
		{ IE_AVP_UNSUPPORTED, "DIAMETER_AVP_UNSUPPORTED" },
		{ CX_OCCURS_TOO_MANY_TIMES, "DIAMETER_AVP_OCCURS_TOO_MANY_TIMES" },
		{ IE_INVALID_AVP_LENGTH, "DIAMETER_INVALID_AVP_LENGTH" },
		{ CX_TIMEOUT, "no answer in time" },
		{ CX_NO_PEER, "no connection to a Diameter peer" },
		{ CX_BAD_ANSWER, "an answer without its mandatory AVPs" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (names[i].result == result)
			return names[i].name;
	return "unknown result";
}

const char *cx_command_name(enum cx_command c)
{
	const struct ie_command *cmd = cx_find_command(c, true);

	return cmd ? cmd->abbrev : "?";
}

void cx_doc(FILE *f)
{
	fputs("# Cx: AVPs and commands\n\n"
	      "Made by the tests from the tables in daemon/ref/cx.c; `KIMS_UPDATE_DOCS=1 make check T=ref/cx` writes it anew.\n"
	      "M: mandatory, O: optional, C: mandatory in a successful answer. Every command also carries the envelope:\n"
	      "Session-Id, Vendor-Specific-Application-Id, Auth-Session-State (NO_STATE_MAINTAINED), Origin-Host, Origin-Realm,\n"
	      "Destination-Host, Destination-Realm, Proxy-Info, Route-Record.\n\n",
	      f);
	for (size_t i = 0; i < ARRAY_SIZE(commands); i++)
		ie_doc_command(f, commands[i]);
	ie_doc_dict(f, &cx_dict);
	ie_doc_dict(f, &ie_base_dict);
}
