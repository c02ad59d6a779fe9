/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Messages of type-length-value IEs as tables: GTPv2-C (TS 29.274 5, 7.7, 8.2: type, length, instance)
 * and PFCP (TS 29.244 7.2, 7.6, 8.1: 16-bit type, length, enterprise).
 *
 * An IE is one row: name, type, C type, lengths, and one function that walks its octets: the same
 * function decodes, encodes and prints it. A message or a grouped IE is a list of rules: which IE and
 * instance, M/C/O, how many, where the value lives in a C struct. A reference point writes these rows
 * once as a list macro (ref/s5.h, ref/sx.h), from which come struct, rules and documentation.
 *
 * Invariants: the reader never leaves the value of its IE and its error is sticky; text and octets in a
 * decoded struct are views into the message or arrays in the struct; nothing is allocated; nesting is
 * bounded by the tables.
 */
#ifndef KIMS_IE_TLV_H
#define KIMS_IE_TLV_H

#include <netinet/in.h>
#include <stdio.h>

#include "lib/core/base.h"

struct ie_out; /* text, lib/ie/wire.h */

/* --- octets out: the owner's memory, with a sticky error --- */
struct tlv_buf {
	uint8_t *p;
	size_t n, cap;
	int err; /* -EMSGSIZE */
};
#define TLV_BUF(array) ((struct tlv_buf){ .p = (array), .cap = sizeof(array) })

/* --- the walk over one value --- */
enum tlv_op { TLV_DECODE, TLV_ENCODE };

struct tlv_io {
	enum tlv_op op;
	const uint8_t *p, *end; /* decoding */
	struct tlv_buf *b;	/* encoding */
	uint8_t acc;		/* the octet that tlv_bits() is in */
	unsigned int bit;	/* its bits that are done, 0: at a whole octet */
	bool cut;		/* ended before its time: Invalid length */
	bool bad;		/* a value that cannot be: IE incorrect */
	uint8_t cause;		/* a more precise cause than that; 0: none */
	struct ie_out *out;	/* decoding: prints, too; may be NULL */
};

void tlv_u8(struct tlv_io *io, const char *name, uint8_t *v);
void tlv_u16(struct tlv_io *io, const char *name, uint16_t *v);
void tlv_u32(struct tlv_io *io, const char *name, uint32_t *v);
void tlv_u64(struct tlv_io *io, const char *name, uint64_t *v);
void tlv_uint(struct tlv_io *io, const char *name, unsigned int octets, uint64_t *v); /* 1..8 */
void tlv_u24(struct tlv_io *io, const char *name, uint32_t *v);
/* The next n bits (high first) of the current octet; name NULL: spare, sent as 0, ignored. */
void tlv_bits(struct tlv_io *io, const char *name, unsigned int n, uint8_t *v);
void tlv_flag(struct tlv_io *io, const char *name, bool *v);
#define tlv_spare(io, n) tlv_bits(io, NULL, n, NULL)
/*
 * A row of flags, bit 1 of the first octet first: names and bools in this order. Octets beyond min are
 * sent while there is a flag in them, and may be missing.
 */
void tlv_flags(struct tlv_io *io, const char *const *names, bool *v, size_t n, size_t min);
void tlv_octets(struct tlv_io *io, const char *name, void *v, size_t n); /* exactly n */
void tlv_ip4(struct tlv_io *io, const char *name, struct in_addr *v);
void tlv_ip6(struct tlv_io *io, const char *name, struct in6_addr *v);
void tlv_rest(struct tlv_io *io, const char *name, struct str *v); /* all that is left */
void tlv_lv(struct tlv_io *io, const char *name, unsigned int len_octets, struct str *v);
void tlv_text(struct tlv_io *io, const char *name,
	      struct str *v); /* all that is left, without NUL */
/* Digits of TS 29.274 8.3, 8.10, 8.11 (TBCD, low half first, 0xf fills): all that is left. */
void tlv_digits(struct tlv_io *io, const char *name, char *v, size_t size);
/* Labels of RFC 1035 as text with dots (APN, FQDN): all that is left. */
void tlv_labels(struct tlv_io *io, const char *name, char *v, size_t size);
struct tlv_plmn {
	char mcc[4], mnc[4]; /* 3, and 2 or 3 digits */
};
void tlv_plmn(struct tlv_io *io, const char *name, struct tlv_plmn *v);
/*
 * A part with its own length before it (of 1 or 2 octets): what is walked between these two stays in it;
 * decoding, what is left of it at the end is skipped.
 */
struct tlv_part {
	const uint8_t *end;
	size_t at;
	unsigned int len_octets;
};
void tlv_part_begin(struct tlv_io *io, unsigned int len_octets, struct tlv_part *p);
void tlv_part_end(struct tlv_io *io, const struct tlv_part *p);
/* Decoding: is something left? Encoding: want. */
bool tlv_more(const struct tlv_io *io, bool want);
size_t tlv_left(const struct tlv_io *io); /* decoding */
void tlv_bad(struct tlv_io *io, uint8_t cause);
bool tlv_ok(const struct tlv_io *io);		    /* nothing went wrong so far */
void tlv_note(struct tlv_io *io, const char *name); /* printing: a heading */

/* Codecs of plain values, for rows of IEs. */
void tlv_io_u8(struct tlv_io *io, void *v);
void tlv_io_u16(struct tlv_io *io, void *v);
void tlv_io_u32(struct tlv_io *io, void *v);
void tlv_io_u64(struct tlv_io *io, void *v);
void tlv_io_low2(struct tlv_io *io, void *v); /* uint8_t: the low bits of an octet */
void tlv_io_low3(struct tlv_io *io, void *v);
void tlv_io_low4(struct tlv_io *io, void *v);
void tlv_io_low6(struct tlv_io *io, void *v);
void tlv_io_rest(struct tlv_io *io, void *v);  /* struct str */
void tlv_io_text(struct tlv_io *io, void *v);  /* struct str */
void tlv_io_timer(struct tlv_io *io, void *v); /* struct tlv_timer */

/* EPC Timer (TS 29.274 8.87) and Timer (TS 29.244 8.2.35). */
struct tlv_timer {
	uint8_t unit; /* 0: 2 s, 1: 1 min, 2: 10 min, 3: 1 h, 4: 10 h, 7: infinite; others: 1 min */
	uint8_t value; /* 0..31; 0: stopped */
};
uint64_t tlv_timer_usec(struct tlv_timer t); /* UINT64_MAX: infinite */

/* --- tables --- */
typedef void tlv_codec(struct tlv_io *io, void *v);

struct tlv_ie {
	const char *name, *spec; /* "F-TEID", "8.22" */
	uint16_t type, vendor;	 /* vendor: PFCP, enterprise of a type over 32767 */
	/* Octets of the value. max 0: extendable; max == min: fixed. What is more in these is ignored. */
	uint16_t min, max;
	tlv_codec *io; /* NULL: grouped */
};

enum tlv_presence {
	TLV_O, /* optional: an incorrect one is as if it were not there */
	TLV_C, /* conditional: an incorrect one is refused */
	TLV_S, /* mandatory when the cause of the message is an acceptance */
	TLV_M, /* mandatory, but in a rejecting answer only the cause is */
};

struct tlv_rule;
typedef const struct tlv_rule *tlv_rules(void); /* a list of them, ends with ie NULL */

struct tlv_rule {
	const struct tlv_ie *ie;
	const char *field;
	uint8_t instance, presence;
	uint16_t max;		     /* 1, or the size of the array */
	uint32_t off, has_off, size; /* has_off: bool has_x when max is 1, else size_t n_x */
	bool array;
	tlv_rules *group; /* members of a grouped IE; NULL: not grouped */
};

struct tlv_hdr {
	uint8_t type;
	bool has_id; /* TEID or SEID is in the header */
	uint64_t id;
	uint32_t seq; /* 24 bits */
	bool more;    /* GTPv2 P flag, PFCP FO flag: another message follows in this datagram */
	bool has_prio;
	uint8_t prio;	     /* 0: highest, 15 */
	size_t hdr_len, len; /* octets of the header, of the whole message; not used for encoding */
};

struct tlv_format { /* GTPv2-C or PFCP */
	const char *name;
	uint8_t missing, missing_cond, incorrect, bad_length, no_resources; /* causes */
	uint8_t accepted_min, accepted_max;
	uint8_t version_not_supported;	 /* message type */
	uint8_t piggyback_length;	 /* cause; 0: there is none */
	uint16_t cause_ie, cause_octets; /* IE type; the octets behind the first are 0 */
	/*
	 * 0; -EBADMSG: no header; -EMSGSIZE: the length in it does not fit n, the rest is filled;
	 * -EPROTONOSUPPORT: another version that wants an answer, type and seq are filled as far as they can be.
	 */
	int (*parse)(const uint8_t *p, size_t n, struct tlv_hdr *ret);
	void (*begin)(struct tlv_buf *b, const struct tlv_hdr *h);
	void (*set_seq)(uint8_t *p, uint32_t seq); /* in a message that is well-formed */
};
extern const struct tlv_format tlv_gtpv2, tlv_pfcp;

struct tlv_msg {
	const struct tlv_format *format;
	const char *name, *spec;
	uint8_t type;
	bool request;
	tlv_rules *rules;
	uint32_t size;	    /* of the struct */
	uint32_t cause_off; /* a response: its cause, a uint8_t, at cause_off - 1; 0: none */
};

/* What was wrong, for the Cause (and Offending IE) of the answer. */
struct tlv_error {
	uint8_t cause; /* 0: nothing */
	bool has_ie;
	uint16_t type;
	uint8_t instance;
	const char *name; /* of the IE, for the log */
};

/*
 * Decodes one message (its header says where it ends; n may be more). 0, or -EBADMSG with *ret_err.
 * ret_hdr may be NULL. An IE that is unknown, known but not of this message, or there once too often is
 * ignored (TS 29.274 7.7.9-11, TS 29.244 7.6); more than the struct has room for, of one that is not
 * optional, is refused with "no resources". Elements of arrays beyond their number are not written.
 */
int tlv_decode(const struct tlv_msg *m, const uint8_t *msg, size_t n, struct tlv_hdr *ret_hdr,
	       void *ret, struct tlv_error *ret_err);
/* Appends the message; h->type is set by m. 0 or -EMSGSIZE (b->err). */
int tlv_encode(const struct tlv_msg *m, const struct tlv_hdr *h, const void *in, struct tlv_buf *b);
void tlv_init(const struct tlv_msg *m, void *in); /* everything absent: zeroed */
bool tlv_accepted(const struct tlv_format *f, uint8_t cause);

/* --- raw walk, for whoever has no table --- */
struct tlv_view {
	uint16_t type, vendor;
	uint8_t instance;
	struct str value, raw;
};
struct tlv_cursor {
	const struct tlv_format *format;
	const uint8_t *p, *end;
	bool bad;
};
void tlv_cursor_init(struct tlv_cursor *c, const struct tlv_format *f, const void *p, size_t n);
bool tlv_next(struct tlv_cursor *c, struct tlv_view *ret); /* false: at the end, or bad */
/* First IE of this type and instance at the top of a message. */
bool tlv_find(const struct tlv_format *f, const uint8_t *msg, size_t n, uint16_t type,
	      uint8_t instance, struct str *ret);
uint8_t *tlv_grow(struct tlv_buf *b, size_t n); /* n zeroed octets at the end; NULL: no room */
size_t tlv_open(struct tlv_buf *b, const struct tlv_format *f, uint16_t type, uint16_t vendor,
		uint8_t instance);
void tlv_close(struct tlv_buf *b, const struct tlv_format *f, size_t at);
void tlv_put(struct tlv_buf *b, const struct tlv_format *f, uint16_t type, uint8_t instance,
	     const void *p, size_t n);
/* Closes the message that begin() opened at b->n == start: sets its length. */
void tlv_end(struct tlv_buf *b, const struct tlv_format *f, size_t start);

/* --- people --- */
/* One line; m NULL: only what the header says. Truncates; returns dst. */
char *tlv_print(const struct tlv_format *f, const struct tlv_msg *m, const uint8_t *msg, size_t n,
		char *dst, size_t size);
void tlv_doc_msg(FILE *f, const struct tlv_msg *m); /* Markdown, for docs/ref */
void tlv_doc_ies(FILE *f, const struct tlv_ie *ies, size_t n, const char *spec);

/* --- from list macros to structs and rules --- */
#define TLV_BOOL(f) bool f;
#define TLV_NAME(f) #f,
/* In a function where T is the struct: the lists of rules are static arrays of such functions. */
#define TLV_RULE_ONE(p, f, ieref, inst)    \
	{ .ie = (ieref),                   \
	  .field = #f,                     \
	  .instance = (inst),              \
	  .presence = TLV_##p,             \
	  .max = 1,                        \
	  .off = offsetof(T, f),           \
	  .has_off = offsetof(T, has_##f), \
	  .size = sizeof(((T *)0)->f) },
#define TLV_RULE_MANY(p, f, ieref, inst)  \
	{ .ie = (ieref),                  \
	  .field = #f,                    \
	  .instance = (inst),             \
	  .presence = TLV_##p,            \
	  .max = ARRAY_SIZE(((T *)0)->f), \
	  .off = offsetof(T, f),          \
	  .has_off = offsetof(T, n_##f),  \
	  .size = sizeof(((T *)0)->f[0]), \
	  .array = true },
#define TLV_RULE_SUB(p, f, ieref, inst, rules) \
	{ .ie = (ieref),                       \
	  .field = #f,                         \
	  .instance = (inst),                  \
	  .presence = TLV_##p,                 \
	  .max = 1,                            \
	  .off = offsetof(T, f),               \
	  .has_off = offsetof(T, has_##f),     \
	  .size = sizeof(((T *)0)->f),         \
	  .group = (rules) },
#define TLV_RULE_SUBS(p, f, ieref, inst, rules) \
	{ .ie = (ieref),                        \
	  .field = #f,                          \
	  .instance = (inst),                   \
	  .presence = TLV_##p,                  \
	  .max = ARRAY_SIZE(((T *)0)->f),       \
	  .off = offsetof(T, f),                \
	  .has_off = offsetof(T, n_##f),        \
	  .size = sizeof(((T *)0)->f[0]),       \
	  .array = true,                        \
	  .group = (rules) },

#endif
