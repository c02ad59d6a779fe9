/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Diameter messages as tables (RFC 6733 3, 4; 3GPP "M/O" tables of the reference points).
 *
 * An AVP is one row: name, code, vendor, flags, type. A command or a grouped AVP is a list of
 * rules: which AVP, mandatory or optional, how many, and where its value lives in a C struct. From
 * these two come encoding, decoding, presence checks with the offending AVP, the log line, the
 * dictionary for the transport, the fuzz entry and the documentation.
 *
 * Invariants: the reader never leaves [p, end) and its error is sticky; a decoded struct str is a
 * view into the message; nothing is allocated on decoding; nesting is bounded by the tables.
 */
#ifndef KIMS_IE_IE_H
#define KIMS_IE_IE_H

#include <stdio.h>

#include "lib/core/base.h"

enum ie_type {
	IE_OCTETS,
	IE_UTF8,
	IE_IDENTITY,
	IE_URI,
	IE_U32,
	IE_I32,
	IE_ENUM,
	IE_U64,
	IE_TIME,
	IE_ADDRESS,
	IE_GROUPED
};

#define IE_M	  0x40 /* the M bit is set when we send it */
#define IE_V	  0x80 /* the V bit: vendor is not 0 */
#define IE_SECRET 0x01 /* ours: the value is never printed */

struct ie_avp {
	const char *name;
	uint32_t code, vendor;
	uint8_t flags; /* IE_M, IE_V, IE_SECRET */
	enum ie_type type;
	uint32_t max; /* IE_ENUM: highest value that exists; 0: not checked */
};

struct ie_dict {
	const char *name, *spec;
	const struct ie_avp *avps;
	size_t n;
	const struct ie_dict *next; /* searched after this one */
};
const struct ie_avp *ie_find(const struct ie_dict *d, uint32_t code,
			     uint32_t vendor); /* NULL: unknown */

/* How a value lives in the struct. */
enum ie_map {
	IE_SKIP,    /* known here, not used */
	IE_STR,	    /* struct str; p == NULL: absent */
	IE_STRS,    /* struct str[max] and a size_t count */
	IE_UINT,    /* uint32_t; 0: absent when optional */
	IE_UINTS,   /* uint32_t[max] and a size_t count */
	IE_ULONG,   /* uint64_t; 0: absent when optional */
	IE_INT,	    /* int; -1: absent */
	IE_ISVAL,   /* bool: present with the rule's value; encoded only when true */
	IE_BIT0,    /* bool: bit 0 of a flags word; encoded only when true */
	IE_BOOL,    /* bool: 0 or 1, always encoded */
	IE_RESULT,  /* int: Result-Code, see ie_command.result_off */
	IE_XRESULT, /* the same int + 10000: Experimental-Result */
	IE_FLAT,    /* group whose members lie in the same struct; absent when it would be empty */
	IE_GROUP,   /* group in a struct of its own; count_off: its bool "has", 0: always */
	IE_GROUPS,  /* struct[max] (of size octets) and a size_t count */
	IE_COUNT_OF, /* size_t: the number of elements of another row; encoded when > 0, ignored on decoding */
	IE_RAWS, /* struct str[max] of whole AVPs and a size_t count */
};

enum ie_presence {
	IE_OPT,	 /* [ ] or * */
	IE_MAND, /* { } */
	IE_SUCC, /* mandatory when the result is a success (the specification's "C") */
	IE_ENVL, /* mandatory in requests and successful answers; left out by base-protocol errors */
};

struct ie_rule {
	const struct ie_avp *avp; /* NULL: end of the list */
	enum ie_presence presence;
	enum ie_map map;
	uint16_t max; /* 1, or the size of the array */
	uint16_t off, count_off, size;
	uint32_t value;		     /* IE_ISVAL */
	const struct ie_rule *group; /* IE_FLAT, IE_GROUP, IE_GROUPS, IE_XRESULT */
};

#define IE_ONE(a, pres, m, T, f)                                                            \
	{                                                                                   \
		.avp = (a), .presence = (pres), .map = (m), .max = 1, .off = offsetof(T, f) \
	}
#define IE_VAL(a, pres, T, f, v)                                                                  \
	{                                                                                         \
		.avp = (a), .presence = (pres), .map = IE_ISVAL, .max = 1, .off = offsetof(T, f), \
		.value = (v)                                                                      \
	}
#define IE_COUNT(a, pres, T, cnt)                                             \
	{                                                                     \
		.avp = (a), .presence = (pres), .map = IE_COUNT_OF, .max = 1, \
		.off = offsetof(T, cnt)                                       \
	}
#define IE_MANY(a, pres, m, T, f, cnt)                                                      \
	{                                                                                   \
		.avp = (a), .presence = (pres), .map = (m), .max = ARRAY_SIZE(((T *)0)->f), \
		.off = offsetof(T, f), .count_off = offsetof(T, cnt),                       \
		.size = sizeof(((T *)0)->f[0])                                              \
	}
#define IE_IN(a, pres, r)                                                              \
	{                                                                              \
		.avp = (a), .presence = (pres), .map = IE_FLAT, .max = 1, .group = (r) \
	}
#define IE_SUB(a, pres, T, f, has, r)                                                             \
	{                                                                                         \
		.avp = (a), .presence = (pres), .map = IE_GROUP, .max = 1, .off = offsetof(T, f), \
		.count_off = (has), .group = (r)                                                  \
	}
#define IE_SUBS(a, pres, T, f, cnt, r)                                                            \
	{                                                                                         \
		.avp = (a), .presence = (pres), .map = IE_GROUPS, .max = ARRAY_SIZE(((T *)0)->f), \
		.off = offsetof(T, f), .count_off = offsetof(T, cnt),                             \
		.size = sizeof(((T *)0)->f[0]), .group = (r)                                      \
	}
#define IE_ANY(a)                                                                 \
	{                                                                         \
		.avp = (a), .presence = IE_OPT, .map = IE_SKIP, .max = UINT16_MAX \
	}
#define IE_END              \
	{                   \
		.avp = NULL \
	}

struct ie_error;

struct ie_command {
	const char *name;   /* "User-Authorization-Request" */
	const char *abbrev; /* "UAR" */
	const char *spec;   /* "TS 29.229 6.1.1" */
	uint32_t code, app;
	bool request;
	const struct ie_rule *rules;
	const struct ie_rule *env; /* of the envelope; NULL: ie_env_rules */
	size_t size;	   /* of the struct */
	size_t result_off; /* answers: int result */
	/* Semantic check after decoding: 0, or fills the error. May be NULL. */
	int (*check)(const void *in, struct ie_error *e);
};

/* What every command of a 3GPP application carries (TS 29.229 6, RFC 6733 8). */
#define IE_PROXY_MAX 8
struct ie_env {
	const struct ie_rule *rules; /* by which it is encoded; NULL: ie_env_rules */
	struct str session_id, origin_host, origin_realm, dest_host, dest_realm;
	uint32_t vsai_vendor, vsai_auth_app;
	uint32_t auth_app;	  /* Auth-Application-Id, where it stands alone */
	uint32_t origin_state_id; /* 0: absent */
	int auth_session_state; /* 1: NO_STATE_MAINTAINED */
	struct str error_message;
	struct str proxy_info[IE_PROXY_MAX]; /* whole AVPs, returned in the answer in order */
	size_t n_proxy_info;
};

struct ie_header {
	uint32_t length, code, app, hop_by_hop, end_to_end;
	uint8_t flags;
};
#define IE_HDR_LEN	   20
#define IE_FLAG_REQUEST	   0x80
#define IE_FLAG_PROXIABLE  0x40
#define IE_FLAG_ERROR	   0x20
#define IE_FLAG_RETRANSMIT 0x10

/* Result codes of RFC 6733 7.1 that the tables themselves give. */
enum {
	IE_OK = 2001,
	IE_AVP_UNSUPPORTED = 5001,
	IE_INVALID_AVP_VALUE = 5004,
	IE_MISSING_AVP = 5005,
	IE_TOO_MANY = 5009,
	IE_UNABLE_TO_COMPLY = 5012,
	IE_INVALID_AVP_LENGTH = 5014,
	IE_INVALID_MESSAGE_LENGTH = 5015
};

/* What was wrong: a result code and the AVP for Failed-AVP (RFC 6733 7.5). */
struct ie_error {
	int result;		  /* 0: none */
	const struct ie_avp *avp; /* may be NULL */
	struct str
		raw; /* the offending AVP as received; p == NULL: missing, an empty one is made */
};

/* --- reading --- */
struct ie_cursor {
	const uint8_t *p, *end;
	bool bad; /* sticky */
};
struct ie_view {
	uint32_t code, vendor;
	uint8_t flags;
	struct str value, raw;
};
int ie_header_parse(const uint8_t *msg, size_t n,
		    struct ie_header *ret); /* -EBADMSG; length <= n is checked */
void ie_cursor_init(struct ie_cursor *c, const void *p, size_t n);
bool ie_next(struct ie_cursor *c, struct ie_view *ret); /* false: at the end, or bad */
int ie_u32(struct str value, uint32_t *ret);		/* -EBADMSG */

/*
 * Decodes a message into *ret_env and into the struct of the command. 0, or -EBADMSG with *ret_err
 * (result and AVP); the envelope is then filled as far as it could be read, for the answer.
 */
int ie_decode(const struct ie_command *c, const struct ie_dict *d, const uint8_t *msg, size_t n,
	      struct ie_env *ret_env, void *ret, struct ie_error *ret_err);

/* --- writing --- */
struct ie_buf {
	uint8_t *p; /* free() by the owner */
	size_t n, cap;
	int err; /* sticky: -ENOMEM, -EMSGSIZE */
};
#define IE_MSG_MAX (1U << 20)
void ie_put(struct ie_buf *b, const struct ie_avp *a, const void *value, size_t n);
void ie_put_u32(struct ie_buf *b, const struct ie_avp *a, uint32_t v);
size_t ie_open(struct ie_buf *b, const struct ie_avp *a); /* a group; its position for ie_close() */
void ie_close(struct ie_buf *b, size_t at);
void ie_begin(struct ie_buf *b, const struct ie_header *h); /* the header; its length is set by ie_end() */
void ie_end(struct ie_buf *b);

/*
 * Encodes a whole message: header, envelope, the struct's AVPs, Failed-AVP when failed is given.
 * For a result of 3xxx the E bit is set. 0 or -errno.
 */
int ie_encode(const struct ie_command *c, const struct ie_header *ids, const struct ie_env *env,
	      const void *in, const struct ie_error *failed, struct ie_buf *ret);
/* Base-protocol answer (RFC 6733 7.2) when a request could not be decoded. */
int ie_encode_error(const struct ie_header *req, const struct ie_env *env, const struct ie_error *e,
		    struct ie_buf *ret);

void ie_init(const struct ie_command *c, void *in); /* zeroes and sets "absent" (-1) */
/* The same of a grouped AVP's struct, of size octets: for the elements of arrays, which ie_init() leaves at zero. */
void ie_init_group(const struct ie_rule *rules, void *in, size_t size);

/* One line: "UAR Session-Id=... User-Name=...". Secrets become lengths. Truncates; returns dst. */
char *ie_print(const struct ie_dict *d, const struct ie_command *c, const uint8_t *msg, size_t n,
	       char *dst, size_t size);
const char *ie_type_name(enum ie_type t);
/* Markdown of the tables, for docs/ref. */
void ie_doc_dict(FILE *f, const struct ie_dict *d);
void ie_doc_command(FILE *f, const struct ie_command *c);

/* --- base protocol --- */
enum ie_base_avp {
	IEB_USER_NAME,
	IEB_AUTH_APPLICATION_ID,
	IEB_ACCT_APPLICATION_ID,
	IEB_VENDOR_SPECIFIC_APPLICATION_ID,
	IEB_SESSION_ID,
	IEB_ORIGIN_HOST,
	IEB_VENDOR_ID,
	IEB_RESULT_CODE,
	IEB_AUTH_SESSION_STATE,
	IEB_FAILED_AVP,
	IEB_ERROR_MESSAGE,
	IEB_ROUTE_RECORD,
	IEB_DESTINATION_REALM,
	IEB_PROXY_INFO,
	IEB_DESTINATION_HOST,
	IEB_ERROR_REPORTING_HOST,
	IEB_ORIGIN_REALM,
	IEB_EXPERIMENTAL_RESULT,
	IEB_EXPERIMENTAL_RESULT_CODE,
	IEB_ORIGIN_STATE_ID,
	IEB_PROXY_HOST,
	IEB_PROXY_STATE,
	IEB_DRMP,
	IEB_OC_SUPPORTED_FEATURES,
	IEB_OC_OLR,
	IEB_LOAD,
	IEB_REDIRECT_HOST,
	IEB_REDIRECT_HOST_USAGE,
	IEB_REDIRECT_MAX_CACHE_TIME,
	IEB_N
};
extern const struct ie_avp ie_base[IEB_N];
extern const struct ie_dict ie_base_dict;
/* Cx and its like: Vendor-Specific-Application-Id; Gx, Rx and RFC 4006: Auth-Application-Id. */
extern const struct ie_rule ie_env_rules[], ie_env_auth_rules[], ie_xresult_rules[];

/* Rows that start every answer: the result. */
#define IE_RESULT_ROWS(T, f)                                                           \
	IE_ONE(&ie_base[IEB_RESULT_CODE], IE_OPT, IE_RESULT, T, f),                    \
	{                                                                              \
		.avp = &ie_base[IEB_EXPERIMENTAL_RESULT], .map = IE_XRESULT, .max = 1, \
		.off = offsetof(T, f), .group = ie_xresult_rules                       \
	}

#endif
