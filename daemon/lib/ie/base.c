// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * AVPs of the Diameter base protocol (RFC 6733 4.5; RFC 7683, RFC 7944, RFC 8583) and the rows
 * that every command of a 3GPP application shares: the envelope.
 */
#include "lib/ie/ie.h"

#define A(i, n, c, f, t) [IEB_##i] = { .name = (n), .code = (c), .flags = (f), .type = (t) }

const struct ie_avp ie_base[IEB_N] = {
	A(USER_NAME, "User-Name", 1, IE_M, IE_UTF8),
	A(AUTH_APPLICATION_ID, "Auth-Application-Id", 258, IE_M, IE_U32),
	A(ACCT_APPLICATION_ID, "Acct-Application-Id", 259, IE_M, IE_U32),
	A(VENDOR_SPECIFIC_APPLICATION_ID, "Vendor-Specific-Application-Id", 260, IE_M, IE_GROUPED),
	A(REDIRECT_HOST_USAGE, "Redirect-Host-Usage", 261, IE_M, IE_ENUM),
	A(REDIRECT_MAX_CACHE_TIME, "Redirect-Max-Cache-Time", 262, IE_M, IE_U32),
	A(SESSION_ID, "Session-Id", 263, IE_M, IE_UTF8),
	A(ORIGIN_HOST, "Origin-Host", 264, IE_M, IE_IDENTITY),
	A(VENDOR_ID, "Vendor-Id", 266, IE_M, IE_U32),
	A(RESULT_CODE, "Result-Code", 268, IE_M, IE_U32),
	A(AUTH_SESSION_STATE, "Auth-Session-State", 277, IE_M, IE_ENUM),
	A(ORIGIN_STATE_ID, "Origin-State-Id", 278, IE_M, IE_U32),
	A(FAILED_AVP, "Failed-AVP", 279, IE_M, IE_GROUPED),
	A(PROXY_HOST, "Proxy-Host", 280, IE_M, IE_IDENTITY),
	A(ERROR_MESSAGE, "Error-Message", 281, 0, IE_UTF8),
	A(ROUTE_RECORD, "Route-Record", 282, IE_M, IE_IDENTITY),
	A(DESTINATION_REALM, "Destination-Realm", 283, IE_M, IE_IDENTITY),
	A(PROXY_INFO, "Proxy-Info", 284, IE_M, IE_GROUPED),
	A(REDIRECT_HOST, "Redirect-Host", 292, IE_M, IE_URI),
	A(DESTINATION_HOST, "Destination-Host", 293, IE_M, IE_IDENTITY),
	A(ERROR_REPORTING_HOST, "Error-Reporting-Host", 294, 0, IE_IDENTITY),
	A(ORIGIN_REALM, "Origin-Realm", 296, IE_M, IE_IDENTITY),
	A(EXPERIMENTAL_RESULT, "Experimental-Result", 297, IE_M, IE_GROUPED),
	A(EXPERIMENTAL_RESULT_CODE, "Experimental-Result-Code", 298, IE_M, IE_U32),
	A(DRMP, "DRMP", 301, 0, IE_ENUM),
	A(PROXY_STATE, "Proxy-State", 33, IE_M, IE_OCTETS),
	A(OC_SUPPORTED_FEATURES, "OC-Supported-Features", 621, 0, IE_GROUPED),
	A(OC_OLR, "OC-OLR", 623, 0, IE_GROUPED),
	A(LOAD, "Load", 650, 0, IE_GROUPED),
};

const struct ie_dict ie_base_dict = {
	.name = "Base protocol", .spec = "RFC 6733 4.5", .avps = ie_base, .n = IEB_N
};

static const struct ie_rule vsai_rules[] = {
	IE_ONE(&ie_base[IEB_VENDOR_ID], IE_MAND, IE_UINT, struct ie_env, vsai_vendor),
	IE_ONE(&ie_base[IEB_AUTH_APPLICATION_ID], IE_OPT, IE_UINT, struct ie_env, vsai_auth_app),
	IE_ANY(&ie_base[IEB_ACCT_APPLICATION_ID]),
	IE_END,
};

/* Members of Experimental-Result; the values are combined by ie.c. */
const struct ie_rule ie_xresult_rules[] = {
	{ .avp = &ie_base[IEB_VENDOR_ID], .presence = IE_MAND, .map = IE_SKIP, .max = 1 },
	{ .avp = &ie_base[IEB_EXPERIMENTAL_RESULT_CODE],
	  .presence = IE_MAND,
	  .map = IE_SKIP,
	  .max = 1 },
	IE_END,
};

/*
 * Destination-Realm is mandatory in requests only, which the routing of the transport already
 * asks for; here it is optional so that one list serves both directions.
 */
#define ENV_ROWS                                                                                   \
	IE_ONE(&ie_base[IEB_ORIGIN_HOST], IE_MAND, IE_STR, struct ie_env, origin_host),            \
	IE_ONE(&ie_base[IEB_ORIGIN_REALM], IE_MAND, IE_STR, struct ie_env, origin_realm),          \
	IE_ONE(&ie_base[IEB_DESTINATION_HOST], IE_OPT, IE_STR, struct ie_env, dest_host),          \
	IE_ONE(&ie_base[IEB_DESTINATION_REALM], IE_OPT, IE_STR, struct ie_env, dest_realm),        \
	IE_ONE(&ie_base[IEB_ERROR_MESSAGE], IE_OPT, IE_STR, struct ie_env, error_message),         \
	IE_MANY(&ie_base[IEB_PROXY_INFO], IE_OPT, IE_RAWS, struct ie_env, proxy_info,              \
		n_proxy_info),                                                                     \
	IE_ANY(&ie_base[IEB_ROUTE_RECORD]), IE_ANY(&ie_base[IEB_ERROR_REPORTING_HOST]),            \
	IE_ANY(&ie_base[IEB_FAILED_AVP]), IE_ANY(&ie_base[IEB_DRMP]),                              \
	IE_ANY(&ie_base[IEB_OC_SUPPORTED_FEATURES]), IE_ANY(&ie_base[IEB_OC_OLR]),                 \
	IE_ANY(&ie_base[IEB_LOAD]), IE_ANY(&ie_base[IEB_REDIRECT_HOST]),                           \
	IE_ANY(&ie_base[IEB_REDIRECT_HOST_USAGE]), IE_ANY(&ie_base[IEB_REDIRECT_MAX_CACHE_TIME])

const struct ie_rule ie_env_rules[] = {
	IE_ONE(&ie_base[IEB_SESSION_ID], IE_ENVL, IE_STR, struct ie_env, session_id),
	{ .avp = &ie_base[IEB_VENDOR_SPECIFIC_APPLICATION_ID],
	  .presence = IE_ENVL,
	  .map = IE_FLAT,
	  .max = 1,
	  .group = vsai_rules },
	IE_ONE(&ie_base[IEB_AUTH_SESSION_STATE], IE_ENVL, IE_INT, struct ie_env,
	       auth_session_state),
	ENV_ROWS,
	IE_ANY(&ie_base[IEB_ORIGIN_STATE_ID]),
	IE_ANY(&ie_base[IEB_AUTH_APPLICATION_ID]),
	IE_END,
};

const struct ie_rule ie_env_auth_rules[] = {
	IE_ONE(&ie_base[IEB_SESSION_ID], IE_ENVL, IE_STR, struct ie_env, session_id),
	IE_ONE(&ie_base[IEB_AUTH_APPLICATION_ID], IE_OPT, IE_UINT, struct ie_env, auth_app),
	IE_ONE(&ie_base[IEB_AUTH_SESSION_STATE], IE_OPT, IE_INT, struct ie_env,
	       auth_session_state),
	IE_ONE(&ie_base[IEB_ORIGIN_STATE_ID], IE_OPT, IE_UINT, struct ie_env, origin_state_id),
	ENV_ROWS,
	IE_ANY(&ie_base[IEB_VENDOR_SPECIFIC_APPLICATION_ID]),
	IE_END,
};
