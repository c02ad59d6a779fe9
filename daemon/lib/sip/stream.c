// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Stream framing (RFC 3261 18.3, 7.5; RFC 5626 3.5.1); see stream.h.
 *
 * A header section without Content-Length on a stream is taken as "no body" (RFC 3261 20.14 asks
 * for the field, old implementations leave it out of bodiless requests).
 */
#include "lib/sip/stream.h"

static enum sip_frame done(struct sip_framer *f, enum sip_frame kind, size_t len, size_t *ret_len)
{
	*f = (struct sip_framer){ 0 };
	*ret_len = len;
	return kind;
}

static enum sip_frame line_ends(struct sip_framer *f, const char *data, size_t len, size_t *ret_len)
{
	if (len >= 4 && !memcmp(data, "\r\n\r\n", 4))
		return done(f, SIP_FRAME_PING, 4, ret_len);
	/* A CR may be the begin of a ping of which the rest is still to come. */
	if (len < 4 && !memcmp(data, "\r\n\r\n", len))
		return SIP_FRAME_MORE;
	for (size_t i = 0; i < len; i++)
		if (data[i] != '\r' && data[i] != '\n')
			return done(f, SIP_FRAME_CRLF, i, ret_len);
	return done(f, SIP_FRAME_CRLF, len, ret_len);
}

/* Octets up to and with the empty line; 0: not there yet. Resumes where the last call ended. */
static size_t header_end(struct sip_framer *f, const char *data, size_t len)
{
	size_t i = f->scanned;

	while (i < len) {
		const char *nl = memchr(data + i, '\n', len - i);

		if (!nl)
			break;
		i = nl - data + 1;
		if (i < len && data[i] == '\n')
			return i + 1;
		if (i + 1 < len && data[i] == '\r' && data[i + 1] == '\n')
			return i + 2;
		if (i + 1 >= len) { /* the next octets decide: come back to this line end */
			f->scanned = i - 1;
			return 0;
		}
	}
	f->scanned = len;
	return 0;
}

static bool is_content_length(struct str name)
{
	return str_ieqz(name, "Content-Length") || str_ieqz(name, "l");
}

/* Value of all Content-Length lines: 0 and *ret, or -EINVAL (not a number, two that differ). */
static int content_length(const char *data, size_t len, uint64_t *ret)
{
	struct str rest = { data, len }, line;
	bool seen = false;
	uint64_t v, first = 0;

	while (str_split(&rest, '\n', &line)) {
		const char *colon = memchr(line.p, ':', line.n);
		struct str name, value;

		if (!colon || line.p[0] == ' ' || line.p[0] == '\t')
			continue;
		name = str_trim((struct str){ line.p, colon - line.p });
		if (!is_content_length(name))
			continue;
		value = str_trim((struct str){ colon + 1, line.p + line.n - (colon + 1) });
		if (str_to_u64(value, UINT32_MAX, &v) || (seen && v != first))
			return -EINVAL;
		first = v;
		seen = true;
	}
	*ret = first;
	return 0;
}

enum sip_frame sip_frame_next(struct sip_framer *f, const char *data, size_t len, size_t max,
			      size_t *ret_len)
{
	if (!len)
		return SIP_FRAME_MORE;
	if (!f->scanned && !f->total && (data[0] == '\r' || data[0] == '\n'))
		return line_ends(f, data, len, ret_len);
	if (!f->total) {
		size_t head = header_end(f, data, len);
		uint64_t body;

		if (!head)
			return len >= max ? SIP_FRAME_TOO_BIG : SIP_FRAME_MORE;
		if (content_length(data, head, &body))
			return SIP_FRAME_BROKEN;
		if (head + body > max)
			return SIP_FRAME_TOO_BIG;
		f->total = head + body;
	}
	if (len < f->total)
		return SIP_FRAME_MORE;
	return done(f, SIP_FRAME_MESSAGE, f->total, ret_len);
}
