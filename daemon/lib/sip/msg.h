/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A SIP message (RFC 3261 7): the bytes as received and an index of its header fields.
 *
 * What nobody touches leaves byte for byte as it came. An edit replaces, inserts or removes one
 * header field; its text lives in the message's arena. Typed values come from sofia-sip's header
 * classes (sip_via_t ...), parsed when somebody asks for one, cached, owned by the message.
 * A parse failure of a header that nobody asks for harms nobody.
 *
 * Bounds: 65,535 octets, 256 header fields. sip_msg_parse() checks what every element of RFC 3261
 * 16.3/8.2 needs: start line, Via, From, To, Call-ID, CSeq, Max-Forwards if present,
 * Content-Length; see enum sip_parse_error for what a bad one is answered with.
 */
#ifndef KIMS_SIP_MSG_H
#define KIMS_SIP_MSG_H

#include <sofia-sip/sip.h>
#include <sofia-sip/su_alloc.h>

#include "lib/core/base.h"

enum sip_method_id { /* sofia has sip_method_t; ours is denser and adds nothing else */
	SIP_M_UNKNOWN, SIP_M_INVITE, SIP_M_ACK, SIP_M_CANCEL, SIP_M_BYE, SIP_M_OPTIONS, SIP_M_REGISTER, SIP_M_INFO,
	SIP_M_PRACK, SIP_M_UPDATE, SIP_M_MESSAGE, SIP_M_SUBSCRIBE, SIP_M_NOTIFY, SIP_M_REFER, SIP_M_PUBLISH,
};

/* Header fields that some part of kims looks at; all others are SIP_H_OTHER. */
enum sip_hdr {
	SIP_H_OTHER,
	SIP_H_VIA, SIP_H_FROM, SIP_H_TO, SIP_H_CALL_ID, SIP_H_CSEQ, SIP_H_MAX_FORWARDS, SIP_H_CONTACT, SIP_H_ROUTE,
	SIP_H_RECORD_ROUTE, SIP_H_PATH, SIP_H_SERVICE_ROUTE, SIP_H_CONTENT_LENGTH, SIP_H_CONTENT_TYPE,
	SIP_H_CONTENT_DISPOSITION, SIP_H_CONTENT_ENCODING, SIP_H_EXPIRES, SIP_H_MIN_EXPIRES, SIP_H_AUTHORIZATION,
	SIP_H_WWW_AUTHENTICATE, SIP_H_PROXY_AUTHORIZATION, SIP_H_PROXY_AUTHENTICATE, SIP_H_AUTHENTICATION_INFO,
	SIP_H_REQUIRE, SIP_H_PROXY_REQUIRE, SIP_H_SUPPORTED, SIP_H_UNSUPPORTED, SIP_H_ALLOW, SIP_H_ACCEPT,
	SIP_H_RSEQ, SIP_H_RACK, SIP_H_EVENT, SIP_H_ALLOW_EVENTS, SIP_H_SUBSCRIPTION_STATE, SIP_H_RETRY_AFTER, SIP_H_REASON,
	SIP_H_SESSION_EXPIRES, SIP_H_MIN_SE, SIP_H_SECURITY_CLIENT, SIP_H_SECURITY_SERVER, SIP_H_SECURITY_VERIFY,
	SIP_H_P_ASSERTED_IDENTITY, SIP_H_P_PREFERRED_IDENTITY, SIP_H_P_ASSOCIATED_URI, SIP_H_P_ACCESS_NETWORK_INFO,
	SIP_H_P_CHARGING_VECTOR, SIP_H_P_CHARGING_FUNCTION_ADDRESSES, SIP_H_P_VISITED_NETWORK_ID,
	SIP_H_P_CALLED_PARTY_ID, SIP_H_P_EARLY_MEDIA, SIP_H_PRIVACY, SIP_H_REFER_TO, SIP_H_REPLACES, SIP_H_WARNING,
	SIP_H_SERVER, SIP_H_USER_AGENT, SIP_H_DATE, SIP_H_SUBJECT, SIP_H_ACCEPT_CONTACT, SIP_H_REJECT_CONTACT,
	SIP_H_REQUEST_DISPOSITION, SIP_H_FEATURE_CAPS, SIP_H_HISTORY_INFO, SIP_H_P_SERVED_USER, SIP_H_PRIORITY,
	SIP_H_RESOURCE_PRIORITY, SIP_H_IN_REPLY_TO, SIP_H_MIME_VERSION, SIP_H_ERROR_INFO, SIP_H_GEOLOCATION,
	SIP_H_P_PREFERRED_SERVICE, SIP_H_P_ASSERTED_SERVICE, SIP_H_TARGET_DIALOG, SIP_H_SIP_ETAG, SIP_H_SIP_IF_MATCH,
	SIP_H_MAX
};

enum sip_parse_error {
	SIP_PARSE_OK,
	SIP_PARSE_AGAIN,   /* stream: the message is not complete yet */
	SIP_PARSE_GARBAGE, /* no start line to answer to: drop, count */
	SIP_PARSE_BAD,	   /* a request that can be answered with 4xx/5xx: status and reason tell */
	SIP_PARSE_TOO_BIG, /* 513 */
};

struct sip_parse_result {
	enum sip_parse_error error;
	int status;	    /* for BAD: 400, 416, 505, 513 ... */
	const char *reason; /* static: "Bad CSeq Header" */
	size_t used;	    /* octets of the stream that the message took (or must be skipped) */
	bool fatal;	    /* stream: where the next message begins is unknown: close after answering */
};

struct sip_msg;

/* One header field. */
struct sip_hf {
	enum sip_hdr id;
	struct str name;  /* as written (compact forms stay) */
	struct str value; /* trimmed; folding kept */
};

/* --- life: reference counted, one owner thread --- */

/*
 * Parses one message out of data. datagram: the buffer is one UDP packet (Content-Length may be
 * missing, then the body is the rest; shorter bodies are an error); else a stream.
 * On SIP_PARSE_OK *ret is a new reference; on SIP_PARSE_BAD too, as far as it could be indexed, so
 * that the caller can answer. Data is copied.
 */
struct sip_parse_result sip_msg_parse(const char *data, size_t len, bool datagram, struct sip_msg **ret);
struct sip_msg *sip_msg_ref(struct sip_msg *m);
void sip_msg_unref(struct sip_msg *m); /* NULL is fine */
struct sip_msg *sip_msg_clone(const struct sip_msg *m); /* for editing a copy: NULL no memory */
static inline void sip_msg_unrefp(struct sip_msg **m)
{
	sip_msg_unref(*m);
}
#define _cleanup_msg_ _cleanup_(sip_msg_unrefp)

/* New request with start line and Max-Forwards: 70; From, To, Call-ID, CSeq, Via come from dlg.h/tx.h or sip_msg_add(). */
struct sip_msg *sip_msg_new_request(const char *method, const char *uri);
/*
 * Response to req (RFC 3261 8.2.6): Via, From, To (with a tag made from the transaction unless
 * status is 100 or the tag is there; to_tag NULL: random), Call-ID, CSeq; for 1xx/2xx to a
 * dialog-creating request Record-Route too. reason NULL: the usual phrase.
 */
struct sip_msg *sip_msg_new_response(const struct sip_msg *req, int status, const char *reason, const char *to_tag);

/* --- reading --- */

bool sip_msg_is_request(const struct sip_msg *m);
enum sip_method_id sip_msg_method(const struct sip_msg *m); /* of a response: CSeq's method */
struct str sip_msg_method_name(const struct sip_msg *m);
int sip_msg_status(const struct sip_msg *m); /* 0 for a request */
struct str sip_msg_reason(const struct sip_msg *m);
struct str sip_msg_ruri(const struct sip_msg *m);	/* text of the Request-URI */
struct str sip_msg_body(const struct sip_msg *m);
struct str sip_msg_call_id(const struct sip_msg *m);
uint32_t sip_msg_cseq(const struct sip_msg *m);
struct str sip_msg_from_tag(const struct sip_msg *m);
struct str sip_msg_to_tag(const struct sip_msg *m); /* n == 0: none */
struct str sip_msg_top_branch(const struct sip_msg *m);

/* Header fields in order: sip_msg_next(m, id, NULL) is the first one. NULL: no more. */
const struct sip_hf *sip_msg_next(const struct sip_msg *m, enum sip_hdr id, const struct sip_hf *prev);
const struct sip_hf *sip_msg_hf(const struct sip_msg *m, enum sip_hdr id); /* the first or NULL */
const struct sip_hf *sip_msg_hf_named(const struct sip_msg *m, const char *name, const struct sip_hf *prev);
struct str sip_msg_value(const struct sip_msg *m, enum sip_hdr id); /* value of the first, n = 0 when absent */

/*
 * Elements of a comma-separated header over all its lines: start with
 * struct sip_elem e = {0}; while (sip_msg_next_elem(m, SIP_H_PATH, &e)) use e.text;
 * Commas in quotes and in <> do not separate. Not for WWW-Authenticate and Authorization.
 */
struct sip_elem {
	const struct sip_hf *hf;
	struct str text;
	size_t pos; /* internal */
};
bool sip_msg_next_elem(const struct sip_msg *m, enum sip_hdr id, struct sip_elem *e);
/* Option tags and other plain tokens: Require, Supported, Allow ... case-insensitive. */
bool sip_msg_has_token(const struct sip_msg *m, enum sip_hdr id, const char *token);

/* Typed views by sofia-sip, owned by m, valid as long as m and the header field are; NULL: absent or malformed. */
const sip_via_t *sip_msg_via(struct sip_msg *m); /* chain of all */
const sip_from_t *sip_msg_from(struct sip_msg *m);
const sip_to_t *sip_msg_to(struct sip_msg *m);
const sip_contact_t *sip_msg_contact(struct sip_msg *m); /* chain; m_url[0].url_type url_any for "*" */
const sip_route_t *sip_msg_route(struct sip_msg *m);
const sip_record_route_t *sip_msg_record_route(struct sip_msg *m);
const sip_authorization_t *sip_msg_authorization(struct sip_msg *m);
const sip_www_authenticate_t *sip_msg_www_authenticate(struct sip_msg *m);
const sip_rack_t *sip_msg_rack(struct sip_msg *m);
const sip_content_type_t *sip_msg_content_type(struct sip_msg *m);
const sip_session_expires_t *sip_msg_session_expires(struct sip_msg *m);
const url_t *sip_msg_ruri_url(struct sip_msg *m); /* NULL: cannot be parsed */
int sip_msg_u32(const struct sip_msg *m, enum sip_hdr id, uint32_t *ret); /* Expires, RSeq, Max-Forwards...: -ENOENT, -EINVAL */

/* A name-addr or addr-spec element: "Name" <sip:a@b;x>;p=1 . Views into s. 0 or -EINVAL. */
struct sip_name_addr {
	struct str display, uri, params; /* params: behind '>' or the addr-spec, with leading ';' */
};
int sip_name_addr_parse(struct str s, struct sip_name_addr *ret);
/* ;name=value or ;name in a parameter string; false when absent; quotes stripped. */
bool sip_param(struct str params, const char *name, struct str *ret_value);

/*
 * One Via element, views into it (cheaper than sip_msg_via(), which asks sofia-sip). branch, received
 * and rport have n == 0 when absent or empty. -EINVAL: malformed.
 */
struct sip_via_view {
	struct str transport, host, params; /* host without []; params with leading ';' */
	struct str branch, received, rport;
	uint16_t port;	/* 0: none */
	bool has_rport; /* ;rport, with or without a value */
};
int sip_via_parse(struct str elem, struct sip_via_view *ret);
int sip_msg_top_via(const struct sip_msg *m, struct sip_via_view *ret); /* -ENOENT, -EINVAL */

/* A sip:, sips: or tel: URI, views into s. */
struct sip_uri {
	struct str scheme, user, password, host, params, headers; /* host without []; params with leading ';' */
	uint16_t port;						   /* 0: none */
	bool is_tel;
};
int sip_uri_parse(struct str s, struct sip_uri *ret); /* -EINVAL; other schemes: -EPROTONOSUPPORT */
/*
 * Canonical form of a public user identity for look-ups (RFC 3261 19.1.4, TS 23.003 13.4):
 * scheme and host in lower case, no port, parameters (but tel's phone-context) and headers
 * dropped, escapes decoded where not reserved, visual separators of tel removed. -EINVAL, -ENOSPC.
 */
int sip_uri_canon(struct str s, char *dst, size_t size);

/*
 * --- editing. All return 0, -ENOMEM, -E2BIG (too many fields or octets) or -EINVAL: text may not contain CR, LF or
 * NUL, but folding in a value that came out of a message is unfolded. ---
 */

int sip_msg_add(struct sip_msg *m, enum sip_hdr id, const char *fmt, ...) _printf_(3, 4);    /* after the last of its kind, else at the end */
int sip_msg_prepend(struct sip_msg *m, enum sip_hdr id, const char *fmt, ...) _printf_(3, 4); /* before the first of its kind, else on top */
int sip_msg_set(struct sip_msg *m, enum sip_hdr id, const char *fmt, ...) _printf_(3, 4);     /* the only one afterwards */
/* A field of another message (or of m), text as it is: no printf(), and octets that it would stop at. */
int sip_msg_add_copy(struct sip_msg *m, const struct sip_hf *hf);
int sip_msg_add_named(struct sip_msg *m, const char *name, const char *fmt, ...) _printf_(3, 4);
int sip_hf_set(struct sip_msg *m, const struct sip_hf *hf, const char *fmt, ...) _printf_(3, 4); /* hf stays valid */
void sip_hf_remove(struct sip_msg *m, const struct sip_hf *hf);
void sip_msg_remove(struct sip_msg *m, enum sip_hdr id); /* all of the kind */
void sip_msg_remove_named(struct sip_msg *m, const char *name);
int sip_msg_remove_first_elem(struct sip_msg *m, enum sip_hdr id); /* topmost Route, Via ...; -ENOENT */
int sip_msg_remove_token(struct sip_msg *m, enum sip_hdr id, const char *token); /* drops the field when empty */
int sip_msg_set_ruri(struct sip_msg *m, struct str uri);
int sip_msg_set_to_tag(struct sip_msg *m, const char *tag);
/* Sets Content-Type and Content-Length too; type NULL and len 0: no body. Body is copied. */
int sip_msg_set_body(struct sip_msg *m, const char *content_type, const char *body, size_t len);

/* --- writing --- */

size_t sip_msg_size(const struct sip_msg *m);		       /* encoded */
size_t sip_msg_encode(const struct sip_msg *m, char *dst, size_t size); /* 0: does not fit */

const char *sip_hdr_name(enum sip_hdr id);
const char *sip_method_str(enum sip_method_id id);
const char *sip_reason_phrase(int status);
void sip_random_token(char *dst, size_t n_chars); /* n_chars + NUL, from getrandom() */

#endif
