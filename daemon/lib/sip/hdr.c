// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Names of header fields, methods and reason phrases (RFC 3261 7.3.1, 20, 21; IANA sip-parameters).
 *
 * A name is found by a hash of its length and three letters in a table that is filled once, before
 * main(); a handset's spelling is usually the canonical one, so that memcmp comes first.
 */
#include <stdio.h>
#include <sys/random.h>

#include "lib/sip/msg-internal.h"

static const char *const hdr_names[SIP_H_MAX] = {
	[SIP_H_VIA] = "Via",
	[SIP_H_FROM] = "From",
	[SIP_H_TO] = "To",
	[SIP_H_CALL_ID] = "Call-ID",
	[SIP_H_CSEQ] = "CSeq",
	[SIP_H_MAX_FORWARDS] = "Max-Forwards",
	[SIP_H_CONTACT] = "Contact",
	[SIP_H_ROUTE] = "Route",
	[SIP_H_RECORD_ROUTE] = "Record-Route",
	[SIP_H_PATH] = "Path",
	[SIP_H_SERVICE_ROUTE] = "Service-Route",
	[SIP_H_CONTENT_LENGTH] = "Content-Length",
	[SIP_H_CONTENT_TYPE] = "Content-Type",
	[SIP_H_CONTENT_DISPOSITION] = "Content-Disposition",
	[SIP_H_CONTENT_ENCODING] = "Content-Encoding",
	[SIP_H_EXPIRES] = "Expires",
	[SIP_H_MIN_EXPIRES] = "Min-Expires",
	[SIP_H_AUTHORIZATION] = "Authorization",
	[SIP_H_WWW_AUTHENTICATE] = "WWW-Authenticate",
	[SIP_H_PROXY_AUTHORIZATION] = "Proxy-Authorization",
	[SIP_H_PROXY_AUTHENTICATE] = "Proxy-Authenticate",
	[SIP_H_AUTHENTICATION_INFO] = "Authentication-Info",
	[SIP_H_REQUIRE] = "Require",
	[SIP_H_PROXY_REQUIRE] = "Proxy-Require",
	[SIP_H_SUPPORTED] = "Supported",
	[SIP_H_UNSUPPORTED] = "Unsupported",
	[SIP_H_ALLOW] = "Allow",
	[SIP_H_ACCEPT] = "Accept",
	[SIP_H_RSEQ] = "RSeq",
	[SIP_H_RACK] = "RAck",
	[SIP_H_EVENT] = "Event",
	[SIP_H_ALLOW_EVENTS] = "Allow-Events",
	[SIP_H_SUBSCRIPTION_STATE] = "Subscription-State",
	[SIP_H_RETRY_AFTER] = "Retry-After",
	[SIP_H_REASON] = "Reason",
	[SIP_H_SESSION_EXPIRES] = "Session-Expires",
	[SIP_H_MIN_SE] = "Min-SE",
	[SIP_H_SECURITY_CLIENT] = "Security-Client",
	[SIP_H_SECURITY_SERVER] = "Security-Server",
	[SIP_H_SECURITY_VERIFY] = "Security-Verify",
	[SIP_H_P_ASSERTED_IDENTITY] = "P-Asserted-Identity",
	[SIP_H_P_PREFERRED_IDENTITY] = "P-Preferred-Identity",
	[SIP_H_P_ASSOCIATED_URI] = "P-Associated-URI",
	[SIP_H_P_ACCESS_NETWORK_INFO] = "P-Access-Network-Info",
	[SIP_H_P_CHARGING_VECTOR] = "P-Charging-Vector",
	[SIP_H_P_CHARGING_FUNCTION_ADDRESSES] = "P-Charging-Function-Addresses",
	[SIP_H_P_VISITED_NETWORK_ID] = "P-Visited-Network-ID",
	[SIP_H_P_CALLED_PARTY_ID] = "P-Called-Party-ID",
	[SIP_H_P_EARLY_MEDIA] = "P-Early-Media",
	[SIP_H_PRIVACY] = "Privacy",
	[SIP_H_REFER_TO] = "Refer-To",
	[SIP_H_REPLACES] = "Replaces",
	[SIP_H_WARNING] = "Warning",
	[SIP_H_SERVER] = "Server",
	[SIP_H_USER_AGENT] = "User-Agent",
	[SIP_H_DATE] = "Date",
	[SIP_H_SUBJECT] = "Subject",
	[SIP_H_ACCEPT_CONTACT] = "Accept-Contact",
	[SIP_H_REJECT_CONTACT] = "Reject-Contact",
	[SIP_H_REQUEST_DISPOSITION] = "Request-Disposition",
	[SIP_H_FEATURE_CAPS] = "Feature-Caps",
	[SIP_H_HISTORY_INFO] = "History-Info",
	[SIP_H_P_SERVED_USER] = "P-Served-User",
	[SIP_H_PRIORITY] = "Priority",
	[SIP_H_RESOURCE_PRIORITY] = "Resource-Priority",
	[SIP_H_IN_REPLY_TO] = "In-Reply-To",
	[SIP_H_MIME_VERSION] = "MIME-Version",
	[SIP_H_ERROR_INFO] = "Error-Info",
	[SIP_H_GEOLOCATION] = "Geolocation",
	[SIP_H_P_PREFERRED_SERVICE] = "P-Preferred-Service",
	[SIP_H_P_ASSERTED_SERVICE] = "P-Asserted-Service",
	[SIP_H_TARGET_DIALOG] = "Target-Dialog",
	[SIP_H_SIP_ETAG] = "SIP-ETag",
	[SIP_H_SIP_IF_MATCH] = "SIP-If-Match",
};

/* Compact forms (RFC 3261 7.3.3, 3515, 6665, 3841, 4028): by letter. */
static const uint8_t compact[26] = {
	['a' - 'a'] = SIP_H_ACCEPT_CONTACT,
	['c' - 'a'] = SIP_H_CONTENT_TYPE,
	['d' - 'a'] = SIP_H_REQUEST_DISPOSITION,
	['e' - 'a'] = SIP_H_CONTENT_ENCODING,
	['f' - 'a'] = SIP_H_FROM,
	['i' - 'a'] = SIP_H_CALL_ID,
	['j' - 'a'] = SIP_H_REJECT_CONTACT,
	['k' - 'a'] = SIP_H_SUPPORTED,
	['l' - 'a'] = SIP_H_CONTENT_LENGTH,
	['m' - 'a'] = SIP_H_CONTACT,
	['o' - 'a'] = SIP_H_EVENT,
	['r' - 'a'] = SIP_H_REFER_TO,
	['s' - 'a'] = SIP_H_SUBJECT,
	['t' - 'a'] = SIP_H_TO,
	['u' - 'a'] = SIP_H_ALLOW_EVENTS,
	['v' - 'a'] = SIP_H_VIA,
	['x' - 'a'] = SIP_H_SESSION_EXPIRES,
};

#define HASH_SIZE 512u
static uint8_t hash_tab[HASH_SIZE];
static uint8_t hdr_lens[SIP_H_MAX];

static unsigned int hash(const char *p, size_t n)
{
	unsigned int first = (unsigned char)p[0] | 0x20, last = (unsigned char)p[n - 1] | 0x20,
		     mid = (unsigned char)p[n / 2] | 0x20;

	return ((unsigned int)n * 37 + first * 11 + last * 71 + mid * 17) & (HASH_SIZE - 1);
}

__attribute__((constructor)) static void hash_fill(void)
{
	for (unsigned int id = 1; id < SIP_H_MAX; id++) {
		unsigned int h;

		hdr_lens[id] = (uint8_t)strlen(hdr_names[id]);
		h = hash(hdr_names[id], hdr_lens[id]);
		while (hash_tab[h])
			h = (h + 1) & (HASH_SIZE - 1);
		hash_tab[h] = (uint8_t)id;
	}
}

enum sip_hdr sip_hdr_find(struct str name)
{
	if (name.n == 1) {
		unsigned int c = ((unsigned char)name.p[0] | 0x20) - 'a';

		return c < 26 ? compact[c] : SIP_H_OTHER;
	}
	if (!name.n)
		return SIP_H_OTHER;
	for (unsigned int h = hash(name.p, name.n); hash_tab[h]; h = (h + 1) & (HASH_SIZE - 1)) {
		unsigned int id = hash_tab[h];

		if (hdr_lens[id] == name.n && (!memcmp(hdr_names[id], name.p, name.n) ||
					       !strncasecmp(hdr_names[id], name.p, name.n)))
			return id;
	}
	return SIP_H_OTHER;
}

const char *sip_hdr_name(enum sip_hdr id)
{
	return (unsigned int)id < SIP_H_MAX && hdr_names[id] ? hdr_names[id] : "";
}

#define BIT(id) [(id)] = true

/* Fields that may stand only once; a second one could mean something else to the next element. */
bool sip_hdr_singleton(enum sip_hdr id)
{
	static const bool single[SIP_H_MAX] = {
		BIT(SIP_H_FROM),
		BIT(SIP_H_TO),
		BIT(SIP_H_CALL_ID),
		BIT(SIP_H_CSEQ),
		BIT(SIP_H_MAX_FORWARDS),
		BIT(SIP_H_EXPIRES),
		BIT(SIP_H_CONTENT_LENGTH),
		BIT(SIP_H_CONTENT_TYPE),
		BIT(SIP_H_RSEQ),
		BIT(SIP_H_RACK),
		BIT(SIP_H_EVENT),
		BIT(SIP_H_SESSION_EXPIRES),
		BIT(SIP_H_MIN_EXPIRES),
		BIT(SIP_H_MIN_SE),
		BIT(SIP_H_SUBSCRIPTION_STATE),
		BIT(SIP_H_CONTENT_DISPOSITION),
		BIT(SIP_H_REFER_TO),
		BIT(SIP_H_REPLACES),
	};

	return single[id];
}

#undef BIT

static const char *const method_names[] = {
	[SIP_M_UNKNOWN] = "",	       [SIP_M_INVITE] = "INVITE",   [SIP_M_ACK] = "ACK",
	[SIP_M_CANCEL] = "CANCEL",     [SIP_M_BYE] = "BYE",	    [SIP_M_OPTIONS] = "OPTIONS",
	[SIP_M_REGISTER] = "REGISTER", [SIP_M_INFO] = "INFO",	    [SIP_M_PRACK] = "PRACK",
	[SIP_M_UPDATE] = "UPDATE",     [SIP_M_MESSAGE] = "MESSAGE", [SIP_M_SUBSCRIBE] = "SUBSCRIBE",
	[SIP_M_NOTIFY] = "NOTIFY",     [SIP_M_REFER] = "REFER",	    [SIP_M_PUBLISH] = "PUBLISH",
};

const char *sip_method_str(enum sip_method_id id)
{
	return (unsigned int)id < ARRAY_SIZE(method_names) ? method_names[id] : "";
}

/* Methods are case-sensitive (RFC 3261 7.1). */
enum sip_method_id sip_method_find(struct str name)
{
	for (unsigned int i = 1; i < ARRAY_SIZE(method_names); i++)
		if (str_eqz(name, method_names[i]))
			return i;
	return SIP_M_UNKNOWN;
}

static const struct {
	int status;
	const char *phrase;
} phrases[] = {
	{ 100, "Trying" },
	{ 180, "Ringing" },
	{ 181, "Call Is Being Forwarded" },
	{ 182, "Queued" },
	{ 183, "Session Progress" },
	{ 199, "Early Dialog Terminated" },
	{ 200, "OK" },
	{ 202, "Accepted" },
	{ 204, "No Notification" },
	{ 300, "Multiple Choices" },
	{ 301, "Moved Permanently" },
	{ 302, "Moved Temporarily" },
	{ 305, "Use Proxy" },
	{ 380, "Alternative Service" },
	{ 400, "Bad Request" },
	{ 401, "Unauthorized" },
	{ 402, "Payment Required" },
	{ 403, "Forbidden" },
	{ 404, "Not Found" },
	{ 405, "Method Not Allowed" },
	{ 406, "Not Acceptable" },
	{ 407, "Proxy Authentication Required" },
	{ 408, "Request Timeout" },
	{ 410, "Gone" },
	{ 412, "Conditional Request Failed" },
	{ 413, "Request Entity Too Large" },
	{ 414, "Request-URI Too Long" },
	{ 415, "Unsupported Media Type" },
	{ 416, "Unsupported URI Scheme" },
	{ 417, "Unknown Resource-Priority" },
	{ 420, "Bad Extension" },
	{ 421, "Extension Required" },
	{ 422, "Session Interval Too Small" },
	{ 423, "Interval Too Brief" },
	{ 424, "Bad Location Information" },
	{ 430, "Flow Failed" },
	{ 433, "Anonymity Disallowed" },
	{ 439, "First Hop Lacks Outbound Support" },
	{ 440, "Max-Breadth Exceeded" },
	{ 469, "Bad Info Package" },
	{ 480, "Temporarily Unavailable" },
	{ 481, "Call/Transaction Does Not Exist" },
	{ 482, "Loop Detected" },
	{ 483, "Too Many Hops" },
	{ 484, "Address Incomplete" },
	{ 485, "Ambiguous" },
	{ 486, "Busy Here" },
	{ 487, "Request Terminated" },
	{ 488, "Not Acceptable Here" },
	{ 489, "Bad Event" },
	{ 491, "Request Pending" },
	{ 493, "Undecipherable" },
	{ 494, "Security Agreement Required" },
	{ 500, "Server Internal Error" },
	{ 501, "Not Implemented" },
	{ 502, "Bad Gateway" },
	{ 503, "Service Unavailable" },
	{ 504, "Server Time-out" },
	{ 505, "Version Not Supported" },
	{ 513, "Message Too Large" },
	{ 555, "Push Notification Service Not Supported" },
	{ 580, "Precondition Failure" },
	{ 600, "Busy Everywhere" },
	{ 603, "Decline" },
	{ 604, "Does Not Exist Anywhere" },
	{ 606, "Not Acceptable" },
};

const char *sip_reason_phrase(int status)
{
	static const char *const classes[] = { "Unknown",     "Progress",     "Success",
					       "Redirection", "Client Error", "Server Error",
					       "Failure" };

	for (size_t i = 0; i < ARRAY_SIZE(phrases); i++)
		if (phrases[i].status == status)
			return phrases[i].phrase;
	return classes[status >= 100 && status < 700 ? status / 100 : 0];
}

/* Random octets are fetched from the kernel 256 at a time: a call per tag costs more than the tag. */
void sip_random_token(char *dst, size_t n_chars)
{
	static const char alphabet[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
	static _Thread_local unsigned char pool[256];
	static _Thread_local size_t left;

	for (size_t i = 0; i < n_chars; i++) {
		if (!left) {
			ssize_t got = getrandom(pool, sizeof(pool), 0);

			if (got <= 0)
				abort(); /* a guessable tag or branch is worse than no process */
			left = (size_t)got;
		}
		dst[i] = alphabet[pool[--left] & 63];
	}
	dst[n_chars] = '\0';
}
