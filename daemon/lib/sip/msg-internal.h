/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Inside of a SIP message; only for the files of lib/sip that make up msg.h.
 *
 * One allocation holds the struct, the index entries of what was received, the received bytes and
 * some room for edits. Entries form a list in wire order and never move: a removed one keeps its
 * link, so that a loop that stands on it goes on. line is always one contiguous text
 * "Name: value CRLF"; name and value are views into it.
 *
 * Invariants: size = encoded size; present has the bit of every kind that has an entry (and maybe
 * of some that had one); from_tag, to_tag, cseq and cseq_method follow the entries.
 */
#ifndef KIMS_SIP_MSG_INTERNAL_H
#define KIMS_SIP_MSG_INTERNAL_H

#include "lib/sip/msg.h"

#define SIP_MSG_MAX    65535
#define SIP_FIELDS_MAX 256
#define SIP_EDIT_ROOM \
	640 /* what a proxy adds (Via, Record-Route, Path, P-*) fits without a second allocation */

/* Bounds of what is kept in tables or compared often; longer ones are refused with 400 (414 for the URI). */
#define SIP_METHOD_MAX 128
#define SIP_ID_MAX     512 /* Call-ID, tags, branch */
#define SIP_URI_MAX    4096

struct sip_ent {
	struct sip_hf hf; /* first: callers hold pointers to it */
	struct str line;
	struct sip_ent *next, *prev;
	bool dead;
};

struct sip_chunk {
	struct sip_chunk *next;
	char data[];
};

enum sip_typed {
	SIP_T_VIA,
	SIP_T_FROM,
	SIP_T_TO,
	SIP_T_CONTACT,
	SIP_T_ROUTE,
	SIP_T_RECORD_ROUTE,
	SIP_T_AUTHORIZATION,
	SIP_T_WWW_AUTHENTICATE,
	SIP_T_RACK,
	SIP_T_CONTENT_TYPE,
	SIP_T_SESSION_EXPIRES,
	SIP_T_MAX
};

struct sip_msg {
	unsigned int refs;
	bool is_request;
	enum sip_method_id method;
	int status;
	uint32_t cseq;
	struct str start; /* with CRLF */
	struct str method_name, ruri, reason;
	struct str cseq_method, from_tag, to_tag;
	struct str blank; /* the empty line */
	struct str body;
	struct sip_ent *first, *last;
	unsigned int n_fields;
	uint32_t typed_ok; /* bit per enum sip_typed: typed[] holds an answer, maybe NULL */
	size_t size;
	uint64_t present[2];
	void *typed[SIP_T_MAX];
	url_t *ruri_url;
	su_home_t *home;
	struct sip_chunk *chunks;
	char *room;
	size_t room_n;
};

/* A message with place for n_fields entries and n_bytes of text at *ret_bytes, followed by room for edits. */
struct sip_msg *sip_msg_alloc(size_t n_fields, size_t n_bytes, struct sip_ent **ret_ents,
			      char **ret_bytes);
char *sip_msg_room(struct sip_msg *m, size_t n, size_t align); /* arena; NULL no memory */
void sip_msg_link(struct sip_msg *m, struct sip_ent *e,
		  struct sip_ent *before);		/* before NULL: at the end */
void sip_msg_touch(struct sip_msg *m, enum sip_hdr id); /* a field of the kind has changed */

enum sip_hdr sip_hdr_find(struct str name);
bool sip_hdr_singleton(enum sip_hdr id);
enum sip_method_id sip_method_find(struct str name);

/* CSeq: number and method. -EINVAL. */
int sip_cseq_parse(struct str value, uint32_t *ret_number, struct str *ret_method);

/* Classes of octets: one look-up where the grammar would need many comparisons. */
enum {
	SIP_C_TOKEN = 1, /* token (RFC 3261 25.1) */
	SIP_C_HOST = 2,	 /* host name, IPv4, and '_', which some use */
	SIP_C_LWS = 4,	 /* SP HTAB CR LF: inside a header field CR and LF only as folding */
	SIP_C_VALUE =
		8,	/* token, host and what else is met in a parameter's value without quotes */
	SIP_C_URI = 16, /* no control character, space, quotes or angle bracket */
	SIP_C_LIST = 32, /* plain: has no meaning for the elements of a comma list */
};
extern const uint8_t sip_cls[256];

static inline bool sip_is(char c, unsigned int class)
{
	return sip_cls[(unsigned char)c] & class;
}

static inline bool sip_is_token_char(char c)
{
	return sip_is(c, SIP_C_TOKEN);
}

static inline bool sip_is_lws(char c)
{
	return sip_is(c, SIP_C_LWS);
}

/* Octets at the beginning of s that are of the class. */
static inline size_t sip_span(struct str s, unsigned int class)
{
	size_t n = 0;

	while (n < s.n && sip_is(s.p[n], class))
		n++;
	return n;
}

static inline bool sip_is_token(struct str s)
{
	return s.n && sip_span(s, SIP_C_TOKEN) == s.n;
}

static inline struct str sip_skip(struct str s, size_t n)
{
	return n ? (struct str){ s.p + n, s.n - n } : s;
}

static inline struct str sip_skip_lws(struct str s)
{
	return s.n && sip_is_lws(s.p[0]) ? sip_skip(s, sip_span(s, SIP_C_LWS)) : s;
}

static inline struct str sip_rtrim(struct str s)
{
	while (s.n && sip_is_lws(s.p[s.n - 1]))
		s.n--;
	return s;
}

static inline struct str sip_trim(struct str s)
{
	return sip_rtrim(sip_skip_lws(s));
}

/* First element of a comma list; *ret_next: offset behind its comma or s.n. */
struct str sip_elem_first(struct str s, size_t *ret_next);
/*
 * Walks ;a=b;c="d" once: -EINVAL when something strange is in between. What is wanted gets its value
 * (without quotes; the first one counts) and the flag.
 */
struct sip_param_want {
	struct str name;
	struct str *value;
	bool *has; /* may be NULL */
};
int sip_params_scan(struct str params, const struct sip_param_want *want, size_t n);
static inline bool sip_params_valid(struct str params)
{
	return !sip_params_scan(params, NULL, 0);
}

static inline bool sip_msg_maybe(const struct sip_msg *m, enum sip_hdr id)
{
	return m->present[id >> 6] >> (id & 63) & 1;
}

#endif
