// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * From octets to an indexed SIP message (RFC 3261 7, 8.2, 16.3, 18.3), judged as RFC 4475 wants.
 *
 * Two steps. scan_*() finds lines and names with memchr() and a letter table and writes offsets to
 * the stack; then one allocation takes index and octets, and check_*() looks at what every element
 * depends on. What could mean one thing here and another thing at the next hop is refused: bare CR or
 * LF, NUL, second singletons, a Content-Length that does not fit. The first defect found is reported;
 * indexing goes on, so that a response can be built.
 */
#include "lib/sip/msg-internal.h"

struct scan_field {
	uint16_t line, line_n, name_n, value, value_n;
	uint8_t id;
};

struct scan {
	const char *d;
	size_t n;	 /* octets given */
	size_t at;	 /* scanner's position */
	size_t start;	 /* start line */
	size_t start_n;	 /* with CRLF */
	size_t head_end; /* behind the empty line; 0: not found */
	size_t body_n;
	bool datagram;
	bool length_bad; /* framing unknown */
	int status;	 /* first defect */
	const char *reason;
	unsigned int n_fields;
	struct scan_field f[SIP_FIELDS_MAX];
};

static void defect(struct scan *s, int status, const char *reason)
{
	if (s->status)
		return;
	s->status = status;
	s->reason = reason;
}

enum eol { EOL_FOUND, EOL_MORE };

/*
 * Finds the end of the line, folds included, that begins at s->at; *ret_end is behind its CRLF. Bare CR
 * and LF belong to the line and are a defect.
 */
static enum eol line_end(struct scan *s, size_t *ret_end)
{
	const char *p = s->d + s->at, *end = s->d + s->n, *from = p;

	for (;;) {
		const char *lf = memchr(from, '\n', (size_t)(end - from));

		if (!lf)
			return EOL_MORE;
		if (lf == from || lf[-1] != '\r') {
			defect(s, 400, "Bad Line Ending");
			from = lf + 1;
			continue;
		}
		if (memchr(from, '\r', (size_t)(lf - from) - 1))
			defect(s, 400, "Bad Line Ending");
		if (lf + 1 == end && !s->datagram)
			return EOL_MORE; /* the next octet may fold */
		if (lf + 1 < end && (lf[1] == ' ' || lf[1] == '\t')) {
			from = lf + 1;
			continue;
		}
		*ret_end = (size_t)(lf + 1 - s->d);
		return EOL_FOUND;
	}
}

/*
 * The name in front of the colon. A name that is in the table is a token by that; only others need to be
 * looked at letter by letter.
 */
static bool field_name(struct str line, struct str *ret_name, size_t *ret_colon,
		       enum sip_hdr *ret_id)
{
	const char *colon = memchr(line.p, ':', line.n);
	size_t n;

	if (!colon)
		return false;
	*ret_colon = (size_t)(colon - line.p);
	for (n = *ret_colon; n && (line.p[n - 1] == ' ' || line.p[n - 1] == '\t'); n--)
		;
	*ret_name = (struct str){ line.p, n };
	*ret_id = sip_hdr_find(*ret_name);
	return *ret_id != SIP_H_OTHER || sip_is_token(*ret_name);
}

static void scan_field(struct scan *s, size_t end)
{
	struct str line = { s->d + s->at, end - s->at }, name, value;
	size_t colon, at = s->at - s->start;
	enum sip_hdr id;

	if (!field_name(line, &name, &colon, &id)) {
		defect(s, 400, "Bad Header Line");
		return;
	}
	if (s->n_fields == SIP_FIELDS_MAX) {
		defect(s, 400, "Too Many Header Fields");
		s->length_bad = true;
		return;
	}
	value = sip_trim(sip_skip(line, colon + 1));
	s->f[s->n_fields++] = (struct scan_field){
		.line = (uint16_t)at,
		.line_n = (uint16_t)line.n,
		.name_n = (uint16_t)name.n,
		.value = (uint16_t)(at + (value.n ? (size_t)(value.p - line.p) : colon + 1)),
		.value_n = (uint16_t)value.n,
		.id = (uint8_t)id,
	};
}

/* NUL is allowed only escaped in a quoted string (RFC 4475 3.1.1.2). */
static void scan_nul(struct scan *s, size_t end)
{
	const char *p = s->d + s->start, *e = s->d + end;

	while ((p = memchr(p, '\0', (size_t)(e - p)))) {
		if (p == s->d + s->start || p[-1] != '\\')
			defect(s, 400, "NUL In Header");
		p++;
	}
}

/* Header fields up to the empty line. */
static enum sip_parse_error scan_head(struct scan *s)
{
	size_t end;

	for (;;) {
		const char *p = s->d + s->at;

		if (s->n - s->at >= 2 && p[0] == '\r' && p[1] == '\n') {
			s->head_end = s->at + 2;
			scan_nul(s, s->head_end);
			return SIP_PARSE_OK;
		}
		if (line_end(s, &end) == EOL_MORE)
			break;
		scan_field(s, end);
		s->at = end;
	}
	if (!s->datagram && s->n - s->start <= SIP_MSG_MAX)
		return SIP_PARSE_AGAIN;
	if (s->at == s->n) { /* a datagram without the empty line */
		s->head_end = s->at;
		scan_nul(s, s->head_end);
		defect(s, 400, "Missing Empty Line");
		return SIP_PARSE_OK;
	}
	s->head_end = s->at;
	s->length_bad = true;
	if (!s->datagram)
		return SIP_PARSE_TOO_BIG;
	defect(s, 400, "Truncated Header");
	return SIP_PARSE_OK;
}

/* Content-Length: once, decimal (RFC 3261 20.14). -1: absent. */
static ssize_t scan_content_length(struct scan *s)
{
	ssize_t length = -1;

	for (unsigned int i = 0; i < s->n_fields; i++) {
		const struct scan_field *f = &s->f[i];
		uint64_t v;

		if (f->id != SIP_H_CONTENT_LENGTH)
			continue;
		if (length >= 0 ||
		    str_to_u64((struct str){ s->d + s->start + f->value, f->value_n }, INT32_MAX,
			       &v)) {
			defect(s, 400, "Bad Content-Length Header");
			s->length_bad = true;
			return length;
		}
		length = (ssize_t)v;
	}
	return length;
}

/* How long is the body, and is it there? */
static enum sip_parse_error scan_body(struct scan *s)
{
	ssize_t length = scan_content_length(s);
	size_t have = s->n - s->head_end;

	if (s->datagram) {
		s->body_n = length < 0 ? have : MIN((size_t)length, have);
		if (length > 0 && (size_t)length > have) {
			s->length_bad = true;
			defect(s, 400, "Content-Length Too Big");
		}
		return SIP_PARSE_OK;
	}
	if (s->length_bad)
		return SIP_PARSE_OK;
	if (length < 0) {
		s->length_bad = true;
		defect(s, 400, "Missing Content-Length Header");
		return SIP_PARSE_OK;
	}
	if ((size_t)length > SIP_MSG_MAX - MIN(s->head_end - s->start, (size_t)SIP_MSG_MAX))
		return SIP_PARSE_TOO_BIG;
	if ((size_t)length > have)
		return SIP_PARSE_AGAIN;
	s->body_n = (size_t)length;
	return SIP_PARSE_OK;
}

static struct sip_msg *build(const struct scan *s)
{
	size_t n = s->head_end - s->start + s->body_n;
	struct sip_ent *e;
	char *text;
	struct sip_msg *m = sip_msg_alloc(s->n_fields, n, &e, &text);

	if (!m)
		return NULL;
	memcpy(text, s->d + s->start, n);
	m->start = (struct str){ text, s->start_n };
	m->size = s->start_n;
	for (unsigned int i = 0; i < s->n_fields; i++, e++) {
		const struct scan_field *f = &s->f[i];

		e->hf = (struct sip_hf){ f->id,
					 { text + f->line, f->name_n },
					 { text + f->value, f->value_n } };
		e->line = (struct str){ text + f->line, f->line_n };
		sip_msg_link(m, e, NULL);
	}
	/* Where the empty line is missing this is the last field's CRLF, which reads the same. */
	m->blank = (struct str){ text + (s->head_end - s->start) - 2, 2 };
	m->body = (struct str){ text + (s->head_end - s->start), s->body_n };
	m->size += m->blank.n + m->body.n;
	return m;
}

/* "SIP/2.0 200 OK" */
static bool status_line(struct sip_msg *m, struct str line)
{
	uint64_t status;

	if (line.n < 11 || strncasecmp(line.p, "SIP/2.0 ", 8) || (line.n > 11 && line.p[11] != ' '))
		return false;
	if (str_to_u64((struct str){ line.p + 8, 3 }, 699, &status) || status < 100)
		return false;
	m->status = (int)status;
	m->reason = line.n > 12 ? (struct str){ line.p + 12, line.n - 12 }
				: (struct str){ line.p + line.n, 0 };
	return true;
}

static const char *ruri_defect(struct str uri, int *ret_status)
{
	struct sip_uri u;
	int r;

	*ret_status = 400;
	if (uri.n > SIP_URI_MAX) {
		*ret_status = 414;
		return "Request-URI Too Long";
	}
	r = sip_uri_parse(uri, &u);
	if (r == -EINVAL || (!r && u.headers.n)) /* RFC 3261 19.1.1: no headers in a Request-URI */
		return "Bad Request-URI";
	return NULL;
}

/* "INVITE sip:a@b SIP/2.0". False: no SIP request at all. */
static bool request_line(struct scan *s, struct sip_msg *m, struct str line)
{
	struct str trimmed = sip_trim(line), version = { 0 };
	const char *sp = memchr(line.p, ' ', line.n), *last;
	const char *reason;
	int status;

	if (!sp || !trimmed.n)
		return false;
	last = memrchr(trimmed.p, ' ', trimmed.n);
	if (!last || last < sp)
		return false;
	version = (struct str){ last + 1, trimmed.n - (size_t)(last + 1 - trimmed.p) };
	if (version.n < 5 || strncasecmp(version.p, "SIP/", 4))
		return false;
	m->is_request = true;
	m->method_name = (struct str){ line.p, (size_t)(sp - line.p) };
	m->ruri = last > sp ? (struct str){ sp + 1, (size_t)(last - sp) - 1 }
			    : (struct str){ last, 0 };
	if (!sip_is_token(m->method_name) || m->method_name.n > SIP_METHOD_MAX)
		return false;
	m->method = sip_method_find(m->method_name);
	if (!str_ieq(version, STR("SIP/2.0")))
		defect(s, 505, "Version Not Supported");
	reason = ruri_defect(m->ruri, &status);
	if (reason)
		defect(s, status, reason);
	if (trimmed.n != line.n)
		defect(s, 400, "Bad Request Line");
	return true;
}

static bool tag_ok(struct str tag, bool has)
{
	return !has || (tag.n <= SIP_ID_MAX && sip_is_token(tag));
}

/* From, To: one name-addr with sound parameters; the tag is kept. */
static void check_addr(struct scan *s, const struct sip_msg *m, enum sip_hdr id,
		       struct str *ret_tag, const char *reason)
{
	struct sip_name_addr na;
	struct str tag = { 0 };
	bool has = false;
	const struct sip_param_want want = { STR("tag"), &tag, &has };

	if (sip_name_addr_parse(sip_msg_value(m, id), &na) || na.uri.n > SIP_URI_MAX ||
	    sip_params_scan(na.params, &want, 1) || !tag_ok(tag, has))
		defect(s, 400, reason);
	else
		*ret_tag = tag;
}

static void check_cseq(struct scan *s, const struct sip_msg *m)
{
	if (!m->cseq_method.n)
		defect(s, 400, "Bad CSeq Header");
	else if (m->is_request && !str_eq(m->cseq_method, m->method_name))
		defect(s, 400, "CSeq Method Mismatch");
}

static void check_call_id(struct scan *s, struct str v)
{
	for (size_t i = 0; i < v.n; i++)
		if ((unsigned char)v.p[i] <= ' ' || v.p[i] == 0x7f)
			defect(s, 400, "Bad Call-ID Header");
	if (!v.n || v.n > SIP_ID_MAX)
		defect(s, 400, "Bad Call-ID Header");
}

/*
 * The topmost Via decides where our responses go and is read in full; those below belong to others, but
 * an empty one would shift who is next.
 */
static void check_via(struct scan *s, const struct sip_msg *m)
{
	bool top = true;

	for (const struct sip_hf *hf = sip_msg_hf(m, SIP_H_VIA); hf;
	     hf = sip_msg_next(m, SIP_H_VIA, hf)) {
		struct str rest = hf->value;

		do {
			struct sip_via_view v;
			size_t next;
			struct str e = sip_elem_first(rest, &next);

			if (e.n < 12 || strncasecmp(e.p, "SIP", 3) ||
			    (top && (sip_via_parse(e, &v) || v.branch.n > SIP_ID_MAX))) {
				defect(s, 400, "Bad Via Header");
				return;
			}
			top = false;
			rest = sip_skip(rest, next);
		} while (rest.n);
	}
}

static void check_max_forwards(struct scan *s, const struct sip_msg *m)
{
	uint64_t v;

	if (sip_msg_maybe(m, SIP_H_MAX_FORWARDS) &&
	    str_to_u64(sip_msg_value(m, SIP_H_MAX_FORWARDS), 255, &v))
		defect(s, 400, "Bad Max-Forwards Header");
}

/* Reasons are looked up when they are needed, so that they cost nothing. */
static const char *missing_reason(enum sip_hdr id)
{
	switch ((int)id) {
	case SIP_H_FROM:
		return "Missing From Header";
	case SIP_H_TO:
		return "Missing To Header";
	case SIP_H_CALL_ID:
		return "Missing Call-ID Header";
	case SIP_H_CSEQ:
		return "Missing CSeq Header";
	}
	return "Missing Via Header";
}

static void check_singletons(struct scan *s, const struct sip_msg *m)
{
	uint64_t seen[2] = { 0 };

	for (const struct sip_ent *e = m->first; e; e = e->next) {
		uint64_t bit = UINT64_C(1) << (e->hf.id & 63), *w = &seen[e->hf.id >> 6];

		if ((*w & bit) && sip_hdr_singleton(e->hf.id))
			defect(s, 400, "Repeated Header");
		*w |= bit;
	}
}

static void check(struct scan *s, struct sip_msg *m)
{
	static const enum sip_hdr mandatory[] = { SIP_H_VIA, SIP_H_FROM, SIP_H_TO, SIP_H_CALL_ID,
						  SIP_H_CSEQ };

	for (size_t i = 0; i < ARRAY_SIZE(mandatory); i++)
		if (!sip_msg_maybe(m, mandatory[i]))
			defect(s, 400, missing_reason(mandatory[i]));
	if (s->status)
		return;
	check_singletons(s, m);
	check_cseq(s, m);
	check_via(s, m);
	check_addr(s, m, SIP_H_FROM, &m->from_tag, "Bad From Header");
	check_addr(s, m, SIP_H_TO, &m->to_tag, "Bad To Header");
	check_call_id(s, sip_msg_call_id(m));
	check_max_forwards(s, m);
}

/* Start line into m; false: garbage. */
static bool start_line(struct scan *s, struct sip_msg *m)
{
	struct str line = { m->start.p, m->start.n - 2 };

	if (line.n >= 4 && !strncasecmp(line.p, "SIP/", 4))
		return status_line(m, line);
	return request_line(s, m, line);
}

/* Verdict over a message whose end is known, or will never be. */
static struct sip_parse_result judge(struct scan *s, enum sip_parse_error e, struct sip_msg **ret)
{
	struct sip_parse_result r = { .error = e,
				      .used = s->n,
				      .fatal = !s->datagram && (s->length_bad || e) };
	_cleanup_msg_ struct sip_msg *m = build(s);

	if (!r.fatal)
		r.used = s->head_end + s->body_n;
	if (s->datagram)
		r.used = s->n;
	if (!m || !start_line(s, m)) {
		r.error = SIP_PARSE_GARBAGE;
		return r;
	}
	sip_msg_touch(m, SIP_H_CSEQ);
	if (e == SIP_PARSE_TOO_BIG) {
		r.status = 513;
		r.reason = "Message Too Large";
	} else {
		check(s, m);
		r.status = s->status;
		r.reason = s->reason;
		r.error = s->status ? SIP_PARSE_BAD : SIP_PARSE_OK;
	}
	/* A malformed response is dropped (RFC 3261 18.1.2 has nobody to tell), and so is what has no Via to answer along. */
	if (r.error && (!m->is_request || !sip_msg_maybe(m, SIP_H_VIA))) {
		r.error = SIP_PARSE_GARBAGE;
		return r;
	}
	if (r.error) { /* the checks may have ended before they saw the tags */
		sip_msg_touch(m, SIP_H_FROM);
		sip_msg_touch(m, SIP_H_TO);
	}
	*ret = m;
	m = NULL;
	return r;
}

/* CRLFs between messages (RFC 3261 7.5), then the start line. */
static enum sip_parse_error scan_start(struct scan *s)
{
	size_t end;

	while (s->n - s->at >= 2 && s->d[s->at] == '\r' && s->d[s->at + 1] == '\n')
		s->at += 2;
	s->start = s->at;
	s->n = MIN(s->n, s->start + SIP_MSG_MAX + 1); /* offsets have 16 bits */
	if (s->at == s->n)
		return s->datagram ? SIP_PARSE_GARBAGE : SIP_PARSE_AGAIN;
	if (line_end(s, &end) == EOL_MORE) {
		if (s->datagram || s->n - s->start > SIP_MSG_MAX)
			return SIP_PARSE_GARBAGE;
		return SIP_PARSE_AGAIN;
	}
	s->start_n = end - s->start;
	s->at = end;
	return s->start_n >= 10 ? SIP_PARSE_OK : SIP_PARSE_GARBAGE;
}

struct sip_parse_result sip_msg_parse(const char *data, size_t len, bool datagram,
				      struct sip_msg **ret)
{
	struct scan s;
	enum sip_parse_error e;

	*ret = NULL;
	memset(&s, 0, offsetof(struct scan, f));
	s.d = data;
	s.n = len;
	s.datagram = datagram;
	e = scan_start(&s);
	if (!e)
		e = scan_head(&s);
	if (e == SIP_PARSE_GARBAGE)
		return (struct sip_parse_result){ .error = e, .used = len, .fatal = !datagram };
	if (!e)
		e = scan_body(&s);
	if (e == SIP_PARSE_AGAIN)
		return (struct sip_parse_result){ .error = e, .used = s.start };
	return judge(&s, e, ret);
}
