// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Session descriptions (RFC 4566) as an IMS-ALG and a phone need them: streams with their transport
 * addresses, directions (RFC 3264), bandwidth (RFC 3556), RTCP port (RFC 3605, 5761) and preconditions
 * (RFC 3312). See sdp_relay.c for rewriting and sdp_msg.c for where SDP is in a message.
 *
 * Lines end with CRLF, or LF as RFC 4566 5 asks receivers to allow. Only what we read is judged.
 */
#include <arpa/inet.h>
#include <stdio.h>

#include "lib/sip/sdp-internal.h"

bool sdp_next_line(struct str *rest, struct sdp_line *ret)
{
	const char *lf;
	size_t n;

	if (!rest->n)
		return false;
	lf = memchr(rest->p, '\n', rest->n);
	n = lf ? (size_t)(lf - rest->p) + 1 : rest->n;
	ret->whole = (struct str){ rest->p, n };
	*rest = (struct str){ rest->p + n, rest->n - n };
	while (n && (ret->whole.p[n - 1] == '\n' || ret->whole.p[n - 1] == '\r'))
		n--;
	ret->type = n >= 2 && ret->whole.p[1] == '=' ? ret->whole.p[0] : '\0';
	ret->value = ret->type ? (struct str){ ret->whole.p + 2, n - 2 }
			       : (struct str){ ret->whole.p, n };
	return true;
}

bool sdp_word(struct str *rest, struct str *ret)
{
	size_t n = 0;

	while (rest->n && rest->p[0] == ' ')
		*rest = (struct str){ rest->p + 1, rest->n - 1 };
	while (n < rest->n && rest->p[n] != ' ')
		n++;
	*ret = (struct str){ rest->p, n };
	*rest = (struct str){ rest->p + n, rest->n - n };
	return n > 0;
}

bool sdp_attr(struct str value, const char *name, struct str *ret)
{
	size_t n = strlen(name);

	if (value.n < n || memcmp(value.p, name, n) || (value.n > n && value.p[n] != ':'))
		return false;
	*ret = value.n > n ? (struct str){ value.p + n + 1, value.n - n - 1 }
			   : (struct str){ value.p + n, 0 };
	return true;
}

/* "IN IP4 192.0.2.1" with or without "/ttl"; *rest is left behind it. */
int sdp_addr(struct str *rest, union sip_sa *ret)
{
	struct str net, type, addr;
	const char *slash;
	char z[INET6_ADDRSTRLEN];

	if (!sdp_word(rest, &net) || !sdp_word(rest, &type) || !sdp_word(rest, &addr) ||
	    !str_ieq(net, STR("IN")))
		return -EINVAL;
	slash = memchr(addr.p, '/', addr.n);
	if (slash)
		addr.n = (size_t)(slash - addr.p);
	if (addr.n && addr.p[0] == '[') /* not in SDP */
		return -EINVAL;
	if (str_copy(z, sizeof(z), addr) || sip_sa_parse(z, 0, ret))
		return -EINVAL;
	return str_ieq(type, ret->sa.sa_family == AF_INET6 ? STR("IP6") : STR("IP4")) ? 0 : -EINVAL;
}

/* "audio 49170 RTP/AVP 0 8" */
int sdp_m_line(struct str value, struct sdp_media *m)
{
	struct str port, rest = value;
	const char *slash;
	uint64_t v;

	if (!sdp_word(&rest, &m->type) || !sdp_word(&rest, &port) || !sdp_word(&rest, &m->proto))
		return -EINVAL;
	m->fmt = str_trim(rest);
	slash = memchr(port.p, '/', port.n);
	if (slash) { /* several ports in a row: only one is relayed */
		if (!str_eq((struct str){ slash, (size_t)(port.p + port.n - slash) }, STR("/1")))
			return -EINVAL;
		port.n = (size_t)(slash - port.p);
	}
	if (!m->fmt.n || str_to_u64(port, UINT16_MAX, &v))
		return -EINVAL;
	m->port = (uint16_t)v;
	return 0;
}

bool sdp_addr_is_zero(const union sip_sa *a)
{
	static const uint8_t zero[16];

	if (a->sa.sa_family == AF_INET)
		return !((const struct sockaddr_in *)&a->ss)->sin_addr.s_addr;
	if (a->sa.sa_family == AF_INET6)
		return !memcmp(&((const struct sockaddr_in6 *)&a->ss)->sin6_addr, zero, 16);
	return false;
}

/* --- one reader state per description --- */

enum { QOS_SEND = 1, QOS_RECV = 2 };

struct qos {
	uint8_t curr, must; /* directions */
};

struct reader {
	struct sdp_info *info;
	struct sdp_media *m; /* NULL: session level */
	union sip_sa conn;   /* of the session */
	bool has_origin, has_rtcp, has_conn;
	union sip_sa rtcp,
		m_conn; /* of the media being read; rtcp: family 0 when it is the stream's */
	uint16_t rtcp_port;
	enum sdp_dir dir;
	struct qos local, remote;
};

static int read_origin(struct reader *r, struct str value)
{
	struct str user, id, version;

	if (r->m || r->has_origin || !sdp_word(&value, &user) || !sdp_word(&value, &id) ||
	    !sdp_word(&value, &version))
		return -EINVAL;
	/* Numbers by RFC 4566, yet some send more digits than 64 bits hold: then 0, nobody depends on it. */
	if (str_to_u64(id, UINT64_MAX, &r->info->sess_id) == -EINVAL ||
	    str_to_u64(version, UINT64_MAX, &r->info->sess_version) == -EINVAL)
		return -EINVAL;
	r->has_origin = true;
	return 0;
}

static int read_conn(struct reader *r, struct str value)
{
	/* Two in a section are for multicast layers (RFC 4566 5.7); which one would we relay? */
	if (r->m ? r->has_conn : r->conn.sa.sa_family)
		return -EINVAL;
	r->has_conn = r->m;
	return sdp_addr(&value, r->m ? &r->m_conn : &r->conn);
}

/* "AS:49"; other modifiers are none of ours. */
static void read_bandwidth(struct reader *r, struct str value)
{
	const struct {
		struct str prefix;
		uint32_t *field;
	} kinds[] = {
		{ STR("AS:"), r->m ? &r->m->b_as_kbps : NULL },
		{ STR("RS:"), r->m ? &r->m->b_rs : NULL },
		{ STR("RR:"), r->m ? &r->m->b_rr : NULL },
	};
	uint64_t v;

	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		size_t n = kinds[i].prefix.n;

		if (kinds[i].field && str_has_prefix(value, kinds[i].prefix) &&
		    !str_to_u64(str_trim((struct str){ value.p + n, value.n - n }), UINT32_MAX, &v))
			*kinds[i].field = (uint32_t)v;
	}
}

static uint8_t qos_direction(struct str s)
{
	if (str_ieq(s, STR("sendrecv")))
		return QOS_SEND | QOS_RECV;
	if (str_ieq(s, STR("send")))
		return QOS_SEND;
	return str_ieq(s, STR("recv")) ? QOS_RECV : 0;
}

/* Status types: local and remote are segmented; e2e counts for both (RFC 3312 4). */
static void qos_apply(struct reader *r, struct str status, bool curr, uint8_t dir)
{
	bool e2e = str_ieq(status, STR("e2e"));

	if (e2e || str_ieq(status, STR("local")))
		*(curr ? &r->local.curr : &r->local.must) |= dir;
	if (e2e || str_ieq(status, STR("remote")))
		*(curr ? &r->remote.curr : &r->remote.must) |= dir;
}

/* "qos local none" of a=curr */
static void read_curr(struct reader *r, struct str v)
{
	struct str type, status, dir;

	if (!sdp_word(&v, &type) || !sdp_word(&v, &status) || !sdp_word(&v, &dir) ||
	    !str_ieq(type, STR("qos")))
		return;
	r->m->has_qos = true;
	qos_apply(r, status, true, qos_direction(dir));
}

/* "qos mandatory local sendrecv" of a=des */
static void read_des(struct reader *r, struct str v)
{
	struct str type, strength, status, dir;

	if (!sdp_word(&v, &type) || !sdp_word(&v, &strength) || !sdp_word(&v, &status) ||
	    !sdp_word(&v, &dir))
		return;
	if (str_ieq(type, STR("qos")) && str_ieq(strength, STR("mandatory")))
		qos_apply(r, status, false, qos_direction(dir));
}

/* "port" or "port IN IP4 addr" of a=rtcp (RFC 3605) */
static int read_rtcp(struct reader *r, struct str v)
{
	struct str port;
	uint64_t n;

	if (!sdp_word(&v, &port) || str_to_u64(port, UINT16_MAX, &n))
		return -EINVAL;
	r->rtcp = (union sip_sa){ 0 };
	if (str_trim(v).n && sdp_addr(&v, &r->rtcp))
		return -EINVAL;
	r->rtcp_port = (uint16_t)n;
	r->has_rtcp = true;
	return 0;
}

static bool read_direction(struct reader *r, struct str value)
{
	static const char *const names[] = {
		[SDP_SENDRECV] = "sendrecv",
		[SDP_SENDONLY] = "sendonly",
		[SDP_RECVONLY] = "recvonly",
		[SDP_INACTIVE] = "inactive",
	};

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		if (!str_eqz(value, names[i]))
			continue;
		*(r->m ? &r->m->dir : &r->dir) = i;
		return true;
	}
	return false;
}

static int read_attr(struct reader *r, struct str value)
{
	struct str v;

	if (read_direction(r, value) || !r->m)
		return 0;
	if (sdp_attr(value, "rtcp-mux", &v))
		r->m->rtcp_mux = true;
	else if (sdp_attr(value, "rtcp", &v))
		return read_rtcp(r, v);
	else if (sdp_attr(value, "curr", &v))
		read_curr(r, v);
	else if (sdp_attr(value, "des", &v))
		read_des(r, v);
	return 0;
}

static int finish_rtcp(struct reader *r)
{
	struct sdp_media *m = r->m;

	m->rtcp = m->rtp;
	if (r->has_rtcp) {
		if (r->rtcp.sa.sa_family)
			m->rtcp = r->rtcp;
		sip_sa_set_port(&m->rtcp, r->rtcp_port);
		return r->rtcp_port ? 0 : -EINVAL;
	}
	if (m->rtcp_mux)
		return 0;
	if (m->port == UINT16_MAX)
		return -EINVAL;
	sip_sa_set_port(&m->rtcp, (uint16_t)(m->port + 1));
	return 0;
}

/* The media section ends: what its lines mean together. */
static int finish_media(struct reader *r)
{
	struct sdp_media *m = r->m;
	int e = 0;

	if (!m)
		return 0;
	m->own_conn = r->has_conn;
	m->rtp = r->has_conn ? r->m_conn : r->conn;
	if (m->rtp.sa.sa_family) {
		sip_sa_set_port(&m->rtp, m->port);
		m->conn_zero = sdp_addr_is_zero(&m->rtp);
		e = m->port ? finish_rtcp(r) : 0;
	} else if (m->port) {
		e = -EINVAL; /* RFC 4566 5.7: c= in the session or in each media */
	}
	m->qos_local_met = !(r->local.must & ~r->local.curr);
	m->qos_remote_met = !(r->remote.must & ~r->remote.curr);
	return e;
}

static int begin_media(struct reader *r, struct str value)
{
	int e = finish_media(r);

	if (e)
		return e;
	if (r->info->n == SDP_MEDIA_MAX)
		return -E2BIG;
	r->m = &r->info->m[r->info->n++];
	*r->m = (struct sdp_media){ .dir = r->dir };
	r->has_rtcp = r->has_conn = false;
	r->local = r->remote = (struct qos){ 0 };
	return sdp_m_line(value, r->m);
}

static int read_line(struct reader *r, const struct sdp_line *l)
{
	switch (l->type) {
	case 'o':
		return read_origin(r, l->value);
	case 'c':
		return read_conn(r, l->value);
	case 'b':
		read_bandwidth(r, l->value);
		return 0;
	case 'm':
		return begin_media(r, l->value);
	case 'a':
		return read_attr(r, l->value);
	case '\0': /* an empty line at the end is common; anything else without "x=" is not SDP */
		return l->value.n ? -EINVAL : 0;
	}
	return 0;
}

/* NUL, and CR that ends no line: somebody else's parser could see another line there. */
static bool octets_ok(struct str s)
{
	const char *p = s.p, *end = s.p + s.n;

	if (memchr(s.p, '\0', s.n))
		return false;
	while ((p = memchr(p, '\r', (size_t)(end - p)))) {
		if (++p < end && *p != '\n')
			return false;
	}
	return true;
}

int sdp_read(struct str text, struct sdp_info *ret)
{
	struct reader r = { .info = ret };
	struct sdp_line l;
	int e;

	ret->n = 0;
	ret->sess_id = ret->sess_version = 0;
	if (!text.n || !octets_ok(text))
		return -EINVAL;
	if (!sdp_next_line(&text, &l) || l.type != 'v' || !str_eq(l.value, STR("0")))
		return -EINVAL;
	while (sdp_next_line(&text, &l)) {
		e = read_line(&r, &l);
		if (e)
			return e;
	}
	if (!r.has_origin)
		return -EINVAL;
	return finish_media(&r);
}
